"""./kyoten definition check | publish | diff | cases | list | next-year | docs

Exit status: 0 all is well, 1 something is wrong with a file (or a case misses), 2 the command was called wrongly.
`check`, `diff`, `cases`, `next-year` and `docs` use no database.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any, NoReturn

from django.core.management.base import BaseCommand
from django.db import OperationalError, ProgrammingError
from django.utils import timezone

from kyoten.rules import reading
from kyoten.rules.cases import parse_cases, run
from kyoten.rules.definition import Definition
from kyoten.rules.differences import differences
from kyoten.rules.next_year import next_year
from kyoten.rules.reading import Invalid
from kyoten.rules.reference import replace_in

WRONG, MISUSED = 1, 2
USAGE = """使い方:
  definition check FILE…              定義ファイル（または計算例のファイル）の誤りを調べる
  definition publish FILE             定義を公開する（隣の *.cases.toml を先に動かす）
  definition diff OLD NEW             二つの定義の違いを言葉で示す
  definition cases DEFINITION CASES   計算例を動かす
  definition list                     同梱の定義と、公開した版の一覧
  definition next-year OLD [OUT]      昨年度から作成: 次の年度の定義の案を作る（OUT を省くと画面に出す）
  definition docs [PAGE]              docs/definitions.md の仕様の部分を作り直す
FILE・OLD・NEW・DEFINITION はファイルの場所か、同梱の定義の id（例 r7-zaitaku）です。
"""


class Command(BaseCommand):
    help = "事業の定義ファイルの検査・公開・比較・計算例・次年度の案"
    requires_system_checks: list[str] = []
    requires_migrations_checks = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.error = misused  # type: ignore[method-assign]
        acts = parser.add_subparsers(dest="act", required=True, metavar="check|publish|diff|cases|list|next-year|docs")
        for name, arguments in ARGUMENTS.items():
            act = acts.add_parser(name)
            act.error = misused  # type: ignore[method-assign]
            for argument, count in arguments.items():
                act.add_argument(argument, nargs=count)

    def handle(self, *args: Any, **options: Any) -> None:
        act = getattr(self, options["act"].replace("-", "_"))
        try:
            act(**{name: options[name] for name in ARGUMENTS[options["act"]]})
        except Invalid as error:
            self.stderr.write(f"× 誤りが{len(error.problems)}件あります。")
            self.stderr.write(str(error))
            sys.exit(WRONG)

    def say(self, line: str) -> None:
        self.stdout.write(line)

    # ---- acts -------------------------------------------------------------------------------------

    def check(self, file: list[str]) -> None:
        """Every file is looked at, also after one that is wrong."""
        problems = []
        for name in file:
            try:
                self._check(name)
            except Invalid as error:
                problems.extend(error.problems)
        if problems:
            raise Invalid(problems)

    def _check(self, name: str) -> None:
        text, shown = source(name)
        if shown.endswith(".cases.toml"):
            cases = parse_cases(text, shown)
            count = sum(len(getattr(cases, table)) for table in type(cases).model_fields)
            self.say(f"○ {shown}: 計算例 {count}件。書き方に誤りはありません。")
            return
        definition = reading.parse(text, shown)
        self.say(f"○ {shown}: {definition.name}（{definition.id}）。誤りはありません。")

    def cases(self, definition: str, cases: str) -> None:
        text, shown = source(definition)
        parsed = reading.parse(text, shown)
        text, shown = source(cases)
        outcomes = run(parsed, parse_cases(text, shown))
        for outcome in outcomes:
            self.say(f"{'○' if outcome.ok else '×'} {outcome.title}")
            self.say(f"    期待: {outcome.expected}")
            self.say(f"    結果: {outcome.got}")
        misses = sum(not outcome.ok for outcome in outcomes)
        self.say(f"計算例 {len(outcomes)}件のうち、合わないもの {misses}件")
        if misses or not outcomes:
            sys.exit(WRONG)

    def diff(self, old: str, new: str) -> None:
        found = differences(read(old), read(new))
        for difference in found:
            self.say(f"・{difference}")
        self.say(f"違いは{len(found)}件です。" if found else "違いはありません。")

    def next_year(self, old: str, out: str | None) -> None:
        text, shown = source(old)
        made = next_year(text, shown)
        if not out:
            self.stdout.write(made.text, ending="")
        elif Path(out).exists():
            misused(f"{out} はすでにあります。別の名前にするか、そのファイルを片付けてください。")
        else:
            Path(out).write_text(made.text, "utf-8")
            self.say(f"○ {out} を作りました（id = {made.slug}）。「# 要確認」の行が{made.marks}か所あります。")
        reading.parse(made.text, out or f"{made.slug}.toml")

    def docs(self, page: str | None) -> None:
        path = Path(page or "docs/definitions.md")
        if not path.is_file():
            misused(f"{path} というファイルはありません。")
        path.write_text(replace_in(path.read_text("utf-8")), "utf-8")
        self.say(f"○ {path} の仕様の部分を作り直しました。")

    def publish(self, file: str) -> None:
        from kyoten.programmes.actions import publish, review
        from kyoten.records.models import Refused

        text, shown = source(file)
        cases = cases_beside(file)
        before = review(text, cases, shown)
        for difference in before.differences:
            self.say(f"・{difference}")
        if before.same and before.latest:
            self.say(f"○ 第{before.latest.revision}版と同じ内容です。新しい版は作りませんでした。")
            return
        try:
            programme = publish(text, by=None, at=timezone.now(), cases=cases, file=shown)
        except Refused as error:
            self.stderr.write(f"× {error}")
            sys.exit(WRONG)
        self.say(f"○ {programme.definition.name}（{programme.slug}）の第{programme.revision}版を公開しました。")

    def list(self) -> None:
        from kyoten.programmes.models import Programme

        for slug in reading.shipped_slugs():
            self.say(f"同梱　{slug}　{reading.shipped(slug).name}")
        try:
            published = list(Programme.objects.order_by("slug", "revision"))
        except (OperationalError, ProgrammingError):
            self.say("公開した版は、データベースの準備（./kyoten run）の後に表示されます。")
            return
        for programme in published:
            day = timezone.localtime(programme.published_at)
            self.say(
                f"公開　{programme.slug}　第{programme.revision}版　{day:%Y-%m-%d %H:%M}　{programme.definition.name}"
            )


ARGUMENTS: dict[str, dict[str, Any]] = {
    "check": {"file": "+"},
    "publish": {"file": None},
    "diff": {"old": None, "new": None},
    "cases": {"definition": None, "cases": None},
    "list": {},
    "next-year": {"old": None, "out": "?"},
    "docs": {"page": "?"},
}


def misused(message: str) -> NoReturn:
    sys.stderr.write(f"× {_in_japanese(message)}\n{USAGE}")
    sys.exit(MISUSED)


def _in_japanese(message: str) -> str:
    if message.startswith("the following arguments are required"):
        return f"足りないものがあります（{message.split(': ')[-1]}）。"
    if message.startswith("unrecognized arguments"):
        return f"余分なものがあります（{message.split(': ')[-1]}）。"
    if "invalid choice" in message:
        return "その操作はありません。"
    return message


def source(name: str) -> tuple[str, str]:
    """The text of a file, or of a shipped definition by its id; and the name to show in errors."""
    path = Path(name)
    if path.is_file():
        return reading.decode(path.read_bytes(), path.name), path.name
    try:
        return reading.shipped_text(name), f"{name}.toml"
    except KeyError:
        misused(
            f"{name} というファイルも、その id の同梱の定義もありません（同梱: {'、'.join(reading.shipped_slugs())}）。"
        )


def read(name: str) -> Definition:
    return reading.parse(*source(name))


def cases_beside(name: str) -> str:
    """The text of the cases that lie beside a definition, "" if there are none."""
    path = Path(name)
    if path.is_file():
        beside = path.with_name(f"{path.name.removesuffix('.toml')}.cases.toml")
        return reading.decode(beside.read_bytes(), beside.name) if beside.is_file() else ""
    try:
        return reading.shipped_text(f"{name}.cases")
    except KeyError:
        return ""

"""./kyoten form read | write: a filled form to answers as JSON, and answers to the official form. No database.

Exit status: 0 done, 1 the file or the answers are refused (the reason in Japanese), 2 the command was called wrongly.
Answers go to standard output, everything a person should look at to standard error.
"""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NoReturn

from django.core.management.base import BaseCommand

from kyoten.papers.forms import write_form
from kyoten.papers.reading import Note, read_form
from kyoten.rules import reading
from kyoten.rules.answers import Problem, clean, is_blank, problems
from kyoten.rules.definition import Definition, Field, Form

REFUSED, MISUSED = 1, 2
USAGE = """使い方:
  form read FILE --definition ID                      記入された様式（.docx .xlsx）を読み、回答を JSON で出す
  form write --definition ID --answers A.json OUT     回答（read が出した JSON）から様式を作る。OUT は .pdf か .docx
ID は同梱の定義の id（例 r7-zaitaku）か、定義ファイルの場所です。
"""


class Command(BaseCommand):
    help = "様式ファイルの読み書き（記入された様式 → 回答の JSON、回答の JSON → PDF・Word）"
    requires_system_checks: list[str] = []
    requires_migrations_checks = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.error = _misused  # type: ignore[method-assign]
        acts = parser.add_subparsers(dest="act", required=True, metavar="read|write")
        for name, file in (("read", "file"), ("write", "out")):
            act = acts.add_parser(name)
            act.error = _misused  # type: ignore[method-assign]
            act.add_argument(file)
            act.add_argument("--definition", required=True)
            if name == "write":
                act.add_argument("--answers", required=True)

    def handle(self, *args: Any, **options: Any) -> None:
        for stream in (sys.stdout, sys.stderr):
            if hasattr(stream, "reconfigure"):
                stream.reconfigure(encoding="utf-8")  # JSON is UTF-8, whatever the terminal's language is
        definition = _definition(options["definition"])
        if options["act"] == "read":
            self.read(definition, options["file"])
        else:
            self.write(definition, options["answers"], options["out"])

    def read(self, definition: Definition, file: str) -> None:
        data = _bytes(file)
        found = read_form(_form(definition), data, Path(file).name)
        if found.refused:
            _refuse(found.refused.text)
        for note in found.notes:
            self.stderr.write(_line(note))
        self.stdout.write(json.dumps(found.answers, ensure_ascii=False, indent=2))

    def write(self, definition: Definition, answers: str, out: str) -> None:
        form, target = _form(definition), Path(out)
        kind = target.suffix.lower().removeprefix(".")
        if kind not in ("pdf", "docx"):
            _misused(f"{out} に書けるのは .pdf か .docx だけです。")
        raw = _answers(answers)
        if wrong := list(_misshapen(form, raw)):
            _refuse(*wrong)
        cleaned = clean(form, raw)
        found = problems(form, cleaned)
        if wrong := [problem.text for problem in found if _stops(form, cleaned, problem)]:
            _refuse(*wrong)
        for problem in found:
            self.stderr.write(f"要確認: {problem.text}")
        try:
            target.write_bytes(write_form(definition, cleaned, "pdf" if kind == "pdf" else "docx"))
        except OSError:
            _refuse(f"{out} に書き込めません。フォルダーがあるか、ほかで開いていないかを確かめてください。")


def _misused(message: str) -> NoReturn:
    if message.startswith(("the following arguments are required", "unrecognized arguments")):
        message = f"指定が足りないか、余分です（{message.split(': ')[-1]}）。"
    elif "invalid choice" in message or "expected one argument" in message:
        message = "指定のしかたが違います。"
    sys.stderr.write(f"× {message}\n{USAGE}")
    sys.exit(MISUSED)


def _refuse(*sentences: str) -> NoReturn:
    sys.stderr.write("".join(f"× {sentence}\n" for sentence in sentences))
    sys.exit(REFUSED)


def _line(note: Note) -> str:
    mark = "要確認" if note.level == "warn" else "お知らせ"
    return f"{mark}（{note.where}）: {note.text}" if note.where else f"{mark}: {note.text}"


# ---- what the arguments name ----


def _definition(name: str) -> Definition:
    path = Path(name)
    try:
        return reading.load(path) if path.is_file() else reading.shipped(name)
    except reading.Invalid as error:
        _refuse(f"定義 {name} に誤りがあります。", *str(error).splitlines())
    except KeyError:
        known = "、".join(reading.shipped_slugs())
        _misused(f"{name} というファイルも、その id の同梱の定義もありません（同梱: {known}）。")


def _form(definition: Definition) -> Form:
    if definition.form is None:
        _refuse(f"{definition.name}（{definition.id}）には様式がありません。")
    return definition.form


def _bytes(file: str) -> bytes:
    try:
        return Path(file).read_bytes()
    except OSError:
        _misused(f"{file} というファイルがないか、開けません。")


def _answers(file: str) -> Mapping[str, Any]:
    data = _bytes(file)
    try:
        raw = json.loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError:
        _refuse(f"{file} の文字コードが UTF-8 ではありません。UTF-8 で保存し直してください。")
    except json.JSONDecodeError as error:
        _refuse(f"{file} は JSON として読めません（{error.lineno}行目）。括弧・引用符・コンマを確かめてください。")
    except RecursionError:
        _refuse(f"{file} の括弧の入れ子が深すぎます。form read が出した形にしてください。")
    if not isinstance(raw, dict):
        _refuse(f"{file} は「項目の id: 回答」の形の JSON ではありません。form read が出した形にしてください。")
    return raw


# ---- what is wrong with the answers ----


def _misshapen(form: Form, raw: Mapping[str, Any]) -> Iterator[str]:
    """What cannot be an answer at all. Cleaning would drop it in silence."""
    fields = {each.id: each for each in form.fields()}
    for name, value in raw.items():
        if name not in fields:
            yield f"「{name}」という項目は、この様式にありません。"
        elif not _fits(fields[name], value):
            yield f"「{fields[name].label}」（{name}）は {_SHAPES.get(fields[name].kind, '文字')} で書いてください。"


_SHAPES = {
    "marks": '選択肢の並び（例 ["training", "other"]）',
    "number": "整数",
    "money": "整数（円）",
    "address": '{"postal": "260-0000", "text": "…"} の形',
    "table": '行の並び（例 [{"row": "r1", "organisation": "松戸市"}]。列は様式にあるものだけ）',
}


def _fits(into: Field, value: Any) -> bool:
    match into.kind:
        case _ if value is None:
            return True
        case "marks":
            return isinstance(value, list) and all(isinstance(each, str) for each in value)
        case "number" | "money":
            return isinstance(value, int | str) and not isinstance(value, bool)
        case "address":
            return _is_record(value, {"postal", "text"})
        case "table":
            known = {"row", *(column.id for column in into.columns)}
            return isinstance(value, list) and all(_is_record(row, known) for row in value)
        case _:
            return isinstance(value, str)


def _is_record(value: Any, known: set[str]) -> bool:
    return isinstance(value, dict) and value.keys() <= known and all(isinstance(v, str) for v in value.values())


def _stops(form: Form, answers: Mapping[str, Any], problem: Problem) -> bool:
    """A value of no use to its kind (an unknown option, 31月). What is only missing or unusual may be printed."""
    into = form.field(problem.field)
    if is_blank(into, answers.get(into.id)):
        return False
    if into.kind == "table" and problem.column:
        return into.column(problem.column).kind == "choice"
    return into.kind in ("choice", "marks", "number", "money", "date")

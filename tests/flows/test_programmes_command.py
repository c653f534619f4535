"""The `definition` command as an operator types it."""

from pathlib import Path

import pytest
from django.core.management import call_command

from kyoten.programmes.models import Programme
from kyoten.rules.reading import parse, shipped_text

TEXT = shipped_text("r7-zaitaku")
PLACE = TEXT[: TEXT.index("places           =")].count("\n") + 1  # the line of 選定数
CASES = shipped_text("r7-zaitaku.cases")


@pytest.fixture
def definition(capsys):
    """Runs the command; gives its exit status, what it said, and what it complained of."""

    def run(*words: str) -> tuple[int, str, str]:
        try:
            call_command("definition", *map(str, words))
            status = 0
        except SystemExit as end:
            status = end.code
        said = capsys.readouterr()
        return status, said.out, said.err

    return run


@pytest.fixture
def later(tmp_path) -> Path:
    file = tmp_path / "later.toml"
    file.write_text(TEXT.replace("2025-07-31", "2025-08-29").replace("令和7年7月31日", "令和7年8月29日"), "utf-8")
    return file


def test_check(definition, tmp_path):
    assert definition("check", "r7-zaitaku")[0] == 0
    wrong = tmp_path / "r8.toml"
    wrong.write_text(TEXT.replace("places           =", "place            ="), "utf-8")
    status, said, complained = definition("check", wrong, "r7-zaitaku")
    assert status == 1
    assert said.startswith("○ r7-zaitaku.toml: ")
    assert "× 誤りが2件あります。" in complained
    assert f'r8.toml {PLACE}行目 call.place: "place" というキーはありません。もしかして "places" ですか。' in complained


def test_check_reads_cases_too(definition, tmp_path):
    file = tmp_path / "r8.cases.toml"
    file.write_text("[[deadline]]\nat = 2025-07-31T00:00:00\n", "utf-8")
    status, _, complained = definition("check", file)
    assert (status, '"expect" がありません' in complained) == (1, True)


def test_diff(definition, later):
    status, said, _ = definition("diff", "r7-zaitaku", later)
    assert (status, said.split("\n")[-2]) == (0, "違いは2件です。")
    assert "・申込締切が令和7年7月31日（木）から令和7年8月29日（金）に変わりました。" in said
    assert definition("diff", "r7-zaitaku", "r7-zaitaku") == (0, "違いはありません。\n", "")


def test_cases(definition, later):
    status, said, _ = definition("cases", "r7-zaitaku", "r7-zaitaku.cases")
    assert (status, "×" in said.replace("×warn", "").replace("×stop", "")) == (0, False)
    status, said, _ = definition("cases", later, "r7-zaitaku.cases")
    assert status == 1
    assert "× 期限 6（締切の日）\n    期待: 2025-07-31\n    結果: 2025-08-29\n" in said


def test_no_case_at_all_is_a_miss(definition, tmp_path):
    empty = tmp_path / "empty.cases.toml"
    empty.write_text("# まだ無い\n", "utf-8")
    assert definition("cases", "r7-zaitaku", empty)[0] == 1


def test_next_year_writes_a_file_and_never_over_one(definition, tmp_path):
    out = tmp_path / "r8.toml"
    status, said, _ = definition("next-year", "r7-zaitaku", out)
    assert (status, "id = r8-zaitaku" in said) == (0, True)
    made = out.read_text("utf-8")
    assert parse(made).fiscal_year == 2026
    assert definition("next-year", "r7-zaitaku", out)[0] == 2
    assert out.read_text("utf-8") == made
    assert definition("next-year", "r7-zaitaku")[1] == made


def test_publish_runs_the_cases_beside_it_first(definition, tmp_path, db):
    file = tmp_path / "r7.toml"
    file.write_text(TEXT, "utf-8")
    beside = tmp_path / "r7.cases.toml"
    beside.write_text("[[deadline]]\nexpect = 2025-08-01\n", "utf-8")
    status, _, complained = definition("publish", file)
    assert (status, "× 期限 1: 期待 2025-08-01　結果 2025-07-31" in complained) == (1, True)
    assert not Programme.objects.exists()
    beside.write_text(CASES, "utf-8")
    assert definition("publish", file)[:2] == (0, f"○ {parse(TEXT).name}（r7-zaitaku）の第1版を公開しました。\n")
    assert definition("publish", file)[:2] == (0, "○ 第1版と同じ内容です。新しい版は作りませんでした。\n")
    assert Programme.objects.get().cases == CASES


def test_list(definition, db):
    definition("publish", "r7-zaitaku")
    status, said, _ = definition("list")
    assert (status, [line.split("　")[:2] for line in said.split("\n")[:-1]]) == (
        0,
        [["同梱", "chiba-hub-soudan"], ["同梱", "r6-soudan"], ["同梱", "r7-zaitaku"], ["公開", "r7-zaitaku"]],
    )


@pytest.mark.parametrize(
    "words", [["check", "nowhere.toml"], ["diff", "r7-zaitaku", "r9-none"], ["docs", "nowhere.md"]]
)
def test_a_file_that_is_not_there(definition, words):
    status, _, complained = definition(*words)
    assert (status, "ありません" in complained) == (2, True)

"""./kyoten form read and write."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from kyoten.papers import guard
from kyoten.papers.reading import ORIGINAL, read_form
from kyoten.rules.reading import shipped, shipped_text
from tests.papers.forms_by_hand import EXPECTED, form, ps

FORM = shipped("r7-zaitaku").form


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """Exit status, standard output, standard error."""
    try:
        call_command("form", *arguments)
        status: Any = 0
    except SystemExit as end:
        status = end.code
    out, err = capsys.readouterr()
    return status, out, err


@pytest.fixture
def filled(tmp_path: Path) -> Path:
    path = tmp_path / "別紙2-②.docx"
    path.write_bytes(form(closing=ps("以上\n8月は不在です")))
    return path


def answers_file(folder: Path, answers: Any) -> str:
    path = folder / "回答.json"
    path.write_text(answers if isinstance(answers, str) else json.dumps(answers, ensure_ascii=False), "utf-8")
    return str(path)


def test_read(capsys: pytest.CaptureFixture[str], filled: Path) -> None:
    status, out, err = said(capsys, "read", str(filled), "--definition", "r7-zaitaku")
    assert (status, json.loads(out)) == (0, EXPECTED)
    assert "髙﨑 𠮷子" in out
    assert err == "要確認（本文 14段落目）: 読み取れなかった記載：「8月は不在です」\n"


def test_read_with_a_definition_file(capsys: pytest.CaptureFixture[str], filled: Path, tmp_path: Path) -> None:
    definition = tmp_path / "r7.toml"
    definition.write_text(shipped_text("r7-zaitaku"), "utf-8")
    status, out, _ = said(capsys, "read", str(filled), "--definition", str(definition))
    assert (status, json.loads(out)) == (0, EXPECTED)


@pytest.mark.parametrize(
    ("name", "data", "text"),
    [
        ("a.pdf", b"%PDF-1.7", ORIGINAL.text),
        ("a.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "WordDocument".encode("utf-16-le"), guard.OLD_WORD.text),
        ("a.docx", b"PK\x03\x04", guard.BROKEN.text),
    ],
)
def test_read_refused(capsys: pytest.CaptureFixture[str], tmp_path: Path, name: str, data: bytes, text: str) -> None:
    (tmp_path / name).write_bytes(data)
    assert said(capsys, "read", str(tmp_path / name), "--definition", "r7-zaitaku") == (1, "", f"× {text}\n")


def test_what_is_read_can_be_written_and_read_again(
    capsys: pytest.CaptureFixture[str], filled: Path, tmp_path: Path
) -> None:
    _, out, _ = said(capsys, "read", str(filled), "--definition", "r7-zaitaku")
    made = tmp_path / "申込書.docx"
    arguments = ("--definition", "r7-zaitaku", "--answers", answers_file(tmp_path, out), str(made))
    assert said(capsys, "write", *arguments) == (0, "", "")
    assert FORM is not None
    assert read_form(FORM, made.read_bytes(), made.name).answers == EXPECTED


def test_write_a_pdf_of_a_form_half_filled(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    made = tmp_path / "申込書.PDF"
    answers = EXPECTED | {"rep_name": "", "rep_phone": "未定"}
    found = said(capsys, "write", "--definition", "r7-zaitaku", "--answers", answers_file(tmp_path, answers), str(made))
    assert found == (
        0,
        "",
        "要確認: 「氏名」を記入してください\n要確認: 「電話番号」を電話番号の形（043-000-0000）で記入してください\n",
    )
    assert made.read_bytes().startswith(b"%PDF-")


WRONG: dict[str, tuple[Any, str]] = {
    "no JSON": ("{", "は JSON として読めません（1行目）。括弧・引用符・コンマを確かめてください。"),
    "a list": ("[]", "は「項目の id: 回答」の形の JSON ではありません。form read が出した形にしてください。"),
    "unknown field": ({"naem": "x"}, "「naem」という項目は、この様式にありません。"),
    "unknown option": ({"area_kind": "3"}, "「応募地域の単位」の「3」は選択肢にありません。選び直してください"),
    "unknown mark": ({"issues": ["x"]}, "「地域の課題」の「x」は選択肢にありません。選び直してください"),
    "unknown group": (
        {"members": [{"organisation": "松戸市", "group": "x"}]},
        "「1行目の区分」の「x」は選択肢にありません。選び直してください",
    ),
    "number for text": ({"rep_name": 3}, "「氏名」（rep_name）は 文字 で書いてください。"),
    "text for marks": (
        {"issues": "training"},
        '「地域の課題」（issues）は 選択肢の並び（例 ["training", "other"]） で書いてください。',
    ),
    "text for an address": (
        {"rep_address": "千葉県"},
        '「住所」（rep_address）は {"postal": "260-0000", "text": "…"} の形 で書いてください。',
    ),
    "unknown column": (
        {"members": [{"名前": "x"}]},
        '「参加者（構成員）」（members）は 行の並び（例 [{"row": "r1", "organisation": "松戸市"}]。'
        "列は様式にあるものだけ） で書いてください。",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_write_refused(capsys: pytest.CaptureFixture[str], tmp_path: Path, name: str) -> None:
    answers, text = WRONG[name]
    file, made = answers_file(tmp_path, answers), tmp_path / "a.docx"
    status, out, err = said(capsys, "write", "--definition", "r7-zaitaku", "--answers", file, str(made))
    assert (status, out, err.replace(f"{file} ", "")) == (1, "", f"× {text}\n")
    assert not made.exists()


def test_write_into_a_folder_that_is_not_there(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    made = tmp_path / "ない" / "a.docx"
    arguments = ("--definition", "r7-zaitaku", "--answers", answers_file(tmp_path, EXPECTED), str(made))
    text = f"× {made} に書き込めません。フォルダーがあるか、ほかで開いていないかを確かめてください。\n"
    assert said(capsys, "write", *arguments) == (1, "", text)


@pytest.mark.parametrize(
    "arguments",
    [
        ("read",),
        ("read", "a.docx", "--definition", "r7-zaitaku"),
        ("read", "a.docx", "--definition", "none"),
        ("write", "--definition", "r7-zaitaku", "--answers", "a.json", "a.txt"),
        ("write", "--definition", "r7-zaitaku", "--answers", "none.json", "a.docx"),
        ("copy",),
    ],
)
def test_called_wrongly(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    status, out, err = said(capsys, *arguments)
    assert (status, out, err.splitlines()[1]) == (2, "", "使い方:")
    assert list(tmp_path.iterdir()) == []


def test_from_the_command_line(filled: Path, tmp_path: Path) -> None:
    """Also where the terminal's language is not Japanese."""
    environment = os.environ | {"KYOTEN_DATA": str(tmp_path), "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONPATH": "src"}
    command = [sys.executable, "-m", "kyoten", "form", "read", str(filled), "--definition", "r7-zaitaku"]
    done = subprocess.run(command, capture_output=True, env=environment, check=True)
    assert json.loads(done.stdout.decode("utf-8")) == EXPECTED

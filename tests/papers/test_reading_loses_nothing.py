"""Whatever stands on the paper is an answer or a note; whatever comes as a file is read or refused."""

from __future__ import annotations

import json
import re
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kyoten.papers.forms import write_form
from kyoten.papers.reading import read_form
from kyoten.rules.definition import Form
from kyoten.rules.reading import shipped
from tests.papers import forms_by_hand as hand
from tests.papers.forms_by_hand import EXPECTED, p, t
from tests.papers.test_reading_kinds import sheet, workbook
from tests.papers.test_reading_ours import part

STRAY = "迷子の語"
DEFINITION = shipped("r7-zaitaku")


def form() -> Form:
    assert DEFINITION.form is not None
    return DEFINITION.form


@cache
def ours() -> bytes:
    return write_form(DEFINITION, EXPECTED, "docx")


@cache
def document(whose: str) -> str:
    return part(ours() if whose == "ours" else hand.form())


def places(whose: str, mark: str) -> int:
    return len(re.findall(mark, document(whose)))


def with_stray(whose: str, mark: str, place: int, added: str) -> bytes:
    """The file with something more before the n-th paragraph or at the end of it."""
    text = document(whose)
    at = [found.start() for found in re.finditer(mark, text)][place]
    base = ours() if whose == "ours" else hand.form()
    return hand.replaced(base, "word/document.xml", text, text[:at] + added + text[at:])


@pytest.mark.parametrize("whose", ["ours", "by hand"])
@pytest.mark.parametrize(
    ("mark", "added"), [("<w:p>", p(t(STRAY))), ("</w:p>", t(STRAY)), ("<w:p>", p(t(f"　{STRAY}：")))]
)
@settings(max_examples=12, deadline=None)
@given(data=st.data())
def test_a_word_anywhere_is_an_answer_or_a_note(whose: str, mark: str, added: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, places(whose, mark) - 1))
    found = read_form(form(), with_stray(whose, mark, place, added), "a.docx")
    said = json.dumps(found.answers, ensure_ascii=False) + "".join(note.raw + note.text for note in found.notes)
    assert STRAY in said


@cache
def files() -> tuple[tuple[bytes, str], ...]:
    return ((hand.form(), "a.docx"), (ours(), "b.docx"), (workbook(sheet([])), "c.xlsx"))


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_damaged_file_is_read_or_refused(data: st.DataObject) -> None:
    content, name = data.draw(st.sampled_from(files()))
    damaged = bytearray(content)
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    found = read_form(form(), bytes(damaged[: data.draw(st.integers(1, len(damaged)))]), name)
    assert found.refused is None or found.answers == {}


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_damaged_xml_is_read_or_refused(data: st.DataObject) -> None:
    text = document("by hand")
    start, stop = sorted(data.draw(st.tuples(*[st.integers(0, len(text))] * 2)))
    added = data.draw(
        st.sampled_from(["", "<w:tbl/>", "<w:tr/>", "<w:sdt/>", "<w:p/>", "所属", "</w:p>", '<w:tag w:val="ky:x"/>'])
    )
    damaged = hand.replaced(
        hand.form(), "word/document.xml", text, text[:start] + added + text[min(stop, start + 40) :]
    )
    found = read_form(form(), damaged, "a.docx")
    assert found.refused is None or found.answers == {}

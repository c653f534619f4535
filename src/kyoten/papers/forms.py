"""The application as the official form, PDF or Word."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Literal, assert_never

from kyoten.papers.embedded import embed
from kyoten.papers.pdf import Paper, Part, render
from kyoten.papers.sheet import Sheet, lay_out
from kyoten.papers.word_file import WordFile, word_file
from kyoten.papers.word_form import form_body
from kyoten.rules.definition import Definition, Form

PaperKind = Literal["pdf", "docx"]


def write_form(definition: Definition, answers: Mapping[str, Any], kind: PaperKind, *, header: str = "") -> bytes:
    """The form of this programme filled with these answers (an empty mapping: the blank form), as on the paper.

    `header` stands small above every page (受付番号 …). ValueError if the programme has no form.
    """
    form = form_of(definition)
    sheet = lay_out(form, answers)
    match kind:
        case "pdf":
            return render(Paper(sheet.title, [form_part(sheet)], header))
        case "docx":
            return word_file(WordFile(sheet.title, form_body(sheet), header, embed(definition.id, form, answers)))
        case _:
            assert_never(kind)


def form_of(definition: Definition) -> Form:
    if definition.form is None:
        raise ValueError(f"{definition.id} has no form")
    return definition.form


def form_part(sheet: Sheet) -> Part:
    """The form as a part of a PDF paper."""
    return {"kind": "form", **asdict(sheet)}

"""Papers as PDF: tagged (PDF/UA-1), Japanese, without anything installed and the same bytes for the same paper.

The layout is in the .typ files beside this module. A paper is a list of parts, each starting on a new page;
its data goes to typst as JSON, so text is always text.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pylopdf_fonts_jp
import typst

from kyoten.papers.characters import printable

Part = Mapping[str, Any]  # has "kind", the name of its drawing function in paper.typ

_SOURCE = Path(__file__).parent


@dataclass(frozen=True)
class Paper:
    """`header` stands small above every page; numbered pages have `reference` and the number below."""

    title: str
    parts: Sequence[Part]
    header: str = ""
    numbered: bool = False
    reference: str = ""


def render(paper: Paper) -> bytes:
    """The PDF."""
    inputs = {"paper": json.dumps(_printable(vars(paper)))}
    compiler = typst.Compiler(_SOURCE / "paper.typ", root=_SOURCE, font_paths=_fonts(), sys_inputs=inputs)
    pdf = compiler.compile(format="pdf", pdf_standards=["ua-1"])
    assert isinstance(pdf, bytes)
    return pdf


@cache
def _fonts() -> typst.Fonts:
    """The shipped fonts only: a paper looks the same on every machine."""
    folder = pylopdf_fonts_jp.sans_path().parent
    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[folder])


def _printable(value: Any) -> Any:
    match value:
        case str():
            return printable(value)
        case Mapping():
            return {key: _printable(item) for key, item in value.items()}
        case list() | tuple():
            return [_printable(item) for item in value]
        case _:
            return value

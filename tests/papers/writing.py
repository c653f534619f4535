"""Made-up answers, and what can be seen of a written paper."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import pypdfium2
from docx import Document
from docx.document import Document as WordDocument

from kyoten.rules.reading import shipped

DEFINITION = shipped("r7-zaitaku")
MILLIMETRE = 72 / 25.4

LONG = "在宅医療の提供体制について、地域の関係者が集まり検討を重ねてきたが、なお多くの課題が残る。" * 45
ANSWERS: dict[str, Any] = {
    "prefecture": "千葉県",
    "area_kind": "1",
    "area_name": "東葛北部在宅医療圏域",
    "rep_organisation": "松戸市",
    "rep_section": "地域医療課",
    "rep_name": "髙﨑　𠮷乃",
    "rep_title": "主幹",
    "rep_address": {"postal": "271-0000", "text": "千葉県松戸市例1丁目"},
    "rep_phone": "047-000-0000",
    "rep_email": "iryo@example.jp",
    "reason": "　字下げのある行\n\n二つ目の行",
    "features": "特徴",
    "activities": "取組",
    "issues": ["training", "other"],
    "issues_detail": "詳細",
}


def members(count: int) -> list[dict[str, str]]:
    return [
        {
            "row": f"r{n}",
            "organisation": f"機関{n}",
            "section": "",
            "title": "主査",
            "profession": "看護師",
            "group": "care",
        }
        for n in range(1, count + 1)
    ]


def answers(count: int = 3, **changed: Any) -> dict[str, Any]:
    return {**ANSWERS, "members": members(count), **changed}


def pages(pdf: bytes) -> list[str]:
    """The text of each page without blanks: PDF has no notion of them."""
    document = pypdfium2.PdfDocument(pdf)
    texts = ["".join(page.get_textpage().get_text_range().split()) for page in document]
    document.close()
    return texts


def text_edges(pdf: bytes) -> tuple[float, float]:
    """How far left and right any sign stands, in millimetres from the left edge of the paper."""
    boxes = list(_boxes(pdf))
    return min(left for left, _ in boxes) / MILLIMETRE, max(right for _, right in boxes) / MILLIMETRE


def _boxes(pdf: bytes) -> Iterator[tuple[float, float]]:
    document = pypdfium2.PdfDocument(pdf)
    for page in document:
        text = page.get_textpage()
        for index in range(text.count_chars()):
            left, _, right, _ = text.get_charbox(index)
            if right > left:
                yield left, right
    document.close()


def word(data: bytes) -> WordDocument:
    return Document(io.BytesIO(data))

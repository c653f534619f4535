"""Running text as a part of a paper: 公募要領, 別添 and the text of a mail, as blocks in order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Literal

from kyoten.papers.pdf import Part


@dataclass(frozen=True)
class Heading:
    text: str
    kind: Literal["heading"] = "heading"


@dataclass(frozen=True)
class Words:
    """A paragraph; line breaks stay. `small` for ※ notes."""

    text: str
    small: bool = False
    kind: Literal["words"] = "words"


@dataclass(frozen=True)
class Points:
    """A list: each point with the points below it."""

    items: tuple[tuple[str, tuple[str, ...]], ...]
    kind: Literal["points"] = "points"


@dataclass(frozen=True)
class Grid:
    """A table with its heading row."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    kind: Literal["grid"] = "grid"


Block = Heading | Words | Points | Grid


@dataclass(frozen=True)
class Article:
    """`title` stands at the head and in the list of contents."""

    title: str
    blocks: Sequence[Block]
    note: str = ""


def article_part(article: Article) -> Part:
    return {
        "kind": "article",
        "title": article.title,
        "note": article.note,
        "blocks": [asdict(block) for block in article.blocks],
    }

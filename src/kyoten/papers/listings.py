"""Plain lists to hand out: one table as PDF or Excel, and questions with their answers as Word."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, assert_never

from kyoten.papers.drafts import listing_part
from kyoten.papers.pdf import Paper, render
from kyoten.papers.tables import Table, write_tables
from kyoten.papers.word import Element, paragraph, run
from kyoten.papers.word_file import WordFile, word_file


@dataclass(frozen=True)
class Answered:
    """One question and its answer; `title` stands above them."""

    title: str
    question: str
    answer: str


def write_list(table: Table, kind: Literal["pdf", "xlsx"]) -> bytes:
    """One table on A4, or as a sheet."""
    match kind:
        case "pdf":
            return render(Paper(table.title, [listing_part(table)], numbered=True))
        case "xlsx":
            return write_tables([table])
        case _:
            assert_never(kind)


def write_answers(title: str, note: str, rows: Iterable[Answered]) -> bytes:
    """Questions with their answers as .docx, one below the other."""
    return word_file(WordFile(title, [paragraph(run(title, size=14), align="center"), *_lines(note), *_rows(rows)]))


def _rows(rows: Iterable[Answered]) -> Iterator[Element]:
    for row in rows:
        yield paragraph(run(row.title, size=12), before=14, keep_next=True)
        for label, text in (("問い", row.question), ("答え", row.answer)):
            yield paragraph(run(f"【{label}】"), before=6, keep_next=True)
            yield from _lines(text)


def _lines(text: str) -> Iterator[Element]:
    return (paragraph(run(line), indent=4) for line in text.split("\n"))

"""The plain text of a file, for searching: Word, Excel and text files the guard accepts; nothing of anything else."""

from __future__ import annotations

from kyoten.papers.guard import Refusal, inspect
from kyoten.papers.reading_blocks import Block, Paragraph, TooLong
from kyoten.papers.reading_docx import Unreadable, read_docx
from kyoten.papers.reading_xlsx import read_xlsx

LIMIT = 200_000  # characters


def text_of(data: bytes, name: str) -> str:
    """At most LIMIT characters; "" where the file is refused, unreadable or of a kind without text."""
    found = inspect(data, name)
    if isinstance(found, Refusal):
        return ""
    try:
        if found.kind == "text":
            return _decoded(found.data)[:LIMIT]
        if found.kind in ("docx", "xlsx"):
            paper = read_docx(found) if found.kind == "docx" else read_xlsx(found)
            said = [*map(_said, paper.blocks), *(aside.text for aside in paper.asides)]
            return "\n".join(filter(None, said))[:LIMIT]
    except (Unreadable, TooLong):
        return ""
    return ""


def _said(block: Block) -> str:
    if isinstance(block, Paragraph):
        return block.text
    return "\n".join("　".join(cell.text for cell in row.cells if cell.text) for row in block.rows)


def _decoded(data: bytes) -> str:
    for encoding in ("utf-8-sig", "cp932", "iso-2022-jp"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    return ""

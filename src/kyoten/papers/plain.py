"""The plain text of a file, for searching: Word, Excel and text files the guard accepts; nothing of anything else."""

from __future__ import annotations

from collections.abc import Callable

from kyoten.papers.guard import Refusal, inspect
from kyoten.papers.reading_blocks import Block, Paragraph, TooLong
from kyoten.papers.reading_docx import Unreadable, read_docx
from kyoten.papers.reading_xlsx import read_xlsx

LIMIT = 200_000  # characters
_WIDE = (b"\xff\xfe", b"\xfe\xff")  # what Excel writes as 「Unicode テキスト」


def text_of(data: bytes, name: str, decode: Callable[[bytes], str]) -> str:
    """At most LIMIT characters; "" where the file is refused, unreadable or of a kind without text.

    `decode` makes text of the bytes of a text file: nothing in it says how it is written.
    """
    found = inspect(_narrow(data) if name.lower().endswith((".txt", ".csv", ".tsv")) else data, name)
    if isinstance(found, Refusal):
        return ""
    try:
        if found.kind == "text":
            return decode(found.data)[:LIMIT]
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


def _narrow(data: bytes) -> bytes:
    """UTF-16 as UTF-8; anything else as it is."""
    try:
        return data.decode("utf-16").encode() if data.startswith(_WIDE) else data
    except UnicodeError:  # broken, or half a character
        return data

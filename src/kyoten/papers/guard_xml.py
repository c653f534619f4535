"""One pass over the XML parts of an office file, without building a tree: what must never reach a real parser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal
from xml.parsers import expat

MAX_NODES = 1_000_000  # elements and attributes of the whole file
MAX_WORD_NODES = 200_000  # of one part of a Word file, which becomes a tree (a filled form has some 10,000)
MAX_DEPTH = 100
MAX_TOKEN = 1024 * 1024  # bytes: older expat takes quadratic time over one long token
MAX_CODES = 64 * 1024  # characters of field codes in one part
MAX_CELLS = 2_000_000  # of all sheets, each from A1 to its last used corner: readers lay them out whole

_DDE = re.compile(r"\bdde(auto)?\b", re.I)
_REMOTE_FIELD = re.compile(
    r"\b(include(text|picture)?|link|import|rd)\b[^\"]{0,80}\"?\s{0,9}(https?:|ftp:|\\\\|//)", re.I
)
_REMOTE = re.compile(r"(?!file:/{2,}[a-z][:|])(([a-z][a-z0-9+.-]+:)|//|\\\\)", re.I)
_CELL = re.compile(r"\$?([A-Za-z]{1,3})\$?(\d{1,7})$")


class Unsafe(Exception):
    """An XML part that must not be opened."""

    def __init__(self, why: Literal["doctype", "dde", "external", "big", "broken", "embedded"]) -> None:
        self.why = why


@dataclass
class XmlBudget:
    nodes: int = MAX_NODES
    cells: int = MAX_CELLS


def looks_like_xml(name: str, first: bytes) -> bool:
    """`name` in lower case, `first` the first bytes. A part is judged by its content too: names can lie."""
    return name.endswith((".xml", ".rels", ".vml")) or first.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(
        (b"<", b"\xff\xfe<", b"\xfe\xff\x00<")
    )


def check_xml(name: str, pieces: Iterator[bytes], budget: XmlBudget) -> None:
    """Raise Unsafe for a DOCTYPE, a command field, a remote reference, or more nodes than a tree may have."""
    check = _Check(name, budget)
    fed = 0
    try:
        for piece in pieces:
            fed += len(piece)
            check.parser.Parse(piece, False)
            if fed - check.parser.CurrentByteIndex > MAX_TOKEN:
                raise Unsafe("big")
        check.parser.Parse(b"", True)
    except (expat.ExpatError, LookupError, ValueError):
        raise Unsafe("broken") from None
    check.close()


class _Check:
    def __init__(self, name: str, budget: XmlBudget) -> None:
        self.budget = budget
        self.left = MAX_WORD_NODES if name.startswith("word/") else MAX_NODES
        self.depth = 0
        self.in_code = False
        self.codes: list[str] = []  # a field code may be cut into many runs: joined before it is judged
        self.row = self.column = 0
        self.parser = expat.ParserCreate()
        self.parser.buffer_text = True
        self.parser.StartDoctypeDeclHandler = self.doctype
        self.parser.StartElementHandler = self.start
        self.parser.EndElementHandler = self.end
        self.parser.CharacterDataHandler = self.text

    def doctype(self, *_: object) -> None:
        raise Unsafe("doctype")

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        cost = 1 + len(attributes)
        self.budget.nodes -= cost
        self.left -= cost
        self.depth += 1
        if self.budget.nodes < 0 or self.left < 0 or self.depth > MAX_DEPTH:
            raise Unsafe("big")
        local = tag.rpartition(":")[2]
        if local == "c":
            self.cell(attributes.get("r", ""))
        elif local == "Relationship":
            _relationship(attributes)
        elif local == "ddeLink":
            raise Unsafe("dde")
        elif local == "fldSimple":
            self.codes.append(" ".join(attributes.values()) + " ")
        self.in_code = local == "instrText"

    def end(self, _: str) -> None:
        self.depth -= 1
        self.in_code = False

    def text(self, data: str) -> None:
        if self.in_code:
            self.codes.append(data)

    def cell(self, reference: str) -> None:
        found = _CELL.match(reference)
        if not found:
            return
        column = 0
        for letter in found[1].upper():
            column = column * 26 + ord(letter) - 64
        row = int(found[2])
        self.row, self.column = max(self.row, row), max(self.column, column)
        if self.row * self.column > self.budget.cells:
            raise Unsafe("big")

    def close(self) -> None:
        self.budget.cells -= self.row * self.column
        codes = "".join(self.codes)
        if len(codes) > MAX_CODES:
            raise Unsafe("big")
        if _DDE.search(codes):
            raise Unsafe("dde")
        if _REMOTE_FIELD.search(codes):
            raise Unsafe("external")


def _relationship(attributes: dict[str, str]) -> None:
    """A hyperlink is only text until someone clicks; everything else external is fetched by whoever opens the file."""
    kind = attributes.get("Type", "").rpartition("/")[2]
    if kind in ("oleObject", "aFChunk", "control", "subDocument", "frame"):
        raise Unsafe("embedded")
    outside = attributes.get("TargetMode", "").lower() == "external" and kind != "hyperlink"
    if outside and _REMOTE.match(attributes.get("Target", "").strip()):
        raise Unsafe("external")

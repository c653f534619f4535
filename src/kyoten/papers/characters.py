"""Which characters the shipped Japanese fonts can draw."""

from __future__ import annotations

import struct
import unicodedata
from functools import cache
from pathlib import Path

import pylopdf_fonts_jp

from kyoten.rules.text import clean

GETA = "〓"  # the printers' mark for a character they have no type for (外字, emoji)

_VARIATIONS = (range(0xFE00, 0xFE10), range(0xE0100, 0xE01F0))  # 異体字セレクタ
_EMOJI_VARIATIONS = {0xFE0E, 0xFE0F}


def printable(text: str) -> str:
    """The text as the PDF shows it: tabs as blanks, characters without a glyph as 〓, invisible ones dropped."""
    return "".join(_drawn(char) for char in clean(text))


def _drawn(char: str) -> str:
    point = ord(char)
    if char == "\n" or point in glyphs():
        return "" if unicodedata.category(char) == "Cf" else char  # bidi overrides, joiners
    if char == "\t":
        return "    "
    if any(point in span for span in _VARIATIONS):
        return "" if point in _EMOJI_VARIATIONS else char
    return "" if unicodedata.category(char) in ("Cf", "Mn", "Me") else GETA


@cache
def glyphs() -> frozenset[int]:
    """Code points that both shipped fonts can draw, so that text looks the same in 明朝 and ゴシック."""
    return _code_points(pylopdf_fonts_jp.sans_path()) & _code_points(pylopdf_fonts_jp.serif_path())


def _code_points(font: Path) -> frozenset[int]:
    """The code points of an OpenType font: its cmap subtable of format 12 (OpenType 1.9, cmap)."""
    data = font.read_bytes()
    cmap = _table(data, b"cmap")
    points: set[int] = set()
    for index in range(struct.unpack_from(">H", cmap, 2)[0]):
        offset = struct.unpack_from(">L", cmap, 8 + 8 * index)[0]
        if struct.unpack_from(">H", cmap, offset)[0] == 12:
            points.update(_format_12(cmap, offset))
    return frozenset(points)


def _table(data: bytes, tag: bytes) -> bytes:
    for index in range(struct.unpack_from(">H", data, 4)[0]):
        name, _checksum, offset, length = struct.unpack_from(">4sLLL", data, 12 + 16 * index)
        if name == tag:
            return data[offset : offset + length]
    raise ValueError(f"the font has no table {tag.decode()}")


def _format_12(cmap: bytes, offset: int) -> set[int]:
    points: set[int] = set()
    for index in range(struct.unpack_from(">L", cmap, offset + 12)[0]):
        first, last, _glyph = struct.unpack_from(">LLL", cmap, offset + 16 + 12 * index)
        points.update(range(first, last + 1))
    return points

"""winmail.dat: what Outlook makes of a mail in its own rich text. The files in it are shown beside it, and its words where
the mail has no others.

Only what the stream says plainly is read (MS-OXTNEF); where it breaks off, what was read until then counts.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field

from kyoten.post.charsets import decode

SIGNATURE = b"\x78\x9f\x3e\x22"
CODEPAGE, BODY, PROPERTIES = 0x00069007, 0x0002800C, 0x00069003
BEGUN, TITLE, DATA, OF_FILE = 0x00069002, 0x00018010, 0x0006800F, 0x00069005
LONG_NAME, CONTENT, WORDS, HTML = 0x3707, 0x3701, 0x1000, 0x1013
SIZES = {2: 4, 3: 4, 4: 4, 5: 8, 6: 8, 7: 8, 10: 4, 11: 4, 0x14: 8, 0x40: 8, 0x48: 16}  # bytes of the fixed types
STRING, UNICODE, OBJECT, BINARY, SEVERAL = 0x1E, 0x1F, 0x0D, 0x102, 0x1000
DEPTH = 3  # of mails enclosed in mails
FILES = 1000


@dataclass
class Tnef:
    """Words (plain, and HTML), and files with the names their sender saw."""

    text: str = ""
    html: str = ""
    files: list[tuple[str, bytes]] = field(default_factory=list)


@dataclass
class _File:
    name: str = ""
    data: bytes = b""
    mail: bytes = b""  # of a mail that is enclosed, as a stream of its own


def read_tnef(data: bytes, depth: int = 0) -> Tnef:
    """What a winmail.dat says; empty where the bytes are something else."""
    found, charset, files = Tnef(), "cp932", list[_File]()
    with suppress(struct.error, IndexError):
        for name, value in _attributes(data):
            if name == CODEPAGE:
                charset = f"cp{struct.unpack_from('<I', value)[0]}"
            elif name == BODY:
                found.text = decode(value.rstrip(b"\0"), charset)
            elif name == PROPERTIES:
                _take_words(found, value, charset)
            elif name == BEGUN and len(files) < FILES:
                files.append(_File())
            elif files:
                _take_file(files[-1], name, value, charset)
    for file in files:
        if file.mail and depth < DEPTH:
            found.files += read_tnef(file.mail, depth + 1).files
        elif file.data or file.name:
            found.files.append((file.name, file.data))
    return found


def _attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    if not data.startswith(SIGNATURE):
        return
    at = 6
    while at + 9 <= len(data):
        name, length = struct.unpack_from("<II", data, at + 1)
        if at + 9 + length > len(data):
            return
        yield name, data[at + 9 : at + 9 + length]
        at += 9 + length + 2  # behind each a sum of its bytes


def _take_words(found: Tnef, value: bytes, charset: str) -> None:
    for name, kind, data in _properties(value):
        if name == WORDS:
            found.text = _string(kind, data, charset) or found.text
        elif name == HTML:
            found.html = _string(kind, data, "")


def _take_file(file: _File, name: int, value: bytes, charset: str) -> None:
    if name == TITLE:
        file.name = file.name or decode(value.rstrip(b"\0"), charset)
    elif name == DATA:
        file.data = value
    elif name == OF_FILE:
        for key, kind, data in _properties(value):
            if key == LONG_NAME:
                file.name = _string(kind, data, charset) or file.name
            elif key == CONTENT and kind == OBJECT and data[16:20] == SIGNATURE:
                file.mail = data[16:]
            elif key == CONTENT and not file.data:
                file.data = data[16:] if kind == OBJECT else data


def _string(kind: int, data: bytes, charset: str) -> str:
    if kind == UNICODE:
        return data.decode("utf-16-le", "replace").rstrip("\0")
    return decode(data.rstrip(b"\0"), charset)


def _properties(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """(name, type, bytes); of a property with several values the first."""
    [count] = struct.unpack_from("<I", data)
    at = 4
    for _ in range(min(count, 10_000)):
        kind, name = struct.unpack_from("<HH", data, at)
        at += 4
        if name >= 0x8000:  # known by a name of its own, which is passed over
            [by_name] = struct.unpack_from("<I", data, at + 16)
            [length] = struct.unpack_from("<I", data, at + 20) if by_name else [0]
            at += 24 + (length + 3) // 4 * 4
        values, at = _values(data, at, kind)
        yield name, kind & ~SEVERAL, values[0] if values else b""


def _values(data: bytes, at: int, kind: int) -> tuple[list[bytes], int]:
    several, kind, values = bool(kind & SEVERAL), kind & ~SEVERAL, list[bytes]()
    varies = kind in (STRING, UNICODE, OBJECT, BINARY)
    count = 1
    if several or varies:
        [count] = struct.unpack_from("<I", data, at)
        at += 4
    for _ in range(min(count, len(data))):
        length = SIZES.get(kind, 4)
        if varies:
            [length] = struct.unpack_from("<I", data, at)
            at += 4
        if at + length > len(data):
            raise struct.error("the stream breaks off")
        values.append(data[at : at + length])
        at += (length + 3) // 4 * 4
    return values, at

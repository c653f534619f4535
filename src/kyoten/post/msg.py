"""Mails saved by Outlook (.msg): a compound file (MS-CFB) of MAPI properties (MS-OXMSG), read with the standard library.

Only what a desk needs: who, what about, the words, the files. Raises ValueError where it is no such file.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from kyoten.post.charsets import decode

MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
FREE = 0xFFFFFFFA  # sector numbers from here on mean "end" or "none"
ENTRY = struct.Struct("<64sHBBIII36sIQ")  # name, its length, kind, colour, left, right, child, …, first sector, size
DEPTH_LIMIT = 10  # mails enclosed in mails

SUBJECT, HEADERS, BODY, HTML = 0x0037, 0x007D, 0x1000, 0x1013
SENDER_NAME, SENDER_ADDRESS, SENDER_SMTP, SENT_SMTP = 0x0C1A, 0x0C1F, 0x5D01, 0x5D02
MESSAGE_ID, IN_REPLY_TO, REFERENCES, DISPLAY_TO = 0x1035, 0x1042, 0x1039, 0x0E04
FILE_DATA, FILE_SHORT, FILE_LONG, FILE_TITLE = 0x3701, 0x3704, 0x3707, 0x3001


@dataclass
class Node:
    """A folder of the compound file, or a stream with its bytes."""

    name: str
    data: bytes = b""
    children: list[Node] = field(default_factory=list)


@dataclass(frozen=True)
class Outlook:
    """What a .msg file says; `files` are (name, bytes), those of enclosed mails behind their own."""

    headers: str
    sender: str
    sender_name: str
    subject: str
    text: str
    html: str
    message_id: str
    in_reply_to: str
    references: str
    to: str
    files: tuple[tuple[str, bytes], ...]


def is_msg(raw: bytes) -> bool:
    return raw.startswith(MAGIC)


def read_msg(raw: bytes) -> Outlook:
    return _message(_compound(raw), 0)


def _message(root: Node, depth: int) -> Outlook:
    said = _properties(root)
    smtp = next((said[tag] for tag in (SENDER_SMTP, SENT_SMTP, SENDER_ADDRESS) if "@" in said.get(tag, "")), "")
    return Outlook(
        headers=said.get(HEADERS, ""),
        sender=smtp,
        sender_name=said.get(SENDER_NAME, ""),
        subject=said.get(SUBJECT, ""),
        text=said.get(BODY, "").replace("\r\n", "\n"),
        html=said.get(HTML, ""),
        message_id=said.get(MESSAGE_ID, ""),
        in_reply_to=said.get(IN_REPLY_TO, ""),
        references=said.get(REFERENCES, ""),
        to=said.get(DISPLAY_TO, ""),
        files=tuple(_files(root, depth)),
    )


def _properties(node: Node) -> dict[int, str]:
    """The text properties of a folder, by their tag."""
    found: dict[int, str] = {}
    for child in node.children:
        if match := re.fullmatch(r"__substg1\.0_([0-9A-F]{4})(001F|001E|0102)", child.name):
            tag = int(match[1], 16)
            if match[2] == "001F":
                found[tag] = child.data.decode("utf-16-le", "replace").rstrip("\0")
            elif match[2] == "001E" or tag == HTML:
                found.setdefault(tag, decode(child.data.rstrip(b"\0")))
    return found


def _files(root: Node, depth: int) -> Iterator[tuple[str, bytes]]:
    for folder in root.children:
        if not folder.name.startswith("__attach_version1.0_"):
            continue
        said = _properties(folder)
        name = next((said[tag] for tag in (FILE_LONG, FILE_SHORT, FILE_TITLE) if said.get(tag)), "")
        for child in folder.children:
            if child.name == "__substg1.0_37010102":
                yield name, child.data
            elif child.name == "__substg1.0_3701000D" and depth < DEPTH_LIMIT:
                inner = _message(child, depth + 1)
                words = (
                    f"差出人: {inner.sender_name} <{inner.sender}>\n件名: {inner.subject}\n\n{inner.text or inner.html}"
                )
                yield f"{inner.subject or name or '転送されたメール'}.txt", words.encode()
                yield from inner.files


# ---- the compound file


def _compound(raw: bytes) -> Node:
    try:
        return _Reader(raw).root()
    except (struct.error, IndexError, RecursionError) as error:
        raise ValueError(f"broken compound file: {error}") from error


class _Reader:
    def __init__(self, raw: bytes) -> None:
        if not is_msg(raw):
            raise ValueError("no compound file")
        self.raw = raw
        shift, small_shift = struct.unpack_from("<HH", raw, 30)
        if shift not in (9, 12) or small_shift != 6:
            raise ValueError("unknown sector size")
        self.size, self.small = 1 << shift, 1 << small_shift
        [first_directory] = struct.unpack_from("<I", raw, 48)
        [self.cutoff] = struct.unpack_from("<I", raw, 56)
        first_small, _, first_more, _ = struct.unpack_from("<4I", raw, 60)
        tables = [n for n in struct.unpack_from("<109I", raw, 76) if n < FREE]
        seen: set[int] = set()
        while first_more < FREE and first_more not in seen:
            seen.add(first_more)
            *more, first_more = struct.unpack_from(f"<{self.size // 4}I", self._sector_bytes(first_more))
            tables += [n for n in more if n < FREE]
        self.table = [n for at in tables for n in struct.unpack(f"<{self.size // 4}I", self._sector_bytes(at))]
        directory = self._chain(first_directory)
        self.entries = [ENTRY.unpack_from(directory, at) for at in range(0, len(directory) - 127, 128)]
        small = self._chain(first_small)
        self.small_table = list(struct.unpack(f"<{len(small) // 4}I", small[: len(small) // 4 * 4]))
        self.small_data = self._chain(self.entries[0][8])

    def root(self) -> Node:
        return self._node(0, set())

    def _node(self, number: int, seen: set[int]) -> Node:
        entry = self.entries[number]
        node = Node(entry[0][: max(0, entry[1] - 2)].decode("utf-16-le", "replace"))
        if entry[2] == 2:
            node.data = self._stream(entry[8], entry[9])
        else:
            node.children = [self._node(child, seen) for child in self._siblings(entry[6], seen)]
        return node

    def _siblings(self, number: int, seen: set[int]) -> list[int]:
        waiting, found = [number], []
        while waiting:
            at = waiting.pop()
            if at >= len(self.entries) or at in seen:
                continue
            seen.add(at)
            found.append(at)
            waiting += [self.entries[at][4], self.entries[at][5]]
        return sorted(found)

    def _sector_bytes(self, number: int) -> bytes:
        start = (number + 1) * self.size
        data = self.raw[start : start + self.size]
        if not data:
            raise ValueError("the file is cut short")
        return data.ljust(self.size, b"\0")

    def _chain(self, first: int) -> bytes:
        return b"".join(self._sector_bytes(number) for number in _follow(self.table, first))

    def _stream(self, first: int, size: int) -> bytes:
        size &= 0xFFFFFFFF  # version 3 leaves the upper half undefined
        if size >= self.cutoff:
            return self._chain(first)[:size]
        pieces = (self.small_data[n * self.small : (n + 1) * self.small] for n in _follow(self.small_table, first))
        return b"".join(pieces)[:size]


def _follow(table: list[int], first: int) -> Iterator[int]:
    """A chain of sectors. A ring ends when it has been as long as the table."""
    for _ in range(len(table) + 1):
        if first >= FREE:
            return
        yield first
        if first >= len(table):
            raise ValueError("a chain leads out of the file")
        first = table[first]
    raise ValueError("a chain never ends")

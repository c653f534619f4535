"""What may be opened at all. Every file from outside passes `inspect` before anything parses it.

Limits hold for what really comes out of the file, not for what it declares: parts are inflated
piece by piece under a budget shared by the whole file, nested files included.
"""

from __future__ import annotations

import io
import re
import stat
import struct
import zipfile
import zlib
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Literal

from kyoten.papers.guard_xml import Unsafe, XmlBudget, check_xml, looks_like_xml

MAX_FILE = 20 * 1024 * 1024  # bytes
MAX_ENTRIES = 2000
MAX_DIRECTORY = 1024 * 1024  # bytes of the central directory
MAX_INFLATED = 100 * 1024 * 1024  # bytes, all parts and nested files together
MAX_XML = 32 * 1024 * 1024  # bytes, one XML part
MAX_RATIO = 200  # of one part above 1 MB
PIECE = 64 * 1024
_LOCAL_HEADER = 30  # bytes, before the name

Kind = Literal["docx", "xlsx", "pdf", "image", "text"]
Why = Literal["empty", "size", "type", "old", "macro", "encrypted", "broken", "bomb", "unsafe", "external", "original"]


@dataclass(frozen=True)
class Accepted:
    """A file that may be opened: what it really is, whatever its name says."""

    kind: Kind
    data: bytes
    name: str


@dataclass(frozen=True)
class Refusal:
    """Why a file is not opened, and what its sender can do about it."""

    why: Why
    text: str


EMPTY = Refusal("empty", "ファイルが空です。内容を確かめて、もう一度お送りください。")
SIZE = Refusal("size", "ファイルが大きすぎます（上限は20MBです）。画像を小さくするか、ファイルを分けてください。")
BROKEN = Refusal(
    "broken", "ファイルが壊れていて開けません。Word や Excel で開いて保存し直してから、もう一度お送りください。"
)
ENCRYPTED = Refusal("encrypted", "パスワードで保護されています。パスワードを外して保存し直してください。")
MACRO = Refusal(
    "macro", "マクロを含むファイルは受け取れません。マクロなしの .docx または .xlsx で保存し直してください。"
)
OLD_WORD = Refusal("old", "Word 97-2003 形式です。docx で保存し直してください。")
OLD_EXCEL = Refusal("old", "Excel 97-2003 形式です。xlsx で保存し直してください。")
OLD = Refusal("old", "古い形式のファイルです。Word は .docx、Excel は .xlsx で保存し直してください。")
RTF = Refusal("old", "リッチテキスト形式です。Word で開き、docx で保存し直してください。")
OPEN_DOCUMENT = Refusal(
    "type", "OpenDocument 形式です。Word 形式（.docx）または Excel 形式（.xlsx）で保存し直してください。"
)
ZIP = Refusal("type", "ZIP にまとめたファイルは読み取れません。中のファイルを取り出して、一つずつお送りください。")
OTHER = Refusal(
    "type", "この形式のファイルは受け取れません。Word（.docx）、Excel（.xlsx）、PDF のいずれかでお送りください。"
)
PROGRAM = Refusal("type", "プログラムや実行できるファイルは受け取れません。")
BOMB = Refusal(
    "bomb", "展開すると非常に大きくなるため開けません。Word や Excel で新しいファイルに内容を写して保存してください。"
)
UNSAFE = Refusal(
    "unsafe",
    "ファイルのつくりに危険な部分があるため開けません。Word や Excel で新しいファイルに内容を写して保存してください。",
)
EMBEDDED = Refusal(
    "unsafe", "ほかのファイルが埋め込まれています。埋め込まれたファイルを外し、別の添付としてお送りください。"
)
DDE = Refusal(
    "unsafe", "ほかのプログラムを動かす設定（DDE）があるため開けません。その部分を文字に直して保存してください。"
)
EXTERNAL = Refusal(
    "external", "外部のファイルを参照しているため開けません。リンクされたひな形や画像を外し、保存し直してください。"
)
_UNSAFE_XML = {"doctype": UNSAFE, "dde": DDE, "external": EXTERNAL, "big": BOMB, "broken": BROKEN, "embedded": EMBEDDED}

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_PROGRAM_NAMES = re.compile(
    r"\.(exe|com|scr|pif|bat|cmd|ps1|vb[se]?|jse?|ws[fh]?|hta|msi|lnk|jar|dll|iso|img|reg|sh|cpl)$", re.I
)
_MACRO_NAMES = re.compile(r"\.(doc|dot|xls|xlt|xla|ppt|pot|pps)m$|\.xla$|\.xlsb$", re.I)
_MACRO_PARTS = re.compile(r"vbaproject|vbadata|/macrosheets/|/activex/|/dialogsheets/", re.I)
_IMAGES = (b"\x89PNG\r\n", b"\xff\xd8\xff", b"GIF8", b"II*\x00", b"MM\x00*")
_PROGRAMS = (b"\x7fELF", b"\xca\xfe\xba\xbe", b"\xcf\xfa\xed\xfe", b"\xfe\xed\xfa", b"#!", b"L\x00\x00\x00\x01\x14\x02")
_MAIN = {
    b"wordprocessingml.document.main+xml": "docx",
    b"wordprocessingml.template.main+xml": "docx",
    b"spreadsheetml.sheet.main+xml": "xlsx",
    b"spreadsheetml.template.main+xml": "xlsx",
}


def inspect(data: bytes, filename: str) -> Accepted | Refusal:
    """Say what a file is, or refuse it. Never raises."""
    try:
        return _inspect(data, filename, _Budget())
    except Unsafe as unsafe:
        return _UNSAFE_XML[unsafe.why]
    except _Refused as refused:
        return refused.refusal
    except (zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError, ValueError, NotImplementedError, KeyError):
        return BROKEN


def read_part(accepted: Accepted, name: str, limit: int = MAX_XML) -> bytes | None:
    """One part of an accepted docx or xlsx, None if there is none of that name."""
    with zipfile.ZipFile(io.BytesIO(accepted.data)) as package:
        names = {info.filename.lstrip("/").lower(): info for info in package.infolist()}
        info = names.get(name.lstrip("/").lower())
        return None if info is None else b"".join(_pieces(package, info, limit))


def part_names(accepted: Accepted) -> tuple[str, ...]:
    """The parts of an accepted docx or xlsx, in lower case."""
    with zipfile.ZipFile(io.BytesIO(accepted.data)) as package:
        return tuple(info.filename.lstrip("/").lower() for info in package.infolist())


class _Refused(Exception):
    def __init__(self, refusal: Refusal) -> None:
        self.refusal = refusal


@dataclass
class _Budget:
    """What one upload may cost in all, files inside it included."""

    inflated: list[int] = field(default_factory=lambda: [MAX_INFLATED])  # a list: shared with the nested file
    xml: XmlBudget = field(default_factory=XmlBudget)
    nested: bool = False

    def spend(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        for piece in pieces:
            self.inflated[0] -= len(piece)
            if self.inflated[0] < 0:
                raise _Refused(BOMB)
            yield piece


def _inspect(data: bytes, filename: str, budget: _Budget) -> Accepted | Refusal:
    if len(data) > MAX_FILE:
        return SIZE
    if not data:
        return EMPTY
    if _PROGRAM_NAMES.search(filename) or _is_program(data):
        return PROGRAM
    if _MACRO_NAMES.search(filename):
        return MACRO
    if data.startswith(_OLE):
        return _ole(data)
    if data.startswith(b"PK"):
        return _package(data, filename, budget)
    return _flat(data, filename)


def _ole(data: bytes) -> Refusal:
    """OLE compound files: the Office formats before 2007, and the envelope of an encrypted docx or xlsx."""

    def holds(stream: str) -> bool:
        return stream.encode("utf-16-le") in data

    if holds("EncryptedPackage"):
        return ENCRYPTED
    if holds("WordDocument"):
        return OLD_WORD
    if holds("Workbook") or holds("Book"):
        return OLD_EXCEL
    return OLD


def _flat(data: bytes, filename: str) -> Accepted | Refusal:
    if b"%PDF-" in data[:1024]:
        return Accepted("pdf", data, filename)
    if data.startswith(_IMAGES) or data[8:12] == b"WEBP" or data[4:12] in (b"ftypheic", b"ftypmif1", b"ftypheix"):
        return Accepted("image", data, filename)
    if data.startswith(b"{\\rtf"):
        return RTF
    if re.search(r"\.(docx|xlsx)$", filename, re.I):
        return BROKEN
    if b"\x00" in data or re.match(rb"\s*<(!doctype|html|\?xml|svg|script)", data[:200], re.I):
        return OTHER
    return Accepted("text", data, filename) if _is_text(data) else OTHER


def _is_program(start: bytes) -> bool:
    return start.startswith(_PROGRAMS) or (start.startswith(b"MZ") and b"\x00" in start[:256])


def _is_text(data: bytes) -> bool:
    for encoding in ("utf-8-sig", "cp932"):
        try:
            data.decode(encoding)
            return True
        except UnicodeDecodeError:
            continue
    return False


def _package(data: bytes, filename: str, budget: _Budget) -> Accepted | Refusal:
    _directory_is_small(data)
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        infos = package.infolist()
        _entries_are_sane(data, package, infos, budget)
        names = {info.filename.lower(): info for info in infos}
        if any(_MACRO_PARTS.search(name) for name in names):
            return MACRO
        if "[content_types].xml" not in names:
            return OPEN_DOCUMENT if "mimetype" in names else ZIP
        types = b"".join(_pieces(package, names["[content_types].xml"], MAX_DIRECTORY))
        kind = _office_kind(types)
        if isinstance(kind, Refusal):
            return kind
        for info in infos:
            _part_is_safe(package, info, budget)
    return Accepted(kind, data, filename)


def _office_kind(types: bytes) -> Kind | Refusal:
    if re.search(rb"macroEnabled|vbaProject|ms-excel\.(macrosheet|intlmacrosheet)", types, re.I):
        return MACRO
    for main, kind in _MAIN.items():
        if main in types:
            return "docx" if kind == "docx" else "xlsx"
    return OTHER


def _directory_is_small(data: bytes) -> None:
    """Look at the end record by hand: zipfile would build an object for every entry before anyone can count."""
    at = data.rfind(b"PK\x05\x06", max(0, len(data) - 65557))
    if at < 0:
        raise _Refused(BROKEN)
    entries, size = struct.unpack("<HL", data[at + 10 : at + 16])
    if data[at - 20 : at - 16] == b"PK\x06\x07" or size > MAX_DIRECTORY or entries > MAX_ENTRIES:
        raise _Refused(BOMB)


def _entries_are_sane(data: bytes, package: zipfile.ZipFile, infos: list[zipfile.ZipInfo], budget: _Budget) -> None:
    if len(infos) > MAX_ENTRIES or sum(info.file_size for info in infos) > budget.inflated[0]:
        raise _Refused(BOMB)
    if not infos or min(info.header_offset for info in infos) != 0:
        raise _Refused(BROKEN)  # something lies before the archive: two formats in one file
    names = [info.filename.lower() for info in infos]
    if len(set(names)) != len(names) or not all(_name_is_safe(info) for info in infos):
        raise _Refused(UNSAFE)
    if any(info.flag_bits & 0x1 for info in infos):
        raise _Refused(ENCRYPTED)
    if any(info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) for info in infos):
        raise _Refused(BROKEN)
    if any(info.file_size > 1024 * 1024 and info.file_size > MAX_RATIO * info.compress_size for info in infos):
        raise _Refused(BOMB)
    _entries_do_not_overlap(package.start_dir, infos)


def _entries_do_not_overlap(directory: int, infos: list[zipfile.ZipInfo]) -> None:
    """One stretch of bytes may serve one entry only (the quoted-overlap bomb)."""
    end = 0
    for info in sorted(infos, key=lambda info: info.header_offset):
        if info.header_offset < end:
            raise _Refused(BOMB)
        end = info.header_offset + _LOCAL_HEADER + info.compress_size
    if end > directory:
        raise _Refused(BOMB)


def _name_is_safe(info: zipfile.ZipInfo) -> bool:
    name = info.filename.replace("\\", "/")
    link = stat.S_ISLNK(info.external_attr >> 16)
    return not (link or name.startswith("/") or ":" in name or ".." in name.split("/") or "\x00" in info.orig_filename)


def _pieces(package: zipfile.ZipFile, info: zipfile.ZipInfo, limit: int) -> Iterator[bytes]:
    """The inflated bytes of an entry, stopped as soon as they exceed the limit."""
    with package.open(info) as stream:
        while piece := stream.read(PIECE):
            limit -= len(piece)
            if limit < 0:
                raise _Refused(BOMB)
            yield piece


def _part_is_safe(package: zipfile.ZipFile, info: zipfile.ZipInfo, budget: _Budget) -> None:
    pieces = budget.spend(_pieces(package, info, MAX_INFLATED))
    first = next(pieces, b"")
    name = info.filename.lower()
    if "/embeddings/" in name:
        _nested_is_safe(b"".join([first, *pieces]), info.filename, budget)
    elif first.startswith((_OLE, b"PK\x03\x04")) or _is_program(first):
        raise _Refused(EMBEDDED)
    elif looks_like_xml(name, first):
        check_xml(name, chain([first], pieces), budget.xml)
    else:
        deque(pieces, maxlen=0)  # inflated to the end all the same: the size it declares proves nothing


def _nested_is_safe(data: bytes, name: str, budget: _Budget) -> None:
    """A chart brings its workbook along: an office file in an office file is looked into once, and no deeper."""
    if budget.nested:
        raise _Refused(EMBEDDED)
    found = _inspect(data, name, replace(budget, nested=True))
    if isinstance(found, Refusal):
        raise _Refused(EMBEDDED if found.why in ("type", "old", "empty") else found)
    if found.kind not in ("docx", "xlsx"):
        raise _Refused(EMBEDDED)

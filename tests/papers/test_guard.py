"""What may be opened: every hostile or unusable file is refused with a sentence that says what to do."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable

import openpyxl
import pytest

from kyoten.papers import guard
from kyoten.papers.guard import Accepted, Refusal, inspect
from tests.papers import forms_by_hand as hand
from tests.papers.forms_by_hand import docx, p, package, replaced, t

RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
MAIN = "word/document.xml"


def plain() -> bytes:
    return docx(p(t("本文")))


def with_parts(**parts: bytes | str) -> bytes:
    """A Word file with more parts; __ in a name is /, and the last _ the dot."""
    document = zipfile.ZipFile(io.BytesIO(plain())).read(MAIN)
    named = {name.replace("__", "/")[::-1].replace("_", ".", 1)[::-1]: part for name, part in parts.items()}
    return package({MAIN: document, **named})


def relation(kind: str, target: str, mode: str = "External") -> bytes:
    xml = (
        '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        f'<Relationship Id="rId9" Type="{RELATIONS}/{kind}" Target="{target}" TargetMode="{mode}"/></Relationships>'
    )
    document = zipfile.ZipFile(io.BytesIO(plain())).read(MAIN)
    return package({MAIN: document, "word/_rels/document.xml.rels": xml})


def workbook() -> bytes:
    book = openpyxl.Workbook()
    book.active.append(["所属", "職種"])
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def zipped(entries: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return file.getvalue()


def ole(*streams: str) -> bytes:
    return b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(512) + b"".join(name.encode("utf-16-le") for name in streams)


def field_code(*pieces: str) -> bytes:
    runs = "".join(f"<w:r><w:instrText>{piece}</w:instrText></w:r>" for piece in pieces)
    return docx(f"<w:p>{runs}</w:p>")


def field_simple(code: str) -> bytes:
    return docx(f'<w:p><w:fldSimple w:instr="{code}"/></w:p>')


def doctype(entity: str) -> bytes:
    return replaced(
        plain(), MAIN, '<?xml version="1.0" encoding="UTF-8"?>', f'<?xml version="1.0"?><!DOCTYPE w [{entity}]>'
    )


def overlapping() -> bytes:
    """Two entries that share one stretch of compressed bytes."""
    data = bytearray(zipped({"[Content_Types].xml": b"x" * 100, "a.xml": b"x" * 100}))
    second = data.rfind(b"PK\x01\x02")
    data[second + 42 : second + 46] = struct.pack("<L", 1)
    return bytes(data)


def many_entries() -> bytes:
    return zipped({f"word/{number}.txt": b"" for number in range(guard.MAX_ENTRIES + 1)})


def lying_size() -> bytes:
    """A part that inflates to more than it says."""
    data = bytearray(with_parts(word__big_txt=b"a" * 900_000))
    entry = data.rfind(b"PK\x01\x02")
    data[entry + 24 : entry + 28] = struct.pack("<L", 10)
    return bytes(data)


def encrypted_zip() -> bytes:
    data = bytearray(plain())
    for mark, at in ((b"PK\x01\x02", 8), (b"PK\x03\x04", 6)):
        place = data.find(mark)
        data[place + at] |= 1
    return bytes(data)


def far_cell(place: str = "XFD1048576", sheets: int = 1) -> bytes:
    sheet = (
        '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
        f'<row><c r="{place}"><v>1</v></c></row></sheetData></worksheet>'
    )
    parts = {f"xl/worksheets/sheet{number}.xml": sheet for number in range(sheets)}
    return package({"xl/workbook.xml": "<workbook/>", **parts}, "xl/workbook.xml", "spreadsheetml.sheet")


def deep() -> bytes:
    return docx("<w:x>" * 200 + "</w:x>" * 200)


MACROS = "application/vnd.ms-word.document.macroEnabled.main+xml"
DOCUMENT = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
LAUGHS = '<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">'

REFUSED: dict[str, tuple[Callable[[], bytes], str, Refusal]] = {
    "empty": (lambda: b"", "a.docx", guard.EMPTY),
    "too large": (lambda: bytes(guard.MAX_FILE + 1), "a.docx", guard.SIZE),
    "docm": (plain, "a.docm", guard.MACRO),
    "xlsm": (workbook, "a.XLSM", guard.MACRO),
    "dotm": (plain, "a.dotm", guard.MACRO),
    "docm renamed": (lambda: replaced(plain(), "[Content_Types].xml", DOCUMENT, MACROS), "a.docx", guard.MACRO),
    "vbaProject inside": (lambda: with_parts(word__vbaProject_bin=b"x"), "a.docx", guard.MACRO),
    "Excel 4 macros": (lambda: with_parts(xl__macrosheets__sheet1_xml="<a/>"), "a.docx", guard.MACRO),
    "ActiveX": (lambda: with_parts(word__activeX__activeX1_xml="<a/>"), "a.docx", guard.MACRO),
    "Word 97": (lambda: ole("WordDocument"), "a.doc", guard.OLD_WORD),
    "Word 97 renamed": (lambda: ole("WordDocument"), "a.docx", guard.OLD_WORD),
    "Excel 97": (lambda: ole("Workbook"), "a.xls", guard.OLD_EXCEL),
    "other OLE": (lambda: ole("Contents"), "a.docx", guard.OLD),
    "encrypted": (lambda: ole("EncryptionInfo", "EncryptedPackage"), "a.docx", guard.ENCRYPTED),
    "encrypted zip": (encrypted_zip, "a.docx", guard.ENCRYPTED),
    "RTF": (lambda: b"{\\rtf1 text}", "a.doc", guard.RTF),
    "HTML as Word": (lambda: b"<html><body>x</body></html>", "a.doc", guard.OTHER),
    "OpenDocument": (lambda: zipped({"mimetype": b"application/vnd.oasis.opendocument.text"}), "a.odt", guard.OPEN_DOCUMENT),
    "PowerPoint": (lambda: package({"ppt/p.xml": "<a/>"}, "ppt/p.xml", "presentationml.presentation"), "a.pptx", guard.OTHER),
    "ZIP": (lambda: zipped({"様式.docx": b"x"}), "a.zip", guard.ZIP),
    "program": (lambda: b"MZ\x90\x00" + bytes(100), "a.docx", guard.PROGRAM),
    "shell script": (lambda: b"#!/bin/sh\n", "a.txt", guard.PROGRAM),
    "program by name": (lambda: b"x", "申込書.docx.exe", guard.PROGRAM),
    "binary": (lambda: b"\x00\x01\x02", "a.bin", guard.OTHER),
    "text as Word": (lambda: "申込書".encode(), "a.docx", guard.BROKEN),
    "cut off": (lambda: plain()[:-40], "a.docx", guard.BROKEN),
    "no directory": (lambda: b"PK\x03\x04" + bytes(60), "a.docx", guard.BROKEN),
    "something before": (lambda: b"PK" + b"%PDF-1.7" + plain(), "a.docx", guard.BROKEN),
    "broken XML": (lambda: replaced(plain(), MAIN, "</w:body>", ""), "a.docx", guard.BROKEN),
    "unknown encoding": (lambda: replaced(plain(), MAIN, "UTF-8", "x-none"), "a.docx", guard.BROKEN),
    "lying size": (lying_size, "a.docx", guard.BROKEN),
    "billion laughs": (lambda: doctype(LAUGHS), "a.docx", guard.UNSAFE),
    "external entity": (lambda: doctype('<!ENTITY a SYSTEM "file:///etc/passwd">'), "a.docx", guard.UNSAFE),
    "entity in a side part": (lambda: with_parts(word__styles_xml=f"<!DOCTYPE a [{LAUGHS}]><a/>"), "a.docx", guard.UNSAFE),
    "entity in UTF-16": (lambda: with_parts(word__x_xml=f"<!DOCTYPE a [{LAUGHS}]><a/>".encode("utf-16")), "a.docx", guard.UNSAFE),
    "entity without .xml": (lambda: with_parts(word__x_bin=f"<!DOCTYPE a [{LAUGHS}]><a/>"), "a.docx", guard.UNSAFE),
    "name above": (lambda: package({MAIN: "<a/>", "../a.xml": "<a/>"}), "a.docx", guard.UNSAFE),
    "name above, Windows": (lambda: package({MAIN: "<a/>", "word\\..\\..\\a.xml": "<a/>"}), "a.docx", guard.UNSAFE),
    "absolute name": (lambda: package({MAIN: "<a/>", "/etc/a.xml": "<a/>"}), "a.docx", guard.UNSAFE),
    "drive": (lambda: package({MAIN: "<a/>", "C:/a.xml": "<a/>"}), "a.docx", guard.UNSAFE),
    "same name twice": (lambda: package({MAIN: "<a/>", "Word/Document.xml": "<a/>"}), "a.docx", guard.UNSAFE),
    "remote template": (lambda: relation("attachedTemplate", "http://example.jp/x.dotm"), "a.docx", guard.EXTERNAL),
    "template on a server": (lambda: relation("attachedTemplate", "\\\\example\\x.dotx"), "a.docx", guard.EXTERNAL),
    "template by file URL": (lambda: relation("attachedTemplate", "file://example/x.dotx"), "a.docx", guard.EXTERNAL),
    "remote image": (lambda: relation("image", "https://example.jp/x.png"), "a.docx", guard.EXTERNAL),
    "remote picture field": (lambda: field_code(' INCLUDEPICTURE "http://example.jp/x.png"'), "a.docx", guard.EXTERNAL),
    "embedded object": (lambda: relation("oleObject", "embeddings/oleObject1.bin", "Internal"), "a.docx", guard.EMBEDDED),
    "embedded program": (lambda: with_parts(word__embeddings__x_bin=b"MZ\x00"), "a.docx", guard.EMBEDDED),
    "OLE part": (lambda: with_parts(word__media__x_bin=ole("Package")), "a.docx", guard.EMBEDDED),
    "web page inside": (lambda: relation("aFChunk", "a.mht", "Internal"), "a.docx", guard.EMBEDDED),
    "two levels of files": (
        lambda: with_parts(word__embeddings__a_docx=with_parts(word__embeddings__b_docx=plain())), "a.docx", guard.EMBEDDED
    ),
    "macros in a file inside": (
        lambda: with_parts(word__embeddings__a_docx=with_parts(word__vbaProject_bin=b"x")), "a.docx", guard.MACRO
    ),
    "DDE": (lambda: field_code(' DDEAUTO c:\\\\windows\\\\cmd.exe "/k calc" '), "a.docx", guard.DDE),
    "DDE in pieces": (lambda: field_code(" D", "DE", "AUTO x y"), "a.docx", guard.DDE),
    "DDE, simple field": (lambda: field_simple("DDE x y"), "a.docx", guard.DDE),
    "DDE in Excel": (lambda: with_parts(xl__externalLinks__externalLink1_xml="<a><ddeLink/></a>"), "a.docx", guard.DDE),
    "bomb": (lambda: with_parts(word__a_xml=b"<a>" + b" " * 30_000_000 + b"</a>"), "a.docx", guard.BOMB),
    "bomb inside": (lambda: with_parts(word__embeddings__a_docx=with_parts(word__a_txt=bytes(30_000_000))), "a.docx", guard.BOMB),
    "many entries": (many_entries, "a.docx", guard.BOMB),
    "overlapping entries": (overlapping, "a.docx", guard.BOMB),
    "deep XML": (deep, "a.docx", guard.BOMB),
    "a cell far out": (far_cell, "a.xlsx", guard.BOMB),
    "many sheets with a cell far out": (lambda: far_cell("OJ5000", 6), "a.xlsx", guard.BOMB),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str) -> None:
    make, filename, refusal = REFUSED[name]
    assert inspect(make(), filename) == refusal


@pytest.mark.parametrize("name", sorted({refusal.text for _, _, refusal in REFUSED.values()}))
def test_every_refusal_is_a_sentence_of_what_to_do(name: str) -> None:
    assert name.endswith("。")


def many_nodes() -> bytes:
    """Below the ratio of a bomb, yet too large for a tree."""
    cells = "".join(f"<w:p w:n='{number}'/>" for number in range(guard_nodes() // 2 + 1))
    return docx(cells)


def guard_nodes() -> int:
    from kyoten.papers.guard_xml import MAX_WORD_NODES

    return MAX_WORD_NODES


def test_more_nodes_than_a_tree_may_have() -> None:
    assert inspect(many_nodes(), "a.docx") == guard.BOMB


ACCEPTED: dict[str, tuple[Callable[[], bytes], str, str]] = {
    "Word": (plain, "a.docx", "docx"),
    "Word under another name": (plain, "a.dat", "docx"),
    "filled form": (hand.form, "様式.docx", "docx"),
    "Excel": (workbook, "a.xlsx", "xlsx"),
    "Excel named Word": (workbook, "a.docx", "xlsx"),
    "Word with a workbook of a chart": (lambda: with_parts(word__embeddings__a_xlsx=workbook()), "a.docx", "docx"),
    "link": (lambda: relation("hyperlink", "https://example.jp/"), "a.docx", "docx"),
    "own template": (lambda: relation("attachedTemplate", "file:///C:/Users/a/Normal.dotm"), "a.docx", "docx"),
    "page number field": (lambda: field_code(" PAGE "), "a.docx", "docx"),
    "PDF": (lambda: b"%PDF-1.7\n\x00", "a.pdf", "pdf"),
    "PDF named Word": (lambda: b"%PDF-1.7\n\x00", "a.docx", "pdf"),
    "photo": (lambda: b"\xff\xd8\xff\xe0\x00", "a.jpg", "image"),
    "CSV of Excel": (lambda: "所属,職種\n松戸市,医師".encode("cp932"), "a.csv", "text"),
    "CSV in UTF-8": (lambda: "所属,職種".encode("utf-8-sig"), "a.csv", "text"),
    "text that begins like a program": (lambda: b"MZ,1", "a.csv", "text"),
}


@pytest.mark.parametrize("name", ACCEPTED)
def test_accepted(name: str) -> None:
    make, filename, kind = ACCEPTED[name]
    data = make()
    assert inspect(data, filename) == Accepted(kind, data, filename)  # type: ignore[arg-type]

"""winmail.dat: the files and the words in Outlook's own rich text are there for who has no Outlook."""

import base64
import struct

import pytest

from kyoten.post.parse import parse
from kyoten.post.tnef import read_tnef

SIGNATURE = struct.pack("<IH", 0x223E9F78, 1)
PDF = b"%PDF-1.7" + bytes(range(256))


def attribute(level: int, name: int, data: bytes) -> bytes:
    return struct.pack("<BII", level, name, len(data)) + data + struct.pack("<H", sum(data) & 0xFFFF)


def padded(data: bytes) -> bytes:
    return struct.pack("<I", len(data)) + data + b"\0" * (-len(data) % 4)


def properties(*rows: bytes) -> bytes:
    return struct.pack("<I", len(rows)) + b"".join(rows)


def text(name: int, value: str) -> bytes:
    return struct.pack("<HHI", 0x1F, name, 1) + padded(f"{value}\0".encode("utf-16-le"))


OTHERS = [
    struct.pack("<HHI", 0x03, 0x0E07, 5),
    struct.pack("<HHHH", 0x0B, 0x0E1F, 1, 0),
    struct.pack("<HHQ", 0x40, 0x0039, 7),
    struct.pack("<HH", 0x1F, 0x8001) + b"g" * 16 + struct.pack("<I", 1) + padded("名\0".encode("utf-16-le"))
    + struct.pack("<I", 1) + padded("値\0".encode("utf-16-le")),
    struct.pack("<HH", 0x03, 0x8002) + b"g" * 16 + struct.pack("<III", 0, 9, 1),
    struct.pack("<HHI", 0x101F, 0x3A00, 2) + padded(b"a\0\0\0") + padded(b"b\0"),
]  # fmt: skip


def begun() -> bytes:
    return attribute(2, 0x00069002, b"\1\0" + b"\0" * 12)


def stream(*parts: bytes) -> bytes:
    return SIGNATURE + attribute(1, 0x00069007, struct.pack("<II", 932, 0)) + b"".join(parts)


def titled(name: str, data: bytes = PDF) -> bytes:
    return begun() + attribute(2, 0x0006800F, data) + attribute(2, 0x00018010, name.encode("cp932") + b"\0")


WHOLE = stream(
    attribute(1, 0x0002800C, "リッチテキストの本文①\0".encode("cp932")),
    titled("YOTEI~1.PDF")
    + attribute(2, 0x00069005, properties(*OTHERS, text(0x3707, "予定表①（髙﨑）.pdf"), OTHERS[0])),
    titled("表示.xlsx", b"x"),
)


def mail(data: bytes, before: str = "") -> bytes:
    return (
        "From: a@example.jp\nContent-Type: multipart/mixed; boundary=b\n\n"
        f"--b\nContent-Type: text/plain; charset=utf-8\n\n{before}\n"
        "--b\nContent-Type: application/ms-tnef; name=winmail.dat\nContent-Transfer-Encoding: base64\n\n"
        f"{base64.encodebytes(data).decode()}--b--\n"
    ).encode()


def test_the_files_stand_behind_winmail_dat_under_their_own_names():
    parsed = parse(mail(WHOLE, "本文です。"))
    assert parsed.text == "本文です。"
    assert [(file.name, file.data) for file in parsed.enclosed] == [
        ("winmail.dat", WHOLE),
        ("予定表①（髙﨑）.pdf", PDF),
        ("表示.xlsx", b"x"),
    ]


@pytest.mark.parametrize(
    "part, expected",
    [
        (attribute(1, 0x0002800C, "リッチテキストの本文①\0".encode("cp932")), "リッチテキストの本文①"),
        (attribute(1, 0x00069003, properties(*OTHERS, text(0x1000, "本文𠮟"))), "本文𠮟"),
        (
            attribute(
                1, 0x00069003, properties(struct.pack("<HHI", 0x102, 0x1013, 1) + padded("<p>本文</p>".encode()))
            ),
            "本文",
        ),
    ],
)
def test_its_words_are_those_of_a_mail_without_others(part, expected):
    assert parse(mail(stream(part))).text == expected


def test_a_mail_enclosed_in_it_gives_its_files():
    row = struct.pack("<HHI", 0x0D, 0x3701, 1) + padded(b"i" * 16 + stream(titled("中.pdf")))
    assert read_tnef(stream(begun(), attribute(2, 0x00069005, properties(row)))).files == [("中.pdf", PDF)]


@pytest.mark.parametrize("length", range(0, len(WHOLE), 29))
def test_a_stream_that_breaks_off_says_what_it_said_until_then(length):
    found = read_tnef(WHOLE[:length])
    assert [data for _, data in found.files if data] == [PDF, b"x"][: len([d for _, d in found.files if d])]
    assert [file.name for file in parse(mail(WHOLE[:length])).enclosed][:1] == ["winmail.dat"]


@pytest.mark.parametrize(
    "data", [b"", b"PNG", SIGNATURE, SIGNATURE + b"\xff" * 40, stream(attribute(1, 0x00069003, b"\xff" * 9))]
)
def test_other_bytes_are_no_stream_and_stop_nothing(data):
    found = read_tnef(data)
    assert (found.text, found.files) == ("", [])

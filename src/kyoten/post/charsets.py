"""Bytes of a mail as text. Declared charsets are believed only as far as they work: Japanese mail is often mislabelled,
and Python has no codec for the ISO-2022-JP that Windows mailers write (①, ㈱, 髙)."""

from __future__ import annotations

import base64
import binascii
import quopri
import re

from kyoten.records.names import clean_text

WINDOWS = {"shift_jis", "shift-jis", "sjis", "x-sjis", "windows-31j", "cp932", "ms932", "ms_kanji", "csshiftjis"}
EUC = {"euc-jp", "euc_jp", "x-euc-jp", "eucjp", "cp51932"}
UNKNOWN = {"", "us-ascii", "ascii", "unknown-8bit", "x-unknown", "default", "binary"}
ESCAPE = re.compile(rb"\x1b(\$\([D@B]|\$[@B]|\([BJIH]|\.A|\$A)")
EUC_PAIR = re.compile(rb"\x8e[\xa1-\xdf]|\x8f[\xa1-\xfe]{2}|[\xa1-\xfe]{2}|[\x00-\x7f]+|.", re.DOTALL)
ENCODED_WORD = re.compile(r"=\?([^?\s]{1,60})\?([bBqQ])\?([^?]*)\?=")


def decode(data: bytes, charset: str = "") -> str:
    """Text of `data`; never raises. Tries what was declared, then what Japanese mail is written in."""
    charset = charset.strip().strip("\"'").lower().partition("*")[0]  # RFC 2231 language suffix
    for attempt in ([] if charset in UNKNOWN else [charset]) + _guesses(data):
        text = _strict(data, attempt)
        if text is not None:
            return clean_text(text)
    return clean_text(data.decode("utf-8" if charset.startswith("utf") else "cp932", "replace"))


def decode_header(value: str) -> str:
    """A raw header (surrogateescape, as the compat32 parser keeps it) as one line of text; never raises."""
    value = re.sub(r"\r?\n[ \t]*", " ", value)
    value = re.sub(r"(\?=)\s+(=\?)", r"\1\2", value)
    pieces: list[tuple[str, bytes]] = []  # (charset, bytes): adjacent words are joined before decoding, because
    end = 0  # mailers cut them in the middle of a character
    for word in ENCODED_WORD.finditer(value):
        if end < word.start():
            pieces.append(("", value[end : word.start()].encode("utf-8", "surrogateescape")))
        charset, data = word[1].lower().partition("*")[0], _word_bytes(word[2], word[3])
        if pieces and pieces[-1][0] == charset:
            data = pieces.pop()[1] + data
        pieces.append((charset, data))
        end = word.end()
    pieces.append(("", value[end:].encode("utf-8", "surrogateescape")))
    text = "".join(decode(data, charset) for charset, data in pieces)
    return re.sub(r"[\x00-\x1f\x7f\u2028\u2029]+", " ", text).strip()


def _word_bytes(encoding: str, text: str) -> bytes:
    data = text.encode("ascii", "ignore")
    if encoding in "qQ":
        return quopri.decodestring(data.replace(b"_", b" "), header=False)
    try:
        return base64.b64decode(data + b"=" * (-len(data) % 4))
    except binascii.Error:
        return data


def _guesses(data: bytes) -> list[str]:
    if ESCAPE.search(data):
        return ["iso-2022-jp", "utf-8"]
    try:
        kana = sum(1 for char in data.decode("cp932") if "\uff61" <= char <= "\uff9f")
    except UnicodeDecodeError:
        return ["utf-8", "euc-jp"]
    # EUC read as Shift_JIS is a soup of half-width kana
    return ["utf-8", "euc-jp", "cp932"] if kana * 3 > len(data) else ["utf-8", "cp932", "euc-jp"]


def _strict(data: bytes, charset: str) -> str | None:
    try:
        if charset.startswith("iso-2022-jp") or charset == "csiso2022jp":
            return iso2022jp(data)
        if charset in WINDOWS:
            return data.decode("cp932")
        if charset in EUC:
            return _euc(data)
        if charset in ("utf-7", "idna", "punycode", "unicode_escape", "raw_unicode_escape"):
            return None  # not what people write; some hide markup from filters
        return data.decode(charset)
    except (LookupError, ValueError, TypeError, AttributeError):  # codecs such as "hex" or "zlib" are no charsets
        return None


def iso2022jp(data: bytes) -> str:
    """ISO-2022-JP as mailers write it, with the vendor characters of Windows and half-width kana."""
    texts, mode, end = [], b"(B", 0
    for escape in ESCAPE.finditer(data):
        texts.append(_run(data[end : escape.start()], mode))
        mode, end = escape[1], escape.end()
    texts.append(_run(data[end:], mode))
    return "".join(texts)


def _run(data: bytes, mode: bytes) -> str:
    if mode in (b"$@", b"$B", b"$(@", b"$(B"):
        # a line end inside a double-byte run switches back to ASCII (RFC 1468), which careless mailers forget
        lines = re.split(rb"(\r?\n)", data)
        return "".join(_pairs(line) if n % 2 == 0 else "\n" for n, line in enumerate(lines))
    if mode == b"(I":
        return bytes(byte | 0x80 if 0x21 <= byte <= 0x5F else byte for byte in data).decode("cp932", "replace")
    if mode == b"$(D":
        pairs = (data[n : n + 2] for n in range(0, len(data) - 1, 2))
        return "".join(bytes([0x8F, *(byte | 0x80 for byte in pair)]).decode("euc_jp", "replace") for pair in pairs)
    return data.decode("ascii") if data.isascii() else data.decode("cp932", "replace")


def _pairs(data: bytes) -> str:
    return "".join(_pair(*data[n : n + 2]) if n + 1 < len(data) else "\ufffd" for n in range(0, len(data), 2))


def _pair(first: int, second: int) -> str:
    """One JIS X 0208 character by way of Shift_JIS, where Windows has put its own in the empty rows."""
    row, cell = (first & 0x7F) - 0x21, (second & 0x7F) - 0x21
    if not (0 <= row < 94 and 0 <= cell < 94):
        return "\ufffd"
    high = row // 2 + (0x81 if row < 62 else 0xC1)
    low = cell + (0x9F if row % 2 else 0x40 + (cell >= 63))
    return bytes([high, low]).decode("cp932", "replace")


def _euc(data: bytes) -> str:
    """EUC-JP with the vendor characters of Windows; ValueError where it is something else."""
    return "".join(_euc_piece(piece[0]) for piece in EUC_PAIR.finditer(data))


def _euc_piece(piece: bytes) -> str:
    if piece[0] < 0x80:
        return piece.decode("ascii")
    if piece[0] in (0x8E, 0x8F) and len(piece) > 1:
        return piece.decode("euc_jp")
    if len(piece) != 2 or "\ufffd" in (char := _pair(*piece)):
        raise ValueError("not EUC-JP")
    return char

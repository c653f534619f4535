"""Bytes of a mail as text. Declared charsets are believed only as far as they work: Japanese mail is often mislabelled,
and Python has no codec for the ISO-2022-JP that Windows mailers write (①, ㈱, 髙)."""

from __future__ import annotations

import base64
import binascii
import quopri
import re
from functools import lru_cache

from kyoten.records.names import clean_text

JIS = {"iso-2022-jp", "csiso2022jp", "cp50220", "cp50221", "cp50222", "jis", "x-jis"}
WINDOWS = {"shift_jis", "shift-jis", "sjis", "x-sjis", "windows-31j", "cp932", "ms932", "ms_kanji", "csshiftjis"}
WINDOWS |= {"windows-932", "cswindows31j", "sjis-win", "x-ms-cp932", "cp943", "ms_932", "shiftjis"}
EUC = {"euc-jp", "euc_jp", "x-euc-jp", "eucjp", "cp51932", "eucjp-win", "euc-jp-ms", "cseucpkdfmtjapanese"}
LATIN = {"iso-8859-1", "iso8859-1", "latin1", "latin-1", "iso_8859-1"}  # what is called so is Windows-1252 in truth
UNKNOWN = {"", "us-ascii", "ascii", "unknown-8bit", "x-unknown", "unknown", "default", "binary", "8bit", "7bit"}
OTHER = {
    "ks_c_5601-1987": "cp949", "euc-kr": "cp949", "ks_c_5601": "cp949", "gb2312": "gb18030", "x-gbk": "gb18030",
    "unicode-1-1-utf-7": "utf-7", "iso-8859-8-i": "iso-8859-8", "x-mac-japanese": "cp932", "utf8mb4": "utf-8",
}  # fmt: skip
ESCAPE = re.compile(rb"\x1b(\$\([D@BOPQ]|\$[@B]|\([BJIH]|\.A|\$A)")
EUC_PAIR = re.compile(rb"\x8e[\xa1-\xdf]|\x8f[\xa1-\xfe]{2}|[\xa1-\xfe]{2}|[\x00-\x7f]+|.", re.DOTALL)
SAMPLE = 64 * 1024  # bytes by which a charset is guessed
ENCODED_WORD = re.compile(r"=\?([^?\s]{1,60})\?([bBqQ])\?([^?]*)\?=")


def decode(data: bytes, charset: str = "") -> str:
    """Text of `data`; never raises. Tries what was declared, then what Japanese mail is written in."""
    charset = charset.strip().strip("\"'").lower().partition("*")[0]  # RFC 2231 language suffix
    charset = OTHER.get(charset, charset)
    for attempt in _attempts(data, charset):
        text = _strict(data, attempt)
        if text is not None:
            return clean_text(text)
    return clean_text(data.decode("utf-8" if charset.startswith("utf") else "cp932", "replace"))


def _attempts(data: bytes, charset: str) -> list[str]:
    """What to try, in order. A label is believed unless the bytes say better: escapes of ISO-2022-JP stand in no other
    text, and Japanese that is valid UTF-8 by chance there is none."""
    if charset in JIS and b"\x0e" in data:
        return [charset]
    if charset in UNKNOWN or charset in JIS and not ESCAPE.search(data):
        return _guesses(data)
    if ESCAPE.search(data) and not charset.startswith(("iso-2022", "utf-16", "utf-32", "hz")) and charset not in JIS:
        return ["iso-2022-jp", charset, *_guesses(data)]
    if charset in WINDOWS | EUC and sum(byte > 0xC1 for byte in data) > 1:
        return ["utf-8", charset, *_guesses(data)]
    return [charset, *_guesses(data)]


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
    if data.isascii():
        return ["utf-8"]
    data = _sample(data)
    if _nearly_utf8(data):
        return ["utf-8", "utf-8?"]
    try:
        text = data.decode("cp932")
    except UnicodeDecodeError:
        return ["utf-8", "euc-jp", "windows-1252"] if _western(data) else ["utf-8", "euc-jp"]
    if _western(data):
        return ["utf-8", "windows-1252", "cp932"]
    # EUC read as Shift_JIS is a soup of half-width kana
    kana = sum(1 for char in text if "\uff61" <= char <= "\uff9f")
    return ["utf-8", "euc-jp", "cp932"] if kana * 3 > len(data) else ["utf-8", "cp932", "euc-jp"]


def _sample(data: bytes) -> bytes:
    """From the first line that is not ASCII, enough to judge by, and no character cut."""
    if len(data) <= SAMPLE:
        return data
    start = re.search(rb"[^\n]*[\x80-\xff]", data)
    data = data[start.start() if start else 0 :]
    return data if len(data) <= SAMPLE else data[: data.rfind(b"\n", SAMPLE // 2, SAMPLE) + 1 or SAMPLE]


def _nearly_utf8(data: bytes) -> bool:
    """UTF-8 with a byte or two gone astray."""
    text = data.decode("utf-8", "replace")
    lost = text.count("\ufffd")
    good = len(text) - len(text.encode("ascii", "ignore")) - lost
    return good >= 4 and lost * 4 <= good


WESTERN = re.compile(
    rb"(?:[\x00-\x7f]|[\xa0-\xdf](?![\x80-\xff])|[\xe0-\xff](?![\x80-\xff@\[\]^_`{|}~\\])|[\x80\x85\x91-\x97\x99](?![@-~\x80-\xff]))*"
)


def _western(data: bytes) -> bool:
    """Single 8-bit letters among ASCII ones (Frösche). Japanese comes in pairs, whose first byte is hardly ever one of
    these letters."""
    return WESTERN.fullmatch(data) is not None


def _strict(data: bytes, charset: str) -> str | None:
    try:
        if charset == "utf-8?":
            return data.decode("utf-8", "replace")
        if charset.startswith("iso-2022-jp") or charset in JIS:
            return iso2022jp(data)
        if charset in WINDOWS:
            return data.decode("cp932")
        if charset in EUC:
            return _euc(data)
        if charset in LATIN:
            return data.decode("windows-1252")
        if charset in ("idna", "punycode", "unicode_escape", "raw_unicode_escape"):
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
    if mode == b"(B" and b"\x0e" in data:  # half-width kana between shift-out and shift-in (JIS X 0201)
        pieces = re.split(rb"\x0e([^\x0f]*)\x0f?", data)
        return "".join(_run(piece, b"(I" if n % 2 else b"(J") for n, piece in enumerate(pieces))
    if mode == b"(I":
        return bytes(byte | 0x80 if 0x21 <= byte <= 0x5F else byte for byte in data).decode("cp932", "replace")
    if mode == b"$(D":
        pairs = (data[n : n + 2] for n in range(0, len(data) - 1, 2))
        return "".join(bytes([0x8F, *(byte | 0x80 for byte in pair)]).decode("euc_jp", "replace") for pair in pairs)
    if mode in (b"$(O", b"$(P", b"$(Q"):  # JIS X 0213, its first plane and its second
        data = bytes(byte | 0x80 for byte in data)
        lead = b"\x8f" if mode == b"$(P" else b""
        return "".join((lead + data[n : n + 2]).decode("euc_jis_2004", "replace") for n in range(0, len(data), 2))
    if mode == b"(B" and all(byte < 0x80 or 0xA1 <= byte <= 0xDF for byte in data):
        return data.decode("cp932")  # half-width kana of eight bits
    return data.decode("ascii") if data.isascii() else decode(data)


def _pairs(data: bytes) -> str:
    return "".join(_pair(*data[n : n + 2]) if n + 1 < len(data) else "\ufffd" for n in range(0, len(data), 2))


@lru_cache(maxsize=8836)
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

"""A mail's bytes as a tree of parts, cut by offsets: what is enclosed keeps its bytes exactly, and nothing raises.

The standard library's parser re-writes forwarded mails, drops what follows a broken header line and turns 8-bit file
names into question marks; its modern policy raises on hostile headers. Mail of Japanese offices has all of these.
"""

from __future__ import annotations

import binascii
import quopri
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

DEPTH_LIMIT = 64  # levels; deeper ones are kept as one file
PART_LIMIT = 1000
VALUE_LIMIT = 256 * 1024  # bytes of one header
HEADER_LIMIT = 512 * 1024  # bytes of one part's headers that are looked at
SCAN_LIMIT = 200 * 1024 * 1024  # bytes looked through for boundaries, all levels together

LINE = re.compile(rb"[^\n]*(?:\n|\Z)")
HEADER = re.compile(rb"([!-9;-~]{1,100})[ \t]*:")
BLANK = re.compile(rb"\r?\n\r?(?:\n|\Z)")
SNIFFED = re.compile(rb"(?m)^--(\S[^\r\n]{0,69}?)[ \t]*\r?$")
# A byte that begins a two-byte character of Shift_JIS takes the next one along, be it a backslash (表) or a quote.
PARAMETER = re.compile(
    r"""[;\s]\s*([^\s=;"]+)\s*=\s*(?:"((?:[\udc81-\udc9f\udce0-\udcfc].|[^"\\]|\\.)*)"?|([^;]*))""", re.DOTALL
)
ESCAPED = re.compile(r'([\udc81-\udc9f\udce0-\udcfc].)|\\(["\\])', re.DOTALL)


@dataclass
class Part:
    """One entity. Headers are text with surrogate escapes for what is not UTF-8, the first of each name, folds kept."""

    headers: dict[str, str]
    raw: bytes = field(repr=False)
    start: int = 0  # of the body in `raw`
    end: int = 0
    kind: str = "text/plain"
    children: list[Part] = field(default_factory=list)

    @property
    def body(self) -> bytes:
        """As it stands in the mail, still encoded."""
        return self.raw[self.start : self.end]

    @property
    def data(self) -> bytes:
        """The content, decoded as Content-Transfer-Encoding says; what cannot be decoded stays as it stands."""
        return _decoded(self.body, self.headers.get("content-transfer-encoding", ""))

    def leaves(self) -> Iterator[Part]:
        for child in self.children:
            yield from child.leaves()
        if not self.children:
            yield self


def tree(raw: bytes) -> Part:
    """The whole mail. Leading blank lines, a byte order mark and the "From " line of a mailbox file are passed over."""
    if b"\n" not in raw:
        raw = raw.replace(b"\r", b"\n")
    start = len(raw) - len(raw.removeprefix(b"\xef\xbb\xbf").lstrip(b" \t\r\n"))
    if raw.startswith((b"From ", b">From "), start):
        start = LINE.match(raw, start).end()  # type: ignore[union-attr]
    return _part(raw, start, len(raw), "text/plain", 0, [PART_LIMIT, SCAN_LIMIT])


def parameters(value: str) -> dict[str, str | bytes]:
    """Parameters of a structured header, the first of each name; bytes where RFC 2231 gives them (see `named`)."""
    plain: dict[str, str] = {}
    for found in PARAMETER.finditer(value):
        text = found[3].strip() if found[2] is None else ESCAPED.sub(lambda m: m[1] or m[2], found[2])
        plain.setdefault(found[1].lower(), text)
    return {**_joined(plain), **{name: text for name, text in plain.items() if "*" not in name}}


def headers(block: bytes) -> dict[str, str]:
    """The headers of a block of lines."""
    return _headers(block, 0, len(block))[0]


def _part(raw: bytes, start: int, end: int, default: str, depth: int, left: list[int]) -> Part:
    left[0] -= 1
    found, body = _headers(raw, start, end)
    content_type = found.get("content-type", "")
    kind = re.match(r"\s*([^\s;/\"]+/[^\s;\"]+)", content_type)
    part = Part(found, raw, body, end, kind[1].lower() if kind else default)
    left[1] -= end - body
    if part.kind.startswith("multipart/") and depth < DEPTH_LIMIT and left[1] > 0:
        _divide(part, parameters(content_type).get("boundary", ""), depth, left)
    return part


def _divide(part: Part, boundary: str | bytes, depth: int, left: list[int]) -> None:
    if re.match(r"\s*(base64|quoted-printable)", part.headers.get("content-transfer-encoding", ""), re.I):
        part.raw = part.data  # forbidden by RFC 2045 6.4, and done
        part.start, part.end = 0, len(part.raw)
    if isinstance(boundary, str):
        boundary = boundary.encode("utf-8", "surrogateescape")
    default = "message/rfc822" if part.kind == "multipart/digest" else "text/plain"
    ranges = _ranges(part, boundary.rstrip()) if boundary.strip() else []
    if not ranges and (first := SNIFFED.search(part.raw, part.start, part.end)):
        sniffed = _ranges(part, first[1])
        ranges = [r for r in sniffed if HEADER.match(part.raw, r[0])] and sniffed
    for start, end in ranges:
        if left[0] <= 0:  # far too many: the rest is kept as one file
            part.children.append(Part({}, part.raw, start, ranges[-1][1], "application/octet-stream"))
            break
        part.children.append(_part(part.raw, start, end, default, depth + 1, left))
    if not ranges:
        part.kind = "text/plain"  # several parts are promised, one text is there


def _ranges(part: Part, boundary: bytes) -> list[tuple[int, int]]:
    """(start, end) of what stands between the boundary lines; the line end before a boundary belongs to it."""
    found, begun = [], None
    lines = re.compile(rb"(?m)^--" + re.escape(boundary) + rb"(--(?:[^\w\r\n-][^\r\n]*)?)?[ \t]*\r?$")
    for line in lines.finditer(part.raw, part.start, part.end):
        if begun is not None:
            found.append((begun, max(begun, _before(part.raw, line.start()))))
        begun = min(line.end() + 1, part.end)
        if line[1]:
            return found
    return [*found, (begun, part.end)] if begun is not None and begun < part.end else found


def _before(raw: bytes, position: int) -> int:
    """Without the line end that stands before `position`."""
    if raw[position - 1 : position] == b"\n":
        return position - 2 if raw[position - 2 : position - 1] == b"\r" else position - 1
    return position


def _headers(raw: bytes, start: int, end: int) -> tuple[dict[str, str], int]:
    """The headers and where the body begins. A broken line goes on the one before it while other headers follow;
    where none follows, the blank line was forgotten and the body has begun."""
    blank = BLANK.search(raw, max(0, start - 1), end)
    first = re.compile(rb"[ \t]*\r?\n").match(raw, start, end)
    if first:
        return {}, first.end()
    stop = min(blank.start() + 1 if blank else end, start + HEADER_LIMIT)
    lines = [(line.start(), line[0]) for line in LINE.finditer(raw, start, stop) if line[0]]
    kept: list[tuple[str, list[bytes]]] = []
    last = max((n for n, (_, line) in enumerate(lines) if HEADER.match(line.lstrip() if n == 0 else line)), default=-1)
    for n, (at, line) in enumerate(lines):
        name = HEADER.match(line.lstrip() if n == 0 else line)
        if name:
            text = line.lstrip() if n == 0 else line
            kept.append((name[1].decode("ascii").lower(), [text[name.end() :].rstrip(b"\r\n")]))
        elif kept and (line[:1] in b" \t" or n < last or kept[-1][1][-1].rstrip().endswith(b";")):
            kept[-1][1].append(b" " + line.strip())
        elif n > last:
            return _texts(kept), at
    return _texts(kept), blank.end() if blank else end


def _texts(kept: list[tuple[str, list[bytes]]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, lines in kept:
        value = b"\n".join(lines).strip()[:VALUE_LIMIT].decode("utf-8", "surrogateescape")
        if name == "references" and name in found:
            found[name] += f"\n {value}"
        elif not found.get(name):
            found[name] = value
    return found


def _joined(plain: dict[str, str]) -> dict[str, str | bytes]:
    """RFC 2231: name*0*=, name*1= … put together before anything is decoded, for mailers cut inside a character.

    The value is bytes behind their charset ("utf-8'" + bytes), to be read by `named`.
    """
    pieces: dict[str, list[tuple[int, bytes, str]]] = {}
    for key, text in plain.items():
        match = re.fullmatch(r"([^*]+)\*(?:(\d{1,4})(\*)?)?", key)
        if not match:
            continue
        encoded, number = match[2] is None or bool(match[3]), int(match[2] or 0)
        charset = ""
        if encoded and number == 0 and text.count("'") >= 2:
            charset, _, text = text.split("'", 2)
        data = text.encode("utf-8", "surrogateescape")
        data = re.sub(rb"%([0-9A-Fa-f]{2})", lambda m: bytes([int(m[1], 16)]), data) if encoded else data
        pieces.setdefault(match[1], []).append((number, data, charset))
    joined: dict[str, str | bytes] = {}
    for name, found in pieces.items():
        found.sort(key=lambda piece: piece[0])
        charset = next((piece[2] for piece in found if piece[2]), "")
        joined[f"{name}*"] = charset.encode("ascii", "ignore") + b"'" + b"".join(piece[1] for piece in found)
    return joined


def _decoded(body: bytes, encoding: str) -> bytes:
    name = re.sub(r"[^a-z0-9-]", "", re.split(r"[;(]", encoding)[0].lower())
    decoded = body
    if name == "base64":
        decoded = _base64(body)
    elif name in ("quoted-printable", "quotedprintable", "qp"):
        decoded = quopri.decodestring(re.sub(rb"=[ \t]+(?=\r?\n)", b"=", body))
    elif name in ("x-uuencode", "uuencode", "uue", "x-uue"):
        decoded = _uuencoded(body)
    return decoded or body.strip() and body


def _base64(body: bytes) -> bytes:
    """Several runs behind one another too; what is no base64 at all stays as it stands."""
    if re.match(rb"\s*[A-Za-z]+[ ,.]+[A-Za-z]+", body) or 4 * sum(byte > 0x7F for byte in body[:400]) > len(body[:400]):
        return body
    letters = re.sub(rb"[^A-Za-z0-9+/=]", b"", body)
    decoded = b""
    for run in re.findall(rb"[^=]+=*", letters):
        run = run.rstrip(b"=")
        run = run[: len(run) - (len(run) % 4 == 1)]
        decoded += binascii.a2b_base64(run + b"=" * (-len(run) % 4))
    return decoded


def _uuencoded(body: bytes) -> bytes:
    begun = re.search(rb"(?m)^begin [0-7]{3,4} [^\n]*\n", body)
    decoded = b""
    for line in body[begun.end() if begun else 0 :].splitlines():
        if line.strip() == b"end":
            break
        try:
            decoded += binascii.a2b_uu(line)
        except binascii.Error:
            try:  # a trailing character too many or too few
                decoded += binascii.a2b_uu(line[: (((line[0] - 32) & 63) * 4 + 5) // 3])
            except (binascii.Error, IndexError):
                return b""
    return decoded

"""A mail's bytes as what the inbox needs. The lenient compat32 parser and our own decoding: the modern policy raises on
hostile headers. Callers still guard: what raises here becomes 要確認, never a stop."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message
from email.policy import compat32
from html.parser import HTMLParser
from typing import Any

from kyoten.post.charsets import decode, decode_header
from kyoten.post.quoting import reply_text
from kyoten.records.names import clean_file_name

ADDRESS = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,250}[A-Za-z0-9])?"
TOKEN = "[a-z2-7]{24}"
TEXT_LIMIT = 1_000_000  # characters of text that are kept beside the original
PART_LIMIT = 1000
DEPTH_LIMIT = 30
AUTO_SUBJECT = re.compile(
    r"^\s*(自動応答|自動返信|自動回答|不在通知|automatic reply|auto(matic)?[ -]?(reply|response)|out of office)", re.I
)


@dataclass(frozen=True)
class Enclosed:
    """A file in a mail, with a cleaned name."""

    name: str
    content_type: str
    data: bytes


@dataclass(frozen=True)
class Parsed:
    """`tokens`: our mails this one seems to answer, surest first. `failed`: a bounce says it was not delivered."""

    sender: str = ""
    sender_name: str = ""
    recipients: tuple[str, ...] = ()
    subject: str = ""
    text: str = ""
    reply_text: str = ""
    message_id: str = ""
    in_reply_to: str = ""
    references: str = ""
    machine: str = ""
    failed: bool = False
    diagnosis: str = ""
    tokens: tuple[str, ...] = ()
    enclosed: tuple[Enclosed, ...] = field(default=(), repr=False)


def parse(raw: bytes) -> Parsed:
    message = message_from_bytes(raw, policy=compat32)
    headers = _headers(message)
    parts = list(_parts(message))
    text = _text(parts)[:TEXT_LIMIT]
    sender, name = _sender(headers.get("from", ""))
    recipients = _recipients(headers)
    machine = _machine(message, headers, parts, sender)
    failed, diagnosis = _report(parts) if machine == "bounce" else (False, "")
    subject = decode_header(headers.get("subject", ""))
    references = _ids(headers.get("references", ""))
    in_reply_to = _ids(headers.get("in-reply-to", ""))
    return Parsed(
        sender=sender,
        sender_name=name[:300],
        recipients=recipients,
        subject=subject[:500],
        text=text,
        reply_text=reply_text(text),
        message_id=" ".join(_ids(headers.get("message-id", ""))[:1])[:998],
        in_reply_to=" ".join(in_reply_to)[:998],
        references=" ".join(references),
        machine="auto" if machine == "" and AUTO_SUBJECT.match(subject) else machine,
        failed=failed,
        diagnosis=diagnosis[:500],
        tokens=_tokens([*in_reply_to, *reversed(references)], recipients, f"{subject}\n{text}", raw, machine),
        enclosed=tuple(_enclosed(parts)),
    )


def _headers(message: Message) -> dict[str, str]:
    """Raw headers by lower-case name, the first of each; unlike items(), raw_items() never rewrites 8-bit ones."""
    found: dict[str, str] = {}
    for name, value in message.raw_items():
        found.setdefault(name.lower(), str(value))
    return found


def _parts(message: Message, depth: int = 0) -> Iterator[Message]:
    """All leaves, depth first. Forwarded mails are leaves too; endless nesting ends."""
    children = message.get_payload()
    if _kind(message).startswith("multipart/") and isinstance(children, list) and depth < DEPTH_LIMIT:
        for child in children[:PART_LIMIT]:
            yield from _parts(child, depth + 1)
    else:
        yield message


def _quiet(call: Callable[..., Any], *args: Any) -> Any:
    """The standard library raises a dozen kinds of errors on malformed parameters; one bad part is not a bad mail."""
    try:
        return call(*args)
    except Exception:  # noqa: BLE001
        return None


def _kind(part: Message) -> str:
    return str(_quiet(part.get_content_type) or "text/plain")


def _payload(part: Message) -> bytes:
    data = _quiet(part.get_payload, None, True)
    if isinstance(data, bytes):
        return data
    inner = part.get_payload()
    if isinstance(inner, list):
        return b"\n".join(_quiet(child.as_bytes) or b"" for child in inner)
    return str(inner or "").encode("utf-8", "surrogateescape")


def _part_text(part: Message) -> str:
    charset = _quiet(part.get_param, "charset") or ""
    return decode(_payload(part), charset[2] if isinstance(charset, tuple) else str(charset)).replace("\r\n", "\n")


def _file_name(part: Message) -> str:
    name = _quiet(part.get_filename)
    return decode_header(str(name)) if name else ""


def _is_text(part: Message, kind: str) -> bool:
    return _kind(part) == kind and not _file_name(part) and _quiet(part.get_content_disposition) != "attachment"


def _text(parts: list[Message]) -> str:
    """The plain text; where there is none (or an empty one), the text of the HTML."""
    plain = "\n".join(_part_text(part) for part in parts if _is_text(part, "text/plain"))
    if plain.strip():
        return plain
    return "\n".join(_text_of_html(_part_text(part)) for part in parts if _is_text(part, "text/html"))


class _Text(HTMLParser):
    """Keeps the words of HTML and turns block ends into line ends. Nothing of the markup survives."""

    BLOCKS = {"p", "div", "br", "tr", "li", "h1", "h2", "h3", "h4", "blockquote", "table", "hr"}
    HIDDEN = {"script", "style", "head", "title", "template"}

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.words: list[str] = []
        self.hidden = 0

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.hidden += tag in self.HIDDEN
        if tag in self.BLOCKS:
            self.words.append("\n")

    def handle_endtag(self, tag: str) -> None:
        self.hidden = max(0, self.hidden - (tag in self.HIDDEN))
        if tag in self.BLOCKS - {"br", "hr"}:
            self.words.append("\n")

    def handle_data(self, data: str) -> None:
        if not self.hidden:
            self.words.append(re.sub(r"\s+", " ", data))


def _text_of_html(html: str) -> str:
    reader = _Text()
    reader.feed(html[: 4 * TEXT_LIMIT])
    reader.close()
    lines = (line.strip() for line in "".join(reader.words).split("\n"))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def _sender(value: str) -> tuple[str, str]:
    """(address, name). An address only where there is exactly one and nothing can be read in two ways."""
    value = re.sub(r"\s+", " ", value).strip()
    bare = re.fullmatch(ADDRESS, value)
    if bare:
        return value, ""
    old = re.fullmatch(rf"({ADDRESS}) \(([^()@<>]*)\)", value)
    if old:
        return old[1], decode_header(old[2])
    found = re.fullmatch(rf"([^<>]*)<\s*({ADDRESS})\s*>\s*", value)
    if found and not re.search(ADDRESS, found[1]):
        return found[2], decode_header(found[1].strip().strip('"').replace('\\"', '"'))
    return "", decode_header(value)


def _recipients(headers: dict[str, str]) -> tuple[str, ...]:
    names = ("to", "cc", "delivered-to", "x-original-to", "envelope-to")
    found = (address for name in names for address in re.findall(ADDRESS, headers.get(name, "")))
    return tuple(dict.fromkeys(found))[:100]


def _ids(value: str) -> list[str]:
    return re.findall(r"<[^<>\s]{1,400}>", re.sub(r"\r?\n[ \t]*", "", value))[:100]


def _machine(message: Message, headers: dict[str, str], parts: list[Message], sender: str) -> str:
    """bounce, auto, list or "" (a person); the headers of RFC 3834 and what mailers do instead."""
    report = str(_quiet(message.get_param, "report-type") or "").lower()
    kinds = {_kind(part) for part in parts}
    daemon = sender.lower().startswith(("mailer-daemon@", "postmaster@"))
    empty_path = headers.get("return-path", "").strip() == "<>"
    if report == "delivery-status" or "message/delivery-status" in kinds or "x-failed-recipients" in headers:
        return "bounce"
    if sender.lower().startswith("mailer-daemon@") or daemon and (empty_path or "auto-submitted" in headers):
        return "bounce"
    submitted = headers.get("auto-submitted", "no").strip().lower()
    precedence = headers.get("precedence", "").strip().lower()
    if submitted.partition(";")[0].strip() != "no" or report or {"x-autoreply", "x-autorespond"} & headers.keys():
        return "auto"
    if precedence in ("auto_reply", "junk") or empty_path:
        return "auto"
    return "list" if "list-id" in headers or precedence in ("bulk", "list") else ""


def _report(parts: list[Message]) -> tuple[bool, str]:
    """(failed for good, what the server said) of a delivery report; one without machine-readable part has failed."""
    blocks = [block for part in parts if _kind(part) == "message/delivery-status" for block in _blocks(part)]
    actions = {block["action"].strip().lower() for block in blocks if "action" in block}
    words = [f"{block.get('status', '')} {block.get('diagnostic-code', '')}" for block in blocks if "action" in block]
    if not actions:
        return True, decode_header(" ".join(_text(parts).split())[:500])
    return "failed" in actions, decode_header(" ".join(" ".join(words).split()))


def _blocks(part: Message) -> list[dict[str, str]]:
    inner = part.get_payload()
    return [_headers(block) for block in inner if isinstance(block, Message)] if isinstance(inner, list) else []


def _tokens(ids: list[str], recipients: tuple[str, ...], text: str, raw: bytes, machine: str) -> tuple[str, ...]:
    found = [match[1] for match in (re.match(rf"<kyoten\.({TOKEN})@", i) for i in ids) if match]
    found += [match[1] for match in (re.search(rf"\+({TOKEN})@", r.lower()) for r in recipients) if match]
    found += re.findall(rf"管理番号[ 　:：]*({TOKEN})", text)[:20]
    if machine == "bounce":  # the mail it returns, whole, in part, or only its headers
        found += [token.decode() for token in re.findall(rb"<kyoten\.([a-z2-7]{24})@", raw)[:20]]
    return tuple(dict.fromkeys(found))


def _enclosed(parts: list[Message]) -> Iterator[Enclosed]:
    for part in parts[:PART_LIMIT]:
        kind, name = _kind(part), _file_name(part)
        if _is_text(part, "text/plain") or _is_text(part, "text/html") or kind == "message/delivery-status":
            continue
        if kind.startswith("multipart/") and not _payload(part):
            continue
        fallback = "転送されたメール.eml" if kind == "message/rfc822" else "名称なし"
        yield Enclosed(clean_file_name(name) if name else fallback, kind, _payload(part))

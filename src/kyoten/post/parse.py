"""A mail's bytes as what the inbox needs. The lenient compat32 parser and our own decoding: the modern policy raises on
hostile headers. Callers still guard: what raises here becomes 要確認, never a stop."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser

from kyoten.post.charsets import decode, decode_header
from kyoten.post.msg import Outlook, is_msg, read_msg
from kyoten.post.quoting import reply_text
from kyoten.post.tnef import Tnef, read_tnef
from kyoten.post.tree import Part, headers, parameters, tree
from kyoten.records.names import clean_file_name, clean_text

ADDRESS = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,250}[A-Za-z0-9])?"
BRACKETED = ADDRESS.replace("[A-Za-z0-9", "[\\w")  # between < and > letters of any script (RFC 6531)
TOKEN = "[a-z2-7]{24}"
WESTERN_WORD = re.compile(r"[!-~] \Z")  # behind it the only space was typed, whatever the mailer says of it
STUB, WORD = 100, 8  # characters of a plain text that may be no alternative of the HTML beside it
RECIPIENTS = 1000  # addresses of one mail that are kept
TEXT_LIMIT = 1_000_000  # characters of text that are kept beside the original
LISTED = {"list-id", "list-unsubscribe", "list-post", "x-mailing-list", "x-beenthere", "x-mailman-version", "x-ml-name"}
NO_TAG = re.compile(r"<(?![a-z/]|!--|!doctype|!\[cdata|!\[(?:if|endif))", re.I)  # costs the reader of HTML its time
NO_NAME, FORWARDED = "名称なし", "転送されたメール.eml"
# 「自動応答: …」「【不在】Re: …」「…（自動返信）」, but no question about 自動応答システム or 不在時の代診
AUTO_SUBJECT = re.compile(
    r"^\s*(automatic reply|auto(matic)?[ -]?(reply|response)|out of office)"
    r"|^\s*[【\[［（(<＜]?\s*(自動(応答|返信|回答)|不在|(未?開封|開封済み?)(?=[:：通確])|read(?=:)|not read(?=:))"
    r"(メール|応答|通知|連絡|確認(通知)?|の(お知らせ|ご連絡|連絡)|です)?\s*([】\]］）)>＞:：]|$)"
    r"|[【\[［（(]\s*自動(応答|返信|回答)(メール)?\s*[】\]］）)]\s*$",
    re.I,
)
AUTO_TEXT = re.compile(r"(この|本)(電子)?メールは[^。\n]{0,12}自動[^。\n]{0,4}(返信|応答)")
FORWARDED_TEXT = "（転送されたメール）"
FORWARDED_HEADERS = [("from", "差出人"), ("date", "日時"), ("subject", "件名")]
AUTO_LENGTH = 600  # characters; a person may write the same words in a longer mail
BOUNCED = re.compile(
    r"undeliver|not delivered|delivery (status|has failed|fail)|returned mail|returning message|mail delivery failed"
    r"|failure notice|配信(不能|できません|エラー)|送信(不能|エラー)|不達|届きませんでした",
    re.I,
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
    """What a mail says, be it a .msg file of Outlook. A broken .msg raises ValueError; callers guard all the same."""
    if is_msg(raw):
        return _of_outlook(read_msg(raw))
    whole = tree(raw)
    head, parts = whole.headers, list(whole.leaves())
    rich = [read_tnef(part.data) for part in parts if _is_tnef(part)]
    text = _text(whole).strip("\n") or _forwarded(parts) or "\n".join(map(_text_of_tnef, rich))
    text = text[:TEXT_LIMIT]
    sender, name = _sender(head.get("from", ""))
    recipients = _recipients(head)
    subject = decode_header(head.get("subject", ""))
    said = reply_text(text)
    machine = _machine(whole, parts, sender, subject) or ("auto" if _sounds_automatic(subject, said) else "")
    failed, diagnosis = _report(whole, parts) if machine == "bounce" else (False, "")
    references = _ids(head.get("references", ""))
    in_reply_to = _ids(head.get("in-reply-to", ""))
    return Parsed(
        sender=sender,
        sender_name=name[:300],
        recipients=recipients,
        subject=subject[:500],
        text=text,
        reply_text=said,
        message_id=" ".join(_ids(head.get("message-id", ""))[:1])[:998],
        in_reply_to=" ".join(in_reply_to)[:998],
        references=" ".join(references),
        machine=machine,
        failed=failed,
        diagnosis=diagnosis[:500],
        tokens=_tokens(
            [*in_reply_to, *reversed(references)],
            recipients,
            f"{subject}\n{text}",
            raw + _returned(parts, machine),
            machine,
        ),
        enclosed=(*_enclosed(whole, parts), *_from_tnef(rich)),
    )


def _of_outlook(said: Outlook) -> Parsed:
    """What the mail servers wrote counts (the headers); a mail that never left Outlook has none."""
    carried = parse(said.headers.strip().encode() + b"\n\n") if ":" in said.headers else Parsed()
    text = said.text.strip("\n") or _text_of_html(said.html)
    in_reply_to = carried.in_reply_to or " ".join(_ids(said.in_reply_to))
    references = carried.references or " ".join(_ids(said.references))
    ids = [*in_reply_to.split(), *reversed(references.split())]
    files = [Enclosed(clean_file_name(name) if name else NO_NAME, "", data) for name, data in said.files]
    return replace(
        carried,
        sender=carried.sender or said.sender,
        sender_name=carried.sender_name or said.sender_name[:300],
        recipients=carried.recipients or tuple(re.findall(ADDRESS, said.to))[:100],
        subject=(carried.subject or said.subject)[:500],
        text=text[:TEXT_LIMIT],
        reply_text=reply_text(text[:TEXT_LIMIT]),
        message_id=carried.message_id or " ".join(_ids(said.message_id)[:1]),
        in_reply_to=in_reply_to,
        references=references,
        tokens=_tokens(ids, carried.recipients, f"{said.subject}\n{text}", b"", carried.machine),
        enclosed=tuple(files),
    )


def _part_text(part: Part) -> str:
    """The words of a text part, with "\\n" at every line's end."""
    stated_in = parameters(part.headers.get("content-type", ""))
    charset = stated_in.get("charset", "")
    data = part.data
    if part.kind == "text/html" and not charset:
        stated = re.search(rb"""<meta[^>]{1,200}charset\s*=\s*["']?([\w-]{2,40})""", data[:4096], re.I)
        charset = stated[1].decode() if stated else ""
    text = decode(data, charset if isinstance(charset, str) else "").replace("\r\n", "\n").replace("\r", "\n")
    text = text.removeprefix("\ufeff")
    if part.kind == "text/plain" and str(stated_in.get("format", "")).lower() == "flowed":
        return _unflowed(text, str(stated_in.get("delsp", "")).lower() == "yes")
    return text


def _unflowed(text: str, delsp: bool) -> str:
    """Paragraphs as they were typed (RFC 3676): a line that ends in a space goes on in the next of its depth."""
    lines: list[str] = []
    before = None  # the depth of quotation at which the line before goes on
    for line in text.split("\n"):
        depth = len(line) - len(line.lstrip(">"))
        said = line[depth:].removeprefix(" ")
        if before == depth and said != "-- ":
            lines[-1] += said
        else:
            lines.append(f"{'>' * depth} {said}" if depth else said)
        goes_on = said.endswith(" ") and said != "-- "
        before = depth if goes_on else None
        if goes_on and delsp and not WESTERN_WORD.search(lines[-1]):
            lines[-1] = lines[-1][:-1]
    return "\n".join(lines)


def file_name(part: Part) -> str:
    """As its sender named it: Content-Disposition first, then Content-Type; RFC 2231, RFC 2047 and plain 8-bit."""
    for header, name in (("content-disposition", "filename"), ("content-type", "name")):
        found = parameters(part.headers.get(header, ""))
        if isinstance(joined := found.get(f"{name}*"), bytes):
            charset, _, data = joined.partition(b"'")
            if text := decode_header(decode(data, charset.decode())):
                return text
        if isinstance(plain := found.get(name), str) and plain:
            return decode_header(plain)
    return ""


def _disposition(part: Part) -> str:
    return part.headers.get("content-disposition", "").partition(";")[0].strip().lower()


def _is_text(part: Part, *kinds: str) -> bool:
    return part.kind in (kinds or ("text/plain", "text/html")) and not file_name(part) and (
        _disposition(part) != "attachment"
    )  # fmt: skip


def _text(part: Part) -> str:
    """What the mail says: of alternatives the plain one (HTML where it is empty), of several parts all of them."""
    if part.kind == "multipart/alternative" and part.children:
        said = [(child, _text(child)) for child in part.children]
        plain = [text for child, text in said if child.kind == "text/plain" and text.strip()]
        if plain and _is_stub("".join(plain), [text for child, text in said if child.kind != "text/plain"]):
            return _together(said)
        return "\n".join(plain) if plain else next((text for _, text in said if text.strip()), "")
    if part.children:
        return _together((child, _text(child)) for child in part.children)
    if not _is_text(part):
        return ""
    return _part_text(part) if part.kind == "text/plain" else _text_of_html(_part_text(part))


def _is_stub(plain: str, others: list[str]) -> bool:
    """「HTML形式でご覧ください」, or a word or two beside a long HTML."""
    said = _bare(plain)
    points = len(said) < STUB and "html" in said.lower() or len(said) < WORD
    return points and any(len(_bare(text)) > 2 * len(said) or text and len(said) >= WORD for text in others)


def _together(said: Iterable[tuple[Part, str]]) -> str:
    """One below the other; HTML that repeats the plain text above it (not marked as an alternative) once."""
    kept: list[str] = []
    known = ""
    for part, text in said:
        bare = _bare(LINKED.sub("", text))
        if bare and not (part.kind == "text/html" and bare in known):
            kept.append(text)
            known += bare
    return "\n".join(kept)


def _bare(text: str) -> str:
    return re.sub(r"\W+", "", text)


class _Text(HTMLParser):
    """Keeps the words of HTML that a reader of it sees, and turns block ends into line ends, cells into columns."""

    BLOCKS = {"p", "div", "br", "tr", "li", "h1", "h2", "h3", "h4", "blockquote", "table", "hr", "pre"}
    HIDDEN = {"script", "style", "head", "title", "template"}
    APART = HIDDEN | {"br", "hr", "img", "input", "meta", "link", "col", "area", "base", "wbr"}  # hold no words

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.words: list[str] = []
        self.hidden = 0
        self.unseen = ""  # the element that is not displayed, how deep in elements of its name, and where it began
        self.depth = self.begun = 0
        self.pre = 0
        self.link = ("", 0)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.hidden = 0 if tag == "body" else self.hidden + (tag in self.HIDDEN)  # <head> is often left open
        if tag == self.unseen:
            self.depth += 1
        elif attrs and not self.unseen and tag not in self.APART and _not_displayed(attrs):
            self.unseen, self.depth, self.begun = tag, 1, len(self.words)
        if tag in self.BLOCKS:
            self.words.append("\n")
        elif tag in ("td", "th"):
            self.words.append("　")
        self.pre += tag == "pre"
        if tag == "a":
            self.link = (next((value or "" for name, value in attrs if name == "href"), "").strip(), len(self.words))

    def handle_endtag(self, tag: str) -> None:
        self.hidden = max(0, self.hidden - (tag in self.HIDDEN))
        self.pre = max(0, self.pre - (tag == "pre"))
        if tag == "a":
            self._tell_link()
        if tag in self.BLOCKS - {"br", "hr"}:
            self.words.append("\n")
        if tag == self.unseen:
            self.depth -= 1
            if not self.depth:  # only what is closed again goes: an open one would take the whole mail along
                del self.words[self.begun :]
                self.unseen = ""

    def handle_data(self, data: str) -> None:
        if not self.hidden:
            self.words.append(data if self.pre else re.sub(r"[ \t\r\n\f\xa0]+", " ", data))

    def _tell_link(self) -> None:
        """Where 「こちら」 leads, unless the words say it themselves."""
        (href, begun), self.link = self.link, ("", 0)
        words = "".join(self.words[begun:]).strip()
        if words and re.match(r"https?://", href, re.I) and _address(href) not in _address(words):
            self.words.append(f"（{href[:500]}）")


LINKED = re.compile(r"（https?://[^）]*）", re.I)


def _address(text: str) -> str:
    return re.sub(r"https?://|/$", "", text.strip(), flags=re.I).lower()


def _not_displayed(attrs: list[tuple[str, str | None]]) -> bool:
    given = dict(attrs)
    style = re.sub(r"\s", "", given.get("style") or "").lower()
    return "hidden" in given or re.search(r"(^|;)(display:none|visibility:hidden)", style) is not None


def _text_of_html(html: str) -> str:
    reader = _Text()
    html = NO_TAG.sub("&lt;", html[: 2 * TEXT_LIMIT])
    try:
        reader.feed(html)
        reader.close()
    except (AssertionError, ValueError, RecursionError):  # "<![" and the like, which the standard library trips over
        return re.sub(r"<[^>]{0,2000}>", " ", html).strip()
    lines = (line.strip() for line in "".join(reader.words).split("\n"))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def _sender(value: str) -> tuple[str, str]:
    """(address, name); of several senders the first. No address where one could be read in two ways."""
    value = re.sub(r"\s+", " ", value).strip()
    if re.fullmatch(ADDRESS, value):
        return value, ""
    if found := re.fullmatch(rf"({ADDRESS}) ?\(([^()@<>]*)\)", value):
        return found[1], decode_header(found[2])
    if found := re.match(rf'("(?:[^"\\]|\\.)*"|[^<>"]*?) ?<\s*({BRACKETED})\s*>', value):
        name, rest = found[1], value[found.end() :].strip()
        if not _several(name) and (not rest or rest[0] in ",;" or re.search(rf"<\s*{ADDRESS}\s*>$", rest)):
            return found[2], decode_header(re.sub(r'\\(["\\])', r"\1", name.strip().strip('"')))
    if found := re.match(rf"({ADDRESS}) ?,", value):
        return found[1], ""
    return _by_comments(value)


def _several(name: str) -> bool:
    """More than a name before an address in brackets: a list whose first entry is broken, a quote left open."""
    return "," in name and not name.startswith('"') and re.search(ADDRESS, name) is not None


def _by_comments(value: str) -> tuple[str, str]:
    """Pete(a chap) <pete(his account)@silly.test>, and a name without brackets; empty where it stays unclear."""
    bare = value
    for _ in range(5):
        bare = re.sub(r"\((?:[^()\\]|\\.)*\)", "", bare)
    if "(" not in bare and ")" not in bare:
        found = re.fullmatch(rf"([^<>@]*?) ?<? ?({ADDRESS}) ?>?", bare.strip())
        if found and ":" not in found[1] and "," not in found[1]:
            return found[2], decode_header(found[1].strip().strip('"'))
    return "", decode_header(value)


def _recipients(headers: dict[str, str]) -> tuple[str, ...]:
    names = ("delivered-to", "x-original-to", "envelope-to", "to", "cc")  # where it went, before who else got it
    found = (address for name in names for address in re.findall(ADDRESS, headers.get(name, "")))
    return tuple(dict.fromkeys(found))[:RECIPIENTS]


def _ids(value: str) -> list[str]:
    """The nearest hundred: what was said last stands last."""
    return re.findall(r"<[^<>\s]{1,400}>", re.sub(r"\r?\n[ \t]*", "", clean_text(value)))[-100:]


def _machine(whole: Part, parts: list[Part], sender: str, subject: str) -> str:
    """bounce, auto, list or "" (a person); the headers of RFC 3834 and what mailers do instead."""
    head = whole.headers
    report = str(parameters(head.get("content-type", "")).get("report-type", "")).lower()
    kinds = {part.kind for part in parts}
    daemon = sender.lower().startswith(("mailer-daemon@", "postmaster@"))
    empty_path = head.get("return-path", "").strip() == "<>"
    if report == "delivery-status" or "message/delivery-status" in kinds or "x-failed-recipients" in head:
        return "bounce"
    if sender.lower().startswith("mailer-daemon@") or daemon and (empty_path or "auto-submitted" in head):
        return "bounce"
    if (daemon or empty_path) and BOUNCED.search(subject):
        return "bounce"
    submitted = head.get("auto-submitted", "no").strip().lower()
    precedence = head.get("precedence", "").strip().lower()
    if re.split(r"[;\s]", submitted)[0] != "no" or report or {"x-autoreply", "x-autorespond"} & head.keys():
        return "auto"
    if precedence in ("auto_reply", "junk") or empty_path:
        return "auto"
    # X-Loop is written by forwarders too: what a person says by way of one is read, and never answered by a machine
    return "list" if (LISTED | {"x-loop"}) & head.keys() or precedence in ("bulk", "list") else ""


def _sounds_automatic(subject: str, said: str) -> bool:
    """自動応答 and 不在通知 of mailers that set no header."""
    return bool(AUTO_SUBJECT.search(subject) or len(said) < AUTO_LENGTH and AUTO_TEXT.search(said))


def _report(whole: Part, parts: list[Part]) -> tuple[bool, str]:
    """(failed for good, what the server said) of a delivery report; one without machine-readable part has failed."""
    blocks = [block for part in parts if part.kind == "message/delivery-status" for block in _blocks(part)]
    actions = {block["action"].strip().lower() for block in blocks if "action" in block}
    words = [f"{block.get('status', '')} {block.get('diagnostic-code', '')}" for block in blocks if "action" in block]
    if not actions:
        return True, decode_header(" ".join(_text(whole).split())[:500])
    return "failed" in actions, decode_header(" ".join(" ".join(words).split()))


def _blocks(part: Part) -> list[dict[str, str]]:
    return [headers(block + b"\n") for block in re.split(rb"\r?\n(?:[ \t]*\r?\n)+", part.data) if block.strip()]


OURS = re.compile(rb"<kyoten\.([a-z2-7]{24})@")


def _returned(parts: list[Part], machine: str) -> bytes:
    """What a bounce returns where it is encoded: its headers do not stand in the raw mail."""
    coded = (
        part
        for part in parts
        if part.headers.get("content-transfer-encoding", "").lower() in ("base64", "quoted-printable")
    )
    return b"\n".join(part.data[:TEXT_LIMIT] for part in list(coded)[:20]) if machine == "bounce" else b""


def _tokens(ids: list[str], recipients: tuple[str, ...], text: str, raw: bytes, machine: str) -> tuple[str, ...]:
    found = [match[1] for match in (re.match(rf"<kyoten\.({TOKEN})@", i) for i in ids) if match]
    found += [match[1] for match in (re.search(rf"\+({TOKEN})@", r.lower()) for r in recipients) if match]
    found += re.findall(rf"管理番号[ 　:：]*({TOKEN})", text)[:20]
    if machine == "bounce":  # the mail it returns, whole, in part, or only its headers
        found += [token.decode() for token in OURS.findall(raw)[:20]]
    return tuple(dict.fromkeys(found))


def _forwarded(parts: list[Part]) -> str:
    """Of a mail that is nothing but another one forwarded: what that one says, by whom."""
    if len(parts) != 1 or parts[0].kind not in ("message/rfc822", "message/global"):
        return ""
    inner = tree(parts[0].data)
    said = [(words, decode_header(inner.headers.get(name, ""))) for name, words in FORWARDED_HEADERS]
    lines = [f"{words}：{value}" for words, value in said if value]
    return "\n".join([FORWARDED_TEXT, *lines, "", _text(inner).strip("\n")]) if lines else _text(inner).strip("\n")


def _is_tnef(part: Part) -> bool:
    return part.kind in ("application/ms-tnef", "application/vnd.ms-tnef") or file_name(part).lower() == "winmail.dat"


def _text_of_tnef(rich: Tnef) -> str:
    return rich.text.strip("\n") or _text_of_html(rich.html)


def _from_tnef(found: list[Tnef]) -> Iterator[Enclosed]:
    """Behind all others, whose numbers stay: what winmail.dat holds, which stands there itself too."""
    for name, data in (file for rich in found for file in rich.files):
        yield Enclosed(clean_file_name(name) if name else NO_NAME, "", data)


def _enclosed(whole: Part, parts: list[Part]) -> Iterator[Enclosed]:
    for part in parts:
        if _is_text(part) or part.kind == "message/delivery-status":
            continue
        data = part.data
        if part.kind.startswith("multipart/") and not data.strip():
            continue
        name = file_name(part)
        forwarded = part.kind in ("message/rfc822", "message/global")
        fallback = FORWARDED if forwarded else NO_NAME
        yield Enclosed(clean_file_name(name) if name else fallback, part.kind, data)

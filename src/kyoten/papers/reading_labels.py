"""Finding the labels of a form on a paper somebody filled in by hand."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache

from kyoten.rules.definition import Column, Field, Form, Section

# Other names offices write for the same thing, by the label of the form.
_OTHER_NAMES: dict[str, tuple[str, ...]] = {
    "所属": (
        "所属機関",
        "所属団体",
        "所属機関団体名",
        "所属団体名",
        "所属機関名",
        "所属名",
        "ご所属",
        "機関名",
        "所属先",
    ),
    "部署": ("部署名", "所属部署", "担当部署", "部課名"),
    "氏名": ("お名前", "名前", "代表者氏名", "担当者氏名", "ご氏名"),
    "役職": ("役職名", "職名", "役職等"),
    "職種": ("職種等", "職種名"),
    "住所": ("ご住所", "所在地", "住所地"),
    "電話番号": ("電話", "tel", "ご連絡先電話番号", "連絡先電話番号", "電話番号tel"),
    "email": ("メール", "メールアドレス", "eメール", "電子メール", "電子メールアドレス", "emailアドレス", "mail"),
    "都道府県": ("都道府県名",),
    "応募地域名": ("地域名", "応募する地域名"),
}
_NUMBER_COLUMN = frozenset(("no", "番号", "№", "通し番号", "項番", ""))
_LEAD = re.compile(r"[\s　◼■□◆◇●○◎・▪▶＊*]*(?:[（(]?[0-9０-９①-⑳]{1,2}[)）.．、]?)?[\s　]*")
_ASKS = re.compile(r"記入|記載|ください|下さい")
_GAP = re.compile(r"[\s　]*[:：][\s　]*|[\t　\n]+[\s　]*| {2,}|$")
_ASIDE = re.compile(r"[\s　]*[（(][^（）()]{0,40}[）)]")


def key(text: str) -> str:
    """What is left of a label when width, blanks and punctuation do not count: 「E - m a i l」 → email."""
    return "".join(char for char in unicodedata.normalize("NFKC", text).casefold() if char.isalnum())


def after(text: str, label: str) -> str | None:
    """What follows a label (given as a key) at the start of a text, None if the text does not start with it."""
    for start in {0, _lead(text)}:
        seen = ""
        for at in range(start, len(text)):
            seen += key(text[at])
            if seen == label:
                return text[at + 1 :]
            if not label.startswith(seen):
                break
    return None


def _lead(text: str) -> int:
    found = _LEAD.match(text)
    return found.end() if found else 0


def is_heading_style(text: str) -> bool:
    """Whether a line is written as the form writes its headings: a square in front, or a request to fill in."""
    return text.lstrip().startswith(("◼", "■", "◆", "▪")) or bool(_ASKS.search(text))


@dataclass(frozen=True)
class Target:
    """A place of the form a label leads to: a field, or a section whose fields have labels of their own."""

    section: Section
    field: Field | None

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The keys of its labels, longest first."""
        if self.field is None:
            return ()
        label = key(self.field.label)
        found = {label, key("代表者" + self.field.label), *_OTHER_NAMES.get(label, ())}
        if self.field.kind == "longtext" and self.field.label.endswith("の詳細"):
            found.add("詳細")
        return tuple(sorted(found, key=len, reverse=True))

    @cached_property
    def heading(self) -> str:
        """The key of the section's heading, "" if the heading does not lead here."""
        leads = self.field is None or self.field == self.section.fields[0]
        return key(self.section.title) if leads and heads_a_value(self.section) == (self.field is not None) else ""


def heads_a_value(section: Section) -> bool:
    """Whether the heading itself asks the question: one field, or marks whose details follow below."""
    first, *others = section.fields
    return not others or (first.kind == "marks" and all(field.kind == "longtext" for field in others))


def targets(form: Form) -> Iterator[Target]:
    for section in form.sections:
        if not heads_a_value(section):
            yield Target(section, None)
        yield from (Target(section, field) for field in section.fields if field.print)


@dataclass(frozen=True)
class Match:
    """How surely a line is the label of a target (4 the official heading … 1 hardly), and what follows it."""

    score: int
    rest: str


def match(text: str, target: Target, *, fills_cell: bool, starts_cell: bool, in_cell: bool) -> Match | None:
    """Whether a line of the paper is the label of this target."""
    starts = _starts(text[:200])
    names = [name for name in target.names if starts[0].startswith(name) or starts[1].startswith(name)]
    if not names and not (target.heading and any(start.startswith(target.heading) for start in starts)):
        return None
    if found := _heading(text, target):
        return found
    for name in names:
        rest = after(text, name)
        if rest is None:
            continue
        value = _value_after(rest, target)
        if value is None:
            continue
        if fills_cell and not value:
            return Match(3, "")
        return Match(2 if starts_cell or not in_cell else 1, value)
    return None


@lru_cache(maxsize=64)
def _starts(text: str) -> tuple[str, str]:
    """The key of a line, and without the bullet or number in front: most lines are no label at all."""
    return key(text), key(text[_lead(text) :])


def _heading(text: str, target: Target) -> Match | None:
    if target.heading and (rest := after(text, target.heading)) is not None:
        return Match(4, rest.lstrip("。） 　").strip() if key(rest) else "")
    if target.field is None or not target.heading or len(target.names[-1]) < 4:
        return None
    for name in target.names:
        rest = after(text, name)
        if rest is not None and _ASKS.search(rest) and len(rest) < 80:
            return Match(4, "")  # the heading in other words: 「応募の理由を具体的にご記入下さい」
    return None


def _value_after(rest: str, target: Target) -> str | None:
    """The answer behind a label on the same line ("" for none), None if what follows makes it another word."""
    while found := _ASIDE.match(rest):
        if not rest[found.end() :].strip() or _GAP.match(rest[found.end() :]):
            rest = rest[found.end() :]
        else:
            break
    rest = rest.rstrip()
    if not rest or rest.lstrip().startswith(("※", "（※", "(※")):
        return ""
    if gap := _GAP.match(rest):
        return rest[gap.end() :].strip()
    kind = target.field.kind if target.field else ""
    runs_on = kind in ("phone", "email", "address", "number", "money") and re.match(r"\s*[〒+0-9０-９a-zA-Z]", rest)
    return rest.strip() if runs_on or rest.startswith(" ") else None


def column_of(text: str, columns: Iterable[Column]) -> str | None:
    """The id of the column a header cell names."""
    if len(text) > 60:
        return None
    word = key(_ASIDE.sub("", text)) or key(text)
    for column in columns:
        label = key(column.label)
        if word in (label, *_OTHER_NAMES.get(label, ())):
            return column.id
    return None


def is_number_column(text: str) -> bool:
    return key(text) in _NUMBER_COLUMN


class Wording:
    """The texts the form itself prints: read on a paper, they are nobody's answer."""

    def __init__(self, form: Form) -> None:
        self.texts = [text for text in _printed(form) if text]
        self.keys = frozenset(key(text) for text in self.texts)
        self.headings = [key(section.title) for section in form.sections]
        self.long = [word for word in self.keys if len(word) >= 6]

    def knows(self, text: str) -> bool:
        """Whether a line is the form's own, also when it is only a part of one (a text wrapped by hand)."""
        word = key(text)
        return not word or word in self.keys or (len(word) >= 6 and any(word in whole for whole in self.long))

    def begins_with(self, word: str) -> bool:
        """The first words of a heading, as a cell beside several labels shows them: 代表者."""
        return len(word) >= 3 and any(heading.startswith(word) for heading in self.headings)

    def is_instruction(self, text: str) -> bool:
        """A ※ note of the form. Another ※ line is the answerer's own."""
        return bool(re.match(r"[\s　]*[（(]?※", text)) and self.knows(text)


def _printed(form: Form) -> Iterator[str]:
    yield from (
        form.title,
        form.number,
        form.closing,
        "回答",
        "回答欄",
        "No.",
        "以下余白",
        "郵便番号",
        "様式",
        "ページ",
    )
    yield from form.intro.splitlines()
    for section in form.sections:
        yield section.title
        yield from (section.note, *section.note.splitlines())
        for field in section.fields:
            yield from (field.label, field.help, *field.help.splitlines())
            yield from (column.label for column in field.columns)
            yield "円" if field.kind == "money" else ""
            for place, option in enumerate(field.options, 1):
                yield from (option.label, f"{option.value} {option.label}", f"{place} {option.label}")

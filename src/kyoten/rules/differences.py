"""What changed from one definition to another, in the words of an officer: 「申込締切が…から…に変わりました」."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from fractions import Fraction
from typing import Any

from kyoten.rules.definition import (
    Column,
    Definition,
    Document,
    Field,
    GuideSection,
    Meeting,
    Option,
    Part,
    RuleBase,
    Section,
    Use,
)
from kyoten.rules.eligibility import KIND_LABELS
from kyoten.rules.wareki import fiscal_year_name, wareki, wareki_moment

LONG = 40  # characters: longer texts are shown one under the other
_HIDDEN = (
    "call",
    "form",
    "documents",
    "rules",
    "sections",
    "fields",
    "columns",
    "options",
    "meetings",
    "uses",
    "guide",
    "body",
    "at",
)
_KINDS = {
    "text": "一行の文字",
    "longtext": "文章",
    "choice": "一つを選ぶ",
    "marks": "該当に○（複数可）",
    "number": "数",
    "date": "日付",
    "money": "金額（円）",
    "email": "メールアドレス",
    "phone": "電話番号",
    "address": "住所",
    "table": "表",
}
_WORDS: Mapping[str, Mapping[str, str]] = {
    "level": {"stop": "必須（止める）", "warn": "注意"},
    "step": {"apply": "申込", "bundle": "とりまとめ", "screening": "選定の要件確認"},
    "route": {"prefecture": "都道府県経由", "direct": "直接"},
    "means": {"not_applicable": "該当なしとみなす", "must_answer": "すべての機関の回答が要る"},
    "on_closed_day": {"keep": "そのまま", "next": "翌開庁日", "previous": "直前の開庁日"},
    "field_kind": _KINDS,
    "invites": {str(kind): label for kind, label in KIND_LABELS.items()},
    "reference": {str(kind): label for kind, label in KIND_LABELS.items()},
    "kinds": {str(kind): label for kind, label in KIND_LABELS.items()},
}


@dataclass(frozen=True)
class Difference:
    """One change. `before` is None for what was added, `after` for what was taken away."""

    subject: str
    before: str | None
    after: str | None

    def __str__(self) -> str:
        if self.before is None:
            return f"{self.subject}が加わりました。" + (f"（{self.after}）" if self.after else "")
        if self.after is None:
            return f"{self.subject}がなくなりました。" + (f"（{self.before}）" if self.before else "")
        if max(len(self.before), len(self.after)) > LONG or "\n" in self.before + self.after:
            return f"{self.subject}が変わりました。\n  前: {self.before}\n  後: {self.after}"
        return f"{self.subject}が{self.before or '（空）'}から{self.after or '（空）'}に変わりました。"


def differences(old: Definition, new: Definition) -> tuple[Difference, ...]:
    """Every difference between two definitions, in the order of the file."""
    return tuple(_parts("", old, new))


def _parts(subject: str, old: Part, new: Part) -> Iterator[Difference]:
    for key, field in type(new).model_fields.items():
        before, after = getattr(old, key), getattr(new, key)
        if before != after:
            label = "" if key in _HIDDEN else _label(field.description or key)
            above = "" if key == "fields" else subject  # an item of the form is named without its section
            yield from _values(_join(above, label), key, before, after)


def _join(subject: str, label: str) -> str:
    return f"{subject}の{label}" if subject and label else subject or label


def _label(description: str) -> str:
    """The first words of a key's description: 「最終日（この日を含む）」 → 「最終日」."""
    return description.split("（")[0].split("。")[0]


def _values(subject: str, key: str, before: Any, after: Any) -> Iterator[Difference]:
    if isinstance(before, Part) and isinstance(after, Part):
        if type(before) is type(after):
            yield from _parts(subject, before, after)
        else:
            yield Difference(subject, _brief(before), _brief(after))
    elif isinstance(before, Part) or isinstance(after, Part):
        yield Difference(subject or _TOP[key], before and "", after and "")
    elif _is_parts(before) or _is_parts(after):
        yield from _lists(subject, before, after)
    else:
        yield Difference(subject, say(key, before), say(key, after))


_TOP = {"call": "公募", "form": "申込書の様式"}


def _is_parts(value: Any) -> bool:
    return isinstance(value, tuple) and any(isinstance(each, Part) for each in value)


# ---- lists ------------------------------------------------------------------------------------


def _lists(subject: str, before: Sequence[Any], after: Sequence[Any]) -> Iterator[Difference]:
    old, new = _keyed(before), _keyed(after)
    homes = {getattr(each, "was", "") or key: key for key, each in new.items()}  # a rename says `was`
    pairs = {homes.get(key, key): each for key, each in old.items()}
    for key, each in pairs.items():
        if key in new:
            yield from _values(_join(subject, _name(new[key])), "", each, new[key]) if each != new[key] else ()
        else:
            yield Difference(_join(subject, _name(each)), _contents(each), None)
    for key, each in new.items():
        if key not in pairs:
            yield Difference(_join(subject, _name(each)), None, _contents(each))
    kept = [key for key in pairs if key in new]
    if kept != [key for key in new if key in pairs]:
        yield Difference(_join(subject, "並び順"), "これまで", "新しい順")


def _keyed(parts: Sequence[Any]) -> dict[Any, Any]:
    """By id, number or value; parts without one by their place."""
    return {_key(part, place): part for place, part in enumerate(parts)}


def _key(part: Any, place: int) -> Any:
    return next((getattr(part, name) for name in ("id", "no", "value") if hasattr(part, name)), place)


def _name(part: Part) -> str:
    match part:
        case RuleBase():
            return f"応募要件「{_cut(part.text)}」"
        case Section():
            return f"様式の区分「{_cut(part.title)}」"
        case Field():
            return f"様式の項目「{part.label}」"
        case Column():
            return f"列「{part.label}」"
        case Option() | Use():
            return f"{_label(type(part).__doc__ or '')}「{part.label}」"
        case Document():
            return f"文書「{part.label}」"
        case GuideSection():
            return f"公募要領「{part.no} {part.title}」"
        case Meeting():
            return f"会議の第{part.no}回"
        case _:
            return f"「{_brief(part)}」" if _said(part) else ""


def _brief(part: Part) -> str:
    """A part in a few words: its text, its caption, or what it is."""
    return _cut(_said(part) or _label(type(part).__doc__ or ""))


def _said(part: Part) -> str:
    return next((getattr(part, key) for key in ("text", "caption", "label", "title") if getattr(part, key, "")), "")


def _contents(part: Part) -> str:
    """What a part without a name holds: 「月、火、9時、17時」. Others are told by their name."""
    return "" if _name(part) else "、".join(say(key, getattr(part, key)) for key in type(part).model_fields)


def _cut(text: str) -> str:
    return text if len(text) <= 30 else f"{text[:30]}…"


# ---- values -----------------------------------------------------------------------------------


def say(key: str, value: Any) -> str:
    """A value of a definition in words."""
    match value:
        case None:
            return "（なし）"
        case bool():
            return "「はい」" if value else "「いいえ」"
        case datetime():
            return wareki_moment(value)
        case date():
            return wareki(value, with_weekday=True)
        case time():
            return f"{value.hour}時" + (f"{value.minute}分" if value.minute else "")
        case Fraction():
            return f"{value.denominator}分の{value.numerator}"
        case (int(month), int(day)) if key in ("starts", "ends", "date"):
            return f"{month}月{day}日"
        case tuple():
            return "、".join(say(key, each) for each in value)
        case str():
            return _WORDS.get(key, {}).get(value) or (f"「{value}」" if value else "")
        case int() if key == "fiscal_year":
            return fiscal_year_name(value)
        case _:
            return str(value)

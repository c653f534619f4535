"""From lines written by hand to the value of one field. What is no part of the value comes back as left over."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from kyoten.papers.reading_labels import key
from kyoten.papers.reading_lines import Line
from kyoten.rules.definition import Field, Option
from kyoten.rules.text import narrow

CIRCLES = "○◯〇◎⭕✓✔☑✅☒レ"
SQUARES = "●■◼"  # a mark where some are □, a bullet where others are ○
_EMPTY_BOXES = "□☐◻"
_BULLETS = "・･·•▪□☐◻‐-"
_DECORATION = re.compile(rf"[\s　\x1f（）()［］\[\]【】{CIRCLES}{SQUARES}{re.escape(_BULLETS)}]")
_NUMBERING = re.compile(r"[0-9０-９①-⑳]{1,2}[.．)）、]?")
_NUMBERED = re.compile(r"[0-9０-９①-⑳❶-❿]{1,2}[.．)）、:：]?[\s　]*$")
_CIRCLED = {chr(0x2460 + n): str(n + 1) for n in range(20)} | {chr(0x2776 + n): str(n + 1) for n in range(10)}
_POSTAL = re.compile(r"[〒\s]*(\d{3})\s*-?\s*(\d{4})(?!\d)\s*")
_COUNTERS = "[人名件回台床歳年日月%]|[かカヶケ箇ヵ]所|時間"
_HYPHENS = str.maketrans("‐‑‒–—―−ー－ｰ─", "-----------")


@dataclass
class Value:
    """What was read: the raw value, lines that are no part of it, and doubts in Japanese."""

    raw: Any
    left: list[Line] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)


def written(lines: Sequence[Line]) -> str:
    return "\n".join(line.text for line in lines).strip("\n")


# ---- one line ---------------------------------------------------------------------------------


def plain(target: Field, rest: str, lines: list[Line]) -> Value:
    """text, email, phone, number, money, date"""
    fax = [
        line for line in lines if target.kind == "phone" and re.match(r"\s*(fax|ファックス)", narrow(line.text), re.I)
    ]
    texts = [rest.strip(), *(line.text.strip() for line in lines if line not in fax)]
    text = "\n".join(text for text in texts if text)
    if target.kind == "phone":
        text = re.sub(r"^(tel|電話(番号)?)\s*[.:：]?\s*", "", narrow(text), flags=re.I)
    elif target.kind == "number":
        text = re.sub(rf"^([\d,]+)\s*({_COUNTERS})$", r"\1", narrow(text))
    return Value(text, fax)


def address(rest: str, lines: list[Line]) -> Value:
    """「〒２７１－８５８８ 千葉県…」 in one line or several. A number is a postal code only at the start or behind 〒."""
    texts = [text.strip() for text in (rest, *(line.text for line in lines)) if text.strip(" 　\t〒")]
    whole = "\n".join(texts)
    head = unicodedata.normalize("NFKC", whole[:24]).translate(_HYPHENS)
    found = _POSTAL.match(head)
    if not found:
        return Value({"postal": "", "text": whole.strip(" 　〒\n")})
    seventh = [at for at, char in enumerate(whole) if char.isdigit()][6]  # the same place in the text as written
    return Value({"postal": f"{found[1]}-{found[2]}", "text": whole[seventh + 1 :].strip()})


# ---- one of several ---------------------------------------------------------------------------


def choice(target: Field, rest: str, lines: list[Line]) -> Value:
    """The number in the 回答 cell, or the option that is marked, or the only one left standing."""
    groups = [rest] if rest.strip() else []
    groups += ["\n".join(line.text for line in group) for _, group in groupby(lines, key=lambda line: id(line.cell))]
    texts = [re.sub(r"^\s*回\s*答\s*欄?\s*[:：]?", "", group).strip() for group in groups]
    answers, listed = _without_the_list([text for text in texts if key(text) or is_marked(text)], target.options)
    beside = [rest for text in listed if key(rest := _beside_options(text, target.options))]
    listed += _joined_rows(lines, target.options) if not listed else []
    chosen = list(dict.fromkeys(value for text in answers if (value := _option(text, target.options))))
    strange = [text for text in answers if not _option(text, target.options)]
    if not chosen and not strange:
        chosen = list(_marked(listed, target.options))
    if len(chosen) == 1:
        return Value(chosen[0], doubts=[f"「{text}」は回答に含めませんでした。" for text in (*strange, *beside)])
    if chosen:
        return Value("", doubts=["二つ以上が選ばれているため、どれか決められませんでした。"])
    return Value(" ".join(strange), doubts=[f"「{text}」は回答に含めませんでした。" for text in beside])


def _without_the_list(texts: list[str], options: Sequence[Option]) -> tuple[list[str], list[str]]:
    """Answers apart from the printed list of options, which stands in one cell or with a cell for each."""
    listed = [text for text in texts if len(_options_in(text, options)) > 1]
    answers = [text for text in texts if text not in listed]
    whole = [text for text in answers if not is_marked(text) and any(key(text).endswith(key(o.label)) for o in options)]
    printed = {value: text for text in reversed(whole) if (value := _option(text, options))}
    if len(printed) > 1:
        for text in printed.values():
            answers.remove(text)  # once: an option that stands there twice was written in as the answer
    return answers, listed


def option_of(text: str, options: Sequence[Option]) -> str:
    """The option a text names: its value, its number, its label, or number and label. The text itself if none."""
    return _option(text, options) or text


def _option(text: str, options: Sequence[Option]) -> str:
    word = key("".join(_CIRCLED.get(char, char) for char in text if char not in CIRCLES + SQUARES))
    for place, option in enumerate(options, 1):
        number = option.value if option.value.isdecimal() else str(place)
        label = key(option.label)
        if word and word in (key(option.value), label, number, number + label, f"{number}番"):
            return option.value
    return ""


def _options_in(text: str, options: Sequence[Option]) -> list[tuple[int, int, Option]]:
    """Where options stand in a text (from, to), the longest label first: one may begin with another."""
    letters = [(char, at) for at, raw in enumerate(text) for char in key(raw)]
    word = "".join(char for char, _ in letters)
    taken: list[tuple[int, int, Option]] = []
    for option in sorted(options, key=lambda option: -len(key(option.label))):
        label = key(option.label)
        start = word.find(label)
        while start >= 0 and any(start < b and a < start + len(label) for a, b, _ in taken):
            start = word.find(label, start + 1)
        if start >= 0:
            taken.append((start, start + len(label), option))
    return sorted((letters[a][1], letters[b - 1][1] + 1, option) for a, b, option in taken)


def _beside_options(text: str, options: Sequence[Option]) -> str:
    """What a printed list says besides its options and their numbers."""
    rest, end = "", 0
    for start, stop, _ in _options_in(text, options):
        rest += f"{_NUMBERED.sub('', text[end:start])} "
        end = stop
    return _rest(rest + text[end:])


def _marked(texts: Sequence[str], options: Sequence[Option]) -> Iterator[str]:
    """Options of a printed list with a mark beside them, or whose number alone is circled."""
    for text in texts:
        items = [item for item in _items(text.replace("\n", "\x1f"), options) or () if item.has(CIRCLES + SQUARES)]
        yield from dict.fromkeys(item.option.value for item in items)
        circled = [(char, number) for char, number in _CIRCLED.items() if char in text]
        if not items and len(circled) == 1 and len(options) > 1:
            yield _option(circled[0][1], options)


def _joined_rows(lines: Sequence[Line], options: Sequence[Option]) -> list[str]:
    """The options of a list with a cell each, and a cell beside them for the mark."""
    texts = [text for text, _ in _rows(lines)]
    return ["\x1f".join(texts)] if len(_options_in("\x1f".join(texts), options)) > 1 else []


# ---- several of several -----------------------------------------------------------------------


@dataclass
class _Item:
    option: Option
    before: str
    after: str

    def has(self, marks: str) -> bool:
        return any(char in marks for char in self.before + self.after)

    @property
    def remark(self) -> str:
        """What somebody wrote behind 「その他」."""
        return self.after.strip(" 　\x1f" + CIRCLES + _BULLETS) if _rest(self.after) else ""


def marks(target: Field, lines: list[Line]) -> Value:
    """The items with a mark in front, behind or in the cell beside. Other lines are left over (the details)."""
    found: dict[str, _Item] = {}
    left: list[Line] = []
    for text, group in _rows(lines):
        items = _items(text, target.options)
        if items and not any(item.option.value in found for item in items):
            found |= {item.option.value: item for item in items}
        else:
            left += group
    _share_by_style(list(found.values()))
    boxes = any(item.has(_EMPTY_BOXES) for item in found.values())
    circles = any(item.has(CIRCLES) for item in found.values())
    kinds = CIRCLES if circles and not boxes else CIRCLES + SQUARES
    chosen = [option.value for option in target.options if option.value in found and found[option.value].has(kinds)]
    value = Value(chosen, left)
    if not found:
        value.doubts.append("印を付ける項目が見つかりませんでした。")
    elif len(chosen) == len(target.options) and len(chosen) > 1:
        value.doubts.append("すべての項目に印があります。")
    for item in reversed([item for item in found.values() if item.remark]):
        first = lines[0]
        left.insert(0, Line(f"{item.option.label}{item.remark}", first.where, first.number))
    return value


def is_marked(text: str) -> bool:
    return any(char in CIRCLES + SQUARES for char in text)


def _rows(lines: Sequence[Line]) -> Iterator[tuple[str, list[Line]]]:
    """Line by line; the cells of a table row of several cells together, since the mark may have its own."""
    for _, group in groupby(lines, key=lambda line: id(line.row if line.row and len(line.row.cells) > 1 else line)):
        row = list(group)
        yield "\x1f".join(line.text for line in row), row


def _items(text: str, options: Sequence[Option]) -> list[_Item]:
    """The items of one line with what stands around each; none if the line says more than items and marks."""
    places = [
        place for place in _options_in(text, options) if len(key(place[2].label)) > 3 or _stands_alone(text, *place[:2])
    ]
    items, end = [], 0
    for number, (start, stop, option) in enumerate(places):
        following = places[number + 1][0] if number + 1 < len(places) else len(text)
        cut = _cut(text[stop:following]) if number + 1 < len(places) else following - stop
        items.append(_Item(option, text[end:start], text[stop : stop + cut]))
        end = stop + cut
    return items if all(_is_item(item) for item in items) else []


def _stands_alone(text: str, start: int, stop: int) -> bool:
    before, behind = text[:start].rstrip(" 　")[-1:], text[stop:].lstrip(" 　")[:1]
    return not (before.isalnum() and before not in CIRCLES) and not (behind.isalnum() and behind not in CIRCLES)


def _cut(gap: str) -> int:
    """Where in the gap between two items the second begins: at its bullet, with a mark that touches the bullet."""
    bullets = [at for at, char in enumerate(gap) if char in _BULLETS + "\x1f"]
    if not bullets:
        return 0
    at = bullets[-1]
    return at - 1 if at > 1 and gap[at - 1] in CIRCLES and gap[at - 2] in " 　\t" else at


def _is_item(item: _Item) -> bool:
    behind = _rest(item.after)
    remark = key(item.option.label) == "その他" and item.after.lstrip(" 　" + CIRCLES)[:1] in "（(：:「"
    return not _rest(_NUMBERING.sub("", item.before)) and (not behind or remark)


def _rest(text: str) -> str:
    return _DECORATION.sub("", text)


def _share_by_style(items: list[_Item]) -> None:
    """Two items on a line without a bullet between them: whose is the mark? As in the other lines."""
    behind = any(item.has(CIRCLES) for item in items if not item.before.strip() and item.after.strip())
    ahead = any(char in CIRCLES for item in items[:1] for char in item.before)
    if not behind or ahead:
        return
    for item, following in zip(items, items[1:], strict=False):
        if not any(char in _BULLETS for char in following.before) and not item.after:
            item.after, following.before = following.before, ""

"""What two spellings have in common when somebody searches, and the way back to the spelling that stands in the text.

Searching compares normalised texts: NFKC (full width = half width, half-width kana joined with their marks), case folded,
ヶ = ケ, hyphens and wave dashes alike, invisible marks left out, and a line broken inside Japanese text put together
again, because mail programs break 看取り wherever the line ends.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Hashable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple, TypeVar

Named = TypeVar("Named", bound=Hashable)

# Controls, halves of characters, and what is invisible: soft hyphen, joiners, direction marks, variation selectors.
_DROPPED = re.compile(
    "[\x00-\x08\r\x0e-\x1f\x7f-\x84\x86-\x9f\xad\u034f\u061c\u180b-\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\ufe00-\ufe0f\ufeff\ufffe\uffff\ud800-\udfff\U000e0000-\U000e0fff]+"
)
# The last three pairs: two tables of the same JIS X 0208 give different characters for one and the same code.
_SAME = (
    ("ヶ", "ケ"),
    ("ヵ", "カ"),
    ("‐", "-"),
    ("‒", "-"),
    ("–", "-"),
    ("−", "-"),
    ("〜", "~"),
    ("—", "―"),
    ("‖", "∥"),
)
_WIDE = "\u3001\u3002\u3005-\u3007\u3041-\u30ff\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003ffff"
_WRAPPED = re.compile(rf"\n(?<=[{_WIDE}]\n)(?=[{_WIDE}])")


class Snippet(NamedTuple):
    """A hit with what stands around it, exactly as in the original text."""

    before: str
    hit: str
    after: str


def normalise(text: str) -> str:
    """The text as it is compared. Blanks and line breaks between sentences stay."""
    return _WRAPPED.sub("", _fold(_DROPPED.sub("", text)))


def _fold(text: str) -> str:
    folded = unicodedata.normalize("NFKC", text).casefold()
    for one, other in _SAME:  # one after the other: most texts have none, and looking for one is quick
        folded = folded.replace(one, other)
    return folded if unicodedata.is_normalized("NFKC", folded) else unicodedata.normalize("NFKC", folded)


def words(query: str) -> tuple[str, ...]:
    """The normalised words that must all occur, longest first. One inside another says nothing new and is left out."""
    found: list[str] = []
    for word in sorted(set(_fold(_DROPPED.sub("", query)).split()), key=lambda word: (-len(word), word)):
        if not any(word in longer for longer in found):
            found.append(word)
    return tuple(found)


def snippet(original: str, query: str, width: int = 40) -> Snippet | None:
    """The first hit of any of the words, with up to `width` characters on either side; None where nothing hits."""
    found = snippets(original, query, width)
    return found[0] if found else None


def snippets(original: str, query: str, width: int = 40) -> list[Snippet]:
    """The first hit of every word, in the order of the text; one already shown beside another is not repeated."""
    places = _places(original, words(query))
    shown, end = [], -1
    for start, stop in sorted(set(places)):
        if stop > end:
            end = stop + width
            shown.append(Snippet(original[max(0, start - width) : start], original[start:stop], original[stop:end]))
    return shown


def _places(original: str, wanted: Sequence[str]) -> list[tuple[int, int]]:
    """Where in the original the first hit of every word begins and ends."""
    literal = [_literal(original, word) for word in wanted]
    if all(literal):
        return [place for place in literal if place]
    text = normalise(original)
    hits = [(at, at + len(word)) for word in wanted if (at := text.find(word)) >= 0]
    if not hits:
        return []
    # Nearly always one character stands for one: then the hit is where it was found.
    if len(text) == len(original) and all(normalise(original[start:stop]) == text[start:stop] for start, stop in hits):
        return hits
    origins = _origins(original)
    return [(origins[start][0], origins[stop - 1][1]) for start, stop in hits]


def _literal(original: str, word: str) -> tuple[int, int] | None:
    """The place of a word that is spelt in the original as it is compared, and that no other spelling of it precedes:
    nearly always so, and the text behind it need not be looked at. None where that cannot be told."""
    start = original.find(word)
    stop = start + len(word)
    if start < 0 or _joins(original[start]) or (stop < len(original) and _joins(original[stop])):
        return None
    text = normalise(original[:stop])
    return (start, stop) if text.find(word) == len(text) - len(word) else None


def _origins(original: str) -> list[tuple[int, int]]:
    """For every character of the normalised text, the part of the original it comes from."""
    pieces = [(_folded(original[start:stop]), (start, stop)) for start, stop in _clusters(original)]
    origins = [origin for piece, origin in pieces for _ in piece]
    joined = "".join(piece for piece, _ in pieces)
    for match in reversed(list(_WRAPPED.finditer(joined))):
        del origins[match.start()]
    return origins


def _clusters(text: str) -> Iterator[tuple[int, int]]:
    """(start, end) of the parts that normalise independently: a character and the marks that join it."""
    starts = [at for at, character in enumerate(text) if at == 0 or not _joins(character)]
    return zip(starts, [*starts[1:], len(text)], strict=False)


@lru_cache(maxsize=4096)
def _folded(cluster: str) -> str:
    return _fold(_DROPPED.sub("", cluster))


@lru_cache(maxsize=4096)
def _joins(character: str) -> bool:
    """Whether it may become one with the character before it."""
    if _DROPPED.match(character):
        return True
    first = unicodedata.normalize("NFKD", character)[0]
    return unicodedata.category(first)[0] == "M" or "\u1160" <= first <= "\u11ff"  # jamo of a Korean syllable


def only_named(text: str, names: Mapping[Named, str]) -> Named | None:
    """Whose name stands in the text, where it is one alone. Two of the same name, or two names, are no one; a name inside
    a longer one (津市 in 大津市) does not count."""
    owners: dict[str, list[Named]] = {}
    for owner, name in names.items():
        owners.setdefault(normalise(name), []).append(owner)
    longest_first = sorted(filter(None, owners), key=len, reverse=True)
    found = set(re.findall("|".join(map(re.escape, longest_first)), normalise(text))) if longest_first else set()
    named = owners[found.pop()] if len(found) == 1 else []
    return named[0] if len(named) == 1 else None

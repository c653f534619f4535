"""The one cleaning function for text that crosses a border: forms, mail, files, pasted tables."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_BREAK = r"\r\v\f\x85\u2028\u2029"  # \v is Word's line break inside a paragraph
# Everything XML 1.0 (and so docx and xlsx) or PostgreSQL refuses, and marks that make the text on
# screen differ from the text stored (direction overrides). Variation selectors stay: names need them.
_UNWANTED = r"\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff"
_HALF = r"\ud800-\udfff"  # halves of characters beyond U+FFFF
_ODD = re.compile(f"[{_BREAK}{_UNWANTED}{_HALF}]")
_BREAKS, _MARKS = re.compile(f"\r\n|[{_BREAK}]"), re.compile(f"[{_UNWANTED}]")


def clean(text: str) -> str:
    """Text that every database, paper and screen accepts. Letters are never replaced by look-alikes (髙 stays 髙)."""
    if not _ODD.search(text):
        return text  # nearly always
    joined = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "ignore")  # half characters go
    return _MARKS.sub("", _BREAKS.sub("\n", joined))


def clean_line(text: str) -> str:
    """Cleaned text on one line, without space at the ends."""
    return re.sub(r"\s*\n\s*|\t", " ", clean(text)).strip()


def without_reading(name: str) -> str:
    """A name to write to, without the ふりがな that somebody put behind it: 「山下 結衣（やました ゆい）」."""
    return re.sub(r"[\s　]*[（(][ぁ-ゖァ-ヺーｦ-ﾟ・\s　]+[）)]$", "", name.rstrip())


def narrow(text: str) -> str:
    """For codes, numbers and addresses only, never for names: full-width letters and digits made half-width."""
    return unicodedata.normalize("NFKC", clean(text)).strip()


@lru_cache(maxsize=4096)  # a list judges the same few professions and groups on every row
def same_words(text: str) -> str:
    """The key under which two spellings count as one (鎌ヶ谷 = 鎌ケ谷, full width = half width, spaces aside)."""
    return re.sub(r"\s", "", narrow(text)).replace("ヶ", "ケ").replace("ヵ", "カ").casefold()

"""One spelling for search: 鎌ヶ谷 finds 鎌ケ谷, and かまがや finds both."""

import jaconv

from kyoten.rules.text import narrow

SMALL_TO_LARGE = str.maketrans("ヶヵ", "ケカ")


def search_key(*parts: str) -> str:
    """The parts as one searchable line: half-width, katakana, ヶ → ケ, lower case, runs of spaces as one."""
    text = narrow(" ".join(part for part in parts if part))
    return " ".join(jaconv.hira2kata(text).translate(SMALL_TO_LARGE).lower().split())

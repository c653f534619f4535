"""Links in a mail that are a key: whoever holds one acts in the recipient's name."""

from __future__ import annotations

import re

from django.conf import settings

HIDDEN = "（受け取る方だけが使うリンクのため表示しません）"
TOKEN = re.compile(r"/[^/?#]{24,}")  # a signed token; the paths of pages are shorter


def without_keys(text: str) -> str:
    """The text for other eyes than the recipient's: links of ours that carry a token are left out."""
    ours = re.compile(re.escape(settings.BASE_URL) + "[!-~]*")
    return ours.sub(lambda link: HIDDEN if TOKEN.search(link[0].removeprefix(settings.BASE_URL)) else link[0], text)

"""What a person wrote in an answer, without the mail it quotes. The whole text stays beside it."""

from __future__ import annotations

import re

# From here on everything is the mail that was answered.
CUTS = [
    re.compile(
        r"^\s*-{3,}\s*(original message|original appointment|元のメッセージ|元のメール|forwarded message|転送)", re.I
    ),
    re.compile(r"^\s*管理番号[ 　:：]*[a-z2-7]{24}"),
]
# A line of this kind opens a quotation only when a second header line follows soon (Outlook).
HEADERS = re.compile(r"^[\s*]*(from|sent|to|subject|date|差出人|送信者|送信日時|日時|宛先|件名)[\s*]*[:：]", re.I)
# 「2025年7月24日(木) 16:00 松戸市 <a@b>:」 and 「On …, … wrote:」, also broken over two lines
ATTRIBUTION = [
    re.compile(r"^\s*(on\b.{5,200}\bwrote|.{5,200}(さん|様)?(は|が)?書きました|.{5,200}のメール)\s*[:：]\s*$", re.I),
    re.compile(r"^\s*\d{4}\s*[年/-]\s*\d{1,2}\s*[月/-]\s*\d{1,2}.{0,200}[:：]\s*$"),
]
RULE = re.compile(r"^\s*_{10,}\s*$")


def reply_text(text: str) -> str:
    """The answer itself: quoted lines, attributions and everything behind 「元のメッセージ」 removed."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    headers = [HEADERS.match(line) is not None for line in lines]
    kept: list[str] = []
    for n, line in enumerate(lines):
        if _cuts(lines, headers, n):
            break
        if not line.lstrip().startswith((">", "＞")) and not _attribution(lines, n):
            kept.append(line.rstrip())
    return re.sub(r"\n{3,}", "\n\n", "\n".join(kept)).removesuffix("\n--").strip()


def _cuts(lines: list[str], headers: list[bool], n: int) -> bool:
    line = lines[n]
    # The words first: an expression for every line of every mail takes longer than all the rest of reading it.
    if ("---" in line or "管理番号" in line) and any(cut.search(line) for cut in CUTS):
        return True
    start = n + 1 if "__________" in line and RULE.match(line) else n
    return start < len(lines) and headers[start] and sum(headers[start : start + 4]) >= 2


def _attribution(lines: list[str], n: int) -> bool:
    """Only directly above quoted lines: a sentence that merely ends in a colon stays."""
    if not lines[n].rstrip().endswith((":", "：")):
        return False
    follows = next((line for line in lines[n + 1 : n + 4] if line.strip()), "")
    quoted = follows.lstrip().startswith((">", "＞"))
    return quoted and any(pattern.match(lines[n]) for pattern in ATTRIBUTION)

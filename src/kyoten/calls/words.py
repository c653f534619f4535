"""How moments are said in refusals and on papers."""

from __future__ import annotations

from datetime import datetime

from kyoten.rules.clock import local
from kyoten.rules.wareki import wareki


def precise(at: datetime) -> str:
    """「令和7年7月31日（木）23時59分59.999999秒」: a refusal shows both times, so no one has to guess."""
    at = local(at)
    seconds = f"{at.second:02d}.{at.microsecond:06d}".rstrip("0").rstrip(".")
    return f"{wareki(at.date(), with_weekday=True)}{at.hour}時{at.minute:02d}分{seconds}秒"

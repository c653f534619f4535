"""How moments are said in refusals and on papers."""

from __future__ import annotations

from datetime import datetime

from kyoten.rules.clock import END_OF_DAY, local
from kyoten.rules.wareki import wareki


def precise(at: datetime) -> str:
    """「令和7年8月1日（金）0時00分00.000001秒」: a refusal shows both times, so no one has to guess.

    The last microsecond of a day, where a deadline that is a bare date ends, is said as 23時59分59秒: whatever arrived
    within that second is in time.
    """
    at = local(at)
    if at.time() == END_OF_DAY:
        at = at.replace(microsecond=0)
    seconds = f"{at.second:02d}.{at.microsecond:06d}".rstrip("0").rstrip(".")
    return f"{wareki(at.date(), with_weekday=True)}{at.hour}時{at.minute:02d}分{seconds}秒"


def to_the_minute(at: datetime) -> str:
    """「令和7年7月14日（月）10時00分」, for mails."""
    at = local(at)
    return f"{wareki(at.date(), with_weekday=True)}{at.hour}時{at.minute:02d}分"

"""Where a call or an application stands, for the stepper on top of its page."""

from __future__ import annotations

from datetime import datetime, timedelta

from kyoten.calls.models import Application, Call
from kyoten.rules.clock import local

Step = dict[str, str]


def result_due(call: Call) -> datetime:
    return call.deadline + timedelta(days=call.definition.call.result.within_days)


def _day(at: datetime) -> str:
    at = local(at)
    return f"{at.month}月{at.day}日"


def _stepped(titles: list[tuple[str, str]], current: int) -> list[Step]:
    """`current` is the place of the step being worked on; beyond the end, all are done."""
    states = ["done" if n < current else "now" if n == current else "todo" for n in range(len(titles))]
    return [{"title": t, "note": note, "state": state} for (t, note), state in zip(titles, states, strict=True)]


def steps_of_call(call: Call, at: datetime) -> list[Step]:
    titles = [
        ("公募の開始", _day(call.opened_at)),
        ("管内への照会と申込み", "都道府県・市町村"),
        ("とりまとめ", f"都道府県　{_day(call.deadline)}まで"),
        ("選定", call.organiser.organisation.name),
        ("結果の通知", f"{_day(result_due(call))}ごろ" if not call.announced_at else _day(call.announced_at)),
    ]
    current = 5 if call.announced_at else 3 if at > call.deadline else 1
    return _stepped(titles, current)


def steps_of_application(application: Application, *, announced: bool) -> list[Step]:
    call = application.call
    handed_in = application.submitted_at and application.state != "returned"  # 補正依頼中 it is to be handed in again
    titles = [
        ("公募の開始", _day(call.opened_at)),
        ("申込書の作成", application.applicant.name),
        ("県へ提出", _day(application.submitted_at) if handed_in else ""),
        ("とりまとめ", f"{application.prefecture}　{_day(call.deadline)}まで"),
        ("選定", "事務局"),
        ("結果の通知", f"{_day(result_due(call))}ごろ" if not call.announced_at else _day(call.announced_at)),
    ]
    current = {"draft": 1, "returned": 1, "submitted": 3, "forwarded": 4, "withdrawn": 0}[application.state]
    return _stepped(titles, 6 if announced else current)

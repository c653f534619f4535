"""締切の改訂: a new revision of the definition moved the deadline; everyone the call went to is told."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from kyoten.calls.actions.applying import hold_call
from kyoten.calls.models import Call
from kyoten.calls.words import precise
from kyoten.inquiries.actions import set_due
from kyoten.organisations.models import Seat
from kyoten.records.actions import record
from kyoten.records.models import Refused


def moved(call: Call) -> bool:
    """Does the definition in force name another deadline than the one that was sent out?"""
    return call.announced_at is None and call.inquiry.due != call.deadline


@transaction.atomic
def tell_deadline(call: Call, reason: str, *, by: Seat, at: datetime) -> None:
    """締切の変更の通知: the new date goes to every prefecture and association; dates set below stay their askers' own."""
    if call.organiser.organisation_id != by.section.organisation_id or not by.may_act:
        raise Refused("締切の変更を通知できるのは、事務局の担当だけです。")
    call = hold_call(call.pk)
    if not moved(call):
        raise Refused("通知した締切と定義の締切は同じです。締切を変えるときは、先に事業設定で定義を改訂してください。")
    if not reason.strip():
        raise Refused("変更の理由を書いてください（相手への通知に載ります）。")
    set_due(call.inquiry, call.deadline, reason, by=by, at=at)
    record("tell_deadline", f"申込締切を{precise(call.deadline)}に変更し、通知", kind="call", record_id=call.pk,
           by=by.actor(), at=at, facts={"deadline": call.deadline.isoformat()}, note=reason.strip())  # fmt: skip

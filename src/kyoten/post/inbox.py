"""Reading what came in: guarded, one mail at a time; whatever goes wrong with one is a visible item, never a stop."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime

from django.db import transaction
from django.db.models import F

from kyoten.post.models import InboundMail, OutboundMail
from kyoten.post.parse import Enclosed, Parsed, parse

log = logging.getLogger(__name__)

TRIES = 3
UNREADABLE = "このメールは自動では読み取れませんでした。原本を開いて内容を確認してください。"
UNKNOWN_CASE = "どの案件への返信か分かりませんでした。内容を確認し、該当する案件で処理してください。"
UNKNOWN_BOUNCE = "不達通知ですが、どのメールが届かなかったのか分かりませんでした。内容を確認してください。"


def read_new(at: datetime, *, limit: int = 200, stop: Callable[[], bool] = lambda: False) -> int:
    """Read the mails that were only stored so far, oldest first. Returns how many."""
    count = 0
    for mail in InboundMail.objects.filter(parsed_at=None).select_related("original").order_by("id")[:limit]:
        if stop():
            break
        _read(mail, at)
        count += 1
    return count


def enclosed(mail: InboundMail) -> tuple[Enclosed, ...]:
    """The files in a mail, from its stored bytes; none where they cannot be read."""
    try:
        return parse(mail.original.read()).enclosed
    except Exception:
        log.exception("the files of inbound mail %s could not be read", mail.pk)
        return ()


def _read(mail: InboundMail, at: datetime) -> None:
    # Counted and committed first: a mail that kills the process (memory) is given up after some tries.
    InboundMail.objects.filter(pk=mail.pk).update(tries=F("tries") + 1)
    try:
        if mail.tries >= TRIES:
            raise RuntimeError(f"reading was begun {mail.tries} times and never ended")
        with transaction.atomic():
            _keep(mail, parse(mail.original.read()), at)
    except Exception:
        log.exception("inbound mail %s could not be read", mail.pk)
        unread = InboundMail.objects.filter(pk=mail.pk, parsed_at=None)
        unread.update(parsed_at=at, state="attention", problem=UNREADABLE)


def _keep(mail: InboundMail, parsed: Parsed, at: datetime) -> None:
    names = ("sender", "sender_name", "subject", "text", "reply_text", "message_id", "in_reply_to", "references")
    values = {name: getattr(parsed, name) for name in (*names, "machine")}
    values["recipients"] = "\n".join(parsed.recipients)
    values["attachment_names"] = "\n".join(file.name for file in parsed.enclosed)
    answers = _answered(parsed)
    unread = InboundMail.objects.filter(pk=mail.pk, parsed_at=None)
    changed = unread.update(parsed_at=at, answers=answers, **values, **_state(parsed, answers, at, mail.problem))
    if changed and answers and parsed.failed:
        _bounce(answers, parsed, at)


def _answered(parsed: Parsed) -> OutboundMail | None:
    """The mail of ours it answers: the first of its tokens that we really sent."""
    sent = {mail.token: mail for mail in OutboundMail.objects.filter(token__in=parsed.tokens)}
    return next((sent[token] for token in parsed.tokens if token in sent), None)


def _state(parsed: Parsed, answers: OutboundMail | None, at: datetime, problem: str) -> dict:
    if problem:
        return {"state": "attention"}
    taken = {"state": "taken", "taken_at": at}
    if answers and parsed.machine in ("bounce", "auto"):
        return taken | {"taken_kind": answers.about_kind, "taken_id": answers.about_id}
    if answers:
        return {"state": "new"}
    if parsed.machine == "auto":
        return taken
    return {"state": "attention", "problem": UNKNOWN_BOUNCE if parsed.machine == "bounce" else UNKNOWN_CASE}


def _bounce(mail: OutboundMail, parsed: Parsed, at: datetime) -> None:
    """A report says our mail did not arrive: it fails as if the server had said so at once."""
    rows = OutboundMail.objects.filter(pk=mail.pk).exclude(state="failed")
    rows.update(state="failed", failed_at=at, last_reply=parsed.diagnosis or "不達通知が届きました。", lease_token="")

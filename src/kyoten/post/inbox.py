"""Reading what came in: guarded, one mail at a time; whatever goes wrong with one is a visible item, never a stop."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime

from django.db import transaction
from django.db.models import F

from kyoten.post import locked, threads
from kyoten.post.models import InboundMail, MailId, OutboundMail
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
        read(mail, at)
        count += 1
    return count


def enclosed(mail: InboundMail) -> tuple[Enclosed, ...]:
    """The files in a mail, from its stored bytes; none where they cannot be read."""
    try:
        return parse(mail.original.read()).enclosed
    except Exception:
        log.exception("the files of inbound mail %s could not be read", mail.pk)
        return ()


def read(mail: InboundMail, at: datetime) -> None:
    """Read one mail that was only stored so far, guarded."""
    # Counted and committed first: a mail that kills the process (memory) is given up after some tries.
    InboundMail.objects.filter(pk=mail.pk).update(tries=F("tries") + 1)
    try:
        if mail.tries >= TRIES:
            raise RuntimeError(f"reading was begun {mail.tries} times and never ended")
        with transaction.atomic():
            parsed = parse(mail.original.read())
            keep(mail, parsed, _answered(parsed), at)
    except Exception as error:
        # a ValueError says what is wrong with the mail, anything else may be wrong with us
        log.warning("inbound mail %s could not be read: %s", mail.pk, error, exc_info=not isinstance(error, ValueError))
        unread = InboundMail.objects.filter(pk=mail.pk, parsed_at=None)
        unread.update(parsed_at=at, state="attention", problem=UNREADABLE)


def keep(mail: InboundMail, parsed: Parsed, answers: OutboundMail | None, at: datetime) -> None:
    """Write down what was read."""
    unread = InboundMail.objects.filter(pk=mail.pk, parsed_at=None)
    state = state_of(parsed, answers, at, mail.problem)
    if not unread.update(parsed_at=at, answers=answers, **values(parsed), **state):
        return
    MailId.objects.bulk_create(threads.ids_of(mail.pk, parsed))
    if answers and parsed.failed:
        bounce(answers, parsed, at)


def values(parsed: Parsed) -> dict[str, str | bool]:
    """What is kept of a mail beside its bytes."""
    names = ("sender", "sender_name", "subject", "text", "reply_text", "message_id", "in_reply_to", "references")
    return {name: getattr(parsed, name) for name in (*names, "machine")} | {
        "recipients": "\n".join(parsed.recipients),
        "attachment_names": "\n".join(file.name for file in parsed.enclosed),
        "body_digest": threads.body_digest(parsed),
        "locked": locked.any_locked(parsed.enclosed),
    }


def _answered(parsed: Parsed) -> OutboundMail | None:
    """The mail of ours it answers: the first of its tokens that we really sent."""
    sent = {mail.token: mail for mail in OutboundMail.objects.filter(token__in=parsed.tokens)}
    return next((sent[token] for token in parsed.tokens if token in sent), None)


def state_of(parsed: Parsed, answers: OutboundMail | None, at: datetime, problem: str) -> dict:
    if problem:
        return {"state": "attention"}
    taken = {"state": "taken", "taken_at": at}
    if answers and parsed.machine in ("bounce", "auto"):
        return taken | {"taken_kind": answers.about_kind, "taken_id": answers.about_id}
    if answers:
        return {"state": "new"}
    return {"state": "attention", "problem": UNKNOWN_BOUNCE if parsed.machine == "bounce" else UNKNOWN_CASE}


def bounce(mail: OutboundMail, parsed: Parsed, at: datetime) -> None:
    """A report says our mail did not arrive: it fails as if the server had said so at once."""
    rows = OutboundMail.objects.filter(pk=mail.pk).exclude(state="failed")
    rows.update(state="failed", failed_at=at, last_reply=parsed.diagnosis or "不達通知が届きました。", lease_token="")

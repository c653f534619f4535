"""Draining the outbox: claim and commit, send outside any transaction, finish guarded by the lease."""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import OperationalError, close_old_connections, transaction
from django.utils import timezone

from kyoten.post import mime
from kyoten.post.models import OutboundMail
from kyoten.post.smtp import TOTAL, Courier, Outcome

log = logging.getLogger(__name__)

BACK_OFF = [timedelta(minutes=m) for m in (1, 5, 15, 60, 120, 240)]  # the last one repeats
GIVE_UP = timedelta(days=5)  # RFC 5321 4.5.4.1: four to five days
MARGIN = 300  # seconds a lease lasts beyond the longest possible delivery: name resolution, a slow commit
COMMIT_TRIES, RETRY = 150, 0.2  # times and seconds between them we go on trying to write down that a mail was sent

Clock = Callable[[], datetime]


@dataclass
class Round:
    """What one round did. `down`: the mail server serves nobody just now, so the round stopped."""

    tried: int = 0
    sent: int = 0
    down: bool = False


def deliver_due(
    at: datetime, *, limit: int = 200, stop: Callable[[], bool] = lambda: False, clock: Clock = timezone.now
) -> Round:
    """Deliver what is due, at most `limit` mails, until `stop()`. `at` is the moment shown to people (demo clock);
    leases and back-off run on `clock`, real time. Any number of workers may do this at once."""
    release_orphans(clock())
    if settings.DEMO:
        return _deliver_inside(at, clock())
    if not settings.MAIL.get("host"):
        return Round()
    done, courier = Round(), Courier(settings.MAIL)
    try:
        while done.tried < limit and not done.down and not stop() and (mail := claim(clock())):
            outcome = _attempt(courier, mail)
            _finish_surely(mail, outcome, at, clock)
            done.tried += 1
            done.sent += outcome.result == "sent"
            done.down = outcome.down
    finally:
        courier.close()
    return done


def release_orphans(now: datetime) -> int:
    """Take back what a killed worker held. Whether it had sent is unknown: the mail may now go out twice."""
    rows = OutboundMail.objects.filter(state="sending", lease_until__lte=now)
    if not rows.exists():  # reading first: on SQLite an idle worker takes no write lock
        return 0
    return rows.update(state="queued", lease_token="", next_attempt_at=now, possibly_twice=True)


def claim(now: datetime) -> OutboundMail | None:
    """Lease the next due mail, committed on return. None where nothing is due."""
    if not OutboundMail.objects.due(now).exists():
        return None
    with transaction.atomic():
        mail = OutboundMail.objects.due(now).select_for_update(skip_locked=True).first()
        if mail is None:
            return None
        mail.state, mail.lease_token = "sending", secrets.token_hex(16)
        mail.lease_until = now + timedelta(seconds=settings.MAIL.get("total_timeout", TOTAL) + MARGIN)
        mail.attempts += 1
        mail.save(update_fields=["state", "lease_token", "lease_until", "attempts"])
    return mail


def finish(mail: OutboundMail, outcome: Outcome, *, at: datetime, now: datetime) -> bool:
    """Write down how it ended. False where the lease was lost meanwhile: another worker has the mail now."""
    changes = {"lease_token": "", "lease_until": None, "last_reply": outcome.reply, **_after(mail, outcome, at, now)}
    if outcome.twice:
        changes["possibly_twice"] = True
    rows = OutboundMail.objects.filter(pk=mail.pk, state="sending", lease_token=mail.lease_token)
    return rows.update(**changes) == 1


def _after(mail: OutboundMail, outcome: Outcome, at: datetime, now: datetime) -> dict:
    if outcome.result == "sent":
        return {"state": "sent", "sent_at": at}
    next_attempt = now + BACK_OFF[min(mail.attempts, len(BACK_OFF)) - 1]
    if outcome.result == "never" or next_attempt > mail.recorded_at + GIVE_UP:
        return {"state": "failed", "failed_at": at}
    return {"state": "queued", "next_attempt_at": next_attempt}


def _deliver_inside(at: datetime, now: datetime) -> Round:
    """デモ: nothing leaves; the mail is there to be read by everybody."""
    rows = OutboundMail.objects.due(now)
    sent = rows.order_by().update(state="demo", sent_at=at) if rows.exists() else 0
    return Round(tried=sent, sent=sent)


def _attempt(courier: Courier, mail: OutboundMail) -> Outcome:
    try:
        data = mime.build(mail)
    except Exception:
        log.exception("mail %s could not be built", mail.message_id)
        return Outcome("later", "メールを組み立てられませんでした。システムの管理者に連絡してください。")
    outcome = courier.deliver(mime.reply_address(mail), mail.to, data)
    if outcome.result != "sent":
        log.warning("mail %s: %s (%s)", mail.message_id, outcome.result, outcome.reply)
    if outcome.twice:
        log.warning("mail %s may go out twice: the connection was lost after the final dot", mail.message_id)
    return outcome


def _finish_surely(mail: OutboundMail, outcome: Outcome, at: datetime, clock: Clock) -> None:
    """A database that is restarting must not cost a second copy: go on trying for a while."""
    for left in range(COMMIT_TRIES, -1, -1):
        try:
            if not finish(mail, outcome, at=at, now=clock()):
                log.warning("mail %s: the lease was lost, it may go out twice", mail.message_id)
            return
        except OperationalError:
            if not left:
                raise
            close_old_connections()
            time.sleep(RETRY)

"""相談にならなかったメールの保存期間: what nobody needs any more goes; what waits or belongs to a record stays."""

from datetime import datetime, timedelta
from io import StringIO

import pytest
from django.core.management import call_command

from kyoten.consultations.actions import intake, returning
from kyoten.consultations.actions.mail_retention import keep_until, retain_mails
from kyoten.consultations.actions.retention import retain
from kyoten.consultations.desks import desks
from kyoten.post.actions import set_aside
from kyoten.post.bulk import receive_many
from kyoten.post.forgetting import is_forgotten
from kyoten.post.mailbox import fetch
from kyoten.post.models import ForgottenMail, InboundMail, MailId
from kyoten.records.actions import log_access
from kyoten.records.models import AccessLog, Attachment, Event
from kyoten.records.verify import verify
from kyoten.rules.clock import JST
from kyoten.web.sorting import sort_read
from tests.flows import desking, knowing
from tests.flows.desking import SATURDAY, TUESDAY

pytestmark = pytest.mark.django_db
LATER = datetime(2031, 4, 1, 0, 0, tzinfo=JST)  # the first moment after five years beyond FY2025
ADVERT = "新製品の御案内です。"


def other(world, text=ADVERT, **more) -> InboundMail:
    """A mail that somebody looked at and left as nothing of the desk's."""
    mail = desking.mail(text, subject="御案内", **more)
    InboundMail.objects.filter(pk=mail.pk).update(sort="other")
    set_aside(mail, by=world.seat_secretariat.actor(), at=TUESDAY)
    mail.refresh_from_db()
    return mail


def test_the_last_day_follows_from_the_desk_and_the_year_it_came_in(world):
    mail = other(world)
    assert str(keep_until(mail, desks())) == "2031-03-31"
    mail.received_at = datetime(2026, 4, 1, tzinfo=JST)
    assert str(keep_until(mail, desks())) == "2032-03-31"


def test_without_a_desk_the_instance_says_it_and_without_both_it_stays(world, settings):
    mail = other(world)
    settings.MAILBOX = {}
    assert keep_until(mail, []) is None
    settings.MAILBOX = {"keep_years": 1}
    assert str(keep_until(mail, [])) == "2027-03-31"


def test_what_is_due_leaves_its_events_and_a_digest(world, django_capture_on_commit_callbacks):
    mail = other(world)
    raw, pk = mail.raw, mail.pk
    log_access("inbound_mail", pk, by=world.seat_secretariat.actor(), at=TUESDAY)
    knowing.make_old()
    assert retain_mails(at=LATER - timedelta(microseconds=1)) == 0
    with django_capture_on_commit_callbacks(execute=True):
        assert retain_mails(at=LATER) == 1
    assert [model.objects.count() for model in (InboundMail, MailId, Attachment, AccessLog)] == [0] * 4
    assert (knowing.stored(), is_forgotten(raw), verify().faults) == ([], True, [])
    assert [event.title for event in Event.objects.of("inbound_mail", pk)][-1] == "消去（保存期間の満了）"
    assert retain_mails(at=LATER) == 0


def test_a_double_of_a_mail_that_went_goes_too_and_one_of_a_case_goes_with_it(world):
    first = other(world, message_id="<a@example.jp>")
    again = desking.mail(ADVERT, subject="御案内", message_id="<a@example.jp>", X_Way="2")
    sort_read([again], at=TUESDAY)
    again.refresh_from_db()
    assert (again.double_of_id, again.taken_kind) == (first.pk, "")
    case = desking.taken(world, "質問です。", message_id="<b@example.jp>")
    copy = desking.mail("質問です。", message_id="<b@example.jp>", X_Way="2")
    returning.note_double(copy, InboundMail.objects.get(taken_id=case.pk), at=TUESDAY)
    assert retain_mails(at=LATER) == 2
    assert sorted(InboundMail.objects.values_list("taken_id", flat=True)) == [case.pk, case.pk]


def test_a_machines_mail_goes_and_what_waits_or_answers_us_stays(world):
    automatic = desking.mail("不在です。", sender="c@example.jp", Auto_Submitted="auto-replied")
    set_aside(automatic, by=world.seat_secretariat.actor(), at=SATURDAY)
    waiting = desking.mail("御案内", subject="広告", sender="d@example.jp")
    case = intake.take_mail(desking.mail("質問です。", sender="e@example.jp"), desking.desk(world), at=SATURDAY)
    assert InboundMail.objects.filter(state="taken", taken_kind="").count() == 1
    assert retain_mails(at=LATER, dry_run=True) == 1
    assert InboundMail.objects.count() == 3
    assert retain_mails(at=LATER) == 1
    assert set(InboundMail.objects.values_list("pk", flat=True)) == {
        waiting.pk, InboundMail.objects.get(taken_id=case.pk).pk
    }  # fmt: skip


def test_the_mailbox_does_not_bring_back_what_was_deleted(world, settings, tmp_path):
    raw = other(world).raw
    retain_mails(at=LATER)
    settings.DEMO, settings.MAILBOX = False, {"directory": str(tmp_path)}
    (tmp_path / "a.eml").write_bytes(raw)
    (tmp_path / "b.eml").write_bytes(raw.replace(b"Subject: ", b"Subject: Re: "))
    assert fetch(LATER) == 1
    assert (InboundMail.objects.count(), (tmp_path / "taken/a.eml").exists()) == (1, True)
    assert receive_many([raw, b"Subject: new\r\n\r\n"], source="test", at=LATER)[1] == 1
    assert InboundMail.objects.count() == 2


def test_the_mail_of_a_deleted_case_is_not_brought_back_either(world):
    knowing.mailed(world)
    raw = InboundMail.objects.get().raw
    out = StringIO()
    call_command("retention", "--dry-run", stdout=out)
    assert ForgottenMail.objects.count() == 0
    retain(at=LATER)
    assert (is_forgotten(raw), InboundMail.objects.count()) == (True, 0)
    call_command("retention", stdout=out)
    assert "相談にならなかったメール　消去 0通。" in out.getvalue()

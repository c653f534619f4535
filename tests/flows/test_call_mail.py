"""Replies by mail to the notice: the word on the first line, anything else to a person, a form to 代行入力."""

from __future__ import annotations

from email.message import EmailMessage

import pytest
from django.urls import reverse

from kyoten.calls.models import Application
from kyoten.inquiries.actions import take_replies
from kyoten.inquiries.models import MailAnswer
from kyoten.papers.forms import write_form
from kyoten.post.actions import receive
from kyoten.post.inbox import read_new
from kyoten.post.models import OutboundMail
from kyoten.records.models import Attachment, Event
from tests.flows import calling
from tests.world import login

pytestmark = pytest.mark.django_db


@pytest.fixture
def row(world):
    return calling.case(calling.asked(world), world.kamagaya)


def replied(row, text: str, attachment: tuple[str, bytes] | None = None) -> None:
    """Somebody of the section answers the notice from their mail program."""
    notice = OutboundMail.objects.get(about_kind="addressee", about_id=row.pk)
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = row.section.email, "kyoten@example.jp", f"Re: {notice.subject}"
    mail["In-Reply-To"], mail["Message-ID"] = notice.message_id, f"<{abs(hash(text))}@example.jp>"
    mail.set_content(f"{text}\n\n> 御中\n> 該当なし")
    if attachment:
        mail.add_attachment(attachment[1], maintype="application", subtype="octet-stream", filename=attachment[0])
    receive(mail.as_bytes(), source="test", at=calling.WRITING)
    read_new(calling.WRITING)
    take_replies(at=calling.WRITING)
    row.refresh_from_db()


def test_the_word_on_the_first_line_is_the_answer(row):
    replied(row, "該当なし\n鎌ケ谷市です。")
    assert (row.state, row.way, row.answered_by) == ("not_applicable", "mail", f"メール {row.section.email}")
    assert not MailAnswer.objects.exists()


def test_the_word_for_applying_alone_says_that_the_form_is_missing(row):
    replied(row, "申込")
    assert (row.state, row.remark) == ("considering", "「申込」と返信がありました。申込書はまだ届いていません。")
    assert not MailAnswer.objects.exists()


def test_anything_else_goes_to_a_person(row):
    replied(row, "来週まで待ってください。")
    note = MailAnswer.objects.get()
    assert (row.state, note.addressee, note.text.strip()) == ("unread", row, "来週まで待ってください。")
    assert [e.act for e in Event.objects.of("addressee", row.pk)] == ["receive", "mail"]


def test_the_same_mail_twice_is_taken_once(row):
    replied(row, "来週まで待ってください。")
    replied(row, "来週まで待ってください。")
    assert MailAnswer.objects.count() == 1


def test_a_form_that_came_by_mail_becomes_a_proxy_entry(client, world, row, clock):
    answers = calling.ANSWERS | {"area_name": "鎌ケ谷市"}
    replied(row, "申込書を送ります。", ("申込書.docx", write_form(world.programme.definition, answers, "docx")))
    clock(calling.WRITING)
    login(client, world.seat_chiba)
    note = MailAnswer.objects.get()
    response = client.post(reverse("calls:proxy_from_mail", args=["r7-zaitaku", note.pk]))
    application = Application.objects.get()
    note.refresh_from_db()
    assert response.url == reverse("calls:reading", args=[application.pk, application.form_files.get().pk])
    assert (application.applicant, application.by_proxy, application.proxy_source) == (
        world.kamagaya,
        "prefecture",
        "mail",
    )
    assert Attachment.objects.of("application", application.pk, "original").get().name == "申込書.docx"
    assert note.settled_at is not None
    taken = application.form_files.get()
    client.post(response.url, {"take": list(calling.ANSWERS)})
    application.refresh_from_db()
    assert (application.answers["area_name"], len(application.answers["members"])) == ("鎌ケ谷市", len(calling.MEMBERS))
    taken.refresh_from_db()
    assert taken.settled_at is not None


def test_another_prefecture_cannot_take_it(client, world, row, clock):
    replied(row, "申込書を送ります。", ("申込書.docx", b"x"))
    clock(calling.WRITING)
    login(client, world.seat_saitama)
    assert (
        client.post(reverse("calls:proxy_from_mail", args=["r7-zaitaku", MailAnswer.objects.get().pk])).status_code
        == 404
    )
    assert Application.objects.count() == 0

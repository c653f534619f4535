"""Replies by mail to the notice: the word on the first line, anything else to a person, a form to 代行入力."""

from __future__ import annotations

from email.message import EmailMessage

import pytest
from django.urls import reverse

from kyoten.calls.actions import applying
from kyoten.calls.models import Application
from kyoten.inquiries.actions import settle_mail, take_replies
from kyoten.inquiries.models import MailAnswer
from kyoten.organisations.models import Organisation
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


def replied(row, text: str, *attachments: tuple[str, bytes]) -> None:
    """Somebody of the section answers the notice from their mail program."""
    notice = OutboundMail.objects.get(about_kind="addressee", about_id=row.pk)
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = row.section.email, "kyoten@example.jp", f"Re: {notice.subject}"
    mail["In-Reply-To"], mail["Message-ID"] = notice.message_id, f"<{abs(hash(text))}@example.jp>"
    mail.set_content(f"{text}\n\n> 御中\n> 該当なし")
    for name, data in attachments:
        mail.add_attachment(data, maintype="application", subtype="octet-stream", filename=name)
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


def test_what_a_person_reads_as_the_answer_counts_from_when_the_mail_arrived(world, row):
    replied(row, "今年度は応募しません。")
    settle_mail(MailAnswer.objects.get(), "not_applicable", by=world.seat_chiba, at=calling.GATHERING)
    row.refresh_from_db()
    assert calling.WRITING < row.inquiry.due < calling.GATHERING
    assert (row.state, row.answered_at, row.late) == ("not_applicable", calling.WRITING, False)
    said = [(e.title, e.at) for e in Event.objects.of("addressee", row.pk) if e.act == "answer"]
    assert said == [("「該当なし」と回答（メールの返信）", calling.GATHERING)]


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
    response = client.post(
        reverse("calls:proxy_from_mail", args=["r7-zaitaku", note.pk]), {"applicant": world.kamagaya.pk, "file": 0}
    )
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


def test_the_file_of_a_reply_is_a_download_for_who_asked(client, world, row, clock):
    replied(row, "申込書を送ります。", ("申込書.docx", b"PK"))
    clock(calling.WRITING)
    url = reverse("inquiries:mail_file", args=[MailAnswer.objects.get().pk, 1])
    login(client, world.seat_chiba)
    assert client.get(url).content == b"PK"
    assert client.get(url.replace("/file/1/", "/file/2/")).status_code == 404
    login(client, world.seat_saitama)
    assert client.get(url).status_code == 404


@pytest.fixture
def bundle_mail(client, world, clock):
    """千葉県 answers the organiser's own notice with two filled-in forms and a covering letter in one mail."""
    call = calling.asked(world)
    forms = [
        (f"申込書_{name}.docx", write_form(world.programme.definition, calling.ANSWERS | {"area_name": name}, "docx"))
        for name in ("松戸市", "鎌ケ谷市")
    ]
    replied(calling.case(call, world.chiba), "2件を提出します。", ("鑑文.pdf", b"%PDF"), *forms)
    clock(calling.WRITING)
    login(client, world.seat_secretariat)
    return MailAnswer.objects.get()


def test_the_organiser_enters_each_form_of_a_prefectures_mail(client, world, bundle_mail):
    url = reverse("calls:proxy_from_mail", args=["r7-zaitaku", bundle_mail.pk])
    offered = client.get(url).context["form"]
    names = [label for _, label in offered.fields["file"].choices]
    assert (names, offered.fields["file"].initial) == (["鑑文.pdf", "申込書_松戸市.docx", "申込書_鎌ケ谷市.docx"], 1)
    assert {body.prefecture_id for body in offered.fields["applicant"].queryset} == {world.chiba.pk}

    for number, body in ((1, world.matsudo), (2, world.kamagaya)):
        bundle_mail.refresh_from_db()
        assert bundle_mail.settled_at is None  # not before the last of the forms is in
        client.post(url, {"applicant": body.pk, "file": number})
    bundle_mail.refresh_from_db()
    assert bundle_mail.settled_at is not None

    for application in Application.objects.order_by("pk"):
        assert (application.by_proxy, application.proxy_source) == ("secretariat", "mail")
        assert applying.arrived_at(application) == bundle_mail.received_at
        page = client.get(reverse("calls:take_in", args=[application.pk])).content.decode()
        assert f'name="arrived_at" value="{calling.WRITING:%Y-%m-%dT%H:%M:%S}"' in page


def test_a_body_of_another_prefecture_or_a_file_that_is_not_there_is_refused(client, world, bundle_mail):
    url = reverse("calls:proxy_from_mail", args=["r7-zaitaku", bundle_mail.pk])
    kawaguchi = Organisation.objects.create(kind="municipality", code="112038", name="川口市", prefecture=world.saitama)
    for posted in ({"applicant": kawaguchi.pk, "file": 1}, {"applicant": world.matsudo.pk, "file": 9}, {}):
        assert client.post(url, posted).status_code == 200
    bundle_mail.refresh_from_db()
    assert (Application.objects.count(), bundle_mail.settled_at) == (0, None)


def test_who_was_asked_cannot_enter_it(client, world, bundle_mail):
    login(client, world.seat_chiba)
    url = reverse("calls:proxy_from_mail", args=["r7-zaitaku", bundle_mail.pk])
    assert client.post(url, {"applicant": world.matsudo.pk, "file": 1}).status_code == 404
    assert Application.objects.count() == 0


def test_another_prefecture_cannot_take_it(client, world, row, clock):
    replied(row, "申込書を送ります。", ("申込書.docx", b"x"))
    clock(calling.WRITING)
    login(client, world.seat_saitama)
    url = reverse("calls:proxy_from_mail", args=["r7-zaitaku", MailAnswer.objects.get().pk])
    assert client.post(url, {"applicant": world.kamagaya.pk, "file": 0}).status_code == 404
    assert Application.objects.count() == 0

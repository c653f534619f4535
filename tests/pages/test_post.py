"""Pages of the post office: the demo's mailbox, failed deliveries of the own section, mails that belong to no case."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from kyoten.organisations.models import Seat
from kyoten.post import mime
from kyoten.post.actions import receive, resend, send, settle
from kyoten.post.inbox import read_new
from kyoten.post.links import without_keys
from kyoten.post.models import InboundMail, OutboundMail
from kyoten.post.worker import deliver_due
from kyoten.records.actions import store_file
from kyoten.records.models import AccessLog, Event, Refused
from kyoten.web.rounds import other_answers_by_mail
from tests.flows import calling
from tests.world import AT, login


def queue(world, *to, key="k", **given):
    options = {"subject": "照会", "text": "本文です。\nhttps://example.jp/answer/", "at": AT, "key": key}
    options |= {"by": world.seat_chiba.actor(), "section_id": world.section_chiba.pk, "about": ("inquiry", 5)}
    return send(to=to or ["a@city.example.jp"], **options | given)


def failed(world, **given):
    [mail] = queue(world, **given)
    OutboundMail.objects.filter(pk=mail.pk).update(
        state="failed", attempts=1, failed_at=AT, last_reply="550 5.1.1 no such user"
    )
    mail.refresh_from_db()
    return mail


DEMO_ONLY = ["post:mailbox", "post:mail", "post:mail_reply", "post:mail_attachment"]


@pytest.mark.parametrize("name", DEMO_ONLY)
def test_outside_the_demo_there_is_no_mailbox(world, name):
    file = store_file(b"x", "a.pdf", by=None, at=AT)
    [mail] = queue(world, attachments=[file])
    given = {"post:mailbox": [], "post:mail_attachment": [mail.pk, file.pk]}.get(name, [mail.pk])
    client = login(Client(), world.seat_secretariat)
    assert client.get(reverse(name, args=given)).status_code in (404, 405)
    assert client.post(reverse(name, args=given), {"text": "返信"}).status_code == 404
    assert InboundMail.objects.count() == 0


def test_in_the_demo_everybody_reads_every_mail(world, demo):
    file = store_file(b"%PDF", "申込書.pdf", by=None, at=AT)
    [mail] = queue(world, attachments=[file])
    deliver_due(AT)
    visitor = Client()
    assert "照会" in visitor.get(reverse("post:mailbox")).text
    page = visitor.get(reverse("post:mail", args=[mail.pk])).text
    assert '<a href="https://example.jp/answer/"' in page
    assert f"管理番号 {mail.token}" in page
    response = visitor.get(reverse("post:mail_attachment", args=[mail.pk, file.pk]))
    assert (b"".join(response.streaming_content), response["Content-Disposition"][:10]) == (b"%PDF", "attachment")


def test_a_file_is_served_only_with_its_own_mail(world, demo):
    file = store_file(b"%PDF", "申込書.pdf", by=None, at=AT)
    [mail] = queue(world)
    assert Client().get(reverse("post:mail_attachment", args=[mail.pk, file.pk])).status_code == 404


def test_the_mailbox_is_searched_by_recipient_and_by_words(world, demo):
    queue(world, "a@city.example.jp", "b@town.example.jp")
    queue(world, "a@city.example.jp", key="other", subject="補正依頼")
    rows = {"to=town": 1, "to=CITY": 2, "word=補正": 1, "word=本文": 3, "to=town&word=補正": 0, "": 3}
    for query, count in rows.items():
        assert Client().get(f"{reverse('post:mailbox')}?{query}").text.count("<tr><td>") == count, query


def test_the_mailbox_shows_fifty_a_page_with_the_same_number_of_queries(world, demo, django_assert_num_queries):
    queue(world, "a@city.example.jp", key="first")
    with django_assert_num_queries(3):
        assert Client().get(reverse("post:mailbox")).text.count("<tr><td>") == 1
    queue(world, *[f"p{n}@example.jp" for n in range(60)])
    with django_assert_num_queries(3):
        assert Client().get(reverse("post:mailbox")).text.count("<tr><td>") == 50
    assert Client().get(reverse("post:mailbox") + "?page=2").text.count("<tr><td>") == 11


def test_a_reply_in_the_demo_comes_in_as_by_mail(world, demo):
    [mail] = queue(world)
    upload = {"text": "該当なしです。", "file": SimpleUploadedFile("申込書.docx", b"PK")}
    response = Client().post(reverse("post:mail_reply", args=[mail.pk]), upload)
    assert response.status_code == 302
    assert InboundMail.objects.get().parsed_at is None
    read_new(AT)
    reply = InboundMail.objects.replies().get()
    assert (reply.reply_text, reply.sender, reply.about) == ("該当なしです。", "a@city.example.jp", ("inquiry", 5))
    assert reply.attachment_names == "申込書.docx"
    assert "該当なしです。" in Client().get(reverse("post:mail", args=[mail.pk])).text


def test_an_empty_reply_is_refused_with_a_word(world, demo):
    [mail] = queue(world)
    response = Client().post(reverse("post:mail_reply", args=[mail.pk]), {"text": ""})
    assert response.status_code == 422
    assert InboundMail.objects.count() == 0


def test_a_failed_delivery_is_seen_by_its_section_alone(world):
    mail = failed(world)
    for seat, sees in [("seat_chiba", True), ("seat_viewer", True), ("seat_saitama", False), ("seat_matsudo", False)]:
        client = login(Client(), getattr(world, seat))
        assert ("a@city.example.jp" in client.get(reverse("post:failures")).text) is sees, seat
        assert client.get(reverse("post:failure", args=[mail.pk])).status_code == (200 if sees else 404), seat


def test_who_only_reads_sees_no_buttons(world):
    address = reverse("post:failure", args=[failed(world).pk])
    assert "再送する</button>" not in login(Client(), world.seat_viewer).get(address).text
    assert "再送する</button>" in login(Client(), world.seat_chiba).get(address).text


def test_a_failed_delivery_says_why(world):
    mail = failed(world)
    page = login(Client(), world.seat_chiba).get(reverse("post:failure", args=[mail.pk])).text
    assert "宛先のメールアドレスが見つかりません。" in page
    assert "550 5.1.1 no such user" in page


def test_sending_again_to_a_mended_address(world):
    file = store_file(b"%PDF", "申込書.pdf", by=None, at=AT)
    mail = failed(world, attachments=[file])
    client = login(Client(), world.seat_chiba)
    response = client.post(reverse("post:failure_resend", args=[mail.pk]), {"to": "b@city.example.jp"})
    assert response.headers["Location"] == reverse("post:failures")
    again = OutboundMail.objects.get(to="b@city.example.jp")
    assert (again.state, again.subject, again.text, again.about) == ("queued", mail.subject, mail.text, ("inquiry", 5))
    assert (list(again.attachments.all()), again.message_id != mail.message_id) == ([file], True)
    mail.refresh_from_db()
    assert (mail.state, mail.resent_as, mail.settled_at is not None) == ("failed", again, True)
    event = Event.objects.of("inquiry", 5).get()
    assert (event.act, event.note, event.person) == (
        "resend_mail",
        "「照会」　a@city.example.jp → b@city.example.jp",
        "佐々木 亮",
    )
    assert client.get(reverse("post:failure", args=[mail.pk])).status_code == 404


@pytest.mark.parametrize("to", ["", "b@", "b@city.example.jp, c@example.jp", "b@city.example.jp\r\nBcc: c@example.jp"])
def test_a_malformed_address_sends_nothing_and_keeps_what_was_typed(world, to):
    mail = failed(world)
    response = login(Client(), world.seat_chiba).post(reverse("post:failure_resend", args=[mail.pk]), {"to": to})
    assert response.status_code == 422
    assert OutboundMail.objects.count() == 1
    assert OutboundMail.objects.failed_for([world.section_chiba.pk]).get() == mail


def test_telling_another_way_takes_it_off_the_list(world):
    mail = failed(world)
    login(Client(), world.seat_chiba).post(reverse("post:failure_settle", args=[mail.pk]))
    assert list(OutboundMail.objects.failed_for([world.section_chiba.pk])) == []
    assert Event.objects.of("inquiry", 5).get().act == "settle_mail"


@pytest.mark.parametrize("act", ["failure_resend", "failure_settle"])
@pytest.mark.parametrize("seat, status", [("seat_viewer", 403), ("seat_saitama", 404), ("seat_secretariat", 404)])
def test_others_cannot_act_on_it(world, act, seat, status):
    mail = failed(world)
    response = login(Client(), getattr(world, seat)).post(
        reverse(f"post:{act}", args=[mail.pk]), {"to": "b@city.example.jp"}
    )
    assert response.status_code == status
    mail.refresh_from_db()
    assert (mail.settled_at, OutboundMail.objects.count(), Event.objects.of("inquiry", 5).count()) == (None, 1, 0)


def test_a_failure_is_dealt_with_once(world):
    mail = failed(world)
    settle(mail, by=world.seat_chiba.actor(), at=AT)
    with pytest.raises(Refused, match="すでに再送されたか、対応済み"):
        resend(mail, by=world.seat_chiba.actor(), at=AT)
    assert (OutboundMail.objects.count(), Event.objects.of("inquiry", 5).count()) == (1, 1)


def test_what_is_still_being_tried_is_shown_below(world):
    [mail] = queue(world)
    changes = {"attempts": 3, "last_reply": "450 later", "next_attempt_at": AT + timedelta(hours=1)}
    OutboundMail.objects.update(**changes)
    page = login(Client(), world.seat_chiba).get(reverse("post:failures")).text
    assert "送信を繰り返しているメール" in page
    assert "送信を繰り返しているメール" not in login(Client(), world.seat_saitama).get(reverse("post:failures")).text


def unplaced(text="送ります"):
    """An answer to a mail that no section sent."""
    [sent] = send(to=["a@city.example.jp"], subject="別紙", text="x", at=AT, key="seal", by=None, section_id=None)
    mail = receive(mime.answer(sent, text, [], at=AT), source="test", at=AT)
    read_new(AT)
    other_answers_by_mail(AT)
    return mail


def test_a_mail_of_no_case_is_read_by_the_secretariat_and_the_reading_is_logged(world):
    mail = unplaced()
    client = login(Client(), world.seat_secretariat)
    assert "別紙" in client.get(reverse("post:attention")).text
    assert "送ります" in client.get(reverse("post:attention_mail", args=[mail.pk])).text
    response = client.get(reverse("post:attention_file", args=[mail.pk]))
    assert b"".join(response.streaming_content) == mail.raw
    rows = AccessLog.objects.order_by("id").values_list("kind", "record_id", "person", "what")
    assert list(rows) == [
        ("inbound_mail", mail.pk, "中村 彩", "受信メールの本文"),
        ("inbound_mail", mail.pk, "中村 彩", "受信メールの原本"),
    ]


def test_looked_at_it_leaves_the_list(world):
    mail = unplaced()
    client = login(Client(), world.seat_secretariat)
    client.post(reverse("post:attention_settle", args=[mail.pk]))
    assert list(InboundMail.objects.attention()) == []
    assert Event.objects.of("inbound_mail", mail.pk).get().act == "set_aside_mail"
    assert client.get(reverse("post:attention_mail", args=[mail.pk])).status_code == 404


@pytest.mark.parametrize(
    ("method", "name"), [("get", "attention_mail"), ("get", "attention_file"), ("post", "attention_settle")]
)
def test_nobody_else_sees_it(world, method, name):
    mail = unplaced()
    address = reverse(f"post:{name}", args=[mail.pk])
    assert "別紙" not in login(Client(), world.seat_chiba).get(reverse("post:attention")).text
    for seat in (world.seat_chiba, world.seat_matsudo):
        assert getattr(login(Client(), seat), method)(address).status_code == 404
    assert list(InboundMail.objects.attention()) == [mail]


@pytest.mark.parametrize("name", ["seat_chiba", "seat_viewer"])
def test_an_undelivered_inquiry_shows_its_words_but_not_the_link_one_answers_with(world, name):
    call = calling.asked(world)
    mail = OutboundMail.objects.get(about_kind="addressee", to=world.section_matsudo.email)
    OutboundMail.objects.filter(pk=mail.pk).update(state="failed", failed_at=AT, last_reply="550 no such user")
    client = login(Client(), getattr(world, name))
    page = client.get(reverse("post:failure", args=[mail.pk])).text
    token = calling.case(call, world.matsudo).token
    assert token in mail.text
    assert (token in page, token[:30] in page) == (False, False)
    assert "受け取る方だけが使うリンクのため表示しません" in page


def test_a_link_that_is_no_key_stays(world):
    guide = (
        f"公募要領　{settings.BASE_URL}{reverse('calls:guide', args=['r7-zaitaku'])}\nhttps://example.jp/{'a' * 40}/"
    )
    assert without_keys(guide) == guide


def test_an_answer_that_quotes_the_link_does_not_show_it(world):
    call = calling.asked(world)
    token = calling.case(call, world.matsudo).token
    link = f"{settings.BASE_URL}{reverse('inquiries:link', args=[token])}"
    mail = unplaced(f"送ります\n> {link}")
    viewer = Seat.objects.create(
        person=world.seat_viewer.person, section=world.section_secretariat, role=Seat.Role.VIEWER
    )
    page = login(Client(), viewer).get(reverse("post:attention_mail", args=[mail.pk])).text
    assert ("送ります" in page, token in page, "原本" in page) == (True, False, False)
    assert login(Client(), viewer).get(reverse("post:attention_file", args=[mail.pk])).status_code == 404
    assert token not in login(Client(), world.seat_secretariat).get(reverse("post:attention_mail", args=[mail.pk])).text

"""受信箱: an answer finds its case, machines never count as answers, and what cannot be read is there to be looked at."""

import base64
import logging
from datetime import datetime

import pytest
from django.db import transaction

from kyoten.post.actions import need_attention, receive, send, take
from kyoten.post.inbox import UNKNOWN_BOUNCE, UNKNOWN_CASE, UNREADABLE, enclosed, read_new
from kyoten.post.models import InboundMail, OutboundMail
from kyoten.records.models import Actor, Refused
from kyoten.rules.clock import JST

AT = datetime(2025, 7, 24, 16, 0, tzinfo=JST)
BY = Actor(7, "千葉 花子", "健康福祉政策課", "千葉県", 120006, 21)
pytestmark = pytest.mark.django_db


@pytest.fixture
def sent():
    [mail] = send(
        to=["tantou@city.example.jp"],
        subject="照会",
        text="回答してください。",
        at=AT,
        key="inquiry:5",
        by=BY,
        section_id=21,
        about=("inquiry", 5),
    )
    OutboundMail.objects.update(state="sent", attempts=1)
    return mail


def arrive(*headers, text="該当なしです。", kind="text/plain; charset=utf-8"):
    head = ["From: 担当 <tantou@city.example.jp>", "To: kyoten@example.jp", "Subject: Re: 照会", *headers]
    head += [f"Content-Type: {kind}", "Content-Transfer-Encoding: 8bit"]
    mail = receive(("\r\n".join(head) + "\r\n\r\n" + text + "\r\n").encode(), source="test", at=AT)
    read_new(AT)
    mail.refresh_from_db()
    return mail


@pytest.mark.parametrize(
    "headers, text",
    [
        (["In-Reply-To: {id}"], ""),
        (["References: <other@a> {id}"], ""),
        (["In-Reply-To: <other@a>", "References: {id}\r\n\t<another@b>"], ""),
        (["Delivered-To: kyoten+{token}@example.jp"], ""),
        ([], "\n> --\n> 管理番号 {token}（返信される場合は、この行を残してください）"),
    ],
)
def test_an_answer_finds_what_it_answers(sent, headers, text):
    names = {"id": sent.message_id, "token": sent.token}
    mail = arrive(*[header.format(**names) for header in headers], text="該当なしです。" + text.format(**names))
    assert list(InboundMail.objects.replies()) == [mail]
    assert (mail.about, mail.reply_text, mail.machine, mail.state) == (("inquiry", 5), "該当なしです。", "", "new")
    assert mail.from_our_recipient is True
    assert list(InboundMail.objects.of("inquiry", 5)) == [mail]


def test_an_answer_from_another_address_says_so(sent):
    head = f"From: betsu@other.example.jp\r\nIn-Reply-To: {sent.message_id}\r\n\r\n該当なし"
    receive(head.encode(), source="test", at=AT)
    read_new(AT)
    assert InboundMail.objects.replies().get().from_our_recipient is False


def test_a_mail_that_answers_nothing_is_there_to_be_looked_at(sent):
    mail = arrive("In-Reply-To: <kyoten.aaaaaaaaaaaaaaaaaaaaaaaa@example.jp>")
    assert (mail.state, mail.problem, mail.about) == ("attention", UNKNOWN_CASE, None)
    assert list(InboundMail.objects.attention()) == [mail]
    assert list(InboundMail.objects.replies()) == []


@pytest.mark.parametrize("header", ["Auto-Submitted: auto-replied", "X-Autoreply: yes", "Return-Path: <>"])
def test_an_out_of_office_note_stands_at_its_case_and_is_no_answer(sent, header):
    mail = arrive(header, f"In-Reply-To: {sent.message_id}")
    assert (mail.machine, mail.state, mail.taken_kind, mail.taken_id) == ("auto", "taken", "inquiry", 5)
    assert list(InboundMail.objects.replies()) == []
    assert list(InboundMail.objects.of("inquiry", 5)) == [mail]


def test_an_answer_through_a_list_is_an_answer(sent):
    mail = arrive("List-Id: <ka.city.example.jp>", "Precedence: list", f"In-Reply-To: {sent.message_id}")
    assert (mail.machine, list(InboundMail.objects.replies())) == ("list", [mail])


REPORT = """--b
Content-Type: text/plain

Sorry.
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.jp

Final-Recipient: rfc822; tantou@city.example.jp
Action: {action}
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 User unknown

--b
Content-Type: text/rfc822-headers

Message-ID: {id}
Subject: x
--b--
"""
REPORT_KIND = "multipart/report; report-type=delivery-status; boundary=b"


def test_a_bounce_makes_the_mail_fail_and_names_the_reason(sent):
    mail = arrive(kind=REPORT_KIND, text=REPORT.format(action="failed", id=sent.message_id))
    sent.refresh_from_db()
    assert (mail.machine, mail.state, mail.answers) == ("bounce", "taken", sent)
    assert (sent.state, sent.failed_at) == ("failed", AT)
    assert sent.last_reply == "5.1.1 smtp; 550 5.1.1 User unknown"
    assert sent.reason == "宛先のメールアドレスが見つかりません。"
    assert list(OutboundMail.objects.failed_for([21])) == [sent]
    assert list(OutboundMail.objects.bounced_since(AT)) == [sent]


def test_a_report_of_delay_fails_nothing(sent):
    mail = arrive(kind=REPORT_KIND, text=REPORT.format(action="delayed", id=sent.message_id))
    sent.refresh_from_db()
    assert (mail.machine, mail.state, sent.state) == ("bounce", "taken", "sent")


def test_a_bounce_in_plain_words_fails_too(sent):
    body = f"Hi. This is the qmail-send program.\n\n--- Below this line is a copy.\n\nMessage-ID: {sent.message_id}\n"
    arrive("Return-Path: <>", "X-Failed-Recipients: tantou@city.example.jp", text=body)
    sent.refresh_from_db()
    assert sent.state == "failed"


def test_a_bounce_that_returns_our_mail_encoded_is_known(sent):
    returned = base64.encodebytes(f"Message-ID: {sent.message_id}\n\nx".encode()).decode()
    text = f"--b\n\n届きませんでした。\n--b\nContent-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n{returned}--b--\n"
    head = "From: MAILER-DAEMON@mx.example.jp\nContent-Type: multipart/mixed; boundary=b\n\n"
    receive((head + text).encode(), source="test", at=AT)
    read_new(AT)
    sent.refresh_from_db()
    assert (InboundMail.objects.get().answers, sent.state) == (sent, "failed")


def test_a_bounce_of_an_unknown_mail_is_there_to_be_looked_at(sent):
    mail = arrive(kind=REPORT_KIND, text=REPORT.format(action="failed", id="<other@example.jp>"))
    sent.refresh_from_db()
    assert (mail.state, mail.problem, sent.state) == ("attention", UNKNOWN_BOUNCE, "sent")


def test_a_person_who_merely_claims_a_bounce_fails_nothing(sent):
    arrive(f"In-Reply-To: {sent.message_id}", text=f"550 5.1.1 User unknown {sent.message_id}")
    sent.refresh_from_db()
    assert sent.state == "sent"


def test_what_cannot_be_read_is_an_item_and_stops_nothing(sent, caplog):
    caplog.set_level(logging.CRITICAL, "kyoten.post")
    broken = receive(b"From: a@b\r\n\r\n1", source="test", at=AT)
    broken.original.path.unlink()
    good = arrive(f"In-Reply-To: {sent.message_id}")
    broken.refresh_from_db()
    assert (broken.state, broken.problem) == ("attention", UNREADABLE)
    assert good.state == "new"
    assert read_new(AT) == 0


def test_a_mail_that_kills_the_reader_is_given_up(sent, caplog):
    caplog.set_level(logging.CRITICAL, "kyoten.post")
    mail = receive(b"From: a@b\r\n\r\n1", source="test", at=AT)
    InboundMail.objects.update(tries=3)
    read_new(AT)
    mail.refresh_from_db()
    assert (mail.state, mail.problem, mail.text) == ("attention", UNREADABLE, "")


def test_taking_a_mail_is_part_of_the_act_and_happens_once(sent):
    mail = arrive(f"In-Reply-To: {sent.message_id}")
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        take(mail, kind="inquiry", record_id=5, at=AT)
        raise ZeroDivisionError
    assert list(InboundMail.objects.replies()) == [mail]
    with transaction.atomic():
        take(mail, kind="inquiry", record_id=5, at=AT)
    with pytest.raises(Refused, match="すでにほかの方が処理しています"), transaction.atomic():
        take(mail, kind="inquiry", record_id=6, at=AT)
    mail.refresh_from_db()
    assert (mail.state, mail.taken_at, mail.taken_kind, mail.taken_id) == ("taken", AT, "inquiry", 5)


@pytest.mark.django_db(transaction=True)
def test_taking_outside_a_transaction_is_an_error():
    mail = receive(b"From: a@b\r\n\r\n1", source="test", at=AT)
    with pytest.raises(RuntimeError):
        take(mail, kind="inquiry", record_id=5, at=AT)
    mail.refresh_from_db()
    assert mail.state == "new"


def test_an_answer_nobody_understands_is_set_aside_for_a_person(sent):
    mail = arrive(f"In-Reply-To: {sent.message_id}")
    need_attention(mail, "回答の内容を読み取れませんでした。")
    assert list(InboundMail.objects.replies()) == []
    assert [m.problem for m in InboundMail.objects.attention()] == ["回答の内容を読み取れませんでした。"]


def test_the_files_of_a_mail(sent):
    text = "--b\r\nContent-Type: text/plain\r\n\r\n送ります\r\n--b\r\nContent-Type: application/pdf\r\n"
    text += "Content-Disposition: attachment; filename*=utf-8''%E7%94%B3%E8%BE%BC%E6%9B%B8.pdf\r\n"
    text += "Content-Transfer-Encoding: base64\r\n\r\nJVBERg==\r\n--b--"
    mail = arrive(f"In-Reply-To: {sent.message_id}", kind="multipart/mixed; boundary=b", text=text)
    assert mail.attachment_names == "申込書.pdf"
    assert [(file.name, file.content_type, file.data) for file in enclosed(mail)] == [
        ("申込書.pdf", "application/pdf", b"%PDF")
    ]

"""利益相反 and mail: what could not be delivered, what came back, and what is counted of it."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from kyoten.calls.actions import gathering, selecting
from kyoten.calls.models import Application
from kyoten.inquiries.actions import take_replies
from kyoten.inquiries.models import MailAnswer
from kyoten.post import mime
from kyoten.post.actions import receive, resend
from kyoten.post.inbox import read_new
from kyoten.post.models import InboundMail, OutboundMail
from kyoten.records.models import Attachment
from kyoten.web.rounds import other_answers_by_mail
from tests.flows import calling
from tests.pages.test_attack_access import PLACE, read, two_forwarded
from tests.world import login

pytestmark = pytest.mark.django_db
ABOUT = {"seat_secretariat": 2, "seat_secretariat2": 5}  # who has the conflict sees 柏市's only


def answers(pk):
    """The pages of an answer to a mail of ours: list, mail, file, act."""
    named = [reverse(f"post:attention_{name}", args=[pk]) for name in ("mail", "file", "settle")]
    return reverse("post:attention"), *named


def unasked(pk):
    """Those of what came of its own accord."""
    return (
        reverse("sorting:list"), reverse("sorting:mail", args=[pk]), reverse("sorting:file", args=[pk, 0]),
        reverse("sorting:settle", args=[pk]),
    )  # fmt: skip


@pytest.fixture(autouse=True)
def in_time(clock, settings):
    settings.ALLOWED_HOSTS = ["testserver"]
    clock(calling.ANNOUNCING)


@pytest.fixture
def undelivered(world):
    """The results of two cases, none of the mails delivered: two to each applicant, one to the prefecture."""
    call, secret, other, _ = two_forwarded(world)
    for application in (secret, other):
        selecting.decide(application, "declined", "x", by=world.seat_secretariat2, at=calling.SELECTING)
    selecting.declare_conflict(
        secret, world.seat_secretariat.person, "委員", by=world.seat_secretariat2, at=calling.SELECTING
    )
    selecting.announce(call, calling.letters(world), document_number="事務連絡", decided_on=calling.SELECTING.date(),
                       by=world.seat_secretariat2, at=calling.ANNOUNCING)  # fmt: skip
    mails = OutboundMail.objects.filter(key__startswith="result:")
    mails.update(state="failed", attempts=1, failed_at=calling.ANNOUNCING, last_reply="550 5.1.1 no such user")
    return secret


def hidden_of(application):
    """The failed mails that tell of this case: its two, and the prefecture's with all of its results."""
    return list(OutboundMail.objects.filter(key=f"result:{application.pk}", state="failed")) + list(
        OutboundMail.objects.filter(key__startswith="result:prefecture:", state="failed")
    )


@pytest.mark.parametrize(("name", "count"), ABOUT.items())
def test_undelivered_mails_of_the_case_are_neither_listed_nor_counted(world, undelivered, name, count):
    client = login(Client(), getattr(world, name))
    page = client.get(reverse("post:failures"))
    assert page.context["page"].paginator.count == count
    assert [item.badge for item in page.context["menu"] if item.url == reverse("post:failures")] == [count]
    assert f"{count}件" in client.get("/").text
    seen = [url for mail in hidden_of(undelivered) if PLACE in client.get(url := reverse("post:failure", args=[mail.pk])).text]  # fmt: skip
    assert len(seen) == (0 if name == "seat_secretariat" else 3)


def test_an_undelivered_mail_of_the_case_does_not_exist_for_who_has_the_conflict(world, undelivered):
    client = login(Client(), world.seat_secretariat)
    nothing = client.get(reverse("post:failure", args=[987654])).content
    for mail in hidden_of(undelivered):
        assert client.get(reverse("post:failure", args=[mail.pk])).content == nothing
        for act in ("failure_resend", "failure_settle"):
            response = client.post(reverse(f"post:{act}", args=[mail.pk]), {"to": "x@example.jp"})
            assert (response.status_code, response.content) == (404, nothing)
    assert OutboundMail.objects.filter(state="failed", settled_at=None).count() == 5


def test_a_mail_tried_again_and_again_is_hidden_too(world, undelivered):
    OutboundMail.objects.filter(state="failed").update(state="queued", last_reply="450 later")
    counts = [
        len(login(Client(), getattr(world, name)).get(reverse("post:failures")).context["delayed"]) for name in ABOUT
    ]
    assert counts == list(ABOUT.values())


def test_a_mail_sent_again_tells_of_the_same_cases(world, undelivered):
    mail = OutboundMail.objects.get(key__startswith="result:prefecture:")
    again = resend(mail, to="new@chiba.example.jp", by=world.seat_secretariat2.actor(), at=calling.ANNOUNCING)
    OutboundMail.objects.filter(pk=again.pk).update(state="failed", failed_at=calling.ANNOUNCING)
    url = reverse("post:failure", args=[again.pk])
    assert login(Client(), world.seat_secretariat).get(url).status_code == 404
    assert PLACE in login(Client(), world.seat_secretariat2).get(url).text


@pytest.mark.parametrize("which", ["result:{}", "result:prefecture:"])
def test_an_answer_to_a_mail_of_the_case_is_hidden(world, undelivered, which):
    mail = OutboundMail.objects.filter(key__startswith=which.format(undelivered.pk)).first()
    receive(mime.answer(mail, f"{PLACE}について", [], at=calling.ANNOUNCING), source="imap", at=calling.ANNOUNCING)
    read_new(calling.ANNOUNCING)
    other_answers_by_mail(calling.ANNOUNCING)
    assert_hidden(world, InboundMail.objects.get())


def test_what_the_people_of_the_case_write_unasked_is_hidden(world, undelivered):
    mail = hidden_of(undelivered)[0]
    raw = f"From: {mail.to.upper()}\r\nTo: zaitaku@example.jp\r\nSubject: hello\r\n\r\nhello\r\n".encode()
    receive(raw, source="imap", at=calling.ANNOUNCING)
    read_new(calling.ANNOUNCING)
    assert_hidden(world, InboundMail.objects.get(), unasked)


def test_what_a_stranger_writes_is_hidden_from_nobody(world, undelivered):
    receive(b"From: a@example.jp\r\nTo: zaitaku@example.jp\r\nSubject: hello\r\n\r\nhello\r\n", source="imap", at=calling.ANNOUNCING)  # fmt: skip
    read_new(calling.ANNOUNCING)
    assert [len(login(Client(), getattr(world, n)).get(reverse("sorting:list")).context["page"]) for n in ABOUT] == [1, 1]  # fmt: skip


def assert_hidden(world, mail, pages=answers):
    listing, shown, whole, settle = pages(mail.pk)
    client, colleague = login(Client(), world.seat_secretariat), login(Client(), world.seat_secretariat2)
    nothing = client.get(reverse("post:attention_mail", args=[987654])).content
    for url, words in ((shown, "メールの原本"), (whole, "Subject: ")):
        assert client.get(url).content == nothing
        assert words in read(colleague.get(url))
    assert client.post(settle).content == nothing
    mail.refresh_from_db()
    assert mail.state == "attention"
    assert [len(c.get(listing).context["page"]) for c in (client, colleague)] == [0, 1]
    badges = [
        sum(item.badge for item in c.get("/").context["menu"] if item.url == listing) for c in (client, colleague)
    ]
    assert badges == [0, 1]


# ---- while the organiser types the case in, and what the prefecture sent of it ----------------------


@pytest.fixture
def typed_in(world, clock):
    """A form that 千葉県 sent by mail is being typed in for 松戸市; one colleague declares a conflict of interest."""
    clock(calling.SELECTING)
    call = calling.asked(world)
    case = calling.case(call, world.chiba)
    mail = OutboundMail.objects.get(about_kind="addressee", about_id=case.pk)
    files = [("申込書.txt", PLACE.encode())]
    receive(mime.answer(mail, f"{PLACE}の申込書です", files, at=calling.GATHERING), source="imap", at=calling.GATHERING)
    read_new(calling.GATHERING)
    take_replies(at=calling.GATHERING)
    note = MailAnswer.objects.get()
    url = reverse("calls:proxy_from_mail", args=[call.slug, note.pk])
    login(Client(), world.seat_secretariat2).post(url, {"applicant": world.matsudo.pk, "file": 0})
    return call, note, Application.objects.get()


def of_the_entry(call, note, application):
    pk, slug = application.pk, call.slug
    files = [reverse("calls:file", args=[pk, f.pk]) for f in Attachment.objects.of("application", pk)]
    return [
        reverse("calls:edit", args=[pk]), reverse("calls:submit", args=[pk]), reverse("calls:take_in", args=[pk]),
        reverse("calls:conflict", args=[pk]), reverse("calls:paper", args=[pk, "docx"]), *files,
        reverse("calls:proxy_from_mail", args=[slug, note.pk]), reverse("inquiries:mail_file", args=[note.pk, 1]),
    ]  # fmt: skip


def test_a_case_still_being_typed_in_is_hidden_from_who_declares_a_conflict(world, typed_in):
    call, note, application = typed_in
    client = login(Client(), world.seat_secretariat)
    urls = of_the_entry(call, note, application)
    assert len(urls) == 8
    assert {url: read_status(client.get(url)) for url in urls} == dict.fromkeys(urls, 200)
    client.post(reverse("calls:conflict", args=[application.pk]), {"person": world.seat_secretariat.person_id, "reason": "委員"})  # fmt: skip
    assert application.conflicts.count() == 1
    assert {url: read_status(client.get(url)) for url in urls} == dict.fromkeys(urls, 404)
    colleague = login(Client(), world.seat_secretariat2)
    assert {url: read_status(colleague.get(url)) for url in urls} == dict.fromkeys(urls, 200)


def test_who_has_a_conflict_adds_nothing_to_the_case(world, typed_in):
    call, _, application = typed_in
    selecting.declare_conflict(application, world.seat_secretariat.person, "委員", by=world.seat_secretariat,
                               at=calling.SELECTING)  # fmt: skip
    before = Attachment.objects.of("application", application.pk).count()
    data = {"applicant": world.matsudo.pk, "source": "mail", "original": SimpleUploadedFile("b.txt", b"x")}
    login(Client(), world.seat_secretariat).post(reverse("calls:proxy", args=[call.slug]), data)
    assert Attachment.objects.of("application", application.pk).count() == before


def test_open_replies_of_the_prefecture_are_neither_shown_nor_counted(world, typed_in):
    call, note, application = typed_in
    MailAnswer.objects.update(settled_at=None)
    pages = [reverse("calls:show", args=[call.slug]), reverse("inquiries:asked", args=[call.inquiry_id]), "/"]
    client = login(Client(), world.seat_secretariat)
    words = [f"{PLACE}の申込書です", f"{PLACE}の申込書です", "返信メールの内容の確認"]
    assert [word in client.get(url).text for url, word in zip(pages, words, strict=True)] == [True, True, True]
    selecting.declare_conflict(application, world.seat_secretariat.person, "委員", by=world.seat_secretariat,
                               at=calling.SELECTING)  # fmt: skip
    assert [word in client.get(url).text for url, word in zip(pages, words, strict=True)] == [False, False, False]
    client.post(reverse("inquiries:settle_mail", args=[note.pk]))
    note.refresh_from_db()
    assert note.settled_at is None


def test_a_late_acceptance_names_its_body_to_nobody_with_a_conflict(world, typed_in):
    call, _, application = typed_in
    for body in (world.matsudo, world.kashiwa):
        gathering.allow_late(call, body, f"{body}の豪雨", by=world.seat_secretariat2, at=calling.SELECTING)
    selecting.declare_conflict(application, world.seat_secretariat.person, "委員", by=world.seat_secretariat,
                               at=calling.SELECTING)  # fmt: skip
    url = reverse("calls:show", args=[call.slug])
    for name, sees in (("seat_secretariat", [False, True]), ("seat_secretariat2", [True, True])):
        text = login(Client(), getattr(world, name)).get(url).text
        assert [f"{body}の期限後の提出" in text for body in (world.matsudo, world.kashiwa)] == sees
        assert [f"{body}の豪雨" in text for body in (world.matsudo, world.kashiwa)] == sees


def read_status(response) -> int:
    read(response)
    return response.status_code

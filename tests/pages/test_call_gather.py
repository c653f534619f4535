"""管内のとりまとめ on screen: what can be done stands above the list, and whom the mail did not reach is marked."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from kyoten.calls.actions import applying, gathering
from kyoten.inquiries.actions import settle_mail
from kyoten.inquiries.models import MailAnswer
from kyoten.organisations.models import Seat, Section
from kyoten.post.models import OutboundMail
from tests.flows import calling
from tests.world import AT, login

pytestmark = pytest.mark.django_db
GATHER = reverse("calls:gather", args=["r7-zaitaku"])


def fail(call, *bodies) -> list[OutboundMail]:
    rows = OutboundMail.objects.filter(about_kind="addressee", about_id__in=[calling.case(call, b).pk for b in bodies])
    rows.update(state="failed", failed_at=AT, last_reply="550 5.1.1 no such user")
    return list(rows.order_by("pk"))


@pytest.fixture
def asked(world, clock):
    clock(calling.WRITING)
    return calling.asked(world)


def test_what_can_be_done_stands_above_the_list(world, asked):
    page = login(Client(), world.seat_chiba).get(GATHER).text
    before, table = page[: page.index("<table")], page[page.index("<table") :]
    for name in ("inquiries:telephone", "inquiries:remind"):
        assert reverse(name, args=[calling.case(asked, world.matsudo).inquiry_id]) in before
    assert [words in before for words in ("対応</h2>", "選んだ団体へ再依頼", "代行入力", "照会先の追加")] == [True] * 4
    assert "再依頼</button>" not in table


def test_a_form_begun_by_proxy_is_counted_among_the_overdue(world, asked, clock):
    by, town = world.seat_chiba, world.kamagaya
    applying.start(asked, municipalities=[town], applicant=town, proxy="prefecture", by=by, at=calling.WRITING)
    clock(calling.GATHERING)
    response = login(Client(), by).get(GATHER)
    rows = [row for row in response.context["rows"] if row.purpose == "answer"]
    assert [row.shown[0] for row in rows if row.organisation == town] == ["期限超過"]
    assert {part["label"]: part["count"] for part in response.context["counts"] if part["count"]} == {
        "期限超過": len(rows)
    }


def test_a_reply_nobody_looked_at_is_told_before_the_gathering_is_frozen(world, asked):
    client, page = login(Client(), world.seat_chiba), reverse("calls:prepare", args=[asked.slug])
    row = calling.case(asked, world.kamagaya)
    told = "<h2>確認していない返信メールが 1 件あります</h2>"
    assert told not in client.get(page).text
    mail = {"addressee": row, "sender": "a@example.jp", "text": "?", "received_at": calling.WRITING}
    note = MailAnswer.objects.create(mail_id=1, **mail)
    assert told in client.get(page).text
    settle_mail(note, by=world.seat_chiba, at=calling.WRITING)
    assert told not in client.get(page).text


def test_the_list_says_of_which_application_the_receipt_is_not_written_down(world, clock):
    clock(calling.SELECTING)
    application = calling.forwarded(world)
    page = reverse("calls:applications", args=[application.call.slug])
    tag = f'<a href="{reverse("calls:take_in", args=[application.pk])}">'
    assert tag in login(Client(), world.seat_secretariat).get(page).text
    assert tag not in login(Client(), world.seat_chiba).get(page).text
    day, by = calling.GATHERING.date(), world.seat_secretariat
    gathering.take_in(application, receipt_number="", received_on=day, by=by, at=calling.SELECTING)
    assert tag not in login(Client(), world.seat_secretariat).get(page).text


def test_the_organisers_acts_stand_above_the_list_too(world, asked):
    page = login(Client(), world.seat_secretariat).get(reverse("calls:show", args=[asked.slug])).text
    acts = [reverse(f"calls:{name}", args=[asked.slug]) for name in ("board", "proxy", "late", "announce")]
    assert [page.index(f'href="{act}"') < page.index("<table") for act in acts] == [True] * 4


def test_whom_the_mail_did_not_reach_is_marked(world, asked):
    [mail] = fail(asked, world.kashiwa)
    client = login(Client(), world.seat_chiba)
    failure = reverse("post:failure", args=[mail.pk])
    assert client.get(GATHER).text.count("未達</span>") == 1
    assert f'href="{failure}"' in client.get(GATHER).text
    assert reverse("organisations:address_edit", args=[world.section_kashiwa.pk]) in client.get(failure).text
    client.post(reverse("post:failure_settle", args=[mail.pk]))
    assert "未達</span>" not in client.get(GATHER).text


def test_another_section_of_the_prefecture_sees_the_mark_but_has_no_page_to_open(world, asked):
    [mail] = fail(asked, world.kashiwa)
    other = Section.objects.create(organisation=world.chiba, name="高齢者福祉課", email="korei@chiba.example.jp")
    seat = Seat.objects.create(person=world.seat_chiba.person, section=other, role=Seat.Role.OFFICER)
    page = login(Client(), seat).get(GATHER).text
    assert ("未達</span>" in page, reverse("post:failure", args=[mail.pk]) in page) == (True, False)


def test_many_failures_cost_the_queries_of_one(world, asked):
    client = login(Client(), world.seat_chiba)
    fail(asked, world.kashiwa)
    client.get(GATHER)
    with CaptureQueriesContext(
        connection,
    ) as one:
        client.get(GATHER)
    fail(asked, world.matsudo, world.kamagaya)
    with CaptureQueriesContext(connection) as three:
        assert client.get(GATHER).text.count("未達</span>") == 3
    assert len(three) == len(one)

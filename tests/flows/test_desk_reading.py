"""だれが見たか: every read of a case, found by case, by caller and by officer, fast among many."""

from datetime import datetime, timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from kyoten.consultations.actions.reading import readings, understood
from kyoten.post.models import InboundMail, OutboundMail
from kyoten.records.actions import log_access
from kyoten.records.models import AccessLog
from kyoten.rules.clock import JST
from tests.flows import desking, knowing
from tests.world import login

pytestmark = pytest.mark.django_db
DAY = datetime(2025, 7, 22, 9, 0, tzinfo=JST)


def read(case, seat, at=DAY, what="相談"):
    log_access("consultation", case.pk, by=seat.actor(), at=at, what=what)


def who_saw(*args: str) -> list[str]:
    out = StringIO()
    call_command("who-saw", *args, stdout=out)
    return out.getvalue().splitlines()


@pytest.fixture
def cases(world):
    one, two = desking.taken(world), desking.taken(world, "別の件", sender="b@kashiwa.example.jp")
    read(one, world.seat_secretariat)
    read(one, world.seat_secretariat2, DAY + timedelta(days=1), "相談の添付")
    read(two, world.seat_secretariat, DAY + timedelta(days=2))
    return one, two


FIRST = "2025-07-22 09:00:00\tR7-0001\t相談\t伴走支援 事務局\t事務局\t中村 彩"
SECOND = "2025-07-23 09:00:00\tR7-0001\t相談の添付\t伴走支援 事務局\t事務局\t大野 直樹"
THIRD = "2025-07-24 09:00:00\tR7-0002\t相談\t伴走支援 事務局\t事務局\t中村 彩"


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        (["R7-0001"], [FIRST, SECOND, "2件"]),
        (["chiiki@matsudo.example.jp"], [FIRST, SECOND, "2件"]),
        (["jimukyoku"], [FIRST, THIRD, "2件"]),
        (["大野 直樹"], [SECOND, "1件"]),
        (["大野直樹"], [SECOND, "1件"]),
        (["ｒ７-0001"], [FIRST, SECOND, "2件"]),
        (["R7-0001", "--from", "2025-07-23"], [SECOND, "1件"]),
        (["R7-0001", "--to", "2025-07-22"], [FIRST, "1件"]),
        (["R7-0001", "--from", "2025-07-24"], ["0件"]),
    ],
)
def test_the_command_lists_the_reads_of_a_case_a_caller_or_an_officer(cases, args, expected):
    assert who_saw(*args) == expected


def test_a_name_nobody_has_and_a_wrong_day_are_said_so(cases):
    with pytest.raises(CommandError, match="当たる受付番号、相談者、職員はありません"):
        who_saw("だれでもない")
    with pytest.raises(CommandError, match="2025-07-22 の形"):
        who_saw("R7-0001", "--from", "昨日")


def test_opening_a_case_is_logged(world, clock):
    clock(DAY)
    case = desking.taken(world)
    login(Client(), world.seat_secretariat).get(reverse("consultations:case", args=[case.pk]))
    assert [(row.record_id, row.seat_id, row.what) for row in AccessLog.objects.all()] == [
        (case.pk, world.seat_secretariat.pk, "相談")
    ]


def test_words_of_a_case_on_a_page_of_the_search_are_a_read_of_it_once_a_day(world, clock):
    clock(DAY)
    case = desking.taken(world)
    desking.taken(world, "別の件", sender="b@kashiwa.example.jp")
    client, url = login(Client(), world.seat_secretariat), reverse("consultations:list")
    for words in ("人工呼吸器", "受入れ", "どこにもない"):
        client.get(url, {"words": words})
    client.get(url)  # the list itself shows no words of a case
    line, count = who_saw("R7-0001")
    assert line.split("\t")[1:] == [
        "R7-0001",
        "検索結果",
        "伴走支援 事務局",
        "事務局",
        "中村 彩",
    ]  # the clock goes on: no second
    assert count == "1件"
    assert who_saw("R7-0002") == ["0件"]
    clock(DAY + timedelta(days=1))
    client.get(url, {"words": "人工呼吸器"})
    assert AccessLog.objects.filter(record_id=case.pk).count() == 2


def test_the_pages_that_show_a_case_elsewhere_log_it_too(world, clock):
    clock(DAY)
    case = knowing.mailed(world)
    mail = OutboundMail.objects.of("consultation", case.pk).get()
    OutboundMail.objects.filter(pk=mail.pk).update(state="failed", failed_at=DAY, from_section_id=case.section_id)
    came = InboundMail.objects.get()
    InboundMail.objects.filter(pk=came.pk).update(sort="desk")
    client = login(Client(), world.seat_secretariat)
    for url in (
        reverse("consultations:propose", args=[case.pk]), reverse("post:failure", args=[mail.pk]),
        reverse("sorting:mail", args=[came.pk]),
    ):  # fmt: skip
        assert client.get(url).status_code == 200
    rows = AccessLog.objects.filter(kind="consultation", record_id=case.pk).order_by("pk")
    assert [row.what for row in rows] == ["事例の提案", "送信できなかったメール", "受信メールの本文"]


def test_a_reading_is_found_among_many_others(world):
    case = desking.taken(world)
    rows = [
        AccessLog(kind="consultation", record_id=1_000_000 + n % 5000, seat_id=1_000_000 + n % 50, at=DAY, recorded_at=DAY, person="x")
        for n in range(5000)
    ]  # fmt: skip
    AccessLog.objects.bulk_create(rows)
    read(case, world.seat_secretariat)
    found = [
        row.number for who in ("R7-0001", "chiiki@matsudo.example.jp", "jimukyoku") for row in readings(understood(who))
    ]
    assert found == ["R7-0001"] * 3


def test_the_page_is_for_managers_of_the_desk_and_shows_its_own_cases_only(world, clock):
    clock(DAY)
    at = knowing.hub(world)
    ours, theirs = knowing.asked(at), desking.taken(world)
    read(ours, at.officer)
    read(theirs, world.seat_secretariat)
    url, client = reverse("consultations:readers"), Client()
    assert login(client, at.officer).get(url, {"who": ours.number}).status_code == 404
    login(client, at.manager)
    assert "伊藤 葵" in client.get(url, {"who": ours.number}).content.decode()
    for who in (theirs.number, "jimukyoku", "chiiki@matsudo.example.jp"):
        assert "見つかりません" in client.get(url, {"who": who}).content.decode()

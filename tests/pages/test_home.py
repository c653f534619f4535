"""ホーム: what needs doing by due date, what was asked of others, the menu around it."""

import re
from datetime import datetime, timedelta

import pytest
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from kyoten.calls.actions import applying, gathering
from kyoten.inquiries.actions import Ask, answer, ask
from kyoten.inquiries.models import Addressee, MailAnswer
from kyoten.organisations.models import AddressConfirmation, Section
from kyoten.post.actions import send
from kyoten.post.models import OutboundMail
from kyoten.rules.clock import JST
from kyoten.web import todo
from tests.flows import calling
from tests.world import login

pytestmark = pytest.mark.django_db
TITLE = "在宅医療の拠点整備・運用に向けた伴走支援 公募"


def tasks(seat, at):
    return [(task.title, task.due and task.due.astimezone(JST).date().isoformat(), task.state[0], task.act, task.url)
            for task in todo.tasks(todo.Desk(seat, at))]  # fmt: skip


def waiting(seat, at):
    return [(row.title, row.to, row.state[0], row.overdue) for row in todo.asked(todo.Desk(seat, at))]


def asks(seat, to, number, at=calling.ASKING):
    what = Ask(
        programme="other",
        title=f"調査{number}",
        covering_text="",
        due=at + timedelta(days=number + 1),
        silence="must_answer",
    )
    return ask(what, to=to, by=seat, at=at)


# ---- each kind of body ------------------------------------------------------------------------


def test_the_secretariat_is_reminded_of_a_call_to_open(world):
    link = reverse("calls:open", args=["r7-zaitaku"])
    assert tasks(world.seat_secretariat, world.at) == [(TITLE, "2025-06-27", "公募の開始前", "公募を開始する", link)]
    calling.opened(world)
    assert tasks(world.seat_secretariat, calling.ASKING) == []
    assert waiting(world.seat_secretariat, calling.ASKING) == [(TITLE, "2団体", "未回答 2団体", False)]


def test_a_prefecture_asks_gathers_and_sends(world):
    call = calling.opened(world)
    slug = call.slug
    asking = (TITLE, "2025-07-31", "未読", "管内へ照会する", reverse("calls:ask", args=[slug]))
    assert tasks(world.seat_chiba, calling.ASKING) == [asking]
    calling.asked(world, call)
    gather = reverse("calls:gather", args=[slug])
    assert tasks(world.seat_chiba, calling.WRITING) == [
        (TITLE, "2025-07-31", "提出済 0件・未回答 3団体", "とりまとめる", gather)
    ]
    application = calling.submitted(world, call)
    assert tasks(world.seat_chiba, calling.WRITING) == [
        (TITLE, "2025-07-31", "提出済 1件・未回答 2団体", "とりまとめる", gather)
    ]
    calling.with_officer(world, application)
    bundle = calling.prepared(world, call)
    carry_out = (TITLE, "2025-07-31", "決裁待ち", "提出する", reverse("calls:bundle", args=[bundle.pk]))
    assert tasks(world.seat_chiba, calling.GATHERING) == [carry_out]
    gathering.carry_out(
        bundle, decided_on=calling.GATHERING.date(), document_number="1", by=world.seat_chiba, at=calling.GATHERING
    )
    assert tasks(world.seat_chiba, calling.GATHERING) == []


def test_a_municipality_answers_writes_and_waits(world):
    call = calling.asked(world)
    show = reverse("calls:show", args=[call.slug])
    assert tasks(world.seat_matsudo, calling.WRITING) == [(TITLE, "2025-07-24", "未読", "回答する", show)]
    application = calling.drafted(world, call)
    edit = reverse("calls:edit", args=[application.pk])
    assert tasks(world.seat_matsudo, calling.WRITING) == [(TITLE, "2025-07-24", "作成中", "続きを書く", edit)]
    assert tasks(world.seat_kashiwa, calling.WRITING) == [(TITLE, "2025-07-24", "未読", "回答する", show)]
    applying.submit(application, by=world.seat_matsudo, at=calling.WRITING)
    assert tasks(world.seat_matsudo, calling.WRITING) == []
    assert waiting(world.seat_matsudo, calling.WRITING) == [(TITLE, "千葉県", "提出済", False)]


def test_mending_is_due_on_the_day_the_prefecture_named(world):
    application = calling.submitted(world)
    due = datetime(2025, 7, 28, tzinfo=JST).date()
    applying.send_back(application, {"reason": "具体的に"}, due=due, by=world.seat_chiba, at=calling.WRITING)
    edit = reverse("calls:edit", args=[application.pk])
    assert tasks(world.seat_matsudo, calling.WRITING) == [(TITLE, "2025-07-28", "補正依頼中", "補正する", edit)]
    mending = [row for row in waiting(world.seat_chiba, calling.WRITING) if row[1] == "松戸市"]
    assert mending == [(TITLE, "松戸市", "補正依頼中", False)]
    late = [row for row in waiting(world.seat_chiba, calling.GATHERING) if row[1] == "松戸市"]
    assert late == [(TITLE, "松戸市", "期限超過", True)]


def test_the_secretariat_takes_in_decides_and_announces(world):
    application = calling.forwarded(world)
    slug = application.call.slug
    board, announce = reverse("calls:board", args=[slug]), reverse("calls:announce", args=[slug])
    unread = (TITLE, None, "未収受 1件", "確認する", reverse("calls:applications", args=[slug]))
    assert tasks(world.seat_secretariat, calling.GATHERING) == [unread]
    at = calling.SELECTING
    assert tasks(world.seat_secretariat, at) == [(TITLE, "2025-08-14", "未決定 1件", "選定する", board), unread]
    gathering.take_in(application, receipt_number="1", received_on=at.date(), by=world.seat_secretariat, at=at)
    calling.selecting.decide(application, "selected", "体制が整っている。", by=world.seat_secretariat, at=at)
    assert tasks(world.seat_secretariat, at) == [(TITLE, "2025-08-14", "通知待ち", "通知する", announce)]


def test_who_declared_a_conflict_of_interest_does_not_see_the_count(world):
    application = calling.forwarded(world)
    calling.selecting.declare_conflict(
        application, world.seat_secretariat.person, "委員", by=world.seat_secretariat, at=calling.SELECTING
    )
    assert tasks(world.seat_secretariat, calling.SELECTING) == []
    assert len(tasks(world.seat_secretariat2, calling.SELECTING)) == 2


def test_an_association_and_a_stranger_have_nothing_to_do(world):
    calling.submitted(world)
    for seat in (world.seat_association, world.seat_national_association, world.seat_ministry):
        assert (tasks(seat, calling.WRITING), waiting(seat, calling.WRITING)) == ([], [])


def test_a_represented_municipality_has_nothing_to_do(world):
    call = calling.asked(world)
    towns = [world.matsudo, world.kashiwa]
    applying.start(call, municipalities=towns, by=world.seat_matsudo, at=calling.WRITING)
    assert tasks(world.seat_kashiwa, calling.WRITING) == []


def test_other_sections_of_the_body_keep_their_own_home(world):
    calling.asked(world)
    other = world.seat_matsudo2
    other.section = Section.objects.create(organisation=world.matsudo, name="地域包括ケア推進課")
    assert tasks(other, calling.WRITING) == []


# ---- mail and the address list ----------------------------------------------------------------


def test_replies_nobody_could_read_are_shown_to_the_asker(world):
    call = calling.asked(world)
    row = Addressee.objects.get(root=call.inquiry_id, organisation=world.matsudo)
    mail = {"addressee": row, "sender": "a@example.jp", "text": "?", "received_at": calling.WRITING}
    MailAnswer.objects.create(mail_id=1, **mail)
    MailAnswer.objects.create(mail_id=2, **mail)
    MailAnswer.objects.create(mail_id=3, **mail, settled_at=calling.WRITING)
    found = [task for task in tasks(world.seat_chiba, calling.WRITING) if task[3] == "確認する"]
    assert found == [(TITLE, None, "要確認 2件", "確認する", reverse("calls:gather", args=[call.slug]))]
    assert [task for task in tasks(world.seat_matsudo, calling.WRITING) if task[3] == "確認する"] == []


def test_failed_mail_is_shown_in_menu_and_home_of_the_sender_only(world, client):
    send(to=["nowhere"], subject="x", text="x", at=world.at, key="k", by=None, section_id=world.section_chiba.pk)
    assert OutboundMail.objects.get().state == "failed"
    page = login(client, world.seat_chiba).get("/").content.decode()
    assert page.count(reverse("post:failures")) >= 3
    assert reverse("post:failures") not in login(client, world.seat_saitama).get("/").content.decode()


def test_the_april_confirmation_waits_until_it_is_answered(world):
    row = AddressConfirmation.objects.create(section=world.section_matsudo, fiscal_year=2025, asked_at=world.at)
    link = reverse("organisations:address_edit", args=[world.section_matsudo.pk])
    wanted = ("令和7年度　連絡先の確認", None, "未回答", "回答する", link)
    assert tasks(world.seat_matsudo, world.at) == [wanted]
    AddressConfirmation.objects.filter(pk=row.pk).update(answered_at=world.at)
    assert tasks(world.seat_matsudo, world.at) == []


# ---- order, numbers, the page -----------------------------------------------------------------


def test_the_nearest_date_comes_first_and_what_is_overdue_before_it(world):
    for number in (5, 1, 3):
        asks(world.seat_chiba, [world.matsudo, world.kashiwa], number)
    at = calling.ASKING + timedelta(days=3)
    assert [task.title for task in todo.tasks(todo.Desk(world.seat_matsudo, at))] == ["調査1", "調査3", "調査5"]
    first = Addressee.objects.get(inquiry__title="調査1", organisation=world.matsudo)
    answer(first, "not_applicable", by=world.seat_matsudo, at=calling.ASKING)
    assert waiting(world.seat_chiba, at) == [
        ("調査1", "2団体", "期限超過 1団体", True),
        ("調査3", "2団体", "未回答 2団体", False),
        ("調査5", "2団体", "未回答 2団体", False),
    ]


def home_queries(client, connection) -> int:
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert client.get("/").status_code == 200
    return len(queries)


@pytest.mark.parametrize("name", ["seat_matsudo", "seat_chiba", "seat_secretariat"])
def test_home_costs_the_same_for_one_row_and_for_thirty(world, client, name):
    from django.db import connection

    calling.submitted(world)
    asks(world.seat_chiba, [world.matsudo], 1)
    asks(world.seat_secretariat, [world.chiba], 1)
    login(client, getattr(world, name)).get("/")
    one = home_queries(client, connection)
    for number in range(2, 31):
        asks(world.seat_chiba, [world.matsudo], number)
        asks(world.seat_secretariat, [world.chiba], number)
    assert home_queries(client, connection) == one


def test_an_empty_home_says_so(world, client):
    page = login(client, world.seat_kashiwa).get("/").content.decode()
    assert "いま対応が必要な案件はありません" in page
    assert "回答や確認を待っているものはありません" in page


def test_a_person_without_a_seat_is_told_whom_to_ask(world, client):
    login(client, world.seat_kashiwa)
    type(world.seat_kashiwa).objects.filter(pk=world.seat_kashiwa.pk).update(ended_at=world.at)
    response = client.get("/")
    assert (response.status_code, "いまお使いになれる席がありません" in response.content.decode()) == (200, True)


def menu_of(client, seat) -> list[str]:
    page = login(client, seat).get("/").content.decode()
    nav = page[page.index('aria-label="主なメニュー"') :]
    return re.findall(r'<a href="[^"]+"[^>]*>([^<]+)', nav[: nav.index("</nav>")])


def test_the_menu_holds_what_the_seat_may_open(world, client):
    everyone = ["ホーム", "公募・申込", "通知・照会", "連絡先", "圏域・拠点", "職員（席）", "所管課"]
    assert menu_of(client, world.seat_matsudo) == everyone
    assert menu_of(client, world.seat_secretariat) == [*everyone, "事業設定", "受信箱の振り分け"]
    assert menu_of(client, world.seat_ministry) == [*everyone, "事業設定"]


def test_the_version_is_that_of_the_changelog(world, client):
    assert "版 0.1.0" in login(client, world.seat_matsudo).get("/").content.decode()

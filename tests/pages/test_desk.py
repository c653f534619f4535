"""The desk's pages: lists, what a refusal keeps, who sees a case, what a read leaves behind."""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from kyoten.consultations.actions import answering, handling
from kyoten.consultations.models import Callback, Consultation
from kyoten.consultations.views.lists import ORDERS
from kyoten.post.models import OutboundMail
from kyoten.records.models import AccessLog
from kyoten.web import todo_desk
from tests.flows import desking
from tests.flows.desking import TUESDAY
from tests.world import login

pytestmark = pytest.mark.django_db


@pytest.fixture
def office(client, world, clock):
    clock(TUESDAY)
    login(client, world.seat_secretariat)
    return client


def case_url(case, name="case", **more):
    return reverse(f"consultations:{name}", args=[case.pk, *more.values()])


def test_an_empty_inbox_says_what_to_do(office):
    page = office.get(reverse("consultations:list")).content.decode()
    assert "この条件に合う相談はありません" in page
    assert f'href="{reverse("consultations:log", args=["r7-zaitaku"])}"' in page


@pytest.mark.parametrize("act", ["assigning", "describe", "referring", "calling"])
def test_a_label_belongs_to_one_field_of_the_page(office, world, act):
    page = office.get(case_url(desking.taken(world)), {"act": act}).text
    ids = re.findall(r' id="([^"]+)"', page)
    assert "answer_text" in ids and sorted(ids) == sorted(set(ids))


def test_the_views_of_the_inbox(office, world):
    mine, free = desking.taken(world), desking.taken(world, "別の照会です。")
    handling.assign(mine, world.seat_secretariat, by=world.seat_secretariat, at=TUESDAY)
    closed = desking.taken(world, "三件目です。")
    handling.close(closed, "案内した。", by=world.seat_secretariat, at=TUESDAY)

    def shown(**query):
        return {row["pk"] for row in office.get(reverse("consultations:list"), query).context["page"].object_list}

    assert shown() == {mine.pk, free.pk}
    assert shown(view="mine") == {mine.pk}
    assert shown(view="free") == {free.pk}
    assert shown(view="all") == {mine.pk, free.pk, closed.pk}
    assert shown(view="overdue") == set()
    assert shown(view="nonsense") == {mine.pk, free.pk}


@pytest.mark.parametrize("length", [120, 121, 500])
def test_a_long_subject_is_cut_in_the_heading_and_stands_whole_above_the_words(office, world, length):
    subject = "長" * length
    page = office.get(case_url(desking.taken(world, subject=subject))).content.decode()
    [heading] = re.findall("<h1>(.*)</h1>", page)
    assert heading == (subject if length == 120 else "長" * 119 + "…")
    assert page.count(f"件名　{subject}</p>") == (length > 120)


@pytest.mark.parametrize("typed", ["Ｒ７－０００２", "ｒ７ー０００２", " r7-0002 "])
def test_the_number_of_a_case_may_come_from_a_japanese_keyboard(office, world, typed):
    case, into = desking.taken(world), desking.taken(world, "別の照会です。")
    office.post(case_url(case, "merge"), {"into": typed})
    case.refresh_from_db()
    assert case.merged_into == into


def test_taking_a_case_a_colleague_has_taken_meanwhile_says_so(office, world):
    case = desking.taken(world)
    colleague = world.seat_secretariat2
    handling.assign(case, colleague, by=colleague, at=TUESDAY)
    page = office.post(
        reverse("consultations:assign", args=[case.pk]), {"mine": "1", "seen": ""}, follow=True
    ).content.decode()
    assert f"いまの担当は{colleague.person.name}さんです" in page
    assert f'name="seen" value="{colleague.pk}"' in page
    case.refresh_from_db()
    assert case.owner == colleague


@pytest.mark.parametrize("order", ["received", "-received", "due", "-due"])
@pytest.mark.parametrize("view", ["open", "all"])
def test_the_pages_of_the_inbox_together_are_the_whole_list_in_its_order(office, world, order, view):
    first = desking.taken(world)
    values = {field.attname: getattr(first, field.attname) for field in Consultation._meta.concrete_fields[1:]}
    Consultation.objects.bulk_create(
        Consultation(**values | {
            "number": f"見本-{n}", "received_at": first.received_at + timedelta(hours=n % 7),
            "due": None if n % 5 == 0 else first.due + timedelta(hours=n % 3),
        })
        for n in range(123)
    )  # fmt: skip
    shown = []
    for number in (1, 2, 3):
        page = office.get(reverse("consultations:list"), {"view": view, "sort": order, "page": number}).context["page"]
        shown += [row["pk"] for row in page.object_list]
    rows = Consultation.objects.order_by(*ORDERS[order])
    assert shown == list(rows.values_list("pk", flat=True))
    assert (page.number, page.paginator.count) == (3, 124)


def test_answering_a_closed_case_again_is_asked_for_like_every_other_act(office, world):
    case = desking.taken(world)
    assert "回答案" in office.get(case_url(case)).content.decode()
    handling.close(case, "案内した。", by=world.seat_secretariat, at=TUESDAY)
    page = office.get(case_url(case)).content.decode()
    assert "<h2>回答案</h2>" not in page
    assert f'href="{case_url(case)}?act=answering#act">もう一度回答する</a>' in page
    page = office.get(case_url(case), {"act": "answering"}).content.decode()
    assert "<h2>回答案</h2>" in page and "もう一度回答する" not in page
    office.post(case_url(case, "draft"), {"subject": "Re: 補足", "text": "補足します。", "do": "save"})
    assert "補足します。" in office.get(case_url(case)).content.decode()


def test_opening_a_case_is_written_down(office, world):
    case = desking.taken(world)
    assert office.get(case_url(case)).status_code == 200
    assert [(row.record_id, row.what) for row in AccessLog.objects.filter(kind="consultation")] == [(case.pk, "相談")]


def test_a_telephone_call_is_taken_in_and_a_callback_promised(office, world):
    url = reverse("consultations:log", args=["r7-zaitaku"])
    data = {
        "way": "phone", "at": "2025-07-22T09:20", "body_name": "柏市", "person_name": "森田 健", "phone": "04-0000-0000",
        "text": "夜間の輪番の例を知りたい。\n担当が不在。", "subjects": ["emergency"], "callback_at": "2025-07-22T14:00",
        "callback_note": "輪番の件", "mine": "on",
    }  # fmt: skip
    response = office.post(url, data)
    case = Consultation.objects.get()
    assert response.url == case_url(case)
    assert (case.subject, case.way, case.owner) == ("夜間の輪番の例を知りたい。", "phone", world.seat_secretariat)
    row = Callback.objects.get()
    assert (f"{row.at.astimezone(TUESDAY.tzinfo):%H:%M}", row.note) == ("14:00", "輪番の件")


def test_what_was_typed_stays_on_a_page_that_refuses(office, world):
    url = reverse("consultations:log", args=["r7-zaitaku"])
    page = office.post(
        url, {"way": "phone", "at": "2025-07-23T09:20", "text": "まだ来ていない時刻の相談"}
    ).content.decode()
    assert "受付日時がいまより後になっています" in page
    assert "まだ来ていない時刻の相談" in page
    case = desking.taken(world)
    page = office.post(case_url(case, "refer"), {"to_name": "x", "to_email": "あ", "text": "長い質問"}).content.decode()
    assert "照会先のメールアドレスの形が正しくありません" in page
    assert "長い質問" in page


def test_what_waits_for_approval_stands_at_home_with_the_day_it_is_due(office, world):
    case = desking.taken(world)
    office.post(case_url(case, "draft"), {"subject": "Re", "text": "回答です。", "do": "approval"})
    title = "承認待ちの回答案"
    lines = [[line for line in todo_desk.lines(seat, TUESDAY) if line["title"] == title]
             for seat in (world.seat_secretariat, world.seat_secretariat2)]  # fmt: skip
    case.refresh_from_db()
    assert [[(line["due"], line["state"]) for line in own] for own in lines] == [[], [(case.due, ("1件", "warn"))]]


def test_draft_and_approval_by_two_people(office, client, world, clock):
    case = desking.taken(world)
    office.post(case_url(case, "draft"), {"subject": "Re", "text": "回答です。", "do": "approval"})
    case.refresh_from_db()
    assert case.state == "approving"
    draft = case.drafts.get().shown_as
    office.post(case_url(case, "decide"), {"do": "mail", "draft": draft})
    case.refresh_from_db()
    assert case.state == "approving"  # who wrote it does not approve it
    login(client, world.seat_secretariat2)
    client.post(case_url(case, "decide"), {"do": "mail", "draft": draft})
    case.refresh_from_db()
    assert case.state == "answered"


def test_an_approval_counts_for_the_text_that_was_shown_only(office, world):
    case = desking.taken(world)
    office.post(case_url(case, "draft"), {"subject": "Re", "text": "初めの案。", "do": "approval"})
    old_tab = Client()
    login(old_tab, world.seat_secretariat2)
    shown = old_tab.get(case_url(case)).context["draft"].shown_as
    answering.send_back(case.drafts.get(), "直してください。", by=world.seat_secretariat2, at=TUESDAY)
    again = {"subject": "Re", "text": "書き直した案。", "version": case.drafts.get().version, "do": "approval"}
    office.post(case_url(case, "draft"), again)
    page = old_tab.post(case_url(case, "decide"), {"do": "mail", "draft": shown}, follow=True).content.decode()
    assert ("書き換えられています" in page, "書き直した案。" in page) == (True, True)
    assert (case.drafts.get().state, OutboundMail.objects.count()) == ("awaiting", 0)


def test_who_approves_second_is_told_and_keeps_what_was_typed(office, client, world):
    case = desking.taken(world)
    office.post(case_url(case, "draft"), {"subject": "Re", "text": "回答です。", "do": "approval"})
    shown = case.drafts.get().shown_as
    login(client, world.seat_secretariat2)
    client.post(case_url(case, "decide"), {"do": "mail", "draft": shown})
    for do in ("mail", "back"):
        sent = {"do": do, "draft": shown, "remark": "数字を確かめて。"}
        page = client.post(case_url(case, "decide"), sent, follow=True)
        assert page.status_code == 200
        said = page.content.decode()
        assert ("ほかの方が先に回答した" in said, "数字を確かめて。" in said) == (True, True)
    assert OutboundMail.objects.count() == 1


def test_an_answer_typed_while_a_colleague_was_quicker_is_shown_again(office, world):
    case = desking.taken(world)
    office.post(case_url(case, "draft"), {"subject": "Re", "text": "一人目の案。", "do": "approval"})
    page = office.post(
        case_url(case, "draft"), {"subject": "Re", "text": "二人目の案。", "do": "save"}
    ).content.decode()
    assert ("ほかの方が先に" in page, "二人目の案。" in page, "一人目の案。" in page) == (True, True, True)
    page = office.post(
        case_url(case, "draft"), {"subject": "Re", "text": "三人目の案。", "insert": "guide:0"}
    ).content.decode()
    assert "三人目の案。" in page


def test_what_is_typed_on_a_case_that_was_merged_meanwhile_is_shown_again(office, world):
    case, into = desking.taken(world), desking.taken(world, "別の照会です。")
    handling.merge(case, into, by=world.seat_secretariat2, at=TUESDAY)
    sent = {"to_name": "佐藤", "to_email": "sato@example.jp", "text": "長い質問。"}
    page = office.post(case_url(case, "refer"), sent).content.decode()
    assert ("統合されています" in page, "長い質問。" in page) == (True, True)
    page = office.post(case_url(case, "draft"), {"subject": "Re", "text": "長い回答。"}).content.decode()
    assert "長い回答。" in page


def test_a_result_that_is_refused_is_shown_again(office, world):
    case = desking.taken(world)
    row = handling.promise_callback(case, when=TUESDAY, phone="04-0000-0000", note="", owner=None,
                                    by=world.seat_secretariat, at=TUESDAY)  # fmt: skip
    handling.called_back(row, "先に伝えた。", by=world.seat_secretariat2, at=TUESDAY)
    url = case_url(case, "called_back", row=row.pk)
    page = office.post(url, {"outcome": "長く話した内容。"}).content.decode()
    assert ("ほかの方が先に折り返しました" in page, "長く話した内容。" in page) == (True, True)


def test_a_note_too_long_is_refused_whole_instead_of_cut(office, world):
    case = desking.taken(world)
    page = office.post(case_url(case, "note"), {"text": "あ" * 20_000 + "終わり"}).content.decode()
    assert ("20003字あります" in page, "あ終わり" in page) == (True, True)
    assert not case.messages.filter(kind="note").exists()


def test_the_raw_mail_and_its_files_are_downloads(office, world):
    case = desking.taken(world)
    message = case.messages.get()
    response = office.get(reverse("consultations:message_file", args=[case.pk, message.pk, 0]))
    assert b"".join(response.streaming_content).startswith(b"From:")
    assert (response.status_code, response["X-Content-Type-Options"]) == (200, "nosniff")
    assert office.get(reverse("consultations:message_file", args=[case.pk, message.pk, 1])).status_code == 404


def test_the_web_form_is_closed_where_the_documents_offer_none(client, world):
    assert client.get(reverse("consultations:ask", args=["r7-zaitaku"])).status_code == 404


@pytest.mark.parametrize("rows", [1, 30])
def test_a_list_costs_the_same_for_one_row_and_for_thirty(office, world, rows, django_assert_num_queries):
    for n in range(rows):
        desking.taken(world, f"{n}件目です。")
    office.get(reverse("consultations:list"))
    with django_assert_num_queries(9):
        office.get(reverse("consultations:list"))


def test_home_counts_what_is_late_beside_its_own_line(world):
    seat, late = world.seat_secretariat, desking.TUESDAY + timedelta(days=14)
    mine = [desking.taken(world, subject=f"照会{n}") for n in range(2)]
    desking.taken(world, subject="だれのものでもない", at=late - timedelta(hours=1))
    handling.assign(mine[0], seat, by=seat, at=desking.TUESDAY)
    lines = {line["title"]: line["state"] for line in todo_desk.lines(seat, late)}
    assert lines == {
        "担当している相談": ("1件（期限超過 1件）", "stop"),
        "担当の決まっていない相談": ("2件（期限超過 1件）", "stop"),
    }


def test_a_long_question_does_not_fill_the_page_of_what_was_found(world, clock):
    clock(TUESDAY)
    client, words = login(Client(), world.seat_secretariat), "長い語" * 60
    for name in ("consultations:list", "consultations:knowledge"):
        shown = client.get(reverse(name), {"words": words}).content.decode()
        heading = shown.partition("<h1>")[2].partition("</h1>")[0]
        assert heading.startswith(f"「{words[:39]}…」を含む")
        assert f'value="{words}"' in shown

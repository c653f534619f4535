"""The desk through its screens: mail in → answered; a call while nobody could answer → called back → answered."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from kyoten.consultations.models import Callback, Consultation
from kyoten.post.models import OutboundMail
from tests.browser.entering import enter
from tests.flows import desking
from tests.flows.desking import TUESDAY

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def office(page, world, clock):
    def sit(seat, path="/desk/", at=TUESDAY):
        clock(at)
        enter(page, seat)
        page.goto(path)
        return page

    return sit


def test_what_was_typed_and_not_saved_is_left_only_on_purpose(office, world):
    case = desking.taken(world)
    page = office(world.seat_secretariat, f"/desk/{case.pk}/")
    asked: list[str] = []
    answer = "dismiss"

    def hear(dialog):
        asked.append(dialog.type)
        dialog.dismiss() if answer == "dismiss" else dialog.accept()

    page.on("dialog", hear)
    page.locator("[name=text]").first.press_sequentially("次の例があります。")
    page.get_by_role("link", name="相談者・分類を直す").click()
    assert (asked, page.locator("[name=text]").first.input_value()) == (["beforeunload"], "次の例があります。")
    answer = "accept"
    page.get_by_role("link", name="相談者・分類を直す").click()
    page.get_by_role("heading", name="相談者・分類を直す").wait_for()
    assert asked == ["beforeunload", "beforeunload"]
    page.locator("[name=text]").first.press_sequentially("次の例があります。")
    page.get_by_role("button", name="下書きを保存").click()
    page.get_by_text("保存しました").first.wait_for()
    assert asked == ["beforeunload", "beforeunload"]


def test_a_mail_is_answered_by_two_people(office, axe, stays_in_width, world):
    case = desking.taken(world)
    page = office(world.seat_secretariat)
    axe(page)
    stays_in_width(page)
    page.get_by_role("link", name="拠点整備・運用に関する照会").click()
    axe(page)
    stays_in_width(page)
    page.get_by_role("link", name="担当を決める").click()
    page.get_by_role("button", name="自分が担当する").click()
    page.get_by_text("担当を変更しました").wait_for()
    page.fill("[name=text] >> nth=0", "次の例があります。")
    page.get_by_role("button", name="承認を依頼する").click()
    page.get_by_text("承認を依頼しました").wait_for()
    axe(page)

    page = office(world.seat_secretariat2, f"/desk/{case.pk}/")
    axe(page)
    page.get_by_role("button", name="承認してメールで回答する").click()
    page.get_by_text("承認し、回答しました").wait_for()
    case.refresh_from_db()
    assert case.state == "answered"
    [mail] = OutboundMail.objects.filter(about_kind="consultation")
    assert (mail.to, mail.text.splitlines()[0]) == (desking.ASKER, "次の例があります。")


def test_a_call_is_typed_in_called_back_and_answered(office, axe, stays_in_width, world):
    page = office(world.seat_secretariat, "/desk/r7-zaitaku/log/")
    axe(page)
    stays_in_width(page)
    page.fill("[name=text]", "夜間の輪番の例を知りたい。担当が不在。")
    page.fill("[name=body_name]", "柏市")
    page.fill("[name=phone]", "04-0000-0000")
    page.fill("[name=callback_at]", "2025-07-22T14:00")
    page.get_by_role("button", name="受け付ける").click()
    page.get_by_text("として受け付けました").wait_for()
    axe(page)
    case = Consultation.objects.get()

    later = TUESDAY + timedelta(hours=5)
    page = office(world.seat_secretariat, "/desk/", later)
    page.get_by_role("link", name=re.compile("夜間の輪番の例")).first.click()
    page.fill("[name=outcome]", "例を三つ伝えた")
    page.get_by_role("button", name="折り返した").click()
    page.get_by_text("折り返しの結果を記録しました").wait_for()
    assert Callback.objects.get().done_at is not None
    page.fill("[name=text] >> nth=0", "例を三つ伝えた。")
    page.get_by_role("button", name="承認を依頼する").click()

    page = office(world.seat_secretariat2, f"/desk/{case.pk}/", later)
    page.locator("summary", has_text="電話で回答した").click()
    page.get_by_role("button", name="承認し、電話で回答した記録にする").click()
    page.get_by_text("承認し、回答しました").wait_for()
    case.refresh_from_db()
    assert case.state == "answered"


def test_the_inbox_and_a_case_on_a_phone(phone, axe, stays_in_width, world, clock):
    clock(TUESDAY)
    case = desking.taken(world)
    enter(phone, world.seat_secretariat)
    for path in ("/desk/", f"/desk/{case.pk}/", "/desk/?words=連携", "/desk/r7-zaitaku/log/"):
        phone.goto(path)
        axe(phone)
        stays_in_width(phone)


def test_it_works_without_scripts(plain, world, clock):
    clock(TUESDAY)
    case = desking.taken(world)
    enter(plain, world.seat_secretariat)
    plain.goto(f"/desk/{case.pk}/")
    plain.locator("summary", has_text="内部メモを書く").click()
    plain.fill("#note", "内部のメモ")
    plain.get_by_role("button", name="メモを追加する").click()
    plain.get_by_text("内部のメモ").first.wait_for()

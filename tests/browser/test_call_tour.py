"""The call played by its bodies through the screens, from 公募開始 to the result; every page without axe findings."""

from __future__ import annotations

import re
from datetime import datetime

import pytest

from kyoten.calls.models import Application, Call, Decision
from kyoten.inquiries.models import Addressee
from kyoten.post.models import OutboundMail
from kyoten.rules.clock import JST
from tests.browser.entering import enter
from tests.flows import calling

pytestmark = pytest.mark.django_db(transaction=True)
CALL = "/calls/r7-zaitaku/"
MEMBERS = "\n".join(f"{m['organisation']}\t{m['section']}\t{m['title']}\t{m['profession']}" for m in calling.MEMBERS)


def fill_in(page) -> None:
    """The whole form 別紙2-② as an officer types it."""
    page.check("[name=f-area_kind][value='2']")
    page.fill("[name=f-area_name]", "松戸市全域")
    for field in ("organisation", "section", "name", "title", "phone", "email"):
        page.fill(f"[name=f-rep_{field}]", calling.ANSWERS[f"rep_{field}"])
    page.fill("[name=f-rep_address-postal]", "271-0000")
    page.fill("[name=f-rep_address-text]", "松戸市見本町1-1")
    for field in ("reason", "features", "activities", "issues_detail"):
        page.fill(f"[name=f-{field}]", calling.ANSWERS[field])
    page.check("[name=f-issues][value=multidisciplinary]")
    page.check("[name=f-issues][value=disaster]")


def paste_members(page) -> None:
    page.locator("summary", has_text="Excelから貼り付ける").click()
    page.fill("[name=paste-members]", MEMBERS)
    page.get_by_role("button", name="貼り付けた行を加える").click()


def test_from_opening_to_result(page, axe, stays_in_width, world, clock):
    def at(path: str, seat, moment: datetime) -> None:
        clock(moment)
        enter(page, seat)
        page.goto(path)
        axe(page)
        stays_in_width(page)

    at(f"{CALL}open/", world.seat_secretariat, calling.OPENING)
    page.get_by_role("button", name=re.compile("公募を開始して")).click()
    at(CALL, world.seat_secretariat, calling.OPENING)

    at(CALL, world.seat_chiba, calling.ASKING)
    page.get_by_role("link", name="管内へ照会する").click()
    assert page.input_value("[name=due]") == "2025-07-24"
    axe(page)
    page.get_by_role("button", name="市町村へ照会する").click()

    at(CALL, world.seat_matsudo, calling.WRITING)
    page.get_by_role("button", name="申込書の作成を始める").click()
    axe(page)
    fill_in(page)
    paste_members(page)
    page.select_option("[name=f-members-1-group]", "hub")  # the proposal was 市町村担当者
    page.locator("#requirements").get_by_text("とりまとめ時に確認").first.wait_for()
    axe(page)
    page.get_by_role("button", name="千葉県への提出へ進む").click()
    axe(page)
    page.get_by_role("button", name="千葉県へ提出する").click()
    page.get_by_text("千葉県へ提出しました").wait_for()
    application = Application.objects.get()
    assert (application.state, application.number, len(application.answers["members"])) == (
        "submitted",
        "R7-12-001",
        10,
    )

    at(CALL, world.seat_kamagaya, calling.WRITING)
    page.get_by_role("button", name="該当なし（応募しない）").click()

    at(f"{CALL}gather/", world.seat_chiba, calling.GATHERING)
    page.get_by_role("link", name="内容を見る").click()
    page.get_by_role("link", name="県の担当者を構成員に加える").click()
    page.get_by_role("button", name="構成員に加える").click()
    page.goto(f"{CALL}prepare/")
    axe(page)
    page.get_by_role("button", name="起案用一式を作成して確定する").click()
    axe(page)
    page.fill("[name=decided_on]", "2025-07-29")
    page.fill("[name=document_number]", "医整第100号")
    page.get_by_role("button", name="事務局へ提出する").click()
    page.get_by_text("事務局へ提出しました").wait_for()

    at(f"{CALL}board/", world.seat_secretariat, calling.SELECTING)
    page.get_by_role("link", name="松戸市全域").click()
    axe(page)
    page.get_by_role("button", name="「拠点中心の取組」を満たすと確認").click()
    page.check("[name=outcome][value=selected]")
    page.fill("[name=reason]", "体制が整っている")
    page.get_by_role("button", name="決定を記録する").click()
    assert Decision.objects.get().outcome == "selected"

    at(f"{CALL}announce/", world.seat_secretariat, calling.ANNOUNCING)
    page.fill("[name=decided_on]", "2025-08-13")
    page.get_by_role("button", name="1件の結果を通知する").click()
    page.get_by_text("選定結果を通知しました").wait_for()
    assert Call.objects.get().announced_at is not None
    assert OutboundMail.objects.filter(to="daihyo@matsudo.example.jp").count() == 1

    at(f"/calls/application/{application.pk}/", world.seat_matsudo, calling.ANNOUNCING)
    page.get_by_text("選定結果　選定").wait_for()


def test_without_javascript(plain, world, clock):
    call = calling.asked(world)
    clock(calling.WRITING)
    enter(plain, world.seat_matsudo)
    plain.goto(CALL)
    plain.get_by_role("button", name="申込書の作成を始める").click()
    fill_in(plain)
    paste_members(plain)
    assert plain.input_value("[name=f-members-1-organisation]") == "松戸市"
    plain.get_by_role("button", name="行を追加").click()
    assert plain.input_value("[name=f-reason]") == calling.ANSWERS["reason"]
    plain.get_by_role("button", name="千葉県への提出へ進む").click()
    plain.get_by_role("button", name="千葉県へ提出する").click()
    assert Application.objects.get(call=call).state == "submitted"


def test_autosave_keeps_what_is_typed_and_shows_requirements(page, world, clock):
    call = calling.asked(world)
    clock(calling.WRITING)
    enter(page, world.seat_matsudo)
    page.goto(CALL)
    page.get_by_role("button", name="申込書の作成を始める").click()
    page.fill("[name=f-reason]", "自動で残る文")
    page.locator("#saved", has_text="自動保存しました").wait_for()
    assert Application.objects.get(call=call).answers["reason"] == "自動で残る文"


def test_two_browsers_edit_one_form(open_context, world, clock):
    calling.drafted(world)
    clock(calling.WRITING)
    first, second = open_context().new_page(), open_context().new_page()
    path = f"/calls/application/{Application.objects.get().pk}/edit/"
    for page, seat in ((first, world.seat_matsudo), (second, world.seat_matsudo2)):
        enter(page, seat)
        page.goto(path)
    first.fill("[name=f-features]", "先の人の特徴")
    first.get_by_role("button", name="下書きを保存").last.click()
    first.get_by_text("保存しました。").wait_for()
    second.fill("[name=f-activities]", "後の人の取組")
    second.get_by_role("button", name="下書きを保存").last.click()
    second.get_by_text("保存しました。").wait_for()
    answers = Application.objects.get().answers
    assert (answers["features"], answers["activities"]) == ("先の人の特徴", "後の人の取組")


def test_link_of_the_mail_on_a_phone(phone, axe, stays_in_width, world, clock):
    call = calling.asked(world)
    clock(calling.WRITING)
    row = calling.case(call, world.kamagaya)
    phone.goto(f"/inquiries/answer/{row.token}/")
    axe(phone)
    stays_in_width(phone)
    phone.get_by_label("該当なし（応募しない）").check()
    phone.get_by_label("回答者の氏名").fill("小林 美咲")
    phone.get_by_role("button", name="回答を送る").click()
    phone.get_by_text("回答を受け付けました").wait_for()
    assert Addressee.objects.get(pk=row.pk).state == "not_applicable"


@pytest.fixture
def screens(world):
    """Every main screen of a finished gathering, with who sees it."""
    application = calling.forwarded(world)
    pk, call = application.pk, application.call
    return [
        (world.seat_secretariat, path)
        for path in ("/", "/calls/", CALL, f"{CALL}board/", f"{CALL}applications/", f"{CALL}late/", f"{CALL}proxy/",
                     f"/calls/application/{pk}/", f"/calls/application/{pk}/decide/", f"/calls/application/{pk}/take-in/",
                     f"/calls/application/{pk}/conflict-of-interest/", f"{CALL}announce/",
                     f"/inquiries/asked/{call.inquiry_id}/", "/inquiries/", "/programmes/")
    ] + [
        (world.seat_chiba, path)
        for path in ("/", f"{CALL}gather/", f"{CALL}applications/", "/inquiries/", "/addresses/", "/areas/")
    ] + [(world.seat_matsudo, path) for path in ("/", CALL, f"/calls/application/{pk}/", "/inquiries/")] + [
        (world.seat_association, path) for path in ("/", "/calls/", "/inquiries/")
    ] + [(None, path) for path in ("/login/", f"{CALL}guide/", "/no-such-page/")]  # fmt: skip


def test_main_screens_on_a_phone(phone, axe, stays_in_width, screens, clock):
    clock(datetime(2025, 8, 6, 10, 0, tzinfo=JST))
    for seat, path in screens:
        enter(phone, seat)
        phone.goto(path)
        axe(phone)
        stays_in_width(phone)

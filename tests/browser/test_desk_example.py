"""A hub desk's question → 事例, through the screens; every page of knowledge without axe findings, wide and on a phone."""

from __future__ import annotations

import pytest

from kyoten.consultations.models import Consultation, Example
from tests.browser.entering import enter
from tests.flows import knowing
from tests.flows.knowing import ANSWERED, PATIENT

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def hub(world, clock):
    clock(ANSWERED)
    return knowing.hub(world)


def test_a_question_to_the_hub_becomes_an_example(page, axe, stays_in_width, hub, world):
    enter(page, hub.officer)
    page.goto("/desk/chiba-hub-soudan/log/")
    page.fill("[name=text]", PATIENT)
    page.get_by_text("山田太郎（氏名）").wait_for()  # pointed out while typing
    axe(page)
    page.fill("[name=subject]", "退院後の訪問診療")
    page.get_by_role("button", name="受け付ける").click()
    page.get_by_role("heading", name="個人が分かる記載").wait_for()
    axe(page)
    stays_in_width(page)
    page.get_by_role("button", name="伏せる", exact=True).click()
    page.get_by_text("2か所を伏せました。").wait_for()
    assert page.get_by_text("山田太郎").count() == 0
    page.fill("[name=text] >> nth=0", "西区の診療所をご紹介しました。")
    page.locator("summary", has_text="電話で回答した").click()
    page.get_by_role("button", name="電話で回答した記録にする").click()
    page.get_by_text("回答しました。").first.wait_for()
    page.get_by_role("link", name="事例として提案する").click()
    axe(page)
    stays_in_width(page)
    page.fill("[name=answer]", "鈴木先生の講演でも紹介された、地区の一覧から探せます。")
    page.get_by_role("button", name="提案する").click()
    page.get_by_text("鈴木（氏名）").wait_for()
    axe(page)
    page.get_by_label("鈴木（氏名）").check()
    page.get_by_role("button", name="印を付けた記載を伏せる").click()
    page.get_by_text("伏せました。").wait_for()

    enter(page, hub.manager)
    page.goto("/examples/")
    axe(page)
    page.get_by_role("link", name="退院後の訪問診療").click()
    page.get_by_role("button", name="公開する").click()
    page.get_by_text("事例を公開しました。").wait_for()
    axe(page)

    enter(page, world.seat_matsudo)
    page.goto("/")
    page.get_by_role("link", name="相談の事例").click()
    page.get_by_role("link", name="退院後の訪問診療").click()
    page.get_by_text("○○（氏名）先生の講演").wait_for()
    axe(page)
    assert (Consultation.objects.get().personal, Example.objects.get().state) == (True, "released")


def test_the_pages_of_a_manager(phone, axe, stays_in_width, hub):
    case = knowing.said(hub, knowing.asked(hub))
    enter(phone, hub.manager)
    for path in (f"/desk/{case.pk}/", f"/desk/{case.pk}/consent/", f"/desk/{case.pk}/example/", "/desk/export/",
                 "/desk/guide/", "/desk/?words=の", "/desk/knowledge/?words=の", "/desk/knowledge/", f"/desk/readers/?who={case.number}", "/desk/person/?who=西田陽子"):  # fmt: skip
        phone.goto(path)
        axe(phone)
        stays_in_width(phone)


def test_without_scripts_the_check_opens_beside_what_was_typed(plain, axe, hub):
    enter(plain, hub.officer)
    plain.goto("/desk/chiba-hub-soudan/log/")
    plain.fill("[name=text]", PATIENT)
    with plain.context.expect_page() as opened:
        plain.get_by_role("button", name="個人情報を確かめる").click()
    opened.value.get_by_text("山田太郎（氏名）").wait_for()
    assert plain.input_value("[name=text]") == PATIENT

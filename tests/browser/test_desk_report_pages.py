"""実績 and 完了報告 in a real browser: accessible, whole at 375 px, the chart under the page's own security policy."""

import pytest
from django.urls import reverse

from kyoten.consultations.models import YearReport
from tests.browser.test_post_pages import check, enter
from tests.flows import desking
from tests.flows.test_desk_figures import publish

pytestmark = pytest.mark.django_db(transaction=True)
REPORT = reverse("consultations:report")
WORDS = reverse("consultations:report_words", args=["r7-zaitaku", 2025])


@pytest.fixture
def desk(world, clock):
    publish("r6-soudan", world.secretariat)
    desking.taken(world)
    clock(desking.TUESDAY)


@pytest.mark.parametrize("kind", ["page", "phone"])
def test_year_month_empty_year_and_the_words(desk, world, live_server, kind, request, axe, stays_in_width):
    page = enter(request.getfixturevalue(kind), live_server, world.seat_secretariat)
    july = f"{REPORT}?desk=r7-zaitaku&year=2025&month=07"
    check(page, axe, stays_in_width, REPORT, july, f"{REPORT}?desk=r6-soudan", WORDS)


def test_from_the_figures_to_the_report_without_javascript(desk, world, live_server, plain):
    page = enter(plain, live_server, world.seat_secretariat)
    page.goto(REPORT)
    page.locator("select[name=month]").select_option("7月")
    page.get_by_role("button", name="表示する").click()
    assert page.get_by_role("table", name="7月 相談者の区分").get_by_role("row", name="市区町村").is_visible()
    page.get_by_role("link", name="完了報告をつくる").click()
    page.get_by_label("災害時・BCP").fill("平時の連携の例。")
    page.get_by_role("button", name="保存する").click()
    assert page.get_by_role("status").inner_text().startswith("保存しました。")
    assert YearReport.objects.get().texts == {"disaster": "平時の連携の例。"}
    with page.expect_download() as waiting:
        page.get_by_role("link", name="Wordに出力").click()
    assert waiting.value.suggested_filename.startswith("完了報告_令和7年度_")

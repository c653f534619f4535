"""実績と完了報告: what the screen, Excel and Word show, and to whom."""

from __future__ import annotations

import io
import re
from datetime import timedelta

import pytest
from django.urls import reverse
from docx import Document
from python_calamine import CalamineWorkbook

from kyoten.consultations.models import Mark, YearReport
from kyoten.records.models import Event
from tests.flows import desking
from tests.flows.desking import TUESDAY
from tests.flows.test_desk_figures import answer, publish
from tests.world import login

pytestmark = pytest.mark.django_db
REPORT = reverse("consultations:report")
TABLE = reverse("consultations:report_table")
WORDS = reverse("consultations:report_words", args=["r7-zaitaku", 2025])
PAPER = reverse("consultations:report_paper", args=["r7-zaitaku", 2025])
LATER = TUESDAY + timedelta(days=30)


@pytest.fixture
def year(world, clock):
    """Two cases of July, one answered after two open days and about two subjects; a colleague's desk in 松戸市."""
    publish("r6-soudan", world.secretariat)
    publish("chiba-hub-soudan", world.matsudo)
    row = desking.taken(world)
    Mark.objects.create(consultation=row, kind="subject", value="disaster")
    Mark.objects.create(consultation=row, kind="subject", value="emergency")
    desking.taken(world, "会議の例を教えてください。", sender="a@clinic.example.jp", subject="秘密の件名")
    answer(world, row, TUESDAY + timedelta(days=2))
    clock(LATER)
    return row


def rows(page: str, title: str) -> dict[str, list[str]]:
    """Name of a row → its cells, of the table with this caption."""
    table = re.search(rf"<caption>{title}</caption>(.*?)</table>", page, re.DOTALL)
    found = re.findall(r'<tr><th scope="row">(.*?)</th>(.*?)</tr>', table[1] if table else "", re.DOTALL)
    return {name: re.findall(r"<td[^>]*>(.*?)</td>", cells) for name, cells in found}


def seen(client, seat, url: str = REPORT) -> str:
    return login(client, seat).get(url).content.decode()


def test_the_year_by_asker_and_by_subject(client, world, year):
    page = seen(client, world.seat_secretariat)
    askers = rows(page, "相談者の区分×月　実件数")
    assert askers["市区町村"] == ["0", "0", "0", "1", "0", "", "", "", "", "", "", "", "1", "0"]
    assert askers["未分類"][3:4] == ["1"]
    assert askers["計"] == ["0", "0", "0", "2", "0", "", "", "", "", "", "", "", "2", "0"]
    subjects = rows(page, "分類×月　実件数")
    assert [subjects[name][12] for name in ("災害時・BCP", "急変時・24時間", "未分類", "計")] == ["1", "1", "1", "2"]
    assert rows(page, "分類×月　平均回答営業日数")["計"][3] == "2.0"
    assert rows(page, "月別")["7月"] == ["2", "0", "3", "0", "2.0", "－", "1", "0"]


def test_a_month_shows_every_measure_beside_the_year_before(client, world, year):
    page = seen(client, world.seat_secretariat, f"{REPORT}?desk=r7-zaitaku&year=2025&month=07")
    assert rows(page, "7月　相談者の区分")["市区町村"] == ["1", "0", "2", "0", "2.0", "－", "0", "0", "1", "0"]
    assert rows(page, "7月　機能×場面　実件数")["未分類"] == ["0", "0", "0", "0", "2", "2", "0"]


def test_an_empty_year_says_so(client, world, year):
    page = seen(client, world.seat_secretariat, f"{REPORT}?desk=r6-soudan")
    assert "この期間の相談はまだありません" in page
    assert rows(page, "相談者の区分×月　実件数")["計"][12] == "0"


def test_the_chart_needs_no_style_of_its_own_and_says_where_the_numbers_are(client, world, year):
    page = seen(client, world.seat_secretariat)
    [drawing] = re.findall(r'<svg role="img".*?</ul>', page, re.DOTALL)
    assert 'aria-label="月別の実件数の棒グラフ。数は下の表にあります。"' in drawing
    assert "style=" not in page
    assert re.findall(r'<rect x="12%" y="6" width="([^"]+)"', drawing).count("74.00%") == 1


def test_the_ministry_sees_the_figures_of_national_desks_and_nothing_else(client, world, year):
    page = seen(client, world.seat_ministry)
    assert f'<a href="{REPORT}" aria-current="page">相談窓口の実績</a>' in page
    assert rows(page, "相談者の区分×月　実件数")["計"][12] == "2"
    assert ("秘密の件名" in page, "完了報告をつくる" in page, "千葉市" in page) == (False, False, False)
    assert login(client, world.seat_ministry).get(f"{REPORT}?desk=chiba-hub-soudan").status_code == 404
    assert client.get(WORDS).status_code == client.get(PAPER).status_code == 404


def test_a_body_sees_its_own_desk_only_and_one_without_a_desk_none(client, world, year):
    assert "在宅医療・介護連携の相談窓口" in seen(client, world.seat_matsudo)
    assert login(client, world.seat_matsudo).get(f"{REPORT}?desk=r7-zaitaku").status_code == 404
    for seat in (world.seat_kashiwa, world.seat_chiba):
        assert login(client, seat).get(REPORT).status_code == 404


@pytest.mark.parametrize("query", ["?year=x", "?year=1999", "?month=13", "?month=2025-07", "?year=²", "?month=%00"])
def test_what_is_no_year_or_month_is_left_out(client, world, year, query):
    assert rows(seen(client, world.seat_secretariat, REPORT + query), "月別")["計"][0] == "2"


def test_excel_has_a_sheet_for_each_table_and_numbers_as_numbers(client, world, year):
    data = login(client, world.seat_secretariat).get(TABLE).content
    book = CalamineWorkbook.from_filelike(io.BytesIO(data))
    assert book.sheet_names == ["月別", "相談者の区分×月", "分類×月", "機能×場面", "数え方"]
    found = {(row[0], row[1]): row[2:] for row in book.get_sheet_by_name("分類×月").to_python()[3:]}
    assert found[("実件数", "計")] == [0, 0, 0, 2, 0, "", "", "", "", "", "", "", 2, 0]
    assert found[("平均回答営業日数", "災害時・BCP")][3] == 2.0


def test_the_words_are_kept_and_printed_with_the_figures(client, world, year):
    login(client, world.seat_secretariat)
    posted = {"version": "0", "summary": "前年度より増えた。", "text-disaster": "平時の連携。\n要配慮者。"}
    assert client.post(WORDS, posted).status_code == 302
    assert [event.act for event in Event.objects.of("desk_report", YearReport.objects.get().pk)] == ["save_report"]
    paper = Document(io.BytesIO(client.get(PAPER).content))
    texts = [p.text for p in paper.paragraphs]
    assert ("前年度より増えた。" in texts, texts[-1]) == (True, "以上")
    contents = {row.cells[0].text: row.cells[1].text for row in paper.tables[-1].rows}
    assert contents["災害時・BCP\n（1件）"] == "平時の連携。\n要配慮者。"
    july = next(row for row in paper.tables[1].rows if row.cells[0].text == "7月")
    assert [cell.text for cell in july.cells[1:]] == ["2", "0", "3", "0", "2.0", "－", "1", "0"]


def test_a_colleagues_words_are_not_overwritten_and_ones_own_stay_on_the_page(client, world, year):
    login(client, world.seat_secretariat2).post(WORDS, {"version": "0", "summary": "同僚の文"})
    page = login(client, world.seat_secretariat).post(WORDS, {"version": "0", "summary": "自分の文"}).content.decode()
    assert YearReport.objects.get().texts == {"": "同僚の文"}
    assert ("保存していません" in page, "自分の文" in page, "同僚の文" in page) == (True, True, True)
    again = re.search(r'name="version" value="(\d+)"', page)
    assert again and again[1] == "1"
    client.post(WORDS, {"version": again[1], "summary": "二人の文"})
    assert YearReport.objects.get().texts == {"": "二人の文"}


def test_words_that_are_too_long_are_refused_and_kept_on_the_page(client, world, year):
    page = login(client, world.seat_secretariat).post(WORDS, {"version": "0", "summary": "長" * 4001}).content.decode()
    assert "一つの欄に入る文は4,000字までです。" in page
    assert "長" * 4001 in page
    assert YearReport.objects.count() == 0


def test_the_number_of_queries_does_not_grow_with_the_cases(client, world, year, django_assert_num_queries):
    login(client, world.seat_secretariat).get(REPORT)
    with django_assert_num_queries(QUERIES):
        client.get(REPORT)
    desking.taken(world, "もう一件", sender="c@clinic.example.jp")
    with django_assert_num_queries(QUERIES):
        client.get(REPORT)


QUERIES = 14

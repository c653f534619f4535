"""The pages of 事業設定: read, compare, check, publish, next year's file, the section in charge."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext

from kyoten.organisations.models import Section
from kyoten.programmes.models import InCharge, Programme
from kyoten.rules.next_year import next_year
from kyoten.rules.reading import parse, shipped_text
from tests.world import login

TEXT = shipped_text("r7-zaitaku")
LATER = TEXT.replace("2025-07-31", "2025-08-29").replace("申込締切 令和7年7月31日", "申込締切 令和7年8月29日")

NINE = """[[eligibility]]
name  = "構成員9名は注意"
fails = [{ rule = "headcount", level = "warn" }]
answers.members = [{ profession = "看護師", group = "homecare", times = 9 }]
"""


@pytest.fixture
def manager(world, client):
    return login(client, world.seat_secretariat2)


def page(response) -> str:
    assert response.status_code == 200
    return response.content.decode()


def test_the_list_names_the_programme_and_its_revision(manager):
    text = page(manager.get("/programmes/"))
    assert "地域の在宅医療の体制整備に向けた調査・連携支援事業" in text
    assert "第1版" in text


def test_a_revision_is_readable(manager):
    text = page(manager.get("/programmes/r7-zaitaku/"))
    for words in (
        "令和7年8月14日（木）まで",
        "2分の1",
        "文書に定めなし（運用で定めた）",
        "第4回　予備（予備）",
        "印刷しない",
        "とりまとめ",
    ):
        assert words in text


def test_publishing_on_screen(world, manager):
    shown = page(manager.post("/programmes/upload/", {"file": SimpleUploadedFile("r7.toml", LATER.encode())}))
    assert "令和7年8月29日（金）" in shown
    assert "第2版として公開する" in shown
    assert Programme.objects.count() == 1  # nothing is stored before 公開
    response = manager.post("/programmes/publish/", {"text": LATER.replace("\n", "\r\n"), "cases": ""})
    assert response["Location"] == "/programmes/r7-zaitaku/2/"
    assert Programme.objects.latest("r7-zaitaku").text == LATER
    assert "令和7年7月31日（木）" in page(manager.get("/programmes/r7-zaitaku/1/2/"))
    assert "古い版" in page(manager.get("/programmes/r7-zaitaku/1/"))


def test_a_mistake_is_shown_and_the_text_stays(manager):
    wrong = TEXT.replace("places           =", "place            =")
    shown = page(manager.post("/programmes/upload/", {"text": wrong}))
    line = TEXT[: TEXT.index("places           =")].count("\n") + 1
    assert f"{line}行目" in shown
    assert "もしかして &quot;places&quot; ですか" in shown
    assert "place            = 1" in shown
    assert "として公開する" not in shown


def test_a_case_that_misses_is_shown_and_publishing_it_is_refused(manager):
    data = {"text": LATER, "cases": "[[deadline]]\nexpect = 2025-07-31"}
    shown = page(manager.post("/programmes/upload/", data))
    assert "計算例と合わないため公開できません" in shown
    refused = page(manager.post("/programmes/publish/", data))
    assert "× 期限 1: 期待 2025-07-31　結果 2025-08-29" in refused
    assert "2025-08-29" in refused  # the text is still there
    assert Programme.objects.count() == 1


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({}, "定義ファイルを選ぶか、内容を欄に貼り付けてください"),
        ({"file": SimpleUploadedFile("r7.toml", "名前".encode("cp932"))}, "文字コードが UTF-8 ではありません"),
        ({"text": "あ" * 1_000_001}, "ファイルが大きすぎます"),
        ({"text": "[[[["}, "TOML の書き方の誤りです"),
    ],
)
def test_what_is_no_definition_is_refused_with_a_sentence(manager, data, said):
    assert said in page(manager.post("/programmes/upload/", data))
    assert Programme.objects.count() == 1


def test_next_years_file_is_a_download(manager):
    response = manager.get("/programmes/r7-zaitaku/next-year/")
    assert response["Content-Disposition"].startswith('attachment; filename="r8-zaitaku.toml"')
    assert response.content.decode() == next_year(TEXT).text
    assert parse(response.content.decode()).fiscal_year == 2026


def test_a_revision_is_a_download_byte_for_byte(world, manager):
    response = manager.get("/programmes/r7-zaitaku/1/file/")
    assert response["Content-Disposition"].startswith("attachment; ")
    assert response.content.decode() == world.programme.text
    assert 'href="/programmes/r7-zaitaku/1/file/"' in page(manager.get("/programmes/r7-zaitaku/"))


def test_what_a_case_says_of_the_rules_is_shown_in_names(manager):
    data = {"text": LATER, "cases": NINE}
    shown = page(manager.post("/programmes/upload/", data)).partition("<textarea")[0]
    assert ("構成員の人数 ×留意" in shown, "headcount ×warn" in shown) == (True, False)


@pytest.mark.parametrize(
    "path",
    [
        "/programmes/r7-zaitaku/9/file/",
        "/programmes/r9-none/",
        "/programmes/r7-zaitaku/9/",
        "/programmes/r7-zaitaku/1/9/",
        "/programmes/r9-none/next-year/",
    ],
)
def test_what_is_not_there_is_404(manager, path):
    assert manager.get(path).status_code == 404


def test_a_programme_of_another_secretariat_is_404_like_one_that_is_not_there(world, manager):
    Programme.objects.update(organiser=world.ministry)
    hidden, absent = manager.get("/programmes/r7-zaitaku/"), manager.get("/programmes/r9-none/")
    assert (hidden.status_code, hidden.content) == (404, absent.content)
    assert "地域の在宅医療" not in page(manager.get("/programmes/"))


def test_an_officer_may_check_but_sees_no_button_to_publish(world, client):
    shown = page(login(client, world.seat_secretariat).post("/programmes/upload/", {"text": LATER}))
    assert "公開できるのは「管理」の席だけです" in shown
    assert "として公開する" not in shown


def test_the_list_costs_the_same_for_one_and_for_many(world, manager):
    manager.get("/programmes/")  # the first request of a session writes it
    with CaptureQueriesContext(connection) as one:
        assert "事業の一覧（1件）" in page(manager.get("/programmes/"))
    for number in range(12):
        fields = {"text": TEXT, "digest": world.programme.digest, "organiser": world.secretariat}
        Programme.objects.create(slug=f"r7-n{number}", revision=1, published_at=world.at, **fields)
    with CaptureQueriesContext(connection) as many:
        assert "事業の一覧（13件）" in page(manager.get("/programmes/"))
    assert len(many) == len(one)


def test_the_section_in_charge_is_chosen_by_the_bodys_manager(world, client):
    other = Section.objects.create(organisation=world.matsudo, name="介護保険課", email="kaigo@matsudo.example.jp")
    manager = login(client, world.seat_matsudo2)
    assert "介護保険課" in page(manager.get("/programmes/in-charge/"))
    response = manager.post("/programmes/in-charge/", {"programme": "r7-zaitaku", "section": other.pk}, follow=True)
    assert "所管課を「介護保険課」にしました" in page(response)
    assert InCharge.objects.get().section == other


def test_who_may_not_choose_the_section_in_charge_reads_it(world, client):
    InCharge.objects.create(programme="r7-zaitaku", organisation=world.matsudo, section=world.section_matsudo)
    shown = page(login(client, world.seat_matsudo).get("/programmes/in-charge/"))
    assert f"<dt>所管課</dt><dd>{world.section_matsudo.name}</dd>" in shown
    assert "<select" not in shown.partition("<main")[2]


def test_another_bodys_section_cannot_be_chosen(world, client):
    data = {"programme": "r7-zaitaku", "section": world.section_kashiwa.pk}
    shown = page(login(client, world.seat_matsudo2).post("/programmes/in-charge/", data))
    assert "所管課を選び直してください" in shown
    assert not InCharge.objects.exists()

"""起案用一式 and the FAX 回答票."""

from datetime import UTC, date, datetime

from kyoten.papers.articles import Article, Grid, Heading, Points, Words
from kyoten.papers.drafts import FilledForm, Proposal, write_draft_set
from kyoten.papers.fax import FaxSheet, write_fax_sheet
from kyoten.papers.letters import Letter
from kyoten.papers.tables import Table
from tests.papers.writing import DEFINITION, answers, pages, text_edges

PROPOSAL = Proposal(
    subject="申込書の提出について（伺い）",
    text="このことについて、別案により提出してよろしいか伺います。",
    drafted=date(2025, 7, 28),
    section="医療整備課",
    drafter="主事　例　花子",
    grounds=("公募要領 7 申込方法",),
    retention="5年",
)
LETTER = Letter(
    subject="申込書の提出について",
    nature="提出",
    addressees=("事務局　御中",),
    sender=("課長",),
    paragraphs=("提出します。",),
)
RECIPIENTS = Table("送付先一覧", ["No.", "機関名"], [(1, "事務局")])
SHEET = FaxSheet(
    number="12-54",
    subject="募集について（照会）",
    addressee="松戸市　御中",
    sender="医療整備課",
    reply_to="043-000-0001",
    due="令和7年7月24日（木）",
    note="別紙を添えてください。",
    contact=("医療整備課", "電話　043-000-0000"),
)


def test_the_set_holds_every_paper_on_pages_of_its_own_numbered_through():
    forms = [FilledForm(DEFINITION, answers(), "申込1　松戸市"), FilledForm(DEFINITION, {}, "申込2　柏市")]
    found = pages(write_draft_set(PROPOSAL, [LETTER], forms, [RECIPIENTS], reference="K-12 第3版"))
    assert [page[-len(f"K-12第3版-{number}-") :] for number, page in enumerate(found, 1)] == [
        f"K-12第3版-{number}-" for number in range(1, 10)
    ]
    bodies = [page.removesuffix(f"K-12第3版-{number}-") for number, page in enumerate(found, 1)]
    assert bodies[0] == (
        "起案書文書番号起案日令和7年7月28日決裁日施行日起案者医療整備課主事例花子保存期間5年件名申込書の提出について（伺い）"
        "伺いこのことについて、別案により提出してよろしいか伺います。根拠・経緯・公募要領7申込方法"
        "添付1鑑文申込書の提出について（提出）2別紙2-②申込1松戸市3別紙2-②申込2柏市4送付先一覧"
    )
    assert bodies[1] == "第号令和年月日事務局御中課長（公印省略）申込書の提出について（提出）提出します。"
    assert bodies[2].startswith("申込1松戸市別紙２－②")
    assert bodies[5].startswith("申込2柏市別紙２－②")
    assert bodies[8] == "送付先一覧No.機関名1事務局"


def test_running_text_stands_behind_the_letters_on_pages_of_its_own():
    guide = Article(
        "公募要領",
        [
            Heading("1　目的"),
            Words("支援します。\n二行目"),
            Points((("拠点を設置", ()), ("参加者", ("医師", "看護師")))),
            Grid("予定", ("", "議題"), (("第1回", "現状把握"),)),
            Words("※予定です", small=True),
        ],
        note="別紙2",
    )
    found = pages(write_draft_set(PROPOSAL, [LETTER], [], [RECIPIENTS], articles=[guide]))
    assert "添付1鑑文申込書の提出について（提出）2公募要領3送付先一覧" in found[0]
    assert found[2] == (
        "公募要領別紙21目的支援します。二行目・拠点を設置・参加者－医師－看護師予定議題第1回現状把握※予定です-3-"
    )


def test_running_text_of_any_length_stays_on_the_paper():
    words = Words(("長い文が続く。" * 60 + "\n") * 12 + "A" * 200)
    left, right = text_edges(write_draft_set(PROPOSAL, [], articles=[Article("要領" * 40, [words])]))
    assert (left > 15, right < 195) == (True, True)


def test_a_list_shows_values_as_people_read_them_and_repeats_its_heading():
    moment = datetime(2025, 7, 27, 15, 30, tzinfo=UTC)  # already the 28th in Japan
    rows = [(1200, date(2025, 7, 1), moment, True, None, "電話", "短い") for _ in range(60)] + [("短い行",)]
    table = Table("一覧", ["数", "日", "時", "印", "空", "文", "末"], rows, note="7月28日現在")
    found = pages(write_draft_set(PROPOSAL, [], [], [table]))
    assert found[1].startswith("一覧7月28日現在数日時印空文末1,200令和7年7月1日令和7年7月28日○電話短い")
    assert [page.count("数日時印空文末") for page in found] == [0] + [1] * (len(found) - 1)


def test_no_word_of_a_list_leaves_the_paper():
    table = Table("一覧", [f"列{n}" for n in range(9)], [["W" * 80, "短", "ー" * 50, *["語"] * 6]])
    left, right = text_edges(write_draft_set(PROPOSAL, [LETTER], [], [table]))
    assert left >= 22
    assert right <= 297 - 22


def test_the_fax_sheet_is_one_page_with_number_choices_and_where_to_send_it():
    assert pages(write_fax_sheet(SHEET)) == [
        "FAX回答票回答票番号12-54松戸市御中件名募集について（照会）返信先（このまま送信してください。送信票は不要です）"
        "FAX043-000-0001医療整備課あて回答期限令和7年7月24日（木）回答（いずれか一つの□に✓を付けてください）"
        "申込検討中該当なし機関名担当課・係担当者職・氏名電話番号E-mail連絡事項（補足があればご記入ください）"
        "別紙を添えてください。【連絡先】医療整備課電話043-000-0000"
    ]

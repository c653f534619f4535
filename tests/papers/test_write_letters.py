"""Letters in the order offices write them."""

from dataclasses import replace
from datetime import date

import pytest

from kyoten.papers.letters import Item, Letter, write_letter
from tests.papers.writing import pages, text_edges, word

LETTER = Letter(
    number="医整第12号",
    dated=date(2025, 8, 8),
    addressees=("松戸市地域医療課長　様",),
    sender=("千葉県健康福祉部", "医療整備課長"),
    subject="選定結果について",
    nature="通知",
    paragraphs=("　平素よりお世話になっております。", "さて、下記のとおりです。"),
    items=(Item("結果", "選定"), Item("地域", "東葛北部")),
    contact=("医療整備課", "電話　043-000-0000"),
    enclosures=("進め方",),
)


def lines(letter):
    """The text of the Word file, tables row by row."""
    document = word(write_letter(letter, "docx"))
    texts = []
    for block in document.iter_inner_content():
        texts.extend(
            [block.text] if hasattr(block, "text") else [cell.text for row in block.rows for cell in row.cells]
        )
    return [text for text in texts if text]


def test_a_letter_has_its_parts_in_order():
    assert lines(LETTER) == [
        "医整第12号", "令和7年8月8日", "松戸市地域医療課長　様", "千葉県健康福祉部", "医療整備課長", "（公印省略）",
        "選定結果について（通知）", "平素よりお世話になっております。", "さて、下記のとおりです。", "記",
        "１", "結果", "選定", "２", "地域", "東葛北部", "以上", "（添付資料）", "・進め方", "【連絡先】", "医療整備課", "電話　043-000-0000",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "letter",
    [
        LETTER,
        replace(LETTER, informal=True, items=(Item("長い見出しは本文の上に立つ", "本文"), Item("見出しのみ"))),
        replace(LETTER, addressees=("甲会長", "乙会長"), shared_honorific="様", items=(), contact=(), enclosures=()),
    ],
)
def test_pdf_and_word_say_the_same(letter):
    assert pages(write_letter(letter, "pdf")) == ["".join("".join(lines(letter)).split())]


def test_a_jimu_renraku_has_the_word_in_place_of_the_number_and_no_seal():
    assert lines(replace(LETTER, informal=True))[:5] == [
        "事　務　連　絡", "令和7年8月8日", "松戸市地域医療課長　様", "千葉県健康福祉部", "医療整備課長",
    ]  # fmt: skip
    assert "（公印省略）" not in lines(replace(LETTER, informal=True))


def test_a_letter_before_its_decision_leaves_number_and_date_blank():
    assert lines(replace(LETTER, number="", dated=None))[:2] == ["第　　　　　号", "令和　　年　　月　　日"]


def test_several_bodies_may_share_their_honorific():
    shared = replace(LETTER, addressees=("甲会長", "乙会長"), shared_honorific="様")
    assert lines(shared)[2:4] == ["甲会長\n乙会長", "様"]


def test_a_single_item_has_no_number():
    only = replace(LETTER, items=(Item("期限", "令和7年7月24日（木）"),))
    assert lines(only)[9:13] == ["記", "期限", "令和7年7月24日（木）", "以上"]


def test_without_items_there_is_no_record():
    bare = lines(replace(LETTER, items=()))
    assert "記" not in bare
    assert "以上" not in bare


def test_hostile_text_stays_text_and_inside_the_margins():
    hostile = "#strong[x] $y$ @z <a> \\ " + "W" * 200
    letter = replace(
        LETTER, paragraphs=(hostile,), addressees=(hostile,), items=(Item(hostile, hostile), Item("a", hostile))
    )
    made = write_letter(letter, "pdf")
    assert "".join(pages(made)).count("".join(hostile.split())) == 5
    left, right = text_edges(made)
    assert left >= 22
    assert right <= 210 - 22


def test_a_subject_may_be_broken_by_hand():
    broken = replace(LETTER, subject="令和7年度\n選定結果について")
    assert word(write_letter(broken, "docx")).core_properties.title == "令和7年度選定結果について（通知）"
    assert "令和7年度\n選定結果について（通知）" in lines(broken)

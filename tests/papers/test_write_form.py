"""The official form as PDF: the words of 別紙2-② in their order, whatever was answered."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kyoten.papers.forms import write_form
from kyoten.rules.definition import Definition
from tests.papers.writing import ANSWERS, DEFINITION, LONG, answers, members, pages, text_edges

AREA = (
    "別紙２－②在宅医療の拠点整備・運用に向けた伴走支援申込書■応募地域の基本情報をご記入ください。都道府県{prefecture}"
    "※右の回答欄に1又は2をご記入ください応募地域の単位1在宅医療の圏域回答{kind}2在宅医療の圏域ではない"
    "応募地域名※上記設問で1と回答した場合は在宅医療の圏域を、2と回答した場合はその地域名をご記載ください{area}"
)
MEMBERS = (
    "■想定される本伴走支援の参加者（構成員）をご記入ください。（※現時点で参加を想定している職種や機関の記載で構いません）"
    "（※行が足りない場合は適宜追加してご記入ください）No.所属部署役職職種"
)


def pdf(**changed):
    return write_form(DEFINITION, answers(**changed), "pdf")


def test_the_blank_form_has_the_words_of_the_official_paper_on_three_pages():
    first, second, third = pages(write_form(DEFINITION, {}, "pdf"))
    assert first == (
        AREA.format(prefecture="", kind="", area="")
        + "■代表者の基本情報をご記入ください。所属部署氏名役職住所〒電話番号E-mail"
        "■応募の理由をご記入ください。（※できる限り具体的にご記載ください）"
    )
    assert second == (
        "■地域の特徴をご記入ください。（※できる限り具体的にご記載ください）"
        "■拠点の取組内容をご記入ください。（※できる限り具体的にご記載ください）"
        "■地域の課題について、該当する項目に○を付けたうえで、詳細を枠内にご記入ください。（※できる限り具体的にご記載ください）"
        "・多職種協働による包括的かつ継続的な在宅医療の提供体制の構築・在宅医療に関する人材育成"
        "・在宅医療に関する地域住民への普及啓発・災害時及び災害に備えた体制構築への支援・その他"
    )
    assert third == MEMBERS + "".join(map(str, range(1, 16))) + "以上"


def test_answers_stand_where_the_paper_asks_for_them():
    first, second, third = pages(pdf())
    assert first == (
        AREA.format(prefecture="千葉県", kind="1", area="東葛北部在宅医療圏域") + "■代表者の基本情報をご記入ください。"
        "所属松戸市部署地域医療課氏名髙﨑𠮷乃役職主幹住所〒271-0000千葉県松戸市例1丁目電話番号047-000-0000E-mailiryo@example.jp"
        "■応募の理由をご記入ください。（※できる限り具体的にご記載ください）字下げのある行二つ目の行"
    )
    assert second.endswith(
        "・多職種協働による包括的かつ継続的な在宅医療の提供体制の構築○在宅医療に関する人材育成"
        "・在宅医療に関する地域住民への普及啓発・災害時及び災害に備えた体制構築への支援○その他詳細"
    )
    rows = "1機関1主査看護師2機関2主査看護師3機関3主査看護師"
    assert third == MEMBERS + rows + "".join(map(str, range(4, 16))) + "以上"


@pytest.mark.parametrize(("count", "expected"), [(0, 3), (1, 3), (15, 3), (40, 4)])
def test_the_table_grows_beyond_its_fifteen_rows(count, expected):
    found = pages(pdf(members=members(count)))
    assert len(found) == expected
    assert "".join(found).count("看護師") == count
    assert found[-1].endswith("以上")


def test_the_heading_of_the_table_is_repeated():
    assert [page.count("No.所属部署役職職種") for page in pages(pdf(members=members(60)))] == [0, 0, 1, 1, 1]


def test_what_the_paper_does_not_ask_for_is_not_printed():
    shown = "".join(pages(pdf(members=[{"row": "r1", "organisation": "機関", "group": "hub"}])))
    assert "区分" not in shown
    assert "拠点担当者" not in shown


def test_two_thousand_characters_in_every_box_are_all_there():
    filled = dict.fromkeys(("reason", "features", "activities", "issues_detail"), LONG)
    assert "".join(pages(pdf(**filled))).count("なお多くの課題が残る。") == 4 * 45


def test_the_pdf_is_tagged_japanese_and_has_a_title():
    data = pdf()
    assert b"/StructTreeRoot" in data
    assert b"/Marked true" in data
    assert b"/Lang(ja-JP)" in data
    assert b"pdfuaid:part" in data
    assert b"/DisplayDocTitle true" in data


def test_the_same_answers_give_the_same_bytes():
    assert pdf() == pdf()


def test_a_header_stands_above_every_page():
    found = pages(write_form(DEFINITION, {}, "pdf", header="受付番号　R7-001"))
    assert [page.count("受付番号R7-001") for page in found] == [1, 1, 1]


def test_text_is_never_read_as_markup():
    hostile = "#strong[x] *b* $x$ @ref <label> `code` \\ // c /* */ #sys.inputs = == - +"
    first = pages(pdf(reason=hostile))[0]
    assert first.endswith("".join(hostile.split()))


@pytest.mark.parametrize(
    "unbroken",
    [
        "W" * 300,
        "https://example.jp/" + "a" * 300,
        "ー" * 200,
        "！" * 200,
        "っ" * 200,
        "（" * 200,
        "々" * 200,
        "\u00a0" * 200 + "終",
    ],
)
def test_long_unbroken_text_stays_inside_its_lines(unbroken):
    filled = dict.fromkeys(("prefecture", "area_kind", "rep_name", "rep_email", "reason", "issues_detail"), unbroken)
    rows = [{"row": "r1", "organisation": unbroken, "section": unbroken, "title": unbroken, "profession": unbroken}]
    left, right = text_edges(pdf(**filled, members=rows))
    assert left >= 22
    assert right <= 210 - 22


def test_characters_without_a_glyph_are_marked_and_the_rest_kept():
    first = pages(pdf(reason="前😀後\ue000終\u202e\x00髙﨑𠮷葛\U000e0100城\t次"))[0]
    assert first.endswith("前〓後〓終髙﨑𠮷葛\U000e0100城次")


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=200), st.text(max_size=40))
def test_no_text_stops_the_paper(text, word):
    made = pages(pdf(reason=text, rep_name=word, members=[{"row": "r", "organisation": word}]))
    assert made[-1].endswith("以上")


def form_with(*fields):
    call = DEFINITION.model_dump()
    call["form"]["sections"] = [{"id": "only", "title": "見出し", "fields": list(fields)}]
    return Definition.model_validate(call)


def test_other_kinds_of_fields_have_their_units_and_dates():
    definition = form_with(
        {"id": "amount", "label": "金額", "kind": "money"},
        {"id": "count", "label": "件数", "kind": "number"},
        {"id": "day", "label": "開始日", "kind": "date"},
        {
            "id": "kind",
            "label": "種別",
            "kind": "choice",
            "options": [{"value": "a", "label": "甲"}, {"value": "b", "label": "乙"}],
        },
        {"id": "memo", "label": "内部メモ", "kind": "text", "print": False},
    )
    filled = {"amount": 3000000, "count": 1200, "day": "2025-07-31", "kind": "b", "memo": "見せない"}
    [page] = pages(write_form(definition, filled, "pdf"))
    assert page.endswith("見出し金額3,000,000円件数1,200開始日令和7年7月31日1甲種別回答22乙以上")


def test_boxes_that_share_a_section_have_their_labels():
    definition = form_with(
        {"id": "one", "label": "一つ目", "kind": "longtext", "rows": 3},
        {"id": "two", "label": "二つ目", "kind": "longtext", "rows": 3},
    )
    [page] = pages(write_form(definition, {"one": "甲", "two": "乙"}, "pdf"))
    assert page.endswith("見出し一つ目甲二つ目乙以上")


def test_half_filled_answers_are_printed_as_they_stand():
    half = {**ANSWERS, "rep_address": None, "issues": None, "area_kind": "", "members": None, "reason": None}
    assert len(pages(write_form(DEFINITION, half, "pdf"))) == 3


def test_a_programme_without_a_form_has_no_paper():
    with pytest.raises(ValueError, match="r7-zaitaku has no form"):
        write_form(DEFINITION.model_copy(update={"form": None}), {}, "pdf")

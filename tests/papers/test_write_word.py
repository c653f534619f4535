"""The official form as a Word file."""

import io
import zipfile

import pytest
from docx.oxml.ns import qn
from lxml import etree

from kyoten.papers.embedded import Embedded, embed, embedded
from kyoten.papers.forms import write_form
from kyoten.rules.definition import Definition
from tests.papers.writing import ANSWERS, DEFINITION, LONG, answers, members, word

PARTS = [
    "[Content_Types].xml",
    "_rels/.rels",
    "word/_rels/document.xml.rels",
    "customXml/_rels/item1.xml.rels",
    "word/document.xml",
    "docProps/core.xml",
    "word/styles.xml",
    "word/settings.xml",
    "customXml/item1.xml",
    "customXml/itemProps1.xml",
]
BLANK_CONTROLS = {
    **{f"ky:{name}": "" for name in ("prefecture", "area_kind", "area_name", "rep_organisation", "rep_section")},
    **{f"ky:{name}": "" for name in ("rep_name", "rep_title", "rep_phone", "rep_email")},
    **{f"ky:{name}": "" for name in ("rep_address/postal", "rep_address/text")},
    **{f"ky:{name}": "" for name in ("reason", "features", "activities", "issues_detail")},
    **{f"ky:issues/{name}": "・" for name in ("multidisciplinary", "training", "awareness", "disaster", "other")},
}


def docx(**changed):
    return write_form(DEFINITION, answers(**changed), "docx")


def parts(data):
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def controls(data):
    """Tag → text of every content control, line breaks as \\n."""
    found = {}
    for control in word(data).element.body.iter(qn("w:sdt")):
        signs = {qn("w:br"): "\n", qn("w:tab"): "\t"}
        pieces = (signs.get(node.tag, node.text or "") for node in control.iter(qn("w:t"), qn("w:br"), qn("w:tab")))
        found[control.find(f"{qn('w:sdtPr')}/{qn('w:tag')}").get(qn("w:val"))] = "".join(pieces)
    return found


def shape(table):
    """Each row as (columns spanned, joined with the cell above or not) of its cells."""
    return [
        [
            (int(span.get(qn("w:val"))) if (span := cell.find(f"*/{qn('w:gridSpan')}")) is not None else 1)
            for cell in row.findall(qn("w:tc"))
        ]
        for row in table._tbl.findall(qn("w:tr"))
    ]


def test_the_paragraphs_around_the_tables_are_those_of_the_paper():
    assert [paragraph.text for paragraph in word(write_form(DEFINITION, {}, "docx")).paragraphs] == [
        "別紙２－②",
        "在宅医療の拠点整備・運用に向けた伴走支援 申込書",
        "■ 応募地域の基本情報をご記入ください。",
        "■ 代表者の基本情報をご記入ください。",
        "■ 応募の理由をご記入ください。（※できる限り具体的にご記載ください）",
        "■ 地域の特徴をご記入ください。（※できる限り具体的にご記載ください）",
        "■ 拠点の取組内容をご記入ください。（※できる限り具体的にご記載ください）",
        "■ 地域の課題について、該当する項目に○を付けたうえで、詳細を枠内にご記入ください。\n（※できる限り具体的にご記載ください）",
        "■ 想定される本伴走支援の参加者（構成員）をご記入ください。\n"
        "（※現時点で参加を想定している職種や機関の記載で構いません）\n（※行が足りない場合は適宜追加してご記入ください）",
        "以上",
    ]


def test_the_cells_are_merged_as_on_the_paper():
    area, representative, *boxes, grid = word(write_form(DEFINITION, {}, "docx")).tables
    assert shape(area) == [[1, 3], [1, 3], [1, 1, 1, 1], [1, 1, 1, 1], [1, 3]]
    merges = [[merge.get(qn("w:val")) for merge in row.iter(qn("w:vMerge"))] for row in area._tbl.findall(qn("w:tr"))]
    assert merges == [[], ["restart"], ["continue", "restart", "restart"], ["continue"] * 3, []]
    assert shape(representative) == [[1, 3]] * 7
    assert [shape(box) for box in boxes] == [[[1]]] * 4
    assert shape(grid) == [[1] * 5] * 16


def test_labels_of_two_characters_are_spaced():
    representative = word(write_form(DEFINITION, {}, "docx")).tables[1]
    labels = [row.cells[0].text for row in representative.rows]
    assert labels == ["所　属", "部　署", "氏　名", "役　職", "住　所", "電話番号", "E-mail"]


def test_every_answer_has_a_control_named_after_its_field():
    assert controls(write_form(DEFINITION, {}, "docx")) == BLANK_CONTROLS


def test_controls_hold_exactly_what_was_answered():
    row = {
        "row": "r1",
        "organisation": "　医師会 ",
        "section": "",
        "title": "会\t長",
        "profession": "医師",
        "group": "care",
    }
    found = controls(write_form(DEFINITION, {**ANSWERS, "members": [row]}, "docx"))
    assert found == {
        **{f"ky:{name}": ANSWERS[name] for name in ANSWERS if name not in ("rep_address", "issues")},
        "ky:rep_address/postal": "271-0000",
        "ky:rep_address/text": "千葉県松戸市例1丁目",
        **{f"ky:issues/{name}": "・" for name in ("multidisciplinary", "awareness", "disaster")},
        **{f"ky:issues/{name}": "○" for name in ("training", "other")},
        "ky:members/r1/;group=care": "1",
        "ky:members/r1/organisation": "　医師会 ",
        "ky:members/r1/section": "",
        "ky:members/r1/title": "会\t長",
        "ky:members/r1/profession": "医師",
    }


def test_a_row_with_an_odd_name_keeps_its_cells():
    found = controls(docx(members=[{"row": "い ろ", "organisation": "機関"}]))
    assert {tag: text for tag, text in found.items() if tag.startswith("ky:members")} == {
        "ky:members//": "1",
        "ky:members//organisation": "機関",
        "ky:members//section": "",
        "ky:members//title": "",
        "ky:members//profession": "",
    }


@pytest.mark.parametrize(("count", "rows"), [(0, 16), (15, 16), (40, 41)])
def test_the_table_grows_and_repeats_its_heading(count, rows):
    grid = word(docx(members=members(count))).tables[-1]
    assert len(grid.rows) == rows
    assert [row._tr.find(f"*/{qn('w:tblHeader')}") is not None for row in grid.rows] == [True] + [False] * (rows - 1)


def test_long_answers_may_break_over_pages_and_short_ones_keep_their_box():
    whole = [row._tr.find(f"*/{qn('w:cantSplit')}") is not None for row in box_rows(docx(features=LONG))]
    assert whole == [True, False, True, True]


def box_rows(data):
    return [table.rows[0] for table in word(data).tables[2:6]]


def test_the_file_holds_no_more_than_it_says():
    assert list(parts(docx())) == PARTS
    assert [name for name, content in parts(docx()).items() if b"TargetMode" in content] == []


def test_the_same_answers_give_the_same_bytes():
    assert docx() == docx()


def test_fonts_language_and_title_are_those_of_a_japanese_paper():
    found = parts(docx())
    fonts = etree.fromstring(found["word/styles.xml"]).find(f".//{qn('w:docDefaults')}//{qn('w:rFonts')}")
    assert {name: fonts.get(qn(f"w:{name}")) for name in ("ascii", "eastAsia", "hAnsi")} == dict.fromkeys(
        ("ascii", "eastAsia", "hAnsi"), "ＭＳ 明朝"
    )
    properties = word(docx()).core_properties
    assert (properties.title, properties.language) == ("在宅医療の拠点整備・運用に向けた伴走支援 申込書", "ja-JP")


def test_a_header_stands_in_the_page_head_and_not_in_the_text():
    document = word(write_form(DEFINITION, {}, "docx", header="受付番号　<R7&001>"))
    assert [paragraph.text for paragraph in document.sections[0].header.paragraphs] == ["受付番号　<R7&001>"]
    assert document.paragraphs[0].text == "別紙２－②"


def test_hostile_text_is_only_text():
    hostile = "<w:p/>&amp;]]>\"' \x00\x0b\ud800\ufffe髙𠮷😀 =cmd|x {{ 7*7 }} {% raw %}"
    assert controls(docx(reason=hostile))["ky:reason"] == "<w:p/>&amp;]]>\"' \n髙𠮷😀 =cmd|x {{ 7*7 }} {% raw %}"


# ---- what travels unseen ------------------------------------------------------------------------


def test_the_answers_travel_with_the_file():
    filled = answers(reason="行\r\n\t\x00😀")
    assert embedded(parts(write_form(DEFINITION, filled, "docx"))["customXml/item1.xml"]) == Embedded(
        "r7-zaitaku", "別紙2-②", filled, intact=True
    )


def test_free_text_that_is_not_printed_does_not_travel():
    call = DEFINITION.model_dump()
    fields = [
        {"id": "memo", "label": "内部メモ", "kind": "text", "print": False},
        {"id": "flag", "label": "区分", "kind": "choice", "print": False, "options": [{"value": "a", "label": "甲"}]},
        {
            "id": "rows",
            "label": "表",
            "kind": "table",
            "columns": [{"id": "name", "label": "名"}, {"id": "memo", "label": "メモ", "print": False}],
        },
    ]
    call["form"]["sections"] = [{"id": "only", "title": "見出し", "fields": fields}]
    filled = {"memo": "内々", "flag": "a", "rows": [{"row": "1", "name": "甲", "memo": "内々"}], "stray": "内々"}
    form = Definition.model_validate(call).form
    assert embedded(embed("x", form, filled)) == Embedded(
        "x", "別紙2-②", {"flag": "a", "rows": [{"row": "1", "name": "甲"}]}, intact=True
    )


def test_a_changed_part_is_known_and_a_strange_one_is_not_ours():
    part = embed("x", DEFINITION.form, {"reason": "a"})
    assert embedded(part.replace(b'"a"', b'"b"')) == Embedded("x", "別紙2-②", {"reason": "b"}, intact=False)
    for strange in (b"", b"<a/>", b"<a>{}</a>", b"\xff", b'<answers xmlns="urn:kyoten:answers:1">[]</answers>'):
        assert embedded(strange) is None

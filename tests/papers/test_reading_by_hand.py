"""The official form filled in by hand, in the many ways people and Word do it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from kyoten.papers.reading import Reading, read_form
from kyoten.rules.definition import Form
from kyoten.rules.reading import shipped
from tests.papers import forms_by_hand as hand
from tests.papers.forms_by_hand import EXPECTED, HEADER, MEMBERS, OPTIONS, box, p, ps, sdt, t, tbl, tc, text_box, tr


class Case(NamedTuple):
    """A file, what differs from EXPECTED in it (None: not on the paper), and the raw texts a person is asked to look at."""

    data: bytes
    differs: dict[str, Any] = {}
    noted: tuple[str, ...] = ()


CASES: dict[str, Callable[[], Case]] = {}


def case(make: Callable[[], Case]) -> Callable[[], Case]:
    CASES[make.__name__] = make
    return make


def form() -> Form:
    found = shipped("r7-zaitaku").form
    assert found is not None
    return found


def read(data: bytes, name: str = "別紙2-②.docx") -> Reading:
    return read_form(form(), data, name)


# ---- as printed, and labels ----


@case
def as_printed() -> Case:
    return Case(hand.form())


@case
def labels_with_blanks_and_full_width() -> Case:
    rows = [
        ("所　　　属：", "松戸市"),
        ("部 署", "健康福祉部 在宅医療推進課"),
        ("氏　　名（ふりがな）", "髙﨑 𠮷子"),
        ("役\t職", "課長"),
        ("住　　所", "〒271-0000　千葉県松戸市見本町1-2-3"),
        ("電 話 番 号", "047-000-0000"),
        ("Ｅ－ｍａｉｌ", "zaitaku@example.jp"),
    ]
    return Case(hand.form(rep=tbl(*(tr(*row) for row in rows))))


@case
def labels_in_other_words() -> Case:
    rows = [
        ("所属機関名", "松戸市"),
        ("担当部署", "健康福祉部 在宅医療推進課"),
        ("代表者氏名", "髙﨑 𠮷子"),
        ("職名", "課長"),
        ("所在地", "〒271-0000 千葉県松戸市見本町1-2-3"),
        ("TEL", "047-000-0000"),
        ("メールアドレス", "zaitaku@example.jp"),
    ]
    return Case(hand.form(rep=tbl(*(tr(*row) for row in rows))))


@case
def answers_behind_the_label_in_one_cell() -> Case:
    lines = (
        "所　属：松戸市\n部　署：健康福祉部 在宅医療推進課\n氏　名　髙﨑 𠮷子\n役　職\t課長\n"
        "住　所：〒271-0000\n千葉県松戸市見本町1-2-3\n電話番号：047-000-0000\nE-mail: zaitaku@example.jp"
    )
    return Case(hand.form(rep=box(lines)))


@case
def answers_behind_the_label_in_paragraphs() -> Case:
    lines = (
        "所属　松戸市\n部署：健康福祉部 在宅医療推進課\n\n氏名：髙﨑 𠮷子\n役職：課長\n"
        "住所：〒271-0000 千葉県松戸市見本町1-2-3\n電話番号：047-000-0000\nE-mail：zaitaku@example.jp"
    )
    return Case(hand.form(rep=ps(lines)))


@case
def answers_below_the_label_in_paragraphs() -> Case:
    lines = (
        "所属\n松戸市\n部署\n健康福祉部 在宅医療推進課\n氏名\n髙﨑 𠮷子\n役職\n課長\n"
        "住所\n〒271-0000\n千葉県松戸市見本町1-2-3\n電話番号\n047-000-0000\nE-mail\nzaitaku@example.jp"
    )
    return Case(hand.form(rep=ps(lines)))


@case
def answers_below_the_label_in_a_table() -> Case:
    table = tbl(
        tr("所属", "部署", "氏名", "役職"),
        tr("松戸市", "健康福祉部 在宅医療推進課", "髙﨑 𠮷子", "課長"),
        tr(tc("住所", span=2), "電話番号", "E-mail"),
        tr(tc("〒271-0000\n千葉県松戸市見本町1-2-3", span=2), "047-000-0000", "zaitaku@example.jp"),
    )
    return Case(hand.form(rep=table))


@case
def two_labels_in_a_row() -> Case:
    table = tbl(
        tr("所属", "松戸市", "部署", "健康福祉部 在宅医療推進課"),
        tr("氏名", "髙﨑 𠮷子", "役職", "課長"),
        tr(tc("住所", merge="restart"), tc("〒271-0000", span=3)),
        tr(tc("", merge="continue"), tc("千葉県松戸市見本町1-2-3", span=3)),
        tr("電話番号", "047-000-0000", "E-mail", "zaitaku@example.jp"),
    )
    return Case(hand.form(rep=table))


@case
def full_width_digits() -> Case:
    rep = hand.representative(
        "〒２７１－００００\n千葉県松戸市見本町1-2-3",
        "０４７ー０００ー００００",
        "ｚａｉｔａｋｕ＠ｅｘａｍｐｌｅ．ｊｐ",
    )
    return Case(hand.form(rep=rep))


@case
def telephone_with_a_fax_below() -> Case:
    rep = hand.representative(phone="TEL：047-000-0000\nFAX：047-000-0001")
    return Case(hand.form(rep=rep), noted=("FAX：047-000-0001",))


# ---- 応募地域の単位 ----


def area_kind(*cells: str) -> bytes:
    return hand.form(area=hand.area(kind_row=tr(hand.AREA_KIND_LABEL, *cells)))


@case
def area_kind_full_width() -> Case:
    return Case(area_kind("回答", "　２　", hand.AREA_OPTIONS), {"area_kind": "2"})


@case
def area_kind_circled_number() -> Case:
    return Case(area_kind("回答", "②", hand.AREA_OPTIONS), {"area_kind": "2"})


@case
def area_kind_behind_the_word() -> Case:
    return Case(area_kind("回答：２", hand.AREA_OPTIONS), {"area_kind": "2"})


@case
def area_kind_in_words() -> Case:
    return Case(area_kind("回答", "2　在宅医療の圏域ではない", hand.AREA_OPTIONS), {"area_kind": "2"})


@case
def area_kind_marked_in_the_list() -> Case:
    return Case(area_kind("回答", "", "1 在宅医療の圏域\n○2 在宅医療の圏域ではない"), {"area_kind": "2"})


@case
def area_kind_circled_in_the_list() -> Case:
    return Case(area_kind("回答", "", "1 在宅医療の圏域\n② 在宅医療の圏域ではない"), {"area_kind": "2"})


@case
def area_kind_with_the_other_deleted() -> Case:
    return Case(area_kind("回答", "", "2 在宅医療の圏域ではない"), {"area_kind": "2"})


@case
def area_kind_with_the_other_struck_out() -> Case:
    struck = "<w:r><w:rPr><w:strike/></w:rPr><w:t>1 在宅医療の圏域</w:t></w:r>"
    return Case(
        area_kind("回答", "", tc(p(struck) + ps("2 在宅医療の圏域ではない"))),
        {"area_kind": "2"},
    )


@case
def area_kind_ticked() -> Case:
    options = p(hand.checkbox(False), t("1 在宅医療の圏域")) + p(hand.checkbox(True), t("2 在宅医療の圏域ではない"))
    return Case(area_kind("回答", "", tc(options)), {"area_kind": "2"})


@case
def area_kind_in_a_drop_down() -> Case:
    chosen = sdt(t("2 在宅医療の圏域ではない"), "<w:dropDownList/>")
    return Case(area_kind("回答", tc(p(chosen)), hand.AREA_OPTIONS), {"area_kind": "2"})


def area_kind_rows(answer: str) -> bytes:
    rows = (
        tr(
            tc(hand.AREA_KIND_LABEL, merge="restart"),
            "1 在宅医療の圏域",
            tc("回答", merge="restart"),
            tc(answer, merge="restart"),
        ),
        tr(tc("", merge="continue"), "2 在宅医療の圏域ではない", tc("", merge="continue"), tc("", merge="continue")),
    )
    return hand.form(area=hand.area(kind_row="".join(rows)))


@case
def area_kind_in_rows() -> Case:
    return Case(area_kind_rows("2"), {"area_kind": "2"})


@case
def area_kind_in_rows_and_in_words() -> Case:
    return Case(area_kind_rows("2（在宅医療の圏域ではない）"), {"area_kind": "2"})


@case
def area_kind_in_rows_and_not_understood() -> Case:
    answer = "東葛北部在宅医療の圏域"
    raw = f"1 在宅医療の圏域\n回答\n{answer}\n\n2 在宅医療の圏域ではない"
    return Case(area_kind_rows(answer), {"area_kind": answer}, (raw,))


@case
def area_kind_twice() -> Case:
    data = area_kind("回答", "", "○1 在宅医療の圏域\n○2 在宅医療の圏域ではない")
    raw = "回答\n\n○1 在宅医療の圏域\n○2 在宅医療の圏域ではない"
    return Case(data, {"area_kind": ""}, (raw,))


@case
def area_kind_not_understood() -> Case:
    data = area_kind("回答", "二次医療圏", hand.AREA_OPTIONS)
    return Case(data, {"area_kind": "二次医療圏"}, ("回答\n二次医療圏\n1　在宅医療の圏域\n2　在宅医療の圏域ではない",))


# ---- 地域の課題 ----


def issues(items: str) -> bytes:
    content = items if items.startswith("<") else ps(items)
    return hand.form(issues=box(content + ps(EXPECTED["issues_detail"])))


@case
def marks_behind() -> Case:
    a, b, c, d, e = OPTIONS
    return Case(issues(f"・{a}　○\n・{b}\n・{c}\n・{d}　○　・{e}"))


@case
def marks_before_the_bullet() -> Case:
    a, b, c, d, e = OPTIONS
    return Case(issues(f"〇・{a}\n　・{b}\n　・{c}\n〇・{d}　　・{e}"))


@case
def marks_around() -> Case:
    a, b, c, d, e = OPTIONS
    return Case(issues(f"（◯）{a}\n（　）{b}\n（　）{c}\n（◯）{d}\n（　）{e}"))


@pytest.mark.parametrize("mark", list("○◯〇●☑✓✔■レ☒◎"))
def test_every_kind_of_mark(mark: str) -> None:
    a, b, c, d, e = OPTIONS
    found = read(issues(f"{mark}{a}\n□{b}\n□{c}\n{mark} {d}\n□{e}"))
    assert (found.answers, found.notes) == (EXPECTED, ())


@case
def marks_over_squares_as_bullets() -> Case:
    a, b, c, d, e = OPTIONS
    return Case(issues(f"■{a}○\n■{b}\n■{c}\n■{d}○\n■{e}"))


@case
def marks_of_two_kinds_beside_empty_boxes() -> Case:
    a, b, c, d, e = OPTIONS
    return Case(issues(f"✓{a}\n□{b}\n□{c}\n■{d}\n□{e}"))


@case
def marks_in_the_cell_beside() -> Case:
    table = tbl(*(tr(mark, item) for mark, item in zip("○  ○ ", OPTIONS, strict=True)))
    return Case(hand.form(issues=table + box(EXPECTED["issues_detail"])))


@case
def marks_in_the_cell_behind_with_numbers() -> Case:
    rows = [tr(str(n), item, mark) for n, (item, mark) in enumerate(zip(OPTIONS, "○  ○ ", strict=True), 1)]
    return Case(hand.form(issues=tbl(*rows) + box(EXPECTED["issues_detail"])))


@case
def marks_as_check_boxes() -> Case:
    items = "".join(p(hand.checkbox(n in (0, 3)), t(item)) for n, item in enumerate(OPTIONS))
    return Case(issues(items))


@case
def marks_as_old_form_fields() -> Case:
    def box_field(on: bool) -> str:
        state = "<w:checked/>" if on else '<w:default w:val="0"/>'
        return (
            f'<w:r><w:fldChar w:fldCharType="begin"><w:ffData><w:checkBox>{state}</w:checkBox></w:ffData></w:fldChar></w:r>'
            '<w:r><w:instrText> FORMCHECKBOX </w:instrText></w:r><w:r><w:fldChar w:fldCharType="end"/></w:r>'
        )

    return Case(issues("".join(p(box_field(n in (0, 3)), t(item)) for n, item in enumerate(OPTIONS))))


@case
def marks_as_symbols_of_wingdings() -> Case:
    def symbol(on: bool) -> str:
        return f'<w:r><w:sym w:font="Wingdings" w:char="{"F0FE" if on else "F0A8"}"/></w:r>'

    return Case(issues("".join(p(symbol(n in (0, 3)), t(item)) for n, item in enumerate(OPTIONS))))


@case
def items_in_a_text_box_and_details_in_a_frame() -> Case:
    return Case(hand.form(issues=text_box(hand.ITEMS) + box(EXPECTED["issues_detail"])))


@case
def details_in_a_text_box() -> Case:
    return Case(hand.form(issues=ps(hand.ITEMS) + text_box(EXPECTED["issues_detail"])))


@case
def other_with_a_remark() -> Case:
    a, b, c, d, e = OPTIONS
    return Case(
        issues(f"○{a}\n・{b}\n・{c}\n○{d}　○{e}（移動手段の確保）"),
        {
            "issues": ["multidisciplinary", "disaster", "other"],
            "issues_detail": f"その他（移動手段の確保）\n{EXPECTED['issues_detail']}",
        },
    )


@case
def details_that_speak_of_an_item() -> Case:
    detail = (
        "・在宅医療に関する人材育成については研修が足りない。\nその他の課題は次のとおり。\n在宅医療に関する人材育成"
    )
    return Case(hand.form(issues=box(f"{hand.ITEMS}\n{detail}")), {"issues_detail": detail})


# ---- what Word leaves in a file ----


@case
def tracked_changes() -> Case:
    reason = p(t("往診の"), hand.deleted("医師がいない。"), hand.inserted("担い手が"), t("足りない。")) + ps(
        "夜間の対応が一部の診療所に偏っている。"
    )
    name = tr("氏　名", tc(p(hand.deleted("山田 花子"), hand.inserted("髙﨑 𠮷子"))))
    gone = tr("4", "消した団体", "", "", "医師", properties='<w:trPr><w:del w:id="9" w:author="a"/></w:trPr>')
    rep = hand.representative().replace(tr("氏　名", "髙﨑 𠮷子"), name)
    return Case(hand.form(reason=box(reason), rep=rep, members=hand.members(*hand.member_rows(), gone)))


@case
def paragraph_end_deleted_as_a_change() -> Case:
    first = "<w:p><w:pPr><w:rPr><w:del w:id='3'/></w:rPr></w:pPr>" + t("市の北部は") + "</w:p>"
    return Case(hand.form(features=box(first + ps("高齢化率が高い。"))))


@case
def content_controls() -> Case:
    area = hand.area(name="").replace(tc("", span=3), tc(p(sdt(t("東葛北部"))), span=3))
    rep = hand.representative().replace(tc("課長"), sdt(tc("課長")))
    placeholder = sdt(p(t("ここをクリックして入力してください")), "<w:showingPlcHdr/>")
    block = sdt(ps(EXPECTED["reason"]))
    data = hand.form(area=area, rep=rep, reason=box(block), activities=box(placeholder + ps(EXPECTED["activities"])))
    return Case(data)


@case
def runs_cut_into_pieces() -> Case:
    label = p(*(t(char) for char in "電話番号"))
    rep = hand.representative().replace(tc("電話番号"), tc(label))
    return Case(hand.form(rep=rep))


@case
def answers_in_text_boxes() -> Case:
    return Case(hand.form(reason=text_box(EXPECTED["reason"]), features=box(text_box(EXPECTED["features"]))))


@case
def answers_without_frames() -> Case:
    return Case(hand.form(**{name: ps(EXPECTED[name]) for name in ("reason", "features", "activities")}))


@case
def answers_with_line_breaks_and_empty_lines() -> Case:
    text = "一つ目の段落。\n\n　二つ目の段落。\n・項目"
    return Case(hand.form(reason=box(p(t(text)) + p())), {"reason": text})


@case
def heading_and_answer_in_one_cell() -> Case:
    cell = hand.REASON_HEADING + ps(EXPECTED["reason"])
    return Case(hand.form(reason_heading="", reason=box(cell)))


@case
def headings_and_answers_side_by_side() -> Case:
    rows = [tr(label, EXPECTED[name]) for name, label in (
        ("reason", "応募の理由"), ("features", "地域の特徴"), ("activities", "拠点の取組内容"))]  # fmt: skip
    gone = dict.fromkeys(("reason_heading", "features_heading", "features", "activities_heading", "activities"), "")
    return Case(hand.form(reason=tbl(*rows), **gone))


@case
def short_headings() -> Case:
    return Case(
        hand.form(
            reason_heading=p(t("■応募の理由")),
            features_heading=p(t("２．地域の特徴")),
            activities_heading=p(t("拠点の取組内容：")),
        )
    )


@case
def heading_broken_over_two_paragraphs() -> Case:
    first = "◼ 地域の課題について、該当する項目に○を付けたうえで、詳細を枠内にご記入くださ"
    return Case(hand.form(issues_heading=ps(f"{first}\nい。\n（※できる限り具体的にご記載ください）")))


@case
def the_whole_form_in_a_layout_table() -> Case:
    return Case(hand.docx(tbl(tr(tc(hand.body())))))


@case
def the_call_in_front_of_the_form() -> Case:
    call = ps(
        "２ 伴走支援実施地域について\n都道府県：課題を抱える都道府県\n■ 地域の特徴\n住所\nこの要領の説明文です。\n"
        "７ 申込方法\n別紙２－②「在宅医療の拠点整備・運用に向けた伴走支援 申込書」に記入"
    )
    raw = (
        "２ 伴走支援実施地域について", "都道府県：課題を抱える都道府県", "この要領の説明文です。", "７ 申込方法",
        "別紙２－②「在宅医療の拠点整備・運用に向けた伴走支援 申込書」に記入",
    )  # fmt: skip
    return Case(hand.docx(call, hand.body()), noted=raw)


@case
def strict_open_xml() -> Case:
    body = hand.docx(hand.body())
    return Case(hand.replaced(body, "word/document.xml", hand.W, "http://purl.oclc.org/ooxml/wordprocessingml/main"))


@case
def lines_that_look_like_labels() -> Case:
    text = "所属\n■ 地域の特徴\n電話番号：なし\n※できない日がある。\n以上"
    return Case(hand.form(reason=box(text)), {"reason": text})


@case
def notes_of_the_form_left_in_the_frame() -> Case:
    text = f"（※できる限り具体的にご記載ください）\n{EXPECTED['reason']}\n※救急は別に検討中"
    return Case(hand.form(reason=box(text)), {"reason": f"{EXPECTED['reason']}\n※救急は別に検討中"})


@case
def nothing_filled_in() -> Case:
    a, b, c, d, e = OPTIONS
    data = hand.form(
        area=hand.area(tr(hand.AREA_KIND_LABEL, "回答", "", hand.AREA_OPTIONS), "").replace("千葉県", ""),
        rep=tbl(*(tr(x, "〒" if x == "住所" else "") for x in ("所属", "部署", "氏名", "役職", "住所", "電話番号", "E-mail"))),
        reason=box("\n\n"), features=box(""), activities=box(""),
        issues=box(f"・{a}\n・{b}\n・{c}\n・{d}　・{e}\n\n"),
        members=tbl(tr(*HEADER), *(tr(str(n), "", "", "", "") for n in range(1, 16))),
    )  # fmt: skip
    empty = dict.fromkeys(EXPECTED, "") | {"rep_address": {"postal": "", "text": ""}, "issues": [], "members": []}
    return Case(data, empty)


# ---- 参加者 ----


def rows_of(*members: tuple[str, str, str, str]) -> list[dict[str, str]]:
    names = ("organisation", "section", "title", "profession")
    return [{"row": f"r{n}", **dict(zip(names, row, strict=True)), "group": ""} for n, row in enumerate(members, 1)]


@case
def members_in_two_tables_with_the_header_again() -> Case:
    first, *others = hand.member_rows()
    data = hand.form(members=tbl(tr(*HEADER), first) + p() + tbl(tr(*HEADER), *others))
    return Case(data)


@case
def members_in_two_tables_without_a_header() -> Case:
    first, *others = hand.member_rows()
    return Case(hand.form(members=tbl(tr(*HEADER), first) + p() + tbl(*others)))


@case
def header_repeated_inside_the_table() -> Case:
    first, *others = hand.member_rows()
    return Case(hand.form(members=tbl(tr(*HEADER), first, tr(*HEADER), *others)))


@case
def twenty_members() -> Case:
    many = tuple((f"第{n}訪問看護ステーション", "", "所長", "看護師") for n in range(1, 21))
    return Case(hand.form(members=hand.members(*hand.member_rows(many))), {"members": rows_of(*many)})


@case
def columns_in_another_order_with_one_more() -> Case:
    rows = [tr(job, title, org, section, "要調整" if org == "千葉県" else "") for org, section, title, job in MEMBERS]
    return Case(hand.form(members=tbl(tr("職種", "役職", "所属", "部署", "備考"), *rows)), noted=("要調整",))


@case
def rows_left_blank_in_the_middle() -> Case:
    rows = [cell for n, row in enumerate(MEMBERS) for cell in (tr(str(n), *row), tr("", "", "", "", ""))]
    return Case(hand.form(members=hand.members(*rows)))


@case
def one_body_merged_over_two_rows() -> Case:
    rows = (
        tr("1", tc("松戸市", merge="restart"), "健康福祉部", "係長", "行政職員"),
        tr("2", tc("", merge="continue"), "地域包括支援センター", "", "保健師、社会福祉士"),
    )
    members = (MEMBERS[0], ("松戸市", "地域包括支援センター", "", "保健師、社会福祉士"))
    return Case(hand.form(members=hand.members(*rows)), {"members": rows_of(*members)})


@case
def two_columns_merged_in_a_row() -> Case:
    row = tr("1", tc("松戸市健康福祉部", span=2), "係長", "行政職員")
    return Case(
        hand.form(members=hand.members(row)),
        {"members": rows_of(("松戸市健康福祉部", "", "係長", "行政職員"))},
    )


@case
def members_as_text() -> Case:
    data = hand.form(members=ps("松戸市医師会より2名\n千葉県より1名"))
    return Case(data, {"members": None}, ("", "松戸市医師会より2名", "千葉県より1名"))


@case
def a_line_across_under_the_members() -> Case:
    rows = (*hand.member_rows(), tr(tc("ほか、必要に応じて助言者が出席", span=5)))
    return Case(hand.form(members=hand.members(*rows)), noted=("ほか、必要に応じて助言者が出席",))


# ---- what has no place ----


@case
def text_after_the_end() -> Case:
    data = hand.form(closing=ps("以上\n担当より：8月は不在です。"))
    return Case(data, noted=("担当より：8月は不在です。",))


@case
def text_between_the_parts() -> Case:
    data = hand.form(rep=hand.representative() + ps("※連絡は午前中にお願いします"))
    return Case(data, noted=("※連絡は午前中にお願いします",))


@case
def a_comment_and_a_header() -> Case:
    comments = (
        f'<w:comments {hand.NAMESPACES}><w:comment w:id="0" w:author="a">{ps("県で確認済み")}</w:comment></w:comments>'
    )
    header = f"<w:hdr {hand.NAMESPACES}>{ps('別紙２－②')}</w:hdr>"
    return Case(hand.docx(hand.body(), comments=comments, header1=header), noted=("県で確認済み",))


@case
def an_ellipse_drawn_over_an_item() -> Case:
    ellipse = (
        "<w:r><mc:AlternateContent><mc:Choice Requires='wps'><w:drawing><wps:wsp/></w:drawing></mc:Choice>"
        "<mc:Fallback><w:pict><v:oval/></w:pict></mc:Fallback></mc:AlternateContent></w:r>"
    )
    a, b, c, d, e = OPTIONS
    items = p(t(f"・{a}")) + p(t(f"・{b}"), ellipse) + ps(f"・{c}\n・{d}　・{e}")
    return Case(issues(items), {"issues": []}, (f"・{b}",))


@case
def mail_as_a_link() -> Case:
    link = p(f'<w:hyperlink w:anchor="x">{t("zaitaku@")}{t("example.jp")}</w:hyperlink>')
    return Case(hand.form(rep=hand.representative(mail=tc(link))))


@case
def mail_as_a_field() -> Case:
    field = (
        '<w:r><w:fldChar w:fldCharType="begin"/></w:r><w:r><w:instrText>HYPERLINK "mailto:old@example.jp"</w:instrText></w:r>'
        f'<w:r><w:fldChar w:fldCharType="separate"/></w:r>{t("zaitaku@example.jp")}<w:r><w:fldChar w:fldCharType="end"/></w:r>'
    )
    return Case(hand.form(rep=hand.representative(mail=tc(p(field)))))


@case
def name_with_its_reading_above() -> Case:
    ruby = f"<w:r><w:ruby><w:rt>{t('たかさき')}</w:rt><w:rubyBase>{t('髙﨑')}</w:rubyBase></w:ruby></w:r>"
    rep = hand.representative().replace(tc("髙﨑 𠮷子"), tc(p(ruby, t(" 𠮷子"))))
    return Case(hand.form(rep=rep))


@case
def a_cell_beside_several_labels() -> Case:
    rows = [("所属", "松戸市"), ("部署", "健康福祉部 在宅医療推進課"), ("氏名", "髙﨑 𠮷子"), ("役職", "課長"),
            ("住所", "〒271-0000 千葉県松戸市見本町1-2-3"), ("電話番号", "047-000-0000"), ("E-mail", "zaitaku@example.jp")]  # fmt: skip
    side = [tc("代表者", merge="restart")] + [tc("", merge="continue")] * 6
    return Case(hand.form(rep=tbl(*(tr(cell, *row) for cell, row in zip(side, rows, strict=True)))))


@case
def names_of_the_members_in_a_column_of_their_own() -> Case:
    rows = [
        tr(str(n), org, section, title, f"山田 {n}子", job) for n, (org, section, title, job) in enumerate(MEMBERS, 1)
    ]
    table = tbl(tr("No.", "所属", "部署", "役職", "氏名", "職種"), *rows)
    return Case(hand.form(members=table), noted=("山田 1子\n山田 2子\n山田 3子",))


@case
def a_row_was_deleted() -> Case:
    rep = hand.representative().replace(tr("役　職", "課長"), "")
    return Case(hand.form(rep=rep), {"rep_title": None}, ("",))


@pytest.mark.parametrize("name", list(CASES))
def test_reads_the_form(name: str) -> None:
    made = CASES[name]()
    found = read(made.data)
    assert found.refused is None
    expected = EXPECTED | made.differs
    assert found.answers == {name: value for name, value in expected.items() if value is not None}
    assert tuple(note.raw for note in found.notes) == made.noted

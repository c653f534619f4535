"""Every kind of field, on a form made up for it: our own file, the same paper by hand, and as an Excel sheet."""

from __future__ import annotations

import io
from typing import Any

import openpyxl
import pytest

from kyoten.papers.forms import write_form
from kyoten.papers.reading import Reading, read_form
from kyoten.rules.definition import Definition, Form
from kyoten.rules.reading import parse, shipped
from tests.papers import forms_by_hand as hand
from tests.papers.forms_by_hand import EXPECTED, HEADER, MEMBERS, OPTIONS, box, docx, heading, p, ps, t, tbl, tr

DEFINITION: Definition = parse("""
id = "r7-test"
name = "試験事業"
short_name = "試験"
fiscal_year = 2025
organiser = "事務局"
source = "ours"
contact = { name = "事務局", email = "desk@example.jp" }
[form]
title = "試験事業 計画書"
number = "様式第1号"
file_name = "様式第1号"
[[form.sections]]
id = "plan"
title = "計画の概要をご記入ください。"
[[form.sections.fields]]
id = "unit"
label = "実施の単位"
kind = "choice"
options = [{ value = "city", label = "市町村" }, { value = "area", label = "二次医療圏" }, { value = "none", label = "その他の単位" }]
[[form.sections.fields]]
id = "people"
label = "参加人数"
kind = "number"
[[form.sections.fields]]
id = "cost"
label = "所要額"
kind = "money"
[[form.sections.fields]]
id = "starts"
label = "開始日"
kind = "date"
[[form.sections]]
id = "aims"
title = "目的に○を付けてください。"
[[form.sections.fields]]
id = "aims"
label = "目的"
kind = "marks"
options = [{ value = "a", label = "研修の実施" }, { value = "b", label = "普及啓発の実施" }]
[[form.sections]]
id = "costs"
title = "経費の内訳をご記入ください。"
[[form.sections.fields]]
id = "costs"
label = "経費の内訳"
kind = "table"
rows = 3
columns = [{ id = "item", label = "費目" }, { id = "amount", label = "金額" }, { id = "kind", label = "区分", kind = "choice", options = [{ value = "own", label = "自己負担" }, { value = "grant", label = "補助" }] }]
""")
ANSWERS: dict[str, Any] = {
    "unit": "area",
    "people": 15,
    "cost": 3_000_000,
    "starts": "2025-08-01",
    "aims": ["b"],
    "costs": [
        {"row": "r1", "item": "旅費", "amount": "1,000円", "kind": "grant"},
        {"row": "r2", "item": "会場費", "amount": "500円", "kind": "own"},
    ],
}


def form(definition: Definition = DEFINITION) -> Form:
    assert definition.form is not None
    return definition.form


def read(data: bytes) -> Reading:
    return read_form(form(), data, "様式第1号.docx")


@pytest.mark.parametrize("unit", ["city", "area", "none", ""])
def test_our_own_file(unit: str) -> None:
    found = read(write_form(DEFINITION, ANSWERS | {"unit": unit}, "docx"))
    assert (found.answers, found.notes) == (ANSWERS | {"unit": unit}, ())


def by_hand(people: str, cost: str, starts: str, unit: str = "2") -> bytes:
    entries = tbl(
        tr("実施の単位", "回答", unit, "1 市町村\n2 二次医療圏\n3 その他の単位"),
        tr("参加人数", people),
        tr("所要額", cost),
        tr("開始日", starts),
    )
    costs = tbl(tr("費目", "金額", "区分"), tr("旅費", "1,000円", "補助"), tr("会場費", "500円", "自己負担"))
    return docx(
        p(t("試験事業 計画書")), heading("計画の概要をご記入ください。"), entries, heading("目的に○を付けてください。"),
        ps("・研修の実施\n○普及啓発の実施"), heading("経費の内訳をご記入ください。"), costs, p(t("以上")),
    )  # fmt: skip


@pytest.mark.parametrize(
    "written",
    [
        ("15", "3,000,000円", "令和7年8月1日"),
        ("１５名", "３，０００千円", "令和 ７ 年 ８ 月 １ 日"),
        ("15 人", "3000000", "R7.8.1"),
        ("15", "3百万円", "2025年8月1日（金）"),
    ],
)
def test_by_hand(written: tuple[str, str, str]) -> None:
    found = read(by_hand(*written))
    assert (found.answers, found.notes) == (ANSWERS, ())


def test_what_is_no_number_or_date_stays_as_written_and_is_noted() -> None:
    found = read(by_hand("15名程度", "未定", "8月頃", "二次医療圏域"))
    expected = {"people": "15名程度", "cost": "未定", "starts": "8月頃", "unit": "二次医療圏域"}
    assert found.answers == ANSWERS | expected
    assert [(note.field, note.level, note.where) for note in found.notes] == [
        ("unit", "warn", "表1 1行目"),
        ("people", "warn", "表1 2行目"),
        ("cost", "warn", "表1 3行目"),
        ("starts", "warn", "表1 4行目"),
    ]


# ---- the application as an Excel sheet ----


def workbook(rows: list[list[str | int | None]], merged: tuple[str, ...] = ()) -> bytes:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    for cells in merged:
        book.active.merge_cells(cells)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def sheet(members: list[list[str | int | None]]) -> list[list[str | int | None]]:
    a, b, c, d, e = OPTIONS
    return [
        [None, None, None, None, "別紙２－②"],
        [hand.TITLE],
        ["■ 応募地域の基本情報をご記入ください。"],
        ["都道府県", "千葉県"],
        [
            "応募地域の単位\n※右の回答欄に1又は2をご記入ください",
            "回答",
            1,
            "1 在宅医療の圏域\n2 在宅医療の圏域ではない",
        ],
        ["応募地域名", "東葛北部"],
        ["■ 代表者の基本情報をご記入ください。"],
        ["所　属", "松戸市"],
        ["部　署", "健康福祉部 在宅医療推進課"],
        ["氏　名", "髙﨑 𠮷子"],
        ["役　職", "課長"],
        ["住　所", "〒271-0000\n千葉県松戸市見本町1-2-3"],
        ["電話番号", "047-000-0000"],
        ["E-mail", "zaitaku@example.jp"],
        ["■ 応募の理由をご記入ください。（※できる限り具体的にご記載ください）"],
        [EXPECTED["reason"]],
        ["■ 地域の特徴をご記入ください。（※できる限り具体的にご記載ください）"],
        [EXPECTED["features"]],
        ["■ 拠点の取組内容をご記入ください。（※できる限り具体的にご記載ください）"],
        [EXPECTED["activities"]],
        ["■ 地域の課題について、該当する項目に○を付けたうえで、詳細を枠内にご記入ください。"],
        ["○", a],
        [None, b],
        [None, c],
        ["○", d],
        [None, e],
        [EXPECTED["issues_detail"]],
        ["■ 想定される本伴走支援の参加者（構成員）をご記入ください。"],
        ["（※行が足りない場合は適宜追加してご記入ください）"],
        [*HEADER],
        *members,
        [None, None, None, None, "以上"],
    ]


def test_excel_form() -> None:
    members: list[list[str | int | None]] = [[n, *row] for n, row in enumerate(MEMBERS, 1)]
    found = read_form(form(shipped("r7-zaitaku")), workbook(sheet(members)), "別紙2-②.xlsx")
    assert (found.answers, found.notes) == (EXPECTED, ())


def test_excel_form_with_merged_cells_and_a_note() -> None:
    members: list[list[str | int | None]] = [
        [1, *MEMBERS[0]],
        [2, None, "地域包括支援センター", None, "保健師"],
        [None, "※調整中"],
    ]
    rows = sheet(members)
    found = read_form(form(shipped("r7-zaitaku")), workbook(rows, ("A2:E2", "B31:B32", "B8:E8")), "別紙2-②.xlsx")
    assert [(row["organisation"], row["section"], row["profession"]) for row in found.answers["members"]] == [
        ("松戸市", "健康福祉部", "行政職員"),
        ("松戸市", "地域包括支援センター", "保健師"),
        ("※調整中", "", ""),
    ]
    assert {name: value for name, value in found.answers.items() if name != "members"} == {
        name: value for name, value in EXPECTED.items() if name != "members"
    }


def test_two_frames_side_by_side_are_not_mixed_up() -> None:
    """A plain box before the first heading belongs to nobody."""
    found = read(
        docx(p(t("試験事業 計画書")), box("前書き"), heading("計画の概要をご記入ください。"), tbl(tr("参加人数", "3")))
    )
    assert found.answers == {"people": 3}
    assert [note.raw for note in found.notes] == ["", "", "", "", "", "前書き"]

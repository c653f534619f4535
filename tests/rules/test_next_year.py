"""昨年度から作成, and differences in words."""

import pytest

from kyoten.rules.definition import Definition
from kyoten.rules.differences import differences
from kyoten.rules.next_year import MARK, next_year
from kyoten.rules.reading import Invalid, parse, shipped, shipped_text

TEXT = shipped_text("r7-zaitaku")
R7 = shipped("r7-zaitaku")
MADE = next_year(TEXT)
R8 = parse(MADE.text, "r8-zaitaku.toml")


def moved(line: str) -> list[str]:
    """What becomes of one line of comment put into the shipped definition."""
    text = TEXT.replace("# ---- 相談窓口", f"{line}\n# ---- 相談窓口", 1)
    rows = next_year(text).text.split("\n")
    start = next(number for number, row in enumerate(rows) if row.startswith("# ---- 相談窓口"))
    before = [row for row in rows[:start] if row.strip()]
    last = next(number for number, row in enumerate(before) if row.startswith('source = "ours"  '))
    return before[last + 1 :]


def test_next_years_file_is_a_valid_definition_of_next_year() -> None:
    assert (MADE.slug, R8.id, R8.fiscal_year) == ("r8-zaitaku", "r8-zaitaku", 2026)


def test_dates_move_and_everything_else_stays() -> None:
    assert [(d.subject, d.after) for d in differences(R7, R8) if "令和7年" not in (d.before or "")][:1] == [
        ("識別子", "「r8-zaitaku」")
    ]
    assert R8.call.deadline.at.isoformat() == "2026-07-31"
    assert R8.call.deadline.text == "申込締切 令和8年7月31日"
    assert R8.engagement.period_text == "令和8年8月頃から令和9年2月末（予定）まで"
    assert R8.documents[0].title.startswith("令和8年度厚生労働省委託事業")
    assert (R8.form, R8.call.rules, R8.contact) == (R7.form, R7.call.rules, R7.contact)


def test_other_years_stay_and_are_marked() -> None:
    assert R8.call.guide[0].body[0].text == R7.call.guide[0].body[0].text
    assert f"{MARK}「令和6年度」は別の年度のものとして、そのまま残しました" in MADE.text


def test_every_line_is_the_old_one_but_for_dates_and_marks() -> None:
    kept = [row for row in MADE.text.split("\n")[2:] if not row.lstrip().startswith(MARK)]
    assert len(kept) == len(TEXT.split("\n"))
    assert [row for row in TEXT.split("\n") if row.startswith("#")][1:] == [row for row in kept if row.startswith("#")][
        1:
    ]
    assert MADE.marks == MADE.text.count(MARK)


@pytest.mark.parametrize(
    ("line", "becomes"),
    [
        ("# 令和7年7月31日（木）17時", ["# 令和8年7月31日（金）17時"]),
        ("# 令和 ７ 年 ７ 月 ３１ 日", ["# 令和 ８ 年 ７ 月 ３１ 日"]),
        ("# 8月23日（土）", ["# 8月23日（日）"]),
        ("# 2026-03-31(火)", ["# 2027-03-31(水)"]),
        ("# 令和7年度・2025年度・R7年度", ["# 令和8年度・2026年度・R8年度"]),
        ("# 令和6年度と令和9年度", ["# 令和6年度と令和9年度"]),
        ("# 10～15名程度、3～4回、043-000-0000", ["# 10～15名程度、3～4回、043-000-0000"]),
    ],
)
def test_how_dates_in_texts_move(line: str, becomes: list[str]) -> None:
    assert [row for row in moved(line) if not row.startswith(MARK)] == becomes


def test_a_date_on_a_closed_day_is_marked() -> None:
    assert f"{MARK}令和7年8月1日（金） → 令和8年8月1日（土）。閉庁日に当たります" in MADE.text


def test_the_end_of_february() -> None:
    assert moved("# 2028-02-29")[-1] == "# 2029-02-28"
    marks = [f"{MARK}令和9年2月28日（日） → 令和10年2月28日（月）。この年の2月末は29日です"]
    assert moved("# 2027-02-28") == [*marks, "# 2028-02-28"]


def test_marks_of_the_year_before_go() -> None:
    again = next_year(MADE.text)
    assert (again.slug, parse(again.text).fiscal_year) == ("r9-zaitaku", 2027)
    assert again.text.count("令和7年度の定義から作った") == 0


def test_marks_never_fall_into_a_text_over_several_lines() -> None:
    text = TEXT.replace('note  = """\n（※現時点', 'note  = """\n令和7年8月1日現在\n（※現時点')
    note = parse(next_year(text).text).form.sections[-1].note
    assert note.startswith("令和8年8月1日現在\n（※現時点")


def test_a_broken_file_is_refused() -> None:
    with pytest.raises(Invalid):
        next_year("id = 1")


# ---- differences ------------------------------------------------------------------------------


def said(*pairs: tuple[str, str]) -> list[str]:
    text = TEXT
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new, 1)
    return [str(difference) for difference in differences(R7, parse(text))]


def test_a_moved_deadline_is_said_in_words() -> None:
    changed = said(("at     = 2025-07-31", "at     = 2025-08-29"), ("申込締切 令和7年7月31日", "締切 令和7年8月29日"))
    assert changed == [
        "申込締切の文書の文言が「申込締切 令和7年7月31日」から「締切 令和7年8月29日」に変わりました。",
        "申込締切が令和7年7月31日（木）から令和7年8月29日（金）に変わりました。",
    ]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("places           = 1", "places           = 4", "選定数が1から4に変わりました。"),
        ("max    = 15", "max    = 20", "応募要件「伴走支援実施地域の参加者（構成員）は、下記を含む10～15名…」の上限が15から20に変わりました。"),
        ('level  = "stop"\nstep   = "apply"', 'level  = "warn"\nstep   = "apply"', "応募要件「拠点を設置している地域であること」の強さが必須（止める）から注意に変わりました。"),
        ('means  = "not_applicable"', 'means  = "must_answer"', "回答が無いときの扱いが該当なしとみなすからすべての機関の回答が要るに変わりました。"),
        ("opens  = 09:00:00", "opens  = 10:00:00", "相談窓口の受付時間帯の受付開始が9時から10時に変わりました。"),
        ('label = "応募地域名"', 'label = "地域名"', "様式の項目「地域名」の見出しが「応募地域名」から「地域名」に変わりました。"),
        ('email = "zaitaku@example.jp"', 'email = "r7@example.jp"', "連絡先のメールアドレスが「zaitaku@example.jp」から「r7@example.jp」に変わりました。"),
        ("reserve = true\n", "", "伴走支援の計画の会議の第4回の予備の回が「はい」から「いいえ」に変わりました。"),
        ('      { value = "2", label = "在宅医療の圏域ではない" },\n', "", "様式の項目「応募地域の単位」の選択肢「在宅医療の圏域ではない」がなくなりました。"),
    ],
)  # fmt: skip
def test_differences_in_words(old: str, new: str, words: str) -> None:
    assert said((old, new)) == [words]


def test_what_was_added_and_taken_away() -> None:
    without = Definition.model_validate(R7.model_dump() | {"engagement": None})
    assert [str(difference) for difference in differences(R7, without)] == ["伴走支援の計画がなくなりました。"]
    assert [str(difference) for difference in differences(without, R7)] == ["伴走支援の計画が加わりました。"]


def test_a_renamed_field_is_a_change_not_a_loss() -> None:
    changed = said(('id    = "reason"\n  label', 'id    = "motive"\n  was   = "reason"\n  label'))
    where = "様式の項目「応募の理由」"
    assert changed == [
        f"{where}の識別子が「reason」から「motive」に変わりました。",
        f"{where}の前の版での idが（空）から「reason」に変わりました。",
    ]


def test_no_difference() -> None:
    assert differences(R7, parse(TEXT + "\n# 注釈だけ\n")) == ()

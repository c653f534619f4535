"""Definition files: the shipped one is whole, and every mistake is named with its place and what to do."""

import tomllib
from datetime import date, time
from fractions import Fraction

import pytest

from kyoten.rules.definition import Manual
from kyoten.rules.reading import MAX_SIZE, Invalid, Problem, decode, parse, shipped, shipped_slugs, shipped_text

TEXT = shipped_text("r7-zaitaku")


def refused(text: str) -> tuple[Problem, ...]:
    with pytest.raises(Invalid) as caught:
        parse(text, "r8.toml")
    return caught.value.problems


def line_of(text: str, part: str) -> int:
    return text[: text.index(part)].count("\n") + 1


def changed(old: str, new: str) -> str:
    assert old in TEXT
    return TEXT.replace(old, new, 1)


# ---- the shipped definition -------------------------------------------------------------------


@pytest.mark.parametrize("slug", shipped_slugs())
def test_every_shipped_definition_reads_and_has_its_id(slug: str) -> None:
    assert shipped(slug).id == slug


def test_the_programme_of_2025() -> None:
    definition = shipped("r7-zaitaku")
    assert (definition.desk.period.starts, definition.desk.period.ends) == (date(2025, 6, 27), date(2026, 2, 28))
    assert [(w.days, w.opens, w.closes) for w in definition.desk.windows] == [(tuple("月火水木金"), time(9), time(17))]
    assert [use.label for use in definition.desk.purpose.uses] == ["ガイドブックの改訂の参考"]
    assert len(definition.desk.mail.lines) == 4
    assert (definition.call.deadline.at, definition.call.route, definition.call.places) == (
        date(2025, 7, 31),
        "prefecture",
        1,
    )
    assert [section.no for section in definition.call.guide] == list(range(1, 11))
    assert [(m.title, m.reserve) for m in definition.engagement.meetings] == [
        ("現状把握と課題確認", False),
        ("対応策案の検討①", False),
        ("対応策案の検討②", False),
        ("予備", True),
    ]
    assert definition.engagement.adviser_visits.max == 3
    assert definition.rule("balance_profession").max_share == Fraction(1, 2)


def test_the_form_asks_what_the_paper_asks_and_prints_only_its_columns() -> None:
    form = shipped("r7-zaitaku").form
    assert [field.label for field in form.fields()] == [
        "都道府県", "応募地域の単位", "応募地域名", "所属", "部署", "氏名", "役職", "住所", "電話番号", "E-mail",
        "応募の理由", "地域の特徴", "拠点の取組内容", "地域の課題", "地域の課題の詳細", "参加者（構成員）",
    ]  # fmt: skip
    assert [column.label for column in form.field("members").columns if column.print] == [
        "所属",
        "部署",
        "役職",
        "職種",
    ]
    assert form.field("members").rows == 15


def test_every_rule_has_its_words_source_level_and_step() -> None:
    steps = {rule.id: (rule.level, rule.step) for rule in shipped("r7-zaitaku").call.rules}
    assert steps == {
        "hub_designated": ("stop", "apply"),
        "hub_led": ("stop", "screening"),
        "headcount": ("warn", "apply"),
        "both_officers": ("stop", "bundle"),
        "groups": ("warn", "apply"),
        "balance_profession": ("warn", "apply"),
        "balance_organisation": ("warn", "apply"),
        "through_prefecture": ("stop", "bundle"),
    }
    assert all(rule.text and rule.source.startswith("別紙2 ") for rule in shipped("r7-zaitaku").call.rules)


def test_contacts_are_made_up() -> None:
    assert shipped("r7-zaitaku").contact.email.endswith("@example.jp")


# ---- mistakes ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "places           = 1",
            "place            = 1",
            'call.place: "place" というキーはありません。もしかして "places" ですか。',
        ),
        (
            "places           = 1\n",
            "",
            'call.places: "places" がありません。places を書いてください（選定数）。',
        ),
        (
            "places           = 1",
            'places           = "1"',
            'call.places: 書き方が違います（今は "1"）。引用符の無い整数を書いてください。',
        ),
        (
            'level  = "stop"',
            'level  = "error"',
            'call.rules の1番目（hub_designated） の level: "error" は使えません。使えるのは "stop"、"warn" です。',
        ),
        (
            'kind   = "headcount"',
            'kind   = "headcont"',
            'call.rules の3番目（headcount）: kind = "headcont" という種類はありません。もしかして "headcount" ですか。',
        ),
        (
            'id     = "hub_led"',
            'id     = "hub_designated"',
            'call.rules の2番目（hub_designated） の id: id = "hub_designated" が重なっています。別の名前にしてください。',
        ),
        (
            'short  = "拠点中心の取組"',
            'short  = "拠点の設置"',
            'call.rules の2番目（hub_led） の short: short = "拠点の設置" が重なっています。別の名前にしてください。',
        ),
        (
            '  id    = "area_name"',
            '  id    = "prefecture"',
            'form.sections の1番目（area） の fields の3番目（prefecture） の id: 項目の id = "prefecture" が'
            "重なっています（「都道府県」と「応募地域名」）。様式全体で重ならない名前にしてください。",
        ),
        (
            'id    = "representative"',
            'id    = "area"',
            'form.sections の2番目（area） の id: id = "area" が重なっています。別の名前にしてください。',
        ),
        (
            'field  = "members"\nmin',
            'field  = "member"\nmin',
            'call.rules の3番目（headcount） の field: "member" という表の項目は様式にありません。様式にある表は members です。',
        ),
        (
            'column = "group"',
            'column = "groups"',
            'call.rules の4番目（both_officers） の column: "groups" という列は "members" にありません。'
            "列は organisation、section、title、profession、group です。",
        ),
        (
            '["hub", "prefecture"]',
            '["hub", "pref"]',
            'call.rules の4番目（both_officers） の values: "pref" は列 "group" の選択肢にありません。'
            "選択肢は hub、prefecture、homecare、medical_association、care、care_association、municipality、other です。",
        ),
        (
            'kind   = "fixed"\nat     = 2025-07-31',
            'kind   = "days_after"\ndays   = 30\nafter  = "completed"',
            "call.deadline: 申込締切が「completed」の日から数える期限になっています。"
            '申込締切は日付で決めてください（kind = "fixed"）。',
        ),
        (
            "opens            = 2025-06-27",
            "opens            = 2025-08-01",
            "call.opens: 公募を始める日（2025-08-01）が申込締切（2025-07-31）より後です。opens か deadline を直してください。",
        ),
        (
            "at     = 2025-07-31",
            "at     = 2025-08-29",
            "call.deadline.text: 文言の日付（令和7年7月31日）が期限（令和7年8月29日）と違います。どちらかを直してください。",
        ),
        (
            "申込締切 令和7年7月31日",
            "申込締切 令和7年7月31日（水）",
            "call.deadline.text: 「令和7年7月31日（水）」の曜日が違います。令和7年7月31日は木曜日です。日付か曜日を直してください。",
        ),
        (
            'places_text      = "1地域程度"',
            'places_text      = "1地域程度。8月23日（木）まで"',
            "call.places_text: 「8月23日（木）」の曜日が違います。令和7年8月23日は土曜日です。日付か曜日を直してください。",
        ),
        (
            "[[desk.windows]]",
            '[[desk.windows]]\ndays = ["月", "木"]\nopens = 16:00:00\ncloses = 18:00:00\n\n[[desk.windows]]',
            "desk.windows の2番目: 月木の受付時間帯が重なっています（16:00～18:00 と 09:00～17:00）。時間帯を分けてください。",
        ),
        (
            "[desk.mail]",
            '[[desk.closures]]\nstarts = 2025-08-12\nends = 2025-08-15\ntext = "夏季"\n'
            '[[desk.closures]]\nstarts = 2025-08-15\nends = 2025-08-16\ntext = "停電"\n[desk.mail]',
            "desk.closures の2番目: 「夏季」（2025-08-12～2025-08-15）と期間が重なっています。"
            "臨時に閉まる期間は重ならないように書いてください。",
        ),
        (
            "ends = 2026-02-28 }\ntext     =",
            "ends = 2025-02-28 }\ntext     =",
            "desk.period.starts: 初日（2025-06-27）が最終日（2025-02-28）より後です。日付を直してください。",
        ),
        (
            'max_share        = "1/2"',
            "max_share        = 0.5",
            "call.rules の6番目（balance_profession） の max_share: 書き方が違います（今は 0.5）。"
            '割合は "1/2" のような分数の文字列で書いてください。',
        ),
        (
            "opens            = 2025-06-27",
            'opens            = "2025-06-27"',
            'call.opens: 書き方が違います（今は "2025-06-27"）。日付は 2025-07-31 のように、引用符で囲まずに書いてください。',
        ),
        (
            'route  = "prefecture"\ntext',
            'route  = "direct"\ntext',
            "call.rules の8番目（through_prefecture） の route: 要件の経路（direct）が公募の経路（prefecture）と違います。"
            "call.route と同じにしてください。",
        ),
        (
            "[call.silence]",
            "[call.silence",
            ": TOML の書き方の誤りです（見出しの ] がありません）。「[call.silence」とその前の行を確かめてください。",
        ),
        (
            "at     = 2025-07-31",
            "at     = 2025-06-31",
            ": TOML の書き方の誤りです（ない日付か時刻です）。"
            "「at     = 2025-06-31                      # 時刻は書かれていない。その日の終わ」とその前の行を確かめてください。",
        ),
    ],
)
def test_a_mistake_is_named_with_its_place_and_what_to_do(old: str, new: str, said: str) -> None:
    assert said in [f"{p.place}: {p.reason}。{p.advice}。" for p in refused(changed(old, new))]


def test_one_mistake_is_one_problem() -> None:
    assert len(refused(changed('column = "group"', 'column = "groups"'))) == 1


def test_a_problem_names_file_line_place_reason_and_advice() -> None:
    text = changed("places           = 1", 'places           = "1"')
    line = line_of(text, "places           =")
    said = '書き方が違います（今は "1"）。引用符の無い整数を書いてください。'
    assert [str(problem) for problem in refused(text)] == [f"r8.toml {line}行目 call.places: {said}"]
    assert refused(text)[0].written == 'places           = "1"'


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('column = "group"', 'column = "groups"'),
        ('id     = "hub_led"', 'id     = "hub_designated"'),
        ("[call.silence]", "[call.silence"),
        ("at     = 2025-07-31", "at     = 2025-06-31"),
    ],
)
def test_the_line_is_the_one_with_the_mistake(old: str, new: str) -> None:
    text = changed(old, new)
    assert refused(text)[0].line == TEXT[: TEXT.index(old)].count("\n") + 1


@pytest.mark.parametrize(
    "text",
    ["", "[[[[", "a = " + "[" * 100_000, "x = 1" * 300_000, "id = \x00", "\ud800", "1 = 2 = 3", "id = " + "9" * 5000],
)
def test_nonsense_is_refused_and_never_breaks(text: str) -> None:
    assert refused(text)[0].file == "r8.toml"


def test_too_long_a_file_is_refused() -> None:
    assert [str(problem) for problem in refused("#" * (MAX_SIZE + 1))] == [
        f"r8.toml: ファイルが大きすぎます（{MAX_SIZE + 1:,}文字）。{MAX_SIZE:,}文字までにしてください。"
    ]


def test_files_as_windows_saves_them() -> None:
    data = ("\ufeff" + TEXT).replace("\n", "\r\n").encode("utf-8")
    assert decode(data, "r7.toml") == TEXT
    with pytest.raises(Invalid, match="文字コードが UTF-8 ではありません"):
        decode(TEXT.encode("cp932", "replace"), "r7.toml")


def test_a_shipped_id_is_no_path() -> None:
    for name in ("../definitions/r7-zaitaku", "r9-none", "__init__"):
        with pytest.raises(KeyError):
            shipped_text(name)


def test_the_file_is_plain_toml() -> None:
    assert tomllib.loads(TEXT)["id"] == "r7-zaitaku"


@pytest.mark.parametrize(
    ("short", "text", "name"),
    [
        ("拠点の設置", "拠点を設置している地域であること", "拠点の設置"),
        ("", "拠点があること", "拠点があること"),
        ("", "拠点を設置している地域であること", "拠点を設置している地域…"),
    ],
)
def test_a_rule_without_a_short_name_goes_by_the_beginning_of_its_sentence(short: str, text: str, name: str) -> None:
    rule = Manual(id="r", kind="manual", short=short, text=text, source="ours", level="warn", step="apply")
    assert rule.name == name

"""The official mail template as people fill it in: renumbered, abbreviated, widened, in another order, or twice."""

import pytest

from kyoten.rules.desk import Told, told
from kyoten.rules.reading import shipped

DESK = shipped("r7-zaitaku").desk
LABELS = ("自治体・機関名", "氏名", "連絡先（TEL／メールアドレス）", "照会内容（具体的に）")
SAID = (
    "柏市 地域医療推進課",
    "渡辺 健",
    "04-0000-0000／watanabe@kashiwa.example.jp",
    "会議の参加者の例を教えてください。",
)
ALL = Told(SAID[0], SAID[1], "04-0000-0000", "watanabe@kashiwa.example.jp", SAID[3])


def filled(marks="1) 2) 3) 4)", labels=LABELS, colon="：", said=SAID) -> str:
    marks = marks.split(" ") if " " in marks else [marks] * 4
    return "\n".join(mark + label + colon + value for mark, label, value in zip(marks, labels, said, strict=True))


@pytest.mark.parametrize(
    "text",
    [
        filled(),
        filled("１） ２） ３） ４）"),
        filled("(1) (2) (3) (4)"),
        filled("（１） （２） （３） （４）"),
        filled("① ② ③ ④"),
        filled("1. 2. 3. 4."),
        filled("1)　 2)　 3)　 4)　"),
        filled("・"),
        filled("■"),
        filled(""),
        filled("【", colon="】"),
        filled(colon=":"),
        filled("", colon="　"),
        filled("", colon="\n　"),
        filled(labels=("自治体･機関名", "氏名", "連絡先(TEL/ﾒｰﾙｱﾄﾞﾚｽ)", "照会内容(具体的に)")),
        filled("", ("自治体名", "氏名", "連絡先", "照会内容")),
        filled("", ("機関名", "お名前", "ご連絡先", "ご照会内容")),
        filled("", ("所属", "担当者名", "連絡先", "照会内容")),
        filled("", ("自治体 ・ 機関名", "氏　名", "連 絡 先（TEL／メールアドレス）", "照会内容")),
        "\n".join(filled().split("\n")[n] for n in (1, 2, 0, 3)),
        "> " + filled().replace("\n", "\n> "),
        filled(said=("", "", "", "")) + "\n" + filled(),
        "【記入例】\n" + filled(said=("○○市", "○○ ○○", "00-0000-0000", "○○について")) + "\n" + filled(),
        filled() + "\n" + "> " + filled(said=("", "", "", "")).replace("\n", "\n> "),
    ],
)
def test_every_way_of_filling_it_in_is_read(text):
    found = told(DESK, text)
    assert (found.body, found.person, found.phone, found.email) == (ALL.body, ALL.person, ALL.phone, ALL.email)
    assert found.text.split("\n")[0] == ALL.text


@pytest.mark.parametrize(
    "contact, phone",
    [
        ("ＴＥＬ：０４－００００－００００", "04-0000-0000"),
        ("04ー0000ー0000", "04-0000-0000"),
        ("04（0000）0000 内線12", "04(0000)0000"),
        ("(04)0000-0000", "(04)0000-0000"),
        ("0400000000", "0400000000"),
        ("なし", ""),
    ],
)
def test_telephone_numbers_are_found_as_they_are_written(contact, phone):
    assert told(DESK, filled(said=(*SAID[:2], contact, SAID[3]))).phone == phone


@pytest.mark.parametrize(
    "text",
    [
        "照会内容については、会議の件です。\n連絡先は 04-0000-0000 です。\n氏名は伏せさせてください。\n本文です。",
        "会議の参加者の例を教えてください。",
        "氏名：渡辺 健",
        "",
    ],
)
def test_sentences_are_not_taken_for_the_template(text):
    assert told(DESK, text) == Told()


@pytest.mark.parametrize(
    "text", [" " * 1_000_000, "　" * 1_000_000, "照会内容" + " " * 1_000_000, "氏名：\n自治体名：\n" * 60_000]
)
def test_a_mail_of_nothing_but_white_space_or_labels_says_nothing(text):
    """Read by an expression that goes back and forth, the first of them would take hours."""
    found = told(DESK, text)
    assert (found.phone, found.text) == ("", "")

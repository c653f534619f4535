"""The one cleaning function."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kyoten.rules.text import clean, clean_line, narrow, same_words, without_reading


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("松戸市\x00", "松戸市"),
        ("a\r\nb\rc\u2028d\ve", "a\nb\nc\nd\ne"),
        ("前\t後", "前\t後"),
        ("half\ud842", "half"),
        ("\ud842\udfb7野家", "𠮷野家"),
        ("邉\U000e0101", "邉\U000e0101"),  # the variation of a name stays
        ("evil\u202efdp.exe", "evilfdp.exe"),
        ("\ufeff見出し\uffff", "見出し"),
        ("\x1b[31m赤", "[31m赤"),
    ],
)
def test_clean(typed: str, kept: str) -> None:
    assert clean(typed) == kept


@given(st.text(alphabet=st.characters()))
def test_cleaned_text_is_clean_and_fits_every_store(text: str) -> None:
    once = clean(text)
    assert clean(once) == once
    assert "\x00" not in once
    assert once.encode("utf-8").decode("utf-8") == once


@given(st.text())
def test_a_line_has_no_break(text: str) -> None:
    assert "\n" not in clean_line(text)
    assert clean_line(clean_line(text)) == clean_line(text)


def test_names_are_not_narrowed_but_codes_are() -> None:
    assert clean_line("髙﨑") == "髙﨑"
    assert narrow("０４３－０００－１２３４") == "043-000-1234"


def test_two_spellings_of_one_name_are_the_same_words() -> None:
    assert same_words("鎌ヶ谷市") == same_words("鎌ケ谷　市")
    assert same_words("医師") != same_words("歯科医師")


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("山下　結衣（やました　ゆい）", "山下　結衣"),
        ("山下 結衣 (ﾔﾏｼﾀ ﾕｲ)", "山下 結衣"),
        ("ジョン・スミス", "ジョン・スミス"),
        ("山下 結衣（旧姓 山田）", "山下 結衣（旧姓 山田）"),
        ("", ""),
    ],
)
def test_a_name_to_write_to_is_without_its_reading(written, name):
    assert without_reading(written) == name

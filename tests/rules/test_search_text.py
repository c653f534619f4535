"""One spelling for searching, and the way back to the original."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kyoten.rules.search_text import Snippet, normalise, only_named, snippet, snippets, words

odd = st.text(
    st.sampled_from(list("看取りヶケがか\u3099ｶﾞﾊﾟ①㈱ＡａÅ\u030a㌔𠮷👨\u200d👩葛\U000e0100\r\n 　～〜ßﬃ각\u1161\x00\ud842"))
    | st.characters(),
    max_size=30,
)  # fmt: skip


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("鎌ヶ谷市", "鎌ケ谷市"),
        ("ＡＢＣ１２３", "abc123"),
        ("ﾊﾟﾙｽｵｷｼﾒｰﾀｰ", "パルスオキシメーター"),
        ("か\u3099", "が"),
        ("〒２７１－８５８８", "〒271−8588"),
        ("１０～１２時", "10〜12時"),
        ("葛\U000e0100城", "葛城"),
        ("看取\r\nりを", "看取りを"),
        ("往\x00診\ud842", "往診"),
    ],
)
def test_spellings_that_count_as_one(one, other):
    assert normalise(one) == normalise(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("髙橋", "高橋"), ("かまがや", "カマガヤ"), ("した。\n\n次", "した。次"), ("home\ncare", "homecare")],
)
def test_what_stays_different(one, other):
    assert normalise(one) != normalise(other)


def test_words_are_split_at_any_blank_and_a_part_of_another_is_left_out():
    assert words(" 看取り　往診\n取り\t看取り ") == ("看取り", "往診")
    assert words(" 　\n\u200b\x00") == ()


@given(odd)
def test_normalising_twice_changes_nothing_that_is_compared(text):
    assert words(" ".join(words(text))) == words(text)


def test_the_snippet_is_cut_out_of_the_original():
    text = "はじめに。ご家族から、ｵﾝﾗｲﾝで看取\nりの相談がありました。"
    assert snippet(text, "看取り", 4) == Snippet("ﾗｲﾝで", "看取\nり", "の相談が")
    assert snippet(text, "オンライン", 3) == Snippet("から、", "ｵﾝﾗｲﾝ", "で看取")
    assert snippet("㌔グラム", "ロ") == Snippet("", "㌔", "グラム")


def test_snippets_of_several_words_come_in_the_order_of_the_text():
    text = "往診" + "あ" * 20 + "看取り" + "い" * 20 + "薬"
    assert [found.hit for found in snippets(text, "薬 看取り 往診", 5)] == ["往診", "看取り", "薬"]
    assert [found.hit for found in snippets(text, "看取り 往診", 40)] == ["往診"]  # the other stands beside it
    assert snippets(text, "鰻") == [] and snippet(text, " ") is None


@given(odd, st.data())
def test_every_part_of_the_normalised_text_is_shown_where_it_stands(text, data):
    whole = normalise(text)
    known = words(whole)
    if not known:
        return
    word = data.draw(st.sampled_from(known))
    start = data.draw(st.integers(0, len(word) - 1))
    needle = word[start : data.draw(st.integers(start + 1, len(word)))]
    if words(needle) != (needle,):  # a mark without its letter may normalise differently alone
        return
    found = snippet(text, needle, len(text))
    assert found is not None and found.before + found.hit + found.after == text
    assert needle in normalise(found.hit)


@given(st.characters(), st.characters())
def test_characters_normalise_alone_as_they_do_together(one, other):
    text = one + other
    found = snippets(text, normalise(text), 0)
    assert "".join(part.hit for part in found) != "" or not words(text)
    assert unicodedata.is_normalized("NFKC", normalise(text))


CITIES = {1: "津市", 2: "大津市", 3: "府中市", 4: "府中市", 5: "鎌ケ谷市"}


@pytest.mark.parametrize(
    ("text", "owner"),
    [
        ("津市の申込書", 1),
        ("大津市の申込書（大津市）", 2),
        ("津市と大津市", None),
        ("府中市", None),
        ("鎌ヶ谷市", 5),
        ("申込書", None),
        ("", None),
    ],
)
def test_whose_name_alone_stands_in_a_text(text, owner):
    assert only_named(text, CITIES) == owner


def test_nobody_is_named_where_nobody_has_a_name():
    assert only_named("津市", {1: ""}) is None

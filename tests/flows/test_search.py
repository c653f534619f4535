"""Searching: what the index finds is what a plain scan of all texts finds, on whatever database runs."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from kyoten.rules.search_text import normalise, words
from kyoten.search import finding
from kyoten.search.actions import Text, put, put_many, rebuild, remove, remove_many
from kyoten.search.finding import Found, find
from kyoten.search.models import Entry
from kyoten.search.verify import verify

AT = datetime(2025, 7, 19, 1, 0, tzinfo=UTC)
CITY, OTHER = 12, 7

letters = st.sampled_from(list("看取りが往診訪問ヶケﾊﾟＡa1%_\"'\\*()^:-𠮷👩\u200dか\u3099 　\n、。①")) | st.characters(
    codec="utf-16", exclude_categories=[]
)
texts = st.text(letters, max_size=40)


def scan(query, entries, *, scope=CITY, kinds=None, limit=50):
    """The oracle: every text compared, newest first."""
    wanted = words(query)
    hits = [
        (text.kind, text.record_id)
        for text in sorted(entries, key=lambda text: text.at, reverse=True)
        if wanted and text.scope == scope and (kinds is None or text.kind in kinds)
        and all(word in normalise(text.text) for word in wanted)
    ]  # fmt: skip
    return hits[:limit], len(hits)


def of(*bodies, kind="message", scope=CITY):
    return [Text(kind, number, body, AT + timedelta(hours=number), scope) for number, body in enumerate(bodies, 1)]


def found_ids(query, **options):
    return [record_id for _, record_id in find(query, scope=options.pop("scope", CITY), **options).ids]


class AgainstAScan(TestCase):
    @settings(max_examples=60)
    @given(bodies=st.lists(texts, min_size=1, max_size=8), data=st.data(), free=texts)
    def test_the_index_finds_what_a_scan_finds(self, bodies, data, free):
        entries = of(*bodies)
        put_many(entries)
        body = data.draw(st.sampled_from(bodies))
        start = data.draw(st.integers(0, len(body)))
        needles = [free, body[start : start + data.draw(st.integers(1, 5))], body]
        needles += [f"{needles[1]}　{free[:1]}", *body[:3]]
        for query in needles:
            found = find(query, scope=CITY)
            assert (found.ids, found.count) == scan(query, entries)
        assert verify() == [] and verify([entries]) == []


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("query", "hits"),
    [
        ("看", [1]),
        ("り", [1]),
        ("看取り", [1]),
        ("鎌ケ谷", [2]),
        ("鎌ヶ谷　照会", [2]),
        ("ＫＡＭＡＧＡＹＡ", [2]),
        ("パルス", [3]),
        ("100%", [4]),
        ("1_0", []),
        ("%", [4]),
        ('it\'s "so"', [5]),
        ("'", [5]),
        ('"', [5]),
        ("so* OR", []),
        ("𠮷", [6]),
        ("👩\u200d⚕", [6]),
        ("が", [7]),
        ("か", []),
        (" 　\n", []),
        ("\x00", []),
        ("往診", [8]),
        ("あ" * 5000, [9]),
        ("あ" * 5001, []),
        (" ".join(chr(0x4E00 + number) for number in range(2000)), [10]),
        (" ".join(chr(0x4E00 + number) for number in range(2001)), []),
    ],
    ids=lambda value: value[:12].encode("unicode_escape").decode() if isinstance(value, str) else None,
)
def test_odd_needles(query, hits):
    many = "".join(chr(0x4E00 + number) for number in range(2000))
    put_many(
        of(
            "看取り", "鎌ヶ谷市 kamagaya の照会", "ﾊﾟﾙｽｵｷｼﾒｰﾀｰ", "100%です", "it's \"so\"", "𠮷野さん👩\u200d⚕️",
            "か\u3099", "往\x00診\ud842", "あ" * 5000, f"（{many}）",
        )
    )  # fmt: skip
    assert [record_id for record_id in found_ids(query) if record_id != 10 or hits == [10]] == hits


@pytest.mark.django_db
def test_only_the_body_and_the_kinds_asked_for_are_found():
    put_many(of("看取り", "看取り") + of("看取り", kind="example") + of("看取り", kind="note", scope=OTHER))
    assert find("看取り", scope=CITY) == Found([("message", 2), ("example", 1), ("message", 1)], 3, False, None)
    assert find("看", scope=OTHER).ids == [("note", 1)]
    assert find("看取り", scope=CITY, kinds=["example"]).ids == [("example", 1)]
    assert find("看", scope=CITY, kinds=["example", "note"]).ids == [("example", 1)]
    assert find("看取り", scope=CITY, kinds=[]) == Found([], 0, False, None)
    assert find("看取り", scope=99).count == 0


@pytest.mark.django_db
def test_pages_follow_each_other_and_the_count_stays():
    put_many(of(*["往診"] * 7))
    first = find("往診", scope=CITY, limit=3)
    assert [record_id for _, record_id in first.ids] == [7, 6, 5] and first.count == 7
    second = find("往診", scope=CITY, limit=3, before=first.before)
    third = find("往診", scope=CITY, limit=3, before=second.before)
    assert [record_id for _, record_id in second.ids + third.ids] == [4, 3, 2, 1]
    assert (second.count, third.before) == (7, None)


@pytest.mark.django_db
@pytest.mark.parametrize("query", ["診", "往診", "診 往診", "鰻", "鰻重", "三"])
def test_walking_and_asking_the_index_agree_at_every_size(query, monkeypatch):
    """Few rows at a time, so that all three ways are gone: walked only, walked on, then the index."""
    monkeypatch.setattr(finding, "STEP", 4)
    monkeypatch.setattr(finding, "CAP", 6)
    bodies = ["往診" if number % 2 else "三" for number in range(20)] + ["空"] * 15 + ["鰻重", "往診", "空"]
    entries = of(*bodies) + of(*["鰻重"] * 50, kind="foreign", scope=OTHER)
    put_many(entries)
    ids, count = scan(query, entries)
    found = find(query, scope=CITY)
    assert (found.ids, found.count, found.capped) == (ids[:50][: len(found.ids)], min(count, 6), count >= 6)
    assert len(found.ids) == min(count, 50)


@pytest.mark.django_db
def test_a_text_is_replaced_and_removed_with_its_postings():
    put("message", 1, text="看取り", at=AT, scope=CITY)
    put("message", 1, text="往診", at=AT + timedelta(days=1), scope=OTHER)
    assert (found_ids("看取り"), found_ids("往診"), found_ids("往診", scope=OTHER)) == ([], [], [1])
    remove("message", 1)
    remove("message", 1)
    assert found_ids("往診", scope=OTHER) == [] and Entry.objects.count() == 0
    assert verify() == []


@pytest.mark.django_db
def test_many_of_the_same_moment_keep_the_order_they_came_in():
    put_many([Text("message", number, "往診", AT, CITY) for number in range(1, 31)])
    put("message", 31, text="往診", at=AT, scope=CITY)
    put("message", 32, text="往診", at=AT - timedelta(microseconds=1), scope=CITY)
    assert found_ids("往診") == [*range(31, 0, -1), 32]
    remove_many("message", range(1, 31))
    assert found_ids("往診") == [31, 32] and verify() == []


@pytest.mark.django_db
def test_of_two_texts_of_one_record_the_later_counts():
    assert put_many([*of("看取り"), *of("往診")]) == 2
    assert (found_ids("看取り"), found_ids("往診")) == ([], [1])


@pytest.mark.django_db
def test_rebuilding_forgets_what_is_gone_and_is_the_same_index():
    put_many(of("看取り", "往診", kind="old"))
    entries = of("看取り", "訪問看護")
    assert rebuild([entries, of("往診", kind="example")]) == 3
    assert find("看取り", scope=CITY).ids == [("message", 1)]
    assert find("往診", scope=CITY).ids == [("example", 1)]
    assert verify([entries, of("往診", kind="example")]) == []


@pytest.mark.django_db
def test_rebuilding_finds_a_place_for_texts_of_one_moment_and_takes_the_later_of_two():
    crowd = [Text("message", number, f"往診{number}", AT, CITY) for number in range(1, 2500)]
    entries = [*crowd, Text("example", 1, "往診の例", AT, CITY)]
    assert rebuild([[Text("message", 5, "前の文", AT, CITY), *crowd], entries[-1:]]) == len(entries) + 1
    assert (found_ids("前の文"), found_ids("往診2499"), found_ids("往診の例")) == ([], [2499], [1])
    assert verify([entries]) == []


@pytest.mark.django_db
def test_verify_names_what_differs():
    entries = of("看取り", "往診", "訪問")
    put_many(entries)
    Entry.objects.filter(record_id=1).update(text="看護")
    assert [fault.split(":")[0] for fault in verify()] == ["message 1"]
    assert verify([entries])[-1] == "message 1: 検索用の本文が元の記録と違います。"
    Entry.objects.filter(record_id=1).update(text="看取り")
    assert verify() == []
    more = of("看取り", "往診", "訪問", "薬")[1:]
    assert verify([more]) == [
        "message 4: 検索の索引に入っていません。",
        "message 1: 元の記録がないのに検索の索引に残っています。",
    ]


@pytest.mark.django_db(transaction=True)
def test_nothing_is_put_outside_a_transaction():
    with pytest.raises(RuntimeError):
        put("message", 1, text="看取り", at=AT, scope=CITY)
    with pytest.raises(RuntimeError):
        remove("message", 1)
    assert Entry.objects.count() == 0


@pytest.mark.django_db(transaction=True)
def test_a_rolled_back_act_leaves_neither_row_nor_posting():
    with transaction.atomic():
        put("message", 1, text="看取り", at=AT, scope=CITY)
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        put("message", 1, text="往診", at=AT, scope=CITY)
        with transaction.atomic():
            put("message", 2, text="薬", at=AT, scope=CITY)
        raise ZeroDivisionError
    assert (found_ids("看取り"), found_ids("往診"), found_ids("薬"), verify()) == ([1], [], [], [])

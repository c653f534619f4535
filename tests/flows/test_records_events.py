"""経過: events are appended in a chain, together with the act they tell of, also when a hundred act at once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import pytest
from django.db import connection, transaction
from django.template.loader import render_to_string

from kyoten.records import chain
from kyoten.records.actions import Entry, erase_note, log_access, record, record_many
from kyoten.records.models import AccessLog, Actor, Event, EventNote, Head, Refused
from kyoten.records.verify import verify
from kyoten.rules.clock import JST

AT = datetime(2025, 7, 24, 16, 0, 0, 123456, tzinfo=JST)
BY = Actor(7, "山下 結衣", "地域医療課", "松戸市", 122076, 31)


def write(act="submit", title="申込書を提出しました。", **given):
    with transaction.atomic():
        return record(act, title, **({"kind": "application", "record_id": 5, "by": BY, "at": AT} | given))


@pytest.mark.django_db
def test_an_event_says_who_did_what_when():
    write(facts={"版": 2, "a": [1]}, note="電話は 047-000-0000")
    event = Event.objects.of("application", 5).get()
    assert (event.seq, event.act, event.title, event.at) == (1, "submit", "申込書を提出しました。", AT)
    assert event.actor == BY
    assert event.facts == {"版": 2, "a": [1]}
    assert event.note == "電話は 047-000-0000"
    assert event.previous == chain.START


@pytest.mark.django_db
def test_events_of_one_record_form_a_chain_oldest_first():
    titles = ["照会", "受領", "提出"]
    for title in titles:
        write(title=title)
    write(title="別の記録", record_id=6)
    events = list(Event.objects.of("application", 5))
    assert [event.title for event in events] == titles
    assert [event.previous for event in events] == [chain.START, events[0].digest, events[1].digest]
    head = Head.objects.get(kind="application", record_id=5)
    assert (head.seq, head.digest) == (3, events[2].digest)


@pytest.mark.django_db
def test_the_stored_text_of_facts_is_hashed_not_what_a_parser_makes_of_it():
    event = write(facts={"b": 1, "a": AT})
    event.refresh_from_db()
    assert event.facts_text == '{"a": "2025-07-24 16:00:00.123456+09:00", "b": 1}'
    assert event.digest == chain.event_digest("application", 5, event)


@pytest.mark.django_db
def test_characters_no_database_takes_are_cleaned_away():
    event = write(title="提出\0しました\ud800", note="\0メモ", facts={"名": "a\ud800"})
    event = Event.objects.select_related("note_row").get(pk=event.pk)
    assert (event.title, event.note, event.facts) == ("提出しました�", "メモ", {"名": "a�"})
    assert verify().faults == []


@pytest.mark.django_db(transaction=True)
def test_an_event_outside_a_transaction_is_an_error():
    with pytest.raises(RuntimeError):
        record("submit", "提出", kind="application", record_id=5, by=BY, at=AT)
    assert (Event.objects.count(), Head.objects.count()) == (0, 0)


@pytest.mark.django_db
def test_an_event_of_a_failed_act_is_not_there():
    with pytest.raises(Refused), transaction.atomic():
        record("submit", "提出", kind="application", record_id=5, by=BY, at=AT)
        raise Refused("締切を過ぎています。")
    assert (Event.objects.count(), Head.objects.count()) == (0, 0)


@pytest.mark.django_db
def test_several_records_in_one_act():
    with transaction.atomic():
        entries = [Entry("bundle", f"とりまとめ {n}", "application", n) for n in (3, 1, 2, 1)]
        events = record_many(entries, by=None, at=AT)
    assert [(event.title, event.seq) for event in events] == [
        ("とりまとめ 3", 1),
        ("とりまとめ 1", 1),
        ("とりまとめ 2", 1),
        ("とりまとめ 1", 2),
    ]
    assert events[0].actor == Actor()
    assert verify().faults == []


@pytest.mark.django_db
def test_no_entries_write_nothing():
    with transaction.atomic():
        assert record_many([], by=None, at=AT) == []
    assert Head.objects.count() == 0


@pytest.mark.django_db
def test_a_note_can_be_erased_and_the_chain_stays_whole():
    event = write(note="相談者の氏名")
    erase_note(event, by=BY, at=AT)
    events = list(Event.objects.of("application", 5))
    assert [(e.act, e.note, e.note_erased) for e in events] == [("submit", "", True), ("erase_note", "", False)]
    assert EventNote.objects.get().text == EventNote.objects.get().salt == ""
    assert verify().faults == []


@pytest.mark.django_db
def test_a_note_that_is_not_there_cannot_be_erased():
    event = write()
    with pytest.raises(Refused, match="消去できる記載はありません"):
        erase_note(event, by=BY, at=AT)
    assert Event.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_hundred_acts_at_once_on_the_same_records_lose_no_event():
    """Each act touches two of three records, named in either order: no deadlock, no gap, no lost event."""

    def act(n):
        pair = [("application", n % 3), ("inquiry", (n + 1) % 3)]
        try:
            with transaction.atomic():
                entries = [Entry("act", f"{n}", kind, record_id) for kind, record_id in (pair if n % 2 else pair[::-1])]
                record_many(entries, by=BY, at=AT)
        finally:
            connection.close()

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(act, range(100)))
    assert sorted(int(title) for title in Event.objects.values_list("title", flat=True)) == sorted([*range(100)] * 2)
    assert sum(Head.objects.values_list("seq", flat=True)) == 200
    assert verify().faults == []


@pytest.mark.django_db
def test_reading_is_written_down_apart_from_the_chain():
    log_access("consultation", 9, by=BY, at=AT, what="相談の本文")
    row = AccessLog.objects.get()
    assert (row.kind, row.record_id, row.what, row.at, row.actor) == ("consultation", 9, "相談の本文", AT, BY)
    assert Event.objects.count() == 0


@pytest.mark.django_db
def test_the_history_shows_the_newest_first_with_who_and_note():
    write(title="<b>照会</b>")
    write(title="提出", note="一行目\n二行目")
    write(title="期限の到来", by=None)
    html = render_to_string("records/_history.html", {"events": Event.objects.of("application", 5)})
    places = [html.index(words) for words in ("期限の到来", "提出", "&lt;b&gt;照会")]
    assert places == sorted(places)
    assert html.count("松戸市　地域医療課　山下 結衣") == 2
    assert html.count("システム") == 1
    assert html.count('<time datetime="2025-07-24T16:00:00.123456+09:00">7月24日（木） 16:00</time>') == 3
    assert "一行目\n二行目" in html


@pytest.mark.django_db
def test_a_history_without_events_says_so():
    html = render_to_string("records/_history.html", {"events": Event.objects.of("application", 5)})
    assert html.strip() == '<p class="small">まだ経過はありません。</p>'

"""verify-records finds what anybody with the database at hand could do behind the application's back."""

import io
from datetime import datetime, timedelta

import pytest
from django.core.management import call_command
from django.db import transaction

from kyoten.records import files
from kyoten.records.actions import Entry, erase_note, record, record_many, seal, store_file
from kyoten.records.models import Actor, Attachment, Event, EventNote, Head, Seal
from kyoten.records.verify import verify
from kyoten.rules.clock import JST

AT = datetime(2025, 7, 24, 16, 0, tzinfo=JST)
BY = Actor(7, "山下 結衣", "地域医療課", "松戸市", 122076, 31)
LATER = AT + timedelta(seconds=1)
EVENT_COLUMNS = {
    "act": "x",
    "title": "x",
    "at": LATER,
    "recorded_at": LATER,
    "facts_text": '{"a":1}',
    "note_digest": "0" * 64,
    "previous": "1" * 64,
    "digest": "1" * 64,
    "seat_id": 8,
    "person": "x",
    "section": "x",
    "organisation": "x",
    "organisation_id": None,
    "section_id": 1,
}


def act(n, record_id=5, note=""):
    with transaction.atomic():
        by = {"kind": "application", "record_id": record_id, "by": BY, "at": AT}
        return record(f"act{n}", f"{n}件目", facts={"a": 1, "b": 2}, note=note, **by)


@pytest.fixture
def chain(db):
    """Record 5 with four events, the second with a note, and record 6 with one; sealed after each two."""
    events = [act(1), act(2, note="個人のメモ")]
    seal(AT)
    events += [act(3), act(4)]
    seal(AT)
    act(1, record_id=6)
    seal(AT)
    return events


def test_every_column_is_tried():
    assert set(EVENT_COLUMNS) == {field.attname for field in Event._meta.concrete_fields} - {"id", "head_id", "seq"}


def faults():
    return verify().faults


def test_what_nobody_touched_has_no_fault(chain):
    report = verify()
    assert report.faults == []
    assert (report.heads, report.events, report.seals, report.newest_seal.number) == (2, 5, 3, 3)


@pytest.mark.parametrize("column", EVENT_COLUMNS)
@pytest.mark.parametrize("place", [0, 1, 3])
def test_a_change_of_any_column_of_any_event(chain, place, column):
    Event.objects.filter(pk=chain[place].pk).update(**{column: EVENT_COLUMNS[column]})
    assert f"記録 application 5 の{place + 1}件目: 内容が書き換えられています。" in faults()


def test_a_removed_first_event(chain):
    Event.objects.filter(pk=chain[0].pk).delete()
    assert (
        "記録 application 5 の2件目: 経過の番号がつながりません（1件目のはずです）。取り除きか並べ替えの疑いがあります。"
        in faults()
    )


def test_a_removed_middle_event(chain):
    Event.objects.filter(pk=chain[2].pk).delete()
    assert (
        "記録 application 5 の4件目: 経過の番号がつながりません（3件目のはずです）。取り除きか並べ替えの疑いがあります。"
        in faults()
    )


def test_a_removed_middle_event_with_the_others_moved_up(chain):
    Event.objects.filter(pk=chain[2].pk).delete()
    Event.objects.filter(pk=chain[3].pk).update(seq=3)
    assert "記録 application 5 の3件目: 前の経過とつながりません。" in faults()


def test_a_removed_last_event(chain):
    Event.objects.filter(pk=chain[3].pk).delete()
    assert faults() == [
        "記録 application 5: 最後の経過（3件目）が先頭行の控え（4件目）と一致しません。",
        "記録 application 5 の4件目: 封印 2番の時点の経過がありません。",
    ]


def test_the_last_events_cut_off_before_they_were_sealed(chain):
    extra = act(5)
    Event.objects.filter(pk=extra.pk).delete()
    assert faults() == ["記録 application 5: 最後の経過（4件目）が先頭行の控え（5件目）と一致しません。"]


def test_a_sealed_event_cut_off_together_with_its_head(chain):
    Event.objects.filter(pk=chain[3].pk).delete()
    Head.objects.filter(record_id=5).update(seq=3, digest=chain[2].digest, sealed_seq=3)
    assert faults() == [
        "記録 application 5 の4件目: 封印 2番の時点の経過がありません。",
        "記録 application 5: 3件目までの封印が見つかりません。封印が取り除かれています。",
    ]


def test_two_events_in_each_others_place(chain):
    first, second = chain[2], chain[3]
    Event.objects.filter(pk=first.pk).update(seq=9)
    Event.objects.filter(pk=second.pk).update(seq=3)
    Event.objects.filter(pk=first.pk).update(seq=4)
    assert "記録 application 5 の3件目: 前の経過とつながりません。" in faults()
    assert "記録 application 5 の3件目: 内容が書き換えられています。" in faults()


def test_an_event_moved_to_another_record(chain):
    Event.objects.filter(pk=chain[3].pk).update(head=Head.objects.get(record_id=6), seq=2)
    assert "記録 application 6 の2件目: 内容が書き換えられています。" in faults()


def test_an_event_slipped_in(chain):
    extra = Event.objects.get(pk=chain[3].pk)
    extra.pk, extra.seq, extra._state.adding = None, 5, True
    extra.save()
    assert "記録 application 5 の5件目: 内容が書き換えられています。" in faults()


def test_a_removed_record(chain):
    Event.objects.filter(head__record_id=6).delete()
    Head.objects.filter(record_id=6).delete()
    assert faults() == ["記録 application 6 の1件目: 封印 3番の時点の経過がありません。"]


def test_all_events_of_a_record_removed(chain):
    Event.objects.filter(head__record_id=6).delete()
    assert "記録 application 6: 経過がすべて失われています（1件あるはずです）。" in faults()


def test_a_record_given_another_number(chain):
    Head.objects.filter(record_id=6).update(record_id=66)
    assert "記録 application 66 の1件目: 内容が書き換えられています。" in faults()
    assert "記録 application 6 の1件目: 封印 3番の時点の経過がありません。" in faults()


@pytest.mark.parametrize("column", [{"seq": 3}, {"digest": "2" * 64}])
def test_a_changed_head(chain, column):
    Head.objects.filter(record_id=5).update(**column)
    found = faults()
    assert found == [
        f"記録 application 5: 最後の経過（4件目）が先頭行の控え（{column.get('seq', 4)}件目）と一致しません。"
    ]


@pytest.mark.parametrize("change", [{"text": "別のメモ"}, {"salt": "x"}])
def test_a_changed_note(chain, change):
    EventNote.objects.update(**change)
    assert faults() == ["記録 application 5 の2件目: 記載が書き換えられています。"]


def test_a_removed_note(chain):
    EventNote.objects.all().delete()
    assert faults() == ["記録 application 5 の2件目: 記載の行が失われています。"]


def test_a_note_erased_without_the_act(chain):
    EventNote.objects.update(text="", salt="", erased_at=AT)
    assert faults() == ["記録 application 5 の2件目: 記載が、消去の経過がないのに消されています。"]


def test_an_erased_note_written_anew(chain):
    erase_note(chain[1], by=BY, at=AT)
    EventNote.objects.update(text="別のメモ")
    assert faults() == ["記録 application 5 の2件目: 消去したはずの記載に内容があります。"]


def test_a_note_added_later(chain):
    EventNote.objects.create(event=chain[0], text="後から", salt="x")
    assert faults() == ["記録 application 5 の1件目: 後から記載が書き加えられています。"]


@pytest.mark.parametrize("change", [{"heads_text": "application 6 1 x"}, {"at": LATER}, {"previous": "3" * 64}])
def test_a_changed_seal(chain, change):
    Seal.objects.filter(number=3).update(**change)
    assert "封印 3番: 内容が書き換えられています。" in faults()


def test_a_removed_middle_seal(chain):
    Seal.objects.filter(number=2).delete()
    assert "封印 2番から2番までが取り除かれています。" in faults()


def test_a_removed_newest_seal(chain):
    Seal.objects.filter(number=3).delete()
    assert faults() == ["記録 application 6: 1件目までの封印が見つかりません。封印が取り除かれています。"]


def test_everything_forged_consistently_is_found_by_the_seal_noted_outside(chain):
    noted = Seal.objects.get(number=3).digest
    Event.objects.filter(head__record_id=6).delete()
    Head.objects.filter(record_id=6).delete()
    Seal.objects.filter(number=3).delete()
    assert faults() == []
    assert verify(noted).faults == [
        f"控えの封印 {noted} が見つかりません。封印が書き換えられたか、取り除かれています。"
    ]


def test_sealing_takes_only_what_moved(chain):
    assert seal(AT) is None
    act(2, record_id=6)
    head = Head.objects.get(record_id=6)
    newest = seal(LATER)
    assert (newest.number, newest.at, newest.heads_text) == (4, LATER, f"application 6 2 {head.digest}")
    assert faults() == []


def test_many_heads_are_sealed_and_checked(db):
    with transaction.atomic():
        record_many([Entry("act", f"{n}", "application", n) for n in range(1200)], by=None, at=AT)
    seal(AT)
    assert faults() == []
    Event.objects.filter(head__record_id=1100).delete()
    Head.objects.filter(record_id=1100).delete()
    assert faults() == ["記録 application 1100 の1件目: 封印 1番の時点の経過がありません。"]


def test_a_changed_and_a_lost_file(db):
    first = store_file(b"one", "一.pdf", by=BY, at=AT)
    second = store_file(b"two", "二.pdf", by=BY, at=AT)
    first.path.write_bytes(b"One")
    second.path.unlink()
    assert sorted(faults()) == sorted(
        [
            f"ファイル「一.pdf」（{first.sha256}）: 内容が書き換えられているか、壊れています。",
            f"ファイル「二.pdf」（{second.sha256}）: 保管場所にありません。",
        ]
    )


def test_a_row_that_names_other_bytes(db):
    file = store_file(b"one", "一.pdf", by=BY, at=AT)
    Attachment.objects.update(sha256="a" * 64)
    assert faults() == [f"ファイル「一.pdf」（{'a' * 64}）: 保管場所にありません。"]
    assert files.path_of(file.sha256).read_bytes() == b"one"


def test_the_command_says_so_when_all_is_well(chain):
    out = io.StringIO()
    newest = Seal.objects.get(number=3).digest
    call_command("verify-records", seal=newest, stdout=out)
    assert out.getvalue().splitlines() == [
        "確認しました: 記録 2、経過 5、封印 3、ファイル 0。",
        f"最新の封印: 3番 {newest}",
        "異常はありません。",
    ]


def test_the_command_names_each_fault_and_fails(chain):
    EventNote.objects.update(text="別")
    out = io.StringIO()
    with pytest.raises(SystemExit) as stopped:
        call_command("verify-records", stdout=out)
    assert stopped.value.code == 1
    assert out.getvalue().splitlines()[0] == "記録 application 5 の2件目: 記載が書き換えられています。"
    assert out.getvalue().splitlines()[-1] == "異常が 1件 あります。"

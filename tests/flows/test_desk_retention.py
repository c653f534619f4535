"""保存期間: what is due goes whole, what is alive stays; what remains are figures and an unbroken chain."""

from datetime import timedelta
from io import BytesIO, StringIO
from zipfile import ZipFile

import pytest
from django.apps import apps
from django.core.management import call_command

from kyoten.consultations.actions import examples, handling, intake, retention
from kyoten.consultations.actions.attached import read_attached
from kyoten.consultations.actions.retention import Outcome, keep_until, retain
from kyoten.consultations.figures import figures
from kyoten.consultations.models import Callback, Consultation, Deletion, Draft, Example, Message, Referral
from kyoten.post.models import InboundMail, OutboundMail
from kyoten.records.actions import log_access, store_file
from kyoten.records.models import AccessLog, Attachment, Event, Refused
from kyoten.records.sweeping import sweep
from kyoten.records.verify import verify
from tests.flows import desking, knowing
from tests.flows.desking import TUESDAY
from tests.flows.knowing import ANSWERED, LATER

pytestmark = pytest.mark.django_db
SECRETS = ("人工呼吸器", "山下", "chiiki@matsudo", "加える例が多く", "画面の件")


def everything() -> str:
    """Every text column of every table, as it is stored."""
    found = []
    for model in apps.get_models(include_auto_created=True):
        if model._meta.managed:
            found += [repr(row) for row in model._base_manager.order_by("pk").values_list()]
    return "\n".join(found)


def left_of(secrets=SECRETS) -> list[str]:
    """Those of the words that a row of the desk, its mails, files, records or the index still holds."""
    tables = [Consultation, Message, Draft, Referral, Callback, InboundMail, OutboundMail, Attachment, Deletion, Event]
    texts = [repr(row) for model in tables for row in model._base_manager.order_by("pk").values_list()]
    texts += [repr(row) for row in apps.get_model("records", "EventNote").objects.order_by("pk").values_list()]
    texts += [repr(row) for row in apps.get_model("search", "Entry")._base_manager.order_by("pk").values_list()]
    return [secret for secret in secrets if any(secret in text for text in texts)]


@pytest.fixture
def commit(django_capture_on_commit_callbacks):
    """What happens after a commit, which the test's own transaction never has."""

    def run(act, *args, **options):
        with django_capture_on_commit_callbacks(execute=True):
            return act(*args, **options)

    return run


def test_the_last_day_follows_from_the_definition(world):
    at = knowing.hub(world)
    assert keep_until(at.desk).isoformat() == "2031-03-31"
    assert [retention.is_over(at.desk, moment) for moment in (LATER - timedelta(microseconds=1), LATER)] == [
        False,
        True,
    ]


def test_a_due_case_leaves_figures_and_a_whole_chain_and_nothing_else(world, commit):
    case = knowing.mailed(world)
    handling_note = Event.objects.of("consultation", case.pk).count()
    log_access("consultation", case.pk, by=world.seat_secretariat.actor(), at=TUESDAY, what="相談")
    store_file(b"x", "資料.txt", by=None, at=TUESDAY, kind="consultation", record_id=case.pk)
    knowing.make_old()
    desk = desking.desk(world)
    before = figures(desk, 2025, LATER).cells
    number = case.number
    assert commit(retain, at=LATER) == [Outcome(number)]
    assert left_of() == []
    assert [model.objects.count() for model in (Consultation, Message, Draft, InboundMail, OutboundMail)] == [0] * 5
    assert (Attachment.objects.count(), knowing.stored(), AccessLog.objects.count()) == (0, [], 0)
    [gone] = Deletion.objects.all()
    assert (gone.number, gone.reason, gone.record_id, gone.deleted_at) == (number, "保存期間の満了", case.pk, LATER)
    assert figures(desk, 2025, LATER).cells == before
    assert Event.objects.of("consultation", case.pk).count() > handling_note
    assert Event.objects.of("consultation", case.pk).last().title == "消去（保存期間の満了）"
    assert verify().faults == []


def test_a_second_run_finds_nothing_more(world, commit):
    knowing.mailed(world)
    commit(retain, at=LATER)
    events = Event.objects.count()
    assert commit(retain, at=LATER) == []
    assert (Event.objects.count(), Deletion.objects.count()) == (events, 1)


def test_a_dry_run_changes_nothing(world):
    knowing.mailed(world)
    desking.taken(world, "まだ答えていません。", sender="b@example.jp")
    before = everything()
    out = StringIO()
    assert retain(at=LATER, dry_run=True) == [Outcome("R7-0001"), Outcome("R7-0002", "対応中のため残しました。")]
    call_command("retention", "--dry-run", stdout=out)
    assert everything() == before


def test_nothing_goes_before_its_time(world):
    knowing.mailed(world)
    before = everything()
    assert retain(at=LATER - timedelta(microseconds=1)) == []
    assert everything() == before


ALIVE = {
    "対応中のため残しました。": lambda case, by: Consultation.objects.update(state="assigned"),
    "「確認が必要なこと」が残っているため残しました。": lambda case, by: Consultation.objects.update(
        warning="確かめる"
    ),
    "送っていない回答案があるため残しました。": lambda case, by: Draft.objects.create(
        consultation=case, subject="x", text="x", written_by=by, written_at=TUESDAY
    ),
    "回答の届いていない照会があるため残しました。": lambda case, by: Referral.objects.create(
        consultation=case, to_name="x", to_email="x@example.jp", text="x", asked_at=TUESDAY, asked_by=by
    ),
    "折り返し予定があるため残しました。": lambda case, by: Callback.objects.create(consultation=case, at=TUESDAY),
    "届いていないメールがあるため残しました。": lambda case, by: OutboundMail.objects.update(state="queued"),
    "まだ処理していない返信のメールがあるため残しました。": lambda case, by: desking.mail(
        "追加です。", in_reply_to=OutboundMail.objects.get().message_id
    ),
}


@pytest.mark.parametrize("reason", ALIVE)
def test_what_is_alive_is_never_touched(world, commit, reason):
    case = knowing.mailed(world)
    ALIVE[reason](case, world.seat_secretariat)
    before = everything()
    assert commit(retain, at=LATER) == [Outcome(case.number, reason)]
    assert everything() == before


def test_a_failed_delivery_that_nobody_dealt_with_keeps_its_case(world, commit):
    case = knowing.mailed(world)
    OutboundMail.objects.update(state="failed", failed_at=TUESDAY)
    assert commit(retain, at=LATER) == [Outcome(case.number, "届いていないメールがあるため残しました。")]
    OutboundMail.objects.update(settled_at=TUESDAY)
    assert commit(retain, at=LATER) == [Outcome(case.number)]


def test_what_was_merged_goes_together(world, commit):
    one, two = desking.taken(world), desking.taken(world, "画面の件です。")
    into = handling.merge(two, one, by=world.seat_secretariat, at=TUESDAY)
    handling.close(into, "電話で済んだため", by=world.seat_secretariat, at=TUESDAY)
    assert commit(retain, at=LATER) == [Outcome("R7-0001")]
    assert list(Deletion.objects.values_list("number", flat=True)) == ["R7-0001", "R7-0002"]
    assert (Consultation.objects.count(), Message.objects.count(), InboundMail.objects.count()) == (0, 0, 0)
    assert left_of() == []
    assert verify().faults == []


def test_a_message_moved_to_a_living_case_stays_with_its_mail(world, commit):
    old = desking.taken(world, message_id="<one@example.jp>")
    desking.taken(world, "画面の件です。", in_reply_to="<one@example.jp>")
    new = handling.split(old.messages.last(), desking.desk(world), by=world.seat_secretariat, at=TUESDAY)
    handling.close(old, "電話で済んだため", by=world.seat_secretariat, at=TUESDAY)
    assert commit(retain, at=LATER) == [Outcome("R7-0001"), Outcome("R7-0002", "対応中のため残しました。")]
    message = Message.objects.get()
    assert (message.consultation_id, message.moved_from_id, message.text.strip()) == (new.pk, None, "画面の件です。")
    assert InboundMail.objects.get().pk == message.mail_id
    assert verify().faults == []


def test_a_strangers_case_that_quoted_ours_keeps_its_own_mail(world, commit):
    case = knowing.mailed(world)
    sent = OutboundMail.objects.get()
    other = desking.taken(
        world, "全文をください。", sender="x@else.example.jp", in_reply_to=sent.message_id, at=TUESDAY
    )
    assert other.pk != case.pk
    commit(retain, at=LATER)
    assert [row.pk for row in Consultation.objects.all()] == [other.pk]
    assert InboundMail.objects.get().answers is None


def test_a_mail_that_came_twice_goes_with_its_double(world, commit):
    knowing.mailed(world)
    first = InboundMail.objects.get()
    again = desking.mail("同じ内容", sender="copy@example.jp")
    InboundMail.objects.filter(pk=again.pk).update(double_of=first, state="taken")
    commit(retain, at=LATER)
    assert (InboundMail.objects.count(), Attachment.objects.count()) == (0, 0)


def test_a_mail_that_another_record_took_stays(world, commit):
    knowing.mailed(world)
    InboundMail.objects.update(taken_kind="application", taken_id=1)
    commit(retain, at=LATER)
    assert (Consultation.objects.count(), InboundMail.objects.count()) == (0, 1)
    assert verify().faults == []


def test_a_case_that_something_still_uses_keeps_no_other_waiting(world, commit, caplog):
    """A row that nobody foresaw: here another record's mail that rests on the same stored file."""
    caplog.set_level("CRITICAL", "kyoten.consultations.actions.retention")
    one = knowing.mailed(world)
    knowing.mailed(world, "二つ目です。", sender="b@example.jp")
    original = InboundMail.objects.get(taken_id=one.pk).original
    other = desking.mail("別の記録のメール", sender="c@example.jp")
    InboundMail.objects.filter(pk=other.pk).update(
        original=original, taken_kind="application", taken_id=1, state="taken"
    )
    assert commit(retain, at=LATER) == [Outcome("R7-0001", retention.USED), Outcome("R7-0002")]
    one.refresh_from_db()
    assert (one.state, one.messages.count(), Deletion.objects.get().number) == ("closed", 2, "R7-0002")
    assert verify().faults == []


def test_bytes_that_another_row_still_names_stay(world, commit):
    case = knowing.mailed(world)
    store_file(b"x", "資料.txt", by=None, at=TUESDAY, kind="consultation", record_id=case.pk)
    store_file(b"x", "様式.txt", by=None, at=TUESDAY, kind="application", record_id=1)
    knowing.make_old()
    commit(retain, at=LATER)
    assert [row.name for row in Attachment.objects.all()] == ["様式.txt"]
    assert knowing.stored() == [Attachment.objects.get().path]
    assert verify().faults == []


def test_a_kill_between_the_rows_and_the_files_leaves_bytes_that_the_next_run_takes(world):
    """Without the commit's callbacks: as if the process had died right after the commit."""
    knowing.mailed(world)
    knowing.make_old()
    [root] = Consultation.objects.all()
    retention.delete_family(root, desking.desk(world), retention.TIME_OVER, by=None, at=LATER)
    assert (Attachment.objects.count(), len(knowing.stored())) == (0, 1)
    assert retain(at=LATER) == []
    assert knowing.stored() == []


def test_a_file_put_down_lately_is_left_alone(world):
    store_file(b"x", "資料.txt", by=None, at=TUESDAY).delete()
    assert (sweep(), len(knowing.stored())) == (0, 1)
    knowing.make_old()
    assert (sweep(), knowing.stored()) == (1, [])


def test_a_released_example_stays_and_belongs_to_nobody(world, commit):
    at = knowing.hub(world)
    texts = {"title": "訪問診療", "question": "探し方を教えてください。", "answer": "一覧があります。"}
    case = knowing.said(at, knowing.asked(at))
    released = examples.propose(case, at.desk, **texts, by=at.officer, at=ANSWERED)
    examples.release(released, at.desk, by=at.manager, at=ANSWERED)
    other = knowing.said(at, knowing.asked(at, "別の山田様です。"))
    examples.propose(other, at.desk, **texts, by=at.officer, at=ANSWERED)
    commit(retain, at=LATER)
    assert [(row.pk, row.consultation_id) for row in Example.objects.all()] == [(released.pk, None)]
    assert verify().faults == []


def test_a_mail_that_comes_for_a_deleted_case_opens_a_new_one(world, commit):
    knowing.mailed(world)
    sent = OutboundMail.objects.get().message_id
    commit(retain, at=LATER)
    again = desking.taken(world, "以前の件です。", in_reply_to=sent, at=LATER)
    assert again.number == "R7-0002"


# ---- one person's data ------------------------------------------------------------------------


def test_one_persons_data_is_deleted_on_request_and_what_is_alive_is_kept(world, commit):
    at = knowing.hub(world)
    done = knowing.said(at, knowing.asked(at))
    open_ = knowing.asked(at, "別の件です。")
    other = knowing.asked(at, "西田 陽子さんから聞きました。", person="南 健", phone="")
    log_access("consultation", done.pk, by=at.officer.actor(), at=ANSWERED, what="相談")
    found = commit(retention.delete_on_request, "西田陽子", "千医第12号", by=at.manager, at=ANSWERED)
    assert found == [Outcome(open_.number, "対応中のため残しました。"), Outcome(done.number)]
    assert sorted(Consultation.objects.values_list("pk", flat=True)) == [open_.pk, other.pk]
    assert Deletion.objects.get().reason == "本人からの求め（千医第12号）"
    assert AccessLog.objects.count() == 1  # who read it is kept as long as the desk's cases
    assert [case.pk for case in retention.naming("西田 陽子", at.body)] == [other.pk]
    assert verify().faults == []


def test_who_else_names_the_person_is_told_whatever_blanks_are_between_and_whatever_was_asked_for(world):
    at = knowing.hub(world)
    knowing.asked(at, email="nishida@example.jp")
    wide = knowing.asked(at, "西田　陽子さんから聞きました。", person="南 健", phone="")
    close = knowing.asked(at, "西田陽子さんの件です。", person="南 健", phone="")
    file = intake.take_mail(
        desking.mail("書類です。", sender="m@example.jp", files={"名簿.txt": "西田 陽子".encode()}), at.desk, at=TUESDAY
    )
    knowing.asked(at, "西田さんの件です。", person="南 健", phone="")
    read_attached()
    for who in ("西田陽子", "西田 陽子", "nishida@example.jp"):
        found = retention.naming(who, at.body)
        assert {case.pk for case in found} == {wide.pk, close.pk, file.pk}
    assert retention.naming("西", at.body) == []


def test_the_copy_names_the_files_that_were_sent(world):
    at = knowing.hub(world)
    intake.take_mail(
        desking.mail("書類です。", sender="m@example.jp", files={"名簿.pdf": b"%PDF-1.7"}), at.desk, at=TUESDAY
    )
    data = retention.disclose("m@example.jp", "xlsx", by=at.manager, at=ANSWERED)
    sheet = ZipFile(BytesIO(data)).read("xl/worksheets/sheet1.xml").decode()
    assert [word in sheet for word in ("添付ファイル", "名簿.pdf")] == [True, True]


@pytest.mark.parametrize("kind", ["pdf", "xlsx"])
def test_one_persons_data_is_printed_and_that_is_recorded(world, kind):
    at = knowing.hub(world)
    case = knowing.said(at, knowing.asked(at))
    data = retention.disclose("西田　陽子", kind, by=at.manager, at=ANSWERED)
    assert data[:4] == {"pdf": b"%PDF", "xlsx": b"PK\x03\x04"}[kind]
    assert Event.objects.of("consultation", case.pk).last().act == "disclose"


def test_only_a_manager_answers_a_request_and_only_about_the_own_desk(world):
    at = knowing.hub(world)
    knowing.said(at, knowing.asked(at))
    before = everything()
    for by, said in ((at.officer, "「管理」の席だけ"), (world.seat_secretariat2, "見つかりません")):
        with pytest.raises(Refused, match=said):
            retention.disclose("西田 陽子", "pdf", by=by, at=ANSWERED)
        with pytest.raises(Refused, match=said):
            retention.delete_on_request("西田 陽子", "1", by=by, at=ANSWERED)
    with pytest.raises(Refused, match="文書の番号"):
        retention.delete_on_request("西田 陽子", " ", by=at.manager, at=ANSWERED)
    assert everything() == before


def test_the_command_says_what_went_and_what_stayed(world, clock):
    clock(LATER)
    knowing.mailed(world)
    intake.take_mail(desking.mail("未回答", sender="b@example.jp"), desking.desk(world), at=TUESDAY)
    out = StringIO()
    call_command("retention", stdout=out)
    assert out.getvalue().splitlines() == [
        "R7-0001\t消去", "R7-0002\t対応中のため残しました。", "消去 1件、残したもの 1件。",
        "相談にならなかったメール　消去 0通。",
    ]  # fmt: skip

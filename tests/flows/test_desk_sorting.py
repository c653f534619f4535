"""振り分け: one mailbox for desk and call; doubles are one, machines create nothing, an expert's answer is heard."""

from datetime import datetime, timedelta

import pytest
from django.core.management import call_command

from kyoten.consultations.actions import answering, handling, returning
from kyoten.consultations.models import Consultation, Message
from kyoten.post import bulk, mime
from kyoten.post import sorting as post_sorting
from kyoten.post.actions import receive
from kyoten.post.inbox import UNREADABLE, read_new
from kyoten.post.models import InboundMail, OutboundMail
from kyoten.records.models import Event, Refused
from kyoten.rules.clock import JST
from kyoten.web import rounds, sorting
from kyoten.web.taking import BATCH, take_directory
from tests.flows import desking, knowing, outlook
from tests.flows.calling import opened
from tests.flows.desking import ASKER, SATURDAY, TEMPLATE, TUESDAY

pytestmark = pytest.mark.django_db


def arrive(
    text: str = TEMPLATE, *, at: datetime = SATURDAY, files: dict[str, bytes] | None = None, **more
) -> InboundMail:
    """A mail comes in and the round is run."""
    mail = desking.mail(text, at=at, files=files or {}, **more)
    rounds.sorted_mail(at)
    mail.refresh_from_db()
    return mail


def deliver(raw: bytes, at: datetime = TUESDAY) -> InboundMail:
    mail = receive(raw, source="test", at=at)
    read_new(at)
    rounds.sorted_mail(at)
    mail.refresh_from_db()
    return mail


def answered(world) -> tuple[Consultation, OutboundMail]:
    case = desking.taken(world)
    draft = answering.save_draft(case, subject="", text="例です。", version=None, by=world.seat_secretariat, at=TUESDAY)
    answering.ask_approval(draft, by=world.seat_secretariat, at=TUESDAY)
    draft.refresh_from_db()
    answering.answer(draft, desking.desk(world), by=world.seat_secretariat2, at=TUESDAY)
    return case, OutboundMail.objects.get(about_kind="consultation")


def test_a_question_becomes_a_case_at_once(world):
    mail = arrive()
    case = Consultation.objects.get()
    assert (mail.state, mail.sort, mail.taken_kind, mail.taken_id) == ("taken", "desk", "consultation", case.pk)
    assert (case.number, case.email, case.body_name) == ("R7-0001", ASKER, "松戸市")


def test_a_batch_makes_the_same_cases_as_one_by_one(world):
    mails = [desking.mail(f"{TEMPLATE}{n}", sender=f"a{n}@example.jp") for n in range(5)]
    sorting.sort_read(mails, at=SATURDAY)
    assert sorting.settled([mail.pk for mail in mails]) == {"desk": 5}
    assert list(Consultation.objects.order_by("pk").values_list("number", "email")) == [
        (f"R7-000{n + 1}", f"a{n}@example.jp") for n in range(5)
    ]
    case = Consultation.objects.latest("pk")
    assert [e.act for e in Event.objects.of("consultation", case.pk)] == ["receive"]
    assert case.messages.get().mail_id == mails[4].pk
    assert desking.taken(world, "次です。").number == "R7-0006"


def test_a_form_waits_for_the_organiser(world):
    opened(world)
    mail = arrive("申込書を送ります。", subject="伴走支援の申込について", files={"別紙2-②申込書.docx": b"x"})
    assert (mail.state, mail.sort, mail.operator_id) == ("attention", "call", None)
    assert mail.problem.startswith("申込とみられるメールです。")
    assert Consultation.objects.count() == 0


def test_without_an_open_call_the_same_mail_is_a_question(world):
    mail = arrive("申込書を送ります。", subject="伴走支援の申込について", files={"別紙2-②申込書.docx": b"x"})
    assert (mail.state, mail.sort) == ("taken", "desk")


def test_what_a_mailing_list_sends_makes_no_case(world):
    mail = arrive(list_id="<news.example.jp>")
    assert (mail.state, mail.sort, Consultation.objects.count()) == ("attention", "other", 0)


@pytest.mark.parametrize("header", ["auto_submitted", "x_autoreply", "return_path"])
def test_what_a_machine_sends_about_nothing_we_know_waits_for_a_person(world, header):
    value = {"auto_submitted": "auto-generated", "return_path": "<>"}.get(header, "yes")
    mail = arrive(**{header: value})
    assert (mail.state, mail.sort, mail.problem[:12]) == ("attention", "other", "自動応答とみられますが、")
    assert list(post_sorting.pile("other", [None])) == [mail]
    assert (Consultation.objects.count(), OutboundMail.objects.count()) == (0, 0)


def test_an_answer_that_came_through_a_forwarder_reopens_the_case(world):
    case, sent = answered(world)
    arrive("もう一つ教えてください。", in_reply_to=sent.message_id, x_loop="a@city.example.jp", at=TUESDAY)
    case.refresh_from_db()
    assert (case.state, [m.kind for m in case.messages.all()]) == ("assigned", ["in", "out", "in"])


def test_what_comes_from_our_own_address_makes_no_case(world):
    mail = arrive(sender="kyoten@example.jp")
    assert (mail.sort, Consultation.objects.count(), OutboundMail.objects.count()) == ("other", 0, 0)


def test_the_same_message_by_two_ways_is_one_case(world):
    first = arrive(message_id="<same@example.jp>", received="from a")
    again = arrive(message_id="<same@example.jp>", received="from b", at=TUESDAY)
    assert (again.double_of_id, again.state, again.taken_id) == (first.pk, "taken", first.taken_id)
    message = Message.objects.get()
    assert (message.mail_id, message.warning[:3]) == (first.pk, "重複：")
    assert Consultation.objects.count() == 1


def test_the_same_message_twice_in_one_batch_is_one_case(world):
    one = desking.mail(message_id="<same@example.jp>", received="from a")
    two = desking.mail(message_id="<same@example.jp>", received="from b")
    sorting.sort_read([one, two], at=SATURDAY)
    assert (sorting.settled([one.pk, two.pk]), Consultation.objects.count()) == ({"desk": 1, "double": 1}, 1)


def test_mails_that_another_worker_sorted_meanwhile_are_counted_where_they_went(world):
    """They were read here; before they are sorted, a worker at the same mailbox sorts them."""
    opened(world)
    form = {"subject": "伴走支援の申込について", "files": {"別紙2-②申込書.docx": b"x"}}
    mails = [desking.mail(TEMPLATE, sender="a@example.jp"), desking.mail("申込書です。", sender="b@example.jp", **form)]
    stale = list(InboundMail.objects.order_by("pk").select_related("original", "answers"))
    sorting.sort_read(mails, at=SATURDAY)
    sorting.sort_read(stale, at=SATURDAY)
    assert sorting.settled([mail.pk for mail in stale]) == {"desk": 1, "call": 1}
    assert Consultation.objects.count() == 1


@pytest.mark.parametrize(
    "more",
    [
        {"subject": "[外部] 拠点整備・運用に関する照会"},
        {"text": "※このメールは庁外から届いています。\n\n" + TEMPLATE},
        {"text": TEMPLATE + "\n--\nウイルス検査済みです。"},
    ],
)
@pytest.mark.parametrize("marked_first", [True, False])
def test_the_same_message_by_a_gateway_that_marks_it_is_one_case(world, more, marked_first):
    for n, changes in enumerate((more, {}) if marked_first else ({}, more)):
        arrive(message_id="<same@example.jp>", at=SATURDAY + timedelta(minutes=n), **changes)
    assert (Consultation.objects.count(), InboundMail.objects.exclude(double_of=None).count()) == (1, 1)


@pytest.mark.parametrize(
    "more",
    [
        {"text": TEMPLATE + "\n追伸：会議の頻度も教えてください。"},
        {"text": TEMPLATE + "\n--\n検査済み" + "長い追記です。" * 80},
        {"subject": "別の照会"},
        {"text": TEMPLATE + "\n検査済み", "files": {"a.pdf": b"x"}},
    ],
)
def test_what_a_person_has_added_makes_another_mail_of_it(world, more):
    arrive(message_id="<same@example.jp>")
    arrive(message_id="<same@example.jp>", **more)
    assert (Consultation.objects.count(), InboundMail.objects.exclude(double_of=None).count()) == (2, 0)


@pytest.mark.parametrize("texts", [("", "言葉"), ("言葉", "")])
def test_a_known_message_id_without_words_stops_nothing(world, texts):
    for n, text in enumerate(texts):
        arrive(text, message_id="<same@example.jp>", received=f"from {n}")
    assert InboundMail.objects.filter(sort="", state="attention").count() == 0
    assert InboundMail.objects.filter(double_of=None).count() == 2


def test_a_known_message_id_with_other_words_is_not_dropped(world):
    arrive(message_id="<same@example.jp>")
    other = arrive("別の相談です。", message_id="<same@example.jp>")
    assert (other.double_of_id, other.state) == (None, "taken")
    assert Consultation.objects.count() == 2


def test_a_known_message_id_of_another_sender_is_not_dropped(world):
    arrive(message_id="<same@example.jp>")
    arrive(message_id="<same@example.jp>", sender="b@example.jp")
    assert Consultation.objects.count() == 2


def test_an_out_of_office_note_stands_on_its_case_and_gets_no_answer(world):
    case, sent = answered(world)
    mail = arrive(
        "不在です。", subject="自動応答", in_reply_to=sent.message_id, auto_submitted="auto-replied", at=TUESDAY
    )
    assert (mail.sort, mail.state) == ("auto", "taken")
    case.refresh_from_db()
    assert (case.state, [m.kind for m in case.messages.all()]) == ("answered", ["in", "out", "auto"])
    assert (Consultation.objects.count(), OutboundMail.objects.count()) == (1, 1)
    rounds.sorted_mail(TUESDAY)
    assert case.messages.count() == 3


def bounce(sent: OutboundMail) -> bytes:
    return (
        "From: MAILER-DAEMON@example.jp\r\nTo: kyoten@example.jp\r\nSubject: Undelivered\r\n"
        "Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n"
        "--b\r\nContent-Type: text/plain\r\n\r\nnot delivered\r\n"
        "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; x\r\n\r\n"
        "Final-Recipient: rfc822; x\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n"
        f"--b\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: {sent.message_id}\r\n--b--\r\n"
    ).encode()


def test_a_bounce_of_an_answer_reopens_the_case(world):
    case, sent = answered(world)
    mail = deliver(bounce(sent))
    case.refresh_from_db()
    assert (mail.sort, case.state, case.reopened) == ("auto", "assigned", 1)
    assert case.messages.get(kind="out").warning == "届きませんでした。"
    assert case.messages.get(kind="auto").mail_id == mail.pk
    rounds.undelivered_answers(TUESDAY)
    case.refresh_from_db()
    assert (case.reopened, Consultation.objects.count()) == (1, 1)


def test_a_final_failure_of_delivery_reopens_the_case_once(world):
    case, sent = answered(world)
    OutboundMail.objects.filter(pk=sent.pk).update(state="failed", failed_at=TUESDAY)
    for _ in range(2):
        rounds.undelivered_answers(TUESDAY)
    case.refresh_from_db()
    assert (case.state, case.reopened) == ("assigned", 1)


def test_a_failed_referral_is_pointed_out_on_the_case(world):
    case = desking.taken(world)
    handling.refer(case, to_name="医師会", to_email="x@ishi.example.jp", text="どうでしょう。", due=None,
                   by=world.seat_secretariat, at=TUESDAY)  # fmt: skip
    OutboundMail.objects.update(state="failed", failed_at=TUESDAY)
    assert (returning.undelivered(TUESDAY), returning.undelivered(TUESDAY)) == (1, 0)
    case.refresh_from_db()
    assert (case.state, case.warning[:17]) == ("referring", "x@ishi.example.jp")


def test_an_adviser_answers_a_referral_by_plain_mail(world):
    case = desking.taken(world)
    row = handling.refer(case, to_name="医師会", to_email="x@ishi.example.jp", text="どうでしょう。", due=None,
                         by=world.seat_secretariat, at=TUESDAY)  # fmt: skip
    sent = OutboundMail.objects.get()
    later = TUESDAY + timedelta(days=1)
    arrive("こう考えます。", sender="x@ishi.example.jp", in_reply_to=sent.message_id, at=later)
    row.refresh_from_db()
    case.refresh_from_db()
    assert (row.answered_at, case.state) == (later, "received")
    assert [m.kind for m in case.messages.all()] == ["in", "asked", "heard"]
    assert Consultation.objects.count() == 1


def test_two_of_us_answering_each_other_stop_at_once(world):
    late = datetime(2026, 3, 2, 10, 0, tzinfo=JST)
    arrive(at=late)
    [reply] = OutboundMail.objects.all()
    raw = mime.build(reply).replace(b"kyoten@example.jp", b"other@desk.example.jp")
    for n in range(3):
        deliver(raw.replace(b"Subject:", f"X-Hop: {n}\r\nSubject:".encode()), late + timedelta(days=n * 2))
    assert (OutboundMail.objects.count(), Consultation.objects.count()) == (1, 1)


def test_a_saved_mail_of_outlook_is_a_case_too(world):
    mail = deliver(outlook.message(headers="From: chiiki@matsudo.example.jp\r\nTo: zaitaku@example.jp\r\n"))
    case = Consultation.objects.get()
    assert (mail.original.name[-4:], case.subject, case.text) == (".msg", "拠点整備・運用に関する照会", "照会です。")


def test_one_bad_mail_stops_no_other(world, tmp_path):
    (tmp_path / "1.eml").write_bytes(b"From: a@example.jp\r\nTo: zaitaku@example.jp\r\nSubject: A\r\n\r\nA")
    (tmp_path / "2.msg").write_bytes(outlook.message()[:600])
    (tmp_path / "3").write_bytes(b"From: a:b:;;\r\nTo: zaitaku@example.jp\r\nSubject: B\r\n\r\nB")
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "4.eml").write_bytes((tmp_path / "1.eml").read_bytes())
    from io import StringIO

    said = StringIO()
    call_command("mail", "take", str(tmp_path), stdout=said)
    assert said.getvalue().startswith(
        "取込 3通（相談 2・申込 0・その他 0・自動応答・不達通知 0・返信 0）、重複 1通、要確認 1通、"
    )
    assert InboundMail.objects.get(state="attention").problem.startswith("このメールは自動では読み取れませんでした。")
    call_command("mail", "take", str(tmp_path), stdout=(again := StringIO()))
    assert again.getvalue().startswith("取込 0通")
    assert (InboundMail.objects.count(), Consultation.objects.count()) == (3, 2)


def test_a_question_that_is_an_application_goes_to_the_other_pile_and_back(world):
    mail = arrive()
    case = Consultation.objects.get()
    returning.move_away(mail, "call", by=world.seat_secretariat, at=TUESDAY)
    mail.refresh_from_db()
    case.refresh_from_db()
    assert (mail.state, mail.sort, mail.taken_id, case.state) == ("attention", "call", None, "withdrawn")
    assert [e.act for e in Event.objects.of("consultation", case.pk)] == ["receive", "move_away"]
    with pytest.raises(Refused, match="すでにほかの方"):
        returning.move_away(mail, "other", by=world.seat_secretariat, at=TUESDAY)


def test_a_case_that_is_being_answered_is_not_moved_away(world):
    mail = arrive()
    case = Consultation.objects.get()
    answering.save_draft(case, subject="", text="案", version=None, by=world.seat_secretariat, at=TUESDAY)
    with pytest.raises(Refused, match="すでにやりとりが始まっています"):
        returning.move_away(mail, "call", by=world.seat_secretariat, at=TUESDAY)
    mail.refresh_from_db()
    assert (mail.state, mail.sort) == ("taken", "desk")


def test_a_failure_after_a_merge_reopens_the_case_the_answer_is_in_now(world):
    case, sent = answered(world)
    into = desking.taken(world, "別の相談です。")
    handling.merge(case, into, by=world.seat_secretariat, at=TUESDAY)
    OutboundMail.objects.filter(pk=sent.pk).update(state="failed", failed_at=TUESDAY)
    assert (returning.undelivered(TUESDAY), returning.undelivered(TUESDAY)) == (1, 0)
    into.refresh_from_db()
    assert (into.state, into.warning[:12]) == ("received", "chiiki@matsu")


def test_a_batch_whose_reading_fails_is_read_one_by_one(world):
    raws = [f"From: a@example.jp\r\nSubject: {n}\r\n\r\n{n}".encode() for n in range(3)]
    mails, known = bulk.receive_many([*raws, raws[0]], source="test", at=SATURDAY)
    assert (len(mails), known) == (3, 1)
    mails[1].original.path.unlink()
    read = bulk.read_many(mails, SATURDAY)
    assert [(mail.subject, mail.state, mail.tries) for mail in read] == [
        ("0", "attention", 1), ("", "attention", 1), ("2", "attention", 1),
    ]  # fmt: skip
    assert [mail.problem == UNREADABLE for mail in read] == [False, True, False]


def test_a_mail_whose_reading_never_ended_is_given_up_alone(world):
    mails, _ = bulk.receive_many([b"Subject: a\r\n\r\na", b"Subject: b\r\n\r\nb"], source="test", at=SATURDAY)
    InboundMail.objects.filter(pk=mails[0].pk).update(tries=3)
    mails[0].tries = 3
    read = bulk.read_many(mails, SATURDAY)
    assert [mail.problem == UNREADABLE for mail in read] == [True, False]


def test_the_next_batch_is_on_its_way_while_one_is_taken_and_a_double_in_it_is_known(world, tmp_path):
    for n in range(BATCH + 3):
        said = f"From: a{n % BATCH}@example.jp\r\nTo: zaitaku@example.jp\r\nSubject: {n % BATCH}\r\n\r\n{TEMPLATE}"
        (tmp_path / f"{n:04}.eml").write_bytes(said.encode())
    done = take_directory(tmp_path, at=SATURDAY)
    assert (done.files, done.stored, done.known, done.quarantined) == (BATCH + 3, BATCH, 3, 0)
    cases = Consultation.objects.order_by("number")
    assert [case.subject for case in cases] == [str(n) for n in range(BATCH)]
    assert list(InboundMail.objects.values_list("state", "sort").distinct()) == [("taken", "desk")]
    assert len({case.received_at for case in cases}) == BATCH


@pytest.mark.parametrize(
    ("day", "to", "slug"),
    [
        ("2024-07-25", "somebody@example.jp", "r6-soudan"),
        ("2025-02-28", "somebody@example.jp", "r6-soudan"),
        ("2025-03-01", "somebody@example.jp", "r7-zaitaku"),
        ("2025-06-25", "somebody@example.jp", "r7-zaitaku"),
        ("2025-07-19", "somebody@example.jp", "r7-zaitaku"),
        ("2026-03-01", "somebody@example.jp", "r7-zaitaku"),
        ("2025-07-19", "zaitaku-r6@example.jp", "r6-soudan"),
        ("2025-07-19", "Renkei@Chiba-City.example.jp", "chiba-hub-soudan"),
    ],
)
def test_what_names_no_desk_came_to_the_organisers_mailbox(world, day, to, slug):
    """A hub's desk is open all year, and gets only what was written to it."""
    knowing.hub(world)
    knowing.published("r6-soudan", world.secretariat)
    mail = arrive(at=datetime.fromisoformat(f"{day}T10:00").replace(tzinfo=JST), to=to)
    assert Consultation.objects.get(pk=mail.taken_id).programme == slug

"""実績: what the database counts is what a plain recount of the raw rows counts, in random worlds and by hand."""

from __future__ import annotations

import json
import random
from collections import defaultdict
from datetime import datetime, timedelta

import pytest

from kyoten.consultations import figures as counting
from kyoten.consultations.actions import answering, handling, intake, returning
from kyoten.consultations.desks import desk_of, desks
from kyoten.consultations.figures import Count
from kyoten.consultations.models import Consultation, Deletion, Mark, Message
from kyoten.post.models import OutboundMail
from kyoten.programmes.models import Programme
from kyoten.rules.clock import JST, local
from kyoten.rules.desk import answered_within, timing
from kyoten.web import shipped
from tests.flows import desking
from tests.flows.desking import TUESDAY

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 2, 27, 16, 0, tzinfo=JST)
EDGES = [timedelta(0), timedelta(microseconds=1), timedelta(microseconds=-1), timedelta(microseconds=999)]


def publish(slug: str, organiser) -> None:
    _, text, cases = next(found for found in shipped.shipped() if found[0] == slug)
    Programme.objects.create(
        slug=slug, revision=1, text=text, digest=slug, cases=cases, organiser=organiser, published_at=desking.SATURDAY,
        has_desk=True,
    )  # fmt: skip


# ---- a world of rows, and its recount ---------------------------------------------------------


def moment(rnd: random.Random) -> datetime:
    """Some time between 2024 and 2026; often at the very edge of a day, a month or a year."""
    at = datetime(2024, 3, 1, tzinfo=JST) + timedelta(
        seconds=rnd.randrange(790 * 86400), microseconds=rnd.randrange(10)
    )
    if rnd.random() < 0.3:
        return at.replace(hour=0, minute=0, second=0, microsecond=0) + rnd.choice(EDGES)
    if rnd.random() < 0.2:
        return datetime(at.year, at.month, 1, tzinfo=JST) + rnd.choice(EDGES)
    return at


def case(rnd: random.Random, desk, world, number: int) -> Consultation:
    received = moment(rnd)
    ours = timing(desk.rules, received)
    row = Consultation(
        programme=desk.slug, operator=desk.operator, section=world.section_secretariat, number=f"{desk.slug}-{number}",
        fiscal_year=desk.definition.fiscal_year, way="mail", received_at=received, latest_at=received, purpose_text="",
        asker=rnd.choice(["municipality", "hub", "hub", "", "gone"]), state=rnd.choice(Consultation.State.values),
        clock_at=ours.clock_at, due=ours.due,
    )  # fmt: skip
    if rnd.random() < 0.7:
        row.first_answered_at = row.answered_at = received + timedelta(hours=rnd.randrange(400))
    if row.state in ("closed", "withdrawn"):
        row.closed_at = received + timedelta(hours=rnd.randrange(400))
    row.sorted_away = rnd.random() < 0.3  # only a withdrawn one is left out
    if row.first_answered_at and rnd.random() < 0.3:  # answered, then reopened
        row.first_clock_at, row.first_due, row.reopened = row.clock_at, row.due, 1
        again = timing(desk.rules, row.first_answered_at + timedelta(days=9))
        row.clock_at, row.due = again.clock_at, again.due
    return row


def populate(rnd: random.Random, desk, world, size: int) -> None:
    rows = Consultation.objects.bulk_create(case(rnd, desk, world, n) for n in range(size))
    for row in rows:
        if row.state == "merged":
            row.merged_into = rnd.choice([other for other in rows if other.state != "merged"])
    Consultation.objects.bulk_update(rows, ["merged_into"])
    lists = {"subject": desk.rules.subjects, "function": desk.rules.functions, "scene": desk.rules.scenes}
    Mark.objects.bulk_create(
        Mark(consultation=row, kind=kind, value=item.id)
        for row in rows for kind, items in lists.items() for item in rnd.sample(items, rnd.choice([0, 1, 1, 2]))
    )  # fmt: skip
    Message.objects.bulk_create(
        Message(
            consultation=row.merged_into or row, moved_from=row if row.merged_into else None, way="mail",
            kind=rnd.choice(Message.Kind.values), at=rnd.choice([row.received_at, moment(rnd)]),
        )
        for row in rows for _ in range(rnd.randrange(4))
    )  # fmt: skip


def recount(desk, year: int, at: datetime) -> dict[tuple[str, str, str, str], Count]:
    """The same figures, one row after the other."""
    found: dict = defaultdict(Count)
    rows = Consultation.objects.filter(programme=desk.slug).prefetch_related("marks", "messages")
    for row in rows:
        if row.sorted_away and row.state == "withdrawn":
            continue
        if row.state != "merged":
            put(found, row, year, row.received_at, one(row, desk, at))
        for message in row.messages.all():
            if message.kind in ("in", "out"):
                put(found, row, year, message.at, Count(contacts=1))
    return dict(found)


def one(row: Consultation, desk, at: datetime) -> Count:
    clock, due, answered = row.first_clock_at or row.clock_at, row.first_due or row.due, row.first_answered_at
    days = answered_within(desk.rules, clock, answered) if clock and answered else None
    end = answered or (row.closed_at if row.state in ("closed", "withdrawn") else at)
    return Count(cases=1, answered=days is not None, days=days or 0, late=bool(due and due < end))


def put(found: dict, row: Consultation, year: int, at: datetime, count: Count) -> None:
    here = local(at)
    if here.year - (here.month < 4) != year:
        return
    marks = {
        kind: [m.value for m in row.marks.all() if m.kind == kind] or [""] for kind in ("subject", "function", "scene")
    }
    for month in (f"{here.year}-{here.month:02}", ""):
        keys = [("all", "", ""), ("asker", row.asker, "")]
        keys += [("subject", value, "") for value in marks["subject"]]
        keys += [("function", value, "") for value in marks["function"]] + [("scene", "", v) for v in marks["scene"]]
        keys += [("cross", f, s) for f in marks["function"] for s in marks["scene"]]
        for key in keys:
            found[(*key, month)] += count


@pytest.mark.parametrize("seed", range(6))
def test_the_figures_equal_a_recount_of_the_raw_rows(world, seed):
    publish("r6-soudan", world.secretariat)
    publish("chiba-hub-soudan", world.matsudo)
    rnd = random.Random(seed)
    ours = desks(world.secretariat)
    for desk in (*ours, *desks(world.matsudo)):
        populate(rnd, desk, world, 60)
    for desk in ours:
        for year in (2024, 2025):
            assert counting.figures(desk, year, NOW).cells == recount(desk, year, NOW)


@pytest.mark.parametrize("seed", range(3))
def test_deleted_cases_count_as_they_did(world, seed):
    desk = desking.desk(world)
    populate(random.Random(seed), desk, world, 40)
    before = {year: counting.figures(desk, year, NOW).cells for year in (2024, 2025)}
    for row in Consultation.objects.all():
        Deletion.objects.create(
            number=row.number, programme=row.programme, fiscal_year=row.fiscal_year, record_id=row.pk, reason="保存期間の満了",
            deleted_at=NOW, figures_text=counting.kept(row, desk, NOW),
        )  # fmt: skip
    Message.objects.all().delete()
    Consultation.objects.update(merged_into=None)
    Consultation.objects.all().delete()
    assert {year: counting.figures(desk, year, NOW).cells for year in (2024, 2025)} == before


def test_of_a_deleted_case_neither_name_nor_words_are_kept(world):
    row = desking.taken(world)
    assert counting.kept(row, desking.desk(world), NOW) == (
        '{"asker": "municipality", "contacts": {"2025-07": 1}, "days": null, "late": true, '
        '"marks": {"function": [], "scene": [], "subject": []}, "month": "2025-07"}'
    )


# ---- by the real acts -------------------------------------------------------------------------


def answer(world, row, at):
    row.refresh_from_db()
    draft = answering.save_draft(row, subject="", text="例です。", version=None, by=world.seat_secretariat, at=at)
    answering.ask_approval(draft, by=world.seat_secretariat, at=at)
    draft.refresh_from_db()
    return answering.answer(draft, desking.desk(world), by=world.seat_secretariat2, at=at)


def july(world, at=NOW) -> Count:
    return counting.figures(desking.desk(world), 2025, at).at("all", month="2025-07")


def test_an_answer_takes_the_open_days_from_where_the_clock_started(world):
    row = desking.taken(world)  # Saturday; the clock starts on Tuesday 7/22
    assert july(world, TUESDAY) == Count(cases=1, contacts=1)
    answer(world, row, TUESDAY + timedelta(days=2))
    assert july(world) == Count(cases=1, contacts=2, answered=1, days=2)


def test_a_follow_up_is_a_contact_and_leaves_what_the_first_answer_took(world):
    row = desking.taken(world)
    answer(world, row, TUESDAY + timedelta(days=1))
    again = desking.taken(
        world, "ありがとうございました。もう一点。", in_reply_to=sent_id(row), at=TUESDAY + timedelta(days=3)
    )
    assert again.pk == row.pk
    assert july(world) == Count(cases=1, contacts=3, answered=1, days=1)
    answer(world, row, datetime(2025, 8, 20, 10, 0, tzinfo=JST))  # late, but not the first answer
    assert july(world) == Count(cases=1, contacts=3, answered=1, days=1)
    assert counting.figures(desking.desk(world), 2025, NOW).at("all", month="2025-08") == Count(contacts=1)


def sent_id(row: Consultation) -> str:
    return OutboundMail.objects.filter(about_kind="consultation", about_id=row.pk).latest("pk").message_id


def test_an_answer_that_did_not_arrive_is_none(world):
    row = desking.taken(world)
    answer(world, row, TUESDAY)
    assert july(world) == Count(cases=1, contacts=2, answered=1, days=0)
    answering.reopen_undelivered(OutboundMail.objects.get(about_kind="consultation"), at=TUESDAY)
    assert july(world) == Count(cases=1, contacts=2, late=1)
    answer(world, row, TUESDAY + timedelta(days=6))  # Monday 7/28, one open day after the due date
    assert july(world) == Count(cases=1, contacts=3, answered=1, days=4, late=1)


def test_of_two_merged_cases_one_counts_with_the_messages_of_both(world):
    first, second = desking.taken(world), desking.taken(world, "別の用件です。")
    assert july(world, TUESDAY) == Count(cases=2, contacts=2)
    handling.merge(second, first, by=world.seat_secretariat, at=TUESDAY)
    assert july(world, TUESDAY) == Count(cases=1, contacts=2)


def test_a_case_closed_in_time_without_an_answer_is_not_late_and_one_closed_late_is(world):
    desking.taken(world)
    handling.close(Consultation.objects.get(), "取下げの電話", withdrawn=True, by=world.seat_secretariat, at=TUESDAY)
    assert july(world) == Count(cases=1, contacts=1)
    desking.taken(world, "別の用件です。")
    row = Consultation.objects.latest("pk")
    handling.close(row, "電話で済んだ", by=world.seat_secretariat, at=TUESDAY + timedelta(days=20))
    assert july(world) == Count(cases=2, contacts=2, late=1)


def test_a_mail_that_was_no_question_is_not_counted_and_counts_once_where_it_was_one(world):
    mail = desking.mail()
    intake.take_mail(mail, desking.desk(world), at=TUESDAY)
    mail.refresh_from_db()
    returning.move_away(mail, "other", by=world.seat_secretariat, at=TUESDAY)
    assert july(world) == Count()
    assert json.loads(counting.kept(Consultation.objects.get(), desking.desk(world), NOW))["contacts"] == {}
    mail.refresh_from_db()
    intake.take_mail(mail, desking.desk(world), at=TUESDAY)
    assert Consultation.objects.count() == 2
    assert july(world, TUESDAY) == Count(cases=1, contacts=1)


def test_internal_notes_and_questions_to_others_are_no_contacts(world):
    row = desking.taken(world)
    handling.add_note(row, "確認中", by=world.seat_secretariat, at=TUESDAY)
    handling.refer(row, to_name="顧問", to_email="komon@example.jp", text="いかがですか。", due=None,
                   by=world.seat_secretariat, at=TUESDAY)  # fmt: skip
    assert july(world, TUESDAY) == Count(cases=1, contacts=1)


# ---- small things -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answered", "days", "mean"),
    [(0, 0, None), (3, 0, "0.0"), (3, 4, "1.3"), (20, 1, "0.1"), (20, 25, "1.3"), (4, 5, "1.3"), (3, 2, "0.7")],
)
def test_the_mean_has_one_decimal_and_halves_go_up(answered, days, mean):
    found = Count(answered=answered, days=days).mean
    assert (found if found is None else str(found)) == mean


def test_the_year_before_is_the_earlier_desk_of_the_same_body(world):
    publish("r6-soudan", world.secretariat)
    publish("chiba-hub-soudan", world.matsudo)
    desk = desking.desk(world)
    before = counting.earlier(desk, 2025)
    assert before and (before[0].slug, before[1]) == ("r6-soudan", 2024)
    again = counting.earlier(desk, 2026)
    assert again and (again[0].slug, again[1]) == ("r7-zaitaku", 2025)
    assert counting.earlier(before[0], 2024) is None
    hub = desk_of("chiba-hub-soudan", desks(world.matsudo))
    assert hub and counting.earlier(hub, 2025) is None


def test_the_months_of_a_fiscal_year_run_from_april_to_march():
    assert (counting.months_of(2025)[0], counting.months_of(2025)[8:10], counting.months_of(2025)[-1]) == (
        "2025-04", ["2025-12", "2026-01"], "2026-03"
    )  # fmt: skip

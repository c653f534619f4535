"""Threads in a batch: the same cases as one by one, however the mails name one another."""

from datetime import timedelta
from random import Random

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from kyoten.consultations.actions import bulk, handling, intake
from kyoten.consultations.models import Consultation
from kyoten.records.models import Event
from kyoten.search.finding import find
from tests.flows import desking
from tests.flows.desking import SATURDAY, TUESDAY

pytestmark = pytest.mark.django_db
MAILS = 14


def id_of(number: int) -> str:
    return f"<m{number}@example.jp>"


def letters(chance: Random):
    """Mails of two people that name earlier ones, later ones, others' and unknown ones; some bear the same id."""
    made = []
    for n in range(MAILS):
        named = chance.sample(range(MAILS + 2), chance.choice((0, 0, 1, 1, 2, 3)))
        headers = {"References": " ".join(map(id_of, named))} if named else {}
        own = id_of(chance.randrange(MAILS) if chance.random() < 0.2 else n)
        sender = chance.choice(("a@example.jp", "a@example.jp", "b@example.jp", "A@example.jp"))
        at = SATURDAY + timedelta(minutes=n)
        made.append(desking.mail(f"{n}通目の相談です。", sender=sender, message_id=own, at=at, **headers))
    return made


def cases():
    """Every case as the mails in it, with what else must be the same."""
    found = Consultation.objects.prefetch_related("messages")
    return sorted(
        (
            [message.mail_id for message in sorted(case.messages.all(), key=lambda message: message.at)],
            case.latest_at,
            case.state,
            case.reopened,
            sorted(event.act for event in Event.objects.of("consultation", case.pk)),
            find(case.messages.first().text, scope=case.operator_id).count,
        )
        for case in found
    )


@pytest.mark.parametrize("seed", range(6))
def test_a_batch_of_threads_makes_the_same_cases_as_one_by_one(world, seed):
    mails, desk = letters(Random(seed)), desking.desk(world)
    with transaction.atomic():
        for mail in mails:
            intake.take_mail(mail, desk, at=TUESDAY)
        expected = cases()
        transaction.set_rollback(True)
    bulk.take_mails(mails, desk, at=TUESDAY)
    assert cases() == expected
    assert 1 < len(expected) < MAILS


def test_a_batch_reopens_what_was_finished_and_leaves_what_was_merged(world):
    desk = desking.desk(world)
    ended, merged, into = (desking.taken(world, f"{n}件目です。", message_id=id_of(n)) for n in range(3))
    handling.close(ended, "電話で済んだため", by=world.seat_secretariat, at=TUESDAY)
    handling.merge(merged, into, by=world.seat_secretariat, at=TUESDAY)
    more = [
        desking.mail(f"{n}件目に続けます。", message_id=f"<n{n}@example.jp>", References=id_of(n)) for n in range(3)
    ]
    bulk.take_mails(more, desk, at=TUESDAY)
    said = {case.number: [m.text.strip() for m in case.messages.order_by("pk")] for case in Consultation.objects.all()}
    assert said == {
        "R7-0001": ["0件目です。", "0件目に続けます。"],
        "R7-0002": [],
        "R7-0003": ["1件目です。", "2件目です。", "2件目に続けます。", "1件目に続けます。"],
    }
    ended.refresh_from_db()
    assert (ended.state, ended.reopened) == ("received", 1)


def test_the_queries_of_a_batch_of_answers_do_not_grow_with_it(world, django_assert_num_queries):
    desk = desking.desk(world)
    for n in range(9):
        at = SATURDAY + timedelta(minutes=n)
        desking.taken(world, f"{n}件目です。", message_id=id_of(n), sender=f"a{n}@example.jp", at=at)
    answers = [
        desking.mail("続きです。", sender=f"a{n}@example.jp", message_id=f"<n{n}@example.jp>", References=id_of(n))
        for n in range(9)
    ]
    with CaptureQueriesContext(connection) as few:
        bulk.take_mails(answers[:2], desk, at=TUESDAY)
    with django_assert_num_queries(len(few)):
        bulk.take_mails(answers[2:], desk, at=TUESDAY)


def test_what_is_passed_on_in_a_follow_up_is_shown_in_a_batch_too(world):
    desk = desking.desk(world)
    case = desking.taken(world, "最初の相談です。", message_id=id_of(0))
    text = "転送します。\n\n-----Original Message-----\nFrom: b@example.jp\n\n元の話です。"
    more = desking.mail(text, subject="Fw: 資料", message_id=id_of(1), References=id_of(0))
    bulk.take_mails([more], desk, at=TUESDAY)
    said = case.messages.get(mail_id=more.pk).text
    assert ("転送します。" in said, "元の話です。" in said) == (True, True)

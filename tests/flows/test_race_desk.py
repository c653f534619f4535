"""Acts of a desk at the same moment: one answer, one number each, nothing lost."""

from datetime import timedelta

import pytest

from kyoten.consultations.actions import answering, handling, intake
from kyoten.consultations.actions.intake import Caller, Incoming
from kyoten.consultations.models import Callback, Consultation, Draft, Message
from kyoten.post.models import OutboundMail
from kyoten.records.verify import verify
from tests.flows import desking
from tests.flows.desking import SATURDAY, TUESDAY
from tests.flows.racing import race

pytestmark = pytest.mark.django_db(transaction=True)


def fresh(row):
    return type(row).objects.get(pk=row.pk)


def sound() -> bool:
    return verify().faults == []


def test_two_approvals_send_one_answer(world):
    case, desk = desking.taken(world), desking.desk(world)
    draft = answering.save_draft(case, subject="", text="例です。", version=None, by=world.seat_secretariat, at=TUESDAY)
    answering.ask_approval(draft, by=world.seat_secretariat, at=TUESDAY)

    def approve():
        answering.answer(fresh(draft), desk, by=world.seat_secretariat2, at=TUESDAY)

    came_to = race(approve, approve, approve)
    assert came_to.count("done") == 1
    assert OutboundMail.objects.filter(about_kind="consultation").count() == 1
    assert Message.objects.filter(kind="out").count() == 1
    assert sound()


def test_two_first_drafts_are_one_and_the_other_is_told(world):
    case = desking.taken(world)

    def write(seat, text):
        return lambda: answering.save_draft(fresh(case), subject="", text=text, version=None, by=seat, at=TUESDAY)

    came_to = race(write(world.seat_secretariat, "案1"), write(world.seat_secretariat2, "案2"))
    assert came_to.count("done") == 1
    assert Draft.objects.count() == 1
    assert sound()


def test_one_mail_in_two_workers_is_one_case(world):
    row, desk = desking.mail(), desking.desk(world)
    came_to = race(*[lambda: intake.take_mail(row, desk, at=SATURDAY)] * 3)
    assert came_to.count("done") == 1
    assert (Consultation.objects.count(), Message.objects.count()) == (1, 1)
    assert sound()


def test_calls_at_one_moment_get_a_number_each(world):
    desk = desking.desk(world)

    def call(n):
        what = Incoming("phone", f"{n}", f"{n}本目", Caller(), TUESDAY)
        return lambda: intake.take_call(desk, what, by=world.seat_secretariat, at=TUESDAY)

    assert race(*(call(n) for n in range(8))) == ["done"] * 8
    numbers = sorted(Consultation.objects.values_list("number", flat=True))
    assert numbers == [f"R7-{n:04d}" for n in range(1, 9)]
    assert sound()


def test_two_cases_merged_into_each_other_end_as_one(world):
    one, two = desking.taken(world), desking.taken(world, "別のメールです。")

    def merge(case, into):
        return lambda: handling.merge(fresh(case), fresh(into), by=world.seat_secretariat, at=TUESDAY)

    came_to = race(merge(one, two), merge(two, one))
    assert came_to.count("done") == 1
    assert sorted(Consultation.objects.values_list("state", flat=True)) == ["merged", "received"]
    living = Consultation.objects.get(state="received")
    assert living.messages.count() == 2
    assert sound()


def test_one_callback_is_made_once(world):
    case = desking.taken(world)
    row = handling.promise_callback(
        case, when=TUESDAY + timedelta(hours=1), phone="000-0000-0000", note="", owner=None,
        by=world.seat_secretariat, at=TUESDAY,
    )  # fmt: skip

    def ring(seat):
        return lambda: handling.called_back(
            Callback.objects.select_related("consultation").get(pk=row.pk), "伝えた", by=seat, at=TUESDAY
        )

    came_to = race(ring(world.seat_secretariat), ring(world.seat_secretariat2))
    assert came_to.count("done") == 1
    assert Message.objects.filter(kind="out").count() == 1
    assert sound()


def test_a_call_whose_button_is_pressed_twice_at_one_moment_is_one_case(world):
    desking.taken(world)
    desk = desking.desk(world)
    what = Incoming("phone", "", "輪番の例を知りたい。", Caller("柏市", "森田 健", "04-0000-0000"), TUESDAY)

    def press():
        handling.log_call(desk, what, None, by=world.seat_secretariat, at=TUESDAY)

    assert race(press, press) == ["done"] * 2
    assert Consultation.objects.filter(way="phone").count() == 1
    assert sound()

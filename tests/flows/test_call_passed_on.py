"""所管課へ回送: the application goes with the case to the other section, whatever stage it is at."""

import pytest

from kyoten.calls.actions import applying, selecting
from kyoten.inquiries import actions as inquiries
from kyoten.organisations.models import Seat, Section, User
from kyoten.post.models import OutboundMail
from kyoten.web import todo
from tests.flows import calling
from tests.flows.test_call_selecting import NUMBERED
from tests.flows.test_race_calls import fresh

pytestmark = pytest.mark.django_db


@pytest.fixture
def other(world):
    """A seat in another section of 松戸市."""
    section = Section.objects.create(organisation=world.matsudo, name="介護保険課", email="kaigo@matsudo.example.jp")
    person = User.objects.create(username="kaigo", name="清水 光")
    return Seat.objects.create(person=person, section=section, role="officer")


def pass_on(world, call, other):
    row = calling.case(call, world.matsudo)
    inquiries.pass_on(row, other.section, by=world.seat_matsudo, at=calling.WRITING)


def titles(seat, at=calling.WRITING):
    desk = todo.Desk(seat, at)
    return [task.act for task in todo.tasks(desk)], [row.to for row in todo.asked(desk)]


def test_a_draft_is_the_work_of_the_section_the_case_was_passed_to(world, other):
    application = calling.drafted(world)
    assert (titles(world.seat_matsudo), titles(other)) == ((["続きを書く"], []), ([], []))
    pass_on(world, application.call, other)
    assert (titles(world.seat_matsudo), titles(other)) == (([], []), (["続きを書く"], []))
    submitted = applying.submit(fresh(application), by=other, at=calling.WRITING)
    assert submitted.section == other.section
    assert (titles(world.seat_matsudo), titles(other)) == (([], []), ([], ["千葉県"]))


def test_what_is_asked_to_be_mended_is_asked_of_the_section_that_has_the_case(world, other):
    application = calling.submitted(world)
    pass_on(world, application.call, other)
    applying.send_back(fresh(application), {"": "直してください"}, by=world.seat_chiba, at=calling.GATHERING)
    mail = OutboundMail.objects.get(key__startswith="send_back:")
    assert (mail.to, "介護保険課　御中" in mail.text) == (other.section.email, True)
    assert (titles(world.seat_matsudo)[0], titles(other)[0]) == ([], ["補正する"])


def test_the_result_goes_to_the_section_that_has_the_case(world, other):
    application = calling.decided(world).application
    pass_on(world, application.call, other)
    selecting.announce(
        application.call, calling.letters(world), **NUMBERED, by=world.seat_secretariat, at=calling.ANNOUNCING
    )
    told = OutboundMail.objects.filter(key=f"result:{application.pk}").values_list("to", flat=True)
    assert set(told) == {"daihyo@matsudo.example.jp", other.section.email}

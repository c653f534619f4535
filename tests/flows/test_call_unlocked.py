"""Reading a form and printing letters take seconds: no transaction is open meanwhile, on SQLite nobody would write."""

import json
import sys

import pytest
from django.db import connection

from kyoten.calls.actions import applying, incoming, selecting
from kyoten.calls.models import Call, FormFile
from kyoten.papers.forms import write_form
from kyoten.papers.reading import read_form
from kyoten.post.models import OutboundMail
from kyoten.records.models import Attachment, Event, Refused
from kyoten.rules import answers as form_answers
from tests.flows import calling
from tests.flows.test_call_selecting import NUMBERED
from tests.flows.test_race_calls import fresh

pytestmark = pytest.mark.django_db(transaction=True)


class Watch:
    """Looks at the connection whenever `function` begins (the interpreter tells), and may do something then."""

    def __init__(self, function, then=lambda: None):
        self.code, self.then, self.seen = function.__code__, then, []

    def __call__(self, frame, event, _):
        if event == "call" and frame.f_code is self.code:
            sys.setprofile(None)
            self.seen.append(connection.in_atomic_block)
            self.then()

    def __enter__(self):
        self.before = sys.getprofile()
        sys.setprofile(self)
        return self.seen

    def __exit__(self, *_):
        sys.setprofile(self.before)


def filled_form(application) -> bytes:
    return write_form(application.definition, calling.ANSWERS, "docx")


def take(world, application, data):
    return incoming.take_form(fresh(application), data, "申込書.docx", by=world.seat_matsudo, at=calling.WRITING)


def test_a_form_is_read_with_no_transaction_open(world):
    application = calling.drafted(world)
    data = filled_form(application)
    with Watch(read_form) as seen:
        taken = take(world, application, data)
    assert seen == [False]
    assert [e.act for e in Event.objects.of("application", application.pk)][-1] == "take_form"
    assert Attachment.objects.of("application", application.pk, "form").get().pk == taken.attachment_id


def test_a_form_read_while_the_application_is_submitted_is_kept_but_not_put_beside_it(world):
    application = calling.drafted(world)
    data = filled_form(application)
    submit = lambda: applying.submit(fresh(application), by=world.seat_matsudo2, at=calling.WRITING)  # noqa: E731
    with Watch(read_form, submit), pytest.raises(Refused, match="読み取っている間に"):
        take(world, application, data)
    assert FormFile.objects.count() == 0
    assert Attachment.objects.of("application", application.pk, "form").get().read() == data
    assert fresh(application).state == "submitted"


def test_what_another_writes_while_the_form_is_read_stays_where_the_form_is_not_taken(world):
    application = calling.drafted(world)
    data = filled_form(application)

    def save():
        base = form_answers.digests(application.form, application.answers)
        applying.save(fresh(application), {"reason": "その間の記載"}, base, by=world.seat_matsudo2, at=calling.WRITING)

    with Watch(read_form, save):
        taken = take(world, application, data)
    base = form_answers.digests(application.form, fresh(application).answers)
    assert json.loads(taken.base_text) == base  # what the officer will see beside it


def test_letters_are_printed_with_no_transaction_open(world):
    call = calling.decided(world).application.call
    seen, printer = [], calling.letters(world)

    def letter(decision):
        seen.append(connection.in_atomic_block)
        return printer(decision)

    selecting.announce(call, letter, **NUMBERED, by=world.seat_secretariat, at=calling.ANNOUNCING)
    assert seen == [False]
    assert OutboundMail.objects.filter(key__startswith="result:").count() == 3


@pytest.mark.parametrize("meanwhile", ["decided", "withdrawn", "announced"])
def test_what_changed_while_the_letters_were_printed_is_not_announced(world, meanwhile):
    application = calling.decided(world).application
    printer, at = calling.letters(world), calling.ANNOUNCING
    acts = {
        "decided": lambda: selecting.decide(fresh(application), "declined", "再考", by=world.seat_secretariat2, at=at),
        "withdrawn": lambda: applying.withdraw(fresh(application), "", by=world.seat_matsudo, at=at),
        "announced": lambda: selecting.announce(
            Call.objects.get(), printer, **NUMBERED, by=world.seat_secretariat2, at=at
        ),
    }

    def letter(decision):
        acts[meanwhile]()
        return printer(decision)

    said = {
        "decided": "決定又は申込みが変わりました",
        "withdrawn": "通知する申込みがありません",
        "announced": "通知した後",
    }
    with pytest.raises(Refused, match=said[meanwhile]):
        selecting.announce(application.call, letter, **NUMBERED, by=world.seat_secretariat, at=at)
    assert OutboundMail.objects.filter(key__startswith="result:").count() == (3 if meanwhile == "announced" else 0)
    assert (Call.objects.get().announced_at is None) == (meanwhile != "announced")
    assert Attachment.objects.of("application", application.pk, "result").count() == (meanwhile == "announced")

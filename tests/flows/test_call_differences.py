"""記載の違い: what two people wrote differently is settled by somebody before it is submitted."""

import pytest
from django.test import Client
from django.urls import reverse

from kyoten.calls.actions import applying, gathering
from kyoten.calls.models import Application, EditConflict
from kyoten.records.models import Refused
from kyoten.rules import answers as form_answers
from tests.flows import calling
from tests.flows.racing import race
from tests.flows.test_race_calls import fresh, submit
from tests.world import login


def differing(world, application, **answers):
    """A save from a page that showed other text than is stored now."""
    base = form_answers.digests(application.form, {})
    return lambda: applying.save(fresh(application), answers, base, by=world.seat_matsudo2, at=calling.WRITING)


@pytest.fixture
def different(world):
    application = calling.drafted(world)
    differing(world, application, reason="二人目の理由", features="二人目の特徴")()
    return application


@pytest.mark.django_db
def test_what_two_people_wrote_differently_is_not_submitted(world, different):
    labels = {field.id: field.label for field in different.form.fields()}
    with pytest.raises(Refused) as refused:
        submit(different, world.seat_matsudo)()
    assert f"（{labels['reason']}、{labels['features']}）" in str(refused.value)
    assert (fresh(different).state, fresh(different).number, EditConflict.objects.count()) == ("draft", "", 2)


@pytest.mark.django_db
def test_settled_one_way_or_the_other_it_is_submitted(world, different):
    for conflict in EditConflict.objects.all():
        applying.settle_conflict(conflict, conflict.field == "reason", by=world.seat_matsudo, at=calling.WRITING)
    submit(different, world.seat_matsudo)()
    found = fresh(different)
    assert (found.state, found.answers["reason"], found.answers["features"]) == (
        "submitted", "二人目の理由", calling.ANSWERS["features"],
    )  # fmt: skip


@pytest.mark.django_db
def test_a_difference_in_a_field_the_form_no_longer_has_stops_nothing(world):
    application = calling.drafted(world)
    EditConflict.objects.create(application=application, field="gone", yours_text='"x"', person_id=1, written_by="x",
                                written_at=calling.WRITING)  # fmt: skip
    submit(application, world.seat_matsudo)()
    assert fresh(application).state == "submitted"


@pytest.mark.django_db
def test_the_page_names_the_field_and_leads_to_the_choice(world, different, clock):
    clock(calling.WRITING)
    client = login(Client(), world.seat_matsudo)
    url, edit = reverse("calls:submit", args=[different.pk]), reverse("calls:edit", args=[different.pk])
    label = next(field.label for field in different.form.fields() if field.id == "reason")
    refused = client.post(url, follow=True).text
    assert (f'href="{edit}#differences"' in refused, "二人が別々に書いた箇所が残っています" in refused) == (True, True)
    assert label in refused
    assert f"{different.prefecture}へ提出する</button>" not in refused
    assert 'id="differences"' in client.get(edit).text
    for conflict in EditConflict.objects.all():
        client.post(reverse("calls:settle_conflict", args=[different.pk, conflict.pk]), {"take": "yours"})
    assert f"{different.prefecture}へ提出する</button>" in client.get(url).text
    client.post(url)
    assert fresh(different).state == "submitted"


@pytest.mark.django_db(transaction=True)
def test_a_difference_that_arises_while_submitting_stops_it_or_is_refused(world):
    application = calling.drafted(world)
    version = application.version
    wrote, sent = race(differing(world, application, reason="二人目の理由"), submit(application, world.seat_matsudo))
    found = Application.objects.get(pk=application.pk)
    assert [wrote, sent].count("done") == 1
    assert (found.state, EditConflict.objects.count()) == (("draft", 1) if wrote == "done" else ("submitted", 0))
    assert (found.version, found.answers["reason"]) == (version, calling.ANSWERS["reason"])


@pytest.mark.django_db
def test_what_the_organiser_typed_in_is_not_taken_in_with_an_open_difference(world):
    call, by, at = calling.asked(world), world.seat_secretariat, calling.GATHERING
    application = applying.start(call, municipalities=[], applicant=world.kashiwa, proxy="secretariat", by=by, at=at)
    applying.keep_original(application, b"x", "a.txt", "mail", by=by, at=at)
    conflict = EditConflict.objects.create(application=application, field="reason", yours_text='"x"', person_id=1,
                                           written_by="x", written_at=at)  # fmt: skip
    with pytest.raises(Refused, match="二人が別々に書いた箇所"):
        gathering.forward_proxy(fresh(application), arrived_at=at, by=by, at=at)
    assert (fresh(application).state, fresh(application).number) == ("draft", "")
    applying.settle_conflict(conflict, False, by=by, at=at)
    gathering.forward_proxy(fresh(application), arrived_at=at, by=by, at=at)
    assert fresh(application).state == "forwarded"

"""申込書: two people edit, the deadline to the microsecond, submission, mending, withdrawal."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from kyoten.calls.actions import applying, gathering
from kyoten.calls.models import Application, EditConflict
from kyoten.calls.steps import steps_of_application
from kyoten.inquiries.models import Addressee
from kyoten.post.models import OutboundMail
from kyoten.records.models import Event, Refused
from kyoten.rules import answers as form_answers
from tests.flows.calling import (
    ANSWERS,
    DEADLINE,
    MEMBERS,
    MICROSECOND,
    PREFECTURE_DUE,
    WRITING,
    asked,
    case,
    drafted,
    forwarded,
    opened,
    submitted,
)

pytestmark = pytest.mark.django_db


def seen(*seats):
    return tuple(Application.objects.visible_to(seat).count() for seat in seats)


def test_a_city_cannot_start_before_the_prefecture_asked(world):
    with pytest.raises(Refused, match="まだ都道府県から照会が届いていません"):
        applying.start(opened(world), municipalities=[world.matsudo], by=world.seat_matsudo, at=WRITING)
    assert Application.objects.count() == 0


def test_starting_shows_considering_and_nothing_more_to_the_prefecture(world):
    application = drafted(world)
    assert case(application.call, world.matsudo).state == "considering"
    assert seen(world.seat_matsudo, world.seat_chiba, world.seat_secretariat, world.seat_kashiwa) == (1, 0, 0, 0)


def test_one_living_application_per_body(world):
    application = drafted(world)
    with pytest.raises(Refused, match="すでにあります"):
        applying.start(application.call, municipalities=[world.matsudo], by=world.seat_matsudo2, at=WRITING)
    assert Application.objects.count() == 1


def test_two_people_change_different_fields(world):
    application = drafted(world)
    base = form_answers.digests(application.form, application.answers)
    applying.save(application, ANSWERS | {"reason": "甲の理由"}, base, by=world.seat_matsudo, at=WRITING)
    applying.save(application, ANSWERS | {"features": "乙の特徴"}, base, by=world.seat_matsudo2, at=WRITING)
    application.refresh_from_db()
    assert (application.answers["reason"], application.answers["features"]) == ("甲の理由", "乙の特徴")
    assert not EditConflict.objects.exists()


def test_two_people_change_one_field_and_both_texts_are_kept(world):
    application = drafted(world)
    base = form_answers.digests(application.form, application.answers)
    applying.save(application, ANSWERS | {"reason": "甲の理由"}, base, by=world.seat_matsudo, at=WRITING)
    saved = applying.save(application, ANSWERS | {"reason": "乙の理由"}, base, by=world.seat_matsudo2, at=WRITING)
    assert (saved.application.answers["reason"], [c.yours for c in saved.conflicts]) == ("甲の理由", ["乙の理由"])
    conflict = EditConflict.objects.get()
    applying.settle_conflict(conflict, True, by=world.seat_matsudo, at=WRITING)
    application.refresh_from_db()
    assert (application.answers["reason"], EditConflict.objects.count()) == ("乙の理由", 0)


def test_two_people_add_members(world):
    application = drafted(world)
    base = form_answers.digests(application.form, application.answers)
    one = {**MEMBERS[0], "row": "x1", "organisation": "甲病院"}
    two = {**MEMBERS[0], "row": "x2", "organisation": "乙病院"}
    applying.save(application, {"members": [*MEMBERS, one]}, base, by=world.seat_matsudo, at=WRITING)
    applying.save(application, {"members": [*MEMBERS, two]}, base, by=world.seat_matsudo2, at=WRITING)
    application.refresh_from_db()
    assert sorted(row["row"] for row in application.answers["members"])[-2:] == ["x1", "x2"]


def test_saving_the_same_again_changes_nothing(world):
    application = drafted(world)
    before = application.version
    base = form_answers.digests(application.form, application.answers)
    saved = applying.save(application, application.answers, base, by=world.seat_matsudo2, at=WRITING)
    assert (saved.application.version, saved.application.saved_by) == (before, application.saved_by)


def test_another_city_cannot_save(world):
    application = drafted(world)
    with pytest.raises(Refused, match="いま編集できません"):
        applying.save(application, {"reason": "x"}, {}, by=world.seat_kashiwa, at=WRITING)
    before = application.answers
    application.refresh_from_db()
    assert application.answers == before


def test_submit(world):
    application = submitted(world)
    assert (application.state, application.number, application.submitted_at) == ("submitted", "R7-12-001", WRITING)
    assert case(application.call, world.matsudo).state == "answered"
    assert seen(
        world.seat_matsudo, world.seat_chiba, world.seat_secretariat, world.seat_kashiwa, world.seat_saitama
    ) == (1, 1, 0, 0, 0)
    assert [e.act for e in Event.objects.of("application", application.pk)] == ["start", "submit"]
    assert OutboundMail.objects.filter(about_kind="application", to=world.seat_chiba.section.email).count() == 1


@pytest.mark.parametrize("at", [DEADLINE - MICROSECOND, DEADLINE])
def test_in_time_to_the_last_microsecond(world, at):
    application = applying.submit(drafted(world), by=world.seat_matsudo, at=at)
    assert (application.state, application.past_prefecture_due) == ("submitted", True)


def test_a_microsecond_late_is_refused_with_both_times(world):
    application = drafted(world)
    with pytest.raises(Refused) as refusal:
        applying.submit(application, by=world.seat_matsudo, at=DEADLINE + MICROSECOND)
    assert "令和7年7月31日（木）23時59分59秒）を過ぎて" in str(refusal.value)
    assert "令和7年8月1日（金）0時00分00秒" in str(refusal.value)
    application.refresh_from_db()
    assert (application.state, application.submitted_at) == ("draft", None)
    assert [e.act for e in Event.objects.of("application", application.pk)] == ["start"]


def test_late_acceptance_by_the_secretariat_lets_it_through(world):
    application = drafted(world)
    with pytest.raises(Refused, match="理由"):
        gathering.allow_late(application.call, world.matsudo, " ", by=world.seat_secretariat, at=DEADLINE + MICROSECOND)
    gathering.allow_late(
        application.call, world.matsudo, "通信障害のため", by=world.seat_secretariat, at=DEADLINE + MICROSECOND
    )
    assert applying.submit(application, by=world.seat_matsudo, at=DEADLINE + 2 * MICROSECOND).state == "submitted"


def test_late_acceptance_of_another_body_does_not(world):
    application = drafted(world)
    gathering.allow_late(application.call, world.kashiwa, "通信障害のため", by=world.seat_secretariat, at=DEADLINE)
    with pytest.raises(Refused, match="過ぎています"):
        applying.submit(application, by=world.seat_matsudo, at=DEADLINE + MICROSECOND)
    application.refresh_from_db()
    assert application.state == "draft"


@pytest.mark.parametrize(("at", "late"), [(PREFECTURE_DUE, False), (PREFECTURE_DUE + MICROSECOND, True)])
def test_the_prefectures_own_date_only_marks(world, at, late):
    assert applying.submit(drafted(world), by=world.seat_matsudo, at=at).past_prefecture_due is late


def test_missing_answers_are_named(world):
    application = drafted(world, reason="")
    with pytest.raises(Refused, match="応募の理由"):
        applying.submit(application, by=world.seat_matsudo, at=WRITING)
    application.refresh_from_db()
    assert application.state == "draft"


def test_no_prefecture_officer_does_not_stop_the_city(world):
    application = drafted(world)
    findings = {f.rule.id: f for f in application.findings(WRITING)}
    missing = [f for f in findings.values() if f.rule.kind == "must_include" and not f.ok]
    assert missing
    assert not any(f.stops_at("apply") for f in missing)
    assert submitted.__name__ and applying.submit(application, by=world.seat_matsudo, at=WRITING).state == "submitted"


def test_double_click_submits_once(world):
    application = drafted(world)
    stale = Application.objects.get(pk=application.pk)
    applying.submit(application, by=world.seat_matsudo, at=WRITING)
    with pytest.raises(Refused, match="提出できません"):
        applying.submit(stale, by=world.seat_matsudo, at=WRITING)
    assert [e.act for e in Event.objects.of("application", application.pk)] == ["start", "submit"]


def test_what_a_colleague_saved_meanwhile_is_not_submitted_unseen(world):
    application = drafted(world)
    base = form_answers.digests(application.form, application.answers)
    applying.save(application, {"reason": "同僚が直した"}, base, by=world.seat_matsudo2, at=WRITING)
    with pytest.raises(Refused, match="先に保存"):
        applying.submit(application, by=world.seat_matsudo, at=WRITING)
    application.refresh_from_db()
    assert application.state == "draft"


def test_a_viewer_cannot_submit(world):
    application = drafted(world)
    with pytest.raises(Refused):
        applying.submit(application, by=world.seat_viewer, at=WRITING)
    application.refresh_from_db()
    assert application.state == "draft"


def test_send_back_and_submit_again(world):
    application = submitted(world)
    applying.send_back(application, {"reason": "具体的に", "features": " "}, by=world.seat_chiba, at=WRITING)
    application.refresh_from_db()
    assert (application.state, application.corrections.count()) == ("returned", 1)
    assert case(application.call, world.matsudo).state == "returned"
    again = applying.submit(application, by=world.seat_matsudo, at=WRITING)
    assert (again.state, again.number, again.corrections.filter(mended_at=None).count()) == (
        "submitted",
        "R7-12-001",
        0,
    )


def test_send_back_without_a_reason_is_refused(world):
    application = submitted(world)
    with pytest.raises(Refused, match="1か所以上"):
        applying.send_back(application, {"reason": ""}, by=world.seat_chiba, at=WRITING)
    application.refresh_from_db()
    assert (application.state, application.corrections.count()) == ("submitted", 0)


@pytest.mark.parametrize("days", [-1, 0])
def test_what_is_to_be_mended_is_not_due_yesterday(world, days):
    application, due = submitted(world), WRITING.date() + timedelta(days=days)
    if days < 0:
        with pytest.raises(Refused, match="過ぎた日"):
            applying.send_back(application, {"reason": "x"}, due=due, by=world.seat_chiba, at=WRITING)
    else:
        applying.send_back(application, {"reason": "x"}, due=due, by=world.seat_chiba, at=WRITING)
    application.refresh_from_db()
    assert (application.state, application.corrections.count()) == (("submitted", 0) if days < 0 else ("returned", 1))


def test_an_application_to_be_mended_is_shown_as_not_yet_handed_in(world):
    application = submitted(world)
    notes = {step["title"]: step["note"] for step in steps_of_application(application, announced=False)}
    applying.send_back(application, {"reason": "x"}, by=world.seat_chiba, at=WRITING)
    application.refresh_from_db()
    again = {step["title"]: step["note"] for step in steps_of_application(application, announced=False)}
    assert (notes["県へ提出"], again["県へ提出"]) == ("7月14日", "")


@pytest.mark.parametrize("who", ["seat_saitama", "seat_kashiwa", "seat_matsudo", "seat_secretariat"])
def test_only_its_prefecture_sends_back(world, who):
    application = submitted(world)
    with pytest.raises(Refused, match="都道府県の担当だけ"):
        applying.send_back(application, {"reason": "x"}, by=getattr(world, who), at=WRITING)
    application.refresh_from_db()
    assert application.state == "submitted"


def test_withdraw_frees_the_area_and_tells(world):
    application = submitted(world)
    applying.withdraw(application, "体制が整わない", by=world.seat_matsudo, at=WRITING)
    application.refresh_from_db()
    assert (application.state, case(application.call, world.matsudo).state) == ("withdrawn", "considering")
    assert OutboundMail.objects.filter(subject__startswith="【取下げ】").count() == 1


def test_withdraw_after_forwarding_tells_the_organiser_too(world):
    application = forwarded(world)
    applying.withdraw(application, "", by=world.seat_matsudo, at=WRITING)
    assert OutboundMail.objects.filter(subject__startswith="【取下げ】").count() == 2


def test_starting_for_an_area_another_city_applies_in_is_refused(world):
    application = submitted(world)
    with pytest.raises(Refused, match="すでに申込書を提出"):
        applying.start(
            application.call, municipalities=[world.kashiwa, world.matsudo], by=world.seat_kashiwa, at=WRITING
        )
    assert Application.objects.count() == 1
    assert Addressee.objects.filter(represented_by=world.kashiwa).count() == 0


def test_numbers_run_in_order_of_receipt(world):
    call = asked(world)
    submitted(world, call)
    second = submitted(world, call, seat=world.seat_kashiwa, area_name="柏市")
    assert second.number == "R7-12-002"


def test_the_database_itself_gives_no_receipt_number_twice(world):
    call = asked(world)
    first, second = submitted(world, call), drafted(world, call, world.seat_kashiwa)
    third = drafted(world, call, world.seat_kamagaya)
    assert (second.number, third.number) == ("", "")  # not yet submitted: none, however many
    with pytest.raises(IntegrityError), transaction.atomic():
        Application.objects.filter(pk=second.pk).update(number=first.number)
    second.refresh_from_db()
    assert second.number == ""

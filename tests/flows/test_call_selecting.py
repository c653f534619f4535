"""選定 and its announcement: nobody outside sees the decision before; one act tells everybody (別紙2 9)."""

from datetime import date

import pytest

from kyoten.calls.actions import applying, selecting
from kyoten.calls.models import Application, Call, Conflict, Decision
from kyoten.post.models import OutboundMail
from kyoten.records.models import Attachment, Event, Refused
from tests.flows.calling import ANNOUNCING, DEADLINE, SELECTING, announced, decided, forwarded, letters

pytestmark = pytest.mark.django_db
NUMBERED = {"document_number": "事務連絡", "decided_on": date(2025, 8, 13)}
OUTSIDE = ("seat_matsudo", "seat_chiba", "seat_kashiwa", "seat_saitama", "seat_ministry")


def seen_decisions(world, *names):
    return [Decision.objects.visible_to(getattr(world, name)).count() for name in names]


def test_a_decision_is_seen_inside_only(world):
    decision = decided(world)
    assert seen_decisions(world, "seat_secretariat", *OUTSIDE) == [1, 0, 0, 0, 0, 0]
    outside = [e.act for e in Event.objects.of("application", decision.application_id)]
    assert "decide" not in outside
    assert not OutboundMail.objects.filter(subject__contains="選定結果").exists()


def test_announcement_tells_representative_section_and_prefecture(world):
    call = announced(world)
    assert seen_decisions(world, "seat_secretariat", *OUTSIDE) == [1, 1, 1, 0, 0, 1]
    mails = OutboundMail.objects.filter(subject__contains="選定結果")
    assert sorted(mails.values_list("to", flat=True)) == sorted(
        ["daihyo@matsudo.example.jp", world.seat_matsudo.section.email, world.seat_chiba.section.email]
    )
    application = Application.objects.get()
    assert Attachment.objects.of("application", application.pk, "result").count() == 1
    assert [e.act for e in Event.objects.of("call", call.pk)] == ["open", "announce"]


def test_the_internal_reason_is_not_told(world):
    announced(world)
    assert not any("体制が整っている" in mail.text for mail in OutboundMail.objects.all())


def test_announced_once(world):
    call = announced(world)
    before = OutboundMail.objects.count()
    with pytest.raises(Refused, match="通知した後"):
        selecting.announce(call, letters(world), **NUMBERED, by=world.seat_secretariat, at=ANNOUNCING)
    assert OutboundMail.objects.count() == before


def test_everybody_must_be_decided_first(world):
    application = forwarded(world)
    with pytest.raises(Refused, match="決定していない申込みが1件"):
        selecting.announce(application.call, letters(world), **NUMBERED, by=world.seat_secretariat, at=ANNOUNCING)
    assert Call.objects.get().announced_at is None
    assert Attachment.objects.filter(label="result").count() == 0


def test_not_before_the_deadline(world):
    decision = decided(world)
    with pytest.raises(Refused, match="申込締切の前"):
        selecting.announce(
            decision.application.call, letters(world), **NUMBERED, by=world.seat_secretariat, at=DEADLINE
        )
    assert Call.objects.get().announced_at is None


@pytest.mark.parametrize("who", OUTSIDE)
def test_only_the_organiser_decides_and_announces(world, who):
    application = forwarded(world)
    with pytest.raises(Refused, match="事務局"):
        selecting.decide(application, "selected", "x", by=getattr(world, who), at=SELECTING)
    with pytest.raises(Refused, match="事務局"):
        selecting.announce(application.call, letters(world), **NUMBERED, by=getattr(world, who), at=ANNOUNCING)
    assert (Decision.objects.count(), Call.objects.get().announced_at) == (0, None)


@pytest.mark.parametrize(("outcome", "reason"), [("selected", " "), ("maybe", "x")])
def test_a_decision_needs_an_outcome_and_a_reason(world, outcome, reason):
    application = forwarded(world)
    with pytest.raises(Refused):
        selecting.decide(application, outcome, reason, by=world.seat_secretariat, at=SELECTING)
    assert Decision.objects.count() == 0


def test_a_decision_can_be_changed_until_the_announcement(world):
    decision = decided(world)
    selecting.decide(decision.application, "declined", "再検討", by=world.seat_secretariat, at=SELECTING)
    assert list(Decision.objects.values_list("outcome", flat=True)) == ["declined"]
    selecting.announce(decision.application.call, letters(world), **NUMBERED, by=world.seat_secretariat, at=ANNOUNCING)
    with pytest.raises(Refused, match="通知した後"):
        selecting.decide(decision.application, "selected", "やはり", by=world.seat_secretariat, at=ANNOUNCING)
    assert list(Decision.objects.values_list("outcome", flat=True)) == ["declined"]


def test_conflict_of_interest_hides_the_case_from_that_person_only(world):
    application = forwarded(world)
    person = world.seat_secretariat.person
    selecting.declare_conflict(application, person, "会議の委員", by=world.seat_secretariat, at=SELECTING)
    assert Application.objects.visible_to(world.seat_secretariat).count() == 0
    assert Application.objects.visible_to(world.seat_secretariat2).count() == 1
    with pytest.raises(Refused, match="利益相反のない方"):
        selecting.decide(application, "selected", "x", by=world.seat_secretariat, at=SELECTING)
    assert (Conflict.objects.count(), Decision.objects.count()) == (1, 0)


def test_who_has_a_conflict_does_not_announce(world):
    decision = decided(world)
    person = world.seat_secretariat.person
    selecting.declare_conflict(decision.application, person, "会議の委員", by=world.seat_secretariat2, at=SELECTING)
    with pytest.raises(Refused, match="ほかの担当"):
        selecting.announce(
            decision.application.call, letters(world), **NUMBERED, by=world.seat_secretariat, at=ANNOUNCING
        )
    assert Call.objects.get().announced_at is None


def test_a_withdrawn_application_is_not_decided(world):
    application = forwarded(world)
    applying.withdraw(application, "", by=world.seat_matsudo, at=SELECTING)
    with pytest.raises(Refused, match="取り下げ"):
        selecting.decide(application, "selected", "x", by=world.seat_secretariat, at=SELECTING)
    assert Decision.objects.count() == 0


def test_no_withdrawal_after_the_announcement(world):
    announced(world)
    application = Application.objects.get()
    with pytest.raises(Refused, match="通知されているため"):
        applying.withdraw(application, "", by=world.seat_matsudo, at=ANNOUNCING)
    application.refresh_from_db()
    assert application.state == "forwarded"


def test_ticks_are_recorded_and_taken_back(world):
    application = forwarded(world)
    rule = application.definition.call.rules[0].id
    selecting.tick(application, rule, False, by=world.seat_secretariat, at=SELECTING)
    assert list(application.checks.values_list("rule", "ok")) == [(rule, False)]
    selecting.tick(application, rule, None, by=world.seat_secretariat, at=SELECTING)
    assert application.checks.count() == 0
    assert [e.act for e in Event.objects.of("selection", application.pk)] == ["tick", "tick"]


def test_a_requirement_found_unmet_stops_the_selection(world):
    application = forwarded(world)
    rule = next(r.id for r in application.definition.call.rules if r.level == "stop")
    selecting.tick(application, rule, False, by=world.seat_secretariat, at=SELECTING)
    with pytest.raises(Refused, match="満たしていない要件"):
        selecting.decide(application, "selected", "x", by=world.seat_secretariat, at=SELECTING)
    assert Decision.objects.count() == 0

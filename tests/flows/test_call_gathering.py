"""とりまとめ: frozen, decided elsewhere, carried out; proxy entry; what the organiser types in for a prefecture."""

from datetime import date, timedelta

import pytest

from kyoten.calls.actions import applying, gathering
from kyoten.calls.models import Application, Bundle
from kyoten.organisations.models import Organisation, Section
from kyoten.post.models import OutboundMail
from kyoten.records.models import Attachment, Event, Refused
from tests.flows.calling import (
    ANSWERS,
    DEADLINE,
    GATHERING,
    MICROSECOND,
    WRITING,
    asked,
    case,
    drafted,
    forwarded,
    prepared,
    submitted,
    with_officer,
)

pytestmark = pytest.mark.django_db
DECIDED = {"decided_on": date(2025, 7, 29), "document_number": "医整第100号"}


def test_without_a_prefecture_officer_gathering_stops(world):
    application = submitted(world)
    with pytest.raises(Refused, match="松戸市"):
        prepared(world, application.call)
    assert Bundle.objects.count() == 0


def test_forwarding(world):
    application = forwarded(world)
    assert (application.state, application.forwarded_at) == ("forwarded", GATHERING)
    assert case(application.call, world.chiba).state == "answered"
    assert Application.objects.visible_to(world.seat_secretariat).count() == 1
    mail = OutboundMail.objects.get(about_kind="bundle")
    assert (mail.to, mail.enclosures.count() if hasattr(mail, "enclosures") else 1) == (
        world.seat_secretariat.section.email,
        1,
    )


def test_the_number_of_the_officer_row_is_kept(world):
    application = with_officer(world, submitted(world))
    assert application.answers["members"][-1]["group"] == "prefecture"
    assert len(application.answers["members"]) == len(ANSWERS["members"]) + 1


@pytest.mark.parametrize(
    "decided", [{"decided_on": None, "document_number": "1"}, {"decided_on": date(2025, 7, 29), "document_number": " "}]
)
def test_decision_and_number_are_needed(world, decided):
    application = with_officer(world, submitted(world))
    bundle = prepared(world, application.call)
    with pytest.raises(Refused, match="決裁日と文書番号"):
        gathering.carry_out(bundle, **decided, by=world.seat_chiba, at=GATHERING)
    bundle.refresh_from_db()
    application.refresh_from_db()
    assert (bundle.state, application.state) == ("prepared", "submitted")


def test_an_edit_in_between_voids_what_was_prepared(world):
    application = with_officer(world, submitted(world))
    bundle = prepared(world, application.call)
    gathering.write_opinion(application, "ぜひ採択を", by=world.seat_chiba, at=GATHERING)
    bundle.refresh_from_db()
    assert (bundle.state, bundle.void_reason) == ("void", "意見を書き換えたため")
    with pytest.raises(Refused):
        gathering.carry_out(bundle, **DECIDED, by=world.seat_chiba, at=GATHERING)
    application.refresh_from_db()
    assert application.state == "submitted"


def test_mending_in_between_voids_it_too(world):
    application = with_officer(world, submitted(world))
    bundle = prepared(world, application.call)
    applying.send_back(application, {"reason": "具体的に"}, by=world.seat_chiba, at=GATHERING)
    bundle.refresh_from_db()
    assert bundle.state == "void"


def test_what_changed_while_printing_is_not_frozen(world):
    application = with_officer(world, submitted(world))
    with pytest.raises(Refused, match="作成の間に"):
        gathering.prepare(application.call, world.chiba, covering_text="x", file=Attachment(), expected={application.pk: 1},
                          by=world.seat_chiba, at=GATHERING)  # fmt: skip
    assert Bundle.objects.count() == 0


@pytest.mark.parametrize(("at", "state"), [(DEADLINE, "sent"), (DEADLINE + MICROSECOND, "prepared")])
def test_forwarding_closes_at_the_deadline(world, at, state):
    application = with_officer(world, submitted(world))
    bundle = prepared(world, application.call)
    if state == "sent":
        gathering.carry_out(bundle, **DECIDED, by=world.seat_chiba, at=at)
    else:
        with pytest.raises(Refused, match="過ぎています"):
            gathering.carry_out(bundle, **DECIDED, by=world.seat_chiba, at=at)
    bundle.refresh_from_db()
    assert bundle.state == state


def test_late_acceptance_of_the_prefecture(world):
    application = with_officer(world, submitted(world))
    bundle = prepared(world, application.call)
    late = DEADLINE + timedelta(hours=9)
    gathering.allow_late(application.call, world.chiba, "庁内の障害のため", by=world.seat_secretariat, at=late)
    gathering.carry_out(bundle, **DECIDED, by=world.seat_chiba, at=late)
    assert Bundle.objects.get().state == "sent"


def test_a_date_of_decision_in_the_future_is_refused(world):
    application = with_officer(world, submitted(world))
    bundle = prepared(world, application.call)
    with pytest.raises(Refused, match="本日より後"):
        gathering.carry_out(
            bundle, decided_on=date(2025, 7, 30), document_number="1", by=world.seat_chiba, at=GATHERING
        )
    bundle.refresh_from_db()
    assert bundle.state == "prepared"


def test_carried_out_once(world):
    application = with_officer(world, submitted(world))
    bundle = prepared(world, application.call)
    stale = Bundle.objects.select_related("prefecture").get(pk=bundle.pk)
    gathering.carry_out(bundle, **DECIDED, by=world.seat_chiba, at=GATHERING)
    with pytest.raises(Refused):
        gathering.carry_out(stale, **DECIDED, by=world.seat_chiba, at=GATHERING)
    assert OutboundMail.objects.filter(about_kind="bundle").count() == 1


def test_another_prefecture_cannot_carry_out(world):
    application = with_officer(world, submitted(world))
    bundle = prepared(world, application.call)
    with pytest.raises(Refused, match="都道府県の担当だけ"):
        gathering.carry_out(bundle, **DECIDED, by=world.seat_saitama, at=GATHERING)
    bundle.refresh_from_db()
    assert (bundle.state, Bundle.objects.visible_to(world.seat_saitama).count()) == ("prepared", 0)


def test_proxy_entry_by_the_prefecture(world):
    call = asked(world)
    application = applying.start(call, municipalities=[world.kamagaya], applicant=world.kamagaya, proxy="prefecture",
                                 by=world.seat_chiba, at=WRITING)  # fmt: skip
    applying.keep_original(application, b"fax", "fax.pdf", "fax", by=world.seat_chiba, at=WRITING)
    application = applying.save(application, ANSWERS | {"area_name": "鎌ケ谷市"}, {}, by=world.seat_chiba, at=WRITING,
                                ticks={r.id: True for r in application.definition.call.rules if r.kind == "manual"}).application  # fmt: skip
    application = applying.submit(application, by=world.seat_chiba, at=WRITING)
    assert (application.shown_state()[0], application.proxy_source) == ("提出済（代行入力）", "fax")
    row = case(call, world.kamagaya)
    assert (row.state, row.way) == ("answered", "proxy")
    assert Attachment.objects.of("application", application.pk, "original").count() == 1
    assert Application.objects.visible_to(world.seat_kamagaya).count() == 1
    told = OutboundMail.objects.get(subject__startswith="【代行入力】")
    assert (told.to, told.about, told.from_section_id) == (
        world.section_kamagaya.email, ("application", application.pk), world.section_chiba.pk,
    )  # fmt: skip
    said = (
        "鎌ケ谷市",
        "FAXで届いた",
        application.number,
        "令和7年7月14日（月）10時00分",
        f"/calls/application/{application.pk}/",
    )
    assert [words in told.text for words in said] == [True] * len(said)


@pytest.fixture
def typed_in(world):
    """What 埼玉県 sent by mail, typed in by the organiser."""
    call = asked(world)
    world.saitama_city = Organisation.objects.create(
        kind="municipality", name="さいたま市", code="111007", prefecture=world.saitama
    )
    application = applying.start(call, municipalities=[world.saitama_city], applicant=world.saitama_city,
                                 proxy="secretariat", by=world.seat_secretariat, at=WRITING)  # fmt: skip
    return applying.save(
        application, ANSWERS | {"prefecture": "埼玉県"}, {}, by=world.seat_secretariat, at=WRITING
    ).application


def test_proxy_entry_by_the_organiser_needs_the_original(world, typed_in):
    with pytest.raises(Refused, match="原本"):
        gathering.forward_proxy(typed_in, arrived_at=WRITING, by=world.seat_secretariat, at=WRITING)
    typed_in.refresh_from_db()
    assert typed_in.state == "draft"


@pytest.mark.parametrize(("arrived", "reason", "accepted"), [
    (DEADLINE, "", True), (DEADLINE + MICROSECOND, "", False), (DEADLINE + MICROSECOND, "通信障害", True)])  # fmt: skip
def test_it_counts_from_when_the_mail_arrived(world, typed_in, arrived, reason, accepted):
    applying.keep_original(typed_in, b"docx", "申込書.docx", "mail", by=world.seat_secretariat, at=WRITING)
    at = DEADLINE + timedelta(days=1)
    if accepted:
        gathering.forward_proxy(typed_in, arrived_at=arrived, reason=reason, by=world.seat_secretariat, at=at)
    else:
        with pytest.raises(Refused, match="提出期限"):
            gathering.forward_proxy(typed_in, arrived_at=arrived, reason=reason, by=world.seat_secretariat, at=at)
    typed_in.refresh_from_db()
    assert typed_in.state == ("forwarded" if accepted else "draft")


def test_whose_form_the_organiser_typed_in_is_told_so(world, typed_in):
    section = Section.objects.create(
        organisation=world.saitama_city, name="保健衛生課", email="hoken@saitama.example.jp"
    )
    Application.objects.filter(pk=typed_in.pk).update(section=section)
    typed_in.refresh_from_db()
    applying.keep_original(typed_in, b"docx", "申込書.docx", "mail", by=world.seat_secretariat, at=WRITING)
    gathering.forward_proxy(typed_in, arrived_at=WRITING, by=world.seat_secretariat, at=GATHERING)
    told = OutboundMail.objects.get(subject__startswith="【代行入力】")
    assert (told.to, typed_in.number in told.text, "メールで届いた" in told.text) == (section.email, True, True)


def test_a_body_without_an_address_is_not_written_to(world, typed_in):
    applying.keep_original(typed_in, b"docx", "申込書.docx", "mail", by=world.seat_secretariat, at=WRITING)
    gathering.forward_proxy(typed_in, arrived_at=WRITING, by=world.seat_secretariat, at=GATHERING)
    typed_in.refresh_from_db()
    assert (typed_in.state, OutboundMail.objects.filter(subject__startswith="【代行入力】").count()) == ("forwarded", 0)


def test_a_prefecture_does_not_see_what_the_organiser_is_typing(world, typed_in):
    assert Application.objects.visible_to(world.seat_saitama).count() == 0


def test_direct_application_fails_the_route_rule(world, typed_in):
    applying.keep_original(typed_in, b"docx", "申込書.docx", "mail", by=world.seat_secretariat, at=WRITING)
    gathering.forward_proxy(typed_in, arrived_at=WRITING, direct=True, by=world.seat_secretariat, at=WRITING)
    typed_in.refresh_from_db()
    assert [f.rule.kind for f in typed_in.findings(WRITING) if f.stops_at("screening") and f.rule.kind == "via"] == [
        "via"
    ]


def test_history_of_a_forwarded_application(world):
    application = forwarded(world)
    assert [e.act for e in Event.objects.of("application", application.pk)] == [
        "start",
        "submit",
        "add_officer",
        "forward",
    ]


def test_draft_is_not_gathered(world):
    application = drafted(world)
    assert gathering.ready_to_gather(application.call, world.chiba) == []

"""Acts of a call at the same moment, on SQLite and on PostgreSQL: nothing is lost, doubled or half done."""

from datetime import date, timedelta

import pytest
from django.db.models import Count

from kyoten.calls.actions import applying, gathering, opening, selecting
from kyoten.calls.models import Application, Bundle, Call, EditConflict
from kyoten.inquiries import actions as inquiries
from kyoten.inquiries.models import Addressee, Inquiry, MailAnswer
from kyoten.post.models import OutboundMail
from kyoten.records.actions import store_file
from kyoten.records.models import Event, Refused
from kyoten.records.verify import verify
from kyoten.rules import answers as form_answers
from tests.flows import calling
from tests.flows.racing import race, towns

pytestmark = pytest.mark.django_db(transaction=True)


def fresh(application):
    """As another request would fetch it."""
    return Application.objects.select_related("call__inquiry", "programme", "applicant", "prefecture", "section").get(
        pk=application.pk
    )


def called_on(world, seats):
    """A call put to these municipalities."""
    call = calling.opened(world)
    opening.ask_municipalities(
        calling.case(call, world.chiba), call, covering_text="御検討ください。", due=calling.PREFECTURE_DUE,
        to=[seat.organisation for seat in seats], by=world.seat_chiba, at=calling.ASKING,
    )  # fmt: skip
    return call


def submit(application, seat):
    return lambda: applying.submit(fresh(application), by=seat, at=calling.WRITING)


def send_back(world, application):
    return lambda: applying.send_back(
        fresh(application), {"": "直してください"}, by=world.seat_chiba, at=calling.GATHERING
    )


def carry_out(world, bundle):
    day = calling.GATHERING.date()
    return lambda: gathering.carry_out(
        Bundle.objects.get(pk=bundle.pk), decided_on=day, document_number="1", by=world.seat_chiba, at=calling.GATHERING
    )


def withdraw(application, seat):
    return lambda: applying.withdraw(fresh(application), "取りやめ", by=seat, at=calling.GATHERING)


def announce(world, call):
    return lambda: selecting.announce(
        Call.objects.get(pk=call.pk), calling.letters(world), document_number="事務連絡", decided_on=date(2025, 8, 13),
        by=world.seat_secretariat, at=calling.ANNOUNCING,
    )  # fmt: skip


# ---- asking and starting ----------------------------------------------------------------------


def test_a_call_opened_twice_at_once_is_opened_once(world):
    def open_():
        opening.open_call(world.programme, "募集します。", by=world.seat_secretariat, at=calling.OPENING)

    assert race(*[open_] * 4).count("done") == 1
    assert (Call.objects.count(), Inquiry.objects.count()) == (1, 1)


def test_asking_twice_at_once_asks_once(world):
    call = calling.opened(world)

    def ask():
        calling.asked(world, Call.objects.get(pk=call.pk))

    found = race(*[ask] * 4)
    assert found.count("done") == 1
    assert (
        Inquiry.objects.exclude(parent=None).count(),
        Addressee.objects.filter(inquiry__parent__isnull=False).count(),
    ) == (1, 3)
    assert OutboundMail.objects.filter(to__contains="matsudo").count() == 1


def test_one_body_starts_one_application(world):
    call = calling.asked(world)

    def start():
        applying.start(Call.objects.get(pk=call.pk), municipalities=[], by=world.seat_matsudo, at=calling.WRITING)

    assert race(*[start] * 6).count("done") == 1
    assert Application.objects.count() == 1


def test_neighbours_who_each_speak_for_the_other_do_not_block_each_other(world):
    call = calling.asked(world)
    bodies = [world.matsudo, world.kashiwa, world.kamagaya]

    def start(seat):
        return lambda: applying.start(Call.objects.get(pk=call.pk), municipalities=bodies, by=seat, at=calling.WRITING)

    for _ in range(8):
        race(*[start(seat) for seat in (world.seat_matsudo, world.seat_kashiwa, world.seat_kamagaya)])
        for application in Application.objects.exclude(state="withdrawn").select_related(
            "applicant", "prefecture", "call"
        ):
            seat = {world.matsudo: world.seat_matsudo, world.kashiwa: world.seat_kashiwa}.get(
                application.applicant, world.seat_kamagaya
            )
            applying.withdraw(application, "", by=seat, at=calling.WRITING)
    assert verify().faults == []


# ---- submitting -------------------------------------------------------------------------------


def test_sixteen_at_once_get_sixteen_numbers(world):
    seats = towns(world, 16)
    call = called_on(world, seats)
    written = [calling.drafted(world, call, seat) for seat in seats]
    assert race(*[submit(a, seat) for a, seat in zip(written, seats, strict=True)]) == ["done"] * 16
    numbers = sorted(Application.objects.values_list("number", flat=True))
    assert numbers == [f"R7-12-{n:03d}" for n in range(1, 17)]
    assert Event.objects.filter(act="submit").count() == 16
    assert verify().faults == []


def test_a_double_click_submits_once(world):
    application = calling.drafted(world)
    assert race(*[submit(application, world.seat_matsudo)] * 6).count("done") == 1
    assert Event.objects.filter(act="submit").count() == 1
    assert OutboundMail.objects.filter(key__startswith="submit:").count() == 1


def test_a_save_at_the_moment_of_submitting_is_in_what_is_submitted_or_refused(world):
    application = calling.drafted(world)
    base = form_answers.digests(application.form, application.answers)

    def save():
        applying.save(
            fresh(application), {"reason": "書き足した理由"}, base, by=world.seat_matsudo2, at=calling.WRITING
        )

    first, second = race(save, submit(application, world.seat_matsudo))
    application.refresh_from_db()
    event = Event.objects.filter(act="submit").first()
    assert (application.answers["reason"] == "書き足した理由") == (first == "done")
    assert (application.state == "submitted") == (second == "done") == bool(event)
    assert not event or event.facts["digest"] == applying._digest(application)


def test_a_form_carried_to_the_new_revision_from_an_old_page_reverts_nothing(world):
    """The page that carries was fetched before the other officer submitted."""
    application = calling.drafted(world)
    stale = fresh(application)
    newer = world.programme
    newer.pk, newer.revision, newer._state.adding = None, 2, True
    newer.save()
    applying.submit(fresh(application), by=world.seat_matsudo, at=calling.WRITING)
    with pytest.raises(Refused):
        applying.carry_forward(stale, by=world.seat_matsudo2, at=calling.WRITING)
    application.refresh_from_db()
    assert (application.state, application.number, application.programme.revision) == ("submitted", "R7-12-001", 1)


def test_a_form_carried_from_an_old_page_keeps_what_another_saved_meanwhile(world):
    application = calling.drafted(world)
    stale = fresh(application)
    newer = world.programme
    newer.pk, newer.revision, newer._state.adding = None, 2, True
    newer.save()
    base = form_answers.digests(application.form, application.answers)
    applying.save(fresh(application), {"reason": "書き足した理由"}, base, by=world.seat_matsudo2, at=calling.WRITING)
    applying.carry_forward(stale, by=world.seat_matsudo, at=calling.WRITING)
    application.refresh_from_db()
    assert (application.answers["reason"], application.programme.revision) == ("書き足した理由", 2)


def test_a_difference_settled_twice_is_settled_once(world):
    application = calling.drafted(world)
    conflict = EditConflict.objects.create(
        application=application,
        field="reason",
        yours_text='"二人目の理由"',
        person_id=1,
        written_by="x",
        written_at=calling.WRITING,
    )
    stale = EditConflict.objects.get(pk=conflict.pk)
    applying.settle_conflict(conflict, True, by=world.seat_matsudo, at=calling.WRITING)
    base = form_answers.digests(application.form, fresh(application).answers)
    applying.save(fresh(application), {"reason": "さらに直した理由"}, base, by=world.seat_matsudo, at=calling.WRITING)
    with pytest.raises(Refused):
        applying.settle_conflict(stale, True, by=world.seat_matsudo2, at=calling.WRITING)
    assert fresh(application).answers["reason"] == "さらに直した理由"


# ---- answering --------------------------------------------------------------------------------


def test_of_two_answers_at_once_one_counts_and_the_other_is_told(world):
    call = calling.asked(world)

    def answer(state):
        return lambda: inquiries.answer(
            calling.case(call, world.kashiwa), state, at=calling.WRITING, by=world.seat_kashiwa
        )

    found = race(*[answer("considering"), answer("not_applicable")] * 4)
    row = calling.case(call, world.kashiwa)
    events = [e.facts["state"] for e in Event.objects.of("addressee", row.pk).filter(act="answer")]
    assert found.count("done") == len(events) >= 1
    assert row.state == events[-1]


def test_reminding_twice_at_once_sends_one_mail_each(world):
    inquiry = calling.case(calling.asked(world), world.matsudo).inquiry

    def remind():
        rows = list(inquiry.addressees.select_related("organisation", "section", "inquiry__asker__organisation"))
        inquiries.remind(inquiry, rows, by=world.seat_chiba, at=calling.WRITING)

    race(*[remind] * 4)
    assert set(inquiry.addressees.values_list("reminded", flat=True)) == {1}
    mails = (
        OutboundMail.objects.filter(subject__startswith="【再依頼】").values("to").annotate(n=Count("pk")).order_by()
    )
    assert {row["n"] for row in mails} == {1}


def test_a_mail_confirmed_twice_answers_once(world):
    """The second officer's page is old: the municipality has answered otherwise since."""
    row = calling.case(calling.asked(world), world.kashiwa)
    note = MailAnswer.objects.create(
        addressee=row, mail_id=1, sender="a@example.jp", text="?", received_at=calling.WRITING
    )
    inquiries.settle_mail(note, "not_applicable", by=world.seat_chiba, at=calling.WRITING)
    inquiries.answer(
        calling.case(row.inquiry.root.call, world.kashiwa), "considering", by=world.seat_kashiwa, at=calling.WRITING
    )
    with pytest.raises(Refused):
        inquiries.settle_mail(note, "not_applicable", by=world.seat_chiba, at=calling.WRITING)
    row.refresh_from_db()
    assert (row.state, row.answered_by) == ("considering", f"{world.section_kashiwa}　森川 千尋")


# ---- gathering --------------------------------------------------------------------------------


def gathered(world, number=3):
    seats = towns(world, number)
    call = called_on(world, seats)
    applications = [calling.with_officer(world, calling.submitted(world, call, seat)) for seat in seats]
    return call, seats, applications


def test_sending_back_two_of_one_bundle_at_once(world):
    call, _, applications = gathered(world, 4)
    for _ in range(6):
        bundle = calling.prepared(world, call)
        assert race(*[send_back(world, a) for a in applications]) == ["done"] * 4
        bundle.refresh_from_db()
        assert bundle.state == "void"
        for application in applications:
            applying.submit(fresh(application), by=application.applicant.sections.get().seats.get(), at=calling.WRITING)
    assert verify().faults == []


def test_opinions_officers_and_a_new_draft_set_at_once(world):
    call, _, applications = gathered(world)

    def opinion(a):
        return lambda: gathering.write_opinion(fresh(a), "推薦する。", by=world.seat_chiba, at=calling.GATHERING)

    for _ in range(6):
        calling.prepared(world, call)
        race(*[opinion(a) for a in applications], lambda: calling.prepared(world, Call.objects.get(pk=call.pk)))
    assert Bundle.objects.filter(state="prepared").count() <= 1
    assert verify().faults == []


def test_two_draft_sets_at_once_leave_one(world):
    call, _, _ = gathered(world, 2)
    for _ in range(4):
        race(*[lambda: calling.prepared(world, Call.objects.get(pk=call.pk))] * 3)
        bundle = Bundle.objects.get(state="prepared")
        assert bundle.applications.count() == 2


def test_a_bundle_is_carried_out_once(world):
    call, _, _ = gathered(world, 2)
    bundle = calling.prepared(world, call)
    assert race(*[carry_out(world, bundle)] * 4).count("done") == 1
    assert OutboundMail.objects.filter(key=f"bundle:{bundle.pk}").count() == 1
    assert Event.objects.filter(act="forward").count() == 2


def test_carried_out_withdrawn_and_sent_back_at_once(world):
    call, seats, applications = gathered(world, 3)
    bundle = calling.prepared(world, call)
    out, gone, back = race(
        carry_out(world, bundle), withdraw(applications[0], seats[0]), send_back(world, applications[1])
    )
    bundle.refresh_from_db()
    states = [fresh(a).state for a in applications]
    assert gone == "done"
    assert (bundle.state == "sent") == (out == "done")
    assert states == (
        ["withdrawn", "forwarded", "forwarded"] if out == "done" else ["withdrawn", "returned", "submitted"]
    )
    assert (back == "done") == (out != "done")
    if out == "done":  # and the organiser, who may have it already, is told
        assert OutboundMail.objects.filter(
            key=f"withdraw:{applications[0].pk}", to=world.section_secretariat.email
        ).exists()
    assert verify().faults == []


def test_who_withdraws_from_an_old_page_is_told_of_to_everybody_who_has_it(world):
    application = calling.with_officer(world, calling.submitted(world))
    stale = fresh(application)
    carry_out(world, calling.prepared(world, application.call))()
    applying.withdraw(stale, "取りやめ", by=world.seat_matsudo, at=calling.GATHERING)
    told = OutboundMail.objects.filter(key=f"withdraw:{application.pk}").values_list("to", flat=True)
    assert set(told) == {world.section_chiba.email, world.section_secretariat.email}


# ---- selecting --------------------------------------------------------------------------------


def test_announced_and_withdrawn_at_once(world):
    application = calling.decided(world).application
    told, gone = race(announce(world, application.call), withdraw(application, world.seat_matsudo))
    application.refresh_from_db()
    letters = OutboundMail.objects.filter(key=f"result:{application.pk}").count()
    assert [told, gone].count("done") == 1
    assert (application.state, bool(letters)) == (("forwarded", True) if told == "done" else ("withdrawn", False))


def test_announced_and_decided_otherwise_at_once(world):
    application = calling.decided(world).application

    def decline():
        selecting.decide(
            fresh(application), "declined", "再考した。", by=world.seat_secretariat2, at=calling.ANNOUNCING
        )

    told, declined = race(announce(world, application.call), decline)
    decision = fresh(application).decision
    mails = OutboundMail.objects.filter(key=f"result:{application.pk}")
    words = "選定しました" if decision.outcome == "selected" else "選定に至りませんでした"
    assert [words in mail.text for mail in mails] == ([True, True] if told == "done" else [])
    assert (decision.outcome == "declined") == (declined == "done")
    assert "done" in (told, declined)


def test_announced_twice_at_once_is_announced_once(world):
    application = calling.decided(world).application
    assert race(*[announce(world, application.call)] * 3).count("done") == 1
    assert OutboundMail.objects.filter(key=f"result:{application.pk}").count() == 2


def test_notes_ticks_and_a_decision_at_once(world):
    application = calling.forwarded(world)
    at, by = calling.SELECTING, world.seat_secretariat

    def acts():
        return [
            lambda: selecting.decide(fresh(application), "declined", "理由", by=by, at=at),
            lambda: selecting.write_note(fresh(application), "メモ", by=by, at=at),
            lambda: selecting.tick(fresh(application), "hub", True, by=by, at=at),
            lambda: gathering.take_in(fresh(application), receipt_number="1", received_on=at.date(), by=by, at=at),
        ]

    for _ in range(8):
        race(*acts(), *acts())
    assert application.review_notes.count() == 16
    assert verify().faults == []


def test_the_places_are_not_exceeded_by_deciding_at_once(world):
    seats = towns(world, 6)
    call = called_on(world, seats)
    applications = [calling.with_officer(world, calling.submitted(world, call, seat)) for seat in seats]
    carry_out(world, calling.prepared(world, call))()

    def select(a):
        return lambda: selecting.decide(fresh(a), "selected", "体制", by=world.seat_secretariat, at=calling.SELECTING)

    found = race(*[select(a) for a in applications])
    places = call.definition.call.places
    assert found.count("done") == Application.objects.filter(decision__outcome="selected").count() == places * 2


def test_nothing_comes_in_after_the_announcement(world):
    """Late acceptance was given before; the prefecture and the organiser's own proxy come too late."""
    call = calling.asked(world)
    late = calling.with_officer(world, calling.submitted(world, call, world.seat_kashiwa))
    bundle = calling.prepared(world, call)
    gathering.allow_late(call, world.chiba, "豪雨", by=world.seat_secretariat, at=calling.SELECTING)
    proxy = applying.start(
        call,
        municipalities=[],
        applicant=world.kamagaya,
        proxy="secretariat",
        by=world.seat_secretariat,
        at=calling.SELECTING,
    )
    store_file(b"x", "a.txt", by=None, at=calling.SELECTING, kind="application", record_id=proxy.pk, label="original")
    Call.objects.filter(pk=call.pk).update(announced_at=calling.ANNOUNCING)
    after = calling.ANNOUNCING + timedelta(minutes=1)
    with pytest.raises(Refused, match="選定結果"):
        gathering.carry_out(bundle, decided_on=after.date(), document_number="1", by=world.seat_chiba, at=after)
    with pytest.raises(Refused, match="選定結果"):
        gathering.forward_proxy(fresh(proxy), arrived_at=calling.WRITING, by=world.seat_secretariat, at=after)
    assert (fresh(late).state, fresh(proxy).state) == ("submitted", "draft")

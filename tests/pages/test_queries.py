"""Every list costs the same number of queries for one row and for thirty."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from types import SimpleNamespace

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from kyoten.calls.models import Application, Bundle, Call, Correction, Decision, LateAcceptance, ReviewNote
from kyoten.inquiries.actions import Ask, ask
from kyoten.inquiries.models import Addressee, Inquiry, MailAnswer
from kyoten.organisations.models import (
    AddressConfirmation,
    Area,
    Designation,
    Invitation,
    Organisation,
    Seat,
    Section,
    Supervision,
    User,
)
from kyoten.post.actions import send
from kyoten.post.models import InboundMail, OutboundMail
from kyoten.programmes.models import Programme
from kyoten.records.actions import Entry, record_many, store_file
from kyoten.web.models import Rescued
from tests.flows import calling
from tests.world import login

pytestmark = pytest.mark.django_db
NOON = calling.WRITING
MANY = range(2, 31)
World = SimpleNamespace


@dataclass(frozen=True)
class List:
    """One list: whose seat sees it, where, and how rows of these numbers come into it."""

    name: str
    seat: str
    address: Callable[[World], str]
    grow: Callable[[World, Sequence[int]], object]
    at: object = NOON
    mark: str = "見本{:02}"  # what stands in the page for the row of this number

    def __str__(self) -> str:
        return self.name


def page(name: str) -> Callable[[World], str]:
    return lambda world: reverse(name)


def of_call(name: str) -> Callable[[World], str]:
    return lambda world: reverse(name, args=[call_of(world).slug])


# ---- rows ---------------------------------------------------------------------------------------


def call_of(world: World) -> Call:
    """The call, asked down to the three municipalities of 千葉県 (made once per test)."""
    if not hasattr(world, "call"):
        world.call = calling.asked(world)
        world.below = Inquiry.objects.get(parent__organisation=world.chiba)
    return world.call


def bodies(world: World, numbers: Sequence[int], kind: str = "municipality", ending: str = "市") -> list[Section]:
    """Bodies under 千葉県 with a section each; of kind prefecture, under nobody."""
    above = world.chiba if kind != "prefecture" else None
    made = Organisation.objects.bulk_create(
        Organisation(kind=kind, name=f"見本{n:02}{ending}", code=f"99{n:04}", prefecture=above) for n in numbers
    )
    if above:
        Supervision.objects.bulk_create(Supervision(superior=above, subordinate=body) for body in made)
    return Section.objects.bulk_create(
        Section(organisation=body, name="担当課", email=f"m{body.code}@example.jp", is_default=True) for body in made
    )


def addressed(world: World, inquiry: Inquiry, sections: Sequence[Section], **fields) -> list[Addressee]:
    return Addressee.objects.bulk_create(
        Addressee(inquiry=inquiry, root_id=inquiry.tree_id, organisation=s.organisation, section=s, **fields)
        for s in sections
    )


def towns(world: World, numbers: Sequence[int]) -> None:
    """Municipalities that were asked, each with a reply by mail nobody could read."""
    call_of(world)
    rows = addressed(world, world.below, bodies(world, numbers))
    MailAnswer.objects.bulk_create(
        MailAnswer(addressee=row, mail_id=row.pk, sender="a@example.jp", text="検討します", received_at=NOON)
        for row in rows
    )


def applications(world: World, numbers: Sequence[int], state: str = "submitted", **fields) -> list[Application]:
    """Applications of as many municipalities, each with everything that a list could fetch."""
    call, sections = call_of(world), bodies(world, numbers)
    addressed(world, world.below, sections, state="answered")
    made = Application.objects.bulk_create(
        Application(
            call=call, programme=call.programme, applicant=section.organisation, section=section, prefecture=world.chiba,
            state=state, submitted_at=NOON, started_at=NOON, saved_at=NOON, saved_by="担当", number=f"R7-12-{n:03}",
            area_name=f"見本{n:02}市全域", answers_text=json.dumps(answers(n), ensure_ascii=False), **fields,
        )
        for n, section in zip(numbers, sections, strict=True)
    )  # fmt: skip
    for application in made:
        application.municipalities.set([application.applicant_id, world.matsudo.pk])
    return made


def answers(n: int) -> dict:
    officer = calling.member(11, "千葉県", "行政職員", "prefecture")
    return calling.ANSWERS | {"area_name": f"見本{n:02}市全域", "members": [*calling.MEMBERS, officer]}


def returned(world: World, numbers: Sequence[int]) -> None:
    Correction.objects.bulk_create(
        Correction(application=a, section="reason", section_title="応募の理由", text="具体的に", asked_at=NOON, due=date(2025, 7, 28))
        for a in applications(world, numbers, "returned")
    )  # fmt: skip


def forwarded(world: World, numbers: Sequence[int]) -> list[Application]:
    made = applications(world, numbers, "forwarded", forwarded_at=calling.GATHERING)
    for application in made:
        application.checks.create(rule="hub_led", ok=True, checked_at=calling.SELECTING)
    return made


def decided(world: World, numbers: Sequence[int]) -> None:
    Decision.objects.bulk_create(
        Decision(
            application=a, outcome="declined", reason="総合的に", decided_by="事務局", decided_at=calling.SELECTING
        )
        for a in forwarded(world, numbers)
    )


def bundled(world: World, numbers: Sequence[int]) -> None:
    if not hasattr(world, "bundle"):
        world.bundle = Bundle.objects.create(
            call=call_of(world), prefecture=world.chiba, section=world.section_chiba, covering_text="提出します",
            frozen_text="{}", prepared_at=NOON, prepared_by="担当",
        )  # fmt: skip
    applications(world, numbers, bundle=world.bundle)


def prefectures(world: World, numbers: Sequence[int]) -> None:
    """Prefectures that have asked their municipalities and were let through after the deadline."""
    call = call_of(world)
    rows = addressed(world, call.inquiry, bodies(world, numbers, "prefecture", "県"))
    Inquiry.objects.bulk_create(
        Inquiry(programme=call.slug, title="照会", asker=row.section, parent=row, root=call.inquiry, sent_at=NOON)
        for row in rows
    )
    LateAcceptance.objects.bulk_create(
        LateAcceptance(
            call=call, organisation=row.organisation, reason="郵便の遅れ", accepted_by="事務局", accepted_at=NOON
        )
        for row in rows
    )


def on_the_record(world: World, numbers: Sequence[int]) -> None:
    """経過, notes, corrections and files of one application."""
    if not hasattr(world, "application"):
        [world.application] = forwarded(world, [99])
    one = world.application
    for n in numbers:
        one.corrections.create(section="reason", section_title="応募の理由", text=f"補正{n}", asked_at=NOON)
        store_file(b"x", f"添付{n}.pdf", by=None, at=NOON, kind="application", record_id=one.pk, label="attachment")
    ReviewNote.objects.bulk_create(ReviewNote(application=one, text=f"見本{n:02}", written_at=NOON) for n in numbers)
    acts = [(act, kind) for act in ("save", "note") for kind in ("application", "selection")]
    record_many(
        [Entry(act, f"見本{n:02}", kind, one.pk, note="理由") for n in numbers for act, kind in acts], by=None, at=NOON
    )


def questions(world: World, numbers: Sequence[int]) -> None:
    """Inquiries of 千葉県 to 松戸市 outside any call."""
    for n in numbers:
        due = NOON + timedelta(days=n)
        what = Ask(programme="other", title=f"見本{n:02}", covering_text="", due=due, silence="must_answer")
        ask(what, to=[world.matsudo, world.kashiwa], by=world.seat_chiba, at=calling.ASKING)


def programmes(world: World, numbers: Sequence[int]) -> list[Programme]:
    """Programmes with a call that is not open yet."""
    fields = {name: getattr(world.programme, name) for name in ("text", "digest", "organiser", "published_at")}
    return Programme.objects.bulk_create(Programme(slug=f"mihon-{n:02}", revision=1, **fields) for n in numbers)


def revisions(world: World, numbers: Sequence[int]) -> None:
    fields = {name: getattr(world.programme, name) for name in ("slug", "text", "digest", "organiser", "published_at")}
    Programme.objects.bulk_create(Programme(revision=n + 1, **fields) for n in numbers)


def calls(world: World, numbers: Sequence[int]) -> None:
    for programme in programmes(world, numbers):
        inquiry = Inquiry.objects.create(
            programme=programme.slug, title="公募", asker=world.section_secretariat, sent_at=NOON, due=calling.DEADLINE
        )
        addressed(world, inquiry, [world.section_chiba, world.section_matsudo])
        Call.objects.create(slug=programme.slug, organiser=world.section_secretariat, inquiry=inquiry, opened_at=NOON)


def people(world: World, numbers: Sequence[int]) -> None:
    """Seats of the secretariat, and invitations to more."""
    for n in numbers:
        person = User.objects.create(username=f"mihon-{n:02}", name=f"見本{n:02}", password="!")
        Seat.objects.create(person=person, section=world.section_secretariat, role="officer")
        Invitation.objects.create(
            section=world.section_secretariat, role="officer", name=f"招待{n:02}", token_digest=str(n),
            invited_by=world.seat_secretariat, created_at=NOON, expires_at=NOON + timedelta(days=7),
        )  # fmt: skip


def areas(world: World, numbers: Sequence[int]) -> None:
    for n, section in zip(numbers, bodies(world, numbers), strict=True):
        area = Area.objects.create(kind="home_care", name=f"見本{n:02}圏域", prefecture=world.chiba)
        area.municipalities.set([section.organisation, world.matsudo])
        Designation.objects.create(organisation=section.organisation, prefecture=world.chiba, area=area)


def confirmations(world: World, numbers: Sequence[int]) -> None:
    AddressConfirmation.objects.bulk_create(
        AddressConfirmation(section=section, fiscal_year=2025, asked_at=NOON) for section in bodies(world, numbers)
    )


def mails(world: World, numbers: Sequence[int], state: str = "queued") -> None:
    OutboundMail.objects.bulk_create(
        OutboundMail(
            key=f"k{n}", token=f"t{n}", message_id=f"<{n}@example.jp>", to=f"m{n}@example.jp", subject=f"見本{n:02}",
            text="本文", from_section_id=world.section_chiba.pk, state=state, queued_at=NOON, recorded_at=NOON,
            next_attempt_at=NOON, failed_at=NOON, about_kind="inquiry", about_id=n, last_reply="550 5.1.1 no such user",
        )
        for n in numbers
    )  # fmt: skip


def failures(world: World, numbers: Sequence[int]) -> None:
    mails(world, numbers, "failed")


def strange_mails(world: World, numbers: Sequence[int]) -> None:
    raw = store_file(b"x", "a.eml", by=None, at=NOON)
    [ours] = send(
        to=["a@example.jp"], subject="x", text="x", at=NOON, key=f"seal:{numbers[0]}", by=None, section_id=None
    )
    InboundMail.objects.bulk_create(
        InboundMail(sha256=f"{n:064}", original=raw, source="imap", received_at=NOON, recorded_at=NOON, state="attention",
                    answers=ours, sender="a@example.jp", subject=f"見本{n:02}", problem="差出人が分かりません。")
        for n in numbers
    )  # fmt: skip


def kept(world: World, numbers: Sequence[int]) -> None:
    Rescued.objects.bulk_create(
        Rescued(user=world.seat_matsudo.person, path=f"/inquiries/received/{n}/見本{n:02}/", data="[]", saved_at=NOON)
        for n in numbers
    )


def sorted_mails(world: World, numbers: Sequence[int]) -> None:
    strange_mails(world, numbers)
    InboundMail.objects.update(sort="call")


LISTS = [
    List("home, to answer", "seat_matsudo", page("home"), questions),
    List("home, asked", "seat_chiba", page("home"), questions),
    List("home, being mended", "seat_chiba", page("home"), returned),
    List("home, calls to open", "seat_secretariat", page("home"), programmes, mark="mihon-{:02}"),
    List("home, calls", "seat_chiba", page("home"), calls, mark="mihon-{:02}"),
    List("calls of the organiser", "seat_secretariat", page("calls:list"), calls, mark="mihon-{:02}"),
    List("calls of a municipality", "seat_matsudo", page("calls:list"), calls, mark="mihon-{:02}"),
    List("calls to open", "seat_secretariat", page("calls:list"), programmes, mark="mihon-{:02}"),
    List("applications", "seat_secretariat", of_call("calls:applications"), forwarded, calling.SELECTING),
    List("applications of a prefecture", "seat_chiba", of_call("calls:applications"), applications),
    List(
        "one application",
        "seat_secretariat",
        lambda w: reverse("calls:application", args=[w.application.pk]),
        on_the_record,
    ),
    List("one decision", "seat_secretariat", lambda w: reverse("calls:decide", args=[w.application.pk]), on_the_record),
    List("organiser", "seat_secretariat", of_call("calls:show"), prefectures),
    List("gather", "seat_chiba", of_call("calls:gather"), towns),
    List("gather, submitted", "seat_chiba", of_call("calls:gather"), applications),
    List("prepare", "seat_chiba", of_call("calls:prepare"), applications, calling.GATHERING),
    List("bundle", "seat_chiba", lambda w: reverse("calls:bundle", args=[w.bundle.pk]), bundled, calling.GATHERING),
    List("board", "seat_secretariat", of_call("calls:board"), forwarded, calling.SELECTING),
    List("board, decided", "seat_secretariat", of_call("calls:board"), decided, calling.SELECTING),
    List("announce", "seat_secretariat", of_call("calls:announce"), decided, calling.SELECTING),
    List("inquiries received", "seat_matsudo", page("inquiries:list"), questions),
    List("inquiries asked", "seat_chiba", page("inquiries:list"), questions),
    List("one inquiry", "seat_chiba", lambda w: reverse("inquiries:asked", args=[w.below.pk]), towns),
    List("telephone", "seat_chiba", lambda w: reverse("inquiries:telephone", args=[w.below.pk]), towns),
    List("addresses", "seat_secretariat", page("organisations:addresses"), bodies),
    List("addresses of a prefecture", "seat_chiba", page("organisations:addresses"), bodies),
    List("confirmations", "seat_chiba", page("organisations:confirmations"), confirmations),
    List("people", "seat_secretariat2", page("organisations:people"), people),
    List("first managers", "seat_chiba_manager", page("organisations:first_managers"), bodies),
    List("areas", "seat_chiba", page("organisations:areas"), areas),
    List("designations", "seat_chiba", page("organisations:designations"), areas),
    List("programmes", "seat_secretariat", page("programmes:list"), programmes, mark="mihon-{:02}"),
    List(
        "revisions",
        "seat_secretariat",
        lambda w: reverse("programmes:show", args=["r7-zaitaku"]),
        revisions,
        mark="第{}版",
    ),
    List("sections in charge", "seat_chiba", page("programmes:in_charge"), programmes, mark="mihon-{:02}"),
    List("mailbox", "seat_chiba", page("post:mailbox"), mails),
    List("failures", "seat_chiba", page("post:failures"), failures),
    List("mails without a case", "seat_secretariat", page("post:attention"), strange_mails),
    List("mails to sort", "seat_secretariat", page("sorting:list"), sorted_mails),
    List("kept input", "seat_matsudo", page("rescue:list"), kept),
]


@pytest.mark.parametrize("one", LISTS, ids=str)
def test_thirty_rows_cost_the_queries_of_one(one, world, clock):
    clock(one.at)
    world.seat_chiba_manager = Seat.objects.create(
        person=User.objects.create(username="manager", name="管理", password="!"),
        section=world.section_chiba,
        role="manager",
    )
    client = login(Client(), getattr(world, one.seat))
    one.grow(world, [1])
    address = one.address(world)
    client.get(address)  # writes into the session when it was last seen
    queries = counted(client, address, one, [1])
    one.grow(world, MANY)
    assert counted(client, address, one, [1, *MANY]) == queries


def counted(client: Client, address: str, one: List, numbers: Sequence[int]) -> list[str]:
    """The table of each query of the page, after a look whether all of these rows are on it."""
    with CaptureQueriesContext(connection) as captured:
        response = client.get(address)
    assert response.status_code == 200
    assert [n for n in numbers if one.mark.format(n) not in response.text] == []
    return [query["sql"].partition(" FROM ")[2].split()[0] for query in captured.captured_queries]

"""公募開始: the call reaches the prefectures' section in charge; associations get it for reference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time

from django.conf import settings
from django.db import IntegrityError, transaction
from django.urls import reverse

from kyoten.calls.models import Call
from kyoten.inquiries.actions import Ask, add_addressees, ask, check_ask, enclosures
from kyoten.inquiries.models import Addressee, Draft, Inquiry
from kyoten.organisations.actions.locks import hold
from kyoten.organisations.models import Organisation, Seat
from kyoten.programmes.models import Programme
from kyoten.records.actions import Entry, record, record_many
from kyoten.records.models import Attachment, Refused
from kyoten.rules.clock import JST, child_deadline, deadline_moment, local
from kyoten.rules.wareki import wareki

AT_ONCE = "起案によらず発出したため"


@dataclass(frozen=True)
class Plan:
    """What is to go out, and to whom, whether it goes at once or after a 決裁."""

    kind: str  # of inquiries.Draft
    programme: Programme
    what: Ask
    to: list[Organisation]
    reference: list[Organisation]
    parent: Addressee | None = None  # the case a prefecture received; None for the opening
    enclosed: tuple[Attachment, ...] = ()  # files that go with every mail


def plan_opening(programme: Programme, covering_text: str, enclosed: Sequence[Attachment] = ()) -> Plan:
    """公募開始, as the definition has it now."""
    call = programme.definition.call
    if call is None:
        raise Refused("この事業の定義には公募がありません。事業設定で定義を確かめてください。")
    what = Ask(
        programme=programme.slug,
        title=call.title,
        covering_text=covering_text,
        due=deadline_moment(call.deadline),
        hard=True,
        silence=call.silence.means,
        silence_text=call.silence.text,
    )
    return Plan("open", programme, what, _invited(call.invites), _reference(call.reference), enclosed=tuple(enclosed))


def check_opening(plan: Plan, by: Seat, at: datetime) -> None:
    if by.organisation.kind != "secretariat" or not by.may_act:
        raise Refused("公募を開始できるのは、事務局の担当だけです。")
    if plan.programme.organiser_id not in (None, by.section.organisation_id):
        raise Refused("公募を開始できるのは、この事業の事務局だけです。")
    if Call.objects.filter(slug=plan.programme.slug).exists():
        raise Refused("この公募はすでに開始しています。")
    if plan.what.due <= at:
        raise Refused(
            f"申込締切（{wareki(plan.what.due.date(), with_weekday=True)}）を過ぎているため開始できません。事業設定で締切を直してください。"
        )


@transaction.atomic
def open_call(
    programme: Programme,
    covering_text: str,
    *,
    by: Seat,
    at: datetime,
    document_number: str = "",
    decided_on=None,
    enclosed: Sequence[Attachment] = (),
) -> Call:
    """公募開始 at once, without a 起案: by the organiser's officer."""
    plan = plan_opening(programme, covering_text, enclosed)
    call = open_as_planned(plan, document_number=document_number, decided_on=decided_on, by=by, at=at)
    void_drafts(plan, AT_ONCE, by=by, at=at)
    return call


def open_as_planned(plan: Plan, *, document_number: str, decided_on: date | None, by: Seat, at: datetime) -> Call:
    """Every prefecture gets a case at its section in charge, and a mail. Inside the transaction of its act."""
    check_opening(plan, by, at)
    check_decision(decided_on, at)
    what = replace(plan.what, document_number=document_number, decided_on=decided_on)
    inquiry = ask(what, to=plan.to, reference=plan.reference, enclosed=plan.enclosed, by=by, at=at)
    slug, revision = plan.programme.slug, plan.programme.revision
    try:
        call = Call.objects.create(slug=slug, organiser=by.section, inquiry=inquiry, opened_at=at)
    except IntegrityError:
        raise Refused("この公募はすでに開始しています。") from None
    record("open", "公募を開始", kind="call", record_id=call.pk, by=by.actor(), at=at,
           facts={"revision": revision, "deadline": what.due.isoformat()})  # fmt: skip
    return call


def check_decision(decided_on: date | None, at: datetime) -> None:
    if decided_on and decided_on > local(at).date():
        raise Refused("決裁日が本日より後になっています。日付を確かめてください。")


def _invited(kinds) -> list[Organisation]:
    return list(Organisation.objects.filter(kind__in=kinds).order_by("code", "name"))


def _reference(kinds) -> list[Organisation]:
    """Associations at national level: the prefectural ones hear from their prefecture (000)."""
    national = Organisation.objects.filter(kind="association", level="national")
    return list(national if "association" in kinds else Organisation.objects.none())


def proposed_due(call: Call) -> datetime:
    """The date a prefecture may set its municipalities: so many working days before the organiser's deadline."""
    margin = call.definition.call.child_margin
    day = child_deadline(call.deadline.date(), margin.working_days if margin else 1)
    return datetime.combine(day, time.max, JST)


def covering_text_for(call: Call, prefecture: Organisation) -> str:
    """A first draft of a prefecture's own covering text; its officer rewrites it freely."""
    definition = call.definition
    return (
        f"標記について、別添のとおり{definition.organiser}から通知がありましたので、お知らせします。\n"
        "つきましては、応募を希望する場合は申込書を作成の上、下記の期限までに御提出ください。\n"
        "希望しない場合は「該当なし」と御回答ください。\n\n"
        f"公募要領・申込書　{settings.BASE_URL}{reverse('calls:guide', args=[call.slug])}"
    )


def plan_asking(
    row: Addressee,
    call: Call,
    *,
    covering_text: str,
    due: datetime | None,
    to: list[Organisation],
    reference: list[Organisation] = (),
) -> Plan:
    """管内へ照会, with the prefecture's own text and date."""
    definition = call.definition.call
    what = Ask(
        programme=call.slug,
        title=definition.title,
        covering_text=covering_text,
        due=due,
        silence=definition.silence.means,
        silence_text=definition.silence.text,
    )
    files = tuple(enclosures(row.inquiry))
    return Plan("ask", call.programme, what, list(to), list(reference), parent=row, enclosed=files)


def check_asking(plan: Plan, by: Seat, at: datetime) -> None:
    if plan.parent.organisation_id != by.section.organisation_id:
        raise Refused("管内への照会は、照会を受けた都道府県だけが行えます。")
    if plan.parent.passed_down.exists():
        raise Refused("この件は、すでに管内へ照会しています。「照会先の追加」から団体を加えてください。")
    check_ask(plan.what, plan.to, plan.parent, by, at)


@transaction.atomic
def ask_municipalities(
    row: Addressee,
    call: Call,
    *,
    covering_text: str,
    due: datetime,
    to: list[Organisation],
    reference: list[Organisation] = (),
    document_number: str = "",
    decided_on=None,
    by: Seat,
    at: datetime,
) -> Inquiry:
    """管内へ照会 at once: only this act of the prefecture puts work on its municipalities."""
    plan = plan_asking(row, call, covering_text=covering_text, due=due, to=to, reference=reference)
    inquiry = ask_as_planned(plan, document_number=document_number, decided_on=decided_on, by=by, at=at)
    void_drafts(plan, AT_ONCE, by=by, at=at)
    return inquiry


def ask_as_planned(plan: Plan, *, document_number: str, decided_on: date | None, by: Seat, at: datetime) -> Inquiry:
    """Inside the transaction of its act."""
    hold(by.section.organisation_id)
    check_asking(plan, by, at)
    check_decision(decided_on, at)
    what = replace(plan.what, document_number=document_number, decided_on=decided_on)
    return ask(what, to=plan.to, reference=plan.reference, parent=plan.parent, by=by, at=at)


def void_drafts(plan: Plan, reason: str, *, by: Seat, at: datetime) -> None:
    """The drafts of the same thing lose their force; under the body's lock."""
    drafts = Draft.objects.filter(kind=plan.kind, programme=plan.programme.slug, parent=plan.parent, state="prepared")
    ids = list(drafts.filter(section__organisation=by.section.organisation_id).values_list("pk", flat=True))
    Draft.objects.filter(pk__in=ids).update(state="void", void_reason=reason)
    record_many([Entry("void", f"起案が失効（{reason}）", "draft", pk) for pk in ids], by=by.actor(), at=at)


def asked_below(row: Addressee) -> Inquiry | None:
    """The inquiry a prefecture has put to its municipalities for the case it received; there is at most one."""
    return row.passed_down.select_related("asker__organisation").order_by("pk").first()


@transaction.atomic
def add_municipalities(
    row: Addressee, *, to: list[Organisation], reference: list[Organisation] = (), by: Seat, at: datetime
) -> list[Addressee]:
    """照会先の追加: a municipality forgotten in 管内へ照会 gets the same question, in the same とりまとめ."""
    inquiry = asked_below(row)
    if inquiry is None:
        raise Refused("まだ管内へ照会していません。「管内へ照会する」から照会してください。")
    return add_addressees(inquiry, to=to, reference=reference, by=by, at=at)

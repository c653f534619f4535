"""公募開始: the call reaches the prefectures' section in charge; associations get it for reference."""

from __future__ import annotations

from datetime import datetime, time

from django.conf import settings
from django.db import IntegrityError, transaction
from django.urls import reverse

from kyoten.calls.models import Call
from kyoten.inquiries.actions import Ask, add_addressees, ask
from kyoten.inquiries.models import Addressee, Inquiry
from kyoten.organisations.actions.locks import hold
from kyoten.organisations.models import Organisation, Seat
from kyoten.programmes.models import Programme
from kyoten.records.actions import record
from kyoten.records.models import Refused
from kyoten.rules.clock import JST, child_deadline, deadline_moment
from kyoten.rules.wareki import wareki


@transaction.atomic
def open_call(
    programme: Programme, covering_text: str, *, by: Seat, at: datetime, document_number: str = "", decided_on=None
) -> Call:
    """公募開始: by the organiser's officer; every prefecture gets a case at its section in charge, and a mail."""
    definition = programme.definition
    if by.organisation.kind != "secretariat" or not by.may_act:
        raise Refused("公募を開始できるのは、事務局の担当だけです。")
    if definition.call is None:
        raise Refused("この事業の定義には公募がありません。事業設定で定義を確かめてください。")
    if Call.objects.filter(slug=programme.slug).exists():
        raise Refused("この公募はすでに開始しています。")
    deadline = deadline_moment(definition.call.deadline)
    if deadline <= at:
        raise Refused(
            f"申込締切（{wareki(deadline.date(), with_weekday=True)}）を過ぎているため開始できません。事業設定で締切を直してください。"
        )
    what = Ask(
        programme=programme.slug,
        title=definition.call.title,
        covering_text=covering_text,
        due=deadline,
        hard=True,
        silence=definition.call.silence.means,
        silence_text=definition.call.silence.text,
        document_number=document_number,
        decided_on=decided_on,
    )
    inquiry = ask(
        what, to=_invited(definition.call.invites), reference=_reference(definition.call.reference), by=by, at=at
    )
    try:
        call = Call.objects.create(slug=programme.slug, organiser=by.section, inquiry=inquiry, opened_at=at)
    except IntegrityError:
        raise Refused("この公募はすでに開始しています。") from None
    record("open", "公募を開始", kind="call", record_id=call.pk, by=by.actor(), at=at,
           facts={"revision": programme.revision, "deadline": deadline.isoformat()})  # fmt: skip
    return call


def _invited(kinds) -> list[Organisation]:
    return list(Organisation.objects.filter(kind__in=kinds))


def _reference(kinds) -> list[Organisation]:
    """Associations at national level: the prefectural ones hear from their prefecture (000)."""
    national = Organisation.objects.filter(kind="association", level="national")
    return list(national if "association" in kinds else Organisation.objects.none())


def proposed_due(call: Call) -> datetime:
    """The date a prefecture may set its municipalities: so many working days before the organiser's deadline."""
    margin = call.definition.call.child_margin
    day = child_deadline(call.deadline.date(), margin.working_days if margin else 0)
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
    """管内へ照会: only this act of the prefecture puts work on its municipalities."""
    if row.organisation_id != by.section.organisation_id:
        raise Refused("管内への照会は、照会を受けた都道府県だけが行えます。")
    hold(row.organisation_id)
    if row.passed_down.exists():
        raise Refused("この件は、すでに管内へ照会しています。「照会先の追加」から団体を加えてください。")
    silence = call.definition.call.silence
    what = Ask(
        programme=call.slug,
        title=call.definition.call.title,
        covering_text=covering_text,
        due=due,
        silence=silence.means,
        silence_text=silence.text,
        document_number=document_number,
        decided_on=decided_on,
    )
    return ask(what, to=to, reference=reference, parent=row, by=by, at=at)


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

"""発出の起案: 公募開始 and 管内へ照会 are printed and frozen, decided in the office's own system, then carried out."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from django.db import transaction

from kyoten.calls.actions.opening import (
    Plan,
    ask_as_planned,
    check_asking,
    check_opening,
    open_as_planned,
    plan_asking,
    plan_opening,
    void_drafts,
)
from kyoten.calls.models import Call
from kyoten.inquiries.actions import ENCLOSED, check_ask, notice, section_in_charge_of, until
from kyoten.inquiries.actions import inquiry_of as unsent
from kyoten.inquiries.models import Addressee, Draft
from kyoten.organisations.actions.locks import hold
from kyoten.organisations.models import Organisation, Seat, Section
from kyoten.programmes.models import Programme
from kyoten.records.actions import attach, record
from kyoten.records.models import Attachment, Refused

KIND = "draft"
ANEW = "起案用一式を作り直してください。"


def check_plan(plan: Plan, by: Seat, at: datetime) -> None:
    """Everything that would be refused when it is sent is refused before anybody decides on it."""
    if not plan.what.covering_text.strip():
        raise Refused("通知文を書いてください。")
    if plan.kind == Draft.Kind.OPEN:
        check_opening(plan, by, at)
        check_ask(plan.what, plan.to, None, by, at)
    else:
        check_asking(plan, by, at)


def frozen_of(plan: Plan, section: Section, at: datetime) -> dict[str, Any]:
    """What the 起案用一式 says, as text to keep and compare: whatever of it changes before the 施行 voids the draft."""
    what = plan.what
    sections = section_in_charge_of(what.programme, [*plan.to, *plan.reference], at.date())

    def named(bodies: list[Organisation]) -> list[list[Any]]:
        return [[o.pk, o.name, sections[o.pk].name] for o in bodies]

    return {
        "revision": plan.programme.revision,
        "title": what.title,
        "sender": str(section),
        "due": until(what.due) if what.due else "",
        "to": named(plan.to),
        "reference": named(plan.reference),
        "mail": mail_of(plan, section),
    }


def mail_of(plan: Plan, section: Section) -> str:
    """The text of the mail that every addressee gets, its own name and link left open."""
    what = replace(plan.what, document_number="（文書番号）")
    names = [file.name for file in plan.enclosed]
    link = "（宛先ごとの回答用リンク）"
    return notice(unsent(what, plan.parent, section, None), to="（宛名）", link=link, enclosed=names)


@transaction.atomic
def prepare(plan: Plan, *, file: Attachment, expected: dict[str, Any], by: Seat, at: datetime) -> Draft:
    """起案: freeze what will go out. `expected` is what the 起案用一式 in `file` was printed from."""
    hold(by.section.organisation_id)
    check_plan(plan, by, at)
    if frozen_of(plan, by.section, at) != expected:
        raise Refused("作成の間に宛先か公募の内容が変わりました。内容を確かめて、もう一度作成してください。")
    void_drafts(plan, "起案し直したため", by=by, at=at)
    draft = Draft.objects.create(
        kind=plan.kind, programme=plan.programme.slug, section=by.section, parent=plan.parent,
        covering_text=plan.what.covering_text, due=plan.what.due, file_sha=file.sha256, prepared_at=at,
        prepared_by=f"{by.section}　{by.person.name}", frozen_text=json.dumps(expected, ensure_ascii=False, sort_keys=True),
    )  # fmt: skip
    attach(file, kind=KIND, record_id=draft.pk, label="draft_set")
    for enclosed in plan.enclosed if plan.parent is None else ():
        attach(enclosed, kind=KIND, record_id=draft.pk, label=ENCLOSED)
    record("prepare", f"{draft.get_kind_display()}の起案用一式を作成", kind=KIND, record_id=draft.pk, by=by.actor(), at=at,
           facts={"sha256": file.sha256, "revision": plan.programme.revision, "addressees": len(plan.to)})  # fmt: skip
    return draft


def plan_of(draft: Draft) -> Plan:
    """What the draft would send today: its own text, date and addressees, over the definition as it is now."""
    if draft.kind == Draft.Kind.OPEN:
        enclosed = Attachment.objects.of(KIND, draft.pk, ENCLOSED)
        return plan_opening(Programme.objects.latest(draft.programme), draft.covering_text, enclosed)
    bodies = Organisation.objects.in_bulk([pk for key in ("to", "reference") for pk, *_ in draft.frozen[key]])
    to, reference = ([bodies[pk] for pk, *_ in draft.frozen[key]] for key in ("to", "reference"))
    rows = Addressee.objects.select_related("inquiry__asker__organisation", "organisation", "section")
    row = rows.get(pk=draft.parent_id)
    call = Call.objects.get(inquiry=row.root_id)
    return plan_asking(row, call, covering_text=draft.covering_text, due=draft.due, to=to, reference=reference)


@transaction.atomic
def carry_out(draft: Draft, *, decided_on: date | None, document_number: str, by: Seat, at: datetime) -> Draft:
    """施行: after the 決裁 in the office's own system, exactly what was printed goes out."""
    if draft.section_id != by.section_id or not by.may_act:
        raise Refused(f"発出できるのは、起案した課（{draft.section}）の担当だけです。")
    if decided_on is None or not document_number.strip():
        raise Refused("決裁日と文書番号を記入してください（事務連絡のときは「事務連絡」と記入します）。")
    hold(by.section.organisation_id)
    number = document_number.strip()[:100]
    changed = Draft.objects.filter(pk=draft.pk, state="prepared").update(
        state="sent", decided_on=decided_on, document_number=number, sent_at=at
    )
    if not changed:
        raise Refused("この起案は失効したか、すでに発出されています。画面を開き直してください。")
    plan = plan_of(draft)
    _check_unchanged(draft, plan, by, at)
    decision = {"document_number": number, "decided_on": decided_on, "by": by, "at": at}
    send = open_as_planned if draft.kind == Draft.Kind.OPEN else ask_as_planned
    sent = send(plan, **decision)
    Draft.objects.filter(pk=draft.pk).update(inquiry=sent.inquiry if isinstance(sent, Call) else sent)
    record("carry_out", f"決裁後に発出（{number}）", kind=KIND, record_id=draft.pk, by=by.actor(), at=at,
           facts={"decided_on": decided_on.isoformat(), "number": number})  # fmt: skip
    draft.refresh_from_db()
    return draft


def _check_unchanged(draft: Draft, plan: Plan, by: Seat, at: datetime) -> None:
    frozen = draft.frozen
    if plan.programme.revision != frozen["revision"]:
        raise Refused(
            f"起案の後に公募の内容が第{plan.programme.revision}版に改められたため、このまま発出できません。{ANEW}"
        )
    if draft.due and draft.due <= at:
        raise Refused(f"起案した回答期限（{frozen['due']}）を過ぎています。期限を改めて、{ANEW}")
    now = frozen_of(plan, by.section, at)
    if (now["to"], now["reference"]) != (frozen["to"], frozen["reference"]):
        raise Refused(f"起案の後に宛先の名称か担当課が変わったため、このまま発出できません。{ANEW}")
    if now != frozen:
        raise Refused(f"起案の後に内容が変わったため、このまま発出できません。{ANEW}")


@transaction.atomic
def withdraw(draft: Draft, *, by: Seat, at: datetime) -> None:
    """起案の取りやめ: it will not be sent as it is; a new one can be drawn up from its text."""
    if draft.section.organisation_id != by.section.organisation_id or not by.may_act:
        raise Refused("起案を取りやめられるのは、起案した団体の担当だけです。")
    hold(by.section.organisation_id)
    reason = "起案を取りやめたため"
    if not Draft.objects.filter(pk=draft.pk, state="prepared").update(state="void", void_reason=reason):
        raise Refused("この起案は失効したか、すでに発出されています。画面を開き直してください。")
    record("void", "起案を取りやめ", kind=KIND, record_id=draft.pk, by=by.actor(), at=at)

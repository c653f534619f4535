"""とりまとめ: the prefecture's opinion and officer, the frozen 起案用一式, and sending to the organiser."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date, datetime

from django.db import transaction

from kyoten.calls.actions.applying import (
    KIND,
    hold_call,
    hold_editable,
    receipt_number_for,
    refuse_open_differences,
    void_bundles,
)
from kyoten.calls.actions.telling import tell_of_proxy
from kyoten.calls.models import Application, Bundle, Call, LateAcceptance, designated
from kyoten.calls.words import precise, to_the_minute
from kyoten.inquiries.actions import set_state
from kyoten.inquiries.models import Addressee
from kyoten.organisations.actions.locks import hold
from kyoten.organisations.models import Organisation, Seat
from kyoten.post.actions import send
from kyoten.records.actions import Entry, attach, record, record_many
from kyoten.records.models import Attachment, Refused
from kyoten.rules.clock import local

ANNOUNCED = "選定結果を通知した後は受け付けられません。"


def _own(application: Application, by: Seat) -> None:
    if application.prefecture_id != by.section.organisation_id or not by.may_act:
        raise Refused("この操作ができるのは、都道府県の担当だけです。")


@transaction.atomic
def write_opinion(application: Application, text: str, *, by: Seat, at: datetime) -> None:
    """都道府県の意見: goes to the organiser with the application, not printed on the applicant's form."""
    _own(application, by)
    hold(application.prefecture_id)
    if not Application.objects.filter(pk=application.pk, state="submitted").update(opinion=text.strip()):
        raise Refused("意見を書けるのは「提出済」の申込書だけです。画面を開き直してください。")
    void_bundles(application.call, application.prefecture, "意見を書き換えたため", by=by, at=at)
    record("opinion", "県の意見を記入", kind="gathering", record_id=application.pk, by=by.actor(), at=at, note=text)


@transaction.atomic
def add_officer(application: Application, row: dict[str, str], *, by: Seat, at: datetime) -> None:
    """県担当者を加える: 「双方参加必須」 — the prefecture adds its own officer when it gathers (別紙2 6)."""
    _own(application, by)
    table = next((f for f in application.form.fields() if f.kind == "table"), None)
    if table is None or not any(row.values()):
        raise Refused("所属か職種を記入してください。")
    hold(application.prefecture_id)
    locked = Application.objects.filter(pk=application.pk, state="submitted").select_for_update(no_key=True).first()
    if locked is None:
        raise Refused("県担当者を加えられるのは「提出済」の申込書だけです。画面を開き直してください。")
    answers = locked.answers
    columns = {c.id for c in table.columns}
    new = {key: value for key, value in row.items() if key in columns} | {"row": f"pref{locked.version}"}
    if "group" in columns:
        new["group"] = "prefecture"
    answers[table.id] = [*(answers.get(table.id) or []), new]
    locked.answers = answers
    locked.version += 1
    locked.save()
    void_bundles(application.call, application.prefecture, "構成員を加えたため", by=by, at=at)
    record(
        "add_officer",
        "県（保健所を含む）の担当者を構成員に追加",
        kind=KIND,
        record_id=application.pk,
        by=by.actor(),
        at=at,
    )


def ready_to_gather(call: Call, prefecture: Organisation) -> list[Application]:
    rows = Application.objects.filter(call=call, prefecture=prefecture, state="submitted")
    return list(
        rows.select_related("applicant", "section", "prefecture").prefetch_related("programme", "municipalities")
    )


def unanswered(call: Call, prefecture: Organisation) -> list[Addressee]:
    rows = Addressee.objects.filter(root=call.inquiry_id, inquiry__parent__organisation=prefecture).missing()
    return list(rows.select_related("organisation", "section", "inquiry"))


def gathering_stops(call: Call, applications: Sequence[Application], at: datetime) -> list[str]:
    """What stands in the way of とりまとめ, as sentences; empty where nothing does."""
    found, hubs = [], designated(applications, at)
    for application in applications:
        findings = application.findings(at, hub=application.pk in hubs)
        reasons = [f.reason for f in findings if f.stops_at("bundle")]
        found += [f"{application.applicant}：{reason}" for reason in reasons]
    return found


def too_late(call: Call, applications: Sequence[Application], at: datetime) -> list[Application]:
    """Those the organiser no longer takes: its deadline has passed, and it has let none of them through."""
    if at <= call.deadline:
        return []
    through = set(LateAcceptance.objects.filter(call=call).values_list("organisation", flat=True))
    return [a for a in applications if through.isdisjoint({a.applicant_id, a.prefecture_id})]


@transaction.atomic
def prepare(
    call: Call,
    prefecture: Organisation,
    *,
    covering_text: str,
    file: Attachment,
    expected: dict[int, int],
    by: Seat,
    at: datetime,
) -> Bundle:
    """起案: freeze what will go out. `expected` = version of each application the 起案用一式 was printed from."""
    _prefecture_seat(prefecture, by)
    hold(prefecture.pk)
    applications = ready_to_gather(call, prefecture)
    if {a.pk: a.version for a in applications} != expected:
        raise Refused("作成の間に申込書が変わりました。内容を確かめて、もう一度作成してください。")
    if not applications:
        raise Refused("提出済の申込書がありません。申込みがないときは「該当なし」で回答してください。")
    if stops := gathering_stops(call, applications, at):
        raise Refused("　".join(stops))
    _check_silence(call, prefecture)
    void_bundles(call, prefecture, "起案し直したため", by=by, at=at)
    bundle = Bundle.objects.create(
        call=call, prefecture=prefecture, section=by.section, covering_text=covering_text, file_sha=file.sha256,
        prepared_at=at, prepared_by=f"{by.section}　{by.person.name}",
        frozen_text=json.dumps({str(a.pk): _frozen(a) for a in applications}, ensure_ascii=False, sort_keys=True),
    )  # fmt: skip
    attach(file, kind="bundle", record_id=bundle.pk, label="draft_set")
    Application.objects.filter(pk__in=[a.pk for a in applications]).update(bundle=bundle)
    record("prepare", f"起案用一式を作成（{len(applications)}件）", kind="bundle", record_id=bundle.pk, by=by.actor(), at=at,
           facts={"applications": [a.number for a in applications], "sha256": file.sha256})  # fmt: skip
    return bundle


def _prefecture_seat(prefecture: Organisation, by: Seat) -> None:
    if by.section.organisation_id != prefecture.pk or not by.may_act:
        raise Refused("とりまとめができるのは、都道府県の担当だけです。")


def _check_silence(call: Call, prefecture: Organisation) -> None:
    missing = unanswered(call, prefecture)
    if call.definition.call.silence.means == "must_answer" and missing:
        names = "、".join(row.organisation.name for row in missing[:5])
        raise Refused(
            f"回答のない団体が{len(missing)}あります（{names}など）。全団体の回答がそろうまで提出できません。"
        )


def _frozen(application: Application) -> dict:
    return {"version": application.version, "answers": application.answers_text, "opinion": application.opinion,
            "state": application.state}  # fmt: skip


@transaction.atomic
def carry_out(bundle: Bundle, *, decided_on: date | None, document_number: str, by: Seat, at: datetime) -> Bundle:
    """施行: after the 決裁 in the office's own system; 決裁日・文書番号 are recorded, everything goes to the organiser."""
    _prefecture_seat(bundle.prefecture, by)
    call = hold_call(bundle.call_id)
    hold(bundle.prefecture_id)
    if call.announced_at:
        raise Refused(ANNOUNCED)
    if decided_on is None or not document_number.strip():
        raise Refused("決裁日と文書番号を記入してください（事務連絡のときは「事務連絡」と記入します）。")
    if decided_on > at.date():
        raise Refused("決裁日が本日より後になっています。日付を確かめてください。")
    applications = list(Application.objects.select_for_update(no_key=True).filter(bundle=bundle).order_by("pk"))
    if too_late(call, applications, at):
        raise Refused(
            f"事務局への提出期限（{precise(call.deadline)}）を過ぎています（受信 {precise(at)}）。事務局へ御相談ください。"
        )
    frozen = json.loads(bundle.frozen_text)
    if {str(a.pk): _frozen(a) for a in applications} != frozen:
        raise Refused("起案の後に内容が変わったため、提出できません。起案用一式を作り直してください。")
    changed = Bundle.objects.filter(pk=bundle.pk, state="prepared").update(
        state="sent", decided_on=decided_on, document_number=document_number.strip()[:100], sent_at=at
    )
    if not changed:
        raise Refused("この起案は失効したか、すでに提出されています。画面を開き直してください。")
    Application.objects.filter(bundle=bundle).update(state="forwarded", forwarded_at=at)
    bundle.refresh_from_db()
    own = (
        Addressee.objects.filter(root=call.inquiry_id, organisation=bundle.prefecture).select_related("inquiry").first()
    )
    if own:
        set_state(own, "answered", by=by, at=at)
    sent = [
        Entry("forward", f"{bundle.prefecture}が事務局へ提出", KIND, a.pk, {"bundle": bundle.pk}) for a in applications
    ]
    facts = {"decided_on": decided_on.isoformat(), "number": document_number}
    record_many([*sent, Entry("carry_out", "事務局へ提出", "bundle", bundle.pk, facts)], by=by.actor(), at=at)
    _tell_organiser(bundle, applications, call, by=by, at=at)
    return bundle


def _tell_organiser(bundle: Bundle, applications: Sequence[Application], call: Call, *, by: Seat, at: datetime) -> None:
    rows = "\n".join(f"・{a.number}　{a.area_name}（{a.applicant}）" for a in applications)
    file = Attachment.objects.of("bundle", bundle.pk, "draft_set").last()
    send(
        to=[call.organiser.email],
        subject=f"【{bundle.prefecture}】{call.definition.call.title}　申込書の提出",
        text=f"{call.organiser}　御中\n\n{bundle.covering_text}\n\n{rows}\n\n文書番号　{bundle.document_number}\n提出日時　{to_the_minute(at)}\n\n{by.section}",
        at=at,
        key=f"bundle:{bundle.pk}",
        by=by.actor(),
        section_id=by.section_id,
        about=("bundle", bundle.pk),
        attachments=[file] if file else [],
    )


@transaction.atomic
def allow_late(call: Call, organisation: Organisation, reason: str, *, by: Seat, at: datetime) -> LateAcceptance:
    """期限後の受付: an act of the organiser, its reason on record; it lets one body (or one prefecture's all) through."""
    if call.organiser.organisation_id != by.section.organisation_id or not by.may_act:
        raise Refused("期限後の受付を認められるのは、事務局の担当だけです。")
    if not reason.strip():
        raise Refused("期限後に受け付ける理由を書いてください（記録に残ります）。")
    if hold_call(call.pk).announced_at:
        raise Refused(ANNOUNCED)
    row, new = LateAcceptance.objects.get_or_create(
        call=call, organisation=organisation,
        defaults={"reason": reason.strip(), "accepted_by": f"{by.section}　{by.person.name}", "accepted_at": at},
    )  # fmt: skip
    if not new:
        raise Refused(f"{organisation}の期限後の受付は、すでに認められています。")
    title = f"{organisation}の期限後の提出を受け付けることとした"
    record("allow_late", title, kind="call", record_id=call.pk, by=by.actor(), at=at, note=reason,
           facts={"organisation": organisation.pk})  # fmt: skip
    return row


@transaction.atomic
def take_in(application: Application, *, receipt_number: str, received_on: date | None, by: Seat, at: datetime) -> None:
    """収受: the organiser writes down 収受日・収受番号 (a section without numbers leaves the number empty)."""
    mine = Application.objects.visible_to(by).filter(call__organiser__organisation=by.organisation)
    if not by.may_act or not mine.filter(pk=application.pk).exists():
        raise Refused("収受できるのは、事務局の担当だけです。")
    if received_on is None:
        raise Refused("収受日を入れてください。")
    if received_on > local(at).date():
        raise Refused("収受日が本日より後になっています。日付を確かめてください。")
    Application.objects.filter(pk=application.pk).update(
        receipt_number=receipt_number.strip()[:100], received_on=received_on
    )
    record(
        "take_in",
        f"収受（{receipt_number or '番号なし'}）",
        kind="gathering",
        record_id=application.pk,
        by=by.actor(),
        at=at,
    )


@transaction.atomic
def forward_proxy(
    application: Application, *, arrived_at: datetime, direct: bool = False, reason: str = "", by: Seat, at: datetime
) -> None:
    """代行入力の受付: what a prefecture sent by mail, typed in by the organiser, counts from when the mail arrived."""
    call = application.call
    if application.by_proxy != "secretariat" or call.organiser.organisation_id != by.section.organisation_id:
        raise Refused("代行入力した申込書だけを受け付けられます。")
    if not by.may_act:
        raise Refused("閲覧の席では受け付けられません。")
    if hold_call(call.pk).announced_at:
        raise Refused(ANNOUNCED)
    if arrived_at > at:
        raise Refused("受信日時がいまより後になっています。メールの受信日時を確かめてください。")
    if arrived_at > call.deadline and not reason.strip():
        raise Refused(f"受信日時が提出期限（{precise(call.deadline)}）を過ぎています。受け付ける理由を書いてください。")
    if not Attachment.objects.of(KIND, application.pk, "original").exists():
        raise Refused("原本（受信したメールの申込書）を添付してから受け付けてください。")
    hold(application.prefecture_id)
    if not hold_editable(application.pk, by):
        raise Refused("この申込書はすでに受け付けられています。")
    refuse_open_differences(application)
    changed = Application.objects.filter(pk=application.pk, state__in=Application.EDITABLE)
    number = application.number or receipt_number_for(application)
    if not changed.update(state="forwarded", submitted_at=arrived_at, forwarded_at=arrived_at, number=number,
                          late_reason=reason.strip(), direct=direct):  # fmt: skip
        raise Refused("この申込書はすでに受け付けられています。")
    row = (
        Addressee.objects.filter(root=call.inquiry_id, organisation=application.prefecture)
        .select_related("inquiry")
        .first()
    )
    if row:
        set_state(row, "answered", by=by, at=at, way="proxy")
    record("forward", f"{application.prefecture}から受信した申込書を代行入力で受付", kind=KIND, record_id=application.pk,
           by=by.actor(), at=at, facts={"arrived_at": arrived_at.isoformat(), "number": number}, note=reason)  # fmt: skip
    application.refresh_from_db(fields=["submitted_at", "number"])
    tell_of_proxy(application, by=by, at=at)

"""作成・提出・補正・取下げ: what happens to an application until the prefecture gathers it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from kyoten.calls.actions.telling import tell_of_proxy
from kyoten.calls.actions.together import cases_of, drop_who_left
from kyoten.calls.models import Application, Bundle, Call, Correction, EditConflict
from kyoten.calls.words import precise, to_the_minute
from kyoten.inquiries.actions import apply_with, set_state
from kyoten.inquiries.models import Addressee
from kyoten.organisations.actions.locks import hold
from kyoten.organisations.models import Area, Organisation, Seat
from kyoten.post.actions import send
from kyoten.records.actions import Entry, record, store_file
from kyoten.records.models import Event, Refused
from kyoten.rules import answers as form_answers
from kyoten.rules.clock import local
from kyoten.rules.wareki import wareki

KIND = "application"


def hold_call(pk: int) -> Call:
    """The call with its row locked: deciding, announcing, withdrawing and sending on follow one another."""
    return Call.objects.select_for_update(no_key=True).get(pk=pk)


@dataclass(frozen=True)
class Saved:
    """What a save led to: the version now stored, and the fields two people wrote differently."""

    application: Application
    conflicts: tuple


@transaction.atomic
def start(
    call: Call,
    *,
    municipalities: Sequence[Organisation],
    area: Area | None = None,
    by: Seat,
    at: datetime,
    proxy: str = "",
    applicant: Organisation | None = None,
) -> Application:
    """申込書の作成を開始: for an area, by the body that speaks for it (or by proxy for a body that sent paper)."""
    applicant = applicant or by.organisation
    if not by.may_act:
        raise Refused("閲覧の席では申込書を作成できません。")
    if call.announced_at:
        raise Refused("この公募は選定結果を通知済みです。")
    prefecture = _prefecture(applicant, at)
    hold(prefecture.pk)
    row = Addressee.objects.filter(root=call.inquiry_id, organisation=applicant).select_related("inquiry").first()
    if not proxy and row is None:
        raise Refused("まだ都道府県から照会が届いていません。都道府県の担当課へお問い合わせください。")
    if not proxy and row.purpose == Addressee.Purpose.REFERENCE:
        raise Refused("参考送付を受けた団体は申込書を作成できません。応募の御相談は、都道府県の担当課へお願いします。")
    if not proxy and row.represented_by_id:
        raise Refused(f"この地域は{row.represented_by}が代表して応募しています。")
    if call.programme.definition.form is None:
        raise Refused("この事業の定義には申込書の様式がありません。")
    application = _create(call, applicant, prefecture, area, by, at, proxy)
    application.municipalities.set(municipalities or [applicant])
    if row:
        _represent(application, row, by=by, at=at)
        if row.state not in ("answered", "returned"):
            set_state(row, "considering", by=by, at=at, way="proxy" if proxy else "screen")
    record("start", "申込書の作成を開始" + ("（代行入力）" if proxy else ""), kind=KIND, record_id=application.pk,
           by=by.actor(), at=at, facts={"revision": application.programme.revision})  # fmt: skip
    return application


def _prefecture(applicant: Organisation, at: datetime) -> Organisation:
    if applicant.kind == "prefecture":
        return applicant
    found = applicant.prefecture or applicant.superior(at.date())
    if found is None:
        raise Refused(f"{applicant}の都道府県が登録されていません。連絡先の登録を確かめてください。")
    return found


def _create(
    call: Call, applicant: Organisation, prefecture: Organisation, area: Area | None, by: Seat, at: datetime, proxy: str
) -> Application:
    form = call.programme.definition.form
    answers = {field.id: form_answers.blank(field) for field in form.fields()} | {"prefecture": prefecture.name}
    if area:
        answers |= {"area_kind": "1" if area.kind == "home_care" else "2", "area_name": area.name}
    application = Application(
        call=call, programme=call.programme, applicant=applicant, prefecture=prefecture, area=area, by_proxy=proxy,
        section=by.section if not proxy else (applicant.default_section(at.date()) or by.section),
        started_at=at, saved_at=at, saved_by=f"{by.section}　{by.person.name}",
    )  # fmt: skip
    application.answers = {key: value for key, value in answers.items() if key in {f.id for f in form.fields()}}
    try:
        with transaction.atomic():
            application.save()
    except IntegrityError:
        raise Refused(f"{applicant}の申込書はすでにあります。一覧から開いてください。") from None
    return application


def _represent(application: Application, row: Addressee, *, by: Seat, at: datetime) -> None:
    """Other municipalities of the area show 「○○として応募」."""
    others = Addressee.objects.filter(
        inquiry=row.inquiry, organisation__in=application.municipalities.exclude(pk=application.applicant_id)
    )
    if taken := [o for o in others if o.state in ("answered", "returned")]:
        raise Refused(f"{taken[0].organisation}はすでに申込書を提出しています。区域の市町村を選び直してください。")
    apply_with(others, application.applicant, by=by, at=at)


@transaction.atomic
def save(
    application: Application,
    posted: Mapping[str, Any],
    base: Mapping[str, str],
    *,
    reason: str | None = None,
    ticks: Mapping[str, bool] | None = None,
    by: Seat,
    at: datetime,
) -> Saved:
    """保存: what was typed is laid over what is stored field by field; `base` says what the page showed.

    Two people's changes to different fields are both kept. To one field: the later text is stored, the other
    is returned as a conflict and shown beside it, so neither is lost.
    """
    locked = editable_row(application.pk, by)
    if locked is None or not by.may_act:
        raise Refused("この申込書はいま編集できません。提出済みか、担当が替わっています。画面を開き直してください。")
    merged = form_answers.merge(locked.form, base, locked.answers, form_answers.clean(locked.form, posted))
    before = (locked.answers_text, locked.reason, locked.ticks_text)
    locked.answers = merged.answers
    if reason is not None:
        locked.reason = reason.strip()
    if ticks is not None:
        kept = {rule: True for rule, ok in {**locked.ticks, **ticks}.items() if ok}  # unticked: nobody has said so yet
        locked.ticks_text = json.dumps(kept, ensure_ascii=False, sort_keys=True)
    if before != (locked.answers_text, locked.reason, locked.ticks_text):
        locked.version += 1
        locked.saved_at, locked.saved_by = at, f"{by.section}　{by.person.name}"
        locked.save()
    for conflict in merged.conflicts:
        _keep_conflict(locked, conflict, by=by, at=at)
    return Saved(locked, merged.conflicts)


def editable_row(pk: int, by: Seat) -> Application | None:
    """The application with its row locked, alone (not the call's and the section's too); None where it is not theirs."""
    return _editable(pk, by).first()


def hold_editable(pk: int, by: Seat) -> bool:
    """Lock the row without reading it; False where it is not theirs."""
    return _editable(pk, by).only("pk").order_by("pk").first() is not None


def _editable(pk: int, by: Seat) -> QuerySet[Application]:
    return Application.objects.editable_by(by).select_for_update(of=("self",), no_key=True).filter(pk=pk)


def _keep_conflict(application: Application, conflict: form_answers.Conflict, *, by: Seat, at: datetime) -> None:
    EditConflict.objects.update_or_create(
        application=application, field=conflict.field, row=conflict.row or "", column=conflict.column or "",
        person_id=by.person_id,
        defaults={"yours_text": json.dumps(conflict.yours, ensure_ascii=False), "written_at": at,
                  "written_by": f"{by.section}　{by.person.name}"},
    )  # fmt: skip


@transaction.atomic
def settle_conflict(conflict: EditConflict, take: bool, *, by: Seat, at: datetime) -> None:
    """二人の記載の違いを決める: put the second text in place of the stored one, or let the stored one stand."""
    application = editable_row(conflict.application_id, by)
    if application is None or not by.may_act:
        raise Refused("この申込書はいま編集できません。画面を開き直してください。")
    if not EditConflict.objects.filter(pk=conflict.pk).exists():
        raise Refused("この記載の違いは、すでに解決されています。画面を開き直してください。")
    if take:
        application.answers = _with(application.answers, conflict)
        application.version += 1
        application.saved_at, application.saved_by = at, f"{by.section}　{by.person.name}"
        application.save()
    conflict.delete()


def _with(answers: dict[str, Any], conflict: EditConflict) -> dict[str, Any]:
    """The answers with the text of a conflict in its place."""
    yours = conflict.yours
    if not conflict.row:
        return answers | {conflict.field: yours}
    rows = answers.get(conflict.field) or []
    if conflict.column:
        rows = [row | {conflict.column: yours} if row["row"] == conflict.row else row for row in rows]
    else:
        rows = [row for row in rows if row["row"] != conflict.row] + ([yours] if yours else [])
    return answers | {conflict.field: rows}


@transaction.atomic
def submit(application: Application, *, by: Seat, at: datetime) -> Application:
    """提出: to the prefecture. After the organiser's deadline refused, to the microsecond, showing both times."""
    call = application.call
    hold(application.prefecture_id)
    if not by.may_act or not hold_editable(application.pk, by):  # nobody saves between check and change
        raise Refused("この申込書はいま提出できません。提出済みか、担当が替わっています。画面を開き直してください。")
    if call.announced_at:
        raise Refused("選定結果が通知されているため、提出できません。事務局へ御相談ください。")
    _check_deadline(call, application, at)
    refuse_open_differences(application)
    cases = cases_of(application)
    drop_who_left(application, cases, by=by, at=at)
    problems = form_answers.problems(application.form, application.answers)
    if problems:
        raise Refused(f"記入を確かめてください（{len(problems)}か所）。{problems[0].text}")
    findings = application.findings(at)
    stops = [f.reason for f in findings if f.stops_at("apply")]
    if stops:
        raise Refused("　".join(stops))
    changed = Application.objects.filter(pk=application.pk, state__in=Application.EDITABLE, version=application.version)
    row = cases.get(application.applicant_id)
    late = bool(row and row.inquiry.parent_id and row.inquiry.due and at > row.inquiry.due)
    again = application.state == "returned"
    number = application.number or receipt_number_for(application)
    section = row.section if row else application.section  # it may have been passed on since
    now = {"state": "submitted", "submitted_at": at, "past_prefecture_due": late, "number": number, "section": section}
    if not changed.update(**now):
        raise Refused("ほかの方が先に保存または提出しました。画面を開き直して確かめてください。")
    for name, value in now.items():
        setattr(application, name, value)
    if again:
        application.corrections.filter(mended_at=None).update(mended_at=at)
    title = "補正して再提出" if again else "申込書を提出"
    facts = {"number": number, "version": application.version, "digest": _digest(application),
             "warnings": [f.rule.id for f in findings if not f.ok]}  # fmt: skip
    entry = Entry("submit", title + ("（県の期限を超過）" if late else ""), KIND, application.pk, facts)
    way = "proxy" if application.by_proxy else "screen"
    set_state(row, "answered", by=by, at=at, way=way, also=[entry])
    if application.by_proxy:
        tell_of_proxy(application, by=by, at=at)
    elif gathers := cases.get(application.prefecture_id):
        _tell_prefecture(application, gathers, title, by=by, at=at)
    return application


def open_differences(application: Application) -> list[str]:
    """The fields two people wrote differently and nobody has settled yet, by their labels."""
    fields = set(application.edit_conflicts.values_list("field", flat=True))
    return [field.label for field in application.form.fields() if field.id in fields]


def refuse_open_differences(application: Application) -> None:
    """What is submitted is what somebody decided on, not whichever of two texts was saved last."""
    if labels := open_differences(application):
        raise Refused(
            f"二人が別々に書いた箇所が残っています（{'、'.join(labels)}）。"
            "申込書の「記載の違い」で、どちらの記載を使うか選んでから提出してください。"
        )


def _check_deadline(call: Call, application: Application, at: datetime) -> None:
    if at > call.deadline and not application.late_accepted():
        raise Refused(
            f"事務局への提出期限（{precise(call.deadline)}）を過ぎています（受信 {precise(at)}）。"
            "記入した内容は保存されています。やむを得ない事情があるときは事務局へ御相談ください。"
        )


def receipt_number_for(application: Application) -> str:
    """受付番号: fiscal year, prefecture, place in the order of receipt (R7-12-003). The act holds the prefecture."""
    year = application.definition.fiscal_year - 2018
    code = application.prefecture.code[:2]
    count = Application.objects.filter(call=application.call_id, prefecture=application.prefecture_id).exclude(
        number=""
    )
    return f"R{year}-{code}-{count.count() + 1:03d}"


def _digest(application: Application) -> str:
    return hashlib.sha256(application.answers_text.encode()).hexdigest()


def _tell_prefecture(application: Application, row: Addressee, title: str, *, by: Seat, at: datetime) -> None:
    """`row`: the prefecture's case, whose section gathers."""
    send(
        to=[row.section.email],
        subject=f"【{application.prefecture}{application.applicant}】{application.call.definition.call.title}（{title}）",
        text=f"{row.section.name}　御中\n\n{application.applicant}から申込書が提出されました。\n\n"
        f"応募地域名　{application.area_name}\n受付番号　{application.number}\n提出日時　{to_the_minute(at)}\n\n"
        "Kyotenにログインし、「管内のとりまとめ」から内容を確認してください。",
        at=at,
        key=f"submit:{application.pk}:{application.version}",
        by=by.actor(),
        section_id=by.section_id,
        about=(KIND, application.pk),
    )


@transaction.atomic
def send_back(
    application: Application, reasons: Mapping[str, str], *, due: date | None = None, by: Seat, at: datetime
) -> None:
    """補正依頼: the prefecture asks for mending, section by section. A frozen とりまとめ that holds it becomes void."""
    if by.organisation.pk != application.prefecture_id or not by.may_act:
        raise Refused("補正を依頼できるのは、都道府県の担当だけです。")
    reasons = {section: text.strip() for section, text in reasons.items() if text.strip()}
    if not reasons:
        raise Refused("補正してほしい箇所と内容を、1か所以上書いてください。")
    if due and due < local(at).date():
        raise Refused("補正の期限が過ぎた日になっています。本日以降の日付を入れてください。")
    hold(application.prefecture_id)
    if not Application.objects.filter(pk=application.pk, state="submitted").update(state="returned"):
        raise Refused("この申込書は「提出済」ではないため、補正を依頼できません。画面を開き直してください。")
    titles = {section.id: section.title for section in application.form.sections}
    Correction.objects.bulk_create(
        Correction(application=application, section=section, section_title=titles.get(section, "全体"), text=text,
                   asked_at=at, asked_by=f"{by.section}　{by.person.name}", due=due)
        for section, text in reasons.items()
    )  # fmt: skip
    void_bundles(application.call, application.prefecture, "補正依頼があったため", by=by, at=at)
    row = (
        Addressee.objects.filter(root=application.call.inquiry_id, organisation=application.applicant)
        .select_related("inquiry")
        .first()
    )
    if row:
        set_state(row, "returned", by=by, at=at)
    record("send_back", "補正を依頼", kind=KIND, record_id=application.pk, by=by.actor(), at=at,
           facts={"sections": sorted(reasons)}, note="\n".join(reasons.values()))  # fmt: skip
    lines = [f"■ {titles.get(place, '全体')}\n{text}" for place, text in reasons.items()]
    section = application.section_in_charge()
    send(
        to=[section.email],
        subject=f"【補正依頼】{application.call.definition.call.title}",
        text=f"{application.applicant}　{section.name}　御中\n\n申込書（{application.number}）について、次の補正をお願いします。\n\n"
        + "\n\n".join(lines)
        + (f"\n\n補正の期限　{wareki(due, with_weekday=True)}" if due else "")
        + f"\n\n{by.section}",
        at=at,
        key=f"send_back:{application.pk}:{at.isoformat()}",
        by=by.actor(),
        section_id=by.section_id,
        about=(KIND, application.pk),
    )


def void_bundles(call: Call, prefecture: Organisation, why: str, *, by: Seat, at: datetime) -> None:
    """A change between 起案 and 施行 voids what was frozen: what was decided is no longer what would go out."""
    for bundle in Bundle.objects.filter(call=call, prefecture=prefecture, state="prepared"):
        Bundle.objects.filter(pk=bundle.pk).update(state="void", void_reason=why)
        Application.objects.filter(bundle=bundle).update(bundle=None)
        record("void", f"起案を失効（{why}）", kind="bundle", record_id=bundle.pk, by=by.actor(), at=at)


@transaction.atomic
def withdraw(application: Application, reason: str, *, by: Seat, at: datetime) -> None:
    """取下げ: possible until the announcement, by the applicant (or who entered it by proxy)."""
    if not application.belongs_to(by) or not by.may_act:
        raise Refused("取り下げられるのは、申込団体の担当だけです。")
    call = hold_call(application.call_id)
    hold(application.prefecture_id)
    application.refresh_from_db()  # it may have been submitted or sent on since the page was drawn
    if call.announced_at:
        raise Refused("選定結果が通知されているため、取り下げられません。事務局へ御相談ください。")
    if not Application.objects.filter(pk=application.pk).exclude(state="withdrawn").update(state="withdrawn"):
        raise Refused("この申込書はすでに取り下げられています。")
    void_bundles(call, application.prefecture, "取下げがあったため", by=by, at=at)
    rows = Addressee.objects.filter(root=call.inquiry_id).select_related("inquiry")
    own = rows.filter(organisation=application.applicant).first()
    if own and own.state != "considering":
        set_state(own, "considering", by=by, at=at)
    apply_with(rows.filter(represented_by=application.applicant), None, by=by, at=at)
    record("withdraw", "申込みを取下げ", kind=KIND, record_id=application.pk, by=by.actor(), at=at, note=reason)
    if application.submitted_at:
        _tell_of_withdrawal(application, call, reason, by=by, at=at)


def _tell_of_withdrawal(application: Application, call: Call, reason: str, *, by: Seat, at: datetime) -> None:
    row = Addressee.objects.filter(root=call.inquiry_id, organisation=application.prefecture).first()
    to = [row.section.email] if row else []
    to += [call.organiser.email] if application.forwarded_at else []
    if to:
        send(
            to=to, subject=f"【取下げ】{call.definition.call.title}　{application.applicant}",
            text=f"{application.applicant}が申込み（{application.number}　{application.area_name}）を取り下げました。\n\n理由　{reason or '記載なし'}",
            at=at, key=f"withdraw:{application.pk}", by=by.actor(), section_id=by.section_id, about=(KIND, application.pk),
        )  # fmt: skip


@transaction.atomic
def keep_original(
    application: Application,
    data: bytes,
    name: str,
    source: str,
    *,
    by: Seat,
    at: datetime,
    arrived_at: datetime | None = None,
):
    """原本の保存: what came by mail, FAX or post is kept beside what an officer typed in from it.

    `arrived_at`: when its mail arrived, where that is known; the organiser's deadline is judged by it.
    """
    if source:
        Application.objects.filter(pk=application.pk).update(proxy_source=source[:20])
    attachment = store_file(data, name, by=by.actor(), at=at, kind=KIND, record_id=application.pk, label="original")
    facts = {"sha256": attachment.sha256} | ({"arrived_at": arrived_at.isoformat()} if arrived_at else {})
    record("original", f"原本「{attachment.name}」を保存", kind=KIND, record_id=application.pk, by=by.actor(), at=at,
           facts=facts)  # fmt: skip
    return attachment


def arrived_at(application: Application) -> datetime | None:
    """When the mail that brought the newest original arrived; None where it did not come out of a mail of ours."""
    kept = Event.objects.of(KIND, application.pk).filter(act="original").last()
    moment = kept.facts.get("arrived_at") if kept else None
    return datetime.fromisoformat(moment) if moment else None


@transaction.atomic
def attach_file(application: Application, data: bytes, name: str, *, by: Seat, at: datetime):
    """添付: a file the applicant adds to its application."""
    if not Application.objects.editable_by(by).filter(pk=application.pk).exists() or not by.may_act:
        raise Refused("提出済みの申込書には添付を加えられません。")
    attachment = store_file(data, name, by=by.actor(), at=at, kind=KIND, record_id=application.pk, label="attachment")
    record("attach", f"「{attachment.name}」を添付", kind=KIND, record_id=application.pk, by=by.actor(), at=at,
           facts={"sha256": attachment.sha256})  # fmt: skip
    return attachment


@transaction.atomic
def carry_forward(application: Application, *, by: Seat, at: datetime) -> list:
    """新しい版へ移す: the owner carries its application to the newest form; answers without a place are returned."""
    application = editable_row(application.pk, by)
    if application is None or not by.may_act:
        raise Refused("提出済みの申込書は、新しい版の様式へ移せません。")
    newest = application.call.programme
    if newest.pk == application.programme_id:
        raise Refused("この申込書は、すでに最新の様式です。")
    answers, homeless = form_answers.carry(application.form, newest.definition.form, application.answers)
    application.programme, application.answers = newest, answers
    application.version += 1
    application.save()
    record("carry", f"様式を版{newest.revision}へ移行", kind=KIND, record_id=application.pk, by=by.actor(), at=at,
           note="\n".join(f"移せなかった記載　{item.label}「{item.shown}」" for item in homeless))  # fmt: skip
    return homeless

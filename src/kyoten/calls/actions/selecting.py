"""選定: checks, notes, conflicts of interest, the decision with its reason, and the announcement in one act."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime

from django.db import transaction
from django.db.models import QuerySet

from kyoten.calls.actions.applying import hold_call
from kyoten.calls.models import Application, Call, Check, Conflict, Decision, LateAcceptance, ReviewNote
from kyoten.inquiries.models import REPLIES, Addressee
from kyoten.organisations.models import Organisation, Seat, Section, User
from kyoten.post.actions import bar, send
from kyoten.records.actions import Entry, attach, record, record_many
from kyoten.records.models import Attachment, Refused
from kyoten.rules.text import without_reading

CLOSED = "選定結果を通知した後は変更できません。"
KIND = "selection"  # its own chain per application: outsiders read the application's, never this one


def _organiser(application: Application, by: Seat) -> None:
    mine = Application.objects.visible_to(by).filter(call__organiser__organisation=by.organisation)
    if not by.may_act or not mine.filter(pk=application.pk).exists():
        raise Refused("この操作ができるのは、事務局の担当（利益相反のない方）だけです。")


def _still_open(call: Call) -> Call:
    locked = hold_call(call.pk)
    if locked.announced_at:
        raise Refused(CLOSED)
    return locked


def _who(by: Seat) -> str:
    return f"{by.section}　{by.person.name}"


@transaction.atomic
def tick(application: Application, rule: str, ok: bool | None, *, by: Seat, at: datetime) -> None:
    """形式要件の確認: a person's word on one requirement; None takes it back."""
    _organiser(application, by)
    _still_open(application.call)
    names = {each.id: each.name for each in application.definition.call.rules}
    if rule not in names:
        raise Refused("この要件は公募要領にありません。画面を開き直してください。")
    if ok is None:
        Check.objects.filter(application=application, rule=rule).delete()
    else:
        Check.objects.update_or_create(
            application=application, rule=rule, defaults={"ok": ok, "checked_by": _who(by), "checked_at": at}
        )
    words = {True: "満たす", False: "満たさない", None: "確認を取り消し"}[ok]
    record("tick", f"要件「{names[rule]}」の確認：{words}", kind=KIND, record_id=application.pk, by=by.actor(), at=at,
           facts={"rule": rule, "ok": ok})  # fmt: skip


@transaction.atomic
def write_note(application: Application, text: str, *, by: Seat, at: datetime) -> ReviewNote:
    """審査メモ, inside the organiser only."""
    _organiser(application, by)
    if not text.strip():
        raise Refused("メモの内容を書いてください。")
    note = ReviewNote.objects.create(application=application, text=text.strip(), written_by=_who(by), written_at=at)
    record("note", "審査メモを記入", kind=KIND, record_id=application.pk, by=by.actor(), at=at, note=text)
    return note


@transaction.atomic
def declare_conflict(application: Application, person: User, reason: str, *, by: Seat, at: datetime) -> None:
    """利益相反の申告: from now on this person sees nothing of the case. Only a 管理 seat can put it on another.

    Possible already while the organiser types the case in. What its prefecture replies may hold the form itself.
    """
    typed_in = Application.objects.editable_by(by).filter(pk=application.pk, by_proxy="secretariat")
    if not typed_in.exists() or not by.may_act:
        _organiser(application, by)
    if person.pk != by.person_id and by.role != "manager":
        raise Refused("ほかの方の利益相反を登録できるのは、管理の席だけです。")
    if not reason.strip():
        raise Refused("利益相反の内容を書いてください（例：申込団体の会議の委員である）。")
    _, new = Conflict.objects.get_or_create(
        application=application, person=person, defaults={"reason": reason.strip(), "declared_at": at}
    )
    if not new:
        raise Refused("この方の利益相反はすでに登録されています。")
    bar(person.pk, "application", application.pk)
    for case in Addressee.objects.filter(root=application.call.inquiry_id, organisation=application.prefecture_id):
        bar(person.pk, REPLIES, case.pk)
    record("conflict", f"利益相反を登録（{person.name}）", kind=KIND, record_id=application.pk, by=by.actor(), at=at,
           note=reason)  # fmt: skip


@transaction.atomic
def decide(application: Application, outcome: str, reason: str, *, by: Seat, at: datetime) -> Decision:
    """選定の決定: with a reason. Nobody outside sees it before the announcement; until then it can be changed."""
    _organiser(application, by)
    call = _still_open(application.call)
    if outcome not in Decision.Outcome.values:
        raise Refused("「選定」か「不選定」を選んでください。")
    if not reason.strip():
        raise Refused("決定の理由を書いてください（記録に残ります）。")
    current = Application.objects.select_for_update(no_key=True).get(pk=application.pk)
    if current.state != "forwarded":
        raise Refused("取り下げられた申込みは選定の対象になりません。")
    if outcome == "selected":
        _check_requirements(current, at)
        _check_places(call, current)
    decision, _ = Decision.objects.update_or_create(
        application=application,
        defaults={"outcome": outcome, "reason": reason.strip(), "decided_by": _who(by), "decided_at": at},
    )
    record("decide", f"「{decision.get_outcome_display()}」と決定", kind=KIND, record_id=application.pk, by=by.actor(), at=at,
           facts={"outcome": outcome}, note=reason)  # fmt: skip
    return decision


def _check_requirements(application: Application, at: datetime) -> None:
    ticked = {check.rule: check.ok for check in application.checks.all()}
    findings = application.findings(at)
    stops = [f for f in findings if f.stops_at("screening") and not ticked.get(f.rule.id)]
    stops += [f for f in findings if f.rule.level == "stop" and ticked.get(f.rule.id) is False and f.ok]
    if stops:
        raise Refused(f"満たしていない要件があるため選定できません（{stops[0].rule.text}）。{stops[0].reason}")


def _check_places(call: Call, application: Application) -> None:
    """「1地域程度」: more than the number is possible, twice the number is not what the sentence says (ours)."""
    others = Decision.objects.filter(application__call=call, outcome="selected").exclude(application=application)
    places = call.definition.call.places
    if others.exclude(application__state="withdrawn").count() >= places * 2:
        raise Refused(f"選定数（{call.definition.call.places_text}）を大きく超えます。ほかの決定を見直してください。")


def undecided(call: Call) -> list[Application]:
    """Every application that came in is told its result, so each needs a decision (別紙2 9)."""
    return list(Application.objects.filter(call=call, state="forwarded", decision=None))


def awaited(call: Call) -> list[Organisation]:
    """Bodies let through after the deadline from which nothing has come: after the announcement nothing can."""
    rows = LateAcceptance.objects.filter(call=call).select_related("organisation")
    came = Application.objects.filter(call=call, forwarded_at__gt=call.deadline).values_list("applicant", "prefecture")
    there = {body for pair in came for body in pair}
    return [row.organisation for row in rows if row.organisation_id not in there]


def announce(
    call: Call,
    letters: Callable[[Decision], Attachment],
    *,
    document_number: str,
    decided_on: date | None,
    by: Seat,
    at: datetime,
) -> Call:
    """選定結果の通知: one act; letter and mail to every applicant's representative, and to the prefectures.

    `letters` prints one and keeps it. All are printed first, with nothing locked; the act then checks that what was
    printed is still what is decided.
    """
    call = Call.objects.select_related("organiser").get(pk=call.pk)
    given = {"document_number": document_number.strip()[:100], "decided_on": decided_on, "by": by, "at": at}
    printed = {_printed_from(decision): letters(decision) for decision in _to_announce(call, **given)}
    return _announce(call, printed, **given)


@transaction.atomic
def _announce(
    call: Call, printed: dict[tuple, Attachment], *, document_number: str, decided_on: date, by: Seat, at: datetime
) -> Call:
    locked = hold_call(call.pk)
    decisions = _to_announce(locked, document_number=document_number, decided_on=decided_on, by=by, at=at)
    if {_printed_from(decision) for decision in decisions} != printed.keys():
        raise Refused("通知文の作成の間に、決定又は申込みが変わりました。内容を確かめて、もう一度通知してください。")
    locked.announced_at, locked.result_number, locked.result_decided_on = at, document_number, decided_on
    locked.save(update_fields=["announced_at", "result_number", "result_decided_on"])
    _record_announcement(locked, decisions, by=by, at=at)
    cases = Addressee.objects.filter(root=locked.inquiry_id).select_related("section")
    in_charge = {case.organisation_id: case.section for case in cases}  # passed on, it may be, since it was submitted
    for decision in decisions:
        section = in_charge.get(decision.application.applicant_id, decision.application.section)
        _tell_applicant(decision, printed[_printed_from(decision)], locked, section, by=by, at=at)
    _tell_prefectures(locked, decisions, by=by, at=at)
    return locked


def _printed_from(decision: Decision) -> tuple:
    """What a letter says hangs on these."""
    application = decision.application
    return decision.pk, decision.outcome, application.pk, application.version, application.number


def _to_announce(
    call: Call, *, document_number: str, decided_on: date | None, by: Seat, at: datetime
) -> list[Decision]:
    """The decisions to be told, or the reason why they may not be told yet."""
    if call.organiser.organisation_id != by.section.organisation_id or not by.may_act:
        raise Refused("結果を通知できるのは、事務局の担当だけです。")
    if call.announced_at:
        raise Refused(CLOSED)
    if at <= call.deadline:
        raise Refused("申込締切の前は、結果を通知できません。")
    if not document_number or decided_on is None:
        raise Refused("決裁日と文書番号を記入してください（事務連絡のときは「事務連絡」と記入します）。")
    if decided_on > at.date():
        raise Refused("決裁日が本日より後になっています。日付を確かめてください。")
    if Conflict.objects.filter(application__call=call, application__state="forwarded", person=by.person_id).exists():
        raise Refused("利益相反を登録した申込みが含まれるため、ほかの担当が通知してください。")
    if left := undecided(call):
        raise Refused(f"決定していない申込みが{len(left)}件あります。すべて決定してから通知してください。")
    decisions = list(_decisions(call))
    if not decisions:
        raise Refused("通知する申込みがありません。")
    return decisions


def _decisions(call: Call) -> QuerySet[Decision]:
    rows = Decision.objects.filter(application__call=call, application__state="forwarded")
    return rows.select_related(
        "application__applicant", "application__section", "application__prefecture", "application__programme"
    ).order_by("application__prefecture__code", "application__pk")


def _record_announcement(call: Call, decisions: list[Decision], *, by: Seat, at: datetime) -> None:
    entries = [
        Entry("announce", f"選定結果（{d.get_outcome_display()}）を通知", "application", d.application_id,
              {"outcome": d.outcome})
        for d in decisions
    ]  # fmt: skip
    record_many([*entries, Entry("announce", "選定結果を通知", "call", call.pk)], by=by.actor(), at=at)


def _tell_applicant(
    decision: Decision, letter: Attachment, call: Call, section: Section, *, by: Seat, at: datetime
) -> None:
    application = decision.application
    answers = application.answers
    attach(letter, kind="application", record_id=application.pk, label="result")
    to = [address for address in (answers.get("rep_email"), section.email) if address]
    send(
        to=list(dict.fromkeys(to)),
        subject=f"{call.definition.call.title}　選定結果について（通知）",
        text=result_text(decision, call),
        at=at,
        key=f"result:{application.pk}",
        by=by.actor(),
        section_id=by.section_id,
        about=("application", application.pk),
        attachments=[letter],
    )


def result_text(decision: Decision, call: Call) -> str:
    """The result in words, the same in the mail and in the letter. The internal reason is not told."""
    application = decision.application
    answers = application.answers
    name = f"{answers.get('rep_organisation', '')}　{without_reading(answers.get('rep_name', ''))}　様".strip("　 ")
    area = application.area_name or application.applicant.name
    if decision.outcome == "selected":
        result = (
            f"貴地域（{area}）を、伴走支援の実施地域として選定しました。\n今後の進め方は、担当から改めて御連絡します。"
        )
    else:
        result = f"貴地域（{area}）は、今回は選定に至りませんでした。\n御応募いただきありがとうございました。"
    contact = call.definition.contact
    return (
        f"{name}\n\n{call.definition.call.title}に御応募いただき、ありがとうございました。\n"
        f"選定の結果を下記のとおりお知らせします。\n\n記\n\n受付番号　{application.number}\n{result}\n\n以上\n\n"
        f"【連絡先】{contact.name}　{contact.email}"
    )


def _tell_prefectures(call: Call, decisions: list[Decision], *, by: Seat, at: datetime) -> None:
    by_prefecture: dict[int, list[Decision]] = {}
    for decision in decisions:
        by_prefecture.setdefault(decision.application.prefecture_id, []).append(decision)
    rows = Addressee.objects.filter(root=call.inquiry_id, organisation__in=by_prefecture)
    for row in rows.select_related("section", "organisation"):
        lines = "\n".join(
            f"・{d.application.number}　{d.application.area_name}（{d.application.applicant}）　{d.get_outcome_display()}"
            for d in by_prefecture[row.organisation_id]
        )
        send(
            to=[row.section.email],
            subject=f"{call.definition.call.title}　選定結果について（通知）",
            text=f"{row.organisation}　{row.section.name}　御中\n\n貴管内の申込みの選定結果を、下記のとおり各代表者へ通知しました。\n\n{lines}\n\n{call.organiser}",
            at=at,
            key=f"result:prefecture:{call.pk}:{row.pk}",
            by=by.actor(),
            section_id=by.section_id,
            about=("call", call.pk),
            mentions=[("application", d.application_id) for d in by_prefecture[row.organisation_id]],
        )

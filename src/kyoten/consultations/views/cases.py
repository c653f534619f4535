"""One case: what was said, who works on it, the draft and its approval, and every act on it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import messages
from django.db import connection
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from kyoten.consultations.actions import answering, handling
from kyoten.consultations.actions.knowledge import suggestions_for, with_source
from kyoten.consultations.actions.withholding import may_open
from kyoten.consultations.desks import Desk
from kyoten.consultations.forms import HANDLINGS, Answering, Assigning, CallingBack, Describe, MomentField, Referring
from kyoten.consultations.models import KIND, STATES, Callback, Consultation, Draft, Mark, Message, Referral
from kyoten.consultations.personal import found_in
from kyoten.consultations.views.access import case_for, desk_for
from kyoten.post.models import InboundMail
from kyoten.post.serving import download_part
from kyoten.records.actions import log_access
from kyoten.records.history import history
from kyoten.records.models import Refused
from kyoten.records.statements import statement
from kyoten.rules.clock import END_OF_DAY, JST
from kyoten.rules.text import narrow


def show(request: HttpRequest, pk: int) -> HttpResponse:
    case = case_for(request, pk)
    log_access(KIND, case.pk, by=request.seat.actor(), at=request.at, what="相談")
    return _page(request, case)


def _page(
    request: HttpRequest, case: Consultation, status: int = 200, **forms_with_errors: forms.Form | str
) -> HttpResponse:
    """The case with all its forms; those a refused act brings keep what was typed (`typed`: one text)."""
    desk = desk_for(request, case)
    [(owner, drafting, calling, referred)] = _around(case.pk)
    draft = _open_draft(case) if drafting else None
    marks = _marks(case)
    listed = _messages(case)
    may_act = request.seat.may_act
    context = {
        "case": case, "desk": desk, "rules": desk.rules, "shown": case.shown_state(request.at), "messages_of": listed,
        "draft": draft, "mine": bool(draft and draft.written_by.person_id == request.seat.person_id), "owner": owner,
        "labels": _labels(desk.rules, case, marks), "referrals": case.referrals.all() if referred else (),
        "callbacks": case.callbacks.filter(done_at=None).select_related("owner__person") if calling else (),
        "events": history(KIND, case.pk), "may_act": may_act,
        "others": _others(request, case), "people": found_in(case, desk, listed),
    } | _asked_for(request, case, desk, marks) | forms_with_errors  # fmt: skip
    if unshown := _unshown(request, case, draft, forms_with_errors):
        context["typed"] = unshown
    if may_act and ("answering" in context or draft or case.is_open):
        context = {"answering": Answering(initial=_answer_initial(case, draft))} | context
        context["suggestions"] = suggestions_for(case)
    return render(request, "consultations/case.html", context, status=status)


def _unshown(
    request: HttpRequest, case: Consultation, draft: Draft | None, given: Mapping[str, forms.Form | str]
) -> str:
    """What was typed into a form the page has no place for any more: a colleague was quicker (承認待ち, 統合)."""
    awaiting = draft is not None and draft.state == "awaiting"
    typed: list[str] = []
    for name, form in given.items():
        if isinstance(form, forms.Form) and (case.state == "merged" or name == "answering" and awaiting):
            for error in form.non_field_errors():
                messages.error(request, str(error))
            typed += [value for field in form.visible_fields() if isinstance(value := field.value(), str) and value]
    return "\n".join(typed)


@statement
def _around(case: int) -> QuerySet:
    """Who has the case, and whether there is an open draft, a 折り返し予定 that waits, a 照会: mostly there is none."""
    of_case = {"consultation": OuterRef("pk")}
    return Consultation.objects.filter(pk=case).values_list(
        "owner__person__name",
        Exists(Draft.objects.filter(**of_case, state__in=Draft.OPEN)),
        Exists(Callback.objects.filter(**of_case, done_at=None)),
        Exists(Referral.objects.filter(**of_case)),
    )


def _open_draft(case: Consultation) -> Draft | None:
    rows = case.drafts.filter(state__in=Draft.OPEN).select_related("written_by__person", "approved_by__person")
    return rows.first()


def _marks(case: Consultation) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {"subject": [], "function": [], "scene": []}
    for kind, value in _marked(case.pk):
        found[kind].append(value)
    return found


@statement
def _marked(case: int) -> QuerySet:
    return Mark.objects.filter(consultation=case).order_by("pk").values_list("kind", "value")


def _messages(case: Consultation) -> list[Message]:
    """What was said, oldest first, each with the names of the files that came with it."""
    listed = []
    for *values, moved_from in _said(case.pk):
        message = Message.from_db(connection.alias, MESSAGE, values)
        message.moved_number = moved_from
        listed.append(message)
    _attach(listed)
    return listed


MESSAGE = [field.attname for field in Message._meta.concrete_fields if field.attname != "attached_text"]


@statement
def _said(case: int) -> QuerySet:
    return Message.objects.filter(consultation=case).order_by("at", "pk").values_list(*MESSAGE, "moved_from__number")


def _asked_for(
    request: HttpRequest, case: Consultation, desk: Desk, marks: dict[str, list[str]]
) -> dict[str, forms.Form]:
    """The one form of `?act=`: all of them on every page would be most of its weight."""

    def seats() -> QuerySet:
        return handling.colleagues(case, request.at)

    made: dict[str, Callable[[], forms.Form]] = {
        "answering": lambda: Answering(initial=_answer_initial(case, None)),
        "assigning": lambda: Assigning(seats=seats(), initial={"owner": case.owner_id}),
        "describe": lambda: Describe(desk=desk.rules, initial=_initial(case, marks)),
        "referring": Referring,
        "calling": lambda: CallingBack(seats=seats(), initial={"when": request.at, "phone": case.phone}),
    }
    act = request.GET.get("act", "")
    if act == "answering" and case.is_open:
        return {}  # its form stands on the page anyway, with the draft in it
    return {act: made[act]()} if act in made and request.seat.may_act else {}


def _initial(case: Consultation, marks: dict[str, list[str]]) -> dict:
    names = ("subject", "body_name", "person_name", "phone", "email", "asker", "handling", "minutes", "urgent",
             "personal", "version")  # fmt: skip
    return {name: getattr(case, name) for name in names} | {f"{kind}s": values for kind, values in marks.items()}


def _answer_initial(case: Consultation, draft: Draft | None) -> dict:
    if draft:
        return {"subject": draft.subject, "text": draft.text, "version": draft.version}
    return {"subject": f"Re: {case.subject}"[:500]}


def _labels(rules, case: Consultation, marks: dict[str, list[str]]) -> dict[str, str]:
    """The definition's words for what a case is marked with."""
    words = {
        "asker": {item.id: item.label for item in rules.askers},
        "subject": {item.id: item.label for item in rules.subjects},
        "function": {item.id: item.label for item in rules.functions},
        "scene": {item.id: item.label for item in rules.scenes},
    }
    found = {kind: "、".join(words[kind].get(value, value) for value in values) for kind, values in marks.items()}
    return found | {
        "asker": words["asker"].get(case.asker, case.asker),
        "handling": dict(HANDLINGS).get(case.handling, "") if case.handling else "",
    }


def _attach(listed: list[Message]) -> None:
    """The names of what came with each mail, in one query."""
    ids = [m.mail_id for m in listed if m.kind in ("in", "heard", "auto") and m.mail_id]
    names = dict(InboundMail.objects.filter(pk__in=ids).values_list("pk", "attachment_names")) if ids else {}
    masked = any(message.masked_at for message in listed)
    for message in listed:
        message.unmasked = masked and not message.withheld_at  # its files may still show what was masked
        message.attached = (
            names.get(message.mail_id, "").splitlines() if message.kind in ("in", "heard", "auto") else []
        )


def _others(request: HttpRequest, case: Consultation) -> list[dict[str, Any]]:
    """Other cases of the same caller, the newest first: to merge with, and to know of."""
    rows = _same_caller(request.seat.organisation.pk, case.email, case.pk) if case.email else []
    return [
        {"pk": pk, "number": number, "subject": subject, "state": STATES[state]} for pk, number, subject, state in rows
    ]


@statement
def _same_caller(body: int, email: str, case: int) -> QuerySet:
    rows = Consultation.objects.of_body(body).filter(email=email).exclude(pk=case).exclude(state="merged")
    return rows.order_by("-received_at", "-pk").values_list("pk", "number", "subject", "state")[:10]


def _act(
    request: HttpRequest, case: Consultation, act: Callable[[], object], said: str, typed: str = "", **form: forms.Form
) -> HttpResponse:
    """Carry out one act: back to the case; a refusal shows the page again with what was typed."""
    try:
        act()
    except Refused as refusal:
        if typed.strip():
            messages.error(request, str(refusal))
            return _page(request, Consultation.objects.get(pk=case.pk), typed=typed)
        if not form:
            messages.error(request, str(refusal))
            return redirect("consultations:case", case.pk)
        [bound] = form.values()
        bound.add_error(None, str(refusal))
        return _page(request, case, **form)
    messages.success(request, said)
    return redirect("consultations:case", case.pk)


@require_POST
def assign(request: HttpRequest, pk: int) -> HttpResponse:
    case = case_for(request, pk)
    form = Assigning(request.POST, seats=handling.colleagues(case, request.at))
    if not form.is_valid():
        return _page(request, case, assigning=form)
    owner = request.seat if "mine" in request.POST else form.cleaned_data["owner"]
    seen = request.POST.get("seen")
    return _act(request, case, lambda: handling.assign(case, owner, by=request.seat, at=request.at, seen=seen),
                "担当を変更しました。", assigning=form)  # fmt: skip


@require_POST
def note(request: HttpRequest, pk: int) -> HttpResponse:
    case, text = case_for(request, pk), request.POST.get("text", "")

    def act() -> None:
        _check_length(text, 20_000)
        handling.add_note(case, text, by=request.seat, at=request.at)

    return _act(request, case, act, "メモを追加しました。", typed=text)


def _check_length(text: str, most: int) -> None:
    if len(text) > most:
        raise Refused(f"{len(text)}字あります。{most}字までに分けて入力してください。")


@require_POST
def describe(request: HttpRequest, pk: int) -> HttpResponse:
    case = case_for(request, pk)
    form = Describe(request.POST, desk=desk_for(request, case).rules)
    if not form.is_valid():
        return _page(request, case, describe=form)
    version = form.cleaned_data["version"]
    return _act(request, case, lambda: handling.describe(case, form.facts(), version, by=request.seat, at=request.at),
                "相談者・分類を保存しました。", describe=form)  # fmt: skip


@require_POST
def refer(request: HttpRequest, pk: int) -> HttpResponse:
    case, form = case_for(request, pk), Referring(request.POST)
    if not form.is_valid():
        return _page(request, case, referring=form)
    data = form.cleaned_data
    due = datetime.combine(data["due"], END_OF_DAY, JST) if data["due"] else None
    return _act(
        request, case,
        lambda: handling.refer(case, to_name=data["to_name"], to_email=data["to_email"], text=data["text"], due=due,
                               by=request.seat, at=request.at),
        f"{data['to_name']}へ照会しました。", referring=form,
    )  # fmt: skip


@require_POST
def draft(request: HttpRequest, pk: int) -> HttpResponse:
    """回答案: 資料を入れる (`insert`), 保存 (`do=save`), 承認の依頼 (`approval`), and where no approval is asked for, 回答 (`mail`, `phone`)."""
    case, form = case_for(request, pk), Answering(request.POST)
    if "insert" in request.POST:
        return _inserted(request, case)
    if not form.is_valid():
        return _page(request, case, answering=form)
    do, desk, data = request.POST.get("do", "save"), desk_for(request, case), form.cleaned_data
    said = {"save": "回答案を保存しました。", "approval": "承認を依頼しました。"}.get(do, "回答しました。")

    def act() -> None:
        written = answering.save_draft(case, **data, by=request.seat, at=request.at)
        if do == "approval":
            answering.ask_approval(written, by=request.seat, at=request.at)
        elif do in ("mail", "phone"):
            heard = request.POST.get("heard", "")[:400] or case.person_name or "相談者"
            answering.answer(written, desk, by_phone=heard if do == "phone" else "", by=request.seat, at=request.at)

    return _act(request, case, act, said, answering=form)


def _inserted(request: HttpRequest, case: Consultation) -> HttpResponse:
    """参考になる資料を回答案に入れる: into what was typed so far, for its writer to go on with. Nothing is saved yet."""
    typed = {name: request.POST.get(name, "") for name in Answering.base_fields}
    try:
        text = with_source(case, typed["text"], request.POST["insert"], by=request.seat, at=request.at)
        return _page(request, case, answering=Answering(initial=typed | {"text": text}))
    except Refused as refusal:
        messages.error(request, str(refusal))
        return _page(request, case, answering=Answering(initial=typed))


@require_POST
def decide(request: HttpRequest, pk: int) -> HttpResponse:
    """承認して回答 (`do=mail`, `phone`) or 差戻し (`back`) by the second person."""
    case = case_for(request, pk)
    do, remark = request.POST.get("do", ""), request.POST.get("remark", "")
    if do not in ("mail", "phone", "back"):
        messages.error(request, "承認して回答するか、差し戻すかを選んでください。")
        return redirect("consultations:case", pk)
    heard = request.POST.get("heard", "")[:400] or case.person_name or "相談者"

    def act() -> None:
        awaiting = _awaiting(case, request.POST.get("draft", ""))
        if do == "back":
            _check_length(remark, 2000)
            answering.send_back(awaiting, remark, by=request.seat, at=request.at)
        else:
            answering.answer(awaiting, desk_for(request, case), by_phone=heard if do == "phone" else "",
                             by=request.seat, at=request.at)  # fmt: skip

    said = "差し戻しました。" if do == "back" else "承認し、回答しました。"
    return _act(request, case, act, said, typed=remark)


def _awaiting(case: Consultation, shown: str) -> Draft:
    """The draft that waits for approval, if it is the very text the page showed (its id and version)."""
    draft = case.drafts.filter(state="awaiting").first()
    if draft is None:
        raise Refused("承認待ちの回答案はありません。ほかの方が先に回答したか、差し戻しています。")
    if draft.shown_as != shown:
        raise Refused("回答案は、画面を開いた後に書き換えられています。いまの回答案を読んでから、承認してください。")
    return draft


@require_POST
def callback(request: HttpRequest, pk: int) -> HttpResponse:
    case = case_for(request, pk)
    form = CallingBack(request.POST, seats=handling.colleagues(case, request.at))
    if not form.is_valid():
        return _page(request, case, calling=form)
    return _act(request, case, lambda: handling.promise_callback(case, **form.cleaned_data, by=request.seat, at=request.at),
                "折り返し予定を登録しました。", calling=form)  # fmt: skip


@require_POST
def called_back(request: HttpRequest, pk: int, row: int) -> HttpResponse:
    """折り返しの結果; `again` is the moment of the next try."""
    case = case_for(request, pk)
    here = Q(consultation=case) | Q(consultation=case.merged_into_id)  # a merger takes what was promised along
    waiting = get_object_or_404(Callback.objects.select_related("consultation").filter(here), pk=row)
    outcome, again = request.POST.get("outcome", ""), request.POST.get("again", "")

    def act() -> None:
        try:
            again_at = MomentField(required=False).clean(again)
        except forms.ValidationError:
            raise Refused("次の折り返しの日時は 2025-07-22T14:00 の形で入れてください。") from None
        handling.called_back(waiting, outcome, again_at=again_at, by=request.seat, at=request.at)

    return _act(request, case, act, "折り返しの結果を記録しました。", typed=outcome)


@require_POST
def close(request: HttpRequest, pk: int) -> HttpResponse:
    case, reason = case_for(request, pk), request.POST.get("reason", "")
    withdrawn = request.POST.get("do") == "withdrawn"

    def act() -> None:
        _check_length(reason, 2000)
        handling.close(case, reason, withdrawn=withdrawn, by=request.seat, at=request.at)

    return _act(request, case, act, "完了しました。", typed=reason)


@require_POST
def merge(request: HttpRequest, pk: int) -> HttpResponse:
    """統合: `into` is the number of the case this one belongs to."""
    case = case_for(request, pk)
    number = request.POST.get("into", "").strip()
    typed = narrow(number).replace("ー", "-")  # Ｒ７ー０００１, as it comes out of a Japanese keyboard
    into = Consultation.objects.visible_to(request.seat).filter(number__iexact=typed).first()
    if into is None:
        messages.error(request, f"受付番号「{number}」の相談は見つかりません。番号を確かめてください。")
        return redirect("consultations:case", pk)
    try:
        handling.merge(case, into, by=request.seat, at=request.at)
        messages.success(request, f"{into.number}に統合しました。")
        return redirect("consultations:case", into.pk)
    except Refused as refusal:
        messages.error(request, str(refusal))
        return redirect("consultations:case", pk)


@require_POST
def split(request: HttpRequest, pk: int, message: int) -> HttpResponse:
    case = case_for(request, pk)
    row = get_object_or_404(Message.objects.select_related("consultation"), pk=message, consultation=case)
    try:
        new = handling.split(row, desk_for(request, case), by=request.seat, at=request.at)
        messages.success(request, f"{new.number}として分けました。")
        return redirect("consultations:case", new.pk)
    except Refused as refusal:
        messages.error(request, str(refusal))
        return redirect("consultations:case", pk)


@require_POST
def settle_warning(request: HttpRequest, pk: int) -> HttpResponse:
    case = case_for(request, pk)
    return _act(
        request, case, lambda: handling.settle_warning(case, by=request.seat, at=request.at), "確認済みにしました。"
    )


def message_file(request: HttpRequest, pk: int, message: int, number: int) -> HttpResponse:
    """A file that came with a mail (`number` from 1), or the mail itself as it came (0)."""
    case = case_for(request, pk)
    row = get_object_or_404(case.messages.filter(kind__in=("in", "heard", "auto"), mail_id__isnull=False), pk=message)
    mail = get_object_or_404(InboundMail.objects.select_related("original"), pk=row.mail_id)
    if not may_open(row, number, request.seat):
        raise Http404
    log_access(KIND, case.pk, by=request.seat.actor(), at=request.at, what="相談の添付")
    return download_part(mail, number)

"""事例: an anonymised question and answer for the hubs, where purpose or consent allow it; a second person releases it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.db.models import F

from kyoten.consultations.actions.handling import CHANGED, check_seat, locked
from kyoten.consultations.actions.knowledge import all_hits, own_words
from kyoten.consultations.desks import Desk
from kyoten.consultations.knowledge_searching import EXAMPLE, index_examples
from kyoten.consultations.models import KIND, Consultation, Example
from kyoten.consultations.personal import body_names, once, places_of
from kyoten.organisations.models import Seat
from kyoten.records.actions import record
from kyoten.records.models import Refused
from kyoten.rules.personal import BodyNames, Span, mask
from kyoten.rules.text import clean, clean_line

NEVER = "この窓口の相談は、利用目的により事例にできません。"
NO_CONSENT = "事例にするには相談者の同意が要ります。同意を確かめ、その記録を入力してからにしてください。"


def basis_for(case: Consultation, desk: Desk) -> str:
    """根拠: what allows an example of this case, in words. Refused where nothing does.

    「allowed」 counts only while the purpose is word for word what this caller was told; a later change of the
    definition makes their case one that needs consent.
    """
    purpose = desk.rules.purpose
    if purpose.examples == "never":
        raise Refused(NEVER)
    if case.consent == "no":
        raise Refused("相談者が事例としての公開に同意していません。")
    if purpose.examples == "allowed" and case.purpose_text == purpose.text:
        return f"利用目的「{case.purpose_text}」"[:300]
    if case.consent == "yes" and case.consent_text.strip():
        return "相談者の同意（相談の記録による）"
    raise Refused(NO_CONSENT)


def may_propose(case: Consultation, desk: Desk) -> str:
    """Why no example can be proposed of this case; empty where it can."""
    if case.state not in ("answered", "closed"):
        return "事例にできるのは、回答した相談だけです。"
    try:
        basis_for(case, desk)
    except Refused as refusal:
        return str(refusal)
    return ""


def propose(
    case: Consultation, desk: Desk, *, title: str, question: str, answer: str, by: Seat, at: datetime
) -> Example:
    """事例の提案: text drawn from an answered case. Nothing is shown to anybody else before it is released.

    Where purpose and consent do not allow it, it is refused, and that somebody tried stands in the 経過 of the case.
    """
    check_seat(case, by)
    _refuse_other_uses(case, desk, by, at)
    return _propose(case, desk, _texts(title, question, answer), by, at)


def _refuse_other_uses(case: Consultation, desk: Desk, by: Seat, at: datetime) -> None:
    if case.state not in ("answered", "closed"):
        return
    try:
        basis_for(case, desk)
    except Refused as refusal:
        with transaction.atomic():  # committed although the act is refused
            record(
                "propose_refused", "利用目的の外の事例の提案を拒否", kind=KIND, record_id=case.pk, by=by.actor(), at=at
            )
        raise Refused(f"{refusal}この操作は記録しました。") from None


@transaction.atomic
def _propose(case: Consultation, desk: Desk, texts: dict[str, str], by: Seat, at: datetime) -> Example:
    case = locked(case)
    reason = may_propose(case, desk)
    if reason:
        raise Refused(reason)
    if case.examples.exclude(state="withdrawn").exists():
        raise Refused("この相談からは、すでに事例を提案しています。")
    example = Example.objects.create(
        consultation=case, operator=case.operator, programme=case.programme, fiscal_year=case.fiscal_year,
        basis=basis_for(case, desk), proposed_by=by, proposed_at=at, **texts,
    )  # fmt: skip
    record("propose_example", "事例として提案", kind=KIND, record_id=case.pk, by=by.actor(), at=at)
    record("propose", "事例の提案", kind=EXAMPLE, record_id=example.pk, by=by.actor(), at=at)
    return example


def _texts(title: str, question: str, answer: str) -> dict[str, str]:
    if not (title.strip() and question.strip() and answer.strip()):
        raise Refused("題・問い・答えをすべて入力してください。")
    return {"title": clean_line(title)[:200], "question": clean(question), "answer": clean(answer)}


@transaction.atomic
def edit(
    example: Example, *, title: str, question: str, answer: str, confirmed: Iterable[str] = (), version: int, by: Seat,
    at: datetime,
) -> None:  # fmt: skip
    """提案を直す: the texts, and which hits a person found to point at nobody. Who edits cannot be who releases."""
    _may_handle(example, by)
    sure = json.dumps(sorted(set(confirmed)), ensure_ascii=False)
    changed = Example.objects.filter(pk=example.pk, version=version, state="proposed").update(
        confirmed_text=sure, version=F("version") + 1, proposed_by=by, **_texts(title, question, answer)
    )
    if not changed:
        raise Refused(CHANGED.replace("相談", "事例"))
    record("edit", "事例の文面を修正", kind=EXAMPLE, record_id=example.pk, by=by.actor(), at=at)


@transaction.atomic
def cover(example: Example, words: Iterable[str], *, version: int, by: Seat, at: datetime) -> None:
    """伏せる: these hits, wherever they stand in the proposal."""
    _may_handle(example, by)
    kinds = {span.text: span.kind for span in hits(example) if span.text in set(words)}
    if not kinds:
        raise Refused("伏せる記載に印を付けてください。")
    texts = {
        name: mask(text := getattr(example, name), places_of(text, kinds)) for name in ("title", "question", "answer")
    }
    edit(example, **texts, confirmed=example.confirmed, version=version, by=by, at=at)


@transaction.atomic
def release(example: Example, desk: Desk, *, by: Seat, at: datetime) -> None:
    """公開: by a second person, after every hit was covered or confirmed, while the basis still holds."""
    _may_handle(example, by)
    if example.consultation_id:
        example.consultation = locked(example.consultation)
    example = Example.objects.select_for_update(of=("self",)).select_related("proposed_by").get(pk=example.pk)
    if example.state != "proposed":
        raise Refused("この事例は、すでに公開されたか、取り下げられています。")
    if example.proposed_by.person_id == by.person_id:
        raise Refused("公開は、提案した人（最後に直した人）とは別の人が行います。")
    left = unconfirmed(example)
    if left:
        words = "、".join(span.text for span in left[:5])
        raise Refused(
            f"個人や団体が分かるかもしれない記載が残っています（{words}）。伏せるか、確認済みの印を付けてください。"
        )
    if example.consultation:
        basis_for(example.consultation, desk)
    Example.objects.filter(pk=example.pk).update(
        state="released", released_by=by, released_at=at, version=F("version") + 1
    )
    index_examples(example.pk)
    record("release", "事例を公開", kind=EXAMPLE, record_id=example.pk, by=by.actor(), at=at)
    if example.consultation_id:
        record("release_example", "事例を公開", kind=KIND, record_id=example.consultation_id, by=by.actor(), at=at)


@transaction.atomic
def withdraw(example: Example, reason: str, *, by: Seat, at: datetime) -> None:
    """取下げ: gone from every page at once."""
    _may_handle(example, by)
    if not reason.strip():
        raise Refused("取り下げる理由を入力してください。")
    rows = Example.objects.filter(pk=example.pk).exclude(state="withdrawn")
    if not rows.update(state="withdrawn", withdrawn_at=at, version=F("version") + 1):
        raise Refused("この事例は、すでに取り下げられています。")
    index_examples(example.pk)
    record("withdraw", "事例を取下げ", kind=EXAMPLE, record_id=example.pk, by=by.actor(), at=at, note=reason)


def _may_handle(example: Example, by: Seat) -> None:
    if by.section.organisation_id != example.operator_id or not by.may_act:
        raise Refused("この事例を扱えるのは、窓口の担当だけです。")


# ---- what is pointed out ----------------------------------------------------------------------


def hits(example: Example, bodies: BodyNames | None = None) -> tuple[Span, ...]:
    """Names, numbers, addresses and bodies in the proposal, and what its case knows of the caller; each wording once."""
    bodies = bodies or body_names()
    own = own_words(example.consultation) if example.consultation else []
    texts = (example.title, example.question, example.answer)
    return once(span for text in texts for span in all_hits(text, bodies, own))


def unconfirmed(example: Example) -> list[Span]:
    known = set(example.confirmed)
    return [span for span in hits(example) if span.text not in known]

"""対応: who works on a case, what is noted, asked elsewhere and promised, and how it ends without an answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Q

from kyoten.consultations import searching
from kyoten.consultations.actions.intake import Caller, Incoming, open_again, open_case, take_call
from kyoten.consultations.desks import Desk
from kyoten.consultations.models import KIND, Callback, Consultation, Mark, Message, Referral
from kyoten.consultations.models import Sequence as Numbers
from kyoten.organisations.models import Seat, Section
from kyoten.post.actions import is_address, send
from kyoten.post.models import InboundMail
from kyoten.records.actions import record
from kyoten.records.models import Event, Refused
from kyoten.rules.text import clean, clean_line
from kyoten.rules.wareki import wareki

CHANGED = "ほかの方が先にこの相談を更新しました。画面を開き直して確かめてください。"
TWICE = timedelta(minutes=1)  # the same again within it is the button pressed twice
NOT_OURS = "この相談に対応できるのは、窓口の担当だけです。"


def check_seat(case: Consultation, by: Seat) -> None:
    if by.section.organisation_id != case.operator_id or not by.may_act:
        raise Refused(NOT_OURS)


def locked(case: Consultation) -> Consultation:
    """The case with its row locked: acts on one case follow one another."""
    return Consultation.objects.select_for_update(no_key=True).get(pk=case.pk)


def check_living(case: Consultation) -> None:
    if case.state == "merged":
        raise Refused("この相談はほかの相談に統合されています。統合先で対応してください。")


@transaction.atomic
def assign(case: Consultation, owner: Seat | None, *, by: Seat, at: datetime, seen: str | None = None) -> None:
    """担当割当: to a colleague, to oneself, or back to all (None). `seen`: who had it on the screen ("" nobody), so that
    of two who take it at once the second learns of the first."""
    check_seat(case, by)
    case = locked(case)
    check_living(case)
    if owner and (owner.section.organisation_id != case.operator_id or not owner.may_act or not owner.valid_at(at)):
        raise Refused("担当にできるのは、いま窓口の席にある担当だけです。")
    if case.owner_id == (owner.pk if owner else None):
        raise Refused("担当は変わっていません。")
    if seen is not None and seen != str(case.owner_id or ""):
        now = f"いまの担当は{case.owner.person.name}さん" if case.owner else "いまは担当が割り当てられていない状態"
        raise Refused(f"ほかの方が先に担当を変更しました。{now}です。確かめてから、もう一度変更してください。")
    state = case.state
    if state in ("received", "assigned"):
        state = "assigned" if owner else "received"
    Consultation.objects.filter(pk=case.pk).update(owner=owner, state=state, version=F("version") + 1)
    said = f"{owner.person.name}を担当に割当" if owner else "担当の割当を解除"
    record("assign", said, kind=KIND, record_id=case.pk, by=by.actor(), at=at)


@transaction.atomic
def add_note(case: Consultation, text: str, *, by: Seat, at: datetime) -> Message:
    """内部メモ: seen by the desk only, never sent."""
    check_seat(case, by)
    if not text.strip():
        raise Refused("メモの内容を入力してください。")
    note = Message.objects.create(
        consultation=case, kind="note", way="meeting", at=at, who=by.person.name, text=clean(text)
    )
    record("note", "内部メモを追加", kind=KIND, record_id=case.pk, by=by.actor(), at=at)
    searching.index(case.pk)
    return note


@dataclass(frozen=True)
class Facts:
    """What an officer may mend on a case. `marks`: by kind, the values of the definition's lists."""

    subject: str
    body_name: str
    person_name: str
    phone: str
    email: str
    asker: str
    handling: str
    minutes: int
    urgent: bool
    personal: bool
    marks: Mapping[str, Sequence[str]]


@transaction.atomic
def describe(case: Consultation, facts: Facts, version: int, *, by: Seat, at: datetime) -> Consultation:
    """分類・相談者の記入. `version` is what the page showed: two people's changes never overwrite each other."""
    check_seat(case, by)
    case = locked(case)
    check_living(case)
    if case.version != version:
        raise Refused(CHANGED)
    if facts.email and not is_address(facts.email):
        raise Refused(
            "メールアドレスの形が正しくありません。例のように入力してください（例: tantou@city.example.jp）。"
        )
    changed = _mend(case, facts)
    if not changed and _marks_of(case) == {(k, v) for k, values in facts.marks.items() for v in values}:
        return case
    case.version += 1
    case.save()
    case.marks.all().delete()
    Mark.objects.bulk_create(
        Mark(consultation=case, kind=kind, value=value) for kind, values in facts.marks.items() for value in values
    )
    record("describe", "相談者・分類を更新", kind=KIND, record_id=case.pk, by=by.actor(), at=at,
           facts={"changed": sorted(changed)})  # fmt: skip
    searching.index(case.pk)
    return case


def _mend(case: Consultation, facts: Facts) -> list[str]:
    """Put the facts on the case; the names of those that changed."""
    new = {
        "subject": clean_line(facts.subject)[:500] or case.subject,
        "body_name": clean_line(facts.body_name)[:200],
        "person_name": clean_line(facts.person_name)[:100],
        "phone": clean_line(facts.phone)[:60],
        "email": facts.email[:320],
        "asker": facts.asker,
        "handling": facts.handling,
        "minutes": facts.minutes,
        "urgent": facts.urgent,
        "personal": facts.personal,
    }
    changed = [name for name, value in new.items() if getattr(case, name) != value]
    for name in changed:
        setattr(case, name, new[name])
    return changed


def _marks_of(case: Consultation) -> set[tuple[str, str]]:
    return set(case.marks.values_list("kind", "value"))


@transaction.atomic
def refer(
    case: Consultation,
    *,
    to_name: str,
    to_email: str,
    text: str,
    due: datetime | None,
    section: Section | None = None,
    by: Seat,
    at: datetime,
) -> Referral:
    """照会: a question to another body or an adviser; a plain reply by mail comes back into the case."""
    check_seat(case, by)
    case = locked(case)
    check_living(case)
    if not to_name.strip() or not text.strip():
        raise Refused("照会先と照会内容を入力してください。")
    if not is_address(to_email):
        raise Refused("照会先のメールアドレスの形が正しくありません（例: tantou@city.example.jp）。")
    if due and due <= at:
        raise Refused("回答期限は、いまより後の日時にしてください。")
    asked = case.referrals.filter(
        to_email=to_email, text=clean(text), answered_at=None, asked_at__gt=at - TWICE
    ).first()
    if asked:
        return asked
    row = Referral.objects.create(
        consultation=case, to_name=clean_line(to_name)[:200], to_email=to_email, section=section, text=clean(text),
        due=due, asked_at=at, asked_by=by,
    )  # fmt: skip
    [mail] = send(
        to=[to_email], subject=f"【照会】{case.subject}（{case.number}）", text=_question(case, row, by), at=at,
        key=f"referral:{row.pk}", by=by.actor(), section_id=case.section_id, about=(KIND, case.pk),
    )  # fmt: skip
    Message.objects.create(consultation=case, kind="asked", way="mail", at=at, who=row.to_name, subject=mail.subject,
                           text=row.text, mail_id=mail.pk)  # fmt: skip
    if case.state in ("received", "assigned"):
        Consultation.objects.filter(pk=case.pk).update(state="referring", version=F("version") + 1)
    record(
        "refer", "ほかの機関・アドバイザーへ照会", kind=KIND, record_id=case.pk, by=by.actor(), at=at, note=row.to_name
    )
    searching.index(case.pk)
    return row


def _question(case: Consultation, row: Referral, by: Seat) -> str:
    due = [f"回答期限　{wareki(row.due.date(), with_weekday=True)}"] if row.due else []
    return "\n".join(
        [
            f"{row.to_name}　様",
            "",
            row.text,
            "",
            *due,
            "このメールに返信して御回答ください。",
            "",
            f"{by.section}　{by.person.name}",
        ]
    )


@dataclass(frozen=True)
class Promise:
    """折り返し予定 given while taking a call."""

    when: datetime
    note: str = ""
    owner: Seat | None = None


@transaction.atomic
def log_call(desk: Desk, what: Incoming, promise: Promise | None, *, by: Seat, at: datetime) -> Consultation:
    """電話などの受付 with its 折り返し予定: both or neither. The button pressed twice is one case."""
    list(Numbers.objects.select_for_update().filter(programme=desk.slug))  # two presses follow each other
    if same := _just_logged(desk, what, by, at):
        return same
    case = take_call(desk, what, by=by, at=at)
    if promise:
        promise_callback(
            case, when=promise.when, phone=case.phone, note=promise.note, owner=promise.owner, by=by, at=at
        )
    return case


def _just_logged(desk: Desk, what: Incoming, by: Seat, at: datetime) -> Consultation | None:
    """What the same officer has typed in word for word within the last minute."""
    caller = what.caller
    found = Consultation.objects.filter(
        programme=desk.slug, operator=desk.operator, way=what.way, received_at=what.at, text=clean(what.text),
        body_name=clean_line(caller.body)[:200], person_name=clean_line(caller.person)[:100],
        phone=clean_line(caller.phone)[:60], email=caller.email[:320],
    )  # fmt: skip
    for case in found.order_by("-pk")[:1]:
        first = Event.objects.of(KIND, case.pk).filter(act="receive", seat_id=by.pk, at__gt=at - TWICE, at__lte=at)
        return case if first.exists() else None
    return None


@transaction.atomic
def promise_callback(
    case: Consultation, *, when: datetime, phone: str, note: str, owner: Seat | None, by: Seat, at: datetime
) -> Callback:
    """折り返し予定: a time, a number and an owner (or nobody yet)."""
    check_seat(case, by)
    check_living(case)
    if not phone.strip() and not case.phone:
        raise Refused("折り返しの電話番号を入力してください。")
    row = Callback.objects.create(
        consultation=case, at=when, phone=clean_line(phone)[:60] or case.phone, note=clean_line(note)[:300], owner=owner
    )
    record("callback", "折り返し予定を登録", kind=KIND, record_id=case.pk, by=by.actor(), at=at,
           facts={"at": when.isoformat()})  # fmt: skip
    return row


@transaction.atomic
def called_back(row: Callback, outcome: str, *, again_at: datetime | None = None, by: Seat, at: datetime) -> None:
    """折り返しの済: what came of it; `again_at` where nobody was there and it is to be tried again."""
    check_seat(row.consultation, by)
    if not outcome.strip():
        raise Refused("結果（不在、伝言、回答した内容など）を入力してください。")
    changed = Callback.objects.filter(pk=row.pk, done_at=None).update(done_at=at, outcome=clean_line(outcome)[:300])
    if not changed:
        raise Refused("ほかの方が先に折り返しました。画面を開き直して確かめてください。")
    case = row.consultation
    who = "　".join(filter(None, [case.body_name, case.person_name]))
    Message.objects.create(consultation=case, kind="out", way="phone", at=at, who=who, subject="折り返し", text=outcome)
    Consultation.objects.filter(pk=case.pk, latest_at__lt=at).update(latest_at=at)
    said = clean_line(outcome)[:300]  # a person's words: they stand in the note, which can be erased
    record("called_back", "折り返し電話", kind=KIND, record_id=case.pk, by=by.actor(), at=at, note=said)
    searching.index(case.pk)
    if again_at:
        Callback.objects.create(consultation=case, at=again_at, phone=row.phone, note=row.note, owner=row.owner)


@transaction.atomic
def close(case: Consultation, reason: str, *, withdrawn: bool = False, by: Seat, at: datetime) -> None:
    """完了・取下げ: without (or after) an answer, with the reason on record. Nothing promised may be left open."""
    check_seat(case, by)
    case = locked(case)
    check_living(case)
    if case.state in ("closed", "withdrawn"):
        raise Refused("この相談はすでに完了しています。")
    if case.state != "answered" and not reason.strip():
        raise Refused("回答せずに完了する理由を入力してください（記録に残ります）。")
    if Callback.objects.filter(consultation=case, done_at=None).exists():
        raise Refused("折り返し予定が残っています。折り返してから完了してください。")
    state = "withdrawn" if withdrawn else "closed"
    Consultation.objects.filter(pk=case.pk).update(state=state, closed_at=at, version=F("version") + 1)
    record("close", "取下げ" if withdrawn else "完了", kind=KIND, record_id=case.pk, by=by.actor(), at=at, note=reason)


@transaction.atomic
def merge(case: Consultation, into: Consultation, *, by: Seat, at: datetime) -> Consultation:
    """統合: two cases were one inquiry. Every message moves, and remembers where it was; nothing is lost."""
    check_seat(case, by)
    rows = {
        c.pk: c
        for c in Consultation.objects.select_for_update(no_key=True).filter(pk__in=[case.pk, into.pk]).order_by("pk")
    }
    case, into = rows[case.pk], rows[into.pk]
    if case.pk == into.pk:
        raise Refused("同じ相談には統合できません。")
    if case.operator_id != into.operator_id or case.programme != into.programme:
        raise Refused("統合できるのは、同じ窓口の同じ年度の相談だけです。")
    if case.purpose_text != into.purpose_text or case.purposes != into.purposes:
        raise Refused("相談者に示した利用目的の異なる相談は統合できません。")
    check_living(case)
    check_living(into)
    if case.drafts.filter(state="awaiting").exists():
        raise Refused("承認待ちの回答案があります。承認か差戻しの後に統合してください。")
    Message.objects.filter(consultation=case).update(consultation=into, moved_from=case)
    case.callbacks.filter(done_at=None).update(consultation=into)
    case.referrals.update(consultation=into)
    _keep_drafts(case, into, by, at)
    _carry_on(case, into)
    Consultation.objects.filter(pk=case.pk).update(
        state="merged", merged_into=into, closed_at=at, version=F("version") + 1
    )
    Consultation.objects.filter(merged_into=case).update(merged_into=into)
    record("merge", f"{into.number}に統合", kind=KIND, record_id=case.pk, by=by.actor(), at=at)
    record("merged", f"{case.number}を統合", kind=KIND, record_id=into.pk, by=by.actor(), at=at)
    searching.index(case.pk, into.pk)
    into.refresh_from_db()
    return into


def _keep_drafts(case: Consultation, into: Consultation, by: Seat, at: datetime) -> None:
    """A draft that was begun goes along as a note: its words are not lost."""
    for draft in case.drafts.filter(state__in=("writing", "returned")):
        text = f"統合した{case.number}で書きかけていた回答案\n\n{draft.text}"
        Message.objects.create(consultation=into, kind="note", way="meeting", at=at, who=by.person.name, text=text)
    case.drafts.filter(state__in=("writing", "returned")).update(state="dropped")


def _carry_on(case: Consultation, into: Consultation) -> None:
    """What waits for an answer goes on waiting: a finished case is opened again, of two that wait the earlier clock
    counts, and what was marked on one stays marked."""
    if case.is_open and not into.is_open:
        open_again(into, case.clock_at, case.due)
    elif case.is_open and case.clock_at and (not into.clock_at or case.clock_at < into.clock_at):
        Consultation.objects.filter(pk=into.pk).update(clock_at=case.clock_at, due=case.due)
    Consultation.objects.filter(pk=into.pk).update(
        urgent=case.urgent or into.urgent, personal=case.personal or into.personal, sorted_away=False
    )


@transaction.atomic
def split(message: Message, desk: Desk, *, by: Seat, at: datetime) -> Consultation:
    """分割: one message was a question of its own; it moves to a new case of the same caller, and remembers where it was."""
    check_seat(message.consultation, by)
    case = locked(message.consultation)
    check_living(case)
    if message.kind != "in" or case.messages.filter(kind="in").count() < 2:
        raise Refused("分けられるのは、2通以上届いた相談の、届いた1通だけです。")
    caller = Caller(case.body_name, case.person_name, case.phone, case.email, case.organisation, case.asker)
    what = Incoming(way=message.way, subject=message.subject or case.subject, text=message.text, caller=caller,
                    at=message.at, mail_id=message.mail_id, owner=case.owner)  # fmt: skip
    new = open_case(desk, what, by=by, at=at)
    told = {"purpose_text": case.purpose_text, "purposes_text": case.purposes_text}  # what this caller was told
    Consultation.objects.filter(pk=new.pk).update(**told)
    Message.objects.filter(pk=message.pk).update(consultation=new, moved_from=case)
    if message.mail_id:
        InboundMail.objects.filter(pk=message.mail_id).update(taken_id=new.pk)
    record("split", f"1通を{new.number}に分割", kind=KIND, record_id=case.pk, by=by.actor(), at=at)
    searching.index(case.pk, new.pk)
    return new


@transaction.atomic
def settle_warning(case: Consultation, *, by: Seat, at: datetime) -> None:
    """「確認が必要なこと」を確認済みにする."""
    check_seat(case, by)
    if not Consultation.objects.filter(pk=case.pk).exclude(warning="").update(warning="", version=F("version") + 1):
        raise Refused("確認が必要なことは残っていません。")
    record("warning_settled", "注意の内容を確認", kind=KIND, record_id=case.pk, by=by.actor(), at=at, note=case.warning)


def colleagues(case: Consultation, at: datetime):
    """The seats a case may be given to."""
    found = Seat.objects.valid_at(at).in_full().filter(section__organisation=case.operator_id)
    return found.filter(~Q(role="viewer")).order_by("person__name", "pk")

"""Official acts of asking and answering. Each one: check, change, record, notify."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.urls import reverse

from kyoten.inquiries.models import Addressee, Inquiry, MailAnswer
from kyoten.organisations.actions.locks import hold
from kyoten.organisations.models import Organisation, Seat, Section
from kyoten.post.actions import need_attention, send, take
from kyoten.post.models import InboundMail
from kyoten.programmes.models import sections_in_charge
from kyoten.records.actions import Entry, attach, record, record_many
from kyoten.records.models import Actor, Attachment, Refused
from kyoten.rules.clock import local
from kyoten.rules.wareki import wareki

DOUBLE_CLICK = timedelta(minutes=1)  # who was reminded so lately is not reminded again
KIND = "addressee"  # the record kind of an Addressee row
ENCLOSED = "enclosed"  # label of the files that go with every mail of an inquiry
ADDED = "※{day}付けの照会の照会先に加えましたので、お送りします。"
NOW_ASKED = "※先に参考としてお送りした件です。あらためて、期限までの御回答をお願いします。"
NAMES = {"considering": "検討中", "not_applicable": "該当なし", "answered": "提出済", "returned": "補正依頼中"}


@dataclass(frozen=True)
class Ask:
    """What an asking consists of, whoever asks."""

    programme: str
    title: str
    covering_text: str
    due: datetime | None
    silence: str
    silence_text: str = ""
    hard: bool = False
    document_number: str = ""
    decided_on: object = None


@transaction.atomic
def ask(
    what: Ask,
    *,
    to: Sequence[Organisation],
    reference: Sequence[Organisation] = (),
    parent: Addressee | None = None,
    enclosed: Sequence[Attachment] = (),
    by: Seat,
    at: datetime,
) -> Inquiry:
    """照会: put one question to many bodies; each gets a case at its section in charge, a mail and a signed link.

    `enclosed`: files that go with every mail of it, also where a body passes it down.
    """
    check_ask(what, to, parent, by, at)
    hold(by.organisation.pk)
    inquiry = inquiry_of(what, parent, by.section, at)
    inquiry.save()
    found = _addressees(inquiry, to, reference, on=at.date())
    if not (found.new or found.moved) and all(row.inquiry.asker == by.section for row in found.again):
        raise Refused("選ばれた団体には、すでに照会しています。")
    if parent and parent.state in ("unread", "read"):
        _move(parent, to="considering", by=by.actor(), at=at, way="screen")
    asked = Entry(
        "ask",
        f"{len(to)}団体へ照会" if parent else f"{len(to)}団体へ発出",
        "inquiry",
        inquiry.pk,
        {"to": [o.code or o.name for o in to], "reference": [o.code or o.name for o in reference]},
    )
    record_many([asked, *_received(inquiry, found)], by=by.actor(), at=at)
    for file in enclosed:
        attach(file, kind="inquiry", record_id=inquiry.pk, label=ENCLOSED)
    files = enclosures(inquiry)
    for row in found.new:
        _notify(row, files, by=by, at=at)
    for row in found.moved:
        _notify(row, files, by=by, at=at, lead=NOW_ASKED)
    return inquiry


def enclosures(inquiry: Inquiry) -> list[Attachment]:
    """What was enclosed when the question was first put."""
    return list(Attachment.objects.of("inquiry", inquiry.tree_id, ENCLOSED))


@transaction.atomic
def add_addressees(
    inquiry: Inquiry, *, to: Sequence[Organisation], reference: Sequence[Organisation] = (), by: Seat, at: datetime
) -> list[Addressee]:
    """照会先の追加: bodies forgotten at first, or told only for reference, get the same text and date in the same
    inquiry. Returns the rows that were added or moved to 回答."""
    if inquiry.asker.organisation_id != by.section.organisation_id or not by.may_act:
        raise Refused("照会先を追加できるのは、照会を出した団体の担当だけです。")
    if not to and not reference:
        raise Refused("追加する団体を選んでください。")
    hold(by.section.organisation_id)
    inquiry = Inquiry.objects.select_related("asker__organisation", "parent__inquiry__asker").get(pk=inquiry.pk)
    if inquiry.due and inquiry.due <= at:
        day = wareki(inquiry.due.date(), with_weekday=True)
        raise Refused(f"回答期限（{day}）を過ぎています。先に回答期限を変更してから、照会先を追加してください。")
    found = _addressees(inquiry, to, reference, on=at.date())
    if not (found.new or found.moved):
        raise Refused("選ばれた団体には、この件がすでに届いています。画面を開き直して確かめてください。")
    record_many([_added(inquiry, found), *_received(inquiry, found)], by=by.actor(), at=at)
    files = enclosures(inquiry)
    for row in found.new:
        _notify(row, files, by=by, at=at, lead=ADDED.format(day=wareki(local(inquiry.sent_at).date())))
    for row in found.moved:
        _notify(row, files, by=by, at=at, lead=NOW_ASKED)
    return [*found.new, *found.moved]


def _added(inquiry: Inquiry, found: Addressed) -> Entry:
    rows = [*found.new, *found.moved, *found.again]
    codes = [(row.purpose, row.organisation.code or row.organisation.name) for row in rows]
    facts = {kind: [code for purpose, code in codes if purpose == kind] for kind in ("answer", "reference")}
    title = f"照会先を追加（{_some([row.organisation.name for row in rows])}）"
    return Entry("add", title, "inquiry", inquiry.pk, facts)


def _received(inquiry: Inquiry, found: Addressed) -> list[Entry]:
    """What the 経過 of each body addressed says."""
    asker = inquiry.asker
    return [
        *(_entry("receive", f"{asker}から「{inquiry.title}」を受信", row) for row in found.new),
        *(_entry("asked", f"{asker}が、参考送付から回答を求める照会に変更", row) for row in found.moved),
        *(_entry("again", f"同じ件を{asker}からも受信（この件にまとめました）", row) for row in found.again),
    ]


def inquiry_of(what: Ask, parent: Addressee | None, asker: Section, at: datetime | None) -> Inquiry:
    """The inquiry that would go out, not saved; `at` is None for a draft."""
    return Inquiry(
        programme=what.programme,
        title=what.title,
        covering_text=what.covering_text,
        asker=asker,
        parent=parent,
        root_id=parent.root_id if parent else None,
        due=what.due,
        hard=what.hard,
        silence=what.silence,
        silence_text=what.silence_text,
        document_number=what.document_number,
        decided_on=what.decided_on,
        sent_at=at,
    )


def check_ask(what: Ask, to: Sequence[Organisation], parent: Addressee | None, by: Seat, at: datetime) -> None:
    if not by.may_act:
        raise Refused("閲覧の席では照会を出せません。担当の席に切り替えてください。")
    if not to:
        raise Refused("照会先を1団体以上選んでください。")
    if what.due and what.due <= at:
        raise Refused("回答期限は、いまより後の日時にしてください。")
    _check_before_above(what.due, parent.inquiry.due if parent else None)


def _check_before_above(due: datetime | None, above: datetime | None) -> None:
    """Who asks on answers for what comes back, and needs a day for it: the date lies before the one it was given."""
    if due and above and local(due).date() >= local(above).date():
        raise Refused(f"回答期限は、上の期限（{_day(above)}）より前の日にしてください。")


@dataclass(frozen=True)
class Addressed:
    """The rows of the bodies an act names: new ones, 参考送付 that became 回答, and what had come by another way."""

    new: list[Addressee]
    moved: list[Addressee]
    again: list[Addressee]  # kept as they are, not doubled


def _addressees(
    inquiry: Inquiry, to: Sequence[Organisation], reference: Sequence[Organisation], *, on: date
) -> Addressed:
    purposes = {o.pk: (o, Addressee.Purpose.REFERENCE) for o in reference}
    purposes |= {o.pk: (o, Addressee.Purpose.ANSWER) for o in to}
    there = Addressee.objects.filter(root=inquiry.tree_id, organisation__in=purposes)
    known = {a.organisation_id: a for a in there.select_related("inquiry__asker", "organisation", "section")}
    sections = section_in_charge_of(inquiry.programme, [o for o, _ in purposes.values()], on)
    rows = [
        Addressee(inquiry=inquiry, root_id=inquiry.tree_id, organisation=o, section=sections[o.pk], purpose=purpose)
        for o, purpose in purposes.values()
        if o.pk not in known
    ]
    asked = {pk for pk, (_, purpose) in purposes.items() if purpose == Addressee.Purpose.ANSWER}
    moved = [row for row in known.values() if row.purpose == "reference" and row.organisation_id in asked]
    for row in moved:
        row.purpose, row.inquiry, row.state = Addressee.Purpose.ANSWER, inquiry, Addressee.State.UNREAD
    Addressee.objects.bulk_update(moved, ["purpose", "inquiry", "state"])
    again = [row for row in known.values() if row not in moved and row.inquiry_id != inquiry.pk]
    return Addressed(Addressee.objects.bulk_create(rows), moved, again)


def section_in_charge_of(programme: str, organisations: Sequence[Organisation], on: date) -> dict[int, Section]:
    """所管課 of each body for this programme; refuses naming the bodies that have no section on the address list."""
    found = sections_in_charge(programme, organisations, on)
    missing = [o.name for o in organisations if o.pk not in found]
    if missing:
        raise Refused(
            f"連絡先に課の登録がない団体があります（{_some(missing)}）。連絡先に登録してから、もう一度行ってください。"
        )
    return found


def _some(names: Sequence[str]) -> str:
    return "、".join(names[:5]) + (f" ほか{len(names) - 5}団体" if len(names) > 5 else "")


def _entry(act: str, title: str, row: Addressee) -> Entry:
    return Entry(act, title, KIND, row.pk)


def _notify(
    row: Addressee, files: Sequence[Attachment], *, by: Seat, at: datetime, again: bool = False, lead: str = ""
) -> None:
    """The mail says everything in its text: behind 三層分離 nothing else may be openable. `lead` stands above it."""
    inquiry, said = row.inquiry, notice_text(row, files)
    reference = row.purpose == Addressee.Purpose.REFERENCE
    head = "【再依頼】" if again else "【参考送付】" if reference else ""
    send(
        to=[row.section.email],
        subject=f"{head}{inquiry.title}",
        text=f"{lead}\n\n{said}" if lead else said,
        at=at,
        key=f"addressee:{row.pk}:{row.reminded if again else row.purpose}",
        by=by.actor(),
        section_id=by.section_id,
        about=(KIND, row.pk),
        attachments=files,
    )


def notice_text(row: Addressee, files: Sequence[Attachment] = ()) -> str:
    """The text of the mail an addressee gets: who asks what by when, and the three ways to answer."""
    link = f"{settings.BASE_URL}{reverse('inquiries:link', args=[row.token])}"
    reference = row.purpose == Addressee.Purpose.REFERENCE
    to = f"{row.organisation}　{row.section.name}"
    return notice(row.inquiry, to=to, link=link, reference=reference, enclosed=[file.name for file in files])


def notice(inquiry: Inquiry, *, to: str, link: str, reference: bool = False, enclosed: Sequence[str] = ()) -> str:
    """The same for any addressee; an inquiry not yet sent has its day and its number left open."""
    day = wareki(local(inquiry.sent_at).date()) if inquiry.sent_at else "（施行日）"
    number = [inquiry.document_number] if inquiry.document_number else []
    lead = [_for_reference(inquiry), ""] if reference else []
    lines = [*number, day, "", f"{to}　御中", "", f"{inquiry.asker}", ""]
    lines += [*lead, inquiry.covering_text, "", *_annex(inquiry)]
    if enclosed:
        lines += [f"■ 添付　{'、'.join(enclosed)}"]
    if reference:
        return "\n".join(lines)
    if inquiry.due:
        lines += [f"■ 回答期限　{until(inquiry.due)}"]
    if inquiry.silence_text:
        lines += [f"　{inquiry.silence_text}"]
    return "\n".join(
        [
            *lines,
            "",
            "■ 回答の方法（いずれか一つ）",
            f"1) 次のリンクを開いて回答（ログイン不要）\n　{link}",
            "2) このメールに返信し、本文の1行目に「該当なし」「検討中」「申込」のいずれかを記入"
            "\n　（申込のときは、記入した申込書（Word）を添付してください）",
            "3) Kyotenにログインして回答",
        ]
    )


def _for_reference(inquiry: Inquiry) -> str:
    """Above a text that asks others for an answer: who only gets it for reference must not take it as asked."""
    due = f"（回答期限　{until(inquiry.due)}）" if inquiry.due else ""
    return f"※依頼先の団体へ次のとおり通知しました{due}。参考としてお送りするもので、貴団体の回答の必要はありません。"


def _annex(inquiry: Inquiry) -> list[str]:
    """別添写し: what the asker itself was sent, word for word, as a prefecture hands a paper of the ministry on."""
    if inquiry.parent is None:
        return []
    above = inquiry.parent.inquiry
    head = f"【別添】{above.asker}からの通知　{above.document_number}　{wareki(local(above.sent_at).date())}"
    return [head.replace("　　", "　"), above.covering_text, ""]


def until(due: datetime) -> str:
    """令和7年7月24日（木）, with the hour where it is not the end of the day."""
    return wareki(local(due).date(), with_weekday=True) + _hour(due)


def _hour(due: datetime) -> str:
    due = local(due)
    return "" if due.strftime("%H%M") == "2359" else f" {due.hour}時{due.minute:02d}分".replace("時00分", "時")


@transaction.atomic
def mark_read(row: Addressee, *, by: Seat, at: datetime) -> None:
    """既読: an officer of the section opened it and said so (never by a GET: scanners open links)."""
    if Addressee.objects.filter(pk=row.pk, state="unread").update(state="read"):
        record("read", "内容を確認", kind=KIND, record_id=row.pk, by=by.actor(), at=at)


@transaction.atomic
def answer(
    row: Addressee,
    state: str,
    *,
    at: datetime,
    by: Seat | None = None,
    name: str = "",
    way: str = "screen",
    remark: str = "",
    since: datetime | None = None,
) -> Addressee:
    """回答: 該当なし・検討中・提出済 on screen, by link, by mail, or entered by the asker from a telephone call.

    `since`: when a mail arrived that somebody reads as the answer only now. The deadline looks at that.
    """
    since = since or at
    if row.purpose != Addressee.Purpose.ANSWER:
        raise Refused("参考送付のため、回答は不要です。")
    if row.state in ("answered", "returned") and state in ("not_applicable", "considering"):
        raise Refused("申込書が提出されています。取り下げてから回答を変えてください。")
    if row.inquiry.hard and row.inquiry.due and since > row.inquiry.due and way != "proxy":
        raise Refused(
            f"回答期限（{wareki(row.inquiry.due.date(), with_weekday=True)}）を過ぎたため受け付けられません。依頼元へ御連絡ください。"
        )
    actor = by.actor() if by else None
    who = name or (f"{by.section}　{by.person.name}" if by else f"{row.organisation}（{Addressee.Way(way).label}）")
    return _move(row, to=state, by=actor, at=at, since=since, way=way, who=who, remark=remark)


def _move(
    row: Addressee,
    *,
    to: str,
    by: Actor | None,
    at: datetime,
    way: str,
    who: str = "",
    remark: str = "",
    also: Sequence[Entry] = (),
    since: datetime | None = None,
) -> Addressee:
    since = since or at
    late = bool(row.inquiry.due and since > row.inquiry.due)
    changed = Addressee.objects.filter(pk=row.pk, state=row.state).update(
        state=to, way=way, answered_by=who[:200], answered_at=since, late=late, remark=remark[:500], represented_by=None
    )
    if not changed:
        raise Refused("ほかの方が先に回答しました。画面を開き直して確かめてください。")
    title = f"「{NAMES[to]}」と回答" + (f"（{Addressee.Way(way).label}）" if way != "screen" else "")
    facts, note = {"state": to, "way": way, "late": late}, remark or ("" if by else who)
    answered = Entry("answer", title + ("　期限超過" if late else ""), KIND, row.pk, facts, note)
    record_many([answered, *also], by=by, at=at)
    row.state, row.way, row.answered_at, row.late, row.remark = to, way, since, late, remark
    return row


def set_state(
    row: Addressee | None, state: str, *, by: Seat, at: datetime, way: str = "screen", also: Sequence[Entry] = ()
) -> None:
    """For acts of a higher app that answer on the way (提出, 補正依頼): state only, inside their transaction.

    `also`: the act's own events, recorded in the same pass, whether there is a case and it moves or not.
    """
    actor, who = by.actor(), f"{by.section}　{by.person.name}"
    if row and row.state != state:
        _move(row, to=state, by=actor, at=at, way=way, who=who, remark=row.remark, also=also)
    elif also:
        record_many(also, by=actor, at=at)


@transaction.atomic
def apply_with(rows: Iterable[Addressee], representative: Organisation | None, *, by: Seat, at: datetime) -> None:
    """共同: bodies of one area apply through one of them; the others show 「○○として応募」 and owe no answer."""
    rows = [row for row in rows if row.state not in ("answered", "returned")]
    Addressee.objects.filter(pk__in=[row.pk for row in rows]).update(represented_by=representative)
    title = f"{representative}として応募" if representative else "共同の応募から外れる"
    record_many([_entry("represented", title, row) for row in rows], by=by.actor(), at=at)
    for row in rows:
        _tell_represented(row, representative, by=by, at=at)


def _tell_represented(row: Addressee, representative: Organisation | None, *, by: Seat, at: datetime) -> None:
    """Nobody's answer is settled by a neighbour without word of it."""
    said = (
        f"{representative}が、{row.organisation}を含む地域の申込書の作成を始めました。{row.organisation}からの回答は要りません。\n"
        f"単独で応募する場合や、内容を御存じない場合は、{by.section}又は{row.inquiry.asker}へ御連絡ください。"
        if representative
        else f"{by.section}が、{row.organisation}を含む地域の申込みを取り下げました。\n"
        "あらためて、先にお送りした通知に御回答ください。"
    )
    send(
        to=[row.section.email], subject=f"【共同の応募】{row.inquiry.title}",
        text=f"{row.organisation}　{row.section.name}　御中\n\n{said}",
        at=at, key=f"represented:{row.pk}:{at.isoformat()}", by=by.actor(), section_id=by.section_id,
        about=(KIND, row.pk),
    )  # fmt: skip


@transaction.atomic
def pass_on(row: Addressee, section: Section, *, by: Seat, at: datetime) -> None:
    """所管課へ回送: the case moves to another section of the same body."""
    if row.organisation_id != by.section.organisation_id or section.organisation_id != row.organisation_id:
        raise Refused("回送できるのは、同じ団体の中の課だけです。")
    if section.pk == row.section_id:
        raise Refused(f"すでに{section.name}が所管しています。ほかの課を選んでください。")
    changed = Addressee.objects.filter(pk=row.pk, section=row.section_id).update(section=section)
    if not changed:
        raise Refused("ほかの方が先に回送しました。画面を開き直して確かめてください。")
    before, row.section = row.section, section
    record("pass_on", f"{before.name}から{section.name}へ回送", kind=KIND, record_id=row.pk, by=by.actor(), at=at)
    files = enclosures(row.inquiry)
    send(
        to=[section.email], subject=f"【回送】{row.inquiry.title}", text=notice_text(row, files), at=at,
        key=f"pass_on:{row.pk}:{section.pk}:{at.isoformat()}", by=by.actor(), section_id=by.section_id,
        about=(KIND, row.pk), attachments=files,
    )  # fmt: skip


@transaction.atomic
def remind(inquiry: Inquiry, rows: Sequence[Addressee], *, by: Seat, at: datetime) -> int:
    """再依頼: once more to those who have not answered. Returns how many were asked."""
    if inquiry.asker.organisation_id != by.section.organisation_id or not by.may_act:
        raise Refused("再依頼できるのは、照会を出した課の担当だけです。")
    missing = [row for row in rows if row.inquiry_id == inquiry.pk and row.state in Addressee.MISSING]
    missing = [row for row in missing if row.represented_by_id is None and row.purpose == "answer"]
    if not missing:
        raise Refused("再依頼する相手がありません。回答のない団体を選んでください。")
    hold(inquiry.asker.organisation_id)
    lately = Addressee.objects.filter(inquiry=inquiry, reminded_at__gt=at - DOUBLE_CLICK).values_list("pk", flat=True)
    missing = [row for row in missing if row.pk not in set(lately)]
    if not missing:
        raise Refused("再依頼のメールは、たったいま送ったところです。")
    for row in missing:
        row.inquiry, row.reminded, row.reminded_at = inquiry, row.reminded + 1, at
    Addressee.objects.bulk_update(missing, ["reminded", "reminded_at"])
    record_many([_entry("remind", f"再依頼（{row.reminded}回目）", row) for row in missing], by=by.actor(), at=at)
    files = enclosures(inquiry)
    for row in missing:
        _notify(row, files, by=by, at=at, again=True)
    return len(missing)


@transaction.atomic
def change_due(inquiry: Inquiry, due: datetime, reason: str, *, by: Seat, at: datetime) -> None:
    """回答期限の変更: the asker's own date, never past the date it was asked by itself; everyone addressed is told."""
    if inquiry.asker.organisation_id != by.section.organisation_id or not by.may_act:
        raise Refused("回答期限を変更できるのは、照会を出した団体の担当だけです。")
    if inquiry.hard:
        raise Refused("この締切は事業の定義で決まっています。事業設定で定義を改訂してください。")
    if not reason.strip():
        raise Refused("変更の理由を書いてください（相手への通知に載ります）。")
    if due <= at:
        raise Refused("回答期限は、いまより後の日時にしてください。")
    _check_before_above(due, inquiry.parent.inquiry.due if inquiry.parent else None)
    set_due(inquiry, due, reason, by=by, at=at)


def set_due(inquiry: Inquiry, due: datetime, reason: str, *, by: Seat, at: datetime) -> None:
    """For acts of a higher app that move a date (締切の改訂): the date and the notices, inside their transaction."""
    hold(inquiry.asker.organisation_id)
    before = inquiry.due
    if before == due:
        raise Refused("期限は変わっていません。新しい日付を入れてください。")
    if not Inquiry.objects.filter(pk=inquiry.pk, due=before).update(due=due):
        raise Refused("ほかの方が先に期限を変更しました。画面を開き直して確かめてください。")
    inquiry.due = due
    rows = list(inquiry.addressees.select_related("organisation", "section"))
    Addressee.objects.filter(inquiry=inquiry, late=True, answered_at__lte=due).update(late=False)
    said = f"{_day(before)}から{_day(due)}に変更"
    changed = Entry("change_due", f"回答期限を{said}", "inquiry", inquiry.pk, {"due": due.isoformat()}, reason.strip())
    record_many([changed, *(_entry("change_due", f"回答期限が{said}", row) for row in rows)], by=by.actor(), at=at)
    for row in rows:
        row.inquiry = inquiry
        _tell_due(row, f"回答期限を{said}しました。\n理由　{reason.strip()}", by=by, at=at)


def _day(due: datetime | None) -> str:
    return wareki(due.date(), with_weekday=True) + _hour(due) if due else "期限なし"


def _tell_due(row: Addressee, said: str, *, by: Seat, at: datetime) -> None:
    done = row.state in ("answered", "not_applicable") or row.represented_by_id
    note = "※すでに御回答いただいた場合は、あらためての御回答は不要です。\n" if done else ""
    send(
        to=[row.section.email],
        subject=f"【期限変更】{row.inquiry.title}",
        text=f"{said}\n{note}\n{notice_text(row)}",
        at=at,
        key=f"due:{row.pk}:{at.isoformat()}",
        by=by.actor(),
        section_id=by.section_id,
        about=(KIND, row.pk),
    )


@transaction.atomic
def settle_mail(note: MailAnswer, state: str = "", *, by: Seat, at: datetime) -> None:
    """要確認のメールを確認済みにする: the asker has read it; `state` is the answer it gives, where it gives one."""
    if not MailAnswer.objects.filter(pk=note.pk, settled_at=None).update(settled_at=at):
        raise Refused("このメールは確認済みです。")
    if state:
        row = Addressee.objects.select_related("inquiry__asker", "organisation", "section").get(pk=note.addressee_id)
        answer(row, state, by=by, at=at, since=note.received_at, way="mail", name=f"メール {note.sender}")
    record("mail_settled", "返信メールを確認", kind=KIND, record_id=note.addressee_id, by=by.actor(), at=at)


WORDS = {"該当なし": "not_applicable", "該当無し": "not_applicable", "検討中": "considering", "申込": "considering",
         "申し込み": "considering", "応募": "considering"}  # fmt: skip


APPLYING = "「申込」と返信がありました。申込書はまだ届いていません。"


def word_of(text: str) -> str | None:
    """The answer a plain reply gives: its first written line, if that line is one of the words asked for."""
    return WORDS.get(_first_line(text))


def _first_line(text: str) -> str:
    lines = [line.strip(" 　「」。.、・-―*＊") for line in text.splitlines() if line.strip(" 　>")]
    return lines[0] if lines and not lines[0].startswith(">") else ""


def take_replies(*, at: datetime) -> int:
    """Replies by mail become answers; what is not one of the words asked for goes to the asker as 要確認.

    Returns how many mails were taken up. Each in a transaction of its own: one that fails stops no other.
    """
    mails = [mail for mail in InboundMail.objects.replies() if mail.about and mail.about[0] == KIND]
    for mail in mails:
        with suppress(Refused):  # another worker was first
            _take_reply(mail, at=at)
    return len(mails)


@transaction.atomic
def _take_reply(mail: InboundMail, *, at: datetime) -> None:
    rows = Addressee.objects.select_related("inquiry__asker__organisation", "organisation", "section")
    row = rows.filter(pk=mail.about[1]).first()
    if row is None:
        need_attention(mail, "返信元の照会が見つかりません。")
        return
    take(mail, kind=KIND, record_id=row.pk, at=at)
    state = word_of(mail.reply_text)
    if state and not mail.attachment_names and _answered_by_mail(row, state, mail):
        return
    MailAnswer.objects.create(
        mail_id=mail.pk, addressee=row, sender=mail.sender, text=mail.reply_text or mail.text,
        attachment_names=mail.attachment_names, received_at=mail.received_at,
    )  # fmt: skip
    record(
        "mail",
        "返信メールを受信（要確認）",
        kind=KIND,
        record_id=row.pk,
        by=None,
        at=mail.received_at,
        note=mail.sender,
    )


def _answered_by_mail(row: Addressee, state: str, mail: InboundMail) -> bool:
    """Take the word as the answer. False where that is refused (too late, already applied): a person decides then."""
    try:
        with transaction.atomic():
            remark = APPLYING if state == "considering" and _first_line(mail.reply_text) != "検討中" else ""
            answer(row, state, at=mail.received_at, way="mail", name=f"メール {mail.sender}", remark=remark)
    except Refused:
        return False
    return True

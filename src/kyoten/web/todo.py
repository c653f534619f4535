"""What home shows: 対応が必要な案件 and 依頼中の案件 of one seat's section. Each source costs a fixed number of queries."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from django.db.models import Count, F, Max, Q
from django.urls import reverse

from kyoten.calls.actions.deadline import moved
from kyoten.calls.models import Application, Bundle, Call
from kyoten.calls.steps import result_due
from kyoten.inquiries.models import Addressee, Draft, Inquiry, MailAnswer
from kyoten.organisations.models import AddressConfirmation, Seat
from kyoten.post.mailbox import trouble_now
from kyoten.post.models import InboundMail, OutboundMail
from kyoten.programmes.models import Programme
from kyoten.rules.clock import END_OF_DAY, JST
from kyoten.rules.wareki import fiscal_year, fiscal_year_name
from kyoten.web import todo_desk
from kyoten.web.sorting import operators_of

State = tuple[str, str]  # words, kind of tag


@dataclass(frozen=True)
class Task:
    """One thing to do: what, until when, who asked, where it stands, and the next act as one button."""

    title: str
    url: str
    note: str = ""
    due: datetime | None = None
    asker: str = ""
    state: State = ("", "none")
    act: str = "開く"
    main: bool = True  # the button is filled


@dataclass(frozen=True)
class Asked:
    """One thing this section waits for."""

    title: str
    url: str
    to: str
    due: datetime | None = None
    state: State = ("", "none")
    overdue: bool = False


class Desk:
    """What the sources have in common, read once: the calls of this seat with their definitions, its applications."""

    def __init__(self, seat: Seat, at: datetime) -> None:
        self.seat, self.at = seat, at
        self.organisation = seat.organisation
        self.kind = seat.organisation.kind

    @cached_property
    def programmes(self) -> dict[str, Programme]:
        return {programme.slug: programme for programme in Programme.objects.newest()}

    @cached_property
    def has_desk(self) -> bool:
        return any(row.has_desk and row.organiser_id == self.organisation.pk for row in self.programmes.values())

    @cached_property
    def calls(self) -> list[Call]:
        calls = list(Call.objects.visible_to(self.seat).select_related("organiser", "inquiry"))
        for call in calls:
            call.programme = self.programmes[call.slug]  # not one query for each call
        return calls

    @cached_property
    def call_of(self) -> dict[int, Call]:
        """By the root inquiry of its tree."""
        return {call.inquiry_id: call for call in self.calls}

    @cached_property
    def drafts(self) -> list[Draft]:
        """起案 of this section that wait for their 決裁."""
        rows = Draft.objects.visible_to(self.seat).filter(section=self.seat.section_id, state="prepared")
        return list(rows.select_related("section"))

    @cached_property
    def mine(self) -> list[Application]:
        rows = Application.objects.owned_by(self.seat).in_charge_of(self.seat).exclude(state="withdrawn")
        rows = rows.annotate(mend_by=Max("corrections__due", filter=Q(corrections__mended_at=None)))
        calls = {call.pk: call for call in self.calls}
        found = list(rows.select_related("prefecture"))
        for row in found:
            row.call = calls[row.call_id]
        return found

    @cached_property
    def cases(self) -> list[Addressee]:
        """What this section received and has to answer."""
        rows = Addressee.objects.received_by(self.seat).filter(section=self.seat.section_id, purpose="answer")
        return list(rows.select_related("inquiry__asker__organisation", "organisation"))


def tasks(desk: Desk) -> list[Task]:
    """対応が必要な案件, the nearest date first, what has no date last."""
    sources = [
        received(desk),
        writing(desk),
        gathering(desk),
        drafted(desk),
        organising(desk),
        mails(desk),
        confirmations(desk),
        consulting(desk),
    ]
    found = [task for source in sources for task in source]
    return sorted(found, key=lambda task: (task.due is None, task.due or desk.at, task.title))


def asked(desk: Desk) -> list[Asked]:
    """依頼中の案件, overdue ones first."""
    found = [*inquiries(desk), *with_others(desk), *referred(desk)]
    return sorted(found, key=lambda row: (not row.overdue, row.due is None, row.due or desk.at, row.title))


# ---- 対応が必要な案件 ---------------------------------------------------------------------------


def received(desk: Desk) -> Iterator[Task]:
    """Inquiries to answer. Where an application is being written or a prefecture gathers, that is the task instead."""
    written = {row.call.inquiry_id for row in desk.mine}
    for row in desk.cases:
        call = desk.call_of.get(row.root_id)
        if row.state not in Addressee.OPEN or row.represented_by_id or row.root_id in written:
            continue
        if call and (desk.kind == "prefecture" or call.announced_at):
            continue
        yield Task(
            title=row.inquiry.title,
            url=reverse("calls:show", args=[call.slug]) if call else reverse("inquiries:received", args=[row.pk]),
            note=due_note(desk, call, row),
            due=row.inquiry.due,
            asker=str(row.inquiry.asker),
            state=row.shown_state(desk.at),
            act="回答する" if desk.seat.may_act else "開く",
        )


def due_note(desk: Desk, call: Call | None, row: Addressee) -> str:
    if call is None:
        return "通知・照会"
    deadline = call.deadline.astimezone(JST)
    last = f"（事務局への提出期限は{deadline.month}月{deadline.day}日）" if row.inquiry.due != deadline else ""
    return f"公募・申込　県への提出期限{last}" if row.inquiry.parent_id else "公募・申込"


def writing(desk: Desk) -> Iterator[Task]:
    """Applications in this section's hands: 作成中 and 補正依頼中."""
    cases = {row.root_id: row for row in desk.cases}
    for row in desk.mine:
        if row.state not in Application.EDITABLE or row.by_proxy or row.call.announced_at:
            continue
        case = cases.get(row.call.inquiry_id)
        mend_by = datetime.combine(row.mend_by, END_OF_DAY, JST) if row.mend_by else None
        returned = row.state == "returned"
        yield Task(
            title=row.call.definition.call.title,
            url=reverse("calls:edit", args=[row.pk]),
            note="公募・申込　補正の期限" if mend_by else due_note(desk, row.call, case) if case else "公募・申込",
            due=mend_by or (case.inquiry.due if case else row.call.deadline),
            asker=str(case.inquiry.asker) if case else str(row.prefecture),
            state=row.shown_state(),
            act="補正する" if returned else "続きを書く",
        )


def gathering(desk: Desk) -> Iterator[Task]:
    """A prefecture's part in a call: ask its municipalities, look at what came, send what was decided."""
    if desk.kind != "prefecture":
        return
    cases = {row.root_id: row for row in desk.cases}
    calls = [call for call in desk.calls if call.inquiry_id in cases and not call.announced_at]
    asked = {row["parent"]: row for row in _asked_below(calls, desk)}
    submitted = _count(Application.objects.filter(prefecture=desk.organisation, state="submitted", bundle=None))
    prepared = {b.call_id: b for b in Bundle.objects.filter(prefecture=desk.organisation, state="prepared")}
    for call in calls:
        case = cases[call.inquiry_id]
        below, bundle, waiting = asked.get(case.pk), prepared.get(call.pk), submitted.get(call.pk, 0)
        common = {"title": call.definition.call.title, "due": call.deadline, "asker": str(case.inquiry.asker)}
        if bundle:
            yield Task(**common, url=reverse("calls:bundle", args=[bundle.pk]), note="公募・申込　決裁後に事務局へ提出",
                       state=("決裁待ち", "go"), act="提出する")  # fmt: skip
        elif below is None and case.pk in {draft.parent_id for draft in desk.drafts}:
            continue  # drafted() has it
        elif below is None and case.state in Addressee.MISSING:
            yield Task(**common, url=reverse("calls:ask", args=[call.slug]), note="公募・申込　管内の市町村への照会",
                       state=case.shown_state(desk.at), act="管内へ照会する")  # fmt: skip
        elif waiting or case.state in Addressee.MISSING:
            yield Task(**common, url=reverse("calls:gather", args=[call.slug]), note="公募・申込　管内のとりまとめ",
                       state=(f"提出済 {waiting}件・未回答 {below['missing'] if below else 0}団体", "go"),
                       act="とりまとめる")  # fmt: skip


def drafted(desk: Desk) -> Iterator[Task]:
    """What was printed for a 決裁 and is to be sent after it."""
    calls = {call.slug: call for call in desk.calls}
    for draft in desk.drafts:
        call = calls.get(draft.programme)
        opens = desk.programmes[draft.programme].definition.call.opens
        yield Task(
            title=draft.frozen["title"],
            url=reverse("calls:draft", args=[draft.pk]),
            note=f"公募・申込　{draft.get_kind_display()}の起案",
            due=call.deadline if call else datetime.combine(opens, END_OF_DAY, JST),
            state=("決裁待ち", "go"),
            act="発出する" if desk.seat.may_act else "開く",
        )


def _asked_below(calls: Iterable[Call], desk: Desk):
    """For each case passed down to the municipalities: how many of them have not answered."""
    rows = Addressee.objects.filter(root__in=[call.inquiry_id for call in calls], purpose="answer")
    rows = rows.filter(inquiry__parent__organisation=desk.organisation)
    return rows.order_by().values(parent=F("inquiry__parent")).annotate(missing=Count("pk", filter=MISSING))


MISSING = Q(state__in=Addressee.MISSING, represented_by=None)


def _count(applications) -> dict[int, int]:
    return dict(applications.order_by().values_list("call").annotate(n=Count("pk")))


def organising(desk: Desk) -> Iterator[Task]:
    """The organiser: calls to open, what came in, decisions and the result."""
    if desk.kind != "secretariat":
        return
    yield from to_open(desk)
    calls = [c for c in desk.calls if c.organiser.organisation_id == desk.organisation.pk and not c.announced_at]
    visible = Application.objects.visible_to(desk.seat).filter(state="forwarded", call__in=calls)
    unread = _count(visible.filter(received_on=None))
    undecided = _count(visible.filter(decision=None))
    every = _count(visible)
    for call in calls:
        title, closed = call.definition.call.title, desk.at > call.deadline
        if moved(call):
            yield Task(title, reverse("calls:deadline", args=[call.slug]), "公募・申込　締切の変更の通知",
                       due=call.deadline, state=("未通知", "warn"), act="通知する")  # fmt: skip
        if n := unread.get(call.pk):
            yield Task(title, reverse("calls:applications", args=[call.slug]), "公募・申込　届いた申込書の収受",
                       state=(f"未収受 {n}件", "warn"), act="確認する")  # fmt: skip
        if closed and (n := undecided.get(call.pk)):
            yield Task(title, reverse("calls:board", args=[call.slug]), "公募・申込　選定", due=result_due(call),
                       state=(f"未決定 {n}件", "go"), act="選定する")  # fmt: skip
        elif closed and every.get(call.pk):
            yield Task(title, reverse("calls:announce", args=[call.slug]), "公募・申込　選定結果の通知",
                       due=result_due(call), state=("通知待ち", "go"), act="通知する")  # fmt: skip


def to_open(desk: Desk) -> Iterator[Task]:
    opened = set(Call.objects.values_list("slug", flat=True))
    mine = {p.slug for p in Programme.objects.visible_to(desk.seat)} - {draft.programme for draft in desk.drafts}
    for slug, programme in desk.programmes.items():
        call = programme.definition.call
        if call and slug in mine and slug not in opened:
            yield Task(
                title=call.title,
                url=reverse("calls:open", args=[slug]),
                note=f"公募・申込　{programme.definition.short_name}",
                due=datetime.combine(call.opens, END_OF_DAY, JST),
                state=("公募の開始前", "none"),
                act="公募を開始する",
            )


def mails(desk: Desk) -> Iterator[Task]:
    """Replies nobody could read as an answer, and mail of ours that did not arrive."""
    notes = MailAnswer.objects.visible_to(desk.seat).filter(settled_at=None).order_by()
    asked = Inquiry.objects.filter(addressees__mail_answers__in=notes).annotate(n=Count("addressees__mail_answers"))
    for inquiry in asked.order_by("pk"):
        yield Task(
            title=inquiry.title,
            url=waiting_url(inquiry, desk.call_of.get(inquiry.tree_id)),  # where a form in a mail can be entered
            note="返信メールの内容の確認",
            state=(f"要確認 {inquiry.n}件", "warn"),
            act="確認する",
        )
    if failed := OutboundMail.objects.shown_to(desk.seat.person_id).failed_for([desk.seat.section_id]).count():
        yield Task(
            "送信できなかったメール",
            reverse("post:failures"),
            "宛先の確認と再送",
            state=(f"{failed}件", "stop"),
            act="確認する",
        )
    arrived = InboundMail.objects.shown_to(desk.seat.person_id)
    attention = arrived.attention_of(desk.seat.section_id, nobodys=desk.kind == "secretariat")
    if number := attention.count():
        yield Task(
            title="自動では処理できなかった受信メール",
            url=reverse("post:attention"),
            note="内容の確認",
            state=(f"要確認 {number}件", "warn"),
            act="確認する",
        )
    sorts = desk.has_desk or desk.kind == "secretariat"
    if sorts and (number := arrived.waiting(operators_of(desk.seat)).count()):
        yield Task(
            title="受信箱の振り分け",
            url=reverse("sorting:list"),
            note="申込・相談・その他の別の確認",
            state=(f"要確認 {number}件", "warn"),
            act="確認する",
        )
    if desk.kind == "secretariat" and trouble_now():
        yield Task(
            title="受信箱のメールを取り込めません",
            url=reverse("sorting:list"),
            note="理由を確認し、システムの担当者に連絡してください。メールはサーバーに残っています",
            state=("受信できません", "stop"),
            act="理由を見る",
        )


def confirmations(desk: Desk) -> Iterator[Task]:
    """四月: is the address list still right?"""
    year = fiscal_year(desk.at.date())
    for row in AddressConfirmation.objects.filter(section=desk.seat.section_id, answered_at=None, fiscal_year=year):
        yield Task(
            title=f"{fiscal_year_name(year)}　連絡先の確認",
            url=reverse("organisations:address_edit", args=[row.section_id]),
            note="変更がないときは「変更なし」で回答できます",
            state=("未回答", "none"),
            act="回答する",
        )


def consulting(desk: Desk) -> Iterator[Task]:
    """The work of a desk, for who runs one."""
    if desk.has_desk:
        yield from (Task(**line) for line in todo_desk.lines(desk.seat, desk.at))


# ---- 依頼中の案件 -------------------------------------------------------------------------------


def inquiries(desk: Desk) -> Iterator[Asked]:
    """What this section asked and still waits for: until all have answered, or we have reported upwards ourselves."""
    rows = Inquiry.objects.asked_by(desk.seat).filter(asker=desk.seat.section_id)
    rows = rows.exclude(parent__state="answered").exclude(call__announced_at__isnull=False)
    # Past a deadline that takes nothing more, silence is the answer the asking said it would be.
    rows = rows.exclude(hard=True, silence=Inquiry.Silence.NOT_APPLICABLE, due__lt=desk.at)
    asked = Q(addressees__purpose="answer")
    missing = asked & Q(addressees__state__in=Addressee.MISSING, addressees__represented_by=None)
    rows = rows.annotate(number=Count("addressees", filter=asked), missing=Count("addressees", filter=missing)).filter(
        missing__gt=0
    )
    for row in rows.order_by("due", "pk"):
        overdue = bool(row.due and desk.at > row.due)
        call = desk.call_of.get(row.tree_id)
        yield Asked(
            title=row.title,
            url=waiting_url(row, call),
            to=f"{row.number}団体",
            due=row.due,
            state=(f"期限超過 {row.missing}団体", "stop") if overdue else (f"未回答 {row.missing}団体", "go"),
            overdue=overdue,
        )


def waiting_url(inquiry: Inquiry, call: Call | None) -> str:
    if call is None:
        return reverse("inquiries:asked", args=[inquiry.pk])
    return reverse("calls:gather" if inquiry.parent_id else "calls:show", args=[call.slug])


def referred(desk: Desk) -> Iterator[Asked]:
    """照会 of a desk to other bodies and advisers."""
    for title, url, to, due in todo_desk.asked(desk.seat) if desk.has_desk else ():
        overdue = bool(due and desk.at > due)
        yield Asked(title, url, to, due, ("期限超過", "stop") if overdue else ("照会中", "go"), overdue)


def with_others(desk: Desk) -> Iterator[Asked]:
    """Applications that wait for somebody else: sent in by us, or sent back by us for mending."""
    for row in desk.mine:
        if row.state in ("submitted", "forwarded") and not row.call.announced_at:
            yield Asked(row.call.definition.call.title, reverse("calls:application", args=[row.pk]),
                        str(row.prefecture) if row.state == "submitted" else "事務局", None, row.shown_state())  # fmt: skip
    if desk.kind == "prefecture":
        yield from being_mended(desk)


def being_mended(desk: Desk) -> Iterator[Asked]:
    rows = Application.objects.visible_to(desk.seat).filter(state="returned")
    rows = rows.annotate(mend_by=Max("corrections__due", filter=Q(corrections__mended_at=None)))
    calls = {call.pk: call for call in desk.calls}
    for row in rows.select_related("applicant"):
        due = datetime.combine(row.mend_by, END_OF_DAY, JST) if row.mend_by else None
        overdue = bool(due and desk.at > due)
        yield Asked(
            title=calls[row.call_id].definition.call.title,
            url=reverse("calls:application", args=[row.pk]),
            to=row.applicant.name,
            due=due,
            state=("期限超過", "stop") if overdue else ("補正依頼中", "warn"),
            overdue=overdue,
        )

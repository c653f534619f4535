"""The official papers of a call, put together from its records. The layouts are in kyoten.papers."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, assert_never

from django.db.models import QuerySet

from kyoten.calls.actions.opening import Plan
from kyoten.calls.models import Application, Call, Decision
from kyoten.inquiries.actions import until
from kyoten.inquiries.models import Addressee
from kyoten.organisations.models import Organisation, Seat, Section
from kyoten.papers.articles import Article, Block, Grid, Heading, Points, Words
from kyoten.papers.drafts import FilledForm, Proposal, write_draft_set
from kyoten.papers.fax import FaxSheet, write_fax_sheet
from kyoten.papers.forms import write_form
from kyoten.papers.letters import Item, Letter, write_letter
from kyoten.papers.tables import Table, write_table
from kyoten.records.actions import store_file
from kyoten.records.models import Actor, Attachment
from kyoten.rules import answers as form_answers
from kyoten.rules.clock import deadline_moment, local
from kyoten.rules.definition import Definition, Field, GuideBlock
from kyoten.rules.text import without_reading
from kyoten.rules.wareki import wareki

FEW_ADDRESSEES = 3  # up to so many stand on the letter itself
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
TYPES = {
    "pdf": "application/pdf",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
}


def form_of(application: Application, kind: str) -> bytes:
    """申込書 as the official form, with its 受付番号 once it has one."""
    header = f"受付番号　{application.number}" if application.number else ""
    return write_form(application.definition, application.answers, kind, header=header)


def blank_form(definition: Definition, kind: str) -> bytes:
    return write_form(definition, {}, kind)


def form_to_enclose(definition: Definition, *, by: Actor, at: datetime) -> list[Attachment]:
    """The blank form as a Word file, stored to go with a notice; nothing where the programme has no form."""
    if definition.form is None:
        return []
    return [store_file(blank_form(definition, "docx"), f"{definition.form.file_name}.docx", by=by, at=at)]


def rows_table(field: Field, rows: Sequence[Mapping[str, str]]) -> bytes:
    """A table of the form (構成員) as Excel, choices as their words."""
    columns = field.columns
    words = {c.id: {o.value: o.label for o in c.options} for c in columns}
    body = [[words[c.id].get(row.get(c.id, ""), row.get(c.id, "")) for c in columns] for row in rows]
    return write_table(field.label, [c.label for c in columns], body)


def covering_text(call: Call, prefecture: Organisation) -> str:
    """A first draft of the 鑑文; the officer rewrites it freely."""
    return f"標記について、{prefecture}内の申込書をとりまとめましたので、別紙のとおり提出します。"


def draft_set(call: Call, by: Seat, applications: Sequence[Application], text: str, at: datetime) -> bytes:
    """起案用一式: 伺い文, 鑑文, 申込書 (別紙), 申込一覧, 送付先 — one PDF."""
    proposal = Proposal(
        subject=f"{call.definition.call.title}の申込みについて",
        text=f"標記の公募について、管内から{len(applications)}件の申込みがありました。別案により{call.organiser.organisation}へ提出してよろしいか伺います。",
        drafted=at.date(),
        section=str(by.section),
        drafter=by.person.name,
    )
    forms = [FilledForm(a.definition, a.answers, f"{a.number}　{a.applicant}") for a in applications]
    listing = Table(
        "申込一覧",
        ("受付番号", "応募地域名", "申込団体", "県の意見"),
        [(a.number, a.area_name, a.applicant.name, a.opinion or "－") for a in applications],
    )
    to = Table("送付先一覧", ("送付先", "メールアドレス"), [(str(call.organiser), call.organiser.email)])
    return write_draft_set(proposal, [_covering_letter(call, by, applications, text)], forms, [listing, to])


def _covering_letter(call: Call, by: Seat, applications: Sequence[Application], text: str) -> Letter:
    """鑑文: number and date stay blank until the 決裁."""
    section = by.section
    return Letter(
        subject=f"{call.definition.call.title}の申込みについて",
        nature="提出",
        addressees=(f"{call.organiser}　御中",),
        sender=(str(section),),
        paragraphs=tuple(line for line in text.splitlines() if line.strip()),
        items=tuple(Item(a.number, f"{a.area_name}（{a.applicant}）") for a in applications),
        contact=_section_contact(section),
    )


def notice_set(plan: Plan, frozen: Mapping[str, Any], by: Seat, at: datetime) -> bytes:
    """起案用一式 of 公募開始 or 管内へ照会: 伺い文, 通知文, mail, 別添, 公募要領, 申込書, 宛先一覧 — one PDF.

    `frozen`: what the draft keeps (calls.actions.drafting.frozen_of), so that both say the same.
    """
    definition, parent = plan.programme.definition, plan.parent
    act = "公募を開始し、都道府県等へ通知" if plan.kind == "open" else "管内の市町村等へ照会"
    grounds = [definition.source]
    if parent:
        above = parent.inquiry
        grounds = [f"{above.asker}からの通知　{above.document_number}　{wareki(local(above.sent_at).date())}", *grounds]
    proposal = Proposal(
        subject=f"{plan.what.title}について",
        text=f"標記について、別案により{act}してよろしいか伺います。",
        drafted=local(at).date(),
        section=str(by.section),
        drafter=by.person.name,
        grounds=tuple(grounds),
    )
    mail = Article(
        "通知のメールの文面",
        [Words(frozen["mail"])],
        note="宛先ごとに、宛名と回答用のリンクが入ります。参考送付する団体へは、通知文の前に参考送付で回答不要の旨と依頼先の回答期限が入り、回答の方法は入りません。",
    )
    forms = [FilledForm(definition, {}, "様式")] if definition.form else []
    letter = _notice_letter(plan, frozen, by)
    articles = [mail, *_annexes(parent), guide_article(definition)]
    return write_draft_set(proposal, [letter], forms, [_addressees(frozen)], articles=articles)


def _notice_letter(plan: Plan, frozen: Mapping[str, Any], by: Seat) -> Letter:
    """通知文: number and date stay blank until the 決裁."""
    what, definition, section = plan.what, plan.programme.definition, by.section
    few = len(frozen["to"]) <= FEW_ADDRESSEES
    items = [
        Item("回答期限", frozen["due"]),
        Item("回答の方法", "メールのリンク、メールへの返信又はKyotenの画面による"),
    ]
    if what.silence_text:
        items.insert(1, Item("回答がないとき", what.silence_text))
    enclosures = [f"{what.title.removesuffix(' 公募')}　公募要領"]
    if plan.parent:
        enclosures.insert(0, f"{plan.parent.inquiry.asker}からの通知（写し）")
    if definition.form:
        enclosures.append(f"{definition.form.number}　{definition.form.title}".strip())
    return Letter(
        subject=f"{what.title}について",
        nature="依頼" if plan.kind == "open" else "照会",
        addressees=tuple(f"{name}　{part}　御中" for _, name, part in frozen["to"]) if few else ("別記宛先　御中",),
        sender=(frozen["sender"],),
        paragraphs=tuple(line for line in what.covering_text.splitlines() if line.strip()),
        items=tuple(items),
        enclosures=tuple(enclosures),
        contact=_section_contact(section),
    )


def _section_contact(section: Section) -> tuple[str, ...]:
    lines = (str(section), section.phone and f"電話　{section.phone}", f"E-mail　{section.email}")
    return tuple(line for line in lines if line)


def _annexes(parent: Addressee | None) -> list[Article]:
    """別添写し: what the prefecture itself was sent, word for word."""
    if parent is None:
        return []
    above = parent.inquiry
    note = f"{above.document_number}　{wareki(local(above.sent_at).date())}".strip("　")
    return [Article(f"別添　{above.asker}からの通知（写し）", [Words(above.covering_text)], note=note)]


def _addressees(frozen: Mapping[str, Any]) -> Table:
    asked = [(name, part, "回答を求める") for _, name, part in frozen["to"]]
    informed = [(name, part, "参考送付") for _, name, part in frozen["reference"]]
    rows = [(str(n), *row) for n, row in enumerate([*asked, *informed], 1)]
    note = f"回答を求める {len(asked)}団体　参考送付 {len(informed)}団体"
    return Table("別記　宛先一覧", ("No.", "宛先", "担当課", "区分"), rows, note=note)


def guide_article(definition: Definition) -> Article:
    """公募要領 on paper, as the page shows it."""
    call = definition.call
    blocks: list[Block] = []
    for section in call.guide:
        blocks.append(Heading(f"{section.no}　{section.title}"))
        blocks += [_guide_block(block, definition) for block in section.body]
    return Article(f"{call.title.removesuffix(' 公募')}　公募要領", blocks)


def _guide_block(block: GuideBlock, definition: Definition) -> Block:
    match block.kind:
        case "text":
            return Words(block.text)
        case "note":
            return Words(f"※{block.text}", small=True)
        case "list":
            return Points(tuple((item.text, item.items) for item in block.items))
        case "table":
            return Grid(block.caption, block.columns, block.rows)
        case "deadline":
            return Words(until(deadline_moment(definition.call.deadline)))
        case "contact":
            contact = definition.contact
            phone = f"\n電話　{contact.phone}" if contact.phone else ""
            return Words(f"{contact.name}\nE-mail　{contact.email}{phone}")
        case _:
            assert_never(block.kind)


def result_letter(decision: Decision, call: Call, *, number: str, day: date, by: Seat) -> bytes:
    """選定結果の通知: the letter every applicant's representative gets (別紙2 9). The internal reason is not on it."""
    application = decision.application
    answers = application.answers
    definition = call.definition
    who = [
        answers.get("rep_organisation", ""),
        f"{answers.get('rep_title', '')}　{without_reading(answers.get('rep_name', ''))}　様".strip("　"),
    ]
    contact = definition.contact
    letter = Letter(
        subject=f"{definition.call.title}の選定結果について", nature="通知", number=number, dated=day,
        informal=number == "事務連絡", addressees=tuple(line for line in who if line), sender=(str(call.organiser),),
        paragraphs=(
            "平素より格別の御高配を賜り、厚く御礼申し上げます。",
            f"さて、{application.definition.form.title}により御応募いただきました標記の件について、選定の結果を下記のとおり通知します。",
        ),
        items=_result_items(decision, application),
        contact=tuple(line for line in (contact.name, f"E-mail　{contact.email}", contact.phone and f"電話　{contact.phone}") if line),
    )  # fmt: skip
    return write_letter(letter, "pdf")


def _result_items(decision: Decision, application: Application) -> tuple[Item, ...]:
    if decision.outcome == "selected":
        result, next_step = "伴走支援の実施地域として選定しました。", "今後の進め方は、担当から改めて御連絡します。"
    else:
        result, next_step = "今回は選定に至りませんでした。", "御応募いただきありがとうございました。"
    return (
        Item("受付番号", application.number), Item("応募地域名", application.area_name), Item("選定結果", result),
        Item("備考", next_step),
    )  # fmt: skip


def status_table(call: Call, prefecture: Organisation, rows: Iterable[Addressee], at: datetime) -> bytes:
    """とりまとめ表: every municipality with its answer, as the prefecture's officer keeps it in Excel."""
    columns = [
        "コード",
        "市町村",
        "担当課",
        "状況",
        "回答日時",
        "回答者",
        "回答の方法",
        "受付番号",
        "応募地域名",
        "再依頼",
        "備考",
        "電話番号",
        "メールアドレス",
    ]
    body = [
        [
            row.organisation.code, row.organisation.name, row.section.name, row.shown[0], row.answered_at, row.answered_by,
            row.get_way_display() if row.way else "", row.application.number if row.application else "",
            row.application.area_name if row.application else "", row.reminded, row.remark, row.section.phone, row.section.email,
        ]
        for row in rows
    ]  # fmt: skip
    note = f"{call.definition.call.title}　{prefecture}　{wareki(at.date())}現在"
    return write_table("とりまとめ表", columns, body, note=note)


# What applications_table reads: 5,000 whole applications would take twice as long.
TABLE_COLUMNS = (
    "pk", "number", "prefecture__name", "applicant__name", "section__name", "state", "submitted_at", "opinion", "answers_text",
)  # fmt: skip


def applications_table(call: Call, rows: QuerySet, outcomes: Mapping[int, str], *, opinions: bool) -> bytes:
    """申込一覧 with every answer of the form in a column of its own. The 県の意見 is not for the applicant's eyes.

    `rows`: Applications in order; `outcomes`: of those decided, by id.
    """
    fields = [f for f in call.definition.form.fields() if f.kind != "table"] if call.definition.form else []
    columns = [
        "受付番号",
        "都道府県",
        "申込団体",
        "担当課",
        "状態",
        "提出日時",
        *(["県の意見"] if opinions else []),
        "決定",
        *(f.label for f in fields),
    ]
    found = rows.values_list(*TABLE_COLUMNS, named=True).iterator(chunk_size=500)
    body = (_application_row(row, fields, outcomes.get(row.pk), opinions) for row in found)
    return write_table("申込一覧", columns, body, note=call.definition.call.title)


def _application_row(row: Any, fields: Sequence[Field], outcome: str | None, opinions: bool) -> list:
    answers = json.loads(row.answers_text)
    return [
        row.number, row.prefecture__name, row.applicant__name, row.section__name, Application.State(row.state).label,
        row.submitted_at, *([row.opinion] if opinions else []), Decision.Outcome(outcome).label if outcome else "",
        *(form_answers.show(field, answers.get(field.id)) for field in fields),
    ]  # fmt: skip


def fax_sheet(row: Addressee, by: Seat) -> bytes:
    """FAX回答票: for bodies that answer on paper; its number leads back to the case."""
    inquiry, section = row.inquiry, by.section
    return write_fax_sheet(
        FaxSheet(
            number=f"{inquiry.pk}-{row.pk}",
            subject=inquiry.title,
            addressee=f"{row.organisation}　{row.section.name}　御中",
            sender=str(section),
            reply_to=section.fax,
            due=wareki(inquiry.due.date(), with_weekday=True) if inquiry.due else "",
            contact=tuple(line for line in (str(section), section.phone and f"電話　{section.phone}") if line),
        )
    )

"""A call brought to a stage by its real acts, for the flow tests."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from kyoten.calls.actions import applying, drafting, gathering, opening, selecting
from kyoten.calls.models import Application, Bundle, Call, Decision
from kyoten.inquiries.models import Addressee, Draft
from kyoten.records.actions import store_file
from kyoten.rules import answers as form_answers
from kyoten.rules.clock import JST

OPENING = datetime(2025, 6, 27, 9, 0, tzinfo=JST)
ASKING = datetime(2025, 6, 30, 10, 0, tzinfo=JST)
WRITING = datetime(2025, 7, 14, 10, 0, tzinfo=JST)
PREFECTURE_DUE = datetime(2025, 7, 24, 23, 59, 59, 999999, tzinfo=JST)
GATHERING = datetime(2025, 7, 29, 10, 0, tzinfo=JST)
DEADLINE = datetime(2025, 7, 31, 23, 59, 59, 999999, tzinfo=JST)
SELECTING = datetime(2025, 8, 6, 10, 0, tzinfo=JST)
ANNOUNCING = datetime(2025, 8, 14, 10, 0, tzinfo=JST)
MICROSECOND = timedelta(microseconds=1)


def member(n: int, organisation: str, profession: str, group: str) -> dict[str, str]:
    return {
        "row": f"m{n}", "organisation": organisation, "section": "", "title": "", "profession": profession, "group": group,
    }  # fmt: skip


MEMBERS = [
    member(1, "松戸市", "行政職員", "hub"),
    member(2, "松戸市医師会", "医師", "medical_association"),
    member(3, "松戸歯科医師会", "歯科医師", "medical_association"),
    member(4, "あおば訪問看護ステーション", "看護師", "homecare"),
    member(5, "みどり薬局", "薬剤師", "homecare"),
    member(6, "ひかり病院", "医療ソーシャルワーカー", "homecare"),
    member(7, "居宅介護支援事業所つばさ", "ケアマネジャー", "care"),
    member(8, "松戸市介護支援専門員協議会", "ケアマネジャー", "care_association"),
    member(9, "松戸市", "行政職員", "municipality"),
    member(10, "リハビリ訪問そよかぜ", "理学療法士", "homecare"),
]
ANSWERS = {
    "prefecture": "千葉県",
    "area_kind": "2",
    "area_name": "松戸市全域",
    "rep_organisation": "松戸市",
    "rep_section": "地域医療課",
    "rep_name": "山下 結衣",
    "rep_title": "主査",
    "rep_address": {"postal": "271-0000", "text": "松戸市見本町1-1"},
    "rep_phone": "047-000-0000",
    "rep_email": "daihyo@matsudo.example.jp",
    "reason": "夜間・休日の急変時に受け入れ先が決まらない。",
    "features": "高齢化が進んでいる。",
    "activities": "多職種会議を年4回開いている。",
    "issues": ["multidisciplinary", "disaster"],
    "issues_detail": "輪番と後方病床の仕組みがない。",
    "members": MEMBERS,
}


def opened(world) -> Call:
    return opening.open_call(
        world.programme, "実施地域を募集します。", by=world.seat_secretariat, at=OPENING, document_number="事務連絡"
    )


def case(call: Call, organisation) -> Addressee:
    rows = Addressee.objects.select_related("inquiry__asker__organisation", "organisation", "section")
    return rows.get(root=call.inquiry_id, organisation=organisation)


def asked(world, call: Call | None = None) -> Call:
    call = call or opened(world)
    towns = [world.matsudo, world.kashiwa, world.kamagaya]
    opening.ask_municipalities(
        case(call, world.chiba), call, covering_text="御検討ください。", due=PREFECTURE_DUE, to=towns,
        by=world.seat_chiba, at=ASKING,
    )  # fmt: skip
    return call


def drawn_up(world, call: Call) -> Draft:
    """千葉県's 管内へ照会 printed for its 決裁, not sent."""
    by = world.seat_chiba
    plan = opening.plan_asking(
        case(call, world.chiba), call, covering_text="御検討ください。", due=PREFECTURE_DUE, to=[world.matsudo]
    )
    file = store_file(b"%PDF-1.7 draft", "起案用一式.pdf", by=by.actor(), at=ASKING)
    said = drafting.frozen_of(plan, by.section, ASKING)
    return drafting.prepare(plan, file=file, expected=said, by=by, at=ASKING)


def drafted(world, call: Call | None = None, seat=None, **answers) -> Application:
    """An application written in full by 松戸市 (or `seat`), not yet submitted."""
    call = call or asked(world)
    seat = seat or world.seat_matsudo
    application = applying.start(call, municipalities=[seat.organisation], by=seat, at=WRITING)
    base = form_answers.digests(application.form, application.answers)
    ticks = {rule.id: True for rule in application.definition.call.rules if rule.kind == "manual"}
    return applying.save(application, ANSWERS | answers, base, ticks=ticks, by=seat, at=WRITING).application


def submitted(world, call: Call | None = None, seat=None, **answers) -> Application:
    application = drafted(world, call, seat, **answers)
    return applying.submit(application, by=seat or world.seat_matsudo, at=WRITING)


def with_officer(world, application: Application) -> Application:
    row = {"organisation": "千葉県", "section": "医療整備課", "title": "主事", "profession": "行政職員"}
    gathering.add_officer(application, row, by=world.seat_chiba, at=GATHERING)
    application.refresh_from_db()
    return application


def prepared(world, call: Call, at: datetime = GATHERING) -> Bundle:
    applications = gathering.ready_to_gather(call, world.chiba)
    file = store_file(b"%PDF-1.7 draft", "起案用一式.pdf", by=world.seat_chiba.actor(), at=at)
    return gathering.prepare(
        call, world.chiba, covering_text="とりまとめました。", file=file,
        expected={a.pk: a.version for a in applications}, by=world.seat_chiba, at=at,
    )  # fmt: skip


def forwarded(world) -> Application:
    """松戸市's application at the organiser, through 千葉県."""
    application = with_officer(world, submitted(world))
    bundle = prepared(world, application.call)
    gathering.carry_out(
        bundle, decided_on=date(2025, 7, 29), document_number="医整第100号", by=world.seat_chiba, at=GATHERING
    )
    application.refresh_from_db()
    return application


def decided(world, outcome: str = "selected") -> Decision:
    application = forwarded(world)
    return selecting.decide(application, outcome, "体制が整っている。", by=world.seat_secretariat, at=SELECTING)


def letters(world):
    """Stands in for the printer: a file per decision."""
    return lambda decision: store_file(
        f"%PDF-1.7 {decision.pk}".encode(), "結果.pdf", by=world.seat_secretariat.actor(), at=ANNOUNCING
    )


def announced(world, outcome: str = "selected") -> Call:
    decision = decided(world, outcome)
    return selecting.announce(
        decision.application.call, letters(world), document_number="事務連絡", decided_on=date(2025, 8, 13),
        by=world.seat_secretariat, at=ANNOUNCING,
    )  # fmt: skip

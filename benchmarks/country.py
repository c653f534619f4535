"""A country full of applications: the demo's world, the call asked down through all prefectures, and 5,000 forms written.

The acts are the real ones (公募開始, 管内へ照会, とりまとめ); only writing and submitting is written to the tables in
bulk, with the events those acts would have left, because 5,000 times would take minutes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import cycle, islice
from random import Random

from django.db import transaction

from kyoten.calls.actions import gathering, opening
from kyoten.calls.models import Application, Call, Check, Decision
from kyoten.inquiries.models import Addressee
from kyoten.organisations.models import Designation, Organisation, Seat, Section, User
from kyoten.records.actions import Entry, record_many, store_file
from kyoten.rules.clock import JST
from kyoten.web import demo, stages

CHIBA = "120006"
DRAFTS = 30  # municipalities of 千葉県 that have written and not submitted yet
ASKED = datetime(2025, 6, 27, 10, 0, tzinfo=JST)
WRITTEN = datetime(2025, 7, 14, 11, 0, tzinfo=JST)
SUBMITTED = datetime(2025, 7, 18, 15, 0, tzinfo=JST)
ANSWERING = datetime(2025, 7, 22, 10, 0, tzinfo=JST)  # the clock while applications are written
FORWARDED = datetime(2025, 7, 30, 10, 0, tzinfo=JST)
SELECTING = datetime(2025, 8, 5, 10, 0, tzinfo=JST)  # the clock while they are selected

Say = Callable[[str], None]


@dataclass
class Country:
    """What the measurements need to know of it."""

    call: Call
    drafts: list[Application]
    seats: dict[str, Seat]  # by the code of the body


def build(count: int, say: Say) -> Country:
    """Everything up to 7/22: `count` applications submitted, of which DRAFTS are still being written."""
    say("47都道府県と1,741市町村をつくり、公募を開始して管内へ照会しています")
    demo.reset()
    stages.open_the_call()
    call = Call.objects.select_related("organiser__organisation", "inquiry").get()
    seats = {case.organisation.code: _seat(case.section) for case in _cases(call, "prefecture")}
    _ask_below(call, seats)
    say(f"申込書{count:,}件をつくっています")
    seats |= {case.organisation.code: _seat(case.section) for case in _cases(call, "municipality", CHIBA)}
    applications = _apply(call, count)
    demo.set_clock(ANSWERING)
    return Country(call, [a for a in applications if a.state == "draft"], seats)


def _cases(call: Call, kind: str, prefecture: str = "") -> list[Addressee]:
    rows = Addressee.objects.filter(root=call.inquiry_id, organisation__kind=kind)
    rows = rows.filter(organisation__prefecture__code=prefecture) if prefecture else rows
    return list(rows.select_related("inquiry", "section__organisation", "organisation").order_by("organisation__code"))


def _seat(section: Section) -> Seat:
    person = User.objects.create(username=f"bench-{section.pk}", name="担当 花子", password="!")
    return Seat.objects.create(person=person, section=section, role="officer")


def _ask_below(call: Call, seats: dict[str, Seat]) -> None:
    for case in _cases(call, "prefecture"):
        below = Organisation.objects.supervised_by(case.organisation, ASKED.date()).filter(kind="municipality")
        opening.ask_municipalities(
            case, call, covering_text=opening.covering_text_for(call, case.organisation), due=opening.proposed_due(call),
            to=list(below.order_by("code")), by=seats[case.organisation.code], at=ASKED,
        )  # fmt: skip


# ---- who applies --------------------------------------------------------------------------------


def _apply(call: Call, count: int) -> list[Application]:
    bodies = _applicants(count)
    _designate(bodies)
    sections = {section.organisation_id: section for section in Section.objects.filter(is_default=True)}
    numbers: dict[str, int] = {}
    chance, applications = Random(7), []
    for place, body in enumerate(bodies):
        application = _application(call, body, sections[body.pk], chance)
        if place < DRAFTS:
            application.state, application.submitted_at, application.number = "draft", None, ""
        else:
            code = body.prefecture.code[:2]
            numbers[code] = numbers.get(code, 0) + 1
            application.number = f"R7-{code}-{numbers[code]:03d}"
        applications.append(application)
    return _store(call, applications)


def _in_chiba(body: Organisation) -> bool:
    return body.prefecture.code == CHIBA


def _applicants(count: int) -> list[Organisation]:
    """All of 千葉県's municipalities (those in DRAFTS first), then the country's, then hubs outside 千葉県."""
    towns = list(Organisation.objects.filter(kind="municipality").select_related("prefecture").order_by("code"))
    chiba, others = [t for t in towns if _in_chiba(t)], [t for t in towns if not _in_chiba(t)]
    Random(1).shuffle(others)
    hubs = _hubs(others, count - len(towns))
    return (chiba + others)[:count] + hubs


def _hubs(towns: Sequence[Organisation], count: int) -> list[Organisation]:
    names = ("在宅医療・介護連携支援センター", "医師会在宅医療連携室", "地域医療連携センター", "在宅ケア支援室")
    places = ((town, name) for name in names for town in towns)
    hubs = [
        Organisation(kind="hub", name=f"{town.name}{name}", prefecture=town.prefecture, search=f"{town.name}{name}")
        for town, name in islice(places, max(count, 0))
    ]
    hubs = Organisation.objects.bulk_create(hubs, batch_size=500)
    Section.objects.bulk_create(
        [
            Section(
                organisation=hub,
                name="相談支援係",
                email=f"hub{hub.pk}@example.jp",
                phone="000-0000-0000",
                is_default=True,
            )
            for hub in hubs
        ],
        batch_size=500,
    )
    return hubs


def _designate(bodies: Iterable[Organisation]) -> None:
    known = set(Designation.objects.values_list("organisation_id", flat=True))
    Designation.objects.bulk_create(
        [
            Designation(organisation=b, prefecture=b.prefecture, valid_from=date(2024, 4, 1), source="保健医療計画")
            for b in bodies
            if b.pk not in known
        ],
        batch_size=500,
    )


def _application(call: Call, body: Organisation, section: Section, chance: Random) -> Application:
    application = Application(
        call=call, programme=call.programme, applicant=body, section=section, prefecture=body.prefecture,
        state="submitted", started_at=WRITTEN, saved_at=SUBMITTED, saved_by=f"{section.name}　担当 花子",
        submitted_at=SUBMITTED, version=6, opinion="県としても会議に参加し、取組を支援します。",
    )  # fmt: skip
    application.answers = answers_of(body, section, chance)
    return application


@transaction.atomic
def _store(call: Call, applications: list[Application]) -> list[Application]:
    """The rows that starting, writing and submitting leave behind."""
    Application.objects.bulk_create(applications, batch_size=200)
    through = Application.municipalities.through
    through.objects.bulk_create(
        [through(application=a, organisation=a.applicant) for a in applications], batch_size=500
    )
    drafts = [a.applicant_id for a in applications if a.state == "draft"]
    rows = Addressee.objects.filter(root=call.inquiry_id)
    rows.filter(organisation__in=drafts).update(state="considering", answered_at=WRITTEN)
    submitted = [a.applicant_id for a in applications if a.state == "submitted"]
    rows.filter(organisation__in=submitted).update(state="answered", answered_at=SUBMITTED)
    record_many([Entry("start", "申込書の作成を開始", "application", a.pk) for a in applications], by=None, at=WRITTEN)
    record_many(
        [Entry("submit", "申込書を提出", "application", a.pk) for a in applications if a.state != "draft"],
        by=None, at=SUBMITTED,
    )  # fmt: skip
    return applications


# ---- とりまとめ and what the secretariat has done -------------------------------------------------


def forward(country: Country, say: Say) -> None:
    """Every prefecture gathers and sends, by the real acts; a third is decided, half is ticked."""
    say("47都道府県がとりまとめて提出しています")
    call = country.call
    Application.objects.filter(state="draft").update(state="withdrawn")  # what nobody submitted in time
    prefectures = Organisation.objects.filter(kind="prefecture", pk__in=Application.objects.values("prefecture"))
    for prefecture in prefectures.order_by("code"):
        _gather(call, prefecture, country.seats[prefecture.code])
    _select(call)
    demo.set_clock(SELECTING)


def _gather(call: Call, prefecture: Organisation, by: Seat) -> None:
    applications = gathering.ready_to_gather(call, prefecture)
    if not applications:
        return
    file = store_file(b"%PDF-1.7", f"起案用一式_{prefecture}.pdf", by=by.actor(), at=FORWARDED)
    bundle = gathering.prepare(
        call, prefecture, covering_text="とりまとめましたので提出します。", file=file,
        expected={a.pk: a.version for a in applications}, by=by, at=FORWARDED,
    )  # fmt: skip
    gathering.carry_out(bundle, decided_on=FORWARDED.date(), document_number="医整第100号", by=by, at=FORWARDED)


def _select(call: Call) -> None:
    forwarded = list(Application.objects.filter(call=call, state="forwarded").order_by("pk"))
    Decision.objects.bulk_create(
        [
            Decision(
                application=a,
                outcome="declined",
                reason="総合的に検討した結果。",
                decided_by="事務局",
                decided_at=SELECTING,
            )
            for a in forwarded[::3]
        ],
        batch_size=500,
    )
    Check.objects.bulk_create(
        [
            Check(application=a, rule="hub_led", ok=True, checked_by="事務局", checked_at=SELECTING)
            for a in forwarded[::2]
        ],
        batch_size=500,
    )


# ---- what is written ----------------------------------------------------------------------------

SENTENCES = (
    "夜間・休日の急変時に受入先が決まらず、主治医と訪問看護の負担が一部に集中しています。",
    "訪問診療を行う医療機関は中心部に多く、周辺部では移動に時間がかかります。",
    "退院時の情報の様式と連絡の手順が病院ごとに異なり、関係者の負担になっています。",
    "多職種連携会議を年4回開催し、事例の検討と情報の共有を行っています。",
    "人工呼吸器等を使用する方の停電時の受入先が決まっておらず、災害に備えた体制が必要です。",
    "看取りの場所について話し合う機会が少なく、救急搬送となる例が目立ちます。",
    "市民向けの講演会を年3回開催し、在宅医療と人生会議の普及に努めています。",
    "75歳以上の人口は今後10年で約2割増える見込みで、在宅医療の需要が高まります。",
    "歯科、薬局、訪問リハビリテーションとの連絡は個人の関係に頼る部分があります。",
    "後方病床の確保と情報共有の進め方について、外部の助言を受けて合意をつくりたいと考えています。",
)
MEMBERS = (
    ("{body}", "地域医療課", "主査", "行政職員", "hub"),
    ("{prefecture}", "医療整備課", "主事", "行政職員", "prefecture"),
    ("{body}医師会", "在宅医療担当", "理事", "医師", "medical_association"),
    ("{body}歯科医師会", "", "理事", "歯科医師", "medical_association"),
    ("あおば訪問看護ステーション", "", "管理者", "看護師", "homecare"),
    ("みどり薬局", "", "管理薬剤師", "薬剤師", "homecare"),
    ("ひかり病院", "地域連携室", "室長", "医療ソーシャルワーカー", "homecare"),
    ("居宅介護支援事業所つばさ", "", "管理者", "ケアマネジャー", "care"),
    ("{body}介護支援専門員協議会", "", "会長", "ケアマネジャー", "care_association"),
    ("{body}", "地域包括ケア推進課", "主任", "行政職員", "municipality"),
    ("リハビリ訪問そよかぜ", "", "所長", "理学療法士", "homecare"),
)


def answers_of(body: Organisation, section: Section, chance: Random) -> dict:
    """A form filled in full: about 1,500 characters of text and ten or eleven members."""
    text = {name: _text(chance, length) for name, length in LENGTHS.items()}
    return text | {
        "prefecture": body.prefecture.name, "area_kind": "2", "area_name": f"{body.name}全域",
        "rep_organisation": body.name, "rep_section": section.name, "rep_name": "担当 花子", "rep_title": "主査",
        "rep_address": {"postal": "100-0000", "text": f"{body.prefecture.name}{body.name}1-1"},
        "rep_phone": "000-0000-0000", "rep_email": section.email or "daihyo@example.jp",
        "issues": chance.sample(["multidisciplinary", "training", "awareness", "disaster"], 2),
        "members": list(_members(body, chance.choice((10, 11)))),
    }  # fmt: skip


LENGTHS = {"reason": 400, "features": 350, "activities": 400, "issues_detail": 350}  # characters, about


def _text(chance: Random, length: int) -> str:
    text = ""
    for sentence in cycle(chance.sample(SENTENCES, len(SENTENCES))):
        if len(text) + len(sentence) > length:
            return text.strip()
        text += sentence + ("\n" if chance.random() < 0.2 else "")
    raise AssertionError


def _members(body: Organisation, count: int) -> Iterator[dict[str, str]]:
    columns = ("organisation", "section", "title", "profession", "group")
    for number, values in enumerate(MEMBERS[:count], 1):
        written = (value.format(body=body.name, prefecture=body.prefecture.name) for value in values)
        yield {"row": f"m{number}", **dict(zip(columns, written, strict=True))}


def posted(application: Application, **instead: str) -> dict:
    """The names and values a browser sends for these answers (docs/look.md)."""
    sent: dict = {"fields": " ".join(field.id for field in application.form.fields())}
    for field in application.form.fields():
        value, name = application.answers[field.id], f"f-{field.id}"
        if field.kind == "table":
            for number, row in enumerate(value, 1):
                sent |= {f"{name}-{number}-{key}": text for key, text in row.items()}
        elif field.kind == "address":
            sent |= {f"{name}-{key}": text for key, text in value.items()}
        else:
            sent[name] = value
    return sent | {f"f-{name}": text for name, text in instead.items()}

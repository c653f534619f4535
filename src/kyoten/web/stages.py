"""デモの場面: the world put at one point of the call by carrying out the real acts, one after the other."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from django.db import transaction

from kyoten.calls import papers
from kyoten.calls.actions import applying, gathering, opening, selecting
from kyoten.calls.models import Application, Call
from kyoten.inquiries import actions as inquiries
from kyoten.inquiries.models import Addressee
from kyoten.organisations.models import Area, Organisation, Seat
from kyoten.papers.forms import write_form
from kyoten.programmes.models import Programme
from kyoten.records.actions import store_file
from kyoten.rules import answers as form_answers
from kyoten.rules.clock import JST
from kyoten.web import demo, desk_world, world

SLUG = "r7-zaitaku"
FORMS: dict[str, Any] = tomllib.loads((Path(__file__).parent / "data" / "applications.toml").read_text("utf-8"))
TOUR: list[dict[str, str]] = world.PLAN["tour"]


def _at(month: int, day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2025, month, day, hour, minute, tzinfo=JST)


@dataclass(frozen=True)
class Stage:
    id: str
    title: str
    at: datetime  # what the demo's clock shows there
    text: str
    play: Callable[[], None]  # the acts that lead here from the stage before


def by_id(stage: str) -> Stage | None:
    return next((each for each in STAGES if each.id == stage), None)


@transaction.atomic
def go_to(stage: str) -> None:
    """Start the world afresh and play it up to a stage. One transaction: nobody ever sees half a stage."""
    demo.reset()
    for each in STAGES:
        each.play()
        if each.id == stage:
            demo.set_clock(each.at)
            return


# ---- what the acts need -----------------------------------------------------------------------


def _call() -> Call:
    return Call.objects.get(slug=SLUG)


def _case(organisation: Organisation | str) -> Addressee:
    rows = Addressee.objects.filter(inquiry__programme=SLUG).select_related("inquiry", "organisation", "section")
    if isinstance(organisation, str):
        return rows.get(organisation__code=organisation)
    return rows.get(organisation=organisation)


def _application(code: str) -> Application:
    return Application.objects.select_related("call__inquiry", "programme", "applicant", "prefecture", "section").get(
        applicant__code=code
    )


def _answers(key: str, application: Application) -> dict[str, Any]:
    """What the applicant writes, over what the form holds already."""
    text = FORMS[key]
    columns = ("organisation", "section", "title", "profession", "group")
    members = [
        {"row": f"m{number}", **dict(zip(columns, line.split("|"), strict=True))}
        for number, line in enumerate(text["members"], 1)
    ]
    written = {name: text[name].strip() for name in ("reason", "features", "activities", "issues_detail")}
    area = {} if application.area else {"area_kind": "2", "area_name": text["area_name"]}
    return (
        application.answers | area | text["representative"] | written | {"issues": text["issues"], "members": members}
    )


def _write(key: str, application: Application, by: Seat, at: datetime, **instead: Any) -> Application:
    base = form_answers.digests(application.form, application.answers)
    answers = _answers(key, application) | instead
    return applying.save(application, answers, base, by=by, at=at).application


# ---- the acts, stage by stage -----------------------------------------------------------------


def open_the_call() -> None:
    programme = Programme.objects.latest(SLUG)
    text = (
        "平素より大変お世話になっております。\n"
        "在宅医療の拠点整備・運用に向けた伴走支援の実施地域を募集します。\n"
        "管内の市町村等への周知と、応募を希望する地域の申込書のとりまとめをお願いします。"
    )
    by, at = world.seat_of("jimukyoku"), _at(6, 25, 10)
    enclosed = papers.form_to_enclose(programme.definition, by=by.actor(), at=at)
    opening.open_call(programme, text, document_number="事務連絡", enclosed=enclosed, by=by, at=at)


def ask_below() -> None:
    """管内へ照会: 千葉県 on 6/27, 埼玉県 and 東京都 a little later. The desk has been open since 6/27."""
    desk_world.play("r7", SLUG, desk_world.OFFICERS, until=_at(7, 2, 9))
    for username, at in (("chiba", _at(6, 27, 10)), ("saitama", _at(6, 30, 11)), ("tokyo", _at(7, 1, 9, 30))):
        _ask_below(world.seat_of(username), at)


def _ask_below(by: Seat, at: datetime) -> None:
    call, prefecture = _call(), by.organisation
    below = Organisation.objects.supervised_by(prefecture, at.date()).filter(kind="municipality")
    associations = Organisation.objects.filter(prefecture=prefecture, kind="association", level="prefectural")
    opening.ask_municipalities(
        _case(prefecture),
        call,
        covering_text=opening.covering_text_for(call, prefecture),
        due=opening.proposed_due(call),
        to=list(below.order_by("code")),
        reference=list(associations),
        document_number=f"医整第{at.month}{at.day:02d}号",
        decided_on=at.date(),
        by=by,
        at=at,
    )


def answer_all() -> None:
    """The desk goes on; 松戸市 and 八千代市 have applied, 柏市 is asked to mend, 鎌ケ谷市 considers, 茂原市 sent a FAX."""
    desk_world.play("r7", SLUG, desk_world.OFFICERS, since=_at(7, 2, 9))
    _apply("matsudo", _at(7, 22, 15, 40))
    _apply("yachiyo", _at(7, 18, 15, 40))
    _apply("kashiwa", _at(7, 16, 9, 10), activities="多職種連携の研修を実施しています。")
    applying.send_back(
        _application("122173"),
        {"activities": "拠点が行っている取組を、回数や参加者を含めて具体的に書いてください。"},
        due=date(2025, 7, 28),
        by=world.seat_of("chiba"),
        at=_at(7, 17, 9, 10),
    )
    _enter("mobara", world.seat_of("chiba"), _at(7, 16, 13, 5), towns=_near_mobara())
    kamagaya = world.seat_of("kamagaya")
    inquiries.answer(_case("122246"), "considering", by=kamagaya, at=_at(7, 14, 11), remark="課内で検討しています。")
    _answer_the_rest()


def _apply(key: str, at: datetime, **instead: Any) -> None:
    """A municipality starts, writes and submits."""
    text, by = FORMS[key], world.seat_of(key)
    area = Area.objects.filter(name=text["area"]).first() if "area" in text else None
    towns = list(area.municipalities.all()) if area else [by.organisation]
    began = at - timedelta(days=4)
    application = applying.start(_call(), municipalities=towns, area=area, by=by, at=began)
    application = _write(key, application, by, at - timedelta(minutes=10), **instead)
    applying.submit(_application(application.applicant.code), by=by, at=at)


def _near_mobara() -> list[Organisation]:
    names = ["茂原市", "一宮町", "睦沢町", "長生村", "白子町", "長柄町", "長南町"]
    return list(Organisation.objects.filter(prefecture__code="120006", name__in=names))


def _enter(key: str, by: Seat, at: datetime, towns: list[Organisation] | None = None) -> None:
    """代行入力 by the prefecture, with the paper that came kept beside it."""
    applicant = Organisation.objects.get(code=FORMS[key]["applicant"])
    application = applying.start(
        _call(), municipalities=towns or [applicant], applicant=applicant, proxy="prefecture", by=by, at=at
    )
    application = _application(applicant.code)
    original = write_form(application.definition, _answers(key, application), "docx")
    applying.keep_original(application, original, f"申込書_{applicant}.docx", "mail", by=by, at=at)
    _write(key, application, by, at + timedelta(minutes=20))
    applying.submit(_application(applicant.code), by=by, at=at + timedelta(minutes=25))


UNREAD = {"122025", "122262", "124435"}
CONSIDERING = {"122378", "122114"}
BY_MAIL = {"122190", "122301", "123293", "124419"}
BY_PHONE = {"122386", "124630", "123471"}


def _answer_the_rest() -> None:
    """Who has no seat here answers by link, mail or telephone: 該当なし for the most part."""
    rows = Addressee.objects.filter(inquiry__parent__organisation__code="120006").missing()
    rows = rows.exclude(organisation__code__in=UNREAD | {"122246"}).select_related("inquiry", "organisation", "section")
    for number, row in enumerate(rows.order_by("organisation__code")):
        _answer(row, _at(7, 3 + number % 15, 9 + number % 8, number % 60))


def _answer(row: Addressee, at: datetime) -> None:
    code = row.organisation.code
    state = "considering" if code in CONSIDERING else "not_applicable"
    if code in BY_PHONE:
        chiba = world.seat_of("chiba")
        who = f"担当者（{chiba.person.name}が電話で確認）"
        inquiries.answer(
            row, state, by=chiba, way="phone", name=who, remark="課内で検討したが応募しないとのこと", at=at
        )
    elif code in BY_MAIL:
        inquiries.answer(row, state, way="mail", name=row.section.email, at=at)
    else:
        inquiries.answer(row, state, way="link", name=f"{row.section.name}　担当者", at=at)


def gather_and_send() -> None:
    """柏市 mends; the prefectures add their officers, print, have it decided, and send."""
    kashiwa = world.seat_of("kashiwa")
    _write("kashiwa", _application("122173"), kashiwa, _at(7, 28, 10))
    applying.submit(_application("122173"), by=kashiwa, at=_at(7, 28, 10, 30))
    _enter("kawaguchi", world.seat_of("saitama"), _at(7, 23, 14))
    _enter("fuchu", world.seat_of("tokyo"), _at(7, 24, 10))
    _send_bundle(world.seat_of("chiba"), _at(7, 29, 11), "医整第729号")
    _send_bundle(world.seat_of("saitama"), _at(7, 30, 15), "医整第1203号")
    _send_bundle(world.seat_of("tokyo"), _at(7, 31, 16), "事務連絡")


def _send_bundle(by: Seat, at: datetime, number: str) -> None:
    call, prefecture = _call(), by.organisation
    for application in gathering.ready_to_gather(call, prefecture):
        officer = {
            "organisation": prefecture.name,
            "section": by.section.name,
            "title": "主事",
            "profession": "行政職員",
        }
        gathering.add_officer(application, officer, by=by, at=at)
        gathering.write_opinion(application, OPINION, by=by, at=at)
    applications = gathering.ready_to_gather(call, prefecture)
    text = papers.covering_text(call, prefecture)
    file = store_file(
        papers.draft_set(call, by, applications, text, at), f"起案用一式_{prefecture}.pdf", by=by.actor(), at=at
    )
    expected = {application.pk: application.version for application in applications}
    bundle = gathering.prepare(call, prefecture, covering_text=text, file=file, expected=expected, by=by, at=at)
    later = at + timedelta(hours=3)
    gathering.carry_out(bundle, decided_on=later.date(), document_number=number, by=by, at=later)


OPINION = "地域の課題が具体的に整理されており、県としても会議に参加して取組を支援します。"


def look_at_applications() -> None:
    """締切の後: taken in, the formal requirement that a person judges, two decisions made, three still open."""
    by = world.seat_of("jimukyoku")
    for number, application in enumerate(_forwarded(), 1):
        at = _at(8, 1, 10, number)
        gathering.take_in(application, receipt_number=f"R7-{number:03d}", received_on=at.date(), by=by, at=at)
        selecting.tick(application, "hub_led", True, by=by, at=at)
    selecting.write_note(_application("122076"), NOTE, by=by, at=_at(8, 4, 14))
    selecting.decide(_application("122076"), "selected", SELECTED, by=by, at=_at(8, 4, 15))
    selecting.decide(_application("122106"), "declined", DECLINED, by=by, at=_at(8, 4, 15, 30))


NOTE = "急変時と災害時の課題が具体的で、構成員の職種の偏りもない。県の参加の意思も明確。"
SELECTED = "課題が具体的に整理され、拠点と県の双方の参加が確かで、ほかの地域への波及が見込めるため。"
DECLINED = "応募が複数あり、総合的に検討した結果。"


def _forwarded() -> Iterable[Application]:
    rows = Application.objects.filter(call__slug=SLUG, state="forwarded")
    return list(rows.select_related("call__inquiry", "programme", "applicant", "prefecture", "section").order_by("pk"))


def announce_results() -> None:
    by, at = world.seat_of("jimukyoku"), _at(8, 14, 9, 30)
    for application in _forwarded():
        if not hasattr(application, "decision"):
            selecting.decide(application, "declined", DECLINED, by=by, at=_at(8, 8, 11))
    number = "事務連絡"
    selecting.announce(
        _call(), partial(_letter, by, at, number), document_number=number, decided_on=at.date(), by=by, at=at
    )


def _letter(by: Seat, at: datetime, number: str, decision):
    application = decision.application
    pdf = papers.result_letter(decision, application.call, number=number, day=at.date(), by=by)
    return store_file(pdf, f"選定結果通知_{application.applicant}.pdf", by=by.actor(), at=at)


STAGES = [
    Stage(
        "start", "公募の開始前", demo.START, "まだ何も起きていません。昨年度の相談だけが残っています。", lambda: None
    ),
    Stage("opened", "公募中", _at(6, 26, 9), "47都道府県へ通知済みです。", open_the_call),
    Stage("asked", "管内へ照会済み", _at(7, 2, 9), "千葉県・埼玉県・東京都が管内の市町村へ照会しました。", ask_below),
    Stage(
        "answered",
        "市町村の回答がそろう",
        _at(7, 24, 16),
        "54市町村の提出・補正依頼中・検討中・該当なし・未読が並びます。",
        answer_all,
    ),
    Stage("gathered", "とりまとめ済み", _at(8, 1, 9), "三つの都県から申込書が事務局へ届きました。", gather_and_send),
    Stage(
        "screening",
        "選定中",
        _at(8, 5, 9),
        "事務局が要件を確認し、一部を決定しました。外からはまだ見えません。",
        look_at_applications,
    ),
    Stage(
        "announced",
        "結果の通知後",
        _at(8, 14, 10),
        "すべての応募地域の代表者と都道府県へ通知しました。",
        announce_results,
    ),
]

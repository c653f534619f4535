"""Acts on programmes: publishing a definition, and saying which section is in charge."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils import timezone

from kyoten.organisations.models import NATIONAL, Organisation, Seat, Section
from kyoten.programmes.models import KIND, InCharge, Programme
from kyoten.records.actions import record
from kyoten.records.models import Refused
from kyoten.rules.cases import Outcome, parse_cases, run
from kyoten.rules.definition import Definition
from kyoten.rules.differences import Difference, differences
from kyoten.rules.reading import Invalid, parse


@dataclass(frozen=True)
class Review:
    """What publishing a text would mean: the difference from the last revision, and how its cases come out."""

    definition: Definition
    latest: Programme | None
    differences: tuple[Difference, ...]
    outcomes: tuple[Outcome, ...]
    same: bool  # the very text of the latest revision

    @property
    def misses(self) -> tuple[Outcome, ...]:
        return tuple(outcome for outcome in self.outcomes if not outcome.ok)

    @property
    def misses_first(self) -> list[Outcome]:
        return sorted(self.outcomes, key=lambda outcome: outcome.ok)


def review(text: str, cases: str = "", file: str = "定義ファイル") -> Review:
    """Read and check a definition and its cases. reading.Invalid with every fault of either file."""
    definition = parse(text, file)
    outcomes = run(definition, parse_cases(cases)) if cases else ()
    latest = Programme.objects.filter(slug=definition.id).order_by("-revision").first()
    changed = differences(latest.definition, definition) if latest else ()
    return Review(definition, latest, changed, outcomes, bool(latest and latest.digest == _digest(text)))


def publish(text: str, *, by: Seat | None, at: datetime, cases: str = "", file: str = "定義ファイル") -> Programme:
    """公開: store the text verbatim as the next numbered revision. The text of the latest revision makes no new one.

    `by=None` is the operator of the instance (a command). Refused with every reason if the file or a case is wrong.
    """
    try:
        checked = review(text, cases, file)
    except Invalid as error:
        raise Refused(f"定義ファイルに誤りがあるため公開できません。\n{error}") from None
    if checked.misses:
        raise Refused("計算例と合わないため公開できません。\n" + "\n".join(map(_miss, checked.misses)))
    _must_be_allowed(checked, by)
    if checked.same and checked.latest:
        return checked.latest
    try:
        with transaction.atomic():
            return _store(checked, text, cases, by, at)
    except IntegrityError:
        raise Refused(
            "ほかの人がいま同じ事業の新しい版を公開しました。違いを見直してから、もう一度公開してください。"
        ) from None


def _store(checked: Review, text: str, cases: str, by: Seat | None, at: datetime) -> Programme:
    revision = checked.latest.revision + 1 if checked.latest else 1
    programme = Programme.objects.create(
        slug=checked.definition.id,
        revision=revision,
        text=text,
        digest=_digest(text),
        cases=cases,
        organiser=_organiser(checked, by),
        has_desk=checked.definition.desk is not None,
        published_at=at,
        published_by=by.person.name if by else "",
    )
    count = f"（違い{len(checked.differences)}件）" if checked.latest else ""
    record(
        "publish",
        f"定義の第{revision}版を公開{count}",
        kind=KIND,
        record_id=programme.record_id,
        by=by.actor() if by else None,
        at=at,
        facts={"revision": revision, "digest": programme.digest},
    )
    return programme


def _must_be_allowed(checked: Review, by: Seat | None) -> None:
    if by is None:
        return
    if by.organisation.kind not in NATIONAL or not by.is_manager:
        raise Refused("定義を公開できるのは、事務局と国の「管理」の席だけです。")
    owner = checked.latest.organiser_id if checked.latest else None
    if by.organisation.kind == "secretariat" and owner not in (None, by.organisation.pk):
        raise Refused(f"事業「{checked.definition.id}」は別の事務局のものです。id を変えてください。")


def _organiser(checked: Review, by: Seat | None) -> Organisation | None:
    """The secretariat that publishes, else the body the earlier revisions or the definition itself name."""
    if by and by.organisation.kind == "secretariat":
        return by.organisation
    if checked.latest and checked.latest.organiser:
        return checked.latest.organiser
    named = list(Organisation.objects.filter(name=checked.definition.organiser).exclude(kind="ministry")[:2])
    return named[0] if len(named) == 1 else None  # 府中市 is in two prefectures: such a definition is given by hand


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _miss(outcome: Outcome) -> str:
    return f"× {outcome.title}: 期待 {outcome.expected}　結果 {outcome.got}"


def put_in_charge(slug: str, section: Section, *, by: Seat, at: datetime) -> InCharge:
    """所管課の指定: what comes for a programme goes to this section of one's own body from now on."""
    if not by.is_manager or section.organisation_id != by.organisation.pk:
        raise Refused("所管課を決められるのは、その機関の「管理」の席だけです。")
    if not section.holds_on(timezone.localdate(at)):
        raise Refused(f"「{section.name}」はいま置かれていない課です。別の課を選んでください。")
    if not Programme.objects.filter(slug=slug).exists():
        raise Refused("この事業は公開されていません。")
    with transaction.atomic():
        row, _ = InCharge.objects.update_or_create(
            programme=slug, organisation=section.organisation, defaults={"section": section}
        )
        record(
            "in_charge", f"所管課を「{section.name}」に指定", kind="in_charge", record_id=row.pk, by=by.actor(), at=at
        )
    return row

"""Programme = one published revision of one definition. InCharge = which section of a body is in charge (所管)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from django.db import models
from django.db.models import Max, OuterRef, Subquery

from kyoten.organisations.models import NATIONAL, Organisation, Section
from kyoten.rules.definition import Definition
from kyoten.rules.reading import parse

KIND = "programme"  # of the records

_parsed: dict[str, Definition] = {}  # by digest of the text: revisions never change


class ProgrammeQuerySet(models.QuerySet):
    def latest(self, slug: str) -> Programme:
        """The newest revision: dates and contacts always come from it. Programme.DoesNotExist if there is none."""
        return self.filter(slug=slug).order_by("-revision")[:1].get()

    def newest(self) -> ProgrammeQuerySet:
        """The newest revision of every definition."""
        last = Programme.objects.filter(slug=OuterRef("slug")).values("slug").annotate(last=Max("revision"))
        return self.filter(revision=Subquery(last.values("last")))

    def visible_to(self, seat: Any) -> ProgrammeQuerySet:
        """事業設定 belongs to the ministry and the secretariats; each secretariat sees its own programmes."""
        if seat is None or seat.organisation.kind not in NATIONAL:
            return self.none()
        if seat.organisation.kind == "ministry":
            return self
        return self.filter(models.Q(organiser=seat.organisation) | models.Q(organiser=None))


class Programme(models.Model):
    """One published revision. Never edited: a change is a new revision."""

    slug = models.SlugField("識別子")
    revision = models.PositiveIntegerField("版")
    text = models.TextField("定義ファイル")  # verbatim: what is published is what was read
    digest = models.CharField("照合値", max_length=64)  # sha256 of the text
    cases = models.TextField("計算例", blank=True)  # the cases it was published with, verbatim
    organiser = models.ForeignKey(Organisation, models.PROTECT, null=True, related_name="programmes")
    has_desk = models.BooleanField("相談窓口がある", default=False)  # from the text, so that a menu need not read it
    published_at = models.DateTimeField("公開日時")
    published_by = models.CharField("公開した人", max_length=200, blank=True)  # the name of its day

    objects = ProgrammeQuerySet.as_manager()

    class Meta:
        ordering = ["slug", "-revision"]
        constraints = [models.UniqueConstraint(fields=["slug", "revision"], name="one_programme_per_revision")]

    def __str__(self) -> str:
        return f"{self.slug} 第{self.revision}版"

    @property
    def definition(self) -> Definition:
        if self.digest not in _parsed:
            _parsed[self.digest] = parse(self.text, f"{self.slug} 第{self.revision}版")
        return _parsed[self.digest]

    @property
    def record_id(self) -> int:
        """All revisions of a definition share one 経過: that of its first."""
        return Programme.objects.filter(slug=self.slug).order_by("revision").values_list("pk", flat=True)[0]


class InCharge(models.Model):
    """所管: the section of a body that a programme's papers go to."""

    programme = models.SlugField("事業")  # the definition's id: holds for all its revisions
    organisation = models.ForeignKey(Organisation, models.CASCADE, related_name="in_charge")
    section = models.ForeignKey(Section, models.CASCADE, related_name="in_charge")

    class Meta:
        ordering = ["programme", "organisation"]
        constraints = [
            models.UniqueConstraint(fields=["programme", "organisation"], name="one_section_in_charge_per_programme")
        ]

    def __str__(self) -> str:
        return f"{self.programme}: {self.section}"


def section_in_charge(slug: str, organisation: Organisation, on: date | None = None) -> Section | None:
    """The section of one body that is in charge of a programme (see sections_in_charge)."""
    return sections_in_charge(slug, [organisation], on).get(organisation.pk)


def sections_in_charge(slug: str, organisations: Iterable[Organisation], on: date | None = None) -> dict[int, Section]:
    """By organisation id, the section in charge of a programme, else the body's default section, in two queries.

    `on`: sections that exist on that day; without it, sections that were not closed. A body without any is absent.
    """
    ids = [organisation.pk for organisation in organisations]
    sections = Section.objects.filter(organisation__in=ids).select_related("organisation").order_by("is_default", "-pk")
    sections = sections.valid_on(on) if on else sections.filter(valid_to=None)
    found = {section.organisation_id: section for section in sections}  # the last one wins: the default
    chosen = dict(InCharge.objects.filter(programme=slug, organisation__in=ids).values_list("section_id", "pk"))
    return found | {section.organisation_id: section for section in sections if section.pk in chosen}

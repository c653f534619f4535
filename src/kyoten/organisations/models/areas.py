"""Areas (圏域) and the hubs designated in a prefecture's medical care plan."""

from datetime import date
from typing import Self

from django.db import models
from django.db.models import Exists, OuterRef, Q

from .bodies import NATIONAL, Organisation
from .dated import Dated, DatedQuerySet


class OfPrefectureQuerySet(DatedQuerySet):
    def visible_to(self, seat, on: date) -> Self:
        """国・事務局 all; a prefecture its own; the others those of the prefecture they are in."""
        own = seat.organisation
        if own.kind in NATIONAL:
            return self
        if own.kind == Organisation.Kind.PREFECTURE:
            return self.filter(prefecture=own)
        above = Organisation.objects.superiors_of(own, on)
        return self.filter(Q(prefecture=own.prefecture_id) | Q(prefecture__in=above))

    def editable_by(self, seat) -> Self:
        return self.filter(prefecture=seat.organisation) if seat.may_act else self.none()


class AreaQuerySet(OfPrefectureQuerySet):
    def containing(self, municipality: Organisation | int) -> Self:
        link = Area.municipalities.through.objects.filter(area=OuterRef("pk"), organisation=municipality)
        return self.filter(Exists(link))

    def with_hub(self, on: date) -> Self:
        """Areas with a hub: one set up for the area, or in one of its municipalities."""
        rows = Designation.objects.valid_on(on)
        inside = rows.filter(organisation__areas=OuterRef("pk"))
        return self.filter(Exists(rows.filter(area=OuterRef("pk"))) | Exists(inside))


class Area(Dated):
    """A named set of municipalities for a period. Which unit a prefecture chooses is free."""

    class Kind(models.TextChoices):
        HOME_CARE = "home_care", "在宅医療の圏域"
        SECONDARY = "secondary", "二次医療圏"
        MUNICIPALITY = "municipality", "市町村"
        MEDICAL_ASSOCIATION = "medical_association", "郡市区医師会"
        HEALTH_CENTRE = "health_centre", "保健所"
        OTHER = "other", "その他"

    kind = models.CharField("圏域の種類", max_length=20, choices=Kind)
    name = models.CharField("圏域名", max_length=100)
    prefecture = models.ForeignKey(Organisation, models.PROTECT, related_name="areas_of", verbose_name="都道府県")
    municipalities = models.ManyToManyField(Organisation, related_name="areas", verbose_name="構成市町村")
    source = models.CharField("根拠", max_length=300, blank=True)
    version = models.PositiveIntegerField(default=1)

    objects = AreaQuerySet.as_manager()

    class Meta:
        ordering = ["prefecture__code", "kind", "name", "pk"]

    def __str__(self) -> str:
        return self.name

    def has_hub(self, on: date) -> bool:
        return Area.objects.filter(pk=self.pk).with_hub(on).exists()


class DesignationQuerySet(OfPrefectureQuerySet):
    def for_any(self, bodies: Q, on: date) -> Self:
        """The hubs set up on that day for one of some bodies (a condition on `organisation`): it is one, or lies in a
        hub's area."""
        links = Area.municipalities.through.objects.filter(bodies).values("area")
        inside = Area.objects.valid_on(on).filter(pk__in=links).values("pk")
        return self.valid_on(on).filter(bodies | Q(area__in=inside))


class Designation(Dated):
    """拠点の指定: the prefecture's plan names a body as hub (在宅医療に必要な連携を担う拠点)."""

    organisation = models.ForeignKey(
        Organisation, models.PROTECT, related_name="designations", verbose_name="拠点となる機関"
    )
    prefecture = models.ForeignKey(Organisation, models.PROTECT, related_name="hubs_named", verbose_name="都道府県")
    area = models.ForeignKey(
        Area, models.PROTECT, null=True, blank=True, related_name="designations", verbose_name="担当する圏域"
    )
    source = models.CharField("根拠", max_length=300, blank=True)

    objects = DesignationQuerySet.as_manager()

    class Meta:
        ordering = ["organisation__code", "organisation__name", "pk"]

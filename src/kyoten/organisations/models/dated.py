"""Rows that hold from one day to another. Both ends are inclusive; an empty end is open."""

from datetime import date
from typing import Self

from django.db import models
from django.db.models import Q


def valid_on(on: date, prefix: str = "") -> Q:
    """The condition that a dated row, reached by `prefix`, holds on that day."""
    begun = Q(**{f"{prefix}valid_from__isnull": True}) | Q(**{f"{prefix}valid_from__lte": on})
    not_over = Q(**{f"{prefix}valid_to__isnull": True}) | Q(**{f"{prefix}valid_to__gte": on})
    return begun & not_over


class DatedQuerySet(models.QuerySet):
    def valid_on(self, on: date) -> Self:
        return self.filter(valid_on(on))


class Dated(models.Model):
    """A row with a first and a last day."""

    valid_from = models.DateField("適用開始日", null=True, blank=True)
    valid_to = models.DateField("適用終了日", null=True, blank=True)

    objects = DatedQuerySet.as_manager()

    class Meta:
        abstract = True

    def holds_on(self, on: date) -> bool:
        begun = self.valid_from is None or self.valid_from <= on
        return begun and (self.valid_to is None or on <= self.valid_to)


def name_on(named, on: date) -> str:
    """What a body or section was called on that day; its dated names may be prefetched."""
    return next((row.name for row in named.names.all() if row.holds_on(on)), named.name)

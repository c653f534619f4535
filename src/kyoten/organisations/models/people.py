"""People and their seats. Work belongs to seats and sections, so a transfer changes only the holder."""

from datetime import date, datetime
from typing import Self

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.db.models import Q
from django.utils import timezone

from kyoten.records.models import Actor

from .bodies import Organisation, Section
from .dated import Dated, valid_on


class User(AbstractUser):
    """A person who can log in. The mail address is the section's, so people need none of their own."""

    first_name = None
    last_name = None
    name = models.CharField("氏名", max_length=60)

    REQUIRED_FIELDS = ["name"]

    def __str__(self) -> str:
        return self.name or self.username

    def get_full_name(self) -> str:
        return self.name

    def get_short_name(self) -> str:
        return self.name


class SeatQuerySet(models.QuerySet):
    def valid_at(self, at: datetime, on: date | None = None) -> Self:
        """Seats that give access at that moment, which lies on the day `on`."""
        running = Q(ended_at__isnull=True) | Q(ended_at__gt=at)
        return self.filter(valid_on(on or timezone.localdate(at)), running, person__is_active=True)

    def in_full(self) -> Self:
        """With person, section and organisation, as every act needs them."""
        return self.select_related("person", "section__organisation")


class Seat(Dated):
    """One person's place in one section with one role."""

    class Role(models.TextChoices):
        VIEWER = "viewer", "閲覧"
        OFFICER = "officer", "担当"
        APPROVER = "approver", "決裁"
        MANAGER = "manager", "管理"

    person = models.ForeignKey(User, models.PROTECT, related_name="seats", verbose_name="利用者")
    section = models.ForeignKey(Section, models.PROTECT, related_name="seats", verbose_name="課・係")
    role = models.CharField("役割", max_length=10, choices=Role)
    ended_at = models.DateTimeField("終了した日時", null=True, blank=True)

    objects = SeatQuerySet.as_manager()

    class Meta:
        ordering = ["section__organisation__code", "section_id", "pk"]
        indexes = [models.Index(fields=["person", "valid_from"], name="seat_person_valid_from")]

    def __str__(self) -> str:
        return f"{self.section} {self.person}（{self.get_role_display()}）"

    @property
    def organisation(self) -> Organisation:
        return self.section.organisation

    @property
    def may_act(self) -> bool:
        """Everyone but 閲覧 may carry out acts."""
        return self.role != self.Role.VIEWER

    @property
    def is_manager(self) -> bool:
        return self.role == self.Role.MANAGER

    def valid_at(self, at: datetime) -> bool:
        running = self.ended_at is None or self.ended_at > at
        return running and self.person.is_active and self.holds_on(timezone.localdate(at))

    def actor(self) -> Actor:
        """Who acts, as the records keep it: ids and the names of the day."""
        return Actor(
            seat_id=self.pk,
            person=self.person.name,
            section=self.section.name,
            organisation=self.organisation.name,
            organisation_id=self.organisation.pk,
            section_id=self.section_id,
        )


class Invitation(models.Model):
    """A one-time link for a person to take a seat in one section. Only the digest of its token is kept."""

    section = models.ForeignKey(Section, models.PROTECT, related_name="invitations", verbose_name="課・係")
    role = models.CharField("役割", max_length=10, choices=Seat.Role)
    name = models.CharField("氏名", max_length=60)
    token_digest = models.CharField(max_length=64, unique=True)
    invited_by = models.ForeignKey(Seat, models.PROTECT, null=True, related_name="invitations")
    successor_of = models.ForeignKey(Seat, models.PROTECT, null=True, related_name="successors")
    valid_from = models.DateField("着任日", null=True, blank=True)
    created_at = models.DateTimeField("招待日時")
    expires_at = models.DateTimeField("有効期限")
    used_at = models.DateTimeField("使用日時", null=True, blank=True)
    revoked_at = models.DateTimeField("取消日時", null=True, blank=True)

    class Meta:
        ordering = ["-created_at", "-pk"]


class LoginCode(models.Model):
    """A short-lived secret sent to the section's address: a second factor, or a way back in. Digest only."""

    class Purpose(models.TextChoices):
        SECOND_FACTOR = "second_factor", "二段階認証"
        RECOVERY = "recovery", "利用者IDの回復"

    person = models.ForeignKey(User, models.CASCADE, related_name="login_codes")
    section = models.ForeignKey(Section, models.CASCADE)
    purpose = models.CharField(max_length=20, choices=Purpose)
    digest = models.CharField(max_length=64)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    tries = models.PositiveSmallIntegerField(default=0)
    used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at", "-pk"]
        indexes = [models.Index(fields=["person", "purpose", "created_at"], name="login_code_person_purpose")]

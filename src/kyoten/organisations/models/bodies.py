"""Bodies (機関), their sections (課・係) and the dated rows between them."""

from datetime import date
from typing import Self

from django.db import models
from django.db.models import F, Q

from ..text import search_key
from .dated import Dated, DatedQuerySet, name_on, valid_on

NATIONAL = ("ministry", "secretariat")


def subordinates(superior: "Organisation | int", on: date) -> models.QuerySet:
    """Ids, for `pk__in`: looked up once, where a correlated EXISTS would run for each of 1,741 bodies."""
    return Supervision.objects.valid_on(on).filter(superior=superior).values("subordinate")


def superiors(subordinate: "Organisation | int", on: date) -> models.QuerySet:
    return Supervision.objects.valid_on(on).filter(subordinate=subordinate).values("superior")


class OrganisationQuerySet(models.QuerySet):
    def search(self, words: str) -> Self:
        """Every word must occur in the name, the reading or the code."""
        found = self
        for word in search_key(words).split():
            found = found.filter(search__contains=word)
        return found

    def supervised_by(self, superior: "Organisation | int", on: date) -> Self:
        """The bodies directly under `superior` on that day."""
        return self.filter(pk__in=subordinates(superior, on))

    def superiors_of(self, subordinate: "Organisation | int", on: date) -> Self:
        return self.filter(pk__in=superiors(subordinate, on))

    def designated_on(self, on: date) -> Self:
        """The bodies where a hub is set up on that day: designated themselves, or inside a hub's area."""
        from .areas import Designation

        rows = Designation.objects.valid_on(on)
        covered = rows.filter(valid_on(on, "area__"), area__municipalities__isnull=False)
        return self.filter(Q(pk__in=rows.values("organisation")) | Q(pk__in=covered.values("area__municipalities")))

    def visible_to(self, seat, on: date) -> Self:
        """Whose contacts a seat may look up: 国・事務局 all; 都道府県 its own area and the other 46; others their tiers."""
        own = seat.organisation
        if own.kind in NATIONAL:
            return self
        seen = Q(pk=own.pk) | Q(kind__in=NATIONAL)
        if own.kind == Organisation.Kind.PREFECTURE:
            return self.filter(seen | Q(kind="prefecture") | Q(prefecture=own) | Q(pk__in=subordinates(own, on)))
        return self.filter(seen | Q(pk__in=superiors(own, on)))

    def editable_by(self, seat, on: date) -> Self:
        """Whose contacts a seat may correct: its own, of the bodies right under it, and of associations it looks after.

        A prefecture looks after the bodies in it that no other tier keeps; a secretariat after the prefectures and
        the national associations.
        """
        if not seat.may_act:
            return self.none()
        own, kinds = seat.organisation, Organisation.Kind
        mine = Q(pk=own.pk) | Q(pk__in=subordinates(own, on))
        if own.kind == kinds.PREFECTURE:
            mine |= Q(prefecture=own, kind__in=[kinds.HUB, kinds.ASSOCIATION, kinds.HEALTH_CENTRE, kinds.OTHER])
        if own.kind == kinds.SECRETARIAT:
            mine |= Q(kind=kinds.PREFECTURE) | Q(kind=kinds.ASSOCIATION, level=Organisation.Level.NATIONAL)
        return self.filter(mine)


class Organisation(models.Model):
    """A body: a ministry bureau, a secretariat, a prefecture, a city, an association, a firm."""

    class Kind(models.TextChoices):
        MINISTRY = "ministry", "国"
        SECRETARIAT = "secretariat", "事務局"
        PREFECTURE = "prefecture", "都道府県"
        HEALTH_CENTRE = "health_centre", "保健所"
        MUNICIPALITY = "municipality", "市区町村"
        HUB = "hub", "拠点"
        ASSOCIATION = "association", "関係団体"
        OTHER = "other", "その他の機関"

    class Level(models.TextChoices):
        NATIONAL = "national", "全国"
        PREFECTURAL = "prefectural", "都道府県"
        DISTRICT = "district", "郡市区"

    kind = models.CharField("区分", max_length=20, choices=Kind)
    level = models.CharField("団体の範囲", max_length=20, choices=Level, blank=True)  # associations only
    code = models.CharField("全国地方公共団体コード", max_length=6, blank=True)  # six digits, with the check digit
    name = models.CharField("名称", max_length=100)
    kana = models.CharField("よみ", max_length=200, blank=True)
    # Where the body is, for lists and searches. Who supervises whom is Supervision.
    prefecture = models.ForeignKey("self", models.PROTECT, null=True, blank=True, verbose_name="所在の都道府県")
    search = models.CharField(max_length=400, editable=False)

    objects = OrganisationQuerySet.as_manager()

    class Meta:
        ordering = ["code", "name", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["code"], condition=~Q(code=""), name="one_body_per_code"),
        ]
        indexes = [models.Index(fields=["kind", "code"], name="organisation_kind_code")]

    def __str__(self) -> str:
        return self.name

    def save(self, **options) -> None:
        self.search = search_key(self.name, self.kana, self.code)
        super().save(**options)

    def name_on(self, on: date) -> str:
        return name_on(self, on)

    def superior(self, on: date) -> "Organisation | None":
        """The body directly above on that day (a municipality's prefecture)."""
        return Organisation.objects.superiors_of(self, on).first()

    def has_hub(self, on: date) -> bool:
        return Organisation.objects.filter(pk=self.pk).designated_on(on).exists()

    def default_section(self, on: date) -> "Section | None":
        """The section that gets what names no section (代表の課)."""
        return self.sections.valid_on(on).order_by("-is_default", "pk").first()


class OrganisationName(Dated):
    """What a body is or was called, from one day to another."""

    organisation = models.ForeignKey(Organisation, models.CASCADE, related_name="names")
    name = models.CharField("名称", max_length=100)

    class Meta:
        ordering = [F("valid_from").asc(nulls_first=True), "pk"]


class SectionQuerySet(DatedQuerySet):
    def search(self, words: str) -> Self:
        found = self
        for word in search_key(words).split():
            found = found.filter(Q(search__contains=word) | Q(organisation__search__contains=word))
        return found

    def visible_to(self, seat, on: date) -> Self:
        return self.filter(organisation__in=Organisation.objects.visible_to(seat, on))

    def editable_by(self, seat, on: date) -> Self:
        return self.filter(organisation__in=Organisation.objects.editable_by(seat, on))

    def to_mend(self) -> Self:
        """要修正: no address to write to, or mail to it came back."""
        return self.filter(Q(email="") | Q(bounced_at__isnull=False))


class Section(Dated):
    """A part of a body with a mail address of its own: what is sent to a body is sent to a section."""

    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="sections", verbose_name="機関")
    name = models.CharField("課・係の名称", max_length=100)
    email = models.EmailField("メールアドレス", blank=True)
    phone = models.CharField("電話番号", max_length=50, blank=True)
    fax = models.CharField("FAX番号", max_length=50, blank=True)
    is_default = models.BooleanField("代表の課", default=False)
    confirmed_fiscal_year = models.PositiveSmallIntegerField("確認済みの年度", null=True, blank=True)
    bounced_at = models.DateTimeField("不達の日時", null=True, blank=True)
    bounce_reason = models.CharField("不達の理由", max_length=500, blank=True)
    # Real time, like the mail's own failed_at: only what fails after this counts against the address.
    mended_at = models.DateTimeField(null=True, blank=True, editable=False)
    version = models.PositiveIntegerField(default=1)
    search = models.CharField(max_length=400, editable=False)

    objects = SectionQuerySet.as_manager()

    class Meta:
        ordering = ["organisation__code", "organisation__name", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["organisation"], condition=Q(is_default=True), name="one_default_section_per_body"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.organisation.name} {self.name}"

    def save(self, **options) -> None:
        self.search = search_key(self.name, self.email, self.phone)
        super().save(**options)

    def name_on(self, on: date) -> str:
        return name_on(self, on)

    @property
    def needs_mending(self) -> bool:
        return not self.email or self.bounced_at is not None


class SectionName(Dated):
    """What a section is or was called: sections are renamed on 4/1, old letters keep the name of their day."""

    section = models.ForeignKey(Section, models.CASCADE, related_name="names")
    name = models.CharField("課・係の名称", max_length=100)

    class Meta:
        ordering = [F("valid_from").asc(nulls_first=True), "pk"]


class Supervision(Dated):
    """管内: who is directly above whom, from one day to another."""

    superior = models.ForeignKey(Organisation, models.PROTECT, related_name="supervisions", verbose_name="上位の機関")
    subordinate = models.ForeignKey(
        Organisation, models.PROTECT, related_name="supervisions_above", verbose_name="管内の機関"
    )

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["superior", "subordinate"],
                condition=Q(valid_to__isnull=True),
                name="one_open_supervision_per_pair",
            ),
            models.CheckConstraint(condition=~Q(superior=F("subordinate")), name="nobody_supervises_itself"),
        ]


class AddressConfirmation(models.Model):
    """The question to one section, once a fiscal year: is the address list still right?"""

    class Way(models.TextChoices):
        LINK = "link", "確認用リンク"
        MAIL = "mail", "メールの返信"
        SCREEN = "screen", "画面"

    section = models.ForeignKey(Section, models.CASCADE, related_name="confirmations")
    fiscal_year = models.PositiveSmallIntegerField("年度")
    asked_at = models.DateTimeField("照会日時")
    answered_at = models.DateTimeField("回答日時", null=True, blank=True)
    way = models.CharField("回答方法", max_length=10, choices=Way, blank=True)
    change_wanted = models.TextField("変更の申し出", blank=True)  # told by link or mail; an officer enters it

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["section", "fiscal_year"], name="one_confirmation_per_year"),
        ]


class AddressImport(models.Model):
    """An address list read from Excel, waiting for somebody to look at the preview and apply it."""

    seat = models.ForeignKey("organisations.Seat", models.CASCADE)
    file_name = models.CharField(max_length=255)
    rows = models.TextField()  # JSON: the rows as read, and the versions of the sections they were compared with
    created_at = models.DateTimeField()
    applied_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-pk"]

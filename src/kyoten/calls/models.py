"""公募・申込: a call, its applications, their way through the prefecture, and the selection."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import date, datetime
from functools import cached_property
from typing import Any

from django.db import models
from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from kyoten.inquiries.models import Addressee, Inquiry
from kyoten.organisations.models import NATIONAL, Area, Designation, Organisation, Seat, Section, User
from kyoten.programmes.models import Programme
from kyoten.records.statements import statement
from kyoten.rules.clock import deadline_moment
from kyoten.rules.definition import Definition
from kyoten.rules.eligibility import Facts, Finding, check


class CallQuerySet(models.QuerySet):
    def organised_by(self, seat: Seat) -> CallQuerySet:
        return self.filter(organiser__organisation=seat.organisation)

    def visible_to(self, seat: Seat) -> CallQuerySet:
        """The organiser's own; for others, calls of which their body has received the inquiry (or all, for 国)."""
        if seat.organisation.kind == "ministry":
            return self
        received = Addressee.objects.filter(organisation=seat.organisation).values("root")
        return self.filter(Q(organiser__organisation=seat.organisation) | Q(inquiry__in=received))


class Call(models.Model):
    """One opened call. Dates and contacts come from the latest revision of its definition, forms from each
    application's own."""

    slug = models.SlugField("事業", unique=True)  # the definition's id
    organiser = models.ForeignKey(Section, models.PROTECT, verbose_name="事務局", related_name="calls")
    inquiry = models.OneToOneField(Inquiry, models.PROTECT, related_name="call")
    opened_at = models.DateTimeField("公募開始")
    announced_at = models.DateTimeField("結果の通知", null=True, blank=True)
    result_number = models.CharField("結果通知の文書番号", max_length=100, blank=True)
    result_decided_on = models.DateField("結果通知の決裁日", null=True, blank=True)

    objects = CallQuerySet.as_manager()

    class Meta:
        ordering = ["-opened_at", "-pk"]

    def __str__(self) -> str:
        return self.definition.name

    @cached_property
    def programme(self) -> Programme:
        return Programme.objects.latest(self.slug)

    @property
    def definition(self) -> Definition:
        return self.programme.definition

    @cached_property
    def deadline(self) -> datetime:
        """事務局への提出期限, to the microsecond."""
        return deadline_moment(self.definition.call.deadline)

    def decisions_open_to(self, seat: Seat) -> bool:
        """Before the announcement the organiser alone sees decisions; afterwards whoever may see the application."""
        return self.announced_at is not None or seat.organisation.kind == "secretariat"


class ApplicationQuerySet(models.QuerySet):
    def owned_by(self, seat: Seat) -> ApplicationQuerySet:
        return self.filter(applicant=seat.organisation)

    def in_charge_of(self, seat: Seat) -> ApplicationQuerySet:
        """Those of the seat's section: it has the case now (所管課へ回送), or where there is no case, started it."""
        cases = Addressee.objects.filter(root=OuterRef("call__inquiry"), organisation=OuterRef("applicant"))
        own = Coalesce(Subquery(cases.values("section")[:1]), F("section"), output_field=models.BigIntegerField())
        return self.annotate(section_now=own).filter(section_now=seat.section_id)

    def visible_to(self, seat: Seat) -> ApplicationQuerySet:
        """The applicant its own; the prefecture once submitted (before that it sees 「検討中」 only); the organiser
        once forwarded, except where the person has declared a conflict of interest; 国 as the organiser."""
        organisation = seat.organisation
        if organisation.kind == "prefecture":
            return self.filter(Q(prefecture=organisation) & (Q(submitted_at__isnull=False) | Q(by_proxy="prefecture")))
        if organisation.kind in NATIONAL:
            conflicted = Conflict.objects.filter(person=seat.person_id).values("application")
            arrived = self.filter(forwarded_at__isnull=False).exclude(pk__in=conflicted)
            own = arrived.filter(call__organiser__organisation=organisation)
            return own if organisation.kind == "secretariat" else arrived
        return self.owned_by(seat)

    def kept_from(self, seat: Seat) -> ApplicationQuerySet:
        """Those in which this person has a conflict of interest."""
        return self.filter(pk__in=Conflict.objects.filter(person=seat.person_id).values("application"))

    def editable_by(self, seat: Seat) -> ApplicationQuerySet:
        """Whose hands the text is in: the applicant's while 作成中 or 補正依頼中, or the one who enters it by proxy
        (at the organiser: who has no conflict of interest in it)."""
        mine, kind = Q(applicant=seat.organisation, by_proxy=""), seat.organisation.kind
        if kind == "prefecture":
            mine |= Q(prefecture=seat.organisation, by_proxy="prefecture")
        if kind in NATIONAL:
            conflicted = Conflict.objects.filter(person=seat.person_id).values("application")
            typed_in = Q(call__organiser__organisation=seat.organisation, by_proxy="secretariat")
            mine |= typed_in & ~Q(pk__in=conflicted)
        return self.filter(mine, state__in=Application.EDITABLE)


class Application(models.Model):
    """申込書 of one area. The answers are text (JSON): stored, hashed and compared as they are."""

    class State(models.TextChoices):
        DRAFT = "draft", "作成中"
        SUBMITTED = "submitted", "提出済"
        RETURNED = "returned", "補正依頼中"
        FORWARDED = "forwarded", "事務局へ提出済"
        WITHDRAWN = "withdrawn", "取下げ"

    EDITABLE = ["draft", "returned"]

    call = models.ForeignKey(Call, models.PROTECT, related_name="applications")
    programme = models.ForeignKey(Programme, models.PROTECT, related_name="+")
    applicant = models.ForeignKey(Organisation, models.PROTECT, verbose_name="申込団体", related_name="applications")
    section = models.ForeignKey(Section, models.PROTECT, verbose_name="担当課", related_name="+")
    prefecture = models.ForeignKey(Organisation, models.PROTECT, verbose_name="都道府県", related_name="+")
    area = models.ForeignKey(Area, models.PROTECT, null=True, blank=True, verbose_name="圏域")
    municipalities = models.ManyToManyField(Organisation, verbose_name="区域の市町村", related_name="+")
    area_name = models.CharField("応募地域名", max_length=200, blank=True)  # from the answers, for lists
    state = models.CharField("状態", max_length=20, choices=State, default=State.DRAFT)
    answers_text = models.TextField("記載内容", default="{}")
    ticks_text = models.TextField("確認済みの要件", default="{}")
    reason = models.TextField("要件についての説明", blank=True)  # why 16 members, and so on
    version = models.PositiveIntegerField("版", default=1)
    number = models.CharField("受付番号", max_length=40, blank=True)
    by_proxy = models.CharField("代行入力", max_length=12, blank=True)  # "", "prefecture" or "secretariat"
    direct = models.BooleanField("都道府県を経由せず届いた", default=False)
    proxy_source = models.CharField("原本の受領方法", max_length=20, blank=True)
    started_at = models.DateTimeField("作成日時")
    saved_at = models.DateTimeField("保存日時")
    saved_by = models.CharField("保存者", max_length=200)
    submitted_at = models.DateTimeField("提出日時", null=True, blank=True)
    forwarded_at = models.DateTimeField("事務局への提出日時", null=True, blank=True)
    past_prefecture_due = models.BooleanField("県の期限を超過", default=False)
    late_reason = models.TextField("期限後に受け付けた理由", blank=True)
    opinion = models.TextField("都道府県の意見", blank=True)
    receipt_number = models.CharField("収受番号", max_length=100, blank=True)
    received_on = models.DateField("収受日", null=True, blank=True)
    bundle = models.ForeignKey("Bundle", models.PROTECT, null=True, blank=True, related_name="applications")

    objects = ApplicationQuerySet.as_manager()

    class Meta:
        ordering = ["prefecture__code", "applicant__code", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["call", "applicant"],
                condition=~Q(state="withdrawn"),
                name="one_living_application_per_body_and_call",
            ),
            models.UniqueConstraint(fields=["call", "number"], condition=~Q(number=""), name="one_number_per_call"),
        ]
        indexes = [
            models.Index(fields=["call", "state"], name="application_call_state"),
            # What a prefecture and the organiser count and sort, without reading the answers on the way.
            models.Index(
                fields=[
                    *["call", "prefecture", "forwarded_at", "state", "number"],  # to list
                    *["area_name", "applicant", "submitted_at"],  # to search and sort a list
                ],
                name="application_call_sorted",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.area_name or self.applicant.name}"

    @property
    def answers(self) -> dict[str, Any]:
        return json.loads(self.answers_text)

    @answers.setter
    def answers(self, value: dict[str, Any]) -> None:
        self.answers_text = json.dumps(value, ensure_ascii=False, sort_keys=True)
        self.area_name = str(value.get("area_name") or "")[:200]

    @property
    def ticks(self) -> dict[str, bool]:
        return json.loads(self.ticks_text)

    @property
    def definition(self) -> Definition:
        """Of the revision this application is bound to."""
        return self.programme.definition

    @property
    def form(self):
        return self.definition.form

    def findings(self, at: datetime, *, hub: bool | None = None) -> tuple[Finding, ...]:
        """Every requirement of the call, judged on what is written now. `hub` where `designated` has told it."""
        return check(self.definition.call.rules, self.facts(at, hub=hub), self.form)

    def facts(self, at: datetime, *, hub: bool | None = None) -> Facts:
        return Facts(
            answers=self.answers,
            applicant_kind=self.applicant.kind,
            hub_designated=self.hub_designated(at) if hub is None else hub,
            route=self.route,
            submitted=self.submitted_at is not None,
            ticks=self.ticks,
        )

    def belongs_to(self, seat: Seat) -> bool:
        """Whose application it is to withdraw: the applicant's, or the prefecture's that entered it by proxy."""
        body = seat.section.organisation_id
        return self.applicant_id == body or (self.by_proxy == "prefecture" and self.prefecture_id == body)

    @property
    def route(self) -> str:
        """How it came to the organiser; a prefecture's mail that the organiser typed in came through the prefecture."""
        return "direct" if self.direct else "prefecture"

    def hub_designated(self, at: datetime) -> bool:
        """Is a 拠点 designated for this area on that day? (its municipalities, or the applicant itself)"""
        return bool(_hubs_of(self.pk or 0, self.applicant_id, at.date()))

    @cached_property
    def area_ids(self) -> frozenset[int]:
        """The municipalities of its area, by their ids."""
        links = Application.municipalities.through.objects.filter(application=self)
        return frozenset(links.values_list("organisation", flat=True))

    def area_text(self) -> str:
        """The municipalities it speaks for, which the paper itself has no place for."""
        return "、".join(municipality.name for municipality in self.municipalities.all())

    def section_in_charge(self) -> Section:
        """The section its case is with now: 所管課へ回送 takes the application along."""
        cases = Addressee.objects.filter(root=self.call.inquiry_id, organisation=self.applicant_id)
        case = cases.select_related("section").first()
        return case.section if case else self.section

    def late_accepted(self) -> bool:
        """Has the organiser let this body, or its prefecture, through after the deadline?"""
        bodies = [self.applicant_id, self.prefecture_id]
        return LateAcceptance.objects.filter(call=self.call_id, organisation__in=bodies).exists()

    def shown_state(self) -> tuple[str, str]:
        words = self.get_state_display() + ("（代行入力）" if self.by_proxy else "")
        return words, {"draft": "go", "submitted": "ok", "returned": "warn", "forwarded": "ok", "withdrawn": "none"}[
            self.state
        ]


@statement
def _hubs_of(application: int, applicant: int, on: date) -> QuerySet:
    area = Application.municipalities.through.objects.filter(application=application).values("organisation")
    bodies = Q(organisation=applicant) | Q(organisation__in=area)
    return Designation.objects.for_any(bodies, on).order_by("pk").values_list("pk")[:1]


def designated(applications: Iterable[Application], at: datetime) -> set[int]:
    """Which of them have a 拠点 designated for their area on that day: ids, in one query (and the municipalities')."""
    bodies = {a.pk: {a.applicant_id, *(m.pk for m in a.municipalities.all())} for a in applications}
    every = {body for area in bodies.values() for body in area}
    hubs = set(Organisation.objects.filter(pk__in=every).designated_on(at.date()).values_list("pk", flat=True))
    return {pk for pk, area in bodies.items() if area & hubs}


class LateAcceptance(models.Model):
    """期限後の受付: the organiser lets one body (or all of one prefecture) through after the deadline, with a reason."""

    call = models.ForeignKey(Call, models.PROTECT, related_name="late_acceptances")
    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="+")
    reason = models.TextField("理由")
    accepted_by = models.CharField("受付を認めた者", max_length=200)
    accepted_at = models.DateTimeField("日時")

    class Meta:
        ordering = ["accepted_at", "pk"]
        constraints = [models.UniqueConstraint(fields=["call", "organisation"], name="one_late_acceptance_per_body")]


class Correction(models.Model):
    """補正依頼: what the prefecture asks to be mended, by section of the form."""

    application = models.ForeignKey(Application, models.PROTECT, related_name="corrections")
    section = models.CharField("箇所", max_length=60)  # section id of the form, "" for the whole
    section_title = models.CharField("箇所", max_length=200)
    text = models.TextField("内容")
    asked_at = models.DateTimeField("依頼日時")
    asked_by = models.CharField("依頼者", max_length=200)
    due = models.DateField("期限", null=True, blank=True)
    mended_at = models.DateTimeField("補正日時", null=True, blank=True)

    class Meta:
        ordering = ["asked_at", "pk"]


class EditConflict(models.Model):
    """Two people wrote one place differently: the first text is stored, the second is kept here until one decides."""

    application = models.ForeignKey(Application, models.CASCADE, related_name="edit_conflicts")
    field = models.CharField(max_length=60)
    row = models.CharField(max_length=40, blank=True)
    column = models.CharField(max_length=60, blank=True)
    yours_text = models.TextField()  # JSON: what the second person wrote
    person_id = models.BigIntegerField()
    written_by = models.CharField("記入者", max_length=200)
    written_at = models.DateTimeField("記入日時")

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["application", "field", "row", "column", "person_id"], name="one_conflict_per_place_and_person"
            )
        ]

    @property
    def yours(self) -> Any:
        return json.loads(self.yours_text)


class BundleQuerySet(models.QuerySet):
    def visible_to(self, seat: Seat) -> BundleQuerySet:
        kind = seat.organisation.kind
        if kind == "prefecture":
            return self.filter(prefecture=seat.organisation)
        if kind == "secretariat":  # its covering text may name the case somebody must see nothing of
            sent = self.filter(call__organiser__organisation=seat.organisation, state=Bundle.State.SENT)
            return sent.exclude(applications__conflicts__person=seat.person_id)
        return self.none()


class Bundle(models.Model):
    """とりまとめ: prepared and frozen, decided in the office's own 文書管理 system, then carried out."""

    class State(models.TextChoices):
        PREPARED = "prepared", "起案中"
        VOID = "void", "失効"
        SENT = "sent", "提出済"

    call = models.ForeignKey(Call, models.PROTECT, related_name="bundles")
    prefecture = models.ForeignKey(Organisation, models.PROTECT, related_name="bundles")
    section = models.ForeignKey(Section, models.PROTECT, related_name="+")
    state = models.CharField("状態", max_length=10, choices=State, default=State.PREPARED)
    covering_text = models.TextField("鑑文")
    frozen_text = models.TextField("確定した内容")  # JSON: what the 起案用一式 holds, application by application
    file_sha = models.CharField("起案用一式", max_length=64, blank=True)
    prepared_at = models.DateTimeField("起案日時")
    prepared_by = models.CharField("起案者", max_length=200)
    decided_on = models.DateField("決裁日", null=True, blank=True)
    document_number = models.CharField("文書番号", max_length=100, blank=True)
    sent_at = models.DateTimeField("提出日時", null=True, blank=True)
    void_reason = models.CharField("失効の理由", max_length=200, blank=True)

    objects = BundleQuerySet.as_manager()

    class Meta:
        ordering = ["prefecture__code", "-prepared_at", "-pk"]


class Check(models.Model):
    """形式要件の確認 by the secretariat: a requirement that a person ticks, with who and when."""

    application = models.ForeignKey(Application, models.PROTECT, related_name="checks")
    rule = models.CharField("要件", max_length=60)
    ok = models.BooleanField("満たす")
    checked_by = models.CharField("確認者", max_length=200)
    checked_at = models.DateTimeField("確認日時")

    class Meta:
        ordering = ["pk"]
        constraints = [models.UniqueConstraint(fields=["application", "rule"], name="one_check_per_rule")]


class ReviewNote(models.Model):
    """審査メモ: inside the secretariat only."""

    application = models.ForeignKey(Application, models.PROTECT, related_name="review_notes")
    text = models.TextField("メモ")
    written_by = models.CharField("記入者", max_length=200)
    written_at = models.DateTimeField("記入日時")

    class Meta:
        ordering = ["written_at", "pk"]


class Conflict(models.Model):
    """利益相反: this person sees nothing of the case, in no list, count, file or search."""

    application = models.ForeignKey(Application, models.PROTECT, related_name="conflicts")
    person = models.ForeignKey(User, models.PROTECT, related_name="+")
    reason = models.TextField("理由")
    declared_at = models.DateTimeField("申告日時")

    class Meta:
        ordering = ["pk"]
        constraints = [models.UniqueConstraint(fields=["application", "person"], name="one_conflict_per_person")]


class DecisionQuerySet(models.QuerySet):
    def visible_to(self, seat: Seat) -> DecisionQuerySet:
        """Of applications the seat may see, and when it may (Call.decisions_open_to)."""
        applications = Application.objects.visible_to(seat).filter(pk=OuterRef("application"))
        decisions = self.filter(Exists(applications))
        if seat.organisation.kind == "secretariat":
            return decisions
        return decisions.filter(application__call__announced_at__isnull=False)


class Decision(models.Model):
    """選定: decided with a reason, announced later for all at once."""

    class Outcome(models.TextChoices):
        SELECTED = "selected", "選定"
        DECLINED = "declined", "不選定"

    application = models.OneToOneField(Application, models.PROTECT, related_name="decision")
    outcome = models.CharField("結果", max_length=10, choices=Outcome)
    reason = models.TextField("理由")
    decided_by = models.CharField("決定者", max_length=200)
    decided_at = models.DateTimeField("決定日時")

    objects = DecisionQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]


class FormFile(models.Model):
    """A Word form (or FAX scan) that came in: the original is kept, what was read waits for confirmation."""

    application = models.ForeignKey(Application, models.PROTECT, related_name="form_files")
    attachment_id = models.BigIntegerField()  # records.Attachment
    name = models.CharField("ファイル名", max_length=255)
    reading_text = models.TextField("読み取り結果", blank=True)  # JSON
    base_text = models.TextField(blank=True)  # JSON: digests of the answers it is compared with
    taken_at = models.DateTimeField("受領日時")
    taken_by = models.CharField("受領者", max_length=200)
    settled_at = models.DateTimeField("反映日時", null=True, blank=True)

    class Meta:
        ordering = ["-taken_at", "-pk"]

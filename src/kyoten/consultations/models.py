"""相談窓口: one inquiry is one Consultation (1件 = one thread); what was said in it, either way, are Messages (延べ).

A desk belongs to the programme whose definition has one, and to the body that organises that programme. What its
callers agreed to (利用目的) is written on every case when it comes in, and never changes with a later definition.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import models
from django.db.models import Q

from kyoten.organisations.models import Organisation, Seat, Section

KIND = "consultation"  # the record kind
INBOUND = ("in", "heard", "auto")  # the kinds of message whose mail_id is a mail that came


class ConsultationQuerySet(models.QuerySet):
    def visible_to(self, seat: Seat) -> ConsultationQuerySet:
        """The body that runs the desk; the ministry sees figures only (reports), never a case."""
        return self.of_body(seat.organisation.pk)

    def of_body(self, body: int) -> ConsultationQuerySet:
        return self.filter(operator=body)

    def open(self) -> ConsultationQuerySet:
        return self.filter(state__in=Consultation.OPEN)

    def awaiting(self, seat: Seat) -> ConsultationQuerySet:
        """対応が必要: open cases of this seat, and those nobody has taken."""
        return self.visible_to(seat).open().filter(Q(owner=seat) | Q(owner=None))


class Consultation(models.Model):
    """相談 (1件): who asked what, whose it is, until when, and where it stands."""

    class Way(models.TextChoices):
        MAIL = "mail", "メール"
        PHONE = "phone", "電話"
        VISIT = "visit", "来所"
        WEB = "web", "Webフォーム"
        FAX = "fax", "FAX"
        MEETING = "meeting", "訪問・会議"

    class State(models.TextChoices):
        RECEIVED = "received", "受付"
        ASSIGNED = "assigned", "担当割当"
        REFERRING = "referring", "照会中"
        DRAFTED = "drafted", "回答案"
        APPROVING = "approving", "承認待ち"
        ANSWERED = "answered", "回答済"
        CLOSED = "closed", "完了"
        WITHDRAWN = "withdrawn", "取下げ"
        MERGED = "merged", "統合"

    OPEN = ["received", "assigned", "referring", "drafted", "approving"]

    programme = models.SlugField("事業")  # the definition's id
    operator = models.ForeignKey(Organisation, models.PROTECT, related_name="consultations", verbose_name="窓口")
    section = models.ForeignKey(Section, models.PROTECT, related_name="consultations", verbose_name="担当課")
    fiscal_year = models.PositiveSmallIntegerField("年度")
    number = models.CharField("受付番号", max_length=40, unique=True)
    state = models.CharField("状態", max_length=12, choices=State, default=State.RECEIVED)
    way = models.CharField("経路", max_length=10, choices=Way)
    received_at = models.DateTimeField("受付日時")
    clock_at = models.DateTimeField("計時の開始", null=True, blank=True)  # None: outside the desk's period
    due = models.DateTimeField("回答期限", null=True, blank=True)
    latest_at = models.DateTimeField("最後のやりとり")

    subject = models.CharField("件名", max_length=500)
    text = models.TextField("照会内容")
    body_name = models.CharField("自治体・機関名", max_length=200, blank=True)
    person_name = models.CharField("氏名", max_length=100, blank=True)
    phone = models.CharField("電話番号", max_length=60, blank=True)
    email = models.CharField("メールアドレス", max_length=320, blank=True)
    organisation = models.ForeignKey(
        Organisation, models.PROTECT, null=True, blank=True, related_name="asked_desks", verbose_name="相談した団体"
    )
    asker = models.CharField("相談者の区分", max_length=40, blank=True)  # ids of the definition's lists
    handling = models.CharField("対応区分", max_length=40, blank=True)
    minutes = models.PositiveIntegerField("対応時間（分）", default=0)
    urgent = models.BooleanField("至急", default=False)
    personal = models.BooleanField("個人情報を含む", default=False)

    purpose_text = models.TextField("利用目的")  # word for word, of the day it came in
    purposes_text = models.TextField("認められた目的", default="[]")  # ids, JSON
    consent = models.CharField(
        "事例としての公開の同意", max_length=8, blank=True, choices=[("yes", "同意"), ("no", "不同意")]
    )
    consent_text = models.TextField("同意の記録", blank=True)

    owner = models.ForeignKey(Seat, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="担当")
    warning = models.CharField("確認が必要なこと", max_length=300, blank=True)
    answered_at = models.DateTimeField("回答日時", null=True, blank=True)
    closed_at = models.DateTimeField("完了日時", null=True, blank=True)
    # 最初の回答: what the figures count; a follow-up starts the clock above again and leaves these.
    first_answered_at = models.DateTimeField("最初の回答日時", null=True, blank=True)
    first_clock_at = models.DateTimeField(
        "最初の計時の開始", null=True, blank=True
    )  # None: clock_at is still the first
    first_due = models.DateTimeField("最初の回答期限", null=True, blank=True)
    reopened = models.PositiveSmallIntegerField("再開の回数", default=0)
    merged_into = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="merged")
    sorted_away = models.BooleanField(default=False, db_default=False)  # its mail was no 相談 after all: never counted
    version = models.PositiveIntegerField("版", default=1)

    objects = ConsultationQuerySet.as_manager()

    class Meta:
        ordering = ["-received_at", "-pk"]
        indexes = [
            models.Index(fields=["operator", "-received_at", "-id"], name="consultation_newest"),
            models.Index(fields=["operator", "state", "due"], name="consultation_by_due"),
            models.Index(fields=["owner", "state"], name="consultation_of_owner"),
            models.Index(fields=["email", "operator", "-received_at", "-id"], name="consultation_of_caller"),
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.subject}"

    @property
    def purposes(self) -> list[str]:
        return json.loads(self.purposes_text)

    @property
    def is_open(self) -> bool:
        return self.state in self.OPEN

    def overdue_at(self, at: datetime) -> bool:
        return bool(self.is_open and self.due and at > self.due)

    def shown_state(self, at: datetime) -> tuple[str, str]:
        """(words, kind of tag) for lists."""
        return state_shown(self.state, self.due, at)


def state_shown(state: str, due: datetime | None, at: datetime) -> tuple[str, str]:
    """(words, kind of tag) for a state and its due date."""
    words = STATES[state]
    if state in Consultation.OPEN and due and at > due:
        return f"{words}・期限超過", "stop"
    return words, TAGS[state]


STATES = dict(Consultation.State.choices)
WAYS = dict(Consultation.Way.choices)
TAGS = {
    "received": "warn", "assigned": "go", "referring": "go", "drafted": "go", "approving": "warn", "answered": "ok",
    "closed": "none", "withdrawn": "none", "merged": "none",
}  # fmt: skip


class Sequence(models.Model):
    """The last 受付番号 given by a desk."""

    programme = models.SlugField(unique=True)
    last = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["programme"]


class Mark(models.Model):
    """分類: one of the definition's subjects, functions or scenes that a case is about (several each)."""

    consultation = models.ForeignKey(Consultation, models.CASCADE, related_name="marks")
    kind = models.CharField(max_length=10, choices=[("subject", "分類"), ("function", "機能"), ("scene", "場面")])
    value = models.CharField(max_length=40)

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["consultation", "kind", "value"], name="one_mark_per_value")]
        indexes = [models.Index(fields=["kind", "value"], name="mark_by_value")]


class Message(models.Model):
    """One thing said or written in a case: what came, what went, what was only noted inside."""

    class Kind(models.TextChoices):
        IN = "in", "受信"
        OUT = "out", "回答"
        NOTE = "note", "内部メモ"
        ASKED = "asked", "照会"  # 照会 to another body or an adviser
        HEARD = "heard", "照会への回答"
        AUTO = "auto", "自動応答・不達通知"

    CONTACTS = ["in", "out"]  # what 延べ counts

    consultation = models.ForeignKey(Consultation, models.PROTECT, related_name="messages")
    kind = models.CharField(max_length=6, choices=Kind)
    way = models.CharField(max_length=10, choices=Consultation.Way)
    at = models.DateTimeField("日時")
    who = models.CharField("だれが", max_length=400, blank=True)
    subject = models.CharField(max_length=500, blank=True)
    text = models.TextField(blank=True)
    mail_id = models.BigIntegerField(null=True, blank=True)  # post.InboundMail, or post.OutboundMail for what went
    warning = models.CharField(max_length=300, blank=True)  # e.g. a stranger quoting the number of the case
    masked_at = models.DateTimeField(null=True, blank=True)  # 個人が分かる記載 was covered; the raw mail still has it
    attached_text = models.TextField(null=True, blank=True)  # of the files that came with it; None: not read yet
    withheld_at = models.DateTimeField(null=True, blank=True)  # its files were withheld: for 管理 seats only
    moved_from = models.ForeignKey(Consultation, models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        ordering = ["at", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["mail_id"], condition=Q(kind="in"), name="one_message_per_inbound_mail")
        ]
        indexes = [models.Index(fields=["id"], name="message_unread_files", condition=Q(attached_text=None))]


class Draft(models.Model):
    """回答案: written by one, approved by a second where the desk asks for it, then sent once."""

    class State(models.TextChoices):
        WRITING = "writing", "作成中"
        AWAITING = "awaiting", "承認待ち"
        RETURNED = "returned", "差戻し"
        SENT = "sent", "回答済"
        DROPPED = "dropped", "取消し"

    OPEN = ["writing", "awaiting", "returned"]

    consultation = models.ForeignKey(Consultation, models.PROTECT, related_name="drafts")
    state = models.CharField(max_length=10, choices=State, default=State.WRITING)
    subject = models.CharField("件名", max_length=500)
    text = models.TextField("回答")
    written_by = models.ForeignKey(Seat, models.PROTECT, related_name="+")
    written_at = models.DateTimeField()
    approved_by = models.ForeignKey(Seat, models.PROTECT, null=True, blank=True, related_name="+")
    approved_at = models.DateTimeField(null=True, blank=True)
    remark = models.TextField("差戻しの理由", blank=True)
    said_by = models.CharField(max_length=10, blank=True)  # "phone" where it was told, not mailed
    sent_at = models.DateTimeField(null=True, blank=True)
    version = models.PositiveIntegerField(default=1)

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["consultation"], condition=Q(state__in=["writing", "awaiting", "returned"]),
                name="one_open_draft_per_case",
            )
        ]  # fmt: skip

    @property
    def shown_as(self) -> str:
        """Which text a page shows: an approval counts for that one only."""
        return f"{self.pk}-{self.version}"


class Referral(models.Model):
    """照会: a question of ours to another body or an adviser, with a date of its own; answered by plain mail too."""

    consultation = models.ForeignKey(Consultation, models.PROTECT, related_name="referrals")
    to_name = models.CharField("照会先", max_length=200)
    to_email = models.CharField("メールアドレス", max_length=320)
    section = models.ForeignKey(Section, models.PROTECT, null=True, blank=True, related_name="+")
    text = models.TextField("照会内容")
    due = models.DateTimeField("回答期限", null=True, blank=True)
    asked_at = models.DateTimeField("照会日時")
    asked_by = models.ForeignKey(Seat, models.PROTECT, related_name="+")
    answered_at = models.DateTimeField("回答日時", null=True, blank=True)

    class Meta:
        ordering = ["asked_at", "pk"]


class Callback(models.Model):
    """折り返し予定: whom to ring back, when, and who does it (None: whoever is free)."""

    consultation = models.ForeignKey(Consultation, models.PROTECT, related_name="callbacks")
    at = models.DateTimeField("予定日時")
    phone = models.CharField("電話番号", max_length=60, blank=True)
    note = models.CharField("用件", max_length=300, blank=True)
    owner = models.ForeignKey(Seat, models.PROTECT, null=True, blank=True, related_name="+")
    done_at = models.DateTimeField("済んだ日時", null=True, blank=True)
    outcome = models.CharField("結果", max_length=300, blank=True)

    class Meta:
        ordering = ["at", "pk"]
        indexes = [models.Index(fields=["at"], name="callback_waiting", condition=Q(done_at=None))]


class ExampleQuerySet(models.QuerySet):
    def readable_by(self, seat: Seat) -> ExampleQuerySet:
        """公開された事例: for hubs, municipalities, prefectures, associations, health centres and the national tier."""
        return self.filter(state="released") if seat.organisation.kind in READERS else self.none()

    def visible_to(self, seat: Seat) -> ExampleQuerySet:
        """In every state: the body whose desk proposed it."""
        return self.filter(operator=seat.organisation)

    def shown_to(self, seat: Seat) -> ExampleQuerySet:
        """What stands on the list of a seat: what is released, and its own desk's proposals."""
        return self.shown_to_body(seat.organisation.pk)

    def shown_to_body(self, body: int) -> ExampleQuerySet:
        return self.filter(Q(state="released") | Q(state="proposed", operator=body))


READERS = ("municipality", "hub", "prefecture", "health_centre", "association", "secretariat", "ministry")


class Example(models.Model):
    """事例: an anonymised question and answer for the hubs, where purpose or consent allow it; a second person releases."""

    class State(models.TextChoices):
        PROPOSED = "proposed", "公開前の確認"
        RELEASED = "released", "公開"
        WITHDRAWN = "withdrawn", "取下げ"

    consultation = models.ForeignKey(Consultation, models.PROTECT, null=True, related_name="examples")
    operator = models.ForeignKey(Organisation, models.PROTECT, related_name="examples")
    programme = models.SlugField("事業")
    fiscal_year = models.PositiveSmallIntegerField("年度")
    title = models.CharField("題", max_length=200)
    question = models.TextField("問い")
    answer = models.TextField("答え")
    basis = models.CharField("根拠", max_length=300)  # which consent or purpose allows it
    confirmed_text = models.TextField(default="[]")  # hits a person found to point at nobody: their words, JSON
    version = models.PositiveIntegerField("版", default=1)
    state = models.CharField(max_length=10, choices=State, default=State.PROPOSED)
    proposed_by = models.ForeignKey(Seat, models.PROTECT, related_name="+")
    proposed_at = models.DateTimeField()
    released_by = models.ForeignKey(Seat, models.PROTECT, null=True, blank=True, related_name="+")
    released_at = models.DateTimeField(null=True, blank=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    objects = ExampleQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        indexes = [models.Index(fields=["state", "-released_at"], name="example_by_state")]

    def __str__(self) -> str:
        return self.title

    @property
    def confirmed(self) -> list[str]:
        return json.loads(self.confirmed_text)


class GuideSection(models.Model):
    """ガイドブックの一節, as a secretariat entered it: public wording, offered beside a draft of an answer."""

    operator = models.ForeignKey(Organisation, models.PROTECT, related_name="+", verbose_name="登録した機関")
    chapter = models.CharField("章", max_length=200, blank=True)
    title = models.CharField("見出し", max_length=200)
    text = models.TextField("本文")
    place = models.PositiveIntegerField("順", default=0)
    version = models.PositiveIntegerField("版", default=1)
    changed_at = models.DateTimeField("更新日時")

    class Meta:
        ordering = ["place", "pk"]

    def __str__(self) -> str:
        return "　".join(filter(None, [self.chapter, self.title]))


class Deletion(models.Model):
    """消去の記録: what a case was before its time was over; nothing of what was said in it."""

    number = models.CharField(max_length=40, unique=True)
    programme = models.SlugField()
    fiscal_year = models.PositiveSmallIntegerField()
    record_id = models.BigIntegerField()
    reason = models.CharField(max_length=300)
    deleted_at = models.DateTimeField()
    figures_text = models.TextField(default="{}")  # what the yearly tables count of it, JSON

    class Meta:
        ordering = ["pk"]


class YearReport(models.Model):
    """完了報告の文: what the desk's officer writes beside the figures of a year; the figures themselves are counted anew."""

    programme = models.SlugField("事業")
    operator = models.ForeignKey(Organisation, models.PROTECT, related_name="+", verbose_name="窓口")
    fiscal_year = models.PositiveSmallIntegerField("年度")
    texts_text = models.TextField(default="{}")  # id of a subject → the officer's words, JSON; "" → in general
    version = models.PositiveIntegerField(default=1)
    written_by = models.ForeignKey(Seat, models.PROTECT, related_name="+")
    written_at = models.DateTimeField()

    class Meta:
        ordering = ["-fiscal_year", "programme"]
        constraints = [models.UniqueConstraint(fields=["programme", "fiscal_year"], name="one_year_report_per_desk")]

    @property
    def texts(self) -> dict[str, str]:
        return json.loads(self.texts_text)


def ids_text(ids: Iterable[str]) -> str:
    return json.dumps(list(ids), ensure_ascii=False)


def marked(consultation: Consultation) -> dict[str, list[str]]:
    """By kind, the values a case is marked with."""
    found: dict[str, list[Any]] = {"subject": [], "function": [], "scene": []}
    for mark in consultation.marks.all():
        found[mark.kind].append(mark.value)
    return found

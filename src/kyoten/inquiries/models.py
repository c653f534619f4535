"""照会・回答: one body asks many, each answers, the asker gathers.

An Inquiry is one asking (a call reaching 47 prefectures, a prefecture's 管内へ照会 to its municipalities). Asking
on behalf of a received inquiry makes a tree: `parent` is the Addressee row it was received as, `root` the first
inquiry. A body is addressed at most once per tree: the same notice by two ways is one case.
"""

from __future__ import annotations

import json
import secrets
from datetime import datetime
from typing import Any

from django.core import signing
from django.db import models
from django.db.models import Q

from kyoten.organisations.models import Organisation, Seat, Section
from kyoten.post.models import Barrier

REPLIES = "replies"  # the kind of barrier before what an addressee replies by mail
SALT = "kyoten.inquiries.answer"


class InquiryQuerySet(models.QuerySet):
    def visible_to(self, seat: Seat) -> InquiryQuerySet:
        """What this seat's body asked, or was asked."""
        own = Q(asker__organisation=seat.organisation)
        received = Q(pk__in=Addressee.objects.filter(organisation=seat.organisation).values("inquiry"))
        return self.filter(own | received)

    def asked_by(self, seat: Seat) -> InquiryQuerySet:
        return self.filter(asker__organisation=seat.organisation)


class Inquiry(models.Model):
    class Silence(models.TextChoices):
        NOT_APPLICABLE = "not_applicable", "該当なしとみなす"
        MUST_ANSWER = "must_answer", "回答を要する"

    programme = models.SlugField("事業")  # the definition's id
    title = models.CharField("件名", max_length=200)
    covering_text = models.TextField("依頼文")
    asker = models.ForeignKey(Section, models.PROTECT, verbose_name="依頼元", related_name="asked")
    parent = models.ForeignKey("Addressee", models.PROTECT, null=True, blank=True, related_name="passed_down")
    root = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="tree")
    due = models.DateTimeField("回答期限", null=True)
    hard = models.BooleanField("期限後は受け付けない", default=False)
    silence = models.CharField("回答がないとき", max_length=20, choices=Silence)
    silence_text = models.CharField("回答がないときの取扱い", max_length=200, blank=True)
    document_number = models.CharField("文書番号", max_length=100, blank=True)
    decided_on = models.DateField("決裁日", null=True, blank=True)
    sent_at = models.DateTimeField("発出日時")

    objects = InquiryQuerySet.as_manager()

    class Meta:
        ordering = ["-sent_at", "-pk"]

    def __str__(self) -> str:
        return self.title

    @property
    def tree_id(self) -> int:
        return self.root_id or self.pk


class AddresseeQuerySet(models.QuerySet):
    def visible_to(self, seat: Seat) -> AddresseeQuerySet:
        """Its own row, and every row of what its body asked."""
        return self.filter(Q(organisation=seat.organisation) | Q(inquiry__asker__organisation=seat.organisation))

    def received_by(self, seat: Seat) -> AddresseeQuerySet:
        return self.filter(organisation=seat.organisation)

    def awaiting(self, seat: Seat) -> AddresseeQuerySet:
        """対応が必要: what this seat's section has been asked and has not answered."""
        return self.filter(section=seat.section_id, purpose=Addressee.Purpose.ANSWER, state__in=Addressee.OPEN)

    def missing(self) -> AddresseeQuerySet:
        """Who has not answered: nothing at all, or only 検討中, and is not applying with another body."""
        return self.filter(purpose=Addressee.Purpose.ANSWER, state__in=Addressee.MISSING, represented_by__isnull=True)


class Addressee(models.Model):
    class Purpose(models.TextChoices):
        ANSWER = "answer", "回答を求める"
        REFERENCE = "reference", "参考送付"

    class State(models.TextChoices):
        UNREAD = "unread", "未読"
        READ = "read", "既読"
        CONSIDERING = "considering", "検討中"
        NOT_APPLICABLE = "not_applicable", "該当なし"
        ANSWERED = "answered", "提出済"
        RETURNED = "returned", "補正依頼中"

    class Way(models.TextChoices):
        SCREEN = "screen", "画面"
        LINK = "link", "メールのリンク"
        MAIL = "mail", "メールの返信"
        PHONE = "phone", "電話確認"
        PROXY = "proxy", "代行入力"

    OPEN = ["unread", "read", "considering", "returned"]
    MISSING = ["unread", "read", "considering"]

    inquiry = models.ForeignKey(Inquiry, models.PROTECT, related_name="addressees")
    root = models.ForeignKey(Inquiry, models.PROTECT, related_name="+")
    organisation = models.ForeignKey(Organisation, models.PROTECT, verbose_name="宛先", related_name="+")
    section = models.ForeignKey(Section, models.PROTECT, verbose_name="所管", related_name="received")
    purpose = models.CharField("区分", max_length=10, choices=Purpose, default=Purpose.ANSWER)
    state = models.CharField("状況", max_length=20, choices=State, default=State.UNREAD)
    way = models.CharField("回答の方法", max_length=10, choices=Way, blank=True)
    answered_by = models.CharField("回答者", max_length=200, blank=True)  # as it stood on the day
    answered_at = models.DateTimeField("回答日時", null=True, blank=True)
    late = models.BooleanField("期限超過", default=False)
    remark = models.CharField("備考", max_length=500, blank=True)
    represented_by = models.ForeignKey(
        Organisation, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="応募の代表"
    )
    nonce = models.CharField(max_length=64, default=secrets.token_urlsafe, editable=False)
    reminded = models.PositiveIntegerField("再依頼の回数", default=0)
    reminded_at = models.DateTimeField("再依頼日時", null=True, blank=True)

    objects = AddresseeQuerySet.as_manager()

    class Meta:
        ordering = ["organisation__code", "pk"]
        constraints = [models.UniqueConstraint(fields=["root", "organisation"], name="one_case_per_body_and_tree")]
        indexes = [models.Index(fields=["section", "state"], name="addressee_section_state")]

    def __str__(self) -> str:
        return f"{self.organisation}（{self.inquiry}）"

    @property
    def token(self) -> str:
        """What the signed link in the mail carries; a new nonce makes old links void."""
        return signing.Signer(salt=SALT).sign_object([self.pk, self.nonce], compress=True)

    @property
    def is_missing(self) -> bool:
        """No answer yet: nothing at all, or only 検討中."""
        return self.purpose == "answer" and self.state in self.MISSING and self.represented_by_id is None

    def overdue_at(self, at: datetime) -> bool:
        due = self.inquiry.due
        return bool(due and at > due and self.is_missing)

    def shown_state(self, at: datetime, *, closed: bool = False) -> tuple[str, str]:
        """(words, kind of tag) for lists: what the asker needs to know at a glance.

        `closed`: the asker has finished gathering, so that silence now means what the asking said it would.
        """
        if self.represented_by_id:
            return f"{self.represented_by}として応募", "none"
        if self.purpose == self.Purpose.REFERENCE:
            return "参考送付", "none"
        if self.overdue_at(at):
            silent = (closed or self.inquiry.hard) and self.inquiry.silence == Inquiry.Silence.NOT_APPLICABLE
            return (DEEMED, "none") if silent else ("期限超過", "stop")
        return self.get_state_display(), TAGS[self.state]


DEEMED = "該当なし（みなし）"
TAGS = {
    "unread": "none",
    "read": "go",
    "considering": "go",
    "not_applicable": "none",
    "answered": "ok",
    "returned": "warn",
}


class DraftQuerySet(models.QuerySet):
    def visible_to(self, seat: Seat) -> DraftQuerySet:
        """Only the body that drew it up: until it is sent nobody else knows of it, and then they have the paper."""
        return self.filter(section__organisation=seat.organisation)


class Draft(models.Model):
    """発出の起案: what is to go out, frozen as it was printed, decided in the office's own 文書管理 system, then sent."""

    class Kind(models.TextChoices):
        OPEN = "open", "公募開始"
        ASK = "ask", "管内への照会"

    class State(models.TextChoices):
        PREPARED = "prepared", "決裁待ち"
        VOID = "void", "失効"
        SENT = "sent", "発出済"

    kind = models.CharField("種類", max_length=10, choices=Kind)
    programme = models.SlugField("事業")  # the definition's id
    section = models.ForeignKey(Section, models.PROTECT, related_name="drafts")
    parent = models.ForeignKey(Addressee, models.PROTECT, null=True, blank=True, related_name="drafts")
    state = models.CharField("状態", max_length=10, choices=State, default=State.PREPARED)
    covering_text = models.TextField("依頼文")
    due = models.DateTimeField("回答期限", null=True)
    frozen_text = models.TextField("確定した内容")  # JSON: everything the 起案用一式 says
    file_sha = models.CharField("起案用一式", max_length=64)
    prepared_at = models.DateTimeField("起案日時")
    prepared_by = models.CharField("起案者", max_length=200)
    decided_on = models.DateField("決裁日", null=True, blank=True)
    document_number = models.CharField("文書番号", max_length=100, blank=True)
    sent_at = models.DateTimeField("発出日時", null=True, blank=True)
    inquiry = models.ForeignKey(Inquiry, models.PROTECT, null=True, blank=True, related_name="drafts")
    void_reason = models.CharField("失効の理由", max_length=200, blank=True)

    objects = DraftQuerySet.as_manager()

    class Meta:
        ordering = ["-prepared_at", "-pk"]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}の起案（{self.frozen['title']}）"

    @property
    def frozen(self) -> dict[str, Any]:
        return json.loads(self.frozen_text)


class MailAnswerQuerySet(models.QuerySet):
    def visible_to(self, seat: Seat) -> MailAnswerQuerySet:
        """Replies to what its body asked, except where a conflict of interest keeps them from this person."""
        walls = Barrier.objects.filter(person_id=seat.person_id, kind=REPLIES)
        rows = self.exclude(addressee__in=walls.values("record_id"))
        return rows.filter(addressee__inquiry__asker__organisation=seat.organisation)

    def awaiting(self, seat: Seat) -> MailAnswerQuerySet:
        """要確認 for the section that asked."""
        return self.visible_to(seat).filter(addressee__inquiry__asker=seat.section_id, settled_at=None)


class MailAnswer(models.Model):
    """A reply by mail that could not be read as an answer: shown to the asker, who decides (要確認)."""

    addressee = models.ForeignKey(Addressee, models.PROTECT, related_name="mail_answers")
    mail_id = models.BigIntegerField(unique=True)  # post.InboundMail
    sender = models.CharField("差出人", max_length=320)
    text = models.TextField("本文")
    attachment_names = models.TextField("添付", blank=True)  # one a line
    received_at = models.DateTimeField("受信日時")
    settled_at = models.DateTimeField("確認日時", null=True, blank=True)

    objects = MailAnswerQuerySet.as_manager()

    class Meta:
        ordering = ["received_at", "pk"]

    @property
    def attached(self) -> list[str]:
        return self.attachment_names.splitlines()


def addressee_of(token: str) -> Addressee | None:
    """The row a signed link speaks for, or None where the link is forged or void."""
    try:
        pk, nonce = signing.Signer(salt=SALT).unsign_object(token)
    except (signing.BadSignature, ValueError, TypeError):
        return None
    rows = Addressee.objects.select_related("inquiry__asker__organisation", "organisation", "section")
    return rows.filter(pk=pk, nonce=nonce).first()

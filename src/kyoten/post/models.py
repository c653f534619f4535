"""郵便: the outbox (one row per envelope recipient) and the inbox (raw bytes first)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime

from django.db import models
from django.db.models import Exists, OuterRef, Q

from kyoten.records.models import ActorColumns, Attachment


def barred(person_id: int, mail: str = "") -> Q:
    """Mails that tell of a record this person must see nothing of. `mail` leads to the mail ("answers__")."""
    walls = Barrier.objects.filter(person_id=person_id)
    about = walls.filter(kind=OuterRef(f"{mail}about_kind"), record_id=OuterRef(f"{mail}about_id"))
    mentioned = walls.filter(kind=OuterRef("kind"), record_id=OuterRef("record_id"))
    return Q(Exists(about)) | Q(Exists(Mention.objects.filter(Exists(mentioned), mail=OuterRef(f"{mail}pk"))))


class OutboundQuerySet(models.QuerySet):
    def due(self, now: datetime) -> OutboundQuerySet:
        """What may be tried now, new mail before retries: one that stalls again and again delays nobody else."""
        return self.filter(state="queued", next_attempt_at__lte=now).order_by("attempts", "next_attempt_at", "id")

    def failed_for(self, section_ids: Iterable[int]) -> OutboundQuerySet:
        """Deliveries that failed for good and still need somebody of these sections, newest first."""
        rows = self.filter(state="failed", settled_at=None, from_section_id__in=list(section_ids))
        return rows.order_by("-failed_at", "-id")

    def delayed_for(self, section_ids: Iterable[int]) -> OutboundQuerySet:
        """Deliveries of these sections that did not succeed at the first try and go on being tried."""
        rows = self.filter(state__in=["queued", "sending"], attempts__gt=0, from_section_id__in=list(section_ids))
        return rows.exclude(last_reply="").order_by("queued_at", "id")

    def shown_to(self, person_id: int) -> OutboundQuerySet:
        """Without those about a case this person has a conflict of interest in."""
        return self.filter(~barred(person_id))

    def bounced_since(self, moment: datetime) -> OutboundQuerySet:
        """What failed since `moment`, oldest first: the addresses to mend."""
        return self.filter(state="failed", failed_at__gte=moment).order_by("failed_at", "id")

    def of(self, kind: str, record_id: int) -> OutboundQuerySet:
        """The mails about one record, oldest first."""
        return self.filter(about_kind=kind, about_id=record_id).order_by("id")


class OutboundMail(ActorColumns):
    """One mail to one recipient. The row is the truth; the worker delivers it at least once, always the same Message-ID.

    queued → sending (leased) → sent | queued again (4xx, with back-off) | failed (5xx, five days, bounce).
    In the demo nothing leaves: queued → demo, "delivered" into the mailbox everybody can read.
    The actor columns say who caused it; empty for what the system sends by itself.
    """

    STATES = [
        ("queued", "送信待ち"),
        ("sending", "送信中"),
        ("sent", "送信済み"),
        ("failed", "不達"),
        ("demo", "デモ内で配達"),
    ]

    key = models.CharField(max_length=200)
    token = models.CharField(max_length=32, unique=True)  # in Message-ID and reply address; only its reader knows it
    message_id = models.CharField(max_length=200, unique=True)
    to = models.CharField(max_length=320)
    subject = models.CharField(max_length=500)
    text = models.TextField()
    attachments = models.ManyToManyField(Attachment, through="Enclosure", related_name="+")
    from_section_id = models.BigIntegerField(null=True, db_index=True)  # whose home shows a failure
    from_name = models.CharField(max_length=200, blank=True)
    about_kind = models.CharField(max_length=40, blank=True)
    about_id = models.BigIntegerField(null=True)
    in_reply_to = models.CharField(max_length=998, blank=True)
    references = models.TextField(blank=True)
    automatic = models.BooleanField(default=False)
    secret = models.BooleanField(
        default=False, db_default=False
    )  # holds a key that is its recipient's alone: never shown to the sender

    queued_at = models.DateTimeField()  # the moment of the act; everything below is real time
    recorded_at = models.DateTimeField()
    state = models.CharField(max_length=10, choices=STATES, default="queued")
    next_attempt_at = models.DateTimeField()
    attempts = models.PositiveIntegerField(default=0)
    lease_token = models.CharField(max_length=32, blank=True)
    lease_until = models.DateTimeField(null=True)
    last_reply = models.TextField(blank=True)
    sent_at = models.DateTimeField(null=True)
    failed_at = models.DateTimeField(null=True)
    possibly_twice = models.BooleanField(default=False)  # the server may have taken it once before
    settled_at = models.DateTimeField(null=True)  # somebody dealt with the failure
    resent_as = models.ForeignKey("self", models.PROTECT, null=True, related_name="resent_from")

    objects = OutboundQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["key", "to"], name="one_mail_per_key_and_recipient")]
        indexes = [
            models.Index(
                fields=["attempts", "next_attempt_at", "id"], name="outbound_queued", condition=Q(state="queued")
            ),
            models.Index(fields=["lease_until"], name="outbound_sending", condition=Q(state="sending")),
            models.Index(fields=["from_section_id", "failed_at"], name="outbound_failed", condition=Q(state="failed")),
            models.Index(fields=["about_kind", "about_id"], name="outbound_about"),
            models.Index(fields=["to", "id"], name="outbound_to"),
        ]

    def __str__(self) -> str:
        return f"{self.to} {self.subject}"

    @property
    def about(self) -> tuple[str, int] | None:
        return (self.about_kind, self.about_id) if self.about_kind else None

    @property
    def files(self) -> list[Attachment]:
        """What is enclosed, in the order given."""
        return [row.attachment for row in self.enclosures.select_related("attachment").order_by("id")]

    @property
    def reason(self) -> str:
        """Why it was not delivered, for an officer."""
        if re.search(r"\b5\.2\.[23]\b|^552", self.last_reply):
            return "相手の受信箱がいっぱいか、メールが大きすぎます。"
        if re.search(r"\b5\.1\.\d+\b|^55[013]", self.last_reply):
            return "宛先のメールアドレスが見つかりません。"
        if re.search(r"^5\d\d|\b5\.\d+\.\d+\b", self.last_reply):
            return "相手のメールサーバーが受け取りを拒みました。"
        return (
            self.last_reply
            if self.state == "failed" and not self.attempts
            else "相手のメールサーバーに届けられません。"
        )


class Mention(models.Model):
    """A record that a mail about something else tells of too (the results of one prefecture in one mail)."""

    mail = models.ForeignKey(OutboundMail, models.CASCADE, related_name="mentions")
    kind = models.CharField(max_length=40)
    record_id = models.BigIntegerField()

    class Meta:
        ordering = ["id"]


class Barrier(models.Model):
    """利益相反: a person who must see nothing of one record. The app that knows why writes it beside its own reason."""

    person_id = models.BigIntegerField()
    kind = models.CharField(max_length=40)
    record_id = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["person_id", "kind", "record_id"], name="one_barrier_per_person_and_record")
        ]

    def __str__(self) -> str:
        return f"{self.person_id} {self.kind} {self.record_id}"


class Enclosure(models.Model):
    """A file enclosed in a mail."""

    mail = models.ForeignKey(OutboundMail, models.CASCADE, related_name="enclosures")
    attachment = models.ForeignKey(Attachment, models.PROTECT, related_name="+")

    class Meta:
        ordering = ["id"]


class InboundQuerySet(models.QuerySet):
    def replies(self) -> InboundQuerySet:
        """Answers by people to a mail of ours that nobody has taken up yet, oldest first."""
        rows = self.filter(state="new", machine__in=["", "list"], answers__isnull=False)
        return rows.select_related("answers").order_by("id")

    def attention(self) -> InboundQuerySet:
        """要確認: what a person has to look at, oldest first."""
        return self.filter(state="attention").order_by("id")

    def attention_of(self, section_id: int, *, nobodys: bool) -> InboundQuerySet:
        """要確認 for one section: answers to mails it sent. `nobodys`: also answers to a mail of no section (the organiser
        sees these). What answers nothing of ours waits to be sorted (`waiting`)."""
        own, others = Q(answers__from_section_id=section_id), Q(answers__isnull=False, answers__from_section_id=None)
        return self.attention().filter(own | others if nobodys else own, sort="")

    def waiting(self, operators: Iterable[int | None]) -> InboundQuerySet:
        """振り分けを待つ: what these bodies have to sort (None: the organiser's own and what belongs to nobody)."""
        operators = list(operators)
        of = Q(operator_id__in=[pk for pk in operators if pk is not None])
        if None in operators:
            of |= Q(operator_id=None)
        return self.attention().filter(of, Q(answers=None) | ~Q(sort=""))

    def shown_to(self, person_id: int) -> InboundQuerySet:
        """Without what answers a mail about a case this person has a conflict of interest in, and without what the
        people of such a case write of their own accord."""
        walls = Barrier.objects.filter(person_id=person_id)
        of_it = OutboundMail.objects.filter(
            Exists(walls.filter(kind=OuterRef("about_kind"), record_id=OuterRef("about_id")))
        )
        unasked = Q(Exists(of_it.filter(to__iexact=OuterRef("sender"))), answers=None)
        return self.filter(~(barred(person_id, "answers__") | unasked))

    def of(self, kind: str, record_id: int) -> InboundQuerySet:
        """What came back on one record, out-of-office notes and bounces too, oldest first."""
        answered = Q(answers__about_kind=kind, answers__about_id=record_id)
        return self.filter(answered | Q(taken_kind=kind, taken_id=record_id)).order_by("id")


class InboundMail(models.Model):
    """A mail as it came. The bytes are on disk and this row committed before the mailbox is told anything.

    Parsing comes after, guarded: what cannot be parsed stays here as 要確認 and stops nothing.
    """

    STATES = [("new", "未処理"), ("taken", "処理済み"), ("attention", "要確認")]
    SORTS = [
        ("", "未振り分け"),
        ("desk", "相談"),
        ("call", "申込"),
        ("other", "その他"),
        ("auto", "自動応答・不達通知"),
    ]
    MACHINES = [("", "人"), ("bounce", "不達通知"), ("auto", "自動応答"), ("list", "一斉配信")]

    sha256 = models.CharField(max_length=64, unique=True)  # the same bytes twice are one mail
    original = models.ForeignKey(Attachment, models.PROTECT, related_name="+")  # the bytes, as an .eml file
    source = models.CharField(max_length=200)
    received_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    parsed_at = models.DateTimeField(null=True)
    tries = models.PositiveSmallIntegerField(default=0)  # times reading it was begun: one that kills us ends as 要確認
    state = models.CharField(max_length=10, choices=STATES, default="new")
    problem = models.TextField(blank=True)  # why a person has to look, in Japanese
    machine = models.CharField(max_length=10, choices=MACHINES, blank=True)

    sender = models.CharField(max_length=320, blank=True)
    sender_name = models.CharField(max_length=300, blank=True)
    recipients = models.TextField(blank=True)  # addresses of To, Cc and Delivered-To, one a line
    subject = models.CharField(max_length=500, blank=True)
    text = models.TextField(blank=True)
    reply_text = models.TextField(blank=True)  # without what it quotes
    message_id = models.CharField(max_length=998, blank=True)
    in_reply_to = models.CharField(max_length=998, blank=True)
    references = models.TextField(blank=True)
    attachment_names = models.TextField(blank=True)  # one a line

    answers = models.ForeignKey(OutboundMail, models.PROTECT, null=True, related_name="replies")
    taken_at = models.DateTimeField(null=True)
    taken_kind = models.CharField(max_length=40, blank=True)
    taken_id = models.BigIntegerField(null=True)

    # Sorting of the one mailbox (kyoten.post.sorting)
    sort = models.CharField(max_length=5, choices=SORTS, blank=True, default="", db_default="")
    operator_id = models.BigIntegerField(null=True)  # the body whose desk it was written to; None: the organiser's
    body_digest = models.CharField(max_length=64, blank=True, default="", db_default="")  # of its words and files
    double_of = models.ForeignKey("self", models.PROTECT, null=True, related_name="doubles")
    locked = models.BooleanField(default=False, db_default=False)  # a locked zip is enclosed (kyoten.post.locked)

    objects = InboundQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["id"], name="inbound_unparsed", condition=Q(parsed_at=None)),
            models.Index(fields=["state", "id"], name="inbound_by_state"),
            models.Index(fields=["taken_kind", "taken_id"], name="inbound_taken"),
            models.Index(fields=["state", "id"], name="inbound_unsorted", condition=Q(sort="")),
            models.Index(fields=["sort", "state", "id"], name="inbound_by_sort"),
        ]

    def __str__(self) -> str:
        return f"{self.sender} {self.subject}"

    @property
    def raw(self) -> bytes:
        return self.original.read()

    @property
    def about(self) -> tuple[str, int] | None:
        """(kind, id) of the record our mail was about that this one answers."""
        return self.answers.about if self.answers else None

    @property
    def from_our_recipient(self) -> bool:
        """Whether the From address is the one we wrote to. From is a claim, so this grants nothing; show it."""
        return bool(self.answers) and self.sender.casefold() == self.answers.to.casefold()


class MailId(models.Model):
    """The Message-IDs a mail bears and names, as digests: threads and doubles are found without reading every mail."""

    mail = models.ForeignKey(InboundMail, models.CASCADE, related_name="ids")
    digest = models.CharField(max_length=40)
    own = models.BooleanField()  # its own id; otherwise one it answers or refers to

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["digest", "own"], name="mail_id_digest")]


class ForgottenMail(models.Model):
    """消去したメール: the digest of its bytes and nothing else, so that a mailbox that still has it does not bring it back."""

    sha256 = models.CharField(max_length=64, unique=True)
    deleted_at = models.DateTimeField()

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return self.sha256[:12]


class MailboxState(models.Model):
    """How far one folder has been fetched. Nothing is ever marked or deleted on the server."""

    source = models.CharField(max_length=200, unique=True)
    uidvalidity = models.BigIntegerField(default=0)
    last_uid = models.BigIntegerField(default=0)
    problem = models.TextField(blank=True)  # what the last fetch ran into
    fetched_at = models.DateTimeField(null=True)
    on_server = models.PositiveIntegerField(null=True)  # mails in the folder at the last look
    waiting = models.PositiveIntegerField(default=0, db_default=0)  # of these, not yet fetched then
    failing_uid = models.BigIntegerField(default=0, db_default=0)  # a mail the server did not hand over
    failures = models.PositiveIntegerField(default=0, db_default=0)  # how often in a row

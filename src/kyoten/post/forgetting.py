"""Mails that were deleted for good: what stays is that these bytes were here once."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from datetime import datetime

from kyoten.post.models import ForgottenMail, InboundMail


def forget(mails: Collection[int], at: datetime) -> None:
    """Delete these rows, in the transaction of the act. Who refers to them is the caller's to settle before."""
    rows = InboundMail.objects.filter(pk__in=mails)
    ForgottenMail.objects.bulk_create(
        [ForgottenMail(sha256=digest, deleted_at=at) for digest in rows.values_list("sha256", flat=True)],
        ignore_conflicts=True,
    )
    InboundMail.objects.filter(double_of__in=mails).update(double_of=None)
    rows.delete()


def is_forgotten(raw: bytes) -> bool:
    return ForgottenMail.objects.filter(sha256=hashlib.sha256(raw).hexdigest()).exists()

"""What belongs to the platform itself: the demo's clock, and input kept when a session ended."""

from __future__ import annotations

import json

from django.conf import settings
from django.db import models


class DemoClock(models.Model):
    """How far the demo world runs behind real time. One row, only in demo mode."""

    shift = models.DurationField("ずれ")


class Rescued(models.Model):
    """What a person had typed when the session or the form's token had run out. Shown after the next login."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    path = models.CharField("画面", max_length=500)  # with its query string
    data = models.TextField("入力内容")  # the POST body as JSON: a list of [name, value]
    files = models.TextField("添付できなかったファイル", blank=True)  # one name a line; the bytes are not kept
    saved_at = models.DateTimeField("保管日時")  # real time, like the session's end
    sent_at = models.DateTimeField("再送信日時", null=True, blank=True)

    class Meta:
        ordering = ["-pk"]

    @property
    def pairs(self) -> list[tuple[str, str]]:
        return [(name, value) for name, value in json.loads(self.data)]


class Counted(models.Model):
    """The table of Django's cache, written by it alone: wrong codes and codes already used, of all processes together."""

    cache_key = models.CharField(max_length=255, primary_key=True)
    value = models.TextField()
    expires = models.DateTimeField(db_index=True)

    class Meta:
        ordering = ["cache_key"]

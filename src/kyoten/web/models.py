"""What belongs to the platform itself: the demo's clock, and input kept when a session ended."""

from django.conf import settings
from django.db import models


class DemoClock(models.Model):
    """How far the demo world runs behind real time. One row, only in demo mode."""

    shift = models.DurationField("ずれ")


class Rescued(models.Model):
    """What a person had typed when the session or the form's token had run out. Shown after the next login."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE)
    path = models.CharField("画面", max_length=500)
    data = models.TextField("入力内容")  # the POST body as JSON: a list of [name, value]
    saved_at = models.DateTimeField("保存日時", auto_now_add=True)

    class Meta:
        ordering = ["-pk"]

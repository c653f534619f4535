"""Addresses of our own pages as they stand in a mail."""

from django.conf import settings
from django.urls import reverse


def link(name: str, *args: object) -> str:
    return settings.BASE_URL.rstrip("/") + reverse(name, args=args)

"""The accounts the demo offers on the login page."""

from __future__ import annotations

from django import template
from django.conf import settings

from kyoten.web import demo

register = template.Library()


@register.simple_tag
def demo_accounts() -> list[dict[str, str]]:
    """username, name, section, organisation of each; none outside the demo."""
    return demo.accounts() if settings.DEMO else []

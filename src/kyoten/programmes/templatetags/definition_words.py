"""Values of a definition in words, for templates: {{ rule.step|say:"step" }} → とりまとめ."""

from __future__ import annotations

from typing import Any

from django import template

from kyoten.rules import differences

register = template.Library()


@register.filter
def say(value: Any, key: str) -> str:
    """The words of differences.say, without the quotes it sets around texts."""
    return differences.say(key, value).removeprefix("「").removesuffix("」")


@register.filter
def source(value: str) -> str:
    """Where a rule comes from; 「ours」 is said plainly."""
    return "文書に定めなし（運用で定めた）" if value == "ours" else value

"""Values of a definition in words, for templates: {{ rule.step|say:"step" }} → とりまとめ."""

from __future__ import annotations

from typing import Any

from django import template

from kyoten.rules import differences
from kyoten.rules.definition import Definition

register = template.Library()
WORDS = {"×stop": "×必須", "×warn": "×留意", "apply": "申込", "bundle": "とりまとめ", "screening": "選定"}


@register.filter
def say(value: Any, key: str) -> str:
    """The words of differences.say, without the quotes it sets around texts."""
    return differences.say(key, value).removeprefix("「").removesuffix("」")


@register.filter
def with_names(said: str, definition: Definition) -> str:
    """What a case says of the rules, in words: `hub_led ×stop` → 拠点中心の取組 ×必須."""
    names = {rule.id: rule.name for rule in definition.call.rules} if definition.call else {}
    return " ".join(names.get(word) or WORDS.get(word, word) for word in said.split(" "))


@register.filter
def source(value: str) -> str:
    """Where a rule comes from; 「ours」 is said plainly."""
    return "文書に定めなし（運用で定めた）" if value == "ours" else value

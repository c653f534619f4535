"""The definitions that come with the software, published where an instance does not have them yet."""

from __future__ import annotations

from datetime import datetime
from importlib.resources import files

from kyoten.organisations.models import Seat
from kyoten.programmes.actions import publish
from kyoten.programmes.models import Programme
from kyoten.rules.reading import parse

EXAMPLES = ("chiba-hub-soudan",)  # a hub's own desk to start from: a real instance publishes its own


def publish_all(*, by: Seat | None, at: datetime, examples: bool = False) -> list[Programme]:
    """Publish each shipped definition that has no revision here. What an instance has published itself stays."""
    known = set(Programme.objects.values_list("slug", flat=True)) | set(() if examples else EXAMPLES)
    return [publish(text, by=by, at=at, cases=cases) for slug, text, cases in shipped() if slug not in known]


def shipped() -> list[tuple[str, str, str]]:
    """(id, text, text of its cases) of every definition file."""
    folder = files("kyoten.definitions")
    found = []
    for file in sorted(folder.iterdir(), key=lambda each: each.name):
        if file.name.endswith(".toml") and not file.name.endswith(".cases.toml"):
            text = file.read_text("utf-8")
            cases = folder / file.name.replace(".toml", ".cases.toml")
            found.append((parse(text, file.name).id, text, cases.read_text("utf-8") if cases.is_file() else ""))
    return found

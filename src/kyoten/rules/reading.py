"""From the text of a definition file to a Definition, or to a list of what is wrong with it."""

from __future__ import annotations

import tomllib
from functools import lru_cache
from importlib.resources import files
from pathlib import Path

from kyoten.rules.definition import Definition


def parse(text: str, file: str = "定義ファイル") -> Definition:
    """The definition a TOML text says. `file` is the name shown in errors."""
    return Definition.model_validate(tomllib.loads(text))


def load(path: Path) -> Definition:
    return parse(path.read_text("utf-8"), path.name)


def shipped_text(slug: str) -> str:
    """The text of a definition that comes with Kyoten. KeyError if there is none of that id."""
    found = files("kyoten.definitions").joinpath(f"{slug}.toml")
    if not found.is_file():
        raise KeyError(slug)
    return found.read_text("utf-8")


@lru_cache(maxsize=32)
def shipped(slug: str) -> Definition:
    """A definition that comes with Kyoten, by its id (r7-zaitaku)."""
    return parse(shipped_text(slug), f"{slug}.toml")

"""From the text of a definition file to a Definition, or to a list of what is wrong with it."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from pathlib import Path as FilePath
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from kyoten.rules import checks, faults
from kyoten.rules.checks import Fault
from kyoten.rules.definition import Definition
from kyoten.rules.places import line_at, lines_of, words

Model = TypeVar("Model", bound=BaseModel)

MAX_SIZE = 1_000_000  # characters; the longest call of a year is a hundredth of it (ours)


@dataclass(frozen=True)
class Problem:
    """One reason why a file is refused, for the person who wrote it."""

    file: str
    line: int | None
    place: str
    reason: str
    advice: str
    written: str = ""  # the line as it stands in the file

    def __str__(self) -> str:
        where = f"{self.file}" + (f" {self.line}行目" if self.line else "") + (f" {self.place}" if self.place else "")
        return f"{where}: {self.reason}。{self.advice}。"


class Invalid(Exception):
    """A definition file that cannot be used. str() lists every problem, one a line."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


def parse(text: str, file: str = "定義ファイル") -> Definition:
    """The definition a TOML text says; Invalid with everything that is wrong. `file` is the name shown in errors."""
    raw = read_toml(text, file)
    definition = validated(Definition, text, raw, file)
    if found := checks.check(definition, raw):
        raise _invalid(text, file, raw, found)
    return definition


def validated(model: type[Model], text: str, raw: Any, file: str) -> Model:
    """TOML data that fits a schema; Invalid if it does not. `text` is where the data came from, for its line numbers."""
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        raise _invalid(text, file, raw, faults.from_pydantic(error, raw, model)) from None


def load(path: FilePath) -> Definition:
    return parse(decode(path.read_bytes(), path.name), path.name)


def decode(data: bytes, file: str) -> str:
    """The text of a file as an officer saves it: UTF-8, with or without BOM."""
    try:
        return data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError:
        problem = Problem(file, None, "", "文字コードが UTF-8 ではありません", "UTF-8 で保存し直してください")
        raise Invalid([problem]) from None


def read_toml(text: str, file: str) -> dict[str, Any]:
    if len(text) > MAX_SIZE:
        reason = f"ファイルが大きすぎます（{len(text):,}文字）"
        raise Invalid([Problem(file, None, "", reason, f"{MAX_SIZE:,}文字までにしてください")])
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise Invalid([_syntax(file, text, str(error))]) from None


def _syntax(file: str, text: str, message: str) -> Problem:
    """TOML の書き方の誤り, with the line it was noticed on."""
    found = re.search(r"\(at (?:line (\d+), column (\d+)|end of document)\)", message)
    line = int(found[1]) if found and found[1] else text.count("\n") + 1 if found else None
    written = text.split("\n")[line - 1].strip()[:60] if line else ""
    reason = f"TOML の書き方の誤りです（{faults.toml_reason(message)}）"
    advice = (
        f"「{written}」とその前の行を確かめてください"
        if written
        else "ファイルの終わりまでの括弧と引用符を確かめてください"
    )
    return Problem(file, line, "", reason, advice, written)


def _invalid(text: str, file: str, raw: Any, found: Iterable[Fault]) -> Invalid:
    lines, rows = lines_of(text), text.split("\n")
    problems = []
    for fault in found:
        line = line_at(lines, fault.path)
        written = rows[line - 1].strip()[:120] if line else ""
        problems.append(Problem(file, line, words(raw, fault.path), fault.reason, fault.advice, written))
    return Invalid(problems)


# ---- the definitions that come with Kyoten ----------------------------------------------------


def shipped_slugs() -> list[str]:
    """The ids of the definitions that come with Kyoten."""
    names = (file.name for file in files("kyoten.definitions").iterdir())
    return sorted(name.removesuffix(".toml") for name in names if name.endswith(".toml") and ".cases." not in name)


def shipped_text(slug: str) -> str:
    """The text of a definition that comes with Kyoten (its cases: "r7-zaitaku.cases"). KeyError if there is none."""
    found = files("kyoten.definitions").joinpath(f"{slug}.toml")
    if not re.fullmatch(r"[a-z0-9-]+(\.cases)?", slug) or not found.is_file():
        raise KeyError(slug)
    return found.read_text("utf-8")


@lru_cache(maxsize=32)
def shipped(slug: str) -> Definition:
    """A definition that comes with Kyoten, by its id (r7-zaitaku). KeyError if there is none."""
    return parse(shipped_text(slug), f"{slug}.toml")

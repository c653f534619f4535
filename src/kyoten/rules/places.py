"""Where something stands in a TOML file: the line of each key, and a place in words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from kyoten.rules.schema import Path

_HEADER = re.compile(r"\s*(\[\[?)\s*([A-Za-z0-9_.\- ]+?)\s*\]\]?\s*(?:#.*)?$")
_KEY = re.compile(r"\s*([A-Za-z0-9_-]+)\s*=")
_LONG = re.compile(r'"""|\'\'\'')


def lines_of(text: str) -> dict[Path, int]:
    """The line (from 1) of every table and of every key that opens a line."""
    found: dict[Path, int] = {}
    counts: dict[Path, int] = {}
    table: Path = ()
    inside = ""  # the quotes of a text over several lines
    for number, line in enumerate(text.split("\n"), 1):
        if inside:
            inside = "" if inside in line else inside
            continue
        if header := _HEADER.match(line):
            table = _table(header[2].split("."), header[1] == "[[", counts)
            found[table] = number
        elif key := _KEY.match(line):
            found[(*table, key[1])] = number
        quotes = _LONG.findall(line)
        inside = quotes[-1] if len(quotes) % 2 else ""
    return found


def _table(names: list[str], is_list: bool, counts: dict[Path, int]) -> Path:
    path: Path = ()
    for depth, name in enumerate(names, 1):
        path = (*path, name.strip())
        if depth == len(names) and is_list:
            counts[path] = counts.get(path, -1) + 1
        if path in counts:
            path = (*path, counts[path])
    return path


def line_at(lines: Mapping[Path, int], path: Path) -> int | None:
    """The line of a path, or of the nearest thing around it that opens a line."""
    while path and path not in lines:
        path = path[:-1]
    return lines.get(path)


def words(data: Any, path: Path) -> str:
    """「call.rules の4番目（headcount）の min」"""
    said = ""
    for part in path:
        data = data[part] if _holds(data, part) else None
        if isinstance(part, int):
            name = data.get("id") if isinstance(data, Mapping) else None
            said += f" の{part + 1}番目" + (f"（{name}）" if isinstance(name, str) else "")
        else:
            joint = "" if not said else " の " if said.endswith(("番目", "）")) else "."
            said += f"{joint}{part}"
    return said


def _holds(data: Any, part: str | int) -> bool:
    if isinstance(part, int):
        return isinstance(data, list) and part < len(data)
    return isinstance(data, Mapping) and part in data

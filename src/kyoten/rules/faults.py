"""What pydantic and tomllib say, said to the author of a definition file in Japanese."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from kyoten.rules.checks import Fault
from kyoten.rules.schema import Path, key_at, kind_of, table_at, tables_in

_TOML = {
    "Expected '=' after a key": "キーの後に = がありません",
    "Invalid value": '値の書き方が違います。文字は " " で囲みます',
    "Invalid statement": "行の始まりが読めません",
    "Unclosed array": "[ ] が閉じていません",
    "Unclosed inline table": "{ } が閉じていません",
    "Cannot overwrite a value": "同じキーが二度書かれています",
    "Duplicate inline table key": "同じキーが二度書かれています",
    "Cannot declare": "同じ表が二度書かれています",
    "Cannot mutate immutable namespace": "同じ表が二か所に書かれています",
    "Expected newline or end of document": "値の後に余分な文字があります",
    "Illegal character": "使えない文字があります。文字の囲みが閉じているか、全角の記号でないかを確かめてください",
    "Unterminated string": '文字の囲み " が閉じていません',
    'Expected \'"""\'': '""" が閉じていません',
    "Invalid date or datetime": "ない日付か時刻です",
    "Expected ']": "見出しの ] がありません",
    "Invalid initial character for a key part": "キーは半角の英小文字で書きます",
    "maximum recursion": "括弧の入れ子が深すぎます",
}


def toml_reason(message: str) -> str:
    return next((said for start, said in _TOML.items() if message.startswith(start)), message)


def from_pydantic(error: ValidationError, raw: Any, root: type[BaseModel]) -> tuple[Fault, ...]:
    """Every error of a validation, with its path in the file."""
    return tuple(_fault(each, raw, root) for each in error.errors(include_url=False))


def _fault(error: ErrorDetails, raw: Any, root: type[BaseModel]) -> Fault:
    path = _path(error["loc"], raw, is_tag=error["type"].startswith("union_tag"))
    reason, advice = _SAY.get(error["type"], _otherwise)(error, path, raw, root)
    return Fault(path, reason, advice)


def _path(loc: Path, raw: Any, is_tag: bool) -> Path:
    """pydantic's location without the tags of unions, which stand in no file."""
    path: list[str | int] = []
    data, entered = raw, False
    for depth, part in enumerate(loc):
        last = depth == len(loc) - 1 and not is_tag
        if not entered and not last and isinstance(data, Mapping) and data.get("kind") == part:
            entered = True
            continue
        path.append(part)
        data, entered = _into(data, part), False
    return tuple(path)


def _into(data: Any, part: str | int) -> Any:
    try:
        return data[part]
    except (KeyError, IndexError, TypeError):
        return None


def _quoted(values: Iterable[str]) -> str:
    return "、".join(f'"{value}"' for value in values)


def _suggest(word: str, known: Iterable[str]) -> str:
    """「もしかして」, or everything there is."""
    known = list(known)
    near = get_close_matches(word, known, 1, 0.6)
    return f'もしかして "{near[0]}" ですか' if near else f"使えるのは {_quoted(known)} です"


Say = Callable[[ErrorDetails, Path, Any, type[BaseModel]], tuple[str, str]]


def _missing(error: ErrorDetails, path: Path, raw: Any, root: type[BaseModel]) -> tuple[str, str]:
    key = key_at(root, raw, path)
    return f'"{path[-1]}" がありません', f"{path[-1]} を書いてください（{(key and key.description) or '必須'}）"


def _unknown(error: ErrorDetails, path: Path, raw: Any, root: type[BaseModel]) -> tuple[str, str]:
    table = table_at(root, raw, path[:-1])
    return f'"{path[-1]}" というキーはありません', _suggest(str(path[-1]), table.model_fields if table else ())


def _no_such_kind(error: ErrorDetails, path: Path, raw: Any, root: type[BaseModel]) -> tuple[str, str]:
    key = key_at(root, raw, path)
    kinds = [kind for table in tables_in(key.annotation) if (kind := kind_of(table))] if key else []
    if error["type"] == "union_tag_not_found":
        return '"kind" がありません', f"kind を書いてください。使えるのは {_quoted(kinds)} です"
    tag = str(error.get("ctx", {}).get("tag"))
    return f'kind = "{tag}" という種類はありません', _suggest(tag, kinds)


def _no_such_word(error: ErrorDetails, path: Path, raw: Any, root: type[BaseModel]) -> tuple[str, str]:
    expected = str(error.get("ctx", {}).get("expected", "")).replace("'", "").replace(" or ", ", ").split(", ")
    return f'"{error["input"]}" は使えません', _suggest(str(error["input"]), expected)


def _own(error: ErrorDetails, path: Path, raw: Any, root: type[BaseModel]) -> tuple[str, str]:
    said = str(error.get("ctx", {}).get("error", ""))
    return f"書き方が違います（今は {_shown(error['input'])}）", said


def _type(what: str) -> Say:
    def say(error: ErrorDetails, path: Path, raw: Any, root: type[BaseModel]) -> tuple[str, str]:
        return f"書き方が違います（今は {_shown(error['input'])}）", f"{what}を書いてください"

    return say


def _limit(word: str) -> Say:
    def say(error: ErrorDetails, path: Path, raw: Any, root: type[BaseModel]) -> tuple[str, str]:
        bound = next(iter(error.get("ctx", {}).values()), "")
        return f"値が範囲の外です（今は {_shown(error['input'])}）", f"{bound}{word}にしてください"

    return say


def _empty(error: ErrorDetails, path: Path, raw: Any, root: type[BaseModel]) -> tuple[str, str]:
    least = error.get("ctx", {}).get("min_length", 1)
    return "空か、足りません", f"{least}つ以上書いてください。要らなければキーごと消してください"


def _pattern(error: ErrorDetails, path: Path, raw: Any, root: type[BaseModel]) -> tuple[str, str]:
    return (
        f"名前の付け方が違います（今は {_shown(error['input'])}）",
        "半角の英小文字で始め、英小文字・数字・_ で書いてください（事業の id だけは _ の代わりに -）",
    )


def _otherwise(error: ErrorDetails, path: Path, raw: Any, root: type[BaseModel]) -> tuple[str, str]:
    return f"読めません（{error['msg']}）", "docs/definitions.md の書き方と比べてください"


def _shown(value: Any) -> str:
    text = f'"{value}"' if isinstance(value, str) else str(value)
    return text if len(text) <= 40 else f"{text[:40]}…"


_SAY: dict[str, Say] = {
    "missing": _missing,
    "extra_forbidden": _unknown,
    "union_tag_invalid": _no_such_kind,
    "union_tag_not_found": _no_such_kind,
    "literal_error": _no_such_word,
    "value_error": _own,
    "string_type": _type('" " で囲んだ文字'),
    "int_type": _type("引用符の無い整数"),
    "bool_type": _type("true か false"),
    "tuple_type": _type("[ ] で囲んだ並び"),
    "model_type": _type("表（[…] の見出しか { }）"),
    "model_attributes_type": _type("表（[…] の見出しか { }）"),
    "too_short": _empty,
    "string_too_short": _empty,
    "string_pattern_mismatch": _pattern,
    "greater_than_equal": _limit("以上"),
    "less_than_equal": _limit("以下"),
}

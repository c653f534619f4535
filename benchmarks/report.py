"""The table that `./kyoten bench` prints: one row for each page, the databases side by side."""

from __future__ import annotations

from statistics import median
from unicodedata import east_asian_width

PLACES = (28, 10, 10, 33)  # width of the name, the promise, the queries, the times of one database


def report(results: list[dict]) -> str:
    first = results[0]
    lines = [
        "",
        f"{first['of']}、各画面 {first['runs']}回　{first['machine']}　"
        + "　".join(result["database"] for result in results),
        "ミリ秒。要求から応答まで（Django の全ミドルウェアを通し、ソケットとブラウザーを除く。一つのプロセス、一つのスレッド）。",
        "「うち計算」は、そのうち自分のプロセスの CPU 時間（中央値）。混んでいる機械では、残りの多くは順番待ち。",
        "",
        _line("", "目標", [(result["database"].split()[0], "  最小   中央   最大  うち計算") for result in results]),
    ]
    rows = zip(*(result["rows"] for result in results), strict=True)
    notes = [note for result in results for note in result.get("notes", ())]
    return "\n".join([*lines, *map(_row, rows), "", *notes, _verdict(results)])


def _row(row: tuple[dict, ...]) -> str:
    return _line(row[0]["name"], _promise(row[0]), [(f"{each['queries']}件", _times(each)) for each in row])


def _promise(row: dict) -> str:
    queries = f"{row['most_queries']}件 " if row["most_queries"] else ""
    return f"{queries}{row['limit']}" if row["limit"] else ""


def _times(row: dict) -> str:
    low, middle, high, own = min(row["times"]), median(row["times"]), max(row["times"]), median(row["own"])
    return f"{low:6.0f} {middle:6.0f} {high:6.0f} {own:9.0f}{'' if _kept(row) else ' ×'}"


def _kept(row: dict) -> bool:
    """Within what is promised? (the median, and the queries)"""
    fast = not row["limit"] or median(row["times"]) <= row["limit"]
    return fast and (not row["most_queries"] or row["queries"] <= row["most_queries"])


def _verdict(results: list[dict]) -> str:
    missed = [(result["database"], row["name"]) for result in results for row in result["rows"] if not _kept(row)]
    if not missed:
        return "すべて目標の中です。"
    return "\n".join(["× 目標に届かないもの", *(f"  {database}　{name}" for database, name in missed)])


def _line(name: str, promise: str, cells: list[tuple[str, str]]) -> str:
    found = [_padded(name, PLACES[0]), _padded(promise, PLACES[1])]
    for queries, times in cells:
        found += [_padded(queries, PLACES[2]), _padded(times, PLACES[3])]
    return "  ".join(found).rstrip()


def _padded(text: str, width: int) -> str:
    """To a width in which a Japanese character counts two."""
    return text + " " * (width - sum(2 if east_asian_width(letter) in "WF" else 1 for letter in text))

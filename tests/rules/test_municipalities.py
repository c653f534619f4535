"""The shipped list of prefectures and municipalities: complete, and every code carries its check digit."""

import csv
from collections import Counter
from pathlib import Path

import pytest

DATA = Path(__file__).resolve().parents[2] / "src/kyoten/organisations/data"


def rows(name: str) -> list[dict[str, str]]:
    with (DATA / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def prefectures():
    return rows("prefectures.csv")


@pytest.fixture(scope="module")
def municipalities():
    return rows("municipalities.csv")


def has_check_digit(code: str) -> bool:
    """The sixth digit is the last digit of 11 - (weighted sum modulo 11)."""
    total = sum(int(digit) * weight for digit, weight in zip(code[:5], (6, 5, 4, 3, 2), strict=True))
    return code[5] == str(11 - total % 11)[-1]


def test_there_are_47_prefectures_and_1741_municipalities(prefectures, municipalities):
    assert len(prefectures) == 47
    kinds = Counter(row["name"][-1] for row in municipalities)
    assert kinds == {"市": 792, "町": 743, "村": 183, "区": 23}


def test_every_code_is_its_own_sorted_and_checked(prefectures, municipalities):
    for table in (prefectures, municipalities):
        codes = [row["code"] for row in table]
        assert codes == sorted(set(codes))
        assert [code for code in codes if len(code) != 6 or not has_check_digit(code)] == []


def test_every_municipality_lies_in_the_prefecture_its_code_names(prefectures, municipalities):
    known = {row["code"] for row in prefectures}
    assert [row for row in municipalities if row["prefecture"] not in known] == []
    assert [row for row in municipalities if row["prefecture"][:2] != row["code"][:2]] == []


def test_names_are_bare_and_kana_is_full_width_katakana(municipalities):
    def katakana(text: str) -> bool:
        return all("ァ" <= letter <= "ヴ" or letter == "ー" for letter in text)

    assert [row for row in municipalities if not katakana(row["kana"])] == []
    assert [row["name"] for row in municipalities if row["name"].endswith("区") and row["code"][:2] != "13"] == []
    in_district = [row["name"] for row in municipalities if "郡" in row["name"]]
    assert in_district == ["郡山市", "郡上市", "蒲郡市", "上郡町", "大和郡山市", "小郡市"]


@pytest.mark.parametrize(
    ("code", "name", "kana", "prefecture"),
    [
        ("122076", "松戸市", "マツドシ", "120006"),
        ("122246", "鎌ケ谷市", "カマガヤシ", "120006"),
        ("011002", "札幌市", "サッポロシ", "010006"),
        ("131016", "千代田区", "チヨダク", "130001"),
        ("103446", "榛東村", "シントウムラ", "100005"),
        ("133817", "三宅村", "ミヤケムラ", "130001"),
        ("221309", "浜松市", "ハママツシ", "220001"),
        ("294021", "明日香村", "アスカムラ", "290009"),
        ("403440", "須恵町", "スエマチ", "400009"),
    ],
)
def test_known_municipalities(municipalities, code, name, kana, prefecture):
    assert {"code": code, "name": name, "kana": kana, "prefecture": prefecture} in municipalities


def test_chiba_has_54_municipalities(prefectures, municipalities):
    assert {"code": "120006", "name": "千葉県", "kana": "チバケン"} in prefectures
    assert sum(row["prefecture"] == "120006" for row in municipalities) == 54

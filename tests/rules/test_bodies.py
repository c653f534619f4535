"""団体名 that stand in no list: a kind of body with a name beside it is found, a kind alone is left alone."""

import tomllib
from pathlib import Path

import pytest

from kyoten.rules import bodies
from kyoten.rules.personal import BodyNames, find, mask

KNOWN = BodyNames(["松戸市"])
DEFINITIONS = Path(bodies.__file__).parents[1] / "definitions"


def found(text: str) -> list[str]:
    return [span.text for span in find(text, KNOWN) if span.kind == "body"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("主治医はあおば台内科クリニックです。", ["あおば台内科クリニック"]),
        ("高橋内科医院とスマイル歯科医院に紹介", ["高橋内科医院", "スマイル歯科医院"]),
        ("東京ベイ総合病院から転院", ["東京ベイ総合病院"]),
        ("松戸市立総合医療センター", ["松戸市立総合医療センター"]),
        ("サクラ薬局稲毛店の薬剤師", ["サクラ薬局稲毛店"]),
        ("ＡＢＣクリニックへ", ["ＡＢＣクリニック"]),
        ("八千代あおぞら地域包括支援センターから", ["八千代あおぞら地域包括支援センター"]),
        ("「木更津シルバーホーム」に入所中", ["木更津シルバーホーム"]),
        ("さくら苑とひばり荘", ["さくら苑", "ひばり荘"]),
        ("訪問看護ステーションひまわりの所長", ["訪問看護ステーションひまわり"]),
        ("居宅介護支援事業所こもれびの管理者", ["居宅介護支援事業所こもれび"]),
        ("特養さつきの里で看取りを", ["特養さつきの里"]),
        ("グループホーム「なごみ」の職員", ["グループホーム「なごみ」"]),
        ("有料老人ホーム　ゆうゆう村", ["有料老人ホーム　ゆうゆう村"]),
        ("医療法人社団青嵐会の理事長", ["医療法人社団青嵐会"]),
        ("NPO法人ほほえみの会と株式会社まごころケア", ["NPO法人ほほえみの会", "株式会社まごころケア"]),
        ("松戸市から照会", ["松戸市"]),
    ],
)
def test_a_body_with_a_name_of_its_own_is_found(text, expected):
    assert found(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "在宅療養支援診療所は3か所", "後方支援病院と有床診療所", "二次医療圏の基幹病院の地域連携室", "休日夜間急患診療所の体制", "機能強化型訪問看護ステーション", "かかりつけ薬局、調剤薬局",
        "市内の病院・診療所・薬局に照会", "お近くの薬局", "看取りに取り組む病院", "往診できる診療所", "在宅医療・介護連携支援センター", "地域包括支援センターへの相談",
        "訪問看護ステーションと居宅介護支援事業所の連携", "訪問看護ステーション連絡協議会", "小規模多機能型居宅介護事業所の管理者", "特別養護老人ホームでの看取り", "グループホームにおける看取り", "デイサービスなどの利用",
        "老健への入所", "医療法人や社会福祉法人が運営する", "医療法人等の開設者", "株式会社の参入", "NPO法人などの団体", "Ａ病院からＢ診療所へ", "ホームページに掲載", "山荘と別荘", "夜間対応型訪問介護事業所", "○○（団体名）クリニック",
    ],
)  # fmt: skip
def test_a_kind_of_body_alone_is_nobodys_name(text):
    assert found(text) == []


def test_bodies_are_looked_for_only_where_it_is_asked():
    assert find("あおば台内科クリニック") == ()


def test_what_is_covered_holds_no_body_more():
    text = "みどり薬局と訪問看護ステーションそらの連携"
    covered = mask(text, find(text, KNOWN))
    assert covered == "○○（団体名）と○○（団体名）の連携"
    assert found(covered) == []


def test_the_prose_of_the_desks_names_no_body():
    data = tomllib.loads((DEFINITIONS.parent / "web/data/consultations.toml").read_text("utf-8"))
    texts = [row[key] for rows in data.values() for row in rows for key in ("subject", "text", "answer") if key in row]
    texts += [path.read_text("utf-8") for path in sorted(DEFINITIONS.glob("*soudan.toml"))]
    assert [hit for text in texts for hit in found(text) if hit != "松戸市"] == []

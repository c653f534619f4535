"""個人が分かる記載: what points at a person is found, what official prose is full of is left alone."""

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kyoten.rules import personal
from kyoten.rules.personal import BodyNames, Span, find, find_words, mask, my_number, plain

DEFINITIONS = Path(personal.__file__).parents[1] / "definitions"


def found(text: str) -> list[tuple[str, str]]:
    return [(span.kind, span.text) for span in find(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("鈴木さんの件", [("name", "鈴木")]),
        ("利用者山田太郎様より", [("name", "山田太郎")]),
        ("髙橋先生、𠮷田くん", [("name", "髙橋"), ("name", "𠮷田")]),
        ("高橋みどり様", [("name", "高橋みどり")]),
        ("山田　はなこさん", [("name", "山田　はなこ")]),
        ("スズキ様", [("name", "スズキ")]),
        ("患者の林様と東さん、森先生", [("name", "林"), ("name", "東"), ("name", "森")]),
        ("鈴木様方の離れ", [("name", "鈴木")]),
        ("佐藤医師と田中ケアマネに", [("name", "佐藤"), ("name", "田中")]),
        ("患者：佐藤 花子", [("name", "佐藤 花子")]),
        ("患者 高橋一郎（78歳・女性）", [("name", "高橋一郎"), ("age", "78歳")]),
        ("氏名：山下 結衣\n連絡先", [("name", "山下 結衣")]),
        ("２）氏名：山下　結衣", [("name", "山下　結衣")]),
        (
            "TEL 000-0000-0000 FAX：０００－１１１－１１１１",
            [("phone", "000-0000-0000"), ("fax", "０００－１１１－１１１１")],
        ),
        ("（000）111-1111へ", [("phone", "（000）111-1111")]),
        ("09000000000に", [("phone", "09000000000")]),
        ("ａ@city.example.jp まで", [("mail", "ａ@city.example.jp")]),
        ("〒000-0000 千葉県千葉市中央区市場町1-1", [("address", "〒000-0000 千葉県千葉市中央区市場町1-1")]),
        ("松戸市根本387番地の5に住む", [("address", "松戸市根本387番地の5")]),
        ("昭和15年3月2日生の方", [("birth", "昭和15年3月2日")]),
        ("生年月日：1940/3/2", [("birth", "1940/3/2")]),
        ("被保険者番号は００１２３４５６７８", [("number", "００１２３４５６７８")]),
        ("マイナンバーの控え 123456789018", [("number", "123456789018")]),
    ],
)
def test_what_points_at_a_person_is_found(text, expected):
    assert found(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "80歳以上の高齢者の80歳", "皆様", "関係者の皆さん", "担当者様", "千葉県知事様", "松戸市様", "柏市様", "同様に多様な様式第1号の様々な様子",
        "患者さんとご家族さん", "看護師さん、ケアマネさん、ヘルパーさん", "医政地発0331第3号", "日医発第 798 号", "令和7年6月25日", "2025年7月31日 R7-0001",
        "市町村3-4か所、10～15名程度、3～4回", "主治医の先生", "氏名：\n役職：", "たくさん", "連携している様子", "各市町村担当課長様", "長男さん",
        "木更津市と君津市", "A様とＢさん", "福島医師確保計画", "石川医師会", "千葉県医師会長", "北総病院の先生", "一様に", "各様の先生", "郡市区医師会長様", "昭和15年の制度", "別紙2-②のとおり", "昨年3月2日生活支援を",
    ],
)  # fmt: skip
def test_what_points_at_nobody_is_left_alone(text):
    assert found(text) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("患者の山田太郎が来週退院します。", ["山田太郎"]),
        ("利用者の鈴木の訪問診療について", ["鈴木"]),
        ("利用者の佐藤ハナについて", ["佐藤ハナ"]),
        ("入居者は高橋みどり、要介護3です。", ["高橋みどり"]),
        ("山田太郎（78歳）の退院", ["山田太郎", "78歳"]),
        ("山田（78歳）の退院", ["山田", "78歳"]),
        ("利用者山田太郎、78歳、男性", ["山田太郎", "78歳"]),
        ("五味川蓮太郎（82歳）", ["五味川蓮太郎", "82歳"]),
        ("佐原　みつ（90歳）", ["佐原　みつ", "90歳"]),
        ("山田太郎（男性、要介護2）", ["山田太郎"]),
        ("山田太郎 昭和15年3月2日生", ["山田太郎", "昭和15年3月2日"]),
        ("山田太郎（ヤマダ　タロウ）", ["山田太郎", "ヤマダ　タロウ"]),
        ("患者氏名：五味 蓮（ごみ れん）", ["五味 蓮", "ごみ れん"]),
        ("ヤマダ　タロウの件", ["ヤマダ　タロウ"]),
        ("スズキハナコより電話", ["スズキハナコ"]),
        ("フリガナ　ゴミカワ　レンタロウ", ["ゴミカワ　レンタロウ"]),
        ("氏名　山田太郎　生年月日 1940/3/2", ["山田太郎", "1940/3/2"]),
        ("【患者名】佐藤 花子", ["佐藤 花子"]),
        ("【利用者】田中一郎", ["田中一郎"]),
        ("対象者：中村キヨ", ["中村キヨ"]),
        ("キーパーソン：長女 佐藤花子", ["佐藤花子"]),
        ("主介護者は長男の健一です。", ["健一"]),
        ("妻の和子が同居", ["和子"]),
        ("主治医：小林正一", ["小林正一"]),
        ("田中和子の往診について、斎藤博之が確認", ["田中和子", "斎藤博之"]),
        ("林和子と原幸子", ["林和子", "原幸子"]),
        ("妻・節子が同居", ["節子"]),
        ("利用者のＫ．Ｓ様、T.M.さん", ["Ｋ．Ｓ", "T.M."]),
        ("グエン・ティ・ランさんの母", ["グエン・ティ・ラン"]),
        ("ひまわりの角田と申します。", ["角田"]),
        ("医療整備課鈴木と申します。", ["鈴木"]),
        ("ＡＤＬは自立。山田　花子、要介護３", ["山田　花子"]),
    ],
)
def test_a_name_without_an_honorific_is_found_where_something_gives_it_away(text, expected):
    assert [span.text for span in find(text)] == expected


@pytest.mark.parametrize(
    "text",
    [
        "患者の石川県内への転院", "患者の福島への転院", "利用者の千葉市内での生活", "患者の東病院への紹介", "利用者の小松病院の受診",
        "患者の森林浴", "高齢者（75歳）", "女性（80歳）", "母親（80歳）と長男（50歳）", "独居高齢者（85歳）", "認知症患者（80歳）の対応",
        "末期癌　男性（70歳）", "千葉市在住（80歳）", "要介護者（90歳）", "脳梗塞後遺症（78歳）", "在宅療養支援診療所（機能強化型）",
        "氏名　役職　職種", "氏名 所属 部署", "対象者：在宅医療に関わる皆様", "対象者：都道府県、拠点、医療機関等", "担当：在宅医療推進班", "担当 地域医療構想推進室",
        "主治医：かかりつけ医", "担当者：未定", "家族：同居", "患者：なし", "利用者 3名", "妻の実家", "母の介護", "長男の同居", "娘の家族", "夫の入院",
        "サトウキビの話", "スズキメソード", "ハラスメント研修", "イトウクリニックとタナカ　クリニック", "モリタリハビリ", "オンライン　カンファレンス",
        "石川和倉温泉", "山口県立総合医療センター", "高田馬場駅前", "福島第一原発", "川崎市立病院", "中野区医師会", "三浦半島", "松本市の大野病院", "千葉大学医学部",
        "上野動物園", "熊谷保健所", "市川市と松戸市", "宮崎県と山口県", "中島町", "田中電子工業", "小林製薬", "山田電機", "高橋内科医院", "佐藤病院の地域連携室",
        "鈴木内科クリニック", "利用者の長谷川病院への通院", "石川先生の病院（石川医院）"[8:], "令和7年8月頃（予定）", "平成30年（2018年）の改定", "会議（第1回、7月31日）", "東みよし町とオオタシの読み", "在宅看取り（令和6年度）",
        "多職種連携（男女共同参画）", "担当課長（男女）", "医療的ケア児（3歳）", "小児（5歳）", "新生児（0歳）", "東京都（23区）", "連携拠点（平成30年度）", "事業実施要綱（令和7年4月1日）",
        "看護師（男性、常勤）", "訪問介護（女性、希望）", "後期高齢者（75歳）", "患者の田村郡への紹介", "本人の希望", "本人は在宅希望", "利用者が増加", "患者の状態が不安定", "利用者の原則", "担当者会議", "担当 南部地区",
        "事務局と申します", "医療整備課と申します", "デイ・ショート・ヘルパーさん", "夫・妻・長男",
    ],
)  # fmt: skip
def test_places_bodies_and_office_words_are_no_names(text):
    assert [span.text for span in find(text) if span.kind == "name"] == []


def test_in_the_official_documents_and_the_demo_no_office_word_is_a_name():
    """The prose of the field: definitions, and the question and answers the demo shows (its people aside)."""
    data = tomllib.loads((DEFINITIONS.parent / "web/data/consultations.toml").read_text("utf-8"))
    people = {row["person"] for rows in data.values() for row in rows if "person" in row}
    texts = [row[key] for rows in data.values() for row in rows for key in ("subject", "text", "answer") if key in row]
    hits = {span.text for text in texts for span in find(text) if span.kind == "name"}
    assert {hit for hit in hits if not any(hit in name for name in people)} == set()


def texts_of(value: object) -> list[str]:
    if isinstance(value, dict):
        return [text for each in value.values() for text in texts_of(each)]
    if isinstance(value, list):
        return [text for each in value for text in texts_of(each)]
    return [value] if isinstance(value, str) else []


def test_in_the_wording_of_the_official_documents_only_the_contacts_are_found():
    hits = set()
    for path in DEFINITIONS.glob("*.toml"):
        hits |= {span.kind for text in texts_of(tomllib.loads(path.read_text("utf-8"))) for span in find(text)}
    assert hits == {"mail", "phone"}


def test_bodies_of_the_address_list_are_found_in_either_spelling():
    bodies = BodyNames(["鎌ケ谷市", "千葉県", "千葉市", "市"])
    assert [span.text for span in find("千葉県の鎌ヶ谷市と千葉市", bodies)] == ["千葉県", "鎌ヶ谷市", "千葉市"]


def test_words_somebody_named_are_found_in_either_width():
    assert [span.text for span in find_words("ABC病院とＡＢＣ病院", ["ABC病院", " "])] == ["ABC病院", "ＡＢＣ病院"]


def test_masking_says_what_was_there():
    text = "山田太郎様（80歳、電話000-0000-0000）"
    assert mask(text, find(text)) == "○○（氏名）様（○○（年齢）、電話○○（電話番号））"


def test_only_what_is_chosen_is_masked():
    text = "山田様と鈴木様"
    assert mask(text, find(text)[1:]) == "山田様と○○（氏名）様"


def test_the_check_digit_of_a_my_number():
    assert [my_number(digits) for digits in ("123456789018", "123456789019", "000000000000")] == [True, False, True]


PIECES = st.sampled_from(
    ["山田", "太郎", "様", "さん", "氏名：", "患者", "（", "）", " ", "　", "\n", "000-0000-0000", "０００", "-", "1", "昭和15年3月2日", "生", "80歳", "千葉県", "松戸市", "根本", "1-1", "番地",
     "a@b.example.jp", "〒000-0000", "の", "、", "：", "被保険者番号", "12345678", "○○", "（氏名）", "柿沼", "医師", "です", "所長", "妻", "（かしわばら）", "ハナ", "〇四七－〇〇〇－〇〇〇〇", "記号", "番号", "二丁目", "です。", "家の", "LINE ID", "S15.3.2", "（番号）", "（住所）", "FAX", "生年月日", "君", "ー", "はなこ", "先生", "@", "."]
)  # fmt: skip
TEXTS = st.one_of(st.lists(PIECES, max_size=14).map("".join), st.text(max_size=60))


@given(TEXTS)
def test_spans_lie_inside_the_text_and_apart(text):
    end = 0
    for span in find(text):
        assert end <= span.start < span.end <= len(text)
        assert text[span.start : span.end] == span.text
        end = span.end


@given(TEXTS)
def test_what_is_masked_holds_nothing_more_to_mask(text):
    masked = mask(text, find(text))
    assert find(masked) == ()
    assert mask(masked, find(masked)) == masked


@given(st.text(max_size=80))
def test_plain_keeps_every_character_in_its_place(text):
    assert len(plain(text)) == len(text)


def test_overlapping_spans_are_masked_once():
    text = "山田太郎様"
    assert mask(text, [Span(0, 4, "name", "山田太郎"), Span(2, 4, "name", "太郎")]) == "○○（氏名）様"

"""個人が分かる記載: finds what points at a person in Japanese text, and covers it.

A help for the eye, not a guarantee: a name without 様・さん, a label or another sign beside it (`rules.names`) cannot be
told from a word. So a person always looks, and may name further words to cover (`find_words`). What official papers are full of (dates,
document numbers, 80歳以上の高齢者, 各位, 担当者様) is left alone.

Everything is read through `plain`, which makes letters, digits and hyphens half-width one for one, so that places in
it are places in the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from kyoten.rules.bodies import in_text as bodies_in_text
from kyoten.rules.names import FAMILY, SHORT_SURNAMES, SURNAMES, in_running_text, reading_after
from kyoten.rules.text import same_words

Kind = Literal["name", "phone", "fax", "mail", "address", "birth", "age", "number", "body", "word"]
LABELS: dict[Kind, str] = {
    "name": "氏名",
    "phone": "電話番号",
    "fax": "FAX番号",
    "mail": "メールアドレス",
    "address": "住所",
    "birth": "生年月日",
    "age": "年齢",
    "number": "番号",
    "body": "団体名",
    "word": "個人情報",
}
COVER = "○○"
Place = tuple[int, int, Kind]


@dataclass(frozen=True, order=True)
class Span:
    """One find: text[start:end] of the text that was searched."""

    start: int
    end: int
    kind: Kind
    text: str

    @property
    def label(self) -> str:
        return LABELS[self.kind]


# ---- one width ----------------------------------------------------------------------------------

_WIDTHS = {chr(code): chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)}
_WIDTHS |= dict.fromkeys("‐‑‒–—―−－", "-") | {"　": " ", "\t": " "}
_WIDE = re.compile("[！-～‐-―−　\t]")


def plain(text: str) -> str:
    """The text with half-width letters, digits, hyphens and blanks; every character stays where it was."""
    return _WIDE.sub(lambda found: _WIDTHS.get(found[0], found[0]), text)


# ---- names --------------------------------------------------------------------------------------

_KANJI = "一-鿿㐀-䶿豈-﫿\U00020000-\U0002fa1f々〆ヶヵ"
_KANA = "ァ-ヴー"
_MORE = f"[{_KANJI}ノ]"  # 一ノ瀬
_HONORIFIC = re.compile(
    r"様(?![式子々相態])|さん(?!か[しすをの]|ぽ)|さま(?!ざま)|氏(?!名|族|神)|先生|くん(?!れん)|君(?![一-鿿])|ちゃん"
)
_BEFORE = re.compile(
    rf"(?:(?P<full>[{_KANJI}]{_MORE}{{0,3}}(?:[ ]?(?:[{_KANJI}]{_MORE}{{0,3}}|(?<=[ ])[ぁ-んァ-ヴー]{{2,6}}))?)|(?P<kana>(?:(?<![{_KANA}・])[{_KANA}]{{2,6}}[ ])?[{_KANA}]{{2,8}})"
    rf"|(?<![ぁ-ん])(?P<soft>[ぁ-ん]{{2,5}}))[ ]?$"
)
_FAMILY_BEFORE = re.compile(rf"[{_KANJI}]{_MORE}{{1,3}}[ ]?$")
_PARTS_BEFORE = re.compile(rf"(?<![{_KANA}])(?:[{_KANA}]{{1,10}}・)+$")
_KATAKANA = frozenset(map(chr, range(0x30A1, 0x30F5)))
_REACH = 24  # characters before an honorific that are looked at
_LONGEST = 17  # of these, as many as a name can have


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Words that stand before a name without being part of it.
_PREFIX = re.compile(
    "^(?:利用者|入居者|入所者|入院患者|患者|相談者|対象者|被保険者|療養者|担当|主治医|医師|看護師|保健師|薬剤師|家族|長男|次男|三男|長女|次女"
    "|三女|夫|妻|父|母|祖父|祖母|故|同居|独居|当該|在住|例|市内|町内|区内|県内|代表|会長|座長|委員|講師|室長|課長|部長|係長|院長|所長)[ ]?"
)
# What is called 様 or さん without being anybody's name.
_NOBODY = _words(
    "皆 皆々 各 何 誰 神 仏 客 御客 王 奥 旦那 娘 息子 孫 嫁 姉 兄 弟 妹 父 母 親 両親 祖父 祖母 叔父 叔母 伯父 伯母 家族 御家族 本人 御本人 主人 御主人"
    " 夫 妻 夫婦 子 赤 爺 婆 長男 次男 三男 四男 長女 次女 三女 同 両 貴 諸 某 隣 他 別 多 一 模 仕 異 有 今 左 右 上 下 大家 職人 大工 業者 先方 相手"
    " 方 人 主治医 在宅医 往診医 嘱託医 専門医 校医 産業医 医 担当 代表 教授 准教授 主任 主査 主事 主幹 副主幹 補佐 参事 技監 次長 知事 大臣 事務 関係 窓口"
    " 受付 地域 包括 訪問 外来 病棟 連携 家 同居 独居 奥方 仲間 友人 知人 近所 なし 無し 未定 不明 同上 別紙 別添 匿名 非公開 該当 身内 親族 親戚 後見 恩 訪看 居宅 薬局 生徒 学生 学校 新患 再来"
)
_ROLE = re.compile(
    r"(?:[者師員省庁局課係団社院会店]|[^ ]{2}[室部]|役所|事業所|保健所|診療所|事務所|支所|出張所|相談所|研究所|療養所"
    r"|福祉士|衛生士|療法士|栄養士|弁護士|税理士|行政書士|司法書士|介護士|言語士"
    r"|[市区町村県都府道]長|知事|[課部局室係所院会社園校班団議隊座首館次]長|理事長|施設長|事務長|管理者|責任者|組合|法人|団体|機関|施設|病院|医院|薬局"
    r"|都道府県|市区町村|市町村|各[市区町村県位課部]|[^ ]{2,}[市区町村県]|北海道|東京都|京都府|大阪府|家族|本人|主人|[一-鿿]医|担当|大臣|代表|窓口|同[市県町村]|[当本貴]市)$"
)
_CITY = re.compile(r"[一-鿿]市$")
_CITY_NAMES = _words("古市 高市 今市 武市 門市 一市")  # surnames that end like a city
_THINGS = re.compile(
    r"ー$|ケアマネ|ヘルパ|スタッフ|ナース|ドクタ|ユーザ|メンバ|センタ|クリニック|ステーション|ワーカ|リーダ|マネ|コーディネ|アドバイザ|グループ|ホーム"
    r"|サービス|チーム|ボランティア|モニタ|オーナ|デイ|ショート|リハ|スピーカ|ゲスト|パート|ベテラン|オブザーバ|タク|トラック|コーナ|ペット|ネコ|イヌ"
)
_SOFT_WORDS = re.compile(
    r"^(?:たく|みな|おく|おかあ|おとう|おにい|おねえ|おじ|おば|おじい|おばあ|おこ|むすこ|むすめ|まご|あか|ちい|ごしゅじん|おきゃく|かんじゃ|ごかぞく|ごほんにん"
    r"|どなた|いろいろ|よう|さま|おや|おやご|ぞう|うさぎ|くま|やく|とう|のお|からお|でお|にお|をお|もお|がお)"
    r"|[はがをにでとのもやへ]$|(?:です|ます|した|して|いる|ある|ない|から|まで|より|など|ので|けど)"
)
_SURNAME_KANA = re.compile(rf"(?:{'|'.join(sorted(SURNAMES, key=len, reverse=True))})[ぁ-ん]{{2,4}}$")
_LABEL = re.compile("氏[ ]?名|名前|ガナ|がな|患者|利用者|入居者|本人")
_LABELLED = re.compile(
    rf"(?:氏名|氏[ ]名|お名前|名前|フリガナ|ふりがな|患者(?:様|さん)?名?|利用者(?:様|さん)?名?|入居者(?:様|さん)?名?|本人名?)"
    rf"[ ]?(?:\([^)\n]{{0,12}}\))?[ ]?:[ ]*"
    rf"(?P<name>[{_KANJI}ぁ-んァ-ヴー]{{1,8}}?(?:[ ・][{_KANJI}ぁ-んァ-ヴー]{{1,8}}?)?)(?=[ ]*(?:$|[\n(、。,/;\[歳]|様|さん|さま|氏|殿))",
    re.MULTILINE,
)
_UNLABELLED = re.compile(
    rf"(?:患者|利用者|入居者|本人)[ ]*[:は]?[ ]*(?P<name>[{_KANJI}]{{2,4}}(?:[ ][{_KANJI}ぁ-んァ-ヴー]{{1,4}})?)"
    rf"(?=[ ]?[(、,]?[ ]?(?:\d{{1,3}}歳|男性|女性|[明大昭平令][治正和成]))"
)


def _names(flat: str) -> Iterator[Place]:
    for honorific in _HONORIFIC.finditer(flat):
        start = max(0, honorific.start() - _REACH)
        found = _BEFORE.search(window := flat[start : honorific.start()], max(0, len(window) - _LONGEST))
        if found and (place := _name_in(found, start, honorific[0])):
            yield (*place, "name")
    for pattern in (_LABELLED, _UNLABELLED) if _LABEL.search(flat) else ():
        for found in pattern.finditer(flat):
            if _is_name(found["name"]):
                yield found.start("name"), found.end("name"), "name"
    for start, end in in_running_text(flat):
        yield start, end, "name"


def _name_in(found: re.Match[str], offset: int, honorific: str) -> tuple[int, int] | None:
    """The name that stands before 様, without 「利用者」 and the like before it; None where it is nobody's."""
    text, start = found[0].rstrip(" "), found.start() + offset
    while prefix := _PREFIX.match(text):
        if prefix.end() == len(text):
            return None
        text, start = text[prefix.end() :], start + prefix.end()
    end = start + len(text)
    if found["soft"]:
        longer = _SURNAME_KANA.search(found.string)
        if longer:
            return longer.start() + offset, end
        return (start, end) if len(text) > 1 and not _SOFT_WORDS.search(text) else None
    if text == "王" and honorific != "様":
        return start, end
    if not _is_name(text):
        return None
    if found["kana"] and (family := _FAMILY_BEFORE.search(found.string, 0, start - offset)):
        run = family[0].rstrip(" ")
        known = next((len(run[-size:]) for size in (4, 3, 2) if run[-size:] in FAMILY), 0)
        return (family.start() + offset + len(run) - known if known else start), end
    return _whole(found.string, start - offset) + offset, end


def _whole(flat: str, start: int) -> int:
    """Where グエン・ティ・ラン begins, of which the last part stands before さん."""
    found = _PARTS_BEFORE.search(flat, 0, start)
    return found.start() if found and flat[start] in _KATAKANA else start


def _is_name(text: str) -> bool:
    bare = text.replace(" ", "")
    last = text.rpartition(" ")[2]
    if len(bare) == 1:
        return bare in SHORT_SURNAMES
    if bare in _NOBODY or last in _NOBODY or _ROLE.search(last):
        return False
    if re.fullmatch(rf"[{_KANA}]+", bare):
        return not _THINGS.search(bare)
    return not (_CITY.search(bare) and len(bare) == 2 and bare not in _CITY_NAMES)


# ---- numbers, addresses, days -------------------------------------------------------------------

_H = "[-ー]"
# What is not to stand before is looked at once the first character is found: the engine can skip to that.
_PHONE = re.compile(
    rf"[+(0](?<![\d\-].)(?:(?:(?<=\+)81[ \-]?\(?\d{{1,4}}|(?<=\()0\d{{1,4}}\)|(?<=0)\d{{1,4}})\)?[ ]?(?:{_H}|[ ]|\()?[ ]?\d{{1,4}}[ ]?(?:{_H}|[ ]|\))[ ]?\d{{3,4}}"
    r"|(?<=0)\d{9,10}|(?<=0)\d{1,4}-\d{5,8}|(?<=0)[5789]0[・.]\d{4}[・.]\d{4})(?![\d\-])"
)
# In kanji digits; 〇〇〇－〇〇〇〇－〇〇〇〇 is a blank to be filled in.
_KANJI_DIGIT = "〇一二三四五六七八九"
_KANJI_PHONE = re.compile(
    rf"(?<![{_KANJI_DIGIT}])(?:\(〇[{_KANJI_DIGIT}]{{1,4}}\)|〇[{_KANJI_DIGIT}]{{1,4}})[ ]?[-ー(・の]?[ ]?[{_KANJI_DIGIT}]{{1,4}}[ ]?[-ー)・の][ ]?[{_KANJI_DIGIT}]{{3,4}}(?![{_KANJI_DIGIT}])"
    rf"|(?<![{_KANJI_DIGIT}])〇[{_KANJI_DIGIT}]{{9,10}}(?![{_KANJI_DIGIT}])"
)
_FAX = re.compile(r"(?:fax|ファックス|ファクス|ファクシミリ)[^\d\n]{0,8}$", re.IGNORECASE)
_MAIL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.\-]+@[A-Za-z0-9\-]+(?:\.[A-Za-z0-9\-]+)+")
_COUNT = "[〇一二三四五六七八九十]{1,3}"
_DAY = r"(?:(?:明治|大正|昭和|平成|令和|[MTSHR])[ ]?(?:\d{1,2}|元)|(?:18|19|20)\d\d)[ ]?[年./\-][ ]?\d{1,2}[ ]?[月./\-][ ]?\d{1,2}日?"
_KANJI_DAY = rf"(?:明治|大正|昭和|平成|令和)(?:{_COUNT}|元)年{_COUNT}月{_COUNT}日"
_YEAR = r"(?:(?:明治|大正|昭和|平成|令和)[ ]?(?:\d{1,2}|元)|(?:18|19|20)\d\d)年"
_BIRTH = re.compile(
    rf"(?:{_DAY}|{_KANJI_DAY}|{_YEAR})(?=[ ]?(?:生まれ(?!た[一-鿿])|生れ|生(?![活産徒涯命年前後存理計])))|(?<=生年月日)[ ]?:?[ ]?(?P<day>{_DAY}|{_KANJI_DAY})"
)
# 「山田太郎（S15.3.2）」: a day in brackets behind a name, of an era in which nobody was visited.
_BIRTH_BEHIND = re.compile(
    r"[ ]?(?:様|さん|さま|氏)?[ ]?[(、,・ ][ ]?(?P<day>(?:明治|大正|昭和|[MTS])[ ]?(?:\d{1,2}|元)[年./\-][ ]?\d{1,2}[月./\-][ ]?\d{1,2}日?)(?=[ ]?(?:[)、,・]|生|$))"
)
_BORN = re.compile(r"[日年\d][ ]?生|生年月日")
_AGE = re.compile(r"\d{1,3}(?:歳|才)(?![以未代から～~児前超\-])")
_NEAR = 24  # characters: an age counts only this close to a name or a birth date
_NUMBER = re.compile(
    r"(?:被保険者(?:証)?(?:の)?(?:記号・?)?番号|介護保険(?:被保険者)?(?:証)?(?:の)?番号|保険証(?:の)?番号|マイナンバー|個人番号|受給者(?:証)?(?:の)?番号"
    r"|記号・番号|(?:公費負担者|保険者)番号|患者(?:番号|ID)|利用者(?:番号|ID)|カルテ(?:番号|No\.?|ID)|診察券(?:番号|No\.?)?)[ ]?(?:は|が|:|=)?[ ]?(?P<number>[0-9A-Z][0-9A-Z\-・ ]{2,18}[0-9])",
)
_SIGN_AND_NUMBER = re.compile(
    r"記号[ ]?(?:は|:)?[ ]?[一-鿿]{0,4}(?P<sign>\d[\d\-・]{0,9})[ 、,/・]*番号[ ]?(?:は|:)?[ ]?(?P<number>\d[\d\-]{0,9})(?:[ 、,/・(]*枝番[ ]?(?:は|:)?[ ]?(?P<branch>\d{1,2}))?"
)
_PATIENT_ID = re.compile(
    r"(?<![A-Za-z])ID[ ]?(?:番号)?[ ]?[はが:=]?[ ]?(?P<number>\d[\d\-]{2,14})(?=[ ]?の(?:方|患者|利用者|人))"
)
_LINE_ID = re.compile(
    r"LINE(?:の|[ ])?[ ]?(?:ID|アカウント)[ ]?(?:は|が|:|=)?[ ]?(?P<number>[A-Za-z0-9@][A-Za-z0-9._\-]{3,24})",
    re.IGNORECASE,
)
_TWELVE = re.compile(r"\d(?<![\d\-].)\d{3}[ \-]?\d{4}[ \-]?\d{4}(?![\d\-])")
_PREFECTURE = (
    "(?:北海道|東京都|京都府|大阪府|(?:神奈川|和歌山|鹿児島|青森|岩手|宮城|秋田|山形|福島|茨城|栃木|群馬|埼玉|千葉|新潟|富山|石川|福井|山梨|長野|岐阜|静岡"
    "|愛知|三重|滋賀|兵庫|奈良|鳥取|島根|岡山|広島|山口|徳島|香川|愛媛|高知|福岡|佐賀|長崎|熊本|大分|宮崎|沖縄)県)"
)
_PLACE = rf"[{_KANJI}ぁ-んァ-ヴー]"
_LOT_NUMBER = r"(?:\d{1,4}|[〇一二三四五六七八九十百]{1,4})"
_LOT = (
    rf"{_LOT_NUMBER}(?:丁目|番地(?!区)|番(?!目)|[-ー]\d{{1,4}})(?![かヶケ箇回名人件月年日時割%点章節])[ ]?"
    rf"(?:の?{_LOT_NUMBER}(?:番地?|号|室)?(?:[-ー]\d{{1,4}})*(?:号|室)?|[-ー]\d{{1,4}}){{0,4}}"
)
# メゾン若葉203号室: a house behind the lot, given away by what houses are called or by 号室.
_HOUSE = (
    rf"(?:[ ]{{0,2}}(?=[{_KANJI}ぁ-んァ-ヴーA-Za-z]{{0,12}}(?:マンション|アパート|ハイツ|コーポ|メゾン|ハイム|レジデンス|ビル|団地|ハウス|コート|パーク|シャトー|プラザ|タワー|ヴィラ|荘|寮|住宅|棟|\d{{1,4}}号室))"
    rf"[{_KANJI}ァ-ヴーA-Za-z][{_KANJI}ぁ-んァ-ヴーA-Za-z]{{0,15}}?(?:(?:[ ]?[A-Z0-9]{{1,2}}[号]?棟)?[ ]{{0,2}}[A-Z]?\d{{1,4}}(?:[-ー]\d{{1,4}})?(?:号室|号|室)?(?![年月日時人名件回])|[A-Z]?棟(?![\d ]))|[ ]?\d{{1,4}}号室)?"
)
# Municipalities with hiragana in their names; any other hiragana before 市 does not belong to it (ご住所は千葉市).
_SOFT_PLACES = (
    "つくばみらい|かすみがうら|ひたちなか|いちき串木野|伊豆の国|隠岐の島|ふじみ野|あきる野|おいらせ|かつらぎ|さいたま|ときがわ|まんのう|みなかみ|南さつま|南あわじ|新ひだか|東かがわ|東みよし|日の出|紀の川|あさぎり|あわら|いすみ|いなべ|いわき|うきは|うるま|えびの|えりも"
    "|おおい|かほく|さくら|さつま|さぬき|すさみ|せたな|たつの|つがる|つくば|つるぎ|にかほ|みどり|みなべ|みやき|みやこ|みやま|みよし|むかわ|むつ|いの|あま"
)
_TOWN = rf"(?:{_SOFT_PLACES}|[{_KANJI}ァ-ヴー]{{1,7}}?)[市区郡町村]"
_BEFORE_TOWN = re.compile(
    r"(?:ご?住所|現住所|自宅|居宅|所在地?|実家|転居先|転院先|住居|居所|勤務先|宛先|送付先|本人|患者|利用者|在住|現在|長[男女]宅|次[男女]宅|娘宅|息子宅)+(?!市)"
)
_NO_ADDRESS = re.compile(
    r"[市区郡町村](?:内|では|には|とは|でも|からは|から|まで|という|として|における|[とやも])[ ]?(?:約|第|計)?$|では|には|から|として|という|における|について|ました|する|した"
)
_FEW_DIGITS = re.compile(r"\d-?\d{2}|\d-\d|\d[年./]|元年|丁目|番地|番号")
_LOT_LIKE = re.compile(r"〒|\d-\d|丁目|番地|\d番")
_ADDRESS = re.compile(
    rf"(?:〒[ ]?\d{{3}}-?\d{{4}}[ \n]*)?(?:{_PREFECTURE}[ ]?)?(?P<town>{_TOWN})(?P<way>(?:{_PLACE}|[ ]){{1,18}}?)(?P<lot>{_LOT}){_HOUSE}"
    rf"|〒[ ]?\d{{3}}-?\d{{4}}(?:[ \n]*{_PREFECTURE}{_PLACE}{{0,18}})?"
)


def _phones(flat: str) -> Iterator[Place]:
    for found in _PHONE.finditer(flat):
        digits = re.sub(r"\D", "", found[0].replace("+81", "0"))
        if 10 <= len(digits.replace("00", "0", 1) if found[0].startswith("+") else digits) <= 11:
            yield found.start(), found.end(), _phone_or_fax(flat, found.start())
    for found in _KANJI_PHONE.finditer(flat) if "〇" in flat else ():
        signs = [sign for sign in found[0] if sign in _KANJI_DIGIT]
        if 10 <= len(signs) <= 11 and len(set(signs)) > 1:
            yield found.start(), found.end(), _phone_or_fax(flat, found.start())


def _phone_or_fax(flat: str, start: int) -> Kind:
    return "fax" if _FAX.search(flat, max(0, start - 16), start) else "phone"


def _numbers(flat: str) -> Iterator[Place]:
    for found in _NUMBER.finditer(flat):
        yield found.start("number"), found.end("number"), "number"
    for found in _SIGN_AND_NUMBER.finditer(flat) if "記号" in flat else ():
        yield from ((*found.span(part), "number") for part in ("sign", "number", "branch") if found[part])
    for found in _PATIENT_ID.finditer(flat) if "ID" in flat else ():
        yield found.start("number"), found.end("number"), "number"
    for found in _TWELVE.finditer(flat):
        if my_number(re.sub(r"\D", "", found[0])):
            yield found.start(), found.end(), "number"


def my_number(digits: str) -> bool:
    """Whether twelve digits are a マイナンバー by its check digit (行政手続における特定の個人を識別するための番号… 省令 第5条)."""
    weights = [*range(2, 8), *range(2, 7)]  # from the right, without the check digit
    rest = sum(int(digit) * weight for digit, weight in zip(digits[-2::-1], weights, strict=True)) % 11
    return int(digits[-1]) == (0 if rest <= 1 else 11 - rest)


def _births(flat: str) -> Iterator[Place]:
    if "生" not in flat or not _BORN.search(flat):
        return
    for found in _BIRTH.finditer(flat):
        group = "day" if found["day"] else 0
        yield found.start(group), found.end(group), "birth"


def _addresses(flat: str) -> Iterator[Place]:
    for found in _ADDRESS.finditer(flat):
        start, text = found.start(), found[0].rstrip(" \n")
        if found["lot"]:
            if _NO_ADDRESS.search(found["town"][-1] + found["way"]):
                continue
            if start == found.start("town") and (before := _BEFORE_TOWN.match(text)):
                start, text = start + before.end(), text[before.end() :]
        yield start, start + len(text), "address"


def _plainly(pattern: re.Pattern[str], kind: Kind, flat: str) -> Iterator[Place]:
    for found in pattern.finditer(flat):
        yield found.start(), found.end(), kind


# ---- all of it ----------------------------------------------------------------------------------


class BodyNames:
    """Names of bodies (the address list's), to be found in texts: 鎌ヶ谷市 and 鎌ケ谷市 are one."""

    def __init__(self, names: Iterable[str]) -> None:
        self._by_head: dict[str, list[str]] = {}
        for name in {_same(name) for name in names}:
            if len(name) > 1:
                self._by_head.setdefault(name[:2], []).append(name)
        for known in self._by_head.values():
            known.sort(key=len, reverse=True)

    def places(self, flat: str) -> Iterator[Place]:
        if not self._by_head:
            return
        same, end = _same(flat), 0
        for start in range(len(same) - 1):
            if start < end:
                continue
            name = next((n for n in self._by_head.get(same[start : start + 2], ()) if same.startswith(n, start)), "")
            if name:
                end = start + len(name)
                yield start, end, "body"


def _same(text: str) -> str:
    return plain(text).replace("ヶ", "ケ").replace("ヵ", "カ")


NO_BODIES = BodyNames(())


def find(text: str, bodies: BodyNames = NO_BODIES) -> tuple[Span, ...]:
    """What points at a person (where bodies are given, these and what its kind gives away as a body too), in the order of the text, never overlapping.

    What only shows once its neighbour is covered is found too: a text masked once holds nothing more to mask.
    """
    flat, kept = plain(text), list[Place]()
    while new := _apart(_once(flat, bodies)):
        kept += new
        flat = _without(flat, new, "○")
        new_ages = _apart(_ages(flat, kept))
        kept += new_ages
        readings: list[Place] = [
            (*place, "name") for _, end, kind in new if kind == "name" for place in reading_after(flat, end)
        ]
        kept += readings
        births: list[Place] = [
            (*behind.span("day"), "birth")
            for _, end, kind in new
            if kind == "name" and (behind := _BIRTH_BEHIND.match(flat, end))
        ]
        kept += births
        flat = _without(flat, [*new_ages, *readings, *births], "○")
    return _spans(text, sorted(kept))


def _once(flat: str, bodies: BodyNames) -> Iterator[Place]:
    yield from _names(flat)
    if bodies is not NO_BODIES:
        yield from bodies.places(flat)
        yield from ((start, end, "body") for start, end in bodies_in_text(flat))
    if "@" in flat:
        yield from _plainly(_MAIL, "mail", flat)
    if "ID" in flat or "LINE" in flat or "Line" in flat:
        yield from ((*found.span("number"), "number") for found in _LINE_ID.finditer(flat))
    if "〇" in flat or "生" in flat or _FEW_DIGITS.search(flat):
        numbers = _apart([*_births(flat), *_numbers(flat), *_phones(flat)])
        yield from numbers
        if _LOT_LIKE.search(rest := _without(flat, numbers, "\n")):
            yield from _addresses(rest)


def _without(flat: str, places: Iterable[Place], sign: str) -> str:
    parts, at = [], 0
    for start, end, _ in sorted(places):
        if end > at:
            parts += [flat[at:start], sign * (end - max(start, at))]
            at = end
    return "".join([*parts, flat[at:]])


def find_words(text: str, words: Iterable[str]) -> tuple[Span, ...]:
    """Every place of words a person named, however wide they are written."""
    flat, places = _same(text), list[Place]()
    for word in {_same(word.strip()) for word in words} - {""}:
        at = flat.find(word)
        while at >= 0:
            places.append((at, at + len(word), "word"))
            at = flat.find(word, at + len(word))
    return _spans(text, _apart(places))


def _ages(flat: str, kept: Sequence[Place]) -> Iterator[Place]:
    """80歳 is nobody's; 「山田様（80歳）」 is somebody's."""
    people = [(start, end) for start, end, kind in kept if kind in ("name", "birth")]
    if not people:
        return
    for found in _AGE.finditer(flat):
        if any(start - found.end() <= _NEAR and found.start() - end <= _NEAR for start, end in people):
            yield found.start(), found.end(), "age"


def _apart(places: Iterable[Place]) -> list[Place]:
    """Without those that lie on another: what begins first stays, of two the longer."""
    kept: list[Place] = []
    for place in sorted(places, key=lambda p: (p[0], -p[1])):
        if not kept or place[0] >= kept[-1][1]:
            kept.append(place)
    return kept


def _spans(text: str, places: Iterable[Place]) -> tuple[Span, ...]:
    return tuple(Span(start, end, kind, text[start:end]) for start, end, kind in places)


def mask(text: str, spans: Iterable[Span]) -> str:
    """The text with each span as 「○○（氏名）」; spans are those of this very text."""
    parts, at = [], 0
    for span in sorted(spans):
        if span.start >= at:
            parts += [text[at : span.start], f"{COVER}（{span.label}）"]
            at = span.end
    return "".join([*parts, text[at:]])


def same_person(one: str, other: str) -> bool:
    """Whether two spellings are one name, number or address (widths, blanks and hyphens aside)."""
    return bool(one) and _key(one) == _key(other)


def _key(text: str) -> str:
    return re.sub(r"[-ー()]", "", same_words(plain(text)))

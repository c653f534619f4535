"""Names in running text, without 様・さん: only where something beside them says that they are one.

A known family name with a known given name; a name after 患者の or 長男の, before （78歳） or a birth date, behind a label; a
name in katakana; the reading in brackets behind a name. Family names are place names too, so one that stands alone
counts after 患者の and the like only, and never where it is known as a place. Works on `personal.plain` text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

_KANJI = "一-鿿㐀-䶿豈-﫿\U00020000-\U0002fa1f々〆ヶヵ"


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _any(words: Iterable[str]) -> str:
    """One of these, the longest first."""
    return "|".join(sorted(words, key=lambda word: (-len(word), word)))


# ---- what names are made of --------------------------------------------------------------------

SURNAMES = _words(
    "佐藤 鈴木 高橋 田中 渡辺 渡邊 渡邉 伊藤 山本 中村 小林 加藤 吉田 山田 佐々木 山口 松本 井上 木村 林 斎藤 斉藤 齋藤 齊藤 清水 山崎 山﨑 森 阿部 池田 橋本"
    " 山下 石川 中島 前田 藤田 小川 後藤 岡田 長谷川 村上 近藤 石井 遠藤 坂本 青木 藤井 西村 福田 太田 三浦 岡本 松田 中川 中野 原田 小野 田村 竹内 金子 和田"
    " 中山 石田 上田 森田 原 柴田 酒井 工藤 横山 宮崎 宮本 内田 高木 安藤 谷口 大野 丸山 今井 河野 藤原 小島 武田 村田 上野 杉山 増田 平野 菅原 久保 松井 千葉"
    " 岩崎 木下 野口 松尾 野村 菊地 菊池 佐野 大塚 渡部 新井 市川 高田 杉本 古川 大西 島田 水野 桜井 山内 西田 小松 北村 吉川 吉村 飯田 五十嵐 川崎 荒木 東 星野"
    " 馬場 永井 浜田 飯塚 関 川口 辻 川村 矢野 松下 福島 土屋 秋山 本田 堀 中田 服部 樋口 川上 永田 田口 岩田 須藤 熊谷 栗原 中西 大島 平田 荒井 安田 松岡"
)
SHORT_SURNAMES = _words(
    "林 森 原 東 西 南 北 関 辻 堀 谷 岡 岸 星 泉 島 嶋 浜 杉 柳 桂 梅 橘 菅 畑 秦 牧 椿 楠 滝 瀧 乾 巽 宮 平 武 李 朴 崔 呉 陳 趙 姜 黄 周 曽 曾 堤 坂 峰 峯 伴 佃"
    " 仲 塙 塚 守 榊 榎 梶 柴 桜 桑 桐 沢 湯 源 畠 石 磯 福 稲 窪 笹 篠 細 臼 芝 荒 菊 萩 薮 藪 角 越 迫 錦 鎌 長 鳥 鶴 黒 旭 金 境 要 新"
)
# Family names that are as often a place: alone they say nothing.
_PLACES = _words(
    "千葉 福島 石川 山口 宮崎 川崎 中野 市川 松本 川口 熊谷 上野 大野 小野 飯田 飯塚 小松 大島 高田 三浦 桜井 中川 川上 太田 安田"
    " 中島 大塚 新井 古川 荒井 吉川 大西 中西 小島 丸山 平野 島田 高木 本田"
)
# Given names of two characters and more; those that are common words (勝利, 八千代) are left out.
_GIVEN = _words(
    "太郎 一郎 次郎 二郎 三郎 四郎 五郎 健一 健二 健太 健太郎 健司 浩一 浩二 浩之 浩司 隆司 隆之 隆夫 隆志 誠一 誠司 修一 修二 修平 博之 博史 博文 正一 正二 正三 正雄 正夫 正男 正之"
    " 正治 正義 正彦 和夫 和雄 和男 和彦 和也 和弘 和明 幸雄 幸夫 幸男 幸一 幸治 幸司 義雄 義夫 義男 義明 義弘 武雄 武夫 武男 武志 昭夫 昭男 昭雄 昭一 明夫 明男 秀雄 秀夫 秀男 秀樹 秀明"
    " 英雄 英夫 英樹 英明 英二 英一 弘之 弘志 弘一 宏之 宏一 哲也 哲夫 哲男 哲郎 達也 達夫 達郎 直樹 直人 直也 直之 俊夫 俊雄 俊之 俊一 俊介 敏夫 敏雄 敏之 敏明 敏男 孝夫 孝雄 孝之 孝一"
    " 光男 光雄 光夫 光一 忠雄 忠夫 忠男 勝男 勝雄 勝己 勝彦 大輔 大介 大樹 翔太 翔平 拓也 拓海 拓真 雄太 雄一 雄二 雄介 裕太 裕之 裕介 裕二 祐介 祐一 洋一 洋介 洋平 陽介 陽一 陽太 智也 智之"
    " 純一 純也 淳一 良一 良雄 良夫 良男 良平 善雄 三男 三雄 貞夫 貞雄 金次郎 喜一 喜一郎 吉男 吉雄 重雄 重男 重夫 繁雄 友和 信夫 信雄 信一 信之 信行 利夫 利雄 利男 利明 政夫 政雄 政男 清一"
    " 清二 清志 清治 文雄 文夫 文男 文彦 章夫 恒夫 恒雄 常夫 常雄 治郎 慎一 慎二 慎也 真一 真也 賢一 賢二 賢治 謙一 謙二 康夫 康雄 康之 康弘 泰男 泰三 輝夫 輝雄 富夫 富雄 富男 蓮太郎 悠太 悠斗"
    " 大翔 蒼太 颯太 湊太 陸斗 花子 由美 裕美 直美 恵美 真由美 和美 久美 明美 里美 智美 奈美 朋美 尚美 成美 美咲 美穂 美香 美紀 美由紀 美和 美帆 美佳 麻美 愛美 千代 和代 昌代 文代 照代 静代 幸代"
    " 正代 静江 春江 文江 和江 初江 花江 幸江 光江 千鶴 千恵 千里 千春 千尋 幸枝 和枝 静枝 芳枝 里枝 理恵 里恵 久恵 友恵 知恵 良恵 結衣 陽菜 美月 七海 優花 彩花 彩香 綾香 由香 由佳 由紀 由香里 香織 沙織"
    " 早苗 真紀 真希 真理 真奈美 麻衣 麻里 舞子 奈々 奈緒 菜々子 さくら ひろみ あけみ かおり みどり まゆみ なおみ くみこ よしこ けいこ ようこ はなこ かずこ さちこ"
)
# X子 with a family name before it; these are words.
_NOT_KO = _words(
    "電子 原子 様子 帽子 椅子 女子 男子 調子 冊子 王子 親子 種子 分子 粒子 因子 利子 障子 団子 餃子 弟子 面子 拍子 格子 梯子 双子 息子 扇子 菓子 玉子 末子 母子 父子 遺伝子 量子 光電子 中性子 逗子 銚子 米子 我孫子 金子 益子 小女子"
)
# What elderly people are called, in kana.
_OLD_GIVEN = _words(
    "ハナ キヨ トメ ヨネ フミ トシ タケ ツネ ミツ シズ ハル ナツ フユ マツ ウメ ツル カメ キク サト スミ セツ チヨ テル トク トミ ヌイ ノブ ハツ ヒサ フサ マサ ミヨ ムメ モト ヤス ユキ ヨシ リツ スエ イネ イト エイ カネ キミ クニ コト サダ シゲ ソノ タカ タツ タマ"
    " ハナ子 キヨ子 トシ子 ヨシ子 フミ子 ミツ子 テル子 ヒサ子 サチ子 キミ子 ノブ子 スミ子 マサ子 ヤス子 カズ子 エミ子 きよ とめ よね ふみ みつ しず まつ うめ つる きく さと せつ ちよ はつ ふさ みよ"
)
# Readings of frequent family names, of three characters and more; 佐藤 and the like are words too (サトウキビ).
_READINGS = _words(
    "スズキ タカハシ タナカ ワタナベ イトウ ヤマモト ナカムラ コバヤシ カトウ ヨシダ ヤマダ ササキ ヤマグチ マツモト イノウエ キムラ シミズ ヤマザキ ヤマサキ イケダ ハシモト ヤマシタ イシカワ ナカジマ ナカシマ マエダ"
    " フジタ オガワ ゴトウ オカダ ハセガワ ムラカミ コンドウ イシイ エンドウ サカモト アオキ フジイ ニシムラ フクダ オオタ ミウラ オカモト マツダ ナカガワ ナカノ ハラダ タムラ タケウチ カネコ ワダ ナカヤマ イシダ ウエダ モリタ"
    " シバタ サカイ クドウ ヨコヤマ ミヤザキ ミヤモト ウチダ タカギ アンドウ タニグチ オオノ マルヤマ イマイ フジワラ タケダ ムラタ ウエノ スギヤマ マスダ ヒラノ スガワラ クボ チバ サトウ サイトウ キクチ ノムラ アライ イチカワ"
)
_READINGS_GIVEN = "(?:[ァ-ヴー]{1,3}(?:ロウ|コ|オ|ミ|エ|ヨ|ヒコ|スケ|ユキ|ノリ|イチ|ジ)|タロウ|ハナコ|ケン|アキラ|マコト|ヒロシ|タカシ|サクラ|アオイ|ユイ)"
_NOT_GIVEN = re.compile(
    r"クリニック|ステーション|センター|ケア|ホーム|サービス|デイ|リハ|デンキ|グループ|ハウス|メソ|スポーツ|キビ|ダイコン|ショップ|マネ|ヘルパ|ー$"
)

# ---- what stands beside them -------------------------------------------------------------------

_LONG, _ONE = _any(name for name in SURNAMES if len(name) > 1), _any(SHORT_SURNAMES)
_KO = rf"(?!(?:{_any(_NOT_KO)}))[{_KANJI}]{{1,2}}子"
_SOFT = {name for name in _GIVEN | _OLD_GIVEN if "ぁ" <= name[-1] <= "ん"}  # what follows may belong to the word
_HARD = (_GIVEN | _OLD_GIVEN) - _SOFT
_GIVEN_NAME = rf"(?:(?:{_any(_HARD)}|{_KO})(?![{_KANJI}ァ-ヴー])|(?:{_any(_SOFT)})(?=[はがをにのもとでへ、。,()「」:;/ \n]|さん|さま|[様氏]|$))"
# No look behind before what is searched: the engine could not skip to the characters it may begin with.
_FULL_NAME = re.compile(rf"(?:{_LONG})[ ]?{_GIVEN_NAME}")
_FULL_SHORT = re.compile(rf"(?:{_ONE})[ ]?{_GIVEN_NAME}")
_KANJI_BEFORE, _KATAKANA_BEFORE = re.compile(rf"(?<=[{_KANJI}])"), re.compile("(?<=[ァ-ヴー])")
_PATIENT = "患者|利用者|入居者|入所者|療養者|対象者|被保険者|相談者|ご?本人|御本人|キーパーソン|主介護者"
_AFTER_PATIENT = re.compile(
    rf"(?:{_PATIENT})(?:の|は|が|で|である|、|,|・|/|\(|「)?[ ]?(?P<name>(?:{_LONG})(?:[ ]?(?:[{_KANJI}]{{1,2}}|[ぁ-ん]{{2,3}}(?=[ (、。])))?)"
    r"(?=[はがをにもとでへの、。,()「」:;/ \n]|より|から|宅|$)"
)
_PREFIX = re.compile(rf"(?:{_PATIENT})")
_FAMILY = re.compile(
    rf"(?:夫|妻|父|母|父親|母親|長男|次男|三男|長女|次女|三女|息子|娘|孫|姉|妹|兄|弟|祖父|祖母|嫁)(?:の|は|、|,|:|・|\(|である)[ ]?"
    rf"(?P<name>{_any(_GIVEN)}|{_KO}|{_any(name for name in _OLD_GIVEN if name[-1] == '子')})(?=[はがをにもとでへの、。,()「」:;/ \n]|より|から|$)"
)
_LABELLED = re.compile(
    rf"(?:^|[\n。、・■○●◆【\[ (])(?:氏[ ]?名|お?名前|{_PATIENT}|患者名|利用者名|主治医|担当医|担当者?|ケアマネ(?:ジャー)?|家族|長男|長女|次男|次女|夫|妻)"
    rf"(?:[ ]?[】\]]|[ ]?[:/]|[ ])[ ]*(?P<name>[{_KANJI}]{{1,4}}[ ]?(?:[{_KANJI}]{{1,3}}|[ぁ-ん]{{2,4}}|[ァ-ヴ]{{2,4}})?)(?=[ ]*(?:$|[\n(、。,/;)\[]|[ ]))",
    re.MULTILINE,
)
_AGE_OR_DAY = r"(?:満?[ ]?\d{1,3}[歳才](?![以未代から～~児前超\-])|(?:明治|大正|昭和|平成|令和|[MTSHR])[ ]?(?:\d{1,2}|元)[年./]|(?:18|19|20)\d\d[年./]\d|(?:男性|女性|[男女])[ ]?[,、)・]|生年月日)"
_AGED = re.compile(
    rf"(?P<name>[{_KANJI}]{{1,10}}(?:[ ][{_KANJI}]{{1,3}}|[ぁ-ん]{{2,3}}|[ ][ぁ-ん]{{2,4}}|[ ]?[ァ-ヴ]{{2,4}})?)(?=[ ]?[(、,/・ ][ ]?{_AGE_OR_DAY})"
)
_SIGN = re.compile(r"[歳才]|[男女][ ]?[,、)・性]|生年月日|[明大昭平令][治正和成]|[MTSHR]\d")
_ENDING = re.compile(r"[子郎美雄夫江枝恵彦之介輔]$")
_NO_ENDING = re.compile(rf"(?:{_any(_NOT_KO)}|丈夫|工夫|老夫|農夫|漁夫|若夫|介護|紹介|媒介|厄介|仲介|長江|[のに]夫)$")
_KATAKANA = re.compile(
    rf"(?P<name>(?:{_any(_READINGS)})(?:[ ・](?P<given>[ァ-ヴー]{{2,6}})|{_READINGS_GIVEN}))(?![ァ-ヴー])"
)
_KANA_LABEL = re.compile(
    r"(?:フリガナ|ふりがな|カナ|かな|よみがな|読み仮名)[ ]?(?:[:)】\]][ ]*|[ ]+)(?P<name>[ァ-ヴー]{2,6}[ ・][ァ-ヴー]{2,6}|[ぁ-ん]{2,6}[ ・][ぁ-ん]{2,6})"
    r"(?=$|[^ァ-ヴーぁ-ん])"
)
_READING = re.compile(r"[ ]?[(/][ ]?(?P<name>[ァ-ヴー]{2,6}[ ・]?[ァ-ヴー]{2,6}|[ぁ-ん]{2,6}[ ・][ぁ-ん]{2,6})[ ]?[)]")
_INITIALS = re.compile(r"(?<![A-Za-z.])[A-Z]\.[ ]?[A-Z]\.?(?=[ ]?(?:様|さん|さま|氏|殿))")
_INTRODUCED = re.compile(
    rf"(?:(?<![{_KANJI}])(?P<name>[{_KANJI}]{{2,4}})|(?P<known>{_LONG}))(?=と(?:申します|申し上げます|申す者))"
)
_ROLES = re.compile(
    r"(?:[様氏殿君者師員長係課部局院館所店会社団]|病院|医院|薬局|施設|先生|市内|県内|区内|町内|市民|県民|市立|県立|家族|男性|女性|在住|地区|地域|訪問|支援|包括|方面|駅前|本店|支店|出身|[都道府県市区町村郡])$"
)


def in_running_text(flat: str) -> Iterator[tuple[int, int]]:
    """(start, end) of names that something beside them gives away; they may lie on one another."""
    yield from (found.span() for found in _FULL_NAME.finditer(flat))
    yield from (found.span() for found in _FULL_SHORT.finditer(flat) if not _KANJI_BEFORE.match(flat, found.start()))
    yield from (found.span() for found in _INITIALS.finditer(flat))
    for found in _INTRODUCED.finditer(flat) if "と申" in flat else ():
        if found["known"] or not _ROLES.search(found["name"]):
            yield found.span()
    for found in _AFTER_PATIENT.finditer(flat):
        name = found["name"]
        if name in SURNAMES - _PLACES or name not in SURNAMES and _likely(name):
            yield found.span("name")
    for pattern in (_FAMILY, _KANA_LABEL):
        yield from (found.span("name") for found in pattern.finditer(flat))
    for found in _LABELLED.finditer(flat):
        if _likely(found["name"].strip()):
            yield found.start("name"), found.start("name") + len(found["name"].rstrip())
    for found in _AGED.finditer(flat) if _SIGN.search(flat) else ():
        yield from _aged(found)
    for found in _KATAKANA.finditer(flat):
        inside = _KATAKANA_BEFORE.match(flat, found.start())
        if not inside and not _NOT_GIVEN.search(found["given"] or found["name"]):
            yield found.span("name")


def reading_after(flat: str, end: int) -> Iterator[tuple[int, int]]:
    """The reading in brackets behind a name that ends there: 山田太郎（ヤマダ タロウ）."""
    found = _READING.match(flat, end)
    if found:
        yield found.span("name")


def _aged(found: re.Match[str]) -> Iterator[tuple[int, int]]:
    """Of the characters before an age, those that are the name: 利用者山田太郎（78歳）, 山田（78歳）."""
    text, begin, end = found["name"], *found.span("name")
    for start in range(len(text) - 1):
        if _known(text[start:]) or text[start:] in SURNAMES:
            yield begin + start, end
            return
    start = prefix.end() if (prefix := _PREFIX.match(text)) else 0
    if _likely(text[start:]):
        yield begin + start, end


def _known(name: str) -> bool:
    """A known family name with something after it that is no office word."""
    family, blank, given = name.partition(" ")
    if _ROLES.search(name):
        return False
    if blank:
        return family in SURNAMES | SHORT_SURNAMES or given in _GIVEN | _OLD_GIVEN
    return any(name[:size] in SURNAMES and 1 <= len(name) - size <= 3 for size in (3, 2))


def _likely(name: str) -> bool:
    """Whether it looks like a name: a known family name, or the ending of a given name."""
    bare = name.replace(" ", "")
    if _known(name):
        return True
    if _ROLES.search(name) or " " in name or not 3 <= len(bare) <= 6:
        return False
    given = bare[-2:] in _GIVEN or bare[-3:] in _GIVEN
    return given or len(bare) < 6 and bool(_ENDING.search(bare)) and not _NO_ENDING.search(bare)

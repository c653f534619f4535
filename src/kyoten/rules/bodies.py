"""団体名 that stand in no list: a kind of body (クリニック, 訪問看護ステーション, 医療法人) with a name of its own beside it.

The address list knows municipalities and associations, not the clinics, pharmacies and care homes a hub's callers write
about. What is a kind of body alone (在宅療養支援診療所, 後方支援病院, 特別養護老人ホーム) is nobody's name and left alone. A help
for the eye: a body called by a word alone (さつきの里) is not seen. Works on `personal.plain` text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_KANJI = "一-鿿㐀-䶿豈-﫿\U00020000-\U0002fa1f々〆ヶヵ"
_KATAKANA = "ァ-ヴー"


def _any(words: str) -> str:
    return "|".join(sorted(words.split(), key=lambda word: (-len(word), word)))


# ---- a name, then what it is: あおば台内科クリニック --------------------------------------------------

_AFTER = re.compile(
    rf"(?P<kind>クリニック|医院|病院|診療所|薬局|ステーション|センター|事業所|ホーム(?!ページ|ヘルパ|ルーム|ドクタ)|苑|(?<![別山])荘(?!厳))"
    rf"(?P<branch>(?!本店|支店)[{_KANJI}{_KATAKANA}]{{1,6}}店)?"
)
_BEFORE = re.compile(rf"(?P<soft>[ぁ-ん]*)(?P<hard>[{_KANJI}{_KATAKANA}A-Za-z・]*)$")
_HARD_BEFORE = re.compile(rf"[{_KANJI}{_KATAKANA}]+$")
_REACH = 30  # characters before the kind that are looked at
# What describes a kind of body without naming one.
_KINDS_OF = _any(
    "在宅 療養 支援 後方 前方 急性期 慢性期 回復期 維持期 超急性期 地域 包括 ケア 医療 介護 福祉 障害 障がい 障碍 児 者 総合 大学 付属 附属 公立 公的 民間 私立 市立 区立 町立 村立"
    " 県立 都立 国立 組合立 市民 県民 専門 有床 無床 連携 協力 中核 中心 拠点 基幹 近隣 近郊 近所 近く 同一 同 各 他 当 当該 本 貴 御 元 先 旧 新 市内 県内 区内 町内 都内 府内 道内 管内 圏内 圏域 市外 県外"
    " 区外 圏外 域内 域外 内 外 間 等 地区 一般 精神科 精神 小児科 小児 内科 外科 歯科 眼科 皮膚科 整形外科 産婦人科 婦人科 産科 耳鼻科 耳鼻咽喉科 泌尿器科 神経内科 神経 心療内科 循環器 脳神経 消化器 呼吸器 外来"
    " 入院 退院 転院 訪問 往診 休日 夜間 昼間 救急 救命 急患 急病 急変 二次 三次 一次 指定 特定 機能 強化 型 単独 複数 受入 受入れ 搬送 紹介 患者 診療 診断 検査 調剤 門前 薬 がん ガン 癌 緩和 ホスピス 災害 拠点病院"
    " 感染症 療育 結核 リハビリ リハビリテーション 看護 認知症 疾患 高齢者 高齢 特別 養護 有料 軽費 養 老 老人 サービス 付 付き 住宅 住宅型 向け デイ 相談 通所 短期 入所 生活 小規模 多機能 居宅 コール 研修 情報"
    " データ 保健 健康 市町村 市区町村 都道府県 県 市 区 町 村 都 府 国 道 主治 提供 実施 委託 受託 参加 対象 登録 担当 所属 利用 運営 管理 設置 病 院 開設 統括 保険 予防 接種 へき地 僻地 離島 施設 防災 消防"
    " 全国 大規模 中規模 規模 大 中 小 多 主 民 私 両 双方 別 個別 子育て 若年 教育 就労 就業 放課後 児童 乳児 発達 男女 女性 消費 電話 配送 物流 給食 配食 事業 部門 全 全て 現 計画 関係 多職種 職種 ワーク"
    " ヘルス メディカル 並 併設 附設 系列 グループ 個人 法人 かかりつけ ナース ヘルパー ケアプラン ボランティア ワンストップ サポート サポー ハブ マイ プラット シニア ショート ショートステイ 日 月 週 移行 自立 訓練 継続 定期 巡回 随時"
    " 対応 対応型 共同 援助 重症 重度 心身 医療的 推進 調整 交流 活動 啓発 普及 調査 研究 開発 技術 推薦 認定 周辺 隣接 遠方 最寄 最寄り 既存 新規 候補 希望 予定 提携 契約 受診 通院 通所型 訪問型 入居 介護付 療養型 医療型 介護型"
    " 病床 病棟 地方 中央 都市 都市部 過疎 山間 山間部 有志 全数 半数 一部 大半 多数 少数 主要 常勤 医師 精神保健 母子 女性相談 年金 虐待 権利 擁護 成年後見 後見 若者 暮らし 人材 実習 臨床 高度 先進 周産期 母体 胎児 外傷"
    " 脳卒中 心臓 腎 透析 糖尿病 生殖 不妊 健診 検診 ドック 人間ドック 事務 告示 広域 全域 医薬 衛生 環境 食品 血液 採血 夜勤 日勤 交番 保護 更生 矯正 自治体 行政 役所 本庁 支所 分 上 下 前 後 非 非常 無 有 未 既 兼 例 約 第 数 何 某"
    " および 及び 又 又は 並び 並びに 若しくは と や の へ ・ 訪看 クリニック 医院 病院 診療所 薬局 ステーション センター 事業所 ホーム"
)
_GENERIC = re.compile(f"(?:{_KINDS_OF})*")
# Hiragana that binds words; everything else of three characters and more before a kind of body is taken for a name.
_BINDS = re.compile(
    r"(?:[はがをにでのともやへか]|する|した|して|いる|ある|ない|など|から|まで|より|ため|および|または|ならびに|もしくは|かかりつけ|がる|それぞれ|すべて|とも|れた|れる|った|って|いた|きた|ような|という|よる|おける|いわゆる"
    r"|できる|やすい|にくい|たい|しい|ほか|うち|ところ|もと|まちなか|もっとも|ごと|べき|すぐ|まだ|もう|とても|よく|いくつ|いろいろ|さまざま|ます|です|ました|せん|だけ|ほど|くらい|むけ|つき|ひと|ふた|おなじ|ちかく)$"
)


def _named_before(flat: str) -> Iterator[tuple[int, int]]:
    for found in _AFTER.finditer(flat):
        begin = max(0, found.start() - _REACH)
        before = _BEFORE.search(flat, begin, found.start())
        end = found.end() if found["branch"] and not _GENERIC.fullmatch(found["branch"]) else found.end("kind")
        if before and (start := _start_of(before)) is not None:
            yield start, end


def _start_of(before: re.Match[str]) -> int | None:
    """Where the name before a kind of body begins; None where there is none."""
    soft, hard, start = before["soft"], before["hard"], before.start("hard")
    joined = before.start() > 0 and not _breaks(before.string[before.start() - 1])
    if joined and len(soft) > 3 and soft[0] in "はがをにでのともやへ":
        soft = soft[1:]  # 主治医はあおば台クリニック
    if len(soft) >= (3 if joined else 2) and not _BINDS.search(soft):
        start = before.end("soft") - len(soft)
        return start if start > before.start() else _with_what_precedes(before.string, start)
    bare = hard.strip("・")
    return None if len(bare) < 2 or _GENERIC.fullmatch(bare) else start + hard.index(bare)


def _with_what_precedes(flat: str, start: int) -> int:
    """八千代あおぞら: of one name with what stands right before it, unless that only describes."""
    found = _HARD_BEFORE.search(flat, max(0, start - _REACH), start)
    return start if found is None or _GENERIC.fullmatch(found[0]) else found.start()


def _breaks(character: str) -> bool:
    return not re.match(f"[{_KANJI}{_KATAKANA}A-Za-z0-9]", character)


# ---- what it is, then its name: 訪問看護ステーションひまわり ----------------------------------------

_CORPORATION = _any(
    "株式会社 有限会社 合同会社 一般社団法人 公益社団法人 一般財団法人 公益財団法人 社団法人 財団法人 医療法人社団 医療法人財団 医療法人 社会医療法人 社会福祉法人 学校法人 宗教法人 NPO法人 特定非営利活動法人 生活協同組合"
)
_SERVICE = _any(
    "訪問看護ステーション 訪看ステーション 訪問介護ステーション ヘルパーステーション 居宅介護支援事業所 訪問介護事業所 通所介護事業所 相談支援事業所 地域包括支援センター デイサービスセンター デイサービス ケアプランセンター 有料老人ホーム 特別養護老人ホーム"
    " 養護老人ホーム 特養 介護老人保健施設 老健 介護医療院 グループホーム サービス付き高齢者向け住宅 サ高住 小規模多機能型居宅介護 小規模多機能 看護小規模多機能型居宅介護 看多機 ショートステイ 訪問診療クリニック ケアハウス"
)
_SOFT_NAME = rf"(?![はがをにでのともやへ])(?P<soft>[ぁ-ん]{{2,10}})[{_KANJI}{_KATAKANA}]{{0,10}}"
_HARD_KANA = rf"[{_KATAKANA}]{{3,12}}[{_KANJI}]{{0,6}}"
_QUOTED = re.compile(rf"(?:{_CORPORATION}|{_SERVICE})[ ]?[「『](?P<name>[^「」『』\n]{{1,20}})[」』]")
_FOLLOWED = re.compile(rf"(?:{_CORPORATION}|{_SERVICE})[ ]?(?P<name>{_SOFT_NAME}|{_HARD_KANA})")
_INCORPORATED = re.compile(rf"(?:{_CORPORATION})[ ]?(?P<name>[{_KANJI}{_KATAKANA}]{{2,24}})")
_TAIL = re.compile(
    r"(?:における|において|について|に対して|に対する|によって|による|により|という|といった|として|としては|とともに|かもしれない|ではない|ですが|でした|です|など|から|まで|より|では|には|とは|への|での|さん|さま|[はがをにでのともやへ])+$"
)
_FUNCTION = re.compile(
    r"(?:から|まで|より|など|および|または|ならびに|もしくは|おける|おいて|ついて|よる|よって|として|という|だけ|ごと|さん|さま|です|でし|ます|ました|あて|あるい|ある|あり|いる|いな|すべて|それぞれ|ほか|なら|なの|なく|なる|みな|らしい|ばかり"
    r"|くらい|ぐらい|しか|しな|する|した|して|こそ|さえ|ずつ|つき|どう|どの|この|その|あの|いず|ため|うち|まわり|もの|こと|よう|そう|むけ|づく|じゃ|ただ|まだ|もう|および|かつ|かから|かど|きた|きて|くだ|くれ|けど|けれ|せず|たち|たり|だっ|って|っぽ|てい|ところ|ほど|ほう|ら[をがはのにで])"
)
_TRAILING = re.compile(
    "(?:所長|管理者|理事長|施設長|事務長|職員|看護師|相談員|担当者?|代表|会長|社長|院長|様|宛|側|内|等|間|立|化|格|数|名義)$"
)
_COMMON_KATAKANA = re.compile(
    "(?:スタッフ|サービス|センター|ケア|マネジャー|マネージャー|ショートステイ|リハビリテーション|リハビリ|デイ|ステーション|ホーム|ヘルパー|プラン|グループ|コーディネーター|ナース|チーム|ユニット|シート|メンバー|アンケート|システム|ネットワーク|パンフレット|リスト|ー|・)+"
)
_OFFICE = re.compile(
    f"(?:{_any('連絡 協議会 部会 協会 会議 連合会 交付金 補助金 加算 基準 職員 管理者 所長 所属 利用者 入所者 入居者 開設 開設者 設立 認可 認定 理事長 理事 役員 経営 資格 格 法 法人 会計 税 役 参入 事務局 代表 以外 全体 関係者 型 本部 部門 向 向け 経由 の と や')}|{_KINDS_OF})*"
)


def _named_after(flat: str) -> Iterator[tuple[int, int]]:
    for found in _QUOTED.finditer(flat):
        yield found.start(), found.end()
    for found in _FOLLOWED.finditer(flat):
        if (name := _name_of(found)) and not _FUNCTION.match(name) and not _COMMON_KATAKANA.fullmatch(name):
            yield found.start(), _with_the_rest(flat, found.start("name") + len(name))
    for found in _INCORPORATED.finditer(flat):
        name = _trimmed(found["name"])
        if name and not _OFFICE.fullmatch(name) and not _COMMON_KATAKANA.fullmatch(name):
            yield found.start(), found.start("name") + len(name)


def _name_of(found: re.Match[str]) -> str:
    """ひまわりの連携 ends where a particle follows; まごころケア goes on."""
    soft = _TAIL.sub("", found["soft"] or "")
    return _trimmed(found["name"] if soft == (found["soft"] or "") else soft)


def _trimmed(name: str) -> str:
    """Without what follows a name: ひまわりの, 青嵐会理事長."""
    bare = _TAIL.sub("", _TRAILING.sub("", name))
    return bare if len(bare) > 1 else ""


def _with_the_rest(flat: str, end: int) -> int:
    """さつきの里, ほほえみの会: a の inside a name."""
    inside = re.compile("の[会里家丘森郷杜園苑村](?![一-鿿])").match(flat, end)
    return inside.end() if inside else end


def in_text(flat: str) -> Iterator[tuple[int, int]]:
    """(start, end) of bodies that their kind gives away; they may lie on one another."""
    yield from _named_before(flat)
    yield from _named_after(flat)

"""Names in running text, without 様・さん: only where something beside them says that they are one.

A known family name with a given name; a name after 患者の or 長男の, before （78歳） or a birth date, behind a label; before or
after a title (柿沼医師, 所長 東海林); in 「柏市の渡邊です」; in katakana; the reading in brackets behind a name. Family names
are place names too, so one that stands alone counts beside such words only, and where it is known as a place or a
word only right before a title. A family name in no list counts before a title if it ends like one (沼, 村, 田).

Patterns begin with the rare thing (a title, the last character of a given name, a bracket) and what stands before it is
looked up, so that a longer list of names costs nothing. Works on `personal.plain` text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from kyoten.rules import surnames

_KANJI = "一-鿿㐀-䶿豈-﫿\U00020000-\U0002fa1f々〆ヶヵ"
_MORE = f"[{_KANJI}ノ]"  # 井ノ口


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _any(words: Iterable[str]) -> str:
    """One of these, the longest first."""
    return "|".join(sorted(words, key=lambda word: (-len(word), word)))


def _firsts(words: Iterable[str]) -> str:
    return "".join(sorted({word[0] for word in words}))


def _ends(words: Iterable[str]) -> str:
    """The last characters of these, for a class of characters."""
    return "".join(sorted({word[-1] for word in words if word[-1] > "一" or word[-1] in "々"} | set("一子")))


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
    " 仲 塙 塚 守 榊 榎 梶 柴 桜 桑 桐 沢 湯 源 畠 石 磯 福 稲 窪 笹 篠 細 臼 芝 荒 菊 萩 薮 藪 角 越 迫 錦 鎌 長 鳥 鶴 黒 旭 金 境 要 新 黛 楢 栃 樋 筧 槙 鴨 鶉 嵐 蔭 雫 鎗 鈎 轟 湊 塙 舘 簗 蕨 椛 柊 楡"
)
# Family names that are as often a place: alone they say nothing.
_PLACES = _words(
    "千葉 福島 石川 山口 宮崎 川崎 中野 市川 松本 川口 熊谷 上野 大野 小野 飯田 飯塚 小松 大島 高田 三浦 桜井 中川 川上 太田 安田"
    " 中島 大塚 新井 古川 荒井 吉川 大西 中西 小島 丸山 平野 島田 高木 本田"
)
FAMILY = SURNAMES | surnames.SURNAMES
_ALONE = FAMILY - _PLACES - surnames.PLACES
# What a family name that is in no list ends with, and words that end so too.
_FAMILY_END = frozenset(
    "田川村山野原藤木島嶋崎﨑橋沢澤林森塚谷岡瀬倉浦浜濱松杉竹津賀坂池堀辺邊邉沼越垣熊羽柳庭葉宮窪根寺巻"
)
_NO_FAMILY = _words(
    "分野 視野 町村 市村 農村 漁村 山村 離島 半島 列島 諸島 孤島 森林 山林 農林 植林 高原 草原 病原 抗原 起原 大根 屋根 垣根 祝賀 年賀 引越 樹木 草木 土木 材木 庭木 河川 火山 鉱山 登山 下山 言葉 紅葉 落葉 若葉"
    " 校庭 家庭 王宮 子宮 迷宮 鉄橋 架橋 陸橋 歩道橋 水田 油田 炭田 渓谷 電池 海岸 周辺 近辺 身辺 湾岸 市川 松竹 新宮 酒蔵 全巻 上巻 下巻 各巻 圧巻 当村 同村 本村 貴村 県村 区村 他村 全村 各村 各島 本島 同島 当島"
    " 在宅 何処 人工林 国立 公立 一村 訪問 専門 認定 別館 周産 興津 根津 歯根 神経根 毛根 球根 禍根 乾田 入山 出産 管理 福祉 介護 医療 看護 船橋 松戸 流山 市原 東葛 印旛 香取 海匝 夷隅 安房 君津 山武 長生"
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
    " 菊枝 節子 政吉 千佳 昭三 由起子 美智代 百合子 栄治 源蔵 菊江 照江 久代 道子 正巳 克己 克彦 克也 武彦 信彦 義彦 晴彦 邦彦 邦夫 邦雄 国夫 国雄 照夫 照雄 辰夫 辰雄 茂雄 茂男 松男 松雄 竹男 竹雄 梅子"
    " 昌子 昌彦 昌弘 雅彦 雅之 雅人 雅美 雅子 裕司 裕也 裕一 祐司 祐樹 勇気 優太 優斗 優子 優香 亜希子 亜紀 亜由美 綾乃 彩乃 彩夏 千夏 美夏 美雪 美幸 美代 美保 美奈子 美千代 富美 富江 富枝 繁子 茂子 静香 純子 淳子"
    " 早苗 真紀 真希 真理 真奈美 麻衣 麻里 舞子 奈々 奈緒 菜々子 さくら ひろみ あけみ かおり みどり まゆみ なおみ くみこ よしこ けいこ ようこ はなこ かずこ さちこ"
)
# X子 with a family name before it; these are words.
_NOT_KO = _words(
    "電子 原子 様子 帽子 椅子 女子 男子 調子 冊子 王子 親子 種子 分子 粒子 因子 利子 障子 団子 餃子 弟子 面子 拍子 格子 梯子 双子 息子 扇子 菓子 玉子 末子 母子 父子 遺伝子 量子 光電子 中性子 逗子 銚子 米子 我孫子 金子 益子 小女子"
)
# What elderly people are called, in kana.
_OLD_GIVEN = _words(
    "ハナ キヨ トメ ヨネ フミ トシ タケ ツネ ミツ シズ ハル ナツ フユ マツ ウメ ツル カメ キク サト スミ セツ チヨ テル トク トミ ヌイ ノブ ハツ ヒサ フサ マサ ミヨ ムメ モト ヤス ユキ ヨシ リツ スエ ツヤ ヨネ キヌ ミチ サヨ ハツヱ キクエ トシエ フジ ミネ ウタ ノエ モヨ タネ キン ギン ツタ ヒデ ミヤ エツ シマ チエ ナカ ハマ ヒロ マキ マス ミキ ユウ ラク リン ワカ スズ セキ トヨ ナミ イネ イト エイ カネ キミ クニ コト サダ シゲ ソノ タカ タツ タマ"
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

_KO = rf"(?!(?:{_any(_NOT_KO)}))[{_KANJI}]{{1,2}}子"
_SOFT = {name for name in _GIVEN | _OLD_GIVEN if "ぁ" <= name[-1] <= "ん"}  # what follows may belong to the word
_HARD = (_GIVEN | _OLD_GIVEN) - _SOFT
_FULL_END = re.compile(rf"[{_ends(_HARD)}](?![{_KANJI}ァ-ヴー])")
_FULL_KANA = re.compile(
    rf"[{_KANJI}][ ]?(?P<given>[ァ-ヴ]{{2,3}}[子江枝代]?(?![ァ-ヴー]|[{_KANJI}](?<![様氏殿宅]))|(?=[{_firsts(_SOFT)}])(?:{_any(_SOFT)})(?=[はがをにのもとでへ、。,()「」:;/ \n]|さん|さま|[様氏]|$))"
)
_KANJI_ONE = re.compile(f"[{_KANJI}]")
_KANJI_BEFORE = re.compile(f"(?<=[{_KANJI}])")
_KO_NAME = re.compile(rf"{_KO}")
_STRONG_END = frozenset("郎雄夫江枝彦之輔吉蔵美恵治作司男")
_GIVEN_END = frozenset(
    "郎雄夫江枝彦之輔吉蔵美恵治作司男女代世一二三平也哉太樹紀香奈菜花音葉穂里理沙紗佳加織帆希実海斗人仁志史士朗洋弘幸子介助信義昭明正"
)
_SINGLE = frozenset(
    "茂徹亮恵守翔正勇豊隆清誠実進昇勉明昭孝修稔治学忍薫光博弘宏浩洋聡智剛健武猛満肇均潤淳純樹大巧匠仁司敬章彰晃旭渉歩望愛葵楓凛蓮茜桜杏栞碧環円操節静忠保力優直駿翼凌涼遼諒陸海岳久暁徳寛毅厚篤敦哲透亨享衛要雅綾舞瞳睦泰崇貴尚靖康朗"
)
_NO_GIVEN = _words(
    "自治 退治 政治 統治 主治 湯治 全治 完治 根治 不治 法治 紹介 仲介 媒介 厄介 交代 時代 現代 次代 世代 年代 近代 古代 初代 歴代 先代 前代 総代 冷蔵 貯蔵 埋蔵 内蔵 所蔵 製作 工作 操作 動作 著作 発作 制作 創作 農作"
    " 耕作 稲作 試作 名作 上司 行司 宮司 工夫 丈夫 農夫 漁夫 長江 大枝 小枝 恩恵 知恵 優美 賛美 甘美 新郎 長男 次男 三男 四男 未婚男 独身男 既婚男 男女 長女 次女 三女 少女 美女 統一 単一 唯一 万一 均一 画一 無二 再三 公平 水平 不平 太平 泰平"
    " 開花 生花 献花 録音 発音 騒音 雑音 言葉 現実 事実 確実 充実 誠実 口実 果実 切実 内海 近海 沿海 日本人 個人 法人 老人 成人 主人 夫人 婦人 病人 友人 知人 他人 本人 求人 職人 隣人 新人 素人 玄人 意志 有志 同志 歴史 弁護士 栄養士 救助 援助 補助 介助 扶助 自助 互助 共助 公助 賛助"
    " 受信 発信 送信 通信 返信 配信 着信 電信 意義 講義 定義 主義 説明 証明 不明 解明 判明 表明 照明 文明 発明 訂正 改正 修正 適正 補正 是正 不正 公正 校正 矯正 後世 前世 参加 追加 増加 付加 負荷 地理 管理 修理 処理 整理 料理 原理 心理 倫理 代理 総理 病理 生理 調理 無理 経理"
    " 組織 希望 一人 二人 三人 数人 何人 各人 人里 郷里 千里 万里 故里 周期 樹立 大樹 果樹 二世 中世 近世 出世"
)
# Of what describes a physician or a nurse (常勤, 訪問, 病棟, 若手) without naming one.
_OFFICE_SIGNS = frozenset(
    "在宅専門常勤任兼担当主治訪問病院外来棟科内小児産婦業務若手女男性新人中堅連携退入院調整救急薬局診療研修養成看護介福祉相談支援生活居包括市町村県区都道府郡各全該他近隣複数名指導協力嘱託直属開医学校大総合地域施設民間公立国個現所長初後前期間夜日休対応可能必要紹介派遣処方認定登録推奨顧問管理者"
    "麻酔透析緩和潜攻究後任援応災放射線整形泌尿多職種同一二三四五六七八九十次級准副元旧代表顔恩教歯眼皮膚耳鼻精神経循環器呼吸消化脳心臓腎血液老年高齢障害患家族本自貴弊社員部課係室会団体法機関事司実際非有無未既良優秀熟練数何別特定期予防保健衛生助産薬剤検査技士理作言語栄養士派出往巡回待受付窓口交替代理兼業働若年以上下約計毎週月火水木金土末"
)
_SHORT_WORDS = frozenset("新平要長境西東北南")
_PLACE_END = re.compile("[都道府県市区町村郡立]$")
_GIVEN_HEAD_NO = frozenset("市区町村県府都郡地駅第年月日時分名人件回第各同当大学校院所病医看介護薬福祉局課部係室会社店")
_KATAKANA_BEFORE = re.compile("(?<=[ァ-ヴー])")
_PATIENT = "患者|利用者|入居者|入所者|療養者|対象者|被保険者|相談者|ご本人|本人|御本人|キーパーソン|主介護者"
_AFTER_PATIENT = re.compile(
    rf"(?:{_PATIENT})(?:の|は|が|で|である|、|,|・|/|\(|「)?[ ]?(?P<name>[{_KANJI}]{_MORE}{{1,5}}(?:[ ](?:[{_KANJI}]{{1,3}}|[ぁ-んァ-ヴ]{{2,4}})|[ァ-ヴ]{{2,4}}|[ぁ-ん]{{2,3}}(?=[ (、。]))?)"
    r"(?=[はがをにもとでへの、。,()「」:;/ \n]|より|から|宅|$)"
)
_PREFIX = re.compile(rf"(?:{_PATIENT})")
_KIN_GIVEN = re.compile(
    rf"(?:夫|妻|父|母|父親|母親|長男|次男|三男|長女|次女|三女|息子|娘|孫|姉|妹|兄|弟|祖父|祖母|嫁)(?:の|は|、|,|:|・|\(|である|[ ])[ ]?"
    rf"(?P<name>{_any(_GIVEN)}|{_KO}|{_any(name for name in _OLD_GIVEN if name[-1] == '子')})(?=[はがをにもとでへの、。,()「」:;/ \n]|より|から|$)"
)
_KIN = re.compile(
    r"(?:夫|妻|父親?|母親?|娘|姉|妹|孫|長[男女]|次[男女]|二[男女]|三[男女]|息子|兄|弟|祖[父母]|嫁|姪|甥|叔[父母]|伯[父母])(?:さん|様)?(?:の|は|、|,|・|/|:|\(|である|[ ])[ ]?"
    rf"(?P<name>[{_KANJI}]{_MORE}{{0,4}}(?:[ ](?:[{_KANJI}]{{1,3}}|[ぁ-んァ-ヴ]{{2,4}})|[ァ-ヴ]{{2,4}}[子江枝代]?)?|[ァ-ヴ]{{2,3}}子?)(?=[はがをにもとでへの、。,()「」:;/ \n]|より|から|さん|$)"
)
_WHO = "氏名|氏[ ]名|お名前|名前|姓名"
_SAID_BY = (
    "所長|院長|事務長|理事長|施設長|センター長|室長|課長|部長|係長|師長|管理者|主任|医師|看護師|保健師|薬剤師|療法士|相談員|福祉士|ワーカー|ケアマネ(?:ジャー|ージャー)?|MSW|担当者?|主治医|記録者|発信者|連絡者|報告者|対応者|受付者|聴取者|訪問者|相談者|申込者|依頼者|紹介者"
    "|記載者|予定者|代表|会長|後見人|介護者|キーパーソン|連絡先|窓口|対象者|患者|利用者|入居者|入所者|家族"
)
_STRONG = re.compile(
    rf"(?:{_WHO}|患者名|利用者名|入居者名|対象者名)[ ]?(?:\([^)\n]{{0,8}}\))?(?:[ ]?[】\]])?[ ]?[:/は ][ ]*"
    rf"(?P<name>[A-Z][a-z]{{1,12}}(?:[ ][A-Z][a-z]{{1,12}}){{1,3}}|[ァ-ヴー]{{2,10}}(?:[・ ][ァ-ヴー]{{2,10}}){{1,3}}"
    rf"|[{_KANJI}]{_MORE}{{0,5}}(?:[ ](?:[{_KANJI}]{{1,3}}|[ぁ-ん]{{2,5}}|[ァ-ヴ]{{2,5}})|[ァ-ヴ]{{2,4}}|[ぁ-ん]{{2,4}})?)(?=[ ]*(?:$|[\n(、。,/;)\[\d]|[ ]|さん|さま|[様氏殿]|です|で、))",
    re.MULTILINE,
)
_NAMED_AFTER = re.compile(
    rf"(?:{_SAID_BY})(?:[ ]?[】\]])?[ ]*(?P<sign>[:/、 ])[ ]*(?P<name>[{_KANJI}]{_MORE}{{0,4}}(?:[ ](?:[{_KANJI}]{{1,3}}|[ぁ-んァ-ヴ]{{2,5}})|[ァ-ヴ]{{2,4}})?)"
    r"(?=[ ]*(?:$|[\n(、。,/;)\[」]|[ ]|より|から|が|です|でござ|と申|さん|様))",
    re.MULTILINE,
)
# What follows 氏名 and the like on a form without being anybody.
_FORM = re.compile(
    r"住所|役職|職[名種業]|所属|部署|電話|年齢|性別|生年|連絡|続柄|団体|機関|法人|名称|備考|番号|日[時付]|記[入載]|未[定記]|不[明在要]|省略|同[上左]|別[紙添記]|印|署名|必須|任意|匿名|要介護|交[代替]|変更|会議|研修|調整|募集|届|欠席|出席|講演|挨拶"
    r"|各|地[区域]|[部班課室係科局]$|[市区町村県]$|委員|常勤|選任|兼[務任]|配置|事業|一覧|名簿|資格|診療|歯科|内科|外科|看護|介護|医[師療]|連携|支援|相談|理学|作業|言語|管理|業務|確認|説明|対応|担当|責任|退院|入院|自宅|同居|独居|男性?$|女性?$|本人|家族|期間|なし|あり"
)
# 渡邊です: who writes or speaks says so.
_SAYS = re.compile(
    r"です(?=[。、.,!！\n ]|$|が|けど|けれど|よろしく)|でございま|と申しま|と申し上げ|といいま|と言いま|といいます"
)
_STAFF = re.compile(
    rf"[師員者士長室課係院所局会社点医括方ーンクネMWsSTr]の(?P<name>[{_KANJI}]{_MORE}{{1,3}})"
    r"(?=です|でござ|が|より|から|は|と(?![しい])|に(?=[連報電確相紹])|、|さん|様)"
)
_TITLE = re.compile(
    r"歯科医師(?!会)|主治医(?!意見書の)|医師(?![会確不数派偏配免法])|Dr(?![A-Za-z])|DR(?![A-Za-z])|ドクター(?!カー|ヘリ|コー)|先生|看護師(?![会確不数長等])|Ns(?![A-Za-z0-9])|NS(?![A-Za-z0-9])|CM(?![A-Za-z0-9])|MSW(?![A-Za-z0-9])"
    r"|PT(?![A-Za-z0-9])|OT(?![A-Za-z0-9])|ST(?![A-Za-z0-9])|ナース(?![ァ-ヴ])|保健師(?!会)|助産師(?!会)|薬剤師(?!会)|相談員(?![会研連])|療法士(?!会)|ケアマネ(?:ジャー|ージャー)?(?![ァ-ヴ会協連研])|ヘルパー(?![ァ-ヴ])|弁護士(?!会)"
    r"|司法書士(?!会)|行政書士(?!会)|主任(?![介ケ])|主査|係長|課長(?!補)|部長|師長|院長|所長|室長|局長|理事長|施設長|理事|会長|家(?=[のはがにへ、])|宅(?=[のはがにへを、。])|殿(?=$|[ \n、。])"
)
_KIN_WORD = re.compile(
    r"夫|妻|[父母娘姉妹孫]|[父母]親|[長次二三四][男女]|息子|[兄弟]|祖[父母]|嫁|姪|甥|[叔伯][父母]|本人"
)
_RUN_BEFORE = re.compile(rf"[{_KANJI}]{_MORE}*$")
_LABELLED = re.compile(
    rf"(?:^|[\n。、・■○●◆【\[ (])(?:氏[ ]?名|お?名前|{_PATIENT}|患者名|利用者名|主治医|担当医|担当者?|ケアマネ(?:ジャー)?|家族|長男|長女|次男|次女|夫|妻)"
    rf"(?:[ ]?[】\]]|[ ]?[:/]|[ ])[ ]*(?P<name>[{_KANJI}]{{1,4}}[ ]?(?:[{_KANJI}]{{1,3}}|[ぁ-ん]{{2,4}}|[ァ-ヴ]{{2,4}})?)(?=[ ]*(?:$|[\n(、。,/;)\[]|[ ]))",
    re.MULTILINE,
)
_AGE_OR_DAY = r"(?:満?[ ]?\d{1,3}[歳才](?![以未代から～~児前超\-])|(?:明治|大正|昭和|平成|令和|[MTSHR])[ ]?(?:\d{1,2}|元)[年./]|(?:18|19|20)\d\d[年./]\d|(?:男性|女性|[男女])[ ]?[,、)・]|生年月日)"
_AGED = re.compile(rf"[(、,/・ ][ ]?{_AGE_OR_DAY}")
_BEFORE_AGE = re.compile(
    rf"(?P<name>[{_KANJI}]{_MORE}{{0,9}}(?:[ ][{_KANJI}]{{1,3}}|[ぁ-ん]{{2,3}}|[ ][ぁ-ん]{{2,4}}|[ ]?[ァ-ヴ]{{2,4}})?)[ ]?$"
)
_ENDING = re.compile(r"[子郎美雄夫江枝恵彦之介輔]$")
_NO_ENDING = re.compile(rf"(?:{_any(_NOT_KO)}|丈夫|工夫|老夫|農夫|漁夫|若夫|介護|紹介|媒介|厄介|仲介|長江|[のに]夫)$")
_KATAKANA = re.compile(
    rf"(?P<name>(?:{_any(_READINGS)})(?:[ ・](?P<given>[ァ-ヴー]{{2,6}})|{_READINGS_GIVEN}))(?![ァ-ヴー])"
)
_KANA_LABEL = re.compile(
    r"(?:フリガナ|ふりがな|カナ|かな|よみがな|読み仮名)[ ]?(?:\)?[:)】\]][ ]*|[ ]+|\([ ]?)(?P<name>[ァ-ヴー]{2,6}[ ・][ァ-ヴー]{2,6}|[ぁ-ん]{2,6}[ ・][ぁ-ん]{2,6})"
    r"(?=$|[^ァ-ヴーぁ-ん])"
)
_READ = re.compile(
    r"[ ]?\([ ]?(?P<name>[ァ-ヴー]{2,7}(?:[ ・]?[ァ-ヴー]{2,7})?|[ぁ-ん]{2,7}(?:[ ・][ぁ-ん]{2,7})?)[ ]?\)[ ]?(?P<then>様|さん|さま|氏|先生|殿|です|でござ|と申|といい|[市区町村県駅郡]|地区)?"
)
_READING = re.compile(r"[ ]?[(/][ ]?(?P<name>[ァ-ヴー]{2,6}[ ・]?[ァ-ヴー]{2,6}|[ぁ-ん]{2,6}[ ・][ぁ-ん]{2,6})[ ]?[)]")
_INITIALS = re.compile(r"(?<![A-Za-z.])[A-Z]\.[ ]?[A-Z]\.?(?=[ ]?(?:様|さん|さま|氏|殿))")
_INTRODUCED = re.compile(r"と(?:申します|申し上げます|申す者)")
_ROLES = re.compile(
    r"(?:[様氏殿君者師員長係課部局院館所店会社団]|病院|医院|薬局|施設|先生|市内|県内|区内|町内|市民|県民|市立|県立|家族|男性|女性|在住|地区|地域|訪問|支援|包括|方面|駅前|本店|支店|出身|[都道府県市区町村郡])$"
)


def in_running_text(flat: str) -> Iterator[tuple[int, int]]:
    """(start, end) of names that something beside them gives away; they may lie on one another."""
    yield from _full_names(flat)
    yield from (found.span() for found in (_INITIALS.finditer(flat) if "." in flat else ()))
    for found in _AFTER_PATIENT.finditer(flat):
        name = found["name"]
        if name in _ALONE or name not in FAMILY and (_person(name) or name[:2] in SURNAMES and _known(name)):
            yield found.span("name")
        elif name in FAMILY and (read := _READ.match(flat, found.end())) and not _place_follows(read):
            yield found.span("name")
            yield read.span("name")
    for search in (_before_title, _said, _read, _after_role):
        yield from search(flat)
    for pattern in (_KIN_GIVEN, _KANA_LABEL):
        yield from (found.span("name") for found in pattern.finditer(flat))
    for found in _LABELLED.finditer(flat):
        if _likely(found["name"].strip()):
            yield found.start("name"), found.start("name") + len(found["name"].rstrip())
    for found in _AGED.finditer(flat):
        if before := _BEFORE_AGE.search(flat, max(0, found.start() - 16), found.start()):
            yield from _aged(before)
    for found in _KATAKANA.finditer(flat):
        inside = _KATAKANA_BEFORE.match(flat, found.start())
        if not inside and not _NOT_GIVEN.search(found["given"] or found["name"]):
            yield found.span("name")


def _full_names(flat: str) -> Iterator[tuple[int, int]]:
    """A family name and a given name: the end of a given name is searched, what stands before it is looked up."""
    for found in _FULL_END.finditer(flat):
        end = found.end()
        for size in (3, 2):
            given, at = flat[max(0, end - size) : end], end - size
            known = given in _HARD
            if at > 0 and (known or _shaped(given)):
                start = _family_before(flat, at)
                if start is not None and (known or given[-1] == "子" or flat[start:at].rstrip(" ") in _ALONE):
                    yield start, end
                    break
        else:
            if (
                flat[end - 2 : end - 1] == " "
                and found[0] in _SINGLE
                and (start := _family_before(flat, end - 1)) is not None
            ):
                yield start, end
    for found in _FULL_KANA.finditer(flat):
        given = found["given"]
        if _old(given) or given in _SOFT:
            start = _family_before(flat, found.start("given"))
            if start is not None:
                yield start, found.end("given")


def _family_before(flat: str, at: int) -> int | None:
    """Where the family name begins that ends at this place, a blank aside; one character only where no other stands before it."""
    if flat[at - 1] == " ":
        at -= 1
    for size in (4, 3, 2):
        if at >= size and flat[at - size : at] in FAMILY:
            return at - size
    if at > 0 and flat[at - 1] in SHORT_SURNAMES and not _KANJI_BEFORE.match(flat, at - 1):
        return at - 1
    return None


def _run_before(flat: str, at: int) -> str:
    """The characters of a name right before this place; empty where there are more than a name has."""
    found = _RUN_BEFORE.search(flat, max(0, at - 9), at)
    return found[0] if found and len(found[0]) < 9 else ""


def _before_title(flat: str) -> Iterator[tuple[int, int]]:
    """柿沼医師, 朽木課長, 鎌田家の."""
    for found in _TITLE.finditer(flat):
        end = found.start()
        blank = end > 1 and flat[end - 1] == " "
        run = _run_before(flat, end - blank)
        if found[0] in "家宅殿" or blank:
            if run in _ALONE:
                yield end - blank - len(run), end - blank
        elif run and (name := _titled(run, staff=found[0][-1] not in "任査長事")):
            yield end - len(name), end


def _titled(run: str, staff: bool) -> str:
    """Of what stands before a title, the name."""
    for size in (4, 3, 2):
        if run[-size:] in FAMILY and (
            len(run) <= size or _ROLES.search(run[:-size]) and not _PLACE_END.search(run[:-size])
        ):
            return run[-size:]
    if _shaped_family(run) or staff and (run in SHORT_SURNAMES and run not in _SHORT_WORDS or _unlisted(run)):
        return run
    return ""


def _said(flat: str) -> Iterator[tuple[int, int]]:
    """柏市の渡邊です, 鵜飼と申します, 看護師の宍戸が."""
    for found in _INTRODUCED.finditer(flat) if "と申" in flat else ():
        run, end = _run_before(flat, found.start()), found.start()
        name = next((run[-size:] for size in (4, 3, 2) if run[-size:] in FAMILY), run)
        if (
            name in SHORT_SURNAMES
            or 2 <= len(name) <= 4
            and (name in FAMILY or not _ROLES.search(name) and not _FORM.search(name))
        ):
            yield end - len(name), end
    for found in _SAYS.finditer(flat):
        run, end = _run_before(flat, found.start()), found.start()
        start = end - len(run)
        if run in _ALONE and (start == 0 or flat[start - 1] in "の、。 \n"):
            yield start, end
    for found in _STAFF.finditer(flat):
        name = found["name"]
        if (
            name in FAMILY
            and (name in _ALONE or flat.startswith(("です", "でござ"), found.end()))
            or _shaped_family(name)
        ):
            yield found.span("name")


def _read(flat: str) -> Iterator[tuple[int, int]]:
    """柏原（かしわばら）様, 楠木 一夫（くすのき かずお）."""
    for found in _READ.finditer(flat):
        end, then = found.start(), found["then"]
        run = _run_before(flat, end)
        start = end - len(run)
        if not run or _place_follows(found):
            continue
        if (
            start > 1
            and flat[start - 1] == " "
            and (family := _run_before(flat, start - 1))
            and _person(f"{family} {run}")
        ):
            start -= 1 + len(family)
        elif run not in _ALONE and not _person(run) and not (then and 2 <= len(run) <= 4 and not _ROLES.search(run)):
            continue
        yield start, end
        yield found.span("name")


def _without_form_words(name: str) -> str:
    """蓑田 of 「担当者 蓑田 電話」."""
    first, _, second = name.partition(" ")
    return first if second and _FORM.search(second) else name


def _place_follows(read: re.Match[str]) -> bool:
    return (read["then"] or " ")[0] in "市区町村県駅郡地"


def _after_role(flat: str) -> Iterator[tuple[int, int]]:
    """所長 東海林, 氏名 御手洗 恵, 妻は山根トシエ."""
    for found in _STRONG.finditer(flat):
        name = _without_form_words(found["name"])
        two = " " in name or "・" in name
        if not _FORM.search(name) and (two or name in FAMILY or _person(name) or _likely(name)):
            yield found.start("name"), found.start("name") + len(name)
    for found in _NAMED_AFTER.finditer(flat):
        name = _without_form_words(found["name"])
        shaped = found["sign"] in ": " and _shaped_family(name)
        if name in _ALONE or not _FORM.search(name) and (_person(name) or shaped):
            yield found.start("name"), found.start("name") + len(name)
    for found in _KIN.finditer(flat):
        if _person(found["name"]) or found["name"] in _OLD_GIVEN and flat[found.start("name") - 1] not in "は(":
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
        if _known(text[start:]) or text[start:] in FAMILY or _person(text[start:]):
            yield begin + start, end
            return
    start = prefix.end() if (prefix := _PREFIX.match(text)) else 0
    if _likely(text[start:]):
        yield begin + start, end


def _person(name: str) -> bool:
    """A family name of the lists with what can be a given name; of two words, the second decides."""
    family, blank, given = name.partition(" ")
    if blank:
        if _KIN_WORD.fullmatch(family):
            return False
        return not _FORM.search(name) and (
            _given(given) and not _ROLES.search(family) or family in FAMILY and "ぁ" <= given[0] <= "ヴ"
        )
    return any(name[:size] in FAMILY and _given(name[size:]) for size in (4, 3, 2) if len(name) > size)


def _given(name: str) -> bool:
    """Whether it can be a given name beside a family name."""
    if name in _GIVEN or _old(name) or name in _SINGLE:
        return True
    return len(name) in (2, 3) and (
        _shaped(name) or name[-1] in _GIVEN_END and name not in _NO_GIVEN and name[0] not in _GIVEN_HEAD_NO
    )


def _old(given: str) -> bool:
    """ハナ, ハナヨ, ハナ子."""
    return given in _OLD_GIVEN or len(given) == 3 and given[:2] in _OLD_GIVEN and given[2] in "エヱヨミノヲ子江枝代"


def _shaped(given: str) -> bool:
    """Two or three characters that end like a given name and are no word: 栄治, 源蔵."""
    if given[-1] == "子":
        return _KO_NAME.fullmatch(given) is not None
    return (
        len(given) == 2
        and given[-1] in _STRONG_END
        and given not in _NO_GIVEN
        and given[0] not in _GIVEN_HEAD_NO
        and _KANJI_ONE.match(given) is not None
    )


def _unlisted(run: str) -> bool:
    """夏目 before 医師: two characters of which none is found in 常勤, 訪問, 病棟 and the like."""
    return (
        len(run) == 2
        and _OFFICE_SIGNS.isdisjoint(run)
        and run not in _NO_FAMILY
        and run not in _PLACES | surnames.PLACES
    )


def _shaped_family(name: str) -> bool:
    """Two characters that end like a family name and are neither word nor place; 塩ノ谷."""
    if len(name) == 3 and name[1] in "ノ之々":
        return not _ROLES.search(name)
    return (
        len(name) == 2 and name[1] in _FAMILY_END and name not in _NO_FAMILY and name not in _PLACES | surnames.PLACES
    )


def _known(name: str) -> bool:
    """A known family name with something after it that is no office word."""
    family, blank, given = name.partition(" ")
    if _ROLES.search(name):
        return False
    if blank:
        if _KIN_WORD.fullmatch(family) or _FORM.search(given):
            return False
        return family in FAMILY | SHORT_SURNAMES or given in _GIVEN | _OLD_GIVEN
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

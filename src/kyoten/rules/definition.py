"""What a programme definition file (TOML) may say: the schema, and nothing else.

Reading a file and its errors: `reading`. What a schema cannot say (periods that overlap, rules that
name a field which does not exist): `checks`. The descriptions here become docs/definitions.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time
from fractions import Fraction
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, InstanceOf, Strict, StringConstraints
from pydantic import Field as Key

from kyoten.rules.values import as_clock, as_day, as_day_or_moment, as_fraction, as_list_item, as_month_day

Step = Literal["apply", "bundle", "screening"]
Level = Literal["stop", "warn"]
Route = Literal["prefecture", "direct"]
OrganisationKind = Literal[
    "ministry", "secretariat", "prefecture", "health_centre", "municipality", "hub", "association", "other"
]
Weekday = Literal["月", "火", "水", "木", "金", "土", "日"]
FieldKind = Literal[
    "text", "longtext", "choice", "marks", "number", "date", "money", "email", "phone", "address", "table"
]

STEPS: tuple[Step, ...] = ("apply", "bundle", "screening")  # 申込 < とりまとめ < 選定の要件確認
_KINDS = (
    "ministry 国／secretariat 事務局／prefecture 都道府県／health_centre 保健所／municipality 市区町村／hub 拠点／"
    "association 関係団体／other その他の機関"
)
SHORT = 12  # characters of the name of a column
OURS = "ours"  # the source of what no official document says

Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
Id = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
Text = Annotated[str, StringConstraints(min_length=1)]
ShortName = Annotated[str, StringConstraints(max_length=SHORT)]
Share = Annotated[Fraction, BeforeValidator(as_fraction)]
MonthDay = Annotated[tuple[int, int], BeforeValidator(as_month_day)]
Day = Annotated[date, BeforeValidator(as_day)]
DayOrMoment = Annotated[InstanceOf[date], BeforeValidator(as_day_or_moment)]
Clock = Annotated[time, BeforeValidator(as_clock)]
Whole = Annotated[int, Strict()]
YesNo = Annotated[bool, Strict()]


class Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Period(Part):
    """期間（初日と最終日をともに含む）"""

    starts: Day = Key(description="初日")
    ends: Day = Key(description="最終日（この日を含む）")


class YearlySpan(Part):
    """毎年閉まる期間（年末年始など）"""

    starts: MonthDay = Key(description='初日。月-日（例 "12-29"）')
    ends: MonthDay = Key(description='最終日。月-日（例 "01-03"。初日より前の月日なら翌年）')
    text: Text = Key(description="画面に出す呼び名（例 年末年始）")
    source: Text = Key(description="根拠の文書と箇所。文書に無ければ ours")


class OfficeDays(Part):
    """営業日の数え方（土日・祝日のほかに閉まる日）"""

    closed_yearly: tuple[YearlySpan, ...] = Key(
        default=(
            YearlySpan(
                starts=(12, 29), ends=(1, 3), text="年末年始", source="行政機関の休日に関する法律 第1条第1項第3号"
            ),
        ),
        description="毎年閉まる期間。省くと 12月29日～1月3日",
    )


class Contact(Part):
    """連絡先"""

    name: Text = Key(description="名称（部署名まで。個人名は書かない）")
    email: Text = Key(description="メールアドレス")
    phone: str = Key(default="", description="電話番号")
    hours: str = Key(default="", description="受付時間の書き方（例 平日9時から17時まで）")


class Document(Part):
    """もとになった公式文書"""

    id: Id = Key(description="識別子")
    label: Text = Key(description="文書の呼び名（例 別紙2）")
    date: Day | None = Key(default=None, description="文書の日付")
    title: Text = Key(description="件名")


# ---- desk (相談窓口) --------------------------------------------------------------------------


class Window(Part):
    """受付時間帯"""

    days: tuple[Weekday, ...] = Key(min_length=1, description='曜日（例 ["月", "火"]）')
    opens: Clock = Key(description="受付開始（この時刻を含む。例 09:00:00）")
    closes: Clock = Key(description="受付終了（この時刻は含まない。例 17:00:00）")


class Closure(Part):
    """臨時に閉まる期間"""

    starts: Day = Key(description="初日")
    ends: Day = Key(description="最終日")
    text: Text = Key(description="理由（例 システム更新のため）")


class MailTemplate(Part):
    """メール照会のひな形"""

    subject: Text = Key(description="件名")
    lines: tuple[Text, ...] = Key(description="本文の行")
    source: Text = Key(description="根拠の文書と箇所")


class Use(Part):
    """認められた利用目的"""

    id: Id = Key(description="識別子")
    label: Text = Key(description="目的")


class Purpose(Part):
    """照会内容の利用目的（ここに無い目的には使えない）"""

    uses: tuple[Use, ...] = Key(description="認められた利用目的")
    text: Text = Key(description="文書の文言")
    source: Text = Key(description="根拠の文書と箇所")
    examples: Literal["never", "with_consent", "allowed"] = Key(
        default="with_consent",
        description="匿名化した事例を関係者に示してよいか。never 示さない／with_consent 相談者の同意があるとき／allowed よい",
    )


class Item(Part):
    """選択肢"""

    id: Id = Key(description="識別子（変えない）")
    label: Text = Key(description="画面の文言")


class AnswerWithin(Part):
    """回答の目標"""

    working_days: Whole = Key(ge=1, description="受付から何営業日以内か（窓口の開く日で数える）")
    text: Text = Key(description="文言")
    source: Text = Key(description="根拠の文書と箇所。文書に無ければ ours")


class Retention(Part):
    """保存期間"""

    years: Whole = Key(ge=0, description="事業の終わった年度の翌年度から数えて何年残すか")
    text: Text = Key(description="文言")
    source: Text = Key(description="根拠の文書と箇所。文書に無ければ ours")


class OutsideReply(Part):
    """実施期間の外に届いたメールへの返事"""

    text: Text = Key(description="返事の本文")
    source: Text = Key(description="根拠の文書と箇所。文書に無ければ ours")


class Desk(Part):
    """相談窓口"""

    title: Text = Key(description="窓口の名称")
    audience: Text = Key(description="対象者")
    period: Period = Key(description="実施期間")
    windows: tuple[Window, ...] = Key(min_length=1, description="受付時間帯（一日に幾つあってもよい）")
    holidays_closed: YesNo = Key(default=True, description="国民の祝日・休日の休み")
    closed_yearly: tuple[YearlySpan, ...] = Key(default=(), description="毎年閉まる期間（年末年始）")
    closures: tuple[Closure, ...] = Key(default=(), description="臨時に閉まる期間")
    mail: MailTemplate = Key(description="メール照会のひな形")
    purpose: Purpose = Key(description="照会内容の利用目的")
    examples: tuple[Text, ...] = Key(default=(), description="お問い合わせ内容の例")
    notes: tuple[Text, ...] = Key(default=(), description="注意事項")
    text: Text = Key(description="受付時間の文言")
    source: Text = Key(description="根拠の文書と箇所")
    number: Text = Key(default="相談", description="受付番号の頭（例 R7 なら R7-0001）")
    web_form: YesNo = Key(
        default=False, description="ログインの要らない入力フォームを開くか（文書に無い窓口では開かない）"
    )
    approval: YesNo = Key(default=True, description="回答の前に、書いた人とは別の人の承認を要するか")
    people: YesNo = Key(default=False, description="相談者が患者などの個人について述べる窓口か")
    answer_within: AnswerWithin | None = Key(default=None, description="回答の目標")
    askers: tuple[Item, ...] = Key(default=(), description="相談者の区分")
    subjects: tuple[Item, ...] = Key(default=(), description="相談の分類")
    functions: tuple[Item, ...] = Key(default=(), description="関係する拠点の機能")
    scenes: tuple[Item, ...] = Key(default=(), description="場面")
    lists_source: Text = Key(default=OURS, description="区分・分類の根拠の文書。文書に無ければ ours（画面にも示す）")
    outside: OutsideReply | None = Key(default=None, description="実施期間の外に届いたメールへの返事")
    retention: Retention | None = Key(default=None, description="保存期間")


# ---- deadlines (期限) -------------------------------------------------------------------------


class DeadlineBase(Part):
    text: str = Key(default="", description="文書の文言（いちばん外側の期限では必須）")
    source: str = Key(default="", description="根拠の文書と箇所。文書に無ければ ours（いちばん外側の期限では必須）")
    on_closed_day: Literal["keep", "next", "previous"] = Key(
        default="keep", description="閉庁日に当たるとき。keep そのまま／next 翌開庁日／previous 直前の開庁日"
    )


class FixedDeadline(DeadlineBase):
    """日付の期限"""

    kind: Literal["fixed"]
    at: DayOrMoment = Key(
        description="期限。日付だけ（2025-07-31）ならその日の終わりまで、時刻付き（2024-08-23T17:00:00）ならその時刻ちょうどまで"
    )

    @property
    def is_moment(self) -> bool:
        return isinstance(self.at, datetime)


class DaysAfter(DeadlineBase):
    """ある日から数えて何日後"""

    kind: Literal["days_after"]
    days: Whole = Key(description="日数（暦日。負の数なら何日前）")
    after: Id = Key(description="起点になる日の名前（例 completed）")


class DayOfFollowingMonth(DeadlineBase):
    """ある日の翌月の何日"""

    kind: Literal["day_of_following_month"]
    day: Whole = Key(ge=1, le=31, description="日（その月に無ければ月末）")
    after: Id = Key(description="起点になる日の名前")


class DateInFiscalYear(DeadlineBase):
    """ある日が属する年度から数えた年度の、決まった月日"""

    kind: Literal["date_in_fiscal_year"]
    date: MonthDay = Key(description='月-日（例 "04-10"）')
    years: Whole = Key(default=0, ge=0, description="何年度あとか（0 その年度、1 翌年度、2 翌々年度）")
    after: Id = Key(description="起点になる日の名前")


class EarliestOf(DeadlineBase):
    """いずれか早い日"""

    kind: Literal["earliest_of"]
    of: tuple[Deadline, ...] = Key(min_length=2, description="比べる期限")


Deadline = Annotated[
    FixedDeadline | DaysAfter | DayOfFollowingMonth | DateInFiscalYear | EarliestOf, Key(discriminator="kind")
]


# ---- rules (応募要件) -------------------------------------------------------------------------


class RuleBase(Part):
    id: Id = Key(description="識別子（定義の中で重ならないこと）")
    short: ShortName = Key(default="", description="一覧の列に出す短い呼び名（12文字まで）。省くと文言の初めの部分")
    text: Text = Key(description="公募要領の文言")
    source: Text = Key(description="根拠の文書と箇所。文書に無ければ ours")
    level: Level = Key(description="強さ。stop 満たさなければ止める（必須）／warn 注意だけ（程度・留意）")
    step: Step = Key(description="見る段階。apply 申込／bundle とりまとめ／screening 選定時の要件確認")

    @property
    def name(self) -> str:
        """What it is called where there is no room for its sentence: the head of a column."""
        long = len(self.text) > SHORT
        return self.short or (f"{self.text[: SHORT - 1]}…" if long else self.text)


class DesignatedHub(RuleBase):
    """拠点を設置している地域であること"""

    kind: Literal["designated_hub"]


class MustInclude(RuleBase):
    """表の列に、挙げた値のすべてが現れること"""

    kind: Literal["must_include"]
    field: Id = Key(description="表の項目の id")
    column: Id = Key(description="列の id")
    values: tuple[Text, ...] = Key(min_length=1, description="必要な値（選択肢の value）")


class Headcount(RuleBase):
    """表の行数（空の行は数えない）"""

    kind: Literal["headcount"]
    field: Id = Key(description="表の項目の id")
    min: Whole = Key(ge=0, description="下限（この数を含む）")
    max: Whole = Key(ge=0, description="上限（この数を含む）")


class MaxShare(RuleBase):
    """表の列で、一つの値が占める割合がこれを超えないこと"""

    kind: Literal["share"]
    field: Id = Key(description="表の項目の id")
    column: Id = Key(description="列の id")
    max_share: Share = Key(description='割合の上限（分数の文字列。例 "1/2"。ちょうどはよい）')
    threshold_source: Text = Key(description="割合の根拠。文書に無ければ ours")


class IncludesEach(RuleBase):
    """表の列に、挙げた値がそれぞれ現れることが望ましい"""

    kind: Literal["includes_each"]
    field: Id = Key(description="表の項目の id")
    column: Id = Key(description="列の id")
    values: tuple[Text, ...] = Key(min_length=1, description="望ましい値（選択肢の value）")


class Via(RuleBase):
    """決められた経路で提出されること"""

    kind: Literal["via"]
    route: Route = Key(description="経路。prefecture 都道府県経由／direct 直接")


class ApplicantKinds(RuleBase):
    """応募できる機関の種別"""

    kind: Literal["applicant"]
    kinds: tuple[OrganisationKind, ...] = Key(min_length=1, description=f"機関の種別。{_KINDS}")


class Manual(RuleBase):
    """人が確かめて印を付ける要件"""

    kind: Literal["manual"]


Rule = Annotated[
    DesignatedHub | MustInclude | Headcount | MaxShare | IncludesEach | Via | ApplicantKinds | Manual,
    Key(discriminator="kind"),
]
TableRule = MustInclude | MaxShare | IncludesEach


# ---- guide (公募要領) -------------------------------------------------------------------------


class TextBlock(Part):
    """段落"""

    kind: Literal["text"]
    text: Text = Key(description="本文")


class NoteBlock(Part):
    """※の注記"""

    kind: Literal["note"]
    text: Text = Key(description="注記（※は書かない）")


class ListItem(Part):
    """箇条書きの一項（文字列だけでもよい）"""

    text: Text = Key(description="本文")
    items: tuple[Text, ...] = Key(default=(), description="下位の項")


class ListBlock(Part):
    """箇条書き"""

    kind: Literal["list"]
    items: tuple[Annotated[ListItem, BeforeValidator(as_list_item)], ...] = Key(min_length=1, description="項")


class TableBlock(Part):
    """表"""

    kind: Literal["table"]
    caption: Text = Key(description="表の題")
    columns: tuple[str, ...] = Key(min_length=1, description="見出し")
    rows: tuple[tuple[str, ...], ...] = Key(description="行")


class DeadlineBlock(Part):
    """申込締切（call.deadline から表示する）"""

    kind: Literal["deadline"]


class ContactBlock(Part):
    """連絡先（contact から表示する）"""

    kind: Literal["contact"]


GuideBlock = Annotated[
    TextBlock | NoteBlock | ListBlock | TableBlock | DeadlineBlock | ContactBlock, Key(discriminator="kind")
]


class GuideSection(Part):
    """公募要領の一節"""

    no: Whole = Key(ge=1, description="番号")
    title: Text = Key(description="見出し")
    body: tuple[GuideBlock, ...] = Key(min_length=1, description="本文")


# ---- call (公募) ------------------------------------------------------------------------------


class ChildMargin(Part):
    """都道府県が管内に示す期限の目安"""

    working_days: Whole = Key(ge=0, le=250, description="事務局の締切の何営業日前か")
    text: Text = Key(description="説明")
    source: Text = Key(description="根拠の文書と箇所。文書に無ければ ours")


class Silence(Part):
    """回答が無いときの扱い"""

    means: Literal["not_applicable", "must_answer"] = Key(
        description="扱い。not_applicable 該当なしとみなす／must_answer すべての機関の回答が要る"
    )
    text: Text = Key(description="画面と依頼文に出す文言")
    source: Text = Key(description="根拠の文書と箇所。文書に無ければ ours")


class Result(Part):
    """選定結果の通知"""

    within_days: Whole = Key(ge=0, description="申込締切から何日以内か（暦日）")
    text: Text = Key(description="文書の文言")
    source: Text = Key(description="根拠の文書と箇所")


class Call(Part):
    """公募"""

    title: Text = Key(description="公募の名称")
    opens: Day = Key(description="公募を始める日")
    deadline: Deadline = Key(description="申込締切")
    route: Route = Key(description="提出の経路。prefecture 都道府県でとりまとめ／direct 直接")
    invites: tuple[OrganisationKind, ...] = Key(min_length=1, description=f"案内する機関の種別。{_KINDS}")
    reference: tuple[OrganisationKind, ...] = Key(default=(), description="参考として送る機関の種別（回答は要らない）")
    child_margin: ChildMargin | None = Key(default=None, description="都道府県が管内に示す期限の目安")
    silence: Silence = Key(description="回答が無いとき")
    places: Whole = Key(ge=1, description="選定数")
    places_text: Text = Key(description="選定数の文言（例 1地域程度）")
    selection_text: Text = Key(description="選定の方法の文言")
    selection_source: Text = Key(description="選定数・選定方法の根拠")
    result: Result = Key(description="選定結果の通知")
    rules: tuple[Rule, ...] = Key(default=(), description="応募要件")
    guide: tuple[GuideSection, ...] = Key(default=(), description="公募要領")


# ---- form (申込書) ----------------------------------------------------------------------------


class Option(Part):
    """選択肢"""

    value: Text = Key(description="保存する値（変えない）")
    label: Text = Key(description="表示")


class Column(Part):
    """表の列"""

    id: Id = Key(description="識別子（変えない）")
    label: Text = Key(description="見出し")
    kind: Literal["text", "choice"] = Key(default="text", description="text 文字／choice 選択")
    options: tuple[Option, ...] = Key(default=(), description="選択肢（choice のとき）")
    print: YesNo = Key(default=True, description="様式への印刷")
    help: str = Key(default="", description="記入の説明")
    was: str = Key(default="", description="前の版での id（改名したとき）")


class Field(Part):
    """項目"""

    id: Id = Key(description="識別子（変えない。改名したら was に旧い id を書く）")
    label: Text = Key(description="見出し")
    kind: FieldKind = Key(
        description="種類。text 一行の文字／longtext 文章／choice 一つを選ぶ／marks 該当に○（複数可）／number 数／date 日付／"
        "money 金額（円）／email メールアドレス／phone 電話番号／address 住所／table 表"
    )
    required: YesNo = Key(default=True, description="必須")
    help: str = Key(default="", description="記入の説明")
    print: YesNo = Key(default=True, description="様式への印刷")
    was: str = Key(default="", description="前の版での id（改名したとき）")
    max_length: Whole | None = Key(default=None, ge=1, description="最大の文字数")
    options: tuple[Option, ...] = Key(default=(), description="選択肢（choice・marks のとき）")
    columns: tuple[Column, ...] = Key(default=(), description="列（table のとき）")
    rows: Whole = Key(default=0, ge=0, description="様式に印刷する行数（table のとき。足りなければ増える）")

    def column(self, column_id: str) -> Column:
        """The column with this id. KeyError if there is none."""
        return {column.id: column for column in self.columns}[column_id]


class Section(Part):
    """様式の区分（■）"""

    id: Id = Key(description="識別子")
    title: Text = Key(description="見出し（■の後の文）")
    note: str = Key(default="", description="見出しの下の注記（行ごとに※）")
    fields: tuple[Field, ...] = Key(min_length=1, description="項目")


class Form(Part):
    """様式（申込書）"""

    title: Text = Key(description="様式の題")
    number: Text = Key(description="様式の番号（例 別紙2-②）")
    file_name: Text = Key(description="保存するときの名前（拡張子なし）")
    intro: str = Key(default="", description="題の下の前文")
    sections: tuple[Section, ...] = Key(min_length=1, description="区分")
    closing: str = Key(default="以上", description="末尾の語")

    def fields(self) -> Iterator[Field]:
        """Every field in the order of the paper."""
        return (field for section in self.sections for field in section.fields)

    def field(self, field_id: str) -> Field:
        """The field with this id. KeyError if there is none."""
        return {field.id: field for field in self.fields()}[field_id]


# ---- engagement (伴走支援) --------------------------------------------------------------------


class Meeting(Part):
    """会議の議題"""

    no: Whole = Key(ge=1, description="回")
    title: Text = Key(description="議題")
    content: Text = Key(description="実施内容")
    reserve: YesNo = Key(default=False, description="予備の回")


class AdviserVisits(Part):
    """アドバイザーの派遣"""

    max: Whole = Key(ge=0, description="派遣の上限（回）")
    text: Text = Key(description="文書の文言")
    source: Text = Key(description="根拠の文書と箇所")


class Engagement(Part):
    """伴走支援の計画"""

    period: Period = Key(description="期間")
    period_text: Text = Key(description="期間の文言（例 8月頃から）")
    min_meetings: Whole = Key(ge=0, description="会議の最少回数")
    max_meetings: Whole = Key(ge=0, description="会議の最多回数")
    meetings: tuple[Meeting, ...] = Key(description="会議の議題")
    adviser_visits: AdviserVisits = Key(description="アドバイザーの派遣")
    advisers: tuple[Text, ...] = Key(default=(), description="アドバイザー（個人名は書かない）")
    text: Text = Key(description="文書の文言")
    source: Text = Key(description="根拠の文書と箇所")


class Definition(Part):
    """事業の定義"""

    id: Slug = Key(description="識別子（半角英小文字・数字・ハイフン。例 r7-zaitaku）")
    name: Text = Key(description="事業名")
    short_name: Text = Key(description="短い呼び名")
    fiscal_year: Whole = Key(ge=2019, le=2118, description="年度（西暦。令和7年度なら 2025）")
    organiser: Text = Key(description="実施する機関（事務局）の名称")
    source: Text = Key(description="もとになった公式文書")
    contact: Contact = Key(description="連絡先")
    calendar: OfficeDays = Key(default=OfficeDays(), description="営業日の数え方")
    documents: tuple[Document, ...] = Key(default=(), description="もとになった公式文書の一覧")
    desk: Desk | None = Key(default=None, description="相談窓口")
    call: Call | None = Key(default=None, description="公募")
    form: Form | None = Key(default=None, description="申込書の様式")
    engagement: Engagement | None = Key(default=None, description="伴走支援の計画")

    def rule(self, rule_id: str) -> Rule:
        """The rule with this id. KeyError if there is none."""
        return {rule.id: rule for rule in (self.call.rules if self.call else ())}[rule_id]


EarliestOf.model_rebuild()

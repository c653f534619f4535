"""What a cases file (*.cases.toml) may say: worked examples beside a definition. `cases` runs them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator
from pydantic import Field as Key

from kyoten.rules.definition import Day, Deadline, Id, Level, OrganisationKind, Part, Route, Step, Whole, YesNo
from kyoten.rules.values import as_moment

Moment = Annotated[datetime, BeforeValidator(as_moment)]
Expected = Literal["open", "closed"]


class CaseBase(Part):
    name: str = Key(default="", description="例の名前（結果の表示に使う）")


class ExpectedFinding(Part):
    """満たさない要件"""

    rule: Id = Key(description="要件の id")
    level: Level = Key(description="stop か warn")


class EligibilityCase(CaseBase):
    """応募要件: 申込の内容から、どの要件を満たさないか"""

    hub_designated: YesNo = Key(default=True, description="拠点が設置されているか")
    applicant_kind: OrganisationKind = Key(default="municipality", description="申込者の機関の種別")
    route: Route | None = Key(default=None, description="提出の経路。省くと定義の call.route")
    ticks: Mapping[str, YesNo] = Key(
        default={}, description='kind = "manual" の要件の id と、人が確かめた結果（書かなければ未確認）'
    )
    answers: Mapping[str, Any] = Key(
        default={},
        description="様式の項目の id と記入内容。表は行の並びで書き、行に times = 3 と書くと同じ行が3行になる",
    )
    findings: tuple[ExpectedFinding, ...] | None = Key(
        default=None, description="満たさない要件のすべて（過不足なく。順は問わない。すべて満たすなら []）"
    )
    fails: tuple[ExpectedFinding, ...] = Key(default=(), description="満たさないはずの要件（挙げたものだけを見る）")
    holds: tuple[Id, ...] = Key(default=(), description="満たすはずの要件の id（挙げたものだけを見る）")
    stops_at: tuple[Step, ...] | None = Key(
        default=None, description="止まる段階のすべて（apply・bundle・screening。止まらないなら []）"
    )


class DeadlineCase(CaseBase):
    """期限: ある時刻が受付中か、または期限がどの日になるか"""

    at: Moment | None = Key(default=None, description="時刻（2025-07-31T23:59:59。日本時間。小数は6桁まで）")
    expect: Expected | Day = Key(
        description='at があるとき "open"（受付中）か "closed"（開始前・締切後）。無いときは期限の日（2026-02-19）'
    )
    deadline: Deadline | None = Key(default=None, description="この例だけの期限。省くと定義の call.deadline")
    facts: Mapping[str, Day] = Key(default={}, description="起点の日の名前と日付（例 { completed = 2026-01-20 }）")


class WorkingDaysCase(CaseBase):
    """営業日: 何営業日後か、何営業日あるか、閉まる日か"""

    day: Day | None = Key(default=None, description="日付（add を書けば起点、書かなければ閉庁日かどうかを見る日）")
    add: Whole | None = Key(
        default=None, ge=-1000, le=1000, description="何営業日後か（負の数なら前）。day とともに書く"
    )
    starts: Day | None = Key(default=None, description="数える期間の初日（含む）")
    ends: Day | None = Key(default=None, description="数える期間の最終日（含む）")
    expect: Day | Whole | Literal["open", "closed"] = Key(
        description='add なら日付、starts・ends なら日数、day だけなら "open"（開庁日）か "closed"（閉庁日）'
    )


class WarekiCase(CaseBase):
    """和暦: 書き方と読み取り"""

    date: Day | None = Key(default=None, description="和暦で書く日付")
    text: str | None = Key(default=None, description="読み取る文字（例 令6.7.26）")
    expect: Day | str = Key(
        description="date なら和暦（令和7年7月31日／令和7年7月31日（木）／R7.7.31 のいずれか）。"
        'text なら日付、日が書かれていないなら "日なし"、曜日が合わないなら "曜日違い"、読めないなら "読めない"'
    )


class FiscalYearCase(CaseBase):
    """年度"""

    date: Day = Key(description="日付")
    expect: Whole | str = Key(description="年度（2025 または 令和7年度）")


class DeskCase(CaseBase):
    """相談窓口: ある時刻に開いているか、いつから数え始めるか、開く日数"""

    at: Moment | None = Key(default=None, description="時刻（日本時間）")
    expect: Expected | None = Key(default=None, description='"open" か "closed"')
    clock_starts: Moment | None = Key(
        default=None, description="この時刻に届いた照会の、回答までの日数を数え始める時刻"
    )
    open_days: Whole | None = Key(default=None, description="実施期間に開く日数（at は書かない）")


class ChildDeadlineCase(CaseBase):
    """管内への期限の目安"""

    parent: Day | None = Key(default=None, description="事務局の締切。省くと定義の申込締切の日")
    working_days: Whole | None = Key(
        default=None, ge=0, le=1000, description="何営業日前か。省くと定義の call.child_margin"
    )
    expect: Day = Key(description="都道府県が管内に示す期限")


class ResultDueCase(CaseBase):
    """選定結果の通知の期限"""

    expect: Day = Key(description="選定結果を通知する期限の日")


class Cases(Part):
    """計算例のファイル"""

    eligibility: tuple[EligibilityCase, ...] = Key(default=(), description="応募要件の例")
    deadline: tuple[DeadlineCase, ...] = Key(default=(), description="期限の例")
    working_days: tuple[WorkingDaysCase, ...] = Key(default=(), description="営業日の例")
    wareki: tuple[WarekiCase, ...] = Key(default=(), description="和暦の例")
    fiscal_year: tuple[FiscalYearCase, ...] = Key(default=(), description="年度の例")
    desk: tuple[DeskCase, ...] = Key(default=(), description="相談窓口の例")
    child_deadline: tuple[ChildDeadlineCase, ...] = Key(default=(), description="管内への期限の例")
    result_due: tuple[ResultDueCase, ...] = Key(default=(), description="選定結果の通知の期限の例")

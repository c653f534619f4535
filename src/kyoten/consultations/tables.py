"""実績の表: the figures of a year laid out once, for the screen, for Excel and for the 完了報告."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

from kyoten.consultations.figures import NOTHING, YEAR, Count, Figures, Table
from kyoten.papers import tables as excel
from kyoten.papers.desk_report import shown
from kyoten.rules.definition import OURS, Item
from kyoten.rules.wareki import fiscal_year_name

Value = int | Decimal | str | None  # None: nothing was answered, so there is no mean; "": the month is yet to come
Measure = Literal["cases", "contacts", "mean", "late"]

MEASURES: dict[Measure, str] = {
    "cases": "実件数", "contacts": "延件数", "mean": "平均回答営業日数", "late": "期限超過",
}  # fmt: skip
UNCLASSIFIED = Item.model_construct(id="", label="未分類")
TOTAL, BEFORE = "計", "前年度"
COUNTED = (
    "実件数　一つの照会と、それについての一続きのやりとりを1件とし、受け付けた月に数えます。統合した相談は、統合先の1件だけを数え、取下げも含みます。相談として受け付けた後に申込・その他へ移したメールは数えません。",
    "延件数　相談者から届いたものと、こちらから回答・連絡したものを1回ずつ、その日の月に数えます。内部メモ、ほかの機関への照会、自動の応答は数えません。",
    "平均回答営業日数　最初の照会の計時の開始（受付時間の外に届いたものは、次に窓口が開く時）から、相談者に届いた最初の回答までの、窓口の開く日の数の平均です。その日のうちの回答は0日です。再開した相談も、最初の回答で数えます。",
    "期限超過　最初の照会の回答期限までに回答がなかった相談の数です。後から回答したもの、回答しないまま期限を過ぎて完了したもの、まだ回答していないものを含みます。",
    "分類・機能・場面が二つ以上ある相談は、それぞれの行・列で数え、計では1件とします。区分や分類がまだ入っていない相談は「未分類」です。",
    "月は日本時間の受付日（延件数はやりとりの日）の月、年度は4月から翌年3月までです。",
)


@dataclass(frozen=True)
class Grid:
    """One table: the first column names the row. The last `totals` rows are sums or the year before."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Value, ...], ...]
    totals: int = 0
    measure: str = ""
    groups: tuple[tuple[str, int], ...] = ()  # a head above the columns after the first: name, how many of them

    @property
    def flat(self) -> tuple[str, ...]:
        """The columns with the name of their group, where there is room for one line only."""
        over = [name for name, count in self.groups for _ in range(count)]
        if not over:
            return self.columns
        return (self.columns[0], *(f"{name}（{column}）" for name, column in zip(over, self.columns[1:], strict=True)))

    @property
    def lines(self) -> list[dict[str, Any]]:
        """For the screen."""
        body = len(self.rows) - self.totals
        return [
            {"label": row[0], "cells": [shown(value) for value in row[1:]], "total": n >= body}
            for n, row in enumerate(self.rows)
        ]


@dataclass(frozen=True)
class Year:
    """A year's figures beside those of the year before (None: there was no desk); `month` is the current one."""

    now: Figures
    before: Figures | None
    month: str = field(default="9999-12")

    @property
    def name(self) -> str:
        return fiscal_year_name(self.now.year)

    def earlier(self, table: Table, row: str = "", column: str = "", month: str = YEAR) -> Count | None:
        """The same cell a year ago."""
        if self.before is None:
            return None
        then = self.before.months[self.now.months.index(month)] if month else YEAR
        return self.before.at(table, row, column, then)

    def begun(self, month: str) -> bool:
        return month <= self.month

    def items(self, table: Table, place: int, listed: Sequence[Item]) -> list[Item]:
        """The definition's list, what only the year before or deleted cases have, and 未分類."""
        known = {item.id: item for item in listed}
        older = {item.id: item for item in _listed(self.before, table, place)} if self.before else {}
        found = self.now.values(table, place) | (self.before.values(table, place) if self.before else set())
        others = sorted(found - set(known) - {""})
        gone = [
            older.get(value) or Item.model_construct(id=value, label=f"一覧にない区分（{value}）") for value in others
        ]
        return [*listed, *gone, UNCLASSIFIED]


def _listed(figures: Figures, table: Table, place: int) -> Sequence[Item]:
    rules = figures.desk.rules
    if table == "asker":
        return rules.askers
    if table == "subject":
        return rules.subjects
    return rules.functions if place == 1 else rules.scenes


def value(count: Count | None, measure: Measure) -> Value:
    if count is None:
        return ""
    return getattr(count, measure)


# ---- tables -----------------------------------------------------------------------------------


def month_label(month: str) -> str:
    return f"{int(month[5:])}月"


def by_month(year: Year, table: Table, title: str, measure: Measure) -> Grid:
    """区分 × 4月～3月・計, the year before beside and below."""
    months = year.now.months
    listed = _listed(year.now, table, 1)
    rows = [_months(year, item.label, table, item.id, measure) for item in year.items(table, 1, listed)]
    rows.append(_months(year, TOTAL, "all", "", measure))
    last = [value(year.earlier("all", month=month), measure) for month in (*months, YEAR)]
    rows.append((BEFORE, *last, ""))
    columns = (title, *map(month_label, months), TOTAL, BEFORE)
    return Grid(f"{title}×月　{MEASURES[measure]}", columns, tuple(rows), 2, MEASURES[measure])


def _months(year: Year, label: str, table: Table, row: str, measure: Measure) -> tuple[Value, ...]:
    cells = [value(year.now.at(table, row, month=m), measure) if year.begun(m) else "" for m in year.now.months]
    return (label, *cells, value(year.now.at(table, row), measure), value(year.earlier(table, row), measure))


def beside(year: Year, table: Table, title: str, month: str = YEAR) -> Grid:
    """区分 × every measure, each beside the year before; of one month also the sum since April."""
    listed = _listed(year.now, table, 1)
    rows = [_beside(year, item.label, table, item.id, month) for item in year.items(table, 1, listed)]
    rows.append(_beside(year, TOTAL, "all", "", month))
    names = ("当月", "前年同月") if month else ("今年度", BEFORE)
    groups = [(name, 2) for name in MEASURES.values()]
    columns = [title, *names * len(groups)]
    if month:
        groups.append(("4月からの実件数", 2))
        columns += ["今年度", BEFORE]
    head = f"{month_label(month)}　{title}" if month else title
    return Grid(head, tuple(columns), tuple(rows), 1, groups=tuple(groups))


def _beside(year: Year, label: str, table: Table, row: str, month: str) -> tuple[Value, ...]:
    now, then = year.now.at(table, row, month=month), year.earlier(table, row, month=month)
    cells = [value(count, measure) for measure in MEASURES for count in (now, then)]
    if month:
        place = year.now.months.index(month)
        before = year.before.until(table, row, year.before.months[place]) if year.before else None
        cells += [year.now.until(table, row, month).cases, value(before, "cases")]
    return (label, *cells)


def monthly(year: Year) -> Grid:
    """月 × every measure, each beside the year before."""
    rows = []
    for month in (*year.now.months, YEAR):
        now = year.now.total(month) if not month or year.begun(month) else None
        then = year.earlier("all", month=month)
        cells = [value(count, measure) for measure in MEASURES for count in (now, then)]
        rows.append((month_label(month) if month else TOTAL, *cells))
    columns = ("月", *("今年度", BEFORE) * len(MEASURES))
    return Grid("月別", columns, tuple(rows), 1, groups=tuple((name, 2) for name in MEASURES.values()))


def crossed(year: Year, measure: Measure, month: str = YEAR) -> Grid:
    """機能 × 場面・計, the year before beside and below."""
    rules = year.now.desk.rules
    scenes = year.items("cross", 2, rules.scenes)
    rows = []
    for item in year.items("cross", 1, rules.functions):
        cells = [value(year.now.at("cross", item.id, scene.id, month), measure) for scene in scenes]
        total, then = year.now.at("function", item.id, month=month), year.earlier("function", item.id, month=month)
        rows.append((item.label, *cells, value(total, measure), value(then, measure)))
    ends = value(year.now.at("all", month=month), measure), value(year.earlier("all", month=month), measure)
    rows.append((TOTAL, *(value(year.now.at("scene", "", s.id, month), measure) for s in scenes), *ends))
    before = "前年同月" if month else BEFORE
    rows.append((before, *(value(year.earlier("scene", "", s.id, month), measure) for s in scenes), ends[1], ""))
    columns = ("機能＼場面", *(scene.label for scene in scenes), TOTAL, before)
    when = f"{month_label(month)}　" if month else ""
    return Grid(f"{when}機能×場面　{MEASURES[measure]}", columns, tuple(rows), 2, MEASURES[measure])


# ---- the chart --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Bar:
    """A month's bars; widths and the end of the upper one as shares of the drawing's width."""

    label: str
    y: int
    now: int | None
    width: str
    end: str
    before: int | None
    width_before: str


BAR, FIRST, LAST = 44, 12, 86  # units of one month's height; per cent where bars begin, and where the longest ends


def chart(year: Year) -> list[Bar]:
    """実件数 by month as bars, the year before below each; all are drawn to one scale."""
    counts = [(m, year.now.total(m).cases, year.earlier("all", month=m)) for m in year.now.months]
    longest = max([1, *(now for _, now, _ in counts), *(then.cases for _, _, then in counts if then)])

    def width(cases: int) -> float:
        return (LAST - FIRST) * cases / longest

    return [
        Bar(
            month_label(month), n * BAR, now if year.begun(month) else None, f"{width(now):.2f}%", f"{FIRST + width(now):.2f}%",
            then.cases if then else None, f"{width((then or NOTHING).cases):.2f}%",
        )
        for n, (month, now, then) in enumerate(counts)
    ]  # fmt: skip


# ---- Excel ------------------------------------------------------------------------------------


def workbook(year: Year, month: str = YEAR) -> bytes:
    """One sheet per table, numbers as numbers; how things are counted on the last."""
    desk = year.now.desk
    head = f"{desk.title}　{year.name}"
    sheets = [
        _sheet([monthly(year)], head),
        _sheet(_of(year, "asker", "相談者の区分", month), head),
        _sheet(_of(year, "subject", "分類", month), head),
        _sheet([crossed(year, measure, month) for measure in MEASURES], head, "機能×場面"),
        excel.Table("数え方", ["数え方"], [[line] for line in notes(year)], head, [120]),
    ]
    return excel.write_tables(sheets)


def _of(year: Year, table: Table, title: str, month: str) -> list[Grid]:
    if month:
        return [beside(year, table, title, month)]
    return [by_month(year, table, title, measure) for measure in MEASURES]


def _sheet(grids: Sequence[Grid], head: str, title: str = "") -> excel.Table:
    """Several measures of one table stand below each other, with a column that says which."""
    first = grids[0]
    if not first.measure:
        return excel.Table(first.title, first.flat, [list(row) for row in first.rows], head)
    rows = [[grid.measure, *row] for grid in grids for row in grid.rows]
    name = title or first.title.partition("　")[0]
    return excel.Table(name, ["指標", *first.columns], rows, head)


def notes(year: Year) -> Iterable[str]:
    """What an officer should know when reading this year's tables."""
    yield from COUNTED
    if year.before is None:
        yield "前年度に同じ機関の窓口がないため、前年度の欄は空いています。"
    else:
        yield f"前年度は、{fiscal_year_name(year.before.year)}の「{year.before.desk.title}」の数です。"
    if year.now.desk.rules.lists_source == OURS:
        yield "相談者の区分・分類・機能・場面の名称は、公式の文書に無いため、この窓口で決めたものです。"

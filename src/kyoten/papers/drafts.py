"""起案用一式: everything the office's own 文書管理 system needs for a 決裁, in one PDF.

伺い文, 鑑文, running text (公募要領, 別添), the forms, 送付先一覧 and other lists, each beginning on a new page, pages numbered through. The
paper is the frozen text: `reference` ties every page to the record it was printed from.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

from kyoten.papers.articles import Article, article_part
from kyoten.papers.forms import form_of, form_part
from kyoten.papers.letters import Letter, letter_part
from kyoten.papers.pdf import Paper, Part, render
from kyoten.papers.sheet import lay_out
from kyoten.papers.tables import Table, text_width
from kyoten.rules.clock import local
from kyoten.rules.definition import Definition
from kyoten.rules.wareki import wareki

_WIDE = 6  # columns: a list with more is printed across
_NARROWEST, _WIDEST = 4, 30  # half-width characters, of a column of a list
BLANK = "　"


@dataclass(frozen=True)
class Proposal:
    """伺い文. `text` asks for the decision (「このことについて、別案のとおり通知してよろしいか。」)."""

    subject: str
    text: str
    drafted: date
    section: str
    drafter: str
    grounds: tuple[str, ...] = ()
    retention: str = ""


@dataclass(frozen=True)
class FilledForm:
    """One form of the set; `label` stands at its head and in the list of contents (「申込1　松戸市」)."""

    definition: Definition
    answers: Mapping[str, Any]
    label: str = ""


def write_draft_set(
    proposal: Proposal,
    letters: Sequence[Letter],
    forms: Iterable[FilledForm] = (),
    tables: Iterable[Table] = (),
    *,
    articles: Sequence[Article] = (),
    reference: str = "",
) -> bytes:
    """The set as one PDF. `reference` (the number and version of the draft) stands at the foot of every page."""
    lists = list(tables)
    filled = list(forms)
    contents = list(_contents(letters, articles, filled, lists))
    parts: list[Part] = [_proposal(proposal, contents)]
    parts.extend(letter_part(letter) for letter in letters)
    parts.extend(article_part(article) for article in articles)
    parts.extend(_form(form) for form in filled)
    parts.extend(listing_part(table) for table in lists)
    return render(Paper(f"起案用一式　{proposal.subject}", parts, numbered=True, reference=reference))


def _contents(
    letters: Sequence[Letter], articles: Sequence[Article], forms: Sequence[FilledForm], tables: Sequence[Table]
) -> Iterator[str]:
    yield from (f"鑑文　{letter.title}" for letter in letters)
    yield from (article.title for article in articles)
    yield from (" ".join((form_of(form.definition).number, form.label)).strip() for form in forms)
    yield from (table.title for table in tables)


def _proposal(proposal: Proposal, contents: Sequence[str]) -> Part:
    rows = (
        ("文書番号", ""),
        ("起案日", wareki(proposal.drafted)),
        ("決裁日", ""),
        ("施行日", ""),
        ("起案者", BLANK.join(filter(None, (proposal.section, proposal.drafter)))),
        ("保存期間", proposal.retention),
    )
    return {"kind": "proposal", **asdict(proposal), "drafted": "", "rows": rows, "contents": contents}


def _form(form: FilledForm) -> Part:
    return {**form_part(lay_out(form_of(form.definition), form.answers)), "label": form.label}


def listing_part(table: Table) -> Part:
    """A list as a part of a PDF paper; with many columns it lies across."""
    columns = list(table.columns)
    rows = [[_shown(value) for value in row] + [""] * (len(columns) - len(row)) for row in table.rows]
    return {
        "kind": "listing",
        "title": table.title,
        "note": table.note,
        "columns": columns,
        "rows": rows,
        "shares": [_share(column) for column in zip(columns, *rows, strict=True)],
        "wide": len(columns) > _WIDE,
    }


def _share(column: Sequence[str]) -> int:
    """How much of the width a column needs, from its longest cell: within bounds."""
    return min(_WIDEST, max(_NARROWEST, *map(text_width, column)) + 2)


def _shown(value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "○" if value else ""
        case int():
            return f"{value:,}"
        case datetime():  # the day is enough on a list
            return wareki(local(value).date())
        case date():
            return wareki(value)
        case _:
            return str(value)

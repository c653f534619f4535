"""What is searched beside the cases: 事例, the sections of the guidebook, and the organiser's own 公募要領.

What stands open to every desk is indexed under EVERYBODY; acts that change it call `index_examples` or `index_guide`
inside their transaction. What is few is compared as it is: the 事例 a desk proposed, seen by that desk alone until a second
person releases them, and the sections of a 公募要領, which come with their definition.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet
from django.urls import reverse

from kyoten.consultations.models import READERS, Example, GuideSection
from kyoten.organisations.models import NATIONAL, Organisation, Seat
from kyoten.programmes.models import Programme
from kyoten.rules import definition
from kyoten.rules.search_text import normalise, snippet, words
from kyoten.rules.wareki import fiscal_year_name
from kyoten.search.actions import Text, put_many, remove_many
from kyoten.search.finding import Found, find

EVERYBODY = 0  # no body has this id
EXAMPLE, GUIDE = "example", "guide_section"  # the record kinds
ROWS = 20


# ---- making them findable ---------------------------------------------------------------------


def index_examples(*examples: int) -> None:
    """As they stand now: the released ones, and no other any more."""
    remove_many(EXAMPLE, examples)
    put_many(_of_examples(Example.objects.filter(pk__in=examples)))


def index_guide(*sections: int) -> None:
    """As they stand now; one that was dropped is found no more."""
    remove_many(GUIDE, sections)
    put_many(_of_guide(GuideSection.objects.filter(pk__in=sections)))


def everything() -> Iterator[Text]:
    """All of it, for a rebuild."""
    yield from _of_examples(Example.objects.all())
    yield from _of_guide(GuideSection.objects.all())


def example_text(example: Example) -> str:
    return f"{example.title}\n{example.question}\n{example.answer}"


def section_text(row: GuideSection) -> str:
    return "\n".join(filter(None, [row.chapter, row.title, row.text]))


def _of_examples(rows: QuerySet[Example]) -> Iterator[Text]:
    for row in rows.filter(state="released").order_by("pk").iterator(chunk_size=500):
        yield Text(EXAMPLE, row.pk, example_text(row), row.released_at, EVERYBODY)


def _of_guide(rows: QuerySet[GuideSection]) -> Iterator[Text]:
    for row in rows.order_by("pk").iterator(chunk_size=500):
        yield Text(GUIDE, row.pk, section_text(row), row.changed_at, EVERYBODY)


# ---- finding them -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Known:
    """A 事例 or a section with the place where the words stand."""

    label: str
    tag: str
    title: str
    url: str
    source: str
    at: datetime
    before: str
    hit: str
    after: str


@dataclass(frozen=True)
class Knowledge:
    """The hits, newest first. `before` asks for the next page; None: this was the last."""

    hits: list[Known]
    count: int
    capped: bool = False
    before: int | None = None


def knowledge_for(seat: Seat, asked: str, *, before: int | None = None, limit: int = ROWS) -> Knowledge:
    """What contains all the words, of what an officer of a desk may read: released 事例, the own desk's proposals, the
    guidebook, and the 公募要領 of calls that the own body organises.
    """
    kinds = (EXAMPLE, GUIDE) if seat.organisation.kind in READERS else (GUIDE,)
    found = find(asked, scope=EVERYBODY, kinds=kinds, before=before, limit=limit)
    hits = _shown(seat, found.ids, asked)
    count = found.count
    if before is None:  # proposals and 公募要領 are few and stand on the first page
        more = [*_proposed(seat, asked), *_in_calls(seat, asked)]
        hits = sorted([*hits, *more], key=lambda each: each.at, reverse=True)
        count += len(more)
    return Knowledge(hits, count, found.capped, found.before)


def examples_with(asked: str, *, before: int | None = None, limit: int = ROWS) -> Found:
    """The released 事例 with all the words."""
    return find(asked, scope=EVERYBODY, kinds=(EXAMPLE,), before=before, limit=limit)


def _shown(seat: Seat, ids: Iterable[tuple[str, int]], asked: str) -> list[Known]:
    """Through the queries that say who may see them, in the order found."""
    ids = list(ids)
    examples = Example.objects.shown_to(seat).select_related("operator")
    rows = {
        EXAMPLE: examples.in_bulk([pk for kind, pk in ids if kind == EXAMPLE]),
        GUIDE: GuideSection.objects.in_bulk([pk for kind, pk in ids if kind == GUIDE]),
    }
    as_known: dict[str, Callable[[object, str], Known]] = {EXAMPLE: _example, GUIDE: _section}
    return [as_known[kind](rows[kind][pk], asked) for kind, pk in ids if pk in rows[kind]]


def _example(row: Example, asked: str) -> Known:
    label, tag, at = ("事例", "go", row.released_at) if row.released_at else ("公開前の事例", "warn", row.proposed_at)
    source = f"{row.operator}　{fiscal_year_name(row.fiscal_year)}"
    return Known(label, tag, row.title, reverse("examples:show", args=[row.pk]), source, at,
                 *_place(example_text(row), asked))  # fmt: skip


def _section(row: GuideSection, asked: str) -> Known:
    url = reverse("consultations:guide_section", args=[row.pk])
    return Known("ガイドブック", "none", row.title, url, row.chapter, row.changed_at, *_place(section_text(row), asked))


def _place(text: str, asked: str) -> tuple[str, str, str]:
    return snippet(text, asked) or ("", "", "")


# ---- what is few: compared as it is ----------------------------------------------------------------------------------


def _proposed(seat: Seat, asked: str) -> list[Known]:
    rows = Example.objects.visible_to(seat).filter(state="proposed").select_related("operator").order_by("pk")
    return [_example(row, asked) for row in rows if _contains(normalise(example_text(row)), asked)]


def _contains(compared: str, asked: str) -> bool:
    wanted = words(asked)
    return bool(wanted) and all(word in compared for word in wanted)


def _in_calls(seat: Seat, asked: str) -> list[Known]:
    if seat.organisation.kind not in NATIONAL:
        return []
    return [
        Known("公募要領", "none", f"{no}　{title}", f"{reverse('calls:guide', args=[row.slug])}#s{no}",
              row.definition.short_name, row.published_at, *_place(text, asked))
        for row in _calls_of(seat.organisation)
        for no, title, text, compared in _guide_of(row)
        if _contains(compared, asked)
    ]  # fmt: skip


def _calls_of(body: Organisation) -> list[Programme]:
    rows = Programme.objects.newest().filter(organiser=body).order_by("-published_at", "slug")
    return [row for row in rows if row.definition.call]


_guides: dict[str, tuple[tuple[int, str, str, str], ...]] = {}  # by digest of the definition: revisions never change


def _guide_of(row: Programme) -> tuple[tuple[int, str, str, str], ...]:
    """(number, heading, text, text as compared) of each section."""
    if row.digest not in _guides:
        parts = row.definition.call.guide if row.definition.call else ()
        texts = [(part.no, part.title, "\n".join([part.title, *_lines(part)])) for part in parts]
        _guides[row.digest] = tuple((no, title, text, normalise(text)) for no, title, text in texts)
    return _guides[row.digest]


def _lines(part: definition.GuideSection) -> Iterator[str]:
    for block in part.body:
        match block:
            case definition.TextBlock() | definition.NoteBlock():
                yield block.text
            case definition.ListBlock():
                for item in block.items:
                    yield from (item.text, *item.items)
            case definition.TableBlock():
                yield from (block.caption, *(" ".join(row) for row in (block.columns, *block.rows)))

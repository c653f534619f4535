"""利用目的: what a case may be used for is written on it; everything else is refused, and the attempt recorded."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import Literal, assert_never

from django.db import transaction
from django.db.models import F, Prefetch

from kyoten.consultations.actions.handling import CHANGED, check_seat, locked
from kyoten.consultations.desks import Desk, desks
from kyoten.consultations.knowledge_searching import GUIDE, index_examples, index_guide
from kyoten.consultations.models import KIND, Consultation, Draft, Example, GuideSection, marked
from kyoten.consultations.personal import apart, body_names, stem
from kyoten.organisations.models import Organisation, Seat
from kyoten.papers.listings import Answered, write_answers, write_list
from kyoten.papers.tables import Table
from kyoten.programmes.models import KIND as PROGRAMME
from kyoten.records.actions import Entry, record, record_many
from kyoten.records.models import Refused
from kyoten.rules.personal import BodyNames, Span, find, find_words, mask
from kyoten.rules.text import clean, clean_line, same_words
from kyoten.rules.wareki import fiscal_year_name

NOT_ALLOWED = (
    "この窓口の相談は「{use}」には使えません。相談者に示した利用目的は「{purpose}」です。この操作は記録しました。"
)


def may_use(case: Consultation, use: str) -> bool:
    """Whether the purposes written on the case when it came in contain this use."""
    return use in case.purposes


# ---- 書き出し ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Export:
    """The file, and how many cases are in it."""

    data: bytes
    count: int


def export_for(use: str, desk: Desk, *, kind: Literal["xlsx", "docx"], by: Seat, at: datetime) -> Export:
    """目的に沿った書き出し: the answered cases whose own purposes contain `use`, anonymised; recorded on each of them.

    Any other use is refused, and that somebody tried stands in the 経過 of the programme.
    """
    if by.organisation != desk.operator or not by.may_act:
        raise Refused("書き出せるのは、窓口の担当だけです。")
    cases = _usable(use, desk)
    if not cases and use not in {each.id for each in desk.rules.purpose.uses}:
        _record_attempt(use, desk, by, at)
        raise Refused(NOT_ALLOWED.format(use=_asked_use(use, desk), purpose=desk.rules.purpose.text))
    if not cases:
        raise Refused("書き出せる相談（回答済みのもの）がまだありません。")
    data = _file(desk, cases, kind)
    with transaction.atomic():
        title = f"「{label_of(use, desk)}」のために匿名化して書き出し"
        entries = [Entry("export", title, KIND, case.pk, {"use": use, "file": kind}) for case in cases]
        record_many(entries, by=by.actor(), at=at)
    return Export(data, len(cases))


def label_of(use: str, desk: Desk) -> str:
    return next((each.label for each in desk.rules.purpose.uses if each.id == use), use)


def _asked_use(use: str, desk: Desk) -> str:
    """In words: another desk of the body may know the use."""
    known = {each.id: each.label for own in desks(desk.operator) for each in own.rules.purpose.uses}
    return (known | {"other": "その他の目的"}).get(use, clean_line(use)[:100])


def _usable(use: str, desk: Desk) -> list[Consultation]:
    sent = Prefetch("drafts", Draft.objects.filter(state="sent").select_related("written_by__person").order_by("pk"))
    rows = Consultation.objects.filter(
        operator=desk.operator, programme=desk.slug, state__in=("answered", "closed"), drafts__state="sent"
    )
    rows = rows.distinct().prefetch_related(sent, "marks").order_by("received_at", "pk")
    return [case for case in rows if may_use(case, use)]


def _record_attempt(use: str, desk: Desk, by: Seat, at: datetime) -> None:
    """Committed although the act is refused."""
    with transaction.atomic():
        record(
            "export_refused", "利用目的の外の書き出しを拒否", kind=PROGRAMME, record_id=desk.programme.record_id,
            by=by.actor(), at=at, facts={"use": clean_line(use)[:100]},
        )  # fmt: skip


def _file(desk: Desk, cases: Sequence[Consultation], kind: Literal["xlsx", "docx"]) -> bytes:
    bodies, title = body_names(), f"{desk.title}　照会と回答（匿名化）　{fiscal_year_name(desk.definition.fiscal_year)}"
    note = f"利用目的：{desk.rules.purpose.text}"
    rows = [_anonymous(number, case, desk, bodies) for number, case in enumerate(cases, start=1)]
    match kind:
        case "xlsx":
            cells = [
                (n, row.asker, row.subjects, row.functions, row.question, row.answer) for n, row in enumerate(rows, 1)
            ]
            return write_list(
                Table(title, ("No", "相談者の区分", "分類", "機能", "照会内容", "回答"), cells, note), "xlsx"
            )
        case "docx":
            said = (
                Answered(f"{n}　{row.subjects or '分類なし'}", row.question, row.answer)
                for n, row in enumerate(rows, 1)
            )
            return write_answers(title, note, said)
        case _:
            assert_never(kind)


@dataclass(frozen=True)
class Anonymous:
    """A case as it may be handed on: no number, no day, nobody's name."""

    asker: str
    subjects: str
    functions: str
    question: str
    answer: str


def _anonymous(number: int, case: Consultation, desk: Desk, bodies: BodyNames) -> Anonymous:
    marks, rules = marked(case), desk.rules
    drafts = list(case.drafts.all())
    own = own_words(case, [draft.written_by.person.name for draft in drafts])
    return Anonymous(
        asker=_labels([case.asker], rules.askers),
        subjects=_labels(marks["subject"], rules.subjects),
        functions=_labels(marks["function"], rules.functions),
        question=anonymous(f"{case.subject}\n{case.text}", bodies, own),
        answer="\n\n".join(anonymous(draft.text, bodies, own) for draft in drafts),
    )


def _labels(ids: Iterable[str], items: Iterable) -> str:
    words = {item.id: item.label for item in items}
    return "、".join(words.get(each, each) for each in ids if each)


def own_words(case: Consultation, names: Iterable[str] = ()) -> list[str]:
    """What the case itself knows of its caller: names with and without blanks, the family name, the body and its stem."""
    people = [case.person_name, *names]
    parts = [part for name in people for part in (name, "".join(name.split()), name.split()[0] if name.split() else "")]
    bodies = [case.body_name, *case.body_name.split(), stem(case.body_name)]
    if case.organisation:
        bodies += [case.organisation.name, stem(case.organisation.name)]
    return [word for word in [*parts, *bodies, case.phone, case.email] if len(word) > 1]


def anonymous(text: str, bodies: BodyNames, own: Iterable[str] = ()) -> str:
    """The text with bodies, names, addresses, numbers and mail covered, and what the case knows of its caller."""
    return mask(text, all_hits(text, bodies, own))


def all_hits(text: str, bodies: BodyNames, own: Iterable[str] = ()) -> list[Span]:
    return apart([*find(text, bodies), *find_words(text, own)])


# ---- 同意 -------------------------------------------------------------------------------------


@transaction.atomic
def record_consent(case: Consultation, consent: str, how: str, *, by: Seat, at: datetime) -> None:
    """同意の記録: whether the caller agreed to an anonymised example, and how they said so. A 不同意 withdraws examples."""
    check_seat(case, by)
    case = locked(case)
    if consent not in ("yes", "no"):
        raise Refused("同意か不同意かを選んでください。")
    if not how.strip():
        raise Refused("同意をどのように確かめたか（日時・方法・相手）を入力してください。")
    Consultation.objects.filter(pk=case.pk).update(
        consent=consent, consent_text=clean(how)[:2000], version=F("version") + 1
    )
    if consent == "no":
        _withdraw_all(case, by, at)
    title = "事例としての公開：同意" if consent == "yes" else "事例としての公開：不同意"
    record("consent", title, kind=KIND, record_id=case.pk, by=by.actor(), at=at, note=how[:2000])


def _withdraw_all(case: Consultation, by: Seat, at: datetime) -> None:
    rows = list(case.examples.exclude(state="withdrawn").order_by("pk"))
    Example.objects.filter(pk__in=[row.pk for row in rows]).update(state="withdrawn", withdrawn_at=at)
    index_examples(*(row.pk for row in rows))
    for row in rows:
        record("withdraw", "相談者の不同意により取下げ", kind="example", record_id=row.pk, by=by.actor(), at=at)


# ---- 参考になる資料 ---------------------------------------------------------------------------

CONTENT = re.compile(r"[一-鿿々〆ヶァ-ヴーA-Za-z0-9]{2,}")  # what carries meaning; hiragana binds words
OFFERED = 5


@dataclass(frozen=True)
class Suggestion:
    """Something that fits a case. `source` is what stands below it when it is put into an answer."""

    kind: Literal["example", "guide"]
    pk: int
    title: str
    text: str
    source: str
    weight: int = 0


def suggestions_for(case: Consultation, words: str = "") -> list[Suggestion]:
    """What fits the words (without any: the case's own), best first.

    Sections of the guidebook, and released 事例 of the same programme of the same year: what one year's callers wrote
    is never offered in another's answer.
    """
    wanted = pieces(words if words.strip() else f"{case.subject} {case.text}")
    found = (replace(each, weight=_weight(each, wanted)) for each in _offered(case))
    fitting = sorted((each for each in found if each.weight), key=lambda each: (-each.weight, each.kind, each.pk))
    return fitting[:OFFERED]


ANOTHERS = "この事例は別の窓口か年度の相談からつくられたもので、この相談の回答には使えません。この操作は記録しました。"


def with_source(case: Consultation, text: str, chosen: str, *, by: Seat, at: datetime) -> str:
    """The text with one of what is offered for this case (`guide:5`, `example:3`) at its end, and where it is from.

    Another year's or desk's example is refused, and that somebody tried stands in the 経過 of the case.
    """
    for each in _offered(case):
        if chosen == f"{each.kind}:{each.pk}":
            return "\n\n".join(filter(None, [text.rstrip(), f"{each.text}\n（出典　{each.source}）"])) + "\n"
    if (anothers := _of_another_purpose(case, chosen)) is not None:
        with transaction.atomic():  # committed although the act is refused
            record("insert_refused", "利用目的の外の事例を回答に使う操作を拒否", kind=KIND, record_id=case.pk, by=by.actor(),
                   at=at, facts={"example": anothers.pk})  # fmt: skip
        raise Refused(ANOTHERS)
    raise Refused("この資料は、いまは使えません。画面を開き直してください。")


def _of_another_purpose(case: Consultation, chosen: str) -> Example | None:
    """The example somebody wants to use, where it is one they may read and it stems from other cases than these."""
    kind, _, number = chosen.partition(":")
    if kind != "example" or not number.isascii() or not number.isdecimal() or len(number) > 18:
        return None
    rows = Example.objects.shown_to_body(case.operator_id).filter(pk=int(number))
    return rows.exclude(programme=case.programme, fiscal_year=case.fiscal_year, operator=case.operator_id).first()


def _offered(case: Consultation) -> Iterator[Suggestion]:
    for row in GuideSection.objects.all():
        yield Suggestion("guide", row.pk, str(row), row.text, f"ガイドブック　{row}")
    same = Example.objects.filter(
        state="released", programme=case.programme, fiscal_year=case.fiscal_year, operator=case.operator_id
    )
    for example in same.exclude(consultation=case):
        text = f"{example.question}\n{example.answer}"
        yield Suggestion("example", example.pk, example.title, text, f"事例「{example.title}」")


@lru_cache(maxsize=2000)  # the guidebook's sections are looked through again and again
def pieces(text: str) -> frozenset[str]:
    """Every two neighbouring characters of the words that carry meaning."""
    words = CONTENT.findall(same_words_kept(text))
    return frozenset(word[n : n + 2] for word in words for n in range(len(word) - 1))


def same_words_kept(text: str) -> str:
    """same_words, but words stay apart."""
    return " ".join(same_words(part) for part in text.split())


def _weight(each: Suggestion, wanted: frozenset[str]) -> int:
    """How many pieces occur, those of the title twice; fewer than two is chance unless one is all that was asked."""
    weight = 2 * len(wanted & pieces(each.title)) + len(wanted & pieces(each.text))
    return weight if weight >= min(2, len(wanted)) else 0


# ---- ガイドブック -----------------------------------------------------------------------------


@transaction.atomic
def put_guide_section(
    *, chapter: str, title: str, text: str, place: int = 0, row: GuideSection | None = None, version: int | None = None,
    by: Seat, at: datetime,
) -> GuideSection:  # fmt: skip
    """ガイドブックの一節の登録・訂正. `version` is that of the row the page showed."""
    _may_keep_guide(by, row)
    if not title.strip() or not text.strip():
        raise Refused("見出しと本文を入力してください。")
    values = {"chapter": clean_line(chapter)[:200], "title": clean_line(title)[:200], "text": clean(text),
              "place": place, "changed_at": at}  # fmt: skip
    if row is None:
        row = GuideSection.objects.create(operator=by.organisation, **values)
    elif not GuideSection.objects.filter(pk=row.pk, version=version).update(**values, version=F("version") + 1):
        raise Refused(CHANGED.replace("この相談", "この節"))
    index_guide(row.pk)
    said = f"ガイドブックの節「{values['title']}」を登録"
    record("guide", said, kind=GUIDE, record_id=row.pk, by=by.actor(), at=at)
    row.refresh_from_db()
    return row


@transaction.atomic
def put_guide_sections(rows: Sequence[tuple[str, str, str]], *, by: Seat, at: datetime) -> int:
    """一括登録 of (chapter, title, text): a section of the same chapter and title is replaced. Returns how many."""
    _may_keep_guide(by, None)
    if not rows:
        raise Refused("登録できる行がありません。1行目に「章」「見出し」「本文」の列を置いたExcelを選んでください。")
    known = {(row.chapter, row.title): row for row in GuideSection.objects.filter(operator=by.organisation)}
    for number, (chapter, title, text) in enumerate(rows, start=1):
        row = known.get((clean_line(chapter)[:200], clean_line(title)[:200]))
        version = row.version if row else None
        put_guide_section(chapter=chapter, title=title, text=text, place=number, row=row, version=version, by=by, at=at)
    return len(rows)


@transaction.atomic
def drop_guide_section(row: GuideSection, *, by: Seat, at: datetime) -> None:
    """節の削除"""
    _may_keep_guide(by, row)
    pk = row.pk
    if not GuideSection.objects.filter(pk=pk).delete()[0]:
        raise Refused("この節は、すでに削除されています。")
    index_guide(pk)
    record("guide_drop", "ガイドブックの節を削除", kind=GUIDE, record_id=pk, by=by.actor(), at=at)


def _may_keep_guide(by: Seat, row: GuideSection | None) -> None:
    if not by.may_act or by.organisation.kind != Organisation.Kind.SECRETARIAT:
        raise Refused("ガイドブックの節を登録できるのは、事務局の担当だけです。")
    if row and row.operator_id != by.organisation.pk:
        raise Refused("この節は別の事務局が登録したものです。")

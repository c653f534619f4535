"""Whether the index says what the records say. Reads only."""

from __future__ import annotations

from collections.abc import Iterable

from kyoten.rules.search_text import normalise
from kyoten.search.actions import Text
from kyoten.search.backend import index
from kyoten.search.models import Entry


def verify(sources: Iterable[Iterable[Text]] | None = None) -> list[str]:
    """Every difference as a Japanese sentence: postings against stored texts and, where given, these against the records.

    `sources` are the same as for `rebuild`; they must then be all of them.
    """
    faults = index().verify()
    return faults if sources is None else faults + _against(sources)


def _against(sources: Iterable[Iterable[Text]]) -> list[str]:
    """The stored texts of a record compared with its own."""
    unseen = dict(_entries())
    faults = []
    for source in sources:
        for text in source:
            stored = unseen.pop((text.kind, text.record_id), None)
            if stored is None:
                faults.append(f"{text.kind} {text.record_id}: 検索の索引に入っていません。")
            elif stored != (text.scope, hash(normalise(text.text))):
                faults.append(f"{text.kind} {text.record_id}: 検索用の本文が元の記録と違います。")
    return faults + [f"{kind} {record_id}: 元の記録がないのに検索の索引に残っています。" for kind, record_id in unseen]


def _entries():
    rows = Entry.objects.values_list("kind", "record_id", "scope", "text").iterator(chunk_size=1000)
    return (((kind, record_id), (scope, hash(text))) for kind, record_id, scope, text in rows)

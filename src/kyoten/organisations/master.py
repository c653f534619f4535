"""Master data: the bureaus of the ministry, 47 prefectures, 1,741 municipalities, and who supervises whom."""

import csv
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from pathlib import Path

from django.db import transaction
from django.db.models import Exists, OuterRef

from .models import Organisation, Section, Supervision
from .text import search_key

DATA = Path(__file__).parent / "data"
SINCE = date(2005, 4, 1)
BUREAUS = (
    ("厚生労働省医政局", "コウセイロウドウショウイセイキョク"),
    ("厚生労働省老健局", "コウセイロウドウショウロウケンキョク"),
)
# The section a paper is addressed to until the body says how its own is called (宛名 of the ministry's papers).
SECTIONS = {
    "厚生労働省医政局": "地域医療計画課",
    "厚生労働省老健局": "老人保健課",
    Organisation.Kind.PREFECTURE: "衛生主管部（局）",
    Organisation.Kind.MUNICIPALITY: "在宅医療・介護連携担当課",
}


@transaction.atomic
def load_master() -> None:
    """Bring bodies, supervision and first sections in line with the files. A second run changes nothing."""
    for name, kana in BUREAUS:
        Organisation.objects.get_or_create(kind=Organisation.Kind.MINISTRY, name=name, defaults={"kana": kana})
    _load(Organisation.Kind.PREFECTURE, _rows("prefectures.csv"), {})
    prefectures = dict(Organisation.objects.filter(kind=Organisation.Kind.PREFECTURE).values_list("code", "pk"))
    municipalities = list(_rows("municipalities.csv"))
    _load(Organisation.Kind.MUNICIPALITY, municipalities, prefectures)
    _supervise(municipalities, prefectures)
    _first_sections()


def _rows(file_name: str) -> Iterator[dict[str, str]]:
    with open(DATA / file_name, encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def _load(kind: str, rows: Iterable[Mapping[str, str]], prefectures: Mapping[str, int]) -> None:
    """Create the missing bodies and correct names and readings of the others."""
    known = {body.code: body for body in Organisation.objects.filter(kind=kind).exclude(code="")}
    new, changed = [], []
    for row in rows:
        body = known.get(row["code"]) or Organisation(kind=kind, code=row["code"])
        before = (body.name, body.kana, body.prefecture_id)
        body.name, body.kana = row["name"], row["kana"]
        body.prefecture_id = prefectures.get(row.get("prefecture", ""))
        body.search = search_key(body.name, body.kana, body.code)
        if body.pk is None:
            new.append(body)
        elif before != (body.name, body.kana, body.prefecture_id):
            changed.append(body)
    Organisation.objects.bulk_create(new, batch_size=500)
    Organisation.objects.bulk_update(changed, ["name", "kana", "prefecture", "search"], batch_size=500)


def _supervise(municipalities: Iterable[Mapping[str, str]], prefectures: Mapping[str, int]) -> None:
    bodies = dict(Organisation.objects.filter(kind=Organisation.Kind.MUNICIPALITY).values_list("code", "pk"))
    known = set(Supervision.objects.values_list("superior_id", "subordinate_id"))
    pairs = ((prefectures[row["prefecture"]], bodies[row["code"]]) for row in municipalities)
    Supervision.objects.bulk_create(
        [Supervision(superior_id=a, subordinate_id=b, valid_from=SINCE) for a, b in pairs if (a, b) not in known],
        batch_size=500,
    )


def _first_sections() -> None:
    """A default section for every body of the files that has none yet."""
    none_yet = Organisation.objects.filter(~Exists(Section.objects.filter(organisation=OuterRef("pk"))))
    bodies = none_yet.filter(kind__in=["ministry", "prefecture", "municipality"])
    names = [(body, SECTIONS.get(body.name) or SECTIONS.get(body.kind)) for body in bodies]
    Section.objects.bulk_create(
        [
            Section(organisation=body, name=name, is_default=True, search=search_key(name))
            for body, name in names
            if name
        ],
        batch_size=500,
    )

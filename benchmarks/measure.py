"""Measures one database: `python measure.py RESULT call|desk COUNT RUNS`, with KYOTEN_DATA and DATABASE_URL set.

Requests go through Django's whole stack (all middleware, sessions, templates, the connection as it is opened and closed
for each request) in one process and one thread; what is left out is the socket and the browser.
"""

from __future__ import annotations

import gc
import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from itertools import count as count_from
from itertools import cycle
from pathlib import Path
from random import Random

import django

os.environ["DJANGO_SETTINGS_MODULE"] = "kyoten.web.settings"
django.setup()

import country  # noqa: E402
import desk  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import close_old_connections, connection  # noqa: E402
from django.http import HttpResponse  # noqa: E402
from django.test import Client  # noqa: E402
from django.test.utils import CaptureQueriesContext  # noqa: E402
from django.urls import reverse  # noqa: E402

from kyoten.calls.models import Application  # noqa: E402
from kyoten.consultations.models import Consultation  # noqa: E402
from kyoten.organisations import seats  # noqa: E402
from kyoten.organisations.models import Seat  # noqa: E402
from kyoten.rules.answers import digests  # noqa: E402
from kyoten.web import world  # noqa: E402

SLUG = "r7-zaitaku"
MAILS = 1000  # taken in from a folder
NAMES = {"call": "申込書", "desk": "相談"}
FEW = 5  # runs of what takes a second
PAGES = 300  # opened to see whether the process grows
NOTES: list[str] = []  # what stands below the table
Request = Callable[[], HttpResponse]


@dataclass
class Measured:
    """One row of the table; times in milliseconds. `most_queries`, `limit`: what is promised, 0 = nothing."""

    name: str
    queries: int
    times: list[float]  # from the request to the answer
    own: list[float]  # of these, our own processor time: on a busy machine the rest is waiting
    most_queries: int = 0
    limit: int = 0


def main(result: Path, what: str, count: int, runs: int) -> None:
    call_command("migrate", verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
    rows = list(PARTS[what](count, runs))
    data = {
        "database": database(),
        "machine": machine(),
        "of": f"{NAMES[what]} {count:,}件",
        "runs": runs,
        "notes": NOTES,
    }
    result.write_text(json.dumps(data | {"rows": [asdict(row) for row in rows]}), "utf-8")


def of_the_call(count: int, runs: int) -> Iterator[Measured]:
    made = country.build(count, say)
    say("測っています")
    yield from while_written(made, runs)
    country.forward(made, say)
    tidy()
    say("測っています")
    yield from while_selected(made, runs)


def of_the_desk(count: int, runs: int) -> Iterator[Measured]:
    """10 a.m. at the desk: the inbox, the search, a case, and mail that comes in."""
    made = desk.build(count, say)
    start = time.perf_counter()
    call_command("search-rebuild", stdout=sys.stderr)
    yield Measured("検索の索引を作る（秒）", 0, [time.perf_counter() - start], [0.0], limit=30)
    tidy()
    say("測っています")
    office, listing = world.seat_of("jimukyoku"), reverse("consultations:list")
    some = Random(3).sample(range(1, count + 1), runs + 2)
    numbers = [f"R7-{n:04d}" for n in some]
    cases = Consultation.objects.filter(number__in=numbers).order_by("pk").values_list("pk", flat=True)
    yield measured("相談の受信箱（対応中）", page(office, listing), runs, limit=40)
    yield measured("相談の受信箱（すべて）", page(office, f"{listing}?view=all"), runs, limit=40)
    yield measured("相談の受信箱（最後の頁）", page(office, f"{listing}?view=all&page={count // 50}"), runs)
    yield measured("相談の受信箱（分類）", page(office, f"{listing}?view=all&subject=disaster"), runs)
    for words in ("看取り", "往診", "どこにもない言葉", "看", "会議 夜間"):
        yield measured(f"検索　{words}", page(office, f"{listing}?words={words}"), runs, limit=60)
    yield measured(
        "相談の画面", page(office, *(reverse("consultations:case", args=[pk]) for pk in cases)), runs, limit=30
    )
    yield measured("相談窓口の実績（1年）", page(office, reverse("consultations:report")), min(runs, FEW))
    NOTES.append(memory(office, listing, list(cases)))
    yield taking(made)


def memory(office: Seat, listing: str, cases: list[int]) -> str:
    """Whether the process grows while an office works: pages of every kind, each with other rows than the last."""
    words = (sentence[:4] for sentence in cycle(desk.SENTENCES))
    kinds = cycle((
        (f"{listing}?view=all&page={number}" for number in count_from(1)),
        (f"{listing}?words={word}" for word in words),
        (reverse("consultations:case", args=[pk]) for pk in cycle(cases)),
    ))  # fmt: skip
    requests = page(office, *(next(next(kinds)) for _ in range(PAGES)))
    for _ in range(PAGES // 10):
        timed(next(requests))
    before = resident()
    for _ in range(PAGES):
        timed(next(requests))
    return f"メモリー: {PAGES}画面の前 {before:.1f}MB、後 {resident():.1f}MB（{connection.vendor}）"


def resident() -> float:
    """Megabytes of this process in memory; 0 where the system does not tell."""
    gc.collect()
    try:
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    except OSError:
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 1024**2


def taking(made: desk.Desk) -> Measured:
    """Mails a second, from a folder, every one committed: the measure is milliseconds a mail."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        for n, raw in enumerate(desk.mails(MAILS)):
            (Path(folder) / f"{n:05d}.eml").write_bytes(raw)
        start, own = time.perf_counter(), time.process_time()
        call_command("mail", "take", folder, stdout=sys.stderr)
        each = (time.perf_counter() - start) * 1000 / MAILS, (time.process_time() - own) * 1000 / MAILS
    return Measured("メール1通の受付（フォルダーから）", 0, [each[0]], [each[1]], limit=5)


def say(words: str) -> None:
    print(f"  {connection.vendor}: {words}…", file=sys.stderr, flush=True)


def tidy() -> None:
    """What autovacuum would have done by now. Nothing does it for SQLite."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")


# ---- measuring ----------------------------------------------------------------------------------


def client_of(seat: Seat) -> Client:
    client = Client(SERVER_NAME="localhost")
    client.force_login(seat.person, backend="allauth.account.auth_backends.AuthenticationBackend")
    session = client.session
    session[seats.SEAT] = seat.pk
    session.save()
    client.get("/")  # the first request writes when the session was seen
    return client


def timed(request: Request) -> tuple[float, float]:
    """Milliseconds by the clock and of our own processor time."""
    start, own = time.perf_counter(), time.process_time()
    response = request()
    close_old_connections()  # the test client leaves out what a server does after each request
    times = (time.perf_counter() - start) * 1000, (time.process_time() - own) * 1000
    if response.status_code >= 400:
        raise SystemExit(f"{response.status_code}: {response.content.decode()[:2000]}")
    return times


def measured(name: str, requests: Iterator[Request], runs: int, most_queries: int = 0, limit: int = 0) -> Measured:
    """One run for the caches, one to count queries (counting costs time), then `runs`."""
    timed(next(requests))
    request = next(requests)
    with CaptureQueriesContext(connection) as captured:
        timed(request)
        count = len(captured)
    times, own = zip(*(timed(next(requests)) for _ in range(runs)), strict=True)
    return Measured(name, count, list(times), list(own), most_queries, limit)


def page(seat: Seat, *addresses: str) -> Iterator[Request]:
    """GET these pages in turn, for ever."""
    client = client_of(seat)
    for address in cycle(addresses):
        yield lambda address=address: client.get(address)


# ---- what is measured ---------------------------------------------------------------------------


def while_written(made: country.Country, runs: int) -> Iterator[Measured]:
    """7/22: municipalities write, 千葉県 looks on."""
    tidy()
    writer, chiba = made.seats[made.drafts[-1].applicant.code], made.seats[country.CHIBA]
    edit = reverse("calls:edit", args=[made.drafts[-1].pk])
    yield measured("ホーム（市町村）", page(writer, "/"), runs)
    yield measured("ホーム（都道府県）", page(chiba, "/"), runs)
    yield measured("ホーム（関係団体）", page(world.seat_of("chiba-ishikai"), "/"), runs)
    yield measured("管内のとりまとめ（54市町村）", page(chiba, reverse("calls:gather", args=[SLUG])), runs)
    yield measured("申込書の入力画面", page(writer, edit), runs)
    yield measured("申込書の自動保存", saves(made, writer), runs)
    submits = min(runs, len(made.drafts) - 2)
    yield measured("申込書の提出", submissions(made), submits, limit=60)


def saves(made: country.Country, writer: Seat) -> Iterator[Request]:
    """Autosave as the open page sends it: the whole form, one text changed since the last time."""
    client, application, number = client_of(writer), made.drafts[-1], 0
    address = reverse("calls:edit", args=[application.pk])
    while True:
        number += 1
        application.refresh_from_db()
        data = country.posted(application, reason=f"{number}回目に書き直した応募の理由です。")
        data["base"] = json.dumps(digests(application.form, application.answers))
        yield lambda data=data: client.post(address, data, headers={"HX-Request": "true"})


def submissions(made: country.Country) -> Iterator[Request]:
    for application in made.drafts:
        client = client_of(made.seats[application.applicant.code])
        address = reverse("calls:submit", args=[application.pk])
        yield lambda client=client, address=address: client.post(address)


def while_selected(made: country.Country, runs: int) -> Iterator[Measured]:
    """8/5: everything is at the secretariat."""
    office, forwarded = world.seat_of("jimukyoku"), Application.objects.filter(state="forwarded")
    some = Random(3).sample(
        list(forwarded.order_by("pk").values_list("pk", flat=True)), min(runs + 2, forwarded.count())
    )
    details = [reverse("calls:application", args=[pk]) for pk in some]
    papers = [reverse("calls:paper", args=[pk, "pdf"]) for pk in some]
    listing, board = reverse("calls:applications", args=[SLUG]), reverse("calls:board", args=[SLUG])
    last = f"?page={forwarded.count() // 50}"
    yield measured("ホーム（事務局）", page(office, "/"), runs)
    yield measured("ホーム（国）", page(world.seat_of("mhlw"), "/"), runs)
    yield measured("公募の状況（47都道府県）", page(office, reverse("calls:show", args=[SLUG])), runs)
    yield measured("申込一覧（50行）", page(office, listing), runs, 12, 60)
    yield measured("申込一覧（最後の頁）", page(office, listing + last), runs, 12, 60)
    yield measured("申込一覧（絞り込み）", page(office, f"{listing}?words=松&sort=-submitted"), runs, 12, 60)
    yield measured("申込書の詳細", page(office, *details), runs, 15, 40)
    yield measured("選定の一覧（50行）", page(office, board), runs, 15, 150)
    yield measured("選定の一覧（最後の頁）", page(office, board + last), runs, 15, 150)
    yield measured("申込書のPDF", page(office, *papers), runs, limit=200)
    yield measured(
        "全件のExcel", page(office, reverse("calls:applications_table", args=[SLUG])), min(runs, FEW), limit=2000
    )


# ---- where --------------------------------------------------------------------------------------


def database() -> str:
    if connection.vendor == "sqlite":
        import sqlite3

        return f"SQLite {sqlite3.sqlite_version}"
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version")
        return f"PostgreSQL {cursor.fetchone()[0]}"


def machine() -> str:
    return f"{os.cpu_count()}コア（負荷 {os.getloadavg()[0]:.1f}）　{platform.system()} {platform.machine()}　Python {platform.python_version()}"


PARTS = {"call": of_the_call, "desk": of_the_desk}

if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))

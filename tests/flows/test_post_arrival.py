"""When a mail came that is handed in as a file: by the stamp of the nearest server, within a month."""

from datetime import UTC, datetime, timedelta

import pytest

from kyoten.consultations.models import Consultation
from kyoten.post.arrival import AT_MOST, arrived_at
from kyoten.rules.clock import JST
from kyoten.web.taking import take_directory, take_handed_in
from tests.flows import desking, outlook
from tests.flows.desking import SATURDAY, TUESDAY

NOW = datetime(2025, 7, 22, 9, 31, tzinfo=JST)
STAMP = "Received: from mx.example.jp (mx [192.0.2.1])\r\n\tby mail.example.jp; {}\r\n"


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        (STAMP.format("Sat, 19 Jul 2025 10:00:00 +0900"), SATURDAY),
        (STAMP.format("Sat, 19 Jul 2025 01:00:00 -0000 (UTC)"), SATURDAY),
        (STAMP.format("Sat, 19 Jul 2025 10:00:00 +0900") + STAMP.format("Fri, 18 Jul 2025 10:00:00 +0900"), SATURDAY),
        (STAMP.format("Sat, 19 Jul 2025 10:00:00 +0900") + "Date: Mon, 1 Jul 2024 00:00:00 +0900\r\n", SATURDAY),
        ("received: by x;\r\n Sat, 19 Jul 2025 10:00:00 +0900\r\n", SATURDAY),
        ("Date: Sat, 19 Jul 2025\r\n 10:00:00 +0900\r\n", SATURDAY),
        ("", NOW),
        ("Date: \r\n", NOW),
        ("Date: 令和7年7月19日\r\n", NOW),
        ("Date: Sat, 99 Jul 2025 10:00:00 +0900\r\n", NOW),
        ("Date: Fri, 31 Dec 9999 23:59:59 -2300\r\n", NOW),
        (STAMP.format("nonsense") + "Date: Sat, 19 Jul 2025 10:00:00 +0900\r\n", NOW),
        ("Date: Tue, 22 Jul 2025 09:31:01 +0900\r\n", NOW),
        ("Date: Sat, 21 Jun 2025 09:31:00 +0900\r\n", NOW - AT_MOST),
        ("Date: Sat, 21 Jun 2025 09:30:59 +0900\r\n", NOW),
    ],
)
def test_the_stamp_of_the_nearest_server_counts_and_else_the_date(headers, expected):
    raw = f"Subject: a\r\n{headers}\r\nReceived: x; Fri, 18 Jul 2025 10:00:00 +0900\r\n".encode()
    assert arrived_at(raw, NOW) == expected


def test_a_mail_saved_by_outlook_has_its_servers_headers():
    stamped = STAMP.format("Sat, 19 Jul 2025 10:00:00 +0900")
    assert arrived_at(outlook.message(subject="a", headers=stamped), NOW) == SATURDAY
    assert arrived_at(outlook.message(subject="a"), NOW) == NOW
    assert arrived_at(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", NOW) == NOW


def test_ten_thousand_lines_of_headers_are_passed_over():
    assert arrived_at(b"Received: x\r\n" + b" y\r\n" * 100_000, NOW) == NOW


@pytest.mark.django_db
@pytest.mark.parametrize("way", ["folder", "handed in"])
def test_the_clock_of_a_mail_of_saturday_starts_on_tuesday_whenever_it_is_taken_in(world, tmp_path, way):
    raw = STAMP.format("Sat, 19 Jul 2025 10:00:00 +0900").encode() + desking.raw()
    later = TUESDAY + timedelta(hours=7)
    if way == "folder":
        (tmp_path / "a.eml").write_bytes(raw)
        take_directory(tmp_path, at=later)
    else:
        take_handed_in([raw], by=world.seat_secretariat, at=later)
    case = Consultation.objects.get()
    assert case.received_at == SATURDAY
    assert case.clock_at == datetime(2025, 7, 22, 0, 0, tzinfo=UTC)

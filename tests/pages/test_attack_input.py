"""Hostile input on the pages of a call: whatever is typed, chosen or sent ends in a page, never in a fault of ours."""

import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from kyoten.calls.models import Application, Correction
from kyoten.records.models import Attachment
from kyoten.rules.clock import JST
from kyoten.web import demo
from kyoten.web.models import DemoClock
from tests.flows import calling
from tests.world import login

pytestmark = pytest.mark.django_db
NUL = "県\0の意見"
HUGE = "9" * 5000  # more digits than Python turns into a number
NO_DAYS = ["0001-01-01", "0025-07-31", "1872-12-31", "9999-12-31", "2025-02-30", "20250728x", "-1", HUGE]


@pytest.fixture(autouse=True)
def in_time(clock, settings):
    settings.ALLOWED_HOSTS = ["testserver"]
    clock(calling.WRITING)


def at(name, *args):
    return reverse(name, args=args)


def answers(application):
    application.refresh_from_db()
    return application.answers


# ---- the form ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "base",
    ["[" * 200_000, '{"a":' * 100_000, "nan", "[]", '{"reason": {"x": 1}}', '{"members": 5}', '"\\ud800"', HUGE, NUL],
)
def test_a_base_that_is_none_counts_what_was_typed_as_a_change_beside_what_is_stored(world, base):
    application = calling.drafted(world)
    client = login(Client(), world.seat_matsudo)
    response = client.post(at("calls:edit", application.pk), {"base": base, "f-reason": "別の理由"})
    assert response.status_code == 302
    found = application.edit_conflicts.get()
    assert (answers(application)["reason"], found.yours) == (calling.ANSWERS["reason"], "別の理由")


def test_what_the_form_does_not_know_is_not_written(world):
    """Mass assignment: columns of the application, of its rows, and another field's column."""
    application = calling.drafted(world)
    before = answers(application)
    client = login(Client(), world.seat_matsudo)
    own = {"state": "submitted", "number": "R7-12-001", "opinion": "可", "by_proxy": "secretariat", "forwarded_at": "2025-07-01",
           "prefecture": world.saitama.pk, "applicant": world.kashiwa.pk, "late_reason": "x", "version": "99"}  # fmt: skip
    fields = {f"f-{name}": value for name, value in own.items() if name != "prefecture"}
    row = {"f-members-0-row": "m1", "f-members-0-state": "submitted", "f-members-0-version": "9"}
    client.post(at("calls:edit", application.pk), own | fields | row | {"base": "{}"})
    application.refresh_from_db()
    assert (application.state, application.number, application.opinion, application.by_proxy) == ("draft", "", "", "")
    assert (application.prefecture, application.applicant) == (world.chiba, world.matsudo)
    assert application.answers.keys() == before.keys()
    assert {key for member in application.answers["members"] for key in member} == {*calling.MEMBERS[0]}


def test_duplicate_and_array_parameters_say_one_thing(world):
    application = calling.drafted(world)
    base = json.dumps({"reason": "x"})
    client = login(Client(), world.seat_matsudo)
    body = {
        "f-rep_name": ["一人目", "二人目"],
        "f-rep_name[]": "三人目",
        "f-area_kind": ["1", "2"],
        "base": [base, base],
    }
    assert client.post(at("calls:edit", application.pk), body).status_code == 302
    assert (answers(application)["rep_name"], answers(application)["area_kind"]) == ("山下 結衣", "2")


def test_more_than_a_request_may_hold_is_said_in_japanese(world):
    application = calling.drafted(world)
    client = login(Client(), world.seat_matsudo)
    url = at("calls:edit", application.pk)
    for body in ({"f-reason": "あ" * 2_000_000}, {f"f-members-{n}-row": "x" for n in range(5001)}):
        response = client.post(url, body)
        assert (response.status_code, "送信できませんでした" in response.content.decode()) == (400, True)
    assert answers(application)["reason"] == calling.ANSWERS["reason"]


def test_html_in_every_text_stays_text(world):
    evil = "<script>alert(1)</script><img src=x onerror=y>"
    row = calling.member(1, evil, evil, "hub") | {"section": evil, "title": evil}
    texts = dict.fromkeys(("area_name", "rep_name", "rep_organisation", "reason", "features", "issues_detail"), evil)
    application = calling.drafted(world, **texts, members=[row])
    client = login(Client(), world.seat_matsudo)
    client.post(at("calls:edit", application.pk), {"reason": evil, "ticks": "", "base": "{}"})
    for page in ("calls:edit", "calls:application", "calls:submit", "calls:withdraw"):
        shown = client.get(at(page, application.pk)).content.decode()
        assert ("<script>alert" in shown, "<img src=x" in shown) == (False, False), page


# ---- days, moments, numbers -------------------------------------------------------------------


@pytest.mark.parametrize("day", NO_DAYS)
def test_a_day_that_is_none_is_refused_with_what_was_typed(world, clock, day):
    application = calling.submitted(world)
    clock(calling.GATHERING)
    client = login(Client(), world.seat_chiba)
    response = client.post(at("calls:send_back", application.pk), {"reason-all": "直してください", "due": day})
    assert (Correction.objects.count(), "直してください" in response.content.decode()) == (0, True)


@pytest.mark.parametrize("day", NO_DAYS)
def test_a_decision_of_no_day_sends_nothing(world, clock, day):
    application = calling.with_officer(world, calling.submitted(world))
    bundle = calling.prepared(world, application.call)
    clock(calling.GATHERING)
    client = login(Client(), world.seat_chiba)
    response = client.post(at("calls:bundle", bundle.pk), {"decided_on": day, "document_number": "医整第1号"})
    bundle.refresh_from_db()
    assert (response.status_code, bundle.state) == (200, "prepared")
    assert client.get(at("calls:bundle", bundle.pk)).status_code == 200


@pytest.mark.parametrize("day", NO_DAYS)
def test_receipt_on_no_day_records_nothing(world, clock, day):
    application = calling.forwarded(world)
    clock(calling.SELECTING)
    client = login(Client(), world.seat_secretariat)
    page = client.post(at("calls:take_in", application.pk), {"received_on": day, "receipt_number": "収1"})
    application.refresh_from_db()
    assert (application.received_on, application.receipt_number) == (None, "")
    assert 'value="収1"' in page.content.decode()


@pytest.mark.parametrize(
    "moment", ["0001-01-01T00:00", "9999-12-31T23:59", "2025-13-45T00:00", "2025-07-31T16:20+99:00", "x", ""]
)
def test_a_mail_that_arrived_at_no_moment_is_not_taken_in(world, clock, moment):
    call = calling.opened(world)
    clock(calling.SELECTING)
    client = login(Client(), world.seat_secretariat)
    original = SimpleUploadedFile("../../申込\u202e.txt", b"x")
    client.post(at("calls:proxy", call.slug), {"applicant": world.matsudo.pk, "source": "mail", "original": original})
    application = Application.objects.get()
    client.post(at("calls:take_in", application.pk), {"arrived_at": moment, "reason": "遅延"})
    application.refresh_from_db()
    assert (application.state, application.number) == ("draft", "")
    assert Attachment.objects.get(label="original").name == "申込.txt"


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
def test_the_clock_of_the_demo_stays_where_pages_work(world, day):
    Client().post(at("demo:clock"), {"day": day, "time": "10:00"})
    assert demo.now().astimezone(JST).date() == calling.WRITING.date()
    assert DemoClock.objects.count() == 1


def test_numbers_no_database_has_are_not_found(world):
    client = login(Client(), world.seat_secretariat)
    for number in ("9" * 30, HUGE):
        for page in ("calls/application", "calls/bundle", "inquiries/received", "kept", "post/failures"):
            assert client.get(f"/{page}/{number}/").status_code == 404


def test_rows_and_kept_inputs_of_no_number_are_nobody(world):
    inquiry = calling.case(calling.asked(world), world.matsudo).inquiry
    client = login(Client(), world.seat_chiba)
    data = {"row": [HUGE, "9" * 30, "１", NUL, "-1"], "kyoten-rescued": HUGE}
    assert client.post(at("inquiries:remind", inquiry.pk), data).status_code == 302
    assert inquiry.addressees.filter(reminded__gt=0).count() == 0


# ---- NUL, which PostgreSQL refuses ------------------------------------------------------------


def test_nul_in_everything_a_prefecture_types(world, clock):
    application = calling.submitted(world)
    clock(calling.GATHERING)
    client = login(Client(), world.seat_chiba)
    pk, slug = application.pk, application.call.slug
    inquiry = calling.case(application.call, world.kashiwa).inquiry.pk
    posts = [
        (at("calls:opinion", pk), {"opinion": NUL}),
        (at("calls:officer", pk), {"organisation": NUL, "profession": "行政職員"}),
        (at("calls:prepare", slug), {"covering_text": NUL}),
        (at("inquiries:remind", inquiry), {"row": NUL, "back": NUL}),
        (at("inquiries:telephone", inquiry), {"row": NUL, "state": NUL, "name": NUL}),
    ]
    for url, data in posts:
        assert client.post(url, data).status_code in (200, 302), url
    for url in (at("calls:applications", slug), at("calls:gather", slug), at("inquiries:list")):
        assert client.get(url, {"words": NUL, "name": NUL, "state": NUL, "page": NUL}).status_code == 200, url
    assert client.post(at("calls:send_back", pk), {"reason-all": NUL}).status_code == 302
    application.refresh_from_db()
    assert (application.opinion, application.answers["members"][-1]["organisation"]) == ("県の意見", "県の意見")
    assert application.corrections.get().text == "県の意見"


def test_nul_in_everything_an_applicant_types(world):
    application = calling.drafted(world)
    client = login(Client(), world.seat_matsudo)
    pk = application.pk
    edit, upload = at("calls:edit", pk), at("calls:upload", pk)
    posts = [
        (edit, {"reason": NUL, "f-reason": NUL, "fields": NUL, "do": NUL}),
        (edit, {"do": f"remove-row:members:{NUL}", "f-members-0-row": NUL}),
        (edit, {"do": "paste:members", "paste-members": f"{NUL}\t{NUL}"}),
        (upload, {"purpose": "attachment", "file": SimpleUploadedFile(f"{NUL}.txt", b"x")}),
        (upload, {"purpose": "form", "file": SimpleUploadedFile(f"{NUL}.docx", b"PK\3\4")}),
        (upload, {"purpose": NUL, "file": SimpleUploadedFile("b.txt", b"x")}),
        (upload, {"purpose": "table:members", "file": SimpleUploadedFile("c.xlsx", b"PK\3\4")}),
    ]
    for url, data in posts:
        assert client.post(url, data).status_code == 302, data
    taken = application.form_files.get()
    assert client.get(at("calls:reading", pk, taken.pk)).status_code == 200
    assert client.post(at("calls:reading", pk, taken.pk), {"take": [NUL, "reason"]}).status_code == 200
    assert client.post(at("calls:withdraw", pk), {"reason": NUL}).status_code == 302
    application.refresh_from_db()
    assert (application.reason, application.state) == ("県の意見", "withdrawn")


def test_nul_in_everything_the_organiser_types(world, clock):
    application = calling.forwarded(world)
    clock(calling.SELECTING)
    client = login(Client(), world.seat_secretariat)
    pk, slug = application.pk, application.call.slug
    posts = [
        (at("calls:take_in", pk), {"receipt_number": NUL, "received_on": "2025-08-01"}),
        (at("calls:note", pk), {"text": NUL}),
        (at("calls:tick", pk), {"rule": NUL, "ok": NUL}),
        (at("calls:decide", pk), {"outcome": "declined", "reason": NUL}),
        (at("calls:late", slug), {"organisation": world.chiba.pk, "reason": NUL}),
        (at("calls:announce", slug), {"decided_on": "2025-08-01", "document_number": NUL}),
        (at("calls:conflict", pk), {"person": NUL, "reason": NUL}),
        (at("calls:conflict", pk), {"person": world.seat_secretariat.person_id, "reason": NUL}),
    ]
    for url, data in posts:
        assert client.post(url, data).status_code in (200, 302), url
    application.refresh_from_db()
    assert (application.receipt_number, application.decision.reason) == ("県の意見", "県の意見")
    assert application.conflicts.get().reason == "県の意見"


# ---- files ------------------------------------------------------------------------------------


def test_files_of_any_kind_are_kept_or_refused_and_never_run(world):
    application = calling.drafted(world)
    client = login(Client(), world.seat_matsudo)
    url = at("calls:upload", application.pk)
    for name, data in {
        "a.docm": b"PK\3\4",
        "b.docx": b"\0" * 100,
        "c.xlsx": b"PK\5\6" + b"\0" * 18,
        "d.svg": b"<svg/>",
    }.items():
        for purpose in ("form", "table:members", "attachment"):
            response = client.post(url, {"purpose": purpose, "file": SimpleUploadedFile(name, data)})
            assert response.status_code == 302, (name, purpose)
    assert answers(application)["members"] == calling.MEMBERS
    for kept in Attachment.objects.filter(label="attachment"):
        shown = client.get(at("calls:file", application.pk, kept.pk))
        b"".join(shown)
        assert (shown["Content-Type"].startswith("text/html"), shown["X-Content-Type-Options"]) == (False, "nosniff")
        assert shown["Content-Disposition"].startswith("attachment;")


def test_a_file_that_is_empty_or_too_large_is_refused_with_words(world, settings):
    settings.UPLOAD_LIMIT = 1000
    application = calling.drafted(world)
    client = login(Client(), world.seat_matsudo)
    for data in (b"", b"x" * 1001):
        client.post(at("calls:upload", application.pk), {"purpose": "form", "file": SimpleUploadedFile("a.docx", data)})
    assert (Attachment.objects.count(), application.form_files.count()) == (0, 0)

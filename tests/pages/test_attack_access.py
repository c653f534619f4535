"""Reaching for what is another's: ids inside ids, lists in forms, conflicts of interest, results before their day."""

import io
import re
import zipfile

import pytest
from django.core import signing
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from openpyxl import load_workbook

from kyoten.calls.actions import applying, gathering, opening, selecting
from kyoten.calls.models import Application, Bundle, EditConflict, LateAcceptance
from kyoten.inquiries.models import SALT, Addressee, Inquiry
from kyoten.organisations.models import Area, Seat, User
from kyoten.post.models import OutboundMail
from kyoten.records.actions import store_file
from kyoten.records.models import Attachment
from tests.flows import calling
from tests.flows.racing import town
from tests.world import BACKEND, login

pytestmark = pytest.mark.django_db
PLACE = "柿ノ木台七番"  # the canary: stands in the area's name and in every text of the application


@pytest.fixture(autouse=True)
def in_time(clock, settings):
    settings.ALLOWED_HOSTS = ["testserver"]
    clock(calling.WRITING)


def at(name, *args):
    return reverse(name, args=args)


def asked_by_saitama(world, call):
    """埼玉県 puts the call to a city of its own."""
    seat = town(world.saitama, 1)
    opening.ask_municipalities(
        calling.case(call, world.saitama), call, covering_text="x", due=calling.PREFECTURE_DUE, to=[seat.organisation],
        by=world.seat_saitama, at=calling.ASKING,
    )  # fmt: skip
    return seat


# ---- ids inside ids ---------------------------------------------------------------------------


def test_what_hangs_on_another_application_is_not_found_through_ones_own(world):
    call = calling.asked(world)
    mine, theirs = calling.drafted(world, call), calling.drafted(world, call, world.seat_kashiwa)
    file = applying.attach_file(theirs, b"x", "秘密.txt", by=world.seat_kashiwa, at=calling.WRITING)
    taken = theirs.form_files.create(
        attachment_id=file.pk, name="x", taken_at=calling.WRITING, taken_by="x", reading_text="{}"
    )
    conflict = EditConflict.objects.create(
        application=theirs, field="reason", yours_text='"x"', person_id=1, written_by="x", written_at=calling.WRITING
    )
    client = login(Client(), world.seat_matsudo)
    assert client.get(at("calls:file", mine.pk, file.pk)).status_code == 404
    assert client.get(at("calls:reading", mine.pk, taken.pk)).status_code == 404
    assert client.post(at("calls:settle_conflict", mine.pk, conflict.pk), {"take": "yours"}).status_code == 404
    assert EditConflict.objects.count() == 1


def test_the_file_of_another_bundle_is_not_found(world, clock):
    application = calling.with_officer(world, calling.submitted(world))
    old = calling.prepared(world, application.call)
    new = calling.prepared(world, application.call)
    clock(calling.GATHERING)
    file = Attachment.objects.of("bundle", old.pk).get()
    client = login(Client(), world.seat_chiba)
    assert client.get(at("calls:bundle_file", new.pk, file.pk)).status_code == 404


def test_rows_of_another_inquiry_are_neither_reminded_answered_nor_printed(world):
    call = calling.asked(world)
    seat = asked_by_saitama(world, call)
    theirs = calling.case(call, seat.organisation)
    own = calling.case(call, world.matsudo).inquiry
    client = login(Client(), world.seat_chiba)
    before = OutboundMail.objects.count()
    client.post(at("inquiries:remind", own.pk), {"row": theirs.pk})
    client.post(at("inquiries:telephone", own.pk), {"row": theirs.pk, "state": "not_applicable", "name": "電話"})
    assert client.get(at("calls:fax_sheet", call.slug, theirs.pk)).status_code == 404
    theirs.refresh_from_db()
    assert (theirs.state, theirs.reminded, OutboundMail.objects.count()) == ("unread", 0, before)


@pytest.mark.parametrize(
    "back",
    [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/\t/evil.example",
        "javascript:x",
        "///evil.example",
    ],
)
def test_the_way_back_never_leads_away(world, back):
    inquiry = calling.case(calling.asked(world), world.matsudo).inquiry
    client = login(Client(), world.seat_chiba)
    response = client.post(at("inquiries:remind", inquiry.pk), {"all": "1", "back": back})
    assert response["Location"] == at("inquiries:asked", inquiry.pk)


# ---- lists in forms ---------------------------------------------------------------------------


def test_start_for_an_area_or_towns_of_another_prefecture(world):
    call = calling.asked(world)
    seat = asked_by_saitama(world, call)
    area = Area.objects.create(kind="other", name="他県の圏域", prefecture=world.saitama)
    client = login(Client(), world.seat_matsudo)
    for data in ({"area": area.pk}, {"municipalities": [seat.organisation.pk]}, {"municipalities": [world.chiba.pk]}):
        client.post(at("calls:start", call.slug), data)
    assert Application.objects.count() == 0
    assert Addressee.objects.exclude(represented_by=None).count() == 0


def test_who_got_it_for_reference_starts_nothing_and_speaks_for_nobody(world):
    call = calling.opened(world)
    opening.ask_municipalities(
        calling.case(call, world.chiba), call, covering_text="x", due=calling.PREFECTURE_DUE, to=[world.matsudo, world.kashiwa],
        reference=[world.chiba_association], by=world.seat_chiba, at=calling.ASKING,
    )  # fmt: skip
    client = login(Client(), world.seat_association)
    client.post(at("calls:start", call.slug), {"municipalities": [world.matsudo.pk, world.kashiwa.pk]})
    assert Application.objects.count() == 0
    assert Addressee.objects.exclude(represented_by=None).count() == 0
    row = calling.case(call, world.chiba_association)
    token = signing.dumps([row.pk, row.nonce], salt=SALT, compress=True)
    client.post(at("inquiries:link", token), {"state": "not_applicable", "name": "x"})
    row.refresh_from_db()
    assert row.state == "unread"


def test_asking_bodies_of_another_prefecture(world):
    call = calling.opened(world)
    client = login(Client(), world.seat_saitama)
    client.post(at("calls:ask", call.slug), {"covering_text": "x", "due": "2025-07-24", "to": [world.matsudo.pk]})
    assert Inquiry.objects.count() == 1


def test_entering_a_form_for_a_body_of_another_prefecture(world):
    call = calling.asked(world)
    client = login(Client(), world.seat_saitama)
    original = SimpleUploadedFile("a.txt", b"x")
    client.post(at("calls:proxy", call.slug), {"applicant": world.matsudo.pk, "source": "mail", "original": original})
    assert (Application.objects.count(), Attachment.objects.count()) == (0, 0)


def test_late_acceptance_only_for_bodies_of_the_call(world):
    call = calling.opened(world)
    client = login(Client(), world.seat_secretariat)
    client.post(at("calls:late", call.slug), {"organisation": world.ministry.pk, "reason": "x"})
    assert LateAcceptance.objects.count() == 0


def test_an_officer_declares_a_conflict_for_nobody_else(world, clock):
    application = calling.forwarded(world)
    clock(calling.SELECTING)
    client = login(Client(), world.seat_secretariat)
    for seat in (world.seat_secretariat2, world.seat_chiba):
        client.post(at("calls:conflict", application.pk), {"person": seat.person_id, "reason": "x"})
    login(client, world.seat_secretariat2)
    client.post(at("calls:conflict", application.pk), {"person": world.seat_chiba.person_id, "reason": "x"})
    assert application.conflicts.count() == 0


# ---- conflicts of interest --------------------------------------------------------------------


def two_forwarded(world):
    """千葉県 has sent 松戸市's (the canary) and 柏市's; one person of the organiser has a conflict with 松戸市."""
    texts = dict.fromkeys(("reason", "features", "issues_detail"), PLACE)
    call = calling.asked(world)
    secret = calling.with_officer(world, calling.submitted(world, call, area_name=PLACE, **texts))
    other = calling.with_officer(world, calling.submitted(world, call, world.seat_kashiwa, area_name="柏市全域"))
    gathering.write_opinion(secret, f"{PLACE}を推薦", by=world.seat_chiba, at=calling.GATHERING)
    bundle = gathering_out(world, call)
    secret.refresh_from_db()
    other.refresh_from_db()
    return call, secret, other, bundle


def gathering_out(world, call):
    applications = gathering.ready_to_gather(call, world.chiba)
    file = store_file(b"%PDF-1.7", "起案用一式.pdf", by=None, at=calling.GATHERING)
    bundle = gathering.prepare(
        call, world.chiba, covering_text=f"{PLACE}ほかの申込書をとりまとめました。", file=file,
        expected={a.pk: a.version for a in applications}, by=world.seat_chiba, at=calling.GATHERING,
    )  # fmt: skip
    return gathering.carry_out(
        bundle, decided_on=calling.GATHERING.date(), document_number="1", by=world.seat_chiba, at=calling.GATHERING
    )


def read(response) -> str:
    """What a page or a file says."""
    if response.status_code != 200:
        return ""
    data = b"".join(response) if response.streaming else response.content
    if data[:2] == b"PK":
        with zipfile.ZipFile(io.BytesIO(data)) as package:
            data = b"".join(package.read(name) for name in package.namelist())
    return data.decode("utf-8", "replace")


def pages(world, call, application, bundle):
    pk, slug = application.pk, call.slug
    files = [at("calls:file", pk, f.pk) for f in Attachment.objects.of("application", pk)]
    files += [at("calls:bundle_file", bundle.pk, f.pk) for f in Attachment.objects.of("bundle", bundle.pk)]
    of_the_call = ["show", "applications", "applications_table", "board", "announce", "late", "proxy"]
    of_it = ["application", "edit", "submit", "withdraw", "decide", "conflict", "take_in", "letter"]
    return [
        "/", at("calls:list"), at("inquiries:list"), at("inquiries:asked", call.inquiry_id), at("post:failures"),
        at("inquiries:telephone", call.inquiry_id), at("calls:bundle", bundle.pk), at("post:attention"),
        *(at(f"calls:{name}", slug) for name in of_the_call),
        *(at(f"calls:{name}", pk) for name in of_it),
        *(at("calls:paper", pk, kind) for kind in ("pdf", "docx")),
        at("calls:table_paper", pk, "members"),
        at("calls:applications", slug) + f"?words={PLACE}",
        at("calls:applications", slug) + "?state=forwarded&sort=number",
        *(at("post:failure", mail.pk) for mail in OutboundMail.objects.filter(state="failed")),
        *files,
    ]  # fmt: skip


def told(client, urls) -> list[str]:
    """The addresses whose answer names the canary."""
    return [url for url in urls if PLACE in read(client.get(url)).replace(f'value="{PLACE}"', "")]


@pytest.mark.parametrize("seat", ["seat_secretariat", "seat_secretariat2"])
def test_the_canary_is_seen_without_a_conflict(world, clock, seat):
    call, secret, _, bundle = two_forwarded(world)
    clock(calling.SELECTING)
    assert len(told(login(Client(), getattr(world, seat)), pages(world, call, secret, bundle))) > 8


def test_a_conflict_of_interest_hides_the_case_everywhere(world, clock):
    call, secret, other, bundle = two_forwarded(world)
    me = world.seat_secretariat
    for application, by in ((secret, world.seat_secretariat2), (other, world.seat_secretariat2)):
        selecting.write_note(
            application, f"{PLACE}のメモ" if application == secret else "x", by=by, at=calling.SELECTING
        )
        selecting.decide(
            application, "declined", f"{PLACE}の理由" if application == secret else "x", by=by, at=calling.SELECTING
        )
    selecting.declare_conflict(secret, me.person, f"{PLACE}の委員", by=world.seat_secretariat2, at=calling.SELECTING)
    clock(calling.SELECTING)
    client = login(Client(), me)
    urls = pages(world, call, secret, bundle)
    assert told(client, urls) == []
    its_own = [url for url in urls if f"/application/{secret.pk}/" in url]
    assert {client.get(url).status_code for url in [*its_own, at("calls:bundle", bundle.pk)]} == {404}
    listed = client.get(at("calls:applications", call.slug)).context["page"].paginator.count
    board = client.get(at("calls:board", call.slug)).context
    shown = client.get(at("calls:show", call.slug)).context
    assert (listed, board["total"], board["decided"], shown["applications"]) == (1, 1, 1, 1)
    missing = client.get(at("calls:application", 987654)).content
    assert client.get(at("calls:application", secret.pk)).content == missing
    for name in ("decide", "tick", "note", "conflict", "take_in"):
        response = client.post(at(f"calls:{name}", secret.pk), {"outcome": "selected", "reason": "x", "text": "x"})
        assert (response.status_code, response.content) == (404, missing)


def test_a_conflict_of_interest_holds_after_the_announcement_and_in_every_seat(world, clock):
    call, secret, other, bundle = two_forwarded(world)
    for application in (secret, other):
        selecting.decide(application, "declined", "x", by=world.seat_secretariat2, at=calling.SELECTING)
    selecting.declare_conflict(
        secret, world.seat_secretariat.person, "委員", by=world.seat_secretariat2, at=calling.SELECTING
    )
    selecting.announce(call, calling.letters(world), document_number="事務連絡", decided_on=calling.SELECTING.date(),
                       by=world.seat_secretariat2, at=calling.ANNOUNCING)  # fmt: skip
    clock(calling.ANNOUNCING)
    client = login(Client(), world.seat_secretariat)
    assert told(client, pages(world, call, secret, bundle)) == []
    assert "2件" not in read(client.get(at("calls:show", call.slug)))
    at_the_ministry = Seat.objects.create(
        person=world.seat_secretariat.person, section=world.section_ministry, role="viewer"
    )
    assert told(login(client, at_the_ministry), pages(world, call, secret, bundle)) == []


# ---- before the announcement ------------------------------------------------------------------


OUTSIDE = ["seat_matsudo", "seat_matsudo2", "seat_kashiwa", "seat_chiba", "seat_approver", "seat_viewer", "seat_saitama",
           "seat_ministry", "seat_association", "seat_national_association"]  # fmt: skip


@pytest.mark.parametrize("name", OUTSIDE)
def test_nobody_outside_reads_the_decision_before_its_day_nor_ever_its_reason(world, clock, name):
    application = calling.forwarded(world)
    call, bundle = application.call, Bundle.objects.get()
    by, when = world.seat_secretariat, calling.SELECTING
    selecting.decide(application, "declined", PLACE, by=by, at=when)
    selecting.write_note(application, PLACE, by=by, at=when)
    selecting.tick(application, application.definition.call.rules[0].id, True, by=by, at=when)
    clock(when)
    client = login(Client(), getattr(world, name))
    urls = pages(world, call, application, bundle)
    words = re.compile(f"不選定|審査メモ|{PLACE}|要件の確認")
    assert [url for url in urls if words.search(read(client.get(url)).replace(f'value="{PLACE}"', ""))] == []
    selecting.announce(
        call, calling.letters(world), document_number="事務連絡", decided_on=when.date(), by=by, at=calling.ANNOUNCING
    )
    clock(calling.ANNOUNCING)
    assert told(client, pages(world, call, application, bundle)) == []


def test_the_opinion_of_the_prefecture_goes_to_the_organiser_not_to_the_applicant(world, clock):
    application = calling.with_officer(world, calling.submitted(world))
    gathering.write_opinion(application, PLACE, by=world.seat_chiba, at=calling.GATHERING)
    clock(calling.GATHERING)
    bundle = calling.prepared(world, application.call)
    urls = pages(world, application.call, application, bundle)
    assert told(login(Client(), world.seat_matsudo), urls) == []
    assert at("calls:applications_table", application.call.slug) in told(login(Client(), world.seat_chiba), urls)


# ---- half-way in ------------------------------------------------------------------------------


def test_the_password_alone_opens_nothing_of_the_seat(world, settings, clock):
    calling.asked(world)
    settings.DEMO = False
    client = Client()
    client.force_login(world.seat_secretariat.person, backend=BACKEND)
    for url in ("/", at("calls:list"), at("calls:board", "r7-zaitaku"), at("calls:applications_table", "r7-zaitaku")):
        assert "second" in client.get(url)["Location"]
    open_ = client.get(at("calls:guide", "r7-zaitaku"))
    assert (open_.status_code, open_.context["seat"], open_.context["menu"]) == (200, None, [])


# ---- links ------------------------------------------------------------------------------------


def test_links_that_were_forged_or_have_become_void(world):
    call = calling.asked(world)
    row = calling.case(call, world.kashiwa)
    old = row.token
    other = calling.case(call, world.kamagaya)
    forged = [
        signing.dumps([row.pk, row.nonce], salt="other", compress=True),
        signing.dumps([row.pk, ""], salt=SALT),
        signing.dumps([other.pk, row.nonce], salt=SALT),
        signing.dumps([row.pk, [row.nonce]], salt=SALT),
        signing.dumps([row.pk, None], salt=SALT),
        signing.dumps([10**30, row.nonce], salt=SALT),
        old[:-1],
        "x",
    ]
    Addressee.objects.filter(pk=row.pk).update(nonce="new")
    client = Client()
    missing = client.get("/no-such-page/").content
    for token in [*forged, old]:
        data = {"state": "not_applicable", "name": "x"}
        answers = [client.get(at("inquiries:link", token)), client.post(at("inquiries:link", token), data)]
        assert [(a.status_code, a.content == missing) for a in answers] == [(404, True)] * 2, token
    row.refresh_from_db()
    assert row.state == "unread"


# ---- what goes out ----------------------------------------------------------------------------

FORMULAS = ["=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)", "\t=1", "＝1+1", "　=1", "'=1", '"=1']


def test_no_export_holds_a_formula(world, clock):
    members = [calling.member(n, text, text, "hub") for n, text in enumerate(FORMULAS, 1)]
    application = calling.drafted(
        world, area_name="=1+1", reason="@x", rep_name="+1", members=[*calling.MEMBERS, *members]
    )
    applying.submit(application, by=world.seat_matsudo, at=calling.WRITING)
    gathering.write_opinion(application, "=HYPERLINK(1)", by=world.seat_chiba, at=calling.WRITING)
    row = calling.case(application.call, world.kashiwa)
    Addressee.objects.filter(pk=row.pk).update(remark="=1", answered_by="=2")
    world.section_kashiwa.name = "=3"
    world.section_kashiwa.save()
    client = login(Client(), world.seat_chiba)
    slug = application.call.slug
    urls = [at("calls:applications_table", slug), at("calls:status_table", slug), at("calls:table_paper", application.pk, "members"),
            at("organisations:address_export")]  # fmt: skip
    for url in urls:
        cells = [
            c for line in load_workbook(io.BytesIO(client.get(url).content)).active for c in line if c.value is not None
        ]
        assert {c.data_type for c in cells} <= {"s", "n", "d"}, url
        risky = [c for c in cells if isinstance(c.value, str) and c.value[:1] in "=+-@"]
        assert all(c.quotePrefix for c in risky), url
        assert risky, url


def test_names_with_line_ends_become_one_line_in_mails_and_file_names(world, clock):
    evil = "地域医療課\r\nBcc: all@example.jp\n\n<b>"
    for section in (world.section_chiba, world.section_matsudo):
        section.name = evil
        section.save()
    for body in (world.chiba, world.matsudo):
        type(body).objects.filter(pk=body.pk).update(name=f"{body.name}\r\nX: y")
        body.refresh_from_db()
    for seat in (world.seat_chiba, world.seat_matsudo):
        User.objects.filter(pk=seat.person_id).update(name="悪\r\nTo: x@example.jp")
    world.seat_chiba, world.seat_matsudo = (
        Seat.objects.in_full().get(pk=s.pk) for s in (world.seat_chiba, world.seat_matsudo)
    )
    application = calling.with_officer(world, calling.submitted(world))
    calling.prepared(world, application.call)
    for mail in OutboundMail.objects.all():
        assert not re.search(r"[\r\n]", mail.subject + mail.from_name + mail.to)
    client = login(Client(), world.seat_chiba)
    slug = application.call.slug
    for url in (
        at("calls:status_table", slug),
        at("calls:paper", application.pk, "docx"),
        at("calls:applications_table", slug),
    ):
        assert client.get(url).status_code == 200

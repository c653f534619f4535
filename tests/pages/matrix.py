"""Three moments of one call with everything the routes need, and the calling of a route from a seat."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from types import SimpleNamespace
from typing import Any

from django.apps import apps
from django.db import transaction
from django.test import Client, RequestFactory
from django.test.client import ClientHandler
from django.urls import URLResolver, get_resolver, reverse
from django.utils import timezone

from kyoten.calls.actions import applying, gathering, incoming, selecting
from kyoten.calls.models import EditConflict
from kyoten.consultations.actions import answering, handling
from kyoten.consultations.actions.knowledge import put_guide_section
from kyoten.consultations.models import Example
from kyoten.inquiries.models import MailAnswer
from kyoten.organisations.actions import people
from kyoten.organisations.actions.addresses import confirmation_token
from kyoten.organisations.models import AddressConfirmation, AddressImport, Area, Designation
from kyoten.papers.forms import write_form
from kyoten.post import mime
from kyoten.post.actions import receive, send
from kyoten.post.inbox import read_new
from kyoten.post.models import InboundMail, OutboundMail
from kyoten.records.models import Attachment
from kyoten.web.models import Rescued
from tests.flows import calling, desking
from tests.world import login

SEATS = {
    "松": "seat_matsudo",
    "千": "seat_chiba",
    "閲": "seat_viewer",
    "埼": "seat_saitama",
    "柏": "seat_kashiwa",
    "事": "seat_secretariat",
    "国": "seat_ministry",
    "医": "seat_association",
    "無": None,
}
MANAGERS = {"松": "seat_matsudo2", "事": "seat_secretariat2"}
MISSING = 987654
# What a page may write down: who read it, and that the session goes on.
NOT_OF_THE_RECORD = {"records.AccessLog", "sessions.Session", "web.Rescued"}


# ---- the three moments ------------------------------------------------------------------------


def moment(world, name: str) -> SimpleNamespace:
    """`draft`: 松戸市 is writing. `submitted`: the prefecture has it. `forwarded`: the organiser has it, decided."""
    call = calling.opened(world)
    draft = calling.drawn_up(world, call)
    at = SimpleNamespace(world=world, call=calling.asked(world, call), bundle=None, draft=draft)
    _around(at)
    at.application = calling.drafted(world, at.call)
    _inside_the_draft(at)
    if name != "draft":
        EditConflict.objects.filter(pk=at.conflict.pk).delete()  # an open difference is not submitted
        applying.submit(at.application, by=world.seat_matsudo, at=calling.WRITING)
    if name == "forwarded":
        _forward(at)
    at.application.refresh_from_db()
    return at


def _around(at: SimpleNamespace) -> None:
    """What has no part in the call: an area, a hub, an import, an invitation, mails."""
    world, when = at.world, calling.ASKING
    at.case = calling.case(at.call, world.matsudo)
    at.asked = at.case.inquiry
    at.area = Area.objects.create(kind="other", name="東葛", prefecture=world.chiba)
    at.designation = Designation.objects.get(organisation=world.matsudo)
    at.imported = AddressImport.objects.create(
        seat=world.seat_matsudo, file_name="a.xlsx", rows='{"rows": [], "versions": {}}', created_at=when
    )
    at.invitation = people.invite(
        world.section_matsudo, role="officer", name="新任", by=world.seat_matsudo2, at=timezone.now()
    )
    at.token = re.search(r"/invitation/([^/\s]+)/", OutboundMail.objects.latest("pk").text)[1]
    at.confirmation = AddressConfirmation.objects.create(section=world.section_matsudo, fiscal_year=2025, asked_at=when)
    at.failed = send(
        to=["nowhere"], subject="x", text="x", at=when, key="k", by=None, section_id=world.section_chiba.pk
    )[0]
    [of_nobody] = send(to=["a@example.jp"], subject="x", text="x", at=when, key="seal", by=None, section_id=None)
    at.unplaced = receive(mime.answer(of_nobody, "x", [("a.docx", b"PK")], at=when), source="test", at=when)
    read_new(when)
    InboundMail.objects.filter(pk=at.unplaced.pk).update(state="attention")
    at.mail_answer = MailAnswer.objects.create(
        addressee=at.case, mail_id=at.unplaced.pk, sender="a@example.jp", text="?", received_at=when
    )
    _around_the_desk(at)
    at.kept = Rescued.objects.create(user=world.seat_matsudo.person, path="/me/", data="[]", saved_at=timezone.now())


def _around_the_desk(at: SimpleNamespace) -> None:
    """A case of the organiser's desk, with everything one can do to it."""
    by, when = at.world.seat_secretariat, desking.TUESDAY
    at.consultation = desking.taken(at.world)
    at.message = at.consultation.messages.get()
    draft = answering.save_draft(at.consultation, subject="", text="案", version=None, by=by, at=when)
    answering.ask_approval(draft, by=by, at=when)
    at.sorted_mail = desking.mail("x", subject="申込", sender="b@example.jp")
    InboundMail.objects.filter(pk=at.sorted_mail.pk).update(sort="call")
    at.callback = handling.promise_callback(
        at.consultation, when=when, phone="000-0000-0000", note="", owner=None, by=by, at=when
    )
    at.section = put_guide_section(chapter="", title="会議", text="会議の例", by=by, at=when)
    at.example = Example.objects.create(
        operator=at.world.secretariat, programme="r7-zaitaku", fiscal_year=2025, title="会議", question="？", answer="例",
        basis="同意", state="released", proposed_by=by, proposed_at=when, released_by=by, released_at=when,
    )  # fmt: skip


def _inside_the_draft(at: SimpleNamespace) -> None:
    application, by, when = at.application, at.world.seat_matsudo, calling.WRITING
    at.file = applying.attach_file(application, b"x", "資料.txt", by=by, at=when)
    word = write_form(application.definition, application.answers, "docx")
    at.taken = incoming.take_form(application, word, "申込書.docx", by=by, at=when)
    at.conflict = EditConflict.objects.create(
        application=application, field="reason", yours_text='"別の理由"', person_id=1, written_by="x", written_at=when
    )


def _forward(at: SimpleNamespace) -> None:
    world = at.world
    application = calling.with_officer(world, at.application)
    at.bundle = calling.prepared(world, at.call)
    gathering.carry_out(
        at.bundle, decided_on=calling.GATHERING.date(), document_number="1", by=world.seat_chiba, at=calling.GATHERING
    )
    at.bundle_file = Attachment.objects.of("bundle", at.bundle.pk).last()
    selecting.decide(application, "selected", "体制", by=world.seat_secretariat, at=calling.SELECTING)


# ---- calling a route --------------------------------------------------------------------------


def address(at: SimpleNamespace, route: str) -> str:
    """Where the route is for the thing that 松戸市, 千葉県 and the organiser have to do with."""
    known = values(at, route)
    return reverse(route, kwargs={name: known[name] for name in parameters()[route]})


def values(at: SimpleNamespace, route: str) -> dict[str, Any]:
    """By the names of the route's parameters; what holds for all routes of an app, and for single ones."""
    world, application = at.world, at.application.pk
    inquiry, person = {"pk": at.asked.pk}, {"pk": world.seat_matsudo.pk}
    unplaced = {"pk": at.unplaced.pk}
    of_the_app = {
        "calls": {"slug": at.call.slug, "pk": application, "kind": "docx", "field": "members", "file": at.taken.pk,
                  "conflict": at.conflict.pk, "attachment": at.file.pk},
        "inquiries": {"pk": at.case.pk, "token": at.case.token},
        "organisations": {"pk": world.section_matsudo.pk, "token": "nothing"},
        "consultations": {"pk": at.consultation.pk, "slug": "r7-zaitaku", "message": at.message.pk, "number": 0,
                          "row": at.callback.pk, "year": 2025},
        "examples": {"pk": at.example.pk},
        "post": {"pk": at.failed.pk, "attachment": 1},
        "sorting": {"pk": at.sorted_mail.pk, "number": 0},
        "programmes": {"slug": "r7-zaitaku", "old": 1, "new": 1, "revision": 1},
        "rescue": {"pk": at.kept.pk},
    }  # fmt: skip
    single = {
        "calls:bundle": {"pk": at.bundle.pk if at.bundle else MISSING},
        "calls:bundle_file": {"pk": at.bundle.pk, "attachment": at.bundle_file.pk} if at.bundle else {},
        "calls:draft": {"pk": at.draft.pk},
        "calls:draft_void": {"pk": at.draft.pk},
        "calls:draft_file": {"pk": at.draft.pk, "attachment": Attachment.objects.of("draft", at.draft.pk).get().pk},
        "calls:fax_sheet": {"pk": at.case.pk},
        "consultations:guide_edit": {"pk": at.section.pk},
        "consultations:guide_section": {"pk": at.section.pk},
        "inquiries:asked": inquiry,
        "inquiries:due": inquiry,
        "inquiries:remind": inquiry,
        "inquiries:telephone": inquiry,
        "inquiries:settle_mail": {"pk": at.mail_answer.pk},
        "inquiries:mail_file": {"pk": at.mail_answer.pk, "number": 1},
        "calls:proxy_from_mail": {"pk": at.mail_answer.pk},
        "calls:proxy_from_unplaced": {"pk": at.sorted_mail.pk},
        "organisations:accept": {"token": at.token},
        "organisations:confirm": {"token": confirmation_token(at.confirmation)},
        "organisations:revoke_invitation": {"pk": at.invitation.pk},
        "organisations:seat": person,
        "organisations:transfer": person,
        "organisations:address_import_check": {"pk": at.imported.pk},
        "organisations:organisation_name": {"pk": world.matsudo.pk},
        "organisations:address_add": {"pk": world.matsudo.pk},
        "organisations:area_edit": {"pk": at.area.pk},
        "organisations:designation_end": {"pk": at.designation.pk},
        "post:attention_mail": unplaced,
        "post:attention_file": unplaced,
        "post:attention_settle": unplaced,
    }
    return of_the_app.get(route.partition(":")[0], {"pk": 1}) | single.get(route, {})


@lru_cache
def parameters() -> dict[str, tuple[str, ...]]:
    """The parameters of every route; of several addresses with one name, the shortest."""
    found: dict[str, tuple[str, ...]] = {}
    for name, names in _parameters(get_resolver().url_patterns, "", ()):
        if name not in found or len(names) < len(found[name]):
            found[name] = names
    return found


def _parameters(patterns, prefix: str, names: tuple[str, ...]) -> Iterator[tuple[str, tuple[str, ...]]]:
    for each in patterns:
        all_names = (*names, *each.pattern.converters)
        if isinstance(each, URLResolver):
            yield from _parameters(
                each.url_patterns, f"{prefix}{each.namespace}:" if each.namespace else prefix, all_names
            )
        else:
            yield prefix + each.name, all_names


class Caller(RequestFactory):
    """One seat's browser. Every call starts from the same session and leaves no trace in the browser."""

    def __init__(self, seat) -> None:
        super().__init__()
        browser = login(Client(), seat)
        browser.get("/")  # the first page writes when the session began
        self.cookies = browser.cookies
        self.handler = ClientHandler(enforce_csrf_checks=False)  # a Client would keep every template's context
        self.missing = self.answer("GET", "/no-such-page/")

    def answer(self, method: str, url: str) -> SimpleNamespace:
        request = self.post(url, {"x": "1"}) if method == "POST" else self.get(url)
        response = self.handler(request.environ)
        return SimpleNamespace(
            status=response.status_code,
            location=response.headers.get("Location", ""),
            body=b"".join(response),  # reading to the end closes a file
            headers=sorted((name, value) for name, value in response.headers.items() if name != "Expires"),
        )

    def letter(self, method: str, url: str) -> str:
        found = self.answer(method, url)
        if found.status == 404:
            same = (found.body, found.headers) == (self.missing.body, self.missing.headers)
            return "x" if same else "!"
        if found.status == 302 and found.location.startswith(reverse("account_login")):
            return "l"
        return {403: "f", 405: "-"}.get(found.status, "o" if found.status < 500 else "!")


# ---- what must not change ---------------------------------------------------------------------


def digest() -> dict[str, str]:
    """A digest of every table, without what reading itself writes down."""
    found = {}
    for model in apps.get_models(include_auto_created=True):
        if model._meta.label not in NOT_OF_THE_RECORD:
            rows = model._base_manager.order_by("pk").values_list()
            found[model._meta.label] = hashlib.sha256(repr(list(rows)).encode()).hexdigest()
    return found


@contextmanager
def undone() -> Iterator[None]:
    """What happens inside is taken back."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)

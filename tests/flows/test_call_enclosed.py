"""別添: the blank form goes with the notice to every tier, so that an office that opens no page of ours can apply."""

from datetime import timedelta

import pytest
from django.urls import reverse

from kyoten.calls import papers
from kyoten.calls.actions import drafting, opening
from kyoten.inquiries import actions as inquiries
from kyoten.inquiries.models import Addressee, Draft
from kyoten.papers.reading import read_form
from kyoten.post.models import Enclosure, OutboundMail
from kyoten.records.models import Attachment
from tests.flows.calling import ASKING, OPENING, asked, case
from tests.flows.test_call_drafts import NUMBERED, frozen, sent
from tests.world import login

pytestmark = pytest.mark.django_db
NAME = "別紙2-②_伴走支援申込書.docx"


@pytest.fixture
def files(world):
    return papers.form_to_enclose(world.programme.definition, by=world.seat_secretariat.actor(), at=OPENING)


def opened(world, files):
    return opening.open_call(world.programme, "募集します。", enclosed=files, by=world.seat_secretariat, at=OPENING)


def enclosed():
    """By recipient of each mail: what is enclosed, in the order of sending."""
    rows = Enclosure.objects.order_by("mail_id").select_related("mail", "attachment")
    return [(row.mail.to, row.attachment.name) for row in rows]


def all_mails():
    return [(mail.to, NAME) for mail in OutboundMail.objects.order_by("pk")]


def test_every_mail_of_the_opening_carries_the_blank_form(world, files):
    call = opened(world, files)
    assert enclosed() == all_mails()
    mail = OutboundMail.objects.get(about_id=case(call, world.chiba).pk)
    assert f"■ 添付　{NAME}" in mail.text.splitlines()
    reading = read_form(world.programme.definition.form, mail.files[0].read(), NAME)
    written = [key for key, value in reading.answers.items() if value not in ("", [], {"postal": "", "text": ""})]
    assert (reading.refused, written) == (None, [])


def test_it_goes_down_with_the_prefectures_question_and_its_reminder(world, files):
    call = asked(world, opened(world, files))
    case_of_city = case(call, world.kashiwa)
    inquiries.remind(case_of_city.inquiry, [case_of_city], by=world.seat_chiba, at=ASKING + timedelta(days=1))
    assert enclosed() == all_mails()
    assert [to for to, _ in enclosed()].count(case_of_city.section.email) == 2


def test_who_is_added_later_gets_it_too(world, files):
    call = opened(world, files)
    chiba = case(call, world.chiba)
    opening.ask_municipalities(
        chiba, call, covering_text="x", due=ASKING + timedelta(days=5), to=[world.kashiwa], by=world.seat_chiba, at=ASKING
    )  # fmt: skip
    opening.add_municipalities(chiba, to=[world.matsudo], by=world.seat_chiba, at=ASKING + timedelta(days=1))
    assert enclosed() == all_mails()
    assert case(call, world.matsudo).section.email in [to for to, _ in enclosed()]


def test_a_draft_keeps_the_form_it_was_decided_with(world, files):
    by = world.seat_secretariat
    draft = frozen(opening.plan_opening(world.programme, "募集します。", files), by, OPENING)
    assert f"■ 添付　{NAME}" in draft.frozen["mail"].splitlines()
    assert [f.name for f in Attachment.objects.of(drafting.KIND, draft.pk, inquiries.ENCLOSED)] == [NAME]
    sent(draft, by, OPENING, **NUMBERED)
    assert enclosed() == all_mails()
    assert {row.attachment.sha256 for row in Enclosure.objects.select_related("attachment")} == {files[0].sha256}


def test_the_pages_enclose_it_at_once_and_by_a_draft(world, clock, client):
    clock(OPENING)
    login(client, world.seat_secretariat)
    address = reverse("calls:open", args=[world.programme.slug])
    client.post(address, {"covering_text": "募集します。", "document_number": "事務連絡", "prepare": "1"})
    page = client.get(reverse("calls:draft", args=[Draft.objects.get().pk])).content.decode()
    assert (page.count("添付する様式（Word）"), page.count("起案用一式（PDF）")) == (1, 1)
    client.post(address, {"covering_text": "募集します。", "document_number": "事務連絡"})
    assert Addressee.objects.count() == OutboundMail.objects.count() == len(enclosed()) > 0

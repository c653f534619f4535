"""受信箱の振り分け in a real browser: accessible, whole at 375 px, every move without JavaScript."""

import imaplib

import pytest
from django.urls import reverse

from kyoten.consultations.models import Consultation
from kyoten.post import trouble
from kyoten.post.mailbox import source_of_settings
from kyoten.post.models import InboundMail, MailboxState
from kyoten.web import rounds
from tests.browser.test_post_pages import check, enter
from tests.flows import desking
from tests.flows.calling import opened
from tests.flows.desking import SATURDAY

pytestmark = pytest.mark.django_db(transaction=True)
LONG = "令和7年度在宅医療における伴走支援の申込について（別紙2-②の提出）" + "x" * 80


@pytest.fixture
def mails(world, settings):
    """One mail in every pile, and a mailbox with trouble."""
    opened(world)
    settings.MAILBOX = {"host": "imap.example.jp", "user": "desk@example.jp"}
    state = {"source": source_of_settings(), "on_server": 4, "waiting": 1, "fetched_at": SATURDAY}
    MailboxState.objects.create(problem=trouble.words(imaplib.IMAP4.abort("socket error: EOF")), **state)
    desking.mail("本文です。" * 60, subject=LONG, files={"別紙2-②申込書（鎌ケ谷市）.docx": b"x"})
    desking.mail("お知らせです。", subject="お知らせ", list_id="<news.example.jp>")
    desking.mail(subject="照会")
    rounds.sorted_mail(SATURDAY)
    return {mail.sort: mail for mail in InboundMail.objects.all()}


@pytest.mark.parametrize("kind", ["page", "phone"])
def test_every_pile_and_every_mail(mails, world, live_server, kind, request, axe, stays_in_width):
    page = enter(request.getfixturevalue(kind), live_server, world.seat_secretariat)
    list_url = reverse("sorting:list")
    check(page, axe, stays_in_width, *(f"{list_url}?pile={pile}" for pile in ("call", "other", "desk", "unread")))
    check(page, axe, stays_in_width, *(reverse("sorting:mail", args=[mail.pk]) for mail in mails.values()))
    check(page, axe, stays_in_width, reverse("calls:proxy_from_unplaced", args=["r7-zaitaku", mails["call"].pk]))


def test_sorting_by_hand_without_javascript(mails, world, live_server, plain):
    page = enter(plain, live_server, world.seat_secretariat)
    page.goto(reverse("sorting:list"))
    page.get_by_role("link", name="その他", exact=False).first.click()
    page.get_by_role("link", name="お知らせ").click()
    page.get_by_role("button", name="相談へ移す").click()
    assert page.get_by_role("status").inner_text().startswith("相談として受け付けました")
    assert Consultation.objects.count() == 2
    page.goto(reverse("sorting:list") + "?pile=desk")
    page.get_by_role("link", name="お知らせ", exact=True).click()
    page.get_by_role("button", name="その他へ移す").click()
    assert page.get_by_role("status").inner_text() == "「その他」へ移しました。"
    page.get_by_role("button", name="確認済みにする").click()
    assert page.get_by_role("status").inner_text() == "確認済みにしました。"
    assert page.get_by_text("ここで確認を待つメールはありません").is_visible()

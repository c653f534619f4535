"""Pages of the post office in a real browser: accessible, whole at 375 px, complete without JavaScript."""

import pytest
from django.urls import reverse

from kyoten.post import mime
from kyoten.post.actions import receive, send
from kyoten.post.inbox import read_new
from kyoten.post.models import InboundMail, OutboundMail
from kyoten.post.worker import deliver_due
from kyoten.records.actions import store_file
from kyoten.web.rounds import other_answers_by_mail
from tests.world import AT, login_cookie

pytestmark = pytest.mark.django_db(transaction=True)
LONG = "令和7年度在宅医療における伴走支援に係る公募について（照会）　別紙2-②の提出のお願い"
TEXT = "千葉県健康福祉部医療整備課です。\n\n標記の件について、次のとおり照会します。\n\n" + "本文が続きます。" * 40
TEXT += "\n\n回答はこちら\nhttps://example.jp/answer/" + "x" * 120


def queue(world, *to, **given):
    options = {"subject": LONG, "text": TEXT, "at": AT, "key": "k", "by": world.seat_chiba.actor()}
    options |= {"section_id": world.section_chiba.pk, "about": ("inquiry", 5)}
    return send(to=to, **options | given)


def enter(context_page, live_server, seat):
    name, value = login_cookie(seat)
    context_page.context.add_cookies([{"name": name, "value": value, "url": live_server.url}])
    return context_page


def check(page, axe, stays_in_width, *addresses):
    for address in addresses:
        page.goto(address)
        axe(page)
        stays_in_width(page)


@pytest.fixture
def mailbox(world, settings):
    """A demo mailbox with two pages, a mail with a file and an answer, one undeliverable."""
    settings.DEMO = True
    queue(world, *[f"tantou{n}@city{n}.example.jp" for n in range(54)])
    file = store_file(b"%PDF", "別紙2-② 申込書（松戸市・柏市・鎌ケ谷市）.pdf", by=None, at=AT)
    [mail] = queue(world, "chiiki@matsudo.example.jp", key="file", attachments=[file])
    queue(world, "no address", key="bad", subject="宛先が誤っているメール")
    deliver_due(AT)
    return mail


@pytest.mark.parametrize("kind", ["page", "phone"])
def test_the_demo_mailbox(mailbox, kind, request, axe, stays_in_width):
    page = request.getfixturevalue(kind)
    list_url = reverse("post:mailbox")
    check(page, axe, stays_in_width, list_url, f"{list_url}?to=nobody", reverse("post:mail", args=[mailbox.pk]))


def test_answering_a_mail_in_the_demo_without_javascript(mailbox, plain, axe):
    plain.goto(reverse("post:mailbox"))
    plain.get_by_label("宛先").fill("matsudo")
    plain.get_by_role("button", name="絞り込む").click()
    plain.get_by_role("link", name=LONG).click()
    plain.get_by_label("返信の本文").fill("該当なしです。")
    plain.get_by_role("button", name="返信する").click()
    assert plain.get_by_role("status").inner_text() == "返信を送りました。まもなく相手の画面に反映されます。"
    read_new(AT)
    assert InboundMail.objects.replies().get().reply_text == "該当なしです。"
    plain.reload()
    assert plain.locator(".msg").inner_text().endswith("該当なしです。")


@pytest.mark.parametrize("kind", ["page", "phone"])
def test_failed_deliveries(world, live_server, kind, request, axe, stays_in_width):
    page = enter(request.getfixturevalue(kind), live_server, world.seat_chiba)
    check(page, axe, stays_in_width, reverse("post:failures"))
    mails = queue(world, *[f"tantou{n}@city{n}.example.jp" for n in range(6)])
    late = [mail.pk for mail in mails[:2]]
    OutboundMail.objects.filter(pk__in=late).update(attempts=3, last_reply="450 4.2.1 later")
    OutboundMail.objects.exclude(pk__in=late).update(
        state="failed", attempts=1, failed_at=AT, last_reply="550 5.1.1 <tantou@city.example.jp>: User unknown"
    )
    check(page, axe, stays_in_width, reverse("post:failures"), reverse("post:failure", args=[mails[3].pk]))
    page.get_by_label("宛先").fill("tantou@")
    page.get_by_role("button", name="再送する").click()
    assert page.get_by_label("宛先").input_value() == "tantou@"
    axe(page)
    page.get_by_label("宛先").fill("tantou@city.example.jp")
    page.get_by_role("button", name="再送する").click()
    assert page.get_by_role("status").inner_text() == "tantou@city.example.jp へ再送しました。"


@pytest.mark.parametrize("kind", ["page", "phone"])
def test_mails_without_a_case(world, live_server, kind, request, axe, stays_in_width):
    page = enter(request.getfixturevalue(kind), live_server, world.seat_secretariat)
    check(page, axe, stays_in_width, reverse("post:attention"))
    sent = queue(world, "a@example.jp", "b@example.jp", section_id=None, about=("application", 5))
    mail, _ = (receive(mime.answer(row, TEXT, [], at=AT), source="test", at=AT) for row in sent)
    read_new(AT)
    other_answers_by_mail(AT)
    check(page, axe, stays_in_width, reverse("post:attention"), reverse("post:attention_mail", args=[mail.pk]))
    page.get_by_role("button", name="確認済みにする").click()
    assert page.get_by_role("status").inner_text() == "確認済みにしました。"

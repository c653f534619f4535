"""救済: a session or a form's token that has run out, a changed seat, a fault of ours: what was typed is still there."""

import json
import re
from datetime import timedelta
from html import unescape
from urllib.parse import urlencode

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import OperationalError
from django.http import HttpRequest
from django.test import Client, RequestFactory
from django.urls import resolve, reverse
from django.utils import timezone

from kyoten.organisations.models import User
from kyoten.post.actions import send
from kyoten.post.models import OutboundMail
from kyoten.web.middleware import IDLE, LONGEST
from kyoten.web.models import Rescued
from kyoten.web.rescue import MOST, MOST_ROWS
from kyoten.web.views.errors import server_error
from tests.world import BACKEND, login

pytestmark = pytest.mark.django_db
ME = reverse("organisations:me")
LOGIN = reverse("account_login")
OURS = {"HTTP_ORIGIN": "http://testserver"}
FOREIGN = {"HTTP_ORIGIN": "https://elsewhere.example.com"}


@pytest.fixture(autouse=True)
def host(settings):
    settings.ALLOWED_HOSTS = ["testserver"]


def back_date(client: Client, **seconds: int) -> None:
    session = client.session
    now = int(timezone.now().timestamp())
    session.update({key: now - ago for key, ago in seconds.items()})
    session.save()


def started(client: Client, seat) -> Client:
    login(client, seat).get(ME)  # the first page writes when the session began
    return client


def kept() -> list[tuple[str, list]]:
    return [(row.path, json.loads(row.data)) for row in Rescued.objects.all()]


def hidden(page: str) -> list[tuple[str, str]]:
    """The fields of the form that sends again, as a browser would send them."""
    form = page[page.index('<form method="post" action="/me/') :]
    form = form[: form.index("</form>")]
    inputs = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', form)
    areas = re.findall(r'<textarea name="([^"]*)" hidden>\n(.*?)</textarea>', form, re.DOTALL)
    return [(name, unescape(value)) for name, value in [*inputs, *areas]]


def name_of(seat) -> str:
    return User.objects.get(pk=seat.person_id).name


# ---- the session's end ------------------------------------------------------------------------


@pytest.mark.parametrize("ago", [{"seen": IDLE + 5}, {"since": LONGEST + 5}])
def test_input_after_the_sessions_end_is_kept_and_can_be_sent_after_the_next_login(world, client, ago):
    started(client, world.seat_matsudo)
    back_date(client, **ago)
    response = client.post(ME + "?x=1", {"name": "山下 由衣"})
    assert (response.status_code, response.url) == (302, LOGIN)
    assert name_of(world.seat_matsudo) == "山下 結衣"
    assert kept() == [("/me/?x=1", [["name", "山下 由衣"]])]

    login(client, world.seat_matsudo)
    assert "前回の入力が残っています（1件）" in client.get("/").content.decode()
    row = Rescued.objects.get()
    page = client.get(reverse("rescue:open", args=[row.pk])).content.decode()
    assert '<dt>氏名</dt><dd class="keep">山下 由衣</dd>' in page
    fields = dict(hidden(page))
    assert fields["name"] == "山下 由衣"
    assert client.post(row.path, fields).status_code == 302
    assert name_of(world.seat_matsudo) == "山下 由衣"
    assert "前回の入力が残っています" not in client.get("/").content.decode()
    assert Rescued.objects.get().sent_at is not None


def test_a_page_after_the_sessions_end_leads_to_login_and_back(world, client):
    started(client, world.seat_matsudo)
    back_date(client, seen=IDLE + 5)
    assert client.get("/inquiries/?page=2").url == f"{LOGIN}?next=%2Finquiries%2F%3Fpage%3D2"
    assert kept() == []


def half_way(client: Client, seat) -> None:
    """Logged in with the password alone."""
    client.force_login(seat.person, backend=BACKEND)


def test_input_sent_before_the_second_factor_is_found_again_after_it(world, client):
    half_way(client, world.seat_chiba)
    answer = client.post(ME, {"name": "途中まで書いた氏名"})
    row = Rescued.objects.get(user=world.seat_chiba.person)
    own = reverse("rescue:open", args=[row.pk])
    second = reverse("organisations:second_factor")
    assert answer.url == f"{second}?{urlencode({'next': own})}"
    page = client.get(answer.url).text
    assert f'<input type="hidden" name="next" value="{own}">' in page
    client.post(second, {"send": "1", "next": own})
    code = re.search(r"^  (\d{6})$", OutboundMail.objects.get().text, re.MULTILINE)[1]
    assert client.post(second, {"code": code, "next": own}).url == own
    assert "途中まで書いた氏名" in client.get(own).text


def test_a_foreign_address_is_nowhere_to_go_after_the_second_factor(world, client):
    half_way(client, world.seat_chiba)
    second, elsewhere = reverse("organisations:second_factor"), "https://elsewhere.example.com/"
    client.post(second, {"send": "1", "next": elsewhere})
    code = re.search(r"^  (\d{6})$", OutboundMail.objects.get().text, re.MULTILINE)[1]
    assert client.post(second, {"code": code, "next": elsewhere}).url == "/"


def test_an_empty_form_before_the_second_factor_leads_to_it_all_the_same(world, client):
    half_way(client, world.seat_chiba)
    assert client.post(ME, {"name": " "}).url == reverse("organisations:second_factor")
    assert kept() == []


def test_a_session_in_use_goes_on_and_is_written_once_a_minute(world, client):
    started(client, world.seat_matsudo)
    for ago, written in ((50, False), (65, True), (IDLE - 5, True)):
        back_date(client, seen=ago)
        before = client.session["seen"]
        assert client.get(ME).status_code == 200
        assert (client.session["seen"] > before) == written


def test_input_of_nobody_we_know_is_not_kept(world, client):
    assert client.post(ME, {"name": "だれか"}).url == LOGIN
    assert kept() == []


def test_an_empty_form_is_nothing_to_keep(world, client):
    started(client, world.seat_matsudo)
    back_date(client, seen=IDLE + 5)
    client.post(ME, {"name": ""})
    assert kept() == []


# ---- an old token -----------------------------------------------------------------------------


@pytest.fixture
def browser(world) -> Client:
    """A browser that is checked for tokens, and holds one of an earlier login."""
    return login(Client(enforce_csrf_checks=True), world.seat_matsudo)


def test_an_old_token_keeps_the_input_and_one_button_sends_it_again(world, browser):
    text = "一行目\n二行目 <b>&amp;</b>"
    response = browser.post(ME, {"name": "山下 由衣", "text": text, "csrfmiddlewaretoken": "old"}, **OURS)
    page = response.content.decode()
    assert response.status_code == 403
    assert "松戸市　地域医療課　山下 結衣（担当）" in page
    assert name_of(world.seat_matsudo) == "山下 結衣"
    assert kept() == [("/me/", [["name", "山下 由衣"], ["text", text]])]
    fields = dict(hidden(page))
    assert (fields["name"], fields["text"]) == ("山下 由衣", text)
    assert browser.post(ME, fields, **OURS).status_code == 302
    assert name_of(world.seat_matsudo) == "山下 由衣"
    assert Rescued.objects.get().sent_at is not None


@pytest.mark.parametrize("source", [FOREIGN, {"HTTP_ORIGIN": "null"}, {}])
def test_a_form_of_a_foreign_page_is_neither_kept_nor_offered_again(world, browser, source):
    response = browser.post(ME, {"name": "山下 由衣"}, **source)
    assert response.status_code == 403
    assert "山下 由衣" not in response.content.decode()
    assert (kept(), name_of(world.seat_matsudo)) == ([], "山下 結衣")


def test_passwords_are_never_kept(world, browser):
    page = browser.post(
        reverse("account_change_password"), {"oldpassword": "himitsu-no-kotoba", "password1": "x" * 14}, **OURS
    )
    assert (page.status_code, kept(), "himitsu" in page.content.decode()) == (403, [], False)


def test_a_login_page_left_open_says_to_try_again(world):
    page = Client(enforce_csrf_checks=True).post(LOGIN, {"login": "matsudo", "password": "himitsu"}, **OURS)
    assert (page.status_code, kept(), "himitsu" in page.content.decode()) == (403, [], False)


def test_the_link_of_a_mail_needs_no_login_to_send_again(world):
    from tests.flows import calling

    call = calling.asked(world)
    row = calling.case(call, world.matsudo)
    url = reverse("inquiries:link", args=[row.token])
    page = Client(enforce_csrf_checks=True).post(url, {"state": "considering", "name": "山下"}, **OURS)
    assert (page.status_code, kept()) == (403, [])
    assert f'action="{url}"' in page.content.decode()
    row.refresh_from_db()
    assert row.state == "unread"


# ---- refused for another reason ---------------------------------------------------------------


def test_what_a_seat_may_not_send_is_kept_for_the_seat_that_may(world, client):
    url = reverse("calls:opinion", args=[1])
    login(client, world.seat_matsudo)
    assert client.post(url, {"opinion": "必要な取組です。"}).status_code == 404
    assert kept() == [(url, [["opinion", "必要な取組です。"]])]


def test_a_viewer_is_told_and_loses_nothing(world, client):
    url = reverse("calls:opinion", args=[1])
    response = login(client, world.seat_viewer).post(url, {"opinion": "必要な取組です。"})
    assert (response.status_code, "席を切り替えるか" in response.content.decode()) == (403, True)
    assert kept() == [(url, [["opinion", "必要な取組です。"]])]


def test_a_form_that_comes_back_with_its_errors_has_lost_nothing(world, client):
    mail = send(
        to=["nowhere"], subject="x", text="x", at=world.at, key="k", by=None, section_id=world.section_chiba.pk
    )[0]
    url = reverse("post:failure_resend", args=[mail.pk])
    response = login(client, world.seat_chiba).post(url, {"to": "これはアドレスではない"})
    assert (response.status_code, "これはアドレスではない" in response.content.decode()) == (422, True)
    assert kept() == []


def failed(request: HttpRequest, error: Exception):
    try:
        raise error
    except Exception:
        return server_error(request)


def posted(url: str, **headers) -> HttpRequest:
    request = RequestFactory().post(url, {"name": "山下 由衣"}, **headers)
    request.resolver_match = resolve(url)
    return request


def test_while_the_database_is_away_the_page_itself_holds_the_input(world):
    response = failed(posted(ME, **OURS), OperationalError("gone"))
    assert (response.status_code, response["Retry-After"]) == (503, "5")
    assert ("name", "山下 由衣") in hidden(response.content.decode())
    response = failed(posted(ME, **OURS), ValueError())
    assert (response.status_code, response.has_header("Retry-After")) == (500, False)
    assert ("name", "山下 由衣") in hidden(response.content.decode())


def test_a_fault_on_a_page_shows_the_plain_page(world):
    assert failed(RequestFactory().get(ME), ValueError()).status_code == 500


# ---- what is kept -----------------------------------------------------------------------------


def keep(client: Client, seat, **data) -> Rescued:
    started(client, seat)
    back_date(client, seen=IDLE + 5)
    client.post(ME, data)
    login(client, seat)
    return Rescued.objects.first()


def test_files_cannot_be_kept_and_the_page_names_them(world, client):
    row = keep(client, world.seat_matsudo, name="山下", file=SimpleUploadedFile("名簿.xlsx", b"x"))
    page = client.get(reverse("rescue:open", args=[row.pk])).content.decode()
    assert ("添付ファイルは保管できませんでした" in page, "名簿.xlsx" in page) == (True, True)


def test_the_answers_of_a_form_are_shown_by_their_labels(world, client):
    row = keep(
        client, world.seat_matsudo,
        **{"f-reason": "急変時の体制", "f-area_kind": "2", "f-issues": "training", "f-rep_address-postal": "271-0000",
           "f-members-1-row": "a3b804093841", "f-members-1-profession": "医師", "f-members-1-group": "hub", "base": "{}"},
    )  # fmt: skip
    page = client.get(reverse("rescue:open", args=[row.pk])).content.decode()
    shown = re.findall(r"<dt>([^<]+)</dt><dd class=\"keep\">([^<]+)</dd>", page)
    assert shown == [
        ("応募の理由", "急変時の体制"),
        ("応募地域の単位", "在宅医療の圏域ではない"),
        ("地域の課題", "在宅医療に関する人材育成"),
        ("住所（郵便番号）", "271-0000"),
        ("参加者（構成員） 1行目　職種", "医師"),
        ("参加者（構成員） 1行目　区分", "拠点担当者"),
    ]


def test_the_list_names_the_screen_by_its_entry_in_the_menu(world, client):
    login(client, world.seat_matsudo)
    client.post(reverse("calls:opinion", args=[1]), {"opinion": "必要な取組です。"})
    assert '<td data-th="画面">公募・申込</td>' in client.get(reverse("rescue:list")).content.decode()


def test_kept_input_is_the_persons_own(world, client):
    row = keep(client, world.seat_matsudo, name="山下 由衣")
    login(client, world.seat_matsudo2)
    missing = client.get(reverse("rescue:open", args=[999999]))
    for response in (
        client.get(reverse("rescue:open", args=[row.pk])),
        client.post(reverse("rescue:delete", args=[row.pk])),
    ):
        assert (response.status_code, response.content) == (404, missing.content)
    assert Rescued.objects.filter(pk=row.pk).count() == 1
    assert "山下 由衣" not in client.get(reverse("rescue:list")).content.decode()


def test_kept_input_can_be_thrown_away(world, client):
    row = keep(client, world.seat_matsudo, name="山下 由衣")
    assert client.post(reverse("rescue:delete", args=[row.pk])).url == reverse("rescue:list")
    assert kept() == []


def test_too_much_is_not_kept_and_old_rows_make_room(world, client):
    assert keep(client, world.seat_matsudo, name="あ" * (MOST + 1)) is None
    rows = [
        Rescued(user=world.seat_matsudo.person, path="/me/", data="[]", saved_at=timezone.now())
        for _ in range(MOST_ROWS + 5)
    ]
    rows.append(
        Rescued(user=world.seat_matsudo.person, path="/old/", data="[]", saved_at=timezone.now() - timedelta(days=31))
    )
    Rescued.objects.bulk_create(rows)
    newest = keep(client, world.seat_matsudo, name="山下 由衣")
    assert (newest.pairs, Rescued.objects.count()) == ([("name", "山下 由衣")], MOST_ROWS)
    assert not Rescued.objects.filter(path="/old/").exists()

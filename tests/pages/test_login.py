"""Login, lock, second factor, recovery: as a browser sees them."""

import re
from datetime import timedelta

import pytest
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value, yield_hotp_counters_from_time
from django.core.cache import cache, caches
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from kyoten.organisations.models import LoginCode, Seat, User
from kyoten.organisations.seats import SEAT
from kyoten.post.models import OutboundMail
from kyoten.records.models import Event
from kyoten.web.models import Counted
from tests.people import PASSWORD, person, seat, section, world

pytestmark = pytest.mark.django_db
CODE = reverse("organisations:second_factor")
LOGIN = reverse("account_login")


@pytest.fixture(autouse=True)
def nobody_has_guessed_yet():
    """The counts of wrong codes live in the cache, which a test's rollback does not reach."""
    cache.clear()


@pytest.fixture
def w():
    return world()


def log_in(client, username, password=PASSWORD, **headers):
    return client.post(LOGIN, {"login": username, "password": password}, **headers)


def text(response) -> str:
    return response.content.decode()


def newest_code() -> str:
    return re.search(r"^  (\d{6})$", OutboundMail.objects.latest("pk").text, re.MULTILINE)[1]


def wrong(digits: str) -> str:
    return f"{(int(digits) + 1) % 10**6:06}"


# ---- login ------------------------------------------------------------------------------------


def test_a_municipality_logs_in_with_its_password(w, client):
    assert log_in(client, "matsudo").url == "/"
    assert client.get(reverse("organisations:me")).status_code == 200


def test_the_login_name_may_be_typed_in_full_width_and_capitals(w, client):
    assert log_in(client, " ＭＡＴＳＵＤＯ ").url == "/"


def test_a_wrong_password_and_an_unknown_name_get_the_same_answer(w, client):
    known, unknown = log_in(client, "matsudo", "wrong"), log_in(client, "nobody1", "wrong")
    hide = re.compile(r'name="csrfmiddlewaretoken" value="[^"]+"|value="(matsudo|nobody1)"')
    assert (known.status_code, hide.sub("", text(known))) == (unknown.status_code, hide.sub("", text(unknown)))
    assert "利用者IDまたはパスワードが違います" in text(known)


def test_ten_mistakes_lock_the_account_and_not_its_neighbour(w, client):
    office = {"REMOTE_ADDR": "192.0.2.1"}
    answers = [log_in(client, "matsudo", "wrong", **office).status_code for _ in range(10)]
    assert answers == [200] * 9 + [429]
    assert log_in(client, "matsudo", **office).status_code == 429
    assert log_in(Client(), "kashiwa", **office).url == "/"
    assert "_auth_user_id" not in client.session


def test_another_spelling_is_no_way_round_the_lock(w, client):
    spellings = ["matsudo", "MATSUDO", "ｍａｔｓｕｄｏ", " matsudo", "Matsudo"] * 2
    assert [log_in(client, name, "wrong").status_code for name in spellings] == [200] * 9 + [429]


def test_an_unknown_name_is_locked_the_same_way(w, client):
    assert [log_in(client, "nobody1", "wrong").status_code for _ in range(10)] == [200] * 9 + [429]


def test_there_is_no_sign_up_and_no_mail_page(w, client):
    assert [client.get(path).status_code for path in ("/signup/", "/email/", "/password/reset/")] == [404] * 3


def test_a_login_leads_only_to_our_own_pages(w, client):
    assert client.post(f"{LOGIN}?next=https://evil.example/", {"login": "matsudo", "password": PASSWORD}).url == "/"


# ---- seats ------------------------------------------------------------------------------------


def test_an_ended_seat_is_gone_with_the_next_request(w, client):
    log_in(client, "matsudo")
    assert text(client.get(reverse("organisations:me"))).count("いまの席") == 1
    Seat.objects.filter(pk=w.matsudo.seat.pk).update(ended_at=timezone.now())
    assert "いま使える席がありません" in text(client.get(reverse("organisations:me")))
    assert client.get(reverse("organisations:people")).status_code == 404


def test_a_deactivated_person_is_out_with_the_next_request(w, client):
    log_in(client, "matsudo")
    User.objects.filter(username="matsudo").update(is_active=False)
    assert client.get(reverse("organisations:people")).status_code == 302


def test_a_person_with_two_seats_switches_between_them(w, client):
    other = seat(w.matsudo.person, section(w.kashiwa.body, "兼務の課"), "viewer")
    log_in(client, "matsudo")
    client.post(reverse("organisations:switch_seat"), {"seat": other.pk})
    assert client.session[SEAT] == other.pk
    Seat.objects.filter(pk=other.pk).update(ended_at=timezone.now())
    assert "いまの席" in text(client.get(reverse("organisations:me")))


def test_a_seat_of_somebody_else_cannot_be_taken(w, client):
    log_in(client, "matsudo")
    client.post(reverse("organisations:switch_seat"), {"seat": w.kashiwa.seat.pk})
    assert SEAT not in client.session


# ---- second factor ----------------------------------------------------------------------------


@pytest.mark.parametrize("username", ["chiba", "jimukyoku"])
def test_a_code_to_the_section_is_compulsory(w, client, username):
    assert log_in(client, username).url == "/"
    page = reverse("organisations:people")
    assert client.get(page).url.startswith(CODE)
    client.post(CODE, {"send": "1"})
    assert OutboundMail.objects.get().to == f"{username}@example.jp"
    assert client.post(CODE, {"code": newest_code()}).url == "/"
    assert client.get(page).status_code == 200


def test_the_demo_asks_for_no_second_factor(w, client, settings):
    settings.DEMO = True
    client.force_login(w.chiba.person)
    assert client.get(reverse("organisations:people")).status_code == 200


def test_no_app_can_be_registered_before_the_second_factor(w, client):
    log_in(client, "chiba")
    for name in ("mfa_activate_totp", "mfa_add_webauthn", "mfa_index", "account_change_password"):
        assert client.get(reverse(name)).url.startswith(CODE)


def test_the_mark_stays_in_its_session(w, client):
    log_in(client, "chiba")
    client.post(CODE, {"send": "1"})
    client.post(CODE, {"code": newest_code()})
    elsewhere = Client()
    log_in(elsewhere, "chiba")
    assert elsewhere.get(reverse("organisations:people")).url.startswith(CODE)
    client.post(reverse("account_logout"))
    log_in(client, "chiba")
    assert client.get(reverse("organisations:people")).url.startswith(CODE)


def test_a_code_works_only_in_the_session_that_asked_for_it(w, client):
    log_in(client, "chiba")
    client.post(CODE, {"send": "1"})
    elsewhere = Client()
    log_in(elsewhere, "chiba")
    assert elsewhere.post(CODE, {"code": newest_code()}).status_code == 200
    assert elsewhere.get(reverse("organisations:people")).url.startswith(CODE)


def test_five_wrong_codes_and_the_right_one_is_void(w, client):
    log_in(client, "chiba")
    client.post(CODE, {"send": "1"})
    code = newest_code()
    pages = [text(client.post(CODE, {"code": wrong(code)})) for _ in range(5)]
    assert ["あと4回" in pages[0], "あと1回" in pages[3], "新しい番号を送ってください" in pages[4]] == [True] * 3
    assert client.post(CODE, {"code": code}).status_code == 200
    assert client.get(reverse("organisations:people")).url.startswith(CODE)
    assert LoginCode.objects.get().tries == 5


def test_a_code_ends_after_ten_minutes(w, client):
    log_in(client, "chiba")
    client.post(CODE, {"send": "1"})
    LoginCode.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert "期限が切れたか" in text(client.post(CODE, {"code": newest_code()}))
    assert client.get(reverse("organisations:people")).url.startswith(CODE)


def test_a_new_code_voids_the_one_before(w, client):
    log_in(client, "chiba")
    client.post(CODE, {"send": "1"})
    old = newest_code()
    client.post(CODE, {"send": "1"})
    if old != newest_code():
        assert "確認番号が違います" in text(client.post(CODE, {"code": old}))
    assert LoginCode.objects.filter(expires_at__gt=timezone.now()).count() == 1


def test_codes_are_not_sent_without_end(w, client):
    log_in(client, "chiba")
    pages = [text(client.post(CODE, {"send": "1"})) for _ in range(6)]
    assert ["続けて送りすぎました" in page for page in pages] == [False] * 5 + [True]
    assert OutboundMail.objects.count() == 5


def test_the_code_itself_is_not_stored(w, client):
    log_in(client, "chiba")
    client.post(CODE, {"send": "1"})
    row = LoginCode.objects.get()
    assert (len(row.digest), newest_code() in row.digest) == (64, False)


def activate_totp(client) -> str:
    """Register an authenticator app after typing the password again; the app's secret."""
    page = client.get(reverse("mfa_activate_totp"))
    client.post(page.url, {"password": PASSWORD})
    secret = re.search(r"<code>([A-Z2-7]+)</code>", text(client.get(reverse("mfa_activate_totp"))))[1]
    answer = client.post(reverse("mfa_activate_totp"), {"code": totp(secret)})
    assert answer.url == reverse("mfa_view_recovery_codes")
    return secret


def totp(secret: str) -> str:
    return format_hotp_value(hotp_value(secret, next(yield_hotp_counters_from_time())))


def test_an_app_takes_the_place_of_the_code(w, client):
    log_in(client, "matsudo")
    secret = activate_totp(client)
    stored = w.matsudo.person.authenticator_set.get(type="totp")
    assert secret not in str(stored.data)
    assert TOTP(stored).validate_code(totp(secret)) is True
    client.post(reverse("account_logout"))
    stored.wrap()
    again = Client()
    assert log_in(again, "matsudo").url == reverse("mfa_authenticate")
    assert again.get(reverse("organisations:me")).status_code == 302


def test_who_left_the_app_at_home_uses_the_code_of_the_section(w, client):
    log_in(client, "matsudo")
    activate_totp(client)
    client.post(reverse("account_logout"))
    log_in(client, "matsudo")
    page = reverse("organisations:login_code")
    assert page in text(client.get(reverse("mfa_authenticate")))
    client.post(page, {"send": "1"})
    client.post(page, {"code": wrong(newest_code())})
    assert "_auth_user_id" not in client.session
    assert client.post(page, {"code": newest_code()}).url == "/"
    assert client.get(reverse("organisations:me")).status_code == 200


def test_the_code_page_of_the_login_needs_the_password_first(w, client):
    assert client.post(reverse("organisations:login_code"), {"send": "1"}).url == LOGIN
    assert OutboundMail.objects.count() == 0


# ---- recovery ---------------------------------------------------------------------------------

RECOVER = reverse("organisations:recover")


def ask(client, username: str):
    return client.post(RECOVER, {"username": username})


def recovery_link() -> str:
    return re.search(r"(/recover/[^/\s]+/)", OutboundMail.objects.latest("pk").text)[1]


def test_a_known_and_an_unknown_name_get_the_same_answer(w, client):
    known, unknown = ask(client, "matsudo"), ask(client, "nobody1")
    assert (known.status_code, known.content) == (unknown.status_code, unknown.content)
    assert [mail.to for mail in OutboundMail.objects.all()] == ["matsudo@example.jp"]


def test_recovery_sets_a_new_password_once(w, client):
    ask(client, "matsudo")
    link = recovery_link()
    assert client.get(link).status_code == 200
    assert User.objects.get(username="matsudo").check_password(PASSWORD)
    new = {"password1": "atarashii-kagi-9", "password2": "atarashii-kagi-9"}
    assert client.post(link, new).url == LOGIN
    assert log_in(Client(), "matsudo", PASSWORD).status_code == 200
    assert log_in(Client(), "matsudo", "atarashii-kagi-9").url == "/"
    assert client.post(link, new).status_code == 410
    assert [event.act for event in Event.objects.of("person", w.matsudo.person.pk)] == ["recover"]
    assert "再設定されました" in OutboundMail.objects.latest("pk").text


def test_recovery_ends_other_sessions_and_lifts_the_lock(w, client):
    elsewhere = Client()
    log_in(elsewhere, "matsudo")
    for _ in range(10):
        log_in(client, "matsudo", "wrong")
    ask(client, "matsudo")
    new = {"password1": "atarashii-kagi-9", "password2": "atarashii-kagi-9"}
    client.post(recovery_link(), new)
    assert elsewhere.get(reverse("organisations:me")).status_code == 302
    assert log_in(client, "matsudo", "atarashii-kagi-9").url == "/"


def test_a_recovery_link_ends_after_an_hour(w, client):
    ask(client, "matsudo")
    LoginCode.objects.update(expires_at=timezone.now())
    assert client.get(recovery_link()).status_code == 410
    assert client.post(recovery_link(), {"password1": "x" * 14, "password2": "x" * 14}).status_code == 410
    assert User.objects.get(username="matsudo").check_password(PASSWORD)


def test_a_weak_password_is_refused_with_the_reason_at_the_field(w, client):
    ask(client, "matsudo")
    page = client.post(recovery_link(), {"password1": "kagi", "password2": "kagi"})
    assert "12 文字以上" in text(page)
    assert User.objects.get(username="matsudo").check_password(PASSWORD)


def test_who_has_no_seat_recovers_nothing(w, client):
    person("taishoku")
    ask(client, "taishoku")
    assert OutboundMail.objects.count() == 0


# ---- invitation -------------------------------------------------------------------------------


def test_an_invited_person_registers_and_is_in(w, client):
    client.force_login(w.chiba.person)
    session = client.session
    session["second_factor"] = w.chiba.person.pk
    session.save()
    form = {"section": w.chiba.section.pk, "name": "新任 花子", "role": "officer", "valid_from": ""}
    assert client.post(reverse("organisations:invite"), form).url == reverse("organisations:people")
    link = re.search(r"(/invitation/[^/\s]+/)", OutboundMail.objects.latest("pk").text)[1]
    visitor = Client()
    assert visitor.get(link).status_code == 200
    assert not User.objects.filter(username="hanako").exists()
    account = {"username": "hanako", "password1": PASSWORD, "password2": PASSWORD}
    assert visitor.post(link, account).url == reverse("organisations:me")
    assert visitor.get(reverse("organisations:people")).status_code == 200
    assert Client().get(link).status_code == 410


def test_who_is_logged_in_takes_the_seat_with_one_button(w, client):
    from kyoten.organisations.actions.people import invite

    now = timezone.now()
    invite(w.kashiwa.section, role="viewer", name="兼務", by=w.kashiwa.seat, at=now)
    link = re.search(r"(/invitation/[^/\s]+/)", OutboundMail.objects.latest("pk").text)[1]
    log_in(client, "matsudo")
    assert "この席を受け取る" in text(client.get(link))
    client.post(link)
    assert w.matsudo.person.seats.filter(section=w.kashiwa.section, role="viewer").count() == 1


# ---- the other pages --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    ["organisations:me", "account_change_password", "account_logout", "mfa_index", "account_reauthenticate"],
)
def test_pages_of_the_account_are_in_japanese(w, client, name):
    log_in(client, "matsudo")
    page = client.get(reverse(name))
    assert page.status_code == 200
    shown = re.sub(r"<[^>]+>", " ", text(page).partition("<main")[2].partition("</main>")[0])
    assert re.findall(r"[A-Z][a-z]{3,}", shown) == []


def test_a_changed_password_is_asked_for_next_time(w, client):
    log_in(client, "matsudo")
    form = {"oldpassword": PASSWORD, "password1": "atarashii-kagi-9", "password2": "atarashii-kagi-9"}
    assert client.post(reverse("account_change_password"), form).url == reverse("organisations:me")
    assert client.get(reverse("organisations:me")).status_code == 200
    assert log_in(Client(), "matsudo", "atarashii-kagi-9").url == "/"


def test_who_stops_halfway_is_back_at_the_login(w, client):
    log_in(client, "matsudo")
    activate_totp(client)
    client.post(reverse("account_logout"))
    log_in(client, "matsudo")
    assert client.get(LOGIN).status_code == 302  # still waiting for the app
    assert client.post(reverse("account_logout"), {"next": LOGIN}).url == LOGIN
    assert client.get(LOGIN).status_code == 200


def test_the_code_of_the_app_lets_in_and_a_recovery_code_works_once(w, client):
    log_in(client, "matsudo")
    activate_totp(client)
    codes = re.findall(r"<li><code>(\w+)</code>", text(client.get(reverse("mfa_view_recovery_codes"))))
    assert len(codes) == 10
    client.post(reverse("account_logout"))
    log_in(client, "matsudo")
    page = reverse("mfa_authenticate")
    assert client.post(page, {"code": "000000x"}).status_code == 200
    assert client.post(page, {"code": codes[0]}).url == "/"
    client.post(reverse("account_logout"))
    log_in(client, "matsudo")
    assert client.post(page, {"code": codes[0]}).status_code == 200
    assert client.post(page, {"code": codes[1]}).url == "/"


def test_ten_wrong_app_codes_are_enough(w, client):
    log_in(client, "matsudo")
    secret = activate_totp(client)
    client.post(reverse("account_logout"))
    log_in(client, "matsudo")
    page = reverse("mfa_authenticate")
    for _ in range(10):
        client.post(page, {"code": wrong(totp(secret))})
    assert "5分ほど受け付けません" in text(client.post(page, {"code": totp(secret)}))
    assert "_auth_user_id" not in client.session


def test_wrong_codes_are_counted_for_all_processes_together(w, client):
    log_in(client, "matsudo")
    secret = activate_totp(client)
    client.post(reverse("account_logout"))
    log_in(client, "matsudo")
    for _ in range(10):
        client.post(reverse("mfa_authenticate"), {"code": wrong(totp(secret))})
    other_process = caches.create_connection("default")
    counted = Counted.objects.get(cache_key__contains="login_failed")
    assert len(other_process.get(counted.cache_key.removeprefix(":1:"))) == 10


def test_too_many_changes_of_the_password_are_refused_in_words(w, client):
    log_in(client, "matsudo")
    page = reverse("account_change_password")
    answers = [client.post(page, {"oldpassword": "wrong"}) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429]
    assert "短い時間に同じ操作が続いたため" in text(answers[-1])
    assert "Too Many" not in text(answers[-1])

"""The demo's own pages: playing an account, the clock, the tour. Outside the demo none of them exists."""

import re
from datetime import datetime

import pytest
from django.urls import reverse

from kyoten.organisations.models import User
from kyoten.rules.clock import JST
from kyoten.web import demo as demo_world
from kyoten.web import stages
from kyoten.web.models import DemoClock
from kyoten.web.world import ACCOUNTS

pytestmark = pytest.mark.django_db
CLOCK = reverse("demo:clock")
PAGES = [reverse(f"demo:{name}") for name in ("guide", "clock", "reset", "login", "jump")]


@pytest.mark.parametrize("url", PAGES)
def test_outside_the_demo_its_pages_do_not_exist(world, client, url):
    missing = client.get("/no-such-page/").content
    for response in (client.get(url), client.post(url, {"username": "matsudo", "stage": "start"})):
        assert (response.status_code, response.content) == (404, missing)
    assert "_auth_user_id" not in client.session
    assert DemoClock.objects.count() == 0


def test_one_click_logs_in_as_an_account_of_the_tour_and_as_nobody_else(world, client, demo):
    User.objects.create(username="root")
    assert client.post(reverse("demo:login"), {"username": "root"}).status_code == 404
    assert client.post(reverse("demo:login"), {"username": ["matsudo", "root"]}).status_code == 404
    assert "_auth_user_id" not in client.session
    assert client.post(reverse("demo:login"), {"username": "matsudo"}).url == "/"
    assert "山下 結衣" in client.get("/").content.decode()
    assert client.get(reverse("demo:login")).status_code == 405


def shown(client) -> str:
    return re.search(r"いまは <b>([^<]+)</b>", client.get(CLOCK).content.decode())[1]


def test_the_clock_moves_to_a_moment_of_the_documents_or_any_other(world, client, demo):
    for at, _ in demo_world.MOMENTS:
        client.post(CLOCK, {"day": at.date().isoformat(), "time": f"{at:%H:%M}"})
        assert abs(demo_world.now() - at).total_seconds() < 30
    assert client.post(CLOCK, {"day": "2025-07-31", "time": "23:59"}).url == reverse("demo:guide")
    assert shown(client) == "令和7年7月31日（木）23:59"


@pytest.mark.parametrize("day", ["7月末", "0001-01-01", "9999-12-31", "2025-03-31", "2027-04-01", ""])
def test_a_wrong_moment_is_explained_and_changes_nothing(world, client, demo, day):
    demo_world.set_clock(datetime(2025, 7, 1, 9, 0, tzinfo=JST))
    page = client.post(CLOCK, {"day": day, "time": "23:59"}).content.decode()
    assert "入力内容を確認してください（1件）" in page
    assert shown(client) == "令和7年7月1日（火）9:00"


def test_the_tour_names_accounts_that_exist_and_every_stage(world, client, demo):
    page = client.get(reverse("demo:guide")).content.decode()
    named = re.findall(r'name="username" value="([^"]+)"', page)
    assert named == [step["username"] for step in stages.TOUR]
    assert set(named) <= {account["username"] for account in ACCOUNTS}
    assert re.findall(r'name="stage" value="([^"]+)"', page) == [stage.id for stage in stages.STAGES]


def test_the_moment_of_a_request_is_the_demos_but_the_session_keeps_real_time(world, client, demo):
    demo_world.set_clock(datetime(2025, 7, 22, 10, 4, tzinfo=JST))
    client.post(reverse("demo:login"), {"username": "matsudo"})
    response = client.get("/")
    assert response.wsgi_request.at.date().isoformat() == "2025-07-22"
    real = datetime.now(JST).timestamp()
    assert abs(client.session["seen"] - real) < 30

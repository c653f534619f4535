"""The demo: a world that is always the same, its stages played by the real acts, and the way back."""

from collections import Counter
from io import StringIO

import pytest
from django.core.management import call_command
from django.db.models import Count
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from kyoten.calls.models import Application, Call
from kyoten.inquiries.models import Addressee
from kyoten.organisations.models import Designation, Organisation, Seat, Section, User
from kyoten.post.models import OutboundMail
from kyoten.programmes.models import Programme
from kyoten.records.actions import store_file
from kyoten.records.models import Event
from kyoten.web import demo as demo_world
from kyoten.web import stages
from kyoten.web.models import DemoClock
from kyoten.web.world import ACCOUNTS, PASSWORD

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("demo")]


def setup() -> str:
    out = StringIO()
    call_command("setup", stdout=out)
    return out.getvalue()


def log_in(username: str) -> Client:
    client = Client()
    assert client.post(reverse("demo:login"), {"username": username}).url == "/"
    return client


def test_setup_builds_the_world_once_and_prints_the_accounts():
    printed = setup()
    assert [line.split()[0] for line in printed.splitlines()[1 : 1 + len(ACCOUNTS)]] == [
        row["username"] for row in ACCOUNTS
    ]
    assert f"パスワードはどれも {PASSWORD} です" in printed
    kinds = dict(Organisation.objects.order_by().values_list("kind").annotate(Count("pk")))
    assert kinds == {
        "ministry": 2,
        "secretariat": 1,
        "prefecture": 47,
        "municipality": 1741,
        "health_centre": 13,
        "association": 15,
    }
    assert Organisation.objects.filter(sections=None).count() == 0
    addresses = Section.objects.values_list("email", flat=True)
    assert all(address.endswith("example.jp") for address in addresses)
    assert len(set(addresses)) == len(addresses) == 1822
    assert (
        Section.objects.get(organisation__code="122076", is_default=True).email
        == "zaitaku@city.matsudo.chiba.example.jp"
    )
    assert Designation.objects.filter(prefecture__code="120006").count() == 54
    assert [p.slug for p in Programme.objects.all()] == ["chiba-hub-soudan", "r6-soudan", "r7-zaitaku"]
    assert Call.objects.count() == 0
    counts = (Section.objects.count(), Seat.objects.count(), Event.objects.count(), Programme.objects.count())
    assert setup() == printed
    assert (Section.objects.count(), Seat.objects.count(), Event.objects.count(), Programme.objects.count()) == counts


def states(prefecture: str) -> dict[str, int]:
    rows = Addressee.objects.filter(inquiry__parent__organisation__code=prefecture, purpose="answer")
    return Counter("represented" if row.represented_by_id else row.state for row in rows)


def applications() -> dict[str, str]:
    return {a.applicant.name: a.state for a in Application.objects.select_related("applicant")}


def test_every_stage_follows_from_the_one_before_by_the_real_acts():
    seen = {}
    demo_world.reset()
    for stage in stages.STAGES:
        stage.play()
        seen[stage.id] = (applications(), states("120006"))
    three = {"松戸市": "submitted", "八千代市": "submitted", "柏市": "returned", "茂原市": "submitted"}
    everybody = [*three, "川口市", "府中市"]
    answered = {"answered": 3, "returned": 1, "considering": 3, "represented": 7, "unread": 3, "not_applicable": 37}
    assert seen["start"] == seen["opened"] == ({}, {})
    assert seen["asked"] == ({}, {"unread": 54})
    assert seen["answered"] == (three, answered)
    assert seen["gathered"][0] == dict.fromkeys(everybody, "forwarded")
    assert seen["screening"][0] == dict.fromkeys(everybody, "forwarded")
    decided = Application.objects.exclude(decision=None)
    assert sorted(decided.values_list("applicant__name", "decision__outcome")) == sorted(
        (name, "selected" if name == "松戸市" else "declined") for name in everybody
    )
    assert Call.objects.get().announced_at.date().isoformat() == "2025-08-14"
    assert OutboundMail.objects.filter(state="failed").count() == 0


def test_a_shortcut_and_the_way_back_leave_nothing_of_what_was_there(world, client):
    old = store_file(b"old", "a.txt", by=None, at=demo_world.START)
    mine, other = log_in("chiba"), log_in("matsudo")

    assert mine.post(reverse("demo:jump"), {"stage": "opened"}).url == "/"
    assert Call.objects.count() == 1
    page = mine.get("/").content.decode()
    assert ("管内へ照会する" in page, "令和7年6月26日（木）9:00" in page, "佐々木 亮" in page) == (True, True, True)
    assert other.get("/").status_code == 302
    assert mine.post(reverse("demo:jump"), {"stage": "nowhere"}).status_code == 404

    Section.objects.filter(organisation__name="松戸市").update(email="changed@example.jp")
    assert mine.get(reverse("demo:reset")).status_code == 200
    assert Call.objects.count() == 1
    assert mine.post(reverse("demo:reset")).url == "/"
    mails = OutboundMail.objects.exclude(about_kind="consultation")  # last year's answers belong to the world
    assert (Call.objects.count(), Addressee.objects.count(), mails.count()) == (0, 0, 0)
    assert Section.objects.filter(email="changed@example.jp").count() == 0
    assert abs(demo_world.now() - demo_world.START).total_seconds() < 60
    assert "佐々木 亮" in mine.get("/").content.decode()

    assert old.path.exists()  # nothing is removed before the new world is committed
    demo_world._sweep(timezone.now())
    assert not old.path.exists()


def test_reset_is_refused_outside_the_demo(settings):
    settings.DEMO = False
    person = User.objects.create(username="one")
    with pytest.raises(RuntimeError):
        demo_world.reset()
    assert list(User.objects.all()) == [person]
    assert DemoClock.objects.count() == 0

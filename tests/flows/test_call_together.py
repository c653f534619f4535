"""共同: naming a neighbour is checked, told and can be undone by the neighbour in one click."""

import pytest
from django.test import Client
from django.urls import reverse

from kyoten.calls.actions import applying, together
from kyoten.calls.models import Application
from kyoten.inquiries import actions as inquiries
from kyoten.organisations.models import Area
from kyoten.post.models import OutboundMail
from kyoten.records.models import Event, Refused
from tests.flows import calling
from tests.world import login

pytestmark = pytest.mark.django_db


@pytest.fixture
def area(world):
    made = Area.objects.create(kind="home_care", name="東葛北部", prefecture=world.chiba)
    made.municipalities.set([world.matsudo, world.kashiwa])
    return made


@pytest.fixture
def named(world):
    """松戸市's application speaks for 柏市 and 鎌ケ谷市."""
    call = calling.asked(world)
    towns = [world.matsudo, world.kashiwa, world.kamagaya]
    return applying.start(call, municipalities=towns, by=world.seat_matsudo, at=calling.WRITING)


def post_start(world, clock, call, **data):
    clock(calling.WRITING)
    return login(Client(), world.seat_matsudo).post(reverse("calls:start", args=[call.slug]), data)


def represented(call, *bodies):
    return [calling.case(call, body).represented_by_id for body in bodies]


def test_a_town_of_the_area_chosen_is_named_at_once(world, area, clock):
    call = calling.asked(world)
    response = post_start(world, clock, call, area=area.pk, municipalities=[world.matsudo.pk])
    assert response.status_code == 302
    assert represented(call, world.kashiwa, world.kamagaya) == [world.matsudo.pk, None]


@pytest.mark.parametrize("with_area", [True, False])
def test_a_town_outside_the_area_is_named_only_after_a_warning(world, area, clock, with_area):
    call = calling.asked(world)
    data = {"municipalities": [world.matsudo.pk, world.kashiwa.pk, world.kamagaya.pk]}
    data |= {"area": area.pk} if with_area else {}
    mails = OutboundMail.objects.count()
    response = post_start(world, clock, call, **data)
    assert (response.status_code, response.context["outside"]) == (200, [world.kamagaya])
    assert (Application.objects.count(), OutboundMail.objects.count()) == (0, mails)
    assert represented(call, world.kashiwa, world.kamagaya) == [None, None]
    post_start(world, clock, call, sure="1", **data)
    application = Application.objects.get()
    assert set(application.municipalities.all()) == {world.matsudo, world.kashiwa, world.kamagaya}
    assert represented(call, world.kashiwa, world.kamagaya) == [world.matsudo.pk] * 2


def test_ones_own_town_alone_needs_no_warning(world, clock):
    call = calling.asked(world)
    assert post_start(world, clock, call, municipalities=[world.matsudo.pk]).status_code == 302
    assert Application.objects.count() == 1


def test_who_was_named_leaves_with_one_click_and_the_other_is_told(world, named, clock):
    clock(calling.WRITING)
    client = login(Client(), world.seat_kashiwa)
    url = reverse("calls:show", args=[named.call.slug])
    assert "共同ではない</button>" in client.get(url).text
    assert "あらためて回答してください" in client.post(reverse("calls:leave", args=[named.call.slug]), follow=True).text
    row = calling.case(named.call, world.kashiwa)
    assert (row.represented_by, row.state) == (None, "considering")
    assert set(named.municipalities.all()) == {world.matsudo, world.kamagaya}
    assert [e.title for e in Event.objects.of("application", named.pk)][-1] == "柏市が共同の応募から外れた"
    told = OutboundMail.objects.filter(key__startswith="leave:").values_list("to", flat=True)
    assert list(told) == [world.section_matsudo.email]
    assert "共同ではない</button>" not in client.get(url).text


def test_the_pages_of_the_application_say_for_whom_it_speaks(world, named, clock):
    clock(calling.WRITING)
    said = "区域の市町村　松戸市、柏市、鎌ケ谷市</p>"
    client = login(Client(), world.seat_matsudo)
    for page in ("edit", "application"):
        assert said in client.get(reverse(f"calls:{page}", args=[named.pk])).content.decode()
    together.leave(calling.case(named.call, world.kamagaya), by=world.seat_kamagaya, at=calling.WRITING)
    assert "区域の市町村　松戸市、柏市</p>" in client.get(reverse("calls:edit", args=[named.pk])).content.decode()


def test_once_submitted_the_prefecture_is_told_too_and_the_paper_stays(world, named):
    base = applying.form_answers.digests(named.form, named.answers)
    ticks = {rule.id: True for rule in named.definition.call.rules if rule.kind == "manual"}
    application = applying.save(named, calling.ANSWERS, base, ticks=ticks, by=world.seat_matsudo, at=calling.WRITING).application  # fmt: skip
    applying.submit(application, by=world.seat_matsudo, at=calling.WRITING)
    together.leave(calling.case(named.call, world.kashiwa), by=world.seat_kashiwa, at=calling.WRITING)
    told = OutboundMail.objects.filter(key__startswith="leave:").values_list("to", flat=True)
    assert set(told) == {world.section_matsudo.email, world.section_chiba.email}
    assert named.municipalities.count() == 3


def test_who_answered_by_the_link_is_no_part_of_what_is_submitted(world, named):
    inquiries.answer(
        calling.case(named.call, world.kashiwa), "not_applicable", at=calling.WRITING, way="link", name="x"
    )
    base = applying.form_answers.digests(named.form, named.answers)
    ticks = {rule.id: True for rule in named.definition.call.rules if rule.kind == "manual"}
    application = applying.save(named, calling.ANSWERS, base, ticks=ticks, by=world.seat_matsudo, at=calling.WRITING).application  # fmt: skip
    applying.submit(application, by=world.seat_matsudo, at=calling.WRITING)
    assert set(named.municipalities.all()) == {world.matsudo, world.kamagaya}
    assert [e.act for e in Event.objects.of("application", named.pk)] == ["start", "leave", "submit"]
    assert represented(named.call, world.kashiwa, world.kamagaya) == [None, world.matsudo.pk]


@pytest.mark.parametrize("who", ["seat_matsudo", "seat_chiba", "seat_viewer"])
def test_only_the_body_itself_leaves(world, named, who):
    with pytest.raises(Refused, match="その団体の担当だけ"):
        together.leave(calling.case(named.call, world.kashiwa), by=getattr(world, who), at=calling.WRITING)
    assert represented(named.call, world.kashiwa) == [world.matsudo.pk]


def test_leaving_twice_leaves_once(world, named):
    page_of_two = calling.case(named.call, world.kashiwa), calling.case(named.call, world.kashiwa)
    together.leave(page_of_two[0], by=world.seat_kashiwa, at=calling.WRITING)
    with pytest.raises(Refused, match="すでに外れています"):
        together.leave(page_of_two[1], by=world.seat_kashiwa, at=calling.WRITING)
    assert OutboundMail.objects.filter(key__startswith="leave:").count() == 1

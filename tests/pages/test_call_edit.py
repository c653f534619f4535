"""The page an application is written on."""

import pytest
from django.urls import reverse

from kyoten.calls.actions.incoming import propose_group
from tests.flows import calling
from tests.world import login

pytestmark = pytest.mark.django_db


@pytest.fixture
def page(client, world, clock):
    application = calling.drafted(world)
    clock(calling.WRITING)
    login(client, world.seat_matsudo)
    return reverse("calls:edit", args=[application.pk])


def test_a_form_opens_at_its_top(client, page):
    html = client.get(page).content.decode()
    assert html.count('aria-label="15行目　所属"') == 1
    assert html.count("autofocus") == 0


def test_an_added_row_is_where_the_writing_goes_on(client, page):
    html = client.post(page, {"do": "add-row:members"}).content.decode()
    assert html.count("autofocus") == 1
    assert html.index('aria-label="16行目　所属"') < html.index("autofocus") < html.index('aria-label="16行目　部署"')


@pytest.mark.parametrize(
    ("organisation", "section", "profession", "group"),
    [
        ("松戸市", "介護保険課", "行政職員", "municipality"),
        ("松戸市在宅医療連携拠点", "", "行政職員", "hub"),
        ("松戸市", "地域包括支援センター", "ケアマネジャー", "care"),
        ("千葉県", "医療整備課", "行政職員", "prefecture"),
    ],
)
def test_the_group_proposed_for_a_member(world, organisation, section, profession, group):
    field = next(f for f in world.programme.definition.form.fields() if f.id == "members")
    row = {"row": "m1", "organisation": organisation, "section": section, "profession": profession}
    assert propose_group(field, row) == row | {"group": group}


def test_before_submitting_both_dates_are_shown(client, page):
    html = client.get(page.replace("edit", "submit")).content.decode()
    assert "<dt>県への提出期限</dt><dd>令和7年7月24日（木）" in html
    assert "<dt>県が事務局へ提出する期限</dt><dd>令和7年7月31日（木）" in html

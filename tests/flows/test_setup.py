"""A new instance outside the demo: master data, the shipped definitions, the first manager's invitation."""

import re
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from kyoten.organisations.models import Invitation, Organisation, Seat, Section, User
from kyoten.programmes.models import Programme

pytestmark = pytest.mark.django_db


def setup(*words: str) -> str:
    out = StringIO()
    call_command("setup", *words, stdout=out)
    return out.getvalue()


def test_a_new_instance_has_master_data_and_definitions_and_nobody_in_it():
    assert setup() == ""
    first = (Organisation.objects.count(), Section.objects.count())
    assert first == (1790, 1790)
    assert [p.slug for p in Programme.objects.all()] == ["r6-soudan", "r7-zaitaku"]
    assert (User.objects.count(), Seat.objects.count()) == (0, 0)
    setup()
    assert (Organisation.objects.count(), Section.objects.count()) == first
    assert Programme.objects.count() == 2


def test_the_first_manager_gets_a_link(world, client, settings):
    settings.ALLOWED_HOSTS = ["testserver", "localhost"]
    printed = setup("--first-manager", "本田 修", "--organisation", "千葉県")
    link = re.search(r"http\S+", printed)[0]
    invitation = Invitation.objects.get()
    assert (invitation.section, invitation.role, invitation.name) == (world.section_chiba, "manager", "本田 修")
    assert client.get(link[link.index("/", 8) :]).status_code == 200


def test_a_secretariat_that_is_in_no_list_is_made_with_its_address(world):
    setup("--first-manager", "大野 直樹", "--organisation", "別の事業 事務局", "--email", "betsu@example.jp")
    body = Organisation.objects.get(name="別の事業 事務局")
    assert (body.kind, Invitation.objects.get().section.email) == ("secretariat", "betsu@example.jp")


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["--first-manager", "本田 修"], "--organisation に、機関の名称を書いてください"),
        (["--first-manager", "本田 修", "--organisation", "新しい 事務局"], "メールアドレスが登録されていない"),
    ],
)
def test_what_is_missing_is_said_and_nobody_is_invited(world, words, reason):
    before = Organisation.objects.count()
    with pytest.raises(CommandError, match=reason):
        setup(*words)
    assert (Invitation.objects.count(), Organisation.objects.count()) == (0, before)

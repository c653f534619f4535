"""招待, 異動, 役割, 席: who comes in, who goes, and what stays."""

import re
from datetime import date, timedelta

import pytest

from kyoten.organisations.actions import people as acts
from kyoten.organisations.models import Invitation, Seat, User
from kyoten.post.models import OutboundMail
from kyoten.records.models import Event, Refused
from tests.people import AT, PASSWORD, person, seat, section, world

pytestmark = pytest.mark.django_db


@pytest.fixture
def w():
    return world()


def invited(w, **more) -> Invitation:
    given = {"role": "officer", "name": "新任 花子", "by": w.matsudo.seat, "at": AT} | more
    return acts.invite(w.matsudo.section, **given)


def token_in_the_mail() -> str:
    return re.search(r"/invitation/([^/\s]+)/", OutboundMail.objects.latest("pk").text)[1]


def test_an_invitation_goes_to_the_address_of_the_section_and_makes_account_and_seat(w):
    invited(w)
    mail = OutboundMail.objects.get()
    assert (mail.to, mail.about) == ("matsudo@example.jp", ("section", w.matsudo.section.pk))
    found = acts.open_invitation(token_in_the_mail(), AT)
    new = acts.accept(found, username="Hanako.S", password=PASSWORD, at=AT)
    assert (new.person.username, new.person.name, new.section, new.role) == (
        "hanako.s",
        "新任 花子",
        w.matsudo.section,
        "officer",
    )
    assert list(Seat.objects.valid_at(AT).filter(section=w.matsudo.section)) == [w.matsudo.seat, new]
    assert [event.act for event in Event.objects.of("seat", new.pk)] == ["accept"]


def test_the_token_itself_is_stored_nowhere_but_in_the_mail(w):
    row = invited(w)
    token = token_in_the_mail()
    assert row.token_digest != token
    assert token not in str(Invitation.objects.values().get())


def test_an_invitation_works_once(w):
    found = invited(w)
    acts.accept(found, username="hanako", password=PASSWORD, at=AT)
    with pytest.raises(Refused, match="すでに使われたか"):
        acts.accept(found, username="hanako2", password=PASSWORD, at=AT)
    assert acts.open_invitation(token_in_the_mail(), AT) is None
    assert Seat.objects.filter(section=w.matsudo.section).count() == 2
    assert not User.objects.filter(username="hanako2").exists()


def test_an_invitation_ends_after_fourteen_days(w):
    found = invited(w)
    token = token_in_the_mail()
    assert acts.open_invitation(token, AT + timedelta(days=14, microseconds=-1)) == found
    late = AT + timedelta(days=14)
    assert acts.open_invitation(token, late) is None
    with pytest.raises(Refused, match="期限が切れています"):
        acts.accept(found, username="hanako", password=PASSWORD, at=late)
    assert not User.objects.filter(username="hanako").exists()


def test_a_revoked_invitation_is_over(w):
    found = invited(w)
    acts.revoke_invitation(found, by=w.matsudo.seat, at=AT)
    with pytest.raises(Refused, match="取り消されたか"):
        acts.accept(found, username="hanako", password=PASSWORD, at=AT)
    assert not User.objects.filter(username="hanako").exists()


def test_a_manager_cannot_invite_into_another_body(w):
    with pytest.raises(Refused, match="最初の管理の方だけ"):
        acts.invite(w.kashiwa.section, role="manager", name="よそ者", by=w.matsudo.seat, at=AT)
    assert (Invitation.objects.count(), OutboundMail.objects.count(), Event.objects.count()) == (0, 0, 0)


def test_only_managers_invite(w):
    officer = seat(person("tanto"), w.matsudo.section, "officer")
    with pytest.raises(Refused, match="「管理」の席の方だけ"):
        invited(w, by=officer)
    assert Invitation.objects.count() == 0


def test_the_body_above_makes_the_first_manager_and_no_second(w):
    with pytest.raises(Refused, match="最初の管理の方だけ"):
        invited(w, by=w.chiba.seat, role="manager")
    Seat.objects.filter(pk=w.matsudo.seat.pk).update(ended_at=AT)
    with pytest.raises(Refused, match="最初の管理の方だけ"):
        invited(w, by=w.chiba.seat, role="officer")
    with pytest.raises(Refused, match="最初の管理の方だけ"):
        invited(w, by=w.saitama.seat, role="manager")
    assert invited(w, by=w.chiba.seat, role="manager").role == "manager"


def test_the_secretariat_makes_the_first_manager_of_a_prefecture(w):
    Seat.objects.filter(pk=w.chiba.seat.pk).update(ended_at=AT)
    made = acts.invite(w.chiba.section, role="manager", name="県の方", by=w.secretariat.seat, at=AT)
    assert (made.section, made.role) == (w.chiba.section, "manager")


def test_a_section_without_a_working_address_cannot_be_invited_to(w):
    w.matsudo.section.email = ""
    w.matsudo.section.save()
    with pytest.raises(Refused, match="連絡先を直してから"):
        invited(w)
    assert Invitation.objects.count() == 0


@pytest.mark.parametrize(
    ("username", "password", "words"),
    [
        ("tanaka", "short-1", "12 文字以上"),
        ("tanaka.taro.chiba", "tanaka.taro.chiba1", "似すぎています"),
        ("田中", PASSWORD, "半角の英小文字"),
        ("matsudo", PASSWORD, "すでに使われています"),
    ],
)
def test_a_bad_account_leaves_the_invitation_open(w, username, password, words):
    found = invited(w)
    with pytest.raises(Refused, match=words):
        acts.accept(found, username=username, password=password, at=AT)
    assert acts.open_invitation(token_in_the_mail(), AT) == found
    assert User.objects.count() == 5


def test_somebody_with_an_account_takes_a_further_seat(w):
    found = invited(w)
    new = acts.accept_as(found, person=w.kashiwa.person, at=AT)
    assert set(Seat.objects.valid_at(AT).filter(person=w.kashiwa.person)) == {w.kashiwa.seat, new}


def test_nobody_holds_two_seats_in_one_section(w):
    found = invited(w)
    with pytest.raises(Refused, match="すでに持っています"):
        acts.accept_as(found, person=w.matsudo.person, at=AT)
    assert Seat.objects.filter(person=w.matsudo.person).count() == 1
    assert acts.open_invitation(token_in_the_mail(), AT) == found


# ---- transfer ---------------------------------------------------------------------------------


def test_a_seat_ends_at_once(w):
    officer = seat(person("tanto"), w.matsudo.section, "officer")
    acts.end_seat(officer, by=w.matsudo.seat, at=AT)
    assert officer.valid_at(AT - timedelta(microseconds=1)) is True
    assert officer.valid_at(AT) is False
    assert not Seat.objects.valid_at(AT).filter(pk=officer.pk).exists()


def test_a_seat_ends_after_its_last_day(w):
    officer = seat(person("tanto"), w.matsudo.section, "officer")
    acts.end_seat(officer, by=w.matsudo.seat, at=AT, last_day=date(2025, 6, 30))
    assert officer.valid_at(AT.replace(day=30, hour=23, minute=59)) is True
    assert officer.valid_at(AT.replace(month=7, day=1, hour=0)) is False


def test_successor_and_predecessor_overlap(w):
    officer = seat(person("tanto"), w.matsudo.section, "officer")
    other = section(w.matsudo.body, "別の課", "betsu@example.jp")
    successor = seat(person("kohnin"), other, "viewer").person
    acts.transfer(
        officer,
        by=w.matsudo.seat,
        at=AT,
        last_day=date(2025, 7, 10),
        successor=successor,
        successor_from=date(2025, 7, 1),
    )
    both = AT.replace(month=7, day=5)
    held = Seat.objects.valid_at(both).filter(section=w.matsudo.section, role="officer")
    assert [row.person.username for row in held] == ["tanto", "kohnin"]


def test_a_manager_goes_when_the_successor_is_invited(w):
    with pytest.raises(Refused, match="「管理」の席の方がいなくなります"):
        acts.end_seat(w.matsudo.seat, by=w.matsudo.seat, at=AT)
    w.matsudo.seat.refresh_from_db()
    assert w.matsudo.seat.ended_at is None
    acts.transfer(w.matsudo.seat, by=w.matsudo.seat, at=AT, successor_name="後任 太郎")
    w.matsudo.seat.refresh_from_db()
    assert w.matsudo.seat.ended_at == AT
    new = acts.accept(Invitation.objects.get(), username="kohnin", password=PASSWORD, at=AT)
    assert (new.role, new.section) == ("manager", w.matsudo.section)


def test_a_refused_transfer_invites_nobody(w):
    with pytest.raises(Refused, match="今日以降"):
        acts.transfer(w.matsudo.seat, by=w.matsudo.seat, at=AT, last_day=date(2025, 6, 1), successor_name="後任 太郎")
    assert (Invitation.objects.count(), OutboundMail.objects.count()) == (0, 0)
    assert Seat.objects.get(pk=w.matsudo.seat.pk).valid_to is None


def test_a_stranger_ends_no_seat(w):
    officer = seat(person("tanto"), w.matsudo.section, "officer")
    for stranger in (w.kashiwa.seat, w.chiba.seat, officer):
        with pytest.raises(Refused, match="「管理」の席の方だけ"):
            acts.end_seat(officer, by=stranger, at=AT)
    assert Seat.objects.get(pk=officer.pk).ended_at is None


def test_an_ended_seat_ends_once(w):
    officer = seat(person("tanto"), w.matsudo.section, "officer")
    acts.end_seat(officer, by=w.matsudo.seat, at=AT)
    with pytest.raises(Refused, match="すでに終了"):
        acts.end_seat(officer, by=w.matsudo.seat, at=AT + timedelta(hours=1))
    assert Seat.objects.get(pk=officer.pk).ended_at == AT


def test_the_last_manager_keeps_the_role(w):
    with pytest.raises(Refused, match="「管理」の席の方がいなくなります"):
        acts.change_role(w.matsudo.seat, role="officer", by=w.matsudo.seat, at=AT)
    assert Seat.objects.get(pk=w.matsudo.seat.pk).role == "manager"


def test_a_change_of_role_is_on_record(w):
    officer = seat(person("tanto"), w.matsudo.section, "officer")
    acts.change_role(officer, role="approver", by=w.matsudo.seat, at=AT)
    assert Seat.objects.get(pk=officer.pk).role == "approver"
    event = Event.objects.of("seat", officer.pk).get()
    assert (event.title, event.facts, event.seat_id) == (
        "役割を「担当」から「決裁」に変更",
        {"from": "officer", "to": "approver"},
        w.matsudo.seat.pk,
    )


def test_an_old_record_keeps_the_name_of_its_day(w):
    before = w.matsudo.seat.actor()
    acts.rename_person(w.matsudo.person, name="新しい 名前", by=w.matsudo.seat, at=AT)
    assert (before.person, w.matsudo.seat.actor().person) == ("matsudo", "新しい 名前")

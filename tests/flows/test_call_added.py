"""照会先の追加: who was forgotten in 管内へ照会 gets the same question in the same とりまとめ."""

from datetime import timedelta

import pytest
from django.urls import reverse

from kyoten.calls.actions import gathering, opening
from kyoten.calls.models import Call
from kyoten.inquiries.models import Addressee, Inquiry
from kyoten.organisations.models import Section
from kyoten.post.models import OutboundMail
from kyoten.records.models import Event, Refused
from kyoten.web import todo
from tests.flows.calling import ASKING, MICROSECOND, PREFECTURE_DUE, WRITING, case, opened
from tests.flows.racing import race
from tests.world import login

pytestmark = pytest.mark.django_db
TEXT = "御検討ください。"


def asked_without_kashiwa(world) -> Call:
    """千葉県 asks 松戸市 and tells 千葉県医師会 for reference; 柏市 and 鎌ケ谷市 are forgotten."""
    call = opened(world)
    opening.ask_municipalities(
        case(call, world.chiba), call, covering_text=TEXT, due=PREFECTURE_DUE, to=[world.matsudo],
        reference=[world.chiba_association], document_number="医整第630号", by=world.seat_chiba, at=ASKING,
    )  # fmt: skip
    return call


def add(world, call, to, *, by=None, at=WRITING, **more):
    return opening.add_municipalities(case(call, world.chiba), to=to, by=by or world.seat_chiba, at=at, **more)


def below(call):
    rows = Addressee.objects.filter(root=call.inquiry_id, inquiry__parent__isnull=False)
    return sorted((row.organisation.name, row.purpose, row.state) for row in rows.select_related("organisation"))


def everything():
    return (
        list(Inquiry.objects.values_list()),
        list(Addressee.objects.values_list()),
        Event.objects.count(),
        OutboundMail.objects.count(),
    )


def test_the_forgotten_city_is_in_the_same_inquiry_and_gets_the_mail_and_the_link(world):
    call = asked_without_kashiwa(world)
    inquiry = Inquiry.objects.get(parent__isnull=False)
    [row] = add(world, call, [world.kashiwa])
    assert (row.inquiry, Inquiry.objects.filter(parent__isnull=False).count()) == (inquiry, 1)
    assert below(call) == [
        ("千葉県医師会", "reference", "unread"), ("松戸市", "answer", "unread"), ("柏市", "answer", "unread")
    ]  # fmt: skip
    lines = OutboundMail.objects.get(to=world.section_kashiwa.email).text.splitlines()
    assert lines[:5] == [
        "※令和7年6月30日付けの照会の照会先に加えましたので、お送りします。", "", "医整第630号", "令和7年6月30日", ""
    ]  # fmt: skip
    assert TEXT in lines and any(row.token in line for line in lines)
    assert [(e.act, e.title) for e in Event.objects.of("inquiry", inquiry.pk)][1:] == [("add", "照会先を追加（柏市）")]
    assert [e.act for e in Event.objects.of("addressee", row.pk)] == ["receive"]
    assert OutboundMail.objects.filter(to=world.section_matsudo.email).count() == 1


def test_every_list_of_the_prefecture_sees_the_added_city(client, world, clock):
    call = asked_without_kashiwa(world)
    [row] = add(world, call, [world.kashiwa])
    clock(WRITING)
    login(client, world.seat_chiba)
    shown = client.get(reverse("calls:gather", args=[call.slug]))
    assert [r.organisation.name for r in shown.context["rows"]] == ["松戸市", "柏市", "千葉県医師会"]
    assert [r.organisation.name for r in shown.context["missing"]] == ["松戸市", "柏市"]
    assert [r.organisation.name for r in gathering.unanswered(call, world.chiba)] == ["松戸市", "柏市"]
    numbers = client.get(reverse("inquiries:telephone", args=[row.inquiry_id])).context["rows"]
    assert [r.organisation.name for r in numbers] == ["松戸市", "柏市"]
    assert client.get(reverse("calls:fax_sheet", args=[call.slug, row.pk])).status_code == 200
    [waiting] = todo.asked(todo.Desk(world.seat_chiba, WRITING))
    assert (waiting.to, waiting.state) == ("2団体", ("未回答 2団体", "go"))
    [task] = todo.tasks(todo.Desk(world.seat_kashiwa, WRITING))
    assert task.act == "回答する"


def test_who_had_it_for_reference_is_asked_with_a_mail_of_its_own(world):
    call = asked_without_kashiwa(world)
    before = case(call, world.chiba_association)
    [row] = add(world, call, [world.chiba_association])
    assert (row.pk, row.token) == (before.pk, before.token)
    assert ("千葉県医師会", "answer", "unread") in below(call)
    first, second = OutboundMail.objects.filter(to=world.section_chiba_association.email).order_by("pk")
    assert (first.subject, second.subject) == (f"【参考送付】{row.inquiry.title}", row.inquiry.title)
    said = "※依頼先の団体へ次のとおり通知しました（回答期限　令和7年7月24日（木））。参考としてお送りするもので、貴団体の回答の必要はありません。"
    assert f"{said}\n\n{row.inquiry.covering_text}" in first.text and row.token not in first.text
    assert "回答の必要はありません" not in second.text
    assert second.text.startswith("※先に参考としてお送りした件です。") and row.token in second.text
    assert [e.act for e in Event.objects.of("addressee", row.pk)] == ["receive", "asked"]


def test_an_association_is_told_for_reference_later(world):
    call = opened(world)
    opening.ask_municipalities(
        case(call, world.chiba), call, covering_text=TEXT, due=PREFECTURE_DUE, to=[world.matsudo],
        by=world.seat_chiba, at=ASKING,
    )  # fmt: skip
    add(world, call, [], reference=[world.chiba_association])
    assert below(call) == [("千葉県医師会", "reference", "unread"), ("松戸市", "answer", "unread")]
    assert OutboundMail.objects.get(to=world.section_chiba_association.email).subject.startswith("【参考送付】")


@pytest.mark.parametrize(
    ("names", "seat", "at", "words"),
    [
        (["kashiwa"], "seat_saitama", WRITING, "照会を出した団体の担当だけ"),
        (["kashiwa"], "seat_viewer", WRITING, "照会を出した団体の担当だけ"),
        ([], "seat_chiba", WRITING, "追加する団体を選んで"),
        (["matsudo"], "seat_chiba", WRITING, "すでに届いています"),
        (["kashiwa"], "seat_chiba", PREFECTURE_DUE + MICROSECOND, "先に回答期限を変更"),
    ],
)
def test_a_refused_addition_changes_nothing(world, names, seat, at, words):
    call = asked_without_kashiwa(world)
    before = everything()
    with pytest.raises(Refused, match=words):
        add(world, call, [getattr(world, name) for name in names], by=getattr(world, seat), at=at)
    assert everything() == before


def test_a_city_without_a_section_is_named_and_nobody_is_added(world):
    call = asked_without_kashiwa(world)
    Section.objects.filter(pk=world.section_kamagaya.pk).update(valid_to=(WRITING - timedelta(days=5)).date())
    before = everything()
    with pytest.raises(Refused, match="鎌ケ谷市"):
        add(world, call, [world.kashiwa, world.kamagaya])
    assert everything() == before


def test_before_the_first_asking_there_is_nothing_to_add_to(world):
    call = opened(world)
    with pytest.raises(Refused, match="まだ管内へ照会していません"):
        add(world, call, [world.kashiwa])
    assert Inquiry.objects.count() == 1


def test_asking_once_more_is_refused_and_points_to_the_addition(world):
    call = asked_without_kashiwa(world)
    before = everything()
    with pytest.raises(Refused, match="照会先の追加"):
        opening.ask_municipalities(
            case(call, world.chiba), call, covering_text="別の文", due=PREFECTURE_DUE, to=[world.kashiwa],
            by=world.seat_chiba, at=WRITING,
        )  # fmt: skip
    assert everything() == before


def test_the_page_offers_only_who_was_not_asked(client, world, clock):
    call = asked_without_kashiwa(world)
    clock(WRITING)
    login(client, world.seat_chiba)
    url = reverse("calls:ask", args=[call.slug])
    page = client.get(url)
    assert [label for _, label in page.context["form"].fields["to"].choices] == [
        "柏市", "鎌ケ谷市", "千葉県医師会（参考送付済み）"
    ]  # fmt: skip
    assert TEXT in page.content.decode() and "<textarea" not in page.content.decode()
    sent = client.post(url, {"to": [world.kashiwa.pk], "covering_text": "書き換え", "due": "2025-07-31"}, follow=True)
    assert sent.redirect_chain == [(reverse("calls:gather", args=[call.slug]), 302)]
    inquiry = Inquiry.objects.get(parent__isnull=False)
    assert (inquiry.covering_text, inquiry.due) == (TEXT, PREFECTURE_DUE)
    assert ("柏市", "answer", "unread") in below(call)


def test_a_body_that_is_not_offered_is_not_added(client, world, clock):
    call = asked_without_kashiwa(world)
    before = everything()
    clock(WRITING)
    login(client, world.seat_chiba)
    page = client.post(reverse("calls:ask", args=[call.slug]), {"to": [world.saitama.pk]})
    assert (page.status_code, list(page.context["form"].errors)) == (200, ["to"])
    assert everything() == before


def test_after_the_date_the_page_says_to_change_it_first(client, world, clock):
    call = asked_without_kashiwa(world)
    before = everything()
    clock(PREFECTURE_DUE + timedelta(days=1))
    login(client, world.seat_chiba)
    url = reverse("calls:ask", args=[call.slug])
    page = client.get(url).content.decode()
    assert "回答期限を変更" in page and 'name="to"' not in page
    refused = client.post(url, {"to": [world.kashiwa.pk]}).content.decode()
    assert "先に回答期限を変更してから" in refused
    assert everything() == before


@pytest.mark.django_db(transaction=True)
def test_two_officers_adding_the_same_city_at_once_make_one_row(world):
    call = asked_without_kashiwa(world)

    def act():
        add(world, call, [world.kashiwa])

    found = race(*[act] * 3)
    assert sorted(found)[-1] != "done" and found.count("done") == 1
    assert Addressee.objects.filter(organisation=world.kashiwa).count() == 1
    assert OutboundMail.objects.filter(to=world.section_kashiwa.email).count() == 1

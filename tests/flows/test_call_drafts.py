"""起案用一式 of 公募開始 and 管内へ照会: printed, frozen, decided elsewhere, sent as printed (domain 11)."""

from datetime import date

import pytest
from django.urls import reverse

from kyoten.calls import papers
from kyoten.calls.actions import drafting, opening
from kyoten.calls.models import Call
from kyoten.inquiries.models import Addressee, Draft, Inquiry
from kyoten.organisations.models import Section
from kyoten.post.models import OutboundMail
from kyoten.programmes.models import Programme
from kyoten.records.actions import store_file
from kyoten.records.models import Attachment, Event, Refused
from kyoten.records.verify import verify
from kyoten.web import todo
from tests.flows.calling import ASKING, DEADLINE, MICROSECOND, OPENING, PREFECTURE_DUE, asked, case, opened
from tests.flows.racing import race
from tests.papers.writing import pages
from tests.world import login

pytestmark = pytest.mark.django_db
TEXT = "御検討ください。\n締切は下記のとおりです。"
DECIDED = {"decided_on": date(2025, 6, 30), "document_number": "医整第630号"}
NUMBERED = {"decided_on": date(2025, 6, 27), "document_number": "事務連絡"}


def frozen(plan, by, at):
    """A draft as the page makes it, with a stand-in for the printed paper."""
    said = drafting.frozen_of(plan, by.section, at)
    file = store_file(b"%PDF-1.7", "起案用一式.pdf", by=by.actor(), at=at)
    return drafting.prepare(plan, file=file, expected=said, by=by, at=at)


def of_opening(world, at=OPENING):
    return frozen(opening.plan_opening(world.programme, TEXT), world.seat_secretariat, at)


def planned(world, call, **other):
    said = {"covering_text": TEXT, "due": PREFECTURE_DUE, "to": [world.matsudo, world.kashiwa],
            "reference": [world.chiba_association]}  # fmt: skip
    return opening.plan_asking(case(call, world.chiba), call, **(said | other))


def of_asking(world, call=None, at=ASKING):
    return frozen(planned(world, call or opened(world)), world.seat_chiba, at)


def sent(draft, by, at, **decided):
    return drafting.carry_out(Draft.objects.get(pk=draft.pk), **decided, by=by, at=at)


def everything():
    return (
        list(Inquiry.objects.values_list()),
        list(Addressee.objects.values_list()),
        list(Call.objects.values_list()),
        list(Draft.objects.values_list()),
        Event.objects.count(),
        OutboundMail.objects.count(),
    )


# ---- what is frozen and what goes out ---------------------------------------------------------


def test_a_draft_of_the_opening_sends_nothing_until_it_is_carried_out(world):
    draft = of_opening(world)
    assert (Call.objects.count(), Inquiry.objects.count(), OutboundMail.objects.count()) == (0, 0, 0)
    sent(draft, world.seat_secretariat, OPENING, **NUMBERED)
    call, draft = Call.objects.get(), Draft.objects.get()
    assert (draft.state, draft.inquiry, draft.sent_at) == ("sent", call.inquiry, OPENING)
    assert (call.inquiry.covering_text, call.inquiry.due) == (TEXT, DEADLINE)
    assert (call.inquiry.document_number, call.inquiry.decided_on) == ("事務連絡", date(2025, 6, 27))
    assert [e.act for e in Event.objects.of("draft", draft.pk)] == ["prepare", "carry_out"]
    assert [e.act for e in Event.objects.of("call", call.pk)] == ["open"]


def test_an_asking_goes_out_as_it_was_printed(world):
    draft = of_asking(world)
    assert not Addressee.objects.filter(organisation=world.matsudo).exists()
    printed = draft.frozen["mail"]
    sent(draft, world.seat_chiba, ASKING, **DECIDED)
    rows = Addressee.objects.filter(inquiry__parent__isnull=False).select_related("organisation")
    assert sorted((row.organisation.name, row.purpose) for row in rows) == [
        ("千葉県医師会", "reference"), ("松戸市", "answer"), ("柏市", "answer")
    ]  # fmt: skip
    assert [[pk, name] for pk, name, _ in draft.frozen["to"]] == [
        [world.matsudo.pk, "松戸市"], [world.kashiwa.pk, "柏市"]
    ]  # fmt: skip
    mail = OutboundMail.objects.get(to=world.section_matsudo.email).text
    link = mail.split("（ログイン不要）\n　")[1].splitlines()[0]
    filled = printed.replace("（文書番号）", "医整第630号").replace("（施行日）", "令和7年6月30日")
    filled = filled.replace("（宛名）", "松戸市　地域医療課").replace("（宛先ごとの回答用リンク）", link)
    assert mail == filled
    assert verify().faults == []


def test_the_organisers_notice_says_the_same_in_the_draft_and_in_the_mail(world):
    draft = of_opening(world)
    sent(draft, world.seat_secretariat, OPENING, **NUMBERED)
    mail = OutboundMail.objects.get(to=world.section_chiba.email).text
    printed = draft.frozen["mail"].split("（宛名）")[1].split("（宛先ごと")[0]
    assert mail.split("医療整備課")[1].startswith(f"{printed}http")


def test_a_sent_draft_is_not_sent_twice(world):
    draft = of_asking(world)
    sent(draft, world.seat_chiba, ASKING, **DECIDED)
    before = everything()
    with pytest.raises(Refused, match="すでに発出"):
        sent(draft, world.seat_chiba, ASKING, **DECIDED)
    assert everything() == before


# ---- what voids a draft -----------------------------------------------------------------------


def test_a_new_draft_voids_the_one_before(world):
    call = opened(world)
    first, second = of_asking(world, call), of_asking(world, call)
    assert list(Draft.objects.order_by("pk").values_list("pk", "state", "void_reason")) == [
        (first.pk, "void", "起案し直したため"), (second.pk, "prepared", "")
    ]  # fmt: skip
    before = everything()
    with pytest.raises(Refused, match="失効"):
        sent(first, world.seat_chiba, ASKING, **DECIDED)
    assert everything() == before


def test_sending_at_once_voids_the_draft(world):
    call = opened(world)
    draft = of_asking(world, call)
    asked(world, call)
    draft.refresh_from_db()
    assert (draft.state, draft.void_reason) == ("void", "起案によらず発出したため")
    assert [e.act for e in Event.objects.of("draft", draft.pk)] == ["prepare", "void"]


def test_opening_at_once_voids_the_draft(world):
    draft = of_opening(world)
    opened(world)
    draft.refresh_from_db()
    assert (draft.state, Call.objects.count()) == ("void", 1)


def test_a_draft_can_be_given_up(world):
    draft = of_asking(world)
    drafting.withdraw(draft, by=world.seat_chiba, at=ASKING)
    before = everything()
    with pytest.raises(Refused, match="失効"):
        sent(draft, world.seat_chiba, ASKING, **DECIDED)
    with pytest.raises(Refused, match="失効"):
        drafting.withdraw(draft, by=world.seat_chiba, at=ASKING)
    assert everything() == before


# ---- what has changed since -------------------------------------------------------------------


def revised(world):
    """The organiser moves the deadline to 8 August."""
    first = world.programme
    text = first.text.replace("2025-07-31", "2025-08-08").replace("令和7年7月31日", "令和7年8月8日")
    Programme.objects.create(
        slug=first.slug, revision=2, text=text, digest="2", cases=first.cases,
        organiser=first.organiser, published_at=OPENING,
    )  # fmt: skip


@pytest.mark.parametrize("kind", ["open", "ask"])
def test_a_new_revision_of_the_definition_stops_the_draft(world, kind):
    draft = of_opening(world) if kind == "open" else of_asking(world)
    seat = world.seat_secretariat if kind == "open" else world.seat_chiba
    revised(world)
    before = everything()
    with pytest.raises(Refused, match="第2版に改められたため.*作り直して"):
        sent(draft, seat, ASKING, **DECIDED)
    assert everything() == before


def test_a_renamed_section_of_an_addressee_stops_the_draft(world):
    draft = of_asking(world)
    Section.objects.filter(pk=world.section_kashiwa.pk).update(name="健康政策課")
    before = everything()
    with pytest.raises(Refused, match="担当課が変わったため"):
        sent(draft, world.seat_chiba, ASKING, **DECIDED)
    assert everything() == before


def test_a_mended_mail_address_does_not_stop_the_draft(world):
    draft = of_asking(world)
    Section.objects.filter(pk=world.section_kashiwa.pk).update(email="new@kashiwa.example.jp")
    sent(draft, world.seat_chiba, ASKING, **DECIDED)
    assert OutboundMail.objects.filter(to="new@kashiwa.example.jp").count() == 1


def test_a_date_that_has_passed_stops_the_draft(world):
    draft = of_asking(world)
    before = everything()
    with pytest.raises(Refused, match="起案した回答期限（令和7年7月24日（木））を過ぎています"):
        sent(draft, world.seat_chiba, PREFECTURE_DUE + MICROSECOND, **DECIDED)
    assert everything() == before


def test_what_changed_while_it_was_printed_is_not_frozen(world):
    call = opened(world)
    plan, by = planned(world, call), world.seat_chiba
    said = drafting.frozen_of(plan, by.section, ASKING)
    file = store_file(b"%PDF-1.7", "x.pdf", by=by.actor(), at=ASKING)
    Section.objects.filter(pk=world.section_kashiwa.pk).update(name="健康政策課")
    before = everything()
    with pytest.raises(Refused, match="作成の間に"):
        drafting.prepare(plan, file=file, expected=said, by=by, at=ASKING)
    assert everything() == before


# ---- who, and with what -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seat", "decided", "words"),
    [
        ("seat_saitama", DECIDED, "起案した課"),
        ("seat_viewer", DECIDED, "起案した課"),
        ("seat_secretariat", DECIDED, "起案した課"),
        ("seat_chiba", DECIDED | {"document_number": " "}, "決裁日と文書番号"),
        ("seat_chiba", DECIDED | {"decided_on": None}, "決裁日と文書番号"),
        ("seat_chiba", DECIDED | {"decided_on": date(2025, 7, 1)}, "本日より後"),
    ],
)
def test_a_refused_sending_changes_nothing(world, seat, decided, words):
    draft = of_asking(world)
    before = everything()
    with pytest.raises(Refused, match=words):
        sent(draft, getattr(world, seat), ASKING, **decided)
    assert everything() == before


def test_another_section_of_the_body_does_not_send_what_it_did_not_draw_up(world):
    draft = of_asking(world)
    seat = world.seat_chiba
    seat.section = Section.objects.create(organisation=world.chiba, name="健康福祉政策課", email="s@chiba.example.jp")
    before = everything()
    with pytest.raises(Refused, match="起案した課（千葉県 健康福祉部 医療整備課）"):
        sent(draft, seat, ASKING, **DECIDED)
    assert everything() == before


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"to": []}, "照会先を1団体以上"),
        ({"due": DEADLINE + MICROSECOND}, "上の期限"),
        ({"due": ASKING}, "いまより後"),
        ({"covering_text": " "}, "通知文を書いて"),
    ],
)
def test_what_could_not_be_sent_is_not_drawn_up(world, change, words):
    call = opened(world)
    before = everything()
    with pytest.raises(Refused, match=words):
        frozen(planned(world, call, **change), world.seat_chiba, ASKING)
    assert everything() == before


def test_only_the_body_that_drew_it_up_sees_it(client, world, clock):
    clock(ASKING)
    draft = of_asking(world)
    file = Attachment.objects.of("draft", draft.pk).get()
    urls = [reverse("calls:draft", args=[draft.pk]), reverse("calls:draft_file", args=[draft.pk, file.pk])]
    for seat, status in ((world.seat_chiba, 200), (world.seat_viewer, 200), (world.seat_saitama, 404),
                         (world.seat_secretariat, 404), (world.seat_matsudo, 404)):  # fmt: skip
        login(client, seat)
        answers = [client.get(url) for url in urls]
        assert [answer.status_code for answer in answers] == [status, status]
        assert (b"".join(answers[1]) == b"%PDF-1.7") is (status == 200)
        assert ("決裁のとおり発出する" in answers[0].content.decode()) is (seat == world.seat_chiba)


@pytest.mark.django_db(transaction=True)
def test_carrying_out_and_sending_at_once_together_send_once(world):
    call = opened(world)
    draft = of_asking(world, call)
    found = race(
        lambda: sent(draft, world.seat_chiba, ASKING, **DECIDED),
        lambda: asked(world, Call.objects.get(pk=call.pk)),
        lambda: sent(draft, world.seat_chiba, ASKING, **DECIDED),
    )
    assert found.count("done") == 1
    assert Inquiry.objects.filter(parent__isnull=False).count() == 1
    assert OutboundMail.objects.filter(to=world.section_matsudo.email).count() == 1
    assert verify().faults == []


# ---- the pages --------------------------------------------------------------------------------


def test_the_prefecture_prints_decides_and_sends_on_screen(client, world, clock):
    call = opened(world)
    clock(ASKING)
    login(client, world.seat_chiba)
    posted = {"covering_text": TEXT, "due": "2025-07-24", "to": [world.matsudo.pk, world.kashiwa.pk], "prepare": "1"}
    client.post(reverse("calls:ask", args=[call.slug]), posted)
    draft = Draft.objects.get()
    url = reverse("calls:draft", args=[draft.pk])
    [task] = [task for task in todo.tasks(todo.Desk(world.seat_chiba, ASKING)) if task.state[0] == "決裁待ち"]
    assert (task.url, task.act) == (url, "発出する")
    assert [task.act for task in todo.tasks(todo.Desk(world.seat_chiba, ASKING))] == ["発出する"]
    page = client.post(url, {"decided_on": "6/30", "document_number": "医整第630号"})
    assert "日付は 2025-07-30 の形で入れてください。" in page.content.decode()
    assert Inquiry.objects.count() == 1
    done = client.post(url, {"decided_on": "2025-06-30", "document_number": "医整第630号"}, follow=True)
    assert done.redirect_chain[-1][0] == reverse("calls:gather", args=[call.slug])
    inquiry = Inquiry.objects.get(parent__isnull=False)
    assert (inquiry.covering_text, inquiry.document_number) == (TEXT, "医整第630号")
    assert url in done.content.decode()


def test_the_organiser_prints_decides_and_opens_on_screen(client, world, clock):
    clock(OPENING)
    login(client, world.seat_secretariat)
    client.post(reverse("calls:open", args=["r7-zaitaku"]), {"covering_text": TEXT, "prepare": "1"})
    draft = Draft.objects.get()
    url = reverse("calls:draft", args=[draft.pk])
    assert [(task.url, task.state[0]) for task in todo.tasks(todo.Desk(world.seat_secretariat, OPENING))] == [
        (url, "決裁待ち")
    ]
    shown = client.post(url, {"decided_on": "2025-06-27", "document_number": "事務連絡"}, follow=True)
    assert shown.redirect_chain[-1][0] == reverse("calls:show", args=["r7-zaitaku"])
    assert (Call.objects.get().inquiry.covering_text, url in shown.content.decode()) == (TEXT, True)


def test_a_draft_given_up_leaves_its_text_for_the_next(client, world, clock):
    call = opened(world)
    draft = of_asking(world, call)
    clock(ASKING)
    login(client, world.seat_chiba)
    page = client.post(reverse("calls:draft_void", args=[draft.pk]), follow=True)
    form = page.context["form"]
    assert (form.initial["covering_text"], form.initial["due"]) == (TEXT, PREFECTURE_DUE.date())
    assert form.initial["to"] == [world.matsudo.pk, world.kashiwa.pk]


def test_a_refused_printing_keeps_what_was_typed(client, world, clock):
    call = opened(world)
    before = everything()
    clock(ASKING)
    login(client, world.seat_chiba)
    posted = {"covering_text": TEXT, "due": "2025-08-24", "to": [world.matsudo.pk], "prepare": "1"}
    page = client.post(reverse("calls:ask", args=[call.slug]), posted)
    assert "上の期限" in page.content.decode() and "締切は下記のとおりです。" in page.content.decode()
    assert everything() == before


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("R7.6.30", "日付は 2025-07-31 の形で入れてください。"),
        ("0025-06-30", "日付の年を確かめてください"),
        ("2025-07-01", "決裁日が本日より後になっています。"),
    ],
)
def test_a_bad_date_is_told_in_words_and_nothing_is_sent(client, world, clock, typed, words):
    call = opened(world)
    before = everything()
    clock(ASKING)
    login(client, world.seat_chiba)
    posted = {"covering_text": TEXT, "due": "2025-07-24", "to": [world.matsudo.pk], "decided_on": typed}
    assert words in client.post(reverse("calls:ask", args=[call.slug]), posted).content.decode()
    assert everything() == before


# ---- the paper --------------------------------------------------------------------------------


def test_the_paper_of_the_opening_holds_everything_that_goes_out(world):
    plan, by = opening.plan_opening(world.programme, TEXT), world.seat_secretariat
    said = drafting.frozen_of(plan, by.section, OPENING)
    text = pages(papers.notice_set(plan, said, by, OPENING))
    assert text[0].startswith("起案書文書番号起案日令和7年6月27日決裁日施行日起案者伴走支援事務局事務局中村彩")
    assert text[1].startswith("第号令和年月日埼玉県保健医療部医療整備課御中千葉県健康福祉部医療整備課御中")
    assert "１回答期限令和7年7月31日（木）" in text[1] and "御検討ください。" in text[1]
    assert text[2].startswith("通知のメールの文面")
    guide = "".join(text[3:])
    assert "公募要領1目的" in guide and "8申込締切令和7年7月31日（木）" in guide
    assert "・拠点を設置している地域であること" in guide
    assert text[-1].startswith("別記宛先一覧回答を求める2団体参考送付1団体")
    assert "日本医師会地域医療課参考送付" in text[-1]


def test_the_paper_of_an_asking_holds_the_annex_and_the_form(world):
    call = opened(world)
    plan, by = planned(world, call), world.seat_chiba
    said = drafting.frozen_of(plan, by.section, ASKING)
    text = "".join(pages(papers.notice_set(plan, said, by, ASKING)))
    assert "別添伴走支援事務局事務局からの通知（写し）" in text and "実施地域を募集します。" in text
    assert "別紙２－②" in text
    assert "期限までに回答がない場合は該当なしとみなす" in text


def test_many_addressees_stand_on_the_list_and_not_on_the_letter(world):
    call = opened(world)
    plan, by = planned(world, call), world.seat_chiba
    said = drafting.frozen_of(plan, by.section, ASKING)
    said["to"] = [[n, f"見本{n}市", "担当課"] for n in range(54)]
    text = pages(papers.notice_set(plan, said, by, ASKING))
    assert "別記宛先御中" in text[1] and "見本" not in text[1]
    assert "見本53市" in text[-1] or "見本53市" in text[-2]

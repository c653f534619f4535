"""The page an application is written on."""

import hashlib
from html import unescape

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from kyoten.calls.actions import applying, gathering
from kyoten.calls.actions.incoming import propose_group
from kyoten.organisations.models import Organisation
from kyoten.papers.forms import write_form
from kyoten.records.models import Event
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
        ("松戸市", "介護保険課", "事務", "municipality"),
        ("松戸市", "障害福祉課", "保健師", "municipality"),
        ("松戸市障害福祉サービス連絡会", "事務局担当", "社会福祉士", "care_association"),
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


def test_after_the_deadline_the_page_says_so_before_anybody_presses(client, page, clock):
    submit = page.replace("edit", "submit")
    clock(calling.GATHERING)
    assert "提出する</button>" in client.get(submit).content.decode()
    clock(calling.DEADLINE + calling.MICROSECOND)
    html = client.get(submit).content.decode()
    assert "申込締切を過ぎています" in html
    assert "提出する</button>" not in html


def test_late_acceptance_offers_who_was_asked(client, world, clock):
    calling.asked(world)
    clock(calling.DEADLINE + calling.MICROSECOND)
    login(client, world.seat_secretariat)
    form = client.get(reverse("calls:late", args=["r7-zaitaku"])).context["form"]
    assert [label for _, label in form.fields["organisation"].choices] == [
        "選択してください",
        "埼玉県",
        "千葉県",
        "千葉県　松戸市",
        "千葉県　柏市",
        "千葉県　鎌ケ谷市",
    ]


def test_the_opinion_has_its_history_at_the_prefecture_alone(client, world, clock):
    application = calling.submitted(world)
    gathering.write_opinion(application, "県として支援する。", by=world.seat_chiba, at=calling.GATHERING)
    clock(calling.GATHERING)
    address = reverse("calls:application", args=[application.pk])
    login(client, world.seat_chiba)
    assert "県の意見を記入" in client.get(address).content.decode()
    login(client, world.seat_matsudo)
    assert "県として支援する。" not in client.get(address).content.decode()


def test_the_organiser_takes_in_a_paper_that_misses_a_requirement(client, world, clock):
    call = calling.asked(world)
    town = Organisation.objects.create(kind="municipality", name="川口市", code="112038", prefecture=world.saitama)
    seat = world.seat_secretariat
    typed_in = applying.start(
        call, municipalities=[town], applicant=town, proxy="secretariat", by=seat, at=calling.WRITING
    )
    clock(calling.WRITING)
    login(client, seat)
    html = client.get(reverse("calls:submit", args=[typed_in.pk])).content.decode()
    assert "拠点の設置が確認できません" in html
    assert "このまま受け付けて、選定のときに確認できます。" in html
    assert html.count("受付へ進む</button>") == 1


def test_what_had_no_place_in_the_new_form_is_said_in_words(world):
    application = calling.drafted(world)
    newer = world.programme
    newer.pk, newer.revision, newer._state.adding = None, 2, True
    newer.text = newer.text.replace('id       = "rep_title"', 'id       = "rep_post"')
    newer.digest = hashlib.sha256(newer.text.encode()).hexdigest()
    newer.save()
    applying.carry_forward(application, by=world.seat_matsudo, at=calling.WRITING)
    event = Event.objects.of("application", application.pk).get(act="carry")
    assert event.note == "移せなかった記載　役職「主査」"


def test_saving_again_leaves_what_was_not_touched_as_it_was(client, world, page):
    """The page's own layout is no part of a text: nothing is put before what somebody wrote."""
    reason = "看護の職種が多い地域のため。\n県とも相談済みです。"
    for _ in range(2):
        client.post(page, {"reason": reason, "do": "save"})
        shown = client.get(page).content.decode()
        reason = unescape(shown.partition('name="reason"')[2].partition(">\n")[2].partition("</textarea>")[0])
    assert reason == "看護の職種が多い地域のため。\n県とも相談済みです。"


def test_a_file_that_cannot_be_read_asks_for_nothing_and_is_kept(client, page):
    upload = {"purpose": "form", "file": SimpleUploadedFile("申込書.docx", b"broken")}
    reading = client.post(page.replace("edit", "upload"), upload)
    assert "内容を読み取れませんでした" in client.get(reading.url).text
    html = client.get(page).text
    assert "読み取った申込書があります" not in html
    assert f'<a href="{reading.url}">申込書.docx</a>' in html


def test_what_is_saved_while_writing_brings_its_length_along(client, page):
    posted = {"f-reason": "急変時の対応。", "base": client.get(page).context["base"]}
    part = client.post(page, posted, headers={"HX-Request": "true"}).content.decode()
    assert '<p class="count" id="f-reason-count" hx-swap-oob="true">7字' in part


def test_what_was_typed_in_an_old_tab_after_submission_is_shown_and_changes_nothing(client, world, page):
    application = applying.submit(calling.Application.objects.get(), by=world.seat_matsudo, at=calling.WRITING)
    answer = client.post(page, {"fields": "reason", "f-reason": "古いタブで書き足した理由", "base": "{}"})
    assert (answer.status_code, "古いタブで書き足した理由" in answer.content.decode()) == (409, True)
    before = application.answers_text
    application.refresh_from_db()
    assert (application.state, application.answers_text) == ("submitted", before)


@pytest.fixture
def reading(client, page):
    """The address of what was read from a Word form that came in."""
    application = calling.Application.objects.get()
    data = write_form(application.definition, calling.ANSWERS | {"reason": "Wordに書いた理由"}, "docx")
    client.post(
        reverse("calls:upload", args=[application.pk]),
        {"purpose": "form", "file": SimpleUploadedFile("申込書.docx", data)},
    )
    return reverse("calls:reading", args=[application.pk, application.form_files.get().pk])


def test_what_was_read_can_be_left_out_for_good(client, page, reading):
    application = calling.Application.objects.get()
    before = (application.answers_text, application.version)
    assert client.post(reading, {"do": "leave", "take": "reason"}).url == page
    application.refresh_from_db()
    assert (application.answers_text, application.version) == before
    assert list(application.form_files.filter(settled_at=None)) == []
    assert [event.act for event in Event.objects.of("application", application.pk)][-1] == "leave_form"
    assert application.form_files.get().name in client.get(page).content.decode()


def test_what_was_read_is_left_out_once(client, page, reading):
    client.post(reading, {"do": "leave"})
    events = Event.objects.count()
    assert "すでに確認されています" in unescape(client.post(reading, {"do": "leave"}).content.decode())
    assert Event.objects.count() == events

"""連絡先: correcting, the old names, the table in and out, the confirmation in April, what bounced."""

import re
from datetime import date, datetime, timedelta
from email.message import EmailMessage

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from kyoten.organisations.actions import address_import as importing
from kyoten.organisations.actions import addresses as acts
from kyoten.organisations.models import AddressConfirmation, AddressImport, Organisation, Section
from kyoten.organisations.seats import SECOND_FACTOR
from kyoten.organisations.sheets import read_sheet as read_any_sheet
from kyoten.papers.tables import write_table
from kyoten.post.actions import receive
from kyoten.post.inbox import read_new
from kyoten.post.models import InboundMail, OutboundMail
from kyoten.records.models import Event, Refused
from kyoten.rules.clock import JST
from tests.people import AT, body, person, seat, section, world

pytestmark = pytest.mark.django_db
LIST = reverse("organisations:addresses")
ON = AT.date()


@pytest.fixture
def w():
    return world()


def browser(place) -> Client:
    """Logged in, with the second factor shown."""
    client = Client()
    client.force_login(place.person)
    session = client.session
    session[SECOND_FACTOR] = place.person.pk
    session.save()
    return client


def values(of: Section, **more) -> dict:
    return {name: getattr(of, name) for name in acts.LABELS} | more


# ---- correcting -------------------------------------------------------------------------------


def test_a_body_corrects_its_own_contacts(w):
    own = w.matsudo.section
    acts.update_section(own, values(own, phone="000-1111"), version=1, by=w.matsudo.seat, at=AT)
    assert (own.phone, own.version, own.confirmed_fiscal_year) == ("000-1111", 2, 2025)
    assert Event.objects.of("section", own.pk).get().title == "連絡先を変更（電話番号）"


def test_a_prefecture_corrects_its_municipalities_without_confirming_for_them(w):
    city = w.matsudo.section
    acts.update_section(city, values(city, phone="000-1111"), version=1, by=w.chiba.seat, at=AT)
    assert (city.phone, city.confirmed_fiscal_year) == ("000-1111", None)


@pytest.mark.parametrize("who", ["kashiwa", "saitama", "secretariat"])
def test_strangers_correct_nothing(w, who):
    city = w.matsudo.section
    stranger = getattr(w, who)
    with pytest.raises(Refused, match="この連絡先を変更できるのは"):
        acts.update_section(city, values(city, email="x@example.jp"), version=1, by=stranger.seat, at=AT)
    assert Section.objects.get(pk=city.pk).email == "matsudo@example.jp"
    assert browser(stranger).get(reverse("organisations:address_edit", args=[city.pk])).status_code == 404


def test_a_reader_corrects_nothing(w):
    reader = seat(person("etsuran"), w.matsudo.section, "viewer")
    with pytest.raises(Refused):
        acts.update_section(w.matsudo.section, values(w.matsudo.section, phone="1"), version=1, by=reader, at=AT)
    assert Section.objects.get(pk=w.matsudo.section.pk).phone == ""


def test_a_section_keeps_its_old_name_for_old_letters(w):
    own = w.matsudo.section
    acts.update_section(
        own, values(own, name="健康政策課"), version=1, by=w.matsudo.seat, at=AT, renamed_on=date(2025, 4, 1)
    )
    acts.update_section(
        own, values(own, name="地域医療課"), version=2, by=w.matsudo.seat, at=AT, renamed_on=date(2025, 6, 1)
    )
    own = Section.objects.get(pk=own.pk)
    days = [date(2025, 3, 31), date(2025, 4, 1), date(2025, 5, 31), date(2025, 6, 1), date(2030, 1, 1)]
    assert [own.name_on(day) for day in days] == [
        "松戸市在宅医療課",
        "健康政策課",
        "健康政策課",
        "地域医療課",
        "地域医療課",
    ]


def test_a_misspelling_put_right_leaves_no_old_name(w):
    own = w.matsudo.section
    acts.update_section(own, values(own, name="在宅医療課"), version=1, by=w.matsudo.seat, at=AT)
    assert Section.objects.get(pk=own.pk).name_on(date(2020, 1, 1)) == "在宅医療課"


def test_an_outdated_version_changes_nothing(w):
    own = w.matsudo.section
    acts.update_section(own, values(own, phone="1"), version=1, by=w.matsudo.seat, at=AT)
    with pytest.raises(Refused, match="ほかの方が先に変更"):
        acts.update_section(own, values(own, fax="2"), version=1, by=w.chiba.seat, at=AT)
    row = Section.objects.get(pk=own.pk)
    assert (row.phone, row.fax, Event.objects.count()) == ("1", "", 1)


def posted(of: Section, base: Section, **more) -> dict:
    form = {name: importing.shown(getattr(of, name)) for name in ("name", "email", "phone", "fax")}
    kept = {f"base-{name}": importing.shown(getattr(base, name)) for name in acts.LABELS}
    return form | kept | {"is_default": "on", "version": base.version} | more


def test_two_who_correct_different_fields_lose_nothing(w):
    base = Section.objects.get(pk=w.matsudo.section.pk)
    page = reverse("organisations:address_edit", args=[base.pk])
    assert browser(w.matsudo).post(page, posted(base, base, phone="111")).status_code == 302
    assert browser(w.chiba).post(page, posted(base, base, fax="222")).status_code == 302
    row = Section.objects.get(pk=base.pk)
    assert (row.phone, row.fax) == ("111", "222")


def test_two_who_correct_the_same_field_see_both_texts(w):
    base = Section.objects.get(pk=w.matsudo.section.pk)
    page = reverse("organisations:address_edit", args=[base.pk])
    browser(w.matsudo).post(page, posted(base, base, phone="111"))
    answer = browser(w.chiba).post(page, posted(base, base, phone="333")).content.decode()
    assert ("ほかの方: 111" in answer, "あなた: 333" in answer, 'value="333"' in answer) == (True, True, True)
    assert Section.objects.get(pk=base.pk).phone == "111"


def test_one_section_of_a_body_is_the_default(w):
    acts.add_section(w.matsudo.body, {"name": "新しい課", "email": "", "is_default": True}, by=w.matsudo.seat, at=AT)
    assert [row.name for row in w.matsudo.body.sections.filter(is_default=True)] == ["新しい課"]
    assert w.matsudo.body.default_section(ON).name == "新しい課"


def test_a_section_with_people_in_it_is_not_closed(w):
    with pytest.raises(Refused, match="有効な席があります"):
        acts.close_section(w.matsudo.section, last_day=ON, by=w.matsudo.seat, at=AT)
    assert Section.objects.get(pk=w.matsudo.section.pk).valid_to is None


def test_a_prefecture_adds_an_association_and_looks_after_it(w):
    own = {"kind": "association", "level": "district", "name": "松戸市医師会", "kana": "マツドシイシカイ"}
    made = acts.add_organisation(own, {"name": "事務局", "email": "ishikai@example.jp"}, by=w.chiba.seat, at=AT)
    assert (made.prefecture, made.default_section(ON).email) == (w.chiba.body, "ishikai@example.jp")
    assert made.superior(ON) is None  # an association is under nobody
    assert Organisation.objects.editable_by(w.chiba.seat, ON).filter(pk=made.pk).exists()
    with pytest.raises(Refused, match="この種類の機関"):
        acts.add_organisation(own, {}, by=w.matsudo.seat, at=AT)
    assert Organisation.objects.filter(name="松戸市医師会").count() == 1


# ---- the list ---------------------------------------------------------------------------------


def test_kamagaya_is_found_in_every_spelling(w):
    kamagaya = body("municipality", "鎌ケ谷市", "122246", kana="カマガヤシ")
    found = [Organisation.objects.search(words).get() for words in ("鎌ヶ谷", "鎌ケ谷", "かまがや", "ｶﾏｶﾞﾔ", "122246")]
    assert found == [kamagaya] * 5


def test_who_sees_whose_contacts(w):
    def seen(place):
        rows = Section.objects.visible_to(place.seat, ON)
        return sorted(rows.values_list("organisation__name", flat=True))

    assert seen(w.secretariat) == sorted(["事務局", "千葉県", "埼玉県", "松戸市", "柏市"])
    assert seen(w.chiba) == sorted(["事務局", "千葉県", "埼玉県", "松戸市", "柏市"])
    assert seen(w.saitama) == sorted(["事務局", "千葉県", "埼玉県"])
    assert seen(w.matsudo) == sorted(["事務局", "千葉県", "松戸市"])


def more_cities(w, count: int) -> None:
    for number in range(count):
        city = body("municipality", f"千葉県第{number}市", f"129{number:03}", prefecture=w.chiba.body)
        section(city, "担当課", f"city{number}@example.jp", is_default=True)
        acts.Supervision.objects.create(superior=w.chiba.body, subordinate=city, valid_from=date(2005, 4, 1))


@pytest.mark.parametrize("name", ["addresses", "confirmations", "first_managers", "address_export", "people"])
def test_a_list_costs_the_same_for_many_rows(w, name):
    client, page = browser(w.chiba), reverse(f"organisations:{name}")
    client.get(page)
    with CaptureQueriesContext(connection) as few:
        client.get(page)
    more_cities(w, 30)
    for number in range(30):
        seat(person(f"shokuin{number}"), w.chiba.section, "viewer")
    with CaptureQueriesContext(connection) as many:
        assert client.get(page).status_code == 200
    assert len(few) == len(many)


def test_the_list_filters_and_pages(w):
    more_cities(w, 60)
    client = browser(w.chiba)
    assert client.get(LIST).context["page"].paginator.num_pages == 2
    assert client.get(LIST, {"q": "松戸"}).context["page"].paginator.count == 1
    assert client.get(LIST, {"kind": "prefecture"}).context["page"].paginator.count == 2
    assert client.get(LIST, {"prefecture": w.chiba.body.pk}).context["page"].paginator.count == 63
    assert client.get(LIST, {"state": "mend"}).context["page"].paginator.count == 0


# ---- Excel ------------------------------------------------------------------------------------


def sheet(*rows: dict) -> bytes:
    table = [[row.get(name, "") for name in importing.COLUMNS] for row in rows]
    return write_table("連絡先", importing.COLUMNS, table)


def read_sheet(data: bytes, name: str = "a.xlsx") -> list:
    return read_any_sheet(data, name, importing.COLUMNS)


def upload(client: Client, data: bytes):
    file = SimpleUploadedFile("連絡先.xlsx", data)
    return client.post(reverse("organisations:address_import"), {"file": file})


def row(of: Section, **more) -> dict:
    labels = {label: importing.shown(getattr(of, name)) for name, label in acts.LABELS.items()}
    return {"番号": str(of.pk), "団体コード": of.organisation.code, "機関名": of.organisation.name, **labels, **more}


def test_the_list_goes_out_and_comes_back_unchanged(w):
    client = browser(w.chiba)
    data = b"".join(client.get(reverse("organisations:address_export")))
    lines = importing.compare(read_sheet(data, "連絡先.xlsx"), by=w.chiba.seat, at=AT)
    mine = {w.chiba.body.name, w.matsudo.body.name, w.kashiwa.body.name}
    assert mine < {line.body for line in lines}
    assert {line.verdict for line in lines} == {"same"}  # what the prefecture only sees is no mistake


def test_a_table_is_shown_first_and_applied_on_confirmation(w):
    client = browser(w.chiba)
    data = sheet(
        row(w.matsudo.section, 電話番号="０４７-０００-００００"),
        row(w.kashiwa.section),
        {"団体コード": "122173", "課・係の名称": "介護課", "メールアドレス": "kaigo@example.jp"},
        {"機関名": "ない市", "課・係の名称": "課"},
    )
    answer = upload(client, data)
    page = client.get(answer.url)
    assert page.context["counts"] == [("追加", 1), ("変更", 1), ("変更なし", 1), ("エラー", 1)]
    assert (Section.objects.count(), Section.objects.get(pk=w.matsudo.section.pk).phone) == (5, "")
    assert client.post(answer.url).url == LIST
    assert Section.objects.get(pk=w.matsudo.section.pk).phone == "047-000-0000"
    assert w.kashiwa.body.sections.get(name="介護課").email == "kaigo@example.jp"
    assert [event.act for event in Event.objects.of("section", w.matsudo.section.pk)] == ["import_section"]
    assert client.post(answer.url).status_code == 404
    assert Section.objects.count() == 6


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"メールアドレス": "でたらめ"}, "メールアドレスの形"),
        ({"課・係の名称": ""}, "空欄"),
        ({"番号": "999999"}, "変更できる範囲にありません"),
        ({"番号": "九"}, "変更できる範囲にありません"),
        ({"電話番号": "1" * 51}, "長すぎます"),
    ],
)
def test_a_bad_row_says_what_is_wrong(w, change, reason):
    rows = read_sheet(sheet(row(w.matsudo.section, **change)), "a.xlsx")
    (line,) = importing.compare(rows, by=w.chiba.seat, at=AT)
    assert (line.verdict, line.number, reason in line.reason) == ("error", 3, True)  # below title and header


def test_a_column_that_is_not_there_changes_nothing(w):
    own = w.matsudo.section
    acts.update_section(own, values(own, phone="047-1", fax="047-2"), version=1, by=w.matsudo.seat, at=AT)
    data = write_table("連絡先", ["番号", "電話番号"], [[str(own.pk), ""]])
    (line,) = importing.compare(read_sheet(data), by=w.matsudo.seat, at=AT)
    assert line.changes == {"phone": ("047-1", "")}


def test_a_table_cannot_reach_other_bodies(w):
    rows = read_sheet(sheet(row(w.kashiwa.section, 電話番号="1"), row(w.chiba.section, 電話番号="1")), "a.xlsx")
    lines = importing.compare(rows, by=w.matsudo.seat, at=AT)
    assert [line.verdict for line in lines] == ["error", "error"]


def test_a_row_of_another_body_is_refused_once_it_is_written_in(w):
    client = browser(w.matsudo)
    data = b"".join(client.get(reverse("organisations:address_export")))
    rows = [(number, row | {"電話番号": "047-000-9999"}) for number, row in read_sheet(data)]
    verdicts = {line.body: line.verdict for line in importing.compare(rows, by=w.matsudo.seat, at=AT)}
    assert verdicts.pop(w.matsudo.body.name) == "change"
    assert set(verdicts.values()) == {"error"}


def test_the_same_section_twice_is_no_guess_of_ours(w):
    rows = read_sheet(sheet(row(w.matsudo.section, FAX番号="1"), row(w.matsudo.section, FAX番号="2")), "a.xlsx")
    assert [line.verdict for line in importing.compare(rows, by=w.chiba.seat, at=AT)] == ["error", "error"]


def test_a_table_is_refused_when_a_section_changed_meanwhile(w):
    rows = read_sheet(sheet(row(w.matsudo.section, 電話番号="1"), row(w.kashiwa.section, 電話番号="1")), "a.xlsx")
    kept = importing.prepare_import(rows, file_name="a.xlsx", by=w.chiba.seat, at=AT)
    acts.update_section(w.matsudo.section, values(w.matsudo.section, fax="9"), version=1, by=w.matsudo.seat, at=AT)
    with pytest.raises(Refused, match="ほかの方が連絡先を変更"):
        importing.apply_import(kept, by=w.chiba.seat, at=AT)
    assert [row.phone for row in Section.objects.filter(phone="1")] == []
    assert AddressImport.objects.get().applied_at is None


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [("a.xlsx", b"PK\x03\x04 broken", "開けません"), ("a.xlsx", b"", "空です"), ("a.txt", "あ".encode(), ".xlsx")],
)
def test_what_is_no_table_is_refused_and_kept_out(w, name, data, words):
    client = browser(w.chiba)
    file = SimpleUploadedFile(name, data)
    answer = client.post(reverse("organisations:address_import"), {"file": file}).content.decode()
    assert (words in answer, AddressImport.objects.count()) == (True, 0)


def test_a_name_like_a_formula_stays_a_text(w):
    own = w.matsudo.section
    acts.update_section(own, values(own, name="=1+1"), version=1, by=w.matsudo.seat, at=AT)
    data = b"".join(browser(w.matsudo).get(reverse("organisations:address_export")))
    assert "=1+1" in [line["課・係の名称"] for _, line in read_sheet(data)]


def test_a_code_without_its_leading_zero_is_understood(w):
    city = body("municipality", "函館市", "012025")
    acts.Supervision.objects.create(superior=w.chiba.body, subordinate=city)
    rows = [(2, {"団体コード": "12025", "機関名": "", "課・係の名称": "課"})]
    (line,) = importing.compare(rows, by=w.chiba.seat, at=AT)
    assert (line.verdict, line.body) == ("add", "函館市")


# ---- April ------------------------------------------------------------------------------------

APRIL = datetime(2025, 4, 7, 9, 0, tzinfo=JST)


def ask(w) -> None:
    acts.ask_confirmation(2025, by=w.chiba.seat, at=APRIL)


def link_to(place) -> str:
    mail = OutboundMail.objects.filter(to=place.section.email).latest("pk")
    return re.search(r"(/confirm/[^/\s]+/)", mail.text)[1]


def test_every_section_is_asked_once_and_again_until_it_answers(w):
    assert acts.ask_confirmation(2025, by=w.chiba.seat, at=APRIL) == 3
    assert sorted(mail.to for mail in OutboundMail.objects.all()) == [
        "chiba@example.jp",
        "kashiwa@example.jp",
        "matsudo@example.jp",
    ]
    acts.answer_confirmation(AddressConfirmation.objects.get(section=w.kashiwa.section), way="link", at=APRIL)
    assert acts.ask_confirmation(2025, by=w.chiba.seat, at=APRIL + timedelta(days=7)) == 2
    newest = OutboundMail.objects.order_by("pk").last()
    assert (OutboundMail.objects.count(), "再依頼" in newest.subject) == (5, True)


@pytest.fixture
def april(monkeypatch):
    """The pages live in April 2025."""
    monkeypatch.setattr(timezone, "now", lambda: APRIL + timedelta(hours=3))


def test_one_click_on_the_link_answers_and_opening_it_does_not(w, client, april):
    ask(w)
    link = link_to(w.matsudo)
    assert client.get(link).status_code == 200
    assert AddressConfirmation.objects.get(section=w.matsudo.section).answered_at is None
    assert client.post(link, {"answer": "same"}).status_code == 302
    row = AddressConfirmation.objects.get(section=w.matsudo.section)
    assert (row.way, row.change_wanted) == ("link", "")
    assert Section.objects.get(pk=w.matsudo.section.pk).confirmed_fiscal_year == 2025


def test_what_changed_is_told_in_words_and_confirms_nothing_yet(w, client, april):
    ask(w)
    client.post(link_to(w.matsudo), {"answer": "changed", "change_wanted": "課の名称が変わりました"})
    row = AddressConfirmation.objects.get(section=w.matsudo.section)
    assert row.change_wanted == "課の名称が変わりました"
    assert Section.objects.get(pk=w.matsudo.section.pk).confirmed_fiscal_year is None
    page = browser(w.chiba).get(reverse("organisations:confirmations"))
    assert "課の名称が変わりました" in page.content.decode()


def test_a_changed_answer_needs_words(w, client, april):
    ask(w)
    page = client.post(link_to(w.matsudo), {"answer": "changed", "change_wanted": " "})
    assert "変わったところを書いてください" in page.content.decode()
    assert AddressConfirmation.objects.get(section=w.matsudo.section).answered_at is None


def test_a_bent_link_opens_nothing(w, client, april):
    ask(w)
    assert client.get(link_to(w.matsudo)[:-3] + "xx/").status_code == 410


def test_last_years_link_is_over(w, client, monkeypatch):
    ask(w)
    monkeypatch.setattr(timezone, "now", lambda: APRIL + timedelta(days=365))
    assert client.post(link_to(w.matsudo), {"answer": "same"}).status_code == 410
    assert AddressConfirmation.objects.get(section=w.matsudo.section).answered_at is None


def reply(w, text: str, sender: str = "matsudo@example.jp") -> InboundMail:
    sent = OutboundMail.objects.get(to="matsudo@example.jp")
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = sender, "kyoten@example.jp", f"Re: {sent.subject}"
    mail["In-Reply-To"] = sent.message_id
    mail.set_content(f"{text}\n")
    row = receive(bytes(mail), source="test", at=APRIL)
    read_new(APRIL)
    return row


def test_no_change_by_mail_counts(w):
    ask(w)
    mail = reply(w, "変更なし")
    assert acts.take_replies(APRIL) == 1
    mail.refresh_from_db()
    row = AddressConfirmation.objects.get(section=w.matsudo.section)
    assert (row.way, row.change_wanted, mail.state) == ("mail", "", "taken")
    assert Section.objects.get(pk=w.matsudo.section.pk).confirmed_fiscal_year == 2025


def test_a_stranger_cannot_answer_by_mail(w):
    ask(w)
    mail = reply(w, "変更なし", sender="someone@example.jp")
    acts.take_replies(APRIL)
    mail.refresh_from_db()
    assert mail.state == "attention"
    assert AddressConfirmation.objects.get(section=w.matsudo.section).answered_at is None


@pytest.mark.parametrize(
    ("text", "nothing"),
    [
        ("変更なし", True),
        ("お世話になっております。変更はございません。", True),
        ("変 更 な し", True),
        ("変更ありません\n松戸市", True),
        ("変更あり", False),
        ("メールは変更なし、電話番号が変わりました", False),
        ("課名を改称しました", False),
        ("承知しました", False),
    ],
)
def test_what_counts_as_no_change(text, nothing):
    assert acts.says_no_change(text) is nothing


# ---- 要修正 -----------------------------------------------------------------------------------


def bounce(to: str, failed_at: datetime) -> OutboundMail:
    count = OutboundMail.objects.count()
    return OutboundMail.objects.create(
        key=f"k{count}",
        token=f"t{count}",
        message_id=f"m{count}",
        to=to,
        subject="s",
        text="t",
        queued_at=failed_at,
        recorded_at=failed_at,
        next_attempt_at=failed_at,
        state="failed",
        failed_at=failed_at,
        last_reply="550 5.1.1 宛先不明",
    )


def test_a_bounced_address_is_to_mend_until_it_is_changed(w):
    now = timezone.now()
    bounce("Matsudo@example.jp", now - timedelta(hours=1))
    assert acts.take_bounces() == 1
    assert acts.take_bounces() == 0
    (row,) = Section.objects.to_mend()
    assert (row.pk, row.bounce_reason) == (w.matsudo.section.pk, "550 5.1.1 宛先不明")
    acts.update_section(row, values(row, email="atarashii@example.jp"), version=row.version, by=w.matsudo.seat, at=AT)
    assert list(Section.objects.to_mend()) == []
    bounce("atarashii@example.jp", now - timedelta(minutes=30))
    assert acts.take_bounces() == 0  # it failed before the address was mended
    bounce("atarashii@example.jp", timezone.now() + timedelta(seconds=1))
    assert acts.take_bounces() == 1


def test_an_address_that_is_right_after_all_is_confirmed_on_screen(w):
    bounce("matsudo@example.jp", timezone.now() - timedelta(hours=1))
    acts.take_bounces()
    acts.confirm_on_screen(w.matsudo.section, by=w.matsudo.seat, at=AT)
    assert (list(Section.objects.to_mend()), acts.take_bounces()) == ([], 0)
    assert Section.objects.get(pk=w.matsudo.section.pk).confirmed_fiscal_year == 2025

"""受信箱の振り分け: the piles, one click either way, the entry of a form, and who sees nothing of it."""

import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from kyoten.calls.models import Application
from kyoten.consultations.models import Consultation
from kyoten.organisations.models import Section
from kyoten.post import trouble
from kyoten.post.actions import receive
from kyoten.post.inbox import UNREADABLE, read_new
from kyoten.post.models import InboundMail, MailboxState
from kyoten.records.models import Event
from kyoten.web import rounds, todo
from tests.flows import desking, knowing, outlook
from tests.flows.calling import opened
from tests.flows.desking import SATURDAY
from tests.world import login

pytestmark = pytest.mark.django_db
FORM = {"subject": "伴走支援の申込について", "files": {"別紙2-②申込書.pdf": b"%PDF-1.4"}}


def arrive(text="照会です。", **more) -> InboundMail:
    mail = desking.mail(text, **more)
    rounds.sorted_mail(SATURDAY)
    mail.refresh_from_db()
    return mail


@pytest.fixture
def officer(world):
    return login(Client(), world.seat_secretariat)


def shown(client, pile: str) -> list[str]:
    page = client.get(reverse("sorting:list"), {"pile": pile}).context["page"]
    return [mail.subject for mail in page]


def post(client, route: str, mail: InboundMail, **data):
    return client.post(reverse(route, args=[mail.pk]), data)


def test_every_pile_shows_its_own(world, officer):
    opened(world)
    arrive(subject="質問")
    arrive(**FORM)
    arrive(subject="お知らせ", list_id="<news.example.jp>")
    assert [shown(officer, pile) for pile in ("desk", "call", "other", "unread")] == [
        ["質問"], ["伴走支援の申込について"], ["お知らせ"], []
    ]  # fmt: skip


def test_an_empty_pile_says_so(world, officer):
    page = officer.get(reverse("sorting:list"))
    assert "ここで確認を待つメールはありません" in page.content.decode()


def test_a_pile_that_does_not_exist_is_not_found(world, officer):
    assert officer.get(reverse("sorting:list"), {"pile": "x"}).status_code == 404


def test_another_pile_becomes_a_case_with_one_click(world, officer):
    mail = arrive(subject="お知らせ", list_id="<news.example.jp>")
    answer = post(officer, "sorting:change", mail, to="desk")
    case = Consultation.objects.get()
    mail.refresh_from_db()
    assert answer.headers["Location"] == reverse("consultations:case", args=[case.pk])
    assert (mail.sort, mail.state, mail.taken_id) == ("desk", "taken", case.pk)
    assert shown(officer, "other") == []


def test_a_case_goes_to_the_call_and_back_with_one_click_each(world, officer):
    mail = arrive(subject="質問")
    post(officer, "sorting:change", mail, to="call")
    assert (shown(officer, "call"), Consultation.objects.get().state) == (["質問"], "withdrawn")
    post(officer, "sorting:change", mail, to="desk")
    assert list(Consultation.objects.order_by("pk").values_list("state", flat=True)) == ["withdrawn", "received"]
    assert shown(officer, "desk") == ["質問"]


@pytest.mark.parametrize("to", ["", "x", "other"])
def test_nowhere_is_refused_and_nothing_changes(world, officer, to):
    mail = arrive(subject="お知らせ", list_id="<news.example.jp>")
    answer = officer.post(reverse("sorting:change", args=[mail.pk]), {"to": to}, follow=True)
    mail.refresh_from_db()
    assert "移す先を選んでください。" in answer.content.decode()
    assert (mail.sort, mail.state) == ("other", "attention")


def test_done_with_one_click(world, officer):
    mail = arrive(subject="お知らせ", list_id="<news.example.jp>")
    answer = post(officer, "sorting:settle", mail)
    mail.refresh_from_db()
    assert (answer.headers["Location"], mail.state) == (reverse("sorting:list") + "?pile=other", "taken")


def test_the_form_of_an_unplaced_mail_is_entered_for_its_applicant(world, officer):
    call = opened(world)
    mail = arrive(**FORM)
    page = officer.get(reverse("sorting:mail", args=[mail.pk])).content.decode()
    url = reverse("calls:proxy_from_unplaced", args=[call.slug, mail.pk])
    assert url in page
    assert "別紙2-②申込書.pdf" in officer.get(url).content.decode()
    officer.post(url, {"applicant": world.matsudo.pk, "file": 0})
    application = Application.objects.get()
    mail.refresh_from_db()
    assert (application.applicant_id, application.by_proxy) == (world.matsudo.pk, "secretariat")
    assert (mail.state, mail.taken_kind, mail.taken_id) == ("taken", "application", application.pk)
    assert officer.get(url).status_code == 404


@pytest.mark.parametrize(
    ("mail", "chosen"),
    [
        ({"sender": "zaitaku@matsudo.example.jp"}, "matsudo"),
        ({"subject": "伴走支援の申込（鎌ヶ谷市）"}, "kamagaya"),
        ({"text": "松戸市です。申込書を送ります。"}, "matsudo"),
        ({"text": "松戸市と鎌ケ谷市の共同です。"}, ""),
        ({}, ""),
    ],
)
def test_whose_form_it_seems_to_be_is_chosen_beforehand(world, officer, mail, chosen):
    call = opened(world)
    Section.objects.filter(organisation=world.matsudo).update(email="zaitaku@matsudo.example.jp")
    page = officer.get(
        reverse("calls:proxy_from_unplaced", args=[call.slug, arrive(**FORM | mail).pk])
    ).content.decode()
    picked = re.findall(r'<option value="(\d*)" selected', page)
    assert picked == [str(getattr(world, chosen).pk) if chosen else ""]


def test_files_come_as_downloads(world, officer):
    opened(world)
    mail = arrive(**FORM)
    answer = officer.get(reverse("sorting:file", args=[mail.pk, 1]))
    assert (b"".join(answer), answer["X-Content-Type-Options"]) == (b"%PDF-1.4", "nosniff")
    assert officer.get(reverse("sorting:file", args=[mail.pk, 2])).status_code == 404
    assert b"Subject:" in b"".join(officer.get(reverse("sorting:file", args=[mail.pk, 0])))


@pytest.mark.parametrize("seat", ["seat_chiba", "seat_matsudo", "seat_association"])
def test_who_runs_no_desk_sees_nothing(world, seat):
    mail = arrive(subject="お知らせ", list_id="<news.example.jp>")
    client = login(Client(), getattr(world, seat))
    assert client.get(reverse("sorting:list")).status_code == 404
    assert client.get(reverse("sorting:mail", args=[mail.pk])).status_code == 404
    assert post(client, "sorting:settle", mail).status_code == 404
    mail.refresh_from_db()
    assert mail.state == "attention"


BOX = "imap:desk@example.jp@imap.example.jp/INBOX"


@pytest.fixture
def mailbox(settings):
    """A mailbox in the settings that has been looked into: three mails there, one of them not here yet."""
    settings.MAILBOX = {"host": "imap.example.jp", "user": "desk@example.jp"}
    return MailboxState.objects.create(source=BOX, uidvalidity=7, on_server=3, waiting=1, fetched_at=SATURDAY)


def words_of(html):
    return " ".join(re.sub("<[^>]+>", " ", html).split())


def counts(officer):
    """The rows of the table as a reader has them, and what is said below them."""
    page = officer.get(reverse("sorting:list")).content.decode()
    _, _, table = page.partition("受信箱の件数の照合")
    table, _, below = table.partition("</table>")
    rows = re.findall(r"<tr><td>(.*?)</tr>", table, re.S)
    return [[words_of(cell) for cell in row.split("</td>")[:-1]] for row in rows], re.findall(
        '<p class="small">(.*?)</p>', below
    )


def test_the_counts_of_the_mailbox_are_reconciled(world, officer, mailbox):
    arrive(subject="お知らせ", list_id="<news.example.jp>")
    arrive(subject="質問")
    InboundMail.objects.update(source=BOX)
    when = counts(officer)[0][0][6]
    assert counts(officer) == ([[BOX, "取り込み中", "3", "2", "1", "1", when]], [])
    MailboxState.objects.update(waiting=0)
    same = "サーバーの1通は、保存済みのメールと同じもの、または取り込みの対象でないもの（開始日より前、保存期間が終わったもの）です。"
    assert counts(officer) == ([[BOX, "すべて保存済み", "3", "2", "0", "1", when]], [same])
    MailboxState.objects.update(on_server=2)
    assert counts(officer) == ([[BOX, "すべて保存済み", "2", "2", "0", "1", when]], [])
    MailboxState.objects.update(on_server=0)
    gone = "保存済みの2通は、サーバーではすでに削除または移動されています。"
    assert counts(officer) == ([[BOX, "すべて保存済み", "0", "2", "0", "1", when]], [gone])


def test_a_mailbox_with_trouble_says_what_to_do_and_stands_at_home(world, officer, mailbox):
    def told():
        page = officer.get(reverse("sorting:list")).content.decode()
        return [words_of(note) for note in re.findall(r'<div class="note stop".*?</div>', page)]

    assert (told(), list(todo.mails(todo.Desk(world.seat_secretariat, SATURDAY)))) == ([], [])
    MailboxState.objects.update(problem=f"{trouble.TOKEN_REFUSED}（NO）。", waiting=0, on_server=9)
    title = "受信箱のメールを取り込めません"
    assert told() == [
        f"{title} {trouble.TOKEN_REFUSED}（NO）。 メールはサーバーに残っており、直ると続きから取り込みます。"
    ]
    [[_, tag, *_]], below = counts(officer)
    assert (tag, below) == ("受信できません", [])
    [task] = todo.mails(todo.Desk(world.seat_secretariat, SATURDAY))
    assert (task.title, task.state[0], task.url) == (title, "受信できません", reverse("sorting:list"))
    assert list(todo.mails(todo.Desk(world.seat_chiba, SATURDAY))) == []


def test_a_mailbox_of_earlier_settings_is_no_trouble_and_without_mails_not_shown(world, officer, mailbox, settings):
    MailboxState.objects.update(problem="x")
    arrive(subject="質問")
    settings.MAILBOX = {"host": "imap2.example.jp", "user": "desk@example.jp"}
    assert counts(officer) == ([], [])
    assert list(todo.mails(todo.Desk(world.seat_secretariat, SATURDAY))) == []
    InboundMail.objects.update(source=BOX)
    rows, below = counts(officer)
    assert ([(row[0], row[1]) for row in rows], below) == ([(BOX, "いまは使っていません")], [])


def test_a_mail_that_could_not_be_read_becomes_a_case_that_says_so(world, officer):
    broken = receive(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", source="test", at=SATURDAY)
    read_new(SATURDAY)
    assert shown(officer, "unread") == [""]
    post(officer, "sorting:change", broken, to="desk")
    message = Consultation.objects.get().messages.get()
    assert (message.mail_id, message.warning, shown(officer, "unread")) == (broken.pk, UNREADABLE, [])


def handed_in(client, *files):
    return client.post(reverse("sorting:hand_in"), {"files": [SimpleUploadedFile(name, raw) for name, raw in files]})


def told(client) -> list[str]:
    return [str(message) for message in client.get(reverse("sorting:list")).context["messages"]]


def test_mails_saved_as_files_are_handed_in_and_counted_once(world, officer, clock):
    opened(world)
    clock(SATURDAY)
    question = desking.raw(subject="拠点整備・運用に関する照会")
    saved = outlook.message(subject="伴走支援の申込について", files=[("別紙2-②申込書.pdf", b"%PDF-1.4")])
    handed_in(officer, ("照会.EML", question), ("申込.msg", saved), ("もう一度.eml", question))
    assert told(officer) == [
        "メールのファイルを取り込みました。取込 2通（相談 1・申込 1・その他 0・自動応答・不達通知 0・返信 0）、重複 1通、要確認 0通"
    ]
    assert list(Consultation.objects.values_list("subject", flat=True)) == ["拠点整備・運用に関する照会"]
    assert shown(officer, "call") == ["伴走支援の申込について"]
    mail = InboundMail.objects.get(sort="call")
    assert [event.act for event in Event.objects.of("inbound_mail", mail.pk)] == ["hand_in"]
    handed_in(officer, ("照会.eml", question))
    assert (Consultation.objects.count(), InboundMail.objects.count()) == (1, 2)


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ([], "選んでください"),
        ([("様式.docx", b"PK")], "「様式.docx」はメールのファイルではありません"),
        ([("良い.eml", b"Subject: x\r\n\r\nx"), ("悪い.exe", b"MZ")], "「悪い.exe」は"),
        ([("大きい.eml", b"Subject: x\r\n\r\n" + b"x" * 1000)], "大きすぎます"),
    ],
)
def test_what_is_no_mail_or_too_large_is_refused_and_nothing_is_kept(officer, settings, files, words):
    settings.UPLOAD_LIMIT = 1000
    handed_in(officer, *files)
    assert words in told(officer)[0]
    assert InboundMail.objects.count() == 0


def test_what_a_hub_hands_in_is_the_hubs_whoever_it_was_sent_to(world, officer, clock):
    clock(SATURDAY)
    at = knowing.hub(world)
    hub = login(Client(), at.officer)
    handed_in(
        hub,
        ("照会.eml", desking.raw(subject="夜間の対応について")),
        ("広告.eml", desking.raw(subject="広告", List_Id="<sale.example.jp>")),
    )
    case = Consultation.objects.get()
    assert (case.operator, case.subject) == (at.officer.organisation, "夜間の対応について")
    assert (shown(hub, "other"), shown(officer, "other")) == (["広告"], [])


def test_what_waits_to_be_sorted_stands_at_home_and_in_the_menu_of_whose_desk_it_is(world):
    at = knowing.hub(world)
    clients = [login(Client(), seat) for seat in (at.officer, world.seat_secretariat, world.seat_matsudo)]
    listing = reverse("sorting:list")

    def badges():
        return [[item.badge for item in c.get("/").context["menu"] if item.url == listing] for c in clients]

    assert badges() == [[0], [0], []]
    arrive(subject="御案内", sender="a@example.jp", list_id="<news.example.jp>", to=at.desk.definition.contact.email)
    assert badges() == [[1], [0], []]
    assert ["要確認 1件" in c.get("/").content.decode() for c in clients] == [True, False, False]
    page = clients[0].get(listing)
    assert ([mail.subject for mail in page.context["page"]], page.context["tab"]) == (["御案内"], "other")

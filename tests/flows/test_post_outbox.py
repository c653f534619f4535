"""差し出し: what an act queues, once, to each recipient; nothing a person typed becomes a header or a command."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from email import message_from_bytes, policy

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given
from hypothesis import settings as tries
from hypothesis import strategies as st

from kyoten.post import mime
from kyoten.post.actions import BAD_ADDRESS, is_address, send
from kyoten.post.models import OutboundMail
from kyoten.post.parse import parse
from kyoten.post.worker import deliver_due
from kyoten.records.actions import store_file
from kyoten.records.models import Actor, Refused
from kyoten.rules.clock import JST
from tests.flows.smtp_server import Server

AT = datetime(2025, 7, 24, 16, 0, tzinfo=JST)
BY = Actor(7, "千葉 花子", "健康福祉政策課", "千葉県", 120006, 21)


def queue(*to, key="k", **given):
    options = {"subject": "照会", "text": "本文", "at": AT, "key": key, "by": BY, "section_id": 21}
    return send(to=to, **options | given)


def server_at(settings, port):
    settings.MAIL = {"sender": "kyoten@example.jp", "host": "127.0.0.1", "port": port, "security": "none"}


@pytest.mark.django_db
def test_one_row_per_recipient_in_the_order_given():
    file = store_file(b"x", "一.pdf", by=None, at=AT)
    mails = queue("b@example.jp", " a@example.jp ", "b@example.jp", about=("inquiry", 5), attachments=[file])
    assert [mail.to for mail in mails] == ["b@example.jp", "a@example.jp"]
    assert [mail.files for mail in mails] == [[file], [file]]
    assert [(mail.state, mail.queued_at, mail.about, mail.actor) for mail in mails] == [
        ("queued", AT, ("inquiry", 5), BY)
    ] * 2
    assert mails[0].from_name == "千葉県 健康福祉政策課"
    assert list(OutboundMail.objects.of("inquiry", 5)) == mails


@pytest.mark.django_db
def test_the_same_key_queues_nothing_twice():
    file = store_file(b"x", "一.pdf", by=None, at=AT)
    first = queue("a@example.jp", attachments=[file])
    again = queue("a@example.jp", "b@example.jp", attachments=[file], subject="別の件名")
    assert [mail.pk for mail in again][:1] == [mail.pk for mail in first]
    assert [(mail.to, mail.subject, mail.files) for mail in OutboundMail.objects.order_by("id")] == [
        ("a@example.jp", "照会", [file]),
        ("b@example.jp", "別の件名", [file]),
    ]


@pytest.mark.django_db
def test_a_message_id_depends_on_key_and_recipient_alone_and_cannot_be_guessed(settings):
    first, second = queue("a@example.jp", "b@example.jp")
    [third] = queue("a@example.jp", key="other")
    assert len({first.message_id, second.message_id, third.message_id}) == 3
    OutboundMail.objects.all().delete()
    assert queue("a@example.jp", subject="別")[0].message_id == first.message_id
    OutboundMail.objects.all().delete()
    settings.SECRET_KEY = "another"
    assert queue("a@example.jp")[0].message_id != first.message_id


@pytest.mark.django_db
def test_a_mail_of_a_refused_act_was_never_queued():
    with pytest.raises(Refused), transaction.atomic():
        queue("a@example.jp")
        raise Refused("締切を過ぎています。")
    assert OutboundMail.objects.count() == 0


@pytest.mark.parametrize(
    "address",
    [
        "",
        "a",
        "a@",
        "@example.jp",
        "a@example",
        "a b@example.jp",
        "a@example.jp\r\nRCPT TO:<b@example.jp>",
        "a@example.jp>\r\nDATA",
        "a@example.jp,b@example.jp",
        "<a@example.jp>",
        '"a b"@example.jp',
        "a@[127.0.0.1]",
        "a@-example.jp",
        "a..b@example.jp",
        "担当@example.jp",
        "a@例え.jp",
        "x" * 65 + "@example.jp",
        "a@" + "x" * 300 + ".jp",
        ".a@example.jp",
        "a.@example.jp",
    ],
)
@pytest.mark.django_db
def test_a_malformed_address_never_reaches_the_server_and_shows_at_the_section(address, settings):
    assert not is_address(address)
    bad, good = queue(address, "good@example.jp")
    assert (bad.state, bad.failed_at, bad.last_reply, bad.reason) == ("failed", AT, BAD_ADDRESS, BAD_ADDRESS)
    assert list(OutboundMail.objects.failed_for([21])) == [bad]
    with Server() as server:
        server_at(settings, server.port)
        deliver_due(AT)
    assert [to for to, _ in server.taken] == ["good@example.jp"]


@pytest.mark.parametrize(
    "address", ["a@example.jp", "a.b+c@city.matsudo.example.jp", "o'hara@example.jp", "A_B@ex-ample.jp"]
)
def test_ordinary_addresses(address):
    assert is_address(address)


HOSTILE = st.text(max_size=80) | st.sampled_from(
    [
        "a\r\nBcc: evil@example.jp",
        "a\n.\r\nQUIT",
        "=?utf-8?Q?a=0D=0ABcc:_b?=",
        "あ" * 200,
        '"',
        "<x@example.jp>",
        "a\u2028b",
    ]
)


@pytest.mark.django_db
@tries(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(subject=HOSTILE, name=HOSTILE, text=HOSTILE)
def test_nothing_typed_becomes_a_header(subject, name, text):
    with transaction.atomic():
        [mail] = queue("a@example.jp", subject=subject, from_name=f"名{name}", text=text)
        raw = mime.build(mail)
        transaction.set_rollback(True)
    assert b"\n" not in raw.replace(b"\r\n", b"")
    assert max(map(len, raw.split(b"\r\n"))) <= 100
    read = message_from_bytes(raw)
    expected = ["From", "To", "Reply-To", "Subject", "Date", "Message-ID", "Content-Type", "Content-Transfer-Encoding"]
    assert sorted(read.keys()) == sorted([*expected, "MIME-Version"])
    assert (read["To"], read["Message-ID"]) == ("a@example.jp", mail.message_id)
    parsed = parse(raw)
    assert (parsed.sender, parsed.subject) == ("kyoten@example.jp", mail.subject)
    assert parsed.sender_name == f"{mail.from_name}（Kyoten経由）"


@pytest.mark.django_db
@pytest.mark.parametrize(
    "subject",
    [
        "照会",
        "令和7年度在宅医療における伴走支援に係る公募について（照会）　別紙2-②の提出" * 3,
        "㈱髙﨑①𠮷",
        "Re: plain",
        " a  b ",
    ],
)
def test_a_japanese_subject_arrives_as_it_was_written(subject):
    [mail] = queue("a@example.jp", subject=subject)
    raw = mime.build(mail)
    assert parse(raw).subject == message_from_bytes(raw, policy=policy.default)["Subject"] == subject.strip()


@pytest.mark.django_db
def test_answers_and_bounces_come_back_to_the_mailbox(settings):
    [mail] = queue("a@example.jp")
    assert mime.reply_address(mail) == settings.MAIL["sender"]
    settings.MAILBOX = {"user": "uketsuke@example.jp"}
    assert mime.reply_address(mail) == "uketsuke@example.jp"
    settings.MAILBOX = {"user": "imapuser", "address": "uketsuke@example.jp", "plus": True}
    assert mime.reply_address(mail) == f"uketsuke+{mail.token}@example.jp"


@pytest.mark.django_db(transaction=True)
def test_several_workers_at_once_send_each_mail_once(settings):
    mails = queue(*[f"p{n}@example.jp" for n in range(40)])

    def work(_):
        try:
            return deliver_due(AT).sent
        finally:
            connection.close()

    with Server() as server:
        server_at(settings, server.port)
        with ThreadPoolExecutor(4) as pool:
            counts = list(pool.map(work, range(4)))
    assert sum(counts) == 40
    assert sorted(to for to, _ in server.taken) == sorted(mail.to for mail in mails)
    assert list(OutboundMail.objects.exclude(state="sent")) == []


@pytest.mark.django_db(transaction=True)
def test_a_database_that_restarts_while_the_server_is_spoken_to_costs_no_second_copy(settings, caplog):
    [mail] = queue("a@example.jp")

    def script(step, argument):
        if step == "DOT" and connection.vendor == "postgresql":
            others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
            with connection.cursor() as cursor:
                cursor.execute(f"{others} AND datname = current_database()")
        connection.close()

    with Server(script) as server:
        server_at(settings, server.port)
        assert deliver_due(AT).sent == 1
    mail.refresh_from_db()
    assert (mail.state, mail.attempts, mail.possibly_twice, len(server.taken)) == ("sent", 1, False, 1)

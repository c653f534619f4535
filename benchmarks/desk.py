"""A desk with 100,000 consultations of about 360 characters, most of them answered, and mails that come in.

Written to the tables in bulk, with the messages, marks and search entries the acts would have left; the pages, the
search and the taking in of mails that are measured are the real ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from random import Random

from django.db import transaction

from kyoten.consultations.desks import Desk, desk_of, desks
from kyoten.consultations.models import Consultation, Mark, Message, Sequence, ids_text
from kyoten.organisations.models import Seat
from kyoten.rules.clock import JST
from kyoten.web import demo, world

SLUG = "r7-zaitaku"
OPEN = 300  # cases still under way
BATCH = 1000
LENGTH = 360  # characters of a question
FIRST = datetime(2025, 6, 27, 9, 0, tzinfo=JST)
NOW = datetime(2026, 2, 20, 10, 0, tzinfo=JST)
SENTENCES = (
    "地域の多職種連携会議で取り上げる議題の例を教えてください。",
    "訪問看護ステーションと居宅介護支援事業所の情報共有を、どのような様式で行っているか知りたいです。",
    "市の医師会から、夜間の対応を輪番にする案が出ています。",
    "退院前の話合いに薬局や歯科にも加わってもらいたいと考えています。",
    "参加できる日が合わず、年に二回しか開けていません。",
    "圏域の中に町が三つあり、事務の担い手が決まっていません。",
    "資源の一覧を作りましたが、更新の仕組みがありません。",
    "住民向けの講演会に来る方が毎年同じ顔ぶれになっています。",
    "災害のときに電源を必要とする方の把握を、だれが行うのがよいか迷っています。",
    "他の地域でうまくいっている進め方があれば知りたいです。",
    "ガイドブックの該当する箇所も合わせて教えてください。",
    "障害福祉の相談支援専門員との接点がまだありません。",
    "研修の講師を探しています。",
    "費用をどの事業で賄っているかも参考にしたいです。",
)
RARE = (("看取りの方針を本人や家族と話し合う場について、例はあるでしょうか。", 0.05),
        ("往診を頼める診療所が少なく、偏りがあります。", 0.08))  # fmt: skip
TOWNS = ("青葉市", "緑川町", "南原村", "東山市", "白浜町", "高岡市", "松原市", "川辺町", "北野市", "朝日村")

Say = Callable[[str], None]


def build(count: int, say: Say) -> Desk:
    say("デモの世界をつくっています")
    demo.reset()
    demo.set_clock(NOW)
    desk = desk_of(SLUG, desks())
    assert desk is not None
    say(f"相談{count:,}件をつくっています")
    officer = world.seat_of("jimukyoku")
    chance = Random(5)
    for start in range(0, count, BATCH):
        with transaction.atomic():
            _store(desk, officer, range(start, min(start + BATCH, count)), count, chance)
    Sequence.objects.update_or_create(programme=SLUG, defaults={"last": count})
    return desk


def _store(desk: Desk, officer: Seat, numbers: range, count: int, chance: Random) -> None:
    cases = Consultation.objects.bulk_create(_case(desk, officer, n, count, chance) for n in numbers)
    Message.objects.bulk_create(message for case in cases for message in _messages(case))
    subjects = [item.id for item in desk.rules.subjects]
    Mark.objects.bulk_create(
        Mark(consultation=case, kind="subject", value=value)
        for case in cases
        for value in chance.sample(subjects, chance.choice((1, 1, 2)))
    )


def _case(desk: Desk, officer: Seat, n: int, count: int, chance: Random) -> Consultation:
    at = FIRST + (NOW - FIRST) * n / count
    unfinished = n >= count - OPEN
    town = chance.choice(TOWNS)
    return Consultation(
        programme=SLUG,
        operator=desk.operator,
        section_id=officer.section_id,
        fiscal_year=2025,
        number=f"R7-{n + 1:04d}",
        state=chance.choice(("received", "assigned", "drafted")) if unfinished else "closed",
        way=chance.choice(("mail", "mail", "mail", "phone")),
        received_at=at,
        clock_at=at,
        due=at + timedelta(days=3),
        latest_at=at + timedelta(days=2),
        subject=f"{town}の{chance.choice(('会議', '研修', '情報共有', '資源の把握', '急変時の体制'))}について",
        text=text(chance),
        body_name=town,
        person_name="担当者",
        email=f"tantou{n % 5000}@example.jp",
        asker=chance.choice(("municipality", "prefecture", "hub", "association")),
        purpose_text=desk.rules.purpose.text,
        purposes_text=ids_text(use.id for use in desk.rules.purpose.uses),
        owner=officer if chance.random() < 0.5 or not unfinished else None,
        answered_at=None if unfinished else at + timedelta(days=2),
        first_answered_at=None if unfinished else at + timedelta(days=2),
        closed_at=None if unfinished else at + timedelta(days=2),
    )


def text(chance: Random) -> str:
    """A question of about LENGTH characters."""
    said = [sentence for sentence, share in RARE if chance.random() < share]
    while sum(map(len, said)) < LENGTH:
        said.append(chance.choice(SENTENCES))
    chance.shuffle(said)
    return "".join(said)


def _messages(case: Consultation) -> Iterator[Message]:
    shared = {"consultation": case, "way": case.way, "who": case.body_name, "subject": case.subject}
    yield Message(kind="in", at=case.received_at, text=case.text, **shared)
    if case.answered_at:
        yield Message(kind="out", at=case.answered_at, text="お問い合わせの件、次の例があります。", **shared)


def mails(count: int) -> Iterator[bytes]:
    """Raw messages by the official template, each from somebody else."""
    chance = Random(7)
    for n in range(count):
        town = chance.choice(TOWNS)
        lines = [
            f"From: tantou{n}@example.jp", "To: zaitaku@example.jp", f"Message-ID: <bench{n}@example.jp>",
            "Subject: =?utf-8?B?5oug54K55pW05YKZ44O76YGL55So44Gr6Zai44GZ44KL54Wn5Lya?=",
            "MIME-Version: 1.0", "Content-Type: text/plain; charset=utf-8", "Content-Transfer-Encoding: 8bit", "",
            f"1) 自治体・機関名：{town}", "2) 氏名：担当者", f"3) 連絡先（TEL／メールアドレス）：tantou{n}@example.jp",
            f"4) 照会内容（具体的に）：{text(chance)}", "",
        ]  # fmt: skip
        yield "\r\n".join(lines).encode()

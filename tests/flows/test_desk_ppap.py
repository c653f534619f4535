"""PPAP: a locked zip and the mail with its password stand in one case, with a warning, and stay locked."""

from datetime import timedelta

import pytest

from kyoten.consultations.models import Consultation, Message
from kyoten.post.locked import PAIR, WARNING
from kyoten.post.models import InboundMail
from kyoten.web import rounds
from tests.flows import desking
from tests.flows.desking import SATURDAY

pytestmark = pytest.mark.django_db
PASSWORD = {"text": "添付ファイルのパスワードは abc123 です。", "subject": "【パスワード通知】照会の件"}


def zipped(*, locked: bool) -> bytes:
    """A stored entry of one byte; locked only by its flag, which is all that is looked at."""
    import io
    import zipfile

    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("資料.xlsx", "x")
    data = bytearray(out.getvalue())
    if locked:
        data[6] |= 1
        data[data.index(b"PK\x01\x02") + 8] |= 1
    return bytes(data)


def arrive(text="照会です。", *, at=SATURDAY, **more):
    mail = desking.mail(text, at=at, **more)
    rounds.sorted_mail(at)
    return mail


def warnings() -> list[str]:
    return list(Message.objects.order_by("pk").values_list("warning", flat=True))


def test_the_password_joins_the_locked_file(world):
    arrive(files={"資料.zip": zipped(locked=True)})
    assert (warnings(), InboundMail.objects.get().locked) == ([WARNING], True)
    arrive(**PASSWORD, at=SATURDAY + timedelta(minutes=5))
    assert (Consultation.objects.count(), warnings()) == (1, [PAIR, PAIR])


def test_the_locked_file_joins_its_password(world):
    arrive(**PASSWORD)
    arrive(files={"資料.zip": zipped(locked=True)}, at=SATURDAY + timedelta(minutes=5))
    assert (Consultation.objects.count(), warnings()) == (1, [PAIR, PAIR])


@pytest.mark.parametrize("first", ["file", "password"])
@pytest.mark.parametrize(("after", "cases"), [(timedelta(hours=24), 2), (timedelta(hours=24, microseconds=1), 3)])
def test_a_pair_in_one_batch_with_another_that_only_speaks_of_a_password(world, first, after, cases):
    pair = [{"files": {"資料.zip": zipped(locked=True)}}, PASSWORD]
    for n, more in enumerate(pair if first == "file" else reversed(pair)):
        desking.mail(**more, at=SATURDAY + n * after)
    desking.mail("ログインのパスワードを忘れました。", sender="z@example.jp", at=SATURDAY)
    rounds.sorted_mail(SATURDAY)
    assert (Consultation.objects.count(), warnings().count(PAIR)) == (cases, 2 * (cases == 2))


@pytest.mark.parametrize("first", ["file", "password"])
def test_a_gateway_tells_the_password_from_its_own_address(world, first):
    pair = [{"files": {"資料.zip": zipped(locked=True)}}, PASSWORD | {"sender": "noreply@matsudo.example.jp"}]
    for n, more in enumerate(pair if first == "file" else reversed(pair)):
        arrive(**more, at=SATURDAY + timedelta(minutes=n))
    assert (Consultation.objects.count(), warnings()) == (1, [PAIR, PAIR])


@pytest.mark.parametrize(
    "text", ["PW: a1b2", "ＰＡＳＳＷＯＲＤは a1b2 です", "展開用のキーは a1b2 です", "暗証番号 a1b2"]
)
def test_a_password_by_another_word(world, text):
    arrive(files={"資料.zip": zipped(locked=True)})
    arrive(text, subject="Re: 資料")
    assert (Consultation.objects.count(), warnings()) == (1, [PAIR, PAIR])


@pytest.mark.parametrize("domain", ["city.example.jp", "gmail.com"])
def test_of_two_who_sent_locked_files_no_gateway_is_believed_and_of_everybodys_domain_none(world, domain):
    arrive(files={"資料.zip": zipped(locked=True)}, sender=f"a@{domain}")
    if domain != "gmail.com":
        arrive("二つめです。", files={"資料2.zip": zipped(locked=True)}, sender=f"b@{domain}")
    before = Consultation.objects.count()
    arrive(**PASSWORD, sender=f"noreply@{domain}")
    assert Consultation.objects.count() == before + 1


@pytest.mark.parametrize(
    "more",
    [
        {"sender": "b@other.example.jp"},
        {"sender": "b@matsudo.example.jp", "at": SATURDAY + timedelta(minutes=11)},
        {"at": SATURDAY + timedelta(hours=25)},
        {"files": {"別の資料.pdf": b"x"}},
    ],
    ids=["another sender", "a colleague later", "the day after", "with a file of its own"],
)
def test_what_is_no_password_of_it_is_a_case_of_its_own(world, more):
    arrive(files={"資料.zip": zipped(locked=True)})
    arrive(**(PASSWORD | more))
    assert (Consultation.objects.count(), warnings()) == (2, [WARNING, ""])


def test_an_open_zip_is_nothing_to_warn_of(world):
    arrive(files={"資料.zip": zipped(locked=False)})
    arrive(**PASSWORD)
    assert (Consultation.objects.count(), warnings()) == (2, ["", ""])

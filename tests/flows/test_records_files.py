"""Files: kept whole or not at all, the same bytes once, and handed out as downloads no browser will run."""

import errno
import os
from datetime import datetime
from email.message import Message

import pytest

from kyoten.records import files
from kyoten.records.actions import attach, store_file
from kyoten.records.models import Actor, Attachment, Refused
from kyoten.records.names import clean_file_name
from kyoten.records.views import download
from kyoten.rules.clock import JST

AT = datetime(2025, 7, 24, 16, 0, tzinfo=JST)
BY = Actor(7, "山下 結衣", "地域医療課", "松戸市", 122076, 31)


def kept(folder):
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


@pytest.mark.django_db
def test_a_file_is_kept_under_the_hash_of_its_bytes(settings):
    file = store_file(b"%PDF-1.7", "申込書.pdf", by=BY, at=AT, kind="application", record_id=5, label="original")
    assert file.sha256 == "86edbaa24831badfa0a8b04bb410141e2ee4182b6d0014493fe262a7a331c20b"
    assert file.path == settings.FILES / file.sha256[:2] / file.sha256[2:4] / file.sha256
    assert (file.read(), file.size, file.content_type) == (b"%PDF-1.7", 8, "application/pdf")
    assert list(Attachment.objects.of("application", 5, "original")) == [file]
    assert list(Attachment.objects.of("application", 5, "opinion")) == []


@pytest.mark.django_db
def test_the_same_bytes_lie_there_once(settings):
    first = store_file(b"same", "一.pdf", by=BY, at=AT)
    second = store_file(b"same", "二.pdf", by=None, at=AT)
    assert kept(settings.FILES) == [first.sha256]
    assert (first.name, second.name, second.sha256) == ("一.pdf", "二.pdf", first.sha256)


@pytest.mark.django_db
def test_a_half_written_file_of_an_earlier_crash_is_replaced(settings):
    target = files.path_of(store_file(b"whole", "一.pdf", by=BY, at=AT).sha256)
    target.write_bytes(b"wh")
    assert store_file(b"whole", "一.pdf", by=BY, at=AT).read() == b"whole"


@pytest.mark.django_db
@pytest.mark.parametrize("step", ["write", "fsync", "replace"])
def test_a_full_disk_refuses_with_a_sentence_and_leaves_nothing(settings, monkeypatch, step):
    def full(*args, **kwargs):
        raise OSError(errno.ENOSPC, "No space left on device")

    if step == "write":
        settings.FILES = "/dev/full"
    else:
        settings.FILES.mkdir()
        (settings.FILES / "e3").mkdir()
        monkeypatch.setattr(os, step, full)
    with pytest.raises(Refused, match="ファイルを保存できませんでした"):
        store_file(b"data", "一.pdf", by=BY, at=AT)
    monkeypatch.undo()
    assert Attachment.objects.count() == 0
    assert step == "write" or kept(settings.FILES) == []


@pytest.mark.django_db
def test_a_file_can_be_given_to_a_record_later_and_to_a_second_one():
    file = store_file(b"data", "一.pdf", by=BY, at=AT)
    assert attach(file, kind="application", record_id=5).pk == file.pk
    first_id = file.pk
    second = attach(file, kind="inquiry", record_id=9, label="reply")
    assert second.pk != first_id
    assert [f.pk for f in Attachment.objects.of("application", 5)] == [first_id]
    assert [f.sha256 for f in Attachment.objects.of("inquiry", 9)] == [second.sha256]


@pytest.mark.parametrize(
    "given, cleaned",
    [
        ("申込書.docx", "申込書.docx"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\a\\申込書.docx", "申込書.docx"),
        ("申込書\u202excod.exe", "申込書xcod.exe"),
        ("a\r\nSet-Cookie: b.pdf", "aSet-Cookie_ b.pdf"),
        ("a\0b.pdf", "ab.pdf"),
        ("CON.pdf", "_CON.pdf"),
        ("nul", "_nul"),
        ("console.pdf", "console.pdf"),
        ('a<b>:"|?*.pdf', "a_b______.pdf"),
        (" . ", "名称なし"),
        ("", "名称なし"),
        ("..", "名称なし"),
        ("髙﨑①.xlsx", "髙﨑①.xlsx"),
        ("\ud800.pdf", "�.pdf"),
    ],
)
def test_file_names_are_cleaned(given, cleaned):
    assert clean_file_name(given) == cleaned


def test_long_names_keep_their_extension_and_whole_characters():
    name = clean_file_name("在宅医療" * 100 + ".docx")
    assert name == ("在宅医療" * 100)[:83] + ".docx"
    assert len(clean_file_name("a." + "b" * 400).encode()) == 255


@pytest.mark.django_db
@pytest.mark.parametrize(
    "name, content_type",
    [
        ("申込書.pdf", "application/pdf"),
        ("表.XLSX", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        ("様式.docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
        ("罠.html", "application/octet-stream"),
        ("罠.svg", "application/octet-stream"),
        ("罠", "application/octet-stream"),
    ],
)
def test_a_download_is_never_opened_by_the_browser(name, content_type):
    response = download(store_file(b"<script>alert(1)</script>", name, by=BY, at=AT))
    assert b"".join(response.streaming_content) == b"<script>alert(1)</script>"
    assert response["Content-Type"] == content_type
    assert response["Content-Length"] == "25"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert response["Cache-Control"] == "private, no-store"
    disposition = Message()
    disposition["Content-Disposition"] = response["Content-Disposition"]
    assert disposition.get_content_disposition() == "attachment"
    response.close()


@pytest.mark.django_db
def test_the_name_of_a_download_is_given_in_japanese_and_in_ascii():
    response = download(store_file(b"x", '申込書 100%"案".pdf', by=BY, at=AT))
    assert response["Content-Disposition"] == (
        "attachment; filename=\"___ 100____.pdf\"; filename*=UTF-8''%E7%94%B3%E8%BE%BC%E6%9B%B8%20100%25_%E6%A1%88_.pdf"
    )
    response.close()


@pytest.mark.django_db
def test_a_lost_file_is_a_sentence_not_a_stack_trace():
    file = store_file(b"x", "一.pdf", by=BY, at=AT)
    file.path.unlink()
    response = download(file)
    assert response.status_code == 500
    assert response.content.decode() == "ファイルが保管場所に見つかりません。システムの管理者に連絡してください。"

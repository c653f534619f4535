"""Mails saved by Outlook: read like any other, and broken ones refused without harm."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kyoten.post.parse import parse
from tests.flows import outlook


def test_the_words_and_files_of_a_saved_mail():
    parsed = parse(outlook.message(files=[("別紙２①.docx", b"x" * 70), ("大きい.pdf", b"y" * 5000)]))
    assert (parsed.sender, parsed.sender_name) == ("chiiki@matsudo.example.jp", "山下 結衣")
    assert (parsed.subject, parsed.text) == ("拠点整備・運用に関する照会", "照会です。")
    assert parsed.message_id == "<outlook-1@example.jp>"
    assert [(file.name, file.data) for file in parsed.enclosed] == [
        ("別紙２①.docx", b"x" * 70), ("大きい.pdf", b"y" * 5000),
    ]  # fmt: skip


def test_the_headers_of_the_mail_servers_count():
    headers = (
        "From: =?utf-8?B?5p2+5oi4?= <a@example.jp>\r\nMessage-ID: <real@example.jp>\r\nAuto-Submitted: auto-replied"
    )
    parsed = parse(outlook.message(headers=headers))
    assert (parsed.sender, parsed.sender_name, parsed.message_id, parsed.machine) == (
        "a@example.jp", "松戸", "<real@example.jp>", "auto"
    )  # fmt: skip


def test_a_mail_enclosed_in_a_saved_mail_is_kept_as_text():
    inner = dict([outlook.text("0037", "元の件名"), outlook.text("1000", "元の本文")])
    raw = outlook.compound({"__attach_version1.0_#00000000": {"__substg1.0_3701000D": inner}})
    [file] = parse(raw).enclosed
    assert (file.name, "元の本文" in file.data.decode()) == ("元の件名.txt", True)


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 3000), st.binary(min_size=1, max_size=8))
def test_a_damaged_file_is_read_or_refused(at, damage):
    raw = bytearray(outlook.message(files=[("a.pdf", b"y" * 5000)]))
    raw[at : at + len(damage)] = damage
    try:
        parse(bytes(raw))
    except ValueError:
        return


@pytest.mark.parametrize("length", [8, 100, 512, 600, 2000])
def test_a_file_cut_short_is_refused(length):
    with pytest.raises(ValueError):
        parse(outlook.message()[:length])

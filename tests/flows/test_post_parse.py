"""Reading mail as it really comes: Japanese charsets, hostile headers, quoted answers."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kyoten.post.charsets import decode, decode_header
from kyoten.post.msg import is_msg
from kyoten.post.parse import parse
from kyoten.post.quoting import reply_text


def jis(text):
    """ISO-2022-JP as Windows mailers write it: rows Python's own codec does not know, by way of Shift_JIS."""
    out = b""
    for char in text:
        data = char.encode("cp932")
        if len(data) == 1:
            out += b"\x1b(I" + bytes([data[0] & 0x7F]) if data[0] > 0x7F else b"\x1b(B" + data
        else:
            row = (data[0] - (0x81 if data[0] < 0xA0 else 0xC1)) * 2 + (data[1] >= 0x9F)
            cell = data[1] - (0x9F if row % 2 else 0x40 + (data[1] > 0x7F))
            out += b"\x1b$B" + bytes([row + 0x21, cell + 0x21])
    return out + b"\x1b(B"


@pytest.mark.parametrize("text", ["在宅医療の連携", "①㈱～髙﨑", "ｱｲｳ半角", "ABC 123 混在", ""])
def test_iso_2022_jp_with_the_characters_of_windows(text):
    assert decode(jis(text), "ISO-2022-JP") == text
    assert decode(jis(text), "") == text


@pytest.mark.parametrize(
    "label", ["Shift_JIS", "x-sjis", "windows-31j", "us-ascii", "", "x-nonsense", "utf-8", "zlib", "hex"]
)
def test_shift_jis_whatever_it_is_called(label):
    assert decode("①㈱髙﨑 在宅医療の連携".encode("cp932"), label) == "①㈱髙﨑 在宅医療の連携"


@pytest.mark.parametrize("label", ["EUC-JP", "cp51932", "", "utf-8", "us-ascii"])
def test_euc_jp(label):
    text = "在宅医療の連携について、次のとおり回答します。"
    assert decode(text.encode("euc_jp"), label) == text


@pytest.mark.parametrize("label", ["utf-8", "UTF-8*ja", "shift_jis_x", "", "us-ascii", '"utf-8"'])
def test_utf_8(label):
    assert decode("髙﨑𠮷の①".encode(), label) == "髙﨑𠮷の①"


@settings(max_examples=200, deadline=None)
@given(
    st.binary(max_size=60),
    st.sampled_from(["", "utf-8", "iso-2022-jp", "shift_jis", "euc-jp", "utf-7", "idna", "rot13"]),
)
def test_no_bytes_are_refused(data, charset):
    text = decode(b"\x1b$B" + data if len(data) % 2 else data, charset)
    text.encode("utf-8")
    assert "\0" not in text


@pytest.mark.parametrize(
    "header, text",
    [
        ("=?UTF-8?B?54Wn5Lya?=", "照会"),
        ("=?utf-8?Q?=E7=85=A7=E4=BC=9A?=", "照会"),
        ("Re: =?UTF-8?B?54Wn?= =?UTF-8?B?5Lya?=", "Re: 照会"),
        ("=?UTF-8?B?54U=?=\r\n =?UTF-8?B?p+S8mg==?=", "照会"),  # cut inside a character
        ("=?ISO-2022-JP?B?GyRCPkgycRsoQg==?=", "照会"),
        ("=?nonsense?B?54Wn5Lya?=", "照会"),
        ("=?utf-8?B?a=?=", "a="),
        ("=?utf-8?Q?a=0D=0ABcc:_b@c?=", "a Bcc: b@c"),  # a line end in an encoded word stays inside its header
        ("plain", "plain"),
        ("", ""),
    ],
)
def test_headers(header, text):
    assert decode_header(header) == text


def mail(*headers, text="本文"):
    return parse("\r\n".join([*headers, "", text]).encode())


@pytest.mark.parametrize(
    "value, sender, name",
    [
        ("a@city.example.jp", "a@city.example.jp", ""),
        ("<a@city.example.jp>", "a@city.example.jp", ""),
        ('"松戸市 担当" <a@city.example.jp>', "a@city.example.jp", "松戸市 担当"),
        ("=?UTF-8?B?5p2+5oi45biC?= <a@city.example.jp>", "a@city.example.jp", "松戸市"),
        ("a@city.example.jp (Tantou)", "a@city.example.jp", "Tantou"),
        ("a:b:;;", "", "a:b:;;"),
        ("alice@example.jp)bob@evil.example", "", "alice@example.jp)bob@evil.example"),
        ("alice@example.jp <bob@evil.example>", "bob@evil.example", "alice@example.jp"),
        ('"alice@example.jp" <bob@evil.example>', "bob@evil.example", "alice@example.jp"),
        ("alice@example.jp, x <bob@evil.example>", "alice@example.jp", ""),
        ("a@example.jp, b@example.jp", "a@example.jp", ""),
        ("松戸市 <a@example.jp>, 柏市 <b@example.jp>", "a@example.jp", "松戸市"),
        ("Pete(A \\) chap) <pete(his account)@silly.example(his host)>", "pete@silly.example", "Pete"),
        ("事務局 <窓口@例え.example>", "窓口@例え.example", "事務局"),
        ("MAILER DAEMON <>", "", "MAILER DAEMON <>"),
        ("=?utf-8?Q?a=40example.jp=2C?= <b@example.jp>", "b@example.jp", "a@example.jp,"),
        ("", "", ""),
    ],
)
def test_the_sender_is_the_address_in_brackets_or_the_first_and_none_where_it_stays_unclear(value, sender, name):
    parsed = mail(f"From: {value}")
    assert (parsed.sender, parsed.sender_name) == (sender, name)


def test_html_alone_becomes_its_words():
    html = "<style>p{}</style><p>該当&nbsp;なし<br>です</p><script>alert(1)</script><p>以上</p>"
    assert mail("Content-Type: text/html; charset=utf-8", text=html).text == "該当 なし\nです\n\n以上"


def test_endless_nesting_ends():
    text = "".join(f"Content-Type: multipart/mixed; boundary=b{n}\r\n\r\n--b{n}\r\n" for n in range(200))
    assert parse(text.encode() + b"Content-Type: text/plain\r\n\r\nend").text == ""


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=300))
def test_no_bytes_make_the_reader_fail(data):
    head = b"From: a\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: "
    if not is_msg(data):  # a broken one of these is refused (test_post_msg)
        parse(data)
    parse(head + data + b"\r\n--b--")


@pytest.mark.parametrize(
    "text, reply",
    [
        ("該当なしです。\n\n> 回答してください\n> --", "該当なしです。"),
        ("該当なしです。\n\n-----Original Message-----\nFrom: a\n> x", "該当なしです。"),
        ("該当なしです。\n\n-----元のメッセージ-----\n差出人: a", "該当なしです。"),
        (
            "該当なしです。\n________________________________\n差出人: 千葉県\n送信日時: 7月1日\n宛先: a\n本文",
            "該当なしです。",
        ),
        ("該当なしです。\nFrom: 千葉県\nSent: today\nTo: a\n本文", "該当なしです。"),
        ("該当なしです。\n\n2025年7月24日(木) 16:00 千葉県 <a@b>:\n\n> 回答して", "該当なしです。"),
        ("該当なしです。\nOn Thu, 24 Jul 2025 at 16:00, 千葉県 <a@b> wrote:\n> 回答して", "該当なしです。"),
        ("> 申込の有無は\n申込します。\n> 締切は\n了解です。", "申込します。\n了解です。"),
        ("次のとおり:\n該当なし", "次のとおり:\n該当なし"),
        ("2025年7月24日 10時から説明会:\n参加します", "2025年7月24日 10時から説明会:\n参加します"),
        ("宛先: の欄に記入しました", "宛先: の欄に記入しました"),
        ("該当なし\n\n--\n管理番号 abcdefghijklmnopqrstuvwx（返信", "該当なし"),
        ("> すべて引用", ""),
        ("", ""),
    ],
)
def test_what_was_written_without_what_was_quoted(text, reply):
    assert reply_text(text) == reply

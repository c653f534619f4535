"""Mail of Japanese offices as it really comes: labels that lie, names cut inside a character, broken headers."""

import hashlib

import pytest

from kyoten.post.parse import parse
from tests.flows.test_post_parse import jis

NAME = "別紙２_申込書①（髙﨑市）.docx"


def read(*headers: str, body: bytes = b"", **more: str):
    head = "\r\n".join([*headers, *(f"{name.replace('_', '-')}: {value}" for name, value in more.items())])
    return parse(head.encode("utf-8", "surrogateescape") + b"\r\n\r\n" + body)


@pytest.mark.parametrize(
    "label, data",
    [
        ("ISO-2022-JP", jis("①㈱髙﨑の件　ｱｲｳ")),
        ("ISO-2022-JP", "①㈱髙﨑の件　ｱｲｳ".encode("cp932")),  # a JIS label over Shift_JIS bytes
        ("ISO-2022-JP", "①㈱髙﨑の件　ｱｲｳ".encode()),
        ("ISO-2022-JP", jis("①㈱髙﨑の件　") + b"\x0e123\x0f"),  # kana between shift-out and shift-in
        ("windows-31j", "①㈱髙﨑の件　ｱｲｳ".encode("cp932")),
        ("x-sjis", "①㈱髙﨑の件　ｱｲｳ".encode("cp932")),
        ("cp932", "①㈱髙﨑の件　ｱｲｳ".encode()),
        ("Shift_JIS", jis("①㈱髙﨑の件　ｱｲｳ")),
        ("utf-8", jis("①㈱髙﨑の件　ｱｲｳ")),
        ("utf-8", "①㈱髙﨑の件　ｱｲｳ".encode("cp932")),
        ("", "①㈱髙﨑の件　ｱｲｳ".encode()),
    ],
)
def test_a_text_is_read_whatever_its_label_says(label, data):
    header = f"Content-Type: text/plain; charset={label}" if label else "X: y"
    assert read("From: a@example.jp", header, body=data).text == "①㈱髙﨑の件　ｱｲｳ"


@pytest.mark.parametrize("charset", ["cp932", "utf-8"])
def test_headers_of_bare_8_bit_bytes(charset):
    raw = b"From: " + "髙橋 表".encode(charset) + b" <a@example.jp>\r\nSubject: " + "[外部] 表の件".encode(charset)
    parsed = parse(raw + b"\r\n\r\n")
    assert (parsed.sender, parsed.sender_name, parsed.subject) == ("a@example.jp", "髙橋 表", "[外部] 表の件")


def word(charset: str, data: bytes) -> str:
    import base64

    return f"=?{charset}?B?{base64.b64encode(data).decode()}?="


def names() -> list[tuple[str, str]]:
    data = NAME.encode()
    percent = [f"%{byte:02X}" for byte in data]
    sjis = NAME.encode("cp932")
    return [
        ("RFC 2231", f"attachment; filename*=utf-8''{''.join(percent)}"),
        ("RFC 2231 cut inside a character",
         f"attachment; filename*0*=utf-8''{''.join(percent[:7])};\r\n filename*1*={''.join(percent[7:20])};"
         f"\r\n filename*2*={''.join(percent[20:])}"),
        ("RFC 2231 in another order",
         f"attachment; filename*1*={''.join(percent[7:])}; filename*0*=utf-8''{''.join(percent[:7])}"),
        ("RFC 2231 of Shift_JIS", "attachment; filename*=shift_jis'ja'" + "".join(f"%{byte:02X}" for byte in sjis)),
        ("RFC 2047", f'attachment; filename="{word("utf-8", data)}"'),
        ("RFC 2047 cut inside a character",
         f'attachment; filename="{word("utf-8", data[:8])}\r\n {word("utf-8", data[8:])}"'),
        ("RFC 2047 of JIS", f'attachment; filename="{word("ISO-2022-JP", jis(NAME))}"'),
        ("RFC 2047 inside RFC 2231",
         f'attachment; filename*0="{word("utf-8", data)[:20]}"; filename*1="{word("utf-8", data)[20:]}"'),
        ("8 bit", "attachment; filename=\"" + sjis.decode("utf-8", "surrogateescape") + '"'),
        ("without quotes", f"attachment; filename={NAME}"),
        ("the forgotten fold", f'attachment;\r\nfilename="{word("utf-8", data)}"'),
    ]  # fmt: skip


@pytest.mark.parametrize("disposition", [value for _, value in names()], ids=[name for name, _ in names()])
def test_the_name_of_a_file(disposition):
    parsed = read("From: a@example.jp", Content_Type="application/octet-stream", Content_Disposition=disposition,
                  body=b"x")  # fmt: skip
    assert [(file.name, file.data) for file in parsed.enclosed] == [(NAME, b"x")]


def test_a_backslash_that_is_half_a_character_is_no_escape():
    name = "一覧表".encode("cp932") + b'"'
    raw = b'Content-Type: application/pdf; name="' + name + b'; x="y"\r\n\r\nx'
    assert parse(raw).enclosed[0].name == "一覧表"


def nested(depth: int) -> bytes:
    inner = b"Content-Type: text/plain\r\n\r\nend"
    for n in range(depth):
        head = f'Content-Type: multipart/mixed; boundary="b{n}"\r\n\r\n--b{n}\r\n'
        inner = head.encode() + inner + f"\r\n--b{n}--\r\n".encode()
    return b"From: a@example.jp\r\n" + inner


def test_fifty_levels_are_read_and_what_lies_deeper_is_kept_as_a_file():
    assert parse(nested(50)).text == "end"
    deep = parse(nested(200))
    assert deep.text == ""
    assert b"\r\nend" in deep.enclosed[0].data


def test_a_forwarded_mail_keeps_its_bytes():
    inner = b"From:  b@example.jp\r\nSubject: =?utf-8?B?54Wn5Lya?=\r\nX-Odd:   a  b\r\n\r\nbody \r\n"
    parsed = read("From: a@example.jp", Content_Type="multipart/mixed; boundary=x",
                  body=b"--x\r\nContent-Type: message/rfc822\r\n\r\n" + inner + b"\r\n--x--\r\n")  # fmt: skip
    [file] = parsed.enclosed
    assert hashlib.sha1(file.data).hexdigest() == hashlib.sha1(inner).hexdigest()


def test_what_follows_a_broken_header_is_not_lost():
    parsed = parse("﻿\r\n\r\nX-A: 1\r\nbroken line\r\nFrom : a@example.jp\r\nSubject: 照会\r\n\r\n本文".encode())
    assert (parsed.sender, parsed.subject, parsed.text) == ("a@example.jp", "照会", "本文")


@pytest.mark.parametrize("boundary", ["", "; boundary=other"])
def test_parts_are_found_where_the_boundary_is_missing_or_wrong(boundary):
    body = (
        "--real\r\nContent-Type: text/plain\r\n\r\n本文\r\n--real\r\nContent-Type: application/pdf; name=a.pdf\r\n\r\nx"
    )
    parsed = read("From: a@example.jp", f"Content-Type: multipart/mixed{boundary}", body=body.encode())
    assert (parsed.text, [file.name for file in parsed.enclosed]) == ("本文", ["a.pdf"])


def test_a_footer_in_plain_text_does_not_hide_the_html_before_it():
    body = (
        "--x\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<p>照会です</p>\r\n"
        "--x\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nウイルス検査済み\r\n--x--"
    )
    assert read(Content_Type="multipart/mixed; boundary=x", body=body.encode()).text == "照会です\nウイルス検査済み"


@pytest.mark.parametrize(
    "sender, headers, machine",
    [
        ("postmaster@example.jp", ["Subject: 配信不能"], "bounce"),
        ("postmaster@example.jp", ["Subject: 照会"], ""),
        ("a@example.jp", ["X-ML-Name: kyoten"], "list"),
        ("a@example.jp", ["Auto-Submitted: auto-replied (vacation)"], "auto"),
        ("a@example.jp", ["Subject: =?utf-8?B?6Ieq5YuV5b+c562U?="], "auto"),
        ("a@example.jp", ["Subject: 照会", "X-Loop: a@example.jp"], "list"),
        ("a@example.jp", ["Subject: 自動応答: 照会への回答"], "auto"),
        ("a@example.jp", ["Subject: 【不在】Re: 照会への回答"], "auto"),
        ("a@example.jp", ["Subject: 不在のお知らせ"], "auto"),
        ("a@example.jp", ["Subject: 受け付けました（自動返信）"], "auto"),
        ("a@example.jp", ["Subject: 開封済み: 照会への回答"], "auto"),
        ("a@example.jp", ["Subject: 自動応答システムの導入例について"], ""),
        ("a@example.jp", ["Subject: 不在時の代診について"], ""),
        ("a@example.jp", ["Subject: 自動返信の文面の例"], ""),
        ("a@example.jp", ["Subject: 開封確認の運用について"], ""),
    ],
)
def test_machines_are_told_from_people(sender, headers, machine):
    assert read(f"From: {sender}", *headers).machine == machine


@pytest.mark.parametrize(
    "text, machine",
    [
        ("8月4日まで休暇です。このメールは自動で返信しています。", "auto"),
        ("8月4日まで休暇です。\n> このメールは自動で返信しています。", ""),
        ("このメールは自動で返信しています、と書くべきですか。" + "続きです。" * 120, ""),
    ],
)
def test_what_says_of_itself_that_it_is_automatic_is_believed_where_it_is_short(text, machine):
    assert read("From: a@example.jp", "Subject: Re: 照会", body=text.encode()).machine == machine


def test_outlooks_own_file_and_a_sealed_mail_are_kept_under_their_names():
    tnef = read(Content_Type="application/ms-tnef; name=winmail.dat", body=b"x").enclosed
    sealed = read(Content_Type="application/pkcs7-mime; smime-type=enveloped-data; name=smime.p7m", body=b"x").enclosed
    assert [tnef[0].name, sealed[0].name] == ["winmail.dat", "smime.p7m"]


def test_of_far_too_many_parts_the_rest_is_one_file():
    body = b"".join(b"--x\r\nContent-Type: application/pdf; name=%d.pdf\r\n\r\n%d\r\n" % (n, n) for n in range(1200))
    enclosed = read(Content_Type="multipart/mixed; boundary=x", body=body + b"--x--").enclosed
    assert [file.name for file in enclosed[:2]] == ["0.pdf", "1.pdf"]
    assert len(enclosed) == 1000
    assert b"\r\n1199" in enclosed[-1].data


def test_message_ids_of_bare_8_bit_bytes_can_be_stored():
    parsed = parse(b"Message-ID: <\x93@a>\r\nIn-Reply-To: <\xff@a>\r\n\r\n")
    assert (parsed.message_id, parsed.in_reply_to) == ("<\ufffd@a>", "<\ufffd@a>")


def html(text: str, **more: str):
    return read(Content_Type="text/html; charset=utf-8", body=text.encode(), **more).text


@pytest.mark.parametrize(
    "source, text",
    [
        (
            "<table><tr><th>拠点</th><th>人数</th></tr><tr><td>松戸</td><td>12</td></tr></table>",
            "拠点　人数\n\n松戸　12",
        ),
        ("<div style='DISPLAY : none'>隠し<div>二</div></div><p>本文</p><p hidden>三</p>", "本文"),
        ("<p style='visibility:hidden'>閉じない<p>本文</p>", "閉じない\n本文"),
        ("<pre>一行目\n  二行目</pre>", "一行目\n二行目"),
        ("資料は<a href='https://a.example.jp/b.pdf'>こちら</a>です", "資料はこちら（https://a.example.jp/b.pdf）です"),
        ("<a href='https://a.example.jp/'>a.example.jp</a>", "a.example.jp"),
        ("<a href='mailto:a@example.jp'>連絡</a> <a href='javascript:x'>悪</a>", "連絡 悪"),
        ("<p>２行目&nbsp;です　ね</p>", "２行目 です　ね"),
    ],
)
def test_html_says_what_its_reader_sees(source, text):
    assert html(source) == text


@pytest.mark.parametrize(
    "plain, rich, text",
    [
        ("HTML形式でご覧ください。", "<p>会議の例は。</p>", "HTML形式でご覧ください。\n会議の例は。"),
        ("図", "<p>会議の参加者の例を教えてください。</p>", "図\n会議の参加者の例を教えてください。"),
        ("会議の例は。", "<p>会議の例は。</p>", "会議の例は。"),
    ],
)
def test_a_plain_text_that_only_points_to_the_html_hides_nothing(plain, rich, text):
    body = f"--x\r\n\r\n{plain}\r\n--x\r\nContent-Type: text/html; charset=utf-8\r\n\r\n{rich}\r\n--x--"
    assert read(Content_Type="multipart/alternative; boundary=x", body=body.encode()).text == text


@pytest.mark.parametrize(
    "more, body, text",
    [
        (
            "; delsp=yes",
            "長い段落は \r\n続く。\r\n次。\r\n> 引用 \r\n> も\r\n-- \r\n署名",
            "長い段落は続く。\n次。\n> 引用も\n-- \n署名",
        ),
        ("", "one \r\ntwo\r\n From here", "one two\nFrom here"),
        ("", "> a \r\nb", "> a \nb"),
        ("; delsp=yes", "there is \r\na  \r\nway", "there is a way"),
    ],
)
def test_flowed_paragraphs_are_whole_again(more, body, text):
    assert read(Content_Type=f"text/plain; charset=utf-8; format=flowed{more}", body=body.encode()).text == text


@pytest.mark.parametrize(
    "charset, encoding, body, text",
    [
        ("utf-8", "quoted-printable", b"=E7=85=  \r\n=A7=E4=BC=9A", "照会"),
        ("utf-8", "base64 (coded)", b"54Wn5Lya", "照会"),
        ("utf-8", "base64", "base64ではない本文です。".encode(), "base64ではない本文です。"),
        ("utf-8", "8bit", b"\xef\xbb\xbf" + "照会".encode(), "照会"),
        ("iso-2022-jp", "8bit", "ｱｲ".encode("cp932") + b'\x1b$B$"\x1b(B', "ｱｲあ"),
        ("iso-2022-jp-2004", "7bit", "剝がれた頰と𠮟る".encode("iso2022_jp_2004"), "剝がれた頰と𠮟る"),
    ],
)
def test_a_text_is_read_however_it_was_coded(charset, encoding, body, text):
    head = {"Content_Type": f"text/plain; charset={charset}", "Content_Transfer_Encoding": encoding}
    assert read(body=body, **head).text == text


def test_of_a_long_chain_the_nearest_are_kept():
    chain = [f"<r{n}@example.jp>" for n in range(200)]
    assert read(References="\r\n ".join(chain)).references.split() == chain[100:]


def test_our_own_address_is_found_behind_hundreds_of_others():
    others = [f"u{n}@example.jp" for n in range(500)]
    found = read(To=", ".join([*others, "zaitaku@example.jp"]), Delivered_To="box@example.jp").recipients
    assert found == ("box@example.jp", *others, "zaitaku@example.jp")


def test_a_mail_that_is_nothing_but_another_one_forwarded_says_what_that_one_says():
    inner = (
        "From: b@example.jp\r\nSubject: 往診\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n医師を探しています。\r\n"
    )
    parsed = read("From: a@example.jp", Content_Type="message/rfc822", body=inner.encode())
    assert parsed.text == "（転送されたメール）\n差出人：b@example.jp\n件名：往診\n\n医師を探しています。"
    assert [file.name for file in parsed.enclosed] == ["転送されたメール.eml"]

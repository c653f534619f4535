"""The tags every page uses: what they say, and that nothing typed by anybody becomes markup."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta

import pytest
from django import forms
from django.conf import settings
from django.contrib.messages import constants
from django.contrib.messages.storage.base import Message
from django.core.paginator import Paginator
from django.template import engines
from django.template.loader import render_to_string
from django.test import RequestFactory
from lxml import html

from kyoten.rules.clock import JST

HOSTILE = "\"><script>alert('x')</script>&"
ESCAPED = "&quot;&gt;&lt;script&gt;alert(&#x27;x&#x27;)&lt;/script&gt;&amp;"
AT = datetime(2025, 7, 22, 10, 4, tzinfo=JST)


def render(source: str, **context) -> str:
    return engines["django"].from_string(source).render(context)


def page_of(source: str, query: str = "", **context) -> html.HtmlElement:
    """The rendered source as a tree, for a request with this query string that arrived at AT."""
    request = RequestFactory().get(f"/list/?{query}")
    request.at = AT
    return html.fragment_fromstring(render(source, request=request, **context), create_parent="div")


def words(element: html.HtmlElement) -> str:
    return " ".join(element.text_content().split())


# ---- dates and numbers ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "value", "said"),
    [
        ("{{ value|wareki }}", date(2025, 7, 31), "令和7年7月31日（木）"),
        ("{{ value|wareki }}", datetime(2025, 7, 30, 15, 0, tzinfo=None), "令和7年7月30日（水）"),
        ("{{ value|wareki }}", date(2019, 5, 1), "令和元年5月1日（水）"),
        ("{{ value|wareki }}", None, ""),
        ("{{ value|wareki_plain }}", date(2025, 6, 25), "令和7年6月25日"),
        ("{{ value|fiscal_year }}", 2025, "令和7年度"),
        ("{{ value|moment }}", datetime(2025, 7, 31, 23, 59, 59, 999999, tzinfo=JST), "7月31日（木） 23:59"),
        ("{{ value|moment }}", datetime.fromisoformat("2025-07-22T00:05:00+00:00"), "7月22日（火） 9:05"),
        ("{{ value|moment }}", None, ""),
        ("{{ value|until }}", datetime(2025, 7, 31, 23, 59, 59, 999999, tzinfo=JST), "7月31日（木）"),
        ("{{ value|until }}", datetime(2024, 8, 23, 17, 0, tzinfo=JST), "8月23日（金） 17:00"),
        ("{{ value|until }}", date(2025, 7, 31), "7月31日（木）"),
        ("{{ value|yen }}", 1200000, "1,200,000円"),
        ("{{ value|yen }}", 0, "0円"),
        ("{{ value|yen }}", "60万くらい", "60万くらい"),
        ("{{ value|yen }}", None, ""),
    ],
)
def test_a_date_or_an_amount_in_words(source, value, said):
    assert render(source, value=value) == said


@pytest.mark.parametrize(
    ("deadline", "said", "css"),
    [
        (datetime(2025, 8, 8, 17, 0, tzinfo=JST), "あと 17日", "due "),
        (datetime(2025, 7, 25, 17, 0, tzinfo=JST), "あと 3日", "due soon"),
        (datetime(2025, 7, 22, 17, 0, tzinfo=JST), "本日", "due today"),
        (datetime(2025, 7, 22, 10, 4, tzinfo=JST), "本日", "due today"),
        (datetime(2025, 7, 22, 10, 3, 59, tzinfo=JST), "期限超過", "due late"),
        # 7/18 is a Friday, 7/21 海の日: Tuesday the 22nd is the first working day after it
        (datetime(2025, 7, 18, 23, 59, 59, 999999, tzinfo=JST), "期限超過（1営業日）", "due late"),
        (date(2025, 7, 22), "本日", "due today"),
        (date(2025, 7, 15), "期限超過（4営業日）", "due late"),
    ],
)
def test_how_far_a_deadline_is(deadline, said, css):
    (span,) = page_of("{% due deadline %}", deadline=deadline)
    assert (span.text_content(), span.get("class")) == (said, css)


def test_a_deadline_at_another_moment_than_the_request():
    page = page_of("{% due deadline at %}", deadline=date(2025, 7, 22), at=AT - timedelta(days=2))
    assert words(page) == "あと 2日"


def test_no_deadline_says_nothing():
    assert render("{% due deadline at %}", deadline=None, at=AT) == ""


# ---- status -----------------------------------------------------------------------------------


def test_a_status_is_a_word_and_a_known_kind():
    assert render('{% tag "提出済み" "ok" %}') == '<span class="tag ok">提出済み</span>'
    assert render('{% tag words "red" %}', words=HOSTILE) == f'<span class="tag ">{ESCAPED}</span>'


COUNTS = [
    {"label": "回答済み", "count": 3, "kind": "ok"},
    {"label": "該当なし", "count": 0, "kind": "none"},
    {"label": HOSTILE, "count": 1, "kind": "stop"},
]


def test_a_bar_is_drawn_by_attributes_and_said_in_words():
    page = page_of("{% bar counts %}", counts=COUNTS)
    drawn = [(r.get("class"), r.get("x"), r.get("width")) for r in page.xpath("//svg[@class='bar']/rect")]
    assert drawn == [("base", None, "100%"), ("ok", "0.00%", "75.00%"), ("stop", "75.00%", "25.00%")]
    assert [words(li) for li in page.xpath("//ul[@class='legend']/li")] == ["回答済み 3", "該当なし 0", f"{HOSTILE} 1"]


def test_a_bar_without_legend_has_a_text_alternative():
    (svg,) = page_of('{% bar counts "市町村" False %}', counts=COUNTS).xpath("//svg")
    assert (svg.get("role"), svg.get("aria-label")) == ("img", f"市町村　回答済み 3、該当なし 0、{HOSTILE} 1")


def test_a_bar_of_nothing():
    page = page_of("{% bar counts %}", counts=[{"label": "回答済み", "count": 0, "kind": "ok"}])
    assert len(page.xpath("//svg[@class='bar']/rect")) == 1


def test_steps_say_which_is_the_current_one():
    steps = [
        {"title": "公募", "note": "6月25日", "state": "done"},
        {"title": HOSTILE, "note": "", "state": "now"},
        {"title": "選定", "note": "", "state": "todo"},
    ]
    page = page_of("{% steps steps %}", steps=steps)
    found = [(li.get("class"), li.get("aria-current"), words(li)) for li in page.xpath("//li")]
    assert found == [("done", None, "公募（済み）6月25日"), ("now", "step", HOSTILE), ("todo", None, "選定")]


# ---- lists ------------------------------------------------------------------------------------


def test_pages_keep_the_filters():
    page = page_of("{% pager page %}", "state=late&q=a%26b&page=2", page=Paginator(range(55), 20).page(2))
    links = [(words(a), a.get("href")) for a in page.xpath("//a")]
    kept = "?state=late&q=a%26b&page="
    assert links == [
        ("前へ", f"{kept}1"),
        ("ページ 1", f"{kept}1"),
        ("ページ 3", f"{kept}3"),
        ("次へ", f"{kept}3"),
    ]
    assert words(page.xpath("//nav/span")[0]) == "55件中 21～40件"
    assert words(page.xpath("//b[@aria-current='page']")[0]) == "ページ 2"


def test_one_page_needs_no_links_and_an_empty_list_no_pager():
    assert page_of("{% pager page %}", page=Paginator(range(5), 20).page(1)).xpath("//a") == []
    assert words(page_of("{% pager page %}", page=Paginator([], 20).page(1))) == ""


@pytest.mark.parametrize(
    ("query", "direction", "href"),
    [
        ("state=late&page=3", None, "?state=late&sort=due"),
        ("sort=due", "ascending", "?sort=-due"),
        ("sort=-due", "descending", "?sort=due"),
    ],
)
def test_a_heading_sorts_and_goes_back_to_the_first_page(query, direction, href):
    page = page_of('{% sort_header "期限" "due" %}', query)
    (link,) = page.xpath("//a")
    assert (link.get("href"), words(link)) == (href, "期限")
    assert re.findall(r'aria-sort="(\w+)"', html.tostring(page, encoding="unicode")) == (
        [direction] if direction else []
    )


def test_the_way_here():
    page = page_of('{% crumbs "公募・申込" "/calls/" name %}', name=HOSTILE)
    assert [(words(li), li.xpath("a/@href")) for li in page.xpath("//li")] == [
        ("公募・申込", ["/calls/"]),
        (HOSTILE, []),
    ]


# ---- Django forms -----------------------------------------------------------------------------


class Sample(forms.Form):
    title = forms.CharField(label="件名", help_text=HOSTILE)
    memo = forms.CharField(label="備考", required=False, max_length=3)
    kind = forms.ChoiceField(label="扱い", choices=[("a", "甲"), ("b", HOSTILE)], widget=forms.RadioSelect)
    ok = forms.BooleanField(label="確認")
    token = forms.CharField(widget=forms.HiddenInput, required=False)

    def clean(self):
        raise forms.ValidationError("期限を過ぎています。")


def field_of(form: forms.Form, name: str) -> html.HtmlElement:
    return page_of("{% field bound %}", bound=form[name])


def test_a_field_names_its_input_and_says_whether_it_must_be_filled_in():
    page = field_of(Sample(), "title")
    (label,), (box,) = page.xpath("//label"), page.xpath("//input")
    assert (words(label), label.get("for")) == ("件名 必須", box.get("id"))
    assert box.get("aria-describedby") == "id_title_helptext"
    assert words(page.xpath("//*[@id='id_title_helptext']")[0]) == HOSTILE
    assert box.get("aria-invalid") is None
    assert words(field_of(Sample(), "memo").xpath("//label")[0]) == "備考 任意"


def test_an_error_says_what_to_do_and_belongs_to_its_input():
    page = field_of(Sample({"memo": ""}), "title")
    (box,) = page.xpath("//input")
    assert (box.get("aria-invalid"), box.get("aria-describedby")) == ("true", "id_title_helptext id_title_error")
    assert words(page.xpath("//*[@id='id_title_error']")[0]) == "「件名」を入力してください。"


def test_what_was_typed_stays_in_a_refused_field():
    (box,) = field_of(Sample({"memo": HOSTILE}), "memo").xpath("//input")
    assert box.get("value") == HOSTILE


def test_choices_are_a_fieldset_with_a_legend():
    page = field_of(Sample({}), "kind")
    assert words(page.xpath("//fieldset/legend")[0]) == "扱い 必須"
    assert [words(label) for label in page.xpath("//label")] == ["甲", HOSTILE]
    assert page.xpath("//fieldset/@aria-describedby") == ["id_kind_error"]


def test_a_hidden_field_is_only_itself():
    (only,) = field_of(Sample(), "token")
    assert (only.tag, only.get("type")) == ("input", "hidden")


def test_the_summary_links_to_every_field_to_correct():
    page = page_of("{% errors form %}", form=Sample({"memo": "四文字だ"}))
    found = [(words(li), li.xpath("a/@href")) for li in page.xpath("//li")]
    assert found == [
        ("期限を過ぎています。", []),
        ("「件名」を入力してください。", ["#id_title"]),
        ("「備考」は3字以内にしてください（いまは4字です）。", ["#id_memo"]),
        ("「扱い」を選んでください。", ["#id_kind_0"]),
        ("「確認」を確認して印を付けてください。", ["#id_ok"]),
    ]
    (box,) = page
    assert (box.get("role"), box.get("tabindex")) == ("alert", "-1")


def test_no_summary_without_errors():
    assert words(page_of("{% errors form %}", form=Sample())) == ""


# ---- frame ------------------------------------------------------------------------------------


def test_error_pages_depend_on_nothing_of_the_request():
    for name in ("400.html", "404.html", "403.html", "500.html"):
        here, there = (render_to_string(name, {}, RequestFactory().get(path)) for path in ("/a", "/b?c=d"))
        assert here == there == render_to_string(name)
        assert "csrf" not in here


def test_a_page_without_seat_has_no_menu():
    page = html.document_fromstring(render_to_string("base.html"))
    assert page.xpath("//nav/@aria-label") == ["現在の位置"]
    assert page.xpath("//header//a/@href") == ["/"]


def test_the_menu_marks_the_current_entry_and_escapes():
    menu = [
        {"title": "ホーム", "url": "/", "current": True, "badge": 0},
        {"title": HOSTILE, "url": "/calls/", "current": False, "badge": 3},
    ]
    page = html.document_fromstring(render_to_string("base.html", {"menu": menu}))
    (nav,) = page.xpath("//nav[@aria-label='主なメニュー']")
    found = [(words(a), a.get("href"), a.get("aria-current")) for a in nav.xpath(".//a")]
    assert found == [("ホーム", "/", "page"), (f"{HOSTILE}3件", "/calls/", None)]


@pytest.mark.parametrize(
    ("level", "css", "role"),
    [
        (constants.SUCCESS, "note ok", "status"),
        (constants.INFO, "note ", "status"),
        (constants.WARNING, "note warn", "status"),
        (constants.ERROR, "note stop", "alert"),
    ],
)
def test_a_message_is_announced(level, css, role):
    page = html.document_fromstring(render_to_string("base.html", {"messages": [Message(level, HOSTILE)]}))
    (note,) = page.xpath("//*[contains(@class, 'note')]")
    assert (note.get("class"), note.get("role"), words(note)) == (css, role, HOSTILE)


def test_no_template_has_inline_style_or_script():
    inline = re.compile(r'<script(?![^>]*( src=|type="application/json"))|<style|\sstyle=|\son\w+=', re.IGNORECASE)
    templates = sorted(settings.ROOT.glob("src/kyoten/*/templates/**/*.html"))
    assert [path.name for path in templates if inline.search(path.read_text("utf-8"))] == []

"""A definition's form on the screen: the names of its inputs, what comes back from them, and reading it again."""

from __future__ import annotations

import pytest
from django.http import QueryDict
from django.template import engines
from lxml import html

from kyoten.calls.forms import posted_answers
from kyoten.rules.answers import Problem, clean, problems
from kyoten.rules.definition import Form

HOSTILE = "\"><script>alert('x')</script>&"
OPTIONS = [{"value": "1", "label": "在宅医療の圏域"}, {"value": "2", "label": HOSTILE}]
FORM = Form.model_validate(
    {
        "title": "申込書",
        "number": "別紙2-②",
        "file_name": "form",
        "sections": [
            {
                "id": "all",
                "title": "すべての種類",
                "note": HOSTILE,
                "fields": [
                    {"id": "line", "label": HOSTILE, "kind": "text", "help": HOSTILE},
                    {"id": "long", "label": "長い文", "kind": "longtext", "max_length": 5},
                    {"id": "one", "label": "一つ", "kind": "choice", "required": False, "options": OPTIONS},
                    {
                        "id": "many",
                        "label": "多くから一つ",
                        "kind": "choice",
                        "options": [{"value": str(n), "label": f"選択肢{n}"} for n in range(8)],
                    },
                    {"id": "marks", "label": "該当するもの", "kind": "marks", "options": OPTIONS},
                    {"id": "number", "label": "人数", "kind": "number"},
                    {"id": "day", "label": "日付", "kind": "date"},
                    {"id": "odd_day", "label": "読めない日付", "kind": "date"},
                    {"id": "money", "label": "金額", "kind": "money"},
                    {"id": "mail", "label": "メールアドレス", "kind": "email"},
                    {"id": "phone", "label": "電話番号", "kind": "phone"},
                    {"id": "place", "label": "所在地", "kind": "address"},
                    {
                        "id": "members",
                        "label": "構成員",
                        "kind": "table",
                        "columns": [
                            {"id": "body", "label": "所属"},
                            {"id": "group", "label": "区分", "kind": "choice", "print": False, "options": OPTIONS},
                        ],
                    },
                ],
            }
        ],
    }
)
ANSWERS = {
    "line": HOSTILE,
    "long": "\n一行目\n二行目",
    "one": "2",
    "many": "3",
    "marks": ["2"],
    "number": 12,
    "day": "2025-07-31",
    "odd_day": "7月末ごろ",
    "money": 1200000,
    "mail": "x@example.jp",
    "phone": "047-000-0000",
    "place": {"postal": "271-8588", "text": f"松戸市{HOSTILE}"},
    "members": [
        {"row": "r1", "body": "松戸市", "group": "1"},
        {"row": "r2", "body": HOSTILE, "group": "消えた選択肢"},
    ],
}


def page_of(source: str, **context) -> html.HtmlElement:
    rendered = engines["django"].from_string(source).render({"form": FORM, **context})
    return html.fragment_fromstring(rendered, create_parent="div")


def words(element: html.HtmlElement) -> str:
    return " ".join(element.text_content().split())


def sent(page: html.HtmlElement) -> QueryDict:
    """What a browser sends for this page without touching it (buttons are not pressed)."""
    post = QueryDict(mutable=True)
    for box in page.xpath("//input[@name] | //select | //textarea"):
        if box.get("type") in ("checkbox", "radio") and box.get("checked") is None:
            continue
        value = box.get("value", "") if box.tag == "input" else box.value or ""
        if box.tag == "textarea":
            value = value.removeprefix("\n")  # the first line break after <textarea> is not sent
        post.appendlist(box.get("name"), value)
    return post


def test_an_untouched_page_sends_back_the_same_answers():
    page = page_of("{% answers_edit form answers %}", answers=ANSWERS)
    known = ANSWERS | {"members": [ANSWERS["members"][0], {"row": "r2", "body": HOSTILE, "group": ""}]}
    assert clean(FORM, posted_answers(FORM, sent(page))) == clean(FORM, known)


def test_the_names_of_the_inputs():
    page = page_of("{% answers_edit form answers %}", answers=ANSWERS)
    names = list(dict.fromkeys(page.xpath("//input/@name | //select/@name | //textarea/@name")))
    assert names == [
        "f-line", "f-long", "f-one", "f-many", "f-marks", "f-number", "f-day", "f-odd_day", "f-money", "f-mail",
        "f-phone", "f-place-postal", "f-place-text", "f-members-1-row", "f-members-1-body", "f-members-1-group",
        "f-members-2-row", "f-members-2-body", "f-members-2-group",
    ]  # fmt: skip
    assert page.xpath("//button[@name='do']/@value") == [
        "save", "remove-row:members:1", "remove-row:members:2", "add-row:members",
    ]  # fmt: skip


def test_every_input_has_a_name_that_can_be_heard():
    page = page_of("{% answers_edit form answers %}", answers=ANSWERS)
    boxes = page.xpath("//input[not(@type='hidden')] | //select | //textarea")
    unnamed = [
        box.get("name")
        for box in boxes
        if not (box.get("aria-label") or box.xpath("ancestor::label") or page.xpath(f"//label[@for='{box.get('id')}']"))
    ]
    assert unnamed == []
    assert page.xpath("//input[@name='f-members-2-body']/@aria-label") == ["2行目　所属"]


def test_a_blank_form_can_be_drawn_and_sends_nothing_but_blanks():
    page = page_of("{% answers_edit form answers %}", answers={})
    assert {value for values in sent(page).lists() for value in values[1]} == {""}
    assert (
        words(page.xpath("//fieldset[@id='f-members-group']/p")[0])
        == "まだ行がありません。「行を追加」を押してください。"
    )


def test_what_cannot_be_read_as_a_date_stays_as_typed():
    page = page_of("{% answers_edit form answers %}", answers=ANSWERS)
    types = [(i.get("name"), i.get("type"), i.get("value")) for i in page.xpath("//input[contains(@name, 'day')]")]
    assert types == [("f-day", "date", "2025-07-31"), ("f-odd_day", "text", "7月末ごろ")]


def test_a_long_text_says_how_long_it_is():
    page = page_of("{% answers_edit form answers %}", answers=ANSWERS)
    (count,) = page.xpath("//*[@id='f-long-count']")
    assert (words(count), count.get("class")) == ("8字（5字以内）", "count over")
    assert page.xpath("//textarea/@aria-describedby") == ["f-long-count"]


def test_problems_stand_at_their_inputs():
    found = [Problem("mail", "直してください"), Problem("members", "2行目です", "r2", "group")]
    page = page_of("{% answers_edit form answers found %}", answers=ANSWERS, found=found)
    assert page.xpath("//*[@aria-invalid]/@name") == ["f-mail", "f-members-2-group"]
    assert page.xpath("//input[@name='f-mail']/@aria-describedby") == ["f-mail-error "]
    assert words(page.xpath("//*[@id='f-mail-error']")[0]) == "直してください"
    assert words(page.xpath("//*[@id='f-members-error']")[0]) == "2行目です"


def test_the_summary_leads_to_the_input_or_the_cell():
    found = problems(FORM, ANSWERS)
    page = page_of(
        "{% answers_errors form found answers %}{% answers_edit form answers found %}", answers=ANSWERS, found=found
    )
    links = page.xpath("//div[@role='alert']//a")
    assert [a.get("href") for a in links] == ["#f-long", "#f-odd_day", "#f-members-2-group"]
    assert [words(a) for a in links] == [problem.text for problem in found]
    assert [len(page.xpath(f"//*[@id='{a.get('href')[1:]}']")) for a in links] == [1, 1, 1]


def test_the_summary_leads_to_the_group_of_a_choice():
    missing = [Problem("marks", "選んでください"), Problem("place", "記入してください"), Problem("one", "選んで")]
    page = page_of("{% answers_errors form missing %}", missing=missing)
    assert page.xpath("//a/@href") == ["#f-marks-group", "#f-place-group", "#f-one-group"]


def test_the_summary_can_lead_to_another_page():
    page = page_of("{% answers_errors form found page='/edit/' %}", found=[Problem("mail", "直してください")])
    assert page.xpath("//a/@href") == ["/edit/#f-mail"]


def test_a_row_just_added_gets_the_focus():
    answers = {"members": [*ANSWERS["members"], {"row": "r3"}]}
    page = page_of("{% answers_edit form answers %}", answers=answers)
    assert page.xpath("//*[@autofocus]/@name") == ["f-members-3-body"]


def test_the_answers_to_read_as_on_the_paper():
    page = page_of("{% answers_show form answers %}", answers=ANSWERS)
    cells = {words(row.xpath("th")[0]): words(row.xpath("td")[0]) for row in page.xpath("//table/tbody/tr[th and td]")}
    assert cells == {
        HOSTILE: HOSTILE,
        "一つ": f"在宅医療の圏域○{HOSTILE}",
        "多くから一つ": "選択肢0選択肢1選択肢2○選択肢3選択肢4選択肢5選択肢6選択肢7",
        "該当するもの": f"在宅医療の圏域○{HOSTILE}",
        "人数": "12",
        "日付": "令和7年7月31日",
        "読めない日付": "7月末ごろ",
        "金額": "1,200,000円",
        "メールアドレス": "x@example.jp",
        "電話番号": "047-000-0000",
        "所在地": f"〒271-8588松戸市{HOSTILE}",
    }
    rows = [[words(td) for td in row] for row in page.xpath("//td//tbody/tr")]
    assert rows == [["1", "松戸市", "在宅医療の圏域"], ["2", HOSTILE, "消えた選択肢"]]


def test_line_breaks_are_kept_to_read():
    page = page_of("{% answers_show form answers %}", answers={"long": f"一行目\n{HOSTILE}"})
    (cell,) = page.xpath("//tr[normalize-space(th)='長い文']/following-sibling::tr[1]/td")
    assert (cell.text, [br.tail.strip() for br in cell.xpath("br")]) == ("一行目", [HOSTILE])


def test_what_is_blank_says_so():
    page = page_of("{% answers_show form answers %}", answers={})
    assert len(page.xpath("//*[@class='unanswered']")) == 10  # every field but the three with options
    assert {words(each) for each in page.xpath("//*[@class='unanswered']")} == {"（記入なし）"}


def test_a_mark_that_is_no_longer_an_option_is_shown():
    page = page_of("{% answers_show form answers %}", answers={"marks": ["1", "旧"]})
    marked = [words(li) for li in page.xpath("//tr[normalize-space(th)='該当するもの']//li[@class='on']")]
    assert marked == ["○在宅医療の圏域", "○旧（選択肢にありません）"]


@pytest.mark.parametrize("tag", ["answers_edit", "answers_show"])
def test_nothing_typed_becomes_markup(tag):
    page = page_of(f"{{% {tag} form answers %}}", answers=ANSWERS)
    assert page.xpath("//script") == []

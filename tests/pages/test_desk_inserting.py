"""参考になる資料 goes into a 回答案 with its source, and what was typed stays."""

import pytest
from django.test import Client
from django.urls import reverse

from kyoten.consultations.actions import examples
from kyoten.consultations.actions.knowledge import put_guide_section
from kyoten.consultations.models import Draft
from kyoten.records.models import Event
from tests.flows import desking, knowing
from tests.flows.desking import TUESDAY
from tests.flows.knowing import ANSWERED
from tests.world import login

pytestmark = pytest.mark.django_db


def test_a_section_is_inserted_with_its_source_into_what_was_typed(world, clock):
    clock(TUESDAY)
    by = world.seat_secretariat
    row = put_guide_section(
        chapter="2 連携", title="平時", text="人工呼吸器の受入れ先を決めておく。", by=by, at=TUESDAY
    )
    case = desking.taken(world)
    client = login(Client(), by)
    assert f'value="guide:{row.pk}"' in client.get(reverse("consultations:case", args=[case.pk])).content.decode()
    part = client.get(reverse("consultations:suggest", args=[case.pk]), {"text": "人工呼吸器"}).content.decode()
    assert f'value="guide:{row.pk}"' in part
    url = reverse("consultations:draft", args=[case.pk])
    typed = {"subject": "Re: 件", "text": "お答えします。", "insert": f"guide:{row.pk}"}
    response = client.post(url, typed)
    form = response.context["answering"]
    assert (form["subject"].value(), form["text"].value()) == (
        "Re: 件",
        "お答えします。\n\n人工呼吸器の受入れ先を決めておく。\n（出典　ガイドブック　2 連携　平時）\n",
    )
    assert Draft.objects.count() == 0
    assert client.post(url, {"subject": "", "text": "", "insert": f"guide:{row.pk}"}).context["answering"]["text"].value(
    ).startswith("人工呼吸器")  # fmt: skip


def test_what_is_not_offered_for_the_case_is_not_inserted_and_nothing_is_lost(world, clock):
    clock(ANSWERED)
    at = knowing.hub(world)
    other = knowing.said(at, knowing.asked(at, "訪問診療の依頼先を教えてください。"))
    example = examples.propose(other, at.desk, title="題", question="問い", answer="答え", by=at.officer, at=ANSWERED)
    examples.release(example, at.desk, by=at.manager, at=ANSWERED)
    case = desking.taken(world)  # of another desk: one's callers' text is never offered in another's answer
    client = login(Client(), world.seat_secretariat)
    typed = {"subject": "件", "text": "途中の文。", "insert": f"example:{example.pk}"}
    response = client.post(reverse("consultations:draft", args=[case.pk]), typed)
    assert "別の窓口か年度の相談からつくられたもの" in response.content.decode()
    assert response.context["answering"]["text"].value() == "途中の文。"
    tried = Event.objects.of("consultation", case.pk).get(act="insert_refused")
    assert (tried.title, tried.facts) == ("利用目的の外の事例を回答に使う操作を拒否", {"example": example.pk})
    for nothing in ("example:0", "example:x", "guide:9", ""):
        again = client.post(reverse("consultations:draft", args=[case.pk]), typed | {"insert": nothing})
        assert "この資料は、いまは使えません" in again.content.decode()
    assert Event.objects.filter(act="insert_refused").count() == 1

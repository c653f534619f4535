"""事例・参考資料 with certain words: beside the cases found, on a page of their own, and one section to read."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.http import urlencode
from django.views.decorators.http import require_GET

from kyoten.consultations.knowledge_searching import ROWS, Knowledge, knowledge_for
from kyoten.consultations.models import GuideSection
from kyoten.consultations.views.access import own_desks

BESIDE = 5  # shown beside the cases


def beside(request: HttpRequest, words: str) -> dict[str, object]:
    """事例・参考資料 for the page of the cases found: the newest, and how many there are."""
    return {"knowledge": knowledge_for(request.seat, words, limit=BESIDE), "beside": BESIDE}


def words_of(request: HttpRequest) -> str:
    return request.GET.get("words", "").strip()[:200]


def before_of(request: HttpRequest) -> int | None:
    """Where the next page begins; nonsense is the first page."""
    said = request.GET.get("before", "")
    return int(said) if said.isascii() and said.isdecimal() and len(said) < 19 else None


@require_GET
def knowledge(request: HttpRequest) -> HttpResponse:
    """参考資料を探す: all of them, newest first."""
    own_desks(request)
    words = words_of(request)
    found = knowledge_for(request.seat, words, before=before_of(request), limit=ROWS) if words else Knowledge([], 0)
    context = {"words": words, "knowledge": found, "next": next_page(words, found.before)}
    return render(request, "consultations/knowledge.html", context)


def next_page(words: str, before: int | None) -> str:
    return urlencode({"words": words, "before": before}) if before else ""


@require_GET
def guide_section(request: HttpRequest, pk: int) -> HttpResponse:
    """ガイドブックの一節, to read."""
    own_desks(request)
    row = get_object_or_404(GuideSection.objects.select_related("operator"), pk=pk)
    keeps = request.seat.may_act and row.operator_id == request.seat.section.organisation_id
    return render(request, "consultations/guide_section.html", {"row": row, "keeps": keeps})

"""What is shown when something goes wrong. No page here needs the database."""

from __future__ import annotations

import sys

from django.db import InterfaceError, OperationalError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.middleware.csrf import get_token
from django.shortcuts import render
from django.template.loader import render_to_string
from django.views.decorators.http import require_safe

from kyoten.web import rescue


def not_found(request: HttpRequest, exception=None) -> HttpResponse:
    """The same bytes for everybody and everything: what may not be seen looks like what does not exist."""
    return HttpResponse(render_to_string("404.html"), status=404)


def bad_request(request: HttpRequest, exception=None) -> HttpResponse:
    """More than a request may hold, or a host that is not ours."""
    return HttpResponse(render_to_string("400.html"), status=400)


def forbidden(request: HttpRequest, exception=None) -> HttpResponse:
    return HttpResponse(render_to_string("403.html"), status=403)


def server_error(request: HttpRequest) -> HttpResponse:
    """A fault of ours, or the database is away for a moment (503); what was typed can be sent again."""
    away = isinstance(sys.exc_info()[1], OperationalError | InterfaceError)
    response = send_again(request, "busy" if away else "fault") or HttpResponse(render_to_string("500.html"))
    response.status_code = 503 if away else 500
    if away:
        response["Retry-After"] = "5"
    return response


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """The form was older than the last login. Its input is kept, and one button sends it again."""
    kept = rescue.keep(request) if rescue.from_our_page(request) else None
    request.rescued = kept
    response = send_again(request, "old") or render(request, "csrf_failure.html", {"back": request.get_full_path()})
    response.status_code = 403
    return response


def send_again(request: HttpRequest, why: str) -> HttpResponse | None:
    """A page that holds the input of this POST and a fresh token; None where sending it again would be wrong.

    Never for a form that stood on a foreign page: one click must not carry out what somebody else has written.
    """
    if request.method != "POST" or not rescue.from_our_page(request):
        return None
    pairs = rescue.typed(request)
    if not pairs:
        return None
    kept = getattr(request, "rescued", None)
    context = {
        "why": why,
        "pairs": [*pairs, (rescue.SENT_AGAIN, str(kept.pk))] if kept else pairs,
        "path": request.get_full_path(),
        "files": rescue.file_names(request),
        "working_as": getattr(request, "seat", None),
        "csrf_token": get_token(request),
    }
    return HttpResponse(render_to_string("web/send_again.html", context))


def too_many_requests(request: HttpRequest) -> HttpResponse:
    """allauth's limits: a wrong password or code too often, a password changed too often."""
    return render(request, "429.html", status=429)


def locked_out(request: HttpRequest, credentials=None, *args, **kwargs) -> HttpResponse:
    """Ten wrong passwords for one account; the others behind the same address go on working."""
    return render(request, "web/locked_out.html", status=429)


@require_safe
def health(request: HttpRequest) -> HttpResponse:
    """For supervisors and load balancers: 200 when the database answers, 503 otherwise."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except (OperationalError, InterfaceError):
        return JsonResponse({"database": "unreachable"}, status=503)
    return JsonResponse({"database": "ok"})

"""救済: input that came with an ended session or an old form token is kept and shown after the next login."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import timedelta
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.contrib import messages
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django_htmx.http import HttpResponseClientRedirect

from kyoten.organisations.models import User
from kyoten.web.models import Rescued
from kyoten.web.routes import ROUTES

COOKIE = "kyoten_who"  # signed: whose input it is must not depend on the session that just ended
DAYS = 30  # of the cookie, and how long input is kept
SENT_AGAIN = "kyoten-rescued"  # the hidden field of a form that sends kept input again
LEAVE_OUT = {"csrfmiddlewaretoken", SENT_AGAIN}
SECRETS = {"password", "password1", "password2", "oldpassword", "code"}  # a form with one of these is never kept
MOST = 1024 * 1024  # characters of one kept form
MOST_ROWS = 20  # of one person


def remember(request: HttpRequest, response: HttpResponse) -> None:
    """Note on this browser who works here, so that input after the session's end finds its owner."""
    who = str(request.user.pk)
    if request.get_signed_cookie(COOKIE, default=None, salt=COOKIE) != who:
        response.set_signed_cookie(
            COOKIE, who, salt=COOKIE, max_age=DAYS * 86400, httponly=True, samesite="Lax", secure=settings.SECURE
        )


def typed(request: HttpRequest) -> list[tuple[str, str]]:
    """The fields of this POST; nothing where they hold a secret or are too much to keep."""
    pairs = [(name, value) for name, values in request.POST.lists() if name not in LEAVE_OUT for value in values]
    size = sum(len(name) + len(value) for name, value in pairs)
    return [] if SECRETS & set(request.POST) or size > MOST else pairs


def keep(request: HttpRequest) -> Rescued | None:
    """Store the fields of this POST for the person this browser belongs to; None where there is nothing to keep."""
    if not hasattr(request, "rescued"):
        request.rescued = _keep(request)
    return request.rescued


def _keep(request: HttpRequest) -> Rescued | None:
    user = request.user if request.user.is_authenticated else _owner(request)
    row = ROUTES.get(request.resolver_match.view_name) if request.resolver_match else None
    pairs = typed(request)
    if user is None or row is None or row.open or not any(value.strip() for _, value in pairs):
        return None
    _make_room(user)
    return Rescued.objects.create(
        user=user,
        path=request.get_full_path()[:500],
        data=json.dumps(pairs, ensure_ascii=False),
        files="\n".join(file_names(request)),
        saved_at=timezone.now(),
    )


def file_names(request: HttpRequest) -> list[str]:
    """What was attached: these have to be chosen again, the bytes are gone."""
    return [file.name for _, files in request.FILES.lists() for file in files]


def _make_room(user: User) -> None:
    mine = Rescued.objects.filter(user=user)
    mine.filter(saved_at__lt=timezone.now() - timedelta(days=DAYS)).delete()
    kept = mine.values_list("pk", flat=True)[: MOST_ROWS - 1]
    mine.exclude(pk__in=list(kept)).delete()


def _owner(request: HttpRequest) -> User | None:
    who = request.get_signed_cookie(COOKIE, default=None, salt=COOKIE, max_age=DAYS * 86400)
    return User.objects.filter(pk=who, is_active=True).first() if who else None


def sent_again(request: HttpRequest) -> None:
    """Mark kept input as sent again. The row stays: where the act is refused, the text is still there."""
    pk = request.POST.get(SENT_AGAIN, "")
    if pk.isdecimal() and len(pk) < 19:
        Rescued.objects.filter(pk=pk, user=request.user).update(sent_at=timezone.now())


def waiting(user: User):
    """What has not been sent again yet, newest first."""
    return Rescued.objects.filter(user=user, sent_at=None, saved_at__gt=timezone.now() - timedelta(days=DAYS))


def from_our_page(request: HttpRequest) -> bool:
    """Did the form stand on a page of ours? A foreign page's form must not be offered for sending again."""
    source = request.headers.get("Origin") or request.headers.get("Referer", "")
    if source == "null":
        source = request.headers.get("Referer", "")
    parts = urlsplit(source)
    return bool(parts.netloc) and (parts.scheme, parts.netloc) == (request.scheme, request.get_host())


def keep_refused(request: HttpRequest, response: HttpResponse) -> None:
    """A POST that came to nothing (the seat was changed in another tab, a fault of ours) loses no input.

    422 is a form shown again with what was typed in it.
    """
    if request.method == "POST" and response.status_code >= 400 and response.status_code != 422:
        with suppress(DatabaseError):
            keep(request)


def to_login(request: HttpRequest) -> HttpResponse:
    if request.method == "POST":
        if keep(request):
            messages.info(request, "入力した内容を保管しました。ログインすると、ホームから続きができます。")
        return away(request, reverse("account_login"))
    return away(request, f"{reverse('account_login')}?{urlencode({'next': request.get_full_path()})}")


def to_second_factor(request: HttpRequest) -> HttpResponse:
    url = reverse("organisations:second_factor")
    if request.method == "POST":
        kept = keep(request)
        after = reverse("rescue:open", args=[kept.pk]) if kept else ""  # an address of ours, of a row of theirs
    else:
        after = request.get_full_path()
    return away(request, f"{url}?{urlencode({'next': after})}" if after else url)


def away(request: HttpRequest, url: str) -> HttpResponse:
    """A redirect of the whole page, also where only a part of it was asked for."""
    return HttpResponseClientRedirect(url) if request.htmx else redirect(url)

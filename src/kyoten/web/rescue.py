"""救済: input that came with an ended session or an old form token is kept and shown after the next login."""

from __future__ import annotations

import json
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from kyoten.organisations.models import User
from kyoten.web.models import Rescued

COOKIE = "kyoten_who"  # signed: whose input it is must not depend on the session that just ended
DAYS = 30
LEAVE_OUT = {"csrfmiddlewaretoken", "password", "password1", "password2", "oldpassword", "code", "login"}


def remember(request: HttpRequest, response: HttpResponse) -> None:
    """Note on this browser who works here, so that input after the session's end finds its owner."""
    who = str(request.user.pk)
    if request.get_signed_cookie(COOKIE, default=None, salt=COOKIE) != who:
        response.set_signed_cookie(
            COOKIE, who, salt=COOKIE, max_age=DAYS * 86400, httponly=True, samesite="Lax", secure=settings.SECURE
        )


def keep(request: HttpRequest) -> Rescued | None:
    """Store the fields of this POST for the person this browser belongs to; None where there is nothing to keep."""
    pairs = [
        [name, value] for name, values in request.POST.lists() if name not in LEAVE_OUT for value in values if value
    ]
    user = request.user if request.user.is_authenticated else _owner(request)
    if user is None or not pairs:
        return None
    return Rescued.objects.create(user=user, path=request.path[:500], data=json.dumps(pairs, ensure_ascii=False))


def _owner(request: HttpRequest) -> User | None:
    who = request.get_signed_cookie(COOKIE, default=None, salt=COOKIE, max_age=DAYS * 86400)
    return User.objects.filter(pk=who, is_active=True).first() if who else None


def to_login(request: HttpRequest) -> HttpResponse:
    if request.method == "POST":
        keep(request)
        return redirect("account_login")
    return redirect(f"{reverse('account_login')}?{urlencode({'next': request.get_full_path()})}")


def to_second_factor(request: HttpRequest) -> HttpResponse:
    if request.method == "POST":
        keep(request)
    return redirect("organisations:second_factor")

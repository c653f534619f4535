"""Ways in through the section's address: the second factor by code, and a new password by link."""

from __future__ import annotations

from allauth.account.stages import LoginStageController
from allauth.mfa.stages import AuthenticateStage
from allauth.mfa.utils import is_mfa_enabled
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from kyoten.records.models import Refused

from .. import seats
from ..actions import login as acts
from ..forms import CodeForm, NewPasswordForm, RecoverForm
from ..models import User

CODE = "login_code"  # session key: which code this very session asked for; another session's code is no use here


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def second_factor(request: HttpRequest) -> HttpResponse:
    """After the password, for 国・事務局・都道府県: a code sent to the section's address."""
    if seats.showed_second_factor(request):
        return redirect(_next(request))
    if _code_holds(request, request.user):
        seats.mark_second_factor(request, request.user)
        return redirect(_next(request))
    return _page(request, request.user, "organisations/second_factor.html")


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def login_code(request: HttpRequest) -> HttpResponse:
    """Instead of the app or the passkey, while allauth waits for one: the code to the section's address."""
    stage = LoginStageController.enter(request, AuthenticateStage.key)
    if stage is None or request.user.is_authenticated:
        return redirect("account_login")
    person = stage.login.user
    if _code_holds(request, person):
        response = stage.exit()
        seats.mark_second_factor(request, person)
        return response
    return _page(request, person, "organisations/login_code.html")


def _code_holds(request: HttpRequest, person: User) -> bool:
    """Send a code where one was asked for, or check the one typed. True when it was right."""
    if request.method != "POST":
        return False
    try:
        if "send" in request.POST:
            code = acts.send_code(person, at=request.at)
            request.session[CODE] = code.pk
            messages.success(request, f"確認番号を {acts.hidden_address(code.section.email)} に送りました。")
            return False
        acts.check_code(request.session.get(CODE), person, request.POST.get("code", ""), at=request.at)
    except Refused as refusal:
        messages.error(request, str(refusal))
        return False
    del request.session[CODE]
    return True


def _page(request: HttpRequest, person: User, template: str) -> HttpResponse:
    section = acts.section_for(person, request.at)
    context = {
        "form": CodeForm(),
        "sent": CODE in request.session,
        "section": section,
        "address": acts.hidden_address(section.email) if section else "",
        "has_device": is_mfa_enabled(person),
        "next": request.POST.get("next") or request.GET.get("next", ""),
    }
    return render(request, template, context)


def _next(request: HttpRequest) -> str:
    wanted = request.POST.get("next") or request.GET.get("next", "")
    ours = url_has_allowed_host_and_scheme(wanted, allowed_hosts=None)
    return wanted if ours else "/"


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def recover(request: HttpRequest) -> HttpResponse:
    """Ask for a new password. The answer is the same whether the account exists or not."""
    form = RecoverForm(request.POST or None)
    if form.is_valid():
        acts.start_recovery(form.cleaned_data["username"], at=request.at)
        return render(request, "organisations/recover_sent.html")
    return render(request, "organisations/recover.html", {"form": form})


@never_cache
@sensitive_post_parameters("password1", "password2")
@require_http_methods(["GET", "HEAD", "POST"])
def recover_password(request: HttpRequest, token: str) -> HttpResponse:
    code = acts.open_recovery(token, request.at)
    if code is None:
        return render(request, "organisations/recover_over.html", status=410)
    form = NewPasswordForm(request.POST or None, person=code.person)
    if form.is_valid():
        try:
            acts.recover(code, password=form.cleaned_data["password1"], at=request.at)
        except Refused as refusal:
            messages.error(request, str(refusal))
        else:
            messages.success(request, "パスワードを再設定しました。新しいパスワードでログインしてください。")
            return redirect("account_login")
    return render(request, "organisations/recover_password.html", {"form": form, "person": code.person})

"""デモ環境: playing the accounts, moving the clock, jumping to a stage, starting afresh. A 404 elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from functools import wraps

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from kyoten.organisations.models import User
from kyoten.rules.clock import JST
from kyoten.web import demo, stages, world

BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


def only_in_the_demo(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    @wraps(view)
    def guarded(request: HttpRequest, **kwargs) -> HttpResponse:
        if not settings.DEMO:
            raise Http404
        return view(request, **kwargs)

    return guarded


class Clock(forms.Form):
    """A moment of the world's two fiscal years; further away nothing is there to see."""

    day = forms.DateField(label="日付", widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
    time = forms.TimeField(label="時刻", widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"))

    def clean_day(self) -> date:
        day = self.cleaned_data["day"]
        if not date(2025, 4, 1) <= day <= date(2027, 3, 31):
            raise forms.ValidationError("令和7年4月1日から令和9年3月31日までの日付にしてください。")
        return day

    def moment(self) -> datetime:
        return datetime.combine(self.cleaned_data["day"], self.cleaned_data["time"], JST)


@only_in_the_demo
@require_POST
def log_in(request: HttpRequest) -> HttpResponse:
    """One click on the login page: the accounts of the demo are public."""
    names = [account["username"] for account in world.ACCOUNTS]
    person = get_object_or_404(User, username=request.POST.get("username", ""), username__in=names, is_active=True)
    login(request, person, backend=BACKEND)
    return redirect("home")


@only_in_the_demo
def set_clock(request: HttpRequest) -> HttpResponse:
    form = Clock(request.POST or None, initial={"day": request.at.date(), "time": request.at.time()})
    if request.method == "POST" and form.is_valid():
        demo.set_clock(form.moment())
        messages.success(request, "デモ環境の時計を合わせました。")
        return redirect("home" if request.user.is_authenticated else "demo:guide")
    return render(request, "demo/clock.html", {"form": form, "moments": demo.MOMENTS})


@only_in_the_demo
def guide(request: HttpRequest) -> HttpResponse:
    """デモの進め方: the tour of five organisations, and shortcuts to its stages."""
    people = {account["username"]: account for account in world.ACCOUNTS}
    tour = [{**step, "account": people[step["username"]]} for step in stages.TOUR]
    return render(request, "demo/guide.html", {"tour": tour, "stages": stages.STAGES, "password": world.PASSWORD})


@only_in_the_demo
def reset(request: HttpRequest) -> HttpResponse:
    if request.method == "POST":
        start_again(request, stages.STAGES[0].id)
        messages.success(request, "デモ環境を最初の状態に戻しました。")
        return redirect("home" if request.user.is_authenticated else "account_login")
    return render(request, "demo/reset.html")


@only_in_the_demo
@require_POST
def jump(request: HttpRequest) -> HttpResponse:
    """Put the world at a stage: start afresh, then carry out the acts that lead there."""
    stage = stages.by_id(request.POST.get("stage", ""))
    if stage is None:
        raise Http404
    start_again(request, stage.id)
    messages.success(request, f"デモ環境を「{stage.title}」の状態にしました。")
    return redirect("home" if request.user.is_authenticated else "account_login")


def start_again(request: HttpRequest, stage: str) -> None:
    """Everybody's session ends with the old world; who asked for it goes on under the same name."""
    username = request.user.get_username()
    stages.go_to(stage)
    request.session.flush()
    person = User.objects.filter(username=username).first()
    if person:
        login(request, person, backend=BACKEND)

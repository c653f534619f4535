"""Who works here: seats, invitations, transfer; and the person's own page."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth import login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from kyoten.records.models import Event, Refused
from kyoten.rules.wareki import wareki

from .. import seats
from ..actions import people as acts
from ..forms import AcceptForm, GiveSeatForm, InviteForm, NameForm, RoleForm, TransferForm
from ..models import Invitation, Organisation, Seat, Section, User

BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


# ---- the body's people ------------------------------------------------------------------------


def own_sections(request: HttpRequest):
    return Section.objects.valid_on(seats.today(request)).filter(organisation=request.seat.organisation)


def colleagues(request: HttpRequest):
    mine = Seat.objects.filter(section__organisation=request.seat.organisation)
    return User.objects.filter(pk__in=mine.values("person"), is_active=True).order_by("name", "pk")


def own_seat(request: HttpRequest, pk: int) -> Seat:
    """A running seat of the body, for its manager."""
    mine = Seat.objects.in_full().filter(section__organisation=request.seat.organisation, ended_at=None)
    return get_object_or_404(mine, pk=pk)


@require_GET
def list_people(request: HttpRequest) -> HttpResponse:
    own = request.seat.organisation
    running = Seat.objects.in_full().filter(section__organisation=own, ended_at=None)
    today = seats.today(request)
    rows = [seat for seat in running if seat.valid_to is None or seat.valid_to >= today]
    invitations = acts.open_invitations(request.at).filter(section__organisation=own).select_related("section")
    context = {"rows": rows, "invitations": invitations, "today": today, "manager": request.seat.is_manager}
    return render(request, "organisations/people.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def invite(request: HttpRequest) -> HttpResponse:
    """Invite into the own body, or the first manager of a body below (`?section=`)."""
    section = _section_below(request)
    sections = Section.objects.filter(pk=section.pk) if section else own_sections(request)
    roles = [Seat.Role.MANAGER] if section else None
    initial = {"section": section} if section else {}
    form = InviteForm(request.POST or None, sections=sections, roles=roles, initial=initial)
    if form.is_valid():
        try:
            invitation = acts.invite(**form.cleaned_data, by=request.seat, at=request.at)
        except Refused as refusal:
            messages.error(request, str(refusal))
        else:
            address = invitation.section.email
            messages.success(request, f"{invitation.name}さんへの招待を {address} に送りました。")
            return redirect("organisations:first_managers" if section else "organisations:people")
    return render(request, "organisations/invite.html", {"form": form, "section": section})


def _section_below(request: HttpRequest) -> Section | None:
    wanted = request.GET.get("section", "")
    if not wanted.isdecimal() or len(wanted) > 18:
        return None
    sections = Section.objects.valid_on(seats.today(request)).filter(organisation__in=_bodies_below(request))
    return get_object_or_404(sections.select_related("organisation"), pk=wanted)


def _bodies_below(request: HttpRequest):
    """The bodies whose first manager this seat's body makes."""
    own, today = request.seat.organisation, seats.today(request)
    if own.kind == Organisation.Kind.SECRETARIAT:
        return Organisation.objects.filter(kind=Organisation.Kind.PREFECTURE)
    return Organisation.objects.supervised_by(own, today)


@require_GET
def list_first_managers(request: HttpRequest) -> HttpResponse:
    """The bodies below, and which of them have no manager yet."""
    bodies = _bodies_below(request)
    today = seats.today(request)
    managed = set(
        Seat.objects.valid_at(request.at)
        .filter(role=Seat.Role.MANAGER, section__organisation__in=bodies)
        .values_list("section__organisation", flat=True)
    )
    invited = set(
        acts.open_invitations(request.at)
        .filter(role=Seat.Role.MANAGER, section__organisation__in=bodies)
        .values_list("section__organisation", flat=True)
    )
    sections = Section.objects.valid_on(today).filter(organisation__in=bodies, is_default=True)
    default = {section.organisation_id: section for section in sections}
    rows = [
        {"body": body, "managed": body.pk in managed, "invited": body.pk in invited, "section": default.get(body.pk)}
        for body in bodies
    ]
    return render(request, "organisations/first_managers.html", {"rows": rows})


@require_POST
def revoke_invitation(request: HttpRequest, pk: int) -> HttpResponse:
    rows = Invitation.objects.select_related("section", "invited_by__section__organisation")
    invitation = get_object_or_404(rows, pk=pk, section__organisation=request.seat.organisation)
    try:
        acts.revoke_invitation(invitation, by=request.seat, at=request.at)
    except Refused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, f"{invitation.name}さんへの招待を取り消しました。")
    return redirect("organisations:people")


@require_http_methods(["GET", "HEAD", "POST"])
def give_seat(request: HttpRequest) -> HttpResponse:
    form = GiveSeatForm(request.POST or None, colleagues=colleagues(request), sections=own_sections(request))
    if form.is_valid():
        try:
            seat = acts.give_seat(**form.cleaned_data, by=request.seat, at=request.at)
        except Refused as refusal:
            messages.error(request, str(refusal))
        else:
            messages.success(request, f"{seat.person.name}さんに「{seat.section.name}」の席を追加しました。")
            return redirect("organisations:people")
    return render(request, "organisations/give_seat.html", {"form": form})


@require_http_methods(["GET", "HEAD", "POST"])
def change_role(request: HttpRequest, pk: int) -> HttpResponse:
    seat = own_seat(request, pk)
    form = RoleForm(request.POST or None, initial={"role": seat.role})
    if form.is_valid():
        try:
            acts.change_role(seat, role=form.cleaned_data["role"], by=request.seat, at=request.at)
        except Refused as refusal:
            messages.error(request, str(refusal))
        else:
            messages.success(request, f"{seat.person.name}さんの役割を「{seat.get_role_display()}」に変更しました。")
            return redirect("organisations:people")
    history = Event.objects.of("seat", seat.pk)
    return render(request, "organisations/seat.html", {"form": form, "held": seat, "history": history})


@require_http_methods(["GET", "HEAD", "POST"])
def transfer(request: HttpRequest, pk: int) -> HttpResponse:
    """異動: end the seat, now or on a day, with or without a successor."""
    seat = own_seat(request, pk)
    others = colleagues(request).exclude(pk=seat.person_id)
    form = TransferForm(request.POST or None, colleagues=others)
    if form.is_valid():
        try:
            acts.transfer(seat, **form.cleaned_data, by=request.seat, at=request.at)
        except Refused as refusal:
            messages.error(request, str(refusal))
        else:
            messages.success(request, _transferred(seat))
            return redirect("organisations:people")
    return render(request, "organisations/transfer.html", {"form": form, "held": seat})


def _transferred(seat: Seat) -> str:
    until = f"{wareki(seat.valid_to)}まで使えます" if seat.ended_at is None else "使えなくなりました"
    return f"{seat.person.name}さんの席は{until}。扱っていた案件は「{seat.section.name}」に残っています。"


# ---- an invitation's link ---------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
def accept(request: HttpRequest, token: str) -> HttpResponse:
    """The page of an invitation. Opening it changes nothing: mail scanners open every link."""
    invitation = acts.open_invitation(token, request.at)
    if invitation is None:
        return render(request, "organisations/accept_over.html", status=410)
    form = AcceptForm(request.POST or None, name=invitation.name)
    if request.user.is_authenticated:
        form = None
    if request.method == "POST":
        response = _accept(request, invitation, form)
        if response:
            return response
    return render(request, "organisations/accept.html", {"invitation": invitation, "form": form, "token": token})


def _accept(request: HttpRequest, invitation: Invitation, form: AcceptForm | None) -> HttpResponse | None:
    if form is not None and not form.is_valid():
        return None
    try:
        if form is None:
            seat = acts.accept_as(invitation, person=request.user, at=request.at)
        else:
            data = form.cleaned_data
            seat = acts.accept(invitation, username=data["username"], password=data["password1"], at=request.at)
    except Refused as refusal:
        messages.error(request, str(refusal))
        return None
    if form is not None:
        login(request, seat.person, backend=BACKEND)
        seats.mark_second_factor(request, seat.person)  # the link came through the section's address
    request.session[seats.SEAT] = seat.pk
    messages.success(request, f"「{seat.section}」の「{seat.get_role_display()}」の席につきました。")
    return redirect("organisations:me")


# ---- the person's own page --------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
def me(request: HttpRequest) -> HttpResponse:
    """自分の設定: name, seats, password, second factors."""
    form = NameForm(request.POST or None, initial={"name": request.user.name})
    if form.is_valid():
        try:
            acts.rename_person(request.user, name=form.cleaned_data["name"], by=request.seat, at=request.at)
        except Refused as refusal:
            messages.error(request, str(refusal))
        else:
            messages.success(request, "氏名を変更しました。これまでの記録は、そのときの氏名のままです。")
            return redirect("organisations:me")
    later = Seat.objects.in_full().filter(
        person=request.user, ended_at=None, valid_from__gt=timezone.localdate(request.at)
    )
    context = {"form": form, "own_seats": seats.seats_of(request), "later": later}
    return render(request, "organisations/me.html", context)


@require_POST
def switch_seat(request: HttpRequest) -> HttpResponse:
    wanted = request.POST.get("seat", "")
    seat = next((seat for seat in seats.seats_of(request) if str(seat.pk) == wanted), None)
    if seat is None:
        messages.error(request, "その席は、いまは使えません。")
        return redirect("organisations:me")
    request.session[seats.SEAT] = seat.pk
    messages.success(request, f"「{seat.section}」の席に切り替えました。")
    return redirect("/")

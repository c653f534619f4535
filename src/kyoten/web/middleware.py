"""What every request gets: its moment, its seat, and the answer of the route table."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.cache import add_never_cache_headers

from kyoten.organisations.seats import current_seat, needs_second_factor
from kyoten.web import demo, rescue
from kyoten.web.routes import ROUTES, Access

Handler = Callable[[HttpRequest], HttpResponse]


def moment(get_response: Handler) -> Handler:
    """Stamp `request.at` once: a deadline is judged by when the request arrived, not by when a check runs."""

    def middleware(request: HttpRequest) -> HttpResponse:
        real = timezone.now()
        request.at = timezone.localtime(demo.shifted(real) if settings.DEMO else real)
        return get_response(request)

    return middleware


def seat(get_response: Handler) -> Handler:
    """Put the seat the person works from on the request; nothing personal is ever cached by a browser or proxy."""

    def middleware(request: HttpRequest) -> HttpResponse:
        request.seat = current_seat(request)
        response = get_response(request)
        if request.user.is_authenticated and not response.has_header("Cache-Control"):
            add_never_cache_headers(response)
        if request.user.is_authenticated:
            rescue.remember(request, response)
        return response

    return middleware


class access:  # noqa: N801 - named like its neighbours in MIDDLEWARE; a class because Django looks process_view up on it
    """Ask the route table who may call this view. A refusal is the 404 of a thing that does not exist."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view, args, kwargs) -> HttpResponse | None:
        row = ROUTES.get(request.resolver_match.view_name)
        if row is None:
            raise Http404
        if row.open:
            return None
        if not request.user.is_authenticated:
            return rescue.to_login(request)
        if needs_second_factor(request) and not row.before_second_factor:
            return rescue.to_second_factor(request)
        if not allowed(row, request):
            raise Http404
        return None


def allowed(row: Access, request: HttpRequest) -> bool:
    if row.anyone:
        return True
    seat = request.seat
    if seat is None:
        return False
    if row.kinds and seat.organisation.kind not in row.kinds:
        return False
    if row.manager and seat.role != "manager":
        return False
    return not row.acts or seat.may_act or request.method in ("GET", "HEAD")

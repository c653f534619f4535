"""What every request gets: its moment, its seat, and the answer of the route table."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, QueryDict
from django.utils import timezone
from django.utils.cache import add_never_cache_headers

from kyoten.organisations.seats import current_seat, needs_second_factor
from kyoten.web import demo, rescue
from kyoten.web.routes import ROUTES, Access

Handler = Callable[[HttpRequest], HttpResponse]
IDLE = 30 * 60  # seconds without a request, in real time also in the demo
LONGEST = 12 * 3600  # seconds from login
READING = ("GET", "HEAD")
TOUCH = 60  # a session is written at most once in so many seconds


def moment(get_response: Handler) -> Handler:
    """Stamp `request.at` once: a deadline is judged by when the request arrived, not by when a check runs."""

    def middleware(request: HttpRequest) -> HttpResponse:
        real = timezone.now()
        shifted = settings.DEMO and not request.path.startswith(settings.STATIC_URL)
        request.at = timezone.localtime(demo.shifted(real) if shifted else real)
        return get_response(request)

    return middleware


def seat(get_response: Handler) -> Handler:
    """Put the seat the person works from on the request; nothing personal is ever cached by a browser or proxy."""

    def middleware(request: HttpRequest) -> HttpResponse:
        end_old_session(request)
        request.seat = None if needs_second_factor(request) else current_seat(request)
        response = get_response(request)
        rescue.keep_refused(request, response)
        if request.user.is_authenticated:
            if not response.has_header("Cache-Control"):
                add_never_cache_headers(response)
            rescue.remember(request, response)
        return response

    return middleware


def end_old_session(request: HttpRequest) -> None:
    """Log out after 30 minutes without a request, and 12 hours after login in any case."""
    if not request.user.is_authenticated:
        return
    session, now = request.session, int(timezone.now().timestamp())
    since, seen = session.get("since", now), session.get("seen", now)
    if now - seen > IDLE or now - since > LONGEST:
        logout(request)
        messages.info(request, "しばらく操作がなかったため、ログアウトしました。もう一度ログインしてください。")
    elif "since" not in session or now - seen >= TOUCH:
        session["since"], session["seen"] = since, now


class access:  # noqa: N801 - named like its neighbours in MIDDLEWARE; a class because Django looks process_view up on it
    """Ask the route table who may call this view. A refusal is the 404 of a thing that does not exist."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view, args, kwargs) -> HttpResponse | None:
        take_out_nul(request)
        row = ROUTES.get(request.resolver_match.view_name)
        if row is None:
            raise Http404
        if row.open:
            return None
        if not request.user.is_authenticated:
            return rescue.to_login(request)
        if needs_second_factor(request) and not row.before_second_factor:
            return rescue.to_second_factor(request)
        if not allowed(row, request.seat):
            raise Http404
        if request.method not in READING and row.only_read:
            return HttpResponseNotAllowed(READING)
        if request.method not in READING and row.acts and not request.seat.may_act:
            raise PermissionDenied  # 閲覧: sees the page, so may be told; the 403 page says to change the seat
        if rescue.SENT_AGAIN in request.POST:
            rescue.sent_again(request)
        return None


def take_out_nul(request: HttpRequest) -> None:
    """No database holds a NUL and no keyboard types one: what a request says is read without it, everywhere."""
    request.GET = without_nul(request.GET)
    if request.method == "POST":
        request.POST = without_nul(request.POST)


def without_nul(said: QueryDict) -> QueryDict:
    if not any("\0" in value for _, values in said.lists() for value in values):
        return said
    clean = said.copy()
    for name, values in said.lists():
        clean.setlist(name, [value.replace("\0", "") for value in values])
    return clean


def allowed(row: Access, seat) -> bool:
    """May this seat (None: a person without one) call the view at all?"""
    if row.anyone:
        return True
    if seat is None:
        return False
    if row.kinds and seat.organisation.kind not in row.kinds:
        return False
    return not row.manager or seat.is_manager

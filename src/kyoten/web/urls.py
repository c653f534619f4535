"""Every address of the platform. Each app brings its own; here they are put together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from django.urls import URLPattern, URLResolver, get_resolver, include, path

from kyoten.web.views import demo, errors, home, rescue, sorting

rescue_urls = [
    path("", rescue.list_kept, name="list"),
    path("<int:pk>/", rescue.open_kept, name="open"),
    path("<int:pk>/delete/", rescue.delete_kept, name="delete"),
]
demo_urls = [
    path("", demo.guide, name="guide"),
    path("login/", demo.log_in, name="login"),
    path("clock/", demo.set_clock, name="clock"),
    path("jump/", demo.jump, name="jump"),
    path("reset/", demo.reset, name="reset"),
]
sorting_urls = [
    path("", sorting.list_mails, name="list"),
    path("hand-in/", sorting.hand_in, name="hand_in"),
    path("<int:pk>/", sorting.show_mail, name="mail"),
    path("<int:pk>/file/<int:number>/", sorting.mail_file, name="file"),
    path("<int:pk>/change/", sorting.change, name="change"),
    path("<int:pk>/settle/", sorting.settle, name="settle"),
]
urlpatterns = [
    path("", home.home, name="home"),
    path("healthz", errors.health, name="health"),
    path("kept/", include((rescue_urls, "rescue"))),
    path("demo/", include((demo_urls, "demo"))),
    path("", include("kyoten.organisations.account_urls")),
    path("", include("kyoten.organisations.urls")),
    path("programmes/", include("kyoten.programmes.urls")),
    path("inquiries/", include("kyoten.inquiries.urls")),
    path("calls/", include("kyoten.calls.urls")),
    path("sorting/", include((sorting_urls, "sorting"))),
    path("post/", include("kyoten.post.urls")),
    path("desk/", include("kyoten.consultations.urls")),
    path("examples/", include("kyoten.consultations.example_urls")),
]

handler400 = errors.bad_request
handler403 = errors.forbidden
handler404 = errors.not_found
handler429 = errors.too_many_requests  # asked for by allauth
handler500 = errors.server_error


def routes() -> set[str]:
    """Every view name of the platform, as `namespace:name`; a view without a name is listed by its path in the code."""
    return set(_names(get_resolver().url_patterns))


def _names(patterns: Iterable[URLPattern | URLResolver], prefix: str = "") -> Iterator[str]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            namespace = f"{prefix}{pattern.namespace}:" if pattern.namespace else prefix
            yield from _names(pattern.url_patterns, namespace)
        else:
            yield prefix + (pattern.name or pattern.lookup_str)

"""The app that composes the others: addresses, home, the demo, and the law of the route table."""

from django.apps import AppConfig
from django.core.checks import Error, Tags, register


class Web(AppConfig):
    name = "kyoten.web"

    def ready(self) -> None:
        register(check_routes, Tags.urls)


def check_routes(**_) -> list[Error]:
    """Every view has a row in the route table, and every row a view."""
    from kyoten.web.routes import ROUTES
    from kyoten.web.urls import routes

    names = routes()
    hint = "src/kyoten/web/routes.py"
    missing = [
        Error(f"The route {name} has no row in the route table.", hint, id="kyoten.E001")
        for name in names - set(ROUTES)
    ]
    stale = [
        Error(f"The row {name} of the route table has no route.", hint, id="kyoten.E002")
        for name in set(ROUTES) - names
    ]
    return sorted(missing + stale, key=lambda error: error.msg)

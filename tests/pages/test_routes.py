"""The route table is law: what has no row does not exist, and the build says so."""

from kyoten.web.apps import check_routes
from kyoten.web.routes import ROUTES
from kyoten.web.urls import routes


def test_every_route_has_a_row_and_every_row_a_route():
    assert routes() == set(ROUTES)


def test_a_route_without_a_row_fails_the_system_check(monkeypatch):
    monkeypatch.delitem(ROUTES, "home")
    assert [error.msg for error in check_routes()] == ["The route home has no row in the route table."]


def test_a_row_without_a_route_fails_the_system_check(monkeypatch):
    monkeypatch.setitem(ROUTES, "gone", ROUTES["home"])
    assert [error.msg for error in check_routes()] == ["The row gone of the route table has no route."]

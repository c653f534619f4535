"""A page of a long list: its rows in order, how many there are in all, and numbers that mean no page."""

import pytest

from kyoten.calls.views.pages import page_of
from kyoten.organisations.models import Organisation

pytestmark = pytest.mark.django_db
NAMES = [f"見本市{number:03}" for number in range(120)]


@pytest.fixture
def rows():
    Organisation.objects.bulk_create(Organisation(kind="municipality", name=name, search=name) for name in NAMES)
    return Organisation.objects.filter(name__in=NAMES).order_by("-name")


@pytest.mark.parametrize(
    ("number", "page", "names"),
    [
        (None, 1, NAMES[:69:-1]),
        ("2", 2, NAMES[69:19:-1]),
        ("3", 3, NAMES[19::-1]),
        ("4", 3, NAMES[19::-1]),
        ("99999999", 3, NAMES[19::-1]),
        ("0", 1, NAMES[:69:-1]),
        ("-1", 1, NAMES[:69:-1]),
        ("二", 1, NAMES[:69:-1]),
        ("²", 1, NAMES[:69:-1]),
        ("9" * 30, 1, NAMES[:69:-1]),
    ],
)
def test_each_number_has_its_rows(rows, number, page, names):
    found = page_of(rows, number)
    assert (found.number, found.paginator.count, [row.name for row in found]) == (page, 120, names)


def test_a_list_without_rows_is_one_empty_page():
    found = page_of(Organisation.objects.none(), "2")
    assert (found.number, found.paginator.num_pages, list(found)) == (1, 1, [])

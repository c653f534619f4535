"""What every test finds: a folder of its own for files, and the world of made-up people (tests/world.py)."""

from importlib.util import find_spec

import pytest

if find_spec("tests.world"):
    pytest_plugins = ["tests.world"]


@pytest.fixture(autouse=True)
def own_files(settings, tmp_path):
    """Attachments of one test never meet those of another."""
    settings.FILES = tmp_path / "files"


@pytest.fixture
def demo(settings):
    """Switches the demonstration on for one test."""
    settings.DEMO = True

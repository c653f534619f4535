"""What every test finds: a folder of its own for files, and the world of made-up people (tests/world.py)."""

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

# How long an example takes depends on what else the machine is doing, and says nothing about the code.
hypothesis_settings.register_profile(
    "kyoten", deadline=None, suppress_health_check=[HealthCheck.too_slow], database=None
)
hypothesis_settings.load_profile("kyoten")

pytest_plugins = ["tests.world"]


@pytest.fixture(autouse=True)
def own_files(settings, tmp_path):
    """Attachments of one test never meet those of another."""
    settings.FILES = tmp_path / "files"


@pytest.fixture
def demo(settings):
    """Switches the demonstration on for one test."""
    settings.DEMO = True

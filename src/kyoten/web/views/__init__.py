"""Screens that belong to no app: home, the demo, kept input, and what is shown when something goes wrong."""

from kyoten.web.views.errors import csrf_failure, locked_out

__all__ = ["csrf_failure", "locked_out"]  # named in the settings

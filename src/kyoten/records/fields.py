"""Form fields every app uses."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator

FIRST_DAY, LAST_DAY = date(2000, 1, 1), date(2099, 12, 31)  # 0025-07-31 is a slip, and no calendar can show it


class DayField(forms.DateField):
    """A day of our time, in the browser's calendar."""

    def __init__(self, **options: Any) -> None:
        widget = forms.DateInput(attrs={"type": "date", "min": FIRST_DAY, "max": LAST_DAY}, format="%Y-%m-%d")
        said = {"invalid": "日付は 2025-07-31 の形で入れてください。"}
        options["error_messages"] = said | options.get("error_messages", {})
        year = "日付の年を確かめてください（西暦で入れます）。"
        limits = [MinValueValidator(FIRST_DAY, year), MaxValueValidator(LAST_DAY, year)]
        super().__init__(widget=widget, validators=limits, **options)

"""Who may call which route. A view name without a row here does not exist (and fails the build).

`open`: without login. `anyone`: every logged-in person, seat or not. `kinds`: kinds of organisation whose seats may
call it (empty: all kinds). `acts`: POST needs a seat that may act (not 閲覧). `manager`: only 管理 seats. What a seat
sees of the *rows* behind a route is decided by the models' `visible_to`, not here.
"""

from __future__ import annotations

from dataclasses import dataclass

SECRETARIAT = ("secretariat",)
PREFECTURE = ("prefecture",)
MINISTRY = ("ministry",)
APPLICANTS = ("municipality", "hub", "association", "health_centre")


@dataclass(frozen=True)
class Access:
    open: bool = False
    anyone: bool = False
    kinds: tuple[str, ...] = ()
    acts: bool = False
    manager: bool = False
    before_second_factor: bool = False


OPEN = Access(open=True)
ANYONE = Access(anyone=True)
SEAT = Access()
ACTS = Access(acts=True)

ROUTES: dict[str, Access] = {
    "home": SEAT,
}

"""One lock for the work of one body."""

from __future__ import annotations

from kyoten.organisations.models import Organisation


def hold(body: int) -> None:
    """Acts on what one body asks and gathers wait for each other here, to the end of the transaction.

    Taken before any other lock but the call's: two acts that touch the same rows in different order then never wait
    for each other in a circle. `no_key`: rows that point to the body can be inserted meanwhile.
    """
    Organisation.objects.select_for_update(no_key=True).get(pk=body)

"""Bodies, their sections, who supervises whom, areas and hubs, and the people who hold seats."""

from .areas import Area, Designation
from .bodies import (
    NATIONAL,
    AddressConfirmation,
    AddressImport,
    Organisation,
    OrganisationName,
    Section,
    SectionName,
    Supervision,
)
from .people import Invitation, LoginCode, Seat, User

__all__ = [
    "NATIONAL",
    "AddressConfirmation",
    "AddressImport",
    "Area",
    "Designation",
    "Invitation",
    "LoginCode",
    "Organisation",
    "OrganisationName",
    "Seat",
    "Section",
    "SectionName",
    "Supervision",
    "User",
]

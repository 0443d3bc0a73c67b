"""What bodies put at others' disposal."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import ClassVar

from services.mapping.items.rules import Item, OrganisationMissing, Subject, require_day

MOST_CENTS = 10**13
"""A hundred thousand million euros: more is a slip of the pen."""


class Kind(StrEnum):
    ECONOMIC = "economic"
    KNOWLEDGE = "knowledge"
    ORGANISATIONAL = "organisational"
    PROFESSIONAL = "professional"
    RELATIONAL = "relational"


class MoneyElsewhere(Exception):
    """Only economic resources have an amount."""


@dataclass(eq=False, kw_only=True)
class Resource(Item):
    """Offered by `organisation_id` from `since` until `expires_on` (exclusive) to the kinds of organisation in
    `available_to`, to all when there is none. `cents` are euro cents."""

    subject: ClassVar[Subject] = Subject.RESOURCE
    substantial: ClassVar[frozenset[str]] = frozenset(
        {"title", "kind", "organisation_id", "territories", "description", "cents", "available_to", "visibility",
         "shared_with"}
    )  # fmt: skip

    kind: Kind
    description: str | None = None
    cents: int | None = None
    themes: list[str] = field(default_factory=list)
    available_to: list[str] = field(default_factory=list)
    since: date | None = None

    def check(self, on: date) -> None:
        """Raises OrganisationMissing, MoneyElsewhere, InvalidDay."""
        if self.organisation_id is None:
            raise OrganisationMissing
        if self.cents is not None and self.kind is not Kind.ECONOMIC:
            raise MoneyElsewhere
        require_day("since", self.since)
        require_day("until", self.expires_on, earliest=max(on, self.since or on))

"""Places where people meet and are received, and when they are open."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID

import phonenumbers

from services.mapping.items.rules import Item, Subject


class Kind(StrEnum):
    COMMUNITY_HOUSE_HUB = "community_house_hub"
    COMMUNITY_HOUSE_SPOKE = "community_house_spoke"
    CIVIC_CENTRE = "civic_centre"
    COMMUNITY_LABORATORY = "community_laboratory"
    CLINIC = "clinic"
    OTHER = "other"


class Activity(StrEnum):
    """What is done in a community laboratory."""

    FAMILY_WORK = "family_work"
    SOLIDARITY_PURCHASING = "solidarity_purchasing"
    HOUSING = "housing"
    URBAN_ANIMATION = "urban_animation"


class ActivitiesElsewhere(Exception):
    """Only community laboratories have activities."""


class HalfAPosition(Exception):
    """A latitude without a longitude, or the other way round."""


class MunicipalityMissing(Exception):
    """A place is somewhere."""


@dataclass(eq=False, kw_only=True)
class Place(Item):
    """`hours` are opening hours as `hours.Opening` writes them; the position is WGS 84; the working group that it can
    rely on is `body_id`."""

    subject: ClassVar[Subject] = Subject.PLACE
    substantial: ClassVar[frozenset[str]] = frozenset(
        {"title", "kind", "activities", "organisation_id", "municipality", "address", "visibility", "shared_with"}
    )

    kind: Kind
    activities: list[str] = field(default_factory=list)
    address: str | None = None
    postcode: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    phone: str | None = None
    email: str | None = None
    website: str | None = None
    note: str | None = None
    hours: list[dict[str, Any]] = field(default_factory=list)
    import_id: UUID | None = None
    identity: str | None = None

    def check(self, on: date) -> None:  # noqa: ARG002
        """Raises ActivitiesElsewhere, HalfAPosition, MunicipalityMissing."""
        if not self.municipality:
            raise MunicipalityMissing
        if self.activities and self.kind is not Kind.COMMUNITY_LABORATORY:
            raise ActivitiesElsewhere
        if (self.latitude is None) != (self.longitude is None):
            raise HalfAPosition


def in_order(activities: Iterable[str]) -> list[str]:
    """Each once, as the vocabulary has them."""
    given = set(activities)
    return [str(one) for one in Activity if one in given]


class InvalidPhone(Exception):
    """No number that can be called."""


def phone_of(given: str) -> str:
    """The number as `+390372404238`; without a prefix it is an Italian one. Raises InvalidPhone."""
    try:
        number = phonenumbers.parse(given, "IT")
    except phonenumbers.NumberParseException as error:
        raise InvalidPhone from error
    if not phonenumbers.is_possible_number(number) or number.extension:
        raise InvalidPhone
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)

"""Entering and changing places."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints
from sqlalchemy.ext.asyncio import AsyncSession

from services.mapping.items import commands as items
from services.mapping.items.commands import Code, Line, Networks, Prose, Title, Web, plain
from services.mapping.items.queries import Shown
from services.mapping.items.rules import Visibility
from services.mapping.places import hours
from services.mapping.places.hours import Opening
from services.mapping.places.rules import Activity, Kind, Place, in_order, phone_of
from shared.access import loading
from shared.access.actor import Actor
from shared.runtime.shapes import Request

Clock = Annotated[str, StringConstraints(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
Email = Annotated[
    str, StringConstraints(strip_whitespace=True, max_length=254, pattern=r"^[\x21-\x3f\x41-\x7e]+@[A-Za-z0-9.-]+$")
]
EXAMPLE: dict[str, Any] = {
    "title": "Centro civico Borgo Loreto",
    "kind": "civic_centre",
    "municipality": "D150",
    "address": "Via Litta 4",
    "postcode": "26100",
    "latitude": 45.1371,
    "longitude": 10.0388,
    "phone": "0372 407340",
    "website": "https://example.org/civico",
    "hours": [{"rrule": "FREQ=WEEKLY;BYDAY=MO,WE,FR", "opens": "09:00", "closes": "12:30"}],
    "visibility": "public",
}


class OpeningBody(Request):
    """Open from `opens` to `closes`, Italian time, on the days of the RRULE (DAILY, WEEKLY, MONTHLY or YEARLY with
    INTERVAL, BYDAY, BYMONTHDAY, BYMONTH, UNTIL), from `since` until `until` (exclusive). The end of a day is 00:00."""

    rrule: Annotated[str, Field(max_length=hours.LONGEST)]
    opens: Clock
    closes: Clock
    since: date | None = None
    until: date | None = None
    note: Line | None = None

    def opening(self) -> Opening:
        times = (time.fromisoformat(self.opens), time.fromisoformat(self.closes))
        return Opening(self.rrule.strip(), *times, self.since, self.until, self.note or None)


Openings = Annotated[tuple[OpeningBody, ...], Field(max_length=hours.MOST)]
Activities = Annotated[tuple[Activity, ...], Field(max_length=len(Activity))]
Phone = Annotated[
    str, StringConstraints(strip_whitespace=True, max_length=40), AfterValidator(items.without_surrogates)
]


class PlaceBody(Request):
    """`municipality` by cadastral or ISTAT code; `organisation_id` runs it; `body_id` is the working group on which it
    can rely. With `draft` it is looked at by nobody until it is proposed."""

    model_config = ConfigDict(extra="forbid", frozen=True, json_schema_extra={"examples": [EXAMPLE]})

    title: Title
    kind: Kind
    municipality: Code
    activities: Activities = ()
    organisation_id: UUID | None = None
    body_id: UUID | None = None
    address: Line | None = None
    postcode: Annotated[str, StringConstraints(pattern=r"^[0-9]{5}$")] | None = None
    latitude: Annotated[float, Field(ge=35, le=48, allow_inf_nan=False)] | None = None
    longitude: Annotated[float, Field(ge=6, le=19, allow_inf_nan=False)] | None = None
    phone: Phone | None = None
    email: Email | None = None
    website: Web | None = None
    note: Prose | None = None
    hours: Openings = ()
    visibility: Visibility = Visibility.NETWORK
    shared_with: Networks = ()
    draft: bool = False


class PlaceChange(Request):
    """Only what is given changes."""

    model_config = ConfigDict(extra="forbid", frozen=True, json_schema_extra={"examples": [{"phone": "0372 407341"}]})

    title: Title = ""
    kind: Kind = Kind.OTHER
    municipality: Code = ""
    activities: Activities = ()
    organisation_id: UUID | None = None
    body_id: UUID | None = None
    address: Line | None = None
    postcode: Annotated[str, StringConstraints(pattern=r"^[0-9]{5}$")] | None = None
    latitude: Annotated[float, Field(ge=35, le=48, allow_inf_nan=False)] | None = None
    longitude: Annotated[float, Field(ge=6, le=19, allow_inf_nan=False)] | None = None
    phone: Phone | None = None
    email: Email | None = None
    website: Web | None = None
    note: Prose | None = None
    hours: Openings = ()
    visibility: Visibility = Visibility.NETWORK
    shared_with: Networks = ()


async def propose(session: AsyncSession, actor: Actor, ref: str, request: PlaceBody, *, now: datetime) -> Shown[Place]:
    """Raises ActivitiesElsewhere, HalfAPosition, InvalidHours, InvalidPhone and what `items.create` does."""
    network_id = await loading.network_id(session, ref)
    place = Place(network_id=network_id, **fields(request, draft=True))
    return await items.create(session, actor, place, draft=request.draft, now=now)


async def change(
    session: AsyncSession,
    actor: Actor,
    place_id: UUID,
    request: PlaceChange,
    *,
    expected: int | None,
    now: datetime,
    confirms: bool = False,
) -> Shown[Place]:
    """Raises what `propose` does, and Closed."""
    return await items.change(
        session, actor, Place, place_id, fields(request), expected=expected, now=now, confirms=confirms
    )


def fields(request: PlaceBody | PlaceChange, *, draft: bool = False) -> dict[str, Any]:
    """What was given, as the entity has it. Raises InvalidHours, InvalidPhone, UnknownTerritory."""
    given = plain(request.model_dump(exclude_unset=not draft, exclude={"hours", "draft"}))
    if given.get("phone"):
        given["phone"] = phone_of(given["phone"])
    if "activities" in given:
        given["activities"] = in_order(given["activities"])
    if "hours" in request.model_fields_set or draft:
        given["hours"] = hours.checked([opening.opening() for opening in request.hours])
    return given

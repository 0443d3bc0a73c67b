"""HTTP of places."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel, Field
from starlette.responses import Response

from services.mapping.items.queries import Shown
from services.mapping.items.routes import Asked, ItemOut, Network, common, steps
from services.mapping.places import commands, queries
from services.mapping.places.commands import PlaceBody, PlaceChange
from services.mapping.places.hours import InvalidHours, Open, open_at
from services.mapping.places.queries import Hours, Summary
from services.mapping.places.rules import (
    ActivitiesElsewhere,
    Activity,
    HalfAPosition,
    InvalidPhone,
    Kind,
    MunicipalityMissing,
    Place,
)
from services.mapping.territories.queries import named
from services.mapping.territories.routes import TerritoryRef
from shared.access.actor import ROME
from shared.runtime.edge import Anyone, At, Edge
from shared.runtime.paging import After, Limit, PageOut
from shared.runtime.problems import Problems, problem
from shared.runtime.vocabularies import vocabulary

routes = APIRouter(tags=["places"])
HREF = "/mapping/v1/places"


class OpeningOut(BaseModel):
    rrule: str
    opens: str
    closes: str
    since: date | None
    until: date | None
    note: str | None


class PlaceOut(ItemOut):
    """`organisation` runs it, `body` is the working group on which it can rely. `open_now` is null when nobody has said
    when it is open."""

    kind: Kind
    activities: list[Activity]
    municipality: TerritoryRef
    address: str | None
    postcode: str | None
    latitude: float | None = Field(description="WGS 84 degrees")
    longitude: float | None
    phone: str | None
    email: str | None
    website: str | None
    note: str | None
    hours: list[OpeningOut]
    open_now: bool | None

    @classmethod
    def of(cls, shown: Shown[Place], at: Edge) -> PlaceOut:
        place = shown.item
        return cls.model_construct(
            **common(shown, HREF),
            kind=place.kind,
            activities=[Activity(one) for one in place.activities],
            municipality=TerritoryRef.of(named(place.municipality or "")),
            address=place.address,
            postcode=place.postcode,
            latitude=place.latitude,
            longitude=place.longitude,
            phone=place.phone,
            email=place.email,
            website=place.website,
            note=place.note,
            hours=[OpeningOut.model_construct(**one) for one in place.hours],
            open_now=open_at(place.hours, at.now),
        )


class OpenOut(BaseModel):
    """Instants in Italian time."""

    opens_at: datetime
    closes_at: datetime

    @classmethod
    def of(cls, one: Open) -> OpenOut:
        return cls(opens_at=one.opens_at.astimezone(ROME), closes_at=one.closes_at.astimezone(ROME))


class HoursOut(BaseModel):
    """Whether it is open at an instant, the opening that runs then or comes next (within a year), and all openings of
    that instant's week, Monday to Sunday."""

    at: datetime
    open: bool | None
    next: OpenOut | None
    monday: date
    week: list[OpenOut]

    @classmethod
    def of(cls, found: Hours) -> HoursOut:
        return cls(
            at=found.at,
            open=found.open,
            next=OpenOut.of(found.next) if found.next else None,
            monday=found.monday,
            week=[OpenOut.of(one) for one in found.week],
        )


class KindCountOut(BaseModel):
    kind: Kind
    places: int


class ActivityCountOut(BaseModel):
    activity: Activity
    places: int


class SummaryOut(BaseModel):
    """How many places there are of each kind and, of the laboratories, with each activity; zeroes included."""

    total: int
    kinds: list[KindCountOut]
    activities: list[ActivityCountOut]

    @classmethod
    def of(cls, found: Summary) -> SummaryOut:
        return cls(
            total=found.total,
            kinds=[KindCountOut(kind=kind, places=n) for kind, n in found.kinds.items()],
            activities=[ActivityCountOut(activity=one, places=n) for one, n in found.activities.items()],
        )


@routes.post("/networks/{network}/places", status_code=201, response_model=PlaceOut)
async def propose(network: Network, body: PlaceBody, at: At) -> Response:
    """Proposes a place of one's organisation, or enters it as a draft. It is on the map once the organisation's
    referent and the coordinator of its region have looked at it."""
    return await at.command(
        commands.propose,
        network,
        body,
        out=lambda shown: PlaceOut.of(shown, at),
        location=lambda shown: f"{HREF}/{shown.item.id}",
    )


@routes.get("/networks/{network}/places", response_model=PageOut[PlaceOut])
async def listed(
    network: Network,
    at: Anyone,
    asked: Asked,
    kind: Annotated[list[Kind], Query(max_length=6)] = [],  # noqa: B006 (FastAPI copies defaults)
    activity: Annotated[list[Activity], Query(max_length=4)] = [],  # noqa: B006
    after: After = None,
    limit: Limit = 50,
) -> Response:
    """The places of a network that the caller may see: without signing in, the public ones that are validated. JSON, or
    CSV with `Accept: text/csv`."""
    return await at.page(
        queries.listed,
        network,
        asked,
        kind=kind,
        activity=activity,
        after=after,
        limit=limit,
        out=lambda shown: PlaceOut.of(shown, at),
        model=PlaceOut,
    )


@routes.get("/networks/{network}/places/summary", response_model=SummaryOut)
async def summary(network: Network, at: Anyone, asked: Asked) -> Response:
    """Counts of the places that the caller may see, of those that are validated unless `state` says otherwise."""
    return await at.read(queries.summary, network, asked, out=SummaryOut.of)


@routes.get("/places/{id}", response_model=PlaceOut)
async def one(id: UUID, at: Anyone) -> Response:  # noqa: A002 (the name in the path)
    """A place."""
    return await at.read(queries.get, id, out=lambda shown: PlaceOut.of(shown, at))


@routes.get("/places/{id}/hours", response_model=HoursOut)
async def open_hours(
    id: UUID,  # noqa: A002
    at: Anyone,
    instant: Annotated[AwareDatetime | None, Query(alias="at", description="Now, unless given")] = None,
) -> Response:
    """Is it open, when will it be, and the times of the week."""
    return await at.read(queries.open_hours, id, instant, out=HoursOut.of)


@routes.patch("/places/{id}", response_model=PlaceOut)
async def change(id: UUID, body: PlaceChange, at: At) -> Response:  # noqa: A002
    """Changes what is given. What matters of a validated place (name, kind, activities, who runs it, where it is, who
    sees it) is looked at again; telephone, hours and the like are not. Needs If-Match."""
    return await at.command(commands.change, id, body, expected=at.if_match(), out=lambda shown: PlaceOut.of(shown, at))


steps(routes, "/places", Place, PlaceOut, PlaceOut.of)

problems: Problems = {
    InvalidHours: problem(
        "invalid-hours",
        422,
        it="Orari non validi\n`errors` dice quale orario e che cosa si accetta.",
        en="Invalid opening hours\n`errors` says which, and what is accepted.",
        code="hours",
    ),
    InvalidPhone: problem(
        "invalid-phone",
        422,
        it="Numero di telefono non valido\nSi accetta un numero italiano, o uno con il prefisso internazionale.",
        en="Invalid telephone number\nAn Italian number is accepted, or one with its international prefix.",
        path="/phone",
        code="phone",
        accepted="0372 407340, +39 0372 407340",
    ),
    ActivitiesElsewhere: problem(
        "activities-elsewhere",
        422,
        it="Le attività sono dei laboratori\nSolo un laboratorio di comunità ha attività.",
        en="Activities are of laboratories\nOnly a community laboratory has activities.",
        path="/activities",
        accepted="none, unless kind is community_laboratory",
    ),
    HalfAPosition: problem(
        "half-a-position",
        422,
        it="Posizione incompleta\nLatitudine e longitudine si danno insieme.",
        en="Incomplete position\nLatitude and longitude are given together.",
        path="/latitude",
        accepted="both latitude and longitude, or neither",
    ),
    MunicipalityMissing: problem(
        "municipality-missing",
        422,
        it="Manca il comune\nUn luogo è sempre in un comune.",
        en="The municipality is missing\nA place is always in a municipality.",
        path="/municipality",
        accepted="a cadastral or ISTAT code",
    ),
}

vocabularies = (
    vocabulary(
        "place_kinds",
        "Tipi di luogo",
        "Kinds of place",
        [
            (Kind.COMMUNITY_HOUSE_HUB, "Casa della comunità hub", "Casa della comunità (hub)", "DM 77/2022"),
            (Kind.COMMUNITY_HOUSE_SPOKE, "Casa della comunità spoke", "Casa della comunità (spoke)", "DM 77/2022"),
            (Kind.CIVIC_CENTRE, "Centro civico", "Civic centre"),
            (Kind.COMMUNITY_LABORATORY, "Laboratorio di comunità", "Community laboratory"),
            (Kind.CLINIC, "Consultorio", "Family clinic", "L. 405/1975"),
            (Kind.OTHER, "Altro", "Other"),
        ],
    ),
    vocabulary(
        "laboratory_activities",
        "Attività dei laboratori di comunità",
        "Activities of community laboratories",
        [
            (Activity.FAMILY_WORK, "Conciliazione famiglia-lavoro", "Reconciliation of family and work"),
            (Activity.SOLIDARITY_PURCHASING, "Acquisto solidale", "Solidarity purchasing"),
            (Activity.HOUSING, "Abitare", "Housing"),
            (Activity.URBAN_ANIMATION, "Animazione urbana", "Urban animation"),
        ],
    ),
)

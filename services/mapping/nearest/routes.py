"""What is near, and who works in a municipality, over HTTP."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, Field
from starlette.responses import Response

from services.mapping.items.routes import KnownRef, organisation_ref
from services.mapping.nearest import queries
from services.mapping.nearest.queries import Found, Who
from services.mapping.places.rules import Activity, Kind
from services.mapping.presences.routes import Network
from services.mapping.territories.queries import named
from services.mapping.territories.routes import TerritoryRef
from shared.runtime.edge import At

routes = APIRouter(tags=["nearest"])


class NearOut(BaseModel):
    """A place and how far it is as the crow flies. Where `exact` is false its own position is not known: the distance
    is that of a point inside its municipality. `open_now` is null when nobody has said when it is open."""

    place: KnownRef
    kind: Kind
    organisation: KnownRef | None
    municipality: TerritoryRef
    address: str | None
    phone: str | None
    km: float
    exact: bool
    open_now: bool | None

    @classmethod
    def of(cls, found: Found) -> NearOut:
        place = found.place
        return cls.model_construct(
            place=KnownRef.model_construct(id=place.id, name=place.title, href=f"/mapping/v1/places/{place.id}"),
            kind=place.kind,
            organisation=organisation_ref(place.organisation_id, found.organisation),
            municipality=TerritoryRef.of(named(place.municipality or "")),
            address=place.address,
            phone=place.phone,
            km=round(found.km, 1),
            exact=found.exact,
            open_now=found.open_now,
        )


class NearestOut(BaseModel):
    items: list[NearOut]


class WorkerOut(BaseModel):
    """An organisation that is in the municipality or in what it lies in, once, with the smallest of these."""

    organisation: KnownRef
    kind: str
    territory: TerritoryRef
    sources: list[Literal["seat", "works", "mandate", "place"]]


class CoordinatorOut(BaseModel):
    """Who acts as coordinator; the name is the registry's, for those who may see it. No territory: of the network."""

    id: UUID
    href: str
    territory: TerritoryRef | None


class BodyOut(BaseModel):
    body: KnownRef
    kind: str
    state: str
    territory: TerritoryRef


class AreaRefOut(BaseModel):
    code: str
    name: str


class WhoOut(BaseModel):
    """Who works in a municipality, from the smallest territory to the largest."""

    municipality: TerritoryRef
    areas: list[AreaRefOut] = Field(description="The areas of the network in which it lies")
    organisations: list[WorkerOut]
    coordinators: list[CoordinatorOut]
    bodies: list[BodyOut]

    @classmethod
    def of(cls, found: Who) -> WhoOut:
        return cls.model_construct(
            municipality=TerritoryRef.of(found.territory),
            areas=[AreaRefOut(code=code, name=title) for code, title in found.areas],
            organisations=[
                WorkerOut.model_construct(
                    organisation=KnownRef.model_construct(
                        id=one.organisation_id, name=one.name, href=f"/registry/v1/organisations/{one.organisation_id}"
                    ),
                    kind=one.kind,
                    territory=TerritoryRef.of(named(one.territory)),
                    sources=list(one.sources),
                )
                for one in found.organisations
            ],
            coordinators=[
                CoordinatorOut.model_construct(
                    id=one.person_id,
                    href=f"/registry/v1/people/{one.person_id}",
                    territory=TerritoryRef.of(named(one.territory)) if one.territory else None,
                )
                for one in found.coordinators
            ],
            bodies=[
                BodyOut.model_construct(
                    body=KnownRef.model_construct(id=one.id, name=one.title, href=f"/registry/v1/bodies/{one.id}"),
                    kind=one.kind,
                    state=one.state,
                    territory=TerritoryRef.of(named(one.territory)),
                )
                for one in found.bodies
            ],
        )


@routes.get("/networks/{network}/nearest", response_model=NearestOut)
async def nearest(
    network: Network,
    at: At,
    municipality: Annotated[str | None, Query(max_length=200, examples=["E507"], description="Code or name")] = None,
    latitude: Annotated[float | None, Query(ge=35, le=48, allow_inf_nan=False)] = None,
    longitude: Annotated[float | None, Query(ge=6, le=19, allow_inf_nan=False)] = None,
    kind: Annotated[list[Kind], Query(max_length=6)] = [],  # noqa: B006 (FastAPI copies defaults)
    activity: Annotated[list[Activity], Query(max_length=4)] = [],  # noqa: B006
    open_now: Annotated[bool | None, Query(description="Only those that are open now, or that are not")] = None,
    limit: Annotated[int, Query(ge=1, le=50)] = 10,
) -> Response:
    """The places nearest to a municipality or to a position, the nearest first."""
    return await at.read(
        queries.near,
        network,
        municipality=municipality,
        latitude=latitude,
        longitude=longitude,
        kinds=kind,
        activities=activity,
        open_now=open_now,
        limit=limit,
        out=lambda found: NearestOut.model_construct(items=[NearOut.of(one) for one in found]),
    )


@routes.get("/networks/{network}/municipalities/{municipality}/who", response_model=WhoOut)
async def who(
    network: Network,
    municipality: Annotated[str, Path(max_length=200, description="Code or name", examples=["E507"])],
    at: At,
) -> Response:
    """Who works here: the organisations present, the coordinators and the bodies of its territory."""
    return await at.read(queries.who, network, municipality, out=WhoOut.of)

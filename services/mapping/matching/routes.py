"""Matches over HTTP: what answers a need, which needs a resource answers, and why."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field
from starlette.responses import Response

from services.mapping.items.routes import KnownRef, organisation_ref
from services.mapping.matching import queries
from services.mapping.matching.queries import Matched
from services.mapping.matching.rules import Because, Reason
from services.mapping.needs.rules import State
from services.mapping.territories.queries import named
from services.mapping.territories.routes import TerritoryRef
from shared.runtime.edge import At, Edge
from shared.runtime.vocabularies import vocabulary

routes = APIRouter(tags=["matching"])

SAID: dict[Because, tuple[str, str]] = {
    Because.THEME: ("Stesso tema", "The same theme"),
    Because.ANY_THEME: ("Per qualsiasi tema", "For any theme"),
    Because.HERE: ("Nello stesso territorio", "In the same territory"),
    Because.EVERYWHERE: ("Ovunque operi la rete", "Wherever the network is"),
    Because.DISTANCE: ("A {km} km", "{km} km away"),
    Because.AVAILABLE: ("Disponibile", "Available"),
    Because.ENDS_SOON: ("Disponibile ancora per poco, fino al giorno {day} escluso", "Available until {day} only"),
    Because.STARTS_SOON: ("Disponibile dal giorno {day}", "Available from {day}"),
    Because.FOR_ALL: ("Per ogni tipo di ente", "For every kind of organisation"),
    Because.FOR_THIS_KIND: (
        "Per il tipo di ente che deve rispondere",
        "For the kind of organisation that is to answer",
    ),
    Because.FOR_SOME: ("Solo per alcuni tipi di ente: {kinds}", "For some kinds of organisation only: {kinds}"),
}

vocabularies = [
    vocabulary(
        "match_reasons",
        "Che cosa rende una risorsa adatta a un bisogno",
        "What makes a resource answer a need",
        [(because.value, *(said.replace(" {kinds}", " …") for said in SAID[because])) for because in Because],
    )
]

Least = Annotated[int, Query(ge=0, le=100, description="Matches of at least so many points")]
Most = Annotated[int, Query(ge=1, le=100)]


class ReasonOut(BaseModel):
    """One of the four reasons: the theme (up to 40 points), the territory (30), the time (20), for whom it is (10)."""

    because: Because
    points: int
    km: int | None
    day: date | None
    kinds: list[str]
    said: str = Field(description="In the caller's language")

    @classmethod
    def of(cls, reason: Reason, language: str) -> ReasonOut:
        said = SAID[reason.because][0 if language == "it" else 1]
        return cls.model_construct(
            because=reason.because,
            points=reason.points,
            km=reason.km,
            day=reason.day,
            kinds=list(reason.kinds),
            said=said.format(km=reason.km, day=reason.day, kinds=", ".join(reason.kinds)),
        )


class ResourceMatchOut(BaseModel):
    """A resource that answers the need; `score` is the sum of its reasons, at most 100."""

    resource: KnownRef
    organisation: KnownRef | None
    kind: str
    territories: list[TerritoryRef]
    score: int
    reasons: list[ReasonOut]

    @classmethod
    def of(cls, matched: Matched, language: str) -> ResourceMatchOut:
        one = matched.other
        return cls.model_construct(
            resource=KnownRef.model_construct(id=one.id, name=one.title, href=f"/mapping/v1/resources/{one.id}"),
            organisation=organisation_ref(one.organisation_id, matched.name),
            kind=one.kind,
            territories=[TerritoryRef.of(named(code)) for code in one.territories],
            score=matched.match.score,
            reasons=[ReasonOut.of(reason, language) for reason in matched.match.reasons],
        )


class NeedMatchOut(BaseModel):
    """An open need that the resource answers: which it is and where, never what was asked."""

    need: KnownRef = Field(description="Its name is its theme")
    place: str | None
    municipality: TerritoryRef
    state: State
    collected_at: datetime
    score: int
    reasons: list[ReasonOut]

    @classmethod
    def of(cls, matched: Matched, language: str) -> NeedMatchOut:
        one = matched.other
        return cls.model_construct(
            need=KnownRef.model_construct(id=one.id, name=one.theme, href=f"/mapping/v1/needs/{one.id}"),
            place=matched.name,
            municipality=TerritoryRef.of(named(one.municipality)),
            state=one.state,
            collected_at=one.collected_at,
            score=matched.match.score,
            reasons=[ReasonOut.of(reason, language) for reason in matched.match.reasons],
        )


class ResourceMatchesOut(BaseModel):
    items: list[ResourceMatchOut]


class NeedMatchesOut(BaseModel):
    items: list[NeedMatchOut]


@routes.get("/needs/{need_id}/matches", response_model=ResourceMatchesOut)
async def of_need(need_id: UUID, at: At, least: Least = 0, limit: Most = 20) -> Response:
    """The validated resources that answer a need, the best first; each with the reasons."""
    return await at.read(queries.of_need, need_id, least=least, limit=limit, out=lambda found: _resources(found, at))


@routes.get("/resources/{resource_id}/matches", response_model=NeedMatchesOut)
async def of_resource(resource_id: UUID, at: At, least: Least = 0, limit: Most = 20) -> Response:
    """The open needs that a resource answers, the best first, of those that the caller follows; with the reasons."""
    return await at.read(
        queries.of_resource, resource_id, least=least, limit=limit, out=lambda found: _needs(found, at)
    )


def _resources(found: list[Matched], at: Edge) -> ResourceMatchesOut:
    return ResourceMatchesOut.model_construct(items=[ResourceMatchOut.of(one, at.language) for one in found])


def _needs(found: list[Matched], at: Edge) -> NeedMatchesOut:
    return NeedMatchesOut.model_construct(items=[NeedMatchOut.of(one, at.language) for one in found])

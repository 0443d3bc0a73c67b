"""What is on a network's map, in figures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field
from starlette.responses import Response

from services.mapping.items.routes import Network
from services.mapping.items.rules import State
from services.mapping.statistics import queries
from services.mapping.statistics.queries import Figures, Freshness
from shared.runtime.edge import At
from shared.runtime.shapes import Statistic
from shared.runtime.vocabularies import vocabulary

routes = APIRouter(tags=["map"])

Territories = Annotated[
    list[Annotated[str, Field(min_length=1, max_length=64)]],
    Query(alias="territory", max_length=50, description="In one of these or in what lies in them"),
]

vocabularies = [
    vocabulary(
        "freshness",
        "Quanto è aggiornato ciò che è sulla mappa",
        "How fresh what is on the map is",
        [
            (Freshness.FRESH, "Verificato di recente", "Checked of late"),
            (Freshness.DUE, "Da verificare di nuovo", "Due for a check"),
            (Freshness.EXPIRED, "Scaduto senza risposta", "Expired without an answer"),
            (Freshness.NEVER, "Mai verificato", "Never checked"),
        ],
    )
]


class ItemsOut(BaseModel):
    """Each figure is of `total`; the share is null when there is nothing. Themes add up to more than the total, since
    one may have several (of a laboratory: its activities). `score` is the mean freshness, 1 for checked today, null
    when nothing was ever checked."""

    total: int
    kinds: dict[str, Statistic]
    themes: dict[str, Statistic]
    states: dict[State, Statistic]
    freshness: dict[Freshness, Statistic]
    score: float | None

    @classmethod
    def of(cls, figures: Figures) -> ItemsOut:
        def statistics(counts: Mapping[str, int]) -> dict[str, Statistic]:
            return {name: Statistic.out_of(count, figures.total) for name, count in counts.items()}

        return cls.model_validate(
            {
                "total": figures.total,
                "score": figures.score,
                **{name: statistics(getattr(figures, name)) for name in ("kinds", "themes", "states", "freshness")},
            }
        )


class MapStatisticsOut(BaseModel):
    places: ItemsOut
    resources: ItemsOut
    experiences: ItemsOut

    @classmethod
    def of(cls, found: Mapping[str, Figures]) -> MapStatisticsOut:
        return cls(
            places=ItemsOut.of(found["places"]),
            resources=ItemsOut.of(found["resources"]),
            experiences=ItemsOut.of(found["experiences"]),
        )


@routes.get("/networks/{network}/map/statistics", response_model=MapStatisticsOut)
async def statistics(
    network: Network,
    at: At,
    territory: Territories = [],  # noqa: B006 (FastAPI copies defaults)
    state: Annotated[list[State], Query(max_length=len(State))] = [],  # noqa: B006
    organisation: Annotated[list[UUID], Query(max_length=50)] = [],  # noqa: B006
) -> Response:
    """How many places, resources and experiences the caller sees on the map, by kind, theme, state and freshness: of
    those in the given states, else of all that are not closed."""
    return await at.read(
        queries.statistics,
        network,
        territory=territory,
        state=state,
        organisation=organisation,
        out=MapStatisticsOut.of,
    )

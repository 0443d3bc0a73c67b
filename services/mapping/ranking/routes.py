"""The regions in order, over HTTP."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.responses import Response

from services.mapping.presences.routes import Kinds, Network
from services.mapping.ranking import queries
from services.mapping.ranking.queries import Ranked
from services.mapping.ranking.rules import Reason
from services.mapping.territories.queries import italians, known
from services.mapping.territories.routes import TerritoryRef, statistic
from shared.runtime.edge import At
from shared.runtime.paging import PageOut
from shared.runtime.shapes import Statistic
from shared.runtime.vocabularies import vocabulary

routes = APIRouter(tags=["ranking"])

vocabularies = [
    vocabulary(
        "ranking_reasons",
        "Che cosa distingue una regione da quella che la segue",
        "What sets a region apart from the one that follows it",
        [
            ("presence", "Più enti presenti che nella regione seguente", "More organisations than in the next region"),
            (
                "organisation",
                "Tanti enti presenti quanti nella regione seguente, ma di più con un mandato in carica",
                "As many organisations as in the next region, more of them with a mandate in office",
            ),
            ("tie", "Pari merito: stessi enti, stessi mandati", "A tie: as many organisations, as many mandates"),
            ("nobody", "Nessun ente presente", "No organisation present"),
            ("last", "La regione con meno enti presenti", "The region with the fewest organisations"),
        ],
    )
]
EXPLAINED = {Reason(term.code): {"it": term.it, "en": term.en} for term in vocabularies[0].terms}


class PlaceOut(BaseModel):
    """A region in the order that decides where coordinations start. Tied regions share a rank: 1, 2, 2, 4.

    Presence decides first, then organisation; within a tie the more populous is listed first, which decides nothing.
    """

    rank: int
    region: TerritoryRef
    organisations: Statistic = Field(description="Members present in the region, of those present anywhere")
    organised: Statistic = Field(description="Of the members present, those with a mandate in office in the region")
    population: Statistic = Field(description="Residents, of those of Italy")
    tied_with: list[TerritoryRef]
    reason: Reason
    explanation: str

    @classmethod
    def of(cls, ranked: Ranked, language: str) -> PlaceOut:
        place, figures = ranked.place, ranked.place.figures
        return cls.model_construct(
            rank=place.rank,
            region=TerritoryRef.of(known(figures.region)),
            organisations=statistic(figures.organisations, ranked.members),
            organised=statistic(figures.organised, figures.organisations),
            population=statistic(figures.population, italians()),
            tied_with=[TerritoryRef.of(known(code)) for code in place.tied_with],
            reason=place.reason,
            explanation=EXPLAINED[place.reason][language],
        )


@routes.get("/networks/{network}/ranking", response_model=PageOut[PlaceOut])
async def ranking(network: Network, at: At, kind: Kinds = []) -> Response:  # noqa: B006 (FastAPI copies defaults)
    """All twenty regions, those without anybody included. JSON, or CSV with `Accept: text/csv`."""

    def out(ranked: Ranked) -> PlaceOut:
        return PlaceOut.of(ranked, at.language)

    return await at.page(queries.ranking, network, kinds=kind, out=out, model=PlaceOut)

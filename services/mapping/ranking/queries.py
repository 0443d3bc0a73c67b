"""The regions in order, read from the counters: twenty rows per kind, however many members there are."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from services.mapping.coverage.queries import NOBODY, counts, everywhere
from services.mapping.ranking.rules import Figures, Place, rank
from services.mapping.territories.queries import listed, map_of
from services.mapping.territories.rules import Level
from shared.access.actor import Actor
from shared.runtime.paging import Page


@dataclass(frozen=True, slots=True)
class Ranked:
    """A region's place, and the members that are anywhere on the map."""

    place: Place
    members: int


async def ranking(
    session: AsyncSession,
    actor: Actor,
    network: str,
    *,
    kinds: Collection[str] = (),
    now: datetime,
    after: str | None = None,  # noqa: ARG001 (twenty regions are one page)
    limit: int = 20,  # noqa: ARG001
) -> Page[Ranked]:
    """All regions of Italy in order; counting only members of these kinds when any is given."""
    network_id = await map_of(session, actor, network, now)
    counted = await counts(session, network_id, Level.REGION, kinds=kinds)
    members = (await everywhere(session, network_id)).only(kinds).total.organisations
    places = rank(
        Figures(region.code, region.name, here.organisations, here.organised, region.population)
        for region in listed(kinds=[Level.REGION])
        for here in [counted.get(region.code, NOBODY).total]
    )
    return Page([Ranked(place, members) for place in places], None)

"""News, as learning tells them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from services.mapping.news.tables import news
from shared import territories
from shared.access.listens import guard
from shared.contracts.learning import NewsState
from shared.messaging import Received, newest, projects, upsert_newest


@projects(NewsState, tables=[news])
async def news_known(session: AsyncSession, facts: Sequence[Received[NewsState]], now: datetime) -> None:  # noqa: ARG001
    await upsert_newest(session, news, [_row(received) for received in newest(facts)])


def _row(received: Received[NewsState]) -> dict[str, Any]:
    fact = received.fact
    public = fact.visibility == "public"
    return {
        "id": fact.id,
        "network_id": fact.network_id,
        "title": fact.title if public else "",
        "summary": fact.summary if public else "",
        "region": region_of(fact.territory),
        "state": fact.state,
        "visibility": fact.visibility,
        "published_at": fact.published_at,
        "expires_at": fact.expires_at,
        **guard(received),
    }


def region_of(territory: str | None) -> str | None:
    """A municipality's, a province's or its own; of a territory that there is not, the territory itself, so that it is
    shown in no region rather than in all."""
    if territory is None:
        return None
    italy = territories.load()
    municipality, province = italy.today(territory), italy.province(territory)
    if municipality is not None:
        return municipality.region
    return province.region if province is not None else territory

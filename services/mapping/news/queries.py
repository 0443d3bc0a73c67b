"""The news beside the map."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.mapping.news.tables import news
from shared.access.tables import networks

SHOWN = 3


async def newest(session: AsyncSession, network: UUID | None, region: str | None, now: datetime) -> Sequence[Any]:
    """(id, title, summary, published_at, network) of the newest that are public and out, by the clock: of one network
    or of all; of a region those that are for it, or for everywhere."""
    query = (
        select(news.c.id, news.c.title, news.c.summary, news.c.published_at, networks.c.name.label("network"))
        .join(networks, networks.c.id == news.c.network_id)
        .where(
            news.c.state == "published",
            news.c.visibility == "public",
            news.c.published_at <= now,
            or_(news.c.expires_at.is_(None), news.c.expires_at > now),
        )
    )
    if network is not None:
        query = query.where(news.c.network_id == network)
    if region is not None:
        query = query.where(or_(news.c.region.is_(None), news.c.region == region))
    query = query.order_by(news.c.published_at.desc(), news.c.id.desc()).limit(SHOWN)
    return (await session.execute(query)).all()

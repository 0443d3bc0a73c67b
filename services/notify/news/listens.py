"""News is told to those for whom it is, by their mandates."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from services.notify.deliveries.commands import intend
from services.notify.messages.intents import intent, networks_known, people_known, projected
from services.notify.messages.rules import NEWS_PUBLISHED
from services.notify.news.queries import audience
from services.notify.news.rules import roles_of
from services.notify.news.tables import news
from shared.access.actor import day
from shared.access.listens import guard
from shared.contracts.learning import NewsPublished, NewsState
from shared.messaging import Received, newest, projects, reacts, upsert_newest

KEPT = tuple(str(column.name) for column in news.c if column.name not in {"generation", "version"})


@projects(NewsState, tables=[news])
async def news_known(session: AsyncSession, facts: Sequence[Received[NewsState]], now: datetime) -> None:  # noqa: ARG001
    rows = [{**{name: getattr(r.fact, name) for name in KEPT}, **guard(r)} for r in newest(facts)]
    await upsert_newest(session, news, rows)


@reacts(NewsPublished)
async def tell_the_news(session: AsyncSession, facts: Sequence[Received[NewsPublished]], now: datetime) -> None:
    """Each person once for each piece of news, whatever is changed in it later. That there is nobody to tell is no
    failure: it is read where it is published, too."""
    await projected(session, news, facts)
    await networks_known(session, {r.fact.network_id for r in facts})
    for r in facts:
        if r.fact.network_id is None:
            continue
        roles = roles_of(r.fact.audience)
        people = await audience(session, r.fact.network_id, roles, r.fact.territory, r.fact.body_id, day(now))
        await people_known(session, people)
        told = {"news_id": str(r.fact.id)}
        await intend(session, [intent(r, NEWS_PUBLISHED, now, person_id=one, parameters=told) for one in people], now)

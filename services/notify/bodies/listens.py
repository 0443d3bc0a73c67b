"""The organs of networks, as the registry tells them, and who is told when nobody covers a group any more."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from services.notify.bodies.queries import coordinators
from services.notify.bodies.tables import bodies
from services.notify.deliveries.commands import intend
from services.notify.messages.intents import networks_known, people_known, projected, secretariats, stated, to_each
from services.notify.messages.rules import GROUP_UNCOVERED
from shared.access.actor import day
from shared.access.listens import guard
from shared.contracts.registry import BodyState, BodyUncovered
from shared.messaging import Received, newest, projects, reacts, upsert_newest

KEPT = ("id", "network_id", "title", "kind", "state", "territory", "parent_id", "uncovered_since")


@projects(BodyState, tables=[bodies])
async def bodies_known(session: AsyncSession, facts: Sequence[Received[BodyState]], now: datetime) -> None:  # noqa: ARG001
    rows = [{**{name: getattr(r.fact, name) for name in KEPT}, **guard(r)} for r in newest(facts)]
    await upsert_newest(session, bodies, rows)


@reacts(BodyUncovered)
async def tell_who_is_to_find_a_maker(
    session: AsyncSession, facts: Sequence[Received[BodyUncovered]], now: datetime
) -> None:
    """The coordinators of the group's territory, and the secretariat, each once."""
    await projected(session, bodies, facts)
    await networks_known(session, {r.fact.network_id for r in facts})
    above = await coordinators(session, {(r.fact.network_id, r.fact.territory) for r in facts}, day(now))
    offices = await secretariats(session, {r.fact.network_id for r in facts}, day(now))
    told = {
        r.fact_id: sorted({*above[r.fact.network_id, r.fact.territory], *offices[r.fact.network_id]}) for r in facts
    }
    await people_known(session, {person for people in told.values() for person in people})
    intents = [
        delivery
        for r in facts
        for delivery in to_each(
            r, GROUP_UNCOVERED, now, told[r.fact_id], {"group_id": str(r.fact.id)}, instant=stated(r)
        )
    ]
    await intend(session, intents, now)

"""Who is told that pacts have passed on: the community maker who follows them now, or, while there is none, who
coordinates their territory."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.notify.bodies.queries import coordinators
from services.notify.deliveries.commands import intend
from services.notify.deliveries.rules import Delivery
from services.notify.messages.intents import (
    bodies_known,
    networks_known,
    organisations_known,
    people_known,
    projected,
    secretariats,
    to_each,
)
from services.notify.messages.rules import PACT_HANDED_OVER, PACT_UNATTENDED
from services.notify.pacts.rules import step_id
from services.notify.pacts.tables import pact_steps, pacts
from shared.access.actor import day
from shared.access.listens import guard
from shared.contracts.registry import PactHandedOver, PactState
from shared.messaging import Received, newest, projects, reacts, upsert_newest

KEPT = tuple(str(column.name) for column in pacts.c if column.name not in {"generation", "version"})


@projects(PactState, tables=[pacts, pact_steps])
async def pacts_known(session: AsyncSession, facts: Sequence[Received[PactState]], now: datetime) -> None:  # noqa: ARG001
    last = newest(facts)
    await upsert_newest(session, pacts, [{**{name: getattr(r.fact, name) for name in KEPT}, **guard(r)} for r in last])
    steps = []
    for r in last:
        due = {step.number: step.due for step in r.fact.due_steps}
        for number in range(1, r.fact.steps + 1):
            own = {"id": step_id(r.fact.id, number), "pact_id": r.fact.id, "number": number}
            steps.append({**own, "due": due.get(number), **guard(r)})
    await upsert_newest(session, pact_steps, steps)


@reacts(PactHandedOver)
async def tell_who_follows(session: AsyncSession, facts: Sequence[Received[PactHandedOver]], now: datetime) -> None:
    """One message for all pacts of a promoter that pass on at the same time."""
    await projected(session, pacts, facts)
    await networks_known(session, {r.fact.network_id for r in facts})
    await bodies_known(session, {r.fact.body_id for r in facts})
    await organisations_known(session, {r.fact.organisation_id for r in facts})
    alone = {(r.fact.network_id, r.fact.territory) for r in facts if r.fact.maker_id is None}
    above = await coordinators(session, alone, day(now))
    offices = await secretariats(session, {network_id for network_id, _ in alone}, day(now))
    intents: dict[str, Delivery] = {}
    for r in facts:
        promoter = r.fact.body_id or r.fact.organisation_id
        place = (r.fact.network_id, r.fact.territory)
        people: Sequence[UUID] = [r.fact.maker_id] if r.fact.maker_id else above[place] or offices[r.fact.network_id]
        topic = PACT_HANDED_OVER if r.fact.maker_id else PACT_UNATTENDED
        await people_known(session, people)
        given = {"promoter_id": str(promoter)}
        at = f"{r.occurred_at:%Y-%m-%dT%H:%M}"
        told = to_each(r, topic, now, people, given, subject=promoter, instant=at)
        intents |= {delivery.key: delivery for delivery in told if delivery.key not in intents}
    await intend(session, list(intents.values()), now)

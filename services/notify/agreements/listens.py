"""Whom a procedure or a call concerns is told when it opens: whoever speaks for a member of its kinds and places."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.notify.agreements.queries import referents
from services.notify.agreements.tables import agreement_audiences, agreement_interests, agreements
from services.notify.deliveries.commands import intend
from services.notify.messages.intents import intent, networks_known, organisations_known, people_known, projected
from services.notify.messages.rules import AGREEMENT_OPENED
from shared.access.actor import day
from shared.access.listens import guard
from shared.contracts.registry import AgreementState, AudienceListed, AudienceState, InterestState
from shared.messaging import NotYet, Received, newest, projects, reacts, upsert_newest


def _kept(table: Any, facts: Sequence[Received[Any]]) -> list[dict[str, Any]]:
    names = [str(column.name) for column in table.c if column.name not in {"generation", "version"}]
    return [{**{name: _plain(getattr(r.fact, name)) for name in names}, **guard(r)} for r in newest(facts)]


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


@projects(AgreementState, tables=[agreements])
async def agreements_known(session: AsyncSession, facts: Sequence[Received[AgreementState]], now: datetime) -> None:  # noqa: ARG001
    await upsert_newest(session, agreements, _kept(agreements, facts))


@projects(AudienceState, tables=[agreement_audiences])
async def audiences_known(session: AsyncSession, facts: Sequence[Received[AudienceState]], now: datetime) -> None:  # noqa: ARG001
    await upsert_newest(session, agreement_audiences, _kept(agreement_audiences, facts))


@projects(InterestState, tables=[agreement_interests])
async def interests_known(session: AsyncSession, facts: Sequence[Received[InterestState]], now: datetime) -> None:  # noqa: ARG001
    await upsert_newest(session, agreement_interests, _kept(agreement_interests, facts))


@reacts(AudienceListed)
async def tell_whom_it_concerns(
    session: AsyncSession, facts: Sequence[Received[AudienceListed]], now: datetime
) -> None:
    """Each referent once for each organisation. A member without a referent is told when it has one to be reminded."""
    await projected(session, agreement_audiences, facts)
    wanted = {r.fact.agreement_id for r in facts}
    query = select(agreements.c.id, agreements.c.authority_id).where(agreements.c.id.in_(wanted))
    known = {row.id: row.authority_id for row in await session.execute(query)}
    if missing := wanted - known.keys():
        raise NotYet(f"agreement {min(missing)}")
    told = await referents(session, {r.fact.id for r in facts}, day(now))
    await networks_known(session, {r.fact.network_id for r in facts})
    await people_known(session, {person for pairs in told.values() for person, _ in pairs})
    named = {organisation for pairs in told.values() for _, organisation in pairs}
    await organisations_known(session, named | set(known.values()))
    intents = [
        intent(
            r,
            AGREEMENT_OPENED,
            now,
            subject=r.fact.agreement_id,
            person_id=person,
            parameters={"agreement_id": str(r.fact.agreement_id), "organisation_id": str(organisation)},
            instant=organisation,
        )
        for r in facts
        for person, organisation in told[r.fact.id]
    ]
    await intend(session, intents, now)

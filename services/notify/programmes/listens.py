"""Programmes: to whom a synthesis is sent, and what a secretariat hears of extensions and reports."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Table
from sqlalchemy.ext.asyncio import AsyncSession

from services.notify.deliveries.commands import intend
from services.notify.messages.intents import (
    bodies_known,
    intent,
    known_or_wait,
    networks_known,
    people_known,
    projected,
    secretariats,
    stated,
    to_each,
)
from services.notify.messages.rules import REPORT_RELEASED, SERIES_EXTENDED, SYNTHESIS_ISSUED, Topic
from services.notify.programmes.tables import reports, series, syntheses
from shared.access.actor import day
from shared.access.listens import guard
from shared.contracts.events import (
    ReportReleased,
    ReportState,
    SeriesExtended,
    SeriesState,
    SynthesisSent,
    SynthesisState,
)
from shared.messaging import NotYet, Received, newest, projects, reacts, upsert_newest

OWN = {"generation", "version"}


@projects(SeriesState, tables=[series])
async def series_known(session: AsyncSession, facts: Sequence[Received[SeriesState]], now: datetime) -> None:  # noqa: ARG001
    await _keep(session, series, facts)


@projects(SynthesisState, tables=[syntheses])
async def syntheses_known(session: AsyncSession, facts: Sequence[Received[SynthesisState]], now: datetime) -> None:  # noqa: ARG001
    await _keep(session, syntheses, facts)


@projects(ReportState, tables=[reports])
async def reports_known(session: AsyncSession, facts: Sequence[Received[ReportState]], now: datetime) -> None:  # noqa: ARG001
    await _keep(session, reports, facts)


async def _keep(session: AsyncSession, table: Table, facts: Sequence[Received[Any]]) -> None:
    names = [str(column.name) for column in table.c if column.name not in OWN]
    rows = [{**{name: getattr(r.fact, name) for name in names}, **guard(r)} for r in newest(facts)]
    await upsert_newest(session, table, rows)


@reacts(SynthesisSent)
async def send_the_synthesis(session: AsyncSession, facts: Sequence[Received[SynthesisSent]], now: datetime) -> None:
    """Each person once for each version."""
    await networks_known(session, {r.fact.network_id for r in facts})
    rows = await known_or_wait(session, syntheses, "synthesis", {r.fact.synthesis_id for r in facts})
    for received in facts:
        if rows[received.fact.synthesis_id].number < received.fact.number:
            raise NotYet(f"synthesis {received.fact.synthesis_id} in version {received.fact.number}")
    await bodies_known(session, {row.body_id for row in rows.values()})
    await people_known(session, {person for r in facts for person in r.fact.people})
    intents = [
        intent(
            r,
            SYNTHESIS_ISSUED,
            now,
            subject=r.fact.synthesis_id,
            person_id=person,
            parameters={"synthesis_id": str(r.fact.synthesis_id), "number": r.fact.number},
            instant=r.fact.number,
        )
        for r in facts
        for person in r.fact.people
    ]
    await intend(session, intents, now)


@reacts(SeriesExtended)
async def tell_of_the_extension(
    session: AsyncSession, facts: Sequence[Received[SeriesExtended]], now: datetime
) -> None:
    await _tell_secretariats(session, series, facts, SERIES_EXTENDED, "series_id", now)


@reacts(ReportReleased)
async def tell_of_the_report(session: AsyncSession, facts: Sequence[Received[ReportReleased]], now: datetime) -> None:
    await _tell_secretariats(session, reports, facts, REPORT_RELEASED, "report_id", now)


async def _tell_secretariats(
    session: AsyncSession, table: Table, facts: Sequence[Received[Any]], topic: Topic, name: str, now: datetime
) -> None:
    """Everybody in the network's secretariat, once for each statement."""
    await projected(session, table, facts)
    await networks_known(session, {r.fact.network_id for r in facts})
    people = await secretariats(session, {r.fact.network_id for r in facts}, day(now))
    await people_known(session, {person for each in people.values() for person in each})
    intents = [
        delivery
        for r in facts
        for delivery in to_each(r, topic, now, people[r.fact.network_id], {name: str(r.fact.id)}, instant=stated(r))
    ]
    await intend(session, intents, now)

"""What an organisation put on the map, or was to answer, is the other one's when it turns out to be a duplicate."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from services.mapping.coverage import commands as coverage
from services.mapping.freshness.commands import fact_of as freshness_fact
from services.mapping.items.facts import fact_of as item_fact
from services.mapping.items.rules import State, Subject
from services.mapping.needs.commands import fact_of as need_fact
from services.mapping.presences import commands as presences
from services.mapping.presences.tables import mandates, memberships
from services.mapping.store import mapper
from shared.contracts.envelope import Fact
from shared.contracts.mapping import AbsenceDeclared, FreshnessAsked, NeedAssigned
from shared.contracts.registry import OrganisationMerged
from shared.messaging import Received, caused_by, reacts, stage
from shared.runtime.repointing import naming_organisations, repoint

PROJECTED = frozenset({mandates.name, memberships.name, "presences", "place_presences"})
"""Tables that follow the registry's own facts, or the places."""


def _absence(row: Any) -> Fact:
    return AbsenceDeclared(
        id=row.id,
        version=row.version,
        network_id=row.network_id,
        organisation_id=row.organisation_id,
        declared_on=row.declared_on,
    )


TOLD: Mapping[str, Callable[[Any], Fact | None]] = {
    "places": lambda row: _item(Subject.PLACE, row),
    "resources": lambda row: _item(Subject.RESOURCE, row),
    "experiences": lambda row: _item(Subject.EXPERIENCE, row),
    "needs": lambda row: need_fact(NeedAssigned, row) if row.state == "assigned" else None,
    "freshness": lambda row: freshness_fact(FreshnessAsked, row) if row.answer is None else None,
    "absences": _absence,
}
"""Tables whose facts name an organisation: what is told again of each row. What is over is not."""


ITEMS = ((Subject.PLACE, "places"), (Subject.RESOURCE, "resources"), (Subject.EXPERIENCE, "experiences"))


def _item(subject: Subject, row: Any) -> Fact | None:
    return None if row.state == State.DRAFT else item_fact(subject, "changed", row)


@reacts(OrganisationMerged)
async def follow_the_merged(
    session: AsyncSession, facts: Sequence[Received[OrganisationMerged]], now: datetime
) -> None:
    """One after the other, in the order in which they were merged: who stands for one may be merged in turn. All rows
    are locked before anything is counted."""
    await presences.take_turn(session)
    for name in TOLD:
        await _rows(session, name, [received.fact.id for received in facts])
    for received in facts:
        with caused_by(replace(received.cause, at=now)):
            await _follow(session, received.fact.id, received.fact.into_id, now)


async def _follow(session: AsyncSession, going: UUID, staying: UUID, now: datetime) -> None:
    moved = {name: await _rows(session, name, [going]) for name in TOLD}
    columns = [column for column in naming_organisations(mapper.metadata) if column.table.name not in PROJECTED]
    await repoint(session, columns, {going: staying})
    for name, tell in TOLD.items():
        if moved[name]:
            statement = f'update "{name}" set version = version + 1 where id = any(:ids) returning *'  # noqa: S608
            rows = (await session.execute(text(statement), {"ids": moved[name]})).all()
            told = [fact for row in sorted(rows, key=lambda row: row.id) if (fact := tell(row)) is not None]
            await stage(session, *told)
    for subject, name in (
        (Subject.PLACE, "places"),
        (Subject.RESOURCE, "resources"),
        (Subject.EXPERIENCE, "experiences"),
    ):
        if moved[name]:
            await coverage.items_changed(session, subject, moved[name])
    await presences.places_changed(session, moved["places"], now)


async def _rows(session: AsyncSession, name: str, organisations: Sequence[UUID]) -> list[UUID]:
    statement = f'select id from "{name}" where organisation_id = any(:ids) order by id for update'  # noqa: S608 (our names)
    return list(await session.scalars(text(statement), {"ids": list(organisations)}))

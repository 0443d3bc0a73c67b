"""Who follows which pacts, and what a batch of messages has to know of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Table, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.notify.bodies.queries import coordinators
from services.notify.bodies.tables import bodies
from services.notify.deliveries.outcomes import Claimed
from services.notify.organisations.tables import organisations
from services.notify.pacts.rules import FOLLOWED, live
from services.notify.pacts.tables import pact_steps, pacts


@dataclass(frozen=True, slots=True)
class Following:
    """Pacts, steps and who promotes pacts, by their ids; `codes`: of the pacts of a promoter that somebody (or, with
    None, nobody) follows."""

    pacts: Mapping[UUID, Row[Any]] = field(default_factory=dict)
    steps: Mapping[UUID, Row[Any]] = field(default_factory=dict)
    promoters: Mapping[UUID, Row[Any]] = field(default_factory=dict)
    codes: Mapping[tuple[UUID | None, UUID], Sequence[str]] = field(default_factory=dict)


async def following(session: AsyncSession, claimed: Sequence[Claimed]) -> Following:
    """Up to five statements for a batch that speaks of pacts or groups, none for one that does not."""
    promoted = _named(claimed, "promoter_id")
    groups = promoted | _named(claimed, "group_id")
    titled = {**await _rows(session, organisations, promoted), **await _rows(session, bodies, groups)}
    return Following(
        await _rows(session, pacts, _named(claimed, "pact_id")),
        await _rows(session, pact_steps, _named(claimed, "step_id")),
        titled,
        await _codes(session, promoted),
    )


async def _codes(session: AsyncSession, promoters: Collection[UUID]) -> dict[tuple[UUID | None, UUID], list[str]]:
    found: dict[tuple[UUID | None, UUID], list[str]] = defaultdict(list)
    if promoters:
        promoter = func.coalesce(pacts.c.body_id, pacts.c.organisation_id).label("promoter")
        query = select(pacts.c.maker_id, promoter, pacts.c.code).where(
            or_(pacts.c.body_id.in_(promoters), pacts.c.organisation_id.in_(promoters)), pacts.c.state.in_(FOLLOWED)
        )
        for row in await session.execute(query.order_by(pacts.c.code)):
            found[row.maker_id, row.promoter].append(row.code)
    return found


@dataclass(frozen=True, slots=True)
class Due:
    """A step that is still open, and who is to be reminded of it."""

    pact_id: UUID
    people: Sequence[UUID]


async def answering(session: AsyncSession, steps: Collection[UUID], on: date) -> dict[UUID, Due]:
    """For each of these steps, as far as it is known: the pact's maker, or the territory's coordinators while it has
    none; of a step that is not open any more, nobody."""
    if not steps:
        return {}
    query = (
        select(
            pact_steps.c.id,
            pact_steps.c.due,
            pacts.c.id.label("pact_id"),
            pacts.c.network_id,
            pacts.c.state,
            pacts.c.maker_id,
            pacts.c.territory,
        )
        .join(pacts, pacts.c.id == pact_steps.c.pact_id)
        .where(pact_steps.c.id.in_(steps))
    )
    rows = (await session.execute(query)).all()
    alone = {(row.network_id, row.territory) for row in rows if row.maker_id is None}
    above = await coordinators(session, alone, on)
    return {
        row.id: Due(
            row.pact_id,
            ()
            if not live(row.state, row.due)
            else [row.maker_id]
            if row.maker_id
            else above.get((row.network_id, row.territory), ()),
        )
        for row in rows
    }


async def _rows(session: AsyncSession, table: Table, ids: Collection[UUID]) -> dict[UUID, Row[Any]]:
    if not ids:
        return {}
    return {row.id: row for row in await session.execute(select(table).where(table.c.id.in_(ids)))}


def _named(claimed: Sequence[Claimed], parameter: str) -> set[UUID]:
    return {UUID(c.parameters[parameter]) for c in claimed if c.parameters.get(parameter)}

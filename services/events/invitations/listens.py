"""Invitations follow mandates: whoever will hold one on the day of a convened meeting is invited, whoever will not is
no longer.

Each reaction takes the news in by itself, under the lock that convocations take: when it has been committed, the next
convocation reads it, however late the projection is. Whether the mandate, its seat, its body or the convocation came
last, the invitations are the same.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar, cast
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, bindparam, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from services.events.bodies.listens import bodies_known, seats_known
from services.events.invitations import commands
from services.events.mandates.listens import mandates_known
from services.events.mandates.tables import mandates
from services.events.meetings.queries import lock_convocations
from services.events.meetings.rules import State
from services.events.meetings.tables import meetings
from shared.contracts.envelope import Fact
from shared.contracts.events import InvitationState
from shared.contracts.registry import BodyState, MandateState, SeatState
from shared.messaging import Cause, NotYet, Received, caused_by, reacts, stage

S = TypeVar("S", bound=Fact)


@reacts(BodyState, SeatState, MandateState)
async def follow_mandates(session: AsyncSession, facts: Sequence[Received[Fact]], now: datetime) -> None:
    """One handler for the three, so that a batch looks at each meeting once."""
    told = {received.fact.network_id for received in facts if received.fact.network_id is not None}
    await lock_convocations(session, told)
    bodies, seats, holders = of(facts, BodyState), of(facts, SeatState), of(facts, MandateState)
    await bodies_known(session, bodies, now)
    await seats_known(session, seats, now)
    await mandates_known(session, holders, now)
    ahead = await _ahead(session, told, now)
    if not ahead:
        return
    await _all_known(session, ahead, holders)
    causes = _causes(bodies, seats, holders)
    whole = [meeting for meeting, body in ahead.items() if body in causes]
    rest = [meeting for meeting in ahead if meeting not in set(whole)]
    changed = await commands.follow(session, whole)
    if rest and (seats or holders):
        people = {received.fact.person_id for received in holders}
        places = {received.fact.id for received in seats}
        changed += await commands.follow(session, rest, people=people, seats=places | await _seats_of(session, people))
    await _tell(session, changed, ahead, causes, facts, now)


def of(facts: Iterable[Received[Fact]], state: type[S]) -> list[Received[S]]:
    return [cast(Received[S], received) for received in facts if isinstance(received.fact, state)]


async def _ahead(session: AsyncSession, networks: Iterable[UUID], now: datetime) -> dict[UUID, UUID | None]:
    """The convened meetings of these networks that have not begun, locked, each with its body."""
    rows = await session.execute(
        select(meetings.c.id, meetings.c.body_id)
        .where(meetings.c.network_id.in_(networks), meetings.c.state == State.CONVENED, meetings.c.starts_at > now)
        .order_by(meetings.c.id)
        .with_for_update()
    )
    return {row.id: row.body_id for row in rows}


async def _seats_of(session: AsyncSession, people: Iterable[UUID]) -> set[UUID]:
    """The seats of all mandates of these people: with one of them, the others are looked at too."""
    held = select(mandates.c.seat_id).where(mandates.c.person_id.in_(people), mandates.c.seat_id.is_not(None))
    return {seat for seat in await session.scalars(held) if seat is not None}


MISSING = text(
    """
    select 'body' as what, id from unnest(:bodies) as wanted(id) where not exists (
        select from bodies b where b.id = wanted.id)
    union all
    select 'seat', id from unnest(:seats) as wanted(id) where not exists (select from seats s where s.id = wanted.id)
    union all
    select 'mandate', i.mandate_id from invitations i
    where i.meeting_id = any(:meetings) and i.state = 'issued' and i.mandate_id is not null
      and not exists (select from mandates d where d.id = i.mandate_id)
    union all
    select 'seat', i.seat_id from invitations i
    where i.meeting_id = any(:meetings) and i.state = 'issued' and i.seat_id is not null
      and not exists (select from seats s where s.id = i.seat_id)
    limit 1
    """
).bindparams(*(bindparam(name, type_=ARRAY(Uuid)) for name in ("bodies", "seats", "meetings")))


async def _all_known(
    session: AsyncSession, ahead: Mapping[UUID, UUID | None], holders: Sequence[Received[MandateState]]
) -> None:
    """Nobody loses an invitation because something that is on its way, or being read again, is not here yet."""
    row = (
        await session.execute(
            MISSING,
            {
                "bodies": sorted({body for body in ahead.values() if body is not None}),
                "seats": sorted({r.fact.seat_id for r in holders if r.fact.seat_id is not None}),
                "meetings": sorted(ahead),
            },
        )
    ).first()
    if row is not None:
        raise NotYet(f"{row.what} {row.id}")


def _causes(
    bodies: Iterable[Received[BodyState]],
    seats: Iterable[Received[SeatState]],
    holders: Iterable[Received[MandateState]],
) -> dict[UUID, Cause]:
    """Because of which fact something happens to a person, to a seat, or to all who belong to a body."""
    causes: dict[UUID, Cause] = {}
    for received in (*bodies, *seats):
        causes[received.fact.id] = received.cause
    for holder in holders:
        causes[holder.fact.person_id] = holder.cause
        causes[holder.fact.id] = holder.cause
        if holder.fact.seat_id is not None:
            causes[holder.fact.seat_id] = holder.cause
    return causes


async def _tell(
    session: AsyncSession,
    changed: Sequence[InvitationState],
    ahead: Mapping[UUID, UUID | None],
    causes: Mapping[UUID, Cause],
    facts: Sequence[Received[Fact]],
    now: datetime,
) -> None:
    """The facts of each cause by themselves: a batch holds the consequences of several requests."""
    by_cause: dict[Cause, list[InvitationState]] = defaultdict(list)
    for fact in changed:
        near: tuple[Any, ...] = (fact.mandate_id, fact.seat_id, fact.person_id, ahead[fact.meeting_id])
        cause = next((causes[id_] for id_ in near if id_ in causes), facts[-1].cause)
        by_cause[cause].append(fact)
    for cause, together in by_cause.items():
        with caused_by(replace(cause, at=now)):
            await stage(session, *together)

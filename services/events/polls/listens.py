"""Who is asked in an open poll follows mandates: whoever will belong to its body on the day of the earliest date is
asked, whoever will not is no longer.

As with invitations, the reaction takes the news in by itself, under the lock that opening a poll takes: whichever
commits first, nobody is missed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TypeVar, cast
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, bindparam, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from services.events.bodies.listens import bodies_known, seats_known
from services.events.mandates.listens import mandates_known
from services.events.mandates.tables import mandates
from services.events.meetings.queries import lock_convocations
from services.events.polls import commands
from services.events.polls.rules import State
from services.events.polls.tables import polls
from shared.contracts.envelope import Fact
from shared.contracts.events import PollRequestState
from shared.contracts.registry import BodyState, MandateState, SeatState
from shared.messaging import Cause, NotYet, Received, caused_by, reacts, stage

S = TypeVar("S", bound=Fact)


@reacts(BodyState, SeatState, MandateState)
async def ask_in_polls(session: AsyncSession, facts: Sequence[Received[Fact]], now: datetime) -> None:
    """One handler for the three, so that a batch looks at each poll once."""
    told = {received.fact.network_id for received in facts if received.fact.network_id is not None}
    await lock_convocations(session, told)
    bodies, seats, holders = of(facts, BodyState), of(facts, SeatState), of(facts, MandateState)
    await bodies_known(session, bodies, now)
    await seats_known(session, seats, now)
    await mandates_known(session, holders, now)
    open_ = await _open(session, told)
    if not open_:
        return
    await _all_known(session, open_, holders)
    causes = {received.fact.id: received.cause for received in (*bodies, *seats)}
    causes |= {received.fact.person_id: received.cause for received in holders}
    whole = [poll for poll, body in open_.items() if body in causes]
    changed = await commands.follow(session, whole)
    rest = [poll for poll in open_ if poll not in set(whole)]
    if rest and (seats or holders):
        people, places = await _concerned(session, seats, holders, causes)
        changed += await commands.follow(session, rest, people=people, seats=places)
    await _tell(session, changed, open_, causes, facts, now)


def of(facts: Iterable[Received[Fact]], state: type[S]) -> list[Received[S]]:
    return [cast(Received[S], received) for received in facts if isinstance(received.fact, state)]


async def _open(session: AsyncSession, networks: Iterable[UUID]) -> dict[UUID, UUID]:
    """The open polls of bodies in these networks, locked, each with its body."""
    rows = await session.execute(
        select(polls.c.id, polls.c.body_id)
        .where(polls.c.network_id.in_(networks), polls.c.state == State.OPEN, polls.c.body_id.is_not(None))
        .order_by(polls.c.id)
        .with_for_update()
    )
    return {row.id: row.body_id for row in rows}


async def _concerned(
    session: AsyncSession,
    seats: Iterable[Received[SeatState]],
    holders: Iterable[Received[MandateState]],
    causes: dict[UUID, Cause],
) -> tuple[set[UUID], set[UUID]]:
    """The people of whom there is news, with those who sat before or after them, and all their seats: who loses one
    may have another. Notes in `causes` whose seat is the news."""
    people = {received.fact.person_id for received in holders}
    touched = {received.fact.id for received in seats} | await _seats_of(session, people)
    sat = select(mandates.c.person_id, mandates.c.seat_id).where(mandates.c.seat_id.in_(touched))
    for row in await session.execute(sat):
        people.add(row.person_id)
        if row.seat_id in causes:
            causes.setdefault(row.person_id, causes[row.seat_id])
    return people, touched | await _seats_of(session, people)


async def _seats_of(session: AsyncSession, people: Collection[UUID]) -> set[UUID]:
    theirs = select(mandates.c.seat_id).where(mandates.c.person_id.in_(people), mandates.c.seat_id.is_not(None))
    return {seat for seat in await session.scalars(theirs) if seat is not None}


MISSING = text(
    """
    select 'body' as what, id from unnest(:bodies) as wanted(id) where not exists (
        select from bodies b where b.id = wanted.id)
    union all
    select 'seat', id from unnest(:seats) as wanted(id) where not exists (select from seats s where s.id = wanted.id)
    union all
    select 'mandate', r.mandate_id from poll_requests r
    where r.poll_id = any(:polls) and r.state <> 'withdrawn' and r.mandate_id is not null
      and not exists (select from mandates d where d.id = r.mandate_id)
    union all
    select 'seat', r.seat_id from poll_requests r
    where r.poll_id = any(:polls) and r.state <> 'withdrawn' and r.seat_id is not null
      and not exists (select from seats s where s.id = r.seat_id)
    limit 1
    """
).bindparams(*(bindparam(name, type_=ARRAY(Uuid)) for name in ("bodies", "seats", "polls")))


async def _all_known(
    session: AsyncSession, open_: Mapping[UUID, UUID], holders: Sequence[Received[MandateState]]
) -> None:
    """Nobody is asked no longer because something that is on its way, or being read again, is not here yet."""
    row = (
        await session.execute(
            MISSING,
            {
                "bodies": sorted(set(open_.values())),
                "seats": sorted({r.fact.seat_id for r in holders if r.fact.seat_id is not None}),
                "polls": sorted(open_),
            },
        )
    ).first()
    if row is not None:
        raise NotYet(f"{row.what} {row.id}")


async def _tell(
    session: AsyncSession,
    changed: Sequence[PollRequestState],
    open_: Mapping[UUID, UUID],
    causes: Mapping[UUID, Cause],
    facts: Sequence[Received[Fact]],
    now: datetime,
) -> None:
    """The facts of each cause by themselves: a batch holds the consequences of several requests."""
    by_cause: dict[Cause, list[PollRequestState]] = defaultdict(list)
    for fact in changed:
        near = (fact.person_id, open_[fact.poll_id])
        cause = next((causes[id_] for id_ in near if id_ in causes), facts[-1].cause)
        by_cause[cause].append(fact)
    for cause, together in by_cause.items():
        with caused_by(replace(cause, at=now)):
            await stage(session, *together)

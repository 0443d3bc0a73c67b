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

from sqlalchemy import ARRAY, ColumnElement, Uuid, bindparam, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from services.events.bodies.listens import bodies_known, seats_known
from services.events.invitations import commands
from services.events.mandates.listens import mandates_known
from services.events.mandates.tables import mandates
from services.events.meetings.queries import lock_convocations
from services.events.meetings.rules import State
from services.events.meetings.tables import meetings
from services.events.organisations.listens import organisations_known
from shared.contracts.envelope import Fact
from shared.contracts.events import InvitationState
from shared.contracts.registry import BodyState, MandateState, OrganisationState, SeatState
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
    whole = [meeting for meeting, of_bodies in ahead.items() if of_bodies & causes.keys()]
    rest = [meeting for meeting in ahead if meeting not in set(whole)]
    changed = await commands.follow(session, whole)
    if rest and (seats or holders):
        places = {received.fact.id for received in seats}
        people = {received.fact.person_id for received in holders} | await _people_of(session, places)
        changed += await commands.follow(session, rest, people=people, seats=places | await _seats_of(session, people))
    await _tell(session, changed, ahead, causes, facts, now)


def of(facts: Iterable[Received[Fact]], state: type[S]) -> list[Received[S]]:
    return [cast(Received[S], received) for received in facts if isinstance(received.fact, state)]


@reacts(OrganisationState)
async def follow_organisations(
    session: AsyncSession, facts: Sequence[Received[OrganisationState]], now: datetime
) -> None:
    """Of another kind, or known at last: who holds a mandate for it belongs to other audiences. It is taken in here,
    too, under the lock that convocations take, so that neither can miss the other."""
    theirs = mandates.c.organisation_id.in_({received.fact.id for received in facts})
    networks = set(await session.scalars(select(mandates.c.network_id).where(theirs).distinct()))
    await lock_convocations(session, networks)
    await organisations_known(session, facts, now)
    by_kind = meetings.c.audience["kinds"].is_not(None)
    ahead = await _ahead(session, networks, now, by_kind) if networks else {}
    if not ahead:
        return
    await _all_known(session, ahead, ())
    holders = (await session.execute(select(mandates.c.person_id, mandates.c.organisation_id).where(theirs))).all()
    people = {holder.person_id for holder in holders}
    changed = await commands.follow(session, list(ahead), people=people, seats=())
    of_facts = {received.fact.id: received.cause for received in facts}
    causes = {holder.person_id: of_facts[holder.organisation_id] for holder in holders}
    await _tell(session, changed, ahead, causes, facts, now)


async def _ahead(
    session: AsyncSession, networks: Iterable[UUID], now: datetime, *where: ColumnElement[bool]
) -> dict[UUID, set[UUID]]:
    """The convened meetings of these networks that have not begun, locked, each with the bodies whose people are asked
    to it."""
    rows = await session.execute(
        select(meetings.c.id, meetings.c.body_id, meetings.c.audience)
        .where(meetings.c.network_id.in_(networks), meetings.c.state == State.CONVENED, meetings.c.starts_at > now)
        .where(*where)
        .order_by(meetings.c.id)
        .with_for_update()
    )
    return {
        row.id: {UUID(body) for body in (row.audience or {}).get("bodies", ())} | {row.body_id} - {None} for row in rows
    }


async def _seats_of(session: AsyncSession, people: Iterable[UUID]) -> set[UUID]:
    """The seats of all mandates of these people: with one of them, the others are looked at too."""
    held = select(mandates.c.seat_id).where(mandates.c.person_id.in_(people), mandates.c.seat_id.is_not(None))
    return {seat for seat in await session.scalars(held) if seat is not None}


async def _people_of(session: AsyncSession, places: set[UUID]) -> set[UUID]:
    """Who holds, held or will hold these seats: where an audience names their body, they are asked for themselves."""
    holders = select(mandates.c.person_id).where(mandates.c.seat_id.in_(places))
    return set(await session.scalars(holders)) if places else set()


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
    union all
    select 'organisation', i.organisation_id from invitations i join meetings m on m.id = i.meeting_id
    where i.meeting_id = any(:meetings) and i.state = 'issued' and m.audience->'kinds' is not null
      and i.organisation_id is not null and i.mandate_id is not null
      and not exists (select from organisations o where o.id = i.organisation_id)
    limit 1
    """
).bindparams(*(bindparam(name, type_=ARRAY(Uuid)) for name in ("bodies", "seats", "meetings")))


async def _all_known(
    session: AsyncSession, ahead: Mapping[UUID, set[UUID]], holders: Sequence[Received[MandateState]]
) -> None:
    """Nobody loses an invitation because something that is on its way, or being read again, is not here yet."""
    row = (
        await session.execute(
            MISSING,
            {
                "bodies": sorted(set().union(*ahead.values())),
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
    ahead: Mapping[UUID, set[UUID]],
    causes: Mapping[UUID, Cause],
    facts: Sequence[Received[Fact]],
    now: datetime,
) -> None:
    """The facts of each cause by themselves: a batch holds the consequences of several requests."""
    by_cause: dict[Cause, list[InvitationState]] = defaultdict(list)
    for fact in changed:
        near: tuple[Any, ...] = (fact.mandate_id, fact.seat_id, fact.person_id, *ahead[fact.meeting_id])
        cause = next((causes[id_] for id_ in near if id_ in causes), facts[-1].cause)
        by_cause[cause].append(fact)
    for cause, together in by_cause.items():
        with caused_by(replace(cause, at=now)):
            await stage(session, *together)

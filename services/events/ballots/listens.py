"""Voters follow mandates: whoever holds one no longer is withdrawn from the open ballots that are in no meeting,
whoever holds it now is called.

As with invitations, the reaction takes the news in by itself, under the lock that opening a ballot takes: neither can
miss the other, whichever commits first.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, bindparam, text
from sqlalchemy.ext.asyncio import AsyncSession

from services.events.ballots import calling
from services.events.ballots.rules import Ballot
from services.events.bodies.listens import bodies_known, seats_known
from services.events.invitations.listens import of
from services.events.mandates.listens import mandates_known
from services.events.meetings.queries import lock_convocations
from shared.contracts.envelope import Fact
from shared.contracts.events import VoterState
from shared.contracts.registry import BodyState, MandateState, SeatState
from shared.messaging import Cause, NotYet, Received, caused_by, reacts, stage

MISSING = text(
    """
    select 'body' as what, id from unnest(:bodies) as wanted(id)
    where not exists (select from bodies b where b.id = wanted.id)
    union all
    select 'seat', id from unnest(:seats) as wanted(id) where not exists (select from seats s where s.id = wanted.id)
    union all
    select 'mandate', v.mandate_id from voters v
    where v.ballot_id = any(:ballots) and v.state = 'called'
      and not exists (select from mandates d where d.id = v.mandate_id)
    limit 1
    """
).bindparams(*(bindparam(name, type_=ARRAY(Uuid)) for name in ("bodies", "seats", "ballots")))


@reacts(BodyState, SeatState, MandateState)
async def voters_follow_mandates(session: AsyncSession, facts: Sequence[Received[Fact]], now: datetime) -> None:
    """Looks at each open ballot once for a batch."""
    networks = {received.fact.network_id for received in facts if received.fact.network_id is not None}
    await lock_convocations(session, networks)
    ballots = await calling.open_ballots(session, networks)
    if not ballots:
        return
    await bodies_known(session, of(facts, BodyState), now)
    await seats_known(session, of(facts, SeatState), now)
    holders = of(facts, MandateState)
    await mandates_known(session, holders, now)
    await _require_known(session, ballots, {r.fact.seat_id for r in holders if r.fact.seat_id is not None})
    changed = [fact for ballot in ballots for fact in await calling.follow(session, ballot, now)]
    await _tell(session, changed, {r.fact.person_id: r.cause for r in holders}, facts[-1].cause, now)


async def _require_known(session: AsyncSession, ballots: Sequence[Ballot], seats: Iterable[UUID]) -> None:
    """Nobody loses their vote because something that is on its way, or being read again, is not here yet."""
    asked = {
        "bodies": sorted({ballot.body_id for ballot in ballots if ballot.body_id is not None}),
        "seats": sorted(seats),
        "ballots": [ballot.id for ballot in ballots],
    }
    row = (await session.execute(MISSING, asked)).first()
    if row is not None:
        raise NotYet(f"{row.what} {row.id}")


async def _tell(
    session: AsyncSession,
    changed: Sequence[VoterState],
    causes: Mapping[UUID, Cause],
    otherwise: Cause,
    now: datetime,
) -> None:
    """The facts of each cause by themselves: a batch holds the consequences of several requests."""
    by_cause: dict[Cause, list[VoterState]] = defaultdict(list)
    for fact in changed:
        by_cause[causes.get(fact.person_id, otherwise)].append(fact)
    for cause, together in by_cause.items():
        with caused_by(replace(cause, at=now)):
            await stage(session, *together)

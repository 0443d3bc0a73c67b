"""Who is called to a ballot that is in no meeting, and who belongs to which cohort.

Calling follows mandates until the ballot is closed: who holds one no longer is withdrawn, whoever holds it now is
called, unless their voice has voted. Whoever calls holds the lock on the convocations of the network, which the news of
mandates takes too, and then the ballot's row. Four statements for any number of voters.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Boolean, Text, Uuid, bindparam, insert, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from services.events.attendance.queries import seated
from services.events.ballots.rules import Ballot, Elector, Per, VoterState, cohort_of
from services.events.ballots.tables import ballot_organisations, ballots, voters
from services.events.bodies.rules import SEATED, Composition
from services.events.meetings.rules import Meeting
from services.events.organisations.tables import organisations
from shared import territories
from shared.access.actor import day
from shared.access.roles import Role
from shared.contracts.events import VoterCalled, VoterWithdrawn
from shared.contracts.events import VoterState as VoterFact

Places = Mapping[UUID, tuple[str | None, int]]
"""By voice, its cohort and how many votes it has."""
HELD = "d.since <= :day and (d.ends is null or d.ends > :day)"
WHOM = "(cardinality(cast(:roles as text[])) = 0 or d.role = any(:roles))"
VOICE = "case when cast(:by_organisation as boolean) then d.organisation_id else d.person_id end"
ENTITLED = text(
    f"""
    select distinct on (voice) voice, person_id, mandate_id, organisation_id, within from (
        select s.id as voice, d.person_id, d.id as mandate_id, d.organisation_id, d.within, d.since,
               -extract(epoch from d.since) as place
        from bodies b
        join seats s on s.body_id = b.id and s.since <= :day and (s.until is null or s.until > :day)
        join mandates d on d.seat_id = s.id and {HELD} and {WHOM}
        where b.id = :body and b.composition = any(:seated)
        union all
        select {VOICE}, d.person_id, d.id, d.organisation_id, d.within, d.since, extract(epoch from d.since)
        from bodies b
        join mandates d on {HELD} and {WHOM} and (
            b.composition = :open and d.body_id = b.id
            or b.composition = :by_territory and d.network_id = b.network_id and (
                d.role = any(b.roles) and (b.territory is null or b.territory = any(d.within))
                or d.role = :coordinator and d.territory = b.territory))
        where b.id = :body
        union all
        select {VOICE}, d.person_id, d.id, d.organisation_id, d.within, d.since, extract(epoch from d.since)
        from mandates d
        where cast(:body as uuid) is null and d.network_id = :network and {HELD} and {WHOM}
    ) as held
    where voice is not null
    order by voice, place, mandate_id
    """  # noqa: S608 (no value comes from outside)
).bindparams(
    bindparam("body", type_=Uuid),
    bindparam("network", type_=Uuid),
    bindparam("roles", type_=ARRAY(Text)),
    bindparam("seated", type_=ARRAY(Text)),
)
"""One row for each voice: a seat's latest holder; else who has had the mandate for longest."""


async def electors(session: AsyncSession, ballot: Ballot, on: date) -> Sequence[Any]:
    asked = {
        "day": on,
        "network": ballot.network_id,
        "body": ballot.body_id,
        "roles": list(ballot.roles),
        "by_organisation": ballot.per is Per.ORGANISATION,
        "seated": list(SEATED),
        "open": Composition.OPEN,
        "by_territory": Composition.BY_TERRITORY,
        "coordinator": Role.COORDINATOR,
    }
    return (await session.execute(ENTITLED, asked)).all()


async def vacant(session: AsyncSession, body: Any, on: date) -> int:
    """The seats of a body that nobody holds: they are among those entitled."""
    if not seated(body):
        return 0
    return await session.scalar(VACANT, {"body": body.id, "day": on}) or 0


VACANT = text(
    f"""
    select count(*) from seats s where s.body_id = :body and s.since <= :day and (s.until is null or s.until > :day)
    and not exists (select from mandates d where d.seat_id = s.id and {HELD})
    """  # noqa: S608
)


# --- cohorts and weights --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Named:
    """What a ballot says of an organisation that it names."""

    cohort: str | None
    votes: int | None


async def named(session: AsyncSession, ballot_id: UUID) -> Mapping[UUID, Named]:
    """The organisations that the ballot names."""
    rows = await session.execute(select(ballot_organisations).where(ballot_organisations.c.ballot_id == ballot_id))
    return {row.organisation_id: Named(row.cohort, row.votes) for row in rows}


async def placed(
    session: AsyncSession, ballot: Ballot, rows: Iterable[Any], by_name: Mapping[UUID, Named] | None = None
) -> Places:
    """By voice, the cohort and the votes of each row (`voice, organisation_id, within`). `by_name`: of a ballot that is
    not kept yet."""
    rows = list(rows)
    if not ballot.cohorts and not ballot.weighted:
        return {row.voice: (None, 1) for row in rows}
    by_name = await named(session, ballot.id) if by_name is None else by_name
    ids = {row.organisation_id for row in rows} - {None}
    query = select(organisations).where(organisations.c.id.in_(ids))
    known = {one.id: one for one in await session.execute(query)}
    found = {}
    for row in rows:
        name, own = by_name.get(row.organisation_id), known.get(row.organisation_id)
        cohort = cohort_of(ballot.cohorts, _elector(row, own), name.cohort if name is not None else None)
        found[row.voice] = (cohort, name.votes or 1 if name is not None else 1)
    return found


def _elector(row: Any, organisation: Any) -> Elector:
    places = tuple(row.within or ())
    if organisation is None:
        return Elector(row.organisation_id, places=places)
    seat = territories.load().around(organisation.municipality)
    return Elector(organisation.id, organisation.kind, tuple(organisation.sections), (*places, *seat))


# --- calling --------------------------------------------------------------------------------------------------------

COLUMNS = ("id", "version", "network_id", "ballot_id", "person_id", "organisation_id", "cohort", "state")
WITHDRAW = text(
    f"""
    update voters set state = 'withdrawn', version = version + 1
    where ballot_id = :ballot and state = 'called' and not (mandate_id = any(:mandates))
    returning {", ".join(COLUMNS)}
    """  # noqa: S608
).bindparams(bindparam("mandates", type_=ARRAY(Uuid)))
CALL_AGAIN = text(
    f"""
    update voters v set state = 'called', version = version + 1
    where ballot_id = :ballot and state = 'withdrawn' and mandate_id = any(:mandates)
      and not exists (select from votes o where o.ballot_id = v.ballot_id and o.voice = v.voice)
    returning {", ".join(COLUMNS)}
    """  # noqa: S608
).bindparams(bindparam("mandates", type_=ARRAY(Uuid)))
KNOWN = text("select mandate_id, voice, state = 'voted' as voted from voters where ballot_id = :ballot")


async def entitled(
    session: AsyncSession, ballot: Ballot, now: datetime, by_name: Mapping[UUID, Named] | None = None
) -> tuple[Sequence[Any], Places]:
    """Who may vote now, and the cohort and votes of each."""
    wanted = await electors(session, ballot, day(now))
    by_voice = await placed(session, ballot, wanted, by_name)
    if ballot.only_cohorts:
        wanted = [row for row in wanted if by_voice[row.voice][0] is not None]
    return wanted, {row.voice: by_voice[row.voice] for row in wanted}


async def call(session: AsyncSession, ballot: Ballot, wanted: Sequence[Any], by_voice: Places) -> list[VoterFact]:
    """Calls these voters; the facts are the caller's to stage."""
    new = [_row(ballot, row, by_voice[row.voice]) for row in wanted]
    if new:
        await session.execute(insert(voters), new)
    return [_fact(VoterCalled, row) for row in new]


async def follow(session: AsyncSession, ballot: Ballot, now: datetime) -> list[VoterFact]:
    """Brings the voters in line with who is entitled now; the facts are the caller's to stage."""
    wanted, by_voice = await entitled(session, ballot, now)
    asked = {"ballot": ballot.id, "mandates": [row.mandate_id for row in wanted]}
    gone = [_fact(VoterWithdrawn, row._mapping) for row in await session.execute(WITHDRAW, asked)]
    back = [_fact(VoterCalled, row._mapping) for row in await session.execute(CALL_AGAIN, asked)]
    known = (await session.execute(KNOWN, asked)).all()
    mandates, voted = {row.mandate_id for row in known}, {row.voice for row in known if row.voted}
    new = [row for row in wanted if row.mandate_id not in mandates and row.voice not in voted]
    return [*gone, *back, *await call(session, ballot, new, by_voice)]


def _row(ballot: Ballot, row: Any, place: tuple[str | None, int]) -> dict[str, Any]:
    cohort, weight = place
    return {
        "id": uuid7(),
        "ballot_id": ballot.id,
        "network_id": ballot.network_id,
        "voice": row.voice,
        "person_id": row.person_id,
        "mandate_id": row.mandate_id,
        "organisation_id": row.organisation_id,
        "cohort": cohort,
        "weight": weight,
        "state": VoterState.CALLED,
        "version": 1,
    }


def _fact(fact: type[VoterFact], row: Any) -> VoterFact:
    return fact(**{name: row[name] for name in COLUMNS})


async def open_ballots(session: AsyncSession, networks: Collection[UUID]) -> Sequence[Ballot]:
    """The ballots of these networks that are in no meeting and still open, locked."""
    query = select(Ballot).where(
        ballots.c.network_id.in_(networks), ballots.c.meeting_id.is_(None), ballots.c.outcome.is_(None)
    )
    query = query.order_by(ballots.c.id).with_for_update()
    return (await session.scalars(query.execution_options(populate_existing=True))).all()


# --- counting -------------------------------------------------------------------------------------------------------

COUNTED = text(
    """
    select distinct on (voice) voice, cohort, weight from voters
    where ballot_id = :ballot and state <> 'withdrawn'
    order by voice, state = 'voted' desc, id
    """
)


async def counted(session: AsyncSession, ballot: Ballot) -> list[tuple[str | None, int]]:
    """Cohort and votes of each voice that was called and is entitled still, or has voted."""
    rows = await session.execute(COUNTED, {"ballot": ballot.id})
    return [(row.cohort, row.weight) for row in rows]


ROLLS = text(
    """
    with standing as (
        select i.seat_id, i.person_id, i.organisation_id, d.within, i.id
        from invitations i
        join mandates d on d.id = i.mandate_id and d.since <= :day and (d.ends is null or d.ends > :day)
        where i.meeting_id = :meeting and i.state = 'issued')
    select distinct on (voice) * from (
        select s.id as voice, coalesce(i.organisation_id, s.organisation_id) as organisation_id, i.within, i.id
        from seats s left join standing i on i.seat_id = s.id
        where :seated and s.body_id = :body and s.since <= :day and (s.until is null or s.until > :day)
        union all
        select i.person_id, i.organisation_id, i.within, i.id from standing i where not :seated
    ) as rolls
    order by voice, id
    """
).bindparams(bindparam("body", type_=Uuid), bindparam("meeting", type_=Uuid), bindparam("seated", type_=Boolean))


async def rolls(session: AsyncSession, meeting: Meeting, body: Any) -> Sequence[Any]:
    """The voices that there are in a meeting (`attendance/queries.py` counts the same), with whom they stand for."""
    asked = {
        "meeting": meeting.id,
        "day": meeting.day,
        "seated": seated(body),
        "body": body.id if body is not None else None,
    }
    return (await session.execute(ROLLS, asked)).all()


async def speak_for(session: AsyncSession, going: UUID, staying: UUID) -> None:
    """One who was entered twice has one voice; where both have spoken, each remains."""
    for statement in SPEAK_FOR:
        await session.execute(statement, {"going": going, "staying": staying})


SPEAK_FOR = tuple(
    text(
        f"update {table} v set voice = :staying where v.voice = :going"  # noqa: S608 (names of our own)
        f" and not exists (select from {table} k where k.ballot_id = v.ballot_id and k.voice = :staying)"
    )
    for table in ("votes", "voters", "paper_drafts")
)

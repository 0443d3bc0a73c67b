"""A person was entered twice: what names the duplicate names the other.

What is final keeps the id under which it was decided, counted or approved; the database lets nobody change it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, bindparam, text
from sqlalchemy.ext.asyncio import AsyncSession

from services.events.ballots import calling
from services.events.invitations import commands as invitations
from services.events.meetings.queries import lock_convocations
from services.events.store import mapper
from shared.contracts.events import InvitationReassigned, InvitationState, InvitationWithdrawn
from shared.runtime.repointing import naming_people, repoint

PROJECTED = frozenset({"mandates"})
"""Tables that follow the registry's own facts."""
FINAL: Mapping[str, str] = {
    "quorums": "false",
    "ballots": "t.outcome is null",
    "decisions": "t.state = 'proposed'",
    "minutes": "t.state <> 'approved'",
    "synthesis_versions": "false",
    # who was invited by name under both: the invitation of the duplicate is withdrawn, and stays what it was
    "invitations": "t.person_id <> merged.old or t.mandate_id is not null or not exists (select from invitations k"
    " where k.meeting_id = t.meeting_id and k.mandate_id is null and k.person_id = merged.new)",
}


async def reassign(session: AsyncSession, going: UUID, staying: UUID, now: datetime) -> list[InvitationState]:
    """Gives the facts to tell. A guest who was there twice was there once; of two votes in an open ballot without seats
    the last counts; who had delegated themselves will come; who belongs to a body twice is invited once."""
    asked = {"going": going, "staying": staying}
    networks = set((await session.execute(NETWORKS, asked)).scalars())
    await lock_convocations(session, networks)
    await session.execute(LOCK_MEETINGS, asked)
    for statement in (TWICE_THERE, EARLIER_VOTE):
        await session.execute(statement, asked)
    await calling.speak_for(session, going, staying)
    named_twice = [
        InvitationWithdrawn(**{name: getattr(row, name) for name in COLUMNS})
        for row in await session.execute(NAMED_TWICE, asked)
    ]
    concerned = list((await session.execute(CONCERNED, asked)).scalars())
    columns = [column for column in naming_people(mapper.metadata) if column.table.name not in PROJECTED]
    await repoint(session, columns, {going: staying}, only=FINAL)
    rows: Any = await session.execute(REASSIGNED, {"ids": concerned})
    told: list[InvitationState] = [
        *named_twice,
        *(InvitationReassigned(**{name: getattr(row, name) for name in COLUMNS}) for row in rows),
    ]
    return told + await _once(session, staying, asked | {"now": now}, told)


async def _once(
    session: AsyncSession, staying: UUID, asked: dict[str, Any], told: Sequence[InvitationState]
) -> list[InvitationState]:
    """Not before the mandates name the other, too: their own news brings the invitations in line then."""
    if await session.scalar(STILL_HOLDS, asked):
        return []
    ahead = list((await session.execute(AHEAD, {**asked, "meetings": [fact.meeting_id for fact in told]})).scalars())
    return await invitations.follow(session, ahead, people={staying})


COLUMNS = invitations.COLUMNS.split(", ")
NETWORKS = text(
    "select distinct network_id from invitations where :going in (person_id, delegate_id) union"
    " select distinct network_id from attendances where person_id = :going union"
    " select distinct network_id from voters where person_id = :going"
)
LOCK_MEETINGS = text(
    "select from meetings where id in (select meeting_id from invitations where :going in (person_id, delegate_id)"
    " union select meeting_id from attendances where person_id = :going) order by id for update"
)
BOTH_NAMED = (
    "i.person_id = :going and i.mandate_id is null and exists (select from invitations k"
    " where k.meeting_id = i.meeting_id and k.mandate_id is null and k.person_id = :staying)"
)
NAMED_TWICE = text(
    "update invitations i set state = 'withdrawn', turn = null, updated_at = now(), version = i.version + 1"  # noqa: S608
    f" where {BOTH_NAMED} and i.state = 'issued' returning {invitations.COLUMNS}"
)
CONCERNED = text(
    f"select id from invitations i where :going in (i.person_id, i.delegate_id) and not ({BOTH_NAMED})"  # noqa: S608
    " order by id for update"
)
STILL_HOLDS = text("select exists (select from mandates where person_id = :going)")
AHEAD = text(
    "select id from meetings where id = any(:meetings) and state = 'convened' and starts_at > :now order by id"
).bindparams(bindparam("meetings", type_=ARRAY(Uuid)))
TWICE_THERE = text(
    "delete from attendances g using attendances k where g.person_id = :going and g.invitation_id is null"
    " and k.person_id = :staying and k.meeting_id = g.meeting_id"
)
EARLIER_VOTE = text(
    "delete from votes v using votes o, ballots b where b.id = v.ballot_id and b.outcome is null"
    " and o.ballot_id = v.ballot_id and v.voice in (:going, :staying) and o.voice in (:going, :staying)"
    " and v.voice <> o.voice and (v.cast_at, v.voice) < (o.cast_at, o.voice)"
)
REASSIGNED = text(
    f"""
    update invitations set version = version + 1, updated_at = now(),
        answer = case when delegate_id = person_id then 'yes' else answer end,
        delegate_id = case when delegate_id = person_id then null else delegate_id end
    where id = any(:ids) returning {invitations.COLUMNS}
    """  # noqa: S608 (names of our own)
)

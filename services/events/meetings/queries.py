"""Reading meetings, the locks with which commands take them, and who is entitled to meet."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import chain
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Text, Uuid, bindparam, exists, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from services.events.bodies.rules import SEATED, Composition
from services.events.bodies.rules import State as BodyState
from services.events.bodies.tables import bodies
from services.events.invitations.rules import Reply
from services.events.invitations.rules import State as InvitationState
from services.events.invitations.tables import invitations
from services.events.mandates.tables import mandates
from services.events.meetings.rules import (
    BodyElsewhere,
    InvalidAudience,
    Meeting,
    Mode,
    Of,
    Overlapping,
    State,
    UnknownMeeting,
)
from services.events.meetings.tables import guests, meetings
from services.events.people.tables import people
from services.events.policy import Right, policy
from services.events.series.rules import Level
from services.events.series.tables import series as programmes
from shared import territories
from shared.access.actor import Actor
from shared.access.loading import network_id
from shared.access.roles import Role
from shared.runtime.paging import DEFAULT, Page, page
from shared.runtime.problems import NotYetKnown


@dataclass(frozen=True)
class Body:
    """What is shown of a body, and what the policy asks about it."""

    id: UUID
    title: str
    territory: str | None


@dataclass(frozen=True)
class Known:
    """A meeting with what is shown beside it: its body, its programme's title, whether the caller is invited, how many
    answered what, who is invited by name, how many documents there are."""

    meeting: Meeting
    body: Body | None
    series: str | None
    invited: bool
    answers: dict[str, int]
    guests: list[UUID]
    documents: int

    @property
    def version(self) -> int:
        return self.meeting.version

    @property
    def free_places(self) -> int | None:
        """None where places are not counted; 0 also where more said yes before they were."""
        if self.meeting.capacity is None:
            return None
        return max(0, self.meeting.capacity - self.answers["yes"] + self.answers["waiting"])


def of(body: Any) -> Of | None:
    """What a meeting needs to know of its body, from a row of `bodies`."""
    return Of(BodyState(body.state), body.second_call is not None) if body is not None else None


async def body_of(session: AsyncSession, network: UUID, body_id: UUID | None) -> Any:
    """The row of a body of this network; None for none. Raises NotYetKnown, BodyElsewhere."""
    if body_id is None:
        return None
    row = (await session.execute(select(bodies).where(bodies.c.id == body_id))).one_or_none()
    if row is None:
        raise NotYetKnown("/body_id", "body")
    if row.network_id != network:
        raise BodyElsewhere
    return row


def may_convene(actor: Actor, network: UUID, body: Any, now: datetime) -> bool:
    return policy.has(actor, Right.CONVENE_MEETINGS, on=now, **where(network, body))


def require_convener(actor: Actor, network: UUID, body: Any, now: datetime) -> None:
    policy.require(actor, Right.CONVENE_MEETINGS, on=now, **where(network, body))


def where(network: UUID, body: Any) -> dict[str, Any]:
    """What a right is asked for: the network, the body and its territory, none for one of the whole network."""
    return {
        "network": network,
        "body": body.id if body is not None else None,
        "territory": body.territory if body is not None else None,
    }


async def for_update(session: AsyncSession, meeting_id: UUID) -> Meeting:
    """The meeting, the convocations of its network and its row locked; raises UnknownMeeting."""
    meeting = await session.get(Meeting, meeting_id)
    if meeting is None:
        raise UnknownMeeting(meeting_id)
    await lock_convocations(session, [meeting.network_id])
    await session.refresh(meeting, with_for_update=True)
    return meeting


async def overlapping(
    session: AsyncSession, body_id: UUID, starts_at: datetime, ends_at: datetime, *, but: UUID | None = None
) -> Any:
    """The first meeting of the body (id, starts_at, ends_at) that takes place at that time, or None; drafts are not
    sure to. Whoever acts on it holds the lock on the convocations, so that no other one is convened meanwhile."""
    c = meetings.c
    query = (
        select(c.id, c.starts_at, c.ends_at)
        .where(c.body_id == body_id, c.starts_at < ends_at, c.ends_at > starts_at, c.id != but)
        .where(c.state.in_([State.CONVENED, State.HELD]))
        .order_by(c.starts_at, c.id)
        .limit(1)
    )
    return (await session.execute(query)).one_or_none()


async def require_free(session: AsyncSession, meeting: Meeting) -> None:
    """A body is in one meeting at a time. Raises Overlapping."""
    if meeting.body_id is None:
        return
    with session.no_autoflush:
        other = await overlapping(session, meeting.body_id, meeting.starts_at, meeting.ends_at, but=meeting.id)
    if other is not None:
        raise Overlapping(other.id, other.starts_at, other.ends_at)


async def guests_of(session: AsyncSession, meeting_id: UUID) -> list[UUID]:
    """Who is invited by name."""
    found = select(guests.c.person_id).where(guests.c.meeting_id == meeting_id).order_by(guests.c.person_id)
    return list(await session.scalars(found))


async def require_bodies(session: AsyncSession, network: UUID, named: Sequence[UUID]) -> None:
    """All of these bodies are known, and the network's. Raises NotYetKnown, InvalidAudience."""
    rows = await session.execute(select(bodies.c.id, bodies.c.network_id).where(bodies.c.id.in_(named)))
    known = {row.id: row.network_id for row in rows}
    for place, body_id in enumerate(named):
        if body_id not in known:
            raise NotYetKnown(f"/audience/bodies/{place}", "body")
        if known[body_id] != network:
            raise InvalidAudience(f"/audience/bodies/{place}", "elsewhere", "a body of the same network")


async def require_people(session: AsyncSession, named: Sequence[UUID]) -> None:
    """Raises NotYetKnown."""
    known = set(await session.scalars(select(people.c.id).where(people.c.id.in_(named))))
    for place, person in enumerate(named):
        if person not in known:
            raise NotYetKnown(f"/audience/people/{place}", "person")


async def territories_of(session: AsyncSession, network: UUID, given: Sequence[str]) -> list[str]:
    """The codes under which they are kept; an area of the network's own is known by a mandate that covers it. Raises
    InvalidAudience."""
    codes = [_territory(code) for code in given]
    unknown = [code for code, found in zip(given, codes, strict=True) if found is None]
    of_mandates = mandates.c.network_id == network, mandates.c.territory.in_(unknown)
    own = set(await session.scalars(select(mandates.c.territory).where(*of_mandates))) if unknown else set()
    for place, (code, found) in enumerate(zip(given, codes, strict=True)):
        if found is None and code not in own:
            raise InvalidAudience(f"/audience/territories/{place}", "unknown", "03, 097 or LC, E507")
    return [found or code for code, found in zip(given, codes, strict=True)]


def _territory(given: str) -> str | None:
    italy, code = territories.load(), given.upper()
    found = italy.region(code) or italy.province(code) or italy.today(code)
    return found.code if found is not None else None


async def lock_convocations(session: AsyncSession, networks: Collection[UUID]) -> None:
    """One writer of a network's invitations at a time, until the transaction ends. A convocation and the news of a
    mandate that came together would not see each other's rows, and nobody would invite its holder.

    Taken before the rows of meetings, which are taken before those of invitations.
    """
    await session.execute(LOCK, {"networks": sorted(networks)})


LOCK = text(
    "select pg_advisory_xact_lock(hashtextextended('convocations ' || network, 0))"
    " from unnest(cast(:networks as uuid[])) as asked(network)"
)


# --- who is entitled ------------------------------------------------------------------------------------------------

HELD = "d.since <= a.day and (d.ends is null or d.ends > a.day)"
GATHERED = """(
        select key, network_id, body_id, day, true as own from asked where body_id is not null
        union all
        select a.key, a.network_id, cast(named as uuid), a.day, false
        from asked a join meetings m on m.id = a.key, jsonb_array_elements_text(m.audience->'bodies') as named
    )"""
"""The bodies whose people are asked: the meeting's own, or those that its audience names. The people of those are asked
for themselves and once, however many of their seats they hold."""
NARROWED = """a.body_id is null and (m.audience is null or
            (m.audience->'territories' is not null or m.audience->'kinds' is not null)
            and (m.audience->'territories' is null
                 or d.within && array(select jsonb_array_elements_text(m.audience->'territories')))
            and (m.audience->'kinds' is null or exists (
                 select from organisations o where o.id = d.organisation_id and
                    array_append(o.sections, o.kind)
                    && array(select jsonb_array_elements_text(m.audience->'kinds')))))"""
"""Who holds a mandate in the network; of an audience by territory or kind, whose mandate lies in one of the territories
and whose organisation is of one of the kinds or sections: of both, where both are named."""
ENTITLED = f"""
    select distinct on (key, coalesce(seat_id, person_id)) * from (
        select a.key, a.network_id, d.person_id, d.id as mandate_id, case when a.own then s.id end as seat_id,
               d.organisation_id, case when a.own then d.since end as since
        from {GATHERED} a
        join bodies b on b.id = a.body_id and b.composition = any(:seated)
        join seats s on s.body_id = b.id and s.since <= a.day and (s.until is null or s.until > a.day)
        join mandates d on d.seat_id = s.id and {HELD}
        where :whole or s.id = any(:seats) and a.own or d.person_id = any(:people) and not a.own
        union all
        select a.key, a.network_id, d.person_id, d.id, null, d.organisation_id, null
        from {GATHERED} a
        join bodies b on b.id = a.body_id and b.composition = :by_territory
        join mandates d on d.network_id = a.network_id and {HELD} and (
            d.role = any(b.roles) and (b.territory is null or b.territory = any(d.within))
            or d.role = :coordinator and d.territory = b.territory)
        where :whole or d.person_id = any(:people)
        union all
        select a.key, a.network_id, d.person_id, d.id, null, d.organisation_id, null
        from {GATHERED} a
        join bodies b on b.id = a.body_id and b.composition = :open
        join mandates d on d.body_id = b.id and {HELD}
        where :whole or d.person_id = any(:people)
        union all
        select a.key, a.network_id, d.person_id, d.id, null, d.organisation_id, null
        from asked a
        left join meetings m on m.id = a.key
        join mandates d on d.network_id = a.network_id and {HELD}
        where {NARROWED} and (:whole or d.person_id = any(:people))
        union all
        select a.key, a.network_id, g.person_id, null, null, null, null
        from asked a
        join meeting_guests g on g.meeting_id = a.key
        where (:whole or g.person_id = any(:people)) and not exists (
            select from mandates d join seats s on s.id = d.seat_id and s.body_id = a.body_id
                and s.since <= a.day and (s.until is null or s.until > a.day)
            where d.person_id = g.person_id and {HELD})
    ) as candidates
    order by key, coalesce(seat_id, person_id), since desc, case when seat_id is not null then mandate_id end desc,
             mandate_id
"""  # noqa: S608 (no value comes from outside)
"""Whom `asked(key, network_id, body_id, day)` entitles; where `key` is a meeting's, its audience and guests count, too.

A seat gives one place, to whoever entered it last; where people belong themselves each has one place, by the mandate
that they were given first, so that a further one moves nobody, and by name only without any. With `whole` everybody,
otherwise only the `seats` and the `people` named: theirs are then complete."""

NAMED = [bindparam("seats", type_=ARRAY(Uuid)), bindparam("people", type_=ARRAY(Uuid))]
RULES: dict[str, Any] = {
    "seated": list(SEATED),
    "by_territory": Composition.BY_TERRITORY,
    "open": Composition.OPEN,
    "coordinator": Role.COORDINATOR,
}


def asked_of(seats: Iterable[UUID] | None = None, people: Iterable[UUID] | None = None) -> dict[str, Any]:
    """The values of ENTITLED: about everybody, or about these seats and people only."""
    return {
        **RULES,
        "whole": seats is None and people is None,
        "seats": sorted(seats or ()),
        "people": sorted(people or ()),
    }


@dataclass(frozen=True)
class Entitled:
    """Somebody who may be invited, sit and vote: by a mandate, in a seat where the body has seats."""

    person_id: UUID
    mandate_id: UUID
    seat_id: UUID | None
    organisation_id: UUID | None


ENTITLED_OF_BODY = text(
    "with asked as (select id as key, network_id, id as body_id, cast(:day as date) as day"  # noqa: S608
    f" from bodies where id = :body) {ENTITLED}"
).bindparams(bindparam("body", type_=Uuid), bindparam("seated", type_=ARRAY(Text)), *NAMED)
ENTITLED_OF_NETWORK = text(
    "with asked as (select cast(:network as uuid) as key, cast(:network as uuid) as network_id,"
    f" cast(null as uuid) as body_id, cast(:day as date) as day) {ENTITLED}"
).bindparams(bindparam("network", type_=Uuid), bindparam("seated", type_=ARRAY(Text)), *NAMED)


async def entitled(session: AsyncSession, network: UUID, body_id: UUID | None, on: date) -> Sequence[Entitled]:
    """Who belongs to the body on that day by its composition; without a body, who holds a mandate in the network."""
    if body_id is None:
        found = await session.execute(ENTITLED_OF_NETWORK, {**asked_of(), "network": network, "day": on})
    else:
        found = await session.execute(ENTITLED_OF_BODY, {**asked_of(), "body": body_id, "day": on})
    return [Entitled(row.person_id, row.mandate_id, row.seat_id, row.organisation_id) for row in found]


# --- reading --------------------------------------------------------------------------------------------------------


def _shown(actor: Actor) -> Any:
    issued = invitations.c.state == InvitationState.ISSUED
    of_it = invitations.c.meeting_id == meetings.c.id
    counts = [("invited", func.count()), ("unanswered", func.count().filter(invitations.c.answer.is_(None)))]
    counts += [(str(reply), func.count().filter(invitations.c.answer == reply)) for reply in Reply]
    counts.append(("waiting", func.count().filter(invitations.c.turn.is_not(None))))
    answers = select(func.jsonb_build_object(*chain.from_iterable(counts))).where(of_it, issued).scalar_subquery()
    invited = exists().where(of_it, issued, invitations.c.person_id == actor.person_id)
    named = select(guests.c.person_id).where(guests.c.meeting_id == meetings.c.id).order_by(guests.c.person_id)
    papers = select(func.count()).select_from(text("meeting_documents p")).where(text("p.meeting_id = meetings.id"))
    shown = select(
        Meeting,
        bodies.c.id,
        bodies.c.title,
        bodies.c.territory,
        programmes.c.title.label("series"),
        invited.label("invited"),
        answers.label("answers"),
        func.array(named.scalar_subquery(), type_=ARRAY(Uuid)).label("guests"),
        papers.correlate(meetings).scalar_subquery().label("documents"),
    )
    return shown.outerjoin(bodies, bodies.c.id == meetings.c.body_id).outerjoin(
        programmes, programmes.c.id == meetings.c.series_id
    )


def _known(row: Any) -> Known:
    body = Body(row.id, row.title, row.territory) if row.id is not None else None
    return Known(row[0], body, row.series, row.invited, row.answers, row.guests, row.documents)


async def known(session: AsyncSession, actor: Actor, meeting: Meeting) -> Known:
    return _known((await session.execute(_shown(actor).where(meetings.c.id == meeting.id))).one())


async def get(session: AsyncSession, actor: Actor, meeting_id: UUID, *, now: datetime) -> Known:
    """Raises UnknownMeeting, or Forbidden: whoever is invited may read it; a draft is its conveners' alone."""
    row = (await session.execute(_shown(actor).where(meetings.c.id == meeting_id))).one_or_none()
    if row is None:
        raise UnknownMeeting(meeting_id)
    found = _known(row)
    meeting = found.meeting
    if found.invited:
        return found
    policy.require(actor, Right.READ_MEETINGS, network=meeting.network_id, on=now)
    if meeting.convened_at is None and not may_convene(actor, meeting.network_id, found.body, now):
        raise UnknownMeeting(meeting_id)
    return found


async def listed(
    session: AsyncSession,
    actor: Actor,
    network: str,
    *,
    body: Sequence[UUID] = (),
    state: Sequence[State] = (),
    on: date | None = None,
    since: date | None = None,
    until: date | None = None,
    q: str | None = None,
    updated_since: datetime | None = None,
    series: Sequence[UUID] = (),
    level: Sequence[Level] = (),
    mode: Sequence[Mode] = (),
    open_to_public: bool | None = None,
    after: str | None = None,
    limit: int = DEFAULT,
    now: datetime,
) -> Page[Known]:
    """The meetings of a network in the order of their beginning; drafts only for those who may convene them."""
    room = await network_id(session, network)
    policy.require(actor, Right.READ_MEETINGS, network=room, on=now)
    query = _shown(actor).where(meetings.c.network_id == room)
    if not may_convene(actor, room, None, now):
        mine = await _bodies_of_convener(session, actor, room, now)
        query = query.where(meetings.c.convened_at.is_not(None) | meetings.c.body_id.in_(mine))
    for column, values in (
        (meetings.c.body_id, body),
        (meetings.c.state, state),
        (meetings.c.series_id, series),
        (meetings.c.level, level),
        (meetings.c.mode, mode),
    ):
        if values:
            query = query.where(column.in_(values))
    for bound in (
        meetings.c.day == on if on else None,
        meetings.c.day >= since if since else None,
        meetings.c.day < until if until else None,
        meetings.c.title.icontains(q, autoescape=True) if q else None,
        meetings.c.updated_at >= updated_since if updated_since else None,
        meetings.c.open_to_public == open_to_public if open_to_public is not None else None,
    ):
        if bound is not None:
            query = query.where(bound)
    found = await page(session, query, key=[meetings.c.starts_at, meetings.c.id], after=after, limit=limit)
    return Page([_known(row) for row in found.items], found.next)


async def _bodies_of_convener(session: AsyncSession, actor: Actor, network: UUID, now: datetime) -> list[UUID]:
    """A network has tens of bodies, and the policy alone knows whose they are to convene."""
    rows = (await session.execute(select(bodies).where(bodies.c.network_id == network))).all()
    return [row.id for row in rows if may_convene(actor, network, row, now)]

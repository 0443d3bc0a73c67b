"""Reading polls: options with their counts, those who are asked, what each answered."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, bindparam, exists, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from services.events.bodies.tables import bodies
from services.events.mandates.tables import mandates
from services.events.meetings import queries as meeting_queries
from services.events.meetings.queries import Body
from services.events.organisations.tables import organisations
from services.events.people.tables import people
from services.events.policy import Right, policy
from services.events.polls.rules import (
    Answer,
    Option,
    Poll,
    Request,
    RequestState,
    State,
    Tally,
    UnknownPoll,
    UnknownRequest,
    best,
)
from services.events.polls.tables import poll_answers, poll_options, poll_requests, polls
from shared.access.actor import Actor
from shared.access.loading import network_id, network_row
from shared.runtime.paging import DEFAULT, Page, page

asked_people, enterers = (people.alias(name) for name in ("asked_people", "enterers"))
mine = poll_requests.alias("mine")


@dataclass(frozen=True)
class Conflict:
    """A meeting of the same body at the same time."""

    meeting_id: UUID
    title: str


@dataclass(frozen=True)
class Date:
    """An option with its number (from 1, in the order of the beginnings), its counts and what stands against it."""

    option: Option
    number: int
    tally: Tally
    conflicts: Sequence[Conflict]
    best: bool


@dataclass(frozen=True)
class Shown:
    """A poll with what is shown beside it. `asked` are those who are asked now, `answered` of them those who have said
    something of every option. `request` is the caller's own."""

    poll: Poll
    body: Body | None
    asked: int
    answered: int
    request: tuple[UUID, RequestState] | None
    dates: Sequence[Date]

    @property
    def version(self) -> int:
        return self.poll.version


@dataclass(frozen=True)
class Asked:
    """Somebody who is asked, with names; `answers` by option. `by` is who entered them, when it was another."""

    request: Request
    poll: Poll
    body: Body | None
    person: str
    organisation: str | None
    by: str | None
    answers: Mapping[UUID, Answer]

    @property
    def version(self) -> int:
        return self.request.version


def _name(of: Any) -> Any:
    return func.trim(of.c.given_name + " " + of.c.family_name)


# --- what commands take ---------------------------------------------------------------------------------------------


async def for_update(session: AsyncSession, poll_id: UUID) -> Poll:
    """The poll, the convocations of its network and its row locked. Raises UnknownPoll."""
    poll = await session.get(Poll, poll_id)
    if poll is None:
        raise UnknownPoll(poll_id)
    await meeting_queries.lock_convocations(session, [poll.network_id])
    await session.refresh(poll, with_for_update=True)
    return poll


async def request_for_update(session: AsyncSession, request_id: UUID) -> tuple[Request, Poll]:
    """Answers to a poll share its row, so that they do not wait for each other and none comes after the close."""
    request = await session.get(Request, request_id)
    if request is None:
        raise UnknownRequest(request_id)
    poll = await session.get(Poll, request.poll_id, with_for_update={"read": True}, populate_existing=True)
    assert poll is not None
    await session.refresh(request, with_for_update=True)
    return request, poll


async def options_of(session: AsyncSession, poll_id: UUID) -> Sequence[Option]:
    query = select(Option).where(poll_options.c.poll_id == poll_id)
    ordered = query.order_by(poll_options.c.starts_at, poll_options.c.ends_at)
    return (await session.scalars(ordered.execution_options(populate_existing=True))).all()


async def request_of(session: AsyncSession, poll_id: UUID, person_id: UUID | None) -> UUID:
    """The request of a person in a poll. Raises UnknownRequest."""
    query = select(poll_requests.c.id).where(poll_requests.c.poll_id == poll_id, poll_requests.c.person_id == person_id)
    found: UUID | None = await session.scalar(query) if person_id is not None else None
    if found is None:
        raise UnknownRequest(poll_id)
    return found


async def still_asked(session: AsyncSession, poll_id: UUID) -> list[UUID]:
    """The people who are asked in a poll."""
    theirs = poll_requests.c.state != RequestState.WITHDRAWN
    query = select(poll_requests.c.person_id).where(poll_requests.c.poll_id == poll_id, theirs)
    return list(await session.scalars(query.order_by(poll_requests.c.id)))


# --- polls ----------------------------------------------------------------------------------------------------------


def may(actor: Actor, right: Right, network: UUID, body: Any, now: datetime) -> bool:
    return policy.has(actor, right, on=now, **meeting_queries.where(network, body))


def _shown(actor: Actor) -> Any:
    """Polls with their bodies, the counts of those who are asked, and the caller's own request."""
    of_it = poll_requests.c.poll_id == polls.c.id
    asked = func.count().filter(poll_requests.c.state != RequestState.WITHDRAWN)
    answered = func.count().filter(poll_requests.c.state == RequestState.ANSWERED)
    counts = select(func.jsonb_build_array(asked, answered)).where(of_it).scalar_subquery()
    own = (mine.c.poll_id == polls.c.id) & (mine.c.person_id == actor.person_id)
    return (
        select(
            Poll,
            bodies.c.id,
            bodies.c.title,
            bodies.c.territory,
            counts.label("counts"),
            mine.c.id.label("request_id"),
            mine.c.state.label("request_state"),
        )
        .outerjoin(bodies, bodies.c.id == polls.c.body_id)
        .outerjoin(mine, own)
    )


async def shown(session: AsyncSession, actor: Actor, poll_id: UUID) -> Shown:
    """Raises UnknownPoll. Who may see it is the caller's to ask."""
    row = (await session.execute(_shown(actor).where(polls.c.id == poll_id))).one_or_none()
    if row is None:
        raise UnknownPoll(poll_id)
    return (await _whole(session, [row]))[0]


async def get(session: AsyncSession, actor: Actor, poll_id: UUID, *, now: datetime) -> Shown:
    """For whoever is asked; a poll of a body for everybody in the network, one of people named for the coordination.
    Raises UnknownPoll, Forbidden."""
    found = await shown(session, actor, poll_id)
    if found.request is not None:
        return found
    poll = found.poll
    if poll.body_id is None and not may(actor, Right.READ_POLL_ANSWERS, poll.network_id, None, now):
        policy.require(actor, Right.READ_POLLS, network=poll.network_id, on=now)
        raise UnknownPoll(poll_id)
    policy.require(actor, Right.READ_POLLS, network=poll.network_id, on=now)
    return found


async def listed(
    session: AsyncSession,
    actor: Actor,
    network: str,
    *,
    body: Sequence[UUID] = (),
    state: Sequence[State] = (),
    q: str | None = None,
    updated_since: datetime | None = None,
    after: str | None = None,
    limit: int = DEFAULT,
    now: datetime,
) -> Page[Shown]:
    """The polls of a network, the newest first; those of people named for the coordination and those who are asked."""
    room = await network_id(session, network)
    policy.require(actor, Right.READ_POLLS, network=room, on=now)
    query = _shown(actor).where(polls.c.network_id == room)
    if not may(actor, Right.READ_POLL_ANSWERS, room, None, now):
        query = query.where(polls.c.body_id.is_not(None) | mine.c.id.is_not(None))
    if body:
        query = query.where(polls.c.body_id.in_(body))
    if state:
        query = query.where(polls.c.state.in_(state))
    if q:
        query = query.where(polls.c.title.icontains(q, autoescape=True))
    if updated_since:
        query = query.where(polls.c.updated_at >= updated_since)
    found = await page(session, query, key=[polls.c.id], after=after, limit=limit, descending=True)
    return Page(await _whole(session, found.items), found.next)


async def _whole(session: AsyncSession, rows: Sequence[Any]) -> list[Shown]:
    """With the options of all of them: two statements, however many polls there are."""
    dates = await _dates(session, [row[0].id for row in rows])
    return [
        Shown(
            row[0],
            Body(row.id, row.title, row.territory) if row.id is not None else None,
            row.counts[0],
            row.counts[1],
            (row.request_id, row.request_state) if row.request_id is not None else None,
            dates[row[0].id],
        )
        for row in rows
    ]


COUNTED = text(
    """
    select o.poll_id, o.id, o.starts_at, o.ends_at,
        count(*) filter (where a.answer = 'yes') as yes,
        count(*) filter (where a.answer = 'if_need_be') as if_need_be,
        count(*) filter (where a.answer = 'no') as no
    from poll_options o
    left join (poll_answers a join poll_requests r on r.id = a.request_id and r.state <> 'withdrawn')
        on a.option_id = o.id
    where o.poll_id = any(:polls)
    group by o.id
    order by o.starts_at, o.ends_at
    """
).bindparams(bindparam("polls", type_=ARRAY(Uuid)))
CONFLICTS = text(
    """
    select o.id as option_id, m.id, m.title
    from polls p
    join poll_options o on o.poll_id = p.id
    join meetings m on m.network_id = p.network_id and m.body_id = p.body_id and m.state in ('draft', 'convened')
        and m.starts_at < o.ends_at and m.ends_at > o.starts_at and m.id is distinct from p.meeting_id
    where p.id = any(:polls) and p.state <> 'withdrawn'
    order by m.starts_at, m.id
    """
).bindparams(bindparam("polls", type_=ARRAY(Uuid)))


async def _dates(session: AsyncSession, ids: Collection[UUID]) -> dict[UUID, list[Date]]:
    """The counts of the answers of those who are still asked, and the meetings of the same body at the same time."""
    if not ids:
        return {}
    counted: dict[UUID, list[Any]] = defaultdict(list)
    for row in await session.execute(COUNTED, {"polls": sorted(ids)}):
        counted[row.poll_id].append(row)
    conflicts: dict[UUID, list[Conflict]] = defaultdict(list)
    for row in await session.execute(CONFLICTS, {"polls": sorted(ids)}):
        conflicts[row.option_id].append(Conflict(row.id, row.title))
    return {poll_id: _numbered(counted[poll_id], conflicts) for poll_id in ids}


def _numbered(rows: Sequence[Any], conflicts: Mapping[UUID, Sequence[Conflict]]) -> list[Date]:
    tallies = {row.id: Tally(row.yes, row.if_need_be, row.no) for row in rows}
    first = set(best(tallies))
    return [
        Date(
            Option(row.poll_id, row.starts_at, row.ends_at, id=row.id),
            number,
            tallies[row.id],
            conflicts.get(row.id, ()),
            row.id in first,
        )
        for number, row in enumerate(rows, start=1)
    ]


# --- those who are asked --------------------------------------------------------------------------------------------

ASKED = (
    select(
        Request,
        Poll,
        bodies.c.id,
        bodies.c.title,
        bodies.c.territory,
        _name(asked_people).label("person"),
        organisations.c.title.label("organisation"),
        _name(enterers).label("entered_by"),
        select(func.jsonb_object_agg(poll_answers.c.option_id, poll_answers.c.answer))
        .where(poll_answers.c.request_id == poll_requests.c.id)
        .scalar_subquery()
        .label("answers"),
    )
    .join(polls, polls.c.id == poll_requests.c.poll_id)
    .outerjoin(bodies, bodies.c.id == polls.c.body_id)
    .outerjoin(organisations, organisations.c.id == poll_requests.c.organisation_id)
    .outerjoin(asked_people, asked_people.c.id == poll_requests.c.person_id)
    .outerjoin(enterers, enterers.c.id == poll_requests.c.answered_by)
)


def _asked(row: Any) -> Asked:
    return Asked(
        row[0],
        row[1],
        Body(row.id, row.title, row.territory) if row.id is not None else None,
        row.person or "",
        row.organisation,
        row.entered_by,
        {UUID(option): Answer(answer) for option, answer in (row.answers or {}).items()},
    )


async def asked(session: AsyncSession, request_id: UUID) -> Asked:
    """Raises UnknownRequest."""
    row = (await session.execute(ASKED.where(poll_requests.c.id == request_id))).one_or_none()
    if row is None:
        raise UnknownRequest(request_id)
    return _asked(row)


async def get_asked(session: AsyncSession, actor: Actor, request_id: UUID, *, now: datetime) -> Asked:
    """For the person, and for the coordination. Raises UnknownRequest, Forbidden."""
    found = await asked(session, request_id)
    if actor.person_id != found.request.person_id:
        place = meeting_queries.where(found.poll.network_id, found.body)
        policy.require(actor, Right.READ_POLL_ANSWERS, on=now, **place)
    return found


async def mine_in(session: AsyncSession, actor: Actor, poll_id: UUID, *, now: datetime) -> Asked:
    """The caller's own. Raises UnknownRequest."""
    return await get_asked(session, actor, await request_of(session, poll_id, actor.person_id), now=now)


async def all_asked(
    session: AsyncSession,
    actor: Actor,
    poll_id: UUID,
    *,
    state: Sequence[RequestState] = (),
    person: Sequence[UUID] = (),
    organisation: Sequence[UUID] = (),
    updated_since: datetime | None = None,
    after: str | None = None,
    limit: int = DEFAULT,
    now: datetime,
) -> Page[Asked]:
    """Who is asked and what they answered, for the coordination. Raises UnknownPoll, Forbidden."""
    found = await shown(session, actor, poll_id)
    place = meeting_queries.where(found.poll.network_id, found.body)
    policy.require(actor, Right.READ_POLL_ANSWERS, on=now, **place)
    query = ASKED.where(poll_requests.c.poll_id == poll_id)
    for column, values in (
        (poll_requests.c.state, state),
        (poll_requests.c.person_id, person),
        (poll_requests.c.organisation_id, organisation),
    ):
        if values:
            query = query.where(column.in_(values))
    if updated_since:
        query = query.where(poll_requests.c.updated_at >= updated_since)
    listed_ = await page(session, query, key=[poll_requests.c.id], after=after, limit=limit)
    return Page([_asked(row) for row in listed_.items], listed_.next)


# --- the page of a link ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Sheet:
    """What the page of a link shows: who is asked, the poll's dates, the network that asks."""

    asked: Asked
    shown: Shown
    network: Any


async def sheet(session: AsyncSession, actor: Actor, request_id: UUID, *, now: datetime) -> Sheet:  # noqa: ARG001 (whoever has the link)
    """Raises UnknownRequest."""
    found = await asked(session, request_id)
    network = await network_row(session, str(found.poll.network_id))
    return Sheet(found, await shown(session, actor, found.poll.id), network)


async def of_the_network(session: AsyncSession, network: UUID, named: Collection[UUID]) -> set[UUID]:
    """Which of these people hold a mandate in the network, or have held or will hold one."""
    theirs = exists().where(mandates.c.network_id == network, mandates.c.person_id == people.c.id)
    return set(await session.scalars(select(people.c.id).where(people.c.id.in_(named), theirs)))

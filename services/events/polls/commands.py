"""Opening polls, asking, answering, choosing a date. Each command takes the convocations of the network, then the
poll's row: a mandate's news and a change of dates cannot miss each other."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Text, Uuid, bindparam, delete, insert, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm.attributes import flag_modified

from services.events.mandates.rules import held
from services.events.mandates.tables import mandates
from services.events.meetings import commands as meetings
from services.events.meetings import queries as meeting_queries
from services.events.meetings.commands import Audience
from services.events.meetings.queries import ENTITLED, NAMED, asked_of
from services.events.meetings.rules import Meeting, UnknownMeeting
from services.events.policy import Right, policy
from services.events.polls import queries
from services.events.polls.queries import Asked, Shown
from services.events.polls.rules import (
    Answer,
    InvalidPoll,
    NobodyToAsk,
    Option,
    Poll,
    Request,
    RequestState,
    RequestWithdrawn,
    Span,
    State,
    first_day,
    fitting,
)
from services.events.polls.tables import poll_answers, poll_options, polls
from shared.access.actor import Actor
from shared.access.links import Link
from shared.access.loading import network_id
from shared.contracts import events as facts
from shared.contracts.events import PollRequestState, PollState
from shared.messaging import stage
from shared.runtime.due import cancel, schedule
from shared.runtime.problems import expect

DUE = "poll-close"
"""The kind of due row that waits for the end of a poll."""


# --- following mandates ---------------------------------------------------------------------------------------------

COLUMNS = "id, version, network_id, poll_id, person_id, state"
WANTED = f"""
    asked as (select id as key, network_id, body_id, day from polls where id = any(:polls)),
    entitled as ({ENTITLED}),
    wanted as (
        select distinct on (key, person_id) * from entitled
        where :whole or person_id = any(:people)
        order by key, person_id, mandate_id
    )
"""  # noqa: S608 (names of our own)
"""Who has several seats is asked once."""
BOUND = [bindparam("polls", type_=ARRAY(Uuid)), bindparam("seated", type_=ARRAY(Text)), *NAMED]
ASK = text(
    f"""
    with {WANTED}
    insert into poll_requests as r (id, poll_id, network_id, person_id, mandate_id, seat_id, organisation_id, state,
                                    version)
    select uuidv7(), key, network_id, person_id, mandate_id, seat_id, organisation_id, 'asked', 1 from wanted
    on conflict (poll_id, person_id) do update set
        state = 'asked', answered_at = null, answered_by = null, mandate_id = excluded.mandate_id,
        seat_id = excluded.seat_id, organisation_id = excluded.organisation_id, updated_at = now(),
        version = r.version + 1
    where r.state = 'withdrawn'
    returning {COLUMNS}
    """  # noqa: S608
).bindparams(*BOUND)
KEEP = text(
    f"""
    with {WANTED}
    update poll_requests r
    set mandate_id = w.mandate_id, seat_id = w.seat_id, organisation_id = w.organisation_id
    from wanted w
    where r.poll_id = w.key and r.person_id = w.person_id and r.state <> 'withdrawn'
      and (r.mandate_id, r.seat_id, r.organisation_id)
          is distinct from (w.mandate_id, w.seat_id, w.organisation_id)
    """  # noqa: S608
).bindparams(*BOUND)
WITHDRAW = text(
    f"""
    with {WANTED}
    update poll_requests r
    set state = 'withdrawn', answered_at = null, answered_by = null, updated_at = now(), version = r.version + 1
    where r.poll_id = any(:polls) and r.state <> 'withdrawn' and r.mandate_id is not null
      and (:whole or r.person_id = any(:people))
      and not exists (select from wanted w where (w.key, w.person_id) = (r.poll_id, r.person_id))
    returning {COLUMNS}
    """  # noqa: S608
).bindparams(*BOUND)
FORGET = text("delete from poll_answers where request_id = any(:requests)").bindparams(
    bindparam("requests", type_=ARRAY(Uuid))
)


async def follow(
    session: AsyncSession,
    ids: Collection[UUID],
    *,
    seats: Iterable[UUID] | None = None,
    people: Iterable[UUID] | None = None,
) -> list[PollRequestState]:
    """Brings those who are asked in these open polls in line with who will belong to their bodies: everybody's, or
    these people's, whose seats are all named. A handful of statements for any number of people; the facts are the
    caller's to stage."""
    if not ids:
        return []
    values = {**asked_of(seats, people), "polls": sorted(ids)}
    withdrawn = [_fact(facts.PollRequestWithdrawn, row) for row in await session.execute(WITHDRAW, values)]
    if withdrawn:
        await session.execute(FORGET, {"requests": [fact.id for fact in withdrawn]})
    await session.execute(KEEP, values)
    return [*withdrawn, *(_fact(facts.PollAsked, row) for row in await session.execute(ASK, values))]


def _fact(fact: type[PollRequestState], row: Any) -> PollRequestState:
    return fact(**{name: getattr(row, name) for name in COLUMNS.split(", ")})


# --- opening and changing -------------------------------------------------------------------------------------------


async def start(
    session: AsyncSession,
    actor: Actor,
    network: str,
    *,
    title: str,
    body_id: UUID | None,
    people: Sequence[UUID],
    note: str | None,
    options: Sequence[Span],
    closes_at: datetime,
    now: datetime,
) -> Shown:
    """Asks those who will belong to the body, or the people named. Raises InvalidPoll, NobodyToAsk, NotYetKnown,
    BodyElsewhere."""
    room = await network_id(session, network)
    body = await meeting_queries.body_of(session, room, body_id)
    policy.require(actor, Right.HOLD_POLLS, on=now, **meeting_queries.where(room, body))
    _either(body_id, people)
    fitting(options, closes_at, now)
    await meeting_queries.lock_convocations(session, [room])
    poll = Poll(room, title, closes_at, first_day(options), body_id, note, actor.id)
    session.add(poll)
    await session.flush()
    session.add_all(Option(poll.id, span.starts_at, span.ends_at) for span in options)
    await session.flush()
    asked = await follow(session, [poll.id]) if body_id is not None else await _name(session, poll, people)
    if not asked:
        raise NobodyToAsk
    await schedule(session, DUE, poll.id, poll.closes_at)
    await stage(session, await state_of(session, facts.PollOpened, poll), *asked)
    return await queries.shown(session, actor, poll.id)


def _either(body_id: UUID | None, people: Sequence[UUID]) -> None:
    if (body_id is None) == (not people):
        raise InvalidPoll("/body_id", "either", "either body_id or people")
    if len(set(people)) != len(people):
        raise InvalidPoll("/people", "repeated", "each person once")


async def _name(session: AsyncSession, poll: Poll, people: Sequence[UUID]) -> list[PollRequestState]:
    """Only who has, had or will have a mandate in the network is asked by name: nobody's people are asked by another
    network."""
    unknown = set(people) - await queries.of_the_network(session, poll.network_id, people)
    if unknown:
        place = next(place for place, person in enumerate(people) if person in unknown)
        raise InvalidPoll(f"/people/{place}", "unknown", "a person with a mandate in this network")
    requests = [Request(poll.id, poll.network_id, person) for person in people]
    session.add_all(requests)
    await session.flush()
    return [request_fact(facts.PollAsked, request) for request in requests]


async def change(
    session: AsyncSession,
    actor: Actor,
    poll_id: UUID,
    fields: Mapping[str, Any],
    *,
    expected: int | None,
    now: datetime,
) -> Shown:
    """Takes the fields given. Answers stay with their dates; who has answered and has not been asked of a new date is
    asked again. Raises NotPossibleNow, InvalidPoll."""
    poll = await _to_hold(session, actor, poll_id, expected, now)
    before = await queries.options_of(session, poll.id)
    spans = fields.get("options", [option.span for option in before])
    new = {name: fields.get(name, getattr(poll, name)) for name in ("title", "note", "closes_at")}
    day = poll.day
    poll.change(new["title"], new["note"], new["closes_at"], spans, now)
    with session.no_autoflush:  # one change is one version
        replaced = await _replace(session, poll, before, spans)
    if not replaced and not session.is_modified(poll):
        return await queries.shown(session, actor, poll.id)
    flag_modified(poll, "title")  # its options alone may have changed, and they have no version
    await session.flush()
    asked = await follow(session, [poll.id]) if poll.day != day and poll.body_id is not None else []
    if replaced:
        asked += [_fact(_TOLD[row.state], row) for row in await session.execute(RECKON, {"poll": poll.id})]
    await schedule(session, DUE, poll.id, poll.closes_at)
    await stage(session, await state_of(session, facts.PollChanged, poll), *asked)
    return await queries.shown(session, actor, poll.id)


RECKON = text(
    f"""
    with reckoned as (
        select r.id, case when exists (
                select from poll_options o where o.poll_id = r.poll_id and not exists (
                    select from poll_answers a where a.request_id = r.id and a.option_id = o.id))
            then 'asked' else 'answered' end as state
        from poll_requests r where r.poll_id = :poll and r.state <> 'withdrawn'
    )
    update poll_requests r set state = n.state, updated_at = now(), version = r.version + 1
    from reckoned n where n.id = r.id and n.state <> r.state
    returning {", ".join(f"r.{name}" for name in COLUMNS.split(", "))}
    """  # noqa: S608 (names of our own)
)
_TOLD: Mapping[str, type[PollRequestState]] = {
    RequestState.ASKED: facts.PollAsked,
    RequestState.ANSWERED: facts.PollAnswered,
    RequestState.WITHDRAWN: facts.PollRequestWithdrawn,
}


async def _replace(session: AsyncSession, poll: Poll, before: Sequence[Option], spans: Sequence[Span]) -> bool:
    """The dates that stay keep their ids, so that answers stay with them. False when all of them do."""
    known = {option.span for option in before}
    gone = [option.id for option in before if option.span not in set(spans)]
    added = [Option(poll.id, span.starts_at, span.ends_at) for span in spans if span not in known]
    if gone:
        await session.execute(delete(poll_options).where(poll_options.c.id.in_(gone)))
    session.add_all(added)
    return bool(gone or added)


async def close(session: AsyncSession, actor: Actor, poll_id: UUID, *, expected: int | None, now: datetime) -> Shown:
    """Before its time. Raises NotPossibleNow."""
    poll = await _to_hold(session, actor, poll_id, expected, now)
    poll.close(now)
    return await _ended(session, actor, poll, facts.PollClosed)


async def withdraw(session: AsyncSession, actor: Actor, poll_id: UUID, *, expected: int | None, now: datetime) -> Shown:
    """Nothing will come of it. Raises NotPossibleNow."""
    poll = await _to_hold(session, actor, poll_id, expected, now)
    poll.withdraw(now)
    return await _ended(session, actor, poll, facts.PollWithdrawn)


async def choose(
    session: AsyncSession,
    actor: Actor,
    poll_id: UUID,
    option_id: UUID,
    *,
    meeting: Mapping[str, Any],
    meeting_id: UUID | None,
    expected: int | None,
    now: datetime,
) -> Shown:
    """Drafts a meeting at the option, of the body or for the people who were asked by name, or moves an existing one
    there, in the same transaction. An open poll is closed by it. Raises NotPossibleNow, InvalidPoll, and what
    the meeting refuses."""
    poll = await _to_hold(session, actor, poll_id, expected, now)
    option = next((one for one in await queries.options_of(session, poll.id) if one.id == option_id), None)
    if option is None:
        raise InvalidPoll("/option_id", "unknown", "an option of this poll")
    poll.require_choosable(option, now)
    if meeting_id is None:
        times = {"starts_at": option.starts_at, "ends_at": option.ends_at}
        audience = Audience(people=await queries.still_asked(session, poll.id)) if poll.body_id is None else None
        whole = {**meeting, **times, "body_id": poll.body_id, "audience": audience}
        known = await meetings.draft(session, actor, str(poll.network_id), **whole, now=now)
    else:
        await _of_the_same_body(session, poll, meeting_id)
        fields = {**meeting, "starts_at": option.starts_at, "ends_at": option.ends_at}
        known = await meetings.change(session, actor, meeting_id, fields, expected=None, now=now)
    closed = poll.choose(option, known.meeting.id, now)
    return await _ended(session, actor, poll, facts.PollClosed if closed else facts.PollChanged)


async def _of_the_same_body(session: AsyncSession, poll: Poll, meeting_id: UUID) -> None:
    meeting = await session.get(Meeting, meeting_id)
    if meeting is None or meeting.network_id != poll.network_id:
        raise UnknownMeeting(meeting_id)
    if meeting.body_id != poll.body_id:
        raise InvalidPoll("/meeting_id", "other_body", "a meeting of the body that is asked")


async def close_due(session: AsyncSession, ids: Sequence[UUID], now: datetime) -> None:
    """Polls whose time is over."""
    query = select(Poll).where(polls.c.id.in_(ids), polls.c.state == State.OPEN, polls.c.closes_at <= now)
    due = (await session.scalars(query.order_by(polls.c.id).with_for_update())).all()
    if not due:
        return
    for poll in due:
        poll.close(now)
    await session.flush()
    query_options = select(Option).where(poll_options.c.poll_id.in_([poll.id for poll in due]))
    found = (await session.scalars(query_options.order_by(poll_options.c.starts_at, poll_options.c.ends_at))).all()
    of = {poll.id: [option for option in found if option.poll_id == poll.id] for poll in due}
    await stage(session, *(_state(facts.PollClosed, poll, of[poll.id]) for poll in due))


async def _ended(session: AsyncSession, actor: Actor, poll: Poll, fact: type[PollState]) -> Shown:
    await session.flush()
    await cancel(session, DUE, poll.id)
    await stage(session, await state_of(session, fact, poll))
    return await queries.shown(session, actor, poll.id)


async def _to_hold(session: AsyncSession, actor: Actor, poll_id: UUID, expected: int | None, now: datetime) -> Poll:
    """The poll, locked, if the actor may hold it and knows its newest version."""
    poll = await queries.for_update(session, poll_id)
    body = await meeting_queries.body_of(session, poll.network_id, poll.body_id)
    policy.require(actor, Right.HOLD_POLLS, on=now, **meeting_queries.where(poll.network_id, body))
    expect(expected, poll.version)
    return poll


async def state_of(session: AsyncSession, fact: type[PollState], poll: Poll) -> PollState:
    return _state(fact, poll, await queries.options_of(session, poll.id))


def _state(fact: type[PollState], poll: Poll, options: Sequence[Option]) -> PollState:
    numbers = {option.id: number for number, option in enumerate(options, start=1)}
    return fact(
        id=poll.id,
        version=poll.version,
        network_id=poll.network_id,
        title=poll.title,
        body_id=poll.body_id,
        state=poll.state,
        closes_at=poll.closes_at,
        options=tuple(facts.PollOption(starts_at=one.starts_at, ends_at=one.ends_at) for one in options),
        chosen=numbers[poll.chosen_id] if poll.chosen_id is not None else None,
        meeting_id=poll.meeting_id,
    )


def request_fact(fact: type[PollRequestState], request: Request) -> PollRequestState:
    return _fact(fact, request)


# --- answering ------------------------------------------------------------------------------------------------------


async def answer(
    session: AsyncSession,
    actor: Actor,
    request_id: UUID,
    given: Mapping[UUID, Answer],
    *,
    expected: int | None,
    now: datetime,
) -> Asked:
    """The person's own answers; or those that they gave to the coordination, which says who entered them."""
    request, poll = await queries.request_for_update(session, request_id)
    own = actor.person_id == request.person_id
    if not own:
        body = await meeting_queries.body_of(session, poll.network_id, poll.body_id)
        policy.require(actor, Right.ANSWER_FOR_OTHERS, on=now, **meeting_queries.where(poll.network_id, body))
    expect(expected, request.version)
    return await _answered(session, request, poll, given, None if own else actor.id, now)


async def answer_mine(
    session: AsyncSession,
    actor: Actor,
    poll_id: UUID,
    given: Mapping[UUID, Answer],
    *,
    expected: int | None,
    now: datetime,
) -> Asked:
    request_id = await queries.request_of(session, poll_id, actor.person_id)
    return await answer(session, actor, request_id, given, expected=expected, now=now)


async def answer_by_link(
    session: AsyncSession,
    actor: Actor,  # noqa: ARG001 (whoever has the link)
    link: Link,
    given: Mapping[UUID, Answer],
    *,
    now: datetime,
) -> Asked:
    """May be repeated until the poll is closed: the last answers count."""
    request, poll = await queries.request_for_update(session, link.subject)
    return await _answered(session, request, poll, given, None, now)


async def require_open(session: AsyncSession, request: Request, poll: Poll, now: datetime) -> None:
    """Raises PollClosed, PollWithdrawn, or RequestWithdrawn: also when the news of the mandate's end is still being
    followed."""
    poll.require_open(now)
    if request.state is RequestState.WITHDRAWN:
        raise RequestWithdrawn
    term = select(mandates.c.since, mandates.c.ends).where(mandates.c.id == request.mandate_id)
    mandate = (await session.execute(term)).one_or_none()
    if mandate is not None and not held(mandate.since, mandate.ends, poll.day):
        raise RequestWithdrawn


async def still_open(session: AsyncSession, actor: Actor, request_id: UUID, *, now: datetime) -> None:  # noqa: ARG001
    """Raises what `require_open` does, and UnknownRequest."""
    found = await queries.asked(session, request_id)
    await require_open(session, found.request, found.poll, now)


async def _answered(
    session: AsyncSession,
    request: Request,
    poll: Poll,
    given: Mapping[UUID, Answer],
    by: UUID | None,
    now: datetime,
) -> Asked:
    await require_open(session, request, poll, now)
    answers = request.answer(given, await queries.options_of(session, poll.id), now, by)
    await session.flush()
    await session.execute(delete(poll_answers).where(poll_answers.c.request_id == request.id))
    rows = [{"request_id": request.id, "option_id": option, "answer": said} for option, said in answers]
    await session.execute(insert(poll_answers), rows)
    await stage(session, request_fact(facts.PollAnswered, request))
    return await queries.asked(session, request.id)


# --- duplicates -----------------------------------------------------------------------------------------------------

LOCK_OF = text(
    "select from polls where id in (select poll_id from poll_requests where person_id = :going) order by id for update"
)
TWICE = text(
    f"""
    update poll_requests g set state = 'withdrawn', updated_at = now(), version = g.version + 1
    from poll_requests k
    where g.person_id = :going and k.poll_id = g.poll_id and k.person_id = :staying and g.state <> 'withdrawn'
    returning {", ".join(f"g.{name}" for name in COLUMNS.split(", "))}, k.id as kept,
        k.state = 'asked' and exists (select from poll_answers a where a.request_id = g.id) as gives
    """  # noqa: S608 (names of our own)
)
GIVE = text(
    "update poll_answers set request_id = :kept where request_id = :gone"
    " and not exists (select from poll_answers a where a.request_id = :kept)"
)
ANSWERED = text(
    "update poll_requests k set state = 'answered', answered_at = g.answered_at, answered_by = g.answered_by,"  # noqa: S608
    " updated_at = now(), version = k.version + 1 from poll_requests g"
    f" where k.id = :kept and g.id = :gone returning {', '.join(f'k.{name}' for name in COLUMNS.split(', '))}"
)
RENAMED = text(
    f"update poll_requests set person_id = :staying, version = version + 1, updated_at = now()"  # noqa: S608
    " where person_id = :going and not exists ("
    " select from poll_requests k where k.poll_id = poll_requests.poll_id and k.person_id = :staying)"
    f" returning {COLUMNS}"
)


async def reassign(session: AsyncSession, going: UUID, staying: UUID) -> list[PollRequestState]:
    """A person was entered twice: the one that stays is asked, once, with the answers that either gave. Gives the
    facts to tell; the rows that are left over go with the others that name the duplicate."""
    asked = {"going": going, "staying": staying}
    await session.execute(LOCK_OF, {"going": going})
    told: list[PollRequestState] = []
    for row in (await session.execute(TWICE, asked)).all():
        told.append(_fact(facts.PollRequestWithdrawn, row))
        if row.gives:
            both = {"kept": row.kept, "gone": row.id}
            await session.execute(GIVE, both)
            told += [_fact(facts.PollAnswered, one) for one in await session.execute(ANSWERED, both)]
    return told + [_fact(facts.PollRequestReassigned, row) for row in await session.execute(RENAMED, asked)]

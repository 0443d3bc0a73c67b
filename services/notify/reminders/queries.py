"""Reading rules and reminders, and who is to be reminded."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Table, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from services.notify.agreements.queries import waited_for
from services.notify.agreements.tables import agreements
from services.notify.assessments.tables import assessment_requests
from services.notify.commitments.queries import answerable, superiors
from services.notify.commitments.rules import outstanding
from services.notify.commitments.tables import commitments
from services.notify.enrolments.tables import enrolments
from services.notify.meetings.tables import ballots, invitations, meetings
from services.notify.pacts.queries import answering
from services.notify.policy import Right, policy
from services.notify.polls.queries import people_asked
from services.notify.polls.tables import polls
from services.notify.reminders.rules import AFTER, DEFAULT_DAYS, Planned, State, Subject, Topic, level
from services.notify.reminders.tables import reminder_rules, reminder_subjects, reminders
from services.notify.voters.queries import CALLED, voters_of
from shared.access.actor import Actor, day
from shared.access.loading import network_id
from shared.messaging import NotYet
from shared.runtime.paging import Page, page

OPEN, ISSUED = "open", "issued"
NOT_COMING = ("no", "delegated")


@dataclass(frozen=True)
class Rule:
    """When a network reminds of a kind of subject; version 0: the platform's own days, which nobody has changed."""

    network_id: UUID
    topic: Topic
    days: tuple[int, ...]
    version: int


@dataclass(frozen=True, slots=True)
class Because:
    """What a reminder comes from, for the timeline of what an act has caused."""

    fact_id: UUID
    correlation: UUID | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """Somebody to be reminded, and what their message needs to know. `capacity`: of several in which one person is
    told, each with a link of its own, which one."""

    person_id: UUID
    parameters: dict[str, str]
    capacity: str = ""


async def days_of(session: AsyncSession, networks: Collection[UUID]) -> dict[tuple[UUID, Topic], tuple[int, ...]]:
    """The days of every kind of reminder in these networks."""
    own = await session.execute(select(reminder_rules).where(reminder_rules.c.network_id.in_(networks)))
    decided = {(row.network_id, Topic(row.topic)): tuple(row.days) for row in own}
    return {(n, topic): decided.get((n, topic), DEFAULT_DAYS[topic]) for n in networks for topic in Topic}


async def hold_rules(session: AsyncSession, networks: Collection[UUID]) -> None:
    """No rule of these networks changes until the transaction ends: what is planned by it is seen by who changes it."""
    await session.execute(HOLD, {"keys": sorted(_key(room, topic) for room in networks for topic in Topic)})


HOLD = text(
    "select pg_advisory_xact_lock_shared(hashtextextended(key, 0)) from unnest(cast(:keys as text[])) as held(key)"
)


def _key(room: UUID, topic: Topic) -> str:
    return f"reminder rule {room} {topic}"


async def rule(session: AsyncSession, room: UUID, topic: Topic, *, lock: bool = False) -> Rule:
    """The rule in force; with `lock`, nobody else changes it or plans by it until the transaction ends, even if it has
    no row."""
    if lock:
        await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(_key(room, topic), 0))))
    query = select(reminder_rules).where(reminder_rules.c.network_id == room, reminder_rules.c.topic == topic)
    row = (await session.execute(query)).one_or_none()
    return Rule(room, topic, tuple(row.days), row.version) if row else Rule(room, topic, DEFAULT_DAYS[topic], 0)


async def rules_of(session: AsyncSession, actor: Actor, ref: str, *, now: datetime) -> list[Rule]:
    room = await network_id(session, ref)
    policy.require(actor, Right.READ_REMINDERS, network=room, on=now)
    return [await rule(session, room, topic) for topic in Topic]


async def one_rule(session: AsyncSession, actor: Actor, ref: str, topic: Topic, *, now: datetime) -> Rule:
    room = await network_id(session, ref)
    policy.require(actor, Right.READ_REMINDERS, network=room, on=now)
    return await rule(session, room, topic)


async def listed(
    session: AsyncSession,
    actor: Actor,
    ref: str,
    *,
    topic: Sequence[Topic] = (),
    state: Sequence[State] = (),
    subject: Sequence[UUID] = (),
    now: datetime,
    after: str | None = None,
    limit: int = 50,
) -> Page[Row[Any]]:
    """The network's reminders, in the order of their ids. Raises NetworkUnknown, Forbidden."""
    room = await network_id(session, ref)
    policy.require(actor, Right.READ_REMINDERS, network=room, on=now)
    query = select(reminders).where(reminders.c.network_id == room)
    for column, values in ((reminders.c.topic, topic), (reminders.c.state, state), (reminders.c.subject_id, subject)):
        if values:
            query = query.where(column.in_(values))
    return await page(session, query, key=[reminders.c.id], after=after, limit=limit)


async def of_subjects(
    session: AsyncSession, subjects: Iterable[UUID], topics: Collection[Topic]
) -> dict[UUID, Row[Any]]:
    """All reminders of these subjects and topics, locked in the order of their ids."""
    query = select(reminders).where(reminders.c.subject_id.in_(list(subjects)), reminders.c.topic.in_(topics))
    return {row.id: row for row in await session.execute(query.order_by(reminders.c.id).with_for_update())}


async def arrived(session: AsyncSession, ids: Sequence[UUID], now: datetime) -> Sequence[Row[Any]]:
    """These reminders and the others of their subjects whose instant has come: one decides for all of a subject. Those
    that a change holds at this moment are left out: waiting for it could deadlock, as it waits for their due rows."""
    subjects = select(reminders.c.subject_id).where(reminders.c.id.in_(ids))
    query = select(reminders).where(reminders.c.subject_id.in_(subjects), *_has_come(now))
    return (await session.execute(query.order_by(reminders.c.id).with_for_update(skip_locked=True))).all()


async def held(session: AsyncSession, ids: Sequence[UUID], found: Collection[UUID], now: datetime) -> list[UUID]:
    """Those of `ids` that `arrived` had to leave out."""
    waiting = await session.scalars(select(reminders.c.id).where(reminders.c.id.in_(ids), *_has_come(now)))
    return [id_ for id_ in waiting if id_ not in found]


def _has_come(now: datetime) -> tuple[ColumnElement[bool], ...]:
    return reminders.c.state == State.PLANNED, reminders.c.at <= now


def planned(row: Row[Any]) -> Planned:
    return Planned(
        row.id, Topic(row.topic), row.subject_id, row.network_id, row.days, row.at, row.subject_at, State(row.state)
    )


async def audiences(session: AsyncSession, rows: Sequence[Row[Any]], now: datetime) -> dict[UUID, list[Told]]:
    """Reminder -> who is told: nobody who has declined or sent somebody else, and nobody of what is done. Raises NotYet
    while a subject is not known here, as during a rebuild: the reminders stay due."""
    by_topic = {topic: [row for row in rows if row.topic == topic] for topic in Topic}
    return {
        **await _of_meetings(session, by_topic[Topic.MEETING]),
        **await _of_commitments(session, by_topic[Topic.COMMITMENT], now),
        **await _of_steps(session, by_topic[Topic.PACT_STEP], now),
        **await _of_climbs(session, by_topic[Topic.CLIMB], now),
        **await _of_agreements(session, by_topic[Topic.AGREEMENT], now),
        **await _of_polls(session, by_topic[Topic.POLL]),
        **await _of_ballots(session, by_topic[Topic.BALLOT]),
        **await _of_one_each(session, enrolments, "active", "enrolment_id", by_topic[Topic.ENROLMENT]),
        **await _of_one_each(
            session, assessment_requests, "asked", "assessment_request_id", by_topic[Topic.ASSESSMENT]
        ),
    }


async def _of_meetings(session: AsyncSession, rows: Sequence[Row[Any]]) -> dict[UUID, list[Told]]:
    await _states(session, meetings, rows)
    answer = func.coalesce(invitations.c.answer, "")
    invited = select(invitations.c.id, invitations.c.meeting_id, invitations.c.person_id).where(
        invitations.c.meeting_id.in_({row.subject_id for row in rows}),
        invitations.c.state == ISSUED,
        answer.not_in(NOT_COMING),
        invitations.c.waiting.is_(False),
    )
    by_meeting: dict[UUID, list[Told]] = {}
    for one in await session.execute(invited.order_by(invitations.c.id)) if rows else ():
        parameters = {"meeting_id": str(one.meeting_id), "invitation_id": str(one.id)}
        by_meeting.setdefault(one.meeting_id, []).append(Told(one.person_id, parameters, f"/{one.id}"))
    return {row.id: by_meeting.get(row.subject_id, []) for row in rows}


async def _of_polls(session: AsyncSession, rows: Sequence[Row[Any]]) -> dict[UUID, list[Told]]:
    """Who has not answered."""
    await _states(session, polls, rows)
    asked = await people_asked(session, {row.subject_id for row in rows}, unanswered=True)
    return {
        row.id: [
            Told(person, {"poll_id": str(row.subject_id), "request_id": str(request)})
            for request, person in asked.get(row.subject_id, ())
        ]
        for row in rows
    }


async def _of_ballots(session: AsyncSession, rows: Sequence[Row[Any]]) -> dict[UUID, list[Told]]:
    """Who has not voted: each paper by itself."""
    await _states(session, ballots, rows, state=ballots.c.outcome)
    called = await voters_of(session, {row.subject_id for row in rows}, [CALLED])
    return {
        row.id: [
            Told(voter.person_id, {"ballot_id": str(row.subject_id), "voter_id": str(voter.id)}, f"/{voter.id}")
            for voter in called.get(row.subject_id, ())
        ]
        for row in rows
    }


async def _of_one_each(
    session: AsyncSession, table: Table, live: str, name: str, rows: Sequence[Row[Any]]
) -> dict[UUID, list[Told]]:
    """What is one person's own: they, while it is `live`."""
    states = await _states(session, table, rows)
    running = [id_ for id_, state in states.items() if state == live]
    found = await session.execute(select(table.c.id, table.c.person_id).where(table.c.id.in_(running))) if rows else ()
    people = {row.id: [Told(row.person_id, {name: str(row.id)})] for row in found}
    return {row.id: people.get(row.subject_id, []) for row in rows}


async def _of_commitments(session: AsyncSession, rows: Sequence[Row[Any]], now: datetime) -> dict[UUID, list[Told]]:
    states = await _states(session, commitments, rows)
    people = await answerable(session, [id_ for id_, state in states.items() if state == OPEN], day(now))
    return {
        row.id: [Told(person, {"commitment_id": str(row.subject_id)}) for person in people.get(row.subject_id, [])]
        for row in rows
    }


async def _of_climbs(session: AsyncSession, rows: Sequence[Row[Any]], now: datetime) -> dict[UUID, list[Told]]:
    """Of what is still owed, the people of the body at the level whose day has come by the network's own rule."""
    states = await _states(session, commitments, rows)
    days = await days_of(session, {row.network_id for row in rows}) if rows else {}
    levels = {row.id: level(row.days, days[row.network_id, Topic.CLIMB]) for row in rows}
    asked = {(row.subject_id, levels[row.id]) for row in rows if outstanding(states[row.subject_id])}
    above = await superiors(session, asked, day(now))
    return {
        row.id: [
            Told(person, {"commitment_id": str(row.subject_id), "body_id": str(body)})
            for person, body in above.get((row.subject_id, levels[row.id]), ())
        ]
        for row in rows
    }


async def _of_agreements(session: AsyncSession, rows: Sequence[Row[Any]], now: datetime) -> dict[UUID, list[Told]]:
    """Who speaks for a member that the call concerns and that has not come forward."""
    states = await _states(session, agreements, rows)
    people = await waited_for(session, [id_ for id_, state in states.items() if state == OPEN], day(now))
    return {
        row.id: [
            Told(
                person,
                {"agreement_id": str(row.subject_id), "organisation_id": str(organisation)},
                f"/{organisation}",
            )
            for person, organisation in people.get(row.subject_id, ())
        ]
        for row in rows
    }


async def _of_steps(session: AsyncSession, rows: Sequence[Row[Any]], now: datetime) -> dict[UUID, list[Told]]:
    """The maker who follows the pact now, whoever did when it was planned."""
    subjects = {row.subject_id for row in rows}
    due = await answering(session, subjects, day(now))
    if missing := subjects - due.keys():
        raise NotYet(f"pact_steps {min(missing)}")
    return {
        row.id: [
            Told(person, {"step_id": str(row.subject_id), "pact_id": str(due[row.subject_id].pact_id)})
            for person in due[row.subject_id].people
        ]
        for row in rows
    }


async def _states(
    session: AsyncSession, table: Table, rows: Sequence[Row[Any]], *, state: ColumnElement[Any] | None = None
) -> dict[UUID, str]:
    subjects = {row.subject_id for row in rows}
    if not subjects:
        return {}
    told = table.c.state if state is None else state
    known = await session.execute(select(table.c.id, told.label("state")).where(table.c.id.in_(subjects)))
    states: dict[UUID, str] = {row.id: row.state for row in known}
    if missing := subjects - states.keys():
        raise NotYet(f"{table.name} {min(missing)}")
    return states


async def live(session: AsyncSession, room: UUID, topic: Topic, now: datetime) -> dict[UUID, tuple[Subject, Because]]:
    """What is still to come in a network and somebody may be reminded of, with what it comes from."""
    c = reminder_subjects.c
    query = select(reminder_subjects).where(c.network_id == room, c.topic == topic, c.live)
    if topic not in AFTER:
        query = query.where(c.at > now)
    return {
        row.id: (Subject(topic, row.id, room, row.at, live=True), Because(row.because_of, row.correlation))
        for row in await session.execute(query.order_by(c.id))
    }

"""Planning reminders, moving and cancelling them with their subjects, and sending them when they are due.

Everything is done for many subjects at once: a rule that makes a thousand commitments plans two thousand reminders in
a handful of statements. A reminder that is cancelled leaves its due row behind, which finds nothing to send.

Whoever plans shares the lock of the networks' rules, whoever changes a rule has it alone: so a subject that comes with
a change is planned by the old rule and then moved, or by the new one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, func, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.notify.deliveries.commands import intend
from services.notify.deliveries.rules import Delivery, idempotency_key
from services.notify.policy import Right, policy
from services.notify.reminders import queries, rules
from services.notify.reminders.queries import Because, Rule
from services.notify.reminders.rules import Planned, State, Subject, Topic
from services.notify.reminders.tables import reminder_rules, reminder_subjects, reminders
from shared.access.actor import Actor
from shared.access.loading import network_id
from shared.runtime.due import schedule_many
from shared.runtime.problems import expect

DUE = "reminder"
CHUNK = 1000
SETTLED = (State.SENT, State.NOBODY, State.SUPERSEDED, State.PAST)


async def follow(session: AsyncSession, subjects: Mapping[UUID, tuple[Subject, Because]], now: datetime) -> None:
    """Makes the reminders of these subjects, all of one topic, what the rules and the subjects' instants say today."""
    if not subjects:
        return
    await queries.hold_rules(session, {subject.network_id for subject, _ in subjects.values()})
    await _remember(session, subjects.values())
    await _plan(session, subjects, now)


async def _remember(session: AsyncSession, subjects: Iterable[tuple[Subject, Because]]) -> None:
    """What a rule that changes, or begins to remind at all, will plan from. Those of one batch at a time: in the order
    of their aggregate, and never two of one subject."""
    rows = [
        {
            "id": subject.id,
            "topic": subject.topic,
            "network_id": subject.network_id,
            "at": subject.at,
            "live": subject.live,
            "because_of": because.fact_id,
            "correlation": because.correlation,
        }
        for subject, because in subjects
    ]
    for start in range(0, len(rows), CHUNK):
        fresh = insert(reminder_subjects).values(rows[start : start + CHUNK])
        told = {name: fresh.excluded[name] for name in ("at", "live", "because_of", "correlation")}
        await session.execute(fresh.on_conflict_do_update(index_elements=["id", "topic"], set_=told))


async def _plan(session: AsyncSession, subjects: Mapping[UUID, tuple[Subject, Because]], now: datetime) -> None:
    """The caller holds the rules."""
    days = await queries.days_of(session, {subject.network_id for subject, _ in subjects.values()})
    before = await queries.of_subjects(session, subjects, {subject.topic for subject, _ in subjects.values()})
    wanted: list[tuple[Planned, Because]] = []
    for subject, because in subjects.values():
        if subject.live:
            planned = rules.plan(subject, days[subject.network_id, subject.topic], now)
            wanted += [(one, because) for one in planned if not _is_settled(before.get(one.id), one)]
    kept = {one.id for one, _ in wanted}
    gone = [row.id for row in before.values() if row.id not in kept and row.state == State.PLANNED]
    if gone:
        cancelled = update(reminders).where(reminders.c.id.in_(gone))
        await session.execute(cancelled.values(state=State.CANCELLED, updated_at=func.now()))
    await _write(session, wanted)
    await schedule_many(session, DUE, [(one.id, one.at) for one, _ in wanted if one.state is State.PLANNED])


def _is_settled(row: Row[Any] | None, planned: Planned) -> bool:
    """Of this very instant it was decided already: planned again by a fact that changed something else."""
    return row is not None and row.state in SETTLED and bool(row.at == planned.at)


async def _write(session: AsyncSession, wanted: Sequence[tuple[Planned, Because]]) -> None:
    for start in range(0, len(wanted), CHUNK):
        rows = [
            {
                "id": one.id,
                "topic": one.topic,
                "subject_id": one.subject_id,
                "network_id": one.network_id,
                "days": one.days,
                "at": one.at,
                "subject_at": one.subject_at,
                "state": one.state,
                "because_of": because.fact_id,
                "correlation": because.correlation,
            }
            for one, because in wanted[start : start + CHUNK]
        ]
        fresh = insert(reminders).values(rows)
        moved = {name: fresh.excluded[name] for name in ("at", "subject_at", "state", "because_of", "correlation")}
        await session.execute(
            fresh.on_conflict_do_update(index_elements=["id"], set_={**moved, "told": 0, "updated_at": func.now()})
        )


async def remind(session: AsyncSession, ids: Sequence[UUID], now: datetime) -> None:
    """The due table's call: the instant of these reminders has come."""
    rows = await queries.arrived(session, ids, now)
    outcomes = rules.outcomes([queries.planned(row) for row in rows], now)
    to_send = [row for row in rows if outcomes[row.id] is State.SENT]
    told = await queries.audiences(session, to_send, now)  # of a subject that is gone by now, nobody
    await intend(session, [_intent(row, person, now) for row in to_send for person in told[row.id]], now)
    for row in to_send:
        if not told[row.id]:
            outcomes[row.id] = State.NOBODY
    busy = await queries.held(session, ids, outcomes, now)
    await schedule_many(session, DUE, [(id_, now) for id_ in busy])
    await _settle(session, outcomes, Counter({id_: len(people) for id_, people in told.items()}))


async def _settle(session: AsyncSession, outcomes: Mapping[UUID, State], told: Mapping[UUID, int]) -> None:
    """One statement for each outcome and number of people, of which there are few."""
    groups: dict[tuple[State, int], list[UUID]] = {}
    for id_, state in outcomes.items():
        groups.setdefault((state, told.get(id_, 0)), []).append(id_)
    for (state, people), ids in groups.items():
        settled = update(reminders).where(reminders.c.id.in_(ids))
        await session.execute(settled.values(state=state, told=people, updated_at=func.now()))


def _intent(row: Row[Any], person: queries.Told, now: datetime) -> Delivery:
    instant = f"{row.at.isoformat()}{person.capacity}"
    return Delivery(
        topic=row.topic,
        channel="email",
        key=idempotency_key(row.topic, row.subject_id, instant, person.person_id),
        because_of=row.because_of,
        intended_at=now,
        network_id=row.network_id,
        person_id=person.person_id,
        parameters={**person.parameters, "days": row.days, **_meant(row)},
        correlation=row.correlation,
    )


def _meant(row: Row[Any]) -> dict[str, str]:
    """The day or instant that the reminder was planned for: of a subject that has moved since, it says nothing."""
    if row.topic == Topic.MEETING:
        return {"starts_at": row.subject_at.isoformat()}
    if row.topic in (Topic.POLL, Topic.BALLOT):
        return {"closes_at": row.subject_at.isoformat()}
    return {"due": rules.due_of(row.subject_at).isoformat()}


async def set_days(
    session: AsyncSession,
    actor: Actor,
    ref: str,
    topic: Topic,
    days: Sequence[int],
    *,
    expected: int | None,
    now: datetime,
) -> Rule:
    """The network's own days for a kind of reminder; none at all: nobody is reminded. What is planned follows. Raises
    UnfitDays."""
    room = await network_id(session, ref)
    policy.require(actor, Right.CHANGE_REMINDERS, network=room, on=now)
    fit = rules.fit(days, topic)
    known = await queries.rule(session, room, topic, lock=True)
    expect(expected, known.version)
    fresh = insert(reminder_rules).values(network_id=room, topic=topic, days=list(fit))
    await session.execute(
        fresh.on_conflict_do_update(
            index_elements=["network_id", "topic"],
            set_={"days": fresh.excluded.days, "version": reminder_rules.c.version + 1, "updated_at": func.now()},
        )
    )
    ahead = list((await queries.live(session, room, topic, now)).items())
    for start in range(0, len(ahead), CHUNK):
        await _plan(session, dict(ahead[start : start + CHUNK]), now)
    return Rule(room, topic, fit, known.version + 1)


def by_subject(found: Iterable[tuple[Subject, Because]]) -> dict[UUID, tuple[Subject, Because]]:
    return {subject.id: (subject, because) for subject, because in found}

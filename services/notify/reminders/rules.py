"""When somebody is reminded of what is to come: so many days before it, at an hour at which people read. What has not
come climbs: so many days after its day the next body up the tree is told.

A reminder is named by its rule, its subject and its days. Moving the subject moves the reminder; a subject that is over
or was called off has none. A reminder whose instant has passed when it is planned is never sent: its outcome says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from uuid import NAMESPACE_URL, UUID, uuid5

from shared.access.actor import ROME

MORNING = time(8)
"""What is owed by a day is reminded of in the morning."""
MOST_DAYS, MOST_REMINDERS = 90, 5


class Topic(StrEnum):
    """The kinds of reminders, by the code of their message."""

    MEETING = "meeting-reminder"
    COMMITMENT = "commitment-reminder"
    PACT_STEP = "pact-step"
    CLIMB = "commitment-climbed"
    AGREEMENT = "agreement-reminder"
    POLL = "poll-reminder"
    BALLOT = "ballot-reminder"
    ENROLMENT = "enrolment-reminder"
    ASSESSMENT = "assessment-reminder"


DEFAULT_DAYS: Mapping[Topic, tuple[int, ...]] = {
    Topic.MEETING: (7, 1),
    Topic.COMMITMENT: (14, 3),
    Topic.PACT_STEP: (14, 3),
    Topic.CLIMB: (7, 15, 30),
    Topic.AGREEMENT: (14, 3),
    Topic.POLL: (2,),
    Topic.BALLOT: (1,),
    Topic.ENROLMENT: (14, 3),
    Topic.ASSESSMENT: (3,),
}


AFTER = frozenset({Topic.CLIMB})
"""Days after the subject, and not before it; each is another level, so that one does not stand for the others."""
MORNINGS = frozenset(
    {Topic.COMMITMENT, Topic.PACT_STEP, Topic.CLIMB, Topic.AGREEMENT, Topic.ENROLMENT, Topic.ASSESSMENT}
)
"""What is told on the morning of a day, whatever the hour of its subject."""


class State(StrEnum):
    PLANNED = "planned"  # waits for its instant
    SENT = "sent"  # its messages were intended
    NOBODY = "nobody"  # its instant came, and nobody was left to be reminded
    PAST = "past"  # its instant had passed when it was planned, or its subject when it came
    SUPERSEDED = "superseded"  # a later reminder of the same subject was due at the same moment
    CANCELLED = "cancelled"  # its subject was called off, done, or its rule taken away


class UnfitDays(Exception):
    """Days before the subject: whole, different, from 1 to MOST_DAYS, at most MOST_REMINDERS of them."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What is to come: a meeting that begins, or a commitment that is due, `at` an instant. `live`: it is still to be
    reminded of."""

    topic: Topic
    id: UUID
    network_id: UUID
    at: datetime
    live: bool


@dataclass(frozen=True, slots=True)
class Planned:
    """One reminder as it should stand."""

    id: UUID
    topic: Topic
    subject_id: UUID
    network_id: UUID
    days: int
    at: datetime
    subject_at: datetime
    state: State


def identity(topic: Topic, subject: UUID, days: int) -> UUID:
    """The same reminder has the same id whenever and however often it is planned."""
    return uuid5(NAMESPACE_URL, f"urn:trama:reminder:{topic}:{subject}:{days}")


def end_of(due: date) -> datetime:
    """The instant at which a day is over in Italy: what is owed by that day is late from then on."""
    return datetime.combine(due + timedelta(days=1), time(), ROME)


def due_of(end: datetime) -> date:
    """The day of which `end` is the end."""
    return end.astimezone(ROME).date() - timedelta(days=1)


def instant(subject: Subject, days: int) -> datetime:
    """So many days earlier in Italy (later, of what climbs): of a meeting, a poll or a ballot at the same hour by the
    clock on the wall, whatever the summer time does between the two; of all else on the morning of the day."""
    if subject.topic in MORNINGS:
        away = timedelta(days=days if subject.topic in AFTER else -days)
        return datetime.combine(due_of(subject.at) + away, MORNING, ROME)
    local = subject.at.astimezone(ROME)
    return datetime.combine(local.date() - timedelta(days=days), local.timetz())


def plan(subject: Subject, days: Iterable[int], now: datetime) -> list[Planned]:
    """The reminders of a subject that is live, each planned or already past."""
    planned = []
    for number in sorted(set(days), reverse=True):
        at = instant(subject, number)
        ahead = at > now and (subject.at > now or subject.topic in AFTER)
        state = State.PLANNED if ahead else State.PAST
        id_ = identity(subject.topic, subject.id, number)
        planned.append(Planned(id_, subject.topic, subject.id, subject.network_id, number, at, subject.at, state))
    return planned


def outcomes(due: Sequence[Planned], now: datetime) -> dict[UUID, State]:
    """What becomes of reminders whose instant has come. Of one subject only the last is worth sending, and none when
    the subject itself has passed: a clock that jumped, or a service that was down, must not send three mails at once.
    """
    last: dict[tuple[Topic, UUID], Planned] = {}
    for reminder in due:
        known = last.get((reminder.topic, reminder.subject_id))
        if known is None or reminder.at > known.at:
            last[reminder.topic, reminder.subject_id] = reminder
    return {one.id: _outcome(one, last[one.topic, one.subject_id], now) for one in due}


def _outcome(reminder: Planned, last: Planned, now: datetime) -> State:
    if reminder.topic in AFTER:
        return State.SENT
    if reminder.subject_at <= now:
        return State.PAST
    return State.SENT if last is reminder else State.SUPERSEDED


def level(days: int, rule: Iterable[int]) -> int:
    """Which level of the tree is told on that day, from 1; 0 when the rule has no such day any more."""
    ordered = sorted(set(rule))
    return ordered.index(days) + 1 if days in ordered else 0


def fit(days: Sequence[int], topic: Topic = Topic.COMMITMENT) -> tuple[int, ...]:
    """The days in the order in which they come: the longest before first, the shortest after first. Raises
    UnfitDays."""
    if len(set(days)) != len(days) or len(days) > MOST_REMINDERS or any(not 1 <= d <= MOST_DAYS for d in days):
        raise UnfitDays
    return tuple(sorted(days, reverse=topic not in AFTER))

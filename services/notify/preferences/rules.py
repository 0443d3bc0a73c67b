"""What people want to be told, how and when: choices by topic or group, hours of quiet, digests, a language.

What a network owes a person (`Topic.owed`: a convocation, a duty, a way in) is told at once and by every channel,
whatever they chose. All the rest follows the most particular choice: of the network before that of all networks, of the
topic before that of its group; without one it is told at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from services.notify.deliveries.rules import Problem
from services.notify.messages.rules import DIGEST, TOPICS, Topic
from shared.access.actor import ROME


class Channel(StrEnum):
    EMAIL = "email"
    INBOX = "inbox"


class Choice(StrEnum):
    NOW = "immediately"
    DAILY = "daily"
    WEEKLY = "weekly"
    NEVER = "never"


CHANNELS: dict[Channel, tuple[str, str]] = {
    Channel.EMAIL: ("posta elettronica", "email"),
    Channel.INBOX: ("casella nella piattaforma", "inbox on the platform"),
}
CHOICES: dict[Choice, tuple[str, str]] = {
    Choice.NOW: ("subito", "at once"),
    Choice.DAILY: ("nel riepilogo quotidiano", "in the daily digest"),
    Choice.WEEKLY: ("nel riepilogo settimanale", "in the weekly digest"),
    Choice.NEVER: ("no", "not at all"),
}
FIT: Mapping[Channel, frozenset[Choice]] = {
    Channel.EMAIL: frozenset(Choice),
    Channel.INBOX: frozenset({Choice.NOW, Choice.NEVER}),
}
"""A digest is a mail."""

GROUPS: dict[str, tuple[str, str]] = {
    "meetings": ("Riunioni", "Meetings"),
    "voting": ("Sondaggi e votazioni", "Polls and ballots"),
    "minutes": ("Verbali, sintesi e relazioni", "Minutes, syntheses and reports"),
    "commitments": ("Impegni e obiettivi", "Commitments and goals"),
    "calls": ("Avvisi e procedure", "Calls and procedures"),
    "map": ("Mappa e bisogni", "Map and needs"),
    "pacts": ("Patti e gruppi di lavoro", "Pacts and working groups"),
    "training": ("Formazione", "Training"),
    "knowledge": ("Documenti, notizie e pratiche", "Documents, news and practices"),
    "account": ("Mandati, accesso e dati", "Mandates, access and data"),
}
GROUPED: Mapping[str, tuple[str, ...]] = {
    "meetings": ("meeting", "invitation", "delegation", "reply", "series"),
    "voting": ("poll", "ballot"),
    "minutes": ("minutes", "synthesis", "report"),
    "commitments": ("commitment", "goal"),
    "calls": ("agreement",),
    "map": ("freshness", "item", "need"),
    "pacts": ("pact", "group"),
    "training": ("enrolled", "enrolment", "assessment", "credential", "course", "path"),
    "knowledge": ("document", "news", "practice", "rule", "campaign"),
    "account": ("sign", "mandate", "privacy", "import", "webhook", "endpoint", "certified", "digest"),
}
"""By the first word of a topic's code, so that a new topic of a known thing needs no line here."""
BY_WORD = {word: group for group, words in GROUPED.items() for word in words}


def group_of(code: str) -> str:
    """The group of a topic; what is in none counts as the platform's own."""
    return BY_WORD.get(code.split("-", 1)[0], "account")


MOST_CHOICES = 500
IN_TIME = timedelta(hours=1)
"""So long before what a message speaks of it must be read, or it need not have been sent."""
DIGEST_HOUR, DIGEST_WEEKDAY = 7, 1
EVERY_DAY = frozenset(range(1, 8))


class AlwaysQuiet(Exception):
    """Hours of quiet that never end, or that fall on no day."""


class TopicOwed(Exception):
    """What is owed cannot be chosen away."""

    def __init__(self, code: str, path: str) -> None:
        self.topic, self.path = code, path
        self.accepted = "a topic that is not statutory, or a group"
        super().__init__(code)


class TopicUnknown(Exception):
    def __init__(self, code: str, path: str) -> None:
        self.topic, self.path = code, path
        self.accepted = [*GROUPS, *(t.code for t in TOPICS.values() if not t.owed)]
        super().__init__(code)


class UnfitChoice(Exception):
    """An inbox has no digests; a choice is made once for each network, topic and channel."""

    def __init__(self, path: str, code: str, accepted: Any) -> None:
        self.path, self.code, self.accepted = path, code, accepted
        super().__init__(path)


def instant(on: date, at: time, *, last: bool = False) -> datetime:
    """An hour by Italy's clocks. Of an hour that comes twice the first, or the `last`; one that is skipped stands for
    the hour that the clocks show instead."""
    return datetime.combine(on, at, ROME).replace(fold=int(last)).astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Quiet:
    """No mail `since` - `until` by Italy's clocks, from these days (1: Monday) on: 22:00 - 7:00 from Friday ends on
    Saturday. The same hour twice is a whole day."""

    since: time
    until: time
    days: frozenset[int] = EVERY_DAY

    def __post_init__(self) -> None:
        if not self.days or not self.days <= EVERY_DAY or (self.since == self.until and self.days == EVERY_DAY):
            raise AlwaysQuiet

    def ends(self, now: datetime) -> datetime | None:
        """When the quiet that holds now is over; None when none does. Days of quiet that touch are one quiet."""
        at = now
        while (end := self._end(at)) is not None:
            at = end
        return at if at != now else None

    def _end(self, at: datetime) -> datetime | None:
        today = at.astimezone(ROME).date()
        for began in (today, today - timedelta(days=1)):
            if began.isoweekday() not in self.days:
                continue
            ended = began if self.since < self.until else began + timedelta(days=1)
            if instant(began, self.since) <= at < (end := instant(ended, self.until, last=True)):
                return end
        return None


@dataclass(frozen=True, slots=True)
class Digests:
    """At which full hour digests come, and on which day (1: Monday) the weekly one."""

    hour: int = DIGEST_HOUR
    weekday: int = DIGEST_WEEKDAY

    def daily(self, now: datetime) -> datetime:
        return self._next(now, range(2))

    def weekly(self, now: datetime) -> datetime:
        return self._next(now, range(8), self.weekday)

    def _next(self, now: datetime, within: range, weekday: int | None = None) -> datetime:
        today = now.astimezone(ROME).date()
        days = (today + timedelta(days=ahead) for ahead in within)
        hours = (instant(day, time(self.hour)) for day in days if weekday in (None, day.isoweekday()))
        return next(at for at in hours if at > now)


Key = tuple[UUID | None, str, Channel]
"""The network (None: all of them), the code of a topic or a group, the channel."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What one person has decided. `language` is None where the registry's counts; `version` is 0 before they decide
    anything."""

    choices: Mapping[Key, Choice] = field(default_factory=dict)
    quiet: Quiet | None = None
    digests: Digests = Digests()
    language: str | None = None
    version: int = 0

    def choice(self, topic: Topic, network_id: UUID | None, channel: Channel) -> Choice:
        if topic.owed:
            return Choice.NOW
        for network in (network_id, None):
            for about in (topic.code, group_of(topic.code)):
                chosen = self.choices.get((network, about, channel))
                if chosen is not None:
                    return chosen
        return Choice.NOW

    def moments(self, choice: Choice, now: datetime) -> Iterator[tuple[Problem, datetime]]:
        """When a mail of that choice goes out, and sooner ones in case that is too late; none: at once. A digest whose
        hour is quiet comes when the quiet is over."""
        if choice is Choice.WEEKLY:
            yield Problem.IN_DIGEST, self._quiet_over(self.digests.weekly(now))
        if choice in (Choice.WEEKLY, Choice.DAILY):
            yield Problem.IN_DIGEST, self._quiet_over(self.digests.daily(now))
        if (end := self._quiet_over(now)) != now:
            yield Problem.QUIET_HOURS, end

    def _quiet_over(self, at: datetime) -> datetime:
        return (self.quiet.ends(at) if self.quiet is not None else None) or at


NONE = Wishes()
"""Of who has decided nothing: everything at once, everywhere."""


@dataclass(frozen=True, slots=True)
class Handling:
    """What a person's wishes make of one message: why and until when its mail waits, or that none is wanted; whether
    it is in their inbox."""

    problem: Problem | None = None
    waits_until: datetime | None = None
    in_inbox: bool = True


AT_ONCE = Handling()


def handled(
    wishes: Wishes, topic: Topic, network_id: UUID | None, parameters: Mapping[str, Any], now: datetime
) -> Handling:
    """What is owed never waits. A message about something that would be over when it had waited goes sooner: in an
    earlier digest, at the end of the quiet, or at once."""
    if topic.owed or wishes is NONE:
        return AT_ONCE
    in_inbox = wishes.choice(topic, network_id, Channel.INBOX) is not Choice.NEVER
    choice = wishes.choice(topic, network_id, Channel.EMAIL)
    if choice is Choice.NEVER:
        return Handling(Problem.NOT_WANTED, None, in_inbox)
    over = over_at(parameters, now)
    for problem, at in wishes.moments(choice, now):
        if over is None or at + IN_TIME <= over:
            return Handling(problem, at, in_inbox)
    return Handling(in_inbox=in_inbox)


def over_at(parameters: Mapping[str, Any], now: datetime) -> datetime | None:
    """The first instant to come after which what a message says has no use; None when it keeps."""
    instants = [datetime.fromisoformat(parameters[name]) for name in ("starts_at", "closes_at") if parameters.get(name)]
    if parameters.get("due"):
        instants.append(instant(date.fromisoformat(parameters["due"]) + timedelta(days=1), time()))
    return min((at for at in instants if at > now), default=None)


def checked(key: Key, choice: Choice, path: str) -> None:
    """Raises TopicUnknown, TopicOwed, UnfitChoice, naming where the choice stood."""
    _, about, channel = key
    if about not in GROUPS:
        topic = TOPICS.get(about)
        if topic is None or topic is DIGEST:
            raise TopicUnknown(about, f"{path}/topic")
        if topic.owed:
            raise TopicOwed(about, f"{path}/topic")
    if choice not in FIT[channel]:
        raise UnfitChoice(f"{path}/choice", "choice", sorted(FIT[channel]))


def offered() -> list[Topic]:
    """The topics that people are shown, in the order of the catalogue: a digest is how one is told, not what."""
    return [topic for topic in TOPICS.values() if topic is not DIGEST]

"""Funded projects: who carries them, what they cost, where the money comes from, what they leave behind.

Money is in integer cents of euro. An amount is pledged, then signed, then paid; each is contained in the one before it.
What is pledged beyond the budget, and what of the budget nobody has pledged, are shown and never hidden. Days are from
`since` to `last_day`, both included; only an act moves the last day.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any, TypeVar
from uuid import UUID

from uuid_utils.compat import uuid7

from shared.access.actor import EARLIEST, LATEST, lies_in

MOST_CENTS = 100_000_000_000_00
"""A hundred billion euro: what is more is a slip of the pen."""
MOST_PARTNERS, MOST_PARTS, MOST_PLEDGES, MOST_TERRITORIES = 300, 200, 2_000, 10
"""A fact, which names the partners, has at most 64 kB; an answer names them all."""


class State(StrEnum):
    RUNNING = "running"
    CLOSED = "closed"


class Role(StrEnum):
    LEAD = "lead"
    PARTNER = "partner"
    SUPPORTER = "supporter"


class SourceKind(StrEnum):
    GRANT = "grant"
    CO_FUNDING = "co_funding"
    FUNDRAISING = "fundraising"


class OutcomeKind(StrEnum):
    ORGANISATIONAL_FORM = "organisational_form"
    MANAGEMENT_MODEL = "management_model"
    PARTNERSHIP = "partnership"
    INTERVENTION = "intervention"


class UnknownProject(Exception):
    """No project has this id, or none that the caller may know of."""


class UnknownPart(Exception):
    """The project has no such partner, action, line, source, pledge, payment, entry or outcome; `path` names which."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what


class ProjectClosed(Exception):
    """What is over is not changed any more; what was signed can still be paid."""


class InvalidProject(Exception):
    """What does not go together: `path` names the field, `code` why, `accepted` what would do."""

    def __init__(self, path: str, code: str, accepted: str) -> None:
        super().__init__(f"{path}: {code}")
        self.path, self.code, self.accepted = f"/{path}", code, accepted


class PastTheEnd(Exception):
    """A day after the project's last one: it has to be extended first, by an act."""

    def __init__(self, path: str, last_day: date) -> None:
        super().__init__(f"{path} after {last_day}")
        self.path, self.last_day, self.accepted = f"/{path}", last_day, f"<= {last_day}, or extend the project first"


class NotContained(Exception):
    """An amount is contained in the one before it: pledged >= signed >= paid >= 0. `accepted` in cents."""

    def __init__(self, least: int, most: int) -> None:
        super().__init__(f"{least} to {most}")
        self.path, self.least, self.most, self.accepted = "/cents", least, most, f"{least} to {most}"


class InUse(Exception):
    """Something else of the project rests on it: `by` says what."""

    def __init__(self, by: str) -> None:
        super().__init__(by)
        self.by = by


class CupTaken(Exception):
    """Another project of the network has this CUP: it is the code of one."""


CUP = re.compile(r"[A-Z]\d{2}[A-Z]\d{11}")


def cup_of(given: str) -> str:
    """The code of fifteen characters, in capitals and without blanks. Raises InvalidProject."""
    code = re.sub(r"[\s.\-/]", "", given).upper()
    if not CUP.fullmatch(code):
        raise InvalidProject("cup", "form", "J47H15000440006: a letter, two digits, a letter, eleven digits")
    return code


@dataclass(eq=False)
class Project:
    """`extensions` are the acts that moved the last day, each with the day before it."""

    network_id: UUID
    title: str
    since: date
    last_day: date
    opened_on: date
    summary: str | None = None
    cup: str | None = None
    funder: str | None = None
    notice: str | None = None  # the call or notice under which it is funded
    decree_number: str | None = None
    decree_day: date | None = None
    territories: list[str] = field(default_factory=list)
    extensions: list[dict[str, Any]] = field(default_factory=list)
    state: State = State.RUNNING
    closed_on: date | None = None
    closing_note: str | None = None
    id: UUID = field(default_factory=uuid7)
    version: int = 0

    def change(self, **given: Any) -> bool:
        """Takes the fields given; False when nothing differs. Raises ProjectClosed, InvalidProject."""
        self.require_running()
        changed = {name: value for name, value in given.items() if getattr(self, name) != value}
        if "since" in changed:
            _require_day("since", changed["since"])
            if changed["since"] > self.last_day:
                raise InvalidProject("since", "days", f"<= {self.last_day}")
        for name, value in changed.items():
            setattr(self, name, value)
        require_decree(self)
        return bool(changed)

    def extend(self, number: str, day: date, last_day: date, on: date) -> None:
        """By an act of that day, today or earlier. Raises ProjectClosed, InvalidProject."""
        self.require_running()
        _require_day("last_day", last_day)
        if last_day <= self.last_day:
            raise InvalidProject("last_day", "days", f"> {self.last_day}")
        if not EARLIEST <= day <= on:
            raise InvalidProject("day", "days", f"{EARLIEST} to {on}")
        moved = {"number": number, "day": day.isoformat(), "before": self.last_day.isoformat()}
        self.extensions = [*self.extensions, {**moved, "last_day": last_day.isoformat()}]
        self.last_day = last_day

    def close(self, day: date, note: str | None, on: date) -> None:
        """On `day`, today or earlier. Raises ProjectClosed, InvalidProject."""
        self.require_running()
        if not self.since <= day <= on:
            raise InvalidProject("on", "days", f"{self.since} to {on}")
        self.state, self.closed_on, self.closing_note = State.CLOSED, day, note

    def require_running(self) -> None:
        if self.state is not State.RUNNING:
            raise ProjectClosed

    def require_within(self, path: str, day: date) -> None:
        """A day of the project. Raises InvalidProject, PastTheEnd."""
        if day < self.since:
            raise InvalidProject(path, "days", f">= {self.since}")
        if day > self.last_day:
            raise PastTheEnd(path, self.last_day)

    def require_year(self, year: int) -> None:
        """A year of which a day is the project's. Raises InvalidProject, PastTheEnd."""
        if year < self.since.year:
            raise InvalidProject("year", "days", f">= {self.since.year}")
        if year > self.last_day.year:
            raise PastTheEnd("year", self.last_day)


def open_(project: Project) -> Project:
    """Raises InvalidProject."""
    _require_day("since", project.since)
    _require_day("last_day", project.last_day)
    if project.last_day < project.since:
        raise InvalidProject("last_day", "days", f">= {project.since}")
    require_decree(project)
    return project


def require_decree(project: Project) -> None:
    """A decree has a number and a day."""
    if (project.decree_number is None) != (project.decree_day is None):
        missing = "decree_number" if project.decree_number is None else "decree_day"
        raise InvalidProject(missing, "missing", "a decree has a number and a day")
    if project.decree_day is not None:
        _require_day("decree_day", project.decree_day)


def _require_day(path: str, day: date) -> None:
    if not EARLIEST <= day <= LATEST:
        raise InvalidProject(path, "days", f"{EARLIEST} to {LATEST}")


# --- partners and actions --------------------------------------------------------------------------------------------


@dataclass(eq=False)
class Partner:
    project_id: UUID
    organisation_id: UUID
    role: Role
    territories: list[str] = field(default_factory=list)


def lead_of(partners: Iterable[Partner]) -> UUID | None:
    return next((one.organisation_id for one in partners if one.role is Role.LEAD), None)


def combined(one: tuple[Role, list[str]], other: tuple[Role, list[str]]) -> tuple[Role, list[str]]:
    """Of two partners that prove to be one: the stronger role, and the territories of both (none: where it says in the
    register)."""
    order = list(Role)
    role = min(one[0], other[0], key=order.index)
    return role, sorted({*one[1], *other[1]})[:MOST_TERRITORIES] if one[1] and other[1] else one[1] or other[1]


def require_partners(partners: Collection[Partner]) -> None:
    """One of them leads, and no more. Raises InvalidProject."""
    leads = sum(one.role is Role.LEAD for one in partners)
    if leads != 1:
        raise InvalidProject("items", "one_lead", "exactly one partner with the role lead")
    require_room("items", len(partners), MOST_PARTNERS)


def require_room(path: str, count: int, most: int) -> None:
    if count > most:
        raise InvalidProject(path, "too_many", f"at most {most}")


@dataclass(eq=False)
class Action:
    """What is done, from `since` to `last_day` (included), by the partner that answers for it. `series_id` is the
    series of meetings that it holds, if it holds any."""

    project_id: UUID
    title: str
    since: date
    last_day: date
    organisation_id: UUID | None = None
    series_id: UUID | None = None
    id: UUID = field(default_factory=uuid7)


def check_action(project: Project, action: Action, partners: Iterable[Partner]) -> Action:
    """Raises ProjectClosed, InvalidProject, PastTheEnd."""
    project.require_running()
    project.require_within("since", action.since)
    project.require_within("last_day", action.last_day)
    if action.last_day < action.since:
        raise InvalidProject("last_day", "days", f">= {action.since}")
    if action.organisation_id is not None and action.organisation_id not in {one.organisation_id for one in partners}:
        raise InvalidProject("organisation_id", "unknown", "a partner of the project")
    return action


# --- money -----------------------------------------------------------------------------------------------------------


@dataclass(eq=False)
class Line:
    """What a part of the project costs; of an action, or of the project as a whole."""

    project_id: UUID
    title: str
    cents: int
    action_id: UUID | None = None
    id: UUID = field(default_factory=uuid7)


@dataclass(eq=False)
class Source:
    """Where money comes from. `cents` is what is expected of it, or granted."""

    project_id: UUID
    kind: SourceKind
    title: str
    cents: int
    id: UUID = field(default_factory=uuid7)


@dataclass(eq=False)
class Pledge:
    """What a partner (or nobody named: the funder itself) gives from a source in a year: pledged -> signed -> paid."""

    project_id: UUID
    source_id: UUID
    year: int
    pledged: int
    organisation_id: UUID | None = None
    signed: int = 0
    paid: int = 0
    signed_on: date | None = None
    due: date | None = None
    document: str | None = None
    id: UUID = field(default_factory=uuid7)

    def pledge(self, cents: int) -> None:
        """Another amount. Raises NotContained when more has been signed."""
        if not max(self.signed, 1) <= cents <= MOST_CENTS:
            raise NotContained(max(self.signed, 1), MOST_CENTS)
        self.pledged = cents

    def sign(self, cents: int, day: date, due: date | None, document: str | None, on: date) -> None:
        """The pledge binds up to this amount. Raises NotContained, InvalidProject."""
        if not max(self.paid, 1) <= cents <= self.pledged:
            raise NotContained(max(self.paid, 1), self.pledged)
        if not EARLIEST <= day <= on:
            raise InvalidProject("on", "days", f"{EARLIEST} to {on}")
        if due is not None and not day <= due <= LATEST:
            raise InvalidProject("due", "days", f"{day} to {LATEST}")
        self.signed, self.signed_on, self.due, self.document = cents, day, due, document

    def pay(self, cents: int, on: date, today: date) -> Payment:
        """Part of what is signed has come. Raises NotContained, InvalidProject."""
        if not 1 <= cents <= self.signed - self.paid:
            raise NotContained(1, self.signed - self.paid)
        first = self.signed_on or EARLIEST
        if not first <= on <= today:
            raise InvalidProject("on", "days", f"{first} to {today}")
        self.paid += cents
        return Payment(self.id, on, cents)

    def take_back(self, payment: Payment) -> None:
        """A payment that was entered by mistake."""
        self.paid -= payment.cents

    @property
    def settled(self) -> bool:
        return self.signed > 0 and self.paid == self.signed


@dataclass(eq=False)
class Payment:
    pledge_id: UUID
    on: date
    cents: int
    reference: str | None = None
    id: UUID = field(default_factory=uuid7)


@dataclass(eq=False)
class Entry:
    """What fundraising has brought on a day. It is there: pledged, signed and paid at once."""

    project_id: UUID
    source_id: UUID
    on: date
    cents: int
    title: str
    id: UUID = field(default_factory=uuid7)


def check_cents(cents: int, least: int = 1) -> int:
    if not least <= cents <= MOST_CENTS:
        raise InvalidProject("cents", "range", f"{least} to {MOST_CENTS}")
    return cents


def check_pledge(project: Project, source: Source, pledge: Pledge, partners: Iterable[Partner]) -> Pledge:
    """Raises ProjectClosed, InvalidProject, PastTheEnd. Co-funding is a partner's; nobody pledges what is collected."""
    project.require_running()
    project.require_year(pledge.year)
    check_cents(pledge.pledged)
    known = {one.organisation_id for one in partners}
    if source.kind is SourceKind.CO_FUNDING and pledge.organisation_id is None:
        raise InvalidProject("organisation_id", "missing", "a partner of the project")
    if pledge.organisation_id is not None and pledge.organisation_id not in known:
        raise InvalidProject("organisation_id", "unknown", "a partner of the project")
    return pledge


def check_entry(project: Project, source: Source, entry: Entry, today: date) -> Entry:
    """Raises ProjectClosed, InvalidProject, PastTheEnd."""
    project.require_running()
    if source.kind is not SourceKind.FUNDRAISING:
        raise InvalidProject("source_id", "kind", "a source of the kind fundraising")
    project.require_within("on", entry.on)
    if entry.on > today:
        raise InvalidProject("on", "days", f"<= {today}")
    check_cents(entry.cents)
    return entry


@dataclass(frozen=True)
class Amounts:
    """Cents; each is contained in the one before it."""

    pledged: int = 0
    signed: int = 0
    paid: int = 0

    def __add__(self, other: Amounts) -> Amounts:
        return Amounts(self.pledged + other.pledged, self.signed + other.signed, self.paid + other.paid)

    @classmethod
    def of(cls, one: Pledge | Entry) -> Amounts:
        if isinstance(one, Entry):
            return cls(one.cents, one.cents, one.cents)
        return cls(one.pledged, one.signed, one.paid)


K = TypeVar("K")


def sums(given: Iterable[Pledge | Entry], key: Callable[[Pledge | Entry], K]) -> dict[K, Amounts]:
    found: dict[K, Amounts] = {}
    for one in given:
        found[key(one)] = found.get(key(one), Amounts()) + Amounts.of(one)
    return found


def year_of(one: Pledge | Entry) -> int:
    return one.on.year if isinstance(one, Entry) else one.year


def share(cents: int, of: int) -> float | None:
    """Four decimals, rounded half up on integers: 150000000 of 330000000 is 0.4545. None of nothing is no share."""
    return (cents * 20_000 + of) // (2 * of) / 10_000 if of else None


@dataclass(frozen=True)
class SourceFigures:
    source: Source
    amounts: Amounts
    years: Mapping[int, Amounts]

    @property
    def over(self) -> int:
        """Pledged beyond what is expected of the source."""
        return max(0, self.amounts.pledged - self.source.cents)

    @property
    def open(self) -> int:
        """Expected of the source, and pledged by nobody yet."""
        return max(0, self.source.cents - self.amounts.pledged)


@dataclass(frozen=True)
class Budget:
    """How a project's costs are covered. `uncovered` is what of the budget nobody has pledged, `over_pledged` what is
    pledged beyond it; one of them is always 0."""

    total: int
    by_action: Mapping[UUID | None, int]
    whole: Amounts
    kinds: Mapping[SourceKind, Amounts]
    years: Mapping[int, Amounts]
    partners: Mapping[UUID | None, Amounts]
    sources: Sequence[SourceFigures]

    @property
    def uncovered(self) -> int:
        return max(0, self.total - self.whole.pledged)

    @property
    def over_pledged(self) -> int:
        return max(0, self.whole.pledged - self.total)


def budget(
    lines: Iterable[Line], sources: Sequence[Source], pledges: Sequence[Pledge], entries: Sequence[Entry]
) -> Budget:
    given: list[Pledge | Entry] = [*pledges, *entries]
    kind_of = {source.id: source.kind for source in sources}
    by_action: dict[UUID | None, int] = {}
    for line in lines:
        by_action[line.action_id] = by_action.get(line.action_id, 0) + line.cents
    figures = []
    for source in sources:
        own = [one for one in given if one.source_id == source.id]
        years = sums(own, year_of)
        figures.append(SourceFigures(source, sum(years.values(), Amounts()), dict(sorted(years.items()))))
    kinds = sums(given, lambda one: kind_of[one.source_id])
    years = sums(given, year_of)
    partners = sums(pledges, lambda one: one.organisation_id if isinstance(one, Pledge) else None)
    return Budget(
        total=sum(by_action.values()),
        by_action=by_action,
        whole=sum(kinds.values(), Amounts()),
        kinds={kind: kinds.get(kind, Amounts()) for kind in SourceKind},
        years=dict(sorted(years.items())),
        partners=partners,
        sources=figures,
    )


# --- outcomes and places ---------------------------------------------------------------------------------------------


@dataclass(eq=False)
class Outcome:
    """What the project leaves in a community: a body of the network, or a territory. Words or a link show it; a file
    may go with them."""

    project_id: UUID
    kind: OutcomeKind
    title: str
    on: date
    action_id: UUID | None = None
    body_id: UUID | None = None
    territory: str | None = None
    evidence: str | None = None
    link: str | None = None
    file_name: str | None = None
    file_type: str | None = None
    file_size: int | None = None
    file_sha256: str | None = None
    id: UUID = field(default_factory=uuid7)
    version: int = 0


def check_outcome(project: Project, outcome: Outcome, today: date) -> Outcome:
    """Raises ProjectClosed, InvalidProject, PastTheEnd."""
    project.require_running()
    project.require_within("on", outcome.on)
    if outcome.on > today:
        raise InvalidProject("on", "days", f"<= {today}")
    if outcome.body_id is None and outcome.territory is None:
        raise InvalidProject("body_id", "missing", "body_id or territory: the community in which it is")
    if outcome.evidence is None and outcome.link is None:
        raise InvalidProject("evidence", "missing", "evidence or link: by what one can see it")
    return outcome


@dataclass(frozen=True)
class Places:
    """How many partners work in each territory; who works in several is in each of them, and counted once in `total`.
    `elsewhere` work in none of these."""

    total: int
    counts: Mapping[str, int]
    several: int
    elsewhere: int


def places(territories: Sequence[str], partners: Iterable[Collection[str]]) -> Places:
    """`partners`: of each, the territories in which it works."""
    counts = dict.fromkeys(territories, 0)
    total = several = elsewhere = 0
    for works_in in partners:
        reached = [code for code in territories if any(lies_in(one, code) for one in works_in)]
        total += 1
        several += len(reached) > 1
        elsewhere += not reached
        for code in reached:
            counts[code] += 1
    return Places(total, counts, several, elsewhere)

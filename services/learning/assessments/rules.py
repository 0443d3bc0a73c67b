"""Assessments: what people know of some competences before, and what they know of them after.

An assessment is a draft -> before -> between -> after -> closed; a phase is open until the end of a day, and whoever is
of the audience is asked once in each. After are asked those who answered before: only people who were assessed both
times are measured. A person counts in the groups in which they were when they were first asked; that somebody moves is
not something learnt. Figures are counted once, when the second phase closes, and stay: counted again with one person
more, the difference would tell what that person answered.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum
from fractions import Fraction
from typing import Any
from uuid import UUID

from uuid_utils.compat import uuid7

MOST_ITEMS = 100
"""In an assessment: they are answered on one page."""


class Phase(StrEnum):
    BEFORE = "before"
    AFTER = "after"


class State(StrEnum):
    DRAFT = "draft"
    BEFORE = "before"
    BETWEEN = "between"
    AFTER = "after"
    CLOSED = "closed"
    WITHDRAWN = "withdrawn"


class RequestState(StrEnum):
    ASKED = "asked"
    ANSWERED = "answered"
    WITHDRAWN = "withdrawn"


class Kind(StrEnum):
    SCALE = "scale"  # how well, from 1 to `steps`
    CHOICE = "choice"  # one of the options, each worth so many points


class UnknownAssessment(Exception):
    """No assessment has this id, or none that the caller may see."""


class UnknownRequest(Exception):
    """Nobody is asked under this id, or not the caller."""


class Unfit(Exception):
    """A value that does not go with the others; `path` names it, `accepted` what would do."""

    def __init__(self, path: str, code: str, accepted: Any) -> None:
        super().__init__(f"{path}: {code}")
        self.path, self.code, self.accepted = path, code, accepted


class FixedOnceOpened(Exception):
    """What is asked and whom changes only while it is a draft."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.path, self.accepted = f"/{name}", "only while the assessment is a draft"


class NotPossibleNow(Exception):
    """What was asked does not go with the assessment's state."""

    def __init__(self, action: str, state: State) -> None:
        super().__init__(f"{action} while {state}")
        self.action, self.state = action, state


class PhaseOver(Exception):
    """The request can be answered no more."""


class AnsweredThemselves(Exception):
    """What somebody answered themselves nobody enters over."""


class AnswersRefused(Exception):
    """Answers that are missing or cannot be; `errors` says which."""

    def __init__(self, errors: Sequence[Wrong]) -> None:
        super().__init__(f"{len(errors)} answers")
        self.errors = list(errors)


@dataclass(frozen=True, slots=True)
class Wrong:
    """An answer that will not do, as problems name it."""

    path: str
    code: str
    accepted: Any

    def json(self) -> dict[str, Any]:
        return {"path": self.path, "code": self.code, "accepted": self.accepted}


@dataclass(frozen=True)
class Option:
    text: str
    points: int


@dataclass(frozen=True)
class Item:
    """Something asked: a rating from 1 to `steps` (`lowest` and `highest` say what the ends mean), or one of the
    options, named by its number from 1."""

    text: str
    kind: Kind = Kind.SCALE
    steps: int = 5
    lowest: str = ""
    highest: str = ""
    options: tuple[Option, ...] = ()
    id: UUID = field(default_factory=uuid7)

    @property
    def largest(self) -> int:
        """The largest answer there is."""
        return self.steps if self.kind is Kind.SCALE else len(self.options)

    def part(self, answer: int) -> Fraction:
        """How much of what can be known an answer shows, from 0 to 1."""
        if self.kind is Kind.SCALE:
            return Fraction(answer - 1, self.steps - 1)
        return Fraction(self.options[answer - 1].points, max(option.points for option in self.options))


@dataclass(frozen=True)
class Competence:
    code: str
    title: str
    items: tuple[Item, ...]

    def level(self, answers: Mapping[UUID, int]) -> Fraction:
        """In percent of what can be known: the mean of the items, which weigh alike."""
        return Fraction(100) * sum((item.part(answers[item.id]) for item in self.items), Fraction()) / len(self.items)


@dataclass(frozen=True)
class Part:
    """Part of an audience, with the name of its cohort if it is one: who holds a mandate with one of the roles, in one
    of the bodies and in one of the territories (each of which may be left out), or is on one of the paths, or is
    named."""

    cohort: str | None = None
    roles: tuple[str, ...] = ()
    bodies: tuple[UUID, ...] = ()
    territories: tuple[str, ...] = ()
    paths: tuple[UUID, ...] = ()
    people: tuple[UUID, ...] = ()

    @property
    def by_mandate(self) -> bool:
        return bool(self.roles or self.bodies or self.territories)


@dataclass(frozen=True)
class Office:
    """A mandate that is held: `within` is its territory and those around it, `region` where it counts."""

    person_id: UUID
    role: str
    body_id: UUID | None
    within: frozenset[str]
    region: str | None


@dataclass(frozen=True)
class Place:
    """Where somebody of the audience counts, and why they are asked."""

    bodies: tuple[UUID, ...] = ()
    region: str | None = None
    cohort: str | None = None
    path_id: UUID | None = None


@dataclass(eq=False)
class Assessment:
    network_id: UUID
    title: str
    description: str
    competences: tuple[Competence, ...] = ()
    audience: tuple[Part, ...] = ()
    state: State = State.DRAFT
    closes_on: date | None = None
    """The last day of the phase that is open."""
    before_on: date | None = None
    after_on: date | None = None
    closed_on: date | None = None
    id: UUID = field(default_factory=uuid7)
    version: int = 0

    def __post_init__(self) -> None:
        require_fitting(self.competences, self.audience)

    @property
    def phase(self) -> Phase | None:
        """The one that is open."""
        return Phase(self.state) if self.state in (State.BEFORE, State.AFTER) else None

    @property
    def items(self) -> tuple[Item, ...]:
        return tuple(item for competence in self.competences for item in competence.items)

    def change(self, changes: Mapping[str, Any], on: date) -> bool:
        """Takes the new values; False when nothing differs. Raises NotPossibleNow, FixedOnceOpened, Unfit."""
        self._possible("edit")
        changed = {name: value for name, value in changes.items() if getattr(self, name) != value}
        if self.state is not State.DRAFT:
            for name in ("competences", "audience"):
                if name in changed:
                    raise FixedOnceOpened(name)
        if "closes_on" in changed:
            if self.phase is None:
                raise Unfit("/closes_on", "not_allowed", "while a phase is open; it is said when the phase is opened")
            require_to_come(changed["closes_on"], on)
        require_fitting(changed.get("competences", self.competences), changed.get("audience", self.audience))
        for name, value in changed.items():
            setattr(self, name, value)
        return bool(changed)

    def open(self, closes_on: date, on: date) -> Phase:
        """The next phase, until the end of that day. Raises NotPossibleNow, Unfit."""
        self._possible("open")
        if not self.competences or not self.audience:
            name = "audience" if self.competences else "competences"
            raise Unfit(f"/{name}", "too_short", "at least one, before it is opened")
        require_to_come(closes_on, on)
        self.closes_on = closes_on
        if self.state is State.DRAFT:
            self.state, self.before_on = State.BEFORE, on
            return Phase.BEFORE
        self.state, self.after_on = State.AFTER, on
        return Phase.AFTER

    def close(self, on: date) -> Phase:
        """The phase that is open, which is given back. Raises NotPossibleNow."""
        self._possible("close")
        phase = self.phase
        assert phase is not None
        self.state = State.BETWEEN if phase is Phase.BEFORE else State.CLOSED
        self.closes_on = None
        self.closed_on = on if phase is Phase.AFTER else None
        return phase

    def withdraw(self) -> None:
        """Nobody is asked any more, and nothing is measured. Raises NotPossibleNow."""
        self._possible("withdraw")
        self.state, self.closes_on = State.WITHDRAWN, None

    def over(self, on: date) -> bool:
        """The last day of the open phase has passed."""
        return self.closes_on is not None and self.closes_on < on

    def actions(self) -> list[str]:
        """What the state allows; who may do it is the policy's to say."""
        live = self.state not in (State.CLOSED, State.WITHDRAWN)
        possible = {
            "edit": live,
            "open": self.state in (State.DRAFT, State.BETWEEN),
            "close": self.phase is not None,
            "withdraw": live,
        }
        return [action for action, yes in possible.items() if yes]

    def _possible(self, action: str) -> None:
        if action not in self.actions():
            raise NotPossibleNow(action, self.state)


def require_to_come(closes_on: date | None, on: date) -> None:
    if closes_on is None or closes_on < on:
        raise Unfit("/closes_on", "past", f"{on} or a later day")


def require_fitting(competences: Sequence[Competence], audience: Sequence[Part]) -> None:
    """Raises Unfit: codes are told apart, items can be answered, and each part says whom in one way."""
    codes = [competence.code for competence in competences]
    for place, competence in enumerate(competences):
        if competence.code in codes[:place]:
            raise Unfit(f"/competences/{place}/code", "duplicate", "another code: each competence has its own")
        for number, item in enumerate(competence.items):
            require_answerable(item, f"/competences/{place}/items/{number}")
    if sum(len(competence.items) for competence in competences) > MOST_ITEMS:
        raise Unfit("/competences", "too_long", f"at most {MOST_ITEMS} items in all")
    for place, part in enumerate(audience):
        if sum((part.by_mandate, bool(part.paths), bool(part.people))) != 1:
            accepted = "roles, bodies and territories; or paths; or people"
            raise Unfit(f"/audience/{place}", "one_of", accepted)


def require_answerable(item: Item, path: str) -> None:
    if item.kind is Kind.SCALE:
        if item.options:
            raise Unfit(f"{path}/options", "not_allowed", "only with the kind choice")
        return
    if len(item.options) < 2:
        raise Unfit(f"{path}/options", "too_short", "two options or more")
    if max(option.points for option in item.options) <= 0:
        raise Unfit(f"{path}/options", "points", "an option that is worth something")


def item_like(given: Mapping[str, Any]) -> Item:
    """An item as it is kept."""
    options = tuple(Option(**option) for option in given.get("options", ()))
    return Item(**{**given, "id": UUID(str(given["id"])), "kind": Kind(given["kind"]), "options": options})


# --- answers --------------------------------------------------------------------------------------------------------


def read(items: Iterable[Item], given: Mapping[str, Any], *, whole: bool, at: str = "/answers") -> dict[UUID, int]:
    """The answers by item; with `whole` none may be missing. Raises AnswersRefused with all that is wrong."""
    known = {str(item.id): item for item in items}
    wrong = [Wrong(f"{at}/{name[:80]}", "unknown", "an item of this assessment") for name in given if name not in known]
    answers: dict[UUID, int] = {}
    for name, item in known.items():
        value = given.get(name)
        if value is None:
            if whole:
                wrong.append(Wrong(f"{at}/{name}", "missing", f"1 to {item.largest}"))
        elif isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= item.largest:
            wrong.append(Wrong(f"{at}/{name}", "range", f"1 to {item.largest}"))
        else:
            answers[item.id] = value
    if wrong:
        raise AnswersRefused(wrong)
    return answers


# --- who is asked ---------------------------------------------------------------------------------------------------


def placed(
    audience: Sequence[Part],
    offices: Iterable[Office],
    on_paths: Iterable[tuple[UUID, UUID]],
    people: Collection[UUID],
) -> dict[UUID, Place]:
    """Who of the audience is asked, by person, with the groups in which each counts: their cohort is that of the first
    part that they are in; their bodies are those that the audience names, or all of theirs when it names none.

    `offices` are the mandates held; `on_paths` (person, path) of those who are on one; `people` are those who are
    known, of the named ones.
    """
    held: dict[UUID, list[Office]] = {}
    for office in offices:
        held.setdefault(office.person_id, []).append(office)
    paths: dict[UUID, list[UUID]] = {}
    for person, path in on_paths:
        paths.setdefault(person, []).append(path)
    named = {body for part in audience for body in part.bodies}
    found: dict[UUID, Place] = {}
    for person in {*held, *paths, *people}:
        mine = held.get(person, [])
        for part in audience:
            reached, path_id = reaches(part, person, mine, paths.get(person, []))
            if reached:
                theirs = {office.body_id for office in mine if office.body_id is not None}
                bodies = tuple(sorted(theirs & named if named else theirs))
                region = next((office.region for office in mine if office.region is not None), None)
                found[person] = Place(bodies, region, part.cohort, path_id)
                break
    return found


def renamed(audience: Sequence[Part], people: Mapping[UUID, UUID | None]) -> tuple[Part, ...]:
    """The audience with these people named otherwise, or, where there is nobody instead, not at all."""
    parts = []
    for part in audience:
        found = dict.fromkeys(people.get(person, person) for person in part.people)
        parts.append(replace(part, people=tuple(person for person in found if person is not None)))
    return tuple(part for part in parts if part.by_mandate or part.paths or part.people)


def reaches(part: Part, person: UUID, offices: Iterable[Office], paths: Collection[UUID]) -> tuple[bool, UUID | None]:
    """Whether the person is of the part, and the path because of which they are."""
    if part.people:
        return person in part.people, None
    if part.paths:
        path_id = next((path for path in part.paths if path in paths), None)
        return path_id is not None, path_id
    return part.by_mandate and any(_office_of(part, office) for office in offices), None


def _office_of(part: Part, office: Office) -> bool:
    return (
        (not part.roles or office.role in part.roles)
        and (not part.bodies or office.body_id in part.bodies)
        and (not part.territories or not office.within.isdisjoint(part.territories))
    )

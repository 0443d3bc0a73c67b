"""Courses: units in their order, written once and used by as many paths of the network as want them.

A course is a draft -> published -> withdrawn. A path holds the units of its courses as a block in its own list, so that
whoever reads a path, or counts what is done of it, looks at one list; a change of the course makes that block anew in
every path. A withdrawn course is taken by no other path; those that have it keep it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from uuid_utils.compat import uuid7

LONGEST = 100
"""Units of a course or of a path: they are read on one page."""


class Kind(StrEnum):
    """What a unit is, and with that how it gets done."""

    TEXT = "text"  # read, and said to be done
    LINK = "link"
    VIDEO = "video"
    DOCUMENT = "document"
    QUIZ = "quiz"  # passed
    MEETING = "meeting"  # attended


BY_THEMSELVES = frozenset({Kind.TEXT, Kind.LINK, Kind.VIDEO, Kind.DOCUMENT})
"""Nobody sees whether somebody has read them: the person says so."""

MEETINGS = ("meeting_id", "series_id", "body_id")
NEEDS: dict[Kind, tuple[str, ...]] = {
    Kind.TEXT: (),
    Kind.LINK: ("url",),
    Kind.VIDEO: ("url",),
    Kind.DOCUMENT: ("document_id",),
    Kind.QUIZ: ("quiz_id",),
    Kind.MEETING: (),  # one of MEETINGS
}
TAKES: dict[Kind, frozenset[str]] = {
    Kind.TEXT: frozenset(),
    Kind.LINK: frozenset({"url"}),
    Kind.VIDEO: frozenset({"url", "transcript"}),
    Kind.DOCUMENT: frozenset({"document_id"}),
    Kind.QUIZ: frozenset({"quiz_id"}),
    Kind.MEETING: frozenset({*MEETINGS, "counts_before"}),
}
OF_SOME = ("url", "transcript", "document_id", "quiz_id", *MEETINGS, "counts_before")
"""Fields that only some kinds of unit have."""


class State(StrEnum):
    DRAFT = "draft"
    PUBLISHED = "published"
    WITHDRAWN = "withdrawn"


class UnknownCourse(Exception):
    """No course has this id, or none that the caller may see."""


class Unfit(Exception):
    """A value that does not go with the others; `path` names it, `accepted` what would do."""

    def __init__(self, path: str, code: str, accepted: Any) -> None:
        super().__init__(f"{path}: {code}")
        self.path, self.code, self.accepted = path, code, accepted


class NotPossibleNow(Exception):
    """What was asked does not go with the course's state."""

    def __init__(self, action: str, state: State) -> None:
        super().__init__(f"{action} while {state}")
        self.action, self.state = action, state


@dataclass(frozen=True)
class Unit:
    """A step: a text to read, a link or a video to open (`transcript` is what a video says), a document, a quiz to
    pass, or a meeting to come to: that one, any of a series or any of a body, since the enrolment or (`counts_before`)
    ever. Every kind may have a text beside it; `minutes` is how long it takes. `course_id`: it is a course's."""

    title: str
    text: str = ""
    url: str | None = None
    minutes: int | None = None
    kind: Kind | None = None
    transcript: str = ""
    document_id: UUID | None = None
    quiz_id: UUID | None = None
    meeting_id: UUID | None = None
    series_id: UUID | None = None
    body_id: UUID | None = None
    counts_before: bool = False
    course_id: UUID | None = None
    id: UUID = field(default_factory=uuid7)

    def __post_init__(self) -> None:
        if self.kind is None:  # as units were before they had kinds
            object.__setattr__(self, "kind", Kind.LINK if self.url else Kind.TEXT)

    @property
    def by_themselves(self) -> bool:
        return self.kind in BY_THEMSELVES


@dataclass(eq=False)
class Course:
    network_id: UUID
    title: str
    description: str
    units: tuple[Unit, ...] = ()
    state: State = State.DRAFT
    published_on: date | None = None
    id: UUID = field(default_factory=uuid7)
    version: int = 0

    def __post_init__(self) -> None:
        require_fit(self.units)

    def change(self, changes: Mapping[str, Any]) -> bool:
        """Takes the new values; False when nothing differs. Raises NotPossibleNow, Unfit."""
        self._possible("edit")
        changed = {name: value for name, value in changes.items() if getattr(self, name) != value}
        if self.state is not State.DRAFT and changed.get("units") == ():
            raise Unfit("/units", "too_short", "at least one unit, since the course is published")
        require_fit(changed.get("units", ()))
        for name, value in changed.items():
            setattr(self, name, value)
        return bool(changed)

    def publish(self, on: date) -> None:
        """From now on paths may take it. Raises Unfit without any unit, NotPossibleNow."""
        self._possible("publish")
        if not self.units:
            raise Unfit("/units", "too_short", "at least one unit, before the course is published")
        self.state, self.published_on = State.PUBLISHED, on

    def withdraw(self) -> None:
        self._possible("withdraw")
        self.state = State.WITHDRAWN

    def actions(self) -> list[str]:
        """What the state allows; who may do it is the policy's to say. One that was withdrawn may still be corrected:
        paths have it."""
        possible = {
            "edit": True,
            "publish": self.state is State.DRAFT,
            "withdraw": self.state is State.PUBLISHED,
        }
        return [action for action, yes in possible.items() if yes]

    def _possible(self, action: str) -> None:
        if action not in self.actions():
            raise NotPossibleNow(action, self.state)


def require_fit(units: Sequence[Unit]) -> None:
    """Each unit has what its kind needs and nothing of another's, and no quiz comes twice. Raises Unfit."""
    quizzes: set[UUID] = set()
    for place, unit in enumerate(units):
        _require_fit(unit, f"/units/{place}")
        if unit.quiz_id is not None:
            if unit.quiz_id in quizzes:
                raise Unfit(f"/units/{place}/quiz_id", "repeated", "each quiz once")
            quizzes.add(unit.quiz_id)


def _require_fit(unit: Unit, at: str) -> None:
    assert unit.kind is not None  # __post_init__
    if not unit.title:
        raise Unfit(f"{at}/title", "missing", "a title")
    for name in OF_SOME:
        if getattr(unit, name) and name not in TAKES[unit.kind]:
            raise Unfit(f"{at}/{name}", "not_allowed", [str(kind) for kind in Kind if name in TAKES[kind]])
    for name in NEEDS[unit.kind]:
        if not getattr(unit, name):
            raise Unfit(f"{at}/{name}", "missing", f"a unit of kind {unit.kind} has one")
    if unit.kind is Kind.MEETING and sum(getattr(unit, name) is not None for name in MEETINGS) != 1:
        raise Unfit(at, "one_of", list(MEETINGS))
    if unit.url is not None and not is_web_address(unit.url):
        raise Unfit(f"{at}/url", "url", "an address that begins with https:// or http://")


def is_web_address(url: str) -> bool:
    """A link leads to a page of the web: nothing else may stand behind a link on our pages, nor a name before the host
    that looks like the page to which it leads (`https://regione.it@example.org`)."""
    if any(c.isspace() or not c.isprintable() for c in url):
        return False
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc
    except ValueError:  # brackets that are no address
        return False


Entry = tuple[UUID | None, Mapping[str, Any]]
"""A unit as somebody wrote it: the id of one that is there already, or none for a new one, and what it shall be; with
`course_id` it stands for that course, whatever else it says."""


def edited(
    units: Sequence[Unit], wanted: Sequence[Entry], courses: Mapping[UUID, Sequence[Unit]] | None = None
) -> tuple[Unit, ...]:
    """The units as somebody has edited them: those that name an id keep it, the others are new; a course stands for its
    units, and entries of one course that follow each other for it once, so that a list that was read can be sent back.

    Raises Unfit for an id that is none of these units', a course that cannot be had, or one of either twice.
    """
    known = {unit.id for unit in units if unit.course_id is None}
    seen: set[UUID] = set()
    made: list[Unit] = []
    last: UUID | None = None
    for place, (id_, content) in enumerate(wanted):
        course = content.get("course_id")
        if course is not None:
            if course != last:
                made += _of_course(course, courses or {}, seen, f"/units/{place}/course_id")
        elif id_ is not None and (id_ not in known or id_ in seen):
            code = "repeated" if id_ in seen else "unknown"
            raise Unfit(f"/units/{place}/id", code, "the id of a unit of this list, once; none for a new unit")
        else:
            made.append(Unit(**content, id=id_) if id_ else Unit(**content))
        seen |= {one for one in (id_ if course is None else None, course) if one is not None}
        last = course
    return within_bounds(made)


def _of_course(course: UUID, courses: Mapping[UUID, Sequence[Unit]], seen: Iterable[UUID], at: str) -> Iterable[Unit]:
    if course in seen:
        raise Unfit(at, "repeated", "each course once")
    if course not in courses:
        raise Unfit(at, "unknown", "a published course of this network")
    return as_block(course, courses[course])


def as_block(course: UUID, units: Iterable[Unit]) -> list[Unit]:
    """A course's units as a path holds them."""
    return [Unit(**{**vars(unit), "course_id": course}) for unit in units]


def with_course(units: Sequence[Unit], course: UUID, now: Sequence[Unit]) -> tuple[Unit, ...]:
    """A path's units after its course has become `now`, in the place where it was. Raises Unfit when they become too
    many, or have a quiz twice."""
    made: list[Unit] = []
    put = False
    for unit in units:
        if unit.course_id != course:
            made.append(unit)
        elif not put:
            made += as_block(course, now)
            put = True
    require_fit(made)
    return within_bounds(made)


def within_bounds(units: Sequence[Unit]) -> tuple[Unit, ...]:
    if len(units) > LONGEST:
        raise Unfit("/units", "too_long", f"at most {LONGEST} units, those of the courses counted")
    return tuple(units)

"""Contributions: what people think about a theme, collected, tagged, counted, and put together in a text to be issued.

A collection is draft -> open -> closed, and may be opened again. While it is open whoever belongs writes, and changes
what they wrote; the coordination may enter what somebody said or sent on paper, and that is recorded as such. Its
synthesis is a draft that is issued in numbered versions; an issued one never changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from uuid_utils.compat import uuid7

MOST_THEMES = 30
MOST_TAGGED = 1_000
"""Contributions tagged by one command."""
AUTONOMOUS = frozenset({"021", "022"})
"""Bolzano and Trento: provinces with the standing of a region."""


class State(StrEnum):
    DRAFT = "draft"
    OPEN = "open"
    CLOSED = "closed"


class Tag(StrEnum):
    STRENGTH = "strength"
    WEAKNESS = "weakness"
    DEVELOPMENT = "development"


class By(StrEnum):
    """What a count may be parted by, besides theme and tag."""

    KIND = "kind"
    SECTION = "section"
    REGION = "region"


class Reach(StrEnum):
    """How wide the territory is for which somebody holds a mandate."""

    NATIONAL = "national"
    REGIONAL = "regional"
    TERRITORIAL = "territorial"


class UnknownCollection(Exception):
    """No collection has this id, or none that the caller may know of."""


class UnknownContribution(Exception):
    """No contribution has this id, or none that the caller may read."""


class UnknownSynthesis(Exception):
    """No synthesis has this id, or the collection has none, or no version of this number was issued."""


class NotPossibleNow(Exception):
    """What was asked does not go with the collection's state."""

    def __init__(self, action: str, state: State) -> None:
        super().__init__(f"{action} while {state}")
        self.action, self.state = action, state


class InvalidCollection(Exception):
    """What is missing, or contradicts the rest; `path` names the field, `accepted` what would do."""

    def __init__(self, path: str, code: str, accepted: Any) -> None:
        super().__init__(f"{path}: {code}")
        self.path, self.code, self.accepted = path, code, accepted


class UnknownTheme(Exception):
    """The collection has no such theme; `accepted` are those that it has."""

    def __init__(self, accepted: Sequence[str]) -> None:
        super().__init__("theme")
        self.path, self.code, self.accepted = "/theme", "enum", list(accepted)


class NotEntitled(Exception):
    """The person holds no mandate, and has no invitation, by which they could contribute."""


class ManyMandates(Exception):
    """The person belongs by several mandates: which one they speak by must be said. `accepted` are their ids."""

    def __init__(self, accepted: Sequence[UUID]) -> None:
        super().__init__("mandate_id")
        self.path, self.code, self.accepted = "/mandate_id", "missing", [str(id_) for id_ in accepted]


class NotTheirs(Exception):
    """Only who wrote a contribution changes it, or who entered it for them."""


class HasSynthesis(Exception):
    """A collection has one synthesis, and it has been begun."""

    def __init__(self, synthesis_id: UUID) -> None:
        super().__init__(str(synthesis_id))
        self.synthesis_id = synthesis_id
        self.headers = {"location": f"/events/v1/syntheses/{synthesis_id}"}


class NothingToIssue(Exception):
    """The text has not changed since it was issued, or there is none yet."""


class NobodyToSendTo(Exception):
    """Nobody holds a mandate today as the audience asks."""


@dataclass(frozen=True, slots=True)
class Theme:
    """Of a collection: a code of its own, and what people read."""

    code: str
    it: str
    en: str


@dataclass(eq=False)
class Collection:
    """Of a network, a series or a body. `question` is what people are asked."""

    network_id: UUID
    title: str
    question: str = ""
    series_id: UUID | None = None
    body_id: UUID | None = None
    closes_at: datetime | None = None
    state: State = State.DRAFT
    opened_at: datetime | None = None
    closed_at: datetime | None = None
    created_by: UUID | None = None
    id: UUID = field(default_factory=uuid7)
    version: int = 0

    def actions(self, now: datetime) -> list[str]:
        """What the state allows; who may do it is the policy's to say."""
        if self.state is State.DRAFT:
            return ["change", "open"]
        return ["change", *(["close", "enter"] if self.takes(now) else ["open"]), "tag", "synthesise"]

    def takes(self, now: datetime) -> bool:
        """Contributions are written and changed: also until the instant itself, however late the clock's call is."""
        return self.state is State.OPEN and (self.closes_at is None or now < self.closes_at)

    def require_taking(self, now: datetime) -> None:
        if not self.takes(now):
            raise NotPossibleNow("contribute", State.CLOSED if self.state is State.OPEN else self.state)

    def change(self, fields: dict[str, Any], now: datetime) -> None:
        """Takes the fields given: the title and the question always, the end while it is not closed."""
        if "closes_at" in fields:
            if self.state is State.CLOSED:
                raise NotPossibleNow("change", self.state)
            self.require_ahead(fields["closes_at"], now)
        for name, value in fields.items():
            setattr(self, name, value)

    def require_ahead(self, closes_at: datetime | None, now: datetime) -> None:
        if closes_at is not None and closes_at <= now:
            raise InvalidCollection("/closes_at", "past", f"an instant after {now.isoformat()}, or null")

    def open(self, themes: int, closes_at: datetime | None, now: datetime) -> None:
        """Also again, once it was closed: then with another end, or with none."""
        if self.takes(now):
            raise NotPossibleNow("open", self.state)
        if not themes:
            raise InvalidCollection("/themes", "missing", f"1 to {MOST_THEMES} themes before it is opened")
        self.require_ahead(closes_at, now)
        self.state, self.closes_at, self.closed_at = State.OPEN, closes_at, None
        self.opened_at = self.opened_at or now

    def close(self, now: datetime) -> None:
        if self.state is not State.OPEN:
            raise NotPossibleNow("close", self.state)
        self.state, self.closed_at = State.CLOSED, now


def fit(themes: Sequence[Theme]) -> list[Theme]:
    """Raises InvalidCollection: a code twice, a name twice."""
    for names, path in (
        ([one.code for one in themes], "code"),
        ([one.it.casefold() for one in themes], "it"),
        ([one.en.casefold() for one in themes], "en"),
    ):
        for place, name in enumerate(names):
            if name in names[:place]:
                raise InvalidCollection(f"/themes/{place}/{path}", "twice", "each theme once")
    return list(themes)


@dataclass(eq=False)
class Contribution:
    """What somebody wrote about a theme, for the organisation of the mandate by which they speak. `entered_by` is who
    entered it, when it was not the person. An erased author's text stays, with neither person nor mandate."""

    collection_id: UUID
    network_id: UUID
    theme: str
    text: str
    person_id: UUID | None = None
    mandate_id: UUID | None = None
    organisation_id: UUID | None = None
    territory: str | None = None
    region: str | None = None
    entered_by: UUID | None = None
    tags: list[Tag] = field(default_factory=list)
    tagged_by: UUID | None = None
    tagged_at: datetime | None = None
    written_at: datetime | None = None
    id: UUID = field(default_factory=uuid7)
    version: int = 0

    def change(self, fields: dict[str, Any], now: datetime) -> None:
        if any(getattr(self, name) != value for name, value in fields.items()):
            self.written_at = now
        for name, value in fields.items():
            setattr(self, name, value)

    @property
    def changed_since_tagged(self) -> bool:
        """Whoever tagged it read another text."""
        return bool(self.tagged_at and self.written_at and self.tagged_at < self.written_at)

    def may_be_changed_by(self, person: UUID | None, *, enters: bool) -> bool:
        """By its author; by the coordination (`enters`) only what it entered: nobody rewrites what another wrote."""
        own = person is not None and person == self.person_id
        return own or (enters and self.entered_by is not None)


def ordered(tags: Iterable[Tag]) -> list[Tag]:
    """Each once, in the order of the vocabulary."""
    given = set(tags)
    return [tag for tag in Tag if tag in given]


@dataclass(frozen=True, slots=True)
class Speaks:
    """One of the mandates (or an invitation by name) by which somebody may contribute."""

    mandate_id: UUID | None
    organisation_id: UUID | None
    territory: str | None


def speaking(found: Sequence[Speaks], mandate_id: UUID | None) -> Speaks:
    """By which of them a person speaks: the one that they name, or the only one."""
    if mandate_id is not None:
        named = [one for one in found if one.mandate_id == mandate_id]
        if not named:
            raise NotEntitled
        return named[0]
    if not found:
        raise NotEntitled
    mandates = [one.mandate_id for one in found if one.mandate_id is not None]
    voices = {(one.organisation_id, one.territory) for one in found}
    if len(voices) > 1:
        raise ManyMandates(mandates)
    return found[0]


def reach(territory: str | None) -> Reach:
    """Of a mandate, by its territory's code: none is the whole country's, two digits are a region's."""
    if territory is None:
        return Reach.NATIONAL
    return Reach.REGIONAL if len(territory) == 2 or territory in AUTONOMOUS else Reach.TERRITORIAL


# --- the synthesis --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Audience:
    """To whom a synthesis is sent: who holds one of these `roles` today, and (where they are given) in one of these
    `bodies`, within one of these `territories`, for a territory of one of these `reaches`, for an organisation of one
    of these `kinds`."""

    roles: tuple[str, ...]
    reaches: tuple[Reach, ...] = ()
    bodies: tuple[UUID, ...] = ()
    territories: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()


@dataclass(eq=False)
class Synthesis:
    """The text on which somebody is working, and how many versions of it were issued. `issued` is the text of the last
    of them."""

    collection_id: UUID
    network_id: UUID
    title: str
    text: str = ""
    number: int = 0
    drafted_by: UUID | None = None
    id: UUID = field(default_factory=uuid7)
    version: int = 0

    def require_new(self, issued: tuple[str, str] | None) -> None:
        """Raises NothingToIssue: empty, or word for word what was `issued` last (title, text)."""
        if not self.text or issued == (self.title, self.text):
            raise NothingToIssue


@dataclass(frozen=True, slots=True)
class Piece:
    """Lines that are in both texts (`same`), only in the newer (`added`) or only in the older (`removed`)."""

    kind: str
    lines: tuple[str, ...]


def differences(older: str, newer: str) -> list[Piece]:
    """What became of each line, in their order; what was replaced is removed and then added."""
    before, after = lines_of(older), lines_of(newer)
    runs: list[tuple[bool, list[str], list[str]]] = []
    for line, is_before, is_after in _in_order(before, after):
        same = is_before and is_after
        if not runs or runs[-1][0] != same:
            runs.append((same, [], []))
        if is_before:
            runs[-1][1].append(line)
        if is_after:
            runs[-1][2].append(line)
    pieces: list[Piece] = []
    for same, removed, added in runs:
        parts = [("same", removed)] if same else [("removed", removed), ("added", added)]
        pieces += [Piece(kind, tuple(part)) for kind, part in parts if part]
    return pieces


def lines_of(text: str) -> list[str]:
    """As their number is bounded: ended by a line feed (`str.splitlines` knows ten more ends)."""
    return text.replace("\r\n", "\n").split("\n") if text else []


def _in_order(before: Sequence[str], after: Sequence[str]) -> list[tuple[str, bool, bool]]:
    """Each line, and whether it is in the one, in the other or, of a longest common subsequence, in both.

    A bit for each line of the older text, a row of them for each of the newer one (Hyyrö 2004): texts of 3,000 lines
    take 40 ms whatever is in them, where the standard library's matcher takes minutes for lines that come again and
    again.
    """
    places: dict[str, int] = {}
    for place, line in enumerate(before):
        places[line] = places.get(line, 0) | 1 << place
    row = whole = (1 << len(before)) - 1
    rows = []
    for line in after:
        common = row & places.get(line, 0)
        row = ((row + common) | (row - common)) & whole
        rows.append(row)
    found: list[tuple[str, bool, bool]] = []
    i, j = len(before), len(after)
    while i and j:
        bit = 1 << i - 1
        if rows[j - 1] & bit:
            i -= 1
            found.append((before[i], True, False))
        elif j > 1 and not rows[j - 2] & bit:
            j -= 1
            found.append((after[j], False, True))
        else:
            i, j = i - 1, j - 1
            found.append((before[i], True, True))
    found += [(line, True, False) for line in reversed(before[:i])]
    found += [(line, False, True) for line in reversed(after[:j])]
    return found[::-1]

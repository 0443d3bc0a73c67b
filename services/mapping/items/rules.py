"""What places, resources and experiences have in common: who may see them, how they are validated, how old they are.

An item is draft -> proposed -> validated, or returned with remarks and proposed again. Two look at it: the referent of
the organisation that it is of (`endorsed_on`), then the coordinator of the region in which it lies (`validated_on`).
What nobody says is still true expires, and is validated again when somebody does; closed is the end.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID

from uuid_utils.compat import uuid7

from services.mapping.territories.rules import Level, Locate, fold
from shared.access.actor import EARLIEST, LATEST

LONGEST_TEXT = 5_000
MOST_TERRITORIES = 200
MOST_NETWORKS = 50


class Subject(StrEnum):
    """Of which kind an item is."""

    PLACE = "place"
    RESOURCE = "resource"
    EXPERIENCE = "experience"


class State(StrEnum):
    DRAFT = "draft"
    PROPOSED = "proposed"
    VALIDATED = "validated"
    RETURNED = "returned"
    EXPIRED = "expired"
    CLOSED = "closed"


RUNNING = tuple(state for state in State if state is not State.CLOSED)
"""What is still on the map of its own network."""


class Visibility(StrEnum):
    """Each sees what the one before sees: the body and the organisation's own people; the network; the networks named,
    or with which the network shares such things; everybody."""

    BODY = "body"
    NETWORK = "network"
    NETWORKS = "networks"
    PUBLIC = "public"


class UnknownItem(Exception):
    """No item has this id, or none that the caller may know of."""


class Closed(Exception):
    """It is closed: nothing more can be done with it."""


class NotInState(Exception):
    """`state` is what it is in, `accepted` the states from which this can be done."""

    def __init__(self, state: State, accepted: Iterable[State]) -> None:
        super().__init__(state)
        self.state, self.accepted = state, [str(one) for one in accepted]


class NotEndorsed(Exception):
    """The organisation's own referent has not looked at it yet."""


class RemarksMissing(Exception):
    """What is returned must say why."""


class OrganisationMissing(Exception):
    """It must be some organisation's."""


class UnknownReference(Exception):
    """The network has no such organisation or the platform no such network; `path` names the field."""

    def __init__(self, path: str, accepted: str) -> None:
        super().__init__(f"{path}: {accepted}")
        self.path, self.accepted = path, accepted


class UnknownTerritory(Exception):
    """A code that today's map of Italy does not have; `path` names the field."""

    def __init__(self, path: str, code: str) -> None:
        super().__init__(f"{path}: {code}")
        self.path, self.accepted = path, f"a code of a region, province or municipality, not {code!r}"


class InvalidDay(Exception):
    """A day that cannot be; `path` names the field, `accepted` what would do."""

    def __init__(self, field: str, accepted: str) -> None:
        super().__init__(f"{field}: {accepted}")
        self.path, self.accepted = f"/{field}", accepted


@dataclass(eq=False, kw_only=True)
class Item:
    """`areas` are the codes of `territories` and of all that they lie in; `checked_on` is when somebody last said that
    it is true; from `expires_on` on it is no longer offered."""

    subject: ClassVar[Subject]
    substantial: ClassVar[frozenset[str]] = frozenset()
    """Fields whose change must be looked at again."""

    network_id: UUID
    title: str
    organisation_id: UUID | None = None
    body_id: UUID | None = None
    municipality: str | None = None
    territories: list[str] = field(default_factory=list)
    areas: list[str] = field(default_factory=list)
    state: State = State.DRAFT
    visibility: Visibility = Visibility.NETWORK
    shared_with: list[UUID] = field(default_factory=list)
    proposed_by: UUID | None = None
    proposed_on: date | None = None
    endorsed_on: date | None = None
    validated_on: date | None = None
    remarks: str | None = None
    checked_on: date | None = None
    expires_on: date | None = None
    closed_on: date | None = None
    search: str = ""
    id: UUID = field(default_factory=uuid7)
    version: int = 0

    def check(self, on: date) -> None:
        """Raises what is wrong with its own fields, seen on that day."""

    def actions(self) -> list[str]:
        """What its state allows; who may do it is the policy's to say."""
        return list(ACTIONS[self.state])

    def take(self, **given: Any) -> set[str]:
        """Takes the fields given; the names of those that differ. Raises Closed."""
        if self.state is State.CLOSED:
            raise Closed
        changed = {name for name, value in given.items() if getattr(self, name) != value}
        for name in changed:
            setattr(self, name, given[name])
        return changed

    def fall_back(self, changed: Iterable[str], *, endorses: bool, validates: bool, on: date) -> None:
        """After a change: what matters is looked at again, by whom the changer is not."""
        if self.state not in (State.VALIDATED, State.EXPIRED) or self.substantial.isdisjoint(changed):
            return
        if validates:
            self.checked_on, self.state = on, State.VALIDATED
            return
        self.state, self.validated_on = State.PROPOSED, None
        self.endorsed_on = on if endorses or self.organisation_id is None else None

    def propose(self, *, endorses: bool, on: date) -> None:
        """`endorses`: who proposes it speaks for its organisation, so the first look is done. Raises NotInState."""
        self._require(State.DRAFT, State.RETURNED)
        self.state, self.proposed_on, self.remarks, self.validated_on = State.PROPOSED, on, None, None
        self.endorsed_on = on if endorses or self.organisation_id is None else None

    def endorse(self, on: date) -> bool:
        """The organisation stands by it; False when it does already. Raises NotInState."""
        self._require(State.PROPOSED)
        if self.endorsed_on is not None:
            return False
        self.endorsed_on = on
        return True

    def validate(self, on: date) -> None:
        """Raises NotInState, NotEndorsed."""
        self._require(State.PROPOSED)
        if self.endorsed_on is None:
            raise NotEndorsed
        self.state, self.validated_on, self.checked_on = State.VALIDATED, on, on

    def send_back(self, remarks: str | None) -> None:
        """Raises NotInState, RemarksMissing."""
        self._require(State.PROPOSED, State.VALIDATED)
        said = (remarks or "").strip()
        if not said:
            raise RemarksMissing
        self.state, self.remarks, self.endorsed_on, self.validated_on = State.RETURNED, said, None, None

    def confirm(self, on: date) -> None:
        """Somebody who knows says that it is true: what had expired is on the map again. Raises NotInState, and
        InvalidDay when its last day has passed."""
        self._require(State.VALIDATED, State.EXPIRED)
        if self.expires_on is not None and self.expires_on <= on:
            raise InvalidDay("expires_on", f"> {on}")
        self.state, self.checked_on = State.VALIDATED, on

    def expire(self) -> bool:
        """Nobody said in time that it is true, or its last day has passed; False when it was not on the map."""
        if self.state is not State.VALIDATED:
            return False
        self.state = State.EXPIRED
        return True

    def close(self, on: date) -> None:
        """Raises Closed."""
        if self.state is State.CLOSED:
            raise Closed
        self.state, self.closed_on = State.CLOSED, on

    def place(self, locate: Locate, *, path: str = "/territories") -> None:
        """Fills in what its territories lie in, and the text by which it is found. Raises UnknownTerritory."""
        if self.municipality and self.municipality not in self.territories:
            self.territories = sorted({*self.territories, self.municipality})
        self.areas = areas_of(self.territories, locate, path=path)
        self.search = fold(self.title)

    def _require(self, *accepted: State) -> None:
        if self.state is State.CLOSED:
            raise Closed
        if self.state not in accepted:
            raise NotInState(self.state, accepted)


ACTIONS: dict[State, tuple[str, ...]] = {
    State.DRAFT: ("change", "propose", "close"),
    State.PROPOSED: ("change", "endorse", "validate", "return", "close"),
    State.VALIDATED: ("change", "return", "confirm", "close"),
    State.RETURNED: ("change", "propose", "close"),
    State.EXPIRED: ("change", "confirm", "close"),
    State.CLOSED: (),
}


def areas_of(codes: Iterable[str], locate: Locate, *, path: str = "/territories") -> list[str]:
    """The codes and those of all that they lie in, the country left out. Raises UnknownTerritory."""
    found: set[str] = set()
    for code in codes:
        area = locate(code)
        if area is None:
            raise UnknownTerritory(path, code)
        found |= {name for level, name in area.chain() if level is not Level.COUNTRY}
    return sorted(found)


def require_day(field: str, day: date | None, *, earliest: date = EARLIEST, latest: date = LATEST) -> None:
    """Raises InvalidDay outside of the calendar that people use, or of what is asked for."""
    if day is not None and day < max(earliest, EARLIEST):
        raise InvalidDay(field, f">= {max(earliest, EARLIEST)}")
    if day is not None and day > min(latest, LATEST):
        raise InvalidDay(field, f"<= {min(latest, LATEST)}")

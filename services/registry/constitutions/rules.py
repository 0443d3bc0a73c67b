"""Constitution paths: what a coordination needs before it is one, and the day on which it has it all.

What is needed is data: a list of requirements, each with a figure to be reached. What a network has on a day is counted
elsewhere and handed in, so whether a path is completed, and on which day, follows from figures alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from dataclasses import replace as copy
from datetime import date
from enum import StrEnum
from functools import lru_cache
from uuid import UUID

from uuid_utils.compat import uuid7

from services.registry.interlocutors.rules import Office, italian, of_region
from shared import territories
from shared.territories import Territories

MINIMUM_MEMBERS = 3
MOST_MEMBERS = 1000


class Code(StrEnum):
    """What is counted. Stable: the codes stand in facts."""

    MEMBERS = "members_with_referents"
    MINUTES = "founding_minutes"
    COORDINATOR = "coordinator"
    INTERLOCUTORS = "interlocutors"


class State(StrEnum):
    OPEN = "open"
    COMPLETED = "completed"
    ABANDONED = "abandoned"  # the body was dissolved before it was constituted


class Step(StrEnum):
    """What a look at a path has found."""

    NOTHING = "nothing"
    ADVANCED = "advanced"
    COMPLETED = "completed"


class NoRegion(Exception):
    """A path leads to the coordination of a region; this is none."""


class UnknownConstitution(Exception):
    """Nothing by this id, or nothing that the caller may know of."""


class CoordinationExists(Exception):
    """The region has a coordination already, constituted or on its path."""

    def __init__(self, body_id: UUID) -> None:
        super().__init__(f"body {body_id}")
        self.body_id = body_id


@dataclass(frozen=True)
class Requirement:
    """So many of something; `have` is how many there were when somebody last looked."""

    code: Code
    need: int
    have: int = 0

    @property
    def met(self) -> bool:
        return self.have >= self.need


def default_path(region: str, minimum_members: int = MINIMUM_MEMBERS) -> tuple[Requirement, ...]:
    """The path of a region's coordination; its interlocutors are the two offices of each institution (two, or four)."""
    return (
        Requirement(Code.MEMBERS, minimum_members),
        Requirement(Code.MINUTES, 1),
        Requirement(Code.COORDINATOR, 1),
        Requirement(Code.INTERLOCUTORS, len(of_region(region)) * len(Office)),
    )


def assess(requirements: Sequence[Requirement], have: Mapping[Code, int]) -> tuple[Requirement, ...]:
    """The requirements with today's figures; what nobody has counted is not there."""
    return tuple(copy(requirement, have=have.get(requirement.code, 0)) for requirement in requirements)


def missing(requirements: Sequence[Requirement]) -> tuple[Code, ...]:
    return tuple(requirement.code for requirement in requirements if not requirement.met)


@dataclass(eq=False)
class Constitution:
    """The path of a body. It is completed on the first day on which nothing is missing, and stays so whatever happens
    afterwards. `assessed_on` is the day as of which it was last looked at."""

    network_id: UUID
    body_id: UUID
    territory: str
    requirements: tuple[Requirement, ...]
    opened_on: date
    assessed_on: date
    completed_on: date | None = None
    id: UUID = field(default_factory=uuid7)
    version: int = 0

    def day_of(self, on: date, not_before: date) -> date:
        """The day as of which a look for the sake of `on` counts: never one that an earlier look has passed, and not
        before what has been decided meanwhile."""
        return max(on, self.assessed_on, not_before)

    def completes(self, have: Mapping[Code, int]) -> bool:
        return self.completed_on is None and not missing(assess(self.requirements, have))

    def look(self, on: date, have: Mapping[Code, int]) -> Step:
        """Takes the figures as of that day. A path that is completed is not looked at again."""
        if self.completed_on is not None:
            return Step.NOTHING
        before, self.assessed_on = self.requirements, on
        self.requirements = assess(before, have)
        if not missing(self.requirements):
            self.completed_on = on
            return Step.COMPLETED
        return Step.NOTHING if self.requirements == before else Step.ADVANCED


def region(code: str) -> str:
    """The code, if it is a region's. Raises NoRegion."""
    if territories.load().kind_of(code) != "region":
        raise NoRegion(code)
    return code


def name_of(region: str) -> str:
    found = territories.load().region(region)
    return italian(found.name) if found else region


def region_of(territory: str) -> str | None:
    """The region that a territory is, or lies in; None for one that nobody knows."""
    return _region_of(territories.load(), territory)


@lru_cache(maxsize=16384)
def _region_of(italy: Territories, territory: str) -> str | None:
    match italy.kind_of(territory):
        case "region":
            return territory
        case "province":
            province = italy.province(territory)
            return province.region if province else None
        case "municipality":
            municipality = italy.municipality(territory)
            return municipality.region if municipality else None
    gone = italy.today(territory)
    return gone.region if gone else None

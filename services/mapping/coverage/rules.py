"""How many members are in each territory: counted once per territory, zeroes included.

The counts are kept by differences: what a member's presences counted for before is taken away and what they count for
now is added, in the transaction that changes the presences. Reading is then constant in the number of presences.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from services.mapping.presences.rules import Presence, Source
from services.mapping.territories.rules import Level


class Cell(NamedTuple):
    """One counter: a network, a territory and a kind of organisation."""

    network_id: UUID
    level: Level
    area: str
    kind: str


@dataclass(frozen=True, slots=True)
class Count:
    """Organisations present in a territory, and those of them with an acting mandate there."""

    organisations: int = 0
    organised: int = 0

    def __add__(self, other: Count) -> Count:
        return Count(self.organisations + other.organisations, self.organised + other.organised)

    def __sub__(self, other: Count) -> Count:
        return Count(self.organisations - other.organisations, self.organised - other.organised)


NONE = Count()


def counted(presences: Iterable[Presence]) -> dict[Cell, Count]:
    """What presences count for: an organisation in several places of a territory counts once there."""
    members: dict[Cell, dict[UUID, bool]] = {}
    for presence in presences:
        for level, code in presence.area.chain():
            cell = members.setdefault(Cell(presence.network_id, level, code, presence.kind), {})
            mandated = cell.get(presence.organisation_id, False)
            cell[presence.organisation_id] = mandated or Source.MANDATE in presence.sources
    return {cell: Count(len(present), sum(present.values())) for cell, present in members.items()}


def difference(before: Iterable[Presence], after: Iterable[Presence]) -> dict[Cell, Count]:
    """What to add to the counters, sorted by cell. Both sides must hold all presences of the organisations in them."""
    was, is_ = counted(before), counted(after)
    return {
        cell: delta
        for cell in sorted(was.keys() | is_.keys())
        if (delta := is_.get(cell, NONE) - was.get(cell, NONE)) != NONE
    }


def share(count: int, of: int) -> float | None:
    """A part of a whole, to four places; undefined, not zero, when the whole is empty."""
    return round(count / of, 4) if of else None

"""How many members are in each territory: counted once per territory, zeroes included.

The counts are kept by differences: what a member's presences counted for before is taken away and what they count for
now is added, in the transaction that changes the presences. Reading is then constant in the number of presences.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple
from uuid import UUID

from services.mapping.presences.rules import Presence, Source
from services.mapping.territories.rules import COUNTRY, Level


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


Inside = Mapping[tuple[UUID, str], Sequence[str]]
"""The areas of each network in which a territory lies."""


def counted(presences: Iterable[Presence], inside: Inside = MappingProxyType({})) -> dict[Cell, Count]:
    """What presences count for: an organisation in several places of a territory, or of an area, counts once there."""
    members: dict[Cell, dict[UUID, bool]] = {}
    for presence in presences:
        drawn = inside.get((presence.network_id, presence.area.code), ())
        for level, code in [*presence.area.chain(), *((Level.AREA, code) for code in drawn)]:
            cell = members.setdefault(Cell(presence.network_id, level, code, presence.kind), {})
            mandated = cell.get(presence.organisation_id, False)
            cell[presence.organisation_id] = mandated or Source.MANDATE in presence.sources
    return {cell: Count(len(present), sum(present.values())) for cell, present in members.items()}


def difference(
    before: Iterable[Presence], after: Iterable[Presence], inside: Inside = MappingProxyType({})
) -> dict[Cell, Count]:
    """What to add to the counters, sorted by cell. Both sides must hold all presences of the organisations in them."""
    was, is_ = counted(before, inside), counted(after, inside)
    return {
        cell: delta
        for cell in sorted(was.keys() | is_.keys())
        if (delta := is_.get(cell, NONE) - was.get(cell, NONE)) != NONE
    }


def share(count: int, of: int) -> float | None:
    """A part of a whole, to four places; undefined, not zero, when the whole is empty."""
    return round(count / of, 4) if of else None


ALL = ""
"""The facet under which every item counts."""
HIDDEN = "body"
"""What only its own body sees is not counted for others."""
COUNTING = "validated"


class ItemCell(NamedTuple):
    """One counter of items: the places, resources or experiences (`item`) of a network in a territory. `facet` is ``
    for all of them, `kind:…`, `theme:…` or `activity:…` for some."""

    network_id: UUID
    level: str
    area: str
    item: str
    facet: str


@dataclass(frozen=True, slots=True)
class Counting:
    """What one item counts for: in each of `places` (`level code`), under each of `facets`."""

    item: str
    item_id: UUID
    network_id: UUID
    places: tuple[str, ...]
    facets: tuple[str, ...]

    def cells(self) -> Iterable[ItemCell]:
        for place in self.places:
            level, _, code = place.partition(" ")
            for facet in self.facets:
                yield ItemCell(self.network_id, level, code, self.item, facet)


PUBLIC = "shown:public"
"""The facet of what everybody may see: the atlas reads its figures here."""


def counts_for(
    item: str,
    item_id: UUID,
    network_id: UUID,
    *,
    state: str,
    visibility: str,
    areas: Iterable[str],
    drawn: Iterable[str],
    facets: Iterable[tuple[str, str]],
) -> Counting | None:
    """None for what is not validated or what only its body sees. `areas` are the codes of its territories and of all
    that they lie in, `drawn` the network's areas that hold any of them; each counts once."""
    if state != COUNTING or visibility == HIDDEN:
        return None
    places = {f"{level_of(code)} {code}" for code in (*areas, COUNTRY)} | {f"{Level.AREA} {code}" for code in drawn}
    named = {f"{name}:{value}" for name, value in facets} | ({PUBLIC} if visibility == "public" else set())
    return Counting(item, item_id, network_id, tuple(sorted(places)), (ALL, *sorted(named)))


def level_of(code: str) -> Level:
    """What a code of the map of Italy is, told by its form."""
    if code == COUNTRY:
        return Level.COUNTRY
    return {2: Level.REGION, 3: Level.PROVINCE}.get(len(code), Level.MUNICIPALITY)


def item_difference(before: Iterable[Counting], after: Iterable[Counting]) -> dict[ItemCell, int]:
    """What to add to the counters of items, sorted by cell, without zeroes."""
    delta: Counter[ItemCell] = Counter()
    for counting in after:
        delta.update(counting.cells())
    for counting in before:
        delta.subtract(counting.cells())
    return {cell: delta[cell] for cell in sorted(delta) if delta[cell]}

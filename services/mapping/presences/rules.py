"""Where the members of a network are: derived from their seat, the territories where they work, their mandates and
their places.

A presence exists only while the organisation is an active member. It is a function of the newest state of the
organisation, of its membership, of its mandates and of its places, so the order in which these arrive cannot change it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from services.mapping.territories.rules import Area, Locate

ACTIVE = "active"
ACTING = ("in_office", "holding_over")
"""A mandate places its organisation while its holder acts: neither before it starts nor after it ended."""


class Source(StrEnum):
    """Why an organisation is in a territory."""

    SEAT = "seat"
    WORKS = "works"
    MANDATE = "mandate"
    PLACE = "place"


@dataclass(frozen=True, slots=True)
class Organisation:
    id: UUID
    title: str
    tax_code: str | None
    kind: str
    sections: list[dict[str, Any]]
    municipality: str | None
    territories: tuple[str, ...]
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class Presence:
    """An organisation of a network in a territory, once, with every reason for it."""

    network_id: UUID
    organisation_id: UUID
    area: Area
    sources: tuple[Source, ...]
    title: str
    tax_code: str | None
    kind: str
    sections: list[dict[str, Any]]
    changed_at: datetime

    @property
    def key(self) -> tuple[UUID, UUID, str]:
        return self.network_id, self.organisation_id, self.area.code


def presences(
    organisation: Organisation,
    network_id: UUID,
    mandated: Iterable[str],
    changed_at: datetime,
    locate: Locate,
    *,
    places: Iterable[str] = (),
) -> list[Presence]:
    """The presences of an active member; `mandated` are the territories of its acting mandates in the network, `places`
    the municipalities of the validated places that it runs there.

    A code that the reference data do not know places nobody: it is counted nowhere rather than somewhere wrong.
    """
    said = [(organisation.municipality, Source.SEAT)] if organisation.municipality else []
    said += [(code, Source.WORKS) for code in organisation.territories]
    said += [(code, Source.MANDATE) for code in mandated]
    said += [(code, Source.PLACE) for code in places]
    because: dict[str, tuple[Area, set[Source]]] = {}
    for code, source in said:
        if area := locate(code):  # two municipalities that were merged are one place
            because.setdefault(area.code, (area, set()))[1].add(source)
    return [
        Presence(
            network_id,
            organisation.id,
            area,
            tuple(source for source in Source if source in sources),
            organisation.title,
            organisation.tax_code,
            organisation.kind,
            organisation.sections,
            max(changed_at, organisation.changed_at),
        )
        for _, (area, sources) in sorted(because.items())
    ]


@dataclass(frozen=True, slots=True)
class Change:
    """What must be written so that the presences kept become the presences wanted."""

    gone: list[tuple[UUID, UUID, str]]
    put: list[Presence]


Key = tuple[UUID, UUID, str]


def change(kept: Mapping[Key, Presence], wanted: Iterable[Presence]) -> Change:
    """Only the rows that differ, each list sorted by key."""
    by_key = {presence.key: presence for presence in wanted}
    return Change(
        gone=sorted(kept.keys() - by_key.keys()),
        put=[presence for key, presence in sorted(by_key.items()) if kept.get(key) != presence],
    )

"""Who asks, and what their grants let them do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum
from typing import Final, Literal
from uuid import UUID

from shared import territories
from shared.access.roles import Level, Role
from shared.runtime.clock import ROME as ROME

EARLIEST, LATEST = date(1900, 1, 1), date(2200, 12, 31)
"""Days beyond these are slips of the pen; near the ends of the calendar a day has no instant that could be kept."""


class _Any(Enum):
    ANY = "any"


ANY: Final = _Any.ANY
"""The question does not depend on this dimension. `None` is different: the thing asked about has none."""

Irrelevant = Literal[_Any.ANY]
Id = UUID | None | Irrelevant
Code = str | None | Irrelevant

FOR_THE_NETWORK = frozenset({Role.SECRETARIAT, Role.COORDINATOR})
"""Roles that act for the network: the organisation that delegates their holder does not bound them."""


def day(on: date | datetime) -> date:
    """The day in Italy of an instant; a day is itself."""
    return on.astimezone(ROME).date() if isinstance(on, datetime) else on


@dataclass(frozen=True, slots=True)
class Grant:
    """What one mandate lets its holder be, from `since` until `until` (exclusive)."""

    role: str
    network_id: UUID
    organisation_id: UUID | None
    body_id: UUID | None
    territory: str | None
    since: date
    until: date | None

    def runs(self, on: date) -> bool:
        return self.since <= on and (self.until is None or on < self.until)

    def reaches(self, network: Id, organisation: Id, body: Id, territory: Code) -> bool:
        """Every bound of the grant holds for what is asked; a dimension that is not asked about bounds nothing."""
        if network is not ANY and network != self.network_id:
            return False
        if (
            self.organisation_id
            and self.role not in FOR_THE_NETWORK
            and organisation not in (ANY, self.organisation_id)
        ):
            return False
        if self.body_id and body not in (ANY, self.body_id):
            return False
        return self.territory is None or territory is ANY or lies_in(territory, self.territory)


def lies_in(territory: str | None, whole: str) -> bool:
    """A municipality (`E507`), province (`097`) or region (`03`) is, or lies in, the territory `whole`."""
    return territory is not None and (territory == whole or _within(territory, whole))


def _within(territory: str, whole: str) -> bool:
    italy = territories.load()
    province = italy.province(territory)
    return province.region == whole if province is not None else italy.contains(whole, territory)


@dataclass(frozen=True, slots=True)
class Actor:
    """The caller: a person, a partner's key, or nobody (`ANONYMOUS`)."""

    person_id: UUID | None = None
    key_id: UUID | None = None
    level: Level = Level.KEY
    admin: bool = False
    grants: tuple[Grant, ...] = ()
    scopes: tuple[str, ...] = ()
    network_id: UUID | None = (
        None  # a key is bound to one network; None: to all (only an administrator makes such keys)
    )

    @property
    def id(self) -> UUID | None:
        return self.person_id or self.key_id

    def holds(
        self,
        *roles: str,
        on: date | datetime,
        network: Id = ANY,
        organisation: Id = ANY,
        body: Id = ANY,
        territory: Code = ANY,
    ) -> bool:
        """Some grant of one of these roles runs on that day and reaches what is asked about."""
        today = day(on)
        return any(
            grant.role in roles and grant.runs(today) and grant.reaches(network, organisation, body, territory)
            for grant in self.grants
        )

    def networks(self, on: date | datetime) -> set[UUID]:
        """The networks in which the actor holds any role on that day, or to which its key is bound."""
        today = day(on)
        own = {grant.network_id for grant in self.grants if grant.runs(today)}
        return own | ({self.network_id} if self.network_id else set())

    def current(self, on: date | datetime) -> Iterable[Grant]:
        today = day(on)
        return (grant for grant in self.grants if grant.runs(today))


ANONYMOUS = Actor()

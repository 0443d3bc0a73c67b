"""How many days must lie between a convocation and its meeting.

A body's own number counts first, then what its network asks for, then the platform's: eight days for assemblies, whose
members vote on accounts and statutes, none for others, which meet when they need to.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

ASSEMBLY = "assembly"
"""The registry's kind of those bodies."""
DEFAULT, DEFAULT_OF_ASSEMBLIES = 0, 8
MOST = 90
"""Days that may be asked for."""


class UnknownBody(Exception):
    """No body has this id."""


@dataclass(eq=False)
class NoticeRule:
    """Of one body, or of a network (`id` is its own), which may ask for another number for its assemblies."""

    id: UUID
    network_id: UUID
    days: int
    assembly_days: int | None = None
    version: int = 0


def asked(kind: str | None, of_body: NoticeRule | None, of_network: NoticeRule | None) -> int:
    """The days of notice of a body's meetings; `kind` None: of a meeting of the whole network."""
    if of_body is not None:
        return of_body.days
    assembly = kind == ASSEMBLY
    if of_network is None:
        return DEFAULT_OF_ASSEMBLIES if assembly else DEFAULT
    if assembly:
        return of_network.assembly_days if of_network.assembly_days is not None else DEFAULT_OF_ASSEMBLIES
    return of_network.days

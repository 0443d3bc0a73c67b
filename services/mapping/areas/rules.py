"""Areas that a network draws for itself: an ambito, or any other group of municipalities."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID

from uuid_utils.compat import uuid7

from services.mapping.territories.rules import Area, Level

PREFIX = "area:"
"""By which filters tell an area of the network from a territory of Italy: `area:casalasco`."""
MOST = 2_000
"""Municipalities in one area: what its fact can carry."""
LONGEST_TITLE = 200
LONGEST_CODE = 50
_CODE = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


class Kind(StrEnum):
    AMBITO = "ambito"
    FREE = "free"


class UnknownArea(Exception):
    """No area has this id, or none that the caller may know of."""


class CodeTaken(Exception):
    """The network has an area with this code."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.area, self.path = code, "/code"


class BadArea(Exception):
    """A value that cannot be: `path`, `code` and `accepted` say which, why and what would do."""

    def __init__(self, path: str, code: str, accepted: object) -> None:
        super().__init__(f"{path}: {code}")
        self.path, self.code, self.accepted = path, code, accepted


@dataclass(eq=False, kw_only=True)
class NetworkArea:
    """`code` is how filters name it and never changes; `search` its title as people type it."""

    network_id: UUID
    code: str
    title: str
    kind: Kind
    search: str = ""
    id: UUID = field(default_factory=uuid7)
    version: int = 0


def code_of(title: str, given: str | None, fold: str) -> str:
    """The code asked for, else one made of the folded title. Raises BadArea."""
    if given is not None:
        if len(given) > LONGEST_CODE or not _CODE.fullmatch(given):
            raise BadArea("/code", "form", "alto-cremasco")
        return given
    made = re.sub(r"[^a-z0-9]+", "-", fold).strip("-")[:LONGEST_CODE].strip("-")
    if not made:
        raise BadArea("/title", "no-letters", f"a title with letters, not {title!r}")
    return made


def drawn(municipalities: Iterable[Area]) -> list[str]:
    """The codes of the municipalities, sorted, once each. Raises BadArea when there are none or too many."""
    codes = sorted({area.code for area in municipalities})
    if not 1 <= len(codes) <= MOST:
        raise BadArea("/municipalities", "count", f"1 to {MOST} municipalities, not {len(codes)}")
    return codes


def whole(inside: Collection[Area], italy: Iterable[Area]) -> list[tuple[str, Level]]:
    """What lies wholly in an area of these municipalities: they themselves, and the provinces and regions of which
    none of `italy`'s municipalities is missing."""
    codes = {area.code for area in inside}
    missing: Counter[str] = Counter()
    touched = {code for area in inside for code in (area.province, area.region)}
    for area in italy:
        for code in (area.province, area.region):
            missing[code or ""] += area.code not in codes
    found = [(area.code, Level.MUNICIPALITY) for area in inside]
    found += [(area.province, Level.PROVINCE) for area in inside if area.province and not missing[area.province]]
    found += [(area.region, Level.REGION) for area in inside if not missing[area.region]]
    assert touched >= {code for code, level in found if level is not Level.MUNICIPALITY}
    return sorted(set(found))

"""Yardsticks: how many of something a territory needs for its inhabitants, as a law or a network says."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID

from uuid_utils.compat import uuid7

LARGEST = 60_000_000
LONGEST_TITLE = 200
LONGEST_SOURCE = 300


class UnknownYardstick(Exception):
    """No yardstick has this code or id, or none that the network may use."""


class OfEverybody(Exception):
    """A yardstick of the law is changed by nobody."""


class CodeTaken(Exception):
    """The network has a yardstick with this code."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.yardstick, self.path = code, "/code"


class BadYardstick(Exception):
    """A value that cannot be: `path`, `code` and `accepted` say which, why and what would do."""

    def __init__(self, path: str, code: str, accepted: object) -> None:
        super().__init__(f"{path}: {code}")
        self.path, self.code, self.accepted = path, code, accepted


@dataclass(eq=False, kw_only=True)
class Yardstick:
    """One for every `fewest` to `most` inhabitants of what is counted as `item` and `facet` (see coverage). A yardstick
    without a network is everybody's."""

    network_id: UUID | None
    code: str
    title_it: str
    title_en: str
    item: str
    facet: str
    fewest: int
    most: int
    source: str
    id: UUID = field(default_factory=uuid7)
    version: int = 0

    def check(self) -> None:
        """Raises BadYardstick."""
        if not 1 <= self.fewest <= LARGEST:
            raise BadYardstick("/inhabitants_from", "range", f"1 to {LARGEST}")
        if not self.fewest <= self.most <= LARGEST:
            raise BadYardstick("/inhabitants_to", "range", f"{self.fewest} to {LARGEST}")


class Range(NamedTuple):
    """At least, and at most."""

    least: int
    most: int


def needed(population: int, yardstick: Yardstick) -> Range:
    """How many a territory needs: one for each begun `most` inhabitants at least, for each begun `fewest` at most. A
    territory without inhabitants needs none, one with any needs one."""
    return Range(-(-population // yardstick.most), -(-population // yardstick.fewest))


def missing(need: Range, have: int) -> Range:
    """How many lack to reach the least and the most: never fewer than none."""
    return Range(max(0, need.least - have), max(0, need.most - have))

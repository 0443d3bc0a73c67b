"""What becomes of each row of a batch of affiliates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

LARGEST_BATCH = 500
"""Rows that are taken in one request; a longer list is a file, which the imports read."""


class Outcome(StrEnum):
    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a row was not taken: the field, a stable word, and what would do."""

    path: str
    code: str
    accepted: str | None = None


@dataclass(slots=True)
class Row:
    """A row of the batch, numbered from 1, and what became of it."""

    number: int
    outcome: Outcome = Outcome.REJECTED
    organisation_id: UUID | None = None
    name: str = ""
    refusal: Refusal | None = None


class NoSuchState(Exception):
    """Whoever speaks for the parent proposes its affiliates as candidates; the secretariat admits them."""

    def __init__(self) -> None:
        super().__init__("active")
        self.path, self.code, self.accepted = "/state", "not_yours", "candidate"


def obstacle(
    parent_id: UUID, organisation_id: UUID, present: UUID | None, state: str | None, *, keeper: bool
) -> Refusal | None:
    """What stands in the way of a known organisation as an affiliate of `parent_id`; `present` is its parent now and
    `state` that of its membership (None: it has none). A `keeper` is the secretariat; others touch only whom the record
    shows as theirs already."""
    if organisation_id == parent_id:
        return Refusal("tax_code", "itself")
    if present is not None and present != parent_id:
        return Refusal("tax_code", "other_parent", "an organisation without a parent")
    if present is None and not keeper:
        return Refusal("tax_code", "not_affiliate", "an affiliate of this organisation, or a new one")
    if state == "withdrawn":
        return Refusal("tax_code", "withdrawn", "an organisation that has not left the network")
    return None


def different(present: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """What a row changes. What it does not say, or leaves empty, stays as it is."""
    return {name: value for name, value in given.items() if value not in (None, [], "") and present[name] != value}

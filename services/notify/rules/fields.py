"""What a fact says, field by field: of which kind each is and what it names. Read from the contracts, so that a new
fact can have rules on the day on which it is declared."""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from functools import lru_cache
from typing import Any, Union, get_args, get_origin
from uuid import UUID

from services.notify.journeys.rules import confidential
from shared.contracts.envelope import FACTS, Fact

ABOUT_NO_NETWORK = frozenset({"registry.organisation", "mapping.municipality"})
"""Aggregates that are every network's: their facts name none, and a network's rule would never hear of them."""


class Kind(StrEnum):
    TEXT = "text"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    DAY = "day"
    INSTANT = "instant"
    ID = "id"


class Names(StrEnum):
    """What an id or a code stands for."""

    PERSON = "person"
    ORGANISATION = "organisation"
    BODY = "body"
    MEETING = "meeting"
    COMMITMENT = "commitment"
    AGREEMENT = "agreement"
    SERIES = "series"
    NETWORK = "network"
    TERRITORY = "territory"


@dataclass(frozen=True, slots=True)
class Field:
    name: str
    kind: Kind
    many: bool = False
    names: Names | None = None


KINDS: Mapping[Any, Kind] = {
    str: Kind.TEXT,
    int: Kind.INTEGER,
    float: Kind.NUMBER,
    bool: Kind.BOOLEAN,
    date: Kind.DAY,
    datetime: Kind.INSTANT,
    UUID: Kind.ID,
}
PEOPLE = frozenset({"person_id", "people", "debtor_person_id", "owner_person_id", "delegate_id", "maker_id",
                    "drafted_by", "author_id", "requested_by"})  # fmt: skip
ORGANISATIONS = frozenset({"organisation_id", "organisations", "debtor_organisation_id", "owner_organisation_id",
                           "authority_id", "signatories", "lead_id", "into_id"})  # fmt: skip
BODIES = frozenset({"body_id", "bodies", "debtor_body_id", "creditor_body_id", "owner_body_id"})
TERRITORIES = frozenset({"territory", "territories", "municipality", "municipalities", "next_best"})
NETWORKS = frozenset({"network_id", "with_network_id", "shared_with", "practice_network_id"})
OTHERS = {
    "meeting_id": Names.MEETING,
    "agreement_id": Names.AGREEMENT,
    "outcome_id": Names.AGREEMENT,
    "series_id": Names.SERIES,
}
GROUPS = ((PEOPLE, Names.PERSON), (ORGANISATIONS, Names.ORGANISATION), (BODIES, Names.BODY),
          (TERRITORIES, Names.TERRITORY), (NETWORKS, Names.NETWORK))  # fmt: skip
UNSAID = frozenset({"version"})


def can_have_rules(fact: type[Fact]) -> bool:
    """Facts of the other services that name a network and whose content may be told on."""
    aggregate = fact.name.rsplit(".", 1)[0]
    return not confidential(fact) and aggregate not in ABOUT_NO_NETWORK and fact.service() != "notify"


@lru_cache(maxsize=1)
def rulable() -> Mapping[str, type[Fact]]:
    """The facts that a rule may be about, by name."""
    return {fact.name: fact for fact in sorted(FACTS.values(), key=lambda fact: fact.name) if can_have_rules(fact)}


@lru_cache(maxsize=512)
def fields_of(fact: type[Fact]) -> Mapping[str, Field]:
    """Fields of one value or of a list of values, by name; parts that have fields of their own are left out."""
    found = (_field(fact, name, declared.annotation) for name, declared in fact.model_fields.items())
    return {field.name: field for field in found if field is not None and field.name not in UNSAID}


def _field(fact: type[Fact], name: str, annotation: Any) -> Field | None:
    plain, many = _plain(annotation)
    kind = KINDS.get(plain)
    return Field(name, kind, many, named(fact, name)) if kind is not None else None


def _plain(annotation: Any) -> tuple[Any, bool]:
    """The type of a value, and whether there are several."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin in (Union, types.UnionType):
        return _plain(next(one for one in inner if one is not types.NoneType))
    return (inner[0], True) if origin is tuple else (annotation, False)


def named(fact: type[Fact], name: str) -> Names | None:
    if name == "id":
        return Names(fact.aggregate()) if fact.aggregate() in set(Names) else None
    if name == "parent_id":
        return Names.BODY if fact.aggregate() == "body" else Names.ORGANISATION
    return OTHERS.get(name) or next((what for group, what in GROUPS if name in group), None)

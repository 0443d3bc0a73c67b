"""What is told of items: their state after a change, without anything that somebody wrote freely."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from services.mapping.items.rules import Subject
from shared.contracts import mapping as told
from shared.contracts.mapping import ItemState

FACTS: Mapping[Subject, Mapping[str, type[ItemState]]] = {
    Subject.PLACE: {
        "proposed": told.PlaceProposed,
        "changed": told.PlaceChanged,
        "validated": told.PlaceValidated,
        "returned": told.PlaceReturned,
        "expired": told.PlaceExpired,
        "closed": told.PlaceClosed,
    },
    Subject.RESOURCE: {
        "proposed": told.ResourceProposed,
        "changed": told.ResourceChanged,
        "validated": told.ResourceValidated,
        "returned": told.ResourceReturned,
        "expired": told.ResourceExpired,
        "closed": told.ResourceClosed,
    },
    Subject.EXPERIENCE: {
        "proposed": told.ExperienceProposed,
        "changed": told.ExperienceChanged,
        "validated": told.ExperienceValidated,
        "returned": told.ExperienceReturned,
        "expired": told.ExperienceExpired,
        "closed": told.ExperienceClosed,
    },
}
OWN: Mapping[Subject, tuple[str, ...]] = {
    Subject.PLACE: ("kind", "activities"),
    Subject.RESOURCE: ("kind", "themes", "available_to"),
    Subject.EXPERIENCE: ("themes", "since"),
}
COMMON = (
    "id", "version", "network_id", "title", "organisation_id", "body_id", "municipality", "territories", "state",
    "visibility", "shared_with", "endorsed_on", "checked_on", "expires_on",
)  # fmt: skip


def fact_of(subject: Subject, what: str, one: Any) -> ItemState:
    """Of an item or of its row: `what` is proposed, changed, validated, returned, expired or closed."""
    return FACTS[subject][what](**{name: getattr(one, name) for name in (*COMMON, *OWN[subject])})

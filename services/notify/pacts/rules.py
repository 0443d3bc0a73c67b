"""Pacts as notify knows them: by their code, and by the days of their steps."""

from __future__ import annotations

from datetime import date
from uuid import NAMESPACE_URL, UUID, uuid5

SIGNED = "signed"
FOLLOWED = ("draft", "complete", SIGNED)
"""States in which somebody follows a pact."""
NAMED = 20
"""As many codes stand in one message; how many more there are is said."""


def step_id(pact_id: UUID, number: int) -> UUID:
    """A step is told as a number of its pact; reminders want an id."""
    return uuid5(NAMESPACE_URL, f"urn:trama:pact:{pact_id}:step:{number}")


def live(state: str, due: date | None) -> bool:
    """Somebody is to be reminded of the step: it is open, and both sides are bound."""
    return state == SIGNED and due is not None

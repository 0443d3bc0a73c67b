"""What a decision must say before it can be kept: without a database."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest

from services.events.decisions.rules import (
    Decision,
    InvalidDecision,
    Kind,
    NotCarried,
    Recorded,
    require_carried,
    require_unrecorded,
)

HELD = date(2024, 9, 12)
PONTI, GIULIA, BODY = UUID(int=1), UUID(int=2), UUID(int=3)


def decision(**more: Any) -> Decision:
    return Decision(UUID(int=9), UUID(int=8), "Aprire una casella di posta", Kind.ACTION, **more)


@pytest.mark.parametrize(
    ("more", "path", "code"),
    [
        ({"organisation_id": PONTI}, "/due", "missing"),
        ({"person_id": GIULIA}, "/due", "missing"),
        ({"owner_body_id": BODY}, "/due", "missing"),
        ({"due": HELD}, "/organisation_id", "missing"),
        ({"organisation_id": PONTI, "due": HELD - timedelta(days=1)}, "/due", "before_the_meeting"),
        ({"organisation_id": PONTI, "person_id": GIULIA, "due": HELD}, "/person_id", "one_owner"),
        ({"person_id": GIULIA, "owner_body_id": BODY, "due": HELD}, "/body_id", "one_owner"),
    ],
)
def test_what_is_missing_or_contradicts_is_named(more: dict[str, Any], path: str, code: str) -> None:
    with pytest.raises(InvalidDecision) as refused:
        decision(**more).check(HELD)
    assert (refused.value.path, refused.value.code) == (path, code)


@pytest.mark.parametrize(
    "more", [{}, {"organisation_id": PONTI, "due": HELD}, {"person_id": GIULIA, "due": HELD + timedelta(days=30)}]
)
def test_an_owner_with_a_day_or_neither_will_do(more: dict[str, Any]) -> None:
    decision(**more).check(HELD)


def test_decisions_are_written_until_the_minutes_are_submitted() -> None:
    require_unrecorded(None)
    require_unrecorded("draft")
    for state in ("in_approval", "approved"):
        with pytest.raises(Recorded):
            require_unrecorded(state)


def test_only_a_carried_ballot_bears_a_decision() -> None:
    require_carried("carried")
    for outcome in (None, "rejected", "no_quorum"):
        with pytest.raises(NotCarried):
            require_carried(outcome)

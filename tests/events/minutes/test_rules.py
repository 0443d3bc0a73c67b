"""The states of minutes and their numbers: without a database."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.events.minutes.rules import FROM, Minutes, NotHeld, NotPossibleNow, State, require_held

NOW = datetime(2025, 1, 10, 10, tzinfo=UTC)
BODY, NETWORK = UUID(int=1), UUID(int=2)


def minutes(**more: Any) -> Minutes:
    return Minutes(
        UUID(int=9),
        NETWORK,
        date(2024, 12, 20),
        **{"quorate": True, "present": 4, "entitled": 7, "body_id": BODY, **more},
    )


def act(one: Minutes, action: str) -> None:
    if action == "submit":
        one.submit(None)
    elif action == "return":
        one.send_back("Manca un intervento")
    elif action == "approve":
        one.approve(3, None, NOW, NOW.date())
    else:
        one.require("write")


def test_minutes_are_drafted_submitted_returned_and_approved() -> None:
    one = minutes()
    act(one, "submit")
    assert one.state is State.IN_APPROVAL
    act(one, "return")
    assert (one.state, one.remarks) == (State.DRAFT, "Manca un intervento")
    act(one, "submit")
    assert one.remarks is None
    act(one, "approve")
    assert (one.state, one.label, one.approved_on) == (State.APPROVED, "3/2024", date(2025, 1, 10))


def test_the_number_is_of_the_meetings_year_and_body() -> None:
    assert minutes().series == (BODY, 2024)
    assert minutes(body_id=None).series == (NETWORK, 2024)
    assert minutes().label is None


@given(st.lists(st.sampled_from(list(FROM)), max_size=12))
def test_nothing_is_done_with_approved_minutes_whatever_was_done_before(actions: list[str]) -> None:
    one = minutes()
    for action in actions:
        allowed = one.actions()
        if action in allowed:
            act(one, action)
        else:
            with pytest.raises(NotPossibleNow):
                act(one, action)
    if one.state is State.APPROVED:
        assert one.actions() == []
        assert one.number == 3


@pytest.mark.parametrize("state", ["draft", "convened", "cancelled"])
def test_there_are_no_minutes_of_a_meeting_not_held(state: str) -> None:
    with pytest.raises(NotHeld):
        require_held(state)


def test_there_are_of_one_that_was() -> None:
    require_held("held")

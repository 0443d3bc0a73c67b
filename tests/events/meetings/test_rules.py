from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.events.bodies.rules import State as BodyState
from services.events.meetings import rules
from services.events.meetings.rules import (
    Begun,
    BodyDissolved,
    Change,
    FirstCallStands,
    InvalidTimes,
    Meeting,
    Misplaced,
    Mode,
    NoSecondCall,
    NotForming,
    NotPossibleNow,
    Of,
    SecondCallMade,
    State,
)

NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)
TOMORROW = NOW + timedelta(days=1)
HOUR = timedelta(hours=1)
CONSTITUTED, TWICE = Of(BodyState.CONSTITUTED), Of(BodyState.CONSTITUTED, second_call=True)
FORMING, DISSOLVED = Of(BodyState.FORMING), Of(BodyState.DISSOLVED)


def meeting(**given: Any) -> Meeting:
    starts = given.pop("starts_at", TOMORROW)
    known: dict[str, Any] = {
        "network_id": UUID(int=1),
        "title": "Riunione",
        "starts_at": starts,
        "ends_at": starts + HOUR,
        "mode": Mode.IN_PERSON,
        "place": "Roma",
    }
    return Meeting(**{**known, **given})


def convened(**given: Any) -> Meeting:
    made = meeting(**given)
    made.convene(CONSTITUTED, NOW)
    return made


def held(*, quorate: bool) -> Meeting:
    made = convened()
    made.close(TOMORROW + HOUR, quorate=quorate)
    return made


# --- drafting -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("later", [timedelta(), -timedelta(seconds=1), timedelta(days=31, seconds=1)])
def test_a_meeting_ends_after_it_begins_and_within_a_month(later: timedelta) -> None:
    with pytest.raises(InvalidTimes) as refused:
        rules.draft(meeting(ends_at=TOMORROW + later), None)
    assert refused.value.path == "/ends_at"


@pytest.mark.parametrize("later", [timedelta(seconds=1), timedelta(days=31)])
def test_a_meeting_lasts_a_second_or_a_month(later: timedelta) -> None:
    assert rules.draft(meeting(ends_at=TOMORROW + later), None).state is State.DRAFT


@pytest.mark.parametrize(
    ("mode", "place", "join_url", "path"),
    [
        (Mode.REMOTE, "Roma", None, "/place"),
        (Mode.IN_PERSON, "Roma", "https://meet.example.org/a", "/join_url"),
    ],
)
def test_a_draft_says_nothing_that_its_mode_contradicts(
    mode: Mode, place: str, join_url: str | None, path: str
) -> None:
    with pytest.raises(Misplaced) as refused:
        rules.draft(meeting(mode=mode, place=place, join_url=join_url), None)
    assert (refused.value.path, refused.value.code) == (path, "not_allowed")


@pytest.mark.parametrize(
    ("mode", "place", "join_url", "path"),
    [
        (Mode.REMOTE, None, None, "/join_url"),
        (Mode.IN_PERSON, None, None, "/place"),
        (Mode.HYBRID, None, "https://meet.example.org/a", "/place"),
        (Mode.HYBRID, "Roma", None, "/join_url"),
    ],
)
def test_what_a_mode_needs_may_be_found_out_until_the_convocation(
    mode: Mode, place: str | None, join_url: str | None, path: str
) -> None:
    draft = rules.draft(meeting(mode=mode, place=place, join_url=join_url), None)
    with pytest.raises(Misplaced) as refused:
        draft.convene(None, NOW)
    assert (refused.value.path, refused.value.code) == (path, "missing")
    assert draft.state is State.DRAFT


@pytest.mark.parametrize("body", [None, CONSTITUTED, DISSOLVED])
def test_only_a_forming_body_has_a_founding_meeting(body: Of | None) -> None:
    with pytest.raises(NotForming):
        rules.draft(meeting(founding=True), body)


def test_a_forming_body_may_have_a_founding_meeting_and_others() -> None:
    assert rules.draft(meeting(founding=True), FORMING).founding
    assert not rules.draft(meeting(), FORMING).founding


def test_a_founding_meeting_is_not_convened_once_the_body_is_constituted() -> None:
    draft = rules.draft(meeting(founding=True), FORMING)
    with pytest.raises(NotForming):
        draft.convene(CONSTITUTED, NOW)


def test_a_dissolved_body_meets_no_more() -> None:
    with pytest.raises(BodyDissolved):
        rules.draft(meeting(), DISSOLVED)
    with pytest.raises(BodyDissolved):
        meeting().convene(DISSOLVED, NOW)


# --- convening ------------------------------------------------------------------------------------------------------


def test_a_convened_meeting_says_since_when() -> None:
    made = convened()
    assert (made.state, made.convened_at, made.sequence) == (State.CONVENED, NOW, 0)


@pytest.mark.parametrize("ago", [timedelta(), HOUR])
def test_nobody_is_invited_into_the_past(ago: timedelta) -> None:
    draft = meeting(starts_at=NOW - ago)
    with pytest.raises(InvalidTimes) as refused:
        draft.convene(None, NOW)
    assert (refused.value.path, draft.state) == ("/starts_at", State.DRAFT)


def test_the_day_of_a_meeting_is_that_of_italy() -> None:
    assert meeting(starts_at=datetime(2026, 3, 1, 23, 30, tzinfo=UTC)).day.isoformat() == "2026-03-02"


# --- changing -------------------------------------------------------------------------------------------------------


def test_another_time_moves_a_convened_meeting_and_calendars_follow() -> None:
    made = convened()
    later = {"starts_at": TOMORROW + HOUR, "ends_at": TOMORROW + 3 * HOUR, "title": "Altra"}
    assert made.change(later, CONSTITUTED, NOW) is Change.MOVED
    assert (made.sequence, made.starts_at, made.title) == (1, TOMORROW + HOUR, "Altra")


@pytest.mark.parametrize(
    "fields",
    [
        {"place": "Milano"},
        {"mode": Mode.HYBRID, "join_url": "https://meet.example.org/a"},
        {"mode": Mode.REMOTE, "place": None, "join_url": "https://meet.example.org/a"},
        {"ends_at": TOMORROW + 2 * HOUR},
    ],
)
def test_another_place_moves_a_convened_meeting(fields: dict[str, Any]) -> None:
    made = convened()
    assert made.change(fields, CONSTITUTED, NOW) is Change.MOVED
    assert made.sequence == 1


@pytest.mark.parametrize("fields", [{"title": "Altra"}, {"agenda": [{"title": "Bilancio", "minutes": 20}]}])
def test_another_title_or_agenda_changes_a_meeting_without_moving_it(fields: dict[str, Any]) -> None:
    made = convened()
    assert made.change(fields, CONSTITUTED, NOW) is Change.CHANGED
    assert made.sequence == 0


def test_what_is_the_same_already_changes_nothing() -> None:
    made = convened()
    assert (
        made.change({"title": "Riunione", "place": "Roma", "starts_at": TOMORROW}, CONSTITUTED, NOW) is Change.NOTHING
    )
    assert made.sequence == 0


def test_a_draft_moves_without_counting() -> None:
    draft = meeting()
    assert draft.change({"place": "Milano"}, None, NOW) is Change.MOVED
    assert draft.sequence == 0


def test_a_draft_may_lie_in_the_past_but_not_be_moved_there_once_convened() -> None:
    past = {"starts_at": NOW - HOUR, "ends_at": NOW + HOUR}
    assert meeting().change(past, None, NOW) is Change.MOVED
    made = convened()
    with pytest.raises(InvalidTimes) as refused:
        made.change(past, None, NOW)
    assert (refused.value.path, made.starts_at) == ("/starts_at", TOMORROW)


def test_a_change_that_contradicts_the_rest_changes_nothing() -> None:
    made = convened()
    with pytest.raises(InvalidTimes):
        made.change({"title": "Altra", "starts_at": TOMORROW + 2 * HOUR}, CONSTITUTED, NOW)
    with pytest.raises(Misplaced):
        made.change({"title": "Altra", "mode": Mode.REMOTE}, CONSTITUTED, NOW)
    with pytest.raises(Misplaced):
        made.change({"title": "Altra", "place": None}, CONSTITUTED, NOW)
    assert (made.title, made.mode, made.place) == ("Riunione", Mode.IN_PERSON, "Roma")


def test_a_meeting_that_has_begun_is_not_moved_but_its_agenda_may_change() -> None:
    made = convened()
    with pytest.raises(Begun):
        made.change({"place": "Milano"}, CONSTITUTED, TOMORROW)
    assert made.change({"agenda": [{"title": "Altro", "minutes": None}]}, CONSTITUTED, TOMORROW) is Change.CHANGED


def test_whether_a_meeting_is_a_founding_one_is_settled_by_the_convocation() -> None:
    draft = meeting()
    draft.change({"founding": True}, FORMING, NOW)
    draft.convene(FORMING, NOW)
    with pytest.raises(NotPossibleNow):
        draft.change({"founding": False}, FORMING, NOW)


def test_a_draft_of_a_constituted_body_does_not_become_a_founding_meeting() -> None:
    with pytest.raises(NotForming):
        meeting().change({"founding": True}, CONSTITUTED, NOW)


# --- ending ---------------------------------------------------------------------------------------------------------


def test_a_cancelled_convocation_is_told_and_calendars_follow() -> None:
    made = convened()
    assert made.cancel(NOW)
    assert (made.state, made.sequence, made.closed_at) == (State.CANCELLED, 1, NOW)


def test_a_cancelled_draft_is_told_to_nobody() -> None:
    draft = meeting()
    assert not draft.cancel(NOW)
    assert (draft.state, draft.sequence) == (State.CANCELLED, 0)


def test_a_meeting_is_closed_only_once_it_has_begun() -> None:
    made = convened()
    with pytest.raises(NotPossibleNow):
        made.close(TOMORROW - timedelta(seconds=1), quorate=True)
    made.close(TOMORROW, quorate=False)
    assert (made.state, made.quorate) == (State.HELD, False)


@pytest.mark.parametrize("action", ["convene", "change", "cancel", "close"])
@pytest.mark.parametrize("state", [State.HELD, State.CANCELLED])
def test_nothing_is_done_with_a_meeting_that_is_over(action: str, state: State) -> None:
    over = held(quorate=True)
    over.state = state
    acts: dict[str, Callable[[], object]] = {
        "convene": lambda: over.convene(None, NOW),
        "change": lambda: over.change({"title": "Altra"}, None, NOW),
        "cancel": lambda: over.cancel(NOW),
        "close": lambda: over.close(TOMORROW, quorate=True),
    }
    assert action not in over.actions(TOMORROW)
    with pytest.raises(NotPossibleNow) as refused:
        acts[action]()
    assert (refused.value.action, refused.value.state) == (action, state)


@given(st.lists(st.sampled_from(["convene", "cancel", "close", "move"]), max_size=6), st.booleans())
def test_no_sequence_of_acts_brings_a_meeting_back(acts: list[str], late: bool) -> None:
    """Whatever is tried in whatever order, states only go forward and the sequence never falls."""
    order = [State.DRAFT, State.CONVENED, State.HELD, State.CANCELLED]
    made, now = meeting(), TOMORROW if late else NOW
    for act in acts:
        before = (order.index(made.state), made.sequence)
        possible = made.actions(now)
        try:
            match act:
                case "convene":
                    made.convene(None, now)
                case "cancel":
                    made.cancel(now)
                case "close":
                    made.close(now, quorate=True)
                case "move":
                    made.change({"place": f"Sala {made.sequence}"}, None, now)
        except (NotPossibleNow, InvalidTimes, Begun):
            assert before == (order.index(made.state), made.sequence)
        else:
            assert act in possible or act == "move"
        assert (order.index(made.state), made.sequence) >= before


# --- second call ----------------------------------------------------------------------------------------------------


def test_the_second_call_is_a_meeting_of_its_own_with_the_same_agenda() -> None:
    first = held(quorate=False)
    first.agenda = [{"title": "Bilancio", "minutes": 30}]
    second = rules.second_call(first, TWICE, [], first.ends_at, first.ends_at + HOUR, NOW)
    assert (second.call, second.first_call_id, second.state) == (2, first.id, State.DRAFT)
    assert (second.title, second.place, second.agenda, second.id != first.id) == (
        first.title,
        first.place,
        first.agenda,
        True,
    )


@pytest.mark.parametrize("first", [meeting(), convened(), held(quorate=True)], ids=["draft", "convened", "quorate"])
def test_a_first_call_that_has_not_failed_has_no_second(first: Meeting) -> None:
    with pytest.raises(FirstCallStands):
        rules.second_call(first, TWICE, [], TOMORROW + 2 * HOUR, TOMORROW + 3 * HOUR, NOW)


@pytest.mark.parametrize("body", [None, CONSTITUTED])
def test_a_body_without_second_call_has_none(body: Of | None) -> None:
    with pytest.raises(NoSecondCall):
        rules.second_call(held(quorate=False), body, [], TOMORROW + 2 * HOUR, TOMORROW + 3 * HOUR, NOW)


def test_a_second_call_has_no_third() -> None:
    first = held(quorate=False)
    second = rules.second_call(first, TWICE, [], TOMORROW + 2 * HOUR, TOMORROW + 3 * HOUR, NOW)
    second.convene(TWICE, NOW)
    second.close(TOMORROW + 3 * HOUR, quorate=False)
    with pytest.raises(NoSecondCall):
        rules.second_call(second, TWICE, [], TOMORROW + 4 * HOUR, TOMORROW + 5 * HOUR, NOW)


def test_a_second_call_is_made_once_and_after_the_first() -> None:
    first = held(quorate=False)
    with pytest.raises(SecondCallMade):
        rules.second_call(first, TWICE, [UUID(int=9)], TOMORROW + 2 * HOUR, TOMORROW + 3 * HOUR, NOW)
    with pytest.raises(InvalidTimes):
        rules.second_call(first, TWICE, [], first.ends_at - timedelta(seconds=1), TOMORROW + 3 * HOUR, NOW)

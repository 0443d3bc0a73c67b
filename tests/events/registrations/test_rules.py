"""Places are given in turn, never twice, and nobody who has one loses it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.events.meetings.rules import Meeting, Mode
from services.events.meetings.rules import State as MeetingState
from services.events.registrations import rules
from services.events.registrations.rules import Registration, State

NOW = datetime(2030, 10, 3, 13, tzinfo=UTC)


def registration(number: int = 1, state: State = State.CONFIRMED) -> Registration:
    return Registration(uuid4(), uuid4(), number, "Anna", "anna@example.org", "Ponti", b"x", NOW, state)


def meeting(**more: object) -> Meeting:
    made = Meeting(uuid4(), "Festa", NOW, NOW + timedelta(hours=2), Mode.REMOTE)
    made.state, made.open_to_public, made.convened_at = MeetingState.CONVENED, True, NOW - timedelta(days=9)
    for name, value in more.items():
        setattr(made, name, value)
    return made


ACTS = st.lists(
    st.one_of(
        st.just(("register", 0)),
        st.tuples(st.just("give_up"), st.integers(0, 30)),
        st.tuples(st.just("bound"), st.one_of(st.none(), st.integers(0, 6))),
    ),
    max_size=40,
)


@given(st.one_of(st.none(), st.integers(0, 6)), ACTS)
def test_whatever_happens_places_are_never_overbooked_and_nobody_is_passed(
    places: int | None, acts: list[tuple[str, int | None]]
) -> None:
    every: list[Registration] = []

    def of(state: State) -> list[Registration]:
        return [one for one in every if one.state is state]

    for act, value in acts:
        before = {one.number for one in of(State.CONFIRMED)}
        if act == "register":
            state = rules.state_for(places, len(of(State.CONFIRMED)), len(of(State.WAITING)))
            every.append(registration(len(every) + 1, state))
        elif act == "give_up":
            if value is not None and value < len(every):
                every[value].give_up(NOW, over=False)
        else:
            places = value
        waiting = [one.number for one in of(State.WAITING)]
        for number in rules.admitted(places, len(of(State.CONFIRMED)), waiting):
            every[number - 1].state = State.CONFIRMED
        now = of(State.CONFIRMED)
        if places is not None:
            assert len(now) <= max(places, len(before)), "more than there are places"
            if len(now) > places:
                assert {one.number for one in now} <= before, "somebody was admitted beyond the places"
        kept = {one.number for one in every if one.state is not State.CANCELLED}
        assert before & kept <= {one.number for one in now}, "somebody lost a place"
        for one in of(State.WAITING):
            assert places is not None
            assert len(now) >= places, "a place is free and somebody waits"
            passed = [other for other in now if other.number > one.number]
            assert {other.number for other in passed} <= before, "somebody was passed"


def test_the_first_who_waits_comes_first() -> None:
    assert rules.admitted(3, 1, [9, 4, 7]) == [4, 7]
    assert rules.admitted(3, 3, [4]) == []
    assert rules.admitted(2, 3, [4]) == []
    assert rules.admitted(None, 3, [9, 4]) == [4, 9]


def test_the_last_place_is_one_place() -> None:
    assert rules.state_for(2, 1, 0) is State.CONFIRMED
    assert rules.state_for(2, 2, 0) is State.WAITING
    assert rules.state_for(2, 1, 1) is State.WAITING
    assert rules.state_for(0, 0, 0) is State.WAITING
    assert rules.state_for(None, 10**6, 0) is State.CONFIRMED


def test_giving_up_erases_and_frees_one_place_once() -> None:
    one = registration()
    assert one.give_up(NOW, over=False)
    assert (one.state, one.name, one.email, one.organisation, one.erased_at) == (State.CANCELLED, "", None, None, NOW)
    assert not one.give_up(NOW + timedelta(hours=1), over=False)
    assert one.erased_at == NOW
    assert not registration(state=State.WAITING).give_up(NOW, over=False)


def test_after_the_meeting_only_the_data_go_and_who_came_is_still_counted() -> None:
    one = registration()
    assert one.check_in(NOW, uuid4())
    assert not one.check_in(NOW, uuid4())
    assert not one.give_up(NOW, over=False)
    assert (one.state, one.attended, one.name) == (State.CONFIRMED, True, "")
    other = registration(2)
    assert not other.give_up(NOW, over=True)
    assert (other.state, other.name) == (State.CONFIRMED, "")


@pytest.mark.parametrize("state", [State.WAITING, State.CANCELLED])
def test_who_has_no_place_is_not_checked_in(state: State) -> None:
    with pytest.raises(rules.NotAdmitted):
        registration(state=state).check_in(NOW, None)


def test_strangers_register_until_the_meeting_begins_and_the_door_until_it_ends() -> None:
    held = meeting()
    rules.require_open(held, NOW - timedelta(seconds=1))
    with pytest.raises(rules.RegistrationOver):
        rules.require_open(held, NOW)
    rules.require_open(held, held.ends_at - timedelta(seconds=1), at_the_door=True)
    with pytest.raises(rules.MeetingOver):
        rules.require_open(held, held.ends_at, at_the_door=True)


def test_what_is_not_public_is_not_there() -> None:
    for one in (None, meeting(open_to_public=False), meeting(state=MeetingState.DRAFT)):
        with pytest.raises(rules.NotPublic):
            rules.require_public(one)
    never_convened = meeting(state=MeetingState.CANCELLED, convened_at=None)
    with pytest.raises(rules.NotPublic):
        rules.require_public(never_convened)
    with pytest.raises(rules.MeetingCancelled):
        rules.require_public(meeting(state=MeetingState.CANCELLED))


def test_the_doors_open_twelve_hours_before() -> None:
    rules.require_check_in(meeting(), NOW - timedelta(hours=12))
    with pytest.raises(rules.NotBegun):
        rules.require_check_in(meeting(), NOW - timedelta(hours=12, seconds=1))


def test_names_are_kept_for_ninety_days_after_the_end() -> None:
    assert rules.erase_at(meeting()) == NOW + timedelta(days=90, hours=2)

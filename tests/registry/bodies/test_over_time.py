"""Seats through months of arbitrary acts: what must hold on every single day."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st
from uuid_utils.compat import uuid7

from services.registry.bodies.rules import Body, Composition, InvalidBody, Kind, Seat, SeatClosed, place
from services.registry.grants.rules import grants
from services.registry.mandates.rules import (
    HELD,
    EndReason,
    HeldAlready,
    InvalidTerm,
    Mandate,
    NotPossibleNow,
    OfficeTaken,
    State,
    designate,
    replace,
)
from shared.access.roles import Role

BEGINNING = date(2026, 1, 1)
HORIZON = 60
NETWORK = uuid7()
ORGANISATIONS = [uuid7() for _ in range(3)]
PEOPLE = [uuid7() for _ in range(3)]
REFUSALS = (OfficeTaken, HeldAlready, InvalidTerm, NotPossibleNow, SeatClosed, InvalidBody)
BODY = Body(NETWORK, "Gruppo", Kind.WORKING_GROUP, Composition.FIXED)

days = st.integers(0, HORIZON).map(lambda n: BEGINNING + timedelta(days=n))
act = st.sampled_from(["designate", "designate", "replace", "extend", "hold_over", "end", "close"])
acts = st.lists(st.tuples(act, days, st.none() | days, st.integers(0, 5), st.booleans()), max_size=14)
Script = list[tuple[str, date, date | None, int, bool]]


def calendar() -> list[date]:
    return [BEGINNING + timedelta(days=n) for n in range(-2, HORIZON + 3)]


def lived(script: Script) -> tuple[Seat, list[Mandate]]:
    """A seat that organisations share, after a script of acts on days that only go on; refusals are left out."""
    seat = Seat(BODY.id, NETWORK, "Portavoce", Role.REPRESENTATIVE, BEGINNING + timedelta(days=3))
    held: list[Mandate] = []
    today = BEGINNING
    for what, day, until, which, holds_over in script:
        today = max(today, day - timedelta(days=5))
        try:
            if what == "close":
                close(seat, held, max(day, today), today)
            else:
                step(seat, held, what, day, until, which, holds_over, today)
        except REFUSALS:
            continue
    return seat, held


def close(seat: Seat, held: list[Mandate], on: date, today: date) -> None:
    """As the command does: whoever would hold the seat beyond that day ends with it."""
    seat.close(on)
    for mandate in held:
        lasts = (mandate.ends is None or mandate.ends > on) and (mandate.ended_on is None or mandate.ended_on > on)
        if lasts:
            begun = mandate.state(today) is not State.DESIGNATED
            mandate.end(max(on, mandate.since) if begun else on, EndReason.SEAT_CLOSED, today)


def step(
    seat: Seat, held: list[Mandate], what: str, day: date, until: date | None, which: int, over: bool, today: date
) -> None:
    new = Mandate(
        NETWORK,
        PEOPLE[which % 3],
        Role.REPRESENTATIVE,
        day,
        until,
        ORGANISATIONS[which % 2],
        holds_over=over,
        body_id=BODY.id,
        seat_id=seat.id,
    )
    if what == "designate":
        held.append(designate(place(new, BODY, seat), held))
    elif held:
        old = held[which % len(held)]
        if what == "replace":
            held.append(replace(old, place(new, BODY, seat), held, today))
        elif what == "extend":
            old.extend(until, today, held)
        elif what == "hold_over":
            old.hold_over(today, held)
        else:
            old.end(day, EndReason.RESIGNED, today)


@given(acts)
@settings(max_examples=300, deadline=None)
def test_no_day_has_two_holders_of_a_seat(script: Script) -> None:
    _, held = lived(script)
    for day in calendar():
        assert sum(mandate.state(day) in HELD for mandate in held) <= 1, day


@given(acts)
@settings(max_examples=300, deadline=None)
def test_nobody_holds_a_seat_on_a_day_without_it(script: Script) -> None:
    seat, held = lived(script)
    for day in calendar():
        if not seat.exists(day):
            assert not any(mandate.state(day) in HELD for mandate in held), day


@given(acts)
@settings(max_examples=200, deadline=None)
def test_a_holder_has_a_grant_for_the_body_on_exactly_the_days_in_the_seat(script: Script) -> None:
    _, held = lived(script)
    derived = grants(held, BEGINNING)
    assert {grant.body_id for grant in derived} <= {BODY.id}
    for day in (day for day in calendar() if day >= BEGINNING):
        granted = sum(grant.since <= day and (grant.until is None or day < grant.until) for grant in derived)
        assert granted == sum(mandate.state(day) in HELD for mandate in held)


@given(st.lists(days, min_size=2, max_size=8, unique=True).map(sorted))
@settings(max_examples=100, deadline=None)
def test_replacing_leaves_no_day_without_a_holder(handovers: list[date]) -> None:
    seat = Seat(BODY.id, NETWORK, "Portavoce", Role.REPRESENTATIVE, handovers[0])
    held: list[Mandate] = []
    for number, day in enumerate(handovers):
        new = Mandate(
            NETWORK,
            PEOPLE[number % 3],
            Role.REPRESENTATIVE,
            day,
            organisation_id=ORGANISATIONS[0],
            body_id=BODY.id,
            seat_id=seat.id,
        )
        if held:
            replace(held[-1], place(new, BODY, seat), held, day)
        else:
            designate(place(new, BODY, seat), held)
        held.append(new)
    for day in calendar():
        if day >= handovers[0]:
            assert sum(mandate.state(day) in HELD for mandate in held) == 1, day

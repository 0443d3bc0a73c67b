"""Mandates through years of arbitrary acts: what must hold on every single day."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st
from uuid_utils.compat import uuid7

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
NETWORK, ORGANISATION = uuid7(), uuid7()
PEOPLE = [uuid7() for _ in range(3)]
REFUSALS = (OfficeTaken, HeldAlready, InvalidTerm, NotPossibleNow)

days = st.integers(0, HORIZON).map(lambda n: BEGINNING + timedelta(days=n))
ends = st.none() | days
act = st.sampled_from(["designate", "replace", "extend", "hold_over", "end", "accept"])
acts = st.lists(st.tuples(act, days, ends, st.integers(0, 5), st.booleans()), max_size=12)


def calendar() -> list[date]:
    return [BEGINNING + timedelta(days=n) for n in range(-2, HORIZON + 3)]


def lived(script: list[tuple[str, date, date | None, int, bool]]) -> list[Mandate]:
    """The mandates of one office after a script of acts, on days that only go on; what the rules refuse is left out."""
    held: list[Mandate] = []
    today = BEGINNING
    for what, day, until, which, holds_over in script:
        today = max(today, day - timedelta(days=5))
        new = Mandate(NETWORK, PEOPLE[which % 3], Role.REFERENT, day, until, ORGANISATION, None, holds_over)
        try:
            if what == "designate":
                held.append(designate(new, held))
            elif held:
                act_on(held, held[which % len(held)], new, what, today)
        except REFUSALS:
            continue
    return held


def act_on(held: list[Mandate], old: Mandate, new: Mandate, what: str, today: date) -> None:
    if what == "replace":
        held.append(replace(old, new, held, today))
    elif what == "extend":
        old.extend(new.until, today, held)
    elif what == "hold_over":
        old.hold_over(today, held)
    elif what == "end":
        old.end(new.since, EndReason.RESIGNED, today)
    else:
        old.accept(today)


@given(acts)
@settings(max_examples=300, deadline=None)
def test_no_day_has_two_holders(script: list[tuple[str, date, date | None, int, bool]]) -> None:
    held = lived(script)
    for day in calendar():
        assert sum(mandate.state(day) in HELD for mandate in held) <= 1, day


@given(acts)
@settings(max_examples=200, deadline=None)
def test_a_mandate_never_goes_back(script: list[tuple[str, date, date | None, int, bool]]) -> None:
    for mandate in lived(script):
        states = [mandate.state(day) for day in calendar()]
        assert not any(before.comes_after(after) for before, after in pairwise(states))


@given(acts)
@settings(max_examples=200, deadline=None)
def test_it_is_held_exactly_from_since_until_ends(script: list[tuple[str, date, date | None, int, bool]]) -> None:
    for mandate in lived(script):
        for day in calendar():
            covered = mandate.since <= day and (mandate.ends is None or day < mandate.ends)
            assert covered == (mandate.state(day) in HELD)


@given(acts, days)
@settings(max_examples=200, deadline=None)
def test_grants_run_exactly_on_the_days_in_office_and_holding_over(
    script: list[tuple[str, date, date | None, int, bool]], derived_on: date
) -> None:
    held = lived(script)
    derived = grants(held, derived_on)
    for day in (day for day in calendar() if day >= derived_on):
        granted = sum(grant.since <= day and (grant.until is None or day < grant.until) for grant in derived)
        assert granted == sum(mandate.state(day) in HELD for mandate in held)


@given(acts, days)
@settings(max_examples=200, deadline=None)
def test_the_turns_lead_to_the_state_of_the_day(
    script: list[tuple[str, date, date | None, int, bool]], today: date
) -> None:
    """The due table tells each turn once and arrives where state() is; an ended designation skips what never came."""
    for mandate in lived(script):
        told = [State.DESIGNATED]
        while (turn := mandate.next_turn()) is not None and turn[0] <= today:
            assert turn[1].comes_after(mandate.told)
            mandate.told = turn[1]
            told.append(turn[1])
        assert told[-1] is mandate.state(today)
        assert len(set(told)) == len(told)

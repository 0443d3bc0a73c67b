"""What may happen to an item, without a loop."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from uuid_utils.compat import uuid7

from services.mapping.items.rules import (
    Closed,
    InvalidDay,
    NotEndorsed,
    NotInState,
    RemarksMissing,
    State,
    UnknownTerritory,
    areas_of,
)
from services.mapping.places.rules import ActivitiesElsewhere, HalfAPosition, Kind, MunicipalityMissing, Place, phone_of
from services.mapping.territories.queries import locate

ON = date(2026, 3, 1)


def place(**changed: Any) -> Place:
    fields = {"network_id": uuid7(), "title": "Centro", "kind": Kind.CIVIC_CENTRE, "municipality": "E507"}
    return Place(**{**fields, **changed})


def on_the_map(**changed: Any) -> Place:
    made = place(**changed)
    made.propose(endorses=True, on=ON)
    made.validate(ON)
    return made


def test_what_an_organisation_proposes_is_looked_at_twice() -> None:
    one = place(organisation_id=uuid7())
    one.propose(endorses=False, on=ON)
    with pytest.raises(NotEndorsed):
        one.validate(ON)
    assert one.endorse(ON) is True
    assert one.endorse(ON) is False
    one.validate(ON)
    assert (one.state, one.checked_on, one.validated_on) == (State.VALIDATED, ON, ON)


def test_what_is_nobodys_needs_the_coordinators_look_only() -> None:
    one = place()
    one.propose(endorses=False, on=ON)
    one.validate(ON)
    assert one.endorsed_on == ON


def test_what_is_returned_says_why_and_begins_anew() -> None:
    one = on_the_map(organisation_id=uuid7())
    with pytest.raises(RemarksMissing):
        one.send_back("  ")
    one.send_back(" Manca la via ")
    assert (one.state, one.remarks, one.endorsed_on, one.validated_on) == (State.RETURNED, "Manca la via", None, None)
    one.propose(endorses=False, on=ON)
    assert (one.state, one.remarks) == (State.PROPOSED, None)


@pytest.mark.parametrize(
    ("changed", "endorses", "validates", "state", "endorsed"),
    [
        ({"phone"}, False, False, State.VALIDATED, True),
        ({"title"}, False, False, State.PROPOSED, False),
        ({"title"}, True, False, State.PROPOSED, True),
        ({"title"}, True, True, State.VALIDATED, True),
        ({"phone", "address"}, False, False, State.PROPOSED, False),
    ],
)
def test_what_matters_is_looked_at_again(
    changed: set[str], endorses: bool, validates: bool, state: State, endorsed: bool
) -> None:
    one = on_the_map(organisation_id=uuid7())
    one.fall_back(changed, endorses=endorses, validates=validates, on=ON)
    assert (one.state, one.endorsed_on is not None) == (state, endorsed)


def test_what_has_expired_comes_back_with_a_confirmation() -> None:
    one = on_the_map()
    assert one.expire() is True
    assert one.expire() is False
    later = ON + timedelta(days=200)
    one.confirm(later)
    assert (one.state, one.checked_on) == (State.VALIDATED, later)


def test_what_is_past_its_last_day_is_not_confirmed() -> None:
    one = on_the_map(expires_on=ON + timedelta(days=10))
    one.confirm(ON + timedelta(days=9))
    with pytest.raises(InvalidDay):
        one.confirm(ON + timedelta(days=10))


@pytest.mark.parametrize("act", ["propose", "endorse", "validate", "send_back", "confirm", "close", "take"])
def test_nothing_more_happens_to_what_is_closed(act: str) -> None:
    one = on_the_map()
    one.close(ON)
    acts: dict[str, dict[str, Any]] = {
        "propose": {"endorses": True, "on": ON},
        "send_back": {"remarks": "x"},
        "take": {"title": "y"},
    }
    given_ = acts.get(act, {"on": ON})
    with pytest.raises(Closed):
        getattr(one, act)(**given_)
    assert one.actions() == []


ACTS = st.lists(st.sampled_from(["propose", "endorse", "validate", "return", "confirm", "expire", "close", "change"]))


@given(ACTS, st.booleans())
def test_nothing_is_on_the_map_that_its_organisation_does_not_stand_by(acts: list[str], owned: bool) -> None:
    one = place(organisation_id=uuid7() if owned else None)
    for act in acts:
        try:
            _do(one, act)
        except (NotInState, NotEndorsed, Closed):
            continue
        assert one.state is not State.VALIDATED or (one.endorsed_on and one.validated_on and one.checked_on)
        assert (one.state is State.CLOSED) == (one.closed_on is not None)


def _do(one: Place, act: str) -> None:
    if act == "propose":
        one.propose(endorses=False, on=ON)
    elif act == "return":
        one.send_back("x")
    elif act == "expire":
        one.expire()
    elif act == "change":
        one.fall_back(one.take(title=f"{one.title}!"), endorses=False, validates=False, on=ON)
    else:
        getattr(one, act)(ON)


def test_a_place_lies_in_its_municipality_province_and_region() -> None:
    one = place()
    one.place(locate)
    assert one.territories == ["E507"]
    assert one.areas == ["03", "097", "E507"]
    assert areas_of(["12", "E507"], locate) == ["03", "097", "12", "E507"]
    with pytest.raises(UnknownTerritory):
        areas_of(["X999"], locate)


def test_a_place_that_cannot_be_says_what_is_wrong() -> None:
    with pytest.raises(ActivitiesElsewhere):
        place(activities=["housing"]).check(ON)
    with pytest.raises(HalfAPosition):
        place(latitude=45.0).check(ON)
    with pytest.raises(MunicipalityMissing):
        place(municipality=None).check(ON)
    place(kind=Kind.COMMUNITY_LABORATORY, activities=["housing"], latitude=45.0, longitude=9.0).check(ON)


@pytest.mark.parametrize(("given_", "found"), [("0372 407340", "+390372407340"), ("+41 91 800 00 00", "+41918000000")])
def test_a_telephone_is_kept_as_it_is_called(given_: str, found: str) -> None:
    assert phone_of(given_) == found

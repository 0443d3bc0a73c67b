"""Which resource answers which need, without a database."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.mapping.matching.rules import NEAR, Because, Demand, Match, Offer, match
from services.mapping.territories.rules import EARTH, great_circle

TODAY = date(2026, 3, 1)
KM = {"E507": 0.0, "C933": 25.0, "F205": 49.9, "H501": 480.0}
NEED = Demand("housing", "E507", frozenset({"E507", "097", "03"}), None)
OFFER = Offer(frozenset({"housing"}), frozenset({"097"}), None, None, frozenset())


def distance(a: str, b: str) -> float | None:
    return abs(KM[a] - KM[b]) if a in KM and b in KM else None


def found(demand: Demand = NEED, **offer: Any) -> Match | None:
    return match(demand, replace(OFFER, **offer), TODAY, distance)


def reasons(**offer: Any) -> dict[Because, int]:
    matched = found(**offer)
    return {reason.because: reason.points for reason in matched.reasons} if matched else {}


def test_what_fits_in_everything_has_a_hundred_points() -> None:
    assert reasons() == {Because.THEME: 40, Because.HERE: 30, Because.AVAILABLE: 20, Because.FOR_ALL: 10}


@pytest.mark.parametrize(
    ("offer", "because", "points"),
    [
        ({"themes": frozenset()}, Because.ANY_THEME, 15),
        ({"territories": frozenset()}, Because.EVERYWHERE, 15),
        ({"territories": frozenset({"03"})}, Because.HERE, 30),
        ({"territories": frozenset({"C933"})}, Because.DISTANCE, 12),
        ({"territories": frozenset({"H501", "C933"})}, Because.DISTANCE, 12),
        ({"territories": frozenset({"F205"})}, Because.DISTANCE, 0),
        ({"until": TODAY + timedelta(days=30)}, Because.ENDS_SOON, 15),
        ({"until": TODAY + timedelta(days=31)}, Because.AVAILABLE, 20),
        ({"since": TODAY + timedelta(days=30)}, Because.STARTS_SOON, 10),
        ({"since": TODAY}, Because.AVAILABLE, 20),
        ({"available_to": frozenset({"firm"})}, Because.FOR_SOME, 5),
    ],
)
def test_each_reason_has_its_points(offer: dict[str, Any], because: Because, points: int) -> None:
    assert reasons(**offer)[because] == points


@pytest.mark.parametrize(
    "offer",
    [
        {"themes": frozenset({"culture"})},
        {"territories": frozenset({"H501"})},
        {"territories": frozenset({"12"})},
        {"until": TODAY},
        {"since": TODAY + timedelta(days=31)},
    ],
)
def test_what_fails_in_one_thing_is_no_match(offer: dict[str, Any]) -> None:
    assert found(**offer) is None


def test_whom_a_resource_is_for_is_judged_by_who_is_to_answer() -> None:
    firms = {"available_to": frozenset({"firm"})}
    assert found(replace(NEED, kind="association"), **firms) is None
    matched = found(replace(NEED, kind="firm"), **firms)
    assert matched is not None
    assert matched.score == 100


days = st.none() | st.integers(-60, 60).map(lambda n: TODAY + timedelta(days=n))
offers = st.builds(
    Offer,
    st.frozensets(st.sampled_from(["housing", "culture"])),
    st.frozensets(st.sampled_from(["E507", "C933", "F205", "H501", "097", "03", "12"])),
    days,
    days,
    st.frozensets(st.sampled_from(["firm", "association"])),
)
demands = st.builds(
    Demand,
    st.sampled_from(["housing", "culture"]),
    st.just("E507"),
    st.just(frozenset({"E507", "097", "03"})),
    st.none() | st.sampled_from(["firm", "association"]),
)


@given(demands, offers)
def test_a_score_is_the_sum_of_four_reasons_within_a_hundred(demand: Demand, offer: Offer) -> None:
    matched = match(demand, offer, TODAY, distance)
    if matched is None:
        return
    assert len(matched.reasons) == 4
    assert 0 <= matched.score == sum(reason.points for reason in matched.reasons) <= 100
    assert offer.until is None or offer.until > TODAY
    assert not offer.themes or demand.theme in offer.themes
    for reason in matched.reasons:
        assert reason.km is None or 0 <= reason.km <= NEAR


@given(demands, offers, st.sampled_from(["E507", "097", "03"]))
def test_an_offer_that_also_covers_the_place_is_never_worse(demand: Demand, offer: Offer, code: str) -> None:
    before = match(demand, offer, TODAY, distance)
    wider = match(demand, replace(offer, territories=offer.territories | {code}), TODAY, distance)
    if before is not None:
        assert wider is not None
        assert wider.score >= before.score


points = st.tuples(st.floats(-90, 90), st.floats(-180, 180))


@given(points, points)
def test_distances_are_symmetric_and_no_longer_than_half_the_earth(a: Any, b: Any) -> None:
    assert great_circle(a, b) == pytest.approx(great_circle(b, a), abs=1e-6)
    assert 0 <= great_circle(a, b) <= EARTH * 3.1416
    assert great_circle(a, a) == 0


def test_milan_is_as_far_from_rome_as_maps_say() -> None:
    assert great_circle((45.4642, 9.19), (41.9028, 12.4964)) == pytest.approx(477, abs=2)

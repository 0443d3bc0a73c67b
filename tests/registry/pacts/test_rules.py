"""What is true of pacts, without a loop."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from uuid_utils.compat import uuid7

from services.registry.organisations.rules import Kind as OrganisationKind
from services.registry.organisations.rules import Ownership
from services.registry.pacts.rules import (
    FEWEST,
    BreakReason,
    Erased,
    Incomplete,
    InvalidPact,
    Kept,
    Kind,
    Making,
    NotPossibleNow,
    Obligation,
    Outcome,
    Pact,
    Side,
    State,
    missing,
    publish,
    publish_within,
    side_for,
    sides_of,
    successor,
)

TODAY = date(2026, 3, 1)
PACT = uuid7()
LOCAL, THIRD, OPERATOR, BENEFICIARY = Side


def bound(side: Side, text: bool = True, day: bool = True, holder: bool = True) -> Obligation:
    organisation = uuid7() if holder and side is not BENEFICIARY else None
    due = TODAY + timedelta(days=9) if day else None
    return Obligation(PACT, 1, side, organisation, due=due, sealed=b"x" if text else None)


def drafted() -> Pact:
    return Pact(uuid7(), 2026, 7, Kind.PERSON, "E507", TODAY, body_id=uuid7())


sides = st.lists(st.tuples(st.sampled_from(list(Side)), st.booleans(), st.booleans(), st.booleans()), max_size=8)


@given(sides)
def test_a_side_is_missing_until_it_holds_something_with_a_text_a_day_and_a_holder(
    given_: list[tuple[Side, bool, bool, bool]],
) -> None:
    obligations = [bound(*one) for one in given_]
    there = {side for side, text, day, holder in given_ if text and day and (holder or side is BENEFICIARY)}
    assert set(missing(obligations)) == set(Side) - there
    pact = drafted()
    pact.review(obligations)
    assert (pact.state is State.COMPLETE) == (there == set(Side))
    if pact.state is State.DRAFT:
        with pytest.raises(Incomplete) as refused:
            pact.sign(TODAY, TODAY + timedelta(days=1), obligations, TODAY)
        assert refused.value.missing == missing(obligations)


@pytest.mark.parametrize(
    ("kind", "ownership", "expected"),
    [
        (OrganisationKind.MUNICIPALITY, None, {LOCAL}),
        (OrganisationKind.UNION, Ownership.PUBLIC, {LOCAL}),
        (OrganisationKind.ASSOCIATION, None, {THIRD}),
        (OrganisationKind.COOPERATIVE, Ownership.PRIVATE, {THIRD}),
        (OrganisationKind.HEALTH_AUTHORITY, Ownership.PUBLIC, {OPERATOR}),
        (OrganisationKind.SCHOOL, None, {OPERATOR}),
        (OrganisationKind.FIRM, Ownership.MIXED, {LOCAL, OPERATOR}),
        (OrganisationKind.CONSORTIUM, Ownership.MIXED, {LOCAL, THIRD}),
        (OrganisationKind.CONSORTIUM, Ownership.PUBLIC, {LOCAL}),
        (OrganisationKind.CONSORTIUM, None, {THIRD}),
        (OrganisationKind.OTHER, None, {LOCAL, THIRD, OPERATOR}),
        (OrganisationKind.OTHER, Ownership.PUBLIC, {LOCAL}),
    ],
)
def test_the_side_of_an_organisation_follows_from_what_it_is(
    kind: OrganisationKind, ownership: Ownership | None, expected: set[Side]
) -> None:
    assert set(sides_of(kind, ownership)) == expected


def test_every_kind_of_organisation_has_a_side_and_none_is_the_beneficiary() -> None:
    for kind, ownership in product(OrganisationKind, (None, *Ownership)):
        found = sides_of(kind, ownership)
        assert found
        assert BENEFICIARY not in found


def test_who_may_stand_for_two_says_for_which_and_keeps_to_it() -> None:
    assert side_for(None, [THIRD]) is THIRD
    assert side_for(THIRD, [LOCAL, THIRD]) is THIRD
    assert side_for(None, [LOCAL, THIRD], {LOCAL}) is LOCAL
    for stated, possible, elsewhere in (
        (None, [LOCAL, THIRD], ()),
        (LOCAL, [THIRD], ()),
        (THIRD, [LOCAL, THIRD], {LOCAL}),
    ):
        with pytest.raises(InvalidPact) as refused:
            side_for(stated, possible, elsewhere)
        assert refused.value.path == "/side"


def complete() -> tuple[Pact, list[Obligation]]:
    pact, obligations = drafted(), [bound(side) for side in Side]
    pact.review(obligations)
    return pact, obligations


def test_signing_wants_every_obligation_concrete_and_none_of_a_day_that_has_passed() -> None:
    pact, obligations = complete()
    with pytest.raises(InvalidPact) as refused:
        pact.sign(TODAY, TODAY + timedelta(days=90), [*obligations, bound(THIRD, text=False)], TODAY)
    assert refused.value.code == "not_concrete"
    obligations[0].due = TODAY
    pact.sign(TODAY, TODAY + timedelta(days=90), obligations, TODAY)
    pact, obligations = complete()
    obligations[0].due = TODAY - timedelta(days=1)
    with pytest.raises(InvalidPact, match="due"):
        pact.sign(TODAY, TODAY + timedelta(days=90), obligations, TODAY)


def test_a_term_has_a_day_at_least() -> None:
    pact, obligations = complete()
    with pytest.raises(InvalidPact, match="until"):
        pact.sign(TODAY, TODAY, obligations, TODAY)
    pact.sign(TODAY, TODAY + timedelta(days=1), obligations, TODAY)
    with pytest.raises(InvalidPact, match="until"):
        pact.renew(TODAY + timedelta(days=1), TODAY)
    pact.renew(TODAY + timedelta(days=2), TODAY)
    assert pact.renewals == 1


def test_a_pact_ends_once_not_before_it_was_signed_and_not_in_days_to_come() -> None:
    pact, obligations = complete()
    with pytest.raises(NotPossibleNow):
        pact.end(Outcome.AUTONOMY, TODAY, TODAY)
    pact.sign(TODAY, TODAY + timedelta(days=90), obligations, TODAY)
    for on in (TODAY - timedelta(days=1), TODAY + timedelta(days=6)):
        with pytest.raises(InvalidPact, match="on"):
            pact.end(Outcome.AUTONOMY, on, TODAY + timedelta(days=5))
    pact.end(Outcome.AUTONOMY, TODAY + timedelta(days=5), TODAY + timedelta(days=5))
    with pytest.raises(NotPossibleNow):
        pact.break_off(BreakReason.MISTAKE, TODAY + timedelta(days=5), TODAY + timedelta(days=5))


def test_only_a_closed_pact_is_erased_and_then_nothing_else_is_done_with_it() -> None:
    pact, _ = complete()
    with pytest.raises(NotPossibleNow):
        pact.erase(TODAY)
    pact.break_off(BreakReason.MISTAKE, TODAY, TODAY)
    pact.sealed = b"x"
    assert pact.actions() == ["read", "erase"]
    pact.erase(TODAY)
    assert [pact.sealed, pact.erased_on, pact.actions()] == [None, TODAY, []]
    for action in ("read", "erase"):
        with pytest.raises(Erased):
            pact.require(action)


def test_the_code_has_four_digits_or_more() -> None:
    assert drafted().code == "PG-2026-0007"
    many = drafted()
    many.number = 12_345
    assert many.code == "PG-2026-12345"


def test_the_beneficiarys_obligation_has_one_outcome() -> None:
    one = bound(BENEFICIARY)
    one.close(Kept.KEPT, TODAY)
    assert (one.outcome, one.closed_on) == (Kept.KEPT, TODAY)


# --- who follows a pact ---

A, B, C = (uuid7() for _ in range(3))
SEAT, OTHER = uuid7(), uuid7()


def making(person: object, seat: object = None, since: int = 0, ends: int | None = None) -> Making:
    last = None if ends is None else TODAY + timedelta(days=ends)
    return Making(person, seat, TODAY + timedelta(days=since), last)  # type: ignore[arg-type]


def test_who_is_in_office_goes_on_and_who_is_not_passes_it_on() -> None:
    on = TODAY + timedelta(days=5)
    assert successor(A, [making(A), making(B)], {A: 9}, on) == A
    assert successor(A, [making(A, ends=5), making(B)], {}, on) == B
    assert successor(A, [making(A, ends=6), making(B)], {}, on) == A
    assert successor(A, [making(A, ends=5), making(B, since=6)], {}, on) is None
    assert successor(A, [], {}, on) is None
    assert successor(None, [making(B)], {}, on) == B


def test_the_seat_comes_first_then_who_follows_fewest_then_who_was_there_first() -> None:
    on = TODAY + timedelta(days=5)
    left = making(A, SEAT, ends=5)
    assert successor(A, [left, making(B, OTHER), making(C, SEAT, since=5)], {C: 7}, on) == C
    assert successor(A, [left, making(B, OTHER), making(C)], {B: 2, C: 1}, on) == C
    assert successor(A, [left, making(B, OTHER, since=1), making(C)], {B: 1, C: 1}, on) == C


# --- figures ---

tables = st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 14), max_size=6)


@given(tables)
def test_no_count_under_five_is_published_alone_or_as_what_is_left_of_the_total(counts: dict[str, int]) -> None:
    told = publish(counts)
    total = sum(counts.values())
    assert told.total == (total if total >= FEWEST else None)
    shown = {key: count for key, count in told.cells.items() if count is not None}
    assert all(count == counts[key] >= FEWEST for key, count in shown.items())
    if told.withheld:
        assert told.cells == {}
        return
    assert set(told.cells) == {key for key, count in counts.items() if count}
    hidden = [counts[key] for key, count in told.cells.items() if count is None]
    assert not hidden or (len(hidden) > 1 and sum(hidden) >= FEWEST)
    assert not hidden or total - sum(shown.values()) >= FEWEST


def shares(total: int, cells: int) -> list[tuple[int, ...]]:
    """Every way in which so many cells, none empty, sum up to the total."""
    if cells == 1:
        return [(total,)] if total else []
    return [(first, *rest) for first in range(1, total) for rest in shares(total - first, cells - 1)]


small = st.dictionaries(st.sampled_from("abcd"), st.integers(1, 9), min_size=1, max_size=4)


@given(small)
def test_somebody_who_knows_the_rule_and_the_total_cannot_tell_any_hidden_count(counts: dict[str, int]) -> None:
    told = publish(counts)
    hidden = sorted(key for key, count in told.cells.items() if count is None)
    if not hidden:
        return
    open_ = {key: count for key, count in told.cells.items() if count is not None}
    assert told.total is not None
    left = told.total - sum(open_.values())
    could = [
        guess
        for guess in shares(left, len(hidden))
        if publish({**open_, **dict(zip(hidden, guess, strict=True))}) == told
    ]
    for place in range(len(hidden)):
        assert len({guess[place] for guess in could}) > 1, (counts, told, could)


@given(st.dictionaries(st.sampled_from("xyz"), tables, max_size=3))
def test_parts_are_told_only_where_the_whole_is_and_sum_up_to_it(counts: dict[str, dict[str, int]]) -> None:
    outer, inner = publish_within(counts)
    assert set(inner) == {key for key, count in outer.cells.items() if count is not None}
    for key, told in inner.items():
        assert told.total == outer.cells[key] == sum(counts[key].values())


def test_examples_of_what_is_hidden() -> None:
    assert publish({"a": 12, "b": 7}).cells == {"a": 12, "b": 7}
    assert publish({"a": 12, "b": 3}).withheld  # the other would tell it, and alone it tells itself
    assert publish({"a": 12, "b": 3, "c": 7}).cells == {"a": 12, "b": None, "c": None}
    assert publish({"a": 12, "b": 4, "c": 4}).withheld  # both of one size: with the total they tell themselves
    assert publish({"a": 12, "b": 4, "c": 3}).cells == {"a": 12, "b": None, "c": None}
    assert publish({"a": 2, "b": 2}) == publish({"z": 1})
    assert publish({}).withheld

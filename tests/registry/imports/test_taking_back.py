"""Undoing by rule: whatever rows say of an organisation, taking them back leaves what was there."""

from __future__ import annotations

from copy import deepcopy
from uuid import uuid4

from hypothesis import given
from hypothesis import strategies as st

from services.registry.imports.rules import Entry, Parent, Standing, Written, create, merge, take_back
from services.registry.organisations.rules import State

TITLES, PLACES = st.sampled_from(["Alfa", "Beta", "ALFA"]), st.sampled_from(["E507", "F133"])
maybe = st.none() | st.sampled_from(["uno@example.org", "due@example.org"])
entries = st.builds(
    Entry,
    line=st.just(2),
    tax_code=st.just("94080470480"),
    title=TITLES,
    municipality=PLACES,
    kind=st.none() | st.sampled_from(["association", "foundation"]),
    sections=st.sampled_from([(), ("odv",), ("aps",)]),
    email=maybe,
    phone=maybe,
    website=maybe,
)
RECORD = ("title", "municipality", "kind", "website", "sections", "parent_id", "email", "pec", "phone")


def known(entry: Entry) -> Standing:
    one = create(entry, uuid4())
    one.new = one.joins = False
    one.line, one.membership_id, one.state = None, uuid4(), State.ACTIVE
    return one


def state_of(one: Standing) -> dict[str, object]:
    return {name: deepcopy(getattr(one, name)) for name in RECORD}


def taken(standing: Standing, rows: list[Entry], parent: Parent | None = None) -> list[Written]:
    """The rows, as an import of them keeps them."""
    written = []
    for row in rows:
        outcome, _, changes = merge(row, standing, parent)
        if outcome in ("created", "updated"):
            written.append(Written(row, outcome, changes))
    return written


def now(standing: Standing) -> Standing:
    """What a later transaction reads."""
    again = deepcopy(standing)
    again.new = again.joins = again.rejoins = again.changed = again.contacts_changed = False
    again.line, again.membership_id = None, again.membership_id or uuid4()
    again.state = State.ACTIVE
    return again


@given(entries, st.lists(entries, min_size=1, max_size=5), st.booleans())
def test_what_was_there_is_there_again(before: Entry, rows: list[Entry], adopted: bool) -> None:
    standing = known(before)
    original = state_of(standing)
    parent = Parent(uuid4(), frozenset()) if adopted else None
    written = taken(standing, rows, parent)
    if not written:
        return
    later = now(standing)
    done = take_back(later, written, parent)
    assert (done.withdraws, done.kept) == (False, None)
    assert state_of(later) == original


@given(entries, st.lists(entries, max_size=4), st.booleans())
def test_what_the_rows_made_leaves_unless_it_is_in_use(first: Entry, rows: list[Entry], in_use: bool) -> None:
    standing = create(first, uuid4())
    written = [Written(first, "created", None), *taken(standing, rows)]
    done = take_back(now(standing), written, in_use=in_use)
    assert done.withdraws is not in_use
    assert (done.kept is not None) is in_use


@given(entries, st.lists(entries, max_size=4), st.sampled_from(["title", "email", "ownership", "territories", "state"]))
def test_what_somebody_has_touched_since_stays(first: Entry, rows: list[Entry], touched: str) -> None:
    standing = create(first, uuid4())
    written = [Written(first, "created", None), *taken(standing, rows)]
    later = now(standing)
    setattr(later, touched, State.SUSPENDED if touched == "state" else ["altro"])
    done = take_back(later, written)
    assert not done.withdraws
    assert done.kept is not None
    assert done.kept.values["fields"] == ["membership" if touched == "state" else touched]


@given(entries, st.lists(entries, min_size=1, max_size=3))
def test_who_joined_leaves_with_the_record_as_it_was(before: Entry, rows: list[Entry]) -> None:
    standing = known(before)
    standing.membership_id, standing.state = None, None
    standing.email = standing.pec = standing.phone = None
    original = state_of(standing)
    written = taken(standing, rows)
    assert written[0].outcome == "created"
    later = now(standing)
    done = take_back(later, written)
    assert (done.withdraws, done.kept) == (True, None)
    assert state_of(later) == original


def test_who_was_merged_away_or_left_altogether_is_gone() -> None:
    first = Entry(2, "94080470480", "Alfa", "E507")
    standing = create(first, uuid4())
    done = take_back(standing, [Written(first, "created", None)])
    assert done.kept is not None
    assert done.kept.code == "gone"

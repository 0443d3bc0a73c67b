from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from uuid import UUID, uuid4

from hypothesis import given
from hypothesis import strategies as st

from services.registry.mandates.rules import EndReason, Mandate
from services.registry.merges import rules
from services.registry.organisations.rules import Membership, State
from shared.access.roles import Role

NOW = datetime(2026, 3, 2, tzinfo=UTC)
DAY = date(2020, 1, 1)
TODAY = NOW.date()
NETWORK, ONE, OTHER = uuid4(), uuid4(), uuid4()

days = st.integers(0, 60).map(lambda n: DAY + timedelta(n))
lives = st.lists(st.tuples(st.sampled_from(State), days), min_size=1, max_size=5).map(
    lambda steps: sorted(steps, key=lambda step: step[1])
)


Life = Sequence[tuple[State, date]]


def membership(life: Life, organisation: UUID = ONE) -> Membership:
    *past, (state, since) = life
    history = [{"state": str(s), "since": d.isoformat()} for s, d in past]
    return Membership(NETWORK, organisation, state, since, NOW, NOW, history)


@given(lives, lives)
def test_on_each_day_the_stronger_state_of_both_holds(
    one: list[tuple[State, date]], other: list[tuple[State, date]]
) -> None:
    going, staying, before = membership(one), membership(other, OTHER), membership(other, OTHER)
    rules.combine(staying, going)
    for n in range(-1, 62):
        on = DAY + timedelta(n)
        states = [s for m in (going, before) if (s := m.state_on(on)) is not None]
        assert staying.state_on(on) == max(states, key=rules.STRENGTH.__getitem__, default=None)
    line = [past["state"] for past in staying.history] + [str(staying.state)]
    assert all(a != b for a, b in pairwise(line))


def test_contacts_are_filled_and_notes_put_together() -> None:
    staying, going = membership([(State.ACTIVE, DAY)], OTHER), membership([(State.ACTIVE, DAY)])
    staying.email, staying.notes = "sua@example.org", "prima"
    going.email, going.pec, going.notes = "altra@example.org", "pec@example.org", "seconda"
    assert rules.combine(staying, going) is False
    assert (staying.email, staying.pec, staying.notes) == ("sua@example.org", "pec@example.org", "prima\n\nseconda")


def test_a_record_takes_only_what_it_lacks() -> None:
    empty = dict.fromkeys(rules.FILLED)
    staying = {**empty, "kind": "other", "website": "https://a.example.org", "sections": [], "territories": ["03"]}
    going = {
        **empty,
        "kind": "csv",
        "website": "https://b.example.org",
        "tax_code": "1",
        "parent_id": OTHER,
        "sections": [1],
        "territories": ["097"],
    }
    assert rules.filled(staying, going, (ONE, OTHER)) == {"kind": "csv", "tax_code": "1", "sections": [1]}
    assert rules.filled({**staying, "kind": "asd"}, going, (ONE, uuid4()))["parent_id"] == OTHER
    assert "kind" not in rules.filled({**staying, "kind": "asd"}, going, (ONE, OTHER))


def mandate(
    person: UUID, since: date, ended: date | None = None, organisation: UUID = ONE, role: Role = Role.REFERENT
) -> Mandate:
    made = Mandate(NETWORK, person, role, since, None, organisation)
    if ended is not None:
        made.ended_on, made.end_reason = ended, EndReason.RESIGNED
    return made


def test_two_people_in_office_are_a_conflict_and_two_of_the_past_are_not() -> None:
    ada, ugo = uuid4(), uuid4()
    now_a, now_b = mandate(ada, date(2025, 1, 1)), mandate(ugo, date(2025, 6, 1), organisation=OTHER)
    found = rules.reconcile([now_a], [now_b], TODAY)
    assert [(c.code, c.going, c.staying) for c in found.conflicts] == [("two_holders", now_a.id, now_b.id)]
    past_a = mandate(ada, date(2024, 1, 1), date(2025, 1, 1))
    past_b = mandate(ugo, date(2024, 6, 1), date(2025, 6, 1), organisation=OTHER)
    found = rules.reconcile([past_a], [past_b], TODAY)
    assert (found.beside, found.ended, found.conflicts) == ({past_a.id}, set(), [])
    # of one that lasts and one that is over the latter is noted, on whichever side it is
    assert rules.reconcile([now_a], [past_b], TODAY).beside == {past_b.id}
    assert rules.reconcile([mandate(ada, date(2024, 1, 1), TODAY)], [now_b], TODAY).beside != {now_b.id}


def test_what_one_person_has_twice_ends_once() -> None:
    ada = uuid4()
    for role in (Role.REFERENT, Role.DELEGATE):
        one = mandate(ada, date(2025, 1, 1), role=role)
        other = mandate(ada, date(2025, 6, 1), organisation=OTHER, role=role)
        found = rules.reconcile([one], [other], TODAY)
        assert (found.ended, found.beside, found.conflicts) == ({one.id}, {one.id}, [])


def test_delegates_stand_beside_each_other() -> None:
    one = mandate(uuid4(), date(2025, 1, 1), role=Role.DELEGATE)
    other = mandate(uuid4(), date(2025, 1, 1), organisation=OTHER, role=Role.DELEGATE)
    found = rules.reconcile([one], [other], TODAY)
    assert (found.ended, found.beside, found.conflicts) == (set(), set(), [])


def test_the_seat_that_is_held_stays() -> None:
    one, other, ada, ugo = uuid4(), uuid4(), uuid4(), uuid4()
    pairs = [(NETWORK, one, other)]

    def closed(held: dict[UUID, list[Mandate]], ending: set[UUID] | None = None) -> rules.Seats:
        return rules.one_seat(pairs, held, set() if ending is None else ending, TODAY)

    assert closed({}).closed == {one}
    assert closed({one: [mandate(ada, DAY)]}).closed == {other}
    assert closed({one: [mandate(ada, DAY, TODAY)]}).closed == {one}
    assert closed({other: [mandate(ada, DAY)]}).closed == {one}
    ending: set[UUID] = set()
    held = mandate(ada, DAY)
    assert closed({one: [held], other: [mandate(ada, DAY)]}, ending).closed == {one}
    assert ending == {held.id}
    found = closed({one: [mandate(ada, DAY)], other: [mandate(ugo, DAY)]})
    assert ([c.code for c in found.conflicts], found.closed) == (["two_seats"], set())


def test_what_is_fulfilled_counts_for_both() -> None:
    class Owed:
        def __init__(self, state: str) -> None:
            self.id, self.state = uuid4(), state

    def spare(going: str, staying: str) -> tuple[str, bool]:
        one, other = Owed(going), Owed(staying)
        beside, waived = rules.once_owed([(one, other)])
        return ("going" if one.id in beside else "staying", bool(waived))

    assert spare("open", "open") == ("going", True)
    assert spare("late", "fulfilled") == ("going", True)
    assert spare("fulfilled", "open") == ("staying", True)
    assert spare("fulfilled", "fulfilled") == ("going", False)
    assert spare("waived", "open") == ("going", False)
    assert spare("open", "waived") == ("staying", False)

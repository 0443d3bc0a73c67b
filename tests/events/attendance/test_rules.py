"""Who counts, who stands for whom, and when it is enough: without a database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from fractions import Fraction
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.events.attendance.rules import (
    THERE,
    WITHOUT_BODY,
    Mode,
    Quorum,
    Rule,
    Voice,
    in_parts,
    proxies,
    quorum,
)

NOON = datetime(2024, 9, 12, 10, tzinfo=UTC)


def id_(number: int) -> UUID:
    return UUID(int=number)


def voice(
    number: int, mode: Mode | None = None, delegate: int | None = None, answered: int = 0, seat: int | None = None
) -> Voice:
    """Invitation `number` of person 100 + `number`; it delegated to the person of invitation `delegate`."""
    return Voice(
        id_(number),
        id_(100 + number),
        id_(seat if seat is not None else number),
        mode,
        id_(100 + delegate) if delegate is not None else None,
        NOON + timedelta(minutes=answered) if delegate is not None else None,
    )


def counted(voices: list[Voice], entitled: int, limit: int = 0, rule: Rule | None = None) -> Quorum:
    return quorum(rule or Rule(), 1, entitled, voices, proxies(voices, {}, limit))


@pytest.mark.parametrize(
    ("rule", "entitled", "needed"),
    [
        (Rule(1, 2, exceeded=True), 7, 4),
        (Rule(1, 2, exceeded=True), 6, 4),
        (Rule(1, 2, exceeded=False), 6, 3),
        (Rule(1, 2, exceeded=False), 7, 4),
        (Rule(2, 3, exceeded=False), 9, 6),
        (Rule(2, 3, exceeded=False), 10, 7),
        (Rule(1, 3, exceeded=True), 9, 4),
        (Rule(1, 1, exceeded=False), 5, 5),
        (Rule(0, 1, exceeded=False, at_least=3), 100, 3),
        (Rule(1, 2, exceeded=True, at_least=5), 3, 5),
        (Rule(1, 2, exceeded=True), 0, 1),
        (WITHOUT_BODY, 0, 1),
        (WITHOUT_BODY, 1000, 1),
    ],
)
def test_how_many_are_needed(rule: Rule, entitled: int, needed: int) -> None:
    assert rule.needed(entitled) == needed


def test_of_seven_seats_four_make_a_quorum_and_three_do_not() -> None:
    three = [voice(n, Mode.PRESENT) for n in (1, 2)] + [voice(3, Mode.REMOTE), voice(4, Mode.EXCUSED), voice(5)]
    assert counted(three, 7) == Quorum(1, 7, 3, 0, 4)
    assert (counted(three, 7).reached, counted(three, 7).missing) == (False, 1)
    four = [*three, voice(6, Mode.REMOTE)]
    assert (counted(four, 7).reached, counted(four, 7).missing) == (True, 0)


def test_vacant_seats_count_among_those_entitled() -> None:
    """Four of six holders are not more than half of eight seats."""
    voices = [voice(n, Mode.PRESENT) for n in range(1, 5)]
    assert counted(voices, 6).reached
    assert not counted(voices, 8).reached


def test_a_seat_counts_once_whoever_sits_in_it() -> None:
    twice = [voice(1, Mode.PRESENT, seat=1), voice(2, Mode.PRESENT, seat=1)]
    assert counted(twice, 7).present == 1


def test_a_seat_is_not_there_and_stood_for_at_once() -> None:
    """Its old holder delegated somebody, its new one came."""
    voices = [voice(1, Mode.PRESENT), voice(2, delegate=1, seat=9), voice(3, Mode.PRESENT, seat=9)]
    assert counted(voices, 7, limit=1) == Quorum(1, 7, 2, 0, 4)


def test_who_delegated_is_stood_for_by_who_is_there() -> None:
    voices = [voice(1, Mode.PRESENT), voice(2, delegate=1), voice(3, Mode.ABSENT, delegate=9)]
    assert proxies(voices, {}, 1) == {id_(2): id_(1)}
    assert counted(voices, 3, limit=1) == Quorum(1, 3, 1, 1, 2)


def test_without_proxies_in_the_body_nobody_stands_for_anybody() -> None:
    assert proxies([voice(1, Mode.PRESENT), voice(2, delegate=1)], {id_(2): id_(1)}, 0) == {}


def test_beyond_the_limit_who_answered_first_is_stood_for() -> None:
    voices = [voice(1, Mode.PRESENT), voice(2, delegate=1, answered=9), voice(3, delegate=1, answered=2)]
    assert proxies(voices, {}, 1) == {id_(3): id_(1)}
    assert proxies(voices, {}, 2) == {id_(2): id_(1), id_(3): id_(1)}


def test_what_was_recorded_by_hand_comes_before_answers() -> None:
    voices = [voice(1, Mode.PRESENT), voice(4, Mode.REMOTE), voice(2, delegate=1), voice(3, delegate=1)]
    assert proxies(voices, {id_(3): id_(1), id_(2): id_(4)}, 1) == {id_(3): id_(1), id_(2): id_(4)}


def test_a_proxy_ends_when_the_absent_one_comes_or_the_holder_goes() -> None:
    assert proxies([voice(1, Mode.PRESENT), voice(2, Mode.PRESENT, delegate=1)], {}, 1) == {}
    assert proxies([voice(1, Mode.EXCUSED), voice(2, delegate=1)], {}, 1) == {}
    assert proxies([voice(1), voice(2, delegate=1)], {}, 1) == {}


def test_the_limit_is_the_persons_whatever_seats_they_sit_in() -> None:
    one = voice(1, Mode.PRESENT)
    other = Voice(id_(5), one.person_id, id_(5), Mode.PRESENT)
    voices = [one, other, voice(2), voice(3)]
    assert proxies(voices, {id_(2): id_(1), id_(3): id_(5)}, 1) == {id_(2): id_(1)}


numbers = st.integers(1, 8)
rules = st.builds(
    lambda n, d, e, least: Rule(min(n, d), d, e and n < d, least), numbers, numbers, st.booleans(), st.integers(1, 5)
)
modes = st.none() | st.sampled_from(list(Mode))
voices_of_seats = st.lists(
    st.tuples(st.integers(1, 12), modes, st.none() | st.integers(1, 12), st.integers(0, 9), st.integers(1, 14)),
    max_size=12,
    unique_by=lambda v: v[0],
).map(lambda given: [voice(n, mode, to if to != n else None, at, seat) for n, mode, to, at, seat in given])


@given(rules, st.integers(0, 200))
def test_needed_is_the_smallest_number_that_the_rule_accepts(rule: Rule, entitled: int) -> None:
    bar = Fraction(entitled * rule.numerator, rule.denominator)

    def enough(there: int) -> bool:
        return there >= rule.at_least and (there > bar if rule.exceeded else there >= bar)

    needed = rule.needed(entitled)
    assert enough(needed)
    assert not enough(needed - 1)


@given(voices_of_seats, st.integers(0, 12), st.integers(0, 3), rules)
def test_no_more_are_counted_than_are_entitled(voices: list[Voice], entitled: int, limit: int, rule: Rule) -> None:
    """`entitled` seats beyond those of the voices are vacant."""
    seats = len({voice.voice for voice in voices})
    found = counted(voices, seats + entitled, limit, rule)
    assert 0 <= found.counted <= seats
    assert found.reached == (found.missing == 0)


@given(voices_of_seats, st.integers(1, 12), rules, st.data())
def test_who_comes_never_breaks_a_quorum(voices: list[Voice], entitled: int, rule: Rule, data: st.DataObject) -> None:
    """Without proxies: one more who is there. (With them, who comes back may have been stood for, and counts still.)"""
    before = counted(voices, entitled, 0, rule)
    if not voices:
        return
    who = data.draw(st.sampled_from(voices))
    come = [Voice(v.invitation_id, v.person_id, v.voice, Mode.PRESENT) if v is who else v for v in voices]
    assert counted(come, entitled, 0, rule).counted >= before.counted


@given(voices_of_seats, st.integers(0, 3), st.dictionaries(st.integers(1, 12), st.integers(1, 12)))
def test_a_proxy_is_always_of_somebody_away_held_by_somebody_there(
    voices: list[Voice], limit: int, by_hand: dict[int, int]
) -> None:
    known = {v.invitation_id: v for v in voices}
    found = proxies(voices, {id_(absent): id_(holder) for absent, holder in by_hand.items()}, limit)
    for absent, holder in found.items():
        assert known[absent].mode not in THERE
        assert known[holder].mode in THERE
    for person in {v.person_id for v in voices}:
        assert sum(known[holder].person_id == person for holder in found.values()) <= limit


@given(st.integers(0, 3001))
def test_whoever_was_there_is_in_one_part_and_no_part_holds_more_than_a_thousand(count: int) -> None:
    people = [id_(number) for number in range(count)]
    parts = in_parts(people)
    assert [person for part in parts for person in part] == people
    assert [len(part) for part in parts[:-1]] == [1000] * (len(parts) - 1)
    assert all(1 <= len(part) <= 1000 for part in parts)

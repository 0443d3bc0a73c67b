"""What carries a ballot, and who may vote in it: without a database."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.events.ballots.rules import (
    Ballot,
    BallotClosed,
    Basis,
    Delegated,
    InvalidMajority,
    Majority,
    NotThere,
    NotYours,
    NoVoice,
    Outcome,
    Tally,
    Ticket,
    Vote,
    outcome,
    tally,
)

NOW = datetime(2024, 9, 12, 10, tzinfo=UTC)
GIULIA, MARCO, ANNA = UUID(int=1), UUID(int=2), UUID(int=3)
SIMPLE = Majority()
TWO_THIRDS = Majority(2, 3, exceeded=False)
ABSOLUTE = Majority(1, 2, exceeded=True, of=Basis.ENTITLED)


@pytest.mark.parametrize(
    ("majority", "counted", "entitled", "carried"),
    [
        (SIMPLE, Tally(2, 1, 0), 7, True),
        (SIMPLE, Tally(2, 2, 0), 7, False),
        (SIMPLE, Tally(1, 0, 6), 7, True),
        (SIMPLE, Tally(0, 0, 7), 7, False),
        (SIMPLE, Tally(0, 0, 0), 7, False),
        (TWO_THIRDS, Tally(4, 2, 1), 7, True),
        (TWO_THIRDS, Tally(3, 2, 2), 7, False),
        (ABSOLUTE, Tally(4, 0, 0), 7, True),
        (ABSOLUTE, Tally(3, 0, 0), 7, False),
        (ABSOLUTE, Tally(3, 0, 0), 6, False),
        (ABSOLUTE, Tally(0, 0, 0), 0, False),
    ],
)
def test_what_carries(majority: Majority, counted: Tally, entitled: int, carried: bool) -> None:
    expected = Outcome.CARRIED if carried else Outcome.REJECTED
    assert outcome(counted, majority, entitled, quorate=True) is expected


def test_without_a_quorum_nothing_is_carried_and_nothing_rejected() -> None:
    assert outcome(Tally(7, 0, 0), SIMPLE, 7, quorate=False) is Outcome.NO_QUORUM


@pytest.mark.parametrize(
    "majority",
    [
        Majority(1, 3),
        Majority(1, 2, exceeded=False),
        Majority(1, 1, exceeded=True),
        Majority(3, 2),
        Majority(1, 2, exceeded=False, of=Basis.ENTITLED),
    ],
)
def test_a_majority_of_less_than_half_or_more_than_all_is_refused(majority: Majority) -> None:
    with pytest.raises(InvalidMajority):
        majority.checked()


@pytest.mark.parametrize(
    "majority", [SIMPLE, TWO_THIRDS, ABSOLUTE, Majority(1, 1, exceeded=False), Majority(3, 4), Majority(5, 9)]
)
def test_majorities_between_are_taken(majority: Majority) -> None:
    assert majority.checked() is majority


def test_a_vote_of_a_voice_that_is_gone_does_not_count() -> None:
    ballot = Ballot(UUID(int=9), UUID(int=8), "Si approva?", NOW)
    votes = {GIULIA: Vote.YES, MARCO: Vote.NO, ANNA: Vote.YES}
    ballot.close(votes, frozenset({GIULIA, MARCO}), NOW, quorate=True)
    assert (ballot.in_favour, ballot.against, ballot.abstained, ballot.entitled) == (1, 1, 0, 2)
    assert ballot.outcome is Outcome.REJECTED
    assert not ballot.open


def test_a_ballot_is_closed_once() -> None:
    ballot = Ballot(UUID(int=9), UUID(int=8), "Si approva?", NOW)
    ballot.close({}, frozenset(), NOW, quorate=True)
    with pytest.raises(BallotClosed):
        ballot.close({}, frozenset(), NOW, quorate=True)


TICKET = Ticket(UUID(int=10), GIULIA, UUID(int=11), issued=True, by_mandate=True, in_force=True)


def test_whose_mandate_is_in_force_votes() -> None:
    TICKET.require(GIULIA)
    replace(TICKET, mode="remote").require(GIULIA)


def test_nobody_votes_with_anothers_invitation() -> None:
    with pytest.raises(NotYours):
        TICKET.require(MARCO)
    with pytest.raises(NotYours):
        replace(TICKET, in_force=False).require(MARCO)


@pytest.mark.parametrize(
    ("ticket", "reason"),
    [
        (replace(TICKET, issued=False), "withdrawn"),
        (replace(TICKET, by_mandate=False), "by_name"),
        (replace(TICKET, in_force=False), "mandate_over"),
    ],
)
def test_without_a_mandate_in_force_there_is_no_vote(ticket: Ticket, reason: str) -> None:
    with pytest.raises(NoVoice) as refused:
        ticket.require(GIULIA)
    assert refused.value.reason == reason


def test_who_stands_for_another_votes_in_their_place_and_they_do_not() -> None:
    delegated = replace(TICKET, proxy=MARCO, proxy_name="Marco Leone", mode="absent")
    delegated.require(MARCO)
    with pytest.raises(Delegated):
        delegated.require(GIULIA)
    with pytest.raises(NotYours):
        delegated.require(ANNA)


@pytest.mark.parametrize("mode", ["excused", "absent"])
def test_who_is_recorded_as_away_does_not_vote(mode: str) -> None:
    with pytest.raises(NotThere):
        replace(TICKET, mode=mode).require(GIULIA)


voices = st.integers(1, 15).map(lambda n: UUID(int=n))
ballots = st.lists(st.tuples(voices, st.sampled_from(list(Vote))), max_size=40)


@given(ballots, st.frozensets(voices))
def test_no_vote_is_counted_twice_and_no_more_than_are_entitled(
    cast: list[tuple[UUID, Vote]], entitled: frozenset[UUID]
) -> None:
    """A re-vote replaces: of each voice the last vote counts, whatever came before."""
    last = dict(cast)
    ballot = Ballot(UUID(int=9), UUID(int=8), "Si approva?", NOW)
    ballot.close(last, entitled, NOW, quorate=True)
    total = ballot.in_favour + ballot.against + ballot.abstained
    assert total == len({voice for voice, _ in cast} & entitled) <= len(entitled) == ballot.entitled


halves = st.tuples(st.integers(1, 9), st.integers(1, 9)).filter(lambda n: n[0] < n[1] and 2 * n[0] >= n[1])


@given(halves, st.sampled_from(list(Basis)), st.lists(st.sampled_from(list(Vote)), max_size=20), st.integers(0, 5))
def test_a_motion_and_its_opposite_are_never_both_carried(
    share: tuple[int, int], basis: Basis, votes: list[Vote], silent: int
) -> None:
    majority = Majority(*share, exceeded=True, of=basis).checked()
    entitled = len(votes) + silent
    counted = tally(votes)
    opposite = Tally(counted.against, counted.in_favour, counted.abstained)
    both = [outcome(side, majority, entitled, quorate=True) for side in (counted, opposite)]
    assert both.count(Outcome.CARRIED) <= 1


@given(st.lists(st.sampled_from(list(Vote)), max_size=20), st.integers(0, 5))
def test_one_more_in_favour_never_loses_a_ballot(votes: list[Vote], silent: int) -> None:
    entitled = len(votes) + silent + 1
    for majority in (SIMPLE, TWO_THIRDS, ABSOLUTE):
        if outcome(tally(votes), majority, entitled, quorate=True) is Outcome.CARRIED:
            assert outcome(tally([*votes, Vote.YES]), majority, entitled, quorate=True) is Outcome.CARRIED

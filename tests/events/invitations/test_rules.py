from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.events.invitations.rules import Channel, Invitation, Line, NotDelegable, Reply, State

NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)
MEETING, NETWORK = UUID(int=1), UUID(int=2)
ANNA, BRUNO, CARLA, DARIO = (UUID(int=n) for n in (11, 12, 13, 14))


def invited(person: UUID, **state: Any) -> Invitation:
    return Invitation(MEETING, NETWORK, person, **state)


def refusal(of: Invitation, delegate: UUID | None, others: Sequence[Invitation], proxies: int = 1) -> str:
    with pytest.raises(NotDelegable) as refused:
        of.delegate(delegate, others, proxies)
    return refused.value.code


def test_the_last_answer_counts_and_says_who_entered_it() -> None:
    anna = invited(ANNA)
    anna.reply(Reply.DELEGATED, NOW, None, BRUNO, via=Channel.LINK)
    anna.reply(Reply.NO, NOW, CARLA, via=Channel.COORDINATION)
    assert (anna.answer, anna.answered_by, anna.delegate_id) == (Reply.NO, CARLA, None)
    assert anna.answered_via is Channel.COORDINATION


def test_an_invited_person_may_stand_for_another() -> None:
    assert invited(ANNA).delegate(BRUNO, [invited(BRUNO)], 1) == BRUNO
    assert invited(ANNA).delegate(BRUNO, [invited(BRUNO, answer=Reply.YES)], 1) == BRUNO


def test_where_nobody_may_stand_for_others_nobody_is_delegated() -> None:
    assert refusal(invited(ANNA), BRUNO, [invited(BRUNO)], proxies=0) == "no_proxies"


def test_a_delegation_names_somebody_else_who_is_invited() -> None:
    anna = invited(ANNA)
    assert refusal(anna, None, [invited(BRUNO)]) == "missing"
    assert refusal(anna, ANNA, [invited(ANNA)]) == "self"
    assert refusal(anna, CARLA, [invited(BRUNO)]) == "not_invited"
    assert refusal(anna, BRUNO, [invited(BRUNO, state=State.WITHDRAWN)]) == "not_invited"


def test_a_delegation_is_not_passed_on() -> None:
    delegated = invited(BRUNO, answer=Reply.DELEGATED, delegate_id=CARLA)
    assert refusal(invited(ANNA), BRUNO, [delegated, invited(CARLA)]) == "delegated_on"
    stands = invited(CARLA, answer=Reply.DELEGATED, delegate_id=ANNA)
    assert refusal(invited(ANNA), BRUNO, [invited(BRUNO), stands]) == "stands_for_others"


def test_who_will_not_come_stands_for_nobody() -> None:
    assert refusal(invited(ANNA), BRUNO, [invited(BRUNO, answer=Reply.NO)]) == "not_coming"


def test_nobody_stands_for_more_than_the_body_allows() -> None:
    others = [invited(BRUNO), invited(CARLA, answer=Reply.DELEGATED, delegate_id=BRUNO)]
    assert refusal(invited(ANNA), BRUNO, others, proxies=1) == "too_many"
    assert invited(ANNA).delegate(BRUNO, others, 2) == BRUNO


def test_ones_own_delegation_is_not_counted_when_it_is_repeated() -> None:
    anna = invited(ANNA, answer=Reply.DELEGATED, delegate_id=BRUNO)
    assert anna.delegate(BRUNO, [anna, invited(BRUNO)], 1) == BRUNO


def test_a_withdrawn_invitation_takes_no_place_with_a_delegate() -> None:
    gone = invited(CARLA, state=State.WITHDRAWN, answer=Reply.DELEGATED, delegate_id=BRUNO)
    assert invited(ANNA).delegate(BRUNO, [invited(BRUNO), gone], 1) == BRUNO


@given(
    st.lists(st.tuples(st.integers(0, 4), st.sampled_from(list(Reply)), st.integers(0, 4)), max_size=25),
    st.integers(0, 3),
)
def test_whatever_is_answered_nobody_stands_for_too_many_nor_passes_a_delegation_on(
    answers: list[tuple[int, Reply, int]], proxies: int
) -> None:
    people = [ANNA, BRUNO, CARLA, DARIO, UUID(int=15)]
    everyone = [invited(person) for person in people]
    for who, reply, whom in answers:
        invitation = everyone[who]
        try:
            delegate = invitation.delegate(people[whom], everyone, proxies) if reply is Reply.DELEGATED else None
        except NotDelegable:
            continue
        invitation.reply(reply, NOW, None, delegate, via=Channel.LINK)
        if reply in (Reply.NO, Reply.DELEGATED):  # what was delegated to somebody who will not come lapses
            for other in everyone:
                if other.delegate_id == invitation.person_id:
                    other.answer, other.delegate_id = None, None
        delegated = {i.person_id: i.delegate_id for i in everyone if i.answer is Reply.DELEGATED}
        assert not set(delegated) & set(delegated.values())
        assert all(list(delegated.values()).count(delegate) <= proxies for delegate in delegated.values())


# --- places -----------------------------------------------------------------------------------------------------------


def line(everyone: Sequence[Invitation], places: int) -> Line:
    turns = [one.turn for one in everyone if one.turn is not None]
    return Line(places, sum(one.placed for one in everyone), max(turns, default=0))


@pytest.mark.parametrize(
    ("places", "taken", "last", "turn"), [(2, 0, 0, None), (2, 1, 0, None), (2, 2, 0, 1), (2, 2, 3, 4), (2, 1, 3, 4)]
)
def test_who_comes_to_a_full_meeting_gets_the_next_turn(places: int, taken: int, last: int, turn: int | None) -> None:
    assert Line(places, taken, last).turn() == turn


@given(
    answers=st.lists(st.tuples(st.integers(0, 4), st.sampled_from([Reply.YES, Reply.NO, Reply.PERHAPS])), max_size=40),
    places=st.integers(1, 4),
)
def test_whatever_is_answered_places_are_full_before_anybody_waits(
    answers: list[tuple[int, Reply]], places: int
) -> None:
    """Nobody is placed beyond the places; who waited longest comes in; a yes said again changes nothing."""
    everyone = [invited(UUID(int=20 + number)) for number in range(5)]
    came: list[Invitation] = []
    for who, reply in answers:
        invitation = everyone[who]
        others = [other for other in everyone if other is not invitation]
        freed = invitation.reply(reply, NOW, None, via=Channel.LINK, line=line(others, places))
        if reply is not Reply.YES and invitation in came:
            came.remove(invitation)
        elif reply is Reply.YES and invitation not in came:
            came.append(invitation)
        if freed:  # as the database admits
            waiting = sorted((one for one in everyone if one.turn is not None), key=lambda one: one.turn or 0)
            for one in waiting[: places - sum(one.placed for one in everyone)]:
                one.turn = None
        assert [one for one in came if one.placed] == came[:places]
        assert all(one.waiting for one in came[places:])

"""The states of minutes and their numbers: without a database."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.events.minutes.rules import (
    FROM,
    AnswerState,
    Approval,
    Approver,
    InvalidRule,
    Minutes,
    NotAsked,
    NotEditable,
    NotHeld,
    NotPossibleNow,
    NotTheBallot,
    OthersApprove,
    Rule,
    State,
    UnknownSection,
    Verdict,
    require_held,
    verdict,
)

NOW = datetime(2025, 1, 10, 10, tzinfo=UTC)
BODY, NETWORK = UUID(int=1), UUID(int=2)


def minutes(**more: Any) -> Minutes:
    return Minutes(
        UUID(int=9),
        NETWORK,
        date(2024, 12, 20),
        **{"quorate": True, "present": 4, "entitled": 7, "body_id": BODY, **more},
    )


def act(one: Minutes, action: str) -> None:
    if action == "submit":
        one.submit(None, None, 0, NOW)
    elif action == "return":
        one.send_back("Manca un intervento")
    elif action == "approve":
        one.approve(3, None, NOW, NOW.date())
    else:
        one.require("write")


def test_minutes_are_drafted_submitted_returned_and_approved() -> None:
    one = minutes()
    act(one, "submit")
    assert one.state is State.IN_APPROVAL
    act(one, "return")
    assert (one.state, one.remarks) == (State.DRAFT, "Manca un intervento")
    act(one, "submit")
    assert one.remarks is None
    act(one, "approve")
    assert (one.state, one.label, one.approved_on) == (State.APPROVED, "3/2024", date(2025, 1, 10))


def test_the_number_is_of_the_meetings_year_and_body() -> None:
    assert minutes().series == (BODY, 2024)
    assert minutes(body_id=None).series == (NETWORK, 2024)
    assert minutes().label is None


@given(st.lists(st.sampled_from(list(FROM)), max_size=12))
def test_nothing_is_done_with_approved_minutes_whatever_was_done_before(actions: list[str]) -> None:
    one = minutes()
    for action in actions:
        allowed = one.actions()
        if action in allowed:
            act(one, action)
        else:
            with pytest.raises(NotPossibleNow):
                act(one, action)
    if one.state is State.APPROVED:
        assert one.actions() == []
        assert one.number == 3


@pytest.mark.parametrize("state", ["draft", "convened", "cancelled"])
def test_there_are_no_minutes_of_a_meeting_not_held(state: str) -> None:
    with pytest.raises(NotHeld):
        require_held(state)


def test_there_are_of_one_that_was() -> None:
    require_held("held")


def rule(approval: Approval = Approval.ATTENDEES, **more: Any) -> Rule:
    return Rule(BODY, NETWORK, approval, **more)


@pytest.mark.parametrize(("asked", "needed"), [(1, 1), (2, 2), (3, 2), (6, 4), (7, 5), (50, 34)])
def test_a_share_of_those_who_were_there_is_rounded_up(asked: int, needed: int) -> None:
    assert rule(numerator=2, denominator=3).needed(asked) == needed


@given(st.integers(1, 500), st.integers(1, 100), st.integers(1, 100))
def test_never_more_are_needed_than_are_asked_and_never_none(asked: int, one: int, other: int) -> None:
    share = rule(numerator=min(one, other), denominator=max(one, other))
    share.check()
    assert 1 <= share.needed(asked) <= asked
    assert share.needed(asked) * share.denominator >= asked * share.numerator


@pytest.mark.parametrize(
    ("wrong", "path"),
    [({"numerator": 3, "denominator": 2}, "/share"), ({"days": 0}, "/days"), ({"days": 61}, "/days")],
)
def test_a_rule_that_nobody_could_keep_is_none(wrong: dict[str, Any], path: str) -> None:
    with pytest.raises(InvalidRule) as refused:
        rule(**wrong).check()
    assert refused.value.path == path


def test_answers_count_to_the_end_of_the_last_day_in_italy_across_the_change_of_clocks() -> None:
    submitted = datetime(2026, 3, 26, 23, 30, tzinfo=UTC)  # the 27th in Italy, and the clocks change on the 29th
    one = minutes()
    one.submit(None, rule(days=3), 5, submitted)
    assert one.answers_until == datetime(2026, 3, 30, 22, tzinfo=UTC)
    assert one.last_day == date(2026, 3, 30)


@given(st.data())
def test_the_answers_decide_as_soon_as_they_can_and_when_their_time_is_over_always(data: st.DataObject) -> None:
    asked = data.draw(st.integers(1, 40))
    needed = data.draw(st.integers(1, asked))
    approved = data.draw(st.integers(0, asked))
    objected = data.draw(st.integers(0, asked - approved))
    silence = data.draw(st.booleans())
    early = verdict(asked, needed, approved, objected, silence=silence, over=False)
    late = verdict(asked, needed, approved, objected, silence=silence, over=True)
    assert (early is Verdict.APPROVED) == (approved >= needed)
    assert (early is Verdict.RETURNED) == (asked - objected < needed)
    agreeing = asked - objected if silence else approved
    assert late is (Verdict.APPROVED if agreeing >= needed else Verdict.RETURNED)
    assert early in (None, late)


def test_the_rule_of_the_body_is_that_of_the_day_of_submission() -> None:
    one = minutes()
    one.submit(None, rule(numerator=2, denominator=3, silence=False), 4, NOW)
    assert (one.approval, one.asked, one.needed, one.silence, one.round) == (Approval.ATTENDEES, 4, 3, False, 1)
    with pytest.raises(OthersApprove):
        one.require_approver(None)
    assert one.offered() == ["return"]
    one.send_back("Manca un intervento")
    one.submit(None, rule(Approval.COORDINATION), 4, NOW)
    assert (one.approval, one.asked, one.needed, one.answers_until, one.round) == (
        Approval.COORDINATION, 0, 0, None, 2,
    )  # fmt: skip
    one.require_approver(None)


def test_where_nobody_was_there_the_coordination_says_that_they_are_right() -> None:
    one = minutes()
    one.submit(None, rule(), 0, NOW)
    assert (one.approval, one.offered()) == (Approval.COORDINATION, ["return", "approve"])


@pytest.mark.parametrize(
    ("approval", "ballot", "code"),
    [(Approval.NEXT_MEETING, None, "missing"), (Approval.COORDINATION, UUID(int=5), "not_asked")],
)
def test_a_later_meeting_approves_by_its_motion_and_the_coordination_without(
    approval: Approval, ballot: UUID | None, code: str
) -> None:
    one = minutes()
    one.submit(None, rule(approval), 4, NOW)
    with pytest.raises(NotTheBallot) as refused:
        one.require_approver(ballot)
    assert refused.value.code == code


def test_the_last_answer_counts_and_none_after_nobody_asks_any_more() -> None:
    one = Approver(UUID(int=1), UUID(int=2), NETWORK, UUID(int=3), 1)
    one.answer("Manca il mio intervento", NOW)
    assert (one.state, one.reason) == (AnswerState.OBJECTED, "Manca il mio intervento")
    one.answer(None, NOW + timedelta(hours=1))
    assert (one.state, one.reason) == (AnswerState.APPROVED, None)
    one.state = AnswerState.WITHDRAWN
    with pytest.raises(NotAsked):
        one.answer(None, NOW)


def test_what_tells_may_be_rewritten_and_what_counts_may_not() -> None:
    codes = ("meeting", "agenda", "attendance", "quorum", "ballots", "decisions", "notes")
    one = minutes(document={"sections": [{"code": code} for code in codes]})
    for code in ("meeting", "agenda", "attendance"):
        one.edit(code, "Testo", "mark", instead=True)
    for code in ("quorum", "ballots", "decisions"):
        with pytest.raises(NotEditable):
            one.edit(code, "Testo", "mark", instead=True)
        one.edit(code, "Testo", "mark", instead=False)
    for code in ("notes", "unknown"):
        with pytest.raises(UnknownSection):
            one.edit(code, "Testo", "mark", instead=False)
    assert set(one.edits) == set(codes) - {"notes"}
    one.edit("agenda", "  ", "mark", instead=True)
    assert "agenda" not in one.edits

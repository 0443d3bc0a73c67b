"""What is true of commitments, on any day and after any acts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from uuid_utils.compat import uuid7

from services.registry.commitments.rules import (
    DEBTORS,
    LONGEST_TEXT,
    AlreadyStopped,
    Closed,
    Commitment,
    DebtorMissing,
    DebtorOfRule,
    EvidenceMissing,
    InvalidDay,
    Kind,
    ReasonMissing,
    Rule,
    Source,
    State,
    TermMissing,
    TooLong,
    WaiverCode,
    late_at,
    lay_down,
    make,
    overdue,
)
from shared.access.actor import ROME

TODAY = date(2026, 3, 10)
NETWORK, ORGANISATION, PERSON = uuid7(), uuid7(), uuid7()


def commitment(due: date = TODAY, **more: Any) -> Commitment:
    given: dict[str, Any] = {"organisation_id": ORGANISATION, **more}
    return Commitment(NETWORK, "Elenco", Kind.ACTION, due, TODAY, **given)


def after(days: int) -> date:
    return TODAY + timedelta(days=days)


def grow_late(one: Commitment, on: date) -> bool:
    """What the due table does on that day."""
    if not overdue(one.state, one.due, on):
        return False
    one.state = State.LATE
    return True


Act = Callable[[Commitment], None]


def done(on: date) -> Act:
    return lambda one: one.fulfil(on, "Fatto", None, on)


def waived(on: date) -> Act:
    return lambda one: one.waive("Perché", on)


def test_the_last_day_is_still_in_time() -> None:
    one = commitment()
    assert not grow_late(one, TODAY)
    assert grow_late(one, after(1))
    assert one.state is State.LATE
    assert not grow_late(one, after(2)), "stated once"


def test_a_late_one_can_still_be_fulfilled_or_waived() -> None:
    for act in (done(after(1)), waived(after(1))):
        one = commitment()
        grow_late(one, after(1))
        act(one)
        assert not one.running


@pytest.mark.parametrize(
    ("day", "evidence", "link", "refusal"),
    [
        (TODAY, None, None, EvidenceMissing),
        (TODAY, " \n", "", EvidenceMissing),
        (after(1), "Fatto", None, InvalidDay),
        (after(-1), "Fatto", None, InvalidDay),
        (TODAY, "x" * (LONGEST_TEXT + 1), None, TooLong),
    ],
)
def test_a_fulfilment_is_refused_and_nothing_changes(
    day: date, evidence: str | None, link: str | None, refusal: type[Exception]
) -> None:
    one = commitment()
    with pytest.raises(refusal):
        one.fulfil(day, evidence, link, TODAY)
    assert (one.state, one.fulfilled_on, one.evidence) == (State.OPEN, None, None)


def test_words_or_a_link_are_enough() -> None:
    for evidence, link in ((" Fatto ", None), (None, "https://example.org")):
        one = commitment()
        one.fulfil(TODAY, evidence, link, TODAY)
        assert (one.state, one.fulfilled_on) == (State.FULFILLED, TODAY)
        assert (one.evidence, one.link) == (evidence and "Fatto", link)


def test_a_waiver_needs_a_reason() -> None:
    one = commitment()
    for reason in (None, "", "  "):
        with pytest.raises(ReasonMissing):
            one.waive(reason, TODAY)
    one.waive(" Già dato ", TODAY)
    assert (one.state, one.waived_on, one.waiver_code, one.waiver_reason) == (
        State.WAIVED,
        TODAY,
        WaiverCode.DECIDED,
        "Già dato",
    )


def test_what_is_closed_takes_no_act() -> None:
    for close in (done(TODAY), waived(TODAY)):
        one = commitment()
        close(one)
        assert one.actions() == []
        assert not grow_late(one, after(9))
        for act in (done(TODAY), waived(TODAY)):
            with pytest.raises(Closed):
                act(one)
        with pytest.raises(Closed):
            one.change(TODAY, title="Altro")


@pytest.mark.parametrize("given", [{}, dict.fromkeys(DEBTORS), {"person_id": PERSON, "organisation_id": ORGANISATION}])
def test_there_is_one_debtor(given: dict[str, UUID | None]) -> None:
    with pytest.raises(DebtorMissing):
        make(Commitment(NETWORK, "Elenco", Kind.ACTION, TODAY, TODAY, **given), TODAY)  # type: ignore[arg-type]


def test_nothing_is_owed_by_a_day_that_has_passed() -> None:
    with pytest.raises(InvalidDay) as refusal:
        make(commitment(after(-1)), TODAY)
    assert (refusal.value.path, refusal.value.accepted) == ("/due", ">= 2026-03-10")
    make(commitment(TODAY), TODAY)


def test_another_debtor_replaces_the_one_before() -> None:
    one = commitment()
    assert one.change(TODAY, person_id=PERSON)
    assert (one.person_id, one.organisation_id) == (PERSON, None)
    with pytest.raises(DebtorMissing):
        one.change(TODAY, person_id=None)
    by_rule = commitment(source=Source.RULE, source_id=uuid7())
    assert not by_rule.change(TODAY, organisation_id=ORGANISATION)
    with pytest.raises(DebtorOfRule):
        by_rule.change(TODAY, person_id=PERSON)


def test_what_does_not_differ_is_no_change() -> None:
    one = commitment(after(-5))
    grow_late(one, TODAY)
    assert not one.change(TODAY, title="Elenco", due=after(-5))
    assert one.state is State.LATE


def test_a_list_is_uploaded_where_an_organisation_owes_it() -> None:
    assert "upload" in commitment_of_list(organisation_id=ORGANISATION).actions()
    assert "upload" not in commitment_of_list(organisation_id=None, person_id=PERSON).actions()
    assert "upload" not in commitment().actions()


def commitment_of_list(**debtor: Any) -> Commitment:
    return Commitment(NETWORK, "Elenco", Kind.LIST_OF_REPRESENTATIVES, TODAY, TODAY, **debtor)


@pytest.mark.parametrize(
    ("due", "instant"),
    [
        (date(2026, 3, 28), datetime(2026, 3, 29, tzinfo=ROME)),  # the clocks go forward that night
        (date(2026, 10, 25), datetime(2026, 10, 26, tzinfo=ROME)),
        (date(2025, 3, 12), datetime(2025, 3, 13, tzinfo=ROME)),
        (date(2024, 12, 31), datetime(2025, 1, 1, tzinfo=ROME)),
    ],
)
def test_late_begins_at_midnight_in_italy(due: date, instant: datetime) -> None:
    assert late_at(due) == instant
    assert late_at(due).astimezone(ROME).date() == due + timedelta(days=1)


# --- rules -----------------------------------------------------------------------------------------------------------


def rule(**term: Any) -> Rule:
    return Rule(NETWORK, Kind.ACTION, "Azione", TODAY, **term)


@pytest.mark.parametrize("term", [{}, {"due": TODAY, "days": 3}])
def test_a_rule_has_one_term(term: dict[str, Any]) -> None:
    with pytest.raises(TermMissing):
        lay_down(rule(**term), TODAY)


def test_nobody_is_late_for_what_they_could_not_know() -> None:
    by_day, by_days = lay_down(rule(due=after(5)), TODAY), lay_down(rule(days=30), TODAY)
    assert by_day.due_for(after(-100), TODAY) == after(5)
    assert by_day.due_for(after(6), after(6)) is None
    assert by_days.due_for(after(-100), TODAY) == after(30)
    assert by_days.due_for(after(7), TODAY) == after(37)


def test_a_rule_is_stopped_once() -> None:
    one = rule(days=1)
    one.stop(TODAY)
    with pytest.raises(AlreadyStopped):
        one.stop(TODAY)


# --- after any acts --------------------------------------------------------------------------------------------------

act = st.tuples(st.sampled_from(["fulfil", "waive", "change", "pass"]), st.integers(-3, 12), st.booleans())
REFUSALS = (Closed, EvidenceMissing, ReasonMissing, InvalidDay)


@given(st.lists(act, max_size=15), st.integers(0, 10))
@settings(max_examples=300, deadline=None)
def test_whatever_is_done_it_ends_once_and_says_how(script: list[tuple[str, int, bool]], due: int) -> None:
    one, today, told = commitment(after(due)), TODAY, [State.OPEN]
    for what, days, good in script:
        try:
            if what == "pass":
                today += timedelta(days=max(days, 0))
                grow_late(one, today)
            elif what == "fulfil":
                one.fulfil(after(days), "Fatto" if good else None, None, today)
            elif what == "waive":
                one.waive("Perché" if good else None, today)
            else:
                one.change(today, due=after(days))
        except REFUSALS:
            continue
        if one.state is not told[-1]:
            told.append(one.state)
    assert [state for state in told if state in (State.FULFILLED, State.WAIVED)] in (
        [],
        [State.FULFILLED],
        [State.WAIVED],
    )
    assert (one.state is State.FULFILLED) == (one.fulfilled_on is not None) == (one.evidence is not None)
    assert (one.state is State.WAIVED) == (one.waived_on is not None) == (one.waiver_reason is not None)
    if one.fulfilled_on is not None:
        assert one.made_on <= one.fulfilled_on <= today
    if one.state is State.LATE:
        assert one.due < today
    if told[-1] is State.OPEN:
        assert one.running

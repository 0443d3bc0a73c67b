"""Notices and consents: what may happen to them, on which days."""

from __future__ import annotations

from datetime import date, timedelta
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.registry.processing import rules
from services.registry.processing.rules import (
    Basis,
    Consent,
    ConsentedAlready,
    How,
    InvalidDay,
    NotByConsent,
    NothingToTell,
    Notice,
    Processing,
    ReasonMissing,
    State,
    Terms,
    WaiverCode,
    WithdrawnAlready,
)

TODAY = date(2026, 3, 10)


def notice(state: State = State.OWED) -> Notice:
    return Notice(uuid4(), uuid4(), TODAY, rules.tell_by(TODAY), state)


@pytest.mark.parametrize(
    ("entered", "last"),
    [
        (date(2026, 3, 10), date(2026, 4, 10)),
        (date(2026, 1, 31), date(2026, 2, 28)),
        (date(2024, 1, 31), date(2024, 2, 29)),
        (date(2026, 12, 15), date(2027, 1, 15)),
        (date(2026, 11, 30), date(2026, 12, 30)),
    ],
)
def test_a_notice_is_in_time_for_one_calendar_month(entered: date, last: date) -> None:
    assert rules.tell_by(entered) == last


@given(st.dates(date(1900, 1, 1), date(2200, 11, 30)))
def test_the_month_is_never_longer_than_31_days_nor_shorter_than_28(entered: date) -> None:
    assert timedelta(28) <= rules.tell_by(entered) - entered <= timedelta(31)


def test_a_notice_is_overdue_from_the_day_after_its_last_until_the_person_is_told() -> None:
    one = notice(State.UNREACHABLE)
    assert not one.overdue(one.due)
    assert one.overdue(one.due + timedelta(1))
    one.hand(TODAY, How.HANDED, None, TODAY)
    assert not one.overdue(one.due + timedelta(1))


@pytest.mark.parametrize("state", [State.OWED, State.ASKED, State.FAILED, State.UNREACHABLE])
def test_who_has_not_been_told_can_be_told_by_hand(state: State) -> None:
    one = notice(state)
    one.hand(TODAY - timedelta(2), How.PHONE, None, TODAY)
    assert (one.state, one.handed_on, one.how) == (State.TOLD, TODAY - timedelta(2), How.PHONE)


@pytest.mark.parametrize("state", [State.TOLD, State.WAIVED])
def test_nobody_is_told_twice(state: State) -> None:
    with pytest.raises(NothingToTell):
        notice(state).hand(TODAY, How.HANDED, None, TODAY)
    with pytest.raises(NothingToTell):
        notice(state).waive("Lo sa", None)


@pytest.mark.parametrize("day", [TODAY + timedelta(1), date(1899, 12, 31)])
def test_nobody_has_been_told_tomorrow(day: date) -> None:
    with pytest.raises(InvalidDay):
        notice().hand(day, How.HANDED, None, TODAY)


def test_a_waiver_says_why() -> None:
    one = notice()
    with pytest.raises(ReasonMissing):
        one.waive("  ", None)
    assert one.state is State.OWED
    one.waive(" Ha firmato ", None)
    assert (one.state, one.waiver_code, one.waiver_reason) == (State.WAIVED, WaiverCode.INFORMED, "Ha firmato")
    assert one.actions() == []


@pytest.mark.parametrize("basis", [basis for basis in Basis if basis is not Basis.CONSENT])
def test_consent_is_asked_for_only_where_it_is_the_basis(basis: Basis) -> None:
    with pytest.raises(NotByConsent):
        rules.consent(basis, Consent(uuid4(), uuid4(), TODAY), None, TODAY)
    assert rules.consent(Basis.CONSENT, Consent(uuid4(), uuid4(), TODAY), None, TODAY)


def test_a_consent_stands_until_it_is_withdrawn_and_then_a_new_one_may_be_given() -> None:
    first = Consent(uuid4(), uuid4(), TODAY)
    with pytest.raises(ConsentedAlready):
        rules.consent(Basis.CONSENT, Consent(first.network_id, first.person_id, TODAY), first, TODAY)
    with pytest.raises(InvalidDay):
        first.withdraw(TODAY - timedelta(1), TODAY)
    with pytest.raises(InvalidDay):
        first.withdraw(TODAY + timedelta(1), TODAY)
    first.withdraw(TODAY, TODAY)
    with pytest.raises(WithdrawnAlready):
        first.withdraw(TODAY, TODAY)


def test_nobody_has_consented_tomorrow() -> None:
    with pytest.raises(InvalidDay):
        rules.consent(Basis.CONSENT, Consent(uuid4(), uuid4(), TODAY + timedelta(1)), None, TODAY)


def test_the_same_terms_change_nothing() -> None:
    terms = Terms("Rete", "privacy@rete.example", ("Convocare",), Basis.CONTRACT, 12)
    record = Processing(uuid4(), **terms.as_dict())
    assert not record.change(terms)
    assert record.change(Terms("Rete", "privacy@rete.example", ("Convocare",), Basis.CONTRACT, 13))
    assert record.retention_months == 13

"""What is true of mandates, without a database, a loop or a clock."""

from __future__ import annotations

from datetime import date, timedelta
from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from services.registry.mandates.rules import (
    EndReason,
    HeldAlready,
    InvalidTerm,
    Mandate,
    Misplaced,
    NotPossibleNow,
    OfficeTaken,
    State,
    designate,
    replace,
)
from shared.access.roles import Role

NETWORK, ORGANISATION, OTHER = uuid7(), uuid7(), uuid7()
GIULIA, MARCO = uuid7(), uuid7()
MARCH, JUNE, SEPTEMBER = date(2026, 3, 1), date(2026, 6, 1), date(2026, 9, 1)
DAY = timedelta(days=1)


def referent(since: date = MARCH, until: date | None = None, person: UUID = GIULIA, **more: object) -> Mandate:
    return Mandate(NETWORK, person, Role.REFERENT, since, until, ORGANISATION, **more)  # type: ignore[arg-type]


def test_a_mandate_is_in_office_from_its_first_day_until_the_day_before_its_end() -> None:
    mandate = referent(MARCH, JUNE)
    assert mandate.state(MARCH - DAY) is State.DESIGNATED
    assert mandate.state(MARCH) is State.IN_OFFICE
    assert mandate.state(JUNE - DAY) is State.IN_OFFICE
    assert mandate.state(JUNE) is State.ENDED


def test_without_an_end_of_the_term_it_is_in_office_until_somebody_ends_it() -> None:
    mandate = referent(MARCH)
    assert mandate.state(date(2126, 3, 1)) is State.IN_OFFICE
    mandate.end(JUNE, EndReason.RESIGNED, on=MARCH)
    assert (mandate.state(JUNE - DAY), mandate.state(JUNE)) == (State.IN_OFFICE, State.ENDED)


def test_who_holds_over_acts_after_the_term_until_ended() -> None:
    mandate = referent(MARCH, JUNE, holds_over=True)
    assert (mandate.state(JUNE - DAY), mandate.state(JUNE)) == (State.IN_OFFICE, State.HOLDING_OVER)
    assert mandate.ends is None
    mandate.end(SEPTEMBER, EndReason.REPLACED, on=JUNE)
    assert (mandate.state(SEPTEMBER - DAY), mandate.state(SEPTEMBER)) == (State.HOLDING_OVER, State.ENDED)
    assert mandate.ends == SEPTEMBER


def test_a_designation_may_be_withdrawn_and_is_then_never_held() -> None:
    mandate = referent(JUNE, SEPTEMBER)
    mandate.end(MARCH, EndReason.DECLINED, on=MARCH)
    assert mandate.state(MARCH) is State.ENDED
    assert mandate.state(JUNE) is State.ENDED
    assert mandate.ends == JUNE
    designate(referent(JUNE, SEPTEMBER, person=MARCO), [mandate])  # the office was never taken


def test_the_turns_are_told_one_after_the_other() -> None:
    mandate = referent(MARCH, JUNE, holds_over=True)
    assert mandate.next_turn() == (MARCH, State.IN_OFFICE)
    mandate.told = State.IN_OFFICE
    assert mandate.next_turn() == (JUNE, State.HOLDING_OVER)
    mandate.told = State.HOLDING_OVER
    assert mandate.next_turn() is None
    mandate.end(SEPTEMBER, EndReason.RESIGNED, on=JUNE)
    assert mandate.next_turn() == (SEPTEMBER, State.ENDED)


@pytest.mark.parametrize(
    ("role", "given", "missing", "path"),
    [
        (Role.REFERENT, {}, True, "/organisation_id"),
        (Role.REFERENT, {"organisation_id": ORGANISATION, "territory": "03"}, False, "/territory"),
        (Role.COORDINATOR, {}, True, "/territory"),
        (Role.SECRETARIAT, {"organisation_id": ORGANISATION}, False, "/organisation_id"),
        (Role.SECRETARIAT, {"territory": "03"}, False, "/territory"),
        (Role.REPRESENTATIVE, {"territory": "03"}, True, "/organisation_id"),
        (Role.DELEGATE, {}, True, "/organisation_id"),
    ],
)
def test_a_role_has_its_place(role: Role, given: dict[str, object], missing: bool, path: str) -> None:
    with pytest.raises(Misplaced) as refused:
        designate(Mandate(NETWORK, GIULIA, role, MARCH, **given), [])  # type: ignore[arg-type]
    assert (refused.value.path, refused.value.code) == (path, "missing" if missing else "not_allowed")


@pytest.mark.parametrize("given", [{"until": MARCH}, {"until": MARCH - DAY}, {"holds_over": True}])
def test_days_that_contradict_each_other_are_refused(given: dict[str, object]) -> None:
    with pytest.raises(InvalidTerm):
        designate(referent(MARCH, **given), [])  # type: ignore[arg-type]


def test_an_organisation_has_one_referent_and_the_refusal_says_who_and_until_when() -> None:
    held = referent(MARCH, JUNE)
    with pytest.raises(OfficeTaken) as refused:
        designate(referent(JUNE - DAY, person=MARCO), [held])
    assert (refused.value.holder, refused.value.free_from) == (held, JUNE)
    designate(referent(JUNE, person=MARCO), [held])


def test_what_stands_in_the_way_says_what_would_do() -> None:
    held = referent(JUNE, SEPTEMBER)
    for wanted, expected in (
        (referent(JUNE, person=MARCO), ("/since", f"from {SEPTEMBER}")),
        (referent(MARCH, person=MARCO), ("/until", f"not after {JUNE}")),
    ):
        with pytest.raises(OfficeTaken) as taken:
            designate(wanted, [held])
        assert (taken.value.path, taken.value.accepted) == expected
    with pytest.raises(HeldAlready) as twice:
        designate(referent(SEPTEMBER), [referent(MARCH)])
    assert twice.value.path == "/since"


@pytest.mark.parametrize(("since", "until"), [(date(1, 1, 1), None), (MARCH, date.max), (date.max, None)])
def test_days_beyond_all_reason_are_slips_of_the_pen(since: date, until: date | None) -> None:
    with pytest.raises(InvalidTerm) as refused:
        designate(referent(since, until), [])
    assert (refused.value.path, refused.value.accepted) == ("/until" if until else "/since", "1900-01-01 to 2200-12-31")
    held = referent(MARCH, JUNE)
    with pytest.raises(InvalidTerm):
        held.extend(date.max, MARCH, [])
    with pytest.raises(InvalidTerm):
        referent(MARCH).end(date.min, EndReason.DECLINED, MARCH - DAY)


def test_who_holds_over_keeps_the_office() -> None:
    with pytest.raises(OfficeTaken) as refused:
        designate(referent(SEPTEMBER, person=MARCO), [referent(MARCH, JUNE, holds_over=True)])
    assert refused.value.free_from is None


def test_the_organisation_that_lends_a_coordinator_is_no_part_of_the_office() -> None:
    lombardy = Mandate(NETWORK, GIULIA, Role.COORDINATOR, MARCH, organisation_id=ORGANISATION, territory="03")
    second = Mandate(NETWORK, MARCO, Role.COORDINATOR, JUNE, organisation_id=OTHER, territory="03")
    elsewhere = Mandate(NETWORK, MARCO, Role.COORDINATOR, JUNE, organisation_id=OTHER, territory="05")
    assert lombardy.office == second.office != elsewhere.office
    with pytest.raises(OfficeTaken):
        designate(second, [lombardy])


def test_a_seat_has_one_holder_whatever_the_role_and_whoever_sends_them() -> None:
    body, seat = uuid7(), uuid7()
    held = Mandate(NETWORK, GIULIA, Role.MEMBER, MARCH, JUNE, ORGANISATION, body_id=body, seat_id=seat)
    second = Mandate(NETWORK, MARCO, Role.MEMBER, MARCH, JUNE, OTHER, body_id=body, seat_id=seat)
    assert held.office == second.office
    with pytest.raises(OfficeTaken):
        designate(second, [held])
    another = Mandate(NETWORK, MARCO, Role.MEMBER, MARCH, JUNE, OTHER, body_id=body, seat_id=uuid7())
    assert another.office != held.office


def test_the_office_in_a_body_is_not_that_in_the_network() -> None:
    here = referent(body_id=uuid7(), seat_id=uuid7())
    assert here.office != referent().office
    assert here.office.exclusive
    assert referent().office.exclusive


def test_a_body_without_seats_has_many_members_and_nobody_twice() -> None:
    """Whichever organisation they come from."""
    body = uuid7()
    held = Mandate(NETWORK, GIULIA, Role.MEMBER, MARCH, organisation_id=ORGANISATION, body_id=body)
    designate(Mandate(NETWORK, MARCO, Role.MEMBER, MARCH, organisation_id=ORGANISATION, body_id=body), [held])
    again = Mandate(NETWORK, GIULIA, Role.MEMBER, JUNE, organisation_id=OTHER, body_id=body)
    assert again.office == held.office
    with pytest.raises(HeldAlready):
        designate(again, [held])


def test_other_offices_have_many_holders_but_nobody_twice_on_one_day() -> None:
    held = Mandate(NETWORK, GIULIA, Role.DELEGATE, MARCH, JUNE, ORGANISATION)
    designate(Mandate(NETWORK, MARCO, Role.DELEGATE, MARCH, JUNE, ORGANISATION), [held])
    designate(Mandate(NETWORK, GIULIA, Role.DELEGATE, JUNE, None, ORGANISATION), [held])
    with pytest.raises(HeldAlready):
        designate(Mandate(NETWORK, GIULIA, Role.DELEGATE, JUNE - DAY, None, ORGANISATION), [held])


def test_a_successor_enters_on_the_day_on_which_the_holder_leaves() -> None:
    held = referent(MARCH, JUNE, holds_over=True)
    new = replace(held, referent(SEPTEMBER, person=MARCO), [held], on=JUNE)
    assert held.ends == new.since == SEPTEMBER
    assert held.end_reason is EndReason.REPLACED


def test_a_refused_replacement_leaves_the_holder_in_office() -> None:
    held, next_one = referent(MARCH, JUNE), referent(JUNE, person=MARCO)
    with pytest.raises(OfficeTaken):
        replace(held, referent(JUNE - DAY, person=uuid7()), [held, next_one], on=MARCH)
    assert (held.ends, held.end_reason) == (JUNE, None)


@pytest.mark.parametrize("since", [MARCH, JUNE + DAY])
def test_nobody_is_replaced_before_they_began_or_after_they_left(since: date) -> None:
    with pytest.raises(InvalidTerm):
        replace(held := referent(MARCH, JUNE), referent(since, person=MARCO), [held], on=MARCH)


def test_a_term_is_put_off_but_not_into_the_successors_days() -> None:
    held, next_one = referent(MARCH, JUNE), referent(SEPTEMBER, person=MARCO)
    held.extend(SEPTEMBER, MARCH, [held, next_one])
    assert held.ends == SEPTEMBER
    with pytest.raises(OfficeTaken):
        held.extend(SEPTEMBER + DAY, MARCH, [held, next_one])
    with pytest.raises(OfficeTaken):
        held.hold_over(MARCH, [held, next_one])
    assert (held.until, held.holds_over) == (SEPTEMBER, False)


@pytest.mark.parametrize("until", [JUNE, JUNE - DAY])
def test_to_extend_means_later(until: date) -> None:
    with pytest.raises(InvalidTerm):
        referent(MARCH, JUNE).extend(until, MARCH, [])


def test_what_is_over_stays_over() -> None:
    over = referent(MARCH, JUNE)
    for act in (
        lambda: over.accept(JUNE),
        lambda: over.extend(SEPTEMBER, JUNE, []),
        lambda: over.hold_over(JUNE, []),
        lambda: over.end(JUNE, EndReason.RESIGNED, JUNE),
        lambda: replace(over, referent(JUNE), [over], JUNE),
    ):
        with pytest.raises(NotPossibleNow):
            act()
    assert over.actions(JUNE) == []


def test_a_decided_end_is_brought_forward_but_not_put_back() -> None:
    mandate = referent(MARCH)
    mandate.end(SEPTEMBER, EndReason.RESIGNED, on=MARCH)
    mandate.end(JUNE, EndReason.RESIGNED, on=MARCH)
    with pytest.raises(InvalidTerm):
        mandate.end(SEPTEMBER, EndReason.RESIGNED, on=MARCH)
    assert mandate.ends == JUNE


def test_who_was_in_office_cannot_be_said_never_to_have_been() -> None:
    with pytest.raises(InvalidTerm):
        referent(MARCH).end(MARCH - DAY, EndReason.MISTAKE, on=JUNE)


def test_acceptance_is_recorded_once() -> None:
    mandate = referent(JUNE)
    mandate.accept(MARCH)
    assert mandate.accepted_on == MARCH
    with pytest.raises(NotPossibleNow):
        mandate.accept(MARCH)

from __future__ import annotations

from datetime import date, timedelta
from uuid import uuid4

import pytest

from services.registry.sharings import rules
from services.registry.sharings.rules import InvalidSharing, Sharing, SharingOver, State

MONDAY = date(2026, 3, 2)


def sharing(since: date = MONDAY, until: date | None = None) -> Sharing:
    return Sharing(uuid4(), uuid4(), ["members"], since, until)


def test_it_is_in_force_from_its_first_day_until_the_day_before_its_end() -> None:
    one = sharing(MONDAY, MONDAY + timedelta(7))
    days = [MONDAY + timedelta(n) for n in (-1, 0, 6, 7)]
    assert [one.state(day) for day in days] == [State.COMING, State.IN_FORCE, State.IN_FORCE, State.ENDED]


def test_what_is_ended_today_is_not_in_force_today() -> None:
    one = sharing()
    one.end(MONDAY + timedelta(3), MONDAY + timedelta(3))
    assert one.state(MONDAY + timedelta(2)) is State.IN_FORCE
    assert one.state(MONDAY + timedelta(3)) is State.ENDED


def test_what_is_ended_before_it_began_never_holds() -> None:
    one = sharing(MONDAY + timedelta(10))
    one.end(MONDAY, MONDAY)
    assert one.until == one.since
    assert {one.state(MONDAY + timedelta(n)) for n in range(-5, 20)} == {State.ENDED}


def test_an_end_is_not_dated_back_and_not_put_off() -> None:
    one = sharing(until=MONDAY + timedelta(30))
    for day in (MONDAY - timedelta(1), MONDAY + timedelta(31)):
        with pytest.raises(InvalidSharing):
            one.end(day, MONDAY)
    one.end(MONDAY + timedelta(30), MONDAY)
    with pytest.raises(SharingOver):
        one.end(MONDAY + timedelta(40), MONDAY + timedelta(30))


def test_a_change_keeps_to_what_may_be() -> None:
    one = sharing()
    assert one.change(MONDAY, what=["members"]) is False
    assert one.change(MONDAY, what=["places"], until=MONDAY + timedelta(1)) is True
    with pytest.raises(InvalidSharing):
        sharing(MONDAY - timedelta(9)).change(MONDAY, until=MONDAY - timedelta(1))
    with pytest.raises(SharingOver):
        one.change(MONDAY + timedelta(1), what=["members"])


def test_contacts_go_with_members() -> None:
    assert rules.what_list(["contacts", "members", "contacts"]) == ["members", "contacts"]
    for wrong in ([], ["contacts"], ["contacts", "places"]):
        with pytest.raises(InvalidSharing):
            rules.what_list(wrong)


def test_nobody_shares_with_itself() -> None:
    network = uuid4()
    with pytest.raises(InvalidSharing) as refused:
        rules.check(Sharing(network, network, ["members"], MONDAY))
    assert refused.value.path == "/with_network"

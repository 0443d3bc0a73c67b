from __future__ import annotations

from datetime import date, timedelta
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.registry.erasures.rules import Erasure, NotInThisPhase, Office, Phase, Unanswered, actions

TODAY = date(2026, 3, 1)
days = st.dates(date(2020, 1, 1), date(2040, 1, 1))


def erasure(phase: Phase = Phase.DRY_RUN, erase_on: date | None = None) -> Erasure:
    return Erasure(uuid4(), uuid4(), TODAY, phase=phase, erase_on=erase_on)


def office(ends: date | None) -> Office:
    return Office(uuid4(), ends)


def test_the_quarantine_begins_when_every_service_has_answered_the_dry_run() -> None:
    asked = erasure()
    with pytest.raises(Unanswered) as refused:
        asked.begin(30, TODAY, ["events", "notify"])
    assert refused.value.services == ["events", "notify"]
    asked.begin(30, TODAY, [])
    assert asked.erase_on == date(2026, 3, 31)
    assert asked.follow(TODAY, None) is Phase.QUARANTINE


@pytest.mark.parametrize("phase", [Phase.WAITING, Phase.QUARANTINE, Phase.RELEASE, Phase.ERASE])
def test_a_quarantine_begins_once(phase: Phase) -> None:
    with pytest.raises(NotInThisPhase) as refused:
        erasure(phase, TODAY).begin(30, TODAY, [])
    assert refused.value.accepted == ["dry_run"]


def test_it_is_erased_on_the_day_and_not_before() -> None:
    hidden = erasure(Phase.QUARANTINE, TODAY + timedelta(days=30))
    assert hidden.follow(TODAY + timedelta(days=29), None) is None
    assert hidden.follow(TODAY + timedelta(days=30), None) is Phase.ERASE


def test_who_holds_an_office_is_waited_for_and_the_days_count_meanwhile() -> None:
    asked = erasure(erase_on=TODAY + timedelta(days=30))
    assert asked.follow(TODAY, office(date(2026, 3, 11))) is Phase.WAITING
    asked.phase = Phase.WAITING
    assert asked.next_look(TODAY) == date(2026, 3, 11)
    assert asked.follow(date(2026, 3, 11), None) is Phase.QUARANTINE
    assert asked.mandate_id is None
    assert asked.follow(date(2026, 4, 1), None) is Phase.ERASE


def test_the_end_of_an_open_office_is_looked_for_every_day() -> None:
    asked = erasure(Phase.WAITING, TODAY)
    asked.follow(TODAY, office(None))
    assert asked.next_look(TODAY) == TODAY + timedelta(days=1)


@given(days, days, st.one_of(st.none(), days))
def test_the_next_look_lies_ahead_and_nobody_in_office_is_ever_erased(on: date, erase_on: date, ends: date) -> None:
    asked = erasure(Phase.QUARANTINE, erase_on)
    following = asked.follow(on, office(ends))
    assert following is Phase.WAITING
    asked.phase = Phase.WAITING
    assert asked.next_look(on) > on


@given(days, days)
def test_without_an_office_it_is_erased_exactly_from_its_day_on(on: date, erase_on: date) -> None:
    following = erasure(Phase.WAITING, erase_on).follow(on, None)
    assert following is (Phase.ERASE if on >= erase_on else Phase.QUARANTINE)


@pytest.mark.parametrize("phase", [Phase.DRY_RUN, Phase.WAITING, Phase.QUARANTINE])
def test_it_can_be_called_off_until_it_erases(phase: Phase) -> None:
    asked = erasure(phase, TODAY)
    asked.release()
    assert (asked.phase, asked.erase_on) == (Phase.RELEASE, None)
    with pytest.raises(NotInThisPhase):
        erasure(Phase.ERASE, TODAY).release()
    with pytest.raises(NotInThisPhase):
        asked.release()


def test_it_closes_when_all_have_answered_the_last_phase_and_once() -> None:
    asked = erasure(Phase.ERASE, TODAY)
    assert not asked.close(TODAY, ["notify"])
    assert asked.close(TODAY, [])
    assert not asked.close(TODAY, [])
    assert not erasure(Phase.QUARANTINE, TODAY).close(TODAY, [])
    assert not erasure(Phase.DRY_RUN).close(TODAY, [])


def test_people_may_call_off_what_they_asked_for_and_the_rest_is_the_secretariats() -> None:
    assert actions(erasure(), may_erase=True, themselves=False) == ["quarantine", "release"]
    assert actions(erasure(Phase.QUARANTINE, TODAY), may_erase=True, themselves=False) == ["erase", "release"]
    assert actions(erasure(Phase.WAITING, TODAY), may_erase=True, themselves=False) == ["release"]
    assert actions(erasure(), may_erase=False, themselves=True) == ["release"]
    assert actions(erasure(), may_erase=False, themselves=False) == []
    assert actions(erasure(Phase.ERASE, TODAY), may_erase=True, themselves=True) == []

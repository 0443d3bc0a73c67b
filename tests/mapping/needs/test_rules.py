"""What may happen to a need, without a loop."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from uuid_utils.compat import uuid7

from services.mapping.needs.rules import AssigneeMissing, Need, NotOpen, State, Withdrawal, erase_at

NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)


def need() -> Need:
    return Need(network_id=uuid7(), place_id=uuid7(), municipality="D150", theme="housing", collected_at=NOW, text="x")


def test_a_need_is_answered_after_it_was_assigned() -> None:
    one = need()
    with pytest.raises(NotOpen) as refused:
        one.reply("sì", NOW)
    assert refused.value.accepted == ["assigned"]
    one.assign(uuid7(), None, NOW)
    one.reply("sì", NOW)
    assert (one.state, one.ended_at, one.actions()) == (State.ANSWERED, NOW, [])


def test_what_has_ended_is_neither_assigned_nor_withdrawn() -> None:
    one = need()
    one.withdraw(Withdrawal.DUPLICATE, NOW)
    with pytest.raises(NotOpen):
        one.assign(uuid7(), None, NOW)
    with pytest.raises(NotOpen):
        one.withdraw(Withdrawal.DUPLICATE, NOW)


def test_somebody_must_answer() -> None:
    with pytest.raises(AssigneeMissing):
        need().assign(None, None, NOW)


def test_assigning_again_keeps_the_first_instant() -> None:
    one, organisation = need(), uuid7()
    assert one.assign(organisation, None, NOW) is True
    assert one.assign(organisation, None, NOW + timedelta(days=1)) is False
    assert one.assign(uuid7(), None, NOW + timedelta(days=1)) is True
    assert one.assigned_at == NOW


def test_the_text_goes_once() -> None:
    one = need()
    assert erase_at(NOW, 90) == NOW + timedelta(days=90)
    assert one.erase_text(NOW) is True
    assert (one.text, one.answer, one.text_erased_at) == (None, None, NOW)
    assert one.erase_text(NOW + timedelta(days=1)) is False
    assert one.text_erased_at == NOW

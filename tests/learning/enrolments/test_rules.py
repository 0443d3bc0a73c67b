"""What is true of enrolments, without a database, a loop or a clock."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from uuid_utils.compat import uuid7

from services.learning.enrolments.rules import (
    CompletedAlready,
    Enrolment,
    EnrolmentEnded,
    NotOpen,
    Progress,
    State,
    UnknownUnit,
    actions,
    due,
    enrol,
    way_in,
)
from services.learning.paths.rules import Admission, Audience, NotPossibleNow, Path, Unit

TODAY, NOW = date(2026, 3, 1), datetime(2026, 3, 1, 12, tzinfo=UTC)
GIULIA = uuid7()


def path(units: int = 3, enrolment: Admission = Admission.RULE, days: int | None = 10) -> Path:
    made = Path(
        uuid7(),
        "Percorso",
        "",
        Audience.REPRESENTATIVES,
        enrolment,
        due_days=days,
        units=tuple(Unit(f"Tappa {n}") for n in range(units)),
    )
    made.publish(TODAY)
    return made


def ids(of: Path) -> list[UUID]:
    return [unit.id for unit in of.units]


def on_it(of: Path, *done: int) -> Enrolment:
    enrolment = enrol(of, GIULIA, Admission.RULE, TODAY)
    for place in done:
        enrolment.mark(ids(of)[place], ids(of), NOW)
    return enrolment


def test_it_is_due_so_many_days_after_it_was_opened_and_that_day_is_in_time() -> None:
    enrolment = on_it(path(days=10))
    last = TODAY + timedelta(days=10)
    assert enrolment.due == last
    assert not enrolment.late(last)
    assert enrolment.late(last + timedelta(days=1))
    assert due(TODAY, None) is None
    assert not on_it(path(days=None)).late(date(2126, 1, 1))


def test_nothing_completed_or_ended_is_late() -> None:
    completed = on_it(path(1), 0)
    ended = on_it(path())
    ended.state, ended.ended_on = State.ENDED, TODAY
    assert not completed.late(date(2126, 1, 1))
    assert not ended.late(date(2126, 1, 1))


def test_a_withdrawn_path_takes_nobody() -> None:
    withdrawn = path()
    withdrawn.withdraw()
    with pytest.raises(NotPossibleNow):
        enrol(withdrawn, GIULIA, Admission.INVITATION, TODAY)


def test_the_last_unit_completes_the_path_and_not_the_last_but_one() -> None:
    of = path(3)
    enrolment = on_it(of, 2, 0)
    assert (enrolment.state, enrolment.progress(ids(of))) == (State.ACTIVE, Progress(2, 3))
    assert enrolment.mark(ids(of)[1], ids(of), NOW)
    assert (enrolment.state, enrolment.completed_at, enrolment.completed_units) == (State.COMPLETED, NOW, 3)


def test_a_unit_done_before_changes_nothing_even_when_completed() -> None:
    of = path(2)
    enrolment = on_it(of, 0)
    assert not enrolment.mark(ids(of)[0], ids(of), NOW + timedelta(days=1))
    assert enrolment.done[ids(of)[0]] == NOW
    enrolment.mark(ids(of)[1], ids(of), NOW)
    assert not enrolment.mark(ids(of)[1], ids(of), NOW)


def test_an_unknown_unit_an_ended_enrolment_and_a_unit_added_later_are_refused() -> None:
    of = path(1)
    with pytest.raises(UnknownUnit):
        on_it(of).mark(uuid7(), ids(of), NOW)
    ended = on_it(of)
    ended.state, ended.ended_on = State.ENDED, TODAY
    with pytest.raises(EnrolmentEnded):
        ended.mark(ids(of)[0], ids(of), NOW)
    completed, added = on_it(of, 0), uuid7()
    with pytest.raises(CompletedAlready):
        completed.mark(added, [*ids(of), added], NOW)


def test_who_comes_back_keeps_what_is_done_and_has_the_whole_time_again() -> None:
    of = path(2, days=10)
    enrolment = on_it(of, 0)
    enrolment.state, enrolment.ended_on = State.ENDED, TODAY
    later = TODAY + timedelta(days=100)
    enrolment.reopen(of, Admission.INVITATION, later, NOW)
    assert vars(enrolment)["ended_on"] is None
    assert (enrolment.state, enrolment.how) == (State.ACTIVE, Admission.INVITATION)
    assert (enrolment.opened_on, enrolment.due) == (later, later + timedelta(days=10))
    assert enrolment.progress(ids(of)) == Progress(1, 2)


def test_who_comes_back_to_units_that_are_all_done_has_completed_them() -> None:
    of = path(2)
    enrolment = on_it(of, 0)
    enrolment.state, enrolment.ended_on = State.ENDED, TODAY
    of.change({"units": of.units[:1]})
    enrolment.reopen(of, Admission.INVITATION, TODAY, NOW)
    assert (enrolment.state, enrolment.completed_units) == (State.COMPLETED, 1)


def test_one_gets_onto_an_open_path_by_oneself_and_onto_others_by_the_secretariat() -> None:
    assert way_in(path(enrolment=Admission.OPEN), themselves=True, may_enrol=False) is Admission.OPEN
    assert way_in(path(enrolment=Admission.OPEN), themselves=False, may_enrol=True) is Admission.INVITATION
    for closed in (Admission.RULE, Admission.INVITATION):
        assert way_in(path(enrolment=closed), themselves=True, may_enrol=True) is Admission.INVITATION
        with pytest.raises(NotOpen):
            way_in(path(enrolment=closed), themselves=True, may_enrol=False)


def test_only_the_person_may_do_anything_and_only_while_it_is_active() -> None:
    of = path(1)
    active, completed = on_it(of), on_it(of, 0)
    assert actions(active, of, GIULIA) == ["done"]
    assert actions(active, of, uuid7()) == []
    assert actions(active, of, None) == []
    assert actions(completed, of, GIULIA) == []


@given(st.integers(1, 8), st.lists(st.integers(0, 7), max_size=30))
def test_however_units_are_marked_progress_counts_each_once_and_completes_at_all(total: int, marks: list[int]) -> None:
    of = path(total)
    enrolment = on_it(of)
    for mark in marks:
        if mark < total:
            enrolment.mark(ids(of)[mark], ids(of), NOW)
        distinct = len(enrolment.done)
        assert enrolment.progress(ids(of)) == Progress(distinct, total)
        assert (enrolment.state is State.COMPLETED) == (distinct == total)


@given(st.data())
def test_however_units_come_and_go_what_is_left_and_done_is_what_counts(data: st.DataObject) -> None:
    units = [Unit(str(n)) for n in range(6)]
    done = data.draw(st.sets(st.sampled_from(units), max_size=5))
    left = data.draw(st.sets(st.sampled_from(units), min_size=1))
    enrolment = Enrolment(uuid7(), uuid7(), GIULIA, Admission.RULE, TODAY, done={unit.id: NOW for unit in done})
    progress = enrolment.progress({unit.id for unit in left})
    assert progress == Progress(len(done & left), len(left))
    assert progress.share is not None
    assert 0 <= progress.share <= 1


def test_the_share_of_nothing_is_undefined_and_not_zero() -> None:
    assert Progress(0, 0).share is None
    assert Progress(2, 3).share == 0.6667

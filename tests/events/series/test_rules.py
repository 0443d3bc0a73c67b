"""The frame of a programme, and what a meeting breaks: without a loop, a database or a clock."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from services.events.series.rules import (
    Framed,
    InvalidSeries,
    Level,
    MeetingsPending,
    NotPossibleNow,
    OutsideSeries,
    Placed,
    Quota,
    RoomTaken,
    Rule,
    Series,
    Short,
    State,
    frame_of,
    free,
    laid_out,
    require_fits,
)

NOW = datetime(2030, 1, 1, tzinfo=UTC)
FIRST, LAST = date(2030, 1, 1), date(2031, 4, 30)
MODES = ["remote", "in_person"]


def id_(number: int) -> UUID:
    return UUID(int=number)


BODIES = [id_(number) for number in range(1, 6)]


def quota(count: int, **more: Any) -> dict[str, Any]:
    return Quota(count, **more).json()


def opes(**more: Any) -> Series:
    """Five communities, six meetings each: five remote and one in presence, within sixteen months."""
    given: dict[str, Any] = {
        "bodies": list(BODIES),
        "quotas": [
            quota(30, exact=True),
            quota(6, each=True, exact=True),
            quota(5, each=True, mode="remote", exact=True),
            quota(1, each=True, mode="in_person", exact=True),
        ],
        "modes": list(MODES),
        **more,
    }
    series = Series(id_(99), "Comunità di pratica", FIRST, LAST, **given)
    series.shares = laid_out(frame_of(series))["shares"]
    return series


def held(number: int, body: int = 1, mode: str = "remote", on: date | None = None, **more: Any) -> Placed:
    return Placed(id_(1000 + number), id_(body), mode, on or FIRST + timedelta(days=24 * number), **more)


def broken(series: Series, others: list[Placed], meeting: Placed, **more: Any) -> dict[Rule, Any]:
    with pytest.raises(OutsideSeries) as refused:
        require_fits(series, others, meeting, **more)
    return {breach.rule: breach for breach in refused.value.breaches}


SIX = [*(held(number) for number in range(5)), held(5, mode="in_person")]


def test_what_the_quotas_foresee_fits() -> None:
    for place, meeting in enumerate(SIX):
        require_fits(opes(), SIX[:place], meeting)


def test_a_seventh_meeting_breaks_every_quota_that_counts_it() -> None:
    found = broken(opes(), SIX, held(6))
    assert list(found) == [Rule.QUOTA]
    with pytest.raises(OutsideSeries) as refused:
        require_fits(opes(), SIX, held(6))
    told = [(breach.limit, breach.counted, breach.mode, breach.path) for breach in refused.value.breaches]
    assert told == [(6, 7, None, "/series_id"), (5, 6, "remote", "/mode")]


def test_a_second_one_in_presence_is_refused_though_the_body_has_meetings_left() -> None:
    found = broken(opes(), [held(1, mode="in_person")], held(2, mode="in_person"))
    assert (found[Rule.QUOTA].limit, found[Rule.QUOTA].counted, found[Rule.QUOTA].mode) == (1, 2, "in_person")


def test_the_last_day_belongs_to_the_programme_and_the_next_does_not() -> None:
    require_fits(opes(), [], held(1, on=LAST))
    require_fits(opes(), [], held(1, on=FIRST))
    late = broken(opes(), [], held(1, on=LAST + timedelta(days=1)))[Rule.SPAN]
    assert (late.limit, late.extension) == (LAST, {"last_day": LAST + timedelta(days=1)})
    early = broken(opes(), [], held(1, on=FIRST - timedelta(days=1)))[Rule.SPAN]
    assert (early.limit, early.extension) == (FIRST, None)


def test_a_quota_of_each_counts_the_same_body_only() -> None:
    require_fits(opes(), SIX, held(6, body=2))


def test_the_meeting_itself_is_not_counted_twice() -> None:
    require_fits(opes(), SIX, SIX[0])


def test_a_second_call_is_counted_by_no_quota_but_keeps_to_the_days() -> None:
    require_fits(opes(min_days=30), SIX, held(6, call=2, on=SIX[0].day))
    require_fits(opes(), [*SIX[:5], held(9, call=2)], held(5, mode="in_person"))
    assert set(broken(opes(), SIX, held(6, call=2, on=LAST + timedelta(days=1)))) == {Rule.SPAN}


def test_a_body_a_mode_or_a_level_that_is_not_of_the_programme_is_refused() -> None:
    series = opes(level=Level.REGIONAL)
    assert set(broken(series, [], held(1, body=7))) == {Rule.BODY}
    hybrid = broken(series, [], held(1, mode="hybrid"))[Rule.MODE]
    assert hybrid.extension == {"modes": ["remote", "in_person", "hybrid"]}
    assert set(broken(series, [], held(1, level="national"))) == {Rule.LEVEL}
    require_fits(series, [], held(1, level="regional"))
    require_fits(series, [], held(1))


def test_two_meetings_of_a_body_are_so_many_days_apart_in_both_directions() -> None:
    series, middle = opes(min_days=20), held(1, on=date(2030, 6, 15))
    for days, fits in ((-20, True), (-19, False), (19, False), (20, True)):
        other = held(2, on=middle.day + timedelta(days=days))
        if fits:
            require_fits(series, [middle], other)
        else:
            breach = broken(series, [middle], other)[Rule.MIN_DAYS]
            assert (breach.limit, breach.counted, breach.extension) == (20, 19, {"min_days": 19})
    require_fits(series, [middle], held(2, body=2, on=middle.day))


def test_no_more_than_so_many_of_a_body_in_a_month() -> None:
    series = opes(per_month=2)
    first, second = held(1, on=date(2030, 6, 3)), held(2, on=date(2030, 6, 12))
    require_fits(series, [first, second], held(3, on=date(2030, 7, 1)))
    require_fits(series, [first], held(3, on=date(2030, 6, 30)))
    assert broken(series, [first, second], held(3, on=date(2030, 6, 30)))[Rule.PER_MONTH].counted == 3


def test_only_an_adopted_programme_convenes_and_a_closed_one_has_no_meetings() -> None:
    series = opes()
    require_fits(series, [], held(1))
    assert set(broken(series, [], held(1), convening=True)) == {Rule.STATE}
    series.adopt(NOW)
    require_fits(series, [], held(1), convening=True)
    series.state = State.CLOSED
    assert set(broken(series, [], held(1))) == {Rule.STATE}


# --- the split --------------------------------------------------------------------------------------------------------


def groups(total: int = 18, count: int = 6, **more: Any) -> Series:
    series = Series(
        id_(99),
        "Palestre",
        FIRST,
        LAST,
        bodies=[id_(number) for number in range(1, count + 1)],
        quotas=[quota(total)],
        modes=list(MODES),
        **more,
    )
    series.shares = laid_out(frame_of(series))["shares"]
    return series


def test_what_all_hold_together_is_split_evenly_when_nothing_else_is_said() -> None:
    assert groups().shares == [3] * 6
    assert groups(20).shares == [4, 4, 3, 3, 3, 3]
    assert groups(shares=[4, 4, 4, 2, 2, 2]).shares == [4, 4, 4, 2, 2, 2]


def test_a_body_holds_its_share_and_no_more() -> None:
    series = groups(shares=[4, 4, 4, 2, 2, 2])
    three = [held(number) for number in range(3)]
    require_fits(series, three, held(3))
    found = broken(series, [*three, held(3)], held(4))
    assert (found[Rule.SHARE].limit, found[Rule.SHARE].counted) == (4, 5)
    assert found[Rule.SHARE].extension == {"shares": [5, 4, 4, 2, 2, 2]}
    assert set(broken(series, [held(0, body=6), held(1, body=6)], held(2, body=6))) == {Rule.SHARE}


def test_the_nineteenth_breaks_the_total_and_the_share_and_one_extension_would_do() -> None:
    series = groups()
    eighteen = [held(number, body=number % 6 + 1) for number in range(18)]
    found = broken(series, eighteen, held(18))
    assert (found[Rule.QUOTA].limit, found[Rule.QUOTA].counted) == (18, 19)
    series.adopt(NOW)
    series.extend({"quotas": found[Rule.QUOTA].extension["quotas"], "shares": found[Rule.QUOTA].extension["shares"]})
    require_fits(series, eighteen, held(18))


@pytest.mark.parametrize(
    ("frame", "path"),
    [
        ({"shares": [3, 3]}, "/shares"),
        ({"shares": [3, 3, 3, 3, 3, 2]}, "/shares"),
        ({"quotas": [quota(18), quota(2, each=True)], "shares": [3] * 6}, "/shares"),
        ({"quotas": [quota(18), quota(17)]}, "/quotas/1"),
        ({"quotas": [quota(3, mode="hybrid")]}, "/quotas/0/mode"),
        ({"last_day": FIRST - timedelta(days=1)}, "/last_day"),
        ({"last_day": FIRST + timedelta(days=3661)}, "/last_day"),
        ({"bodies": [id_(1), id_(1)], "quotas": []}, "/bodies"),
    ],
)
def test_a_frame_that_contradicts_itself_names_the_field(frame: dict[str, Any], path: str) -> None:
    with pytest.raises(InvalidSeries) as refused:
        groups().change({"shares": None, **frame})
    assert refused.value.path == path


def test_a_day_is_span_enough() -> None:
    series = groups()
    assert series.change({"last_day": FIRST})
    assert not series.change({"last_day": FIRST})


# --- extensions -------------------------------------------------------------------------------------------------------


def test_an_adopted_frame_changes_by_extension_only() -> None:
    series = opes()
    assert series.change({"last_day": LAST - timedelta(days=1)})
    series.adopt(NOW)
    for name, value in (("last_day", LAST), ("quotas", []), ("min_days", 3), ("bodies", [])):
        with pytest.raises(Framed) as refused:
            series.change({name: value})
        assert refused.value.path == f"/{name}"
    assert series.change({"title": "Comunità"})


def test_an_extension_keeps_what_was_and_what_is() -> None:
    series = opes(min_days=20)
    series.adopt(NOW)
    later = LAST + timedelta(days=60)
    before, after = series.extend({"last_day": later, "min_days": 10})
    assert (before, after) == ({"last_day": LAST, "min_days": 20}, {"last_day": later, "min_days": 10})
    before, after = series.extend({"quotas": [quota(2, each=True, mode="in_person", exact=True)]})
    assert [one["count"] for one in after["quotas"]] == [30, 6, 5, 2]
    assert [one["count"] for one in before["quotas"]] == [30, 6, 5, 1]
    assert series.extensions == 2


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ({}, "/last_day"),
        ({"last_day": LAST}, "/last_day"),
        ({"last_day": LAST - timedelta(days=1)}, "/last_day"),
        ({"quotas": [quota(17)]}, "/quotas/0/count"),
        ({"quotas": [quota(1, mode="remote")]}, "/quotas/0"),
        ({"quotas": [quota(19)]}, "/shares"),
        ({"shares": [2, 4, 3, 3, 3, 3]}, "/shares/0"),
        ({"shares": [3, 3, 3]}, "/shares"),
        ({"modes": ["remote"]}, "/modes"),
        ({"min_days": 15}, "/min_days"),
        ({"per_month": 1}, "/per_month"),
    ],
)
def test_an_extension_never_narrows(given: dict[str, Any], path: str) -> None:
    series = groups(min_days=14, per_month=2)
    series.adopt(NOW)
    with pytest.raises(InvalidSeries) as refused:
        series.extend(given)
    assert (refused.value.path, series.extensions, series.last_day) == (path, 0, LAST)


def test_what_is_no_limit_any_more_is_wider() -> None:
    series = groups(min_days=14, per_month=2)
    series.adopt(NOW)
    series.extend({"min_days": None, "per_month": None})
    assert (series.min_days, series.per_month) == (None, None)
    with pytest.raises(InvalidSeries):
        series.extend({"per_month": 5})


def test_a_draft_is_not_extended_and_nothing_is_done_with_a_closed_one() -> None:
    series = groups()
    with pytest.raises(NotPossibleNow):
        series.extend({"last_day": LAST + timedelta(days=1)})
    series.adopt(NOW)
    with pytest.raises(NotPossibleNow):
        series.adopt(NOW)
    series.close([], 0, None, NOW)
    assert series.actions() == []


# --- closing ----------------------------------------------------------------------------------------------------------


def test_it_closes_when_nothing_is_ahead_and_what_is_exact_was_reached() -> None:
    series = opes(bodies=[id_(1)], quotas=[quota(6, each=True, exact=True), quota(9, mode="remote")])
    series.adopt(NOW)
    with pytest.raises(MeetingsPending):
        series.close(SIX, 1, None, NOW)
    with pytest.raises(Short) as refused:
        series.close(SIX[:5], 0, None, NOW)
    assert refused.value.missing == (f"5/6 {id_(1)}",)
    assert series.actions() == ["change", "plan", "extend", "close"]
    series.close(SIX, 0, None, NOW)
    assert series.actions() == []


def test_it_closes_short_when_somebody_says_why() -> None:
    series = opes()
    series.adopt(NOW)
    series.close(SIX, 0, "Alluvione", NOW)
    assert (series.state, series.closing_reason) == (State.CLOSED, "Alluvione")


def test_a_room_is_free_until_the_minute_in_which_somebody_has_it() -> None:
    ten, eleven = datetime(2030, 5, 2, 10, tzinfo=UTC), datetime(2030, 5, 2, 11, tzinfo=UTC)
    free([(ten, eleven)], eleven, eleven + timedelta(hours=1))
    free([(ten, eleven)], ten - timedelta(hours=1), ten)
    with pytest.raises(RoomTaken):
        free([(ten, eleven)], eleven - timedelta(minutes=1), eleven + timedelta(hours=1))

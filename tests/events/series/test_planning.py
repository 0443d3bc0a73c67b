"""Plans of dates: what they always keep, whatever is asked."""

from __future__ import annotations

import time as watch
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import combinations, pairwise
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.events.series import rules
from services.events.series.holidays import CAPITALS, holidays_of
from services.events.series.lacking import Lacking, lacking, targets
from services.events.series.planning import plan
from services.events.series.plans import Group, Known, Plan, Proposed, Room, Standing, UnknownNumber, Why, Wishes
from services.events.series.rules import Placed, Quota, Series
from shared.access.actor import ROME, day

TODAY, FIRST, LAST = date(2029, 12, 1), date(2030, 1, 1), date(2031, 4, 30)
WISHES = Wishes(FIRST, TODAY, LAST)


def id_(number: int) -> UUID:
    return UUID(int=number)


def quota(count: int, **more: Any) -> dict[str, Any]:
    return Quota(count, **more).json()


def series(bodies: int = 1, quotas: list[dict[str, Any]] | None = None, **more: Any) -> Series:
    given: dict[str, Any] = {"modes": ["remote", "in_person"], **more}
    one = Series(id_(99), "Programma", FIRST, LAST, bodies=[id_(n) for n in range(1, bodies + 1)], **given)
    one.quotas = quotas if quotas is not None else [quota(6, each=True)]
    one.shares = rules.laid_out(rules.frame_of(one))["shares"]
    return one


OPES = [
    quota(30, exact=True),
    quota(6, each=True, exact=True),
    quota(5, each=True, mode="remote", exact=True),
    quota(1, each=True, mode="in_person", exact=True),
]


def people(*numbers: int) -> frozenset[UUID]:
    return frozenset(id_(10_000 + number) for number in numbers)


def group(body: int = 1, *members: int, **more: Any) -> Group:
    return Group(id_(body), ((TODAY, people(*(members or (body,)))),), **more)


def at(on: date, hour: int = 15, minutes: int = 120) -> tuple[datetime, datetime]:
    starts = datetime.combine(on, time(hour), ROME).astimezone(UTC)
    return starts, starts + timedelta(minutes=minutes)


def standing(number: int, on: date, body: int = 1, mode: str = "remote", *, firm: bool = False) -> Standing:
    starts, ends = at(on)
    return Standing(id_(500 + number), id_(body), mode, starts, ends, firm)


def days(made: Plan, body: int | None = None) -> list[date]:
    return [day(item.starts_at) for item in made.items if body is None or item.body_id == id_(body)]


# --- what is lacking --------------------------------------------------------------------------------------------------


def test_each_body_is_to_have_its_share_its_quota_or_an_even_part() -> None:
    assert list(targets(series(6, [quota(18)])).values()) == [3] * 6
    assert list(targets(series(6, [quota(18)], shares=[4, 4, 4, 2, 2, 2])).values()) == [4, 4, 4, 2, 2, 2]
    assert list(targets(series(5, OPES)).values()) == [6] * 5
    assert list(
        targets(series(2, [quota(5, each=True, mode="remote"), quota(1, each=True, mode="in_person")])).values()
    ) == [
        6,
        6,
    ]
    assert list(targets(series(2, [quota(3), quota(5, each=True)])).values()) == [2, 1]
    assert list(targets(series(5, OPES), each=2).values()) == [2] * 5
    with pytest.raises(UnknownNumber):
        targets(series(2, []))
    assert list(targets(series(2, []), each=4).values()) == [4, 4]


def test_five_remote_and_one_in_presence_each_with_that_one_among_the_others() -> None:
    found = lacking(series(5, OPES), [])
    assert all(sorted(lack.modes) == ["in_person", *["remote"] * 5] for lack in found.values())
    assert all(lack.modes[0] == lack.modes[-1] == "remote" for lack in found.values())


def test_what_all_share_goes_round() -> None:
    found = lacking(series(3, [quota(2, each=True), quota(3, mode="in_person", exact=True)]), [])
    assert [sorted(lack.modes) for lack in found.values()] == [["in_person", "remote"]] * 3


def test_a_mode_without_room_is_not_used_and_a_total_without_room_is_told() -> None:
    one = series(1, [quota(3, each=True), quota(1, mode="remote")], modes=["remote"])
    found = lacking(one, [])
    assert (found[id_(1)].modes, found[id_(1)].refused) == (("remote",), 2)
    made = plan(one, [group()], [], WISHES, Known())
    assert (len(made.items), made.short[0].lacking, made.short[0].fitting) == (1, 3, 1)
    assert [(short.why, short.by) for short in made.short[0].failing] == [(Why.QUOTA, 2)]


def test_drafts_beyond_the_quota_are_dropped_the_latest_first_and_convened_ones_never() -> None:
    three = [standing(n, date(2030, n, 4)) for n in (2, 3, 4)]
    found = lacking(series(1, [quota(2, each=True)]), three)
    assert (found[id_(1)].modes, [one.id for one in found[id_(1)].dropped]) == ((), [id_(504)])
    firm = [replace(one, firm=True) for one in three]
    assert lacking(series(1, [quota(2, each=True)]), firm)[id_(1)] == Lacking((), (), 0)


# --- days -------------------------------------------------------------------------------------------------------------


def test_dates_are_spread_evenly() -> None:
    made = plan(series(1, [quota(4, each=True)]), [group()], [], WISHES, Known())
    gaps = [(later - earlier).days for earlier, later in pairwise(days(made))]
    assert made.feasible
    assert len(made.items) == 4
    assert max(gaps) - min(gaps) <= 7
    assert all(abs((day(item.starts_at) - item.ideal).days) <= 2 for item in made.items)


def test_a_holiday_on_the_ideal_day_is_avoided_and_named() -> None:
    one, wishes = series(1, [quota(1, each=True)]), replace(WISHES, weekdays=(1, 2, 3, 4, 5, 6, 7))
    (ideal,) = [item.ideal for item in plan(one, [group()], [], wishes, Known()).items]
    made = plan(one, [group(holidays={ideal: "Santo patrono"})], [], wishes, Known())
    (item,) = made.items
    assert day(item.starts_at) != ideal
    assert (item.avoided[0].day, item.avoided[0].why, item.avoided[0].name) == (ideal, Why.HOLIDAY, "Santo patrono")


@pytest.mark.parametrize(
    ("territory", "on", "holiday"),
    [
        (None, date(2030, 6, 2), True),
        (None, date(2030, 12, 7), False),
        ("03", date(2030, 12, 7), True),  # Milano's patron, where Lombardia's offices are
        ("097", date(2030, 12, 6), True),  # Lecco, san Nicolo
        ("E507", date(2030, 12, 6), True),
        ("097", date(2030, 12, 7), False),
        ("04", date(2030, 6, 10), True),  # Whit Monday in Bolzano
        ("E507", date(2030, 4, 22), True),  # Easter Monday
        ("area-libera", date(2030, 4, 25), True),
    ],
)
def test_holidays_are_those_of_the_nation_and_of_the_place(territory: str | None, on: date, holiday: bool) -> None:
    assert (on in holidays_of(territory, FIRST, LAST)) is holiday


def test_holidays_are_named_in_the_language_asked_for() -> None:
    on = date(2030, 1, 6)
    assert (holidays_of(None, on, on)[on], holidays_of(None, on, on, "en")[on]) == ("Epifania", "Epiphany")


def test_every_region_has_the_patron_of_its_capital() -> None:
    national = set(holidays_of(None, FIRST, date(2030, 12, 31)))
    for code in CAPITALS:
        assert set(holidays_of(code, FIRST, date(2030, 12, 31))) >= national
    assert set(CAPITALS) == {f"{number:02}" for number in range(1, 21)}


def test_the_preferred_hour_is_kept_in_winter_and_summer() -> None:
    made = plan(series(1), [group()], [], replace(WISHES, times=(time(17, 30),)), Known())
    assert {item.starts_at.astimezone(ROME).time() for item in made.items} == {time(17, 30)}
    assert {item.starts_at.time() for item in made.items} == {time(16, 30), time(15, 30)}


def test_people_who_are_away_move_the_date_and_those_who_miss_it_are_named() -> None:
    one = series(1, [quota(1, each=True)])
    five = group(1, 1, 2, 3, 4, 5)
    (ideal,) = [item.ideal for item in plan(one, [five], [], WISHES, Known()).items]
    away = (ideal - timedelta(days=3), ideal + timedelta(days=4))
    many = Known(away=dict.fromkeys(people(1, 2, 3), (away,)))
    (item,) = plan(one, [five], [], WISHES, many).items
    assert (len(item.away), day(item.starts_at) < away[0] or day(item.starts_at) >= away[1]) == (0, True)
    assert {avoided.why for avoided in item.avoided} == {Why.PEOPLE_AWAY}
    always = Known(away={person: ((TODAY, LAST + timedelta(days=1)),) for person in people(1, 2)})
    (item,) = plan(one, [five], [], WISHES, always).items
    assert (set(item.away), item.members) == (set(people(1, 2)), 5)


def test_as_many_as_are_asked_for_are_there_to_the_last_one() -> None:
    one, four = series(1, [quota(1, each=True)]), group(1, 1, 2, 3, 4)
    half = Known(away={person: ((TODAY, LAST + timedelta(days=400)),) for person in people(1, 2)})
    assert plan(one, [four], [], replace(WISHES, present=50), half).feasible
    made = plan(one, [four], [], replace(WISHES, present=51), half)
    assert not made.feasible
    failing = {one.why: (one.given, one.needed, one.by) for one in made.short[0].failing}
    assert failing[Why.PEOPLE_AWAY] == ("51 %", "50 %", 1)


def test_the_last_day_of_an_absence_is_before_its_end() -> None:
    one, alone = series(1, [quota(1, each=True)]), group(1, 1)
    narrow = replace(WISHES, earliest=date(2030, 2, 4), last_day=date(2030, 2, 5))
    away = Known(away={person: ((date(2030, 2, 4), date(2030, 2, 5)),) for person in people(1)})
    assert days(plan(one, [alone], [], narrow, away)) == [date(2030, 2, 5)]


def test_who_enters_and_who_leaves_counts_from_that_day_on() -> None:
    before, after = people(1), people(2)
    changing = Group(id_(1), ((TODAY, before), (date(2030, 9, 1), after)))
    busy = Known(away={person: ((TODAY, date(2030, 9, 1)),) for person in after})
    assert plan(series(1, [quota(4, each=True)]), [changing], [], WISHES, busy).feasible


# --- rooms ------------------------------------------------------------------------------------------------------------


def test_in_presence_everybody_has_a_seat_in_a_room_that_is_free() -> None:
    one, three = series(1, [quota(1, each=True)], modes=["in_person"]), (1, 2, 3)
    small, large, larger = Room(id_(71), 2), Room(id_(72), 3), Room(id_(73), 30)
    wishes = replace(WISHES, rooms=True)
    (item,) = plan(one, [group(1, *three, rooms=(small, larger, large))], [], wishes, Known()).items
    assert item.room_id == large.id
    taken = replace(large, booked=((item.starts_at, item.ends_at),))
    (other,) = plan(one, [group(1, *three, rooms=(small, taken))], [], wishes, Known()).items
    assert other.room_id == large.id
    assert other.starts_at != item.starts_at
    made = plan(one, [group(1, *three, rooms=(small,))], [], wishes, Known())
    assert not made.feasible
    assert next((f.why, f.given, f.needed, f.by) for f in made.short[0].failing) == (Why.NO_ROOM, "2", "3", 1)


def test_two_bodies_are_not_in_one_room_at_once() -> None:
    room = Room(id_(71), 10)
    wishes = replace(WISHES, rooms=True, earliest=date(2030, 2, 4), last_day=date(2030, 2, 4))
    groups = [group(n, n, rooms=(room,)) for n in (1, 2, 3)]
    one = series(3, [quota(1, each=True)], modes=["in_person"])
    made = plan(one, groups, [], wishes, Known())
    assert len({item.starts_at for item in made.items}) == len(made.items) == 2
    assert (len(made.short), made.short[0].fitting) == (1, 0)


def test_a_remote_meeting_needs_no_room() -> None:
    made = plan(series(1, [quota(1, each=True)], modes=["remote"]), [group()], [], replace(WISHES, rooms=True), Known())
    assert [item.room_id for item in made.items] == [None]


# --- infeasible -------------------------------------------------------------------------------------------------------


def failing(made: Plan) -> dict[Why, tuple[str, str, int]]:
    return {one.why: (one.given, one.needed, one.by) for one in made.short[0].failing}


def test_a_span_too_short_says_the_smallest_extension_and_the_cadence_that_would_do() -> None:
    one = series(1, [quota(3, each=True)], modes=["remote"])
    monday = date(2030, 2, 4)
    wishes = replace(WISHES, earliest=monday, last_day=monday + timedelta(days=27), min_days=14)
    made = plan(one, [group()], [], wishes, Known())
    assert (made.short[0].lacking, made.short[0].fitting, len(made.items)) == (3, 2, 2)
    found = failing(made)
    assert found[Why.LAST_DAY] == ("2030-03-03", "2030-03-04", 1)
    assert found[Why.MIN_DAYS] == ("14", "11", 3)
    assert found[Why.MEETINGS] == ("3", "2", 1)
    for relaxed in (
        replace(wishes, last_day=date(2030, 3, 4)),
        replace(wishes, min_days=11),
    ):
        assert plan(one, [group()], [], relaxed, Known()).feasible
    assert not plan(one, [group()], [], replace(wishes, min_days=12), Known()).feasible


def test_the_months_and_the_weekdays_that_would_do_are_told() -> None:
    one = series(1, [quota(3, each=True)], modes=["remote"])
    wishes = replace(WISHES, earliest=date(2030, 2, 1), last_day=date(2030, 2, 28), per_month=2)
    assert failing(plan(one, [group()], [], wishes, Known()))[Why.PER_MONTH] == ("2", "3", 1)
    narrow = replace(WISHES, earliest=date(2030, 2, 4), last_day=date(2030, 2, 17), weekdays=(1,))
    assert failing(plan(one, [group()], [], narrow, Known()))[Why.WEEKDAYS] == ("1", "1,2", 1)


def test_the_notice_and_the_excluded_days_that_stand_in_the_way_are_told() -> None:
    one = series(1, [quota(1, each=True)], modes=["remote"])
    tight = replace(WISHES, today=date(2030, 2, 4), earliest=date(2030, 2, 9), last_day=date(2030, 2, 10))
    assert failing(plan(one, [group()], [], tight, Known()))[Why.NOTICE] == ("2030-02-09", "2030-02-08", 1)
    shut = replace(WISHES, avoid=((TODAY, LAST + timedelta(days=1)),))
    assert Why.AVOIDED in failing(plan(one, [group()], [], shut, Known()))


def test_the_first_rule_told_is_the_smallest_change_in_proportion() -> None:
    one = series(1, [quota(3, each=True)], modes=["remote"])
    monday = date(2030, 2, 4)
    wishes = replace(WISHES, today=date(2029, 2, 4), earliest=monday, last_day=monday + timedelta(days=27), min_days=14)
    made = plan(one, [group()], [], wishes, Known())
    assert made.short[0].failing[0].why is Why.LAST_DAY  # a day in a year, against one in fourteen


# --- planning anew ----------------------------------------------------------------------------------------------------


def test_what_is_convened_and_the_drafts_that_can_stay_stay() -> None:
    one = series(1, [quota(4, each=True)], modes=["remote"])
    convened = standing(1, date(2030, 2, 4), firm=True)
    drafts = [standing(2, date(2030, 6, 3)), standing(3, date(2030, 10, 7))]
    made = plan(one, [group()], [convened, *drafts], WISHES, Known())
    assert (set(made.kept), len(made.items)) == ({convened, *drafts}, 1)
    assert made.items[0].meeting_id is None


def test_after_a_move_only_the_draft_in_the_way_moves() -> None:
    one = series(1, [quota(3, each=True)], modes=["remote"], min_days=30)
    wishes = replace(WISHES, min_days=30)
    moved = standing(1, date(2030, 5, 20), firm=True)
    near, far = standing(2, date(2030, 6, 3)), standing(3, date(2030, 10, 7))
    made = plan(one, [group()], [moved, near, far], wishes, Known())
    assert set(made.kept) == {moved, far}
    (item,) = made.items
    assert (item.meeting_id, item.before) == (near.id, near.starts_at)
    assert all(abs((day(item.starts_at) - other.day).days) >= 30 for other in (moved, far))


def test_a_sound_draft_moves_only_when_nothing_else_makes_room() -> None:
    """The draft in the middle of a month leaves no two dates with their distance on either side."""
    one = series(1, [quota(3, each=True)], modes=["remote"], min_days=10)
    wishes = replace(WISHES, earliest=date(2030, 2, 4), last_day=date(2030, 2, 26), min_days=10)
    middle = standing(2, date(2030, 2, 11))
    made = plan(one, [group()], [middle], wishes, Known())
    assert made.feasible
    assert made.kept == ()
    assert [item.meeting_id for item in made.items].count(middle.id) == 1
    alone = plan(series(1, [quota(2, each=True)], modes=["remote"]), [group()], [middle], wishes, Known())
    assert alone.kept == (middle,)


def test_a_draft_whose_people_are_elsewhere_moves() -> None:
    one = series(1, [quota(1, each=True)], modes=["remote"])
    draft = standing(2, date(2030, 6, 3))
    busy = Known(busy={person: (at(date(2030, 6, 3), 16),) for person in people(1)})
    made = plan(one, [group()], [draft], WISHES, busy)
    assert [item.meeting_id for item in made.items] == [draft.id]
    beside = Known(busy={person: (at(date(2030, 6, 3), 17),) for person in people(1)})
    assert plan(one, [group()], [draft], WISHES, beside).kept == (draft,)


def test_a_cancelled_meeting_leaves_one_date_to_be_found() -> None:
    one = series(2, [quota(3, each=True)], modes=["remote"], min_days=30)
    wishes = replace(WISHES, min_days=30)
    groups = [group(1, 1, 2), group(2, 2, 3)]
    before = plan(one, groups, [], wishes, Known())
    convened = [
        Standing(id_(600 + n), item.body_id, item.mode, item.starts_at, item.ends_at, firm=n % 2 == 0)
        for n, item in enumerate(before.items)
    ]
    after = plan(one, groups, convened[1:], wishes, Known())
    assert (len(after.items), after.items[0].meeting_id, set(after.kept)) == (1, None, set(convened[1:]))


# --- what always holds ------------------------------------------------------------------------------------------------

offsets = st.integers(0, 200)


@st.composite
def problems(draw: st.DrawFn) -> tuple[Series, list[Group], list[Standing], Wishes, Known]:
    count, pool = draw(st.integers(1, 3)), list(range(8))
    numbers = draw(st.integers(1, 4))
    min_days = draw(st.one_of(st.none(), st.integers(1, 40)))
    per_month = draw(st.one_of(st.none(), st.integers(1, 2)))
    quotas = [quota(numbers, each=True), quota(1, each=True, mode="in_person", exact=draw(st.booleans()))]
    one = series(count, quotas, min_days=min_days, per_month=per_month)
    holidays = {FIRST + timedelta(days=n): "festa" for n in draw(st.sets(offsets, max_size=40))}
    rooms = tuple(Room(id_(70 + n), draw(st.integers(1, 8))) for n in range(draw(st.integers(0, 2))))
    groups = [
        group(n, *draw(st.sets(st.sampled_from(pool), min_size=1, max_size=5)), holidays=holidays, rooms=rooms)
        for n in range(1, count + 1)
    ]
    span = draw(st.integers(10, 200))
    wishes = replace(
        WISHES,
        earliest=FIRST,
        last_day=FIRST + timedelta(days=span),
        weekdays=tuple(sorted(draw(st.sets(st.integers(1, 7), min_size=1)))),
        present=draw(st.sampled_from([0, 50, 100])),
        min_days=min_days,
        per_month=per_month,
        rooms=bool(rooms),
    )
    busy = {
        person: tuple(at(FIRST + timedelta(days=n), 14) for n in draw(st.sets(offsets, max_size=4)))
        for person in people(*draw(st.sets(st.sampled_from(pool))))
    }
    away = {
        person: tuple(
            (FIRST + timedelta(days=n), FIRST + timedelta(days=n + 9)) for n in draw(st.sets(offsets, max_size=3))
        )
        for person in people(*draw(st.sets(st.sampled_from(pool))))
    }
    stand = [
        standing(n, FIRST + timedelta(days=on), draw(st.integers(1, count)), firm=draw(st.booleans()))
        for n, on in enumerate(sorted(draw(st.sets(offsets, max_size=4))))
    ]
    return one, groups, stand, wishes, Known(busy, away)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(problems())
def test_what_is_proposed_always_holds(asked: tuple[Series, list[Group], list[Standing], Wishes, Known]) -> None:
    one, groups, stand, wishes, known = asked
    made = plan(one, groups, stand, wishes, known)
    by_id = {group_.body_id: group_ for group_ in groups}
    for item in made.items:
        on = day(item.starts_at)
        assert max(wishes.earliest, wishes.today) <= on <= wishes.last_day
        assert on.isoweekday() in wishes.weekdays
        assert on not in by_id[item.body_id].holidays
        members = by_id[item.body_id].on(on)
        out = {p for p in members for since, until in known.away.get(p, ()) if since <= on < until}
        assert set(item.away) == out
        assert 100 * (len(members) - len(out)) >= wishes.present * len(members)
        for person in members:
            assert not any(overlap(item, times) for times in known.busy.get(person, ()))
        assert not (wishes.rooms and item.mode == "in_person") or item.room_id
    never_two_at_once(made, by_id)
    rooms_hold_one_meeting(made, by_id)
    drafts_are_accounted_for(made, stand)
    quotas_hold(one, made)
    if made.feasible:
        wanted = targets(one)
        for body_id, number in wanted.items():
            kept = sum(one_.body_id == body_id for one_ in made.kept)
            assert kept + sum(item.body_id == body_id for item in made.items) == max(
                number, sum(one_.firm and one_.body_id == body_id for one_ in stand)
            )


def overlap(item: Proposed, times: tuple[datetime, datetime]) -> bool:
    return times[0] < item.ends_at and item.starts_at < times[1]


def never_two_at_once(made: Plan, by_id: dict[UUID | None, Group]) -> None:
    meetings = [(item, by_id[item.body_id].on(day(item.starts_at))) for item in made.items]
    for (first, some), (second, others) in combinations(meetings, 2):
        if some & others:
            assert not overlap(first, (second.starts_at, second.ends_at))
    for item, members in meetings:
        for kept in made.kept:
            if members & by_id[kept.body_id].on(kept.day):
                assert not overlap(item, (kept.starts_at, kept.ends_at))


def rooms_hold_one_meeting(made: Plan, by_id: dict[UUID | None, Group]) -> None:
    placed = [item for item in made.items if item.room_id]
    for first, second in combinations(placed, 2):
        assert first.room_id != second.room_id or not overlap(first, (second.starts_at, second.ends_at))
    for item in placed:
        capacity = {room.id: room.capacity for room in by_id[item.body_id].rooms}
        assert capacity[item.room_id] >= item.members  # type: ignore[index]


def drafts_are_accounted_for(made: Plan, stand: list[Standing]) -> None:
    """Every convened meeting stays; every draft stays, moves once, or is dropped; none appears from nowhere."""
    assert {one.id for one in stand if one.firm} <= {one.id for one in made.kept}
    moved = [item.meeting_id for item in made.items if item.meeting_id]
    seen = [*moved, *(one.id for one in made.kept if not one.firm), *(one.id for one in made.dropped)]
    assert len(seen) == len(set(seen))
    assert set(seen) == {one.id for one in stand if not one.firm}


def quotas_hold(one: Series, made: Plan) -> None:
    """Every proposed date fits beside all that is kept and proposed, as the programme itself will check it."""
    placed = [Placed(kept.id, kept.body_id, kept.mode, kept.day) for kept in made.kept]
    new = [
        Placed(item.meeting_id or id_(9_000 + n), item.body_id, item.mode, day(item.starts_at))
        for n, item in enumerate(made.items)
    ]
    for meeting in new:
        rules.require_fits(one, [*placed, *new], meeting)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(problems())
def test_the_same_question_has_the_same_answer(
    asked: tuple[Series, list[Group], list[Standing], Wishes, Known],
) -> None:
    assert plan(*asked) == plan(*asked)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(problems())
def test_a_plan_that_was_accepted_is_not_changed_by_planning_anew(
    asked: tuple[Series, list[Group], list[Standing], Wishes, Known],
) -> None:
    one, groups, stand, wishes, known = asked
    made = plan(one, groups, stand, wishes, known)
    if not made.feasible:
        return
    drafts = [
        Standing(item.meeting_id or id_(800 + n), item.body_id, item.mode, item.starts_at, item.ends_at, firm=False)
        for n, item in enumerate(made.items)
    ]
    again = plan(one, groups, [*made.kept, *drafts], wishes, known)
    assert (again.feasible, again.items, again.dropped) == (True, (), ())


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 6), st.integers(0, 60), st.one_of(st.none(), st.integers(1, 3)), st.integers(3, 120))
def test_it_is_infeasible_only_when_greed_finds_no_room_either(
    number: int, gap: int, per_month: int | None, span: int
) -> None:
    one = series(1, [quota(number, each=True)], modes=["remote"])
    wishes = replace(WISHES, last_day=FIRST + timedelta(days=span), min_days=gap or None, per_month=per_month)
    made = plan(one, [group()], [], wishes, Known())
    assert made.feasible is (most(wishes, number) == number)
    if not made.feasible:
        assert made.short[0].fitting == most(wishes, number)


def most(wishes: Wishes, number: int) -> int:
    """How many meetings there is room for, counted day by day."""
    found: list[date] = []
    on = wishes.earliest
    while on <= wishes.last_day and len(found) < number:
        apart = not found or (on - found[-1]).days >= max(wishes.min_days or 0, 1)
        month = sum((one.year, one.month) == (on.year, on.month) for one in found)
        if on.isoweekday() < 6 and apart and (wishes.per_month is None or month < wishes.per_month):
            found.append(on)
        on += timedelta(days=1)
    return len(found)


# --- speed ------------------------------------------------------------------------------------------------------------


def test_five_communities_with_200_people_have_their_thirty_dates_in_well_under_a_second() -> None:
    groups = [
        group(
            n,
            *range((n - 1) * 40, n * 40),
            *range(n % 5 * 40, n % 5 * 40 + 5),
            holidays=holidays_of("03", TODAY, LAST),
            rooms=(Room(id_(71), 60),),
        )
        for n in range(1, 6)
    ]
    months = [(date(2030, month, 1), date(2030, month, 15)) for month in range(1, 13)]
    away = {person: (months[number % 12],) for number, person in enumerate(sorted(people(*range(200))))}
    one = series(5, OPES, min_days=30)
    wishes = replace(WISHES, min_days=30, rooms=True)
    started = watch.process_time()
    made = plan(one, groups, [], wishes, Known(away=away))
    took = watch.process_time() - started
    assert made.feasible
    assert len(made.items) == 30
    assert [item.mode for item in made.items].count("in_person") == 5
    assert took < 1, took


def test_a_plan_far_beyond_its_days_says_so_at_once() -> None:
    """What fits is found by halving, and without rooms one order of the modes stands for all: minutes otherwise."""
    quotas = [quota(150, each=True, mode=mode) for mode in ("remote", "in_person")]
    one = series(quotas=quotas, min_days=2)
    drafts = [standing(number, FIRST + timedelta(days=3 * number)) for number in range(40)]
    began = watch.perf_counter()
    made = plan(one, [Group(id_(1), ())], drafts, replace(WISHES, min_days=2, last_day=LAST), Known())
    assert watch.perf_counter() - began < 10
    (short,) = made.short
    assert short.lacking == 260
    assert short.fitting == len(made.items) - sum(item.meeting_id is not None for item in made.items) > 100

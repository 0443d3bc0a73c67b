"""Plans over HTTP: proposed from what is known of people, places and other meetings, accepted, and made anew."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from time import perf_counter
from typing import Any

import httpx
import pytest
from sqlalchemy import event
from uuid_utils.compat import uuid7

from services.events.rights.holdings import HELD
from shared.access.actor import ROME
from shared.rights import holdings
from tests.events.room import Caller, Committee, Room, problem
from tests.events.series.test_series import OPES, adopted, bodies, drafted, fits, frame, path
from tests.harness import Running


async def planned(room: Caller, series: Any, **wishes: Any) -> Any:
    answer = await room.post(f"{path(series)}/plan", wishes)
    assert answer.status_code == 200, answer.text
    return answer.json()


ACCEPTED = ("body_id", "mode", "starts_at", "ends_at", "room_id", "meeting_id", "version")


def wanted(plan: Any) -> list[dict[str, Any]]:
    return [{name: item[name] for name in ACCEPTED} for item in plan["items"]]


async def accept(room: Caller, series: Any, plan: Any) -> httpx.Response:
    drop = [{"meeting_id": one["meeting"]["id"], "version": one["version"]} for one in plan["dropped"]]
    return await room.post(f"{path(series)}/plan/accept", {"items": wanted(plan), "drop": drop})


async def accepted(room: Caller, series: Any, plan: Any) -> list[Any]:
    answer = await accept(room, series, plan)
    assert answer.status_code == 201, answer.text
    return answer.json()["items"]  # type: ignore[no-any-return]


async def of_committee(room: Room, committee: Committee, count: int = 2, **more: Any) -> Any:
    quotas = [{"count": count, "each": True}]
    return await adopted(room, bodies=[str(committee.id)], quotas=quotas, modes=["remote"], **more)


def days(plan: Any) -> list[date]:
    return [date.fromisoformat(item["day"]) for item in plan["items"]]


async def absent(caller: Caller, room: Room, since: date, until: date, **more: Any) -> httpx.Response:
    span = {"since": since.isoformat(), "until": until.isoformat()}
    return await caller.post(f"/networks/{room.slug}/absences", {**span, **more})


# --- proposing and accepting ------------------------------------------------------------------------------------------


async def test_a_plan_of_thirty_is_proposed_with_reasons_and_accepted_whole(room: Room) -> None:
    groups = await bodies(room, 5, territory="03")
    series = await adopted(
        room, bodies=groups, quotas=OPES, modes=["remote", "in_person"], min_days=30, level="territorial"
    )
    plan = await planned(room, series)
    assert (plan["feasible"], len(plan["items"]), plan["short"], plan["kept"]) == (True, 30, [], [])
    modes = [item["mode"] for item in plan["items"]]
    assert (modes.count("remote"), modes.count("in_person")) == (25, 5)
    assert all(item["why"] for item in plan["items"])
    made = await accepted(room, series, plan)
    assert len(made) == 30
    meetings = await room.items(f"/networks/{room.slug}/meetings", series=series["id"])
    assert [one["starts_at"] for one in meetings] == [item["starts_at"] for item in plan["items"]]
    assert {(one["state"], one["level"]) for one in meetings} == {("draft", "territorial")}
    assert meetings[0]["title"].startswith("Programma: Comunità ")
    again = await planned(room, series)
    assert (again["items"], len(again["kept"]), again["feasible"]) == ([], 30, True)


async def test_a_plan_is_accepted_whole_or_not_at_all(room: Room) -> None:
    committee = await room.committee(holders=2)
    series = await of_committee(room, committee, 3)
    plan = await planned(room, series)
    late = date.fromisoformat(series["last_day"]) + timedelta(days=1)
    starts = datetime.combine(late, time(15), ROME)
    plan["items"][-1] |= {"starts_at": starts.isoformat(), "ends_at": (starts + timedelta(hours=1)).isoformat()}
    assert problem(await accept(room, series, plan)) == (409, "outside-series")
    assert await room.items(f"/networks/{room.slug}/meetings", series=series["id"]) == []


async def test_a_plan_that_was_accepted_twice_does_not_break_the_quota(room: Room) -> None:
    committee = await room.committee(holders=1)
    series = await of_committee(room, committee, 2)
    plan = await planned(room, series)
    await accepted(room, series, plan)
    assert problem(await accept(room, series, plan)) == (409, "outside-series")
    assert len(await room.items(f"/networks/{room.slug}/meetings", series=series["id"])) == 2


async def test_a_plan_that_no_quota_bounds_is_not_drafted_twice(room: Room) -> None:
    committee = await room.committee(holders=1)
    series = await adopted(room, bodies=[str(committee.id)], quotas=[], modes=["remote"])
    plan = await planned(room, series, meetings=2)
    answers = await asyncio.gather(*(accept(room, series, plan) for _ in range(2)))
    assert sorted(answer.status_code for answer in answers) == [201, 409]
    assert problem(await accept(room, series, plan)) == (409, "meeting-overlaps")
    assert len(await room.items(f"/networks/{room.slug}/meetings", series=series["id"])) == 2


async def test_more_than_can_be_placed_in_seconds_is_refused(room: Room) -> None:
    """What a plan costs grows with its meetings, its times and how many a month may have."""
    committee = await room.committee(holders=1)
    last = (room.today + timedelta(days=3_600)).isoformat()
    frame = {"bodies": [str(committee.id)], "since": room.today.isoformat(), "last_day": last, "modes": ["remote"]}
    many = await adopted(room, **frame, quotas=[{"count": 1_000, "each": True}], per_month=31)
    answer = await room.post(f"{path(many)}/plan", {})
    assert problem(answer) == (422, "invalid")
    assert answer.json()["errors"][0]["path"] == "/meetings"
    assert (await planned(room, many, meetings=2))["feasible"]


async def test_an_excluded_period_that_ends_before_it_begins_is_refused(room: Room) -> None:
    committee = await room.committee(holders=1)
    series = await of_committee(room, committee)
    spans = [{"since": "2030-01-01", "until": "2030-01-02"}, {"since": "2030-01-02", "until": "2030-01-02"}]
    answer = await room.post(f"{path(series)}/plan", {"avoid": spans})
    assert (answer.status_code, answer.json()["errors"][0]["path"]) == (422, "/avoid/1/until")


async def test_dates_keep_to_the_wishes(room: Room) -> None:
    committee = await room.committee(holders=1)
    series = await of_committee(room, committee, 3)
    shut = {"since": series["since"], "until": (date.fromisoformat(series["since"]) + timedelta(days=200)).isoformat()}
    plan = await planned(
        room, series, weekdays=[2], times=["18:00"], minutes=90, notice_days=20, avoid=[shut], meetings=2
    )
    assert len(plan["items"]) == 2
    for item in plan["items"]:
        starts, ends = datetime.fromisoformat(item["starts_at"]), datetime.fromisoformat(item["ends_at"])
        assert (starts.astimezone(ROME).isoweekday(), starts.astimezone(ROME).time()) == (2, time(18))
        assert ends - starts == timedelta(minutes=90)
        assert item["day"] >= shut["until"]
    early = await planned(room, series, notice_days=30, meetings=1, weekdays=[1, 2, 3, 4, 5, 6, 7])
    assert days(early)[0] >= room.today + timedelta(days=30)


async def test_holidays_of_the_bodys_province_are_not_proposed(room: Room) -> None:
    body = room.body("open", territory="097")
    await room.tell(body)
    patron = date(room.today.year + 1, 12, 6)  # san Nicola, in Lecco
    since = patron - timedelta(days=1)
    span = {"since": since.isoformat(), "last_day": (patron + timedelta(days=1)).isoformat()}
    series = await adopted(room, bodies=[str(body.id)], quotas=[{"count": 1, "each": True}], **span)
    plan = await planned(room, series, weekdays=[patron.isoweekday()])
    assert (plan["feasible"], plan["items"]) == (False, [])
    elsewhere = await planned(room, series, weekdays=[1, 2, 3, 4, 5, 6, 7])
    assert days(elsewhere)[0] in (since, patron + timedelta(days=1))
    assert (elsewhere["items"][0]["avoided"] or [{"code": "holiday"}])[0]["code"] == "holiday"


async def test_people_in_another_meeting_are_not_called_to_a_second_one(room: Room) -> None:
    """Convened or drafted, of another body or of the whole network: what matters is who would be there."""
    committee = await room.committee(holders=2)
    other = room.body("open", title="Gruppo")
    shared = committee.members[0].person_id
    await room.tell(other, room.mandate(shared, "member", body_id=other.id))
    on = room.today + timedelta(days=20)
    span = {"since": on.isoformat(), "last_day": (on + timedelta(days=1)).isoformat()}
    series = await of_committee(room, committee, 1, **span)
    everyday: dict[str, Any] = {"weekdays": [1, 2, 3, 4, 5, 6, 7], "times": ["15:00"]}
    free = await planned(room, series, **everyday)
    (first,) = days(free)
    starts = datetime.combine(first, time(16), ROME)
    times: dict[str, Any] = {"starts_at": starts, "ends_at": (starts + timedelta(hours=1)).isoformat()}
    draft = await room.meeting(other.id, **times)
    plan = await planned(room, series, **everyday)
    assert days(plan) != [first]
    assert len(plan["items"]) == 1
    convened = await room.made(f"/meetings/{draft['id']}/convene", etag=f'"{draft["version"]}"')
    assert days(await planned(room, series, **everyday)) == days(plan)
    (invitation,) = await room.invitations(convened)
    member = room.person_calling(shared)
    assert (await member.post(f"/invitations/{invitation['id']}/answer", {"answer": "no"})).status_code == 200
    assert days(await planned(room, series, **everyday)) == [first]


async def test_a_body_that_meets_outside_the_programme_has_no_second_meeting_that_day(room: Room) -> None:
    committee = await room.committee(holders=1)
    on = room.today + timedelta(days=20)
    series = await of_committee(room, committee, 1, since=on.isoformat(), last_day=on.isoformat())
    everyday = {"weekdays": [1, 2, 3, 4, 5, 6, 7], "times": ["09:00"]}
    starts = datetime.combine(on, time(19), ROME)
    assert (await planned(room, series, **everyday))["feasible"]
    await room.meeting(committee.id, starts_at=starts)
    assert not (await planned(room, series, **everyday))["feasible"]


# --- absences ---------------------------------------------------------------------------------------------------------


async def test_who_is_away_moves_a_date_or_is_named_as_missing_it(room: Room) -> None:
    committee = await room.committee(holders=3)
    series = await of_committee(room, committee, 1)
    (ideal,) = days(await planned(room, series))
    since, until = ideal - timedelta(days=10), ideal + timedelta(days=11)
    for member in committee.members[:2]:
        caller = await room.caller("referent", member.person_id)
        assert (await absent(caller, room, since, until)).status_code == 201
    (moved,) = days(plan := await planned(room, series))
    assert not since <= moved < until
    assert plan["items"][0]["avoided"][0] == {
        "day": ideal.isoformat(),
        "code": "people_away",
        "people": 2,
        "name": None,
    }
    assert "2 persone assenti" in plan["items"][0]["why"]
    third = str(committee.members[2].person_id)
    forever = date.fromisoformat(series["last_day"]) + timedelta(days=400)
    recorded = await absent(room, room, room.today, forever, person_id=third)
    assert (recorded.status_code, recorded.json()["declared"]) == (201, False)
    plan = await planned(room, series)
    assert [one["id"] for one in plan["items"][0]["away"]] == [third]
    assert plan["items"][0]["away"][0]["name"] == "Persona Numero 3"
    assert plan["items"][0]["present"] == {"count": 2, "of": 3, "share": pytest.approx(2 / 3)}
    full = await planned(room, series, present=100)
    assert not full["feasible"]
    assert next((one["code"], one["needed"]) for one in full["short"][0]["failing"]) == ("people_away", "66 %")


async def test_absences_are_ones_own_or_the_coordinations_to_see_and_take_back(events: Running, room: Room) -> None:
    committee = await room.committee(holders=2)
    one, two = [member.person_id for member in committee.members]
    own, other = await room.caller("referent", one), await room.caller("referent", two)
    since, until = room.today, room.today + timedelta(days=7)
    mine = (await absent(own, room, since, until)).json()
    of_one = (await absent(room, room, since, until, person_id=str(one))).json()
    where = f"/networks/{room.slug}/absences"
    assert [item["id"] for item in await own.items(where)] == [mine["id"], of_one["id"]]
    assert await other.items(where) == []
    assert [item["id"] for item in await room.items(where)] == [of_one["id"]]
    assert [item["id"] for item in await room.items(where, person=str(two))] == []
    assert [item["id"] for item in await room.items(where, on=until.isoformat())] == []
    assert (await absent(other, room, since, until, person_id=str(one))).status_code == 403
    elsewhere = await Room.founded(events)
    for caller, absence, status in (
        (other, mine, 404),
        (room, mine, 404),
        (elsewhere, of_one, 404),
        (own, mine, 204),
        (room, of_one, 204),
    ):
        url = f"/events/v1/absences/{absence['id']}"
        answer = await room.running.client.delete(url, headers=caller.headers)
        assert answer.status_code == status, answer.text
    assert await own.items(where) == []
    assert (await absent(own, room, until, since)).json()["errors"][0]["path"] == "/until"
    assert problem(await absent(room, room, since, until, person_id=str(uuid7()))) == (409, "not-yet-known")
    stranger = (another := await Room.founded(events)).person("Di", "Altri")
    await another.tell(stranger)
    refused = await absent(room, room, since, until, person_id=str(stranger.id))
    assert problem(refused) == (409, "not-yet-known")  # nor told the name
    assert "Altri" not in refused.text


# --- rooms ------------------------------------------------------------------------------------------------------------


async def hall(room: Room, capacity: int = 10, **more: Any) -> Any:
    asked = {"title": f"Sala {capacity}", "address": "via Roma 1, Lecco", "capacity": capacity, **more}
    return await room.made(f"/networks/{room.slug}/rooms", asked)


async def test_in_presence_a_room_that_is_large_enough_is_proposed_and_then_taken(room: Room) -> None:
    committee = await room.committee(holders=3)
    quotas = [{"count": 1, "each": True}]
    series = await adopted(room, bodies=[str(committee.id)], quotas=quotas, modes=["in_person"])
    without = await planned(room, series)
    assert (without["feasible"], without["items"][0]["room"]) == (True, None)
    small, large = await hall(room, 2), await hall(room, 3)
    plan = await planned(room, series)
    (item,) = plan["items"]
    assert (item["room_id"], item["room"]) == (large["id"], "Sala 3, via Roma 1, Lecco")
    only_small = await planned(room, series, rooms=[small["id"]])
    assert [one["code"] for one in only_small["short"][0]["failing"]][:1] == ["no_room"]
    assert only_small["short"][0]["failing"][0]["by"] == 1
    book = {"starts_at": item["starts_at"], "ends_at": item["ends_at"]}
    taken = await room.made(f"/rooms/{large['id']}/bookings", book)
    assert problem(await accept(room, series, plan)) == (409, "room-taken")
    assert await room.items(f"/networks/{room.slug}/meetings", series=series["id"]) == []
    other = await planned(room, series)
    assert other["items"][0]["starts_at"] != item["starts_at"]
    url = f"/events/v1/rooms/{large['id']}/bookings/{taken['id']}"
    assert (await room.running.client.delete(url, headers=room.headers)).status_code == 204
    (made,) = await accepted(room, series, plan)
    assert (await room.found(f"/meetings/{made['id']}"))["place"] == "Sala 3, via Roma 1, Lecco"
    (booking,) = await room.items(f"/rooms/{large['id']}/bookings")
    assert (booking["meeting"]["id"], booking["starts_at"]) == (made["id"], item["starts_at"])
    assert problem(await room.post(f"/rooms/{large['id']}/bookings", book)) == (409, "room-taken")
    after = {"starts_at": item["ends_at"], "ends_at": item["ends_at"].replace("Z", "+00:00")}
    assert (await room.post(f"/rooms/{large['id']}/bookings", after)).status_code == 422
    await room.made(f"/meetings/{made['id']}/cancel", etag=f'"{made["version"]}"')
    assert await room.items(f"/rooms/{large['id']}/bookings") == []
    assert (await room.post(f"/rooms/{large['id']}/bookings", book)).status_code == 201


async def test_a_booking_lapses_when_its_meeting_goes_somewhere_else(room: Room) -> None:
    committee = await room.committee(holders=1)
    quotas = [{"count": 1, "each": True}]
    series = await adopted(room, bodies=[str(committee.id)], quotas=quotas, modes=["in_person"])
    large = await hall(room)
    (made,) = await accepted(room, series, await planned(room, series))
    assert len(await room.items(f"/rooms/{large['id']}/bookings")) == 1
    moved = await room.patch(f"/meetings/{made['id']}", {"place": "Altrove"}, f'"{made["version"]}"')
    assert moved.status_code == 200
    assert await room.items(f"/rooms/{large['id']}/bookings") == []


async def test_rooms_are_entered_changed_closed_and_listed_by_the_coordination(room: Room) -> None:
    one, two = await hall(room, 5, territory="LC"), await hall(room, 9, territory="E507")
    assert (one["territory"], two["territory"]) == ("097", "E507")
    where = f"/networks/{room.slug}/rooms"
    for params, found in (({"territory": "097"}, [one]), ({"q": "sala 9"}, [two]), ({}, [one, two])):
        assert [item["id"] for item in await room.items(where, **params)] == [item["id"] for item in found]
    closed = await room.patch(f"/rooms/{one['id']}", {"state": "closed", "capacity": 6}, '"1"')
    assert (closed.json()["state"], closed.json()["capacity"], closed.json()["version"]) == ("closed", 6, 2)
    assert [item["id"] for item in await room.items(where, state="open")] == [two["id"]]
    assert (await room.patch(f"/rooms/{one['id']}", {"capacity": 7}, '"1"')).status_code == 412
    starts = datetime.now(UTC) + timedelta(days=3)
    book = {"starts_at": starts.isoformat(), "ends_at": (starts + timedelta(hours=1)).isoformat()}
    assert (await room.post(f"/rooms/{one['id']}/bookings", book)).status_code == 404
    for more, field in (
        ({"capacity": 0}, "/capacity"),
        ({"territory": "ZZ9"}, "/territory"),
        ({"title": "\x00"}, "/title"),
        ({"address": ""}, "/address"),
    ):
        asked = {"title": "Sala", "address": "via Roma", "capacity": 3, **more}
        answer = await room.post(where, asked)
        assert (answer.status_code, answer.json()["errors"][0]["path"]) == (422, field)
    reader = await room.caller("referent")
    assert (await reader.get(where)).status_code == 403
    assert (await reader.get(f"/rooms/{two['id']}")).status_code == 403
    assert (await reader.post(where, {"title": "S", "address": "v", "capacity": 1})).status_code == 403


# --- planning anew ----------------------------------------------------------------------------------------------------


async def convened(room: Room, series: Any) -> list[Any]:
    """All drafts of a programme, convened, in the order of their beginning."""
    made = []
    for one in await room.items(f"/networks/{room.slug}/meetings", series=series["id"], state="draft"):
        join = await room.patch(
            f"/meetings/{one['id']}", {"join_url": "https://meet.example.org/x"}, f'"{one["version"]}"'
        )
        etag = f'"{join.json()["version"]}"'
        made.append(await room.made(f"/meetings/{one['id']}/convene", etag=etag))
    return made


async def test_after_a_cancellation_what_people_accepted_stays_and_one_date_is_found(room: Room) -> None:
    committee = await room.committee(holders=2)
    series = await of_committee(room, committee, 4, min_days=30)
    await accepted(room, series, await planned(room, series))
    first, second, *others = await convened(room, series)
    (one, *_) = await room.invitations(first)
    member = room.person_calling(committee.members[0].person_id)
    assert (await member.post(f"/invitations/{one['id']}/answer", {"answer": "yes"})).status_code == 200
    now = await room.found(f"/meetings/{second['id']}")
    await room.made(f"/meetings/{second['id']}/cancel", etag=f'"{now["version"]}"')
    plan = await planned(room, series)
    assert len(plan["items"]) == 1
    assert plan["items"][0]["meeting_id"] is None
    assert [(kept["meeting"]["id"], kept["firm"]) for kept in plan["kept"]] == [
        (one["id"], True) for one in (first, *others)
    ]
    for kept in plan["kept"]:
        apart = abs((date.fromisoformat(kept["starts_at"][:10]) - days(plan)[0]).days)
        assert apart >= 30
    (made,) = await accepted(room, series, plan)
    assert (await room.found(f"/meetings/{made['id']}"))["state"] == "draft"
    assert (await room.found(f"/meetings/{first['id']}"))["starts_at"] == first["starts_at"]


async def test_after_an_absence_only_the_draft_that_it_touches_moves(room: Room) -> None:
    committee = await room.committee(holders=3)
    series = await of_committee(room, committee, 4)
    drafts = await accepted(room, series, await planned(room, series))
    on = date.fromisoformat(drafts[1]["starts_at"][:10])
    for member in committee.members[:2]:
        await absent(room, room, on - timedelta(days=2), on + timedelta(days=3), person_id=str(member.person_id))
    plan = await planned(room, series)
    (item,) = plan["items"]
    assert (item["meeting_id"], item["before"], item["version"]) == (drafts[1]["id"], drafts[1]["starts_at"], 1)
    assert "Sposta una bozza" in item["why"]
    assert {kept["meeting"]["id"] for kept in plan["kept"]} == {drafts[n]["id"] for n in (0, 2, 3)}
    (moved,) = await accepted(room, series, plan)
    assert (moved["id"], moved["version"]) == (drafts[1]["id"], 2)
    meetings = await room.items(f"/networks/{room.slug}/meetings", series=series["id"])
    assert {one["id"]: one["version"] for one in meetings} == {one["id"]: 1 for one in drafts} | {moved["id"]: 2}
    stale = await accept(room, series, plan)
    assert problem(stale) == (412, "version-mismatch")


async def test_drafts_that_swap_make_room_for_each_other(room: Room) -> None:
    committee = await room.committee(holders=1)
    series = await of_committee(room, committee, 2, min_days=20)
    one = await fits(room, series, str(committee.id), 40)
    two = await fits(room, series, str(committee.id), 70)
    since = date.fromisoformat(series["since"])

    def item(meeting: Any, on: int) -> dict[str, Any]:
        starts = datetime.combine(since + timedelta(days=on), time(15), ROME)
        times = {"starts_at": starts.isoformat(), "ends_at": (starts + timedelta(hours=2)).isoformat()}
        ids = {"meeting_id": meeting["id"], "version": meeting["version"]}
        return {"body_id": str(committee.id), "mode": "remote", **times, **ids}

    answer = await room.post(f"{path(series)}/plan/accept", {"items": [item(one, 60), item(two, 100)]})
    assert answer.status_code == 201, answer.text
    assert [made["version"] for made in answer.json()["items"]] == [2, 2]
    near = [item({"id": one["id"], "version": 2}, 60), item({"id": two["id"], "version": 2}, 70)]
    assert problem(await room.post(f"{path(series)}/plan/accept", {"items": near})) == (409, "outside-series")


async def test_drafts_beyond_the_quota_are_dropped_when_the_plan_is_accepted(room: Room) -> None:
    one, two = await bodies(room, 2)
    series = await drafted(room, bodies=[one], quotas=[{"count": 2}], modes=["remote"])
    for on in (20, 60):
        await fits(room, series, one, on)
    changed = await room.patch(path(series), {"bodies": [one, two], "quotas": [{"count": 4}]}, '"1"')
    assert [body["share"] for body in changed.json()["bodies"]] == [2, 2]
    plan = await planned(room, series, meetings=1)
    assert [len(plan[name]) for name in ("items", "kept", "dropped")] == [1, 1, 1]
    await accepted(room, series, plan)
    states = [one["state"] for one in await room.items(f"/networks/{room.slug}/meetings", series=series["id"])]
    assert sorted(states) == ["cancelled", "draft", "draft"]


async def test_what_is_no_draft_of_the_programme_is_neither_moved_nor_dropped(room: Room) -> None:
    committee = await room.committee(holders=1)
    series, other = await of_committee(room, committee, 2), await of_committee(room, committee, 2)
    foreign = await fits(room, other, str(committee.id), 20)
    item = {
        "body_id": str(committee.id),
        "mode": "remote",
        "starts_at": foreign["starts_at"],
        "ends_at": foreign["ends_at"],
        "meeting_id": foreign["id"],
        "version": 1,
    }
    accept_at = f"{path(series)}/plan/accept"
    for asked, field in (
        ({"items": [item]}, "/items/0/meeting_id"),
        ({"drop": [{"meeting_id": foreign["id"], "version": 1}]}, "/drop/0/meeting_id"),
        ({"items": [{**item, "meeting_id": None, "room_id": str(uuid7())}]}, "/items/0/room_id"),
    ):
        answer = await room.post(accept_at, asked)
        assert (answer.status_code, answer.json()["errors"][0]["path"]) == (422, field), answer.text
    assert (await room.found(f"/meetings/{foreign['id']}"))["version"] == 1


# --- what cannot be ---------------------------------------------------------------------------------------------------


async def test_an_infeasible_plan_says_which_rule_fails_and_by_how_much(room: Room) -> None:
    committee = await room.committee(holders=1)
    on = room.today + timedelta(days=30)
    monday = on + timedelta(days=(7 - on.weekday()) % 7)
    span = {"since": monday.isoformat(), "last_day": (monday + timedelta(days=27)).isoformat()}
    series = await of_committee(room, committee, 3, min_days=14, **span)
    tight = await planned(room, series)  # twice fourteen days do not fit between the first and the 28th
    assert tight["feasible"] is False
    (short,) = tight["short"]
    assert (short["body"]["id"], short["lacking"], short["fitting"]) == (str(committee.id), 3, 2)
    failing = {one["code"]: one for one in short["failing"]}
    assert {"last_day", "min_days", "meetings"} <= failing.keys()
    assert failing["last_day"]["given"] == span["last_day"]
    assert failing["last_day"]["by"] >= 1
    assert "proroga" in failing["last_day"]["why"]
    assert len(tight["items"]) == 2


async def test_without_a_number_it_is_asked_for_and_a_closed_programme_has_no_plan(room: Room) -> None:
    (body,) = await bodies(room, 1)
    series = await adopted(room, bodies=[body])
    refused = await room.post(f"{path(series)}/plan", {})
    assert problem(refused) == (422, "series-number-unknown")
    assert len((await planned(room, series, meetings=2))["items"]) == 2
    etag = (await room.get(path(series))).headers["etag"]
    await room.made(f"{path(series)}/close", {}, etag)
    assert problem(await room.post(f"{path(series)}/plan", {})) == (409, "series-not-possible-now")


async def test_wishes_that_cannot_be_are_refused_with_the_field(room: Room) -> None:
    (body,) = await bodies(room, 1)
    series = await adopted(room, bodies=[body], quotas=[{"count": 1, "each": True}])
    for wish, field in (
        ({"weekdays": []}, "/weekdays"),
        ({"weekdays": [8]}, "/weekdays/0"),
        ({"times": ["25:00"]}, "/times/0"),
        ({"times": ["03:00"]}, "/times/0"),
        ({"minutes": 0}, "/minutes"),
        ({"present": 101}, "/present"),
        ({"notice_days": 0}, "/notice_days"),
        ({"since": "0001-01-01"}, "/since"),
        ({"meetings": 0}, "/meetings"),
        ({"colour": "red"}, "/colour"),
    ):
        answer = await room.post(f"{path(series)}/plan", wish)
        assert (answer.status_code, answer.json()["errors"][0]["path"]) == (422, field), (wish, answer.text)
    assert (await room.post(f"{path(series)}/plan", {"rooms": [str(uuid7())]})).status_code == 404


async def test_nobody_learns_from_a_plan_that_somebody_is_busy_in_another_network(events: Running, room: Room) -> None:
    committee = await room.committee(holders=1)
    other = await Room.founded(events)
    body = other.body("open")
    await other.tell(body, other.mandate(committee.members[0].person_id, "member", body_id=body.id))
    series = await of_committee(room, committee, 1)
    before = await planned(room, series)
    starts = datetime.fromisoformat(before["items"][0]["starts_at"])
    await other.convened(body.id, starts_at=starts)
    assert await planned(room, series) == before


OF_PLANS = ("series", "meetings", "bodies", "mandates", "absences", "rooms", "people")


@contextmanager
def statements(running: Running) -> Iterator[list[str]]:
    """Those about what a plan reads: the relay asks the log meanwhile."""
    seen: list[str] = []

    def note(_: Any, __: Any, statement: str, *more: Any) -> None:
        if any(f"{verb} {table}" in statement.lower() for table in OF_PLANS for verb in ("from", "join")):
            seen.append(statement)

    engine = running.context.database.engine.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", note)


async def test_reading_for_a_plan_takes_as_many_statements_for_five_bodies_as_for_one(room: Room) -> None:
    counts = []
    for number in (1, 5):
        groups = await bodies(room, number)
        await room.tell(*(room.mandate(uuid7(), "member", body_id=group) for group in groups for _ in range(5)))
        series = await drafted(room, **frame(room, bodies=groups, quotas=[{"count": 2, "each": True}]))
        await planned(room, series)  # so that no connection is made while they are counted
        with statements(room.running) as seen:
            await planned(room, series)
        counts.append(len(seen))
    assert counts[0] == counts[1] < 20, counts


async def test_thirty_dates_for_two_hundred_people_are_read_and_found_within_a_second(room: Room) -> None:
    groups = await bodies(room, 5, territory="03")
    named = [room.person("Persona", f"Numero {number}") for number in range(200)]
    people = [person.id for person in named]
    await room.tell(
        *named,
        *(room.mandate(person, "member", body_id=groups[number // 40]) for number, person in enumerate(people)),
        *(room.mandate(people[40 * n + m], "member", body_id=groups[n - 1]) for n in range(5) for m in range(5)),
    )
    for number, person in enumerate(people[::10]):
        since = room.today + timedelta(days=20 * number)
        recorded = await absent(room, room, since, since + timedelta(days=30), person_id=str(person))
        assert recorded.status_code == 201
    series = await adopted(room, bodies=groups, quotas=OPES, modes=["remote", "in_person"], min_days=30)
    await planned(room, series)
    started = perf_counter()
    plan = await planned(room, series)
    took = perf_counter() - started
    assert (plan["feasible"], len(plan["items"])) == (True, 30)
    assert {item["present"]["of"] for item in plan["items"]} == {45}
    assert took < 3, took  # 0.45 s on a busy machine


async def test_whom_the_registry_erases_is_never_away(room: Room) -> None:
    committee = await room.committee(holders=1)
    member = committee.members[0]
    caller = await room.caller("referent", member.person_id)
    assert (await absent(caller, room, room.today, room.today + timedelta(days=9))).status_code == 201
    series = await adopted(room, quotas=[{"count": 1}])
    async with room.running.context.database.sessions() as session:
        await holdings.forget(session, HELD, member.person_id)
        await session.commit()
    left = await room.running.sql("select id from absences where person_id = :p", p=member.person_id)
    assert (left, (await room.found(path(series)))["state"]) == ([], "adopted")


async def test_a_plan_that_would_look_at_too_much_is_refused_before_it_looks(room: Room) -> None:
    series = await adopted(
        room,
        quotas=[{"count": 2, "each": True}],
        bodies=await bodies(room, 150),
        last_day=(room.today + timedelta(days=3_000)).isoformat(),
    )
    refused = await room.post(f"{path(series)}/plan", {"times": ["09:00"]})
    assert (refused.status_code, refused.json()["errors"][0]["path"]) == (422, "/times")


async def test_people_who_enter_and_leave_on_many_days_are_followed_by_the_month(room: Room) -> None:
    """Beyond sixty days of change, those who are there on the first of a month stand for the rest of it."""
    body = room.body("open")
    always = room.mandate(uuid7(), "member", body_id=body.id)
    since = [room.today + timedelta(days=n) for n in range(1, 70)]
    await room.tell(
        body,
        always,
        *(room.mandate(uuid7(), "member", body_id=body.id, since=on, until=on + timedelta(days=1)) for on in since),
    )
    series = await adopted(room, bodies=[str(body.id)], quotas=[{"count": 1, "each": True}])
    plan = await planned(room, series, since=(room.today + timedelta(days=200)).isoformat())
    assert (plan["feasible"], plan["items"][0]["present"]["of"]) == (True, 1)

"""Programmes as a secretariat uses them, over HTTP: the two whose numbers the documents give, and what may go wrong."""

from __future__ import annotations

import asyncio
from datetime import date, datetime, timedelta
from typing import Any

import httpx
from uuid_utils.compat import uuid7

from shared.access.actor import ROME
from tests.events.room import Caller, Room, problem
from tests.harness import Running


async def bodies(room: Room, count: int, **state: Any) -> list[str]:
    facts = [room.body("open", title=f"Comunità {number + 1}", **state) for number in range(count)]
    await room.tell(*facts)
    return [str(fact.id) for fact in facts]


def frame(room: Room, **more: Any) -> dict[str, Any]:
    """A year from tomorrow on, whatever day it is."""
    since = room.today + timedelta(days=1)
    return {
        "title": "Programma",
        "since": since.isoformat(),
        "last_day": (since + timedelta(days=364)).isoformat(),
        **more,
    }


async def drafted(room: Room, **more: Any) -> Any:
    return await room.made(f"/networks/{room.slug}/series", frame(room, **more))


def path(series: Any) -> str:
    return f"/series/{series['id']}"


async def act(room: Caller, series: Any, action: str, body: Any = None) -> httpx.Response:
    etag = (await room.get(path(series))).headers["etag"]
    return await room.post(f"{path(series)}/{action}", body, etag)


async def adopted(room: Room, **more: Any) -> Any:
    answer = await act(room, series := await drafted(room, **more), "adopt")
    assert answer.status_code == 200, answer.text
    assert series["state"] == "draft"
    return answer.json()


async def meet(
    room: Room, series: Any, body: str | None, on: int | date, mode: str = "remote", **more: Any
) -> httpx.Response:
    """A draft on the so-many-th day of the programme, or on a day."""
    day = on if isinstance(on, date) else date.fromisoformat(series["since"]) + timedelta(days=on)
    starts = datetime.combine(day, datetime.min.time(), ROME) + timedelta(hours=15)
    asked = {
        "title": "Incontro",
        "body_id": body,
        "starts_at": starts.isoformat(),
        "ends_at": (starts + timedelta(hours=2)).isoformat(),
        "mode": mode,
        "series_id": series["id"],
        **more,
    }
    return await room.post(f"/networks/{room.slug}/meetings", asked)


async def fits(room: Room, *args: Any, **more: Any) -> Any:
    answer = await meet(room, *args, **more)
    assert answer.status_code == 201, answer.text
    return answer.json()


def codes(answer: httpx.Response) -> list[str]:
    assert problem(answer) == (409, "outside-series"), answer.text
    return [error["code"] for error in answer.json()["errors"]]


async def extended(room: Room, series: Any, **fields: Any) -> httpx.Response:
    act_ = {"act": "Determina 12", "day": room.today.isoformat(), "reason": "Più partecipanti del previsto"}
    return await act(room, series, "extensions", {**act_, **fields})


OPES = [
    {"count": 30, "exact": True},
    {"count": 6, "each": True, "exact": True},
    {"count": 5, "each": True, "mode": "remote", "exact": True},
    {"count": 1, "each": True, "mode": "in_person", "exact": True},
]


# --- the two programmes -----------------------------------------------------------------------------------------------


async def test_six_focus_groups_make_eighteen_meetings_and_the_nineteenth_waits_for_an_extension(room: Room) -> None:
    groups = await bodies(room, 6)
    series = await adopted(room, bodies=groups, quotas=[{"count": 18}])
    assert [body["share"] for body in series["bodies"]] == [3] * 6
    for number in range(18):
        await fits(room, series, groups[number % 6], 5 + 10 * number)
    refused = await meet(room, series, groups[0], 300)
    assert codes(refused) == ["quota", "share"]
    told = refused.json()
    assert [(b["limit"], b["counted"]) for b in told["breaches"]] == [(18, 19), (3, 4)]
    assert "numero 19 delle 18" in told["detail"]
    assert told["extension"] == {
        "quotas": [{"count": 19, "each": False, "mode": None, "exact": False}],
        "shares": [4, 3, 3, 3, 3, 3],
    }
    assert (await extended(room, series, **told["extension"])).status_code == 200
    await fits(room, series, groups[0], 300)
    assert codes(await meet(room, series, groups[1], 310)) == ["quota", "share"]


async def test_the_split_of_the_eighteen_is_configurable(room: Room) -> None:
    groups = await bodies(room, 6)
    series = await adopted(room, bodies=groups, quotas=[{"count": 18}], shares=[4, 4, 4, 2, 2, 2])
    for number in range(4):
        await fits(room, series, groups[0], 10 * number)
    assert codes(await meet(room, series, groups[0], 100)) == ["share"]
    for number in range(2):
        await fits(room, series, groups[5], 10 * number)
    assert codes(await meet(room, series, groups[5], 100)) == ["share"]


async def test_five_communities_meet_six_times_in_sixteen_months_and_what_breaks_it_is_refused(room: Room) -> None:
    groups = await bodies(room, 5)
    since = room.today + timedelta(days=1)
    last = since + timedelta(days=486)
    series = await adopted(room, bodies=groups, quotas=OPES, modes=["remote", "in_person"], last_day=last.isoformat())
    for community in groups:
        for number in range(6):
            mode = "in_person" if number == 5 else "remote"
            await fits(room, series, community, 60 * number, mode)
    progress = await room.found(f"{path(series)}/progress")
    assert (progress["planned"], progress["held"], progress["limit"], progress["left"]) == (30, 0, 30, 0)
    assert {one["mode"]: one["planned"] for one in progress["modes"]} == {"remote": 25, "in_person": 5}
    assert [(one["planned"], one["left"]) for one in progress["bodies"]] == [(6, 0)] * 5
    first, past = groups[0], last + timedelta(days=1)

    seventh = await meet(room, series, first, 400)
    assert [(b["limit"], b["counted"], b["mode"]) for b in seventh.json()["breaches"]] == [
        (30, 31, None),
        (6, 7, None),
        (5, 6, "remote"),
    ]
    second = await meet(room, series, first, 400, "in_person")
    assert (1, 2, "in_person") in [(b["limit"], b["counted"], b["mode"]) for b in second.json()["breaches"]]
    moved = (await room.items(f"/networks/{room.slug}/meetings", series=series["id"]))[-1]
    at = datetime.combine(past, datetime.min.time(), ROME) + timedelta(hours=15)
    times = {"starts_at": at.isoformat(), "ends_at": (at + timedelta(hours=2)).isoformat()}
    late = await room.patch(f"/meetings/{moved['id']}", times, f'"{moved["version"]}"')
    assert codes(late) == ["span"]
    assert late.json()["breaches"][0]["limit"] == last.isoformat()
    assert late.json()["extension"] == {"last_day": past.isoformat()}

    wider = {**second.json()["extension"], "last_day": past.isoformat()}
    assert (await extended(room, series, **wider)).status_code == 200
    await fits(room, series, first, 400, "in_person")
    assert (await room.patch(f"/meetings/{moved['id']}", times, f'"{moved["version"]}"')).status_code == 200
    again = await meet(room, series, first, 410)
    assert set(codes(again)) == {"quota"}
    assert (await extended(room, series, **again.json()["extension"])).status_code == 200
    await fits(room, series, first, 410)
    history = await room.items(f"{path(series)}/extensions")
    assert [(one["number"], one["act"], one["day"]) for one in history] == [
        (number, "Determina 12", room.today.isoformat()) for number in (1, 2)
    ]
    assert (history[0]["before"]["last_day"], history[0]["after"]["last_day"]) == (last.isoformat(), past.isoformat())
    assert history[0]["recorded_by"] is not None


async def test_two_who_race_for_the_last_place_do_not_both_have_it(room: Room) -> None:
    (body,) = await bodies(room, 1)
    series = await adopted(room, bodies=[body], quotas=[{"count": 3, "each": True}])
    for number in range(2):
        await fits(room, series, body, 10 * number)
    answers = await asyncio.gather(*(meet(room, series, body, 100 + 10 * number) for number in range(6)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409, 409, 409]
    assert (await room.found(path(series)))["planned"] == 3


async def test_drafts_that_change_into_the_same_last_place_race_too(room: Room) -> None:
    (body,) = await bodies(room, 1)
    series = await adopted(
        room, bodies=[body], quotas=[{"count": 1, "each": True, "mode": "in_person"}], modes=["remote", "in_person"]
    )
    made = [await fits(room, series, body, 10 * number) for number in range(3)]
    answers = await asyncio.gather(
        *(room.patch(f"/meetings/{one['id']}", {"mode": "in_person"}, f'"{one["version"]}"') for one in made)
    )
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409]


# --- what counts ------------------------------------------------------------------------------------------------------


async def test_a_cancelled_meeting_frees_its_place(room: Room) -> None:
    (body,) = await bodies(room, 1)
    series = await adopted(room, bodies=[body], quotas=[{"count": 1, "each": True}])
    meeting = await fits(room, series, body, 5)
    assert codes(await meet(room, series, body, 20)) == ["quota"]
    await room.made(f"/meetings/{meeting['id']}/cancel", etag=f'"{meeting["version"]}"')
    await fits(room, series, body, 20)


async def test_a_meeting_of_a_draft_programme_is_convened_once_it_is_adopted(room: Room) -> None:
    committee = await room.committee(holders=1)
    series = await drafted(room, bodies=[str(committee.id)], quotas=[{"count": 2, "each": True}])
    meeting = await fits(room, series, str(committee.id), 30, join_url="https://meet.example.org/x")
    convene = f"/meetings/{meeting['id']}/convene"
    refused = await room.post(convene, etag=f'"{meeting["version"]}"')
    assert codes(refused) == ["state"]
    assert refused.json()["extension"] is None
    assert (await act(room, series, "adopt")).status_code == 200
    assert (await room.post(convene, etag=f'"{meeting["version"]}"')).status_code == 200
    await room.running.settled()
    (fact,) = await room.running.published(f"events.meeting.{meeting['id']}.convened")
    assert fact[1]["series_id"] == series["id"]


async def test_a_programme_of_another_network_or_none_at_all_is_refused(events: Running, room: Room) -> None:
    other = await Room.founded(events)
    (body,) = await bodies(room, 1)
    foreign = await drafted(other)
    for series in (foreign, {**foreign, "id": str(uuid7())}):
        answer = await meet(room, series, body, 5)
        assert problem(answer) == (422, "no-such-series")
        assert answer.json()["errors"][0]["path"] == "/series_id"


async def test_a_body_mode_level_or_date_outside_the_frame_is_refused_with_the_field(room: Room) -> None:
    inside, outside = await bodies(room, 2)
    series = await adopted(room, bodies=[inside], modes=["remote"], level="regional", min_days=20, per_month=1)
    for answer, code, field in (
        (await meet(room, series, outside, 5), "body", "/body_id"),
        (await meet(room, series, None, 5), "body", "/body_id"),
        (await meet(room, series, inside, 5, "hybrid"), "mode", "/mode"),
        (await meet(room, series, inside, 5, level="national"), "level", "/level"),
        (await meet(room, series, inside, 365), "span", "/starts_at"),
        (await meet(room, series, inside, -1), "span", "/starts_at"),
    ):
        assert codes(answer) == [code]
        assert answer.json()["errors"][0]["path"] == field
    await fits(room, series, inside, 40)
    assert "min_days" in codes(await meet(room, series, inside, 59))
    await fits(room, series, inside, 364)


async def test_progress_counts_what_is_ahead_held_and_left_by_body_and_mode(room: Room) -> None:
    one, two = await bodies(room, 2)
    quotas = [{"count": 3, "each": True}, {"count": 1, "each": True, "mode": "in_person"}]
    series = await adopted(room, bodies=[one, two], quotas=quotas, modes=["remote", "in_person"])
    held = await fits(room, series, one, 0, "in_person")
    await fits(room, series, one, 30)
    await fits(room, series, two, 30)
    await room.running.sql(
        "update meetings set state = 'held', quorate = false where id = :id returning id", id=held["id"]
    )
    progress = await room.found(f"{path(series)}/progress")
    first, second = progress["bodies"]
    assert (first["planned"], first["held"], first["limit"], first["left"]) == (1, 1, 3, 1)
    assert (second["planned"], second["held"], second["left"]) == (1, 0, 2)
    in_person = {mode["mode"]: mode for mode in first["modes"]}["in_person"]
    assert (in_person["held"], in_person["left"]) == (1, 0)
    assert (progress["planned"], progress["held"], progress["limit"]) == (2, 1, None)
    assert progress["days"]["of"] == progress["days_left"] == 365


# --- life -------------------------------------------------------------------------------------------------------------


async def test_it_is_told_from_its_adoption_on(room: Room) -> None:
    (body,) = await bodies(room, 1)
    series = await drafted(room, bodies=[body], quotas=[{"count": 2, "each": True, "exact": True}])
    await room.running.settled()
    assert await room.running.published(f"events.series.{series['id']}.*") == []
    assert (await act(room, series, "adopt")).status_code == 200
    await fits(room, series, body, 10)
    etag = (await room.get(path(series))).headers["etag"]
    assert (await room.patch(path(series), {"title": "Nuovo titolo"}, etag)).status_code == 200
    assert (await extended(room, series, quotas=[{"count": 3, "each": True, "exact": True}])).status_code == 200
    assert problem(await act(room, series, "close", {})) == (409, "series-meetings-pending")
    (meeting,) = await room.items(f"/networks/{room.slug}/meetings", series=series["id"])
    await room.made(f"/meetings/{meeting['id']}/cancel", etag=f'"{meeting["version"]}"')
    short = await act(room, series, "close", {})
    assert problem(short) == (409, "series-short")
    assert "0/3" in short.json()["detail"]
    closed = await act(room, series, "close", {"reason": "Fondi revocati"})
    assert (closed.status_code, closed.json()["state"], closed.json()["allowed_actions"]) == (200, "closed", [])
    await room.running.settled()
    told = await room.running.published(f"events.series.{series['id']}.*")
    facts = [(type_.split(".")[3], fact["version"], fact["state"], fact["extensions"]) for type_, fact in told]
    assert facts == [
        ("adopted", 2, "adopted", 0),
        ("changed", 3, "adopted", 0),
        ("extended", 4, "adopted", 1),
        ("closed", 5, "closed", 1),
    ]
    assert (told[1][1]["planned"], told[1][1]["title"], told[0][1]["bodies"]) == (1, "Nuovo titolo", [body])
    assert told[2][1]["quotas"] == [{"count": 3, "each": True, "mode": None, "exact": True}]
    assert codes(await meet(room, series, body, 40)) == ["state"]


async def test_an_adopted_frame_is_not_changed_by_hand(room: Room) -> None:
    series = await adopted(room)
    etag = (await room.get(path(series))).headers["etag"]
    later = (date.fromisoformat(series["last_day"]) + timedelta(days=1)).isoformat()
    answer = await room.patch(path(series), {"last_day": later}, etag)
    assert problem(answer) == (409, "series-framed")
    assert answer.json()["errors"][0]["path"] == "/last_day"
    assert problem(await act(room, series, "adopt")) == (409, "series-not-possible-now")


async def test_a_draft_changes_freely_but_not_away_from_its_meetings(room: Room) -> None:
    one, two = await bodies(room, 2)
    series = await drafted(room, bodies=[one], quotas=[{"count": 4}])
    assert [body["share"] for body in series["bodies"]] == [4]
    await fits(room, series, one, 100)
    changed = await room.patch(path(series), {"bodies": [one, two]}, '"1"')
    assert [body["share"] for body in changed.json()["bodies"]] == [2, 2]
    assert codes(await room.patch(path(series), {"bodies": [two]}, '"2"')) == ["body"]
    assert (await room.found(path(series)))["bodies"][0]["id"] == one
    early = (date.fromisoformat(series["since"]) + timedelta(days=99)).isoformat()
    assert codes(await room.patch(path(series), {"last_day": early}, '"2"')) == ["span"]
    assert problem(await room.patch(path(series), {"title": "Altro"}, '"1"')) == (412, "version-mismatch")
    assert (await room.patch(path(series), {"title": "Altro"})).status_code == 428


async def test_a_draft_that_no_meeting_names_is_removed(room: Room) -> None:
    (body,) = await bodies(room, 1)
    empty, used = await drafted(room), await drafted(room, bodies=[body])
    await fits(room, used, body, 5)
    for series, status in ((empty, 204), (used, 409)):
        headers = {**room.headers, "if-match": '"1"'}
        answer = await room.running.client.delete(f"/events/v1{path(series)}", headers=headers)
        assert answer.status_code == status, answer.text
    assert (await room.get(path(empty))).status_code == 404


async def test_what_contradicts_itself_is_refused_with_the_field(room: Room) -> None:
    one, two = await bodies(room, 2)
    day = room.today.isoformat()
    for more, field in (
        ({"last_day": day}, "/last_day"),
        ({"bodies": [one, one]}, "/bodies"),
        ({"bodies": [one, two], "shares": [1]}, "/shares"),
        ({"bodies": [one, two], "shares": [1, 1], "quotas": [{"count": 3}]}, "/shares"),
        ({"quotas": [{"count": 3}, {"count": 4}]}, "/quotas/1"),
        ({"modes": ["remote"], "quotas": [{"count": 3, "mode": "hybrid"}]}, "/quotas/0/mode"),
        ({"quotas": [{"count": 0}]}, "/quotas/0/count"),
        ({"title": "a\x00b"}, "/title"),
        ({"title": " "}, "/title"),
        ({"since": "1066-10-14"}, "/since"),
        ({"min_days": 0}, "/min_days"),
        ({"level": "galactic"}, "/level"),
        ({"surprise": 1}, "/surprise"),
    ):
        answer = await room.post(f"/networks/{room.slug}/series", frame(room, **more))
        assert answer.status_code == 422, (more, answer.text)
        assert answer.json()["errors"][0]["path"] == field, (more, answer.text)
    unknown = await room.post(f"/networks/{room.slug}/series", frame(room, bodies=[str(uuid7())]))
    assert problem(unknown) == (409, "not-yet-known")


async def test_an_extension_of_a_day_to_come_or_of_nothing_is_refused(room: Room) -> None:
    series = await adopted(room, quotas=[{"count": 3}])
    tomorrow = (room.today + timedelta(days=1)).isoformat()
    later = (date.fromisoformat(series["last_day"]) + timedelta(days=1)).isoformat()
    refused = await extended(room, series, day=tomorrow, last_day=later)
    assert (refused.status_code, refused.json()["errors"][0]["path"]) == (422, "/day")
    assert (await extended(room, series)).json()["errors"][0]["code"] == "nothing_widened"
    narrower = await extended(room, series, quotas=[{"count": 2}])
    assert narrower.json()["errors"][0] == {"path": "/quotas/0/count", "code": "narrower", "accepted": ">= 3"}
    assert (await extended(room, series, reason="\x00", last_day=later)).status_code == 422
    assert await room.items(f"{path(series)}/extensions") == []


# --- who --------------------------------------------------------------------------------------------------------------


async def test_everybody_reads_an_adopted_programme_and_the_planners_alone_a_draft(room: Room) -> None:
    reader = await room.caller("referent")
    draft, run = await drafted(room), await adopted(room, title="Adottato")
    assert (await reader.get(path(draft))).status_code == 404
    seen = await reader.found(path(run))
    assert (seen["title"], seen["allowed_actions"]) == ("Adottato", [])
    listed = await reader.items(f"/networks/{room.slug}/series")
    assert [one["id"] for one in listed] == [run["id"]]
    assert len(await room.items(f"/networks/{room.slug}/series")) == 2
    assert (await reader.post(f"/networks/{room.slug}/series", frame(room))).status_code == 403
    assert (await act(reader, run, "close", {})).status_code == 403
    assert (await reader.post(f"{path(run)}/plan", {})).status_code == 403
    assert (await reader.post(f"{path(run)}/plan/accept", {})).status_code == 403


async def test_a_coordinator_plans_for_the_bodies_of_the_own_territory_only(room: Room) -> None:
    here = room.body("open", territory="097")
    there = room.body("open", territory="12")
    await room.tell(here, there)
    coordinator = await room.caller("coordinator", territory="03")
    made = await coordinator.made(f"/networks/{room.slug}/series", frame(room, bodies=[str(here.id)]))
    assert "adopt" in made["allowed_actions"]
    for bodies_ in ([str(there.id)], [str(here.id), str(there.id)], []):
        answer = await coordinator.post(f"/networks/{room.slug}/series", frame(room, bodies=bodies_))
        assert answer.status_code == 403
    other = await drafted(room, bodies=[str(there.id)])
    assert [one["id"] for one in await coordinator.items(f"/networks/{room.slug}/series")] == [made["id"]]
    assert (await coordinator.get(path(other))).status_code == 404
    grown = await coordinator.patch(path(made), {"bodies": [str(here.id), str(there.id)]}, '"1"')
    assert grown.status_code == 403


async def test_the_list_is_filtered_paged_and_given_as_csv(room: Room) -> None:
    (body,) = await bodies(room, 1)
    project = str(uuid7())
    one = await adopted(room, title="Palestre 100%", bodies=[body], level="regional", project_id=project)
    two = await drafted(room, title="Comunità")
    where = f"/networks/{room.slug}/series"
    for params, found in (
        ({"body": body}, [one]),
        ({"state": "draft"}, [two]),
        ({"state": ["draft", "adopted"]}, [one, two]),
        ({"level": "regional"}, [one]),
        ({"project": project}, [one]),
        ({"q": "100%"}, [one]),
        ({"q": "%"}, [one]),
        ({"on": room.today.isoformat()}, []),
        ({"on": one["since"]}, [one, two]),
        ({"on": one["last_day"]}, [one, two]),
    ):
        listed = await room.items(where, **params)
        assert [item["id"] for item in listed] == [item["id"] for item in found], params
    first = await room.found(where, limit=1)
    assert [item["id"] for item in (await room.found(where, limit=1, after=first["next"]))["items"]] == [two["id"]]
    assert (await room.get(where, color="red")).status_code == 422
    csv = await room.running.client.get(f"/events/v1{where}", headers={**room.headers, "accept": "text/csv"})
    assert len(csv.text.strip().splitlines()) == 3


async def test_the_refusal_is_in_the_callers_language(room: Room) -> None:
    (body,) = await bodies(room, 1)
    series = await adopted(room, bodies=[body], quotas=[{"count": 1, "each": True, "mode": "remote"}])
    await fits(room, series, body, 5)
    english = Caller(room.running, {**room.headers, "accept-language": "en"})
    answer = await _meet(english, room, series, body)
    assert answer.json()["detail"] == (
        "It would be meeting number 2 of the 1 foreseen remote for each body. "
        "A recorded extension makes it possible (`extension`)."
    )


async def _meet(caller: Caller, room: Room, series: Any, body: str) -> httpx.Response:
    starts = datetime.combine(date.fromisoformat(series["since"]) + timedelta(days=20), datetime.min.time(), ROME)
    asked = {
        "title": "Meeting",
        "body_id": body,
        "starts_at": starts.isoformat(),
        "ends_at": (starts + timedelta(hours=2)).isoformat(),
        "mode": "remote",
        "series_id": series["id"],
    }
    return await caller.post(f"/networks/{room.slug}/meetings", asked)


async def test_who_holds_nothing_here_is_refused_everything_that_exists(events: Running, room: Room) -> None:
    other = await Room.founded(events)
    series = await adopted(room, quotas=[{"count": 2}])
    hall = await room.made(f"/networks/{room.slug}/rooms", {"title": "Sala", "address": "via Roma 1", "capacity": 3})
    day = room.today.isoformat()
    later = (room.today + timedelta(days=900)).isoformat()
    book = {"starts_at": f"{later}T10:00:00Z", "ends_at": f"{later}T11:00:00Z"}
    booked = await room.made(f"/rooms/{hall['id']}/bookings", book)
    extension = {"act": "Atto", "day": day, "reason": "x", "last_day": later}
    for method, where, body in (
        ("GET", f"/networks/{room.slug}/series", None),
        ("POST", f"/networks/{room.slug}/series", frame(room)),
        ("GET", path(series), None),
        ("PATCH", path(series), {"title": "Mio"}),
        ("DELETE", path(series), None),
        ("POST", f"{path(series)}/adopt", None),
        ("POST", f"{path(series)}/extensions", extension),
        ("GET", f"{path(series)}/extensions", None),
        ("POST", f"{path(series)}/close", {}),
        ("GET", f"{path(series)}/progress", None),
        ("POST", f"{path(series)}/plan", {"meetings": 1}),
        ("POST", f"{path(series)}/plan/accept", {}),
        ("GET", f"/networks/{room.slug}/rooms", None),
        ("GET", f"/rooms/{hall['id']}", None),
        ("PATCH", f"/rooms/{hall['id']}", {"capacity": 9}),
        ("GET", f"/rooms/{hall['id']}/bookings", None),
        ("POST", f"/rooms/{hall['id']}/bookings", book),
        ("DELETE", f"/rooms/{hall['id']}/bookings/{booked['id']}", None),
        ("GET", f"/networks/{room.slug}/absences", None),
        ("POST", f"/networks/{room.slug}/absences", {"since": day, "until": later}),
    ):
        headers = {**other.headers, "if-match": f'"{series["version"]}"'}
        answer = await events.client.request(method, f"/events/v1{where}", json=body, headers=headers)
        assert answer.status_code in (403, 404), (method, where, answer.text)
    assert (await room.found(path(series)))["version"] == series["version"]
    assert len(await room.items(f"/rooms/{hall['id']}/bookings")) == 1

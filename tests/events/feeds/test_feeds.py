"""Calendars at secret addresses: what a calendar program reads there, and when it stops."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from icalendar import Calendar
from sqlalchemy import text
from uuid_utils.compat import uuid7

from tests.events.room import Caller, Committee, Room, problem

pytestmark = pytest.mark.timeout(120)
JOIN = "https://meet.example.org/riservata?pwd=a,b"


def path_of(feed: dict[str, Any]) -> str:
    address = urlsplit(feed["url"])
    return f"{address.path}?{address.query}"


async def opened(room: Room, feed: dict[str, Any], method: str = "GET", **headers: str) -> httpx.Response:
    """As a calendar program does: it has the address and nothing else."""
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return await room.running.client.request(method, path_of(feed), headers=sent)


async def read(room: Room, feed: dict[str, Any]) -> list[Any]:
    answer = await opened(room, feed)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/calendar; charset=utf-8"
    calendar: Any = Calendar.from_ical(answer.content)
    return list(calendar.events)


async def member(room: Room, committee: Committee, number: int = 0) -> Caller:
    return await room.caller("referent", committee.members[number].person_id)


async def test_a_persons_calendar_has_their_meetings_and_where_to_connect(room: Room) -> None:
    committee = await room.committee(2)
    meeting = await room.convened(committee.id, mode="hybrid", join_url=JOIN, title="Bilancio; nomine")
    await room.invitations(meeting)
    anna = await member(room, committee)
    feed = await anna.made("/me/calendar-feeds")
    assert feed["kind"] == "person"
    [event] = await read(room, feed)
    host = urlsplit(room.running.context.settings.public_url).hostname
    assert event["UID"] == f"meeting-{meeting['id']}@{host}"
    assert event["SUMMARY"] == "Bilancio; nomine"
    assert event["SEQUENCE"] == meeting["sequence"]
    assert event["DTSTART"].dt == datetime.fromisoformat(meeting["starts_at"]).replace(microsecond=0)
    assert event["DTSTART"].params["TZID"] == "Europe/Rome"
    assert event["LOCATION"] == "Roma, via Marcora 18 / Online"
    assert event["URL"] == event["CONFERENCE"] == JOIN
    assert f"Per collegarsi: {JOIN}" in event["DESCRIPTION"]
    assert "Organo: Comitato esecutivo" in event["DESCRIPTION"]
    assert "Per: Ente 1" in event["DESCRIPTION"]
    assert "Non hai ancora risposto." in event["DESCRIPTION"]
    assert event["STATUS"] == "TENTATIVE"


async def test_an_answer_shows_in_the_calendar(room: Room) -> None:
    committee = await room.committee(2)
    meeting = await room.convened(committee.id)
    anna = await member(room, committee)
    feed = await anna.made("/me/calendar-feeds")
    invitation = next(
        i for i in await room.invitations(meeting) if i["person"]["id"] == str(committee.members[0].person_id)
    )
    seen = []
    for answer in ("yes", "no"):
        await anna.made(f"/invitations/{invitation['id']}/answer", {"answer": answer})
        [event] = await read(room, feed)
        seen.append((event["STATUS"], event["TRANSP"], "La tua risposta: " in event["DESCRIPTION"]))
    assert seen == [("CONFIRMED", "OPAQUE", True), ("CONFIRMED", "TRANSPARENT", True)]


async def test_a_moved_meeting_moves_and_a_cancelled_one_is_shown_as_such(room: Room) -> None:
    committee = await room.committee(1)
    meeting = await room.convened(committee.id)
    anna = await member(room, committee)
    feed = await anna.made("/me/calendar-feeds")
    moved = await room.patch(f"/meetings/{meeting['id']}", {"place": "Lecco"}, etag=f'"{meeting["version"]}"')
    [event] = await read(room, feed)
    assert (event["LOCATION"], int(event["SEQUENCE"])) == ("Lecco", meeting["sequence"] + 1)
    await room.made(f"/meetings/{meeting['id']}/cancel", etag=moved.headers["etag"])
    [event] = await read(room, feed)
    assert (event["STATUS"], event["TRANSP"]) == ("CANCELLED", "TRANSPARENT")
    assert int(event["SEQUENCE"]) == meeting["sequence"] + 2


async def test_a_draft_that_was_given_up_is_in_nobodys_calendar(room: Room) -> None:
    """Nobody was told of it, and nobody learns its title from its end."""
    committee = await room.committee(1)
    draft = await room.meeting(committee.id, title="Bozza riservata")
    feed = await room.made(f"/bodies/{committee.id}/calendar-feeds")
    assert await read(room, feed) == []
    await room.made(f"/meetings/{draft['id']}/cancel", etag=f'"{draft["version"]}"')
    assert await read(room, feed) == []


async def test_who_is_not_invited_any_more_sees_it_cancelled_and_no_link(room: Room) -> None:
    committee = await room.committee(2)
    meeting = await room.convened(committee.id, mode="remote", join_url=JOIN, place=None)
    anna = await member(room, committee)
    feed = await anna.made("/me/calendar-feeds")
    await room.tell(room.ended(committee.members[0].mandate, room.today))
    assert len(await room.invitations(meeting)) == 1
    [event] = await read(room, feed)
    assert event["STATUS"] == "CANCELLED"
    assert "CONFERENCE" not in event
    assert JOIN not in event["DESCRIPTION"]


async def test_a_bodys_calendar_has_its_meetings_without_where_to_connect(room: Room) -> None:
    committee, other = await room.committee(1), await room.committee(1)
    await room.convened(committee.id, mode="remote", join_url=JOIN, place=None, title="Del comitato")
    await room.convened(other.id, title="Di un altro")
    await room.meeting(committee.id, title="Solo una bozza", days=20)
    anna = await member(room, committee)
    feed = await anna.made(f"/bodies/{committee.id}/calendar-feeds")
    assert (await opened(room, feed)).text.count(JOIN) == 0
    assert [event["SUMMARY"] for event in await read(room, feed)] == ["Del comitato"]
    whole = await anna.made(f"/networks/{room.slug}/calendar-feeds")
    assert sorted(event["SUMMARY"] for event in await read(room, whole)) == ["Del comitato", "Di un altro"]


async def test_a_bodys_calendar_ends_with_the_mandate_of_whose_it_is(room: Room) -> None:
    committee = await room.committee(1)
    person = committee.members[0].person_id
    anna = await room.caller("referent", person)
    feed = await anna.made(f"/bodies/{committee.id}/calendar-feeds")
    own = await anna.made("/me/calendar-feeds")
    assert (await opened(room, feed)).status_code == 200
    await room.running.grant(person, version=2)  # no grant any more
    assert problem(await opened(room, feed)) == (410, "calendar-feed-ended")
    assert (await opened(room, own)).status_code == 200


async def test_nobody_without_a_right_to_its_meetings_gets_a_calendar_of_a_body(room: Room) -> None:
    committee = await room.committee(1)
    stranger = room.person_calling(uuid7())
    assert (await stranger.post(f"/bodies/{committee.id}/calendar-feeds")).status_code == 403
    assert (await stranger.post(f"/networks/{room.slug}/calendar-feeds")).status_code == 403
    assert (await stranger.post(f"/bodies/{uuid7()}/calendar-feeds")).status_code == 404


# --- secrets --------------------------------------------------------------------------------------------------------


async def test_another_address_ends_the_one_before(room: Room) -> None:
    anna = await room.caller("referent")
    feed = await anna.made("/me/calendar-feeds")
    again = await anna.made(f"/calendar-feeds/{feed['id']}/rotate", etag=f'"{feed["version"]}"')
    assert again["url"] != feed["url"]
    assert problem(await opened(room, feed)) == (404, "not-found")
    assert (await opened(room, again)).status_code == 200
    stale = await anna.post(f"/calendar-feeds/{feed['id']}/rotate", etag=f'"{feed["version"]}"')
    assert stale.status_code == 412


async def test_a_revoked_address_shows_nothing(room: Room) -> None:
    anna = await room.caller("referent")
    feed = await anna.made("/me/calendar-feeds")
    ended = await anna.made(f"/calendar-feeds/{feed['id']}/revoke", etag=f'"{feed["version"]}"')
    assert (ended["url"], ended["allowed_actions"]) == (None, [])
    assert problem(await opened(room, feed)) == (410, "calendar-feed-ended")
    assert problem(await anna.post(f"/calendar-feeds/{feed['id']}/rotate", etag=f'"{ended["version"]}"')) == (
        410,
        "calendar-feed-ended",
    )


async def test_the_secret_is_shown_once_and_kept_nowhere(room: Room) -> None:
    anna = await room.caller("referent")
    headers = {**anna.headers, "idempotency-key": uuid7().hex}
    client = room.running.client
    first, second = [await client.post("/events/v1/me/calendar-feeds", headers=headers) for _ in range(2)]
    assert first.json()["url"] != second.json()["url"]
    assert first.headers["cache-control"] == "no-store"
    secret = first.json()["url"].partition("token=")[2]
    listed = await anna.items("/me/calendar-feeds")
    assert [feed["url"] for feed in listed] == [None, None]
    found = await room.running.sql("select count(*) from calendar_feeds f where f::text like :s", s=f"%{secret}%")
    answers = await room.running.sql(
        "select count(*) from idempotency where key = :key", key=headers["idempotency-key"]
    )
    assert (found[0][0], answers[0][0]) == (0, 0)


@pytest.mark.parametrize("token", ["", "short", "x" * 44, "x" * 42 + "!", "%00" * 43])
async def test_what_cannot_be_a_secret_is_refused(room: Room, token: str) -> None:
    answer = await room.running.client.get(f"/events/v1/calendars/feed.ics?token={token}")
    assert problem(answer) == (422, "invalid")


async def test_a_secret_that_nobody_has_shows_nothing(room: Room) -> None:
    answer = await room.running.client.get(f"/events/v1/calendars/feed.ics?token={'x' * 43}")
    assert problem(answer) == (404, "not-found")


async def test_a_calendar_is_its_owners_and_the_secretariat_may_end_those_of_its_network(room: Room) -> None:
    committee = await room.committee(1)
    anna, bruno = await member(room, committee), await room.caller("referent")
    body, own = await anna.made(f"/bodies/{committee.id}/calendar-feeds"), await anna.made("/me/calendar-feeds")
    for caller, feed, status in ((bruno, body, 404), (bruno, own, 404), (room, own, 404), (room, body, 200)):
        assert (await caller.get(f"/calendar-feeds/{feed['id']}")).status_code == status
    listed = await room.items(f"/networks/{room.slug}/calendar-feeds")
    assert [feed["id"] for feed in listed] == [body["id"]]
    assert listed[0]["person"]["name"] == "Persona Numero 1"
    assert listed[0]["allowed_actions"] == ["revoke"]
    assert (await bruno.get(f"/networks/{room.slug}/calendar-feeds")).status_code == 403
    etag = f'"{body["version"]}"'
    assert (await room.post(f"/calendar-feeds/{body['id']}/rotate", etag=etag)).status_code == 404
    await room.made(f"/calendar-feeds/{body['id']}/revoke", etag=etag)
    assert (await opened(room, body)).status_code == 410


async def test_nobody_has_more_calendars_than_they_may_also_at_once(room: Room) -> None:
    anna = await room.caller("referent")
    answers = await asyncio.gather(*(anna.post("/me/calendar-feeds") for _ in range(54)))
    assert sorted(a.status_code for a in answers) == [201] * 50 + [409] * 4
    refused = next(a for a in answers if a.status_code == 409)
    assert problem(refused)[1] == "too-many-calendar-feeds"
    assert refused.json()["errors"][0]["accepted"] == "at most 50"
    first = answers[0].json() if answers[0].status_code == 201 else (await anna.items("/me/calendar-feeds"))[0]
    await anna.made(f"/calendar-feeds/{first['id']}/revoke", etag=f'"{first["version"]}"')
    await anna.made("/me/calendar-feeds")


# --- asking again ---------------------------------------------------------------------------------------------------


async def test_it_is_sent_again_only_when_something_has_changed(room: Room) -> None:
    committee = await room.committee(1)
    meeting = await room.convened(committee.id)
    anna = await member(room, committee)
    feed = await anna.made("/me/calendar-feeds")
    first = await opened(room, feed)
    assert first.headers["cache-control"] == "private, no-cache"
    etag = first.headers["etag"]
    same = await opened(room, feed, if_none_match=etag)
    assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", etag)
    (invitation,) = await room.invitations(meeting)
    await anna.made(f"/invitations/{invitation['id']}/answer", {"answer": "yes"})
    answered = await opened(room, feed, if_none_match=etag)
    assert answered.status_code == 200
    await room.tell(room.body("one_per_member", committee.id, title="Comitato rinominato"))
    renamed = await opened(room, feed, if_none_match=answered.headers["etag"])
    assert (renamed.status_code, "Comitato rinominato" in renamed.text) == (200, True)
    again = await opened(room, feed)
    assert again.content == renamed.content  # the same state is the same text


async def test_a_program_may_ask_for_the_head_alone(room: Room) -> None:
    anna = await room.caller("referent")
    feed = await anna.made("/me/calendar-feeds")
    answer = await opened(room, feed, "HEAD")
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["etag"] == (await opened(room, feed)).headers["etag"]
    assert answer.headers["x-robots-tag"] == "noindex"


async def test_it_is_known_on_which_day_a_calendar_was_read_last(room: Room) -> None:
    anna = await room.caller("referent")
    feed = await anna.made("/me/calendar-feeds")
    assert feed["read_on"] is None
    await opened(room, feed)
    [listed] = await anna.items("/me/calendar-feeds")
    assert listed["read_on"] == room.today.isoformat()
    assert listed["version"] == feed["version"]


MANY = 10_000
FILL = text(
    """
    insert into meetings (id, network_id, title, founding, starts_at, ends_at, mode, place, call, agenda, state,
                          sequence, version)
    select gen_random_uuid(), :network, 'Riunione ' || n, false, cast(:now as timestamptz) + n * interval '1 hour',
        cast(:now as timestamptz) + n * interval '1 hour' + interval '50 minutes', 'in_person', 'Roma', 1,
        cast('[{"title": "Apertura", "minutes": 5}, {"title": "Bilancio", "minutes": null}]' as jsonb), 'convened', 0, 1
    from generate_series(-2000, :many - 2001) n
    """
)
ASK = text(
    """
    insert into invitations (id, meeting_id, network_id, person_id, state, version)
    select gen_random_uuid(), id, network_id, :person, 'issued', 1 from meetings where network_id = :network
    """
)


async def test_ten_thousand_meetings_are_read_in_order_and_quickly(room: Room) -> None:
    person = uuid7()
    anna = await room.caller("referent", person)
    async with room.running.context.database.sessions.begin() as session:
        await session.execute(FILL, {"network": room.id, "now": room.now, "many": MANY})
        await session.execute(ASK, {"network": room.id, "person": person})
        await session.execute(text("analyze meetings, invitations"))
    feed = await anna.made("/me/calendar-feeds")
    begun = time.perf_counter()
    answer = await opened(room, feed)
    took = time.perf_counter() - begun
    starts = [line for line in answer.text.split("\r\n") if line.startswith("DTSTART;TZID=Europe/Rome:2")]
    assert answer.text.count("BEGIN:VEVENT") == MANY
    assert len(starts) >= MANY - 2  # an hour comes twice in autumn
    assert len(set(answer.text.split("UID:"))) == MANY + 1
    begun = time.perf_counter()
    same = await opened(room, feed, if_none_match=answer.headers["etag"])
    took_304 = time.perf_counter() - begun
    assert same.status_code == 304
    assert took < 10
    assert took_304 < 1


async def test_what_is_long_past_or_far_ahead_is_left_out(room: Room) -> None:
    person = uuid7()
    anna = await room.caller("referent", person)
    async with room.running.context.database.sessions.begin() as session:
        for days in (-366, -364, 729, 731):
            await session.execute(
                FILL, {"network": room.id, "now": room.now + timedelta(days=days, hours=2000), "many": 1}
            )
        await session.execute(ASK, {"network": room.id, "person": person})
    feed = await anna.made("/me/calendar-feeds")
    assert [event["DTSTART"].dt.astimezone(UTC).date() for event in await read(room, feed)] == [
        (room.now + timedelta(days=days)).date() for days in (-364, 729)
    ]


@pytest.mark.parametrize(("days", "shown"), [(-6, True), (-8, False)])
async def test_a_cancelled_meeting_leaves_the_calendar_a_week_after_it_would_have_been(
    room: Room, days: int, shown: bool
) -> None:
    person = uuid7()
    anna = await room.caller("referent", person)
    async with room.running.context.database.sessions.begin() as session:
        await session.execute(FILL, {"network": room.id, "now": room.now + timedelta(days=days, hours=2000), "many": 1})
        await session.execute(ASK, {"network": room.id, "person": person})
        off = "update meetings set state = 'cancelled', convened_at = :now where network_id = :n"
        await session.execute(text(off), {"n": room.id, "now": room.now})
    feed = await anna.made("/me/calendar-feeds")
    assert len(await read(room, feed)) == shown
    whole = await anna.made(f"/networks/{room.slug}/calendar-feeds")
    assert len(await read(room, whole)) == shown


async def test_who_is_invited_twice_has_the_meeting_once(room: Room) -> None:
    committee = await room.committee(2)
    person = committee.members[0].person_id
    await room.tell(
        room.ended(committee.members[1].mandate, room.today),
        room.mandate(
            person,
            organisation_id=committee.members[1].organisation_id,
            body_id=committee.id,
            seat_id=committee.members[1].seat.id,
            since=room.today,
        ),
    )
    meeting = await room.convened(committee.id)
    assert len(await room.invitations(meeting)) == 2
    anna = await room.caller("referent", person)
    assert len(await read(room, await anna.made("/me/calendar-feeds"))) == 1


async def test_the_names_of_a_calendar_are_in_the_language_of_whose_it_is(room: Room) -> None:
    anna = await room.caller("referent")
    made = await room.running.client.post(
        "/events/v1/me/calendar-feeds", headers={**anna.headers, "accept-language": "en"}
    )
    assert "X-WR-CALNAME:My meetings\r\n" in (await opened(room, made.json())).text

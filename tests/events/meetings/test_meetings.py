"""Meetings as their callers have them: drafted, convened, changed, moved, cancelled; over HTTP and facts alone."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event
from uuid_utils.compat import uuid7

from shared.access.actor import day
from tests.events.room import Caller, Room, problem
from tests.harness import Running

pytestmark = pytest.mark.timeout(120)


async def facts(room: Room, meeting: Any) -> list[tuple[str, Any]]:
    """What was told of a meeting: the last word of the type, and the body."""
    found = await room.running.published(f"events.meeting.{meeting['id']}.*")
    return [(type_.split(".")[3], body) for type_, body in found]


def etag(meeting: Any) -> str:
    return f'"{meeting["version"]}"'


async def convene(room: Caller, meeting: Any) -> Any:
    return await room.post(f"/meetings/{meeting['id']}/convene", etag=etag(meeting))


# --- drafting -------------------------------------------------------------------------------------------------------


async def test_a_draft_is_found_by_its_conveners_and_told_to_nobody(room: Room) -> None:
    committee = await room.committee(holders=1)
    draft = await room.meeting(committee.id, agenda=[{"title": "Piano di lavoro", "minutes": 60}, {"title": "Varie"}])
    assert (draft["state"], draft["version"], draft["answers"]["invited"]) == ("draft", 1, 0)
    assert draft["body"] == {
        "id": str(committee.id),
        "name": "Comitato esecutivo",
        "href": f"/registry/v1/bodies/{committee.id}",
    }
    hour_later = (datetime.fromisoformat(draft["starts_at"]) + timedelta(hours=1)).isoformat().replace("+00:00", "Z")
    assert draft["agenda"] == [
        {"title": "Piano di lavoro", "minutes": 60, "starts_at": draft["starts_at"]},
        {"title": "Varie", "minutes": None, "starts_at": hour_later},
    ]
    assert draft["allowed_actions"] == ["change", "convene", "cancel"]
    assert await room.found(f"/meetings/{draft['id']}") == draft
    assert await facts(room, draft) == []
    member = await room.caller("referent")
    assert problem(await member.get(f"/meetings/{draft['id']}")) == (404, "not-found")
    assert await member.items(f"/networks/{room.slug}/meetings") == []
    given_up = await room.post(f"/meetings/{draft['id']}/cancel", etag=etag(draft))
    assert given_up.json()["state"] == "cancelled"
    assert problem(await member.get(f"/meetings/{draft['id']}")) == (404, "not-found"), "nobody was told of it"
    assert await member.items(f"/networks/{room.slug}/meetings") == []


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"starts_at": "2030-05-02T10:00:00", "ends_at": "2030-05-02T11:00:00+02:00"}, "/starts_at"),
        ({"ends_at": "2030-05-02T10:00:00"}, "/ends_at"),
        ({"starts_at": "0001-01-01T00:00:00+14:00"}, "/starts_at"),
        ({"ends_at": "9999-12-31T23:59:59-12:00"}, "/ends_at"),
        ({"title": " "}, "/title"),
        ({"title": "a\nb"}, "/title"),
        ({"mode": "telepathy"}, "/mode"),
        ({"join_url": "http://meet.example.org/a", "mode": "hybrid"}, "/join_url"),
        ({"join_url": "javascript:alert(1)", "mode": "hybrid"}, "/join_url"),
        ({"agenda": [{"title": "Bilancio", "minutes": 0}]}, "/agenda/0/minutes"),
        ({"quorum": 3}, "/quorum"),
    ],
)
async def test_what_is_wrong_with_a_meeting_is_named(room: Room, fields: dict[str, Any], path: str) -> None:
    body = {
        "title": "Riunione",
        "starts_at": "2030-05-02T10:00:00+02:00",
        "ends_at": "2030-05-02T11:00:00+02:00",
        "mode": "in_person",
        **fields,
    }
    answer = await room.post(f"/networks/{room.slug}/meetings", body)
    assert answer.status_code == 422
    assert path in [error["path"] for error in answer.json()["errors"]]


async def test_an_instant_without_offset_is_refused_with_what_would_do(room: Room) -> None:
    answer = await room.post(
        f"/networks/{room.slug}/meetings",
        {
            "title": "Riunione",
            "starts_at": "2030-05-02T10:00:00",
            "ends_at": "2030-05-02T11:00:00Z",
            "mode": "remote",
        },
    )
    (error,) = answer.json()["errors"]
    assert (error["path"], error["accepted"]) == ("/starts_at", "an instant with offset, 2026-01-31T10:00:00Z")


async def test_a_meeting_that_ends_before_it_begins_is_refused(room: Room) -> None:
    body = {
        "title": "Riunione",
        "starts_at": "2030-05-02T10:00:00+02:00",
        "ends_at": "2030-05-02T07:59:00Z",
        "mode": "remote",
    }
    answer = await room.post(f"/networks/{room.slug}/meetings", body)
    assert problem(answer) == (422, "invalid-times")
    assert answer.json()["errors"][0]["path"] == "/ends_at"


async def test_a_place_that_the_mode_contradicts_is_refused(room: Room) -> None:
    answer = await room.post(
        f"/networks/{room.slug}/meetings",
        {
            "title": "Riunione",
            "starts_at": "2030-05-02T10:00:00Z",
            "ends_at": "2030-05-02T11:00:00Z",
            "mode": "remote",
            "place": "Roma",
        },
    )
    assert problem(answer) == (422, "meeting-misplaced")
    assert answer.json()["errors"] == [
        {"path": "/place", "code": "not_allowed", "accepted": "no value with the mode remote"}
    ]


async def test_a_body_that_nobody_has_told_is_not_known_yet(room: Room) -> None:
    starts = room.now + timedelta(days=1)
    body = {
        "title": "Riunione",
        "body_id": str(uuid7()),
        "starts_at": starts.isoformat(),
        "ends_at": (starts + timedelta(hours=1)).isoformat(),
        "mode": "in_person",
    }
    assert problem(await room.post(f"/networks/{room.slug}/meetings", body)) == (409, "not-yet-known")


async def test_a_body_of_another_network_is_refused(events: Running, room: Room) -> None:
    other = await (await Room.founded(events)).committee(holders=1)
    starts = room.now + timedelta(days=1)
    body = {
        "title": "Riunione",
        "body_id": str(other.id),
        "starts_at": starts.isoformat(),
        "ends_at": (starts + timedelta(hours=1)).isoformat(),
        "mode": "in_person",
    }
    assert problem(await room.post(f"/networks/{room.slug}/meetings", body)) == (422, "body-elsewhere")


async def test_only_a_forming_body_has_a_founding_meeting(room: Room) -> None:
    forming = room.body("by_territory", state="forming", territory="03", roles=("representative",))
    constituted = room.body("open")
    await room.tell(forming, constituted)
    assert (await room.meeting(forming.id, founding=True))["founding"]
    starts = room.now + timedelta(days=1)
    refused = await room.post(
        f"/networks/{room.slug}/meetings",
        {
            "title": "Riunione costitutiva",
            "founding": True,
            "body_id": str(constituted.id),
            "starts_at": starts.isoformat(),
            "ends_at": (starts + timedelta(hours=1)).isoformat(),
            "mode": "in_person",
        },
    )
    assert problem(refused) == (422, "not-forming")


# --- convening ------------------------------------------------------------------------------------------------------


async def test_a_convened_meeting_invites_the_holders_of_the_seats(room: Room) -> None:
    committee = await room.committee(holders=3, vacant=1)
    draft = await room.meeting(committee.id, mode="hybrid", join_url="https://meet.example.org/segreto")
    answer = await convene(room, draft)
    assert (answer.status_code, answer.headers["etag"]) == (200, '"2"')
    meeting = answer.json()
    assert (meeting["state"], meeting["sequence"], meeting["answers"]["invited"]) == ("convened", 0, 3)
    invitations = await room.invitations(meeting)
    told = {(i["person"]["name"], i["seat"]["name"], i["organisation"]["name"]) for i in invitations}
    assert told == {(f"Persona Numero {n}", f"Ente {n}", f"Ente {n}") for n in (1, 2, 3)}
    (fact,) = await facts(room, meeting)
    assert fact[0] == "convened"
    assert {name: fact[1][name] for name in ("title", "mode", "place", "call", "sequence", "state")} == {
        "title": "Riunione",
        "mode": "hybrid",
        "place": "Roma, via Marcora 18",
        "call": 1,
        "sequence": 0,
        "state": "convened",
    }


async def test_a_joining_link_is_in_no_fact(room: Room) -> None:
    committee = await room.committee(holders=2)
    secret = "https://meet.example.org/segreto"
    meeting = await room.convened(committee.id, mode="hybrid", join_url=secret)
    moved = await room.patch(f"/meetings/{meeting['id']}", {"join_url": f"{secret}-2"}, etag(meeting))
    assert (moved.status_code, moved.json()["sequence"]) == (200, 1)
    await room.running.settled()
    assert (
        await room.running.sql("select id from log where body like '%segreto%' or headers::text like '%segreto%'") == []
    )


async def test_a_joining_link_is_shown_only_to_those_who_are_invited_and_to_the_conveners(room: Room) -> None:
    committee = await room.committee(holders=1)
    secret = "https://meet.example.org/segreto"
    meeting = await room.convened(committee.id, mode="hybrid", join_url=secret)
    path = f"/meetings/{meeting['id']}"
    others = await room.caller("referent")
    invited = await room.caller("referent", committee.members[0].person_id)
    seen = [(await caller.found(path))["join_url"] for caller in (room, invited, others)]
    assert seen == [secret, secret, None]
    listed = [(await caller.items(f"/networks/{room.slug}/meetings"))[0] for caller in (room, invited, others)]
    assert [item["join_url"] for item in listed] == [secret, secret, None]


async def test_every_invitation_of_a_convocation_has_its_correlation(room: Room) -> None:
    committee = await room.committee(holders=3)
    draft = await room.meeting(committee.id)
    correlation = str(uuid7())
    answer = await room.running.client.post(
        f"/events/v1/meetings/{draft['id']}/convene",
        headers={**room.headers, "if-match": '"1"', "trama-correlation": correlation},
    )
    told = answer.headers["trama-correlation"]
    rows = await room.running.sql(
        "select type, headers->>'correlationid' as correlation from log where network_id = :n order by seq", n=room.id
    )
    assert {row.correlation for row in rows} == {told}
    assert [row.type.split(".")[2:4] for row in rows] == [["meeting", "convened"], *[["invitation", "issued"]] * 3]


async def test_a_meeting_without_body_invites_whoever_holds_a_mandate_once(room: Room) -> None:
    twice, once, gone = room.person("Due"), room.person("Uno"), room.person("Ex")
    await room.tell(
        *(twice, once, gone),
        room.mandate(twice.id, "referent", organisation_id=uuid7()),
        room.mandate(twice.id, "representative", organisation_id=uuid7(), territory="03"),
        room.mandate(once.id, "secretariat"),
        room.mandate(gone.id, "member", until=room.today),
    )
    meeting = await room.convened()
    assert sorted(i["person"]["name"] for i in await room.invitations(meeting)) == ["Due Serra", "Uno Serra"]


async def test_a_territorial_body_invites_its_roles_in_its_territory_and_its_coordinator(room: Room) -> None:
    body = room.body("by_territory", territory="03", roles=("representative",))
    mandates = {
        "regione": room.mandate(uuid7(), "representative", organisation_id=uuid7(), territory="03"),
        "provincia": room.mandate(uuid7(), "representative", organisation_id=uuid7(), territory="097"),
        "comune": room.mandate(uuid7(), "representative", organisation_id=uuid7(), territory="E507"),
        "altrove": room.mandate(uuid7(), "representative", organisation_id=uuid7(), territory="12"),
        "ovunque": room.mandate(uuid7(), "representative", organisation_id=uuid7()),
        "coordinatore": room.mandate(uuid7(), "coordinator", territory="03"),
        "altro coordinatore": room.mandate(uuid7(), "coordinator", territory="097"),
        "altro ruolo": room.mandate(uuid7(), "delegate", organisation_id=uuid7(), territory="03"),
    }
    await room.tell(body, *mandates.values())
    meeting = await room.convened(body.id)
    invited = {i["mandate_id"] for i in await room.invitations(meeting)}
    assert {name for name, mandate in mandates.items() if str(mandate.id) in invited} == {
        "regione",
        "provincia",
        "comune",
        "coordinatore",
    }


async def test_an_open_body_invites_who_has_joined_it(room: Room) -> None:
    body, other = room.body("open"), room.body("open")
    joined = room.mandate(uuid7(), "member", body_id=body.id)
    await room.tell(body, other, joined, room.mandate(uuid7(), "member", body_id=other.id))
    meeting = await room.convened(body.id)
    assert [i["mandate_id"] for i in await room.invitations(meeting)] == [str(joined.id)]


async def test_who_is_invited_is_decided_by_the_day_of_the_meeting(room: Room) -> None:
    """The day of the end is no longer the mandate's own; a seat that is closed by then has no place."""
    body = room.body("fixed")
    meeting_day = day(room.now + timedelta(days=10))
    seats = [room.seat(body.id, f"Seggio {n}") for n in range(6)]
    closing = room.closed(seats[5], meeting_day)
    terms: list[dict[str, Any]] = [
        {"since": meeting_day},
        {"since": meeting_day + timedelta(days=1)},
        {"until": meeting_day},
        {"until": meeting_day + timedelta(days=1)},
        {"until": meeting_day, "holds_over": True},
        {},
    ]
    mandates = [room.mandate(uuid7(), seat_id=seat.id, **term) for seat, term in zip(seats, terms, strict=True)]
    await room.tell(body, *seats, closing, *mandates)
    meeting = await room.convened(body.id)
    assert meeting["day"] == meeting_day.isoformat()
    invited = {i["mandate_id"] for i in await room.invitations(meeting)}
    assert [str(mandate.id) in invited for mandate in mandates] == [True, False, False, True, True, False]


async def test_nobody_is_invited_into_the_past(room: Room) -> None:
    draft = await room.meeting(days=-1)
    assert problem(await convene(room, draft)) == (422, "invalid-times")


async def test_a_place_that_is_missing_at_the_convocation_is_named(room: Room) -> None:
    draft = await room.meeting(mode="hybrid")
    answer = await convene(room, draft)
    assert problem(answer) == (422, "meeting-misplaced")
    assert answer.json()["errors"] == [{"path": "/join_url", "code": "missing", "accepted": "a value"}]


async def test_a_meeting_is_convened_once_and_by_who_has_seen_it(room: Room) -> None:
    draft = await room.meeting()
    path = f"/meetings/{draft['id']}/convene"
    assert problem(await room.post(path)) == (428, "if-match-missing")
    assert problem(await room.post(path, etag='"7"')) == (412, "version-mismatch")
    assert (await room.post(path, etag='"1"')).status_code == 200
    again = await room.post(path, etag='"2"')
    assert problem(again) == (409, "meeting-not-possible-now")


async def test_a_body_that_was_dissolved_meanwhile_is_not_convened(room: Room) -> None:
    body = room.body("open")
    await room.tell(body)
    draft = await room.meeting(body.id)
    await room.tell(room.body("open", body.id, state="dissolved"))
    assert problem(await convene(room, draft)) == (409, "body-dissolved")


async def test_a_thousand_people_are_convened_in_a_handful_of_statements(room: Room) -> None:
    body = room.body("open")
    await room.tell(body, *(room.mandate(uuid7(), "member", body_id=body.id) for _ in range(1000)))
    draft = await room.meeting(body.id)
    statements: list[str] = []
    engine = room.running.context.database.engine.sync_engine

    def counted(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        statements.append(statement)

    event.listen(engine, "before_cursor_execute", counted)
    try:
        answer = await convene(room, draft)
    finally:
        event.remove(engine, "before_cursor_execute", counted)
    assert answer.json()["answers"]["invited"] == 1000
    own = [s for s in statements if "invitations" in s or "insert into log" in s]
    assert len(own) <= 5, own
    assert len(await room.invitations(draft)) == 1000


# --- changing -------------------------------------------------------------------------------------------------------


async def test_another_time_is_told_as_a_move_and_answers_stand(room: Room) -> None:
    committee = await room.committee(holders=1)
    meeting = await room.convened(committee.id)
    (invitation,) = await room.invitations(meeting)
    await room.made(f"/invitations/{invitation['id']}/answer", {"answer": "yes"})
    later = room.now + timedelta(days=20)
    changes = {"starts_at": later.isoformat(), "ends_at": (later + timedelta(hours=1)).isoformat()}
    moved = await room.patch(f"/meetings/{meeting['id']}", changes, etag(meeting))
    assert (moved.status_code, moved.json()["sequence"]) == (200, 1)
    assert [name for name, _ in await facts(room, meeting)] == ["convened", "moved"]
    (invitation,) = await room.invitations(meeting)
    assert (invitation["answer"], invitation["state"]) == ("yes", "issued")


async def test_another_title_is_told_as_a_change(room: Room) -> None:
    meeting = await room.convened()
    body = {"title": "Altra", "agenda": [{"title": "Bilancio"}]}
    changed = (await room.patch(f"/meetings/{meeting['id']}", body, etag(meeting))).json()
    assert (changed["title"], changed["sequence"]) == ("Altra", 0)
    assert [(name, fact["agenda"]) for name, fact in await facts(room, meeting)] == [
        ("convened", []),
        ("changed", ["Bilancio"]),
    ]


async def test_what_changes_nothing_is_told_to_nobody(room: Room) -> None:
    meeting = await room.convened()
    same = await room.patch(f"/meetings/{meeting['id']}", {"title": "Riunione"}, etag(meeting))
    assert (same.status_code, same.headers["etag"]) == (200, etag(meeting))
    assert [name for name, _ in await facts(room, meeting)] == ["convened"]


async def test_another_day_invites_those_who_will_be_entitled_on_it(room: Room) -> None:
    body = room.body("fixed")
    seat = room.seat(body.id)
    change_on = room.today + timedelta(days=15)
    before = room.mandate(uuid7(), seat_id=seat.id, ended_on=change_on)
    after = room.mandate(uuid7(), seat_id=seat.id, since=change_on)
    await room.tell(body, seat, before, after)
    meeting = await room.convened(body.id)
    assert [i["mandate_id"] for i in await room.invitations(meeting)] == [str(before.id)]

    async def move(days: int) -> None:
        starts = room.now + timedelta(days=days)
        found = await room.found(f"/meetings/{meeting['id']}")
        fields = {"starts_at": starts.isoformat(), "ends_at": (starts + timedelta(hours=1)).isoformat()}
        assert (await room.patch(f"/meetings/{meeting['id']}", fields, etag(found))).status_code == 200

    await move(20)
    assert [i["mandate_id"] for i in await room.invitations(meeting)] == [str(after.id)]
    await move(5)
    (invitation,) = await room.invitations(meeting)
    assert (invitation["mandate_id"], invitation["version"]) == (str(before.id), 3)  # issued, withdrawn, issued again


async def test_a_convened_meeting_is_not_moved_into_the_past(room: Room) -> None:
    meeting = await room.convened()
    answer = await room.patch(
        f"/meetings/{meeting['id']}", {"starts_at": (room.now - timedelta(hours=1)).isoformat()}, etag(meeting)
    )
    assert problem(answer) == (422, "invalid-times")


async def test_a_cancelled_meeting_is_told_and_over(room: Room) -> None:
    meeting = await room.convened()
    cancelled = await room.made(f"/meetings/{meeting['id']}/cancel", etag=etag(meeting))
    assert (cancelled["state"], cancelled["sequence"], cancelled["allowed_actions"]) == ("cancelled", 1, [])
    assert [(name, fact["sequence"]) for name, fact in await facts(room, meeting)] == [
        ("convened", 0),
        ("cancelled", 1),
    ]
    change = await room.patch(f"/meetings/{meeting['id']}", {"title": "Altra"}, etag(cancelled))
    assert problem(change) == (409, "meeting-not-possible-now")


async def test_a_cancelled_draft_is_told_to_nobody(room: Room) -> None:
    draft = await room.meeting()
    await room.made(f"/meetings/{draft['id']}/cancel", etag=etag(draft))
    assert await facts(room, draft) == []


async def test_a_second_call_waits_for_the_first_to_fail(room: Room) -> None:
    committee = await room.committee(holders=1, second_call={"numerator": 1, "denominator": 3})
    meeting = await room.convened(committee.id)
    starts = room.now + timedelta(days=12)
    body = {"starts_at": starts.isoformat(), "ends_at": (starts + timedelta(hours=1)).isoformat()}
    answer = await room.post(f"/meetings/{meeting['id']}/second-call", body, etag(meeting))
    assert problem(answer) == (409, "first-call-stands")


async def test_a_body_with_one_call_has_no_second(room: Room) -> None:
    committee = await room.committee(holders=1)
    meeting = await room.convened(committee.id)
    starts = room.now + timedelta(days=12)
    body = {"starts_at": starts.isoformat(), "ends_at": (starts + timedelta(hours=1)).isoformat()}
    answer = await room.post(f"/meetings/{meeting['id']}/second-call", body, etag(meeting))
    assert problem(answer) == (409, "no-second-call")


# --- reading --------------------------------------------------------------------------------------------------------


async def test_meetings_are_listed_by_time_and_filtered(room: Room) -> None:
    body = room.body("open")
    await room.tell(body)
    third = await room.meeting(days=30, title="Terza")
    first = await room.convened(body.id, days=10, title="Prima")
    second = await room.convened(days=20, title="Seconda")

    async def titles(**filters: Any) -> list[str]:
        return [item["title"] for item in await room.items(f"/networks/{room.slug}/meetings", **filters)]

    assert await titles() == ["Prima", "Seconda", "Terza"]
    assert await titles(body=str(body.id)) == ["Prima"]
    assert await titles(state=["draft", "held"]) == ["Terza"]
    assert await titles(on=second["day"]) == ["Seconda"]
    assert await titles(since=second["day"]) == ["Seconda", "Terza"]
    assert await titles(until=second["day"]) == ["Prima"]
    assert await titles(q="erz") == ["Terza"]
    assert await titles(since=first["day"], until=third["day"], state="convened") == ["Prima", "Seconda"]
    assert await titles(updated_since="2100-01-01T00:00:00Z") == []
    unknown = await room.get(f"/networks/{room.slug}/meetings", titel="x")
    assert problem(unknown) == (422, "invalid")


async def test_meetings_come_page_by_page_and_as_csv(room: Room) -> None:
    for number in range(3):
        await room.meeting(days=number + 1, title=f"Riunione {number}")
    path = f"/networks/{room.slug}/meetings"
    page = await room.found(path, limit=2)
    rest = await room.found(path, limit=2, after=page["next"])
    assert [item["title"] for item in page["items"] + rest["items"]] == [f"Riunione {n}" for n in range(3)]
    assert rest["next"] is None
    csv = await room.running.client.get(f"/events/v1{path}", headers={**room.headers, "accept": "text/csv"})
    assert (csv.status_code, len(csv.text.strip().splitlines())) == (200, 4)


# --- who may --------------------------------------------------------------------------------------------------------


async def test_a_coordinator_convenes_the_bodies_of_their_territory_alone(room: Room) -> None:
    ours = room.body("by_territory", territory="03", roles=("representative",))
    theirs = room.body("by_territory", territory="12", roles=("representative",))
    await room.tell(ours, theirs)
    coordinator = await room.caller("coordinator", territory="03")
    starts = room.now + timedelta(days=3)

    def draft(body_id: Any) -> dict[str, Any]:
        return {
            "title": "Riunione",
            "body_id": body_id and str(body_id),
            "starts_at": starts.isoformat(),
            "ends_at": (starts + timedelta(hours=1)).isoformat(),
            "mode": "in_person",
            "place": "Milano",
        }

    path = f"/networks/{room.slug}/meetings"
    made = await coordinator.made(path, draft(ours.id))
    assert made["allowed_actions"] == ["change", "convene", "cancel"]
    assert (await convene(coordinator, made)).status_code == 200
    for body_id in (theirs.id, None):
        assert problem(await coordinator.post(path, draft(body_id))) == (403, "forbidden")
    hidden = await room.meeting(theirs.id)
    shown = await room.meeting(ours.id)
    listed = {item["id"] for item in await coordinator.items(path)}
    assert listed == {made["id"], shown["id"]}
    assert problem(await coordinator.get(f"/meetings/{hidden['id']}")) == (404, "not-found")


@pytest.mark.parametrize("role", ["referent", "representative", "delegate", "member"])
async def test_who_does_not_coordinate_reads_and_convenes_nothing(room: Room, role: str) -> None:
    meeting = await room.convened()
    caller = await room.caller(role)
    found = await caller.found(f"/meetings/{meeting['id']}")
    assert found["allowed_actions"] == []
    path = f"/meetings/{meeting['id']}"
    assert problem(await caller.patch(path, {"title": "Mia"}, etag(meeting))) == (403, "forbidden")
    assert problem(await caller.post(f"{path}/cancel", etag=etag(meeting))) == (403, "forbidden")


async def test_a_repeated_convocation_with_its_key_is_answered_again(room: Room) -> None:
    committee = await room.committee(holders=2)
    draft = await room.meeting(committee.id)
    headers = {**room.headers, "if-match": '"1"', "idempotency-key": "convoca"}
    path = f"/events/v1/meetings/{draft['id']}/convene"
    first = await room.running.client.post(path, headers=headers)
    again = await room.running.client.post(path, headers=headers)
    assert first.status_code == again.status_code == 200
    assert first.content == again.content
    assert len(await room.running.published("events.invitation.*.issued")) >= 2
    assert len(await room.invitations(draft)) == 2

"""People from outside register for a public meeting, come or do not, and are forgotten."""

from __future__ import annotations

import asyncio
import csv
import io
import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import icalendar
import pytest
from uuid_utils.compat import uuid7

from deploy.local.postgres import Postgres
from services.events.app import service
from services.events.registrations import queries
from services.events.settings import Settings
from shared.access import tokens
from tests import harness
from tests.events.registrations.public import HTML, JSON, Fair, code_of
from tests.events.room import Room, problem

pytestmark = pytest.mark.timeout(120)


async def test_the_page_shows_the_meeting_and_what_becomes_of_the_data(room: Room) -> None:
    fair = await Fair.opened(
        room, mode="hybrid", join_url="https://meet.example.org/segreto", description="Porta\nun amico"
    )
    page = await room.running.client.get(fair.page, headers=HTML)
    assert (page.status_code, page.headers["cache-control"]) == (200, "no-store")
    for shown in (
        "Iscrizione: Festa &lt;della&gt; Casa",
        "Roma, via Marcora 18",
        "Comitato esecutivo",
        "un amico",
        "Titolare del trattamento è Rete di prova.",
        "90 giorni dopo",
    ):
        assert shown in page.text, shown
    assert "segreto" not in page.text
    assert "<script" not in page.text
    english = await room.running.client.get(fair.page, headers={**HTML, "accept-language": "en"})
    assert "The controller is Rete di prova." in english.text
    told = (await room.running.client.get(fair.page, headers=JSON)).json()
    assert (told["open"], told["places_left"], len(told["privacy"])) == (True, None, 3)
    assert "join_url" not in told


async def test_a_browser_is_sent_on_to_a_page_of_its_own(room: Room) -> None:
    fair = await Fair.opened(room, mode="remote", place=None, join_url="https://meet.example.org/festa")
    sent = await fair.send(HTML, name="Anna <b>Rota</b>", email="anna@example.org", organisation="Ponti & C.")
    assert sent.status_code == 303
    code = code_of(sent.headers["location"])
    assert len(code) == 22
    page = await room.running.client.get(sent.headers["location"], headers=HTML)
    assert page.status_code == 200
    for shown in ("Anna &lt;b&gt;Rota&lt;/b&gt;", "Ponti &amp; C.", "Hai un posto.", "https://meet.example.org/festa"):
        assert shown in page.text, shown
    assert 'src="data:image/svg+xml' in page.text
    kept = await room.running.sql(
        "select secret_sha256, name from registrations where meeting_id = :id", id=fair.meeting["id"]
    )
    assert [(row.secret_sha256, row.name) for row in kept] == [(queries.digest(code), "Anna <b>Rota</b>")]
    assert await room.running.published("events.registration.>") == []


async def test_only_public_meetings_take_registrations(room: Room) -> None:
    committee = await room.committee(1)
    private = await room.convened(committee.id)
    draft = await room.meeting(committee.id, days=20, open_to_public=True)
    for id_ in (private["id"], draft["id"], str(uuid7())):
        path = f"/events/v1/registrations/{id_}"
        assert problem(await room.running.client.get(path, headers=JSON)) == (404, "not-public")
        assert problem(await room.running.client.post(path, data={"name": "Anna"}, headers=JSON)) == (404, "not-public")
        page = await room.running.client.get(path, headers=HTML)
        assert (page.status_code, "Non c'è nessuna riunione pubblica" in page.text.replace("&#39;", "'")) == (404, True)


async def test_who_comes_too_late_waits_and_is_admitted_in_turn(room: Room) -> None:
    fair = await Fair.opened(room, places=1)
    first, second, third = [await fair.registered(name) for name in ("Anna", "Bruno", "Carla")]
    assert [await fair.state(code) for code in (first, second, third)] == ["confirmed", "waiting", "waiting"]
    assert (await fair.manage(third)).json()["before"] == 1
    page = (await fair.manage(third, HTML)).text
    assert "prima di te c'è 1 persona" in page.replace("&#39;", "'")
    assert "data:image/svg+xml" not in page
    given_up = await fair.give_up(first)
    assert (given_up.json()["state"], given_up.json()["name"]) == ("cancelled", "")
    assert [await fair.state(code) for code in (first, second, third)] == ["cancelled", "confirmed", "waiting"]
    await fair.give_up(first)  # again
    assert await fair.state(third) == "waiting"
    assert await fair.counts() == (1, 1, 1, 0)
    assert (await fair.bound(2)).json()["registered"]["confirmed"] == 2
    assert await fair.state(third) == "confirmed"
    assert (await fair.bound(0)).status_code == 200
    assert await fair.counts() == (2, 0, 1, 0)  # nobody loses a place
    late = await fair.registered("Dario")
    assert await fair.state(late) == "waiting"
    assert (await fair.bound(None)).status_code == 200
    assert await fair.state(late) == "confirmed"


async def test_of_many_who_want_the_last_place_one_has_it(room: Room) -> None:
    fair = await Fair.opened(room, places=3)
    answers = await asyncio.gather(*(fair.send(name=f"Persona {number}") for number in range(12)))
    assert {answer.status_code for answer in answers} == {201}
    assert sorted(answer.json()["state"] for answer in answers) == ["confirmed"] * 3 + ["waiting"] * 9
    assert sorted(answer.json()["number"] for answer in answers) == list(range(1, 13))
    confirmed = [answer.json() for answer in answers if answer.json()["state"] == "confirmed"]
    await asyncio.gather(*(fair.give_up(code_of(one["manage_url"])) for one in confirmed[:2]))
    assert await fair.counts() == (3, 7, 2, 0)
    items = await room.items(fair.path, state=["confirmed", "waiting"])
    assert [item["state"] for item in items] == ["confirmed"] * 3 + ["waiting"] * 7


async def test_an_address_that_is_there_already_is_not_told_to_strangers(room: Room) -> None:
    fair = await Fair.opened(room)
    first = await fair.send(name="Anna Rota", email="anna@example.org")
    again = await fair.send(name="Altra Persona", email="ANNA@example.org")
    assert first.status_code == again.status_code == 201
    assert first.json().keys() == again.json().keys()
    assert first.json()["state"] == again.json()["state"]
    assert first.json()["manage_url"] != again.json()["manage_url"]
    await fair.registered("Bruno")
    assert [item["possible_duplicate"] for item in await room.items(fair.path)] == [True, True, False]


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({}, "name"),
        ({"name": "  "}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"name": "a\x00b"}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"name": "Anna", "email": "anna"}, "email"),
        ({"name": "Anna", "email": "anna@example.org\r\nBcc: x@example.org"}, "email"),
        ({"name": "Anna", "email": "a@b." + "c" * 260}, "email"),
        ({"name": "Anna", "organisation": "a\x00b"}, "organisation"),
    ],
)
async def test_what_cannot_be_kept_comes_back_with_the_form(room: Room, fields: dict[str, str], wrong: str) -> None:
    fair = await Fair.opened(room)
    refused = await fair.send(JSON, **fields)
    assert problem(refused) == (422, "invalid")
    assert [error["path"] for error in refused.json()["errors"]] == [f"/{wrong}"]
    page = await fair.send(HTML, **fields)
    assert (page.status_code, f'id="{wrong}-wrong"' in page.text) == (422, True)
    assert page.text.count('aria-invalid="true"') == 1
    if fields.get("name") == "Anna":
        assert 'value="Anna"' in page.text
    assert await fair.counts() == (0, 0, 0, 0)


async def test_who_fills_in_what_people_do_not_see_is_told_the_same_and_not_kept(room: Room) -> None:
    fair = await Fair.opened(room)
    human = await fair.send(name="Anna")
    machine = await fair.send(name="Buy now", website="https://spam.example")
    assert (human.status_code, human.json().keys()) == (machine.status_code, machine.json().keys())
    assert (await fair.send(HTML, name="Buy now", website="x")).status_code == 303
    assert await fair.counts() == (1, 0, 0, 0)


async def test_a_code_is_the_only_way_to_a_registration(room: Room) -> None:
    fair = await Fair.opened(room)
    code = await fair.registered()
    for wrong in (code[:-1], code + "x", "", "x" * 22, "\x00", "x" * 700):
        for answer in (await fair.manage(wrong), await fair.give_up(wrong)):
            assert answer.status_code in (404, 422), wrong
    page = await fair.manage("x" * 22, HTML)
    assert (page.status_code, page.headers["content-type"].startswith("text/html")) == (404, True)
    assert await fair.state(code) == "confirmed"


async def test_the_meeting_goes_into_ones_own_calendar(room: Room) -> None:
    fair = await Fair.opened(room, places=1, mode="remote", place=None, join_url="https://meet.example.org/festa")
    first, second = await fair.registered("Anna"), await fair.registered("Bruno")

    async def event(code: str) -> Any:
        answer = await room.running.client.get("/events/v1/registrations/manage.ics", params={"code": code})
        assert (answer.status_code, answer.headers["content-type"]) == (200, "text/calendar; charset=utf-8")
        (found,) = icalendar.Calendar.from_ical(answer.content).walk("VEVENT")
        return found

    theirs = await event(first)
    assert str(theirs["UID"]).startswith(f"meeting-{fair.meeting['id']}@")
    assert (str(theirs["SUMMARY"]), theirs["STATUS"]) == ("Festa <della> Casa", "CONFIRMED")
    assert theirs["DTSTART"].dt == datetime.fromisoformat(fair.meeting["starts_at"]).replace(microsecond=0)
    assert "CONFERENCE" in theirs
    assert "CONFERENCE" not in await event(second)  # who waits has no place yet
    await fair.give_up(first)
    gone = await room.running.client.get("/events/v1/registrations/manage.ics", params={"code": first})
    assert gone.status_code == 404


async def test_the_coordination_reads_exports_and_nobody_else(room: Room) -> None:
    fair = await Fair.opened(room)
    await fair.registered("=HYPERLINK(1)", email="anna@example.org", organisation="+39 pizza")
    await fair.registered("Bruno Riva")
    items = await room.items(fair.path)
    assert [item["name"] for item in items] == ["=HYPERLINK(1)", "Bruno Riva"]
    assert [item["name"] for item in await room.items(fair.path, q="riva")] == ["Bruno Riva"]
    answer = await room.running.client.get(f"/events/v1{fair.path}", headers={**room.headers, "accept": "text/csv"})
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert (rows[0]["name"], rows[0]["organisation"]) == ("'=HYPERLINK(1)", "'+39 pizza")
    for role in ("referent", "delegate"):
        member = await room.caller(role)
        assert problem(await member.get(fair.path)) == (403, "forbidden")
        assert problem(await member.get(f"/meetings/{fair.meeting['id']}/public-places")) == (403, "forbidden")
        assert problem(await member.post(fair.path, {"name": "Anna"})) == (403, "forbidden")
    elsewhere = await Room.founded(room.running)
    assert problem(await elsewhere.get(fair.path)) == (403, "forbidden")


async def test_places_are_changed_over_the_version_that_was_seen(room: Room) -> None:
    fair = await Fair.opened(room)
    assert (await fair.bound(5, '"0"')).json()["version"] == 1
    assert problem(await fair.bound(6, '"0"')) == (412, "version-mismatch")
    for places in (-1, 1.5, "3", 10**9):
        assert problem(await fair.bound(places)) == (422, "invalid")  # type: ignore[arg-type]


async def test_who_telephones_is_written_down_as_such(room: Room) -> None:
    fair = await Fair.opened(room)
    person = room.person("Sara", "Greco")
    await room.tell(person)
    clerk = await room.caller("secretariat", person.id)
    made = await clerk.made(fair.path, {"name": "Zia Pina"})
    assert made["state"] == "confirmed"
    assert await fair.state(code_of(made["manage_url"])) == "confirmed"
    (item,) = await room.items(fair.path)
    assert (item["name"], item["entered_by"]["name"]) == ("Zia Pina", "Sara Greco")
    await fair.begin()
    assert problem(await fair.send(name="Tardi")) == (410, "registration-over")
    assert (await room.running.client.get(fair.page, headers=JSON)).json()["open"] is False
    assert (await clerk.post(fair.path, {"name": "Alla porta"})).status_code == 201
    await fair.end()
    assert problem(await clerk.post(fair.path, {"name": "Troppo tardi"})) == (410, "public-meeting-over")


async def test_people_are_checked_in_by_code_or_by_hand(room: Room) -> None:
    fair = await Fair.opened(room, places=2)
    first, second, third = [await fair.registered(name) for name in ("Anna", "Bruno", "Carla")]
    early = await room.post(f"{fair.path}/check-in", {"code": first})
    assert problem(early) == (409, "check-in-too-early")
    await fair.begin()
    url = (await fair.manage(first)).json()["manage_url"]
    for scanned in (url, first):  # twice is once
        there = await room.made(f"{fair.path}/check-in", {"code": scanned})
        assert (there["attended"], there["version"]) == (True, 2)
    assert problem(await room.post(f"{fair.path}/check-in", {"code": third})) == (409, "registration-without-place")
    assert problem(await room.post(f"{fair.path}/check-in", {"code": "x" * 22})) == (404, "not-found")
    items = {item["name"]: item for item in await room.items(fair.path)}
    by_hand = f"{fair.path}/{items['Bruno']['id']}/attendance"
    assert (await room.made(by_hand, {"attended": True}, '"1"'))["attended"]
    assert problem(await room.post(by_hand, {"attended": False}, '"1"')) == (412, "version-mismatch")
    assert await fair.counts() == (2, 1, 0, 2)
    assert not (await room.made(by_hand, {"attended": False}, '"2"'))["attended"]
    assert await fair.counts() == (2, 1, 0, 1)
    assert [item["name"] for item in await room.items(fair.path, attended="true")] == ["Anna"]
    member = await room.caller("referent")
    assert problem(await member.post(f"{fair.path}/check-in", {"code": second})) == (403, "forbidden")


async def test_a_code_of_another_meeting_checks_nobody_in(room: Room) -> None:
    fair, other = await Fair.opened(room), await Fair.opened(room)
    code = await other.registered()
    await fair.begin()
    assert problem(await room.post(f"{fair.path}/check-in", {"code": code})) == (404, "not-found")
    (item,) = await room.items(other.path)
    path = f"{fair.path}/{item['id']}/attendance"
    assert problem(await room.post(path, {"attended": True}, '"1"')) == (404, "not-found")


async def test_somebody_who_asks_is_removed_and_the_next_is_admitted(room: Room) -> None:
    fair = await Fair.opened(room, places=1)
    code, second = await fair.registered("Anna"), await fair.registered("Bruno")
    first = (await room.items(fair.path))[0]
    path = f"{fair.path}/{first['id']}"
    assert problem(await room._send("DELETE", path, None, '"9"')) == (412, "version-mismatch")
    assert (await room._send("DELETE", path, None, '"1"')).status_code == 204
    assert (await fair.state(code), await fair.state(second)) == ("cancelled", "confirmed")
    kept = await room.running.sql("select name, email from registrations where id = :id", id=first["id"])
    assert [(row.name, row.email) for row in kept] == [("", None)]


async def test_ninety_days_later_only_the_counts_are_known(room: Room) -> None:
    fair = await Fair.opened(room)
    code, other = await fair.registered("Anna", email="anna@example.org", organisation="Ponti"), await fair.registered()
    await fair.give_up(other)
    await fair.begin()
    await room.made(f"{fair.path}/check-in", {"code": code})
    await fair.end(days=89, hours=23)
    assert [item["name"] for item in await room.items(fair.path)] == ["Anna", ""]
    await fair.end(days=90)
    assert [(i["name"], i["email"], i["organisation"]) for i in await room.items(fair.path)] == [("", None, None)] * 2
    assert (await fair.manage(code)).status_code == 404
    assert await fair.counts() == (1, 0, 1, 1)
    rows = await room.running.sql(
        "select 1 from registrations where meeting_id = :id and (name <> '' or email is not null"
        " or organisation is not null or secret_sha256 is not null)",
        id=fair.meeting["id"],
    )
    assert rows == []


async def test_a_meeting_that_is_moved_is_forgotten_after_its_new_end(room: Room) -> None:
    fair = await Fair.opened(room, days=30)
    code = await fair.registered("Anna")
    starts = datetime.fromisoformat(fair.meeting["starts_at"])
    for by in (timedelta(days=20), timedelta(days=-10)):
        moved = {"starts_at": (starts + by).isoformat(), "ends_at": (starts + by + timedelta(hours=2)).isoformat()}
        etag = (await room.get(f"/meetings/{fair.meeting['id']}")).headers["etag"]
        answer = await room.patch(f"/meetings/{fair.meeting['id']}", moved, etag)
        assert answer.status_code == 200, answer.text
        fair.meeting = answer.json()
        (row,) = await room.running.sql(
            "select at from due where subject_id = :id and kind = 'registrations-forget'", id=fair.meeting["id"]
        )
        assert row.at == starts + by + timedelta(days=90, hours=2)
    await fair.end(days=90)
    assert (await fair.manage(code)).status_code == 404


async def test_a_cancelled_meeting_says_so_and_the_data_can_still_be_erased(room: Room) -> None:
    fair = await Fair.opened(room)
    code = await fair.registered("Anna")
    await room.made(
        f"/meetings/{fair.meeting['id']}/cancel",
        etag=(await room.get(f"/meetings/{fair.meeting['id']}")).headers["etag"],
    )
    assert problem(await fair.send(name="Bruno")) == (410, "public-meeting-cancelled")
    page = (await fair.manage(code, HTML)).text
    assert "non si terrà" in page
    assert "data:image/svg+xml" not in page
    assert (await fair.give_up(code)).json()["name"] == ""


async def test_counts_of_several_meetings_come_in_one(room: Room) -> None:
    fair, other = await Fair.opened(room, places=1), await Fair.opened(room)
    await fair.registered()
    await fair.registered()
    async with room.running.context.database.sessions() as session:
        found = await queries.counts(session, [UUID(one.meeting["id"]) for one in (fair, other)])
    assert list(found.values()) == [queries.Counts(1, 1, 0, 0), queries.Counts()]


async def test_who_is_at_the_door_checks_in_from_the_page_that_the_code_opens(room: Room) -> None:
    fair = await Fair.opened(room)
    code = await fair.registered("Anna")
    await fair.begin()

    async def seat(role: str) -> dict[str, str]:
        """The browser of somebody who has signed in."""
        person, issuer = uuid7(), room.running.context.settings.issuer
        await room.caller(role, person)
        held = tokens.sign(room.running.key, issuer, person, audience=tokens.PAGES)
        return {**HTML, "cookie": f"trama-session={held}"}

    clerk, visitor = await seat("secretariat"), await seat("referent")
    door = f"/events/v1/registrations/check-in?code={code}"
    assert "Registra la presenza" not in (await fair.manage(code, HTML)).text
    assert "Registra la presenza" not in (await fair.manage(code, visitor)).text
    page = await fair.manage(code, clerk)
    form = re.search(r'name="form" value="([^"]+)"', page.text)
    assert form is not None
    client = room.running.client
    assert (await client.post(door, data={"form": form[1]}, headers=HTML)).status_code == 303  # to sign in
    assert (await client.post(door, headers=clerk)).status_code == 403
    assert (await client.post(door, data={"form": "x" * 43}, headers=clerk)).status_code == 403
    assert await fair.counts() == (1, 0, 0, 0)
    done = await client.post(door, data={"form": form[1]}, headers=clerk)
    assert (done.status_code, "La presenza è registrata." in done.text) == (200, True)
    assert await fair.counts() == (1, 0, 0, 1)
    assert "Registra la presenza" not in (await fair.manage(code, clerk)).text


async def test_a_script_is_slowed_down_before_it_takes_all_places(postgres: Postgres, tmp_path: Path) -> None:
    url = await harness.service_database(postgres, "events")
    async with harness.running(service, Settings, url, tmp_path, anonymous_per_minute="60") as running:
        path = f"/events/v1/registrations/{uuid7()}"
        answers = [(await running.client.post(path, data={"name": "x"}, headers=JSON)).status_code for _ in range(5)]
        assert answers == [404, 404, 404, 429, 429]
        assert (await running.client.get(path, headers=JSON)).status_code == 404  # reading goes on

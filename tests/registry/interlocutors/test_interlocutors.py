"""Interlocutors as the secretariat and the coordinators record them: over HTTP, with what the others are told."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta
from typing import Any

import pytest

from tests.harness import Running
from tests.registry.conftest import Caller, Room, problem
from tests.registry.constitutions.scene import Scene

PRESIDENT = {
    "institution": "03",
    "office": "president",
    "name": "Il Presidente della Regione",
    "email": "Presidenza@Example.org",
    "phone": "02 1234567",
}


def today(registry: Running, days: int = 0) -> str:
    return (registry.context.clock.today() + timedelta(days=days)).isoformat()


async def record(room: Room, **more: Any) -> Any:
    return await room.made(f"/networks/{room.slug}/interlocutors", {**PRESIDENT, **more})


async def coordinator(room: Room, territory: str) -> Caller:
    return Caller(room.running, await room.running.holder("coordinator", room.id, territory=territory))


async def test_an_office_is_recorded_with_who_holds_it_and_told_without_names(registry: Running, room: Room) -> None:
    held = await record(room)
    assert held["institution"] == {"code": "03", "name": "Lombardia"}
    assert (held["office"], held["name"], held["email"], held["phone"]) == (
        "president",
        "Il Presidente della Regione",
        "presidenza@example.org",
        "+39021234567",
    )
    assert (held["contacts"], held["last_contact_on"], held["body"], held["version"]) == (0, None, None, 1)
    ((type_, fact),) = await registry.published(f"registry.interlocutor.{held['id']}.*")
    assert type_ == "trama.registry.interlocutor.recorded.v1"
    assert (fact["institution"], fact["office"]) == ("03", "president")
    assert not {"name", "email", "phone"} & set(fact)
    assert "Presidente della Regione" not in str(fact)


async def test_an_office_is_recorded_once_in_a_network(room: Room, other_room: Room) -> None:
    held = await record(room)
    again = await room.post(f"/networks/{room.slug}/interlocutors", PRESIDENT)
    assert problem(again) == (409, "interlocutor-recorded")
    assert held["id"] in again.json()["detail"]
    assert (await record(other_room))["id"] != held["id"]


async def test_of_two_who_record_the_same_office_at_once_one_does(room: Room) -> None:
    answers = await asyncio.gather(*(room.post(f"/networks/{room.slug}/interlocutors", PRESIDENT) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]


@pytest.mark.parametrize("institution", ["04", "023", "xx", ""])
async def test_an_unknown_institution_is_refused_by_name(room: Room, institution: str) -> None:
    body = {"institution": institution, "office": "giunta"}
    answer = await room.post(f"/networks/{room.slug}/interlocutors", body)
    assert problem(answer) == (422, "institution-unknown")
    assert answer.json()["errors"][0]["path"] == "/institution"


async def test_a_bad_address_is_refused_by_name(room: Room) -> None:
    for field, value in (("email", "nessuno"), ("phone", "abc")):
        answer = await room.post(f"/networks/{room.slug}/interlocutors", {**PRESIDENT, field: value})
        assert answer.status_code == 422, answer.text
        assert answer.json()["errors"][0]["path"] == f"/{field}"


async def test_a_new_holder_is_a_change_that_needs_the_version_seen(registry: Running, room: Room) -> None:
    held = await record(room)
    path = f"/interlocutors/{held['id']}"
    assert problem(await room.patch(path, {"name": "Altri"})) == (428, "if-match-missing")
    changed = await room.patch(path, {"name": "La nuova Presidente", "phone": None}, '"1"')
    assert changed.status_code == 200, changed.text
    assert (changed.json()["name"], changed.json()["phone"]) == ("La nuova Presidente", None)
    assert changed.json()["email"] == "presidenza@example.org"
    assert changed.headers["etag"] == '"2"'
    assert problem(await room.patch(path, {"name": "Altri"}, '"1"')) == (412, "version-mismatch")
    same = await room.patch(path, {"name": "La nuova Presidente"}, '"2"')
    assert same.json()["version"] == 2
    facts = await registry.published(f"registry.interlocutor.{held['id']}.*")
    assert [type_.split(".")[3] for type_, _ in facts] == ["recorded", "changed"]


async def test_what_was_said_is_appended_and_told_as_a_figure(registry: Running, room: Room) -> None:
    held = await record(room)
    path = f"/interlocutors/{held['id']}/contacts"
    first = {"on": today(registry, -9), "channel": "letter", "summary": "Chiesto un incontro", "outcome": "Fissato"}
    written = await room.made(path, first)
    assert (written["on"], written["recorded_on"]) == (today(registry, -9), today(registry))
    assert written["recorded_by"] is not None
    await room.made(path, {"on": today(registry, -20), "channel": "phone", "summary": "Prima telefonata"})
    log = await room.found(path)
    assert [entry["summary"] for entry in log["items"]] == ["Chiesto un incontro", "Prima telefonata"]
    assert (await room.found(path, since=today(registry, -10)))["items"] == log["items"][:1]
    now = await room.found(f"/interlocutors/{held['id']}")
    assert (now["contacts"], now["last_contact_on"], now["version"]) == (2, today(registry, -9), 3)
    facts = await registry.published(f"registry.interlocutor.{held['id']}.*")
    assert [(body["contacts"], body["last_contact_on"]) for _, body in facts] == [
        (0, None),
        (1, today(registry, -9)),
        (2, today(registry, -9)),
    ]
    assert "Chiesto" not in str(facts)


async def test_a_wrong_entry_stays_and_is_corrected_by_a_new_one(registry: Running, room: Room) -> None:
    held = await record(room)
    path = f"/interlocutors/{held['id']}/contacts"
    wrong = await room.made(path, {"on": today(registry), "channel": "phone", "summary": "Telefonata"})
    right = {"on": today(registry), "channel": "meeting", "summary": "Incontro", "corrects": wrong["id"]}
    better = await room.made(path, right)
    entries = {entry["id"]: entry for entry in (await room.found(path))["items"]}
    assert entries[wrong["id"]]["corrected_by"] == better["id"]
    assert entries[wrong["id"]]["summary"] == "Telefonata"
    now = await room.found(f"/interlocutors/{held['id']}")
    assert (now["contacts"], now["version"]) == (1, 3)
    again = await room.post(path, right)
    assert problem(again) == (422, "uncorrectable")
    assert again.json()["errors"][0]["path"] == "/corrects"
    assert (await room.patch(f"{path}/{wrong['id']}", {"summary": "x"}, '"1"')).status_code in (404, 405)
    assert (await room.delete(f"{path}/{wrong['id']}")).status_code in (404, 405)


async def test_two_corrections_of_one_entry_at_once_leave_one(registry: Running, room: Room) -> None:
    held = await record(room)
    path = f"/interlocutors/{held['id']}/contacts"
    wrong = await room.made(path, {"on": today(registry), "channel": "phone", "summary": "Telefonata"})
    body = {"on": today(registry), "channel": "meeting", "summary": "Incontro", "corrects": wrong["id"]}
    answers = await asyncio.gather(room.post(path, body), room.post(path, body))
    assert sorted(answer.status_code for answer in answers) == [201, 422]


async def test_a_contact_of_tomorrow_is_refused_by_name(registry: Running, room: Room) -> None:
    held = await record(room)
    body = {"on": today(registry, 1), "channel": "meeting", "summary": "Incontro"}
    answer = await room.post(f"/interlocutors/{held['id']}/contacts", body)
    assert problem(answer) == (422, "not-yet-happened")
    assert answer.json()["errors"] == [
        {"path": "/on", "code": "not-yet-happened", "accepted": f"not after {today(registry)}"}
    ]


async def test_the_overview_shows_all_21_with_what_is_missing_and_no_names(registry: Running, room: Room) -> None:
    await record(room)
    trento = await record(room, institution="022", office="giunta")
    contact = {"on": today(registry), "channel": "pec", "summary": "Lettera"}
    await room.made(f"/interlocutors/{trento['id']}/contacts", contact)
    member = Caller(registry, await registry.holder("member", room.id))
    answer = await member.get(f"/networks/{room.slug}/institutions")
    items = {item["code"]: item for item in answer.json()["items"]}
    assert len(items) == 21
    assert (items["03"]["recorded"], items["03"]["missing"]) == (["president"], ["giunta"])
    assert (items["022"]["region"], items["022"]["kind"]) == ("04", "autonomous_province")
    assert (items["022"]["recorded"], items["022"]["last_contact_on"]) == (["giunta"], today(registry))
    assert items["021"]["missing"] == ["president", "giunta"]
    assert answer.json()["next"] is None
    assert "Presidente della Regione" not in answer.text


async def test_interlocutors_belong_to_the_coordination_whichever_was_first(registry: Running, room: Room) -> None:
    before = await record(room)
    path = await (await Scene.of(room, 0)).path("03")
    after = await record(room, office="giunta")
    elsewhere = await record(room, institution="09")
    body = path["body"]["id"]
    for held, expected in ((before, body), (after, body), (elsewhere, None)):
        now = await room.found(f"/interlocutors/{held['id']}")
        assert (now["body"] and now["body"]["id"]) == expected
        facts = await registry.published(f"registry.interlocutor.{held['id']}.*")
        assert facts[-1][1]["body_id"] == expected
    of_body = await room.found(f"/networks/{room.slug}/interlocutors", body=body)
    assert {item["id"] for item in of_body["items"]} == {before["id"], after["id"]}
    overview = await room.found(f"/networks/{room.slug}/institutions")
    assert next(item for item in overview["items"] if item["code"] == "03")["body"]["id"] == body


async def test_lists_are_filtered_by_region_office_and_institution(room: Room) -> None:
    for institution, office in (("03", "president"), ("021", "giunta"), ("022", "giunta")):
        await record(room, institution=institution, office=office)
    path = f"/networks/{room.slug}/interlocutors"

    async def found(**filters: Any) -> list[str]:
        return [item["institution"]["code"] for item in (await room.found(path, **filters))["items"]]

    assert await found() == ["03", "021", "022"]
    assert await found(territory="04") == ["021", "022"]
    assert await found(institution="022") == ["022"]
    assert await found(office="president") == ["03"]
    first = await room.found(path, limit=2)
    assert [item["institution"]["code"] for item in first["items"]] == ["03", "021"]
    assert await found(after=first["next"]) == ["022"]


async def test_a_coordinator_writes_of_their_own_region_and_reads_all(registry: Running, room: Room) -> None:
    lombardia, trentino = await coordinator(room, "03"), await coordinator(room, "04")
    path = f"/networks/{room.slug}/interlocutors"
    held = await lombardia.made(path, PRESIDENT)
    assert problem(await trentino.post(path, {**PRESIDENT, "office": "giunta"})) == (403, "forbidden")
    assert (await trentino.post(path, {"institution": "022", "office": "giunta"})).status_code == 201
    read = await trentino.found(f"/interlocutors/{held['id']}")
    assert read["allowed_actions"] == []
    assert (await lombardia.found(f"/interlocutors/{held['id']}"))["allowed_actions"] == ["change", "log_contact"]
    assert problem(await trentino.patch(f"/interlocutors/{held['id']}", {"name": "x"}, '"1"')) == (403, "forbidden")
    contact = {"on": today(registry), "channel": "phone", "summary": "Telefonata"}
    log = f"/interlocutors/{held['id']}/contacts"
    assert problem(await trentino.post(log, contact)) == (403, "forbidden")
    assert (await lombardia.post(log, contact)).status_code == 201


async def test_names_and_the_log_are_not_for_every_member(registry: Running, room: Room, other_room: Room) -> None:
    held = await record(room)
    member = Caller(registry, await registry.holder("representative", room.id))
    assert problem(await member.get(f"/networks/{room.slug}/interlocutors")) == (403, "forbidden")
    for stranger in (member, other_room):
        assert problem(await stranger.get(f"/interlocutors/{held['id']}")) == (404, "not-found")
        assert problem(await stranger.get(f"/interlocutors/{held['id']}/contacts")) == (404, "not-found")
        assert problem(await stranger.patch(f"/interlocutors/{held['id']}", {"name": "x"}, '"1"')) == (404, "not-found")
    assert problem(await other_room.get(f"/networks/{room.slug}/institutions")) == (403, "forbidden")


async def test_the_last_contact_can_be_of_a_day_long_before_the_office_was_recorded(
    registry: Running, room: Room
) -> None:
    held = await record(room)
    body = {"on": date(2019, 5, 1).isoformat(), "channel": "other", "summary": "Convegno"}
    await room.made(f"/interlocutors/{held['id']}/contacts", body)
    assert (await room.found(f"/interlocutors/{held['id']}"))["last_contact_on"] == "2019-05-01"

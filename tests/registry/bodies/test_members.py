"""Seats that follow the members: whoever joins has one, whoever leaves has none, by hand and by file."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

from sqlalchemy import event

from services.registry.bodies import commands
from tests.harness import Running
from tests.registry import desk
from tests.registry.bodies.test_bodies import body, member, tag, told
from tests.registry.bodies.test_seats import holders, seats
from tests.registry.conftest import Room
from tests.registry.desk import Desk
from tests.registry.mandates.test_mandates import day


async def membership(room: Room, organisation: Any) -> Any:
    (found,) = (await room.found(f"/networks/{room.slug}/memberships", organisation=organisation["id"]))["items"]
    return found


async def step(room: Room, organisation: Any, name: str, since: str | None = None) -> None:
    one = await membership(room, organisation)
    answer = await room.post(f"/memberships/{one['id']}/{name}", {"since": since} if since else {}, tag(one))
    assert answer.status_code == 200, answer.text


async def candidate(room: Room, name: str, since: str) -> Any:
    entered = {"name": name, "kind": "informal_group", "since": since}
    return await room.made(f"/networks/{room.slug}/organisations", entered)


async def titles(room: Room, of: Any, on: str | None = None) -> list[str]:
    return [seat["title"] for seat in await seats(room, of, **({"on": on} if on else {}))]


async def test_who_is_activated_gets_a_seat_from_that_day(registry: Running, room: Room) -> None:
    made = await body(room, constituted_on=day(registry, -10))
    await body(room, "Gruppo", "working_group")
    acli = await candidate(room, "ACLI", day(registry, -9))
    assert await titles(room, made) == []
    await step(room, acli, "activate", day(registry, -3))
    (seat,) = await seats(room, made)
    assert (seat["title"], seat["since"], seat["vacant"]) == ("ACLI", day(registry, -3), True)
    assert [fact for fact, _ in await told(registry, "seat", seat["id"])] == ["created"]
    await member(room, "CNCA", day(registry))  # active from the start
    assert await titles(room, made) == ["ACLI", "CNCA"]


async def test_every_body_of_its_kind_has_one_and_no_other(registry: Running, room: Room, other_room: Room) -> None:
    committee, assembly = await body(room), await body(room, "Assemblea", "assembly")
    elsewhere = await body(other_room)
    dissolved = await body(room, "Vecchio comitato")
    await room.post(f"/bodies/{dissolved['id']}/dissolve", etag=tag(dissolved))
    await room.organisation("ACLI")
    assert [(await seats(room, one))[0]["role"] for one in (committee, assembly)] == ["referent", "delegate"]
    assert await registry.sql("select 1 from seats where body_id = :id", id=UUID(dissolved["id"])) == []
    assert await titles(other_room, elsewhere) == []


async def test_a_suspended_member_keeps_its_seat(registry: Running, room: Room) -> None:
    acli = await member(room, "ACLI", day(registry, -20))
    made = await body(room, constituted_on=day(registry, -10))
    (seat,) = await seats(room, made)
    await step(room, acli, "suspend")
    assert await titles(room, made) == ["ACLI"]
    await step(room, acli, "resume")
    assert [one["id"] for one in await seats(room, made)] == [seat["id"]]
    assert [fact for fact, _ in await told(registry, "seat", seat["id"])] == ["created"]


async def test_when_a_member_leaves_its_seat_closes_and_its_referent_ends(registry: Running, room: Room) -> None:
    acli, _ = await member(room, "ACLI", day(registry, -20)), await member(room, "CNCA", day(registry, -20))
    made = await body(room, constituted_on=day(registry, -10))
    held = await room.mandate(
        await room.person(), "referent", day(registry, -5), organisation_id=acli["id"], body_id=made["id"]
    )
    await registry.settled()
    await step(room, acli, "withdraw", day(registry, 2))
    assert await titles(room, made) == ["ACLI", "CNCA"]
    assert await titles(room, made, day(registry, 2)) == ["CNCA"]
    assert await holders(room, made, day(registry, 1)) == {"ACLI": "Giulia Serra", "CNCA": None}
    shown = await room.found(f"/mandates/{held['id']}")
    assert (shown["ends"], shown["end_reason"]) == (day(registry, 2), "organisation_left")
    seat_id = shown["seat_id"]
    facts = await told(registry, "seat", seat_id)
    assert [(fact, content["until"]) for fact, content in facts] == [("created", None), ("closed", day(registry, 2))]


async def test_who_comes_back_gets_another_seat(registry: Running, room: Room) -> None:
    acli = await member(room, "ACLI", day(registry, -20))
    made = await body(room, constituted_on=day(registry, -10))
    await step(room, acli, "withdraw", day(registry, -5))
    url = f"/networks/{room.slug}/organisations"
    await registry.sql("update organisations set tax_code = '80050050154' where id = :id", id=UUID(acli["id"]))
    again = {"name": "ACLI", "tax_code": "80050050154", "state": "active", "since": day(registry, -2)}
    await room.made(url, again)
    by_day = {offset: len(await seats(room, made, on=day(registry, offset))) for offset in (-6, -5, -3, -2, 0)}
    assert by_day == {-6: 1, -5: 0, -3: 0, -2: 1, 0: 1}
    person = await room.person()
    mandate = await room.mandate(person, "referent", day(registry), organisation_id=acli["id"], body_id=made["id"])
    assert mandate["seat_id"] == (await seats(room, made))[0]["id"]


async def test_a_file_gives_each_new_member_its_seat(registry: Running, room: Room) -> None:
    office = Desk(registry, room.slug, room.id, room.headers)
    answer = await office.ask("POST", f"/networks/{office.slug}/bodies", json={"name": "Assemblea", "kind": "assembly"})
    assembly = answer.json()
    rows = desk.bodies(40)
    await office.upload(desk.table(rows))
    found = await office.get(f"/bodies/{assembly['id']}")
    assert found["seats"] == {"count": 0, "of": 40, "share": 0.0}
    created = await office.told("seat")
    assert len(created) == 40
    await office.upload(desk.table([*rows, *desk.bodies(2)]))  # those who have a seat get no second one
    assert (await office.get(f"/bodies/{assembly['id']}"))["seats"]["of"] == 42
    assert len(await office.told("seat")) == 42


async def test_following_costs_the_same_for_one_member_and_for_a_thousand(registry: Running, room: Room) -> None:
    """A batch of an import asks once whether the network has such a body, however many join."""
    asked: list[str] = []

    def count(_: Any, __: Any, statement: str, *___: Any) -> None:
        if "from bodies" in statement or "pg_advisory_xact_lock_shared" in statement:  # the relay asks beside it
            asked.append(statement)

    made = [await room.organisation(f"Ente {n}") for n in range(5)]
    ids = [UUID(one["id"]) for one in made]
    engine = registry.context.database.engine.sync_engine
    event.listen(engine, "before_cursor_execute", count)
    try:
        figures = []
        for joined in (ids[:1], ids):
            async with registry.context.database.sessions.begin() as session:
                asked.clear()
                today = registry.context.clock.today()
                await commands.follow_members(session, room.id, joined=joined, on=today)
                figures.append(len(asked))
    finally:
        event.remove(engine, "before_cursor_execute", count)
    assert figures == [2, 2]  # the lock, and the question


async def test_a_body_made_while_members_come_misses_none(registry: Running, room: Room) -> None:
    """Either the new member sees the body, or the body sees the new member."""
    url = f"/networks/{room.slug}"
    entering = [{"name": f"Ente {n}", "kind": "informal_group", "state": "active"} for n in range(12)]
    bodies = [{"name": f"Comitato {n}", "kind": "executive_committee"} for n in range(3)]
    answers = await asyncio.gather(
        *(room.post(f"{url}/organisations", one) for one in entering),
        *(room.post(f"{url}/bodies", one) for one in bodies),
    )
    assert [answer.status_code for answer in answers] == [201] * 15
    for made in (answer.json() for answer in answers[-3:]):
        assert len(await titles(room, made)) == len(set(await titles(room, made))) == 12


async def test_leaving_dissolving_and_designating_at_once_end_without_a_deadlock(registry: Running, room: Room) -> None:
    organisations = [await member(room, f"Ente {n}", day(registry, -20)) for n in range(6)]
    made = await body(room, constituted_on=day(registry, -10))
    people = [await room.person(f"Persona {n}") for n in range(6)]
    for organisation, person in zip(organisations[:3], people, strict=False):
        more = {"organisation_id": organisation["id"], "body_id": made["id"]}
        await room.mandate(person, "referent", day(registry, -5), **more)
    await registry.settled()
    leaving = [await membership(room, organisation) for organisation in organisations[:3]]
    designations = [
        {
            "person_id": person["id"],
            "role": "referent",
            "since": day(registry),
            "organisation_id": organisation["id"],
            "body_id": made["id"],
        }
        for organisation, person in zip(organisations[3:], people[3:], strict=True)
    ]
    answers = await asyncio.gather(
        *(room.post(f"/memberships/{one['id']}/withdraw", {}, tag(one)) for one in leaving),
        room.post(f"/bodies/{made['id']}/dissolve", etag=tag(made)),
        *(room.post(f"/networks/{room.slug}/mandates", one) for one in designations),
    )
    assert [answer.status_code for answer in answers[:4]] == [200] * 4
    assert {answer.status_code for answer in answers[4:]} <= {201, 409, 422}
    await registry.settled()
    assert await titles(room, made) == []
    living = await room.found(f"/networks/{room.slug}/mandates", body=made["id"], on=day(registry))
    assert living["items"] == []

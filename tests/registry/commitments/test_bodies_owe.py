"""What a body owes: fulfilled by who belongs to it, by the coordinator of its territory, by nobody else."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from tests.harness import Running
from tests.registry.commitments.scene import acted, commitments, day, promise
from tests.registry.conftest import Caller, Room, problem


async def holder(room: Room, role: str, name: str, **more: Any) -> Caller:
    person = await room.person(name, "Di Prova")
    await room.mandate(person, role, day(room.running), **more)
    return Caller(room.running, room.running.signed_in(UUID(person["id"])))


async def test_who_belongs_to_a_body_fulfils_what_it_owes(registry: Running, room: Room) -> None:
    group = await room.made(f"/networks/{room.slug}/bodies", {"name": "Gruppo", "kind": "community_of_practice"})
    one = await promise(room, None, body_id=group["id"], kind="document")
    assert (one["debtor"]["type"], one["debtor"]["name"]) == ("body", "Gruppo")
    inside = await holder(room, "member", "Dentro", body_id=group["id"])
    outside = await holder(room, "member", "Fuori")
    assert problem(await outside.post(f"/commitments/{one['id']}/fulfil", {"evidence": "Io"}, '"1"')) == (
        403,
        "forbidden",
    )
    assert (await inside.found(f"/commitments/{one['id']}"))["allowed_actions"] == ["fulfil"]
    await acted(inside, f"/commitments/{one['id']}", "fulfil", {"evidence": "Scritto insieme"})
    assert [found["id"] for found in await commitments(room, room.slug, body=group["id"])] == [one["id"]]


async def test_the_coordinator_of_its_territory_answers_for_a_coordination(registry: Running, room: Room) -> None:
    body = {"name": "Coordinamento lombardo", "kind": "regional_coordination", "territory": "03"}
    coordination = await room.made(f"/networks/{room.slug}/bodies", body)
    one = await promise(room, None, body_id=coordination["id"], kind="report_of_experiences")
    elsewhere = await holder(room, "coordinator", "Altrove", territory="01")
    here = await holder(room, "coordinator", "Qui", territory="03")
    member = await promise(room, await room.organisation())
    for commitment, caller in ((one, elsewhere), (member, here)):
        refused = await caller.post(f"/commitments/{commitment['id']}/fulfil", {"evidence": "Io"}, '"1"')
        assert problem(refused) == (403, "forbidden")
    await acted(here, f"/commitments/{one['id']}", "fulfil", {"evidence": "Relazione del 3 ottobre"})


async def test_something_may_be_owed_to_a_body_and_never_to_one_that_is_gone(registry: Running, room: Room) -> None:
    group = await room.made(f"/networks/{room.slug}/bodies", {"name": "Gruppo", "kind": "working_group"})
    member = await room.organisation()
    one = await promise(room, member, creditor_body_id=group["id"])
    assert one["creditor"] == {"id": group["id"], "name": "Gruppo", "href": f"/registry/v1/bodies/{group['id']}"}
    await acted(room, f"/bodies/{group['id']}", "dissolve", {})
    body = {"title": "Altro", "kind": "action", "due": day(registry, 3), "organisation_id": member["id"]}
    refused = await room.post(f"/networks/{room.slug}/commitments", {**body, "creditor_body_id": group["id"]})
    assert (problem(refused), refused.json()["errors"][0]["path"]) == ((422, "debtor-unknown"), "/creditor_body_id")

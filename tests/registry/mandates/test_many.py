"""Many mandates at once: a clock that jumps, a member that leaves, a body that is dissolved."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event

from tests.harness import Running
from tests.registry.commitments.scene import promise
from tests.registry.conftest import Room
from tests.registry.desk import tax_code
from tests.registry.mandates.test_mandates import day, let_pass
from tests.registry.representatives.test_representatives import HEADER, content, send

MANY = 40


@contextmanager
def updates(registry: Running) -> Iterator[Counter[str]]:
    """How often each statement that updates mandates is sent."""
    engine, sent = registry.context.database.engine.sync_engine, Counter[str]()

    def counted(conn: Any, cursor: Any, statement: str, *_: Any) -> None:
        sent[statement] += statement.lower().startswith("update mandates")

    event.listen(engine, "before_cursor_execute", counted)
    try:
        yield sent
    finally:
        event.remove(engine, "before_cursor_execute", counted)


async def represented(room: Room, registry: Running) -> tuple[Any, list[Any]]:
    """A member with many representatives, from tomorrow until the day after it."""
    member = await room.organisation()
    tomorrow = day(registry, 1)
    rows = [f"Nome{n};Cognome{n};n{n}@example.org;;Lombardia;{tomorrow};{tomorrow}" for n in range(MANY)]
    answer = await send(room, await promise(room, member), content([HEADER, *rows]))
    assert answer.json()["created"] == MANY, answer.text
    return member, answer.json()["mandates"]


async def last_facts(registry: Running, mandates: list[Any]) -> set[tuple[str, str, int]]:
    """(fact, state, version) of the last that was told about each."""
    facts = [(await registry.published(f"registry.mandate.{mandate['id']}.*"))[-1] for mandate in mandates]
    return {(type_.split(".")[3], body["state"], body["version"]) for type_, body in facts}


async def test_a_clock_that_jumps_turns_many_in_one_statement(registry: Running, room: Room) -> None:
    _, mandates = await represented(room, registry)
    with updates(registry) as sent:
        await let_pass(registry, 1)
    assert await last_facts(registry, mandates) == {("started", "in_office", 2)}
    assert sent.total() <= 2, "one for each batch of turns"
    await let_pass(registry, 1)
    assert await last_facts(registry, mandates) == {("ended", "ended", 3)}
    shown = await room.found(f"/mandates/{mandates[0]['id']}")
    assert (shown["state"], shown["version"]) == ("ended", 3)


@pytest.mark.parametrize(("days", "fact"), [(0, ("ended", "ended", 2)), (1, ("ended", "ended", 3))])
async def test_a_member_that_leaves_ends_many_in_one_statement(
    registry: Running, room: Room, days: int, fact: tuple[str, str, int]
) -> None:
    member, mandates = await represented(room, registry)
    if days:
        await let_pass(registry, days)
    (membership,) = (await room.found(f"/networks/{room.slug}/memberships"))["items"]
    path = f"/memberships/{membership['id']}"
    with updates(registry) as sent:
        gone = await room.post(f"{path}/withdraw", {}, (await room.get(path)).headers["etag"])
    assert gone.status_code == 200, gone.text
    assert sent.total() == 1
    assert await last_facts(registry, mandates) == {fact}
    ended = await room.found(f"/mandates/{mandates[0]['id']}")
    assert (ended["end_reason"], ended["ended_on"], ended["version"]) == ("organisation_left", day(registry), fact[2])
    assert member["id"] == ended["organisation"]["id"]


async def test_designations_and_registrations_of_one_member_at_once_do_not_wait_in_a_circle(
    registry: Running, room: Room
) -> None:
    """One holds the membership and refers to the organisation, the other finds the organisation by its tax code."""
    for _ in range(5):
        entry = {"name": "Ponti", "tax_code": tax_code(), "state": "active"}
        member = await room.made(f"/networks/{room.slug}/organisations", entry)
        people = [await room.person(f"Persona {n}") for n in range(4)]
        delegate = {"role": "delegate", "since": day(registry), "organisation_id": member["id"]}
        answers = await asyncio.gather(
            *(room.post(f"/networks/{room.slug}/mandates", {**delegate, "person_id": p["id"]}) for p in people),
            *(room.post(f"/networks/{room.slug}/organisations", entry) for _ in people),
        )
        assert Counter(answer.status_code for answer in answers) == {201: 4, 409: 4}

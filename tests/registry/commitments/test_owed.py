"""What other slices ask for: many at once, each once, and how they close it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from services.registry.commitments import commands
from services.registry.commitments.commands import Owed
from services.registry.commitments.rules import DebtorMissing, EvidenceMissing, Source, UnknownDebtor
from tests.harness import Running
from tests.registry.commitments.scene import acted, commitments, let_pass, told
from tests.registry.conftest import Room


def owed(room: Room, source: Source = Source.PLAN, days: int = 5, **more: Any) -> Owed:
    clock = room.running.context.clock
    due = clock.today().fromordinal(clock.today().toordinal() + days)
    given = {"network_id": room.id, "title": "Sportello", "due": due, "source": source, "source_id": uuid7(), **more}
    return Owed(**given)


async def owe(registry: Running, *asked: Owed) -> list[UUID]:
    async with registry.context.database.sessions.begin() as session:
        return await commands.owe(session, asked, registry.context.clock.now())


async def settle(registry: Running, source: Source, ids: list[UUID], **how: str) -> list[UUID]:
    async with registry.context.database.sessions.begin() as session:
        return await commands.settle(session, source, ids, registry.context.clock.now(), **how)


async def test_what_a_source_asks_is_owed_once_by_whoever_it_asks(registry: Running, room: Room) -> None:
    member, person = await room.organisation(), await room.person()
    body = await room.made(
        f"/networks/{room.slug}/bodies", {"name": "Tavolo", "kind": "working_group", "composition": "open"}
    )
    asked = [
        owed(room, organisation_id=UUID(member["id"]), creditor_body_id=UUID(body["id"])),
        owed(room, Source.PACT, person_id=UUID(person["id"]), kind="contribution"),
        owed(room, Source.AGREEMENT, body_id=UUID(body["id"])),
    ]
    ids = await owe(registry, *asked)
    assert await owe(registry, *reversed(asked)) == ids[::-1]
    found = {UUID(one["id"]): one for one in await commitments(room, room.slug)}
    assert [(found[id_]["source"], found[id_]["debtor"]["type"], found[id_]["kind"]) for id_ in ids] == [
        ("plan", "organisation", "action"),
        ("pact", "person", "contribution"),
        ("agreement", "body", "action"),
    ]
    assert found[ids[0]]["creditor"]["name"] == "Tavolo"
    assert [UUID(found[id_]["source_id"]) for id_ in ids] == [one.source_id for one in asked]
    await let_pass(registry, 6)
    for one in found.values():
        assert await told(registry, one) == [("made", "open"), ("late", "late")]


async def test_a_source_closes_what_it_asked_for_and_nothing_else(registry: Running, room: Room) -> None:
    member = await room.organisation()
    debtor = UUID(member["id"])
    kept, dropped, mine = (
        owed(room, organisation_id=debtor, source=s) for s in (Source.PLAN, Source.PLAN, Source.PROJECT)
    )
    ids = await owe(registry, kept, dropped, mine)
    assert await settle(registry, Source.PLAN, [kept.source_id, mine.source_id], evidence="Verbale 3") == [ids[0]]
    assert await settle(registry, Source.PLAN, [dropped.source_id], waive="Piano chiuso") == [ids[1]]
    assert await settle(registry, Source.PLAN, [kept.source_id, dropped.source_id], waive="Due volte") == []
    assert await settle(registry, Source.PLAN, [], waive="Nulla") == []
    found = {UUID(one["id"]): one for one in await commitments(room, room.slug)}
    first, second, third = (found[id_] for id_ in ids)
    today = registry.context.clock.today().isoformat()
    assert (first["state"], first["evidence"], first["fulfilled_on"]) == ("fulfilled", "Verbale 3", today)
    assert (second["state"], second["waived"], second["waived_on"]) == (
        "waived",
        {"code": "decided", "reason": "Piano chiuso"},
        today,
    )
    assert third["state"] == "open"
    assert [await told(registry, one) for one in (first, second, third)] == [
        [("made", "open"), ("fulfilled", "fulfilled")],
        [("made", "open"), ("waived", "waived")],
        [("made", "open")],
    ]


async def test_nothing_is_owed_by_strangers_by_nobody_or_by_who_has_left(
    registry: Running, room: Room, other_room: Room
) -> None:
    left, stranger = await room.organisation(), await other_room.organisation()
    await acted(room, f"/memberships/{left['membership']['id']}", "withdraw", {})
    person = await other_room.person()
    for debtor, field in (
        ({"organisation_id": left["id"]}, "/organisation_id"),
        ({"organisation_id": stranger["id"]}, "/organisation_id"),
        ({"person_id": person["id"]}, "/person_id"),
        ({"body_id": str(uuid7())}, "/body_id"),
    ):
        given: dict[str, Any] = {name: UUID(id_) for name, id_ in debtor.items()}
        with pytest.raises(UnknownDebtor) as refused:
            await owe(registry, owed(room, **given))
        assert refused.value.path == field
    with pytest.raises(DebtorMissing):
        await owe(registry, owed(room))
    with pytest.raises(EvidenceMissing):
        await settle(registry, Source.PLAN, [uuid7()])
    with pytest.raises(EvidenceMissing):
        await settle(registry, Source.PLAN, [uuid7()], evidence="Fatto", waive="Non dovuto")
    assert await commitments(room, room.slug) == []

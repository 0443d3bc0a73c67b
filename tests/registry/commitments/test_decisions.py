"""Decisions that become commitments: facts of the meetings, in any order and number."""

from __future__ import annotations

import asyncio
from datetime import date
from typing import Any
from uuid import UUID

from uuid_utils.compat import uuid7

from shared.contracts.events import DecisionAdopted
from tests import harness
from tests.harness import Running
from tests.registry.commitments.scene import acted, commitments, day, told
from tests.registry.conftest import Room


def decision(room: Room, due: str | None, **more: Any) -> DecisionAdopted:
    given: dict[str, Any] = {"title": "Indirizzo di posta", "kind": "action", **more}
    return DecisionAdopted(
        id=uuid7(),
        version=1,
        network_id=room.id,
        meeting_id=uuid7(),
        minutes_id=uuid7(),
        due=date.fromisoformat(due) if due else None,
        decided_on=room.running.context.clock.today(),
        **given,
    )


async def body_of(room: Room) -> Any:
    return await room.made(
        f"/networks/{room.slug}/bodies", {"name": "Comitato", "kind": "working_group", "composition": "open"}
    )


async def test_a_decision_with_an_owner_and_a_day_is_owed_once(registry: Running, room: Room) -> None:
    member, person, body = await room.organisation(), await room.person(), await body_of(room)
    decided = [
        decision(room, day(registry, 9), owner_organisation_id=UUID(member["id"]), body_id=UUID(body["id"])),
        decision(room, day(registry, 8), owner_person_id=UUID(person["id"]), kind="document"),
        decision(room, day(registry, 7), owner_body_id=UUID(body["id"]), kind="statement"),
        decision(room, None, owner_organisation_id=UUID(member["id"])),
        decision(room, day(registry, 9)),
    ]
    fact_ids = await registry.tell(*decided, *decided)
    await registry.settled()
    owed = await commitments(room, room.slug, sort="due")
    assert [(one["debtor"]["type"], one["kind"], one["due"], one["source_id"]) for one in owed] == [
        ("body", "action", day(registry, 7), str(decided[2].id)),
        ("person", "document", day(registry, 8), str(decided[1].id)),
        ("organisation", "action", day(registry, 9), str(decided[0].id)),
    ]
    assert {one["source"] for one in owed} == {"decision"}
    assert owed[2]["creditor"]["name"] == "Comitato"
    for one in owed:
        assert await told(registry, one) == [("made", "open")]
    causes = await registry.sql(
        "select headers ->> 'causationid' as cause, headers ->> 'correlationid' as whole from log"
        " where aggregate_id = :id",
        id=UUID(owed[2]["id"]),
    )
    assert [(row.cause, row.whole) for row in causes] == [(str(fact_ids[0]), str(fact_ids[0]))]
    assert len(await commitments(room, room.slug)) == 3


async def test_a_decision_whose_day_has_passed_is_late_at_once(registry: Running, room: Room) -> None:
    member = await room.organisation()
    await registry.tell(decision(room, day(registry, -3), owner_organisation_id=UUID(member["id"])))
    await registry.settled()
    (one,) = await commitments(room, room.slug)
    assert one["state"] == "late"
    assert await told(registry, one) == [("made", "open"), ("late", "late")]


async def test_of_an_owner_who_has_left_nothing_is_owed(registry: Running, room: Room) -> None:
    member = await room.organisation()
    await acted(room, f"/memberships/{member['membership']['id']}", "withdraw", {})
    await registry.tell(decision(room, day(registry, 3), owner_organisation_id=UUID(member["id"])))
    await registry.settled()
    (one,) = await commitments(room, room.slug)
    assert (one["state"], one["waived"]["code"]) == ("waived", "organisation_left")
    assert await told(registry, one) == [("waived", "waived")]


async def test_of_an_owner_who_was_erased_nothing_is_owed_and_a_day_beyond_reason_harms_nobody(
    registry: Running, room: Room
) -> None:
    person, member = await room.person(), await room.organisation()
    assert (await room.delete(f"/people/{person['id']}", '"1"')).status_code == 200
    await registry.tell(
        decision(room, day(registry, 3), owner_person_id=UUID(person["id"])),
        decision(room, "9999-12-31", owner_organisation_id=UUID(member["id"])),
    )
    await registry.settled()
    gone, far = await commitments(room, room.slug, sort="due")
    assert (gone["state"], gone["waived"]["code"]) == ("waived", "person_erased")
    assert (far["state"], far["due"]) == ("open", "2200-12-31")


async def test_an_owner_whom_nobody_knows_stops_its_own_decision_only(
    registry: Running, room: Room, other_room: Room
) -> None:
    here, elsewhere = await room.organisation(), await other_room.organisation()
    bad = [
        decision(room, day(registry, 3), owner_organisation_id=UUID(elsewhere["id"])),
        decision(room, day(registry, 3), owner_person_id=uuid7()),
        decision(room, day(registry, 3), owner_body_id=uuid7()),
    ]
    await registry.tell(*bad, decision(room, day(registry, 3), owner_organisation_id=UUID(here["id"])))

    async def taken() -> bool:
        return len(await commitments(room, room.slug)) == 1

    await harness.until(taken)

    async def parked() -> bool:
        rows = await registry.sql("select aggregate_id, reason from parked where consumer like '%reactions%'")
        reasons = {row.aggregate_id: row.reason for row in rows}
        return all("UnknownOwner: not of this network" in reasons.get(one.id, "") for one in bad)

    await harness.until(parked)
    await registry.sql("delete from parked")


async def test_decisions_and_a_withdrawal_at_once_leave_nothing_owed(registry: Running, room: Room) -> None:
    member = await room.organisation()
    path = f"/memberships/{member['membership']['id']}"
    decided = [decision(room, day(registry, 3), owner_organisation_id=UUID(member["id"])) for _ in range(20)]
    await asyncio.gather(registry.tell(*decided), acted(room, path, "withdraw", {}))
    await registry.settled()
    found = await commitments(room, room.slug)
    assert len(found) == 20
    assert {one["state"] for one in found} == {"waived"}

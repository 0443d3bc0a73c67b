"""Facts of the map that keep a member's report of experiences: in any order and number."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

from uuid_utils.compat import uuid7

from shared.contracts.mapping import AbsenceDeclared, ExperienceValidated
from tests.harness import Running
from tests.registry.commitments.scene import commitments, day, let_pass, promise, rule, told
from tests.registry.conftest import Room


def validated(room: Room, organisation: Any, title: str = "Emporio solidale") -> ExperienceValidated:
    return ExperienceValidated(
        id=uuid7(),
        version=2,
        network_id=room.id,
        title=title,
        organisation_id=UUID(organisation["id"]),
        state="validated",
        visibility="network",
    )


def absent(room: Room, organisation: Any, on: str) -> AbsenceDeclared:
    return AbsenceDeclared(
        id=uuid7(),
        version=1,
        network_id=room.id,
        organisation_id=UUID(organisation["id"]),
        declared_on=date.fromisoformat(on),
    )


async def test_an_experience_on_the_map_keeps_the_report_once(registry: Running, room: Room, other_room: Room) -> None:
    member, other = await room.organisation("Ponti"), await room.organisation("Rive")
    await rule(room, kind="report_of_experiences", due=day(registry, 20))
    await promise(room, member, 5)  # a list of representatives: of another kind
    fact = validated(room, member)
    (fact_id,) = await registry.tell(fact)
    await registry.tell(validated(other_room, member), fact)
    await registry.settled()
    states = {
        (one["debtor"]["id"], one["kind"]): (one["state"], one["evidence"])
        for one in await commitments(room, room.slug)
    }
    assert states == {
        (member["id"], "report_of_experiences"): ("fulfilled", "Sulla mappa: Emporio solidale"),
        (member["id"], "list_of_representatives"): ("open", None),
        (other["id"], "report_of_experiences"): ("open", None),
    }
    (kept,) = await commitments(room, room.slug, state="fulfilled")
    assert kept["fulfilled_on"] == day(registry)
    assert await told(registry, kept) == [("made", "open"), ("fulfilled", "fulfilled")]
    causes = await registry.sql(
        "select headers ->> 'causationid' as cause from log where aggregate_id = :id order by seq", id=UUID(kept["id"])
    )
    assert causes[-1].cause == str(fact_id)


async def test_the_absence_of_experiences_keeps_it_too_even_late(registry: Running, room: Room) -> None:
    member = await room.organisation()
    one = await promise(room, member, 1, kind="report_of_experiences")
    await let_pass(registry, 3)
    await registry.tell(absent(room, member, day(registry, -9)))
    await registry.settled()
    kept = await room.found(f"/commitments/{one['id']}")
    assert (kept["state"], kept["evidence"]) == ("fulfilled", "Dichiarata l'assenza di esperienze")
    assert kept["fulfilled_on"] == kept["made_on"]  # no earlier than it was owed
    assert await told(registry, one) == [("made", "open"), ("late", "late"), ("fulfilled", "fulfilled")]


async def test_of_several_reports_each_fact_keeps_the_one_due_first(registry: Running, room: Room) -> None:
    member = await room.organisation()
    last, first, middle = [await promise(room, member, days, kind="report_of_experiences") for days in (90, 10, 40)]
    await registry.tell(validated(room, member, "Prima"), validated(room, member, "Seconda"))
    await registry.settled()
    found = {one["id"]: one["state"] for one in await commitments(room, room.slug)}
    assert [found[one["id"]] for one in (first, middle, last)] == ["fulfilled", "fulfilled", "open"]

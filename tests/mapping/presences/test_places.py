"""A validated place makes those present who run it; the counters follow, whoever writes at the same time."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from services.mapping.coverage.queries import recount
from services.mapping.presences import commands
from shared.contracts.registry import OrganisationMerged
from tests.harness import Running, until
from tests.mapping.alliance import Alliance
from tests.mapping.inventory import Inventory

pytestmark = pytest.mark.timeout(120)
LECCO, COMO = "E507", "C933"


@pytest.fixture
async def inventory(mapping: Running) -> Inventory:
    return await Inventory.of(await Alliance(mapping).founded())


def civic(runner: UUID | str | None, municipality: str = COMO, **more: Any) -> dict[str, Any]:
    runner = str(runner) if runner else None
    return {
        "title": "Centro",
        "kind": "civic_centre",
        "municipality": municipality,
        "organisation_id": runner,
        **more,
    }


async def where(inventory: Inventory, runner: UUID) -> dict[str, list[str]]:
    found = (await inventory.get("presences", limit=200))["items"]
    return {one["territory"]["code"]: one["sources"] for one in found if one["organisation"]["id"] == str(runner)}


async def exact(inventory: Inventory) -> bool:
    """The counters are what a count from nothing gives, and placing everybody anew changes nothing."""
    async with inventory.running.context.database.sessions.begin() as session:
        await commands.take_turn(session)
        everybody = list(await session.scalars(text("select id from organisations")))
        return await commands.place(session, everybody) == 0 and await recount(session) == []


async def test_a_validated_place_is_a_presence_of_who_runs_it_until_it_is_closed(inventory: Inventory) -> None:
    runner = await inventory.member("Città Aperta", LECCO)
    made = await inventory.post("places", civic(runner))
    assert await where(inventory, runner) == {LECCO: ["seat"]}
    made = (await inventory.step(made, "validate")).json()
    assert await where(inventory, runner) == {LECCO: ["seat"], COMO: ["place"]}
    assert await inventory.get("presences", source="place", territory="CO")
    counted = (await inventory.get("coverage", level="province", white="false"))["items"]
    assert [one["territory"]["code"] for one in counted] == ["013", "097"]
    assert [one["organised"]["count"] for one in counted] == [0, 0]
    assert await exact(inventory)
    assert (await inventory.step(made, "close")).status_code == 200
    assert await where(inventory, runner) == {LECCO: ["seat"]}
    assert await exact(inventory)


async def test_a_place_where_the_seat_is_adds_a_reason_and_no_member(inventory: Inventory) -> None:
    runner = await inventory.member("Il Girasole", LECCO)
    await inventory.validated("places", civic(runner, LECCO))
    await inventory.validated("places", civic(runner, LECCO, title="Un altro"))
    assert await where(inventory, runner) == {LECCO: ["seat", "place"]}
    (region,) = (await inventory.get("coverage", white="false"))["items"]
    assert region["organisations"]["count"] == 1


async def test_what_only_its_body_sees_or_nobody_runs_makes_nobody_present(inventory: Inventory) -> None:
    runner = await inventory.member("Riservata", LECCO)
    made = await inventory.validated("places", civic(runner, visibility="body"))
    await inventory.validated("places", civic(None))
    assert await where(inventory, runner) == {LECCO: ["seat"]}
    changed = await inventory.change(made, {"visibility": "network"})
    assert changed.status_code == 200
    assert await where(inventory, runner) == {LECCO: ["seat"], COMO: ["place"]}
    changed = await inventory.change(changed.json(), {"visibility": "body"})
    assert await where(inventory, runner) == {LECCO: ["seat"]}


async def test_a_place_that_moves_or_is_run_by_another_takes_the_presence_with_it(inventory: Inventory) -> None:
    first, second = await inventory.member("Prima", LECCO), await inventory.member("Seconda", LECCO)
    made = await inventory.validated("places", civic(first))
    made = (await inventory.change(made, {"municipality": "F205"})).json()
    assert await where(inventory, first) == {LECCO: ["seat"], "F205": ["place"]}
    made = (await inventory.change(made, {"organisation_id": str(second)})).json()
    assert await where(inventory, first) == {LECCO: ["seat"]}
    assert await where(inventory, second) == {LECCO: ["seat"], "F205": ["place"]}
    assert await exact(inventory)


async def test_a_place_that_expires_makes_nobody_present_until_it_is_confirmed(inventory: Inventory) -> None:
    runner = await inventory.member("Scaduta", LECCO)
    made = await inventory.validated("places", civic(runner))
    await inventory.pass_days(400)
    await inventory.pass_days(60)
    expired = await inventory.get(inventory.path(made))
    assert expired["state"] == "expired"
    assert await where(inventory, runner) == {LECCO: ["seat"]}
    assert (await inventory.step(expired, "confirm")).status_code == 200
    assert await where(inventory, runner) == {LECCO: ["seat"], COMO: ["place"]}
    assert await exact(inventory)


async def test_only_active_members_are_present_by_their_places(inventory: Inventory) -> None:
    alliance, mapping = inventory.alliance, inventory.running
    runner = alliance.organisation("Sospesa", None)
    membership = alliance.membership(runner.id)
    await mapping.tell(runner, membership)
    await mapping.settled()
    await inventory.validated("places", civic(runner.id))
    assert await where(inventory, runner.id) == {COMO: ["place"]}
    await mapping.tell(alliance.membership(runner.id, "suspended", membership.id))
    await mapping.settled()
    assert await where(inventory, runner.id) == {}
    await mapping.tell(alliance.membership(runner.id, "active", membership.id))
    await mapping.settled()
    assert await where(inventory, runner.id) == {COMO: ["place"]}


async def test_an_imported_place_that_is_on_the_map_at_once_makes_its_runner_present(inventory: Inventory) -> None:
    runner = await inventory.member("ASL", LECCO)
    content = "denominazione,comune,provincia\nConsultorio,Como,CO\nConsultorio,Milano,MI\n"
    form = {"commit": "true", "validated": "true", "organisation_id": str(runner)}
    sent = await inventory.ask("POST", "place-imports", files={"file": ("a.csv", content.encode())}, data=form)
    assert sent.status_code == 202
    await inventory.running.settled()
    assert await where(inventory, runner) == {LECCO: ["seat"], COMO: ["place"], "F205": ["place"]}
    assert await exact(inventory)


async def test_places_resources_and_the_registry_s_facts_at_once_wait_in_no_circle(
    inventory: Inventory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the same members at the same time: places that are validated, changed and closed, resources that are, and
    memberships and mandates that come and go. Nothing is refused by the database, and every counter is exact."""
    alliance, mapping = inventory.alliance, inventory.running
    members = [await inventory.member(f"Ente {n}", LECCO) for n in range(4)]
    made = [await inventory.post("places", civic(members[n % 4], title=f"Luogo {n}")) for n in range(8)]
    resource = {"title": "Sala", "kind": "organisational", "territories": ["03"]}
    offered = [
        await inventory.post("resources", {**resource, "title": f"Sala {n}", "organisation_id": str(members[n % 4])})
        for n in range(4)
    ]

    async def place(one: Any, municipality: str) -> list[int]:
        answers = [await inventory.step(one, "validate")]
        answers.append(await inventory.change(answers[-1].json(), {"municipality": municipality}))
        answers.append(await inventory.step(answers[-1].json(), "confirm"))
        answers.append(await inventory.step(answers[-1].json(), "close"))
        return [answer.status_code for answer in answers]

    async def offer(one: Any) -> list[int]:
        answers = [await inventory.step(one, "validate")]
        answers.append(await inventory.step(answers[-1].json(), "confirm"))
        return [answer.status_code for answer in answers]

    async def told() -> list[int]:
        for n in range(6):
            member = members[n % 4]
            await mapping.tell(
                alliance.organisation(f"Ente {n % 4}", "F205" if n % 2 else LECCO, member),
                alliance.mandate(member, "12"),
            )
        return []

    before = await deadlocks(mapping)
    work = [place(one, ("F205", LECCO, "H501")[n % 3]) for n, one in enumerate(made[:6])]
    kept = [place_only(inventory, one) for one in made[6:]]
    answers = await asyncio.gather(*work, *kept, *(offer(one) for one in offered), told())
    assert {status for found in answers for status in found} == {200}
    await mapping.settled(60)
    assert await deadlocks(mapping) == before
    assert await exact(inventory)
    assert (await where(inventory, members[2]))[COMO] == ["place"]
    assert COMO not in await where(inventory, members[0])


async def place_only(inventory: Inventory, one: Any) -> list[int]:
    return [(await inventory.step(one, "validate")).status_code]


async def deadlocks(mapping: Running) -> int:
    async with mapping.context.database.engine.connect() as connection:
        await connection.execute(text("select pg_stat_force_next_flush()"))
        query = text("select deadlocks from pg_stat_database where datname = current_database()")
        return int((await connection.execute(query)).scalar_one())


async def waits_for_the_turn(mapping: Running, work: asyncio.Task[Any]) -> None:
    """Until somebody waits for an advisory lock, or the work is over, which it must not be."""

    async def waiting() -> bool:
        rows = await mapping.sql("select count(*) as n from pg_locks where locktype = 'advisory' and not granted")
        return work.done() or bool(rows[0].n)

    await until(waiting, what="the turn is waited for")
    assert not work.done()


STEPS = ("validate", "return", "confirm", "close", "change", "answer", "expire", "merge", "import")


@pytest.mark.parametrize("step", STEPS)
async def test_the_turn_is_taken_before_the_place_is_locked(inventory: Inventory, step: str) -> None:
    """Whoever places municipalities anew holds the turn and then locks places. Had any of these locked the place
    before it waits for the turn, both would wait for ever."""
    mapping = inventory.running
    runner, other = await inventory.member("Ente", LECCO), await inventory.member("Altro", LECCO)
    made = await inventory.post("places", civic(runner))
    if step != "validate":
        made = (await inventory.step(made, "validate")).json()
    question = None
    if step in ("answer", "expire"):
        await inventory.pass_days(200)
        question = (await inventory.get("freshness", open="true"))["items"][0]
    async with mapping.context.database.sessions.begin() as session:
        await commands.take_turn(session)
        work = asyncio.create_task(done(inventory, made, step, question, (runner, other)))
        await waits_for_the_turn(mapping, work)
        lock = text("select id from places where id = :id for update nowait")
        assert await session.scalar(lock, {"id": UUID(made["id"])})
    assert await work
    await mapping.settled(60)
    assert await exact(inventory)


async def done(inventory: Inventory, made: Any, step: str, question: Any, ends: tuple[UUID, UUID]) -> bool:
    mapping = inventory.running
    if step == "change":
        return bool((await inventory.change(made, {"municipality": "F205"})).status_code == 200)
    if step == "answer":
        answer = await inventory.ask("POST", f"/freshness/{question['id']}/answer", json={"answer": "confirmed"})
        return bool(answer.status_code in (200, 201))
    if step == "expire":
        await inventory.pass_days(60)
        return bool((await inventory.get(inventory.path(made)))["state"] == "expired")
    if step == "merge":
        await mapping.tell(OrganisationMerged(id=ends[0], version=9, into_id=ends[1]))
        await mapping.settled(60)
        return await where(inventory, ends[1]) == {LECCO: ["seat"], COMO: ["place"]}
    if step == "import":
        content = "denominazione,comune,tipo,telefono\nCentro,Como,civic_centre,031 222222\n"
        form = {"commit": "true", "kind": "civic_centre"}
        await inventory.ask("POST", "place-imports", files={"file": ("a.csv", content.encode())}, data=form)
        await mapping.settled(60)
        return True
    body = {"remarks": "Manca l'indirizzo"} if step == "return" else None
    return bool((await inventory.step(made, step, body=body)).status_code == 200)

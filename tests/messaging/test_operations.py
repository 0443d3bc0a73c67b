"""What is lost can be made again: a projection, a stream, a database; and what is erased stays erased."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from shared.contracts.registry import PersonChanged, PersonErased, PersonRegistered
from shared.messaging import handlers_of, operations, redact, stage, topology
from shared.messaging.relay import Relay
from shared.runtime.database import Database
from tests import harness
from tests.messaging import mini
from tests.messaging.conftest import Place, background

HANDLERS = handlers_of([sys.modules[mini.__name__]])
SEEN = "select md5(string_agg(s::text, ';' order by id)) from seen s"
WELCOMED = "select id, version from welcomed order by position"


async def some_history(place: Place) -> None:
    for _ in range(3):
        async with place.teller.sessions.begin() as session:
            for number in range(40):
                await mini.change(session, UUID(int=number), f"Circolo {number}")


async def test_a_projection_is_rebuilt_equal_and_no_reaction_runs_again(place: Place) -> None:
    await some_history(place)
    async with background(place.relay().run, place.listening().run):
        await place.settled()
        before = await place.heard(SEEN), await place.heard(WELCOMED)
        await place.heard("update seen set title = 'spoilt'")
        provisioning = await harness.connected(place.nats, topology.PROVISIONING)
        assert await operations.rebuild(place.hearer.engine, provisioning.jetstream(), "notify", HANDLERS) == ["seen"]

        async def rebuilt() -> bool:
            return await place.heard(SEEN) == before[0]

        await harness.until(rebuilt)
        await place.settled()
    assert (await place.heard(SEEN), await place.heard(WELCOMED)) == before
    await provisioning.close()


async def test_a_stream_lost_whole_is_rebuilt_from_the_log(place: Place) -> None:
    await some_history(place)
    async with background(place.relay().run, place.listening().run):
        await place.settled()
    before = await place.heard(SEEN), await place.heard(WELCOMED)
    facts = [(h["ce-id"], body) for h, body in await place.stream()]
    await harness.clear_streams(place.nats)
    client = await harness.connected(place.nats, "registry")
    assert await operations.republish(place.teller.engine, client, "registry") == 120
    assert [(h["ce-id"], body) for h, body in await place.stream()] == facts
    with pytest.raises(operations.StreamNotEmpty):
        await operations.republish(place.teller.engine, client, "registry")
    await client.close()
    await place.heard("truncate seen")
    async with background(place.relay().run, place.listening().run):
        await place.tell(mini.organisation(UUID(int=1), 9, "Circolo 1"))
        await place.settled()
    assert len(await place.stream()) == 121
    assert (await place.heard(WELCOMED))[:-1] == before[1]
    assert len(await place.heard("select 1 from seen")) == 40


async def test_a_restored_database_says_so_goes_on_and_its_peers_accept_the_new_facts(
    place: Place, tmp_path: Path
) -> None:
    """Dump, lose three facts, restore elsewhere: the facts that follow win over the versions that were lost."""
    id_ = uuid7()
    async with background(place.relay().run, place.listening().run):
        for title in ("one", "two"):
            async with place.teller.sessions.begin() as session:
                await mini.change(session, id_, title)
        await place.settled()
    unsent = uuid7()
    async with place.teller.sessions.begin() as session:
        await mini.change(session, unsent, "in the backup, not yet sent")
    backup = await asyncio.to_thread(dump, place, tmp_path / "backup.sql")
    async with background(place.relay().run, place.listening().run):
        for title in ("lost 3", "lost 4", "lost 5"):
            async with place.teller.sessions.begin() as session:
                await mini.change(session, id_, title)
        await place.settled()
    assert [r.title for r in await place.heard("select title from seen where id = :id", id=id_)] == ["lost 5"]

    await place.teller.dispose()
    elsewhere = await harness.empty_database(place.postgres)
    await asyncio.to_thread(restore, place, backup, elsewhere)
    place.teller = Database(place.postgres.dsn(elsewhere))
    relay = place.relay()
    async with background(relay.run):

        async def says_so() -> bool:
            return "after-restore" in (relay.problem or "")

        await harness.until(says_so)
    async with place.teller.sessions.begin() as session:
        await mini.change(session, uuid7(), "written before anybody noticed")
    provisioning = await harness.connected(place.nats, topology.PROVISIONING)
    assert await operations.resume_after_restore(place.teller.engine, provisioning.jetstream(), "registry") == 2
    await provisioning.close()
    before = await place.stored()
    async with background(place.relay().run, place.listening().run):
        async with place.teller.sessions.begin() as session:
            await mini.change(session, id_, "three again")
        await place.settled()
    seen = {
        r.title: (r.generation, r.version) for r in await place.heard("select title, generation, version from seen")
    }
    assert seen == {
        "three again": (2, 3),
        "in the backup, not yet sent": (1, 1),  # it was sent after the backup was made: the stream has its id
        "written before anybody noticed": (2, 1),
    }
    assert await place.stored() - before <= 3


def dump(place: Place, to: Path) -> Path:
    assert place.teller.engine.url.database is not None
    run(place, "pg_dump", "--no-owner", "-f", str(to), place.postgres.dsn(place.teller.engine.url.database))
    return to


def restore(place: Place, backup: Path, database: str) -> None:
    run(place, "psql", "-q", "-v", "ON_ERROR_STOP=1", "-f", str(backup), place.postgres.dsn(database))


def run(place: Place, program: str, *arguments: str) -> None:
    done = subprocess.run(
        [str(place.postgres.binary(program)), *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


async def test_an_erased_person_is_in_no_log_and_no_file_of_the_stream(place: Place) -> None:
    id_, marker = uuid7(), "Zebedeo-Marcatore"
    other = PersonRegistered(id=uuid7(), version=1, given_name="Ada", family_name="Rimasta")
    relay = place.relay()
    async with background(relay.run):
        await place.tell(
            PersonRegistered(id=id_, version=1, given_name=marker, family_name="x"),
            other,
            PersonChanged(id=id_, version=2, given_name=marker, family_name="y", email=f"{marker}@example.org"),
        )
        await place.relayed(3)
        assert holds(place.nats.store, marker)
        async with place.teller.sessions.begin() as session:
            erased = PersonErased(id=id_, version=3)
            await redact(session, erased)
            await stage(session, erased)
        await place.relayed(4)
        erasure = await harness.connected(place.nats, topology.ERASURE)
        assert await operations.erase_from_stream(erasure, "registry", "person", id_) == 2
        assert await operations.erase_from_stream(erasure, "registry", "person", id_) == 0
        await erasure.close()
    assert not holds(place.nats.store, marker)
    assert holds(place.nats.store, "Rimasta")
    assert [json.loads(body)["id"] for _, body in await place.stream()] == [str(other.id), str(id_)]
    assert await place.told(f"select 1 from log where log::text like '%{marker}%'") == []
    await harness.clear_streams(place.nats)
    client = await harness.connected(place.nats, "registry")
    await operations.republish(place.teller.engine, client, "registry")
    await client.close()
    types = [h["ce-type"].split(".")[3] for h, _ in await place.stream()]
    assert types == ["erased", "registered", "erased", "erased"]
    assert not holds(place.nats.store, marker)


def holds(folder: Path, marker: str) -> bool:
    return any(marker.encode() in file.read_bytes() for file in folder.rglob("*") if file.is_file())


async def test_provisioning_again_changes_nothing_and_takes_nothing_away(place: Place) -> None:
    await place.tell(mini.organisation())
    async with background(Relay(place.teller.engine, harness.nats_url(place.nats, "registry"), "registry").run):
        await place.relayed(1)
    provisioning = await harness.connected(place.nats, topology.PROVISIONING)
    js = provisioning.jetstream()
    before = await js.consumer_info("REGISTRY", "notify-registry-projections")
    await topology.provision(js)
    after = await js.consumer_info("REGISTRY", "notify-registry-projections")
    assert (after.created, after.num_pending) == (before.created, 1)
    await place.admin.jetstream().delete_stream("LEARNING")
    await place.admin.jetstream().add_stream(name="LEARNING", subjects=["learning.>", "more.>"])
    with pytest.raises(topology.DestructiveChange, match="LEARNING"):
        await topology.provision(js)
    await place.admin.jetstream().delete_stream("LEARNING")
    await provisioning.close()

"""The stream and what was restored: erased people are deleted from the one, and erased again in the other."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from nats.aio.client import Client

from deploy.local.nats import Nats
from deploy.local.postgres import Postgres
from services.registry.erasures import commands, operate, stream
from services.registry.settings import Settings
from shared.contracts.registry import PersonErased, PersonMerged
from shared.messaging import topology
from shared.runtime.settings import SettingsError
from tests import harness
from tests.harness import Running
from tests.registry.conftest import Caller, Room, new_room, running_registry
from tests.registry.erasures.test_erasures import in_quarantine


@pytest.fixture
async def erasure(nats: Nats) -> AsyncIterator[Client]:
    client = await harness.connected(nats, topology.ERASURE)
    yield client
    await client.close()


async def test_the_stream_forgets_all_but_the_tombstone_once_it_is_there(
    registry: Running, room: Room, erasure: Client
) -> None:
    person = await room.person("Zenobia", "Marcatore", email="zenobia@example.org")
    hidden = await in_quarantine(registry, room, person)
    await registry.settled()
    before = await registry.published(f"registry.person.{person['id']}.*")
    etag = (await room.get(f"/people/{person['id']}")).headers["etag"]
    assert (await room.delete(f"/people/{person['id']}", etag)).status_code == 200
    assert await stream.due(registry.context.database.sessions)
    await registry.settled()
    assert await stream.told(erasure, UUID(person["id"]))
    assert await stream.delete_due(registry.context.database.sessions, erasure) == (1, 0)
    assert await stream.delete_due(registry.context.database.sessions, erasure) == (0, 0)
    after = await registry.published(f"registry.person.{person['id']}.*")
    assert [type_ for type_, _ in after] == ["trama.registry.person.erased.v1"]
    register = await room.found(f"/erasures/{hidden['id']}")
    assert (register["stream"]["state"], register["stream"]["messages"]) == ("done", len(before))
    assert not await stream.due(registry.context.database.sessions)


async def test_nobody_is_deleted_whose_tombstone_has_not_come(registry: Running, room: Room, erasure: Client) -> None:
    person = await room.person()
    await registry.sql("insert into stream_erasures (person_id, since) values (:id, now())", id=UUID(person["id"]))
    await registry.settled()
    assert await stream.delete_due(registry.context.database.sessions, erasure) == (0, 1)
    assert len(await registry.published(f"registry.person.{person['id']}.*")) == 1
    await registry.sql("delete from stream_erasures where person_id = :id", id=UUID(person["id"]))


async def test_a_duplicate_is_deleted_by_the_tombstone_of_its_merge(
    registry: Running, room: Room, erasure: Client
) -> None:
    person = await room.person("Zenobia", "Marcatore")
    await registry.sql("insert into stream_erasures (person_id, since) values (:id, now())", id=UUID(person["id"]))
    await registry.settled()
    await registry.tell(PersonMerged(id=person["id"], version=2, into_id=room.id))
    assert await stream.delete_due(registry.context.database.sessions, erasure) == (1, 0)
    facts = await registry.published(f"registry.person.{person['id']}.*")
    assert [type_ for type_, _ in facts] == ["trama.registry.person.merged.v1"]


async def test_whom_a_backup_brings_back_is_erased_again(registry: Running, room: Room, erasure: Client) -> None:
    """The database is one from before the erasure; the stream has its tombstone."""
    person, other = await room.person("Quirina", "Segnata"), await room.person("Ada", "Bassi")
    await room.mandate(person, "secretariat", registry.context.clock.today().isoformat())
    await registry.settled()
    await registry.tell(PersonErased(id=person["id"], version=9))
    erased = {id_ async for id_ in stream.erased(erasure)}
    assert UUID(person["id"]) in erased
    assert UUID(other["id"]) not in erased
    now = registry.context.clock.now()
    done = 0
    for id_ in sorted(erased):
        async with registry.context.database.sessions.begin() as session:
            done += await commands.erase_again(session, id_, now)
    assert done == 1
    assert (await room.found(f"/people/{person['id']}"))["name"] == ""
    assert (await room.found(f"/people/{other['id']}"))["name"] == "Ada Bassi"
    rows = await registry.sql("select body from log where aggregate_id = :id", id=UUID(person["id"]))
    assert not any("Segnata" in row.body for row in rows)
    async with registry.context.database.sessions.begin() as session:
        assert not await commands.erase_again(session, UUID(person["id"]), now)


async def test_a_process_with_the_erasure_user_deletes_by_itself(
    postgres: Postgres, nats: Nats, tmp_path: Path
) -> None:
    variables = {"erasure_nats_url": harness.nats_url(nats, topology.ERASURE)}
    async with running_registry(postgres, tmp_path, nats, **variables) as registry:
        room = await new_room(registry, Caller(registry, registry.signed_in(admin=True)))
        person = await room.person("Zenobia", "Marcatore")
        assert (await room.delete(f"/people/{person['id']}", '"1"')).status_code == 200

        async def deleted() -> bool:
            return not await stream.due(registry.context.database.sessions)

        await harness.until(deleted, what="the stream was cleaned")
        facts = await registry.published(f"registry.person.{person['id']}.*")
        assert [json.dumps(body).count("Marcatore") for _, body in facts] == [0]


async def test_an_operator_sees_who_waits_and_who_was_erased(
    postgres: Postgres, nats: Nats, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with running_registry(postgres, tmp_path, nats) as registry:
        room = await new_room(registry, Caller(registry, registry.signed_in(admin=True)))
        person = await room.person()
        assert (await room.delete(f"/people/{person['id']}", '"1"')).status_code == 200
        await registry.settled()
        settings = registry.context.settings
        assert isinstance(settings, Settings)
        with_url = settings.model_copy(update={"erasure_nats_url": harness.nats_url(nats, topology.ERASURE)})

        async def operated(*command: str) -> tuple[int, list[dict[str, Any]]]:
            """(exit code, what was said) of `python -m services.registry erasures …`."""
            capsys.readouterr()
            code = await operate.run(with_url, operate.parser().parse_args(command))
            said = [line for line in capsys.readouterr().out.splitlines() if line.startswith('{"')]
            return code, [json.loads(line) for line in said]

        code, said = await operated("waiting")
        assert (code, [line["person_id"] for line in said]) == (0, [person["id"]])
        await registry.sql("update stream_erasures set since = since - interval '25 hours'")
        assert (await operated("waiting"))[0] == 1
        code, said = await operated("list")
        assert (code, [line["person_id"] for line in said]) == (0, [person["id"]])
        (tmp_path / "erased.jsonl").write_text("".join(json.dumps(line) + "\n" for line in said))
        assert await operated("due") == (0, [{"deleted": 1, "waiting": 0}])
        assert await operated("waiting") == (0, [])
        assert await operated("again", "--from", str(tmp_path / "erased.jsonl")) == (0, [{"erased_again": 0}])
        with pytest.raises(SettingsError):
            await operate.run(settings, operate.parser().parse_args(["again"]))

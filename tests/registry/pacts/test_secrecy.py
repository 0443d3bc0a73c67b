"""Who may read what is written about a person, what is logged of it, and that it stands nowhere else."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.registry.pacts.sealing import Unreadable, Vault, vault
from tests.harness import Running
from tests.registry.conftest import Caller, Room, problem
from tests.registry.pacts.scene import CONTACT, DEED, MARKERS, NAME, NOTES, OWN, STEP, Scene, new_maker

pytestmark = pytest.mark.timeout(180)


async def everything(registry: Running) -> str:
    """Every row of every table of the registry's database, as text, bytes as they are and decoded."""
    tables = await registry.sql("select tablename as name from pg_tables where schemaname = 'public'")
    rows = [row for table in tables for row in await registry.sql(f'select * from "{table.name}"')]
    return "\n".join(" ".join(_text(value) for value in row) for row in rows)


def _text(value: Any) -> str:
    if isinstance(value, bytes | memoryview):
        return bytes(value).decode("utf-8", "replace")
    return str(value)


def marked(text: str) -> list[str]:
    return [marker for marker in MARKERS if marker in text]


async def test_the_maker_reads_what_was_written_and_the_log_says_so(scene: Scene, room: Room) -> None:
    pact = await scene.signed()
    await scene.act(pact, "steps/1/close", {"outcome": "reached", "note": "bene"})
    read = await scene.maker.post(f"/pacts/{pact['id']}/readings")
    assert read.status_code == 201, read.text
    assert read.headers["cache-control"] == "no-store"
    clear = read.json()
    assert clear["beneficiary"] == {"name": NAME, "contact": CONTACT, "notes": NOTES}
    assert [one["text"] for one in clear["obligations"]] == [DEED, DEED, DEED, OWN]
    assert clear["steps"] == [{"number": 1, "text": STEP, "note": "bene"}]
    assert (clear["capacity"], clear["reason"]) == ("maker", "follow_up")
    for who in (scene.coordinator, room):
        (line,) = (await who.found(f"/pacts/{pact['id']}/readings"))["items"]
        assert (line["person"]["id"], line["reason"], line["purpose"]) == (scene.maker_id, "follow_up", "view")
        assert line["id"] == clear["id"]
    assert problem(await scene.maker.get(f"/pacts/{pact['id']}/readings")) == (403, "forbidden")


async def test_the_coordinator_reads_with_a_reason_only(scene: Scene) -> None:
    pact = await scene.drafted()
    refused = await scene.coordinator.post(f"/pacts/{pact['id']}/readings")
    assert problem(refused) == (422, "pact-invalid")
    assert refused.json()["errors"][0]["path"] == "/reason"
    assert (await scene.coordinator.found(f"/pacts/{pact['id']}/readings"))["items"] == []
    read = await scene.coordinator.post(f"/pacts/{pact['id']}/readings", {"reason": "complaint"})
    assert read.json()["beneficiary"]["name"] == NAME
    assert [line["reason"] for line in (await scene.coordinator.found(f"/pacts/{pact['id']}/readings"))["items"]] == [
        "complaint"
    ]
    wrong = await scene.coordinator.post(f"/pacts/{pact['id']}/readings", {"reason": "curiosity"})
    assert wrong.status_code == 422


async def test_nobody_else_reads_it_whatever_they_are(scene: Scene, room: Room, registry: Running) -> None:
    pact = await scene.drafted()
    path = f"/pacts/{pact['id']}"
    group = UUID(scene.group["id"])
    others = {
        "secretariat": room,
        "admin": room.admin,
        "colleague": Caller(registry, await registry.holder("community_maker", room.id, body_id=group)),
        "member": Caller(registry, await registry.holder("member", room.id, body_id=group)),
        "elsewhere": Caller(registry, await registry.holder("coordinator", room.id, territory="01")),
        "referent": Caller(registry, await registry.holder("referent", room.id)),
    }
    for name, who in others.items():
        for answer in (
            await who.post(f"{path}/readings", {"reason": "supervision"}),
            await who.post(f"{path}/document", {"reason": "supervision"}),
        ):
            assert answer.status_code in (403, 404), name
            assert not marked(answer.text)
    key = await room.admin.made(
        f"/networks/{room.slug}/api-keys", {"title": "Partner", "scopes": ["registry:read_pacts"]}
    )
    partner = Caller(registry, {"authorization": f"Bearer {key['credential']}"})
    assert (await partner.get(path)).status_code == 200
    refused = await partner.post(f"{path}/readings", {"reason": "supervision"})
    assert problem(refused) == (403, "forbidden")
    assert await registry.sql("select 1 from pact_readings where pact_id = :id", id=UUID(pact["id"])) == []


async def test_access_ends_with_the_mandate_at_once(scene: Scene, room: Room) -> None:
    pact = await scene.drafted()
    mandate = await room.get(f"/mandates/{scene.mandate['id']}")
    ended = await room.post(
        f"/mandates/{scene.mandate['id']}/end", {"reason": "resigned"}, etag=mandate.headers["etag"].split("-")[0] + '"'
    )
    assert ended.status_code == 200, ended.text
    refused = await scene.maker.post(f"/pacts/{pact['id']}/readings")
    assert refused.status_code in (403, 404)
    assert (await scene.coordinator.post(f"/pacts/{pact['id']}/readings", {"reason": "no_maker"})).status_code == 201


async def test_what_is_written_about_the_person_stands_nowhere(
    scene: Scene, room: Room, registry: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    """Through a whole life of a pact: facts, the log, every table, problems, lists and what the process prints."""
    answers = []
    pact = await scene.signed()
    headers = {"idempotency-key": "reading"}
    await scene.maker.post(f"/pacts/{pact['id']}/readings", None, **headers)
    await scene.maker.post(f"/pacts/{pact['id']}/document", None, **headers)
    await scene.maker.post(
        f"/pacts/{pact['id']}/steps", {"text": STEP, "due": scene.days(9)}, **{"idempotency-key": "step"}
    )
    too_long = {"text": STEP * 200, "due": scene.days(3), NAME: 1}
    answers.append(await scene.maker.post(f"/pacts/{pact['id']}/steps", too_long))
    answers.append(await scene.maker.post(f"/networks/{room.slug}/pacts", {"beneficiary": {"name": NAME * 20}}))
    await scene.act(pact, "steps/1/close", {"outcome": "reached", "note": NOTES})
    await scene.act(pact, "break-off", {"reason": "not_kept", "note": NOTES})
    for who in (room, scene.coordinator, scene.maker):
        answers.append(await who.get(f"/networks/{room.slug}/pacts"))
        answers.append(await who.get(f"/networks/{room.slug}/pacts", q=NAME[:20]))
        answers.append(await who.get(f"/pacts/{pact['id']}"))
        answers.append(await who.get(f"/networks/{room.slug}/pact-statistics"))
        answers.append(await who.get(f"/networks/{room.slug}/commitments"))
        csv = {**who.headers, "accept": "text/csv"}
        answers.append(await registry.client.get(f"/registry/v1/networks/{room.slug}/pacts", headers=csv))
    await registry.settled()
    for answer in answers[2:]:
        assert not marked(answer.text), answer.request.url
    # A refusal names the field that it refuses, which the caller has just sent; nothing of what stood in it.
    assert not [marker for marker in marked(answers[0].text) if marker not in NAME]
    assert not marked(answers[1].text)
    facts = await registry.published("registry.>")
    assert not marked(str(facts))
    dump = await everything(registry)
    assert pact["code"] in str(facts)
    assert "Gruppo di Lecco" in dump
    assert not marked(dump)
    printed = capsys.readouterr()
    assert not marked(printed.out + printed.err)


async def test_an_idempotency_key_keeps_no_reading(scene: Scene, registry: Running) -> None:
    pact = await scene.drafted()
    for _ in range(2):
        read = await scene.maker.post(f"/pacts/{pact['id']}/readings", None, **{"idempotency-key": "zwei"})
        assert read.status_code == 201
    assert await registry.sql("select 1 from idempotency where key = 'zwei'") == []
    lines = await registry.sql("select 1 from pact_readings where pact_id = :id", id=UUID(pact["id"]))
    assert len(lines) == 2


async def test_the_log_of_readings_is_only_appended_to(scene: Scene, registry: Running) -> None:
    pact = await scene.drafted()
    await scene.maker.post(f"/pacts/{pact['id']}/readings")
    for statement in ("update pact_readings set reason = 'complaint'", "delete from pact_readings"):
        with pytest.raises(Exception, match="only appended to"):
            await registry.sql(statement)


async def test_who_reads_while_it_is_erased_has_read_it_or_finds_it_erased(scene: Scene) -> None:
    for _ in range(4):
        pact = await scene.signed()
        await scene.act(pact, "end", {"outcome": "autonomy"})
        path, tag = f"/pacts/{pact['id']}", f'"{await scene.version(pact)}"'
        erasing = scene.coordinator.post(f"{path}/erase", etag=tag)
        reading = [scene.maker.post(f"{path}/readings") for _ in range(10)]
        answers = await asyncio.gather(*reading[:5], erasing, *reading[5:])
        assert {answer.status_code for answer in answers} <= {200, 201, 410}
        assert [bool(answer.json()["erased_on"]) for answer in answers if answer.status_code == 200] == [True]


async def test_erasure_destroys_the_key_and_keeps_the_figures(scene: Scene, room: Room, registry: Running) -> None:
    pact = await scene.signed()
    assert problem(await scene.tried(pact, "erase", who=room)) == (409, "pact-not-now")
    await scene.act(pact, "end", {"outcome": "autonomy", "note": NOTES})
    assert problem(await scene.tried(pact, "erase")) == (403, "forbidden")
    before = (await registry.sql("select sealed from pacts where id = :id", id=UUID(pact["id"])))[0].sealed
    kept = (await registry.sql("select * from pact_keys where pact_id = :id", id=UUID(pact["id"])))[0]
    assert before
    erased = await scene.act(pact, "erase", who=room)
    assert (erased["erased_on"], erased["outcome"]) == (scene.days(0), "autonomy")
    assert [one["due"] for one in erased["obligations"]] == [scene.days(40)] * 4
    assert erased["allowed_actions"] == []
    assert await registry.sql("select * from pact_keys where pact_id = :id", id=UUID(pact["id"])) == []
    bytes_left = await registry.sql(
        "select sealed from pact_obligations where pact_id = :id union all select sealed from pact_steps"
        " where pact_id = :id union all select sealed_note from pact_steps where pact_id = :id",
        id=UUID(pact["id"]),
    )
    assert {row.sealed for row in bytes_left} == {None}
    for path in ("readings", "document"):
        refused = await scene.coordinator.post(f"/pacts/{pact['id']}/{path}", {"reason": "beneficiary_request"})
        assert problem(refused) == (410, "pact-erased")
    assert (await scene.coordinator.get(f"/pacts/{pact['id']}/document")).status_code == 200
    assert problem(await scene.tried(pact, "erase", who=room)) == (410, "pact-erased")
    assert (await scene.told(pact))[-1][0] == "changed"
    # The wrapped key of a backup opens it still, until the master key has been replaced.
    other = vault('{"keys": [{"kty": "oct", "kid": "other", "k": "b3RoZXItb3RoZXItb3RoZXItb3RoZXItb3RoZXItMTI"}]}')
    assert kept.key_id not in other.keys


async def test_a_ciphertext_put_in_anothers_place_is_not_read(scene: Scene, registry: Running) -> None:
    pact, other = await scene.drafted(), await scene.drafted()
    await registry.sql(
        "update pacts set sealed = (select sealed from pacts where id = :other) where id = :id",
        id=UUID(pact["id"]),
        other=UUID(other["id"]),
    )
    refused = await scene.maker.post(f"/pacts/{pact['id']}/readings")
    assert problem(refused) == (503, "pact-unreadable")
    assert await registry.sql("select 1 from pact_readings where pact_id = :id", id=UUID(pact["id"])) == []


async def test_texts_survive_whatever_they_are(scene: Scene) -> None:
    pact = await scene.drafted()
    texts = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=60).filter(str.strip)
    loop = asyncio.get_running_loop()

    @settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
    @given(texts)
    def check(text: str) -> None:
        asyncio.run_coroutine_threadsafe(_kept(scene, pact, text), loop).result(30)

    await asyncio.to_thread(check)


async def _kept(scene: Scene, pact: Any, text: str) -> None:
    etag = f'"{await scene.version(pact)}"'
    changed = await scene.maker.patch(f"/pacts/{pact['id']}", {"beneficiary": {"name": text}}, etag)
    assert changed.status_code == 200, changed.text
    read = (await scene.maker.post(f"/pacts/{pact['id']}/readings")).json()
    assert read["beneficiary"]["name"] == text.strip()


async def test_a_replaced_maker_reads_what_was_sealed_before(scene: Scene, room: Room, registry: Running) -> None:
    pact = await scene.drafted()
    seats = [{"title": "Altro", "role": "community_maker"}]
    added = await room.post(f"/bodies/{scene.group['id']}/seats", seats[0])
    assert added.status_code == 201
    person, _ = await new_maker(room, scene.group, 0 if added.json()["title"] < "Community" else 1, scene.days(0))
    other = Caller(registry, registry.signed_in(UUID(person["id"])))
    assert problem(await other.post(f"/pacts/{pact['id']}/readings")) == (403, "forbidden")
    handed = await scene.act(pact, "hand-over", {"maker_id": person["id"]})
    assert handed["maker"]["id"] == person["id"]
    assert (await other.post(f"/pacts/{pact['id']}/readings")).json()["beneficiary"]["name"] == NAME
    assert problem(await scene.maker.post(f"/pacts/{pact['id']}/readings")) == (403, "forbidden")
    assert (await scene.told(pact))[-1] == (
        "handed_over",
        {**(await scene.told(pact))[-1][1], "maker_id": person["id"]},
    )


def test_a_vault_opens_what_an_older_master_key_wrapped_and_nothing_of_a_strangers() -> None:
    pact_id = UUID(int=7)
    old = Vault({"old": b"o" * 32}, "old")
    key, kept = old.new_key(pact_id)
    sealed = key.seal("note", "testo")
    both = Vault({"new": b"n" * 32, "old": b"o" * 32}, "new")
    assert both.unwrap(pact_id, kept).open("note", sealed) == "testo"
    again = both.rewrap(pact_id, kept)
    assert again.key_id == "new"
    assert Vault({"new": b"n" * 32}, "new").unwrap(pact_id, again).open("note", sealed) == "testo"
    for attempt in (
        lambda: Vault({"new": b"n" * 32}, "new").unwrap(pact_id, kept),
        lambda: Vault({"old": b"x" * 32}, "old").unwrap(pact_id, kept),
        lambda: old.unwrap(UUID(int=8), kept),
        lambda: key.open("other", sealed),
        lambda: key.open("note", sealed[:-1]),
        lambda: key.open("note", b""),
    ):
        with pytest.raises(Unreadable):
            attempt()
    assert "oooo" not in repr(old) + repr(key)

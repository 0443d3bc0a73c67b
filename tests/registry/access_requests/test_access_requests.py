"""Gathering, handing over and destroying; the other services' parts come as facts."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4, uuid5

import pytest
from joserfc.errors import JoseError

from shared.access.roles import Level
from shared.contracts import events, learning, mapping, notify
from shared.contracts.registry import Grant
from shared.contracts.rights import AccessAnswerState
from shared.rights import sealing
from shared.runtime import clock
from tests.harness import Running
from tests.registry.conftest import Caller, Room, problem

OTHERS: Sequence[type[AccessAnswerState]] = (
    mapping.AccessAnswered,
    events.AccessAnswered,
    learning.AccessAnswered,
    notify.AccessAnswered,
)


async def asked(room: Caller, person: Any) -> Any:
    answer = await room.post(f"/people/{person['id']}/access-requests")
    assert answer.status_code == 202, answer.text
    return answer.json()


async def key_of(registry: Running, request: Any) -> str:
    ((_, body),) = await registry.published(f"registry.access.{request['id']}.requested")
    key: str = body["key"]
    return key


async def given(registry: Running, request: Any, items: Any, *, by: Sequence[type[AccessAnswerState]] = OTHERS) -> None:
    """The other services seal what they hold for the request's key, and send it."""
    key = await key_of(registry, request)
    for fact in by:
        service = fact.service()
        parts = list(sealing.sealed({"service": service, "made_at": "2026-03-01", "items": items}, key))
        await registry.tell(
            *(
                fact(
                    id=uuid5(UUID(request["id"]), f"{service} {number}"),
                    version=1,
                    access_id=request["id"],
                    person_id=request["person"]["id"],
                    part=number,
                    parts=len(parts),
                    sealed=part,
                )
                for number, part in enumerate(parts, 1)
            )
        )
    await registry.settled()


def opened(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


async def test_the_parts_of_all_services_become_one_archive(registry: Running, room: Room) -> None:
    person = await room.person("Zenobia", "Marcatore", email="zenobia@example.org")
    await room.mandate(person, "secretariat", "2020-01-01", until="2021-01-01")
    record = {
        "controller": "Rete di prova",
        "contact": "privacy@example.org",
        "purposes": ["coordinare la rete"],
        "basis": "legitimate_interests",
        "retention_months": 24,
        "recipients": [],
    }
    recorded = await registry.client.put(
        f"/registry/v1/networks/{room.slug}/processing", json=record, headers=room.headers
    )
    assert recorded.status_code in (200, 201), recorded.text
    request = await asked(room, person)
    assert (request["state"], request["archive"]) == ("gathering", None)
    assert request["unanswered"] == ["events", "learning", "mapping", "notify", "registry"]
    url = f"/access-requests/{request['id']}"
    secretary, room.headers = await secretariat(registry, room)
    waiting = await room.get(f"{url}/archive")
    assert problem(waiting) == (409, "archive-not-ready")
    await given(registry, request, {"invitations": [{"meeting": "Riunione <b>", "id": 1}]}, by=OTHERS[:3])
    assert (await room.found(url))["unanswered"] == ["notify", "registry"]
    await given(registry, request, {"deliveries": [{"topic": "=cmd()"}] * 501}, by=OTHERS[3:])
    ready = await room.found(url)
    assert (ready["state"], ready["unanswered"]) == ("ready", [])
    assert ready["allowed_actions"] == ["download", "close"]
    answer = await room.get(f"{url}/archive")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/zip"), answer.text
    files = opened(answer.content)
    assert sorted(files) == [
        "events.json",
        "indice.csv",
        "indice.html",
        "learning.json",
        "mapping.json",
        "notify.json",
        "registry.json",
    ]
    own = json.loads(files["registry.json"])["items"]
    assert own["person"][0]["email"] == "zenobia@example.org"
    assert (own["mandates"][0]["role"], own["mandates"][0]["network"]) == ("secretariat", room.slug.title())
    assert "private_key" not in files["registry.json"].decode()
    assert json.loads(files["events.json"])["items"]["invitations"][0]["meeting"] == "Riunione <b>"
    page = files["indice.html"].decode()
    assert '<html lang="it">' in page
    for words in ("Zenobia Marcatore", "Rete di prova", "coordinare la rete", "24 mesi", "Riunione &lt;b&gt;", "(501)"):
        assert words in page, words
    rows = list(csv.reader(io.StringIO(files["indice.csv"].decode().lstrip("\ufeff"))))
    assert ["notify", "notify.json", "messaggi inviati", "501"] in rows
    assert [(r["level"], r["read_by"]) for r in (await room.found(url))["readings"]] == [("mailbox", str(secretary))]


async def secretariat(registry: Running, room: Room) -> tuple[UUID, dict[str, str]]:
    """Somebody of the secretariat who has signed in by their mailbox."""
    id_ = uuid4()
    await registry.grant(id_, Grant(role="secretariat", network_id=room.id, since=date(2000, 1, 1)))
    return id_, registry.signed_in(id_, level=Level.MAILBOX)


async def test_a_long_document_comes_in_parts_in_any_order_and_twice(registry: Running, room: Room) -> None:
    request = await asked(room, await room.person())
    key = await key_of(registry, request)
    rows = [{"id": str(uuid4())} for _ in range(6000)]
    parts = list(sealing.sealed({"service": "mapping", "made_at": "", "items": {"places": rows}}, key))
    assert len(parts) > 2
    facts = [
        mapping.AccessAnswered(
            id=uuid5(UUID(request["id"]), f"mapping {number}"),
            version=1,
            access_id=request["id"],
            person_id=request["person"]["id"],
            part=number,
            parts=len(parts),
            sealed=part,
        )
        for number, part in enumerate(parts, 1)
    ]
    assert all(len(fact.model_dump_json()) < 64 * 1024 for fact in facts)
    await registry.tell(*facts[:0:-1])
    await registry.settled()
    assert "mapping" in (await room.found(f"/access-requests/{request['id']}"))["unanswered"]
    await registry.tell(facts[1], facts[0])
    await registry.settled()
    assert "mapping" not in (await room.found(f"/access-requests/{request['id']}"))["unanswered"]
    await given(registry, request, {}, by=OTHERS[1:])
    _, room.headers = await secretariat(registry, room)
    files = opened((await room.get(f"/access-requests/{request['id']}/archive")).content)
    assert json.loads(files["mapping.json"])["items"]["places"] == rows


async def test_after_thirty_days_archive_and_key_are_gone_for_good(registry: Running, room: Room) -> None:
    person = await room.person()
    request = await asked(room, person)
    key = await key_of(registry, request)
    await given(registry, request, {"invitations": [{"id": 1}]})
    sealed = (await registry.published(f"notify.access.{uuid5(UUID(request['id']), 'notify 1')}.answered"))[0][1]
    kept = await registry.sql("select private_key from access_requests where id = :id", id=UUID(request["id"]))
    assert sealing.opened([sealed["sealed"]], kept[0].private_key)["items"] == {"invitations": [{"id": 1}]}
    assert registry.context.clock.path is not None
    clock.set(registry.context.clock.path, registry.context.clock.now() + timedelta(days=30))
    await registry.settled()
    closed = await room.found(f"/access-requests/{request['id']}")
    assert (closed["state"], closed["archive"], closed["allowed_actions"]) == ("closed", None, [])
    _, room.headers = await secretariat(registry, room)
    assert problem(await room.get(f"/access-requests/{request['id']}/archive")) == (410, "archive-gone")
    for table, column in (("access_archives", "access_id"), ("access_parts", "access_id")):
        assert await registry.sql(f"select 1 from {table} where {column} = :id", id=UUID(request["id"])) == []
    assert (await registry.sql("select private_key from access_requests where id = :id", id=UUID(request["id"])))[
        0
    ].private_key is None
    with pytest.raises(JoseError):
        sealing.opened([sealed["sealed"]], sealing.new_key()[0])
    types = [t.split(".")[3] for t, _ in await registry.published(f"registry.access.{request['id']}.*")]
    assert types == ["requested", "closed"]
    assert key


async def test_people_ask_for_themselves_and_take_it_by_a_mailbox_or_better(registry: Running, room: Room) -> None:
    person = await room.person()
    themselves = Caller(registry, registry.signed_in(UUID(person["id"]), level=Level.MAILBOX))
    answer = await themselves.post("/me/access-requests")
    assert answer.status_code == 202, answer.text
    request = answer.json()
    assert problem(await themselves.post("/me/access-requests")) == (409, "access-request-runs")
    await given(registry, request, {})
    (listed,) = (await themselves.found("/me/access-requests"))["items"]
    assert listed["state"] == "ready"
    by_link = Caller(registry, registry.signed_in(UUID(person["id"]), level=Level.LINK))
    assert problem(await by_link.get(f"/access-requests/{request['id']}/archive")) == (
        403,
        "stronger-identity-needed",
    )
    assert (await room.found(f"/access-requests/{request['id']}"))["readings"] == []
    assert (await themselves.get(f"/access-requests/{request['id']}/archive")).status_code == 200
    assert [r["read_by"] for r in (await room.found(f"/access-requests/{request['id']}"))["readings"]] == [person["id"]]


async def test_nobody_else_asks_sees_or_takes(registry: Running, room: Room, other_room: Room) -> None:
    person = await room.person()
    request = await asked(room, person)
    url = f"/access-requests/{request['id']}"
    coordinator = Caller(registry, await registry.holder("coordinator", room.id))
    stranger = Caller(registry, registry.signed_in(uuid4()))
    for caller in (other_room, coordinator, stranger):
        for path in (url, f"{url}/archive"):
            assert problem(await caller.get(path)) == (404, "not-found")
        assert problem(await caller.post(f"{url}/close", None, '"1"')) == (404, "not-found")
        assert problem(await caller.get(f"/networks/{room.slug}/access-requests")) == (403, "forbidden")
    assert problem(await coordinator.post(f"/people/{person['id']}/access-requests")) == (403, "forbidden")
    assert problem(await stranger.post(f"/people/{person['id']}/access-requests")) == (404, "not-found")
    assert problem(await room.get(f"/access-requests/{uuid4()}")) == (404, "not-found")


async def test_it_is_closed_by_hand_and_by_an_erasure(registry: Running, room: Room) -> None:
    person = await room.person()
    first = await asked(room, person)
    assert problem(await room.post(f"/access-requests/{first['id']}/close")) == (428, "if-match-missing")
    closed = await room.post(f"/access-requests/{first['id']}/close", None, '"1"')
    assert closed.json()["state"] == "closed"
    await given(registry, first, {})  # the parts come to nothing
    assert (await room.found(f"/access-requests/{first['id']}"))["state"] == "closed"
    second = await asked(room, person)
    await given(registry, second, {})
    assert (await room.delete(f"/people/{person['id']}", '"1"')).status_code == 200
    assert (await room.found(f"/access-requests/{second['id']}"))["state"] == "closed"
    assert await registry.sql("select 1 from access_archives where access_id = :id", id=UUID(second["id"])) == []


@pytest.mark.parametrize(
    ("filters", "found"), [({}, 1), ({"state": "gathering"}, 1), ({"state": "ready"}, 0), ({"person": str(uuid4())}, 0)]
)
async def test_the_requests_of_a_network_are_filtered(room: Room, filters: Any, found: int) -> None:
    await asked(room, await room.person())
    assert len((await room.found(f"/networks/{room.slug}/access-requests", **filters))["items"]) == found

"""Webhooks as a partner and a secretariat have them: HTTP, facts, a machine of the partner's."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import insert
from standardwebhooks import Webhook
from uuid_utils.compat import uuid7

from shared.access import keys
from shared.access.tables import api_keys
from shared.contracts.registry import NetworkChanged
from tests import harness
from tests.notify.network import Network, then
from tests.notify.webhooks.partner import Heard, Partner, answer

BODY = {"title": "Sito di Aprire", "types": ["events.meeting.*"]}


@pytest.fixture
async def partner() -> AsyncIterator[Partner]:
    made = await Partner().start()
    yield made
    await made.stop()


class Caller:
    """Somebody who calls notify, with the headers that they have."""

    def __init__(self, room: Network, headers: dict[str, str]) -> None:
        self.room, self.headers = room, headers

    async def __call__(self, method: str, path: str, status: int = 200, **more: Any) -> Any:
        headers = {**self.headers, **more.pop("headers", {})}
        if "version" in more:
            headers["if-match"] = f'"{more.pop("version")}"'
        said = await self.room.running.client.request(method, f"/notify/v1{path}", headers=headers, **more)
        assert said.status_code == status, said.text
        return said.json() if said.content and "json" in said.headers["content-type"] else said.text

    async def register(self, partner: Partner, path: str = "/hook", status: int = 201, **more: Any) -> Any:
        body = {**BODY, "url": partner.url(path), **more}
        return await self("POST", f"/networks/{self.room.id}/endpoints", status, json=body)


@pytest.fixture
async def office(room: Network) -> Caller:
    return Caller(room, await room.running.holder("secretariat", room.id))


async def a_key(room: Network, *scopes: str) -> Caller:
    """A partner's key of the network."""
    id_ = uuid7()
    shown, digest = keys.issue(id_)
    row = {
        "id": id_, "network_id": room.id, "title": "Partner", "secret_sha256": digest, "scopes": list(scopes),
        "origins": [], "per_minute": 10_000, "generation": 1, "version": 1,
    }  # fmt: skip
    async with room.running.context.database.sessions.begin() as session:
        await session.execute(insert(api_keys).values({k: v for k, v in row.items() if k in api_keys.c}))
    return Caller(room, {"authorization": f"Bearer {shown}"})


async def heard(partner: Partner, count: int) -> list[Heard]:
    async def so_many() -> bool:
        return len(partner.heard) >= count

    await harness.until(so_many, 20, f"{count} messages; there are {len(partner.heard)}")
    return partner.heard


async def test_a_partner_is_told_what_it_asked_for_signed_and_nothing_of_people(
    room: Network, office: Caller, partner: Partner
) -> None:
    made = await office.register(partner, types=["events.meeting.*", "registry.network.changed"])
    assert made["secret"].startswith("whsec_")
    assert made["state"] == "active"
    other = Network(room.running, room.relay, room.link_key)
    meeting, person = room.meeting(), room.person()
    [fact_id, *_] = await room.running.tell(meeting, person, other.meeting())
    renamed = then(room.founded(), NetworkChanged, title="Rete nuova")
    await room.running.tell(renamed)
    [first, second] = await heard(partner, 2)
    await room.running.settled()
    assert len(partner.heard) == 2
    by_type = {}
    for one in (first, second):
        said = Webhook(made["secret"]).verify(one.body, one.headers)
        by_type[said["type"]] = said
        assert str(person.email) not in one.body.decode()
    told = by_type["events.meeting.convened"]
    assert set(by_type) == {"events.meeting.convened", "registry.network.changed"}
    assert (told["data"]["title"], told["network"]) == (meeting.title, str(room.id))
    assert (told["subject"], told["version"]) == (meeting.subject, 1)
    assert f"msg_{fact_id.hex}" in {first.id, second.id}
    again = await office("GET", f"/endpoints/{made['id']}")
    assert "secret" not in again
    [message] = (await office("GET", f"/endpoints/{made['id']}/messages?type=events.meeting.convened"))["items"]
    assert (message["state"], message["subject_id"], message["status"]) == ("delivered", str(meeting.id), 200)
    [attempt] = (await office("GET", f"/endpoints/{made['id']}/attempts?fact={fact_id}"))["items"]
    assert (attempt["number"], attempt["outcome"], attempt["answer"]) == (1, "delivered", "ok")
    summary = await office("GET", f"/networks/{room.id}/endpoints/summary")
    assert (summary["active"], summary["queued"], summary["failures"]) == (1, 0, {"count": 0, "of": 2, "share": 0.0})
    facts = await room.running.published(f"notify.endpoint.{made['id']}.>")
    assert [type_ for type_, _ in facts] == ["trama.notify.endpoint.registered.v1"]
    assert partner.url() not in str(facts)
    assert "whsec_" not in str(facts)
    [kept] = await room.running.sql("select secret from endpoints where id = :id", id=UUID(made["id"]))
    assert made["secret"].encode() not in kept.secret


async def test_one_fact_and_a_period_are_told_again_with_the_same_id(
    room: Network, office: Caller, partner: Partner
) -> None:
    meetings = [room.meeting() for _ in range(3)]
    ids = await room.running.tell(*meetings, room.person())
    await room.running.settled()
    made = await office.register(partner)
    href = f"/endpoints/{made['id']}/replay"
    assert await office("POST", href, 202, json={"fact_id": str(ids[0])}) == {"queued": 1}
    await heard(partner, 1)
    since = "2020-01-01T00:00:00Z"
    assert await office("POST", href, 202, json={"since": since}) == {"queued": 3}
    assert [one.id for one in await heard(partner, 4)] == [f"msg_{ids[n].hex}" for n in (0, 0, 1, 2)]
    assert await office("POST", href, 202, json={"since": since, "until": "2020-01-02T00:00:00Z"}) == {"queued": 0}
    assert (await office("POST", href, 409, json={"fact_id": str(ids[3])}))["type"].endswith("nothing-to-replay")
    for unfit in ({}, {"fact_id": str(ids[0]), "since": since}, {"since": since, "until": since}):
        assert (await office("POST", href, 422, json=unfit))["errors"][0]["path"] == "/since"


async def test_the_test_button_says_what_the_endpoint_said(room: Network, office: Caller, partner: Partner) -> None:
    made = await office.register(partner)
    partner.behave = lambda _: answer(403, b"who are you?")
    said = await office("POST", f"/endpoints/{made['id']}/test")
    assert (said["outcome"], said["status"], said["answer"]) == ("refused", 403, "who are you?")
    [one] = partner.heard
    assert Webhook(made["secret"]).verify(one.body, one.headers)["type"] == "notify.endpoint.tested"
    [attempt] = (await office("GET", f"/endpoints/{made['id']}/attempts"))["items"]
    assert (attempt["fact_id"], attempt["status"]) == (None, 403)
    assert (await office("GET", f"/endpoints/{made['id']}"))["failures_in_a_row"] == 0


async def test_during_a_rotation_both_secrets_verify_and_without_overlap_only_the_new_one(
    room: Network, office: Caller, partner: Partner
) -> None:
    made = await office.register(partner)
    href = f"/endpoints/{made['id']}"
    second = await office("POST", f"{href}/rotate", json={"overlap_hours": 1}, version=1)
    assert second["secret"] != made["secret"]
    assert second["previous_secret_until"] is not None
    await office("POST", f"{href}/test")
    for secret in (made["secret"], second["secret"]):
        assert Webhook(secret).verify(partner.heard[-1].body, partner.heard[-1].headers)
    third = await office("POST", f"{href}/rotate", json={"overlap_hours": 0}, version=2)
    await office("POST", f"{href}/test")
    assert len(partner.heard[-1].headers["webhook-signature"].split()) == 1
    assert Webhook(third["secret"]).verify(partner.heard[-1].body, partner.heard[-1].headers)
    await office("POST", f"{href}/rotate", 412, json={}, version=1)
    await office("POST", f"{href}/rotate", 428, json={})


async def test_what_happens_during_a_pause_waits_and_a_removed_endpoint_is_told_nothing(
    room: Network, office: Caller, partner: Partner
) -> None:
    made = await office.register(partner)
    href = f"/endpoints/{made['id']}"
    paused = await office("POST", f"{href}/pause", version=1)
    assert (paused["state"], "resume" in paused["allowed_actions"]) == ("paused", True)
    await office("POST", f"{href}/pause", 409, version=2)
    await room.running.tell(room.meeting())
    await room.running.settled()
    assert partner.heard == []
    assert (await office("GET", f"{href}/summary"))["queued"] == 1
    await office("POST", f"{href}/resume", version=2)
    await heard(partner, 1)
    changed = await office("PATCH", href, json={"types": ["events.ballot.*"], "title": "Altro"}, version=3)
    assert (changed["types"], changed["title"], changed["version"]) == (["events.ballot.*"], "Altro", 4)
    await office("DELETE", href, 204, version=4)
    await office("GET", href, 404)
    await room.running.tell(room.meeting())
    await room.running.settled()
    assert len(partner.heard) == 1
    facts = await room.running.published(f"notify.endpoint.{made['id']}.>")
    assert [type_.split(".")[3] for type_, _ in facts] == ["registered", "changed", "changed", "changed", "removed"]
    assert [body["version"] for _, body in facts] == [1, 2, 3, 4, 5]


async def test_a_key_sees_its_own_endpoints_and_no_other_partners(
    room: Network, office: Caller, partner: Partner
) -> None:
    theirs = await office.register(partner)
    key = await a_key(room, "notify:manage_webhooks", "notify:read_webhooks")
    own = await key.register(partner, "/own")
    listed = await key("GET", f"/networks/{room.id}/endpoints")
    assert [one["id"] for one in listed["items"]] == [own["id"]]
    assert (await key("GET", f"/networks/{room.id}/endpoints/summary"))["active"] == 1
    for more in ("", "/attempts", "/messages", "/summary"):
        await key("GET", f"/endpoints/{theirs['id']}{more}", 404)
    await key("POST", f"/endpoints/{theirs['id']}/test", 404)
    await key("DELETE", f"/endpoints/{theirs['id']}", 404, version=1)
    assert len((await office("GET", f"/networks/{room.id}/endpoints"))["items"]) == 2
    reader = await a_key(room, "notify:read_deliveries")
    await reader("GET", f"/networks/{room.id}/endpoints", 403)
    referent = Caller(room, await room.running.holder("referent", room.id))
    await referent("GET", f"/endpoints/{theirs['id']}", 404)
    await referent.register(partner, status=403)


@pytest.mark.parametrize(
    ("wrong", "path"),
    [
        ({"url": "http://169.254.169.254/"}, "/url"),
        ({"url": "https://a:b@partner.example/"}, "/url"),
        ({"types": ["registry.person.*"]}, "/types/0"),
        ({"types": ["events.meeting.*", "nonsense"]}, "/types/1"),
        ({"types": []}, "/types"),
        ({"title": ""}, "/title"),
        ({"title": "x" * 201}, "/title"),
        ({"secret": "mine"}, "/secret"),
    ],
)
async def test_what_cannot_be_is_refused_with_its_field(
    room: Network, office: Caller, partner: Partner, wrong: dict[str, Any], path: str
) -> None:
    said = await office.register(partner, status=422, **wrong)
    assert said["errors"][0]["path"].startswith(path)


async def test_when_it_is_gone_the_secretariat_is_told(room: Network, office: Caller, partner: Partner) -> None:
    person = room.person(language="it")
    await room.running.tell(person, room.secretary(person, since=date(2000, 1, 1)))
    await room.running.settled()
    made = await office.register(partner, title="Sito <b>vecchio</b>")
    partner.behave = lambda _: answer(410)
    await room.running.tell(room.meeting())
    [mail] = await room.mails(person)
    assert "Webhook disattivato: Sito <b>vecchio</b>" in str(mail.message["subject"])
    found = await office("GET", f"/endpoints/{made['id']}")
    assert (found["state"], found["reason"]) == ("disabled", "gone")
    [_, disabled] = await room.running.published(f"notify.endpoint.{made['id']}.>")
    assert disabled[0] == "trama.notify.endpoint.disabled.v1"
    types = await office("GET", "/webhook-types")
    assert {"name": "events.meeting.convened"} in types["items"]


async def test_lists_are_pages_and_tables_and_refuse_filters_that_they_do_not_know(
    room: Network, office: Caller, partner: Partner
) -> None:
    for n in range(3):
        await office.register(partner, f"/{n}", title=f"n{n}")
    first = await office("GET", f"/networks/{room.id}/endpoints?limit=2")
    rest = await office("GET", f"/networks/{room.id}/endpoints?limit=2&after={first['next']}")
    assert [one["title"] for one in first["items"] + rest["items"]] == ["n0", "n1", "n2"]
    table = await office("GET", f"/networks/{room.id}/endpoints", headers={"accept": "text/csv"})
    assert table.count("\n") == 4
    assert await office("GET", f"/networks/{room.id}/endpoints?state=disabled") == {"items": [], "next": None}
    await office("GET", f"/networks/{room.id}/endpoints?states=active", 422)

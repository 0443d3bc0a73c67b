"""News as people write and read them: over HTTP, by the clock, and as feeds."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from xml.etree.ElementTree import fromstring

import pytest
from uuid_utils.compat import uuid7

from shared.contracts.registry import Grant
from tests.harness import Running
from tests.learning.practices.commons import Commons
from tests.learning.school import day

pytestmark = pytest.mark.timeout(120)
ATOM = "{http://www.w3.org/2005/Atom}"


class Newsroom(Commons):
    def at(self, hours: float) -> str:
        return (self.running.context.clock.now() + timedelta(hours=hours)).isoformat()

    async def wrote(self, expect: int = 201, as_: Any = None, **body: Any) -> Any:
        return await self.done(
            "POST", f"/networks/{self.slug}/news", expect, as_=as_, json={"title": "Bando", "text": "Si apre.", **body}
        )

    async def out(self, as_: Any = None, **body: Any) -> Any:
        made = await self.wrote(as_=as_, **body)
        return await self.done("POST", f"/news/{made['id']}/publish", as_=as_, version=made["version"])

    async def mine(self, as_: Any) -> list[str]:
        found = await self.done("GET", "/me/news", as_=as_, params={"network": self.slug})
        return sorted(one["title"] for one in found["items"])

    async def feed(self, **headers: str) -> Any:
        return await self.running.client.get(f"/learning/v1/networks/{self.slug}/news/feed.atom", headers=headers)


@pytest.fixture
async def room(learning: Running) -> Newsroom:
    made = Newsroom(learning)
    await made.founded()
    return made


async def test_what_is_planned_comes_out_and_goes_by_the_clock(room: Newsroom) -> None:
    reader = await room.running.holder("member", room.id)
    made = await room.out(publish_at=room.at(20), expires_at=room.at(60))
    assert (made["state"], made["allowed_actions"]) == ("scheduled", ["edit", "publish", "withdraw"])
    assert await room.mine(reader) == []
    assert await room.told(made) == []
    await room.done("GET", f"/news/{made['id']}", 404, as_=reader)
    await room.let_pass(2)
    assert await room.mine(reader) == ["Bando"]
    (_, first), *_ = await room.running.published(f"learning.news.{made['id']}.*")
    assert datetime.fromisoformat(first["published_at"]) == datetime.fromisoformat(made["publish_at"])
    assert first["summary"] == "Si apre."
    await room.let_pass(2)
    assert await room.mine(reader) == []
    assert await room.told(made) == [("published", "published"), ("expired", "expired")]
    gone = await room.done("GET", f"/news/{made['id']}")
    await room.done("PATCH", f"/news/{made['id']}", 409, version=gone["version"], json={"title": "Altro"})


async def test_a_coordinator_writes_for_their_territory_or_body_alone(room: Newsroom) -> None:
    body = await room.body(territory=None)
    lombardia = await room.running.holder("coordinator", room.id, territory="03", body_id=uuid7())
    community = await room.running.holder("coordinator", room.id, body_id=body)
    made = await room.out(as_=lombardia, territory="LC")
    await room.wrote(403, as_=lombardia, territory="01")
    await room.wrote(403, as_=lombardia)
    await room.wrote(403, as_=community, territory="03")
    await room.wrote(201, as_=community, body_id=str(body))
    await room.wrote(403, as_=await room.running.holder("representative", room.id), territory="03")
    await room.done(
        "PATCH", f"/news/{made['id']}", 403, as_=lombardia, version=made["version"], json={"territory": None}
    )
    other = await room.running.holder("coordinator", room.id, territory="01")
    await room.done("POST", f"/news/{made['id']}/withdraw", 403, as_=other, version=made["version"])
    for wrong in ({"territory": "ZZ"}, {"body_id": str(uuid7())}, {"link": "ftp://example.org"}, {"image": "x"}):
        await room.wrote(422, **wrong)


async def test_everybody_reads_what_is_for_them(room: Newsroom) -> None:
    body, organisation = await room.body(territory="03"), await room.member(municipality="E507")
    await room.out(title="A tutti")
    await room.out(title="Alle comunità", audience="communities")
    await room.out(title="Ai rappresentanti", audience="representatives")
    await room.out(title="A Lecco", territory="LC")
    await room.out(title="A Torino", territory="201")
    await room.out(title="Alla comunità 1", body_id=str(body))
    await room.wrote(title="Bozza")
    lecco = await room.running.holder("representative", room.id, organisation_id=organisation)
    assert await room.mine(lecco) == ["A Lecco", "A tutti", "Ai rappresentanti"]
    member = await room.running.holder("member", room.id, body_id=body)
    assert await room.mine(member) == ["A Lecco", "A tutti", "Alla comunità 1", "Alle comunità"]
    elsewhere = await room.running.holder("referent", room.id, territory="05")
    assert await room.mine(elsewhere) == ["A tutti", "Ai rappresentanti"]
    assert len(await room.mine(None)) == 6
    both = await room.running.grant(
        uuid7(),
        Grant(role="member", network_id=uuid7(), territory="01", since=day("2000-01-01")),
        Grant(role="member", network_id=room.id, since=day("2000-01-01")),
    )
    assert await room.mine(both) == ["A tutti", "Alle comunità"], "where one is in another network is of no account"
    listed = await room.done("GET", f"/networks/{room.slug}/news", as_=lecco)
    assert {one["title"] for one in listed["items"]} >= {"A Torino", "Alle comunità"}
    assert {"Bozza", "Alla comunità 1"}.isdisjoint(one["title"] for one in listed["items"])
    drafts = await room.done("GET", f"/networks/{room.slug}/news", params={"state": "draft"})
    assert [one["title"] for one in drafts["items"]] == ["Bozza"]
    there = await room.done("GET", f"/networks/{room.slug}/news", params={"territory": "03"})
    assert [one["title"] for one in there["items"]] == ["A Lecco"]


async def test_the_feeds_tell_what_is_public_and_are_revalidated(room: Newsroom) -> None:
    await room.out(title="Interna")
    old = await room.out(
        title="Vecchia <b>", visibility="public", text="**Ciao** <script>", link="https://example.org/a?b=1&c=2"
    )
    await room.out(title="Nuova", visibility="public", expires_at=room.at(24))
    answer = await room.feed()
    assert answer.headers["content-type"].startswith("application/atom+xml")
    feed = fromstring(answer.text)
    assert [entry.findtext(f"{ATOM}title") for entry in feed.iter(f"{ATOM}entry")] == ["Nuova", "Vecchia <b>"]
    last = list(feed.iter(f"{ATOM}entry"))[1]
    assert last.findtext(f"{ATOM}id") == f"urn:uuid:{old['id']}"
    assert last.findtext(f"{ATOM}content") == "<p><strong>Ciao</strong> &lt;script&gt;</p>\n"
    assert (await room.feed(**{"if-none-match": answer.headers["etag"]})).status_code == 304
    shown = await room.running.client.get(f"/learning/v1/networks/{room.slug}/news/feed.json")
    assert [one["title"] for one in shown.json()["items"]] == ["Nuova", "Vecchia <b>"]
    assert shown.json()["items"][1]["external_url"] == "https://example.org/a?b=1&c=2"
    page = await room.running.client.get(old["page"], headers={"accept-language": "en"})
    assert "Vecchia &lt;b&gt;" in page.text
    assert "<strong>Ciao</strong>" in page.text
    changed = await room.done("PATCH", f"/news/{old['id']}", version=old["version"], json={"title": "Cambiata"})
    after = await room.feed(**{"if-none-match": answer.headers["etag"]})
    assert after.status_code == 200
    assert f"urn:uuid:{old['id']}" in after.text
    await room.done("POST", f"/news/{old['id']}/withdraw", version=changed["version"])
    assert (await room.running.client.get(old["page"])).status_code == 404
    assert "Cambiata" not in (await room.feed()).text
    await room.let_pass(2)
    empty = await room.feed()
    assert "<entry>" not in empty.text
    assert (await room.feed(**{"if-none-match": empty.headers["etag"]})).status_code == 304
    listed = await room.running.client.get(f"/learning/news?network={room.slug}")
    assert "Per ora nessuna notizia" in listed.text
    assert [fact for fact, _ in await room.told(old)] == ["published", "changed", "withdrawn"]


async def test_what_is_a_bodys_is_nobody_elses(room: Newsroom) -> None:
    body = await room.body()
    made = await room.out(body_id=str(body))
    await room.done("GET", f"/news/{made['id']}", 404, as_=await room.running.holder("member", room.id))
    inside = await room.running.holder("member", room.id, body_id=body)
    assert (await room.done("GET", f"/news/{made['id']}", as_=inside))["allowed_actions"] == []
    await room.done("GET", f"/networks/{room.slug}/news", 403, as_=uuid7())
    assert await room.mine(uuid7()) == []

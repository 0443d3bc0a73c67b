"""Campaigns as they are made, shown and counted: over HTTP, by the clock."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import pytest

from services.learning.campaigns import reach
from shared.runtime.context import Context
from tests import harness
from tests.harness import Running
from tests.learning.school import School, day

pytestmark = pytest.mark.timeout(120)
BROWSER = {"user-agent": "Mozilla/5.0 (X11; Linux x86_64) Chrome/126.0 Safari/537.36"}
PAGES = [
    {
        "slug": "inizio",
        "title": "È anche tua",
        "text": "Entra. <script>",
        "title_en": "It is yours",
        "text_en": "Come.",
    },
    {"slug": "che-fare", "title": "Che fare", "text": "# Tre cose\n\n- chiedere"},
]


class Stage(School):
    async def drafted(self, expect: int = 201, as_: Any = None, **body: Any) -> Any:
        given = {
            "slug": "casa",
            "title": "La Casa",
            "title_en": "The House",
            "audience": "communities",
            "since": self.today(),
            "pages": PAGES,
            **body,
        }
        return await self.done("POST", f"/networks/{self.slug}/campaigns", expect, as_=as_, json=given)

    async def on(self, campaign: Any, action: str, expect: int = 200, as_: Any = None) -> Any:
        path = f"/campaigns/{campaign['id']}/{action}"
        return await self.done("POST", path, expect, as_=as_, version=campaign["version"])

    async def opened(self, **body: Any) -> Any:
        return await self.on(await self.drafted(**body), "publish")

    async def read(self, path: str = "", **headers: str) -> Any:
        where = f"/campaigns/{self.slug}/casa{path}"
        return await self.running.client.get(where, headers={**BROWSER, **headers})

    async def visits(self, campaign: Any) -> dict[tuple[str, str | None], int]:
        await reach.flush(self.running.context)
        found = await self.done("GET", f"/campaigns/{campaign['id']}/reach")
        return {(one["day"], one["slug"]): one["visitors"] for one in found["items"]}


@pytest.fixture
async def stage(learning: Running) -> Stage:
    made = Stage(learning)
    await made.founded()
    return made


async def test_a_campaign_opens_and_closes_by_the_clock(stage: Stage) -> None:
    planned = await stage.opened(since=stage.today(2), until=stage.today(4))
    assert (planned["state"], planned["allowed_actions"]) == ("planned", ["edit", "hold_back"])
    assert (await stage.read()).status_code == 404
    assert await stage.told(planned) == []
    await stage.let_pass(2)
    page = await stage.read(**{"accept-language": "en"})
    assert "It is yours" in page.text
    assert "The House" in page.text
    assert "set-cookie" not in page.headers
    await stage.let_pass(2)
    over = await stage.read()
    assert over.status_code == 410
    assert "La campagna si è conclusa" in over.text
    assert await stage.told(planned) == [("opened", "open"), ("closed", "closed")]
    shown = await stage.done("GET", f"/campaigns/{planned['id']}")
    assert (shown["state"], shown["allowed_actions"]) == ("closed", [])


async def test_the_pages_are_in_the_language_that_was_written_and_asked_for(stage: Stage) -> None:
    campaign = await stage.opened()
    italian = await stage.read()
    assert 'lang="it"' in italian.text
    assert "Entra. &lt;script&gt;" in italian.text
    assert 'hreflang="en"' in italian.text
    second = await stage.read("/che-fare", **{"accept-language": "en"})
    assert '<html lang="it">' in second.text, "it was written in Italian alone"
    assert "<h2>Tre cose</h2>" in second.text
    assert "hreflang" not in second.text
    english = await stage.read("?lang=en")
    assert '<html lang="en">' in english.text
    assert f"/campaigns/{stage.slug}/casa/che-fare?lang=en" in english.text
    for missing in ("/altro", "/inizio"):
        assert (await stage.read(missing)).status_code == 404
    assert (await stage.read("?lang=fr")).status_code == 422
    listed = await stage.running.client.get(f"/campaigns/{stage.slug}")
    assert campaign["address"] in listed.text


async def test_who_opens_a_page_is_counted_once_a_day_and_not_kept(stage: Stage) -> None:
    campaign = await stage.opened()
    today = stage.today()
    for _ in range(3):
        await stage.read()
    await stage.read("/che-fare")
    await stage.read(**{"user-agent": "Googlebot/2.1"})
    await stage.read(**{"sec-purpose": "prefetch"})
    await stage.read("/altro")
    counts = await stage.visits(campaign)
    assert counts == {(today, None): 1, (today, "inizio"): 1, (today, "che-fare"): 1}
    await stage.read()
    assert await stage.visits(campaign) == counts
    assert (await stage.done("GET", f"/campaigns/{campaign['id']}"))["reach"] == 1
    kept = await stage.running.sql(
        "select sketch is null as gone from campaign_reach where campaign_id = :id", id=UUID(campaign["id"])
    )
    assert not any(row.gone for row in kept)
    await stage.let_pass(1)
    await stage.read()
    after = await stage.visits(campaign)
    assert after == {**counts, (stage.today(), None): 1, (stage.today(), "inizio"): 1}
    await stage.let_pass(1)
    await reach.flush(stage.running.context)
    assert await stage.running.sql("select 1 from campaign_salts where day < :day", day=day(stage.today())) == []
    over = "select sketch from campaign_reach where day < :day"
    old = await stage.running.sql(over, day=day(stage.today()))
    assert old
    assert all(row.sketch is None for row in old)
    renamed = [{**PAGES[0], "title": "Nuovo"}]
    changed = await stage.done(
        "PATCH", f"/campaigns/{campaign['id']}", version=campaign["version"], json={"pages": renamed}
    )
    assert changed["pages"][0]["id"] == campaign["pages"][0]["id"], "a page that keeps its slug keeps its figures"
    csv = await stage.ask("GET", f"/campaigns/{campaign['id']}/reach", headers={"accept": "text/csv"})
    assert csv.text.splitlines()[0] == "day,page_id,slug,title,visitors"
    logged = await stage.running.sql(
        "select relpersistence from pg_class where relname = 'campaign_salts'",
    )
    assert [row.relpersistence for row in logged] == [b"u"]


async def test_two_processes_count_an_address_once(stage: Stage) -> None:
    campaign = await stage.opened()
    await stage.read()
    here = stage.running.context
    other = Context.of(here.service)
    try:
        salt = await reach._salt_of(other, reach.counted(other), here.clock.today())
        assert salt == reach.counted(here).salts[here.clock.today()]
        page = campaign["pages"][0]["id"]
        for address in ("127.0.0.1", "192.0.2.7"):
            reach.counted(other).count(salt, address, UUID(campaign["id"]), here.clock.today(), UUID(page))
        task = asyncio.create_task(reach.keep_counting(other))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)  # what is pending is written at the end
    finally:
        await other.database.engine.dispose()
    assert (await stage.visits(campaign))[stage.today(), None] == 2


async def test_a_campaign_is_made_by_whom_it_is_theirs_and_holds_together(stage: Stage) -> None:
    lombardia = await stage.running.holder("coordinator", stage.id, territory="03")
    await stage.drafted(403, as_=lombardia)
    theirs = await stage.drafted(as_=lombardia, territory="LC")
    await stage.drafted(403, as_=await stage.running.holder("member", stage.id))
    other = await stage.running.holder("coordinator", stage.id, territory="01")
    await stage.on(theirs, "publish", 404, as_=other)
    listed = await stage.done("GET", f"/networks/{stage.slug}/campaigns", as_=other)
    assert listed["items"] == []
    assert (await stage.drafted(409))["type"] == "urn:trama:problem:campaign-slug-taken"
    wrongs: dict[str, dict[str, Any]] = {
        "/until": {"until": stage.today()},
        "/pages/1/slug": {"pages": [PAGES[1], PAGES[1]]},
        "/pages/0/text_en": {"pages": [{**PAGES[1], "title_en": "What"}]},
        "/territory": {"territory": "ZZ"},
    }
    for path, wrong in wrongs.items():
        refused = await stage.drafted(422, slug="altra", **wrong)
        assert refused["errors"][0]["path"] == path
    empty = await stage.drafted(slug="vuota", pages=[])
    assert (await stage.on(empty, "publish", 422))["errors"][0]["path"] == "/pages"
    out = await stage.on(theirs, "publish", as_=lombardia)
    fixed = await stage.done(
        "PATCH", f"/campaigns/{out['id']}", 422, version=out["version"], json={"slug": "altro-nome"}
    )
    assert fixed["errors"][0]["path"] == "/slug"
    closed = await stage.on(out, "close")
    assert closed["state"] == "closed"
    await stage.on(closed, "close", 409)
    assert [fact for fact, _ in await stage.told(out)] == ["opened", "closed"]


async def test_figures_reach_the_database_by_themselves(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    campaign = await stage.opened()
    await stage.read()
    monkeypatch.setattr(reach, "EVERY", 0.05)
    task = asyncio.create_task(reach.keep_counting(stage.running.context))

    async def counted() -> bool:
        found = await stage.done("GET", f"/campaigns/{campaign['id']}/reach")
        return len(found["items"]) == 2

    await harness.until(counted, what="the figures are written")
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

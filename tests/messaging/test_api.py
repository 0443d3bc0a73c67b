"""Administrators see what could not be taken in, and have it tried again."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
from fastapi import FastAPI, Header, HTTPException
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from shared.messaging.api import facts_router
from tests import harness
from tests.messaging import mini
from tests.messaging.conftest import Place, background


def client(place: Place) -> httpx.AsyncClient:
    async def session() -> AsyncIterator[AsyncSession]:
        async with place.hearer.sessions() as opened:
            yield opened

    async def admin(who: str = Header()) -> None:
        if who != "admin":
            raise HTTPException(403)

    app = FastAPI()
    app.include_router(facts_router(session, AsyncSession.commit, admin), prefix="/notify/v1")
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://test/notify/v1/facts", headers={"who": "admin"}
    )


async def test_a_dead_fact_is_listed_inspected_and_replayed(place: Place) -> None:
    bad = mini.organisation(title="poison")
    [fact_id] = await place.tell(bad)
    async with background(place.relay().run, place.listening().run), client(place) as api:

        async def dead() -> bool:
            return len((await api.get("/dead")).json()["items"]) == 1

        await harness.until(dead)
        [item] = (await api.get("/dead")).json()["items"]
        assert (item["id"], item["attempts"], item["next_try"]) == (str(fact_id), 5, None)
        [whole] = (await api.get(f"/dead/{fact_id}")).json()
        assert type(bad).model_validate_json(whole["body"]) == bad
        await place.heard(
            "update parked set body = convert_to(replace(convert_from(body, 'utf8'), 'poison', 'cured'), 'utf8')"
        )
        assert (await api.post(f"/dead/{fact_id}/replay")).status_code == 202

        async def handled() -> bool:
            return len(await place.heard("select 1 from welcomed")) == 1

        await harness.until(handled)
        assert (await api.get("/dead")).json() == {"items": [], "next": None}
        assert (await api.get(f"/dead/{fact_id}")).status_code == 404


async def test_only_administrators_may_look(place: Place) -> None:
    async with client(place) as api:
        for answer in (
            await api.get("/parked", headers={"who": "anybody"}),
            await api.get(f"/dead/{uuid7()}", headers={"who": "anybody"}),
            await api.post(f"/dead/{uuid7()}/replay", headers={"who": "anybody"}),
        ):
            assert answer.status_code == 403


async def test_a_long_list_is_read_page_by_page(place: Place) -> None:
    await place.heard(
        "insert into parked (consumer, fact_id, type, subject, stream_seq, headers, body, reason, attempts, next_try)"
        " select c, ('00000000-0000-0000-0000-00000000000' || n)::uuid, 't', 's', n, '{}', '', 'r', 1, now() + '1 day'"
        " from generate_series(1, 3) n, unnest(array['a', 'b']) c"
    )
    async with client(place) as api:
        found: list[str] = []
        after: str | None = ""
        while after is not None:
            page = (await api.get("/parked", params={"limit": 1, **({"after": after} if after else {})})).json()
            found += [item["id"] + item["consumer"] for item in page["items"]]
            after = page["next"]
        assert len(found) == len(set(found)) == 6
        assert (await api.get("/parked", params={"after": "nonsense"})).status_code == 422

"""The news beside the map: public, unexpired, the newest three; looked at by the clock."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from services.mapping.news.listens import region_of
from shared.contracts.learning import NewsPublished, NewsWithdrawn
from shared.runtime import clock
from tests.harness import Running
from tests.mapping.alliance import Alliance
from tests.mapping.inventory import Inventory

pytestmark = pytest.mark.timeout(120)


async def showing(mapping: Running) -> Inventory:
    """A network that shows a place in Lombardia to everybody."""
    made = await Inventory.of(await Alliance(mapping).founded())
    place = {"kind": "community_laboratory", "municipality": "D150", "activities": ["housing"]}
    runner = str(await made.member("Auser Cremona", "D150"))
    await made.validated("places", {**place, "organisation_id": runner, "title": "Luogo", "visibility": "public"})
    return made


async def shown(mapping: Running, path: str, **headers: str) -> Any:
    answer = await mapping.client.get(path, headers={"accept-language": "it", **headers})
    assert answer.status_code in (200, 304), answer.text
    return answer


async def test_the_embed_shows_what_is_public_and_out_and_is_for_the_region(mapping: Running) -> None:
    inventory = await showing(mapping)
    network, other = inventory.alliance, await showing(mapping)
    now = mapping.context.clock.now()

    def item(title: str, hours: float, of: UUID = network.id, **more: Any) -> NewsPublished:
        given: dict[str, Any] = {"visibility": "public", "state": "published", "summary": f"Di {title}", **more}
        published = now - timedelta(hours=hours)
        return NewsPublished(id=uuid7(), version=1, network_id=of, title=title, published_at=published, **given)

    first = item("<b>Prima</b>", 1)
    await mapping.tell(
        first,
        item("Seconda di Lecco", 2, territory="E507"),
        item("Terza di Torino", 3, territory="201"),
        item("Quarta", 4),
        item("Interna", 0.1, visibility="network"),
        item("Scaduta", 0.2, expires_at=now - timedelta(minutes=1)),
        item("Che scade", 5, expires_at=now + timedelta(hours=1)),
        item("Di altri", 0.5, of=other.alliance.id),
    )
    await mapping.settled()

    async def titles(path: str) -> list[str]:
        text = (await shown(mapping, path)).text
        assert "Interna" not in text
        assert "Scaduta" not in text
        known = ("Prima", "Seconda", "Terza", "Quarta", "Che scade", "Di altri")
        return sorted((name for name in known if name in text), key=text.index)

    embed = f"/atlas/embed?network={network.slug}"
    assert await titles(embed) == ["Prima", "Seconda", "Terza"]
    assert await titles(f"/atlas/embed/03?network={network.slug}") == ["Prima", "Seconda", "Quarta"]
    assert await titles(f"/atlas/03?network={network.slug}") == ["Prima", "Seconda", "Quarta"]
    assert await titles("/atlas/embed") == ["Di altri", "Prima", "Seconda"]
    text = await shown(mapping, embed)
    assert "&lt;b&gt;Prima&lt;/b&gt;" in text.text
    assert f'href="/learning/news/{first.id}" target="_blank" rel="noopener"' in text.text
    tag = text.headers["etag"]
    assert (await shown(mapping, embed, **{"if-none-match": tag})).status_code == 304
    gone = NewsWithdrawn(**first.model_dump() | {"version": 2, "state": "withdrawn"})
    await mapping.tell(gone, first)
    await mapping.settled()
    assert await titles(embed) == ["Seconda", "Terza", "Quarta"]
    assert (await shown(mapping, embed, **{"if-none-match": tag})).status_code == 200
    where = f"/atlas/embed/01?network={network.slug}"
    assert await titles(where) == ["Terza", "Quarta", "Che scade"]
    assert mapping.context.settings.clock_file is not None
    clock.set(mapping.context.settings.clock_file, now + timedelta(hours=1))
    assert await titles(where) == ["Terza", "Quarta"], "by the clock: nobody has said yet that it expired"
    (kept,) = await mapping.sql("select title, summary from news where visibility = 'network'")
    assert tuple(kept) == ("", ""), "what is not public is not kept"


@pytest.mark.parametrize(
    ("territory", "region"),
    [(None, None), ("E507", "03"), ("097", "03"), ("LC", "03"), ("03", "03"), ("area:x", "area:x")],
)
def test_a_territory_is_shown_in_its_region(territory: str | None, region: str | None) -> None:
    assert region_of(territory) == region

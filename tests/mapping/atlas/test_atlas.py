"""What everybody sees of the networks' maps, over HTTP and without a token; and that nothing else is seen."""

from __future__ import annotations

import csv
import io
import re
from typing import Any

import pytest

from tests.harness import Running
from tests.mapping.alliance import Alliance
from tests.mapping.inventory import Inventory

HTML = {"accept": "text/html", "accept-language": "it"}
LABORATORY = {"kind": "community_laboratory", "municipality": "D150", "activities": ["housing"]}


@pytest.fixture(scope="module")
async def inventory(mapping: Running) -> Inventory:
    """A network with one thing public of each kind, in Lombardia, and everything that must not be seen beside it."""
    made = await Inventory.of(await Alliance(mapping).founded())
    runner = str(await made.member("Auser Cremona", "D150"))
    place = {**LABORATORY, "organisation_id": runner}
    for visibility in ("body", "network", "networks", "public"):
        await made.validated("places", {**place, "title": f"Luogo {visibility}", "visibility": visibility})
    await made.post("places", {**place, "title": "Luogo non convalidato", "visibility": "public"})
    closed = await made.validated("places", {**place, "title": "Luogo chiuso", "visibility": "public"})
    assert (await made.step(closed, "close")).status_code == 200
    resource = {"title": "Risorsa public", "kind": "relational", "organisation_id": runner, "territories": ["D142"]}
    await made.validated("resources", {**resource, "visibility": "public"})
    told = {"title": "Esperienza public", "organisation_id": runner, "territories": ["E507"], "themes": ["housing"]}
    await made.validated("experiences", {**told, "visibility": "public"})
    return made


async def page(mapping: Running, path: str, status: int = 200, **headers: str) -> str:
    answer = await mapping.client.get(path, headers={**HTML, **headers})
    assert answer.status_code == status, answer.text
    return answer.text


async def items(mapping: Running, **filters: Any) -> list[str]:
    answer = await mapping.client.get("/mapping/v1/atlas/items", params=filters)
    assert answer.status_code == 200, answer.text
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "creativecommons.org/licenses/by/4.0" in answer.headers["link"]
    return [item["title"] for item in answer.json()["items"]]


async def test_only_what_is_public_and_validated_is_ever_shown(mapping: Running, inventory: Inventory) -> None:
    assert await items(mapping) == ["Esperienza public", "Luogo public", "Risorsa public"]
    seen = [
        await page(mapping, "/atlas"),
        await page(mapping, "/atlas/03"),
        await page(mapping, "/atlas/embed"),
        await page(mapping, f"/atlas/embed/03?network={inventory.alliance.slug}"),
        (await mapping.client.get("/mapping/v1/atlas/items.geojson")).text,
        (await mapping.client.get("/mapping/v1/atlas/items", headers={"accept": "text/csv"})).text,
    ]
    for text in seen:
        for hidden in ("Luogo body", "Luogo network", "Luogo networks", "Luogo non convalidato", "Luogo chiuso"):
            assert hidden not in text
    assert "Luogo public" in seen[1]
    assert "Luogo public" in seen[3]


async def test_a_token_shows_nobody_more(mapping: Running, inventory: Inventory) -> None:
    insider = await inventory.person("secretariat")
    answer = await mapping.client.get("/mapping/v1/atlas/items", headers=insider)
    assert len(answer.json()["items"]) == 3


async def test_the_open_data_is_filtered(mapping: Running, inventory: Inventory) -> None:
    assert await items(mapping, subject="place") == ["Luogo public"]
    assert await items(mapping, territory="E507") == ["Esperienza public"]
    assert await items(mapping, territory="019") == ["Luogo public", "Risorsa public"]
    assert await items(mapping, theme="housing") == ["Esperienza public", "Luogo public"]
    assert await items(mapping, q="RISORSA") == ["Risorsa public"]
    assert await items(mapping, network=inventory.alliance.slug, limit=1) == ["Esperienza public"]
    assert await items(mapping, territory="12") == []
    unknown = await mapping.client.get("/mapping/v1/atlas/items", params={"network": "nessuna"})
    assert unknown.status_code == 404
    wrong = await mapping.client.get("/mapping/v1/atlas/items", params={"territory": "XX9"})
    assert (wrong.status_code, wrong.json()["errors"][0]["path"]) == (422, "?territory")
    strange = await mapping.client.get("/mapping/v1/atlas/items", params={"colour": "blue"})
    assert strange.status_code == 422


async def test_geojson_is_what_rfc_7946_says(mapping: Running, inventory: Inventory) -> None:
    answer = await mapping.client.get("/mapping/v1/atlas/items.geojson")
    assert answer.headers["content-type"] == "application/geo+json"
    made = answer.json()
    assert made["type"] == "FeatureCollection"
    assert len(made["features"]) == 3
    by_title = {feature["properties"]["title"]: feature for feature in made["features"]}
    place = by_title["Luogo public"]
    longitude, latitude = place["geometry"]["coordinates"]
    assert 9.5 < longitude < 10.5, "longitude first: Cremona"
    assert 45 < latitude < 45.5
    assert place["properties"]["exact"] is False, "it lies somewhere in its municipality"
    assert by_title["Risorsa public"]["geometry"] is None


async def test_csv_has_a_line_for_each_item(mapping: Running, inventory: Inventory) -> None:
    answer = await mapping.client.get("/mapping/v1/atlas/items", headers={"accept": "text/csv"})
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["title"] for row in rows] == ["Esperienza public", "Luogo public", "Risorsa public"]


async def test_map_and_table_say_the_same(mapping: Running, inventory: Inventory) -> None:
    answer = await mapping.client.get("/mapping/v1/atlas/figures")
    figures = {row["territory"]["code"]: row for row in answer.json()["items"]}
    assert len(figures) == 20, "zeroes included"
    lombardy = figures["03"]
    assert (lombardy["places"], lombardy["resources"], lombardy["experiences"]) == (1, 1, 1)
    text = await page(mapping, f"/atlas?network={inventory.alliance.slug}")
    assert 'aria-label="Lombardia: 3"' in text
    assert text.count("<path") == 20
    row = re.search(r"Lombardia</a></th>(.*?)</tr>", text)
    assert row
    assert re.findall(r">(\d+)</td>", row[1]) == ["1", "1", "1", "3"]
    only = await page(mapping, "/atlas?what=place")
    assert 'aria-label="Lombardia: 1"' in only
    provinces = await page(mapping, "/atlas/03")
    assert 'aria-label="Cremona: 2"' in provinces
    assert 'aria-label="Lecco: 1"' in provinces
    assert provinces.count("<path") == 12


async def test_a_language_that_was_asked_for_stays_when_something_else_is_chosen(
    mapping: Running, inventory: Inventory
) -> None:
    assert '<input type="hidden" name="lang" value="en">' in await page(mapping, "/atlas?lang=en")
    assert 'name="lang"' not in await page(mapping, "/atlas"), "else the browser's own goes on"


async def test_any_site_may_frame_the_frame_and_none_the_page(mapping: Running, inventory: Inventory) -> None:
    framed = await mapping.client.get(f"/atlas/embed/03?network={inventory.alliance.slug}&lang=en", headers=HTML)
    assert "frame-ancestors *" in framed.headers["content-security-policy"]
    assert "<form" not in framed.text
    assert '<html lang="en">' in framed.text
    whole = await mapping.client.get("/atlas", headers=HTML)
    assert "frame-ancestors 'none'" in whole.headers["content-security-policy"]
    pasted = re.search(r"&lt;iframe src=&#34;([^&]+(?:&amp;amp;[^&]+)*)&#34;", whole.text)
    assert pasted
    assert "/atlas/embed?lang=it" in pasted[1]
    assert "<script" not in whole.text + framed.text


async def test_a_change_shows_by_itself_and_an_unchanged_page_is_not_sent_again(
    mapping: Running, inventory: Inventory
) -> None:
    before = await mapping.client.get(f"/atlas/embed/03?network={inventory.alliance.slug}", headers=HTML)
    assert before.headers["cache-control"] == "public, max-age=60"
    again = {**HTML, "if-none-match": before.headers["etag"]}
    assert (
        await mapping.client.get(f"/atlas/embed/03?network={inventory.alliance.slug}", headers=again)
    ).status_code == 304
    body = {**LABORATORY, "title": "Laboratorio nuovo", "visibility": "public", "municipality": "D142"}
    kept = await inventory.validated("places", body)
    after = await mapping.client.get(f"/atlas/embed/03?network={inventory.alliance.slug}", headers=again)
    assert after.status_code == 200
    assert "Laboratorio nuovo" in after.text
    assert (await inventory.step(kept, "close")).status_code == 200
    gone = await page(mapping, f"/atlas/embed/03?network={inventory.alliance.slug}")
    assert "Laboratorio nuovo" not in gone


@pytest.mark.parametrize(
    "path",
    [
        "/atlas/99",
        "/atlas/E507",
        "/atlas/embed/xx",
        "/atlas?network=nessuna",
        "/atlas/03?after=x",
        "/atlas?what=no",
    ],
)
async def test_what_is_not_there_is_said_on_a_page(mapping: Running, inventory: Inventory, path: str) -> None:
    answer = await mapping.client.get(path, headers=HTML)
    assert answer.status_code in (404, 422), answer.text
    assert answer.headers["content-type"].startswith("text/html")


async def test_titles_are_text_and_addresses_of_sites_are_https(mapping: Running, inventory: Inventory) -> None:
    site = {"website": "http://example.org/", "visibility": "public"}
    await inventory.validated("places", {**LABORATORY, **site, "title": "<script>alert(1)</script>"})
    text = await page(mapping, "/atlas/03")
    assert "<script>" not in text
    assert 'href="http://example.org' not in text

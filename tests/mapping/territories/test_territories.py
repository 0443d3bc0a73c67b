"""The administrative map over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from deploy.local.postgres import Postgres
from services.mapping.app import service
from services.mapping.settings import Settings
from shared import territories
from tests import harness
from tests.harness import Running

pytestmark = pytest.mark.timeout(120)
ITALY = territories.load()


@pytest.fixture(scope="module")
async def mapping(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    """Without NATS: reference data need no facts."""
    url = await harness.service_database(postgres, "mapping")
    async with harness.running(service, Settings, url, tmp_path_factory.mktemp("mapping")) as running:
        yield running


async def ask(mapping: Running, path: str, **params: Any) -> Any:
    return await mapping.client.get(
        f"/mapping/v1/territories{path}", params=params or None, headers=mapping.signed_in()
    )


@pytest.mark.parametrize("code", ["E507", "e507", "097042"])
async def test_a_municipality_is_found_by_either_code_with_what_it_lies_in(mapping: Running, code: str) -> None:
    found = (await ask(mapping, f"/{code}")).json()
    assert (found["code"], found["istat"], found["name"], found["province"], found["region"]) == (
        *("E507", "097042", "Lecco", "LC", "03"),
    )
    assert [(parent["kind"], parent["name"]) for parent in found["lies_in"]] == [
        ("province", "Lecco"),
        ("region", "Lombardia"),
    ]
    lecco = ITALY.municipality("E507")
    assert lecco is not None
    assert found["population"] == lecco.population


@pytest.mark.parametrize(
    ("code", "name"), [("LC", "Lecco"), ("097", "Lecco"), ("258", "Roma"), ("xx", None), ("999", None)]
)
async def test_a_province_is_found_by_code_or_sigla(mapping: Running, code: str, name: str | None) -> None:
    answer = await ask(mapping, f"/{code}")
    if name is None:
        assert answer.status_code == 404
    else:
        found = answer.json()
        assert (found["kind"], found["name"]) == ("province", name)
        assert found["population"] == sum(m.population for m in ITALY.within(found["code"]))


async def test_a_region_has_the_people_of_its_municipalities(mapping: Running) -> None:
    found = (await ask(mapping, "/03")).json()
    assert (found["kind"], found["name"], found["lies_in"]) == ("region", "Lombardia", [])
    assert found["population"] == sum(m.population for m in ITALY.within("03"))


async def test_the_list_has_every_territory_once(mapping: Running) -> None:
    codes: list[str] = []
    after: dict[str, str] = {}
    while True:
        page = (await ask(mapping, "", limit=200, **after)).json()
        codes += [item["code"] for item in page["items"]]
        if page["next"] is None:
            break
        after = {"after": page["next"]}
    expected = [t.code for kind in (ITALY.regions, ITALY.provinces, ITALY.municipalities) for t in kind]
    assert sorted(codes) == sorted(expected)
    assert [len(code) for code in codes[:130]] == [2] * 20 + [3] * 110


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"q": "forli"}, ["040", "D704", "D703", "D705"]),
        ({"q": "FORLÌ", "kind": "municipality"}, ["D704", "D703", "D705"]),
        ({"q": "forli", "within": "14"}, ["D703"]),
        ({"kind": "province", "within": ["14", "20"], "q": "sass"}, ["312"]),
        ({"kind": "region", "q": "bolzano"}, []),
        ({"within": "E507"}, ["E507"]),
    ],
)
async def test_the_list_is_narrowed_by_name_kind_and_place(
    mapping: Running, asked: dict[str, Any], found: list[str]
) -> None:
    assert [item["code"] for item in (await ask(mapping, "", **asked)).json()["items"]] == found


@pytest.mark.parametrize(
    ("asked", "code", "certain"),
    [
        ({"name": "S. Angelo Lodigiano"}, "I274", True),
        ({"name": "BOLZANO"}, "A952", True),
        ({"name": "Castro", "province": "BG"}, "C337", True),
        ({"name": "Castro", "province": "Lecce"}, "M261", True),
    ],
)
async def test_a_name_as_files_write_it_is_resolved(
    mapping: Running, asked: dict[str, str], code: str, certain: bool
) -> None:
    found = (await ask(mapping, "/resolve", **asked)).json()
    assert (found["municipality"]["code"], found["certain"], found["explanation"]) == (code, certain, None)


async def test_a_name_of_two_municipalities_is_answered_with_both(mapping: Running) -> None:
    found = (await ask(mapping, "/resolve", name="Castro")).json()
    assert found["municipality"] is None
    assert found["reason"] == "ambiguous"
    assert {candidate["code"] for candidate in found["candidates"]} == {"C337", "M261"}
    assert found["explanation"].startswith("più comuni corrispondono")


@pytest.mark.parametrize(
    ("asked", "count"), [({}, 20), ({"kind": "province"}, 110), ({"kind": "province", "within": "03"}, 12)]
)
async def test_boundaries_are_geojson(mapping: Running, asked: dict[str, str], count: int) -> None:
    answer = await ask(mapping, "/boundaries", **asked)
    assert answer.headers["content-type"] == "application/geo+json"
    document = answer.json()
    assert document["type"] == "FeatureCollection"
    assert len(document["features"]) == count
    for feature in document["features"]:
        rings = [ring for polygon in feature["geometry"]["coordinates"] for ring in polygon]
        assert all(ring[0] == ring[-1] and len(ring) >= 4 for ring in rings)
        assert all(6 < longitude < 19 and 35 < latitude < 48 for ring in rings for longitude, latitude in ring)


@pytest.mark.parametrize("path", ["", "/E507", "/resolve?name=Lecco", "/boundaries"])
async def test_strangers_are_asked_who_they_are(mapping: Running, path: str) -> None:
    answer = await mapping.client.get(f"/mapping/v1/territories{path}")
    assert answer.status_code == 401


@pytest.mark.parametrize(
    ("path", "status"), [("/ZZZZZZZ", 422), ("?within=Atlantide", 422), ("?q=%25", 422), ("/%00", 404)]
)
async def test_nonsense_is_refused(mapping: Running, path: str, status: int) -> None:
    assert (await ask(mapping, path)).status_code == status

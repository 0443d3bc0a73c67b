"""What municipalities were, and who lives there, over HTTP."""

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
ITALY = territories.built()


@pytest.fixture(scope="module")
async def mapping(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    """Without NATS: reference data need no facts."""
    url = await harness.service_database(postgres, "mapping")
    async with harness.running(service, Settings, url, tmp_path_factory.mktemp("mapping")) as running:
        yield running


async def ask(mapping: Running, path: str, **params: Any) -> Any:
    answer = await mapping.client.get(
        f"/mapping/v1/territories{path}", params=params or None, headers=mapping.signed_in()
    )
    return answer.json() if answer.status_code == 200 else answer.status_code


async def test_a_municipality_that_is_gone_has_its_past_and_its_successor(mapping: Running) -> None:
    found = await ask(mapping, "/C056/history", on="2020-01-01")
    assert (found["in_force"], found["today"]) == (False, None)
    assert [(p["name"], p["province"], p["until"]) for p in found["periods"]] == [("Castegnero", "VI", "2026-02-21")]
    assert [s["code"] for s in found["successors"]] == ["M439"]
    assert found["then"]["name"] == "Castegnero"
    assert (await ask(mapping, "/C056/history", on="2026-02-21"))["then"] is None
    assert await ask(mapping, "/C056") == 404


@pytest.mark.parametrize(
    ("code", "on", "sigla"),
    [
        ("D704", "1990-01-01", "FO"),
        ("B745", "2010-01-01", "CI"),
        ("F478", "2000-01-01", "PU"),
        ("E507", "1992-04-15", "CO"),
    ],
)
async def test_a_municipality_was_in_the_province_of_its_time(mapping: Running, code: str, on: str, sigla: str) -> None:
    found = await ask(mapping, f"/{code}/history", on=on)
    assert found["then"]["province"] == sigla
    assert found["periods"][-1]["until"] is None
    assert found["today"]["code"] == code


async def test_a_fusion_names_those_of_which_it_was_made(mapping: Running) -> None:
    found = await ask(mapping, "/M439/history")
    assert {p["name"] for p in found["predecessors"]} == {"Castegnero", "Nanto"}


async def test_one_that_never_changed_has_one_period_without_a_beginning(mapping: Running) -> None:
    found = await ask(mapping, "/F205/history", on="1950-01-01")
    assert [(p["name"], p["since"], p["until"]) for p in found["periods"]] == [("Milano", None, None)]
    assert found["then"]["province"] == "MI"


@pytest.mark.parametrize(("sigla", "first"), [("PS", "PU"), ("FO", "FC"), ("CI", "SU"), ("VS", "VS")])
async def test_an_old_sigla_leads_to_the_provinces_of_today(mapping: Running, sigla: str, first: str) -> None:
    found = await ask(mapping, f"/{sigla}/history")
    shown = found["successors"] or [found["today"]]
    assert shown[0]["province"] == first


@pytest.mark.parametrize("code", ["ZZ", "Z999", "%00", "X"])
async def test_what_never_was_has_no_history(mapping: Running, code: str) -> None:
    assert await ask(mapping, f"/{code}/history") == 404


async def test_a_name_is_what_it_was_on_its_day(mapping: Running) -> None:
    found = await ask(mapping, "/resolve", name="Forlì", province="FO", on="1990-01-01")
    assert (found["municipality"]["code"], found["how"]) == ("D704", "moved")
    assert [(one["code"], one["province"]) for one in found["then"]] == [("D704", "FO")]
    gone = await ask(mapping, "/resolve", name="CASTEGNERO", on="2000-01-01")
    assert (gone["municipality"]["code"], gone["then"][0]["code"]) == ("M439", "C056")
    assert (await ask(mapping, "/resolve", name="Castegnero", on="2026-03-01"))["then"] == []
    milan = await ask(mapping, "/resolve", name="Milano", on="1950-01-01")
    assert [one["code"] for one in milan["then"]] == ["F205"]
    assert (await ask(mapping, "/resolve", name="Milano"))["then"] == []


@pytest.mark.parametrize(("code", "key"), [("E507", "E507"), ("LC", "097"), ("03", "03"), ("097042", "E507")])
async def test_residents_by_age_sum_to_those_of_the_territory(mapping: Running, code: str, key: str) -> None:
    found = await ask(mapping, f"/{code}/population")
    people = sum(m.population for m in ITALY.within(key))
    assert found["residents"] == people == sum(age["residents"]["count"] for age in found["ages"])
    groups = [found[name]["count"] for name in ("minors", "working_age", "elderly")]
    assert sum(groups) == people
    assert groups[2] == sum(m.ages[i] for m in ITALY.within(key) for i in (7, 8, 9))
    assert [(age["first"], age["last"]) for age in found["ages"]][::9] == [(0, 2), (85, None)]
    assert found["on"] == "2023-01-01"
    assert found["source"].startswith("ISTAT")

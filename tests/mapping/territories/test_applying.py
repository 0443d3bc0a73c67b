"""An operator applies ISTAT's newer list, and the map follows: without a restart, once, nothing lost."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from services.mapping.coverage.queries import recount
from shared import territories
from shared.territories import Listed, built, listed
from shared.territories.situas import COLUMNS
from tests import harness
from tests.harness import Running
from tests.mapping.alliance import Alliance
from tests.mapping.inventory import Inventory

pytestmark = pytest.mark.timeout(240)
ROOT = Path(__file__).parents[3]
BY_CODE = {one.code: one for one in listed(built().municipalities)}
LECCO, BELLANO = BY_CODE["E507"], BY_CODE["A745"]
MERGED = replace(LECCO, code="M999", istat="097999", name="Lecco Bellano", italian_name="Lecco Bellano")


@pytest.fixture
async def inventory(mapping: Running) -> Inventory:
    return await Inventory.of(await Alliance(mapping).founded())


def sheet(path: Path, rows: list[Listed]) -> Path:
    lines = [";".join(COLUMNS.values()), *(";".join(getattr(row, name) for name in COLUMNS) for row in rows)]
    path.write_text("\ufeff" + "\r\n".join(lines), encoding="utf-8")
    return path


def merger(folder: Path) -> Path:
    rows = [one for one in BY_CODE.values() if one not in (LECCO, BELLANO)]
    return sheet(folder / "comuni.csv", [*rows, MERGED])


def operate(mapping: Running, *argv: str) -> subprocess.CompletedProcess[str]:
    """As an operator: another process, which has the service's variables."""
    settings = mapping.context.settings
    env = {
        **os.environ,
        "TRAMA_DATABASE_URL": settings.database_url,
        "TRAMA_NATS_URL": settings.nats_url,
        "TRAMA_PROFILE": "local",
        "TRAMA_LOG_LEVEL": "error",
    }
    command = [sys.executable, "-m", "services.mapping", "municipalities", *argv]
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)


async def test_a_merger_moves_everything_to_the_successor_and_is_told_once(
    inventory: Inventory, tmp_path: Path
) -> None:
    mapping = inventory.running
    file = merger(tmp_path)
    member = await inventory.member("Due sedi", "E507", territories=("A745", "097"))
    await mapping.tell(inventory.alliance.mandate(member, "A745"))
    area = await inventory.post("areas", {"title": "Lario", "municipalities": ["A745", "C933"]})
    place = await inventory.validated("places", {"title": "Casa", "kind": "clinic", "municipality": "E507"})
    await mapping.sql("update places set identity = 'clinic|E507|casa|' where id = :id", id=place["id"])
    await mapping.settled()

    shown = operate(mapping, str(file), "--since", "2027-01-01", "--dry-run")
    assert shown.returncode == 0, shown.stderr
    assert "nuovo            M999 Lecco Bellano (LC)" in shown.stdout
    assert "soppresso        E507 Lecco (LC) -> M999 [name]" in shown.stdout
    assert (await mapping.sql("select count(*) as n from municipality_updates"))[0].n == 0
    refused = operate(mapping, str(file), "--since", "2027-01-01")
    assert refused.returncode == 1
    assert "A745 E507" in refused.stderr
    done = operate(mapping, str(file), "--since", "2027-01-01", "--guess")
    assert done.returncode == 0, done.stderr
    assert "Applicate 3 variazioni con decorrenza 2027-01-01." in done.stdout

    await harness.until(lambda: follows("M999"), what="the service's map follows")
    await the_map_has_moved(inventory, member, area, place)
    told = await mapping.published("mapping.municipality.>")
    assert {body["code"]: (body["until"], body["successors"]) for _, body in told} == {
        "A745": ("2027-01-01", ["M999"]),
        "E507": ("2027-01-01", ["M999"]),
        "M999": (None, []),
    }
    again = operate(mapping, str(file), "--since", "2027-02-01")
    assert again.stdout.startswith("Nessuna variazione")
    assert len(await mapping.published("mapping.municipality.>")) == 3
    await what_comes_later_is_placed_there_too(inventory)


async def the_map_has_moved(inventory: Inventory, member: Any, area: Any, place: Any) -> None:
    here = (await inventory.get("presences", territory="M999"))["items"]
    assert [(i["organisation"]["id"], i["territory"]["code"], i["sources"]) for i in here] == [
        (str(member), "M999", ["seat", "works", "mandate"])
    ]
    assert here[0]["territory"]["name"] == "Lecco Bellano"
    after = await inventory.get(f"/areas/{area['id']}")
    assert [one["code"] for one in after["municipalities"]] == ["C933", "M999"]
    assert (after["version"], after["organisations"]["count"]) == (2, 1)
    moved = await inventory.get(f"/places/{place['id']}")
    assert moved["municipality"]["code"] == "M999"
    assert moved["version"] == place["version"] + 1
    (row,) = await inventory.running.sql("select identity from places where id = :id", id=place["id"])
    assert row.identity == "clinic|M999|casa|"
    (stock,) = (await inventory.get("coverage/items", level="municipality", white="false"))["items"]
    assert (stock["territory"]["code"], stock["places"]["count"]) == ("M999", 1)
    async with inventory.running.context.database.sessions() as session:
        assert await recount(session) == []
    history = await inventory.get("/territories/E507/history", on="2026-12-31")
    assert (history["in_force"], [s["code"] for s in history["successors"]]) == (False, ["M999"])
    assert history["then"] == {
        "code": "E507",
        "name": "Lecco",
        "province": "LC",
        "since": "1992-04-16",
        "until": "2027-01-01",
    }
    found = await inventory.get("/territories/resolve", name="Lecco", province="LC")
    assert (found["municipality"]["code"], found["how"]) == ("M999", "merged")
    whole, parts = (await inventory.get("/territories/M999"))["population"], built()
    assert whole == sum(m.population for c in ("E507", "A745") if (m := parts.municipality(c)))


async def what_comes_later_is_placed_there_too(inventory: Inventory) -> None:
    """The registry still says Lecco of an organisation that nobody has touched since."""
    await inventory.member("Arrivata dopo", "E507")
    here = (await inventory.get("presences", territory="M999", q="dopo"))["items"]
    assert [i["territory"]["code"] for i in here] == ["M999"]


async def follows(code: str) -> bool:
    return territories.load().municipality(code) is not None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a;b\n1;2\n", "mancano le colonne"),
        (";".join(COLUMNS.values()) + "\n" + ";" * 8 + "\n", "riga 2"),
    ],
)
async def test_a_file_that_is_no_list_changes_nothing(mapping: Running, tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "altro.csv"
    file.write_text(text)
    done = operate(mapping, str(file), "--since", "2027-01-01")
    assert done.returncode == 1
    assert said in done.stderr

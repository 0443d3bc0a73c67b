"""The list of the 5x1000 as it really comes: 20,497 bodies, each accepted with the right municipality."""

from __future__ import annotations

import csv
import os
from collections import Counter
from pathlib import Path

import pytest

from shared import territories
from tests.registry.desk import Desk, figures

pytestmark = [pytest.mark.real_data, pytest.mark.timeout(300)]
ROOT = Path(__file__).parents[3]
NUMBER = 20_497


@pytest.fixture
def real_data() -> Path:
    folder = Path(os.environ.get("TRAMA_REAL_DATA", ROOT.parent / "shared" / "data"))
    assert folder.is_dir(), f"{folder} is missing: set TRAMA_REAL_DATA to the folder of the real files"
    return folder


@pytest.mark.long  # `make test-all` has it through the whole platform: tests/system/test_main_job.py
async def test_every_row_of_the_real_list_is_imported_with_its_municipality_and_told_once(
    desk: Desk, real_data: Path
) -> None:
    content = (real_data / "enti_5x1000_2022_parte.csv").read_bytes()
    with (real_data / "enti_5x1000_2022_parte_atteso.csv").open(encoding="utf-8") as expected_rows:
        expected = {row["codice_fiscale"]: row["codice_catastale"] for row in csv.DictReader(expected_rows)}
    given = list(csv.DictReader(content.decode("cp1252").splitlines(), delimiter=";"))
    assert len(given) == len(expected) == NUMBER

    state = await desk.upload(content, "enti.csv")
    assert state["status"] == "done"
    assert figures(state) == (NUMBER, 0, 0, 0)
    report = await desk.report(state["id"])
    assert [int(row["line"]) for row in report] == list(range(2, NUMBER + 2))
    assert {row["tax_code"]: row["municipality"] for row in report} == expected
    italy = territories.load()
    istat = {row["municipality"]: row["municipality_istat"] for row in report}
    assert all(italy.by_istat(code).code == seat for seat, code in istat.items())  # type: ignore[union-attr]

    kinds = dict(await desk.running.sql("select tax_code, kind from organisations"))
    marked = [row["Codice fiscale"].strip("'") for row in given if row["ASD"] == "X"]
    assert {kinds[code] for code in marked} == {"asd"}
    assert Counter(kinds.values())["municipality"] >= sum(row["Comuni"] == "X" for row in given) - 1

    organisations = await desk.told("organisation")
    assert len(organisations) == NUMBER
    assert {body["tax_code"]: body["municipality"] for _, body in organisations} == expected
    assert len({body["organisation_id"] for _, body in await desk.told("membership")}) == NUMBER

    again = await desk.upload(content, "enti.csv")
    assert figures(again) == (0, 0, NUMBER, 0)
    assert len(await desk.told("organisation")) == NUMBER
    assert len(await desk.told("membership")) == NUMBER
    assert [row["organisation_id"] for row in await desk.report(again["id"])] == [r["organisation_id"] for r in report]

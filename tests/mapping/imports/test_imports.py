"""Lists of places as people send them: looked at, taken, reported row by row, recognised when they come again."""

from __future__ import annotations

import csv
import io
import os
from pathlib import Path
from typing import Any

import pytest

from tests.harness import Running, until
from tests.mapping.alliance import Alliance
from tests.mapping.inventory import Inventory

HEADER = "comune,asl,denominazione,indirizzo,telefono,sito,url\n"
ROWS = (
    'ARICCIA,ROMA 6,CONSULTORIO FAMILIARE,"VIA DELLE CERQUETTE, 1 - 40 - ARICCIA - RM",693273432,-,x\n'
    "LAUREANA DI BORRELLO,A.S.P. REGGIO CALABRIA,CONSULTORIO,Via Margherita n¶ø18 - 89023 - LAUREANA DI BORRELLO - RC,"
    "966900003,http://HTTP://WWW.ASP.IT/x,x\n"
    "PAESE CHE NON ESISTE,ASL BR,CONSULTORIO,VIA ROMA 1,831536625,-,x\n"
    "LECCO,ATS,,VIA ROMA 1 - 23900 - LECCO - LC,341481111,-,x\n"
)


@pytest.fixture
async def inventory(mapping: Running) -> Inventory:
    return await Inventory.of(await Alliance(mapping).founded())


async def upload(inventory: Inventory, content: str, headers: Any = None, **form: str) -> Any:
    files = {"file": ("luoghi.csv", content.encode())}
    return await inventory.ask("POST", "place-imports", headers, files=files, data=form)


async def ended(inventory: Inventory, job: Any) -> Any:
    found: dict[str, Any] = {}

    async def over() -> bool:
        found.update(await inventory.get(inventory.path(job)))
        return found["state"] != "running"

    await until(over, 30)
    return found


async def imported(inventory: Inventory, content: str, **form: str) -> Any:
    answer = await upload(inventory, content, commit="true", **form)
    assert answer.status_code == 202, answer.text
    return await ended(inventory, answer.json())


def figures(job: Any) -> tuple[int, int, int, int]:
    return job["created"], job["updated"], job["unchanged"], job["rejected"]


async def report(inventory: Inventory, job: Any) -> list[dict[str, str]]:
    answer = await inventory.ask("GET", f"{inventory.path(job)}/rows.csv")
    assert answer.status_code == 200
    return list(csv.DictReader(io.StringIO(answer.text)))


async def test_a_list_is_looked_at_before_it_is_taken(inventory: Inventory) -> None:
    job = await ended(inventory, (await upload(inventory, HEADER + ROWS)).json())
    assert (job["state"], job["total"], figures(job)) == ("previewed", 4, (2, 0, 0, 2))
    assert await inventory.names("places") == []
    seen = await inventory.get(f"{inventory.path(job)}/preview")
    created = next(one for one in seen["outcomes"] if one["outcome"] == "created")
    assert [row["municipality"]["code"] for row in created["rows"]] == ["A401", "E479"]
    assert created["rows"][0]["phone"] == "+390693273432"
    assert created["rows"][0]["place_id"] is None
    answer = await inventory.ask("POST", f"{inventory.path(job)}/commit")
    assert answer.status_code == 202
    job = await ended(inventory, job)
    assert (job["state"], figures(job)) == ("done", (2, 0, 0, 2))
    again = await inventory.ask("POST", f"{inventory.path(job)}/commit")
    assert (again.status_code, again.json()["state"]) == (202, "done")
    places = (await inventory.get("places"))["items"]
    assert [(p["kind"], p["state"], p["postcode"], p["address"], p["website"]) for p in places] == [
        ("clinic", "proposed", "89023", "Via Margherita n°18", "http://www.asp.it/x"),
        ("clinic", "proposed", "00040", "VIA DELLE CERQUETTE, 1", None),
    ]


async def test_the_report_says_of_each_row_what_became_of_it(inventory: Inventory) -> None:
    job = await imported(inventory, HEADER + ROWS)
    rows = await report(inventory, job)
    assert [row["outcome"] for row in rows] == ["created", "created", "rejected", "rejected"]
    assert [row["line"] for row in rows] == ["2", "3", "4", "5"]
    assert "ritrovato lo zero di 693273432" in rows[0]["problem"]
    assert "ricostruiti" in rows[1]["problem"]
    assert "PAESE CHE NON ESISTE" in rows[2]["problem"]
    assert rows[3]["problem"] == "manca il nome"
    [(_, fact)] = await inventory.told("import", job["id"])
    assert [(p["line"], p["field"]) for p in fact["problems"]] == [(4, "municipality"), (5, "title")]
    assert "PAESE" not in str(fact)
    facts = await inventory.running.published("mapping.place.*.proposed")
    own = [body for _, body in facts if body["network_id"] == str(inventory.alliance.id)]
    assert sorted(body["municipality"] for body in own) == ["A401", "E479"]
    assert {body["endorsed_on"] for body in own} == {inventory.today}


async def test_the_same_list_again_changes_nothing_and_a_newer_one_only_what_differs(inventory: Inventory) -> None:
    first = await imported(inventory, HEADER + ROWS)
    again = await imported(inventory, HEADER + ROWS.replace("CONSULTORIO FAMILIARE", "Consultorio  Familiare"))
    assert (figures(first), figures(again)) == ((2, 0, 0, 2), (0, 0, 2, 2))
    newer = await imported(inventory, HEADER + ROWS.replace("693273432", "693273433"))
    assert figures(newer) == (0, 1, 1, 2)
    places = (await inventory.get("places", q="familiare"))["items"]
    assert [(p["phone"], p["version"]) for p in places] == [("+390693273433", 2)]
    assert [fact for fact, _ in await inventory.told("place", places[0]["id"])] == ["proposed", "changed"]


async def test_a_place_that_a_file_has_twice_is_taken_once(inventory: Inventory) -> None:
    line = ROWS.splitlines(keepends=True)[0]
    job = await imported(inventory, HEADER + line + line)
    assert figures(job) == (1, 0, 1, 0)
    assert "già alla riga 2" in (await report(inventory, job))[1]["problem"]


async def test_what_was_closed_by_hand_does_not_come_back_with_a_list(inventory: Inventory) -> None:
    line = ROWS.splitlines(keepends=True)[0]
    await imported(inventory, HEADER + line)
    [place] = (await inventory.get("places"))["items"]
    assert (await inventory.step(place, "close")).status_code == 200
    again = await imported(inventory, HEADER + line)
    assert figures(again) == (0, 0, 1, 0)
    assert "chiuso" in (await report(inventory, again))[0]["problem"]
    assert await inventory.names("places") == []


async def test_the_secretariat_may_put_a_list_on_the_map_at_once(inventory: Inventory) -> None:
    runner = await inventory.member("ASL Roma 6", "A132")
    form = {"validated": "true", "visibility": "public", "organisation_id": str(runner), "kind": "other"}
    await imported(inventory, HEADER + ROWS, **form)
    places = (await inventory.get("places", {}))["items"]  # as anybody
    assert [(p["state"], p["kind"], p["organisation"]["name"]) for p in places] == [
        ("validated", "other", "ASL Roma 6"),
        ("validated", "other", "ASL Roma 6"),
    ]
    assert places[0]["freshness"]["checked_on"] == inventory.today
    await inventory.pass_days(190)
    assert len((await inventory.get("freshness", open="true"))["items"]) == 2


async def test_only_the_secretariat_imports(inventory: Inventory) -> None:
    coordinator = await inventory.person("coordinator", territory="12")
    assert (await upload(inventory, HEADER + ROWS, coordinator)).status_code == 403
    job = (await upload(inventory, HEADER + ROWS)).json()
    for path in ("", "/preview", "/rows.csv"):
        assert (await inventory.ask("GET", f"{inventory.path(job)}{path}", coordinator)).status_code == 404
    assert (await inventory.ask("POST", f"{inventory.path(job)}/commit", coordinator)).status_code == 404
    assert (await inventory.ask("GET", f"{inventory.path(job)}/events", {})).status_code == 401


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "vuoto"),
        ("%PDF-1.4", "PDF"),
        ("a,b,c\n1,2,3\n", "Mancano le colonne: nome, comune"),
        (HEADER, "non ha righe"),
    ],
)
async def test_a_file_that_is_no_list_is_refused_as_a_whole(inventory: Inventory, content: str, said: str) -> None:
    job = await imported(inventory, content)
    assert job["state"] == "failed"
    assert said in job["problem"]["title"]
    assert [fact for fact, _ in await inventory.told("import", job["id"])] == ["failed"]


async def test_an_import_is_followed_as_a_stream_with_a_ticket(inventory: Inventory) -> None:
    job = await imported(inventory, HEADER + ROWS)
    ticket = (await inventory.ask("POST", f"{inventory.path(job)}/ticket")).json()
    answer = await inventory.running.client.get(ticket["href"])
    assert answer.status_code == 200
    assert "event: progress" in answer.text
    assert '"state":"done"' in answer.text
    assert answer.text.rstrip().split("\n\n")[-1].startswith("event: end")


async def test_a_job_that_a_dead_worker_left_is_gone_on_with(inventory: Inventory) -> None:
    """As after a kill: claimed by nobody who lives, its first line taken already."""
    line = ROWS.splitlines(keepends=True)
    job = (await upload(inventory, HEADER + line[0] + line[1])).json()
    job = await ended(inventory, job)
    await inventory.running.sql(
        "update place_imports set status = 'running', applying = true, line = 2, done = 1, created = 1, unchanged = 0,"
        " worker = gen_random_uuid(), lease_until = clock_timestamp() - interval '1 second' where id = :id",
        id=job["id"],
    )
    await inventory.running.sql("delete from place_import_rows where import_id = :id and line > 2", id=job["id"])
    job = await ended(inventory, job)
    assert (job["state"], job["done"]) == ("done", 2)
    assert await inventory.names("places") == ["CONSULTORIO"]  # only the line that was left


@pytest.mark.real_data
@pytest.mark.timeout(120)
async def test_the_real_list_is_taken_whole_and_recognised_the_second_time(inventory: Inventory) -> None:
    root = Path(__file__).parents[3]
    folder = Path(os.environ.get("TRAMA_REAL_DATA", root.parent / "shared" / "data"))
    content = (folder / "consultori_parte.csv").read_text()
    first = await imported(inventory, content, kind="clinic")
    assert figures(first) == (400, 0, 0, 0)
    assert figures(await imported(inventory, content, kind="clinic")) == (0, 0, 400, 0)
    rows = await report(inventory, first)
    assert sum("ritrovato lo zero" in row["problem"] for row in rows) == 395
    facts = await inventory.running.published("mapping.place.*.proposed")
    assert sum(body["network_id"] == str(inventory.alliance.id) for _, body in facts) == 400

"""Lists of places as people send them: looked at, taken, reported row by row, recognised when they come again."""

from __future__ import annotations

import csv
import io
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from services.mapping.imports import worker
from shared.access import links
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
        return found["state"] not in ("running", "undoing")

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


OWN_WORDS = "chi,dove,recapito\nCentro Nord,Lecco,0341 481111\nCentro Sud,Lecco,\n"


async def correct(inventory: Inventory, job: Any, body: Any, version: int | None = None) -> Any:
    more = {"if-match": f'"{version or job["version"]}"'}
    return await inventory.ask("PATCH", inventory.path(job), json=body, more=more)


async def undo(inventory: Inventory, job: Any) -> Any:
    answer = await inventory.ask("POST", f"{inventory.path(job)}/undo")
    assert answer.status_code == 202, answer.text
    return await ended(inventory, job)


async def test_a_list_whose_columns_nobody_knows_waits_to_be_told(inventory: Inventory) -> None:
    job = await imported(inventory, OWN_WORDS)
    assert (job["state"], job["commit"], job["found"]["missing"]) == ("mapping", False, ["title", "municipality"])
    assert job["allowed_actions"] == ["correct"]
    assert [column["examples"][0] for column in job["found"]["table"]] == ["Centro Nord", "Lecco", "0341 481111"]
    said = {"columns": {"title": "chi", "municipality": "B", "phone": 3}, "header_line": 1}
    assert (await correct(inventory, job, said, version=99)).status_code == 412
    answer = await correct(inventory, job, {**said, "constants": {"kind": "civic_centre"}})
    assert answer.status_code == 200, answer.text
    job = await ended(inventory, job)
    assert (job["state"], figures(job), job["constants"]) == ("previewed", (2, 0, 0, 0), {"kind": "civic_centre"})
    assert [(one["field"], one["certainty"]) for one in job["found"]["table"]] == [
        ("title", "chosen"),
        ("municipality", "chosen"),
        ("phone", "chosen"),
    ]
    assert (await inventory.ask("POST", f"{inventory.path(job)}/commit")).status_code == 202
    job = await ended(inventory, job)
    found = [(p["title"], p["kind"], p["phone"]) for p in (await inventory.get("places"))["items"]]
    assert found == [("Centro Nord", "civic_centre", "+390341481111"), ("Centro Sud", "civic_centre", None)]
    assert (await correct(inventory, job, said)).status_code == 409


async def test_a_preview_is_made_anew_when_its_columns_are_corrected(inventory: Inventory) -> None:
    content = "denominazione,comune\nCentro,Castro\nCentro,Samone\n"
    job = await ended(inventory, (await upload(inventory, content)).json())
    assert (job["state"], figures(job)) == ("previewed", (0, 0, 0, 2))
    assert (await correct(inventory, job, {"constants": {"province": "Lecce"}})).status_code == 200
    job = await ended(inventory, job)
    assert figures(job) == (1, 0, 0, 1)
    assert (await correct(inventory, job, {"constants": {"province": None}})).status_code == 200
    assert figures(await ended(inventory, job)) == (0, 0, 0, 2)


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"columns": {"colour": 1}}, "/columns/colour"),
        ({"columns": {"title": 9}}, "/columns/title"),
        ({"constants": {"phone": "1"}}, "/constants/phone"),
        ({"constants": {"kind": "castello"}}, "/constants/kind"),
        ({"constants": {"province": "Atlantide"}}, "/constants/province"),
        ({"constants": {"municipality": "Paese che non esiste"}}, "/constants/municipality"),
    ],
)
async def test_a_correction_names_fields_and_columns_that_there_are(inventory: Inventory, body: Any, path: str) -> None:
    job = await ended(inventory, (await upload(inventory, HEADER + ROWS)).json())
    answer = await correct(inventory, job, body)
    assert (answer.status_code, answer.json()["errors"][0]["path"]) == (422, path)
    assert answer.json()["errors"][0]["accepted"]


async def test_an_import_is_taken_back_and_a_corrected_file_is_taken_anew(inventory: Inventory) -> None:
    job = await imported(inventory, HEADER + ROWS, validated="true")
    assert job["allowed_actions"] == ["undo"]
    places = (await inventory.get("places"))["items"]
    job = await undo(inventory, job)
    assert (job["state"], job["undone"], job["kept"], job["allowed_actions"]) == ("undone", 2, 0, [])
    assert await inventory.names("places") == []
    assert [row["undone"] for row in await report(inventory, job)] == ["true", "true", "", ""]
    for place in places:
        assert [fact for fact, _ in await inventory.told("place", place["id"])] == ["validated", "closed"]
    [_, (fact, body)] = await inventory.told("import", job["id"])
    assert (fact, body["created"], body["updated"], body["rejected"]) == ("undone", 2, 0, 0)
    again = await inventory.ask("POST", f"{inventory.path(job)}/undo")
    assert (again.status_code, again.json()["state"]) == (202, "undone")
    assert figures(await imported(inventory, HEADER + ROWS)) == (2, 0, 0, 2)
    await inventory.pass_days(190)
    assert (await inventory.get("freshness", open="true"))["items"] == []


async def test_what_was_changed_since_stays_and_the_report_says_so(inventory: Inventory) -> None:
    job = await imported(inventory, HEADER + ROWS)
    first, second = (await inventory.get("places"))["items"]
    assert (await inventory.change(first, {"phone": "0372 407340"})).status_code == 200
    job = await undo(inventory, job)
    assert (job["undone"], job["kept"]) == (1, 1)
    assert [p["id"] for p in (await inventory.get("places"))["items"]] == [first["id"]]
    kept = {row["place_id"]: row["kept"] for row in await report(inventory, job) if row["place_id"]}
    assert kept == {first["id"]: "cambiato dopo l'importazione: telefono", second["id"]: ""}


async def test_a_place_where_needs_were_collected_stays(inventory: Inventory) -> None:
    job = await imported(inventory, HEADER + ROWS.splitlines(keepends=True)[0], kind="civic_centre", validated="true")
    [place] = (await inventory.get("places"))["items"]
    await inventory.post("needs", {"place_id": place["id"], "theme": "housing", "text": "Casa"})
    job = await undo(inventory, job)
    assert (job["undone"], job["kept"]) == (0, 1)
    assert "bisogni" in (await report(inventory, job))[0]["kept"]


async def test_what_an_import_changed_goes_back_field_by_field(inventory: Inventory) -> None:
    line = ROWS.splitlines(keepends=True)[0]
    await imported(inventory, HEADER + line)
    newer = HEADER.replace("url", "email") + line.replace("693273432,-,x", "693273433,https://example.org,a@b.it")
    job = await imported(inventory, newer)
    assert figures(job) == (0, 1, 0, 0)
    seen = await inventory.get(f"{inventory.path(job)}/preview")
    changes = next(one for one in seen["outcomes"] if one["outcome"] == "updated")["rows"][0]["changes"]
    assert changes["phone"] == ["+390693273432", "+390693273433"]
    [place] = (await inventory.get("places"))["items"]
    assert (await inventory.change(place, {"email": "c@d.it"})).status_code == 200
    job = await undo(inventory, job)
    assert (job["undone"], job["kept"]) == (0, 1)
    [place] = (await inventory.get("places"))["items"]
    assert (place["phone"], place["website"], place["email"]) == ("+390693273432", None, "c@d.it")
    assert (await report(inventory, job))[0]["kept"] == "cambiato dopo l'importazione: email"


async def test_an_import_is_taken_back_within_its_days_and_only_when_done(inventory: Inventory) -> None:
    previewed = await ended(inventory, (await upload(inventory, HEADER + ROWS)).json())
    assert (await inventory.ask("POST", f"{inventory.path(previewed)}/undo")).status_code == 409
    job = await imported(inventory, HEADER + ROWS)
    coordinator = await inventory.person("coordinator", territory="12")
    assert (await inventory.ask("POST", f"{inventory.path(job)}/undo", coordinator)).status_code == 404
    await inventory.pass_days(31)
    answer = await inventory.ask("POST", f"{inventory.path(job)}/undo")
    assert (answer.status_code, answer.json()["type"].rsplit(":", 1)[-1]) == (409, "not-undoable")
    given_up = await inventory.get(inventory.path(previewed))
    assert (given_up["state"], given_up["found"]) == ("failed", None)
    assert "30 giorni" in given_up["problem"]["title"]


async def test_an_undoing_that_a_dead_worker_left_is_gone_on_with(
    inventory: Inventory, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = await imported(inventory, HEADER + ROWS)
    await inventory.running.sql(
        "update place_imports set status = 'undoing', done = 0, total = 2, line = 0, worker = gen_random_uuid(),"
        " lease_until = clock_timestamp() - interval '1 second' where id = :id",
        id=job["id"],
    )
    monkeypatch.setattr(worker, "BATCH", 1)
    job = await ended(inventory, job)
    assert (job["state"], job["done"], job["undone"]) == ("undone", 2, 2)


async def test_the_report_opens_with_its_own_signed_link(inventory: Inventory, mapping: Running) -> None:
    job = await imported(inventory, HEADER + ROWS)
    other = await imported(inventory, HEADER + ROWS)

    async def opened(subject: str, purpose: str = "import-report", audience: str = "mapping") -> int:
        expires = datetime.now(UTC) + timedelta(minutes=5)
        token = links.mint(mapping.link_key, audience, purpose, UUID(subject), expires)
        answer = await inventory.ask("GET", f"{inventory.path(job)}/rows.csv", {}, params={"token": token})
        return int(answer.status_code)

    assert await opened(job["id"]) == 200
    assert await opened(other["id"]) == 400
    assert await opened(job["id"], "freshness") == 400
    assert await opened(job["id"], audience="registry") == 400
    assert (await inventory.ask("GET", f"{inventory.path(job)}/rows.csv", {})).status_code == 401

"""Which column means what: told, asked for, corrected before anything is committed."""

from __future__ import annotations

import pytest

from tests.registry.desk import HEADER, Desk, bodies, figures, table, tax_code
from tests.registry.imports.scene import correct, corrected, field_of, upload

ODD = ("Codice", "Chi", "Dove", "Note")


async def test_an_import_says_what_each_column_was_taken_for_and_shows_examples(desk: Desk) -> None:
    code = tax_code()
    state = await upload(desk, table([(code, "Ente", "Lecco", "LC", "x")], (*HEADER, "Colore")))
    first = state["found"]["table"][0]
    assert first == {
        "number": 1, "letter": "A", "name": "Codice fiscale", "examples": [code], "field": "tax_code",
        "certainty": "named",
    }  # fmt: skip
    assert field_of(state, "E") == (None, None)
    assert state["found"]["missing"] == []


async def test_a_file_whose_columns_nobody_can_tell_waits_to_be_told_and_is_then_previewed(desk: Desk) -> None:
    code = tax_code()
    state = await upload(desk, table([(code, "Ente Uno", "Lecco", "ok")], ODD), commit=True)
    assert (state["state"], state["commit"], state["allowed_actions"]) == ("mapping", False, ["correct"])
    assert state["found"]["missing"] == ["title"], "tax code and municipality are known by what the columns hold"
    assert field_of(state, "A") == ("tax_code", "content")
    assert (await desk.ask("POST", f"/imports/{state['id']}/commit")).status_code == 409
    preview = await corrected(desk, state, columns={"title": "Chi"})
    assert (preview["state"], figures(preview)) == ("previewed", (1, 0, 0, 0))
    assert field_of(preview, "B") == ("title", "chosen")
    assert await desk.members() == []
    assert figures(await desk.commit(state["id"])) == (1, 0, 0, 0)
    (member,) = await desk.members()
    assert member["name"] == "Ente Uno"


async def test_no_fact_tells_of_a_file_that_waits(desk: Desk) -> None:
    await upload(desk, "Nome;Indirizzo\r\nEnte;Via Roma\r\n", commit=True)
    assert await desk.told("import") == []


@pytest.mark.parametrize("column", ["Chi", "chi", "B", 2])
async def test_a_column_is_chosen_by_name_letter_or_number(desk: Desk, column: str | int) -> None:
    state = await upload(desk, table([(tax_code(), "Ente", "Lecco", "")], ODD))
    assert (await corrected(desk, state, columns={"title": column}))["state"] == "previewed"


async def test_a_wrong_guess_is_corrected_and_the_column_is_read_once(desk: Desk) -> None:
    header = ("Codice fiscale", "Denominazione", "Ente", "Comune")
    state = await upload(desk, table([(tax_code(), "Via Roma 1", "Il vero nome", "Lecco")], header))
    assert field_of(state, "B") == ("title", "named")
    again = await corrected(desk, state, columns={"title": "Ente"})
    assert (field_of(again, "B"), field_of(again, "C")) == ((None, None), ("title", "chosen"))
    rows = await desk.get(f"/imports/{state['id']}/rows")
    assert [row["name"] for row in rows["items"]] == ["Il vero nome"]


async def test_a_field_can_be_left_unread_and_a_later_correction_adds_to_the_first(desk: Desk) -> None:
    header = (*HEADER, "Email")
    state = await upload(desk, table([(tax_code(), "Ente", "Lecco", "LC", "a@example.org")], header))
    again = await corrected(desk, state, columns={"email": None})
    assert field_of(again, "E") == (None, None)
    again = await corrected(desk, again, constants={"kind": "fondazione"})
    assert field_of(again, "E") == (None, None)
    await desk.commit(state["id"])
    (member,) = await desk.members()
    assert (member["kind"], member["membership"]["email"]) == ("foundation", None)


async def test_what_stands_in_every_row_fills_empty_cells_and_missing_columns_only(desk: Desk) -> None:
    rows = [(tax_code(), "Ente Uno", ""), (tax_code(), "Ente Due", "Merate")]
    state = await upload(desk, table(rows, ("Codice fiscale", "Denominazione", "Comune")))
    assert figures(state) == (1, 0, 0, 1)
    again = await corrected(desk, state, constants={"municipality": "Lecco", "section": "aps"})
    assert (figures(again), again["constants"]) == ((2, 0, 0, 0), {"municipality": "Lecco", "section": "aps"})
    await desk.commit(state["id"])
    assert sorted(member["municipality"]["name"] for member in await desk.members()) == ["Lecco", "Merate"]
    without = await upload(desk, table([(tax_code(), "Ente Tre")], ("Codice fiscale", "Denominazione")))
    assert without["found"]["missing"] == ["municipality"]
    assert figures(await corrected(desk, without, constants={"municipality": "Lecco"})) == (1, 0, 0, 0)


async def test_a_constant_can_be_taken_away_again(desk: Desk) -> None:
    state = await upload(desk, table([(tax_code(), "Ente")], ("Codice fiscale", "Denominazione")))
    state = await corrected(desk, state, constants={"municipality": "Lecco"})
    state = await corrected(desk, state, constants={"municipality": None})
    assert (state["state"], state["constants"]) == ("mapping", {})


async def test_the_header_can_be_pointed_out(desk: Desk) -> None:
    lines = ["Ente;Comune;Codice fiscale", "Associazioni;del;lecchese", f"Uno;Lecco;{tax_code()}"]
    state = await upload(desk, "\r\n".join(lines))
    assert (state["found"]["header_line"], figures(state)) == (1, (1, 0, 0, 1))
    again = await corrected(desk, state, header_line=2, columns={"title": "A", "municipality": "B", "tax_code": 3})
    assert (again["found"]["header_line"], figures(again)) == (2, (1, 0, 0, 0))
    none = await corrected(desk, again, header_line=0)
    assert (none["found"]["header_line"], none["total"]) == (0, 3)


async def test_a_header_pointed_out_wrongly_costs_no_upload(desk: Desk) -> None:
    state = await upload(desk, table([(tax_code(), "Ente", "Lecco", "LC")]))
    lost = await corrected(desk, state, header_line=99)
    assert (lost["state"], lost["allowed_actions"]) == ("mapping", ["correct"])
    assert lost["problem"]["title"], "it says why"
    found = await corrected(desk, lost, header_line=1)
    assert (found["state"], found["problem"], figures(found)) == ("previewed", None, (1, 0, 0, 0))


@pytest.mark.parametrize(
    ("body", "path", "accepted"),
    [
        ({"columns": {"title": "Cosa"}}, "/columns/title", ["Codice fiscale", "Denominazione", "Comune", "PR"]),
        ({"columns": {"title": 5}}, "/columns/title", ["Codice fiscale", "Denominazione", "Comune", "PR"]),
        ({"columns": {"colour": "PR"}}, "/columns/colour", None),
        ({"constants": {"tax_code": "94080470480"}}, "/constants/tax_code", None),
        ({"constants": {"kind": "boh"}}, "/constants/kind", None),
        ({"columns": {"title": "\x00"}}, None, None),
        ({"columns": {"title": True}}, None, None),
        ({"header_line": -1}, "/header_line", None),
        ({"columns": {f"f{n}": "A" for n in range(41)}}, "/columns", None),
    ],
)
async def test_a_correction_that_cannot_be_is_refused_with_what_would_do(
    desk: Desk, body: dict[str, object], path: str | None, accepted: object
) -> None:
    state = await upload(desk, table(bodies(1)))
    answer = await correct(desk, state, **body)
    assert answer.status_code == 422, answer.text
    if path is not None:
        (error,) = answer.json()["errors"]
        assert error["path"] == path
        assert accepted in (None, error["accepted"])
    assert (await desk.get(f"/imports/{state['id']}"))["version"] == state["version"]


async def test_a_correction_names_the_version_that_it_saw(desk: Desk) -> None:
    state = await upload(desk, table(bodies(1)))
    assert (await desk.ask("PATCH", f"/imports/{state['id']}", json={})).status_code == 428
    assert (await correct(desk, {**state, "version": 1}, columns={})).status_code == 412


async def test_what_has_been_committed_is_not_corrected_any_more(desk: Desk) -> None:
    state = await upload(desk, table(bodies(1)), commit=True)
    answer = await correct(desk, state, columns={"title": 2})
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:trama:problem:not-previewed")


async def test_what_nobody_commits_is_given_up_after_thirty_days_and_its_file_deleted(desk: Desk) -> None:
    state = await upload(desk, table(bodies(1)))
    await desk.running.sql("update due set at = now() where subject_id = :id", id=state["id"])
    await desk.running.settled()
    state = await desk.get(f"/imports/{state['id']}")
    assert (state["state"], state["allowed_actions"]) == ("failed", [])
    assert "30 giorni" in state["problem"]["title"]
    for kept in ("import_files", "import_rows"):
        assert await desk.running.sql(f"select from {kept} where import_id = :id", id=state["id"]) == []

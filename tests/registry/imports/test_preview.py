"""What a commit would do, row by row, before anything is committed."""

from __future__ import annotations

from tests.registry.desk import HEADER, Desk, bodies, table, tax_code
from tests.registry.imports.scene import upload


async def test_a_preview_counts_outcomes_and_shows_the_first_rows_of_each_with_what_they_change(desk: Desk) -> None:
    known, same = tax_code(), tax_code()
    header = (*HEADER, "Email")
    await upload(
        desk,
        table([(known, "Ente Vecchio", "Lecco", "LC", ""), (same, "Fermo", "Lecco", "LC", "")], header),
        commit=True,
    )
    rows = [
        (known, "Ente Nuovo", "Merate", "LC", "uno@example.org"),
        (same, "Fermo", "Lecco", "LC", ""),
        *((*row, "") for row in bodies(12)),
        ("1", "Errato", "Lecco", "LC", ""),
    ]
    told = await desk.told("organisation")
    state = await upload(desk, table(rows, header))
    preview = await desk.get(f"/imports/{state['id']}/preview")
    shown = {one["outcome"]: one for one in preview["outcomes"]}
    assert {name: one["count"] for name, one in shown.items()} == {
        "created": 12, "updated": 1, "unchanged": 1, "rejected": 1,
    }  # fmt: skip
    assert [row["line"] for row in shown["created"]["rows"]] == list(range(4, 14))
    (updated,) = shown["updated"]["rows"]
    assert updated["changes"] == {
        "title": ["Ente Vecchio", "Ente Nuovo"], "municipality": ["E507", "F133"], "email": [None, "uno@example.org"],
    }  # fmt: skip
    assert (updated["name"], updated["tax_code"]) == ("Ente Nuovo", known)
    assert "«1»" in shown["rejected"]["rows"][0]["problem"]
    assert len((await desk.get(f"/imports/{state['id']}/preview", first=2))["outcomes"][0]["rows"]) == 2
    assert len(await desk.members()) == 2
    assert await desk.told("organisation") == told


async def test_all_rows_are_listed_by_outcome_and_page_and_as_csv(desk: Desk) -> None:
    state = await upload(desk, table([*bodies(5), ("1", "=1+1", "Lecco", "LC")]))
    path = f"/imports/{state['id']}/rows"
    first = await desk.get(path, outcome="created", limit=3)
    rest = await desk.get(path, outcome="created", limit=3, after=first["next"])
    assert [row["line"] for row in first["items"] + rest["items"]] == [2, 3, 4, 5, 6]
    assert rest["next"] is None
    answer = await desk.ask("GET", path, params={"outcome": "rejected"}, headers={"accept": "text/csv"})
    assert answer.headers["content-type"].startswith("text/csv")
    assert answer.text.count("\r\n") == 2


async def test_what_another_network_knows_of_an_organisation_is_not_shown(desk: Desk) -> None:
    other = await Desk.founded(desk.running)
    code = tax_code()
    await upload(desk, table([(code, "Nome riservato", "Lecco", "LC")]), commit=True)
    state = await upload(other, table([(code, "Nome pubblico", "Lecco", "LC")]))
    answer = await other.ask("GET", f"/imports/{state['id']}/preview")
    assert "riservato" not in answer.text
    (created,) = [one for one in answer.json()["outcomes"] if one["outcome"] == "created"]
    assert created["rows"][0]["changes"] == {}


async def test_only_those_who_may_import_see_previews_and_rows(desk: Desk) -> None:
    state = await upload(desk, table(bodies(1)))
    member = await desk.running.holder("member", desk.network_id)
    for path in ("preview", "rows"):
        assert (await desk.ask("GET", f"/imports/{state['id']}/{path}", headers=member)).status_code == 404

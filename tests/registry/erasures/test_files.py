from __future__ import annotations

from uuid import UUID

from tests.harness import Running, until
from tests.registry.conftest import Room

LIST = "Denominazione;Codice fiscale;Comune;Provincia;Referente\n{}"
ROW = "Gruppo {};;Lecco;LC;{}\n"


async def test_the_reports_and_files_of_imports_that_name_somebody_lose_them(registry: Running, room: Room) -> None:
    person = await room.person("Zenobia", "Marcatore")
    named = await imported(registry, room, ROW.format(1, "Marcatore Zenobia") + ROW.format(2, "Ada Bassi"))
    other = await imported(registry, room, ROW.format(3, "Ada Bassi"))
    assert (await room.delete(f"/people/{person['id']}", '"1"')).status_code == 200
    rows = await registry.sql("select content::text as text, outcome from import_rows where import_id = :id", id=named)
    assert sorted(row.text is None for row in rows) == [False, True]
    assert all(row.outcome == "created" for row in rows)
    assert await registry.sql("select 1 from import_files where import_id = :id", id=named) == []
    rows = await registry.sql("select content::text as text from import_rows where import_id = :id", id=other)
    assert all(row.text is not None for row in rows)


async def imported(registry: Running, room: Room, rows: str) -> UUID:
    answer = await registry.client.post(
        f"/registry/v1/networks/{room.slug}/imports",
        files={"file": ("soci.csv", LIST.format(rows).encode())},
        data={"commit": "true"},
        headers=room.headers,
    )
    assert answer.status_code == 202, answer.text
    found: UUID = UUID(answer.json()["id"])

    async def read() -> bool:
        return bool((await room.found(f"/imports/{found}"))["status"] != "running")

    await until(read, what="the import was read")
    assert (await room.found(f"/imports/{found}"))["status"] == "done"
    return found

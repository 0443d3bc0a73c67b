from __future__ import annotations

from uuid import UUID

from tests.harness import Running, until
from tests.registry.conftest import Room

LIST = "Denominazione;Codice fiscale;Comune;Provincia;Referente\n{}"
ROW = "Gruppo {};;{};LC;{}\n"


async def test_reports_lose_what_they_held_of_the_person_and_keep_the_outcome(registry: Running, room: Room) -> None:
    person = await room.person("Zenobia", "Marcatore")
    rows = ROW.format("Ponti", "Marcatore Zenobia", "Marcatore Zenobia") + ROW.format("Radici", "Ada Bassi", "")
    named = await imported(registry, room, rows, commit=True)
    assert await words_of(registry, named, "marcatore")
    assert (await room.delete(f"/people/{person['id']}", '"1"')).status_code == 200
    assert not await words_of(registry, named, "marcatore")
    assert await words_of(registry, named, "bassi")
    report = await room.found(f"/imports/{named}")
    assert (report["status"], report["rejected"], report["found"]["columns"]["title"]) == ("done", 2, "Denominazione")


async def words_of(registry: Running, import_id: UUID, word: str) -> bool:
    """Whether anything that is kept of an import holds the word."""
    kept = await registry.sql(
        "select i::text || coalesce(string_agg(r::text, ' '), '') as words from imports i"
        " left join import_rows r on r.import_id = i.id where i.id = :id group by i.id, i.*",
        id=import_id,
    )
    return any(word in row.words.lower() for row in kept)


async def test_a_preview_that_names_the_person_goes_with_its_file(registry: Running, room: Room) -> None:
    person = await room.person("Zenobia", "Marcatore")
    named = await imported(registry, room, ROW.format("Ponti", "Lecco", "zenobia  MARCATORE"), commit=False)
    other = await imported(registry, room, ROW.format("Ada Bassi", "Lecco", ""), commit=False)
    assert (await room.delete(f"/people/{person['id']}", '"1"')).status_code == 200
    assert (await room.get(f"/imports/{named}")).status_code == 404
    assert not await words_of(registry, named, "marcatore")
    assert await registry.sql("select 1 from import_files where import_id = :id", id=named) == []
    assert await registry.sql("select 1 from import_files where import_id = :id", id=other) != []


async def imported(registry: Running, room: Room, rows: str, *, commit: bool) -> UUID:
    answer = await registry.client.post(
        f"/registry/v1/networks/{room.slug}/imports",
        files={"file": ("soci.csv", LIST.format(rows).encode())},
        data={"commit": str(commit).lower()},
        headers=room.headers,
    )
    assert answer.status_code == 202, answer.text
    found = UUID(answer.json()["id"])

    async def read() -> bool:
        return bool((await room.found(f"/imports/{found}"))["status"] != "running")

    await until(read, what="the import was read")
    return found

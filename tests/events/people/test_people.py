from __future__ import annotations

import pytest

from shared.contracts.registry import PersonChanged, PersonErased
from tests.events.room import Room

pytestmark = pytest.mark.timeout(120)


async def names(room: Room, person: object) -> list[tuple[str, str]]:
    rows = await room.running.sql("select given_name, family_name from people where id = :id", id=person)
    return [(row.given_name, row.family_name) for row in rows]


async def test_a_person_is_called_as_the_newest_fact_says(room: Room) -> None:
    person = room.person("Giulia", "Serra")
    changed = PersonChanged(**{**person.model_dump(), "version": 2, "family_name": "Serra Manca"})
    await room.tell(changed, person)
    assert await names(room, person.id) == [("Giulia", "Serra Manca")]


async def test_an_erased_person_leaves_a_row_without_a_name_however_late_the_name_comes(room: Room) -> None:
    person = room.person()
    await room.tell(PersonErased(id=person.id, version=2, network_id=room.id), person)
    assert await names(room, person.id) == [("", "")]


async def test_only_the_name_of_a_person_is_kept(room: Room) -> None:
    person = room.person(email="giulia.serra@example.org", phone="+393331234567")
    await room.tell(person)
    (row,) = await room.running.sql("select p::text as row from people p where id = :id", id=person.id)
    assert "example.org" not in row.row
    assert "333" not in row.row.replace(str(person.id), "")

"""People's names as learning keeps them: the newest told, and nothing of the erased."""

from __future__ import annotations

from typing import Any

from tests.harness import Running
from tests.learning.school import School


async def kept(learning: Running, person: Any) -> tuple[str, str, bool]:
    (row,) = await learning.sql(
        "select given_name, family_name, erased_at is not null as erased from people where id = :id", id=person.id
    )
    return row.given_name, row.family_name, row.erased


async def test_the_newest_name_counts_however_late_an_older_one_comes(school: School, learning: Running) -> None:
    person = school.person("Giulia", "Serra")
    married = person.model_copy(update={"version": 2, "family_name": "Serra Bianchi"})
    await school.tell(married, person)
    assert await kept(learning, person) == ("Giulia", "Serra Bianchi", False)


async def test_an_erased_person_leaves_an_empty_row_that_no_older_fact_fills(school: School, learning: Running) -> None:
    person = school.person("Ines", "Marchetti")
    await school.tell(person)
    await school.tell(school.erased(person.id))
    await school.tell(person)
    assert await kept(learning, person) == ("", "", True)

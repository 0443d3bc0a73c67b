"""Members are listed under every territory in which one of their places lies, also when that changes."""

from __future__ import annotations

from datetime import date
from itertools import count
from typing import Any
from uuid import UUID

import pytest

from services.registry.organisations import rules
from shared.contracts.mapping import MunicipalityUpdated
from shared.runtime.migrating import migrate_async
from shared.territories import built
from tests.harness import Running
from tests.registry.desk import Desk


async def names(desk: Desk, **filters: Any) -> list[str]:
    return [member["name"] for member in await desk.members(**filters)]


_versions = count(1)


def lecco(**changes: Any) -> MunicipalityUpdated:
    """Lecco as a newer list of ISTAT's has it."""
    said: dict[str, Any] = {
        "id": UUID(int=7), "version": next(_versions), "code": "E507", "istat": "097042", "title": "Lecco",
        "italian_title": "Lecco", "province": "LC", "nuts3": "ITC43", "since": date(2027, 1, 1),
    }  # fmt: skip
    return MunicipalityUpdated(**said | changes)


async def becomes(desk: Desk, **changes: Any) -> None:
    await desk.running.tell(lecco(**changes))
    await desk.running.settled()


async def kept(registry: Running) -> set[tuple[str, str]]:
    return {(row.code, row.whole) for row in await registry.sql("select code, whole from lies_in")}


async def test_what_lies_in_what_is_what_a_search_in_a_territory_means(registry: Running) -> None:
    pairs = await kept(registry)
    assert pairs == rules.lies_in(built())
    for whole in ("03", "097", "VI", "M439", "E507"):
        code = rules.territory_codes([whole])[0]
        assert {inside for inside, of in pairs if of == code} | {code} == rules.codes_within(whole)


async def test_a_member_moves_with_its_municipality_and_stays_where_another_place_keeps_it(desk: Desk) -> None:
    await desk.register(name="Solo qui", municipality="E507")
    await desk.register(name="Anche a Merate", municipality="E507", territories=["F133"])
    await desk.register(name="Altrove", municipality="H501")
    assert await names(desk, territory="097") == ["Anche a Merate", "Solo qui"]
    await becomes(desk, province="TO", nuts3="ITC11")
    assert await names(desk, territory="097") == ["Anche a Merate"]
    assert await names(desk, territory="03") == ["Anche a Merate"]
    assert await names(desk, territory="201") == ["Anche a Merate", "Solo qui"]
    assert await names(desk, territory="01") == ["Anche a Merate", "Solo qui"]
    await desk.register(name="Dopo", municipality="E507")
    assert await names(desk, territory="01") == ["Anche a Merate", "Dopo", "Solo qui"]
    await becomes(desk)
    assert await names(desk, territory="01") == []
    assert await names(desk, territory="097") == ["Anche a Merate", "Dopo", "Solo qui"]
    assert await kept(desk.running) == rules.lies_in(built())


async def test_a_member_of_a_merged_municipality_is_found_in_what_it_went_into(desk: Desk) -> None:
    await desk.register(name="Lariana", municipality="E507")
    await becomes(desk, until=date(2027, 1, 1), successors=("H501",))
    for territory in ("H501", "258", "12"):
        assert await names(desk, territory=territory) == ["Lariana"], territory
    assert await names(desk, territory="03") == []
    await becomes(desk)
    assert await names(desk, territory="03") == ["Lariana"]


async def test_a_release_with_other_data_is_followed_by_its_migration(desk: Desk) -> None:
    await desk.running.sql("update lies_in set whole = '12' where code = 'E507' and whole = '03'")
    await desk.register(name="Lariana", municipality="E507")
    assert await names(desk, territory="12") == ["Lariana"]
    await migrate_async("registry", desk.running.context.settings.database_url)
    assert await names(desk, territory="12") == []
    assert await names(desk, territory="03") == ["Lariana"]
    assert await kept(desk.running) == rules.lies_in(built())


async def test_a_changed_place_or_name_leaves_nothing_behind(desk: Desk) -> None:
    one = await desk.register(name="Lariana", municipality="E507", territories=["CR"])
    changes = {"name": "Romana", "municipality": "H501", "territories": []}
    answer = await desk.ask("PATCH", f"/organisations/{one['id']}", json=changes, headers={"if-match": '"1"'})
    assert answer.status_code == 200, answer.text
    rows = await desk.running.sql(
        "select facet, name from directory_facets where organisation_id = :id", id=UUID(one["id"])
    )
    assert {(row.facet, row.name) for row in rows} == {("H501", "romana"), ("258", "romana"), ("12", "romana")}


@pytest.mark.parametrize(
    "filters",
    [
        {"territory": "03"},
        {"territory": "03", "state": ["active", "candidate"], "sort": "-name"},
        {"territory": "03", "kind": "other"},
        {"territory": "03", "q": "ente"},
        {"territory": "03", "sort": "-updated"},
        {"territory": "097", "sort": "updated"},
        {"territory": ["03", "12"]},
    ],
)
async def test_pages_of_a_territory_follow_each_other_without_gap_or_repetition(
    desk: Desk, filters: dict[str, Any]
) -> None:
    made = [await desk.register(name=f"Ente {n % 3}", municipality="E507", territories=["097", "03"]) for n in range(7)]
    found: list[str] = []
    after: dict[str, str] = {}
    while True:
        params = {"limit": "2", **filters, **after}
        answer = (await desk.ask("GET", f"/networks/{desk.slug}/organisations", params=params)).json()
        found += [item["id"] for item in answer["items"]]
        if answer["next"] is None:
            break
        after = {"after": answer["next"]}
    assert sorted(found) == sorted(one["id"] for one in made)


async def test_a_territory_and_a_section_are_asked_for_together(desk: Desk) -> None:
    await desk.register(name="Con", kind="association", municipality="E507", sections=[{"code": "aps"}])
    await desk.register(name="Senza", kind="association", municipality="E507")
    await desk.register(name="Lontana", kind="association", municipality="H501", sections=[{"code": "aps"}])
    assert await names(desk, territory="03", section="aps") == ["Con"]
    assert await names(desk, territory=["03", "12"], section="aps") == ["Con", "Lontana"]


async def test_states_choose_among_the_members_of_a_territory(desk: Desk) -> None:
    await desk.register(name="Attiva", municipality="E507", state="active")
    await desk.register(name="Candidata", municipality="E507")
    await desk.register(name="Romana", municipality="H501", state="active")
    for state, found in {"active": ["Attiva"], "candidate": ["Candidata"]}.items():
        assert await names(desk, territory="03", state=state) == found
    assert await names(desk, territory="03", state=["active", "candidate"]) == ["Attiva", "Candidata"]
    assert await names(desk, territory="03", sort="-updated") == ["Candidata", "Attiva"]

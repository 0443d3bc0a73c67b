from __future__ import annotations

from uuid import uuid4

from tests.harness import Running
from tests.rights.asking import given, kinds, sought, told


async def test_who_acted_on_the_map_is_found_given_and_kept_without_a_name(mapping: Running) -> None:
    network, person = uuid4(), uuid4()
    declared = "insert into absences (id, network_id, organisation_id, declared_on, declared_by, version)"
    await mapping.sql(
        f"{declared} values (:id, :network, :id, '2026-03-01', :person, 1)", id=uuid4(), network=network, person=person
    )
    assert kinds(await sought(mapping, person, network)) == {"places": (1, "found", "accountability")}
    items = (await given(mapping, person, network))["items"]
    assert [row["declared_on"] for row in items["places"]] == ["2026-03-01"]
    assert kinds(await told(mapping, person, network, "erase", 2)) == {"places": (1, "retained", "accountability")}


async def test_texts_that_hold_the_name_are_named_and_not_told(mapping: Running) -> None:
    network, person, place = uuid4(), uuid4(), uuid4()
    added = "insert into organisations (id, title, kind, sections, territories, changed_at, generation, version)"
    title = "Amici di marcatore  ZENOBIA"
    await mapping.sql(
        f"{added} select id, title, 'other', '[]', '[]', now(), 1, 1"
        " from (values (cast(:id as uuid), :title), (cast(:other as uuid), :near)) as two(id, title)",
        id=place,
        title=title,
        other=uuid4(),
        near="Zenobia Marcatoretti",
    )
    answer = await sought(mapping, person, network)
    assert answer["mentions"] == [{"what": "organisations", "column": "title", "id": str(place)}]
    assert answer["mentioned"] == 1
    assert title not in str(answer)


async def test_nothing_is_held_of_a_stranger(mapping: Running) -> None:
    assert kinds(await sought(mapping, uuid4(), uuid4())) == {}

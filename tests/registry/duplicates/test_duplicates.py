"""Duplicates among people: found, looked at, merged; over HTTP and facts."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Uuid

from services.registry.duplicates import queries
from services.registry.store import mapper
from tests.harness import Running
from tests.registry.conftest import Caller, Room, problem

NOT_PEOPLE = {
    "id", "network_id", "organisation_id", "body_id", "seat_id", "mandate_id", "parent_id", "source_id", "import_id",
    "commitment_id", "processing_id", "list_id", "fact_id",
}  # fmt: skip


async def pairs(room: Room) -> list[Any]:
    return (await room.found(f"/networks/{room.slug}/people/duplicates"))["items"]  # type: ignore[no-any-return]


async def merged(room: Room, going: Any, staying: Any, etag: str = '"1"') -> Any:
    return await room.post(f"/people/{going['id']}/merge", {"into_id": staying["id"]}, etag)


def today(registry: Running) -> date:
    return registry.context.clock.today()


async def test_people_of_one_name_are_candidates_when_they_share_something_else(registry: Running, room: Room) -> None:
    first = await room.person("Màrio", "Rossi", email="rossi@example.org", phone="0341 111111")
    await room.person("Mario", "Verdi", email="rossi@example.org")  # another name on that mailbox
    await room.person("Mario", "Rossi", email="altro@example.org")  # the name alone
    same_box = await room.person("Rossi", "Mario", email="ROSSI@example.org")
    same_phone = await room.person("Mario", "ROSSI", phone="0341 111111")
    found = {(one["first"]["id"], one["second"]["id"]): one["reasons"] for one in await pairs(room)}
    assert found == {
        (first["id"], same_box["id"]): ["same_mailbox"],
        (first["id"], same_phone["id"]): ["same_phone"],
    }
    [one] = (await room.found(f"/networks/{room.slug}/people/duplicates", limit=1))["items"]
    assert one["merge"] == f"/registry/v1/people/{one['second']['id']}/merge"
    member = Caller(registry, await registry.holder("member", room.id))
    assert (await member.get(f"/networks/{room.slug}/people/duplicates")).status_code == 403


async def test_the_same_organisation_is_a_reason(registry: Running, room: Room) -> None:
    organisation = await room.organisation()
    one, other = (
        await room.person("Lia", "Blu", email="a@example.org"),
        await room.person("Lia", "Blu", phone="02 123456"),
    )
    for person, territory in ((one, "03"), (other, "01")):
        await room.mandate(
            person,
            "representative",
            today(registry).isoformat(),
            organisation_id=organisation["id"],
            territory=territory,
        )
    assert [found["reasons"] for found in await pairs(room)] == [["same_organisation"]]


async def test_what_would_move_is_shown_and_nothing_moves(registry: Running, room: Room) -> None:
    staying = await room.person(email="a@example.org")
    going = await room.person(email="a@example.org", phone="0341 123456")
    await room.mandate(going, "secretariat", today(registry).isoformat())
    shown = await room.found(f"/people/{going['id']}/merge", into_id=staying["id"])
    assert {one["what"]: one["rows"] for one in shown["moves"]} == {"mandates": 1, "notices": 1}
    assert (shown["fills"], shown["clashes"], shown["into"]["id"]) == (["phone"], [], staying["id"])
    assert (await room.found(f"/people/{going['id']}"))["merged_into"] is None
    assert (await room.found(f"/people/{staying['id']}"))["phone"] is None


async def test_everything_that_named_the_duplicate_names_the_other(registry: Running, room: Room) -> None:
    staying = await room.person("Giulia", "Serra", email="g@example.org")
    going = await room.person("Giulia", "Serra", phone="0341 123456")
    since = today(registry)
    old = await room.mandate(going, "secretariat", (since - timedelta(30)).isoformat(), until=since.isoformat())
    now = await room.mandate(going, "secretariat", since.isoformat())
    owed = await room.made(
        f"/networks/{room.slug}/commitments",
        {"title": "Verbale", "kind": "action", "due": since.isoformat(), "person_id": going["id"]},
    )
    await registry.sql(
        "insert into identities (issuer, subject, person_id, since) values ('https://op.example', :s, :p, now())",
        s=going["id"][:8],
        p=UUID(going["id"]),
    )
    await registry.settled()
    done = await merged(room, going, staying)
    assert done.status_code == 200, done.text
    assert (done.json()["fills"], done.headers["etag"]) == (["phone"], '"2"')
    assert {one["what"] for one in done.json()["moves"]} == {"mandates", "commitments", "identities", "notices"}
    for id_ in (old["id"], now["id"]):
        assert (await room.found(f"/mandates/{id_}"))["person"]["id"] == staying["id"]
    assert (await room.found(f"/commitments/{owed['id']}"))["debtor"]["id"] == staying["id"]
    read = await room.found(f"/people/{going['id']}")
    assert (read["name"], read["phone"], read["allowed_actions"]) == ("", None, [])
    assert (read["merged_into"]["id"], read["merged_into"]["name"]) == (staying["id"], "Giulia Serra")
    assert (await room.found(f"/people/{staying['id']}"))["phone"] == "+390341123456"
    listed = (await room.found(f"/networks/{room.slug}/people"))["items"]
    assert [one["id"] for one in listed] == [staying["id"]]


async def test_the_others_are_told_that_two_are_one(registry: Running, room: Room) -> None:
    staying, going = await room.person(email="g@example.org"), await room.person(email="g@example.org")
    mandate = await room.mandate(going, "secretariat", today(registry).isoformat())
    await registry.settled()
    before = await registry.published(f"registry.mandate.{mandate['id']}.*")
    await merged(room, going, staying)
    type_, told = (await registry.published(f"registry.mandate.{mandate['id']}.*"))[-1]
    assert (type_, told["person_id"]) == ("trama.registry.mandate.changed.v1", staying["id"])
    assert (told["state"], told["version"]) == (before[-1][1]["state"], before[-1][1]["version"] + 1)
    lists = {id_: (await registry.published(f"registry.grant.{id_}.*"))[-1][1] for id_ in (staying["id"], going["id"])}
    assert [grant["role"] for grant in lists[staying["id"]]["grants"]] == ["secretariat"]
    assert lists[going["id"]]["grants"] == []
    type_, told = (await registry.published(f"registry.person.{going['id']}.*"))[-1]
    assert (type_, told) == (
        "trama.registry.person.merged.v1",
        {"id": going["id"], "version": 2, "network_id": str(room.id), "into_id": staying["id"]},
    )


async def test_the_grants_of_the_survivor_work_at_once_and_the_duplicates_no_more(
    registry: Running, room: Room
) -> None:
    staying, going = await room.person(email="g@example.org"), await room.person(email="g@example.org")
    await room.mandate(going, "secretariat", today(registry).isoformat())
    await merged(room, going, staying)
    one, other = (Caller(registry, registry.signed_in(UUID(person["id"]))) for person in (staying, going))
    assert (await one.get(f"/networks/{room.slug}/people")).status_code == 200
    assert (await other.get(f"/networks/{room.slug}/people")).status_code == 403


async def test_the_log_says_nothing_more_of_the_duplicate(registry: Running, room: Room) -> None:
    staying = await room.person("Resta", "Qui", email="g@example.org")
    going = await room.person("Marcatore", "Sparito", email="sparito@example.org")
    await room.patch(f"/people/{going['id']}", {"phone": "0341 999999"}, '"1"')
    await merged(room, going, staying, '"2"')
    told = "select type, body, version from log where aggregate_id = :id and subject like 'registry.person.%'"
    rows = await registry.sql(told, id=UUID(going["id"]))
    assert len(rows) >= 3
    assert not [row for row in rows if "Marcatore" in row.body or "sparito" in row.body or "999999" in row.body]
    assert {row.type for row in rows} == {"trama.registry.person.merged.v1"}
    assert all(staying["id"] in row.body for row in rows)
    wiped = await registry.sql("select 1 from stream_erasures where person_id = :id", id=UUID(going["id"]))
    assert len(wiped) == 1


async def test_no_row_of_the_registry_names_the_duplicate_afterwards(registry: Running, room: Room) -> None:
    """Looked for in the text of every row of every table, whatever its columns are called."""
    staying, going = await room.person(email="g@example.org"), await room.person(email="g@example.org")
    await room.mandate(going, "secretariat", today(registry).isoformat())
    acting = Caller(registry, registry.signed_in(UUID(going["id"])))
    once = {"idempotency-key": "una-volta"}
    altro = {"given_name": "Un", "family_name": "Altro"}
    assert (await acting.post(f"/networks/{room.slug}/people", altro, **once)).status_code == 201
    body = {
        "controller": "Rete", "contact": "privacy@rete.example", "purposes": ["Convocare"], "basis": "consent",
        "retention_months": 12,
    }  # fmt: skip
    url = f"/registry/v1/networks/{room.slug}/processing"
    assert (await registry.client.put(url, json=body, headers=acting.headers)).status_code == 200
    for person in (going, staying):
        await acting.made(f"/networks/{room.slug}/consents", {"person_id": person["id"]})
    await registry.settled()
    await merged(room, going, staying)
    tables = await registry.sql(
        "select c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace"
        " where n.nspname = 'public' and c.relkind = 'r'"
    )
    named = {}
    for table in tables:
        rows = await registry.sql(
            f'select count(*) from "{table.name}" t where t::text like :id', id=f"%{going['id']}%"
        )
        named[table.name] = rows[0][0]
    acts = await registry.sql("select count(*) from log where actor_id = :id", id=UUID(going["id"]))
    assert acts[0][0] == 0
    stays = {"people", "known_people", "log", "grant_lists", "stream_erasures", "relay_cursor"}
    assert {name for name, rows in named.items() if rows} <= stays


def test_every_column_that_could_name_a_person_is_moved_or_known_to_name_nobody() -> None:
    moved = {f"{c.table.name}.{c.name}" for c in queries.moved_columns()} | queries.STAYS | queries.TOLD_APART
    for table in mapper.metadata.tables.values():
        for column in table.columns:
            if not isinstance(column.type, Uuid) or column.name in NOT_PEOPLE or column.foreign_keys:
                continue
            name = column.name
            suspect = name.endswith(("person_id", "_by", "_person", "holder_id", "maker_id", "owner_id"))
            assert not suspect or f"{table.name}.{name}" in moved, f"{table.name}.{name}"
    pointing = {
        f"{column.table.name}.{column.name}"
        for table in mapper.metadata.tables.values()
        for column in table.columns
        for key in column.foreign_keys
        if key.column.table.name == "people"
    }
    assert pointing <= moved


async def test_two_mandates_of_one_office_stand_in_the_way_until_one_is_ended(registry: Running, room: Room) -> None:
    staying, going = await room.person(email="g@example.org"), await room.person(email="g@example.org")
    since = (today(registry) - timedelta(10)).isoformat()
    kept, double = [await room.mandate(person, "secretariat", since) for person in (staying, going)]
    await registry.settled()
    refused = await merged(room, going, staying)
    assert problem(refused) == (409, "both-hold")
    assert kept["id"] in refused.json()["detail"]
    assert double["id"] in refused.json()["detail"]
    shown = await room.found(f"/people/{going['id']}/merge", into_id=staying["id"])
    assert [(one["of_person"]["id"], one["of_survivor"]["id"]) for one in shown["clashes"]] == [
        (double["id"], kept["id"])
    ]
    etag = (await room.get(f"/mandates/{double['id']}")).headers["etag"]
    await room.post(f"/mandates/{double['id']}/end", {"reason": "mistake", "on": since}, etag)
    assert (await merged(room, going, staying)).status_code == 200


async def test_a_merge_needs_the_version_that_was_looked_at(room: Room) -> None:
    staying, going = await room.person(), await room.person()
    url, body = f"/people/{going['id']}/merge", {"into_id": staying["id"]}
    assert problem(await room.post(url, body)) == (428, "if-match-missing")
    assert problem(await room.post(url, body, '"9"'))[0] == 412
    assert (await room.post(url, body, '"1"')).status_code == 200
    assert problem(await room.post(url, body, '"2"'))[0] == 404


async def test_what_cannot_be_merged_is_refused(room: Room) -> None:
    person = await room.person()
    url = f"/people/{person['id']}/merge"
    assert problem(await room.post(url, {"into_id": person["id"]}, '"1"')) == (422, "same-person")
    assert problem(await room.post(url, {"into_id": str(uuid4())}, '"1"')) == (422, "survivor-unknown")
    assert problem(await room.post(f"/people/{uuid4()}/merge", {"into_id": person["id"]}, '"1"'))[0] == 404


async def test_a_network_cannot_take_what_a_person_holds_elsewhere(
    registry: Running, room: Room, other_room: Room, admin: Caller
) -> None:
    shared = await room.person("Nota", "Altrove", email="nota@example.org")
    mandate = {"person_id": shared["id"], "role": "secretariat", "since": today(registry).isoformat()}
    await admin.made(f"/networks/{other_room.slug}/mandates", mandate)
    own = await room.person("Nota", "Altrove", email="nota@example.org")
    assert problem(await merged(room, shared, own)) == (403, "known-elsewhere")
    assert problem(await merged(room, own, shared)) == (403, "known-elsewhere")
    stranger = await other_room.person()
    assert problem(await merged(room, own, stranger)) == (422, "survivor-unknown")
    by_admin = await admin.post(f"/people/{own['id']}/merge", {"into_id": shared["id"]}, '"1"')
    assert by_admin.status_code == 200
    coordinator = Caller(registry, await registry.holder("coordinator", room.id))
    refused = await coordinator.post(f"/people/{shared['id']}/merge", {"into_id": own["id"]}, '"1"')
    assert refused.status_code in (403, 422)


@pytest.mark.parametrize("first", ["going", "staying"])
async def test_who_was_told_by_one_record_is_not_told_again(registry: Running, room: Room, first: str) -> None:
    people = {"staying": await room.person(email="g@example.org"), "going": await room.person(email="g@example.org")}
    url = f"/networks/{room.slug}/notices"
    notices = {name: (await room.found(url, person=one["id"]))["items"][0] for name, one in people.items()}
    await room.post(f"/notices/{notices[first]['id']}/handed", {"how": "handed"}, '"1"')
    await merged(room, people["going"], people["staying"])
    [one] = (await room.found(url))["items"]
    assert (one["person"]["id"], one["state"], one["how"]) == (people["staying"]["id"], "told", "handed")


async def test_a_chain_of_merges_names_the_last(room: Room) -> None:
    one, two, three = [await room.person() for _ in range(3)]
    await merged(room, one, two)
    await merged(room, two, three)
    assert (await room.found(f"/people/{one['id']}"))["merged_into"]["id"] == three["id"]


async def test_two_lists_that_named_both_name_one(registry: Running, room: Room) -> None:
    staying, going = await room.person(), await room.person()
    organisation = await room.organisation()
    owed = await room.made(
        f"/networks/{room.slug}/commitments",
        {
            "title": "Elenco", "kind": "list_of_representatives", "due": today(registry).isoformat(),
            "organisation_id": organisation["id"],
        },
    )  # fmt: skip
    list_id = uuid4()
    await registry.sql(
        "insert into representative_lists (id, commitment_id, sent_at, rows, created, unchanged, complete)"
        " values (:id, :owed, now(), 2, 2, 0, false)",
        id=list_id,
        owed=UUID(owed["id"]),
    )
    for person in (staying, going):
        await registry.sql(
            "insert into listed_people (list_id, person_id, entered) values (:list, :person, true)",
            list=list_id,
            person=UUID(person["id"]),
        )
    assert (await merged(room, going, staying)).status_code == 200
    rows = await registry.sql("select person_id from listed_people where list_id = :id", id=list_id)
    assert [str(row.person_id) for row in rows] == [staying["id"]]

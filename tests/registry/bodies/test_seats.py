"""Seats and those who hold them: exactly one on each day, whoever asks at the same time."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.harness import Running
from tests.registry.bodies.test_bodies import body, member, tag, told
from tests.registry.conftest import Caller, Room, problem
from tests.registry.mandates.test_mandates import day, etag, grants, let_pass

FOUNDERS = ["ACLI", "CNCA", "CSVnet", "Cittadinanzattiva", "Forum Disuguaglianze", "MoVI", "Prima la Comunità"]


async def seats(room: Room, of: Any, **filters: Any) -> list[Any]:
    found: list[Any] = (await room.found(f"/bodies/{of['id']}/seats", **filters))["items"]
    return found


async def holders(room: Room, of: Any, on: str) -> dict[str, str | None]:
    """By seat: who holds it on that day."""
    found = await seats(room, of, on=on)
    return {seat["title"]: seat["holder"] and seat["holder"]["person"]["name"] for seat in found}


async def committee(registry: Running, room: Room, names: list[str]) -> tuple[Any, dict[str, Any]]:
    """A committee constituted ten days ago, and its organisations by name."""
    organisations = {name: await member(room, name, day(registry, -20)) for name in names}
    return await body(room, constituted_on=day(registry, -10)), organisations


def designation(person: Any, organisation: Any, since: str, **more: Any) -> dict[str, Any]:
    return {
        "person_id": person["id"],
        "role": "referent",
        "since": since,
        "organisation_id": organisation["id"],
        **more,
    }


async def test_with_six_of_seven_held_it_says_which_is_vacant(registry: Running, room: Room) -> None:
    made, organisations = await committee(registry, room, FOUNDERS)
    for name in FOUNDERS[:-1]:
        person = await room.person("Referente", name)
        await room.mandate(
            person, "referent", day(registry), organisation_id=organisations[name]["id"], body_id=made["id"]
        )
    shown = await room.found(f"/bodies/{made['id']}")
    assert shown["seats"] == {"count": 6, "of": 7, "share": 0.8571}
    (vacant,) = shown["vacant"]
    assert vacant["name"] == "Prima la Comunità"
    (empty,) = await seats(room, made, vacant=True)
    assert (empty["id"], empty["vacant"], empty["holder"]) == (vacant["id"], True, None)
    assert empty["organisation"]["id"] == organisations["Prima la Comunità"]["id"]
    held = await seats(room, made, vacant=False)
    assert [seat["organisation"]["name"] for seat in held] == FOUNDERS[:-1]
    assert {seat["role"] for seat in held} == {"referent"}
    assert held[0]["holder"]["person"]["name"] == "Referente ACLI"
    assert (held[0]["holder"]["since"], held[0]["holder"]["until"]) == (day(registry), None)
    assert (await room.found(f"/seats/{vacant['id']}")) == empty
    assert len((await room.found(f"/bodies/{made['id']}/members"))["items"]) == 6


async def test_who_has_read_a_body_is_told_of_a_new_holder(registry: Running, room: Room) -> None:
    """Neither the body nor the seat has a new version by it."""
    made, organisations = await committee(registry, room, ["ACLI"])
    paths = [f"/bodies/{made['id']}", f"/seats/{made['vacant'][0]['id']}"]
    tags = [(await room.get(path)).headers["etag"] for path in paths]
    acli = organisations["ACLI"]["id"]
    await room.mandate(await room.person(), "referent", day(registry), organisation_id=acli, body_id=made["id"])
    for path, known in zip(paths, tags, strict=True):
        again = Caller(registry, {**room.headers, "if-none-match": known})
        answer = await again.get(path)
        assert answer.status_code == 200
        assert answer.headers["etag"] != known
        assert answer.json()["version"] == 1
    assert (await room.found(paths[0]))["vacant"] == []
    assert (await room.found(paths[1]))["holder"]["person"]["name"] == "Giulia Serra"


async def test_the_mandate_names_its_seat_and_so_do_fact_and_grant(registry: Running, room: Room) -> None:
    made, organisations = await committee(registry, room, ["ACLI"])
    (seat,) = await seats(room, made)
    person = await room.person()
    mandate = await room.mandate(
        person, "referent", day(registry), organisation_id=organisations["ACLI"]["id"], body_id=made["id"]
    )
    assert mandate["seat_id"] == seat["id"]
    assert mandate["body"] == {"id": made["id"], "name": made["name"], "href": made["href"]}
    facts = await registry.published(f"registry.mandate.{mandate['id']}.*")
    assert {(fact["body_id"], fact["seat_id"]) for _, fact in facts} == {(made["id"], seat["id"])}
    (grant,) = await grants(registry, person)
    assert (grant["role"], grant["body_id"], grant["network_id"]) == ("referent", made["id"], str(room.id))
    (kept,) = await registry.sql("select body_id from grants where person_id = :id", id=UUID(person["id"]))
    assert str(kept.body_id) == made["id"]


async def test_whoever_sits_in_one_body_reads_what_everybody_in_the_network_may(registry: Running, room: Room) -> None:
    made, organisations = await committee(registry, room, ["ACLI"])
    another = await body(room, "Gruppo", "working_group")
    person = await room.person()
    acli = organisations["ACLI"]["id"]
    mandate = await room.mandate(person, "referent", day(registry), organisation_id=acli, body_id=made["id"])
    caller = Caller(registry, registry.signed_in(UUID(person["id"])))
    for path in ("", "/organisations", "/mandates", "/bodies"):
        await caller.found(f"/networks/{room.slug}{path}")
    for path in (f"/bodies/{another['id']}", f"/bodies/{made['id']}/seats", f"/mandates/{mandate['id']}"):
        await caller.found(path)
    assert (await caller.found("/me"))["grants"][0]["body_id"] == made["id"]


async def test_the_secretariat_acts_for_the_network_whatever_body_it_sits_in(registry: Running, room: Room) -> None:
    desk = {"title": "Segretaria generale", "role": "secretariat"}
    made = await body(room, "Segreteria", "secretariat", seats=[desk])
    person = await room.person()
    mandate = {"role": "secretariat", "since": day(registry), "seat_id": made["vacant"][0]["id"]}
    given = await room.made(f"/networks/{room.slug}/mandates", {"person_id": person["id"], **mandate})
    assert given["body"]["id"] == made["id"]
    (grant,) = await grants(registry, person)
    assert (grant["role"], grant["body_id"]) == ("secretariat", None)
    caller = Caller(registry, registry.signed_in(UUID(person["id"])))
    committee = {"name": "Comitato", "kind": "executive_committee"}
    founded = await caller.made(f"/networks/{room.slug}/bodies", committee)
    changed = await caller.patch(f"/bodies/{founded['id']}", {"proxies": 1}, tag(founded))
    assert changed.status_code == 200, changed.text


async def test_a_second_referent_is_refused_with_the_holders_name(registry: Running, room: Room) -> None:
    made, organisations = await committee(registry, room, ["ACLI"])
    acli = organisations["ACLI"]
    held = await room.mandate(
        await room.person(),
        "referent",
        day(registry),
        until=day(registry, 9),
        organisation_id=acli["id"],
        body_id=made["id"],
    )
    second = designation(await room.person("Marco"), acli, day(registry, 8), body_id=made["id"])
    refused = await room.post(f"/networks/{room.slug}/mandates", second, **{"accept-language": "en"})
    assert problem(refused) == (409, "office-taken")
    detail = refused.json()["detail"]
    assert "Giulia Serra" in detail
    assert held["id"] in detail
    assert day(registry, 9) in detail
    assert refused.json()["errors"] == [{"path": "/since", "code": "taken", "accepted": f"from {day(registry, 9)}"}]
    await room.made(f"/networks/{room.slug}/mandates", {**second, "since": day(registry, 9)})
    longer = await room.post(f"/mandates/{held['id']}/extend", {"until": None}, await etag(room, held))
    assert problem(longer) == (409, "office-taken")
    assert "Marco Serra" in longer.json()["detail"]
    assert "(fino a: –)" in longer.json()["detail"]
    assert longer.json()["errors"] == [{"path": "/until", "code": "taken", "accepted": f"not after {day(registry, 9)}"}]


async def test_a_network_and_its_committee_may_have_different_referents(registry: Running, room: Room) -> None:
    """The office in the network and the seat in the body are two."""
    made, organisations = await committee(registry, room, ["ACLI"])
    acli, url = organisations["ACLI"], f"/networks/{room.slug}/mandates"
    giulia, marco = await room.person(), await room.person("Marco")
    await room.made(url, designation(giulia, acli, day(registry)))
    await room.made(url, designation(marco, acli, day(registry), body_id=made["id"]))
    assert problem(await room.post(url, designation(marco, acli, day(registry)))) == (409, "office-taken")


async def test_a_place_in_another_network_is_not_there(registry: Running, room: Room, other_room: Room) -> None:
    theirs, _ = await committee(registry, other_room, ["ACLI"])
    (seat,) = await seats(other_room, theirs)
    own, person = await room.organisation(), await room.person()
    for place, path in (({"body_id": theirs["id"]}, "/body_id"), ({"seat_id": seat["id"]}, "/seat_id")):
        refused = await room.post(f"/networks/{room.slug}/mandates", designation(person, own, day(registry), **place))
        assert problem(refused) == (422, "place-invalid")
        (error,) = refused.json()["errors"]
        assert (error["path"], error["code"]) == (path, "unknown")
        assert error["accepted"].endswith("this network")


async def test_a_designation_for_another_association_is_refused(registry: Running, room: Room) -> None:
    made, organisations = await committee(registry, room, ["ACLI", "CNCA"])
    acli, cnca = organisations["ACLI"], organisations["CNCA"]
    own = next(seat for seat in await seats(room, made) if seat["title"] == "ACLI")
    wrong = designation(await room.person(), cnca, day(registry), body_id=made["id"], seat_id=own["id"])
    refused = await room.post(f"/networks/{room.slug}/mandates", wrong)
    assert problem(refused) == (422, "seat-of-another")
    assert refused.json()["errors"] == [{"path": "/organisation_id", "code": "seat_of_another", "accepted": acli["id"]}]
    assert await holders(room, made, day(registry)) == {"ACLI": None, "CNCA": None}


@pytest.mark.parametrize(
    ("wrong", "type_", "path"),
    [
        ({"seat_id": str(uuid4())}, "place-invalid", "/seat_id"),
        ({"body_id": str(uuid4())}, "place-invalid", "/body_id"),
        ({"organisation_id": None}, "place-invalid", "/organisation_id"),
        ({"organisation_id": str(uuid4())}, "place-invalid", "/organisation_id"),
        ({"role": "delegate"}, "place-invalid", "/role"),
        ({"territory": "03"}, "misplaced", "/territory"),
        ({"since": "2020-01-01"}, "invalid-term", "/since"),
        ({"until": "2020-01-01"}, "invalid-term", "/until"),
        ({"body_id": "comitato"}, "invalid", "/body_id"),
    ],
)
async def test_what_does_not_go_with_the_body_is_named(
    registry: Running, room: Room, wrong: dict[str, Any], type_: str, path: str
) -> None:
    made, organisations = await committee(registry, room, ["ACLI"])
    good = designation(await room.person(), organisations["ACLI"], day(registry), body_id=made["id"])
    refused = await room.post(f"/networks/{room.slug}/mandates", {**good, **wrong})
    assert problem(refused) == (422, type_)
    assert path in [error["path"] for error in refused.json()["errors"]]
    assert await registry.sql("select 1 from mandates where network_id = :id", id=room.id) == []


async def test_a_body_of_another_network_takes_nobody(registry: Running, room: Room, other_room: Room) -> None:
    made, organisations = await committee(registry, room, ["ACLI"])
    elsewhere = await body(other_room, "Gruppo", "working_group", seats=[{"title": "A", "role": "referent"}])
    good = designation(await room.person(), organisations["ACLI"], day(registry))
    url = f"/networks/{room.slug}/mandates"
    for wrong in (
        {"seat_id": elsewhere["vacant"][0]["id"]},
        {"body_id": elsewhere["id"], "seat_id": elsewhere["vacant"][0]["id"]},
        {"body_id": made["id"], "seat_id": elsewhere["vacant"][0]["id"]},
        {"body_id": elsewhere["id"]},
    ):
        refused = await room.post(url, {**good, **wrong})
        assert problem(refused) == (422, "place-invalid"), wrong
        assert refused.json()["errors"][0]["path"] in ("/body_id", "/seat_id")
    assert await seats(other_room, elsewhere, vacant=False) == []


async def test_of_many_who_want_a_seat_at_once_one_gets_it(registry: Running, room: Room) -> None:
    made, organisations = await committee(registry, room, ["ACLI"])
    people = [await room.person(f"Persona {n}") for n in range(8)]
    url = f"/networks/{room.slug}/mandates"
    bodies = [designation(one, organisations["ACLI"], day(registry), body_id=made["id"]) for one in people]
    answers = await asyncio.gather(*(room.post(url, one) for one in bodies))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 7
    assert len(await seats(room, made, vacant=False)) == 1


async def test_the_database_too_allows_no_day_with_two_holders(registry: Running, room: Room) -> None:
    made, organisations = await committee(registry, room, ["ACLI"])
    acli = organisations["ACLI"]["id"]
    await room.mandate(await room.person(), "referent", day(registry), organisation_id=acli, body_id=made["id"])
    copied = (
        "insert into mandates (id, network_id, person_id, role, organisation_id, body_id, seat_id, since, holds_over,"
        " told, version) select :id, network_id, person_id, role, organisation_id, {body}, seat_id, since + 1, false,"
        " told, 1 from mandates where network_id = :network"
    )
    with pytest.raises(Exception, match="mandates_one_holder"):
        await registry.sql(copied.format(body="body_id"), id=uuid4(), network=room.id)
    with pytest.raises(Exception, match="mandates_seat_of_body"):
        await registry.sql(copied.format(body="null"), id=uuid4(), network=room.id)


async def test_a_seat_changes_hands_without_a_day_between(registry: Running, room: Room) -> None:
    made, organisations = await committee(registry, room, ["ACLI"])
    acli = organisations["ACLI"]["id"]
    old = await room.mandate(
        await room.person(), "referent", day(registry, -5), organisation_id=acli, body_id=made["id"]
    )
    successor = {"person_id": (await room.person("Marco", "Leone"))["id"], "since": day(registry, 1)}
    answer = await room.post(f"/mandates/{old['id']}/replace", successor, await etag(room, old))
    assert answer.status_code == 201, answer.text
    new = answer.json()
    assert (new["seat_id"], new["body"]) == (old["seat_id"], old["body"])
    by_day = {offset: (await holders(room, made, day(registry, offset)))["ACLI"] for offset in (-6, -5, 0, 1, 400)}
    assert by_day == {
        -6: None,
        -5: "Giulia Serra",
        0: "Giulia Serra",
        1: "Marco Leone",
        400: "Marco Leone",
    }
    await let_pass(registry, 1)
    (seat,) = await seats(room, made)
    assert (seat["holder"]["mandate_id"], seat["holder"]["state"]) == (new["id"], "in_office")


async def test_a_seat_is_vacant_from_the_day_on_which_its_holder_ends(registry: Running, room: Room) -> None:
    made, organisations = await committee(registry, room, ["ACLI"])
    acli = organisations["ACLI"]["id"]
    mandate = await room.mandate(
        await room.person(), "referent", day(registry, -5), organisation_id=acli, body_id=made["id"]
    )
    leaving = {"reason": "resigned", "on": day(registry, 3)}
    assert (await room.post(f"/mandates/{mandate['id']}/end", leaving, await etag(room, mandate))).status_code == 200
    assert (await holders(room, made, day(registry, 2)))["ACLI"] == "Giulia Serra"
    assert [seat["title"] for seat in await seats(room, made, on=day(registry, 3), vacant=True)] == ["ACLI"]
    assert (await room.found(f"/bodies/{made['id']}"))["seats"]["count"] == 1
    await let_pass(registry, 3)
    assert (await room.found(f"/bodies/{made['id']}"))["seats"] == {"count": 0, "of": 1, "share": 0.0}
    assert (await holders(room, made, day(registry, -1)))["ACLI"] == "Giulia Serra"  # who held it on that day


async def test_mandates_are_found_by_body_and_by_seat(registry: Running, room: Room) -> None:
    made, organisations = await committee(registry, room, ["ACLI", "CNCA"])
    given = []
    for name in ("ACLI", "CNCA"):
        organisation = organisations[name]["id"]
        person = await room.person(name)
        given.append(
            await room.mandate(person, "referent", day(registry), organisation_id=organisation, body_id=made["id"])
        )
    await room.mandate(await room.person(), "secretariat", day(registry))
    url = f"/networks/{room.slug}/mandates"

    async def ids(**filters: Any) -> list[str]:
        return [one["id"] for one in (await room.found(url, **filters))["items"]]

    assert await ids(body=made["id"]) == [one["id"] for one in given]
    assert await ids(seat=given[1]["seat_id"]) == [given[1]["id"]]
    assert await ids(seat=[one["seat_id"] for one in given]) == [one["id"] for one in given]
    assert await ids(body=str(uuid4())) == []


async def test_named_seats_are_added_held_by_anybody_and_closed(registry: Running, room: Room) -> None:
    ponti, reti = await room.organisation(), await room.organisation("Reti")
    made = await body(room, "Gruppo", "working_group", seats=[{"title": "Portavoce", "role": "representative"}])
    reserved = {"title": "Tesoriera", "role": "member", "organisation_id": reti["id"]}
    answer = await room.post(f"/bodies/{made['id']}/seats", reserved)
    assert answer.status_code == 201, answer.text
    seat = answer.json()
    assert answer.headers["location"] == seat["href"] == f"/registry/v1/seats/{seat['id']}"
    assert (seat["organisation"]["name"], seat["vacant"], seat["allowed_actions"]) == ("Reti", True, ["close"])
    url = f"/networks/{room.slug}/mandates"
    giulia, marco = await room.person(), await room.person("Marco", "Leone")
    spokes = {"person_id": giulia["id"], "role": "representative", "since": day(registry)}
    free = made["vacant"][0]["id"]
    held = await room.made(url, {**spokes, "organisation_id": ponti["id"], "seat_id": free})
    treasurer = {"person_id": marco["id"], "role": "member", "since": day(registry), "seat_id": seat["id"]}
    assert (await room.made(url, treasurer))["organisation"]["name"] == "Reti"  # the seat says for whom
    taken = await room.post(url, {**spokes, "person_id": marco["id"], "organisation_id": reti["id"], "seat_id": free})
    assert problem(taken) == (409, "office-taken")  # whichever organisation sends them
    lacking = await room.post(url, {**spokes, "organisation_id": ponti["id"], "body_id": made["id"]})
    assert (problem(lacking), lacking.json()["errors"][0]["path"]) == ((422, "place-invalid"), "/seat_id")
    last = day(registry, 2)
    closed = await room.post(f"/seats/{free}/close", {"on": last}, '"1"')
    assert (closed.status_code, closed.json()["until"], closed.json()["allowed_actions"]) == (200, last, [])
    shown = await room.found(f"/mandates/{held['id']}")
    assert (shown["ends"], shown["end_reason"]) == (last, "seat_closed")
    assert [fact for fact, _ in await told(registry, "seat", free)] == ["created", "closed"]
    assert problem(await room.post(f"/seats/{free}/close", {}, '"2"')) == (409, "seat-closed")
    late = {**spokes, "organisation_id": ponti["id"], "seat_id": free, "since": last}
    assert problem(await room.post(url, late)) == (409, "seat-closed")
    await let_pass(registry, 2)
    assert [one["title"] for one in await seats(room, made)] == ["Tesoriera"]
    assert (await room.found(f"/mandates/{held['id']}"))["state"] == "ended"


async def test_seats_that_follow_the_members_are_not_made_or_closed_by_hand(registry: Running, room: Room) -> None:
    made, _ = await committee(registry, room, ["ACLI"])
    (seat,) = await seats(room, made)
    assert seat["allowed_actions"] == []
    added = await room.post(f"/bodies/{made['id']}/seats", {"title": "Ottavo", "role": "referent"})
    assert problem(added) == (409, "seats-not-by-hand")
    assert problem(await room.post(f"/seats/{seat['id']}/close", {}, tag(seat))) == (409, "seats-not-by-hand")


async def test_closing_needs_the_version_and_the_right(registry: Running, room: Room, other_room: Room) -> None:
    made = await body(room, "Gruppo", "working_group", seats=[{"title": "Portavoce", "role": "member"}])
    url = f"/seats/{made['vacant'][0]['id']}/close"
    assert problem(await room.post(url)) == (428, "if-match-missing")
    assert problem(await room.post(url, etag='"7"')) == (412, "version-mismatch")
    assert problem(await room.post(url, {"on": day(registry, -1)}, '"1"')) == (422, "body-invalid")
    assert problem(await other_room.post(url, etag='"1"')) == (404, "not-found")
    reader = Caller(registry, await registry.holder("coordinator", room.id, territory="03"))
    assert problem(await reader.post(url, etag='"1"')) == (403, "forbidden")
    assert problem(await room.get(f"/seats/{uuid4()}")) == (404, "not-found")

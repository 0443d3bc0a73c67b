"""Bodies as the secretariat makes them: over HTTP, with what the other services are told."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.harness import Running
from tests.registry.conftest import Caller, Room, problem
from tests.registry.mandates.test_mandates import day, let_pass


async def body(room: Room, name: str = "Comitato esecutivo", kind: str = "executive_committee", **more: Any) -> Any:
    return await room.made(f"/networks/{room.slug}/bodies", {"name": name, "kind": kind, **more})


async def member(room: Room, name: str, since: str) -> Any:
    """An organisation that has been an active member for a while."""
    entered = {"name": name, "kind": "informal_group", "state": "active", "since": since}
    return await room.made(f"/networks/{room.slug}/organisations", entered)


async def told(registry: Running, aggregate: str, id_: str) -> list[tuple[str, dict[str, Any]]]:
    """(fact, content) of everything said about a body or a seat, in order."""
    facts = await registry.published(f"registry.{aggregate}.{id_}.*")
    return [(type_.split(".")[3], content) for type_, content in facts]


def tag(one: Any) -> str:
    return f'"{one["version"]}"'


async def test_a_committee_has_a_seat_for_each_active_member(registry: Running, room: Room) -> None:
    names = ["Acli", "CNCA", "MoVI"]
    for name in names:
        await room.organisation(name)
    candidate = {"name": "Zeta", "kind": "informal_group"}
    await room.made(f"/networks/{room.slug}/organisations", candidate)
    answer = await room.post(
        f"/networks/{room.slug}/bodies", {"name": "Comitato esecutivo", "kind": "executive_committee"}
    )
    made = answer.json()
    assert answer.headers["location"] == made["href"] == f"/registry/v1/bodies/{made['id']}"
    assert (made["state"], made["composition"], made["roles"]) == ("constituted", "one_per_member", ["referent"])
    assert (made["constituted_on"], made["version"]) == (day(registry), 1)
    assert made["seats"] == {"count": 0, "of": 3, "share": 0.0}
    assert [seat["name"] for seat in made["vacant"]] == names
    assert made["allowed_actions"] == ["change", "dissolve"]
    assert (await room.found(f"/bodies/{made['id']}")) == made
    ((fact, content),) = await told(registry, "body", made["id"])
    assert (fact, content["title"], content["state"]) == ("established", "Comitato esecutivo", "constituted")
    assert content["first_call"] == {"numerator": 1, "denominator": 2, "exceeded": True, "at_least": 1}
    assert content["network_id"] == str(room.id)
    ((created, seat),) = await told(registry, "seat", made["vacant"][0]["id"])
    assert (created, seat["title"], seat["role"], seat["body_id"]) == ("created", "Acli", "referent", made["id"])
    assert (seat["since"], seat["until"], seat["version"]) == (day(registry), None, 1)


async def test_an_assembly_begins_with_the_law(registry: Running, room: Room) -> None:
    made = await body(room, "Assemblea", "assembly")
    assert (made["composition"], made["roles"], made["proxies"]) == ("one_per_member", ["delegate"], 3)
    assert made["first_call"] == {"numerator": 1, "denominator": 2, "exceeded": False, "at_least": 1}
    assert made["second_call"] == {"numerator": 0, "denominator": 1, "exceeded": False, "at_least": 1}
    assert made["seats"] == {"count": 0, "of": 0, "share": None}  # of nothing there is no share


async def test_from_five_hundred_members_on_five_proxies_are_allowed(registry: Running, room: Room) -> None:
    """Counted among the network's active members, when the proxies are decided."""
    url = f"/networks/{room.slug}/bodies"
    four = {"name": "Assemblea", "kind": "assembly", "proxies": 4}
    refused = await room.post(url, four)
    assert problem(refused) == (422, "body-invalid")
    assert refused.json()["errors"] == [{"path": "/proxies", "code": "range", "accepted": "0 to 3"}]
    await registry.sql(
        "with many as (insert into organisations (id, title, kind, created_at, updated_at, version)"
        " select gen_random_uuid(), 'Ente ' || n, 'informal_group', now(), now(), 1 from generate_series(1, 500) n"
        " returning id)"
        " insert into memberships (id, network_id, organisation_id, state, since, created_at, updated_at, version)"
        " select gen_random_uuid(), :network, id, 'active', '2020-01-01', now(), now(), 1 from many",
        network=room.id,
    )
    made = await body(room, "Assemblea", "assembly")
    assert (made["proxies"], made["seats"]["of"], len(made["vacant"])) == (5, 500, 20)
    assert (await room.made(url, four))["proxies"] == 4
    refused = await room.patch(f"/bodies/{made['id']}", {"proxies": 6}, tag(made))
    assert refused.json()["errors"] == [{"path": "/proxies", "code": "range", "accepted": "0 to 5"}]
    pages = 0
    after: dict[str, str] = {}
    names: list[str] = []
    while True:
        page = await room.found(f"/bodies/{made['id']}/seats", limit=200, **after)
        names += [seat["title"] for seat in page["items"]]
        pages += 1
        if page["next"] is None:
            break
        after = {"after": page["next"]}
    assert (pages, len(names), len(set(names))) == (3, 500, 500)


async def test_a_regional_coordination_is_forming_and_a_territory_has_one(registry: Running, room: Room) -> None:
    made = await body(room, "Coordinamento lombardo", "regional_coordination", territory="03")
    assert (made["state"], made["composition"], made["constituted_on"]) == ("forming", "by_territory", None)
    assert (made["roles"], made["seats"]) == (["representative", "coordinator"], None)
    again: dict[str, Any] = {"name": "Un altro", "kind": "regional_coordination", "territory": "03"}
    refused = await room.post(f"/networks/{room.slug}/bodies", again)
    assert problem(refused) == (409, "coordination-exists")
    assert problem(await room.post(f"/bodies/{made['id']}/constitute", {}, tag(made))) == (409, "by-its-path")
    gone = await room.post(f"/bodies/{made['id']}/dissolve", etag=tag(made))
    assert gone.status_code == 200, gone.text
    assert (await body(room, **{**again, "forming": False}))["state"] == "constituted"  # it was there before Trama


async def test_a_body_that_is_forming_is_constituted_by_hand(registry: Running, room: Room) -> None:
    made = await body(room, "Gruppo", "working_group", forming=True)
    assert (made["state"], made["constituted_on"]) == ("forming", None)
    assert made["allowed_actions"] == ["change", "dissolve", "constitute", "add_seat"]
    url = f"/bodies/{made['id']}/constitute"
    refused = await room.post(url, {"on": day(registry, 1)}, tag(made))
    assert (problem(refused), refused.json()["errors"][0]["path"]) == ((422, "body-invalid"), "/on")
    done = await room.post(url, {"on": day(registry, -3)}, tag(made))
    assert (done.status_code, done.json()["constituted_on"]) == (200, day(registry, -3))
    assert problem(await room.post(url, {}, done.headers["etag"])) == (409, "constituted-already")
    assert [fact for fact, _ in await told(registry, "body", made["id"])] == ["established", "constituted"]


async def test_a_body_is_changed_and_every_version_told(registry: Running, room: Room) -> None:
    national = await body(room)
    group = await body(room, "Gruppo", "working_group")
    changes = {
        "name": "Gruppo comunicazione",
        "parent_id": national["id"],
        "first_call": {"numerator": 2, "denominator": 3, "exceeded": False},
        "second_call": {"numerator": 0, "denominator": 1, "exceeded": False, "at_least": 2},
        "proxies": 1,
    }
    changed = await room.patch(f"/bodies/{group['id']}", changes, tag(group))
    assert changed.status_code == 200, changed.text
    shown = changed.json()
    assert (shown["name"], shown["proxies"], shown["version"]) == ("Gruppo comunicazione", 1, 2)
    assert shown["parent"] == {"id": national["id"], "name": national["name"], "href": national["href"]}
    assert shown["first_call"] == {"numerator": 2, "denominator": 3, "exceeded": False, "at_least": 1}
    assert shown["second_call"]["at_least"] == 2
    same = await room.patch(f"/bodies/{group['id']}", {"proxies": 1}, changed.headers["etag"])
    assert same.json() == shown
    single = await room.patch(f"/bodies/{group['id']}", {"second_call": None, "parent_id": None}, tag(shown))
    assert (single.json()["second_call"], single.json()["parent"]) == (None, None)
    facts = await told(registry, "body", group["id"])
    assert [(fact, content["version"]) for fact, content in facts] == [
        ("established", 1),
        ("changed", 2),
        ("changed", 3),
    ]
    assert facts[1][1]["parent_id"] == national["id"]
    assert problem(await room.patch(f"/bodies/{group['id']}", {"proxies": 2})) == (428, "if-match-missing")
    assert problem(await room.patch(f"/bodies/{group['id']}", {"proxies": 2}, '"1"')) == (412, "version-mismatch")


@pytest.mark.parametrize(
    ("wrong", "type_", "path"),
    [
        ({"name": "   "}, "invalid", "/name"),
        ({"name": "x" * 201}, "invalid", "/name"),
        ({"kind": "parliament"}, "invalid", "/kind"),
        ({"territory": "99"}, "territory-unknown", "/territory"),
        ({"kind": "regional_coordination"}, "body-invalid", "/territory"),
        ({"composition": "by_territory"}, "body-invalid", "/territory"),
        ({"composition": "one_per_member", "roles": []}, "body-invalid", "/roles"),
        ({"composition": "open", "roles": ["secretariat", "member"]}, "body-invalid", "/roles"),
        ({"parent_id": str(uuid4())}, "body-invalid", "/parent_id"),
        ({"first_call": {"numerator": 3, "denominator": 2}}, "body-invalid", "/first_call/numerator"),
        ({"first_call": {"denominator": 0}}, "body-invalid", "/first_call/denominator"),
        ({"second_call": {"at_least": 0}}, "body-invalid", "/second_call/at_least"),
        ({"second_call": {"at_least": 10**30}}, "body-invalid", "/second_call/at_least"),
        ({"proxies": -1}, "body-invalid", "/proxies"),
        ({"proxies": 10**30}, "body-invalid", "/proxies"),
        ({"constituted_on": "2126-01-01"}, "body-invalid", "/constituted_on"),
        ({"constituted_on": "2026-01-01", "forming": True}, "body-invalid", "/constituted_on"),
        ({"composition": "open", "seats": [{"title": "A", "role": "member"}]}, "seats-not-by-hand", None),
        ({"seats": [{"title": "A", "role": "secretariat"}]}, "body-invalid", "/seats/0/role"),
        ({"seats": [{"title": " ", "role": "member"}]}, "invalid", "/seats/0/title"),
        (
            {"seats": [{"title": "A", "role": "member", "organisation_id": str(uuid4())}]},
            "body-invalid",
            "/seats/0/organisation_id",
        ),
        ({"colour": "red"}, "invalid", "/colour"),
    ],
)
async def test_bad_input_is_named(registry: Running, room: Room, wrong: Any, type_: str, path: str | None) -> None:
    answer = await room.post(f"/networks/{room.slug}/bodies", {"name": "Gruppo", "kind": "working_group", **wrong})
    status, found = problem(answer)
    assert (found, status) == (type_, 409 if path is None else 422)
    if path is not None:
        assert path in [error["path"] for error in answer.json()["errors"]], answer.text
    assert (await room.found(f"/networks/{room.slug}/bodies"))["items"] == []


@pytest.mark.parametrize("field", ["name", "first_call", "proxies", "roles"])
async def test_what_a_body_must_have_is_not_taken_away(registry: Running, room: Room, field: str) -> None:
    made = await body(room)
    refused = await room.patch(f"/bodies/{made['id']}", {field: None}, tag(made))
    assert (problem(refused), refused.json()["errors"][0]["path"]) == ((422, "body-invalid"), f"/{field}")


async def test_bodies_make_a_tree_and_never_a_circle(registry: Running, room: Room, other_room: Room) -> None:
    top = await body(room)
    middle = await body(room, "Gruppo", "working_group", parent_id=top["id"])
    low = await body(room, "Sottogruppo", "working_group", parent_id=middle["id"])
    elsewhere = await body(other_room)
    for parent in (low["id"], middle["id"], top["id"], elsewhere["id"]):
        refused = await room.patch(f"/bodies/{top['id']}", {"parent_id": parent}, tag(top))
        assert (problem(refused), refused.json()["errors"][0]["path"]) == ((422, "body-invalid"), "/parent_id")
    assert [one["id"] for one in (await listed(room, parent=top["id"]))] == [middle["id"]]


async def test_two_moves_at_once_make_no_circle(registry: Running, room: Room) -> None:
    one, two = await body(room, "Uno", "working_group"), await body(room, "Due", "working_group")
    answers = await asyncio.gather(
        room.patch(f"/bodies/{one['id']}", {"parent_id": two["id"]}, tag(one)),
        room.patch(f"/bodies/{two['id']}", {"parent_id": one["id"]}, tag(two)),
    )
    assert sorted(answer.status_code for answer in answers) == [200, 422]


async def listed(room: Room, **filters: Any) -> list[Any]:
    found: list[Any] = (await room.found(f"/networks/{room.slug}/bodies", **filters))["items"]
    return found


async def test_lists_are_filtered_sorted_and_paged(registry: Running, room: Room) -> None:
    committee = await body(room, "Comitato", constituted_on=day(registry, -10))
    lecco = await body(room, "Gruppo lecchese", "working_group", territory="LC")
    lombardy = await body(room, "Coordinamento", "regional_coordination", territory="03")
    open_ = await body(room, "Àncora aperta", "community_of_practice")
    gone = await room.post(f"/bodies/{open_['id']}/dissolve", etag=tag(open_))
    assert gone.status_code == 200

    async def ids(**filters: Any) -> list[str]:
        return [one["id"] for one in await listed(room, **filters)]

    every = [committee["id"], lecco["id"], lombardy["id"], open_["id"]]
    assert await ids() == every
    assert await ids(kind=["working_group", "executive_committee"]) == every[:2]
    assert await ids(state="dissolved") == [open_["id"]]
    assert await ids(composition="by_territory") == [lombardy["id"]]
    assert await ids(territory="03") == [lecco["id"], lombardy["id"]]
    assert await ids(territory="097") == [lecco["id"]]
    assert await ids(territory="05") == []
    assert await ids(q="GRUPPO") == [lecco["id"]]
    assert await ids(q="ancora") == [open_["id"]]
    assert await ids(q="%") == []
    assert await ids(on=day(registry, -5)) == [committee["id"]]
    assert await ids(on=day(registry)) == [committee["id"], lecco["id"]]  # the last is no more on the day it ends
    assert await ids(sort="name") == [open_["id"], committee["id"], lombardy["id"], lecco["id"]]
    assert await ids(sort="-name") == [lecco["id"], lombardy["id"], committee["id"], open_["id"]]
    assert (await ids(sort="-updated"))[0] == open_["id"]
    first = await room.found(f"/networks/{room.slug}/bodies", limit=3)
    rest = await room.found(f"/networks/{room.slug}/bodies", limit=3, after=first["next"])
    assert [one["id"] for one in first["items"] + rest["items"]] == every
    assert problem(await room.get(f"/networks/{room.slug}/bodies", colour="red")) == (422, "invalid")


async def test_the_figures_of_a_list_are_those_of_its_bodies(registry: Running, room: Room) -> None:
    acli, _ = await room.organisation("Acli"), await room.organisation("CNCA")
    committee = await body(room)
    assembly = await body(room, "Assemblea", "assembly")
    await room.mandate(
        await room.person(), "referent", day(registry), organisation_id=acli["id"], body_id=committee["id"]
    )
    found = {one["id"]: one for one in await listed(room)}
    assert found[committee["id"]]["seats"] == {"count": 1, "of": 2, "share": 0.5}
    assert found[assembly["id"]]["seats"] == {"count": 0, "of": 2, "share": 0.0}
    assert [seat["name"] for seat in found[committee["id"]]["vacant"]] == ["CNCA"]
    assert found[committee["id"]] == await room.found(f"/bodies/{committee['id']}")


async def test_a_body_of_another_network_is_not_there(registry: Running, room: Room, other_room: Room) -> None:
    made = await body(room)
    assert problem(await other_room.get(f"/bodies/{made['id']}")) == (404, "not-found")
    assert problem(await other_room.get(f"/bodies/{made['id']}/seats")) == (404, "not-found")
    assert problem(await other_room.get(f"/bodies/{made['id']}/members")) == (404, "not-found")
    assert problem(await other_room.patch(f"/bodies/{made['id']}", {"name": "X"}, tag(made))) == (404, "not-found")
    assert problem(await other_room.post(f"/bodies/{made['id']}/dissolve", etag=tag(made))) == (404, "not-found")
    assert problem(await room.get(f"/bodies/{uuid4()}")) == (404, "not-found")
    assert problem(await room.post(f"/bodies/{uuid4()}/dissolve", etag='"1"')) == (404, "not-found")
    assert problem(await room.patch(f"/bodies/{uuid4()}", {"parent_id": made["id"]}, '"1"')) == (404, "not-found")


@pytest.mark.parametrize("role", ["coordinator", "referent", "representative", "delegate", "member"])
async def test_everybody_reads_bodies_and_only_the_secretariat_makes_them(
    registry: Running, room: Room, role: str
) -> None:
    made = await body(room, "Gruppo", "working_group")
    reader = Caller(registry, await registry.holder(role, room.id))
    shown = await reader.found(f"/bodies/{made['id']}")
    assert (shown["name"], shown["allowed_actions"]) == ("Gruppo", [])
    assert [one["id"] for one in (await reader.found(f"/networks/{room.slug}/bodies"))["items"]] == [made["id"]]
    new = {"name": "X", "kind": "working_group"}
    seat = {"title": "X", "role": "member"}
    for answer in (
        await reader.post(f"/networks/{room.slug}/bodies", new),
        await reader.patch(f"/bodies/{made['id']}", {"name": "X"}, tag(made)),
        await reader.post(f"/bodies/{made['id']}/dissolve", etag=tag(made)),
        await reader.post(f"/bodies/{made['id']}/constitute", etag=tag(made)),
        await reader.post(f"/bodies/{made['id']}/seats", seat),
    ):
        assert problem(answer) == (403, "forbidden")


async def test_a_partners_key_reads_bodies_and_joins_none(registry: Running, room: Room) -> None:
    made = await body(room, "Comunità", "community_of_practice")
    url = f"/networks/{room.slug}/api-keys"
    key = await room.made(url, {"title": "Sito", "scopes": ["registry:read_bodies", "registry:join_bodies"]})
    site = Caller(registry, {"authorization": f"Bearer {key['credential']}"})
    assert (await site.found(f"/bodies/{made['id']}"))["allowed_actions"] == []
    assert problem(await site.post(f"/bodies/{made['id']}/join")) == (403, "forbidden")


async def test_dissolving_ends_the_mandates_and_closes_the_seats(registry: Running, room: Room) -> None:
    acli, cnca = [await member(room, name, day(registry, -20)) for name in ("Acli", "CNCA")]
    committee = await body(room, constituted_on=day(registry, -10))
    giulia, marco = await room.person(), await room.person("Marco", "Leone")
    here = {"body_id": committee["id"]}
    held = await room.mandate(giulia, "referent", day(registry, -5), organisation_id=acli["id"], **here)
    coming = await room.mandate(marco, "referent", day(registry, 5), organisation_id=cnca["id"], **here)
    own = await room.mandate(giulia, "referent", day(registry), organisation_id=acli["id"])
    part = await body(room, "Gruppo", "working_group", parent_id=committee["id"])
    url = f"/bodies/{committee['id']}/dissolve"
    refused = await room.post(url, etag=tag(committee))
    assert problem(refused) == (409, "body-has-parts")
    assert "Gruppo" in refused.json()["detail"]
    assert (await room.post(f"/bodies/{part['id']}/dissolve", etag=tag(part))).status_code == 200
    gone = await room.post(url, etag=tag(committee))
    assert gone.status_code == 200, gone.text
    shown = gone.json()
    assert (shown["state"], shown["dissolved_on"], shown["allowed_actions"]) == ("dissolved", day(registry), [])
    assert shown["seats"] == {"count": 0, "of": 0, "share": None}
    await registry.settled()
    mandates = {one["id"]: one for one in (await room.found(f"/networks/{room.slug}/mandates"))["items"]}
    assert (mandates[held["id"]]["state"], mandates[held["id"]]["ends"]) == ("ended", day(registry))
    assert (mandates[coming["id"]]["state"], mandates[coming["id"]]["end_reason"]) == ("ended", "body_dissolved")
    assert mandates[own["id"]]["state"] == "in_office"  # in the network, not in the body
    yesterday = (await room.found(f"/bodies/{committee['id']}/seats", on=day(registry, -1)))["items"]
    assert [seat["holder"] and seat["holder"]["person"]["name"] for seat in yesterday] == ["Giulia Serra", None]
    assert (await room.found(f"/bodies/{committee['id']}/seats"))["items"] == []
    for seat in yesterday:
        facts = await told(registry, "seat", seat["id"])
        assert [fact for fact, _ in facts] == ["created", "closed"]
        assert (facts[1][1]["until"], facts[1][1]["version"]) == (day(registry), 2)
    assert [fact for fact, _ in await told(registry, "body", committee["id"])] == ["established", "dissolved"]
    late = {"person_id": marco["id"], "role": "referent", "since": day(registry), "organisation_id": cnca["id"], **here}
    assert problem(await room.post(f"/networks/{room.slug}/mandates", late)) == (409, "body-dissolved")
    assert problem(await room.post(url, etag=gone.headers["etag"])) == (409, "body-dissolved")
    renamed = await room.patch(f"/bodies/{committee['id']}", {"name": "X"}, gone.headers["etag"])
    assert problem(renamed) == (409, "body-dissolved")


async def test_a_designation_withdrawn_in_time_does_not_stand_in_the_way(registry: Running, room: Room) -> None:
    """It has no day, though its first one is still to come."""
    acli = await room.organisation("Acli")
    committee = await body(room)
    more = {"organisation_id": acli["id"], "body_id": committee["id"]}
    withdrawn = await room.mandate(await room.person(), "referent", day(registry, 9), **more)
    ended = await room.post(f"/mandates/{withdrawn['id']}/end", {"reason": "declined"}, tag(withdrawn))
    assert ended.status_code == 200, ended.text
    assert (await room.post(f"/bodies/{committee['id']}/dissolve", etag=tag(committee))).status_code == 200
    (membership,) = (await room.found(f"/networks/{room.slug}/memberships"))["items"]
    gone = await room.post(f"/memberships/{membership['id']}/withdraw", {}, tag(membership))
    assert gone.status_code == 200, gone.text


async def test_who_belongs_to_a_coordination_follows_from_the_territory(registry: Running, room: Room) -> None:
    acli = await room.organisation("Acli")
    made = await body(room, "Coordinamento", "regional_coordination", territory="03")
    giulia, marco, irene = await room.person(), await room.person("Marco"), await room.person("Irene")
    own = {"organisation_id": acli["id"]}
    inside = [
        await room.mandate(giulia, "representative", day(registry), territory="E507", **own),
        await room.mandate(marco, "coordinator", day(registry), territory="03"),
        await room.mandate(irene, "representative", day(registry, 3), territory="097", **own),
    ]
    await room.mandate(irene, "representative", day(registry), territory="05", **own)  # Veneto
    await room.mandate(irene, "representative", day(registry), **own)  # the whole network
    await room.mandate(irene, "delegate", day(registry), territory="03", **own)
    url = f"/bodies/{made['id']}/members"
    assert [one["id"] for one in (await room.found(url))["items"]] == [one["id"] for one in inside[:2]]
    later = await room.found(url, on=day(registry, 3))
    assert [(one["id"], one["state"]) for one in later["items"]] == [(one["id"], "in_office") for one in inside]
    refused = await room.post(
        f"/networks/{room.slug}/mandates",
        {
            "person_id": irene["id"],
            "role": "coordinator",
            "since": day(registry),
            "territory": "03",
            "body_id": made["id"],
        },
    )
    assert (problem(refused), refused.json()["errors"][0]["path"]) == ((422, "place-invalid"), "/body_id")


async def test_people_join_and_leave_an_open_body_by_themselves(registry: Running, room: Room) -> None:
    ponti, reti = await room.organisation(), await room.organisation("Reti")
    made = await body(room, "Comunità di pratica", "community_of_practice")
    assert (made["composition"], made["roles"], made["seats"]) == ("open", ["member"], None)
    person = await room.person()
    await room.mandate(person, "delegate", day(registry), organisation_id=ponti["id"])
    await registry.settled()
    caller = Caller(registry, registry.signed_in(UUID(person["id"])))
    assert (await caller.found(f"/bodies/{made['id']}"))["allowed_actions"] == ["join", "leave"]
    url = f"/bodies/{made['id']}"
    refused = await caller.post(f"{url}/join", {"organisation_id": reti["id"]})
    assert (problem(refused), refused.json()["errors"][0]["path"]) == ((422, "place-invalid"), "/organisation_id")
    assert problem(await caller.post(f"{url}/leave")) == (409, "not-in-body")
    joined = await caller.post(f"{url}/join", {"organisation_id": ponti["id"]})
    assert joined.status_code == 201, joined.text
    mandate = joined.json()
    assert (mandate["role"], mandate["state"], mandate["accepted_on"]) == ("member", "in_office", day(registry))
    assert mandate["body"] == {"id": made["id"], "name": made["name"], "href": made["href"]}
    assert joined.headers["location"] == mandate["href"]
    assert problem(await caller.post(f"{url}/join")) == (409, "held-already")  # once, for whomever
    assert [one["person"]["name"] for one in (await room.found(f"{url}/members"))["items"]] == ["Giulia Serra"]
    await let_pass(registry, 2)
    left = await caller.post(f"{url}/leave")
    assert (left.status_code, left.json()["state"], left.json()["ends"]) == (200, "ended", day(registry))
    assert (await room.found(f"{url}/members"))["items"] == []
    assert len((await room.found(f"{url}/members", on=day(registry, -1)))["items"]) == 1
    again = await caller.post(f"{url}/join")
    assert again.status_code == 201, again.text


async def test_nobody_walks_into_a_committee(registry: Running, room: Room) -> None:
    made = await body(room)
    person = await room.person()
    await room.mandate(person, "secretariat", day(registry))
    await registry.settled()
    caller = Caller(registry, registry.signed_in(UUID(person["id"])))
    for act in ("join", "leave"):
        assert problem(await caller.post(f"/bodies/{made['id']}/{act}")) == (409, "body-not-open")


async def test_of_two_clicks_one_joins(registry: Running, room: Room) -> None:
    made = await body(room, "Comunità", "community_of_practice")
    person = await room.person()
    await room.mandate(person, "secretariat", day(registry))
    await registry.settled()
    caller = Caller(registry, registry.signed_in(UUID(person["id"])))
    answers = await asyncio.gather(*(caller.post(f"/bodies/{made['id']}/join") for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]


async def test_a_list_can_be_taken_into_a_spreadsheet(registry: Running, room: Room) -> None:
    made = await body(room, "=Gruppo", "working_group", seats=[{"title": "Portavoce", "role": "representative"}])
    room.headers = {**room.headers, "accept": "text/csv"}
    header, row = (await room.get(f"/networks/{room.slug}/bodies")).text.splitlines()
    assert header.startswith("id,network_id,name,kind,state")
    assert "'=Gruppo" in row
    header, row = (await room.get(f"/bodies/{made['id']}/seats")).text.splitlines()
    assert header.startswith("id,body_id,title,role")
    assert "Portavoce" in row


async def test_the_words_are_in_the_vocabularies(registry: Running, room: Room) -> None:
    found = {one["name"]: one["terms"] for one in (await room.found("/vocabularies"))["items"]}
    assert [term["code"] for term in found["body_kinds"]][:2] == ["executive_committee", "secretariat"]
    assert {term["code"] for term in found["compositions"]} == {"one_per_member", "fixed", "by_territory", "open"}
    assert [term["code"] for term in found["body_states"]] == ["forming", "constituted", "dissolved"]
    assert {"seat_closed", "body_dissolved"} <= {term["code"] for term in found["end_reasons"]}

"""Sharing on purpose: what another network sees, and that it sees nothing else."""

from __future__ import annotations

import csv
import io
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest

from shared.access.actor import day
from shared.access.loading import shared_with
from tests.registry.conftest import problem
from tests.registry.desk import Desk, tax_code

CONTACTS: dict[str, Any] = {
    "email": "riservata@example.org",
    "pec": "riservata@pec.example.org",
    "phone": "0341 000000",
}


@pytest.fixture
async def giver(registry: Any) -> Desk:
    return await Desk.founded(registry)


@pytest.fixture
async def receiver(registry: Any) -> Desk:
    return await Desk.founded(registry)


async def share(giver: Desk, receiver: Desk, *what: str, expect: int = 201, **more: Any) -> Any:
    body = {"with_network": receiver.slug, "what": list(what), **more}
    answer = await giver.ask("POST", f"/networks/{giver.slug}/sharings", json=body)
    assert answer.status_code == expect, answer.text
    return answer.json()


async def change(desk: Desk, sharing: Any, body: Any, expect: int = 200) -> Any:
    answer = await desk.ask(
        "PATCH", f"/sharings/{sharing['id']}", json=body, headers={"if-match": f'"{sharing["version"]}"'}
    )
    assert answer.status_code == expect, answer.text
    return answer.json()


async def end(desk: Desk, sharing: Any, expect: int = 200, **body: Any) -> Any:
    headers = {"if-match": f'"{sharing["version"]}"'}
    answer = await desk.ask("POST", f"/sharings/{sharing['id']}/end", json=body, headers=headers)
    assert answer.status_code == expect, answer.text
    return answer.json()


async def status(desk: Desk, path: str, **params: Any) -> int:
    return (await desk.ask("GET", path, params=params)).status_code


async def test_without_sharing_another_network_sees_nothing(giver: Desk, receiver: Desk) -> None:
    made = await giver.register(state="active", **CONTACTS)
    assert await status(receiver, f"/networks/{giver.slug}/organisations") == 403
    assert await status(receiver, f"/organisations/{made['id']}") == 404
    assert await status(receiver, f"/memberships/{made['membership']['id']}") == 404


async def test_members_are_seen_without_what_the_network_notes_of_them(giver: Desk, receiver: Desk) -> None:
    made = await giver.register(name="Ponti", state="active", notes="segreto", **CONTACTS)
    await giver.register(name="Candidata", state="candidate")
    await share(giver, receiver, "members")
    page = await receiver.get(f"/networks/{giver.slug}/organisations")
    (seen,) = page["items"]
    assert (seen["name"], seen["allowed_actions"]) == ("Ponti", [])
    membership = seen["membership"]
    assert {membership[name] for name in ("email", "pec", "phone", "notes")} == {None}
    assert (membership["state"], membership["history"], membership["allowed_actions"]) == ("active", [], [])
    for path in (f"/organisations/{made['id']}", f"/memberships/{made['membership']['id']}"):
        answer = await receiver.ask("GET", path)
        assert answer.status_code == 200, path
        assert "riservata" not in answer.text
        assert "segreto" not in answer.text


async def test_no_filter_and_no_format_shows_more(giver: Desk, receiver: Desk) -> None:
    left = await giver.register(name="Uscita", state="active", since="2020-01-01", **CONTACTS)
    answer = await giver.ask(
        "POST",
        f"/memberships/{left['membership']['id']}/withdraw",
        json={"since": "2024-01-01"},
        headers={"if-match": '"1"'},
    )
    assert answer.status_code == 200, answer.text
    await giver.register(name="Presente", state="active", since="2020-01-01", **CONTACTS)
    await share(giver, receiver, "members")
    path = f"/networks/{giver.slug}/organisations"

    async def names(**filters: Any) -> list[str]:
        return [one["name"] for one in (await receiver.get(path, **filters))["items"]]

    assert await names(state="withdrawn") == ["Presente"]
    assert await names(on="2023-06-01") == ["Presente", "Uscita"]  # who was active that day
    assert await names(on="2019-06-01") == []
    assert await names(q="uscita") == []
    answer = await receiver.ask("GET", path, headers={"accept": "text/csv"})
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["name"] for row in rows] == ["Presente"]
    assert "riservata" not in answer.text


async def test_contacts_are_seen_when_they_are_shared_and_only_then(giver: Desk, receiver: Desk) -> None:
    made = await giver.register(state="active", notes="segreto", **CONTACTS)
    sharing = await share(giver, receiver, "members", "contacts")
    seen = (await receiver.get(f"/organisations/{made['id']}"))["membership"]
    assert {name: seen[name] for name in CONTACTS} == CONTACTS
    assert seen["notes"] is None
    await change(giver, sharing, {"what": ["members"]})
    seen = (await receiver.get(f"/organisations/{made['id']}"))["membership"]
    assert {seen[name] for name in CONTACTS} == {None}


async def test_other_things_shared_show_no_members(giver: Desk, receiver: Desk) -> None:
    await giver.register(state="active")
    await share(giver, receiver, "places", "resources", "experiences", "practices")
    assert await status(receiver, f"/networks/{giver.slug}/organisations") == 403


async def test_it_goes_one_way_to_one_network_and_to_no_list_besides(giver: Desk, receiver: Desk) -> None:
    third = await Desk.founded(giver.running)
    await giver.register(state="active")
    await share(giver, receiver, "members", "contacts")
    assert await status(giver, f"/networks/{receiver.slug}/organisations") == 403
    assert await status(third, f"/networks/{giver.slug}/organisations") == 403
    for path in ("people", "mandates", "bodies", "commitments", "memberships", "organisations/statistics"):
        assert await status(receiver, f"/networks/{giver.slug}/{path}") == 403, path


async def test_who_is_shown_a_member_may_not_change_it(giver: Desk, receiver: Desk) -> None:
    made = await giver.register(state="active")
    await share(giver, receiver, "members", "contacts")
    for method, path in (
        ("PATCH", f"/organisations/{made['id']}"),
        ("PATCH", f"/memberships/{made['membership']['id']}"),
        ("POST", f"/memberships/{made['membership']['id']}/suspend"),
    ):
        answer = await receiver.ask(method, path, json={}, headers={"if-match": '"1"'})
        assert answer.status_code == 404, path


async def test_it_ends_at_once_and_begins_on_its_day(giver: Desk, receiver: Desk) -> None:
    await giver.register(state="active")
    path = f"/networks/{giver.slug}/organisations"
    today = day(giver.running.context.clock.now())
    coming = await share(giver, receiver, "members", since=str(today + timedelta(1)))
    assert coming["state"] == "coming"
    assert await status(receiver, path) == 403
    await end(giver, coming)
    sharing = await share(giver, receiver, "members")
    assert await status(receiver, path) == 200
    ended = await end(giver, sharing)
    assert (ended["state"], ended["until"], ended["allowed_actions"]) == ("ended", str(today), [])
    assert await status(receiver, path) == 403


async def test_one_sharing_with_a_network_on_a_day(giver: Desk, receiver: Desk) -> None:
    first = await share(giver, receiver, "members")
    refused = await share(giver, receiver, "places", expect=409)
    assert refused["type"].endswith("shared-already")
    await share(receiver, giver, "members")  # the other direction is another one
    await end(giver, first)
    await share(giver, receiver, "places")


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"with_network": "nessuna-rete", "what": ["members"]}, "/with_network"),
        ({"what": []}, "/what"),
        ({"what": ["contacts"]}, "/what"),
        ({"what": ["everything"]}, "/what/0"),
        ({"what": ["members"], "since": "2001-01-01"}, "/since"),
        ({"what": ["members"], "since": "2401-01-01"}, "/since"),
        ({"what": ["members"], "until": "2001-01-01"}, "/until"),
        ({"what": ["members"], "colour": "red"}, "/colour"),
    ],
)
async def test_what_is_wrong_is_refused_with_its_place(
    giver: Desk, receiver: Desk, body: dict[str, Any], path: str
) -> None:
    answer = await giver.ask("POST", f"/networks/{giver.slug}/sharings", json={"with_network": receiver.slug, **body})
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["path"].removeprefix("/body") == path


async def test_with_itself_nothing_is_shared(giver: Desk) -> None:
    assert (await share(giver, giver, "members", expect=422))["errors"][0]["path"] == "/with_network"


async def test_only_the_secretariat_that_gives_shares_changes_and_ends(giver: Desk, receiver: Desk) -> None:
    member = await giver.running.holder("member", giver.network_id)
    body = {"with_network": receiver.slug, "what": ["members"]}
    for headers in (member, receiver.headers):
        answer = await giver.ask("POST", f"/networks/{giver.slug}/sharings", json=body, headers=headers)
        assert problem(answer) == (403, "forbidden")
    sharing = await share(giver, receiver, "members")
    third = await Desk.founded(giver.running)
    for desk, expected in ((receiver, 403), (third, 404)):
        await change(desk, sharing, {"what": ["contacts", "members"]}, expect=expected)
        await end(desk, sharing, expect=expected)
    stale = await giver.ask("PATCH", f"/sharings/{sharing['id']}", json={}, headers={"if-match": '"7"'})
    assert stale.status_code == 412
    assert (await giver.ask("PATCH", f"/sharings/{sharing['id']}", json={})).status_code == 428


async def test_both_networks_read_it_and_it_is_listed_from_both_sides(giver: Desk, receiver: Desk) -> None:
    sharing = await share(giver, receiver, "members")
    assert (sharing["network"]["href"], sharing["with_network"]["href"]) == (
        f"/registry/v1/networks/{giver.slug}",
        f"/registry/v1/networks/{receiver.slug}",
    )
    seen = await receiver.get(f"/sharings/{sharing['id']}")
    assert seen == {**sharing, "allowed_actions": []}
    third = await Desk.founded(giver.running)
    assert await status(third, f"/sharings/{sharing['id']}") == 404

    async def listed(desk: Desk, **filters: Any) -> list[str]:
        return [one["id"] for one in (await desk.get(f"/networks/{desk.slug}/sharings", **filters))["items"]]

    for desk, direction, other in ((giver, "given", "received"), (receiver, "received", "given")):
        assert await listed(desk) == await listed(desk, direction=direction) == [sharing["id"]]
        assert await listed(desk, direction=other) == await listed(desk, what="places") == []
        assert await listed(desk, state="in_force", what="members") == [sharing["id"]]
        assert await listed(desk, state=["ended", "coming"]) == await listed(desk, on="2001-01-01") == []


async def test_each_step_is_told_with_the_whole_state(giver: Desk, receiver: Desk) -> None:
    sharing = await share(giver, receiver, "members")
    sharing = await change(giver, sharing, {"what": ["members", "places"]})
    await change(giver, sharing, {"what": ["places", "members"]})  # nothing changes, nothing is told
    await end(giver, sharing)
    told = [(type_.split(".")[-2], body) for type_, body in await giver.told("sharing")]
    assert [(step, body["version"], body["what"]) for step, body in told] == [
        ("granted", 1, ["members"]),
        ("changed", 2, ["members", "places"]),
        ("ended", 3, ["members", "places"]),
    ]
    assert {body["with_network_id"] for _, body in told} == {str(receiver.network_id)}


async def test_a_service_knows_whose_things_a_network_may_see(giver: Desk, receiver: Desk) -> None:
    await share(giver, receiver, "members", "places", until=str(date(2190, 1, 1)))

    async def seen(network: UUID, what: str, on: date) -> set[UUID]:
        async with giver.running.context.database.sessions() as session:
            return await shared_with(session, network, what, on)

    today = day(giver.running.context.clock.now())
    assert await seen(receiver.network_id, "places", today) == {giver.network_id}
    assert await seen(receiver.network_id, "resources", today) == set()
    assert await seen(giver.network_id, "places", today) == set()
    assert await seen(receiver.network_id, "places", today - timedelta(1)) == set()
    assert await seen(receiver.network_id, "places", date(2189, 12, 31)) == {giver.network_id}
    assert await seen(receiver.network_id, "places", date(2190, 1, 1)) == set()


async def test_a_key_of_the_other_network_sees_what_its_people_see(giver: Desk, receiver: Desk) -> None:
    await giver.register(name="Ponti", state="active", tax_code=tax_code(), **CONTACTS)
    await share(giver, receiver, "members")
    made = await receiver.ask(
        "POST",
        f"/networks/{receiver.slug}/api-keys",
        json={"title": "sito", "scopes": ["registry:read_organisations"]},
    )
    assert made.status_code == 201, made.text
    secret = next(value for value in made.json().values() if isinstance(value, str) and value.startswith("trama_"))
    headers = {"authorization": f"Bearer {secret}"}
    answer = await giver.ask("GET", f"/networks/{giver.slug}/organisations", headers=headers)
    assert answer.status_code == 200, answer.text
    assert "Ponti" in answer.text
    assert "riservata" not in answer.text

from __future__ import annotations

from uuid import uuid4

import pytest

from services.registry.networks.rules import Network, UnfitSlug, fits
from tests.harness import Running
from tests.registry.conftest import Caller, Room, problem


@pytest.mark.parametrize("slug", ["ab", "case-della-comunita", "a1", "x" * 63])
def test_a_slug_is_words_of_small_letters_and_digits(slug: str) -> None:
    assert fits(slug)


@pytest.mark.parametrize(
    "slug",
    [
        "",
        "a",
        "x" * 64,
        "Case",
        "1a",
        "-a",
        "a-",
        "a--b",
        "a_b",
        "a b",
        "città",
        "c691b8d4-6ab9-4b47-8bf8-0066077c2511",
        "a" + "0" * 31,
    ],
)
def test_a_slug_never_reads_as_something_else(slug: str) -> None:
    assert not fits(slug)
    with pytest.raises(UnfitSlug):
        Network(slug, "Rete")


async def test_a_network_is_founded_told_and_found_by_slug_and_id(registry: Running, admin: Caller) -> None:
    made = await admin.post("/networks", {"slug": "case", "name": " Case  della comunità ", "kind": "alliance"})
    assert made.status_code == 201
    network = made.json()
    assert made.headers["location"] == "/registry/v1/networks/case"
    assert made.headers["etag"] == '"1"'
    assert network["name"] == "Case  della comunità"
    for ref in ("case", network["id"]):
        assert (await admin.found(f"/networks/{ref}")) == network
    facts = await registry.published(f"registry.network.{network['id']}.*")
    assert [(type_, body["slug"], body["title"], body["version"]) for type_, body in facts] == [
        ("trama.registry.network.founded.v1", "case", "Case  della comunità", 1)
    ]


async def test_a_slug_belongs_to_one_network(admin: Caller, room: Room) -> None:
    assert problem(await admin.post("/networks", {"slug": room.slug, "name": "Altra"})) == (409, "slug-taken")


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"slug": "Case", "name": "Case"}, "/slug"),
        ({"slug": "case2"}, "/name"),
        ({"slug": "case2", "name": " "}, "/name"),
        ({"slug": "case2", "name": "a\u0000b"}, "/name"),
        ({"slug": "case2", "name": "Case", "kind": "club"}, "/kind"),
        ({"slug": "case2", "name": "Case", "logo": "x"}, "/logo"),
    ],
)
async def test_what_is_wrong_with_a_network_is_named(admin: Caller, body: dict[str, str], path: str) -> None:
    answer = await admin.post("/networks", body)
    assert answer.status_code == 422
    assert [error["path"] for error in answer.json()["errors"]] == [path]


async def test_a_change_needs_the_version_that_was_seen(registry: Running, room: Room) -> None:
    url = f"/networks/{room.slug}"
    assert problem(await room.patch(url, {"name": "Nuovo"})) == (428, "if-match-missing")
    changed = await room.patch(url, {"name": "Nuovo"}, '"1"')
    assert (changed.status_code, changed.headers["etag"]) == (200, '"2"')
    assert changed.json()["kind"] == "alliance"
    assert problem(await room.patch(url, {"name": "Altro"}, '"1"')) == (412, "version-mismatch")
    facts = await registry.published(f"registry.network.{room.id}.*")
    assert [(type_.split(".")[3], body["title"]) for type_, body in facts][1:] == [("changed", "Nuovo")]


async def test_a_change_that_changes_nothing_tells_nothing(registry: Running, room: Room) -> None:
    same = await room.patch(f"/networks/{room.slug}", {"language": "it"}, '"1"')
    assert (same.status_code, same.headers["etag"]) == (200, '"1"')
    assert len(await registry.published(f"registry.network.{room.id}.*")) == 1


async def test_the_slug_never_changes(room: Room) -> None:
    answer = await room.patch(f"/networks/{room.slug}", {"slug": "altro"}, '"1"')
    assert answer.status_code == 422


async def test_only_administrators_found_and_only_those_in_it_see(room: Room, other_room: Room) -> None:
    assert problem(await room.post("/networks", {"slug": "mia", "name": "Mia"})) == (403, "forbidden")
    assert problem(await other_room.get(f"/networks/{room.slug}")) == (403, "forbidden")
    assert problem(await other_room.patch(f"/networks/{room.slug}", {"name": "Mia"}, '"1"')) == (403, "forbidden")
    assert [item["slug"] for item in (await room.found("/networks"))["items"]] == [room.slug]


async def test_administrators_see_all_networks_page_by_page(admin: Caller, room: Room, other_room: Room) -> None:
    seen: list[str] = []
    after = None
    while True:
        page = await admin.found("/networks", limit=1, **({"after": after} if after else {}))
        seen += [item["slug"] for item in page["items"]]
        if (after := page["next"]) is None:
            break
    assert {room.slug, other_room.slug} <= set(seen)
    assert seen == sorted(set(seen))


async def test_networks_are_filtered_by_name_and_kind(admin: Caller, room: Room) -> None:
    async def slugs(**filters: str) -> list[str]:
        return [item["slug"] for item in (await admin.found("/networks", q=room.slug.title(), **filters))["items"]]

    assert room.slug in await slugs(kind="alliance")
    assert await slugs(kind="district") == []
    assert (await admin.get("/networks", kind="club")).status_code == 422


async def test_an_unknown_network_is_said_to_be_unknown(admin: Caller) -> None:
    assert problem(await admin.get("/networks/nessuna")) == (404, "network-unknown")
    assert problem(await admin.get(f"/networks/{uuid4()}")) == (404, "network-unknown")


async def test_a_repeated_request_is_answered_again_and_another_body_refused(registry: Running, admin: Caller) -> None:
    body = {"slug": "una-volta", "name": "Una volta"}
    first = await admin.post("/networks", body, **{"idempotency-key": "k1"})
    again = await admin.post("/networks", body, **{"idempotency-key": "k1"})
    assert first.status_code == again.status_code == 201
    assert first.content == again.content
    other = await admin.post("/networks", {**body, "slug": "due-volte"}, **{"idempotency-key": "k1"})
    assert problem(other) == (422, "idempotency-key-reused")
    assert problem(await admin.get("/networks/due-volte")) == (404, "network-unknown")
    assert len(await registry.published(f"registry.network.{first.json()['id']}.*")) == 1


async def test_allowed_actions_say_what_the_caller_may_do(registry: Running, room: Room) -> None:
    member = Caller(registry, await registry.holder("member", room.id))
    assert (await member.found(f"/networks/{room.slug}"))["allowed_actions"] == []
    assert (await room.found(f"/networks/{room.slug}"))["allowed_actions"] == ["change"]

"""Signing in with a mailed link: asked for, shown, used once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from shared.access import links
from tests.harness import Running
from tests.registry.conftest import Caller, Room, problem

HTML = {"accept": "text/html,application/xhtml+xml"}


@pytest.fixture
def anybody(registry: Running) -> Caller:
    return Caller(registry, {})


def link(registry: Running, request_id: str, *, minutes: int = 20, **changed: Any) -> str:
    """The path of the link as notify mints it."""
    given = {"audience": "registry", "purpose": "sign-in", "subject": UUID(request_id), **changed}
    expires = datetime.now(UTC) + timedelta(minutes=minutes)
    key = given.pop("key", registry.link_key)
    return f"/sign-in/link?token={links.mint(key, **given, expires=expires)}"


async def requests(registry: Running, person: Any) -> list[dict[str, Any]]:
    facts = await registry.published(f"registry.person.{person['id']}.sign_in_requested")
    return [body for _, body in facts]


async def asked(registry: Running, anybody: Caller, person: Any) -> str:
    """The id of a fresh request of this person."""
    assert (await anybody.post("/sign-in", {"email": person["email"]})).status_code == 202
    return str((await requests(registry, person))[-1]["request_id"])


async def test_a_link_signs_in_once_and_verifies_the_mailbox(registry: Running, room: Room, anybody: Caller) -> None:
    person = await room.person(email="una@example.org")
    path = link(registry, await asked(registry, anybody, person))
    answer = await anybody.post(path)
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    body = answer.json()
    assert (body["level"], body["token_type"], body["expires_in"]) == ("mailbox", "Bearer", 3600)
    assert body["person"] == {"id": person["id"], "name": "Giulia Serra", "href": f"/registry/v1/people/{person['id']}"}
    me = Caller(registry, {"authorization": f"Bearer {body['access_token']}"})
    shown = await me.found("/me")
    assert (shown["person"]["id"], shown["email"], shown["email_verified"], shown["level"]) == (
        person["id"],
        "una@example.org",
        True,
        "mailbox",
    )
    assert problem(await anybody.post(path)) == (410, "link-used")
    facts = await registry.published(f"registry.person.{person['id']}.changed")
    assert [body["email_verified"] for _, body in facts] == [True]


async def test_opening_a_link_only_shows(registry: Running, room: Room, anybody: Caller) -> None:
    person = await room.person(email="mostra@example.org")
    path = link(registry, await asked(registry, anybody, person))
    for _ in range(3):  # mail scanners open links, more than once
        shown = await registry.client.get(f"/registry/v1{path}", headers=HTML)
        assert shown.status_code == 200
    assert shown.headers["content-type"].startswith("text/html")
    assert '<form method="post">' in shown.text
    assert "Giulia Serra" in shown.text
    assert '<html lang="it">' in shown.text
    assert "<script" not in shown.text
    policy = shown.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    assert shown.headers["referrer-policy"] == "no-referrer"
    assert (await anybody.post(path)).status_code == 200


async def test_pages_speak_english_to_those_who_ask(registry: Running, room: Room, anybody: Caller) -> None:
    person = await room.person(email="english@example.org")
    path = link(registry, await asked(registry, anybody, person))
    shown = await registry.client.get(f"/registry/v1{path}", headers={**HTML, "accept-language": "en-GB,en;q=0.9"})
    assert '<html lang="en">' in shown.text
    assert "Sign in to Trama" in shown.text


async def test_a_browser_gets_a_session_and_then_a_page_that_says_what_to_do(
    registry: Running, room: Room, anybody: Caller
) -> None:
    person = await room.person("<b>Giulia</b>", email="pagina@example.org")
    await room.mandate(person, "secretariat", registry.context.clock.today().isoformat())
    url = f"/registry/v1{link(registry, await asked(registry, anybody, person))}"
    done = await registry.client.post(url, headers=HTML)
    assert (done.status_code, done.headers["location"]) == (303, "/desk")
    assert "HttpOnly" in done.headers["set-cookie"]
    desk = await registry.client.get(f"/desk/{room.slug}")
    assert "&lt;b&gt;Giulia&lt;/b&gt; Serra" in desk.text
    again = await registry.client.post(url, headers=HTML)
    assert again.status_code == 410
    assert again.headers["content-type"].startswith("text/html")
    assert "già stato usato" in again.text
    assert "chiedi di nuovo il collegamento" in again.text


async def test_the_answer_is_the_same_whoever_has_the_address(registry: Running, room: Room, anybody: Caller) -> None:
    person = await room.person(email="nota@example.org")
    answers = [
        await anybody.post("/sign-in", {"email": "nota@example.org"}),
        await anybody.post("/sign-in", {"email": "ignota@example.org"}),
        await anybody.post("/sign-in", {"email": "nota@example.org", "network": "nessuna"}),
    ]
    assert {(answer.status_code, answer.content) for answer in answers} == {(202, b'{"accepted":true}')}
    assert len(await requests(registry, person)) == 1


async def test_people_who_share_a_mailbox_get_a_link_each(registry: Running, room: Room, anybody: Caller) -> None:
    both = [await room.person(given, email="insieme@example.org") for given in ("Giulia", "Marco")]
    await anybody.post("/sign-in", {"email": " Insieme@example.org"})
    for person in both:
        (request,) = await requests(registry, person)
        answer = await anybody.post(link(registry, request["request_id"]))
        assert answer.json()["person"]["name"] == person["name"]


async def test_a_network_may_be_named(registry: Running, room: Room, other_room: Room, anybody: Caller) -> None:
    here = await room.person(email="due-reti@example.org")
    there = await other_room.person(email="due-reti@example.org")
    await anybody.post("/sign-in", {"email": "due-reti@example.org", "network": room.slug})
    assert (len(await requests(registry, here)), len(await requests(registry, there))) == (1, 0)


async def test_nobodys_mailbox_is_filled(registry: Running, room: Room, anybody: Caller) -> None:
    person = await room.person(email="molte@example.org")
    for _ in range(6):
        assert (await anybody.post("/sign-in", {"email": "molte@example.org"})).status_code == 202
    assert len(await requests(registry, person)) == 3


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"minutes": -1}, (410, "link-expired")),
        ({"audience": "events"}, (400, "link-invalid")),
        ({"purpose": "unsubscribe"}, (400, "link-invalid")),
        ({"subject": uuid4()}, (410, "link-used")),
        ({"key": "another"}, (400, "link-invalid")),
    ],
)
async def test_a_link_for_something_else_does_not_open(
    registry: Running, room: Room, anybody: Caller, changed: dict[str, Any], expected: tuple[int, str]
) -> None:
    person = await room.person(email=f"altro-{uuid4().hex}@example.org")
    request = await asked(registry, anybody, person)
    if changed.get("key"):
        changed = {"key": registry.key}  # the registry's own: whoever signs tokens does not sign links
    path = link(registry, request, **changed)
    assert problem(await anybody.post(path)) == expected
    page = await registry.client.post(f"/registry/v1{path}", headers=HTML)
    assert page.status_code == expected[0]
    assert "chiedi di nuovo il collegamento" in page.text
    assert (await anybody.post(link(registry, request))).status_code == 200, "the good one still does"


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "é", "x" * 9000])
async def test_nonsense_is_refused_without_an_error(registry: Running, anybody: Caller, token: str) -> None:
    answer = await registry.client.post("/registry/v1/sign-in/link", params={"token": token})
    assert answer.status_code in {400, 422}


async def test_a_link_proves_the_mailbox_it_was_sent_to_and_no_other(
    registry: Running, room: Room, anybody: Caller
) -> None:
    person = await room.person(email="prima@example.org")
    path = link(registry, await asked(registry, anybody, person))
    await room.patch(f"/people/{person['id']}", {"email": "dopo@example.org"}, '"1"')
    assert problem(await anybody.post(path)) == (410, "link-used")
    assert (await room.found(f"/people/{person['id']}"))["email_verified"] is False


async def test_who_was_erased_does_not_come_back_by_a_link(registry: Running, room: Room, anybody: Caller) -> None:
    person = await room.person(email="cancellata@example.org")
    path = link(registry, await asked(registry, anybody, person))
    assert (await room.delete(f"/people/{person['id']}", '"1"')).status_code == 200
    assert problem(await anybody.post(path)) == (410, "link-used")


@pytest.mark.parametrize("body", [{}, {"email": "x"}, {"email": "a@b"}, {"email": "a@example.org", "x": 1}])
async def test_what_is_no_address_is_said_so(anybody: Caller, body: dict[str, Any]) -> None:
    assert (await anybody.post("/sign-in", body)).status_code == 422


async def test_no_link_and_no_token_travels_in_facts_or_stays_in_the_database(
    registry: Running, room: Room, anybody: Caller
) -> None:
    person = await room.person(email="segreto@example.org")
    path = link(registry, await asked(registry, anybody, person))
    token = (await anybody.post(path, **{"idempotency-key": "k"})).json()["access_token"]
    secrets = (token, token.rsplit(".", 1)[1], path.partition("token=")[2])
    for table in ("log", "idempotency", "sign_in_requests", "people", "used_links"):
        rows = await registry.sql(f"select t::text as row from {table} t")
        assert not any(secret in row.row for secret in secrets for row in rows), table

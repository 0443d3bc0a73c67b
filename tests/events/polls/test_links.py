"""The page of a poll's link: opening it shows, the form answers, and what cannot be answered says why."""

from __future__ import annotations

from datetime import timedelta

import httpx
import pytest
from uuid_utils.compat import uuid7

from tests.events.polls.polling import Polling
from tests.events.room import Room, problem

pytestmark = pytest.mark.timeout(120)

HTML = {"accept": "text/html"}
JSON = {"accept": "application/json"}


async def show(room: Room, token: str, headers: dict[str, str] = HTML) -> httpx.Response:
    return await room.running.client.get("/events/v1/polls/link", params={"token": token}, headers=headers)


async def send(room: Room, token: str, data: dict[str, str], headers: dict[str, str] = HTML) -> httpx.Response:
    return await room.running.client.post("/events/v1/polls/link", params={"token": token}, data=data, headers=headers)


async def test_opening_a_link_shows_the_dates_and_does_nothing(room: Room) -> None:
    polling = await Polling.opened(room, 1, title="Comitato <b>", note="Due ore.\nA distanza.")
    for _ in range(2):
        page = await show(room, polling.link(0))
    assert (page.status_code, page.headers["cache-control"]) == (200, "no-store")
    for shown in (
        "Quando? Comitato &lt;b&gt;",
        "Persona Numero 1",
        "Ente 1",
        "Non hai ancora risposto.",
        "A distanza.",
    ):
        assert shown in page.text, shown
    assert page.text.count("<fieldset") == 3
    assert page.text.count('type="radio"') == 9
    assert " checked" not in page.text
    assert "<script" not in page.text
    found = await room.found(f"/poll-requests/{polling.requests[0]['id']}")
    assert (found["state"], found["version"]) == ("asked", 1)


async def test_the_form_answers_and_the_last_ones_count(room: Room) -> None:
    polling = await Polling.opened(room, 1)
    token = polling.link(0)
    for said in (("yes", "no", "if_need_be"), ("no", "no", "yes")):
        page = await send(room, token, polling.form(*said))
        assert page.status_code == 200
        assert "Le risposte sono registrate." in page.text
        for option, answer in polling.form(*said).items():
            assert f'name="{option}" value="{answer}" required checked' in page.text
    await polling.now()
    assert polling.tallies() == [(0, 0, 1), (0, 0, 1), (1, 0, 0)]
    assert "Hai risposto" in (await show(room, token)).text
    english = await show(room, token, {**HTML, "accept-language": "en"})
    assert "You have answered" in english.text


async def test_a_form_without_every_date_comes_back_with_what_was_chosen(room: Room) -> None:
    polling = await Polling.opened(room, 1)
    page = await send(room, polling.link(0), polling.form("yes", None, "no"))
    assert (page.status_code, page.text.count("Scegli una risposta</p>")) == (422, 1)
    assert f'id="missing-{polling.option(2)}"' in page.text
    assert f'name="{polling.option(1)}" value="yes" required checked' in page.text
    assert (await polling.now())["answered"] == 0


@pytest.mark.parametrize("field", ["", "colour", "\x00", "x" * 5000])
async def test_fields_that_are_no_dates_are_refused(room: Room, field: str) -> None:
    polling = await Polling.opened(room, 1)
    whole = polling.form("yes", "yes", "yes")
    for data in ({**whole, field: "yes"}, {**whole, str(uuid7()): "yes"}, {**whole, polling.option(1): "maybe\x00"}):
        assert (await send(room, polling.link(0), data)).status_code == 422
        refused = await send(room, polling.link(0), data, JSON)
        assert problem(refused)[0] == 422
    assert (await polling.now())["answered"] == 0


async def test_more_fields_than_a_form_has_are_refused(room: Room) -> None:
    polling = await Polling.opened(room, 1)
    refused = await send(room, polling.link(0), {str(uuid7()): "yes" for _ in range(100)}, JSON)
    assert refused.status_code in (400, 413, 422)


async def test_a_program_is_told_the_same(room: Room) -> None:
    polling = await Polling.opened(room, 1)
    token = polling.link(0)
    shown = (await show(room, token, JSON)).json()
    assert (shown["request_id"], shown["state"], len(shown["options"])) == (polling.requests[0]["id"], "asked", 3)
    answered = await send(room, token, polling.form("yes", "no", "no"), JSON)
    assert (answered.status_code, answered.json()["state"]) == (200, "answered")
    refused = await send(room, token, {}, JSON)
    assert problem(refused) == (422, "incomplete-answers")
    assert len(refused.json()["errors"]) == 3


async def test_what_the_secretariat_entered_is_shown_as_such(room: Room) -> None:
    polling = await Polling.opened(room, 1)
    person = room.person("Sara", "Greco")
    await room.tell(person)
    clerk = await room.caller("secretariat", person.id)
    await clerk.made(f"/poll-requests/{polling.requests[0]['id']}/answer", polling.answers("yes", "no", "no"))
    assert "Risposte registrate per te da Sara Greco." in (await show(room, polling.link(0))).text


async def test_a_link_for_something_else_or_out_of_date_shows_nothing(room: Room) -> None:
    polling = await Polling.opened(room, 1)
    for token, expected in (
        (room.link("rsvp", polling.requests[0]["id"]), (400, "link-invalid")),
        (polling.link(0, hours=-1), (410, "link-expired")),
        (room.link("poll", uuid7()), (404, "not-found")),
    ):
        assert problem(await show(room, token, JSON)) == expected
        assert problem(await send(room, token, polling.form("yes", "yes", "yes"), JSON)) == expected
        page = await show(room, token)
        assert (page.status_code, page.headers["content-type"].startswith("text/html")) == (expected[0], True)


async def test_the_page_of_a_closed_poll_says_which_date_was_chosen(room: Room) -> None:
    polling = await Polling.opened(room, 1)
    token = polling.link(0)
    await polling.act("choose", {"option_id": polling.option(2), "mode": "remote"})
    for page in (await show(room, token), await send(room, token, {})):
        assert page.status_code == 410
        assert "Il sondaggio è chiuso" in page.text
        assert "La data scelta è" in page.text


async def test_whose_mandate_ended_is_told_so(room: Room) -> None:
    polling = await Polling.opened(room, 1)
    token = polling.link(0)
    await room.tell(room.ended(polling.committee.members[0].mandate, room.today + timedelta(days=1)))
    for page in (await show(room, token), await send(room, token, polling.form("yes", "yes", "yes"))):
        assert (page.status_code, "La richiesta non vale più" in page.text) == (410, True)

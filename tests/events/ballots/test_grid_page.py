"""The phone's page of a grid: 120 cells in a form, a draft that is resumed, what is wrong beside each cell."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest

from tests.events.ballots.forum import LARGE, SMALL, Forum, keys
from tests.events.room import Room, problem

pytestmark = pytest.mark.timeout(240)


async def link(forum: Forum, ballot: Any, number: int = 0) -> str:
    person = str(forum.delegates[number].person_id)
    voter = next(one for one in await forum.voters(ballot) if one["person"]["id"] == person)
    return forum.room.link("vote", voter["id"])


async def opened(room: Room, token: str, accept: str = "text/html", language: str = "it") -> httpx.Response:
    headers = {"accept": accept, "accept-language": language}
    return await room.running.client.get("/events/v1/ballots/link", params={"token": token}, headers=headers)


async def pressed(room: Room, token: str, fields: dict[str, Any], accept: str = "text/html") -> httpx.Response:
    headers = {"accept": accept, "accept-language": "it"}
    return await room.running.client.post(
        "/events/v1/ballots/link", params={"token": token}, data=fields, headers=headers
    )


def chosen(page: str) -> dict[str, str]:
    """By cell, the value that its select shows."""
    selects = re.findall(r'<select id="c[^"]*" name="([^"]*)"(.*?)</select>', page, re.DOTALL)
    return {name: re.findall(r'value="([^"]*)" selected', inner)[0] for name, inner in selects if " selected" in inner}


async def test_a_grid_of_120_cells_is_a_form_without_a_script(room: Room) -> None:
    forum = await Forum.small(room, 1)
    ballot = await forum.grid(LARGE)
    token = await link(forum, ballot)
    page = await opened(room, token)
    assert (page.status_code, page.headers["content-language"]) == (200, "it")
    assert (page.text.count("<select"), page.text.count("<section>"), "<script" in page.text) == (120, 4, False)
    assert [label in page.text for label in ("1 di 4: Campo 1", "Bisogno 6", "Fonte 5", "Salva la bozza")] == [True] * 4
    assert "Save the draft" in (await opened(room, token, language="en")).text
    assert (await room.found(f"/ballots/{ballot['id']}"))["cast"] == 0


async def test_a_draft_saved_on_the_page_is_resumed_and_sent(room: Room) -> None:
    forum = await Forum.small(room, 1)
    ballot = await forum.grid()
    token = await link(forum, ballot)
    saved = await pressed(room, token, {"1.1.1": "7", "1.2.1": "no_opinion", "action": "draft", "seen": "0"})
    assert (saved.status_code, "La bozza è salvata: 2 celle su 8" in saved.text) == (200, True)
    page = await opened(room, token)
    assert chosen(page.text) == {"1.1.1": "7", "1.2.1": "no_opinion"}
    assert "Hai ripreso la bozza" in page.text
    assert 'name="seen" value="1"' in page.text
    full = dict.fromkeys(keys(SMALL), "8")
    sent = await pressed(room, token, {**full, "action": "cast", "seen": "1"})
    assert (sent.status_code, "8 celle su 8" in sent.text) == (200, True)
    assert chosen((await opened(room, token)).text) == full
    await forum.close(ballot)
    (cast,) = await room.items(f"/ballots/{ballot['id']}/votes")
    assert cast["cells"] == dict.fromkeys(full, 8)
    closed = await opened(room, token)
    assert ("<select" in closed.text, "1 su 1" in closed.text) == (False, True)


async def test_cells_that_were_forgotten_are_named_and_may_be_left_empty_on_purpose(room: Room) -> None:
    forum = await Forum.small(room, 1)
    ballot = await forum.grid()
    token = await link(forum, ballot)
    some = dict.fromkeys(keys(SMALL)[:6], "5")
    asked = await pressed(room, token, {**some, "action": "cast", "seen": "0"})
    assert (asked.status_code, "Mancano 2 celle su 8" in asked.text) == (422, True)
    assert re.findall(r'<a href="#c([\d.]+)">', asked.text) == ["2.2.1", "2.2.2"]
    assert chosen(asked.text) == some
    assert (await forum.paper(ballot, 0))["state"] == "empty"
    sent = await pressed(room, token, {**some, "action": "cast", "seen": "0", "incomplete": "yes"})
    assert sent.status_code == 200
    assert (await forum.paper(ballot, 0))["cells"] == dict.fromkeys(some, 5)


@pytest.mark.parametrize("bad", ["0", "11", "7.5", "otto", "<b>", "-1", "1e1"])
async def test_what_is_no_score_is_said_beside_its_cell(room: Room, bad: str) -> None:
    forum = await Forum.small(room, 1)
    ballot = await forum.grid()
    token = await link(forum, ballot)
    refused = await pressed(room, token, {"1.1.1": "5", "2.1.1": bad, "action": "draft", "seen": "0"})
    assert refused.status_code == 422
    assert re.findall(r'<a href="#c([\d.]+)">([^<]*)</a>', refused.text) == [("2.1.1", "Lavoro, Ascolto: Bandi")]
    assert 'id="c2.1.1" name="2.1.1" aria-invalid="true" aria-describedby="w2.1.1"' in refused.text
    assert chosen(refused.text) == {"1.1.1": "5"}
    assert "<b>" not in refused.text


async def test_a_page_that_is_out_of_date_changes_nothing_and_keeps_what_was_filled_in(room: Room) -> None:
    forum = await Forum.small(room, 1)
    ballot = await forum.grid()
    token = await link(forum, ballot)
    await forum.put(ballot, 0, {"state": "draft", "cells": {"1.1.1": 1}})
    late = await pressed(room, token, {"1.1.1": "9", "action": "draft", "seen": "0"})
    assert (late.status_code, chosen(late.text)) == (422, {"1.1.1": "9"})
    assert 'name="seen" value="1"' in late.text
    assert (await forum.paper(ballot, 0))["cells"] == {"1.1.1": 1}


async def test_hostile_forms_are_refused(room: Room) -> None:
    forum = await Forum.small(room, 1)
    ballot = await forum.grid()
    token = await link(forum, ballot)
    for fields in (
        {"action": "sent"},
        {"action": "cast", "seen": "x"},
        {"action": "cast", "invitation_id": "x"},
        {"1.1.1": ["5", "6"], "action": "draft"},
        {"action": "draft", "1.1.1": "\x00"},
        {f"x{n}": "1" for n in range(3000)},
    ):
        answer = await pressed(room, token, fields, "application/json")
        assert 400 <= answer.status_code < 500, (fields, answer.text)
        assert 400 <= (await pressed(room, token, fields)).status_code < 500
    large = await pressed(room, token, {"action": "draft", "more": "x" * (1 << 20)})
    assert 400 <= large.status_code < 500
    assert problem(await opened(room, token[:-3] + "abc", "application/json"))[0] in (400, 401, 403, 410)
    assert (await forum.paper(ballot, 0))["state"] == "empty"


async def test_a_link_alone_is_too_little_where_a_ballot_asks_for_more(room: Room) -> None:
    forum = await Forum.small(room, 1)
    ballot = await forum.grid(level="oidc")
    token = await link(forum, ballot)
    page = await opened(room, token)
    assert ("<select" in page.text, "/sign-in?next=%2Fevents%2Fv1%2Fballots%2Flink%3Ftoken" in page.text) == (
        False,
        True,
    )
    refused = await pressed(room, token, {"1.1.1": "5", "action": "draft", "seen": "0"}, "application/json")
    assert problem(refused) == (403, "identity-too-weak")


async def test_a_choice_and_a_secret_motion_are_sent_from_the_page(room: Room) -> None:
    forum = await Forum.small(room, 1)
    choice = await forum.ballot(kind="choice", options=["Lecco", "Crema", "Cremona"], most=2)
    token = await link(forum, choice)
    page = await opened(room, token)
    assert page.text.count('type="checkbox"') == 3
    sent = await pressed(room, token, {"option": ["1", "3"]})
    assert (sent.status_code, "Lecco, Cremona" in sent.text) == (200, True)
    many = await pressed(room, token, {"option": ["1", "2", "3"]})
    assert (many.status_code, 'role="alert"' in many.text) == (422, True)
    secret = await forum.ballot(secret=True)
    token = await link(forum, secret)
    assert "Il voto è segreto" in (await opened(room, token)).text
    cast = await pressed(room, token, {"vote": "no"})
    assert (cast.status_code, "nell&#39;urna" in cast.text, "contro" in cast.text.lower()) == (200, True, False)
    again = await opened(room, token)
    assert ("Hai votato" in again.text, 'type="radio"' in again.text) == (True, False)
    assert (await pressed(room, token, {"vote": "yes"})).status_code == 409

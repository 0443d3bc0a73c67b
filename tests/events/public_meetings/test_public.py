"""Meetings that are open to the public, as somebody without a token sees them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx
import pytest
from uuid_utils.compat import uuid7

from tests.events.room import Room, problem

pytestmark = pytest.mark.timeout(120)
SECRET = "https://meet.example.org/segreto"


async def get(room: Room, path: str, **params: Any) -> httpx.Response:
    return await room.running.client.get(path, params=params)


async def open_meeting(room: Room, body_id: Any = None, **more: Any) -> Any:
    given = {
        "title": "Presentazione alla città",
        "open_to_public": True,
        "description": "Che cosa cambia per il quartiere.\nCon i volontari.",
        "mode": "hybrid",
        "join_url": SECRET,
        "agenda": [{"title": "Saluti", "minutes": 30}, {"title": "Domande"}],
        **more,
    }
    return await room.convened(body_id, **given)


async def test_everybody_sees_what_is_open_and_never_who_comes_nor_how_to_join(room: Room) -> None:
    committee = await room.committee(holders=2)
    meeting = await open_meeting(room, committee.id)
    await room.convened(committee.id, days=20, title="Riunione riservata")
    listed = await get(room, "/events/v1/public-meetings", network=room.slug)
    (shown,) = listed.json()["items"]
    one = await get(room, f"/events/v1/public-meetings/{meeting['id']}")
    assert one.json() == shown
    assert (shown["title"], shown["body"], shown["state"]) == (
        "Presentazione alla città",
        "Comitato esecutivo",
        "convened",
    )
    assert shown["register_href"] == f"/events/v1/registrations/{meeting['id']}"
    for answer in (listed, one):
        assert SECRET not in answer.text
        for member in committee.members:
            assert str(member.person_id) not in answer.text
    for hidden in ("answers", "join_url", "audience", "capacity"):
        assert hidden not in shown


async def test_the_pages_say_the_same_in_the_readers_language(room: Room) -> None:
    committee = await room.committee(holders=1)
    meeting = await open_meeting(room, committee.id)
    page = await get(room, "/events/public", network=room.slug)
    assert (page.status_code, page.headers["cache-control"]) == (200, "public, max-age=60")
    assert f'<a href="/events/public/{meeting["id"]}">Presentazione alla città</a>' in page.text
    one = await get(room, f"/events/public/{meeting['id']}")
    for said in ("Che cosa cambia per il quartiere.", "In presenza e a distanza", "Saluti (30 min)", "Iscriviti"):
        assert said in one.text
    assert SECRET not in page.text + one.text
    english = await room.running.client.get(f"/events/public/{meeting['id']}", headers={"accept-language": "en"})
    assert ("Register" in english.text, english.headers["content-language"]) == (True, "en")


async def test_drafts_closed_circles_and_nothing_are_not_found(room: Room) -> None:
    draft = await room.meeting(open_to_public=True)
    closed = await room.convened()
    for id_ in (draft["id"], closed["id"], uuid7()):
        assert problem(await get(room, f"/events/v1/public-meetings/{id_}")) == (404, "not-found")
        assert (await get(room, f"/events/public/{id_}")).status_code == 404
    assert (await get(room, "/events/v1/public-meetings", network=room.slug)).json()["items"] == []
    assert "Per ora non ce n&#39;è nessuno" in (await get(room, "/events/public", network=room.slug)).text


async def test_a_cancelled_meeting_says_so_to_who_had_its_address(room: Room) -> None:
    meeting = await open_meeting(room)
    await room.made(f"/meetings/{meeting['id']}/cancel", etag=f'"{meeting["version"]}"')
    page = await get(room, f"/events/public/{meeting['id']}")
    assert (page.status_code, "è stato annullato" in page.text, "Iscriviti" in page.text) == (200, True, False)
    assert (await get(room, "/events/v1/public-meetings", network=room.slug)).json()["items"] == []


async def test_public_documents_are_for_everybody_and_others_are_not(room: Room) -> None:
    meeting = await open_meeting(room)
    for title, public in (("Programma", "true"), ("Bozza riservata", "false")):
        await room.running.client.post(
            f"/events/v1/meetings/{meeting['id']}/documents/file",
            files={"file": ("testo.txt", b"Programma della serata", "text/plain")},
            data={"title": title, "public": public},
            headers=room.headers,
        )
    shown, hidden = await room.items(f"/meetings/{meeting['id']}/documents")
    base = f"/events/v1/public-meetings/{meeting['id']}/documents"
    assert (await get(room, f"{base}/{shown['id']}")).content == b"Programma della serata"
    assert problem(await get(room, f"{base}/{hidden['id']}")) == (404, "not-found")
    page = (await get(room, f"/events/public/{meeting['id']}")).text
    assert ("Programma</a>" in page, "Bozza riservata" in page) == (True, False)


async def test_the_list_is_asked_by_day_mode_level_and_words(room: Room) -> None:
    soon = await open_meeting(room, days=5, level="regional")
    late = await open_meeting(room, days=40, mode="remote", place=None, title="Webinar")
    day = (room.today + timedelta(days=20)).isoformat()

    async def found(**asked: Any) -> list[str]:
        answer = await get(room, "/events/v1/public-meetings", network=room.slug, **asked)
        return [one["id"] for one in answer.json()["items"]]

    assert await found() == [soon["id"], late["id"]]
    assert await found(since=day) == [late["id"]]
    assert await found(until=day) == [soon["id"]]
    assert await found(mode="remote") == [late["id"]]
    assert await found(level="regional") == [soon["id"]]
    assert await found(q="webi") == [late["id"]]
    assert (await get(room, "/events/v1/public-meetings", invited="yes")).status_code == 422
    unknown = await get(room, "/events/v1/public-meetings", network="nessuna")
    assert problem(unknown) == (404, "network-unknown")
    assert (await get(room, "/events/public", network="nessuna")).status_code == 404

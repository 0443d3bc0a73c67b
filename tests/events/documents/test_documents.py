"""Documents of a meeting, as those who prepare it, those who come and strangers have them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import httpx
import pytest
from uuid_utils.compat import uuid7

from services.events.documents.rules import EICAR, LARGEST_FILE
from tests.events.room import Caller, Room, problem

pytestmark = pytest.mark.timeout(120)
PDF = b"%PDF-1.7\n1 0 obj"
AGENDA = [{"title": "Bilancio"}, {"title": "Varie"}]


async def upload(
    who: Caller, meeting: Any, content: bytes = PDF, name: str = "bozza.pdf", **form: Any
) -> httpx.Response:
    data = {"title": "Bozza di bilancio", **{key: str(value) for key, value in form.items()}}
    return await who.running.client.post(
        f"/events/v1/meetings/{meeting['id']}/documents/file",
        files={"file": (name, content, "application/pdf")},
        data=data,
        headers=who.headers,
    )


async def test_a_file_and_a_link_are_found_by_those_who_may_read(room: Room) -> None:
    committee = await room.committee(holders=1)
    meeting = await room.convened(committee.id, agenda=AGENDA)
    made = await upload(room, meeting, item=1)
    assert made.status_code == 201, made.text
    await room.made(f"/meetings/{meeting['id']}/documents", {"title": "Statuto", "url": "https://example.org/statuto"})
    assert (await room.found(f"/meetings/{meeting['id']}"))["documents"] == 2
    invited = room.person_calling(committee.members[0].person_id)
    file, link = await invited.items(f"/meetings/{meeting['id']}/documents")
    assert (file["item"], file["file"]["media_type"], file["file"]["size"]) == (1, "application/pdf", len(PDF))
    assert (link["item"], link["file"], link["url"]) == (None, None, "https://example.org/statuto")
    assert file["allowed_actions"] == []
    taken = await invited.get(file["file"]["href"].removeprefix("/events/v1"))
    assert (taken.status_code, taken.content) == (200, PDF)
    assert taken.headers["content-disposition"] == "attachment; filename*=UTF-8''bozza.pdf"
    assert taken.headers["x-content-type-options"] == "nosniff"


async def test_who_is_invited_takes_a_file_by_their_link_and_nobody_takes_anothers(room: Room) -> None:
    committee = await room.committee(holders=1)
    meeting = await room.convened(committee.id, agenda=AGENDA)
    document = (await upload(room, meeting, item=2)).json()
    (invitation,) = await room.invitations(meeting)
    token = room.link("rsvp", invitation["id"])
    page = await room.running.client.get("/events/v1/rsvp/link", params={"token": token})
    assert "Bozza di bilancio</a> (punto 2, PDF, 1 kB)" in page.text
    path = f"/events/v1/rsvp/documents/{document['id']}"
    taken = await room.running.client.get(path, params={"token": token})
    assert (taken.status_code, taken.content) == (200, PDF)
    elsewhere = await room.convened()
    other = (await upload(room, elsewhere)).json()
    foreign = await room.running.client.get(f"/events/v1/rsvp/documents/{other['id']}", params={"token": token})
    assert problem(foreign) == (404, "not-found")
    ballot = room.link("ballot", invitation["id"])
    assert (await room.running.client.get(path, params={"token": ballot})).status_code == 400


@pytest.mark.parametrize(
    ("content", "status", "type_", "code"),
    [
        (b"<html><body>Non sono un PDF</body></html>", 422, "document-unfit", "kind"),
        (b"MZ\x90\x00\x03", 422, "document-unfit", "kind"),
        (b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$" + EICAR + b"!$H+H*", 422, "document-unfit", "harmful"),
        (b"", 422, "document-unfit", "empty"),
        (b"%PDF-" + b" " * LARGEST_FILE, 413, "document-too-large", "too_large"),
    ],
)
async def test_a_hostile_file_is_refused_and_says_why(
    room: Room, content: bytes, status: int, type_: str, code: str
) -> None:
    meeting = await room.meeting()
    refused = await upload(room, meeting, content)
    assert problem(refused) == (status, type_)
    (error,) = refused.json()["errors"]
    assert (error["path"], error["code"]) == ("/file", code)
    assert await room.items(f"/meetings/{meeting['id']}/documents") == []


async def test_a_document_goes_with_its_item_when_the_agenda_changes(room: Room) -> None:
    meeting = await room.meeting(agenda=AGENDA)
    for item in (1, 2):
        assert (await upload(room, meeting, item=item)).status_code == 201
    changed = {"agenda": [{"title": "Varie"}, {"title": "Apertura"}]}
    assert (await room.patch(f"/meetings/{meeting['id']}", changed, '"1"')).status_code == 200
    found = await room.items(f"/meetings/{meeting['id']}/documents")
    assert [one["item"] for one in found] == [None, 1]


@pytest.mark.parametrize(
    "body",
    [
        {"title": "Statuto", "url": "http://example.org"},
        {"title": "Statuto", "url": "javascript:alert(1)"},
        {"title": "Statuto", "url": "https://example.org", "item": 3},
        {"title": "", "url": "https://example.org"},
        {"title": "a\x00b", "url": "https://example.org"},
        {"title": "Statuto"},
    ],
)
async def test_a_link_that_is_none_is_refused(room: Room, body: Any) -> None:
    meeting = await room.meeting(agenda=AGENDA)
    assert (await room.post(f"/meetings/{meeting['id']}/documents", body)).status_code == 422


@pytest.mark.parametrize("title", ["", "a\x00b", "x" * 301])
async def test_a_files_title_is_one_line(room: Room, title: str) -> None:
    assert (await upload(room, await room.meeting(), title=title)).status_code == 422


async def test_strangers_neither_add_nor_take_nor_remove(room: Room) -> None:
    committee = await room.committee(holders=1)
    meeting = await room.convened(committee.id)
    document = (await upload(room, meeting)).json()
    path = f"/meetings/{meeting['id']}/documents/{document['id']}"
    member, stranger = room.person_calling(committee.members[0].person_id), room.person_calling(uuid7())
    assert problem(await upload(member, meeting)) == (403, "forbidden")
    assert problem(await stranger.get(f"{path}/file")) == (403, "forbidden")
    gone = await room.running.client.delete(f"/events/v1{path}", headers=member.headers)
    assert problem(gone) == (403, "forbidden")
    removed = await room.running.client.delete(f"/events/v1{path}", headers=room.headers)
    assert removed.status_code == 204
    assert problem(await room.get(f"{path}/file")) == (404, "not-found")


async def test_a_cancelled_meeting_takes_no_documents(room: Room) -> None:
    meeting = await room.convened()
    await room.made(f"/meetings/{meeting['id']}/cancel", etag=f'"{meeting["version"]}"')
    assert problem(await upload(room, meeting)) == (409, "document-of-cancelled-meeting")


async def test_a_document_of_a_draft_is_its_conveners_alone(room: Room) -> None:
    meeting = await room.meeting()
    document = (await upload(room, meeting)).json()
    member = await room.caller("member")
    path = f"/meetings/{meeting['id']}/documents/{document['id']}/file"
    assert problem(await member.get(path)) == (404, "not-found")
    assert UUID(document["id"])

"""Nobody gets in: every operation of events, asked by everybody who must be refused, about things that exist."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from tests.access.matrix import STRANGERS, operations, refused, unlisted
from tests.events.room import Room
from tests.harness import Running

pytestmark = pytest.mark.timeout(120)

PUBLIC = (
    "GET /check-in/link",
    "POST /minutes/approval/link",
    "GET /minutes/approval/link",
    "GET /rsvp/link",
    "POST /rsvp/link",
    "POST /rsvp/renew",
    "GET /rsvp/documents/{document_id}",
    "GET /ballots/link",
    "POST /ballots/link",
    "GET /syntheses/link",
    "GET /syntheses/link/pdf",
    "GET /polls/link",
    "POST /polls/link",
)
"""A signed link says who it is."""
OPEN = (
    "GET /registrations/{meeting_id}",
    "POST /registrations/{meeting_id}",
    "GET /registrations/manage",
    "POST /registrations/manage",
    "GET /registrations/manage.ics",
    "GET /calendars/feed.ics",
    "GET /reports/public/{report_id}",
    "GET /reports/public/{report_id}.pdf",
    "GET /reports/public/{report_id}.json",
    "GET /meetings/{meeting_id}/quorum/events",
    "GET /public-meetings",
    "GET /public-meetings/{meeting_id}",
    "GET /public-meetings/{meeting_id}/documents/{document_id}",
)
"""Public meetings and released reports are for everybody; one's own registration, a calendar, or a count that goes on
is for whoever has its code or ticket."""
OWN = ("GET /me/calendar-feeds", "POST /me/calendar-feeds")
"""Whoever is signed in has a calendar of their own invitations."""


@pytest.fixture(scope="module")
async def things(events: Running) -> tuple[Room, Mapping[str, str]]:
    """A network with a convened meeting and an invitation to it."""
    room = await Room.founded(events)
    committee = await room.committee(holders=1)
    meeting = await room.convened(committee.id, mode="hybrid", join_url="https://meet.example.org/segreto")
    (invitation,) = await room.invitations(meeting)
    return room, {"meeting_id": meeting["id"], "invitation_id": invitation["id"]}


@pytest.mark.parametrize("stranger", STRANGERS)
async def test_nobody_gets_in(events: Running, things: tuple[Room, Mapping[str, str]], stranger: str) -> None:
    room, ids = things
    await refused(events, stranger, network=room.id, public=PUBLIC + OPEN, signed_in=OWN, ids=ids)


async def test_what_is_open_is_named_here(events: Running) -> None:
    assert unlisted(events, PUBLIC + OPEN) == []


async def test_the_things_asked_about_are_those_of_the_paths(events: Running) -> None:
    """A parameter that is renamed would be filled with an id that nothing has, and refuse everybody for that reason."""
    paths = " ".join(operation.path for operation in operations(events))
    assert {name for name in ("{meeting_id}", "{invitation_id}") if name in paths} == {
        "{meeting_id}",
        "{invitation_id}",
    }


async def test_an_open_link_without_a_good_token_shows_nothing(events: Running) -> None:
    for name in PUBLIC:
        method, path = name.split()
        for params in ({}, {"token": "nonsense"}):
            answer = await events.client.request(
                method, f"/events/v1{path}", params=params, headers={"accept": "application/json"}
            )
            assert answer.status_code in (400, 422), (name, params, answer.text)

"""At the door: the code that somebody shows, whoever reads it, the page of the door, the stream of the quorum, and the
sheet that is signed."""

from __future__ import annotations

import asyncio
import io
import json
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from pypdf import PdfReader
from uuid_utils.compat import uuid7

from services.events.attendance.document import TEMPLATE, Signer, sheet
from services.events.attendance.queries import Figures
from services.events.attendance.routes import progress_of
from services.events.attendance.rules import Quorum
from services.events.meetings.rules import Meeting, State
from services.events.meetings.rules import Mode as MeetingMode
from shared import typesetting
from shared.access import tokens
from shared.access.roles import Level
from shared.contracts.registry import Grant
from shared.runtime import clock
from tests.events.hall import Hall
from tests.events.room import LONG_AGO, Room, problem

pytestmark = pytest.mark.timeout(180)
CODE = "/events/v1/check-in/link"


@dataclass
class Browser:
    """Somebody signed in at a browser, as what they are in the network."""

    room: Room
    headers: dict[str, str]
    person_id: UUID

    @classmethod
    async def of(cls, room: Room, role: str = "secretariat") -> Browser:
        person = room.person("Olga", "Rota")
        await room.tell(person)
        await room.running.grant(person.id, Grant(role=role, network_id=room.id, since=LONG_AGO))
        held = room.running.token(person.id, audience=tokens.PAGES, level=Level.MAILBOX)
        return cls(room, {"cookie": f"trama-session={held}", "accept": "text/html"}, person.id)

    async def open(self, path: str, **params: Any) -> httpx.Response:
        return await self.room.running.client.get(path, params=params or None, headers=self.headers)

    async def send(self, path: str, data: dict[str, Any], **params: Any) -> httpx.Response:
        page = await self.open(path, **params)
        form = re.search(r'name="form" value="([^"]+)"', page.text)
        sent = {"form": form[1] if form else "", **data}
        return await self.room.running.client.post(path, params=params, data=sent, headers=self.headers)


def set_clock(room: Room, to: Any) -> None:
    file = room.running.context.settings.clock_file
    assert file is not None
    clock.set(file, to)


async def mode_of(hall: Hall, member: int) -> Any:
    items = await hall.room.items(f"{hall.path}/attendance")
    return next(one["mode"] for one in items if one["invitation_id"] == hall.invitation(member))


async def test_opening_the_code_shows_it_and_does_nothing(room: Room) -> None:
    hall = await Hall.opened(room)
    token = room.link("check-in", hall.invitation(0))
    page = await room.running.client.get(CODE, params={"token": token})
    assert page.status_code == 200
    assert 'role="img" aria-label="Codice QR di Persona Numero 1' in page.text
    assert "<button>" not in page.text
    assert "Accedi" in page.text
    assert await mode_of(hall, 0) is None
    told = await room.running.client.get(CODE, params={"token": token}, headers={"accept": "application/json"})
    assert (told.json()["person"], told.json()["may_record"], told.json()["mode"]) == ("Persona Numero 1", False, None)


async def test_whoever_records_attendance_reads_it_once_and_hears_who_was_before(room: Room) -> None:
    hall = await Hall.opened(room)
    desk = await Browser.of(room)
    token = room.link("check-in", hall.invitation(0))
    page = await desk.open(CODE, token=token)
    assert "Registra la presenza" in page.text
    assert "Persona Numero 1" in page.text
    assert await mode_of(hall, 0) is None, "opening it does nothing"
    wrong = await desk.send(CODE, {"mode": "absent"}, token=token)
    assert wrong.status_code == 422
    done = await desk.send(CODE, {"mode": "remote"}, token=token)
    assert (done.status_code, "Registrato: Persona Numero 1" in done.text) == (200, True), done.text
    assert await mode_of(hall, 0) == "remote"
    again = await room.running.client.post(
        CODE, params={"token": token}, data={"mode": "present", "form": form_of(page)}, headers=desk.headers
    )
    assert "Era già registrato da Olga Rota: Persona Numero 1, a distanza" in again.text
    assert await mode_of(hall, 0) == "remote", "what was recorded first stands"
    items = await room.items(f"{hall.path}/attendance")
    assert next(one["recorded_by"] for one in items if one["mode"]) == str(desk.person_id)


def form_of(page: httpx.Response) -> str:
    found = re.search(r'name="form" value="([^"]+)"', page.text)
    assert found is not None
    return found[1]


async def test_who_was_excused_and_comes_is_there(room: Room) -> None:
    hall = await Hall.opened(room)
    await hall.attend("excused")
    desk = await Browser.of(room)
    done = await desk.send(CODE, {"mode": "present"}, token=room.link("check-in", hall.invitation(0)))
    assert "Registrato" in done.text
    assert await mode_of(hall, 0) == "present"


async def test_a_code_is_read_by_the_coordination_alone_and_by_forms_of_our_own(room: Room) -> None:
    hall = await Hall.opened(room)
    token = room.link("check-in", hall.invitation(0))
    stranger = await room.running.client.post(CODE, params={"token": token}, data={"mode": "present"})
    assert (stranger.status_code, stranger.headers["location"][:8]) == (303, "/sign-in")
    desk = await Browser.of(room)
    forged = await room.running.client.post(
        CODE, params={"token": token}, data={"mode": "present", "form": "x"}, headers=desk.headers
    )
    assert forged.status_code == 403
    member = await Browser.of(room, "referent")
    page = await member.open(CODE, token=token)
    assert "Codice QR di" in page.text, "to everybody else it is a code to show"
    other = await Browser.of(await Room.founded(room.running))
    assert "<button>Registra" not in (await other.open(CODE, token=token)).text
    assert await mode_of(hall, 0) is None


@pytest.mark.parametrize("wrong", ["purpose", "subject", "expired", "forged"])
async def test_what_is_no_code_of_an_invitation_is_told_apart(room: Room, wrong: str) -> None:
    hall = await Hall.opened(room)
    desk = await Browser.of(room)
    token = {
        "purpose": room.link("rsvp", hall.invitation(0)),
        "subject": room.link("check-in", uuid7()),
        "expired": room.link("check-in", hall.invitation(0), hours=-1),
        "forged": room.link("check-in", hall.invitation(0))[:-4] + "AAAA",
    }[wrong]
    page = await desk.open(CODE, token=token)
    assert 400 <= page.status_code < 500
    assert "<h1>" in page.text
    assert problem(await room.post(f"{hall.path}/check-ins", {"token": token, "mode": "present"}))[0] in (400, 410)
    assert await mode_of(hall, 0) is None


async def test_codes_are_read_on_the_days_of_the_meeting_and_until_it_is_closed(room: Room) -> None:
    hall = await Hall.opened(room, begun=False)
    meeting = await room.convened(hall.committee.id, days=3)
    (first, *_) = await room.invitations(meeting)
    path = f"/meetings/{meeting['id']}/check-ins"
    body = {"token": room.link("check-in", first["id"], hours=200), "mode": "present"}
    assert problem(await room.post(path, body)) == (409, "check-in-not-today")
    assert problem(await room.post(f"{hall.path}/check-ins", body)) == (409, "check-in-elsewhere")
    assert problem(await (await room.caller("referent")).post(path, body))[0] == 403
    set_clock(room, room.now + timedelta(days=3))
    await room.running.settled()
    made = await room.made(path, body)
    assert (made["already"], made["attendance"]["mode"], made["quorum"]["present"]) == (False, "present", 1)
    again = await room.made(path, {**body, "mode": "remote"})
    assert (again["already"], again["attendance"]["mode"]) == (True, "present")
    etag = (await room.get(f"/meetings/{meeting['id']}")).headers["etag"]
    set_clock(room, room.now + timedelta(hours=1))
    await room.made(f"/meetings/{meeting['id']}/close", etag=etag)
    assert problem(await room.post(path, body)) == (409, "meeting-not-in-course")


async def test_a_code_of_an_ended_mandate_opens_nothing(room: Room) -> None:
    hall = await Hall.opened(room, begun=False)
    member = hall.members[0]
    token = room.link("check-in", hall.invitation(0), hours=200)
    await room.tell(room.ended(member.mandate, room.today - timedelta(days=1)))
    assert problem(await room.post(f"{hall.path}/check-ins", {"token": token, "mode": "present"}))[0] == 410
    page = await room.running.client.get(CODE, params={"token": token})
    assert page.status_code == 410


async def test_two_who_read_the_same_code_at_once_record_it_once(room: Room) -> None:
    hall = await Hall.opened(room)
    body = {"token": room.link("check-in", hall.invitation(0)), "mode": "present"}
    answers = await asyncio.gather(*(room.post(f"{hall.path}/check-ins", body) for _ in range(4)))
    assert sorted(answer.json()["already"] for answer in answers) == [False, True, True, True]


async def test_the_page_of_the_door_finds_people_and_records_them(room: Room) -> None:
    hall = await Hall.opened(room, holders=3)
    desk, path = await Browser.of(room), f"/events/v1{hall.path}/door"
    page = await desk.open(path)
    assert page.status_code == 200, page.text
    assert "mancano 2" in page.text
    assert page.text.count("<h3") == 3
    found = await desk.open(path, q="énte 2")
    assert (found.text.count("<h3"), "Persona Numero 2" in found.text) == (1, True)
    assert "Nessuno con questo nome" in (await desk.open(path, q="inesistente")).text
    done = await desk.send(path, {"invitation_id": hall.invitation(1), "mode": "present", "q": "Ente 2"})
    assert done.status_code == 303
    back = await desk.open(done.headers["location"])
    assert "Registrato: Persona Numero 2, presente." in back.text
    assert await mode_of(hall, 1) == "present"
    await desk.send(path, {"invitation_id": hall.invitation(0), "mode": "remote"})
    after = await desk.open(path, live="true")
    assert ("raggiunto" in after.text, 'http-equiv="refresh" content="10"' in after.text) == (True, True)
    refused = await desk.send(path, {"invitation_id": str(uuid7()), "mode": "present"})
    assert (refused.status_code, 'role="alert"' in refused.text) == (422, True)
    sheet_ = await desk.open(f"{path}/sheet")
    assert sheet_.headers["content-type"] == "application/pdf"
    await hall.close()
    closed = await desk.open(path, live="true")
    assert ("queste cifre restano" in closed.text, "http-equiv" in closed.text) == (True, False)


async def test_the_door_is_for_whoever_records_attendance(room: Room) -> None:
    hall = await Hall.opened(room)
    path = f"/events/v1{hall.path}/door"
    stranger = await room.running.client.get(path)
    assert (stranger.status_code, stranger.headers["location"][:8]) == (303, "/sign-in")
    for role in ("referent", "delegate"):
        assert (await (await Browser.of(room, role)).open(path)).status_code == 403
    other = await Browser.of(await Room.founded(room.running))
    assert (await other.open(path)).status_code == 403
    assert (await other.open(f"{path}/sheet")).status_code == 403
    desk = await Browser.of(room)
    body = {"invitation_id": hall.invitation(0), "mode": "present"}
    forged = await room.running.client.post(path, data={**body, "form": "x"}, headers=desk.headers)
    assert forged.status_code == 403
    assert (await desk.open(f"/events/v1/meetings/{uuid7()}/door")).status_code == 404


async def test_the_quorum_is_told_until_the_meeting_is_closed(room: Room) -> None:
    hall = await Hall.opened(room)
    ticket = (await room.post(f"{hall.path}/quorum/ticket")).json()
    await hall.attend("present", "remote")
    listening = asyncio.create_task(room.running.client.get(ticket["href"]))
    await hall.close()
    async with asyncio.timeout(60):
        answer = await listening
    assert answer.headers["content-type"].startswith("text/event-stream")
    told = [json.loads(line.removeprefix("data: ")) for line in answer.text.splitlines() if line.startswith("data: ")]
    assert [line for line in answer.text.splitlines() if line.startswith("event: ")][-1] == "event: end"
    assert (told[-1]["state"], told[-1]["done"], told[-1]["total"]) == ("reached", 2, 2)
    assert (told[-1]["result"]["present"], told[-1]["result"]["fixed"]) == (2, True)
    stranger = await room.person_calling(uuid7()).post(f"{hall.path}/quorum/ticket")
    assert stranger.status_code == 403
    other = await Hall.opened(room)
    wrong = await room.running.client.get(f"/events/v1{other.path}/quorum/events", params={"ticket": ticket["ticket"]})
    assert wrong.status_code == 401, "a ticket is for one meeting"


@pytest.mark.parametrize(("state", "ended"), [("convened", False), ("held", True), ("cancelled", True)])
def test_a_stream_of_the_quorum_ends_with_the_meeting(state: str, ended: bool) -> None:
    at = clock_at()
    meeting = Meeting(uuid7(), "R", at, at + timedelta(hours=1), MeetingMode.REMOTE, state=State(state))
    told = progress_of(Figures(meeting, Quorum(1, 5, 1, 1, 3), second_call=False))
    assert (told.state, told.done, told.total, told.ended) == ("missing", 2, 3, ended)


async def test_attendance_is_searched_by_name_and_body_whatever_the_accents(room: Room) -> None:
    hall = await Hall.opened(room)
    found = await room.items(f"{hall.path}/attendance", q="ENTÉ 3")
    assert [one["person"]["name"] for one in found] == ["Persona Numero 3"]
    assert await room.items(f"{hall.path}/attendance", q="%") == []


# --- the sheet ------------------------------------------------------------------------------------------------------


def words(content: bytes) -> list[str]:
    return [re.sub(r"\s+", " ", page.extract_text()) for page in PdfReader(io.BytesIO(content)).pages]


async def test_the_sheet_has_a_line_for_each_and_is_for_whoever_records_attendance(room: Room) -> None:
    hall = await Hall.opened(room)
    await hall.attend(None, "remote", "excused")
    answer = await room.get(f"{hall.path}/signature-sheet", blank=3)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/pdf")
    (page,) = words(answer.content)
    for said in ("Foglio delle firme", "1 Ente 1 Persona Numero 1", "a distanza", "giustificato", "Firma"):
        assert said in page, said
    width, height = PdfReader(io.BytesIO(answer.content)).pages[0].mediabox[2:]
    assert width > height, "landscape"
    assert problem(await (await room.caller("referent")).get(f"{hall.path}/signature-sheet"))[0] == 403
    assert problem(await room.get(f"{hall.path}/signature-sheet", blank=101))[0] == 422


def test_lines_are_in_the_order_of_bodies_and_names_and_some_are_left_blank() -> None:
    at = clock_at()
    signers = [Signer("Zoe", "acli"), Signer("Ugo", None), Signer("Anna", "ACLI"), Signer("", "Arci", "remote")]
    made = sheet(
        language="it", network="Rete", body=None, title="R", starts_at=at, place=None, signers=signers, blank=2
    )
    assert made["rows"] == [
        ["1", "ACLI", "Anna", ""],
        ["2", "acli", "Zoe", ""],
        ["3", "Arci", "–", "a distanza"],
        ["4", "–", "Ugo", ""],
        ["5", "", "", ""],
        ["6", "", "", ""],
    ]
    assert made["when"] == "giovedì 1 gennaio 2026, ore 00:30", "the day in Italy"


def clock_at() -> datetime:
    return datetime(2025, 12, 31, 23, 30, tzinfo=UTC)


def test_of_many_people_the_header_is_on_every_page() -> None:
    signers = [Signer(f"Persona {number}", f"Ente {number}") for number in range(120)]
    data = sheet(
        language="it", network="Rete", body="C", title="R", starts_at=clock_at(), place="Roma", signers=signers, blank=0
    )
    made = typesetting.pdf(TEMPLATE, data, date(2026, 1, 1))
    pages = words(made)
    assert len(pages) > 5
    assert all("Ente rappresentato" in page for page in pages)
    assert made == typesetting.pdf(TEMPLATE, data, date(2026, 1, 1))

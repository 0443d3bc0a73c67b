"""The PDF of approved minutes: what it says, that it is one for screen readers, and that it never changes."""

from __future__ import annotations

import asyncio
import io
import re
import zlib
from datetime import date
from hashlib import sha256
from typing import Any

import pytest
from pypdf import PdfReader
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError

from services.events.minutes import commands
from services.events.minutes.document import printed
from shared import typesetting
from tests.events.hall import Hall
from tests.events.room import Room, problem

pytestmark = pytest.mark.timeout(180)


def words(content: bytes) -> str:
    """The text of all pages, with single spaces."""
    found = " ".join(page.extract_text() for page in PdfReader(io.BytesIO(content)).pages)
    return re.sub(r"\s+", " ", found)


def metadata(content: bytes) -> str:
    parts = [content]
    for stream in re.findall(rb"stream\r?\n(.*?)\r?\nendstream", content, re.DOTALL):
        try:
            parts.append(zlib.decompress(stream))
        except zlib.error:
            parts.append(stream)
    return b"\n".join(parts).decode("latin-1")


async def approved(room: Room) -> tuple[Hall, Any]:
    hall = await Hall.opened(room)
    ballot = await hall.ballot("Si approva il piano?")
    await hall.votes(ballot, "yes", "yes")
    await hall.close_ballot(ballot)
    await hall.attend(None, None, "excused")
    await hall.decide("Aprire una casella di posta")
    await hall.close()
    return hall, await hall.approved("Interviene il Presidente: #strong[niente] *codice*.")


async def test_the_pdf_says_what_the_page_says_and_is_what_its_checksum_says(room: Room) -> None:
    hall, minutes = await approved(room)
    path = f"/minutes/{minutes['id']}/pdf"
    answer = await room.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/pdf")
    assert sha256(answer.content).hexdigest() == minutes["sha256"] == answer.headers["etag"].strip('"')
    assert f"verbale-1-{hall.meeting['day'][:4]}.pdf" in answer.headers["content-disposition"]
    told = words(answer.content)
    for said in (
        "Verbale della riunione",
        f"Verbale n. {minutes['number']}, approvato",
        "Persona Numero 3 per Ente 3",
        "favorevoli 2, contrari 0, astenuti 0, su 3 aventi diritto. Approvata.",
        "Aprire una casella di posta (azione)",
        "#strong[niente] *codice*",
    ):
        assert said in told, said
    assert "<pdfuaid:part>1</pdfuaid:part>" in metadata(answer.content)
    reader = PdfReader(io.BytesIO(answer.content))
    assert reader.trailer["/Root"]["/Lang"] == "it"  # type: ignore[index]
    again = await room.running.client.get(
        f"/events/v1{path}", headers={**room.headers, "if-none-match": answer.headers["etag"]}
    )
    assert again.status_code == 304
    facts = await hall.told("minutes", minutes["id"])
    assert (facts[-1][0], facts[-1][1]["sha256"]) == ("approved", minutes["sha256"])


async def test_there_is_no_pdf_before_the_approval_and_none_for_strangers(room: Room) -> None:
    hall = await Hall.opened(room)
    await hall.close()
    minutes = await hall.drafted()
    assert problem(await room.get(f"/minutes/{minutes['id']}/pdf"))[0] == 404
    await hall.act(minutes, "submit")
    await hall.act(minutes, "approve")
    other = await Room.founded(room.running)
    assert problem(await other.get(f"/minutes/{minutes['id']}/pdf"))[0] == 403


async def test_the_database_lets_nobody_change_a_pdf_or_keep_a_wrong_checksum(room: Room) -> None:
    _, minutes = await approved(room)
    draft = await Hall.opened(room)
    await draft.close()
    other = await draft.drafted()
    for statement, id_ in (
        ("update minutes_files set made_at = now() where minutes_id = :id", minutes["id"]),
        ("delete from minutes_files where minutes_id = :id", minutes["id"]),
        ("insert into minutes_files (minutes_id, sha256, content, made_at) values (:id, 'x', '', now())", other["id"]),
    ):
        async with room.running.context.database.sessions() as session:
            with pytest.raises(IntegrityError):
                await session.execute(text(statement), {"id": id_})


@pytest.mark.parametrize("table", ["minutes_files", "minutes", "meetings", "quorums", "ballots", "decisions"])
async def test_the_database_lets_nobody_empty_what_is_final(room: Room, table: str) -> None:
    with pytest.raises(DBAPIError, match="final"):
        await room.running.sql(f"truncate {table} cascade")


async def test_minutes_approved_before_there_were_files_get_theirs(room: Room) -> None:
    _, minutes = await approved(room)
    database = room.running.context.database
    async with database.sessions.begin() as session:
        await session.execute(text("alter table minutes_files disable trigger minutes_files_final"))
        await session.execute(text("delete from minutes_files where minutes_id = :id"), {"id": minutes["id"]})
        await session.execute(text("alter table minutes_files enable trigger minutes_files_final"))
        await session.execute(
            text("insert into due (kind, subject_id, at) values (:kind, :id, now() - interval '30 years')"),
            {"kind": commands.FILE, "id": minutes["id"]},
        )
    await room.running.settled()
    assert (await room.found(f"/minutes/{minutes['id']}"))["sha256"] == minutes["sha256"], "the same data, same bytes"


async def test_approved_at_once_they_have_one_number_one_pdf_and_nothing_by_halves(room: Room) -> None:
    hall = await Hall.opened(room)
    await hall.close()
    minutes = await hall.act(await hall.drafted(), "submit")
    etag = f'"{minutes["version"]}"'
    answers = await asyncio.gather(*(room.post(f"/minutes/{minutes['id']}/approve", None, etag) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 412, 412, 412]


def test_the_same_minutes_of_the_same_day_are_the_same_bytes() -> None:
    section = {"code": "attendance", "heading": "Presenze", "lines": ["Riga"], "items": ["Presenti (1): A"]}
    table = {"caption": "Per ente", "headings": ["Ente", "Presenti"], "rows": [["Ente 1", "1"]] * 80}
    document = {
        "language": "it",
        "title": "Verbale della riunione del 20 dicembre 2024",
        "subtitle": "Comitato – Rete",
        "sections": [{**section, "table": table, "added": ["Altro"]}, {**section, "code": "agenda"}],
    }
    data = printed(document, "Rete", "Verbale n. 1/2024, approvato il 10 gennaio 2025.", date(2025, 1, 10))
    made = typesetting.pdf(commands.TEMPLATE, data, date(2025, 1, 10))
    assert made == typesetting.pdf(commands.TEMPLATE, data, date(2025, 1, 10))
    pages = PdfReader(io.BytesIO(made)).pages
    assert len(pages) > 1
    assert all("Presenti" in page.extract_text() for page in pages[:2]), "the header is repeated"
    assert made != typesetting.pdf(commands.TEMPLATE, {**data, "approved": "Altro"}, date(2025, 1, 10))

"""Syntheses to those to whom they are sent; extensions and reports to the secretariat."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from joserfc.jwk import ECKey
from sqlalchemy import func, insert, select
from uuid_utils.compat import uuid7

from services.notify.app import service
from services.notify.contacts.tables import contacts
from services.notify.deliveries.commands import CHUNK
from services.notify.deliveries.tables import deliveries
from services.notify.programmes.listens import send_the_synthesis, syntheses_known
from shared.access.tables import networks
from shared.contracts.events import (
    ReportReleased,
    ReportWithdrawn,
    SeriesAdopted,
    SeriesExtended,
    SynthesisIssued,
    SynthesisSent,
)
from shared.messaging import NotYet
from shared.runtime.database import Database
from tests.notify.meetings.test_many import NOW, PEOPLE, received, statements
from tests.notify.network import TITLE, Network, then
from tests.notify.polls.test_polls import of_topic

pytestmark = pytest.mark.timeout(180)


def issued(room: Network, number: int = 1, **changed: Any) -> SynthesisIssued:
    known: dict[str, Any] = {"title": "Prima fase", "number": number, "contributions": 1234, "themes": ("energies",)}
    return SynthesisIssued(id=uuid7(), version=number + 1, network_id=room.id, **{**known, **changed})


def sent(room: Network, of: SynthesisIssued, *people: UUID, part: int = 1) -> SynthesisSent:
    return SynthesisSent(
        id=uuid7(), version=1, network_id=room.id, synthesis_id=of.id, number=of.number, part=part, people=people
    )


async def test_a_synthesis_reaches_those_it_was_sent_to_with_a_link_of_their_own(room: Network, tmp_path: Path) -> None:
    person, other = room.person(), room.person()
    one = issued(room)
    await room.running.tell(sent(room, one, person.id), one)
    await room.running.tell(person, other)
    (mail,) = await room.mails(person)
    assert mail.message["Subject"] == f"Sintesi dei contributi: Prima fase – {TITLE}"
    assert "Contributi:  1.234" in mail.text
    link = await room.link(mail.text, "/events/v1/syntheses/link", "synthesis", tmp_path)
    assert (link.subject, link.claims) == (one.id, {"person": str(person.id)})
    assert await room.topics(other) == []


async def test_each_version_is_told_once_to_each(room: Network) -> None:
    person = room.person()
    one = issued(room)
    await room.running.tell(person, one, sent(room, one, person.id), sent(room, one, person.id, part=2))
    await room.mails(person)
    again = then(one, SynthesisIssued, number=2)
    await room.running.tell(again, sent(room, again, person.id))
    await room.mails(person, 2)
    assert await of_topic(room, person, "synthesis-issued") == ["sent", "sent"]


async def test_the_secretariat_hears_of_an_extension_and_of_a_report(room: Network) -> None:
    secretary, member = room.person(), room.person()
    adopted = SeriesAdopted(
        id=uuid7(), version=2, network_id=room.id, title="Palestre", state="adopted",
        since=date(2099, 1, 1), last_day=date(2099, 12, 31), planned=18,
    )  # fmt: skip
    report = ReportReleased(
        id=uuid7(), version=2, network_id=room.id, title="Relazione finale", state="released", sha256="0" * 64
    )
    await room.running.tell(secretary, member, room.secretary(secretary), adopted)
    await room.running.settled()
    assert await room.topics(secretary) == [], "that it was adopted is no news to who adopted it"
    await room.running.tell(then(adopted, SeriesExtended, last_day=date(2100, 4, 30), extensions=1), report)
    mails = {mail.message["Subject"]: mail.text for mail in await room.mails(secretary, 2)}
    assert "30 aprile 2100 compreso" in mails[f"Programma prorogato: Palestre – {TITLE}"]
    assert (
        f"http://trama.test/events/v1/reports/public/{report.id}"
        in mails[f"Relazione pubblicata: Relazione finale – {TITLE}"]
    )
    assert await room.topics(member) == []


async def test_a_report_that_was_taken_back_is_not_told(room: Network) -> None:
    secretary = room.person()
    report = ReportReleased(
        id=uuid7(), version=2, network_id=room.id, title="Relazione", state="released", sha256="0" * 64
    )
    await room.running.tell(room.secretary(secretary), report, then(report, ReportWithdrawn, state="withdrawn"))
    await room.running.tell(secretary)
    await room.running.settled()
    assert await of_topic(room, secretary, "report-released") in ([], ["suppressed"])


async def test_a_thousand_recipients_are_a_few_statements_and_an_older_version_waits(database: Database) -> None:
    assert service is not None
    room = Network(None, None, ECKey.generate_key("P-256"))  # type: ignore[arg-type]  # it only makes facts
    people = [room.person() for _ in range(PEOPLE)]
    one = issued(room, 2)
    audience = received(sent(room, one, *(person.id for person in people)))
    async with database.sessions.begin() as session:
        await session.execute(
            insert(networks).values(id=room.id, slug="a", name="A", kind="alliance", generation=1, version=1)
        )
        rows = [{"person_id": p.id, "email": p.email, "generation": 1, "version": 1} for p in people]
        await session.execute(insert(contacts), rows)
        with pytest.raises(NotYet, match="synthesis"):
            await send_the_synthesis(session, [audience], NOW)
        await syntheses_known(session, [received(then(one, SynthesisIssued, version=2, number=1))], NOW)
        with pytest.raises(NotYet, match="version 2"):
            await send_the_synthesis(session, [audience], NOW)
        await syntheses_known(session, [received(one)], NOW)
    with statements(database) as seen:
        async with database.sessions.begin() as session:
            await send_the_synthesis(session, [audience], NOW)
            await send_the_synthesis(session, [audience], NOW)
    assert len(seen) <= 2 * (5 + PEOPLE / CHUNK), seen
    async with database.sessions() as session:
        assert await session.scalar(select(func.count()).select_from(deliveries)) == PEOPLE

"""Ballots in no meeting: who may vote is called, reminded while they have not voted, and told the outcome."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from joserfc.jwk import ECKey
from sqlalchemy import func, insert, select
from uuid_utils.compat import uuid7

from services.notify.app import service
from services.notify.contacts.tables import contacts
from services.notify.deliveries.commands import CHUNK
from services.notify.deliveries.tables import deliveries
from services.notify.meetings.listens import ballots_known, call_to_vote
from services.notify.voters.listens import call_the_voters, tell_the_result, voters_known
from shared.access.tables import networks
from shared.contracts.events import (
    BallotClosed,
    BallotOpened,
    BallotOption,
    VoterCalled,
    VoterVoted,
    VoterWithdrawn,
)
from shared.contracts.registry import PersonRegistered
from shared.runtime.database import Database
from tests.notify.meetings.test_many import NOW, PEOPLE, received, statements
from tests.notify.network import TITLE, Network, then
from tests.notify.polls.test_polls import of_topic
from tests.notify.reminders.test_reminders import moved_to, now, reminders

pytestmark = pytest.mark.timeout(180)
CLOSES = datetime(2099, 9, 10, 13, 30, tzinfo=UTC)


def ballot(room: Network, **changed: Any) -> BallotOpened:
    known = {"question": "Quali priorità?", "entitled": 3, "kind": "choice", "closes_at": CLOSES}
    return BallotOpened(id=uuid7(), version=1, network_id=room.id, **{**known, **changed})


def called(room: Network, of: BallotOpened, person: PersonRegistered, **changed: Any) -> VoterCalled:
    known = {"ballot_id": of.id, "person_id": person.id, "state": "called"}
    return VoterCalled(id=uuid7(), version=1, network_id=room.id, **{**known, **changed})


async def test_each_paper_has_a_call_and_a_link_of_its_own(room: Network, tmp_path: Path) -> None:
    body, organisation, person = room.body(), room.organisation("Ponti"), room.person()
    one = ballot(room, body_id=body.id, secret=True, kind="grid")
    voters = [called(room, one, person, organisation_id=organisation.id), called(room, one, person)]
    await room.running.tell(*voters, one)
    await room.running.tell(person, organisation, body)
    mails = await room.mails(person, 2)
    links = [await room.link(mail.text, "/events/v1/ballots/link", "vote", tmp_path) for mail in mails]
    assert {link.subject for link in links} == {voter.id for voter in voters}
    assert all(link.claims == {} for link in links)
    assert {mail.message["Subject"] for mail in mails} == {f"Si vota: Quali priorità? – {TITLE}"}
    mail = next(mail for mail in mails if "Voti per" in mail.text)
    for line in (
        "Organo:         Comitato esecutivo nazionale",
        "Voti per:       Ponti",
        "Si vota fino a:  10 settembre 2099, ore 15:30",
        "Il voto è segreto: si sa chi ha votato, non come.",
    ):
        assert " ".join(line.split()) in " ".join(mail.text.split())
    assert "dai un punteggio" in mail.text or "Si dà un punteggio" in mail.text


async def test_its_opening_by_itself_tells_nobody_and_one_in_a_meeting_tells_the_invited(room: Network) -> None:
    person, meeting = room.person(), room.meeting()
    await room.running.tell(person, meeting, room.invited(meeting, person))
    await room.mails(person)
    await room.running.tell(ballot(room), room.ballot(meeting))
    await room.mails(person, 2)
    assert await of_topic(room, person, "ballot-opened") == ["sent"]
    assert await of_topic(room, person, "ballot-called") == []


async def test_the_outcome_is_told_once_to_each_who_could_vote(room: Network) -> None:
    people = [room.person() for _ in range(3)]
    one = ballot(room)
    voters = [called(room, one, person) for person in (people[0], people[0], people[1], people[2])]
    await room.running.tell(*people, one, *voters)
    await room.running.tell(
        then(voters[2], VoterVoted, state="voted"), then(voters[3], VoterWithdrawn, state="withdrawn")
    )
    await room.running.settled()
    options = (BallotOption(title="Casa", votes=1200), BallotOption(title="Lavoro", votes=3))
    closed = then(one, BallotClosed, outcome="chosen", cast=1203, entitled=1500, options=options)
    await room.running.tell(closed, closed)
    await room.running.settled()
    assert [await of_topic(room, person, "ballot-closed") for person in people] == [["sent"], ["sent"], []]
    text = next(mail.text for mail in room.of(people[1]) if "Esito" in mail.message["Subject"])
    assert "1.203 su 1.500" in text
    assert "- Casa: 1.200\n- Lavoro: 3" in text
    assert "La scelta è fatta." in text
    assert "Favorevoli" not in text


async def test_of_a_ballot_in_a_meeting_the_minutes_tell(room: Network) -> None:
    person, meeting = room.person(), room.meeting()
    opened = room.ballot(meeting)
    await room.running.tell(person, meeting, room.invited(meeting, person), opened)
    await room.mails(person, 2)
    await room.running.tell(then(opened, BallotClosed, outcome="carried", in_favour=1))
    await room.running.settled()
    assert await of_topic(room, person, "ballot-closed") == []


async def test_who_has_not_voted_is_reminded_the_day_before(notify: Network) -> None:
    lazy, prompt, gone = notify.person(), notify.person(), notify.person()
    closes = now(notify) + timedelta(days=6)
    one = ballot(notify, closes_at=closes)
    voters = [called(notify, one, person) for person in (lazy, prompt, gone)]
    await notify.running.tell(lazy, prompt, gone, one, *voters)
    await notify.running.tell(
        then(voters[1], VoterVoted, state="voted"), then(voters[2], VoterWithdrawn, state="withdrawn")
    )
    await notify.running.settled()
    assert await reminders(notify, one.id) == {1: "planned"}
    await moved_to(notify, closes - timedelta(days=1, minutes=-1))
    await notify.mails(lazy, 2)
    assert [await of_topic(notify, person, "ballot-reminder") for person in (lazy, prompt, gone)] == [["sent"], [], []]
    assert "domani si chiude una votazione" in notify.of(lazy)[-1].text


async def test_one_that_closes_early_or_in_a_meeting_reminds_nobody(notify: Network) -> None:
    person, meeting = notify.person(), notify.meeting()
    closes = now(notify) + timedelta(days=6)
    early = ballot(notify, closes_at=closes)
    within = notify.ballot(meeting, closes_at=closes)
    await notify.running.tell(person, meeting, early, within, called(notify, early, person))
    await notify.running.settled()
    assert await reminders(notify, within.id) == {}
    await notify.running.tell(then(early, BallotClosed, outcome="cancelled"))
    await notify.running.settled()
    assert await reminders(notify, early.id) == {1: "cancelled"}
    await moved_to(notify, closes)
    assert await of_topic(notify, person, "ballot-reminder") == []


async def test_a_thousand_voters_are_called_and_told_in_a_few_statements(database: Database) -> None:
    assert service is not None
    room = Network(None, None, ECKey.generate_key("P-256"))  # type: ignore[arg-type]  # it only makes facts
    people = [room.person() for _ in range(PEOPLE)]
    one = ballot(room)
    voters = [received(called(room, one, person)) for person in people]
    async with database.sessions.begin() as session:
        await session.execute(
            insert(networks).values(id=room.id, slug="a", name="A", kind="alliance", generation=1, version=1)
        )
        rows = [{"person_id": p.id, "email": p.email, "generation": 1, "version": 1} for p in people]
        await session.execute(insert(contacts), rows)
        await ballots_known(session, [received(one)], NOW)
        await voters_known(session, voters, NOW)
        await call_to_vote(session, [received(one)], NOW)
        assert await session.scalar(select(func.count()).select_from(deliveries)) == 0
    with statements(database) as seen:
        async with database.sessions.begin() as session:
            await call_the_voters(session, voters, NOW)
    assert len(seen) <= 6 + PEOPLE / CHUNK, seen
    closed = received(then(one, BallotClosed, outcome="chosen"))
    with statements(database) as seen:
        async with database.sessions.begin() as session:
            await ballots_known(session, [closed], NOW)
            await tell_the_result(session, [closed], NOW)
    assert len(seen) <= 7 + PEOPLE / CHUNK, seen
    async with database.sessions() as session:
        assert await session.scalar(select(func.count()).select_from(deliveries)) == 2 * PEOPLE

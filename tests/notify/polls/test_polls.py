"""Polls for a date: who is asked, reminded, and told which date was chosen; each once, in whatever order facts come."""

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
from services.notify.polls.listens import (
    ask_when_to_meet,
    poll_requests_known,
    polls_known,
    tell_what_came_of_it,
)
from services.notify.polls.rules import awaits, outcome
from shared.access.actor import ROME
from shared.access.tables import networks
from shared.contracts.events import (
    PollAnswered,
    PollAsked,
    PollChanged,
    PollClosed,
    PollOpened,
    PollOption,
    PollWithdrawn,
)
from shared.contracts.registry import PersonRegistered
from shared.runtime.database import Database
from tests.notify.meetings.test_many import NOW, PEOPLE, received, statements
from tests.notify.network import TITLE, Network, then
from tests.notify.reminders.test_reminders import moved_to, now, reminders, set_days

pytestmark = pytest.mark.timeout(180)
FIRST = datetime(2099, 9, 10, 13, 30, tzinfo=UTC)


def poll(room: Network, **changed: Any) -> PollOpened:
    options = tuple(
        PollOption(starts_at=FIRST + timedelta(days=n), ends_at=FIRST + timedelta(days=n, hours=1)) for n in range(2)
    )
    known = {"title": "Prossimo incontro", "state": "open", "closes_at": FIRST - timedelta(days=9), "options": options}
    return PollOpened(id=uuid7(), version=1, network_id=room.id, **{**known, **changed})


def asked(room: Network, of: PollOpened, person: PersonRegistered) -> PollAsked:
    return PollAsked(id=uuid7(), version=1, network_id=room.id, poll_id=of.id, person_id=person.id, state="asked")


async def of_topic(room: Network, person: PersonRegistered, topic: str) -> list[str]:
    """States of what of a topic was intended for the person."""
    return [state for code, state, _ in await room.topics(person) if code == topic]


async def test_who_is_asked_gets_the_dates_and_a_link_of_their_own(room: Network, tmp_path: Path) -> None:
    body, italian, english = room.body(), room.person(), room.person(given_name="Mary", language="en")
    one = poll(room, body_id=body.id)
    requests = [asked(room, one, person) for person in (italian, english)]
    await room.running.tell(*requests, one)
    await room.running.tell(italian, english, body)
    (mail,) = await room.mails(italian)
    assert mail.message["Subject"] == f"Quando ci incontriamo? Prossimo incontro – {TITLE}"
    for line in (
        "Organo:          Comitato esecutivo nazionale",
        "Rispondi entro:  il 1 settembre 2099 alle 15:30",
        "- giovedì 10 settembre 2099, dalle 15:30 alle 16:30 (ora italiana)",
        "- venerdì 11 settembre 2099, dalle 15:30 alle 16:30 (ora italiana)",
    ):
        assert line in mail.text.splitlines(), mail.text
    link = await room.link(mail.text, "/events/v1/polls/link", "poll", tmp_path)
    assert link.subject == requests[0].id
    assert abs(link.expires - one.closes_at) < timedelta(minutes=1)
    (mail,) = await room.mails(english)
    assert mail.message["Subject"].startswith("When shall we meet?")
    assert "Answer by:  September 1, 2099 at 15:30" in mail.text


async def test_what_is_told_again_is_not_mailed_again(room: Network) -> None:
    person = room.person()
    one = poll(room)
    request = asked(room, one, person)
    await room.running.tell(person, one, request)
    await room.mails(person)
    await room.running.tell(one, request)
    await room.running.settled()
    assert await of_topic(room, person, "poll-asked") == ["sent"]


async def test_the_choice_is_told_once_to_each_whether_it_closed_the_poll_or_came_later(room: Network) -> None:
    people = [room.person() for _ in range(3)]
    one = poll(room)
    requests = [asked(room, one, person) for person in people]
    gone = then(requests[2], type(requests[2]), state="withdrawn")
    await room.running.tell(*people, one, *requests, gone, then(requests[0], PollAnswered, state="answered"))
    await room.running.settled()
    closed = then(one, PollClosed, state="closed")
    await room.running.tell(closed)
    await room.running.settled()
    assert await of_topic(room, people[0], "poll-closed") == [], "that its end came is no news"
    chosen = then(closed, PollChanged, state="closed", chosen=2, meeting_id=uuid7())
    await room.running.tell(chosen, then(chosen, PollChanged, state="closed", chosen=2, title="Incontro"))
    await room.running.settled()
    assert [await of_topic(room, person, "poll-closed") for person in people] == [["sent"], ["sent"], []]
    mail = next(mail for mail in room.of(people[0]) if "La data è scelta" in mail.message["Subject"])
    assert "Quando:    venerdì 11 settembre 2099, dalle 15:30 alle 16:30 (ora italiana)" in mail.text


async def test_a_poll_that_is_withdrawn_is_told_and_not_asked_any_more(room: Network) -> None:
    early, late = room.person(), room.person()
    one = poll(room)
    await room.running.tell(early, one, asked(room, one, early))
    await room.mails(early)
    await room.running.tell(asked(room, one, late), then(one, PollWithdrawn, state="withdrawn"), late)
    await room.running.settled()
    assert await of_topic(room, early, "poll-closed") == ["sent"]
    assert (await of_topic(room, late, "poll-asked"))[0] in ("suppressed", "sent")
    assert "Sondaggio ritirato" in room.of(early)[-1].message["Subject"]


# --- reminders ------------------------------------------------------------------------------------------------------


async def test_who_has_not_answered_is_reminded_two_days_before_at_the_same_hour(notify: Network) -> None:
    lazy, prompt = notify.person(), notify.person()
    closes = now(notify) + timedelta(days=10)
    one = poll(notify, closes_at=closes)
    requests = [asked(notify, one, person) for person in (lazy, prompt)]
    await notify.running.tell(lazy, prompt, one, *requests, then(requests[1], PollAnswered, state="answered"))
    await notify.running.settled()
    assert await reminders(notify, one.id) == {2: "planned"}
    before = datetime.combine((closes - timedelta(days=2)).date(), closes.timetz(), ROME)
    await moved_to(notify, before - timedelta(minutes=1))
    assert await of_topic(notify, lazy, "poll-reminder") == []
    await moved_to(notify, before)
    await notify.mails(lazy, 2)
    assert await of_topic(notify, lazy, "poll-reminder") == ["sent"]
    assert await of_topic(notify, prompt, "poll-reminder") == []
    assert "fra 2 giorni si chiude" in notify.of(lazy)[-1].text


async def test_a_poll_that_ends_later_or_at_once_moves_or_cancels_its_reminder(notify: Network) -> None:
    person = notify.person()
    closes = now(notify) + timedelta(days=5)
    one, other = poll(notify, closes_at=closes), poll(notify, closes_at=closes)
    short = poll(notify, closes_at=now(notify) + timedelta(days=1))
    requests = [asked(notify, each, person) for each in (one, other, short)]
    await notify.running.tell(person, one, other, short, *requests)
    await notify.running.settled()
    assert await reminders(notify, short.id) == {2: "past"}, "nothing is sent for the past"
    await notify.running.tell(
        then(one, PollChanged, closes_at=closes + timedelta(days=20)), then(other, PollClosed, state="closed")
    )
    await notify.running.settled()
    assert await reminders(notify, other.id) == {2: "cancelled"}
    await moved_to(notify, closes + timedelta(days=1))
    assert await of_topic(notify, person, "poll-reminder") == []
    assert await reminders(notify, one.id) == {2: "planned"}
    await moved_to(notify, closes + timedelta(days=18, minutes=1))
    assert await of_topic(notify, person, "poll-reminder") == ["sent"]


async def test_a_network_says_how_long_before(notify: Network) -> None:
    own = Network(notify.running, notify.relay, notify.link_key)
    await notify.running.tell(own.founded())
    await notify.running.settled()
    await set_days(own, "poll-reminder", [5, 1])
    one = poll(own, closes_at=now(own) + timedelta(days=9))
    await own.running.tell(one)
    await own.running.settled()
    assert await reminders(own, one.id) == {5: "planned", 1: "planned"}


# --- many at once ---------------------------------------------------------------------------------------------------


async def test_a_thousand_are_asked_and_told_in_a_few_statements(database: Database) -> None:
    assert service is not None
    room = Network(None, None, ECKey.generate_key("P-256"))  # type: ignore[arg-type]  # it only makes facts
    people = [room.person() for _ in range(PEOPLE)]
    one = poll(room)
    requests = [received(asked(room, one, person)) for person in people]
    async with database.sessions.begin() as session:
        await session.execute(
            insert(networks).values(id=room.id, slug="a", name="A", kind="alliance", generation=1, version=1)
        )
        rows = [{"person_id": p.id, "email": p.email, "generation": 1, "version": 1} for p in people]
        await session.execute(insert(contacts), rows)
        await polls_known(session, [received(one)], NOW)
        await poll_requests_known(session, requests, NOW)
    with statements(database) as seen:
        async with database.sessions.begin() as session:
            await ask_when_to_meet(session, requests, NOW)
    assert len(seen) <= 6 + PEOPLE / CHUNK, seen
    chosen = received(then(one, PollClosed, state="closed", chosen=1))
    with statements(database) as seen:
        async with database.sessions.begin() as session:
            await polls_known(session, [chosen], NOW)
            await tell_what_came_of_it(session, [chosen], NOW)
            await tell_what_came_of_it(session, [chosen], NOW)
    assert len(seen) <= 2 * (6 + PEOPLE / CHUNK), seen
    async with database.sessions() as session:
        assert await session.scalar(select(func.count()).select_from(deliveries)) == 2 * PEOPLE


# --- the rules ------------------------------------------------------------------------------------------------------


def test_what_of_a_poll_is_news() -> None:
    assert outcome("open", None) is None
    assert outcome("closed", None) is None
    assert outcome("closed", 1) == "chosen"
    assert outcome("withdrawn", None) == "withdrawn"
    assert awaits("open", NOW + timedelta(seconds=1), NOW)
    assert not awaits("open", NOW, NOW)
    assert not awaits("closed", NOW + timedelta(days=1), NOW)

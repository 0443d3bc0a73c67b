"""A practice goes to its reviewers and comes back to its author; whose it is hears that others do as it says."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Table
from sqlalchemy.ext.asyncio import AsyncSession

from services.notify.deliveries.commands import intend
from services.notify.messages.intents import (
    bodies_known,
    intent,
    known_or_wait,
    networks_known,
    organisations_known,
    people_known,
    people_there,
    projected,
    secretariats,
    stated,
    to_each,
)
from services.notify.messages.rules import (
    PRACTICE_ADOPTED,
    PRACTICE_PUBLISHED,
    PRACTICE_RETURNED,
    PRACTICE_SUBMITTED,
    Topic,
)
from services.notify.practices.queries import reviewers
from services.notify.practices.tables import adoptions, practices
from shared.access.actor import day
from shared.access.listens import guard
from shared.contracts.learning import (
    AdoptionState,
    PracticeAdopted,
    PracticePublished,
    PracticeReturned,
    PracticeState,
    PracticeSubmitted,
)
from shared.messaging import Received, newest, projects, reacts, upsert_newest

OWN = {"generation", "version"}


@projects(PracticeState, tables=[practices])
async def practices_known(session: AsyncSession, facts: Sequence[Received[PracticeState]], now: datetime) -> None:  # noqa: ARG001
    await _keep(session, practices, facts)


@projects(AdoptionState, tables=[adoptions])
async def adoptions_known(session: AsyncSession, facts: Sequence[Received[AdoptionState]], now: datetime) -> None:  # noqa: ARG001
    await _keep(session, adoptions, facts)


async def _keep(session: AsyncSession, table: Table, facts: Sequence[Received[Any]]) -> None:
    names = [str(column.name) for column in table.c if column.name not in OWN]
    rows = [{**{name: getattr(r.fact, name) for name in names}, **guard(r)} for r in newest(facts)]
    await upsert_newest(session, table, rows)


@reacts(PracticeSubmitted)
async def ask_the_reviewers(session: AsyncSession, facts: Sequence[Received[PracticeSubmitted]], now: datetime) -> None:
    """Each once for each time that it is submitted. To nobody is a failure to be seen."""
    await projected(session, practices, facts)
    await networks_known(session, {r.fact.network_id for r in facts})
    told = await reviewers(session, [r.fact for r in facts], day(now))
    await people_known(session, {person for people in told.values() for person in people})
    intents = [
        delivery
        for r in facts
        for delivery in to_each(
            r, PRACTICE_SUBMITTED, now, told[r.fact.id], {"practice_id": str(r.fact.id)}, instant=stated(r)
        )
    ]
    await intend(session, intents, now)


@reacts(PracticeReturned)
async def tell_the_author_what_is_asked(
    session: AsyncSession, facts: Sequence[Received[PracticeReturned]], now: datetime
) -> None:
    """What the reviewers ask for is read on its page."""
    await _tell_author(session, facts, PRACTICE_RETURNED, now)


@reacts(PracticePublished)
async def tell_the_author_that_all_can_read_it(
    session: AsyncSession, facts: Sequence[Received[PracticePublished]], now: datetime
) -> None:
    await _tell_author(session, facts, PRACTICE_PUBLISHED, now)


async def _tell_author(
    session: AsyncSession, facts: Sequence[Received[PracticeState]], topic: Topic, now: datetime
) -> None:
    """Of a practice whose author was erased, or never known, its register tells."""
    there = await people_there(session, {r.fact.author_id for r in facts})
    written = [r for r in facts if r.fact.author_id in there]
    await projected(session, practices, written)
    await networks_known(session, {r.fact.network_id for r in written})
    intents = [
        intent(
            r,
            topic,
            now,
            person_id=r.fact.author_id,
            parameters={"practice_id": str(r.fact.id)},
            instant=stated(r),
        )
        for r in written
    ]
    await intend(session, intents, now)


@reacts(PracticeAdopted)
async def tell_whose_practice_it_is(
    session: AsyncSession, facts: Sequence[Received[PracticeAdopted]], now: datetime
) -> None:
    """The author and the secretariat of the practice's own network, in that network's name; each once for each
    adoption."""
    await projected(session, adoptions, facts)
    await networks_known(session, {id_ for r in facts for id_ in (r.fact.network_id, r.fact.practice_network_id)})
    await organisations_known(session, {r.fact.organisation_id for r in facts})
    await bodies_known(session, {r.fact.body_id for r in facts})
    rows = await known_or_wait(session, practices, "practice", {r.fact.practice_id for r in facts})
    offices = await secretariats(session, {r.fact.practice_network_id for r in facts}, day(now))
    authors = await people_there(session, {row.author_id for row in rows.values()})
    intents = []
    for r in facts:
        author = rows[r.fact.practice_id].author_id
        people = sorted({*offices[r.fact.practice_network_id], *({author} & authors)})
        parameters = {"practice_id": str(r.fact.practice_id), "adoption_id": str(r.fact.id)}
        intents += [
            intent(
                r,
                PRACTICE_ADOPTED,
                now,
                person_id=person,
                parameters=parameters,
                network_id=r.fact.practice_network_id,
            )
            for person in people
        ]
    await people_known(session, {one.person_id for one in intents})
    await intend(session, intents, now)

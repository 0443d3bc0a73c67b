"""What the map asks of people: is it still so, put this right, answer this need.

Questions that come together go to each person in one mail, not in one for each place. What a person asked for at a
civic centre is not in any fact, and so in no mail: who is to answer reads it where it is kept.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Table
from sqlalchemy.ext.asyncio import AsyncSession

from services.notify.deliveries.commands import intend
from services.notify.inventory.queries import Who, referents
from services.notify.inventory.tables import map_needs, map_questions
from services.notify.messages.intents import (
    intent,
    networks_known,
    organisations_known,
    people_known,
    projected,
    stated,
    to_each,
)
from services.notify.messages.rules import FRESHNESS_ASKED, ITEM_RETURNED, NEED_ASSIGNED, QUESTIONS_IN_A_MAIL
from shared.access.actor import day
from shared.access.listens import guard
from shared.contracts.mapping import (
    ExperienceReturned,
    FreshnessAsked,
    FreshnessState,
    ItemState,
    NeedAssigned,
    NeedState,
    PlaceReturned,
    ResourceReturned,
)
from shared.messaging import Received, newest, projects, reacts, upsert_newest


@projects(FreshnessState, tables=[map_questions])
async def questions_known(
    session: AsyncSession,
    facts: Sequence[Received[FreshnessState]],
    now: datetime,  # noqa: ARG001
) -> None:
    await _keep(session, map_questions, facts)


@projects(NeedState, tables=[map_needs])
async def needs_known(session: AsyncSession, facts: Sequence[Received[NeedState]], now: datetime) -> None:  # noqa: ARG001
    await _keep(session, map_needs, facts)


async def _keep(session: AsyncSession, table: Table, facts: Sequence[Received[Any]]) -> None:
    kept = [column.name for column in table.c if column.name not in {"generation", "version"}]
    rows = [{**{name: getattr(r.fact, name) for name in kept}, **guard(r)} for r in newest(facts)]
    await upsert_newest(session, table, rows)


@reacts(FreshnessAsked)
async def ask_who_knows(session: AsyncSession, facts: Sequence[Received[FreshnessAsked]], now: datetime) -> None:
    """The organisation's referents, or else the secretariat: all that is asked of one person in this batch of one
    network, a few dozen questions to a mail. To nobody is a failure to be seen."""
    await projected(session, map_questions, facts)
    await networks_known(session, {r.fact.network_id for r in facts})
    await organisations_known(session, {r.fact.organisation_id for r in facts})
    told = await referents(session, {_who(r) for r in facts}, day(now))
    await people_known(session, {person for people in told.values() for person in people})
    gathered: dict[tuple[UUID | None, UUID | None], list[Received[FreshnessAsked]]] = defaultdict(list)
    for r in sorted(facts, key=lambda r: (r.fact.title, r.fact.id)):
        for person in told[_who(r)] or (None,):
            gathered[r.fact.network_id, person].append(r)
    intents = [
        intent(
            some[0],
            FRESHNESS_ASKED,
            now,
            person_id=person,
            parameters={"question_ids": [str(r.fact.id) for r in some]},
        )
        for (_, person), asked in gathered.items()
        for some in (asked[n : n + QUESTIONS_IN_A_MAIL] for n in range(0, len(asked), QUESTIONS_IN_A_MAIL))
    ]
    await intend(session, intents, now)


@reacts(PlaceReturned, ResourceReturned, ExperienceReturned)
async def tell_what_is_to_be_put_right(
    session: AsyncSession, facts: Sequence[Received[ItemState]], now: datetime
) -> None:
    """The organisation's referents, or else the secretariat. The remarks are read where the item is."""
    await networks_known(session, {r.fact.network_id for r in facts})
    await organisations_known(session, {r.fact.organisation_id for r in facts})
    told = await referents(session, {_who(r) for r in facts}, day(now))
    await people_known(session, {person for people in told.values() for person in people})
    intents = [
        delivery
        for r in facts
        for delivery in to_each(r, ITEM_RETURNED, now, told[_who(r)], _item(r.fact), instant=stated(r))
    ]
    await intend(session, intents, now)


@reacts(NeedAssigned)
async def tell_who_is_to_answer(session: AsyncSession, facts: Sequence[Received[NeedAssigned]], now: datetime) -> None:
    """The person, or else the organisation's referents, or else the secretariat; each once for each assignment."""
    await projected(session, map_needs, facts)
    await networks_known(session, {r.fact.network_id for r in facts})
    await organisations_known(session, {r.fact.organisation_id for r in facts})
    told = await referents(session, {_who(r) for r in facts if not r.fact.person_id}, day(now))
    people = {r.fact.id: [r.fact.person_id] if r.fact.person_id else told[_who(r)] for r in facts}
    await people_known(session, {person for some in people.values() for person in some})
    intents = [
        delivery
        for r in facts
        for delivery in to_each(r, NEED_ASSIGNED, now, people[r.fact.id], _need(r.fact), instant=stated(r))
    ]
    await intend(session, intents, now)


def _who(received: Received[Any]) -> Who:
    return received.fact.network_id, received.fact.organisation_id


def _item(item: ItemState) -> dict[str, Any]:
    return {
        "item": type(item).aggregate(),
        "item_id": str(item.id),
        "title": item.title,
        "organisation_id": item.organisation_id and str(item.organisation_id),
    }


def _need(need: NeedAssigned) -> dict[str, Any]:
    """To whom it was then: once it is another's, the mail is not sent any more."""
    return {
        "need_id": str(need.id),
        "organisation_id": need.organisation_id and str(need.organisation_id),
        "assignee_id": need.person_id and str(need.person_id),
    }

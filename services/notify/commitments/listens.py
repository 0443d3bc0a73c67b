"""Who owes what by which day, as the registry tells it, and whom that concerns.

One commitment is one message with a link of its own, also when a rule makes one for every member at once: each of them
goes to somebody else. What a secretariat is told of late ones is gathered by day instead.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.notify.commitments.queries import COORDINATORS, Referent, answerable, handed_over
from services.notify.commitments.rules import outstanding
from services.notify.commitments.tables import commitments
from services.notify.deliveries.commands import intend
from services.notify.messages.intents import (
    bodies_known,
    intent,
    networks_known,
    organisations_known,
    people_known,
    projected,
    secretariats,
    to_each,
)
from services.notify.messages.rules import COMMITMENT_ESCALATED, COMMITMENT_LATE, COMMITMENT_MADE, lateness_told
from shared.access.actor import day
from shared.access.listens import guard
from shared.access.roles import Role
from shared.access.tables import grant_lists
from shared.contracts.registry import (
    CommitmentChanged,
    CommitmentLate,
    CommitmentMade,
    CommitmentState,
    GrantsChanged,
    MandateStarted,
)
from shared.messaging import Received, newest, projects, reacts, upsert_newest

KEPT = tuple(str(column.name) for column in commitments.c if column.name not in {"generation", "version"})


@projects(CommitmentState, tables=[commitments])
async def commitments_known(
    session: AsyncSession,
    facts: Sequence[Received[CommitmentState]],
    now: datetime,  # noqa: ARG001
) -> None:
    rows = [{**{name: getattr(r.fact, name) for name in KEPT}, **guard(r)} for r in newest(facts)]
    await upsert_newest(session, commitments, rows)


@reacts(CommitmentMade, CommitmentChanged)
async def tell_who_answers(session: AsyncSession, facts: Sequence[Received[CommitmentState]], now: datetime) -> None:
    """Each person once for each commitment: a change tells only those to whom it is new, such as another debtor's."""
    owed = [r for r in facts if outstanding(r.fact.state)]
    await _all_known(session, owed)
    told = await answerable(session, {r.fact.id for r in owed}, day(now))
    await people_known(session, {person for people in told.values() for person in people})
    intents = [
        delivery
        for r in owed
        for delivery in to_each(r, COMMITMENT_MADE, now, told[r.fact.id], {"commitment_id": str(r.fact.id)})
    ]
    await intend(session, intents, now)


@reacts(CommitmentLate)
async def tell_what_is_late(session: AsyncSession, facts: Sequence[Received[CommitmentLate]], now: datetime) -> None:
    """The debtor, and the secretariat: where nobody answers for the debtor, the secretariat's list says enough."""
    await _all_known(session, facts)
    told = await answerable(session, {r.fact.id for r in facts}, day(now), farthest=COORDINATORS)
    offices = await secretariats(session, {r.fact.network_id for r in facts}, day(now))
    await people_known(session, {p for people in (*told.values(), *offices.values()) for p in people})
    intents = [
        intent(
            r,
            COMMITMENT_LATE,
            now,
            person_id=person,
            parameters={"commitment_id": str(r.fact.id)},
            instant=r.fact.due,
        )
        for r in facts
        for person in told[r.fact.id]
    ]
    for (network_id, due, on), first in _days(facts).items():
        subject, instant = lateness_told(network_id, due, on)
        parameters = {"due": due.isoformat()}
        intents += to_each(first, COMMITMENT_ESCALATED, now, offices[network_id], parameters, subject, instant)
    await intend(session, intents, now)


@reacts(GrantsChanged)
async def hand_over_with_the_grant(
    session: AsyncSession, facts: Sequence[Received[GrantsChanged]], now: datetime
) -> None:
    """What an organisation still owes is told to its new referent. Waiting for the projected grants is waiting for all
    commitments that came before them."""
    today = day(now)
    referents = {
        (r.fact.id, grant.organisation_id, grant.network_id): r
        for r in facts
        for grant in r.fact.grants
        if grant.role == Role.REFERENT
        and grant.organisation_id
        and grant.since <= today
        and (grant.until is None or today < grant.until)
    }
    if referents:
        await projected(session, grant_lists, facts)
        await _hand_over(session, referents, now)


@reacts(MandateStarted)
async def hand_over_with_the_mandate(
    session: AsyncSession, facts: Sequence[Received[MandateStarted]], now: datetime
) -> None:
    """For a mandate that began after its designation, whose grant was told long before."""
    referents = {
        (r.fact.person_id, r.fact.organisation_id, r.fact.network_id): r
        for r in facts
        if r.fact.role == Role.REFERENT and r.fact.organisation_id and r.fact.network_id
    }
    await _hand_over(session, referents, now)


async def _hand_over(
    session: AsyncSession,
    referents: Mapping[Referent, Received[Any]],
    now: datetime,
) -> None:
    """`referents`: (person, organisation, network), and what tells that."""
    owed = await handed_over(session, referents.keys())
    await people_known(session, {person for _, (person, _, _) in owed})
    intents = [
        intent(
            referents[referent],
            COMMITMENT_MADE,
            now,
            subject=commitment,
            network_id=referent[2],
            person_id=referent[0],
            parameters={"commitment_id": str(commitment)},
        )
        for commitment, referent in owed
    ]
    await intend(session, intents, now)


async def _all_known(session: AsyncSession, facts: Sequence[Received[CommitmentState]]) -> None:
    await projected(session, commitments, facts)
    await networks_known(session, {r.fact.network_id for r in facts})
    await organisations_known(session, {r.fact.debtor_organisation_id for r in facts})
    await bodies_known(session, {r.fact.debtor_body_id for r in facts})
    await people_known(session, {r.fact.debtor_person_id for r in facts})


def _days(facts: Sequence[Received[CommitmentLate]]) -> dict[tuple[UUID, date, date], Received[CommitmentLate]]:
    """The first fact of each (network, day on which it was due, day on which it was told)."""
    days: dict[tuple[UUID, date, date], Received[CommitmentLate]] = {}
    for r in facts:
        if r.fact.network_id:
            days.setdefault((r.fact.network_id, r.fact.due, day(r.occurred_at)), r)
    return days

"""Which fact tells whom. Each reaction writes intents; whoever sends them composes the words at that moment."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.notify.contacts.listens import people
from services.notify.contacts.tables import contacts
from services.notify.deliveries.commands import intend
from services.notify.deliveries.rules import Delivery, Problem, State, idempotency_key
from services.notify.messages import rules
from services.notify.messages.rules import IMPORT_REPORT, MANDATE_ENDED, MANDATE_GIVEN, SIGN_IN, Topic
from services.notify.organisations.tables import organisations
from shared.access.actor import day
from shared.access.roles import Role
from shared.access.tables import grants, networks
from shared.contracts.envelope import Fact
from shared.contracts.registry import (
    ImportFailed,
    ImportFinished,
    ImportState,
    MandateDesignated,
    MandateEnded,
    MandateStarted,
    MandateState,
    SignInRequested,
)
from shared.messaging import NotYet, Received, reacts


@reacts(SignInRequested)
async def mail_the_sign_in_link(
    session: AsyncSession, facts: Sequence[Received[SignInRequested]], now: datetime
) -> None:
    """The link itself is signed when the mail is sent and is kept nowhere. The fact says where the person is reached:
    the address that asked is the one that is written to, whether or not the projection has come so far."""
    await people(session, facts, now)
    await intend(
        session,
        [
            _intent(
                r,
                SIGN_IN,
                now,
                subject=r.fact.request_id,
                person_id=r.fact.id,
                parameters={"request_id": str(r.fact.request_id), "expires_at": r.fact.expires_at.isoformat()},
            )
            for r in facts
        ],
        now,
    )


@reacts(MandateDesignated, MandateStarted)
async def tell_the_new_holder(session: AsyncSession, facts: Sequence[Received[MandateState]], now: datetime) -> None:
    """Once for each mandate: a mandate that begins at once may never have been designated before."""
    await _tell_holder(session, facts, MANDATE_GIVEN, now)


@reacts(MandateEnded)
async def tell_the_former_holder(session: AsyncSession, facts: Sequence[Received[MandateState]], now: datetime) -> None:
    await _tell_holder(session, facts, MANDATE_ENDED, now)


@reacts(ImportFinished, ImportFailed)
async def report_the_import(session: AsyncSession, facts: Sequence[Received[ImportState]], now: datetime) -> None:
    """To everybody in the secretariat of the network and to who asked for it; to nobody is a failure to be seen."""
    for received in facts:
        await _networks_known(session, {received.fact.network_id})
        audience = rules.audience_of_import(
            await _secretariat(session, received.fact.network_id, day(now)), received.fact.requested_by
        )
        await _people_known(session, audience)
        parameters = _figures(received.fact)
        if audience:
            intents = [_intent(received, IMPORT_REPORT, now, person_id=p, parameters=parameters) for p in audience]
        else:
            nobody = _intent(received, IMPORT_REPORT, now, person_id=None, parameters=parameters)
            nobody.state, nobody.problem = State.FAILED, Problem.NOBODY_TO_TELL
            intents = [nobody]
        await intend(session, intents, now)


async def _tell_holder(
    session: AsyncSession, facts: Sequence[Received[MandateState]], topic: Topic, now: datetime
) -> None:
    await _people_known(session, {r.fact.person_id for r in facts})
    await _networks_known(session, {r.fact.network_id for r in facts})
    await _organisations_known(session, {r.fact.organisation_id for r in facts if r.fact.organisation_id})
    await intend(
        session,
        [_intent(r, topic, now, person_id=r.fact.person_id, parameters=_terms(r.fact)) for r in facts],
        now,
    )


def _intent(
    received: Received[Any],
    topic: Topic,
    now: datetime,
    *,
    person_id: UUID | None,
    parameters: dict[str, Any],
    subject: UUID | None = None,
) -> Delivery:
    fact: Fact = received.fact
    return Delivery(
        topic=topic.code,
        channel="email",
        key=idempotency_key(topic.code, subject or fact.id, person_id=person_id),
        because_of=received.fact_id,
        intended_at=now,
        network_id=fact.network_id,
        person_id=person_id,
        parameters=parameters,
        correlation=received.cause.correlation,
        traceparent=received.cause.traceparent,
    )


def _terms(mandate: MandateState) -> dict[str, Any]:
    return {
        "role": mandate.role,
        "organisation_id": mandate.organisation_id and str(mandate.organisation_id),
        "territory": mandate.territory,
        "since": mandate.since.isoformat(),
        "until": mandate.until and mandate.until.isoformat(),
    }


def _figures(imported: ImportState) -> dict[str, Any]:
    return {
        "import_id": str(imported.id),
        "file_name": imported.file_name,
        "rows": imported.rows,
        "created": imported.created,
        "updated": imported.updated,
        "unchanged": imported.unchanged,
        "rejected": imported.rejected,
        "problems": [problem.model_dump() for problem in imported.problems[: rules.PROBLEMS_SHOWN]],
        "failed_because": imported.reason if isinstance(imported, ImportFailed) else None,
    }


async def _secretariat(session: AsyncSession, network_id: UUID | None, on: date) -> list[UUID]:
    holders = await session.scalars(
        select(grants.c.person_id)
        .distinct()
        .where(
            grants.c.network_id == network_id,
            grants.c.role == Role.SECRETARIAT,
            grants.c.since <= on,
            or_(grants.c.until.is_(None), grants.c.until > on),
        )
    )
    return list(holders)


async def _people_known(session: AsyncSession, ids: Iterable[UUID]) -> None:
    """Projections and reactions are read by separate consumers: a person may arrive after what is to be told them."""
    await _all_there(session, contacts.c.person_id, "person", ids)


async def _networks_known(session: AsyncSession, ids: Iterable[UUID | None]) -> None:
    await _all_there(session, networks.c.id, "network", ids)


async def _organisations_known(session: AsyncSession, ids: Iterable[UUID | None]) -> None:
    await _all_there(session, organisations.c.id, "organisation", ids)


async def _all_there(session: AsyncSession, column: Any, what: str, ids: Iterable[UUID | None]) -> None:
    wanted = {id_ for id_ in ids if id_}
    missing = wanted - set(await session.scalars(select(column).where(column.in_(wanted)))) if wanted else set()
    if missing:
        raise NotYet(f"{what} {min(missing)}")

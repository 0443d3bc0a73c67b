"""Who has earned a credential is told so, and that it is not good any more."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from services.notify.credentials.tables import credentials
from services.notify.deliveries.commands import intend
from services.notify.messages.intents import intent, networks_known, people_known, projected
from services.notify.messages.rules import CREDENTIAL_ISSUED, CREDENTIAL_REVOKED, Topic
from shared.access.listens import guard
from shared.contracts.learning import CredentialIssued, CredentialRevoked, CredentialState
from shared.messaging import Received, newest, projects, reacts, upsert_newest

KEPT = tuple(str(column.name) for column in credentials.c if column.name not in {"generation", "version"})


@projects(CredentialState, tables=[credentials])
async def credentials_known(session: AsyncSession, facts: Sequence[Received[CredentialState]], now: datetime) -> None:  # noqa: ARG001
    rows = [{**{name: getattr(r.fact, name) for name in KEPT}, **guard(r)} for r in newest(facts)]
    await upsert_newest(session, credentials, rows)


@reacts(CredentialIssued)
async def tell_the_holder(session: AsyncSession, facts: Sequence[Received[CredentialIssued]], now: datetime) -> None:
    await _tell(session, facts, CREDENTIAL_ISSUED, now)


@reacts(CredentialRevoked)
async def tell_the_former_holder(
    session: AsyncSession, facts: Sequence[Received[CredentialRevoked]], now: datetime
) -> None:
    await _tell(session, facts, CREDENTIAL_REVOKED, now)


async def _tell(session: AsyncSession, facts: Sequence[Received[CredentialState]], topic: Topic, now: datetime) -> None:
    await projected(session, credentials, facts)
    await people_known(session, {r.fact.person_id for r in facts})
    await networks_known(session, {r.fact.network_id for r in facts})
    intents = [
        intent(r, topic, now, person_id=r.fact.person_id, parameters={"credential_id": str(r.fact.id)}) for r in facts
    ]
    await intend(session, intents, now)

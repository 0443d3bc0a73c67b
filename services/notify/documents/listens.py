"""A new edition of a document is told to those who had read the one before, or follow it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from services.notify.deliveries.commands import intend
from services.notify.documents.tables import documents
from services.notify.messages.intents import intent, known_or_wait, networks_known, people_there
from services.notify.messages.rules import DOCUMENT_REVISED
from shared.access.listens import guard
from shared.contracts.learning import DocumentReadersTold, DocumentState
from shared.messaging import NotYet, Received, newest, projects, reacts, upsert_newest

KEPT = tuple(str(column.name) for column in documents.c if column.name not in {"generation", "version"})


@projects(DocumentState, tables=[documents])
async def documents_known(session: AsyncSession, facts: Sequence[Received[DocumentState]], now: datetime) -> None:  # noqa: ARG001
    rows = [{**{name: getattr(r.fact, name) for name in KEPT}, **guard(r)} for r in newest(facts)]
    await upsert_newest(session, documents, rows)


@reacts(DocumentReadersTold)
async def tell_the_readers(
    session: AsyncSession, facts: Sequence[Received[DocumentReadersTold]], now: datetime
) -> None:
    """Each person once for each edition, whichever part names them."""
    await networks_known(session, {r.fact.network_id for r in facts})
    rows = await known_or_wait(session, documents, "document", {r.fact.document_id for r in facts})
    for received in facts:
        if rows[received.fact.document_id].edition < received.fact.edition:
            raise NotYet(f"document {received.fact.document_id} in edition {received.fact.edition}")
    there = await people_there(session, {person for r in facts for person in r.fact.people})
    intents = [
        intent(
            r,
            DOCUMENT_REVISED,
            now,
            subject=r.fact.document_id,
            person_id=person,
            parameters={"document_id": str(r.fact.document_id), "edition": r.fact.edition},
            instant=r.fact.edition,
        )
        for r in facts
        for person in r.fact.people
        if person in there
    ]
    await intend(session, intents, now)

"""The name that mails use for an organisation is the newest that the registry told, in whatever order it arrives."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest
from sqlalchemy import select
from uuid_utils.compat import uuid7

from services.notify.organisations.listens import titles
from services.notify.organisations.tables import organisations
from shared.contracts.registry import OrganisationChanged, OrganisationRegistered, OrganisationState
from shared.messaging import Cause, Received
from shared.runtime.database import Database

NOW = datetime(2026, 11, 22, tzinfo=UTC)


def told(fact: OrganisationState, generation: int = 1) -> Received[OrganisationState]:
    return Received(fact, uuid7(), generation, NOW, Cause())


async def title_after(database: Database, id_: UUID, *batches: list[Received[OrganisationState]]) -> str | None:
    async with database.sessions.begin() as session:
        for batch in batches:
            await titles(session, batch, NOW)
        return await session.scalar(select(organisations.c.title).where(organisations.c.id == id_))


@pytest.mark.parametrize("order", ["as it happened", "reversed", "repeated", "in one batch"])
async def test_the_newest_title_stays(database: Database, order: str) -> None:
    id_ = uuid7()
    old = told(OrganisationRegistered(id=id_, version=1, title="Coordinamento", kind="association"))
    new = told(OrganisationChanged(id=id_, version=2, title="Coordinamento nazionale", kind="association"))
    batches = {
        "as it happened": [[old], [new]],
        "reversed": [[new], [old]],
        "repeated": [[old], [new], [old], [new]],
        "in one batch": [[new, old]],
    }
    assert await title_after(database, id_, *batches[order]) == "Coordinamento nazionale"


async def test_a_registry_restored_from_a_backup_is_believed(database: Database) -> None:
    id_ = uuid7()
    before = told(OrganisationChanged(id=id_, version=9, title="Prima del ripristino", kind="association"))
    after = told(OrganisationChanged(id=id_, version=4, title="Dopo il ripristino", kind="association"), generation=2)
    assert await title_after(database, id_, [before], [after]) == "Dopo il ripristino"

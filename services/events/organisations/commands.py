"""An organisation was entered twice: what names the duplicate names the other.

What was decided and recorded in approved minutes keeps the id under which it was.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from services.events.ballots import calling
from services.events.invitations.commands import COLUMNS
from services.events.store import mapper
from shared.contracts.events import InvitationReassigned
from shared.runtime.repointing import naming_organisations, repoint

PROJECTED = frozenset({"mandates", "seats"})
"""Tables that follow the registry's own facts."""
FINAL = {"decisions": "t.state = 'proposed'"}
CONCERNED = text("select id from invitations where organisation_id = :going order by id for update")
REASSIGNED = text(
    f"update invitations set version = version + 1, updated_at = now() where id = any(:ids) returning {COLUMNS}"  # noqa: S608
)


async def reassign(session: AsyncSession, going: UUID, staying: UUID) -> list[InvitationReassigned]:
    """Gives the facts to tell."""
    concerned = list((await session.scalars(CONCERNED, {"going": going})).all())
    columns = [column for column in naming_organisations(mapper.metadata) if column.table.name not in PROJECTED]
    await repoint(session, columns, {going: staying}, only=FINAL)
    await calling.speak_for(session, going, staying)
    if not concerned:
        return []
    rows: Any = await session.execute(REASSIGNED, {"ids": concerned})
    told = [InvitationReassigned(**{name: getattr(row, name) for name in COLUMNS.split(", ")}) for row in rows]
    return sorted(told, key=lambda fact: fact.id)

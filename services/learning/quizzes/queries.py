"""Reading quizzes, and the locks with which commands take them."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.learning.courses.rules import Unfit, Unit
from services.learning.quizzes.rules import State
from services.learning.quizzes.tables import quizzes


async def require_had(
    session: AsyncSession, network_id: UUID, units: Iterable[Unit], known: Iterable[Unit] = ()
) -> None:
    """A unit asks a quiz that its network has published, or one that it asked before. Raises Unfit."""
    before = {unit.quiz_id for unit in known}
    wanted = {unit.quiz_id: place for place, unit in enumerate(units) if unit.quiz_id and unit.quiz_id not in before}
    if not wanted:
        return
    query = select(quizzes.c.id).where(
        quizzes.c.id.in_(wanted), quizzes.c.network_id == network_id, quizzes.c.state == State.PUBLISHED
    )
    found = set(await session.scalars(query))
    for quiz_id, place in wanted.items():
        if quiz_id not in found:
            raise Unfit(f"/units/{place}/quiz_id", "unknown", "a published quiz of this network")

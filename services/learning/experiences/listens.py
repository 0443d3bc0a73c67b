"""Experiences, as mapping tells them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from services.learning.experiences.tables import experiences
from shared.access.listens import guard
from shared.contracts.mapping import ExperienceState
from shared.messaging import Received, newest, projects, upsert_newest

TOLD = (
    "id",
    "network_id",
    "title",
    "organisation_id",
    "body_id",
    "municipality",
    "since",
    "state",
    "visibility",
    "expires_on",
)


@projects(ExperienceState, tables=[experiences])
async def experiences_known(
    session: AsyncSession,
    facts: Sequence[Received[ExperienceState]],
    now: datetime,  # noqa: ARG001
) -> None:
    rows = [
        {
            **{name: getattr(r.fact, name) for name in TOLD},
            "territories": list(r.fact.territories),
            "themes": list(r.fact.themes),
            **guard(r),
        }
        for r in newest(facts)
    ]
    await upsert_newest(session, experiences, rows)

"""Members' certified addresses, as the registry tells them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from services.notify.certified.tables import certified_addresses
from shared.contracts.registry import MembershipMerged, MembershipState
from shared.messaging import Received, newest, projects, upsert_newest


@projects(MembershipState, MembershipMerged, tables=[certified_addresses])
async def addresses(
    session: AsyncSession,
    facts: Sequence[Received[MembershipState | MembershipMerged]],
    now: datetime,  # noqa: ARG001
) -> None:
    rows = [
        {
            "id": r.fact.id,
            "network_id": r.fact.network_id,
            "organisation_id": r.fact.organisation_id,
            "state": r.fact.state if isinstance(r.fact, MembershipState) else "merged",
            "pec": r.fact.pec if isinstance(r.fact, MembershipState) else None,
            "generation": r.rank[0],
            "version": r.rank[1],
        }
        for r in newest(facts)
    ]
    await upsert_newest(session, certified_addresses, rows)

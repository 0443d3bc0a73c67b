"""What networks share is known in every service as the registry tells it, in whatever order it arrives."""

from __future__ import annotations

from datetime import date
from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from shared.access.loading import shared_with
from shared.contracts.registry import SharingChanged, SharingEnded, SharingGranted
from tests.harness import Running

pytestmark = pytest.mark.timeout(120)
TODAY = date(2026, 3, 2)


async def seen(mapping: Running, network: UUID, what: str, on: date = TODAY) -> set[UUID]:
    await mapping.settled()
    async with mapping.context.database.sessions() as session:
        return await shared_with(session, network, what, on)


async def test_the_newest_fact_says_what_is_shared(mapping: Running) -> None:
    giver, other, receiver, third = uuid7(), uuid7(), uuid7(), uuid7()
    first = {"id": uuid7(), "network_id": giver, "with_network_id": receiver, "since": date(2026, 1, 1)}
    second = {"id": uuid7(), "network_id": other, "with_network_id": receiver, "since": date(2026, 3, 3)}
    await mapping.tell(
        SharingChanged(version=2, what=("places", "resources"), **first),
        SharingGranted(version=1, what=("experiences",), **first),  # late: it changes nothing
        SharingGranted(version=1, what=("places",), **second),
    )
    assert await seen(mapping, receiver, "places") == {giver}
    assert await seen(mapping, receiver, "experiences") == set()
    assert await seen(mapping, receiver, "places", date(2026, 3, 3)) == {giver, other}
    assert await seen(mapping, receiver, "places", date(2025, 12, 31)) == set()
    assert await seen(mapping, third, "places") == await seen(mapping, giver, "places") == set()
    await mapping.tell(SharingEnded(version=3, what=("places", "resources"), until=TODAY, **first))
    assert await seen(mapping, receiver, "places") == set()
    assert await seen(mapping, receiver, "places", date(2026, 3, 1)) == {giver}

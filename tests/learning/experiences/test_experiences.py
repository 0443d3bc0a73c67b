"""Experiences are known as the map last told them."""

from __future__ import annotations

from datetime import date

import pytest
from uuid_utils.compat import uuid7

from shared.contracts.mapping import ExperienceExpired, ExperienceValidated
from tests.harness import Running

pytestmark = pytest.mark.timeout(120)


async def test_an_experience_is_known_by_the_newest_that_was_told_of_it(learning: Running) -> None:
    first = ExperienceValidated(
        id=uuid7(),
        version=1,
        network_id=uuid7(),
        title="Portierato sociale",
        organisation_id=uuid7(),
        municipality="E507",
        territories=("E507",),
        state="validated",
        visibility="network",
        themes=("housing", "health"),
    )
    over = ExperienceExpired(**first.model_dump() | {"version": 2, "state": "expired", "expires_on": date(2026, 3, 1)})
    await learning.tell(over, first)
    await learning.settled()
    (row,) = await learning.sql("select * from experiences where id = :id", id=first.id)
    assert (row.title, row.organisation_id, row.state) == (first.title, first.organisation_id, "expired")
    assert (row.themes, row.territories) == (["housing", "health"], ["E507"])
    assert (row.municipality, row.visibility, row.expires_on) == ("E507", "network", date(2026, 3, 1))

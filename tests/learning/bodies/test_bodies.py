"""Bodies are known as the registry last told them."""

from __future__ import annotations

from datetime import date

import pytest
from uuid_utils.compat import uuid7

from shared.contracts.registry import BodyDissolved, BodyEstablished
from tests.harness import Running

pytestmark = pytest.mark.timeout(120)


async def test_a_body_that_was_dissolved_stays_so_however_late_its_establishment_comes(learning: Running) -> None:
    body = BodyEstablished(
        id=uuid7(),
        version=1,
        network_id=uuid7(),
        title="Comunità di pratica 1",
        kind="community",
        state="constituted",
        composition="open",
        territory="03",
        parent_id=uuid7(),
    )
    told = body.model_dump() | {"version": 2, "state": "dissolved", "dissolved_on": date(2026, 3, 1)}
    await learning.tell(BodyDissolved(**told), body)
    await learning.settled()
    (row,) = await learning.sql("select * from bodies where id = :id", id=body.id)
    assert (row.title, row.kind, row.territory, row.parent_id) == (body.title, body.kind, "03", body.parent_id)
    assert (row.network_id, row.state, row.dissolved_on) == (body.network_id, "dissolved", date(2026, 3, 1))

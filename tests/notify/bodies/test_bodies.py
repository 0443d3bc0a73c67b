"""What messages call a body is the newest that the registry told, in whatever order it arrives."""

from __future__ import annotations

import pytest

from shared.contracts.registry import BodyChanged, BodyDissolved
from tests.notify.network import Network, then

pytestmark = pytest.mark.timeout(120)


async def test_the_newest_name_is_kept_whatever_the_order(room: Network) -> None:
    body = room.body(territory="03")
    changed = then(body, BodyChanged, title="Comitato")
    dissolved = then(changed, BodyDissolved, state="dissolved")
    await room.running.tell(dissolved, body, changed)
    await room.running.settled()
    (row,) = await room.running.sql("select * from bodies where id = :id", id=body.id)
    assert (row.title, row.state, row.territory, row.version) == ("Comitato", "dissolved", "03", 3)

"""What mapping knows can be dropped and read again from the stream: every table is the same afterwards. Places are its
own: what they add to the presences is there again, too."""

from __future__ import annotations

from typing import Any

import pytest

from deploy.local.nats import Nats
from shared.messaging import handlers_of, operations
from tests import harness
from tests.harness import Running
from tests.mapping.alliance import Alliance
from tests.mapping.inventory import Inventory

pytestmark = pytest.mark.timeout(120)
TABLES = ("organisations", "memberships", "mandates", "presences", "coverage")


async def contents(mapping: Running) -> dict[str, Any]:
    rows = {table: await mapping.sql(f"select t::text as row from {table} t order by 1") for table in TABLES}
    return {table: [row.row for row in found] for table, found in rows.items()}


async def changed(mapping: Running) -> Alliance:
    """Members that moved, changed kind, lost a mandate or left: the past that a rebuild must not bring back."""
    alliance = await Alliance(mapping).founded()
    stays = [alliance.organisation(f"Ente {n}", code) for n, code in enumerate(("E507", "H501", "F205"))]
    memberships = [alliance.membership(organisation.id) for organisation in stays]
    mandate = alliance.mandate(stays[0].id, "12")
    await mapping.tell(*stays, *memberships, mandate)
    await mapping.settled()
    await mapping.tell(
        alliance.organisation("Ente 0", "C933", stays[0].id, kind="firm"),
        alliance.mandate(stays[0].id, "12", "ended", mandate.id),
        alliance.membership(stays[1].id, "withdrawn", memberships[1].id),
    )
    await mapping.settled()
    inventory = await Inventory.of(alliance)
    for seat, closes in (("D150", False), ("L682", True)):
        place = {"title": "Centro", "kind": "civic_centre", "municipality": seat, "organisation_id": str(stays[2].id)}
        made = await inventory.validated("places", place)
        if closes:
            assert (await inventory.step(made, "close")).status_code == 200
    await mapping.settled()
    return alliance


async def test_a_rebuild_gives_the_same_tables(mapping: Running, nats: Nats) -> None:
    alliance = await changed(mapping)
    before = await contents(mapping)
    assert len(before["presences"]) == 3
    provisioning = await harness.connected(nats, "provisioning")
    handlers = handlers_of(mapping.service.listens)
    emptied = await operations.rebuild(
        mapping.context.database.engine, provisioning.jetstream(), mapping.service.name, handlers
    )
    await provisioning.close()
    assert set(TABLES) <= set(emptied)
    await mapping.settled(60)
    assert await contents(mapping) == before
    found = {one["territory"]["code"]: one["sources"] for one in await alliance.items("presences")}
    assert found == {"C933": ["seat"], "F205": ["seat"], "D150": ["place"]}

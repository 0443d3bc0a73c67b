"""What events knows of the registry can be dropped and read again: every table is the same, and nobody hears of it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from uuid_utils.compat import uuid7

from deploy.local.nats import Nats
from shared.contracts.registry import MembershipActivated, PersonErased, ProjectOpened
from shared.messaging import handlers_of, operations
from tests import harness
from tests.events.reports.programme import Programme
from tests.events.room import Room
from tests.harness import Running

pytestmark = pytest.mark.timeout(120)

PROJECTIONS = (
    "people", "organisations", "memberships", "bodies", "seats", "mandates", "networks", "projects", "outcomes",
    "crossings", "gaps",
)  # fmt: skip
OWN = ("meetings", "invitations", "log")


async def contents(events: Running) -> dict[str, list[str]]:
    rows: dict[str, Any] = {
        table: await events.sql(f"select t::text as row from {table} t order by 1") for table in (*PROJECTIONS, *OWN)
    }
    return {table: [row.row for row in found] for table, found in rows.items()}


async def test_a_rebuild_gives_the_same_tables_and_tells_nobody(events: Running, nats: Nats) -> None:
    room = await Room.founded(events)
    committee = await room.committee(holders=3, second_call={"numerator": 1, "denominator": 3}, proxies=2)
    meeting = await room.convened(committee.id)
    leaves, erased, _ = committee.members
    await room.tell(
        room.ended(leaves.mandate, room.today),
        room.mandate(uuid7(), seat_id=leaves.seat.id, since=room.today + timedelta(days=1)),
        PersonErased(id=erased.person_id, version=2, network_id=room.id),
        MembershipActivated(
            id=uuid7(), version=1, network_id=room.id, organisation_id=uuid7(), state="active", since=room.today
        ),
    )
    programme = Programme(room, committee, uuid7(), uuid7(), None, [], [])
    await programme.left("intervention")
    await programme.measured(40.0, 70.0, 0.5)
    await programme.crossed()
    await room.tell(
        ProjectOpened(
            id=programme.project, version=1, network_id=room.id, title="Comunità", state="running", since=room.today,
            last_day=room.today, budget_cents=1,
        )
    )  # fmt: skip
    assert len(await room.invitations(meeting)) == 3
    before = await contents(events)
    assert all(before[table] for table in before)
    provisioning = await harness.connected(nats, "provisioning")
    handlers = handlers_of(events.service.listens)
    emptied = await operations.rebuild(
        events.context.database.engine, provisioning.jetstream(), events.service.name, handlers
    )
    await provisioning.close()
    assert set(PROJECTIONS) <= set(emptied)
    assert not set(OWN) & set(emptied)
    await events.settled(60)
    assert await contents(events) == before

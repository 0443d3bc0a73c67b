"""An organisation was entered twice: on the map it is there once, with what both put there."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

import pytest

from shared.contracts.registry import MandateChanged, MembershipActivated, MembershipMerged, OrganisationMerged
from tests.harness import Running
from tests.mapping.alliance import Alliance
from tests.mapping.inventory import Inventory

pytestmark = pytest.mark.timeout(120)


async def presences(mapping: Running, inventory: Inventory) -> set[tuple[UUID, str]]:
    rows = await mapping.sql(
        "select organisation_id, territory from presences where network_id = :id", id=inventory.alliance.id
    )
    return {(row.organisation_id, row.territory) for row in rows}


async def test_it_is_on_the_map_once_with_what_both_had_there(mapping: Running) -> None:
    inventory = await Inventory.of(await Alliance(mapping).founded())
    going, staying = await inventory.member("Auser Lecco", "E507"), await inventory.member("Auser", "D150")
    place: Any = await inventory.validated(
        "places", {"title": "Centro", "kind": "civic_centre", "municipality": "E507", "organisation_id": str(going)}
    )
    memberships = {
        row.organisation_id: row.id
        for row in await mapping.sql(
            "select id, organisation_id from memberships where organisation_id in (:a, :b)", a=going, b=staying
        )
    }
    assert {found for found in await presences(mapping, inventory) if found[0] in (going, staying)} == {
        (going, "E507"),
        (staying, "D150"),
    }
    network = inventory.alliance.id
    await mapping.tell(
        MembershipMerged(
            id=memberships[going],
            version=9,
            network_id=network,
            organisation_id=going,
            into_id=memberships[staying],
        ),
        OrganisationMerged(id=going, version=9, into_id=staying),
        MembershipActivated(  # an older fact, late: it brings nobody back
            id=memberships[going],
            version=8,
            network_id=network,
            organisation_id=going,
            state="active",
            since=date(2026, 1, 1),
        ),
    )
    await mapping.settled()
    assert {found for found in await presences(mapping, inventory) if found[0] in (going, staying)} == {
        (staying, "D150"),
        (staying, "E507"),  # by the place that is its own now
    }
    [row] = await mapping.sql("select organisation_id, version from places where id = :id", id=UUID(place["id"]))
    assert row.organisation_id == staying
    facts = await mapping.published(f"mapping.place.{place['id']}.*")
    assert (facts[-1][1]["organisation_id"], facts[-1][1]["version"]) == (str(staying), row.version)


async def test_a_mandate_that_names_the_other_one_moves_its_presence(mapping: Running) -> None:
    inventory = await Inventory.of(await Alliance(mapping).founded())
    going, staying = await inventory.member("Auser Lecco", "E507"), await inventory.member("Auser", "D150")
    network = inventory.alliance.id
    mandate = {
        "id": network,
        "network_id": network,
        "person_id": network,
        "role": "delegate",
        "territory": "C933",
        "since": date(2026, 1, 1),
        "state": "in_office",
    }
    await mapping.tell(MandateChanged(**mandate, version=2, organisation_id=going))
    await mapping.settled()
    assert (going, "C933") in await presences(mapping, inventory)
    await mapping.tell(MandateChanged(**mandate, version=3, organisation_id=staying))
    await mapping.settled()
    found = await presences(mapping, inventory)
    assert (staying, "C933") in found
    assert (going, "C933") not in found

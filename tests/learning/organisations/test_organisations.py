"""Organisations and their memberships are known as the registry last told them."""

from __future__ import annotations

from datetime import date

import pytest
from uuid_utils.compat import uuid7

from shared.contracts.registry import (
    MembershipActivated,
    MembershipMerged,
    OrganisationChanged,
    OrganisationRegistered,
)
from tests.harness import Running

pytestmark = pytest.mark.timeout(120)


async def test_an_organisation_is_known_by_its_newest_name_and_seat(learning: Running) -> None:
    first = OrganisationRegistered(
        id=uuid7(), version=1, title="Consorzio", kind="consortium", municipality="E507", territories=("097",)
    )
    renamed = OrganisationChanged(**first.model_dump() | {"version": 2, "title": "Consorzio Girasole"})
    await learning.tell(renamed, first)
    await learning.settled()
    (row,) = await learning.sql("select * from organisations where id = :id", id=first.id)
    assert (row.title, row.kind, row.municipality) == ("Consorzio Girasole", "consortium", "E507")
    assert row.territories == ["097"]


async def test_a_membership_that_was_a_duplicates_names_nobody_any_more(learning: Running) -> None:
    member = MembershipActivated(
        id=uuid7(), version=1, network_id=uuid7(), organisation_id=uuid7(), state="active", since=date(2026, 1, 1)
    )
    gone = MembershipMerged(
        id=member.id,
        version=2,
        network_id=member.network_id,
        organisation_id=member.organisation_id,
        into_id=uuid7(),
    )
    await learning.tell(gone, member)
    await learning.settled()
    (row,) = await learning.sql("select organisation_id, state from memberships where id = :id", id=member.id)
    assert tuple(row) == (None, "merged")

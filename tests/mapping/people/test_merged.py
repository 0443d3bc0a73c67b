"""A person was entered twice: what the duplicate collected or is to answer, the other has and does."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from shared.contracts.registry import Grant, PersonMerged
from tests.harness import Running
from tests.mapping.alliance import SINCE, Alliance
from tests.mapping.inventory import Inventory

pytestmark = pytest.mark.timeout(120)


async def test_what_named_the_duplicate_names_the_other(mapping: Running) -> None:
    inventory = await Inventory.of(await Alliance(mapping).founded())
    runner = await inventory.member("Auser Cremona", "D150")
    place: Any = await inventory.validated(
        "places",
        {"title": "Centro", "kind": "civic_centre", "municipality": "D150", "organisation_id": str(runner)},
    )
    going, staying = uuid7(), uuid7()
    grant = Grant(
        role="delegate",
        network_id=inventory.alliance.id,
        organisation_id=runner,
        since=SINCE,
    )
    own = await mapping.grant(going, grant)
    body = {"place_id": place["id"], "theme": "housing", "text": "Cerca una stanza"}
    need = await inventory.post("needs", body, own)
    await inventory.step(need, "assign", own, {"person_id": str(going)})
    await mapping.tell(PersonMerged(id=going, version=2, network_id=inventory.alliance.id, into_id=staying))
    await mapping.settled()
    [row] = await mapping.sql("select collected_by, person_id, version from needs where id = :id", id=UUID(need["id"]))
    assert (row.collected_by, row.person_id) == (staying, staying)
    facts = await mapping.published(f"mapping.need.{need['id']}.*")
    assert (facts[-1][1]["person_id"], facts[-1][1]["version"]) == (str(staying), row.version)
    tables = await mapping.sql(
        "select c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace"
        " where n.nspname = 'public' and c.relkind = 'r'"
    )
    named = set()
    for table in tables:
        like = f'select count(*) from "{table.name}" t where t::text like :id'
        if (await mapping.sql(like, id=f"%{going}%"))[0][0]:
            named.add(table.name)
    assert named <= {"log", "grant_lists", "grants", "idempotency"}

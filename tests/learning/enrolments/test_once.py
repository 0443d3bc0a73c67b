"""Each fact counts once, whatever the platform repeats: replays, restarts of consumers, rebuilds."""

from __future__ import annotations

from typing import Any

import pytest
from nats.js.api import ConsumerConfig, DeliverPolicy

from deploy.local.nats import Nats
from shared.messaging import handlers_of, operations, topology
from tests import harness
from tests.harness import Running
from tests.learning.school import School

pytestmark = pytest.mark.timeout(120)
TABLES = ("people", "mandates", "paths", "enrolments", "enrolment_grounds", "log")


async def contents(learning: Running) -> dict[str, list[str]]:
    found = {table: await learning.sql(f"select t::text as row from {table} t order by 1") for table in TABLES}
    return {table: [row.row for row in rows] for table, rows in found.items()}


async def past(school: School) -> None:
    """Enrolled by either way round, ended, reopened, completed, erased."""
    early, first = await school.appointed()
    path = await school.path()
    late, second = await school.appointed("referent")
    await school.tell(school.ended(first))
    await school.tell(school.mandate(early, "delegate"))
    gone, third = await school.appointed("coordinator")
    by_person = {item["person"]["id"]: item for item in await school.enrolled(path=path["id"])}
    for unit in path["units"]:
        await school.mark(by_person[str(late)], unit, late)
    await school.tell(school.ended(second), school.ended(third), school.erased(gone))


async def replayed(learning: Running, nats: Nats) -> None:
    """Every consumer of learning reads its whole stream again, as after a lost acknowledgement of everything."""
    client = await harness.connected(nats)
    js = client.jetstream()
    for consumer in topology.consumers("learning"):
        config: ConsumerConfig = consumer.config()
        config.deliver_policy = DeliverPolicy.ALL
        await js.delete_consumer(consumer.stream, consumer.name)
        await js.add_consumer(consumer.stream, config)
    await client.close()
    await learning.settled(60)


async def test_replaying_everything_three_times_changes_nothing_and_enrols_nobody_twice(
    school: School, learning: Running, nats: Nats
) -> None:
    await past(school)
    before = await contents(learning)
    for _ in range(3):
        await replayed(learning, nats)
        assert await contents(learning) == before


async def test_facts_told_again_under_new_ids_enrol_nobody_twice(school: School, learning: Running) -> None:
    path = await school.path()
    person = school.person()
    facts: list[Any] = [person, school.mandate(person.id, state="designated")]
    facts.append(school.mandate(person.id, of=facts[1]))
    await school.tell(*facts)
    await school.tell(*facts)
    (enrolment,) = await school.enrolled(path=path["id"])
    assert enrolment["version"] == 1
    facts.append(school.ended(facts[2]))
    await school.tell(facts[-1])
    await school.tell(*facts)
    (enrolment,) = await school.enrolled(path=path["id"])
    assert (enrolment["state"], enrolment["version"]) == ("ended", 2)
    assert await school.told(enrolment) == [("opened", "active"), ("ended", "ended")]


async def test_a_rebuild_gives_the_same_tables_and_runs_no_reaction(
    school: School, learning: Running, nats: Nats
) -> None:
    await past(school)
    before = await contents(learning)
    provisioning = await harness.connected(nats, "provisioning")
    handlers = handlers_of(learning.service.listens)
    emptied = await operations.rebuild(
        learning.context.database.engine, provisioning.jetstream(), learning.service.name, handlers
    )
    await provisioning.close()
    assert {"people", "mandates"} <= set(emptied)
    assert not {"enrolments", "enrolment_grounds", "paths"} & set(emptied)
    await learning.settled(60)
    assert await contents(learning) == before


async def test_a_mandate_that_ends_while_the_projections_are_empty_ends_no_other_ground(
    school: School, learning: Running
) -> None:
    path = await school.path()
    person, first = await school.appointed("representative")
    second = school.mandate(person, "referent")
    await school.tell(second)
    await learning.sql("delete from mandates where network_id = :id", id=school.id)
    await school.tell(school.ended(first))
    (enrolment,) = await school.enrolled(path=path["id"])
    assert enrolment["state"] == "active"

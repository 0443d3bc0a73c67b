from __future__ import annotations

from uuid import UUID, uuid4

from shared.contracts.registry import PersonChanged, PersonErased
from tests.harness import Running
from tests.rights.asking import NAMES, given, kinds, registered, sought, told


async def named(running: Running, person_id: UUID) -> list[str]:
    return [row.family_name for row in await running.sql("select family_name from people where id = :id", id=person_id)]


async def test_a_dry_run_says_what_is_held_and_touches_nothing(events: Running) -> None:
    network = uuid4()
    person = await registered(events, network)
    answer = await sought(events, person, network)
    assert (answer["phase"], kinds(answer)) == ("dry_run", {"person": (1, "found", None)})
    assert (answer["mentions"], answer["mentioned"]) == ([], 0)
    assert await named(events, person) == ["Marcatore"]


async def test_out_of_sight_before_the_persons_own_fact_and_not_back_by_an_older_one(events: Running) -> None:
    network = uuid4()
    person = await registered(events, network)
    answer = await told(events, person, network, "quarantine", 3)
    assert kinds(answer) == {"person": (1, "quarantined", None)}
    await events.tell(PersonChanged(id=person, version=2, network_id=network, **NAMES))
    await events.settled()
    assert await named(events, person) == [""]
    await events.tell(PersonChanged(id=person, version=4, network_id=network, **NAMES))
    await events.settled()
    assert await named(events, person) == ["Marcatore"]


async def test_erased_for_good_whatever_comes_first(events: Running) -> None:
    network = uuid4()
    person = await registered(events, network)
    answer = await told(events, person, network, "erase", 2)
    assert kinds(answer) == {"person": (1, "erased", None)}
    await events.tell(PersonErased(id=person, version=2, network_id=network))
    await events.settled()
    assert await named(events, person) == [""]


async def test_all_that_is_held_is_given_for_one_key_only(events: Running) -> None:
    network = uuid4()
    person = await registered(events, network)
    document = await given(events, person, network)
    assert document["service"] == "events"
    assert [row["family_name"] for row in document["items"]["person"]] == ["Marcatore"]
    assert (await given(events, uuid4(), network))["items"] == {}

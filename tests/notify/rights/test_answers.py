from __future__ import annotations

from uuid import UUID, uuid4

from shared.contracts.registry import PersonChanged, PersonErased
from tests.harness import Running
from tests.notify.network import Network
from tests.rights.asking import NAMES, given, kinds, registered, sought, told


async def named(running: Running, person_id: UUID) -> list[str]:
    return [
        row.family_name
        for row in await running.sql("select family_name from contacts where person_id = :id", id=person_id)
    ]


async def test_a_dry_run_says_what_is_held_and_touches_nothing(notify: Network) -> None:
    network = uuid4()
    person = await registered(notify.running, network)
    answer = await sought(notify.running, person, network)
    assert (answer["phase"], kinds(answer)) == ("dry_run", {"person": (1, "found", None)})
    assert (answer["mentions"], answer["mentioned"]) == ([], 0)
    assert await named(notify.running, person) == ["Marcatore"]


async def test_out_of_sight_before_the_persons_own_fact_and_not_back_by_an_older_one(notify: Network) -> None:
    network = uuid4()
    person = await registered(notify.running, network)
    answer = await told(notify.running, person, network, "quarantine", 3)
    assert kinds(answer) == {"person": (1, "quarantined", None)}
    await notify.running.tell(PersonChanged(id=person, version=2, network_id=network, **NAMES))
    await notify.running.settled()
    assert await named(notify.running, person) == [""]
    await notify.running.tell(PersonChanged(id=person, version=4, network_id=network, **NAMES))
    await notify.running.settled()
    assert await named(notify.running, person) == ["Marcatore"]


async def test_erased_for_good_whatever_comes_first(notify: Network) -> None:
    network = uuid4()
    person = await registered(notify.running, network)
    answer = await told(notify.running, person, network, "erase", 2)
    assert kinds(answer) == {"person": (1, "erased", None)}
    await notify.running.tell(PersonErased(id=person, version=2, network_id=network))
    await notify.running.settled()
    assert await named(notify.running, person) == [""]


async def test_all_that_is_held_is_given_for_one_key_only(notify: Network) -> None:
    network = uuid4()
    person = await registered(notify.running, network)
    document = await given(notify.running, person, network)
    assert document["service"] == "notify"
    assert [row["family_name"] for row in document["items"]["person"]] == ["Marcatore"]
    assert (await given(notify.running, uuid4(), network))["items"] == {}

"""What the service has beside its slices: it runs, and knows networks and who may act in them."""

from __future__ import annotations

from datetime import date

import pytest
from uuid_utils.compat import uuid7

from services.learning.settings import Settings
from shared.contracts.registry import Grant, GrantsChanged, NetworkChanged, NetworkFounded
from shared.runtime.settings import SettingsError
from tests import harness
from tests.harness import Running

pytestmark = pytest.mark.timeout(120)


def founded(title: str = "Rete di prova", version: int = 1) -> NetworkFounded:
    id_ = uuid7()
    slug = f"rete-{id_.hex[-12:]}"
    return NetworkFounded(id=id_, version=version, network_id=id_, slug=slug, title=title, kind="alliance")


def granted(person: GrantsChanged | None = None, *networks: NetworkFounded) -> GrantsChanged:
    """A person's whole list: the secretariat of these networks; of the same person as before when one is given."""
    grants = tuple(Grant(role="secretariat", network_id=network.id, since=date(2000, 1, 1)) for network in networks)
    id_, version = (person.id, person.version + 1) if person else (uuid7(), 1)
    return GrantsChanged(id=id_, version=version, grants=grants)


async def test_it_is_ready_when_it_has_taken_in_what_was_told(learning: Running) -> None:
    await learning.tell(founded())
    await learning.settled()
    answer = await learning.client.get("/learning/health/ready")
    assert answer.status_code == 200
    assert answer.json()["settled"] is True


async def test_a_person_is_told_of_their_grants_and_networks(learning: Running) -> None:
    network = founded()
    person = granted(None, network)
    await learning.tell(network, person)
    await learning.settled()
    me = (await learning.client.get("/learning/v1/me", headers=learning.signed_in(person.id))).json()
    assert me["id"] == str(person.id)
    assert [(grant["role"], grant["network_id"]) for grant in me["grants"]] == [("secretariat", str(network.id))]
    assert [known["slug"] for known in me["networks"]] == [network.slug]


async def test_a_grant_that_was_taken_away_is_gone_however_late_the_older_list_comes(learning: Running) -> None:
    network = founded()
    before = granted(None, network)
    await learning.tell(network, granted(before), before)
    await learning.settled()
    me = (await learning.client.get("/learning/v1/me", headers=learning.signed_in(before.id))).json()
    assert (me["grants"], me["networks"]) == ([], [])


async def test_a_poison_fact_holds_no_other_back_and_is_kept_for_a_person(learning: Running) -> None:
    first = founded()
    # a slug that another network has cannot be kept: the fact waits, the rest goes on
    poison = founded().model_copy(update={"slug": first.slug})
    network = founded("Dopo il veleno")
    person = granted(None, network)
    await learning.tell(first, poison, network, person)

    async def known() -> bool:
        me = (await learning.client.get("/learning/v1/me", headers=learning.signed_in(person.id))).json()
        return [found["slug"] for found in me["networks"]] == [network.slug]

    await harness.until(known, what="the facts after the poison are taken in")
    (parked,) = await learning.sql("select type, reason from parked where aggregate_id = :id", id=poison.id)
    assert parked.type == NetworkFounded.type
    await learning.sql("delete from parked where aggregate_id = :id", id=poison.id)
    renamed = NetworkChanged(**{**poison.model_dump(), "version": 2, "slug": f"altra-{poison.id.hex[-12:]}"})
    await learning.tell(renamed)
    await learning.settled()
    (kept,) = await learning.sql("select slug from networks where id = :id", id=poison.id)
    assert kept.slug == renamed.slug


async def test_a_missing_variable_is_named() -> None:
    with pytest.raises(SettingsError, match="TRAMA_DATABASE_URL"):
        Settings.load({"TRAMA_NATS_URL": "nats://127.0.0.1:4222"})

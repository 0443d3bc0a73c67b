"""The service as a whole: ready when it has taken in what was told, and held back by no poison."""

from __future__ import annotations

from datetime import date

import pytest
from uuid_utils.compat import uuid7

from services.events.settings import Settings
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


async def test_it_is_ready_when_it_has_taken_in_what_was_told(events: Running) -> None:
    await events.tell(founded())
    await events.settled()
    answer = await events.client.get("/events/health/ready")
    assert answer.status_code == 200
    assert answer.json()["settled"] is True


async def test_a_person_is_told_of_their_grants_and_networks(events: Running) -> None:
    network = founded()
    person = granted(None, network)
    await events.tell(network, person)
    await events.settled()
    me = (await events.client.get("/events/v1/me", headers=events.signed_in(person.id))).json()
    assert me["id"] == str(person.id)
    assert [(grant["role"], grant["network_id"]) for grant in me["grants"]] == [("secretariat", str(network.id))]
    assert [known["slug"] for known in me["networks"]] == [network.slug]


async def test_a_grant_that_was_taken_away_is_gone_however_late_the_older_list_comes(events: Running) -> None:
    network = founded()
    before = granted(None, network)
    await events.tell(network, granted(before), before)
    await events.settled()
    me = (await events.client.get("/events/v1/me", headers=events.signed_in(before.id))).json()
    assert (me["grants"], me["networks"]) == ([], [])


async def test_a_poison_fact_holds_no_other_back_and_is_kept_for_a_person(events: Running) -> None:
    first = founded()
    # a slug that another network has cannot be kept: the fact waits, the rest goes on
    poison = founded().model_copy(update={"slug": first.slug})
    network = founded("Dopo il veleno")
    person = granted(None, network)
    await events.tell(first, poison, network, person)

    async def known() -> bool:
        me = (await events.client.get("/events/v1/me", headers=events.signed_in(person.id))).json()
        return [found["slug"] for found in me["networks"]] == [network.slug]

    await harness.until(known, what="the facts after the poison are taken in")
    (parked,) = await events.sql("select type, reason from parked where aggregate_id = :id", id=poison.id)
    assert parked.type == NetworkFounded.type
    await events.sql("delete from parked where aggregate_id = :id", id=poison.id)
    renamed = NetworkChanged(**{**poison.model_dump(), "version": 2, "slug": f"altra-{poison.id.hex[-12:]}"})
    await events.tell(renamed)
    await events.settled()
    (kept,) = await events.sql("select slug from networks where id = :id", id=poison.id)
    assert kept.slug == renamed.slug


async def test_a_missing_variable_is_named() -> None:
    with pytest.raises(SettingsError, match="TRAMA_DATABASE_URL"):
        Settings.load({"TRAMA_NATS_URL": "nats://127.0.0.1:4222"})

"""The service before its first slice: it runs, knows networks and who may act in them, and refuses everybody else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date

import pytest
from uuid_utils.compat import uuid7

from deploy.local.nats import Nats
from deploy.local.postgres import Postgres
from services.events.app import service
from services.events.settings import Settings
from shared.contracts.registry import Grant, GrantsChanged, NetworkChanged, NetworkFounded
from shared.runtime.settings import SettingsError
from tests import harness
from tests.access.matrix import STRANGERS, refused, unlisted
from tests.harness import Running

pytestmark = pytest.mark.timeout(120)

PUBLIC = ("GET /rsvp/link", "POST /rsvp/link", "GET /ballots/link", "POST /ballots/link")
"""A signed link says who it is."""


@pytest.fixture(scope="module")
async def running(postgres: Postgres, nats: Nats, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    await harness.clear_streams(nats)
    url = await harness.service_database(postgres, "events")
    async with harness.running(service, Settings, url, tmp_path_factory.mktemp("events"), nats) as started:
        yield started


def founded(title: str = "Rete di prova", version: int = 1) -> NetworkFounded:
    id_ = uuid7()
    slug = f"rete-{id_.hex[-12:]}"
    return NetworkFounded(id=id_, version=version, network_id=id_, slug=slug, title=title, kind="alliance")


def granted(person: GrantsChanged | None = None, *networks: NetworkFounded) -> GrantsChanged:
    """A person's whole list: the secretariat of these networks; of the same person as before when one is given."""
    grants = tuple(Grant(role="secretariat", network_id=network.id, since=date(2000, 1, 1)) for network in networks)
    id_, version = (person.id, person.version + 1) if person else (uuid7(), 1)
    return GrantsChanged(id=id_, version=version, grants=grants)


async def test_it_is_ready_when_it_has_taken_in_what_was_told(running: Running) -> None:
    await running.tell(founded())
    await running.settled()
    answer = await running.client.get("/events/health/ready")
    assert answer.status_code == 200
    assert answer.json()["settled"] is True


async def test_a_person_is_told_of_their_grants_and_networks(running: Running) -> None:
    network = founded()
    person = granted(None, network)
    await running.tell(network, person)
    await running.settled()
    me = (await running.client.get("/events/v1/me", headers=running.signed_in(person.id))).json()
    assert me["id"] == str(person.id)
    assert [(grant["role"], grant["network_id"]) for grant in me["grants"]] == [("secretariat", str(network.id))]
    assert [known["slug"] for known in me["networks"]] == [network.slug]


async def test_a_grant_that_was_taken_away_is_gone_however_late_the_older_list_comes(running: Running) -> None:
    network = founded()
    before = granted(None, network)
    await running.tell(network, granted(before), before)
    await running.settled()
    me = (await running.client.get("/events/v1/me", headers=running.signed_in(before.id))).json()
    assert (me["grants"], me["networks"]) == ([], [])


async def test_a_poison_fact_holds_no_other_back_and_is_kept_for_a_person(running: Running) -> None:
    first = founded()
    # a slug that another network has cannot be kept: the fact waits, the rest goes on
    poison = founded().model_copy(update={"slug": first.slug})
    network = founded("Dopo il veleno")
    person = granted(None, network)
    await running.tell(first, poison, network, person)

    async def known() -> bool:
        me = (await running.client.get("/events/v1/me", headers=running.signed_in(person.id))).json()
        return [found["slug"] for found in me["networks"]] == [network.slug]

    await harness.until(known, what="the facts after the poison are taken in")
    (parked,) = await running.sql("select type, reason from parked where aggregate_id = :id", id=poison.id)
    assert parked.type == NetworkFounded.type
    await running.sql("delete from parked where aggregate_id = :id", id=poison.id)
    renamed = NetworkChanged(**{**poison.model_dump(), "version": 2, "slug": f"altra-{poison.id.hex[-12:]}"})
    await running.tell(renamed)
    await running.settled()
    (kept,) = await running.sql("select slug from networks where id = :id", id=poison.id)
    assert kept.slug == renamed.slug


@pytest.mark.parametrize("stranger", STRANGERS)
async def test_nobody_gets_in(running: Running, stranger: str) -> None:
    await refused(running, stranger, network=uuid7(), public=PUBLIC)


async def test_nothing_is_open_but_what_a_signed_link_opens(running: Running) -> None:
    assert unlisted(running, PUBLIC) == []


async def test_a_missing_variable_is_named() -> None:
    with pytest.raises(SettingsError, match="TRAMA_DATABASE_URL"):
        Settings.load({"TRAMA_NATS_URL": "nats://127.0.0.1:4222"})

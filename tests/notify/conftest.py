from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest

from deploy.local.nats import Nats
from deploy.local.postgres import Postgres
from services.notify.app import service
from services.notify.settings import Settings
from shared.access import jwks
from shared.runtime.database import Database
from tests import harness
from tests.notify.network import Network
from tests.notify.relay import FakeRelay

WEBHOOK_KEYS = json.dumps(
    {"keys": [{"kty": "oct", "kid": "first", "k": "dHJhbWEgdHJhbWEgdHJhbWEgdHJhbWEgdHJhbWEgdHI"}]}
)


@pytest.fixture
async def database(postgres: Postgres) -> AsyncIterator[Database]:
    """A fresh, migrated database of notify's without the service."""
    made = Database(await harness.service_database(postgres, "notify"))
    yield made
    await made.dispose()


@pytest.fixture
async def relay() -> AsyncIterator[FakeRelay]:
    fake = await FakeRelay().start()
    yield fake
    await fake.stop()


@pytest.fixture(scope="module")
async def notify(postgres: Postgres, nats: Nats, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Network]:
    """Notify with its database, its streams and a mail relay, and one network told to it."""
    await harness.clear_streams(nats)
    url = await harness.service_database(postgres, "notify")
    home = tmp_path_factory.mktemp("notify")
    link_key = jwks.new_key()
    (home / "links.json").write_text(json.dumps(link_key.as_dict(private=True)))
    (home / "links_public.json").write_text(json.dumps(jwks.public(link_key)))
    relay = await FakeRelay().start()
    async with harness.running(
        service,
        Settings,
        url,
        home,
        nats,
        public_url="http://trama.test",
        smtp_url=relay.url("") + "?starttls=never",
        mail_from="Trama <no-reply@trama.example>",
        link_key_file=str(home / "links.json"),
        link_jwks_file=str(home / "links_public.json"),
        reply_domain="reply.example",
        lmtp_port="0",
        webhook_keys=WEBHOOK_KEYS,
        webhooks_insecure="true",
    ) as running:
        network = Network(running, relay, link_key)
        await running.tell(network.founded())
        await harness.until(network.known, 20, "the network is known")
        yield network
    await relay.stop()


@pytest.fixture
async def room(notify: Network) -> Network:
    """A network of the test's own, with nobody in it."""
    own = Network(notify.running, notify.relay, notify.link_key)
    await notify.running.tell(own.founded())
    await harness.until(own.known, 20, "the network is known")
    return own

"""A service on a real port with things in it, for requests that no well-meaning client would send."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from uuid_utils.compat import uuid7

from deploy.local.nats import Nats
from deploy.local.postgres import Postgres
from shared.access import jwks
from shared.contracts.registry import (
    MandateDesignated,
    MembershipActivated,
    NetworkFounded,
    OrganisationRegistered,
    PersonRegistered,
)
from tests import harness
from tests.harness import Running

SERVICES = ("registry", "mapping", "events", "learning", "notify")
SLUG = "alleanza"
CSV = b"codice_fiscale;denominazione;comune;provincia\r\n80001000138;Ponti;Lecco;LC\r\n"


@dataclass
class Served:
    """`ids` fill path parameters with things that exist: by name, or by `collection/name` when the name says little."""

    running: Running
    url: str
    ids: dict[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.running.service.name

    @property
    def admin(self) -> dict[str, str]:
        return self.running.signed_in(admin=True)

    @property
    def document(self) -> dict[str, Any]:
        return self.running.app.openapi()

    def filled(self, path: str, **changed: str) -> str:
        """The path with things that exist, but for those in `changed`, which are put in as they are."""
        parts = path.split("/")
        for place, part in enumerate(parts):
            if part.startswith("{"):
                name = part[1:-1]
                known = self.ids.get(f"{parts[place - 1]}/{name}", self.ids.get(name, str(uuid7())))
                parts[place] = changed.get(name, known)
        return "/".join(parts)


@asynccontextmanager
async def served(name: str, postgres: Postgres, nats: Nats, home: Path) -> AsyncIterator[Served]:
    """The service behind uvicorn as `serve` configures it: bytes pass through the real HTTP parser."""
    await harness.clear_streams(nats)
    app = importlib.import_module(f"services.{name}.app")
    settings = importlib.import_module(f"services.{name}.settings").Settings
    database = await harness.service_database(postgres, name)
    async with (
        harness.running(app.service, settings, database, home, nats, **_own(name, home)) as running,
        listening(running) as url,
    ):
        found = Served(running, url)
        await (_registry if name == "registry" else _told)(found)
        yield found


def _own(name: str, home: Path) -> dict[str, str]:
    if name == "registry":
        return {"signing_key_file": str(home / "registry_key.json")}
    if name == "notify":
        home.mkdir(parents=True, exist_ok=True)
        key = home / "links.json"
        key.write_text(json.dumps(jwks.new_key().as_dict(private=True)))
        return {
            "public_url": "http://trama.test",
            "smtp_url": "smtp://127.0.0.1:1?starttls=never",
            "mail_from": "Trama <no-reply@trama.example>",
            "link_key_file": str(key),
        }
    return {}


@asynccontextmanager
async def listening(running: Running) -> AsyncIterator[str]:
    config = uvicorn.Config(
        running.app, port=0, http="httptools", ws="none", lifespan="off", access_log=False, log_level="critical"
    )
    server = uvicorn.Server(config)
    server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign, assignment]  # pytest keeps its Ctrl-C
    serving = asyncio.create_task(server.serve())

    async def started() -> bool:
        return server.started

    await harness.until(started, what="uvicorn listens")
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        await serving


async def _registry(found: Served) -> None:
    async with httpx.AsyncClient(base_url=f"{found.url}/registry/v1", headers=found.admin, timeout=30) as client:

        async def made(path: str, **given: Any) -> dict[str, Any]:
            answer = await client.post(path, **given)
            assert answer.is_success, answer.text
            body: dict[str, Any] = answer.json()
            return body

        network = await made("/networks", json={"slug": SLUG, "name": "Alleanza"})
        within = f"/networks/{SLUG}"
        person = await made(f"{within}/people", json={"given_name": "Giulia", "family_name": "Serra"})
        organisation = await made(f"{within}/organisations", json={"name": "Ponti", "kind": "informal_group"})
        mandate = await made(
            f"{within}/mandates", json={"person_id": person["id"], "role": "secretariat", "since": "2026-01-01"}
        )
        memberships = (await client.get(f"{within}/memberships")).json()["items"]
        key = await made(f"{within}/api-keys", json={"title": "Sito", "scopes": ["mapping:*"]})
        run = await made(f"{within}/imports", files={"file": ("elenco.csv", CSV)})
    found.ids |= {
        "network": SLUG,
        "networks/id": network["id"],
        "people/id": person["id"],
        "organisations/id": organisation["id"],
        "mandates/id": mandate["id"],
        "memberships/id": memberships[0]["id"],
        "api-keys/id": key.get("id") or key["key"]["id"],
        "imports/id": run["id"],
    }
    found.ids |= {f"{place}/{place.rstrip('s')}_id": id_ for place, id_ in list(found.ids.items()) if "/" in place}


async def _told(found: Served) -> None:
    """The same as facts, for the services that the registry tells."""
    network, organisation, person = uuid7(), uuid7(), uuid7()
    usual: dict[str, Any] = {"version": 1, "network_id": network}
    facts = [
        NetworkFounded(id=network, slug=SLUG, title="Alleanza", kind="alliance", **usual),
        OrganisationRegistered(
            id=organisation, version=1, title="=Ponti", kind="association", municipality="E507", tax_code="80001000138"
        ),
        MembershipActivated(id=uuid7(), organisation_id=organisation, state="active", since=date(2026, 1, 1), **usual),
        PersonRegistered(id=person, given_name="Giulia", family_name="Serra", email="g@example.org", **usual),
        MandateDesignated(
            id=uuid7(), person_id=person, role="referent", since=date(2026, 1, 1), state="designated", **usual
        ),
    ]
    for fact in facts:
        await found.running.tell(fact)

    async def known() -> bool:
        return bool(await found.running.sql("select 1 from networks"))

    await harness.until(known, what="the network is known")
    found.ids |= {"network": SLUG, "code": "E507", "person_id": str(person), "people/id": str(person)}
    if found.name == "notify":

        async def queued() -> bool:
            return bool(await found.running.sql("select 1 from deliveries"))

        await harness.until(queued, what="a delivery waits")
        (row,) = await found.running.sql("select id from deliveries limit 1")
        found.ids["deliveries/id"] = found.ids["id"] = str(row.id)
        rule = {
            "name": "Regola",
            "fact_type": "registry.commitment.made",
            "audience": [{"kind": "secretariat"}],
            "template": {"subject": {"it": "a", "en": "a"}, "text": {"it": "b", "en": "b"}},
        }
        made = await found.running.client.post(
            f"/notify/v1/networks/{SLUG}/rules", json=rule, headers=found.running.signed_in(admin=True)
        )
        found.ids["rule_id"] = made.json()["id"]
        (act,) = await found.running.sql("select correlation from acts limit 1")
        found.ids["correlation"] = str(act.correlation)

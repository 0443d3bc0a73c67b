"""A network as the registry tells it to notify, and the mails that come of it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from joserfc.jwk import ECKey
from uuid_utils.compat import uuid7

from shared.access import jwks, links
from shared.access.jwks import PublicKeys
from shared.access.links import Link
from shared.contracts import FACTS
from shared.contracts.registry import (
    Grant,
    GrantsChanged,
    ImportFinished,
    MandateDesignated,
    MandateEnded,
    MandateState,
    NetworkFounded,
    OrganisationRegistered,
    PersonErased,
    PersonRegistered,
    SignInRequested,
)
from tests import harness
from tests.harness import Running
from tests.notify.relay import FakeRelay, Taken

TITLE = "Alleanza per le Case della comunità"


@dataclass
class Network:
    """`people` gives each person an address of their own, so that tests do not read each other's mail."""

    running: Running
    relay: FakeRelay
    link_key: ECKey
    id: UUID = field(default_factory=uuid7)

    @property
    def slug(self) -> str:
        return f"alleanza-{self.id.hex[-12:]}"

    def founded(self) -> NetworkFounded:
        return NetworkFounded(id=self.id, version=1, network_id=self.id, slug=self.slug, title=TITLE, kind="alliance")

    async def known(self) -> bool:
        return bool(await self.running.sql("select 1 from networks where id = :id", id=self.id))

    def person(self, **changed: Any) -> PersonRegistered:
        id_ = changed.pop("id", None) or uuid7()
        known = {
            "given_name": "Maria",
            "family_name": "Rossi",
            "email": f"p{id_.hex}@example.org",
            "version": 1,
            "network_id": self.id,
        }
        return PersonRegistered(id=id_, **{**known, **changed})

    def organisation(self, title: str = "CNCA") -> OrganisationRegistered:
        return OrganisationRegistered(id=uuid7(), version=1, title=title, kind="association")

    def secretary(self, person: PersonRegistered, **changed: Any) -> GrantsChanged:
        grant = Grant(**{"role": "secretariat", "network_id": self.id, "since": date(2000, 1, 1), **changed})
        return GrantsChanged(id=person.id, version=1, grants=(grant,))

    def designated(self, person: PersonRegistered, **changed: Any) -> MandateDesignated:
        known: dict[str, Any] = {"role": "referent", "since": date(2026, 1, 1), "state": "designated", "version": 1}
        return MandateDesignated(id=uuid7(), network_id=self.id, person_id=person.id, **{**known, **changed})

    def ended(self, mandate: MandateState, until: date) -> MandateEnded:
        state = {**mandate.model_dump(), "state": "ended", "until": until, "version": mandate.version + 1}
        return MandateEnded(**state)

    def sign_in(self, person: PersonRegistered, version: int = 2, **changed: Any) -> SignInRequested:
        asked = {"request_id": uuid7(), "expires_at": datetime.now(UTC) + timedelta(minutes=15)}
        return SignInRequested(**{**person.model_dump(), "version": version, **asked, **changed})

    def erased(self, person: PersonRegistered, version: int = 9) -> PersonErased:
        return PersonErased(id=person.id, version=version, network_id=self.id)

    def imported(self, **changed: Any) -> ImportFinished:
        known: dict[str, Any] = {
            "file_name": "enti.csv",
            "rows": 20497,
            "created": 20490,
            "updated": 0,
            "unchanged": 4,
            "rejected": 3,
            "version": 1,
        }
        return ImportFinished(id=uuid7(), network_id=self.id, **{**known, **changed})

    async def replay(self) -> None:
        """Everything that the registry has ever told, once more, as a rebuilt stream would bring it."""
        assert self.running.nats is not None
        client = await harness.connected(self.running.nats)
        for headers, body in await harness.read_stream(client, "registry.>"):
            again = {name: value for name, value in headers.items() if name != "Nats-Msg-Id"}
            subject = FACTS[headers["ce-type"]].model_validate_json(body).subject
            await client.jetstream().publish(subject, body, headers=again)
        await client.close()

    async def mails(self, to: PersonRegistered, count: int = 1) -> list[Taken]:
        """The person's mails once there are so many and nothing more is on its way."""
        await self.relay.wait_until(lambda: len(self.of(to)) >= count)
        await self.running.settled()
        return self.of(to)

    def of(self, person: PersonRegistered) -> list[Taken]:
        return [mail for mail in self.relay.taken if mail.to == person.email]

    async def deliveries(self, **filters: Any) -> list[dict[str, Any]]:
        """As an administrator reads them over HTTP."""
        answer = await self.running.client.get(
            f"/notify/v1/networks/{self.id}/deliveries",
            params={**filters, "limit": 200},
            headers=self.running.signed_in(admin=True),
        )
        assert answer.status_code == 200, answer.text
        items: list[dict[str, Any]] = answer.json()["items"]
        return items

    async def link(self, text: str, path: str, purpose: str, home: Path) -> Link:
        """What the signed link in a text says, verified as the registry would."""
        found = re.search(rf"http://trama\.test{path}\?token=(\S+)", text)
        assert found is not None, text
        (home / "public.json").write_text(json.dumps(jwks.public(self.link_key)))
        return await links.verify(found[1], "registry", purpose, keys=PublicKeys(str(home / "public.json")))

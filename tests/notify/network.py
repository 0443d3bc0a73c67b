"""A network as the registry tells it to notify, and the mails that come of it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

from joserfc.jwk import ECKey
from uuid_utils.compat import uuid7

from shared.access import jwks, links
from shared.access.actor import ROME
from shared.access.jwks import PublicKeys
from shared.access.links import Link
from shared.contracts import FACTS
from shared.contracts.envelope import Fact
from shared.contracts.events import (
    BallotOpened,
    InvitationIssued,
    InvitationState,
    InvitationWithdrawn,
    MeetingConvened,
    MeetingState,
    MinutesSubmitted,
)
from shared.contracts.learning import Enrolled
from shared.contracts.registry import (
    BodyConstituted,
    CommitmentMade,
    GoalAdvanced,
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

    def referent(self, person: PersonRegistered, organisation: OrganisationRegistered, **changed: Any) -> GrantsChanged:
        return self.secretary(person, **{"role": "referent", "organisation_id": organisation.id, **changed})

    def body(self, **changed: Any) -> BodyConstituted:
        known: dict[str, Any] = {
            "title": "Comitato esecutivo nazionale",
            "kind": "executive_committee",
            "state": "constituted",
            "composition": "one_per_member",
            "version": 1,
        }
        return BodyConstituted(id=uuid7(), network_id=self.id, **{**known, **changed})

    def commitment(self, **changed: Any) -> CommitmentMade:
        """Due in twenty days; give the debtor."""
        known: dict[str, Any] = {
            "title": "Elenco dei rappresentanti",
            "kind": "list_of_representatives",
            "due": today() + timedelta(days=20),
            "state": "open",
            "source": "rule",
            "version": 1,
        }
        return CommitmentMade(id=uuid7(), network_id=self.id, **{**known, **changed})

    def meeting(self, **changed: Any) -> MeetingConvened:
        """On a Thursday years from now, at half past three in Italy."""
        known: dict[str, Any] = {
            "title": "Primo piano di lavoro",
            "starts_at": datetime(2099, 9, 10, 13, 30, tzinfo=UTC),
            "ends_at": datetime(2099, 9, 10, 15, 0, tzinfo=UTC),
            "mode": "hybrid",
            "place": "Via Roma 1, Lecco",
            "agenda": ("Apertura", "Piano & bilancio"),
            "state": "convened",
            "version": 1,
        }
        return MeetingConvened(id=uuid7(), network_id=self.id, **{**known, **changed})

    def invited(self, meeting: MeetingState, person: PersonRegistered, **changed: Any) -> InvitationIssued:
        known: dict[str, Any] = {"mandate_id": uuid7(), "state": "issued", "version": 1}
        return InvitationIssued(
            id=uuid7(), network_id=self.id, meeting_id=meeting.id, person_id=person.id, **{**known, **changed}
        )

    def ballot(self, meeting: MeetingState, **changed: Any) -> BallotOpened:
        known: dict[str, Any] = {"question": "Approvate il piano di lavoro?", "entitled": 2, "version": 1}
        return BallotOpened(id=uuid7(), network_id=self.id, meeting_id=meeting.id, **{**known, **changed})

    def minutes(self, meeting: MeetingState, **changed: Any) -> MinutesSubmitted:
        known: dict[str, Any] = {
            "state": "in_approval",
            "quorate": True,
            "present": 9,
            "entitled": 14,
            "held_on": date(2026, 9, 10),
            "version": 1,
        }
        return MinutesSubmitted(id=uuid7(), network_id=self.id, meeting_id=meeting.id, **{**known, **changed})

    def goal(self, **changed: Any) -> GoalAdvanced:
        known: dict[str, Any] = {
            "title": "Coordinamenti regionali",
            "body_kind": "regional_coordination",
            "since": today() - timedelta(days=100),
            "last_day": today() + timedelta(days=41),
            "minimum": 4,
            "full": 6,
            "reached": 3,
            "state": "running",
            "next_best": "03",
            "body_id": uuid7(),
            "territory": "01",
            "version": 1,
        }
        return GoalAdvanced(id=uuid7(), network_id=self.id, **{**known, **changed})

    def enrolled(self, person: PersonRegistered, **changed: Any) -> Enrolled:
        known: dict[str, Any] = {
            "path_id": uuid7(),
            "path_title": "Rappresentare la rete",
            "audience": "representatives",
            "mandate_id": uuid7(),
            "state": "active",
            "units_done": 0,
            "units": 4,
            "due": date(2099, 1, 31),
            "version": 1,
        }
        return Enrolled(id=uuid7(), network_id=self.id, person_id=person.id, **{**known, **changed})

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

    async def replay(self, *sources: str) -> None:
        """Everything that the services have ever told, once more, as rebuilt streams would bring it."""
        assert self.running.nats is not None
        client = await harness.connected(self.running.nats)
        for source in sources or ("registry",):
            for headers, body in await harness.read_stream(client, f"{source}.>"):
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

    async def topics(self, person: PersonRegistered) -> list[tuple[str, str, str | None]]:
        """(topic, state, problem) of what was intended for the person, in the order in which it was."""
        found = await self.deliveries(person=str(person.id))
        return [(d["topic"], d["state"], d["problem"]) for d in reversed(found)]

    async def link(self, text: str, path: str, purpose: str, home: Path) -> Link:
        """What the signed link in a text says, verified as the service that it leads to would."""
        found = re.search(rf"http://trama\.test{path}\?token=(\S+)", text)
        assert found is not None, text
        (home / "public.json").write_text(json.dumps(jwks.public(self.link_key)))
        return await links.verify(found[1], path.split("/")[1], purpose, keys=PublicKeys(str(home / "public.json")))


A = TypeVar("A", bound=Fact)


def then(fact: Fact, kind: type[A], **changed: Any) -> A:
    """The next fact of the same aggregate."""
    known = {name: value for name, value in fact.model_dump().items() if name in kind.model_fields}
    return kind(**{**known, "version": fact.version + 1, **changed})


def withdrawn(invitation: InvitationState) -> InvitationWithdrawn:
    return then(invitation, InvitationWithdrawn, state="withdrawn")


def today() -> date:
    return datetime.now(ROME).date()

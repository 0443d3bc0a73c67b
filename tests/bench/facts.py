"""Facts as the registry publishes them, any number, all different."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from uuid import UUID

from uuid_utils.compat import uuid7

from shared import territories
from shared.contracts.registry import MembershipActivated, NetworkFounded, OrganisationRegistered, Section

NETWORK = UUID("0192c1a0-0000-7000-8000-000000000001")
NOUNS = ("Casa della comunità", "Cooperativa sociale", "Associazione genitori", "Pubblica assistenza", "Circolo")


def organisations(count: int) -> Iterator[OrganisationRegistered]:
    places = [place.code for place in territories.load().municipalities]
    for number in range(count):
        yield OrganisationRegistered(
            id=uuid7(),
            version=1,
            title=f"{NOUNS[number % len(NOUNS)]} n. {number} «Santa Giulia»",
            tax_code=f"{90_000_000_000 + number:011d}",
            kind="association",
            ownership="private",
            sections=(Section(section="odv", since=date(2022, 11, 7)),),
            municipality=places[number % len(places)],
        )


def memberships(of: list[OrganisationRegistered]) -> Iterator[MembershipActivated]:
    for organisation in of:
        yield MembershipActivated(
            id=uuid7(),
            version=1,
            network_id=NETWORK,
            organisation_id=organisation.id,
            state="active",
            since=date(2026, 1, 1),
        )


def networks(count: int) -> Iterator[NetworkFounded]:
    for number in range(count):
        made = uuid7()
        yield NetworkFounded(
            id=made, version=1, network_id=made, slug=f"rete-{number}", title=f"Rete {number}", kind="alliance"
        )

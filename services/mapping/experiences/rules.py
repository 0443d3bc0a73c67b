"""What bodies did, and that a body has nothing to tell."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import ClassVar
from uuid import UUID

from uuid_utils.compat import uuid7

from services.mapping.items.rules import Item, OrganisationMissing, Subject, require_day


class AlreadyDeclared(Exception):
    """The organisation has declared already that it has no experience to report."""


class HasExperiences(Exception):
    """The organisation has experiences on the map: it cannot say that it has none."""


@dataclass(eq=False, kw_only=True)
class Experience(Item):
    """What (`title`, `description`), who (`organisation_id`, and `partners` in words), where (`territories`), from
    `since` until `until` (exclusive; none while it goes on), with which `results`, about which `themes`."""

    subject: ClassVar[Subject] = Subject.EXPERIENCE
    substantial: ClassVar[frozenset[str]] = frozenset(
        {"title", "organisation_id", "territories", "description", "partners", "results", "since", "visibility",
         "shared_with"}
    )  # fmt: skip

    description: str | None = None
    partners: str | None = None
    results: str | None = None
    link: str | None = None
    themes: list[str] = field(default_factory=list)
    since: date | None = None
    until: date | None = None

    def check(self, on: date) -> None:
        """Raises OrganisationMissing, InvalidDay."""
        if self.organisation_id is None:
            raise OrganisationMissing
        require_day("since", self.since, latest=on)
        require_day("until", self.until, **({"earliest": self.since} if self.since else {}))


@dataclass(eq=False, kw_only=True)
class Absence:
    """On `declared_on` the organisation said that it had no experience to report."""

    network_id: UUID
    organisation_id: UUID
    declared_on: date
    declared_by: UUID | None = None
    id: UUID = field(default_factory=uuid7)
    version: int = 0

"""Telling experiences, or that there are none."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from pydantic import ConfigDict
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from services.mapping.experiences.rules import Absence, AlreadyDeclared, Experience, HasExperiences
from services.mapping.experiences.tables import absences, experiences
from services.mapping.items import commands as items
from services.mapping.items.commands import Networks, Prose, Territories, Themes, Title, Web, plain
from services.mapping.items.queries import Shown
from services.mapping.items.rules import State, Visibility
from services.mapping.policy import Right, policy
from shared.access import loading
from shared.access.actor import Actor, day
from shared.contracts.mapping import AbsenceDeclared
from shared.messaging import stage
from shared.runtime.shapes import Request

EXAMPLE: dict[str, Any] = {
    "title": "Portierato sociale in via Bergamo",
    "organisation_id": "019a0000-0000-7000-8000-000000000001",
    "description": "Un punto di ascolto nell'androne, tenuto dagli inquilini",
    "partners": "ALER, Comune di Cremona",
    "results": "120 famiglie conosciute in un anno",
    "themes": ["housing"],
    "territories": ["D150"],
    "since": "2024-03-01",
}


class ExperienceBody(Request):
    """What was done, by `organisation_id` and with whom, where, from `since` until `until` (exclusive; none while it
    goes on), and with which results."""

    model_config = ConfigDict(extra="forbid", frozen=True, json_schema_extra={"examples": [EXAMPLE]})

    title: Title
    organisation_id: UUID
    description: Prose | None = None
    partners: Prose | None = None
    results: Prose | None = None
    link: Web | None = None
    themes: Themes = ()
    territories: Territories = ()
    since: date | None = None
    until: date | None = None
    body_id: UUID | None = None
    visibility: Visibility = Visibility.NETWORK
    shared_with: Networks = ()
    draft: bool = False


class ExperienceChange(Request):
    """Only what is given changes."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, json_schema_extra={"examples": [{"results": "150 famiglie conosciute"}]}
    )

    title: Title = ""
    organisation_id: UUID | None = None
    description: Prose | None = None
    partners: Prose | None = None
    results: Prose | None = None
    link: Web | None = None
    themes: Themes = ()
    territories: Territories = ()
    since: date | None = None
    until: date | None = None
    body_id: UUID | None = None
    visibility: Visibility = Visibility.NETWORK
    shared_with: Networks = ()


class AbsenceBody(Request):
    """The organisation has no experience to report."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={"examples": [{"organisation_id": "019a0000-0000-7000-8000-000000000001"}]},
    )

    organisation_id: UUID


async def tell(
    session: AsyncSession, actor: Actor, ref: str, request: ExperienceBody, *, now: datetime
) -> Shown[Experience]:
    """Raises OrganisationMissing, InvalidDay and what `items.create` does."""
    network_id = await loading.network_id(session, ref)
    experience = Experience(network_id=network_id, **fields(request, whole=True))
    return await items.create(session, actor, experience, draft=request.draft, now=now)


async def change(
    session: AsyncSession,
    actor: Actor,
    experience_id: UUID,
    request: ExperienceChange,
    *,
    expected: int | None,
    now: datetime,
    confirms: bool = False,
) -> Shown[Experience]:
    """Raises what `tell` does, and Closed."""
    return await items.change(
        session, actor, Experience, experience_id, fields(request), expected=expected, now=now, confirms=confirms
    )


def fields(request: ExperienceBody | ExperienceChange, *, whole: bool = False) -> dict[str, Any]:
    """What was given, as the entity has it. Raises UnknownTerritory."""
    return plain(request.model_dump(exclude_unset=not whole, exclude={"draft"}))


async def declare_absence(
    session: AsyncSession, actor: Actor, ref: str, request: AbsenceBody, *, now: datetime
) -> Absence:
    """Its referent says that the organisation has nothing to report. Raises AlreadyDeclared, HasExperiences,
    UnknownReference, Forbidden."""
    network_id = await loading.network_id(session, ref)
    organisation_id = request.organisation_id
    policy.require(actor, Right.DECLARE_ABSENCE, network=network_id, organisation=organisation_id, on=now)
    await items.require_member(session, network_id, organisation_id, "/organisation_id")
    await session.execute(LOCK, {"key": f"absence {network_id} {organisation_id}"})
    here: dict[str, Any] = {"network_id": network_id, "organisation_id": organisation_id}
    if await session.scalar(select(absences.c.id).filter_by(**here)):
        raise AlreadyDeclared
    validated = select(experiences.c.id).where(experiences.c.state == State.VALIDATED).filter_by(**here)
    if await session.scalar(validated.limit(1)):
        raise HasExperiences
    absence = Absence(**here, declared_on=day(now), declared_by=actor.person_id)
    session.add(absence)
    await session.flush()
    await stage(
        session, AbsenceDeclared(id=absence.id, version=absence.version, declared_on=absence.declared_on, **here)
    )
    return absence


LOCK = text("select pg_advisory_xact_lock(hashtextextended(:key, 0))")
"""Two declarations at once are one."""

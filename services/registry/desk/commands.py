"""What a page of the desk does in one step and the API in two."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.registry.bodies import queries as bodies
from services.registry.mandates import commands as mandates
from services.registry.mandates.commands import Designation
from services.registry.mandates.queries import Named
from services.registry.people import commands as people
from shared.access.actor import Actor, day


@dataclass(frozen=True)
class Appointment:
    """Somebody whom the network knows (`person_id`), or a new person by name, for a seat."""

    since: date | None
    person_id: UUID | None = None
    given_name: str = ""
    family_name: str = ""
    email: str | None = None
    phone: str | None = None


async def appoint(
    session: AsyncSession, actor: Actor, network: str, seat_id: UUID, given: Appointment, *, now: datetime
) -> Named:
    """Enters the person if need be and designates them for the seat: both or neither. Raises what either raises."""
    placed = await bodies.seat(session, actor, seat_id, now=now)
    person_id = given.person_id or await _entered(session, actor, network, given, now)
    designation = Designation(
        person_id=person_id,
        role=placed.seat.role,
        since=given.since or day(now),
        organisation_id=placed.seat.organisation_id,
        body_id=placed.body.id,
        seat_id=placed.seat.id,
    )
    return await mandates.designate(session, actor, network, designation, now=now)


async def _entered(session: AsyncSession, actor: Actor, network: str, given: Appointment, now: datetime) -> UUID:
    fields = {
        "given_name": given.given_name,
        "family_name": given.family_name,
        "email": given.email or None,
        "phone": given.phone or None,
    }
    found = await people.register(session, actor, network, now=now, **fields)
    return found.person.id

"""What may be done with paths. The path's row is locked first, so that nobody gets onto it, or further, meanwhile."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field, StringConstraints
from sqlalchemy.ext.asyncio import AsyncSession

from services.learning.enrolments import commands as enrolments
from services.learning.paths import queries, rules
from services.learning.paths.rules import LONGEST, Admission, Audience, Path, State, Unit
from services.learning.policy import Right, policy
from shared.access.actor import Actor, day
from shared.access.loading import network_id
from shared.access.roles import Role
from shared.contracts.learning import PathChanged, PathPublished, PathState, PathWithdrawn
from shared.messaging import stage
from shared.runtime.problems import expect
from shared.runtime.shapes import Request, line

Line = Annotated[str, line(200)]
Words = Annotated[str, StringConstraints(strip_whitespace=True, max_length=10_000)]
Days = Annotated[int, Field(ge=1, le=3650)]


class UnitBody(Request):
    """A text to read, a link to open, or both."""

    title: Line = Field(examples=["Che cos'è una Casa della comunità"])
    text: Words = ""
    url: str | None = Field(default=None, max_length=2000, examples=["https://example.org/dm-77-2022"])
    minutes: int | None = Field(default=None, ge=1, le=6000)


class EditedUnitBody(UnitBody):
    """With the id of a unit of the path: that one, as it shall be from now on; without: a new one."""

    id: UUID | None = None


class PathBody(Request):
    """`roles` go with the enrolment by rule: without them, all those of the audience."""

    title: Line = Field(examples=["Rappresentare la propria associazione"])
    description: Words = ""
    audience: Audience
    enrolment: Admission
    roles: tuple[Role, ...] = Field(default=(), max_length=len(Role))
    due_days: Days | None = None
    units: tuple[UnitBody, ...] = Field(default=(), max_length=LONGEST)


class PathChange(Request):
    """Only what is given changes; `units` is the whole list in its order."""

    title: Line = ""
    description: Words = ""
    audience: Audience = Audience.REPRESENTATIVES
    enrolment: Admission = Admission.RULE
    roles: tuple[Role, ...] = Field(default=(), max_length=len(Role))
    due_days: Days | None = None
    units: tuple[EditedUnitBody, ...] = Field(default=(), max_length=LONGEST)


async def create(session: AsyncSession, actor: Actor, ref: str, request: PathBody, *, now: datetime) -> Path:
    """A draft: nobody is told of it. Raises Unfit."""
    network = await network_id(session, ref)
    policy.require(actor, Right.WRITE_PATHS, network=network, on=now)
    path = Path(
        network,
        request.title,
        request.description,
        request.audience,
        request.enrolment,
        request.roles,
        request.due_days,
        tuple(Unit(**unit.model_dump()) for unit in request.units),
    )
    session.add(path)
    await session.flush()
    return path


async def change(
    session: AsyncSession, actor: Actor, path_id: UUID, request: PathChange, *, expected: int | None, now: datetime
) -> Path:
    """With the units of a published path, whoever has done all that is left completes it in the same transaction.

    Raises NotPossibleNow, FixedOncePublished, Unfit.
    """
    path = await writable(session, actor, path_id, expected, now)
    changes: dict[str, Any] = {name: getattr(request, name) for name in request.model_fields_set}
    if "units" in changes:
        wanted = [(unit.id, unit.model_dump(exclude={"id"})) for unit in request.units]
        changes["units"] = rules.edited(path.units, wanted)
    before = path.unit_ids
    if path.change(changes):
        await session.flush()
        if path.state is State.PUBLISHED:
            await stage(session, state_of(PathChanged, path))
            if before - path.unit_ids:
                await enrolments.complete_what_is_done(session, path, now)
    return path


async def publish(session: AsyncSession, actor: Actor, path_id: UUID, *, expected: int | None, now: datetime) -> Path:
    """Told from now on; a rule's path enrols at once all who hold one of its roles. Raises NotPossibleNow, Unfit."""
    path = await writable(session, actor, path_id, expected, now)
    path.publish(day(now))
    await session.flush()
    await stage(session, state_of(PathPublished, path))
    if path.enrolment is Admission.RULE:
        await enrolments.enrol_holders(session, path, now)
    return path


async def withdraw(session: AsyncSession, actor: Actor, path_id: UUID, *, expected: int | None, now: datetime) -> Path:
    """Takes nobody any more; who is on it may finish. Raises NotPossibleNow."""
    path = await writable(session, actor, path_id, expected, now)
    path.withdraw()
    await session.flush()
    await stage(session, state_of(PathWithdrawn, path))
    return path


async def writable(session: AsyncSession, actor: Actor, path_id: UUID, expected: int | None, now: datetime) -> Path:
    path = await queries.locked(session, path_id)
    policy.require(actor, Right.WRITE_PATHS, network=path.network_id, on=now)
    expect(expected, path.version)
    return path


def state_of(fact: type[PathState], path: Path) -> PathState:
    return fact(
        id=path.id,
        version=path.version,
        network_id=path.network_id,
        title=path.title,
        audience=path.audience,
        enrolment=path.enrolment,
        roles=path.roles,
        units=len(path.units),
        state=path.state,
    )

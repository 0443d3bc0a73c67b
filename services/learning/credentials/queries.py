"""Reading achievements and credentials: the secretariat its network's, a holder their own, a verifier by the address of
the page."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, and_, false, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.learning.credentials.badges import BITS
from services.learning.credentials.rules import (
    Achievement,
    Credential,
    NoLonger,
    Standing,
    State,
    UnknownAchievement,
    UnknownCredential,
)
from services.learning.credentials.tables import achievements, badge_keys, credentials
from services.learning.people.queries import NAME
from services.learning.people.tables import people
from services.learning.policy import Right, policy
from shared.access.actor import Actor, day
from shared.access.loading import network_id, network_row
from shared.runtime.paging import DEFAULT, Page, page


@dataclass(frozen=True)
class Held:
    """A credential with what was earned, and its holder's name ("" while nobody has told it, or once erased)."""

    credential: Credential
    achievement: Achievement
    person: str

    @property
    def version(self) -> int:
        return self.credential.version


@dataclass(frozen=True)
class Counted:
    """An achievement, and how many credentials of it are good today and were ever issued."""

    achievement: Achievement
    good: int
    issued: int

    @property
    def version(self) -> int:
        return self.achievement.version


HELD = (
    select(Credential, Achievement, func.coalesce(NAME, ""))
    .join(achievements, achievements.c.id == credentials.c.achievement_id)
    .outerjoin(people, people.c.id == credentials.c.person_id)
)


def held_row(row: Row[Credential, Achievement, str]) -> Held:
    return Held(row[0], row[1], row[2])


async def held(session: AsyncSession, credential: Credential) -> Held:
    return held_row((await session.execute(HELD.where(credentials.c.id == credential.id))).one())


# --- achievements ---------------------------------------------------------------------------------------------------


def _good(on: datetime) -> ColumnElement[bool]:
    """`Credential.standing(on)` where the database has to count by it."""
    lasting = or_(credentials.c.expires_on.is_(None), credentials.c.expires_on >= day(on))
    return and_(credentials.c.state == State.ISSUED, lasting)


def _counted(now: datetime) -> Any:
    count = func.count(credentials.c.id)
    return (
        select(Achievement, count.filter(_good(now)), count)
        .outerjoin(credentials, credentials.c.achievement_id == achievements.c.id)
        .group_by(achievements.c.id)
    )


async def achievement(session: AsyncSession, actor: Actor, achievement_id: UUID, *, now: datetime) -> Counted:
    row = (await session.execute(_counted(now).where(achievements.c.id == achievement_id))).one_or_none()
    if row is None:
        raise UnknownAchievement(achievement_id)
    policy.require(actor, Right.READ_CREDENTIALS, network=row[0].network_id, on=now)
    return Counted(*row)


async def achievements_of(
    session: AsyncSession,
    actor: Actor,
    ref: str,
    *,
    path: Collection[UUID] = (),
    retired: bool | None = None,
    after: str | None = None,
    limit: int = DEFAULT,
    now: datetime,
) -> Page[Counted]:
    network = await network_id(session, ref)
    policy.require(actor, Right.READ_CREDENTIALS, network=network, on=now)
    query = _counted(now).where(achievements.c.network_id == network)
    if path:
        query = query.where(achievements.c.path_id.in_(path))
    if retired is not None:
        query = query.where(achievements.c.retired_on.is_not(None) if retired else achievements.c.retired_on.is_(None))
    found = await page(session, query, key=[achievements.c.id], after=after, limit=limit)
    return Page([Counted(*row[:3]) for row in found.items], found.next)


async def public_achievement(
    session: AsyncSession,
    actor: Actor,  # noqa: ARG001
    achievement_id: UUID,
    *,
    now: datetime,  # noqa: ARG001
) -> tuple[Achievement, Any]:
    """(achievement, network): what a credential points to, for everybody who was shown one."""
    found = await session.get(Achievement, achievement_id)
    if found is None:
        raise UnknownAchievement(achievement_id)
    return found, await network_row(session, str(found.network_id))


async def network(session: AsyncSession, actor: Actor, ref: str, *, now: datetime) -> Any:  # noqa: ARG001
    return await network_row(session, ref)


async def locked(session: AsyncSession, achievement_id: UUID) -> Achievement:
    found = await session.get(Achievement, achievement_id, with_for_update=True, populate_existing=True)
    if found is None:
        raise UnknownAchievement(achievement_id)
    return found


# --- credentials ----------------------------------------------------------------------------------------------------


async def get(session: AsyncSession, actor: Actor, credential_id: UUID, *, now: datetime) -> Held:
    """Raises UnknownCredential, or Forbidden: one's own may always be read."""
    row = (await session.execute(HELD.where(credentials.c.id == credential_id))).one_or_none()
    if row is None:
        raise UnknownCredential(credential_id)
    found = held_row(row)
    if actor.person_id is None or actor.person_id != found.credential.person_id:
        policy.require(actor, Right.READ_CREDENTIALS, network=found.credential.network_id, on=now)
    return found


async def listed(
    session: AsyncSession,
    actor: Actor,
    ref: str,
    *,
    achievement: Collection[UUID] = (),
    person: Collection[UUID] = (),
    standing: Collection[Standing] = (),
    updated_since: datetime | None = None,
    after: str | None = None,
    limit: int = DEFAULT,
    now: datetime,
) -> Page[Held]:
    """The credentials of a network, oldest first."""
    network = await network_id(session, ref)
    policy.require(actor, Right.READ_CREDENTIALS, network=network, on=now)
    query = HELD.where(credentials.c.network_id == network)
    if achievement:
        query = query.where(credentials.c.achievement_id.in_(achievement))
    if person:
        query = query.where(credentials.c.person_id.in_(person))
    if standing:
        query = query.where(or_(*(_stands(one, now) for one in standing)))
    if updated_since:
        query = query.where(credentials.c.updated_at >= updated_since)
    return await _page(session, query, after, limit)


def _stands(standing: Standing, now: datetime) -> ColumnElement[bool]:
    if standing is Standing.REVOKED:
        return credentials.c.state == State.REVOKED
    if standing is Standing.VALID:
        return _good(now)
    return and_(credentials.c.state == State.ISSUED, func.coalesce(credentials.c.expires_on < day(now), False))


async def own(
    session: AsyncSession,
    actor: Actor,
    *,
    now: datetime,  # noqa: ARG001
    after: str | None = None,
    limit: int = DEFAULT,
) -> Page[Held]:
    """The caller's own, of all networks. A key has none."""
    mine = credentials.c.person_id == actor.person_id if actor.person_id else false()
    return await _page(session, HELD.where(mine), after, limit)


async def _page(session: AsyncSession, query: Any, after: str | None, limit: int) -> Page[Held]:
    found = await page(session, query, key=[credentials.c.id], after=after, limit=limit)
    return Page([held_row(row) for row in found.items], found.next)


async def of_person(session: AsyncSession, achievement_id: UUID, person_id: UUID) -> Sequence[Credential]:
    query = select(Credential).where(
        credentials.c.achievement_id == achievement_id, credentials.c.person_id == person_id
    )
    return (await session.execute(query)).scalars().all()


async def locked_credential(session: AsyncSession, credential_id: UUID) -> Credential:
    found = await session.get(Credential, credential_id, with_for_update=True, populate_existing=True)
    if found is None:
        raise UnknownCredential(credential_id)
    return found


def require_holder(credential: Credential, person_id: UUID | None) -> None:
    if credential.person_id is None:
        raise NoLonger(credential.id)
    if person_id is not None and person_id != credential.person_id:
        raise UnknownCredential(credential.id)


async def by_code(session: AsyncSession, actor: Actor, code: str, *, now: datetime) -> tuple[Held, Any]:  # noqa: ARG001
    """(credential, network) at a public address. Raises UnknownCredential, NoLonger."""
    row = (await session.execute(HELD.where(credentials.c.code == code))).one_or_none()
    if row is None:
        raise UnknownCredential(code)
    found = held_row(row)
    if found.credential.person_id is None:
        raise NoLonger(code)
    return found, await network_row(session, str(found.credential.network_id))


async def by_link(
    session: AsyncSession,
    actor: Actor,  # noqa: ARG001
    credential_id: UUID,
    person_id: UUID | None,
    *,
    now: datetime,  # noqa: ARG001
) -> tuple[Held, Any]:
    """(credential, network) of a link's subject, for the person to whom it was sent. Raises UnknownCredential,
    NoLonger."""
    row = (await session.execute(HELD.where(credentials.c.id == credential_id))).one_or_none()
    if row is None:
        raise UnknownCredential(credential_id)
    found = held_row(row)
    require_holder(found.credential, person_id)
    return found, await network_row(session, str(found.credential.network_id))


# --- for verifiers --------------------------------------------------------------------------------------------------


async def revoked(
    session: AsyncSession,
    actor: Actor,  # noqa: ARG001
    ref: str,
    number: int,
    *,
    now: datetime,  # noqa: ARG001
) -> tuple[Any, list[int]]:
    """(network, places counted from the first of the list) of what the network has revoked. Raises NetworkUnknown."""
    found = await network_row(session, ref)
    first = number * BITS
    query = select(credentials.c.place).where(
        credentials.c.network_id == found.id,
        credentials.c.state == State.REVOKED,
        credentials.c.place >= first,
        credentials.c.place < first + BITS,
    )
    return found, [place - first for place in (await session.execute(query)).scalars()]


async def keys(session: AsyncSession, actor: Actor, *, now: datetime) -> Sequence[Any]:  # noqa: ARG001
    """Every public key with which a credential was signed, oldest first."""
    query = select(badge_keys.c.jwk).order_by(badge_keys.c.since, badge_keys.c.kid)
    return (await session.execute(query)).scalars().all()

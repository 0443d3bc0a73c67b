"""Issuing, rotating and revoking keys. Their times are wall time: a partner's key does not follow a set clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.registry.api_keys import queries
from services.registry.api_keys.rules import ApiKey, check
from services.registry.networks import queries as networks
from services.registry.policy import Right, policy
from shared.access import keys
from shared.access.actor import Actor
from shared.access.policy import Forbidden
from shared.contracts.registry import ApiKeyIssued, ApiKeyRevoked, ApiKeyRotated, ApiKeyState
from shared.messaging import stage
from shared.runtime.clock import wall
from shared.runtime.problems import expect


@dataclass(frozen=True)
class Shown:
    """A key, with its credential on the one occasion on which it is shown."""

    key: ApiKey
    credential: str | None = None

    @property
    def version(self) -> int:
        return self.key.version


async def issue(
    session: AsyncSession,
    actor: Actor,
    ref: str,
    *,
    title: str,
    scopes: Sequence[str],
    origins: Sequence[str],
    per_minute: int,
    expires_at: datetime | None,
    now: datetime,
) -> Shown:
    network = await networks.by_ref(session, ref)
    policy.require(actor, Right.MANAGE_API_KEYS, network=network.id, on=now)
    if actor.key_id is not None:  # a key that makes keys would outlive its own revocation
        raise Forbidden(f"registry:{Right.MANAGE_API_KEYS}", ["secretariat"])
    key = ApiKey(network.id, title, "", list(scopes), list(origins), per_minute, expires_at, actor.person_id)
    check(key, lambda right: policy.has(actor, right, network=network.id, on=now), wall())
    credential, key.secret_sha256 = keys.issue(key.id)
    session.add(key)
    await session.flush()
    await stage(session, state_of(ApiKeyIssued, key))
    return Shown(key, credential)


async def rotate(
    session: AsyncSession, actor: Actor, key_id: UUID, *, grace: timedelta, expected: int | None, now: datetime
) -> Shown:
    key = await queries.get(session, actor, key_id, lock=True, now=now)
    expect(expected, key.version)
    credential, digest = keys.issue(key.id)
    key.rotate(digest, grace, wall())
    await session.flush()
    await stage(session, state_of(ApiKeyRotated, key))
    return Shown(key, credential)


async def revoke(session: AsyncSession, actor: Actor, key_id: UUID, *, expected: int | None, now: datetime) -> Shown:
    key = await queries.get(session, actor, key_id, lock=True, now=now)
    expect(expected, key.version)
    key.revoke(wall())
    await session.flush()
    await stage(session, state_of(ApiKeyRevoked, key))
    return Shown(key)


def state_of(fact: type[ApiKeyState], key: ApiKey) -> ApiKeyState:
    return fact(
        id=key.id,
        version=key.version,
        network_id=key.network_id,
        title=key.title,
        secret_sha256=key.secret_sha256,
        previous_sha256=key.previous_sha256,
        previous_until=key.previous_until,
        scopes=tuple(key.scopes),
        origins=tuple(key.origins),
        per_minute=key.per_minute,
        expires_at=key.expires_at,
        revoked_at=key.revoked_at,
    )

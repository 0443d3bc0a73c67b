"""From a verified identity to an actor, by one query on the primary key."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from shared.access import keys
from shared.access.actor import Actor, Grant, day
from shared.access.tables import api_keys
from shared.access.tokens import Identity

# Plain SQL: this runs on every request, and a compiled statement costs a third more.
GRANTS = text(
    "select role, network_id, organisation_id, body_id, territory, since, until from grants"
    " where person_id = :id order by position"
)

NETWORK = (
    "select id, slug, name, kind, language, sender_name, sender_address, logo, generation, version from networks where "
)
BY_ID, BY_SLUG = text(NETWORK + "id = :id"), text(NETWORK + "slug = :slug")

SHARED = text(
    "select distinct network_id from sharings where with_network_id = :id and :what = any(what)"
    " and since <= :on and (until is null or :on < until)"
)


class KeyInvalid(Exception):
    """The API key is unknown, expired or revoked, or its secret is wrong."""


class NetworkUnknown(Exception):
    """No network has this slug or id (or it has not arrived here yet)."""


async def person(session: AsyncSession | AsyncConnection, identity: Identity) -> Actor:
    """The person with all their grants, past and future ones too: the clock is asked at use."""
    rows = (await session.execute(GRANTS, {"id": identity.person_id})).all()
    return Actor(
        person_id=identity.person_id,
        level=identity.level,
        admin=identity.admin,
        grants=tuple(Grant(*row) for row in rows),
    )


async def key(session: AsyncSession, identity: Identity, now: datetime) -> tuple[Actor, Any]:
    """The key as an actor, and its row (origins, per_minute). Raises KeyInvalid. `now` is wall time."""
    row = (await session.execute(select(api_keys).where(api_keys.c.id == identity.key_id))).first()
    if row is None or not keys.good(row, identity.secret_sha256, now):
        raise KeyInvalid
    scopes = tuple(row.scopes)
    if identity.scopes is not None:  # a token may carry fewer scopes than its key, never more
        scopes = tuple(s for s in scopes if s in identity.scopes)
    return Actor(key_id=row.id, scopes=scopes, network_id=row.network_id), row


async def network_id(session: AsyncSession, network: str) -> UUID:
    """The id of the network given by slug or id in a path. Raises NetworkUnknown."""
    return (await network_row(session, network)).id  # type: ignore[no-any-return]


async def network_row(session: AsyncSession, network: str) -> Any:
    """The row of `networks` given by slug or id. Raises NetworkUnknown."""
    try:
        found = await session.execute(BY_ID, {"id": UUID(network)})
    except ValueError:
        found = await session.execute(BY_SLUG, {"slug": network})
    row = found.first()
    if row is None:
        raise NetworkUnknown(network)
    return row


async def shared_with(session: AsyncSession, network_id: UUID, what: str, on: date | datetime) -> set[UUID]:
    """The networks that let this one see `what` of theirs on that day: members, contacts, places, resources,
    experiences or practices. Nothing else of them is seen by it."""
    return set(await session.scalars(SHARED, {"id": network_id, "what": what, "on": day(on)}))

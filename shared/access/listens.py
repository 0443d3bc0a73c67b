"""Networks, grants and keys as the registry tells them, in each of the other services."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, insert
from sqlalchemy.ext.asyncio import AsyncSession

from shared.access.tables import api_keys, grant_lists, grants, networks, sharings
from shared.contracts.registry import ApiKeyState, Grant, GrantsChanged, NetworkState, SharingState
from shared.messaging import Received, newest, projects, upsert_newest

NETWORK = ["slug", "kind", "language", "sender_name", "sender_address", "logo"]
API_KEY = [
    "network_id",
    "title",
    "secret_sha256",
    "previous_sha256",
    "previous_until",
    "scopes",
    "origins",
    "per_minute",
    "expires_at",
    "revoked_at",
]
SHARING = ["network_id", "with_network_id", "what", "since", "until"]


@projects(NetworkState, tables=[networks])
async def networks_known(session: AsyncSession, facts: Sequence[Received[NetworkState]], now: datetime) -> None:  # noqa: ARG001
    rows = [
        {"id": f.id, "name": f.title, **{name: getattr(f, name) for name in NETWORK}, **guard(r)}
        for r in newest(facts)
        for f in [r.fact]
    ]
    await upsert_newest(session, networks, rows)


@projects(ApiKeyState, tables=[api_keys])
async def api_keys_known(session: AsyncSession, facts: Sequence[Received[ApiKeyState]], now: datetime) -> None:  # noqa: ARG001
    rows = [
        {"id": r.fact.id, **{name: _plain(getattr(r.fact, name)) for name in API_KEY}, **guard(r)}
        for r in newest(facts)
    ]
    await upsert_newest(session, api_keys, rows)


@projects(SharingState, tables=[sharings])
async def sharings_known(session: AsyncSession, facts: Sequence[Received[SharingState]], now: datetime) -> None:  # noqa: ARG001
    rows = [
        {"id": r.fact.id, **{name: _plain(getattr(r.fact, name)) for name in SHARING}, **guard(r)}
        for r in newest(facts)
    ]
    await upsert_newest(session, sharings, rows)


@projects(GrantsChanged, tables=[grant_lists, grants])
async def grants_known(session: AsyncSession, facts: Sequence[Received[GrantsChanged]], now: datetime) -> None:  # noqa: ARG001
    await replace_grants(session, {r.fact.id: (r.fact.grants, r.generation, r.fact.version) for r in newest(facts)})


async def replace_grants(session: AsyncSession, lists: Mapping[UUID, tuple[Sequence[Grant], int, int]]) -> None:
    """The whole list of each person, with its generation and version; an older list than the one held changes nothing.

    The registry calls this in its commands, the other services when they hear of it.
    """
    guards = [{"person_id": p, "generation": g, "version": v} for p, (_, g, v) in sorted(lists.items())]
    changed = {_id(key) for key in await upsert_newest(session, grant_lists, guards)}
    if not changed:
        return
    await session.execute(delete(grants).where(grants.c.person_id.in_(changed)))
    rows = [
        {"person_id": person, "position": position, **grant.model_dump(), "generation": generation, "version": version}
        for person, (granted, generation, version) in sorted(lists.items())
        if person in changed
        for position, grant in enumerate(granted)
    ]
    if rows:
        await session.execute(insert(grants), rows)


def guard(received: Received[Any]) -> dict[str, int]:
    return {"generation": received.generation, "version": received.fact.version}


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _id(key: Any) -> UUID:
    """`upsert_newest` gives keys as rows; the primary key here is one column."""
    found = key if isinstance(key, UUID) else key[0]
    assert isinstance(found, UUID)
    return found

"""Sharing with another network, changing what is shared, and ending it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession

from services.registry.networks import queries as networks
from services.registry.policy import Right, policy
from services.registry.sharings import queries, rules
from services.registry.sharings.queries import Shared
from services.registry.sharings.rules import InvalidSharing, Sharing, What
from shared.access.actor import Actor, day
from shared.access.loading import NetworkUnknown
from shared.contracts import registry as facts
from shared.messaging import stage
from shared.runtime.problems import expect
from shared.runtime.shapes import Request


class Granting(Request):
    """The network (slug or id) that is to see `what` of this one's, from `since` (today if not said) until `until`
    (exclusive; null: until it is ended)."""

    with_network: str = Field(min_length=1, max_length=64, examples=["opes"])
    what: tuple[What, ...] = Field(max_length=20, examples=[["members", "places"]])
    since: date | None = None
    until: date | None = None


class Change(Request):
    """Only what is given changes."""

    what: tuple[What, ...] = Field(default=(), max_length=20)
    until: date | None = None


class Ending(Request):
    """The first day on which nothing is shared any more; today if not said."""

    on: date | None = None


async def share(session: AsyncSession, actor: Actor, ref: str, request: Granting, *, now: datetime) -> Shared:
    """Raises InvalidSharing, SharedAlready."""
    network_id = await networks.id_of(session, ref)
    policy.require(actor, Right.SHARE, network=network_id, on=now)
    other = await _other(session, request.with_network)
    since = request.since or day(now)
    if since < day(now):
        raise InvalidSharing("since", "past", f"from {day(now)}")
    sharing = rules.check(Sharing(network_id, other, rules.what_list(request.what), since, request.until))
    await queries.require_free(session, sharing)
    session.add(sharing)
    await session.flush()
    await stage(session, state_of(facts.SharingGranted, sharing))
    return await queries.shared(session, sharing)


async def change(
    session: AsyncSession, actor: Actor, sharing_id: UUID, *, expected: int | None, now: datetime, **given: Any
) -> Shared:
    """Takes the fields given (what, until). Raises SharingOver, InvalidSharing, SharedAlready."""
    sharing = await queries.for_update(session, actor, sharing_id, now)
    expect(expected, sharing.version)
    if "what" in given:
        given["what"] = rules.what_list(given["what"])
    if sharing.change(day(now), **given):
        await queries.require_free(session, sharing)
        await session.flush()
        await stage(session, state_of(facts.SharingChanged, sharing))
    return await queries.shared(session, sharing)


async def end(
    session: AsyncSession, actor: Actor, sharing_id: UUID, on: date | None, *, expected: int | None, now: datetime
) -> Shared:
    """Raises SharingOver, InvalidSharing."""
    sharing = await queries.for_update(session, actor, sharing_id, now)
    expect(expected, sharing.version)
    sharing.end(on or day(now), day(now))
    await session.flush()
    await stage(session, state_of(facts.SharingEnded, sharing))
    return await queries.shared(session, sharing)


async def _other(session: AsyncSession, ref: str) -> UUID:
    try:
        return await networks.id_of(session, ref)
    except NetworkUnknown:
        raise InvalidSharing("with_network", "unknown", "slug or id of a network") from None


def state_of(fact: type[facts.SharingState], sharing: Sharing) -> facts.SharingState:
    what: Sequence[str] = sharing.what
    return fact(
        id=sharing.id,
        version=sharing.version,
        network_id=sharing.network_id,
        with_network_id=sharing.with_network_id,
        what=tuple(what),
        since=sharing.since,
        until=sharing.until,
    )

"""Asking for notice. What was convened before keeps the notice with which it was."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.events.notices import queries
from services.events.notices.queries import Notice
from services.events.notices.rules import NoticeRule
from services.events.notices.tables import notice_rules
from services.events.policy import Right, policy
from shared.access.actor import Actor
from shared.access.loading import network_id
from shared.runtime.problems import Stale, expect


async def ask_in_network(
    session: AsyncSession,
    actor: Actor,
    network: str,
    *,
    days: int,
    assembly_days: int | None,
    expected: int | None,
    now: datetime,
) -> Notice:
    room = await network_id(session, network)
    policy.require(actor, Right.RULE_MEETINGS, network=room, on=now)
    await _write(session, room, room, expected, days=days, assembly_days=assembly_days)
    return await queries.of_network(session, actor, str(room), now=now)


async def ask_in_body(
    session: AsyncSession, actor: Actor, body_id: UUID, *, days: int, expected: int | None, now: datetime
) -> Notice:
    """Raises UnknownBody, Forbidden."""
    body = await _ruled(session, actor, body_id, now)
    await _write(session, body_id, body.network_id, expected, days=days)
    return await queries.of_body(session, actor, body_id, now=now)


async def leave_to_network(
    session: AsyncSession, actor: Actor, body_id: UUID, *, expected: int | None, now: datetime
) -> None:
    """The body asks for nothing of its own any more. Raises UnknownBody, Forbidden."""
    await _ruled(session, actor, body_id, now)
    rule = await session.get(NoticeRule, body_id, with_for_update=True)
    expect(expected, rule.version if rule else 0)
    if rule is not None:
        await session.delete(rule)


async def _ruled(session: AsyncSession, actor: Actor, body_id: UUID, now: datetime) -> Any:
    body = await queries.body_row(session, body_id)
    where = {"network": body.network_id, "body": body.id, "territory": body.territory}
    policy.require(actor, Right.RULE_MEETINGS, on=now, **where)
    return body


async def _write(session: AsyncSession, id_: UUID, network: UUID, expected: int | None, **fields: Any) -> None:
    """The version before the first rule is 0. Two at once: one of them is told that it saw an old one."""
    if expected == 0:
        first = {"id": id_, "network_id": network, "version": 1, **fields}
        made = insert(notice_rules).values(first).on_conflict_do_nothing().returning(notice_rules.c.id)
        if (await session.execute(made)).first() is not None:
            return
    rule = await session.get(NoticeRule, id_, with_for_update=True, populate_existing=True)
    if rule is None:  # nobody's, or it was taken away between the two statements here: in no version at all
        raise Stale(0)
    expect(expected, rule.version)
    for name, value in fields.items():
        setattr(rule, name, value)
    await session.flush()

"""How a message reads, before it is sent or without its person: no link in it leads anywhere, none is ever signed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.notify.deliveries.outcomes import Claimed
from services.notify.deliveries.rules import Problem
from services.notify.deliveries.sending import Unsendable
from services.notify.deliveries.tables import deliveries
from services.notify.messages.compose import Writer
from services.notify.messages.rules import TOPICS
from services.notify.policy import Right, policy
from services.notify.previews import samples
from shared.access.actor import Actor
from shared.access.loading import network_id
from shared.access.tables import networks
from shared.runtime.clock import wall
from shared.runtime.problems import Invalid, NotFound

INERT = "preview"
"""In place of every token: each page that a link opens says that it is not good."""


@dataclass(frozen=True)
class Previewed:
    """A message in words, or why there are none (any more)."""

    topic: str
    language: str | None = None
    subject: str | None = None
    text: str | None = None
    html: str | None = None
    problem: Problem | None = None


def inert(writer: Writer) -> Writer:
    return replace(writer, mint=lambda *_, **__: INERT)


async def of_delivery(session: AsyncSession, actor: Actor, writer: Writer, id_: UUID, *, now: datetime) -> Previewed:
    """As it would be written now. Raises NotFound, also to those who may not know of it."""
    row = (await session.execute(select(deliveries).where(deliveries.c.id == id_))).one_or_none()
    if row is None or not policy.has(actor, Right.READ_DELIVERIES, network=row.network_id, on=now):
        raise NotFound
    claimed = Claimed.of(row)
    return previewed(row.topic, await inert(writer).preview(session, claimed, now))


async def of_topic(
    session: AsyncSession, actor: Actor, writer: Writer, ref: str, topic: str, language: str, *, now: datetime
) -> Previewed:
    """With sample values, in the network's name and with its logo. Raises NetworkUnknown, Forbidden, Invalid."""
    room = await network_id(session, ref)
    policy.require(actor, Right.READ_DELIVERIES, network=room, on=now)
    if topic not in TOPICS:
        raise Invalid("/topic", "unknown", "a code of the vocabulary of topics")
    network: Any = (await session.execute(select(networks).where(networks.c.id == room))).one()
    known = samples.known(topic, network, language, now)
    return previewed(topic, inert(writer).words(_sample(topic, room, now), known, wall(), now))


def _sample(topic: str, room: UUID, now: datetime) -> Claimed:
    return Claimed(
        id=samples.IT,
        network_id=room,
        person_id=samples.IT,
        channel="email",
        topic=topic,
        parameters=samples.parameters(topic, now),
        because_of=samples.IT,
        correlation=None,
        traceparent=None,
        attempts=1,
        first_try=now,
    )


def previewed(topic: str, words: Any) -> Previewed:
    if isinstance(words, Unsendable):
        return Previewed(topic, problem=words.problem)
    return Previewed(topic, words.language, words.subject.strip(), words.text, words.html)

"""Reading what people have decided: one person's for themselves, everybody's at once for what is to be told."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Row, Uuid, bindparam, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.notify.contacts.tables import contacts
from services.notify.preferences.rules import NONE, Channel, Choice, Digests, Key, Quiet, Wishes
from services.notify.preferences.tables import choices, preferences
from shared.access.actor import Actor, day
from shared.access.links import LinkInvalid
from shared.access.tables import grants, networks
from shared.runtime.problems import NotFound

MERGES = 10
"""So often a record was merged at most, of those that a link is followed through."""


@dataclass(frozen=True)
class Mine:
    """A person's wishes, with the networks that they may decide about: in which they hold something, of which they were
    told something decided before."""

    person_id: UUID
    wishes: Wishes
    networks: Mapping[UUID, Any]
    contact: Any

    @property
    def version(self) -> int:
        return self.wishes.version


async def wishes(session: AsyncSession, people: Iterable[UUID | None]) -> dict[UUID, Wishes]:
    """Of those who have decided anything; two statements for any number of people."""
    wanted = {"people": sorted({person for person in people if person})}
    if not wanted["people"]:
        return {}
    settings = (await session.execute(select(preferences).where(_among(preferences.c.person_id)), wanted)).all()
    if not settings:
        return {}
    chosen: dict[UUID, dict[Key, Choice]] = defaultdict(dict)
    for row in await session.execute(select(choices).where(_among(choices.c.person_id)), wanted):
        chosen[row.person_id][row.network_id, row.about, Channel(row.channel)] = Choice(row.choice)
    return {row.person_id: _wishes(row, chosen.get(row.person_id, {})) for row in settings}


def _among(column: Any) -> Any:
    """One parameter for any number of people."""
    return column == func.any(bindparam("people", type_=ARRAY(Uuid)))


def _wishes(row: Row[Any], chosen: Mapping[Key, Choice]) -> Wishes:
    quiet = None
    if row.quiet_days:
        quiet = Quiet(row.quiet_since, row.quiet_until, frozenset(row.quiet_days))
    return Wishes(chosen, quiet, Digests(row.digest_hour, row.digest_weekday), row.language, row.version)


async def of_person(session: AsyncSession, person_id: UUID) -> Wishes:
    return (await wishes(session, [person_id])).get(person_id, NONE)


async def mine(session: AsyncSession, actor: Actor, *, now: datetime) -> Mine:
    """Raises NotFound for a key: it is nobody, and nothing is told to it."""
    if actor.person_id is None:
        raise NotFound
    return await linked(session, actor, actor.person_id, now=now)


async def linked(session: AsyncSession, actor: Actor, person_id: UUID, *, now: datetime) -> Mine:  # noqa: ARG001
    """Whoever holds a link to them, or is them."""
    found = await of_person(session, person_id)
    contact = (await session.execute(select(contacts).where(contacts.c.person_id == person_id))).one_or_none()
    own = select(grants.c.network_id).where(
        grants.c.person_id == person_id, or_(grants.c.until.is_(None), grants.c.until > day(now))
    )
    mentioned = {network for network, _, _ in found.choices if network}
    entered = contact.network_id if contact is not None else None
    rows = await session.execute(
        select(networks.c.id, networks.c.slug, networks.c.name, networks.c.logo)
        .where(or_(networks.c.id.in_(own), networks.c.id.in_(mentioned), networks.c.id == entered))
        .order_by(networks.c.name, networks.c.id)
    )
    return Mine(person_id, found, {row.id: row for row in rows}, contact)


async def standing(session: AsyncSession, actor: Actor, person_id: UUID, *, now: datetime) -> UUID:  # noqa: ARG001
    """Whom a mail's link is about today: its person, or who stands for them since two records were made one. Raises
    LinkInvalid for who is erased or unknown."""
    for _ in range(MERGES):
        found = select(contacts.c.erased_at, contacts.c.merged_into).where(contacts.c.person_id == person_id)
        row = (await session.execute(found)).one_or_none()
        if row is None or (row.erased_at is not None and row.merged_into is None):
            break
        if row.merged_into is None:
            return person_id
        person_id = row.merged_into
    raise LinkInvalid("nobody")


async def named_network(session: AsyncSession, actor: Actor, id_: UUID | None, *, now: datetime) -> Any:  # noqa: ARG001
    """The network of a mail, for the page that its link opens."""
    if id_ is None:
        return None
    wanted = select(networks.c.id, networks.c.slug, networks.c.name, networks.c.logo).where(networks.c.id == id_)
    return (await session.execute(wanted)).one_or_none()

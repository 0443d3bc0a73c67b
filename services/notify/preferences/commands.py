"""Deciding what one is told: all of it at once, or out of one topic by a mail's own link.

What waits to be sent follows at once, in the same transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.notify.digests.commands import move
from services.notify.messages.rules import DIGEST, TOPICS
from services.notify.preferences import queries, rules
from services.notify.preferences.queries import Mine
from services.notify.preferences.rules import Channel, Choice, Digests, Key, Quiet
from services.notify.preferences.tables import choices, preferences
from shared.access.actor import Actor
from shared.access.tables import networks
from shared.runtime.problems import Invalid, NotFound, expect


@dataclass(frozen=True)
class Decided:
    """All that a person wants, in place of what they wanted before."""

    language: str | None
    quiet: Quiet | None
    digests: Digests
    choices: Sequence[tuple[Key, Choice]]


async def decide(session: AsyncSession, actor: Actor, decided: Decided, *, expected: int, now: datetime) -> Mine:
    """The caller's own. Raises NotFound for a key, Stale, TopicUnknown, TopicOwed, UnfitChoice, Invalid."""
    if actor.person_id is None:
        raise NotFound
    return await decide_for(session, actor, actor.person_id, decided, expected=expected, now=now)


async def decide_for(
    session: AsyncSession, actor: Actor, person_id: UUID, decided: Decided, *, expected: int, now: datetime
) -> Mine:
    """For whoever holds a link to their own preferences."""
    expect(expected, await _locked(session, person_id))
    await _check(session, decided.choices)
    quiet = decided.quiet
    await session.execute(
        update(preferences)
        .where(preferences.c.person_id == person_id)
        .values(
            language=decided.language,
            quiet_since=quiet and quiet.since,
            quiet_until=quiet and quiet.until,
            quiet_days=quiet and sorted(quiet.days),
            digest_hour=decided.digests.hour,
            digest_weekday=decided.digests.weekday,
            updated_at=func.now(),
            version=preferences.c.version + 1,
        )
    )
    await session.execute(delete(choices).where(choices.c.person_id == person_id))
    if decided.choices:
        await session.execute(insert(choices), [_row(person_id, key, choice) for key, choice in decided.choices])
    await move(session, [person_id], now)
    return await queries.linked(session, actor, person_id, now=now)


def _row(person_id: UUID, key: Key, choice: Choice) -> dict[str, Any]:
    network_id, about, channel = key
    return {"person_id": person_id, "network_id": network_id, "about": about, "channel": channel, "choice": choice}


async def _locked(session: AsyncSession, person_id: UUID) -> int:
    """The version of the person's decisions, which nobody else changes until the transaction ends; 0 before any."""
    await session.execute(insert(preferences).values(person_id=person_id, version=0).on_conflict_do_nothing())
    held = select(preferences.c.version).where(preferences.c.person_id == person_id).with_for_update()
    return int((await session.execute(held)).scalar_one())


async def _check(session: AsyncSession, decided: Sequence[tuple[Key, Choice]]) -> None:
    seen: set[Key] = set()
    for position, (key, choice) in enumerate(decided):
        path = f"/choices/{position}"
        rules.checked(key, choice, path)
        if key in seen:
            raise rules.UnfitChoice(path, "twice", "one choice for each network, topic and channel")
        seen.add(key)
    wanted = {network for network, _, _ in seen if network}
    known = set(await session.scalars(select(networks.c.id).where(networks.c.id.in_(wanted)))) if wanted else set()
    for position, ((network, _, _), _) in enumerate(decided):
        if network and network not in known:
            raise Invalid(f"/choices/{position}/network", "unknown", "the id of a network")


# --- by a mail's own link --------------------------------------------------------------------------------------------


async def unsubscribe(
    session: AsyncSession,
    actor: Actor,  # noqa: ARG001 (the link says who it is)
    person_id: UUID,
    topic: str,
    network_id: UUID | None,
    *,
    now: datetime,
) -> None:
    """No more mails of that topic, in that network; of a digest's, no more of what came in digests. Twice is once.
    Raises TopicUnknown, TopicOwed."""
    known = TOPICS.get(topic)
    if known is None:
        raise rules.TopicUnknown(topic, "?token")
    if known.owed:
        raise rules.TopicOwed(topic, "?token")
    await _locked(session, person_id)
    if known is DIGEST:
        changed = await _out_of_digests(session, person_id)
    else:
        changed = await _out(session, person_id, topic, network_id)
    if changed:
        await _changed(session, person_id, now)


async def resume(
    session: AsyncSession,
    actor: Actor,  # noqa: ARG001
    person_id: UUID,
    topic: str,
    network_id: UUID | None,
    *,
    now: datetime,
) -> None:
    """Takes back what `unsubscribe` did: the mails of that topic come again as they would without it."""
    await _locked(session, person_id)
    none = choices.c.network_id.is_(None) if network_id is None else choices.c.network_id == network_id
    gone = delete(choices).where(
        choices.c.person_id == person_id,
        none,
        choices.c.about == topic,
        choices.c.channel == Channel.EMAIL,
        choices.c.choice == Choice.NEVER,
    )
    if (await session.execute(gone.returning(choices.c.about))).all():
        await _changed(session, person_id, now)


async def _out(session: AsyncSession, person_id: UUID, topic: str, network_id: UUID | None) -> bool:
    own = insert(choices).values(_row(person_id, (network_id, topic, Channel.EMAIL), Choice.NEVER))
    done = own.on_conflict_do_update(
        constraint="preference_choices_once",
        set_={"choice": own.excluded.choice},
        where=choices.c.choice != Choice.NEVER,
    )
    return bool((await session.execute(done.returning(choices.c.about))).all())


async def _out_of_digests(session: AsyncSession, person_id: UUID) -> bool:
    in_digests = choices.c.choice.in_([Choice.DAILY, Choice.WEEKLY])
    done = update(choices).where(choices.c.person_id == person_id, in_digests).values(choice=Choice.NEVER)
    return bool((await session.execute(done.returning(choices.c.about))).all())


async def _changed(session: AsyncSession, person_id: UUID, now: datetime) -> None:
    newer = update(preferences).where(preferences.c.person_id == person_id)
    await session.execute(newer.values(version=preferences.c.version + 1, updated_at=func.now()))
    await move(session, [person_id], now)


# --- of two records of one person ------------------------------------------------------------------------------------

CHOICES_HANDED_ON = text("""
    insert into preference_choices (person_id, network_id, about, channel, choice)
    select :staying, network_id, about, channel, choice from preference_choices where person_id = :going
    on conflict on constraint preference_choices_once do nothing
""")
HANDED_ON = text("""
    insert into preferences
        (person_id, language, quiet_since, quiet_until, quiet_days, digest_hour, digest_weekday, version)
    select :staying, language, quiet_since, quiet_until, quiet_days, digest_hour, digest_weekday, version
    from preferences where person_id = :going
    on conflict (person_id) do update set version = preferences.version + 1, updated_at = now()
""")


async def hand_on(session: AsyncSession, going: UUID, staying: UUID) -> None:
    """What the duplicate had decided holds for the other, where the other had not decided otherwise: a way out of mails
    that somebody took stays taken."""
    asked = {"going": going, "staying": staying}
    await session.execute(HANDED_ON, asked)
    await session.execute(CHOICES_HANDED_ON, asked)
    for table in (choices, preferences):
        await session.execute(delete(table).where(table.c.person_id == going))

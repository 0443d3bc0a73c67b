"""Answering the registry's questions: what is held of a person, out of sight with them, away with them, all of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy import MetaData
from sqlalchemy.ext.asyncio import AsyncSession

from shared.contracts.registry import AccessRequested, ErasureState, PersonSought
from shared.contracts.rights import AccessAnswerState, ErasureAnswerState
from shared.messaging import Received, caused_by, stage
from shared.rights import holdings, sealing
from shared.rights import mentions as texts
from shared.rights.holdings import Held
from shared.rights.words import Phase
from shared.runtime import idempotency


@dataclass(frozen=True, slots=True)
class Hidden:
    """A person whose name nobody sees from this version of their facts on; `erased_at`: nor will anybody again."""

    person_id: UUID
    network_id: UUID | None
    generation: int
    version: int
    erased_at: datetime | None


@dataclass(frozen=True)
class Holder:
    """A service that holds something of people. `silent`: tables whose texts need not be read, because the names in
    them go by themselves."""

    service: str
    held: Sequence[Held]
    metadata: Sequence[MetaData]
    silent: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Answerer(Holder):
    """One that is asked, and its facts. `hide` writes rows without a name into its projection of people (none: it has
    no names)."""

    erasure: type[ErasureAnswerState]
    access: type[AccessAnswerState]
    hide: Callable[[AsyncSession, Sequence[Hidden]], Awaitable[None]] | None = None


async def find(session: AsyncSession, holder: Answerer, facts: Sequence[Received[PersonSought]], now: datetime) -> None:
    """The dry run: nothing is touched. When the quarantine begins, answers that were kept for repeated requests and
    hold the name go; everything else follows the erasure."""
    for received in facts:
        sought = received.fact
        if sought.phase != Phase.DRY_RUN:
            await idempotency.forget_words(session, texts.of(sought))
            continue
        found = await holdings.found(session, holder.held, sought.id)
        named = await texts.mentions(session, holder.metadata, holder.silent, texts.of(sought))
        answered = holder.erasure(
            id=sought.erasure_id,
            version=sought.asked,
            network_id=sought.network_id,
            erasure_id=sought.erasure_id,
            person_id=sought.id,
            phase=Phase.DRY_RUN,
            holdings=holdings.holdings(found, Phase.DRY_RUN),
            mentions=named.first,
            mentioned=named.count,
        )
        with caused_by(replace(received.cause, at=now)):
            await stage(session, answered)


async def answer(
    session: AsyncSession, holder: Answerer, facts: Sequence[Received[ErasureState]], now: datetime
) -> None:
    """The later phases. The name goes out of sight here and not when the person's own fact comes, so that what is
    answered is so: the projection may be behind."""
    for received in sorted(facts, key=lambda each: (each.fact.id, each.fact.version)):
        asked = received.fact
        if asked.phase not in (Phase.QUARANTINE, Phase.RELEASE, Phase.ERASE):
            continue
        phase = Phase(asked.phase)
        found = await holdings.found(session, holder.held, asked.person_id)
        if phase is not Phase.RELEASE:
            await _hide(session, holder, received, phase)
        if phase is Phase.ERASE:
            await holdings.forget(session, holder.held, asked.person_id)
        answered = holder.erasure(
            id=asked.id,
            version=asked.version,
            network_id=asked.network_id,
            erasure_id=asked.id,
            person_id=asked.person_id,
            phase=phase,
            holdings=holdings.holdings(found, phase),
        )
        with caused_by(replace(received.cause, at=now)):
            await stage(session, answered)


async def _hide(session: AsyncSession, holder: Answerer, received: Received[ErasureState], phase: Phase) -> None:
    asked = received.fact
    erased_at = received.occurred_at if phase is Phase.ERASE else None
    if holder.hide is not None:
        gone = Hidden(asked.person_id, asked.network_id, received.generation, asked.person_version, erased_at)
        await holder.hide(session, [gone])
    await idempotency.forget(session, asked.person_id)


async def give(
    session: AsyncSession, holder: Answerer, facts: Sequence[Received[AccessRequested]], now: datetime
) -> None:
    """All that is held of a person, sealed for the request alone."""
    for received in facts:
        asked = received.fact
        document = await described(session, holder, asked.person_id, now)
        parts = list(sealing.sealed(document, asked.key))
        with caused_by(replace(received.cause, at=now)):
            await stage(session, *(_part(holder, asked, parts, position) for position in range(len(parts))))


async def described(session: AsyncSession, holder: Holder, person_id: UUID, now: datetime) -> dict[str, Any]:
    """`{"service", "made_at", "items": {kind: [row, …]}}`."""
    rows = await holdings.rows(session, holder.held, person_id)
    return {"service": holder.service, "made_at": now.isoformat(), "items": rows}


def _part(holder: Answerer, asked: AccessRequested, parts: Sequence[str], position: int) -> AccessAnswerState:
    return holder.access(
        id=uuid5(asked.id, f"{holder.service} {position + 1}"),
        version=1,
        network_id=asked.network_id,
        access_id=asked.id,
        person_id=asked.person_id,
        part=position + 1,
        parts=len(parts),
        sealed=parts[position],
    )

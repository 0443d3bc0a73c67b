"""The registry asks what is held of a person: found, out of sight, away, or all of it for the person themself."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from services.mapping.rights.holdings import HOLDER
from shared import rights
from shared.contracts.registry import AccessRequested, ErasureAdvanced, ErasureOpened, PersonSought
from shared.messaging import Received, reacts


@reacts(PersonSought)
async def say_what_is_held(session: AsyncSession, facts: Sequence[Received[PersonSought]], now: datetime) -> None:
    await rights.find(session, HOLDER, facts, now)


@reacts(ErasureOpened, ErasureAdvanced)
async def follow_erasures(
    session: AsyncSession, facts: Sequence[Received[ErasureOpened | ErasureAdvanced]], now: datetime
) -> None:
    await rights.answer(session, HOLDER, facts, now)


@reacts(AccessRequested)
async def give_all_that_is_held(
    session: AsyncSession, facts: Sequence[Received[AccessRequested]], now: datetime
) -> None:
    await rights.give(session, HOLDER, facts, now)

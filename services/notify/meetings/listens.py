"""Meetings, invitations, ballots and minutes, as events tells them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Table
from sqlalchemy.ext.asyncio import AsyncSession

from services.notify.meetings.tables import ballots, invitations, meetings, minutes
from shared.access.listens import guard
from shared.contracts.events import BallotState, InvitationState, MeetingState, MinutesState
from shared.messaging import Received, newest, projects, upsert_newest

OWN = {"generation", "version", "told_at"}


@projects(MeetingState, tables=[meetings])
async def meetings_known(session: AsyncSession, facts: Sequence[Received[MeetingState]], now: datetime) -> None:  # noqa: ARG001
    await upsert_newest(session, meetings, [_row(meetings, r) for r in newest(facts)])


@projects(InvitationState, tables=[invitations])
async def invitations_known(session: AsyncSession, facts: Sequence[Received[InvitationState]], now: datetime) -> None:  # noqa: ARG001
    rows = [{**_row(invitations, r), "told_at": r.occurred_at} for r in newest(facts)]
    await upsert_newest(session, invitations, rows)


@projects(BallotState, tables=[ballots])
async def ballots_known(session: AsyncSession, facts: Sequence[Received[BallotState]], now: datetime) -> None:  # noqa: ARG001
    await upsert_newest(session, ballots, [_row(ballots, r) for r in newest(facts)])


@projects(MinutesState, tables=[minutes])
async def minutes_known(session: AsyncSession, facts: Sequence[Received[MinutesState]], now: datetime) -> None:  # noqa: ARG001
    await upsert_newest(session, minutes, [_row(minutes, r) for r in newest(facts)])


def _row(table: Table, received: Received[Any]) -> dict[str, Any]:
    kept = {column.name: getattr(received.fact, column.name) for column in table.c if column.name not in OWN}
    return {**kept, **guard(received)}

"""Reading programmes: what counts in them, how far they are, and the lock with which meetings take a place."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.events.meetings.rules import Meeting
from services.events.meetings.rules import State as MeetingState
from services.events.meetings.tables import meetings
from services.events.series import rules
from services.events.series.rules import NoSuchSeries, Placed, Series, UnknownSeries
from services.events.series.tables import series as programmes


async def lock(session: AsyncSession, series_id: UUID) -> Series:
    """The programme, its row locked until the transaction ends: one meeting after the other takes a place in it. Who
    refers to the row need not wait. Taken after the convocations of the network and the rows of meetings. Raises
    UnknownSeries."""
    query = select(Series).where(programmes.c.id == series_id).with_for_update(key_share=True)
    found = (await session.scalars(query, execution_options={"populate_existing": True})).one_or_none()
    if found is None:
        raise UnknownSeries(series_id)
    return found


async def require_fits(session: AsyncSession, meeting: Meeting, *, convening: bool = False) -> None:
    """Returns when the meeting, as it is about to be, has a place in its programme, or belongs to none. The programme's
    row stays locked. `convening`: it is about to be convened, which a draft of a programme does not allow. Raises
    NoSuchSeries, OutsideSeries."""
    if meeting.series_id is None:
        return
    with session.no_autoflush:  # the row of the programme is locked before the meeting's own is written
        try:
            series = await lock(session, meeting.series_id)
        except UnknownSeries:
            raise NoSuchSeries from None
        if series.network_id != meeting.network_id:
            raise NoSuchSeries
        others = await placed(session, series.id)
    rules.require_fits(series, others, _placed(meeting), convening=convening)


async def placed(session: AsyncSession, series_id: UUID) -> Sequence[Placed]:
    """The meetings of a programme that stand: drafts too, for they are what is planned. One statement."""
    c = meetings.c
    query = select(c.id, c.body_id, c.mode, c.day, c.level, c.call).where(
        c.series_id == series_id, c.state != MeetingState.CANCELLED
    )
    return [Placed(*row) for row in await session.execute(query)]


def _placed(meeting: Meeting) -> Placed:
    return Placed(meeting.id, meeting.body_id, meeting.mode, meeting.day, meeting.level, meeting.call)

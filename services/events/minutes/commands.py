"""Drafting, writing, submitting, returning and approving minutes. The meeting's row is locked first, then the minutes,
then the counter of their numbers: all of it in one transaction with the facts that follow, and with the PDF, so that
nothing is approved without one. Who was there is asked in `approving.py`."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, Field, StringConstraints
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.events.attendance import queries as attendance
from services.events.attendance.queries import locked
from services.events.ballots.tables import ballots
from services.events.decisions.rules import Decision
from services.events.decisions.rules import State as DecisionState
from services.events.decisions.tables import decisions
from services.events.meetings import queries as meeting_queries
from services.events.meetings.rules import Meeting
from services.events.meetings.tables import meetings
from services.events.minutes import approving, document, queries
from services.events.minutes.document import Tally
from services.events.minutes.queries import Shown
from services.events.minutes.rules import HasMinutes, Minutes, NotTheBallot, State, require_held
from services.events.minutes.tables import files, numbers
from services.events.policy import Right, policy
from shared import typesetting
from shared.access.actor import Actor, day
from shared.access.loading import network_row
from shared.contracts.events import DecisionAdopted, MinutesApproved, MinutesReturned, MinutesState, MinutesSubmitted
from shared.messaging import stage
from shared.runtime.problems import expect
from shared.runtime.shapes import Request, prose

MOST_LINES = 1_000
"""Of a text: each is a paragraph of the PDF, for which others wait while minutes are approved."""


def _within(text: str) -> str:
    if len(text.splitlines()) > MOST_LINES:
        raise ValueError(f"at most {MOST_LINES} lines")
    return text


Text = Annotated[str, StringConstraints(max_length=50_000, pattern=r"^[^\x00]*$"), AfterValidator(_within)]
Remarks = Annotated[str, prose(5_000)]
TEMPLATE = Path(__file__).with_name("templates") / "minutes.typ"
FILE = "minutes-file"
"""Due: the PDF of minutes that were approved before there were any."""


class Draft(Request):
    """`text` is what the writer adds to what is composed."""

    text: Text = ""


class Writing(Request):
    """`text` replaces what the writer had added."""

    text: Text


class Section(Request):
    """`text` is added to what is composed; `instead` of it in the sections that tell and do not count. An empty text
    takes both back."""

    text: Text = Field(examples=["Si discute dei costi; interviene la consigliera Serra."])
    instead: bool = False


class Approving(Request):
    """`ballot_id`: the motion of a later meeting by which the body approved them, where its rule asks for one."""

    ballot_id: UUID | None = None


class Returning(Request):
    remarks: Remarks = Field(examples=["Manca l'intervento del rappresentante di Ponti"])


async def draft(session: AsyncSession, actor: Actor, meeting_id: UUID, request: Draft, *, now: datetime) -> Shown:
    """Composes the minutes of a meeting that was held. Told to nobody before they are submitted."""
    meeting = await locked(session, meeting_id)
    body = await meeting_queries.body_of(session, meeting.network_id, meeting.body_id)
    policy.require(actor, Right.WRITE_MINUTES, on=now, **meeting_queries.where(meeting.network_id, body))
    require_held(meeting.state)
    before = await queries.of_meeting(session, meeting_id)
    if before is not None:
        raise HasMinutes(before.id)
    quorum = await attendance.fixed(session, meeting.id)
    assert quorum is not None  # a meeting is held by being closed
    minutes = Minutes(
        meeting.id,
        meeting.network_id,
        meeting.day,
        quorum.reached,
        quorum.counted,
        quorum.entitled,
        meeting.body_id,
        meeting.founding,
        request.text,
        drafted_by=actor.id,
        document=document.compose(await queries.material(session, meeting, body), request.text),
    )
    session.add(minutes)
    await session.flush()
    return await queries.shown(session, minutes.id)


async def write(
    session: AsyncSession, actor: Actor, minutes_id: UUID, request: Writing, *, expected: int | None, now: datetime
) -> Shown:
    minutes, _ = await _to(session, actor, minutes_id, Right.WRITE_MINUTES, expected, now)
    minutes.require("write")
    minutes.text = request.text
    await recompose(session, minutes)
    return await queries.shown(session, minutes.id)


async def edit(
    session: AsyncSession,
    actor: Actor,
    minutes_id: UUID,
    code: str,
    request: Section,
    *,
    expected: int | None,
    now: datetime,
) -> Shown:
    """What the writer adds to a section, or writes instead of it. Raises UnknownSection, NotEditable."""
    minutes, _ = await _to(session, actor, minutes_id, Right.WRITE_MINUTES, expected, now)
    minutes.edit(code, request.text, document.grounds(minutes.document).get(code, ""), instead=request.instead)
    await recompose(session, minutes)
    return await queries.shown(session, minutes.id)


async def submit(
    session: AsyncSession, actor: Actor, minutes_id: UUID, *, expected: int | None, now: datetime
) -> Shown:
    """From here on neither the minutes nor their decisions are written, unless they are returned. By the body's rule
    those who were there are asked."""
    minutes, meeting = await _to(session, actor, minutes_id, Right.WRITE_MINUTES, expected, now)
    body = await meeting_queries.body_of(session, meeting.network_id, meeting.body_id)
    rule = await queries.rule(session, body) if body is not None else None
    there = await queries.there(session, meeting.id)
    minutes.submit(actor.id, rule, len(there), now)
    await recompose(session, minutes)
    asked = await approving.ask(session, minutes, there) if minutes.asked else []
    await stage(session, state_of(MinutesSubmitted, minutes), *asked)
    return await queries.shown(session, minutes.id)


async def send_back(
    session: AsyncSession, actor: Actor, minutes_id: UUID, request: Returning, *, expected: int | None, now: datetime
) -> Shown:
    minutes, _ = await _to(session, actor, minutes_id, Right.APPROVE_MINUTES, expected, now)
    await returned(session, minutes, request.remarks)
    return await queries.shown(session, minutes.id)


async def returned(session: AsyncSession, minutes: Minutes, remarks: str) -> None:
    """Nobody is asked any more. The caller holds the locks."""
    minutes.send_back(remarks)
    await session.flush()
    tally = (await queries.shown(session, minutes.id)).tally
    withdrawn = await approving.withdraw(session, minutes)
    await stage(session, state_of(MinutesReturned, minutes, tally), *withdrawn)


async def approve(
    session: AsyncSession, actor: Actor, minutes_id: UUID, request: Approving, *, expected: int | None, now: datetime
) -> Shown:
    """Gives the number, and adopts the decisions; without a quorum they lapse, and the minutes say why. Raises
    OthersApprove, NotTheBallot when the body's rule wants otherwise."""
    minutes, meeting = await _to(session, actor, minutes_id, Right.APPROVE_MINUTES, expected, now)
    minutes.require_approver(request.ballot_id)
    if request.ballot_id is not None:
        await _require_carried_later(session, meeting, request.ballot_id)
        minutes.approved_in = request.ballot_id
    await approved(session, minutes, actor.id, Tally(), now)
    return await queries.shown(session, minutes.id)


async def approved(session: AsyncSession, minutes: Minutes, by: UUID | None, tally: Tally, now: datetime) -> None:
    """The number, the decisions and the PDF, in the caller's transaction, who holds the locks. The PDF takes some
    tenths of a second, in which other minutes of the body wait for their number."""
    taken = await _decisions(session, minutes.meeting_id)
    minutes.approve(await _number(session, minutes), by, now, day(now))
    for decision in taken:
        decision.state = DecisionState.ADOPTED if minutes.quorate else DecisionState.LAPSED
    await session.flush()
    checksum = await _file(session, minutes, tally, now)
    adopted = [_adopted(decision, minutes) for decision in taken if minutes.quorate]
    withdrawn = await approving.withdraw(session, minutes)
    await stage(session, state_of(MinutesApproved, minutes, tally, checksum), *adopted, *withdrawn)


async def _file(session: AsyncSession, minutes: Minutes, tally: Tally, now: datetime) -> str:
    """Makes and keeps the PDF; gives its checksum."""
    network = await network_row(session, str(minutes.network_id))
    on: date = minutes.approved_on or day(now)
    data = document.printed(minutes.document, network.name, queries.approved(minutes, tally) or "", on)
    content = await asyncio.to_thread(typesetting.pdf, TEMPLATE, data, on)
    checksum = typesetting.checksum(content)
    values = {"minutes_id": minutes.id, "sha256": checksum, "content": content, "made_at": now}
    await session.execute(insert(files).values(values).on_conflict_do_nothing())
    return checksum


async def make_files(session: AsyncSession, ids: Sequence[UUID], now: datetime) -> None:
    """The PDFs of minutes that were approved before there were any (kind `FILE`)."""
    for minutes_id in ids:
        minutes = await session.get(Minutes, minutes_id)
        if minutes is not None and minutes.state is State.APPROVED:
            await _file(session, minutes, Tally(), now)


async def _require_carried_later(session: AsyncSession, meeting: Meeting, ballot_id: UUID) -> None:
    """Raises NotTheBallot unless it is a motion that was carried in a later meeting of the body."""
    query = (
        select(ballots.c.outcome, meetings.c.body_id, meetings.c.starts_at)
        .join(meetings, meetings.c.id == ballots.c.meeting_id)
        .where(ballots.c.id == ballot_id, meetings.c.network_id == meeting.network_id)
    )
    row = (await session.execute(query)).one_or_none()
    if row is None or row.body_id != meeting.body_id:
        raise NotTheBallot("unknown")
    if row.starts_at <= meeting.starts_at:
        raise NotTheBallot("not_later")
    if row.outcome != "carried":
        raise NotTheBallot("not_carried")


async def recompose(session: AsyncSession, minutes: Minutes, *, forgetting: bool = False) -> None:
    """Brings the document in line with what it is composed from; its version moves with its words. The caller holds
    the meeting's lock, and has flushed. `forgetting`: a name has gone, so what was written by hand instead of a section
    in which it stood goes, too."""
    meeting = await session.get(Meeting, minutes.meeting_id)
    assert meeting is not None
    body = await meeting_queries.body_of(session, meeting.network_id, meeting.body_id)
    material = await queries.material(session, meeting, body)
    if forgetting:
        now = document.grounds(document.compose(material, ""))
        minutes.edits = {
            code: edit for code, edit in minutes.edits.items() if not edit["instead"] or edit["ground"] == now.get(code)
        }
    minutes.document = document.compose(material, minutes.text, minutes.edits)
    await session.flush()


async def _to(
    session: AsyncSession, actor: Actor, minutes_id: UUID, right: Right, expected: int | None, now: datetime
) -> tuple[Minutes, Meeting]:
    minutes, meeting, body = await queries.for_update(session, minutes_id)
    policy.require(actor, right, on=now, **queries.place(minutes, body))
    expect(expected, minutes.version)
    return minutes, meeting


async def _decisions(session: AsyncSession, meeting_id: UUID) -> Sequence[Decision]:
    query = select(Decision).where(decisions.c.meeting_id == meeting_id).order_by(decisions.c.id).with_for_update()
    return (await session.scalars(query.execution_options(populate_existing=True))).all()


async def _number(session: AsyncSession, minutes: Minutes) -> int:
    """The next number of the body and year. The counter's row stays locked until the commit, and a rollback takes the
    number back: so there are no gaps, and approvals of one body wait for each other."""
    series, year = minutes.series
    statement = insert(numbers).values(series_id=series, year=year, last=1)
    counted = statement.on_conflict_do_update(
        index_elements=["series_id", "year"], set_={"last": numbers.c.last + 1}
    ).returning(numbers.c.last)
    return int((await session.execute(counted)).scalar_one())


def state_of(
    fact: type[MinutesState], minutes: Minutes, tally: Tally | None = None, checksum: str | None = None
) -> MinutesState:
    """Figures and ids alone: the text has people's names."""
    return fact(
        id=minutes.id,
        version=minutes.version,
        network_id=minutes.network_id,
        meeting_id=minutes.meeting_id,
        body_id=minutes.body_id,
        founding=minutes.founding,
        number=minutes.label,
        state=minutes.state,
        quorate=minutes.quorate,
        present=minutes.present,
        entitled=minutes.entitled,
        held_on=minutes.held_on,
        approved_on=minutes.approved_on,
        approval=minutes.approval,
        needed=minutes.needed,
        approvals=tally.approved if tally is not None else 0,
        sha256=checksum,
        drafted_by=minutes.drafted_by,
    )


def _adopted(decision: Decision, minutes: Minutes) -> DecisionAdopted:
    return DecisionAdopted(
        id=decision.id,
        version=decision.version,
        network_id=decision.network_id,
        meeting_id=decision.meeting_id,
        minutes_id=minutes.id,
        body_id=decision.body_id,
        title=decision.title,
        kind=decision.kind,
        owner_organisation_id=decision.organisation_id,
        owner_person_id=decision.person_id,
        owner_body_id=decision.owner_body_id,
        due=decision.due,
        decided_on=minutes.held_on,
    )

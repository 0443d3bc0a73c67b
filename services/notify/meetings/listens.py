"""Meetings, invitations, ballots and minutes, as events tells them, and whom each of them concerns."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Table, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.notify.bodies.tables import bodies
from services.notify.deliveries.commands import intend
from services.notify.deliveries.rules import Delivery
from services.notify.meetings.queries import invited, invited_until
from services.notify.meetings.tables import ballots, invitations, meetings, minutes, minutes_approvals
from services.notify.messages.intents import (
    intent,
    known_or_wait,
    networks_known,
    organisations_known,
    people_known,
    people_there,
    projected,
    secretariats,
    stated,
    to_each,
)
from services.notify.messages.rules import (
    BALLOT_OPENED,
    DELEGATION_LAPSED,
    INVITATION_ADMITTED,
    INVITATION_WAITING,
    INVITATION_WITHDRAWN,
    MEETING_CANCELLED,
    MEETING_CHANGED,
    MEETING_CONVENED,
    MEETING_MOVED,
    MINUTES_APPROVED,
    MINUTES_RETURNED,
    MINUTES_SUBMITTED,
    MINUTES_TO_APPROVE,
    REPLY_REFUSED,
    Topic,
)
from shared.access.actor import day
from shared.access.listens import guard
from shared.contracts.events import (
    BallotOpened,
    BallotState,
    InvitationAdmitted,
    InvitationAnswered,
    InvitationIssued,
    InvitationLinkRequested,
    InvitationState,
    InvitationWithdrawn,
    MeetingCancelled,
    MeetingChanged,
    MeetingMoved,
    MeetingState,
    MinutesApprovalAsked,
    MinutesApprovalState,
    MinutesApproved,
    MinutesReturned,
    MinutesState,
    MinutesSubmitted,
    ReplyRefused,
)
from shared.messaging import NotYet, Received, newest, projects, reacts, upsert_newest

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
    rows = [
        {**_row(ballots, r), "options": [option.model_dump(mode="json") for option in r.fact.options]}
        for r in newest(facts)
    ]
    await upsert_newest(session, ballots, rows)


@projects(MinutesState, tables=[minutes])
async def minutes_known(session: AsyncSession, facts: Sequence[Received[MinutesState]], now: datetime) -> None:  # noqa: ARG001
    await upsert_newest(session, minutes, [_row(minutes, r) for r in newest(facts)])


@projects(MinutesApprovalState, tables=[minutes_approvals])
async def approvals_known(
    session: AsyncSession,
    facts: Sequence[Received[MinutesApprovalState]],
    now: datetime,  # noqa: ARG001
) -> None:
    await upsert_newest(session, minutes_approvals, [_row(minutes_approvals, r) for r in newest(facts)])


def _row(table: Table, received: Received[Any]) -> dict[str, Any]:
    names = (str(column.name) for column in table.c if column.name not in OWN)
    kept = {name: getattr(received.fact, name) for name in names}
    return {**kept, **guard(received)}


@reacts(InvitationIssued, InvitationLinkRequested)
async def convene(
    session: AsyncSession, facts: Sequence[Received[InvitationIssued | InvitationLinkRequested]], now: datetime
) -> None:
    """Once for each time that it is issued, or that its link has expired and a fresh one is wanted: who had been
    invited, was not any more, and is again, is told so."""
    await _meetings_of_invitations(session, facts)
    await intend(session, [_to_invited(r, MEETING_CONVENED, now) for r in facts], now)


@reacts(InvitationWithdrawn)
async def tell_who_is_not_invited(
    session: AsyncSession, facts: Sequence[Received[InvitationWithdrawn]], now: datetime
) -> None:
    """Not when the whole meeting was cancelled: that is told already."""
    states = await _meetings_of_invitations(session, facts)
    ended = [r for r in facts if states[r.fact.meeting_id] != "cancelled"]
    await intend(session, [_to_invited(r, INVITATION_WITHDRAWN, now) for r in ended], now)


@reacts(InvitationAnswered)
async def tell_whose_delegate_will_not_come(
    session: AsyncSession, facts: Sequence[Received[InvitationAnswered]], now: datetime
) -> None:
    """Only a delegation that lapses takes an answer back; what people answer themselves is no news to them."""
    lapsed = [r for r in facts if r.fact.answer is None and r.fact.state == "issued"]
    if lapsed:
        await _meetings_of_invitations(session, lapsed)
        await intend(session, [_to_invited(r, DELEGATION_LAPSED, now) for r in lapsed], now)


@reacts(InvitationAnswered)
async def tell_that_there_is_no_place_yet(
    session: AsyncSession, facts: Sequence[Received[InvitationAnswered]], now: datetime
) -> None:
    """Who says yes, and is taken into the list of those who wait."""
    waiting = [r for r in facts if r.fact.waiting and r.fact.state == "issued"]
    if waiting:
        await _meetings_of_invitations(session, waiting)
        await intend(session, [_to_invited(r, INVITATION_WAITING, now) for r in waiting], now)


@reacts(InvitationAdmitted)
async def tell_that_there_is_a_place(
    session: AsyncSession, facts: Sequence[Received[InvitationAdmitted]], now: datetime
) -> None:
    await _meetings_of_invitations(session, facts)
    await intend(session, [_to_invited(r, INVITATION_ADMITTED, now) for r in facts], now)


@reacts(ReplyRefused)
async def tell_why_it_was_not_taken(
    session: AsyncSession, facts: Sequence[Received[ReplyRefused]], now: datetime
) -> None:
    """Once for each answer that came from a calendar, with the link by which one can answer."""
    await people_known(session, {r.fact.person_id for r in facts})
    await networks_known(session, {r.fact.network_id for r in facts})
    await _meetings_there(session, {r.fact.meeting_id for r in facts})
    named = {r.fact.invitation_id for r in facts if r.fact.invitation_id}
    await known_or_wait(session, invitations, "invitation", named)
    intents = [
        intent(
            r,
            REPLY_REFUSED,
            now,
            person_id=r.fact.person_id,
            parameters={
                "meeting_id": str(r.fact.meeting_id),
                "invitation_id": str(r.fact.invitation_id) if r.fact.invitation_id else None,
                "reason": r.fact.reason,
            },
        )
        for r in facts
    ]
    await intend(session, intents, now)


@reacts(MeetingChanged)
async def tell_what_changed(session: AsyncSession, facts: Sequence[Received[MeetingChanged]], now: datetime) -> None:
    """Once for each change of the title or the agenda to each invitation; what changed again meanwhile is told by the
    later one."""
    await _ready(session, meetings, facts, {r.fact.id for r in facts})
    rows = _by_meeting(await invited(session, {r.fact.id for r in facts}))
    intents = [
        _to_invitation(r, MEETING_CHANGED, now, row, {"meeting_id": str(r.fact.id), "sequence": r.fact.sequence})
        for r in facts
        for row in rows[r.fact.id]
    ]
    await intend(session, intents, now)


@reacts(MeetingMoved)
async def tell_where_it_moved(session: AsyncSession, facts: Sequence[Received[MeetingMoved]], now: datetime) -> None:
    """Once for each move to each invitation, with what it was moved to."""
    await _ready(session, meetings, facts, {r.fact.id for r in facts})
    rows = _by_meeting(await invited(session, {r.fact.id for r in facts}))
    intents = [
        _to_invitation(r, MEETING_MOVED, now, row, {"meeting_id": str(r.fact.id), **_moved_to(r.fact)})
        for r in facts
        for row in rows[r.fact.id]
    ]
    await intend(session, intents, now)


@reacts(MeetingCancelled)
async def tell_that_it_is_cancelled(
    session: AsyncSession, facts: Sequence[Received[MeetingCancelled]], now: datetime
) -> None:
    """Also those whose invitation was withdrawn with it."""
    await _ready(session, meetings, facts, {r.fact.id for r in facts})
    rows = _by_meeting(await invited_until(session, {r.fact.id: r.occurred_at for r in facts}))
    intents = [
        _to_invitation(r, MEETING_CANCELLED, now, row, {"meeting_id": str(r.fact.id)})
        for r in facts
        for row in rows[r.fact.id]
    ]
    await intend(session, intents, now)


@reacts(BallotOpened)
async def call_to_vote(session: AsyncSession, facts: Sequence[Received[BallotOpened]], now: datetime) -> None:
    """Each invitation votes for itself: who holds two gets two messages, each with its own link. Of a ballot that is in
    no meeting each voter is called by a fact of their own."""
    met = {r.fact.id: r.fact.meeting_id for r in facts if r.fact.meeting_id is not None}
    if not met:
        return
    await _ready(session, ballots, [r for r in facts if r.fact.id in met], set(met.values()))
    rows = _by_meeting(await invited(session, set(met.values())))
    intents = [
        _to_invitation(r, BALLOT_OPENED, now, row, {"ballot_id": str(r.fact.id), "meeting_id": str(r.fact.meeting_id)})
        for r in facts
        if r.fact.id in met
        for row in rows[met[r.fact.id]]
    ]
    await intend(session, intents, now)


@reacts(MinutesSubmitted)
async def ask_for_approval(session: AsyncSession, facts: Sequence[Received[MinutesSubmitted]], now: datetime) -> None:
    """Where those who were there say whether they are right, each of them is asked by a fact of their own."""
    others = [r for r in facts if r.fact.approval != "attendees"]
    if others:
        await _tell_of_minutes(session, others, MINUTES_SUBMITTED, now)


@reacts(MinutesApprovalAsked)
async def ask_who_was_there(
    session: AsyncSession, facts: Sequence[Received[MinutesApprovalAsked]], now: datetime
) -> None:
    """Each person once for each time that they are asked."""
    await people_known(session, {r.fact.person_id for r in facts})
    await known_or_wait(session, minutes, "minutes", {r.fact.minutes_id for r in facts})
    await _ready(session, minutes_approvals, facts, {r.fact.meeting_id for r in facts})
    intents = [
        intent(
            r,
            MINUTES_TO_APPROVE,
            now,
            person_id=r.fact.person_id,
            parameters={
                "approval_id": str(r.fact.id),
                "minutes_id": str(r.fact.minutes_id),
                "meeting_id": str(r.fact.meeting_id),
            },
            instant=stated(r),
        )
        for r in facts
    ]
    await intend(session, intents, now)


@reacts(MinutesReturned)
async def tell_the_writer(session: AsyncSession, facts: Sequence[Received[MinutesReturned]], now: datetime) -> None:
    """Who writes them; where nobody is named (a partner's key drafted them), the secretariat."""
    await _ready(session, minutes, facts, {r.fact.meeting_id for r in facts})
    writers = await people_there(session, {r.fact.drafted_by for r in facts})
    people = await secretariats(session, {r.fact.network_id for r in facts}, day(now))
    await people_known(session, {person for each in people.values() for person in each})
    intents = [
        delivery
        for r in facts
        for delivery in to_each(
            r,
            MINUTES_RETURNED,
            now,
            [person for person in (r.fact.drafted_by,) if person and person in writers] or people[r.fact.network_id],
            {"minutes_id": str(r.fact.id), "meeting_id": str(r.fact.meeting_id)},
            instant=stated(r),
        )
    ]
    await intend(session, intents, now)


@reacts(MinutesApproved)
async def tell_what_stands(session: AsyncSession, facts: Sequence[Received[MinutesApproved]], now: datetime) -> None:
    await _tell_of_minutes(session, facts, MINUTES_APPROVED, now)


async def _tell_of_minutes(session: AsyncSession, facts: Sequence[Received[Any]], topic: Topic, now: datetime) -> None:
    """Each person once, however many invitations they held: there is nothing to do for each of them."""
    await _ready(session, minutes, facts, {r.fact.meeting_id for r in facts})
    rows = _by_meeting(await invited(session, {r.fact.meeting_id for r in facts}))
    intents = [
        intent(
            r,
            topic,
            now,
            person_id=person,
            parameters={"minutes_id": str(r.fact.id), "meeting_id": str(r.fact.meeting_id)},
            instant=stated(r),
        )
        for r in facts
        for person in sorted({row.person_id for row in rows[r.fact.meeting_id]})
    ]
    await intend(session, intents, now)


def _to_invited(received: Received[Any], topic: Topic, now: datetime) -> Delivery:
    """To the person whom the fact itself names."""
    fact: InvitationState = received.fact
    parameters = {"invitation_id": str(fact.id), "meeting_id": str(fact.meeting_id)}
    return intent(received, topic, now, person_id=fact.person_id, parameters=parameters, instant=stated(received))


def _to_invitation(
    received: Received[Any], topic: Topic, now: datetime, row: Row[Any], parameters: dict[str, Any]
) -> Delivery:
    """To the person of one of the meeting's invitations, once for each of them and each statement."""
    return intent(
        received,
        topic,
        now,
        person_id=row.person_id,
        parameters={"invitation_id": str(row.id), **parameters},
        instant=f"{stated(received)}/{row.id}",
    )


def _moved_to(meeting: MeetingState) -> dict[str, Any]:
    return {
        "starts_at": meeting.starts_at.isoformat(),
        "ends_at": meeting.ends_at.isoformat(),
        "mode": meeting.mode,
        "place": meeting.place,
    }


async def _meetings_of_invitations(
    session: AsyncSession, facts: Sequence[Received[InvitationState]]
) -> dict[UUID, str]:
    """The state of each invitation's meeting, once everything that the message names is here."""
    await people_known(session, {r.fact.person_id for r in facts})
    await organisations_known(session, {r.fact.organisation_id for r in facts})
    return await _ready(session, invitations, facts, {r.fact.meeting_id for r in facts})


async def _ready(
    session: AsyncSession, table: Table, facts: Sequence[Received[Any]], wanted: set[UUID]
) -> dict[UUID, str]:
    """The states of these meetings, once they, their bodies, their network and the facts themselves are here."""
    await projected(session, table, facts)
    await networks_known(session, {r.fact.network_id for r in facts})
    return await _meetings_there(session, wanted)


async def _meetings_there(session: AsyncSession, wanted: set[UUID]) -> dict[UUID, str]:
    """Their states, once they and their bodies are here."""
    found = await session.execute(
        select(meetings.c.id, meetings.c.state, meetings.c.body_id, bodies.c.id.label("known"))
        .outerjoin(bodies, bodies.c.id == meetings.c.body_id)
        .where(meetings.c.id.in_(wanted))
    )
    states = {}
    for row in found:
        if row.body_id and not row.known:
            raise NotYet(f"body {row.body_id}")
        states[row.id] = row.state
    if wanted - states.keys():
        raise NotYet(f"meeting {min(wanted - states.keys())}")
    return states


def _by_meeting(rows: Iterable[Row[Any]]) -> dict[UUID, list[Row[Any]]]:
    """Raises NotYet while somebody invited is not known here."""
    found: dict[UUID, list[Row[Any]]] = defaultdict(list)
    for row in rows:
        if not row.known:
            raise NotYet(f"person {row.person_id}")
        found[row.meeting_id].append(row)
    return found

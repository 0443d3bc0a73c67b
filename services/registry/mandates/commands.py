"""What may be done with mandates. One function per command: load and lock, check the right, call the rule, tell.

Locks are taken in one order, so that commands wait for each other and never deadlock: the office, the person, the
membership, the body and the seat, the mandates, the lists of grants.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import date, datetime, time
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.registry.bodies import queries as bodies
from services.registry.bodies.rules import place
from services.registry.constitutions.queries import look_again
from services.registry.grants import commands as grants
from services.registry.mandates import queries, rules
from services.registry.mandates.queries import Named
from services.registry.mandates.rules import EndReason, Mandate, OfficeTaken, State
from services.registry.networks import queries as networks
from services.registry.pacts.queries import look_at_makers
from services.registry.policy import Right, policy
from shared.access.actor import ROME, Actor, day
from shared.access.roles import Role
from shared.contracts.registry import (
    MandateChanged,
    MandateDesignated,
    MandateEnded,
    MandateExtended,
    MandateHeldOver,
    MandateStarted,
    MandateState,
)
from shared.messaging import stage
from shared.runtime.due import schedule_many
from shared.runtime.problems import expect
from shared.runtime.shapes import Request

DUE = "mandate"
"""The kind of due row that waits for a mandate's next turn."""

FACT_OF: dict[State, type[MandateState]] = {
    State.IN_OFFICE: MandateStarted,
    State.HOLDING_OVER: MandateHeldOver,
    State.ENDED: MandateEnded,
}


class Succession(Request):
    """Who enters, from which day, until which (exclusive); with `holds_over` they act on until a successor enters."""

    person_id: UUID
    since: date
    until: date | None = None
    holds_over: bool = False


class Designation(Succession):
    """A succession to an office: a role, for an organisation, in a territory (a code; none: the whole network), or in
    a body of it. Of a body with seats the seat is named, which says the body; where each member has one, the body and
    the organisation are enough."""

    role: Role
    organisation_id: UUID | None = None
    territory: str | None = None
    body_id: UUID | None = None
    seat_id: UUID | None = None


class Extension(Request):
    """The new end of the term (exclusive); null: open."""

    until: date | None


class Ending(Request):
    """The first day without the mandate (today if not said), and why."""

    reason: EndReason
    on: date | None = None


async def designate(session: AsyncSession, actor: Actor, ref: str, request: Designation, *, now: datetime) -> Named:
    """Raises UnknownTerritory, UnknownPerson, NotAMember, and what the rules of mandates and of places raise."""
    network_id = await networks.id_of(session, ref)
    mandate = Mandate(
        network_id,
        request.person_id,
        request.role,
        request.since,
        request.until,
        request.organisation_id,
        queries.territory_of(request.territory),
        request.holds_over,
        body_id=request.body_id,
        seat_id=request.seat_id,
    )
    may_write(actor, mandate, now)
    return await enter(session, actor, mandate, now)


async def enter(session: AsyncSession, actor: Actor, mandate: Mandate, now: datetime) -> Named:
    """Takes the mandate in, if nothing stands in its way; the right to give it is the caller's to check."""
    if mandate.body_id is not None or mandate.seat_id is not None:
        mandate.body_id, mandate.seat_id, owner = await bodies.seat_for(session, mandate)
        mandate.organisation_id = mandate.organisation_id or owner
    await queries.lock_office(session, mandate.office, mandate.person_id)
    await queries.lock_parties(session, actor, mandate, now)
    await placed(session, mandate)
    others = await queries.of_office(session, mandate.office, mandate.person_id)
    async with naming_the_holder(session):
        rules.designate(mandate, others)
    session.add(mandate)
    await session.flush()
    await tell(session, now, (MandateDesignated, mandate))
    return await queries.named(session, mandate)


async def placed(session: AsyncSession, mandate: Mandate) -> None:
    """A mandate in a body goes with the body and its seat, which stay as they are until the transaction ends."""
    if mandate.body_id is not None:
        place(mandate, *await bodies.place_of(session, mandate))


@asynccontextmanager
async def naming_the_holder(session: AsyncSession) -> AsyncIterator[None]:
    """Who is refused an office is told who holds it: the rule knows the mandate, the name stands with the person."""
    try:
        yield
    except OfficeTaken as taken:
        taken.holder_name = await queries.person_name(session, taken.holder.person_id)
        raise


async def replace(
    session: AsyncSession, actor: Actor, mandate_id: UUID, request: Succession, *, expected: int | None, now: datetime
) -> Named:
    """Ends the mandate on the day on which the new one begins, in one transaction; returns the new one."""
    old = await queries.with_office_locked(session, mandate_id, request.person_id)
    may_write(actor, old, now)
    new = Mandate(
        old.network_id,
        request.person_id,
        old.role,
        request.since,
        request.until,
        old.organisation_id,
        old.territory,
        request.holds_over,
        body_id=old.body_id,
        seat_id=old.seat_id,
    )
    await queries.lock_parties(session, actor, new, now)
    await placed(session, new)
    others = await queries.of_office(session, old.office, old.person_id, new.person_id)
    expect(expected, old.version)
    async with naming_the_holder(session):
        rules.replace(old, new, others, day(now))
    fact = ended(old, now)
    await session.flush()  # first the end of the old: the database too allows no day with two holders
    session.add(new)
    await session.flush()
    await tell(session, now, (fact, old), (MandateDesignated, new))
    return await queries.named(session, new)


async def accept(
    session: AsyncSession, actor: Actor, mandate_id: UUID, *, expected: int | None, now: datetime
) -> Named:
    """The person's own act; or the secretariat's, which records that it was told."""
    mandate = await queries.for_update(session, mandate_id)
    if actor.person_id != mandate.person_id:
        may_write(actor, mandate, now)
    expect(expected, mandate.version)
    mandate.accept(day(now))
    await session.flush()
    await tell(session, now, (MandateChanged, mandate))
    return await queries.named(session, mandate)


async def extend(
    session: AsyncSession, actor: Actor, mandate_id: UUID, request: Extension, *, expected: int | None, now: datetime
) -> Named:
    mandate = await queries.for_update(session, mandate_id)
    may_write(actor, mandate, now)
    expect(expected, mandate.version)
    others = await queries.of_office(session, mandate.office, mandate.person_id)
    async with naming_the_holder(session):
        mandate.extend(request.until, day(now), others)
    await session.flush()
    await tell(session, now, (MandateExtended, mandate))
    return await queries.named(session, mandate)


async def hold_over(
    session: AsyncSession, actor: Actor, mandate_id: UUID, *, expected: int | None, now: datetime
) -> Named:
    mandate = await queries.for_update(session, mandate_id)
    may_write(actor, mandate, now)
    expect(expected, mandate.version)
    others = await queries.of_office(session, mandate.office, mandate.person_id)
    async with naming_the_holder(session):
        mandate.hold_over(day(now), others)
    await session.flush()
    await tell(session, now, (MandateChanged, mandate))
    return await queries.named(session, mandate)


async def end(
    session: AsyncSession, actor: Actor, mandate_id: UUID, request: Ending, *, expected: int | None, now: datetime
) -> Named:
    mandate = await queries.for_update(session, mandate_id)
    may_write(actor, mandate, now)
    expect(expected, mandate.version)
    mandate.end(request.on or day(now), request.reason, day(now))
    fact = ended(mandate, now)
    await session.flush()
    await tell(session, now, (fact, mandate))
    return await queries.named(session, mandate)


async def end_with_membership(
    session: AsyncSession, network_id: UUID, organisation_id: UUID, on: date, *, now: datetime
) -> None:
    """Part of a withdrawal: from the day on which an organisation leaves, nobody acts for it any longer."""
    held = await queries.of_member(session, network_id, organisation_id, on)
    await end_all(session, held, on, EndReason.ORGANISATION_LEFT, now=now)


async def end_all(
    session: AsyncSession, held: Sequence[Mandate], on: date, reason: EndReason, *, now: datetime
) -> None:
    """Ends these mandates, locked, which all last beyond that day, because what they were held for is no more."""
    told = []
    for mandate in held:
        begun = mandate.state(day(now)) is not State.DESIGNATED
        mandate.end(max(on, mandate.since) if begun else on, reason, day(now))
        told.append((ended(mandate, now), mandate))
    if told:
        await queries.write(session, held)
        await tell(session, now, *told)


async def turn(session: AsyncSession, ids: Sequence[UUID], now: datetime) -> None:
    """The due table's call: time has come for these mandates to start, to be held over or to end.

    A mandate that several turns passed by (the service was down) tells them one after the other, a transaction each.
    """
    found = await queries.unlocked_for_update(session, ids)
    turned = [(mandate, turn) for mandate in found if (turn := mandate.next_turn()) and turn[0] <= day(now)]
    for mandate, (_, state) in turned:
        mandate.told = state
    await queries.write(session, [mandate for mandate, _ in turned])
    await stage(session, *(state_of(FACT_OF[mandate.told], mandate) for mandate, _ in turned))
    await wait_for_turns(session, found)
    await look_again(session, [(mandate.network_id, mandate.territory, on) for mandate, (on, _) in turned], now)
    await _look_at_makers(session, [mandate for mandate, _ in turned], now)
    busy = set(ids) - {mandate.id for mandate in found}  # a command holds them: it may be about to change their days
    await schedule_many(session, DUE, [(id_, now) for id_ in busy])


async def tell(session: AsyncSession, now: datetime, *told: tuple[type[MandateState], Mandate]) -> None:
    """What follows from a change of mandates: their facts, their next turn in the due table, their holders' grants, and
    another look at the coordinations that they may bring about."""
    mandates = [mandate for _, mandate in told]
    await stage(session, *(state_of(fact, mandate) for fact, mandate in told))
    await wait_for_turns(session, mandates)
    await grants.follow(session, {mandate.person_id for mandate in mandates}, now)
    await look_again(session, [(mandate.network_id, mandate.territory, day(now)) for mandate in mandates], now)
    await _look_at_makers(session, mandates, now)


async def _look_at_makers(session: AsyncSession, mandates: Sequence[Mandate], now: datetime) -> None:
    """A group is covered by its community makers, and pacts are followed by those of who promotes them."""
    makers = [mandate for mandate in mandates if mandate.role is Role.COMMUNITY_MAKER]
    await look_at_makers(session, [(mandate.body_id, mandate.organisation_id) for mandate in makers], now)
    await bodies.look_at_cover(session, [mandate.body_id for mandate in makers if mandate.body_id], now)


async def wait_for_turns(session: AsyncSession, mandates: Sequence[Mandate]) -> None:
    """A row for each next turn. One that has none left keeps its row if it has one: it finds nothing to tell."""
    turns = [(mandate.id, turn[0]) for mandate in mandates if (turn := mandate.next_turn())]
    await schedule_many(session, DUE, [(id_, datetime.combine(on, time(), ROME)) for id_, on in turns])


def ended(mandate: Mandate, now: datetime) -> type[MandateState]:
    """The fact that tells a decided end: ended at once, or a change that says when."""
    if mandate.state(day(now)) is not State.ENDED:
        return MandateChanged
    mandate.told = State.ENDED
    return MandateEnded


def may_write(actor: Actor, mandate: Mandate, now: datetime) -> None:
    policy.require(
        actor,
        Right.WRITE_MANDATES,
        network=mandate.network_id,
        organisation=mandate.organisation_id,
        body=mandate.body_id,
        territory=mandate.territory,
        on=now,
    )


def state_of(fact: type[MandateState], mandate: Mandate) -> MandateState:
    return fact(
        id=mandate.id,
        version=mandate.version,
        network_id=mandate.network_id,
        person_id=mandate.person_id,
        organisation_id=mandate.organisation_id,
        role=mandate.role,
        territory=mandate.territory,
        body_id=mandate.body_id,
        seat_id=mandate.seat_id,
        since=mandate.since,
        until=mandate.until,
        holds_over=mandate.holds_over,
        ended_on=mandate.ended_on,
        state=mandate.told,
    )

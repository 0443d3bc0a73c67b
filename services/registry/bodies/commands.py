"""What may be done with bodies and seats.

Locks are taken in this order: the members of the network (`lock_members`), the body, its seats, then those of mandates.
A transaction that begins or ends a membership shares the members; one that makes or dissolves a body has them for
itself, so that no membership slips by: either it sees the body, or the body sees it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import date, datetime
from typing import Annotated, Any, TypeVar
from uuid import UUID

from pydantic import ConfigDict, Field, StringConstraints
from sqlalchemy import Row, func, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.registry.bodies import queries, rules
from services.registry.bodies.queries import Placed, Shown
from services.registry.bodies.rules import (
    DEFAULTS,
    Body,
    ByItsPath,
    Composition,
    HasParts,
    InvalidBody,
    InvalidPlace,
    Kind,
    NotByHand,
    NotOpen,
    NotThere,
    Quorum,
    Seat,
    State,
)
from services.registry.bodies.tables import bodies, seats
from services.registry.goals import commands as goals
from services.registry.interlocutors import commands as interlocutors
from services.registry.mandates import commands as mandates
from services.registry.mandates import queries as mandate_queries
from services.registry.mandates.queries import Named
from services.registry.mandates.rules import EndReason, Mandate
from services.registry.networks import queries as networks
from services.registry.organisations.tables import memberships
from services.registry.policy import Right, policy
from shared.access.actor import EARLIEST, Actor, day
from shared.access.policy import Forbidden
from shared.access.roles import Role
from shared.contracts import registry as facts
from shared.messaging import stage
from shared.runtime.due import schedule_many
from shared.runtime.problems import NotFound, expect
from shared.runtime.shapes import Request

T = TypeVar("T")
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


class QuorumEntry(Request):
    """`numerator`/`denominator` of those entitled, or more than that with `exceeded`, and never fewer than `at_least`:
    half of them plus one is 1/2 exceeded; however many come is 0/1, not exceeded, at least 1."""

    numerator: int = 1
    denominator: int = 2
    exceeded: bool = True
    at_least: int = 1

    def quorum(self) -> Quorum:
        return Quorum(self.numerator, self.denominator, self.exceeded, self.at_least)


class SeatEntry(Request):
    """A named seat, for whoever the network designates, or for one organisation's people; from today if not said."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={"examples": [{"title": "Portavoce", "role": "representative", "since": "2026-01-31"}]},
    )

    title: Name
    role: Role
    organisation_id: UUID | None = None
    since: date | None = None


class Establishment(Request):
    """A body. What is not said follows from its kind: composition, roles, quorum, proxies, and whether it is forming
    (a regional coordination) or constituted on the day given (today)."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={
            "examples": [
                {"name": "Comitato esecutivo nazionale", "kind": "executive_committee"},
                {
                    "name": "Gruppo di lavoro sulla comunicazione",
                    "kind": "working_group",
                    "composition": "fixed",
                    "seats": [{"title": "Portavoce", "role": "representative"}],
                },
            ]
        },
    )

    name: Name
    kind: Kind
    territory: str | None = Field(default=None, max_length=4, examples=["03"])
    parent_id: UUID | None = None
    composition: Composition | None = None
    roles: tuple[Role, ...] | None = Field(default=None, max_length=len(Role))
    seats: tuple[SeatEntry, ...] = Field(default=(), max_length=200, description="Of a `fixed` body")
    first_call: QuorumEntry | None = None
    second_call: QuorumEntry | None = Field(default=None, description="null: its meetings have one call only")
    proxies: int | None = Field(default=None, description="How many absent members one member may stand for")
    forming: bool | None = None
    constituted_on: date | None = Field(default=None, description="Not after today; today if not said")
    needed_role: Role | None = Field(
        default=None, description="Of a group: without anybody in office in this role (community_maker) it is uncovered"
    )


class BodyChange(Request):
    """Fields that are left out stay as they are. Kind, composition and territory make a body what it is: they stay."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={
            "examples": [
                {
                    "name": "Comitato esecutivo nazionale",
                    "first_call": {"numerator": 2, "denominator": 3, "exceeded": False, "at_least": 3},
                    "second_call": None,
                }
            ]
        },
    )

    name: Name | None = None
    parent_id: UUID | None = None
    roles: tuple[Role, ...] | None = Field(default=None, max_length=len(Role))
    first_call: QuorumEntry | None = None
    second_call: QuorumEntry | None = None
    proxies: int | None = None
    needed_role: Role | None = None


class Day(Request):
    """The day from which it holds; today if not said."""

    on: date | None = None


class Joining(Request):
    """For which organisation the person joins, if for one: one of those for which they hold a mandate."""

    organisation_id: UUID | None = None


async def establish(session: AsyncSession, actor: Actor, ref: str, request: Establishment, *, now: datetime) -> Shown:
    network_id = await networks.id_of(session, ref)
    policy.require(actor, Right.WRITE_BODIES, network=network_id, on=now)
    body = await made(session, network_id, request, now)
    return await queries.shown(session, body, now)


async def made(session: AsyncSession, network_id: UUID, request: Establishment, now: datetime) -> Body:
    """A new body with its seats; the right to make it is the caller's to check. Raises InvalidBody,
    UnknownTerritory; the index `bodies_one_coordination` refuses a second coordination of a territory."""
    await lock_members(session, network_id)
    members = await queries.active_members(session, network_id)
    body = _body(network_id, request, members, day(now))
    body.need(request.needed_role, body.constituted_on or day(now))
    rules.check(body)
    rules.check_proxies(body, members)
    if body.parent_id is not None:
        await _check_parent(session, body, body.parent_id)
    begins = body.constituted_on or day(now)
    named = await _named_seats(session, body, request.seats, begins)
    session.add(body)
    await session.flush()
    await stage(session, state_of(facts.BodyEstablished, body))
    if body.composition is Composition.ONE_PER_MEMBER:
        everybody = {"network": network_id, "body": body.id, "on": begins, "role": body.roles[0]}
        named = _as_seats(network_id, (await session.execute(EVERY_MEMBER, everybody)).all())
    await _create(session, named)
    if body.kind is Kind.REGIONAL_COORDINATION and body.territory is not None:
        await interlocutors.follow(session, network_id, body.territory)
    if body.constituted_on is not None:
        await goals.advance(session, body, now)
    if body.needed_role is not None:
        await queries.look_at_cover(session, [body.id], now)
    return body


def _body(network_id: UUID, request: Establishment, members: int, today: date) -> Body:
    usual = DEFAULTS[request.kind]
    composition = request.composition or usual.composition
    roles = rules.roles_by_default(request.kind, composition) if request.roles is None else request.roles
    proxies = rules.proxies_by_default(request.kind, members) if request.proxies is None else request.proxies
    second = request.second_call.quorum() if request.second_call else None
    body = Body(
        network_id,
        request.name,
        request.kind,
        composition,
        _distinct(roles),
        territory=mandate_queries.territory_of(request.territory),
        parent_id=request.parent_id,
        first_call=request.first_call.quorum() if request.first_call else usual.first_call,
        second_call=second if "second_call" in request.model_fields_set else usual.second_call,
        proxies=proxies,
    )
    forming = request.forming if request.forming is not None else usual.forming and request.constituted_on is None
    if request.constituted_on is not None and (forming or request.constituted_on > today):
        raise InvalidBody("constituted_on", "not_allowed" if forming else "too_late", f"up to {today}")
    if not forming:
        body.constitute(request.constituted_on or today)
    return body


def _distinct(roles: Iterable[Role]) -> list[str]:
    return list(dict.fromkeys(str(role) for role in roles))


async def change(
    session: AsyncSession, actor: Actor, body_id: UUID, *, expected: int | None, now: datetime, **given: Any
) -> Shown:
    """Takes the fields given. Raises InvalidBody, BodyDissolved."""
    if given.get("parent_id") is not None:
        await _lock_tree(session, await _network_of(session, body_id))
    body = await queries.writable(session, actor, body_id, Right.WRITE_BODIES, now)
    expect(expected, body.version)
    values = dict(given)
    for call in ("first_call", "second_call"):
        if values.get(call) is not None:
            values[call] = Quorum(**values[call])
    if values.get("roles") is not None:
        values["roles"] = _distinct(values["roles"])
    for name in ("name", "first_call", "proxies", "roles"):
        if name in values and values[name] is None:
            raise InvalidBody(name, "missing", "a value, or nothing at all")
    if values.get("parent_id") is not None:
        await _check_parent(session, body, values["parent_id"])
    if body.change(values, await queries.active_members(session, body.network_id), day(now)):
        await session.flush()
        await stage(session, state_of(facts.BodyChanged, body))
        if body.needed_role is not None:
            await queries.look_at_cover(session, [body.id], now)
    return await queries.shown(session, body, now)


async def constitute_by_hand(
    session: AsyncSession, actor: Actor, body_id: UUID, on: date | None, *, expected: int | None, now: datetime
) -> Shown:
    """A forming body acts from today or from an earlier day on. Raises ByItsPath, ConstitutedAlready, InvalidBody."""
    body = await queries.writable(session, actor, body_id, Right.WRITE_BODIES, now)
    expect(expected, body.version)
    if body.kind is Kind.REGIONAL_COORDINATION:
        raise ByItsPath
    if on is not None and not EARLIEST <= on <= day(now):
        raise InvalidBody("on", "range", f"{EARLIEST} to {day(now)}")
    await constitute(session, body, on or day(now))
    await goals.advance(session, body, now)
    return await queries.shown(session, body, now)


async def constitute(session: AsyncSession, body: Body, on: date) -> None:
    """The body, locked by the caller, acts from that day on, and this is told. Raises ConstitutedAlready."""
    body.constitute(on)
    await session.flush()
    await stage(session, state_of(facts.BodyConstituted, body))


async def dissolve(session: AsyncSession, actor: Actor, body_id: UUID, *, expected: int | None, now: datetime) -> Shown:
    """From today on the body is no more: its seats close and the mandates in it end. Raises BodyDissolved, HasParts."""
    await lock_members(session, await _network_of(session, body_id))
    body = await queries.writable(session, actor, body_id, Right.WRITE_BODIES, now)
    expect(expected, body.version)
    today = day(now)
    body.dissolve(today)
    parts = select(bodies.c.name).where(bodies.c.parent_id == body.id, bodies.c.state != State.DISSOLVED)
    if names := (await session.execute(parts.order_by(bodies.c.name).limit(10))).scalars().all():
        raise HasParts(names)
    await session.flush()
    await stage(session, state_of(facts.BodyDissolved, body))
    closing = update(seats).where(seats.c.body_id == body.id, (seats.c.until.is_(None)) | (seats.c.until > today))
    closing = closing.values(until=func.greatest(seats.c.since, today), version=seats.c.version + 1)
    closed = (await session.execute(closing.returning(*seats.c))).all()
    for some in _in_turn(closed):
        await stage(session, *(seat_fact(facts.SeatClosed, row) for row in some))
    held = await mandate_queries.lasting(session, today, body=body.id)
    await mandates.end_all(session, held, today, EndReason.BODY_DISSOLVED, now=now)
    return await queries.shown(session, body, now)


async def follow_cover(session: AsyncSession, ids: Sequence[UUID], now: datetime) -> None:
    """The due table's call: tells which bodies nobody covers any more, and which somebody covers again. What a body is
    follows from the mandates as they stand, so looking twice tells once."""
    found, busy = await queries.covers_to_see(session, ids)
    terms = await queries.terms_of(session, found)
    turned = [body for body in found if body.cover(terms[body.id], day(now))]
    await session.flush()
    await stage(
        session,
        *(state_of(facts.BodyUncovered if body.uncovered_since else facts.BodyCovered, body) for body in turned),
    )
    await schedule_many(session, queries.COVER, [(id_, now) for id_ in busy])


# --- seats -----------------------------------------------------------------------------------------------------------


async def add_seat(session: AsyncSession, actor: Actor, body_id: UUID, request: SeatEntry, *, now: datetime) -> Placed:
    """One more named seat. Raises NotByHand, BodyDissolved, InvalidBody."""
    body = await queries.writable(session, actor, body_id, Right.WRITE_BODIES, now)
    (seat,) = await _named_seats(session, body, [request], day(now), path="")
    await _create(session, [seat])
    return await queries.placed(session, seat, now)


async def close_seat(
    session: AsyncSession, actor: Actor, seat_id: UUID, on: date | None, *, expected: int | None, now: datetime
) -> Placed:
    """The seat is there no longer from today or the day given, and nobody holds it any longer. Raises NotByHand,
    SeatClosed, InvalidBody."""
    known = await queries.seat(session, actor, seat_id, now=now)
    policy.require(actor, Right.WRITE_BODIES, network=known.body.network_id, body=known.body.id, on=now)
    if known.body.composition is not Composition.FIXED:
        raise NotByHand(known.body.composition)
    seat = await queries.seat_for_update(session, seat_id)
    expect(expected, seat.version)
    last = on or day(now)
    seat.close(last)
    await session.flush()
    await stage(session, seat_fact(facts.SeatClosed, seat))
    held = await mandate_queries.lasting(session, last, seat=seat.id)
    await mandates.end_all(session, held, last, EndReason.SEAT_CLOSED, now=now)
    return await queries.placed(session, seat, now)


async def _named_seats(
    session: AsyncSession, body: Body, entries: Sequence[SeatEntry], begins: date, path: str | None = None
) -> list[Seat]:
    """Raises NotByHand, InvalidBody."""
    made = []
    for number, entry in enumerate(entries):
        where = f"seats/{number}/" if path is None else path
        seat = Seat(body.id, body.network_id, entry.title, entry.role, entry.since or begins, entry.organisation_id)
        made.append(rules.check_seat(body, seat, where))
    wanted = {seat.organisation_id for seat in made if seat.organisation_id is not None}
    known = select(memberships.c.organisation_id).where(
        memberships.c.network_id == body.network_id,
        memberships.c.organisation_id.in_(wanted),
        memberships.c.state.in_(mandate_queries.MEMBERS),
    )
    members = set((await session.execute(known)).scalars()) if wanted else set()
    for number, seat in enumerate(made):
        if seat.organisation_id is not None and seat.organisation_id not in members:
            where = f"seats/{number}/" if path is None else path
            raise InvalidBody(f"{where}organisation_id", "unknown", "a member of the network")
    return made


async def _create(session: AsyncSession, new: Sequence[Seat]) -> None:
    """Set-based: a network's assembly has a seat for each of its thousands of members."""
    columns = [column.name for column in seats.c]
    for seat in new:
        seat.version = 1
    for some in _in_turn(new):
        await session.execute(insert(seats), [{name: getattr(seat, name) for name in columns} for seat in some])
        await stage(session, *(seat_fact(facts.SeatCreated, seat) for seat in some))


def _in_turn(many: Sequence[T]) -> Iterator[Sequence[T]]:
    """A thousand at a time: other requests are answered in between."""
    return (many[first : first + 1_000] for first in range(0, len(many), 1_000))


# --- members who come and go -----------------------------------------------------------------------------------------

EVERY_MEMBER = text(
    """select cast(:body as uuid) as body_id, o.title, :role as role, greatest(m.since, cast(:on as date)) as since,
    o.id as organisation_id
    from memberships m join organisations o on o.id = m.organisation_id
    where m.network_id = :network and m.state = 'active' order by o.id"""
)
WITHOUT_SEAT = text(
    """select b.id as body_id, o.title, b.roles[1] as role, greatest(cast(:on as date), b.constituted_on) as since,
    o.id as organisation_id
    from bodies b cross join unnest(cast(:joined as uuid[])) asked(organisation_id)
    join organisations o on o.id = asked.organisation_id
    where b.network_id = :network and b.composition = 'one_per_member' and b.state <> 'dissolved'
    and not exists (select from seats s where s.body_id = b.id and s.organisation_id = o.id
                    and (s.until is null or s.until > :on))
    order by b.id, o.id"""
)
CLOSE = text(
    """update seats s set until = greatest(s.since, cast(:on as date)), version = s.version + 1
    from bodies b where b.id = s.body_id and b.network_id = :network and b.composition = 'one_per_member'
    and s.organisation_id = any(cast(:left as uuid[])) and s.until is null returning s.*"""
)


async def follow_members(
    session: AsyncSession,
    network_id: UUID,
    *,
    joined: Collection[UUID] = (),
    left: Collection[UUID] = (),
    on: date,
) -> None:
    """Gives each organisation that became an active member its seat in the bodies that have one for each, and closes
    the seats of those that left. Who has a seat keeps it, so it may be called again. The caller holds the rows of the
    memberships. Two statements whatever their number; what the seats' holders are is ended with the membership."""
    if not joined and not left:
        return
    await lock_members(session, network_id, shared=True)
    if joined:
        asked = {"network": network_id, "joined": sorted(joined), "on": on}
        await _create(session, _as_seats(network_id, (await session.execute(WITHOUT_SEAT, asked)).all()))
    if left:
        closed = (await session.execute(CLOSE, {"network": network_id, "left": sorted(left), "on": on})).all()
        await stage(session, *(seat_fact(facts.SeatClosed, row) for row in closed))


def _as_seats(network_id: UUID, rows: Iterable[Row[Any]]) -> list[Seat]:
    return [Seat(row.body_id, network_id, row.title, Role(row.role), row.since, row.organisation_id) for row in rows]


# --- open bodies -----------------------------------------------------------------------------------------------------


async def join(session: AsyncSession, actor: Actor, body_id: UUID, request: Joining, *, now: datetime) -> Named:
    """The caller belongs to an open body from today on. Raises NotOpen, BodyDissolved, InvalidPlace, HeldAlready."""
    person_id, body = await _open_to(session, actor, body_id, now)
    organisation = request.organisation_id
    own = {grant.organisation_id for grant in actor.current(now) if grant.network_id == body.network_id}
    if organisation is not None and organisation not in own:
        raise InvalidPlace("organisation_id", "not_yours", "an organisation for which you hold a mandate")
    today = day(now)
    mandate = Mandate(body.network_id, person_id, Role.MEMBER, today, None, organisation, body_id=body.id)
    mandate.accepted_on = today
    return await mandates.enter(session, actor, mandate, now)


async def leave(session: AsyncSession, actor: Actor, body_id: UUID, *, now: datetime) -> Named:
    """The caller belongs to it no longer, from today on: the mandate that ended. Raises NotOpen, NotThere."""
    person_id, body = await _open_to(session, actor, body_id, now)
    today = day(now)
    found = await mandate_queries.in_body(session, body.id, person_id, today)
    if not found:
        raise NotThere
    held = [await mandate_queries.for_update(session, id_) for id_ in found]
    still = [mandate for mandate in held if "end" in mandate.actions(today)]
    if not still:
        raise NotThere
    await mandates.end_all(session, still, today, EndReason.RESIGNED, now=now)
    return await mandate_queries.named(session, still[-1])


async def _open_to(session: AsyncSession, actor: Actor, body_id: UUID, now: datetime) -> tuple[UUID, Body]:
    shown = await queries.get(session, actor, body_id, now=now)
    policy.require(actor, Right.JOIN_BODIES, network=shown.body.network_id, on=now)
    if actor.person_id is None:  # a partner's key is nobody who could belong to a body
        raise Forbidden(f"registry:{Right.JOIN_BODIES}", policy.rules[Right.JOIN_BODIES])
    if shown.body.composition is not Composition.OPEN:
        raise NotOpen(shown.body.composition)
    return actor.person_id, shown.body


# --- locks, the tree, facts ------------------------------------------------------------------------------------------


async def lock_members(session: AsyncSession, network_id: UUID, *, shared: bool = False) -> None:
    key = func.hashtextextended(f"members {network_id}", 0)
    lock = func.pg_advisory_xact_lock_shared(key) if shared else func.pg_advisory_xact_lock(key)
    await session.execute(select(lock))


async def _lock_tree(session: AsyncSession, network_id: UUID) -> None:
    """Two moves in one tree, each good alone, could make a circle together."""
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"tree {network_id}", 0))))


async def _network_of(session: AsyncSession, body_id: UUID) -> UUID:
    """For a lock that comes before the body's: the network of a body never changes. Raises NotFound."""
    found: UUID | None = await session.scalar(select(bodies.c.network_id).where(bodies.c.id == body_id))
    if found is None:
        raise NotFound
    return found


ABOVE = text(
    """with recursive above as (
        select id, parent_id from bodies where id = :parent
        union select b.id, b.parent_id from bodies b join above on b.id = above.parent_id
    ) select id from above"""
)


async def _check_parent(session: AsyncSession, body: Body, parent_id: UUID) -> None:
    """The parent is a living body of the same network, and does not hang below this one. Raises InvalidBody."""
    parent = await session.get(Body, parent_id, with_for_update={"read": True})
    if parent is None or parent.network_id != body.network_id or parent.state is State.DISSOLVED:
        raise InvalidBody("parent_id", "unknown", "a body of the same network that is not dissolved")
    if body.id in (await session.execute(ABOVE, {"parent": parent_id})).scalars().all():
        raise InvalidBody("parent_id", "circle", "a body that does not hang below this one")


def state_of(fact: type[facts.BodyState], body: Body) -> facts.BodyState:
    return fact(
        id=body.id,
        version=body.version,
        network_id=body.network_id,
        title=body.name,
        kind=body.kind,
        state=body.state,
        composition=body.composition,
        roles=tuple(body.roles),
        territory=body.territory,
        parent_id=body.parent_id,
        first_call=_quorum(body.first_call),
        second_call=body.second_call and _quorum(body.second_call),
        proxies=body.proxies,
        constituted_on=body.constituted_on,
        dissolved_on=body.dissolved_on,
        needed_role=body.needed_role,
        uncovered_since=body.uncovered_since,
    )


def _quorum(quorum: Quorum) -> facts.Quorum:
    return facts.Quorum(
        numerator=quorum.numerator,
        denominator=quorum.denominator,
        exceeded=quorum.exceeded,
        at_least=quorum.at_least,
    )


def seat_fact(fact: type[facts.SeatState], seat: Seat | Row[Any]) -> facts.SeatState:
    return fact(
        id=seat.id,
        version=seat.version,
        network_id=seat.network_id,
        body_id=seat.body_id,
        title=seat.title,
        role=seat.role,
        organisation_id=seat.organisation_id,
        since=seat.since,
        until=seat.until,
    )

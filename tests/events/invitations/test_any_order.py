"""Whatever the order, the repetition and the batches in which the registry's facts arrive, and whenever the meeting is
convened or moved between them: in the end those are invited who will be entitled on its day, and the facts say so."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from services.events.invitations.listens import follow_mandates
from services.events.invitations.tables import invitations
from services.events.meetings import commands
from services.events.meetings.queries import entitled
from services.events.meetings.rules import Meeting, Mode
from shared.access.actor import Actor
from shared.contracts import Fact
from shared.contracts.registry import (
    BodyChanged,
    BodyState,
    MandateChanged,
    MandateState,
    SeatCreated,
    SeatState,
)
from shared.messaging import Cause, NotYet, Received
from shared.runtime.problems import NotYetKnown

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = date(2026, 3, 10)
NETWORK, BODY, OTHER = UUID(int=1), UUID(int=2), UUID(int=3)
SEATS = [UUID(int=21), UUID(int=22)]
PEOPLE = [UUID(int=31), UUID(int=32), UUID(int=33)]
MANDATES = [UUID(int=41), UUID(int=42), UUID(int=43), UUID(int=44)]
DAYS = st.sampled_from([DAY + timedelta(days=n) for n in (-1, 0, 1)])
RARELY = st.integers(0, 3).flatmap(lambda n: DAYS if n == 0 else st.none())
PLACES = {"03": {"03"}, "097": {"097", "03"}, "E507": {"E507", "097", "03"}, "12": {"12"}}
"""Each territory with those in which it lies."""
ADMIN = Actor(person_id=UUID(int=99), admin=True)


@st.composite
def body(draw: st.DrawFn, version: int) -> Fact:
    return BodyChanged(
        id=draw(st.sampled_from([BODY, BODY, OTHER])),
        version=version,
        network_id=NETWORK,
        title="Organo",
        kind="working_group",
        state="constituted",
        composition=draw(st.sampled_from(["one_per_member", "fixed", "by_territory", "open"])),
        roles=tuple(draw(st.lists(st.sampled_from(["representative", "referent", "coordinator"]), max_size=2))),
        territory=draw(st.none() | st.sampled_from(sorted(PLACES))),
    )


@st.composite
def seat(draw: st.DrawFn, version: int) -> Fact:
    id_ = draw(st.sampled_from(SEATS))
    return SeatCreated(
        id=id_,
        version=version,
        network_id=NETWORK,
        body_id=BODY,
        title="Seggio",
        role="referent",
        since=DAY - timedelta(days=30),
        until=draw(RARELY),
    )


@st.composite
def mandate(draw: st.DrawFn, version: int) -> Fact:
    """What never changes of a mandate (who, what, where) follows from its id; its days are drawn."""
    number = draw(st.integers(0, 3))
    role = ("representative", "coordinator", "referent", "representative")[number]
    return MandateChanged(
        id=MANDATES[number],
        version=version,
        network_id=NETWORK,
        person_id=PEOPLE[(0, 1, 2, 0)[number]],
        role=role,
        territory=("097", "03", "12", "E507")[number],
        body_id=(BODY, None, BODY, OTHER)[number],
        seat_id=(SEATS[0], SEATS[1], SEATS[0], None)[number],
        since=DAY + timedelta(days=(-20, -1, 0, -20)[number]),
        until=draw(RARELY),
        holds_over=draw(st.booleans()),
        ended_on=draw(RARELY),
        state="in_office",
    )


@st.composite
def arrivals(draw: st.DrawFn) -> tuple[list[list[Received[Fact]]], list[tuple[int, int]], UUID | None]:
    """Batches of facts, the days to which the meeting is moved after which batch (the first one convenes it), and the
    body that meets. Every seat is told, so that nobody waits for one for ever."""
    more = draw(st.lists(st.sampled_from([body, seat, mandate, mandate, mandate]), max_size=6))
    kinds = [*([seat] * len(SEATS)), body, *([mandate] * 4), *more]
    facts = [draw(kind(version)) for version, kind in enumerate(kinds, 1)]
    facts[:3] = [fact.model_copy(update={"id": id_}) for fact, id_ in zip(facts, [*SEATS, BODY], strict=False)]
    published = [
        Received(fact, UUID(int=10_000 + fact.version), 1, NOON, Cause(UUID(int=20_000 + fact.version)))
        for fact in facts
    ]
    first = published[: draw(st.sampled_from([0, 3]))]  # mostly the body is known and convened before mandates change
    rest = published[len(first) :]
    arrived = draw(st.permutations([*rest, *draw(st.lists(st.sampled_from(rest), max_size=3))]))
    cuts = sorted(draw(st.lists(st.integers(0, len(arrived)), max_size=5)))
    batches = [arrived[a:b] for a, b in zip([0, *cuts], [*cuts, len(arrived)], strict=True) if a < b]
    moves = draw(st.lists(st.tuples(st.integers(0, len(batches)), st.integers(-1, 1)), max_size=2))
    if first:
        batches, moves = [first, *batches], [(1, 0), *((number + 1, shift) for number, shift in moves)]
    acts = moves
    return batches, sorted(acts, key=lambda act: act[0]), draw(st.sampled_from([BODY, BODY, BODY, None]))


class World:
    """Events as the runtime drives it: batches, what has to wait, and the acts of a convener."""

    def __init__(self, session: AsyncSession, body_id: UUID | None) -> None:
        self.session, self.body_id = session, body_id
        self.waiting: list[Received[Fact]] = []
        self.meeting: Meeting | None = None
        self.day = DAY

    async def take(self, batch: Sequence[Received[Fact]]) -> None:
        if await self._try(batch):
            self.waiting = [late for late in self.waiting if not await self._try([late])]
            return
        for received in batch:
            if not await self._try([received]):
                self.waiting.append(received)
        self.waiting = [late for late in self.waiting if not await self._try([late])]

    async def _try(self, batch: Sequence[Received[Fact]]) -> bool:
        try:
            async with self.session.begin_nested():
                await follow_mandates(self.session, batch, NOON)
        except NotYet:
            return False
        return True

    async def act(self, shift: int) -> None:
        """Convenes the meeting for that day, or moves it there."""
        self.day = DAY + timedelta(days=shift)
        starts = datetime(self.day.year, self.day.month, self.day.day, 15, tzinfo=UTC)
        if self.meeting is None:
            drafted = Meeting(
                NETWORK, "Riunione", starts, starts + timedelta(hours=1), Mode.IN_PERSON, self.body_id, place="Roma"
            )
            self.session.add(drafted)
            await self.session.flush()
            try:
                await commands.convene(self.session, ADMIN, drafted.id, expected=None, now=NOON)
            except NotYetKnown:  # the caller is asked to come again
                await self.session.delete(drafted)
                await self.session.flush()
                return
            self.meeting = drafted
            return
        change = {"starts_at": starts, "ends_at": starts + timedelta(hours=1)}
        await commands.change(self.session, ADMIN, self.meeting.id, change, expected=None, now=NOON)


def expected(facts: Sequence[Received[Fact]], body_id: UUID | None, on: date) -> set[UUID]:
    """The mandates that entitle, said in plain Python from the newest fact of each aggregate."""
    newest = {r.fact.id: r.fact for r in sorted(facts, key=lambda r: r.fact.version)}
    held = [f for f in newest.values() if isinstance(f, MandateState) and _held(f, on)]
    if body_id is None:
        return _first_of_each_person(held)
    of = newest[body_id]
    assert isinstance(of, BodyState)
    if of.composition in ("one_per_member", "fixed"):
        places: dict[UUID, MandateState] = {}
        for mandate in sorted(held, key=lambda m: (m.since, m.id)):
            place = newest.get(mandate.seat_id) if mandate.seat_id else None
            if isinstance(place, SeatState) and place.body_id == body_id and (not place.until or on < place.until):
                places[place.id] = mandate
        return {mandate.id for mandate in places.values()}
    if of.composition == "open":
        return _first_of_each_person([m for m in held if m.body_id == body_id])

    def belongs(m: MandateState) -> bool:
        inside = of.territory is None or (m.territory is not None and of.territory in PLACES[m.territory])
        return (m.role in of.roles and inside) or (m.role == "coordinator" and m.territory == of.territory)

    return _first_of_each_person([m for m in held if belongs(m)])


def _held(m: MandateState, on: date) -> bool:
    if m.ended_on is not None:
        return m.since <= on < m.ended_on
    return m.since <= on and (m.until is None or m.holds_over or on < m.until)


def _first_of_each_person(held: Sequence[MandateState]) -> set[UUID]:
    return {min(m.id for m in held if m.person_id == person) for person in {m.person_id for m in held}}


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(arrivals())
async def test_in_the_end_those_are_invited_who_will_be_entitled(events_engine: AsyncEngine, drawn: Any) -> None:
    batches, acts, body_id = drawn
    async with AsyncSession(events_engine, expire_on_commit=False, autoflush=False) as session:
        world = World(session, body_id)
        for number in range(len(batches) + 1):
            for _, shift in (act for act in acts if act[0] == number):
                await world.act(shift)
            if number < len(batches):
                await world.take(batches[number])
        assert world.waiting == []
        if world.meeting is None:
            await world.act(0)
        assert world.meeting is not None
        facts = [received for batch in batches for received in batch]
        issued = select(invitations.c.mandate_id).where(invitations.c.state == "issued")
        assert set(await session.scalars(issued)) == expected(facts, body_id, world.day)
        assert {e.mandate_id for e in await entitled(session, NETWORK, body_id, world.day)} == set(
            await session.scalars(issued)
        )
        assert await told(session) == await kept(session)
        await session.rollback()


async def told(session: AsyncSession) -> dict[UUID, tuple[int, str]]:
    """The version and state of each invitation as its last fact has it; versions never repeat."""
    rows = (
        await session.execute(
            text(
                "select aggregate_id, version, body::jsonb->>'state' as state from log"
                " where subject like 'events.invitation.%' order by seq"
            )
        )
    ).all()
    assert len({(row.aggregate_id, row.version) for row in rows}) == len(rows)
    return {row.aggregate_id: (row.version, row.state) for row in rows}


async def kept(session: AsyncSession) -> dict[UUID, tuple[int, str]]:
    rows = await session.execute(select(invitations.c.id, invitations.c.version, invitations.c.state))
    return {row.id: (row.version, str(row.state)) for row in rows}

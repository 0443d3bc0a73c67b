"""Reading agreements, whom a call concerns and who came forward, and the locks with which commands take them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import ColumnElement, Select, Text, and_, case, cast, exists, func, literal, or_, select, text, true
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from services.registry.agreements.rules import (
    Agreement,
    Interest,
    Kind,
    Obligation,
    Signatory,
    Standing,
    State,
    Table,
    UnknownAgreement,
    UnknownPart,
)
from services.registry.agreements.tables import (
    agreements,
    approved_minutes,
    interests,
    obligations,
    signatories,
    tables,
)
from services.registry.bodies.tables import bodies
from services.registry.commitments.rules import Source
from services.registry.commitments.tables import commitments
from services.registry.mandates.tables import mandates
from services.registry.networks import queries as networks
from services.registry.organisations.rules import State as MembershipState
from services.registry.organisations.rules import codes_within
from services.registry.organisations.tables import memberships, organisations
from services.registry.people.tables import PERSON_NAME, people
from services.registry.plans.queries import codes
from services.registry.plans.tables import plans
from services.registry.policy import Right, policy
from services.registry.store import containing
from shared.access.actor import Actor, day
from shared.runtime.paging import DEFAULT, Page, page
from shared.runtime.problems import NotYetKnown

Sort = Literal["id", "deadline", "-deadline"]


@dataclass(frozen=True)
class Signing:
    """Somebody who is to sign, and who did so for them."""

    signatory: Signatory
    organisation: str
    person_id: UUID | None
    person: str | None


@dataclass(frozen=True)
class Owing:
    """What a signatory is to do; the commitment, once it is one."""

    obligation: Obligation
    organisation: str
    commitment_id: UUID | None
    state: str | None


@dataclass(frozen=True)
class Names:
    authority: str | None
    body: str | None
    plan: str | None
    officer_id: UUID | None
    officer: str | None
    outcome: str | None


@dataclass(frozen=True)
class Shown:
    """An agreement with the names of those whom it concerns; `counts`: who came forward, by how they stand."""

    agreement: Agreement
    names: Names
    signings: Sequence[Signing]
    tables: Sequence[Table]
    owings: Sequence[Owing]
    counts: dict[Standing, int]

    @property
    def version(self) -> int:
        return self.agreement.version


@dataclass(frozen=True)
class Heard:
    """Somebody who came forward, with the name of the organisation and the agreement."""

    interest: Interest
    organisation: str
    title: str

    @property
    def version(self) -> int:
        return self.interest.version


@dataclass(frozen=True)
class Concerned:
    """A member that may come forward, and how it stands if it did."""

    organisation_id: UUID
    name: str
    kind: str
    municipality: str | None
    interest: Standing | None


@dataclass(frozen=True)
class Figures:
    """Of the active members: whom a call concerns, who of them came forward, and who of those was admitted."""

    members: int
    eligible: int
    interested: int
    admitted: int


async def by_id(session: AsyncSession, agreement_id: UUID) -> Agreement:
    agreement = await session.get(Agreement, agreement_id)
    if agreement is None:
        raise UnknownAgreement(agreement_id)
    return agreement


async def get(session: AsyncSession, actor: Actor, agreement_id: UUID, *, now: datetime) -> Shown:
    """Raises UnknownAgreement, Forbidden."""
    agreement = await readable(session, actor, agreement_id, now)
    return (await shown(session, [agreement]))[0]


async def readable(session: AsyncSession, actor: Actor, agreement_id: UUID, now: datetime) -> Agreement:
    agreement = await by_id(session, agreement_id)
    policy.require(actor, Right.READ_AGREEMENTS, network=agreement.network_id, on=now)
    if agreement.state is State.DRAFT:
        policy.require(actor, Right.WRITE_AGREEMENTS, network=agreement.network_id, on=now)
    return agreement


async def shown(session: AsyncSession, found: Sequence[Agreement]) -> list[Shown]:
    """Five statements, however many agreements."""
    ids = [agreement.id for agreement in found]
    names = await _names(session, ids)
    signing, held, owing = await _signings(session, ids), await _tables(session, ids), await _owings(session, ids)
    counted = select(interests.c.agreement_id, interests.c.state, func.count()).where(interests.c.agreement_id.in_(ids))
    counts: dict[UUID, dict[Standing, int]] = defaultdict(dict)
    for agreement_id, state, count in await session.execute(
        counted.group_by(interests.c.agreement_id, interests.c.state)
    ):
        counts[agreement_id][state] = count
    return [Shown(a, names[a.id], signing[a.id], held[a.id], owing[a.id], counts[a.id]) for a in found]


async def _names(session: AsyncSession, ids: Collection[UUID]) -> dict[UUID, Names]:
    outcomes = agreements.alias("outcomes")
    query = (
        select(
            agreements.c.id,
            organisations.c.title,
            bodies.c.name,
            plans.c.title,
            people.c.id,
            PERSON_NAME,
            outcomes.c.title,
        )
        .outerjoin(organisations, organisations.c.id == agreements.c.authority_id)
        .outerjoin(bodies, bodies.c.id == agreements.c.body_id)
        .outerjoin(plans, plans.c.id == agreements.c.plan_id)
        .outerjoin(mandates, mandates.c.id == agreements.c.officer_mandate_id)
        .outerjoin(people, people.c.id == mandates.c.person_id)
        .outerjoin(outcomes, outcomes.c.id == agreements.c.outcome_id)
        .where(agreements.c.id.in_(ids))
    )
    return {row[0]: Names(*row[1:]) for row in await session.execute(query)}


async def _signings(session: AsyncSession, ids: Collection[UUID]) -> dict[UUID, list[Signing]]:
    query = (
        select(Signatory, organisations.c.title, people.c.id, PERSON_NAME)
        .join(organisations, organisations.c.id == signatories.c.organisation_id)
        .outerjoin(mandates, mandates.c.id == signatories.c.mandate_id)
        .outerjoin(people, people.c.id == mandates.c.person_id)
        .where(signatories.c.agreement_id.in_(ids))
        .order_by(organisations.c.title, signatories.c.organisation_id)
    )
    found: dict[UUID, list[Signing]] = defaultdict(list)
    for row in await session.execute(query):
        found[row[0].agreement_id].append(Signing(*row))
    return found


async def _tables(session: AsyncSession, ids: Collection[UUID]) -> dict[UUID, list[Table]]:
    found: dict[UUID, list[Table]] = defaultdict(list)
    query = select(Table).where(tables.c.agreement_id.in_(ids)).order_by(tables.c.held_on, tables.c.id)
    for table in await session.scalars(query):
        found[table.agreement_id].append(table)
    return found


async def _owings(session: AsyncSession, ids: Collection[UUID]) -> dict[UUID, list[Owing]]:
    asked = and_(commitments.c.source == Source.AGREEMENT, commitments.c.source_id == obligations.c.id)
    query = (
        select(Obligation, organisations.c.title, commitments.c.id, cast(commitments.c.state, Text))
        .join(organisations, organisations.c.id == obligations.c.organisation_id)
        .outerjoin(commitments, asked)
        .where(obligations.c.agreement_id.in_(ids))
        .order_by(obligations.c.due, obligations.c.id)
    )
    found: dict[UUID, list[Owing]] = defaultdict(list)
    for row in await session.execute(query):
        found[row[0].agreement_id].append(Owing(*row))
    return found


async def listed(
    session: AsyncSession,
    actor: Actor,
    ref: str,
    *,
    kind: Sequence[Kind] = (),
    state: Sequence[State] = (),
    territory: Sequence[str] = (),
    organisation: Sequence[UUID] = (),
    body: Sequence[UUID] = (),
    plan: Sequence[UUID] = (),
    on: date | None = None,
    deadline_before: date | None = None,
    q: str | None = None,
    updated_since: datetime | None = None,
    sort: Sort = "id",
    after: str | None = None,
    limit: int = DEFAULT,
    now: datetime,
) -> Page[Shown]:
    """The agreements of a network; drafts only for who may write them. An organisation calls, signs or came forward; on
    a day those in force on it. A territory includes what lies in it."""
    network_id = await networks.id_of(session, ref)
    policy.require(actor, Right.READ_AGREEMENTS, network=network_id, on=now)
    query = select(Agreement).where(agreements.c.network_id == network_id)
    if not policy.has(actor, Right.WRITE_AGREEMENTS, network=network_id, on=now):
        query = query.where(agreements.c.state != State.DRAFT)
    for column, values in (
        (agreements.c.kind, kind),
        (_state_on(day(now)), [str(one) for one in state]),
        (agreements.c.body_id, body),
        (agreements.c.plan_id, plan),
    ):
        if values:
            query = query.where(column.in_(values))
    if territory:
        query = query.where(agreements.c.territories.overlap(codes(territory)))
    if organisation:
        query = query.where(_concerns(organisation))
    if on:
        query = query.where(agreements.c.since <= on, or_(agreements.c.until.is_(None), agreements.c.until > on))
    if q and (wanted := q.strip()):
        query = query.where(func.fold(agreements.c.title, type_=Text).like(containing(wanted)))
    if updated_since:
        query = query.where(agreements.c.updated_at >= updated_since)
    found = await page(
        session,
        _by_deadline(query, sort, deadline_before),
        key=_key(sort),
        after=after,
        limit=limit,
        descending=sort.startswith("-"),
    )
    return Page(await shown(session, found.items), found.next)


def _key(sort: Sort) -> list[ColumnElement[Any]]:
    return [agreements.c.id] if sort == "id" else [agreements.c.deadline, agreements.c.id]


def _by_deadline(query: Select[Any], sort: Sort, before: date | None) -> Select[Any]:
    """In the order of deadlines only what has one."""
    if sort != "id":
        query = query.where(agreements.c.deadline.is_not(None))
    return query.where(agreements.c.deadline < before) if before else query


def _state_on(on: date) -> ColumnElement[str]:
    """`Agreement.state_on` where the database has to choose rows by it."""
    return case(
        ((agreements.c.state == State.OPEN) & (agreements.c.deadline < on), str(State.EVALUATION)),
        ((agreements.c.state == State.IN_FORCE) & (agreements.c.until <= on), str(State.ENDED)),
        else_=cast(agreements.c.state, Text),
    )


def _concerns(organisation: Sequence[UUID]) -> ColumnElement[bool]:
    signs = exists().where(
        signatories.c.agreement_id == agreements.c.id, signatories.c.organisation_id.in_(organisation)
    )
    came = exists().where(interests.c.agreement_id == agreements.c.id, interests.c.organisation_id.in_(organisation))
    return or_(agreements.c.authority_id.in_(organisation), signs, came)


# --- whom a call concerns --------------------------------------------------------------------------------------------


def conditions(agreement: Agreement, on: date) -> dict[str, ColumnElement[bool]]:
    """What a member must be to come forward, by what it is about. Raises InvalidOrganisation."""
    found: dict[str, ColumnElement[bool]] = {"membership": memberships.c.state == MembershipState.ACTIVE}
    if agreement.authority_id is not None:
        found["authority"] = organisations.c.id != agreement.authority_id
    if agreement.kinds:
        found["kind"] = organisations.c.kind.in_(agreement.kinds)
    if agreement.sections:
        found["section"] = text(
            "exists (select 1 from jsonb_to_recordset(organisations.sections) s(section text, since date, until date)"
            " where s.section = any(:sections) and coalesce(s.since <= :day, true) and coalesce(s.until > :day, true))"
        ).bindparams(sections=list(agreement.sections), day=on)  # type: ignore[assignment]
    if agreement.places:
        within = sorted({code for whole in agreement.places for code in codes_within(whole)})
        given = cast(literal(within, ARRAY(Text)), ARRAY(Text))
        found["territory"] = or_(
            organisations.c.municipality == func.any(given), organisations.c.territories.overlap(given)
        )
    return found


def _members(agreement: Agreement, *columns: Any) -> Select[Any]:
    return (
        select(*columns)
        .select_from(memberships.join(organisations, organisations.c.id == memberships.c.organisation_id))
        .where(memberships.c.network_id == agreement.network_id)
    )


async def eligible_ids(session: AsyncSession, agreement: Agreement, on: date) -> list[UUID]:
    query = _members(agreement, organisations.c.id).where(*conditions(agreement, on).values())
    return list(await session.scalars(query.order_by(organisations.c.id)))


async def lacking(session: AsyncSession, agreement: Agreement, organisation_id: UUID, on: date) -> list[str]:
    """In what the call does not concern this member; nothing when it does. Who is no member lacks the membership."""
    asked = conditions(agreement, on)
    query = _members(agreement, *(func.coalesce(fits, false_).label(name) for name, fits in asked.items()))
    row = (await session.execute(query.where(organisations.c.id == organisation_id))).one_or_none()
    return ["membership"] if row is None else [name for name in asked if not getattr(row, name)]


false_ = literal(False)


async def concerned(
    session: AsyncSession,
    actor: Actor,
    agreement_id: UUID,
    *,
    interested: bool | None = None,
    after: str | None = None,
    limit: int = DEFAULT,
    now: datetime,
) -> Page[Concerned]:
    """The members that may come forward, by name; `interested`: those that did, or that did not."""
    agreement = await readable(session, actor, agreement_id, now)
    came = and_(interests.c.agreement_id == agreement.id, interests.c.organisation_id == organisations.c.id)
    query = (
        select(
            organisations.c.id,
            organisations.c.title,
            organisations.c.kind,
            organisations.c.municipality,
            interests.c.state,
        )
        .select_from(
            memberships.join(organisations, organisations.c.id == memberships.c.organisation_id).outerjoin(
                interests, came
            )
        )
        .where(memberships.c.network_id == agreement.network_id, *conditions(agreement, day(now)).values())
    )
    if interested is not None:
        did = and_(interests.c.id.is_not(None), interests.c.state != Standing.WITHDRAWN)
        query = query.where(did if interested else ~func.coalesce(did, false_))
    folded = func.fold(organisations.c.title, type_=Text)
    found = await page(session, query, key=[folded, organisations.c.id], after=after, limit=limit)
    return Page([Concerned(*row[:5]) for row in found.items], found.next)


async def figures(session: AsyncSession, actor: Actor, agreement_id: UUID, *, now: datetime) -> Figures:
    agreement = await readable(session, actor, agreement_id, now)
    fits = and_(true(), *conditions(agreement, day(now)).values())
    came = and_(interests.c.agreement_id == agreement.id, interests.c.organisation_id == organisations.c.id)
    query = (
        select(
            func.count(),
            func.count().filter(fits),
            func.count().filter(and_(fits, interests.c.state != Standing.WITHDRAWN)),
            func.count().filter(and_(fits, interests.c.state == Standing.ADMITTED)),
        )
        .select_from(
            memberships.join(organisations, organisations.c.id == memberships.c.organisation_id).outerjoin(
                interests, came
            )
        )
        .where(memberships.c.network_id == agreement.network_id, memberships.c.state == MembershipState.ACTIVE)
    )
    return Figures(*(await session.execute(query)).one())


HEARD = (
    select(Interest, organisations.c.title, agreements.c.title)
    .join(organisations, organisations.c.id == interests.c.organisation_id)
    .join(agreements, agreements.c.id == interests.c.agreement_id)
)


async def interest(session: AsyncSession, actor: Actor, interest_id: UUID, *, now: datetime) -> Heard:
    """Raises UnknownPart, Forbidden."""
    found = await heard(session, interest_id)
    policy.require(actor, Right.READ_AGREEMENTS, network=found.interest.network_id, on=now)
    return found


async def heard(session: AsyncSession, interest_id: UUID) -> Heard:
    row = (await session.execute(HEARD.where(interests.c.id == interest_id))).one_or_none()
    if row is None:
        raise UnknownPart(interest_id)
    return Heard(*row)


async def interests_of(
    session: AsyncSession,
    actor: Actor,
    agreement_id: UUID,
    *,
    state: Sequence[Standing] = (),
    organisation: Sequence[UUID] = (),
    after: str | None = None,
    limit: int = DEFAULT,
    now: datetime,
) -> Page[Heard]:
    """Who came forward, in order; who wrote what is shown to those whom it concerns."""
    await readable(session, actor, agreement_id, now)
    query = HEARD.where(interests.c.agreement_id == agreement_id)
    if state:
        query = query.where(interests.c.state.in_(state))
    if organisation:
        query = query.where(interests.c.organisation_id.in_(organisation))
    found = await page(session, query, key=[interests.c.id], after=after, limit=limit)
    return Page([Heard(*row[:3]) for row in found.items], found.next)


def may_write(actor: Actor, network_id: UUID, now: datetime) -> bool:
    return policy.has(actor, Right.WRITE_AGREEMENTS, network=network_id, on=now)


def speaks(actor: Actor, network_id: UUID, organisation_id: UUID, now: datetime) -> bool:
    """For the organisation, or for the network."""
    return policy.has(actor, Right.COME_FORWARD, network=network_id, organisation=organisation_id, on=now)


def comes_forward(actor: Actor, network_id: UUID, now: datetime) -> bool:
    """For some organisation of the network."""
    return policy.has(actor, Right.COME_FORWARD, network=network_id, on=now)


# --- locks and looks of commands -------------------------------------------------------------------------------------


async def for_update(session: AsyncSession, agreement_id: UUID) -> Agreement:
    return await _locked(session, agreement_id)


async def for_share(session: AsyncSession, agreement_id: UUID) -> Agreement:
    """Side by side with others who come forward; it does not change meanwhile."""
    return await _locked(session, agreement_id, read=True)


async def _locked(session: AsyncSession, agreement_id: UUID, *, read: bool = False) -> Agreement:
    """As it is now, whatever was read of it before: `Session.get` would refuse one that was changed meanwhile."""
    query = select(Agreement).where(agreements.c.id == agreement_id).with_for_update(read=read)
    agreement = (await session.scalars(query.execution_options(populate_existing=True))).one_or_none()
    if agreement is None:
        raise UnknownAgreement(agreement_id)
    return agreement


async def unlocked_for_update(session: AsyncSession, ids: Sequence[UUID]) -> Sequence[Agreement]:
    """Those that no command holds; the others come again."""
    query = select(Agreement).where(agreements.c.id.in_(ids)).order_by(agreements.c.id)
    return (await session.scalars(query.with_for_update(skip_locked=True))).all()


async def lock_members(session: AsyncSession, network_id: UUID, ids: Collection[UUID]) -> set[UUID]:
    """Those of them that belong to the network (not withdrawn), and go on doing so until the transaction ends."""
    query = (
        select(memberships.c.organisation_id)
        .where(
            memberships.c.network_id == network_id,
            memberships.c.organisation_id.in_(ids),
            memberships.c.state != MembershipState.WITHDRAWN,
        )
        .order_by(memberships.c.id)
        .with_for_update(read=True)
    )
    return set(await session.scalars(query))


async def signatories_of(session: AsyncSession, agreement_ids: Collection[UUID]) -> list[Signatory]:
    query = select(Signatory).where(signatories.c.agreement_id.in_(agreement_ids))
    query = query.order_by(signatories.c.agreement_id, signatories.c.organisation_id)
    return list(await session.scalars(query.execution_options(populate_existing=True)))


async def obligations_of(session: AsyncSession, agreement_id: UUID) -> list[Obligation]:
    query = select(Obligation).where(obligations.c.agreement_id == agreement_id)
    return list(await session.scalars(query.order_by(obligations.c.id)))


async def all_interests(session: AsyncSession, agreement_id: UUID) -> list[Interest]:
    query = select(Interest).where(interests.c.agreement_id == agreement_id).order_by(interests.c.id)
    return list(await session.scalars(query.execution_options(populate_existing=True)))


async def interest_of(session: AsyncSession, agreement_id: UUID, organisation_id: UUID) -> Interest | None:
    query = select(Interest).where(
        interests.c.agreement_id == agreement_id, interests.c.organisation_id == organisation_id
    )
    return (await session.scalars(query.with_for_update())).one_or_none()


async def interest_for_update(session: AsyncSession, interest_id: UUID) -> Interest:
    interest = await session.get(Interest, interest_id, with_for_update=True, populate_existing=True)
    if interest is None:
        raise UnknownPart(interest_id)
    return interest


async def tables_held(session: AsyncSession, agreement_id: UUID) -> int:
    found = await session.scalar(select(func.count()).where(tables.c.agreement_id == agreement_id))
    return found or 0


async def held_mandate(
    session: AsyncSession, network_id: UUID, mandate_id: UUID, on: date, organisation_id: UUID | None = None
) -> bool:
    """Whether the mandate is one of the network (and of that organisation), held on that day."""
    query = select(mandates.c.id).where(
        mandates.c.id == mandate_id,
        mandates.c.network_id == network_id,
        mandates.c.since <= on,
        or_(mandates.c.ends.is_(None), mandates.c.ends > on),
    )
    if organisation_id is not None:
        query = query.where(mandates.c.organisation_id == organisation_id)
    return await session.scalar(query) is not None


async def require_minutes(session: AsyncSession, network_id: UUID, minutes_id: UUID | None) -> None:
    """Approved ones of the network. They come from another service: raises NotYetKnown while they have not."""
    if minutes_id is None:
        return
    query = select(approved_minutes.c.id).where(
        approved_minutes.c.id == minutes_id, approved_minutes.c.network_id == network_id
    )
    if await session.scalar(query) is None:
        raise NotYetKnown("/minutes_id", "minutes")


async def plan_there(session: AsyncSession, network_id: UUID, plan_id: UUID) -> bool:
    query = select(plans.c.id).where(plans.c.id == plan_id, plans.c.network_id == network_id)
    return await session.scalar(query) is not None

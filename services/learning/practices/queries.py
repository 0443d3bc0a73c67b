"""Reading practices: who sees which, what was said about them, and who took them up."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, false, func, or_, select, text, true
from sqlalchemy.ext.asyncio import AsyncSession

from services.learning.bodies.tables import bodies
from services.learning.experiences.tables import experiences
from services.learning.organisations.tables import organisations
from services.learning.people.queries import NAME
from services.learning.people.tables import people
from services.learning.policy import Right, has_for, policy
from services.learning.practices import rules
from services.learning.practices.rules import (
    Adoption,
    AdoptionState,
    Asks,
    Practice,
    Stage,
    State,
    UnknownAdoption,
    UnknownPractice,
    Verdict,
    Visibility,
)
from services.learning.practices.tables import adoptions, practice_editions, practice_reviews, practice_rules, practices
from shared import territories
from shared.access import loading
from shared.access.actor import Actor, day
from shared.access.loading import network_id
from shared.access.roles import Role
from shared.access.tables import networks
from shared.runtime.paging import DEFAULT, Page, page
from shared.runtime.problems import Invalid, NotFound

SHARED = "practices"
"""The word that the networks' sharing uses."""
Sort = Literal["title", "-title", "updated", "-updated", "adoptions", "-adoptions"]
ITALIAN = text("'italian_plain'::regconfig")


@dataclass(frozen=True)
class Experience:
    """What the map says of an experience."""

    id: UUID
    title: str
    organisation_id: UUID | None
    body_id: UUID | None
    territory: str | None
    themes: tuple[str, ...]
    state: str
    expires_on: date | None

    @classmethod
    def of(cls, row: Any) -> Experience:
        territory = row.municipality or next(iter(row.territories), None)
        return cls(
            row.id,
            row.title,
            row.organisation_id,
            row.body_id,
            territories.load().code_of(territory) if territory else None,
            tuple(row.themes),
            row.state,
            row.expires_on,
        )

    def stands(self, on: date) -> bool:
        return self.state == "validated" and not self.expired(on)

    def expired(self, on: date) -> bool:
        return self.state == "expired" or (self.expires_on is not None and self.expires_on <= on)


@dataclass(frozen=True)
class Shown:
    """A practice with the names of what it refers to. `inside`: the caller wrote it or reviews it."""

    practice: Practice
    updated_at: datetime
    network: str
    organisation: str | None
    body: str | None
    author: str | None
    experience: Experience | None
    on: date
    inside: bool
    actions: Sequence[str]

    @property
    def version(self) -> int:
        return self.practice.version


@dataclass(frozen=True)
class Filters:
    """Of several values of one any, of different ones all."""

    theme: Collection[str] = ()
    territory: Collection[str] = ()
    stage: Collection[Stage] = ()
    state: Collection[State] = ()
    organisation: Collection[UUID] = ()
    body: Collection[UUID] = ()
    q: str | None = None
    updated_since: datetime | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        asked: list[ColumnElement[bool]] = [
            column.in_(values)
            for column, values in (
                (practices.c.stage, self.stage),
                (practices.c.state, self.state),
                (practices.c.organisation_id, self.organisation),
                (practices.c.body_id, self.body),
            )
            if values
        ]
        if self.theme:
            asked.append(practices.c.themes.op("&&")(list(self.theme)))
        if self.territory:
            asked.append(practices.c.within.op("&&")(asked_places(self.territory)))
        if self.updated_since:
            asked.append(practices.c.updated_at >= self.updated_since)
        if self.q:
            asked.append(practices.c.search.op("@@")(func.websearch_to_tsquery(ITALIAN, self.q)))
        return asked


def asked_places(codes: Collection[str]) -> list[str]:
    """As they are kept. Problem 422 for a territory that there is not: it would find nothing, and say so of nothing."""
    known = {territories.load().code_of(code) for code in codes}
    if None in known:
        raise Invalid("?territory", "unknown", "03, 097 or LC, E507")
    return sorted(code for code in known if code is not None)


SHOWN = (
    select(
        Practice,
        practices.c.updated_at,
        networks.c.name.label("network"),
        organisations.c.title.label("organisation"),
        bodies.c.title.label("body"),
        NAME.label("author"),
    )
    .outerjoin(networks, networks.c.id == practices.c.network_id)
    .outerjoin(organisations, organisations.c.id == practices.c.organisation_id)
    .outerjoin(bodies, bodies.c.id == practices.c.body_id)
    .outerjoin(people, people.c.id == practices.c.written_by)
)


async def listed(
    session: AsyncSession,
    actor: Actor,
    ref: str,
    filters: Filters,
    *,
    shared: bool = False,
    sort: Sort = "-updated",
    after: str | None = None,
    limit: int = DEFAULT,
    now: datetime,
) -> Page[Shown]:
    """A network's own that the caller may see; with `shared` those of other networks that this one is let see."""
    network = await network_id(session, ref)
    policy.require(actor, Right.READ_PRACTICES, network=network, on=now)
    if shared:
        seen = await _from_others(session, network, now)
    else:
        seen = and_(practices.c.network_id == network, _own(actor, network, now))
    query = SHOWN.where(seen, *filters.conditions())
    by = sort.removeprefix("-")
    column = {"title": practices.c.title, "updated": practices.c.updated_at, "adoptions": practices.c.adoptions}[by]
    found = await page(
        session, query, key=[column, practices.c.id], after=after, limit=limit, descending=sort.startswith("-")
    )
    return Page(await _rows(session, actor, found.items, now), found.next)


async def get(session: AsyncSession, actor: Actor, practice_id: UUID, *, now: datetime) -> Shown:
    """Raises UnknownPractice, also for one that the caller may not see."""
    row = (await session.execute(SHOWN.where(practices.c.id == practice_id))).one_or_none()
    if row is None or not await sees(session, actor, row[0], now):
        raise UnknownPractice(practice_id)
    return (await _rows(session, actor, [row], now))[0]


async def shown(session: AsyncSession, actor: Actor, practice: Practice, now: datetime) -> Shown:
    """What a command answers with."""
    await session.flush()
    rows = (await session.execute(SHOWN.where(practices.c.id == practice.id))).all()
    return (await _rows(session, actor, rows, now))[0]


async def _rows(session: AsyncSession, actor: Actor, rows: Sequence[Any], now: datetime) -> list[Shown]:
    wanted = {row[0].experience_id for row in rows if row[0].experience_id}
    known = {}
    if wanted:
        of_map = await session.execute(select(experiences).where(experiences.c.id.in_(wanted)))
        known = {row.id: Experience.of(row) for row in of_map}
    return [
        Shown(
            row[0],
            row[1],
            row.network or "",
            row.organisation,
            row.body,
            row.author,
            known.get(row[0].experience_id),
            day(now),
            writes(actor, row[0]) or reviews(actor, row[0], now),
            actions(actor, row[0], now),
        )
        for row in rows
    ]


# --- who sees what ---------------------------------------------------------------------------------------------------


def place(practice: Practice) -> dict[str, Any]:
    """What a right over it is asked about: also where the text under way says that it is."""
    return {"network": practice.network_id, "body": practice.body_id, "territory": practice.newest.territory}


def writes(actor: Actor, practice: Practice) -> bool:
    return actor.admin or (actor.person_id is not None and actor.person_id == practice.written_by)


def reviews(actor: Actor, practice: Practice, now: datetime) -> bool:
    """A text that nobody submitted yet is its author's alone."""
    if practice.submitted_at is None and actor.key_id is None:
        return False
    return has_for(actor, Right.REVIEW_PRACTICES, **place(practice), on=now)


def actions(actor: Actor, practice: Practice, now: datetime) -> list[str]:
    own, reviewing = writes(actor, practice), reviews(actor, practice, now)
    mine = {"edit", "delete", "submit", "take_back", "comment", "withdraw"} if own else set()
    if reviewing:
        mine |= {"edit", "submit", "take_back", "comment", "withdraw", "return"}
        if actor.person_id is not None and actor.person_id not in (practice.written_by, practice.edited_by):
            mine.add("approve")
    if actor.admin or any(policy.has(actor, Right.ADOPT_PRACTICES, network=one, on=now) for one in actor.networks(now)):
        mine.add("adopt")
    return [action for action in practice.actions() if action in mine]


async def sees(session: AsyncSession, actor: Actor, practice: Practice, now: datetime) -> bool:
    """Its network sees what was published, its author and its reviewers everything, others what is shown to them."""
    if writes(actor, practice) or reviews(actor, practice, now):
        return True
    published = practice.state in (State.PUBLISHED, State.WITHDRAWN)
    if published and policy.has(actor, Right.READ_PRACTICES, network=practice.network_id, on=now):
        return True
    if practice.state is State.PUBLISHED and practice.visibility is Visibility.PUBLIC:
        return True
    viewers = {one for one in actor.networks(now) if policy.has(actor, Right.READ_PRACTICES, network=one, on=now)}
    return await _shown_to(session, practice, viewers, now)


async def _shown_to(session: AsyncSession, practice: Practice, viewers: Collection[UUID], now: datetime) -> bool:
    sharing: set[UUID] = set()
    if practice.visibility is Visibility.NETWORKS and not practice.shared_with:
        for viewer in viewers:
            sharing |= await loading.shared_with(session, viewer, SHARED, now)
    return rules.seen_from(practice, viewers, sharing)


async def _from_others(session: AsyncSession, network: UUID, now: datetime) -> ColumnElement[bool]:
    """Published by other networks and shown to this one."""
    sharing = await loading.shared_with(session, network, SHARED, now)
    named = practices.c.shared_with.op("&&")([network])
    unnamed = and_(practices.c.shared_with == [], practices.c.network_id.in_(sharing)) if sharing else false()
    to_some = and_(practices.c.visibility == Visibility.NETWORKS, or_(named, unnamed))
    public = practices.c.visibility == Visibility.PUBLIC
    return and_(practices.c.network_id != network, practices.c.state == State.PUBLISHED, or_(public, to_some))


def _own(actor: Actor, network: UUID, now: datetime) -> ColumnElement[bool]:
    """The condition under which the caller sees a practice of the network in which they read."""
    if actor.admin or actor.key_id is not None:
        reviewing = policy.has(actor, Right.REVIEW_PRACTICES, network=network, on=now)
        return true() if reviewing else practices.c.state.in_((State.PUBLISHED, State.WITHDRAWN))
    found: list[ColumnElement[bool]] = [
        practices.c.state.in_((State.PUBLISHED, State.WITHDRAWN)),
        practices.c.written_by == actor.person_id,
    ]
    submitted = practices.c.submitted_at.is_not(None)
    for grant in actor.current(now):
        if grant.network_id != network:
            continue
        if grant.role == Role.SECRETARIAT or (
            grant.role == Role.COORDINATOR and grant.body_id is None and grant.territory is None
        ):
            found.append(submitted)
        elif grant.role == Role.COORDINATOR:
            if grant.body_id is not None:
                found.append(and_(submitted, practices.c.body_id == grant.body_id))
            if grant.territory is not None:
                found.append(and_(submitted, practices.c.within.op("&&")([grant.territory])))
    return or_(*found)


async def locked(session: AsyncSession, actor: Actor, practice_id: UUID, now: datetime) -> Practice:
    """Until the transaction ends. Raises UnknownPractice, also for one that the caller may not see."""
    found = await session.get(Practice, practice_id, with_for_update=True, populate_existing=True)
    if found is None or not await sees(session, actor, found, now):
        raise UnknownPractice(practice_id)
    return found


async def locked_for(session: AsyncSession, practice_id: UUID, network: UUID, now: datetime) -> Practice:
    """Until the transaction ends; one that this network sees, or UnknownPractice."""
    found = await session.get(Practice, practice_id, with_for_update=True, populate_existing=True)
    if found is None or found.state in (State.DRAFT, State.IN_REVIEW):
        raise UnknownPractice(practice_id)
    if found.network_id != network and not await _shown_to(session, found, {network}, now):
        raise UnknownPractice(practice_id)
    return found


# --- for everybody ---------------------------------------------------------------------------------------------------

PUBLIC = and_(practices.c.state == State.PUBLISHED, practices.c.visibility == Visibility.PUBLIC)


async def public_listed(
    session: AsyncSession,
    actor: Actor,
    filters: Filters,
    *,
    network: str | None = None,
    after: str | None = None,
    limit: int = DEFAULT,
    now: datetime,
) -> Page[Shown]:
    """The newest first. Raises NetworkUnknown."""
    query = SHOWN.where(PUBLIC, *filters.conditions())
    if network is not None:
        query = query.where(practices.c.network_id == await network_id(session, network))
    key = [practices.c.published_on, practices.c.id]
    found = await page(session, query, key=key, after=after, limit=limit, descending=True)
    return Page(await _rows(session, actor, found.items, now), found.next)


async def public(session: AsyncSession, actor: Actor, practice_id: UUID, *, now: datetime) -> tuple[Shown, Any]:
    """With its network's row. Raises UnknownPractice."""
    row = (await session.execute(SHOWN.where(practices.c.id == practice_id, PUBLIC))).one_or_none()
    if row is None:
        raise UnknownPractice(practice_id)
    network = await loading.network_row(session, str(row[0].network_id))
    return (await _rows(session, actor, [row], now))[0], network


# --- rules, reviews, editions ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Ruled:
    asks: Asks
    version: int


async def asks(session: AsyncSession, network: UUID) -> Ruled:
    row = (await session.execute(select(practice_rules).where(practice_rules.c.network_id == network))).one_or_none()
    if row is None:
        return Ruled(Asks(), 0)
    return Ruled(
        Asks(row.tried_trials, row.proven_trials, row.proven_adoptions, row.proven_evidence), version=row.version
    )


async def rules_of(session: AsyncSession, actor: Actor, ref: str, *, now: datetime) -> Ruled:
    network = await network_id(session, ref)
    policy.require(actor, Right.READ_PRACTICES, network=network, on=now)
    return await asks(session, network)


@dataclass(frozen=True)
class Said:
    id: UUID
    verdict: Verdict
    text: str
    edition: int
    person_id: UUID | None
    person: str | None
    at: datetime


async def reviewed(
    session: AsyncSession,
    actor: Actor,
    practice_id: UUID,
    *,
    after: str | None = None,
    limit: int = DEFAULT,
    now: datetime,
) -> Page[Said]:
    """What was said about it, oldest first: for who wrote it and who reviews it."""
    found = await get(session, actor, practice_id, now=now)
    if not found.inside:
        raise UnknownPractice(practice_id)
    r = practice_reviews.c
    query = (
        select(r.id, r.verdict, r.text, r.edition, r.said_by, NAME.label("person"), r.at)
        .outerjoin(people, people.c.id == r.said_by)
        .where(r.practice_id == practice_id)
    )
    rows = await page(session, query, key=[r.id], after=after, limit=limit)
    return Page([Said(*row[:7]) for row in rows.items], rows.next)


@dataclass(frozen=True)
class Edition:
    number: int
    published_at: datetime
    text: rules.Text


async def editions(
    session: AsyncSession,
    actor: Actor,
    practice_id: UUID,
    *,
    after: str | None = None,
    limit: int = DEFAULT,
    now: datetime,
) -> Page[Edition]:
    """What was published: to its network and those who wrote it; others see the text that is out."""
    await _require_history(session, actor, practice_id, now)
    e = practice_editions.c
    query = select(e.number, e.published_at, e.text).where(e.practice_id == practice_id)
    rows = await page(session, query, key=[e.number], after=after, limit=limit)
    return Page([Edition(row[0], row[1], rules.Text.of(row[2])) for row in rows.items], rows.next)


async def edition(session: AsyncSession, actor: Actor, practice_id: UUID, number: int, *, now: datetime) -> Edition:
    await _require_history(session, actor, practice_id, now)
    e = practice_editions.c
    query = select(e.number, e.published_at, e.text).where(e.practice_id == practice_id, e.number == number)
    row = (await session.execute(query)).one_or_none()
    if row is None:
        raise NotFound(number)
    return Edition(row[0], row[1], rules.Text.of(row[2]))


async def _require_history(session: AsyncSession, actor: Actor, practice_id: UUID, now: datetime) -> None:
    found = await get(session, actor, practice_id, now=now)
    if not found.inside and not policy.has(actor, Right.READ_PRACTICES, network=found.practice.network_id, on=now):
        raise UnknownPractice(practice_id)


# --- candidates ------------------------------------------------------------------------------------------------------


def is_candidate_for(actor: Actor, row: Any, now: datetime) -> bool:
    """Whoever may write sees what the map shows to the network; what is a body's alone, its own people."""
    if row.visibility != "body" or actor.admin or actor.key_id is not None:
        return True
    if actor.holds(Role.SECRETARIAT, network=row.network_id, on=now):
        return True
    return any(
        (row.organisation_id is not None and grant.organisation_id == row.organisation_id)
        or (row.body_id is not None and grant.body_id == row.body_id)
        for grant in actor.current(now)
        if grant.network_id == row.network_id
    )


async def candidates(
    session: AsyncSession, actor: Actor, ref: str, *, after: str | None = None, limit: int = DEFAULT, now: datetime
) -> Page[tuple[Experience, str | None, str | None]]:
    """Validated experiences of the map, not written up yet, with the names of whose they are."""
    network = await network_id(session, ref)
    policy.require(actor, Right.WRITE_PRACTICES, network=network, on=now)
    e = experiences.c
    taken = select(practices.c.id).where(practices.c.experience_id == e.id).exists()
    valid = or_(e.expires_on.is_(None), e.expires_on > day(now))
    query = (
        select(experiences, organisations.c.title.label("organisation"), bodies.c.title.label("body"))
        .outerjoin(organisations, organisations.c.id == e.organisation_id)
        .outerjoin(bodies, bodies.c.id == e.body_id)
        .where(e.network_id == network, e.state == "validated", valid, ~taken, _visible(actor, network, now))
    )
    found = await page(session, query, key=[e.id], after=after, limit=limit)
    return Page([(Experience.of(row), row.organisation, row.body) for row in found.items], found.next)


def _visible(actor: Actor, network: UUID, now: datetime) -> ColumnElement[bool]:
    """As `is_candidate_for`."""
    if actor.admin or actor.key_id is not None or actor.holds(Role.SECRETARIAT, network=network, on=now):
        return true()
    grants = [grant for grant in actor.current(now) if grant.network_id == network]
    e = experiences.c
    return or_(
        e.visibility != "body",
        e.organisation_id.in_({grant.organisation_id for grant in grants if grant.organisation_id}),
        e.body_id.in_({grant.body_id for grant in grants if grant.body_id}),
    )


# --- adoptions -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Adopted:
    """An adoption with names; of one that is not named, those whose practice it is see neither who nor the note."""

    adoption: Adoption
    practice: str
    network: str
    organisation: str | None
    body: str | None
    inside: bool
    actions: Sequence[str]

    @property
    def version(self) -> int:
        return self.adoption.version


ADOPTED = (
    select(
        Adoption,
        practices.c.title.label("practice"),
        networks.c.name.label("network"),
        organisations.c.title.label("organisation"),
        bodies.c.title.label("body"),
    )
    .join(practices, practices.c.id == adoptions.c.practice_id)
    .outerjoin(networks, networks.c.id == adoptions.c.network_id)
    .outerjoin(organisations, organisations.c.id == adoptions.c.organisation_id)
    .outerjoin(bodies, bodies.c.id == adoptions.c.body_id)
)


def _adopted(row: Any, actor: Actor, now: datetime) -> Adopted:
    adoption = row[0]
    inside = policy.has(actor, Right.READ_PRACTICES, network=adoption.network_id, on=now)
    acting = actor.admin or actor.holds(Role.SECRETARIAT, network=adoption.network_id, on=now)
    if adoption.body_id is not None:
        acting |= actor.holds(Role.COORDINATOR, network=adoption.network_id, body=adoption.body_id, on=now)
    doable = ["edit", "end"] if acting and adoption.state is AdoptionState.ACTIVE else []
    return Adopted(adoption, row.practice, row.network or "", row.organisation, row.body, inside, doable)


async def adoption(session: AsyncSession, actor: Actor, adoption_id: UUID, *, now: datetime) -> Adopted:
    """For the network that adopts, and for the network whose practice it is when it is named. Raises
    UnknownAdoption."""
    row = (await session.execute(ADOPTED.where(adoptions.c.id == adoption_id))).one_or_none()
    if row is None:
        raise UnknownAdoption(adoption_id)
    found = _adopted(row, actor, now)
    theirs = policy.has(actor, Right.READ_PRACTICES, network=found.adoption.practice_network_id, on=now)
    if not found.inside and not (theirs and found.adoption.named):
        raise UnknownAdoption(adoption_id)
    return found


async def adoption_shown(session: AsyncSession, actor: Actor, adoption: Adoption, now: datetime) -> Adopted:
    row = (await session.execute(ADOPTED.where(adoptions.c.id == adoption.id))).one()
    return _adopted(row, actor, now)


def running(adoption: Adoption) -> Select[Any]:
    """Another active adoption of the same practice by the same organisation in that network, or the same body."""
    a = adoptions.c
    who = (
        and_(a.organisation_id == adoption.organisation_id, a.network_id == adoption.network_id)
        if adoption.organisation_id is not None
        else a.body_id == adoption.body_id
    )
    return select(a.id).where(a.practice_id == adoption.practice_id, a.state == "active", who, a.id != adoption.id)


async def adopted_by(
    session: AsyncSession,
    actor: Actor,
    ref: str,
    *,
    state: Collection[AdoptionState] = (),
    territory: Collection[str] = (),
    organisation: Collection[UUID] = (),
    body: Collection[UUID] = (),
    updated_since: datetime | None = None,
    after: str | None = None,
    limit: int = DEFAULT,
    now: datetime,
) -> Page[Adopted]:
    """What a network's organisations and bodies have taken up, of its own practices and of others'."""
    network = await network_id(session, ref)
    policy.require(actor, Right.READ_PRACTICES, network=network, on=now)
    query = ADOPTED.where(adoptions.c.network_id == network)
    for column, values in (
        (adoptions.c.state, state),
        (adoptions.c.organisation_id, organisation),
        (adoptions.c.body_id, body),
    ):
        if values:
            query = query.where(column.in_(values))
    if territory:
        query = query.where(adoptions.c.territory.in_(codes_within(territory)))
    if updated_since:
        query = query.where(adoptions.c.updated_at >= updated_since)
    found = await page(session, query, key=[adoptions.c.id], after=after, limit=limit)
    return Page([_adopted(row, actor, now) for row in found.items], found.next)


def codes_within(asked: Collection[str]) -> list[str]:
    """The codes of these territories and of all that lies in them."""
    italy, found = territories.load(), set(asked_places(asked))
    for code in tuple(found):
        inside = list(italy.within(code))
        found |= {one.province_code for one in inside if one.region == code}
        found |= set(italy.codes_within(code))
    return sorted(found)


async def adoptions_of(
    session: AsyncSession,
    actor: Actor,
    practice_id: UUID,
    *,
    after: str | None = None,
    limit: int = DEFAULT,
    now: datetime,
) -> Page[Adopted]:
    """Those that may be named, and the caller's own."""
    await get(session, actor, practice_id, now=now)
    own = [one for one in actor.networks(now) if policy.has(actor, Right.READ_PRACTICES, network=one, on=now)]
    mine = true() if actor.admin else or_(adoptions.c.named, adoptions.c.network_id.in_(own))
    query = ADOPTED.where(adoptions.c.practice_id == practice_id, mine)
    found = await page(session, query, key=[adoptions.c.id], after=after, limit=limit)
    return Page([_adopted(row, actor, now) for row in found.items], found.next)


@dataclass(frozen=True)
class Figures:
    """Active adoptions of a practice: of other networks, and by region (None: where is not known)."""

    active: int
    ended: int
    networks: int
    by_region: Sequence[tuple[str | None, int]]


async def figures(session: AsyncSession, actor: Actor, practice_id: UUID, *, now: datetime) -> Figures:
    """Counts, nobody's name: for whoever sees the practice."""
    await get(session, actor, practice_id, now=now)
    a = adoptions.c
    query = select(a.territory, a.state, a.network_id).where(a.practice_id == practice_id)
    rows = (await session.execute(query)).all()
    active = [row for row in rows if row.state is AdoptionState.ACTIVE]
    counts: dict[str | None, int] = {}
    italy = territories.load()
    for row in active:
        region = italy.around(row.territory)[-1] if row.territory else None
        counts[region] = counts.get(region, 0) + 1
    ordered = sorted(counts.items(), key=lambda one: (one[0] is None, one[0] or ""))
    return Figures(len(active), len(rows) - len(active), len({row.network_id for row in active}), ordered)

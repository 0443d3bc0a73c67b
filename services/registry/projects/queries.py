"""Reading projects with their parts, and the locks with which commands take them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import ColumnElement, Text, cast, exists, func, or_, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from services.registry.bodies.rules import State as BodyState
from services.registry.bodies.tables import bodies
from services.registry.commitments.rules import File, UnknownDebtor
from services.registry.mandates.queries import codes_within
from services.registry.networks import queries as networks
from services.registry.organisations.rules import State as MembershipState
from services.registry.organisations.tables import memberships, organisations
from services.registry.policy import Right, policy
from services.registry.projects import rules
from services.registry.projects.rules import (
    Action,
    Budget,
    Entry,
    InvalidProject,
    Line,
    Outcome,
    OutcomeKind,
    Partner,
    Payment,
    Places,
    Pledge,
    Project,
    Role,
    Source,
    SourceKind,
    State,
    UnknownPart,
    UnknownProject,
)
from services.registry.projects.tables import (
    project_actions,
    project_entries,
    project_files,
    project_lines,
    project_outcomes,
    project_partners,
    project_payments,
    project_pledges,
    project_sources,
    projects,
)
from services.registry.store import containing
from shared.access.actor import Actor
from shared.runtime.paging import DEFAULT, Page, page

Sort = Literal["id", "since", "-since", "last_day", "-last_day"]
SORTS: dict[str, ColumnElement[Any]] = {"since": projects.c.since, "last_day": projects.c.last_day}


@dataclass(frozen=True)
class Shown:
    """A project with all of its parts but the outcomes, which are counted; `names` of organisations and bodies."""

    project: Project
    partners: Sequence[Partner]
    actions: Sequence[Action]
    lines: Sequence[Line]
    sources: Sequence[Source]
    pledges: Sequence[Pledge]
    entries: Sequence[Entry]
    outcomes: Mapping[OutcomeKind, int]
    names: Mapping[UUID, str]

    @property
    def version(self) -> int:
        return self.project.version

    @property
    def lead_id(self) -> UUID | None:
        return rules.lead_of(self.partners)

    @property
    def budget(self) -> Budget:
        return rules.budget(self.lines, self.sources, self.pledges, self.entries)


@dataclass(frozen=True)
class Seen:
    """An outcome with the names of its project and its body."""

    outcome: Outcome
    project: str
    body: str | None
    version: int | None = None  # of the project, after a change


async def get(session: AsyncSession, actor: Actor, project_id: UUID, *, now: datetime) -> Shown:
    """Raises UnknownProject, Forbidden."""
    project = await by_id(session, project_id)
    policy.require(actor, Right.READ_PROJECTS, network=project.network_id, on=now)
    return (await shown(session, [project]))[0]


async def by_id(session: AsyncSession, project_id: UUID) -> Project:
    project = await session.get(Project, project_id)
    if project is None:
        raise UnknownProject(project_id)
    return project


async def for_update(session: AsyncSession, project_id: UUID) -> Project:
    """The project, its row locked: its parts change under that lock only."""
    project = await session.get(Project, project_id, with_for_update=True, populate_existing=True)
    if project is None:
        raise UnknownProject(project_id)
    return project


async def shown(session: AsyncSession, found: Sequence[Project]) -> list[Shown]:
    """Eight statements, however many projects."""
    ids = [project.id for project in found]
    partners = await _of(session, Partner, project_partners.c.project_id, ids, project_partners.c.organisation_id)
    actions = await _of(session, Action, project_actions.c.project_id, ids, project_actions.c.id)
    lines = await _of(session, Line, project_lines.c.project_id, ids, project_lines.c.id)
    sources = await _of(session, Source, project_sources.c.project_id, ids, project_sources.c.id)
    pledges = await _of(session, Pledge, project_pledges.c.project_id, ids, project_pledges.c.id)
    entries = await _of(session, Entry, project_entries.c.project_id, ids, project_entries.c.id)
    kinds = (
        select(project_outcomes.c.project_id, project_outcomes.c.kind, func.count())
        .where(project_outcomes.c.project_id.in_(ids))
        .group_by(project_outcomes.c.project_id, project_outcomes.c.kind)
    )
    outcomes: dict[UUID, dict[OutcomeKind, int]] = {}
    for project_id, kind, count in await session.execute(kinds):
        outcomes.setdefault(project_id, {})[kind] = count
    asked = {one.organisation_id for some in partners.values() for one in some}
    names = await titles(session, asked)
    return [
        Shown(
            project,
            partners[project.id],
            actions[project.id],
            lines[project.id],
            sources[project.id],
            pledges[project.id],
            entries[project.id],
            outcomes.get(project.id, {}),
            names,
        )
        for project in found
    ]


async def _of(
    session: AsyncSession, entity: type[Any], of: ColumnElement[Any], ids: Sequence[UUID], key: ColumnElement[Any]
) -> dict[UUID, list[Any]]:
    query = select(entity).where(of.in_(ids)).order_by(key).execution_options(populate_existing=True)
    found: dict[UUID, list[Any]] = {id_: [] for id_ in ids}
    for one in (await session.execute(query)).scalars():
        found[one.project_id].append(one)
    return found


async def titles(session: AsyncSession, ids: set[UUID]) -> dict[UUID, str]:
    query = select(organisations.c.id, organisations.c.title).where(organisations.c.id.in_(ids))
    return {row.id: row.title for row in await session.execute(query)}


async def listed(
    session: AsyncSession,
    actor: Actor,
    ref: str,
    *,
    state: Sequence[State] = (),
    organisation: Sequence[UUID] = (),
    role: Sequence[Role] = (),
    territory: Sequence[str] = (),
    cup: str | None = None,
    on: date | None = None,
    q: str | None = None,
    updated_since: datetime | None = None,
    sort: Sort = "id",
    after: str | None = None,
    limit: int = DEFAULT,
    now: datetime,
) -> Page[Shown]:
    """The projects of a network; with a day, those that run on it. `organisation` takes part (with one of the roles, if
    any is given); a territory includes what lies in it."""
    network_id = await networks.id_of(session, ref)
    policy.require(actor, Right.READ_PROJECTS, network=network_id, on=now)
    query = select(Project).where(projects.c.network_id == network_id)
    if state:
        query = query.where(projects.c.state.in_(state))
    if organisation or role:
        query = query.where(_takes_part(organisation, role))
    if territory:
        codes = [code for whole in territory for code in codes_within(whole)]
        query = query.where(projects.c.territories.op("&&")(cast(codes, ARRAY(Text))))
    if cup:
        query = query.where(projects.c.cup == rules.cup_of(cup))
    if on:
        query = query.where(projects.c.since <= on, projects.c.last_day >= on)
    if q and (wanted := q.strip()):
        query = query.where(func.fold(projects.c.title, type_=Text).like(containing(wanted)))
    if updated_since:
        query = query.where(projects.c.updated_at >= updated_since)
    key: list[ColumnElement[Any]] = [projects.c.id]
    if sort != "id":
        key = [SORTS[sort.removeprefix("-")], projects.c.id]
    found = await page(session, query, key=key, after=after, limit=limit, descending=sort.startswith("-"))
    return Page(await shown(session, found.items), found.next)


def _takes_part(organisation: Sequence[UUID], role: Sequence[Role]) -> ColumnElement[bool]:
    takes_part = exists().where(project_partners.c.project_id == projects.c.id)
    if organisation:
        takes_part = takes_part.where(project_partners.c.organisation_id.in_(organisation))
    return takes_part.where(project_partners.c.role.in_(role)) if role else takes_part


# --- lists of parts --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Pledged:
    """A pledge with the names of its source and its partner, and its payments."""

    pledge: Pledge
    source: Source
    organisation: str | None
    payments: Sequence[Payment]


async def pledges(
    session: AsyncSession,
    actor: Actor,
    project_id: UUID,
    *,
    organisation: Sequence[UUID] = (),
    kind: Sequence[SourceKind] = (),
    year: Sequence[int] = (),
    after: str | None = None,
    limit: int = DEFAULT,
    now: datetime,
) -> Page[Pledged]:
    """What was pledged to a project, in the order in which it was."""
    project = await by_id(session, project_id)
    policy.require(actor, Right.READ_PROJECTS, network=project.network_id, on=now)
    query = (
        select(Pledge, Source, organisations.c.title)
        .join(project_sources, project_sources.c.id == project_pledges.c.source_id)
        .outerjoin(organisations, organisations.c.id == project_pledges.c.organisation_id)
        .where(project_pledges.c.project_id == project_id)
    )
    for column, values in (
        (project_pledges.c.organisation_id, organisation),
        (project_sources.c.kind, kind),
        (project_pledges.c.year, year),
    ):
        if values:
            query = query.where(column.in_(values))
    found = await page(session, query, key=[project_pledges.c.id], after=after, limit=limit)
    paid = await payments_of(session, [row[0].id for row in found.items])
    return Page([Pledged(row[0], row[1], row[2], paid[row[0].id]) for row in found.items], found.next)


async def payments_of(session: AsyncSession, ids: Sequence[UUID]) -> dict[UUID, list[Payment]]:
    query = select(Payment).where(project_payments.c.pledge_id.in_(ids)).order_by(project_payments.c.id)
    found: dict[UUID, list[Payment]] = {id_: [] for id_ in ids}
    for one in (await session.execute(query)).scalars():
        found[one.pledge_id].append(one)
    return found


SEEN = (
    select(Outcome, projects.c.title, bodies.c.name)
    .join(projects, projects.c.id == project_outcomes.c.project_id)
    .outerjoin(bodies, bodies.c.id == project_outcomes.c.body_id)
)


async def outcomes(
    session: AsyncSession,
    actor: Actor,
    *,
    ref: str | None = None,
    project_id: UUID | None = None,
    project: Sequence[UUID] = (),
    kind: Sequence[OutcomeKind] = (),
    body: Sequence[UUID] = (),
    territory: Sequence[str] = (),
    after: str | None = None,
    limit: int = DEFAULT,
    now: datetime,
) -> Page[Seen]:
    """The outcomes of a project, or of all projects of a network; a territory is the outcome's own or its body's."""
    if project_id is not None:
        network_id = (await by_id(session, project_id)).network_id
        query = SEEN.where(project_outcomes.c.project_id == project_id)
    else:
        assert ref is not None
        network_id = await networks.id_of(session, ref)
        query = SEEN.where(projects.c.network_id == network_id)
    policy.require(actor, Right.READ_PROJECTS, network=network_id, on=now)
    codes = [code for whole in territory for code in codes_within(whole)]
    for column, values in (
        (project_outcomes.c.project_id, project),
        (project_outcomes.c.kind, kind),
        (project_outcomes.c.body_id, body),
    ):
        if values:
            query = query.where(column.in_(values))
    if codes:
        query = query.where(or_(project_outcomes.c.territory.in_(codes), bodies.c.territory.in_(codes)))
    found = await page(session, query, key=[project_outcomes.c.id], after=after, limit=limit)
    return Page([Seen(row[0], row[1], row[2]) for row in found.items], found.next)


async def seen(session: AsyncSession, outcome_id: UUID, version: int) -> Seen:
    row = (await session.execute(SEEN.where(project_outcomes.c.id == outcome_id))).one()
    return Seen(row[0], row[1], row[2], version)


async def file(
    session: AsyncSession, actor: Actor, project_id: UUID, outcome_id: UUID, *, now: datetime
) -> tuple[File, bytes]:
    """The file that shows an outcome. Raises UnknownPart."""
    project = await by_id(session, project_id)
    policy.require(actor, Right.READ_PROJECTS, network=project.network_id, on=now)
    one = await part(session, Outcome, project_id, outcome_id, "outcome")
    content = await session.scalar(select(project_files.c.content).where(project_files.c.outcome_id == outcome_id))
    if content is None:
        raise UnknownPart("file")
    return File(one.file_name or "file", one.file_type or "", one.file_size or 0, one.file_sha256 or ""), bytes(content)


async def place(session: AsyncSession, actor: Actor, project_id: UUID, *, now: datetime) -> tuple[Shown, Places]:
    """How many partners work in each of the project's territories. A partner works where it says so for the project;
    else where the organisation does, and where it has its seat."""
    found = await get(session, actor, project_id, now=now)
    ids = [one.organisation_id for one in found.partners]
    query = select(organisations.c.id, organisations.c.territories, organisations.c.municipality)
    own: dict[UUID, set[str]] = {}
    for id_, territories, municipality in await session.execute(query.where(organisations.c.id.in_(ids))):
        own[id_] = {*territories, *([municipality] if municipality else ())}
    works_in = [one.territories or own.get(one.organisation_id, ()) for one in found.partners]
    return found, rules.places(found.project.territories, works_in)


# --- for commands ----------------------------------------------------------------------------------------------------


async def part(session: AsyncSession, entity: type[Any], project_id: UUID, id_: UUID, what: str) -> Any:
    """The part of the project with this id, as it is now. Raises UnknownPart."""
    found = await session.get(entity, id_, populate_existing=True)
    if found is None or found.project_id != project_id:
        raise UnknownPart(what)
    return found


async def lock_members(session: AsyncSession, project: Project, ids: Sequence[UUID]) -> None:
    """Members of the network, which stay so until the transaction ends; in one order. Raises UnknownDebtor."""
    query = (
        select(memberships.c.organisation_id)
        .where(
            memberships.c.network_id == project.network_id,
            memberships.c.organisation_id.in_(ids),
            memberships.c.state != MembershipState.WITHDRAWN,
        )
        .order_by(memberships.c.organisation_id)
        .with_for_update(read=True)
    )
    missing = set(ids) - set((await session.execute(query)).scalars())
    if missing:
        raise UnknownDebtor("organisation_id", min(missing))


async def partners_of(session: AsyncSession, project_id: UUID) -> list[Partner]:
    key = project_partners.c.organisation_id
    found = await _of(session, Partner, project_partners.c.project_id, [project_id], key)
    return list(found[project_id])


async def used(session: AsyncSession, column: ColumnElement[Any], id_: UUID) -> bool:
    """Whether some row names it."""
    return bool(await session.scalar(select(exists().where(column == id_))))


async def require_body(session: AsyncSession, network_id: UUID, body_id: UUID) -> None:
    """A body of the network, which stays until the transaction ends. Raises InvalidProject."""
    query = select(bodies.c.id).where(
        bodies.c.id == body_id, bodies.c.network_id == network_id, bodies.c.state != BodyState.DISSOLVED
    )
    if not await session.scalar(query.with_for_update(read=True)):
        raise InvalidProject("body_id", "unknown", "a body of the network that is not dissolved")


async def count(session: AsyncSession, entity: Any, project_id: UUID) -> int:
    return int(await session.scalar(select(func.count()).where(entity.c.project_id == project_id)) or 0)


def counted(shown_: Shown) -> Counter[str]:
    return Counter({str(kind): number for kind, number in shown_.outcomes.items()})

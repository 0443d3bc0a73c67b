"""Reading reports, and gathering what they are made of: as many statements for ten meetings as for a thousand."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, bindparam, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from services.events.attendance import queries as attendance
from services.events.attendance.queries import Line
from services.events.meetings.queries import body_of, where
from services.events.meetings.rules import Meeting as MeetingRow
from services.events.policy import Right, policy
from services.events.reports.document import (
    Attended,
    Cell,
    Collected,
    Decision,
    Left,
    Material,
    Measured,
    Meeting,
    Organisation,
    Public,
    Scored,
    Subject,
)
from services.events.reports.rules import Report, State, UnknownProject, UnknownReport
from services.events.reports.tables import outcomes, projects, report_files, reports
from services.events.series.rules import UnknownSeries
from services.events.series.tables import series as programmes
from shared.access.actor import Actor
from shared.access.loading import network_id, network_row
from shared.runtime.paging import DEFAULT, Page, page
from shared.runtime.problems import Invalid

# --- what is reported on --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Scope:
    """What a report or an archive is about: the programmes of it, their bodies, and which outcomes belong to it (those
    of the `actions`; of all of the project when there are none). `ballots` and `crossings` were named on top."""

    subject: Subject
    series: Sequence[UUID]
    actions: Sequence[UUID] = ()
    ballots: Sequence[UUID] = ()
    crossings: Sequence[UUID] = ()

    @property
    def network_id(self) -> UUID:
        return self.subject.network_id

    def values(self) -> dict[str, Any]:
        return {
            "network": self.network_id,
            "series": list(self.series),
            "bodies": list(self.subject.bodies),
            "project": self.subject.project_id,
            "actions": list(self.actions),
            "named": list(self.ballots),
            "crossings": list(self.crossings),
            "since": self.subject.since,
            "last_day": self.subject.last_day,
        }


def require(actor: Actor, right: Right, network: UUID, now: datetime) -> None:
    """A report is of the whole network's: who coordinates one territory of it may read, and not write it."""
    policy.require(actor, right, on=now, **where(network, None))


async def of_series(
    session: AsyncSession,
    actor: Actor,
    series_id: UUID,
    right: Right,
    *,
    ballots: Sequence[UUID] = (),
    crossings: Sequence[UUID] = (),
    now: datetime,
) -> Scope:
    """A programme, if the actor has the right in its network. Raises UnknownSeries, Forbidden, Invalid."""
    row = (await session.execute(select(programmes).where(programmes.c.id == series_id))).one_or_none()
    if row is None:
        raise UnknownSeries(series_id)
    require(actor, right, row.network_id, now)
    await _require_own(session, row.network_id, ballots, crossings)
    network = await network_row(session, str(row.network_id))
    own = select(projects.c.title).where(projects.c.id == row.project_id, projects.c.network_id == row.network_id)
    project = await session.scalar(own)
    subject = Subject(
        kind="series",
        id=row.id,
        title=row.title,
        network_id=row.network_id,
        network=network.name,
        language=network.language,
        since=row.since,
        last_day=row.last_day,
        programmes=[row.title],
        project_id=row.project_id,
        project=project,
        bodies=list(row.bodies),
    )
    return Scope(subject, [row.id], [row.action_id] if row.action_id else [], ballots, crossings)


async def of_project(
    session: AsyncSession,
    actor: Actor,
    network: str,
    project_id: UUID,
    right: Right,
    *,
    action: UUID | None = None,
    ballots: Sequence[UUID] = (),
    crossings: Sequence[UUID] = (),
    now: datetime,
) -> Scope:
    """A project with its programmes, or those of one of its actions. Raises NetworkUnknown, Forbidden, UnknownProject,
    Invalid."""
    room = await network_row(session, network)
    require(actor, right, room.id, now)
    found = select(projects).where(projects.c.id == project_id, projects.c.network_id == room.id)
    row = (await session.execute(found)).one_or_none()
    if row is None:
        raise UnknownProject(project_id)
    await _require_own(session, room.id, ballots, crossings)
    query = select(programmes).where(programmes.c.project_id == project_id, programmes.c.network_id == room.id)
    if action is not None:
        query = query.where(programmes.c.action_id == action)
    held = (await session.execute(query.order_by(programmes.c.since, programmes.c.id))).all()
    if action is not None and not held:
        own = select(outcomes.c.id).where(outcomes.c.project_id == project_id, outcomes.c.action_id == action)
        if await session.scalar(own.limit(1)) is None:
            raise Invalid("?action", "unknown", "an action of the project that has a programme or an outcome")
    subject = Subject(
        kind="project",
        id=row.id,
        title=row.title,
        network_id=room.id,
        network=room.name,
        language=room.language,
        since=row.since,
        last_day=row.last_day,
        programmes=[one.title for one in held],
        project_id=row.id,
        project=row.title,
        bodies=list(dict.fromkeys(body for one in held for body in one.bodies)),
    )
    return Scope(subject, [one.id for one in held], [action] if action else [], ballots, crossings)


OWN = text(
    "select 'ballots' as of, id from ballots where id = any(:ballots) and network_id = :network"
    " union all select 'crossings', id from crossings where id = any(:crossings) and network_id = :network"
).bindparams(bindparam("ballots", type_=ARRAY(Uuid)), bindparam("crossings", type_=ARRAY(Uuid)))


async def _require_own(
    session: AsyncSession, network: UUID, ballots: Collection[UUID], crossings: Collection[UUID]
) -> None:
    if not ballots and not crossings:
        return
    given = {"ballots": list(ballots), "crossings": list(crossings), "network": network}
    found = {(row.of, row.id) for row in await session.execute(OWN, given)}
    for name, ids in (("ballots", ballots), ("crossings", crossings)):
        for place, id_ in enumerate(ids):
            if (name, id_) not in found:
                raise Invalid(f"/{name}/{place}", "unknown", f"the id of one of the network's {name}")


# --- gathering ------------------------------------------------------------------------------------------------------

ARRAYS = ("series", "bodies", "actions", "named", "crossings", "ballots")
HELD = "m.series_id = any(:series) and m.state = 'held'"
THERE = "a.mode in ('present', 'remote')"
CALLED = """
    select i.organisation_id, i.person_id from invitations i join meetings m on m.id = i.meeting_id
    where m.series_id = any(:series) and m.state in ('convened', 'held') and i.state = 'issued'
      and i.mandate_id is not null
    union all
    select v.organisation_id, v.person_id from voters v
    where v.ballot_id = any(:ballots) and v.state <> 'withdrawn'
"""
"""Delegates: who was invited to the meetings, or called to a vote without a meeting, by a mandate. A guest who is
invited by name is none."""

MEETINGS = """
    select id, body_id, state, mode, call, quorate from meetings
    where series_id = any(:series) and convened_at is not null order by starts_at, id
"""
ATTENDED = f"""
    select a.organisation_id, m.body_id, m.mode as meeting_mode, a.mode, a.invitation_id is null as guest,
           count(*) as count
    from attendances a join meetings m on m.id = a.meeting_id where {HELD}
    group by 1, 2, 3, 4, 5 order by 1, 2, 3, 4, 5
"""  # noqa: S608 (no value comes from outside, here and below)
FIGURES = f"""
    with called as ({CALLED})
    select (select count(distinct a.person_id) from attendances a join meetings m on m.id = a.meeting_id
            where {HELD} and {THERE}) as people,
           (select count(*) from proxies p join meetings m on m.id = p.meeting_id where {HELD}) as by_proxy,
           (select count(distinct person_id) from called) as delegates,
           (select count(*) from (select person_id from called group by 1 having count(organisation_id) = 0) as alone)
               as without_organisation,
           (select count(*) from meetings m where {HELD} and m.open_to_public) as open_meetings,
           (select count(*) from registrations r join meetings m on m.id = r.meeting_id
            where {HELD} and r.state = 'confirmed') as registered,
           (select count(*) from registrations r join meetings m on m.id = r.meeting_id
            where {HELD} and r.attended) as came
"""  # noqa: S608
ORGANISATIONS = f"""
    select c.organisation_id as id, coalesce(o.kind, '') as kind, o.municipality, bool_or(c.invited) as invited,
           coalesce(o.sections, array[]::text[]) as sections
    from (select organisation_id, true as invited from ({CALLED}) as called
          union all
          select a.organisation_id, false from attendances a join meetings m on m.id = a.meeting_id
          where {HELD} and {THERE}) as c
    left join organisations o on o.id = c.organisation_id
    where c.organisation_id is not null group by 1, 2, 3, 5 order by 1
"""  # noqa: S608
BALLOTS = """
    select b.id, b.outcome from ballots b left join meetings m on m.id = b.meeting_id
    where b.network_id = :network and (m.series_id = any(:series) or b.id = any(:named)
        or b.meeting_id is null and b.body_id = any(:bodies)
           and (b.opened_at at time zone 'Europe/Rome')::date between :since and :last_day)
    order by b.id
"""
"""Those of the meetings, those that the programmes' bodies held without a meeting in their days, and those named."""

DECISIONS = """
    select d.id, d.title, d.kind, b.title as body, m.day as decided_on, d.due, d.state, c.state as commitment,
           c.fulfilled_on
    from decisions d join meetings m on m.id = d.meeting_id left join bodies b on b.id = d.body_id
    left join lateral (select state, fulfilled_on from decision_commitments where decision_id = d.id
                       order by id limit 1) c on true
    where m.series_id = any(:series) order by m.starts_at, d.id
"""
COLLECTIONS = """
    select k.id, k.title, count(c.id) as contributions, count(distinct c.person_id) as contributors,
           count(distinct c.organisation_id) as organisations
    from collections k left join contributions c on c.collection_id = k.id
    where k.series_id = any(:series) group by k.id, k.title order by k.id
"""
CELLS = """
    select t.collection_id, case when :italian then t.it else t.en end as theme, tag, count(*) as count
    from collections k join collection_themes t on t.collection_id = k.id
    join contributions c on c.collection_id = t.collection_id and c.theme = t.code
    cross join lateral unnest(case when c.tags = '{}' then array['untagged'] else c.tags end) tag
    where k.series_id = any(:series) group by t.collection_id, t.position, 2, tag
    order by t.collection_id, t.position, tag
"""
CROSSINGS = """
    select id, title, state, cells, scores, respondents, entitled, cohorts, best, best_left_out from crossings
    where network_id = :network and (ballot_id = any(:ballots) or id = any(:crossings)) order by id
"""
GAPS = """
    select title, competence, body_id, territory, cohort, n, before, after, gain from gaps
    where network_id = :network and (cardinality(:bodies) = 0 or body_id = any(:bodies) or body_id is null
        and assessment_id in (select assessment_id from gaps where body_id = any(:bodies)))
    order by title, assessment_id, competence, num_nonnulls(body_id, territory, cohort), body_id, territory, cohort, id
"""
"""Of the assessments in which a body of the programmes was measured: theirs, and what concerns no body."""

OUTCOMES = """
    select id, kind, title, body_id, territory, day, evidenced from outcomes
    where network_id = :network and project_id = :project
      and (cardinality(:actions) = 0 or action_id = any(:actions)) order by day, id
"""
BODIES = "select id, title from bodies where network_id = :network"


async def gather(session: AsyncSession, scope: Scope) -> Material:
    """All that a report says, as it is in the session's snapshot."""
    given = scope.values() | {"italian": scope.subject.language == "it"}
    ballots = (await _rows(session, BALLOTS, given)).all()
    given |= {"ballots": [row.id for row in ballots]}
    figures = (await _rows(session, FIGURES, given)).one()
    cells: dict[UUID, list[Cell]] = {}
    for row in await _rows(session, CELLS, given):
        cells.setdefault(row.collection_id, []).append(Cell(theme=row.theme, tag=row.tag, count=row.count))
    return Material(
        subject=scope.subject,
        body_names={row.id: row.title for row in await _rows(session, BODIES, given)},
        meetings=[Meeting(*row) for row in await _rows(session, MEETINGS, given)],
        attended=[Attended(*row) for row in await _rows(session, ATTENDED, given)],
        people=figures.people,
        by_proxy=figures.by_proxy,
        organisations=[Organisation(*row) for row in await _rows(session, ORGANISATIONS, given)],
        delegates=figures.delegates,
        without_organisation=figures.without_organisation,
        public=_public(figures),
        decisions=[Decision(*row) for row in await _rows(session, DECISIONS, given)],
        ballots=_outcomes(ballots),
        collections=[
            Collected(
                title=row.title,
                contributions=row.contributions,
                contributors=row.contributors,
                organisations=row.organisations,
                cells=cells.get(row.id, []),
            )
            for row in await _rows(session, COLLECTIONS, given)
        ],
        crossings=[Scored(*row) for row in await _rows(session, CROSSINGS, given)],
        gaps=[Measured(*row) for row in await _rows(session, GAPS, given)],
        outcomes=[Left(*row) for row in await _rows(session, OUTCOMES, given)],
    )


async def _rows(session: AsyncSession, statement: str, given: Mapping[str, Any]) -> Any:
    asked = text(statement)
    names = set(asked._bindparams)
    arrays = [bindparam(name, type_=ARRAY(Uuid)) for name in ARRAYS if name in names]
    if "project" in names:
        arrays.append(bindparam("project", type_=Uuid))
    return await session.execute(asked.bindparams(*arrays), {name: given[name] for name in names})


def _public(figures: Any) -> Public | None:
    if not figures.open_meetings:
        return None
    return Public(meetings=figures.open_meetings, registered=figures.registered, attended=figures.came)


def _outcomes(ballots: Sequence[Any]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for row in ballots:
        if row.outcome is not None:
            counts[row.outcome] = counts.get(row.outcome, 0) + 1
    return counts


async def next_number(session: AsyncSession, subject_id: UUID) -> int:
    return 1 + (await session.scalar(select(func.max(reports.c.number)).where(reports.c.subject_id == subject_id)) or 0)


# --- reading --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Shown:
    """A report with the name of what it is about."""

    report: Report
    subject: str | None

    @property
    def version(self) -> int:
        return self.report.version


SHOWN: Any = (
    select(Report, func.coalesce(programmes.c.title, projects.c.title).label("subject"))
    .outerjoin(programmes, programmes.c.id == reports.c.series_id)
    .outerjoin(projects, projects.c.id == reports.c.project_id)
)


async def shown(session: AsyncSession, report_id: UUID) -> Shown:
    row = (await session.execute(SHOWN.where(reports.c.id == report_id))).one_or_none()
    if row is None:
        raise UnknownReport(report_id)
    return Shown(row[0], row.subject)


async def get(session: AsyncSession, actor: Actor, report_id: UUID, *, now: datetime) -> Shown:
    """A released one for everybody in the network; others for who writes reports. Raises UnknownReport, Forbidden."""
    found = await shown(session, report_id)
    report = found.report
    policy.require(actor, Right.READ_REPORTS, network=report.network_id, on=now)
    if report.state is not State.RELEASED and not may_write(actor, report.network_id, now):
        raise UnknownReport(report_id)
    return found


def may_write(actor: Actor, network: UUID, now: datetime) -> bool:
    return policy.has(actor, Right.WRITE_REPORTS, on=now, **where(network, None))


async def listed(
    session: AsyncSession,
    actor: Actor,
    network: str,
    *,
    series: Sequence[UUID] = (),
    project: Sequence[UUID] = (),
    state: Sequence[State] = (),
    after: str | None = None,
    limit: int = DEFAULT,
    now: datetime,
) -> Page[Shown]:
    """A network's reports in the order in which they were made; for who writes none, the released ones."""
    room = await network_id(session, network)
    policy.require(actor, Right.READ_REPORTS, network=room, on=now)
    query = SHOWN.where(reports.c.network_id == room)
    if not may_write(actor, room, now):
        query = query.where(reports.c.state == State.RELEASED)
    for column, values in ((reports.c.series_id, series), (reports.c.project_id, project), (reports.c.state, state)):
        if values:
            query = query.where(column.in_(values))
    found = await page(session, query, key=[reports.c.id], after=after, limit=limit)
    return Page([Shown(row[0], row.subject) for row in found.items], found.next)


@dataclass(frozen=True)
class File:
    """The document (JSON) or the PDF of a report, its checksum, and the network's row."""

    report: Report
    content: bytes
    sha256: str
    network: Any


async def document(session: AsyncSession, actor: Actor, report_id: UUID, *, now: datetime) -> File:
    report = (await get(session, actor, report_id, now=now)).report
    return await _file(session, report, pdf=False)


async def pdf(session: AsyncSession, actor: Actor, report_id: UUID, *, now: datetime) -> File:
    report = (await get(session, actor, report_id, now=now)).report
    return await _file(session, report, pdf=True)


async def public(
    session: AsyncSession,
    actor: Actor,  # noqa: ARG001 (it shows everybody the same)
    report_id: UUID,
    *,
    pdf: bool,
    now: datetime,  # noqa: ARG001
) -> File:
    """What a released report shows to everybody. Raises UnknownReport for any other."""
    report = await session.get(Report, report_id)
    if report is None or report.state is not State.RELEASED:
        raise UnknownReport(report_id)
    return await _file(session, report, pdf=pdf)


async def _file(session: AsyncSession, report: Report, *, pdf: bool) -> File:
    column = report_files.c.pdf if pdf else report_files.c.document
    content = await session.scalar(select(column).where(report_files.c.report_id == report.id))
    assert content is not None  # they are written together
    network = await network_row(session, str(report.network_id))
    return File(report, bytes(content), report.sha256 if pdf else report.document_sha256, network)


async def for_update(session: AsyncSession, report_id: UUID) -> Report:
    found = await session.get(Report, report_id, with_for_update=True)
    if found is None:
        raise UnknownReport(report_id)
    return found


# --- for the archive ------------------------------------------------------------------------------------------------

SITTINGS = """
    select m.id, m.title, m.starts_at, m.ends_at, m.day, m.mode, m.state, m.call, m.place, b.title as body,
           n.id as minutes_id, n.state as minutes_state, n.number as minutes_number, n.year as minutes_year,
           f.sha256 as minutes_sha256
    from meetings m left join bodies b on b.id = m.body_id left join minutes n on n.meeting_id = m.id
    left join minutes_files f on f.minutes_id = n.id
    where m.series_id = any(:series) and m.convened_at is not null order by m.starts_at, m.id
"""
MINUTES_PDF = text("select content from minutes_files where minutes_id = :id").bindparams(bindparam("id", type_=Uuid))


async def sittings(session: AsyncSession, actor: Actor, scope: Scope, *, now: datetime) -> Sequence[Any]:
    """The meetings of an archive, with their minutes."""
    require(actor, Right.READ_EVIDENCE, scope.network_id, now)
    return list(await _rows(session, SITTINGS, scope.values()))


async def decided(session: AsyncSession, actor: Actor, scope: Scope, *, now: datetime) -> Sequence[Any]:
    require(actor, Right.READ_EVIDENCE, scope.network_id, now)
    return list(await _rows(session, DECISIONS, scope.values()))


async def left(session: AsyncSession, actor: Actor, scope: Scope, *, now: datetime) -> Sequence[Any]:
    require(actor, Right.READ_EVIDENCE, scope.network_id, now)
    bodies = {row.id: row.title for row in await _rows(session, BODIES, scope.values())}
    return [(row, bodies.get(row.body_id)) for row in await _rows(session, OUTCOMES, scope.values())]


async def minutes_pdf(
    session: AsyncSession, actor: Actor, scope: Scope, minutes_id: UUID, *, now: datetime
) -> bytes | None:
    require(actor, Right.READ_EVIDENCE, scope.network_id, now)
    found = await session.scalar(MINUTES_PDF, {"id": minutes_id})
    return bytes(found) if found is not None else None


async def roll(session: AsyncSession, actor: Actor, scope: Scope, meeting_id: UUID, *, now: datetime) -> Sequence[Line]:
    """Who was invited to a meeting or came, and as what they were recorded."""
    require(actor, Right.READ_EVIDENCE, scope.network_id, now)
    meeting = await session.get_one(MeetingRow, meeting_id)
    return await attendance.all_lines(session, meeting, await body_of(session, meeting.network_id, meeting.body_id))


async def latest(session: AsyncSession, actor: Actor, scope: Scope, *, now: datetime) -> tuple[Report, Any] | None:
    """The released report of the subject with its files, or else the last that was made and not withdrawn."""
    require(actor, Right.READ_EVIDENCE, scope.network_id, now)
    of = reports.c.subject_id == scope.subject.id
    query = select(Report).where(reports.c.network_id == scope.network_id, of, reports.c.state != State.WITHDRAWN)
    ranked = query.order_by((reports.c.state == State.RELEASED).desc(), reports.c.number.desc()).limit(1)
    report = await session.scalar(ranked)
    if report is None:
        return None
    return report, (await session.execute(select(report_files).where(report_files.c.report_id == report.id))).one()

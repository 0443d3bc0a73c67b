"""Reading assessments: the secretariat what is asked and who has answered, a person their own answers, and whoever may
read figures those of groups. Nobody reads another's answers."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, false, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.learning.assessments.measuring import Of
from services.learning.assessments.rules import (
    Assessment,
    NotPossibleNow,
    Office,
    Part,
    Phase,
    Place,
    RequestState,
    State,
    UnknownAssessment,
    UnknownRequest,
    placed,
)
from services.learning.assessments.tables import assessments, gaps, requests
from services.learning.bodies.tables import bodies
from services.learning.enrolments.rules import State as EnrolmentState
from services.learning.enrolments.tables import enrolments
from services.learning.mandates.tables import HELD, mandates
from services.learning.people.queries import NAME
from services.learning.people.tables import people
from services.learning.policy import Right, policy
from shared import territories
from shared.access.actor import Actor
from shared.access.loading import network_id, network_row
from shared.runtime.paging import DEFAULT, Page, page


@dataclass(frozen=True)
class Asked:
    """Somebody who is asked, without what they answered. `person` is "" while nobody has told it, or once erased."""

    id: UUID
    assessment_id: UUID
    network_id: UUID
    phase: Phase
    person_id: UUID | None
    bodies: tuple[UUID, ...]
    region: str | None
    cohort: str | None
    path_id: UUID | None
    state: RequestState
    answered_at: datetime | None
    entered_by: UUID | None
    version: int
    person: str = ""


@dataclass(frozen=True)
class Own:
    """A request of one's own, with what one answered and what one has so far."""

    asked: Asked
    assessment: Assessment
    answers: Mapping[UUID, int] | None
    draft: Mapping[UUID, int] | None

    @property
    def version(self) -> int:
        return self.asked.version


@dataclass(frozen=True)
class Counted:
    """An assessment, and in each phase how many were asked (and not taken back unanswered) and how many answered."""

    assessment: Assessment
    asked: Mapping[Phase, int]
    answered: Mapping[Phase, int]

    @property
    def version(self) -> int:
        return self.assessment.version


@dataclass(frozen=True)
class Result:
    """A line of the results; of a group that is not shown there are no figures. `name` is the body's."""

    competence: str
    title: str
    of: Of
    body_id: UUID | None
    territory: str | None
    cohort: str | None
    name: str | None
    n: int | None
    before: float | None
    after: float | None
    gain: float | None
    id: UUID


COLUMNS = (
    requests.c.id,
    requests.c.assessment_id,
    requests.c.network_id,
    requests.c.phase,
    requests.c.person_id,
    requests.c.bodies,
    requests.c.region,
    requests.c.cohort,
    requests.c.path_id,
    requests.c.state,
    requests.c.answered_at,
    requests.c.entered_by,
    requests.c.version,
)
ASKED: Select[Any] = select(*COLUMNS, func.coalesce(NAME, "").label("person")).outerjoin(
    people, people.c.id == requests.c.person_id
)
OWN: Select[Any] = (
    select(
        *COLUMNS,
        func.coalesce(NAME, "").label("person"),
        requests.c.answers.label("answers"),
        requests.c.draft.label("draft"),
        Assessment,
    )
    .join(assessments, assessments.c.id == requests.c.assessment_id)
    .outerjoin(people, people.c.id == requests.c.person_id)
)
WIDE = len(COLUMNS) + 1


def own_row(row: Any) -> Own:
    return Own(Asked(*row[:WIDE]), row[WIDE + 2], row[WIDE], row[WIDE + 1])


# --- assessments ----------------------------------------------------------------------------------------------------


async def counted(session: AsyncSession, found: Sequence[Assessment]) -> list[Counted]:
    query = (
        select(requests.c.assessment_id, requests.c.phase, requests.c.state, func.count())
        .where(requests.c.assessment_id.in_([one.id for one in found]))
        .group_by(requests.c.assessment_id, requests.c.phase, requests.c.state)
    )
    counts = {(row[0], row[1], row[2]): row[3] for row in await session.execute(query)} if found else {}

    def of(one: Assessment, *states: RequestState) -> dict[Phase, int]:
        return {phase: sum(counts.get((one.id, phase, state), 0) for state in states) for phase in Phase}

    return [
        Counted(one, of(one, RequestState.ASKED, RequestState.ANSWERED), of(one, RequestState.ANSWERED))
        for one in found
    ]


async def listed(
    session: AsyncSession,
    actor: Actor,
    ref: str,
    *,
    state: Collection[State] = (),
    updated_since: datetime | None = None,
    after: str | None = None,
    limit: int = DEFAULT,
    now: datetime,
) -> Page[Counted]:
    """The assessments of a network, oldest first; who may only read figures is given those that are closed."""
    network = await network_id(session, ref)
    query = select(Assessment).where(assessments.c.network_id == network)
    if not policy.has(actor, Right.READ_ASSESSMENTS, network=network, on=now):
        policy.require(actor, Right.READ_GAPS, network=network, on=now)
        query = query.where(assessments.c.state == State.CLOSED)
    if state:
        query = query.where(assessments.c.state.in_(state))
    if updated_since:
        query = query.where(assessments.c.updated_at >= updated_since)
    found = await page(session, query, key=[assessments.c.id], after=after, limit=limit)
    return Page(await counted(session, found.items), found.next)


async def get(session: AsyncSession, actor: Actor, assessment_id: UUID, *, now: datetime) -> Counted:
    found = await session.get(Assessment, assessment_id)
    if found is None:
        raise UnknownAssessment(assessment_id)
    policy.require(actor, Right.READ_ASSESSMENTS, network=found.network_id, on=now)
    return (await counted(session, [found]))[0]


async def locked(session: AsyncSession, assessment_id: UUID, *, shared: bool = False) -> Assessment:
    """Before any of its requests; `shared` by those who only need it to stay as it is."""
    found = await session.get(Assessment, assessment_id, with_for_update={"read": shared}, populate_existing=True)
    if found is None:
        raise UnknownAssessment(assessment_id)
    return found


async def asked(
    session: AsyncSession,
    actor: Actor,
    assessment_id: UUID,
    *,
    phase: Collection[Phase] = (),
    state: Collection[RequestState] = (),
    updated_since: datetime | None = None,
    after: str | None = None,
    limit: int = DEFAULT,
    now: datetime,
) -> Page[Asked]:
    """Who was asked and who has answered; not what."""
    found = await session.get(Assessment, assessment_id)
    if found is None:
        raise UnknownAssessment(assessment_id)
    policy.require(actor, Right.READ_ASSESSMENTS, network=found.network_id, on=now)
    query = ASKED.where(requests.c.assessment_id == assessment_id)
    if phase:
        query = query.where(requests.c.phase.in_(phase))
    if state:
        query = query.where(requests.c.state.in_(state))
    if updated_since:
        query = query.where(requests.c.updated_at >= updated_since)
    rows = await page(session, query, key=[requests.c.id], after=after, limit=limit)
    return Page([Asked(*row[:WIDE]) for row in rows.items], rows.next)


async def results(
    session: AsyncSession,
    actor: Actor,
    assessment_id: UUID,
    *,
    competence: Collection[str] = (),
    of: Collection[Of] = (),
    body: Collection[UUID] = (),
    after: str | None = None,
    limit: int = DEFAULT,
    now: datetime,
) -> Page[Result]:
    """Figures of groups, nobody's; none before the assessment is closed."""
    found = await session.get(Assessment, assessment_id)
    if found is None:
        raise UnknownAssessment(assessment_id)
    policy.require(actor, Right.READ_GAPS, network=found.network_id, on=now)
    query = _gaps(assessment_id)
    if competence:
        query = query.where(gaps.c.competence.in_(competence))
    if of:
        query = query.where(gaps.c.of.in_(of))
    if body:
        query = query.where(gaps.c.body_id.in_(body))
    rows = await page(session, query, key=[gaps.c.place], after=after, limit=limit)
    return Page(_results(found, rows.items), rows.next)


def _gaps(assessment_id: UUID) -> Select[Any]:
    return (
        select(gaps, bodies.c.title)
        .outerjoin(bodies, bodies.c.id == gaps.c.body_id)
        .where(gaps.c.assessment_id == assessment_id)
    )


def _results(assessment: Assessment, rows: Sequence[Any]) -> list[Result]:
    titles = {one.code: one.title for one in assessment.competences}
    return [
        Result(
            row.competence,
            titles.get(row.competence, row.competence),
            row.of,
            row.body_id,
            row.territory,
            row.cohort,
            _named(row),
            row.n,
            row.before,
            row.after,
            row.gain,
            row.id,
        )
        for row in rows
    ]


def _named(row: Any) -> str | None:
    if row.of is Of.BODY:
        return str(row.title or "")
    if row.of is Of.REGION:
        region = territories.load().region(row.territory)
        return region.name if region is not None else row.territory
    return str(row.cohort) if row.of is Of.COHORT else None


# --- one's own ------------------------------------------------------------------------------------------------------


async def own(
    session: AsyncSession,
    actor: Actor,
    *,
    state: Collection[RequestState] = (),
    now: datetime,  # noqa: ARG001
    after: str | None = None,
    limit: int = DEFAULT,
) -> Page[Own]:
    """What the caller is asked, in all networks. A key is asked nothing."""
    query = OWN.where(requests.c.person_id == actor.person_id if actor.person_id else false())
    if state:
        query = query.where(requests.c.state.in_(state))
    rows = await page(session, query, key=[requests.c.id], after=after, limit=limit)
    return Page([own_row(row) for row in rows.items], rows.next)


async def one(session: AsyncSession, request_id: UUID) -> Own:
    row = (await session.execute(OWN.where(requests.c.id == request_id))).one_or_none()
    if row is None:
        raise UnknownRequest(request_id)
    return own_row(row)


async def request(session: AsyncSession, actor: Actor, request_id: UUID, *, now: datetime) -> Own:  # noqa: ARG001
    """One's own alone; another's is as if there were none. Raises UnknownRequest."""
    found = await one(session, request_id)
    if actor.person_id is None or found.asked.person_id != actor.person_id:
        raise UnknownRequest(request_id)
    return found


async def by_link(
    session: AsyncSession,
    actor: Actor,  # noqa: ARG001
    request_id: UUID,
    *,
    now: datetime,  # noqa: ARG001
) -> tuple[Own, Any, Sequence[Result]]:
    """(request, network, results once it is closed) of a link's subject. Raises UnknownRequest, also when the person
    has been erased since."""
    found = await one(session, request_id)
    if found.asked.person_id is None:
        raise UnknownRequest(request_id)
    figures: Sequence[Result] = ()
    if found.assessment.state is State.CLOSED:
        rows = (await session.execute(_gaps(found.assessment.id).order_by(gaps.c.place))).all()
        figures = _results(found.assessment, rows)
    return found, await network_row(session, str(found.asked.network_id)), figures


# --- who is of the audience -----------------------------------------------------------------------------------------


async def audience(
    session: AsyncSession, assessment: Assessment, only: Collection[UUID] | None = None
) -> dict[UUID, Place]:
    """Who is of it today, and where each counts; of `only` these people, if they are said. Nobody who was erased."""
    parts = assessment.audience
    named = {person for part in parts for person in part.people}
    on_paths = await _on_paths(session, parts, only)
    known = await _known(session, named if only is None else named & set(only))
    offices = await _offices(session, assessment.network_id, parts, {person for person, _ in on_paths} | known, only)
    found = placed(parts, offices, on_paths, known)
    gone = select(people.c.id).where(people.c.id.in_(found), people.c.erased_at.is_not(None))
    for person in (await session.execute(gone)).scalars():
        found.pop(person)
    return found


async def _offices(
    session: AsyncSession,
    network: UUID,
    parts: Sequence[Part],
    others: Collection[UUID],
    only: Collection[UUID] | None,
) -> list[Office]:
    """The mandates held in the network: by all, when some part asks for them; else by those who are asked anyway."""
    query = (
        select(
            mandates.c.person_id,
            mandates.c.role,
            mandates.c.body_id,
            mandates.c.within,
            func.coalesce(mandates.c.territory, bodies.c.territory),
        )
        .outerjoin(bodies, bodies.c.id == mandates.c.body_id)
        .where(mandates.c.network_id == network, mandates.c.state.in_(HELD))
        .order_by(mandates.c.since, mandates.c.id)
    )
    if only is not None:
        query = query.where(mandates.c.person_id.in_(only))
    elif not any(part.by_mandate for part in parts):
        query = query.where(mandates.c.person_id.in_(others))
    return [
        Office(row[0], row[1], row[2], frozenset(row[3]), region_of(row[4])) for row in await session.execute(query)
    ]


def region_of(territory: str | None) -> str | None:
    """The region in which a territory lies; of a wider one, none."""
    if territory is None:
        return None
    italy = territories.load()
    municipality, province = italy.today(territory), italy.province(territory)
    if municipality is not None:
        return municipality.region
    if province is not None:
        return province.region
    return territory if italy.region(territory) is not None else None


async def _on_paths(
    session: AsyncSession, parts: Sequence[Part], only: Collection[UUID] | None
) -> list[tuple[UUID, UUID]]:
    paths = {path for part in parts for path in part.paths}
    if not paths:
        return []
    query = select(enrolments.c.person_id, enrolments.c.path_id).where(
        enrolments.c.path_id.in_(paths),
        enrolments.c.person_id.is_not(None),
        enrolments.c.state != EnrolmentState.ENDED,
    )
    if only is not None:
        query = query.where(enrolments.c.person_id.in_(only))
    return [(row[0], row[1]) for row in await session.execute(query)]


async def _known(session: AsyncSession, named: Collection[UUID]) -> set[UUID]:
    if not named:
        return set()
    query = select(people.c.id).where(people.c.id.in_(named), people.c.erased_at.is_(None))
    return set((await session.execute(query)).scalars())


async def to_be_closed(session: AsyncSession, ids: Collection[UUID], on: date) -> list[Assessment]:
    """Those of them whose open phase is over, locked."""
    query = select(Assessment).where(assessments.c.id.in_(ids), assessments.c.closes_on < on).order_by(assessments.c.id)
    return list((await session.execute(query.with_for_update())).scalars())


async def template(
    session: AsyncSession, actor: Actor, assessment_id: UUID, *, now: datetime
) -> tuple[Assessment, Sequence[tuple[UUID, str]]]:
    """(assessment, (request, name) of those who are still asked in the open phase, by name). Raises NotPossibleNow."""
    found = await session.get(Assessment, assessment_id)
    if found is None:
        raise UnknownAssessment(assessment_id)
    policy.require(actor, Right.ENTER_ANSWERS, network=found.network_id, on=now)
    if found.phase is None:
        raise NotPossibleNow("enter", found.state)
    query = (
        select(requests.c.id, func.coalesce(NAME, ""))
        .outerjoin(people, people.c.id == requests.c.person_id)
        .where(
            requests.c.assessment_id == assessment_id,
            requests.c.phase == found.phase,
            requests.c.state == RequestState.ASKED,
        )
        .order_by(people.c.family_name, people.c.given_name, requests.c.id)
    )
    return found, [(row[0], row[1]) for row in await session.execute(query)]

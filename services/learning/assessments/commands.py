"""What may be done with assessments: written, opened, answered, closed and measured.

An assessment's row is locked before its requests, so that nobody answers a phase that is being closed and nobody is
asked twice. Asking and closing are set-based: an audience of ten thousand costs a handful of statements.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Annotated, Any
from uuid import NAMESPACE_URL, UUID, uuid5

from pydantic import Field, StringConstraints
from sqlalchemy import ARRAY, Select, Text, Uuid, bindparam, cast, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from services.learning.assessments import queries, rules
from services.learning.assessments.files import Row
from services.learning.assessments.measuring import Figure, Measured, Of, figures
from services.learning.assessments.queries import Asked, Counted, Own
from services.learning.assessments.rules import (
    AnsweredThemselves,
    AnswersRefused,
    Assessment,
    Competence,
    Item,
    Kind,
    Option,
    Part,
    Phase,
    PhaseOver,
    Place,
    RequestState,
    UnknownRequest,
    Wrong,
)
from services.learning.assessments.tables import Answers, assessments, gaps, requests
from services.learning.bodies.queries import of_others
from services.learning.paths.tables import paths
from services.learning.people import queries as people
from services.learning.people.tables import people as people_table
from services.learning.policy import Right, policy
from shared import territories
from shared.access.actor import EARLIEST, LATEST, ROME, Actor, day
from shared.access.loading import network_id
from shared.access.roles import Role
from shared.contracts.learning import (
    AssessmentAnswered,
    AssessmentAsked,
    AssessmentRequestChanged,
    AssessmentRequestState,
    AssessmentRequestWithdrawn,
    GapMeasured,
)
from shared.messaging import stage
from shared.messaging.context import Cause, caused_by
from shared.runtime import due
from shared.runtime.problems import Invalid, expect
from shared.runtime.shapes import NOT_GIVEN, Request, line

DUE = "assessment-closes"
CODE = r"^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$"
"""Of a competence."""
Line = Annotated[str, line(200)]
Words = Annotated[str, StringConstraints(strip_whitespace=True, max_length=4000, pattern=r"^[^\x00]*$")]
Label = Annotated[str, StringConstraints(strip_whitespace=True, max_length=80, pattern=r"^[^\x00-\x1f]*$")]
Day = Annotated[date, Field(ge=EARLIEST, le=LATEST)]
Ids = Annotated[tuple[UUID, ...], Field(max_length=500)]


class OptionBody(Request):
    text: Line
    points: int = Field(ge=0, le=1000)


class ItemBody(Request):
    """A rating from 1 to `steps`; or, of the kind choice, one of the `options`, each worth so many points."""

    text: Line = Field(examples=["So leggere il bilancio di un ente del terzo settore."])
    kind: Kind = Kind.SCALE
    steps: int = Field(default=5, ge=2, le=10)
    lowest: Label = Field(default="", examples=["per niente"])
    highest: Label = Field(default="", examples=["molto bene"])
    options: tuple[OptionBody, ...] = Field(default=(), max_length=20)


class CompetenceBody(Request):
    """What is assessed; its items weigh alike."""

    code: str = Field(pattern=CODE, examples=["coprogettazione"])
    title: Line = Field(examples=["Co-progettazione"])
    items: tuple[ItemBody, ...] = Field(min_length=1, max_length=rules.MOST_ITEMS)


class PartBody(Request):
    """Part of whom to ask: who holds a mandate with one of `roles`, in one of `bodies` and in one of `territories` (or
    what lies in it); or who is on one of `paths`; or `people`. `cohort` names it, to be measured by itself."""

    cohort: Line | None = Field(default=None, examples=["Delegati"])
    roles: tuple[Role, ...] = Field(default=(), max_length=len(Role))
    bodies: Ids = ()
    territories: tuple[Annotated[str, Field(max_length=10)], ...] = Field(default=(), max_length=100)
    paths: Ids = ()
    people: Ids = ()


class AssessmentBody(Request):
    title: Line = Field(examples=["Che cosa sappiamo fare"])
    description: Words = ""
    competences: tuple[CompetenceBody, ...] = Field(default=(), max_length=50)
    audience: tuple[PartBody, ...] = Field(default=(), max_length=50)


class AssessmentChange(Request):
    """Only what is given changes; `competences` and `audience` only while it is a draft, `closes_on` only while a phase
    is open."""

    title: Line = NOT_GIVEN
    description: Words = NOT_GIVEN
    competences: tuple[CompetenceBody, ...] = Field(default_factory=tuple, max_length=50)
    audience: tuple[PartBody, ...] = Field(default_factory=tuple, max_length=50)
    closes_on: Day = NOT_GIVEN


class OpenBody(Request):
    closes_on: Day = Field(description="The last day on which it is answered")


class AnswersBody(Request):
    """An answer for each item, by its id: a number from 1 to its `largest`."""

    answers: dict[Annotated[str, Field(max_length=80)], Any] = Field(max_length=2 * rules.MOST_ITEMS)


# --- written --------------------------------------------------------------------------------------------------------


async def create(session: AsyncSession, actor: Actor, ref: str, request: AssessmentBody, *, now: datetime) -> Counted:
    """A draft: nobody is asked. Raises Unfit."""
    network = await network_id(session, ref)
    policy.require(actor, Right.WRITE_ASSESSMENTS, network=network, on=now)
    await require_known(session, network, request.audience)
    assessment = Assessment(
        network,
        request.title,
        request.description,
        competences_of(request.competences),
        audience_of(request.audience),
    )
    session.add(assessment)
    await session.flush()
    return (await queries.counted(session, [assessment]))[0]


async def change(
    session: AsyncSession,
    actor: Actor,
    assessment_id: UUID,
    request: AssessmentChange,
    *,
    expected: int | None,
    now: datetime,
) -> Counted:
    """Raises NotPossibleNow, FixedOnceOpened, Unfit."""
    assessment = await writable(session, actor, assessment_id, expected, now)
    changes: dict[str, Any] = {name: getattr(request, name) for name in request.model_fields_set}
    if "competences" in changes:
        changes["competences"] = competences_of(request.competences)
    if "audience" in changes:
        await require_known(session, assessment.network_id, request.audience)
        changes["audience"] = audience_of(request.audience)
    moved = changes.get("closes_on", assessment.closes_on) != assessment.closes_on
    assessment.change(changes, day(now))
    await session.flush()
    if moved:
        await schedule(session, assessment)
        await retell(session, assessment)
    return (await queries.counted(session, [assessment]))[0]


def competences_of(given: Iterable[CompetenceBody]) -> tuple[Competence, ...]:
    return tuple(
        Competence(one.code, one.title, tuple(Item(**{**dict(item), "options": _options(item)}) for item in one.items))
        for one in given
    )


def _options(item: ItemBody) -> tuple[Option, ...]:
    return tuple(Option(option.text, option.points) for option in item.options)


def audience_of(given: Iterable[PartBody]) -> tuple[Part, ...]:
    """As it is kept; of what `require_known` has let pass."""
    italy = territories.load()
    return tuple(
        Part(
            **{
                **dict(part),
                "roles": tuple(str(role) for role in part.roles),
                "territories": tuple(italy.code_of(code) or code for code in part.territories),
            }
        )
        for part in given
    )


async def require_known(session: AsyncSession, network: UUID, audience: Sequence[PartBody]) -> None:
    """Territories exist, paths and bodies are the network's, and named people are of it: nobody learns by naming
    somebody whether they are known elsewhere."""
    italy = territories.load()
    for place, part in enumerate(audience):
        at = f"/audience/{place}"
        for territory in part.territories:
            if italy.code_of(territory) is None:
                raise Invalid(f"{at}/territories", "unknown", "codes of regions, provinces or municipalities")
        if part.paths:
            of = select(paths.c.id).where(paths.c.id.in_(part.paths), paths.c.network_id == network)
            if set((await session.execute(of)).scalars()) != set(part.paths):
                raise Invalid(f"{at}/paths", "unknown", "paths of this network")
        if await of_others(session, network, part.bodies):
            raise Invalid(f"{at}/bodies", "unknown", "bodies of this network")
        if part.people and await people.strangers(session, part.people, network):
            raise Invalid(f"{at}/people", "unknown", "people whom the network entered, or gave a mandate")


async def writable(
    session: AsyncSession, actor: Actor, assessment_id: UUID, expected: int | None, now: datetime
) -> Assessment:
    assessment = await queries.locked(session, assessment_id)
    policy.require(actor, Right.WRITE_ASSESSMENTS, network=assessment.network_id, on=now)
    expect(expected, assessment.version)
    return assessment


async def schedule(session: AsyncSession, assessment: Assessment) -> None:
    """It closes when its last day has passed, as days go in Italy."""
    if assessment.closes_on is None:
        await due.cancel(session, DUE, assessment.id)
    else:
        over = datetime.combine(assessment.closes_on + timedelta(days=1), time(), ROME)
        await due.schedule(session, DUE, assessment.id, over)


# --- opened and closed ----------------------------------------------------------------------------------------------


async def open_(
    session: AsyncSession,
    actor: Actor,
    assessment_id: UUID,
    request: OpenBody,
    *,
    expected: int | None,
    now: datetime,
) -> Counted:
    """The next phase. Before, the whole audience is asked; after, those who answered before and are of it still.
    Raises NotPossibleNow, Unfit."""
    assessment = await writable(session, actor, assessment_id, expected, now)
    phase = assessment.open(request.closes_on, day(now))
    await session.flush()
    await schedule(session, assessment)
    audience = await queries.audience(session, assessment)
    if phase is Phase.AFTER:
        audience = await _answered_before(session, assessment, audience)
    await ask(session, assessment, phase, audience)
    return (await queries.counted(session, [assessment]))[0]


async def _answered_before(
    session: AsyncSession, assessment: Assessment, audience: Collection[UUID]
) -> dict[UUID, Place]:
    """Where they counted then is where they count now."""
    query = select(
        requests.c.person_id, requests.c.bodies, requests.c.region, requests.c.cohort, requests.c.path_id
    ).where(
        requests.c.assessment_id == assessment.id,
        requests.c.phase == Phase.BEFORE,
        requests.c.state == RequestState.ANSWERED,
        requests.c.person_id.is_not(None),
    )
    return {row[0]: Place(*row[1:]) for row in await session.execute(query) if row[0] in audience}


async def ask(
    session: AsyncSession, assessment: Assessment, phase: Phase, audience: Mapping[UUID, Place]
) -> list[UUID]:
    """Asks these people, once each; one whose request was taken back before they answered is asked again. Gives those
    who were."""
    if not audience:
        return []
    await people.hold_all_fast(session, audience)  # nobody is erased between being read and being asked
    there = select(people_table.c.id).where(people_table.c.id.in_(audience), people_table.c.erased_at.is_not(None))
    gone = set((await session.execute(there)).scalars())
    rows = [
        {
            "id": uuid7(),
            "assessment_id": assessment.id,
            "network_id": assessment.network_id,
            "phase": phase,
            "person_id": person,
            "bodies": place.bodies,
            "region": place.region,
            "cohort": place.cohort,
            "path_id": place.path_id,
            "state": RequestState.ASKED,
            "version": 1,
        }
        for person, place in sorted(audience.items())
        if person not in gone
    ]
    statement = insert(requests)
    again = statement.on_conflict_do_update(
        index_elements=["assessment_id", "phase", "person_id"],
        set_={"state": RequestState.ASKED, "version": requests.c.version + 1, "updated_at": text("now()")},
        where=requests.c.state == RequestState.WITHDRAWN,
    ).returning(*queries.COLUMNS)
    told: list[Asked] = []
    for start in range(0, len(rows), 1000):
        told += [Asked(*row) for row in await session.execute(again, rows[start : start + 1000])]
    await stage(session, *(state_of(AssessmentAsked, one, assessment) for one in told))
    return [one.person_id for one in told if one.person_id is not None]


async def close(
    session: AsyncSession, actor: Actor, assessment_id: UUID, *, expected: int | None, now: datetime
) -> Counted:
    """The phase that is open, before its last day. Raises NotPossibleNow."""
    assessment = await writable(session, actor, assessment_id, expected, now)
    await _close(session, assessment, now)
    await due.cancel(session, DUE, assessment.id)
    return (await queries.counted(session, [assessment]))[0]


async def close_those_over(session: AsyncSession, ids: Sequence[UUID], now: datetime) -> None:
    """The last day of their phase has passed. One whose last day was moved meanwhile has been scheduled anew."""
    for assessment in await queries.to_be_closed(session, ids, day(now)):
        await _close(session, assessment, now)


async def _close(session: AsyncSession, assessment: Assessment, now: datetime) -> None:
    """Whoever has not answered is asked no more; after the second phase it is measured, once."""
    phase = assessment.close(day(now))
    await session.flush()
    await take_back(session, assessment)
    if phase is Phase.AFTER:
        await measure(session, assessment)


async def withdraw(
    session: AsyncSession, actor: Actor, assessment_id: UUID, *, expected: int | None, now: datetime
) -> Counted:
    """Given up: nobody is asked any more, nothing is measured, and what was answered goes. Raises NotPossibleNow."""
    assessment = await writable(session, actor, assessment_id, expected, now)
    assessment.withdraw()
    await session.flush()
    await due.cancel(session, DUE, assessment.id)
    await take_back(session, assessment)
    empty = {"answers": None, "draft": None}
    await session.execute(update(requests).where(requests.c.assessment_id == assessment.id).values(**empty))
    return (await queries.counted(session, [assessment]))[0]


async def take_back(session: AsyncSession, assessment: Assessment, people_: Collection[UUID] | None = None) -> None:
    """The requests of an assessment that nobody has answered yet; of these people, if they are said."""
    gone = (
        update(requests)
        .where(requests.c.assessment_id == assessment.id, requests.c.state == RequestState.ASKED)
        .values(state=RequestState.WITHDRAWN, draft=None, version=requests.c.version + 1, updated_at=text("now()"))
        .returning(*queries.COLUMNS)
    )
    if people_ is not None:
        gone = gone.where(requests.c.person_id.in_(people_))
    rows = [Asked(*row) for row in await session.execute(gone)]
    await stage(session, *(state_of(AssessmentRequestWithdrawn, one, assessment) for one in rows))


async def retell(session: AsyncSession, assessment: Assessment) -> None:
    """Whoever is asked is told the new last day."""
    moved = (
        update(requests)
        .where(requests.c.assessment_id == assessment.id, requests.c.state == RequestState.ASKED)
        .values(version=requests.c.version + 1, updated_at=text("now()"))
        .returning(*queries.COLUMNS)
    )
    rows = [Asked(*row) for row in await session.execute(moved)]
    await stage(session, *(state_of(AssessmentRequestChanged, one, assessment) for one in rows))


def state_of(
    fact: type[AssessmentRequestState], asked: Asked, assessment: Assessment, state: RequestState | None = None
) -> AssessmentRequestState:
    assert asked.person_id is not None  # nothing is told of the erased
    return fact(
        id=asked.id,
        version=asked.version,
        network_id=asked.network_id,
        assessment_id=assessment.id,
        title=assessment.title,
        phase=asked.phase,
        person_id=asked.person_id,
        body_id=asked.bodies[0] if asked.bodies else None,
        path_id=asked.path_id,
        state=state or asked.state,
        closes_on=assessment.closes_on,
    )


# --- measured -------------------------------------------------------------------------------------------------------


async def measure(session: AsyncSession, assessment: Assessment) -> None:
    """The figures of each competence in each group, kept and told: of those groups alone that may be shown."""
    people_ = await _measured(session, assessment)
    found = await asyncio.to_thread(figures, assessment.competences, people_)
    if not found:
        return
    kept = [_kept(assessment, number, figure) for number, figure in enumerate(found)]
    await session.execute(insert(gaps), kept)
    titles = {one.code: one.title for one in assessment.competences}
    await stage(session, *(_told(assessment, row, titles) for row in kept if row["n"] is not None))


async def _measured(session: AsyncSession, assessment: Assessment) -> list[Measured]:
    """Those who were assessed both times. Paired here: of requests that have just been answered the planner knows
    nothing, and joining them with each other timed out with ten thousand people."""
    query = select(
        requests.c.phase,
        requests.c.person_id,
        requests.c.bodies,
        requests.c.region,
        requests.c.cohort,
        requests.c.answers,
    ).where(
        requests.c.assessment_id == assessment.id,
        requests.c.state == RequestState.ANSWERED,
        requests.c.person_id.is_not(None),
        requests.c.answers.is_not(None),
    )
    before: dict[UUID, tuple[Place, dict[UUID, int]]] = {}
    after: dict[UUID, dict[UUID, int]] = {}
    for row in await session.execute(query.order_by(requests.c.id)):
        if row[0] is Phase.BEFORE:
            before[row[1]] = (Place(*row[2:5]), row[5])
        else:
            after[row[1]] = row[5]
    return [Measured(place, first, after[who]) for who, (place, first) in before.items() if who in after]


def _kept(assessment: Assessment, place: int, figure: Figure) -> dict[str, Any]:
    """The id follows from what is measured: the same group of the same competence has the same one."""
    group = figure.group
    name = f"urn:trama:gap:{assessment.id}:{figure.competence}:{group.of}:{group.key}"
    return {
        "id": uuid5(NAMESPACE_URL, name),
        "assessment_id": assessment.id,
        "place": place,
        "competence": figure.competence,
        "of": group.of,
        "body_id": UUID(group.key) if group.of is Of.BODY else None,
        "territory": group.key if group.of is Of.REGION else None,
        "cohort": group.key if group.of is Of.COHORT else None,
        "n": figure.n,
        "before": figure.before,
        "after": figure.after,
        "gain": figure.gain,
    }


def _told(assessment: Assessment, row: Mapping[str, Any], titles: Mapping[str, str]) -> GapMeasured:
    return GapMeasured(
        id=row["id"],
        version=1,
        network_id=assessment.network_id,
        assessment_id=assessment.id,
        title=assessment.title,
        competence=titles[row["competence"]],
        body_id=row["body_id"],
        territory=row["territory"],
        cohort=row["cohort"],
        n=row["n"],
        before=row["before"],
        after=row["after"],
        gain=row["gain"],
    )


# --- answered -------------------------------------------------------------------------------------------------------


async def answer(session: AsyncSession, actor: Actor, request_id: UUID, request: AnswersBody, *, now: datetime) -> Own:
    """One's own answers, whole; again while the phase is open. Raises UnknownRequest, PhaseOver, AnswersRefused."""
    assessment, own = await answerable(session, request_id)
    require_own(actor, own)
    return await _answer(session, assessment, own, request.answers, now)


async def answer_by_link(
    session: AsyncSession,
    actor: Actor,  # noqa: ARG001 (the signed link is the right)
    request_id: UUID,
    given: Mapping[str, Any],
    *,
    now: datetime,
) -> Own:
    assessment, own = await answerable(session, request_id)
    if own.asked.person_id is None:
        raise UnknownRequest(request_id)
    return await _answer(session, assessment, own, given, now)


async def enter(session: AsyncSession, actor: Actor, request_id: UUID, request: AnswersBody, *, now: datetime) -> Asked:
    """What somebody answered on paper, recorded as entered by whoever types it; never over what they answered
    themselves. Raises UnknownRequest, PhaseOver, AnsweredThemselves, AnswersRefused."""
    assessment, own = await answerable(session, request_id)
    policy.require(actor, Right.ENTER_ANSWERS, network=assessment.network_id, on=now)
    require_on_behalf(own.asked)
    entered = await _answer(session, assessment, own, request.answers, now, by=actor.person_id or actor.key_id)
    return entered.asked


async def save(
    session: AsyncSession,
    actor: Actor,
    request_id: UUID,
    request: AnswersBody,
    *,
    now: datetime,  # noqa: ARG001
) -> Own:
    """What one has answered so far, to go on later. Raises UnknownRequest, PhaseOver, AnswersRefused."""
    assessment, own = await answerable(session, request_id)
    require_own(actor, own)
    return await _save(session, assessment, own, request.answers)


async def save_by_link(
    session: AsyncSession,
    actor: Actor,  # noqa: ARG001 (the signed link is the right)
    request_id: UUID,
    given: Mapping[str, Any],
    *,
    now: datetime,  # noqa: ARG001
) -> Own:
    assessment, own = await answerable(session, request_id)
    if own.asked.person_id is None:
        raise UnknownRequest(request_id)
    return await _save(session, assessment, own, given)


async def answerable(session: AsyncSession, request_id: UUID) -> tuple[Assessment, Own]:
    """The request locked, with its assessment, which stays as it is. Raises UnknownRequest."""
    of = await session.scalar(select(requests.c.assessment_id).where(requests.c.id == request_id))
    if of is None:
        raise UnknownRequest(request_id)
    assessment = await queries.locked(session, of, shared=True)
    await session.execute(select(requests.c.id).where(requests.c.id == request_id).with_for_update())
    return assessment, await queries.one(session, request_id)


def require_own(actor: Actor, own: Own) -> None:
    if actor.person_id is None or actor.person_id != own.asked.person_id:
        raise UnknownRequest(own.asked.id)


def require_on_behalf(asked: Asked) -> None:
    if asked.person_id is None:
        raise UnknownRequest(asked.id)
    if asked.state is RequestState.ANSWERED and asked.entered_by is None:
        raise AnsweredThemselves(asked.id)


def require_open(assessment: Assessment, asked: Asked) -> None:
    if asked.state is RequestState.WITHDRAWN or assessment.phase is not asked.phase:
        raise PhaseOver(asked.id)


async def _answer(
    session: AsyncSession,
    assessment: Assessment,
    own: Own,
    given: Mapping[str, Any],
    now: datetime,
    by: UUID | None = None,
) -> Own:
    require_open(assessment, own.asked)
    answers = rules.read(assessment.items, given, whole=True)
    await session.execute(
        update(requests)
        .where(requests.c.id == own.asked.id)
        .values(
            state=RequestState.ANSWERED,
            answers=answers,
            draft=None,
            answered_at=now,
            entered_by=by,
            version=requests.c.version + 1,
            updated_at=text("now()"),
        )
    )
    after = await queries.one(session, own.asked.id)
    if own.asked.state is not RequestState.ANSWERED:
        await stage(session, state_of(AssessmentAnswered, after.asked, assessment))
    return after


async def _save(session: AsyncSession, assessment: Assessment, own: Own, given: Mapping[str, Any]) -> Own:
    """A draft is nobody else's business, so nothing is told and the version stays."""
    require_open(assessment, own.asked)
    draft = rules.read(
        assessment.items, {name: value for name, value in given.items() if value is not None}, whole=False
    )
    await session.execute(update(requests).where(requests.c.id == own.asked.id).values(draft=draft))
    return await queries.one(session, own.asked.id)


async def enter_file(
    session: AsyncSession, actor: Actor, assessment_id: UUID, read: Any, *, now: datetime
) -> list[Asked]:
    """Many people's answers on paper: all of the file, or nothing of it. `read` makes rows of the file, given the
    assessment. Raises UnknownAssessment, NotPossibleNow, Unreadable, AnswersRefused."""
    assessment = await queries.locked(session, assessment_id)
    policy.require(actor, Right.ENTER_ANSWERS, network=assessment.network_id, on=now)
    if assessment.phase is None:
        raise rules.NotPossibleNow("enter", assessment.state)
    rows: Sequence[Row] = await read(assessment)
    found = await _of_phase(session, assessment, [row.request_id for row in rows])
    wrong: list[Wrong] = []
    values: list[dict[str, Any]] = []
    for row in rows:
        wrong += row.wrong or _refused(row, found.get(row.request_id), assessment)
        values.append({"at_id": row.request_id, "given": row.answers})
    if wrong:
        raise AnswersRefused(wrong[:MOST_ERRORS])
    by = actor.person_id or actor.key_id
    written = (
        update(requests)
        .where(requests.c.id == bindparam("at_id"))
        .values(
            state=RequestState.ANSWERED,
            answers=bindparam("given", type_=Answers),
            draft=None,
            answered_at=now,
            entered_by=by,
            version=requests.c.version + 1,
            updated_at=text("now()"),
        )
        .execution_options(synchronize_session=False)
    )
    connection = await session.connection()
    await connection.execute(written, values)
    new = [one for one in found.values() if one.state is RequestState.ASKED]
    told = [replace(one, version=one.version + 1, state=RequestState.ANSWERED) for one in new]
    await stage(session, *(state_of(AssessmentAnswered, one, assessment) for one in told))
    return list((await _of_phase(session, assessment, [row.request_id for row in rows])).values())


MOST_ERRORS = 200


async def _of_phase(session: AsyncSession, assessment: Assessment, ids: Sequence[UUID]) -> dict[UUID, Asked]:
    query: Select[Any] = (
        select(*queries.COLUMNS)
        .where(requests.c.assessment_id == assessment.id, requests.c.phase == assessment.phase, requests.c.id.in_(ids))
        .order_by(requests.c.id)
        .with_for_update()
    )
    return {row[0]: Asked(*row) for row in await session.execute(query)}


def _refused(row: Row, asked: Asked | None, assessment: Assessment) -> list[Wrong]:
    at = f"/rows/{row.line}/request"
    if asked is None or asked.person_id is None or asked.state is RequestState.WITHDRAWN:
        return [Wrong(at, "unknown", f"somebody who is asked in the phase {assessment.phase}, as the template has it")]
    if asked.state is RequestState.ANSWERED and asked.entered_by is None:
        return [Wrong(at, "answered", "somebody who has not answered by themselves")]
    return []


# --- following what happens to people -------------------------------------------------------------------------------

OPEN = select(Assessment).where(assessments.c.state.in_(["before", "after"]))


async def follow(
    session: AsyncSession, network: UUID, people_: Collection[UUID], *, cause: Cause | None = None, now: datetime
) -> None:
    """Something changed in what makes these people part of an audience: whoever came into it is asked while the first
    phase is open, and whoever left it is asked no more."""
    query = OPEN.where(assessments.c.network_id == network).order_by(assessments.c.id).with_for_update()
    for assessment in (await session.execute(query)).scalars():
        of_it = await queries.audience(session, assessment, set(people_))
        if cause is None:
            await _follow(session, assessment, set(people_), of_it)
        else:
            with caused_by(replace(cause, at=now)):
                await _follow(session, assessment, set(people_), of_it)


async def _follow(
    session: AsyncSession, assessment: Assessment, people_: set[UUID], of_it: Mapping[UUID, Place]
) -> None:
    if left := people_ - of_it.keys():
        await take_back(session, assessment, left)
    if assessment.phase is Phase.BEFORE:
        await ask(session, assessment, Phase.BEFORE, of_it)
    else:
        await ask(session, assessment, Phase.AFTER, await _answered_before(session, assessment, of_it))


FORGET = text(
    """
    update assessment_requests set person_id = null, answers = null, draft = null, version = version + 1
    where person_id = any(:people)
    """
).bindparams(bindparam("people", type_=ARRAY(Uuid)))


async def forget(session: AsyncSession, causes: Mapping[UUID, Cause], now: datetime) -> None:
    """What they were asked is taken back, what they answered goes; figures that were told stay."""
    query = (
        OPEN.join(requests, requests.c.assessment_id == assessments.c.id)
        .where(requests.c.person_id.in_(causes), requests.c.state == RequestState.ASKED)
        .order_by(assessments.c.id)
        .with_for_update(of=assessments)
    )
    open_ = list((await session.execute(query)).scalars().unique())
    for person, cause in sorted(causes.items(), key=lambda each: each[0]):
        with caused_by(replace(cause, at=now)):
            for assessment in open_:
                await take_back(session, assessment, [person])
    await session.execute(FORGET, {"people": sorted(causes)})
    await _rename(session, dict.fromkeys(causes))


async def _rename(session: AsyncSession, people_: Mapping[UUID, UUID | None]) -> None:
    """In audiences that name people."""
    naming = [cast(assessments.c.audience, Text).contains(str(person)) for person in people_]
    query = select(Assessment).where(or_(*naming)).order_by(assessments.c.id).with_for_update()
    for assessment in (await session.execute(query.execution_options(populate_existing=True))).scalars():
        assessment.audience = rules.renamed(assessment.audience, people_)
    await session.flush()


MERGED = text(
    """
    select g.id as gone, k.id as kept, k.state = 'answered' as keep
    from assessment_requests g
    left join assessment_requests k
        on k.assessment_id = g.assessment_id and k.phase = g.phase and k.person_id = :staying
    where g.person_id = :going order by g.id for update of g
    """
).bindparams(bindparam("going", type_=Uuid), bindparam("staying", type_=Uuid))


async def reassign(session: AsyncSession, going: UUID, staying: UUID) -> None:
    """A person was entered twice: what the duplicate was asked, the other is. Of two requests of one phase the one that
    was answered stays; the other is taken back, and with it what was answered there."""
    await _rename(session, {going: staying})
    pairs = (await session.execute(MERGED, {"going": going, "staying": staying})).all()
    if not pairs:
        return
    losing = [pair.gone if pair.keep else pair.kept for pair in pairs if pair.kept is not None]
    lost = (
        update(requests)
        .where(requests.c.id.in_(losing), requests.c.state != RequestState.WITHDRAWN)
        .values(
            state=RequestState.WITHDRAWN,
            answered_at=None,
            answers=None,
            draft=None,
            version=requests.c.version + 1,
            updated_at=text("now()"),
        )
        .returning(*queries.COLUMNS)
    )
    withdrawn = [Asked(*row) for row in await session.execute(lost)] if losing else []
    if losing:
        await session.execute(update(requests).where(requests.c.id.in_(losing)).values(person_id=None))
    moved = (
        update(requests)
        .where(requests.c.person_id == going)
        .values(person_id=staying, version=requests.c.version + 1, updated_at=text("now()"))
        .returning(*queries.COLUMNS)
    )
    told = [Asked(*row) for row in await session.execute(moved)]
    await _tell_merged(session, withdrawn, told, staying)


FACTS: dict[RequestState, type[AssessmentRequestState]] = {
    RequestState.ASKED: AssessmentAsked,
    RequestState.ANSWERED: AssessmentRequestChanged,
    RequestState.WITHDRAWN: AssessmentRequestWithdrawn,
}


async def _tell_merged(
    session: AsyncSession, withdrawn: Sequence[Asked], moved: Sequence[Asked], staying: UUID
) -> None:
    ids = {one.assessment_id for one in (*withdrawn, *moved)}
    by_id = {
        one.id: one for one in (await session.execute(select(Assessment).where(assessments.c.id.in_(ids)))).scalars()
    }
    facts = [
        state_of(FACTS[one.state], replace(one, person_id=staying), by_id[one.assessment_id])
        for one in (*withdrawn, *moved)
    ]
    await stage(session, *facts)

"""Reading quizzes and what was answered, and the locks with which commands take them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import and_, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from services.learning.bodies.queries import of_others
from services.learning.courses.rules import Kind, Unfit, Unit
from services.learning.documents.rules import State as DocumentState
from services.learning.documents.tables import documents
from services.learning.enrolments import queries as enrolments_queries
from services.learning.enrolments.queries import Named
from services.learning.enrolments.rules import Enrolment, UnknownEnrolment, UnknownUnit
from services.learning.enrolments.rules import State as EnrolmentState
from services.learning.paths.rules import Path
from services.learning.policy import Right, policy
from services.learning.quizzes import rules
from services.learning.quizzes.rules import (
    Attempt,
    Edition,
    NotAQuiz,
    Quiz,
    Standing,
    State,
    UnknownAttempt,
    UnknownQuiz,
)
from services.learning.quizzes.tables import attempts, editions, grants, quizzes
from shared.access.actor import Actor
from shared.access.loading import network_id
from shared.runtime.paging import DEFAULT, Page, page


async def require_had(
    session: AsyncSession, network_id: UUID, units: Iterable[Unit], known: Iterable[Unit] = ()
) -> None:
    """A unit asks a quiz, and shows a document, that its network has published, or that it had before; and it counts no
    meetings of another network's body. Raises Unfit."""
    units, known = list(units), list(known)
    for name, table, published in (
        ("quiz_id", quizzes, State.PUBLISHED),
        ("document_id", documents, DocumentState.PUBLISHED),
    ):
        before = {getattr(unit, name) for unit in known}
        named = ((place, getattr(unit, name)) for place, unit in enumerate(units))
        wanted = {id_: place for place, id_ in named if id_ is not None and id_ not in before}
        if not wanted:
            continue
        had = table.c.network_id == network_id, table.c.state == published
        found = set(await session.scalars(select(table.c.id).where(table.c.id.in_(wanted), *had)))
        for id_, place in wanted.items():
            if id_ not in found:
                raise Unfit(f"/units/{place}/{name}", "unknown", "a published one of this network")
    strange = await of_others(session, network_id, {unit.body_id for unit in units if unit.body_id is not None})
    for place, unit in enumerate(units):
        if unit.body_id in strange:
            raise Unfit(f"/units/{place}/body_id", "unknown", "a body of this network")


async def listed(
    session: AsyncSession,
    actor: Actor,
    ref: str,
    *,
    state: Collection[State] = (),
    q: str | None = None,
    updated_since: datetime | None = None,
    after: str | None = None,
    limit: int = DEFAULT,
    now: datetime,
) -> Page[Quiz]:
    """Oldest first."""
    network = await network_id(session, ref)
    policy.require(actor, Right.WRITE_QUIZZES, network=network, on=now)
    query = select(Quiz).where(quizzes.c.network_id == network)
    if state:
        query = query.where(quizzes.c.state.in_(state))
    if q:
        query = query.where(quizzes.c.title.icontains(q, autoescape=True))
    if updated_since:
        query = query.where(quizzes.c.updated_at >= updated_since)
    return await page(session, query, key=[quizzes.c.id], after=after, limit=limit)


async def get(session: AsyncSession, actor: Actor, quiz_id: UUID, *, now: datetime) -> Quiz:
    """With its right answers. Raises UnknownQuiz for one that the caller may not see, too."""
    quiz = await session.get(Quiz, quiz_id)
    if quiz is None or not policy.has(actor, Right.WRITE_QUIZZES, network=quiz.network_id, on=now):
        raise UnknownQuiz(quiz_id)
    return quiz


async def locked(session: AsyncSession, quiz_id: UUID) -> Quiz:
    found = await session.get(Quiz, quiz_id, with_for_update=True, populate_existing=True)
    if found is None:
        raise UnknownQuiz(quiz_id)
    return found


# --- figures ---------------------------------------------------------------------------------------------------------

ASKED = text(
    """
    select question, count(*) as n, count(*) filter (where points > 0) as rights from (
        select (mark.key)::uuid as question, mark.value::int as points,
               row_number() over (partition by mark.key order by a.submitted_at, a.id) as place,
               count(*) over (partition by mark.key) as answered
        from quiz_attempts a cross join lateral jsonb_each_text(a.marks) mark
        where a.quiz_id = :quiz and a.number = 1 and a.round = 1
    ) each
    where place <= answered - answered % :least
    group by 1
    """
)
"""Five people more at a time, in the order in which they handed in: of figures that moved with each of them the
difference would be that one's answer."""
TAKEN = text(
    """
    select count(*) as people, count(*) filter (where passed) as passed from (
        select enrolment_id, bool_or(a.passed) as passed from quiz_attempts a
        where a.quiz_id = :quiz and a.submitted_at is not null group by 1
    ) each
    """
)


@dataclass(frozen=True)
class Figures:
    """What first attempts came to: of each question (n, share right), five people more at a time, None where fewer
    answered it; and how many took the quiz and how many passed it in the end, alike."""

    quiz: Quiz
    questions: dict[UUID, tuple[int | None, float | None]]
    people: int | None
    passed: int | None


async def figures(session: AsyncSession, actor: Actor, quiz_id: UUID, *, now: datetime) -> Figures:
    """Raises UnknownQuiz."""
    quiz = await get(session, actor, quiz_id, now=now)
    rows = (await session.execute(ASKED, {"quiz": quiz.id, "least": rules.LEAST})).all()
    taken = (await session.execute(TAKEN, {"quiz": quiz.id})).one()
    shown = taken.people >= rules.LEAST
    return Figures(
        quiz,
        rules.shares((row.question, row.n, row.rights) for row in rows),
        taken.people if shown else None,
        taken.passed if shown else None,
    )


# --- somebody's ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Taking:
    """A unit's quiz as one person has it in this attempt of their enrolment: how they stand, and what they tried, with
    the edition of each attempt; `reader` is the person themself, who alone sees what they answered."""

    named: Named
    unit: Unit
    quiz: Quiz
    standing: Standing
    tried: Sequence[tuple[Attempt, Edition]]
    own: bool = True

    @property
    def open(self) -> tuple[Attempt, Edition] | None:
        return next(((one, edition) for one, edition in self.tried if one.submitted_at is None), None)

    @property
    def may_try(self) -> bool:
        active = self.named.enrolment.state is EnrolmentState.ACTIVE
        return active and not self.standing.passed and (self.open is not None or self.standing.left != 0)


def unit_of(path: Path, unit_id: UUID) -> Unit:
    """Raises UnknownUnit, NotAQuiz."""
    unit = next((unit for unit in path.units if unit.id == unit_id), None)
    if unit is None:
        raise UnknownUnit(unit_id)
    if unit.kind is not Kind.QUIZ:
        raise NotAQuiz(unit_id)
    return unit


async def taking(session: AsyncSession, actor: Actor, enrolment_id: UUID, unit_id: UUID, *, now: datetime) -> Taking:
    """One's own, or (the secretariat: results, no answers) anybody's. Raises UnknownEnrolment, UnknownUnit, NotAQuiz,
    Forbidden."""
    named = await enrolments_queries.get(session, actor, enrolment_id, now=now)
    own = actor.person_id is not None and actor.person_id == named.enrolment.person_id
    return await taking_of(session, named, unit_id, own=own)


async def taking_by_link(
    session: AsyncSession, actor: Actor, enrolment_id: UUID, unit_id: UUID, *, now: datetime
) -> tuple[Taking, Any]:
    """(taking, network) of a link's subject: the link itself is the right."""
    named, network = await enrolments_queries.by_link(session, actor, enrolment_id, now=now)
    return await taking_of(session, named, unit_id), network


async def taking_of(session: AsyncSession, named: Named, unit_id: UUID, *, own: bool = True) -> Taking:
    unit = unit_of(named.path, unit_id)
    quiz = await session.get(Quiz, unit.quiz_id)
    assert quiz is not None  # quizzes are never deleted
    tried = await _tried(session, named.enrolment, quiz)
    return Taking(
        named, unit, quiz, await standing(session, named.enrolment, quiz, [one for one, _ in tried]), tried, own
    )


async def _tried(session: AsyncSession, enrolment: Enrolment, quiz: Quiz) -> Sequence[tuple[Attempt, Edition]]:
    """The attempts of this round, newest first."""
    query = (
        select(Attempt, editions.c.questions, editions.c.pass_percent)
        .join(editions, and_(editions.c.quiz_id == attempts.c.quiz_id, editions.c.edition == attempts.c.edition))
        .where(
            attempts.c.enrolment_id == enrolment.id,
            attempts.c.quiz_id == quiz.id,
            attempts.c.round == enrolment.attempt,
        )
        .order_by(attempts.c.number.desc())
    )
    rows = (await session.execute(query)).all()
    return [(row[0], Edition(row[1], row[2])) for row in rows]


async def standing(session: AsyncSession, enrolment: Enrolment, quiz: Quiz, tried: Iterable[Attempt]) -> Standing:
    """What is open counts as used: whoever has begun has seen the questions."""
    tried = list(tried)
    more = await session.scalar(
        select(func.count())
        .select_from(grants)
        .where(grants.c.enrolment_id == enrolment.id, grants.c.quiz_id == quiz.id, grants.c.round == enrolment.attempt)
    )
    allowed = None if quiz.attempts is None else quiz.attempts + int(more or 0)
    return Standing(
        len(tried), allowed, any(one.passed for one in tried), any(one.submitted_at is None for one in tried)
    )


async def attempt_of(session: AsyncSession, actor: Actor, attempt_id: UUID, *, now: datetime) -> tuple[Taking, Attempt]:
    """An attempt of the round that its enrolment is in, with what it stands in. Raises UnknownAttempt, also for one
    that the caller may not see."""
    enrolment_id, unit_id = await where_is(session, attempt_id)
    try:
        found = await taking(session, actor, enrolment_id, unit_id, now=now)
    except (UnknownEnrolment, UnknownUnit, NotAQuiz):
        raise UnknownAttempt(attempt_id) from None
    return found, one_of(found, attempt_id)


async def where_is(session: AsyncSession, attempt_id: UUID) -> tuple[UUID, UUID]:
    """(enrolment, unit) of an attempt. Raises UnknownAttempt."""
    query = select(attempts.c.enrolment_id, attempts.c.unit_id).where(attempts.c.id == attempt_id)
    row = (await session.execute(query)).one_or_none()
    if row is None:
        raise UnknownAttempt(attempt_id)
    return row.enrolment_id, row.unit_id


def one_of(found: Taking, attempt_id: UUID) -> Attempt:
    one = next((one for one, _ in found.tried if one.id == attempt_id), None)
    if one is None:
        raise UnknownAttempt(attempt_id)
    return one

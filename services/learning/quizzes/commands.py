"""What may be done with quizzes. Who takes one holds their enrolment's row: two windows make no attempt too many."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field, StringConstraints
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from services.learning.enrolments import commands as enrolments
from services.learning.enrolments import queries as enrolments_queries
from services.learning.enrolments.rules import (
    CompletedAlready,
    Enrolment,
    EnrolmentEnded,
    NotTheirOwn,
)
from services.learning.enrolments.rules import State as EnrolmentState
from services.learning.paths.rules import Path
from services.learning.policy import Right, policy
from services.learning.quizzes import queries, rules
from services.learning.quizzes.queries import Taking
from services.learning.quizzes.rules import MOST_OPTIONS, MOST_QUESTIONS, Asked, Attempt, Feedback, Quiz
from services.learning.quizzes.tables import editions, grants
from shared.access.actor import Actor, day
from shared.access.loading import network_id
from shared.runtime.problems import expect
from shared.runtime.shapes import Request, line, prose

Line = Annotated[str, line(200)]
Prose = Annotated[str, prose(2000)]
Words = Annotated[str, StringConstraints(strip_whitespace=True, max_length=10_000, pattern=r"^[^\x00]*$")]
Remark = Annotated[str, StringConstraints(strip_whitespace=True, max_length=2000, pattern=r"^[^\x00]*$")]
Number = Annotated[Decimal, Field(max_digits=21, decimal_places=9, allow_inf_nan=False)]


class OptionBody(Request):
    """With the id of an option of the question: that one; without: a new one."""

    text: Annotated[str, line(500)]
    right: bool = False
    id: UUID | None = None


class QuestionBody(Request):
    """With the id of a question of the quiz: that one, as it shall be from now on; without: a new one."""

    kind: Asked
    text: Prose = Field(examples=["Quante persone serve al massimo una Casa della comunità hub?"])
    points: Annotated[int, Field(ge=1, le=100)] = 1
    feedback: Remark = Field(default="", description="Told with the mark, right or wrong")
    options: Annotated[tuple[OptionBody, ...], Field(max_length=MOST_OPTIONS)] = ()
    value: Number | None = None
    tolerance: Number = Decimal(0)
    id: UUID | None = None


class QuizBody(Request):
    """`attempts`: how often one may try; without, as often as one likes. `feedback`: what is told of an attempt."""

    title: Line = Field(examples=["Le Case della comunità"])
    intro: Words = ""
    questions: Annotated[tuple[QuestionBody, ...], Field(max_length=MOST_QUESTIONS)] = ()
    pass_percent: Annotated[int, Field(ge=1, le=100)] = 60
    attempts: Annotated[int, Field(ge=1, le=100)] | None = None
    shuffled: bool = True
    feedback: Feedback = Feedback.QUESTIONS


class QuizChange(Request):
    """Only what is given changes; `questions` is the whole list in its order."""

    title: Line = ""
    intro: Words = ""
    questions: Annotated[tuple[QuestionBody, ...], Field(max_length=MOST_QUESTIONS)] = ()
    pass_percent: Annotated[int, Field(ge=1, le=100)] = 60
    attempts: Annotated[int, Field(ge=1, le=100)] | None = None
    shuffled: bool = True
    feedback: Feedback = Feedback.QUESTIONS


class AnswerBody(Request):
    """`options` of a choice (one for a single one), `number` of a numeric question."""

    question_id: UUID
    options: Annotated[tuple[UUID, ...], Field(max_length=MOST_OPTIONS)] | None = None
    number: Number | None = None

    @property
    def given(self) -> Any:
        return [str(option) for option in self.options] if self.options is not None else self.number


class AnswersBody(Request):
    answers: Annotated[tuple[AnswerBody, ...], Field(max_length=MOST_QUESTIONS)]


async def create(session: AsyncSession, actor: Actor, ref: str, request: QuizBody, *, now: datetime) -> Quiz:
    """A draft. Raises Unfit."""
    network = await network_id(session, ref)
    policy.require(actor, Right.WRITE_QUIZZES, network=network, on=now)
    questions = rules.edited((), [question.model_dump() for question in request.questions])
    rest = request.model_dump(exclude={"questions"})
    quiz = Quiz(network_id=network, questions=questions, **rest)
    session.add(quiz)
    await session.flush()
    return quiz


async def change(
    session: AsyncSession, actor: Actor, quiz_id: UUID, request: QuizChange, *, expected: int | None, now: datetime
) -> Quiz:
    """What a published one asks, or the mark that passes, is a new edition; attempts begun before keep theirs. Raises
    Unfit."""
    quiz = await _writable(session, actor, quiz_id, expected, now)
    changes: dict[str, Any] = {name: getattr(request, name) for name in request.model_fields_set}
    if "questions" in changes:
        changes["questions"] = rules.edited(quiz.questions, [each.model_dump() for each in request.questions])
    before = quiz.edition
    if quiz.change(changes):
        await session.flush()
        if quiz.edition != before:
            await _keep(session, quiz)
    return quiz


async def publish(session: AsyncSession, actor: Actor, quiz_id: UUID, *, expected: int | None, now: datetime) -> Quiz:
    """From now on units may ask it. Raises NotPossibleNow, Unfit."""
    quiz = await _writable(session, actor, quiz_id, expected, now)
    quiz.publish(day(now))
    await session.flush()
    await _keep(session, quiz)
    return quiz


async def withdraw(session: AsyncSession, actor: Actor, quiz_id: UUID, *, expected: int | None, now: datetime) -> Quiz:
    """No further unit may ask it. Raises NotPossibleNow."""
    quiz = await _writable(session, actor, quiz_id, expected, now)
    quiz.withdraw()
    await session.flush()
    return quiz


async def _keep(session: AsyncSession, quiz: Quiz) -> None:
    kept = {"questions": quiz.questions, "pass_percent": quiz.pass_percent}
    await session.execute(insert(editions).values(quiz_id=quiz.id, edition=quiz.edition, **kept))


async def _writable(session: AsyncSession, actor: Actor, quiz_id: UUID, expected: int | None, now: datetime) -> Quiz:
    quiz = await queries.locked(session, quiz_id)
    policy.require(actor, Right.WRITE_QUIZZES, network=quiz.network_id, on=now)
    expect(expected, quiz.version)
    return quiz


# --- taking one ------------------------------------------------------------------------------------------------------


async def begin(session: AsyncSession, actor: Actor, enrolment_id: UUID, unit_id: UUID, *, now: datetime) -> Taking:
    """The questions, in the order of this attempt: a new one, or the one that is open. Raises NotTheirOwn, NotAQuiz,
    PassedAlready, NoneLeft, EnrolmentEnded, CompletedAlready."""
    enrolment, path = await enrolments_queries.locked(session, enrolment_id)
    _require_own(actor, enrolment)
    return await _begin(session, enrolment, path, unit_id, now)


async def begin_by_link(
    session: AsyncSession,
    actor: Actor,  # noqa: ARG001 (the signed link is the right)
    enrolment_id: UUID,
    unit_id: UUID,
    *,
    now: datetime,
) -> Taking:
    enrolment, path = await enrolments_queries.locked_by_link(session, enrolment_id)
    return await _begin(session, enrolment, path, unit_id, now)


async def _begin(session: AsyncSession, enrolment: Enrolment, path: Path, unit_id: UUID, now: datetime) -> Taking:
    _require_active(enrolment, unit_id)
    found = await _taking(session, enrolment, unit_id)
    if found.open is None:
        found.standing.require_another()
        quiz = found.quiz
        attempt = Attempt(
            quiz_id=quiz.id,
            edition=quiz.edition,
            network_id=path.network_id,
            enrolment_id=enrolment.id,
            round=enrolment.attempt,
            unit_id=unit_id,
            person_id=enrolment.person_id,
            number=max((one.number for one, _ in found.tried), default=0) + 1,
            begun_at=now,
        )
        session.add(attempt)
        await session.flush()
        found = await _taking(session, enrolment, unit_id)
    return found


async def submit(
    session: AsyncSession, actor: Actor, attempt_id: UUID, request: AnswersBody, *, now: datetime
) -> tuple[Taking, Attempt]:
    """Hands the answers in, and has them marked: who passes has done the unit. Raises UnknownAttempt, NotTheirOwn,
    SubmittedAlready, Refused, EnrolmentEnded, CompletedAlready."""
    enrolment_id, unit_id = await queries.where_is(session, attempt_id)
    enrolment, path = await enrolments_queries.locked(session, enrolment_id)
    _require_own(actor, enrolment)
    given: dict[UUID, Any] = {}
    for answer in request.answers:
        if answer.question_id in given:
            raise rules.Refused([(answer.question_id, "repeated", "each question once")])
        given[answer.question_id] = answer.given
    await _submit(session, enrolment, path, unit_id, attempt_id, given, now)
    return await queries.attempt_of(session, actor, attempt_id, now=now)


async def submit_by_link(
    session: AsyncSession,
    actor: Actor,  # noqa: ARG001 (the signed link is the right)
    enrolment_id: UUID,
    unit_id: UUID,
    attempt_id: UUID,
    given: Mapping[UUID, Any],
    *,
    now: datetime,
) -> Taking:
    enrolment, path = await enrolments_queries.locked_by_link(session, enrolment_id)
    await _submit(session, enrolment, path, unit_id, attempt_id, given, now)
    return await _taking(session, enrolment, unit_id)


async def _submit(
    session: AsyncSession,
    enrolment: Enrolment,
    path: Path,
    unit_id: UUID,
    attempt_id: UUID,
    given: Mapping[UUID, Any],
    now: datetime,
) -> None:
    found = await _taking(session, enrolment, unit_id)
    attempt = queries.one_of(found, attempt_id)
    if attempt.submitted_at is not None:
        raise rules.SubmittedAlready(attempt_id)
    _require_active(enrolment, unit_id)
    edition = next(edition for one, edition in found.tried if one is attempt)
    passed = attempt.submit(edition, rules.answered(edition.questions, given), now)
    await session.flush()
    if passed:
        await enrolments.advance(session, enrolment, path, unit_id, now)


async def grant(session: AsyncSession, actor: Actor, enrolment_id: UUID, unit_id: UUID, *, now: datetime) -> Taking:
    """One attempt more than the quiz allows, for whoever has none left: who granted it is kept. Raises StillLeft."""
    enrolment, _ = await enrolments_queries.locked(session, enrolment_id)
    policy.require(actor, Right.ENROL, network=enrolment.network_id, on=now)
    _require_active(enrolment, unit_id)
    found = await _taking(session, enrolment, unit_id, own=False)
    if found.open is not None:
        raise rules.StillLeft
    found.standing.require_none_left()
    row = {"quiz_id": found.quiz.id, "round": enrolment.attempt, "granted_by": actor.person_id, "granted_at": now}
    await session.execute(insert(grants).values(id=uuid7(), enrolment_id=enrolment.id, **row))
    return await _taking(session, enrolment, unit_id, own=False)


async def _taking(session: AsyncSession, enrolment: Enrolment, unit_id: UUID, *, own: bool = True) -> Taking:
    return await queries.taking_of(session, await enrolments_queries.named(session, enrolment), unit_id, own=own)


def _require_own(actor: Actor, enrolment: Enrolment) -> None:
    if actor.person_id is None or actor.person_id != enrolment.person_id:
        raise NotTheirOwn(enrolment.id)


def _require_active(enrolment: Enrolment, unit_id: UUID) -> None:
    if enrolment.state is EnrolmentState.ENDED:
        raise EnrolmentEnded(enrolment.ended_on)
    if enrolment.state is EnrolmentState.COMPLETED:
        raise CompletedAlready(unit_id)

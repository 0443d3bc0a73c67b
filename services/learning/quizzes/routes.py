"""HTTP of quizzes, and the page on which one is taken."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from functools import partial
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel, StringConstraints
from starlette.responses import Response

from services.learning.enrolments.routes import subject_of
from services.learning.paths.pages import failed
from services.learning.policy import Right, policy
from services.learning.quizzes import commands, pages, queries, rules
from services.learning.quizzes.commands import AnswersBody, QuizBody, QuizChange
from services.learning.quizzes.queries import Figures, Taking
from services.learning.quizzes.rules import (
    Asked,
    Attempt,
    Edition,
    Feedback,
    NoneLeft,
    NotAQuiz,
    NotPossibleNow,
    PassedAlready,
    Question,
    Quiz,
    Refused,
    State,
    StillLeft,
    SubmittedAlready,
    UnknownAttempt,
    UnknownQuiz,
)
from shared.runtime.browsers import HTML, Token, answered, wants_html, wants_json
from shared.runtime.edge import Anyone, At, Edge
from shared.runtime.openapi import GUARDED
from shared.runtime.paging import After, Limit, PageOut
from shared.runtime.problems import FieldError, Problem, not_found, problem
from shared.runtime.shapes import Ref, Statistic
from shared.runtime.vocabularies import vocabulary

routes = APIRouter(tags=["quizzes"])

Words = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^[^\x00]+$")]


class OptionOut(BaseModel):
    id: UUID
    text: str
    right: bool


class QuestionOut(BaseModel):
    id: UUID
    kind: Asked
    text: str
    points: int
    feedback: str
    options: list[OptionOut]
    value: Decimal | None
    tolerance: Decimal

    @classmethod
    def of(cls, question: Question) -> QuestionOut:
        return cls(**{**vars(question), "options": [OptionOut(**vars(option)) for option in question.options]})


class QuizOut(BaseModel):
    """With its right answers: for those who write quizzes. `edition` counts what it has asked since its publication."""

    id: UUID
    network_id: UUID
    title: str
    intro: str
    questions: list[QuestionOut]
    pass_percent: int
    attempts: int | None
    shuffled: bool
    feedback: Feedback
    state: State
    edition: int
    published_on: date | None
    href: str
    version: int
    allowed_actions: list[str]

    @classmethod
    def of(cls, quiz: Quiz, at: Edge) -> QuizOut:
        may = Right.WRITE_QUIZZES in policy.allowed(at.actor, network=quiz.network_id, on=at.now)
        same = ("id", "network_id", "title", "intro", "pass_percent", "attempts", "shuffled", "feedback", "state")
        return cls(
            **{name: getattr(quiz, name) for name in (*same, "edition", "published_on", "version")},
            questions=[QuestionOut.of(question) for question in quiz.questions],
            href=href(quiz),
            allowed_actions=quiz.actions() if may else [],
        )


class QuestionFiguresOut(BaseModel):
    """Of first attempts: `n` people answered it, the share `right`. Both null for fewer than five people."""

    id: UUID
    text: str
    n: int | None
    right: float | None


class FiguresOut(BaseModel):
    """`passed` are those of everybody who took it who passed in the end; null for fewer than five people."""

    quiz: Ref
    passed: Statistic | None
    questions: list[QuestionFiguresOut]

    @classmethod
    def of(cls, figures: Figures) -> FiguresOut:
        quiz = figures.quiz
        none = (None, None)
        return cls(
            quiz=Ref(id=quiz.id, name=quiz.title, href=href(quiz)),
            passed=None if figures.passed is None else Statistic.out_of(figures.passed, figures.people or 0),
            questions=[
                QuestionFiguresOut(id=q.id, text=q.text, n=n, right=share)
                for q in quiz.questions
                for n, share in [figures.questions.get(q.id, none)]
            ],
        )


class ChoiceOut(BaseModel):
    id: UUID
    text: str


class AskedOut(BaseModel):
    """A question as its taker sees it. `given`: option ids, or a number. `right` and `feedback` come with the mark,
    `answer` (the right options, or the number) only when nothing is left to try, and only if the quiz says so."""

    id: UUID
    kind: Asked
    text: str
    points: int
    options: list[ChoiceOut]
    given: list[UUID] | Decimal | None
    right: bool | None
    feedback: str | None
    answer: list[UUID] | Decimal | None


class AttemptOut(BaseModel):
    """`questions`: only for the person themself."""

    id: UUID
    number: int
    begun_at: datetime
    submitted_at: datetime | None
    points: int | None
    of: int | None
    percent: float | None
    passed: bool | None
    questions: list[AskedOut] | None
    href: str
    version: int

    @classmethod
    def shown(cls, found: Taking, attempt: Attempt) -> AttemptOut:
        edition = next(edition for one, edition in found.tried if one.id == attempt.id)
        same = ("id", "number", "begun_at", "submitted_at", "points", "of", "percent", "passed", "version")
        return cls(
            **{name: getattr(attempt, name) for name in same},
            questions=asked(found, attempt, edition) if found.own else None,
            href=f"/learning/v1/attempts/{attempt.id}",
        )


def asked(found: Taking, attempt: Attempt, edition: Edition) -> list[AskedOut]:
    told = rules.told(found.quiz.feedback, attempt, found.standing)
    return [
        AskedOut(
            id=q.id,
            kind=q.kind,
            text=q.text,
            points=q.points,
            options=[ChoiceOut(id=option.id, text=option.text) for option in q.options],
            given=(attempt.answers or {}).get(q.id),
            right=(attempt.marks or {}).get(q.id, 0) > 0 if told.questions else None,
            feedback=q.feedback if told.questions else None,
            answer=right_answer(q) if told.answers else None,
        )
        for q in rules.in_order(attempt.id, edition.questions, shuffled=found.quiz.shuffled)
    ]


def right_answer(question: Question) -> list[UUID] | Decimal | None:
    return question.value if question.kind is Asked.NUMERIC else sorted(question.right_options)


class TakingOut(BaseModel):
    """How somebody stands with a unit's quiz in this attempt of their enrolment. `left`: attempts; null without a
    limit."""

    quiz: Ref
    intro: str
    pass_percent: int
    allowed: int | None
    used: int
    left: int | None
    passed: bool
    attempts: list[AttemptOut]
    allowed_actions: list[str]

    @classmethod
    def of(cls, found: Taking, at: Edge) -> TakingOut:
        quiz, standing = found.quiz, found.standing
        network = found.named.enrolment.network_id
        out = not standing.passed and standing.left == 0 and found.open is None
        may_grant = out and Right.ENROL in policy.allowed(at.actor, network=network, on=at.now)
        return cls(
            quiz=Ref(id=quiz.id, name=quiz.title, href=href(quiz)),
            intro=quiz.intro,
            pass_percent=quiz.pass_percent,
            allowed=standing.allowed,
            used=standing.used,
            left=standing.left,
            passed=standing.passed,
            attempts=[AttemptOut.shown(found, one) for one, _ in found.tried],
            allowed_actions=[
                *(["attempt"] if found.own and found.may_try else []),
                *(["grant_attempt"] if may_grant else []),
            ],
        )


def href(quiz: Quiz) -> str:
    return f"/learning/v1/quizzes/{quiz.id}"


# --- writing ---------------------------------------------------------------------------------------------------------


@routes.post("/networks/{network}/quizzes", status_code=201, response_model=QuizOut)
async def create(network: str, body: QuizBody, at: At) -> Response:
    """Writes a draft: no unit may ask it until it is published."""
    return await at.command(commands.create, network, body, out=lambda made: QuizOut.of(made, at), location=href)


@routes.get("/networks/{network}/quizzes", response_model=PageOut[QuizOut])
async def quizzes(
    network: str,
    at: At,
    state: Annotated[list[State], Query()] = [],  # noqa: B006 (FastAPI copies it)
    q: Annotated[Words | None, Query(description="In the title")] = None,
    updated_since: AwareDatetime | None = None,
    after: After = None,
    limit: Limit = 50,
) -> Response:
    """The quizzes of a network, with their right answers: for those who write them. JSON, or CSV with `Accept:
    text/csv`."""
    return await at.page(
        queries.listed,
        network,
        state=state,
        q=q,
        updated_since=updated_since,
        after=after,
        limit=limit,
        out=lambda quiz: QuizOut.of(quiz, at),
        model=QuizOut,
    )


@routes.get("/quizzes/{quiz_id}", response_model=QuizOut)
async def quiz(quiz_id: UUID, at: At) -> Response:
    """A quiz with its right answers."""
    return await at.read(queries.get, quiz_id, out=lambda found: QuizOut.of(found, at))


@routes.patch("/quizzes/{quiz_id}", response_model=QuizOut)
async def change(quiz_id: UUID, body: QuizChange, at: At) -> Response:
    """Changes what is given. What a published quiz asks, or the mark that passes, is a new edition: whoever has begun
    answers what they saw. Needs If-Match."""
    return await at.command(
        commands.change, quiz_id, body, expected=at.if_match(), out=lambda found: QuizOut.of(found, at)
    )


@routes.post("/quizzes/{quiz_id}/publish", response_model=QuizOut, openapi_extra=GUARDED)
async def publish(quiz_id: UUID, at: At) -> Response:
    """From now on units may ask it. Needs If-Match."""
    return await at.command(commands.publish, quiz_id, expected=at.if_match(), out=lambda found: QuizOut.of(found, at))


@routes.post("/quizzes/{quiz_id}/withdraw", response_model=QuizOut, openapi_extra=GUARDED)
async def withdraw(quiz_id: UUID, at: At) -> Response:
    """No further unit may ask it; those that do go on. Needs If-Match."""
    return await at.command(commands.withdraw, quiz_id, expected=at.if_match(), out=lambda found: QuizOut.of(found, at))


@routes.get("/quizzes/{quiz_id}/statistics", response_model=FiguresOut)
async def statistics(quiz_id: UUID, at: At) -> Response:
    """Of each question how many people answered it in their first attempt, and the share that was right: nobody's
    name, and five people more at a time, so that no two figures tell what one of them answered."""
    return await at.read(queries.figures, quiz_id, out=FiguresOut.of)


# --- taking ----------------------------------------------------------------------------------------------------------


@routes.get("/enrolments/{enrolment_id}/units/{unit_id}/attempts", response_model=TakingOut)
async def taking(enrolment_id: UUID, unit_id: UUID, at: At) -> Response:
    """What was tried of a unit's quiz: of oneself with the answers; the secretariat sees the results of anybody."""
    return await at.read(queries.taking, enrolment_id, unit_id, out=lambda found: TakingOut.of(found, at))


@routes.post("/enrolments/{enrolment_id}/units/{unit_id}/attempts", response_model=TakingOut)
async def begin(enrolment_id: UUID, unit_id: UUID, at: At) -> Response:
    """I begin an attempt, or go on with the one that is open: its questions, in an order of its own."""
    return await at.command(commands.begin, enrolment_id, unit_id, out=lambda found: TakingOut.of(found, at))


@routes.post("/enrolments/{enrolment_id}/units/{unit_id}/attempts/grant", response_model=TakingOut)
async def grant(enrolment_id: UUID, unit_id: UUID, at: At) -> Response:
    """One attempt more for whoever has none left: the secretariat, and who did it is kept."""
    return await at.command(commands.grant, enrolment_id, unit_id, out=lambda found: TakingOut.of(found, at))


@routes.get("/attempts/{attempt_id}", response_model=AttemptOut)
async def attempt(attempt_id: UUID, at: At) -> Response:
    """An attempt."""
    return await at.read(queries.attempt_of, attempt_id, out=lambda found: AttemptOut.shown(*found))


@routes.post("/attempts/{attempt_id}/submit", response_model=AttemptOut)
async def submit(attempt_id: UUID, body: AnswersBody, at: At) -> Response:
    """I hand my answers in, one to every question. Who passes has done the unit."""
    return await at.command(commands.submit, attempt_id, body, out=lambda found: AttemptOut.shown(*found))


# --- mailed links ----------------------------------------------------------------------------------------------------

UnitId = Annotated[UUID, Query(description="The unit whose quiz it is")]


@routes.get("/enrolments/link/quiz", response_class=Response, responses=HTML)
async def show_link(token: Token, unit: UnitId, at: Anyone) -> Response:
    """A page with the quiz of a unit: how one stands, or the questions of the attempt that is open. Opening it does
    nothing."""
    at.identity = None

    async def shown() -> Response:
        return await page_of(at, await subject_of(token, at), unit, token)

    return await answered(at, shown, partial(failed, at.language), html=not wants_json(at))


@routes.post("/enrolments/link/quiz", response_class=Response, responses=HTML)
async def use_link(token: Token, unit: UnitId, at: Anyone) -> Response:
    """Begins an attempt, or hands in the one that the form names (`attempt`): the answers are fields named after their
    questions. What cannot be marked comes back as it was filled in, with what is wrong."""
    at.identity = None

    async def used() -> Response:
        subject = await subject_of(token, at)
        form = await at.request.form(max_files=0, max_fields=pages.MOST_FIELDS)
        sent = pages.sent(form)
        if sent.attempt is None:
            await at.command(commands.begin_by_link, subject, unit, out=lambda _: None)
            return await page_of(at, subject, unit, token)
        try:
            await at.command(commands.submit_by_link, subject, unit, sent.attempt, sent.answers, out=lambda _: None)
        except Refused as refused:
            return await page_of(at, subject, unit, token, sent=sent, refused=refused)
        return await page_of(at, subject, unit, token)

    return await answered(at, used, partial(failed, at.language), html=wants_html(at))


async def page_of(at: Edge, subject: UUID, unit: UUID, token: str, **more: Any) -> Response:
    found, network = await at.query(queries.taking_by_link, subject, unit)
    return pages.quiz(at.language, found, network, token, **more)


def _refused(error: Refused) -> Problem:
    errors = [FieldError(f"/answers/{question}", code, accepted) for question, code, accepted in error.errors]
    return REFUSED(None, errors=errors)


REFUSED = problem(
    "quiz-answers",
    422,
    it="Risposte da completare\nA ogni domanda serve una risposta: `errors` dice a quale, e che cosa si accetta.",
    en="Answers to complete\nEvery question wants an answer: `errors` says which, and what is accepted.",
)
problems = {
    UnknownQuiz: not_found,
    UnknownAttempt: not_found,
    Refused: _refused,
    NotAQuiz: problem(
        "unit-no-quiz",
        409,
        it="La tappa non è un quiz\nQuesta tappa non ha domande a cui rispondere.",
        en="The unit is no quiz\nThis unit has no questions to answer.",
    ),
    NotPossibleNow: problem(
        "quiz-not-possible-now",
        409,
        it="Ora non è possibile\nCon un quiz nello stato {state} non si può fare {action}.",
        en="Not possible now\nWith a quiz that is {state}, {action} cannot be done.",
    ),
    NoneLeft: problem(
        "quiz-none-left",
        409,
        it="Tentativi finiti\nI tentativi possibili sono {allowed}. La segreteria può concederne un altro.",
        en="No attempt left\nThere are {allowed} attempts. The secretariat may grant another.",
    ),
    StillLeft: problem(
        "quiz-still-left",
        409,
        it="Non serve un altro tentativo\nSe ne concede uno a chi li ha finiti senza superare il quiz.",
        en="No further attempt is needed\nOne is granted to whoever has used up all without passing.",
    ),
    PassedAlready: problem(
        "quiz-passed",
        409,
        it="Quiz già superato\nNon serve altro.",
        en="Passed already\nNothing is left to do.",
    ),
    SubmittedAlready: problem(
        "quiz-submitted",
        409,
        it="Tentativo già consegnato\nLe risposte consegnate restano come sono.",
        en="Handed in already\nAnswers that were handed in stay as they are.",
    ),
}
vocabularies = (
    vocabulary(
        "question_kinds",
        "Tipi di domanda",
        "Kinds of question",
        [
            (Asked.SINGLE, "Una risposta", "One answer"),
            (Asked.MULTIPLE, "Più risposte", "Several answers"),
            (Asked.NUMERIC, "Un numero", "A number"),
        ],
    ),
    vocabulary(
        "quiz_feedbacks",
        "Che cosa si dice di un tentativo",
        "What is told of an attempt",
        [
            (Feedback.RESULT, "Il risultato", "The result"),
            (Feedback.QUESTIONS, "Anche quali risposte erano giuste", "Also which answers were right"),
            (
                Feedback.ANSWERS,
                "Anche le risposte giuste, quando non c'è più niente da provare",
                "Also the right answers, when nothing is left to try",
            ),
        ],
    ),
    vocabulary(
        "quiz_states",
        "Stati del quiz",
        "States of a quiz",
        [
            (State.DRAFT, "Bozza", "Draft"),
            (State.PUBLISHED, "Pubblicato", "Published"),
            (State.WITHDRAWN, "Ritirato", "Withdrawn"),
        ],
    ),
)

"""HTTP of assessments, and the page behind the link of a request."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from functools import partial
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Form, Query, UploadFile
from pydantic import AwareDatetime, BaseModel, Field
from starlette.responses import Response

from services.learning.assessments import commands, files, pages, queries
from services.learning.assessments.commands import (
    CODE,
    AnswersBody,
    AssessmentBody,
    AssessmentChange,
    OpenBody,
)
from services.learning.assessments.files import Row
from services.learning.assessments.measuring import Of
from services.learning.assessments.queries import Asked, Counted, Own, Result
from services.learning.assessments.rules import (
    AnsweredThemselves,
    AnswersRefused,
    Assessment,
    FixedOnceOpened,
    Item,
    Kind,
    NotPossibleNow,
    Phase,
    PhaseOver,
    RequestState,
    State,
    Unfit,
    UnknownAssessment,
    UnknownRequest,
)
from services.learning.policy import Right, policy
from shared.access import links
from shared.access.roles import Role
from shared.runtime.browsers import HTML, Token, answered, as_json, refusal, wants_html, wants_json
from shared.runtime.edge import Anyone, At, Edge
from shared.runtime.openapi import GUARDED
from shared.runtime.paging import After, Limit, PageOut
from shared.runtime.problems import Problem, not_found, problem
from shared.runtime.shapes import Ref, Statistic
from shared.runtime.vocabularies import vocabulary
from shared.sheets import LARGEST_FILE, FileTooLarge, Unreadable, why_unreadable

routes = APIRouter(tags=["assessments"])

PURPOSE = "assessment"
CSV: dict[int | str, dict[str, Any]] = {200: {"content": {"text/csv": {}}}}


class FileUnreadable(Exception):
    """The file as a whole cannot be taken; why, in both languages."""

    def __init__(self, why: Unreadable) -> None:
        super().__init__(why.reason)
        self.path = "/file"
        self.why_it = why_unreadable(why.reason, why.values, "it", files.FIELDS)
        self.why_en = why_unreadable(why.reason, why.values, "en", files.FIELDS)


class OptionOut(BaseModel):
    text: str
    points: int


class ItemOut(BaseModel):
    id: UUID
    text: str
    kind: Kind
    steps: int
    lowest: str
    highest: str
    options: list[OptionOut]

    @classmethod
    def of(cls, item: Item) -> ItemOut:
        options = [OptionOut(text=option.text, points=option.points) for option in item.options]
        return cls(**{**vars(item), "options": options})


class CompetenceOut(BaseModel):
    code: str
    title: str
    items: list[ItemOut]


class PartOut(BaseModel):
    cohort: str | None
    roles: list[Role]
    bodies: list[UUID]
    territories: list[str]
    paths: list[UUID]
    people: list[UUID]


class AssessmentOut(BaseModel):
    """`closes_on` is the last day of the open phase. `before` and `after`: of those asked, how many have answered."""

    id: UUID
    network_id: UUID
    title: str
    description: str
    competences: list[CompetenceOut]
    audience: list[PartOut]
    state: State
    closes_on: date | None
    before_on: date | None
    after_on: date | None
    closed_on: date | None
    before: Statistic
    after: Statistic
    results: str
    href: str
    version: int
    allowed_actions: list[str]

    @classmethod
    def of(cls, counted: Counted, at: Edge) -> AssessmentOut:
        one = counted.assessment
        rights = policy.allowed(at.actor, network=one.network_id, on=at.now)
        actions = one.actions() if Right.WRITE_ASSESSMENTS in rights else []
        if Right.ENTER_ANSWERS in rights and one.phase is not None:
            actions = [*actions, "enter"]
        href = f"/learning/v1/assessments/{one.id}"
        return cls(
            id=one.id,
            network_id=one.network_id,
            title=one.title,
            description=one.description,
            competences=[
                CompetenceOut(code=each.code, title=each.title, items=[ItemOut.of(item) for item in each.items])
                for each in one.competences
            ],
            audience=[PartOut.model_validate(vars(part), from_attributes=True) for part in one.audience],
            state=one.state,
            closes_on=one.closes_on,
            before_on=one.before_on,
            after_on=one.after_on,
            closed_on=one.closed_on,
            before=Statistic.out_of(counted.answered[Phase.BEFORE], counted.asked[Phase.BEFORE]),
            after=Statistic.out_of(counted.answered[Phase.AFTER], counted.asked[Phase.AFTER]),
            results=f"{href}/results",
            href=href,
            version=one.version,
            allowed_actions=actions,
        )


class AskedOut(BaseModel):
    """Somebody who is asked; what they answered is told to nobody. `entered`: somebody typed what they had written on
    paper."""

    id: UUID
    assessment_id: UUID
    phase: Phase
    person: Ref | None
    bodies: list[UUID]
    region: str | None
    cohort: str | None
    path_id: UUID | None
    state: RequestState
    answered_at: datetime | None
    entered: bool
    href: str
    version: int

    @classmethod
    def of(cls, one: Asked) -> AskedOut:
        return cls(
            id=one.id,
            assessment_id=one.assessment_id,
            phase=one.phase,
            person=Ref.person(one.person_id, one.person) if one.person_id else None,
            bodies=list(one.bodies),
            region=one.region,
            cohort=one.cohort,
            path_id=one.path_id,
            state=one.state,
            answered_at=one.answered_at,
            entered=one.entered_by is not None,
            href=f"/learning/v1/assessment-requests/{one.id}",
            version=one.version,
        )


class QuestionOut(BaseModel):
    """What is asked: answered by a number from 1 to `largest`; of a choice, the number of the option. `draft` is what
    one has so far, `answer` what one sent."""

    id: UUID
    text: str
    kind: Kind
    largest: int
    lowest: str
    highest: str
    options: list[str]
    answer: int | None
    draft: int | None


class AskedAboutOut(BaseModel):
    code: str
    title: str
    items: list[QuestionOut]


class OwnOut(BaseModel):
    """What I am asked, and what I have answered."""

    id: UUID
    network_id: UUID
    assessment: Ref
    description: str
    phase: Phase
    state: RequestState
    closes_on: date | None
    competences: list[AskedAboutOut]
    answered_at: datetime | None
    entered: bool
    href: str
    version: int
    allowed_actions: list[str]

    @classmethod
    def of(cls, own: Own) -> OwnOut:
        asked, one = own.asked, own.assessment
        open_ = asked.state is not RequestState.WITHDRAWN and one.phase is asked.phase
        return cls(
            id=asked.id,
            network_id=asked.network_id,
            assessment=Ref(id=one.id, name=one.title, href=f"/learning/v1/assessments/{one.id}"),
            description=one.description,
            phase=asked.phase,
            state=asked.state,
            closes_on=one.closes_on if open_ else None,
            competences=[
                AskedAboutOut(code=each.code, title=each.title, items=[question(item, own) for item in each.items])
                for each in one.competences
            ],
            answered_at=asked.answered_at,
            entered=asked.entered_by is not None,
            href=f"/learning/v1/assessment-requests/{asked.id}",
            version=own.version,
            allowed_actions=["answer", "save"] if open_ else [],
        )


def question(item: Item, own: Own) -> QuestionOut:
    return QuestionOut(
        id=item.id,
        text=item.text,
        kind=item.kind,
        largest=item.largest,
        lowest=item.lowest,
        highest=item.highest,
        options=[option.text for option in item.options],
        answer=(own.answers or {}).get(item.id),
        draft=(own.draft or {}).get(item.id),
    )


class ResultOut(BaseModel):
    """A competence in a group: `of` all, body, region or cohort. `before` and `after` are means in percent of what can
    be known, of the `n` people who were assessed both times; `missing_before` and `missing_after` what they lacked of
    it, and `gain` the part of it that was closed, of these means: null when nothing was missing. A group of fewer than
    five people, or one from which theirs could be worked out, is not `shown`: all its figures are null."""

    competence: str
    title: str
    of: Of
    body: Ref | None
    territory: str | None
    cohort: str | None
    name: str | None
    shown: bool
    n: int | None
    before: float | None
    after: float | None
    missing_before: float | None
    missing_after: float | None
    gain: float | None

    @classmethod
    def of_(cls, one: Result) -> ResultOut:
        return cls(
            competence=one.competence,
            title=one.title,
            of=one.of,
            body=Ref.body(one.body_id, one.name) if one.body_id else None,
            territory=one.territory,
            cohort=one.cohort,
            name=one.name,
            shown=one.n is not None,
            n=one.n,
            before=one.before,
            after=one.after,
            missing_before=missing(one.before),
            missing_after=missing(one.after),
            gain=one.gain,
        )


def missing(known: float | None) -> float | None:
    return None if known is None else round(100 - known, 4)


class EnteredOut(BaseModel):
    items: list[AskedOut]


# --- mailed links ---------------------------------------------------------------------------------------------------


@routes.get("/assessments/link", response_class=Response, responses=HTML)
async def show_link(token: Token, at: Anyone) -> Response:
    """The page on which somebody is assessed; once it is closed, what was measured. Opening it does nothing."""
    at.identity = None

    async def opened() -> Response:
        return await page_of(at, await subject_of(token, at))

    return await answered(at, opened, partial(pages.failed, at.language), html=not wants_json(at))


@routes.post("/assessments/link", response_model=OwnOut)
async def use_link(
    token: Token,
    do: Annotated[Literal["save", "send"], Form(description="Save what there is so far, or send all of it")],
    at: Anyone,
) -> Response:
    """The person of the link answers: a field `a-<id of the item>` for each, with a number. What cannot be taken is
    said beside what was entered, which stays."""
    at.identity = None
    entered = pages.entered(await at.request.form())

    async def used() -> Response:
        subject = await subject_of(token, at)
        fn = commands.answer_by_link if do == "send" else commands.save_by_link
        if not wants_html(at):
            return await at.command(fn, subject, entered, out=OwnOut.of)
        refused = await refusal(at, partial(at.command, fn, subject, entered, out=OwnOut.of))
        if refused is not None and not refused.errors:
            raise refused
        return await page_of(at, subject, done=None if refused else do, entered=entered, refused=refused)

    return await answered(at, used, partial(pages.failed, at.language), html=wants_html(at))


async def subject_of(token: str, at: Edge) -> UUID:
    return (await links.verify(token, "learning", PURPOSE, keys=at.context.link_keys)).subject


async def page_of(
    at: Edge,
    request_id: UUID,
    *,
    done: str | None = None,
    entered: Mapping[str, Any] | None = None,
    refused: Problem | None = None,
) -> Response:
    own, network, figures = await at.query(queries.by_link, request_id)
    if wants_json(at):
        return as_json(OwnOut.of(own))
    return pages.assess(at.language, own, network, figures, done=done, entered=entered, refused=refused)


# --- assessments ----------------------------------------------------------------------------------------------------


@routes.post("/networks/{network}/assessments", status_code=201, response_model=AssessmentOut)
async def create(network: str, body: AssessmentBody, at: At) -> Response:
    """Writes a draft: nobody is asked until it is opened."""
    return await at.command(
        commands.create,
        network,
        body,
        out=lambda counted: AssessmentOut.of(counted, at),
        location=lambda counted: f"/learning/v1/assessments/{counted.assessment.id}",
    )


@routes.get("/networks/{network}/assessments", response_model=PageOut[AssessmentOut])
async def assessments(
    network: str,
    at: At,
    state: Annotated[list[State], Query()] = [],  # noqa: B006 (FastAPI copies it)
    updated_since: AwareDatetime | None = None,
    after: After = None,
    limit: Limit = 50,
) -> Response:
    """The assessments of a network; coordinators are given those that are closed."""
    return await at.page(
        queries.listed,
        network,
        state=state,
        updated_since=updated_since,
        after=after,
        limit=limit,
        out=lambda counted: AssessmentOut.of(counted, at),
        model=AssessmentOut,
    )


@routes.get("/assessments/{assessment_id}", response_model=AssessmentOut)
async def assessment(assessment_id: UUID, at: At) -> Response:
    """An assessment, with what is asked and whom."""
    return await at.read(queries.get, assessment_id, out=lambda counted: AssessmentOut.of(counted, at))


@routes.patch("/assessments/{assessment_id}", response_model=AssessmentOut)
async def change(assessment_id: UUID, body: AssessmentChange, at: At) -> Response:
    """Changes what is given: what is asked and whom only of a draft, the last day only of an open phase. Needs
    If-Match."""
    return await at.command(
        commands.change,
        assessment_id,
        body,
        expected=at.if_match(),
        out=lambda counted: AssessmentOut.of(counted, at),
    )


@routes.post("/assessments/{assessment_id}/open", response_model=AssessmentOut, openapi_extra=GUARDED)
async def open_(assessment_id: UUID, body: OpenBody, at: At) -> Response:
    """Opens the next phase until the end of a day: before, the audience is asked; after, those of it who answered
    before. Needs If-Match."""
    return await at.command(
        commands.open_,
        assessment_id,
        body,
        expected=at.if_match(),
        out=lambda counted: AssessmentOut.of(counted, at),
    )


@routes.post("/assessments/{assessment_id}/close", response_model=AssessmentOut, openapi_extra=GUARDED)
async def close(assessment_id: UUID, at: At) -> Response:
    """Closes the open phase now; by itself it closes after its last day. The second one is measured then, for good.
    Needs If-Match."""
    return await at.command(
        commands.close, assessment_id, expected=at.if_match(), out=lambda counted: AssessmentOut.of(counted, at)
    )


@routes.post("/assessments/{assessment_id}/withdraw", response_model=AssessmentOut, openapi_extra=GUARDED)
async def withdraw(assessment_id: UUID, at: At) -> Response:
    """Gives it up: nobody is asked any more, nothing is measured, and what was answered is deleted. Needs If-Match."""
    return await at.command(
        commands.withdraw, assessment_id, expected=at.if_match(), out=lambda counted: AssessmentOut.of(counted, at)
    )


@routes.get("/assessments/{assessment_id}/requests", response_model=PageOut[AskedOut])
async def asked(
    assessment_id: UUID,
    at: At,
    phase: Annotated[list[Phase], Query()] = [],  # noqa: B006
    state: Annotated[list[RequestState], Query()] = [],  # noqa: B006
    updated_since: AwareDatetime | None = None,
    after: After = None,
    limit: Limit = 50,
) -> Response:
    """Who was asked, and who has answered; what, nobody reads but they themselves. JSON, or CSV."""
    return await at.page(
        queries.asked,
        assessment_id,
        phase=phase,
        state=state,
        updated_since=updated_since,
        after=after,
        limit=limit,
        out=AskedOut.of,
        model=AskedOut,
    )


@routes.get("/assessments/{assessment_id}/results", response_model=PageOut[ResultOut])
async def results(
    assessment_id: UUID,
    at: At,
    competence: Annotated[list[Annotated[str, Field(pattern=CODE)]], Query(max_length=100)] = [],  # noqa: B006
    of: Annotated[list[Of], Query()] = [],  # noqa: B006
    body: Annotated[list[UUID], Query(max_length=100)] = [],  # noqa: B006
    after: After = None,
    limit: Limit = 200,
) -> Response:
    """What was measured, of groups of five people and more: empty until the assessment is closed. JSON, or CSV with
    `Accept: text/csv`."""
    return await at.page(
        queries.results,
        assessment_id,
        competence=competence,
        of=of,
        body=body,
        after=after,
        limit=limit,
        out=ResultOut.of_,
        model=ResultOut,
    )


@routes.get("/assessments/{assessment_id}/results/chart.svg", response_class=Response, responses=pages.SVG)
async def chart(assessment_id: UUID, at: At) -> Response:
    """The same as bars, before and after, of everybody and of each body that is shown; in the caller's language."""
    found = await at.query(queries.results, assessment_id, limit=pages.MOST_BARS)
    return pages.chart(at.language, found.items)


# --- answers --------------------------------------------------------------------------------------------------------


@routes.get("/me/assessments", response_model=PageOut[OwnOut])
async def own(
    at: At,
    state: Annotated[list[RequestState], Query()] = [],  # noqa: B006
    after: After = None,
    limit: Limit = 50,
) -> Response:
    """What I am or was asked, in all networks."""
    return await at.page(queries.own, state=state, after=after, limit=limit, out=OwnOut.of, model=OwnOut)


@routes.get("/assessment-requests/{request_id}", response_model=OwnOut)
async def request(request_id: UUID, at: At) -> Response:
    """What I am asked, and what I answered: mine alone."""
    return await at.read(queries.request, request_id, out=OwnOut.of)


@routes.post("/assessment-requests/{request_id}/answers", response_model=OwnOut)
async def answer(request_id: UUID, body: AnswersBody, at: At) -> Response:
    """My answers, all of them; sent again while the phase is open, they take the place of those before."""
    return await at.command(commands.answer, request_id, body, out=OwnOut.of)


@routes.put("/assessment-requests/{request_id}/draft", response_model=OwnOut)
async def save(request_id: UUID, body: AnswersBody, at: At) -> Response:
    """My answers so far, to go on later."""
    return await at.command(commands.save, request_id, body, out=OwnOut.of)


@routes.post("/assessment-requests/{request_id}/paper", response_model=AskedOut)
async def enter(request_id: UUID, body: AnswersBody, at: At) -> Response:
    """What somebody answered on paper, recorded as entered for them; never over what they answered themselves."""
    return await at.command(commands.enter, request_id, body, out=AskedOut.of)


@routes.get("/assessments/{assessment_id}/template", response_class=Response, responses=CSV)
async def template(assessment_id: UUID, at: At) -> Response:
    """A table of those who have not answered in the open phase, with an empty column for each item: to be filled in and
    sent to `papers`."""
    found, people = await at.query(queries.template, assessment_id)
    headers = {"content-disposition": 'attachment; filename="answers.csv"', "cache-control": "no-store"}
    return Response(files.template(found, people), headers=headers, media_type="text/csv; charset=utf-8")


@routes.post("/assessments/{assessment_id}/papers", response_model=EnteredOut)
async def enter_file(assessment_id: UUID, file: UploadFile, at: At) -> Response:
    """Many people's answers from a CSV file or a workbook, as `template` gives it out: all of them or none. What is
    wrong is named by its line and column."""
    content = await file.read(LARGEST_FILE + 1)
    if len(content) > LARGEST_FILE:
        raise FileTooLarge

    async def read(assessment: Assessment) -> Sequence[Row]:
        try:
            return await asyncio.to_thread(files.rows, content, assessment)
        except Unreadable as error:
            raise FileUnreadable(error) from error

    return await at.command(
        commands.enter_file,
        assessment_id,
        read,
        out=lambda entered: EnteredOut(items=[AskedOut.of(one) for one in entered]),
    )


problems = {
    UnknownAssessment: not_found,
    UnknownRequest: not_found,
    Unfit: problem(
        "assessment-unfit",
        422,
        it="Valutazione incoerente\nUn valore non va d'accordo con gli altri: `errors` dice quale e che cosa si "
        "accetta.",
        en="Assessment that does not hold together\nA value does not go with the others: `errors` says which, and what "
        "is accepted.",
    ),
    FixedOnceOpened: problem(
        "assessment-fixed",
        409,
        it="La valutazione è già aperta\nChe cosa si chiede e a chi si decide finché è una bozza: prima e dopo si "
        "confrontano le stesse domande.",
        en="The assessment is open already\nWhat is asked and whom is decided while it is a draft: before and after, "
        "the same questions are compared.",
        code="fixed",
    ),
    NotPossibleNow: problem(
        "assessment-not-possible-now",
        409,
        it="Ora non è possibile\nCon una valutazione nello stato {state} non si può fare {action}.",
        en="Not possible now\nWith an assessment that is {state}, {action} cannot be done.",
    ),
    PhaseOver: problem(
        "assessment-phase-over",
        409,
        it="Non si risponde più\nIl tempo per rispondere è finito, o la domanda è stata ritirata.",
        en="Answered no more\nThe time to answer is over, or the question was taken back.",
    ),
    AnsweredThemselves: problem(
        "assessment-answered",
        409,
        it="Ha già risposto\nChi ha risposto da sé non si sostituisce con un foglio.",
        en="They have answered already\nWhat somebody answered themselves is not replaced by a paper.",
    ),
    AnswersRefused: problem(
        "assessment-answers-refused",
        422,
        it="Risposte da completare\n`errors` dice quali mancano o non si possono accettare; nulla è stato registrato.",
        en="Answers to be completed\n`errors` says which are missing or cannot be taken; nothing was recorded.",
    ),
    FileUnreadable: problem(
        "answers-file-unreadable",
        422,
        it="Il file non si può leggere\n{why_it}",
        en="The file cannot be read\n{why_en}",
        code="unreadable",
        accepted="CSV or a workbook with the columns that the template has",
    ),
    FileTooLarge: problem(
        "too-large",
        413,
        it="Richiesta troppo grande\nSi accettano al massimo {accepted}.",
        en="Request too large\nAt most {accepted} are accepted.",
        path="/file",
    ),
}
vocabularies = (
    vocabulary(
        "assessment_states",
        "Stati della valutazione",
        "States of an assessment",
        [
            (State.DRAFT, "Bozza", "Draft"),
            (State.BEFORE, "Si risponde prima", "Answered before"),
            (State.BETWEEN, "Tra le due", "Between the two"),
            (State.AFTER, "Si risponde dopo", "Answered after"),
            (State.CLOSED, "Chiusa e misurata", "Closed and measured"),
            (State.WITHDRAWN, "Ritirata", "Withdrawn"),
        ],
    ),
    vocabulary(
        "assessment_request_states",
        "Stati della domanda",
        "States of a request",
        [
            (RequestState.ASKED, "Chiesta", "Asked"),
            (RequestState.ANSWERED, "Risposta", "Answered"),
            (RequestState.WITHDRAWN, "Ritirata", "Taken back"),
        ],
    ),
    vocabulary(
        "assessment_items",
        "Tipi di domanda",
        "Kinds of items",
        [(Kind.SCALE, "Scala", "Scale"), (Kind.CHOICE, "Scelta", "Choice")],
    ),
    vocabulary(
        "measured_groups",
        "Gruppi misurati",
        "Groups measured",
        [
            (Of.ALL, "Tutti", "Everybody"),
            (Of.BODY, "Organo o comunità", "Body or community"),
            (Of.REGION, "Regione", "Region"),
            (Of.COHORT, "Coorte", "Cohort"),
        ],
    ),
)

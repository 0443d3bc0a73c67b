"""HTTP of polls, and the page of their links."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from services.events.meetings import queries as meeting_queries
from services.events.meetings.routes import Body, DraftBody, ItemBody, JoinUrl, Reason, Title
from services.events.meetings.rules import Mode
from services.events.policy import Right, policy
from services.events.polls import commands, pages, queries
from services.events.polls.queries import Asked, Date, Sheet, Shown
from services.events.polls.rules import (
    FEWEST,
    MOST,
    Answer,
    IncompleteAnswers,
    InvalidPoll,
    NobodyToAsk,
    NotPossibleNow,
    PollClosed,
    PollWithdrawn,
    RequestState,
    RequestWithdrawn,
    Span,
    State,
    UnknownPoll,
    UnknownRequest,
)
from services.events.series.rules import Level
from shared.access import links
from shared.runtime.browsers import HTML, Token, answered, as_json, wants_json
from shared.runtime.edge import Anyone, At, Edge
from shared.runtime.openapi import GUARDED
from shared.runtime.paging import After, Limit, PageOut
from shared.runtime.problems import FieldError, Invalid, Problem, Problems, not_found, problem
from shared.runtime.shapes import NOT_GIVEN, Instant, Ref, prose
from shared.runtime.vocabularies import vocabulary

routes = APIRouter(tags=["polls"])

MOST_PEOPLE = 500
"""Named in one poll; more than that are a body."""
Note = Annotated[str, prose(2000)]
EXAMPLE: Any = {
    "title": "Comitato esecutivo di ottobre",
    "body_id": "01936f5e-8a00-7000-8000-0000000000b1",
    "note": "Due ore, a distanza",
    "options": [
        {"starts_at": "2030-10-03T15:00:00+02:00", "ends_at": "2030-10-03T17:00:00+02:00"},
        {"starts_at": "2030-10-04T10:00:00+02:00", "ends_at": "2030-10-04T12:00:00+02:00"},
    ],
    "closes_at": "2030-09-25T18:00:00+02:00",
}


class OptionBody(Body):
    starts_at: Instant
    ends_at: Instant

    def span(self) -> Span:
        return Span(self.starts_at, self.ends_at)


class PollBody(Body):
    """With `body_id` those are asked who will belong to it on the day of the earliest option, and follow its mandates
    until the poll closes; otherwise the `people` named."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [EXAMPLE]})

    title: Title
    body_id: UUID | None = None
    people: list[UUID] = Field(default=[], max_length=MOST_PEOPLE)
    note: Note | None = None
    options: list[OptionBody] = Field(min_length=FEWEST, max_length=MOST)
    closes_at: Instant = Field(description="Not later than the earliest option begins")


class ChangeBody(Body):
    """Only what is given changes. `options` are all of them: answers stay with the dates that stay, and who has not
    been asked of a new one is asked again."""

    title: Title = NOT_GIVEN
    note: Note | None = None
    options: list[OptionBody] = Field(default_factory=list, min_length=FEWEST, max_length=MOST)
    closes_at: Instant = NOT_GIVEN


class ChooseBody(Body):
    """Makes a draft at the option, which needs a `mode` and has the poll's title if none is given; or, with
    `meeting_id`, moves that draft or convened meeting there, with what is given here changed."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"option_id": "01936f5e-8a00-7000-8000-00000000c0de", "mode": "remote"}]},
    )

    option_id: UUID
    meeting_id: UUID | None = None
    title: Title = NOT_GIVEN
    mode: Mode = NOT_GIVEN
    place: Title | None = None
    join_url: JoinUrl | None = None
    agenda: list[ItemBody] = Field(default_factory=list, max_length=50)
    series_id: UUID | None = None
    level: Level | None = None
    urgency: Reason = Field(
        default_factory=lambda: "", description="Why a convened meeting moves to a day with less notice than is asked"
    )


class AnswerBody(Body):
    option_id: UUID
    answer: Answer


class AnswersBody(Body):
    """One answer for every option; the last ones count until the poll is closed."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"answers": [{"option_id": "01936f5e-8a00-7000-8000-00000000c0de", "answer": "yes"}]}]
        },
    )

    answers: list[AnswerBody] = Field(min_length=1, max_length=MOST)

    def given(self) -> dict[UUID, Answer]:
        """Raises Invalid for an option that is answered twice."""
        found: dict[UUID, Answer] = {}
        for place, one in enumerate(self.answers):
            if one.option_id in found:
                raise Invalid(f"/answers/{place}/option_id", "repeated", "each option once")
            found[one.option_id] = one.answer
        return found


class ConflictOut(Ref):
    """A meeting of the same body at the same time."""


class OptionOut(BaseModel):
    """`number` counts from 1 in the order of the beginnings. `best`: most can, and among these most more can if need
    be; several are tied."""

    id: UUID
    number: int
    starts_at: datetime
    ends_at: datetime
    yes: int
    if_need_be: int
    no: int
    best: bool
    conflicts: list[ConflictOut]

    @classmethod
    def of(cls, date: Date) -> OptionOut:
        option, tally = date.option, date.tally
        return cls(
            id=option.id,
            number=date.number,
            starts_at=option.starts_at,
            ends_at=option.ends_at,
            yes=tally.yes,
            if_need_be=tally.if_need_be,
            no=tally.no,
            best=date.best,
            conflicts=[
                ConflictOut(id=one.meeting_id, name=one.title, href=f"/events/v1/meetings/{one.meeting_id}")
                for one in date.conflicts
            ],
        )


class MineOut(BaseModel):
    """What the caller is asked themselves."""

    id: UUID
    state: RequestState
    href: str


class PollOut(BaseModel):
    """`asked` counts those who are asked now, `answered` those of them who have answered every option. `tied`: several
    options are equally good. `chosen` is the number of the option of which `meeting` came."""

    id: UUID
    network_id: UUID
    title: str
    body: Ref | None
    note: str | None
    state: State
    closes_at: datetime
    closed_at: datetime | None
    asked: int
    answered: int
    options: list[OptionOut]
    tied: bool
    chosen: int | None
    meeting: str | None = Field(description="Where the meeting that came of it is read")
    mine: MineOut | None
    href: str
    version: int
    allowed_actions: list[str]

    @classmethod
    def of(cls, shown: Shown, at: Edge) -> PollOut:
        poll = shown.poll
        place = meeting_queries.where(poll.network_id, shown.body)
        holds = policy.has(at.actor, Right.HOLD_POLLS, on=at.now, **place)
        answers = shown.request is not None and shown.request[1] is not RequestState.WITHDRAWN
        own = ["answer"] if answers and poll.takes_answers(at.now) else []
        return cls(
            id=poll.id,
            network_id=poll.network_id,
            title=poll.title,
            body=Ref.body(shown.body.id, shown.body.title) if shown.body else None,
            note=poll.note,
            state=poll.state,
            closes_at=poll.closes_at,
            closed_at=poll.closed_at,
            asked=shown.asked,
            answered=shown.answered,
            options=[OptionOut.of(date) for date in shown.dates],
            tied=sum(date.best for date in shown.dates) > 1,
            chosen=next((date.number for date in shown.dates if date.option.id == poll.chosen_id), None),
            meeting=f"/events/v1/meetings/{poll.meeting_id}" if poll.meeting_id else None,
            mine=MineOut(id=shown.request[0], state=shown.request[1], href=request_href(shown.request[0]))
            if shown.request
            else None,
            href=href(shown),
            version=poll.version,
            allowed_actions=own + (poll.actions() if holds else []),
        )


class AnswerOut(BaseModel):
    option_id: UUID
    answer: Answer


class RequestOut(BaseModel):
    """Somebody who is asked, and what they answered last. `answered_by` is who entered it, when it was another."""

    id: UUID
    poll: Ref
    person: Ref
    organisation: Ref | None
    state: RequestState
    answered_at: datetime | None
    answered_by: Ref | None
    answers: list[AnswerOut]
    href: str
    version: int
    allowed_actions: list[str]

    @classmethod
    def of(cls, asked: Asked, at: Edge) -> RequestOut:
        request, poll = asked.request, asked.poll
        own = at.actor.person_id == request.person_id
        place = meeting_queries.where(poll.network_id, asked.body)
        may = own or policy.has(at.actor, Right.ANSWER_FOR_OTHERS, on=at.now, **place)
        open_ = poll.takes_answers(at.now) and request.state is not RequestState.WITHDRAWN
        return cls(
            id=request.id,
            poll=Ref(id=poll.id, name=poll.title, href=f"/events/v1/polls/{poll.id}"),
            person=Ref.person(request.person_id, asked.person),
            organisation=Ref.organisation(request.organisation_id, asked.organisation)
            if request.organisation_id
            else None,
            state=request.state,
            answered_at=request.answered_at,
            answered_by=Ref.person(request.answered_by, asked.by) if request.answered_by else None,
            answers=[AnswerOut(option_id=option, answer=said) for option, said in sorted(asked.answers.items())],
            href=request_href(request.id),
            version=request.version,
            allowed_actions=["answer"] if may and open_ else [],
        )


def href(shown: Shown) -> str:
    return f"/events/v1/polls/{shown.poll.id}"


def request_href(request_id: UUID) -> str:
    return f"/events/v1/poll-requests/{request_id}"


@routes.post("/networks/{network}/polls", status_code=201, response_model=PollOut)
async def start(network: str, body: PollBody, at: At) -> Response:
    """Asks when to meet: each of 2 to 30 dates is answered with yes, if need be, or no, until `closes_at`."""
    return await at.command(
        commands.start,
        network,
        title=body.title,
        body_id=body.body_id,
        people=body.people,
        note=body.note,
        options=[option.span() for option in body.options],
        closes_at=body.closes_at,
        out=lambda shown: PollOut.of(shown, at),
        location=href,
    )


@routes.get("/networks/{network}/polls", response_model=PageOut[PollOut])
async def polls(
    network: str,
    at: At,
    body: Annotated[list[UUID], Query(description="Of any of these bodies")] = [],  # noqa: B006 (FastAPI copies it)
    state: Annotated[list[State], Query()] = [],  # noqa: B006
    q: Annotated[str | None, Query(max_length=100, description="Part of the title")] = None,
    updated_since: AwareDatetime | None = None,
    after: After = None,
    limit: Limit = 50,
) -> Response:
    """The polls of a network, the newest first. Those that ask people named are shown to them and the coordination."""
    return await at.page(
        queries.listed,
        network,
        body=body,
        state=state,
        q=q,
        updated_since=updated_since,
        after=after,
        limit=limit,
        out=lambda shown: PollOut.of(shown, at),
        model=PollOut,
    )


# --- mailed links ---------------------------------------------------------------------------------------------------

PURPOSE = "poll"
FORM: dict[str, Any] = {
    "requestBody": {
        "content": {
            "application/x-www-form-urlencoded": {
                "schema": {
                    "type": "object",
                    "description": "A field for each option, named by its id",
                    "additionalProperties": {"type": "string", "enum": [str(answer) for answer in Answer]},
                }
            }
        }
    }
}


class SheetOut(BaseModel):
    """What the link is about, for programs."""

    request_id: UUID
    network: str
    title: str
    body: str | None
    note: str | None
    closes_at: datetime
    person: str
    organisation: str | None
    state: RequestState
    answered_at: datetime | None
    answered_by: str | None
    options: list[OptionOut]
    answers: list[AnswerOut]

    @classmethod
    def of(cls, sheet: Sheet) -> SheetOut:
        asked, shown = sheet.asked, sheet.shown
        return cls(
            request_id=asked.request.id,
            network=sheet.network.name,
            title=shown.poll.title,
            body=shown.body.title if shown.body else None,
            note=shown.poll.note,
            closes_at=shown.poll.closes_at,
            person=asked.person,
            organisation=asked.organisation,
            state=asked.request.state,
            answered_at=asked.request.answered_at,
            answered_by=asked.by,
            options=[OptionOut.of(date) for date in shown.dates],
            answers=[AnswerOut(option_id=option, answer=said) for option, said in sorted(asked.answers.items())],
        )


@routes.get("/polls/link", response_model=SheetOut, responses=HTML)
async def show_link(token: Token, at: Anyone) -> Response:
    """The dates with a form for the answers. Opening it does nothing. A page; with `Accept: application/json` the same
    for programs."""
    at.identity = None  # the link says who it is

    seen: list[Sheet] = []

    async def shown() -> Response:
        link = await links.verify(token, "events", PURPOSE, keys=at.context.link_keys)
        seen.append(await at.query(queries.sheet, link.subject))
        await at.query(commands.still_open, link.subject)
        return as_json(SheetOut.of(seen[-1])) if wants_json(at) else pages.ask(at.language, seen[-1])

    return await answered(at, shown, partial(failed, at, seen), html=not wants_json(at))


@routes.post("/polls/link", response_model=SheetOut, responses=HTML, openapi_extra=FORM)
async def use_link(token: Token, at: Anyone) -> Response:
    """Records the answers; they may be repeated until the poll closes, and the last ones count."""
    at.identity = None

    seen: list[Sheet] = []

    async def used() -> Response:
        link = await links.verify(token, "events", PURPOSE, keys=at.context.link_keys)
        seen.append(await at.query(queries.sheet, link.subject))
        given, wrong = read(await form(at.request))
        if wrong is None:
            try:
                await at.command(commands.answer_by_link, link, given, out=lambda _: None)
            except IncompleteAnswers as error:
                wrong = error
        if wrong is not None:
            if wants_json(at):
                raise wrong
            await at.query(commands.still_open, link.subject)  # the page of a closed poll says so, whatever was chosen
            seen.append(await at.query(queries.sheet, link.subject))
            return pages.ask(at.language, seen[-1], chosen=given, wrong=True)
        seen.append(await at.query(queries.sheet, link.subject))
        return as_json(SheetOut.of(seen[-1])) if wants_json(at) else pages.ask(at.language, seen[-1], recorded=True)

    return await answered(at, used, partial(failed, at, seen), html=not wants_json(at))


async def form(request: Request) -> dict[str, str]:
    """The fields that are text; no more than a form of ours has."""
    found = await request.form(max_files=0, max_fields=2 * MOST)
    return {name: value for name, value in found.items() if isinstance(value, str)}


def read(fields: Mapping[str, str]) -> tuple[dict[UUID, Answer], Exception | None]:
    """The answers by option, and what is wrong with a field that is none. An option left out is missed later on."""
    given: dict[UUID, Answer] = {}
    wrong: Exception | None = None
    for name, value in fields.items():
        try:
            option = UUID(name)
        except ValueError:
            wrong = wrong or Invalid(f"/{name[:36]}", "unknown", "the id of an option")
            continue
        if value in tuple(Answer):
            given[option] = Answer(value)
        else:
            wrong = wrong or Invalid(f"/{option}", "enum", [str(answer) for answer in Answer])
    return given, wrong


def failed(at: Edge, seen: list[Sheet], refusal: Problem) -> Response:
    return pages.failed(at.language, refusal, seen[-1] if seen else None)


# --- one poll -------------------------------------------------------------------------------------------------------


@routes.get("/polls/{poll_id}", response_model=PollOut)
async def poll(poll_id: UUID, at: At) -> Response:
    """A poll with the counts of each date."""
    return await at.read(queries.get, poll_id, out=lambda shown: PollOut.of(shown, at))


@routes.patch("/polls/{poll_id}", response_model=PollOut)
async def change(poll_id: UUID, body: ChangeBody, at: At) -> Response:
    """Changes an open poll. Needs If-Match."""
    changes: dict[str, Any] = body.model_dump(include=body.model_fields_set - {"options"})
    if "options" in body.model_fields_set:
        changes["options"] = [option.span() for option in body.options]
    return await at.command(
        commands.change, poll_id, changes, expected=at.if_match(), out=lambda shown: PollOut.of(shown, at)
    )


@routes.post("/polls/{poll_id}/close", response_model=PollOut, openapi_extra=GUARDED)
async def close(poll_id: UUID, at: At) -> Response:
    """Closes a poll before its time. Needs If-Match."""
    return await at.command(commands.close, poll_id, expected=at.if_match(), out=lambda shown: PollOut.of(shown, at))


@routes.post("/polls/{poll_id}/withdraw", response_model=PollOut, openapi_extra=GUARDED)
async def withdraw(poll_id: UUID, at: At) -> Response:
    """Withdraws a poll of which nothing has come; those who are asked are told. Needs If-Match."""
    return await at.command(commands.withdraw, poll_id, expected=at.if_match(), out=lambda shown: PollOut.of(shown, at))


@routes.post("/polls/{poll_id}/choose", response_model=PollOut, openapi_extra=GUARDED)
async def choose(poll_id: UUID, body: ChooseBody, at: At) -> Response:
    """Chooses a date, and drafts or moves the meeting there at once; an open poll is closed by it. Needs If-Match."""
    return await at.command(
        commands.choose,
        poll_id,
        body.option_id,
        meeting=await meeting_of(poll_id, body, at),
        meeting_id=body.meeting_id,
        expected=at.if_match(),
        out=lambda shown: PollOut.of(shown, at),
    )


async def meeting_of(poll_id: UUID, body: ChooseBody, at: Edge) -> dict[str, Any]:
    """What the meeting gets beside its times: of a draft all that a draft has, of one that is moved what is given."""
    given = body.model_dump(include=body.model_fields_set - {"option_id", "meeting_id"})
    if body.meeting_id is not None:
        return given
    if "urgency" in given:
        raise Invalid("/urgency", "not_allowed", "nothing, but of a meeting that is moved")
    if "mode" not in given:
        raise Invalid("/mode", "missing", [str(mode) for mode in Mode])
    shown = await at.query(queries.get, poll_id)
    date = next((date.option for date in shown.dates if date.option.id == body.option_id), shown.dates[0].option)
    whole = {"title": shown.poll.title, "starts_at": date.starts_at, "ends_at": date.ends_at, **given}
    draft = DraftBody.model_validate(whole)
    return {name: getattr(draft, name) for name in DraftBody.model_fields} | {"agenda": draft.model_dump()["agenda"]}


@routes.get("/polls/{poll_id}/requests", response_model=PageOut[RequestOut])
async def requests(
    poll_id: UUID,
    at: At,
    state: Annotated[list[RequestState], Query()] = [],  # noqa: B006 (FastAPI copies it)
    person: Annotated[list[UUID], Query()] = [],  # noqa: B006
    organisation: Annotated[list[UUID], Query()] = [],  # noqa: B006
    updated_since: AwareDatetime | None = None,
    after: After = None,
    limit: Limit = 50,
) -> Response:
    """Who is asked and what each answered: for the coordination."""
    return await at.page(
        queries.all_asked,
        poll_id,
        state=state,
        person=person,
        organisation=organisation,
        updated_since=updated_since,
        after=after,
        limit=limit,
        out=lambda asked: RequestOut.of(asked, at),
        model=RequestOut,
    )


@routes.get("/polls/{poll_id}/requests/me", response_model=RequestOut)
async def mine(poll_id: UUID, at: At) -> Response:
    """What the caller is asked, and has answered."""
    return await at.read(queries.mine_in, poll_id, out=lambda asked: RequestOut.of(asked, at))


@routes.post("/polls/{poll_id}/requests/me/answer", response_model=RequestOut)
async def answer_mine(poll_id: UUID, body: AnswersBody, at: At) -> Response:
    """The caller's own answers; with If-Match only over the version that was seen."""
    return await at.command(
        commands.answer_mine,
        poll_id,
        body.given(),
        expected=seen_version(at),
        out=lambda asked: RequestOut.of(asked, at),
    )


@routes.get("/poll-requests/{request_id}", response_model=RequestOut)
async def request(request_id: UUID, at: At) -> Response:
    """Somebody who is asked: for themselves and the coordination."""
    return await at.read(queries.get_asked, request_id, out=lambda asked: RequestOut.of(asked, at))


@routes.post("/poll-requests/{request_id}/answer", response_model=RequestOut)
async def answer(request_id: UUID, body: AnswersBody, at: At) -> Response:
    """The person's own answers, or those that they gave to the coordination, which are recorded as entered by it. They
    may be repeated until the poll closes, and the last ones count; with If-Match only over the version that was
    seen."""
    return await at.command(
        commands.answer,
        request_id,
        body.given(),
        expected=seen_version(at),
        out=lambda asked: RequestOut.of(asked, at),
    )


def seen_version(at: Edge) -> int | None:
    return at.if_match() if "if-match" in at.request.headers else None


incomplete = problem(
    "incomplete-answers",
    422,
    it="Risposte incomplete\nServe una risposta per ogni data del sondaggio: `errors` dice quali mancano o non sono "
    "date di questo sondaggio.",
    en="Incomplete answers\nEvery date of the poll wants one answer: `errors` says which are missing, or are no dates "
    "of this poll.",
)


def date_by_date(error: BaseException) -> list[FieldError]:
    assert isinstance(error, IncompleteAnswers)
    said = [str(answer) for answer in Answer]
    missing = [FieldError(f"/answers/{option}", "missing", said) for option in error.missing]
    return missing + [FieldError(f"/answers/{one}", "unknown", "an option of this poll") for one in error.unknown]


problems: Problems = {
    UnknownPoll: not_found,
    UnknownRequest: not_found,
    InvalidPoll: problem(
        "invalid-poll",
        422,
        it="Sondaggio non valido\nIl valore indicato non è ammesso: `errors` dice quale e che cosa si accetta.",
        en="Invalid poll\nA value cannot be taken: `errors` says which, and what is accepted.",
    ),
    IncompleteAnswers: lambda error: incomplete(None, errors=date_by_date(error)),
    NobodyToAsk: problem(
        "nobody-to-ask",
        409,
        it="Non c'è nessuno da interpellare\nNel giorno della prima data proposta l'organo non ha componenti.",
        en="There is nobody to ask\nOn the day of the earliest date nobody belongs to the body.",
        path="/body_id",
    ),
    NotPossibleNow: problem(
        "poll-not-possible-now",
        409,
        it="Ora non è possibile\nCon un sondaggio nello stato {state} non si può fare {action}.",
        en="Not possible now\nWith a poll that is {state}, {action} cannot be done.",
    ),
    PollClosed: problem(
        "poll-closed",
        410,
        it="Il sondaggio è chiuso\nNon si raccolgono più risposte.",
        en="The poll is closed\nAnswers are no longer taken.",
    ),
    PollWithdrawn: problem(
        "poll-withdrawn",
        410,
        it="Il sondaggio è stato ritirato\nNon occorre rispondere.",
        en="The poll has been withdrawn\nNo answer is needed.",
    ),
    RequestWithdrawn: problem(
        "poll-request-withdrawn",
        410,
        it="La richiesta non vale più\nIl mandato per cui la persona era interpellata non dura fino alle date "
        "proposte.",
        en="The request is no longer good\nThe mandate by which the person was asked does not last until the dates "
        "proposed.",
    ),
}

vocabularies = (
    vocabulary(
        "poll_states",
        "Stati di un sondaggio sulle date",
        "States of a poll for dates",
        [
            (State.OPEN, "Aperto", "Open"),
            (State.CLOSED, "Chiuso", "Closed"),
            (State.WITHDRAWN, "Ritirato", "Withdrawn"),
        ],
    ),
    vocabulary(
        "poll_request_states",
        "Stati di chi è interpellato in un sondaggio",
        "States of those who are asked in a poll",
        [
            (RequestState.ASKED, "Interpellato", "Asked"),
            (RequestState.ANSWERED, "Ha risposto", "Answered"),
            (RequestState.WITHDRAWN, "Non più interpellato", "No longer asked"),
        ],
    ),
    vocabulary(
        "poll_answers",
        "Risposte a una data",
        "Answers to a date",
        [
            (Answer.YES, "Sì", "Yes"),
            (Answer.IF_NEED_BE, "Se necessario", "If need be"),
            (Answer.NO, "No", "No"),
        ],
    ),
)

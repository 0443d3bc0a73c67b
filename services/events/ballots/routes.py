"""HTTP of ballots, and the page of their links."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import partial
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Path, Query, UploadFile
from pydantic import AwareDatetime, BaseModel, Field
from starlette.datastructures import FormData
from starlette.responses import Response, StreamingResponse

from services.events.ballots import commands, files, forms, pages, papers, queries, results
from services.events.ballots.commands import Call, MajorityBody, Question
from services.events.ballots.forms import View
from services.events.ballots.grids import EVERYBODY, MOST_CELLS, Grid, pointer
from services.events.ballots.papers import Given, PaperBody, Taken, VoteBody
from services.events.ballots.queries import Cast, Sheet, Shown, Slip
from services.events.ballots.results import Called, Cell, Group, Results
from services.events.ballots.rules import (
    MOST_ERRORS,
    Ballot,
    BallotClosed,
    Basis,
    Delegated,
    Identity,
    InvalidMajority,
    Kind,
    LevelTooLow,
    NobodyEntitled,
    NotThere,
    NotYours,
    NoVoice,
    Outcome,
    PaperRefused,
    Per,
    QuorumImpossible,
    SeatHasVoted,
    SecretByOneself,
    SecretIsFinal,
    StillOpen,
    UnknownBallot,
    Vote,
    VotedThemselves,
    VoterState,
    WrongKind,
)
from services.events.meetings import queries as meeting_queries
from services.events.meetings.rules import State as MeetingState
from services.events.policy import Right, policy
from shared.access import links
from shared.access.roles import Level
from shared.runtime import csv
from shared.runtime.browsers import HTML, Token, answered, as_json, refusal, wants_json
from shared.runtime.edge import At, Edge
from shared.runtime.openapi import GUARDED
from shared.runtime.paging import After, Limit, PageOut
from shared.runtime.problems import FieldError, Invalid, Problem, Problems, not_found, problem
from shared.runtime.sessions import MaybeSeated
from shared.runtime.shapes import Ref, Statistic
from shared.runtime.vocabularies import vocabulary
from shared.sheets import LARGEST_FILE, FileTooLarge, Unreadable, why_unreadable
from shared.sheets.problems import refusals

DIGITS = 4
"""Decimals of the figures that are shown."""
Network = Annotated[str, Path(max_length=100, description="Slug or id of a network")]


class PapersUnreadable(Exception):
    """The file as a whole cannot be taken; why, in both languages."""

    def __init__(self, why: Unreadable) -> None:
        super().__init__(why.reason)
        self.path = "/file"
        self.why_it = why_unreadable(why.reason, why.values, "it", files.FIELDS)
        self.why_en = why_unreadable(why.reason, why.values, "en", files.FIELDS)


routes = APIRouter(tags=["ballots"])


class ResultOut(BaseModel):
    in_favour: int
    against: int
    abstained: int
    outcome: Outcome


class GridOut(BaseModel):
    """A cell is named by the numbers, from 1, of its field, need and resource: `2.6.5`."""

    fields: list[str]
    needs: list[str]
    resources: list[str]
    lowest: int
    highest: int
    minimum: int
    cells: int

    @classmethod
    def of(cls, grid: Grid) -> GridOut:
        names = ("fields", "needs", "resources")
        return cls(
            **{name: list(getattr(grid, name)) for name in names},
            lowest=grid.lowest,
            highest=grid.highest,
            minimum=grid.minimum,
            cells=grid.cells,
        )


class CohortOut(BaseModel):
    """`cast` counts papers, once the ballot is closed."""

    code: str
    title: str
    kinds: list[str]
    sections: list[str]
    territories: list[str]
    entitled: int
    cast: int | None


class BallotOut(BaseModel):
    """`cast` is how many papers there are; `result` what they say, once the ballot is closed (`…/results` says more).
    Without a meeting it is open until `closes_at`, and `needed` must vote."""

    id: UUID
    meeting: Ref | None
    body: Ref | None
    question: str
    kind: Kind
    majority: MajorityBody | None
    options: list[str]
    most: int
    winners: int
    grid: GridOut | None
    cohorts: list[CohortOut]
    secret: bool
    weighted: bool
    ground: str | None
    level: Identity
    open: bool
    closes_at: datetime | None
    entitled: int
    entitled_votes: int
    needed: int | None
    cast: int
    result: ResultOut | None
    opened_at: datetime
    closed_at: datetime | None
    href: str
    version: int
    allowed_actions: list[str]

    @classmethod
    def of(cls, shown: Shown, at: Edge) -> BallotOut:
        ballot, meeting, body = shown.ballot, shown.meeting, shown.body
        return cls(
            id=ballot.id,
            meeting=Ref(id=meeting.id, name=meeting.title, href=f"/events/v1/meetings/{meeting.id}")
            if meeting
            else None,
            body=Ref.body(body.id, body.title) if body else None,
            question=ballot.question,
            kind=ballot.kind,
            majority=MajorityBody(
                numerator=ballot.numerator, denominator=ballot.denominator, exceeded=ballot.exceeded, of=ballot.basis
            )
            if ballot.kind is Kind.MOTION
            else None,
            options=ballot.options,
            most=ballot.most,
            winners=ballot.winners,
            grid=GridOut.of(ballot.cells) if ballot.grid else None,
            cohorts=[_cohort(one, ballot) for one in ballot.cohorts],
            secret=ballot.secret,
            weighted=ballot.weighted,
            ground=ballot.ground,
            level=ballot.level,
            open=ballot.open,
            closes_at=ballot.closes_at,
            entitled=ballot.entitled,
            entitled_votes=ballot.entitled_votes,
            needed=ballot.needed if meeting is None else None,
            cast=shown.cast if ballot.open else ballot.cast,
            result=result_of(ballot),
            opened_at=ballot.opened_at,
            closed_at=ballot.closed_at,
            href=f"/events/v1/ballots/{ballot.id}",
            version=ballot.version,
            allowed_actions=_actions(shown, at),
        )


def _cohort(cohort: dict[str, Any], ballot: Ballot) -> CohortOut:
    named = {name: cohort[name] for name in ("code", "title", "kinds", "sections", "territories", "entitled")}
    return CohortOut(**named, cast=None if ballot.open else cohort["cast"])


def result_of(ballot: Ballot) -> ResultOut | None:
    if ballot.outcome is None:
        return None
    figures = {"in_favour": ballot.in_favour, "against": ballot.against, "abstained": ballot.abstained}
    return ResultOut(**figures, outcome=ballot.outcome)


def _actions(shown: Shown, at: Edge) -> list[str]:
    ballot, meeting = shown.ballot, shown.meeting
    if not ballot.open or (meeting is not None and meeting.state is not MeetingState.CONVENED):
        return []
    place = meeting_queries.where(ballot.network_id, shown.body)
    may = []
    if policy.has(at.actor, Right.HOLD_BALLOTS, on=at.now, **place):
        may += ["close", "cancel"]
    if policy.has(at.actor, Right.RECORD_PAPERS, on=at.now, **place) and not ballot.secret:
        may.append("enter")
    return [*may, "vote"] if shown.invited and not ballot.over(at.now) else may


class CastOut(BaseModel):
    """Whose vote was cast by whom; what it says is null while the ballot is open. Of a secret ballot neither that nor
    the instant is kept. `entered_by` typed in what they wrote on paper."""

    invitation_id: UUID | None
    voter_id: UUID | None
    person: Ref
    organisation: Ref | None
    cohort: str | None
    weight: int
    cast_by: Ref
    cast_at: datetime | None
    entered_by: UUID | None
    vote: Vote | None
    choice: list[int] | None
    cells: dict[str, int | str] | None

    @classmethod
    def of(cls, cast: Cast) -> CastOut:
        return cls(
            invitation_id=cast.invitation_id,
            voter_id=cast.voter_id,
            person=Ref.person(cast.person_id, cast.person),
            organisation=_organisation(cast.organisation_id, cast.organisation),
            cohort=cast.cohort,
            weight=cast.weight,
            cast_by=Ref.person(cast.cast_by, cast.cast_by_name),
            cast_at=cast.cast_at,
            entered_by=cast.entered_by,
            vote=cast.vote,
            choice=_choice(cast.marks) if cast.ballot.kind is Kind.CHOICE else None,
            cells=cast.ballot.cells.shown(cast.marks) if cast.ballot.kind is Kind.GRID and cast.marks else None,
        )


def _organisation(id_: UUID | None, title: str | None) -> Ref | None:
    return Ref.organisation(id_, title) if id_ else None


def _choice(marks: bytes | None) -> list[int] | None:
    return [place for place, mark in enumerate(marks, 1) if mark] if marks is not None else None


class GivenOut(BaseModel):
    """The vote as it stands; `replaced`: there was one before."""

    ballot_id: UUID
    invitation_id: UUID
    vote: Vote | None
    cast_at: datetime | None
    replaced: bool

    @classmethod
    def of(cls, given: Given) -> GivenOut:
        return cls(
            ballot_id=given.ballot.id,
            invitation_id=given.paper.id,
            vote=given.vote,
            cast_at=given.cast_at,
            replaced=given.replaced,
        )


class SlipOut(BaseModel):
    """A paper: `empty`, a `draft`, or `cast`; a draft beside a cast one (`cast_at`) does not count. What it says is in
    `vote`, `choice` or `cells`, as it may be sent back; null of a secret ballot, and of another's paper that they cast
    themselves while the ballot is open."""

    ballot_id: UUID
    voter: UUID
    person: str
    organisation: str | None
    state: Literal["empty", "draft", "cast"]
    voted: bool
    vote: Vote | None
    choice: list[int] | None
    cells: dict[str, int | str] | None
    answered: int | None
    of: int
    cast_at: datetime | None
    entered_by: UUID | None
    version: int

    @classmethod
    def of_slip(cls, slip: Slip) -> SlipOut:
        ballot, paper = slip.ballot, slip.paper
        drafted = paper.draft if slip.told else None
        marks = drafted if drafted is not None else paper.marks if slip.told else None
        cells = ballot.cells.shown(marks) if ballot.kind is Kind.GRID and marks is not None else None
        return cls(
            ballot_id=ballot.id,
            voter=paper.id,
            person=paper.person,
            organisation=paper.organisation,
            state="draft" if drafted is not None else "cast" if paper.voted else "empty",
            voted=paper.voted,
            vote=paper.vote if slip.told else None,
            choice=_choice(marks) if ballot.kind is Kind.CHOICE else None,
            cells=cells,
            answered=len(cells) if cells is not None else None,
            of=ballot.width,
            cast_at=paper.cast_at,
            entered_by=paper.entered_by,
            version=paper.version,
        )


class UsedOut(SlipOut):
    """The paper as a link left it; `replaced`: there was one before."""

    invitation_id: UUID
    replaced: bool

    @classmethod
    def of_used(cls, slip: Slip) -> UsedOut:
        shown = SlipOut.of_slip(slip)
        return cls(**shown.model_dump(), invitation_id=slip.paper.id, replaced=slip.replaced)


class CalledOut(BaseModel):
    """Somebody who was called, and whether they have voted; in a ballot of organisations, for theirs."""

    id: UUID
    person: Ref
    organisation: Ref | None
    cohort: str | None
    weight: int
    state: VoterState

    @classmethod
    def of(cls, called: Called) -> CalledOut:
        return cls(
            id=called.id,
            person=Ref.person(called.person_id, called.person),
            organisation=_organisation(called.organisation_id, called.organisation),
            cohort=called.cohort,
            weight=called.weight,
            state=called.state,
        )


class TakenOut(BaseModel):
    """What came of a file: papers, how many replaced one entered before, and answered cells in them."""

    papers: int
    replaced: int
    cells: int

    @classmethod
    def of(cls, taken: Taken) -> TakenOut:
        return cls(papers=taken.papers, replaced=taken.replaced, cells=taken.cells)


class FigureOut(BaseModel):
    """`n` scores; neither who has no opinion nor who gave no answer is a zero. `deviation` is that of a sample, the
    quartiles are interpolated; `rank` is that in the field, null where fewer scored the cell than the grid asks."""

    cohort: str
    cell: str
    field: str
    need: str
    resource: str
    n: int
    no_opinion: int
    unanswered: int
    mean: float | None
    median: float | None
    deviation: float | None
    lower_quartile: float | None
    upper_quartile: float | None
    rank: int | None
    tied: bool

    @classmethod
    def of(cls, cell: Cell) -> FigureOut:
        grid, figure = cell.ballot.cells, cell.figure
        field, need, resource = grid.terms(figure.cell)
        return cls(
            cohort=figure.cohort or "all",
            cell=grid.keys[figure.cell],
            field=field,
            need=need,
            resource=resource,
            n=figure.n,
            no_opinion=figure.no_opinion,
            unanswered=figure.unanswered,
            mean=_rounded(figure.mean),
            median=_rounded(figure.median),
            deviation=_rounded(figure.deviation),
            lower_quartile=_rounded(figure.lower),
            upper_quartile=_rounded(figure.upper),
            rank=figure.rank,
            tied=figure.tied,
        )


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, DIGITS)


class BestOut(BaseModel):
    """The best crossing of a field; several are tied."""

    number: int
    field: str
    cells: list[FigureOut]


class GroupOut(BaseModel):
    """All together (`all`) or a cohort: how many of those entitled have voted, and what they say. Null where the papers
    of a secret ballot are too few to be shown."""

    code: str
    title: str | None
    cast: Statistic
    in_favour: int | None
    against: int | None
    abstained: int | None
    votes: list[int] | None
    best: list[BestOut] | None


class ResultsOut(BaseModel):
    """What a closed ballot says. `votes` of a group are those of each option, in their order; `winners` the numbers of
    the options that win, from 1."""

    ballot_id: UUID
    kind: Kind
    question: str
    outcome: Outcome
    options: list[str]
    winners: list[int]
    scores: int | None
    groups: list[GroupOut]
    version: int

    @classmethod
    def of(cls, results: Results) -> ResultsOut:
        ballot = results.ballot
        assert ballot.outcome is not None
        everybody = [one.n for one in results.figures if one.cohort == EVERYBODY]
        return cls(
            ballot_id=ballot.id,
            kind=ballot.kind,
            question=ballot.question,
            outcome=ballot.outcome,
            options=ballot.options,
            winners=results.winners,
            scores=sum(everybody) if everybody else None,
            groups=[_group(results, one) for one in results.groups],
            version=ballot.version,
        )


def _group(results: Results, group: Group) -> GroupOut:
    ballot = results.ballot
    tally = group.tally if ballot.kind is Kind.MOTION else None
    scored = ballot.outcome is Outcome.SCORED and group.papers is not None
    return GroupOut(
        code=group.code or "all",
        title=group.title or None,
        cast=Statistic.out_of(group.cast, group.entitled),
        in_favour=tally.in_favour if tally else None,
        against=tally.against if tally else None,
        abstained=tally.abstained if tally else None,
        votes=group.votes(len(ballot.options)) if ballot.kind is Kind.CHOICE else None,
        best=_best(results, group.code) if scored else None,
    )


def _best(results: Results, cohort: str) -> list[BestOut]:
    return [
        BestOut(
            number=field + 1,
            field=results.ballot.cells.fields[field],
            cells=[FigureOut.of(Cell(results.ballot, one)) for one in results.best[cohort, field]],
        )
        for field in range(len(results.ballot.cells.fields))
        if (cohort, field) in results.best
    ]


def href(shown: Shown) -> str:
    return f"/events/v1/ballots/{shown.ballot.id}"


@routes.post("/meetings/{meeting_id}/ballots", status_code=201, response_model=BallotOut)
async def open_(meeting_id: UUID, body: Question, at: At) -> Response:
    """Puts a question to the vote in a meeting that has been convened and is not over."""
    return await at.command(commands.open_, meeting_id, body, out=lambda shown: BallotOut.of(shown, at), location=href)


@routes.get("/meetings/{meeting_id}/ballots", response_model=PageOut[BallotOut])
async def ballots(meeting_id: UUID, at: At, after: After = None, limit: Limit = 50) -> Response:
    """The ballots of a meeting."""
    return await at.page(
        queries.listed,
        meeting_id,
        after=after,
        limit=limit,
        out=lambda shown: BallotOut.of(shown, at),
        model=BallotOut,
    )


@routes.post("/networks/{network}/ballots", status_code=201, response_model=BallotOut)
async def call(network: Network, body: Call, at: At) -> Response:
    """Opens a ballot without a meeting, of a body or of the whole network, until `closes_at`. Each voter is called,
    with a link of their own; voters follow mandates until it is closed."""
    return await at.command(commands.call, network, body, out=lambda shown: BallotOut.of(shown, at), location=href)


@routes.get("/networks/{network}/ballots", response_model=PageOut[BallotOut])
async def of_network(
    network: Network,
    at: At,
    body: Annotated[list[UUID], Query()] = [],  # noqa: B006 (FastAPI copies it)
    kind: Annotated[list[Kind], Query()] = [],  # noqa: B006
    state: Annotated[list[Literal["open", "closed"]], Query()] = [],  # noqa: B006
    q: Annotated[str | None, Query(max_length=200, pattern=r"^[^\x00]*$")] = None,
    updated_since: AwareDatetime | None = None,
    after: After = None,
    limit: Limit = 50,
) -> Response:
    """The ballots of a network, in meetings and without, the newest first."""
    return await at.page(
        queries.of_network,
        network,
        body=body,
        kind=kind,
        state=state,
        q=q,
        updated_since=updated_since,
        after=after,
        limit=limit,
        out=lambda shown: BallotOut.of(shown, at),
        model=BallotOut,
    )


# --- mailed links: before /ballots/{id}, which would take `link` for an id ------------------------------------------

PURPOSE = "vote"
LARGEST_FORM = 1 << 20
"""Bytes of a form: that of the largest grid has a tenth of them."""
Of = Annotated[UUID | None, Query(description="The invitation, or the voter, whose paper it is; one's own if left out")]


class PaperOut(BaseModel):
    """A vote that the link's holder may cast: `by_proxy`, that of somebody whom they stand for. Of a ballot without a
    meeting `invitation_id` is the voter's id."""

    invitation_id: UUID
    person: str
    organisation: str | None
    by_proxy: bool
    vote: Vote | None
    paper: SlipOut


class SheetOut(BaseModel):
    """What the link is about, for programs."""

    ballot_id: UUID
    network: str
    meeting: str | None
    question: str
    kind: Kind
    options: list[str]
    most: int
    grid: GridOut | None
    secret: bool
    level: Identity
    open: bool
    papers: list[PaperOut]
    result: ResultOut | None

    @classmethod
    def of(cls, sheet: Sheet, network: Any) -> SheetOut:
        ballot = sheet.shown.ballot
        return cls(
            ballot_id=ballot.id,
            network=network.name,
            meeting=sheet.shown.meeting.title if sheet.shown.meeting else None,
            question=ballot.question,
            kind=ballot.kind,
            options=ballot.options,
            most=ballot.most,
            grid=GridOut.of(ballot.cells) if ballot.grid else None,
            secret=ballot.secret,
            level=ballot.level,
            open=sheet.votable,
            papers=[
                PaperOut(
                    invitation_id=paper.id,
                    person=paper.person,
                    organisation=paper.organisation,
                    by_proxy=paper.ticket.proxy is not None,
                    vote=paper.vote,
                    paper=SlipOut.of_slip(Slip(ballot, paper)),
                )
                for paper in (sheet.papers if sheet.votable else ())
            ],
            result=result_of(ballot),
        )


@routes.get("/ballots/link", response_model=SheetOut, responses=HTML)
async def show_link(token: Token, at: MaybeSeated, paper: Of = None) -> Response:
    """The question with a paper to be filled in, or the result. Opening it does nothing. A page; with `Accept:
    application/json` the same for programs."""
    seat = take_seat(at)
    networks: list[Any] = []

    async def shown() -> Response:
        link, network = await link_of(token, at, networks)
        sheet = await at.query(queries.sheet, link)
        if wants_json(at):
            return as_json(SheetOut.of(sheet, network))
        found = await at.query(results.of_sheet, sheet)
        view = View(at.request.url.query, paper, level_of(seat, sheet), results=found)
        return pages.show(at.language, sheet, network, view)

    return await answered(at, shown, partial(failed, at, networks), html=not wants_json(at))


@routes.post(
    "/ballots/link",
    response_model=UsedOut,
    responses=HTML,
    openapi_extra={
        "requestBody": {
            "content": {
                "application/x-www-form-urlencoded": {
                    "schema": {
                        "type": "object",
                        "properties": {
                            "vote": {"type": "string", "description": "Of a motion: yes, no or abstain"},
                            "option": {"type": "array", "items": {"type": "integer"}, "description": "Of a choice"},
                            "action": {"type": "string", "enum": ["cast", "draft"]},
                            "seen": {"type": "integer", "description": "The version of the paper that was shown"},
                            "invitation_id": {"type": "string", "description": "Whose; one's own if left out"},
                        },
                        "additionalProperties": {
                            "type": "string",
                            "description": "Of a grid, by cell (`2.6.5`): a score, `no_opinion`, or nothing",
                        },
                    }
                }
            }
        }
    },
)
async def use_link(token: Token, at: MaybeSeated, paper: Of = None) -> Response:
    """Casts the paper, or saves its draft; it may be repeated until the ballot is closed, and the last one counts,
    unless the ballot is secret. A page answers what is wrong beside each cell."""
    seat = take_seat(at)
    networks: list[Any] = []

    async def used() -> Response:
        link, network = await link_of(token, at, networks)
        sheet = await at.query(queries.sheet, link)
        form = await sent(at)
        request = forms.request_of(sheet.shown.ballot, form, paper)
        view = View(at.request.url.query, request.of, level_of(seat, sheet), form)
        if sheet.votable and not wants_json(at):
            unasked = forms.unanswered(sheet.shown.ballot, form)
            if unasked:
                return pages.show(at.language, sheet, network, view, forms.Unasked(unasked))
        made: list[Slip] = []

        async def act() -> None:
            if isinstance(request.body, PaperRefused):
                raise request.body
            await at.command(
                papers.put_by_link,
                link,
                request.body,
                of=request.of,
                seen=request.seen,
                seat=seat,
                out=made.append,
            )

        refused = None if wants_json(at) else await refusal(at, act)
        if wants_json(at):
            await act()
            return as_json(UsedOut.of_used(made[-1]))
        if refused is not None and refused.type in AGAIN:
            return pages.show(at.language, sheet, network, view, refused)
        if refused is not None:
            return pages.failed(at.language, refused, network)
        if request.draft:
            return pages.saved(at.language, sheet, network, view, made[-1])
        return pages.thanks(at.language, made[-1], network)

    return await answered(at, used, partial(failed, at, networks), html=not wants_json(at))


AGAIN = ("paper-refused", "version-mismatch")
"""Refusals after which the paper is shown again with what was filled in."""


def take_seat(at: Edge) -> tuple[UUID, Level] | None:
    """Who is signed in at the browser and how surely: the link says who acts, being signed in too how sure that is."""
    identity, at.identity = at.identity, None
    return (identity.person_id, identity.level) if identity is not None and identity.person_id else None


def level_of(seat: tuple[UUID, Level] | None, sheet: Sheet) -> Level:
    persons = {paper.ticket.proxy or paper.ticket.person_id for paper in sheet.papers}
    return seat[1] if seat is not None and seat[0] in persons else Level.LINK


async def sent(at: Edge) -> FormData:
    """The form's fields. Raises Invalid."""
    length = at.request.headers.get("content-length", "")
    if not length.isdigit() or int(length) > LARGEST_FORM:
        raise Invalid("Content-Length", "too_large", f"a form of at most {LARGEST_FORM} bytes")
    return await at.request.form(max_files=0, max_fields=2 * MOST_CELLS)


async def link_of(token: str, at: Edge, networks: list[Any]) -> tuple[links.Link, Any]:
    """The good link and its network, which is noted in `networks`, so that a refusal is a page of it, too."""
    link = await links.verify(token, "events", PURPOSE, keys=at.context.link_keys)
    networks.append(await at.query(queries.network_of, link))
    return link, networks[-1]


def failed(at: Edge, networks: list[Any], refused: Problem) -> Response:
    return pages.failed(at.language, refused, networks[-1] if networks else None)


# --- one ballot -----------------------------------------------------------------------------------------------------


@routes.get("/ballots/{ballot_id}", response_model=BallotOut)
async def ballot(ballot_id: UUID, at: At) -> Response:
    """A ballot. How many votes were cast moves without its version: no answer is kept."""
    found = await at.query(queries.get, ballot_id)
    shown = BallotOut.of(found, at)
    headers = {"etag": f'"{found.version}"', "cache-control": "no-store"}
    return Response(shown.model_dump_json(), headers=headers, media_type="application/json")


@routes.get("/ballots/{ballot_id}/votes", response_model=PageOut[CastOut])
async def votes(ballot_id: UUID, at: At, after: After = None, limit: Limit = 50) -> Response:
    """Who voted; and how, once the ballot is closed, unless it is secret. For the coordination."""
    return await at.page(queries.cast, ballot_id, after=after, limit=limit, out=CastOut.of, model=CastOut)


@routes.get("/ballots/{ballot_id}/voters", response_model=PageOut[CalledOut])
async def voters(
    ballot_id: UUID,
    at: At,
    cohort: Annotated[list[Annotated[str, Field(max_length=40)]], Query()] = [],  # noqa: B006
    state: Annotated[list[VoterState], Query()] = [],  # noqa: B006
    after: After = None,
    limit: Limit = 50,
) -> Response:
    """Who was called to a ballot without a meeting, and who of them has voted. For the coordination."""
    return await at.page(
        results.called,
        ballot_id,
        cohort=cohort,
        state=state,
        after=after,
        limit=limit,
        out=CalledOut.of,
        model=CalledOut,
    )


@routes.post("/ballots/{ballot_id}/votes", response_model=GivenOut)
async def vote(ballot_id: UUID, body: VoteBody, at: At) -> Response:
    """One vote for each seat or invitation whose mandate is in force today: one's own, or that of somebody one stands
    for. Voting again replaces it until the ballot is closed. Who votes is recorded as being there."""
    return await at.command(papers.vote, ballot_id, body, out=GivenOut.of)


@routes.post("/ballots/{ballot_id}/close", response_model=BallotOut, openapi_extra=GUARDED)
async def close(ballot_id: UUID, at: At) -> Response:
    """Counts, and tells the outcome: that of the votes, or no_quorum when the quorum is not reached at this moment.
    Needs If-Match."""
    return await at.command(
        commands.close, ballot_id, expected=at.if_match(), out=lambda shown: BallotOut.of(shown, at)
    )


@routes.post("/ballots/{ballot_id}/cancel", response_model=BallotOut, openapi_extra=GUARDED)
async def cancel(ballot_id: UUID, at: At) -> Response:
    """It was opened in error: nothing is counted. Needs If-Match."""
    return await at.command(
        commands.cancel, ballot_id, expected=at.if_match(), out=lambda shown: BallotOut.of(shown, at)
    )


# --- papers ---------------------------------------------------------------------------------------------------------


@routes.get("/ballots/{ballot_id}/papers/me", response_model=SlipOut)
async def own_paper(ballot_id: UUID, at: At) -> Response:
    """One's own paper, empty before anything was saved; its ETag is what a change of it needs."""
    found = await at.query(queries.paper, ballot_id, voter=None)
    return slip(found)


@routes.put("/ballots/{ballot_id}/papers/me", response_model=SlipOut, openapi_extra=GUARDED)
async def put_own_paper(ballot_id: UUID, body: PaperBody, at: At, of: Of = None) -> Response:
    """The whole paper, as a draft or cast; a paper cast again replaces the one before, but in a secret ballot. What is
    wrong in a grid is named cell by cell. Needs If-Match, `"0"` for the first time."""
    repeated(await at.request.body())
    return await at.command(papers.put, ballot_id, body, of=of, expected=at.if_match(), out=SlipOut.of_slip)


@routes.get("/ballots/{ballot_id}/papers/template", response_model=None, responses={200: {"content": {"text/csv": {}}}})
async def template(ballot_id: UUID, at: At) -> Response:
    """A table of who has not voted yet and all cells, to be filled in and sent to `…/papers/file`."""
    grid, called = await at.query(results.blank, ballot_id)
    return StreamingResponse(template_lines(grid, called), media_type=csv.MEDIA_TYPE)


def template_lines(grid: Grid, called: Sequence[tuple[UUID, str, str]]) -> Iterator[bytes]:
    yield csv.lines([["voter", "person", "organisation", "field", "need", "resource", "score"]])
    for id_, name, organisation in called:
        who = [str(id_), csv.cell(name), csv.cell(organisation)]
        yield csv.lines([*who, *map(csv.cell, grid.terms(cell)), ""] for cell in range(grid.cells))


@routes.post("/ballots/{ballot_id}/papers/file", response_model=TakenOut)
async def enter_file(ballot_id: UUID, file: UploadFile, at: At) -> Response:
    """Papers of a grid from a CSV file or a workbook with the columns voter, field, need, resource, score: all of them
    or none. `no opinion` or a dash is no opinion; an empty score is no answer. What is wrong is named by its line."""
    content = await file.read(LARGEST_FILE + 1)
    if len(content) > LARGEST_FILE:
        raise FileTooLarge
    try:
        rows = await asyncio.to_thread(files.rows, content)
    except Unreadable as error:
        raise PapersUnreadable(error) from error
    return await at.command(papers.enter_file, ballot_id, rows, out=TakenOut.of)


@routes.get("/ballots/{ballot_id}/papers/{voter}", response_model=SlipOut)
async def paper_of(ballot_id: UUID, voter: UUID, at: At) -> Response:
    """The paper of an invitation or a voter, for who enters papers."""
    return slip(await at.query(queries.paper, ballot_id, voter=voter))


@routes.put("/ballots/{ballot_id}/papers/{voter}", response_model=SlipOut, openapi_extra=GUARDED)
async def enter_paper(ballot_id: UUID, voter: UUID, body: PaperBody, at: At) -> Response:
    """What somebody wrote on paper, recorded as entered by who types it; never over what they cast themselves. Needs
    If-Match, `"0"` for the first time."""
    repeated(await at.request.body())
    return await at.command(papers.enter, ballot_id, voter, body, expected=at.if_match(), out=SlipOut.of_slip)


def slip(found: Slip) -> Response:
    headers = {"etag": f'"{found.version}"', "cache-control": "no-store"}
    return Response(SlipOut.of_slip(found).model_dump_json(), headers=headers, media_type="application/json")


def repeated(body: bytes) -> None:
    """A cell named twice: which of the two holds? JSON itself would take the last. Raises PaperRefused."""
    twice: list[str] = []

    def pairs(found: list[tuple[str, Any]]) -> dict[str, Any]:
        names = [name for name, _ in found]
        twice.extend(name for place, name in enumerate(names) if name in names[:place])
        return dict(found)

    json.loads(body, object_pairs_hook=pairs)
    if twice:
        errors = [FieldError(f"/cells/{pointer(name)}", "duplicate", f"{name} once") for name in dict.fromkeys(twice)]
        raise PaperRefused(errors[:MOST_ERRORS], len(errors))


# --- results --------------------------------------------------------------------------------------------------------


@routes.get("/ballots/{ballot_id}/results", response_model=ResultsOut)
async def results_of(ballot_id: UUID, at: At) -> Response:
    """What a closed ballot says, of all together and of each cohort, with how many of those entitled have voted."""
    return await at.read(results.get, ballot_id, out=ResultsOut.of)


@routes.get("/ballots/{ballot_id}/results/cells", response_model=PageOut[FigureOut])
async def cells(
    ballot_id: UUID,
    at: At,
    cohort: Annotated[list[Annotated[str, Field(max_length=40)]], Query()] = [],  # noqa: B006
    best: bool | None = None,
    after: After = None,
    limit: Limit = 50,
) -> Response:
    """The figures of a grid cell by cell, group by group (`all`, then the cohorts); with `Accept: text/csv` a table."""
    return await at.page(
        results.cells,
        ballot_id,
        cohort=cohort,
        best=best,
        after=after,
        limit=limit,
        out=FigureOut.of,
        model=FigureOut,
    )


problems: Problems = {
    **refusals,
    UnknownBallot: not_found,
    PaperRefused: problem(
        "paper-refused",
        422,
        it="Scheda non valida\nNon è stato preso nulla: {count} valori sono sbagliati, `errors` dice quali.",
        en="Invalid paper\nNothing was taken: {count} values are wrong, `errors` says which.",
    ),
    PapersUnreadable: problem(
        "papers-file-unreadable",
        422,
        it="Il file non si può leggere\n{why_it}",
        en="The file cannot be read\n{why_en}",
        code="unreadable",
        accepted="CSV or a workbook with the columns voter, field, need, resource, score",
    ),
    SecretIsFinal: problem(
        "secret-vote-final",
        409,
        it="Hai già votato\nUn voto segreto non si può sostituire: per ritrovarlo si dovrebbe sapere di chi è.",
        en="You have voted\nA secret vote cannot be replaced: in order to find it one would have to know whose it is.",
    ),
    SecretByOneself: problem(
        "secret-vote",
        409,
        it="Il voto è segreto\nOgnuno vota da sé e in una volta: non ci sono bozze, né schede inserite da altri.",
        en="The ballot is secret\nEverybody votes by themselves and at once: there are no drafts, nor papers entered by"
        " others.",
        code="secret",
    ),
    LevelTooLow: problem(
        "identity-too-weak",
        403,
        it="Occorre accedere in modo più sicuro\nPer questa votazione serve almeno: {needed}; ora: {given}.",
        en="A surer way to sign in is needed\nThis ballot asks for at least: {needed}; now: {given}.",
        code="level",
    ),
    VotedThemselves: problem(
        "voted-themselves",
        409,
        it="Ha già votato da sé\nUna scheda inserita da altri non sostituisce il voto espresso dalla persona.",
        en="They have voted themselves\nA paper entered by others does not replace the vote that the person cast.",
    ),
    QuorumImpossible: problem(
        "ballot-quorum-impossible",
        422,
        it="Numero legale impossibile\nServirebbero {needed} votanti, e gli aventi diritto sono {entitled}.",
        en="Impossible quorum\n{needed} would have to vote, and {entitled} are entitled.",
    ),
    NobodyEntitled: problem(
        "nobody-entitled",
        422,
        it="Nessuno potrebbe votare\nNessun mandato in vigore oggi corrisponde a chi è chiamato.",
        en="Nobody could vote\nNo mandate in force today belongs to those who are called.",
    ),
    StillOpen: problem(
        "ballot-open",
        409,
        it="La votazione è ancora aperta\nI risultati si leggono dopo la chiusura: chi vota non deve vederli prima.",
        en="The ballot is still open\nResults are read once it is closed: nobody votes looking at them.",
    ),
    WrongKind: problem(
        "wrong-kind-of-ballot",
        409,
        it="Non è questo il modo\nLa votazione è di tipo {kind}; qui si accetta: {accepted}.",
        en="Not in this way\nThe ballot is of the kind {kind}; accepted here: {accepted}.",
    ),
    BallotClosed: problem(
        "ballot-closed",
        409,
        it="La votazione è chiusa\nI voti sono stati contati: non se ne accettano altri.",
        en="The ballot is closed\nThe votes have been counted: no more are taken.",
    ),
    InvalidMajority: problem(
        "invalid-majority",
        422,
        it="Maggioranza impossibile\nServe almeno più della metà, al massimo tutti: `errors` dice che cosa si accetta.",
        en="Impossible majority\nMore than half at least, all at most: `errors` says what is accepted.",
        code="majority",
    ),
    NotYours: problem(
        "not-your-vote",
        403,
        it="Non è un tuo voto\nVota chi è invitato con un mandato, o chi lo rappresenta per delega.",
        en="Not your vote\nWho is invited by a mandate votes, or who holds their proxy.",
    ),
    NoVoice: problem(
        "no-vote",
        403,
        it="Questo invito non dà diritto di voto\nL'invito è ritirato, è nominativo, o il mandato non è in vigore oggi "
        "(motivo: {reason}).",
        en="This invitation bears no vote\nIt was withdrawn, is by name, or its mandate is not in force today "
        "(reason: {reason}).",
    ),
    Delegated: problem(
        "vote-delegated",
        409,
        it="Il voto è delegato\nLo esprime {holder}; chi è presente di persona lo fa registrare e vota da sé.",
        en="The vote is delegated\n{holder} casts it; who is there in person has that recorded and votes themselves.",
    ),
    NotThere: problem(
        "not-there",
        409,
        it="Risulti assente\nPer votare occorre che la segreteria corregga la presenza (ora: {mode}).",
        en="You are recorded as away\nIn order to vote, the secretariat has to correct the attendance (now: {mode}).",
    ),
    SeatHasVoted: problem(
        "seat-has-voted",
        409,
        it="Questo seggio ha già votato\nIl voto è stato espresso da un'altra persona, e ogni seggio ne ha uno.",
        en="This seat has voted\nAnother person has cast its vote, and each seat has one.",
    ),
}

vocabularies = (
    vocabulary(
        "votes",
        "Voti",
        "Votes",
        [
            (Vote.YES, "Favorevole", "In favour"),
            (Vote.NO, "Contrario", "Against"),
            (Vote.ABSTAIN, "Astenuto", "Abstained"),
        ],
    ),
    vocabulary(
        "ballot_outcomes",
        "Esiti di una votazione",
        "Outcomes of a ballot",
        [
            (Outcome.CARRIED, "Approvata", "Carried"),
            (Outcome.REJECTED, "Respinta", "Rejected"),
            (Outcome.NO_QUORUM, "Senza numero legale", "Without a quorum"),
            (Outcome.CHOSEN, "Scelta fatta", "Chosen"),
            (Outcome.TIED, "Parità", "Tied"),
            (Outcome.SCORED, "Punteggi raccolti", "Scored"),
            (Outcome.CANCELLED, "Annullata", "Cancelled"),
        ],
    ),
    vocabulary(
        "ballot_kinds",
        "Tipi di votazione",
        "Kinds of ballots",
        [
            (Kind.MOTION, "Proposta: favorevole, contrario, astenuto", "Motion: for, against, abstained"),
            (Kind.CHOICE, "Scelta fra opzioni", "Choice of options"),
            (
                Kind.GRID,
                "Griglia di punteggi: campi per bisogni per risorse",
                "Grid of scores: fields, needs, resources",
            ),
        ],
    ),
    vocabulary(
        "ballot_papers_per",
        "Una scheda per",
        "One paper for each",
        [(Per.PERSON, "Persona", "Person"), (Per.ORGANISATION, "Organizzazione", "Organisation")],
    ),
    vocabulary(
        "identity_levels",
        "Quanto è certo chi vota",
        "How sure it is who votes",
        [
            (Identity.LINK, "Collegamento personale", "Personal link"),
            (Identity.MAILBOX, "Casella di posta verificata", "Verified mailbox"),
            (Identity.OIDC, "Identità digitale (OIDC)", "Digital identity (OIDC)"),
        ],
    ),
    vocabulary(
        "voter_states",
        "Stati di un votante",
        "States of a voter",
        [
            (VoterState.CALLED, "Chiamato al voto", "Called"),
            (VoterState.VOTED, "Ha votato", "Has voted"),
            (VoterState.WITHDRAWN, "Non più chiamato", "No longer called"),
        ],
    ),
    vocabulary(
        "majority_bases",
        "Base della maggioranza",
        "Bases of a majority",
        [
            (Basis.VOTES, "Voti favorevoli e contrari", "Votes for and against"),
            (Basis.ENTITLED, "Aventi diritto", "Those who are entitled"),
        ],
    ),
)

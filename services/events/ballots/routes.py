"""HTTP of ballots, and the page of their links."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Form
from pydantic import BaseModel
from starlette.responses import Response

from services.events.ballots import commands, pages, queries
from services.events.ballots.commands import Given, MajorityBody, Question, VoteBody
from services.events.ballots.queries import Cast, Sheet, Shown
from services.events.ballots.rules import (
    BallotClosed,
    Basis,
    Delegated,
    InvalidMajority,
    NotThere,
    NotYours,
    NoVoice,
    Outcome,
    SeatHasVoted,
    UnknownBallot,
    Vote,
)
from services.events.invitations.routes import person
from services.events.meetings import queries as meeting_queries
from services.events.meetings.rules import State as MeetingState
from services.events.policy import Right, policy
from shared.access import links
from shared.runtime.browsers import HTML, Token, answered, as_json, wants_json
from shared.runtime.edge import Anyone, At, Edge
from shared.runtime.openapi import GUARDED
from shared.runtime.paging import After, Limit, PageOut
from shared.runtime.problems import Invalid, Problem, not_found, problem
from shared.runtime.shapes import Ref
from shared.runtime.vocabularies import vocabulary

routes = APIRouter(tags=["ballots"])


class ResultOut(BaseModel):
    in_favour: int
    against: int
    abstained: int
    outcome: Outcome


class BallotOut(BaseModel):
    """`cast` is how many votes there are; `result` what they say, once the ballot is closed."""

    id: UUID
    meeting: Ref
    body: Ref | None
    question: str
    majority: MajorityBody
    open: bool
    entitled: int
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
        place = meeting_queries.where(meeting.network_id, body)
        running = ballot.open and meeting.state is MeetingState.CONVENED
        may = {"close": policy.has(at.actor, Right.HOLD_BALLOTS, on=at.now, **place), "vote": shown.invited}
        return cls(
            id=ballot.id,
            meeting=Ref(id=meeting.id, name=meeting.title, href=f"/events/v1/meetings/{meeting.id}"),
            body=Ref(id=body.id, name=body.title, href=f"/registry/v1/bodies/{body.id}") if body else None,
            question=ballot.question,
            majority=MajorityBody(
                numerator=ballot.numerator, denominator=ballot.denominator, exceeded=ballot.exceeded, of=ballot.basis
            ),
            open=ballot.open,
            entitled=ballot.entitled,
            cast=shown.cast,
            result=ResultOut(
                in_favour=ballot.in_favour,
                against=ballot.against,
                abstained=ballot.abstained,
                outcome=ballot.outcome,
            )
            if ballot.outcome
            else None,
            opened_at=ballot.opened_at,
            closed_at=ballot.closed_at,
            href=f"/events/v1/ballots/{ballot.id}",
            version=ballot.version,
            allowed_actions=[action for action, yes in may.items() if yes and running],
        )


class CastOut(BaseModel):
    """Whose vote was cast by whom, and when; `vote` is null while the ballot is open."""

    invitation_id: UUID
    person: Ref
    organisation: Ref | None
    cast_by: Ref
    cast_at: datetime
    vote: Vote | None

    @classmethod
    def of(cls, cast: Cast) -> CastOut:
        organisation = cast.organisation_id
        return cls(
            invitation_id=cast.invitation_id,
            person=person(cast.person_id, cast.person),
            organisation=Ref(
                id=organisation, name=cast.organisation or "", href=f"/registry/v1/organisations/{organisation}"
            )
            if organisation
            else None,
            cast_by=person(cast.cast_by, cast.cast_by_name),
            cast_at=cast.cast_at,
            vote=cast.vote,
        )


class GivenOut(BaseModel):
    """The vote as it stands; `replaced`: there was one before."""

    ballot_id: UUID
    invitation_id: UUID
    vote: Vote
    cast_at: datetime
    replaced: bool

    @classmethod
    def of(cls, given: Given) -> GivenOut:
        return cls(
            ballot_id=given.ballot.id,
            invitation_id=given.paper.ticket.invitation_id,
            vote=given.vote,
            cast_at=given.cast_at,
            replaced=given.replaced,
        )


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


# --- mailed links: before /ballots/{id}, which would take `link` for an id ------------------------------------------

PURPOSE = "vote"


class PaperOut(BaseModel):
    """A vote that the link's holder may cast: `by_proxy`, that of somebody whom they stand for."""

    invitation_id: UUID
    person: str
    organisation: str | None
    by_proxy: bool
    vote: Vote | None


class SheetOut(BaseModel):
    """What the link is about, for programs."""

    ballot_id: UUID
    network: str
    meeting: str
    question: str
    open: bool
    papers: list[PaperOut]
    result: ResultOut | None

    @classmethod
    def of(cls, sheet: Sheet, network: Any) -> SheetOut:
        ballot = sheet.shown.ballot
        figures = {"in_favour": ballot.in_favour, "against": ballot.against, "abstained": ballot.abstained}
        return cls(
            ballot_id=ballot.id,
            network=network.name,
            meeting=sheet.shown.meeting.title,
            question=ballot.question,
            open=sheet.votable,
            papers=[
                PaperOut(
                    invitation_id=paper.ticket.invitation_id,
                    person=paper.person,
                    organisation=paper.organisation,
                    by_proxy=paper.ticket.proxy is not None,
                    vote=paper.vote,
                )
                for paper in (sheet.papers if sheet.votable else ())
            ],
            result=ResultOut(**figures, outcome=ballot.outcome) if ballot.outcome else None,
        )


@routes.get("/ballots/link", response_model=SheetOut, responses=HTML)
async def show_link(token: Token, at: Anyone) -> Response:
    """The question with a choice, or the result. Opening it does nothing. A page; with `Accept: application/json` the
    same for programs."""
    at.identity = None  # the link says who it is

    networks: list[Any] = []

    async def shown() -> Response:
        link, network = await link_of(token, at, networks)
        sheet = await at.query(queries.sheet, link)
        return as_json(SheetOut.of(sheet, network)) if wants_json(at) else pages.show(at.language, sheet, network)

    return await answered(at, shown, partial(failed, at, networks), html=not wants_json(at))


@routes.post("/ballots/link", response_model=GivenOut, responses=HTML)
async def use_link(
    token: Token,
    at: Anyone,
    vote: Annotated[str, Form(max_length=32, description="yes, no or abstain")] = "",
    invitation_id: Annotated[str, Form(max_length=36, description="Whose vote it is; one's own if left out")] = "",
) -> Response:
    """Casts the vote; it may be repeated until the ballot is closed, and the last one counts."""
    at.identity = None

    networks: list[Any] = []

    async def used() -> Response:
        link, network = await link_of(token, at, networks)
        given: list[Given] = []
        await at.command(commands.vote_by_link, link, request_of(vote, invitation_id), out=given.append)
        if wants_json(at):
            return as_json(GivenOut.of(given[-1]))
        return pages.thanks(at.language, given[-1], network)

    return await answered(at, used, partial(failed, at, networks), html=not wants_json(at))


async def link_of(token: str, at: Edge, networks: list[Any]) -> tuple[links.Link, Any]:
    """The good link and its network, which is noted in `networks`, so that a refusal is a page of it, too."""
    link = await links.verify(token, "events", PURPOSE, keys=at.context.link_keys)
    networks.append(await at.query(queries.network_of, link))
    return link, networks[-1]


def failed(at: Edge, networks: list[Any], refusal: Problem) -> Response:
    return pages.failed(at.language, refusal, networks[-1] if networks else None)


def request_of(vote: str, invitation_id: str) -> VoteBody:
    """The form's fields. Raises Invalid."""
    if vote not in tuple(Vote):
        raise Invalid("/vote", "enum", [str(choice) for choice in Vote])
    try:
        return VoteBody(vote=Vote(vote), invitation_id=UUID(invitation_id) if invitation_id else None)
    except ValueError:
        raise Invalid("/invitation_id", "uuid_parsing", "a UUID") from None


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
    """Who voted; and how, once the ballot is closed. For the coordination."""
    return await at.page(queries.cast, ballot_id, after=after, limit=limit, out=CastOut.of, model=CastOut)


@routes.post("/ballots/{ballot_id}/votes", response_model=GivenOut)
async def vote(ballot_id: UUID, body: VoteBody, at: At) -> Response:
    """One vote for each seat or invitation whose mandate is in force today: one's own, or that of somebody one stands
    for. Voting again replaces it until the ballot is closed. Who votes is recorded as being there."""
    return await at.command(commands.vote, ballot_id, body, out=GivenOut.of)


@routes.post("/ballots/{ballot_id}/close", response_model=BallotOut, openapi_extra=GUARDED)
async def close(ballot_id: UUID, at: At) -> Response:
    """Counts, and tells the outcome: carried, rejected, or no_quorum when the quorum is not reached at this moment.
    Needs If-Match."""
    return await at.command(
        commands.close, ballot_id, expected=at.if_match(), out=lambda shown: BallotOut.of(shown, at)
    )


problems = {
    UnknownBallot: not_found,
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

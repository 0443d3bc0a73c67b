"""HTTP of decisions."""

from __future__ import annotations

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel
from starlette.responses import Response

from services.events.decisions import commands, queries
from services.events.decisions.commands import Change, Proposal
from services.events.decisions.queries import Commitment, Named, Sought
from services.events.decisions.rules import (
    LABELS,
    InvalidDecision,
    Kept,
    Kind,
    NotCarried,
    Recorded,
    State,
    UnknownDecision,
)
from services.events.meetings import queries as meeting_queries
from services.events.policy import Right, policy
from shared.access.actor import EARLIEST, LATEST
from shared.runtime.edge import At, Edge
from shared.runtime.openapi import GUARDED
from shared.runtime.paging import After, Limit, PageOut
from shared.runtime.problems import not_found, problem
from shared.runtime.shapes import Ref
from shared.runtime.vocabularies import vocabulary

routes = APIRouter(tags=["decisions"])

OWNERS = {"organisation_id": "organisations", "person_id": "people", "body_id": "bodies"}


class OwnerOut(Ref):
    """`kind` says which of organisation, person and body it is."""

    kind: str


class CommitmentOut(BaseModel):
    """What the registry made of a decision with an owner, as it stands: open, late, fulfilled or waived. Its `due` may
    have been changed since the decision."""

    id: UUID
    state: str
    due: date
    fulfilled_on: date | None
    href: str


class DecisionOut(BaseModel):
    """`owner` owes it until `due`, or neither is said. When the minutes that record it are approved it is adopted, or
    lapses when the meeting had no quorum. `kept` is what became of it since."""

    id: UUID
    network_id: UUID
    meeting: Ref
    body: Ref | None
    title: str
    kind: Kind
    owner: OwnerOut | None
    due: date | None
    decided_on: date
    ballot_id: UUID | None
    minutes_id: UUID | None
    state: State
    kept: Kept
    commitment: CommitmentOut | None
    href: str
    version: int
    allowed_actions: list[str]

    @classmethod
    def of(cls, named: Named, at: Edge) -> DecisionOut:
        decision, body, commitment = named.decision, named.body, named.commitment
        place = meeting_queries.where(decision.network_id, body)
        writable = decision.state is State.PROPOSED and named.minutes_state in (None, "draft")
        may = writable and policy.has(at.actor, Right.WRITE_MINUTES, on=at.now, **place)
        return cls(
            id=decision.id,
            network_id=decision.network_id,
            meeting=Ref(id=decision.meeting_id, name=named.meeting, href=f"/events/v1/meetings/{decision.meeting_id}"),
            body=Ref.body(body.id, body.title) if body else None,
            title=decision.title,
            kind=decision.kind,
            owner=next((_owner(field, id_, named.owner) for field, id_ in decision.owners), None),
            due=decision.due,
            decided_on=named.held_on,
            ballot_id=decision.ballot_id,
            minutes_id=named.minutes_id,
            state=decision.state,
            kept=Kept(commitment.state) if commitment else Kept.NONE,
            commitment=_commitment(commitment) if commitment else None,
            href=f"/events/v1/decisions/{decision.id}",
            version=decision.version,
            allowed_actions=["change", "remove"] if may else [],
        )


def _commitment(one: Commitment) -> CommitmentOut:
    return CommitmentOut(
        id=one.id,
        state=one.state,
        due=one.due,
        fulfilled_on=one.fulfilled_on,
        href=f"/registry/v1/commitments/{one.id}",
    )


def _owner(field: str, id_: UUID, name: str | None) -> OwnerOut:
    kind = field.removesuffix("_id")
    return OwnerOut(id=id_, name=name or "", href=f"/registry/v1/{OWNERS[field]}/{id_}", kind=kind)


def href(named: Named) -> str:
    return f"/events/v1/decisions/{named.decision.id}"


@routes.post("/meetings/{meeting_id}/decisions", status_code=201, response_model=DecisionOut)
async def propose(meeting_id: UUID, body: Proposal, at: At) -> Response:
    """Writes a decision down: with an owner and a day it will be owed once the minutes are approved."""
    return await at.command(
        commands.propose, meeting_id, body, out=lambda named: DecisionOut.of(named, at), location=href
    )


@routes.get("/meetings/{meeting_id}/decisions", response_model=PageOut[DecisionOut])
async def decisions(meeting_id: UUID, at: At, after: After = None, limit: Limit = 50) -> Response:
    """The decisions of a meeting in the order in which they were written down."""
    return await at.page(
        queries.listed,
        meeting_id,
        after=after,
        limit=limit,
        out=lambda named: DecisionOut.of(named, at),
        model=DecisionOut,
    )


@routes.get("/networks/{network}/decisions", response_model=PageOut[DecisionOut])
async def register(
    network: str,
    at: At,
    body: Annotated[list[UUID], Query(description="Decided by any of these bodies")] = [],  # noqa: B006 (copied)
    kind: Annotated[list[Kind], Query()] = [],  # noqa: B006
    owner: Annotated[list[UUID], Query(description="Owed by any of these organisations, people or bodies")] = [],  # noqa: B006
    organisation: Annotated[list[UUID], Query(description="Owed by any of these organisations")] = [],  # noqa: B006
    person: Annotated[list[UUID], Query(description="Owed by any of these people")] = [],  # noqa: B006
    state: Annotated[list[State], Query(description="`adopted` if not said")] = [],  # noqa: B006
    kept: Annotated[list[Kept], Query(description="How what was decided stands")] = [],  # noqa: B006
    since: Annotated[date | None, Query(ge=EARLIEST, le=LATEST, description="Decided from that day on")] = None,
    until: Annotated[date | None, Query(ge=EARLIEST, le=LATEST, description="Decided before that day")] = None,
    due_before: Annotated[date | None, Query(ge=EARLIEST, le=LATEST)] = None,
    q: Annotated[
        str | None,
        Query(
            min_length=1,
            max_length=200,
            pattern=r"^[^\x00]*$",
            description="Words of the title, in Italian: any form of them, with or without accents; "
            '`"…"` for a phrase, `or`, and `-` for what must not be in it',
        ),
    ] = None,
    after: After = None,
    limit: Limit = 50,
) -> Response:
    """The register of the network's decisions, with what became of each: for everybody in it."""
    return await at.page(
        queries.of_network,
        network,
        Sought(body, kind, owner, organisation, person, state, kept, since, until, due_before, q),
        after=after,
        limit=limit,
        out=lambda named: DecisionOut.of(named, at),
        model=DecisionOut,
    )


@routes.get("/decisions/{decision_id}", response_model=DecisionOut)
async def decision(decision_id: UUID, at: At) -> Response:
    """A decision."""
    return await at.read(queries.get, decision_id, out=lambda named: DecisionOut.of(named, at))


@routes.patch("/decisions/{decision_id}", response_model=DecisionOut)
async def change(decision_id: UUID, body: Change, at: At) -> Response:
    """Changes what is given, until the minutes are submitted. Needs If-Match."""
    return await at.command(
        commands.change, decision_id, body, expected=at.if_match(), out=lambda named: DecisionOut.of(named, at)
    )


@routes.delete("/decisions/{decision_id}", status_code=204, openapi_extra=GUARDED)
async def remove(decision_id: UUID, at: At) -> Response:
    """Strikes out a decision that was never taken, until the minutes are submitted. Needs If-Match."""
    return await at.command(commands.remove, decision_id, expected=at.if_match())


problems = {
    UnknownDecision: not_found,
    InvalidDecision: problem(
        "invalid-decision",
        422,
        it="Decisione incompleta o contraddittoria\nChi deve fare qualcosa ha un termine, e un termine ha chi lo deve "
        "rispettare: `errors` dice che cosa si accetta.",
        en="Decision incomplete or contradictory\nWhoever owes something has a day, and a day has somebody who owes: "
        "`errors` says what is accepted.",
    ),
    NotCarried: problem(
        "ballot-not-carried",
        409,
        it="La votazione non è stata approvata\nLa decisione vi si fonda, ma l'esito è: {outcome}.",
        en="The ballot was not carried\nThe decision rests on it, but its outcome is: {outcome}.",
    ),
    Recorded: problem(
        "decision-recorded",
        409,
        it="La decisione è già a verbale\nIl verbale è nello stato {minutes_state}: si può cambiare solo se torna in "
        "bozza.",
        en="The decision is recorded already\nThe minutes are {minutes_state}: it can be changed only when they are "
        "drafts again.",
    ),
}

vocabularies = (
    vocabulary("decision_kinds", "Tipi di decisione", "Kinds of decision", [(kind, *LABELS[kind]) for kind in Kind]),
    vocabulary(
        "decision_states",
        "Stati di una decisione",
        "States of a decision",
        [
            (State.PROPOSED, "Proposta", "Proposed"),
            (State.ADOPTED, "Adottata", "Adopted"),
            (State.LAPSED, "Decaduta (senza numero legale)", "Lapsed (without a quorum)"),
        ],
    ),
    vocabulary(
        "decision_outcomes",
        "Che cosa è stato delle decisioni",
        "What became of decisions",
        [
            (Kept.OPEN, "Impegno aperto", "Commitment open"),
            (Kept.LATE, "Impegno in ritardo", "Commitment late"),
            (Kept.FULFILLED, "Mantenuta", "Kept"),
            (Kept.WAIVED, "Non più dovuta", "No longer owed"),
            (Kept.NONE, "Senza impegno", "Without a commitment"),
        ],
    ),
)

"""HTTP of merging duplicates among organisations: who may be one, what a merge would move, and the merge."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel
from starlette.responses import Response

from services.registry.merges import commands, queries
from services.registry.merges.commands import Merging
from services.registry.merges.queries import Candidate, Plan
from services.registry.merges.rules import Conflict, Conflicts, SameOrganisation
from services.registry.organisations.rules import Organisation, State
from shared.runtime.edge import At
from shared.runtime.openapi import GUARDED
from shared.runtime.paging import After, Limit, PageOut
from shared.runtime.problems import problem
from shared.runtime.shapes import Ref
from shared.runtime.vocabularies import vocabulary

routes = APIRouter(tags=["merges"])


def _ref(one: Organisation) -> Ref:
    return Ref(id=one.id, name=one.title, href=f"/registry/v1/organisations/{one.id}")


class MovedOut(BaseModel):
    what: str
    rows: int


class MembershipMoved(BaseModel):
    """`combined`: both are in this network, and one membership has the states of both; else it moves as it is."""

    network_id: UUID
    membership_id: UUID
    state: State
    combined: bool


class ConflictOut(BaseModel):
    """What stands in the way: `going` and `staying` are the ids on both sides (mandates of two holders)."""

    code: str
    what: str
    network_id: UUID | None
    going: UUID | None
    staying: UUID | None

    @classmethod
    def of(cls, one: Conflict) -> ConflictOut:
        return cls(code=one.code, what=one.what, network_id=one.network_id, going=one.going, staying=one.staying)


class MergeOut(BaseModel):
    """What a merge does: `organisation` gives way to `into`. `moves`: how many rows of each table name the other one
    then; `fills` the fields that its record lacked; `ends` mandates that the same person has for both, `closes` seats
    and `waives` commitments that one organisation has once. With `conflicts` nothing can move yet."""

    organisation: Ref
    into: Ref
    memberships: list[MembershipMoved]
    moves: list[MovedOut]
    fills: list[str]
    ends: list[UUID]
    closes: list[UUID]
    waives: list[UUID]
    conflicts: list[ConflictOut]
    version: int

    @classmethod
    def of(cls, plan: Plan) -> MergeOut:
        return cls(
            organisation=_ref(plan.going),
            into=_ref(plan.staying),
            memberships=[
                MembershipMoved(
                    network_id=one.network_id,
                    membership_id=(other or one).id,
                    state=State((other or one).state),
                    combined=other is not None,
                )
                for one, other in plan.memberships
            ],
            moves=[MovedOut(what=what, rows=rows) for what, rows in plan.moves.items()],
            fills=sorted("name" if name == "title" else name for name in plan.fills),
            ends=sorted(plan.mandates.ended),
            closes=sorted(plan.seats.closed),
            waives=sorted(plan.waived),
            conflicts=[ConflictOut.of(one) for one in queries.named(plan)],
            version=plan.version,
        )


class CandidateOut(BaseModel):
    """Two members that may be one, and why; `merge` is where the second gives way to the first."""

    first: Ref
    second: Ref
    reasons: list[str]
    similarity: float
    merge: str

    @classmethod
    def of(cls, pair: Candidate) -> CandidateOut:
        return cls(
            first=_ref(pair.one),
            second=_ref(pair.other),
            reasons=list(pair.reasons),
            similarity=pair.similarity,
            merge=f"/registry/v1/organisations/{pair.other.id}/merge",
        )


@routes.get("/networks/{network}/duplicates", response_model=PageOut[CandidateOut])
async def duplicates(network: str, at: At, after: After = None, limit: Limit = 50) -> Response:
    """Members that may be one organisation, with the reasons. A page looks at `limit` members, by name: it may be short
    or empty and others follow, as `next` says."""
    return await at.page(queries.candidates, network, after=after, limit=limit, out=CandidateOut.of)


@routes.get("/organisations/{organisation_id}/merge", response_model=MergeOut)
async def preview(
    organisation_id: UUID,
    at: At,
    into: Annotated[UUID, Query(description="The organisation that would stand for both")],
) -> Response:
    """What a merge would move and what stands in its way; nothing moves. For administrators, and the secretariat of
    every network in which the duplicate is."""
    return await at.read(queries.preview, organisation_id, into, out=MergeOut.of)


@routes.post("/organisations/{organisation_id}/merge", response_model=MergeOut, openapi_extra=GUARDED)
async def merge(organisation_id: UUID, body: Merging, at: At) -> Response:
    """This organisation was a duplicate: whatever names it names the other one from now on, and its own address
    answers where that one is. The states of both memberships are kept as one line, mandates and seats as they were
    held. Needs If-Match (of the duplicate)."""
    return await at.command(commands.merge, organisation_id, body, expected=at.if_match(), out=MergeOut.of)


problems = {
    SameOrganisation: problem(
        "same-organisation",
        422,
        it="È lo stesso ente\nUn ente non è il doppione di se stesso.",
        en="It is the same organisation\nAn organisation is no duplicate of itself.",
        path="/into_id",
        accepted="another organisation",
    ),
    Conflicts: problem(
        "merge-conflict",
        409,
        it="I due enti hanno ciò che uno solo non può avere\nDa risolvere prima: {named}. Nulla è stato spostato.",
        en="The two have what one organisation cannot have\nTo be solved first: {named}. Nothing was moved.",
    ),
}

vocabularies = (
    vocabulary(
        "merge_conflicts",
        "Che cosa impedisce di unire due enti",
        "What keeps two organisations from being merged",
        [
            ("two_holders", "Due persone in carica nello stesso ruolo", "Two people in office in one role"),
            ("two_seats", "Due persone nei due seggi dello stesso organismo", "Two people in the two seats of a body"),
            ("circle", "L'ente starebbe sotto un proprio affiliato", "It would hang below its own affiliate"),
            ("both_there", "Entrambi sono nello stesso atto, dove si sta una volta sola", "Both are where one is once"),
        ],
    ),
    vocabulary(
        "duplicate_reasons",
        "Perché due enti potrebbero essere uno",
        "Why two organisations may be one",
        [
            ("same_name", "Stesso nome", "The same name"),
            ("similar_name", "Nome simile", "A similar name"),
            ("same_municipality", "Stesso comune", "The same municipality"),
            ("same_pec", "Stessa PEC", "The same certified mailbox"),
            ("same_website", "Stesso sito", "The same website"),
            (
                "tax_code_variant",
                "Codici fiscali della stessa persona (omocodia)",
                "Tax codes of one person (omocodia)",
            ),
        ],
    ),
)

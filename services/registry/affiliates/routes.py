"""HTTP of affiliates."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel
from starlette.responses import Response

from services.registry.affiliates import commands, queries
from services.registry.affiliates.commands import Batch, Enrolment
from services.registry.affiliates.rules import NoSuchState, Outcome, Row
from services.registry.organisations.routes import Kinds, On, OrganisationOut, Sections, States, Territory
from shared.runtime.edge import At
from shared.runtime.paging import After, Limit, PageOut
from shared.runtime.problems import problem
from shared.runtime.shapes import Ref

routes = APIRouter(tags=["affiliates"])


class RefusalOut(BaseModel):
    path: str
    code: str
    accepted: str | None


class RowOut(BaseModel):
    """What became of a row, numbered from 1 as sent; `problem` says why it was rejected."""

    row: int
    outcome: Outcome
    organisation: Ref | None
    problem: RefusalOut | None

    @classmethod
    def of(cls, row: Row) -> RowOut:
        made, why = row.organisation_id, row.refusal
        return cls(
            row=row.number,
            outcome=row.outcome,
            organisation=Ref(id=made, name=row.name, href=f"/registry/v1/organisations/{made}") if made else None,
            problem=RefusalOut(path=f"/items/{row.number - 1}/{why.path}", code=why.code, accepted=why.accepted)
            if why
            else None,
        )


class BatchOut(BaseModel):
    """`created`: new in the network, whether the platform knew them or not."""

    created: int
    updated: int
    unchanged: int
    rejected: int
    items: list[RowOut]

    @classmethod
    def of(cls, batch: Batch) -> BatchOut:
        counts = {str(outcome): sum(row.outcome is outcome for row in batch.rows) for outcome in Outcome}
        return cls(**counts, items=[RowOut.of(row) for row in batch.rows])


@routes.post("/networks/{network}/organisations/{parent_id}/affiliates", response_model=BatchOut)
async def enrol(network: str, parent_id: UUID, body: Enrolment, at: At) -> Response:
    """Enters and updates affiliates of a member, up to 500 in one transaction. Each row is judged by itself: what is
    wrong with one is said there and stops no other. For the secretariat; and for the referent of the parent, whose new
    affiliates are candidates until the secretariat admits them."""
    return await at.command(commands.enrol, network, parent_id, body, out=BatchOut.of)


@routes.get("/networks/{network}/organisations/{parent_id}/affiliates", response_model=PageOut[OrganisationOut])
async def affiliates(
    network: str,
    parent_id: UUID,
    at: At,
    territory: Territory = [],  # noqa: B006 (FastAPI copies it)
    kind: Kinds = [],  # noqa: B006
    section: Sections = [],  # noqa: B006
    state: States = [],  # noqa: B006
    on: On = None,
    q: Annotated[str | None, Query(max_length=200)] = None,
    updated_since: AwareDatetime | None = None,
    sort: Literal["name", "-name", "updated", "-updated"] | None = None,
    after: After = None,
    limit: Limit = 50,
) -> Response:
    """The affiliates of a member that are in the network; those of other networks are seen there."""
    return await at.page(
        queries.listed,
        network,
        parent_id,
        territory=territory,
        kind=kind,
        section=section,
        state=state,
        on=on,
        q=q,
        updated_since=updated_since,
        sort=sort,
        after=after,
        limit=limit,
        out=lambda member: OrganisationOut.of(member, at),
        model=OrganisationOut,
    )


problems = {
    NoSuchState: problem(
        "affiliate-state",
        422,
        it="Stato non ammesso\nChi parla per l'ente propone i suoi affiliati: li ammette la segreteria della rete.",
        en="State not allowed\nWho speaks for the organisation proposes its affiliates: the secretariat admits them.",
    ),
}

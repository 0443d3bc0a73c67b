"""HTTP of duplicates among people: who may be one person, what a merge would move, and the merge."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel
from starlette.responses import Response

from services.registry.duplicates import commands, queries
from services.registry.duplicates.commands import Merging
from services.registry.duplicates.queries import Merged, Pair
from services.registry.duplicates.rules import (
    BothHold,
    KnownElsewhere,
    Reason,
    SamePerson,
    UnderErasure,
    UnknownSurvivor,
)
from shared.runtime.edge import At
from shared.runtime.openapi import GUARDED
from shared.runtime.paging import After, Limit, PageOut
from shared.runtime.problems import problem
from shared.runtime.vocabularies import vocabulary

routes = APIRouter(tags=["people"])


class OneOut(BaseModel):
    id: UUID
    name: str
    email: str | None
    phone: str | None
    href: str

    @classmethod
    def of(cls, row: dict[str, Any]) -> OneOut:
        name = f"{row['given_name']} {row['family_name']}".strip()
        href = f"/registry/v1/people/{row['id']}"
        return cls(id=row["id"], name=name, email=row["email"], phone=row["phone"], href=href)


class DuplicateOut(BaseModel):
    """Two people of the same name, and why they may be one; `first` was entered before `second`. `merge` is where the
    second becomes the first."""

    first: OneOut
    second: OneOut
    reasons: list[Reason]
    merge: str

    @classmethod
    def of(cls, pair: Pair) -> DuplicateOut:
        shared = (
            (pair.mailbox, Reason.SAME_MAILBOX),
            (pair.phone, Reason.SAME_PHONE),
            (pair.organisation, Reason.SAME_ORGANISATION),
        )
        second = OneOut.of(pair.second)
        return cls(
            first=OneOut.of(pair.first),
            second=second,
            reasons=[reason for yes, reason in shared if yes],
            merge=f"{second.href}/merge",
        )


class MandateRef(BaseModel):
    id: UUID
    href: str

    @classmethod
    def of(cls, id_: UUID) -> MandateRef:
        return cls(id=id_, href=f"/registry/v1/mandates/{id_}")


class ClashOut(BaseModel):
    """Both hold the same office on one of these days: one of the mandates has to be ended first."""

    of_person: MandateRef
    of_survivor: MandateRef


class MovedOut(BaseModel):
    what: str
    rows: int


class MergedOut(BaseModel):
    """What moves from a duplicate (`person`) to who stands for both (`into`), by table; `fills` are the fields of the
    latter that were empty and are no longer."""

    person: UUID
    into: OneOut
    moves: list[MovedOut]
    fills: list[str]
    clashes: list[ClashOut]
    version: int

    @classmethod
    def of(cls, merged: Merged) -> MergedOut:
        into = merged.staying
        shown = {name: getattr(into, name) for name in queries.SHOWN}
        return cls(
            person=merged.going.id,
            into=OneOut.of(shown),
            moves=[MovedOut(what=what, rows=rows) for what, rows in merged.moves.items()],
            fills=list(merged.fills),
            clashes=[
                ClashOut(of_person=MandateRef.of(one.id), of_survivor=MandateRef.of(other.id))
                for one, other in merged.clashing
            ],
            version=into.version,
        )


@routes.get("/networks/{network}/people/duplicates", response_model=PageOut[DuplicateOut])
async def candidates(network: str, at: At, after: After = None, limit: Limit = 50) -> Response:
    """People whom the network knows under one name, who share a mailbox, a phone or an organisation. Whether they are
    one person is for somebody to say: fathers and sons have the same name, too."""
    return await at.page(queries.candidates, network, after=after, limit=limit, out=DuplicateOut.of)


@routes.get("/people/{person_id}/merge", response_model=MergedOut)
async def preview(
    person_id: UUID, at: At, into_id: Annotated[UUID, Query(description="Who would stand for both")]
) -> Response:
    """What a merge would move, and what stands in its way. Nothing moves."""
    return await at.read(queries.preview, person_id, into_id, out=MergedOut.of)


@routes.post("/people/{person_id}/merge", response_model=MergedOut, openapi_extra=GUARDED)
async def merge(person_id: UUID, body: Merging, at: At) -> Response:
    """The person was a duplicate: everything that names them names the other from now on. Cannot be undone. Needs
    If-Match, with the version of the duplicate."""
    return await at.command(commands.merge, person_id, body, expected=at.if_match(), out=MergedOut.of)


problems = {
    SamePerson: problem(
        "same-person",
        422,
        it="È la stessa scheda\nUna persona si unisce a un'altra scheda, non a sé stessa.",
        en="It is the same record\nA person is merged into another record, not into themselves.",
        path="/into_id",
        code="same",
        accepted="the id of another person",
    ),
    UnknownSurvivor: problem(
        "survivor-unknown",
        422,
        it="Persona sconosciuta\nNessuna rete di chi chiede conosce la persona a cui unire la scheda.",
        en="Unknown person\nNo network of the caller knows the person into whom to merge.",
        path="/into_id",
        code="unknown",
        accepted="the id of somebody in /networks/{network}/people",
    ),
    KnownElsewhere: problem(
        "known-elsewhere",
        403,
        it="Un'altra rete conosce la persona\nUna scheda che più reti hanno in comune la unisce solo chi può farlo in "
        "tutte: chiedere a un amministratore della piattaforma.",
        en="Another network knows the person\nA record that several networks share is merged only by who may do so in "
        "all of them: ask an administrator of the platform.",
    ),
    UnderErasure: problem(
        "merge-under-erasure",
        409,
        it="È in corso una cancellazione\nPrima di unire le schede si attende o si revoca la cancellazione dei dati.",
        en="An erasure is under way\nBefore records are merged the erasure has to end, or to be called off.",
    ),
    BothHold: problem(
        "both-hold",
        409,
        it="Hanno lo stesso incarico negli stessi giorni\nI mandati {first} e {second} ({role}) sarebbero doppi: prima "
        "terminarne uno.",
        en="They hold the same office on the same days\nMandates {first} and {second} ({role}) would be double: end "
        "one of them first.",
        path="/into_id",
        code="held",
    ),
}

vocabularies = (
    vocabulary(
        "duplicate_reasons",
        "Perché due schede possono essere una persona",
        "Why two records may be one person",
        [
            (Reason.SAME_MAILBOX, "Stesso nome e stessa posta", "Same name and mailbox"),
            (Reason.SAME_PHONE, "Stesso nome e stesso telefono", "Same name and phone"),
            (Reason.SAME_ORGANISATION, "Stesso nome e stesso ente", "Same name and organisation"),
        ],
    ),
)

"""HTTP of what networks share."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Body, Query
from pydantic import AwareDatetime, BaseModel
from starlette.responses import Response

from services.registry.policy import Right, policy
from services.registry.sharings import commands, queries
from services.registry.sharings.commands import Change, Ending, Granting
from services.registry.sharings.queries import Shared
from services.registry.sharings.rules import InvalidSharing, SharedAlready, SharingOver, State, What
from shared.access.actor import day
from shared.runtime.edge import At, Edge
from shared.runtime.paging import After, Limit, PageOut
from shared.runtime.problems import problem
from shared.runtime.shapes import Ref
from shared.runtime.vocabularies import vocabulary

routes = APIRouter(tags=["sharings"])


class SharingOut(BaseModel):
    """`network` lets `with_network` see `what` of its own. Days: `since` included, `until` not."""

    id: UUID
    network: Ref
    with_network: Ref
    what: list[What]
    since: date
    until: date | None
    state: State
    href: str
    version: int
    allowed_actions: list[str]

    @classmethod
    def of(cls, shared: Shared, at: Edge) -> SharingOut:
        one, state = shared.sharing, shared.sharing.state(day(at.now))
        may = state is not State.ENDED and policy.has(at.actor, Right.SHARE, network=one.network_id, on=at.now)
        return cls(
            id=one.id,
            network=_ref(one.network_id, *shared.giver),
            with_network=_ref(one.with_network_id, *shared.receiver),
            what=[What(what) for what in one.what],
            since=one.since,
            until=one.until,
            state=state,
            href=f"/registry/v1/sharings/{one.id}",
            version=one.version,
            allowed_actions=["change", "end"] if may else [],
        )


def _ref(id_: UUID, slug: str, name: str) -> Ref:
    return Ref(id=id_, name=name, href=f"/registry/v1/networks/{slug}")


@routes.post("/networks/{network}/sharings", status_code=201, response_model=SharingOut)
async def share(network: str, body: Granting, at: At) -> Response:
    """Lets another network see some of this one's: its people read it, and nothing else. Nothing is asked in return."""
    return await at.command(
        commands.share,
        network,
        body,
        out=lambda shared: SharingOut.of(shared, at),
        location=lambda shared: f"/registry/v1/sharings/{shared.sharing.id}",
    )


@routes.get("/networks/{network}/sharings", response_model=PageOut[SharingOut])
async def sharings(
    network: str,
    at: At,
    direction: Annotated[list[Literal["given", "received"]], Query()] = [],  # noqa: B006 (FastAPI copies it)
    what: Annotated[list[What], Query()] = [],  # noqa: B006
    state: Annotated[list[State], Query()] = [],  # noqa: B006
    on: Annotated[date | None, Query(description="In force on that day, or in `state` on it")] = None,
    updated_since: AwareDatetime | None = None,
    after: After = None,
    limit: Limit = 50,
) -> Response:
    """What this network shares with others, and others with it, in the order in which it was given."""
    return await at.page(
        queries.listed,
        network,
        direction=direction,
        what=what,
        state=state,
        on=on,
        updated_since=updated_since,
        after=after,
        limit=limit,
        out=lambda shared: SharingOut.of(shared, at),
        model=SharingOut,
    )


@routes.get("/sharings/{sharing_id}", response_model=SharingOut)
async def sharing(sharing_id: UUID, at: At) -> Response:
    """For the people of both networks."""
    return await at.read(queries.get, sharing_id, out=lambda shared: SharingOut.of(shared, at))


@routes.patch("/sharings/{sharing_id}", response_model=SharingOut)
async def change(sharing_id: UUID, body: Change, at: At) -> Response:
    """Changes what is shared, or its last day. Needs If-Match."""
    return await at.command(
        commands.change,
        sharing_id,
        expected=at.if_match(),
        out=lambda shared: SharingOut.of(shared, at),
        **body.model_dump(exclude_unset=True),
    )


@routes.post("/sharings/{sharing_id}/end", response_model=SharingOut)
async def end(sharing_id: UUID, at: At, body: Annotated[Ending, Body(default_factory=Ending)]) -> Response:
    """Nothing is shared any more from today on, or from a later day. Needs If-Match."""
    return await at.command(
        commands.end,
        sharing_id,
        body.on,
        expected=at.if_match(),
        out=lambda shared: SharingOut.of(shared, at),
    )


SHARED_ALREADY = problem(
    "shared-already",
    409,
    it="Le due reti condividono già\nIn quei giorni vale un'altra condivisione: modificarla, o prima concluderla.",
    en="The two networks share already\nAnother sharing holds on these days: change it, or end it first.",
    path="/with_network",
)
problems = {
    InvalidSharing: problem(
        "sharing-invalid",
        422,
        it="Condivisione non valida\n`errors` dice quale campo e che cosa si accetta.",
        en="Invalid sharing\n`errors` says which field, and what is accepted.",
    ),
    SharedAlready: SHARED_ALREADY,
    "sharings_one": SHARED_ALREADY,
    SharingOver: problem(
        "sharing-over",
        409,
        it="La condivisione è conclusa\nResta com'era: se serve, crearne un'altra.",
        en="The sharing has ended\nIt stays as it was: make another if needed.",
    ),
}

vocabularies = (
    vocabulary(
        "shared_things",
        "Che cosa una rete condivide con un'altra",
        "What a network shares with another",
        [
            (What.MEMBERS, "Aderenti, senza recapiti", "Members, without contacts"),
            (What.CONTACTS, "Recapiti degli aderenti", "Contacts of the members"),
            (What.PLACES, "Luoghi", "Places"),
            (What.RESOURCES, "Risorse", "Resources"),
            (What.EXPERIENCES, "Esperienze", "Experiences"),
            (What.PRACTICES, "Pratiche", "Practices"),
        ],
    ),
    vocabulary(
        "sharing_states",
        "Stati di una condivisione",
        "States of a sharing",
        [
            (State.COMING, "Futura", "Coming"),
            (State.IN_FORCE, "In vigore", "In force"),
            (State.ENDED, "Conclusa", "Ended"),
        ],
    ),
)

"""HTTP of bodies and seats."""

from __future__ import annotations

from datetime import date
from functools import partial
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Body, Query
from pydantic import AwareDatetime, BaseModel
from starlette.responses import Response

from services.registry.bodies import commands, queries, rules
from services.registry.bodies.commands import BodyChange, Day, Establishment, Joining, SeatEntry
from services.registry.bodies.queries import Placed, Shown
from services.registry.bodies.rules import (
    BodyDissolved,
    ByItsPath,
    Composition,
    ConstitutedAlready,
    HasParts,
    InvalidBody,
    InvalidPlace,
    Kind,
    NotByHand,
    NotOpen,
    NotThere,
    SeatClosed,
    SeatOfAnother,
    State,
)
from services.registry.mandates.queries import Named
from services.registry.mandates.routes import MandateOut
from services.registry.mandates.rules import State as MandateState
from services.registry.policy import Right, policy
from shared.access.actor import day
from shared.access.roles import Role
from shared.runtime.edge import At, Edge
from shared.runtime.openapi import GUARDED
from shared.runtime.paging import After, Limit, PageOut
from shared.runtime.problems import problem
from shared.runtime.shapes import Ref, Statistic
from shared.runtime.vocabularies import vocabulary

routes = APIRouter(tags=["bodies"])


class QuorumOut(BaseModel):
    """`numerator`/`denominator` of those entitled, or more than that with `exceeded`; never fewer than `at_least`."""

    numerator: int
    denominator: int
    exceeded: bool
    at_least: int

    @classmethod
    def of(cls, quorum: rules.Quorum) -> QuorumOut:
        return cls(
            numerator=quorum.numerator,
            denominator=quorum.denominator,
            exceeded=quorum.exceeded,
            at_least=quorum.at_least,
        )


class BodyOut(BaseModel):
    """`seats` says how many of the seats that are there today are held (null in a body without seats), `vacant` names
    the first 20 of the others; `/bodies/{id}/seats?vacant=true` has them all. Since the day `uncovered_since` nobody
    is in office in `needed_role`, where the body needs somebody in one."""

    id: UUID
    network_id: UUID
    name: str
    kind: Kind
    state: State
    composition: Composition
    roles: list[Role]
    territory: str | None
    parent: Ref | None
    first_call: QuorumOut
    second_call: QuorumOut | None
    proxies: int
    constituted_on: date | None
    dissolved_on: date | None
    seats: Statistic | None
    vacant: list[Ref]
    needed_role: Role | None
    uncovered_since: date | None
    href: str
    version: int
    allowed_actions: list[str]

    @classmethod
    def of(cls, shown: Shown, at: Edge) -> BodyOut:
        body = shown.body
        share = round(shown.count / shown.of, 4) if shown.of else None
        return cls(
            id=body.id,
            network_id=body.network_id,
            name=body.name,
            kind=body.kind,
            state=body.state,
            composition=body.composition,
            roles=[Role(role) for role in body.roles],
            territory=body.territory,
            parent=Ref(id=body.parent_id, name=shown.parent or "", href=f"/registry/v1/bodies/{body.parent_id}")
            if body.parent_id
            else None,
            first_call=QuorumOut.of(body.first_call),
            second_call=body.second_call and QuorumOut.of(body.second_call),
            proxies=body.proxies,
            constituted_on=body.constituted_on,
            dissolved_on=body.dissolved_on,
            seats=Statistic(count=shown.count, of=shown.of, share=share) if body.seated else None,
            vacant=[Ref(id=seat.id, name=seat.title, href=f"/registry/v1/seats/{seat.id}") for seat in shown.vacant],
            needed_role=body.needed_role,
            uncovered_since=body.uncovered_since,
            href=href(shown),
            version=body.version,
            allowed_actions=actions(shown.body, at),
        )


def actions(body: rules.Body, at: Edge) -> list[str]:
    if body.state is State.DISSOLVED:
        return []
    may = partial(policy.has, at.actor, network=body.network_id, body=body.id, on=at.now)
    found = ["change", "dissolve"] if may(Right.WRITE_BODIES) else []
    if found and body.state is State.FORMING and body.kind is not Kind.REGIONAL_COORDINATION:
        found.append("constitute")
    if found and body.composition is Composition.FIXED:
        found.append("add_seat")
    joins = policy.has(at.actor, Right.JOIN_BODIES, network=body.network_id, on=at.now)
    if body.composition is Composition.OPEN and joins and at.actor.person_id is not None:
        found += ["join", "leave"]
    return found


class HolderOut(BaseModel):
    person: Ref
    mandate_id: UUID
    since: date
    until: date | None
    state: MandateState


class SeatOut(BaseModel):
    """A seat on the day asked for (today): `holder` is that day's, null while it is vacant. It is there from `since`
    until `until` (exclusive)."""

    id: UUID
    body_id: UUID
    title: str
    role: Role
    organisation: Ref | None
    holder: HolderOut | None
    vacant: bool
    since: date
    until: date | None
    href: str
    version: int
    allowed_actions: list[str]

    @classmethod
    def of(cls, placed: Placed, at: Edge, on: date | None = None) -> SeatOut:
        seat, held = placed.seat, placed.holder
        fixed = placed.body.composition is Composition.FIXED and seat.until is None
        closes = fixed and policy.has(
            at.actor, Right.WRITE_BODIES, network=seat.network_id, body=seat.body_id, on=at.now
        )
        organisation = seat.organisation_id
        return cls(
            id=seat.id,
            body_id=seat.body_id,
            title=seat.title,
            role=seat.role,
            organisation=Ref(
                id=organisation, name=placed.organisation or "", href=f"/registry/v1/organisations/{organisation}"
            )
            if organisation
            else None,
            holder=HolderOut(
                person=Ref(id=held.person_id, name=placed.person or "", href=f"/registry/v1/people/{held.person_id}"),
                mandate_id=held.id,
                since=held.since,
                until=held.ends,
                state=held.state(on or day(at.now)),
            )
            if held
            else None,
            vacant=held is None,
            since=seat.since,
            until=seat.until,
            href=seat_href(placed),
            version=seat.version,
            allowed_actions=["close"] if closes else [],
        )


def href(shown: Shown) -> str:
    return f"/registry/v1/bodies/{shown.body.id}"


def seat_href(placed: Placed) -> str:
    return f"/registry/v1/seats/{placed.seat.id}"


def mandate_href(named: Named) -> str:
    return f"/registry/v1/mandates/{named.mandate.id}"


@routes.post("/networks/{network}/bodies", status_code=201, response_model=BodyOut)
async def establish(network: str, body: Establishment, at: At) -> Response:
    """Makes a body, with its seats where it has some. What is not said follows from its kind."""
    return await at.command(commands.establish, network, body, out=lambda shown: BodyOut.of(shown, at), location=href)


@routes.get("/networks/{network}/bodies", response_model=PageOut[BodyOut])
async def bodies(
    network: str,
    at: At,
    kind: Annotated[list[Kind], Query()] = [],  # noqa: B006 (FastAPI copies it)
    state: Annotated[list[State], Query()] = [],  # noqa: B006
    composition: Annotated[list[Composition], Query()] = [],  # noqa: B006
    territory: Annotated[list[str], Query(description="A code, with what lies in it")] = [],  # noqa: B006
    parent: Annotated[list[UUID], Query()] = [],  # noqa: B006
    uncovered: Annotated[bool | None, Query(description="Only those whose needed role nobody holds")] = None,
    on: Annotated[date | None, Query(description="Constituted by this day and not yet dissolved on it")] = None,
    q: Annotated[str | None, Query(max_length=100, description="Part of the name")] = None,
    updated_since: AwareDatetime | None = None,
    sort: Literal["id", "-id", "name", "-name", "updated", "-updated"] = "id",
    after: After = None,
    limit: Limit = 50,
) -> Response:
    """The bodies of a network. Filters of one name are alternatives, of different names conditions."""
    return await at.page(
        queries.listed,
        network,
        kind=kind,
        state=state,
        composition=composition,
        territory=territory,
        parent=parent,
        uncovered=uncovered,
        on=on,
        q=q,
        updated_since=updated_since,
        sort=sort,
        after=after,
        limit=limit,
        out=lambda shown: BodyOut.of(shown, at),
        model=BodyOut,
    )


@routes.get("/bodies/{body_id}", response_model=BodyOut)
async def body(body_id: UUID, at: At) -> Response:
    """A body, with how many of its seats are held and which are vacant."""
    return await at.read(queries.get, body_id, out=lambda shown: BodyOut.of(shown, at))


@routes.patch("/bodies/{body_id}", response_model=BodyOut)
async def change(body_id: UUID, body: BodyChange, at: At) -> Response:
    """Changes what is given. Needs If-Match."""
    return await at.command(
        commands.change,
        body_id,
        expected=at.if_match(),
        out=lambda shown: BodyOut.of(shown, at),
        **body.model_dump(exclude_unset=True),
    )


DayBody = Annotated[Day, Body(default_factory=Day)]


@routes.post("/bodies/{body_id}/constitute", response_model=BodyOut, openapi_extra=GUARDED)
async def constitute(body_id: UUID, at: At, body: DayBody) -> Response:
    """A forming body acts from today, or from an earlier day on; a regional coordination does so by its path. Needs
    If-Match."""
    return await at.command(
        commands.constitute_by_hand,
        body_id,
        body.on,
        expected=at.if_match(),
        out=lambda shown: BodyOut.of(shown, at),
    )


@routes.post("/bodies/{body_id}/dissolve", response_model=BodyOut, openapi_extra=GUARDED)
async def dissolve(body_id: UUID, at: At) -> Response:
    """From today on the body is no more: its seats close, the mandates in it end. Needs If-Match."""
    return await at.command(commands.dissolve, body_id, expected=at.if_match(), out=lambda shown: BodyOut.of(shown, at))


On = Annotated[date | None, Query(description="The day looked at; today if not said")]


@routes.get("/bodies/{body_id}/seats", response_model=PageOut[SeatOut])
async def seats(
    body_id: UUID,
    at: At,
    on: On = None,
    vacant: Annotated[bool | None, Query(description="Only vacant ones, or only held ones")] = None,
    after: After = None,
    limit: Limit = 50,
) -> Response:
    """The seats that are there on a day, each with who holds it on that day."""
    return await at.page(
        queries.seats_of,
        body_id,
        on=on,
        vacant=vacant,
        after=after,
        limit=limit,
        out=lambda placed: SeatOut.of(placed, at, on),
        model=SeatOut,
    )


@routes.post("/bodies/{body_id}/seats", status_code=201, response_model=SeatOut)
async def add_seat(body_id: UUID, body: SeatEntry, at: At) -> Response:
    """One more seat in a body whose seats are named."""
    return await at.command(
        commands.add_seat, body_id, body, out=lambda placed: SeatOut.of(placed, at), location=seat_href
    )


@routes.get("/networks/{network}/seats", response_model=PageOut[SeatOut])
async def seats_in(
    network: str,
    at: At,
    vacant: Annotated[bool | None, Query(description="Only those without a holder, or only the held ones")] = None,
    after: After = None,
    limit: Limit = 50,
) -> Response:
    """The seats of all bodies of a network, by the body's name."""
    return await at.page(
        queries.seats_in,
        network,
        vacant=vacant,
        after=after,
        limit=limit,
        out=lambda placed: SeatOut.of(placed, at),
        model=SeatOut,
    )


@routes.get("/seats/{seat_id}", response_model=SeatOut)
async def seat(seat_id: UUID, at: At) -> Response:
    """A seat, with who holds it today."""
    return await at.read(queries.seat, seat_id, out=lambda placed: SeatOut.of(placed, at))


@routes.post("/seats/{seat_id}/close", response_model=SeatOut, openapi_extra=GUARDED)
async def close_seat(seat_id: UUID, at: At, body: DayBody) -> Response:
    """The seat is there no longer from today or the day given; nobody holds it any longer. Needs If-Match."""
    return await at.command(
        commands.close_seat,
        seat_id,
        body.on,
        expected=at.if_match(),
        out=lambda placed: SeatOut.of(placed, at),
    )


@routes.get("/bodies/{body_id}/members", response_model=PageOut[MandateOut])
async def members(body_id: UUID, at: At, on: On = None, after: After = None, limit: Limit = 50) -> Response:
    """Who belongs to the body on a day, whatever its composition: the mandates that make them."""
    return await at.page(
        queries.members,
        body_id,
        on=on,
        after=after,
        limit=limit,
        out=lambda named: MandateOut.of(named, at, on),
        model=MandateOut,
    )


@routes.post("/bodies/{body_id}/join", status_code=201, response_model=MandateOut)
async def join(body_id: UUID, at: At, body: Annotated[Joining, Body(default_factory=Joining)]) -> Response:
    """The caller joins an open body, for themselves or for an organisation of theirs."""
    return await at.command(
        commands.join, body_id, body, out=lambda named: MandateOut.of(named, at), location=mandate_href
    )


@routes.post("/bodies/{body_id}/leave", response_model=MandateOut)
async def leave(body_id: UUID, at: At) -> Response:
    """The caller leaves an open body; answers with the mandate that ended."""
    return await at.command(commands.leave, body_id, out=lambda named: MandateOut.of(named, at))


invalid_body = problem(
    "body-invalid",
    422,
    it="Dati dell'organo non validi\n`errors` dice quale campo e che cosa si accetta.",
    en="Invalid data of a body\n`errors` says which field, and what is accepted.",
)
problems = {
    InvalidBody: invalid_body,
    InvalidPlace: problem(
        "place-invalid",
        422,
        it="L'incarico non va con l'organo o il seggio\n`errors` dice quale campo e che cosa si accetta.",
        en="The mandate does not go with the body or the seat\n`errors` says which field, and what is accepted.",
    ),
    SeatOfAnother: problem(
        "seat-of-another",
        422,
        it="Il seggio è di un altro ente\nSpetta all'ente {owner}: un altro non può designarvi nessuno.",
        en="The seat is another organisation's\nIt belongs to organisation {owner}: no other may designate anybody.",
        path="/organisation_id",
        code="seat_of_another",
    ),
    SeatClosed: problem(
        "seat-closed",
        409,
        it="Il seggio è chiuso\nNon esiste più dal {until}.",
        en="The seat is closed\nIt is there no longer since {until}.",
    ),
    BodyDissolved: problem(
        "body-dissolved",
        409,
        it="L'organo è sciolto\nNon esiste più dal {dissolved_on}.",
        en="The body is dissolved\nIt is no more since {dissolved_on}.",
    ),
    ConstitutedAlready: problem(
        "constituted-already",
        409,
        it="L'organo è già costituito\nLo è dal {constituted_on}.",
        en="The body is constituted already\nIt is so since {constituted_on}.",
    ),
    ByItsPath: problem(
        "by-its-path",
        409,
        it="Si costituisce con il suo percorso\nUn coordinamento regionale è costituito quando il percorso è completo.",
        en="Constituted by its path\nA regional coordination is constituted when its path is complete.",
    ),
    HasParts: problem(
        "body-has-parts",
        409,
        it="Altri organi dipendono da questo\nPrima sciogliere o spostare: {names}.",
        en="Other bodies hang below this one\nDissolve or move them first: {names}.",
    ),
    NotByHand: problem(
        "seats-not-by-hand",
        409,
        it="I seggi di questo organo non si fanno a mano\nLa composizione è {composition}: seguono le adesioni, oppure "
        "non ci sono.",
        en="The seats of this body are not made by hand\nIts composition is {composition}: they follow the "
        "memberships, or there are none.",
    ),
    NotOpen: problem(
        "body-not-open",
        409,
        it="L'organo non è aperto\nLa composizione è {composition}: non si entra e non si esce da sé.",
        en="The body is not open\nIts composition is {composition}: nobody joins or leaves by themselves.",
    ),
    NotThere: problem(
        "not-in-body",
        409,
        it="Non si fa parte dell'organo\nChi non ne fa parte non può lasciarlo.",
        en="Not in the body\nWho does not belong to it cannot leave it.",
    ),
    "bodies_one_coordination": problem(
        "coordination-exists",
        409,
        it="Il territorio ha già un coordinamento\nIn una rete ne esiste uno solo per territorio, anche se è ancora in "
        "formazione.",
        en="The territory has a coordination already\nA network has one for each territory, even while it is forming.",
        path="/territory",
        accepted="a territory without a coordination",
    ),
}

vocabularies = (
    vocabulary(
        "body_kinds",
        "Tipi di organo",
        "Kinds of body",
        [
            (Kind.EXECUTIVE_COMMITTEE, "Comitato esecutivo nazionale", "National executive committee"),
            (Kind.SECRETARIAT, "Segreteria", "Secretariat"),
            (Kind.REGIONAL_COORDINATION, "Coordinamento regionale", "Regional coordination"),
            (Kind.WORKING_GROUP, "Gruppo di lavoro", "Working group"),
            (Kind.COMMUNITY_OF_PRACTICE, "Comunità di pratica", "Community of practice"),
            (Kind.ASSEMBLY, "Assemblea", "Assembly", "art. 24 d.lgs. 117/2017"),
        ],
    ),
    vocabulary(
        "compositions",
        "Composizioni",
        "Compositions",
        [
            (Composition.ONE_PER_MEMBER, "Un seggio per ogni ente attivo", "A seat for each active member"),
            (Composition.FIXED, "Seggi nominati", "Named seats"),
            (Composition.BY_TERRITORY, "Chi ha un ruolo nel territorio", "Whoever holds a role in the territory"),
            (Composition.OPEN, "Aperta: si entra e si esce da sé", "Open: people join and leave"),
        ],
    ),
    vocabulary(
        "body_states",
        "Stati dell'organo",
        "States of a body",
        [
            (State.FORMING, "In formazione", "Forming"),
            (State.CONSTITUTED, "Costituito", "Constituted"),
            (State.DISSOLVED, "Sciolto", "Dissolved"),
        ],
    ),
)

"""HTTP of mandates."""

from __future__ import annotations

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel
from starlette.responses import Response

from services.registry.mandates import commands, queries
from services.registry.mandates.commands import Designation, Ending, Extension, Succession
from services.registry.mandates.queries import Named
from services.registry.mandates.rules import (
    EndReason,
    HeldAlready,
    InvalidTerm,
    Misplaced,
    NotAMember,
    NotPossibleNow,
    OfficeTaken,
    State,
    UnknownMandate,
    UnknownPerson,
    UnknownTerritory,
)
from services.registry.policy import Right, policy
from shared.access.actor import day
from shared.access.roles import Role
from shared.runtime.edge import At, Edge
from shared.runtime.openapi import GUARDED
from shared.runtime.paging import After, Limit, PageOut
from shared.runtime.problems import not_found, problem
from shared.runtime.shapes import Ref
from shared.runtime.vocabularies import vocabulary

routes = APIRouter(tags=["mandates"])


class MandateOut(BaseModel):
    """`state` is today's, or that of the day asked for; `ends` is the first day without it, as decided so far."""

    id: UUID
    network_id: UUID
    person: Ref
    organisation: Ref | None
    role: Role
    territory: str | None
    body: Ref | None
    seat_id: UUID | None
    state: State
    since: date
    until: date | None
    holds_over: bool
    accepted_on: date | None
    ended_on: date | None
    end_reason: EndReason | None
    ends: date | None
    href: str
    version: int
    allowed_actions: list[str]

    @classmethod
    def of(cls, named: Named, at: Edge, on: date | None = None) -> MandateOut:
        mandate, today = named.mandate, day(at.now)
        may_write = policy.has(
            at.actor,
            Right.WRITE_MANDATES,
            network=mandate.network_id,
            organisation=mandate.organisation_id,
            body=mandate.body_id,
            territory=mandate.territory,
            on=at.now,
        )
        own = {"accept"} if at.actor.person_id == mandate.person_id else set()
        organisation = mandate.organisation_id
        return cls(
            id=mandate.id,
            network_id=mandate.network_id,
            person=Ref(id=mandate.person_id, name=named.person, href=f"/registry/v1/people/{mandate.person_id}"),
            organisation=Ref(
                id=organisation, name=named.organisation or "", href=f"/registry/v1/organisations/{organisation}"
            )
            if organisation
            else None,
            role=mandate.role,
            territory=mandate.territory,
            body=Ref(id=mandate.body_id, name=named.body or "", href=f"/registry/v1/bodies/{mandate.body_id}")
            if mandate.body_id
            else None,
            seat_id=mandate.seat_id,
            state=mandate.state(on or today),
            since=mandate.since,
            until=mandate.until,
            holds_over=mandate.holds_over,
            accepted_on=mandate.accepted_on,
            ended_on=mandate.ended_on,
            end_reason=mandate.end_reason,
            ends=mandate.ends,
            href=f"/registry/v1/mandates/{mandate.id}",
            version=mandate.version,
            allowed_actions=[action for action in mandate.actions(today) if may_write or action in own],
        )


def href(named: Named) -> str:
    return f"/registry/v1/mandates/{named.mandate.id}"


@routes.post("/networks/{network}/mandates", status_code=201, response_model=MandateOut)
async def designate(network: str, body: Designation, at: At) -> Response:
    """Gives a mandate to a person whom the network knows, for a candidate or active member of it."""
    return await at.command(
        commands.designate, network, body, out=lambda named: MandateOut.of(named, at), location=href
    )


@routes.get("/networks/{network}/mandates", response_model=PageOut[MandateOut])
async def mandates(
    network: str,
    at: At,
    on: Annotated[date | None, Query(description="Who held it on this day; `state` is then that day's")] = None,
    state: Annotated[list[State], Query()] = [],  # noqa: B006 (FastAPI copies it)
    role: Annotated[list[Role], Query()] = [],  # noqa: B006
    person: Annotated[list[UUID], Query()] = [],  # noqa: B006
    organisation: Annotated[list[UUID], Query()] = [],  # noqa: B006
    territory: Annotated[list[str], Query(description="A code, with what lies in it")] = [],  # noqa: B006
    body: Annotated[list[UUID], Query()] = [],  # noqa: B006
    seat: Annotated[list[UUID], Query()] = [],  # noqa: B006
    updated_since: AwareDatetime | None = None,
    after: After = None,
    limit: Limit = 50,
) -> Response:
    """The mandates of a network. With a day: those held on it, unless `state` asks for others."""
    return await at.page(
        queries.listed,
        network,
        on=on,
        state=state,
        role=role,
        person=person,
        organisation=organisation,
        territory=territory,
        body=body,
        seat=seat,
        updated_since=updated_since,
        after=after,
        limit=limit,
        out=lambda named: MandateOut.of(named, at, on),
        model=MandateOut,
    )


@routes.get("/mandates/{mandate_id}", response_model=MandateOut)
async def mandate(mandate_id: UUID, at: At) -> Response:
    """A mandate."""
    return await at.read(queries.get, mandate_id, out=lambda named: MandateOut.of(named, at))


@routes.post("/mandates/{mandate_id}/accept", response_model=MandateOut, openapi_extra=GUARDED)
async def accept(mandate_id: UUID, at: At) -> Response:
    """Records that the person takes the office: their own act, or told to the secretariat. Needs If-Match."""
    return await at.command(
        commands.accept, mandate_id, expected=at.if_match(), out=lambda named: MandateOut.of(named, at)
    )


@routes.post("/mandates/{mandate_id}/extend", response_model=MandateOut, openapi_extra=GUARDED)
async def extend(mandate_id: UUID, body: Extension, at: At) -> Response:
    """Puts the end of the term off, before it has come. Needs If-Match."""
    return await at.command(
        commands.extend, mandate_id, body, expected=at.if_match(), out=lambda named: MandateOut.of(named, at)
    )


@routes.post("/mandates/{mandate_id}/hold-over", response_model=MandateOut, openapi_extra=GUARDED)
async def hold_over(mandate_id: UUID, at: At) -> Response:
    """Prorogatio: after the term the holder acts until a successor enters. Needs If-Match."""
    return await at.command(
        commands.hold_over, mandate_id, expected=at.if_match(), out=lambda named: MandateOut.of(named, at)
    )


@routes.post("/mandates/{mandate_id}/replace", status_code=201, response_model=MandateOut, openapi_extra=GUARDED)
async def replace(mandate_id: UUID, body: Succession, at: At) -> Response:
    """The successor enters on the day on which the holder leaves; answers with the new mandate. Needs If-Match."""
    return await at.command(
        commands.replace,
        mandate_id,
        body,
        expected=at.if_match(),
        out=lambda named: MandateOut.of(named, at),
        location=href,
    )


@routes.post("/mandates/{mandate_id}/end", response_model=MandateOut, openapi_extra=GUARDED)
async def end(mandate_id: UUID, body: Ending, at: At) -> Response:
    """Ends a mandate with a reason, from today or from the day given. Needs If-Match."""
    return await at.command(
        commands.end, mandate_id, body, expected=at.if_match(), out=lambda named: MandateOut.of(named, at)
    )


office_taken = problem(
    "office-taken",
    409,
    it="L'incarico è già di un altro\nLo ricopre {holder_name} con il mandato {holder_id} (fino a: {held_until}): "
    "sostituirlo o terminarlo.",
    en="The office is taken\n{holder_name} holds it by mandate {holder_id} (until: {held_until}): replace or end it.",
    code="taken",
)
problems = {
    UnknownMandate: not_found,
    UnknownPerson: problem(
        "person-unknown",
        422,
        it="Persona sconosciuta\nQuesta rete non conosce nessuno con questo identificativo: prima registrarlo.",
        en="Unknown person\nThis network knows nobody by this id: enter them first.",
        path="/person_id",
        code="unknown",
        accepted="the id of somebody in /networks/{network}/people",
    ),
    NotAMember: problem(
        "not-a-member",
        422,
        it="L'ente non aderisce a questa rete\nUn mandato si dà solo per un ente candidato o attivo nella stessa rete.",
        en="The organisation does not belong to this network\nMandates are given only for candidates and active "
        "members of the same network.",
        path="/organisation_id",
        code="unknown",
        accepted="a candidate or active member of the network",
    ),
    UnknownTerritory: problem(
        "territory-unknown",
        422,
        it="Territorio sconosciuto\nSi accetta il codice di una regione (03), di una provincia (097) o di un "
        "comune (E507).",
        en="Unknown territory\nThe code of a region (03), a province (097) or a municipality (E507) is accepted.",
        path="/territory",
        accepted="03, 097, E507",
    ),
    Misplaced: problem(
        "misplaced",
        422,
        it="Ruolo fuori posto\n`errors` dice che cosa manca o non va indicato per il ruolo {role}.",
        en="Misplaced role\n`errors` says what is missing, or must not be given, for the role {role}.",
    ),
    InvalidTerm: problem(
        "invalid-term",
        422,
        it="Date incompatibili\nI giorni indicati si contraddicono: `errors` dice che cosa si accetta.",
        en="Days that do not agree\nThe days contradict each other: `errors` says what is accepted.",
        code="days",
    ),
    OfficeTaken: office_taken,
    "mandates_one_referent": office_taken,
    "mandates_one_coordinator": office_taken,
    "mandates_one_holder": office_taken,
    HeldAlready: problem(
        "held-already",
        409,
        it="La persona ha già questo mandato\nIn uno di quei giorni vale il mandato {mandate_id}.",
        en="The person has this mandate already\nMandate {mandate_id} holds on one of these days.",
        code="held",
    ),
    NotPossibleNow: problem(
        "not-possible-now",
        409,
        it="Ora non è possibile\nCon un mandato nello stato {state} non si può fare {action}.",
        en="Not possible now\nWith a mandate that is {state}, {action} cannot be done.",
    ),
}

ROLES = vocabulary(
    "roles",
    "Ruoli",
    "Roles",
    [
        (Role.SECRETARIAT, "Segreteria", "Secretariat"),
        (Role.COORDINATOR, "Coordinatore territoriale", "Territorial coordinator"),
        (Role.REFERENT, "Referente dell'ente", "Referent of the organisation"),
        (Role.REPRESENTATIVE, "Rappresentante", "Representative"),
        (Role.DELEGATE, "Delegato", "Delegate", "art. 24 d.lgs. 117/2017"),
        (Role.MEMBER, "Componente", "Member"),
        (Role.COMMUNITY_MAKER, "Community maker", "Community maker"),
    ],
)
vocabularies = (
    ROLES,
    vocabulary(
        "mandate_states",
        "Stati del mandato",
        "States of a mandate",
        [
            (State.DESIGNATED, "Designato", "Designated"),
            (State.IN_OFFICE, "In carica", "In office"),
            (State.HOLDING_OVER, "In prorogatio", "Holding over", "d.l. 293/1994"),
            (State.ENDED, "Cessato", "Ended"),
        ],
    ),
    vocabulary(
        "end_reasons",
        "Motivi di cessazione",
        "Reasons for the end of a mandate",
        [
            (EndReason.RESIGNED, "Dimissioni", "Resigned"),
            (EndReason.REVOKED, "Revoca", "Revoked"),
            (EndReason.REPLACED, "Sostituzione", "Replaced"),
            (EndReason.DECLINED, "Designazione non accettata", "Designation declined"),
            (EndReason.ORGANISATION_LEFT, "Uscita dell'ente dalla rete", "The organisation left the network"),
            (EndReason.DECEASED, "Decesso", "Deceased"),
            (EndReason.ORGANISATION_MERGED, "Doppione unito all'ente", "A duplicate was merged"),
            (EndReason.SEAT_CLOSED, "Soppressione del seggio", "The seat was closed"),
            (EndReason.BODY_DISSOLVED, "Scioglimento dell'organo", "The body was dissolved"),
            (EndReason.MISTAKE, "Inserito per errore", "Entered by mistake"),
        ],
    ),
)

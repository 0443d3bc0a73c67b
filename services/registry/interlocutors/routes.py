"""HTTP of interlocutors, of the log of contacts with them, and of the institutions that they speak for."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints
from starlette.responses import Response

from services.registry.interlocutors import commands, queries
from services.registry.interlocutors.commands import Record, Talk
from services.registry.interlocutors.queries import Coordination, Entry, Known, Overview
from services.registry.interlocutors.rules import (
    Channel,
    NotYetHappened,
    Office,
    Recorded,
    Uncorrectable,
    UnknownInstitution,
    UnknownInterlocutor,
    institutions,
)
from services.registry.policy import Right, policy
from shared.runtime.edge import At, Edge
from shared.runtime.openapi import GUARDED
from shared.runtime.paging import After, Limit, PageOut
from shared.runtime.problems import not_found, problem
from shared.runtime.shapes import Ref, line, prose
from shared.runtime.vocabularies import vocabulary

routes = APIRouter(tags=["interlocutors"])

Name = Annotated[str, line(200)]
Email = Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=254)]
Phone = Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=40)]
Text = Annotated[str, prose(4000)]


def _ref(body: Coordination | None) -> Ref | None:
    return Ref(id=body.id, name=body.name, href=f"/registry/v1/bodies/{body.id}") if body else None


class ChangeBody(BaseModel):
    """Only what is given changes; null takes it away."""

    model_config = ConfigDict(extra="forbid")

    name: Name | None = Field(default=None, examples=["Il Presidente della Regione"])
    email: Email | None = Field(default=None, examples=["presidenza@example.org"])
    phone: Phone | None = Field(default=None, examples=["02 1234567"])


class RecordBody(ChangeBody):
    institution: str = Field(max_length=3, examples=["03"], description="A region (03), Bolzano (021) or Trento (022)")
    office: Office = Field(examples=["president"])


class ContactBody(BaseModel):
    """What took place on a day, not after today. With `corrects`: instead of that entry of the same log."""

    model_config = ConfigDict(extra="forbid")

    on: date = Field(examples=["2024-10-02"])
    channel: Channel = Field(examples=["letter"])
    summary: Text = Field(examples=["Chiesto un incontro sulla programmazione delle Case della comunità"])
    outcome: Text | None = Field(default=None, examples=["Incontro fissato"])
    corrects: UUID | None = None


class InstitutionRef(BaseModel):
    code: str
    name: str


class InterlocutorOut(BaseModel):
    id: UUID
    network_id: UUID
    institution: InstitutionRef
    office: Office
    name: str | None
    email: str | None
    phone: str | None
    body: Ref | None
    contacts: int
    last_contact_on: date | None
    recorded_on: date
    href: str
    version: int
    allowed_actions: list[str]

    @classmethod
    def of(cls, known: Known, at: Edge) -> InterlocutorOut:
        held = known.interlocutor
        where = {"network": held.network_id, "territory": held.institution}
        may_write = policy.has(at.actor, Right.WRITE_INTERLOCUTORS, on=at.now, **where)  # type: ignore[arg-type]
        return cls(
            id=held.id,
            network_id=held.network_id,
            institution=InstitutionRef(code=held.institution, name=institutions()[held.institution].name),
            office=held.office,
            name=held.name,
            email=held.email,
            phone=held.phone,
            body=_ref(known.body),
            contacts=held.contacts,
            last_contact_on=held.last_contact_on,
            recorded_on=held.recorded_on,
            href=f"/registry/v1/interlocutors/{held.id}",
            version=held.version,
            allowed_actions=["change", "log_contact"] if may_write else [],
        )


class ContactOut(BaseModel):
    """An entry of the log. One with `corrected_by` counts no longer; it stays to be read."""

    id: UUID
    on: date
    channel: Channel
    summary: str
    outcome: str | None
    corrects: UUID | None
    corrected_by: UUID | None
    recorded_on: date
    recorded_by: UUID | None

    @classmethod
    def of(cls, entry: Entry) -> ContactOut:
        contact = entry.contact
        return cls(
            id=contact.id,
            on=contact.happened_on,
            channel=contact.channel,
            summary=contact.summary,
            outcome=contact.outcome,
            corrects=contact.corrects_id,
            corrected_by=entry.corrected_by,
            recorded_on=contact.recorded_on,
            recorded_by=contact.recorded_by,
        )


class InstitutionOut(BaseModel):
    """`recorded` and `missing` are offices; `region` is the region that the institution stands for."""

    code: str
    name: str
    kind: str
    region: str
    recorded: list[Office]
    missing: list[Office]
    interlocutors: list[str]
    body: Ref | None
    last_contact_on: date | None

    @classmethod
    def of(cls, overview: Overview) -> InstitutionOut:
        institution = overview.institution
        return cls(
            code=institution.code,
            name=institution.name,
            kind=institution.kind,
            region=institution.region,
            recorded=[office for office in Office if office in overview.recorded],
            missing=[office for office in Office if office not in overview.recorded],
            interlocutors=[
                f"/registry/v1/interlocutors/{overview.recorded[office]}"
                for office in Office
                if office in overview.recorded
            ],
            body=_ref(overview.body),
            last_contact_on=overview.last_contact_on,
        )


@routes.post("/networks/{network}/interlocutors", status_code=201, response_model=InterlocutorOut)
async def record(network: str, body: RecordBody, at: At) -> Response:
    """Records an office of an institution: once in a network. It belongs to the coordination of its region, whichever
    of the two was there first. The secretariat's act, or that of the region's coordinator."""
    return await at.command(
        commands.record,
        network,
        Record(**body.model_dump()),
        out=lambda known: InterlocutorOut.of(known, at),
        location=lambda known: f"/registry/v1/interlocutors/{known.interlocutor.id}",
    )


@routes.get("/networks/{network}/interlocutors", response_model=PageOut[InterlocutorOut])
async def interlocutors(
    network: str,
    at: At,
    institution: Annotated[list[str], Query()] = [],  # noqa: B006 (FastAPI copies it)
    office: Annotated[list[Office], Query()] = [],  # noqa: B006
    territory: Annotated[list[str], Query(description="A region, with the institutions that stand for it")] = [],  # noqa: B006
    body: Annotated[list[UUID], Query()] = [],  # noqa: B006
    updated_since: AwareDatetime | None = None,
    after: After = None,
    limit: Limit = 50,
) -> Response:
    """The interlocutors of a network, with their names: for the secretariat and the coordinators."""
    return await at.page(
        queries.listed,
        network,
        institution=institution,
        office=office,
        territory=territory,
        body=body,
        updated_since=updated_since,
        after=after,
        limit=limit,
        out=lambda known: InterlocutorOut.of(known, at),
        model=InterlocutorOut,
    )


@routes.get("/networks/{network}/institutions", response_model=PageOut[InstitutionOut])
async def overview(network: str, at: At) -> Response:
    """The 21 institutions of the 20 regions: which offices are recorded, which are missing, the last contact. Without
    names, for every member. Never more than one page."""
    return await at.page(queries.overview, network, out=InstitutionOut.of, model=InstitutionOut)


@routes.get("/interlocutors/{interlocutor_id}", response_model=InterlocutorOut)
async def interlocutor(interlocutor_id: UUID, at: At) -> Response:
    """An interlocutor."""
    return await at.read(queries.get, interlocutor_id, out=lambda known: InterlocutorOut.of(known, at))


@routes.patch("/interlocutors/{interlocutor_id}", response_model=InterlocutorOut, openapi_extra=GUARDED)
async def change(interlocutor_id: UUID, body: ChangeBody, at: At) -> Response:
    """Another holder of the office, or another address. Needs If-Match."""
    fields: dict[str, Any] = body.model_dump(exclude_unset=True)
    return await at.command(
        commands.change,
        interlocutor_id,
        expected=at.if_match(),
        out=lambda known: InterlocutorOut.of(known, at),
        **fields,
    )


@routes.post("/interlocutors/{interlocutor_id}/contacts", status_code=201, response_model=ContactOut)
async def log(interlocutor_id: UUID, body: ContactBody, at: At) -> Response:
    """Appends to the log. Nothing in it is changed or taken away: what was wrong is corrected by a new entry."""
    return await at.command(commands.log, interlocutor_id, Talk(**body.model_dump()), out=ContactOut.of)


@routes.get("/interlocutors/{interlocutor_id}/contacts", response_model=PageOut[ContactOut])
async def contacts(
    interlocutor_id: UUID,
    at: At,
    since: Annotated[date | None, Query(description="Contacts from this day on")] = None,
    after: After = None,
    limit: Limit = 50,
) -> Response:
    """The log of contacts, the latest first."""
    return await at.page(
        queries.log_page,
        interlocutor_id,
        since=since,
        after=after,
        limit=limit,
        out=ContactOut.of,
        model=ContactOut,
    )


recorded = problem(
    "interlocutor-recorded",
    409,
    it="Interlocutore già registrato\nQuesta carica è già registrata ({interlocutor_id}): se è cambiato chi la "
    "ricopre, modificarla.",
    en="Interlocutor recorded already\nThis office is recorded already ({interlocutor_id}): if its holder has "
    "changed, change it.",
    path="/office",
    accepted="an office that is not recorded yet",
)
problems = {
    UnknownInterlocutor: not_found,
    UnknownInstitution: problem(
        "institution-unknown",
        422,
        it="Istituzione sconosciuta\nSi accetta il codice di una regione (03), di Bolzano (021) o di Trento (022); il "
        "Trentino-Alto Adige (04) ha le due province autonome.",
        en="Unknown institution\nThe code of a region (03), of Bolzano (021) or Trento (022) is accepted; "
        "Trentino-Alto Adige (04) has its two autonomous provinces.",
        path="/institution",
        accepted="01-20 (not 04), 021, 022",
    ),
    Recorded: recorded,
    "interlocutors_office": recorded,
    NotYetHappened: problem(
        "not-yet-happened",
        422,
        it="Il contatto non è ancora avvenuto\nSi registra ciò che è avvenuto: {accepted}.",
        en="The contact has not taken place yet\nWhat has taken place is recorded: {accepted}.",
        path="/on",
    ),
    Uncorrectable: problem(
        "uncorrectable",
        422,
        it="Voce non correggibile\nNon è una voce di questo registro, o è già stata corretta: correggere quella nuova.",
        en="Entry that cannot be corrected\nIt is no entry of this log, or has been corrected already: correct the "
        "newer one.",
        path="/corrects",
        accepted="the newest entry of this log about it",
    ),
}
vocabularies = (
    vocabulary(
        "interlocutor_offices",
        "Cariche degli interlocutori",
        "Offices of interlocutors",
        [
            (Office.PRESIDENT, "Presidente", "President", "art. 121 Cost."),
            (Office.GIUNTA, "Giunta", "Giunta", "art. 121 Cost."),
        ],
    ),
    vocabulary(
        "contact_channels",
        "Canali di contatto",
        "Channels of contact",
        [
            (Channel.LETTER, "Lettera", "Letter"),
            (Channel.PEC, "PEC", "Certified email"),
            (Channel.EMAIL, "Email", "Email"),
            (Channel.PHONE, "Telefono", "Telephone"),
            (Channel.MEETING, "Incontro", "Meeting"),
            (Channel.OTHER, "Altro", "Other"),
        ],
    ),
)

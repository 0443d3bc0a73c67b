"""HTTP of a network's record, of the notices that people are owed, and of consents."""

from __future__ import annotations

from datetime import date, datetime
from functools import partial
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Body, Query
from pydantic import AwareDatetime, BaseModel
from starlette.responses import Response

from services.registry.policy import Right, policy
from services.registry.processing import commands, pages, queries
from services.registry.processing.commands import Consenting, Handing, Record, Waiving, Withdrawal
from services.registry.processing.queries import Linked, Named, NamedConsent, Sort, Summary
from services.registry.processing.rules import (
    Basis,
    ConsentedAlready,
    How,
    InvalidDay,
    NoRecord,
    NotByConsent,
    NothingToTell,
    Processing,
    ReasonMissing,
    State,
    UnknownConsent,
    UnknownNotice,
    WaiverCode,
    WithdrawnAlready,
)
from shared.access import links
from shared.access.actor import day
from shared.runtime.browsers import HTML, Token, answered, as_json, wants_json
from shared.runtime.edge import Anyone, At, Edge
from shared.runtime.openapi import GUARDED
from shared.runtime.paging import After, Limit, PageOut
from shared.runtime.problems import not_found, problem
from shared.runtime.shapes import Ref
from shared.runtime.vocabularies import vocabulary

routes = APIRouter(tags=["processing"])

PURPOSE = "notice"


class TermsOut(BaseModel):
    controller: str
    contact: str
    officer: str | None
    purposes: list[str]
    basis: Basis
    retention_months: int
    source: str | None
    recipients: list[str]


class ProcessingOut(TermsOut):
    """What the network does with people's data, and by which right."""

    id: UUID
    network_id: UUID
    href: str
    version: int
    allowed_actions: list[str]

    @classmethod
    def of(cls, processing: Processing, at: Edge) -> ProcessingOut:
        may = policy.has(at.actor, Right.WRITE_PROCESSING, network=processing.network_id, on=at.now)
        return cls(
            **processing.terms.as_dict(),
            id=processing.id,
            network_id=processing.network_id,
            href=f"/registry/v1/networks/{processing.network_id}/processing",
            version=processing.version,
            allowed_actions=["change"] if may else [],
        )


class RecordedOut(TermsOut):
    """A state that the record had from `recorded_at` until the next one."""

    version: int
    recorded_at: datetime
    recorded_by: UUID | None

    @classmethod
    def of(cls, row: Any) -> RecordedOut:
        return cls.model_validate(row, from_attributes=True)


class NoticeOut(BaseModel):
    """The notice that a person is owed by a network. `due` is the last day in time. `waits`: the network has not
    recorded what it does with people's data yet, so nothing is sent."""

    id: UUID
    network_id: UUID
    person: Ref
    has_email: bool
    has_phone: bool
    state: State
    waits: bool
    entered_on: date
    due: date
    overdue: bool
    asked_at: datetime | None
    sent_at: datetime | None
    handed_on: date | None
    how: How | None
    waiver_code: WaiverCode | None
    waiver_reason: str | None
    href: str
    version: int
    allowed_actions: list[str]

    @classmethod
    def of(cls, named: Named, at: Edge) -> NoticeOut:
        one = named.notice
        may = policy.has(at.actor, Right.MANAGE_NOTICES, network=one.network_id, on=at.now)
        return cls(
            id=one.id,
            network_id=one.network_id,
            person=Ref(id=one.person_id, name=named.person, href=f"/registry/v1/people/{one.person_id}"),
            has_email=named.has_email,
            has_phone=named.has_phone,
            state=one.state,
            waits=one.state is State.OWED and not named.recorded,
            entered_on=one.entered_on,
            due=one.due,
            overdue=one.overdue(day(at.now)),
            asked_at=one.asked_at,
            sent_at=one.sent_at,
            handed_on=one.handed_on,
            how=one.how,
            waiver_code=one.waiver_code,
            waiver_reason=one.waiver_reason,
            href=f"/registry/v1/notices/{one.id}",
            version=one.version,
            allowed_actions=one.actions() if may else [],
        )


class SummaryOut(BaseModel):
    """How a network's notices stand. Without a record (`recorded` is false) those that are owed wait."""

    recorded: bool
    total: int
    waiting: int
    overdue: int
    states: dict[State, int]

    @classmethod
    def of(cls, found: Summary) -> SummaryOut:
        states = {state: found.counts.get(state, 0) for state in State}
        return cls(
            recorded=found.recorded,
            total=sum(states.values()),
            waiting=0 if found.recorded else states[State.OWED],
            overdue=found.overdue,
            states=states,
        )


class NoticeShownOut(TermsOut):
    """What the page of a link shows."""

    network: str
    rights: list[str]

    @classmethod
    def of(cls, linked: Linked, language: str) -> NoticeShownOut:
        terms = linked.processing.terms
        return cls(**terms.as_dict(), network=linked.network.name, rights=pages.rights(language, terms.basis))


class ConsentOut(BaseModel):
    """From `given_on` until `withdrawn_on` (exclusive)."""

    id: UUID
    network_id: UUID
    person: Ref
    given_on: date
    how: How | None
    withdrawn_on: date | None
    href: str
    version: int
    allowed_actions: list[str]

    @classmethod
    def of(cls, named: NamedConsent) -> ConsentOut:
        one = named.consent
        return cls(
            id=one.id,
            network_id=one.network_id,
            person=Ref(id=one.person_id, name=named.person, href=f"/registry/v1/people/{one.person_id}"),
            given_on=one.given_on,
            how=one.how,
            withdrawn_on=one.withdrawn_on,
            href=f"/registry/v1/consents/{one.id}",
            version=one.version,
            allowed_actions=["withdraw"] if one.withdrawn_on is None else [],
        )


# --- the record ------------------------------------------------------------------------------------------------------


@routes.get("/networks/{network}/processing", response_model=ProcessingOut)
async def record(network: str, at: At) -> Response:
    """What the network does with people's data, and by which right; 404 as long as it has not recorded it."""
    return await at.read(queries.record, network, out=lambda found: ProcessingOut.of(found, at))


@routes.put("/networks/{network}/processing", response_model=ProcessingOut)
async def set_record(network: str, body: Record, at: At) -> Response:
    """Records it, or changes what was recorded: then it needs If-Match. With the first record, the notices that waited
    for it are sent."""
    expected = at.if_match() if "if-match" in at.request.headers else None
    return await at.command(
        commands.record, network, body, expected=expected, out=lambda found: ProcessingOut.of(found, at)
    )


@routes.get("/networks/{network}/processing/history", response_model=PageOut[RecordedOut])
async def history(
    network: str,
    at: At,
    on: Annotated[date | None, Query(description="Only what held on this day")] = None,
    after: After = None,
    limit: Limit = 50,
) -> Response:
    """Every state that the record had, the last one first."""
    return await at.page(queries.history, network, on=on, after=after, limit=limit, out=RecordedOut.of)


# --- notices ---------------------------------------------------------------------------------------------------------


@routes.get("/networks/{network}/notices", response_model=PageOut[NoticeOut])
async def notices(
    network: str,
    at: At,
    state: Annotated[list[State], Query()] = [],  # noqa: B006 (FastAPI copies it)
    person: Annotated[list[UUID], Query()] = [],  # noqa: B006
    due_before: Annotated[date | None, Query(description="The last day in time lies before this one")] = None,
    updated_since: AwareDatetime | None = None,
    sort: Annotated[Sort, Query(description="As people were entered, or by the last day in time")] = "id",
    after: After = None,
    limit: Limit = 50,
) -> Response:
    """The notices (art. 14 GDPR) that the network owes people whom others entered, told ones too."""
    return await at.page(
        queries.listed,
        network,
        state=state,
        person=person,
        due_before=due_before,
        updated_since=updated_since,
        sort=sort,
        after=after,
        limit=limit,
        out=lambda named: NoticeOut.of(named, at),
        model=NoticeOut,
    )


@routes.get("/networks/{network}/notices/summary", response_model=SummaryOut)
async def summary(network: str, at: At) -> Response:
    """How many notices are in which state, and whether they wait for the network's record."""
    return await at.read(queries.summary, network, out=SummaryOut.of)


@routes.get("/notices/link", response_model=NoticeShownOut, responses=HTML)
async def show_link(token: Token, at: Anyone) -> Response:
    """The whole notice, for whoever was sent the link. Opening it does nothing."""
    at.identity = None

    async def shown() -> Response:
        link = await links.verify(token, "registry", PURPOSE, keys=at.context.link_keys)
        linked = await at.query(queries.linked, link.subject)
        if wants_json(at):
            return as_json(NoticeShownOut.of(linked, at.language))
        return pages.shown(at.language, linked)

    return await answered(at, shown, partial(pages.failed, at.language), html=not wants_json(at))


@routes.get("/notices/{notice_id}", response_model=NoticeOut)
async def notice(notice_id: UUID, at: At) -> Response:
    """A notice, for the secretariat and for whom it is meant."""
    return await at.read(queries.get, notice_id, out=lambda named: NoticeOut.of(named, at))


@routes.post("/notices/{notice_id}/handed", response_model=NoticeOut, openapi_extra=GUARDED)
async def hand(notice_id: UUID, body: Handing, at: At) -> Response:
    """The person was told otherwise than by mail: who has no address has to be. Needs If-Match."""
    return await at.command(
        commands.hand, notice_id, body, expected=at.if_match(), out=lambda named: NoticeOut.of(named, at)
    )


@routes.post("/notices/{notice_id}/waive", response_model=NoticeOut, openapi_extra=GUARDED)
async def waive(notice_id: UUID, body: Annotated[Waiving, Body(default_factory=Waiving)], at: At) -> Response:
    """The person has the information already (art. 14(5)), and how one knows. Needs If-Match."""
    return await at.command(
        commands.waive, notice_id, body, expected=at.if_match(), out=lambda named: NoticeOut.of(named, at)
    )


# --- consents --------------------------------------------------------------------------------------------------------


@routes.post("/networks/{network}/consents", status_code=201, response_model=ConsentOut)
async def consent(network: str, body: Consenting, at: At) -> Response:
    """Records a person's consent, where the network's record rests on it; otherwise it is refused."""
    return await at.command(
        commands.consent,
        network,
        body,
        out=ConsentOut.of,
        location=lambda named: f"/registry/v1/consents/{named.consent.id}",
    )


@routes.get("/networks/{network}/consents", response_model=PageOut[ConsentOut])
async def consents(
    network: str,
    at: At,
    person: Annotated[list[UUID], Query()] = [],  # noqa: B006 (FastAPI copies it)
    on: Annotated[date | None, Query(description="Those that held on this day")] = None,
    after: After = None,
    limit: Limit = 50,
) -> Response:
    """The consents that a network has recorded, withdrawn ones too."""
    return await at.page(
        queries.consents_listed, network, person=person, on=on, after=after, limit=limit, out=ConsentOut.of
    )


@routes.get("/consents/{consent_id}", response_model=ConsentOut)
async def one_consent(consent_id: UUID, at: At) -> Response:
    """A consent, for the secretariat and for whose it is."""
    return await at.read(queries.consent, consent_id, out=ConsentOut.of)


@routes.post("/consents/{consent_id}/withdraw", response_model=ConsentOut, openapi_extra=GUARDED)
async def withdraw(consent_id: UUID, body: Annotated[Withdrawal, Body(default_factory=Withdrawal)], at: At) -> Response:
    """The person withdraws it, or tells the secretariat so. Needs If-Match."""
    return await at.command(commands.withdraw, consent_id, body, expected=at.if_match(), out=ConsentOut.of)


problems = {
    UnknownNotice: not_found,
    UnknownConsent: not_found,
    NoRecord: problem(
        "no-processing-record",
        404,
        it="La rete non ha detto che cosa fa dei dati\nManca la scheda del trattamento: titolare, finalità, base "
        "giuridica, conservazione. Senza, le informative aspettano.",
        en="The network has not said what it does with data\nThe processing record is missing: controller, purposes, "
        "legal basis, retention. Without it notices wait.",
    ),
    NothingToTell: problem(
        "nothing-to-tell",
        409,
        it="Non c'è nulla da comunicare\nLa persona è già informata, o non le è dovuta l'informativa (stato: {state}).",
        en="There is nothing to tell\nThe person has been told, or is not owed the notice (state: {state}).",
    ),
    NotByConsent: problem(
        "not-by-consent",
        409,
        it="Il trattamento non si basa sul consenso\nLa base dichiarata è {basis}: chiedere un consenso trarrebbe in "
        "inganno.",
        en="The processing does not rest on consent\nIts stated basis is {basis}: to ask for consent would mislead.",
    ),
    ConsentedAlready: problem(
        "consented-already",
        409,
        it="Il consenso c'è già\nVale il consenso {consent_id}, che non è stato revocato.",
        en="There is a consent already\nConsent {consent_id} has not been withdrawn.",
    ),
    WithdrawnAlready: problem(
        "withdrawn-already",
        409,
        it="Il consenso è già revocato\nPer averne uno nuovo si registra un altro consenso.",
        en="The consent has been withdrawn already\nA new one is recorded as another consent.",
    ),
    InvalidDay: problem(
        "invalid-notice-day",
        422,
        it="Giorno non possibile\n`errors` dice quali giorni si accettano.",
        en="Impossible day\n`errors` says which days are accepted.",
        code="day",
    ),
    ReasonMissing: problem(
        "notice-reason-missing",
        422,
        it="Manca il motivo\nChi dispensa da un'informativa dice come si sa che la persona è informata.",
        en="The reason is missing\nWho waives a notice says how one knows that the person is informed.",
        path="/reason",
        accepted="some words",
    ),
}

vocabularies = (
    vocabulary(
        "legal_bases",
        "Basi giuridiche del trattamento",
        "Legal bases of processing",
        [
            (Basis.CONSENT, "Consenso", "Consent", "art. 6, par. 1, lett. a GDPR"),
            (Basis.CONTRACT, "Contratto", "Contract", "art. 6, par. 1, lett. b GDPR"),
            (Basis.LEGAL_OBLIGATION, "Obbligo legale", "Legal obligation", "art. 6, par. 1, lett. c GDPR"),
            (Basis.VITAL_INTERESTS, "Interessi vitali", "Vital interests", "art. 6, par. 1, lett. d GDPR"),
            (Basis.PUBLIC_TASK, "Compito di interesse pubblico", "Public task", "art. 6, par. 1, lett. e GDPR"),
            (Basis.LEGITIMATE_INTERESTS, "Legittimo interesse", "Legitimate interests", "art. 6, par. 1, lett. f GDPR"),
        ],
    ),
    vocabulary(
        "notice_states",
        "Stati di un'informativa",
        "States of a notice",
        [
            (State.OWED, "Dovuta", "Owed", "art. 14 GDPR"),
            (State.ASKED, "In invio", "On its way"),
            (State.TOLD, "Data", "Told"),
            (State.FAILED, "Non recapitata", "Failed"),
            (State.UNREACHABLE, "Senza recapito di posta", "No mailbox"),
            (State.WAIVED, "Non dovuta", "Not owed", "art. 14, par. 5 GDPR"),
        ],
    ),
    vocabulary(
        "notice_ways",
        "Come si è informata una persona",
        "How a person was told",
        [
            (How.HANDED, "Consegnata a mano", "Handed over"),
            (How.POST, "Per posta", "By post"),
            (How.PHONE, "Per telefono", "By phone"),
            (How.IN_PERSON, "A voce", "In person"),
        ],
    ),
)

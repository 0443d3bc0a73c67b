"""HTTP of generative pacts. No answer but that of a reading says anything of what is written about a person."""

from __future__ import annotations

import asyncio
from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Body, Path, Query
from pydantic import AwareDatetime, BaseModel
from sqlalchemy import Row
from starlette.responses import Response

from services.registry.commitments.rules import State as CommitmentState
from services.registry.networks import queries as networks
from services.registry.pacts import commands, document, queries, rules
from services.registry.pacts.commands import (
    Asking,
    Breaking,
    Change,
    Clear,
    Draft,
    Ending,
    HandOver,
    ObligationBody,
    ObligationClosing,
    Renewal,
    Signing,
    StepBody,
    StepChange,
    StepClosing,
)
from services.registry.pacts.queries import Figures, Shown
from services.registry.pacts.rules import (
    SIDES,
    BreakReason,
    Capacity,
    ClosedAlready,
    Erased,
    Incomplete,
    InvalidPact,
    IsCommitment,
    Kept,
    Kind,
    NotPossibleNow,
    Obligation,
    Outcome,
    Published,
    Purpose,
    Reason,
    Side,
    State,
    StepOutcome,
    UnknownPact,
)
from services.registry.pacts.sealing import Unreadable, Vault
from services.registry.policy import Right, policy
from shared import typesetting
from shared.access.actor import Actor, day
from shared.runtime.edge import At, Edge
from shared.runtime.openapi import GUARDED
from shared.runtime.paging import After, Limit, PageOut
from shared.runtime.problems import not_found, problem
from shared.runtime.shapes import Ref
from shared.runtime.vocabularies import vocabulary

routes = APIRouter(tags=["pacts"])

UNKEPT = {"cache-control": "no-store"}
PDF: dict[int | str, dict[str, Any]] = {200: {"content": {"application/pdf": {}}}}
Number = Annotated[int, Path(ge=1, le=32_767)]
Year = Annotated[int, Query(ge=1_900, le=2_200)]


class RenewalOut(BaseModel):
    renewed_on: date
    until_before: date
    until: date


class ObligationOut(BaseModel):
    """`state` is that of the commitment that it has become; the beneficiary's has an `outcome` instead. Its text is
    opened by a reading only."""

    number: int
    side: Side
    holder: Ref | None
    due: date | None
    concrete: bool
    commitment_id: UUID | None
    state: CommitmentState | None
    outcome: Kept | None
    closed_on: date | None

    @classmethod
    def of(cls, one: Obligation, shown: Shown) -> ObligationOut:
        owed = shown.owed.get(one.id)
        return cls(
            number=one.number,
            side=one.side,
            holder=_ref("organisations", one.organisation_id, shown) or _ref("people", one.person_id, shown),
            due=one.due,
            concrete=one.concrete,
            commitment_id=owed and owed.id,
            state=owed and owed.state,
            outcome=one.outcome,
            closed_on=one.closed_on,
        )


class StepOut(BaseModel):
    number: int
    due: date
    outcome: StepOutcome | None
    closed_on: date | None


class PactOut(BaseModel):
    """`missing`: kinds of actors that hold no concrete commitment yet. `maker` is null while nobody follows it: until a
    community maker is named, only the territory's coordinator may read what is written about the person. It runs until
    `until` (exclusive)."""

    id: UUID
    network_id: UUID
    code: str
    kind: Kind
    state: State
    body: Ref | None
    organisation: Ref | None
    maker: Ref | None
    territory: str
    missing: list[Side]
    drafted_on: date
    signed_on: date | None
    since: date | None
    until: date | None
    renewals: list[RenewalOut]
    outcome: Outcome | None
    break_reason: BreakReason | None
    closed_on: date | None
    erased_on: date | None
    obligations: list[ObligationOut]
    steps: list[StepOut]
    href: str
    version: int
    allowed_actions: list[str]

    @classmethod
    def of(cls, shown: Shown, at: Edge) -> PactOut:
        pact = shown.pact
        negotiated = pact.state in (State.DRAFT, State.COMPLETE)
        return cls(
            id=pact.id,
            network_id=pact.network_id,
            code=pact.code,
            kind=pact.kind,
            state=pact.state,
            body=_ref("bodies", pact.body_id, shown),
            organisation=_ref("organisations", pact.organisation_id, shown),
            maker=_ref("people", pact.maker_id, shown),
            territory=pact.territory,
            missing=list(rules.missing(shown.obligations)) if negotiated else [],
            drafted_on=pact.drafted_on,
            signed_on=pact.signed_on,
            since=pact.since,
            until=pact.until,
            renewals=[RenewalOut.model_validate(row, from_attributes=True) for row in shown.renewals],
            outcome=pact.outcome,
            break_reason=pact.break_reason,
            closed_on=pact.closed_on,
            erased_on=pact.erased_on,
            obligations=[ObligationOut.of(one, shown) for one in shown.obligations],
            steps=[StepOut.model_validate(step, from_attributes=True) for step in shown.steps],
            href=href(shown),
            version=pact.version,
            allowed_actions=actions(shown, at),
        )


def _ref(kind: str, id_: UUID | None, shown: Shown) -> Ref | None:
    return Ref(id=id_, name=shown.names.get(id_, ""), href=f"/registry/v1/{kind}/{id_}") if id_ else None


def actions(shown: Shown, at: Edge) -> list[str]:
    pact = shown.pact
    rights = {
        "read": queries.capacity(at.actor, pact, at.now) is not None,
        "erase": policy.has(at.actor, Right.ERASE_PACTS, on=at.now, **queries.place(pact)),
    }
    writes = commands.may_write(at.actor, pact, at.now)
    return [action for action in pact.actions() if rights.get(action, writes)]


class BeneficiaryOut(BaseModel):
    name: str | None = None
    contact: str | None = None
    notes: str | None = None


class TextOut(BaseModel):
    number: int
    text: str | None


class StepTextOut(TextOut):
    note: str | None


class ReadingOut(BaseModel):
    """What is written about the person, and how this reading stands in the log."""

    id: UUID
    at: datetime
    capacity: Capacity
    reason: Reason
    code: str
    beneficiary: BeneficiaryOut
    obligations: list[TextOut]
    steps: list[StepTextOut]
    ending: str | None

    @classmethod
    def of(cls, clear: Clear) -> ReadingOut:
        return cls(
            id=clear.reading_id,
            at=clear.at,
            capacity=clear.capacity,
            reason=clear.reason,
            code=clear.shown.pact.code,
            beneficiary=BeneficiaryOut(**clear.beneficiary),
            obligations=[TextOut(number=number, text=text) for number, text in clear.obligations.items()],
            steps=[StepTextOut(number=number, text=text, note=note) for number, (text, note) in clear.steps.items()],
            ending=clear.ending,
        )


class LoggedOut(BaseModel):
    """Who has read what is written about the person, when, as whom and why."""

    id: UUID
    person: Ref
    at: datetime
    capacity: Capacity
    reason: Reason
    purpose: Purpose

    @classmethod
    def of(cls, row: Row[Any]) -> LoggedOut:
        person = Ref(id=row.person_id, name=(row.name or "").strip(), href=f"/registry/v1/people/{row.person_id}")
        return cls(id=row.id, person=person, at=row.at, capacity=row.capacity, reason=row.reason, purpose=row.purpose)


class CellOut(BaseModel):
    """`count` is null where telling it would tell of few people."""

    key: str
    name: str | None = None
    count: int | None


class TableOut(BaseModel):
    """Keys without any are left out. `withheld`: nothing of this table can be told."""

    withheld: bool
    cells: list[CellOut]

    @classmethod
    def of(cls, told: Published[Any], names: Any = None) -> TableOut:
        cells = [
            CellOut(key=str(key), name=names.get(key) if names else None, count=count)
            for key, count in sorted(told.cells.items(), key=lambda cell: str(cell[0]))
        ]
        return cls(withheld=told.withheld, cells=cells)


class TerritoryOut(CellOut):
    promoters: TableOut


class StatisticsOut(BaseModel):
    """Counts of pacts, none under 5 and none from which one could be told. `by_state` are the states, the ended ones
    with their outcome; `by_territory` are provinces (or regions), with who promotes the pacts there."""

    total: int | None
    fewest: int = rules.FEWEST
    by_state: TableOut
    by_year: TableOut
    by_territory: TableOut
    promoters: list[TerritoryOut]

    @classmethod
    def of(cls, figures: Figures) -> StatisticsOut:
        return cls(
            total=figures.total,
            by_state=TableOut.of(figures.standing),
            by_year=TableOut.of(figures.years),
            by_territory=TableOut.of(figures.territories),
            promoters=[
                TerritoryOut(key=key, count=figures.territories.cells[key], promoters=TableOut.of(told, figures.names))
                for key, told in sorted(figures.promoters.items())
            ],
        )


def href(shown: Shown) -> str:
    return f"/registry/v1/pacts/{shown.pact.id}"


def vault_of(at: Edge) -> Vault:
    found: Vault = at.context.settings.pact_vault  # type: ignore[attr-defined]
    return found


@routes.post("/networks/{network}/pacts", status_code=201, response_model=PactOut)
async def draft(network: str, body: Draft, at: At) -> Response:
    """Drafts a pact. Who the beneficiary is is sealed at once: from here on the pact is its code."""
    return await at.command(
        commands.draft, network, body, vault=vault_of(at), out=lambda shown: PactOut.of(shown, at), location=href
    )


@routes.get("/networks/{network}/pacts", response_model=PageOut[PactOut])
async def pacts(
    network: str,
    at: At,
    kind: Annotated[list[Kind], Query()] = [],  # noqa: B006 (FastAPI copies it)
    state: Annotated[list[State], Query()] = [],  # noqa: B006
    outcome: Annotated[list[Outcome], Query()] = [],  # noqa: B006
    year: Annotated[list[Year], Query()] = [],  # noqa: B006
    body: Annotated[list[UUID], Query()] = [],  # noqa: B006
    organisation: Annotated[list[UUID], Query(description="That promotes it")] = [],  # noqa: B006
    maker: Annotated[list[UUID], Query()] = [],  # noqa: B006
    territory: Annotated[list[str], Query(description="A code, with what lies in it")] = [],  # noqa: B006
    on: Annotated[date | None, Query(description="Signed, and running on this day")] = None,
    q: Annotated[str | None, Query(max_length=20, description="Part of the code")] = None,
    updated_since: AwareDatetime | None = None,
    sort: Literal["id", "-id", "updated", "-updated"] = "id",
    after: After = None,
    limit: Limit = 50,
) -> Response:
    """The pacts that the caller may know of, as codes and figures: a community maker those of their body, a coordinator
    those of their territory, the secretariat all."""
    return await at.page(
        queries.listed,
        network,
        kind=kind,
        state=state,
        outcome=outcome,
        year=year,
        body=body,
        organisation=organisation,
        maker=maker,
        territory=territory,
        on=on,
        q=q,
        updated_since=updated_since,
        sort=sort,
        after=after,
        limit=limit,
        out=lambda shown: PactOut.of(shown, at),
        model=PactOut,
    )


@routes.get("/networks/{network}/pact-statistics", response_model=StatisticsOut)
async def statistics(network: str, at: At) -> Response:
    """How many pacts, by state and outcome, year, territory and promoter, without telling of anybody: there are no
    filters, as the difference of two answers would tell what each hides."""
    return await at.read(queries.statistics, network, out=StatisticsOut.of)


@routes.get("/pacts/{pact_id}", response_model=PactOut)
async def pact(pact_id: UUID, at: At) -> Response:
    """A pact as code and figures."""
    return await at.read(queries.get, pact_id, out=lambda shown: PactOut.of(shown, at))


@routes.patch("/pacts/{pact_id}", response_model=PactOut, openapi_extra=GUARDED)
async def change(pact_id: UUID, body: Change, at: At) -> Response:
    """Changes what is given. Needs If-Match."""
    given = body.model_dump(exclude_unset=True)
    return await _guarded(at, commands.change, pact_id, vault=vault_of(at), **given)


@routes.post("/pacts/{pact_id}/obligations", status_code=201, response_model=PactOut)
async def oblige(pact_id: UUID, body: ObligationBody, at: At) -> Response:
    """Somebody takes something on. The text is sealed; once the pact is signed it must be concrete at once."""
    return await at.command(
        commands.oblige, pact_id, body, vault=vault_of(at), out=lambda shown: PactOut.of(shown, at), location=href
    )


@routes.patch("/pacts/{pact_id}/obligations/{number}", response_model=PactOut, openapi_extra=GUARDED)
async def change_obligation(pact_id: UUID, number: Number, body: ObligationBody, at: At) -> Response:
    """Changes what is given, before the pact is signed. Needs If-Match."""
    given = body.model_dump(exclude_unset=True)
    return await _guarded(at, commands.change_obligation, pact_id, number, vault=vault_of(at), **given)


@routes.delete("/pacts/{pact_id}/obligations/{number}", response_model=PactOut, openapi_extra=GUARDED)
async def drop_obligation(pact_id: UUID, number: Number, at: At) -> Response:
    """Takes an obligation out, before the pact is signed. Needs If-Match."""
    return await _guarded(at, commands.drop_obligation, pact_id, number)


@routes.post("/pacts/{pact_id}/obligations/{number}/close", response_model=PactOut, openapi_extra=GUARDED)
async def close_obligation(pact_id: UUID, number: Number, body: ObligationClosing, at: At) -> Response:
    """What became of one of the beneficiary's; the others are closed as commitments. Needs If-Match."""
    return await _guarded(at, commands.close_obligation, pact_id, number, body)


@routes.post("/pacts/{pact_id}/steps", status_code=201, response_model=PactOut)
async def add_step(pact_id: UUID, body: StepBody, at: At) -> Response:
    """One more step to autonomy; its maker is reminded of it before its day."""
    return await at.command(
        commands.add_step, pact_id, body, vault=vault_of(at), out=lambda shown: PactOut.of(shown, at), location=href
    )


@routes.patch("/pacts/{pact_id}/steps/{number}", response_model=PactOut, openapi_extra=GUARDED)
async def change_step(pact_id: UUID, number: Number, body: StepChange, at: At) -> Response:
    """Another text or another day, while it is open. Needs If-Match."""
    given = body.model_dump(exclude_unset=True)
    return await _guarded(at, commands.change_step, pact_id, number, vault=vault_of(at), **given)


@routes.post("/pacts/{pact_id}/steps/{number}/close", response_model=PactOut, openapi_extra=GUARDED)
async def close_step(pact_id: UUID, number: Number, body: StepClosing, at: At) -> Response:
    """What came of a step. Needs If-Match."""
    return await _guarded(at, commands.close_step, pact_id, number, body, vault=vault_of(at))


@routes.post("/pacts/{pact_id}/sign", response_model=PactOut, openapi_extra=GUARDED)
async def sign(pact_id: UUID, body: Signing, at: At) -> Response:
    """Binds both sides; what organisations and operators have taken on becomes commitments. Needs If-Match."""
    return await _guarded(at, commands.sign, pact_id, body)


@routes.post("/pacts/{pact_id}/renew", response_model=PactOut, openapi_extra=GUARDED)
async def renew(pact_id: UUID, body: Renewal, at: At) -> Response:
    """Goes on until a later day. Needs If-Match."""
    return await _guarded(at, commands.renew, pact_id, body)


@routes.post("/pacts/{pact_id}/end", response_model=PactOut, openapi_extra=GUARDED)
async def end(pact_id: UUID, body: Ending, at: At) -> Response:
    """It has come to its end; what is still owed by it is owed no more. Needs If-Match."""
    return await _guarded(at, commands.end, pact_id, body, vault=vault_of(at))


@routes.post("/pacts/{pact_id}/break-off", response_model=PactOut, openapi_extra=GUARDED)
async def break_off(pact_id: UUID, body: Breaking, at: At) -> Response:
    """It ends before its time, for a reason; what is still owed by it is owed no more. Needs If-Match."""
    return await _guarded(at, commands.break_off, pact_id, body, vault=vault_of(at))


@routes.post("/pacts/{pact_id}/hand-over", response_model=PactOut, openapi_extra=GUARDED)
async def hand_over(pact_id: UUID, body: HandOver, at: At) -> Response:
    """To another community maker, who may read it from now on instead of the one before. Needs If-Match."""
    return await _guarded(at, commands.hand_over, pact_id, body)


@routes.post("/pacts/{pact_id}/erase", response_model=PactOut, openapi_extra=GUARDED)
async def erase(pact_id: UUID, at: At) -> Response:
    """Destroys the key of a closed pact, and with it what is written about the person; figures stay. A backup made
    before holds the wrapped key until the master key is rotated. Needs If-Match."""
    return await _guarded(at, commands.erase, pact_id)


AskingBody = Annotated[Asking, Body(default_factory=Asking)]


@routes.post("/pacts/{pact_id}/readings", status_code=201, response_model=ReadingOut)
async def read(pact_id: UUID, at: At, body: AskingBody) -> Response:
    """Opens what is written about the person, for the pact's maker in office or the territory's coordinator, and logs
    it. The answer is kept nowhere: an Idempotency-Key is not looked at, and each request is a reading."""
    return await at.command(
        commands.read, pact_id, body, vault=vault_of(at), out=ReadingOut.of, headers=UNKEPT, repeatable=False
    )


@routes.get("/pacts/{pact_id}/readings", response_model=PageOut[LoggedOut])
async def readings(pact_id: UUID, at: At, after: After = None, limit: Limit = 50) -> Response:
    """The log of readings, in their order."""
    return await at.page(queries.readings, pact_id, after=after, limit=limit, out=LoggedOut.of)


Language = Annotated[Literal["it", "en"] | None, Query(description="That of the request if not said")]


@routes.get("/pacts/{pact_id}/document", response_class=Response, responses=PDF)
async def printed(pact_id: UUID, at: At, language: Language = None) -> Response:
    """The pact to be printed, with codes in place of names and without its texts: for whoever may know of it."""
    shown, network = await at.query(_with_network, pact_id)
    return await _pdf(shown, network, None, language or at.language, at)


@routes.post("/pacts/{pact_id}/document", response_class=Response, responses=PDF)
async def print_out(pact_id: UUID, at: At, body: AskingBody, language: Language = None) -> Response:
    """The whole pact to be printed and signed, with the name and all texts: a reading like any other, and logged."""
    opened: list[Clear] = []
    # The reading is committed before the document is made: what has been read is in the log even if printing fails.
    await at.command(
        commands.read,
        pact_id,
        body,
        vault=vault_of(at),
        purpose=Purpose.PRINT,
        out=opened.append,
        repeatable=False,
    )
    _, network = await at.query(_with_network, pact_id)
    return await _pdf(opened[0].shown, network, opened[0], language or at.language, at)


async def _with_network(session: Any, actor: Actor, pact_id: UUID, *, now: datetime) -> tuple[Shown, str]:
    shown = await queries.get(session, actor, pact_id, now=now)
    return shown, (await networks.by_ref(session, shown.pact.network_id)).name


async def _pdf(shown: Shown, network: str, clear: Clear | None, language: str, at: Edge) -> Response:
    on = day(at.now)
    data = document.data(shown, network, clear, language, on)
    content = await asyncio.to_thread(typesetting.pdf, document.TEMPLATE, data, on)
    name = f'inline; filename="{shown.pact.code}.pdf"'
    return Response(content, media_type="application/pdf", headers={"content-disposition": name, **UNKEPT})


async def _guarded(at: Edge, command: Any, *args: Any, **more: Any) -> Response:
    expected = at.if_match()
    return await at.command(command, *args, expected=expected, out=lambda shown: PactOut.of(shown, at), **more)


problems = {
    UnknownPact: not_found,
    InvalidPact: problem(
        "pact-invalid",
        422,
        it="Dati del patto non validi\n`errors` dice quale campo e che cosa si accetta.",
        en="Invalid data of a pact\n`errors` says which field, and what is accepted.",
    ),
    Incomplete: problem(
        "pact-incomplete",
        409,
        it="Il patto non è completo\nManca un impegno concreto (testo, giorno e chi lo assume) di: {missing_it}.",
        en="The pact is not complete\nA concrete commitment (text, day and holder) is missing from: {missing_en}.",
    ),
    NotPossibleNow: problem(
        "pact-not-now",
        409,
        it="Non con un patto in questo stato\nIl patto è «{state}»: `{action}` non si può fare.",
        en="Not with a pact in this state\nThe pact is “{state}”: `{action}` cannot be done.",
    ),
    ClosedAlready: problem(
        "pact-part-closed",
        409,
        it="Ha già il suo esito\nUn impegno o un passo si chiude una volta sola.",
        en="It has its outcome already\nAn obligation or a step is closed once.",
    ),
    IsCommitment: problem(
        "pact-obligation-is-commitment",
        409,
        it="Si chiude come impegno\nCiò che deve un ente o un operatore si assolve con la sua prova, in `commitments`.",
        en="Closed as a commitment\nWhat an organisation or an operator owes is fulfilled with evidence, in "
        "`commitments`.",
    ),
    Erased: problem(
        "pact-erased",
        410,
        it="I dati della persona sono stati cancellati\nLa chiave del patto è stata distrutta il {erased_on}: restano "
        "solo i numeri.",
        en="The person's data have been erased\nThe pact's key was destroyed on {erased_on}: only figures are left.",
    ),
    Unreadable: problem(
        "pact-unreadable",
        503,
        it="Il testo del patto non si può aprire\nLa chiave che lo protegge non è tra quelle configurate: avvisare chi "
        "gestisce la piattaforma.",
        en="The pact's text cannot be opened\nThe key that protects it is not among those configured: tell whoever "
        "runs the platform.",
        headers={"retry-after": "3600"},
    ),
}

STATE_WORDS = {
    State.DRAFT: ("Bozza", "Draft"),
    State.COMPLETE: ("Completo", "Complete"),
    State.SIGNED: ("Firmato", "Signed"),
    State.ENDED: ("Concluso", "Ended"),
    State.BROKEN_OFF: ("Interrotto", "Broken off"),
}
KIND_WORDS = {Kind.PERSON: ("Persona", "Person"), Kind.HOUSEHOLD: ("Nucleo familiare", "Household")}
OUTCOME_WORDS = {
    Outcome.AUTONOMY: ("Autonomia raggiunta", "Autonomy reached"),
    Outcome.PARTIAL_AUTONOMY: ("Autonomia raggiunta in parte", "Autonomy reached in part"),
    Outcome.OTHER_SERVICES: ("Passaggio ad altri servizi", "Taken on by other services"),
    Outcome.UNCHANGED: ("Situazione immutata", "Situation unchanged"),
}
BREAK_WORDS = {
    BreakReason.BENEFICIARY_WITHDREW: ("Rinuncia del beneficiario", "The beneficiary withdrew"),
    BreakReason.NOT_KEPT: ("Impegni non mantenuti", "Obligations not kept"),
    BreakReason.UNREACHABLE: ("Beneficiario irreperibile", "The beneficiary cannot be reached"),
    BreakReason.MOVED_AWAY: ("Trasferimento altrove", "The beneficiary moved away"),
    BreakReason.BODY_WITHDREW: ("Rinuncia di chi promuove il patto", "The promoter withdrew"),
    BreakReason.DECEASED: ("Decesso", "Deceased"),
    BreakReason.MISTAKE: ("Inserito per errore", "Entered by mistake"),
}
STEP_WORDS = {
    StepOutcome.REACHED: ("Raggiunto", "Reached"),
    StepOutcome.PARTLY_REACHED: ("Raggiunto in parte", "Reached in part"),
    StepOutcome.NOT_REACHED: ("Non raggiunto", "Not reached"),
    StepOutcome.DROPPED: ("Non più necessario", "Not needed any more"),
}
KEPT_WORDS = {
    Kept.KEPT: ("Mantenuto", "Kept"),
    Kept.PARTLY_KEPT: ("Mantenuto in parte", "Kept in part"),
    Kept.NOT_KEPT: ("Non mantenuto", "Not kept"),
}
REASON_WORDS = {
    Reason.FOLLOW_UP: ("Accompagnamento della persona", "Following the person"),
    Reason.SIGNING: ("Firma del patto", "Signing the pact"),
    Reason.HAND_OVER: ("Passaggio di consegne", "Handing over"),
    Reason.NO_MAKER: ("Patto senza community maker", "A pact without a community maker"),
    Reason.SUPERVISION: ("Supervisione", "Supervision"),
    Reason.COMPLAINT: ("Reclamo", "Complaint"),
    Reason.EMERGENCY: ("Emergenza", "Emergency"),
    Reason.BENEFICIARY_REQUEST: ("Richiesta dell'interessato", "Request of the data subject", "art. 15 GDPR"),
    Reason.AUTHORITY_REQUEST: ("Richiesta di un'autorità", "Request of an authority"),
}
VOCABULARIES: tuple[tuple[str, str, str, Any], ...] = (
    ("pact_states", "Stati del patto", "States of a pact", STATE_WORDS),
    ("pact_kinds", "Beneficiari del patto", "Beneficiaries of a pact", KIND_WORDS),
    ("pact_sides", "Tipi di attori del patto", "Kinds of actors of a pact", SIDES),
    ("pact_outcomes", "Esiti del patto", "Outcomes of a pact", OUTCOME_WORDS),
    ("pact_break_reasons", "Perché un patto si interrompe", "Why a pact is broken off", BREAK_WORDS),
    ("pact_step_outcomes", "Esiti di un passo", "Outcomes of a step", STEP_WORDS),
    ("pact_obligation_outcomes", "Esiti di un impegno del beneficiario", "Outcomes of an obligation", KEPT_WORDS),
    ("pact_reading_reasons", "Perché si leggono i dati della persona", "Why the person's data are read", REASON_WORDS),
)
vocabularies = tuple(
    vocabulary(name, it, en, [(code, *terms) for code, terms in given.items()]) for name, it, en, given in VOCABULARIES
)

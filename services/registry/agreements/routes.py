"""HTTP of agreements: what is signed, what is called, who comes forward."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel
from starlette.responses import Response

from services.registry.agreements import commands, queries
from services.registry.agreements.commands import (
    AgreementChange,
    Coming,
    Conclusion,
    Draft,
    Evaluation,
    ObligationBody,
    Reason,
    Signatories,
    Signature,
    TableBody,
)
from services.registry.agreements.queries import Concerned, Figures, Heard, Owing, Shown, Signing
from services.registry.agreements.rules import (
    Action,
    CameForward,
    InvalidAgreement,
    Kind,
    NotEligible,
    NotPossible,
    SignedAlready,
    Standing,
    State,
    Table,
    TooLate,
    Unevaluated,
    UnfitMandate,
    UnknownAgreement,
    UnknownPart,
)
from services.registry.commitments.rules import State as CommitmentState
from services.registry.organisations.rules import Kind as OrganisationKind
from services.registry.organisations.rules import RuntsSection
from services.registry.plans.routes import ActOut, Money
from shared.access.actor import day
from shared.runtime.edge import At, Edge
from shared.runtime.openapi import GUARDED
from shared.runtime.paging import After, Limit, PageOut
from shared.runtime.problems import FieldError, Problem, not_found, problem
from shared.runtime.shapes import Ref, Statistic
from shared.runtime.vocabularies import vocabulary

routes = APIRouter(tags=["agreements"])


def ref(collection: str, id_: UUID | None, name: str | None) -> Ref | None:
    return Ref(id=id_, name=name or "", href=f"/registry/v1/{collection}/{id_}") if id_ else None


class SignatoryOut(BaseModel):
    """Who is to sign; `by` is the person who did, by their mandate."""

    organisation: Ref
    signed_on: date | None
    by: Ref | None
    mandate_id: UUID | None

    @classmethod
    def of(cls, signing: Signing) -> SignatoryOut:
        one = signing.signatory
        return cls(
            organisation=Ref(
                id=one.organisation_id,
                name=signing.organisation,
                href=f"/registry/v1/organisations/{one.organisation_id}",
            ),
            signed_on=one.signed_on,
            by=ref("people", signing.person_id, signing.person),
            mandate_id=one.mandate_id,
        )


class TableOut(BaseModel):
    """A table that was held; `minutes` are in the events service."""

    id: UUID
    held_on: date
    title: str
    minutes: str | None
    record: str | None
    link: str | None

    @classmethod
    def of(cls, table: Table) -> TableOut:
        minutes = f"/events/v1/minutes/{table.minutes_id}" if table.minutes_id else None
        return cls(
            id=table.id,
            held_on=table.held_on,
            title=table.title,
            minutes=minutes,
            record=table.record,
            link=table.link,
        )


class ObligationOut(BaseModel):
    """What a signatory is to do; `commitment` is null before the agreement is in force."""

    id: UUID
    organisation: Ref
    title: str
    kind: str
    due: date
    commitment: Ref | None
    state: CommitmentState | None

    @classmethod
    def of(cls, owing: Owing) -> ObligationOut:
        one = owing.obligation
        return cls(
            id=one.id,
            organisation=Ref(
                id=one.organisation_id,
                name=owing.organisation,
                href=f"/registry/v1/organisations/{one.organisation_id}",
            ),
            title=one.title,
            kind=one.kind,
            due=one.due,
            commitment=ref("commitments", owing.commitment_id, one.title),
            state=CommitmentState(owing.state) if owing.state else None,
        )


class CriterionOut(BaseModel):
    code: str
    title: str
    points: int


class EligibilityOut(BaseModel):
    """Of which members are called: lists that are empty leave nobody out; a territory includes what lies in it."""

    kinds: list[OrganisationKind]
    sections: list[RuntsSection]
    territories: list[str]


class AgreementOut(BaseModel):
    """`act`: the notice of a call, or the act that approves an agreement. In force from `since` until `until`
    (excluded); `deadline` is the last day to come forward. `interests` counts who did, by how they stand."""

    id: UUID
    network_id: UUID
    kind: Kind
    state: State
    title: str
    purpose: str | None
    authority: Ref | None
    body: Ref | None
    plan: Ref | None
    territories: list[str]
    act: ActOut | None
    link: str | None
    published_on: date | None
    deadline: date | None
    officer: Ref | None
    officer_mandate_id: UUID | None
    eligibility: EligibilityOut
    criteria: list[CriterionOut]
    threshold: float | None
    amount: Money | None
    since: date | None
    until: date | None
    signatories: list[SignatoryOut]
    obligations: list[ObligationOut]
    interests: dict[Standing, int]
    tables: list[TableOut]
    outcome: str | None
    convention: Ref | None
    closed_on: date | None
    reason: str | None
    href: str
    version: int
    allowed_actions: list[Action]

    @classmethod
    def of(cls, shown: Shown, at: Edge) -> AgreementOut:
        one, names = shown.agreement, shown.names
        return cls(
            id=one.id,
            network_id=one.network_id,
            kind=one.kind,
            state=one.state_on(day(at.now)),
            title=one.title,
            purpose=one.purpose,
            authority=ref("organisations", one.authority_id, names.authority),
            body=ref("bodies", one.body_id, names.body),
            plan=ref("plans", one.plan_id, names.plan),
            territories=list(one.territories),
            act=ActOut(**one.act) if one.act else None,
            link=one.link,
            published_on=one.published_on,
            deadline=one.deadline,
            officer=ref("people", names.officer_id, names.officer),
            officer_mandate_id=one.officer_mandate_id,
            eligibility=EligibilityOut(
                kinds=[OrganisationKind(kind) for kind in one.kinds],
                sections=[RuntsSection(section) for section in one.sections],
                territories=list(one.places),
            ),
            criteria=[CriterionOut(**criterion) for criterion in one.criteria],
            threshold=one.threshold,
            amount=Money(cents=one.cents) if one.cents is not None else None,
            since=one.since,
            until=one.until,
            signatories=[SignatoryOut.of(signing) for signing in shown.signings],
            obligations=[ObligationOut.of(owing) for owing in shown.owings],
            interests={standing: shown.counts.get(standing, 0) for standing in Standing},
            tables=[TableOut.of(table) for table in shown.tables],
            outcome=one.outcome,
            convention=ref("agreements", one.outcome_id, names.outcome),
            closed_on=one.closed_on,
            reason=one.reason,
            href=href_of(one.id),
            version=one.version,
            allowed_actions=allowed(shown, at),
        )


MEMBERS_OWN = (Action.COME_FORWARD, Action.SIGN)
"""What who speaks for a member may do; all else is the secretariat's."""


def allowed(shown: Shown, at: Edge) -> list[Action]:
    one = shown.agreement
    possible = one.actions(day(at.now))
    if queries.may_write(at.actor, one.network_id, at.now):
        return possible
    member = queries.comes_forward(at.actor, one.network_id, at.now)
    return [action for action in possible if member and action in MEMBERS_OWN]


class InterestOut(BaseModel):
    """Who came forward. The note, the points and the reason are shown to who speaks for the organisation, and to the
    secretariat. `on_behalf`: the secretariat entered it."""

    id: UUID
    agreement: Ref
    organisation: Ref
    expressed_on: date
    on_behalf: bool
    state: Standing
    note: str | None
    scores: dict[str, float] | None
    points: float | None
    reason: str | None
    decided_on: date | None
    href: str
    version: int
    allowed_actions: list[str]

    @classmethod
    def of(cls, heard: Heard, at: Edge) -> InterestOut:
        one = heard.interest
        own = queries.speaks(at.actor, one.network_id, one.organisation_id, at.now)
        write = queries.may_write(at.actor, one.network_id, at.now)
        running = one.state is not Standing.WITHDRAWN
        actions = [
            *(["withdraw"] if own and one.state is Standing.EXPRESSED else []),
            *(["evaluate"] if write and running else []),
        ]
        return cls(
            id=one.id,
            agreement=Ref(id=one.agreement_id, name=heard.title, href=href_of(one.agreement_id)),
            organisation=Ref(
                id=one.organisation_id,
                name=heard.organisation,
                href=f"/registry/v1/organisations/{one.organisation_id}",
            ),
            expressed_on=one.expressed_on,
            on_behalf=one.on_behalf,
            state=one.state,
            note=one.note if own else None,
            scores=one.scores if own else None,
            points=one.points if own else None,
            reason=one.reason if own else None,
            decided_on=one.decided_on,
            href=f"/registry/v1/interests/{one.id}",
            version=one.version,
            allowed_actions=actions,
        )


class ConcernedOut(BaseModel):
    """A member that may come forward; `interest` is null while it has not."""

    organisation: Ref
    kind: OrganisationKind
    municipality: str | None
    interest: Standing | None

    @classmethod
    def of(cls, one: Concerned) -> ConcernedOut:
        href = f"/registry/v1/organisations/{one.organisation_id}"
        return cls(
            organisation=Ref(id=one.organisation_id, name=one.name, href=href),
            kind=OrganisationKind(one.kind),
            municipality=one.municipality,
            interest=one.interest,
        )


class FiguresOut(BaseModel):
    """Whom the call concerns today, of the active members; who of those came forward; who of those was admitted."""

    eligible: Statistic
    interested: Statistic
    admitted: Statistic

    @classmethod
    def of(cls, found: Figures) -> FiguresOut:
        return cls(
            eligible=Statistic.out_of(found.eligible, found.members),
            interested=Statistic.out_of(found.interested, found.eligible),
            admitted=Statistic.out_of(found.admitted, found.interested),
        )


def href_of(agreement_id: UUID) -> str:
    return f"/registry/v1/agreements/{agreement_id}"


async def _act(at: Edge, command: Any, agreement_id: UUID, *args: Any, **more: Any) -> Response:
    """Answers with the agreement; needs If-Match."""
    return await at.command(
        command, agreement_id, *args, expected=at.if_match(), out=lambda shown: AgreementOut.of(shown, at), **more
    )


@routes.post("/networks/{network}/agreements", status_code=201, response_model=AgreementOut)
async def draft(network: str, body: Draft, at: At) -> Response:
    """Drafts an agreement, a procedure or a call. Nobody is told of it before it is opened or submitted."""
    return await at.command(
        commands.draft,
        network,
        body,
        out=lambda shown: AgreementOut.of(shown, at),
        location=lambda shown: href_of(shown.agreement.id),
    )


@routes.get("/networks/{network}/agreements", response_model=PageOut[AgreementOut])
async def agreements(
    network: str,
    at: At,
    kind: Annotated[list[Kind], Query()] = [],  # noqa: B006 (FastAPI copies it)
    state: Annotated[list[State], Query()] = [],  # noqa: B006
    territory: Annotated[list[str], Query(description="With what lies in it")] = [],  # noqa: B006
    organisation: Annotated[list[UUID], Query(description="Calls, signs or came forward")] = [],  # noqa: B006
    body: Annotated[list[UUID], Query()] = [],  # noqa: B006
    plan: Annotated[list[UUID], Query()] = [],  # noqa: B006
    on: Annotated[date | None, Query(description="In force on this day")] = None,
    deadline_before: Annotated[date | None, Query(description="Exclusive")] = None,
    q: Annotated[str | None, Query(max_length=200, description="Part of the title")] = None,
    updated_since: AwareDatetime | None = None,
    sort: Annotated[queries.Sort, Query(description="By deadline: those that have one")] = "id",
    after: After = None,
    limit: Limit = 50,
) -> Response:
    """The agreements of a network. Filters of one name are alternatives, of different names conditions."""
    return await at.page(
        queries.listed,
        network,
        kind=kind,
        state=state,
        territory=territory,
        organisation=organisation,
        body=body,
        plan=plan,
        on=on,
        deadline_before=deadline_before,
        q=q,
        updated_since=updated_since,
        sort=sort,
        after=after,
        limit=limit,
        out=lambda shown: AgreementOut.of(shown, at),
        model=AgreementOut,
    )


@routes.get("/agreements/{agreement_id}", response_model=AgreementOut)
async def agreement(agreement_id: UUID, at: At) -> Response:
    """An agreement as it stands today."""
    return await at.read(queries.get, agreement_id, out=lambda shown: AgreementOut.of(shown, at))


@routes.patch("/agreements/{agreement_id}", response_model=AgreementOut, openapi_extra=GUARDED)
async def change(agreement_id: UUID, body: AgreementChange, at: At) -> Response:
    """Changes what is given. Of an open call only the deadline (to a later day), the link, the officer and the purpose.
    Needs If-Match."""
    return await _act(at, commands.change, agreement_id, **body.model_dump(exclude_unset=True))


@routes.delete("/agreements/{agreement_id}", status_code=204, response_class=Response, openapi_extra=GUARDED)
async def discard(agreement_id: UUID, at: At) -> Response:
    """Throws a draft away. Needs If-Match."""
    return await at.command(commands.discard, agreement_id, expected=at.if_match())


@routes.put("/agreements/{agreement_id}/signatories", response_model=AgreementOut, openapi_extra=GUARDED)
async def set_signatories(agreement_id: UUID, body: Signatories, at: At) -> Response:
    """All who are to sign, while it is a draft. Needs If-Match."""
    return await _act(at, commands.set_signatories, agreement_id, body)


@routes.post("/agreements/{agreement_id}/submit", response_model=AgreementOut, openapi_extra=GUARDED)
async def submit(agreement_id: UUID, at: At) -> Response:
    """To be signed by at least two. Needs If-Match."""
    return await _act(at, commands.submit, agreement_id)


@routes.post("/agreements/{agreement_id}/signatures", response_model=AgreementOut)
async def sign(agreement_id: UUID, body: Signature, at: At) -> Response:
    """One organisation signs, by the person whose mandate is named; with the last one it is in force. By who speaks for
    it, or by the secretariat."""
    return await at.command(commands.sign, agreement_id, body, out=lambda shown: AgreementOut.of(shown, at))


@routes.post(
    "/agreements/{agreement_id}/obligations", status_code=201, response_model=AgreementOut, openapi_extra=GUARDED
)
async def oblige(agreement_id: UUID, body: ObligationBody, at: At) -> Response:
    """What a signatory is to do by a day: a commitment as soon as the agreement is in force. Needs If-Match."""
    return await _act(at, commands.oblige, agreement_id, body)


@routes.delete(
    "/agreements/{agreement_id}/obligations/{obligation_id}", response_model=AgreementOut, openapi_extra=GUARDED
)
async def release(agreement_id: UUID, obligation_id: UUID, at: At) -> Response:
    """Takes an obligation out before the agreement is in force. Needs If-Match."""
    return await _act(at, commands.release, agreement_id, obligation_id)


@routes.post("/agreements/{agreement_id}/end", response_model=AgreementOut, openapi_extra=GUARDED)
async def end(agreement_id: UUID, body: Reason, at: At) -> Response:
    """Ends it before its day, or because it has none: what is not due yet is owed no more. Needs If-Match."""
    return await _act(at, commands.end, agreement_id, body)


@routes.post("/agreements/{agreement_id}/withdraw", response_model=AgreementOut, openapi_extra=GUARDED)
async def withdraw(agreement_id: UUID, body: Reason, at: At) -> Response:
    """Withdraws it before it binds anybody, and says why. Needs If-Match."""
    return await _act(at, commands.withdraw, agreement_id, body)


# --- calls -----------------------------------------------------------------------------------------------------------


@routes.post("/agreements/{agreement_id}/open", response_model=AgreementOut, openapi_extra=GUARDED)
async def open_call(agreement_id: UUID, at: At) -> Response:
    """Opens a procedure or a call: members come forward until the deadline. Needs If-Match."""
    return await _act(at, commands.open_call, agreement_id)


@routes.get("/agreements/{agreement_id}/eligible", response_model=PageOut[ConcernedOut])
async def eligible(
    agreement_id: UUID,
    at: At,
    interested: Annotated[bool | None, Query(description="Those that came forward, or that did not")] = None,
    after: After = None,
    limit: Limit = 50,
) -> Response:
    """The members that may come forward, by name."""
    return await at.page(
        queries.concerned, agreement_id, interested=interested, after=after, limit=limit, out=ConcernedOut.of
    )


@routes.get("/agreements/{agreement_id}/statistics", response_model=FiguresOut)
async def statistics(agreement_id: UUID, at: At) -> Response:
    """How many members it concerns, how many of those came forward, how many of those were admitted."""
    return await at.read(queries.figures, agreement_id, out=FiguresOut.of)


@routes.post("/agreements/{agreement_id}/interests", status_code=201, response_model=InterestOut)
async def come_forward(agreement_id: UUID, body: Coming, at: At) -> Response:
    """A member comes forward, until the deadline. By who speaks for it, or by the secretariat on its behalf."""
    return await at.command(
        commands.come_forward,
        agreement_id,
        body,
        out=lambda heard: InterestOut.of(heard, at),
        location=lambda heard: f"/registry/v1/interests/{heard.interest.id}",
    )


@routes.get("/agreements/{agreement_id}/interests", response_model=PageOut[InterestOut])
async def interests(
    agreement_id: UUID,
    at: At,
    state: Annotated[list[Standing], Query()] = [],  # noqa: B006
    organisation: Annotated[list[UUID], Query()] = [],  # noqa: B006
    after: After = None,
    limit: Limit = 50,
) -> Response:
    """Who came forward, in order."""
    return await at.page(
        queries.interests_of,
        agreement_id,
        state=state,
        organisation=organisation,
        after=after,
        limit=limit,
        out=lambda heard: InterestOut.of(heard, at),
        model=InterestOut,
    )


@routes.get("/interests/{interest_id}", response_model=InterestOut)
async def interest(interest_id: UUID, at: At) -> Response:
    """Somebody who came forward."""
    return await at.read(queries.interest, interest_id, out=lambda heard: InterestOut.of(heard, at))


@routes.post("/interests/{interest_id}/withdraw", response_model=InterestOut, openapi_extra=GUARDED)
async def take_back(interest_id: UUID, at: At) -> Response:
    """Takes it back, until the deadline. Needs If-Match."""
    return await at.command(
        commands.take_back, interest_id, expected=at.if_match(), out=lambda heard: InterestOut.of(heard, at)
    )


@routes.post("/interests/{interest_id}/evaluate", response_model=InterestOut, openapi_extra=GUARDED)
async def evaluate(interest_id: UUID, body: Evaluation, at: At) -> Response:
    """Admitted or excluded after the deadline, by the criteria of the notice. Needs If-Match."""
    return await at.command(
        commands.evaluate, interest_id, body, expected=at.if_match(), out=lambda heard: InterestOut.of(heard, at)
    )


@routes.post("/agreements/{agreement_id}/convene", response_model=AgreementOut, openapi_extra=GUARDED)
async def convene(agreement_id: UUID, at: At) -> Response:
    """Opens the tables, once everybody who came forward has been admitted or excluded. Needs If-Match."""
    return await _act(at, commands.convene, agreement_id)


@routes.post("/agreements/{agreement_id}/tables", status_code=201, response_model=AgreementOut, openapi_extra=GUARDED)
async def record(agreement_id: UUID, body: TableBody, at: At) -> Response:
    """A table that was held, with its approved minutes or a record by hand. Needs If-Match."""
    return await _act(at, commands.record, agreement_id, body)


@routes.post("/agreements/{agreement_id}/conclude", response_model=AgreementOut, openapi_extra=GUARDED)
async def conclude(agreement_id: UUID, body: Conclusion, at: At) -> Response:
    """What came of it: in words, or the convention that was signed. Needs If-Match."""
    return await _act(at, commands.conclude, agreement_id, body)


unevaluated = problem(
    "interests-unevaluated",
    409,
    it="Manifestazioni d'interesse da valutare ({count})\nAmmettere o escludere ciascuna: `errors` dice quali.",
    en="Expressions of interest to be evaluated ({count})\nAdmit or exclude each: `errors` says which.",
)


def unevaluated_as_problem(error: BaseException) -> Problem:
    assert isinstance(error, Unevaluated)
    errors = [FieldError(f"/interests/{id_}", "expressed", ["admitted", "excluded"]) for id_ in error.interests[:100]]
    return unevaluated(None, count=error.count, errors=errors)


came_forward = problem(
    "came-forward-already",
    409,
    it="L'ente si è già fatto avanti\nLa sua manifestazione d'interesse è registrata.",
    en="The organisation has come forward already\nIts expression of interest is recorded.",
    path="/organisation_id",
)

problems = {
    UnknownAgreement: not_found,
    UnknownPart: not_found,
    InvalidAgreement: problem(
        "invalid-agreement",
        422,
        it="Non valido\nUn valore manca o non va con gli altri: `errors` dice che cosa si accetta.",
        en="Not valid\nA value is missing or does not go with the others: `errors` says what is accepted.",
    ),
    NotPossible: problem(
        "agreement-action-not-possible",
        409,
        it="Ora non è possibile\nLo stato è «{state}»; si può: {possible}.",
        en="Not possible now\nThe state is “{state}”; possible: {possible}.",
    ),
    TooLate: problem(
        "deadline-passed",
        409,
        it="Il termine è scaduto\nCi si poteva fare avanti fino al {deadline} compreso.",
        en="The deadline has passed\nOne could come forward until {deadline}, that day included.",
    ),
    NotEligible: problem(
        "not-eligible",
        409,
        it="L'ente non è tra quelli a cui l'avviso è rivolto\nNon corrisponde: {lacking}.",
        en="The organisation is not among those called\nNot met: {lacking}.",
        path="/organisation_id",
    ),
    CameForward: came_forward,
    "agreement_interests_once": came_forward,
    UnfitMandate: problem(
        "mandate-unfit",
        422,
        it="Il mandato non vale\nIn quel giorno nessuno lo aveva nella rete, o non era di questo ente.",
        en="The mandate does not do\nOn that day nobody held it in the network, or it was not this organisation's.",
        path="/mandate_id",
        accepted="a mandate held on that day",
    ),
    SignedAlready: problem(
        "signed-already",
        409,
        it="L'ente ha già firmato\nIl giorno {on}.",
        en="The organisation has signed already\nOn {on}.",
    ),
    Unevaluated: unevaluated_as_problem,
}

vocabularies = (
    vocabulary(
        "agreement_kinds",
        "Tipi di accordo e di procedura",
        "Kinds of agreement and procedure",
        [
            (Kind.MEMORANDUM, "Protocollo d'intesa", "Memorandum", "art. 15 l. 241/1990"),
            (Kind.CONVENTION, "Convenzione", "Convention", "art. 56 d.lgs. 117/2017"),
            (Kind.PROGRAMME_AGREEMENT, "Accordo di programma", "Programme agreement", "art. 34 d.lgs. 267/2000"),
            (Kind.CO_PROGRAMMING, "Co-programmazione", "Co-programming", "art. 55 c. 2 d.lgs. 117/2017, DM 72/2021"),
            (Kind.CO_DESIGN, "Co-progettazione", "Co-design", "art. 55 c. 3 d.lgs. 117/2017, DM 72/2021"),
            (Kind.FUNDING_CALL, "Avviso di finanziamento", "Funding call", "art. 72 d.lgs. 117/2017"),
        ],
    ),
    vocabulary(
        "agreement_states",
        "Stati di un accordo o di una procedura",
        "States of an agreement or a procedure",
        [
            (State.DRAFT, "Bozza", "Draft"),
            (State.SIGNING, "Alla firma", "Being signed"),
            (State.IN_FORCE, "In vigore", "In force"),
            (State.ENDED, "Cessato", "Ended"),
            (State.OPEN, "Aperto", "Open"),
            (State.EVALUATION, "In valutazione", "Being evaluated"),
            (State.TABLES, "Tavoli", "Tables"),
            (State.CONCLUDED, "Concluso", "Concluded"),
            (State.WITHDRAWN, "Ritirato", "Withdrawn"),
        ],
    ),
    vocabulary(
        "interest_states",
        "Stati di una manifestazione d'interesse",
        "States of an expression of interest",
        [
            (Standing.EXPRESSED, "Presentata", "Expressed"),
            (Standing.WITHDRAWN, "Ritirata", "Withdrawn"),
            (Standing.ADMITTED, "Ammessa", "Admitted"),
            (Standing.EXCLUDED, "Esclusa", "Excluded"),
        ],
    ),
)

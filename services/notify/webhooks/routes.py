"""HTTP of webhooks: partners' endpoints, what they were told, telling it again, the test button."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Body, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from sqlalchemy import Row
from starlette.responses import Response

from services.notify.settings import Settings
from services.notify.webhooks import commands, queries
from services.notify.webhooks.posting import Poster
from services.notify.webhooks.rules import (
    LONGEST_DESCRIPTION,
    LONGEST_TITLE,
    LONGEST_URL,
    MOST_TYPES,
    TELLABLE,
    AddressUnfit,
    Answer,
    MessageState,
    NothingToReplay,
    Off,
    Outcome,
    PeriodUnfit,
    Reason,
    State,
    TooMany,
    TooMuch,
    TypeUnknown,
    Unknown,
    WrongState,
    message_id,
    secret_text,
)
from services.notify.webhooks.sealing import Safe, Unreadable
from shared.runtime.context import Context
from shared.runtime.edge import At, Edge
from shared.runtime.openapi import GUARDED
from shared.runtime.paging import After, Limit, PageOut
from shared.runtime.problems import Problems, not_found, problem
from shared.runtime.vocabularies import vocabulary

routes = APIRouter(tags=["webhooks"])
LONGEST_OVERLAP = 168

Title = Annotated[str, Field(min_length=1, max_length=LONGEST_TITLE, examples=["Sito di Aprire Network"])]
Description = Annotated[str | None, Field(max_length=LONGEST_DESCRIPTION)]
Url = Annotated[
    str, Field(max_length=LONGEST_URL, description="https, public", examples=["https://partner.example/hooks/trama"])
]
Types = Annotated[
    list[Annotated[str, Field(max_length=200)]],
    Field(
        min_length=1,
        max_length=MOST_TYPES,
        description="Names of facts, `*` for a whole word: GET /webhook-types says which there are",
        examples=[["events.meeting.*", "mapping.experience.validated"]],
    ),
]


class EndpointBody(BaseModel):
    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "title": "Sito di Aprire Network",
                    "url": "https://partner.example/hooks/trama",
                    "types": ["events.meeting.*", "mapping.experience.validated"],
                }
            ]
        },
    )

    title: Title
    description: Description = None
    url: Url
    types: Types


class EndpointChange(BaseModel):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"types": ["events.*.*"]}]})

    title: Title = ""
    description: Description = None
    url: Url = ""
    types: Types = []


class RefOut(BaseModel):
    id: UUID
    name: str | None
    href: str


class EndpointOut(BaseModel):
    """A partner's address. `failing_since`: of the first failure after the last success; `left_alone_until`: nothing
    is sent before (the breaker, or what it asked for); `previous_secret_until`: both secrets sign until then."""

    id: UUID
    network: RefOut
    title: str
    description: str | None
    url: str
    types: list[str]
    state: State
    reason: Reason | None
    failures_in_a_row: int
    failing_since: datetime | None
    left_alone_until: datetime | None
    previous_secret_until: datetime | None
    made_at: datetime
    changed_at: datetime | None
    version: int
    href: str
    allowed_actions: list[str]

    @classmethod
    def of(cls, shown: queries.Shown) -> EndpointOut:
        return cls(**_endpoint(shown))


def _endpoint(shown: queries.Shown) -> dict[str, Any]:
    one, lane = shown.endpoint, shown.lane
    alike = ("id", "title", "description", "url", "types", "state", "reason", "made_at", "changed_at", "version")
    return {
        **{name: getattr(one, name) for name in alike},
        "network": RefOut(id=one.network_id, name=shown.network_name, href=f"/registry/v1/networks/{one.network_id}"),
        "failures_in_a_row": lane.failures,
        "failing_since": lane.failing_since,
        "left_alone_until": lane.open_until,
        "previous_secret_until": one.previous_until,
        "href": f"/notify/v1/endpoints/{one.id}",
        "allowed_actions": one.actions() if shown.may_manage else [],
    }


class EndpointWithSecretOut(EndpointOut):
    """`secret` signs (Standard Webhooks): it is shown now and never again."""

    secret: str

    @classmethod
    def told(cls, made: commands.WithSecret) -> EndpointWithSecretOut:
        return cls(**_endpoint(made.shown), secret=secret_text(made.secret))


class TypeOut(BaseModel):
    name: str


class TypesOut(BaseModel):
    items: list[TypeOut]
    next: None = None


class AttemptOut(BaseModel):
    """One try; `answer` is the beginning of what the endpoint said, or why there was no answer. Without a fact it was
    the test button's."""

    id: UUID
    at: datetime
    fact_id: UUID | None
    type: str
    number: int
    outcome: Outcome
    status: int | None
    latency_ms: int
    answer: str

    @classmethod
    def of(cls, row: Row[Any]) -> AttemptOut:
        return cls.model_validate(row, from_attributes=True)


class MessageOut(BaseModel):
    """One fact for one endpoint; `webhook_id` is the header by which the receiver knows it."""

    fact_id: UUID
    webhook_id: str
    type: str
    subject_id: UUID
    state: MessageState
    attempts: int
    outcome: Outcome | None
    status: int | None
    queued_at: datetime
    next_try: datetime | None
    settled_at: datetime | None

    @classmethod
    def of(cls, row: Row[Any]) -> MessageOut:
        known = {name: getattr(row, name) for name in cls.model_fields if hasattr(row, name)}
        return cls(**known, webhook_id=message_id(row.fact_id), subject_id=row.aggregate_id)


class ShareOut(BaseModel):
    count: int
    of: int
    share: float | None


class SummaryOut(BaseModel):
    """What waits (`lag_seconds`: since when the oldest does) and how the tries of the last 24 hours ended."""

    active: int
    paused: int
    disabled: int
    queued: int
    due: int
    given_up: int
    lag_seconds: float | None
    failures: ShareOut
    slowest_ms: int | None
    since: datetime

    @classmethod
    def of(cls, found: queries.Summary) -> SummaryOut:
        lag = found.since + queries.WINDOW - found.oldest if found.oldest else None
        return cls(
            active=found.active,
            paused=found.paused,
            disabled=found.disabled,
            queued=found.queued,
            due=found.due,
            given_up=found.failed,
            lag_seconds=lag and max(0.0, lag / timedelta(seconds=1)),
            failures=ShareOut(
                count=found.failures, of=found.tries, share=found.failures / found.tries if found.tries else None
            ),
            slowest_ms=found.slowest_ms,
            since=found.since,
        )


class RotationBody(BaseModel):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"overlap_hours": 24}]})

    overlap_hours: int = Field(default=24, ge=0, le=LONGEST_OVERLAP, description="Both secrets sign for so long")


class ReplayBody(BaseModel):
    """One fact, or all of a period that the endpoint asks for."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"since": "2026-11-20T00:00:00Z", "until": "2026-11-21T00:00:00Z"}]},
    )

    fact_id: UUID | None = None
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None


class ReplayOut(BaseModel):
    queued: int


class TestOut(BaseModel):
    """What the endpoint said to a signed message of type `notify.endpoint.tested`."""

    __test__ = False  # not one of pytest's

    outcome: Outcome
    status: int | None
    latency_ms: int
    answer: str

    @classmethod
    def of(cls, answer: Answer) -> TestOut:
        return cls(outcome=answer.outcome, status=answer.status, latency_ms=answer.latency_ms, answer=answer.text)


def _settings(context: Context) -> Settings:
    assert isinstance(context.settings, Settings)
    return context.settings


def safe_of(context: Context) -> Safe | None:
    return _settings(context).webhook_safe


def poster_of(context: Context) -> Poster:
    """The process's own, for the test button."""
    found: Poster | None = context.state.get("webhook_poster")
    if found is None:
        found = context.state["webhook_poster"] = Poster(private=_settings(context).webhooks_insecure)
    return found


def _insecure(at: Edge) -> bool:
    return _settings(at.context).webhooks_insecure


@routes.get("/webhook-types", response_model=TypesOut)
async def types(at: At) -> Response:  # noqa: ARG001
    """The names of all facts that a webhook may be told: none with data of a person, none with a credential."""
    return Response(
        TypesOut(items=[TypeOut(name=name) for name in TELLABLE]).model_dump_json(), media_type="application/json"
    )


@routes.post("/networks/{network}/endpoints", status_code=201, response_model=EndpointWithSecretOut)
async def register(network: str, body: EndpointBody, at: At) -> Response:
    """A new endpoint; what happens from now on is told to it. Its secret is shown here once, and an Idempotency-Key
    does not keep it: sent again, the request makes another endpoint."""
    return await at.command(
        commands.register,
        network,
        body,
        safe=safe_of(at.context),
        insecure=_insecure(at),
        out=EndpointWithSecretOut.told,
        location=lambda made: f"/notify/v1/endpoints/{made.endpoint.id}",
        repeatable=False,
    )


@routes.get("/networks/{network}/endpoints", response_model=PageOut[EndpointOut])
async def endpoints(
    network: str,
    at: At,
    state: Annotated[list[State], Query()] = [],  # noqa: B006 (FastAPI copies it)
    updated_since: AwareDatetime | None = None,
    after: After = None,
    limit: Limit = 50,
) -> Response:
    """A network's endpoints; to a partner's key its own. As CSV with `Accept: text/csv`."""
    return await at.page(
        queries.listed,
        network,
        state=state,
        updated_since=updated_since,
        after=after,
        limit=limit,
        out=EndpointOut.of,
    )


@routes.get("/networks/{network}/endpoints/summary", response_model=SummaryOut)
async def summary(network: str, at: At) -> Response:
    """All endpoints of a network together; to a partner's key its own."""
    return await at.read(queries.summary, network, out=SummaryOut.of)


@routes.get("/endpoints/{endpoint_id}", response_model=EndpointOut)
async def endpoint(endpoint_id: UUID, at: At) -> Response:
    """An endpoint."""
    return await at.read(queries.get, endpoint_id, out=EndpointOut.of)


@routes.patch("/endpoints/{endpoint_id}", response_model=EndpointOut, openapi_extra=GUARDED)
async def change(endpoint_id: UUID, body: EndpointChange, at: At) -> Response:
    """Changes what is given. Needs If-Match."""
    return await at.command(
        commands.change,
        endpoint_id,
        body.model_dump(exclude_unset=True),
        expected=at.if_match(),
        insecure=_insecure(at),
        out=EndpointOut.of,
    )


@routes.delete("/endpoints/{endpoint_id}", status_code=204, response_class=Response, openapi_extra=GUARDED)
async def remove(endpoint_id: UUID, at: At) -> Response:
    """With its log and all that waits for it. Needs If-Match."""
    return await at.command(commands.remove, endpoint_id, expected=at.if_match())


@routes.post("/endpoints/{endpoint_id}/pause", response_model=EndpointOut, openapi_extra=GUARDED)
async def pause(endpoint_id: UUID, at: At) -> Response:
    """What happens meanwhile waits, for thirty days. Needs If-Match."""
    return await at.command(commands.pause, endpoint_id, expected=at.if_match(), out=EndpointOut.of)


@routes.post("/endpoints/{endpoint_id}/resume", response_model=EndpointOut, openapi_extra=GUARDED)
async def resume(endpoint_id: UUID, at: At) -> Response:
    """Also of one that was disabled; what happened meanwhile is told again by a replay. Needs If-Match."""
    return await at.command(commands.resume, endpoint_id, expected=at.if_match(), out=EndpointOut.of)


@routes.post("/endpoints/{endpoint_id}/rotate", response_model=EndpointWithSecretOut, openapi_extra=GUARDED)
async def rotate(
    endpoint_id: UUID, body: Annotated[RotationBody, Body(default_factory=RotationBody)], at: At
) -> Response:
    """A new secret, shown here once; the one before it signs, too, for the overlap. Needs If-Match."""
    return await at.command(
        commands.rotate,
        endpoint_id,
        body.overlap_hours,
        safe=safe_of(at.context),
        expected=at.if_match(),
        out=EndpointWithSecretOut.told,
        repeatable=False,
    )


@routes.post("/endpoints/{endpoint_id}/replay", status_code=202, response_model=ReplayOut)
async def replay(endpoint_id: UUID, body: ReplayBody, at: At) -> Response:
    """Queues one fact, or a period's, again: also what was delivered, with the same webhook-id."""
    return await at.command(
        commands.replay,
        endpoint_id,
        fact_id=body.fact_id,
        since=body.since,
        until=body.until,
        out=lambda queued: ReplayOut(queued=queued),
    )


@routes.post("/endpoints/{endpoint_id}/test", response_model=TestOut)
async def test(endpoint_id: UUID, at: At) -> Response:
    """Sends a signed message now, whatever the endpoint's state, and says what it answered."""
    one, signing = await at.query(commands.to_test, endpoint_id, safe=safe_of(at.context))
    answer = await commands.send_test(one, signing, poster_of(at.context), at.now)
    return await at.command(commands.note_test, endpoint_id, answer, out=lambda _: TestOut.of(answer), repeatable=False)


test.__test__ = False  # type: ignore[attr-defined]


@routes.get("/endpoints/{endpoint_id}/attempts", response_model=PageOut[AttemptOut])
async def attempts(
    endpoint_id: UUID,
    at: At,
    outcome: Annotated[list[Outcome], Query()] = [],  # noqa: B006
    fact: Annotated[list[UUID], Query(description="Of these facts")] = [],  # noqa: B006
    since: AwareDatetime | None = None,
    until: AwareDatetime | None = None,
    after: After = None,
    limit: Limit = 50,
) -> Response:
    """Each try of the last thirty days, the latest first; as CSV with `Accept: text/csv`."""
    return await at.page(
        queries.attempts,
        endpoint_id,
        outcome=outcome,
        fact=fact,
        since=since,
        until=until,
        after=after,
        limit=limit,
        out=AttemptOut.of,
    )


@routes.get("/endpoints/{endpoint_id}/messages", response_model=PageOut[MessageOut])
async def messages(
    endpoint_id: UUID,
    at: At,
    state: Annotated[list[MessageState], Query()] = [],  # noqa: B006
    type: Annotated[list[str], Query(description="Names of facts")] = [],  # noqa: A002, B006
    after: After = None,
    limit: Limit = 50,
) -> Response:
    """What the endpoint is and was told in the last thirty days, the latest first; as CSV with `Accept: text/csv`."""
    return await at.page(
        queries.messages, endpoint_id, state=state, type=type, after=after, limit=limit, out=MessageOut.of
    )


@routes.get("/endpoints/{endpoint_id}/summary", response_model=SummaryOut)
async def summary_of_one(endpoint_id: UUID, at: At) -> Response:
    """What waits for it, and how it answered in the last 24 hours."""
    return await at.read(queries.summary_of_one, endpoint_id, out=SummaryOut.of)


problems: Problems = {
    Unknown: not_found,
    Off: problem(
        "webhooks-off",
        409,
        it="I webhook non sono attivi\nChi gestisce la piattaforma deve configurare TRAMA_WEBHOOK_KEYS_FILE.",
        en="There are no webhooks here\nWhoever runs the platform must configure TRAMA_WEBHOOK_KEYS_FILE.",
    ),
    Unreadable: problem(
        "webhook-secret-unreadable",
        409,
        it="Il segreto non si può leggere\nLa chiave che lo protegge non è più configurata: va generato di nuovo.",
        en="The secret cannot be read\nThe key that protects it is configured no more: rotate the secret.",
    ),
    AddressUnfit: problem(
        "webhook-address-unfit",
        422,
        it="Indirizzo non ammesso\nSi accetta: {accepted}.",
        en="Address not allowed\nAccepted: {accepted}.",
    ),
    TypeUnknown: problem(
        "webhook-type-unknown",
        422,
        it="Nessun fatto si chiama così\n«{pattern}» non corrisponde a nessun fatto; GET /webhook-types li elenca.",
        en="No fact has such a name\n“{pattern}” matches no fact; GET /webhook-types lists them.",
        code="unknown",
    ),
    TooMany: problem(
        "webhooks-too-many",
        409,
        it="Troppi webhook\nUna rete ne ha al massimo {most}.",
        en="Too many webhooks\nA network has at most {most}.",
    ),
    WrongState: problem(
        "webhook-state",
        409,
        it="Non è possibile in questo stato\nIl webhook è «{state}».",
        en="Not possible in this state\nThe webhook is “{state}”.",
    ),
    PeriodUnfit: problem(
        "replay-unfit",
        422,
        it="Che cosa ripetere non è chiaro\nSi accetta un fatto, oppure un periodo che finisce dopo il suo inizio.",
        en="What to repeat is unclear\nOne fact is accepted, or a period that ends after it begins.",
        code="period",
    ),
    NothingToReplay: problem(
        "nothing-to-replay",
        409,
        it="Niente da ripetere\nIl fatto non è tra quelli che questo webhook chiede, o non è di questa rete.",
        en="Nothing to repeat\nThe fact is none that this webhook asks for, or not of this network.",
    ),
    TooMuch: problem(
        "replay-too-long",
        409,
        it="Periodo troppo lungo\nSi ripetono al massimo {most} fatti per volta.",
        en="Period too long\nAt most {most} facts are repeated at once.",
    ),
}

vocabularies = (
    vocabulary(
        "webhook_states",
        "Stati di un webhook",
        "States of a webhook",
        [
            (State.ACTIVE, "Attivo", "Active"),
            (State.PAUSED, "In pausa: quel che accade aspetta", "Paused: what happens waits"),
            (State.DISABLED, "Disattivato", "Disabled"),
        ],
    ),
    vocabulary(
        "webhook_reasons",
        "Perché un webhook è disattivato",
        "Why a webhook is disabled",
        [
            (Reason.GONE, "Ha risposto che non esiste più (410)", "It said that it is gone (410)"),
            (Reason.FAILING, "Non riesce da cinque giorni", "It has failed for five days"),
        ],
    ),
    vocabulary(
        "webhook_message_states",
        "Stati di un messaggio a un webhook",
        "States of a message to a webhook",
        [
            (MessageState.QUEUED, "In attesa", "Waiting"),
            (MessageState.DELIVERED, "Consegnato", "Delivered"),
            (MessageState.FAILED, "Abbandonato", "Given up"),
        ],
    ),
    vocabulary(
        "webhook_outcomes",
        "Esiti di un tentativo",
        "Outcomes of a try",
        [
            (Outcome.DELIVERED, "Accettato (2xx)", "Taken (2xx)"),
            (Outcome.REFUSED, "Rifiutato", "Refused"),
            (Outcome.REDIRECTED, "Rimandato altrove, mai seguito (3xx)", "Sent elsewhere, never followed (3xx)"),
            (Outcome.GONE, "Non esiste più (410)", "Gone (410)"),
            (Outcome.TIMED_OUT, "Nessuna risposta in tempo", "No answer in time"),
            (Outcome.UNREACHABLE, "Non raggiungibile", "Not reachable"),
            (Outcome.NOT_ALLOWED, "Il nome porta a un indirizzo non pubblico", "The name leads to no public address"),
            (Outcome.UNREADABLE, "Il segreto non si può leggere", "The secret cannot be read"),
        ],
    ),
)

"""HTTP of erasures: the register, and the way through its phases."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from starlette.responses import Response

from services.registry.access_requests.routes import own
from services.registry.erasures import commands, queries
from services.registry.erasures.queries import Shown
from services.registry.erasures.rules import (
    DAYS,
    MOST_DAYS,
    ErasureRuns,
    NotInThisPhase,
    Phase,
    Unanswered,
    UnknownErasure,
)
from services.registry.people.routes import PersonOut
from shared.rights import words
from shared.runtime.edge import At
from shared.runtime.openapi import GUARDED
from shared.runtime.paging import After, Limit, PageOut
from shared.runtime.problems import not_found, problem
from shared.runtime.shapes import Ref
from shared.runtime.vocabularies import vocabulary

routes = APIRouter(tags=["erasures"])


class OpenBody(BaseModel):
    """An erasure begins with its dry run, which touches nothing."""

    model_config = ConfigDict(extra="forbid")

    phase: Literal["dry_run"] = "dry_run"


class QuarantineBody(BaseModel):
    """Days out of sight until everything is erased; in them it can be called off."""

    model_config = ConfigDict(extra="forbid")

    days: int = Field(default=DAYS, ge=0, le=MOST_DAYS)


class WaitsOut(BaseModel):
    """An office is held: it must be known by whom. `ends` is the first day without it, null while nobody knows."""

    mandate_id: UUID
    ends: date | None
    href: str


class HoldingOut(BaseModel):
    """Items of one kind. With a ground they stay when the rest is erased, without a name; `until` that day, if any."""

    what: str
    count: int
    outcome: words.Outcome
    ground: words.Ground | None
    until: date | None


class MentionOut(BaseModel):
    """A text that holds the person's name, address or number, and may mean them: for somebody to look at."""

    what: str
    column: str
    id: UUID | None


class AnswerOut(BaseModel):
    """What a service said to a phase; `answered_at` is null while it has not, since `asked_at`."""

    service: str
    phase: Phase
    asked_at: datetime
    answered_at: datetime | None
    holdings: list[HoldingOut]
    mentions: list[MentionOut]
    mentioned: int


class StreamOut(BaseModel):
    """The facts about the person in the registry's stream, to be deleted there since `since`; `messages` were."""

    state: Literal["waiting", "done"]
    since: datetime
    done_at: datetime | None
    messages: int | None


class ErasureOut(BaseModel):
    id: UUID
    network_id: UUID
    person: Ref
    phase: Phase
    hidden: bool
    opened_on: date
    erase_on: date | None
    waits_for: WaitsOut | None
    closed_on: date | None
    answers: list[AnswerOut]
    unanswered: list[str]
    stream: StreamOut | None
    correlation: UUID | None
    href: str
    version: int
    allowed_actions: list[str]

    @classmethod
    def of(cls, shown: Shown) -> ErasureOut:
        erasure = shown.erasure
        last = max((row.asked for row in shown.answers), default=0)
        return cls(
            id=erasure.id,
            network_id=erasure.network_id,
            person=Ref(id=erasure.person_id, name=shown.name, href=f"/registry/v1/people/{erasure.person_id}"),
            phase=erasure.phase,
            hidden=erasure.hidden,
            opened_on=erasure.opened_on,
            erase_on=erasure.erase_on,
            waits_for=_waits(shown),
            closed_on=erasure.closed_on,
            answers=[_answer(row) for row in shown.answers],
            unanswered=[row.service for row in shown.answers if row.asked == last and row.answered_at is None],
            stream=_stream(shown),
            correlation=erasure.correlation,
            href=f"/registry/v1/erasures/{erasure.id}",
            version=erasure.version,
            allowed_actions=shown.actions,
        )


def _waits(shown: Shown) -> WaitsOut | None:
    erasure = shown.erasure
    if erasure.mandate_id is None:
        return None
    href = f"/registry/v1/mandates/{erasure.mandate_id}"
    return WaitsOut(mandate_id=erasure.mandate_id, ends=erasure.mandate_ends, href=href)


def _answer(row) -> AnswerOut:  # type: ignore[no-untyped-def]
    return AnswerOut.model_validate(row, from_attributes=True)


def _stream(shown: Shown) -> StreamOut | None:
    row = shown.stream
    if row is None:
        return None
    state: Literal["waiting", "done"] = "done" if row.done_at else "waiting"
    return StreamOut(state=state, since=row.since, done_at=row.done_at, messages=row.messages)


def _href(shown: Shown) -> str:
    return f"/registry/v1/erasures/{shown.erasure.id}"


@routes.post("/people/{person_id}/erasure", status_code=201, response_model=ErasureOut)
async def open_(person_id: UUID, body: OpenBody, at: At) -> Response:  # noqa: ARG001 (its one phase is checked)
    """Asks every service what it holds of a person and which texts hold their name; touches nothing. For the
    secretariat of a network that knows the person, and for the person."""
    return await at.command(commands.open_, person_id, out=ErasureOut.of, location=_href)


@routes.get("/networks/{network}/erasures", response_model=PageOut[ErasureOut])
async def erasures(
    network: str,
    at: At,
    phase: Annotated[list[Phase], Query()] = [],  # noqa: B006 (FastAPI copies it)
    person: Annotated[list[UUID], Query()] = [],  # noqa: B006
    open: Annotated[bool | None, Query(description="Not closed yet; or closed")] = None,  # noqa: A002
    updated_since: AwareDatetime | None = None,
    after: After = None,
    limit: Limit = 50,
) -> Response:
    """The register of the people whom the network knows."""
    return await at.page(
        queries.listed,
        network,
        phase=phase,
        person=person,
        open_=open,
        updated_since=updated_since,
        after=after,
        limit=limit,
        out=ErasureOut.of,
    )


@routes.get("/erasures/{erasure_id}", response_model=ErasureOut)
async def erasure(erasure_id: UUID, at: At) -> Response:
    """What each service answered in each phase, or since when it has not."""
    return await at.read(queries.get, erasure_id, out=ErasureOut.of)


@routes.post("/erasures/{erasure_id}/quarantine", response_model=ErasureOut, openapi_extra=GUARDED)
async def quarantine(erasure_id: UUID, body: QuarantineBody, at: At) -> Response:
    """Takes the person out of sight everywhere, to be erased after so many days. Needs If-Match, and every service's
    answer to the dry run. While the person holds an office it waits for its end."""
    return await at.command(commands.quarantine, erasure_id, days=body.days, expected=at.if_match(), out=ErasureOut.of)


@routes.post("/erasures/{erasure_id}/release", response_model=ErasureOut, openapi_extra=GUARDED)
async def release(erasure_id: UUID, at: At) -> Response:
    """Calls the erasure off. Needs If-Match."""
    return await at.command(commands.release, erasure_id, expected=at.if_match(), out=ErasureOut.of)


@routes.post("/erasures/{erasure_id}/erase", response_model=ErasureOut, openapi_extra=GUARDED)
async def erase(erasure_id: UUID, at: At) -> Response:
    """Erases before the quarantine is over. Needs If-Match."""
    return await at.command(commands.erase, erasure_id, expected=at.if_match(), out=ErasureOut.of)


@routes.delete("/people/{person_id}", response_model=PersonOut, openapi_extra=GUARDED, tags=["people"])
async def erase_person(person_id: UUID, at: At) -> Response:
    """Erases a person at once, without dry run and quarantine: for who should never have been entered. What is left is
    a row without a name, and the register, where the services answer. Texts that hold the name are not searched. Needs
    If-Match. Refused while a mandate runs."""
    return await at.command(commands.erase_person, person_id, expected=at.if_match(), out=PersonOut.of)


@routes.post("/me/erasure", status_code=201, response_model=ErasureOut)
async def open_own(body: OpenBody, at: At) -> Response:  # noqa: ARG001
    """Asks for one's own erasure: the dry run; the secretariat does the rest."""
    return await at.command(commands.open_, own(at), out=ErasureOut.of, location=_href)


problems = {
    UnknownErasure: not_found,
    ErasureRuns: problem(
        "erasure-runs",
        409,
        it="Una cancellazione è già in corso\nLa cancellazione {erasure_id} di questa persona non è ancora chiusa.",
        en="An erasure is under way\nErasure {erasure_id} of this person is not closed yet.",
    ),
    NotInThisPhase: problem(
        "erasure-phase",
        409,
        it="La cancellazione è in un’altra fase\nÈ nella fase {phase}; questo si può fare in: {accepted}.",
        en="The erasure is in another phase\nIt is in phase {phase}; this can be done in: {accepted}.",
        code="phase",
    ),
    Unanswered: problem(
        "erasure-unanswered",
        409,
        it="Manca la risposta di alcuni servizi\nNon hanno ancora detto che cosa conservano: {services}.",
        en="Some services have not answered\nThey have not said yet what they hold: {services}.",
    ),
}

vocabularies = [
    vocabulary(
        "erasure_phases",
        "fasi di una cancellazione",
        "phases of an erasure",
        [
            *words.PHASES[:1],
            (Phase.WAITING, "in attesa della fine di un incarico", "waiting for an office to end"),
            *words.PHASES[1:],
        ],
    ),
    vocabulary("erasure_outcomes", "esiti di una cancellazione", "outcomes of an erasure", words.OUTCOMES),
    vocabulary("retention_grounds", "motivi di conservazione", "grounds for retention", words.GROUNDS),
    vocabulary("holdings", "che cosa si conserva di una persona", "what is held of a person", words.KINDS),
]

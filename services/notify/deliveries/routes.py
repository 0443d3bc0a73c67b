"""Asking what was told to whom, and trying again what failed. Nobody reads a mail's text here: it may hold links."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict
from sqlalchemy import Row
from starlette.responses import Response

from services.notify.deliveries import commands, queries
from services.notify.deliveries.queries import Told, Wanted
from services.notify.deliveries.rules import NotFailed, Outcome, Problem, State
from shared.runtime.edge import At
from shared.runtime.paging import After, Limit, PageOut
from shared.runtime.problems import Problems, problem

routes = APIRouter(tags=["deliveries"])

problems: Problems = {
    NotFailed: problem(
        "delivery-not-failed",
        409,
        it="La consegna non è fallita\nSi ritenta solo ciò che non è riuscito; questa è «{state}».",
        en="The delivery has not failed\nOnly what failed can be tried again; this one is “{state}”.",
    )
}


class RefOut(BaseModel):
    id: UUID
    name: str | None
    href: str


class DeliveryOut(BaseModel):
    """One message to one person. `intended_at` and `waits_until` (the end of hours of quiet, or a digest) are by the
    platform's clock, the other instants are wall time; `problem` is a code of the vocabulary, `reason` the relay's own
    words without addresses."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "id": "01936f5e-8a00-7000-8000-0000000000d1",
                "network": {
                    "id": "01936f5e-8a00-7000-8000-000000000001",
                    "name": "Alleanza per le Case della comunità",
                    "href": "/registry/v1/networks/01936f5e-8a00-7000-8000-000000000001",
                },
                "person": {
                    "id": "01936f5e-8a00-7000-8000-000000000002",
                    "name": "Maria Rossi",
                    "href": "/registry/v1/people/01936f5e-8a00-7000-8000-000000000002",
                },
                "channel": "email",
                "topic": "mandate-given",
                "state": "sent",
                "problem": None,
                "reason": "2.0.0 queued",
                "tried": 1,
                "because_of": "01936f5e-8a00-7000-8000-0000000000f1",
                "correlation": "01936f5e-8a00-7000-8000-0000000000c1",
                "intended_at": "2026-11-22T09:00:00Z",
                "next_try": None,
                "waits_until": None,
                "sent_at": "2026-11-22T09:00:01Z",
                "updated_at": "2026-11-22T09:00:01Z",
            }
        }
    )

    id: UUID
    network: RefOut | None
    person: RefOut | None
    channel: str
    topic: str
    state: State
    problem: Problem | None
    reason: str | None
    tried: int
    because_of: UUID
    correlation: UUID | None
    intended_at: datetime
    next_try: datetime | None
    waits_until: datetime | None
    sent_at: datetime | None
    updated_at: datetime

    @classmethod
    def of(cls, row: Row[Any]) -> DeliveryOut:
        return cls(**_shown(row))


class AttemptOut(BaseModel):
    number: int
    at: datetime
    outcome: Outcome
    code: int | None
    reason: str


class DeliveryInFullOut(DeliveryOut):
    attempts: list[AttemptOut]
    allowed_actions: list[str]

    @classmethod
    def told(cls, told: Told) -> DeliveryInFullOut:
        tries = [AttemptOut.model_validate(attempt, from_attributes=True) for attempt in told.attempts]
        return cls(**_shown(told.row), attempts=tries, allowed_actions=list(told.allowed_actions))


def _shown(row: Row[Any]) -> dict[str, Any]:
    name = " ".join(filter(None, (row.given_name, row.family_name))) or None
    return {
        **{field: getattr(row, field) for field in DeliveryOut.model_fields if hasattr(row, field)},
        "tried": row.attempts,
        "next_try": row.next_try if row.state is State.QUEUED else None,
        "network": row.network_id
        and RefOut(id=row.network_id, name=row.network_name, href=f"/registry/v1/networks/{row.network_id}"),
        "person": row.person_id and RefOut(id=row.person_id, name=name, href=f"/registry/v1/people/{row.person_id}"),
    }


Because = Annotated[list[UUID], Query(max_length=50, description="caused by any of these facts")]
Act = Annotated[list[UUID], Query(max_length=50, description="caused by any of these acts (`Trama-Correlation`)")]
Subject = Annotated[
    list[UUID], Query(max_length=50, description="about any of these: a meeting, a ballot, a call, ...")
]
Topics = Annotated[list[str], Query(max_length=50, description="any of these")]


@routes.get("/networks/{network}/deliveries", response_model=PageOut[DeliveryOut])
async def deliveries(
    network: str,
    at: At,
    state: Annotated[list[State], Query(description="any of these")] = [],  # noqa: B006 (FastAPI copies it)
    topic: Topics = [],  # noqa: B006
    person: Annotated[list[UUID], Query(description="told to any of these")] = [],  # noqa: B006
    channel: Annotated[list[str], Query(max_length=10, description="any of these")] = [],  # noqa: B006
    because_of: Because = [],  # noqa: B006
    correlation: Act = [],  # noqa: B006
    subject: Subject = [],  # noqa: B006
    since: Annotated[AwareDatetime | None, Query(description="intended at this instant or later")] = None,
    updated_since: AwareDatetime | None = None,
    after: After = None,
    limit: Limit = 50,
) -> Response:
    """What was told in a network, the latest first; as CSV with `Accept: text/csv`. For its secretariat, and with a
    meeting as the only `subject` for who may convene it."""
    wanted = Wanted(state, topic, person, updated_since, channel, because_of, correlation, subject, since)
    return await at.page(queries.listed, network, wanted, after=after, limit=limit, out=DeliveryOut.of)


class Share(BaseModel):
    count: int
    of: int
    share: float | None


class WhyOut(BaseModel):
    """So many deliveries in a state, and why: `problem` is a code of the vocabulary, null when there is nothing to
    say."""

    topic: str
    state: State
    problem: Problem | None
    count: int


class SummaryOut(BaseModel):
    """What came of all that was intended. `waiting`: not sent yet (in `why`: for a relay, the end of hours of quiet, a
    digest); `sent`: a relay took it and it has not come back so far; `delivered`: of these, those that have not come
    back for five days, within which relays return what they cannot deliver; `bounced`: came back; `failed`: could not
    be sent; `suppressed`: not wanted, or of no use any more."""

    intended: int
    waiting: int
    sent: int
    delivered: Share
    bounced: int
    failed: int
    suppressed: int
    why: list[WhyOut]

    @classmethod
    def of(cls, rows: Sequence[Row[Any]]) -> SummaryOut:
        states: Counter[State] = Counter()
        for row in rows:
            states[row.state] += row.count_
        every, delivered = states.total(), sum(row.delivered for row in rows)
        return cls(
            intended=every,
            waiting=states[State.QUEUED] + states[State.SENDING],
            sent=states[State.SENT],
            delivered=Share(count=delivered, of=every, share=delivered / every if every else None),
            bounced=states[State.BOUNCED],
            failed=states[State.FAILED],
            suppressed=states[State.SUPPRESSED],
            why=[WhyOut(topic=row.topic, state=row.state, problem=row.problem, count=row.count_) for row in rows],
        )


@routes.get("/networks/{network}/deliveries/summary", response_model=SummaryOut)
async def summary(
    network: str,
    at: At,
    topic: Topics = [],  # noqa: B006
    because_of: Because = [],  # noqa: B006
    correlation: Act = [],  # noqa: B006
    subject: Subject = [],  # noqa: B006
    since: Annotated[AwareDatetime | None, Query(description="intended at this instant or later")] = None,
) -> Response:
    """What came of what was told: intended, sent, delivered, failed, and why. For the network's secretariat, and with a
    meeting as the only `subject` for who may convene it."""
    wanted = Wanted(topic=topic, because_of=because_of, correlation=correlation, subject=subject, since=since)
    return await at.read(queries.counted, network, wanted, out=SummaryOut.of)


@routes.get("/deliveries/{delivery_id}", response_model=DeliveryInFullOut)
async def delivery(delivery_id: UUID, at: At) -> Response:
    """One delivery with every attempt."""
    return await at.read(queries.get, delivery_id, out=DeliveryInFullOut.told)


@routes.post("/deliveries/{delivery_id}/retry", response_model=DeliveryInFullOut)
async def retry(delivery_id: UUID, at: At) -> Response:
    """Queues a failed delivery again, with a whole new day of attempts; wants If-Match."""
    return await at.command(commands.retry, delivery_id, at.if_match(), out=DeliveryInFullOut.told)

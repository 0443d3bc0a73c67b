"""HTTP of reminders: when a network reminds, and what was or will be sent."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Row
from starlette.responses import Response

from services.notify.policy import Right, policy
from services.notify.reminders import commands, queries
from services.notify.reminders.queries import Rule
from services.notify.reminders.rules import DEFAULT_DAYS, MOST_DAYS, MOST_REMINDERS, State, Topic, UnfitDays
from shared.runtime.edge import At, Edge
from shared.runtime.openapi import GUARDED
from shared.runtime.paging import After, Limit, PageOut
from shared.runtime.problems import Problems, problem
from shared.runtime.vocabularies import vocabulary

routes = APIRouter(tags=["reminders"])


class DaysBody(BaseModel):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"days": [21, 7, 1]}]})

    days: list[int] = Field(max_length=50, description="Days before the subject; an empty list reminds nobody")


class RuleOut(BaseModel):
    """When a network reminds of a kind of subject. Version 0: the platform's own days, which nobody has changed."""

    topic: Topic
    days: list[int]
    version: int
    href: str
    allowed_actions: list[str]

    @classmethod
    def of(cls, rule: Rule, at: Edge) -> RuleOut:
        may = policy.has(at.actor, Right.CHANGE_REMINDERS, network=rule.network_id, on=at.now)
        return cls(
            topic=rule.topic,
            days=list(rule.days),
            version=rule.version,
            href=f"/notify/v1/networks/{rule.network_id}/reminder-rules/{rule.topic}",
            allowed_actions=["change"] if may else [],
        )


class RulesOut(BaseModel):
    items: list[RuleOut]
    next: None = None


class ReminderOut(BaseModel):
    """One reminder, `days` before its subject, `at` an instant of the platform's clock; `told` counts people."""

    id: UUID
    topic: Topic
    subject_id: UUID
    days: int
    at: datetime
    subject_at: datetime
    state: State
    told: int

    @classmethod
    def of(cls, row: Row[Any]) -> ReminderOut:
        return cls.model_validate(row, from_attributes=True)


@routes.get("/networks/{network}/reminder-rules", response_model=RulesOut)
async def rules(network: str, at: At) -> Response:
    """When the network reminds: the days before a meeting begins, a commitment is due or a call closes; and the days
    after which what is late climbs to the next body, one for each level."""
    return await at.read(
        queries.rules_of, network, out=lambda found: RulesOut(items=[RuleOut.of(rule, at) for rule in found])
    )


@routes.get("/networks/{network}/reminder-rules/{topic}", response_model=RuleOut)
async def rule(network: str, topic: Topic, at: At) -> Response:
    """One of the network's rules."""
    return await at.read(queries.one_rule, network, topic, out=lambda found: RuleOut.of(found, at))


@routes.put("/networks/{network}/reminder-rules/{topic}", response_model=RuleOut, openapi_extra=GUARDED)
async def set_days(network: str, topic: Topic, body: DaysBody, at: At) -> Response:
    """The network's own days; reminders that are planned move with them at once. Needs If-Match."""
    return await at.command(
        commands.set_days,
        network,
        topic,
        body.days,
        expected=at.if_match(),
        out=lambda changed: RuleOut.of(changed, at),
    )


@routes.get("/networks/{network}/reminders", response_model=PageOut[ReminderOut])
async def reminders(
    network: str,
    at: At,
    topic: Annotated[list[Topic], Query()] = [],  # noqa: B006 (FastAPI copies it)
    state: Annotated[list[State], Query()] = [],  # noqa: B006
    subject: Annotated[list[UUID], Query(description="The meeting or commitment")] = [],  # noqa: B006
    after: After = None,
    limit: Limit = 50,
) -> Response:
    """The network's reminders, planned and past, with their outcome; as CSV with `Accept: text/csv`."""
    return await at.page(
        queries.listed,
        network,
        topic=topic,
        state=state,
        subject=subject,
        after=after,
        limit=limit,
        out=ReminderOut.of,
    )


problems: Problems = {
    UnfitDays: problem(
        "reminder-days-unfit",
        422,
        it=f"Giorni non validi\nSi accettano fino a {MOST_REMINDERS} numeri interi diversi, da 1 a {MOST_DAYS}.",
        en=f"Unfit days\nUp to {MOST_REMINDERS} different whole numbers are accepted, from 1 to {MOST_DAYS}.",
        path="/days",
        accepted=list(DEFAULT_DAYS[Topic.COMMITMENT]),
    )
}

vocabularies = (
    vocabulary(
        "reminder_topics",
        "Promemoria",
        "Reminders",
        [
            (Topic.MEETING, "Prima di una riunione", "Before a meeting"),
            (Topic.COMMITMENT, "Prima della scadenza di un impegno", "Before a commitment is due"),
            (Topic.PACT_STEP, "Prima della scadenza di un passo di un patto", "Before a step of a pact is due"),
            (
                Topic.CLIMB,
                "Dopo la scadenza di un impegno, un livello dopo l'altro agli organi superiori",
                "After a commitment was due, one level after the other up the tree of bodies",
            ),
            (Topic.AGREEMENT, "Prima del termine di un avviso", "Before the deadline of a call"),
            (Topic.POLL, "Prima della chiusura di un sondaggio", "Before a poll closes"),
            (
                Topic.BALLOT,
                "Prima della chiusura di una votazione fuori dalle riunioni",
                "Before a ballot closes that is in no meeting",
            ),
            (Topic.ENROLMENT, "Prima del termine di un percorso", "Before a path is due"),
            (Topic.ASSESSMENT, "Prima della chiusura di un questionario", "Before an assessment closes"),
        ],
    ),
    vocabulary(
        "reminder_states",
        "Stati di un promemoria",
        "States of a reminder",
        [
            (State.PLANNED, "Previsto", "Planned"),
            (State.SENT, "Inviato", "Sent"),
            (State.NOBODY, "Nessuno da avvisare", "Nobody to remind"),
            (State.PAST, "Quando è stato previsto era già passato", "Past when it was planned"),
            (State.SUPERSEDED, "Superato da uno successivo", "Superseded by a later one"),
            (State.CANCELLED, "Annullato", "Cancelled"),
        ],
    ),
)

"""HTTP of goals, and their page for whoever has a link."""

from __future__ import annotations

from datetime import date
from functools import partial
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from starlette.responses import Response

from services.registry.bodies.rules import Kind
from services.registry.constitutions.rules import Code, name_of
from services.registry.goals import commands, pages, queries
from services.registry.goals.commands import Setting
from services.registry.goals.queries import Constituted, Tracked
from services.registry.goals.rules import (
    MOST,
    Choice,
    Decided,
    InvalidGoal,
    Reason,
    State,
    UnknownGoal,
)
from services.registry.policy import Right, policy
from shared.access import links
from shared.access.actor import day
from shared.runtime.browsers import HTML, Token, answered, wants_json
from shared.runtime.edge import Anyone, At, Edge
from shared.runtime.openapi import GUARDED
from shared.runtime.paging import After, Limit, PageOut
from shared.runtime.problems import not_found, problem
from shared.runtime.shapes import line
from shared.runtime.vocabularies import vocabulary

routes = APIRouter(tags=["goals"])

PURPOSE = "goal"
Title = Annotated[str, line(200)]
Figure = Annotated[int, Field(ge=1, le=MOST)]


class ChangeBody(BaseModel):
    """Only what is given changes, while the goal runs."""

    model_config = ConfigDict(extra="forbid")

    title: Title = Field(default="", examples=["Quattro coordinamenti regionali entro sei mesi"])
    last_day: date = Field(default=date.min, examples=["2025-03-12"], description="Included; not before today")
    minimum: Figure = Field(default=1, examples=[4])
    full: Figure = Field(default=1, examples=[6])


class SettingBody(BaseModel):
    """So many bodies of a kind from `since` (today) to `last_day`, both included: missed below `minimum`, met from
    there on, full from `full` on."""

    model_config = ConfigDict(extra="forbid")

    title: Title = Field(examples=["Quattro coordinamenti regionali entro sei mesi"])
    body_kind: Kind = Kind.REGIONAL_COORDINATION
    since: date | None = Field(default=None, examples=["2024-09-12"])
    last_day: date = Field(examples=["2025-03-12"], description="Included; not before today")
    minimum: Figure = Field(examples=[4])
    full: Figure = Field(examples=[6])


class TerritoryRef(BaseModel):
    code: str
    name: str


class BodyRef(BaseModel):
    id: UUID
    name: str
    href: str
    territory: str | None
    constituted_on: date

    @classmethod
    def of(cls, body: Constituted) -> BodyRef:
        return cls(
            id=body.id,
            name=body.name,
            href=f"/registry/v1/bodies/{body.id}",
            territory=body.territory,
            constituted_on=body.constituted_on,
        )


class NextBest(BaseModel):
    """The region to go on with: most members with referents, then fewest missing requirements, then the code.
    `reason` is what decided, `why` the same in words."""

    territory: TerritoryRef
    members: int
    missing: list[Code]
    reason: Reason
    why: str
    runner_up: TerritoryRef | None

    @classmethod
    def of(cls, choice: Choice, language: str) -> NextBest:
        second = choice.runner_up
        return cls(
            territory=TerritoryRef(code=choice.best.code, name=name_of(choice.best.code)),
            members=choice.best.members,
            missing=list(choice.best.missing),
            reason=choice.reason,
            why=pages.why(choice, language),
            runner_up=TerritoryRef(code=second.code, name=name_of(second.code)) if second else None,
        )


class GoalOut(BaseModel):
    """`days_left` are the days after today, 0 on the last one. `bodies` are those that count, in their order."""

    id: UUID
    network_id: UUID
    title: str
    summary: str
    body_kind: Kind
    since: date
    last_day: date
    minimum: int
    full: int
    reached: int
    days_left: int
    state: State
    next_best: NextBest | None
    bodies: list[BodyRef]
    href: str
    version: int
    allowed_actions: list[str]

    @classmethod
    def of(cls, tracked: Tracked, at: Edge) -> GoalOut:
        goal, today = tracked.goal, day(at.now)
        may_write = policy.has(at.actor, Right.WRITE_GOALS, network=goal.network_id, on=at.now)
        return cls(
            id=goal.id,
            network_id=goal.network_id,
            title=goal.title,
            summary=pages.summary(tracked, today, at.language),
            body_kind=goal.body_kind,
            since=goal.since,
            last_day=goal.last_day,
            minimum=goal.minimum,
            full=goal.full,
            reached=tracked.reached,
            days_left=goal.days_left(today),
            state=goal.state,
            next_best=NextBest.of(tracked.choice, at.language) if tracked.choice else None,
            bodies=[BodyRef.of(body) for body in tracked.bodies],
            href=f"/registry/v1/goals/{goal.id}",
            version=goal.version,
            allowed_actions=["change"] if may_write and goal.running(today) else [],
        )


@routes.post("/networks/{network}/goals", status_code=201, response_model=GoalOut)
async def set_goal(network: str, body: SettingBody, at: At) -> Response:
    """Sets a goal. It is decided once, at midnight in Italy after its last day."""
    return await at.command(
        commands.set_goal,
        network,
        Setting(**body.model_dump()),
        out=lambda tracked: GoalOut.of(tracked, at),
        location=lambda tracked: f"/registry/v1/goals/{tracked.goal.id}",
    )


@routes.get("/networks/{network}/goals", response_model=PageOut[GoalOut])
async def goals(
    network: str,
    at: At,
    state: Annotated[list[State], Query()] = [],  # noqa: B006 (FastAPI copies it)
    body_kind: Annotated[list[Kind], Query()] = [],  # noqa: B006
    updated_since: AwareDatetime | None = None,
    after: After = None,
    limit: Limit = 50,
) -> Response:
    """The goals of a network, in the order in which they were set."""
    return await at.page(
        queries.listed,
        network,
        state=state,
        body_kind=body_kind,
        updated_since=updated_since,
        after=after,
        limit=limit,
        out=lambda tracked: GoalOut.of(tracked, at),
        model=GoalOut,
    )


@routes.get("/goals/link", response_class=Response, responses=HTML)
async def show_link(token: Token, at: Anyone) -> Response:
    """The goal's page, for whoever was sent a link to it: how far it is, and where to go on. It changes nothing."""
    at.identity = None  # the link says what may be seen, whoever opens it

    async def shown() -> Response:
        link = await links.verify(token, "registry", PURPOSE, keys=at.context.link_keys)
        return pages.page(await at.query(queries.tracker, link.subject), day(at.now), at.language)

    return await answered(at, shown, partial(pages.failed, at.language), html=not wants_json(at))


@routes.get("/goals/{goal_id}", response_model=GoalOut)
async def goal(goal_id: UUID, at: At) -> Response:
    """A goal as it stands today."""
    return await at.read(queries.get, goal_id, out=lambda tracked: GoalOut.of(tracked, at))


@routes.patch("/goals/{goal_id}", response_model=GoalOut, openapi_extra=GUARDED)
async def change(goal_id: UUID, body: ChangeBody, at: At) -> Response:
    """Changes a goal that runs: its title, its last day or its figures. Needs If-Match."""
    fields: dict[str, Any] = body.model_dump(exclude_unset=True)
    return await at.command(
        commands.change,
        goal_id,
        expected=at.if_match(),
        out=lambda tracked: GoalOut.of(tracked, at),
        **fields,
    )


problems = {
    UnknownGoal: not_found,
    Decided: problem(
        "goal-decided",
        409,
        it="L'obiettivo è già deciso\nL'ultimo giorno ({last_day}) è passato: l'esito non cambia più.",
        en="The goal is decided\nIts last day ({last_day}) is over: the outcome does not change any more.",
    ),
    InvalidGoal: problem(
        "invalid-goal",
        422,
        it="Obiettivo non valido\nI giorni o i numeri indicati si contraddicono: `errors` dice che cosa si accetta.",
        en="Goal not valid\nThe days or the figures contradict each other: `errors` says what is accepted.",
    ),
}
vocabularies = (
    vocabulary(
        "goal_states",
        "Stati dell'obiettivo",
        "States of a goal",
        [
            (State.RUNNING, "In corso", "Running"),
            (State.MISSED, "Mancato", "Missed"),
            (State.MET, "Raggiunto", "Met"),
            (State.FULL, "Pieno", "Full"),
        ],
    ),
    vocabulary(
        "goal_next_best_reasons",
        "Perché una regione viene prima",
        "Why a region comes first",
        [
            (Reason.ONLY, "È l'unica", "It is the only one"),
            (Reason.MEMBERS, "Più enti con referenti", "More members with referents"),
            (Reason.MISSING, "Meno requisiti mancanti", "Fewer requirements missing"),
            (Reason.CODE, "Stessi numeri, codice minore", "Same figures, smaller code"),
        ],
    ),
)

"""HTTP of plans and their objectives."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Body, Query
from pydantic import AwareDatetime, BaseModel
from starlette.responses import Response

from services.registry.commitments.routes import DebtorOut
from services.registry.commitments.rules import State as CommitmentState
from services.registry.plans import commands, queries, rules
from services.registry.plans.commands import (
    ActBody,
    Closing,
    Decision,
    Draft,
    Extension,
    ObjectiveBody,
    ObjectiveChange,
    PlanChange,
    Undertaking,
)
from services.registry.plans.queries import Action, Owned, Shown
from services.registry.plans.rules import (
    FollowerMissing,
    InvalidPlan,
    Needed,
    NotOver,
    NotPossible,
    Outcome,
    State,
    Undecided,
    UnfitFollower,
    UnknownObjective,
    UnknownPlan,
)
from shared.access.actor import day
from shared.runtime.edge import At, Edge
from shared.runtime.openapi import GUARDED
from shared.runtime.paging import After, Limit, PageOut
from shared.runtime.problems import FieldError, Problem, not_found, problem
from shared.runtime.shapes import Ref
from shared.runtime.vocabularies import vocabulary

routes = APIRouter(tags=["plans"])


class Money(BaseModel):
    cents: int
    currency: str = "EUR"


class ActOut(BaseModel):
    number: str
    day: date
    authority: str


class ExtensionOut(BaseModel):
    """The act moved the last day from `before` to `last_day`."""

    act: ActOut
    before: date
    last_day: date


class FundOut(BaseModel):
    title: str
    source: str
    amount: Money
    year: int | None

    @classmethod
    def of(cls, kept: dict[str, Any]) -> FundOut:
        amount = Money(cents=kept["cents"])
        return cls(title=kept["title"], source=kept["source"], amount=amount, year=kept.get("year"))


class DocumentOut(BaseModel):
    title: str
    url: str


class OwnerOut(BaseModel):
    type: str
    id: UUID
    name: str
    href: str

    @classmethod
    def of(cls, owned: Owned) -> OwnerOut | None:
        one = owned.objective
        for type_, id_, collection in (
            ("organisation", one.organisation_id, "organisations"),
            ("body", one.body_id, "bodies"),
        ):
            if id_ is not None:
                return cls(type=type_, id=id_, name=owned.owner or "", href=f"/registry/v1/{collection}/{id_}")
        return None


class ObjectiveOut(BaseModel):
    """`progress` is actual / target, null when that is undefined. `carried_from` is the objective that it goes on
    with."""

    id: UUID
    position: int
    title: str
    indicator: str | None
    unit: str | None
    target: float | None
    actual: float | None
    progress: float | None
    owner: OwnerOut | None
    outcome: Outcome
    reason: str | None
    decided_on: date | None
    carried_from: UUID | None

    @classmethod
    def of(cls, owned: Owned) -> ObjectiveOut:
        one = owned.objective
        return cls(
            id=one.id,
            position=one.position,
            title=one.title,
            indicator=one.indicator,
            unit=one.unit,
            target=one.target,
            actual=one.actual,
            progress=one.progress,
            owner=OwnerOut.of(owned),
            outcome=one.outcome,
            reason=one.reason,
            decided_on=one.decided_on,
            carried_from=one.carried_from_id,
        )


class PlanOut(BaseModel):
    """From `since` to `last_day`, both included and extensions counted. `outcomes` counts objectives by what became of
    them. An expired plan waits for its objectives to be decided, then it can be closed."""

    id: UUID
    network_id: UUID
    title: str
    guideline: str | None
    territories: list[str]
    since: date
    last_day: date
    extended_from: date | None
    state: State
    adopted: ActOut | None
    extensions: list[ExtensionOut]
    objectives: list[ObjectiveOut]
    outcomes: dict[Outcome, int]
    funds: list[FundOut]
    total: Money
    documents: list[DocumentOut]
    follows: Ref | None
    followed_by: Ref | None
    closed_on: date | None
    href: str
    version: int
    allowed_actions: list[str]

    @classmethod
    def of(cls, shown: Shown, at: Edge) -> PlanOut:
        plan, today = shown.plan, day(at.now)
        outcomes = [owned.objective.outcome for owned in shown.objectives]
        return cls(
            id=plan.id,
            network_id=plan.network_id,
            title=plan.title,
            guideline=plan.guideline,
            territories=list(plan.territories),
            since=plan.since,
            last_day=plan.last_day,
            extended_from=plan.extended_from,
            state=plan.state_on(today),
            adopted=ActOut(**plan.adopted) if plan.adopted else None,
            extensions=[ExtensionOut(**moved) for moved in plan.extensions],
            objectives=[ObjectiveOut.of(owned) for owned in shown.objectives],
            outcomes={outcome: outcomes.count(outcome) for outcome in Outcome},
            funds=[FundOut.of(fund) for fund in plan.funds],
            total=Money(cents=rules.total(plan.funds)),
            documents=[DocumentOut(**document) for document in plan.documents],
            follows=ref(plan.follows_id, shown.follows) if plan.follows_id else None,
            followed_by=ref(*shown.followed_by) if shown.followed_by else None,
            closed_on=plan.closed_on,
            href=href_of(plan.id),
            version=plan.version,
            allowed_actions=list(plan.actions(today)) if queries.may_write(at.actor, plan, at.now) else [],
        )


class ActionOut(BaseModel):
    """A commitment that the plan asked for; `objective` is the one for which."""

    id: UUID
    objective: UUID | None
    title: str
    debtor: DebtorOut
    due: date
    state: CommitmentState
    fulfilled_on: date | None
    href: str

    @classmethod
    def of(cls, action: Action) -> ActionOut:
        one = action.named.commitment
        return cls(
            id=one.id,
            objective=action.objective_id,
            title=one.title,
            debtor=DebtorOut.of(action.named),
            due=one.due,
            state=one.state,
            fulfilled_on=one.fulfilled_on,
            href=f"/registry/v1/commitments/{one.id}",
        )


class MadeOut(BaseModel):
    """The commitment."""

    id: UUID
    href: str


def href_of(plan_id: UUID) -> str:
    return f"/registry/v1/plans/{plan_id}"


def ref(plan_id: UUID, title: str | None) -> Ref:
    return Ref(id=plan_id, name=title or "", href=href_of(plan_id))


@routes.post("/networks/{network}/plans", status_code=201, response_model=PlanOut)
async def draft(network: str, body: Draft, at: At) -> Response:
    """Drafts a plan. Nobody is told of it before it is adopted."""
    return await at.command(
        commands.draft,
        network,
        body,
        out=lambda shown: PlanOut.of(shown, at),
        location=lambda shown: href_of(shown.plan.id),
    )


@routes.get("/networks/{network}/plans", response_model=PageOut[PlanOut])
async def plans(
    network: str,
    at: At,
    state: Annotated[list[State], Query()] = [],  # noqa: B006 (FastAPI copies it)
    territory: Annotated[list[str], Query(description="With what lies in it")] = [],  # noqa: B006
    organisation: Annotated[list[UUID], Query(description="Answers for an objective")] = [],  # noqa: B006
    body: Annotated[list[UUID], Query(description="Answers for an objective")] = [],  # noqa: B006
    on: Annotated[date | None, Query(description="Runs on this day")] = None,
    q: Annotated[str | None, Query(max_length=200, description="Part of the title")] = None,
    updated_since: AwareDatetime | None = None,
    sort: queries.Sort = "id",
    after: After = None,
    limit: Limit = 50,
) -> Response:
    """The plans of a network. Filters of one name are alternatives, of different names conditions."""
    return await at.page(
        queries.listed,
        network,
        state=state,
        territory=territory,
        organisation=organisation,
        body=body,
        on=on,
        q=q,
        updated_since=updated_since,
        sort=sort,
        after=after,
        limit=limit,
        out=lambda shown: PlanOut.of(shown, at),
        model=PlanOut,
    )


@routes.get("/plans/{plan_id}", response_model=PlanOut)
async def plan(plan_id: UUID, at: At) -> Response:
    """A plan as it stands today."""
    return await at.read(queries.get, plan_id, out=lambda shown: PlanOut.of(shown, at))


@routes.patch("/plans/{plan_id}", response_model=PlanOut, openapi_extra=GUARDED)
async def change(plan_id: UUID, body: PlanChange, at: At) -> Response:
    """Changes what is given; funds and documents are given whole. Needs If-Match."""
    return await at.command(
        commands.change,
        plan_id,
        expected=at.if_match(),
        out=lambda shown: PlanOut.of(shown, at),
        **body.model_dump(exclude_unset=True),
    )


@routes.delete("/plans/{plan_id}", status_code=204, response_class=Response, openapi_extra=GUARDED)
async def discard(plan_id: UUID, at: At) -> Response:
    """Throws a draft away, unless it goes on with what another plan carried over, or an agreement names it. Needs
    If-Match."""
    return await at.command(commands.discard, plan_id, expected=at.if_match())


async def _act(at: Edge, command: Any, plan_id: UUID, *args: Any, **more: Any) -> Response:
    """Answers with the plan; needs If-Match."""
    return await at.command(
        command, plan_id, *args, expected=at.if_match(), out=lambda shown: PlanOut.of(shown, at), **more
    )


@routes.post("/plans/{plan_id}/adopt", response_model=PlanOut, openapi_extra=GUARDED)
async def adopt(plan_id: UUID, body: ActBody, at: At) -> Response:
    """Adopted by an act of today or before. Needs If-Match."""
    return await _act(at, commands.adopt, plan_id, body)


@routes.post("/plans/{plan_id}/extend", response_model=PlanOut, openapi_extra=GUARDED)
async def extend(plan_id: UUID, body: Extension, at: At) -> Response:
    """Extended by an act, which moves its last day; one that had expired goes on. Needs If-Match."""
    return await _act(at, commands.extend, plan_id, body)


@routes.post("/plans/{plan_id}/close", response_model=PlanOut, openapi_extra=GUARDED)
async def close(plan_id: UUID, body: Annotated[Closing, Body(default_factory=Closing)], at: At) -> Response:
    """Closes a plan that is over: each objective has been achieved, has lapsed or goes on in the plan that follows.
    Needs If-Match."""
    return await _act(at, commands.close, plan_id, body)


@routes.post("/plans/{plan_id}/objectives", status_code=201, response_model=PlanOut, openapi_extra=GUARDED)
async def add_objective(plan_id: UUID, body: ObjectiveBody, at: At) -> Response:
    """One more objective, the last in order. Needs If-Match."""
    return await _act(at, commands.add_objective, plan_id, body)


@routes.patch("/plans/{plan_id}/objectives/{objective_id}", response_model=PlanOut, openapi_extra=GUARDED)
async def change_objective(plan_id: UUID, objective_id: UUID, body: ObjectiveChange, at: At) -> Response:
    """Changes what is given, such as the number reached. Needs If-Match."""
    return await _act(at, commands.change_objective, plan_id, objective_id, **body.model_dump(exclude_unset=True))


@routes.delete("/plans/{plan_id}/objectives/{objective_id}", response_model=PlanOut, openapi_extra=GUARDED)
async def remove_objective(plan_id: UUID, objective_id: UUID, at: At) -> Response:
    """Takes an objective out of a draft, unless another plan carried it over. Needs If-Match."""
    return await _act(at, commands.remove_objective, plan_id, objective_id)


@routes.post("/plans/{plan_id}/objectives/{objective_id}/decide", response_model=PlanOut, openapi_extra=GUARDED)
async def decide(plan_id: UUID, objective_id: UUID, body: Decision, at: At) -> Response:
    """What became of an objective: achieved, lapsed (and why) or carried over. Needs If-Match."""
    return await _act(at, commands.decide, plan_id, objective_id, body)


@routes.post("/plans/{plan_id}/commitments", status_code=201, response_model=MadeOut)
async def commit(plan_id: UUID, body: Undertaking, at: At) -> Response:
    """What the plan, or one of its objectives, asks of somebody: a commitment of the network."""

    def href(commitment_id: UUID) -> str:
        return f"/registry/v1/commitments/{commitment_id}"

    return await at.command(
        commands.commit, plan_id, body, out=lambda id_: MadeOut(id=id_, href=href(id_)), location=href
    )


@routes.get("/plans/{plan_id}/commitments", response_model=PageOut[ActionOut])
async def actions(
    plan_id: UUID,
    at: At,
    objective: Annotated[list[UUID], Query()] = [],  # noqa: B006
    state: Annotated[list[CommitmentState], Query()] = [],  # noqa: B006
    after: After = None,
    limit: Limit = 50,
) -> Response:
    """The commitments of a plan, in the order in which they were made."""
    return await at.page(
        queries.actions, plan_id, objective=objective, state=state, after=after, limit=limit, out=ActionOut.of
    )


undecided = problem(
    "objectives-undecided",
    409,
    it="Obiettivi ancora da decidere ({count})\nDire di ciascuno se è raggiunto, decaduto o riportato: {names}.",
    en="Objectives still to be decided ({count})\nSay of each whether it is achieved, lapsed or carried over: {names}.",
)


def undecided_as_problem(error: BaseException) -> Problem:
    assert isinstance(error, Undecided)
    errors = [FieldError(f"/objectives/{id_}", "open", list(rules.DECIDED)) for id_, _ in error.objectives]
    names = "; ".join(title for _, title in error.objectives)
    return undecided(None, count=len(errors), names=names, errors=errors)


problems = {
    UnknownPlan: not_found,
    UnknownObjective: not_found,
    InvalidPlan: problem(
        "invalid-plan",
        422,
        it="Piano non valido\nUn valore non va con gli altri: `errors` dice che cosa si accetta.",
        en="Plan not valid\nA value does not go with the others: `errors` says what is accepted.",
    ),
    NotPossible: problem(
        "plan-action-not-possible",
        409,
        it="Ora non è possibile\nIl piano è nello stato «{state}»; si può: {possible}.",
        en="Not possible now\nThe plan is in the state “{state}”; possible: {possible}.",
    ),
    Needed: problem(
        "plan-needed",
        409,
        it="La bozza serve ad altri\nHa preso gli obiettivi riportati di un altro piano, o un accordo la nomina.",
        en="The draft is needed\nIt has taken over objectives of another plan, or an agreement names it.",
    ),
    NotOver: problem(
        "plan-not-over",
        409,
        it="Il piano non è finito\nSi chiude dopo il suo ultimo giorno, proroghe comprese: {last_day}.",
        en="The plan is not over\nIt is closed after its last day, extensions included: {last_day}.",
    ),
    Undecided: undecided_as_problem,
    FollowerMissing: problem(
        "following-plan-missing",
        422,
        it="Manca il piano che segue\nChi riporta obiettivi dice in quale piano (into), o ne fa uno nuovo (following).",
        en="The following plan is missing\nWho carries objectives over names the plan, or drafts one (following).",
        path="/into",
        accepted="into, or following",
    ),
    UnfitFollower: problem(
        "following-plan-unfit",
        422,
        it="Questo piano non può seguire\nSi accetta una bozza, o un piano adottato, della stessa rete, che comincia "
        "dopo e non ne segue un altro.",
        en="This plan cannot follow\nAccepted: a draft or an adopted plan of the same network that begins later and "
        "follows no other.",
        path="/into",
        accepted="a later plan of the network",
    ),
}

vocabularies = (
    vocabulary(
        "plan_states",
        "Stati di un piano",
        "States of a plan",
        [
            (State.DRAFT, "Bozza", "Draft"),
            (State.ADOPTED, "Adottato", "Adopted"),
            (State.EXPIRED, "Scaduto, obiettivi da decidere", "Over, objectives to be decided"),
            (State.CLOSED, "Chiuso", "Closed"),
        ],
    ),
    vocabulary(
        "plan_outcomes",
        "Esiti di un obiettivo",
        "Outcomes of an objective",
        [
            (Outcome.OPEN, "Aperto", "Open"),
            (Outcome.ACHIEVED, "Raggiunto", "Achieved"),
            (Outcome.LAPSED, "Decaduto", "Lapsed"),
            (Outcome.CARRIED_OVER, "Riportato nel piano che segue", "Carried over into the plan that follows"),
        ],
    ),
    vocabulary(
        "plan_guidelines",
        "Linee guida dei piani",
        "Guidelines of plans",
        [
            (
                "l328_2000_art19",
                "Piano di zona",
                "District plan",
                "art. 19 l. 328/2000",
            ),
            (
                "dgr_4563_2021",
                "Linee di indirizzo per la programmazione sociale territoriale 2021-2023",
                "Guidelines of territorial social planning 2021-2023",
                "DGR Lombardia 4563/2021",
            ),
        ],
    ),
)

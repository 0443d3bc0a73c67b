"""HTTP of needs."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel, Field
from starlette.responses import Response

from services.mapping.items.routes import KnownRef, Network, organisation_ref
from services.mapping.needs import commands, queries
from services.mapping.needs.commands import AnswerBody, AssignBody, NeedBody, RuleBody, UnknownPlace, WithdrawBody
from services.mapping.needs.queries import Figures, Read, Statistics, Times
from services.mapping.needs.rules import AssigneeMissing, NotOpen, State, UnknownAssignee, UnknownNeed, Withdrawal
from services.mapping.territories.queries import named
from services.mapping.territories.routes import TerritoryRef
from shared.runtime.edge import At
from shared.runtime.openapi import GUARDED
from shared.runtime.paging import After, Limit, PageOut
from shared.runtime.problems import Problems, not_found, problem
from shared.runtime.shapes import Statistic
from shared.runtime.vocabularies import vocabulary

routes = APIRouter(tags=["needs"])
HREF = "/mapping/v1/needs"
Territories = Annotated[
    list[Annotated[str, Field(min_length=1, max_length=64)]],
    Query(alias="territory", max_length=50, description="Collected in one of these or in what lies in them"),
]
Themes = Annotated[list[Annotated[str, Field(min_length=1, max_length=40)]], Query(alias="theme", max_length=20)]
Places = Annotated[list[UUID], Query(alias="place", max_length=50)]


class PersonRef(BaseModel):
    """People's names are the registry's."""

    id: UUID
    href: str


def person_ref(id_: UUID | None) -> PersonRef | None:
    return PersonRef.model_construct(id=id_, href=f"/registry/v1/people/{id_}") if id_ else None


class NeedOut(BaseModel):
    """Without what was asked: that is in the need itself, for the few who may read it. `organisation` and `person` are
    to answer."""

    id: UUID
    network_id: UUID
    place: KnownRef
    municipality: TerritoryRef
    theme: str
    state: State
    organisation: KnownRef | None
    person: PersonRef | None
    collected_at: datetime
    assigned_at: datetime | None
    answered_at: datetime | None
    withdrawn_at: datetime | None
    withdrawal: Withdrawal | None
    updated_at: datetime
    href: str
    version: int
    allowed_actions: list[str]

    @classmethod
    def of(cls, read: Read) -> NeedOut:
        need = read.need
        place = KnownRef.model_construct(id=need.place_id, name=read.place, href=f"/mapping/v1/places/{need.place_id}")
        return cls.model_construct(
            id=need.id,
            network_id=need.network_id,
            place=place,
            municipality=TerritoryRef.of(named(need.municipality)),
            theme=need.theme,
            state=need.state,
            organisation=organisation_ref(need.organisation_id, read.organisation),
            person=person_ref(need.person_id),
            collected_at=need.collected_at,
            assigned_at=need.assigned_at,
            answered_at=need.answered_at,
            withdrawn_at=need.withdrawn_at,
            withdrawal=need.withdrawal,
            updated_at=read.updated_at,
            href=f"{HREF}/{need.id}",
            version=need.version,
            allowed_actions=list(read.actions),
        )


class NeedFullOut(NeedOut):
    """`readable` says whether the caller may see what was asked and answered; `text_erased_at` when it was erased."""

    readable: bool
    text: str | None
    answer: str | None
    text_erased_at: datetime | None

    @classmethod
    def of(cls, read: Read) -> NeedFullOut:
        shown = NeedOut.of(read)
        return cls.model_construct(
            **{name: getattr(shown, name) for name in NeedOut.model_fields},
            readable=read.readable,
            text=read.need.text if read.readable else None,
            answer=read.need.answer if read.readable else None,
            text_erased_at=read.need.text_erased_at,
        )


class TimesOut(BaseModel):
    """Hours, of `n` needs; null when there are none."""

    n: int
    median: float | None
    mean: float | None

    @classmethod
    def of(cls, times: Times) -> TimesOut:
        return cls(n=times.n, median=times.median, mean=times.mean)


class FiguresOut(BaseModel):
    """How many needs are in each state; the hours from their collection to the assignment and to the answer."""

    total: int
    states: dict[State, Statistic]
    hours_to_assign: TimesOut
    hours_to_answer: TimesOut

    @classmethod
    def of(cls, figures: Figures) -> FiguresOut:
        return cls(**_figures(figures))


def _figures(figures: Figures) -> dict[str, object]:
    of = sum(figures.states.values())
    return {
        "total": of,
        "states": {state: Statistic.out_of(count, of) for state, count in figures.states.items()},
        "hours_to_assign": TimesOut.of(figures.to_assign),
        "hours_to_answer": TimesOut.of(figures.to_answer),
    }


class ThemeFiguresOut(FiguresOut):
    theme: str


class PlaceFiguresOut(FiguresOut):
    place: KnownRef


class StatisticsOut(BaseModel):
    """All together, by theme and by place."""

    whole: FiguresOut
    themes: list[ThemeFiguresOut]
    places: list[PlaceFiguresOut]

    @classmethod
    def of(cls, found: Statistics) -> StatisticsOut:
        return cls(
            whole=FiguresOut.of(found.whole),
            themes=[ThemeFiguresOut.model_validate({"theme": one.key, **_figures(one)}) for one in found.themes],
            places=[
                PlaceFiguresOut.model_validate(
                    {
                        "place": KnownRef(id=one.key, name=one.name, href=f"/mapping/v1/places/{one.key}"),
                        **_figures(one),
                    }
                )
                for one in found.places
            ],
        )


class RuleOut(BaseModel):
    """Days after the end of a need for which what was asked is kept. Version 0: nobody has set it."""

    network_id: UUID
    days_kept: int
    version: int

    @classmethod
    def of(cls, rule: queries.Rule) -> RuleOut:
        return cls(network_id=rule.network_id, days_kept=rule.days_kept, version=rule.version)


@routes.post("/networks/{network}/needs", status_code=201, response_model=NeedOut)
async def collect(network: Network, body: NeedBody, at: At) -> Response:
    """A need that somebody brought to a place of one's organisation."""
    return await at.command(
        commands.collect, network, body, out=NeedOut.of, location=lambda read: f"{HREF}/{read.need.id}"
    )


@routes.get("/networks/{network}/needs", response_model=PageOut[NeedOut])
async def listed(
    network: Network,
    at: At,
    territory: Territories = [],  # noqa: B006 (FastAPI copies defaults)
    state: Annotated[list[State], Query(max_length=4)] = [],  # noqa: B006
    theme: Themes = [],  # noqa: B006
    place: Places = [],  # noqa: B006
    organisation: Annotated[list[UUID], Query(max_length=50, description="Which is to answer")] = [],  # noqa: B006
    person: Annotated[list[UUID], Query(max_length=50, description="Who is to answer")] = [],  # noqa: B006
    updated_since: AwareDatetime | None = None,
    after: After = None,
    limit: Limit = 50,
) -> Response:
    """The needs that the caller follows, the newest first: those that they collected or are to answer, of their own
    places and organisations, of their territory. What was asked is not in it. JSON, or CSV with `Accept: text/csv`."""
    return await at.page(
        queries.listed,
        network,
        territory=territory,
        state=state,
        theme=theme,
        place=place,
        organisation=organisation,
        person=person,
        updated_since=updated_since,
        after=after,
        limit=limit,
        out=NeedOut.of,
    )


@routes.get("/networks/{network}/needs/statistics", response_model=StatisticsOut)
async def statistics(
    network: Network,
    at: At,
    territory: Territories = [],  # noqa: B006
    theme: Themes = [],  # noqa: B006
    place: Places = [],  # noqa: B006
    since: Annotated[date | None, Query(description="Collected from this day")] = None,
    until: Annotated[date | None, Query(description="Collected before this day")] = None,
) -> Response:
    """How many needs there are and how long they take."""
    return await at.read(
        queries.statistics,
        network,
        territory=territory,
        theme=theme,
        place=place,
        since=since,
        until=until,
        out=StatisticsOut.of,
    )


@routes.get("/networks/{network}/need-rule", response_model=RuleOut)
async def rule(network: Network, at: At) -> Response:
    """For how long what was asked is kept."""
    return await at.read(queries.rule, network, out=RuleOut.of)


@routes.put("/networks/{network}/need-rule", response_model=RuleOut)
async def set_up(network: Network, body: RuleBody, at: At) -> Response:
    """Sets for how long what was asked is kept after the end of a need, of needs that have ended too. Needs If-Match:
    `"0"` the first time."""
    return await at.command(commands.set_up, network, body, expected=at.if_match(), out=RuleOut.of)


@routes.get("/needs/{id}", response_model=NeedFullOut)
async def one(id: UUID, at: At) -> Response:  # noqa: A002 (the name in the path)
    """A need, with what was asked for who collected it, who is to answer and the coordinator of the territory."""
    return await at.read(queries.get, id, out=NeedFullOut.of)


@routes.post("/needs/{id}/assign", response_model=NeedOut, openapi_extra=GUARDED)
async def assign(id: UUID, body: AssignBody, at: At) -> Response:  # noqa: A002
    """Gives it to who is to answer, or to another. Needs If-Match."""
    return await at.command(commands.assign, id, body, expected=at.if_match(), out=NeedOut.of)


@routes.post("/needs/{id}/answer", response_model=NeedOut, openapi_extra=GUARDED)
async def answer(id: UUID, body: AnswerBody, at: At) -> Response:  # noqa: A002
    """Says what was answered. Needs If-Match."""
    return await at.command(commands.answer, id, body, expected=at.if_match(), out=NeedOut.of)


@routes.post("/needs/{id}/withdraw", response_model=NeedOut, openapi_extra=GUARDED)
async def withdraw(id: UUID, body: WithdrawBody, at: At) -> Response:  # noqa: A002
    """It is followed no longer, and why. Needs If-Match."""
    return await at.command(commands.withdraw, id, body, expected=at.if_match(), out=NeedOut.of)


problems: Problems = {
    UnknownNeed: not_found,
    UnknownPlace: problem(
        "place-unknown",
        422,
        it="Luogo sconosciuto\nSi accetta un luogo della rete che non sia chiuso.",
        en="Unknown place\nA place of the network that is not closed is accepted.",
        path="/place_id",
        code="unknown",
        accepted="a place of the network that is not closed",
    ),
    AssigneeMissing: problem(
        "assignee-missing",
        422,
        it="Manca chi deve rispondere\nIndicare un ente, una persona o entrambi.",
        en="Nobody is to answer\nGive an organisation, a person or both.",
        path="/organisation_id",
        accepted="organisation_id, person_id or both",
    ),
    UnknownAssignee: problem(
        "assignee-unknown",
        422,
        it="Non è di questa rete\nRisponde chi ha un mandato in corso nella rete.",
        en="Not of this network\nWhoever holds a mandate in the network can answer.",
        code="unknown",
    ),
    NotOpen: problem(
        "need-state",
        409,
        it="Lo stato del bisogno non lo permette\nÈ nello stato {state}; serve uno di questi: {accepted}.",
        en="The need's state does not allow it\nIt is {state}; needed is one of: {accepted}.",
    ),
}

vocabularies = (
    vocabulary(
        "need_states",
        "Stati di un bisogno",
        "States of a need",
        [
            (State.COLLECTED, "Raccolto", "Collected"),
            (State.ASSIGNED, "Assegnato", "Assigned"),
            (State.ANSWERED, "Risposto", "Answered"),
            (State.WITHDRAWN, "Ritirato", "Withdrawn"),
        ],
    ),
    vocabulary(
        "need_withdrawals",
        "Perché un bisogno non è più seguito",
        "Why a need is followed no longer",
        [
            (Withdrawal.RESOLVED_ELSEWHERE, "Risolto altrove", "Resolved elsewhere"),
            (Withdrawal.BY_THE_PERSON, "La persona lo ha ritirato", "The person withdrew it"),
            (Withdrawal.DUPLICATE, "Già raccolto", "Collected already"),
            (Withdrawal.NOT_A_NEED, "Non era un bisogno", "It was no need"),
        ],
    ),
)

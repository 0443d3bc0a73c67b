"""HTTP of enrolments, and the page behind their mailed link."""

from __future__ import annotations

from datetime import date, datetime
from functools import partial
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Form, Query
from pydantic import AwareDatetime, BaseModel, StringConstraints
from starlette.responses import Response

from services.learning.courses.routes import UnitOut
from services.learning.enrolments import commands, pages, queries
from services.learning.enrolments.commands import EnrolBody, InviteBody
from services.learning.enrolments.queries import By, Figures, Named
from services.learning.enrolments.rules import (
    CompletedAlready,
    EnrolmentEnded,
    NotByHand,
    NotOfTheNetwork,
    NotOpen,
    NotTheirOwn,
    NotToLeave,
    Progress,
    SomeNotOfTheNetwork,
    State,
    UnknownEnrolment,
    UnknownUnit,
    actions,
)
from services.learning.paths.pages import failed
from services.learning.paths.routes import href
from services.learning.paths.rules import Admission, Audience, Path
from services.learning.paths.rules import State as PathState
from services.learning.policy import Right, policy
from shared import territories
from shared.access import links
from shared.access.actor import day
from shared.runtime.browsers import HTML, Token, answered, wants_html, wants_json
from shared.runtime.edge import Anyone, At, Edge
from shared.runtime.openapi import GUARDED
from shared.runtime.paging import After, Limit, PageOut
from shared.runtime.problems import FieldError, Problem, not_found, problem
from shared.runtime.shapes import Ref, Statistic
from shared.runtime.vocabularies import vocabulary

routes = APIRouter(tags=["enrolments"])

PURPOSE = "learn"


def statistic(progress: Progress) -> Statistic:
    return Statistic(count=progress.count, of=progress.of, share=progress.share)


class EnrolmentOut(BaseModel):
    """`person` is null when they were erased; `due` is the last day in time; `late` is today's answer; `left`: they
    left it of their own; `attempt`: which time they are on the path."""

    id: UUID
    network_id: UUID
    path: Ref
    audience: Audience
    person: Ref | None
    mandate_id: UUID | None
    how: Admission
    state: State
    progress: Statistic
    opened_on: date
    due: date | None
    late: bool
    completed_at: datetime | None
    ended_on: date | None
    left: bool
    attempt: int
    href: str
    version: int
    allowed_actions: list[str]

    @classmethod
    def of(cls, named: Named, at: Edge) -> EnrolmentOut:
        return cls(**shown(named, at))


class EarlierOut(BaseModel):
    """An attempt that was completed, and renewed since; `completed_units` is how many units the path had then."""

    attempt: int
    opened_on: date
    due: date | None
    completed_at: datetime
    completed_units: int


class UnitDoneOut(UnitOut):
    done_at: datetime | None


class EnrolmentInFullOut(EnrolmentOut):
    """With the units of the path, when each was done, and what was completed in earlier attempts."""

    units: list[UnitDoneOut]
    earlier: list[EarlierOut]

    @classmethod
    def of(cls, named: Named, at: Edge) -> EnrolmentInFullOut:
        done = named.enrolment.done
        units = [UnitDoneOut(**UnitOut.of(unit).model_dump(), done_at=done.get(unit.id)) for unit in named.path.units]
        earlier = [EarlierOut(**each._mapping) for each in named.history]
        return cls(**shown(named, at), units=units, earlier=earlier)


def shown(named: Named, at: Edge) -> dict[str, Any]:
    enrolment, path = named.enrolment, named.path
    person = enrolment.person_id
    return {
        "id": enrolment.id,
        "network_id": enrolment.network_id,
        "path": ref(path),
        "audience": path.audience,
        "person": Ref(id=person, name=named.person, href=f"/registry/v1/people/{person}") if person else None,
        "mandate_id": enrolment.mandate_id,
        "how": enrolment.how,
        "state": enrolment.state,
        "progress": statistic(enrolment.progress(path.unit_ids)),
        "opened_on": enrolment.opened_on,
        "due": enrolment.due,
        "late": enrolment.late(day(at.now)),
        "completed_at": enrolment.completed_at,
        "ended_on": enrolment.ended_on,
        "left": enrolment.left,
        "attempt": enrolment.attempt,
        "href": f"/learning/v1/enrolments/{enrolment.id}",
        "version": enrolment.version,
        "allowed_actions": actions(
            enrolment,
            path,
            at.actor.person_id,
            may_enrol=Right.ENROL in policy.allowed(at.actor, network=enrolment.network_id, on=at.now),
        ),
    }


def ref(path: Path) -> Ref:
    return Ref(id=path.id, name=path.title, href=href(path))


NOT_OF_THE_NETWORK = problem(
    "person-not-of-network",
    422,
    it="La persona non è di questa rete\nSi iscrive chi la rete ha registrato o chi vi ha avuto un mandato.",
    en="The person is not of this network\nThose whom the network entered or gave a mandate can be enrolled.",
    path="/person_id",
    accepted="a person whom the network entered, or gave a mandate",
)


def _some_not_of_the_network(error: SomeNotOfTheNetwork) -> Problem:
    accepted = "a person whom the network entered, or gave a mandate"
    errors = [FieldError(f"/person_ids/{place}", "not_of_network", accepted) for place in error.places[:100]]
    return NOT_OF_THE_NETWORK(None, errors=errors)


class InvitedOut(BaseModel):
    """How many are on the path now because of this, and how many of those asked for were before."""

    enrolled: int
    already: int


class ProgressOut(BaseModel):
    """`enrolled` is everybody who ever was on the path, once each; `completed` is a part of them."""

    path: Ref
    audience: Audience
    state: PathState
    enrolled: int
    active: int
    late: int
    ended: int
    completed: Statistic

    @classmethod
    def of(cls, figures: Figures) -> ProgressOut:
        return cls(
            path=ref(figures.path),
            audience=figures.path.audience,
            state=figures.path.state,
            enrolled=figures.enrolled,
            active=figures.active,
            late=figures.late,
            ended=figures.ended,
            completed=statistic(Progress(figures.completed, figures.enrolled)),
        )


class BodyProgressOut(ProgressOut):
    body: Ref

    @classmethod
    def of_group(cls, group: tuple[Figures, str, str]) -> BodyProgressOut:
        figures, id_, name = group
        return cls(**vars(ProgressOut.of(figures)), body=Ref.body(UUID(id_), name))


class RegionOut(BaseModel):
    code: str
    name: str


class RegionProgressOut(ProgressOut):
    region: RegionOut

    @classmethod
    def of_group(cls, group: tuple[Figures, str, str]) -> RegionProgressOut:
        figures, code, _ = group
        region = territories.load().region(code)
        return cls(**vars(ProgressOut.of(figures)), region=RegionOut(code=code, name=region.name if region else code))


@routes.post("/paths/{path_id}/enrolments", response_model=EnrolmentInFullOut)
async def enrol(path_id: UUID, at: At, body: EnrolBody | None = None) -> Response:
    """Enrols the caller in an open path, or (the secretariat) a person of the network in any that is published. Answers
    with the enrolment, new or as it stands already."""
    return await at.command(
        commands.enrol,
        path_id,
        body,
        out=lambda named: EnrolmentInFullOut.of(named, at),
        location=lambda named: f"/learning/v1/enrolments/{named.enrolment.id}",
    )


@routes.post("/paths/{path_id}/enrolments/batch", response_model=InvitedOut)
async def invite(path_id: UUID, body: InviteBody, at: At) -> Response:
    """Enrols up to 1,000 people of the network at once, or nobody when one of them is not of it: the secretariat."""
    return await at.command(
        commands.invite, path_id, body, out=lambda made: InvitedOut(enrolled=made.enrolled, already=made.already)
    )


@routes.get("/networks/{network}/enrolments", response_model=PageOut[EnrolmentOut])
async def enrolments(
    network: str,
    at: At,
    path: Annotated[list[UUID], Query(max_length=100)] = [],  # noqa: B006 (FastAPI copies it)
    person: Annotated[list[UUID], Query(max_length=100)] = [],  # noqa: B006
    audience: Annotated[list[Audience], Query()] = [],  # noqa: B006
    state: Annotated[list[State], Query()] = [],  # noqa: B006
    body: Annotated[list[UUID], Query(max_length=100)] = [],  # noqa: B006
    territory: Annotated[list[Annotated[str, StringConstraints(pattern=r"^[A-Z0-9]{2,4}$")]], Query()] = [],  # noqa: B006
    late: Annotated[bool | None, Query(description="Active, and past the day by which it was due")] = None,
    updated_since: AwareDatetime | None = None,
    after: After = None,
    limit: Limit = 50,
) -> Response:
    """Who is on the paths of a network, and how far. JSON, or CSV with `Accept: text/csv`."""
    return await at.page(
        queries.listed,
        network,
        path=path,
        person=person,
        audience=audience,
        state=state,
        body=body,
        territory=territory,
        late=late,
        updated_since=updated_since,
        after=after,
        limit=limit,
        out=lambda named: EnrolmentOut.of(named, at),
        model=EnrolmentOut,
    )


@routes.get("/me/enrolments", response_model=PageOut[EnrolmentOut])
async def own(at: At, after: After = None, limit: Limit = 50) -> Response:
    """The paths that I am on, in all networks."""
    return await at.page(
        queries.own, after=after, limit=limit, out=lambda named: EnrolmentOut.of(named, at), model=EnrolmentOut
    )


Paths = Annotated[list[UUID], Query(max_length=100)]
Bodies = Annotated[list[UUID], Query(max_length=100, description="Of people who hold a mandate in it today")]
Territories = Annotated[
    list[Annotated[str, StringConstraints(pattern=r"^[A-Z0-9]{2,4}$")]],
    Query(max_length=100, description="Of people who hold a mandate in it, or in what lies in it, today"),
]


@routes.get("/networks/{network}/progress", response_model=PageOut[ProgressOut])
async def progress(
    network: str,
    at: At,
    path: Paths = [],  # noqa: B006
    audience: Annotated[list[Audience], Query()] = [],  # noqa: B006
    body: Bodies = [],  # noqa: B006
    territory: Territories = [],  # noqa: B006
    after: After = None,
    limit: Limit = 50,
) -> Response:
    """What the enrolments in each path come to: figures, nobody's name. JSON, or CSV with `Accept: text/csv`."""
    asked = queries.Asked(path, audience, body, territory)
    return await at.page(
        queries.progress, network, asked, after=after, limit=limit, out=ProgressOut.of, model=ProgressOut
    )


@routes.get("/networks/{network}/progress/bodies", response_model=PageOut[BodyProgressOut])
async def progress_of_bodies(
    network: str,
    at: At,
    path: Paths = [],  # noqa: B006
    audience: Annotated[list[Audience], Query()] = [],  # noqa: B006
    body: Bodies = [],  # noqa: B006
    territory: Territories = [],  # noqa: B006
    after: After = None,
    limit: Limit = 50,
) -> Response:
    """The same of each path and each body whose people are on it. JSON, or CSV with `Accept: text/csv`."""
    asked = queries.Asked(path, audience, body, territory)
    return await at.page(
        queries.progress_by, network, By.BODIES, asked, after=after, limit=limit, out=BodyProgressOut.of_group
    )


@routes.get("/networks/{network}/progress/regions", response_model=PageOut[RegionProgressOut])
async def progress_of_regions(
    network: str,
    at: At,
    path: Paths = [],  # noqa: B006
    audience: Annotated[list[Audience], Query()] = [],  # noqa: B006
    body: Bodies = [],  # noqa: B006
    territory: Territories = [],  # noqa: B006
    after: After = None,
    limit: Limit = 50,
) -> Response:
    """The same of each path and each region in which its people hold a mandate. JSON or CSV (`Accept: text/csv`)."""
    asked = queries.Asked(path, audience, body, territory)
    return await at.page(
        queries.progress_by, network, By.REGIONS, asked, after=after, limit=limit, out=RegionProgressOut.of_group
    )


# --- mailed links ---------------------------------------------------------------------------------------------------


@routes.get("/enrolments/link", response_class=Response, responses=HTML)
async def show_link(token: Token, at: Anyone) -> Response:
    """A page with the path's units, each with a button. Opening it does nothing."""
    at.identity = None

    async def opened() -> Response:
        return await page_of(at, await subject_of(token, at), token)

    return await answered(at, opened, partial(failed, at.language), html=not wants_json(at))


@routes.post("/enrolments/link", response_model=EnrolmentInFullOut)
async def use_link(
    token: Token, unit: Annotated[UUID, Form(description="The unit that is done")], at: Anyone
) -> Response:
    """The person of the link has done a unit. A browser gets the page again."""
    at.identity = None

    async def used() -> Response:
        subject = await subject_of(token, at)
        done = await at.command(
            commands.mark_done_by_link, subject, unit, out=lambda named: EnrolmentInFullOut.of(named, at)
        )
        return await page_of(at, subject, token) if wants_html(at) else done

    return await answered(at, used, partial(failed, at.language), html=wants_html(at))


@routes.post("/enrolments/link/leave", response_model=EnrolmentInFullOut)
async def leave_by_link(token: Token, at: Anyone) -> Response:
    """The person of the link leaves a path that they chose, or to which they were invited. A browser gets the page
    again."""
    at.identity = None

    async def left() -> Response:
        subject = await subject_of(token, at)
        done = await at.command(commands.withdraw_by_link, subject, out=lambda named: EnrolmentInFullOut.of(named, at))
        return await page_of(at, subject, token) if wants_html(at) else done

    return await answered(at, left, partial(failed, at.language), html=wants_html(at))


async def subject_of(token: str, at: Edge) -> UUID:
    return (await links.verify(token, "learning", PURPOSE, keys=at.context.link_keys)).subject


async def page_of(at: Edge, enrolment_id: UUID, token: str) -> Response:
    return pages.learn(at.language, await at.query(queries.opened_by_link, enrolment_id), token)


# --- one's own ------------------------------------------------------------------------------------------------------


@routes.get("/enrolments/{enrolment_id}", response_model=EnrolmentInFullOut)
async def enrolment(enrolment_id: UUID, at: At) -> Response:
    """An enrolment, one's own or (the secretariat) anybody's."""
    return await at.read(queries.get, enrolment_id, out=lambda named: EnrolmentInFullOut.of(named, at))


@routes.post("/enrolments/{enrolment_id}/units/{unit_id}/done", response_model=EnrolmentInFullOut)
async def done(enrolment_id: UUID, unit_id: UUID, at: At) -> Response:
    """I have done this unit. The last one completes the path; a unit done before changes nothing."""
    return await at.command(
        commands.mark_done, enrolment_id, unit_id, out=lambda named: EnrolmentInFullOut.of(named, at)
    )


@routes.post("/enrolments/{enrolment_id}/withdraw", response_model=EnrolmentInFullOut, openapi_extra=GUARDED)
async def withdraw(enrolment_id: UUID, at: At) -> Response:
    """I leave a path in which I enrolled myself, or to which I was invited; or the secretariat takes somebody off it.
    What was done stays done, should they come back. Needs If-Match."""
    return await at.command(
        commands.withdraw,
        enrolment_id,
        expected=at.if_match(),
        out=lambda named: EnrolmentInFullOut.of(named, at),
    )


problems = {
    UnknownEnrolment: not_found,
    UnknownUnit: problem(
        "unit-unknown",
        404,
        it="Tappa sconosciuta\nIl percorso non ha questa tappa, o non l'ha più.",
        en="Unknown unit\nThe path has no such unit, or has it no longer.",
    ),
    NotOpen: problem(
        "path-not-open",
        403,
        it="Iscrizione non libera\nA questo percorso non ci si iscrive da sé (modo: {enrolment}): chiedere alla "
        "segreteria della rete.",
        en="Enrolment is not open\nOne does not enrol oneself in this path (way: {enrolment}): ask the secretariat of "
        "the network.",
    ),
    NotOfTheNetwork: NOT_OF_THE_NETWORK,
    NotTheirOwn: problem(
        "enrolment-not-own",
        403,
        it="Non è la propria iscrizione\nNessuno impara al posto di un altro: le tappe le segna chi le ha fatte.",
        en="Not one's own enrolment\nNobody learns on somebody else's behalf: units are marked by whoever has done "
        "them.",
    ),
    NotByHand: problem(
        "unit-not-by-hand",
        409,
        it="Questa tappa non si segna da sé\nUn quiz si supera e a una riunione si partecipa (tipo: {kind}): quando "
        "succede, la tappa risulta fatta.",
        en="This unit is not marked by hand\nA quiz is passed and a meeting attended (kind: {kind}): when that "
        "happens, the unit is done.",
    ),
    NotToLeave: problem(
        "enrolment-not-to-leave",
        409,
        it="Non ci si può ritirare\nCi si ritira da un percorso in corso a cui ci si è iscritti da sé o su invito "
        "(stato: {state}, modo: {how}).",
        en="One cannot leave\nOne leaves an active path in which one enrolled oneself or to which one was invited "
        "(state: {state}, way: {how}).",
    ),
    SomeNotOfTheNetwork: _some_not_of_the_network,
    EnrolmentEnded: problem(
        "enrolment-ended",
        409,
        it="L'iscrizione è finita\nÈ finita il {ended_on}: le tappe non si segnano più.",
        en="The enrolment has ended\nIt ended on {ended_on}: units are marked no more.",
    ),
    CompletedAlready: problem(
        "enrolment-completed",
        409,
        it="Il percorso è già completato\nQuesta tappa è stata aggiunta dopo: non serve altro.",
        en="The path is completed already\nThis unit was added later: nothing is left to do.",
    ),
}
vocabularies = (
    vocabulary(
        "enrolment_states",
        "Stati dell'iscrizione",
        "States of an enrolment",
        [
            (State.ACTIVE, "In corso", "Active"),
            (State.COMPLETED, "Completata", "Completed"),
            (State.ENDED, "Finita con il mandato, o con il ritiro", "Ended with the mandate, or by leaving"),
        ],
    ),
)

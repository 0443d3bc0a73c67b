"""HTTP of practices, of their review and of their adoption."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Body, Depends, Query
from pydantic import AwareDatetime, BaseModel, StringConstraints
from starlette.responses import Response

from services.learning.practices import commands, queries
from services.learning.practices.commands import (
    AdoptBody,
    AdoptionChange,
    PracticeBody,
    PracticeChange,
    ReasonBody,
    RemarkBody,
    RulesBody,
)
from services.learning.practices.queries import Adopted, Experience, Filters, Shown, Sort
from services.learning.practices.rules import (
    THEMES,
    AdoptedAlready,
    AdoptionOver,
    AdoptionState,
    NotPossibleNow,
    OwnPractice,
    OwnText,
    Practice,
    Revision,
    Stage,
    StageAsks,
    State,
    TakenAlready,
    Text,
    Unfit,
    UnknownAdoption,
    UnknownPractice,
    Verdict,
    Visibility,
)
from shared.runtime.edge import Anyone, At, Edge
from shared.runtime.openapi import GUARDED
from shared.runtime.paging import After, Limit, PageOut
from shared.runtime.problems import not_found, problem
from shared.runtime.shapes import Ref
from shared.runtime.vocabularies import vocabulary

routes = APIRouter(tags=["practices"])

Themes = Annotated[
    list[Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=40)]], Query(max_length=20)
]
Places = Annotated[
    list[Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z]{2,4}$")]],
    Query(max_length=20, description="With what lies in them"),
]
Words = Annotated[str | None, Query(max_length=200, pattern=r"^[^\x00]*$", description="Words of its text, in Italian")]


class TrialOut(BaseModel):
    place: str
    result: str
    since: date | None


class EvidenceOut(BaseModel):
    title: str
    url: str


class TextOut(BaseModel):
    """All that is written, reviewed and published together."""

    title: str
    stage: Stage
    themes: list[str]
    territory: str | None
    problem: str
    done: str
    results: str
    needed: str
    contact: str
    trials: list[TrialOut]
    evidence: list[EvidenceOut]
    visibility: Visibility
    shared_with: list[UUID]

    @classmethod
    def of(cls, text: Text) -> TextOut:
        return cls(**text_fields(text))


def text_fields(text: Text) -> dict[str, Any]:
    return {
        **{name: getattr(text, name) for name in ("title", "stage", "territory", "problem", "done", "results")},
        **{name: getattr(text, name) for name in ("needed", "contact", "visibility")},
        "themes": list(text.themes),
        "shared_with": list(text.shared_with),
        "trials": [TrialOut(place=one.place, result=one.result, since=one.since) for one in text.trials],
        "evidence": [EvidenceOut(title=one.title, url=one.url) for one in text.evidence],
    }


class ExperienceRef(Ref):
    """`expired`: the map offers it no longer; what is written here may be old, too."""

    expired: bool


class PracticeOut(TextOut):
    """`proposed` is the next text of what is published, for those who write and review it. `page` is for everybody, of
    a public one. `shared_with` is shown to those of the network that has shared it."""

    id: UUID
    network: Ref
    organisation: Ref | None
    body: Ref | None
    author: Ref | None
    experience: ExperienceRef | None
    state: State
    revision: Revision | None
    proposed: TextOut | None
    edition: int
    adoptions: int
    submitted_at: datetime | None
    published_on: date | None
    updated_at: datetime
    page: str | None
    href: str
    version: int
    allowed_actions: list[str]

    @classmethod
    def shown(cls, shown: Shown) -> PracticeOut:
        one, inside = shown.practice, shown.inside
        text = text_fields(one.text)
        if not inside:
            text["shared_with"] = []
        author = one.written_by if inside else None
        return cls(
            **text,
            id=one.id,
            network=network_ref(one.network_id, shown.network),
            organisation=Ref.organisation(one.organisation_id, shown.organisation) if one.organisation_id else None,
            body=Ref.body(one.body_id, shown.body) if one.body_id else None,
            author=Ref.person(author, shown.author) if author else None,
            experience=experience_ref(shown.experience, shown.on),
            state=one.state,
            revision=one.revision if inside else None,
            proposed=TextOut.of(one.proposed) if inside and one.proposed else None,
            edition=one.edition,
            adoptions=one.adoptions,
            submitted_at=one.submitted_at if inside else None,
            published_on=one.published_on,
            updated_at=shown.updated_at,
            page=page_of(one),
            href=href(one.id),
            version=one.version,
            allowed_actions=list(shown.actions),
        )


def network_ref(id_: UUID, name: str) -> Ref:
    return Ref(id=id_, name=name, href=f"/registry/v1/networks/{id_}")


def experience_ref(known: Experience | None, on: date) -> ExperienceRef | None:
    if known is None:
        return None
    where = f"/mapping/v1/experiences/{known.id}"
    return ExperienceRef(id=known.id, name=known.title, href=where, expired=known.expired(on))


def href(id_: UUID) -> str:
    return f"/learning/v1/practices/{id_}"


def page_of(practice: Practice) -> str | None:
    public = practice.state is State.PUBLISHED and practice.visibility is Visibility.PUBLIC
    return f"/learning/practices/{practice.id}" if public else None


class PublicPracticeOut(BaseModel):
    """What everybody may know of a public practice: never who wrote it, nor who took it up."""

    id: UUID
    network: Ref
    organisation: Ref | None
    body: Ref | None
    title: str
    stage: Stage
    themes: list[str]
    territory: str | None
    problem: str
    done: str
    results: str
    needed: str
    contact: str
    trials: list[TrialOut]
    evidence: list[EvidenceOut]
    edition: int
    adoptions: int
    published_on: date | None
    page: str | None
    href: str

    @classmethod
    def of(cls, shown: Shown) -> PublicPracticeOut:
        one, text = shown.practice, text_fields(shown.practice.text)
        del text["visibility"], text["shared_with"]
        return cls(
            **text,
            id=one.id,
            network=network_ref(one.network_id, shown.network),
            organisation=Ref.organisation(one.organisation_id, shown.organisation) if one.organisation_id else None,
            body=Ref.body(one.body_id, shown.body) if one.body_id else None,
            edition=one.edition,
            adoptions=one.adoptions,
            published_on=one.published_on,
            page=page_of(one),
            href=f"/learning/v1/public-practices/{one.id}",
        )


class CandidateOut(BaseModel):
    """An experience of the map that nobody has written up; `experience_id` of a new practice."""

    id: UUID
    title: str
    organisation: Ref | None
    body: Ref | None
    territory: str | None
    themes: list[str]
    expires_on: date | None
    href: str

    @classmethod
    def of(cls, candidate: tuple[Experience, str | None, str | None]) -> CandidateOut:
        known, organisation, body = candidate
        return cls(
            id=known.id,
            title=known.title,
            organisation=Ref.organisation(known.organisation_id, organisation) if known.organisation_id else None,
            body=Ref.body(known.body_id, body) if known.body_id else None,
            territory=known.territory,
            themes=list(known.themes),
            expires_on=known.expires_on,
            href=f"/mapping/v1/experiences/{known.id}",
        )


class ReviewOut(BaseModel):
    """`edition`: that the text was to become, or is."""

    id: UUID
    verdict: Verdict
    text: str
    edition: int
    person: Ref | None
    at: datetime

    @classmethod
    def of(cls, said: queries.Said) -> ReviewOut:
        person = Ref.person(said.person_id, said.person) if said.person_id else None
        return cls(id=said.id, verdict=said.verdict, text=said.text, edition=said.edition, person=person, at=said.at)


class EditionOut(TextOut):
    number: int
    published_at: datetime

    @classmethod
    def numbered(cls, edition: queries.Edition) -> EditionOut:
        return cls(**text_fields(edition.text), number=edition.number, published_at=edition.published_at)


class RulesOut(BaseModel):
    tried_trials: int
    proven_trials: int
    proven_adoptions: int
    proven_evidence: int
    version: int

    @classmethod
    def of(cls, ruled: queries.Ruled) -> RulesOut:
        return cls(**vars(ruled.asks), version=ruled.version)


class AdoptionOut(BaseModel):
    """`organisation`, `body` and `note` are null to others than the network that adopts, unless it lets itself be
    named; the note is never shown to others."""

    id: UUID
    practice: Ref
    network: Ref | None
    organisation: Ref | None
    body: Ref | None
    territory: str | None
    since: date
    named: bool
    note: str | None
    state: AdoptionState
    ended_on: date | None
    href: str
    version: int
    allowed_actions: list[str]

    @classmethod
    def of(cls, shown: Adopted) -> AdoptionOut:
        one = shown.adoption
        named = shown.inside or one.named
        organisation, body = (one.organisation_id, one.body_id) if named else (None, None)
        return cls(
            id=one.id,
            practice=Ref(id=one.practice_id, name=shown.practice, href=href(one.practice_id)),
            network=network_ref(one.network_id, shown.network) if named else None,
            organisation=Ref.organisation(organisation, shown.organisation) if organisation else None,
            body=Ref.body(body, shown.body) if body else None,
            territory=one.territory,
            since=one.since,
            named=one.named,
            note=one.note if shown.inside else None,
            state=one.state,
            ended_on=one.ended_on,
            href=f"/learning/v1/adoptions/{one.id}",
            version=one.version,
            allowed_actions=list(shown.actions),
        )


class RegionCountOut(BaseModel):
    """`territory` is null where it is not known."""

    territory: str | None
    count: int


class AdoptionFiguresOut(BaseModel):
    active: int
    ended: int
    networks: int
    by_region: list[RegionCountOut]

    @classmethod
    def of(cls, figures: queries.Figures) -> AdoptionFiguresOut:
        by_region = [RegionCountOut(territory=region, count=count) for region, count in figures.by_region]
        return cls(active=figures.active, ended=figures.ended, networks=figures.networks, by_region=by_region)


def filters(
    theme: Themes = [],  # noqa: B006 (FastAPI copies it)
    territory: Places = [],  # noqa: B006
    stage: Annotated[list[Stage], Query()] = [],  # noqa: B006
    state: Annotated[list[State], Query()] = [],  # noqa: B006
    organisation: Annotated[list[UUID], Query(max_length=50)] = [],  # noqa: B006
    body: Annotated[list[UUID], Query(max_length=50)] = [],  # noqa: B006
    q: Words = None,
    updated_since: AwareDatetime | None = None,
) -> Filters:
    return Filters(theme, territory, stage, state, organisation, body, q, updated_since)


def public_filters(
    theme: Themes = [],  # noqa: B006
    territory: Places = [],  # noqa: B006
    stage: Annotated[list[Stage], Query()] = [],  # noqa: B006
    q: Words = None,
) -> Filters:
    return Filters(theme, territory, stage, q=q)


async def _command(at: Edge, fn: Any, *args: Any, **more: Any) -> Response:
    """With the practice and the names of what it refers to, read in the same transaction."""

    async def act(session: Any, actor: Any, *given: Any, now: datetime, **kw: Any) -> Shown:
        return await queries.shown(session, actor, await fn(session, actor, *given, now=now, **kw), now)

    return await at.command(act, *args, out=PracticeOut.shown, **more)


async def _adoption(at: Edge, fn: Any, *args: Any, **more: Any) -> Response:
    async def act(session: Any, actor: Any, *given: Any, now: datetime, **kw: Any) -> Adopted:
        return await queries.adoption_shown(session, actor, await fn(session, actor, *given, now=now, **kw), now)

    return await at.command(act, *args, out=AdoptionOut.of, **more)


@routes.post("/networks/{network}/practices", status_code=201, response_model=PracticeOut)
async def write(network: str, body: PracticeBody, at: At) -> Response:
    """Begins a draft; from an experience of the map, once, with what that says of itself."""
    return await _command(at, commands.create, network, body, location=lambda shown: href(shown.practice.id))


@routes.get("/networks/{network}/practices", response_model=PageOut[PracticeOut])
async def practices(
    network: str,
    at: At,
    asked: Annotated[Filters, Depends(filters)],
    shared: Annotated[bool, Query(description="Those that other networks show to this one")] = False,
    sort: Sort = "-updated",
    after: After = None,
    limit: Limit = 50,
) -> Response:
    """The register of a network: what is published, and what the caller writes or reviews."""
    return await at.page(
        queries.listed,
        network,
        asked,
        shared=shared,
        sort=sort,
        after=after,
        limit=limit,
        out=PracticeOut.shown,
        model=PracticeOut,
    )


@routes.get("/networks/{network}/practice-candidates", response_model=PageOut[CandidateOut])
async def candidates(network: str, at: At, after: After = None, limit: Limit = 50) -> Response:
    """Validated experiences of the map from which no practice was written yet."""
    return await at.page(queries.candidates, network, after=after, limit=limit, out=CandidateOut.of, model=CandidateOut)


@routes.get("/networks/{network}/practice-rules", response_model=RulesOut)
async def stage_rules(network: str, at: At) -> Response:
    """What each stage asks for in the network."""
    return await at.read(queries.rules_of, network, out=RulesOut.of)


@routes.put("/networks/{network}/practice-rules", response_model=RulesOut)
async def set_stage_rules(network: str, body: RulesBody, at: At) -> Response:
    """What each stage asks for from now on. Needs If-Match ("0" the first time)."""
    return await at.command(commands.set_rules, network, body, expected=at.if_match(), out=RulesOut.of)


@routes.get("/public-practices", response_model=PageOut[PublicPracticeOut])
async def public_practices(
    at: Anyone,
    asked: Annotated[Filters, Depends(public_filters)],
    network: Annotated[str | None, Query(max_length=63, description="Slug or id")] = None,
    after: After = None,
    limit: Limit = 50,
) -> Response:
    """For everybody: the public practices, the newest first."""
    at.identity = None  # nobody sees more here than anybody
    return await at.page(
        queries.public_listed,
        asked,
        network=network,
        after=after,
        limit=limit,
        out=PublicPracticeOut.of,
        model=PublicPracticeOut,
    )


@routes.get("/public-practices/{practice_id}", response_model=PublicPracticeOut)
async def public_practice(practice_id: UUID, at: Anyone) -> Response:
    """For everybody: a public practice."""
    at.identity = None
    return await at.read(queries.public, practice_id, out=lambda found: PublicPracticeOut.of(found[0]))


@routes.get("/practices/{practice_id}", response_model=PracticeOut)
async def practice(practice_id: UUID, at: At) -> Response:
    """A practice."""
    return await at.read(queries.get, practice_id, out=PracticeOut.shown)


@routes.patch("/practices/{practice_id}", response_model=PracticeOut)
async def change(practice_id: UUID, body: PracticeChange, at: At) -> Response:
    """Changes what is given; of a published one a further text is begun, which is reviewed again. Needs If-Match."""
    return await _command(at, commands.change, practice_id, body, expected=at.if_match())


@routes.delete("/practices/{practice_id}", status_code=204)
async def delete(practice_id: UUID, at: At) -> Response:
    """Throws away a draft that was never submitted. Needs If-Match."""
    return await at.command(commands.delete, practice_id, expected=at.if_match(), out=lambda _: None)


@routes.post("/practices/{practice_id}/submit", response_model=PracticeOut, openapi_extra=GUARDED)
async def submit(practice_id: UUID, at: At) -> Response:
    """For review, when the text has what its stage asks for. Needs If-Match."""
    return await _command(at, commands.submit, practice_id, expected=at.if_match())


@routes.post("/practices/{practice_id}/take-back", response_model=PracticeOut, openapi_extra=GUARDED)
async def take_back(practice_id: UUID, at: At) -> Response:
    """Out of review: its author goes on writing. Needs If-Match."""
    return await _command(at, commands.take_back, practice_id, expected=at.if_match())


@routes.post("/practices/{practice_id}/comments", response_model=PracticeOut)
async def comment(practice_id: UUID, body: ReasonBody, at: At) -> Response:
    """Says something about the text under review."""
    return await _command(at, commands.comment, practice_id, body)


@routes.post("/practices/{practice_id}/return", response_model=PracticeOut, openapi_extra=GUARDED)
async def return_(practice_id: UUID, body: ReasonBody, at: At) -> Response:
    """Back to its author, with what is asked of them. Needs If-Match."""
    return await _command(at, commands.return_, practice_id, body, expected=at.if_match())


@routes.post("/practices/{practice_id}/approve", response_model=PracticeOut, openapi_extra=GUARDED)
async def approve(practice_id: UUID, body: Annotated[RemarkBody, Body(default_factory=RemarkBody)], at: At) -> Response:
    """Publishes the text: by the secretariat or who coordinates its territory or body, never by who wrote it. Needs
    If-Match."""
    return await _command(at, commands.approve, practice_id, body, expected=at.if_match())


@routes.post("/practices/{practice_id}/withdraw", response_model=PracticeOut, openapi_extra=GUARDED)
async def withdraw(practice_id: UUID, body: ReasonBody, at: At) -> Response:
    """Nobody takes it up any more; its network can still read it. Needs If-Match."""
    return await _command(at, commands.withdraw, practice_id, body, expected=at.if_match())


@routes.get("/practices/{practice_id}/reviews", response_model=PageOut[ReviewOut])
async def reviews(practice_id: UUID, at: At, after: After = None, limit: Limit = 50) -> Response:
    """What was said about it, for those who write and review it."""
    return await at.page(queries.reviewed, practice_id, after=after, limit=limit, out=ReviewOut.of, model=ReviewOut)


@routes.get("/practices/{practice_id}/versions", response_model=PageOut[EditionOut])
async def versions(practice_id: UUID, at: At, after: After = None, limit: Limit = 50) -> Response:
    """The texts that were published, as they were."""
    return await at.page(
        queries.editions, practice_id, after=after, limit=limit, out=EditionOut.numbered, model=EditionOut
    )


@routes.get("/practices/{practice_id}/versions/{number}", response_model=EditionOut)
async def version(practice_id: UUID, number: int, at: At) -> Response:
    """One of them."""
    return await at.read(queries.edition, practice_id, min(max(number, 0), 1_000_000), out=EditionOut.numbered)


@routes.post("/practices/{practice_id}/adoptions", status_code=201, response_model=AdoptionOut)
async def adopt(practice_id: UUID, body: AdoptBody, at: At) -> Response:
    """An organisation or a body takes it up: said by its network's secretariat, or by who coordinates the body."""
    return await _adoption(
        at, commands.adopt, practice_id, body, location=lambda one: f"/learning/v1/adoptions/{one.adoption.id}"
    )


@routes.get("/practices/{practice_id}/adoptions", response_model=PageOut[AdoptionOut])
async def adoptions_of(practice_id: UUID, at: At, after: After = None, limit: Limit = 50) -> Response:
    """Who took it up, of those who let themselves be named; and the caller's own."""
    return await at.page(
        queries.adoptions_of, practice_id, after=after, limit=limit, out=AdoptionOut.of, model=AdoptionOut
    )


@routes.get("/practices/{practice_id}/adoptions/figures", response_model=AdoptionFiguresOut)
async def adoption_figures(practice_id: UUID, at: At) -> Response:
    """How many took it up, and in which regions."""
    return await at.read(queries.figures, practice_id, out=AdoptionFiguresOut.of)


@routes.get("/networks/{network}/adoptions", response_model=PageOut[AdoptionOut])
async def adoptions(
    network: str,
    at: At,
    state: Annotated[list[AdoptionState], Query()] = [],  # noqa: B006
    territory: Places = [],  # noqa: B006
    organisation: Annotated[list[UUID], Query(max_length=50)] = [],  # noqa: B006
    body: Annotated[list[UUID], Query(max_length=50)] = [],  # noqa: B006
    updated_since: AwareDatetime | None = None,
    after: After = None,
    limit: Limit = 50,
) -> Response:
    """What the organisations and bodies of a network have taken up, its own and others'."""
    return await at.page(
        queries.adopted_by,
        network,
        state=state,
        territory=territory,
        organisation=organisation,
        body=body,
        updated_since=updated_since,
        after=after,
        limit=limit,
        out=AdoptionOut.of,
        model=AdoptionOut,
    )


@routes.get("/adoptions/{adoption_id}", response_model=AdoptionOut)
async def adoption(adoption_id: UUID, at: At) -> Response:
    """An adoption."""
    return await at.read(queries.adoption, adoption_id, out=AdoptionOut.of)


@routes.patch("/adoptions/{adoption_id}", response_model=AdoptionOut)
async def change_adoption(adoption_id: UUID, body: AdoptionChange, at: At) -> Response:
    """Whether the name may be shown, and the note. Needs If-Match."""
    return await _adoption(at, commands.change_adoption, adoption_id, body, expected=at.if_match())


@routes.post("/adoptions/{adoption_id}/end", response_model=AdoptionOut, openapi_extra=GUARDED)
async def end(adoption_id: UUID, at: At) -> Response:
    """It is no longer done. Needs If-Match."""
    return await _adoption(at, commands.end, adoption_id, expected=at.if_match())


def _unfit(type_: str, it: str, en: str) -> Any:
    return problem(type_, 422, it=it, en=en)


problems = {
    UnknownPractice: not_found,
    UnknownAdoption: not_found,
    StageAsks: _unfit(
        "practice-stage-asks",
        "Lo stadio chiede di più\nPer lo stadio {stage} manca ciò che dice `errors`.",
        "The stage asks for more\nFor the stage {stage}, what `errors` says is missing.",
    ),
    Unfit: _unfit(
        "practice-unfit",
        "Pratica incoerente\nUn valore non va d'accordo con gli altri: `errors` dice quale e che cosa si accetta.",
        "Practice that does not hold together\nA value does not go with the others: `errors` says which, and what is "
        "accepted.",
    ),
    NotPossibleNow: problem(
        "practice-not-possible-now",
        409,
        it="Ora non è possibile\nCon una pratica nello stato {state} non si può fare {action}.",
        en="Not possible now\nWith a practice that is {state}, {action} cannot be done.",
    ),
    OwnText: problem(
        "practice-own-text",
        403,
        it="Non la propria\nChi ha scritto un testo non lo approva: tocca a un'altra persona della segreteria o del "
        "coordinamento.",
        en="Not one's own\nWhoever wrote a text does not approve it: another person of the secretariat or the "
        "coordination does.",
    ),
    TakenAlready: problem(
        "practice-experience-taken",
        409,
        it="Esperienza già raccontata\nDa questa esperienza è già nata una pratica.",
        en="Experience written up already\nA practice was written from this experience before.",
    ),
    "practices_experience": problem(
        "practice-experience-taken",
        409,
        it="Esperienza già raccontata\nDa questa esperienza è già nata una pratica.",
        en="Experience written up already\nA practice was written from this experience before.",
        path="/experience_id",
    ),
    OwnPractice: problem(
        "practice-own",
        409,
        it="È già la sua\nChi ha dato la pratica non la adotta: la fa.",
        en="It is theirs already\nThose whose practice it is do not adopt it: they do it.",
    ),
    AdoptedAlready: problem(
        "practice-adopted",
        409,
        it="Già adottata\nQuesto ente, o questo organo, la fa già.",
        en="Adopted already\nThis organisation, or this body, does it already.",
    ),
    AdoptionOver: problem(
        "adoption-over",
        409,
        it="Adozione già conclusa\nNon si può concludere di nuovo.",
        en="The adoption has ended\nIt cannot be ended again.",
    ),
}
vocabularies = (
    vocabulary("practice_themes", "Temi delle pratiche", "Themes of practices", THEMES),
    vocabulary(
        "practice_stages",
        "Stadi di una pratica",
        "Stages of a practice",
        [
            (Stage.IDEA, "Idea", "Idea"),
            (Stage.TRIED, "Sperimentata", "Tried"),
            (Stage.PROVEN, "Consolidata", "Proven"),
        ],
    ),
    vocabulary(
        "practice_states",
        "Stati di una pratica",
        "States of a practice",
        [
            (State.DRAFT, "Bozza", "Draft"),
            (State.IN_REVIEW, "In revisione", "In review"),
            (State.PUBLISHED, "Pubblicata", "Published"),
            (State.WITHDRAWN, "Ritirata", "Withdrawn"),
        ],
    ),
    vocabulary(
        "practice_visibilities",
        "Chi vede una pratica",
        "Who sees a practice",
        [
            (Visibility.NETWORK, "La rete", "The network"),
            (Visibility.NETWORKS, "Altre reti, scelte", "Other networks, chosen"),
            (Visibility.PUBLIC, "Tutti", "Everybody"),
        ],
    ),
    vocabulary(
        "practice_verdicts",
        "Che cosa si è detto di una pratica",
        "What was said of a practice",
        [
            (Verdict.SUBMITTED, "Proposta", "Submitted"),
            (Verdict.TAKEN_BACK, "Ripresa da chi scrive", "Taken back"),
            (Verdict.COMMENT, "Commento", "Comment"),
            (Verdict.RETURNED, "Restituita con richieste", "Returned"),
            (Verdict.APPROVED, "Approvata", "Approved"),
            (Verdict.WITHDRAWN, "Ritirata", "Withdrawn"),
        ],
    ),
    vocabulary(
        "adoption_states",
        "Stati di un'adozione",
        "States of an adoption",
        [
            (AdoptionState.ACTIVE, "In corso", "Active"),
            (AdoptionState.ENDED, "Conclusa", "Ended"),
        ],
    ),
)

"""HTTP of contributions: collections, what is written in them, how it counts, and its synthesis."""

from __future__ import annotations

import asyncio
from datetime import date, datetime
from functools import partial
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Path, Query
from pydantic import AwareDatetime, BaseModel
from starlette.responses import Response

from services.events.contributions import commands, document, pages, queries
from services.events.contributions.commands import (
    AudienceBody,
    Changing,
    Drafting,
    Issuing,
    Kind,
    Opening,
    Resynthesising,
    Rewriting,
    Synthesising,
    Tagging,
    Territory,
    Writing,
)
from services.events.contributions.queries import Cell, Filter, Issued, Recipient, Sheet, Shown, Written
from services.events.contributions.rules import (
    By,
    HasSynthesis,
    InvalidCollection,
    ManyMandates,
    NobodyToSendTo,
    NotEntitled,
    NothingToIssue,
    NotPossibleNow,
    NotTheirs,
    Reach,
    State,
    Tag,
    Theme,
    UnknownCollection,
    UnknownContribution,
    UnknownSynthesis,
    UnknownTheme,
    differences,
)
from services.events.policy import Right, policy
from shared import territories, typesetting
from shared.access import links
from shared.access.actor import day
from shared.access.roles import Role
from shared.runtime.browsers import HTML, Token, answered, as_json, wants_json
from shared.runtime.edge import Anyone, At, Edge
from shared.runtime.openapi import GUARDED
from shared.runtime.paging import After, Limit, PageOut
from shared.runtime.problems import Problem, not_found, problem
from shared.runtime.shapes import Ref
from shared.runtime.vocabularies import vocabulary

routes = APIRouter(tags=["contributions"])

Q = Annotated[
    str | None, Query(min_length=1, max_length=200, description="Words, in Italian: `strumento` finds them all")
]
Number = Annotated[int, Path(ge=1, le=1_000_000)]
AnyTag = Literal["strength", "weakness", "development", "untagged"]
PDF: dict[int | str, dict[str, Any]] = {200: {"content": {"application/pdf": {}}}}
LINKED_PDF: dict[int | str, dict[str, Any]] = {
    **PDF,
    "default": {"description": "A problem; in a browser, a page", "content": {"text/html": {}}},
}


class ThemeOut(BaseModel):
    code: str
    it: str
    en: str

    @classmethod
    def of(cls, theme: Theme) -> ThemeOut:
        return cls(code=theme.code, it=theme.it, en=theme.en)


class CollectionOut(BaseModel):
    """`contributions` of how many `contributors` for how many `organisations` so far. `open`: contributions are taken
    at this moment."""

    id: UUID
    network_id: UUID
    series: Ref | None
    body: Ref | None
    title: str
    question: str
    themes: list[ThemeOut]
    state: State
    open: bool
    closes_at: datetime | None
    opened_at: datetime | None
    closed_at: datetime | None
    contributions: int
    contributors: int
    organisations: int
    synthesis_id: UUID | None
    href: str
    version: int
    allowed_actions: list[str]

    @classmethod
    def of(cls, shown: Shown, at: Edge) -> CollectionOut:
        one, body = shown.collection, shown.body
        may = {action for action, right in NEEDS.items() if policy.has(at.actor, right, on=at.now, **shown.place)}
        return cls(
            id=one.id,
            network_id=one.network_id,
            series=Ref(id=shown.series[0], name=shown.series[1], href=f"/events/v1/series/{shown.series[0]}")
            if shown.series
            else None,
            body=Ref.body(body.id, body.title) if body else None,
            title=one.title,
            question=one.question,
            themes=[ThemeOut.of(theme) for theme in shown.themes],
            state=one.state,
            open=one.takes(at.now),
            closes_at=one.closes_at,
            opened_at=one.opened_at,
            closed_at=one.closed_at,
            contributions=shown.contributions,
            contributors=shown.contributors,
            organisations=shown.organisations,
            synthesis_id=shown.synthesis_id,
            href=f"/events/v1/collections/{one.id}",
            version=one.version,
            allowed_actions=[action for action in one.actions(at.now) if action in may],
        )


NEEDS = {
    "change": Right.COLLECT_CONTRIBUTIONS,
    "open": Right.COLLECT_CONTRIBUTIONS,
    "close": Right.COLLECT_CONTRIBUTIONS,
    "enter": Right.ENTER_CONTRIBUTIONS,
    "tag": Right.TAG_CONTRIBUTIONS,
    "synthesise": Right.WRITE_SYNTHESES,
}


def _collection(at: Edge) -> Any:
    return lambda shown: CollectionOut.of(shown, at)


@routes.post("/networks/{network}/collections", status_code=201, response_model=CollectionOut)
async def draft(network: str, body: Drafting, at: At) -> Response:
    """A collection of contributions, as a draft: of a series, a body, or the whole network, with themes of its own."""
    return await at.command(
        commands.draft,
        network,
        body,
        out=_collection(at),
        location=lambda shown: f"/events/v1/collections/{shown.collection.id}",
    )


@routes.get("/networks/{network}/collections", response_model=PageOut[CollectionOut])
async def collections(
    network: str,
    at: At,
    body: Annotated[list[UUID], Query()] = [],  # noqa: B006 (FastAPI copies it)
    series: Annotated[list[UUID], Query()] = [],  # noqa: B006
    state: Annotated[list[State], Query()] = [],  # noqa: B006
    q: Annotated[str | None, Query(max_length=200, description="Part of the title")] = None,
    updated_since: AwareDatetime | None = None,
    after: After = None,
    limit: Limit = 50,
) -> Response:
    """The collections of a network."""
    return await at.page(
        queries.listed,
        network,
        body=body,
        series=series,
        state=state,
        q=q,
        updated_since=updated_since,
        after=after,
        limit=limit,
        out=_collection(at),
        model=CollectionOut,
    )


@routes.get("/collections/{collection_id}", response_model=CollectionOut)
async def collection(collection_id: UUID, at: At) -> Response:
    """A collection with its themes."""
    return await at.read(queries.get, collection_id, out=_collection(at))


@routes.patch("/collections/{collection_id}", response_model=CollectionOut, openapi_extra=GUARDED)
async def change(collection_id: UUID, body: Changing, at: At) -> Response:
    """Changes what is given; themes while it is a draft. Needs If-Match."""
    return await at.command(commands.change, collection_id, body, expected=at.if_match(), out=_collection(at))


@routes.post("/collections/{collection_id}/open", response_model=CollectionOut, openapi_extra=GUARDED)
async def open_(collection_id: UUID, at: At, body: Opening = Opening()) -> Response:  # noqa: B008 (it is frozen)
    """Contributions are taken from now on, until `closes_at` or until it is closed; a closed one may be opened again.
    Needs If-Match."""
    return await at.command(commands.open_, collection_id, body, expected=at.if_match(), out=_collection(at))


@routes.post("/collections/{collection_id}/close", response_model=CollectionOut, openapi_extra=GUARDED)
async def close(collection_id: UUID, at: At) -> Response:
    """Nothing is written or changed any more. Needs If-Match."""
    return await at.command(commands.close, collection_id, expected=at.if_match(), out=_collection(at))


# --- contributions --------------------------------------------------------------------------------------------------


class ContributionOut(BaseModel):
    """`organisation` and `territory` are those of the mandate by which the `person` speaks; a person whom the registry
    has erased is null. `entered_by` is who entered it, when it was not the person. `changed_since_tagged`: whoever
    tagged it read another text."""

    id: UUID
    collection_id: UUID
    theme: ThemeOut
    text: str
    person: Ref | None
    organisation: Ref | None
    kind: str | None
    sections: list[str]
    territory: str | None
    region: str | None
    entered_by: Ref | None
    written_at: datetime | None
    tags: list[Tag]
    tagged_at: datetime | None
    changed_since_tagged: bool
    href: str
    version: int
    allowed_actions: list[str]

    @classmethod
    def of(cls, written: Written, at: Edge) -> ContributionOut:
        one = written.contribution
        enters = policy.has(at.actor, Right.ENTER_CONTRIBUTIONS, on=at.now, **written.place)
        may = written.collection.takes(at.now) and one.may_be_changed_by(at.actor.person_id, enters=enters)
        return cls(
            id=one.id,
            collection_id=one.collection_id,
            theme=ThemeOut.of(written.theme),
            text=one.text,
            person=_person(one.person_id, written.person),
            organisation=Ref.organisation(one.organisation_id, written.organisation) if one.organisation_id else None,
            kind=written.kind or None,
            sections=list(written.sections),
            territory=one.territory,
            region=one.region,
            entered_by=_person(one.entered_by, written.entered_by),
            written_at=one.written_at,
            tags=[Tag(tag) for tag in one.tags],
            tagged_at=one.tagged_at,
            changed_since_tagged=one.changed_since_tagged,
            href=f"/events/v1/contributions/{one.id}",
            version=one.version,
            allowed_actions=["change", "take_back"] if may else [],
        )


def _person(id_: UUID | None, name: str | None) -> Ref | None:
    return Ref.person(id_, name) if id_ else None


@routes.post("/collections/{collection_id}/contributions", status_code=201, response_model=ContributionOut)
async def contribute(collection_id: UUID, body: Writing, at: At) -> Response:
    """Writes what the caller thinks about a theme; with `person_id`, what somebody said to the coordination."""
    return await at.command(
        commands.contribute,
        collection_id,
        body,
        out=lambda written: ContributionOut.of(written, at),
        location=lambda written: f"/events/v1/contributions/{written.contribution.id}",
    )


@routes.get("/collections/{collection_id}/contributions", response_model=PageOut[ContributionOut])
async def contributions(
    collection_id: UUID,
    at: At,
    theme: Annotated[list[str], Query(max_length=50)] = [],  # noqa: B006 (FastAPI copies it)
    tag: Annotated[list[AnyTag], Query()] = [],  # noqa: B006
    kind: Annotated[list[str], Query(description="Of the organisation", max_length=50)] = [],  # noqa: B006
    section: Annotated[list[str], Query(description="Of the RUNTS", max_length=50)] = [],  # noqa: B006
    territory: Annotated[list[Territory], Query(description="A code, with what lies in it", max_length=50)] = [],  # noqa: B006
    organisation: Annotated[list[UUID], Query()] = [],  # noqa: B006
    person: Annotated[list[UUID], Query()] = [],  # noqa: B006
    q: Q = None,
    updated_since: AwareDatetime | None = None,
    after: After = None,
    limit: Limit = 50,
) -> Response:
    """What was contributed, in the order in which it came: everything for the coordination, their own for others. `q`
    searches the texts as Italian is written, accents or not."""
    asked = Filter(theme, tag, kind, section, territory, organisation, person, q, updated_since)
    return await at.page(
        queries.contributed,
        collection_id,
        asked,
        after=after,
        limit=limit,
        out=lambda written: ContributionOut.of(written, at),
        model=ContributionOut,
    )


@routes.get("/contributions/{contribution_id}", response_model=ContributionOut)
async def contribution(contribution_id: UUID, at: At) -> Response:
    """A contribution: for its author and the coordination."""
    return await at.read(queries.contribution, contribution_id, out=lambda written: ContributionOut.of(written, at))


@routes.patch("/contributions/{contribution_id}", response_model=ContributionOut, openapi_extra=GUARDED)
async def rewrite_contribution(contribution_id: UUID, body: Rewriting, at: At) -> Response:
    """Changes one's own contribution, or one that the coordination entered, while the collection is open. Needs
    If-Match."""
    return await at.command(
        commands.change_contribution,
        contribution_id,
        body,
        expected=at.if_match(),
        out=lambda written: ContributionOut.of(written, at),
    )


@routes.delete("/contributions/{contribution_id}", status_code=204, openapi_extra=GUARDED)
async def take_back(contribution_id: UUID, at: At) -> Response:
    """Takes it back while the collection is open: nothing of it remains. Needs If-Match."""
    return await at.command(commands.take_back, contribution_id, expected=at.if_match())


@routes.post("/collections/{collection_id}/tags", response_model=CollectionOut)
async def tag(collection_id: UUID, body: Tagging, at: At) -> Response:
    """Gives up to 1,000 contributions their tags, at once: each has those that are named, and no others."""
    return await at.command(commands.tag, collection_id, body, out=_collection(at))


class CountOut(BaseModel):
    """A theme, and with `by` one group of those who contributed: how many contributions, and with which tags. One may
    have several, so that tags do not add up to `contributions`."""

    theme: ThemeOut
    group: str | None
    group_name: str | None
    contributions: int
    strength: int
    weakness: int
    development: int
    untagged: int

    @classmethod
    def of(cls, cell: Cell) -> CountOut:
        region = territories.load().region(cell.group) if cell.group else None
        return cls(
            theme=ThemeOut.of(cell.theme),
            group=cell.group,
            group_name=region.name if region else cell.group,
            contributions=cell.contributions,
            **cell.tags,
        )


@routes.get("/collections/{collection_id}/counts", response_model=PageOut[CountOut])
async def counts(
    collection_id: UUID,
    at: At,
    by: Annotated[
        By | None, Query(description="Parted by kind or section of the organisation, or by region; empty: not known")
    ] = None,
    after: After = None,
    limit: Limit = 50,
) -> Response:
    """Theme by tag, zeroes included."""
    return await at.page(
        queries.counted, collection_id, by=by, after=after, limit=limit, out=CountOut.of, model=CountOut
    )


# --- the synthesis --------------------------------------------------------------------------------------------------


class SynthesisOut(BaseModel):
    """`text` is the draft, for those who write it; for others the last issued one. `number`: of the last issued
    version; 0, and none was. `draft`: the text is not what was issued."""

    id: UUID
    network_id: UUID
    collection: Ref
    title: str
    text: str
    number: int
    draft: bool
    issued_at: datetime | None
    href: str
    version: int
    allowed_actions: list[str]

    @classmethod
    def of(cls, sheet: Sheet, at: Edge) -> SynthesisOut:
        one, issued, place = sheet.synthesis, sheet.issued, sheet.collection.place
        drafts = queries.drafts(at.actor, sheet, at.now)
        shown = one if drafts else issued
        may = [
            action
            for action, right in (("rewrite", Right.WRITE_SYNTHESES), ("issue", Right.ISSUE_SYNTHESES))
            if policy.has(at.actor, right, on=at.now, **place)
        ]
        of = sheet.collection.collection
        return cls(
            id=one.id,
            network_id=one.network_id,
            collection=Ref(id=of.id, name=of.title, href=f"/events/v1/collections/{of.id}"),
            title=shown.title,
            text=shown.text,
            number=one.number,
            draft=issued is None or (shown.title, shown.text) != (issued.title, issued.text),
            issued_at=issued.issued_at if issued is not None else None,
            href=f"/events/v1/syntheses/{one.id}",
            version=one.version,
            allowed_actions=may,
        )


class AudienceOut(BaseModel):
    roles: list[str]
    reaches: list[str]
    bodies: list[UUID]
    territories: list[str]
    kinds: list[str]


class CountedOut(BaseModel):
    theme: ThemeOut
    contributions: int
    strength: int
    weakness: int
    development: int
    untagged: int


class VersionOut(BaseModel):
    """An issued version never changes: its text, the counts of that moment, and by which rule it was sent to how many
    `recipients`."""

    synthesis_id: UUID
    number: int
    title: str
    text: str
    contributions: int
    counts: list[CountedOut]
    audience: AudienceOut
    recipients: int
    issued_at: datetime
    href: str

    @classmethod
    def of(cls, issued: Issued) -> VersionOut:
        row = issued.row
        return cls(
            synthesis_id=row.synthesis_id,
            number=row.number,
            title=row.title,
            text=row.text,
            contributions=row.contributions,
            counts=row.counts,
            audience=row.audience,
            recipients=row.recipients,
            issued_at=row.issued_at,
            href=_version(issued),
        )


def _version(issued: Issued) -> str:
    return f"/events/v1/syntheses/{issued.row.synthesis_id}/versions/{issued.row.number}"


@routes.post("/collections/{collection_id}/synthesis", status_code=201, response_model=SynthesisOut)
async def begin(collection_id: UUID, body: Synthesising, at: At) -> Response:
    """Begins the synthesis of a collection, as a draft."""
    return await at.command(
        commands.begin,
        collection_id,
        body,
        out=lambda sheet: SynthesisOut.of(sheet, at),
        location=lambda sheet: f"/events/v1/syntheses/{sheet.synthesis.id}",
    )


PURPOSE = "synthesis"
OneOf = Annotated[int | None, Query(ge=1, le=1_000_000, description="A version; the last one if not said")]


@routes.get("/syntheses/link", response_model=VersionOut, responses=HTML)
async def show_link(token: Token, at: Anyone, number: OneOf = None) -> Response:
    """The synthesis that a mailed link leads to. A page; with `Accept: application/json` the same for programs."""
    at.identity = None  # the link says who it is

    async def shown() -> Response:
        link = await links.verify(token, "events", PURPOSE, keys=at.context.link_keys)
        issued = await at.query(queries.linked, link.subject, number)
        return as_json(VersionOut.of(issued)) if wants_json(at) else pages.show(at.language, issued, token)

    return await answered(at, shown, partial(_failed, at), html=not wants_json(at))


@routes.get("/syntheses/link/pdf", response_class=Response, responses=LINKED_PDF)
async def show_linked_pdf(token: Token, at: Anyone, number: OneOf = None) -> Response:
    """The same as PDF."""
    at.identity = None

    async def shown() -> Response:
        link = await links.verify(token, "events", PURPOSE, keys=at.context.link_keys)
        return await _pdf(await at.query(queries.linked, link.subject, number))

    return await answered(at, shown, partial(_failed, at), html=not wants_json(at))


def _failed(at: Edge, refusal: Problem) -> Response:
    return pages.failed(at.language, refusal)


async def _pdf(issued: Issued) -> Response:
    """In the network's language, as it was issued: the same bytes whenever it is asked for."""
    language = document.language_of(issued)
    on: date = day(issued.row.issued_at)
    content = await asyncio.to_thread(typesetting.pdf, document.TEMPLATE, document.data(issued, language), on)
    headers = {
        "content-disposition": f'inline; filename="{"sintesi" if language == "it" else "synthesis"}-'
        f'{issued.row.number}.pdf"',
        "cache-control": "no-store",
    }
    return Response(content, media_type="application/pdf", headers=headers)


@routes.get("/syntheses/{synthesis_id}", response_model=SynthesisOut)
async def synthesis(synthesis_id: UUID, at: At) -> Response:
    """The synthesis: its draft for those who write it, what was issued last for the network and whom it was sent to."""
    return await at.read(queries.synthesis, synthesis_id, out=lambda sheet: SynthesisOut.of(sheet, at))


@routes.patch("/syntheses/{synthesis_id}", response_model=SynthesisOut, openapi_extra=GUARDED)
async def rewrite(synthesis_id: UUID, body: Resynthesising, at: At) -> Response:
    """Writes the draft; what was issued stands. Needs If-Match."""
    return await at.command(
        commands.rewrite,
        synthesis_id,
        body,
        expected=at.if_match(),
        out=lambda sheet: SynthesisOut.of(sheet, at),
    )


@routes.post("/syntheses/{synthesis_id}/issue", response_model=VersionOut, openapi_extra=GUARDED)
async def issue(synthesis_id: UUID, at: At, body: Issuing = Issuing()) -> Response:  # noqa: B008 (it is frozen)
    """Issues the draft as the next version, with the counts of this moment, and sends it to the audience: if not said,
    to the representatives and referents for the regions. Needs If-Match."""
    return await at.command(
        commands.issue, synthesis_id, body, expected=at.if_match(), out=VersionOut.of, location=_version
    )


class RecipientOut(BaseModel):
    """Somebody to whom a synthesis is sent, by the `role` that they hold for that organisation and territory (null:
    the whole country)."""

    person: Ref
    organisation: Ref | None
    role: str
    territory: str | None
    reach: Reach

    @classmethod
    def of(cls, one: Recipient) -> RecipientOut:
        return cls(
            person=Ref.person(one.person_id, one.person),
            organisation=Ref.organisation(one.organisation_id, one.organisation) if one.organisation_id else None,
            role=one.role,
            territory=one.territory,
            reach=one.reach,
        )


DEFAULT = AudienceBody()


@routes.get("/syntheses/{synthesis_id}/audience", response_model=PageOut[RecipientOut])
async def audience(
    synthesis_id: UUID,
    at: At,
    role: Annotated[
        list[Role], Query(max_length=len(Role), description="Representatives and referents if not said")
    ] = [],  # noqa: B006
    reach: Annotated[list[Reach], Query(max_length=len(Reach), description="Any if not said")] = [],  # noqa: B006
    body: Annotated[list[UUID], Query(max_length=200)] = [],  # noqa: B006
    territory: Annotated[list[Territory], Query(max_length=200)] = [],  # noqa: B006
    kind: Annotated[list[Kind], Query(max_length=50)] = [],  # noqa: B006
    after: After = None,
    limit: Limit = 50,
) -> Response:
    """To whom it would be sent today, by such an audience."""
    asked = AudienceBody(roles=role or DEFAULT.roles, reaches=reach, bodies=body, territories=territory, kinds=kind)
    return await at.page(queries.would_be_sent, synthesis_id, asked.rule, after=after, limit=limit, out=RecipientOut.of)


@routes.get("/syntheses/{synthesis_id}/versions", response_model=PageOut[VersionOut])
async def versions(synthesis_id: UUID, at: At, after: After = None, limit: Limit = 50) -> Response:
    """What was issued, from the first version to the last."""
    return await at.page(
        queries.issued_versions, synthesis_id, after=after, limit=limit, out=VersionOut.of, model=VersionOut
    )


@routes.get("/syntheses/{synthesis_id}/versions/{number}", response_model=VersionOut)
async def version(synthesis_id: UUID, number: Number, at: At) -> Response:
    """An issued version."""
    return await at.read(queries.version, synthesis_id, number, out=VersionOut.of)


@routes.get("/syntheses/{synthesis_id}/versions/{number}/pdf", response_class=Response, responses=PDF)
async def version_pdf(synthesis_id: UUID, number: Number, at: At) -> Response:
    """An issued version as a tagged PDF, in the network's language."""
    return await _pdf(await at.query(queries.version, synthesis_id, number))


@routes.get("/syntheses/{synthesis_id}/versions/{number}/recipients", response_model=PageOut[RecipientOut])
async def recipients(synthesis_id: UUID, number: Number, at: At, after: After = None, limit: Limit = 50) -> Response:
    """To whom a version was sent."""
    return await at.page(
        queries.sent_to, synthesis_id, number, after=after, limit=limit, out=RecipientOut.of, model=RecipientOut
    )


class PieceOut(BaseModel):
    """Lines that are in both (`same`), only in the newer (`added`) or only in the older text (`removed`)."""

    kind: Literal["same", "added", "removed"]
    lines: list[str]


class DifferencesOut(BaseModel):
    older: int
    newer: int | None
    pieces: list[PieceOut]


@routes.get("/syntheses/{synthesis_id}/differences", response_model=DifferencesOut)
async def compare(
    synthesis_id: UUID,
    at: At,
    older: Annotated[int, Query(ge=1, le=1_000_000, description="An issued version")],
    newer: Annotated[
        int | None, Query(ge=1, le=1_000_000, description="Another; if not said the draft, or the last issued one")
    ] = None,
) -> DifferencesOut:
    """What changed from one version to another, line by line."""
    before, after = await at.query(queries.texts, synthesis_id, older, newer)
    found = await asyncio.to_thread(differences, before, after)
    pieces = [PieceOut.model_validate({"kind": piece.kind, "lines": list(piece.lines)}) for piece in found]
    return DifferencesOut(older=older, newer=newer, pieces=pieces)


problems = {
    UnknownCollection: not_found,
    UnknownContribution: not_found,
    UnknownSynthesis: not_found,
    InvalidCollection: problem(
        "collection-invalid",
        422,
        it="Raccolta non valida\n`errors` dice quale campo e che cosa si accetta.",
        en="Invalid collection\n`errors` says which field, and what is accepted.",
    ),
    NotPossibleNow: problem(
        "collection-not-possible-now",
        409,
        it="Ora non è possibile\nLa raccolta è nello stato {state}: non si può fare {action}.",
        en="Not possible now\nThe collection is {state}: {action} cannot be done.",
    ),
    UnknownTheme: problem(
        "theme-unknown",
        422,
        it="Tema sconosciuto\nLa raccolta ha altri temi: `errors` dice quali.",
        en="Unknown theme\nThe collection has other themes: `errors` says which.",
    ),
    NotEntitled: problem(
        "contribution-not-entitled",
        403,
        it="Serve un mandato o un invito\nContribuisce chi ha oggi un mandato nell'organo, nel programma o nella rete "
        "della raccolta, o un invito a una sua riunione.",
        en="A mandate or an invitation is needed\nWhoever holds a mandate today in the collection's body, programme or "
        "network, or an invitation to a meeting of it, contributes.",
    ),
    ManyMandates: problem(
        "mandate-not-said",
        422,
        it="Per chi parla?\nLa persona ha più mandati: `mandate_id` dice con quale contribuisce.",
        en="For whom do they speak?\nThe person holds several mandates: `mandate_id` says by which they contribute.",
    ),
    NotTheirs: problem(
        "contribution-not-theirs",
        403,
        it="È di un'altra persona\nUn contributo lo cambia chi l'ha scritto, o la segreteria se l'ha inserito lei.",
        en="It is somebody else's\nA contribution is changed by who wrote it, or by the coordination that entered it.",
    ),
    HasSynthesis: problem(
        "synthesis-exists",
        409,
        it="La sintesi c'è già\nÈ {synthesis_id}: una raccolta ne ha una sola, in più versioni.",
        en="There is a synthesis already\nIt is {synthesis_id}: a collection has one, in several versions.",
    ),
    NothingToIssue: problem(
        "synthesis-nothing-to-issue",
        409,
        it="Niente da emettere\nIl testo è vuoto, o è quello dell'ultima versione.",
        en="Nothing to issue\nThe text is empty, or that of the last version.",
    ),
    NobodyToSendTo: problem(
        "synthesis-nobody-to-send-to",
        422,
        it="Nessun destinatario\nOggi nessuno ha un mandato come quelli chiesti in `audience`: l'anteprima è in "
        "/syntheses/…/audience.",
        en="Nobody to send it to\nNobody holds such a mandate today as `audience` asks for: /syntheses/…/audience "
        "shows whom it would reach.",
        path="/audience",
        accepted="roles, reaches, bodies, territories and kinds that somebody's mandate has",
    ),
}

vocabularies = (
    vocabulary(
        "collection_states",
        "Stati di una raccolta di contributi",
        "States of a collection of contributions",
        [
            (State.DRAFT, "Bozza", "Draft"),
            (State.OPEN, "Aperta", "Open"),
            (State.CLOSED, "Chiusa", "Closed"),
        ],
    ),
    vocabulary(
        "contribution_tags",
        "Etichette dei contributi",
        "Tags of contributions",
        [(code, *words) for code, words in document.TAGS.items()],
    ),
    vocabulary(
        "mandate_reaches",
        "Ampiezza di un mandato",
        "Reach of a mandate",
        [
            (Reach.NATIONAL, "Nazionale", "National"),
            (Reach.REGIONAL, "Regionale o di provincia autonoma", "Regional, or of an autonomous province"),
            (Reach.TERRITORIAL, "Territoriale", "Territorial"),
        ],
    ),
)

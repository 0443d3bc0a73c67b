"""HTTP of commitments and of the rules that make them."""

from __future__ import annotations

from datetime import date
from functools import partial
from typing import Annotated, Any, Literal
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter, Body, Form, Query, UploadFile
from pydantic import AwareDatetime, BaseModel
from starlette.responses import Response

from services.registry.commitments import commands, pages, queries
from services.registry.commitments.commands import Change, Fulfilment, Promise, RuleBody, Waiver
from services.registry.commitments.queries import Linked, Named
from services.registry.commitments.rules import (
    LARGEST_FILE,
    LONGEST_TEXT,
    AlreadyStopped,
    Closed,
    Commitment,
    DebtorMissing,
    DebtorOfRule,
    EvidenceMissing,
    File,
    InvalidDay,
    Kind,
    ReasonMissing,
    Rule,
    Source,
    State,
    TermMissing,
    TooLong,
    UnfitFile,
    UnknownCommitment,
    UnknownDebtor,
    UnknownFile,
    UnknownRule,
    WaiverCode,
)
from shared.access import links
from shared.runtime.browsers import HTML, Token, answered, wants_html, wants_json
from shared.runtime.edge import Anyone, At, Edge
from shared.runtime.openapi import GUARDED
from shared.runtime.paging import After, Limit, PageOut
from shared.runtime.problems import not_found, problem
from shared.runtime.shapes import Statistic
from shared.runtime.vocabularies import vocabulary

routes = APIRouter(tags=["commitments"])

PURPOSE = "commitment"


class CommitmentRef(BaseModel):
    id: UUID
    name: str
    href: str


class DebtorOut(BaseModel):
    """Who owes it."""

    type: Literal["organisation", "person", "body"]
    id: UUID
    name: str
    href: str

    @classmethod
    def of(cls, named: Named) -> DebtorOut:
        one = named.commitment
        type_, id_ = next(
            (field.removesuffix("_id"), id_)
            for field in ("organisation_id", "person_id", "body_id")
            if (id_ := getattr(one, field)) is not None
        )
        href = f"/registry/v1/{COLLECTIONS[type_]}/{id_}"
        return cls(type=type_, id=id_, name=named.debtor, href=href)


COLLECTIONS = {"organisation": "organisations", "person": "people", "body": "bodies"}


class FileOut(BaseModel):
    """A file that shows that something is done; what it is was found by its content."""

    name: str
    media_type: str
    size: int
    sha256: str
    href: str

    @classmethod
    def of(cls, one: Commitment) -> FileOut | None:
        if one.file is None:
            return None
        return cls(**vars(one.file), href=f"/registry/v1/commitments/{one.id}/file")


class WaivedOut(BaseModel):
    """Why it is no longer owed; `reason` is what the secretariat wrote, if it was the secretariat's decision."""

    code: WaiverCode
    reason: str | None


class CommitmentOut(BaseModel):
    """`due` is the last day in time. Without a `creditor` it is owed to the network as a whole."""

    id: UUID
    network_id: UUID
    title: str
    kind: Kind
    debtor: DebtorOut
    creditor: CommitmentRef | None
    due: date
    state: State
    source: Source
    source_id: UUID | None
    made_on: date
    fulfilled_on: date | None
    evidence: str | None
    link: str | None
    file: FileOut | None
    waived_on: date | None
    waived: WaivedOut | None
    note: str | None
    href: str
    version: int
    allowed_actions: list[str]

    @classmethod
    def of(cls, named: Named, at: Edge) -> CommitmentOut:
        one, creditor = named.commitment, named.commitment.creditor_body_id
        return cls(
            id=one.id,
            network_id=one.network_id,
            title=one.title,
            kind=one.kind,
            debtor=DebtorOut.of(named),
            creditor=CommitmentRef(id=creditor, name=named.creditor or "", href=f"/registry/v1/bodies/{creditor}")
            if creditor
            else None,
            due=one.due,
            state=one.state,
            source=one.source,
            source_id=one.source_id,
            made_on=one.made_on,
            fulfilled_on=one.fulfilled_on,
            evidence=one.evidence,
            link=one.link,
            file=FileOut.of(one),
            waived_on=one.waived_on,
            waived=WaivedOut(code=one.waiver_code, reason=one.waiver_reason) if one.waiver_code else None,
            note=one.note,
            href=f"/registry/v1/commitments/{one.id}",
            version=one.version,
            allowed_actions=queries.actions_for(at.actor, named, at.now),
        )


class LinkedOut(BaseModel):
    """What the page of a link shows."""

    id: UUID
    title: str
    kind: Kind
    debtor: str
    network: str
    due: date
    state: State
    fulfilled_on: date | None

    @classmethod
    def of(cls, linked: Linked) -> LinkedOut:
        one = linked.named.commitment
        return cls(
            id=one.id,
            title=one.title,
            kind=one.kind,
            debtor=linked.named.debtor,
            network=linked.network.name,
            due=one.due,
            state=one.state,
            fulfilled_on=one.fulfilled_on,
        )


class StatesOut(BaseModel):
    open: Statistic
    late: Statistic
    fulfilled: Statistic
    waived: Statistic

    @classmethod
    def of(cls, counts: dict[State, int]) -> StatesOut:
        total = sum(counts.values())
        return cls(**{str(state): Statistic.out_of(counts.get(state, 0), total) for state in State})


class KindOut(BaseModel):
    kind: Kind
    total: int
    states: StatesOut


class SummaryOut(BaseModel):
    """How the commitments of a network stand, all together and by kind."""

    total: int
    states: StatesOut
    items: list[KindOut]

    @classmethod
    def of(cls, found: dict[Kind, dict[State, int]]) -> SummaryOut:
        whole = {state: sum(counts.get(state, 0) for counts in found.values()) for state in State}
        kinds = [
            KindOut(kind=kind, total=sum(found[kind].values()), states=StatesOut.of(found[kind]))
            for kind in Kind
            if kind in found
        ]
        return cls(total=sum(whole.values()), states=StatesOut.of(whole), items=kinds)


class KeptOut(BaseModel):
    """How the commitments of one group were kept: of those that have been kept or have grown late (`of`, without the
    waived and those whose day is still to come), how many in time, late, or not yet. `open` and `waived` are of all.
    `group` is an id or a code, `name` its name where it has one."""

    by: queries.By
    group: str
    name: str | None
    href: str | None
    total: int
    kept_in_time: Statistic
    kept_late: Statistic
    late: Statistic
    open: Statistic
    waived: Statistic

    @classmethod
    def of(cls, by: queries.By, row: Any) -> KeptOut:
        judged = row.in_time + row.kept_late + row.late
        total = judged + row.open + row.waived
        collection = GROUPS.get(by)
        return cls(
            by=by,
            group=str(row.key),
            name=row.name,
            href=f"/registry/v1/{collection}/{row.key}" if collection else None,
            total=total,
            kept_in_time=Statistic.out_of(row.in_time, judged),
            kept_late=Statistic.out_of(row.kept_late, judged),
            late=Statistic.out_of(row.late, judged),
            open=Statistic.out_of(row.open, total),
            waived=Statistic.out_of(row.waived, total),
        )


GROUPS = {
    queries.By.NETWORK: "networks",
    queries.By.ORGANISATION: "organisations",
    queries.By.BODY: "bodies",
    queries.By.CREDITOR: "bodies",
}


class RuleOut(BaseModel):
    """`due`, or `days` after joining. A rule that was stopped binds who joins from then on no more."""

    id: UUID
    network_id: UUID
    kind: Kind
    title: str
    due: date | None
    days: int | None
    made_on: date
    stopped_on: date | None
    href: str
    version: int
    allowed_actions: list[str]

    @classmethod
    def of(cls, rule: Rule, at: Edge) -> RuleOut:
        stoppable = rule.stopped_on is None and queries.may_write(at.actor, rule.network_id, at.now)
        return cls(
            id=rule.id,
            network_id=rule.network_id,
            kind=rule.kind,
            title=rule.title,
            due=rule.due,
            days=rule.days,
            made_on=rule.made_on,
            stopped_on=rule.stopped_on,
            href=href_of_rule(rule),
            version=rule.version,
            allowed_actions=["stop"] if stoppable else [],
        )


class RuleMadeOut(RuleOut):
    """With the number of commitments that it made at once."""

    made: int


def href(named: Named) -> str:
    return f"/registry/v1/commitments/{named.commitment.id}"


def href_of_rule(rule: Rule) -> str:
    return f"/registry/v1/commitment-rules/{rule.id}"


# --- in a network ----------------------------------------------------------------------------------------------------


@routes.post("/networks/{network}/commitments", status_code=201, response_model=CommitmentOut)
async def make(network: str, body: Promise, at: At) -> Response:
    """Enters a commitment of a member, a person or a body of the network, from today."""
    return await at.command(commands.make, network, body, out=lambda named: CommitmentOut.of(named, at), location=href)


@routes.get("/networks/{network}/commitments", response_model=PageOut[CommitmentOut])
async def commitments(
    network: str,
    at: At,
    state: Annotated[list[State], Query()] = [],  # noqa: B006 (FastAPI copies it)
    kind: Annotated[list[Kind], Query()] = [],  # noqa: B006
    organisation: Annotated[list[UUID], Query()] = [],  # noqa: B006
    person: Annotated[list[UUID], Query()] = [],  # noqa: B006
    body: Annotated[list[UUID], Query()] = [],  # noqa: B006
    source: Annotated[list[Source], Query()] = [],  # noqa: B006
    due_before: Annotated[date | None, Query(description="Exclusive")] = None,
    updated_since: AwareDatetime | None = None,
    sort: Annotated[queries.Sort, Query(description="As they were made, or by their day")] = "id",
    after: After = None,
    limit: Limit = 50,
) -> Response:
    """The commitments of a network. Filters of one name are alternatives, of different names conditions."""
    return await at.page(
        queries.listed,
        network,
        state=state,
        kind=kind,
        organisation=organisation,
        person=person,
        body=body,
        source=source,
        due_before=due_before,
        updated_since=updated_since,
        sort=sort,
        after=after,
        limit=limit,
        out=lambda named: CommitmentOut.of(named, at),
        model=CommitmentOut,
    )


@routes.get("/networks/{network}/commitments/summary", response_model=SummaryOut)
async def summary(network: str, at: At) -> Response:
    """How many are open, late, fulfilled and waived, all together and by kind."""
    return await at.read(queries.summary, network, out=SummaryOut.of)


@routes.get("/networks/{network}/commitments/statistics", response_model=PageOut[KeptOut])
async def statistics(
    network: str,
    at: At,
    by: Annotated[queries.By, Query(description="The network as a whole, who owes, to whom, the kind, the source")] = (
        queries.By.NETWORK
    ),
    since: Annotated[date | None, Query(description="Due on this day or later")] = None,
    until: Annotated[date | None, Query(description="Due before this day")] = None,
    after: After = None,
    limit: Limit = 50,
) -> Response:
    """How commitments were kept: in time, late, or not yet. A share of nothing is null."""
    return await at.page(
        queries.statistics,
        network,
        by=by,
        since=since,
        until=until,
        after=after,
        limit=limit,
        out=partial(KeptOut.of, by),
        model=KeptOut,
    )


# --- by link ---------------------------------------------------------------------------------------------------------


@routes.get("/commitments/link", response_model=LinkedOut, responses=HTML)
async def show_link(token: Token, at: Anyone) -> Response:
    """The commitment that a mailed link is about, with a form while it is owed. Opening it does nothing."""
    at.identity = None

    async def shown() -> Response:
        commitment_id = await subject_of(token, at)
        if wants_json(at):
            return await at.read(queries.linked, commitment_id, out=LinkedOut.of)
        return pages.shown(at.language, await at.query(queries.linked, commitment_id))

    return await answered(at, shown, partial(pages.failed, at.language, []), html=not wants_json(at))


@routes.post("/commitments/link", response_model=LinkedOut, responses=HTML)
async def use_link(
    token: Token,
    at: Anyone,
    evidence: Annotated[str, Form(description="Words or a link by which it can be seen")] = "",
    file: UploadFile | None = None,
) -> Response:
    """Declares the commitment fulfilled. The link works until it is, or until it expires."""
    at.identity = None
    html = wants_html(at)
    seen: list[Linked] = []

    async def used() -> Response:
        commitment_id = await subject_of(token, at)
        if html:
            seen.append(await at.query(queries.linked, commitment_id))
        given = Fulfilment.model_construct(evidence=evidence, link=None, on=None)  # the rule says what is too long
        shown = await given_file(file)
        try:
            await at.command(commands.fulfil, commitment_id, given, file=shown, by_link=True, out=lambda _: None)
        except (EvidenceMissing, TooLong, UnfitFile) as error:
            if not html:
                raise
            return pages.shown(at.language, seen[-1], error=at.context.answers(error), given=evidence)
        if html:
            return pages.done(at.language, await at.query(queries.linked, commitment_id))
        return await at.read(queries.linked, commitment_id, out=LinkedOut.of)

    return await answered(at, used, partial(pages.failed, at.language, seen), html=html)


async def subject_of(token: str, at: Edge) -> UUID:
    """The commitment of a good link. Raises LinkInvalid, LinkExpired: also when its person answers for it no more."""
    link = await links.verify(token, "registry", PURPOSE, keys=at.context.link_keys)
    await at.query(queries.require_standing, link)
    return link.subject


# --- one -------------------------------------------------------------------------------------------------------------


@routes.get("/commitments/{commitment_id}", response_model=CommitmentOut)
async def commitment(commitment_id: UUID, at: At) -> Response:
    """A commitment."""
    return await at.read(queries.get, commitment_id, out=lambda named: CommitmentOut.of(named, at))


@routes.patch("/commitments/{commitment_id}", response_model=CommitmentOut)
async def change(commitment_id: UUID, body: Change, at: At) -> Response:
    """Changes what is given, while it is owed; a later day opens again what was late. Needs If-Match."""
    return await at.command(
        commands.change,
        commitment_id,
        expected=at.if_match(),
        out=lambda named: CommitmentOut.of(named, at),
        **body.model_dump(exclude_unset=True),
    )


@routes.post("/commitments/{commitment_id}/fulfil", response_model=CommitmentOut, openapi_extra=GUARDED)
async def fulfil(commitment_id: UUID, body: Fulfilment, at: At) -> Response:
    """Declares it fulfilled, with evidence: by who owes it or speaks for it, or by the secretariat. Needs If-Match."""
    return await at.command(
        commands.fulfil,
        commitment_id,
        body,
        expected=at.if_match(),
        out=lambda named: CommitmentOut.of(named, at),
    )


@routes.post("/commitments/{commitment_id}/fulfil/file", response_model=CommitmentOut, openapi_extra=GUARDED)
async def fulfil_with_file(
    commitment_id: UUID,
    at: At,
    file: UploadFile,
    evidence: Annotated[str, Form(max_length=LONGEST_TEXT, description="Words that go with it")] = "",
    link: Annotated[str, Form(max_length=2_000, pattern=r"^\s*(https?://[^\s]+)?\s*$")] = "",
    on: Annotated[date | None, Form(description="The day, today if not said")] = None,
) -> Response:
    """Declares it fulfilled, as a file shows: PDF, signed P7M, image, DOCX, XLSX, ODT, ODS or plain text, up to 20 MB.
    Needs If-Match."""
    return await at.command(
        commands.fulfil,
        commitment_id,
        Fulfilment.model_construct(evidence=evidence, link=link, on=on),
        file=await given_file(file),
        expected=at.if_match(),
        out=lambda named: CommitmentOut.of(named, at),
    )


async def given_file(file: UploadFile | None) -> tuple[str, bytes] | None:
    """Name and content, one byte more than is taken at most; None when a form came without a file."""
    if file is None or not file.filename:
        return None
    return file.filename, await file.read(LARGEST_FILE + 1)


def attached(shown: File, content: bytes) -> Response:
    """A file that somebody sent, to be kept and never shown in the browser as a page of the platform's."""
    headers = {
        "content-disposition": f"attachment; filename*=UTF-8''{quote(shown.name, safe='')}",
        "etag": f'"{shown.sha256}"',
        "cache-control": "private, no-store",
    }
    return Response(content, media_type=shown.media_type, headers=headers)


FILE_SHOWN: dict[int | str, dict[str, Any]] = {200: {"content": {"application/octet-stream": {}}}}


@routes.get("/commitments/{commitment_id}/file", response_class=Response, responses=FILE_SHOWN)
async def file(commitment_id: UUID, at: At) -> Response:
    """The file by which it was shown, to be kept: for the secretariat, for who owes it, and for whom it was owed to."""
    return attached(*await at.query(queries.file, commitment_id))


@routes.post("/commitments/{commitment_id}/waive", response_model=CommitmentOut, openapi_extra=GUARDED)
async def waive(commitment_id: UUID, body: Annotated[Waiver, Body(default_factory=Waiver)], at: At) -> Response:
    """It is no longer owed, and why. Needs If-Match."""
    return await at.command(
        commands.waive, commitment_id, body, expected=at.if_match(), out=lambda named: CommitmentOut.of(named, at)
    )


# --- rules -----------------------------------------------------------------------------------------------------------


@routes.post("/networks/{network}/commitment-rules", status_code=201, response_model=RuleMadeOut)
async def lay_down(network: str, body: RuleBody, at: At) -> Response:
    """Every active member owes it: those of today at once, those who join later from then on."""

    def out(laid: commands.LaidDown) -> RuleMadeOut:
        return RuleMadeOut(**RuleOut.of(laid.rule, at).model_dump(), made=laid.made)

    return await at.command(commands.lay_down, network, body, out=out, location=lambda laid: href_of_rule(laid.rule))


@routes.get("/networks/{network}/commitment-rules", response_model=PageOut[RuleOut])
async def rules(network: str, at: At, after: After = None, limit: Limit = 50) -> Response:
    """The rules of a network, stopped ones too."""
    return await at.page(
        queries.rules_listed,
        network,
        after=after,
        limit=limit,
        out=lambda rule: RuleOut.of(rule, at),
        model=RuleOut,
    )


@routes.get("/commitment-rules/{rule_id}", response_model=RuleOut)
async def rule(rule_id: UUID, at: At) -> Response:
    """A rule."""
    return await at.read(queries.rule, rule_id, out=lambda rule: RuleOut.of(rule, at))


@routes.post("/commitment-rules/{rule_id}/stop", response_model=RuleOut, openapi_extra=GUARDED)
async def stop(rule_id: UUID, at: At) -> Response:
    """Who joins from now on does not owe it; what was made stays owed. Needs If-Match."""
    return await at.command(commands.stop, rule_id, expected=at.if_match(), out=lambda rule: RuleOut.of(rule, at))


problems = {
    UnknownCommitment: not_found,
    UnknownRule: not_found,
    DebtorMissing: problem(
        "one-debtor",
        422,
        it="Un impegno ha un solo debitore\nIndicare un ente, oppure una persona, oppure un organo.",
        en="A commitment has one debtor\nGive an organisation, or a person, or a body.",
        path="/organisation_id",
        accepted="exactly one of organisation_id, person_id, body_id",
    ),
    DebtorOfRule: problem(
        "debtor-of-rule",
        409,
        it="Il debitore viene da una regola\nL'impegno nasce da una regola: si può dispensarne, non spostarlo.",
        en="The debtor comes from a rule\nThe commitment was made by a rule: it can be waived, not moved.",
    ),
    UnknownDebtor: problem(
        "debtor-unknown",
        422,
        it="Non è di questa rete\nSi accetta un ente che vi aderisce, una persona che conosce o un suo organo non "
        "sciolto.",
        en="Not of this network\nAccepted: a member of it, a person it knows, or a body of it that is not dissolved.",
        code="unknown",
    ),
    InvalidDay: problem(
        "invalid-day",
        422,
        it="Giorno non possibile\n`errors` dice quali giorni si accettano.",
        en="Impossible day\n`errors` says which days are accepted.",
        code="day",
    ),
    EvidenceMissing: problem(
        "evidence-missing",
        422,
        it="Manca come si vede che è fatto\nScrivere qualche parola, dare un collegamento o un file.",
        en="Nothing shows that it is done\nWrite some words, give a link or a file.",
        path="/evidence",
        accepted="evidence, link or file",
    ),
    UnfitFile: problem(
        "evidence-file-unfit",
        422,
        it="Il file non si può prendere\nSi accetta: {accepted}.",
        en="The file cannot be taken\nAccepted: {accepted}.",
    ),
    UnknownFile: not_found,
    ReasonMissing: problem(
        "reason-missing",
        422,
        it="Manca il motivo\nChi dispensa da un impegno dice perché.",
        en="The reason is missing\nWho waives a commitment says why.",
        path="/reason",
        accepted="some words",
    ),
    TooLong: problem(
        "text-too-long",
        422,
        it="Testo troppo lungo\nSi accetta al massimo quanto dice `errors`.",
        en="The text is too long\nAt most what `errors` says is accepted.",
        code="too_long",
    ),
    Closed: problem(
        "commitment-closed",
        409,
        it="L'impegno è chiuso\nÈ già assolto, o non è più dovuto (stato: {state}).",
        en="The commitment is closed\nIt has been fulfilled, or is no longer owed (state: {state}).",
    ),
    TermMissing: problem(
        "term-missing",
        422,
        it="Manca il termine, o ce ne sono due\nUna regola ha un giorno (due) oppure un numero di giorni (days).",
        en="No term, or two\nA rule has a day (due) or a number of days (days).",
        path="/due",
        accepted="either due or days",
    ),
    AlreadyStopped: problem(
        "rule-stopped",
        409,
        it="La regola è già fermata\nNon crea più impegni.",
        en="The rule has been stopped already\nIt makes no more commitments.",
    ),
}

vocabularies = (
    vocabulary(
        "commitment_kinds",
        "Tipi di impegno",
        "Kinds of commitment",
        [
            (Kind.LIST_OF_REPRESENTATIVES, "Elenco dei rappresentanti", "List of representatives"),
            (Kind.REPORT_OF_EXPERIENCES, "Relazione sulle esperienze", "Report of experiences"),
            (Kind.ACTION, "Azione", "Action"),
            (Kind.DOCUMENT, "Documento", "Document"),
            (Kind.CONTRIBUTION, "Contributo", "Contribution"),
            (Kind.OTHER, "Altro", "Other"),
        ],
    ),
    vocabulary(
        "commitment_states",
        "Stati di un impegno",
        "States of a commitment",
        [
            (State.OPEN, "Aperto", "Open"),
            (State.LATE, "In ritardo", "Late"),
            (State.FULFILLED, "Assolto", "Fulfilled"),
            (State.WAIVED, "Non più dovuto", "Waived"),
        ],
    ),
    vocabulary(
        "commitment_sources",
        "Origini di un impegno",
        "Sources of a commitment",
        [
            (Source.HAND, "Inserito dalla segreteria", "Entered by the secretariat"),
            (Source.RULE, "Regola della rete", "Rule of the network"),
            (Source.DECISION, "Decisione di un organo", "Decision of a body"),
            (Source.PACT, "Patto generativo", "Generative pact"),
            (Source.PLAN, "Piano", "Plan"),
            (Source.AGREEMENT, "Accordo o procedura", "Agreement or procedure"),
            (Source.PROJECT, "Progetto", "Project"),
        ],
    ),
    vocabulary(
        "waiver_codes",
        "Perché un impegno non è più dovuto",
        "Why a commitment is no longer owed",
        [
            (WaiverCode.DECIDED, "Lo ha deciso la segreteria", "The secretariat decided so"),
            (WaiverCode.ORGANISATION_LEFT, "Uscita dell'ente dalla rete", "The organisation left the network"),
            (WaiverCode.ORGANISATION_MERGED, "Doppione unito all'ente", "A duplicate was merged"),
            (WaiverCode.PERSON_ERASED, "Cancellazione dei dati della persona", "The person was erased", "art. 17 GDPR"),
        ],
    ),
)

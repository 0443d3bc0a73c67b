"""What may be done with documents. A file is in the object store before any of these is called: what they write is the
row that makes it known."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID, uuid5

from pydantic import Field
from sqlalchemy import delete, or_, select, update
from sqlalchemy import text as sql
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.learning.bodies.tables import bodies
from services.learning.documents import queries, rules
from services.learning.documents.queries import Shown
from services.learning.documents.rules import Document, Edition, Kind, SameFile, Unfit, Visibility
from services.learning.documents.tables import documents, editions, pages, readers
from services.learning.documents.texts import Looked
from services.learning.documents.uploads import Taken
from shared import territories
from shared.access.actor import EARLIEST, LATEST, Actor, day
from shared.access.loading import network_id
from shared.contracts.learning import (
    DocumentChanged,
    DocumentPublished,
    DocumentReadersTold,
    DocumentRevised,
    DocumentState,
    DocumentWithdrawn,
)
from shared.messaging import stage
from shared.runtime.due import cancel, schedule
from shared.runtime.problems import NotYetKnown, expect
from shared.runtime.shapes import Request, line

DUE = "document_kept"
"""The kind of due row that waits for the end of the time for which files are kept."""

Title = Annotated[str, line(300)]
Prose = Annotated[str, Field(max_length=4_000, pattern=r"^[^\x00]*$")]
Code = Annotated[str, Field(max_length=4, pattern=r"^[0-9A-Za-z]{2,4}$")]
Day = Annotated[date, Field(ge=EARLIEST, le=LATEST)]


class DocumentBody(Request):
    """What is said of a document. `territory` is a region's, a province's or a municipality's code."""

    title: Title = Field(examples=["Piano di zona 2021-2023"])
    kind: Kind = Kind.OTHER
    description: Prose = ""
    territory: Code | None = None
    body_id: UUID | None = None
    visibility: Visibility = Visibility.NETWORK
    since: Day | None = None
    until: Day | None = None
    retained_until: Day | None = Field(default=None, description="The last day on which the files are kept")
    note: Prose = Field(default="", description="What is new in this edition")


class EditionBody(Request):
    note: Prose = Field(default="", description="What is new in this edition")


class DocumentChange(Request):
    """Only what is given changes."""

    title: Title = Field(default="", examples=["Piano di zona 2021-2023"])
    kind: Kind = Kind.OTHER
    description: Prose = ""
    territory: Code | None = None
    body_id: UUID | None = None
    visibility: Visibility = Visibility.NETWORK
    since: Day | None = None
    until: Day | None = None
    retained_until: Day | None = None


async def publish(
    session: AsyncSession, actor: Actor, ref: str, body: DocumentBody, taken: Taken, looked: Looked, *, now: datetime
) -> Shown:
    """Raises Unfit, NotYetKnown, Forbidden."""
    network = await network_id(session, ref)
    given = await _placed(session, network, body.model_dump(exclude={"note"}))
    document = Document(network, added_at=now, added_by=actor.person_id, **given)
    queries.require_write(actor, document, now)
    document.check(day(now), given)
    document.next_edition()
    session.add(document)
    await session.flush()
    await _add(session, document, taken, looked, body.note, actor, now)
    if document.retained_until:
        await schedule(session, DUE, document.id, rules.kept_until(document.retained_until))
    edition = await queries.newest(session, document)
    await stage(session, state_of(DocumentPublished, document, edition))
    return await queries.get(session, actor, document.id, now=now)


async def revise(
    session: AsyncSession,
    actor: Actor,
    document_id: UUID,
    body: EditionBody,
    taken: Taken,
    looked: Looked,
    *,
    expected: int | None,
    now: datetime,
) -> Shown:
    """A new edition; those before stay, and their readers are told. Raises NotPossibleNow, SameFile."""
    document = await queries.for_update(session, actor, document_id, now)
    expect(expected, document.version)
    before = await queries.newest(session, document)
    if before.sha256 == taken.sha256:
        raise SameFile(before.number)
    document.next_edition()
    await session.flush()
    edition = await _add(session, document, taken, looked, body.note, actor, now)
    told = await queries.who_reads(session, document, actor.person_id, now)
    await stage(session, state_of(DocumentRevised, document, edition), *to_readers(document, told))
    return await queries.get(session, actor, document.id, now=now)


async def _add(
    session: AsyncSession, document: Document, taken: Taken, looked: Looked, note: str, actor: Actor, now: datetime
) -> Edition:
    edition = Edition(
        document.id,
        document.edition,
        rules.file_name_of(taken.name, looked.media_type),
        looked.media_type,
        taken.size,
        taken.sha256,
        now,
        looked.pages,
        note.strip(),
        rules.text_of(looked.media_type),
        actor.person_id,
        id=taken.id,
    )
    session.add(edition)
    await session.flush()
    await session.execute(INDEX, {"id": document.id})
    return edition


def to_readers(document: Document, people: Sequence[UUID]) -> list[DocumentReadersTold]:
    """A fact for each thousand; its id follows from what it tells, so it is the same however often it is made."""
    return [
        DocumentReadersTold(
            id=uuid5(document.id, f"readers {document.edition} {part}"),
            version=1,
            network_id=document.network_id,
            document_id=document.id,
            title=document.title,
            edition=document.edition,
            part=part,
            people=some,
        )
        for part, some in enumerate(in_parts(people), 1)
    ]


def in_parts(people: Sequence[UUID]) -> list[tuple[UUID, ...]]:
    return [tuple(people[at : at + rules.MOST_READERS]) for at in range(0, len(people), rules.MOST_READERS)]


async def change(
    session: AsyncSession, actor: Actor, document_id: UUID, body: DocumentChange, *, expected: int, now: datetime
) -> Shown:
    """What is said of it, as far as given. Raises NotPossibleNow, Unfit, NotYetKnown, Forbidden."""
    document = await queries.for_update(session, actor, document_id, now)
    expect(expected, document.version)
    given = {name: getattr(body, name) for name in body.model_fields_set}
    given = await _placed(session, document.network_id, given)
    if document.change(day(now), **given):
        queries.require_write(actor, document, now)  # nor may it be moved to where the caller may not write
        await session.flush()
        await session.execute(INDEX, {"id": document.id})
        if "retained_until" in given:
            await _keep(session, document)
        await stage(session, state_of(DocumentChanged, document, await queries.newest(session, document)))
    return await queries.get(session, actor, document.id, now=now)


async def _keep(session: AsyncSession, document: Document) -> None:
    if document.retained_until is None:
        await cancel(session, DUE, document.id)
    else:
        await schedule(session, DUE, document.id, rules.kept_until(document.retained_until))


async def withdraw(session: AsyncSession, actor: Actor, document_id: UUID, *, expected: int, now: datetime) -> Shown:
    """Nobody reads it any more but those who look after it; its files are kept as long as was said. Raises
    NotPossibleNow."""
    document = await queries.for_update(session, actor, document_id, now)
    expect(expected, document.version)
    document.withdraw(day(now))
    await session.flush()
    await stage(session, state_of(DocumentWithdrawn, document, await queries.newest(session, document)))
    return await queries.get(session, actor, document.id, now=now)


async def erase(session: AsyncSession, actor: Actor, document_id: UUID, *, expected: int, now: datetime) -> Shown:
    """Its files go now, whatever was said before. Raises NotPossibleNow."""
    document = await queries.for_update(session, actor, document_id, now)
    expect(expected, document.version)
    if document.erased_on is not None:
        raise rules.NotPossibleNow("erased", "erase")
    await _erase(session, document, now)
    await cancel(session, DUE, document.id)
    return await queries.get(session, actor, document.id, now=now)


async def _erase(session: AsyncSession, document: Document, now: datetime) -> None:
    """The rows say so, and the words go with them; the objects go after the commit (`keeping.py`)."""
    told = document.erase(day(now))
    await session.flush()
    of_it = select(editions.c.id).where(editions.c.document_id == document.id)
    await session.execute(delete(pages).where(pages.c.edition_id.in_(of_it)))
    await session.execute(
        update(editions)
        .where(editions.c.document_id == document.id, editions.c.erased_on.is_(None))
        .values(erased_on=day(now), text=rules.Text.NONE)
    )
    await session.execute(INDEX, {"id": document.id})
    if told:
        await stage(session, state_of(DocumentWithdrawn, document, await queries.newest(session, document)))


async def end_keeping(session: AsyncSession, ids: Sequence[UUID], now: datetime) -> None:
    """The due table's call: the last day of these has passed. What was given more time meanwhile is left."""
    query = select(Document).where(documents.c.id.in_(ids)).order_by(documents.c.id).with_for_update()
    for document in await session.scalars(query):
        if document.erased_on is None and rules.expired(document.retained_until, day(now)):
            await _erase(session, document, now)


# --- readers ---------------------------------------------------------------------------------------------------------


async def follow(session: AsyncSession, actor: Actor, document_id: UUID, following: bool, *, now: datetime) -> None:
    """To be told of new editions, or not any more. Raises UnknownDocument, NotAPerson."""
    await queries.readable(session, actor, document_id, now=now)
    if actor.person_id is None:
        raise rules.NotAPerson
    row = insert(readers).values(document_id=document_id, person_id=actor.person_id, following=following)
    await session.execute(
        row.on_conflict_do_update(
            index_elements=[readers.c.document_id, readers.c.person_id], set_={"following": following}
        )
    )


async def follow_by_link(
    session: AsyncSession, _: Actor, document_id: UUID, person_id: UUID, following: bool, *, now: datetime
) -> None:
    """For the person of a mailed link. Raises UnknownDocument."""
    await follow(session, await queries.person(session, person_id), document_id, following, now=now)


async def note_reading(session: AsyncSession, edition: Edition, person_id: UUID, now: datetime) -> None:
    """Who has read it is told of the next edition, unless they said that they do not want to. The same edition again
    writes nothing: a download may come in many ranges."""
    row = insert(readers).values(
        document_id=edition.document_id, person_id=person_id, following=True, edition=edition.number, read_at=now
    )
    await session.execute(
        row.on_conflict_do_update(
            index_elements=[readers.c.document_id, readers.c.person_id],
            set_={"edition": row.excluded.edition, "read_at": row.excluded.read_at},
            where=or_(readers.c.edition.is_(None), readers.c.edition < row.excluded.edition),
        )
    )


# --- what is said of it ----------------------------------------------------------------------------------------------


async def _placed(session: AsyncSession, network: UUID, given: dict[str, Any]) -> dict[str, Any]:
    """With the code of the territory as it is kept, texts trimmed, and a body that there is. Raises Unfit,
    NotYetKnown."""
    found: dict[str, Any] = {
        name: value.strip() if isinstance(value, str) and name == "description" else value
        for name, value in given.items()
    }
    if found.get("territory"):
        found["territory"] = code_of(found["territory"])
    if found.get("body_id"):
        await _require_body(session, network, found["body_id"])
    return found


def code_of(given: str) -> str:
    """A region's two digits, a province's three (or its sigla), a municipality's cadastral code. Raises Unfit."""
    code = territories.load().code_of(given)
    if code is None:
        raise Unfit("territory", "unknown", "the code of a region (03), a province (097, LC) or a municipality (E507)")
    return code


async def _require_body(session: AsyncSession, network: UUID, body_id: UUID) -> None:
    row = (
        await session.execute(select(bodies.c.network_id, bodies.c.state).where(bodies.c.id == body_id))
    ).one_or_none()
    if row is None:
        raise NotYetKnown("/body_id", "body")
    if row.network_id != network or row.state == "dissolved":
        raise Unfit("body_id", "unknown", "a body of the network that is not dissolved")


INDEX = sql(
    """
    update documents d set search =
        setweight(to_tsvector('italian_plain', d.title), 'A')
        || setweight(to_tsvector('italian_plain', d.description), 'B')
        || coalesce((
            select to_tsvector('italian_plain', left(string_agg(p.text, ' ' order by p.page), max(e.text_indexed)))
            from document_editions e join document_pages p on p.edition_id = e.id
            where e.document_id = d.id and e.number = d.edition), '')
    where d.id = :id
    """
)
"""What the search finds a document by."""


def state_of(fact: type[DocumentState], document: Document, edition: Edition) -> DocumentState:
    return fact(
        id=document.id,
        version=document.version,
        network_id=document.network_id,
        title=document.title,
        kind=document.kind,
        territory=document.territory,
        body_id=document.body_id,
        visibility=document.visibility,
        since=document.since,
        until=document.until,
        edition=edition.number,
        file_name=edition.file_name,
        media_type=edition.media_type,
        size=edition.size,
        sha256=edition.sha256,
        state=document.state,
    )

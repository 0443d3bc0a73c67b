"""Reading documents: for everybody what is public, for a network or a body what is theirs, for those who look after
them all; and finding them by what they say."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from markupsafe import escape
from sqlalchemy import ARRAY, ColumnElement, Float, Text, Uuid, and_, bindparam, cast, func, or_, select, true
from sqlalchemy import text as sql
from sqlalchemy.ext.asyncio import AsyncSession

from services.learning.bodies.tables import bodies
from services.learning.documents import downloads
from services.learning.documents.rules import (
    Document,
    Edition,
    FileGone,
    Kind,
    State,
    UnknownDocument,
    UnknownEdition,
    Visibility,
)
from services.learning.documents.tables import documents, editions, readers
from services.learning.policy import Right, has_for, policy, require_for
from shared import territories
from shared.access import loading
from shared.access.actor import Actor, Grant, day
from shared.access.loading import network_id, network_row
from shared.access.roles import Role
from shared.access.tokens import Identity
from shared.runtime.paging import DEFAULT, Page, page

SEARCH = "italian_plain"
Sort = Literal["-id", "id", "title", "-updated", "relevance"]
BEGIN, END = "\x02", "\x03"
"""Around what was found, until it has been made safe to show: the text holds no such characters."""


@dataclass(frozen=True)
class Found:
    """Where the words are: `page` counts from 1, in a PDF; `headline` is HTML with nothing but `<mark>` in it."""

    page: int | None
    headline: str


@dataclass(frozen=True)
class Shown:
    """A document as the caller may see it."""

    document: Document
    edition: Edition
    body: str | None = None
    allowed: tuple[str, ...] = ()
    following: bool = False
    found: Found | None = None
    editions: Sequence[Edition] = field(default=())

    @property
    def version(self) -> int:
        return self.document.version

    @property
    def public(self) -> bool:
        return self.document.visibility is Visibility.PUBLIC and self.document.state is State.PUBLISHED


SHOWN = (
    select(Document, Edition, bodies.c.title)
    .join(editions, and_(editions.c.document_id == documents.c.id, editions.c.number == documents.c.edition))
    .outerjoin(bodies, bodies.c.id == documents.c.body_id)
)


# --- who may ---------------------------------------------------------------------------------------------------------


def may_write(actor: Actor, document: Document, now: datetime) -> bool:
    network, body, territory = document.network_id, document.body_id, document.territory
    return has_for(actor, Right.WRITE_DOCUMENTS, network=network, body=body, territory=territory, on=now)


def require_write(actor: Actor, document: Document, now: datetime) -> None:
    network, body, territory = document.network_id, document.body_id, document.territory
    require_for(actor, Right.WRITE_DOCUMENTS, network=network, body=body, territory=territory, on=now)


def may_read(actor: Actor, document: Document, now: datetime) -> bool:
    """Withdrawn ones are read by those who look after them."""
    if policy.has(actor, Right.READ_DOCUMENTS, network=document.network_id, on=now) or may_write(actor, document, now):
        return True
    if document.state is not State.PUBLISHED:
        return False
    if document.visibility is Visibility.PUBLIC:
        return True
    own = [grant for grant in actor.current(now) if grant.network_id == document.network_id]
    if document.visibility is Visibility.BODY:
        return any(grant.body_id == document.body_id for grant in own)
    return bool(own)


def _readable(actor: Actor, network: UUID, now: datetime) -> ColumnElement[bool] | None:
    """`may_read` where the database has to choose rows by it; None: all of the network's."""
    if policy.has(actor, Right.READ_DOCUMENTS, network=network, on=now):
        return None
    own = [grant for grant in actor.current(now) if grant.network_id == network]
    seen: list[ColumnElement[bool]] = [documents.c.visibility == Visibility.PUBLIC]
    if own:
        seen.append(documents.c.visibility == Visibility.NETWORK)
        seen.append(documents.c.body_id.in_({grant.body_id for grant in own if grant.body_id}))
    writes = [_writes(grant) for grant in own if grant.role in policy.rules[Right.WRITE_DOCUMENTS]]
    return or_(and_(documents.c.state == State.PUBLISHED, or_(*seen)), *writes)


def _writes(grant: Grant) -> ColumnElement[bool]:
    """`may_write` by one grant: what is of its body or lies in its territory; all, where it is bound to neither."""
    if grant.role != Role.COORDINATOR or (grant.body_id is None and grant.territory is None):
        return true()
    bounds: list[ColumnElement[bool]] = []
    if grant.body_id:
        bounds.append(documents.c.body_id == grant.body_id)
    if grant.territory is not None:
        bounds.append(documents.c.territory.in_(codes_within(grant.territory)))
    return or_(*bounds)


def codes_within(territory: str) -> list[str]:
    """The codes of a territory and of all that lies in it; only itself when it is unknown, so that nothing is found."""
    italy = territories.load()
    inside = list(italy.within(territory))
    provinces = {m.province_code for m in inside if territory == m.region}
    whole = {m.province_code for m in inside if territory == m.province} or {territory}
    return [*whole, *provinces, *italy.codes_within(territory)]


async def uploader(session: AsyncSession, actor: Actor, ref: str, *, now: datetime) -> UUID:
    """The network, for who may add documents somewhere in it: asked before a file is taken in."""
    network = await network_id(session, ref)
    policy.require(actor, Right.WRITE_DOCUMENTS, network=network, on=now)
    return network


# --- one -------------------------------------------------------------------------------------------------------------


async def readable(session: AsyncSession, actor: Actor, document_id: UUID, *, now: datetime) -> Shown:
    """The document with its newest edition. Raises UnknownDocument, also for what the caller may not know of."""
    row = (await session.execute(SHOWN.where(documents.c.id == document_id))).one_or_none()
    if row is None or not may_read(actor, row[0], now):
        raise UnknownDocument(document_id)
    return await _shown(session, actor, row, now)


async def _shown(session: AsyncSession, actor: Actor, row: Any, now: datetime) -> Shown:
    document = row[0]
    following = actor.person_id is not None and await session.scalar(
        select(readers.c.following).where(readers.c.document_id == document.id, readers.c.person_id == actor.person_id)
    )
    return Shown(document, row[1], row[2], _allowed(actor, document, now), bool(following))


def _allowed(actor: Actor, document: Document, now: datetime) -> tuple[str, ...]:
    written = document.actions() if may_write(actor, document, now) else []
    return tuple(sorted([*written, *(["follow"] if actor.person_id and document.erased_on is None else [])]))


async def get(session: AsyncSession, actor: Actor, document_id: UUID, *, now: datetime) -> Shown:
    """With all its editions, newest first. Raises UnknownDocument."""
    shown = await readable(session, actor, document_id, now=now)
    query = select(Edition).where(editions.c.document_id == document_id).order_by(editions.c.number.desc())
    return replace(shown, editions=(await session.scalars(query)).all())


async def edition(
    session: AsyncSession, actor: Actor, document_id: UUID, number: int, *, now: datetime
) -> tuple[Shown, Edition]:
    """One edition whose file is there. Raises UnknownDocument, UnknownEdition, FileGone."""
    shown = await readable(session, actor, document_id, now=now)
    query = select(Edition).where(editions.c.document_id == document_id, editions.c.number == number)
    found = (await session.scalars(query)).one_or_none()
    if found is None:
        raise UnknownEdition(number)
    if found.erased_on is not None:
        raise FileGone(found.erased_on)
    return shown, found


async def listed_editions(
    session: AsyncSession,
    actor: Actor,
    document_id: UUID,
    *,
    after: str | None = None,
    limit: int = DEFAULT,
    now: datetime,
) -> Page[Edition]:
    """Newest first. Raises UnknownDocument."""
    await readable(session, actor, document_id, now=now)
    query = select(Edition).where(editions.c.document_id == document_id)
    return await page(session, query, key=[editions.c.number], after=after, limit=limit, descending=True)


async def person(session: AsyncSession, person_id: UUID) -> Actor:
    """Somebody without a sign-in, with the grants that they have now."""
    return await loading.person(session, Identity(person_id=person_id))


async def by_link(session: AsyncSession, _: Actor, document_id: UUID, person_id: UUID, *, now: datetime) -> Any:
    """(document with its editions, network) for the person of a mailed link, if they may still read it. Raises
    UnknownDocument."""
    shown = await get(session, await person(session, person_id), document_id, now=now)
    return shown, await network_row(session, str(shown.document.network_id))


async def public(session: AsyncSession, _: Actor, document_id: UUID, *, now: datetime) -> Any:
    """(document with its editions, network) for everybody. Raises UnknownDocument."""
    shown = await get(session, Actor(), document_id, now=now)
    return shown, await network_row(session, str(shown.document.network_id))


async def readable_by(
    session: AsyncSession, person_id: UUID, ids: Collection[UUID], *, now: datetime
) -> dict[UUID, Shown]:
    """Of these documents those that the person may read today, by id: two statements, however many."""
    actor = await person(session, person_id)
    rows = (await session.execute(SHOWN.where(documents.c.id.in_(ids)))).all()
    return {row[0].id: Shown(*row) for row in rows if may_read(actor, row[0], now)}


# --- many ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Asked:
    """What is asked of documents; repeated values are alternatives."""

    territory: Sequence[str] = ()
    kind: Sequence[Kind] = ()
    state: Sequence[State] = ()
    body: Sequence[UUID] = ()
    visibility: Sequence[Visibility] = ()
    on: date | None = None
    updated_since: datetime | None = None
    q: str | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        c = documents.c
        codes = sorted({code for whole in self.territory for code in codes_within(whole)})
        several: tuple[tuple[Any, Collection[Any]], ...] = (
            (c.territory, codes),
            (c.kind, self.kind),
            (c.state, self.state),
            (c.body_id, self.body),
            (c.visibility, self.visibility),
        )
        asked = [column.in_(values) for column, values in several if values]
        if self.on:
            asked.append(or_(c.since.is_(None), c.since <= self.on))
            asked.append(or_(c.until.is_(None), c.until > self.on))
        if self.updated_since:
            asked.append(c.updated_at >= self.updated_since)
        if self.q is not None:
            asked.append(c.search.op("@@")(_query(self.q)))
        return asked


def _query(q: str) -> ColumnElement[Any]:
    return func.websearch_to_tsquery(sql(f"'{SEARCH}'::regconfig"), q)


async def listed(
    session: AsyncSession,
    actor: Actor,
    ref: str,
    asked: Asked,
    *,
    sort: Sort | None = None,
    after: str | None = None,
    limit: int = DEFAULT,
    now: datetime,
) -> Page[Shown]:
    """The documents of a network that the caller may read. Newest first; what was searched for, best first."""
    network = await network_id(session, ref)
    query = SHOWN.where(documents.c.network_id == network, *asked.conditions())
    bound = _readable(actor, network, now)
    if bound is not None:
        query = query.where(bound)
    key, descending = _order(sort, asked.q)
    found = await page(session, query, key=key, after=after, limit=limit, descending=descending)
    places = await _places(session, [row[1].id for row in found.items], asked.q)
    followed = await _followed(session, actor, [row[0].id for row in found.items])
    items = [
        Shown(
            row[0],
            row[1],
            row[2],
            allowed=_allowed(actor, row[0], now),
            following=row[0].id in followed,
            found=_found(row[1], places),
        )
        for row in found.items
    ]
    return Page(items, found.next)


def _order(sort: Sort | None, q: str | None) -> tuple[list[ColumnElement[Any]], bool]:
    c = documents.c
    if q is not None and sort in (None, "relevance"):
        # 1: longer texts do not win by their length alone
        return [cast(func.ts_rank(c.search, _query(q), 1), Float), c.id], True
    if sort == "title":
        return [c.title, c.id], False
    if sort == "-updated":
        return [c.updated_at, c.id], True
    return [c.id], sort != "id"


async def _followed(session: AsyncSession, actor: Actor, ids: Sequence[UUID]) -> set[UUID]:
    if actor.person_id is None or not ids:
        return set()
    c = readers.c
    query = select(c.document_id).where(c.person_id == actor.person_id, c.document_id.in_(ids), c.following)
    return set(await session.scalars(query))


PLACES = sql(
    f"""
    with asked as (
        select websearch_to_tsquery('{SEARCH}', :q) as whole,
               replace(cast(websearch_to_tsquery('{SEARCH}', :q) as text), '&', '|')::tsquery as any_of
    ), best as (
        select distinct on (p.edition_id) p.edition_id, p.page
        from document_pages p, asked
        where p.edition_id = any(:ids) and p.search @@ asked.any_of
        order by p.edition_id, p.search @@ asked.whole desc, ts_rank(p.search, asked.any_of) desc, p.page
    )
    select p.edition_id, p.page,
           ts_headline('{SEARCH}', p.text, asked.any_of,
                       'MaxFragments=2, MaxWords=24, MinWords=8, FragmentDelimiter=" … ",'
                       ' StartSel="{BEGIN}", StopSel="{END}"') as headline
    from best join document_pages p using (edition_id, page), asked
    """  # noqa: S608 (a name of ours)
).bindparams(bindparam("ids", type_=ARRAY(Uuid)), bindparam("q", type_=Text))
"""Of each edition the page that answers best, and what it says there: one page is read again, not a whole file."""


async def _places(session: AsyncSession, ids: Sequence[UUID], q: str | None) -> Mapping[UUID, tuple[int, str]]:
    if q is None or not ids:
        return {}
    rows = await session.execute(PLACES, {"ids": list(ids), "q": q})
    return {row.edition_id: (row.page, row.headline) for row in rows}


def _found(edition: Edition, places: Mapping[UUID, tuple[int, str]]) -> Found | None:
    place = places.get(edition.id)
    if place is None:
        return None
    return Found(place[0] if edition.pages is not None else None, marked(place[1]))


def marked(headline: str) -> str:
    """As HTML in which what was found is marked, and nothing of the text is markup."""
    safe = str(escape(" ".join(headline.split())))
    return safe.replace(BEGIN, "<mark>").replace(END, "</mark>")


# --- locks -----------------------------------------------------------------------------------------------------------


async def for_update(session: AsyncSession, actor: Actor, document_id: UUID, now: datetime) -> Document:
    """The document locked, for who may change it. Raises UnknownDocument, Forbidden."""
    document = await session.get(Document, document_id, with_for_update=True, populate_existing=True)
    if document is None or not may_read(actor, document, now):
        raise UnknownDocument(document_id)
    require_write(actor, document, now)
    return document


async def newest(session: AsyncSession, document: Document) -> Edition:
    query = select(Edition).where(editions.c.document_id == document.id, editions.c.number == document.edition)
    return (await session.scalars(query)).one()


WHO_READS = sql(
    """
    select r.person_id from document_readers r
    where r.document_id = :document and r.following and r.person_id is distinct from :besides and (
        :public or exists (
            select from grants g where g.person_id = r.person_id and g.network_id = :network
                and g.since <= :today and (g.until is null or g.until > :today)
                and (not :of_body or g.body_id = :body or g.role = any(:all))))
    order by r.person_id
    """
).bindparams(
    bindparam("document", type_=Uuid),
    bindparam("besides", type_=Uuid),
    bindparam("network", type_=Uuid),
    bindparam("body", type_=Uuid),
    bindparam("all", type_=ARRAY(Text)),
)


async def who_reads(session: AsyncSession, document: Document, besides: UUID | None, now: datetime) -> list[UUID]:
    """Those who follow the document and may still read it, in order of their ids."""
    values = {
        "document": document.id,
        "besides": besides,
        "network": document.network_id,
        "public": document.visibility is Visibility.PUBLIC,
        "of_body": document.visibility is Visibility.BODY,
        "body": document.body_id,
        "all": [str(role) for role in policy.rules[Right.READ_DOCUMENTS]],
        "today": day(now),
    }
    return list(await session.scalars(WHO_READS, values))


# --- files -----------------------------------------------------------------------------------------------------------


async def reviser(session: AsyncSession, actor: Actor, document_id: UUID, *, now: datetime) -> None:
    """For who may change the document: asked before a file is taken in. Raises UnknownDocument, Forbidden."""
    shown = await readable(session, actor, document_id, now=now)
    require_write(actor, shown.document, now)


async def edition_by_ticket(
    session: AsyncSession, document_id: UUID, number: int, ticket: str, *, now: datetime
) -> tuple[Shown, Edition, UUID | None]:
    """The edition of a short-lived link, if its person may still read it; one that a key or an administrator made is
    good while the document is published. Raises TicketInvalid, UnknownDocument, UnknownEdition, FileGone."""
    query = select(Edition).where(editions.c.document_id == document_id, editions.c.number == number)
    found = (await session.scalars(query)).one_or_none()
    if found is None:
        raise UnknownDocument(document_id)
    person_id = (await downloads.opened(session, found, ticket)).person_id
    actor = await person(session, person_id) if person_id else Actor(admin=True)
    shown, found = await edition(session, actor, document_id, number, now=now)
    if person_id is None and shown.document.state is not State.PUBLISHED:
        raise UnknownDocument(document_id)
    return shown, found, person_id


async def own_link(
    session: AsyncSession, actor: Actor, document_id: UUID, number: int, *, now: datetime
) -> tuple[str, datetime]:
    """A link for the caller. What an administrator may see, their grants do not say: theirs is for whoever has it."""
    shown, found = await edition(session, actor, document_id, number, now=now)
    by_grants = replace(actor, admin=False)
    named = actor.person_id if may_read(by_grants, shown.document, now) else None
    return await downloads.link(session, found, named)


async def link_of(
    session: AsyncSession, _: Actor, document_id: UUID, number: int, person_id: UUID, *, now: datetime
) -> tuple[str, datetime]:
    """A link for the person of a mailed link, if they may still read the document."""
    found = await edition(session, await person(session, person_id), document_id, number, now=now)
    return await downloads.link(session, found[1], person_id)

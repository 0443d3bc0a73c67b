"""Reading collections, contributions and syntheses; who belongs; and the counts of theme by tag."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection as Several
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Select,
    Text,
    Uuid,
    any_,
    bindparam,
    exists,
    func,
    literal,
    or_,
    select,
    text,
)
from sqlalchemy.ext.asyncio import AsyncSession

from services.events.bodies.tables import bodies
from services.events.contributions.rules import (
    Audience,
    By,
    Collection,
    Contribution,
    Reach,
    Speaks,
    State,
    Synthesis,
    Tag,
    Theme,
    UnknownCollection,
    UnknownContribution,
    UnknownSynthesis,
    reach,
)
from services.events.contributions.tables import collections, contributions, recipients, syntheses, themes, versions
from services.events.meetings.queries import where
from services.events.organisations.tables import organisations
from services.events.people.tables import people
from services.events.policy import Right, policy
from services.events.series.tables import series
from shared import territories
from shared.access.actor import Actor, day
from shared.access.loading import network_id, network_row
from shared.runtime.paging import DEFAULT, Page, page

SEARCH = "italian_plain"
UNTAGGED = "untagged"
writers, enterers = (people.alias(name) for name in ("writers", "enterers"))


def _name(of: Any) -> Any:
    return func.trim(of.c.given_name + " " + of.c.family_name)


def region_of(territory: str | None) -> str | None:
    """The region in which a territory lies, or which it is."""
    return next((code for code in territories.load().around(territory) if len(code) == 2), None)


# --- collections ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Shown:
    """A collection with its themes, what it is of, and how much was contributed by how many."""

    collection: Collection
    themes: Sequence[Theme]
    body: Any
    series: tuple[UUID, str] | None
    contributions: int
    contributors: int
    organisations: int
    synthesis_id: UUID | None

    @property
    def version(self) -> int:
        return self.collection.version

    @property
    def place(self) -> dict[str, Any]:
        return where(self.collection.network_id, self.body)


@dataclass(frozen=True)
class Of:
    """A body, as the policy asks about it."""

    id: UUID
    title: str
    territory: str | None


def _of_it(expression: Any) -> Any:
    return select(expression).where(contributions.c.collection_id == collections.c.id).scalar_subquery()


THEMES = (
    select(
        func.coalesce(
            func.jsonb_agg(
                func.jsonb_build_array(themes.c.code, themes.c.it, themes.c.en).op("order by")(themes.c.position)
            ),
            text("'[]'::jsonb"),
        )
    )
    .where(themes.c.collection_id == collections.c.id)
    .scalar_subquery()
)
SHOWN = (
    select(
        Collection,
        THEMES.label("themes"),
        bodies.c.id.label("of_body"),
        bodies.c.title.label("body"),
        bodies.c.territory,
        series.c.title.label("series"),
        _of_it(func.count()).label("contributions"),
        _of_it(func.count(contributions.c.person_id.distinct())).label("contributors"),
        _of_it(func.count(contributions.c.organisation_id.distinct())).label("organisations"),
        select(syntheses.c.id)
        .where(syntheses.c.collection_id == collections.c.id)
        .scalar_subquery()
        .label("synthesis_id"),
    )
    .outerjoin(bodies, bodies.c.id == collections.c.body_id)
    .outerjoin(series, series.c.id == collections.c.series_id)
)


def _shown(row: Any) -> Shown:
    one: Collection = row[0]
    return Shown(
        one,
        [Theme(*given) for given in row.themes],
        Of(row.of_body, row.body, row.territory) if row.of_body is not None else None,
        (one.series_id, row.series or "") if one.series_id is not None else None,
        row.contributions,
        row.contributors,
        row.organisations,
        row.synthesis_id,
    )


async def shown(session: AsyncSession, collection_id: UUID) -> Shown:
    """Raises UnknownCollection."""
    row = (await session.execute(SHOWN.where(collections.c.id == collection_id))).one_or_none()
    if row is None:
        raise UnknownCollection(collection_id)
    return _shown(row)


async def get(session: AsyncSession, actor: Actor, collection_id: UUID, *, now: datetime) -> Shown:
    """For the whole network, and for whoever may contribute; a draft for its coordination alone."""
    found = await shown(session, collection_id)
    if policy.has(actor, Right.COLLECT_CONTRIBUTIONS, on=now, **found.place):
        return found
    if found.collection.state is State.DRAFT:
        policy.require(actor, Right.READ_COLLECTIONS, network=found.collection.network_id, on=now)
        raise UnknownCollection(collection_id)
    if actor.person_id is None or not await speaks(session, found.collection, actor.person_id, day(now)):
        policy.require(actor, Right.READ_COLLECTIONS, network=found.collection.network_id, on=now)
    return found


async def listed(
    session: AsyncSession,
    actor: Actor,
    network: str,
    *,
    body: Sequence[UUID] = (),
    series: Sequence[UUID] = (),
    state: Sequence[State] = (),
    q: str | None = None,
    updated_since: datetime | None = None,
    after: str | None = None,
    limit: int = DEFAULT,
    now: datetime,
) -> Page[Shown]:
    """The collections of a network in the order in which they were made; drafts for the coordination alone."""
    room = await network_id(session, network)
    policy.require(actor, Right.READ_COLLECTIONS, network=room, on=now)
    query = SHOWN.where(collections.c.network_id == room)
    if not policy.has(actor, Right.COLLECT_CONTRIBUTIONS, on=now, **where(room, None)):
        mine = await _bodies(session, actor, room, now)
        query = query.where(or_(collections.c.state != State.DRAFT, collections.c.body_id.in_(mine)))
    for column, values in (
        (collections.c.body_id, body),
        (collections.c.series_id, series),
        (collections.c.state, state),
    ):
        if values:
            query = query.where(column.in_(values))
    if q:
        query = query.where(collections.c.title.icontains(q, autoescape=True))
    if updated_since:
        query = query.where(collections.c.updated_at >= updated_since)
    found = await page(session, query, key=[collections.c.id], after=after, limit=limit)
    return Page([_shown(row) for row in found.items], found.next)


async def _bodies(session: AsyncSession, actor: Actor, network: UUID, now: datetime) -> list[UUID]:
    """A network has tens of bodies, and the policy alone knows which of them the actor coordinates."""
    rows = (await session.execute(select(bodies).where(bodies.c.network_id == network))).all()
    return [row.id for row in rows if policy.has(actor, Right.COLLECT_CONTRIBUTIONS, on=now, **where(network, row))]


async def for_update(session: AsyncSession, collection_id: UUID, *, shared: bool = False) -> Shown:
    """The collection, its row locked: `shared` by those who write in it, alone by who opens and closes it. Raises
    UnknownCollection."""
    one = await session.get(Collection, collection_id)
    if one is None:
        raise UnknownCollection(collection_id)
    await session.refresh(one, with_for_update={"read": shared})
    return await shown(session, collection_id)


# --- who belongs ----------------------------------------------------------------------------------------------------

HELD = "d.since <= :day and (d.ends is null or d.ends > :day)"
SPEAKS = text(
    f"""
    with asked as (
        select c.network_id, case when c.body_id is not null then array[c.body_id] else s.bodies end as bodies,
            c.body_id, c.series_id
        from collections c left join series s on s.id = c.series_id where c.id = :collection
    )
    select distinct d.id as mandate_id, d.organisation_id, coalesce(d.territory, o.municipality) as territory
    from asked a
    join mandates d on d.network_id = a.network_id and d.person_id = :person and {HELD}
    left join organisations o on o.id = d.organisation_id
    where coalesce(cardinality(a.bodies), 0) = 0 or d.body_id = any(a.bodies)
        or exists (select from seats t where t.id = d.seat_id and t.body_id = any(a.bodies))
        or exists (select from bodies b where b.id = any(a.bodies) and b.composition = 'by_territory' and (
            d.role = any(b.roles) and (b.territory is null or b.territory = any(d.within))
            or d.role = 'coordinator' and d.territory = b.territory))
    union
    select i.mandate_id, i.organisation_id, coalesce(d.territory, o.municipality)
    from asked a
    join meetings m on m.network_id = a.network_id and m.state <> 'cancelled'
        and (m.body_id = a.body_id or m.series_id = a.series_id)
    join invitations i on i.meeting_id = m.id and i.person_id = :person and i.state = 'issued'
    left join mandates d on d.id = i.mandate_id
    left join organisations o on o.id = i.organisation_id
    where i.mandate_id is null or (d.id is not null and {HELD})
    order by 1
    """  # noqa: S608 (names of our own)
).bindparams(bindparam("collection", type_=Uuid), bindparam("person", type_=Uuid))
"""By what a person may contribute: mandates in force in the body, in a body of the programme, or (for a collection of
the whole network, or of a programme without bodies) in the network; and invitations to a meeting of it."""


async def speaks(session: AsyncSession, collection: Collection, person_id: UUID, on: date) -> list[Speaks]:
    asked = {"collection": collection.id, "person": person_id, "day": on}
    return [Speaks(*row) for row in await session.execute(SPEAKS, asked)]


# --- contributions --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Written:
    """A contribution with the names of those whom it concerns and its theme's."""

    contribution: Contribution
    theme: Theme
    collection: Collection
    place: dict[str, Any]
    person: str | None
    organisation: str | None
    kind: str | None
    sections: Sequence[str]
    entered_by: str | None

    @property
    def version(self) -> int:
        return self.contribution.version


WRITTEN = (
    select(
        Contribution,
        Collection,
        themes.c.it,
        themes.c.en,
        bodies.c.id.label("of_body"),
        bodies.c.territory.label("of_territory"),
        _name(writers).label("person"),
        organisations.c.title.label("organisation"),
        organisations.c.kind,
        organisations.c.sections,
        _name(enterers).label("entered_by"),
    )
    .join(collections, collections.c.id == contributions.c.collection_id)
    .join(
        themes,
        (themes.c.collection_id == contributions.c.collection_id) & (themes.c.code == contributions.c.theme),
    )
    .outerjoin(bodies, bodies.c.id == collections.c.body_id)
    .outerjoin(writers, writers.c.id == contributions.c.person_id)
    .outerjoin(organisations, organisations.c.id == contributions.c.organisation_id)
    .outerjoin(enterers, enterers.c.id == contributions.c.entered_by)
)


def _written(row: Any) -> Written:
    one: Contribution = row[0]
    place = {"network": one.network_id, "body": row.of_body, "territory": row.of_territory}
    return Written(
        one,
        Theme(one.theme, row.it, row.en),
        row[1],
        place,
        row.person,
        row.organisation,
        row.kind,
        row.sections or (),
        row.entered_by,
    )


async def written(session: AsyncSession, contribution_id: UUID) -> Written:
    """Raises UnknownContribution."""
    row = (await session.execute(WRITTEN.where(contributions.c.id == contribution_id))).one_or_none()
    if row is None:
        raise UnknownContribution(contribution_id)
    return _written(row)


async def contribution(session: AsyncSession, actor: Actor, contribution_id: UUID, *, now: datetime) -> Written:
    """For its author, and for the coordination."""
    found = await written(session, contribution_id)
    if actor.person_id is None or actor.person_id != found.contribution.person_id:
        policy.require(actor, Right.READ_CONTRIBUTIONS, on=now, **found.place)
    return found


@dataclass(frozen=True)
class Filter:
    """What is asked of contributions: the same in lists and in counts. Repeated values are alternatives."""

    theme: Sequence[str] = ()
    tag: Sequence[str] = ()
    kind: Sequence[str] = ()
    section: Sequence[str] = ()
    territory: Sequence[str] = ()
    organisation: Sequence[UUID] = ()
    person: Sequence[UUID] = ()
    q: str | None = None
    updated_since: datetime | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        c, o = contributions.c, organisations.c
        asked: list[ColumnElement[bool]] = [
            column.in_(values)
            for column, values in (
                (c.theme, self.theme),
                (o.kind, self.kind),
                (c.organisation_id, self.organisation),
                (c.person_id, self.person),
            )
            if values
        ]
        if self.tag:
            alternatives = [
                func.cardinality(c.tags) == 0 if tag == UNTAGGED else literal(tag) == any_(c.tags)
                for tag in sorted(set(self.tag))
            ]
            asked.append(or_(*alternatives))
        if self.section:
            asked.append(o.sections.op("&&")(literal(list(self.section), ARRAY(Text))))
        if self.territory:
            asked.append(or_(*(_lies_in(code) for code in self.territory)))
        if self.q:
            asked.append(c.search.op("@@")(func.websearch_to_tsquery(text(f"'{SEARCH}'::regconfig"), self.q)))
        if self.updated_since:
            asked.append(c.updated_at >= self.updated_since)
        return asked


def _lies_in(code: str) -> ColumnElement[bool]:
    """In the territory with this code, or in one that lies in it."""
    inside = territories.load().codes_within(code)
    return or_(contributions.c.territory.in_([code, *inside]), contributions.c.region == code)


async def contributed(
    session: AsyncSession,
    actor: Actor,
    collection_id: UUID,
    asked: Filter,
    *,
    after: str | None = None,
    limit: int = DEFAULT,
    now: datetime,
) -> Page[Written]:
    """What was contributed, in the order in which it came: all of it for the coordination, their own for others."""
    found = await get(session, actor, collection_id, now=now)
    query = WRITTEN.where(contributions.c.collection_id == collection_id, *asked.conditions())
    if not policy.has(actor, Right.READ_CONTRIBUTIONS, on=now, **found.place):
        query = query.where(contributions.c.person_id == actor.person_id)
    rows = await page(session, query, key=[contributions.c.id], after=after, limit=limit)
    return Page([_written(row) for row in rows.items], rows.next)


# --- counts ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Cell:
    """How much was contributed to a theme, by those of one `group` where a count is parted; each tag by itself: one
    contribution may have several."""

    theme: Theme
    group: str | None
    contributions: int
    tags: dict[str, int]


@dataclass(frozen=True)
class Counted:
    """The counts of a collection, every theme (and group) there is, also where nothing was contributed."""

    collection_id: UUID
    title: str
    contributions: int
    contributors: int
    organisations: int
    cells: Sequence[Cell] = field(default_factory=tuple)

    @property
    def themes(self) -> list[str]:
        return list(dict.fromkeys(cell.theme.code for cell in self.cells))


GROUPS: dict[By | None, str] = {
    None: "array[null::text]",
    By.KIND: "array[coalesce(o.kind, '')]",
    By.SECTION: "case when coalesce(cardinality(o.sections), 0) = 0 then array[''] else o.sections end",
    By.REGION: "array[coalesce(c.region, '')]",
}


def _counting(by: By | None) -> Any:
    return text(
        f"""
        with asked as (select id, title from collections where id = any(:collections)),
        written as (
            select c.id, c.collection_id, c.theme, c.tags, c.person_id, c.organisation_id, {GROUPS[by]} as groups
            from contributions c left join organisations o on o.id = c.organisation_id
            where c.collection_id = any(:collections)
        ),
        groups as (
            select distinct w.collection_id, g.code from written w cross join unnest(w.groups) as g(code)
            union select id, null from asked where :whole
        ),
        totals as (
            select collection_id, count(*) as contributions, count(distinct person_id) as contributors,
                count(distinct organisation_id) as organisations
            from written group by collection_id
        )
        select a.id, a.title, t.code, t.it, t.en, g.code as grouped,
            coalesce(s.contributions, 0) as contributions, coalesce(s.contributors, 0) as contributors,
            coalesce(s.organisations, 0) as organisations,
            count(w.id) as total,
            count(w.id) filter (where 'strength' = any(w.tags)) as strength,
            count(w.id) filter (where 'weakness' = any(w.tags)) as weakness,
            count(w.id) filter (where 'development' = any(w.tags)) as development,
            count(w.id) filter (where w.tags = '{{}}') as untagged
        from asked a
        left join totals s on s.collection_id = a.id
        left join collection_themes t on t.collection_id = a.id
        left join groups g on g.collection_id = a.id
        left join written w on w.collection_id = a.id and w.theme = t.code
            and (g.code is null or g.code = any(w.groups))
        group by a.id, a.title, t.code, t.it, t.en, t.position, g.code, s.contributions, s.contributors, s.organisations
        order by a.id, t.position, g.code nulls first
        """  # noqa: S608 (names of our own)
    ).bindparams(bindparam("collections", type_=ARRAY(Uuid)))


COUNTING = {by: _counting(by) for by in GROUPS}
TAGS = (*(str(tag) for tag in Tag), UNTAGGED)


async def counts(
    session: AsyncSession,
    *,
    collection_id: UUID | None = None,
    series_id: UUID | None = None,
    by: By | None = None,
) -> list[Counted]:
    """Theme by tag (by kind of organisation, section or region) of a collection, or of all collections of a programme
    that were opened; zeroes included. One statement. An organisation in two sections counts in both."""
    if collection_id is not None:
        ids: Several[UUID] = [collection_id]
    else:
        asked = select(collections.c.id).where(collections.c.series_id == series_id, collections.c.state != State.DRAFT)
        ids = list(await session.scalars(asked))
    if not ids:
        return []
    rows = (await session.execute(COUNTING[by], {"collections": list(ids), "whole": by is None})).all()
    cells: dict[UUID, list[Cell]] = defaultdict(list)
    for row in rows:
        if row.code is not None and not (by is not None and row.grouped is None):
            tags = {tag: getattr(row, tag) for tag in TAGS}
            cells[row.id].append(Cell(Theme(row.code, row.it, row.en), row.grouped, row.total, tags))
    heads = {row.id: row for row in rows}
    return [
        Counted(id_, row.title, row.contributions, row.contributors, row.organisations, tuple(cells[id_]))
        for id_, row in heads.items()
    ]


async def counted(
    session: AsyncSession,
    actor: Actor,
    collection_id: UUID,
    *,
    by: By | None = None,
    after: str | None = None,  # noqa: ARG001 (a whole list is one page)
    limit: int = DEFAULT,  # noqa: ARG001
    now: datetime,
) -> Page[Cell]:
    """For whoever may read the collection: figures name nobody."""
    await get(session, actor, collection_id, now=now)
    (found,) = await counts(session, collection_id=collection_id, by=by)
    return Page(found.cells, None)


# --- syntheses ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Sheet:
    """A synthesis with its collection, and the network that issues it."""

    synthesis: Synthesis
    collection: Shown
    network: Any
    issued: Any
    """The row of the last issued version, if there is one."""

    @property
    def version(self) -> int:
        return self.synthesis.version


async def sheet(session: AsyncSession, synthesis_id: UUID) -> Sheet:
    """Raises UnknownSynthesis."""
    one = await session.get(Synthesis, synthesis_id)
    if one is None:
        raise UnknownSynthesis(synthesis_id)
    return Sheet(
        one,
        await shown(session, one.collection_id),
        await network_row(session, str(one.network_id)),
        await issued(session, one.id, one.number) if one.number else None,
    )


async def issued(session: AsyncSession, synthesis_id: UUID, number: int) -> Any:
    """The row of an issued version; raises UnknownSynthesis."""
    query = select(versions).where(versions.c.synthesis_id == synthesis_id, versions.c.number == number)
    row = (await session.execute(query)).one_or_none()
    if row is None:
        raise UnknownSynthesis(synthesis_id)
    return row


def drafts(actor: Actor, found: Sheet, now: datetime) -> bool:
    """Whether the actor sees the text on which somebody is working."""
    return policy.has(actor, Right.WRITE_SYNTHESES, on=now, **found.collection.place)


async def synthesis(session: AsyncSession, actor: Actor, synthesis_id: UUID, *, now: datetime) -> Sheet:
    """Once it was issued for the whole network and those to whom it was sent; before, for those who write it."""
    found = await sheet(session, synthesis_id)
    if drafts(actor, found, now):
        return found
    if not await _sent_to(session, actor, synthesis_id):
        policy.require(actor, Right.READ_COLLECTIONS, network=found.synthesis.network_id, on=now)
    if not found.synthesis.number:
        raise UnknownSynthesis(synthesis_id)
    return found


async def _sent_to(session: AsyncSession, actor: Actor, synthesis_id: UUID) -> bool:
    if actor.person_id is None:
        return False
    theirs = exists().where(recipients.c.synthesis_id == synthesis_id, recipients.c.person_id == actor.person_id)
    return bool(await session.scalar(select(theirs)))


@dataclass(frozen=True)
class Issued:
    """An issued version, with what it is of and the network that issued it."""

    row: Any
    sheet: Sheet
    names: dict[str, Theme]


async def version(session: AsyncSession, actor: Actor, synthesis_id: UUID, number: int, *, now: datetime) -> Issued:
    found = await synthesis(session, actor, synthesis_id, now=now)
    return _issued(found, await issued(session, synthesis_id, number))


def _issued(found: Sheet, row: Any) -> Issued:
    return Issued(row, found, {theme.code: theme for theme in found.collection.themes})


async def linked(
    session: AsyncSession,
    actor: Actor,  # noqa: ARG001 (whoever has the link)
    synthesis_id: UUID,
    number: int | None,
    *,
    now: datetime,  # noqa: ARG001
) -> Issued:
    """What a mailed link shows: the last version, or the one asked for. Raises UnknownSynthesis."""
    found = await sheet(session, synthesis_id)
    return _issued(found, await issued(session, synthesis_id, number or found.synthesis.number))


async def issued_versions(
    session: AsyncSession,
    actor: Actor,
    synthesis_id: UUID,
    *,
    after: str | None = None,
    limit: int = DEFAULT,
    now: datetime,
) -> Page[Issued]:
    """From the first to the last."""
    found = await synthesis(session, actor, synthesis_id, now=now)
    query = select(*versions.c).where(versions.c.synthesis_id == synthesis_id)
    rows = await page(session, query, key=[versions.c.number], after=after, limit=limit)
    return Page([_issued(found, row) for row in rows.items], rows.next)


async def texts(
    session: AsyncSession, actor: Actor, synthesis_id: UUID, older: int, newer: int | None, *, now: datetime
) -> tuple[str, str]:
    """Two versions to be compared; without `newer` the draft, or the last issued one for those who do not see it."""
    found = await synthesis(session, actor, synthesis_id, now=now)
    before = await issued(session, synthesis_id, older)
    if newer is None and drafts(actor, found, now):
        return before.text, found.synthesis.text
    return before.text, (await issued(session, synthesis_id, newer or found.synthesis.number)).text


# --- to whom it is sent ---------------------------------------------------------------------------------------------

names = people.alias("names")
HOLDERS = """
    select distinct on (d.person_id) d.person_id, d.organisation_id, d.role, d.territory
    from mandates d
    left join organisations o on o.id = d.organisation_id
    left join seats t on t.id = d.seat_id
    where d.network_id = :network and d.role = any(:roles) and d.since <= :day and (d.ends is null or d.ends > :day)
        and (cardinality(:bodies) = 0 or d.body_id = any(:bodies) or t.body_id = any(:bodies))
        and (cardinality(:territories) = 0 or d.within && :territories)
        and (cardinality(:kinds) = 0 or o.kind = any(:kinds))
        and (cardinality(:reaches) = 0 or case when d.territory is null then 'national'
            when length(d.territory) = 2 or d.territory in ('021', '022') then 'regional'
            else 'territorial' end = any(:reaches))
    order by d.person_id, d.since, d.id
"""
AUDIENCE = [
    bindparam("bodies", type_=ARRAY(Uuid)),
    *(bindparam(name, type_=ARRAY(Text)) for name in ("roles", "territories", "kinds", "reaches")),
]
RECIPIENTS = text(HOLDERS).bindparams(*AUDIENCE)


def asked_of(audience: Audience, network: UUID, on: date) -> dict[str, Any]:
    """The values of HOLDERS."""
    return {
        "network": network,
        "day": on,
        "roles": list(audience.roles),
        "bodies": list(audience.bodies),
        "territories": list(audience.territories),
        "kinds": list(audience.kinds),
        "reaches": [str(one) for one in audience.reaches],
    }


@dataclass(frozen=True)
class Recipient:
    person_id: UUID
    person: str
    organisation_id: UUID | None
    organisation: str | None
    role: str
    territory: str | None

    @property
    def reach(self) -> Reach:
        return reach(self.territory)


async def would_be_sent(
    session: AsyncSession,
    actor: Actor,
    synthesis_id: UUID,
    audience: Audience,
    *,
    after: str | None = None,
    limit: int = DEFAULT,
    now: datetime,
) -> Page[Recipient]:
    """To whom it would be sent today."""
    found = await sheet(session, synthesis_id)
    policy.require(actor, Right.ISSUE_SYNTHESES, on=now, **found.collection.place)
    columns = (
        recipients.c.person_id,
        recipients.c.organisation_id,
        recipients.c.role,
        recipients.c.territory,
    )
    asked = asked_of(audience, found.synthesis.network_id, day(now))
    holders = RECIPIENTS.bindparams(**asked).columns(*columns).subquery("holders")
    rows = await page(session, _named(holders), key=[holders.c.person_id], after=after, limit=limit)
    return Page([_recipient(row) for row in rows.items], rows.next)


async def sent_to(
    session: AsyncSession,
    actor: Actor,
    synthesis_id: UUID,
    number: int,
    *,
    after: str | None = None,
    limit: int = DEFAULT,
    now: datetime,
) -> Page[Recipient]:
    """To whom a version was sent, by the mandate that they held then: for the coordination."""
    found = await sheet(session, synthesis_id)
    policy.require(actor, Right.ISSUE_SYNTHESES, on=now, **found.collection.place)
    await issued(session, synthesis_id, number)
    query = _named(recipients).where(recipients.c.synthesis_id == synthesis_id, recipients.c.number == number)
    rows = await page(session, query, key=[recipients.c.person_id], after=after, limit=limit)
    return Page([_recipient(row) for row in rows.items], rows.next)


def _named(holders: Any) -> Select[Any]:
    return (
        select(
            holders.c.person_id,
            _name(names).label("person"),
            holders.c.organisation_id,
            organisations.c.title.label("organisation"),
            holders.c.role,
            holders.c.territory,
        )
        .select_from(holders)
        .outerjoin(names, names.c.id == holders.c.person_id)
        .outerjoin(organisations, organisations.c.id == holders.c.organisation_id)
    )


def _recipient(row: Any) -> Recipient:
    return Recipient(row.person_id, row.person or "", row.organisation_id, row.organisation, row.role, row.territory)

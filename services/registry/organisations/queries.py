"""Reading organisations as the members of a network, and locking what a command changes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import (
    CTE,
    ColumnElement,
    Date,
    DateTime,
    Select,
    Text,
    and_,
    bindparam,
    case,
    distinct,
    exists,
    false,
    func,
    literal,
    or_,
    select,
    text,
    true,
)
from sqlalchemy.dialects.postgresql import ARRAY, aggregate_order_by
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm.attributes import set_committed_value

from services.registry.merges.tables import merges
from services.registry.networks import queries as networks
from services.registry.organisations import rules
from services.registry.organisations.rules import Membership, Organisation, State
from services.registry.organisations.tables import directory, directory_facets, memberships, organisations
from services.registry.policy import Right, policy
from services.registry.sharings.rules import What
from services.registry.sharings.tables import sharings
from shared import territories
from shared.access.actor import Actor, day
from shared.runtime.paging import DEFAULT, Page, page
from shared.runtime.problems import Invalid, NotFound


@dataclass(frozen=True)
class Sight:
    """How a reader sees the members of a network: from inside, or from a network with which it shares them; and whether
    with the contacts that it notes of them."""

    inside: bool = True
    contacts: bool = True


FULL = Sight()


@dataclass(frozen=True)
class Member:
    """An organisation, the name of its parent, and its membership as far as the reader may see one."""

    organisation: Organisation
    membership: Membership | None
    parent: str | None = None
    sight: Sight = FULL

    @property
    def version(self) -> int:
        return self.organisation.version


class Belonging(Member):
    """A member looked at by its membership: the version, and so the ETag, is the membership's."""

    @property
    def version(self) -> int:
        assert self.membership is not None
        return self.membership.version


class Merged(Exception):
    """It was a duplicate of another organisation, which stands for it."""

    def __init__(self, into_id: UUID, name: str) -> None:
        super().__init__(str(into_id))
        self.into_id, self.name = into_id, name
        href = f"/registry/v1/organisations/{into_id}"
        self.more = {"into": {"id": str(into_id), "name": name, "href": href}}
        self.headers = {"location": href}


parents = organisations.alias("parents")
ORDER = [directory.c.name, directory.c.organisation_id]


def _members() -> Select[Any]:
    return (
        select(Organisation, Membership, parents.c.title)
        .join(memberships, memberships.c.organisation_id == organisations.c.id)
        .outerjoin(parents, parents.c.id == organisations.c.parent_id)
    )


async def listed(
    session: AsyncSession,
    actor: Actor,
    ref: str,
    *,
    territory: Sequence[str] = (),
    kind: Sequence[str] = (),
    section: Sequence[str] = (),
    state: Sequence[str] = (),
    parent: Sequence[UUID] = (),
    on: date | None = None,
    q: str | None = None,
    updated_since: datetime | None = None,
    sort: str | None = None,
    after: str | None = None,
    limit: int = DEFAULT,
    now: datetime,
) -> Page[Member]:
    """The members of a network. `on` is the day on which states and sections are looked at (today); a territory
    includes what lies in it, and an organisation is in it by its seat or by its work. With `q` and no `sort` the best
    come first. Raises InvalidOrganisation.

    A page of the directory is read first, and then its members: a plan cannot go wrong on the way.
    """
    network_id = await networks.id_of(session, ref)
    sight = await seen_as(session, actor, network_id, now)
    codes, by = rules.territory_codes(territory), sort or "name"
    states = list(state) if sight.inside else [State.ACTIVE]
    chosen = kind or section or parent or on or q or updated_since or by.endswith("updated")
    if len(codes) == 1 and not chosen and (not states or State.ACTIVE in states):
        query, order = _of_place(network_id, codes[0], states)
    else:
        query = select(directory.c.organisation_id).where(directory.c.network_id == network_id)
        query = query.where(*_places(codes, by), *_chosen(kind, parent), *_entered(section, on or day(now)))
        query, order = query.where(*_in_state(states, on)), ORDER
        if updated_since:
            query = query.where(directory.c.updated_at >= updated_since)
    if q and q.strip() and sort is None:
        found = await _best_first(session, query, q.strip(), after, limit)
    else:
        if q and q.strip():
            query = query.where(await _found_by(session, query, q.strip()))
        key = [directory.c.updated_at, directory.c.organisation_id] if by.endswith("updated") else order
        found = await page(session, query, key=key, after=after, limit=limit, descending=by.startswith("-"))
    return Page(await _loaded(session, network_id, [_id(row) for row in found.items], sight), found.next)


@dataclass(frozen=True)
class Figures:
    """How many of `of` members are what, by code; in more than one place or section a member counts in each, once."""

    on: date
    of: int
    by: dict[str, dict[str, int]]


async def statistics(
    session: AsyncSession,
    actor: Actor,
    ref: str,
    *,
    territory: Sequence[str] = (),
    kind: Sequence[str] = (),
    section: Sequence[str] = (),
    state: Sequence[str] = (),
    parent: Sequence[UUID] = (),
    on: date | None = None,
    now: datetime,
) -> Figures:
    """Members in these states (active if not said) on the day `on` (today), under the filters of the list. Three
    statements, of the members' number in cost."""
    network_id = await networks.id_of(session, ref)
    policy.require(actor, Right.READ_ORGANISATIONS, network=network_id, on=now)
    at = on or day(now)
    base = select(directory.c.network_id, directory.c.organisation_id).where(directory.c.network_id == network_id)
    base = base.where(*_places(rules.territory_codes(territory)), *_chosen(kind, parent), *_entered(section, at))
    chosen = base.where(*_in_state(state or [State.ACTIVE], at)).cte("chosen")
    known = select(organisations.c.kind, func.coalesce(organisations.c.ownership, "unknown").label("ownership"))
    known = known.join(chosen, chosen.c.organisation_id == organisations.c.id)
    by: dict[str, dict[str, int]] = {"kind": {}, "ownership": {}, "section": {}, "region": {}, "province": {}}
    counted = known.add_columns(func.count()).group_by(organisations.c.kind, organisations.c.ownership)
    for row in await session.execute(counted):
        for what, code in (("kind", row.kind), ("ownership", row.ownership)):
            by[what][code] = by[what].get(code, 0) + row[2]
    entered = (
        select(text("s.section"), func.count(distinct(organisations.c.id)))
        .select_from(organisations)
        .join(chosen, chosen.c.organisation_id == organisations.c.id)
        .join(text(SECTIONS_OF), text("coalesce(s.since <= :day, true) and coalesce(s.until > :day, true)"))
        .group_by(text("s.section"))
    )
    by["section"] = {row[0]: row[1] for row in await session.execute(entered, {"day": at})}
    by |= await _by_place(session, chosen)
    return Figures(at, sum(by["kind"].values()), by)


SECTIONS_OF = "jsonb_to_recordset(organisations.sections) s(section text, since date, until date)"


async def _by_place(session: AsyncSession, chosen: CTE) -> dict[str, dict[str, int]]:
    """How many have their seat or work in each region and province."""
    italy = territories.load()
    facet = directory_facets.c
    here = and_(chosen.c.network_id == facet.network_id, chosen.c.organisation_id == facet.organisation_id)
    found: dict[str, dict[str, int]] = {"region": {}, "province": {}}
    for what, wholes in (("region", italy.regions), ("province", italy.provinces)):
        codes = literal([whole.code for whole in wholes], ARRAY(Text))
        query = select(facet.facet, func.count()).select_from(directory_facets).join(chosen, here)
        rows = await session.execute(query.where(facet.facet == func.any(codes)).group_by(facet.facet))
        found[what] = {row[0]: row[1] for row in rows}
    return found


def _id(row: Any) -> UUID:
    return row if isinstance(row, UUID) else row[0]


async def _loaded(session: AsyncSession, network_id: UUID, ids: Sequence[UUID], sight: Sight) -> list[Member]:
    """Members in the order of these ids."""
    if not ids:
        return []
    query = _members().where(memberships.c.network_id == network_id, memberships.c.organisation_id == func.any(ids))
    found = {row[0].id: Member(row[0], row[1], row[2], sight) for row in await session.execute(query)}
    return [found[id_] for id_ in ids if id_ in found]


async def seen_as(session: AsyncSession, actor: Actor, network_id: UUID, now: datetime) -> Sight:
    """How the actor sees this network's members. Raises Forbidden when they are not the actor's to see."""
    if policy.has(actor, Right.READ_ORGANISATIONS, network=network_id, on=now):
        return FULL
    query = select(SHARED.c.what).where(*_shared_with(actor, now), SHARED.c.network_id == network_id)
    shown = set(await session.scalars(query))
    if What.MEMBERS not in shown:
        policy.require(actor, Right.READ_ORGANISATIONS, network=network_id, on=now)
    return Sight(inside=False, contacts=What.CONTACTS in shown)


SHARED = select(
    sharings.c.network_id,
    sharings.c.with_network_id,
    sharings.c.since,
    sharings.c.until,
    func.unnest(sharings.c.what).label("what"),
).subquery("shared")


def _shared_with(actor: Actor, now: datetime) -> list[ColumnElement[bool]]:
    """In force today, with a network in which the actor reads organisations."""
    own = {n for n in actor.networks(now) if policy.has(actor, Right.READ_ORGANISATIONS, network=n, on=now)}
    today = day(now)
    running = and_(SHARED.c.since <= today, or_(SHARED.c.until.is_(None), SHARED.c.until > today))
    return [SHARED.c.with_network_id.in_(own), running]


# --- what lists choose by --------------------------------------------------------------------------------------------


def _of_place(network_id: UUID, code: str, states: Sequence[str]) -> tuple[Select[Any], Sequence[ColumnElement[Any]]]:
    """Who has its seat or its work in a territory, and the columns of their order: read from one index, from where the
    page begins, where a join would at times collect and sort a whole region. The state is looked up row by row, which
    is for states that most members are in."""
    placed = directory_facets.alias("placed")
    query = select(placed.c.organisation_id).where(placed.c.network_id == network_id, placed.c.facet == code)
    if states:
        same = (directory.c.network_id == placed.c.network_id, directory.c.organisation_id == placed.c.organisation_id)
        query = query.where(_each(select(directory.c.state).where(*same, directory.c.state.in_(states))))
    return query, [placed.c.name, placed.c.organisation_id]


def _each(query: Select[Any]) -> ColumnElement[bool]:
    """Whether there is any, asked of each row in the order of the list: an offset keeps the database from a join."""
    return query.offset(0).exists()


def _places(codes: Sequence[str], by: str = "name") -> list[ColumnElement[bool]]:
    """In one of these territories, by its seat or by its work, and so in what they lie in. So many are in a region that
    reading on by time finds a page sooner than collecting all of them."""
    if not codes:
        return []
    if by.endswith("updated") and all(territories.load().kind_of(code) == "region" for code in codes):
        return [_each(_facet(codes))]
    return [_has_facet(codes)]


def _has_facet(codes: Sequence[str]) -> ColumnElement[bool]:
    """Under one of these codes in the directory. For one code its rows are in the order of the list already."""
    return _facet(codes).exists()


def _facet(codes: Sequence[str]) -> Select[Any]:
    facet = directory_facets.c
    alone = facet.facet == codes[0] if len(codes) == 1 else facet.facet == func.any(literal(list(codes), ARRAY(Text)))
    same = (facet.network_id == directory.c.network_id, facet.name == directory.c.name)
    return select(facet.facet).where(*same, facet.organisation_id == directory.c.organisation_id, alone)


def _chosen(kind: Sequence[str], parent: Sequence[UUID]) -> list[ColumnElement[bool]]:
    chosen = [directory.c.kind == kind[0] if len(kind) == 1 else directory.c.kind.in_(kind)] if kind else []
    return chosen + ([directory.c.parent_id.in_(parent)] if parent else [])


def _in_state(state: Sequence[str], on: date | None) -> list[ColumnElement[bool]]:
    if on is None:
        return [directory.c.state.in_(state)] if state else []
    query = exists().where(
        memberships.c.network_id == directory.c.network_id,
        memberships.c.organisation_id == directory.c.organisation_id,
        _state_on(on).in_(state) if state else _state_on(on).is_not(None),
    )
    return [query]


def _state_on(on: date) -> ColumnElement[Any]:
    """`Membership.state_on` where the database has to choose rows by it."""
    before = text(
        "(select past ->> 'state' from jsonb_array_elements(memberships.history) with ordinality h(past, place)"
        " where (past ->> 'since')::date <= :on order by place desc limit 1)"
    ).bindparams(on=on)
    return case((memberships.c.since <= on, memberships.c.state), else_=before)


def _entered(section: Sequence[str], on: date) -> list[ColumnElement[bool]]:
    """In one of these sections on that day: first by the directory, which does not know the days."""
    if not section:
        return []
    dated = text(
        "exists (select 1 from organisations, jsonb_to_recordset(organisations.sections)"
        " s(section text, since date, until date) where organisations.id = directory.organisation_id"
        " and s.section = any(:sections) and coalesce(s.since <= :day, true) and coalesce(s.until > :day, true))"
    ).bindparams(bindparam("sections", list(section), ARRAY(Text)), bindparam("day", on, Date))
    return [_has_facet(section), dated]  # type: ignore[list-item]


# --- search ----------------------------------------------------------------------------------------------------------

CODE = re.compile(r"(?:IT)?(\d{5,11}|[A-Z]{6}\d[0-9A-Z]{1,9})")
SIMILAR = 0.4
"""How alike (pg_trgm, 0 to 1) two words are when one may be a slip of the pen: `leco` and `lecco` are 0.57."""
MEANT = 8
"""How many words of names one word may have meant."""


async def _best_first(session: AsyncSession, query: Select[Any], q: str, after: str | None, limit: int) -> Page[Any]:
    """First who bears that tax code, then names that begin with it, then names with all its words in any order; when
    there are none of these, names with words like them. Each by name. The cursor says in which part it stands: every
    part is read in the order of an index, and a later one only when the page is not full yet."""
    folded: str = (await session.execute(select(func.fold(q)))).scalar_one()
    words = _words(folded)
    all_there = _with_all(words, folded)
    begins = directory.c.name.startswith(folded, autoescape=True)
    parts = [*([] if (code := _by_code(q)) is None else [code]), begins, and_(all_there, ~begins)]
    first, within = _place(after, len(parts) + 1)
    items: list[Any] = []
    for number in range(first, len(parts)):
        found = await page(
            session, query.where(parts[number]), key=ORDER, after=within, limit=max(limit - len(items), 1)
        )
        if len(items) == limit and found.items:
            return Page(items, f"{number}.")
        items += found.items
        if found.next is not None:
            return Page(items, f"{number}.{found.next}")
        within = None
    if items or (after is not None and within is None):
        return Page(items, None)
    near = query.where(await _nearly(session, words))
    found = await page(session, near, key=ORDER, after=within, limit=limit)
    return Page(found.items, found.next and f"{len(parts)}.{found.next}")


def _place(after: str | None, parts: int) -> tuple[int, str | None]:
    if after is None:
        return 0, None
    number, dot, within = after.partition(".")
    if not dot or len(number) != 1 or not number.isdecimal() or int(number) >= parts:
        raise Invalid("?after", "cursor", "`next` of a page of this same list")
    return int(number), within or None


async def _found_by(session: AsyncSession, query: Select[Any], q: str) -> ColumnElement[bool]:
    """All that `_best_first` would find, for another order."""
    folded: str = (await session.execute(select(func.fold(q)))).scalar_one()
    words = _words(folded)
    code = _by_code(q)
    there = or_(_with_all(words, folded), *([] if code is None else [code]))
    if await session.scalar(select(query.where(there).exists())):
        return there
    return await _nearly(session, words)


def _words(folded: str) -> list[str]:
    return list(dict.fromkeys(word for word in re.split("[^a-z0-9]+", folded) if word))[:10]


def _by_code(q: str) -> ColumnElement[bool] | None:
    """The tax code begins so; None when what is asked for is none."""
    code = CODE.fullmatch(re.sub(r"[\s.\-/]", "", q).upper())
    if code is None:
        return None
    bearing = select(organisations.c.id).where(organisations.c.tax_code.startswith(code[1]))
    return directory.c.organisation_id.in_(bearing)


def _with_all(words: Sequence[str], folded: str) -> ColumnElement[bool]:
    """All words, in any order; of signs alone, the signs."""
    return and_(*map(_with, words)) if words else directory.c.name.contains(folded, autoescape=True)


def _with(word: str) -> ColumnElement[bool]:
    """Somewhere in the name; of one or two letters, at the beginning of a word of it."""
    return directory.c.name.contains(word) if len(word) > 2 else directory.c.name.regexp_match(rf"\m{word}")


async def _nearly(session: AsyncSession, words: Sequence[str]) -> ColumnElement[bool]:
    """Each word, or one that it may have meant, is in the name.

    What a word may have meant is found among the words of all names, whose number does not grow with that of names.
    """
    meant: dict[str, list[str]] = {word: [] for word in words}
    for row in await session.execute(LIKE, {"words": [word for word in words if len(word) > 3]}):
        meant[row.asked].append(row.word)
    if not any(meant.values()):
        return false()
    near = [or_(_with(word), *(directory.c.name.contains(other) for other in others)) for word, others in meant.items()]
    return and_(*near)


LIKE = text(
    "select asked, k.word from unnest(:words) asked cross join lateral ("
    " select word, max(similarity(word, asked)) as alike from name_words where word % asked and word <> asked"
    " and similarity(word, asked) >= :similar group by word order by alike desc, word limit :meant) k"
).bindparams(bindparam("words", type_=ARRAY(Text)), similar=SIMILAR, meant=MEANT)


# --- single ones -----------------------------------------------------------------------------------------------------


async def membership_page(
    session: AsyncSession,
    actor: Actor,
    ref: str,
    *,
    state: Sequence[str] = (),
    on: date | None = None,
    organisation: Sequence[UUID] = (),
    updated_since: datetime | None = None,
    after: str | None = None,
    limit: int = DEFAULT,
    now: datetime,
) -> Page[Member]:
    """The memberships of a network in the order in which they were made."""
    network_id = await networks.id_of(session, ref)
    policy.require(actor, Right.READ_ORGANISATIONS, network=network_id, on=now)
    query = _members().where(memberships.c.network_id == network_id)
    if state:
        query = query.where(_state_on(on or day(now)).in_(state))
    elif on:
        query = query.where(_state_on(on).is_not(None))
    if organisation:
        query = query.where(memberships.c.organisation_id.in_(organisation))
    if updated_since:
        query = query.where(memberships.c.updated_at >= updated_since)
    found = await page(session, query, key=[memberships.c.id], after=after, limit=limit)
    return Page([Member(row[0], row[1], row[2]) for row in found.items], found.next)


async def get(session: AsyncSession, actor: Actor, organisation_id: UUID, *, now: datetime) -> Member:
    """The organisation, with its membership in the first of its networks that the reader may see. Raises NotFound also
    when there is no such network: ids do not tell who exists."""
    organisation = await session.get(Organisation, organisation_id)
    if organisation is None:
        raise await gone(session, actor, organisation_id, now)
    membership = await _seen(session, actor, organisation_id, Right.READ_ORGANISATIONS, now)
    if membership is not None or actor.admin:
        return await member(session, organisation, membership)
    shown = await _shown(session, actor, now, memberships.c.organisation_id == organisation_id)
    if shown is None:
        raise NotFound
    return replace(await member(session, organisation, shown[0]), sight=shown[1])


async def gone(session: AsyncSession, actor: Actor, organisation_id: UUID, now: datetime) -> Exception:
    """Merged, naming who stands for it, to those who may read that one; NotFound to others, and when nobody does."""
    query = select(organisations.c.id, organisations.c.title).join(merges, merges.c.into_id == organisations.c.id)
    into = (await session.execute(query.where(merges.c.id == organisation_id))).one_or_none()
    if into is None:
        return NotFound()
    if not actor.admin and await _seen(session, actor, into.id, Right.READ_ORGANISATIONS, now) is None:
        return NotFound()
    return Merged(into.id, into.title)


async def get_membership(session: AsyncSession, actor: Actor, membership_id: UUID, *, now: datetime) -> Belonging:
    membership = await session.get(Membership, membership_id)
    if membership is None:
        raise NotFound
    if policy.has(actor, Right.READ_ORGANISATIONS, network=membership.network_id, on=now):
        return await belonging(session, membership)
    shown = await _shown(session, actor, now, memberships.c.id == membership_id)
    if shown is None:
        raise NotFound
    return replace(await belonging(session, membership), sight=shown[1])


async def _shown(
    session: AsyncSession, actor: Actor, now: datetime, which: ColumnElement[bool]
) -> tuple[Membership, Sight] | None:
    """An active membership of another network, which shares its members with one of the actor's; with contacts if
    there is such a one."""
    what = func.array_agg(aggregate_order_by(SHARED.c.what, SHARED.c.what)).label("what")
    query = (
        select(memberships.c.id, what)
        .join(SHARED, SHARED.c.network_id == memberships.c.network_id)
        .where(which, memberships.c.state == State.ACTIVE, *_shared_with(actor, now))
        .group_by(memberships.c.id)
        .having(func.bool_or(SHARED.c.what == What.MEMBERS))
        .order_by(func.bool_or(SHARED.c.what == What.CONTACTS).desc(), memberships.c.id)
        .limit(1)
    )
    found = (await session.execute(query)).one_or_none()
    if found is None:
        return None
    membership = await session.get_one(Membership, found.id)
    return membership, Sight(inside=False, contacts=What.CONTACTS in found.what)


async def organisation_for_update(
    session: AsyncSession, actor: Actor, organisation_id: UUID, now: datetime
) -> Organisation:
    """Locked. Raises NotFound when the actor may not even read it."""
    lock = {"key_share": True}  # a designation holds the membership and refers to the organisation
    organisation = await session.get(Organisation, organisation_id, with_for_update=lock)
    if organisation is None:
        raise await gone(session, actor, organisation_id, now)
    if not actor.admin and await _seen(session, actor, organisation_id, Right.READ_ORGANISATIONS, now) is None:
        raise NotFound
    return organisation


async def locked(session: AsyncSession, ids: Iterable[UUID]) -> dict[UUID, Organisation]:
    """Those that exist, by id and in that order, as they are now; no key lock: who refers to one does not wait."""
    query = select(Organisation).where(organisations.c.id.in_(sorted(set(ids)))).order_by(organisations.c.id)
    query = query.with_for_update(key_share=True).execution_options(populate_existing=True)
    return {one.id: one for one in (await session.execute(query)).scalars()}


async def standing_for(session: AsyncSession, ids: Iterable[UUID]) -> dict[UUID, UUID]:
    """Of those of these that were merged, who stands for them."""
    asked = sorted(set(ids))
    query = select(merges.c.id, merges.c.into_id).where(merges.c.id.in_(asked))
    return {row[0]: row[1] for row in await session.execute(query)} if asked else {}


async def by_tax_code(session: AsyncSession, codes: Iterable[str]) -> dict[str, Organisation]:
    """Who bears these tax codes, or stands for a duplicate that bore one; locked as `locked` does."""
    asked = sorted(set(codes))
    bearers = select(organisations.c.tax_code, organisations.c.id).where(organisations.c.tax_code.in_(asked))
    merged = select(merges.c.tax_code, merges.c.into_id).where(merges.c.tax_code.in_(asked))
    ids: dict[str, UUID] = {row[0]: row[1] for row in await session.execute(bearers.union_all(merged))} if asked else {}
    found = await locked(session, ids.values()) if ids else {}
    return {code: found[id_] for code, id_ in ids.items() if id_ in found}


async def lines(session: AsyncSession, ids: Iterable[UUID | None], *, lock: bool = True) -> dict[UUID, UUID | None]:
    """The parents of these organisations and of everybody above them, which stay so until the transaction ends (with
    `lock`). A statement for each step up, and no more steps than a line may have."""
    found: dict[UUID, UUID | None] = {}
    step = {id_ for id_ in ids if id_ is not None}
    for _ in range(rules.LONGEST_LINE + 1):
        if not step:
            break
        query = select(organisations.c.id, organisations.c.parent_id).where(organisations.c.id.in_(sorted(step)))
        query = query.order_by(organisations.c.id)
        rows = (await session.execute(query.with_for_update(read=True) if lock else query)).all()
        found |= {row.id: row.parent_id for row in rows}
        step = {row.parent_id for row in rows if row.parent_id is not None} - found.keys()
    return found


WRITTEN = ("title", "tax_code", "kind", "ownership", "sections", "municipality", "territories", "parent_id", "website")
WRITE = text(
    f"update organisations o set ({', '.join(WRITTEN)}, updated_at, version)"  # noqa: S608 (our own names)
    f" = row({', '.join('n.' + name for name in WRITTEN)}, :now, o.version + 1)"
    " from json_populate_recordset(null::organisations, cast(:rows as json)) n where o.id = n.id"
).bindparams(bindparam("rows", type_=Text), bindparam("now", type_=DateTime(timezone=True)))


async def write(session: AsyncSession, changed: Sequence[Organisation], now: datetime) -> None:
    """What a batch has changed of these organisations, locked: one statement, where the unit of work sends one for
    each."""
    if not changed:
        return
    rows = [{name: getattr(one, name) for name in ("id", *WRITTEN)} for one in changed]
    with session.no_autoflush:
        await session.execute(WRITE, {"rows": orjson.dumps(rows, default=str).decode(), "now": now})
    for one in changed:  # they are what the database has now: the unit of work has nothing more to send
        for name in WRITTEN:
            set_committed_value(one, name, getattr(one, name))
        set_committed_value(one, "updated_at", now)
        set_committed_value(one, "version", one.version + 1)


async def membership_where(
    session: AsyncSession, actor: Actor, organisation_id: UUID, right: Right, now: datetime
) -> Membership | None:
    """The organisation's membership in a network where the actor has the right; raises Forbidden when there is none."""
    found = await _seen(session, actor, organisation_id, right, now)
    if found is None:
        policy.require(actor, right, network=None, on=now)
    return found


async def membership_for_update(
    session: AsyncSession, actor: Actor, membership_id: UUID, right: Right, now: datetime
) -> Membership:
    """Locked. Raises NotFound when the actor may not even read it, Forbidden when that is all."""
    membership = await session.get(Membership, membership_id, with_for_update=True)
    if membership is None or not policy.has(actor, Right.READ_ORGANISATIONS, network=membership.network_id, on=now):
        raise NotFound
    policy.require(actor, right, network=membership.network_id, organisation=membership.organisation_id, on=now)
    return membership


async def _seen(
    session: AsyncSession, actor: Actor, organisation_id: UUID, right: Right, now: datetime
) -> Membership | None:
    query = select(Membership).where(memberships.c.organisation_id == organisation_id).order_by(memberships.c.id)
    if not actor.admin:
        query = query.where(
            memberships.c.network_id.in_(actor.networks(now)) if actor.network_id or actor.grants else true()
        )
    for membership in (await session.execute(query)).scalars():
        if policy.has(actor, right, network=membership.network_id, on=now):
            return membership
    return None


async def member(session: AsyncSession, organisation: Organisation, membership: Membership | None) -> Member:
    parent = None
    if organisation.parent_id is not None:
        parent = await session.scalar(select(organisations.c.title).where(organisations.c.id == organisation.parent_id))
    return Member(organisation, membership, parent)


async def belonging(session: AsyncSession, membership: Membership) -> Belonging:
    organisation = await session.get_one(Organisation, membership.organisation_id)
    return Belonging(organisation, membership)

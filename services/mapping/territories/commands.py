"""Applying a newer list of ISTAT's, in the caller's transaction: what is told, and what lies elsewhere since."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm.attributes import flag_modified

from services.mapping.areas import commands as areas
from services.mapping.areas import queries as area_queries
from services.mapping.areas.rules import NetworkArea
from services.mapping.areas.tables import area_territories
from services.mapping.areas.tables import areas as network_areas
from services.mapping.coverage import commands as coverage
from services.mapping.experiences.rules import Experience
from services.mapping.items.facts import fact_of
from services.mapping.items.queries import table_of
from services.mapping.items.rules import Item, State
from services.mapping.needs.tables import needs
from services.mapping.places.rules import Place
from services.mapping.places.tables import places
from services.mapping.presences import commands as presences
from services.mapping.resources.rules import Resource
from services.mapping.territories.queries import everything, locate
from services.mapping.territories.rules import Level
from services.mapping.territories.updates import Plan, plan
from shared import territories
from shared.contracts.mapping import MunicipalityUpdated, PastMunicipality
from shared.messaging import stage
from shared.territories import Listed, Period, Update, following
from shared.territories.tables import municipality_updates

NAMESPACE = UUID("0b9b5b1e-8c6e-5d0a-9d3e-6a1f0c7d2e41")
"""Municipalities have no id but their code: that of their facts is made of it."""


async def planned(
    session: AsyncSession,
    new: Sequence[Listed],
    since: date,
    *,
    stated: Mapping[str, Sequence[str]],
    variations: Mapping[str, Sequence[str]],
) -> Plan:
    """What applying the list would do to what this database knows. Raises Refused."""
    known = {update.code: update for update in await following.updates(session)}
    italy = territories.built().with_updates(list(known.values()))
    return plan(italy, known, new, since, stated=stated, variations=variations)


async def apply(session: AsyncSession, wanted: Plan, now: datetime) -> None:
    """Keeps and tells the changes, and places anew what lies in the municipalities that ended or moved.

    The caller holds the turn of the presences since before it planned. The process's map is the new one afterwards: a
    process that does not commit must end.
    """
    if not wanted.updates:
        return
    versions = await _keep(session, wanted.updates)
    await following.refreshed(session)
    await stage(session, *(_told(update, versions[update.code]) for update in wanted.updates))
    touched = sorted(wanted.touched)
    if touched:
        await _hold(session, touched)
        await presences.place(session, await _members(session, touched))
        await _redraw(session, touched, _around(wanted))
        for model in (Place, Resource, Experience):
            await _move(session, model, touched, now)
        await _move_needs(session, touched)


async def _keep(session: AsyncSession, updates: Sequence[Update]) -> dict[str, int]:
    """The versions that the municipalities have now."""
    rows = [_row(update) for update in updates]
    query = insert(municipality_updates)
    put = {name: query.excluded[name] for name in rows[0] if name not in ("id", "version")}
    query = query.on_conflict_do_update(
        index_elements=[municipality_updates.c.id], set_={**put, "version": municipality_updates.c.version + 1}
    )
    returned = await session.execute(query.returning(municipality_updates.c.code, municipality_updates.c.version), rows)
    return {row.code: row.version for row in returned}


def _row(update: Update) -> dict[str, Any]:
    return {
        "id": uuid5(NAMESPACE, update.code),
        "code": update.code,
        "istat": update.istat,
        "name": update.name,
        "italian_name": update.italian_name,
        "other_name": update.other_name,
        "province": update.province,
        "nuts3": update.nuts3,
        "since": update.since,
        "until": update.until,
        "successors": list(update.successors),
        "past": [_past(period).model_dump(mode="json") for period in update.past],
        "generation": 1,
        "version": 1,
    }


def _past(period: Period) -> PastMunicipality:
    return PastMunicipality(name=period.name, province=period.province, since=period.since, until=period.until)


def _told(update: Update, version: int) -> MunicipalityUpdated:
    return MunicipalityUpdated(
        id=uuid5(NAMESPACE, update.code),
        version=version,
        code=update.code,
        istat=update.istat,
        title=update.name,
        italian_title=update.italian_name,
        other_title=update.other_name or None,
        province=update.province,
        nuts3=update.nuts3,
        since=update.since,
        until=update.until,
        successors=update.successors,
        past=tuple(_past(period) for period in update.past),
    )


MEMBERS = text(
    """
    select id from organisations where municipality = any(:codes) or territories ?| cast(:codes as text[])
    union select organisation_id from mandates where territory = any(:codes) and organisation_id is not null
    union select organisation_id from presences where territory = any(:codes)
    """
)


async def _members(session: AsyncSession, codes: Sequence[str]) -> list[UUID]:
    return sorted(await session.scalars(MEMBERS, {"codes": codes}))


async def _redraw(session: AsyncSession, codes: Sequence[str], around: Collection[str]) -> None:
    """An area that held a municipality holds its successors: a part of the area must not fall out of it. One that held
    all of a province or region (`around`) may not any more."""
    held = select(area_territories.c.area_id).where(area_territories.c.territory.in_([*codes, *around]))
    query = select(NetworkArea).where(network_areas.c.id.in_(held)).order_by(network_areas.c.id).with_for_update()
    found = list(await session.scalars(query))
    before = await area_queries.municipalities_of(session, [area.id for area in found])
    for area in found:
        inside = {m.code for code in before[area.id] for m in territories.load().standing(code)}
        await areas.redraw(session, area, [everything()[code].area for code in sorted(inside)], redrawn=True)


def _around(wanted: Plan) -> set[str]:
    """The provinces and regions in which municipalities came, ended or moved."""
    states = [one for change in wanted.changes for one in (change.was, change.now) if one and change.kind != "renamed"]
    return {code for one in states for code in (one.province_code, one.region)}


async def _hold(session: AsyncSession, codes: Sequence[str]) -> None:
    """All rows that will be placed anew, before the turn of any counter of items is taken."""
    for model in (Place, Resource, Experience):
        table = table_of(model)
        rows = select(table.c.id).where(table.c.areas.overlap(codes), table.c.state != State.CLOSED)
        await session.execute(rows.order_by(table.c.id).with_for_update())


async def _move(session: AsyncSession, model: type[Item], codes: Sequence[str], now: datetime) -> None:
    """What lay in a municipality that ended lies in its successor: in all of them, when it was divided."""
    table = table_of(model)
    query = select(model).where(table.c.areas.overlap(codes), table.c.state != State.CLOSED)
    found = list(await session.scalars(query.order_by(table.c.id).with_for_update()))
    for item in found:
        item.territories = _today(item.territories)
        item.municipality = _one(item.municipality)
        item.areas = []
        item.place(locate)
        flag_modified(item, "areas")
    await _identify(session, [item for item in found if isinstance(item, Place)])
    await session.flush()
    await stage(session, *(fact_of(one.subject, "changed", one) for one in found if one.state is not State.DRAFT))
    await coverage.items_changed(session, model.subject, [item.id for item in found])
    if model is Place:
        await presences.places_changed(session, [item.id for item in found], now)


async def _identify(session: AsyncSession, moved: Sequence[Place]) -> None:
    """A later import finds a place by its municipality too (see `imports`). When the successor has one that looks the
    same already, the moved one is found by no import any more: nobody but people can say whether they are one."""
    wanted = {place: _identity(place) for place in moved if place.identity}
    with session.no_autoflush:
        query = select(places.c.network_id, places.c.identity).where(places.c.identity.in_(list(wanted.values())))
        taken = {(row.network_id, row.identity) for row in await session.execute(query)}
    for place, identity in wanted.items():
        if identity == place.identity:
            continue
        place.identity = None if (place.network_id, identity) in taken else identity
        taken.add((place.network_id, identity))


def _identity(place: Place) -> str:
    kind, _, *rest = (place.identity or "").split("|")
    return "|".join([kind, place.municipality or "", *rest])


def _today(codes: Collection[str]) -> list[str]:
    return sorted(
        {m.code for code in codes for m in territories.load().standing(code)} | {c for c in codes if locate(c)}
    )


def _one(code: str | None) -> str | None:
    """The municipality itself or its successor; of several the most populous, for a place is in one."""
    found = territories.load().today(code) if code else None
    return found.code if found else code


async def _move_needs(session: AsyncSession, codes: Sequence[str]) -> None:
    """Nothing is told: where a need was brought to has not changed, only what that place is called, and whoever hears
    that a need was assigned acts on it."""
    query = select(needs.c.id, needs.c.municipality).where(needs.c.areas.overlap(codes)).order_by(needs.c.id)
    for row in (await session.execute(query.with_for_update())).all():
        code = _one(row.municipality) or row.municipality
        here = locate(code)
        lies_in = sorted(name for level, name in here.chain() if level is not Level.COUNTRY) if here else []
        await session.execute(needs.update().where(needs.c.id == row.id).values(municipality=code, areas=lies_in))

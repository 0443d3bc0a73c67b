"""Placing members on the map: their presences and the counters that follow, in the caller's transaction."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from services.mapping.coverage import commands as coverage
from services.mapping.presences.rules import ACTING, ACTIVE, Key, Organisation, Presence, Source, change, presences
from services.mapping.territories.queries import placed
from services.mapping.territories.rules import Area, fold

TURN = 0x70726573
"""One writer of presences at a time. Two batches that bring the two sides of one presence would not see each other's
rows, and each would conclude that nobody is there. Nothing is lost by waiting: any two batches meet on the same twenty
counters of the regions anyway.

Whoever locks more than one thing does it in this order, so that nobody waits in a circle: the due row of an item
(`freshness.commands.hold`; the due loop comes with it in its hands), this turn, the rows of areas, places, resources
and experiences, the turn of the items' counters in a network (`coverage.commands.items_changed`)."""


async def take_turn(session: AsyncSession) -> None:
    """Held until the transaction ends. Take it before the first write of what presences are derived from."""
    await session.execute(text("select pg_advisory_xact_lock(:turn)"), {"turn": TURN})


async def place(session: AsyncSession, organisation_ids: Collection[UUID]) -> int:
    """Derives the presences of these organisations again, in all their networks; returns how many rows changed.

    Costs five statements for any number of organisations. The caller holds the turn.
    """
    if not organisation_ids:
        return 0
    ids = {"ids": list(organisation_ids)}
    members = (await session.execute(MEMBERS, ids)).all()
    kept = [_kept(row) for row in (await session.execute(KEPT, ids)).all()]
    wanted = [presence for member in members for presence in _wanted(member)]
    step = change({presence.key: presence for presence in kept}, wanted)
    await _remove(session, step.gone)
    await _put(session, step.put)
    await coverage.count(session, kept, wanted)
    return len(step.gone) + len(step.put)


async def places_changed(session: AsyncSession, ids: Collection[UUID], now: datetime) -> None:
    """Looks again whom these places make present, after their rows were written: a validated place does, unless only
    its body sees it. Whoever ran it before is looked at too. Costs a statement when nothing differs, else six.

    The caller has held the turn since before it locked the places.
    """
    if ids:
        touched = await session.scalars(PLACED, {"ids": list(ids), "now": now})
        await place(session, sorted(touched))


PLACED = text(
    """
    with wanted as (
        select id, organisation_id, network_id, municipality from places
        where id = any(:ids) and organisation_id is not null and state = 'validated' and visibility <> 'body'
    ), gone as (
        update place_presences p set municipality = null, changed_at = :now
        where p.place_id = any(:ids) and p.municipality is not null and not exists (
            select from wanted w where (w.id, w.organisation_id) = (p.place_id, p.organisation_id)
        )
        returning organisation_id
    ), put as (
        insert into place_presences as p (place_id, organisation_id, network_id, municipality, changed_at)
        select id, organisation_id, network_id, municipality, :now from wanted
        on conflict (place_id, organisation_id) do update set
            municipality = excluded.municipality, changed_at = excluded.changed_at
        where p.municipality is distinct from excluded.municipality
        returning organisation_id
    )
    select organisation_id from gone union select organisation_id from put
    """
)
"""What was stays as a row without a municipality: when it changed is known after a rebuild of the presences, too."""

MEMBERS = text(
    """
    select o.id, o.title, o.tax_code, o.kind, o.sections, o.municipality, o.territories, o.changed_at,
           m.network_id, greatest(m.changed_at, a.changed_at, p.changed_at) as since_changed_at,
           a.territories as mandated, p.municipalities as places
    from organisations o
    join (
        select organisation_id, network_id, max(changed_at) as changed_at from memberships
        where organisation_id = any(:ids) and state = :active group by 1, 2
    ) m on m.organisation_id = o.id
    left join (
        select organisation_id, network_id, max(changed_at) as changed_at,
               array_agg(distinct territory) filter (where state = any(:acting) and territory <> '') as territories
        from mandates where organisation_id = any(:ids) group by 1, 2
    ) a on a.organisation_id = o.id and a.network_id = m.network_id
    left join (
        select organisation_id, network_id, max(changed_at) as changed_at,
               array_agg(distinct municipality) filter (where municipality is not null) as municipalities
        from place_presences where organisation_id = any(:ids) group by 1, 2
    ) p on p.organisation_id = o.id and p.network_id = m.network_id
    where o.id = any(:ids)
    """
).bindparams(active=ACTIVE, acting=list(ACTING))

KEPT = text("select * from presences where organisation_id = any(:ids)")

REMOVE = text(
    """
    delete from presences p using unnest(
        cast(:networks as uuid[]), cast(:organisations as uuid[]), cast(:territories as text[])
    ) as gone(network_id, organisation_id, territory)
    where (p.organisation_id, p.network_id, p.territory) = (gone.organisation_id, gone.network_id, gone.territory)
    """
)

# One parameter for any number of rows: the plan is made once, and no statement is compiled anew for each batch size.
PUT = text(
    """
    insert into presences select * from jsonb_populate_recordset(null::presences, cast(:rows as jsonb))
    on conflict (organisation_id, network_id, territory) do update set
        municipality = excluded.municipality, province = excluded.province, region = excluded.region,
        sources = excluded.sources, title = excluded.title, search = excluded.search, tax_code = excluded.tax_code,
        kind = excluded.kind, sections = excluded.sections, section_names = excluded.section_names,
        changed_at = excluded.changed_at
    """
)


def _wanted(member: Any) -> list[Presence]:
    organisation = Organisation(
        member.id,
        member.title,
        member.tax_code,
        member.kind,
        member.sections,
        member.municipality,
        tuple(member.territories),
        member.changed_at,
    )
    return presences(
        organisation,
        member.network_id,
        member.mandated or (),
        member.since_changed_at,
        placed,
        places=member.places or (),
    )


def _kept(row: Any) -> Presence:
    return Presence(
        row.network_id,
        row.organisation_id,
        Area(row.territory, row.region, row.province, row.municipality),
        tuple(Source(source) for source in row.sources),
        row.title,
        row.tax_code,
        row.kind,
        row.sections,
        row.changed_at,
    )


async def _remove(session: AsyncSession, gone: Sequence[Key]) -> None:
    if gone:
        networks, organisations, territories = (list(column) for column in zip(*gone, strict=True))
        await session.execute(
            REMOVE, {"networks": networks, "organisations": organisations, "territories": territories}
        )


async def _put(session: AsyncSession, put: Sequence[Presence]) -> None:
    if put:
        await session.execute(PUT, {"rows": orjson.dumps([_row(presence) for presence in put], default=str).decode()})


def _row(presence: Presence) -> dict[str, Any]:
    return {
        "organisation_id": presence.organisation_id,
        "network_id": presence.network_id,
        "territory": presence.area.code,
        "municipality": presence.area.municipality,
        "province": presence.area.province,
        "region": presence.area.region,
        "sources": presence.sources,
        "title": presence.title,
        "search": fold(presence.title),
        "tax_code": presence.tax_code,
        "kind": presence.kind,
        "sections": presence.sections,
        "section_names": sorted({entry["section"] for entry in presence.sections}),
        "changed_at": presence.changed_at,
    }

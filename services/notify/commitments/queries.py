"""Who answers for a commitment."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from datetime import date
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, Date, Uuid, bindparam, text
from sqlalchemy.ext.asyncio import AsyncSession

Referent = tuple[UUID, UUID, UUID]
"""Person, organisation, network."""
DEBTORS, COORDINATORS, SECRETARIAT = 1, 2, 3
"""From the nearest to the farthest: whoever is nearest answers, the others are told nothing."""

ANSWERABLE = text("""
    WITH asked AS (SELECT * FROM commitments WHERE id = ANY(:ids)),
    running AS (SELECT * FROM grants WHERE since <= :on AND (until IS NULL OR until > :on)),
    candidates AS (
        SELECT id, debtor_person_id AS person_id, 1 AS distance FROM asked WHERE debtor_person_id IS NOT NULL
        UNION
        SELECT a.id, g.person_id, 1 FROM asked a JOIN running g ON g.network_id = a.network_id
            AND g.role = 'referent' AND g.organisation_id = a.debtor_organisation_id
        UNION
        SELECT a.id, g.person_id, 1 FROM asked a JOIN running g ON g.network_id = a.network_id
            AND g.body_id = a.debtor_body_id
        UNION
        SELECT a.id, g.person_id, 2 FROM asked a JOIN bodies b ON b.id = a.debtor_body_id
            JOIN running g ON g.network_id = a.network_id AND g.role = 'coordinator' AND g.territory = b.territory
        UNION
        SELECT a.id, g.person_id, 3 FROM asked a JOIN running g ON g.network_id = a.network_id
            AND g.role = 'secretariat'
    )
    SELECT id, person_id, distance FROM (
        SELECT *, min(distance) OVER (PARTITION BY id) AS nearest FROM candidates
    ) AS measured WHERE distance = nearest ORDER BY id, person_id
""").bindparams(bindparam("ids", type_=ARRAY(Uuid)), bindparam("on", type_=Date))

HANDED_OVER = text("""
    SELECT DISTINCT c.id, h.person_id, h.organisation_id, h.network_id
    FROM unnest(:people, :organisations, :networks) AS h(person_id, organisation_id, network_id)
    JOIN commitments c ON c.debtor_organisation_id = h.organisation_id AND c.network_id = h.network_id
    WHERE c.state IN ('open', 'late')
    ORDER BY c.id, h.person_id
""").bindparams(*(bindparam(name, type_=ARRAY(Uuid)) for name in ("people", "organisations", "networks")))

OUTSTANDING = text("""
    SELECT DISTINCT c.id, c.network_id, c.due FROM unnest(:networks, :dues) AS d(network_id, due)
    JOIN commitments c ON c.network_id = d.network_id AND c.due = d.due
    WHERE c.state IN ('open', 'late') ORDER BY c.id
""").bindparams(bindparam("networks", type_=ARRAY(Uuid)), bindparam("dues", type_=ARRAY(Date)))


async def answerable(
    session: AsyncSession, commitments: Collection[UUID], on: date, *, farthest: int = SECRETARIAT
) -> dict[UUID, list[UUID]]:
    """For each commitment the people who answer for it on that day, by their grants: the debtor person; the debtor
    organisation's referents; a body's own people, or else its territory's coordinators. Where there is nobody, the
    network's secretariat, unless `farthest` excludes it. Every commitment that was asked about is a key; nobody at all
    is an empty list. One statement."""
    told: dict[UUID, list[UUID]] = {id_: [] for id_ in commitments}
    if told:
        for row in await session.execute(ANSWERABLE, {"ids": list(told), "on": on}):
            if row.distance <= farthest:
                told[row.id].append(row.person_id)
    return told


SUPERIORS = text("""
    WITH RECURSIVE asked AS (
        SELECT c.id, c.network_id, COALESCE(d.parent_id, c.creditor_body_id) AS body_id, c.debtor_body_id
        FROM commitments c LEFT JOIN bodies d ON d.id = c.debtor_body_id WHERE c.id = ANY(:ids)
    ),
    chain AS (
        SELECT a.id, a.network_id, b.id AS body_id, b.parent_id, b.territory, b.state, 1 AS step, ARRAY[b.id] AS passed
        FROM asked a JOIN bodies b ON b.id = a.body_id WHERE b.id IS DISTINCT FROM a.debtor_body_id
        UNION ALL
        SELECT c.id, c.network_id, p.id, p.parent_id, p.territory, p.state, c.step + 1, c.passed || p.id
        FROM chain c JOIN bodies p ON p.id = c.parent_id WHERE p.id <> ALL(c.passed) AND c.step < 20
    ),
    running AS (
        SELECT g.* FROM grants g WHERE g.since <= :on AND (g.until IS NULL OR g.until > :on)
            AND g.network_id IN (SELECT network_id FROM asked)
    ),
    candidates AS (
        SELECT c.id, c.body_id, c.step, g.person_id, CASE WHEN g.role = 'coordinator' THEN 1 ELSE 2 END AS distance
        FROM chain c JOIN running g ON g.network_id = c.network_id AND g.body_id = c.body_id
        WHERE c.state <> 'dissolved'
        UNION
        SELECT c.id, c.body_id, c.step, g.person_id, 3
        FROM chain c JOIN running g ON g.network_id = c.network_id AND g.role = 'coordinator'
            AND g.body_id IS NULL AND g.territory = c.territory
        WHERE c.state <> 'dissolved'
    ),
    nearest AS (
        SELECT *, min(distance) OVER (PARTITION BY id, step) AS least,
            dense_rank() OVER (PARTITION BY id ORDER BY step) AS level FROM candidates
    )
    SELECT DISTINCT id, level, person_id, body_id FROM nearest WHERE distance = least
        AND (id, level) IN (SELECT * FROM unnest(:asked, :levels)) ORDER BY id, level, person_id
""").bindparams(
    bindparam("ids", type_=ARRAY(Uuid)),
    bindparam("on", type_=Date),
    bindparam("asked", type_=ARRAY(Uuid)),
    bindparam("levels", type_=ARRAY(BigInteger)),
)


async def superiors(
    session: AsyncSession, asked: Collection[tuple[UUID, int]], on: date
) -> dict[tuple[UUID, int], list[tuple[UUID, UUID]]]:
    """(commitment, level) -> (person, body): who is told when it climbs so far. Of what a body owes level 1 is its
    parent, of what is owed to a body it is that body; each further level is the next parent. A body that has been
    dissolved, or in which there is nobody, is passed over. In a body its coordinators are told, else all its people,
    else the coordinators of its territory. One statement."""
    found: dict[tuple[UUID, int], list[tuple[UUID, UUID]]] = defaultdict(list)
    if asked:
        ids, levels = (list(column) for column in zip(*sorted(asked), strict=True))
        given = {"ids": sorted(set(ids)), "on": on, "asked": ids, "levels": levels}
        for row in await session.execute(SUPERIORS, given):
            found[row.id, row.level].append((row.person_id, row.body_id))
    return found


async def handed_over(session: AsyncSession, referents: Collection[Referent]) -> list[tuple[UUID, Referent]]:
    """Each commitment that the organisation of one of these new referents still owes, with the referent."""
    if not referents:
        return []
    people, organisations, networks = (list(column) for column in zip(*referents, strict=True))
    asked = {"people": people, "organisations": organisations, "networks": networks}
    rows = await session.execute(HANDED_OVER, asked)
    return [(row.id, (row.person_id, row.organisation_id, row.network_id)) for row in rows]


async def outstanding(
    session: AsyncSession, days: Collection[tuple[UUID, date]]
) -> dict[tuple[UUID, date], list[UUID]]:
    """What each network is still owed of a day: ids of the commitments due on it, in the order of their ids."""
    found: dict[tuple[UUID, date], list[UUID]] = defaultdict(list)
    if days:
        networks, dues = (list(column) for column in zip(*days, strict=True))
        for row in await session.execute(OUTSTANDING, {"networks": networks, "dues": dues}):
            found[row.network_id, row.due].append(row.id)
    return found

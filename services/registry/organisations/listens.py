"""What ISTAT's changes mean here: members are listed under the territories in which their places lie today."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, bindparam, select, text
from sqlalchemy.dialects.postgresql import ARRAY, TEXT
from sqlalchemy.ext.asyncio import AsyncSession

from services.registry.organisations import rules
from shared import territories
from shared.contracts.mapping import MunicipalityUpdated
from shared.messaging import Received, projects
from shared.territories import following
from shared.territories.tables import municipality_updates


@projects(MunicipalityUpdated)
async def places_follow(
    session: AsyncSession,
    facts: Sequence[Received[MunicipalityUpdated]],  # noqa: ARG001 (they are in municipality_updates by now)
    now: datetime,  # noqa: ARG001
) -> None:
    await (await session.connection()).run_sync(keep_places)


def keep_places(connection: Connection) -> None:
    """Makes `lies_in` what the data of this release and the changes that this database knows say, and
    `directory_facets` follow it. Two short statements when nothing has changed.

    Also called after each migration, because a release may bring newer data. When something has changed, whoever lists
    members waits until this is committed: what is written meanwhile would be listed where it lay before.
    """
    updates = [following.update(row) for row in connection.execute(select(municipality_updates))]
    pairs = sorted(rules.lies_in(territories.built().with_updates(updates)))
    wanted = {"codes": [code for code, _ in pairs], "wholes": [whole for _, whole in pairs]}
    if not connection.execute(DIFFERS, wanted).scalar_one():
        return
    connection.execute(text("lock table directory_facets in share row exclusive mode"))
    gone = connection.execute(FORGET, wanted).all()
    came = connection.execute(LEARN, wanted).all()
    for follow, changed in ((LEAVE, gone), (ENTER, came)):
        if changed:
            rows = {"codes": [row.code for row in changed], "wholes": [row.whole for row in changed]}
            connection.execute(follow, rows)


PAIRS = (bindparam("codes", type_=ARRAY(TEXT)), bindparam("wholes", type_=ARRAY(TEXT)))
DIFFERS = text(
    """
    select exists ((select * from unnest(:codes, :wholes) except select code, whole from lies_in)
        union all (select code, whole from lies_in except select * from unnest(:codes, :wholes)))
    """
).bindparams(*PAIRS)
FORGET = text(
    """
    delete from lies_in l where (l.code, l.whole) not in (select * from unnest(:codes, :wholes))
    returning l.code, l.whole
    """
).bindparams(*PAIRS)
LEARN = text(
    """
    insert into lies_in (code, whole) select * from unnest(:codes, :wholes) on conflict do nothing
    returning code, whole
    """
).bindparams(*PAIRS)
# By the facets of today, in which no changed pair is left: another place of a member may keep it in what one has left.
LEAVE = text(
    """
    delete from directory_facets f using (
        select distinct m.network_id, gone.whole, m.name, m.organisation_id
        from unnest(:codes, :wholes) gone(code, whole) cross join networks n
        join directory_facets m on m.network_id = n.id and m.facet = gone.code
        join organisations o on o.id = m.organisation_id
        where gone.whole not in (select facets(o.territories, o.municipality, o.sections))
    ) left_
    where (f.network_id, f.facet, f.name, f.organisation_id)
        = (left_.network_id, left_.whole, left_.name, left_.organisation_id)
    """
).bindparams(*PAIRS)
ENTER = text(
    """
    insert into directory_facets (network_id, facet, name, organisation_id)
    select distinct m.network_id, came.whole, m.name, m.organisation_id
    from unnest(:codes, :wholes) came(code, whole) cross join networks n
    join directory_facets m on m.network_id = n.id and m.facet = came.code
    on conflict do nothing
    """
).bindparams(*PAIRS)

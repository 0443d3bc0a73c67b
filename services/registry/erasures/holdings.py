"""What the registry holds of people: a line for each column that names one. `tests/registry/erasures` reads the tables
and fails when a column is in no line and not among `NOBODY`."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Table, Text, cast, delete, exists, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.registry.access.tables import identities, sign_in_requests
from services.registry.access_requests.tables import access_readings, access_requests
from services.registry.api_keys.tables import api_keys
from services.registry.bodies.tables import bodies
from services.registry.commitments.tables import commitments
from services.registry.erasures.tables import erasures, quarantined, stream_erasures
from services.registry.imports.tables import import_rows, imports
from services.registry.interlocutors.tables import contacts
from services.registry.mandates.tables import mandates
from services.registry.merges.tables import merges
from services.registry.networks.tables import networks
from services.registry.organisations.tables import organisations
from services.registry.pacts.tables import pact_obligations, pact_readings, pacts
from services.registry.people.tables import known_people, people
from services.registry.processing.tables import consents, notices, processing_terms
from services.registry.representatives.tables import listed_people, representative_lists
from services.registry.store import mapper
from shared.rights import EVERYWHERE, Ground, Held, Holder, of_row

ACTED = (
    "id",
    "network_id",
    "kind",
    "title",
    "state",
    "recorded_at",
    "opened_on",
    "requested_at",
    "sent_at",
    "issued_at",
)
"""Of what somebody did for others, the archive names the thing and the day."""
PACT = ("id", "network_id", "year", "number", "kind", "territory", "state", "signed_on", "since", "until", "outcome")
"""Whom a pact is for, only its maker reads: not in an archive, nor when it is the maker's."""


def network(table: Table) -> dict[str, ColumnElement[Any]]:
    return {"network": of_row(networks.c.name, networks.c.id == table.c.network_id)}


MANDATE_NAMES = {
    **network(mandates),
    "organisation": of_row(organisations.c.title, organisations.c.id == mandates.c.organisation_id),
    "body": of_row(bodies.c.name, bodies.c.id == mandates.c.body_id),
}

HELD = (
    *EVERYWHERE,
    Held("person", people.c.id),
    Held("person", quarantined.c.person_id, forget="delete"),
    Held("person", people.c.merged_into, Ground.ACCOUNTABILITY, shows=("id",)),
    Held("known_to", known_people.c.person_id, Ground.ACCOUNTABILITY, beside=network(known_people)),
    Held("mandates", mandates.c.person_id, Ground.OFFICE_HELD, mandates.c.ends, beside=MANDATE_NAMES),
    Held("commitments", commitments.c.person_id, Ground.LEGAL_OBLIGATION, beside=network(commitments)),
    Held("lists", listed_people.c.person_id, forget="delete"),
    Held("notices", notices.c.person_id, Ground.ACCOUNTABILITY, beside=network(notices)),
    Held("consents", consents.c.person_id, Ground.ACCOUNTABILITY, beside=network(consents)),
    Held("sign_ins", sign_in_requests.c.person_id, forget="delete", shows=("requested_at", "expires_at", "used_at")),
    Held("identities", identities.c.person_id, forget="delete"),
    Held("requests", erasures.c.person_id, Ground.ACCOUNTABILITY),
    Held("requests", access_requests.c.person_id, Ground.ACCOUNTABILITY, shows=("id", "requested_at", "state")),
    Held("requests", stream_erasures.c.person_id, Ground.ACCOUNTABILITY, shows=("since", "done_at")),
    Held("pacts", pacts.c.maker_id, Ground.ACCOUNTABILITY, pacts.c.until, shows=PACT),
    Held("pacts", pact_obligations.c.person_id, Ground.ACCOUNTABILITY, shows=("pact_id", "number", "side", "due")),
    Held("pacts", pact_readings.c.person_id, Ground.ACCOUNTABILITY, shows=("pact_id", "at", "reason", "purpose")),
    Held(
        "lists",
        import_rows.c.person_id,
        forget={"content": None, "problem": None, "person_id": None},
        shows=("import_id", "line", "outcome"),
    ),
    Held("acts", merges.c.merged_by, Ground.ACCOUNTABILITY, shows=ACTED),
    Held("acts", erasures.c.opened_by, Ground.ACCOUNTABILITY, shows=ACTED),
    Held("acts", access_requests.c.requested_by, Ground.ACCOUNTABILITY, shows=ACTED),
    Held("acts", access_readings.c.read_by, Ground.ACCOUNTABILITY, shows=("access_id", "read_at")),
    Held("acts", api_keys.c.issued_by, Ground.ACCOUNTABILITY, shows=ACTED),
    Held("acts", imports.c.requested_by, Ground.ACCOUNTABILITY, shows=ACTED),
    Held("acts", notices.c.settled_by, Ground.ACCOUNTABILITY, shows=ACTED),
    Held("acts", consents.c.recorded_by, Ground.ACCOUNTABILITY, shows=("id", "given_on")),
    Held("acts", processing_terms.c.recorded_by, Ground.ACCOUNTABILITY, shows=ACTED),
    Held("acts", contacts.c.recorded_by, Ground.ACCOUNTABILITY, shows=("id", "happened_on", "channel")),
    Held("acts", representative_lists.c.sent_by, Ground.ACCOUNTABILITY, shows=ACTED),
)

NOBODY: frozenset[str] = frozenset()
"""Columns (`table.column`) whose name sounds like a person's, and whose rows name none."""

HOLDER = Holder(
    service="registry",
    held=HELD,
    metadata=(mapper.metadata,),
    silent=frozenset({"people", "quarantined_people", "erasures", "erasure_answers", "networks"}),
)


async def scrub(session: AsyncSession, expression: str) -> None:
    """What lists of others said of the person. Reports lose the words of the rows that name them, and the examples of
    their columns, and keep the outcome of each row; a file from which nothing was taken yet goes as a whole, with its
    preview. One that is being read at this moment is left to itself: its file goes when it is done."""
    if not expression:
        return

    def named(column: ColumnElement[Any]) -> ColumnElement[bool]:
        return func.coalesce(cast(column, Text), "").regexp_match(expression, flags="i")

    idle = imports.c.status.not_in(("running", "undoing"))
    in_rows = exists().where(
        import_rows.c.import_id == imports.c.id, or_(named(import_rows.c.content), named(import_rows.c.problem))
    )
    concerned = await session.execute(
        select(imports.c.id, imports.c.status, imports.c.found)
        .where(idle, or_(named(imports.c.found), in_rows))
        .order_by(imports.c.id)
        .with_for_update()
    )
    for job in concerned.all():
        if job.status in ("mapping", "previewed"):
            await session.execute(delete(imports).where(imports.c.id == job.id))  # file and rows go with it
            continue
        columns = [{**column, "examples": []} for column in (job.found or {}).get("table", ())]
        found = {**(job.found or {}), "table": columns}
        await session.execute(update(imports).where(imports.c.id == job.id).values(found=found))
        words = or_(named(import_rows.c.content), named(import_rows.c.problem))
        emptied = update(import_rows).where(import_rows.c.import_id == job.id, words)
        await session.execute(emptied.values(content=None, problem=None))

"""A column that names an organisation moves with a merge, or says why it does not."""

from __future__ import annotations

from sqlalchemy import ARRAY, Uuid
from sqlalchemy.dialects.postgresql import JSONB

from services.registry.app import service  # noqa: F401 (all tables)
from services.registry.merges import commands, queries
from services.registry.organisations.tables import organisations
from services.registry.store import mapper
from shared.runtime.repointing import PEOPLE, naming_organisations

# Columns of ids without a foreign key, that name something else than an organisation, by name.
OTHERS = {
    "id", "network_id", "body_id", "seat_id", "mandate_id", "minutes_id", "decision_id", "source_id", "worker",
    "counted", "correlation", "fact_id", "pact_id", "jti", "with_network_id", "commitment_id", "meeting_id", "batch_id",
    "series_id",
}  # fmt: skip
COPIES = {"directory.parent_id"}  # written by triggers, with what it is a copy of


def test_every_column_of_ids_is_known_to_name_an_organisation_or_not() -> None:
    named = {f"{c.table.name}.{c.name}" for c in naming_organisations(mapper.metadata, organisations)}
    unknown = [
        f"{table.name}.{column.name}"
        for table in mapper.metadata.tables.values()
        for column in table.columns
        if isinstance(column.type.item_type if isinstance(column.type, ARRAY) else column.type, Uuid)
        and not column.foreign_keys
        and column.name not in OTHERS | PEOPLE
        and not column.name.endswith("_by")
        and f"{table.name}.{column.name}" not in named | COPIES
    ]
    assert unknown == []


def test_no_list_of_ids_names_organisations() -> None:
    """A list cannot be moved by a key: it would need a rule of its own."""
    lists = [
        f"{table.name}.{column.name}"
        for table in mapper.metadata.tables.values()
        for column in table.columns
        if isinstance(column.type, ARRAY) and isinstance(column.type.item_type, Uuid)
    ]
    assert set(lists) <= {"goals.counted"}  # bodies


# Documents that name no organisation, or name it as it was then.
DOCUMENTS = {
    "memberships.history", "organisations.sections", "merges.record", "merges.memberships", "merges.moved",
}  # fmt: skip


def test_documents_that_could_name_one_are_looked_at() -> None:
    """A new document of the organisations' own slices has to say whether it names one."""
    found = {
        f"{table.name}.{column.name}"
        for name in ("organisations", "memberships", "merges", "sharings", "directory")
        for table in [mapper.metadata.tables[name]]
        for column in table.columns
        if isinstance(column.type, JSONB)
    }
    assert found == DOCUMENTS


# Tables whose facts say nothing of the organisation, or that tell none.
SILENT = {
    "imports": "of whom the rows were affiliates: told by the import's figures alone",
    "plan_objectives": "told by its plan",
    "agreement_signatories": "told by its agreement",
    "agreement_obligations": "told by the commitment that it becomes",
    "pact_obligations": "a pact tells which kinds of actors are missing, and nobody's name",
    "pact_looks": "what the due table waits for",
    "project_partners": "told by its project",
    "project_actions": "of a partner of the project",
    "project_pledges": "of a partner of the project",
}


def test_whoever_names_an_organisation_tells_it_again_or_says_why_not() -> None:
    tables = {column.table.name for column in queries.moved_columns()}
    assert tables - queries.TOLD_APART - commands.RETOLD.keys() - SILENT.keys() == set()

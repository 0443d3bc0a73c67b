"""Two small services to try messaging on: one tells of organisations, one keeps a list of them and welcomes each."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import Column, DateTime, Integer, MetaData, Table, Text, Uuid, insert, text
from sqlalchemy.engine import Connection
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from shared.contracts.registry import OrganisationChanged, OrganisationRegistered, OrganisationState
from shared.messaging import Received, newest, projects, reacts, schema, stage, upsert_newest
from shared.runtime.database import Database

metadata = MetaData()

things = Table("things", metadata, Column("id", Uuid, primary_key=True), Column("version", Integer, nullable=False))
seen = Table(
    "seen",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("title", Text, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("version", Integer, nullable=False),
)
welcomed = Table(
    "welcomed",
    metadata,
    Column("position", Integer, primary_key=True, autoincrement=True),
    Column("id", Uuid, nullable=False),
    Column("version", Integer, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
)


async def prepare(url: str) -> None:
    def install(connection: Connection) -> None:
        schema.install_v1(Operations(MigrationContext.configure(connection)))
        metadata.create_all(connection)

    database = Database(url)
    async with database.engine.begin() as connection:
        await connection.run_sync(install)
    await database.dispose()


def organisation(
    id_: UUID | None = None, version: int = 1, title: str = "Circolo", **more: object
) -> OrganisationState:
    kind = OrganisationRegistered if version == 1 else OrganisationChanged
    return kind.model_validate({"id": id_ or uuid7(), "version": version, "title": title, "kind": "aps", **more})


async def change(session: AsyncSession, id_: UUID, title: str = "Circolo") -> list[UUID]:
    """A command as the house writes it: lock the aggregate, raise its version, stage the fact."""
    row = await session.execute(
        text(
            "insert into things values (:id, 1) on conflict (id) do update set version = things.version + 1"
            " returning version"
        ),
        {"id": id_},
    )
    return await stage(session, organisation(id_, row.scalar_one(), title))


@projects(OrganisationState, tables=(seen,))
async def list_organisations(
    session: AsyncSession, facts: Sequence[Received[OrganisationState]], now: datetime
) -> None:
    await upsert_newest(
        session,
        seen,
        [
            {"id": r.fact.id, "title": r.fact.title, "generation": r.generation, "version": r.fact.version}
            for r in newest(facts)
        ],
    )


@reacts(OrganisationState)
async def welcome(session: AsyncSession, facts: Sequence[Received[OrganisationState]], now: datetime) -> None:
    if any(r.fact.title == "poison" for r in facts):
        raise ValueError("nobody is called poison")
    await session.execute(
        insert(welcomed), [{"id": r.fact.id, "version": r.fact.version, "at": r.occurred_at} for r in facts]
    )

"""What messaging keeps in each service's own database."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import UserDefinedType

metadata = MetaData()


class Xid8(UserDefinedType[str]):
    """PostgreSQL's 64-bit transaction id; it never wraps around."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        return "xid8"


class Snapshot(UserDefinedType[str]):
    """PostgreSQL's pg_snapshot: which transactions had ended at an instant."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        return "pg_snapshot"


log = Table(
    "log",
    metadata,
    Column("seq", BigInteger, Identity(always=True), primary_key=True),
    Column("tx", Xid8, nullable=False, server_default=text("pg_current_xact_id()")),
    Column("id", Uuid, nullable=False, unique=True),
    Column("type", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("aggregate_id", Uuid, nullable=False),
    Column("version", Integer, nullable=False),
    Column("generation", Integer, nullable=False, server_default=text("1")),
    Column("network_id", Uuid),
    Column("headers", JSONB, nullable=False, comment="correlationid, causationid, traceparent"),
    Column("actor_id", Uuid, comment="who asked; it stays here, facts do not carry it"),
    Column("body", Text, nullable=False),
    Column("occurred_at", DateTime(timezone=True), nullable=False),
    Index("log_tx", "tx"),
    Index("log_aggregate", "aggregate_id", "seq"),
    comment="The facts that this service published, appended in the transactions that made them; the audit trail",
)

relay_cursor = Table(
    "relay_cursor",
    metadata,
    Column("single", Integer, primary_key=True, server_default=text("1")),
    Column("previous", Snapshot, nullable=False, comment="everything visible in it was sent"),
    Column("window", Snapshot, comment="the one being sent, none between rounds"),
    Column("last_seq", BigInteger, nullable=False, server_default=text("0"), comment="sent so far of the window"),
    Column("top_seq", BigInteger, nullable=False, server_default=text("0"), comment="the highest ever sent"),
    Column("place", Text, nullable=False, comment="cluster and database whose transaction ids the snapshots speak of"),
    CheckConstraint("single = 1", name="relay_cursor_single"),
)

inbox = Table(
    "inbox",
    metadata,
    Column("consumer", Text, primary_key=True),
    Column("fact_id", Uuid, primary_key=True),
    Column("at", DateTime(timezone=True), nullable=False, server_default=text("clock_timestamp()")),
    comment="What each reacting consumer has taken in, kept as long as the streams are",
)

consumers = Table(
    "consumers",
    metadata,
    Column("consumer", Text, primary_key=True),
    Column("since", DateTime(timezone=True), nullable=False),
    comment="Since when each consumer reacts: a stream that was rebuilt brings back facts from before",
)

parked = Table(
    "parked",
    metadata,
    Column("consumer", Text, primary_key=True),
    Column("fact_id", Uuid, primary_key=True),
    Column("type", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("aggregate_id", Uuid, comment="none when the subject names none"),
    Column("stream_seq", BigInteger, nullable=False),
    Column("headers", JSONB, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("reason", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("parked_at", DateTime(timezone=True), nullable=False, server_default=text("clock_timestamp()")),
    Column("next_try", DateTime(timezone=True), nullable=False),
    Column("dead_at", DateTime(timezone=True)),
    Index("parked_due", "next_try", postgresql_where=text("dead_at is null")),
    Index("parked_aggregate", "aggregate_id"),
    comment="Facts that a handler refused: tried again until they are dead, which only a person undoes",
)

"""What was merged: the duplicate's record as it was, and which organisation stands for it."""

from sqlalchemy import Column, DateTime, ForeignKey, Index, Table, Text, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB

from services.registry.store import mapper

merges = Table(
    "merges",
    mapper.metadata,
    Column("id", Uuid, primary_key=True, comment="of the duplicate"),
    Column("into_id", Uuid, ForeignKey("organisations.id"), nullable=False),
    Column("tax_code", Text, comment="the duplicate's, by which the other one is found, too; none if it took it over"),
    Column("record", JSONB, nullable=False),
    Column("memberships", JSONB, nullable=False),
    Column("moved", JSONB, nullable=False, comment="how many rows of each table name the other one since"),
    Column("merged_at", DateTime(timezone=True), nullable=False),
    Column("merged_by", Uuid),
    Index("merges_into", "into_id"),
    Index("merges_tax_code", "tax_code", unique=True, postgresql_where=text("tax_code is not null")),
    comment="A merge of what others were merged into carries them along: into_id always names who is there",
)

"""The columns that places, resources and experiences have in common: three tables, each complete in itself.

No foreign keys to organisations, bodies and networks: these are projections, and may be rebuilt at any time. Bodies are
known here by name, because a place can rely on a working group.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import CheckConstraint, Column, Date, DateTime, Index, Integer, Table, Text, Uuid, func
from sqlalchemy.dialects.postgresql import ARRAY

from services.mapping.items.rules import State, Visibility
from services.mapping.store import mapper, words


def columns() -> list[Any]:
    return [
        Column("id", Uuid, primary_key=True),
        Column("network_id", Uuid, nullable=False),
        Column("title", Text, nullable=False),
        Column("organisation_id", Uuid),
        Column("body_id", Uuid),
        Column("municipality", Text),
        Column("territories", ARRAY(Text), nullable=False),
        Column("areas", ARRAY(Text), nullable=False, comment="The territories and all that they lie in"),
        Column("state", words(State), nullable=False),
        Column("visibility", words(Visibility), nullable=False),
        Column("shared_with", ARRAY(Uuid), nullable=False),
        Column("proposed_by", Uuid),
        Column("proposed_on", Date),
        Column("endorsed_on", Date),
        Column("validated_on", Date),
        Column("remarks", Text),
        Column("checked_on", Date),
        Column("expires_on", Date),
        Column("closed_on", Date),
        Column("search", Text, nullable=False, comment="The title as people type it: lower case, no accents"),
        Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
        Column("updated_at", DateTime(timezone=True), nullable=False, server_default=func.now(), onupdate=func.now()),
        Column("version", Integer, nullable=False),
    ]


def constraints(name: str) -> list[Any]:
    """Lists are by title or by time; the array of areas answers every question about a territory."""
    return [
        CheckConstraint("(state = 'closed') = (closed_on is not null)", name="closed"),
        CheckConstraint("state <> 'validated' or checked_on is not null", name="checked"),
        Index(f"{name}_by_title", "network_id", "search", "id"),
        Index(f"{name}_by_change", "network_id", "updated_at", "id"),
        Index(f"{name}_organisation", "organisation_id"),
        Index(f"{name}_areas", "areas", postgresql_using="gin"),
        Index(f"{name}_search", "search", postgresql_using="gin", postgresql_ops={"search": "gin_trgm_ops"}),
    ]


bodies = Table(
    "bodies",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("network_id", Uuid, nullable=False),
    Column("title", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("territory", Text),
    Column("generation", Integer, nullable=False),
    Column("version", Integer, nullable=False),
    comment="As the registry tells them",
)

"""Where bodies and their seats are kept. Who holds a seat is told by the mandates that name it.

A seat's organisation has no foreign key: making the seats of a new body would wait for every organisation that an
import holds, while the import waits for the body (`commands.MEMBERS`). It is always taken from a membership.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    Column,
    Date,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    SmallInteger,
    Table,
    Text,
    TypeDecorator,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from services.registry.bodies.rules import Body, Composition, Kind, Quorum, Seat, State
from services.registry.store import mapper, words
from shared.access.roles import Role


class QuorumColumn(TypeDecorator[Quorum]):
    """A quorum as a document of its row: it is read and written with it, and never by itself."""

    impl = JSONB(none_as_null=True)
    cache_ok = True

    def process_bind_param(self, value: Quorum | None, dialect: Any) -> dict[str, Any] | None:  # noqa: ARG002
        return None if value is None else asdict(value)

    def process_result_value(self, value: dict[str, Any] | None, dialect: Any) -> Quorum | None:  # noqa: ARG002
        return None if value is None else Quorum(**value)


bodies = Table(
    "bodies",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("network_id", Uuid, ForeignKey("networks.id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("kind", words(Kind), nullable=False),
    Column("state", words(State), nullable=False),
    Column("composition", words(Composition), nullable=False),
    Column("roles", ARRAY(Text), nullable=False),
    Column("territory", Text),
    Column("parent_id", Uuid, ForeignKey("bodies.id")),
    Column("first_call", QuorumColumn, nullable=False),
    Column("second_call", QuorumColumn),
    Column("proxies", SmallInteger, nullable=False),
    Column("constituted_on", Date),
    Column("dissolved_on", Date),
    Column("needed_role", words(Role)),
    Column("needed_since", Date),
    Column("uncovered_since", Date),
    Column("updated_at", DateTime(timezone=True), nullable=False, server_default=func.now(), onupdate=func.now()),
    Column("version", Integer, nullable=False),
    CheckConstraint("state <> 'constituted' or constituted_on is not null", name="constituted"),
    CheckConstraint("(state = 'dissolved') = (dissolved_on is not null)", name="dissolved"),
    CheckConstraint("(needed_role is null) = (needed_since is null)", name="needed"),
    CheckConstraint("uncovered_since is null or (needed_role is not null and state <> 'dissolved')", name="uncovered"),
    Index("bodies_network", "network_id", "id"),
    Index("bodies_parent", "parent_id", postgresql_where=text("parent_id is not null")),
    Index(
        "bodies_one_coordination",
        "network_id",
        "territory",
        unique=True,
        postgresql_where=text("kind = 'regional_coordination' and state <> 'dissolved'"),
    ),
    Index("bodies_uncovered", "network_id", "id", postgresql_where=text("uncovered_since is not null")),
)

cover_looks = Table(
    "cover_looks",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("body_id", Uuid, nullable=False),
    comment="What the due table waits for: whether somebody covers a body may have changed. A row for each cause, so "
    "that two commands never wait for each other here",
)

seats = Table(
    "seats",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("body_id", Uuid, ForeignKey("bodies.id"), nullable=False),
    Column("network_id", Uuid, ForeignKey("networks.id"), nullable=False),
    Column("title", Text, nullable=False),
    Column("role", words(Role), nullable=False),
    Column("organisation_id", Uuid),
    Column("since", Date, nullable=False),
    Column("until", Date),
    Column("version", Integer, nullable=False),
    CheckConstraint("until >= since", name="days"),
    Index("seats_body", "body_id", "title", "id"),
    Index("seats_organisation", "organisation_id"),
)

mapper.map_imperatively(Body, bodies, version_id_col=bodies.c.version, exclude_properties={"updated_at"})
mapper.map_imperatively(Seat, seats, version_id_col=seats.c.version)

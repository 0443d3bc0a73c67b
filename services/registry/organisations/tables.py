"""Where organisations and memberships are kept.

Sections and earlier states are documents of their row: they are read and written with it, and never by themselves.
`fold(title)` (lower case, without accents; made by the migration) is what search and order by name use.
"""

from sqlalchemy import (
    CheckConstraint,
    Column,
    Date,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from services.registry.organisations.rules import Kind, Membership, Organisation, Ownership, State
from services.registry.store import mapper


def _one_of(column: str, words: list[str]) -> str:
    return f"{column} in ({', '.join(repr(word) for word in words)})"


organisations = Table(
    "organisations",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("title", Text, nullable=False),
    Column("tax_code", Text),
    Column("kind", Text, nullable=False),
    Column("ownership", Text),
    Column("sections", JSONB, nullable=False, server_default=text("'[]'")),
    Column("municipality", Text),
    Column("territories", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    Column("parent_id", Uuid, ForeignKey("organisations.id")),
    Column("website", Text),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("updated_at", DateTime(timezone=True), nullable=False),
    Column("version", Integer, nullable=False),
    CheckConstraint(_one_of("kind", [str(kind) for kind in Kind]), name="kind"),
    CheckConstraint(_one_of("ownership", [str(ownership) for ownership in Ownership]), name="ownership"),
    CheckConstraint("tax_code is not null or kind = 'informal_group'", name="tax_code_unless_informal"),
    Index("organisations_tax_code", "tax_code", unique=True),
    Index("organisations_municipality", "municipality"),
    Index("organisations_parent", "parent_id", postgresql_where=text("parent_id is not null")),
    Index("organisations_by_name", func.fold(text("title")), "id"),
    Index(
        "organisations_search",
        func.fold(text("title")).label("folded"),
        postgresql_using="gin",
        postgresql_ops={"folded": "gin_trgm_ops"},
    ),
)

memberships = Table(
    "memberships",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("network_id", Uuid, ForeignKey("networks.id"), nullable=False),
    Column("organisation_id", Uuid, ForeignKey("organisations.id"), nullable=False),
    Column("state", Text, nullable=False),
    Column("since", Date, nullable=False),
    Column("history", JSONB, nullable=False, server_default=text("'[]'")),
    Column("email", Text),
    Column("pec", Text),
    Column("phone", Text),
    Column("notes", Text),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("updated_at", DateTime(timezone=True), nullable=False),
    Column("version", Integer, nullable=False),
    CheckConstraint(_one_of("state", [str(state) for state in State]), name="state"),
    Index("memberships_network_organisation", "network_id", "organisation_id", unique=True),
    Index("memberships_organisation", "organisation_id"),
)

mapper.map_imperatively(Organisation, organisations, version_id_col=organisations.c.version)
mapper.map_imperatively(Membership, memberships, version_id_col=memberships.c.version)

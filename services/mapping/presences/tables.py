"""Organisations, memberships and mandates as the registry told them, where places add to them, and the presences that
are derived from all of these.

No foreign keys: each kind of fact arrives when it arrives. Withdrawn members and ended mandates stay as rows, so that
an older fact cannot bring them back. Indexes of `presences` end with the order of the list, so that a page costs the
same in a network of a thousand presences and of a million.
"""

from sqlalchemy import Column, Date, DateTime, Index, Integer, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from services.mapping.store import mapper

organisations = Table(
    "organisations",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("title", Text, nullable=False),
    Column("tax_code", Text),
    Column("kind", Text, nullable=False),
    Column("sections", JSONB, nullable=False),
    Column("municipality", Text),
    Column("territories", JSONB, nullable=False),
    Column("parent_id", Uuid),
    Column("ownership", Text),
    Column("changed_at", DateTime(timezone=True), nullable=False),
    Column("generation", Integer, nullable=False),
    Column("version", Integer, nullable=False),
)

memberships = Table(
    "memberships",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("network_id", Uuid, nullable=False),
    Column("organisation_id", Uuid, nullable=False),
    Column("state", Text, nullable=False),
    Column("since", Date, nullable=False),
    Column("changed_at", DateTime(timezone=True), nullable=False),
    Column("generation", Integer, nullable=False),
    Column("version", Integer, nullable=False),
    Index("memberships_organisation", "organisation_id"),
)

mandates = Table(
    "mandates",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("network_id", Uuid, nullable=False),
    Column("organisation_id", Uuid),
    Column("role", Text, nullable=False),
    Column("territory", Text),
    Column("state", Text, nullable=False),
    Column("since", Date, nullable=False),
    Column("until", Date),
    Column("changed_at", DateTime(timezone=True), nullable=False),
    Column("generation", Integer, nullable=False),
    Column("version", Integer, nullable=False),
    Index("mandates_organisation", "organisation_id"),
    comment="Without the person: the map needs to know that somebody acts there, not who",
)

place_presences = Table(
    "place_presences",
    mapper.metadata,
    Column("place_id", Uuid, primary_key=True),
    Column("organisation_id", Uuid, primary_key=True),
    Column("network_id", Uuid, nullable=False),
    Column("municipality", Text, comment="None: the place makes nobody present any more"),
    Column("changed_at", DateTime(timezone=True), nullable=False),
    Index("place_presences_organisation", "organisation_id"),
    comment="Where places make those present who run them, and since when: this service's own, no projection",
)

presences = Table(
    "presences",
    mapper.metadata,
    Column("organisation_id", Uuid, primary_key=True),
    Column("network_id", Uuid, primary_key=True),
    Column("territory", Text, primary_key=True),
    Column("municipality", Text),
    Column("province", Text),
    Column("region", Text, nullable=False),
    Column("sources", ARRAY(Text), nullable=False),
    Column("title", Text, nullable=False),
    Column("search", Text, nullable=False, comment="The title as people type it: lower case, no accents"),
    Column("tax_code", Text),
    Column("kind", Text, nullable=False),
    Column("sections", JSONB, nullable=False),
    Column("section_names", ARRAY(Text), nullable=False, comment="Those of `sections`, whatever their dates"),
    Column("changed_at", DateTime(timezone=True), nullable=False),
    Index("presences_by_name", "network_id", "search", "organisation_id", "territory"),
    Index("presences_by_region", "network_id", "region", "search", "organisation_id", "territory"),
    Index("presences_by_province", "network_id", "province", "search", "organisation_id", "territory"),
    Index("presences_by_municipality", "network_id", "municipality", "search", "organisation_id", "territory"),
    Index("presences_by_kind", "network_id", "kind", "search", "organisation_id", "territory"),
    Index("presences_by_change", "network_id", "changed_at"),
    # arrays and not JSON: their statistics tell the planner whether few or many rows match
    Index("presences_facets", "sources", "section_names", postgresql_using="gin"),
    Index("presences_search", "search", postgresql_using="gin", postgresql_ops={"search": "gin_trgm_ops"}),
)

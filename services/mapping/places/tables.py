"""Where places are kept. A place has one municipality, which is also its only territory."""

from sqlalchemy import CheckConstraint, Column, Double, Index, Table, Text, Uuid, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from services.mapping.items.tables import columns, constraints
from services.mapping.places.rules import Kind, Place
from services.mapping.store import mapper, words

places = Table(
    "places",
    mapper.metadata,
    *columns(),
    Column("kind", words(Kind), nullable=False),
    Column("activities", ARRAY(Text), nullable=False),
    Column("address", Text),
    Column("postcode", Text),
    Column("latitude", Double),
    Column("longitude", Double),
    Column("phone", Text),
    Column("email", Text),
    Column("website", Text),
    Column("note", Text),
    Column("hours", JSONB, nullable=False),
    Column("import_id", Uuid),
    Column("identity", Text, comment="By which a later import finds it: kind, municipality, name and address, folded"),
    CheckConstraint("municipality is not null", name="somewhere"),
    CheckConstraint("(latitude is null) = (longitude is null)", name="position"),
    CheckConstraint("activities = '{}' or kind = 'community_laboratory'", name="activities"),
    *constraints("places"),
    Index("places_by_kind", "network_id", "kind", "search", "id"),
    Index(
        "places_identity",
        "network_id",
        "identity",
        unique=True,
        postgresql_where=text("identity is not null and state <> 'closed'"),
    ),
)

mapper.map_imperatively(Place, places, version_id_col=places.c.version, exclude_properties={"created_at", "updated_at"})

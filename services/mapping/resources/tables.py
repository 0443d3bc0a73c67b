"""Where resources are kept: `expires_on` of every item is here the day from which it is no longer offered."""

from sqlalchemy import BigInteger, CheckConstraint, Column, Date, Index, Table, Text
from sqlalchemy.dialects.postgresql import ARRAY

from services.mapping.items.tables import columns, constraints
from services.mapping.resources.rules import Kind, Resource
from services.mapping.store import mapper, words

resources = Table(
    "resources",
    mapper.metadata,
    *columns(),
    Column("kind", words(Kind), nullable=False),
    Column("description", Text),
    Column("cents", BigInteger),
    Column("themes", ARRAY(Text), nullable=False),
    Column("available_to", ARRAY(Text), nullable=False),
    Column("since", Date),
    CheckConstraint("organisation_id is not null", name="offered"),
    CheckConstraint("cents is null or (kind = 'economic' and cents >= 0)", name="money"),
    *constraints("resources"),
    Index("resources_themes", "themes", postgresql_using="gin"),
)

mapper.map_imperatively(
    Resource, resources, version_id_col=resources.c.version, exclude_properties={"created_at", "updated_at"}
)

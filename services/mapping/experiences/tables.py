"""Where experiences and declared absences are kept."""

from sqlalchemy import Column, Date, Index, Integer, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import ARRAY

from services.mapping.experiences.rules import Absence, Experience
from services.mapping.items.tables import columns, constraints
from services.mapping.store import mapper

experiences = Table(
    "experiences",
    mapper.metadata,
    *columns(),
    Column("description", Text),
    Column("partners", Text),
    Column("results", Text),
    Column("link", Text),
    Column("themes", ARRAY(Text), nullable=False),
    Column("since", Date),
    Column("until", Date),
    *constraints("experiences"),
    Index("experiences_themes", "themes", postgresql_using="gin"),
)

absences = Table(
    "absences",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("network_id", Uuid, nullable=False),
    Column("organisation_id", Uuid, nullable=False),
    Column("declared_on", Date, nullable=False),
    Column("declared_by", Uuid),
    Column("version", Integer, nullable=False),
    Index("absences_organisation", "network_id", "organisation_id", unique=True),
)

mapper.map_imperatively(
    Experience, experiences, version_id_col=experiences.c.version, exclude_properties={"created_at", "updated_at"}
)
mapper.map_imperatively(Absence, absences, version_id_col=absences.c.version)

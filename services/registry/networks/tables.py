"""The registry owns the networks, so it writes the table that the other services project, with a column of its own."""

from sqlalchemy import CheckConstraint, Column, DateTime, LargeBinary, Table, Text, func

from services.registry.networks.rules import Network
from services.registry.store import mapper
from shared.access import tables as access

networks = access.networks.to_metadata(mapper.metadata)
networks.append_column(
    Column("updated_at", DateTime(timezone=True), nullable=False, server_default=func.now(), onupdate=func.now())
)
networks.append_constraint(CheckConstraint("slug ~ '^[a-z][a-z0-9-]{1,62}$'", name="slug"))

logos = Table(
    "logos",
    mapper.metadata,
    Column("sha256", Text, primary_key=True),
    Column("content", LargeBinary, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    comment="Images by their content: a mail of last year still shows the logo of last year",
)

mapper.map_imperatively(
    Network,
    networks,
    version_id_col=networks.c.version,
    exclude_properties={"generation", "updated_at"},
)

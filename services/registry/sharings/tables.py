"""The registry owns what networks share, so it writes the table that the other services project, with rules besides."""

from sqlalchemy import CheckConstraint, Column, DateTime, ForeignKeyConstraint, Index, func, text
from sqlalchemy.dialects.postgresql import ExcludeConstraint

from services.registry.sharings.rules import Sharing
from services.registry.store import mapper
from shared.access import tables as access

sharings = access.sharings.to_metadata(mapper.metadata)
sharings.append_column(
    Column("updated_at", DateTime(timezone=True), nullable=False, server_default=func.now(), onupdate=func.now())
)
sharings.append_constraint(ForeignKeyConstraint(["network_id"], ["networks.id"]))
sharings.append_constraint(ForeignKeyConstraint(["with_network_id"], ["networks.id"]))
sharings.append_constraint(CheckConstraint("network_id <> with_network_id", name="two_networks"))
sharings.append_constraint(CheckConstraint("until >= since", name="days"))
sharings.append_constraint(CheckConstraint("cardinality(what) > 0", name="something"))
sharings.append_constraint(
    ExcludeConstraint(
        ("network_id", "="),
        ("with_network_id", "="),
        (func.daterange(text("since"), text("until")), "&&"),
        using="gist",
        name="sharings_one",
    )
)
Index("sharings_network", sharings.c.network_id, sharings.c.id)

mapper.map_imperatively(
    Sharing, sharings, version_id_col=sharings.c.version, exclude_properties={"generation", "updated_at"}
)

"""Experiences on the networks' maps, as mapping tells them: what a practice may be written from. Their texts are not
told; the map has them."""

from sqlalchemy import ARRAY, Column, Date, Index, Integer, Table, Text, Uuid

from services.learning.store import mapper

experiences = Table(
    "experiences",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("network_id", Uuid, nullable=False),
    Column("title", Text, nullable=False),
    Column("organisation_id", Uuid),
    Column("body_id", Uuid),
    Column("municipality", Text),
    Column("territories", ARRAY(Text), nullable=False),
    Column("themes", ARRAY(Text), nullable=False),
    Column("since", Date),
    Column("state", Text, nullable=False),
    Column("visibility", Text, nullable=False),
    Column("expires_on", Date, comment="the first day on which it is no longer offered"),
    Column("generation", Integer, nullable=False),
    Column("version", Integer, nullable=False),
    Index("experiences_network", "network_id", "state"),
)

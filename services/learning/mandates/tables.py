"""Mandates as the registry told them: who holds which role in a network, and in which state it last said that it is.

Ended mandates stay as rows, so that an older fact cannot bring them back.
"""

from sqlalchemy import ARRAY, Column, Date, Index, Integer, Table, Text, Uuid, text

from services.learning.store import mapper

HELD = ("in_office", "holding_over")
"""The states in which a mandate lets its holder act."""

mandates = Table(
    "mandates",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("network_id", Uuid, nullable=False),
    Column("person_id", Uuid, nullable=False),
    Column("role", Text, nullable=False),
    Column("territory", Text),
    Column(
        "within",
        ARRAY(Text),
        nullable=False,
        server_default=text("'{}'"),
        comment="the territory and those in which it lies",
    ),
    Column("body_id", Uuid),
    Column("state", Text, nullable=False),
    Column("since", Date, nullable=False),
    Column("until", Date),
    Column("ended_on", Date),
    Column("generation", Integer, nullable=False),
    Column("version", Integer, nullable=False),
    Index("mandates_of_network", "network_id", "role"),
    Index("mandates_of_person", "person_id"),
    Index("mandates_of_body", "body_id"),
)

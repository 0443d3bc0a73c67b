"""Mandates, as the registry tells them: who may sit, vote and be invited on which days."""

from sqlalchemy import ARRAY, Column, Date, Index, Integer, Table, Text, Uuid

from services.events.store import mapper

mandates = Table(
    "mandates",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("network_id", Uuid, nullable=False),
    Column("person_id", Uuid, nullable=False),
    Column("organisation_id", Uuid),
    Column("role", Text, nullable=False),
    Column("territory", Text),
    Column("within", ARRAY(Text), nullable=False, comment="the territory and those in which it lies"),
    Column("body_id", Uuid),
    Column("seat_id", Uuid),
    Column("since", Date, nullable=False),
    Column("ends", Date, comment="the first day on which it is no longer held, as decided so far; null: open"),
    Column("state", Text, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("version", Integer, nullable=False),
    Index("mandates_network", "network_id", "role"),
    Index("mandates_person", "person_id"),
    Index("mandates_body", "body_id"),
    Index("mandates_seat", "seat_id"),
    Index("mandates_organisation", "organisation_id"),
)

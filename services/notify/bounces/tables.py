"""What came back, and to whom nothing is mailed any more. An address is nowhere here: its SHA-256 says whether it is
the one that a person has now, so that a changed one is free, and who shares a mailbox shares what is known of it.
"""

from sqlalchemy import Column, DateTime, ForeignKey, Index, Table, Text, UniqueConstraint, Uuid

from services.notify.store import mapper

bounces = Table(
    "bounces",
    mapper.metadata,
    Column("delivery_id", Uuid, ForeignKey("deliveries.id"), primary_key=True),
    Column("kind", Text, primary_key=True, comment="hard, soft, policy or complaint; the same twice is one"),
    Column("person_id", Uuid, nullable=False),
    Column("address_key", Text, nullable=False),
    Column("status", Text, nullable=False, comment="RFC 3463, empty when none was given"),
    Column("at", DateTime(timezone=True), nullable=False, comment="wall time"),
    comment="Mails that came back or were complained of, to addresses that their people still have",
)
Index("bounces_address", bounces.c.address_key, bounces.c.at)
Index("bounces_person", bounces.c.person_id)

suppressions = Table(
    "suppressions",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("person_id", Uuid, nullable=False),
    Column("address_key", Text, nullable=False),
    Column("reason", Text, nullable=False, comment="hard, soft or complaint"),
    Column("status", Text, nullable=False),
    Column("delivery_id", Uuid, nullable=False, comment="the last mail that came back or was complained of"),
    Column("since", DateTime(timezone=True), nullable=False, comment="wall time"),
    Column("released_at", DateTime(timezone=True)),
    Column("released_by", Uuid),
    Column("release", Text, comment="works, asked or mistake"),
    UniqueConstraint("person_id", "address_key", name="suppressions_once"),
)
Index("suppressions_address", suppressions.c.address_key, postgresql_where=suppressions.c.released_at.is_(None))

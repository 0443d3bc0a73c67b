"""What people have decided. Not a projection: it is theirs, and is kept nowhere else."""

from sqlalchemy import (
    CheckConstraint,
    Column,
    DateTime,
    Integer,
    SmallInteger,
    Table,
    Text,
    Time,
    UniqueConstraint,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY

from services.notify.store import mapper

preferences = Table(
    "preferences",
    mapper.metadata,
    Column("person_id", Uuid, primary_key=True),
    Column("language", Text, comment="null: the registry's"),
    Column("quiet_since", Time, comment="Italy's clocks, as the others"),
    Column("quiet_until", Time),
    Column("quiet_days", ARRAY(SmallInteger), comment="on which it begins, 1: Monday"),
    Column("digest_hour", SmallInteger, nullable=False, server_default=text("7")),
    Column("digest_weekday", SmallInteger, nullable=False, server_default=text("1")),
    Column("updated_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("version", Integer, nullable=False, server_default=text("1")),
    CheckConstraint("digest_hour between 0 and 23 and digest_weekday between 1 and 7", name="digests"),
    comment="One row for each person who has decided anything",
)

choices = Table(
    "preference_choices",
    mapper.metadata,
    Column("person_id", Uuid, nullable=False),
    Column("network_id", Uuid, comment="null: in all networks"),
    Column("about", Text, nullable=False, comment="a topic, or a group of topics"),
    Column("channel", Text, nullable=False),
    Column("choice", Text, nullable=False),
    UniqueConstraint(
        "person_id",
        "network_id",
        "about",
        "channel",
        name="preference_choices_once",
        postgresql_nulls_not_distinct=True,
    ),
)

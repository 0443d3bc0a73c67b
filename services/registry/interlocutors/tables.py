"""Where interlocutors and the log of contacts with them are kept."""

from sqlalchemy import (
    CheckConstraint,
    Column,
    Date,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    func,
)

from services.registry.interlocutors.rules import Channel, Contact, Interlocutor, Office
from services.registry.store import mapper, words

interlocutors = Table(
    "interlocutors",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("network_id", Uuid, ForeignKey("networks.id"), nullable=False),
    Column("institution", Text, nullable=False),
    Column("region", Text, nullable=False),
    Column("office", words(Office), nullable=False),
    Column("recorded_on", Date, nullable=False),
    Column("name", Text),
    Column("email", Text),
    Column("phone", Text),
    Column("contacts", Integer, nullable=False),
    Column("last_contact_on", Date),
    Column("updated_at", DateTime(timezone=True), nullable=False, server_default=func.now(), onupdate=func.now()),
    Column("version", Integer, nullable=False),
    UniqueConstraint("network_id", "institution", "office", name="interlocutors_office"),
)

contacts = Table(
    "interlocutor_contacts",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("interlocutor_id", Uuid, ForeignKey("interlocutors.id"), nullable=False),
    Column("happened_on", Date, nullable=False),
    Column("channel", words(Channel), nullable=False),
    Column("summary", Text, nullable=False),
    Column("outcome", Text),
    Column("corrects_id", Uuid, ForeignKey("interlocutor_contacts.id"), unique=True),
    Column("recorded_on", Date, nullable=False),
    Column("recorded_by", Uuid),
    CheckConstraint("happened_on <= recorded_on", name="happened"),
    Index("interlocutor_contacts_by_day", "interlocutor_id", "happened_on", "id"),
    comment="Appended to and never changed: a wrong entry is corrected by a later one",
)

mapper.map_imperatively(
    Interlocutor, interlocutors, version_id_col=interlocutors.c.version, exclude_properties={"updated_at"}
)
mapper.map_imperatively(Contact, contacts)

"""How people are reached, as the registry tells it. The only personal data of this service; emptied when erased."""

from sqlalchemy import Boolean, Column, DateTime, Index, Integer, Table, Text, Uuid, func, text

from services.notify.store import mapper

contacts = Table(
    "contacts",
    mapper.metadata,
    Column("person_id", Uuid, primary_key=True),
    Column("network_id", Uuid, comment="the network that entered the person first"),
    Column("given_name", Text, nullable=False, server_default=text("''")),
    Column("family_name", Text, nullable=False, server_default=text("''")),
    Column("email", Text),
    Column("email_verified", Boolean, nullable=False, server_default=text("false")),
    Column("phone", Text),
    Column("language", Text, nullable=False, server_default=text("'it'")),
    Column("erased_at", DateTime(timezone=True)),
    Column("merged_into", Uuid, comment="of a duplicate: who stands for both, whom its old mails' links are about"),
    Column("generation", Integer, nullable=False),
    Column("version", Integer, nullable=False),
)
Index("contacts_mailbox", func.lower(func.btrim(contacts.c.email)), postgresql_where=contacts.c.email.is_not(None))
Index("contacts_of_network", contacts.c.network_id, contacts.c.person_id)

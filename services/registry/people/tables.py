"""Where people are kept, and which networks know them.

`search` is what `q` looks in: names and address, folded. It is written by the database and not mapped.
"""

from sqlalchemy import (
    CheckConstraint,
    Column,
    Computed,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    Uuid,
    func,
    text,
)

from services.registry.people.rules import Language, Person
from services.registry.store import mapper, words

SEARCH = "fold(family_name || ' ' || given_name || ' ' || family_name || ' ' || coalesce(email, ''))"

people = Table(
    "people",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("network_id", Uuid, ForeignKey("networks.id"), nullable=False),
    Column("given_name", Text, nullable=False),
    Column("family_name", Text, nullable=False),
    Column("language", words(Language), nullable=False),
    Column("email", Text),
    Column("email_verified_at", DateTime(timezone=True)),
    Column("phone", Text),
    Column("erased_at", DateTime(timezone=True)),
    Column("merged_into", Uuid, ForeignKey("people.id")),
    Column("search", Text, Computed(SEARCH, persisted=True), nullable=False),
    Column("updated_at", DateTime(timezone=True), nullable=False, server_default=func.now(), onupdate=func.now()),
    Column("version", Integer, nullable=False),
    CheckConstraint("erased_at is null or (email is null and phone is null and family_name = '')", name="erased"),
    CheckConstraint("merged_into is null or erased_at is not null", name="merged"),
    Index("people_email", "email", postgresql_where=text("email is not null")),
    Index("people_merged", "merged_into", postgresql_where=text("merged_into is not null")),
    Index("people_search", "search", postgresql_using="gin", postgresql_ops={"search": "gin_trgm_ops"}),
)

known_people = Table(
    "known_people",
    mapper.metadata,
    Column("network_id", Uuid, ForeignKey("networks.id"), primary_key=True),
    Column("person_id", Uuid, ForeignKey("people.id"), primary_key=True),
    Index("known_people_person", "person_id"),
    comment="The networks that know a person: the one that entered them, and those in which they hold a mandate",
)

PERSON_NAME = func.trim(people.c.given_name + " " + people.c.family_name)
"""As people are named where a query joins them."""

mapper.map_imperatively(Person, people, version_id_col=people.c.version, exclude_properties={"search", "updated_at"})

"""Who may do what, as every service knows it: filled from the registry's facts, written by the registry itself.

`generation` and `version` guard each row against older facts. Nothing here points to another table with a foreign key:
the rows arrive in any order.
"""

from sqlalchemy import (
    ARRAY,
    Column,
    Date,
    DateTime,
    Index,
    Integer,
    MetaData,
    SmallInteger,
    Table,
    Text,
    Uuid,
    text,
)

metadata = MetaData()

networks = Table(
    "networks",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("slug", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("language", Text, nullable=False, server_default=text("'it'")),
    Column("sender_name", Text, comment="how its mails are signed, once the network has decided it"),
    Column("sender_address", Text),
    Column("logo", Text, comment="path under the platform's public address"),
    Column("generation", Integer, nullable=False, server_default=text("1")),
    Column("version", Integer, nullable=False),
    Index("networks_slug", "slug", unique=True),
)

grant_lists = Table(
    "grant_lists",
    metadata,
    Column("person_id", Uuid, primary_key=True),
    Column("generation", Integer, nullable=False, server_default=text("1")),
    Column("version", Integer, nullable=False),
    comment="The newest list of each person; it stays when the list is empty, so that an older one cannot come back",
)

grants = Table(
    "grants",
    metadata,
    Column("person_id", Uuid, primary_key=True),
    Column("position", SmallInteger, primary_key=True),
    Column("role", Text, nullable=False),
    Column("network_id", Uuid, nullable=False),
    Column("organisation_id", Uuid),
    Column("body_id", Uuid),
    Column("territory", Text),
    Column("since", Date, nullable=False),
    Column("until", Date),
    Column("generation", Integer, nullable=False, server_default=text("1")),
    Column("version", Integer, nullable=False),
    Index("grants_holders", "network_id", "role"),
)

sharings = Table(
    "sharings",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("network_id", Uuid, nullable=False),
    Column("with_network_id", Uuid, nullable=False),
    Column("what", ARRAY(Text), nullable=False),
    Column("since", Date, nullable=False),
    Column("until", Date),
    Column("generation", Integer, nullable=False, server_default=text("1")),
    Column("version", Integer, nullable=False),
    Index("sharings_with", "with_network_id"),
    comment="What a network (network_id) lets another one see of its own; checked against the clock at use",
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("network_id", Uuid),
    Column("title", Text, nullable=False),
    Column("secret_sha256", Text, nullable=False),
    Column("previous_sha256", Text),
    Column("previous_until", DateTime(timezone=True)),
    Column("scopes", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    Column("origins", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    Column("per_minute", Integer, nullable=False),
    Column("expires_at", DateTime(timezone=True)),
    Column("revoked_at", DateTime(timezone=True)),
    Column("generation", Integer, nullable=False, server_default=text("1")),
    Column("version", Integer, nullable=False),
    Index("api_keys_origins", "origins", postgresql_using="gin"),
)

used_links = Table(
    "used_links",
    metadata,
    Column("jti", Uuid, primary_key=True),
    Column("purpose", Text, nullable=False),
    Column("used_at", DateTime(timezone=True), nullable=False),
    comment="Signed links that this service has acted upon: each acts once",
)

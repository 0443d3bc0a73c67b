"""Where achievements and credentials are kept, and the public keys with which credentials were ever signed."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    SmallInteger,
    Table,
    Text,
    Uuid,
    false,
    func,
)
from sqlalchemy.dialects.postgresql import JSONB

from services.learning.credentials.rules import Achievement, Credential, State
from services.learning.store import mapper, words

achievements = Table(
    "achievements",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("network_id", Uuid, nullable=False),
    Column("title", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("criteria", Text, nullable=False),
    Column("months", SmallInteger, comment="that a credential of it holds; null: for good"),
    Column("path_id", Uuid, ForeignKey("paths.id"), comment="who completes it has earned it"),
    Column("retired_on", Date),
    Column("updated_at", DateTime(timezone=True), nullable=False, server_default=func.now(), onupdate=func.now()),
    Column("version", Integer, nullable=False),
    Index("achievements_network", "network_id", "id"),
    Index("achievements_path", "path_id"),
)

credentials = Table(
    "credentials",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("achievement_id", Uuid, ForeignKey("achievements.id"), nullable=False),
    Column("network_id", Uuid, nullable=False),
    Column("person_id", Uuid, comment="null: erased, its page says that it is no more"),
    Column("path_id", Uuid),
    Column("enrolment_id", Uuid, comment="by whose completion it was earned"),
    Column("attempt", SmallInteger),
    Column("reason", Text, comment="why it was given by hand"),
    Column("given_by", Uuid),
    Column("issued_at", DateTime(timezone=True), nullable=False),
    Column("issued_on", Date, nullable=False),
    Column("expires_on", Date, comment="the last day on which it is good"),
    Column("named", Boolean, nullable=False, server_default=false(), comment="the holder wants their name on it"),
    Column("state", words(State), nullable=False),
    Column("revoked_on", Date),
    Column("revoked_for", Text),
    Column("revoked_by", Uuid),
    Column("code", Text, nullable=False, comment="the address of its page"),
    Column("salt", Text, comment="of the hash of the name"),
    Column("place", BigInteger, Identity(start=0, minvalue=0), nullable=False, comment="its bit in the status lists"),
    Column("updated_at", DateTime(timezone=True), nullable=False, server_default=func.now(), onupdate=func.now()),
    Column("version", Integer, nullable=False),
    CheckConstraint("(state = 'revoked') = (revoked_on is not null)", name="revoked"),
    Index("credentials_code", "code", unique=True),
    Index("credentials_once", "achievement_id", "enrolment_id", "attempt", unique=True),
    Index("credentials_network", "network_id", "id"),
    Index("credentials_person", "person_id", "id"),
    Index("credentials_place", "network_id", "place"),
)

badge_keys = Table(
    "badge_keys",
    mapper.metadata,
    Column("kid", Text, primary_key=True),
    Column("jwk", JSONB, nullable=False, comment="public; what was signed with it must stay verifiable"),
    Column("since", DateTime(timezone=True), nullable=False),
)

mapper.map_imperatively(
    Achievement, achievements, version_id_col=achievements.c.version, exclude_properties={"updated_at"}
)
mapper.map_imperatively(
    Credential, credentials, version_id_col=credentials.c.version, exclude_properties={"updated_at"}
)

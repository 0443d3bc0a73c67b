"""Where endpoints are kept, what waits for each, and each try.

How an endpoint answers changes with every try, and stands in a table of its own: nobody's If-Match fails because a
message was sent meanwhile. A lane's lease is the only claim: while it runs, one process sends to that endpoint, one
message at a time.
"""

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    Uuid,
    text,
)

from services.notify.store import mapper
from services.notify.webhooks.rules import Endpoint, MessageState, Outcome, Reason, State
from shared.runtime.stores import words

endpoints = Table(
    "endpoints",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("network_id", Uuid, nullable=False),
    Column("title", Text, nullable=False),
    Column("description", Text),
    Column("url", Text, nullable=False),
    Column("types", ARRAY(Text), nullable=False),
    Column("key_id", Uuid, comment="the partner's key that made it"),
    Column("secret", LargeBinary, nullable=False, comment="sealed"),
    Column("previous", LargeBinary, comment="sealed; signs too until previous_until"),
    Column("previous_until", DateTime(timezone=True)),
    Column("state", words(State), nullable=False),
    Column("reason", words(Reason)),
    Column("made_at", DateTime(timezone=True), nullable=False),
    Column("changed_at", DateTime(timezone=True)),
    Column("version", Integer, nullable=False),
    Index("endpoints_network", "network_id", "id"),
)

endpoint_lanes = Table(
    "endpoint_lanes",
    mapper.metadata,
    Column("endpoint_id", Uuid, ForeignKey("endpoints.id", ondelete="CASCADE"), primary_key=True),
    Column("failures", Integer, nullable=False, server_default=text("0")),
    Column("failing_since", DateTime(timezone=True)),
    Column("open_until", DateTime(timezone=True), comment="left alone until then"),
    Column("suspect", Boolean, nullable=False, server_default=text("false"), comment="slow or failing"),
    Column("served_at", DateTime(timezone=True)),
    Column("lease", Uuid, comment="of which claim"),
    Column("lease_until", DateTime(timezone=True)),
    comment="How each endpoint answers, and which process sends to it",
)

endpoint_messages = Table(
    "endpoint_messages",
    mapper.metadata,
    Column("endpoint_id", Uuid, ForeignKey("endpoints.id", ondelete="CASCADE"), primary_key=True),
    Column("fact_id", Uuid, primary_key=True),
    Column("seq", BigInteger, Identity(always=True), nullable=False, comment="the order in which facts came"),
    Column("type", Text, nullable=False),
    Column("aggregate_id", Uuid, nullable=False),
    Column("state", words(MessageState), nullable=False),
    Column("attempts", SmallInteger, nullable=False, server_default=text("0")),
    Column("queued_at", DateTime(timezone=True), nullable=False),
    Column("next_try", DateTime(timezone=True), comment="none once it is settled"),
    Column("settled_at", DateTime(timezone=True)),
    Column("outcome", words(Outcome), comment="of the last try"),
    Column("status", Integer),
    comment="What each endpoint is told; the fact itself stands in told",
)
Index(
    "endpoint_messages_due",
    endpoint_messages.c.endpoint_id,
    endpoint_messages.c.next_try,
    endpoint_messages.c.seq,
    postgresql_where=endpoint_messages.c.state == MessageState.QUEUED,
)
Index("endpoint_messages_seq", endpoint_messages.c.endpoint_id, endpoint_messages.c.seq)

endpoint_attempts = Table(
    "endpoint_attempts",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("endpoint_id", Uuid, ForeignKey("endpoints.id", ondelete="CASCADE"), nullable=False),
    Column("fact_id", Uuid, comment="none: a test"),
    Column("type", Text, nullable=False),
    Column("number", SmallInteger, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("outcome", words(Outcome), nullable=False),
    Column("status", Integer),
    Column("latency_ms", Integer, nullable=False),
    Column("answer", Text, nullable=False, server_default=text("''"), comment="its first printable characters"),
    Index("endpoint_attempts_endpoint", "endpoint_id", "at", "id"),
    comment="Each try, also of the test button",
)

mapper.map_imperatively(Endpoint, endpoints, version_id_col=endpoints.c.version)

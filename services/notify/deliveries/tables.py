"""Where deliveries and their attempts are kept. No address, no name and no text of a mail is in either table."""

from sqlalchemy import (
    Boolean,
    Column,
    DateTime,
    Enum,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from services.notify.deliveries.rules import Delivery, Outcome, Problem, State
from services.notify.store import mapper
from shared.messaging.tables import Xid8


def _words(kind: type[State] | type[Problem] | type[Outcome]) -> Enum:
    """Kept as text, so that a new word needs no migration; read back as its own type."""
    return Enum(
        kind, native_enum=False, create_constraint=False, length=32, values_callable=lambda e: [str(m) for m in e]
    )


deliveries = Table(
    "deliveries",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("network_id", Uuid),
    Column("person_id", Uuid),
    Column("channel", Text, nullable=False),
    Column("topic", Text, nullable=False),
    Column("key", Text, nullable=False, unique=True, comment="(rule, subject, instant, person): told once"),
    Column("parameters", JSONB, nullable=False, server_default=text("'{}'")),
    Column("because_of", Uuid, nullable=False, comment="the fact"),
    Column("correlation", Uuid),
    Column("traceparent", Text),
    Column("state", _words(State), nullable=False),
    Column("problem", _words(Problem)),
    Column("reason", Text, comment="the relay's words of the last attempt, without addresses"),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("intended_at", DateTime(timezone=True), nullable=False, comment="domain clock; the others are wall time"),
    Column("first_try", DateTime(timezone=True)),
    Column("next_try", DateTime(timezone=True), server_default=func.now()),
    Column("lease_until", DateTime(timezone=True)),
    Column("sent_at", DateTime(timezone=True)),
    Column("updated_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("version", Integer, nullable=False, server_default=text("1")),
    Column("waits_until", DateTime(timezone=True), comment="domain clock"),
    Column("in_inbox", Boolean, nullable=False, server_default=text("true")),
    Column("digest_id", Uuid, comment="the delivery in whose mail it went"),
    Column("subject_id", Uuid, comment="the meeting, ballot, ... that it is about"),
    Column("tx", Xid8, nullable=False, server_default=text("pg_current_xact_id()")),
)
Index("deliveries_due", deliveries.c.next_try, postgresql_where=deliveries.c.state == State.QUEUED)
Index("deliveries_leased", deliveries.c.lease_until, postgresql_where=deliveries.c.state == State.SENDING)
Index("deliveries_of_network", deliveries.c.network_id, deliveries.c.id)
Index("deliveries_of_person", deliveries.c.person_id)
Index("deliveries_waiting", deliveries.c.waits_until, postgresql_where=deliveries.c.waits_until.is_not(None))
Index("deliveries_digest", deliveries.c.digest_id, postgresql_where=deliveries.c.digest_id.is_not(None))
Index("deliveries_subject", deliveries.c.subject_id, postgresql_where=deliveries.c.subject_id.is_not(None))
Index("deliveries_tx", deliveries.c.tx)
Index("deliveries_because_of", deliveries.c.because_of)
Index("deliveries_correlation", deliveries.c.correlation)

attempts = Table(
    "attempts",
    mapper.metadata,
    Column("delivery_id", Uuid, ForeignKey("deliveries.id"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("outcome", _words(Outcome), nullable=False),
    Column("code", Integer, comment="the relay's reply code, none when it gave none"),
    Column("reason", Text, nullable=False, server_default=text("''")),
    comment="Written as soon as the relay has answered, before all else: what was accepted is never sent again",
)

pace = Table(
    "pace",
    mapper.metadata,
    Column("relay", Text, primary_key=True),
    Column("free_at", DateTime(timezone=True), nullable=False),
    comment="Until when each relay's rate is used up, for all senders together",
)

mapper.map_imperatively(Delivery, deliveries, version_id_col=deliveries.c.version, exclude_properties=["tx"])

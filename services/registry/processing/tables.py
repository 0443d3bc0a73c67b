"""Where records, notices and consents are kept.

`processing_terms` has every state that a record had: what somebody was told on a day can be read years later.
"""

from sqlalchemy import (
    ARRAY,
    CheckConstraint,
    Column,
    Date,
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

from services.registry.processing.rules import Basis, Consent, How, Notice, Processing, State, WaiverCode
from services.registry.store import mapper, words


def terms() -> list[Column[object]]:
    return [
        Column("controller", Text, nullable=False),
        Column("contact", Text, nullable=False),
        Column("purposes", ARRAY(Text), nullable=False),
        Column("basis", words(Basis), nullable=False),
        Column("retention_months", Integer, nullable=False),
        Column("officer", Text),
        Column("source", Text),
        Column("recipients", ARRAY(Text), nullable=False),
    ]


processings = Table(
    "processings",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("network_id", Uuid, ForeignKey("networks.id"), nullable=False),
    *terms(),
    Column("version", Integer, nullable=False),
    CheckConstraint("cardinality(purposes) > 0", name="purposes"),
    CheckConstraint("retention_months > 0", name="retention"),
    Index("processings_network", "network_id", unique=True),
)

processing_terms = Table(
    "processing_terms",
    mapper.metadata,
    Column("processing_id", Uuid, ForeignKey("processings.id"), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("recorded_at", DateTime(timezone=True), nullable=False),
    Column("recorded_by", Uuid),
    *terms(),
)

notices = Table(
    "notices",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("network_id", Uuid, ForeignKey("networks.id"), nullable=False),
    Column("person_id", Uuid, ForeignKey("people.id"), nullable=False),
    Column("entered_on", Date, nullable=False),
    Column("due", Date, nullable=False),
    Column("state", words(State), nullable=False),
    Column("asked_at", DateTime(timezone=True)),
    Column("fact_id", Uuid),
    Column("sent_at", DateTime(timezone=True)),
    Column("handed_on", Date),
    Column("how", words(How)),
    Column("settled_by", Uuid),
    Column("waiver_code", words(WaiverCode)),
    Column("waiver_reason", Text),
    Column("updated_at", DateTime(timezone=True), nullable=False, server_default=func.now(), onupdate=func.now()),
    Column("version", Integer, nullable=False),
    CheckConstraint("(state = 'told') = (num_nonnulls(sent_at, handed_on) > 0)", name="told"),
    CheckConstraint("(handed_on is null) = (how is null)", name="handed"),
    CheckConstraint("(state = 'waived') = (waiver_code is not null)", name="waived"),
    CheckConstraint("(waiver_code is not distinct from 'informed') = (waiver_reason is not null)", name="reason"),
    # Nobody is told twice, however often they are entered.
    Index("notices_once", "network_id", "person_id", unique=True),
    Index("notices_network", "network_id", "id"),
    Index("notices_due", "network_id", "due", "id"),
    Index("notices_person", "person_id"),
    Index("notices_fact", "fact_id", unique=True, postgresql_where=text("fact_id is not null")),
)

consents = Table(
    "consents",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("network_id", Uuid, ForeignKey("networks.id"), nullable=False),
    Column("person_id", Uuid, ForeignKey("people.id"), nullable=False),
    Column("given_on", Date, nullable=False),
    Column("how", words(How)),
    Column("recorded_by", Uuid),
    Column("withdrawn_on", Date),
    Column("version", Integer, nullable=False),
    CheckConstraint("withdrawn_on >= given_on", name="withdrawn"),
    Index("consents_network", "network_id", "id"),
    Index("consents_standing", "network_id", "person_id", unique=True, postgresql_where=text("withdrawn_on is null")),
    Index("consents_person", "person_id"),
)

mapper.map_imperatively(Processing, processings, version_id_col=processings.c.version)
mapper.map_imperatively(Notice, notices, version_id_col=notices.c.version, exclude_properties={"updated_at"})
mapper.map_imperatively(Consent, consents, version_id_col=consents.c.version)

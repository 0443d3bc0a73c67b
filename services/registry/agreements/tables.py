"""Where agreements, those who sign or come forward, their tables and obligations are kept.

Organisations have no foreign keys, as a commitment's debtor has none: they are always taken from a membership.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Double,
    ForeignKey,
    Index,
    Integer,
    Text,
    UniqueConstraint,
    Uuid,
    func,
    text,
)
from sqlalchemy import Table as SqlTable
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from services.registry.agreements.rules import Agreement, Interest, Kind, Obligation, Signatory, Standing, State, Table
from services.registry.bodies.tables import bodies
from services.registry.mandates.tables import mandates
from services.registry.plans.tables import plans
from services.registry.store import mapper, words

agreements = SqlTable(
    "agreements",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("network_id", Uuid, ForeignKey("networks.id"), nullable=False),
    Column("kind", words(Kind), nullable=False),
    Column("state", words(State), nullable=False),
    Column("title", Text, nullable=False),
    Column("purpose", Text),
    Column("authority_id", Uuid),
    Column("body_id", Uuid, ForeignKey(bodies.c.id)),
    Column("plan_id", Uuid, ForeignKey(plans.c.id)),
    Column("territories", ARRAY(Text), nullable=False),
    Column("act", JSONB(none_as_null=True)),
    Column("link", Text),
    Column("published_on", Date),
    Column("deadline", Date),
    Column("officer_mandate_id", Uuid, ForeignKey(mandates.c.id)),
    Column("kinds", ARRAY(Text), nullable=False),
    Column("sections", ARRAY(Text), nullable=False),
    Column("places", ARRAY(Text), nullable=False),
    Column("criteria", JSONB, nullable=False),
    Column("threshold", Double),
    Column("cents", BigInteger),
    Column("since", Date),
    Column("until", Date),
    Column("outcome", Text),
    Column("outcome_id", Uuid, ForeignKey("agreements.id")),
    Column("closed_on", Date),
    Column("reason", Text),
    Column("updated_at", DateTime(timezone=True), nullable=False, server_default=func.now(), onupdate=func.now()),
    Column("version", Integer, nullable=False),
    CheckConstraint("until > since", name="days"),
    CheckConstraint("cents >= 0", name="cents"),
    CheckConstraint("state <> 'open' or deadline is not null", name="deadline"),
    CheckConstraint("state <> 'in_force' or since is not null", name="in_force"),
    CheckConstraint(
        "(state in ('ended', 'concluded', 'withdrawn')) = (closed_on is not null)",
        name="closed",
    ),
    Index("agreements_network", "network_id", "id"),
    Index("agreements_deadline", "network_id", "deadline", "id", postgresql_where=text("deadline is not null")),
    Index("agreements_territories", "territories", postgresql_using="gin"),
)

signatories = SqlTable(
    "agreement_signatories",
    mapper.metadata,
    Column("agreement_id", Uuid, ForeignKey(agreements.c.id), primary_key=True),
    Column("organisation_id", Uuid, primary_key=True),
    Column("signed_on", Date),
    Column("mandate_id", Uuid, ForeignKey(mandates.c.id)),
    CheckConstraint("(signed_on is null) = (mandate_id is null)", name="signed"),
    Index("agreement_signatories_organisation", "organisation_id"),
)

interests = SqlTable(
    "agreement_interests",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("agreement_id", Uuid, ForeignKey(agreements.c.id), nullable=False),
    Column("network_id", Uuid, ForeignKey("networks.id"), nullable=False),
    Column("organisation_id", Uuid, nullable=False),
    Column("expressed_on", Date, nullable=False),
    Column("note", Text),
    Column("on_behalf", Boolean, nullable=False),
    Column("state", words(Standing), nullable=False),
    Column("scores", JSONB, nullable=False),
    Column("points", Double),
    Column("reason", Text),
    Column("decided_on", Date),
    Column("version", Integer, nullable=False),
    CheckConstraint("(state in ('admitted', 'excluded')) = (decided_on is not null)", name="decided"),
    CheckConstraint("state <> 'excluded' or reason is not null", name="excluded"),
    UniqueConstraint("agreement_id", "organisation_id", name="agreement_interests_once"),
    Index("agreement_interests_organisation", "organisation_id"),
)

tables = SqlTable(
    "agreement_tables",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("agreement_id", Uuid, ForeignKey(agreements.c.id), nullable=False),
    Column("held_on", Date, nullable=False),
    Column("title", Text, nullable=False),
    Column("minutes_id", Uuid),
    Column("record", Text),
    Column("link", Text),
    CheckConstraint("minutes_id is not null or record is not null", name="minuted"),
    Index("agreement_tables_agreement", "agreement_id", "held_on", "id"),
)

obligations = SqlTable(
    "agreement_obligations",
    mapper.metadata,
    Column("id", Uuid, primary_key=True, comment="the source_id of the commitment, once it is one"),
    Column("agreement_id", Uuid, ForeignKey(agreements.c.id), nullable=False),
    Column("organisation_id", Uuid, nullable=False),
    Column("title", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("due", Date, nullable=False),
    Index("agreement_obligations_agreement", "agreement_id", "id"),
)

approved_minutes = SqlTable(
    "approved_minutes",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("network_id", Uuid),
    Column("held_on", Date, nullable=False),
    Column("number", Text),
    Column("generation", Integer, nullable=False),
    Column("version", Integer, nullable=False),
    comment="Projected from events: minutes that a table may refer to",
)

mapper.map_imperatively(Agreement, agreements, version_id_col=agreements.c.version, exclude_properties={"updated_at"})
mapper.map_imperatively(Signatory, signatories)
mapper.map_imperatively(Interest, interests, version_id_col=interests.c.version)
mapper.map_imperatively(Table, tables)
mapper.map_imperatively(Obligation, obligations)

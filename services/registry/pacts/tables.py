"""Where pacts are kept. Whatever was written about a person is sealed (`sealing.py`) before it comes here: without the
key in `pact_keys`, which is wrapped and destroyed with the pact's erasure, none of it can be read.
"""

from sqlalchemy import (
    CheckConstraint,
    Column,
    Date,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    func,
    text,
)

from services.registry.pacts.rules import (
    BreakReason,
    Capacity,
    Kept,
    Kind,
    Obligation,
    Outcome,
    Pact,
    Purpose,
    Reason,
    Side,
    State,
    Step,
    StepOutcome,
)
from services.registry.store import mapper, words

pacts = Table(
    "pacts",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("network_id", Uuid, ForeignKey("networks.id"), nullable=False),
    Column("year", SmallInteger, nullable=False),
    Column("number", Integer, nullable=False),
    Column("kind", words(Kind), nullable=False),
    Column("territory", Text, nullable=False),
    Column("body_id", Uuid, ForeignKey("bodies.id")),
    Column("organisation_id", Uuid),
    Column("maker_id", Uuid),
    Column("state", words(State), nullable=False),
    Column("drafted_on", Date, nullable=False),
    Column("signed_on", Date),
    Column("since", Date),
    Column("until", Date),
    Column("renewals", SmallInteger, nullable=False),
    Column("outcome", words(Outcome)),
    Column("break_reason", words(BreakReason)),
    Column("closed_on", Date),
    Column("erased_on", Date),
    Column("sealed", LargeBinary),
    Column("sealed_end", LargeBinary),
    Column("updated_at", DateTime(timezone=True), nullable=False, server_default=func.now(), onupdate=func.now()),
    Column("version", Integer, nullable=False),
    UniqueConstraint("network_id", "year", "number", name="pacts_code"),
    CheckConstraint("num_nonnulls(body_id, organisation_id) = 1", name="promoter"),
    CheckConstraint("until > since", name="term"),
    CheckConstraint("state not in ('signed', 'ended') or (signed_on is not null and until is not null)", name="signed"),
    CheckConstraint("(state in ('ended', 'broken_off')) = (closed_on is not null)", name="closed"),
    CheckConstraint(
        "(state = 'ended') = (outcome is not null) and (state = 'broken_off') = (break_reason is not null)",
        name="outcome",
    ),
    CheckConstraint(
        "erased_on is null or (closed_on is not null and sealed is null and sealed_end is null)", name="erased"
    ),
    Index("pacts_network", "network_id", "id"),
    Index("pacts_body", "body_id", postgresql_where=text("body_id is not null")),
    Index("pacts_organisation", "organisation_id", postgresql_where=text("organisation_id is not null")),
    Index("pacts_maker", "maker_id", postgresql_where=text("maker_id is not null")),
)

pact_keys = Table(
    "pact_keys",
    mapper.metadata,
    Column("pact_id", Uuid, ForeignKey("pacts.id"), primary_key=True),
    Column("key_id", Text, nullable=False),
    Column("wrapped", LargeBinary, nullable=False),
    comment="The key of each pact, wrapped by the master key `key_id`; a pact that was erased has none",
)

pact_obligations = Table(
    "pact_obligations",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("pact_id", Uuid, ForeignKey("pacts.id"), nullable=False),
    Column("number", SmallInteger, nullable=False),
    Column("side", words(Side), nullable=False),
    Column("organisation_id", Uuid),
    Column("person_id", Uuid),
    Column("due", Date),
    Column("sealed", LargeBinary),
    Column("outcome", words(Kept)),
    Column("closed_on", Date),
    UniqueConstraint("pact_id", "number", name="pact_obligations_number"),
    CheckConstraint("num_nonnulls(organisation_id, person_id) <= 1", name="holder"),
    CheckConstraint("side <> 'beneficiary' or num_nonnulls(organisation_id, person_id) = 0", name="beneficiary"),
    CheckConstraint("(outcome is null) = (closed_on is null)", name="closed"),
)

pact_steps = Table(
    "pact_steps",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("pact_id", Uuid, ForeignKey("pacts.id"), nullable=False),
    Column("number", SmallInteger, nullable=False),
    Column("due", Date, nullable=False),
    Column("sealed", LargeBinary),
    Column("outcome", words(StepOutcome)),
    Column("closed_on", Date),
    Column("sealed_note", LargeBinary),
    UniqueConstraint("pact_id", "number", name="pact_steps_number"),
    CheckConstraint("(outcome is null) = (closed_on is null)", name="closed"),
)

pact_renewals = Table(
    "pact_renewals",
    mapper.metadata,
    Column("pact_id", Uuid, ForeignKey("pacts.id"), primary_key=True),
    Column("number", SmallInteger, primary_key=True),
    Column("renewed_on", Date, nullable=False),
    Column("until_before", Date, nullable=False),
    Column("until", Date, nullable=False),
)

pact_readings = Table(
    "pact_readings",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("pact_id", Uuid, nullable=False),
    Column("person_id", Uuid, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("capacity", words(Capacity), nullable=False),
    Column("reason", words(Reason), nullable=False),
    Column("purpose", words(Purpose), nullable=False),
    Index("pact_readings_pact", "pact_id", "id"),
    comment="Who has read what is written about a person, when and why: appended to; a trigger refuses the rest",
)

pact_looks = Table(
    "pact_looks",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("body_id", Uuid),
    Column("organisation_id", Uuid),
    comment="What the due table waits for: who follows a promoter's pacts may have changed. A row for each cause, so "
    "that two commands never wait for each other here",
)

mapper.map_imperatively(Pact, pacts, version_id_col=pacts.c.version, exclude_properties={"updated_at"})
mapper.map_imperatively(Obligation, pact_obligations)
mapper.map_imperatively(Step, pact_steps)

"""Where commitments and the rules that make them are kept.

The organisation that owes has no foreign key: making the commitments of all members would wait for every organisation
that an import holds, while the import waits for the rules (`queries.lock_rules`). It is always taken from a membership.
"""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    Uuid,
    func,
    text,
)

from services.registry.bodies.tables import bodies
from services.registry.commitments.rules import Commitment, Kind, Rule, Source, State, WaiverCode
from services.registry.store import mapper, words

commitment_rules = Table(
    "commitment_rules",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("network_id", Uuid, ForeignKey("networks.id"), nullable=False),
    Column("kind", words(Kind), nullable=False),
    Column("title", Text, nullable=False),
    Column("made_on", Date, nullable=False),
    Column("due", Date),
    Column("days", Integer),
    Column("stopped_on", Date),
    Column("version", Integer, nullable=False),
    CheckConstraint("(due is null) <> (days is null)", name="term"),
    Index("commitment_rules_network", "network_id", "id"),
)

commitments = Table(
    "commitments",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("network_id", Uuid, ForeignKey("networks.id"), nullable=False),
    Column("title", Text, nullable=False),
    Column("kind", words(Kind), nullable=False),
    Column("due", Date, nullable=False),
    Column("made_on", Date, nullable=False),
    Column("organisation_id", Uuid),
    Column("person_id", Uuid, ForeignKey("people.id")),
    Column("body_id", Uuid, ForeignKey(bodies.c.id)),
    Column("creditor_body_id", Uuid, ForeignKey(bodies.c.id)),
    Column("note", Text),
    Column("source", words(Source), nullable=False),
    Column("source_id", Uuid),
    Column("state", words(State), nullable=False),
    Column("fulfilled_on", Date),
    Column("evidence", Text),
    Column("link", Text),
    Column("file_name", Text),
    Column("file_type", Text),
    Column("file_size", Integer),
    Column("file_sha256", Text),
    Column("waived_on", Date),
    Column("waiver_code", words(WaiverCode)),
    Column("waiver_reason", Text),
    # owed beside another one by what proved to be one organisation, which owes it once
    Column("beside", Boolean, nullable=False, server_default=text("false")),
    Column("updated_at", DateTime(timezone=True), nullable=False, server_default=func.now(), onupdate=func.now()),
    Column("version", Integer, nullable=False),
    CheckConstraint("num_nonnulls(organisation_id, person_id, body_id) = 1", name="one_debtor"),
    CheckConstraint("(source = 'hand') = (source_id is null)", name="source"),
    CheckConstraint(
        "(state = 'fulfilled') = (fulfilled_on is not null)"
        " and (state = 'fulfilled') = (evidence is not null or link is not null or file_name is not null)",
        name="fulfilled",
    ),
    CheckConstraint("num_nonnulls(file_name, file_type, file_size, file_sha256) in (0, 4)", name="file"),
    CheckConstraint(
        "(state = 'waived') = (waived_on is not null) and (state = 'waived') = (waiver_code is not null)"
        " and (waiver_code = 'decided') = (waiver_reason is not null)",
        name="waived",
    ),
    # One commitment of a member for each rule; who left and came back owes it anew.
    Index(
        "commitments_of_rule",
        "source_id",
        "organisation_id",
        unique=True,
        postgresql_where=text("source = 'rule' and waiver_code is distinct from 'organisation_left' and not beside"),
    ),
    # What else asks for something asks once.
    Index(
        "commitments_of_source",
        "source",
        "source_id",
        unique=True,
        postgresql_where=text("source not in ('hand', 'rule')"),
    ),
    Index("commitments_network", "network_id", "id"),
    Index("commitments_due", "network_id", "due", "id"),
    Index("commitments_organisation", "organisation_id", postgresql_where=text("organisation_id is not null")),
    Index("commitments_person", "person_id", postgresql_where=text("person_id is not null")),
    Index("commitments_body", "body_id", postgresql_where=text("body_id is not null")),
)

commitment_files = Table(
    "commitment_files",
    mapper.metadata,
    Column("commitment_id", Uuid, ForeignKey(commitments.c.id), primary_key=True),
    Column("content", LargeBinary, nullable=False),
    comment="What shows that a commitment was kept; its name, kind, size and checksum are the commitment's",
)

mapper.map_imperatively(Rule, commitment_rules, version_id_col=commitment_rules.c.version)
mapper.map_imperatively(
    Commitment, commitments, version_id_col=commitments.c.version, exclude_properties={"updated_at", "beside"}
)

"""Where reports are kept, and what the registry, mapping and learning have told that they are made of.

A report's document and its PDF never change once they are made: the database refuses it (see the migration).
"""

from sqlalchemy import (
    ARRAY,
    Boolean,
    CheckConstraint,
    Column,
    Computed,
    Date,
    DateTime,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    Uuid,
    func,
)
from sqlalchemy.dialects.postgresql import JSONB

from services.events.reports.rules import Report, State
from services.events.store import mapper, words

INSTANT = DateTime(timezone=True)

reports = Table(
    "reports",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("network_id", Uuid, nullable=False),
    Column("series_id", Uuid),
    Column("project_id", Uuid),
    Column("subject_id", Uuid, Computed("coalesce(series_id, project_id)", persisted=True)),
    Column("number", Integer, nullable=False, comment="of its subject's reports, from 1"),
    Column("title", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("chapters", ARRAY(Text), nullable=False),
    Column("empty", ARRAY(Text), nullable=False, comment="chapters that have nothing to say"),
    Column("document_sha256", Text, nullable=False),
    Column("sha256", Text, nullable=False, comment="of the PDF"),
    Column("state", words(State), nullable=False),
    Column("made_at", INSTANT, nullable=False),
    Column("made_by", Uuid),
    Column("released_at", INSTANT),
    Column("released_by", Uuid),
    Column("withdrawn_at", INSTANT),
    Column("withdrawn_by", Uuid),
    Column("updated_at", INSTANT, nullable=False, server_default=func.now(), onupdate=func.now()),
    Column("version", Integer, nullable=False),
    CheckConstraint("num_nonnulls(series_id, project_id) = 1", name="subject"),
    CheckConstraint("(state = 'made') = (released_at is null)", name="released"),
    CheckConstraint("(state = 'withdrawn') = (withdrawn_at is not null)", name="withdrawn"),
    Index("reports_network", "network_id", "id"),
    Index("reports_number", "subject_id", "number", unique=True),
)

report_files = Table(
    "report_files",
    mapper.metadata,
    Column("report_id", Uuid, ForeignKey("reports.id"), primary_key=True),
    Column("document", LargeBinary, nullable=False, comment="JSON, byte for byte what the checksum is of"),
    Column("pdf", LargeBinary, nullable=False),
)

projects = Table(
    "projects",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("network_id", Uuid, nullable=False),
    Column("title", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("since", Date, nullable=False),
    Column("last_day", Date, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("version", Integer, nullable=False),
)

outcomes = Table(
    "outcomes",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("network_id", Uuid),
    Column("project_id", Uuid, comment="null: it was removed"),
    Column("action_id", Uuid),
    Column("kind", Text),
    Column("title", Text),
    Column("body_id", Uuid),
    Column("territory", Text),
    Column("day", Date),
    Column("evidenced", Boolean, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("version", Integer, nullable=False),
    Index("outcomes_project", "project_id"),
)

crossings = Table(
    "crossings",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("network_id", Uuid, nullable=False),
    Column("title", Text, nullable=False),
    Column("ballot_id", Uuid),
    Column("state", Text, nullable=False),
    Column("cells", Integer, nullable=False),
    Column("scores", Integer, nullable=False),
    Column("respondents", Integer, nullable=False),
    Column("entitled", Integer),
    Column("cohorts", JSONB, nullable=False, comment="a list of {code, title, respondents, entitled}"),
    Column("best", JSONB, nullable=False, comment="the best crossings by field and cohort, once it is closed"),
    Column("best_left_out", Integer, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("version", Integer, nullable=False),
    Index("crossings_ballot", "ballot_id"),
)

gaps = Table(
    "gaps",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("network_id", Uuid, nullable=False),
    Column("assessment_id", Uuid, nullable=False),
    Column("title", Text, nullable=False),
    Column("competence", Text, nullable=False),
    Column("body_id", Uuid),
    Column("territory", Text),
    Column("cohort", Text),
    Column("n", Integer, nullable=False),
    Column("before", Float, nullable=False, comment="percent"),
    Column("after", Float, nullable=False, comment="percent"),
    Column("gain", Float, comment="of what was missing; null: nothing was"),
    Column("generation", Integer, nullable=False),
    Column("version", Integer, nullable=False),
    Index("gaps_network", "network_id", "assessment_id"),
    Index("gaps_body", "body_id"),
)

mapper.map_imperatively(
    Report, reports, version_id_col=reports.c.version, exclude_properties={"subject_id", "updated_at"}
)

"""Where projects are kept. The database holds too that an amount is contained in the one before it."""

from sqlalchemy import (
    ARRAY,
    BigInteger,
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
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from services.registry.bodies.tables import bodies
from services.registry.projects.rules import (
    Action,
    Entry,
    Line,
    Outcome,
    OutcomeKind,
    Partner,
    Payment,
    Pledge,
    Project,
    Role,
    Source,
    SourceKind,
    State,
)
from services.registry.store import mapper, words

projects = Table(
    "projects",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("network_id", Uuid, ForeignKey("networks.id"), nullable=False),
    Column("title", Text, nullable=False),
    Column("summary", Text),
    Column("since", Date, nullable=False),
    Column("last_day", Date, nullable=False),
    Column("opened_on", Date, nullable=False),
    Column("cup", Text),
    Column("funder", Text),
    Column("notice", Text),
    Column("decree_number", Text),
    Column("decree_day", Date),
    Column("territories", ARRAY(Text), nullable=False),
    Column("extensions", JSONB, nullable=False),
    Column("state", words(State), nullable=False),
    Column("closed_on", Date),
    Column("closing_note", Text),
    Column("updated_at", DateTime(timezone=True), nullable=False, server_default=func.now(), onupdate=func.now()),
    Column("version", Integer, nullable=False),
    CheckConstraint("last_day >= since", name="days"),
    CheckConstraint("(decree_number is null) = (decree_day is null)", name="decree"),
    CheckConstraint("(state = 'closed') = (closed_on is not null)", name="closed"),
    Index("projects_network", "network_id", "id"),
    Index("projects_cup", "network_id", "cup", unique=True, postgresql_where=text("cup is not null")),
)

project_partners = Table(
    "project_partners",
    mapper.metadata,
    Column("project_id", Uuid, ForeignKey("projects.id"), primary_key=True),
    Column("organisation_id", Uuid, primary_key=True),
    Column("role", words(Role), nullable=False),
    Column("territories", ARRAY(Text), nullable=False),
    Index("project_partners_lead", "project_id", unique=True, postgresql_where=text("role = 'lead'")),
    Index("project_partners_organisation", "organisation_id"),
)

project_actions = Table(
    "project_actions",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("project_id", Uuid, ForeignKey("projects.id"), nullable=False),
    Column("title", Text, nullable=False),
    Column("since", Date, nullable=False),
    Column("last_day", Date, nullable=False),
    Column("organisation_id", Uuid),
    Column("series_id", Uuid),
    CheckConstraint("last_day >= since", name="days"),
    Index("project_actions_project", "project_id", "id"),
)

project_lines = Table(
    "project_lines",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("project_id", Uuid, ForeignKey("projects.id"), nullable=False),
    Column("action_id", Uuid, ForeignKey("project_actions.id")),
    Column("title", Text, nullable=False),
    Column("cents", BigInteger, nullable=False),
    CheckConstraint("cents > 0", name="cents"),
    Index("project_lines_project", "project_id", "id"),
)

project_sources = Table(
    "project_sources",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("project_id", Uuid, ForeignKey("projects.id"), nullable=False),
    Column("kind", words(SourceKind), nullable=False),
    Column("title", Text, nullable=False),
    Column("cents", BigInteger, nullable=False),
    CheckConstraint("cents >= 0", name="cents"),
    Index("project_sources_project", "project_id", "id"),
)

project_pledges = Table(
    "project_pledges",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("project_id", Uuid, ForeignKey("projects.id"), nullable=False),
    Column("source_id", Uuid, ForeignKey("project_sources.id"), nullable=False),
    Column("organisation_id", Uuid),
    Column("year", SmallInteger, nullable=False),
    Column("pledged", BigInteger, nullable=False),
    Column("signed", BigInteger, nullable=False),
    Column("paid", BigInteger, nullable=False),
    Column("signed_on", Date),
    Column("due", Date),
    Column("document", Text),
    CheckConstraint("pledged > 0 and pledged >= signed and signed >= paid and paid >= 0", name="contained"),
    CheckConstraint("(signed > 0) = (signed_on is not null)", name="signed"),
    Index("project_pledges_project", "project_id", "id"),
    Index("project_pledges_source", "source_id"),
    Index("project_pledges_organisation", "organisation_id", postgresql_where=text("organisation_id is not null")),
)

project_payments = Table(
    "project_payments",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("pledge_id", Uuid, ForeignKey("project_pledges.id"), nullable=False),
    Column("on", Date, nullable=False),
    Column("cents", BigInteger, nullable=False),
    Column("reference", Text),
    CheckConstraint("cents > 0", name="cents"),
    Index("project_payments_pledge", "pledge_id", "id"),
)

project_entries = Table(
    "project_entries",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("project_id", Uuid, ForeignKey("projects.id"), nullable=False),
    Column("source_id", Uuid, ForeignKey("project_sources.id"), nullable=False),
    Column("on", Date, nullable=False),
    Column("cents", BigInteger, nullable=False),
    Column("title", Text, nullable=False),
    CheckConstraint("cents > 0", name="cents"),
    Index("project_entries_project", "project_id", "id"),
    Index("project_entries_source", "source_id"),
)

project_outcomes = Table(
    "project_outcomes",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("project_id", Uuid, ForeignKey("projects.id"), nullable=False),
    Column("kind", words(OutcomeKind), nullable=False),
    Column("title", Text, nullable=False),
    Column("on", Date, nullable=False),
    Column("action_id", Uuid, ForeignKey("project_actions.id")),
    Column("body_id", Uuid, ForeignKey(bodies.c.id)),
    Column("territory", Text),
    Column("evidence", Text),
    Column("link", Text),
    Column("file_name", Text),
    Column("file_type", Text),
    Column("file_size", Integer),
    Column("file_sha256", Text),
    Column("version", Integer, nullable=False),
    CheckConstraint("num_nonnulls(body_id, territory) > 0", name="community"),
    CheckConstraint("num_nonnulls(evidence, link) > 0", name="evidence"),
    CheckConstraint("num_nonnulls(file_name, file_type, file_size, file_sha256) in (0, 4)", name="file"),
    Index("project_outcomes_project", "project_id", "id"),
    Index("project_outcomes_body", "body_id", postgresql_where=text("body_id is not null")),
)

project_files = Table(
    "project_files",
    mapper.metadata,
    Column("outcome_id", Uuid, ForeignKey("project_outcomes.id"), primary_key=True),
    Column("content", LargeBinary, nullable=False),
    comment="What shows an outcome; its name, kind, size and checksum are the outcome's",
)

mapper.map_imperatively(Project, projects, version_id_col=projects.c.version, exclude_properties={"updated_at"})
mapper.map_imperatively(Partner, project_partners)
mapper.map_imperatively(Action, project_actions)
mapper.map_imperatively(Line, project_lines)
mapper.map_imperatively(Source, project_sources)
mapper.map_imperatively(Pledge, project_pledges)
mapper.map_imperatively(Payment, project_payments)
mapper.map_imperatively(Entry, project_entries)
mapper.map_imperatively(Outcome, project_outcomes, version_id_col=project_outcomes.c.version)

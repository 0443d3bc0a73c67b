"""Where crossings are kept: the grid, the sheets with their scores, and the figures of those that are closed."""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Double,
    ForeignKey,
    Index,
    Integer,
    SmallInteger,
    Table,
    Text,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from services.mapping.crossings.rules import Crossing, State
from services.mapping.store import mapper, words

crossings = Table(
    "crossings",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("network_id", Uuid, nullable=False),
    Column("title", Text, nullable=False),
    Column("fields", JSONB, nullable=False),
    Column("needs", JSONB, nullable=False),
    Column("resources", JSONB, nullable=False),
    Column("cohorts", JSONB, nullable=False),
    Column("entitled", Integer, nullable=False),
    Column("lowest", SmallInteger, nullable=False),
    Column("highest", SmallInteger, nullable=False),
    Column("minimum", Integer, nullable=False),
    Column("ballot_id", Uuid),
    Column("state", words(State), nullable=False),
    Column("opened_at", DateTime(timezone=True), nullable=False),
    Column("closed_at", DateTime(timezone=True)),
    Column("updated_at", DateTime(timezone=True), nullable=False, server_default=func.now(), onupdate=func.now()),
    Column("version", Integer, nullable=False),
    CheckConstraint("(state = 'closed') = (closed_at is not null)", name="closed"),
    CheckConstraint("lowest >= 1 and highest <= 10 and lowest < highest", name="scale"),
    Index("crossings_network", "network_id", "opened_at", "id"),
    Index("crossings_ballot", "ballot_id", unique=True, postgresql_where=text("ballot_id is not null")),
)

crossing_sheets = Table(
    "crossing_sheets",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("crossing_id", Uuid, ForeignKey(crossings.c.id), nullable=False),
    Column("cohort", Text, nullable=False),
    Column("trace", Uuid, comment="Made one way of the respondent's id; none for a sheet of paper"),
    Column("scores", Integer, nullable=False),
    Column("no_opinions", Integer, nullable=False),
    Column("entered_at", DateTime(timezone=True), nullable=False),
    Index("crossing_sheets_of", "crossing_id", "id"),
    Index("crossing_sheets_trace", "crossing_id", "trace", unique=True, postgresql_where=text("trace is not null")),
)

crossing_scores = Table(
    "crossing_scores",
    mapper.metadata,
    Column("sheet_id", Uuid, ForeignKey(crossing_sheets.c.id, ondelete="CASCADE"), primary_key=True),
    Column("cell", Integer, primary_key=True, autoincrement=False),
    Column("score", SmallInteger, comment="None: no opinion"),
    CheckConstraint("score between 1 and 10", name="scale"),
)

crossing_figures = Table(
    "crossing_figures",
    mapper.metadata,
    Column("crossing_id", Uuid, ForeignKey(crossings.c.id), primary_key=True),
    Column("cohort", Text, primary_key=True, comment="`` for all of them"),
    Column("cell", Integer, primary_key=True, autoincrement=False),
    Column("n", Integer, nullable=False),
    Column("no_opinion", Integer, nullable=False),
    Column("total", Integer, comment="None: nobody scored it, or too few to be shown"),
    Column("median", Double),
    Column("deviation", Double),
    Column("lower", Double),
    Column("upper", Double),
    Column("rank", Integer),
    Column("tied", Boolean, nullable=False),
    comment="Of closed crossings; only what may be shown",
)

crossing_ballots = Table(
    "crossing_ballots",
    mapper.metadata,
    Column("ballot_id", Uuid, primary_key=True),
    Column("crossing_id", Uuid, ForeignKey(crossings.c.id), nullable=False),
    Column("grid", JSONB, nullable=False, comment="the words of its fields, needs and resources"),
    Column("cohorts", JSONB, nullable=False, comment="their titles by code"),
    Column("own", Boolean, nullable=False, comment="the crossing was opened because of the ballot"),
    Column("closed", Boolean, nullable=False),
    comment="Ballots of events whose papers are taken in",
)

crossing_parts = Table(
    "crossing_parts",
    mapper.metadata,
    Column("ballot_id", Uuid, ForeignKey(crossing_ballots.c.ballot_id), primary_key=True),
    Column("part", Integer, primary_key=True, autoincrement=False),
    Column("papers", Integer, nullable=False),
    comment="Parts of a ballot's papers that are in: one that comes again is known",
)

mapper.map_imperatively(Crossing, crossings, version_id_col=crossings.c.version, exclude_properties={"updated_at"})

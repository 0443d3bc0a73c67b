"""Where practices, what was said about them, their editions and their adoptions are kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    Boolean,
    CheckConstraint,
    Column,
    Computed,
    Date,
    DateTime,
    Dialect,
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
from sqlalchemy.dialects.postgresql import JSONB, TSVECTOR
from sqlalchemy.types import TypeDecorator

from services.learning.practices.rules import (
    Adoption,
    AdoptionState,
    Evidence,
    Practice,
    Revision,
    Stage,
    State,
    Trial,
    Verdict,
    Visibility,
)
from services.learning.practices.rules import Text as Written
from services.learning.store import mapper, words


class _Documents(TypeDecorator[Any]):
    """A tuple of entities, read and written together, as JSON."""

    impl = JSONB
    cache_ok = True
    read: Callable[[Any], Any]

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:  # noqa: ARG002
        return [
            {name: v.isoformat() if isinstance(v, date) else v for name, v in asdict(one).items()}
            for one in value or ()
        ]

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:  # noqa: ARG002
        return tuple(type(self).read(one) for one in value or ())


class Trials(_Documents):
    cache_ok = True

    @staticmethod
    def read(held: Any) -> Trial:
        return Trial(held["place"], held["result"], date.fromisoformat(held["since"]) if held["since"] else None)


class Proofs(_Documents):
    cache_ok = True

    @staticmethod
    def read(held: Any) -> Evidence:
        return Evidence(**held)


class Proposed(TypeDecorator[Written]):
    impl = JSONB(none_as_null=True)
    cache_ok = True

    def process_bind_param(self, value: Written | None, dialect: Dialect) -> Any:  # noqa: ARG002
        return value.json() if value is not None else None

    def process_result_value(self, value: Any, dialect: Dialect) -> Written | None:  # noqa: ARG002
        return Written.of(value) if value is not None else None


class Codes(TypeDecorator[tuple[str, ...]]):
    impl = ARRAY(Text)
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:  # noqa: ARG002
        return list(value or ())

    def process_result_value(self, value: Any, dialect: Dialect) -> tuple[str, ...]:  # noqa: ARG002
        return tuple(value or ())


class Networks(TypeDecorator[tuple[UUID, ...]]):
    impl = ARRAY(Uuid)
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:  # noqa: ARG002
        return list(value or ())

    def process_result_value(self, value: Any, dialect: Dialect) -> tuple[UUID, ...]:  # noqa: ARG002
        return tuple(value or ())


INSTANT = DateTime(timezone=True)
SEARCH = (
    "to_tsvector('italian_plain'::regconfig, title || ' ' || problem || ' ' || done || ' ' || results || ' ' || needed)"
)

practices = Table(
    "practices",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("network_id", Uuid, nullable=False),
    Column("title", Text, nullable=False),
    Column("stage", words(Stage), nullable=False),
    Column("themes", Codes, nullable=False),
    Column("territory", Text),
    Column("within", Codes, nullable=False, comment="the territory and those in which it lies"),
    Column("problem", Text, nullable=False),
    Column("done", Text, nullable=False),
    Column("results", Text, nullable=False),
    Column("needed", Text, nullable=False),
    Column("contact", Text, nullable=False, comment="a role"),
    Column("trials", Trials, nullable=False),
    Column("evidence", Proofs, nullable=False),
    Column("visibility", words(Visibility), nullable=False),
    Column("shared_with", Networks, nullable=False),
    Column("organisation_id", Uuid),
    Column("body_id", Uuid),
    Column("experience_id", Uuid, comment="on the map, from which it was taken"),
    Column("written_by", Uuid),
    Column("edited_by", Uuid, comment="who wrote last"),
    Column("state", words(State), nullable=False),
    Column("revision", words(Revision)),
    Column("proposed", Proposed, comment="the next text of what is published"),
    Column("edition", Integer, nullable=False),
    Column("adoptions", Integer, nullable=False, comment="active ones"),
    Column("submitted_at", INSTANT),
    Column("published_on", Date),
    Column("search", TSVECTOR, Computed(SEARCH, persisted=True)),
    Column("updated_at", INSTANT, nullable=False, server_default=func.now(), onupdate=func.now()),
    Column("version", Integer, nullable=False),
    CheckConstraint("adoptions >= 0", name="adoptions"),
    CheckConstraint("(proposed is null) = (revision is null)", name="revision"),
    CheckConstraint("revision is null or state = 'published'", name="revised"),
    Index("practices_network", "network_id", "id"),
    Index("practices_shared", "visibility", "state"),
    Index("practices_experience", "experience_id", unique=True, postgresql_where=text("experience_id is not null")),
    Index("practices_search", "search", postgresql_using="gin"),
)

practice_editions = Table(
    "practice_editions",
    mapper.metadata,
    Column("practice_id", Uuid, ForeignKey(practices.c.id), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("text", JSONB, nullable=False),
    Column("published_at", INSTANT, nullable=False),
    comment="What was published, as it was",
)

practice_reviews = Table(
    "practice_reviews",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("practice_id", Uuid, ForeignKey(practices.c.id, ondelete="CASCADE"), nullable=False),
    Column("verdict", words(Verdict), nullable=False),
    Column("text", Text, nullable=False),
    Column("edition", Integer, nullable=False, comment="that it was to become, or was"),
    Column("said_by", Uuid),
    Column("at", INSTANT, nullable=False),
    Index("practice_reviews_practice", "practice_id", "id"),
)

practice_rules = Table(
    "practice_rules",
    mapper.metadata,
    Column("network_id", Uuid, primary_key=True),
    Column("tried_trials", SmallInteger, nullable=False),
    Column("proven_trials", SmallInteger, nullable=False),
    Column("proven_adoptions", SmallInteger, nullable=False),
    Column("proven_evidence", SmallInteger, nullable=False),
    Column("version", Integer, nullable=False),
    comment="What each stage asks for in a network that has decided it",
)

adoptions = Table(
    "adoptions",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("practice_id", Uuid, ForeignKey(practices.c.id), nullable=False),
    Column("practice_network_id", Uuid, nullable=False),
    Column("network_id", Uuid, nullable=False, comment="of who adopts"),
    Column("organisation_id", Uuid),
    Column("body_id", Uuid),
    Column("territory", Text),
    Column("named", Boolean, nullable=False, comment="those whose practice it is may see who"),
    Column("note", Text, nullable=False),
    Column("since", Date, nullable=False),
    Column("state", words(AdoptionState), nullable=False),
    Column("ended_on", Date),
    Column("begun_by", Uuid),
    Column("updated_at", INSTANT, nullable=False, server_default=func.now(), onupdate=func.now()),
    Column("version", Integer, nullable=False),
    CheckConstraint("(organisation_id is null) <> (body_id is null)", name="who"),
    CheckConstraint("(state = 'ended') = (ended_on is not null)", name="ended"),
    Index(
        "adoptions_organisation",
        "practice_id",
        "network_id",
        "organisation_id",
        unique=True,
        postgresql_where=text("state = 'active' and organisation_id is not null"),
    ),
    Index(
        "adoptions_body",
        "practice_id",
        "body_id",
        unique=True,
        postgresql_where=text("state = 'active' and body_id is not null"),
    ),
    Index("adoptions_practice", "practice_id", "id"),
    Index("adoptions_network", "network_id", "id"),
)

mapper.map_imperatively(
    Practice, practices, version_id_col=practices.c.version, exclude_properties={"updated_at", "search"}
)
mapper.map_imperatively(Adoption, adoptions, version_id_col=adoptions.c.version, exclude_properties={"updated_at"})

"""Where mandates are kept. `ends` is written by the database: the first day on which a mandate is no longer held."""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Computed,
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
from sqlalchemy.dialects.postgresql import ExcludeConstraint

from services.registry.mandates.rules import EndReason, Mandate, State
from services.registry.store import mapper, words
from shared.access.roles import Role

ENDS = "case when ended_on is not null then greatest(since, ended_on) when holds_over then null else until end"

mandates = Table(
    "mandates",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("network_id", Uuid, ForeignKey("networks.id"), nullable=False),
    Column("person_id", Uuid, ForeignKey("people.id"), nullable=False),
    Column("role", words(Role), nullable=False),
    Column("organisation_id", Uuid, ForeignKey("organisations.id")),
    Column("territory", Text),
    Column("body_id", Uuid, ForeignKey("bodies.id")),
    Column("seat_id", Uuid, ForeignKey("seats.id")),
    Column("since", Date, nullable=False),
    Column("until", Date),
    Column("holds_over", Boolean, nullable=False),
    Column("accepted_on", Date),
    Column("ended_on", Date),
    Column("end_reason", words(EndReason)),
    Column("ends", Date, Computed(ENDS, persisted=True)),
    Column("told", words(State), nullable=False),
    # held beside another one for what proved to be one organisation: of the past, and in nobody's way
    Column("beside", Boolean, nullable=False, server_default=text("false")),
    Column("updated_at", DateTime(timezone=True), nullable=False, server_default=func.now(), onupdate=func.now()),
    Column("version", Integer, nullable=False),
    CheckConstraint("until > since", name="term"),
    CheckConstraint("(ended_on is null) = (end_reason is null)", name="end"),
    CheckConstraint("seat_id is null or body_id is not null", name="seat_of_body"),
    # The rule refuses a second holder with the holder's name; these hold even where two requests race each other.
    ExcludeConstraint(
        ("network_id", "="),
        ("organisation_id", "="),
        (func.daterange(text("since"), text("ends")), "&&"),
        where=text("role = 'referent' and body_id is null and not beside"),
        using="gist",
        name="mandates_one_referent",
    ),
    ExcludeConstraint(
        ("network_id", "="),
        ("territory", "="),
        (func.daterange(text("since"), text("ends")), "&&"),
        where=text("role = 'coordinator' and body_id is null"),
        using="gist",
        name="mandates_one_coordinator",
    ),
    ExcludeConstraint(
        ("seat_id", "="),
        (func.daterange(text("since"), text("ends")), "&&"),
        where=text("seat_id is not null"),
        using="gist",
        name="mandates_one_holder",
    ),
    Index("mandates_network", "network_id", "id"),
    Index("mandates_office", "network_id", "role", "organisation_id", "territory"),
    Index("mandates_person", "person_id"),
    Index("mandates_organisation", "organisation_id"),
    Index("mandates_body", "body_id", postgresql_where=text("body_id is not null")),
    Index("mandates_seat", "seat_id", postgresql_where=text("seat_id is not null")),
)

mapper.map_imperatively(
    Mandate, mandates, version_id_col=mandates.c.version, exclude_properties={"ends", "updated_at", "beside"}
)

"""Where needs are kept, and for how long each network keeps what was asked."""

from sqlalchemy import CheckConstraint, Column, DateTime, ForeignKey, Index, Integer, Table, Text, Uuid, func, text
from sqlalchemy.dialects.postgresql import ARRAY

from services.mapping.needs.rules import Need, State, Withdrawal
from services.mapping.places.tables import places
from services.mapping.store import mapper, words

needs = Table(
    "needs",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("network_id", Uuid, nullable=False),
    Column("place_id", Uuid, ForeignKey(places.c.id), nullable=False),
    Column("municipality", Text, nullable=False),
    Column("areas", ARRAY(Text), nullable=False, comment="The municipality and all that it lies in"),
    Column("theme", Text, nullable=False),
    Column("text", Text, comment="About a person: never in a fact, never in a log"),
    Column("state", words(State), nullable=False),
    Column("collected_by", Uuid),
    Column("collected_at", DateTime(timezone=True), nullable=False),
    Column("organisation_id", Uuid),
    Column("person_id", Uuid),
    Column("assigned_at", DateTime(timezone=True)),
    Column("answered_at", DateTime(timezone=True)),
    Column("answer", Text, comment="About a person, as the text"),
    Column("withdrawn_at", DateTime(timezone=True)),
    Column("withdrawal", words(Withdrawal)),
    Column("text_erased_at", DateTime(timezone=True)),
    Column("updated_at", DateTime(timezone=True), nullable=False, server_default=func.now(), onupdate=func.now()),
    Column("version", Integer, nullable=False),
    CheckConstraint("(state = 'answered') = (answered_at is not null)", name="answered"),
    CheckConstraint(
        "(state = 'withdrawn') = (withdrawn_at is not null) and (state = 'withdrawn') = (withdrawal is not null)",
        name="withdrawn",
    ),
    CheckConstraint("state not in ('assigned', 'answered') or assigned_at is not null", name="assigned"),
    CheckConstraint("text_erased_at is null or (text is null and answer is null)", name="erased"),
    Index("needs_network", "network_id", "id"),
    Index("needs_place", "place_id"),
    Index("needs_organisation", "organisation_id", postgresql_where=text("organisation_id is not null")),
    Index("needs_person", "person_id", postgresql_where=text("person_id is not null")),
    Index("needs_areas", "areas", postgresql_using="gin"),
)

need_rules = Table(
    "need_rules",
    mapper.metadata,
    Column("network_id", Uuid, primary_key=True),
    Column("days_kept", Integer, nullable=False),
    Column("version", Integer, nullable=False),
    CheckConstraint("days_kept between 0 and 3650", name="days_kept"),
)

mapper.map_imperatively(Need, needs, version_id_col=needs.c.version, exclude_properties={"updated_at"})

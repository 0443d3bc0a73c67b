"""Where organisations and memberships are kept.

Sections and earlier states are documents of their row: they are read and written with it, and never by themselves.

`directory` is what lists are read from: a row for each membership with what lists choose and order by, so that a page
costs the same in a network of a thousand and of a million members, and beside one. It is written by triggers of the two
tables (made by the migration), in the statement that changes them, whoever sends it: a copy that a command could forget
would be wrong one day. `name` is the title folded: lower case, without accents.
"""

from sqlalchemy import (
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
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from services.registry.organisations.rules import Kind, Membership, Organisation, Ownership, State
from services.registry.store import mapper


def _one_of(column: str, words: list[str]) -> str:
    return f"{column} in ({', '.join(repr(word) for word in words)})"


organisations = Table(
    "organisations",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("title", Text, nullable=False),
    Column("tax_code", Text),
    Column("kind", Text, nullable=False),
    Column("ownership", Text),
    Column("sections", JSONB, nullable=False, server_default=text("'[]'")),
    Column("municipality", Text),
    Column("territories", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    Column("parent_id", Uuid, ForeignKey("organisations.id")),
    Column("website", Text),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("updated_at", DateTime(timezone=True), nullable=False),
    Column("version", Integer, nullable=False),
    CheckConstraint(_one_of("kind", [str(kind) for kind in Kind]), name="kind"),
    CheckConstraint(_one_of("ownership", [str(ownership) for ownership in Ownership]), name="ownership"),
    CheckConstraint("tax_code is not null or kind = 'informal_group'", name="tax_code_unless_informal"),
    Index("organisations_tax_code", "tax_code", unique=True),
    Index("organisations_parent", "parent_id", postgresql_where=text("parent_id is not null")),
)

memberships = Table(
    "memberships",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("network_id", Uuid, ForeignKey("networks.id"), nullable=False),
    Column("organisation_id", Uuid, ForeignKey("organisations.id"), nullable=False),
    Column("state", Text, nullable=False),
    Column("since", Date, nullable=False),
    Column("history", JSONB, nullable=False, server_default=text("'[]'")),
    Column("email", Text),
    Column("pec", Text),
    Column("phone", Text),
    Column("notes", Text),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("updated_at", DateTime(timezone=True), nullable=False),
    Column("version", Integer, nullable=False),
    CheckConstraint(_one_of("state", [str(state) for state in State]), name="state"),
    Index("memberships_network_organisation", "network_id", "organisation_id", unique=True),
    Index("memberships_organisation", "organisation_id"),
)

directory = Table(
    "directory",
    mapper.metadata,
    Column("network_id", Uuid, primary_key=True),
    Column("organisation_id", Uuid, primary_key=True),
    Column("name", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("municipality", Text),
    Column("parent_id", Uuid),
    Column("updated_at", DateTime(timezone=True), nullable=False),
    Index("directory_by_name", "network_id", "name", "organisation_id"),
    Index("directory_by_kind", "network_id", "kind", "name", "organisation_id"),
    Index("directory_by_state", "network_id", "state", "name", "organisation_id"),
    Index(
        "directory_by_parent",
        "network_id",
        "parent_id",
        "name",
        "organisation_id",
        postgresql_where=text("parent_id is not null"),
    ),
    Index("directory_by_change", "network_id", "updated_at", "organisation_id"),
    Index("directory_organisation", "organisation_id"),
    # the network stands in the index too: a search in a small one does not read the hits of a large one
    Index("directory_search", "network_id", "name", postgresql_using="gin", postgresql_ops={"name": "gin_trgm_ops"}),
    comment="Written by triggers: the later of the two rows' changes, and what lists choose by",
)

directory_facets = Table(
    "directory_facets",
    mapper.metadata,
    Column("network_id", Uuid, primary_key=True),
    Column("facet", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("organisation_id", Uuid, primary_key=True),
    comment="Written by triggers: under each place where a member has its seat or works and each in which that one "
    "lies, and each section whatever its days, the members in the order of lists. Codes of places and sections never "
    "look alike",
)

lies_in = Table(
    "lies_in",
    mapper.metadata,
    Column("code", Text, primary_key=True),
    Column("whole", Text, primary_key=True),
    comment="What lies in what, for the triggers that write directory_facets: from the data of territories and what "
    "has happened since, kept by listens.keep_places",
)

name_words = Table(
    "name_words",
    mapper.metadata,
    Column("word", Text, nullable=False),
    Index("name_words_word", "word"),
    Index("name_words_search", "word", postgresql_using="gin", postgresql_ops={"word": "gin_trgm_ops"}),
    comment="Written by triggers: the words of all names, to find those that a slip of the pen meant. Not unique, so "
    "that two transactions which bring the same word need not wait for each other",
)

mapper.map_imperatively(Organisation, organisations, version_id_col=organisations.c.version)
mapper.map_imperatively(Membership, memberships, version_id_col=memberships.c.version)

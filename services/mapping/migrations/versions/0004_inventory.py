"""Places, resources, experiences, needs, freshness and imports of places; what networks share; ownership."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from shared.access import schema as access
from shared.runtime import progress

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    access.install_v3(op)  # type: ignore[arg-type]  # the module stands for the Operations
    progress.install_v1(op)  # type: ignore[arg-type]  # the module stands for the Operations
    op.add_column("organisations", sa.Column("ownership", sa.Text))
    bodies()
    places()
    resources()
    experiences()
    needs()
    freshness()
    imports()


def bodies() -> None:
    op.create_table(
        "bodies",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("network_id", sa.Uuid, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("territory", sa.Text),
        sa.Column("generation", sa.Integer, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        comment="As the registry tells them",
    )


def item() -> list[sa.Column[object]]:
    return [
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("network_id", sa.Uuid, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("organisation_id", sa.Uuid),
        sa.Column("body_id", sa.Uuid),
        sa.Column("municipality", sa.Text),
        sa.Column("territories", ARRAY(sa.Text), nullable=False),
        sa.Column("areas", ARRAY(sa.Text), nullable=False, comment="The territories and all that they lie in"),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("visibility", sa.String(32), nullable=False),
        sa.Column("shared_with", ARRAY(sa.Uuid), nullable=False),
        sa.Column("proposed_by", sa.Uuid),
        sa.Column("proposed_on", sa.Date),
        sa.Column("endorsed_on", sa.Date),
        sa.Column("validated_on", sa.Date),
        sa.Column("remarks", sa.Text),
        sa.Column("checked_on", sa.Date),
        sa.Column("expires_on", sa.Date),
        sa.Column("closed_on", sa.Date),
        sa.Column("search", sa.Text, nullable=False, comment="The title as people type it: lower case, no accents"),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
    ]


def found_by(table: str) -> None:
    op.create_index(f"{table}_by_title", table, ["network_id", "search", "id"])
    op.create_index(f"{table}_by_change", table, ["network_id", "updated_at", "id"])
    op.create_index(f"{table}_organisation", table, ["organisation_id"])
    op.create_index(f"{table}_areas", table, ["areas"], postgresql_using="gin")
    op.create_index(
        f"{table}_search", table, ["search"], postgresql_using="gin", postgresql_ops={"search": "gin_trgm_ops"}
    )


def places() -> None:
    op.create_table(
        "places",
        *item(),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("activities", ARRAY(sa.Text), nullable=False),
        sa.Column("address", sa.Text),
        sa.Column("postcode", sa.Text),
        sa.Column("latitude", sa.Double),
        sa.Column("longitude", sa.Double),
        sa.Column("phone", sa.Text),
        sa.Column("email", sa.Text),
        sa.Column("website", sa.Text),
        sa.Column("note", sa.Text),
        sa.Column("hours", JSONB, nullable=False),
        sa.Column("import_id", sa.Uuid),
        sa.Column(
            "identity",
            sa.Text,
            comment="By which a later import finds it: kind, municipality, name and address, folded",
        ),
        sa.CheckConstraint("(state = 'closed') = (closed_on is not null)", name="places_closed"),
        sa.CheckConstraint("activities = '{}' or kind = 'community_laboratory'", name="places_activities"),
        sa.CheckConstraint("state <> 'validated' or checked_on is not null", name="places_checked"),
        sa.CheckConstraint("(latitude is null) = (longitude is null)", name="places_position"),
        sa.CheckConstraint("municipality is not null", name="places_somewhere"),
    )
    found_by("places")
    op.create_index("places_by_kind", "places", ["network_id", "kind", "search", "id"])
    op.create_index(
        "places_identity",
        "places",
        ["network_id", "identity"],
        unique=True,
        postgresql_where=sa.text("identity is not null and state <> 'closed'"),
    )


def resources() -> None:
    op.create_table(
        "resources",
        *item(),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("description", sa.Text),
        sa.Column("cents", sa.BigInteger),
        sa.Column("themes", ARRAY(sa.Text), nullable=False),
        sa.Column("available_to", ARRAY(sa.Text), nullable=False),
        sa.Column("since", sa.Date),
        sa.CheckConstraint("(state = 'closed') = (closed_on is not null)", name="resources_closed"),
        sa.CheckConstraint("cents is null or (kind = 'economic' and cents >= 0)", name="resources_money"),
        sa.CheckConstraint("state <> 'validated' or checked_on is not null", name="resources_checked"),
        sa.CheckConstraint("organisation_id is not null", name="resources_offered"),
    )
    found_by("resources")
    op.create_index("resources_themes", "resources", ["themes"], postgresql_using="gin")


def experiences() -> None:
    op.create_table(
        "experiences",
        *item(),
        sa.Column("description", sa.Text),
        sa.Column("partners", sa.Text),
        sa.Column("results", sa.Text),
        sa.Column("link", sa.Text),
        sa.Column("themes", ARRAY(sa.Text), nullable=False),
        sa.Column("since", sa.Date),
        sa.Column("until", sa.Date),
        sa.CheckConstraint("(state = 'closed') = (closed_on is not null)", name="experiences_closed"),
        sa.CheckConstraint("state <> 'validated' or checked_on is not null", name="experiences_checked"),
    )
    found_by("experiences")
    op.create_index("experiences_themes", "experiences", ["themes"], postgresql_using="gin")
    op.create_table(
        "absences",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("network_id", sa.Uuid, nullable=False),
        sa.Column("organisation_id", sa.Uuid, nullable=False),
        sa.Column("declared_on", sa.Date, nullable=False),
        sa.Column("declared_by", sa.Uuid),
        sa.Column("version", sa.Integer, nullable=False),
    )
    op.create_index("absences_organisation", "absences", ["network_id", "organisation_id"], unique=True)


def needs() -> None:
    op.create_table(
        "needs",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("network_id", sa.Uuid, nullable=False),
        sa.Column("place_id", sa.Uuid, nullable=False),
        sa.Column("municipality", sa.Text, nullable=False),
        sa.Column("areas", ARRAY(sa.Text), nullable=False, comment="The municipality and all that it lies in"),
        sa.Column("theme", sa.Text, nullable=False),
        sa.Column("text", sa.Text, comment="About a person: never in a fact, never in a log"),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("collected_by", sa.Uuid),
        sa.Column("collected_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("organisation_id", sa.Uuid),
        sa.Column("person_id", sa.Uuid),
        sa.Column("assigned_at", sa.DateTime(timezone=True)),
        sa.Column("answered_at", sa.DateTime(timezone=True)),
        sa.Column("answer", sa.Text, comment="About a person, as the text"),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True)),
        sa.Column("withdrawal", sa.String(32)),
        sa.Column("text_erased_at", sa.DateTime(timezone=True)),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.CheckConstraint("(state = 'answered') = (answered_at is not null)", name="needs_answered"),
        sa.CheckConstraint(
            "(state = 'withdrawn') = (withdrawn_at is not null) and (state = 'withdrawn') = (withdrawal is not null)",
            name="needs_withdrawn",
        ),
        sa.CheckConstraint("state not in ('assigned', 'answered') or assigned_at is not null", name="needs_assigned"),
        sa.CheckConstraint("text_erased_at is null or (text is null and answer is null)", name="needs_erased"),
        sa.ForeignKeyConstraint(["place_id"], ["places.id"], name="needs_place_id_fkey"),
    )
    op.create_index("needs_areas", "needs", ["areas"], postgresql_using="gin")
    op.create_index("needs_network", "needs", ["network_id", "id"])
    op.create_index(
        "needs_organisation", "needs", ["organisation_id"], postgresql_where=sa.text("organisation_id is not null")
    )
    op.create_index("needs_person", "needs", ["person_id"], postgresql_where=sa.text("person_id is not null"))
    op.create_index("needs_place", "needs", ["place_id"])
    op.create_table(
        "need_rules",
        sa.Column("network_id", sa.Uuid, primary_key=True),
        sa.Column("days_kept", sa.Integer, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.CheckConstraint("days_kept between 0 and 3650", name="need_rules_days_kept"),
    )


def freshness() -> None:
    op.create_table(
        "freshness",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("network_id", sa.Uuid, nullable=False),
        sa.Column("item", sa.String(32), nullable=False),
        sa.Column("item_id", sa.Uuid, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("organisation_id", sa.Uuid),
        sa.Column("asked_on", sa.Date, nullable=False),
        sa.Column("answer_by", sa.Date, nullable=False),
        sa.Column("answer", sa.String(32)),
        sa.Column("answered_on", sa.Date),
        sa.Column("answered_by", sa.Uuid),
        sa.Column("version", sa.Integer, nullable=False),
        sa.CheckConstraint("(answer is null) = (answered_on is null)", name="freshness_answered"),
    )
    op.create_index("freshness_network", "freshness", ["network_id", "id"])
    op.create_index("freshness_open", "freshness", ["item_id"], unique=True, postgresql_where=sa.text("answer is null"))
    op.create_table(
        "freshness_rules",
        sa.Column("network_id", sa.Uuid, primary_key=True),
        sa.Column("every", sa.Integer, nullable=False),
        sa.Column("days", sa.Integer, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.CheckConstraint("days between 1 and 365", name="freshness_rules_days"),
        sa.CheckConstraint("every between 1 and 60", name="freshness_rules_every"),
    )


def imports() -> None:
    op.create_table(
        "place_imports",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("network_id", sa.Uuid, nullable=False),
        sa.Column("requested_by", sa.Uuid),
        sa.Column("correlation", sa.Uuid, comment="Of the request: all that follows from it is one journey"),
        sa.Column("language", sa.Text, nullable=False),
        sa.Column("file_name", sa.Text, nullable=False),
        sa.Column(
            "options", JSONB, nullable=False, comment="What all rows have: kind, visibility, organisation, validated"
        ),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column(
            "applying", sa.Boolean, nullable=False, comment="False: a preview, which writes rows of the report only"
        ),
        sa.Column("done", sa.Integer, server_default=sa.text("0"), nullable=False),
        sa.Column("total", sa.Integer),
        sa.Column("created", sa.Integer, server_default=sa.text("0"), nullable=False),
        sa.Column("updated", sa.Integer, server_default=sa.text("0"), nullable=False),
        sa.Column("unchanged", sa.Integer, server_default=sa.text("0"), nullable=False),
        sa.Column("rejected", sa.Integer, server_default=sa.text("0"), nullable=False),
        sa.Column(
            "line", sa.Integer, server_default=sa.text("0"), nullable=False, comment="The last one that was committed"
        ),
        sa.Column("found", JSONB, comment="What the file turned out to be: kind, encoding, delimiter, columns"),
        sa.Column("reason", sa.Text, comment="Why it failed, in the requester's language"),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True)),
        sa.Column("worker", sa.Uuid),
        sa.Column("lease_until", sa.DateTime(timezone=True)),
        sa.Column("attempts", sa.SmallInteger, server_default=sa.text("0"), nullable=False),
        sa.Column("version", sa.Integer, server_default=sa.text("1"), nullable=False),
        sa.CheckConstraint("status in ('running', 'previewed', 'done', 'failed')", name="place_imports_status"),
    )
    op.create_index("place_imports_network", "place_imports", ["network_id", "id"])
    op.create_index(
        "place_imports_running", "place_imports", ["requested_at"], postgresql_where=sa.text("status = 'running'")
    )
    op.create_table(
        "place_import_files",
        sa.Column("import_id", sa.Uuid, primary_key=True),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sa.ForeignKeyConstraint(
            ["import_id"], ["place_imports.id"], name="place_import_files_import_id_fkey", ondelete="CASCADE"
        ),
    )
    op.create_table(
        "place_import_rows",
        sa.Column("import_id", sa.Uuid, primary_key=True),
        sa.Column("line", sa.Integer, primary_key=True),
        sa.Column("identity", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("place_id", sa.Uuid),
        sa.Column("municipality", sa.Text),
        sa.Column("phone", sa.Text),
        sa.Column("problem", sa.Text, comment="Why it was refused, and what was healed, in the requester's language"),
        sa.Column("code", sa.Text, comment="Of the first problem, `field.code`: what a fact may say"),
        sa.Column("content", JSONB, comment="The row as read; none when it could not be read"),
        sa.CheckConstraint(
            "outcome in ('created', 'updated', 'unchanged', 'rejected')", name="place_import_rows_outcome"
        ),
        sa.ForeignKeyConstraint(
            ["import_id"], ["place_imports.id"], name="place_import_rows_import_id_fkey", ondelete="CASCADE"
        ),
    )
    op.create_index("place_import_rows_identity", "place_import_rows", ["import_id", "identity"])

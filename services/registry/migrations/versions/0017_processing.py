"""Processing records, notices, merges of people"""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    op.add_column("people", sa.Column("merged_into", sa.Uuid))
    op.create_foreign_key("people_merged_into_fkey", "people", "people", ["merged_into"], ["id"])
    op.create_check_constraint("people_merged", "people", "merged_into is null or erased_at is not null")
    op.create_index("people_merged", "people", ["merged_into"], postgresql_where=sa.text("merged_into is not null"))
    processings()
    notices()
    consents()


def terms() -> list[sa.Column[object]]:
    return [
        sa.Column("controller", sa.Text, nullable=False),
        sa.Column("contact", sa.Text, nullable=False),
        sa.Column("purposes", sa.ARRAY(sa.Text), nullable=False),
        sa.Column("basis", sa.String(32), nullable=False),
        sa.Column("retention_months", sa.Integer, nullable=False),
        sa.Column("officer", sa.Text),
        sa.Column("source", sa.Text),
        sa.Column("recipients", sa.ARRAY(sa.Text), nullable=False),
    ]


def of_network(table: str) -> sa.Column[object]:
    key = sa.ForeignKey("networks.id", name=f"{table}_network_id_fkey")
    return sa.Column("network_id", sa.Uuid, key, nullable=False)


def of_person(table: str) -> sa.Column[object]:
    key = sa.ForeignKey("people.id", name=f"{table}_person_id_fkey")
    return sa.Column("person_id", sa.Uuid, key, nullable=False)


def processings() -> None:
    op.create_table(
        "processings",
        sa.Column("id", sa.Uuid, primary_key=True),
        of_network("processings"),
        *terms(),
        sa.Column("version", sa.Integer, nullable=False),
        sa.CheckConstraint("cardinality(purposes) > 0", name="processings_purposes"),
        sa.CheckConstraint("retention_months > 0", name="processings_retention"),
    )
    op.create_index("processings_network", "processings", ["network_id"], unique=True)
    op.create_table(
        "processing_terms",
        sa.Column(
            "processing_id",
            sa.Uuid,
            sa.ForeignKey("processings.id", name="processing_terms_processing_id_fkey"),
            primary_key=True,
        ),
        sa.Column("version", sa.Integer, primary_key=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_by", sa.Uuid),
        *terms(),
    )


def notices() -> None:
    """Whom networks know already is owed a notice, too; without a record it waits."""
    op.create_table(
        "notices",
        sa.Column("id", sa.Uuid, primary_key=True),
        of_network("notices"),
        of_person("notices"),
        sa.Column("entered_on", sa.Date, nullable=False),
        sa.Column("due", sa.Date, nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True)),
        sa.Column("fact_id", sa.Uuid),
        sa.Column("sent_at", sa.DateTime(timezone=True)),
        sa.Column("handed_on", sa.Date),
        sa.Column("how", sa.String(32)),
        sa.Column("settled_by", sa.Uuid),
        sa.Column("waiver_code", sa.String(32)),
        sa.Column("waiver_reason", sa.Text),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.text("now()")),
        sa.Column("version", sa.Integer, nullable=False),
        sa.CheckConstraint("(state = 'told') = (num_nonnulls(sent_at, handed_on) > 0)", name="notices_told"),
        sa.CheckConstraint("(handed_on is null) = (how is null)", name="notices_handed"),
        sa.CheckConstraint("(state = 'waived') = (waiver_code is not null)", name="notices_waived"),
        sa.CheckConstraint(
            "(waiver_code is not distinct from 'informed') = (waiver_reason is not null)", name="notices_reason"
        ),
    )
    op.create_index("notices_once", "notices", ["network_id", "person_id"], unique=True)
    op.create_index("notices_network", "notices", ["network_id", "id"])
    op.create_index("notices_due", "notices", ["network_id", "due", "id"])
    op.create_index("notices_person", "notices", ["person_id"])
    op.create_index(
        "notices_fact", "notices", ["fact_id"], unique=True, postgresql_where=sa.text("fact_id is not null")
    )
    op.execute(
        "insert into notices (id, network_id, person_id, entered_on, due, state, version)"
        " select gen_random_uuid(), k.network_id, p.id, current_date, current_date + interval '1 month',"
        " case when p.email is null then 'unreachable' else 'owed' end, 1"
        " from known_people k join people p on p.id = k.person_id where p.erased_at is null"
    )


def consents() -> None:
    op.create_table(
        "consents",
        sa.Column("id", sa.Uuid, primary_key=True),
        of_network("consents"),
        of_person("consents"),
        sa.Column("given_on", sa.Date, nullable=False),
        sa.Column("how", sa.String(32)),
        sa.Column("recorded_by", sa.Uuid),
        sa.Column("withdrawn_on", sa.Date),
        sa.Column("version", sa.Integer, nullable=False),
        sa.CheckConstraint("withdrawn_on >= given_on", name="consents_withdrawn"),
    )
    op.create_index("consents_network", "consents", ["network_id", "id"])
    op.create_index(
        "consents_standing",
        "consents",
        ["network_id", "person_id"],
        unique=True,
        postgresql_where=sa.text("withdrawn_on is null"),
    )
    op.create_index("consents_person", "consents", ["person_id"])

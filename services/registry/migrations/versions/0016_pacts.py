"""Generative pacts, groups covered by community makers"""

from typing import Any
from uuid import UUID

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    _cover()
    _pacts()
    _parts_of_pacts()
    _readings()


def _cover() -> None:
    op.add_column("bodies", sa.Column("needed_role", sa.String(32)))
    op.add_column("bodies", sa.Column("needed_since", sa.Date))
    op.add_column("bodies", sa.Column("uncovered_since", sa.Date))
    op.create_check_constraint("bodies_needed", "bodies", "(needed_role is null) = (needed_since is null)")
    op.create_check_constraint(
        "bodies_uncovered",
        "bodies",
        "uncovered_since is null or (needed_role is not null and state <> 'dissolved')",
    )
    op.create_index(
        "bodies_uncovered", "bodies", ["network_id", "id"], postgresql_where=sa.text("uncovered_since is not null")
    )
    op.create_table(
        "cover_looks",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("body_id", sa.Uuid, nullable=False),
        comment="What the due table waits for: whether somebody covers a body may have changed. A row for each cause, "
        "so that two commands never wait for each other here",
    )


def _pacts() -> None:
    op.create_table(
        "pacts",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("network_id", sa.Uuid, sa.ForeignKey("networks.id", name="pacts_network_id_fkey"), nullable=False),
        sa.Column("year", sa.SmallInteger, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("territory", sa.Text, nullable=False),
        sa.Column("body_id", sa.Uuid, sa.ForeignKey("bodies.id", name="pacts_body_id_fkey")),
        sa.Column("organisation_id", sa.Uuid),
        sa.Column("maker_id", sa.Uuid),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("drafted_on", sa.Date, nullable=False),
        sa.Column("signed_on", sa.Date),
        sa.Column("since", sa.Date),
        sa.Column("until", sa.Date),
        sa.Column("renewals", sa.SmallInteger, nullable=False),
        sa.Column("outcome", sa.String(32)),
        sa.Column("break_reason", sa.String(32)),
        sa.Column("closed_on", sa.Date),
        sa.Column("erased_on", sa.Date),
        sa.Column("sealed", sa.LargeBinary),
        sa.Column("sealed_end", sa.LargeBinary),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.Column("version", sa.Integer, nullable=False),
        sa.UniqueConstraint("network_id", "year", "number", name="pacts_code"),
        sa.CheckConstraint("num_nonnulls(body_id, organisation_id) = 1", name="pacts_promoter"),
        sa.CheckConstraint("until > since", name="pacts_term"),
        sa.CheckConstraint(
            "state not in ('signed', 'ended') or (signed_on is not null and until is not null)", name="pacts_signed"
        ),
        sa.CheckConstraint("(state in ('ended', 'broken_off')) = (closed_on is not null)", name="pacts_closed"),
        sa.CheckConstraint(
            "(state = 'ended') = (outcome is not null) and (state = 'broken_off') = (break_reason is not null)",
            name="pacts_outcome",
        ),
        sa.CheckConstraint(
            "erased_on is null or (closed_on is not null and sealed is null and sealed_end is null)",
            name="pacts_erased",
        ),
    )
    op.create_index("pacts_network", "pacts", ["network_id", "id"])
    for column in ("body", "organisation", "maker"):
        named = sa.text(f"{column}_id is not null")
        op.create_index(f"pacts_{column}", "pacts", [f"{column}_id"], postgresql_where=named)


def _pact(table: str, **more: Any) -> sa.Column[UUID]:
    return sa.Column("pact_id", sa.Uuid, sa.ForeignKey("pacts.id", name=f"{table}_pact_id_fkey"), **more)


def _parts_of_pacts() -> None:
    op.create_table(
        "pact_keys",
        _pact("pact_keys", primary_key=True),
        sa.Column("key_id", sa.Text, nullable=False),
        sa.Column("wrapped", sa.LargeBinary, nullable=False),
        comment="The key of each pact, wrapped by the master key `key_id`; a pact that was erased has none",
    )
    op.create_table(
        "pact_obligations",
        sa.Column("id", sa.Uuid, primary_key=True),
        _pact("pact_obligations", nullable=False),
        sa.Column("number", sa.SmallInteger, nullable=False),
        sa.Column("side", sa.String(32), nullable=False),
        sa.Column("organisation_id", sa.Uuid),
        sa.Column("person_id", sa.Uuid),
        sa.Column("due", sa.Date),
        sa.Column("sealed", sa.LargeBinary),
        sa.Column("outcome", sa.String(32)),
        sa.Column("closed_on", sa.Date),
        sa.UniqueConstraint("pact_id", "number", name="pact_obligations_number"),
        sa.CheckConstraint("num_nonnulls(organisation_id, person_id) <= 1", name="pact_obligations_holder"),
        sa.CheckConstraint(
            "side <> 'beneficiary' or num_nonnulls(organisation_id, person_id) = 0",
            name="pact_obligations_beneficiary",
        ),
        sa.CheckConstraint("(outcome is null) = (closed_on is null)", name="pact_obligations_closed"),
    )
    op.create_table(
        "pact_steps",
        sa.Column("id", sa.Uuid, primary_key=True),
        _pact("pact_steps", nullable=False),
        sa.Column("number", sa.SmallInteger, nullable=False),
        sa.Column("due", sa.Date, nullable=False),
        sa.Column("sealed", sa.LargeBinary),
        sa.Column("outcome", sa.String(32)),
        sa.Column("closed_on", sa.Date),
        sa.Column("sealed_note", sa.LargeBinary),
        sa.UniqueConstraint("pact_id", "number", name="pact_steps_number"),
        sa.CheckConstraint("(outcome is null) = (closed_on is null)", name="pact_steps_closed"),
    )
    op.create_table(
        "pact_renewals",
        _pact("pact_renewals", primary_key=True),
        sa.Column("number", sa.SmallInteger, primary_key=True),
        sa.Column("renewed_on", sa.Date, nullable=False),
        sa.Column("until_before", sa.Date, nullable=False),
        sa.Column("until", sa.Date, nullable=False),
    )
    op.create_table(
        "pact_looks",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("body_id", sa.Uuid),
        sa.Column("organisation_id", sa.Uuid),
        comment="What the due table waits for: who follows a promoter's pacts may have changed. A row for each cause, "
        "so that two commands never wait for each other here",
    )


def _readings() -> None:
    op.create_table(
        "pact_readings",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("pact_id", sa.Uuid, nullable=False),
        sa.Column("person_id", sa.Uuid, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("capacity", sa.String(32), nullable=False),
        sa.Column("reason", sa.String(32), nullable=False),
        sa.Column("purpose", sa.String(32), nullable=False),
        comment="Who has read what is written about a person, when and why: appended to; a trigger refuses the rest",
    )
    op.create_index("pact_readings_pact", "pact_readings", ["pact_id", "id"])
    op.execute(
        """create function pact_readings_stay() returns trigger language plpgsql as $$
        begin raise exception 'the log of readings is only appended to'; end $$"""
    )
    op.execute(
        """create trigger pact_readings_stay before update or delete or truncate on pact_readings
        for each statement execute function pact_readings_stay()"""
    )

"""Ballots of every kind: choices and grids, cohorts, weights, secrecy, and those that are in no meeting."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0010"
down_revision = "0009"

INSTANT = sa.DateTime(timezone=True)
ZERO, ONE = sa.text("0"), sa.text("1")


def upgrade() -> None:
    ballots()
    voters()
    votes()
    papers()


def ballots() -> None:
    words = postgresql.ARRAY(sa.Text)
    none, nothing = sa.text("'{}'"), sa.text("'[]'")
    for column in (
        sa.Column("kind", sa.String(32), nullable=False, server_default=sa.text("'motion'")),
        sa.Column("secret", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("level", sa.String(32), nullable=False, server_default=sa.text("'link'")),
        sa.Column("closes_at", INSTANT),
        sa.Column("options", words, nullable=False, server_default=none),
        sa.Column("most", sa.SmallInteger, nullable=False, server_default=ONE),
        sa.Column("winners", sa.SmallInteger, nullable=False, server_default=ONE),
        sa.Column("grid", postgresql.JSONB),
        sa.Column("cohorts", postgresql.JSONB, nullable=False, server_default=nothing),
        sa.Column("weighted", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("ground", sa.Text, comment="of the weights, as the statute says it"),
        sa.Column("roles", words, nullable=False, server_default=none),
        sa.Column("per", sa.String(32), nullable=False, server_default=sa.text("'person'")),
        sa.Column("only_cohorts", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("quorum", postgresql.JSONB),
        sa.Column("needed", sa.Integer, nullable=False, server_default=ZERO, comment="papers, without a meeting"),
        sa.Column("cast", sa.Integer, nullable=False, server_default=ZERO, comment="papers, once it is closed"),
        sa.Column("entitled_votes", sa.Integer, nullable=False, server_default=ZERO),
        sa.Column("counts", postgresql.ARRAY(sa.Integer), comment="of each option, once it is closed"),
    ):
        op.add_column("ballots", column)
    op.alter_column("ballots", "meeting_id", nullable=True)
    op.drop_constraint("ballots_counted", "ballots")
    # Those that are closed are final, but for these figures, which were not kept before.
    op.execute("ALTER TABLE ballots DISABLE TRIGGER ballots_final")
    op.execute(
        'UPDATE ballots b SET entitled_votes = entitled, "cast" ='
        " case when outcome is null then 0 else (SELECT count(*) FROM votes v WHERE v.ballot_id = b.id) end"
    )
    op.execute("ALTER TABLE ballots ENABLE TRIGGER ballots_final")
    for name, condition in {
        "counted": "outcome is null or in_favour + against + abstained <= entitled_votes",
        "grid": "(kind = 'grid') = (grid is not null)",
        "ends": "meeting_id is not null or closes_at is not null",
    }.items():
        op.create_check_constraint(f"ballots_{name}", "ballots", condition)
    op.create_index("ballots_network", "ballots", ["network_id", "id"])
    waiting = sa.text("meeting_id is null and outcome is null")
    op.create_index("ballots_called", "ballots", ["network_id"], postgresql_where=waiting)


def of_ballot(table: str) -> sa.Column[object]:
    return sa.Column("ballot_id", sa.Uuid, sa.ForeignKey("ballots.id", name=f"{table}_ballot_id_fkey"), nullable=False)


def voters() -> None:
    op.create_table(
        "ballot_organisations",
        of_ballot("ballot_organisations"),
        sa.Column("organisation_id", sa.Uuid, nullable=False),
        sa.Column("cohort", sa.Text),
        sa.Column("votes", sa.SmallInteger),
        sa.PrimaryKeyConstraint("ballot_id", "organisation_id", name="ballot_organisations_pkey"),
        sa.CheckConstraint("votes between 1 and 5", name="ballot_organisations_votes"),
        comment="Those that a ballot names: for a cohort, or for more votes than one",
    )
    op.create_table(
        "voters",
        sa.Column("id", sa.Uuid, primary_key=True),
        of_ballot("voters"),
        sa.Column("network_id", sa.Uuid, nullable=False),
        sa.Column("voice", sa.Uuid, nullable=False, comment="the seat, the organisation or the person"),
        sa.Column("person_id", sa.Uuid, nullable=False),
        sa.Column("mandate_id", sa.Uuid, nullable=False),
        sa.Column("organisation_id", sa.Uuid),
        sa.Column("cohort", sa.Text),
        sa.Column("weight", sa.SmallInteger, nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        comment="Called to a ballot that is in no meeting",
    )
    op.create_index("voters_once", "voters", ["ballot_id", "mandate_id"], unique=True)
    op.create_index("voters_voice", "voters", ["ballot_id", "voice"])
    op.create_index("voters_person", "voters", ["person_id"])


def votes() -> None:
    for column in (
        sa.Column("voter_id", sa.Uuid, sa.ForeignKey("voters.id", name="votes_voter_id_fkey")),
        sa.Column("entered_by", sa.Uuid, comment="who typed in what they wrote on paper; null: nobody"),
        sa.Column("marks", sa.LargeBinary, comment="of an open choice or grid, a byte for each option or cell"),
        sa.Column("cohort", sa.Text),
        sa.Column("weight", sa.SmallInteger, nullable=False, server_default=ONE),
        sa.Column(
            "counted",
            sa.Boolean,
            nullable=False,
            server_default=sa.true(),
            comment="false: its voice was gone by the count",
        ),
        sa.Column("version", sa.Integer, nullable=False, server_default=ONE),
    ):
        op.add_column("votes", column)
    for name, comment in (
        ("invitation_id", None),
        ("vote", "of an open motion"),
        ("cast_at", "null in a secret ballot: it would tell the order"),
    ):
        op.alter_column("votes", name, nullable=True, comment=comment)
    op.create_check_constraint("votes_voter", "votes", "num_nonnulls(invitation_id, voter_id) = 1")
    op.create_index("votes_voter", "votes", ["voter_id"])


def papers() -> None:
    op.create_table(
        "paper_drafts",
        of_ballot("paper_drafts"),
        sa.Column("voice", sa.Uuid, nullable=False),
        sa.Column("person_id", sa.Uuid, nullable=False),
        sa.Column("marks", sa.LargeBinary, comment="null: it was cast"),
        sa.Column("saved_at", INSTANT, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("ballot_id", "voice", name="paper_drafts_pkey"),
        comment="Papers that are not cast yet, of open ballots",
    )
    op.create_table(
        "urns",
        of_ballot("urns"),
        sa.Column("papers", sa.LargeBinary, nullable=False, comment="one after the other, in an order drawn by lot"),
        sa.Column("voices", sa.Integer, nullable=False, comment="how many have voted"),
        sa.PrimaryKeyConstraint("ballot_id", name="urns_pkey"),
        comment="The papers of secret ballots",
    )

"""Practices and who took them up; news; campaigns."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB, TSVECTOR

revision = "0009"
down_revision = "0008"

INSTANT = sa.DateTime(timezone=True)
WORDS = sa.ARRAY(sa.Text)
SEARCH = (
    "to_tsvector('italian_plain'::regconfig, title || ' ' || problem || ' ' || done || ' ' || results || ' ' || needed)"
)


def upgrade() -> None:
    practices()
    reviews()
    adoptions()
    news()
    campaigns()


def practices() -> None:
    op.create_table(
        "practices",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("network_id", sa.Uuid, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("stage", sa.String(32), nullable=False),
        sa.Column("themes", WORDS, nullable=False),
        sa.Column("territory", sa.Text),
        sa.Column("within", WORDS, nullable=False, comment="the territory and those in which it lies"),
        sa.Column("problem", sa.Text, nullable=False),
        sa.Column("done", sa.Text, nullable=False),
        sa.Column("results", sa.Text, nullable=False),
        sa.Column("needed", sa.Text, nullable=False),
        sa.Column("contact", sa.Text, nullable=False, comment="a role"),
        sa.Column("trials", JSONB, nullable=False),
        sa.Column("evidence", JSONB, nullable=False),
        sa.Column("visibility", sa.String(32), nullable=False),
        sa.Column("shared_with", sa.ARRAY(sa.Uuid), nullable=False),
        sa.Column("organisation_id", sa.Uuid),
        sa.Column("body_id", sa.Uuid),
        sa.Column("experience_id", sa.Uuid, comment="on the map, from which it was taken"),
        sa.Column("written_by", sa.Uuid),
        sa.Column("edited_by", sa.Uuid, comment="who wrote last"),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("revision", sa.String(32)),
        sa.Column("proposed", JSONB, comment="the next text of what is published"),
        sa.Column("edition", sa.Integer, nullable=False),
        sa.Column("adoptions", sa.Integer, nullable=False, comment="active ones"),
        sa.Column("submitted_at", INSTANT),
        sa.Column("published_on", sa.Date),
        sa.Column("search", TSVECTOR, sa.Computed(SEARCH, persisted=True)),
        sa.Column("updated_at", INSTANT, nullable=False, server_default=sa.func.now()),
        sa.Column("version", sa.Integer, nullable=False),
        sa.CheckConstraint("adoptions >= 0", name="practices_adoptions"),
        sa.CheckConstraint("(proposed is null) = (revision is null)", name="practices_revision"),
        sa.CheckConstraint("revision is null or state = 'published'", name="practices_revised"),
    )
    op.create_index("practices_network", "practices", ["network_id", "id"])
    op.create_index("practices_shared", "practices", ["visibility", "state"])
    taken = sa.text("experience_id is not null")
    op.create_index("practices_experience", "practices", ["experience_id"], unique=True, postgresql_where=taken)
    op.create_index("practices_search", "practices", ["search"], postgresql_using="gin")
    op.create_table(
        "practice_editions",
        sa.Column("practice_id", sa.Uuid, primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("text", JSONB, nullable=False),
        sa.Column("published_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["practice_id"], ["practices.id"], name="practice_editions_practice_id_fkey"),
        comment="What was published, as it was",
    )


def reviews() -> None:
    op.create_table(
        "practice_reviews",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("practice_id", sa.Uuid, nullable=False),
        sa.Column("verdict", sa.String(32), nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("edition", sa.Integer, nullable=False, comment="that it was to become, or was"),
        sa.Column("said_by", sa.Uuid),
        sa.Column("at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(
            ["practice_id"], ["practices.id"], name="practice_reviews_practice_id_fkey", ondelete="CASCADE"
        ),
    )
    op.create_index("practice_reviews_practice", "practice_reviews", ["practice_id", "id"])
    op.create_table(
        "practice_rules",
        sa.Column("network_id", sa.Uuid, primary_key=True),
        sa.Column("tried_trials", sa.SmallInteger, nullable=False),
        sa.Column("proven_trials", sa.SmallInteger, nullable=False),
        sa.Column("proven_adoptions", sa.SmallInteger, nullable=False),
        sa.Column("proven_evidence", sa.SmallInteger, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        comment="What each stage asks for in a network that has decided it",
    )


def adoptions() -> None:
    op.create_table(
        "adoptions",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("practice_id", sa.Uuid, nullable=False),
        sa.Column("practice_network_id", sa.Uuid, nullable=False),
        sa.Column("network_id", sa.Uuid, nullable=False, comment="of who adopts"),
        sa.Column("organisation_id", sa.Uuid),
        sa.Column("body_id", sa.Uuid),
        sa.Column("territory", sa.Text),
        sa.Column("named", sa.Boolean, nullable=False, comment="those whose practice it is may see who"),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("since", sa.Date, nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("ended_on", sa.Date),
        sa.Column("begun_by", sa.Uuid),
        sa.Column("updated_at", INSTANT, nullable=False, server_default=sa.func.now()),
        sa.Column("version", sa.Integer, nullable=False),
        sa.ForeignKeyConstraint(["practice_id"], ["practices.id"], name="adoptions_practice_id_fkey"),
        sa.CheckConstraint("(organisation_id is null) <> (body_id is null)", name="adoptions_who"),
        sa.CheckConstraint("(state = 'ended') = (ended_on is not null)", name="adoptions_ended"),
    )
    op.create_index(
        "adoptions_organisation",
        "adoptions",
        ["practice_id", "network_id", "organisation_id"],
        unique=True,
        postgresql_where=sa.text("state = 'active' and organisation_id is not null"),
    )
    op.create_index(
        "adoptions_body",
        "adoptions",
        ["practice_id", "body_id"],
        unique=True,
        postgresql_where=sa.text("state = 'active' and body_id is not null"),
    )
    op.create_index("adoptions_practice", "adoptions", ["practice_id", "id"])
    op.create_index("adoptions_network", "adoptions", ["network_id", "id"])


def news() -> None:
    op.create_table(
        "news",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("network_id", sa.Uuid, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("summary", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False, comment="Markdown"),
        sa.Column("link", sa.Text),
        sa.Column("audience", sa.String(32)),
        sa.Column("territory", sa.Text),
        sa.Column("within", WORDS, nullable=False, comment="the territory and those in which it lies"),
        sa.Column("body_id", sa.Uuid),
        sa.Column("visibility", sa.String(32), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("publish_at", INSTANT),
        sa.Column("expires_at", INSTANT),
        sa.Column("published_at", INSTANT),
        sa.Column("changed_at", INSTANT, nullable=False, comment="by the domain clock, what readers see"),
        sa.Column("written_by", sa.Uuid),
        sa.Column("updated_at", INSTANT, nullable=False, server_default=sa.func.now()),
        sa.Column("version", sa.Integer, nullable=False),
        sa.CheckConstraint(
            "(published_at is not null) = (state in ('published', 'withdrawn', 'expired'))", name="news_published"
        ),
        sa.CheckConstraint("state <> 'scheduled' or publish_at is not null", name="news_scheduled"),
    )
    op.create_index("news_network", "news", ["network_id", "id"])
    op.create_index("news_out", "news", ["network_id", "published_at"])


def campaigns() -> None:
    op.create_table(
        "campaigns",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("network_id", sa.Uuid, nullable=False),
        sa.Column("slug", sa.Text, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("title_en", sa.Text),
        sa.Column("audience", sa.String(32), nullable=False),
        sa.Column("territory", sa.Text),
        sa.Column("within", WORDS, nullable=False, comment="the territory and those in which it lies"),
        sa.Column("since", sa.Date, nullable=False),
        sa.Column("until", sa.Date),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("pages", JSONB, nullable=False),
        sa.Column("written_by", sa.Uuid),
        sa.Column("updated_at", INSTANT, nullable=False, server_default=sa.func.now()),
        sa.Column("version", sa.Integer, nullable=False),
        sa.CheckConstraint("until > since", name="campaigns_period"),
    )
    op.create_index("campaigns_slug", "campaigns", ["network_id", "slug"], unique=True)
    op.create_index("campaigns_network", "campaigns", ["network_id", "id"])
    op.create_table(
        "campaign_reach",
        sa.Column("campaign_id", sa.Uuid, primary_key=True),
        sa.Column("day", sa.Date, primary_key=True),
        sa.Column("page_id", sa.Uuid, primary_key=True, comment="the campaign's own id: any of its pages"),
        sa.Column("sketch", sa.LargeBinary, comment="until the day is over"),
        sa.Column("visitors", sa.Integer, nullable=False),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaigns.id"], name="campaign_reach_campaign_id_fkey"),
    )
    sketched = sa.text("sketch is not null")
    op.create_index("campaign_reach_open", "campaign_reach", ["day"], postgresql_where=sketched)
    op.create_table(
        "campaign_salts",
        sa.Column("day", sa.Date, primary_key=True),
        sa.Column("salt", sa.LargeBinary, nullable=False),
        comment="Unlogged: in no write-ahead log, no replica and no base backup; empty again after a crash",
        prefixes=["UNLOGGED"],
    )

"""Certified mail and its receipts."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0019"
down_revision = "0018"


def word(*words: str) -> sa.Enum:
    return sa.Enum(*words, native_enum=False, length=32)


def upgrade() -> None:
    instant = sa.DateTime(timezone=True)
    op.create_table(
        "certified_addresses",
        sa.Column("id", sa.Uuid, primary_key=True, comment="the membership"),
        sa.Column("network_id", sa.Uuid, nullable=False),
        sa.Column("organisation_id", sa.Uuid, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("pec", sa.Text),
        sa.Column("generation", sa.Integer, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
    )
    op.create_index("certified_addresses_network", "certified_addresses", ["network_id", "organisation_id"])

    op.create_table(
        "certified_letters",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("network_id", sa.Uuid, nullable=False),
        sa.Column("meeting_id", sa.Uuid),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("made_at", instant, nullable=False),
    )
    op.create_index("certified_letters_made", "certified_letters", ["made_at"])
    op.create_table(
        "certified_files",
        sa.Column("letter_id", sa.Uuid, sa.ForeignKey("certified_letters.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("position", sa.SmallInteger, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("media_type", sa.Text, nullable=False),
        sa.Column("content", sa.LargeBinary, nullable=False),
    )

    op.create_table(
        "certified_mails",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("network_id", sa.Uuid, nullable=False),
        sa.Column("organisation_id", sa.Uuid, nullable=False),
        sa.Column("letter_id", sa.Uuid, sa.ForeignKey("certified_letters.id", ondelete="CASCADE"), nullable=False),
        sa.Column("topic", sa.Text, nullable=False),
        sa.Column("address", sa.Text),
        sa.Column("state", word("queued", "sent", "accepted", "delivered", "failed", "unanswered"), nullable=False),
        sa.Column(
            "problem",
            word("no_address", "provider_refuses", "not_accepted", "not_delivered", "virus", "given_up"),
        ),
        sa.Column("reason", sa.Text),
        sa.Column("made_at", instant, nullable=False),
        sa.Column("warned_at", instant),
        sa.Column("sent_at", instant),
        sa.Column("accepted_at", instant),
        sa.Column("delivered_at", instant),
        sa.Column("settled_at", instant),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("first_try", instant),
        sa.Column("next_try", instant),
        sa.Column("lease_until", instant),
        sa.Column("because_of", sa.Uuid),
        sa.Column("correlation", sa.Uuid),
        sa.Column("key", sa.Text, comment="what is sent once is sent once"),
        sa.Column("version", sa.Integer, nullable=False),
        sa.UniqueConstraint("key", name="certified_mails_key_key"),
    )
    op.create_index("certified_mails_network", "certified_mails", ["network_id", "id"])
    op.create_index("certified_mails_letter", "certified_mails", ["letter_id"])
    op.create_index(
        "certified_mails_open",
        "certified_mails",
        ["state", "next_try"],
        postgresql_where=sa.text("state in ('queued', 'sent', 'accepted')"),
    )

    op.create_table(
        "certified_receipts",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("mail_id", sa.Uuid, sa.ForeignKey("certified_mails.id", ondelete="CASCADE"), nullable=False),
        sa.Column("kind", KIND, nullable=False),
        sa.Column("at", instant, nullable=False, comment="as the receipt says"),
        sa.Column("received_at", instant, nullable=False),
        sa.Column("sha256", sa.Text, nullable=False),
        sa.Column("raw", sa.LargeBinary, nullable=False, comment="as it came, with the provider's signature"),
        sa.Column("data", JSONB, nullable=False),
        sa.UniqueConstraint("sha256", name="certified_receipts_sha256_key"),
    )
    op.create_index("certified_receipts_mail", "certified_receipts", ["mail_id", "at"])

    op.create_table(
        "certified_mailboxes",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("uid_validity", sa.BigInteger, nullable=False),
        sa.Column("last_uid", sa.BigInteger, nullable=False),
        comment="How far the certified mailbox has been read",
    )


KIND = word(
    "accettazione",
    "non-accettazione",
    "presa-in-carico",
    "avvenuta-consegna",
    "preavviso-errore-consegna",
    "errore-consegna",
    "rilevazione-virus",
)

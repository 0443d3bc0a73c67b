"""Where certified mails and their receipts are kept, and members' certified addresses.

A letter is one text for several organisations. Receipts are kept whole: their bytes are the evidence.
"""

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    Uuid,
)
from sqlalchemy.dialects.postgresql import JSONB

from services.notify.certified.receipts import Kind
from services.notify.certified.rules import CertifiedMail, Problem, State
from services.notify.store import mapper
from shared.runtime.stores import words

certified_addresses = Table(
    "certified_addresses",
    mapper.metadata,
    Column("id", Uuid, primary_key=True, comment="the membership"),
    Column("network_id", Uuid, nullable=False),
    Column("organisation_id", Uuid, nullable=False),
    Column("state", Text, nullable=False),
    Column("pec", Text),
    Column("generation", Integer, nullable=False),
    Column("version", Integer, nullable=False),
    Index("certified_addresses_network", "network_id", "organisation_id"),
)

letters = Table(
    "certified_letters",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("network_id", Uuid, nullable=False),
    Column("meeting_id", Uuid),
    Column("subject", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("made_at", DateTime(timezone=True), nullable=False),
    Index("certified_letters_made", "made_at"),
)

letter_files = Table(
    "certified_files",
    mapper.metadata,
    Column("letter_id", Uuid, ForeignKey("certified_letters.id", ondelete="CASCADE"), primary_key=True),
    Column("position", SmallInteger, primary_key=True),
    Column("name", Text, nullable=False),
    Column("media_type", Text, nullable=False),
    Column("content", LargeBinary, nullable=False),
)

certified_mails = Table(
    "certified_mails",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("network_id", Uuid, nullable=False),
    Column("organisation_id", Uuid, nullable=False),
    Column("letter_id", Uuid, ForeignKey("certified_letters.id", ondelete="CASCADE"), nullable=False),
    Column("topic", Text, nullable=False),
    Column("address", Text),
    Column("state", words(State), nullable=False),
    Column("problem", words(Problem)),
    Column("reason", Text),
    Column("made_at", DateTime(timezone=True), nullable=False),
    Column("warned_at", DateTime(timezone=True)),
    Column("sent_at", DateTime(timezone=True)),
    Column("accepted_at", DateTime(timezone=True)),
    Column("delivered_at", DateTime(timezone=True)),
    Column("settled_at", DateTime(timezone=True)),
    Column("attempts", Integer, nullable=False),
    Column("first_try", DateTime(timezone=True)),
    Column("next_try", DateTime(timezone=True)),
    Column("lease_until", DateTime(timezone=True)),
    Column("because_of", Uuid),
    Column("correlation", Uuid),
    Column("key", Text, unique=True, comment="what is sent once is sent once"),
    Column("version", Integer, nullable=False),
    Index("certified_mails_network", "network_id", "id"),
    Index("certified_mails_letter", "letter_id"),
)
Index(
    "certified_mails_open",
    certified_mails.c.state,
    certified_mails.c.next_try,
    postgresql_where=certified_mails.c.state.in_([State.QUEUED, State.SENT, State.ACCEPTED]),
)

receipts = Table(
    "certified_receipts",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("mail_id", Uuid, ForeignKey("certified_mails.id", ondelete="CASCADE"), nullable=False),
    Column("kind", words(Kind), nullable=False),
    Column("at", DateTime(timezone=True), nullable=False, comment="as the receipt says"),
    Column("received_at", DateTime(timezone=True), nullable=False),
    Column("sha256", Text, nullable=False, unique=True),
    Column("raw", LargeBinary, nullable=False, comment="as it came, with the provider's signature"),
    Column("data", JSONB, nullable=False),
    Index("certified_receipts_mail", "mail_id", "at"),
)

mailboxes = Table(
    "certified_mailboxes",
    mapper.metadata,
    Column("name", Text, primary_key=True),
    Column("uid_validity", BigInteger, nullable=False),
    Column("last_uid", BigInteger, nullable=False),
    comment="How far the certified mailbox has been read",
)

mapper.map_imperatively(CertifiedMail, certified_mails, version_id_col=certified_mails.c.version)

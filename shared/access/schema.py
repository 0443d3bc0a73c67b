"""The access tables in a service's migrations: one function for each release of them."""

from alembic.operations import Operations

from shared.access.tables import metadata, sharings


def install_v1(op: Operations) -> None:
    metadata.create_all(op.get_bind(), checkfirst=False)


def install_v2(op: Operations) -> None:
    """How a network presents itself. A new database has the columns from v1 on, which makes the tables as they are."""
    for column in ("sender_name", "sender_address", "logo"):
        op.execute(f"alter table networks add column if not exists {column} text")
    op.execute("comment on column networks.sender_name is 'how its mails are signed, once the network has decided it'")
    op.execute("comment on column networks.logo is 'path under the platform''s public address'")


def install_v3(op: Operations) -> None:
    """What networks let each other see. A new database has the table from v1 on."""
    sharings.create(op.get_bind(), checkfirst=True)

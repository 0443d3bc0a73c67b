"""Members are listed under the provinces and regions of their places, too; `migrations/env.py` fills in which."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"

FACETS = """
create or replace function facets(territories text[], municipality text, sections jsonb) returns setof text
language sql stable as $$
    select code from unnest(array_append(territories, municipality)) code where code is not null
    union select l.whole from unnest(array_append(territories, municipality)) code join lies_in l using (code)
    union select s ->> 'section' from jsonb_array_elements(sections) s
$$
"""


def upgrade() -> None:
    op.create_table(
        "lies_in",
        sa.Column("code", sa.Text, primary_key=True),
        sa.Column("whole", sa.Text, primary_key=True),
        comment="What lies in what, for the triggers that write directory_facets: from the data of territories and "
        "what has happened since, kept by listens.keep_places",
    )
    op.create_table_comment(
        "directory_facets",
        "Written by triggers: under each place where a member has its seat or works and each in which that one lies, "
        "and each section whatever its days, the members in the order of lists. Codes of places and sections never "
        "look alike",
    )
    op.execute(FACETS)

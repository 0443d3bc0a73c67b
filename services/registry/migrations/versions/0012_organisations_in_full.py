"""What lists of organisations are read from; what networks share; merges of duplicates."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from shared.access import schema as access

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    _directory()
    _written_by_triggers()
    _fill()
    _sharings()
    _merges()
    _beside()


def _directory() -> None:
    op.execute("create extension if not exists btree_gin")
    op.create_table(
        "directory",
        sa.Column("network_id", sa.Uuid, primary_key=True),
        sa.Column("organisation_id", sa.Uuid, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("municipality", sa.Text),
        sa.Column("parent_id", sa.Uuid),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        comment="Written by triggers: the later of the two rows' changes, and what lists choose by",
    )
    op.create_index("directory_by_name", "directory", ["network_id", "name", "organisation_id"])
    op.create_index("directory_by_kind", "directory", ["network_id", "kind", "name", "organisation_id"])
    op.create_index("directory_by_state", "directory", ["network_id", "state", "name", "organisation_id"])
    op.create_index(
        "directory_by_parent",
        "directory",
        ["network_id", "parent_id", "name", "organisation_id"],
        postgresql_where=sa.text("parent_id is not null"),
    )
    op.create_index("directory_by_change", "directory", ["network_id", "updated_at", "organisation_id"])
    op.create_index("directory_organisation", "directory", ["organisation_id"])
    op.execute("create index directory_search on directory using gin (network_id, name gin_trgm_ops)")
    op.create_table(
        "directory_facets",
        sa.Column("network_id", sa.Uuid, primary_key=True),
        sa.Column("facet", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("organisation_id", sa.Uuid, primary_key=True),
        comment="Written by triggers: under each place where a member has its seat or works, and each section whatever "
        "its days, the members in the order of lists. Codes of places and sections never look alike",
    )
    op.create_table(
        "name_words",
        sa.Column("word", sa.Text, nullable=False),
        comment="Written by triggers: the words of all names, to find those that a slip of the pen meant. Not unique, "
        "so that two transactions which bring the same word need not wait for each other",
    )
    op.create_index("name_words_word", "name_words", ["word"])
    op.execute("create index name_words_search on name_words using gin (word gin_trgm_ops)")
    for index in ("organisations_by_name", "organisations_search", "organisations_municipality"):
        op.drop_index(index, "organisations")


FACETS = """
create function facets(territories text[], municipality text, sections jsonb) returns setof text
language sql immutable as $$
    select unnest(territories)
    union select municipality where municipality is not null
    union select s ->> 'section' from jsonb_array_elements(sections) s
$$
"""
LIST = """
create function list_memberships(ids uuid[]) returns void language sql as $$
    with listed as (
        insert into directory (network_id, organisation_id, name, kind, state, municipality, parent_id, updated_at)
        select m.network_id, o.id, fold(o.title), o.kind, m.state, o.municipality, o.parent_id,
               greatest(m.updated_at, o.updated_at)
        from unnest(ids) asked(id) join memberships m on m.id = asked.id join organisations o
            on o.id = m.organisation_id
        returning network_id, organisation_id, name
    )
    insert into directory_facets (network_id, facet, name, organisation_id)
    select l.network_id, f, l.name, l.organisation_id
    from listed l join organisations o on o.id = l.organisation_id
        cross join lateral facets(o.territories, o.municipality, o.sections) f
$$
"""
UNLIST = """
create function unlist(networks uuid[], members uuid[]) returns void language sql as $$
    with gone as (
        delete from directory d using unnest(networks, members) asked(network_id, organisation_id)
        where d.network_id = asked.network_id and d.organisation_id = asked.organisation_id
        returning d.network_id, d.organisation_id, d.name
    )
    delete from directory_facets f using gone g join organisations o on o.id = g.organisation_id
        cross join lateral facets(o.territories, o.municipality, o.sections) was
    where (f.network_id, f.facet, f.name, f.organisation_id) = (g.network_id, was, g.name, g.organisation_id)
$$
"""
MEMBERSHIPS = {
    "insert": "perform list_memberships(array(select id from new_rows));",
    "update": """
        perform unlist(array_agg(o.network_id), array_agg(o.organisation_id)) from old_rows o join new_rows n using (id)
        where (o.network_id, o.organisation_id) <> (n.network_id, n.organisation_id) having count(*) > 0;
        perform list_memberships(array_agg(n.id)) from old_rows o join new_rows n using (id)
        where (o.network_id, o.organisation_id) <> (n.network_id, n.organisation_id) having count(*) > 0;
        update directory d set state = n.state, updated_at = greatest(d.updated_at, n.updated_at) from new_rows n
        where d.network_id = n.network_id and d.organisation_id = n.organisation_id
          and (d.state <> n.state or d.updated_at < n.updated_at);""",
    "delete": "perform unlist(array_agg(network_id), array_agg(organisation_id)) from old_rows having count(*) > 0;",
}
# The old name and the old facets say which rows are to go: no index by organisation is kept for it.
ORGANISATIONS = {
    "insert": "perform learn_words(array(select title from new_rows));",
    "update": """
        if exists (select from old_rows o join new_rows n using (id)
                   where (o.title, o.municipality, o.territories, o.sections)
                         is distinct from (n.title, n.municipality, n.territories, n.sections)) then
            delete from directory_facets f using old_rows o join directory d on d.organisation_id = o.id
                cross join lateral facets(o.territories, o.municipality, o.sections) was
            where (f.network_id, f.facet, f.name, f.organisation_id) = (d.network_id, was, d.name, o.id);
            insert into directory_facets (network_id, facet, name, organisation_id)
            select d.network_id, f, fold(n.title), n.id
            from new_rows n join directory d on d.organisation_id = n.id
                cross join lateral facets(n.territories, n.municipality, n.sections) f;
            perform learn_words(array(select n.title from new_rows n join old_rows o using (id)
                                      where n.title <> o.title));
        end if;
        update directory d set name = fold(n.title), kind = n.kind, municipality = n.municipality,
            parent_id = n.parent_id, updated_at = greatest(d.updated_at, n.updated_at)
        from new_rows n where d.organisation_id = n.id;""",
}
LEARN = """
create function learn_words(titles text[]) returns void language sql as $$
    insert into name_words (word)
    select distinct w from unnest(titles) t cross join lateral regexp_split_to_table(fold(t), '[^a-z0-9]+') w
    where length(w) between 3 and 40 and not exists (select from name_words k where k.word = w)
    order by w
$$
"""
REFERENCING = {
    "insert": "referencing new table as new_rows",
    "update": "referencing old table as old_rows new table as new_rows",
    "delete": "referencing old table as old_rows",
}


def _written_by_triggers() -> None:
    for function in (FACETS, LIST, UNLIST, LEARN):
        op.execute(function)
    for table, steps in (("memberships", MEMBERSHIPS), ("organisations", ORGANISATIONS)):
        for step, body in steps.items():
            op.execute(
                f"create function {table}_after_{step}() returns trigger language plpgsql as"
                f" $$ begin {body} return null; end $$"
            )
            op.execute(
                f"create trigger listed_after_{step} after {step} on {table} {REFERENCING[step]}"
                f" for each statement execute function {table}_after_{step}()"
            )


def _fill() -> None:
    op.execute("select list_memberships(array(select id from memberships))")
    op.execute("select learn_words(array(select title from organisations))")


def _sharings() -> None:
    access.install_v3(op)  # type: ignore[arg-type]  # the module stands for the Operations
    op.add_column(
        "sharings", sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now())
    )
    for column in ("network_id", "with_network_id"):
        op.create_foreign_key(f"sharings_{column}_fkey", "sharings", "networks", [column], ["id"])
    op.create_check_constraint("sharings_two_networks", "sharings", "network_id <> with_network_id")
    op.create_check_constraint("sharings_days", "sharings", "until >= since")
    op.create_check_constraint("sharings_something", "sharings", "cardinality(what) > 0")
    op.execute(
        "alter table sharings add constraint sharings_one exclude using gist"
        " (network_id with =, with_network_id with =, daterange(since, until) with &&)"
    )
    op.create_index("sharings_network", "sharings", ["network_id", "id"])


def _merges() -> None:
    op.create_table(
        "merges",
        sa.Column("id", sa.Uuid, primary_key=True, comment="of the duplicate"),
        sa.Column("into_id", sa.Uuid, sa.ForeignKey("organisations.id", name="merges_into_id_fkey"), nullable=False),
        sa.Column(
            "tax_code",
            sa.Text,
            comment="the duplicate's, by which the other one is found, too; none if it took it over",
        ),
        sa.Column("record", postgresql.JSONB, nullable=False),
        sa.Column("memberships", postgresql.JSONB, nullable=False),
        sa.Column(
            "moved", postgresql.JSONB, nullable=False, comment="how many rows of each table name the other one since"
        ),
        sa.Column("merged_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("merged_by", sa.Uuid),
        comment="A merge of what others were merged into carries them along: into_id always names who is there",
    )
    op.create_index("merges_into", "merges", ["into_id"])
    op.create_index(
        "merges_tax_code", "merges", ["tax_code"], unique=True, postgresql_where=sa.text("tax_code is not null")
    )


def _beside() -> None:
    """What was held or owed twice by what proved to be one organisation stays, and is in nobody's way."""
    for table in ("mandates", "commitments"):
        op.add_column(table, sa.Column("beside", sa.Boolean, nullable=False, server_default=sa.text("false")))
    op.execute("alter table mandates drop constraint mandates_one_referent")
    op.execute(
        "alter table mandates add constraint mandates_one_referent exclude using gist (network_id with =,"
        " organisation_id with =, daterange(since, ends) with &&)"
        " where (role = 'referent' and body_id is null and not beside)"
    )
    op.drop_index("commitments_of_rule", "commitments")
    op.create_index(
        "commitments_of_rule",
        "commitments",
        ["source_id", "organisation_id"],
        unique=True,
        postgresql_where=sa.text("source = 'rule' and waiver_code is distinct from 'organisation_left' and not beside"),
    )

"""Outcomes of projects as facts.

Those that were recorded before are told here, once, as recording them would have: readers' projections listen from the
beginning of the stream, so nobody has to run anything. Their version starts at 1.
"""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"

TELL = """
insert into log (id, type, subject, aggregate_id, version, network_id, headers, body, occurred_at)
select told.fact, 'trama.registry.outcome.recorded.v1', 'registry.outcome.' || o.id || '.recorded', o.id, o.version,
       p.network_id, jsonb_build_object('correlationid', told.fact),
       jsonb_build_object(
           'id', o.id, 'version', o.version, 'network_id', p.network_id, 'project_id', o.project_id,
           'action_id', o.action_id, 'kind', o.kind, 'title', o.title, 'body_id', o.body_id,
           'territory', o.territory, 'on', o."on", 'evidenced', o.file_name is not null)::text,
       now()
from project_outcomes o join projects p on p.id = o.project_id, lateral (select gen_random_uuid() as fact, o.id) told
order by o.id
"""


def upgrade() -> None:
    op.add_column("project_outcomes", sa.Column("version", sa.Integer, nullable=False, server_default="1"))
    op.alter_column("project_outcomes", "version", server_default=None)
    op.execute(TELL)

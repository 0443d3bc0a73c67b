"""Changed municipalities; areas of networks; items counted by territory; yardsticks, those of the law."""

from uuid import UUID

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

from shared.territories import schema as territories

revision = "0005"
down_revision = "0004"

NETWORK = "coalesce(network_id, '00000000-0000-0000-0000-000000000000'::uuid)"
DM_77 = "DM 77/2022, allegato 1"
YARDSTICKS = [
    ("community_house_hub", "Casa della Comunità hub", "Community house, hub", "community_house_hub", 40_000, 50_000),
    ("family_clinic", "Consultorio familiare", "Family clinic", "clinic", 20_000, 20_000),
]
"""One for so many inhabitants. The decree allows a family clinic for 10,000 in rural and inner areas: a network of such
areas adds its own yardstick."""


def upgrade() -> None:
    territories.install_v1(op)  # type: ignore[arg-type]  # the module stands for the Operations
    areas()
    counters()
    yardsticks()


def areas() -> None:
    op.create_table(
        "areas",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("network_id", sa.Uuid, nullable=False),
        sa.Column("code", sa.Text, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("search", sa.Text, nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.Column("version", sa.Integer, nullable=False),
    )
    op.create_index("areas_code", "areas", ["network_id", "code"], unique=True)
    op.create_table(
        "area_territories",
        sa.Column("area_id", sa.Uuid, primary_key=True),
        sa.Column("territory", sa.Text, primary_key=True),
        sa.Column("network_id", sa.Uuid, nullable=False),
        sa.Column("level", sa.Text, nullable=False),
        sa.ForeignKeyConstraint(["area_id"], ["areas.id"], name="area_territories_area_id_fkey", ondelete="CASCADE"),
        comment="The municipalities of an area, and the provinces and regions of which it has all municipalities",
    )
    op.create_index("area_territories_of", "area_territories", ["network_id", "territory"])


def counters() -> None:
    op.create_table(
        "item_coverage",
        sa.Column("network_id", sa.Uuid, primary_key=True),
        sa.Column("level", sa.Text, primary_key=True),
        sa.Column("area", sa.Text, primary_key=True),
        sa.Column("item", sa.Text, primary_key=True),
        sa.Column("facet", sa.Text, primary_key=True, comment="`` for all of them, `kind:…` or `theme:…`"),
        sa.Column("items", sa.Integer, nullable=False),
        sa.CheckConstraint("items >= 0", name="item_coverage_no_fewer_than_none"),
    )
    op.create_index("item_coverage_facet", "item_coverage", ["network_id", "level", "item", "facet", "area"])
    op.create_table(
        "counted_items",
        sa.Column("item", sa.Text, primary_key=True),
        sa.Column("item_id", sa.Uuid, primary_key=True),
        sa.Column("network_id", sa.Uuid, nullable=False),
        sa.Column("places", ARRAY(sa.Text), nullable=False, comment="`level code` of each territory where it counts"),
        sa.Column("facets", ARRAY(sa.Text), nullable=False),
        comment="What each item counts for, so that it can be taken away again",
    )
    op.create_index("counted_items_network", "counted_items", ["network_id"])


def yardsticks() -> None:
    made = op.create_table(
        "yardsticks",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("network_id", sa.Uuid, comment="None: everybody's"),
        sa.Column("code", sa.Text, nullable=False),
        sa.Column("title_it", sa.Text, nullable=False),
        sa.Column("title_en", sa.Text, nullable=False),
        sa.Column("item", sa.Text, nullable=False),
        sa.Column("facet", sa.Text, nullable=False),
        sa.Column("fewest", sa.Integer, nullable=False, comment="One is needed for as few inhabitants as this"),
        sa.Column("most", sa.Integer, nullable=False, comment="… and at least for as many as this"),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.CheckConstraint("fewest > 0 and most >= fewest", name="yardsticks_inhabitants"),
    )
    op.create_index("yardsticks_code", "yardsticks", [sa.text(NETWORK), "code"], unique=True)
    op.bulk_insert(
        made,
        [
            {
                "id": UUID(f"01900000-0000-7000-8000-{number:012x}"),
                "network_id": None,
                "code": code,
                "title_it": it,
                "title_en": en,
                "item": "place",
                "facet": f"kind:{kind}",
                "fewest": fewest,
                "most": most,
                "source": DM_77,
                "version": 1,
            }
            for number, (code, it, en, kind, fewest, most) in enumerate(YARDSTICKS, 1)
        ],
    )

"""Where campaigns are kept, and how many they reached."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeDecorator

from services.learning.campaigns.rules import Campaign, Page, State
from services.learning.paths.rules import Audience
from services.learning.practices.tables import Codes
from services.learning.store import mapper, words


class Pages(TypeDecorator[tuple[Page, ...]]):
    impl = JSONB
    cache_ok = True

    def process_bind_param(self, value: tuple[Page, ...] | None, dialect: Dialect) -> Any:  # noqa: ARG002
        return [page.json() for page in value or ()]

    def process_result_value(self, value: Any, dialect: Dialect) -> tuple[Page, ...]:  # noqa: ARG002
        return tuple(Page(**{**held, "id": UUID(held["id"])}) for held in value or ())


campaigns = Table(
    "campaigns",
    mapper.metadata,
    Column("id", Uuid, primary_key=True),
    Column("network_id", Uuid, nullable=False),
    Column("slug", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("title_en", Text),
    Column("audience", words(Audience), nullable=False),
    Column("territory", Text),
    Column("within", Codes, nullable=False, comment="the territory and those in which it lies"),
    Column("since", Date, nullable=False),
    Column("until", Date),
    Column("state", words(State), nullable=False),
    Column("pages", Pages, nullable=False),
    Column("written_by", Uuid),
    Column("updated_at", DateTime(timezone=True), nullable=False, server_default=func.now(), onupdate=func.now()),
    Column("version", Integer, nullable=False),
    CheckConstraint("until > since", name="period"),
    Index("campaigns_slug", "network_id", "slug", unique=True),
    Index("campaigns_network", "network_id", "id"),
)

campaign_reach = Table(
    "campaign_reach",
    mapper.metadata,
    Column("campaign_id", Uuid, ForeignKey(campaigns.c.id), primary_key=True),
    Column("day", Date, primary_key=True),
    Column("page_id", Uuid, primary_key=True, comment="the campaign's own id: any of its pages"),
    Column("sketch", LargeBinary, comment="until the day is over"),
    Column("visitors", Integer, nullable=False),
    Index("campaign_reach_open", "day", postgresql_where=text("sketch is not null")),
)

campaign_salts = Table(
    "campaign_salts",
    mapper.metadata,
    Column("day", Date, primary_key=True),
    Column("salt", LargeBinary, nullable=False),
    prefixes=["UNLOGGED"],
    comment="Unlogged: in no write-ahead log, no replica and no base backup; empty again after a crash",
)

mapper.map_imperatively(Campaign, campaigns, version_id_col=campaigns.c.version, exclude_properties={"updated_at"})

"""Where the days of notice are kept that a network, or one of its bodies, asks for."""

from sqlalchemy import Column, DateTime, Integer, SmallInteger, Table, Uuid, func

from services.events.notices.rules import NoticeRule
from services.events.store import mapper

notice_rules = Table(
    "notice_rules",
    mapper.metadata,
    Column("id", Uuid, primary_key=True, comment="of a body, or of the network itself"),
    Column("network_id", Uuid, nullable=False),
    Column("days", SmallInteger, nullable=False),
    Column("assembly_days", SmallInteger, comment="of assemblies, where a network asks for another number"),
    Column("updated_at", DateTime(timezone=True), nullable=False, server_default=func.now(), onupdate=func.now()),
    Column("version", Integer, nullable=False),
)

mapper.map_imperatively(
    NoticeRule, notice_rules, version_id_col=notice_rules.c.version, exclude_properties={"updated_at"}
)

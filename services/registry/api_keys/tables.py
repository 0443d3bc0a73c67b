"""The registry owns the keys, so it writes the table that the other services project, with columns of its own."""

from sqlalchemy import Column, DateTime, Uuid, func

from services.registry.api_keys.rules import ApiKey
from services.registry.store import mapper
from shared.access import tables as access

api_keys = access.api_keys.to_metadata(mapper.metadata)
api_keys.append_column(Column("issued_by", Uuid))
api_keys.append_column(Column("issued_at", DateTime(timezone=True), nullable=False, server_default=func.now()))

mapper.map_imperatively(
    ApiKey,
    api_keys,
    version_id_col=api_keys.c.version,
    exclude_properties={"generation", "issued_at"},
)

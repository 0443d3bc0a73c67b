"""Where events keeps what it knows: one metadata, and the mapper that will tie its entities to the tables."""

from sqlalchemy import MetaData
from sqlalchemy.orm import registry

mapper = registry(
    metadata=MetaData(
        naming_convention={
            "pk": "%(table_name)s_pkey",
            "ix": "%(table_name)s_%(column_0_N_name)s",
            "uq": "%(table_name)s_%(column_0_N_name)s_key",
            "ck": "%(table_name)s_%(constraint_name)s",
        }
    )
)

"""Where mapping keeps what it knows: one metadata, and the mapper that will tie its entities to the tables."""

from enum import StrEnum

from sqlalchemy import Enum, MetaData
from sqlalchemy.orm import registry

mapper = registry(
    metadata=MetaData(
        naming_convention={
            "pk": "%(table_name)s_pkey",
            "ix": "%(table_name)s_%(column_0_N_name)s",
            "fk": "%(table_name)s_%(column_0_name)s_fkey",
            "uq": "%(table_name)s_%(column_0_N_name)s_key",
            "ck": "%(table_name)s_%(constraint_name)s",
        }
    )
)


def words(kind: type[StrEnum]) -> Enum:
    """The type of a text column that holds the words of an enumeration, and reads as its members."""
    return Enum(kind, native_enum=False, length=32, values_callable=lambda members: [str(word) for word in members])

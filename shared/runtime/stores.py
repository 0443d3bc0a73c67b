"""What the stores of all services have in common: how constraints are named, and how the words of an enumeration are
kept."""

from enum import StrEnum

from sqlalchemy import Enum, MetaData
from sqlalchemy.orm import registry

NAMING = {
    "pk": "%(table_name)s_pkey",
    "fk": "%(table_name)s_%(column_0_name)s_fkey",
    "ix": "%(table_name)s_%(column_0_N_name)s",
    "uq": "%(table_name)s_%(column_0_N_name)s_key",
    "ck": "%(table_name)s_%(constraint_name)s",
}
"""Migrations name constraints by it, and refusals are told by their names: what is published never changes."""


def mapper_of_a_store() -> registry:
    """One for each service: its `metadata` is all that the service keeps."""
    return registry(metadata=MetaData(naming_convention=NAMING))


def words(kind: type[StrEnum]) -> Enum:
    """The type of a text column that holds the words of an enumeration, and reads as its members."""
    return Enum(kind, native_enum=False, length=32, values_callable=lambda members: [str(word) for word in members])

"""Whether a service's list of what it holds of people is whole: no column that names somebody may be forgotten."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from sqlalchemy import Column, MetaData, Uuid

from shared.access.tables import metadata as access
from shared.messaging.tables import metadata as messaging
from shared.rights import Holder
from shared.rights.words import KINDS
from shared.runtime.tables import metadata as runtime

SOUNDS_LIKE_A_PERSON = re.compile(
    r"(^|_)(person|people|maker|actor|delegate|holder|assignee|assigned_to|officer|author|sender|owner|contact|operator"
    r"|reader|writer|coordinator|referent|responsible|beneficiary)(_id|$)|_by$|_by_id$"
)


def names_people(column: Column[object]) -> bool:
    """By its name, or because it points to the people."""
    points = any(key.target_fullname == "people.id" for key in column.foreign_keys)
    return points or bool(isinstance(column.type, Uuid) and SOUNDS_LIKE_A_PERSON.search(column.name))


def columns_of_people(metadata: MetaData) -> Iterator[str]:
    for every in (metadata, access, messaging, runtime):
        for table in every.sorted_tables:
            yield from (f"{table.name}.{column.name}" for column in table.columns if names_people(column))


def uncovered(holder: Holder, metadata: MetaData, nobody: Collection[str]) -> set[str]:
    """Columns that name people, and are neither in the list nor among those that name nobody."""
    covered = {f"{line.column.table.name}.{line.column.name}" for line in holder.held}
    return set(columns_of_people(metadata)) - covered - set(nobody)


def superfluous(holder: Holder, metadata: MetaData, nobody: Collection[str]) -> set[str]:
    """Exemptions that no column needs, and kinds that have no word for people."""
    words = {code for code, _, _ in KINDS}
    return (set(nobody) - set(columns_of_people(metadata))) | {line.what for line in holder.held} - words

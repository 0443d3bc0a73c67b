"""Where the registry keeps what it owns: one metadata, and the mapper that ties its entities to the tables.

A slice's `tables.py` declares its tables in `mapper.metadata` and maps its entities; `app.py` imports every slice, so
that the mapper is complete before the first query.
"""

from sqlalchemy import ColumnElement, Text, func

from shared.runtime.stores import mapper_of_a_store
from shared.runtime.stores import words as words

mapper = mapper_of_a_store()


def containing(words: str) -> ColumnElement[str]:
    """The pattern of folded texts in which these words stand, whatever their capitals and accents:
    `func.fold(column).like(containing(q))`. A percent sign, an underscore and a backslash stand for themselves."""
    escaped = words.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
    return func.fold(f"%{escaped}%", type_=Text)

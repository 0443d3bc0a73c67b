"""Where notify keeps what it knows: one metadata, and the mapper that ties its entities to the tables.

A slice's `tables.py` declares its tables in `mapper.metadata` and maps its entities; `app.py` imports every slice, so
that the mapper is complete before the first query.
"""

from shared.runtime.stores import mapper_of_a_store

mapper = mapper_of_a_store()

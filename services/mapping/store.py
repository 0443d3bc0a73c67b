"""Where mapping keeps what it knows: one metadata, and the mapper that will tie its entities to the tables."""

from shared.runtime.stores import mapper_of_a_store
from shared.runtime.stores import words as words

mapper = mapper_of_a_store()

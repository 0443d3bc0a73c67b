from __future__ import annotations

from services.mapping.app import service
from services.mapping.rights.holdings import HOLDER, NOBODY
from services.mapping.store import mapper
from tests.rights.columns import superfluous, uncovered


def test_no_column_that_names_somebody_is_forgotten() -> None:
    assert callable(service)  # imported, so that every slice's tables are known
    assert uncovered(HOLDER, mapper.metadata, NOBODY) == set()
    assert superfluous(HOLDER, mapper.metadata, NOBODY) == set()

from __future__ import annotations

from sqlalchemy import Column, MetaData, Table, Uuid

from services.registry.app import service
from services.registry.erasures.holdings import HOLDER, NOBODY
from services.registry.store import mapper
from tests.rights.columns import superfluous, uncovered


def test_no_column_that_names_somebody_is_forgotten() -> None:
    assert callable(service)  # imported, so that every slice's tables are known
    assert uncovered(HOLDER, mapper.metadata, NOBODY) == set()
    assert superfluous(HOLDER, mapper.metadata, NOBODY) == set()


def test_a_new_column_that_names_somebody_would_be_found() -> None:
    metadata = MetaData()
    Table("visits", metadata, Column("id", Uuid), Column("received_by", Uuid), Column("visitor_person_id", Uuid))
    assert uncovered(HOLDER, metadata, NOBODY) == {"visits.received_by", "visits.visitor_person_id"}

"""Mandates as learning keeps them: the newest told of each, in whatever order they come."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from uuid_utils.compat import uuid7

from tests.learning.school import School


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))), ids=str)
async def test_the_newest_state_counts_in_any_order(school: School, order: tuple[int, ...]) -> None:
    designated = school.mandate(uuid7(), state="designated")
    facts: list[Any] = [designated, school.mandate(designated.person_id, of=designated)]
    facts.append(school.ended(designated))
    await school.tell(*(facts[place] for place in order))
    rows = await school.running.sql("select state, ended_on from mandates where network_id = :id", id=school.id)
    assert [(row.state, row.ended_on.isoformat()) for row in rows] == [("ended", school.today())]

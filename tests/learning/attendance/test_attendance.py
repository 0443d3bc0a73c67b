"""Who was at a meeting has done the units that ask for it: over HTTP and facts, with what others are told."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from shared.contracts.events import AttendanceClosed
from tests.learning.school import School

pytestmark = pytest.mark.timeout(180)


async def meet(school: School, *people: UUID, days: int = 0, **of: UUID) -> None:
    """A meeting so many days from today, closed with these people there."""
    meeting = uuid7()
    starts = school.running.context.clock.now() + timedelta(days=days)
    fact = AttendanceClosed(
        id=uuid7(), version=1, network_id=school.id, meeting_id=meeting, starts_at=starts, part=1, people=people, **of
    )
    await school.tell(fact, fact)


async def test_a_meeting_attended_since_the_enrolment_counts_and_before_it_only_where_the_unit_says_so(
    school: School,
) -> None:
    series, body = uuid7(), uuid7()
    units = [
        {"title": "Incontro", "kind": "meeting", "series_id": str(series)},
        {"title": "Giunta", "kind": "meeting", "body_id": str(body), "counts_before": True},
        {"title": "Testo"},
    ]
    early, _ = await school.appointed()
    await meet(school, early, days=-3, series_id=series)
    await meet(school, early, days=-2, body_id=body)
    path = await school.path(units=units)
    (mine,) = await school.enrolled(path=path["id"])
    assert mine["progress"]["count"] == 1
    assert await school.told(mine) == [("opened", "active")]  # one fact, with what counts already
    refused = await school.mark(mine, path["units"][0], early, 409)
    assert refused["type"].endswith("unit-not-by-hand")
    stranger, _ = await school.appointed()
    await meet(school, early, uuid7(), series_id=series)
    shown = await school.done("GET", f"/enrolments/{mine['id']}", as_=early)
    assert [unit["done_at"] is not None for unit in shown["units"]] == [True, True, False]
    await school.mark(mine, path["units"][2], early)
    assert [fact for fact, _ in await school.told(mine)] == ["opened", "advanced", "completed"]
    (other,) = await school.enrolled(path=path["id"], person=str(stranger))
    assert other["progress"]["count"] == 0
    await school.tell(school.erased(early))
    kept = await school.running.sql("select count(*) as n from attended where person_id = :id", id=early)
    assert kept[0].n == 0
    await meet(school, early, series_id=series)
    kept = await school.running.sql("select count(*) as n from attended where person_id = :id", id=early)
    assert kept[0].n == 0

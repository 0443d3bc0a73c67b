"""A person was entered twice: their learning goes on as one person's."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.learning.enrolments import rules
from services.learning.enrolments.rules import Enrolment, State
from services.learning.paths.rules import Admission
from shared.contracts.registry import MandateChanged, PersonMerged
from tests.learning.school import School

NOW = datetime(2026, 3, 10, tzinfo=UTC)
UNITS = [UUID(int=n) for n in range(1, 5)]


def enrolment(state: State = State.ACTIVE, done: dict[UUID, datetime] | None = None) -> Enrolment:
    one = Enrolment(UUID(int=9), uuid4(), uuid4(), Admission.RULE, NOW.date(), state=state, done=done or {})
    if state is State.COMPLETED:
        one.completed_at, one.completed_units = NOW, len(UNITS)
    return one


DONE = st.dictionaries(st.sampled_from(UNITS), st.integers(0, 9).map(lambda day: NOW + timedelta(day)))


@given(DONE, DONE)
def test_what_was_done_under_either_is_done_since_the_earlier(
    one: dict[UUID, datetime], two: dict[UUID, datetime]
) -> None:
    kept, other = rules.further(enrolment(done=one), enrolment(done=two))
    completed = rules.absorb(kept, other, UNITS, NOW)
    assert kept.done == {unit: min(at for d in (one, two) for u, at in d.items() if u == unit) for unit in {*one, *two}}
    assert completed is (kept.state is State.COMPLETED) is ({*one, *two} == set(UNITS))


def test_the_further_stays() -> None:
    ended, active, completed = (enrolment(state) for state in (State.ENDED, State.ACTIVE, State.COMPLETED))
    more = enrolment(done={UNITS[0]: NOW})
    for one, other in ((completed, more), (more, active), (active, ended)):
        assert rules.further(one, other) == rules.further(other, one) == (one, other)


def test_who_has_completed_stays_so_and_what_ended_does_not_begin_again() -> None:
    completed, ended = enrolment(State.COMPLETED), enrolment(State.ENDED, dict.fromkeys(UNITS, NOW))
    assert not rules.absorb(completed, ended, UNITS, NOW)
    assert not rules.absorb(ended, completed, UNITS, NOW)
    assert ended.state is State.ENDED


@pytest.mark.timeout(120)
async def test_two_enrolments_in_one_path_become_the_further_one(school: School) -> None:
    path = await school.path()
    going, first_mandate = await school.appointed()
    staying, _ = await school.appointed()
    first, second = await school.enrolled(person=str(going)), await school.enrolled(person=str(staying))
    unit = path["units"][0]
    await school.mark(first[0], unit, going)
    merged = PersonMerged(id=going, version=school.next(going), network_id=school.id, into_id=staying)
    moved = {**first_mandate.model_dump(), "version": school.next(first_mandate.id), "person_id": staying}
    await school.tell(merged, MandateChanged(**moved))
    listed = await school.enrolled()
    assert [(one["id"], one["person"]["id"]) for one in listed] == [(first[0]["id"], str(staying))]
    assert (await school.told(first[0]))[-1] == ("advanced", "active")
    assert (await school.told(second[0]))[-1] == ("ended", "ended")
    rows = await school.running.sql(
        "select enrolment_id from enrolment_grounds where path_id = :id", id=UUID(path["id"])
    )
    assert [str(row.enrolment_id) for row in rows] == [first[0]["id"]] * 2
    tables = await school.running.sql(
        "select c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace"
        " where n.nspname = 'public' and c.relkind = 'r'"
    )
    named = set()
    for table in tables:
        like = f'select count(*) from "{table.name}" t where t::text like :id'
        if (await school.running.sql(like, id=f"%{going}%"))[0][0]:
            named.add(table.name)
    assert named <= {"people", "log", "grant_lists", "idempotency"}

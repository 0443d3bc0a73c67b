"""One person of two records: what stands in the way, what is taken over."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.registry.duplicates import rules
from services.registry.duplicates.rules import SamePerson
from services.registry.mandates.rules import Mandate
from services.registry.people.rules import Person
from shared.access.roles import Role

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
NETWORK, ONE, OTHER, ORGANISATION = (UUID(int=n) for n in range(1, 5))


def mandate(person: UUID, since: date, until: date | None, **more: object) -> Mandate:
    given = {"organisation_id": ORGANISATION, "role": Role.REPRESENTATIVE, "territory": "03", **more}
    return Mandate(NETWORK, person, since=since, until=until, **given)  # type: ignore[arg-type]


DAY = st.dates(date(2020, 1, 1), date(2030, 1, 1))


@given(DAY, st.integers(1, 900), DAY, st.integers(1, 900))
def test_two_mandates_of_one_office_clash_exactly_when_they_have_a_day_in_common(
    first: date, long: int, second: date, wide: int
) -> None:
    one = mandate(ONE, first, first + timedelta(long))
    other = mandate(OTHER, second, second + timedelta(wide))
    days = {first + timedelta(n) for n in range(long)} & {second + timedelta(n) for n in range(wide)}
    assert bool(rules.clashes([one], [other])) is bool(days)


@pytest.mark.parametrize(
    "apart", [{"territory": "01"}, {"organisation_id": uuid4()}, {"role": Role.MEMBER}, {"body_id": uuid4()}]
)
def test_different_offices_never_clash(apart: dict[str, object]) -> None:
    one, other = mandate(ONE, NOW.date(), None), mandate(OTHER, NOW.date(), None, **apart)
    assert rules.clashes([one], [other]) == []
    assert rules.clashes([one], [mandate(OTHER, NOW.date(), None)]) != []


def person(**more: object) -> Person:
    return Person(NETWORK, "Giulia", "Serra", **more)  # type: ignore[arg-type]


def test_what_was_known_stays_and_what_was_not_is_taken() -> None:
    going = person(email="a@example.org", email_verified_at=NOW, phone="+391")
    assert rules.taken(going, person(email="b@example.org")) == {"phone": "+391"}
    assert rules.taken(going, person(phone="+392")) == {"email": "a@example.org", "email_verified_at": NOW}
    assert rules.taken(going, person(email="a@example.org", phone="+392")) == {"email_verified_at": NOW}
    assert rules.taken(person(email="a@example.org"), going) == {}


def test_another_mailbox_is_not_verified_by_a_duplicate() -> None:
    staying = person(email="b@example.org")
    rules.merge(person(email="a@example.org", email_verified_at=NOW), staying, NOW)
    assert not staying.email_verified


def test_a_duplicate_is_left_without_a_name_and_names_the_other() -> None:
    going, staying = person(email="a@example.org"), person(email="a@example.org")
    assert not rules.merge(going, staying, NOW)
    assert (going.name, going.email, going.erased_at, going.merged_into) == ("", None, NOW, staying.id)
    assert staying.name == "Giulia Serra"


def test_nobody_is_a_duplicate_of_themselves() -> None:
    with pytest.raises(SamePerson):
        rules.require_two(ONE, ONE)

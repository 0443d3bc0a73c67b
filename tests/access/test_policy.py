"""What a grant reaches, and until when."""

from __future__ import annotations

from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid4

import pytest

from shared.access import ANY, Actor, Forbidden, Grant, Policy, Role, lies_in

NETWORK, OTHER, ORGANISATION, BODY = uuid4(), uuid4(), uuid4(), uuid4()
TODAY = date(2026, 3, 29)


def actor(role: str, since: date = date(2026, 1, 1), until: date | None = None, **bounds: Any) -> Actor:
    where = {"network_id": NETWORK, "organisation_id": None, "body_id": None, "territory": None, **bounds}
    return Actor(person_id=uuid4(), grants=(Grant(role=role, since=since, until=until, **where),))


class Right(StrEnum):
    EDIT = "edit"
    LOOK = "look"


policy = Policy({Right.EDIT: (Role.SECRETARIAT, Role.REFERENT), Right.LOOK: tuple(Role)}, service="toy")


@pytest.mark.parametrize(
    ("until", "good"), [(None, True), (date(2026, 3, 30), True), (TODAY, False), (date(2026, 3, 1), False)]
)
def test_a_grant_ends_on_its_day(until: date | None, good: bool) -> None:
    assert actor("secretariat", until=until).holds("secretariat", network=NETWORK, on=TODAY) is good


def test_the_day_is_that_of_italy() -> None:
    late = datetime(2026, 3, 28, 23, 30, tzinfo=UTC)  # half past midnight of the 29th in Italy
    assert not actor("secretariat", until=TODAY).holds("secretariat", on=late)
    assert actor("secretariat", since=TODAY).holds("secretariat", on=late)


def test_a_role_ends_at_the_border_of_its_network() -> None:
    assert not actor("secretariat").holds("secretariat", network=OTHER, on=TODAY)
    assert not actor("secretariat").holds("secretariat", network=None, on=TODAY)


def test_a_referent_speaks_for_one_organisation() -> None:
    referent = actor("referent", organisation_id=ORGANISATION)
    for organisation, good in ((ORGANISATION, True), (uuid4(), False), (None, False), (ANY, True)):
        assert referent.holds("referent", network=NETWORK, organisation=organisation, on=TODAY) is good


def test_the_secretariat_is_not_bound_by_who_employs_it() -> None:
    assert actor("secretariat", organisation_id=ORGANISATION).holds("secretariat", organisation=uuid4(), on=TODAY)


def test_a_coordinator_reaches_what_lies_in_the_territory() -> None:
    lombardia = actor("coordinator", territory="03")
    for territory, good in (
        ("03", True),
        ("E507", True),
        ("F205", True),
        ("L219", False),
        ("01", False),
        (None, False),
    ):
        assert lombardia.holds("coordinator", territory=territory, on=TODAY) is good, territory


def test_provinces_lie_in_their_region() -> None:
    assert lies_in("097", "03")
    assert lies_in("E507", "097")
    assert not lies_in("03", "097")
    assert not lies_in(None, "03")


def test_a_body_bounds_a_role_in_it() -> None:
    member = actor("member", body_id=BODY)
    assert member.holds("member", body=BODY, on=TODAY)
    assert not member.holds("member", body=uuid4(), on=TODAY)


def test_the_missing_right_is_named_with_the_roles_that_have_it() -> None:
    with pytest.raises(Forbidden) as refused:
        policy.require(actor("member"), Right.EDIT, network=NETWORK, on=TODAY)
    assert (refused.value.right, refused.value.roles) == ("toy:edit", ("secretariat", "referent"))


def test_allowed_actions_are_the_rights_of_the_caller_here() -> None:
    assert policy.allowed(actor("secretariat"), network=NETWORK, on=TODAY) == ["edit", "look"]
    assert policy.allowed(actor("member"), network=NETWORK, on=TODAY) == ["look"]
    assert policy.allowed(actor("member"), network=OTHER, on=TODAY) == []
    assert policy.allowed(Actor(), network=NETWORK, on=TODAY) == []
    assert policy.allowed(Actor(person_id=uuid4(), admin=True), network=OTHER, on=TODAY) == ["edit", "look"]


def test_a_role_that_this_release_does_not_know_gives_nothing() -> None:
    assert policy.allowed(actor("archimandrite"), network=NETWORK, on=TODAY) == []


def test_a_key_is_nobody_with_a_role() -> None:
    key = Actor(key_id=UUID(int=1), scopes=("toy:look",), network_id=NETWORK)
    assert policy.allowed(key, network=NETWORK, on=TODAY) == ["look"]
    assert policy.allowed(key, network=OTHER, on=TODAY) == []
    assert not key.holds("secretariat", on=TODAY)

"""What is true of paths, without a database, a loop or a clock."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from uuid_utils.compat import uuid7

from services.learning.paths.rules import (
    ROLES,
    Admission,
    Audience,
    FixedOncePublished,
    NotPossibleNow,
    Path,
    State,
    Unfit,
    Unit,
    audiences,
    edited,
    is_web_address,
)
from shared.access.roles import Role

TODAY = date(2026, 3, 1)


def draft(**more: Any) -> Path:
    given = {"audience": Audience.REPRESENTATIVES, "enrolment": Admission.RULE, "units": (Unit("Una"),), **more}
    return Path(uuid7(), "Percorso", "", **given)


def published(**more: Any) -> Path:
    path = draft(**more)
    path.publish(TODAY)
    return path


def test_a_rule_without_roles_takes_all_of_its_audience() -> None:
    assert draft().roles == ROLES[Audience.REPRESENTATIVES]
    assert draft(audience=Audience.COMMUNITIES).roles == (Role.MEMBER,)
    assert draft(roles=(Role.DELEGATE, Role.REFERENT)).roles == (Role.REFERENT, Role.DELEGATE)


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ({"roles": (Role.MEMBER,)}, "/roles"),
        ({"roles": (Role.REFERENT, Role.SECRETARIAT)}, "/roles"),
        ({"enrolment": Admission.OPEN, "roles": (Role.REFERENT,)}, "/roles"),
        ({"audience": Audience.ADMINISTRATORS}, "/enrolment"),
        ({"units": (Unit("Una"), Unit("Due", url="javascript:alert(1)"))}, "/units/1/url"),
    ],
)
def test_what_does_not_go_together_is_refused_with_its_field(given: dict[str, Any], path: str) -> None:
    with pytest.raises(Unfit) as refused:
        draft(**given)
    assert refused.value.path == path


def test_a_path_without_units_is_not_published_and_a_published_one_keeps_at_least_one() -> None:
    with pytest.raises(Unfit, match="/units"):
        draft(units=()).publish(TODAY)
    with pytest.raises(Unfit, match="/units"):
        published().change({"units": ()})


def test_a_path_goes_from_draft_to_published_to_withdrawn_and_never_back() -> None:
    path = draft()
    with pytest.raises(NotPossibleNow):
        path.withdraw()
    with pytest.raises(NotPossibleNow):
        path.require("enrol")
    path.publish(TODAY)
    assert (path.state, path.published_on) == (State.PUBLISHED, TODAY)
    with pytest.raises(NotPossibleNow):
        path.publish(TODAY)
    path.withdraw()
    assert path.actions() == []
    with pytest.raises(NotPossibleNow):
        path.change({"title": "Altro"})


@pytest.mark.parametrize(
    ("name", "value"),
    [("audience", Audience.COMMUNITIES), ("enrolment", Admission.OPEN), ("roles", (Role.REFERENT,))],
)
def test_whom_a_published_path_is_for_stays_as_it_is(name: str, value: Any) -> None:
    path = published()
    with pytest.raises(FixedOncePublished) as refused:
        path.change({name: value})
    assert refused.value.path == f"/{name}"
    assert path.change({name: getattr(path, name)}) is False


def test_a_draft_that_changes_its_audience_takes_the_roles_of_the_new_one() -> None:
    path = draft(roles=(Role.REFERENT,))
    path.change({"audience": Audience.COMMUNITIES})
    assert path.roles == (Role.MEMBER,)
    path.change({"enrolment": Admission.INVITATION})
    assert not path.roles


def test_a_refused_change_changes_nothing() -> None:
    path = draft()
    before = vars(path).copy()
    with pytest.raises(Unfit):
        path.change({"title": "Altro", "roles": (Role.MEMBER,)})
    assert vars(path) == before


def test_edited_units_keep_their_ids_and_new_ones_get_their_own() -> None:
    one, two = Unit("Una"), Unit("Due")
    made = edited((one, two), [(two.id, {"title": "Due, rivista"}), (None, {"title": "Tre"})])
    assert [unit.title for unit in made] == ["Due, rivista", "Tre"]
    assert made[0].id == two.id
    assert made[1].id not in {one.id, two.id}


def test_an_id_that_is_none_of_the_paths_or_comes_twice_is_refused() -> None:
    one = Unit("Una")
    with pytest.raises(Unfit) as unknown:
        edited((one,), [(one.id, {"title": "a"}), (uuid7(), {"title": "b"})])
    assert (unknown.value.path, unknown.value.code) == ("/units/1/id", "unknown")
    with pytest.raises(Unfit) as repeated:
        edited((one,), [(one.id, {"title": "a"}), (one.id, {"title": "b"})])
    assert (repeated.value.path, repeated.value.code) == ("/units/1/id", "repeated")


def test_each_role_belongs_to_its_audience_and_nobody_without_a_role_but_to_the_administrators() -> None:
    assert audiences([]) == {Audience.ADMINISTRATORS}
    assert audiences([Role.SECRETARIAT]) == frozenset()
    assert audiences([Role.MEMBER]) == {Audience.COMMUNITIES}
    for role in (Role.REFERENT, Role.REPRESENTATIVE, Role.DELEGATE, Role.COORDINATOR):
        assert audiences([role]) == {Audience.REPRESENTATIVES}
    assert audiences([Role.MEMBER, Role.REFERENT]) == {Audience.COMMUNITIES, Audience.REPRESENTATIVES}


@given(st.lists(st.sampled_from(list(Role)), min_size=1))
def test_with_any_role_nobody_is_an_administrator(roles: list[Role]) -> None:
    assert Audience.ADMINISTRATORS not in audiences(roles)


@pytest.mark.parametrize("url", ["https://example.org", "http://[::1]:8080/a", "https://esempio.it/perché?x=1#y"])
def test_addresses_of_the_web_may_stand_in_a_unit(url: str) -> None:
    assert is_web_address(url)


@pytest.mark.parametrize(
    "url", ["", "example.org", "//example.org", "ftp://a", "https://", "https://[a", "https://a b", "data:x"]
)
def test_nothing_else_may(url: str) -> None:
    assert not is_web_address(url)


@given(st.text())
def test_any_text_is_an_address_or_not_and_never_an_error(url: str) -> None:
    assert is_web_address(url) in (True, False)

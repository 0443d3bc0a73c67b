"""Groups that need a community maker: uncovered from the day on which nobody is in office, covered when somebody is."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.registry.bodies.rules import Body, Composition, InvalidBody, Kind, Term, check, uncovered_since
from shared.access.roles import Role
from shared.runtime import clock
from shared.runtime.clock import wall
from tests.harness import Running
from tests.registry.conftest import Room, problem

pytestmark = pytest.mark.timeout(120)
START = date(2026, 1, 1)


def at(days: int) -> date:
    return START + timedelta(days=days)


terms = st.lists(
    st.tuples(st.integers(-5, 30), st.none() | st.integers(0, 12)).map(
        lambda given: (at(given[0]), None if given[1] is None else at(given[0] + given[1]))
    ),
    max_size=5,
)


def held_on(held: list[Term], on: date) -> bool:
    return any(begins <= on and (ends is None or on < ends) for begins, ends in held)


@given(terms, st.integers(0, 40))
def test_a_group_is_uncovered_on_the_days_that_no_term_has_and_since_the_first_of_them(
    held: list[Term], on: int
) -> None:
    since = uncovered_since(held, START, at(on))
    assert (since is None) == held_on(held, at(on))
    if since is not None:
        assert START <= since <= at(on)
        assert not any(held_on(held, since + timedelta(days=n)) for n in range((at(on) - since).days + 1))
        assert since == START or held_on(held, since - timedelta(days=1))


def group(kind: Kind = Kind.WORKING_GROUP, composition: Composition = Composition.FIXED) -> Body:
    return Body(network_id=Any, name="Gruppo", kind=kind, composition=composition)  # type: ignore[arg-type]


def test_a_group_that_is_dissolved_or_needs_nobody_is_not_uncovered() -> None:
    one = group()
    one.need(Role.COMMUNITY_MAKER, START)
    told = [one.cover([], at(3)), one.uncovered_since == START, one.cover([], at(4))]
    assert told == [True, True, False]
    one.need(None, at(5))
    told = [one.needed_since is None, one.uncovered_since is None, one.cover([], at(6))]
    assert told == [True, True, False]
    one.need(Role.COMMUNITY_MAKER, at(7))
    one.cover([], at(8))
    one.dissolve(at(9))
    assert [one.uncovered_since, one.cover([], at(10))] == [None, False]


@pytest.mark.parametrize(
    ("kind", "composition", "role"),
    [
        (Kind.ASSEMBLY, Composition.FIXED, Role.COMMUNITY_MAKER),
        (Kind.WORKING_GROUP, Composition.BY_TERRITORY, Role.COMMUNITY_MAKER),
        (Kind.WORKING_GROUP, Composition.FIXED, Role.REFERENT),
    ],
)
def test_only_groups_need_somebody_and_only_a_community_maker(kind: Kind, composition: Composition, role: Role) -> None:
    one = group(kind, composition)
    one.territory, one.roles = "03", ["representative"] if composition is Composition.BY_TERRITORY else []
    check(one)
    one.need(role, START)
    with pytest.raises(InvalidBody) as refused:
        check(one)
    assert refused.value.path == "/needed_role"


def today(room: Room) -> date:
    return room.running.context.clock.today()


async def new_group(room: Room, makers: int, name: str = "Gruppo di Crema", **more: Any) -> Any:
    seats = [{"title": f"Community maker {n + 1}", "role": "community_maker"} for n in range(makers)]
    body = {"name": name, "kind": "working_group", "needed_role": "community_maker", "seats": seats, **more}
    return await room.made(f"/networks/{room.slug}/bodies", body)


async def make(room: Room, group: Any, seat: int = 0, since: date | None = None, **more: Any) -> Any:
    seats = (await room.found(f"/bodies/{group['id']}/seats"))["items"]
    person = await room.person()
    since = since or today(room)
    return await room.mandate(person, "community_maker", since.isoformat(), seat_id=seats[seat]["id"], **more)


async def told(room: Room, registry: Running, group: Any) -> list[str]:
    facts = await registry.published(f"registry.body.{group['id']}.*")
    return [type_.split(".")[3] for type_, _ in facts]


async def test_a_group_made_without_a_maker_is_uncovered_since_its_day_until_one_is_in_office(
    room: Room, registry: Running
) -> None:
    group = await new_group(room, 1)
    assert group["needed_role"] == "community_maker"
    await registry.settled()
    shown = await room.found(f"/bodies/{group['id']}")
    assert shown["uncovered_since"] == today(room).isoformat()
    await make(room, group)
    await registry.settled()
    assert (await room.found(f"/bodies/{group['id']}"))["uncovered_since"] is None
    assert await told(room, registry, group) == ["established", "uncovered", "covered"]


async def test_of_seven_makers_over_three_groups_the_last_of_one_leaves_and_that_group_alone_is_uncovered(
    room: Room, registry: Running
) -> None:
    groups = [await new_group(room, size, f"Gruppo {size}-{n}") for n, size in enumerate((3, 3, 1))]
    mandates = [[await make(room, one, seat) for seat in range(n)] for one, n in zip(groups, (3, 3, 1), strict=True)]
    await registry.settled()
    listed = await room.found(f"/networks/{room.slug}/bodies", uncovered=True)
    assert listed["items"] == []
    for mandate in (mandates[0][0], mandates[2][0]):
        left = await room.post(f"/mandates/{mandate['id']}/end", {"reason": "resigned"}, etag=f'"{mandate["version"]}"')
        if left.status_code == 412:  # its start has been told since
            left = await room.post(f"/mandates/{mandate['id']}/end", {"reason": "resigned"}, etag=left.headers["etag"])
        assert left.status_code == 200, left.text
    await registry.settled()
    listed = await room.found(f"/networks/{room.slug}/bodies", uncovered=True)
    assert [body["name"] for body in listed["items"]] == ["Gruppo 1-2"]
    others = await room.found(f"/networks/{room.slug}/bodies", uncovered=False)
    assert [body["name"] for body in others["items"]] == ["Gruppo 3-0", "Gruppo 3-1"]
    assert (await told(room, registry, groups[2]))[-1] == "uncovered"
    assert (await told(room, registry, groups[0]))[-1] == "covered"


async def test_makers_who_come_and_go_with_time_cover_and_uncover(room: Room, registry: Running) -> None:
    group = await new_group(room, 1)
    await registry.settled()  # seen without a maker before one comes
    ends = today(room) + timedelta(days=30)
    await make(room, group, until=ends.isoformat())
    await make(room, group, since=ends + timedelta(days=10))
    await registry.settled()
    file = registry.context.settings.clock_file
    assert file is not None
    clock.set(file, wall() + timedelta(days=35))
    await registry.settled()
    assert (await room.found(f"/bodies/{group['id']}"))["uncovered_since"] == ends.isoformat()
    clock.set(file, wall() + timedelta(days=45))
    await registry.settled()
    assert (await room.found(f"/bodies/{group['id']}"))["uncovered_since"] is None
    assert await told(room, registry, group) == ["established", "uncovered", "covered", "uncovered", "covered"]


async def test_a_need_may_be_decided_and_taken_back_later(room: Room, registry: Running) -> None:
    body = {"name": "Comunità", "kind": "community_of_practice"}
    community = await room.made(f"/networks/{room.slug}/bodies", body)
    assert community["needed_role"] is None
    changed = await room.patch(f"/bodies/{community['id']}", {"needed_role": "community_maker"}, etag='"1"')
    assert changed.json()["roles"] == ["member", "community_maker"]
    await registry.settled()
    shown = await room.get(f"/bodies/{community['id']}")
    assert shown.json()["uncovered_since"] is not None
    back = await room.patch(f"/bodies/{community['id']}", {"needed_role": None}, etag=shown.headers["etag"])
    assert (back.json()["needed_role"], back.json()["uncovered_since"]) == (None, None)
    await registry.settled()
    assert await told(room, registry, community) == ["established", "changed", "uncovered", "changed"]


async def test_the_problem_says_which_body_needs_whom(room: Room) -> None:
    body = {"name": "Assemblea", "kind": "assembly", "needed_role": "community_maker"}
    refused = await room.post(f"/networks/{room.slug}/bodies", body)
    assert problem(refused) == (422, "body-invalid")
    assert refused.json()["errors"][0]["path"] == "/needed_role"


async def test_who_needs_a_maker_is_the_secretariats_to_say(room: Room, registry: Running) -> None:
    group = await new_group(room, 1)
    member = room.__class__(registry, await registry.holder("member", room.id), room.id, room.slug, room.admin)
    refused = await member.patch(f"/bodies/{group['id']}", {"needed_role": None}, etag='"1"')
    assert problem(refused) == (403, "forbidden")

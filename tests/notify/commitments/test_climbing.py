"""What is owed by a body, or to one, climbs the tree of bodies level by level while it has not come."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from services.notify.reminders.rules import DEFAULT_DAYS, Topic
from shared.contracts.registry import BodyConstituted, CommitmentChanged, CommitmentFulfilled, PersonRegistered
from shared.runtime import clock
from tests.notify.network import Network, then

pytestmark = pytest.mark.timeout(180)
CLIMBED = "commitment-climbed"
SINCE = date(2000, 1, 1)


async def let_pass(notify: Network, days: int) -> None:
    file = notify.running.context.settings.clock_file
    assert file is not None
    clock.set(file, notify.running.context.clock.now() + timedelta(days=days))
    await notify.running.settled()


async def seated(notify: Network, body: BodyConstituted, role: str = "member", **more: Any) -> PersonRegistered:
    """Somebody with a role in a body."""
    person = notify.person()
    await notify.running.tell(person, notify.secretary(person, role=role, body_id=body.id, **more))
    return person


async def tree(notify: Network) -> tuple[BodyConstituted, BodyConstituted, BodyConstituted]:
    top = notify.body(title="Comitato esecutivo")
    middle = notify.body(title="Coordinamento lombardo", parent_id=top.id)
    group = notify.body(title="Gruppo abitare", parent_id=middle.id, kind="working_group")
    await notify.running.tell(group, top, middle)
    return top, middle, group


def due(notify: Network, days: int = 1) -> date:
    return notify.running.context.clock.today() + timedelta(days=days)


async def told(notify: Network, *people: PersonRegistered) -> list[int]:
    return [len(await notify.deliveries(topic=CLIMBED, person=str(person.id))) for person in people]


async def test_what_a_body_owes_climbs_its_parents_one_level_after_the_other(room: Network) -> None:
    top, middle, group = await tree(room)
    own, head, member, boss = (
        await seated(room, group),
        await seated(room, middle, "coordinator"),
        await seated(room, middle),
        await seated(room, top),
    )
    await room.running.tell(room.commitment(debtor_body_id=group.id, due=due(room), kind="action", title="Sportello"))
    await room.running.settled()
    first, second, third = DEFAULT_DAYS[Topic.CLIMB]
    await let_pass(room, 1 + first - 1)
    assert await told(room, own, head, member, boss) == [0, 0, 0, 0]
    await let_pass(room, 1)
    assert await told(room, own, head, member, boss) == [0, 1, 0, 0]  # its coordinator speaks for the body
    await let_pass(room, second - first)
    assert await told(room, own, head, member, boss) == [0, 1, 0, 1]
    await let_pass(room, third - second)
    assert await told(room, own, head, member, boss) == [0, 1, 0, 1]  # there is nobody above
    (mail,) = await room.mails(head, 1)
    assert "Coordinamento lombardo" in mail.text
    assert "Sportello" in mail.text
    assert f"{first} giorni" in mail.text
    assert "/link?token=" not in mail.said


async def test_what_is_owed_to_a_body_comes_to_it_first(room: Network) -> None:
    _, middle, group = await tree(room)
    organisation = room.organisation("Ponti")
    here, above = await seated(room, group), await seated(room, middle)
    await room.running.tell(organisation)
    await room.running.tell(
        room.commitment(debtor_organisation_id=organisation.id, creditor_body_id=group.id, due=due(room))
    )
    await room.running.settled()
    await let_pass(room, 9)
    assert await told(room, here, above) == [1, 0]
    await let_pass(room, 8)
    assert await told(room, here, above) == [1, 1]


async def test_a_level_without_anybody_is_passed_over_and_a_territory_has_its_coordinator(room: Network) -> None:
    top = room.body(title="Comitato")
    empty = room.body(title="Vuoto", parent_id=top.id)
    regional = room.body(title="Coordinamento", parent_id=empty.id, territory="03", kind="regional_coordination")
    group = room.body(title="Gruppo", parent_id=regional.id)
    await room.running.tell(top, empty, regional, group)
    coordinator, boss = room.person(), await seated(room, top)
    await room.running.tell(coordinator, room.secretary(coordinator, role="coordinator", territory="03"))
    await room.running.tell(room.commitment(debtor_body_id=group.id, due=due(room)))
    await room.running.settled()
    await let_pass(room, 9)
    assert await told(room, coordinator, boss) == [1, 0]
    await let_pass(room, 8)
    assert await told(room, coordinator, boss) == [1, 1]


async def test_what_has_come_or_was_moved_climbs_no_further(room: Network) -> None:
    _, middle, group = await tree(room)
    head = await seated(room, middle)
    kept, moved = (room.commitment(debtor_body_id=group.id, due=due(room)) for _ in range(2))
    await room.running.tell(kept, moved)
    await room.running.tell(
        then(kept, CommitmentFulfilled, state="fulfilled"), then(moved, CommitmentChanged, due=due(room, 40))
    )
    await room.running.settled()
    await let_pass(room, 30)
    assert await told(room, head) == [0]
    await let_pass(room, 20)
    assert await told(room, head) == [1]


async def test_each_network_has_its_own_days(room: Network) -> None:
    _, middle, group = await tree(room)
    head = await seated(room, middle)
    await room.running.tell(room.commitment(debtor_body_id=group.id, due=due(room)))
    await room.running.settled()
    path = f"/notify/v1/networks/{room.id}/reminder-rules/{CLIMBED}"
    admin = room.running.signed_in(admin=True)
    read = await room.running.client.get(path, headers=admin)
    assert read.json()["days"] == [7, 15, 30]
    answer = await room.running.client.put(
        path, json={"days": [50, 2]}, headers={**admin, "if-match": read.headers["etag"]}
    )
    assert (answer.status_code, answer.json()["days"]) == (200, [2, 50])
    await let_pass(room, 4)
    assert await told(room, head) == [1]
    again = {**admin, "if-match": answer.headers["etag"]}
    assert (await room.running.client.put(path, json={"days": []}, headers=again)).status_code == 200
    await let_pass(room, 50)
    assert await told(room, head) == [1]


async def test_a_tree_that_goes_in_a_circle_is_climbed_once(room: Network) -> None:
    first, second = room.body(title="Uno"), room.body(title="Due")
    await room.running.tell(
        first.model_copy(update={"parent_id": second.id}), second.model_copy(update={"parent_id": first.id})
    )
    one, two = await seated(room, first), await seated(room, second)
    await room.running.tell(room.commitment(debtor_body_id=first.id, due=due(room)))
    await room.running.settled()
    await let_pass(room, 40)
    assert (await told(room, two))[0] == 1
    assert (await told(room, one))[0] <= 1

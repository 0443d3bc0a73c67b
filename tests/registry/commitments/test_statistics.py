"""How commitments were kept, by network, organisation, body, kind and source."""

from __future__ import annotations

from typing import Any

from tests.harness import Running
from tests.registry.commitments.scene import acted, day, let_pass, promise
from tests.registry.conftest import Caller, Room, problem


def figures(group: Any) -> dict[str, Any]:
    names = ("kept_in_time", "kept_late", "late", "open", "waived")
    return {name: tuple(group[name].values()) for name in names}


async def counted(room: Caller, slug: str, **asked: Any) -> dict[str, Any]:
    found = await room.found(f"/networks/{slug}/commitments/statistics", **asked)
    return {one["group"]: one for one in found["items"]}


async def test_kept_in_time_kept_late_late_open_and_waived_are_told_apart(registry: Running, room: Room) -> None:
    first, second = await room.organisation("Ponti"), await room.organisation("Rive")
    in_time, at_last, never, waived = [await promise(room, first, days) for days in (1, 1, 1, 1)]
    later = await promise(room, second, 30, kind="report_of_experiences")
    await acted(room, f"/commitments/{in_time['id']}", "fulfil", {"evidence": "Fatto"})
    await acted(room, f"/commitments/{waived['id']}", "waive", {"reason": "Non serve"})
    await let_pass(registry, 2)
    await acted(room, f"/commitments/{at_last['id']}", "fulfil", {"evidence": "In ritardo"})
    whole = (await counted(room, room.slug))[str(room.id)]
    assert (whole["by"], whole["total"], whole["name"]) == ("network", 5, None)
    assert figures(whole) == {
        "kept_in_time": (1, 3, 1 / 3),
        "kept_late": (1, 3, 1 / 3),
        "late": (1, 3, 1 / 3),
        "open": (1, 5, 0.2),
        "waived": (1, 5, 0.2),
    }
    by_member = await counted(room, room.slug, by="organisation")
    assert {id_: (one["name"], one["total"]) for id_, one in by_member.items()} == {
        first["id"]: ("Ponti", 4),
        second["id"]: ("Rive", 1),
    }
    assert figures(by_member[second["id"]])["late"] == (0, 0, None)
    assert by_member[first["id"]]["href"] == f"/registry/v1/organisations/{first['id']}"
    assert {group: one["total"] for group, one in (await counted(room, room.slug, by="kind")).items()} == {
        "list_of_representatives": 4,
        "report_of_experiences": 1,
    }
    assert set(await counted(room, room.slug, by="source")) == {"hand"}
    assert await counted(room, room.slug, by="body") == {}
    assert never["id"] != later["id"]
    due = later["due"]
    assert [one["total"] for one in (await counted(room, room.slug, since=due)).values()] == [1]
    assert [one["total"] for one in (await counted(room, room.slug, until=due)).values()] == [4]


async def test_a_body_is_counted_as_debtor_and_as_creditor(registry: Running, room: Room) -> None:
    body = await room.made(
        f"/networks/{room.slug}/bodies", {"name": "Tavolo", "kind": "working_group", "composition": "open"}
    )
    await promise(room, None, 5, body_id=body["id"])
    await promise(room, await room.organisation(), 5, creditor_body_id=body["id"])
    for by in ("body", "creditor"):
        assert [(one["name"], one["total"]) for one in (await counted(room, room.slug, by=by)).values()] == [
            ("Tavolo", 1)
        ]


async def test_groups_come_in_pages_and_as_csv_and_strangers_see_none(
    registry: Running, room: Room, other_room: Room
) -> None:
    for number in range(3):
        await promise(room, await room.organisation(f"Ente {number}"), 5)
    path = f"/networks/{room.slug}/commitments/statistics"
    first = await room.found(path, by="organisation", limit=2)
    second = await room.found(path, by="organisation", limit=2, after=first["next"])
    assert (len(first["items"]), len(second["items"]), second["next"]) == (2, 1, None)
    headers = {**room.headers, "accept": "text/csv"}
    answer = await registry.client.get(f"/registry/v1{path}", params={"by": "organisation"}, headers=headers)
    assert answer.text.splitlines()[0].startswith("by,group,name,href,total,kept_in_time.count")
    assert len(answer.text.splitlines()) == 4
    assert problem(await other_room.get(path)) == (403, "forbidden")
    assert problem(await room.get(path, by="colour"))[0] == 422
    assert problem(await room.get(path, since=day(registry), colour="red"))[0] == 422

"""Two partners prove to be one organisation: the project has it once, and tells it."""

from __future__ import annotations

from tests.registry.conftest import Room
from tests.registry.projects.test_projects import Desk


async def test_a_lead_that_was_entered_twice_leads_on_with_all_that_was_pledged(room: Room) -> None:
    desk = await Desk.opened(room, territories=["D150"])
    twin = await desk.partner("Comune di Cremona bis", territories=["D150"])
    source = await desk.source("co_funding", 100)
    for organisation in (desk.lead, twin):
        await desk.pledged(source, 50, organisation)
    tag = (await room.get(f"/organisations/{desk.lead['id']}")).headers["etag"]
    merged = await room.admin.post(f"/organisations/{desk.lead['id']}/merge", {"into_id": twin["id"]}, tag)
    assert merged.status_code == 200, merged.text
    shown = await room.found(desk.url)
    assert [(one["organisation"]["id"], one["role"], one["territories"]) for one in shown["partners"]] == [
        (twin["id"], "lead", ["D150"])
    ]
    found = await room.found(f"{desk.url}/pledges")
    assert {one["organisation"]["id"] for one in found["items"]} == {twin["id"]}
    fact, told = (await desk.told())[-1]
    assert (fact, told["lead_id"], told["version"]) == ("changed", twin["id"], shown["version"])

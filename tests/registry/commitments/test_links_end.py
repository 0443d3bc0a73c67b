"""A link acts for the person to whom it was sent, as long as they may."""

from __future__ import annotations

from uuid import uuid4

import pytest

from tests.harness import Running
from tests.registry.commitments.scene import acted, day, link, promise, told
from tests.registry.conftest import Room, problem

JSON = {"accept": "application/json"}


@pytest.mark.parametrize("page", ["commitment", "representatives"])
async def test_with_the_mandate_its_links_end_too(registry: Running, room: Room, page: str) -> None:
    acli = await room.organisation("ACLI")
    one = await promise(room, acli, kind="list_of_representatives" if page == "representatives" else "document")
    person = await room.person()
    mandate = await room.mandate(person, "referent", day(registry), organisation_id=acli["id"])
    await registry.settled()
    url = link(registry, one["id"], page, person=person["id"])
    assert (await registry.client.get(url, headers=JSON)).status_code == 200
    stranger = link(registry, one["id"], page, person=str(uuid4()))
    forged = link(registry, one["id"], page, person="nobody")
    await acted(room, f"/mandates/{mandate['id']}", "end", {"reason": "resigned"})
    await registry.settled()
    for gone, type_ in ((url, "link-expired"), (stranger, "link-expired"), (forged, "link-invalid")):
        shown = await registry.client.get(gone, headers=JSON)
        used = await registry.client.post(gone, data={"evidence": "Fatto"}, headers=JSON)
        assert problem(shown)[1] == problem(used)[1] == type_
    assert await told(registry, one) == [("made", "open")]

"""How a network presents itself: the sender of its mails and its logo."""

from __future__ import annotations

import io
from typing import Any

import httpx
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from tests.harness import Running
from tests.registry.conftest import Room, problem


def image(kind: str = "PNG", size: tuple[int, int] = (900, 300), **more: Any) -> bytes:
    content = io.BytesIO()
    Image.new("RGB", size, "#0066cc").save(content, kind, **more)
    return content.getvalue()


async def put(room: Room, content: bytes, etag: str | None = '"1"') -> httpx.Response:
    headers = {**room.headers, **({"if-match": etag} if etag else {})}
    return await room.running.client.put(
        f"/registry/v1/networks/{room.slug}/logo", files={"file": ("logo", content)}, headers=headers
    )


async def test_the_sender_is_decided_told_and_taken_back(registry: Running, room: Room) -> None:
    sender = {"sender_name": "Segreteria dell'Alleanza", "sender_address": "Alleanza@Example.org"}
    changed = await room.patch(f"/networks/{room.slug}", sender, '"1"')
    assert changed.status_code == 200, changed.text
    assert changed.json()["sender_address"] == "alleanza@example.org"
    taken = await room.patch(f"/networks/{room.slug}", {"sender_name": None, "sender_address": None}, '"2"')
    assert taken.json()["sender_name"] is None
    told = await registry.published(f"registry.network.{room.id}.changed")
    assert [body["sender_address"] for _, body in told] == ["alleanza@example.org", None]


async def test_an_address_that_is_none_is_refused_with_one_that_would_do(room: Room) -> None:
    refused = await room.patch(f"/networks/{room.slug}", {"sender_address": "segreteria"}, '"1"')
    assert problem(refused) == (422, "sender-address-unfit")
    assert refused.json()["errors"][0] | {"code": ""} == {
        "path": "/sender_address",
        "code": "",
        "accepted": "segreteria@example.org",
    }


async def test_a_logo_is_shown_to_anybody_small_and_without_what_else_the_file_carried(
    registry: Running, room: Room
) -> None:
    note = PngInfo()
    note.add_text("Comment", "scattata a casa di Maria")
    changed = await put(room, image(pnginfo=note))
    assert changed.status_code == 200, changed.text
    path = changed.json()["logo"]
    shown = await registry.client.get(path)
    assert shown.headers["content-type"] == "image/png"
    assert "immutable" in shown.headers["cache-control"]
    assert b"Maria" not in shown.content
    with Image.open(io.BytesIO(shown.content)) as logo:
        assert logo.size == (512, 171)
    ((_, body),) = await registry.published(f"registry.network.{room.id}.changed")
    assert body["logo"] == path


async def test_the_same_logo_again_changes_nothing_and_another_leaves_the_old_one_readable(
    registry: Running, room: Room
) -> None:
    first = (await put(room, image())).json()
    assert (await put(room, image(), '"2"')).json()["version"] == 2
    second = (await put(room, image("JPEG", (64, 64)), '"2"')).json()
    assert second["logo"] != first["logo"]
    assert (await registry.client.get(first["logo"])).status_code == 200
    removed = await room.delete(f"/networks/{room.slug}/logo", '"3"')
    assert removed.json()["logo"] is None


@pytest.mark.parametrize(
    "content",
    [b"", b"<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>", image()[:200], b"\x00" * 5000, b"%PDF-1.7"],
    ids=["nothing", "svg", "cut", "zeros", "pdf"],
)
async def test_what_is_no_image_is_refused(room: Room, content: bytes) -> None:
    assert problem(await put(room, content)) == (422, "logo-unfit")


async def test_an_image_that_would_fill_the_memory_is_refused(room: Room) -> None:
    flat = image(size=(12_000, 12_000))  # 144 million pixels in a few hundred kB
    assert len(flat) < 1_000_000
    assert problem(await put(room, flat)) == (422, "logo-unfit")


async def test_a_logo_needs_the_version_that_was_seen(room: Room) -> None:
    assert problem(await put(room, image(), None))[0] == 428
    assert problem(await put(room, image(), '"7"'))[0] == 412


async def test_a_logo_that_nobody_has_is_not_found(registry: Running) -> None:
    assert problem(await registry.client.get(f"/registry/v1/logos/{'0' * 64}"))[0] == 404
    assert problem(await registry.client.get("/registry/v1/logos/altro"))[0] == 422

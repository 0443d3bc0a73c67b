"""Imports as somebody at a desk works with them, beyond uploading and committing."""

from __future__ import annotations

from typing import Any

import httpx

from tests import harness
from tests.registry.desk import Desk


async def upload(
    desk: Desk,
    content: str | bytes,
    of: str = "organisations",
    *,
    commit: bool = False,
    expect: int = 202,
    **params: Any,
) -> Any:
    """Sends a file of some kind and waits for its end: the state of the import."""
    data = content.encode() if isinstance(content, str) else content
    answer = await desk.ask(
        "POST",
        f"/networks/{desk.slug}/imports",
        params={"of": of, **params},
        files={"file": ("elenco.csv", data)},
        data={"commit": str(commit).lower()},
    )
    assert answer.status_code == expect, answer.text
    return await ended(desk, answer.json()["id"]) if expect == 202 else answer.json()


async def ended(desk: Desk, import_id: str) -> Any:
    """The state once nothing is under way."""
    state: dict[str, Any] = {}

    async def over() -> bool:
        state.update(await desk.get(f"/imports/{import_id}"))
        return state["state"] not in {"running", "undoing"}

    await harness.until(over, 60, "the import ends")
    return state


async def correct(desk: Desk, state: Any, **body: Any) -> httpx.Response:
    tag = f'"{state["version"]}"'
    return await desk.ask("PATCH", f"/imports/{state['id']}", json=body, headers={"if-match": tag})


async def corrected(desk: Desk, state: Any, **body: Any) -> Any:
    """The new preview."""
    answer = await correct(desk, state, **body)
    assert answer.status_code == 200, answer.text
    return await ended(desk, state["id"])


async def undo(desk: Desk, import_id: str) -> Any:
    answer = await desk.ask("POST", f"/imports/{import_id}/undo")
    assert answer.status_code == 202, answer.text
    return await ended(desk, import_id)


def field_of(state: Any, letter: str) -> tuple[str | None, str | None]:
    """What a column is taken for, and why."""
    (column,) = [column for column in state["found"]["table"] if column["letter"] == letter]
    return column["field"], column["certainty"]

"""What a person opens in a browser, mostly by a mailed link, and a program may ask for too: one address serves both."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import Query
from pydantic import BaseModel
from starlette.responses import Response

from shared.access import jwt
from shared.runtime.edge import Edge
from shared.runtime.problems import Problem

Token = Annotated[str, Query(max_length=jwt.LONGEST, description="From the mailed link")]
HTML: dict[int | str, dict[str, Any]] = {200: {"content": {"text/html": {}}}}
"""For `responses=` of a route that answers with a page."""


async def answered(
    at: Edge, act: Callable[[], Awaitable[Response]], refused: Callable[[Problem], Response], *, html: bool
) -> Response:
    """The answer of `act`; for a person at a browser (`html`) a refusal is the page `refused` makes of it. An error of
    ours stays one."""
    try:
        return await act()
    except Exception as error:
        refusal = at.context.answers(error)
        if not html or refusal.status >= 500:
            raise
        return refused(refusal)


def wants_json(at: Edge) -> bool:
    """Of a page that is opened: programs ask for JSON, everything else is a browser."""
    return at.request.headers.get("accept", "").startswith("application/json")


def wants_html(at: Edge) -> bool:
    """Of a form that is sent: browsers ask for HTML."""
    return "text/html" in at.request.headers.get("accept", "")


def as_json(shown: BaseModel) -> Response:
    """For a program; nobody keeps it."""
    return Response(shown.model_dump_json(), headers={"cache-control": "no-store"}, media_type="application/json")


async def refusal(at: Edge, act: Callable[[], Awaitable[Any]]) -> Problem | None:
    """Does what a form asked for; the problem when it is refused, so that the form can be shown again. An error of ours
    stays one."""
    try:
        await act()
    except Exception as error:
        refused = at.context.answers(error)
        if refused.status >= 500:
            raise
        return refused
    return None

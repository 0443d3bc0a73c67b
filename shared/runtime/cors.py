"""Which sites may call from a browser: the frontends in the settings, and the origins of each partner's key.

A preflight shows no key, so it asks whether any key in force names the origin; the request itself is then held to the
origins of its own key (`edge`).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from sqlalchemy import text
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

if TYPE_CHECKING:
    from shared.runtime.context import Context
    from shared.runtime.door import Visit

NAMED = text(
    "select exists (select from api_keys where origins @> array[cast(:origin as text)] and revoked_at is null"
    " and (expires_at is null or expires_at > now()))"
)
KEPT = 30.0
MOST = 1000
EXPOSED = "ETag, Location, Retry-After, RateLimit, RateLimit-Policy, Trama-Correlation, Idempotency-Replayed"
ALLOWED = "Authorization, Content-Type, Accept-Language, If-Match, If-None-Match, Idempotency-Key"


class Cors:
    def __init__(self, app: ASGIApp, context: Callable[[], Context]) -> None:
        self.app, self._context = app, context
        self._known: dict[str, tuple[bool, float]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        origin = next((value for name, value in scope["headers"] if name == b"origin"), None)
        if origin is None:
            await self.app(scope, receive, send)
            return
        visit: Visit = scope["trama"]
        visit.headers.append((b"vary", b"Origin"))
        allowed = await self._allowed(origin.decode("latin-1"))
        if allowed:
            visit.headers += [
                (b"access-control-allow-origin", origin),
                (b"access-control-expose-headers", EXPOSED.encode()),
            ]
        if scope["method"] == "OPTIONS" and "access-control-request-method" in Headers(scope=scope):
            await _preflight(allowed)(scope, receive, send)
            return
        await self.app(scope, receive, send)

    async def _allowed(self, origin: str) -> bool:
        context = self._context()
        if origin in context.settings.cors_origins:
            return True
        known, until = self._known.get(origin, (False, 0.0))
        if time.monotonic() < until:
            return known
        async with context.database.sessions() as session:
            known = bool((await session.execute(NAMED, {"origin": origin})).scalar_one())
        if len(self._known) >= MOST:
            self._known.clear()
        self._known[origin] = known, time.monotonic() + KEPT
        return known


def _preflight(allowed: bool) -> Response:
    if not allowed:
        return Response(status_code=403)
    headers = {
        "access-control-allow-methods": "GET, POST, PUT, PATCH, DELETE",
        "access-control-allow-headers": ALLOWED,
        "access-control-max-age": "600",
    }
    return Response(status_code=204, headers=headers)

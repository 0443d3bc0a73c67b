"""The outermost layer of HTTP: limits of size, correlation and trace, headers, measurement, and the last catch.

Plain ASGI, one layer: every further one would cost each request.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from uuid import UUID

import structlog
from opentelemetry.trace import SpanKind
from python_multipart.multipart import parse_options_header
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uuid_utils.compat import uuid7

from shared.runtime import logs, telemetry
from shared.runtime.pages import Pages
from shared.runtime.problems import Invalid, Problem, language_of

if TYPE_CHECKING:
    from shared.runtime.answers import Answers
    from shared.runtime.context import Context

log = structlog.get_logger("http")

DRAINED = 256 << 20
"""Bytes of a refused upload that are read and dropped, so that the client gets to read the answer."""
DRAIN_SECONDS = 10.0
QUIET = ("/health/live", "/health/ready", "/metrics")


class TooLarge(HTTPException):
    """Raised out of `receive`: FastAPI passes HTTPExceptions of a body on as they are."""

    def __init__(self, limit: int) -> None:
        super().__init__(413)
        self.limit = limit


class Visit:
    """One request on its way: what the layers tell each other."""

    __slots__ = (
        "_boundary",
        "_digest",
        "_tail",
        "answered",
        "correlation",
        "headers",
        "received",
        "started",
        "traceparent",
    )

    def __init__(self, traceparent: str) -> None:
        self.correlation: UUID = uuid7()
        self.traceparent = traceparent
        self.started = time.perf_counter()
        self.headers: list[tuple[bytes, bytes]] = []
        self.received = 0
        self.answered = 0
        self._digest: Any = None
        self._boundary = b""
        self._tail = b""

    def fingerprinted(self, scope: Scope, headers: dict[bytes, bytes]) -> None:
        """From here on the body is hashed as it passes, with the method, path and query."""
        self._digest = hashlib.sha256(
            b"%b %b?%b\n" % (scope["method"].encode(), scope["raw_path"], scope["query_string"])
        )
        _, _, boundary = headers.get(b"content-type", b"").partition(b"boundary=")
        self._boundary = boundary.partition(b";")[0].strip(b'" ')

    def passed(self, chunk: bytes) -> None:
        self.received += len(chunk)
        if self._digest is None:
            return
        if self._boundary:  # a client that repeats an upload draws another boundary: it is no part of the request
            whole = (self._tail + chunk).replace(self._boundary, b"")
            keep = min(len(self._boundary) - 1, len(whole))
            whole, self._tail = whole[: len(whole) - keep], whole[len(whole) - keep :]
            chunk = whole
        self._digest.update(chunk)

    def fingerprint(self) -> bytes:
        assert self._digest is not None, "asked for only with an Idempotency-Key"
        self._digest.update(self._tail)
        self._tail = b""
        found = self._digest.digest()
        assert isinstance(found, bytes)
        return found


class Door:
    def __init__(self, app: ASGIApp, context: Callable[[], Context], service: str) -> None:
        self.app, self._context = app, context
        self._pages = Pages.of(service)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        parent = headers.get(b"traceparent", b"").decode("latin-1") or None
        name = f"{scope['method']} {self._context().service.name}"
        with telemetry.span(name, parent, kind=SpanKind.SERVER) as current:
            visit = scope["trama"] = Visit(current)
            doing = logs.work.set((telemetry.trace_id(current), str(visit.correlation)))
            try:
                await self._pass(scope, headers, visit, receive, send)
            finally:
                logs.work.reset(doing)

    async def _pass(
        self, scope: Scope, headers: dict[bytes, bytes], visit: Visit, receive: Receive, send: Send
    ) -> None:
        context = self._context()
        if b"idempotency-key" in headers:
            visit.fingerprinted(scope, headers)
        metered = _metered(visit, receive, _limit(context, headers))

        async def answering(message: Message) -> None:
            if message["type"] == "http.response.start":
                visit.answered = message["status"]
                message["headers"] = [*message["headers"], *_usual(visit, message["headers"])]
            await send(message)

        try:
            _require_utf8(headers)
            await self.app(scope, metered, answering)
        except Exception as error:
            if visit.answered:
                raise
            if isinstance(error, TooLarge):
                await drain(receive)
            await self._answer(error, scope, headers, visit, receive, answering)
        finally:
            self._measure(scope, visit, context)

    async def _answer(
        self, error: Exception, scope: Scope, headers: dict[bytes, bytes], visit: Visit, receive: Receive, send: Send
    ) -> None:
        problem = failure(error, visit.correlation, self._context().answers)
        language = language_of(headers.get(b"accept-language", b"").decode("latin-1"))
        at_browser = headers.get(b"accept", b"").startswith(b"text/html") and problem.status >= 400
        answer = self._pages.problem(language, problem) if at_browser else problem.response(language)
        await answer(scope, receive, send)

    def _measure(self, scope: Scope, visit: Visit, context: Context) -> None:
        if scope["path"].endswith(QUIET):
            return
        seconds = time.perf_counter() - visit.started
        route = template(scope)
        telemetry.REQUESTS.labels(context.service.name, scope["method"], route, visit.answered).observe(seconds)
        log.info("request", method=scope["method"], route=route, status=visit.answered, ms=round(seconds * 1000, 1))


def _require_utf8(headers: dict[bytes, bytes]) -> None:
    """Forms are decoded as their header says, by any codec there is: some fail in ways of their own, some make halves
    of characters, which nothing behind here can keep. Browsers send UTF-8 and name none."""
    kind, options = parse_options_header(headers.get(b"content-type"))
    if kind.startswith(b"multipart/") and options.get(b"charset", b"utf-8").lower() != b"utf-8":
        raise Invalid("Content-Type", "charset", "utf-8")


def failure(error: Exception, correlation: UUID, answers: Answers) -> Problem:
    """What an exception that no slice has named is to the caller. An unknown one is logged whole and told as a code."""
    problem = answers(error)
    if problem.status == 500:
        problem.more["correlation"] = str(correlation)
        log.error("request_failed", exc_info=error)
    elif problem.status == 503:
        log.warning("unavailable", error=type(error).__name__)
    return problem


def template(scope: Scope) -> str:
    """The route's path with its parameters' names: ids must not become labels."""
    effective = scope.get("fastapi", {}).get("effective_route_context")
    found = effective or scope.get("route")
    return str(getattr(found, "path", "unknown"))


def _limit(context: Context, headers: dict[bytes, bytes]) -> int:
    """Bytes that this request may have. One that announces more is refused at its first byte."""
    multipart = headers.get(b"content-type", b"").startswith(b"multipart/")
    limit = context.settings.max_upload if multipart else context.settings.max_body
    return limit if _announced(headers) <= limit else -limit


def _metered(visit: Visit, receive: Receive, limit: int) -> Receive:
    async def metered() -> Message:
        if limit < 0:
            raise TooLarge(-limit)
        message = await receive()
        if message["type"] == "http.request":
            visit.passed(message.get("body", b""))
            if visit.received > limit:
                raise TooLarge(limit)
        return message

    return metered


def _announced(headers: dict[bytes, bytes]) -> int:
    length = headers.get(b"content-length", b"0")
    return int(length) if length.isdigit() else 0


def _usual(visit: Visit, present: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    usual = [
        *visit.headers,
        (b"trama-correlation", str(visit.correlation).encode()),
        (b"traceparent", visit.traceparent.encode()),
        (b"x-content-type-options", b"nosniff"),
    ]
    if not any(name == b"cache-control" for name, _ in present):
        usual.append((b"cache-control", b"private, no-cache"))
    return usual


async def drain(receive: Receive) -> None:
    """Reads on for a while and keeps nothing: a client that is still sending would never read its answer."""
    read = 0
    with suppress(TimeoutError):
        async with asyncio.timeout(DRAIN_SECONDS):  # it may have said all and wait for the answer
            while read < DRAINED:
                message = await receive()
                read += len(message.get("body", b""))
                if message["type"] == "http.disconnect" or not message.get("more_body", False):
                    return

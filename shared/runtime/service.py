"""From a `Service` to a running application."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

import orjson
import structlog
from fastapi import APIRouter, FastAPI, Request
from fastapi.middleware.asyncexitstack import AsyncExitStackMiddleware
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response
from starlette.types import ASGIApp

from shared.access.policy import Forbidden
from shared.messaging.api import facts_router
from shared.runtime import openapi, telemetry
from shared.runtime.assets import assets_router
from shared.runtime.broker import Broker
from shared.runtime.context import Context, Service, Worker
from shared.runtime.cors import Cors
from shared.runtime.database import away
from shared.runtime.door import Door
from shared.runtime.due import DueLoop
from shared.runtime.edge import At
from shared.runtime.health import readiness
from shared.runtime.housekeeping import housekeeping
from shared.runtime.me import me_router
from shared.runtime.vocabularies import VocabulariesOut

__all__ = ["ROLES", "Context", "Service", "Worker", "create_app"]

ROLES = ("http", "relay", "listen")
"""What a process of a service may do; by default all of it."""

log = structlog.get_logger("service")
Task = Callable[[], Awaitable[None]]


class Application(FastAPI):
    """FastAPI behind one layer of ours: Door turns every exception into a problem, so Starlette's two exception layers
    and FastAPI's own limits are left out (a fifth of the time of an empty request)."""

    def build_middleware_stack(self) -> ASGIApp:
        app: ASGIApp = AsyncExitStackMiddleware(self.router)
        return Door(Cors(app, lambda: self.state.context), lambda: self.state.context, self.title)


def create_app(
    service: Service,
    only: str | None = None,
    *,
    context: Context | None = None,
    fatal: Callable[[], None] | None = None,
) -> FastAPI:
    """The service as an ASGI application; its lifespan runs the database, the broker, what falls due and the workers.

    `only` is one of ROLES; health and metrics are served in every role. `fatal` is called when a background part ended
    with an error that waiting does not heal: the process should end, and be seen to.
    """
    if only is not None and only not in ROLES:
        raise ValueError(f"{only!r} is no role; there are {', '.join(ROLES)}")
    here = context or Context.of(service)
    app = Application(
        title=service.name,
        lifespan=lambda _: _lifespan(here, only, fatal),
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
    )
    app.state.context = here
    app.openapi = lambda: openapi.document(app, service)  # type: ignore[method-assign]
    app.include_router(_about(app, here), prefix=f"/{service.name}")
    if only in (None, "http"):
        _mount(app, service)
    return app


def _mount(app: FastAPI, service: Service) -> None:
    for router in service.routers:
        app.include_router(router, prefix=f"/{service.name}/v1")
    for router in service.pages:
        app.include_router(router, prefix=f"/{service.name}")
    for router in service.site:
        app.include_router(router, include_in_schema=False)
    app.include_router(assets_router(), prefix=f"/{service.name}")
    common = APIRouter(tags=["about"])

    @common.get("/vocabularies", response_model=VocabulariesOut, summary="Codes and their labels")
    async def vocabularies() -> Any:
        return VocabulariesOut(items=list(service.vocabularies))

    facts = facts_router(_session, AsyncSession.commit, administrators)
    app.include_router(facts, prefix=f"/{service.name}/v1")
    app.include_router(common, prefix=f"/{service.name}/v1")
    if not service.own_me:
        app.include_router(me_router(service), prefix=f"/{service.name}/v1")


async def administrators(at: At) -> None:
    """Lets nobody else pass: the facts that were refused may hold personal data."""
    if at.identity is None or not at.identity.admin:
        raise Forbidden("facts", ["admin"])


async def _session(request: Request) -> AsyncIterator[AsyncSession]:
    async with request.app.state.context.database.sessions() as session:
        yield session


def _about(app: FastAPI, context: Context) -> APIRouter:
    """What operators and tools ask; not in the OpenAPI document, and never slowed by limits."""
    about = APIRouter(include_in_schema=False)
    made: list[bytes] = []

    @about.get("/openapi.json")
    async def document() -> Response:
        if not made:
            made.append(orjson.dumps(app.openapi()))
        return Response(made[0], media_type="application/json")

    @about.get("/health/live")
    async def live() -> Any:
        return {"live": True}

    @about.get("/health/ready")
    async def ready() -> Response:
        is_ready, body = await readiness(context)
        headers = {} if is_ready else {"retry-after": "5"}
        return Response(orjson.dumps(body), 200 if is_ready else 503, headers, media_type="application/json")

    @about.get("/metrics")
    async def metrics() -> Response:
        content, media_type = telemetry.exposition()
        return Response(content, media_type=media_type)

    return about


@contextlib.asynccontextmanager
async def _lifespan(context: Context, only: str | None, fatal: Callable[[], None] | None) -> AsyncIterator[None]:
    tasks = [
        asyncio.create_task(_kept_up(name, task, context, fatal), name=name)
        for name, task in _parts(context, only).items()
    ]
    log.info("started", only=only or "all", parts=[task.get_name() for task in tasks])
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        _, late = await asyncio.wait(tasks, timeout=context.settings.drain) if tasks else (set(), set())
        for task in late:
            log.error("did_not_stop", part=task.get_name())
        await context.database.dispose()
        log.info("stopped")


def _parts(context: Context, only: str | None) -> Mapping[str, Task]:
    service, settings = context.service, context.settings
    relays, listens = only in (None, "relay", "http"), only in (None, "listen")
    context.broker = Broker(context, relays=only in (None, "relay"), listens=listens) if relays or listens else None
    parts: dict[str, Task] = dict(context.broker.tasks()) if context.broker is not None else {}
    if only != "relay":
        for follower in service.followers:
            parts[getattr(follower, "__qualname__", repr(follower))] = lambda run=follower: run(context)  # type: ignore[misc]
    if listens:
        due = DueLoop(context.database, context.clock, service.dues, poll=settings.due_poll, done=context.wake)
        parts["due"] = due.run
        parts["housekeeping"] = lambda: housekeeping(context)
        for worker in service.workers:
            name = f"{getattr(worker, '__module__', '')}.{getattr(worker, '__qualname__', repr(worker))}"
            parts[name] = lambda run=worker: run(context)  # type: ignore[misc]
    return parts


async def _kept_up(name: str, task: Task, context: Context, fatal: Callable[[], None] | None) -> None:
    """Runs a part; starts it again when a server that it needs went away, tells `fatal` about any other end."""
    pause = 0.2
    while True:
        try:
            await task()
        except Exception as error:
            if away(error):
                log.warning("part_waits", part=name, error=type(error).__name__)
                await asyncio.sleep(pause)
                pause = min(pause * 2, 5.0)
                continue
            log.exception("part_failed", part=name)
        else:
            log.info("part_ended", part=name)
            return
        context.state.setdefault("failed", []).append(name)
        if fatal is not None:
            fatal()
        return

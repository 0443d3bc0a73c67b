"""`python -m services.<name> …`: what an operator does with one service."""

from __future__ import annotations

import argparse
import asyncio
import gc
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar
from uuid import UUID

import orjson
import structlog
import uvicorn
from nats.aio.client import Client
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.messaging import handlers_of, operations, topology
from shared.messaging.broker import BrokerClosed, connect
from shared.messaging.leader import LeaderElsewhere
from shared.messaging.relay import Refused
from shared.runtime import logs, migrating, telemetry
from shared.runtime.context import Service
from shared.runtime.database import Database
from shared.runtime.service import ROLES, create_app
from shared.runtime.settings import PREFIX, ServiceSettings, SettingsError

S = TypeVar("S", bound=ServiceSettings)
FAILED, BAD_SETTINGS = 1, 2


def main(
    factory: Callable[[S], Service],
    settings: type[S],
    argv: Sequence[str] | None = None,
    env: Mapping[str, str] | None = None,
) -> None:
    """Ends the process: 0, 1 (failed), 2 (bad settings or usage)."""
    given = _parser().parse_args(argv)
    try:
        service = factory(settings.load(env))
    except SettingsError as error:
        print(error, file=sys.stderr)  # noqa: T201 (before there is a log)
        sys.exit(BAD_SETTINGS)
    sys.exit(COMMANDS[given.command](service, given))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="One service of Trama; its variables are TRAMA_…")
    commands = parser.add_subparsers(dest="command", required=True)
    serving = commands.add_parser("serve", help="run it")
    serving.add_argument("--only", choices=ROLES, help="one part, when a deployment separates them")
    commands.add_parser("migrate", help="bring its database up to this release")
    commands.add_parser("openapi", help="print its OpenAPI document")
    again = commands.add_parser("republish", help="fill its lost stream from its log (the relay must be stopped)")
    again.add_argument("--again", action="store_true", help="also when the stream still has facts")
    commands.add_parser("rebuild", help="empty its projections and read all facts again")
    resuming = commands.add_parser("resume", help="go on with a database that was restored (it must be stopped)")
    resuming.add_argument("--after-restore", action="store_true", required=True)
    erasing = commands.add_parser("erase", help="delete what the stream says about one erased aggregate")
    erasing.add_argument("aggregate", help="person")
    erasing.add_argument("id", type=UUID)
    return parser


def serve(service: Service, only: str | None = None) -> int:
    """Runs until SIGTERM or SIGINT, then lets running requests and batches end. 1 when a part failed for good."""
    settings = service.settings
    logs.configure(service.name, settings.log_level)
    telemetry.configure(service.name, settings.otlp_endpoint)
    failed: list[bool] = []

    def fatal() -> None:
        failed.append(True)
        server.should_exit = True

    app = create_app(service, only, fatal=fatal)
    config = uvicorn.Config(
        app,
        host=settings.http_host,
        port=settings.http_port,
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="on",
        access_log=False,
        log_config=None,
        server_header=False,
        date_header=False,
        proxy_headers=True,
        forwarded_allow_ips=settings.forwarded_allow_ips,
        timeout_graceful_shutdown=int(settings.drain) or 1,
    )
    server = uvicorn.Server(config)
    app.state.context.state["stopping"] = lambda: server.should_exit  # streams end by themselves: nobody waits for them
    # What is there by now stays: the collector need not look through it again and again (a tenth of a command's time).
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 50)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _asked_to_stop)
    server.run()
    return FAILED if failed or not server.started else 0


def _asked_to_stop(number: int, _frame: object) -> None:
    """uvicorn drains on these signals and then raises them again, for whoever waits above it: nobody, and a drained
    process has not failed."""
    structlog.get_logger("service").info("asked_to_stop", signal=signal.Signals(number).name)


def _serve(service: Service, given: argparse.Namespace) -> int:
    return serve(service, given.only)


def _migrate(service: Service, _: argparse.Namespace) -> int:
    logs.configure(service.name, service.settings.log_level)
    migrating.migrate(service.name, service.settings.database_url)
    return 0


def _openapi(service: Service, _: argparse.Namespace) -> int:
    app = create_app(service)
    sys.stdout.write(orjson.dumps(app.openapi(), option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS).decode() + "\n")
    return 0


def _republish(service: Service, given: argparse.Namespace) -> int:
    async def work(engine: AsyncEngine) -> str:
        async with _nats(service.settings.nats_url, service.name) as client:
            return f"{await operations.republish(engine, client, service.name, again=given.again)} facts"

    return _operate(service, work)


def _rebuild(service: Service, _: argparse.Namespace) -> int:
    async def work(engine: AsyncEngine) -> str:
        async with _nats(_needed(service, "provisioning_nats_url"), topology.PROVISIONING) as client:
            handlers = handlers_of(service.listens)
            return ", ".join(await operations.rebuild(engine, client.jetstream(), service.name, handlers))

    return _operate(service, work)


def _resume(service: Service, _: argparse.Namespace) -> int:
    async def work(engine: AsyncEngine) -> str:
        async with _nats(_needed(service, "provisioning_nats_url"), topology.PROVISIONING) as client:
            handlers = handlers_of(service.listens)
            made = await operations.resume_after_restore(engine, client.jetstream(), service.name, handlers)
            return f"generation {made}"

    return _operate(service, work)


def _erase(service: Service, given: argparse.Namespace) -> int:
    async def work(_: AsyncEngine) -> str:
        async with _nats(_needed(service, "erasure_nats_url"), topology.ERASURE) as client:
            return f"{await operations.erase_from_stream(client, service.name, given.aggregate, given.id)} messages"

    return _operate(service, work)


def _operate(service: Service, work: Callable[[AsyncEngine], Awaitable[str]]) -> int:
    """Runs one operation and prints what it did."""

    async def run() -> str:
        database = Database(service.settings.database_url, name=f"trama-{service.name}-cli", statement_timeout=3600)
        try:
            return await work(database.engine)
        finally:
            await database.dispose()

    try:
        done = asyncio.run(run())
    except (SettingsError, operations.StreamNotEmpty, LeaderElsewhere, Refused, BrokerClosed) as error:
        print(error, file=sys.stderr)  # noqa: T201 (an operator at a terminal)
        return BAD_SETTINGS if isinstance(error, SettingsError) else FAILED
    print(done)  # noqa: T201
    return 0


def _needed(service: Service, field: str) -> str:
    found: str | None = getattr(service.settings, field)
    if found is None:
        raise SettingsError(f"{PREFIX}{field.upper()}: needed for this command")
    return found


@asynccontextmanager
async def _nats(url: str, user: str) -> AsyncIterator[Client]:
    client = await connect(url, user)
    try:
        yield client
    finally:
        await client.close()


COMMANDS: dict[str, Callable[[Service, Any], int]] = {
    "serve": _serve,
    "migrate": _migrate,
    "openapi": _openapi,
    "republish": _republish,
    "rebuild": _rebuild,
    "resume": _resume,
    "erase": _erase,
}

"""`python -m services.<name> …`: what an operator does with one service."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import orjson
import uvicorn

from shared.runtime import logs, migrating, telemetry
from shared.runtime.context import Service
from shared.runtime.service import ROLES, create_app
from shared.runtime.settings import ServiceSettings, SettingsError

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
    server.run()
    return FAILED if failed or not server.started else 0


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


COMMANDS: dict[str, Callable[[Service, Any], int]] = {"serve": _serve, "migrate": _migrate, "openapi": _openapi}

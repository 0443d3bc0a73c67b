"""The whole platform on this machine, top to bottom: what runs, in which order, and what each part is told."""

from __future__ import annotations

import asyncio
import gc
import http.client
import importlib
import os
import runpy
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from nats import connect

from deploy.local import home as homes
from deploy.local import mailsink, secrets
from deploy.local.gateway import Gateway
from deploy.local.nats import Config, Nats
from deploy.local.postgres import Postgres
from deploy.local.processes import Forked, free_port, run_together
from deploy.local.supervisor import Stop, Supervisor, say
from shared.messaging import topology

DEFAULT_PORT = 8080
REPLY_DOMAIN = "reply.trama.example"
"""Calendars answer invitations at addresses of this domain."""


@dataclass(frozen=True)
class Parts:
    """The services: their names, what to import before forking, and what a child runs for a command of a service."""

    names: list[str]
    preload: Callable[[list[str]], None]
    entry: Callable[[str, str], Callable[[], None]]


def services() -> list[str]:
    """The services that are there, the registry first; a folder that is removed is simply not run."""
    folder = homes.ROOT / "services"
    found = sorted(entry.parent.name for entry in folder.glob("*/__main__.py"))
    return sorted(found, key=lambda name: name != "registry")


def up(home: Path, wanted_port: int, parts: Parts | None = None) -> int:
    """Start everything and watch it until a signal; 0 when a person ended it, 1 when it was running already.

    `wanted_port` is the gateway's: a free one is taken instead when it is in use, or when it is 0.
    """
    try:
        with homes.held(home) as lock:
            _run(home, wanted_port, lock, parts or Parts(services(), preload, entry))
    except homes.AlreadyRunning as error:
        print(f"The platform is {error}", file=sys.stderr)
        return 1
    except Stop:
        return 0
    return 0


def _run(home: Path, wanted_port: int, lock: int, parts: Parts) -> None:
    say(f"Trama starts in {home}")
    if left := homes.stop_leftovers(home):
        say(f"  stopped {left} processes that an earlier run left behind")
    before = homes.read_state(home).get("processes", {})
    names = parts.names

    with Supervisor(home) as stack:

        def port_of(name: str) -> int:
            """The one of the last time, so that what a person noted still holds, when it is free."""
            return free_port(before.get(name, {}).get("port"))

        def forked(name: str, run: Callable[[], None], environment: Mapping[str, str]) -> Forked:
            log = home / "logs" / f"{name}.log"
            return Forked(run, log=log, environment={"PYTHONUNBUFFERED": "1", **environment}, close=[lock])

        # The stores.
        postgres = Postgres(home, port_of("postgres"))
        nats = Nats(home, nats_config(home), port=port_of("nats"))
        with stack.step("PostgreSQL"):
            stack.start("postgres", postgres)
            stack.watched["postgres"].port = postgres.port
        with stack.step("NATS"):
            stack.start("nats", nats)
            stack.watched["nats"].port = nats.port

        # The door, first with nobody behind it: it says 503 until the services answer.
        ports = {name: port_of(name) for name in (*names, "mail", "smtp")}
        ports["lmtp"] = lmtp_port(os.environ)
        gateway = Gateway(
            home, {name: ports[name] for name in (*names, "mail")}, port=wanted_port or port_of("gateway")
        )
        stack.gateway = gateway.url
        with stack.step("gateway"):
            stack.start("gateway", gateway, port=gateway.port)
        if wanted_port and gateway.port != wanted_port:
            say(f"  port {wanted_port} is taken: the gateway listens on {gateway.port}")

        # Everything imported once, to be forked from here; the databases are made meanwhile.
        with stack.step("libraries and databases"):
            databases = forked("databases", lambda: postgres.ensure_databases(names), {})
            run_together({"databases": databases}, meanwhile=lambda: parts.preload(names))
        environment = {name: service_environment(home, name, stack.gateway, ports, postgres, nats) for name in names}
        with stack.step("migrations, streams and consumers"):
            jobs = {
                f"migrate-{name}": forked(f"migrate-{name}", parts.entry(name, "migrate"), environment[name])
                for name in names
            }
            run_together(jobs | {"provision": forked("provision", lambda: provision(home, nats), {})})

        # The mail sink and the services.
        with stack.step("services"):
            stack.start(
                "mail",
                forked("mail", lambda: mailsink.run(home / "mail", ports["smtp"], ports["mail"]), {}),
                port=ports["mail"],
            )
            for name in names:
                stack.start(
                    name, forked(name, parts.entry(name, "serve"), environment[name]), port=ports[name], drains=True
                )
            late = stack.wait_until_ready(lambda name: is_ready(gateway.url, name), names)
        for name in late:
            say(f"  {name} is not ready yet: {gateway.url}/{name}/health/ready says why")

        stack.ready = True
        stack.record()
        say(f"\nReady in {stack.elapsed:.1f} s\n\n{_addresses(gateway.url, home, ports['lmtp'])}\n")
        stack.watch()


def service_environment(
    home: Path, name: str, public_url: str, ports: Mapping[str, int], postgres: Postgres, nats: Nats
) -> dict[str, str]:
    """The variables of one service: its own database role, its own NATS user, and only the keys that it signs with."""
    keys = secrets.keys(home)
    own = {
        "registry": {
            "TRAMA_SIGNING_KEY_FILE": str(keys.registry),
            "TRAMA_PACT_KEYS_FILE": str(secrets.pact_keys(home)),
            # Here it deletes by itself from the stream what is due; in a deployment a process of its own does.
            "TRAMA_ERASURE_NATS_URL": nats.url(topology.ERASURE, secrets.password(home, f"nats-{topology.ERASURE}")),
        },
        "learning": {
            "TRAMA_BADGE_KEY_FILE": str(secrets.badge_key(home)),
            "TRAMA_DOCUMENT_STORE": str(home / "documents"),
        },
        "notify": {
            "TRAMA_LINK_KEY_FILE": str(keys.links),
            "TRAMA_SMTP_URL": f"smtp://127.0.0.1:{ports['smtp']}?starttls=never",
            "TRAMA_MAIL_FROM": "Trama <no-reply@trama.example>",
            "TRAMA_REPLY_DOMAIN": REPLY_DOMAIN,
            "TRAMA_LMTP_PORT": str(ports["lmtp"]),
            "TRAMA_WEBHOOK_KEYS_FILE": str(secrets.webhook_keys(home)),
            "TRAMA_WEBHOOKS_INSECURE": "true",  # partners to try out run on this machine
        },
    }
    return {
        "TRAMA_PROFILE": "local",
        "TRAMA_DATABASE_URL": postgres.dsn(name, name),
        "TRAMA_NATS_URL": nats.url(name, secrets.password(home, f"nats-{name}")),
        "TRAMA_HTTP_HOST": "127.0.0.1",
        "TRAMA_HTTP_PORT": str(ports[name]),
        "TRAMA_PUBLIC_URL": public_url,
        "TRAMA_CLOCK_FILE": str(home / "clock.json"),
        "TRAMA_JWKS_FILE": str(keys.registry_jwks),
        "TRAMA_LINK_JWKS_FILE": str(keys.links_jwks),
        **own.get(name, {}),
    }


def nats_config(home: Path) -> Config:
    """The server's configuration from the topology: one user per service, one for provisioning, one for erasure."""
    passwords = {user: secrets.password(home, f"nats-{user}") for user in topology.USERS}
    return lambda port, monitor_port, store: topology.server_config(passwords, store, port, monitor_port)


def provision(home: Path, nats: Nats) -> None:
    """Create the streams and consumers of the topology."""

    async def run() -> None:
        user = topology.PROVISIONING
        prefix = topology.inbox(user)
        client = await connect(nats.url(user, secrets.password(home, f"nats-{user}")), inbox_prefix=prefix)
        try:
            await topology.provision(client.jetstream())
        finally:
            await client.close()

    asyncio.run(run())


def preload(names: list[str]) -> None:
    """Import what every child needs, and keep it out of the collector's way, so that the pages stay shared."""
    for name in names:
        importlib.import_module(f"services.{name}.app")
    for module in ("uvicorn.protocols.http.httptools_impl", "uvicorn.lifespan.on", "uvloop", "asyncpg", "nats"):
        importlib.import_module(module)
    gc.collect()
    gc.freeze()


def entry(name: str, command: str) -> Callable[[], None]:
    """The very entry of `python -m services.<name> <command>`."""

    def run() -> None:
        sys.argv = [f"services.{name}", command]
        runpy.run_module(f"services.{name}", run_name="__main__", alter_sys=True)

    return run


def is_ready(gateway: str, name: str) -> bool:
    address = urlsplit(gateway)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=10)
    try:
        connection.request("GET", f"/{name}/health/ready")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def lmtp_port(environment: Mapping[str, str]) -> int:
    """Where a mail server, or a script, hands over what calendars answer: TRAMA_LMTP_PORT, or a free one."""
    chosen = environment.get("TRAMA_LMTP_PORT", "")
    if chosen and not (chosen.isascii() and chosen.isdigit() and 0 < int(chosen) < 65536):
        raise SystemExit("TRAMA_LMTP_PORT: expected a port from 1 to 65535")
    return int(chosen) if chosen else free_port()


def _addresses(gateway: str, home: Path, lmtp: int) -> str:
    return "\n".join(
        [
            f"  platform    {gateway}/",
            f"  mails       {gateway}/mail/",
            f"  calendars   answers to invitations by LMTP, for …@{REPLY_DOMAIN}: 127.0.0.1:{lmtp}",
            f"  interfaces  {gateway}/registry/openapi.json, and so on for each service",
            f"  logs        {home / 'logs'} (make logs)",
            "  a token     make token ROLE=admin",
            "  stop        Ctrl-C",
        ]
    )

"""`python -m services.registry erasures due | waiting | list | again`: what an operator does about erasures.

`due` deletes from the stream what it still says about erased people, and with `--every SECONDS` goes on doing so; it is
the only one of Trama's processes in a deployment that needs the erasure user (TRAMA_ERASURE_NATS_URL). `waiting` names
who waits, and ends with 1 when somebody has for more than a day: a check for the monitoring. `list` writes a line of
JSON for each erased person, ids and days, to be kept outside of the backups. `again` applies erasures to a database
that was restored from a backup made before them: those whose tombstones the stream has, and those of a list
(`--from FILE`).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from nats.aio.client import Client
from sqlalchemy import select

from services.registry.erasures import commands, stream
from services.registry.erasures.tables import stream_erasures
from services.registry.people.tables import people
from services.registry.settings import Settings
from shared.messaging import topology
from shared.messaging.broker import BrokerClosed, connect
from shared.runtime import logs
from shared.runtime.clock import Clock, wall
from shared.runtime.database import Database
from shared.runtime.settings import SettingsError

LATE = timedelta(days=1)
FAILED, BAD_SETTINGS = 1, 2


def main(argv: Sequence[str]) -> None:
    """Ends the process: 0, 1 (failed, or somebody waits for too long), 2 (bad settings or usage)."""
    given = parser().parse_args(argv)
    try:
        settings = Settings.load()
        logs.configure("registry", settings.log_level)
        sys.exit(asyncio.run(run(settings, given)))
    except SettingsError as error:
        print(error, file=sys.stderr)  # noqa: T201 (an operator reads it)
        sys.exit(BAD_SETTINGS)
    except BrokerClosed as error:
        print(error, file=sys.stderr)  # noqa: T201
        sys.exit(FAILED)


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="python -m services.registry erasures", description=__doc__)
    which = made.add_subparsers(dest="command", required=True)
    due = which.add_parser("due", help="delete from the stream what is due")
    due.add_argument("--every", type=float, help="seconds; go on until stopped")
    which.add_parser("waiting", help="who waits to be deleted from the stream")
    which.add_parser("list", help="everybody who was erased, as lines of JSON")
    again = which.add_parser("again", help="apply erasures to a database that was restored")
    again.add_argument("--from", dest="file", type=Path, help="what `list` wrote")
    return made


async def run(settings: Settings, given: argparse.Namespace) -> int:
    database = Database(settings.database_url, name="trama-registry-erasures", statement_timeout=3600)
    try:
        return await COMMANDS[given.command](settings, database, given)
    finally:
        await database.dispose()


async def _due(settings: Settings, database: Database, given: argparse.Namespace) -> int:
    while True:
        if await stream.due(database.sessions):
            async with _erasure(settings) as client:
                done, waiting = await stream.delete_due(database.sessions, client)
            _say({"deleted": done, "waiting": waiting})
        if given.every is None:
            return 0
        await asyncio.sleep(given.every)


async def _waiting(_: Settings, database: Database, __: argparse.Namespace) -> int:
    async with database.sessions() as session:
        query = select(stream_erasures).where(stream_erasures.c.done_at.is_(None)).order_by(stream_erasures.c.since)
        rows = (await session.execute(query)).all()
    for row in rows:
        _say({"person_id": str(row.person_id), "since": row.since.isoformat()})
    return FAILED if any(wall() - row.since > LATE for row in rows) else 0


async def _list(_: Settings, database: Database, __: argparse.Namespace) -> int:
    async with database.sessions() as session:
        query = select(people.c.id, people.c.erased_at).where(people.c.erased_at.is_not(None)).order_by(people.c.id)
        for row in await session.execute(query):
            _say({"person_id": str(row.id), "erased_at": row.erased_at.isoformat()})
    return 0


async def _again(settings: Settings, database: Database, given: argparse.Namespace) -> int:
    ids = [UUID(json.loads(line)["person_id"]) for line in given.file.read_text().splitlines()] if given.file else []
    async with _erasure(settings) as client:
        ids += [person_id async for person_id in stream.erased(client)]
    now = Clock(settings.clock_file).now()
    done = 0
    for person_id in sorted(set(ids)):
        async with database.sessions.begin() as session:
            done += await commands.erase_again(session, person_id, now)
    _say({"erased_again": done})
    return 0


@asynccontextmanager
async def _erasure(settings: Settings) -> AsyncIterator[Client]:
    if settings.erasure_nats_url is None:
        raise SettingsError("TRAMA_ERASURE_NATS_URL: needed for this command")
    client = await connect(settings.erasure_nats_url, topology.ERASURE)
    try:
        yield client
    finally:
        await client.close()


def _say(what: dict[str, Any]) -> None:
    print(json.dumps(what), flush=True)  # noqa: T201 (an operator reads it)


Command = Callable[[Settings, Database, argparse.Namespace], Coroutine[Any, Any, int]]
COMMANDS: dict[str, Command] = {"due": _due, "waiting": _waiting, "list": _list, "again": _again}

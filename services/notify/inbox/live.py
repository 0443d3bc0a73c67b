"""Inboxes as they change, told to whoever listens (server-sent events).

One watch per process asks the database for what is new to all its listeners together: two small statements each second
while anybody listens, whether ten do or a thousand, and at once when this process has intended something. What is new
is what the present snapshot of the database sees and the last one did not, so nothing is lost between transactions that
commit out of order. The id of an event is the snapshot until which its listener knows everything: a browser that comes
back with it is told what it has missed, by any process.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import orjson
import structlog
from sqlalchemy import ARRAY, Row, Text, Uuid, bindparam, text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from services.notify.deliveries import waking
from services.notify.inbox.queries import MOOT, NEVER_HERE
from shared.runtime.database import away
from shared.runtime.progress import COME_BACK, HEARTBEAT, LONGEST

log = structlog.get_logger("inbox")
POLL = 1.0
"""Seconds between two looks at what other processes have written."""
MOST_MISSED = 50
"""Messages that somebody who comes back is told one by one; how many are unread they are told in any case."""
MOST_STREAMS = 2_000
"""Of one process: a listener costs it memory, and the database nothing."""
SNAPSHOT = re.compile(r"(\d{1,19}):(\d{1,19}):((?:\d{1,19}(?:,\d{1,19})*)?)")
LONGEST_SNAPSHOT = 2_000

NEW = """
    x.tx >= pg_snapshot_xmin(CAST(CAST(:since AS text) AS pg_snapshot))
    AND pg_visible_in_snapshot(x.tx, CAST(CAST(:until AS text) AS pg_snapshot))
    AND NOT pg_visible_in_snapshot(x.tx, CAST(CAST(:since AS text) AS pg_snapshot))
"""
MESSAGES = text(f"""
    SELECT x.id, x.person_id, x.topic, x.intended_at, x.network_id, n.name AS network_name
    FROM deliveries x LEFT JOIN networks n ON n.id = x.network_id
    WHERE {NEW} AND x.person_id = ANY(:people) AND x.in_inbox AND x.topic <> ALL(:hidden)
        AND coalesce(x.problem, '') <> ALL(:moot)
    ORDER BY x.id
""").bindparams(  # noqa: S608 (our own text)
    bindparam("people", type_=ARRAY(Uuid)), bindparam("hidden", type_=ARRAY(Text)), bindparam("moot", type_=ARRAY(Text))
)
MARKED = text(f"""
    SELECT DISTINCT d.person_id FROM read_marks x JOIN deliveries d ON d.id = x.delivery_id
    WHERE {NEW} AND d.person_id = ANY(:people)
""").bindparams(bindparam("people", type_=ARRAY(Uuid)))  # noqa: S608
UNREAD = text("""
    SELECT d.person_id, d.network_id, n.name AS network_name, count(*) AS unread
    FROM deliveries d LEFT JOIN read_marks m ON m.delivery_id = d.id LEFT JOIN networks n ON n.id = d.network_id
    WHERE d.person_id = ANY(:people) AND m.read_at IS NULL AND d.in_inbox AND d.topic <> ALL(:hidden)
        AND coalesce(d.problem, '') <> ALL(:moot)
    GROUP BY d.person_id, d.network_id, n.name ORDER BY d.person_id, n.name, d.network_id
""").bindparams(
    bindparam("people", type_=ARRAY(Uuid)), bindparam("hidden", type_=ARRAY(Text)), bindparam("moot", type_=ARRAY(Text))
)
NOW = text("SELECT CAST(pg_current_snapshot() AS text)")
HIDDEN = {"hidden": list(NEVER_HERE), "moot": [str(problem) for problem in MOOT]}

Sessions = async_sessionmaker[AsyncSession]


@dataclass(frozen=True)
class News:
    """What has changed in one inbox until `snapshot`: its new messages, and what is unread in each network."""

    snapshot: str
    messages: Sequence[Row[Any]]
    unread: Sequence[Row[Any]]


async def unread(session: AsyncSession, people: Collection[UUID]) -> dict[UUID, list[Row[Any]]]:
    """By person, how much is unread in each network; one statement for all."""
    found: dict[UUID, list[Row[Any]]] = defaultdict(list)
    for row in await session.execute(UNREAD, {"people": list(people), **HIDDEN}):
        found[row.person_id].append(row)
    return found


async def news(session: AsyncSession, people: Collection[UUID], since: str, until: str) -> dict[UUID, News]:
    """Of those in whose inbox anything has changed between two snapshots."""
    asked = {"people": list(people), "since": since, "until": until}
    messages: dict[UUID, list[Row[Any]]] = defaultdict(list)
    for row in await session.execute(MESSAGES, {**asked, **HIDDEN}):
        messages[row.person_id].append(row)
    changed = {*messages, *(await session.scalars(MARKED, asked))}
    counted = await unread(session, changed) if changed else {}
    return {person: News(until, messages.get(person, ()), counted.get(person, ())) for person in changed}


async def beginning(sessions: Sessions, person: UUID, last: str | None) -> News:
    """What a listener begins with: what is unread, and what they have missed since the snapshot `last`."""
    async with sessions() as session:
        until = str(await session.scalar(NOW))
        since = resumable(last, until)
        missed = await news(session, [person], since, until) if since else {}
        if person in missed:
            found = missed[person]
            return News(until, found.messages[-MOST_MISSED:], found.unread)
        return News(until, (), (await unread(session, [person])).get(person, ()))


def resumable(last: str | None, until: str) -> str | None:
    """The snapshot that a browser came back with, when it is one, and of this database: after a restore into another
    cluster transactions count anew, and an old snapshot says nothing."""
    found = SNAPSHOT.fullmatch(last) if last and len(last) <= LONGEST_SNAPSHOT else None
    if found is None:
        return None
    least, most, running = int(found[1]), int(found[2]), [int(each) for each in found[3].split(",") if each]
    ordered = running == sorted(set(running)) and all(least <= each < most for each in running)
    return last if 0 < least <= most <= int(until.split(":")[1]) and ordered else None


@dataclass(eq=False)
class Listener:
    """One open stream: what it is still to be told."""

    waiting: list[News] = field(default_factory=list)
    wake: asyncio.Event = field(default_factory=asyncio.Event)

    def tell(self, told: News) -> None:
        self.waiting.append(told)
        self.wake.set()

    def take(self) -> list[News]:
        told, self.waiting = self.waiting, []
        self.wake.clear()
        return told


class Watch:
    """Looks for what is new to all listeners of this process; at work only while there are any."""

    def __init__(self, sessions: Sessions, poll: float = POLL) -> None:
        self.sessions, self.poll = sessions, poll
        self.listeners: dict[UUID, set[Listener]] = defaultdict(set)
        self.looks = 0
        self._task: asyncio.Task[None] | None = None
        self._snapshot: str | None = None

    def enter(self, person: UUID) -> Listener:
        """Of whoever listens from now on; it is told when the watch has `begun`."""
        listener = Listener()
        self.listeners[person].add(listener)
        return listener

    async def begun(self) -> None:
        """From now on listeners are told of everything that is committed later."""
        if self._snapshot is None:
            async with self.sessions() as session:
                until = str(await session.scalar(NOW))
            self._snapshot = self._snapshot or until  # of two who begin at once the earlier
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())

    def leave(self, person: UUID, listener: Listener) -> None:
        self.listeners[person].discard(listener)
        if not self.listeners[person]:
            del self.listeners[person]

    async def _run(self) -> None:
        with waking.sender() as wake:
            while self.listeners:
                try:
                    await self.look()
                except Exception as error:
                    if not away(error):
                        log.exception("inbox_watch_failed")
                        self._end()
                        raise
                    log.warning("database_away", error=type(error).__name__)
                with suppress(TimeoutError):
                    async with asyncio.timeout(self.poll):
                        await wake.wait()
                wake.clear()
        self._snapshot = None

    def _end(self) -> None:
        """Nobody listens to a watch that is broken: browsers come back, and find another."""
        for listener in [each for every in self.listeners.values() for each in every]:
            listener.tell(News("", (), ()))
        self._snapshot = None

    async def look(self) -> None:
        """One look: two statements when nothing has happened, however many listen."""
        assert self._snapshot is not None
        self.looks += 1
        async with self.sessions() as session:
            until = str(await session.scalar(NOW))
            if until == self._snapshot:
                return
            found = await news(session, list(self.listeners), self._snapshot, until)
        self._snapshot = until
        for person, told in found.items():
            for listener in self.listeners.get(person, ()):
                listener.tell(told)


async def stream(watch: Watch, person: UUID, last: str | None, stopping: Callable[[], bool]) -> AsyncIterator[bytes]:
    """What a stream says until its browser leaves, its time is over, or the process stops."""
    yield f"retry: {COME_BACK}\n\n".encode()
    listener = watch.enter(person)
    try:
        await watch.begun()
        first = await beginning(watch.sessions, person, last)
        known = {row.id for row in first.messages}
        yield told(first)
        began = spoke = time.monotonic()
        while not stopping() and time.monotonic() - began < LONGEST:
            with suppress(TimeoutError):
                async with asyncio.timeout(POLL):
                    await listener.wake.wait()
            for each in listener.take():
                if not each.snapshot:
                    return
                spoke = time.monotonic()
                yield told(each, known)
            if time.monotonic() - spoke >= HEARTBEAT:
                spoke = time.monotonic()
                yield b": still here\n\n"
    finally:
        watch.leave(person, listener)


def told(each: News, known: Collection[UUID] = ()) -> bytes:
    """Its messages and then what is unread; the last has the id, so that who loses the connection in between is told
    all of it again."""
    said = [_event("message", _message(row)) for row in each.messages if row.id not in known]
    return b"".join([*said, _event("unread", counts(each.unread), each.snapshot)])


def counts(rows: Sequence[Row[Any]]) -> dict[str, Any]:
    networks = [{"network": _network(row), "unread": row.unread} for row in rows]
    return {"unread": sum(row.unread for row in rows), "networks": networks}


def _message(row: Row[Any]) -> dict[str, Any]:
    return {
        "id": row.id,
        "topic": row.topic,
        "network": _network(row),
        "told_at": row.intended_at,
        "href": f"/notify/v1/inbox/{row.id}",
    }


def _network(row: Row[Any]) -> dict[str, Any] | None:
    if row.network_id is None:
        return None
    return {"id": row.network_id, "name": row.network_name, "href": f"/registry/v1/networks/{row.network_id}"}


def _event(name: str, data: dict[str, Any], id_: str | None = None) -> bytes:
    numbered = f"id: {id_}\n" if id_ else ""
    return f"event: {name}\n{numbered}data: {orjson.dumps(data, default=str).decode()}\n\n".encode()

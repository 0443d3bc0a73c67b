"""How long 10,000 people take to be convened, beside the same rows written by two bare INSERT … SELECT.

From the POST until its answer: who is entitled is found, each is invited, each invitation is told, in one transaction.
The floor copies the very rows of the invitations and of their facts, in one transaction, over a plain connection.
"""

from __future__ import annotations

import threading
import time
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import psutil
from sqlalchemy import event
from uuid_utils.compat import uuid7

from services.events.app import service
from services.events.settings import Settings
from tests import harness
from tests.bench.lab import Lab
from tests.bench.measure import Check, Figure, Series, in_turns, ratio

PRODUCT, FLOOR = "POST …/convene, until its answer", "two bare INSERT … SELECT of its rows"
INVITATIONS = "id, meeting_id, network_id, person_id, mandate_id, seat_id, organisation_id, state, version"
TOLD = "id, type, subject, aggregate_id, version, network_id, headers, actor_id, body, occurred_at"


async def run(lab: Lab, *, quick: bool) -> Figure:
    people, turns = (500, 1) if quick else (10_000, 5)
    await lab.streams()
    home = lab.home / f"convening-{uuid4().hex}"
    home.mkdir()
    url = await lab.database("events")
    async with harness.running(service, Settings, url, home, only="http") as running:
        convening = await Convening.prepared(running, url, people)
        await convening.product()  # the first one opens connections and plans statements
        convening.grown.clear()
        series = await in_turns({PRODUCT: convening.product, FLOOR: convening.floor}, turns)
        await convening.connection.close()
    grown = Series("grown", convening.grown)
    return Figure(
        key="convening",
        title=f"Convening {people:,} people, fsync on",
        unit="ms",
        series=list(series.values()),
        checks=[
            Check("convening / bare INSERT … SELECT", ratio(series[PRODUCT], series[FLOOR]), 6, "at most"),
            Check("until the answer", series[PRODUCT].median, 5_000, "at most", "ms"),
            Check("resident memory grown meanwhile", grown.median, 128, "at most", "MB"),
        ],
        notes=[
            f"A meeting of a network in which {people:,} people hold a mandate; {convening.statements} statements from"
            " beginning to end, whatever their number. The answer counts who is invited.",
        ],
        lower_is_better=True,
    )


class Convening:
    """A network, those who hold mandates in it, and its secretariat."""

    def __init__(self, running: harness.Running, network: UUID, headers: dict[str, str], connection: Any) -> None:
        self.running, self.network, self.headers, self.connection = running, network, headers, connection
        self.days, self.last, self.statements = 10, "", 0
        self.grown: list[float] = []

    @classmethod
    async def prepared(cls, running: harness.Running, url: str, people: int) -> Convening:
        network = uuid7()
        await running.sql(
            "insert into networks (id, slug, name, kind, generation, version)"
            " values (:id, 'diecimila', 'Rete di molti', 'alliance', 1, 1)",
            id=network,
        )
        await running.sql(
            "insert into mandates (id, network_id, person_id, role, within, since, state, generation, version)"
            " select uuidv7(), :network, uuidv7(), 'member', '{}', date '2000-01-01', 'in_office', 1, 1"
            " from generate_series(1, :people)",
            network=network,
            people=people,
        )
        connection = await asyncpg.connect(url)
        await connection.execute("analyze mandates")
        return cls(running, network, await running.holder("secretariat", network), connection)

    async def draft(self) -> Any:
        self.days += 1
        starts = self.running.context.clock.now() + timedelta(days=self.days)
        body = {
            "title": "Assemblea di tutti",
            "starts_at": starts.isoformat(),
            "ends_at": (starts + timedelta(hours=2)).isoformat(),
            "mode": "remote",
            "join_url": "https://meet.example.org/tutti",
        }
        path = f"/events/v1/networks/{self.network}/meetings"
        return (await self.running.client.post(path, json=body, headers=self.headers)).json()

    async def product(self) -> float:
        """Milliseconds."""
        meeting = await self.draft()
        self.last = meeting["id"]
        said: list[str] = []

        def heard(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
            said.append(statement)

        engine = self.running.context.database.engine.sync_engine
        event.listen(engine, "before_cursor_execute", heard)
        with Grown() as grown:
            began = time.perf_counter()
            answer = await self.running.client.post(
                f"/events/v1/meetings/{self.last}/convene", headers={**self.headers, "if-match": '"1"'}, timeout=120
            )
            milliseconds = (time.perf_counter() - began) * 1000
        event.remove(engine, "before_cursor_execute", heard)
        self.statements = len(said)
        if answer.status_code != 200:
            raise AssertionError(answer.text)
        self.grown.append(grown.megabytes)
        return milliseconds

    async def floor(self) -> float:
        """Milliseconds for the rows of the last convocation, under another meeting."""
        meeting = UUID((await self.draft())["id"])
        copied = INVITATIONS.replace("id, meeting_id", "uuidv7(), $2", 1)
        told = TOLD.replace("id, type", "uuidv7(), type", 1)
        began = time.perf_counter()
        async with self.connection.transaction():
            await self.connection.execute(
                f"insert into invitations ({INVITATIONS}) select {copied} from invitations where meeting_id = $1",
                UUID(self.last),
                meeting,
            )
            await self.connection.execute(
                f"insert into log ({TOLD}) select {told} from log where tx = (select tx from log"
                " where aggregate_id = $1 and type like 'trama.events.meeting.convened%' order by seq limit 1)",
                UUID(self.last),
            )
        return (time.perf_counter() - began) * 1000


class Grown:
    """By how many megabytes this process grows at most."""

    def __init__(self) -> None:
        self.process, self.megabytes = psutil.Process(), 0.0
        self.ended = threading.Event()

    def __enter__(self) -> Grown:
        self.before = self.process.memory_info().rss
        self.thread = threading.Thread(target=self.watch)
        self.thread.start()
        return self

    def watch(self) -> None:
        while not self.ended.wait(0.01):
            self.look()

    def look(self) -> None:
        self.megabytes = max(self.megabytes, (self.process.memory_info().rss - self.before) / 1e6)

    def __exit__(self, *_: object) -> None:
        self.look()
        self.ended.set()
        self.thread.join()

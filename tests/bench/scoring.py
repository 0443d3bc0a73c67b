"""How long 83 papers of 120 cells take that are cast all at once, beside the same rows written over bare connections.

From the first PUT until the last answer: whose paper it is, whether their mandate is in force, every cell; the paper,
the voter and the fact that they have voted, a transaction each. The floor writes the very rows, as many transactions
over as many connections as the service has.
"""

from __future__ import annotations

import asyncio
import random
import time
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
from sqlalchemy import event
from uuid_utils.compat import uuid7

from services.events.app import service
from services.events.settings import Settings
from tests import harness
from tests.bench.lab import Lab
from tests.bench.measure import Check, Figure, in_turns, ratio

PRODUCT, FLOOR = "83 PUT …/papers/me at once, until the last answer", "their rows, bare, as many connections"
VOTERS, CONNECTIONS = 83, 10
GRID = {
    "fields": [f"Campo {n}" for n in range(1, 5)],
    "needs": [f"Bisogno {n}" for n in range(1, 7)],
    "resources": [f"Fonte {n}" for n in range(1, 6)],
}
CELLS = [f"{f}.{n}.{r}" for f in range(1, 5) for n in range(1, 7) for r in range(1, 6)]


async def run(lab: Lab, *, quick: bool) -> Figure:
    turns = 1 if quick else 5
    await lab.streams()
    home = lab.home / f"scoring-{uuid4().hex}"
    home.mkdir()
    url = await lab.database("events")
    async with harness.running(service, Settings, url, home, only="http") as running:
        scoring = await Scoring.prepared(running, url)
        await scoring.product()  # the first one opens connections and plans statements
        series = await in_turns({PRODUCT: scoring.product, FLOOR: scoring.floor}, turns)
        await scoring.pool.close()
    return Figure(
        key="scoring",
        title=f"{VOTERS} papers of {len(CELLS)} cells cast at once, fsync on",
        unit="ms",
        series=list(series.values()),
        checks=[
            Check("papers / bare rows", ratio(series[PRODUCT], series[FLOOR]), 25, "at most"),
            Check("until the last answer", series[PRODUCT].median, 5_000, "at most", "ms"),
            Check("statements for a paper", scoring.statements / VOTERS, 10, "at most"),
        ],
        notes=[
            f"{VOTERS} delegates called to a ballot; {VOTERS * len(CELLS):,} scores. A paper is one row of a byte for"
            " each cell; no statement grows with their number.",
        ],
        lower_is_better=True,
    )


class Scoring:
    """A network, its delegates with their tokens, and its secretariat."""

    def __init__(self, running: harness.Running, network: UUID, headers: dict[str, str], pool: Any) -> None:
        self.running, self.network, self.headers, self.pool = running, network, headers, pool
        self.voters: list[dict[str, str]] = []
        self.statements, self.last = 0, ""

    @classmethod
    async def prepared(cls, running: harness.Running, url: str) -> Scoring:
        network = uuid7()
        await running.sql(
            "insert into networks (id, slug, name, kind, generation, version)"
            " values (:id, 'palestre', 'Rete di palestre', 'alliance', 1, 1)",
            id=network,
        )
        people = await running.sql(
            "insert into mandates (id, network_id, person_id, role, within, since, state, generation, version)"
            " select uuidv7(), :network, uuidv7(), 'delegate', '{}', date '2000-01-01', 'in_office', 1, 1"
            " from generate_series(1, :people) returning person_id",
            network=network,
            people=VOTERS,
        )
        pool = await asyncpg.create_pool(url, min_size=CONNECTIONS, max_size=CONNECTIONS)
        made = cls(running, network, await running.holder("secretariat", network), pool)
        made.voters = [running.signed_in(row[0]) for row in people]
        return made

    async def ballot(self) -> str:
        closes_at = self.running.context.clock.now() + timedelta(days=2)
        body = {
            "question": "Quale fonte per quale bisogno?",
            "kind": "grid",
            "grid": GRID,
            "roles": ["delegate"],
            "closes_at": closes_at.isoformat(),
        }
        path = f"/events/v1/networks/{self.network}/ballots"
        return str((await self.running.client.post(path, json=body, headers=self.headers)).json()["id"])

    async def product(self) -> float:
        """Milliseconds."""
        self.last = await self.ballot()
        luck, said = random.Random(83), 0
        papers = [{"state": "cast", "cells": {cell: luck.randint(1, 10) for cell in CELLS}} for _ in self.voters]
        path = f"/events/v1/ballots/{self.last}/papers/me"

        def heard(*_: Any) -> None:
            nonlocal said
            said += 1

        engine = self.running.context.database.engine.sync_engine
        event.listen(engine, "before_cursor_execute", heard)
        began = time.perf_counter()
        answers = await asyncio.gather(
            *(
                self.running.client.put(path, json=paper, headers={**voter, "if-match": '"0"'}, timeout=60)
                for voter, paper in zip(self.voters, papers, strict=True)
            )
        )
        milliseconds = (time.perf_counter() - began) * 1000
        event.remove(engine, "before_cursor_execute", heard)
        self.statements = said
        refused = [answer.text for answer in answers if answer.status_code != 200]
        if refused:
            raise AssertionError(refused[0])
        return milliseconds

    async def floor(self) -> float:
        """Milliseconds for the rows of the last papers, under another ballot."""
        ballot = UUID(await self.ballot())
        rows = await self.pool.fetch(
            "select v.voice, v.person_id, v.marks, n.id as voter from votes v"
            " join voters n on n.ballot_id = $2 and n.voice = v.voice where v.ballot_id = $1",
            UUID(self.last),
            ballot,
        )
        began = time.perf_counter()
        await asyncio.gather(*(self._bare(ballot, row) for row in rows))
        return (time.perf_counter() - began) * 1000

    async def _bare(self, ballot: UUID, row: Any) -> None:
        async with self.pool.acquire() as connection, connection.transaction():
            await connection.execute(
                "insert into votes (ballot_id, voice, voter_id, person_id, cast_by, marks, cast_at)"
                " values ($1, $2, $3, $4, $4, $5, now())",
                ballot,
                row["voice"],
                row["voter"],
                row["person_id"],
                row["marks"],
            )
            await connection.execute(
                "update voters set state = 'voted', version = version + 1 where id = $1", row["voter"]
            )
            await connection.execute(
                "insert into log (id, type, subject, aggregate_id, version, network_id, headers, body, occurred_at)"
                " select uuidv7(), type, subject, aggregate_id, 2, network_id, headers, body, now() from log"
                " where aggregate_id = $1 order by seq limit 1",
                row["voter"],
            )

"""How long the whole platform takes from nothing to ready, when everything is installed."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from pathlib import Path

from deploy.local import home as homes
from deploy.local.nats import Nats
from deploy.local.postgres import Postgres
from deploy.local.processes import end, spawn, tail
from tests.bench.lab import ROOT, Lab
from tests.bench.measure import Check, Figure, in_turns
from tests.harness import topology_config

PRODUCT, FLOOR = "the platform, ready", "PostgreSQL and NATS alone"


async def run(lab: Lab, *, quick: bool) -> Figure:
    turns = 1 if quick else 3
    series = await in_turns({PRODUCT: product, FLOOR: floor}, turns)
    more = sorted(p - f for p, f in zip(series[PRODUCT].values, series[FLOOR].values, strict=True))
    return Figure(
        key="start",
        title="Cold start, an empty home: from the command to all services ready",
        unit="s",
        series=list(series.values()),
        checks=[Check("more than the servers alone", more[len(more) // 2], 10, "at most", "s")],
        notes=[
            "`python -m deploy.local up`, as `make up` calls it, in an empty home: initdb, five databases, migrations,"
            " streams, the gateway, the mail sink and five services that say that they are ready.",
        ],
        lower_is_better=True,
    )


async def product() -> float:
    return await asyncio.to_thread(_platform)


async def floor() -> float:
    return await asyncio.to_thread(_servers)


def _platform() -> float:
    with tempfile.TemporaryDirectory(prefix="trama-start-") as folder:
        home = Path(folder) / "home"
        home.mkdir()
        log = Path(folder) / "up.log"
        environment = {"PATH": os.environ.get("PATH", ""), "TRAMA_HOME": str(home), "TRAMA_PORT": "0"}
        began = time.perf_counter()
        process = spawn([sys.executable, "-m", "deploy.local", "up"], log=log, env=environment, cwd=ROOT)
        try:
            while not homes.read_state(home).get("ready"):
                if process.poll() is not None or time.perf_counter() - began > 180:
                    raise AssertionError(f"the platform did not start\n{tail(log, 40)}")
                time.sleep(0.02)
            seconds = time.perf_counter() - began
        finally:
            end(process, seconds=60)
            homes.clear(home)
        return seconds


def _servers() -> float:
    with tempfile.TemporaryDirectory(prefix="trama-start-") as folder:
        postgres, nats = Postgres(Path(folder)), Nats(Path(folder), topology_config)
        began = time.perf_counter()
        postgres.start()
        nats.start()
        seconds = time.perf_counter() - began
        nats.clear()
        postgres.clear()
        return seconds

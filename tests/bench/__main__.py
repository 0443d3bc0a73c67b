"""`make bench`: every figure with floors of the same run.

The JSON goes to stdout (and to JSON=<file>), progress to stderr. A full run writes docs/performance.md with its plots
and ends with 1 when a bar is missed. QUICK=1: a smoke run, nothing is held to a bar; ONLY=<figure,...>: no page.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Coroutine, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import uvloop

from tests.bench import (
    commanding,
    convening,
    covering,
    fanout,
    importing,
    listing,
    mails,
    page,
    projecting,
    reaching,
    relaying,
    scoring,
    starting,
    telling,
)
from tests.bench.lab import Lab
from tests.bench.measure import Figure, say


class Run(Protocol):
    def __call__(self, lab: Lab, *, quick: bool) -> Coroutine[Any, Any, Figure]: ...


FIGURES: dict[str, Run] = {
    "command": commanding.run,
    "relay": relaying.run,
    "projecting": projecting.run,
    "reaching": reaching.run,
    "import": importing.run,
    "listing": listing.run,
    "coverage": covering.run,
    "start": starting.run,
    "mails": mails.run,
    "fanout": fanout.run,
    "telling": telling.run,
    "convening": convening.run,
    "scoring": scoring.run,
}


def main() -> int:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the servers end and their files go
    quick = os.environ.get("QUICK", "") not in ("", "0")
    asked = [name for name in os.environ.get("ONLY", "").split(",") if name]
    unknown = sorted(set(asked) - set(FIGURES))
    if unknown:
        print(f"no such figure: {', '.join(unknown)}; there are {', '.join(FIGURES)}", file=sys.stderr)
        return 2
    load_before = os.getloadavg()[0]
    figures = measured(asked or list(FIGURES), quick=quick)
    result = {"at": datetime.now(UTC).isoformat(timespec="seconds"), "figures": {f.key: f.to_json() for f in figures}}
    text = json.dumps(result, indent=2, ensure_ascii=False)
    print(text)
    if target := os.environ.get("JSON"):
        Path(target).write_text(text + "\n")
    if not quick and not asked:
        page.write(figures, load_before)
    missed = summary(figures)
    return 1 if missed and not quick else 0


def measured(names: Sequence[str], *, quick: bool) -> list[Figure]:
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="trama-bench-") as home:
        lab = Lab(Path(home))
        lab.start()
        gc.collect()
        gc.freeze()
        gc.set_threshold(10_000, 20, 50)  # as `serve` does: what runs in this process runs as in a service
        try:
            for name in names:
                say(name)
                began = time.perf_counter()
                with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:  # the loop that the services use
                    figures.append(runner.run(FIGURES[name](lab, quick=quick)))
                gc.collect()
                say(f"    {time.perf_counter() - began:.0f} s")
        finally:
            lab.clear()
    return figures


def summary(figures: Sequence[Figure]) -> int:
    missed = 0
    for figure in figures:
        for check in figure.checks:
            missed += not check.holds
            mark = "holds " if check.holds else "MISSES"
            say(f"{mark} {figure.key:<12} {check.what:<60} {check.value:8.3g} {check.unit} ({check.sense} {check.bar})")
    return missed


if __name__ == "__main__":
    sys.exit(main())

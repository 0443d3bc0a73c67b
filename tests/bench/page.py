"""docs/performance.md and its plots, written by a full run and by nothing else."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version

import psutil

from tests.bench.lab import ROOT
from tests.bench.measure import Check, Figure
from tests.bench.svg import number, plot

PAGE = ROOT / "docs" / "performance.md"
PLOTS = ROOT / "docs" / "performance"
LIBRARIES = ("fastapi", "sqlalchemy", "asyncpg", "uvicorn", "nats-py")
HEAD = """\
# How fast

Written by `make bench`; do not edit. Absolute figures are those of one machine on one day and only notes: what is held
to a bar is the **ratio** to a floor, which does the same work without our code, measured in the same run and in turns
with it. Ratios are medians of the ratios of each turn. A bar that is missed is shown as missed.
"""


def write(figures: Sequence[Figure], load_before: float) -> None:
    PLOTS.mkdir(parents=True, exist_ok=True)
    for old in PLOTS.glob("*.svg"):
        old.unlink()
    for figure in figures:
        (PLOTS / f"{figure.key}.svg").write_text(plot(figure))
    parts = [HEAD, machine(load_before), table(figures), *(section(figure) for figure in figures)]
    PAGE.write_text("\n".join(parts))


def machine(load_before: float) -> str:
    memory = psutil.virtual_memory().total / 2**30
    versions = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    busy = (
        f" Other work was running on it when the run began (load {load_before:.1f}): the spreads are wide."
        if load_before > 1
        else ""
    )
    system = f"Linux {platform.release().split('-')[0]}, Python {platform.python_version()}"
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores, {memory:.0f} GB, {system}, {versions}."
        " PostgreSQL and NATS write to disk before they answer (`fsync` on, `sync_interval: always`)."
        f"{busy}\n"
    )


def table(figures: Sequence[Figure]) -> str:
    rows = [
        f"| [{figure.title}](#{figure.key}) | {check.what} | {shown(check)} | {bar(check)} | {holds(check)} |"
        for figure in figures
        for check in figure.checks
    ]
    return "\n".join(["| figure | what | value | bar | |", "|---|---|---|---|---|", *rows, ""])


def section(figure: Figure) -> str:
    rows = [
        f"| {series.name} | {number(series.median)} | {number(min(series.values))} to {number(max(series.values))} |"
        for series in figure.series
    ]
    lines = [
        f'<a id="{figure.key}"></a>\n\n## {figure.title}\n',
        f"![{figure.title}](performance/{figure.key}.svg)\n",
        f"| {figure.unit} | median | lowest to highest of {len(figure.series[0].values)} |\n|---|---|---|",
        *rows,
        "",
        *(f"{note}\n" for note in figure.notes),
    ]
    return "\n".join(lines)


def shown(check: Check) -> str:
    return f"{number(check.value)} {check.unit}".rstrip()


def bar(check: Check) -> str:
    return f"{check.sense} {check.bar:g} {check.unit}".rstrip()


def holds(check: Check) -> str:
    return "holds" if check.holds else "**missed**"

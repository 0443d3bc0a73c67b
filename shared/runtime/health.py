"""Is the process alive, may it be given work, and how far behind is it?"""

from __future__ import annotations

import asyncio
from typing import Any

from sqlalchemy import text

from shared.runtime.context import Context
from shared.runtime.database import away
from shared.runtime.due import overdue
from shared.runtime.telemetry import LAG

PATIENCE = 3.0
"""Seconds that a part gets to answer; one that hangs is not ready."""


async def readiness(context: Context) -> tuple[bool, dict[str, Any]]:
    """(ready, body). Ready: the database answers and nothing says that facts can no longer flow.

    A broker that is away does not make the service unready: it serves and accepts writes without it; the lags tell.
    `settled`: nothing is on its way, so that tests and the demo know when to look.
    """
    checks: dict[str, Any] = {}
    lags: dict[str, Any] = {}
    reasons: list[str] = [f"failed: {name}" for name in context.state.get("failed", ())]
    try:
        async with asyncio.timeout(PATIENCE), context.database.sessions() as session:
            await session.execute(text("select 1"))
            lags["due"] = await overdue(session, context.clock.now())
            for name, count in context.service.backlogs.items():
                lags[name] = await count(session)
            checks["database"] = "ok"
    except Exception as error:
        if not away(error):
            raise
        checks["database"] = "away"
        reasons.append("database")
    if context.broker is not None and checks["database"] == "ok":
        await _messaging(context, checks, lags, reasons)
    counts = _counts(lags)
    for name, waiting in counts.items():
        LAG.labels(context.service.name, name).set(waiting)
    ready = not reasons
    settled = ready and checks.get("nats", "ok") == "ok" and not any(counts.values())
    return ready, {
        "service": context.service.name,
        "ready": ready,
        "settled": settled,
        "now": context.clock.now().isoformat(),
        "checks": checks,
        "lags": lags,
        "reasons": reasons,
    }


async def _messaging(context: Context, checks: dict[str, Any], lags: dict[str, Any], reasons: list[str]) -> None:
    assert context.broker is not None
    try:
        async with asyncio.timeout(PATIENCE):
            state = await context.broker.state(context)
    except Exception as error:
        if not away(error):
            raise
        checks["messaging"] = "away"
        reasons.append("messaging")
        return
    checks |= state.checks
    lags |= state.lags
    reasons += state.reasons


def _counts(lags: dict[str, Any], prefix: str = "") -> dict[str, int]:
    """The numbers in it, by dotted name."""
    found: dict[str, int] = {}
    for name, value in lags.items():
        if isinstance(value, dict):
            found |= _counts(value, f"{prefix}{name}.")
        elif isinstance(value, int) and not isinstance(value, bool):
            found[prefix + name] = value
    return found

"""Long jobs of a service's own table, worked off in the background, a batch and a transaction at a time.

The service says what a job is and claims it with a lease; here is how its worker waits, is woken, and repeats what
another transaction was quicker at.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from uuid import UUID

import structlog
from asyncpg import PostgresError
from sqlalchemy.exc import DBAPIError
from uuid_utils.compat import uuid7

from shared.messaging import caused_by
from shared.messaging.context import Cause
from shared.runtime.context import Context
from shared.runtime.database import away, sqlstate

IDLE = 0.3  # seconds between looks at the table when nothing is to be done
PAUSE = 2.0  # seconds after a failure
CROSSED = {"23505", "40P01", "40001", "55P03"}  # another transaction was quicker: the batch is decided anew
ATTEMPTS = 5

log = structlog.get_logger(__name__)


class Lost(Exception):
    """Another worker has the job: this one's lease was over."""


async def work_off(context: Context, kind: str, one: Callable[[Context, UUID], Awaitable[bool]]) -> None:
    """Works off jobs of a kind until cancelled; `one` claims a job for the worker that it is given and brings it to its
    end, and is False when there was none. A failing job is tried again; a database that is away is waited for."""
    me = uuid7()
    while True:
        try:
            busy = await one(context, me)
        except Lost:
            log.warning("job.taken_over", kind=kind)
            continue
        except Exception as problem:
            log.exception("job.failed_step", kind=kind, away=away(problem))
            await asyncio.sleep(PAUSE)
            continue
        if not busy:
            await _news(context, kind)


def wake(context: Context, kind: str) -> None:
    """A job was committed in this process: its worker need not wait for its next look."""
    _bell(context, kind).set()


async def _news(context: Context, kind: str) -> None:
    bell = _bell(context, kind)
    with suppress(TimeoutError):
        async with asyncio.timeout(IDLE):
            await bell.wait()
    bell.clear()


def _bell(context: Context, kind: str) -> asyncio.Event:
    bell: asyncio.Event = context.state.setdefault(kind, asyncio.Event())
    return bell


async def step(context: Context, cause: Callable[..., Cause], act: Callable[..., Awaitable[None]]) -> None:
    """One batch (`act(session, now=now)`) in a transaction of its own, decided anew when another transaction was
    quicker; `cause(now)` is what its facts name."""
    for attempt in range(ATTEMPTS):
        now = context.clock.now()
        try:
            with caused_by(cause(now)):
                async with context.database.sessions.begin() as session:
                    await act(session, now=now)
        except (DBAPIError, PostgresError) as problem:  # the latter from COPY, which goes past SQLAlchemy
            if sqlstate(problem) not in CROSSED or attempt == ATTEMPTS - 1:
                raise
        else:
            break
    context.wake()

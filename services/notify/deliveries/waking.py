"""How the sender of this process learns of new deliveries at once; its poll finds what other processes intended."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncSession

_senders: set[asyncio.Event] = set()


@contextmanager
def sender() -> Iterator[asyncio.Event]:
    wake = asyncio.Event()
    _senders.add(wake)
    try:
        yield wake
    finally:
        _senders.discard(wake)


def after_commit(session: AsyncSession) -> None:
    """Whoever commits this session wakes the sender; a rollback wakes nobody."""
    event.listen(session.sync_session, "after_commit", _wake, once=True)


def _wake(_: Any) -> None:
    for wake in _senders:
        wake.set()

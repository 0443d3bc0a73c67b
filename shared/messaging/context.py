"""Why something happens: what every fact staged meanwhile will name as its cause."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

_propagator = TraceContextTextMapPropagator()


@dataclass(frozen=True, slots=True)
class Cause:
    """`correlation` is the same for all that follows from one request; `causation` is the fact that led here, if one
    did; `actor` is who asked (kept in the log, never sent); `at` is the domain clock's instant, by default now."""

    correlation: UUID | None = None
    causation: UUID | None = None
    traceparent: str | None = None
    actor: UUID | None = None
    at: datetime | None = None


_none = Cause()
_cause: ContextVar[Cause] = ContextVar("cause", default=_none)


def current() -> Cause:
    return _cause.get()


@contextmanager
def caused_by(cause: Cause) -> Iterator[None]:
    """Facts staged inside name this cause."""
    token = _cause.set(cause)
    try:
        yield
    finally:
        _cause.reset(token)


def traceparent() -> str | None:
    """The span in force, else the one that the cause brought along."""
    carrier: dict[str, str] = {}
    _propagator.inject(carrier)
    return carrier.get("traceparent") or current().traceparent

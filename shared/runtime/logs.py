"""JSON logs, one object a line on stdout, with the trace and correlation of the work that wrote them.

Nothing that a log line may carry identifies a person: no headers, no query strings, no bodies; ids only.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import MutableMapping
from contextvars import ContextVar
from typing import Any

import orjson
import structlog

SECRET = frozenset({"authorization", "token", "password", "secret", "email", "phone", "body", "headers", "query"})

DETAIL = re.compile(r"(DETAIL:\s*|Key \([^)]*\)=)[^\n]*")

work: ContextVar[tuple[str, str] | None] = ContextVar("work", default=None)
"""(trace id, correlation) of what is being done now."""


def _where(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    doing = work.get()
    if doing is not None:
        event.setdefault("trace_id", doing[0])
        event.setdefault("correlation", doing[1])
    return event


def _without_secrets(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for name in SECRET & event.keys():
        event[name] = "[removed]"
    return event


def without_values(text: str) -> str:
    """PostgreSQL's DETAIL lines quote the row that it refused: a person's address does not belong into a log."""
    return DETAIL.sub(r"\1[removed]", text)


def _without_details(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for name in ("exception", "event", "error"):
        if isinstance(event.get(name), str):
            event[name] = without_values(event[name])
    return event


def _json(value: Any, default: Any) -> str:
    return orjson.dumps(value, default=default).decode()


class Stdout(logging.Handler):
    """Standard output as it is at the time, which a supervisor (or a test) may have replaced."""

    def emit(self, record: logging.LogRecord) -> None:
        sys.stdout.write(f"{self.format(record)}\n")
        sys.stdout.flush()


def configure(service: str, level: str = "info") -> None:
    """Everything that logs in this process, ours and the libraries', writes the same JSON."""

    def _service(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        event["service"] = service
        return event

    shared: list[Any] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _service,
        _where,
        _without_secrets,
    ]
    ending: list[Any] = [
        structlog.processors.format_exc_info,
        _without_details,
        structlog.processors.JSONRenderer(serializer=_json),
    ]
    threshold = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[*shared, *ending],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=structlog.PrintLoggerFactory(),
        cache_logger_on_first_use=False,
    )
    handler = Stdout()
    strip = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=[strip, *ending]))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(threshold)
    for noisy in ("uvicorn.access", "nats", "httpx", "sqlalchemy.engine"):
        logging.getLogger(noisy).setLevel(max(threshold, logging.WARNING))

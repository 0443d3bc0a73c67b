"""Traces (OpenTelemetry, sent by OTLP when an endpoint is configured) and metrics (Prometheus).

Trace ids exist whether or not anybody collects them: they tie log lines, facts and mails of one cause together.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from prometheus_client import Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

REQUESTS = Histogram(
    "trama_http_seconds",
    "Seconds that requests took, by route and status",
    ["service", "method", "route", "status"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
LIMITED = Counter("trama_http_limited_total", "Requests refused because of a rate limit", ["service"])
LAG = Gauge("trama_lag", "What is waiting: facts to relay, to listen to, to retry, and due rows", ["service", "of"])
DUE = Counter("trama_due_total", "Due rows handled", ["service", "kind", "outcome"])

_propagator = TraceContextTextMapPropagator()
_collecting = False


def configure(service: str, endpoint: str | None) -> None:
    """Sends spans to `endpoint` (OTLP over HTTP, `http://collector:4318`); without one no span is made."""
    global _collecting
    if endpoint is None:
        return
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    provider = TracerProvider(resource=Resource.create({"service.name": f"trama-{service}"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(f"{endpoint.rstrip('/')}/v1/traces")))
    trace.set_tracer_provider(provider)
    _collecting = True


def traceparent(parent: str | None = None) -> str:
    """A W3C traceparent for work that starts here, in the trace of `parent` when there is one."""
    span = f"{random.getrandbits(64):016x}"
    if parent is not None and len(parent) == 55 and parent.count("-") == 3:
        return f"00-{parent[3:35]}-{span}-{parent[53:]}"
    return f"00-{random.getrandbits(128):032x}-{span}-01"


def trace_id(parent: str) -> str:
    return parent[3:35]


@contextmanager
def span(
    name: str,
    parent: str | None = None,
    *,
    kind: SpanKind = SpanKind.INTERNAL,
    attributes: Mapping[str, Any] | None = None,
) -> Iterator[str]:
    """Work with a name in the trace of `parent`; gives the traceparent to hand on. Without a collector: ids only."""
    if not _collecting:
        yield traceparent(parent)
        return
    context = _propagator.extract({"traceparent": parent}) if parent else None
    tracer = trace.get_tracer("trama")
    with tracer.start_as_current_span(name, context=context, kind=kind, attributes=dict(attributes or {})):
        carrier: dict[str, str] = {}
        _propagator.inject(carrier)
        yield carrier.get("traceparent") or traceparent(parent)


def exposition() -> tuple[bytes, str]:
    return generate_latest(), CONTENT_TYPE_LATEST

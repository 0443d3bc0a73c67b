"""How a fact looks on NATS: CloudEvents 1.0 in binary mode, the body being the fact as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from pydantic import ValidationError

from shared.contracts.envelope import FACTS, Fact
from shared.messaging.context import Cause
from shared.messaging.handlers import Received

MESSAGE_ID = "Nats-Msg-Id"


class Undecodable(Exception):
    """Headers or body are not what their type says; the message names what is wrong, never the content."""


def headers(
    *,
    fact_id: UUID,
    type_: str,
    subject: str,
    generation: int,
    network_id: UUID | None,
    occurred_at: datetime,
    carried: Mapping[str, str],
    message_id: UUID | None = None,
) -> dict[str, str]:
    """`carried`: correlationid, causationid, traceparent. `message_id` is what the stream discards duplicates by."""
    service, aggregate, id_, _ = subject.split(".", 3)
    made = {
        MESSAGE_ID: str(message_id or fact_id),
        "ce-specversion": "1.0",
        "ce-id": str(fact_id),
        "ce-source": f"/{service}",
        "ce-type": type_,
        "ce-subject": f"{aggregate}/{id_}",
        "ce-time": (occurred_at if occurred_at.tzinfo is UTC else occurred_at.astimezone(UTC)).isoformat(),
        "ce-generation": str(generation),
        "content-type": "application/json",
    }
    if network_id is not None:
        made["ce-network"] = str(network_id)
    for name in ("correlationid", "causationid"):
        if name in carried:
            made[f"ce-{name}"] = carried[name]
    if "traceparent" in carried:
        made["traceparent"] = "".join(carried["traceparent"].split())  # it came from outside
    return made


def fact_id(headers: Mapping[str, str]) -> UUID | None:
    try:
        return UUID(headers["ce-id"])
    except (KeyError, ValueError):
        return None


def aggregate_id(subject: str) -> UUID | None:
    """The third token of `<service>.<aggregate>.<id>.<fact>`."""
    try:
        return UUID(subject.split(".")[2])
    except (IndexError, ValueError):
        return None


def decode(subject: str, headers: Mapping[str, str], body: bytes) -> Received[Fact]:
    """Raises Undecodable; the type must be a known one (`FACTS`)."""
    try:
        id_ = UUID(headers["ce-id"])
        cause = Cause(
            correlation=UUID(headers["ce-correlationid"]) if "ce-correlationid" in headers else id_,
            causation=id_,
            traceparent=headers.get("traceparent"),
        )
        fact = FACTS[headers["ce-type"]].model_validate_json(body)
        received = Received(
            fact=fact,
            fact_id=id_,
            generation=int(headers.get("ce-generation", "1")),
            occurred_at=datetime.fromisoformat(headers["ce-time"]),
            cause=cause,
            because_of=UUID(headers["ce-causationid"]) if "ce-causationid" in headers else None,
        )
    except ValidationError as error:
        where = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'body'}: {e['type']}" for e in error.errors()[:5])
        raise Undecodable(f"the body is not a {headers['ce-type']}: {where}") from None
    except (KeyError, ValueError) as error:
        raise Undecodable(f"the headers are not those of a fact: {type(error).__name__} {error}") from None
    if fact.subject != subject:
        raise Undecodable(f"the body speaks of {fact.subject}, the subject of another")
    return received


def as_mapping(headers: Any) -> dict[str, str]:
    return {str(name): str(value) for name, value in (headers or {}).items()}

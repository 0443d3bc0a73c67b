"""`python -m shared.contracts.asyncapi`: prints the AsyncAPI 3 document of all facts, docs/asyncapi.json."""

from __future__ import annotations

import inspect
import json
import sys
from typing import Any

from shared.contracts import FACTS, Fact

HEADERS = {
    "type": "object",
    "description": "CloudEvents 1.0, binary mode",
    "required": ["ce-id", "ce-type", "ce-source", "ce-time", "ce-subject", "ce-generation", "ce-correlationid"],
    "properties": {
        "ce-specversion": {"const": "1.0"},
        "ce-id": {"type": "string", "format": "uuid", "description": "the fact's own id"},
        "ce-type": {"type": "string"},
        "ce-source": {"type": "string", "description": "`/` and the service"},
        "ce-subject": {"type": "string", "description": "`<aggregate>/<id>`"},
        "ce-time": {"type": "string", "format": "date-time"},
        "ce-network": {"type": "string", "format": "uuid"},
        "ce-generation": {"type": "string", "description": "rises when a service was restored from a backup"},
        "ce-correlationid": {
            "type": "string",
            "format": "uuid",
            "description": "the same for all that a request caused",
        },
        "ce-causationid": {"type": "string", "format": "uuid", "description": "the fact that led to this one"},
        "traceparent": {"type": "string", "description": "W3C trace context"},
        "content-type": {"const": "application/json"},
    },
}


def document() -> dict[str, Any]:
    facts = sorted(FACTS.values(), key=lambda fact: fact.type)
    schemas: dict[str, Any] = {}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Trama: facts",
            "version": "1",
            "description": "What the services tell each other over NATS JetStream, one stream for each service.",
            "license": {"name": "EUPL-1.2"},
        },
        "defaultContentType": "application/json",
        "channels": {_channel(fact): _channel_of(fact) for fact in facts},
        "operations": {
            f"publish.{_channel(fact)}": {
                "action": "send",
                "channel": {"$ref": f"#/channels/{_channel(fact)}"},
                "messages": [{"$ref": f"#/channels/{_channel(fact)}/messages/{fact.type}"}],
            }
            for fact in facts
        },
        "components": {
            "messages": {fact.type: _message(fact, schemas) for fact in facts},
            "messageTraits": {"fact": {"headers": HEADERS, "contentType": "application/json"}},
            "schemas": schemas,
        },
    }


def _channel(fact: type[Fact]) -> str:
    return fact.type.removeprefix("trama.")


def _channel_of(fact: type[Fact]) -> dict[str, Any]:
    service, aggregate, name = fact.name.split(".")
    return {
        "address": f"{service}.{aggregate}.{{id}}.{name}",
        "parameters": {"id": {"description": f"the id of the {aggregate.replace('_', ' ')}"}},
        "messages": {fact.type: {"$ref": f"#/components/messages/{fact.type}"}},
    }


def _message(fact: type[Fact], schemas: dict[str, Any]) -> dict[str, Any]:
    schema = fact.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas.update(schema.pop("$defs", {}))
    summary = " ".join(inspect.cleandoc(fact.__doc__ or "").split())
    described = {"summary": summary} if summary and "__doc__" in fact.__dict__ else {}
    return {
        "name": fact.type,
        **described,
        "traits": [{"$ref": "#/components/messageTraits/fact"}],
        "payload": schema,
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(document(), indent=2, ensure_ascii=False) + "\n")

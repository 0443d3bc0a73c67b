"""The OpenAPI document of a service: what FastAPI knows, and what the edge adds to every operation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from shared.runtime.context import Service
from shared.runtime.edge import edge
from shared.runtime.problems import TYPES

PROBLEM_NAME = "ProblemDetails"
"""RFC 9457's own word: a service may have a model of its own named Problem."""
PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status"],
    "properties": {
        "type": {"type": "string", "format": "uri", "description": f"Stable: `{TYPES}` and a catalogued word"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["path", "code", "accepted"],
                "properties": {"path": {"type": "string"}, "code": {"type": "string"}, "accepted": {}},
            },
        },
        "correlation": {"type": "string", "format": "uuid"},
    },
    "example": {
        "type": f"{TYPES}invalid",
        "title": "Richiesta non valida",
        "status": 422,
        "detail": "`errors` dice quali valori e che cosa si accetta.",
        "errors": [{"path": "/since", "code": "date_parsing", "accepted": "a day, YYYY-MM-DD"}],
    },
}
SCHEMES = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "Token of the registry's issuer",
    },
    "key": {"type": "http", "scheme": "bearer", "description": "API key `trama_…` of a partner system"},
}
IDEMPOTENCY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "The same key with the same request gets the first answer again; nothing is done twice",
    "schema": {"type": "string", "pattern": "^[\\x21-\\x7e]{1,255}$"},
}
IF_MATCH = {
    "name": "If-Match",
    "in": "header",
    "required": True,
    "description": "The ETag of the version to be changed",
    "schema": {"type": "string", "pattern": '^"[0-9]{1,9}(-[0-9a-z]{1,32})?"$', "examples": ['"3"']},
}
GUARDED: dict[str, Any] = {"parameters": [IF_MATCH]}
"""`openapi_extra` of a POST or DELETE that changes one version; of a PUT or PATCH it is known."""
SEEN = {
    "name": "seen",
    "in": "query",
    "required": False,
    "description": "The id of a fact that the answer must have taken in; waited for up to 2 s",
    "schema": {"type": "string", "format": "uuid"},
}
METHODS = ("get", "head", "put", "post", "delete", "patch")


def document(app: FastAPI, service: Service) -> dict[str, Any]:
    made = get_openapi(
        title=f"Trama: {service.title or service.name}",
        version="1.0.0",
        openapi_version="3.1.0",
        routes=app.routes,
        description="Errors are RFC 9457 problems in the language of `Accept-Language` (it, en).",
        servers=[{"url": "/"}],
    )
    components = made.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for own in ("HTTPValidationError", "ValidationError"):
        schemas.pop(own, None)
    if PROBLEM_NAME in schemas:
        raise ValueError(f"{service.name} has a model named {PROBLEM_NAME}, which is the platform's")
    schemas[PROBLEM_NAME] = PROBLEM
    components["securitySchemes"] = SCHEMES
    guarded = {(m.lower(), path) for path, route in routes(app) if asks(route.dependant) for m in route.methods or ()}
    for path, item in made["paths"].items():
        for method in METHODS & item.keys():
            _complete(item[method], method, guarded=(method, path) in guarded)
    return made


def _complete(operation: dict[str, Any], method: str, *, guarded: bool) -> None:
    operation["security"] = [{"bearer": []}, {"key": []}] if guarded else []
    parameters = operation["parameters"] = [*operation.get("parameters", ())]  # a route's own may be shared
    if guarded and method == "post":
        parameters.append(IDEMPOTENCY)
    elif guarded and method in ("put", "patch") and IF_MATCH not in parameters:
        parameters.append(IF_MATCH)
    elif guarded and method == "get":
        parameters.append(SEEN)
    responses = operation["responses"]
    if "problem" not in str(responses.get("422", "")):
        responses.pop("422", None)
    shown = {kind for answer in responses.values() for kind in answer.get("content", ())}
    refused: dict[str, Any] = {"application/problem+json": {"schema": {"$ref": f"#/components/schemas/{PROBLEM_NAME}"}}}
    if "text/html" in shown:
        refused["text/html"] = {"schema": {"type": "string"}}  # a page's refusals are pages too
    responses["default"] = {"description": "Problem", "content": refused}


def routes(app: FastAPI) -> Iterator[tuple[str, APIRoute]]:
    """Every route with its whole path, those of included routers too."""
    for route in app.routes:
        for effective in getattr(route, "_effective_candidates", None) or [route]:
            original = getattr(effective, "original_route", effective)
            if isinstance(original, APIRoute):
                yield str(getattr(effective, "path_format", original.path_format)), original


def asks(dependant: Dependant) -> bool:
    """The route wants to know who asks."""
    return any(d.call is edge or asks(d) for d in dependant.dependencies)

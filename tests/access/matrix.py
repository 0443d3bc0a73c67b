"""Nobody gets in: every operation of a service's OpenAPI document, asked by everybody who must be refused.

In a service's tests:

```python
from tests.access.matrix import STRANGERS, guarded, refused

@pytest.mark.parametrize("stranger", STRANGERS)
async def test_nobody_gets_in(registry: Running, stranger: str) -> None:
    await refused(registry, stranger, public=PUBLIC, ids={"id": …}, network=…)
```
A new endpoint is in the document, so it is asked too; one that is open must be named in `public`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from uuid_utils.compat import uuid7

from shared.access import jwks, tokens
from shared.access.roles import Role
from shared.contracts.registry import Grant
from shared.runtime import openapi
from tests.harness import Running

ALWAYS_PUBLIC = frozenset({"GET /vocabularies"})
ANYBODY_SIGNED_IN = frozenset({"GET /me"})
"""Tell the caller about the caller: refused without a good token, not for want of a role."""

UNKNOWN = (
    "no token",
    "nonsense",
    "expired",
    "wrong audience",
    "wrong issuer",
    "wrong key",
    "no signature",
    "revoked key",
)
"""Answered 401 everywhere."""
POWERLESS = ("no grant", "wrong network", "ended mandate", "mandate to come")
"""Good tokens without a right here: never answered with success, nor with a server's error."""
STRANGERS = (*UNKNOWN, *POWERLESS)


@dataclass(frozen=True)
class Operation:
    """One operation; `path` is the whole one, `name` leaves out the service and the version."""

    method: str
    path: str
    name: str
    body: Any
    content_type: str | None


def operations(running: Running) -> list[Operation]:
    """Every documented operation, named as in its service: `GET /networks/{network}/things`."""
    document = running.app.openapi()
    found = []
    for path, item in document["paths"].items():
        for method in openapi.METHODS:
            if method in item:
                content = item[method].get("requestBody", {}).get("content", {})
                kind = next(iter(content), None)
                body = example(content[kind]["schema"], document) if kind else None
                name = f"{method.upper()} {short(path, running.service.name)}"
                found.append(Operation(method.upper(), path, name, body, kind))
    return found


def short(path: str, service: str) -> str:
    return path.removeprefix(f"/{service}/v1").removeprefix(f"/{service}")


def example(schema: Mapping[str, Any], document: Mapping[str, Any]) -> Any:
    """The schema's own example, or the simplest value that fits it."""
    if "$ref" in schema:
        return example(document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]], document)
    if schema.get("examples"):
        return schema["examples"][0]
    for known in ("example", "default", "const"):
        if known in schema:
            return schema[known]
    if "enum" in schema:
        return schema["enum"][0]
    for several in ("anyOf", "oneOf", "allOf"):
        if several in schema:
            return example(schema[several][0], document)
    if schema.get("type") == "object":
        wanted = schema.get("required", [])
        return {name: example(s, document) for name, s in schema.get("properties", {}).items() if name in wanted}
    if schema.get("type") == "array":
        return [example(schema["items"], document)] if schema.get("minItems") else []
    return SIMPLE.get(schema.get("format", ""), SIMPLE.get(schema.get("type", ""), "x" * schema.get("minLength", 1)))


SIMPLE: dict[str, Any] = {
    "uuid": str(UUID(int=7)),
    "date": "2026-01-31",
    "date-time": "2026-01-31T10:00:00Z",
    "email": "someone@example.org",
    "integer": 1,
    "number": 1,
    "boolean": True,
    "null": None,
}


async def strangers(running: Running, stranger: str, network: UUID) -> dict[str, str]:
    """The headers of one who must be refused everywhere in `network`."""
    person, settings = uuid7(), running.context.settings
    if stranger in POWERLESS:
        return await powerless(running, stranger, network)
    if stranger == "no token":
        return {}
    await running.grant(person, _grant(network))  # the person could do everything, were the token good
    good: dict[str, Any] = {}
    key, issuer = running.key, settings.issuer
    if stranger == "nonsense":
        return {"authorization": "Bearer nonsense"}
    if stranger == "revoked key":
        return {"authorization": f"Bearer trama_{uuid7().hex}_{'x' * 43}"}
    if stranger == "no signature":
        head, payload, _ = running.token(person).split(".")
        none = "eyJhbGciOiJub25lIn0"
        assert head != none
        return {"authorization": f"Bearer {none}.{payload}."}
    if stranger == "expired":
        good["lifetime"] = timedelta(minutes=-1)
    elif stranger == "wrong audience":
        good["audience"] = "another"
    elif stranger == "wrong issuer":
        issuer = "https://elsewhere.example"
    elif stranger == "wrong key":
        key = jwks.new_key()
    return {"authorization": f"Bearer {tokens.sign(key, issuer, person, **good)}"}


async def powerless(running: Running, stranger: str, network: UUID) -> dict[str, str]:
    today = running.context.clock.today()
    whole = {
        "no grant": (),
        "wrong network": (_grant(uuid7()),),
        "ended mandate": (_grant(network, until=today),),
        "mandate to come": (_grant(network, since=today + timedelta(days=1)),),
    }
    return await running.grant(uuid7(), *whole[stranger])


def _grant(network: UUID, since: date = date(2000, 1, 1), until: date | None = None) -> Grant:
    return Grant(role=Role.SECRETARIAT, network_id=network, since=since, until=until)


def guarded(running: Running, public: Collection[str] = ()) -> Iterator[Operation]:
    """The operations that must be refused; a name in `public` that is no operation is a mistake."""
    every = operations(running)
    unknown = set(public) - {operation.name for operation in every}
    assert not unknown, f"not in the document: {sorted(unknown)}"
    return (o for o in every if o.name not in ALWAYS_PUBLIC | set(public))


async def refused(
    running: Running,
    stranger: str,
    *,
    network: UUID,
    public: Collection[str] = (),
    signed_in: Collection[str] = (),
    ids: Mapping[str, str] | None = None,
) -> None:
    """Asks every guarded operation as this stranger.

    `ids` fill path parameters with things of `network` that exist (others: a UUID that nothing has); `signed_in` names
    operations that any person may call about themselves.
    """
    headers = await strangers(running, stranger, network)
    let_in = []
    for operation in guarded(running, public):
        if stranger in POWERLESS and operation.name in ANYBODY_SIGNED_IN | set(signed_in):
            continue
        answer = await ask(running, operation, headers, network, ids or {})
        allowed = {401} if stranger in UNKNOWN else {403, 404, 409, 412, 422}
        if answer.status_code not in allowed:
            let_in.append(f"{operation.name} -> {answer.status_code} {answer.text[:200]}")
    assert not let_in, f"{stranger}:\n" + "\n".join(let_in)


async def ask(
    running: Running, operation: Operation, headers: dict[str, str], network: UUID, ids: Mapping[str, str]
) -> Any:
    """One call as well-formed as the document lets us know."""
    path = operation.path
    for name in [part[1:-1] for part in path.split("/") if part.startswith("{")]:
        filled = str(network) if name == "network" else ids.get(name, str(UUID(int=7)))
        path = path.replace(f"{{{name}}}", filled)
    given: dict[str, Any] = {}
    if operation.content_type == "application/json":
        given["json"] = operation.body
    elif operation.content_type == "multipart/form-data":
        given["files"] = {"file": ("a.csv", b"a")}
    elif operation.content_type:
        given["data"] = operation.body
    return await running.client.request(operation.method, path, headers={"if-match": '"1"', **headers}, **given)


def unlisted(running: Running, public: Collection[str]) -> list[str]:
    """Operations that the document calls open and the test does not."""
    document = running.app.openapi()
    open_ = [
        f"{method.upper()} {short(path, running.service.name)}"
        for path, item in document["paths"].items()
        for method in openapi.METHODS
        if method in item and item[method]["security"] == []
    ]
    return sorted(set(open_) - ALWAYS_PUBLIC - set(public))

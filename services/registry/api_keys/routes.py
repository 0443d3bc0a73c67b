"""HTTP of partners' keys, and the exchange of a key for a short token."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

import orjson
from fastapi import APIRouter, Form, Header
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response

from services.registry.api_keys import commands, queries
from services.registry.api_keys.commands import Shown
from services.registry.api_keys.rules import (
    ApiKey,
    PastExpiry,
    Revoked,
    ScopeTooWide,
    UnfitOrigin,
    UnfitScope,
    UnknownApiKey,
)
from services.registry.settings import Settings
from shared.access import keys, loading, tokens
from shared.access.actor import Actor
from shared.access.roles import Level
from shared.access.tokens import Identity
from shared.runtime.clock import wall
from shared.runtime.edge import Anyone, At, Edge
from shared.runtime.openapi import GUARDED
from shared.runtime.paging import After, Limit, PageOut
from shared.runtime.problems import not_found, problem
from shared.runtime.shapes import Instant, line

routes = APIRouter(tags=["api keys"])

Title = Annotated[str, line(200)]
Scope = Annotated[str, StringConstraints(max_length=80)]
Origin = Annotated[str, StringConstraints(max_length=200)]


class IssueBody(BaseModel):
    """Scopes are `<service>:<right>` or `<service>:*`; origins are the sites whose pages may use the key."""

    model_config = ConfigDict(extra="forbid")

    title: Title = Field(examples=["Sito di Aprire"])
    scopes: list[Scope] = Field(min_length=1, max_length=50, examples=[["registry:read_organisations", "mapping:*"]])
    origins: list[Origin] = Field(default=[], max_length=20, examples=[["https://www.example.org"]])
    per_minute: int = Field(default=600, ge=1, le=6000)
    expires_at: Instant | None = None


class RotateBody(BaseModel):
    """For how many hours the secret in force stays good."""

    model_config = ConfigDict(extra="forbid")

    grace_hours: int = Field(default=24, ge=0, le=720)


class KeyOut(BaseModel):
    """`credential` is shown once, when the key is issued or rotated; nobody can read it again."""

    id: UUID
    network_id: UUID
    title: str
    scopes: list[str]
    origins: list[str]
    per_minute: int
    expires_at: datetime | None
    previous_until: datetime | None
    revoked_at: datetime | None
    credential: str | None
    href: str
    version: int
    allowed_actions: list[str]

    @classmethod
    def of(cls, shown: Shown | ApiKey) -> KeyOut:
        key, credential = (shown, None) if isinstance(shown, ApiKey) else (shown.key, shown.credential)
        return cls(
            id=key.id,
            network_id=key.network_id,
            title=key.title,
            scopes=list(key.scopes),
            origins=list(key.origins),
            per_minute=key.per_minute,
            expires_at=key.expires_at,
            previous_until=key.previous_until,
            revoked_at=key.revoked_at,
            credential=credential,
            href=f"/registry/v1/api-keys/{key.id}",
            version=key.version,
            allowed_actions=key.actions(),
        )


class TokenOut(BaseModel):
    """RFC 6749, section 5.1."""

    access_token: str
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105 (a scheme)
    expires_in: int
    scope: str | None = None


@routes.post("/networks/{network}/api-keys", status_code=201, response_model=KeyOut)
async def issue(network: str, body: IssueBody, at: At) -> Response:
    """Issues a key for a partner's system. `credential` is shown now and never again."""
    return await shown_once(
        at,
        commands.issue,
        network,
        location=lambda shown: f"/registry/v1/api-keys/{shown.key.id}",
        **body.model_dump(),
    )


@routes.get("/networks/{network}/api-keys", response_model=PageOut[KeyOut])
async def api_keys(network: str, at: At, after: After = None, limit: Limit = 50) -> Response:
    """The keys of a network, without their secrets."""
    return await at.page(queries.listed, network, after=after, limit=limit, out=KeyOut.of)


@routes.get("/api-keys/{key_id}", response_model=KeyOut)
async def api_key(key_id: UUID, at: At) -> Response:
    """A key, without its secret."""
    return await at.read(queries.get, key_id, out=KeyOut.of)


@routes.post("/api-keys/{key_id}/rotate", response_model=KeyOut, openapi_extra=GUARDED)
async def rotate(key_id: UUID, body: RotateBody, at: At) -> Response:
    """A new secret, shown once; the old one stays good for the grace time. Needs If-Match."""
    grace = timedelta(hours=body.grace_hours)
    return await shown_once(at, commands.rotate, key_id, grace=grace, expected=at.if_match())


@routes.post("/api-keys/{key_id}/revoke", response_model=KeyOut, openapi_extra=GUARDED)
async def revoke(key_id: UUID, at: At) -> Response:
    """Ends a key, everywhere within seconds. Needs If-Match."""
    return await at.command(commands.revoke, key_id, expected=at.if_match(), out=KeyOut.of)


async def shown_once(at: Edge, command: Callable[..., Awaitable[Shown]], *args: Any, **kw: Any) -> Response:
    """The answer with the credential in it. What is kept for an Idempotency-Key has none: a repeated request is
    answered without it, and no secret is ever at rest."""
    done: list[Shown] = []

    def without_credential(shown: Shown) -> KeyOut:
        done.append(shown)
        return KeyOut.of(shown.key)

    answer = await at.command(command, *args, out=without_credential, **kw)
    if not done:
        return answer
    headers = {name: answer.headers[name] for name in ("etag", "location") if name in answer.headers}
    body = KeyOut.of(done[-1]).model_dump_json()
    return Response(body, answer.status_code, {**headers, "cache-control": "no-store"}, media_type="application/json")


class BadClient(Exception):
    """The credentials of a partner's system are not good."""


@routes.post("/token", response_model=TokenOut)
async def token(
    at: Anyone,
    grant_type: Annotated[Literal["client_credentials"], Form()],  # noqa: ARG001 (checked by being declared)
    client_id: Annotated[str | None, Form(max_length=100)] = None,
    client_secret: Annotated[str | None, Form(max_length=200)] = None,
    scope: Annotated[str | None, Form(max_length=2000)] = None,
    authorization: Annotated[str | None, Header(include_in_schema=False)] = None,
) -> Response:
    """OAuth 2.0 client credentials: `client_id` is the key's id, `client_secret` its whole credential (`trama_…`), in
    the form or as HTTP Basic. The answer is a short token with the key's scopes, or those of them that are asked for.
    """
    settings = at.context.settings
    assert isinstance(settings, Settings)
    named, secret = basic(authorization) or (client_id, client_secret)
    shown = keys.parse(secret or "")
    if shown is None or not named or named not in (str(shown[0]), shown[0].hex):
        raise BadClient
    identity = Identity(key_id=shown[0], secret_sha256=shown[1], scopes=tuple(scope.split()) if scope else None)

    async def known(session: AsyncSession, actor: Actor, *, now: datetime) -> Actor:  # noqa: ARG001
        return (await loading.key(session, identity, wall()))[0]

    try:
        partner = await at.query(known)
    except loading.KeyInvalid as error:
        raise BadClient from error
    lifetime = timedelta(minutes=settings.token_minutes)
    signed = tokens.sign(
        settings.signing_key,
        settings.issuer,
        shown[0],
        level=Level.KEY,
        of_key=True,
        scopes=partner.scopes,
        lifetime=lifetime,
    )
    made = TokenOut(access_token=signed, expires_in=int(lifetime.total_seconds()), scope=" ".join(partner.scopes))
    return Response(
        orjson.dumps(made.model_dump()), headers={"cache-control": "no-store"}, media_type="application/json"
    )


def basic(authorization: str | None) -> tuple[str, str] | None:
    """User and password of HTTP Basic, if that is what was sent."""
    scheme, _, encoded = (authorization or "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise BadClient from error
    return user, password


problems = {
    UnknownApiKey: not_found,
    UnfitScope: problem(
        "scope-unfit",
        422,
        it="Ambito sconosciuto\nUn ambito è <servizio>:<diritto> oppure <servizio>:*.",
        en="Unknown scope\nA scope is <service>:<right> or <service>:*.",
    ),
    ScopeTooWide: problem(
        "scope-too-wide",
        403,
        it="Ambito troppo ampio\nNon si possono dare a una chiave diritti che non si hanno.",
        en="Scope too wide\nNobody can give a key rights that they have not themselves.",
    ),
    UnfitOrigin: problem(
        "origin-unfit",
        422,
        it="Origine non valida\nSi scrive come la scrive un browser: https://www.example.org, senza percorso.",
        en="Unfit origin\nIt is written as a browser writes it: https://www.example.org, without a path.",
        accepted="https://www.example.org",
    ),
    PastExpiry: problem(
        "expiry-past",
        422,
        it="Scadenza passata\nLa scadenza di una chiave deve essere nel futuro.",
        en="Expiry in the past\nA key must expire in the future.",
        path="/expires_at",
    ),
    Revoked: problem(
        "key-revoked",
        409,
        it="La chiave è revocata\nUna chiave revocata non torna valida: emetterne un'altra.",
        en="The key is revoked\nA revoked key never becomes good again: issue another one.",
    ),
    BadClient: problem(
        "client-invalid",
        401,
        it="Credenziali non valide\nLa chiave è sconosciuta, scaduta o revocata, o il segreto è sbagliato.",
        en="Credentials not valid\nThe key is unknown, expired or revoked, or its secret is wrong.",
        headers={"www-authenticate": 'Basic realm="trama"'},
    ),
}

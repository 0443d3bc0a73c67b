"""Signing in with any OpenID Connect provider: authorization code with PKCE, and the checks on the id token.

httpx is imported where it is needed: only the registry talks to providers, and only its extra brings it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from shared.access import jwt
from shared.access.jwks import PublicKeys
from shared.access.jwt import TokenExpired, TokenInvalid

ALGORITHMS = ("ES256", "RS256")

__all__ = [
    "ALGORITHMS",
    "Authorization",
    "Provider",
    "Subject",
    "TokenExpired",
    "TokenInvalid",
    "authorize",
    "exchange",
    "verify",
]


@dataclass(frozen=True)
class Provider:
    """One provider, by configuration. `jwks` is a file or a URL; its tokens must have `client_id` as their audience."""

    name: str
    issuer: str
    client_id: str
    jwks: str
    title: str = ""
    client_secret: str | None = field(default=None, repr=False)
    authorization_endpoint: str | None = None
    token_endpoint: str | None = None
    scope: str = "openid email"
    keys: PublicKeys = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "keys", PublicKeys(self.jwks))


@dataclass(frozen=True, slots=True)
class Subject:
    """Who the provider says signed in: people are kept by (issuer, subject). The address counts only when verified."""

    issuer: str
    subject: str
    email: str | None
    email_verified: bool
    claims: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Authorization:
    """Where to send the browser, and what to remember (server side, or in a signed cookie) until it comes back."""

    url: str
    state: str
    nonce: str
    code_verifier: str


async def verify(provider: Provider, id_token: str, *, nonce: str | None = None) -> Subject:
    """The subject of an id token: signature, issuer, audience, `azp`, times and, when one was sent, the nonce.

    Raises TokenInvalid, TokenExpired, KeysUnreadable.
    """
    claims = await jwt.verify(
        id_token, provider.keys, issuer=provider.issuer, audience=provider.client_id, algorithms=ALGORITHMS
    )
    if claims.get("azp", provider.client_id) != provider.client_id:
        raise TokenInvalid("authorised party")
    if isinstance(claims.get("aud"), list) and len(claims["aud"]) > 1 and "azp" not in claims:
        raise TokenInvalid("several audiences and no authorised party")
    if nonce is not None and not hmac.compare_digest(str(claims.get("nonce", "")), nonce):
        raise TokenInvalid("nonce")
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= 255:
        raise TokenInvalid("subject")
    email = claims.get("email")
    return Subject(
        provider.issuer,
        subject,
        email if isinstance(email, str) else None,
        claims.get("email_verified") is True,
        claims,
    )


def authorize(provider: Provider, redirect_uri: str) -> Authorization:
    """The first step of signing in with a browser."""
    if provider.authorization_endpoint is None:
        raise ValueError(f"{provider.name}: authorization_endpoint is not configured")
    state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    asked = {
        "response_type": "code",
        "client_id": provider.client_id,
        "redirect_uri": redirect_uri,
        "scope": provider.scope,
        "state": state,
        "nonce": nonce,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    return Authorization(f"{provider.authorization_endpoint}?{urlencode(asked)}", state, nonce, verifier)


async def exchange(
    provider: Provider, code: str, redirect_uri: str, code_verifier: str, *, nonce: str, wait: float = 10
) -> Subject:
    """The second step: the code for an id token, verified. Raises TokenInvalid when the provider refuses the code."""
    import httpx

    if provider.token_endpoint is None:
        raise ValueError(f"{provider.name}: token_endpoint is not configured")
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": redirect_uri,
        "client_id": provider.client_id,
        "code_verifier": code_verifier,
    }
    auth = httpx.BasicAuth(provider.client_id, provider.client_secret) if provider.client_secret else None
    async with httpx.AsyncClient(timeout=wait, auth=auth) as client:
        try:
            answer = await client.post(provider.token_endpoint, data=form)
            id_token = answer.json()["id_token"] if answer.is_success else None
        except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
            raise TokenInvalid("the provider did not answer with an id token") from error
    if not isinstance(id_token, str):
        raise TokenInvalid("the provider refused the code")
    return await verify(provider, id_token, nonce=nonce)

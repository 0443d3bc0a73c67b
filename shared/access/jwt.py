"""Signed statements (JWS, ES256 or as allowed) and the checks that all of them have in common."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Sequence
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from shared.access.jwks import PublicKeys

ES256 = ("ES256",)
LEEWAY = 5
"""Seconds by which clocks of two machines may differ."""
LONGEST = 8192


class TokenInvalid(Exception):
    """Not ours, not for us, not whole, or signed with what we do not accept."""


class TokenExpired(TokenInvalid):
    """It was good, and its time is over; `claims` are what it said."""

    def __init__(self, why: str, claims: dict[str, Any] | None = None) -> None:
        super().__init__(why)
        self.claims = claims or {}


def sign(key: ECKey, claims: dict[str, Any]) -> str:
    return jwt.encode({"alg": "ES256", "kid": key.kid}, claims, key, algorithms=list(ES256))


def header(token: str) -> dict[str, Any]:
    """The header of a compact JWS, unverified. Raises TokenInvalid."""
    first, dot, _ = token[:LONGEST].partition(".")
    try:
        found = json.loads(base64.urlsafe_b64decode(first + "=" * (-len(first) % 4)))
    except ValueError as error:
        raise TokenInvalid("not a JWT") from error
    if not dot or not isinstance(found, dict):
        raise TokenInvalid("not a JWT")
    return found


async def verify(
    token: str, keys: PublicKeys, *, issuer: str, audience: str, algorithms: Sequence[str] = ES256
) -> dict[str, Any]:
    """The claims of a token whose signature, issuer, audience and times are right (wall time).

    The algorithm is taken from our list, never from the token alone, and must fit the key: `none`, or HS256 with a
    public key for a secret, end here. Raises TokenInvalid, TokenExpired, KeysUnreadable.
    """
    if len(token) > LONGEST:
        raise TokenInvalid("too long")
    head = header(token)
    kid, algorithm = head.get("kid"), head.get("alg")
    if not isinstance(algorithm, str) or algorithm not in algorithms or not isinstance(kid, str):
        raise TokenInvalid("algorithm not allowed, or no key named")
    key = await keys.find(kid)
    if key is None or key.key_type != ("RSA" if algorithm.startswith(("RS", "PS")) else "EC"):
        raise TokenInvalid("unknown key")
    try:
        claims = jwt.decode(token, key, algorithms=[algorithm]).claims
    except (JoseError, ValueError) as error:
        raise TokenInvalid("signature or form") from error
    check(claims, issuer=issuer, audience=audience)
    return claims


def check(claims: dict[str, Any], *, issuer: str, audience: str) -> None:
    now = time.time()
    for_us = claims.get("aud")
    if claims.get("iss") != issuer or audience not in (for_us if isinstance(for_us, list) else [for_us]):
        raise TokenInvalid("issuer or audience")
    expires, begins = claims.get("exp"), claims.get("nbf", 0)
    if not isinstance(expires, int | float) or not isinstance(begins, int | float) or begins > now + LEEWAY:
        raise TokenInvalid("times")
    if expires + LEEWAY < now:
        raise TokenExpired("expired", claims)

"""Bearer tokens: ES256 statements of the registry's issuer on who calls. Authority is not in them, but in the grants.

Claims: `iss` (`<public_url>/registry`), `aud` (`trama`), `sub` (the person, or the key for client credentials),
`level`, `admin`, `scope` (of a key, separated by spaces), `key` (true when `sub` is a key), `iat`, `exp`, `jti`.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from joserfc.jwk import ECKey
from uuid_utils.compat import uuid7

from shared.access import jwt
from shared.access.jwks import PublicKeys
from shared.access.jwt import LEEWAY, TokenExpired, TokenInvalid
from shared.access.roles import Level

AUDIENCE = "trama"
PAGES = "trama-pages"
"""Audience of the statement in a browser's cookie (`shared/runtime/sessions.py`), which is no bearer token."""
LIFETIME = timedelta(hours=1)
CACHED = 2048

__all__ = ["AUDIENCE", "LIFETIME", "PAGES", "Identity", "TokenExpired", "TokenInvalid", "Verifier", "sign"]


@dataclass(frozen=True, slots=True)
class Identity:
    """What a verified credential says: who, and how sure that is. `secret_sha256`: of an API key shown as it is."""

    person_id: UUID | None = None
    key_id: UUID | None = None
    level: Level = Level.KEY
    admin: bool = False
    scopes: tuple[str, ...] | None = None
    secret_sha256: str | None = None
    expires: float = float("inf")


def sign(
    key: ECKey,
    issuer: str,
    subject: UUID,
    *,
    level: Level = Level.LINK,
    admin: bool = False,
    of_key: bool = False,
    scopes: Sequence[str] = (),
    lifetime: timedelta = LIFETIME,
    audience: str = AUDIENCE,
) -> str:
    """A token that is good from now for `lifetime` (wall time)."""
    now = int(time.time())
    claims: dict[str, Any] = {
        "iss": issuer,
        "aud": audience,
        "sub": str(subject),
        "level": level.label,
        "iat": now,
        "exp": now + int(lifetime.total_seconds()),
        "jti": str(uuid7()),
    }
    if admin:
        claims["admin"] = True
    if of_key:
        claims |= {"key": True, "scope": " ".join(scopes)}
    return jwt.sign(key, claims)


class Verifier:
    """Verifies tokens; a token that was verified once is known until it expires (100 µs spared on each request)."""

    def __init__(self, keys: PublicKeys, issuer: str, audience: str = AUDIENCE) -> None:
        self.keys, self.issuer, self.audience = keys, issuer, audience
        self._known: OrderedDict[str, Identity] = OrderedDict()

    def known(self, token: str) -> Identity | None:
        """Raises TokenExpired when it was known and is over."""
        identity = self._known.get(token)
        if identity is not None and identity.expires + LEEWAY < time.time():
            del self._known[token]
            raise TokenExpired("expired")
        return identity

    async def verify(self, token: str) -> Identity:
        """Raises TokenInvalid, TokenExpired, KeysUnreadable."""
        identity = self.known(token)
        if identity is None:
            claims = await jwt.verify(token, self.keys, issuer=self.issuer, audience=self.audience)
            identity = _identity(claims)
            self._known[token] = identity
            if len(self._known) > CACHED:
                self._known.popitem(last=False)
        return identity


def _identity(claims: dict[str, Any]) -> Identity:
    try:
        subject, level = UUID(claims["sub"]), Level.named(claims["level"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise TokenInvalid("subject or level") from error
    expires = float(claims["exp"])
    if claims.get("key") is True:
        return Identity(key_id=subject, scopes=tuple(str(claims.get("scope", "")).split()), expires=expires)
    return Identity(person_id=subject, level=level, admin=claims.get("admin") is True, expires=expires)

"""Signed links, by which people without an account act: RSVP, ballot, unsubscribe, confirm.

Notify mints them with its own key; each service verifies with notify's public key. A link is for one service
(`audience`), one purpose and one subject, and expires (wall time). GET shows, POST acts. Single use is kept by the
service that acts: `use` in the same transaction as the act.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from joserfc.jwk import ECKey
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from shared.access import jwt
from shared.access.jwks import PublicKeys
from shared.access.tables import used_links

ISSUER = "trama-links"
OWN = frozenset({"iss", "aud", "sub", "purpose", "exp", "iat", "jti"})


class LinkInvalid(Exception):
    """Not whole, not signed by notify, for another service or for another purpose."""


class LinkExpired(LinkInvalid):
    """It was good, and its time is over."""


class LinkUsed(LinkInvalid):
    """It has acted already."""


@dataclass(frozen=True, slots=True)
class Link:
    """What a good link says. `jti` is its own id, for single use."""

    jti: UUID
    audience: str
    purpose: str
    subject: UUID
    expires: datetime
    claims: dict[str, Any] = field(default_factory=dict)


def mint(key: ECKey, audience: str, purpose: str, subject: UUID, expires: datetime, **claims: Any) -> str:
    """The token of a link for `audience` (a service's name); further claims are carried as they are."""
    own = {"iss": ISSUER, "aud": audience, "sub": str(subject), "purpose": purpose, "jti": str(uuid7())}
    return jwt.sign(key, {**claims, **own, "iat": int(time.time()), "exp": int(expires.timestamp())})


async def verify(token: str, audience: str, purpose: str, *, keys: PublicKeys, expired: bool = False) -> Link:
    """Raises LinkInvalid, LinkExpired, KeysUnreadable. `keys` are notify's (`context.link_keys`). With `expired` also
    one whose time is over: it says whom a fresh one would be sent to, and allows nothing else."""
    try:
        claims = await jwt.verify(token, keys, issuer=ISSUER, audience=audience)
    except jwt.TokenExpired as error:
        if not expired:
            raise LinkExpired("expired") from error
        claims = error.claims
    except jwt.TokenInvalid as error:
        raise LinkInvalid(str(error)) from error
    if claims.get("purpose") != purpose:
        raise LinkInvalid("another purpose")
    try:
        subject, jti = UUID(claims["sub"]), UUID(claims["jti"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise LinkInvalid("subject") from error
    expires = datetime.fromtimestamp(claims["exp"], tz=UTC)
    return Link(jti, audience, purpose, subject, expires, {k: v for k, v in claims.items() if k not in OWN})


async def use(session: AsyncSession, link: Link, now: datetime) -> None:
    """Marks the link as used, with the act that it allows. Raises LinkUsed, to the later one of two at once too."""
    marked = await session.execute(
        insert(used_links)
        .values(jti=link.jti, purpose=link.purpose, used_at=now)
        .on_conflict_do_nothing()
        .returning(used_links.c.jti)
    )
    if marked.first() is None:
        raise LinkUsed("used")

"""Keys of partner systems: which rights, in which network, from which sites, how often, until when."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from uuid_utils.compat import uuid7

from services.registry.policy import Right

SERVICES = ("registry", "mapping", "events", "learning", "notify")
SCOPE = re.compile(rf"({'|'.join(SERVICES)}):(\*|[a-z_]{{1,60}})")
ORIGIN = re.compile(r"https://[a-z0-9-]+(\.[a-z0-9-]+)*(:[0-9]{1,5})?|http://(localhost|127\.0\.0\.1)(:[0-9]{1,5})?")
LONGEST_GRACE = timedelta(days=30)


class UnknownApiKey(Exception):
    """No key has this id, or none that the caller may know of."""


class UnfitScope(Exception):
    """A scope is `<service>:<right>` or `<service>:*`, and its rights are rights that exist."""

    def __init__(self, position: int) -> None:
        super().__init__(f"scope {position}")
        self.path = f"/scopes/{position}"
        self.accepted = [*(f"registry:{right}" for right in Right), *(f"{service}:*" for service in SERVICES)]


class ScopeTooWide(Exception):
    """Nobody can give a key rights that they have not themselves."""

    def __init__(self, position: int) -> None:
        super().__init__(f"scope {position}")
        self.path = f"/scopes/{position}"


class UnfitOrigin(Exception):
    """An origin is a scheme, a host and a port, as a browser writes them."""

    def __init__(self, position: int) -> None:
        super().__init__(f"origin {position}")
        self.path = f"/origins/{position}"


class PastExpiry(Exception):
    """A key that expires in the past is none."""


class Revoked(Exception):
    """A revoked key stays revoked."""


@dataclass(eq=False)
class ApiKey:
    """Bound to the network `network_id`; good for `per_minute` requests a minute."""

    network_id: UUID
    title: str
    secret_sha256: str
    scopes: Sequence[str]
    origins: Sequence[str] = ()
    per_minute: int = 600
    expires_at: datetime | None = None
    issued_by: UUID | None = None
    previous_sha256: str | None = None
    previous_until: datetime | None = None
    revoked_at: datetime | None = None
    id: UUID = field(default_factory=uuid7)
    version: int = 0

    def rotate(self, secret_sha256: str, grace: timedelta, now: datetime) -> None:
        """A new secret; the one in force stays good for the grace time, an older one ends at once."""
        if self.revoked_at is not None:
            raise Revoked
        self.previous_sha256 = self.secret_sha256 if grace else None
        self.previous_until = now + grace if grace else None
        self.secret_sha256 = secret_sha256

    def revoke(self, now: datetime) -> None:
        """From now on, also during a grace time."""
        if self.revoked_at is not None:
            raise Revoked
        self.revoked_at = now

    def actions(self) -> list[str]:
        return [] if self.revoked_at is not None else ["rotate", "revoke"]


NOT_MEANT = (Right.FOUND_NETWORKS, Right.WRITE_PACTS)
"""What `registry:*` does not give: networks are founded by administrators, pacts are written by people alone."""


def check(key: ApiKey, has: Callable[[Right], bool], now: datetime) -> ApiKey:
    """The key, if all that it asks for exists and its issuer `has` it. Raises UnfitScope, ScopeTooWide, UnfitOrigin,
    PastExpiry. Rights of the other services are known there only, and scoped again by the network."""
    for position, scope in enumerate(key.scopes):
        named = SCOPE.fullmatch(scope)
        if named is None or (named[1] == "registry" and named[2] not in ("*", *Right)):
            raise UnfitScope(position)
        wanted = list(Right) if named[2] == "*" else [Right(named[2])] if named[1] == "registry" else []
        if named[1] == "registry" and not all(has(right) for right in wanted if right not in NOT_MEANT):
            raise ScopeTooWide(position)
    for position, origin in enumerate(key.origins):
        if not ORIGIN.fullmatch(origin):
            raise UnfitOrigin(position)
    if key.expires_at is not None and key.expires_at <= now:
        raise PastExpiry
    return key
